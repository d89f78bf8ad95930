"""What would fit what was left out, and what an order costs. Door k lies k minutes from the depot."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings

from routing.model.day import DayFacts, DeliveryFacts, DepotFacts, Listed, PlanPrices, Riding, SiteFacts
from routing.model.fleet import Driver, Shift, Vehicle
from routing.model.places import Location, PinQuality
from routing.model.plans import Plan, Problem
from routing.rules.changes import orders_of
from routing.rules.check import violations
from routing.rules.fixes import Fix, fixes, fixes_with, price_of
from routing.rules.reasons import why_left_out
from tests.routing.builders_plans import EPOCH, HOUR, MINUTE, between, plan, problem, shift, visit
from tests.routing.planning.test_driver_out import days

EIGHT = 8 * HOUR
EARLY = EPOCH + timedelta(hours=5)


def day(*, ends: str = "08:30", riding: bool = False) -> DayFacts:
    return DayFacts(
        from_day="2026-03-03",
        to_day="2026-03-03",
        depots=(DepotFacts(id=1, name="Depot 1", zone="UTC", location=Location(lat=60.0, lon=25.0)),),
        sites=(),
        deliveries=(),
        shifts=(
            Shift(
                id=1, day="2026-03-03", depot_id=1, starts="08:00", ends=ends,
                vehicle=Vehicle(id=1, number="V-1", name="Van 2", depot_id=1),
                driver=Driver(id=1, name="Driver 1", depot_id=1),
            ),
        ),
        riding=(Riding(delivery_id=1, shift_id=1, position=0, state="loaded"),) if riding else (),
    )  # fmt: skip


def planned(of: Problem, routes: dict[int, list[int]]) -> Plan:
    found = plan(of, routes)
    return replace(found, unassigned=why_left_out(of, found))


def half_an_hour(*more: int, **changes: object) -> tuple[Problem, Plan]:
    """Doors 5, and others of ten minutes' drive; the van has half an hour: only the first is served."""
    of = problem(
        visit(1, 5, name="D-1"),
        *(visit(n, place, name=f"D-{n}", **changes) for n, place in enumerate(more, 2)),
        shifts=(shift(1, end_s=EIGHT + 30 * MINUTE),),
    )
    return of, planned(of, {1: [1]})


def found(of: Problem, held: Plan, *, now: datetime = EARLY, riding: bool = False) -> tuple[Fix, ...]:
    result = fixes(held, of, day(riding=riding), now=now)
    for each in result:
        assert violations(each.plan, each.problem) == []
        assert set(each.gained) <= {gone.visit for gone in held.unassigned}
    return result


def test_longer_hours_serve_more_and_say_how_many_and_for_what_money() -> None:
    # By 08:15 it is home from the first. Doors 5, 12 and 13 are 13 minutes out, 13 back, and 15 of service.
    of, held = half_an_hour(12, 13)
    first = found(of, held)[0]
    assert (first.vehicle, first.starts, first.ends, first.earlier) == ("Van 2", "08:00", "09:00", False)
    assert set(first.names) == {"D-2", "D-3"}
    # 41 minutes instead of 15 at 3600 an hour, 26 km instead of 10 at 100.
    assert first.cost == 26 * 60 + 16 * 100


def test_no_longer_than_it_takes() -> None:
    of, held = half_an_hour(12, 13)
    assert {each.ends for each in found(of, held) if not each.earlier} == {"09:00"}, "09:30 serves nobody more"


def test_an_earlier_start_is_offered_while_it_lies_ahead() -> None:
    of, held = half_an_hour(12, windows=between(0, EIGHT))
    early = found(of, held)
    assert [(each.starts, each.ends, each.names) for each in early] == [("07:30", "08:30", ("D-2",))]
    assert found(of, held, now=EPOCH + timedelta(hours=7, minutes=45)) == ()


def test_a_van_that_is_loaded_keeps_its_hours() -> None:
    of, held = half_an_hour(12)
    assert found(of, held, riding=True) == ()


def test_what_no_hours_can_help_is_offered_nothing() -> None:
    of, held = half_an_hour(12, skills=frozenset({"crane"}))
    assert found(of, held) == ()


def test_of_one_delivery_the_cheapest_fix_comes_first() -> None:
    of, held = half_an_hour(12, 40)
    all_of_them = [each for each in found(of, held) if not each.earlier]
    assert [each.ends for each in fixes_with(all_of_them, 2)] == ["09:00", "10:00"]
    assert [each.ends for each in fixes_with(all_of_them, 3)] == ["10:00"]
    assert fixes_with(all_of_them, 1) == ()


def test_an_urgent_order_costs_the_normal_ones_it_keeps_out() -> None:
    # The urgent one is 20 minutes away: 45 minutes there and back. In that time the van could serve 2, 3 and 4.
    of = problem(
        visit(1, 20, name="SO-17", tier=3),
        *(visit(n, n, name=f"D-{n}", service_s=8 * MINUTE) for n in (2, 3, 4)),
        shifts=(shift(1, end_s=EIGHT + 46 * MINUTE),),
    )
    held = planned(of, {1: [1]})
    price = price_of(held, of, 1)
    assert price is not None
    assert set(price.names) == {"D-2", "D-3", "D-4"}
    assert price.cost == held.cost
    assert price_of(held, of, 2) is None


def test_an_order_of_the_lowest_tier_keeps_nobody_out() -> None:
    of, held = half_an_hour(12)
    price = price_of(held, of, 1)
    assert price is not None
    assert price.instead == ()


