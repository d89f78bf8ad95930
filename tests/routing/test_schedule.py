"""The times of a route, small enough to check by hand."""

from __future__ import annotations

import numpy as np
import pytest

from routing.errors import InvalidProblem
from routing.model.plans import Break, CostScheme, Lock, PlannedRoute, Reason, Travel, Window
from routing.rules.schedule import Failure, Timetable, schedule
from tests.routing.builders_plans import HOUR, MINUTE, between, line, pause, problem, shift, visit


def driven(*args: object, **kwargs: object) -> PlannedRoute:
    route = schedule(*args, **kwargs)
    assert isinstance(route, PlannedRoute), route
    return route


def failed(*args: object, **kwargs: object) -> Failure:
    failure = schedule(*args, **kwargs)
    assert isinstance(failure, Failure), failure
    return failure


def test_a_route_is_timed_from_loading_to_debrief() -> None:
    day = problem(visit(1, 3), visit(2, 5), shifts=(shift(loading_s=600, debrief_s=300),))
    route = driven(day, 1, [1, 2])
    trip = route.trips[0]
    assert (route.start_s, trip.departure_s) == (8 * HOUR, 8 * HOUR + 600)
    first, second = route.stops
    assert first.arrival_s == first.start_s == 8 * HOUR + 600 + 180
    assert first.departure_s == first.start_s + 300
    assert second.arrival_s == first.departure_s + 2 * MINUTE
    assert trip.return_s == second.departure_s + 5 * MINUTE
    assert route.end_s == trip.return_s + 300
    assert trip.distance_m == 10_000


def test_the_departure_moves_late_when_people_would_only_wait() -> None:
    route = driven(problem(visit(1, 3), visit(2, 5, windows=between(10 * HOUR, 11 * HOUR))), 1, [1, 2])
    first, second = route.stops
    assert second.start_s == second.arrival_s == 10 * HOUR
    assert first.start_s == 10 * HOUR - 2 * MINUTE - 5 * MINUTE
    assert route.start_s == first.start_s - 3 * MINUTE


def test_the_departure_of_a_route_under_way_is_not_moved() -> None:
    late = visit(2, 5, windows=between(10 * HOUR, 11 * HOUR))
    day = problem(visit(1, 3), late, locks=(Lock(visit=1, shift=1, position=0, done=True),))
    assert driven(day, 1, [1, 2]).start_s == 8 * HOUR


def test_the_window_binds_the_start_of_service_both_ends_inclusive() -> None:
    at_nine = between(9 * HOUR, 9 * HOUR)
    assert driven(problem(visit(1, 3, windows=at_nine)), 1, [1]).stops[0].start_s == 9 * HOUR
    assert failed(problem(visit(1, 3, windows=between(0, 8 * HOUR + 179))), 1, [1]).reason is Reason.WINDOW_UNREACHABLE
    assert driven(problem(visit(1, 3, windows=between(0, 8 * HOUR + 180))), 1, [1])


def test_the_next_window_is_taken_when_the_first_is_over() -> None:
    two = (*between(10 * HOUR, 11 * HOUR), *between(0, 8 * HOUR))
    assert driven(problem(visit(1, 3, windows=two)), 1, [1]).stops[0].start_s == 10 * HOUR


def test_setup_is_served_once_per_door() -> None:
    day = problem(visit(1, 3, setup_s=120), visit(2, 3, setup_s=120), visit(3, 4, setup_s=120))
    first, second = driven(day, 1, [1, 2, 3]).stops
    assert first.visits == (1, 2)
    assert first.departure_s - first.start_s == 120 + 2 * 300
    assert second.departure_s - second.start_s == 120 + 300


def test_a_wait_at_one_door_makes_two_stops_without_a_second_setup() -> None:
    day = problem(
        visit(1, 3, setup_s=120, windows=between(8 * HOUR, 9 * HOUR)),
        visit(2, 3, setup_s=120, windows=between(10 * HOUR, 11 * HOUR)),
    )
    first, second = driven(day, 1, [1, 2]).stops
    assert (second.arrival_s, second.start_s, second.travel_s) == (first.departure_s, 10 * HOUR, 0)
    assert second.departure_s - second.start_s == 300


