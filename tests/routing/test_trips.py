"""A shift that comes back for more: how its order is cut into trips, timed and judged. Each by hand, and each pair of
constraints in which reloading takes part.

The van of these tests carries 8, loads for 10 minutes, needs 30 between two trips and 10 at the end.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.errors import InvalidProblem
from routing.model.plans import Break, CostScheme, Lock, Plan, PlannedRoute, Problem, Reason, ShiftOffer, Shipment
from routing.rules.check import violations
from routing.rules.extra import strangers
from routing.rules.schedule import Failure, Timetable
from routing.rules.trips import MOST_TRIPS, cuts_of, reach_of
from tests.routing.builders_plans import HOUR, MINUTE, between, pause, plan, problem, shift, visit
from tests.routing.drawn_problems import problems


def van(key: int = 1, **changes: object) -> ShiftOffer:
    base = shift(key, capacity=(8,), most_trips=2, reload_s=30 * MINUTE, loading_s=600, debrief_s=600)
    return replace(base, **changes)


def route(day: Problem, *order: int) -> PlannedRoute:
    """This shift with these alone, as the checker accepts it."""
    alone = replace(
        day,
        visits=tuple(one for one in day.visits if one.id in order),
        locks=tuple(lock for lock in day.locks if lock.visit in order),
    )
    made = plan(alone, {1: list(order)})
    assert violations(made, alone) == []
    return made.routes[0]


def failing(day: Problem, *order: int) -> Failure:
    found = Timetable(day).route(1, order)
    assert isinstance(found, Failure)
    return found


def trips(of: PlannedRoute) -> list[tuple[int, ...]]:
    return [tuple(key for stop in trip.stops for key in stop.visits) for trip in of.trips]


def codes(of: Plan, day: Problem) -> set[str]:
    return {one.code for one in violations(of, day)}


def full(key: int, place: int, **changes: object) -> object:
    """Half a van full."""
    return visit(key, place, **{"load": (4,), **changes})


def test_three_half_vans_are_two_trips_with_a_reload_between_them() -> None:
    """8:00 loading, 8:10 away, 8:13 at 1 for 5 minutes, back at 8:21; reloaded at 8:51; 2 at 8:56 and 3 at 9:03, back
    at 9:15, debrief until 9:25: 85 minutes. Cutting after 1 drives 20 km, cutting after 2 would drive 24."""
    day = problem(full(1, 3), full(2, 5), full(3, 7), shifts=(van(),))
    planned = route(day, 1, 2, 3)
    assert trips(planned) == [(1,), (2, 3)]
    first, second = planned.trips
    at = 8 * HOUR
    assert (planned.start_s, first.departure_s, first.return_s) == (at, at + 10 * MINUTE, at + 21 * MINUTE)
    assert (second.departure_s, second.return_s) == (at + 51 * MINUTE, at + 75 * MINUTE)
    assert [stop.load for stop in planned.stops] == [(0,), (4,), (0,)]
    assert (planned.end_s, planned.cost) == (at + 85 * MINUTE, 1000 + 85 * 60 + 20 * 100)
    assert violations(plan(day, {1: [1, 2, 3]}), day) == []


def test_what_fits_at_once_is_one_trip() -> None:
    day = problem(full(1, 3), full(2, 5), shifts=(van(),))
    assert trips(route(day, 1, 2)) == [(1, 2)]


def test_more_than_all_trips_carry_says_how_many_it_would_need() -> None:
    day = problem(*(full(n, n) for n in range(1, 6)), shifts=(van(),))
    failure = failing(day, 1, 2, 3, 4, 5)
    assert (failure.reason, failure.visit) == (Reason.CAPACITY, 5)
    assert failure.sentence == "Shift 1 makes at most 2 trips; in this order it would need 3."


def test_one_that_no_trip_can_carry_is_named() -> None:
    day = problem(full(1, 3), full(2, 5, load=(9,)), shifts=(van(),))
    failure = failing(day, 1, 2)
    assert (failure.reason, failure.visit, failure.amount) == (Reason.CAPACITY, 2, 1)


def broken(day: Problem, **of_second: object) -> Plan:
    good = plan(day, {1: [1, 2, 3]})
    first, second = good.routes[0].trips
    return replace(good, routes=(replace(good.routes[0], trips=(first, replace(second, **of_second))),))


def test_the_checker_refuses_a_reload_that_is_too_short() -> None:
    day = problem(full(1, 3), full(2, 5), full(3, 7), shifts=(van(),))
    first = plan(day, {1: [1, 2, 3]}).routes[0].trips[0]
    assert codes(broken(day, departure_s=first.return_s + 29 * MINUTE), day) == {"reload"}


def test_the_checker_refuses_more_trips_than_allowed_and_a_second_one_of_a_van_that_makes_one() -> None:
    day = problem(full(1, 3), full(2, 5), full(3, 7), shifts=(van(capacity=(4,), most_trips=3),))
    good = plan(day, {1: [1, 2, 3]})
    assert codes(good, day) == set()
    assert codes(good, replace(day, shifts=(van(capacity=(4,)),))) == {"trips"}
    assert codes(good, replace(day, shifts=(van(capacity=(4,), most_trips=1),))) == {"order"}


def test_the_checker_refuses_a_trip_over_capacity_whatever_the_others_carry() -> None:
    day = problem(full(1, 3), full(2, 5), full(3, 7), shifts=(van(),))
    good = plan(day, {1: [1, 2, 3]})
    assert codes(good, replace(day, shifts=(van(capacity=(7,)),))) == {"capacity"}


def test_the_checker_refuses_a_second_trip_that_leaves_before_its_goods_are_there() -> None:
    day = problem(full(1, 3), full(2, 5), full(3, 7), shifts=(van(),))
    late = replace(day, visits=(*day.visits[:2], replace(day.visits[2], ready_s=9 * HOUR)))
    assert codes(plan(day, {1: [1, 2, 3]}), late) == {"ready"}


def test_a_shift_of_several_trips_needs_one_depot_and_no_shipments() -> None:
    with pytest.raises(InvalidProblem, match="does not start and end at one depot"):
        problem(visit(1, 1), shifts=(van(end=None),))
    with pytest.raises(InvalidProblem, match="Shipments"):
        problem(visit(1, 1), visit(2, 2), shifts=(van(),), shipments=(Shipment(pickup=1, delivery=2, amount=(1,)),))
    with pytest.raises(InvalidProblem, match="give 1 or more"):
        problem(visit(1, 1), shifts=(van(most_trips=0),))
    with pytest.raises(InvalidProblem, match=f"at most {MOST_TRIPS} are planned"):
        Timetable(problem(visit(1, 1), shifts=(van(most_trips=MOST_TRIPS + 1),)))


# ---------------------------------------------------------------------------- pairs


def test_reload_and_ready_time_what_comes_at_noon_rides_in_the_second_trip() -> None:
    """1 must be served by 9. The goods of 2 are there at 11: one trip would leave too late for 1. The reload ends when
    they are there, so the van is away again at 11."""
    day = problem(full(1, 3, windows=between(8 * HOUR, 9 * HOUR)), full(2, 5, ready_s=11 * HOUR), shifts=(van(),))
    planned = route(day, 1, 2)
    assert trips(planned) == [(1,), (2,)]
    assert planned.trips[1].departure_s == 11 * HOUR
    # One day later the van could not wait: what is missing is said of the goods.
    never = replace(day, visits=(day.visits[0], replace(day.visits[1], ready_s=12 * HOUR)))
    failure = failing(never, 1, 2)
    assert (failure.reason, failure.visit) == (Reason.NOT_READY, 2)


def test_reload_and_window_the_van_waits_at_the_depot_for_a_door_that_opens_late() -> None:
    day = problem(full(1, 5), full(2, 5), full(3, 3, windows=between(10 * HOUR, 11 * HOUR)), shifts=(van(),))
    planned = route(day, 1, 2, 3)
    assert trips(planned) == [(1, 2), (3,)]
    assert planned.trips[1].departure_s == 10 * HOUR - 3 * MINUTE
    assert planned.trips[1].stops[0].arrival_s == planned.trips[1].stops[0].start_s == 10 * HOUR


def test_reload_and_break_it_is_taken_on_the_way_or_at_the_depot_but_not_while_loading() -> None:
    """Back at 8:21 without it. A break that begins at 8:20 is taken on the way back: back at 8:51, away at 9:21. One
    that begins at 8:30 is taken at the depot before the reload, and the van left later for it: away at 9:30."""
    for begins, back, away in ((20, 51, 81), (30, 30, 90)):
        at = 8 * HOUR + begins * MINUTE
        day = problem(full(1, 3), full(2, 5), full(3, 7), shifts=(van(breaks=(pause(at=(at, at + 5 * MINUTE)),)),))
        planned = route(day, 1, 2, 3)
        assert trips(planned) == [(1,), (2, 3)]
        assert (planned.breaks[0].start_s, planned.breaks[0].after_stop) == (at, 1)
        assert planned.trips[0].return_s == 8 * HOUR + back * MINUTE
        assert planned.trips[1].departure_s == 8 * HOUR + away * MINUTE
    # Inside the reload there is no time for both.
    assert codes(broken(day, departure_s=9 * HOUR + 29 * MINUTE), day) == {"reload"}
    assert codes(broken(day, departure_s=8 * HOUR + 59 * MINUTE), day) == {"reload", "break_overlap"}


def test_reload_and_a_break_with_a_limit_of_load_it_is_taken_with_what_came_back_or_with_what_goes_out() -> None:
    """2 is collected from the second door and 4 delivered afterwards; with at most 3 on board the break is taken on the
    way back or at the depot, before the next 8 are loaded."""
    rest = Break(id=1, duration_s=30 * MINUTE, windows=between(8 * HOUR, 12 * HOUR), max_load=(3,))
    day = problem(
        full(1, 3), full(2, 5, collect=(2,)), full(3, 7), full(4, 7), shifts=(van(breaks=(rest,), debrief_s=0),)
    )  # fmt: skip
    planned = route(day, 1, 2, 3, 4)
    assert codes(plan(day, {1: [1, 2, 3, 4]}), day) == set()
    light = replace(day, shifts=(van(breaks=(replace(rest, max_load=(1,)),), debrief_s=0),))
    assert planned.breaks[0].after_stop in (2, 4, 3)
    assert all(each.after_stop != 1 for each in route(light, 1, 2, 3, 4).breaks)


def test_reload_and_lock_what_is_on_board_of_a_trip_is_not_in_another() -> None:
    """Without the locks the cut is after 1; with 1 and 2 on board of the first trip it is after 2."""
    day = problem(full(1, 3), full(2, 5), full(3, 7), shifts=(van(),))
    locks = (Lock(visit=1, shift=1, trip=0), Lock(visit=2, shift=1, trip=0))
    locked = replace(day, locks=locks)
    assert trips(route(locked, 1, 2, 3)) == [(1, 2), (3,)]
    assert codes(plan(day, {1: [1, 2, 3]}), locked) == {"lock"}
    failure = failing(locked, 1, 3, 2)
    assert (
        isinstance(failure, Failure) and failure.reason is Reason.CAPACITY
    ) or failure.reason is Reason.LOCKED_BY_YOU


def test_reload_and_what_has_left_a_new_delivery_joins_the_next_trip_and_a_collection_the_one_that_is_out() -> None:
    """1 is under way. 2 lies at the depot: the van comes back for it, though it would have had room. What 3 has to give
    is fetched at once."""
    locks = (Lock(visit=1, shift=1, position=0, done=True, trip=0),)
    two, three = visit(2, 5, load=(1,)), visit(3, 4, load=(0,), collect=(1,))
    day = problem(visit(1, 3, load=(1,)), two, three, shifts=(van(trips_out=1),), locks=locks)
    assert trips(route(day, 1, 2)) == [(1,), (2,)]
    assert trips(route(day, 1, 3)) == [(1, 3)]
    one_trip = plan(replace(day, shifts=(van(),)), {1: [1, 2, 3]})
    assert codes(one_trip, day) == {"lock"}
    # No trip is left for it.
    gone = replace(day, shifts=(van(trips_out=2),))
    assert isinstance(Timetable(gone).route(1, [1, 2]), Failure)


def test_reload_and_collection_what_was_fetched_is_unloaded_before_more_is_loaded() -> None:
    """8 out and 8 back, twice: never more than 8 on board. In one trip of a van for 16 it is the same."""
    day = problem(
        visit(1, 3, load=(8,), collect=(8,)), visit(2, 5, load=(8,), collect=(8,)), shifts=(van(),)
    )  # fmt: skip
    planned = route(day, 1, 2)
    assert trips(planned) == [(1,), (2,)]
    assert [stop.load for stop in planned.stops] == [(8,), (8,)]
    # What is fetched first stays on board to the end of its trip: 4 and 8 are too much together.
    first = problem(visit(1, 3, load=(0,), collect=(4,)), visit(2, 5, load=(8,)), shifts=(van(),))
    assert reach_of(first.visits, (8,)) == [1, 2]
    assert trips(route(first, 1, 2)) == [(1,), (2,)]


def test_reload_and_driver_hours_the_wheels_turn_over_all_trips() -> None:
    day = problem(full(1, 3), full(2, 5), full(3, 7), shifts=(van(max_travel_s=20 * MINUTE),))
    assert trips(route(day, 1, 2, 3)) == [(1,), (2, 3)]
    less = replace(day, shifts=(van(max_travel_s=20 * MINUTE - 1),))
    failure = failing(less, 1, 2, 3)
    assert failure.reason is Reason.DRIVER_HOURS
    assert codes(plan(day, {1: [1, 2, 3]}), less) == {"max_travel"}


def test_reload_and_limits_doors_and_metres_count_over_all_trips() -> None:
    """The same door before and after a reload is two stops."""
    day = problem(full(1, 3), full(2, 3), full(3, 3), shifts=(van(max_stops=2, max_distance_m=12_000),))
    planned = route(day, 1, 2, 3)
    assert sorted(map(len, trips(planned))) == [1, 2]
    for limit in ({"max_stops": 1}, {"max_distance_m": 11_999}, {"max_visits": 2}):
        tight = replace(day, shifts=(van(**limit),))
        assert isinstance(Timetable(tight).route(1, [1, 2, 3]), Failure)
        assert codes(plan(day, {1: [1, 2, 3]}), tight) == set(limit) - {"max_distance_m"} | (
            {"max_distance"} if "max_distance_m" in limit else set()
        )


def test_reload_and_setup_it_is_served_again_at_the_door_that_follows() -> None:
    day = problem(*(full(n, 3, setup_s=120) for n in (1, 2, 3)), shifts=(van(),))
    planned = route(day, 1, 2, 3)
    assert sum(stop.departure_s - stop.start_s for stop in planned.stops) == 3 * 5 * MINUTE + 2 * 120


def test_reload_and_a_stranger_the_same_door_after_a_reload_is_come_to_again() -> None:
    day = problem(*(full(n, 3, strangers=((1, 700),)) for n in (1, 2, 3)), shifts=(van(cost=CostScheme()),))
    planned = route(day, 1, 2, 3)
    assert planned.cost == 2 * 700
    assert sum(strangers(day, planned).values()) == planned.cost


def test_reload_and_pay_at_the_door_loading_is_paid_by_the_hour_on_duty_only() -> None:
    day = problem(full(1, 3), full(2, 5), full(3, 7), shifts=(van(cost=CostScheme(per_task_hour=3600)),))
    assert route(day, 1, 2, 3).cost == 3 * 5 * MINUTE


def test_reload_and_overtime_a_second_trip_is_made_where_it_costs_less() -> None:
    """The goods of 2 are there at 11:30. In one trip the van leaves then, and ends at 12:26 for two doors at the ends
    of the town: 26 minutes of overtime, at a price. With 1 brought in the morning it ends sooner."""
    pricey = CostScheme(per_km=100, per_overtime_hour=3_600_000)
    offer = van(end_s=12 * HOUR, overtime_s=HOUR, cost=pricey)
    day = problem(full(1, 20), full(2, 5, ready_s=11 * HOUR + 30 * MINUTE), shifts=(offer,))
    assert trips(route(day, 1, 2)) == [(1,), (2,)]
    for_free = replace(day, shifts=(replace(offer, cost=CostScheme(per_km=100)),))
    assert trips(route(for_free, 1, 2)) == [(1, 2)]


def test_reload_and_lateness_a_second_trip_is_made_where_being_late_costs_more() -> None:
    soft = (replace(between(8 * HOUR, 9 * HOUR)[0], late_s=3 * HOUR),)
    dear, cheap = 3_600_000, 1
    for price, wanted in ((dear, [(1,), (2,)]), (cheap, [(1, 2)])):
        day = problem(
            full(1, 3, windows=soft, late_per_hour=price), full(2, 5, ready_s=10 * HOUR), shifts=(van(),)
        )  # fmt: skip
        assert trips(route(day, 1, 2)) == wanted


# ---------------------------------------------------------------------------- any problem


@given(day=problems(most=6), draw=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_cut_into_trips_passes_the_checker_and_no_other_cut_is_better(
    day: Problem, draw: st.DataObject
) -> None:
    again = [one for one in day.shifts if one.most_trips > 1]
    if not again or not day.visits:
        return
    offer = draw.draw(st.sampled_from(again))
    chosen = draw.draw(st.lists(st.sampled_from([one.id for one in day.visits]), unique=True, min_size=1, max_size=4))
    alone = replace(
        day,
        visits=tuple(one for one in day.visits if one.id in chosen),
        locks=tuple(lock for lock in day.locks if lock.visit in chosen and lock.shift == offer.id),
    )
    alone = replace(alone, locks=tuple(replace(lock, position=None) for lock in alone.locks))
    table = Timetable(alone)
    for order in permutations(chosen):
        found = table.route(offer.id, order)
        times = table.times(offer.id, order)
        assert (times is None) == isinstance(found, Failure)
        if isinstance(found, Failure) or times is None:
            continue
        assert violations(plan(alone, {offer.id: list(order)}), alone) == []
        assert len(found.trips) <= offer.most_trips
        assert all(one.return_s + offer.reload_s <= other.departure_s for one, other in pairwise(found.trips))
        # With as many trips no other way of cutting costs less.
        visits = [table.visits[key] for key in order]
        for cuts in cuts_of([len(order)] * len(order), len(found.trips)):
            fits = all(
                reach_of(visits[a:b], offer.capacity)[0] == b - a for a, b in pairwise((0, *cuts, len(order)))
            )  # fmt: skip
            other = table._tried(offer, visits, cuts) if fits else None
            assert other is None or other.cost >= found.cost