@settings(max_examples=30, deadline=None)
@given(days())
def test_a_fix_moves_nobody_and_serves_what_it_says(drawn: tuple[Problem, Plan]) -> None:
    of, held = drawn
    facts = replace(
        day(),
        shifts=tuple(
            Shift(
                id=each.id, day="2026-05-12", depot_id=1, starts="00:00", ends="09:00",
                vehicle=Vehicle(id=each.id, name=f"Van {each.id}", depot_id=1),
            )
            for each in of.shifts
        ),
    )  # fmt: skip
    for fix in fixes(held, of, facts, now=datetime(2026, 5, 11, tzinfo=UTC)):
        assert violations(fix.plan, fix.problem) == []
        before, after = orders_of(held), orders_of(fix.plan)
        for key, order in before.items():
            assert tuple(visit for visit in after[key] if visit not in fix.gained) == order
        assert {v for o in after.values() for v in o} - {v for o in before.values() for v in o} == set(fix.gained)


# ---------------------------------------------------------------------------- another van


def with_a_spare(
    of: Problem,
    held: Plan,
    *,
    site: dict[str, object] | None = None,
    prices: PlanPrices = PlanPrices(),  # noqa: B008
    listed: Listed | None = None,
    **spare: object,
) -> tuple[Fix, ...]:
    """What a second van of the depot would bring, with Driver 2 at its wheel; every door is the one site."""
    door = SiteFacts(
        **{"id": 1, "name": "Café 1", "customer": "Customer 1", "address": "Testgatan 1", "location": None,
           "pin_quality": PinQuality.EXACT, **(site or {})},
    )  # fmt: skip
    facts = replace(
        day(),
        prices=prices,
        sites=(door,),
        deliveries=tuple(
            DeliveryFacts(
                id=visit.id,
                number=visit.name,
                site_id=1,
                depot_id=1,
                for_day="2026-03-03",
                oldest_ordered_at=EARLY,
                listed=listed,
            )
            for visit in of.visits
        ),
    )
    none = (0, 0)
    visits = tuple(replace(each, load=(*each.load, *none), collect=(*each.collect, *none)) for each in of.visits)
    offers = tuple(replace(each, capacity=(*each.capacity, *none)) for each in of.shifts)
    of = replace(of, dimensions=("weight_g", "volume_cm3", "pieces"), visits=visits, shifts=offers)
    held = planned(of, {1: [1]})
    van = replace(
        facts.shifts[0],
        **{"id": -1, "ends": "17:00",
           "vehicle": Vehicle(id=2, number="V-3", name="Van 3", depot_id=1, profile="van"),
           "driver": Driver(id=2, name="Driver 2", depot_id=1, number="F2"), **spare},
    )  # fmt: skip
    result = tuple(each for each in fixes(held, of, facts, now=EARLY, spares=[van]) if each.added is not None)
    for each in result:
        assert violations(each.plan, each.problem) == []
    return result


def test_another_van_is_held_to_the_limits_of_its_shift() -> None:
    of, held = half_an_hour(12, 13, 14)
    assert [len(each.gained) for each in with_a_spare(of, held)] == [3]
    assert [len(each.gained) for each in with_a_spare(of, held, max_stops=2)] == [2]
    # There and back to door 12 are 24 km, to door 13 two more.
    assert [each.names for each in with_a_spare(of, held, max_distance_m=25_000)] == [("D-2",)]


def test_another_van_whose_driver_does_not_know_the_door_costs_what_that_costs() -> None:
    of, held = half_an_hour(12)
    (known,) = with_a_spare(of, held, site={"known_to": ("F2",), "stranger_price": 500})
    (new,) = with_a_spare(of, held, site={"known_to": ("F1",), "stranger_price": 500})
    assert new.cost == known.cost + 500 * 1000


def test_another_van_keeps_to_the_hours_of_a_street() -> None:
    """Door 12 can be reached at 8:12; its street closes to motor vehicles at 8:10, and is open to bikes."""
    of, held = half_an_hour(12)
    street = between(0, 8 * HOUR + 10 * MINUTE)
    closed = replace(
        of,
        visits=tuple(replace(each, motor_windows=street) for each in of.visits),
        travel=of.travel | {"cargo_bike": of.travel["van"]},
    )
    bike = Vehicle(id=2, number="V-3", name="Bike 3", depot_id=1, profile="cargo_bike")
    assert [each.names for each in with_a_spare(of, held)] == [("D-2",)]
    assert with_a_spare(closed, held) == ()
    assert [each.names for each in with_a_spare(closed, held, vehicle=bike)] == [("D-2",)]


def test_another_van_that_brings_what_is_on_a_list_costs_what_that_costs() -> None:
    """The list is that of Driver 1, whose van is full, or of somebody who does not drive that day."""
    of, held = half_an_hour(12)
    (free,) = with_a_spare(of, held)
    for of_driver, price in ((1, 500), (99, 0)):
        mine = Listed(driver_id=of_driver, day="2026-03-03")
        (found,) = with_a_spare(of, held, listed=mine, prices=PlanPrices(change=500))
        assert found.cost == free.cost + price * 1000, of_driver


def test_another_van_that_is_off_the_run_of_the_door_costs_what_that_costs() -> None:
    """Van 2 (V-1) is on duty and full; the spare van is Van 3 (V-3)."""
    of, held = half_an_hour(12)
    bound = PlanPrices(runs="sequence", off_run=500)
    (free,) = with_a_spare(of, held, site={"run": "V-1"})
    (off,) = with_a_spare(of, held, site={"run": "V-1"}, prices=bound)
    (own,) = with_a_spare(of, held, site={"run": "V-3"}, prices=bound)
    assert (off.cost, own.cost) == (free.cost + 500 * 1000, free.cost)