def test_the_van_leaves_when_the_last_of_its_goods_is_ready() -> None:
    day = problem(visit(1, 3), visit(2, 5, ready_s=9 * HOUR), shifts=(shift(loading_s=600),))
    route = driven(day, 1, [1, 2])
    assert (route.trips[0].departure_s, route.start_s) == (9 * HOUR, 9 * HOUR - 600)
    late = problem(visit(1, 3, windows=between(0, 9 * HOUR)), visit(2, 5, ready_s=9 * HOUR))
    assert failed(late, 1, [1, 2]).reason is Reason.NOT_READY
    assert failed(late, 1, [1, 2]).visit == 2


def test_a_used_route_takes_its_break_between_two_stops() -> None:
    day = problem(visit(1, 3, service_s=HOUR), visit(2, 5, service_s=HOUR), shifts=(shift(breaks=(pause(),)),))
    route = driven(day, 1, [1, 2])
    (rest,) = route.breaks
    assert 9 * HOUR <= rest.start_s <= 10 * HOUR
    assert rest.end_s == rest.start_s + 30 * MINUTE
    assert rest.after_stop == 1
    assert route.stops[1].start_s == route.stops[0].departure_s + 2 * MINUTE + 30 * MINUTE


def test_a_break_is_taken_while_waiting_and_costs_no_time_then() -> None:
    late = visit(2, 5, windows=between(10 * HOUR, 11 * HOUR))
    early = visit(1, 3, windows=between(8 * HOUR, 8 * HOUR + 600))
    route = driven(problem(early, late, shifts=(shift(breaks=(pause(at=(9 * HOUR, 9 * HOUR)),)),)), 1, [1, 2])
    assert route.breaks[0].start_s == 9 * HOUR
    assert route.stops[1].start_s == 10 * HOUR
    assert route.stops[1].arrival_s < 9 * HOUR


def test_a_break_that_opens_on_the_way_interrupts_the_travel() -> None:
    far = Travel(
        durations_s=np.array([[0, HOUR], [HOUR, 0]], dtype=np.int64),
        distances_m=np.array([[0, 9], [9, 0]], dtype=np.int64),
    )
    must = visit(1, 1, windows=between(9 * HOUR + 1800, 9 * HOUR + 1800))
    route = driven(problem(must, travel=far, shifts=(shift(breaks=(pause(at=(8 * HOUR + 600,) * 2),)),)), 1, [1])
    assert route.breaks[0].start_s == 8 * HOUR + 600
    assert route.stops[0].arrival_s == 9 * HOUR + 1800


def test_breaks_may_be_taken_in_any_order() -> None:
    breaks = (pause(1, at=(10 * HOUR, 11 * HOUR)), pause(2, at=(8 * HOUR, 9 * HOUR), lasts=600))
    route = driven(problem(visit(1, 3), shifts=(shift(breaks=breaks),)), 1, [1])
    assert [rest.break_id for rest in route.breaks] == [2, 1]


def test_one_break_is_placed_as_the_general_rule_places_it() -> None:
    from routing.rules import schedule as rules

    generator = np.random.default_rng(1)
    for _ in range(300):
        count = int(generator.integers(1, 6))
        opens = generator.integers(0, 3000, count)
        legs = rules._Legs(
            travel=generator.integers(0, 400, count + 1).tolist(),
            metres=[0] * (count + 1),
            work=generator.integers(0, 400, count).tolist(),
            spans=[((int(a), int(a) + int(generator.integers(0, 1500))),) for a in opens],
            leave_s=0,
        )
        begin = int(generator.integers(0, 3000))
        rest = (int(generator.integers(1, 600)), ((begin, begin + int(generator.integers(0, 900))),))
        one, many = rules._place_one_break(legs, rest), rules._place_breaks(legs, [rest])
        assert isinstance(one, int) == isinstance(many, int)
        if not isinstance(one, int) and not isinstance(many, int):
            ends = [rules._forward(legs, [rest], taken, 0) for taken in (one, many)]
            assert not isinstance(ends[0], int)
            assert not isinstance(ends[1], int)
            assert ends[0][1] == ends[1][1]


