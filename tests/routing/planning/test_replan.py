"""What happens on the day, in minutes that can be counted. Door k lies k minutes from the depot; a minute costs 60."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings

from routing.model.day import DayFacts, DeliveryFacts, DepotFacts, PlanPrices, Promised, Riding, SiteFacts
from routing.model.fleet import Shift, Vehicle
from routing.model.places import Location, PinQuality
from routing.model.plans import Lock, Plan, Problem
from routing.rules.changes import effect_of_move, orders_of
from routing.rules.check import violations
from routing.rules.driver_out import OutKind, left_behind, meet
from routing.rules.locks import as_the_day_stands
from routing.rules.reasons import why_left_out
from routing.rules.replan import (
    cancelled,
    fitting,
    goods_later,
    only_vans_that_are_here,
    smaller,
    urgent_in,
    with_van,
)
from tests.routing.builders_plans import EPOCH, HOUR, MINUTE, plan, problem, shift, visit
from tests.routing.planning.test_driver_out import days

HERE = Location(lat=60.0, lon=25.0)
EIGHT = 8 * HOUR


def facts(*ids: int, vans: int = 1, riding: tuple[Riding, ...] = ()) -> DayFacts:
    return DayFacts(
        from_day="2026-03-03",
        to_day="2026-03-03",
        depots=(DepotFacts(id=1, name="Depot 1", zone="UTC", location=HERE),),
        sites=tuple(
            SiteFacts(
                id=key, name=f"Café {key}", customer=f"Café {key}", address="", location=HERE,
                pin_quality=PinQuality.EXACT,
            )
            for key in ids
        ),
        deliveries=tuple(
            DeliveryFacts(
                id=key, number=f"D-{key}", site_id=key, depot_id=1, for_day="2026-03-03",
                oldest_ordered_at=datetime(2026, 3, 1, tzinfo=UTC),
            )
            for key in ids
        ),
        shifts=tuple(
            Shift(
                id=n, day="2026-03-03", depot_id=1, starts="08:00", ends="12:00",
                vehicle=Vehicle(id=n, name=f"Van {n}", depot_id=1, profile="van", pieces=10),
            )
            for n in range(1, vans + 1)
        ),
        riding=riding,
    )  # fmt: skip


def tomorrow(_key: int) -> str:
    return "2026-03-04"


def planned(of: Problem, routes: dict[int, list[int]]) -> Plan:
    found = plan(of, routes)
    return replace(found, unassigned=why_left_out(of, found))


def test_an_urgent_order_on_the_way_costs_five_minutes() -> None:
    """The van drives to door 10 and back. Door 5 lies on the way: five minutes of service, 300 in cost."""
    of = problem(visit(1, 10, name="D-1"), visit(2, 5, name="D-2", tier=3))
    held = planned(of, {1: [1]})
    best, waits = urgent_in(held, of, facts(1, 2), delivery=2, next_day=tomorrow)
    assert (best.kind, best.cost, best.left_out) == (OutKind.FITS_IN, 300, ())
    assert (waits.kind, waits.cost, waits.postponed) == (OutKind.NEXT_DAY, 0, (2,))
    assert violations(best.plan, best.problem) == []


def test_where_it_fits_nowhere_the_lowest_gives_its_turn_and_nobody_higher() -> None:
    of = problem(
        visit(1, 10, service_s=15 * MINUTE, name="D-1", tier=2),
        visit(2, 10, service_s=15 * MINUTE, name="D-2", tier=1),
        visit(3, 10, service_s=15 * MINUTE, name="D-3", tier=1),
        shifts=(shift(1, end_s=EIGHT + 50 * MINUTE),),
    )
    turn, waits = urgent_in(planned(of, {1: [1, 2]}), of, facts(1, 2, 3), delivery=3, next_day=tomorrow)
    assert turn.kind is OutKind.IN_ANOTHERS_TURN
    assert orders_of(turn.plan) == {1: (1, 3)}
    assert [gone.detail for gone in turn.left_out] == ["D-2 gives way to D-3."]
    assert waits.kind is OutKind.NEXT_DAY


def test_a_cancelled_stop_gives_its_time_to_who_waits() -> None:
    of = problem(
        visit(1, 10, service_s=15 * MINUTE, name="D-1"),
        visit(2, 12, service_s=15 * MINUTE, name="D-2"),
        shifts=(shift(1, end_s=EIGHT + 45 * MINUTE),),
    )
    stays, filled = cancelled(planned(of, {1: [1]}), of, facts(1, 2), delivery=1, next_day=tomorrow)
    assert (stays.kind, orders_of(stays.plan)) == (OutKind.STAYS_HERE, {})
    assert (filled.kind, orders_of(filled.plan), filled.postponed) == (OutKind.FILLED, {1: (2,)}, (1,))


def test_who_cancelled_is_owed_no_promise_and_is_not_told() -> None:
    of = problem(visit(1, 10, name="D-1"), visit(2, 20, name="D-2"))
    day = facts(1, 2)
    day = replace(day, deliveries=tuple(replace(each, promised=Promised(day="2026-03-03")) for each in day.deliveries))
    (stays,) = cancelled(planned(of, {1: [1, 2]}), of, day, delivery=1, next_day=tomorrow)
    assert stays.promises_broken == ()
    assert "Café 1" not in stays.told


def test_of_one_tier_the_bulkier_leaves_a_smaller_van_first_and_a_lower_tier_before_it() -> None:
    of = problem(
        visit(1, 1, load=(4,), tier=2), visit(2, 2, load=(3,), tier=1), visit(3, 3, load=(2,), tier=1),
        shifts=(shift(1, capacity=(6,)),),
    )  # fmt: skip
    assert fitting(of, 1, [1, 2, 3]) == ([1, 3], [2])
    tight = replace(of, shifts=(shift(1, capacity=(5,)),))
    assert fitting(tight, 1, [1, 2, 3]) == ([1], [2, 3])


def test_what_no_longer_fits_a_smaller_van_is_shared_or_waits() -> None:
    of = problem(
        visit(1, 5, load=(0, 0, 4), collect=(0, 0, 0), name="D-1", tier=2),
        visit(2, 10, load=(0, 0, 3), collect=(0, 0, 0), name="D-2", tier=1),
        shifts=(shift(1, capacity=(1, 1, 10)), shift(2, capacity=(1, 1, 10))),
        dimensions=("weight_g", "volume_cm3", "pieces"),
    )
    small = Vehicle(id=9, name="Van 9", depot_id=1, profile="van", pieces=4)
    day = facts(1, 2, vans=2)
    share, later = smaller(
        planned(of, {1: [1, 2]}), of, day, shift=day.shifts[0], vans=[small], next_day=tomorrow
    )  # fmt: skip
    assert (share.kind, share.left_out, share.stops_moved) == (OutKind.OTHER_VAN, (), 1)
    assert orders_of(share.plan) == {1: (1,), 2: (2,)}
    assert (later.kind, later.postponed) == (OutKind.OTHER_VAN_LATER, (2,))
    assert later.cost < 0


def test_another_van_brings_only_to_doors_that_let_it_come() -> None:
    of = problem(
        visit(1, 5, load=(0, 0, 4), collect=(0, 0, 0), name="D-1"),
        visit(2, 10, load=(0, 0, 3), collect=(0, 0, 0), name="D-2"),
        shifts=(shift(1, capacity=(1, 1, 10)),), dimensions=("weight_g", "volume_cm3", "pieces"),
    )  # fmt: skip
    day = facts(1, 2, vans=1)
    day = replace(day, sites=tuple(replace(each, vehicles=("V-1",)) if each.id == 2 else each for each in day.sites))
    other = Vehicle(id=9, number="V-9", name="Van 9", depot_id=1, profile="van", pieces=10)
    assert [each.shifts for each in with_van(of, day, day.shifts[0], other).visits] == [frozenset({1}), frozenset()]
    named = replace(other, number="V-1")
    assert [each.shifts for each in with_van(of, day, day.shifts[0], named).visits] == [frozenset({1})] * 2


def test_another_vehicle_is_bound_by_the_hours_of_a_street_as_its_kind_is() -> None:
    of = problem(visit(1, 5, load=(0, 0, 4), collect=(0, 0, 0)), shifts=(shift(1, capacity=(1, 1, 10)),),
                 dimensions=("weight_g", "volume_cm3", "pieces"))  # fmt: skip
    day, of = facts(1, vans=1), replace(of, travel=of.travel | {"cargo_bike": of.travel["van"]})
    for profile, motor in (("van", True), ("cargo_bike", False)):
        other = Vehicle(id=9, name="Other 9", depot_id=1, profile=profile)
        assert with_van(of, day, day.shifts[0], other).shifts[0].motor is motor


def test_another_van_is_off_the_run_of_a_door_whose_own_van_goes_out() -> None:
    of = problem(
        visit(1, 5, load=(0, 0, 4), collect=(0, 0, 0)), visit(2, 10, load=(0, 0, 3), collect=(0, 0, 0)),
        shifts=(shift(1, capacity=(1, 1, 10)), shift(2, capacity=(1, 1, 10))),
        dimensions=("weight_g", "volume_cm3", "pieces"),
    )  # fmt: skip
    day = facts(1, 2, vans=2)
    number = {1: "V-1", 2: "V-2"}
    day = replace(
        day, prices=PlanPrices(runs="sequence", off_run=7),
        shifts=tuple(replace(each, vehicle=replace(each.vehicle, number=number[each.id])) for each in day.shifts),
        sites=tuple(replace(each, run=number[each.id]) for each in day.sites),
    )  # fmt: skip
    other = Vehicle(id=9, number="V-9", name="Van 9", depot_id=1, profile="van", pieces=10)
    # Door 1 is of the van that stays at home: nobody is waited for there.
    assert [each.off_run for each in with_van(of, day, day.shifts[0], other).visits] == [(), ((1, 7_000),)]


def test_goods_of_ten_hold_their_van_until_ten_or_change_to_one_that_leaves_later() -> None:
    """Van 1 works until 12 and may wait; were it only until 10, nothing but tomorrow is left."""
    of = problem(visit(1, 10, name="D-1"), visit(2, 20, name="D-2"))
    held = planned(of, {1: [1, 2]})
    ten = EPOCH + timedelta(hours=10)
    found = goods_later(held, of, facts(1, 2), deliveries=[1], ready=ten, next_day=tomorrow)
    assert [each.kind for each in found] == [OutKind.WAITS, OutKind.NEXT_DAY]
    assert found[0].plan.routes[0].trips[0].departure_s >= 10 * HOUR
    short = problem(visit(1, 10, name="D-1"), visit(2, 20, name="D-2"), shifts=(shift(1, end_s=10 * HOUR),))
    (only,) = goods_later(planned(short, {1: [1, 2]}), short, facts(1, 2), deliveries=[1], ready=ten, next_day=tomorrow)
    assert (only.kind, only.postponed, orders_of(only.plan)) == (OutKind.NEXT_DAY, (1,), {1: (2,)})


def test_what_lies_at_the_depot_goes_with_no_van_that_left() -> None:
    of = problem(visit(1, 5), visit(2, 10), shifts=(shift(1), shift(2)), locks=(Lock(visit=1, shift=1),))
    out = (Riding(delivery_id=1, shift_id=1, position=0, state="dispatched"),)
    barred = only_vans_that_are_here(of, facts(1, 2, vans=2, riding=out))
    assert [each.shifts for each in barred.visits] == [None, frozenset({2})]


def test_what_lies_at_the_depot_goes_with_a_van_that_left_and_comes_back() -> None:
    again = shift(1, most_trips=2, reload_s=30 * MINUTE)
    of = problem(visit(1, 5), visit(2, 10), shifts=(again, shift(2)))
    held = planned(of, {1: [1]})
    out = (Riding(delivery_id=1, shift_id=1, position=0, state="dispatched"),)
    day = facts(1, 2, vans=2, riding=out)
    now = as_the_day_stands(of, day, held)
    assert (now.shifts[0].trips_out, now.locks) == (1, (Lock(visit=1, shift=1, trip=0),))
    here = only_vans_that_are_here(now, day)
    assert [each.shifts for each in here.visits] == [None, None]
    back = replace(here, shifts=here.shifts[:1])
    (found, *_) = urgent_in(held, back, day, delivery=2, next_day=tomorrow)
    assert [[key for stop in trip.stops for key in stop.visits] for trip in found.plan.routes[0].trips] == [[1], [2]]
    # What is on board may change its turn, but not its trip.
    whole = planned(back, {1: [1, 2]})
    moved = effect_of_move(whole, back, facts=day, delivery=1, to_shift=1, position=1)
    assert moved.plan is None
    assert "on board of one trip" in moved.violations[0]


def test_of_a_van_that_comes_back_only_what_is_on_board_is_met_or_comes_back() -> None:
    """1 is on board, 2 lies at the depot for the second trip: the other van takes it there."""
    of = problem(
        visit(1, 5), visit(2, 10, load=(10,)), shifts=(shift(1, most_trips=2, reload_s=30 * MINUTE), shift(2))
    )  # fmt: skip
    out = (Riding(delivery_id=1, shift_id=1, position=0, state="loaded"),)
    held = planned(of, {1: [1, 2]})
    assert len(held.routes[0].trips) == 2
    day = facts(1, 2, vans=2, riding=out)
    now = as_the_day_stands(of, day, held)
    back = left_behind(held, now, day, shift=day.shifts[0], kind=OutKind.BACK_TO_DEPOT)
    assert orders_of(back.plan) == {2: (2,)}
    assert [gone.visit for gone in back.plan.unassigned] == [1]
    assert violations(back.plan, back.problem) == []
    met = meet(held, now, day, shift=day.shifts[0], via=day.shifts[1])
    assert met is not None
    assert 1 in orders_of(met.plan)[2]
    assert violations(met.plan, met.problem) == []


@settings(max_examples=60, deadline=None)
@given(days())
def test_whoever_is_not_concerned_keeps_van_and_turn(drawn: tuple[Problem, Plan]) -> None:
    """Of any day: who comes in urgently moves nobody to another van, and every way out holds."""
    of, held = drawn
    ids = [each.id for each in of.visits]
    day = replace(facts(*ids, vans=3), shifts=facts(*ids, vans=3).shifts[: len(of.shifts)])
    served = {key for order in orders_of(held).values() for key in order}
    for key in [key for key in ids if key not in served][:2]:
        for each in urgent_in(held, of, day, delivery=key, next_day=tomorrow):
            assert violations(each.plan, each.problem) == []
            for shift_id, order in orders_of(each.plan).items():
                before = orders_of(held).get(shift_id, ())
                assert [one for one in order if one != key] == [one for one in before if one in set(order)]
    for key in sorted(served)[:2]:
        for each in cancelled(held, of, day, delivery=key, next_day=tomorrow):
            assert violations(each.plan, each.problem) == []
            assert key not in {one for order in orders_of(each.plan).values() for one in order}
