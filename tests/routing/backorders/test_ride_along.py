"""Ship part or wait: the street of the docstring, a minute a kilometre, checked by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from routing.model.day import DayFacts, DeliveryFacts, DepotFacts, Promised, Riding, SiteFacts
from routing.model.orders import Completeness, DeliveryDays, OrderTerms, RideRule
from routing.model.places import PinQuality
from routing.model.plans import CostScheme, Lock, Place, Problem
from routing.rules.check import violations
from routing.rules.policies import TERMS as POLICY_TERMS
from routing.rules.release import Candidate, NotReleased, ReleaseLine, ReleaseOrder, judge
from routing.rules.ride_along import (
    Added,
    Ride,
    before_a_plan,
    cheapest_ride,
    rides_by_itself,
    stop_cost,
    trip_cost,
    whole_on,
    with_visit,
)
from tests.routing.builders_plans import EPOCH, HOUR, MINUTE, between, line, plan, problem, shift, visit

PART = 7
UNLOADING = 2 * MINUTE


def street(*others: Any, **part: Any) -> tuple[Problem, Problem]:
    """The door at 4 (and others) as planned, and the same with the part of SO-7 at 5."""
    before = problem(visit(1, 4), *others, travel=line(5))
    after = with_visit(
        before,
        visit(PART, 0, **({"service_s": UNLOADING} | part)),
        place=Place(index=0, name="SO-7's door", site_id=70),
        ways={"van": line(6)},
    )
    return before, after


def facts(**changes: Any) -> DayFacts:
    empty = DayFacts(from_day="2026-03-03", to_day="2026-03-03", depots=(), sites=(), deliveries=(), shifts=())
    return replace(empty, **changes)


def ride_of(before: Problem, after: Problem, routes: dict[int, list[int]], **changes: Any) -> Ride | None:
    given: dict[str, Any] = {"facts": facts(), "now": EPOCH, "beside": {key: ("Café 4", 40) for key in routes}}
    return cheapest_ride(plan(before, routes), after, visit=PART, **(given | changes))


def test_a_part_next_door_costs_the_way_on_and_its_unloading() -> None:
    before, after = street()
    ride = ride_of(before, after, {1: [1]})
    assert ride is not None
    # Out and back are 10 km instead of 8, two minutes more, and two minutes at the door; an hour costs 3600, a km 100.
    assert ride.added == Added(4 * MINUTE, 2000, 4 * 60 + 2 * 100)
    assert (ride.shift, ride.beside, ride.beside_m) == (1, "Café 4", 40)
    assert ride.plan is not None
    assert ride.plan.routes[0].visits in ((1, PART), (PART, 1))
    assert violations(ride.plan, after) == []


def test_the_same_door_costs_its_unloading_only() -> None:
    before = problem(visit(1, 4, setup_s=3 * MINUTE), travel=line(5))
    before = replace(before, places=(*before.places[:4], replace(before.places[4], site_id=70)))
    part = visit(PART, 0, service_s=UNLOADING, setup_s=3 * MINUTE)
    after = with_visit(before, part, place=Place(index=0, name="Café 4", site_id=70), ways={})
    assert after.places == before.places
    ride = ride_of(before, after, {1: [1]}, beside={1: ("Café 4", 0)})
    assert ride is not None
    assert ride.added == Added(UNLOADING, 0, 2 * 60)
    assert ride.plan is not None
    assert len(ride.plan.routes[0].stops) == 1


def test_nothing_rides_on_a_van_that_is_full_or_has_begun_or_does_not_pass() -> None:
    before, after = street()
    small = (shift(capacity=(1,)),)
    assert ride_of(replace(before, shifts=small), replace(after, shifts=small), {1: [1]}) is None
    begun = facts(riding=(Riding(delivery_id=1, shift_id=1, position=0, state="loaded"),))
    assert ride_of(before, after, {1: [1]}, facts=begun) is None
    assert ride_of(before, after, {1: [1]}, beside={}) is None
    # The plan of yesterday evening: every place of it lies in the past.
    assert ride_of(before, after, {1: [1]}, now=EPOCH.replace(hour=20)) is None


def test_the_hours_of_both_doors_are_kept() -> None:
    # Door 4 is served by 8:04 at the latest: the part comes after it, never before.
    before, after = street()
    tight = visit(1, 4, windows=between(8 * HOUR, 8 * HOUR + 4 * MINUTE))
    before = replace(before, visits=(tight,))
    after = replace(after, visits=(tight, after.visits[-1]))
    ride = ride_of(before, after, {1: [1]})
    assert ride is not None
    assert ride.position == 1
    shut = street(windows=between(6 * HOUR, 7 * HOUR))
    assert ride_of(*shut, {1: [1]}) is None


def test_what_was_promised_to_somebody_else_is_kept() -> None:
    # Door 4 was promised 8:00-8:10, and its own hours would allow more. With the part first it would come at 8:07.
    before, after = street()
    site = SiteFacts(id=40, name="Café 4", customer="Café 4", address="", location=None, pin_quality=PinQuality.EXACT)
    other = DeliveryFacts(
        id=1, number="D-1", site_id=40, depot_id=1, for_day="2026-03-03", oldest_ordered_at=EPOCH,
        promised=Promised(day="2026-03-03", window_from="08:00", window_to="08:06"),
    )  # fmt: skip
    told = facts(deliveries=(other,), sites=(site,), depots=(DepotFacts(id=1, name="D", zone="UTC", location=None),))
    begin = (shift(start_s=8 * HOUR),)
    before, after = replace(before, shifts=begin), replace(after, shifts=begin)
    ride = ride_of(before, after, {1: [1]}, facts=told)
    assert ride is not None
    assert ride.position == 1


def test_a_place_that_a_person_fixed_stays() -> None:
    before, after = street()
    lock = (Lock(visit=1, shift=1, position=0),)
    ride = ride_of(replace(before, locks=lock), replace(after, locks=lock), {1: [1]})
    assert ride is not None
    assert ride.position == 1
    assert ride.plan is not None
    assert violations(ride.plan, replace(after, locks=lock)) == []


def test_the_cheapest_of_two_vans_takes_it_and_the_same_question_has_the_same_answer() -> None:
    vans = (shift(1, cost=CostScheme(per_hour=7200)), shift(2, cost=CostScheme(per_hour=3600)))
    before, after = street(visit(2, 4))
    before, after = replace(before, shifts=vans), replace(after, shifts=vans)
    found = [ride_of(before, after, {1: [1], 2: [2]}) for _ in range(2)]
    assert found[0] == found[1]
    assert found[0] is not None
    assert (found[0].shift, found[0].added.cost) == (2, 4 * 60)


def test_a_stop_of_its_own_costs_the_middle_of_what_the_stops_of_its_zone_add() -> None:
    # Doors at 1, 2 and 5. Those at 1 and 2 lie on the way and add their 5 min only; the one at 5 adds 6 km, 11 min.
    of = problem(visit(1, 1), visit(2, 2), visit(3, 5))
    made = plan(of, {1: [1, 2, 3]})
    assert stop_cost(made, of, {3}, of_zone=True) is not None
    far = stop_cost(made, of, {3}, of_zone=True)
    assert far is not None
    assert far.added == Added(11 * MINUTE, 6000, 11 * 60 + 600)
    usual = stop_cost(made, of, {1, 2, 3}, of_zone=True)
    assert usual is not None
    assert (usual.added, usual.stops) == (Added(5 * MINUTE, 0, 5 * 60), 3)
    assert stop_cost(made, of, {99}, of_zone=True) is None


def test_without_a_plan_a_stop_of_its_own_is_a_trip_from_the_depot_and_back() -> None:
    found = trip_cost(
        visit(PART, 5, service_s=UNLOADING), out_s=300, back_s=300, way_m=10_000, prices=CostScheme(per_hour=3600)
    )
    assert (found.added, found.stops) == (Added(720, 10_000, 720), 0)


def test_a_stop_that_is_paid_by_the_stop_is_dearer_alone_and_next_door_but_not_at_a_door_that_is_come_to_anyway() -> (
    None
):
    part, drops = visit(PART, 5, service_s=UNLOADING), CostScheme(per_hour=3600, per_stop=350)
    assert trip_cost(part, out_s=300, back_s=300, way_m=10_000, prices=drops).added.cost == 720 + 350
    next_door, same_door = (
        before_a_plan(part, beside="Café 4", beside_m=metres, way_s=metres, way_m=metres, prices=drops).added.cost
        for metres in (40, 0)
    )
    assert (next_door, same_door) == (160 + 350, 120)


@pytest.mark.parametrize(
    ("rule", "metres", "seconds", "by_itself"),
    [
        (RideRule.NEXT_DOOR, 40, 300, True),
        (RideRule.NEXT_DOOR, 40, 301, False),
        (RideRule.NEXT_DOOR, 0, 120, True),
        (RideRule.SAME_DOOR, 0, 120, True),
        (RideRule.SAME_DOOR, 1, 120, False),
        (RideRule.NEVER, 0, 0, False),
        (RideRule.ALONE, 40, 3000, True),
    ],
)
def test_the_rule_says_what_rides_by_itself(rule: RideRule, metres: int, seconds: int, by_itself: bool) -> None:
    assert rides_by_itself(rule, 5, Ride(added=Added(seconds, 0, 0), beside="Café", beside_m=metres)) is by_itself


def order(*lines: tuple[int, int, str], **values: Any) -> ReleaseOrder:
    """An order of (needed, ready, expected on) lines; `values` are of the order, or terms of it."""
    terms = {name: values.pop(name) for name in set(POLICY_TERMS) & values.keys()}
    return ReleaseOrder(
        **{
            "id": 7, "number": "SO-7", "terms": OrderTerms(**terms), "ordered_on": "2026-02-24",
            "lines": tuple(
                ReleaseLine(id=n, needed=needed, committed=0, ready=ready, price=100, expected_on=expected)
                for n, (needed, ready, expected) in enumerate(lines, start=1)
            ),
        } | values
    )  # fmt: skip


@pytest.mark.parametrize("rule", [RideRule.NEVER, RideRule.SAME_DOOR, RideRule.NEXT_DOOR])
def test_a_part_that_may_only_ride_along_stays_until_a_van_takes_it(rule: RideRule) -> None:
    given = order((12, 8, "2026-03-05"), ride_along=rule)
    stays = judge(given, for_day="2026-03-03", days=DeliveryDays())
    assert stays.reasons == (NotReleased.NO_RIDE,)
    assert judge(given, for_day="2026-03-03", days=DeliveryDays(), rides=True).units == ((1, 8),)
    whole = order((12, 12, "2026-03-03"), ride_along=rule)
    assert judge(whole, for_day="2026-03-03", days=DeliveryDays()).units == ((1, 12),)
    waited = order((12, 8, "2026-03-05"), ride_along=rule, max_wait_days=7)
    assert judge(waited, for_day="2026-03-03", days=DeliveryDays()).units == ((1, 8),)


def test_a_ride_never_overrules_what_the_order_itself_says() -> None:
    for terms, reason in (
        ({"completeness": Completeness.COMPLETE}, NotReleased.INCOMPLETE),
        ({"completeness": Completeness.PER_LINE}, NotReleased.LINE_INCOMPLETE),
        ({"min_percent": 70}, NotReleased.BELOW_MIN_PERCENT),
        ({"min_value": 801}, NotReleased.BELOW_MIN_VALUE),
        ({"max_shipments": 1}, NotReleased.LAST_SHIPMENT),
    ):
        given = order((12, 8, "2026-03-05"), ride_along=RideRule.NEXT_DOOR, **terms)
        assert judge(given, for_day="2026-03-03", days=DeliveryDays(), rides=True).reasons == (reason,)


@pytest.mark.parametrize(
    ("lines", "day"),
    [
        ([(12, 8, "2026-03-05"), (6, 6, "2026-03-03")], "2026-03-05"),
        ([(12, 8, "2026-03-05"), (6, 0, "2026-03-09")], "2026-03-09"),
        ([(12, 8, "2026-03-05"), (6, 0, "")], ""),
        ([(12, 8, "2026-02-26")], ""),  # its truck is overdue: nobody knows
    ],
)
def test_all_of_it_goes_when_the_last_missing_line_is_there(lines: list[tuple[int, int, str]], day: str) -> None:
    candidate = Candidate(
        order=order(*lines), customer="Café", site_id=1, site="Café", tier=1, ordered_at=EPOCH, units=()
    )
    assert whole_on(candidate, day="2026-03-03") == day