def test_more_on_board_than_the_van_carries_fails_with_how_much() -> None:
    failure = failed(problem(visit(1, 3, load=(6,)), visit(2, 5, load=(7,))), 1, [1, 2])
    assert (failure.reason, failure.amount) == (Reason.CAPACITY, 3)


def test_what_is_collected_needs_the_room_of_what_was_delivered_before() -> None:
    give, take = visit(1, 3, load=(10,)), visit(2, 5, load=(0,), collect=(10,))
    assert driven(problem(give, take), 1, [1, 2]).stops[0].load == (0,)
    assert failed(problem(give, take), 1, [2, 1]).reason is Reason.CAPACITY


@pytest.mark.parametrize(
    ("changes", "of_shift", "reason"),
    [
        ({"skills": frozenset({"crane"})}, {}, Reason.SKILLS),
        ({"shifts": frozenset({9})}, {}, Reason.ACCESS),
        ({"shifts": frozenset({9}), "why_not": ((1, Reason.CREW),)}, {}, Reason.CREW),
        ({"service_s": 4 * HOUR}, {}, Reason.SHIFT_TOO_SHORT),
        ({"windows": between(13 * HOUR, 14 * HOUR)}, {}, Reason.WINDOW_UNREACHABLE),
        ({}, {"max_travel_s": 100}, Reason.DRIVER_HOURS),
        ({}, {"max_distance_m": 5999}, Reason.SHIFT_TOO_SHORT),
        ({}, {"max_stops": 0}, Reason.CAPACITY),
        ({}, {"max_visits": 0}, Reason.CAPACITY),
        ({"service_s": 3 * HOUR + 2400}, {"breaks": (pause(at=(8 * HOUR, 11 * HOUR)),)}, Reason.DRIVER_HOURS),
    ],
)
def test_a_lone_trip_fails_with_its_reason(changes: dict, of_shift: dict, reason: Reason) -> None:
    assert failed(problem(visit(1, 3, **changes), shifts=(shift(**of_shift),)), 1, [1]).reason is reason


def test_no_road_is_named() -> None:
    travel = line(3)
    travel.durations_s[0, 2] = -1
    failure = failed(problem(visit(1, 2), travel=travel), 1, [1])
    assert failure.reason is Reason.NO_ROAD
    assert "place 0" in failure.sentence


def test_a_slower_vehicle_takes_longer_rounded_up() -> None:
    route = driven(problem(visit(1, 1), shifts=(shift(speed_factor=0.7),)), 1, [1])
    assert route.stops[0].travel_s == 86


def test_a_route_may_begin_and_end_anywhere() -> None:
    route = driven(problem(visit(1, 3), visit(2, 5), shifts=(shift(start=None, end=None),)), 1, [1, 2])
    assert route.trips[0].distance_m == 2000
    assert route.trips[0].return_s == route.stops[-1].departure_s


def test_cost_is_fixed_hours_travel_and_metres() -> None:
    rates = CostScheme(fixed=5, per_hour=7200, per_km=10, per_travel_hour=3600)
    day = problem(visit(1, 3), shifts=(shift(cost=rates),))
    assert driven(day, 1, [1]).cost == 5 + 2 * (360 + 300) + 60 + 360


def test_a_done_visit_is_not_judged_by_its_window() -> None:
    missed = visit(1, 3, windows=between(0, HOUR))
    day = problem(missed, locks=(Lock(visit=1, shift=1, position=0, done=True),))
    assert driven(day, 1, [1]).stops[0].start_s == 8 * HOUR + 180


def test_too_many_breaks_and_no_speed_are_refused() -> None:
    breaks = tuple(Break(id=n, duration_s=1, windows=(Window(start_s=0, end_s=9),)) for n in range(7))
    with pytest.raises(InvalidProblem, match="7 breaks"):
        Timetable(problem(visit(1, 1), shifts=(shift(breaks=breaks),)))
    with pytest.raises(InvalidProblem, match="speed factor"):
        Timetable(problem(visit(1, 1), shifts=(shift(speed_factor=0.0),)))
