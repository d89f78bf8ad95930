"""The times of a route, small enough to check by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from routing.errors import InvalidProblem
from routing.model.plans import (
    Break,
    CostScheme,
    Lock,
    PlannedRoute,
    Reason,
    Shipment,
    SpeedSlice,
    Travel,
    Visit,
    Window,
)
from routing.rules.legs import Legs, forward, place_breaks, place_one_break
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
    generator = np.random.default_rng(1)
    for _ in range(300):
        count = int(generator.integers(1, 6))
        opens = generator.integers(0, 3000, count)
        legs = Legs(
            travel=generator.integers(0, 400, count + 1).tolist(),
            metres=[0] * (count + 1),
            work=generator.integers(0, 400, count).tolist(),
            spans=[((int(a), int(a) + int(generator.integers(0, 1500))),) for a in opens],
            leave_s=0,
            soft=[],
            barred=[],
        )
        begin = int(generator.integers(0, 3000))
        rest = (int(generator.integers(1, 600)), ((begin, begin + int(generator.integers(0, 900))),))
        one, many = place_one_break(legs, rest), place_breaks(legs, [rest])
        assert isinstance(one, int) == isinstance(many, int)
        if not isinstance(one, int) and not isinstance(many, int):
            ends = [forward(legs, [rest], taken, 0) for taken in (one, many)]
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


def test_overtime_is_paid_on_top_of_the_hour_and_ends() -> None:
    """Two hours and 20 minutes of work from 8:00 in a shift until 10:00: 20 minutes at 18.00 an hour are 6.00."""
    rates = CostScheme(per_hour=36_000, per_overtime_hour=18_000)
    work = visit(1, 10, service_s=2 * HOUR)
    assert failed(problem(work, shifts=(shift(end_s=10 * HOUR, cost=rates),)), 1, [1]).amount == 20 * MINUTE
    longer = shift(end_s=10 * HOUR, overtime_s=20 * MINUTE, cost=rates)
    assert driven(problem(work, shifts=(longer,)), 1, [1]).cost == 36_000 * 7 // 3 + 6_000
    failure = failed(problem(replace(work, service_s=2 * HOUR + 1), shifts=(longer,)), 1, [1])
    assert (failure.reason, failure.amount) == (Reason.SHIFT_TOO_SHORT, 1)
    assert "overtime" in failure.sentence


def soft(closes: int, late: int = 10 * MINUTE, opens: int = 0) -> tuple[Window, ...]:
    return (Window(start_s=opens, end_s=closes, late_s=late),)


def test_a_door_is_reached_late_at_its_price_and_not_later() -> None:
    """Place 20 is reached at 8:20. It closes at 8:12: eight minutes at 60.00 an hour are 8.00."""
    late = visit(1, 20, windows=soft(8 * HOUR + 12 * MINUTE), late_per_hour=60_000)
    nothing = shift(cost=CostScheme())
    assert driven(problem(late, shifts=(nothing,)), 1, [1]).cost == 8_000
    too_late = replace(late, windows=soft(8 * HOUR + 9 * MINUTE))
    assert failed(problem(too_late, shifts=(nothing,)), 1, [1]).reason is Reason.WINDOW_UNREACHABLE


def test_nobody_waits_for_the_next_hours_while_the_door_takes_late_goods() -> None:
    hours = (*soft(8 * HOUR + 12 * MINUTE), Window(start_s=9 * HOUR, end_s=10 * HOUR))
    day = problem(visit(1, 20, windows=hours, late_per_hour=60_000), visit(2, 5))
    assert driven(day, 1, [1]).stops[0].start_s == 8 * HOUR + 20 * MINUTE
    # By way of place 5, with its five minutes and the way back and forth, it comes after the ten minutes.
    assert driven(day, 1, [2, 1]).stops[1].start_s == 9 * HOUR


def test_leaving_later_makes_nobody_late_nor_later() -> None:
    """The second door opens at 11:00. The van could leave later, up to the end of the first one's hours."""
    waits = visit(2, 20, windows=between(11 * HOUR, 12 * HOUR))
    first = visit(1, 20, windows=soft(8 * HOUR + 30 * MINUTE), service_s=0, late_per_hour=1)
    day = problem(first, replace(waits, place=10))
    assert driven(day, 1, [1, 2]).trips[0].departure_s == 8 * HOUR + 10 * MINUTE
    missed = replace(first, windows=soft(8 * HOUR + 15 * MINUTE))
    assert driven(problem(missed, replace(waits, place=10)), 1, [1, 2]).trips[0].departure_s == 8 * HOUR


def test_a_break_is_taken_where_it_makes_nobody_late() -> None:
    """The door closes at 9:00, the break may begin from 8:30 to 10:00, and the day ends at the same time either way."""
    door = visit(1, 50, windows=soft(9 * HOUR, 30 * MINUTE), late_per_hour=60_000)
    route = driven(problem(door, shifts=(shift(breaks=(pause(at=(8 * HOUR + 30 * MINUTE, 10 * HOUR)),)),)), 1, [1])
    assert (route.breaks[0].after_stop, route.stops[0].start_s) == (1, 8 * HOUR + 50 * MINUTE)


def test_each_delivery_of_a_stop_is_late_by_itself() -> None:
    """Both wait behind one door that closes at 8:03; the second begins five minutes after the first, at 8:08."""
    both = [visit(key, 3, windows=soft(8 * HOUR + 3 * MINUTE), late_per_hour=60_000) for key in (1, 2)]
    assert driven(problem(*both, shifts=(shift(cost=CostScheme()),)), 1, [1, 2]).cost == 5_000


def test_a_driver_who_is_new_to_a_door_costs_its_price_once_a_stop() -> None:
    """Two deliveries at door 3, one at door 5: the driver of shift 1 knows neither, at 2.00 and 3.00."""
    day = problem(
        *(visit(key, 3, strangers=((1, 2_000),)) for key in (1, 2)), visit(3, 5, strangers=((1, 3_000), (2, 9_000))),
        shifts=(shift(cost=CostScheme()), shift(2, cost=CostScheme())),
    )  # fmt: skip
    assert driven(day, 1, [1, 2, 3]).cost == 5_000
    assert driven(day, 1, [1, 3, 2]).cost == 7_000
    assert driven(day, 2, [1, 2]).cost == 0


def test_a_stop_costs_its_price_whenever_the_route_comes_to_a_door_however_many_deliveries_are_there() -> None:
    """3.50 a stop: two deliveries at door 3, one at door 5, which the driver of shift 1 does not know, at 3.00."""
    drops = shift(cost=CostScheme(per_stop=3_500))
    day = problem(*(visit(key, 3) for key in (1, 2)), visit(3, 5, strangers=((1, 3_000),)), shifts=(drops, shift(2)))
    assert driven(day, 1, [1, 2]).cost == 3_500
    assert driven(day, 1, [1, 2, 3]).cost == 2 * 3_500 + 3_000
    assert driven(day, 1, [1, 3, 2]).cost == 3 * 3_500 + 3_000
    # A wait between the two makes two stops for the page, and one that is paid.
    early, late = between(8 * HOUR, 9 * HOUR), between(10 * HOUR, 11 * HOUR)
    later = problem(visit(1, 3, windows=early), visit(2, 3, windows=late), shifts=(drops,))
    made = driven(later, 1, [1, 2])
    assert len(made.stops) == 2
    assert made.cost == 3_500


def test_what_one_more_hour_costs_grows_with_the_hours_of_the_day() -> None:
    """At 1.00: four hours cost 8.00, two hours 2.00, and three hours twice 9.00; ten minutes are the ways."""
    even = shift(cost=CostScheme(balance_per_hour=100_000))
    prices = {hours: driven(problem(door(hours), shifts=(even,)), 1, [1]).cost for hours in (2, 3, 4)}
    assert prices == {2: 200_000, 3: 450_000, 4: 800_000}
    # Loading and debrief are of the duty; a wait that leaving later spares is not.
    longer = shift(cost=CostScheme(balance_per_hour=100_000), loading_s=1800, debrief_s=1800)
    assert driven(problem(door(2), shifts=(longer,)), 1, [1]).cost == 450_000
    opens = replace(door(2), windows=between(9 * HOUR, 10 * HOUR))
    assert driven(problem(opens, shifts=(even,)), 1, [1]).cost == 200_000


def door(hours: int) -> Visit:
    """So many hours with its ten minutes of way."""
    return visit(1, 5, service_s=hours * HOUR - 10 * MINUTE)


def test_a_stop_costs_by_how_far_it_lies_from_the_centre_of_its_route() -> None:
    """Doors at 1, 2 and 6 km: the centre lies at 3 km, the doors 2, 1 and 3 km from it. At 0.50 that is 3.00."""
    doors = [visit(key, place) for key, place in ((1, 1), (2, 2), (3, 6))]
    near = shift(cost=CostScheme(area_per_km=50_000))
    day = problem(*doors, visit(4, 6), shifts=(near,))
    assert driven(day, 1, [1, 2, 3]).cost == driven(day, 1, [3, 1, 2]).cost == 300_000
    assert driven(day, 1, [1]).cost == 0
    # Two deliveries at one door are one stop, unless the van comes back to it.
    assert driven(day, 1, [1, 2, 3, 4]).cost == 300_000
    assert driven(day, 1, [3, 1, 2, 4]).cost == (2250 + 2250 + 2750 + 1750) * 50


def test_a_price_for_areas_needs_to_know_where_the_doors_are() -> None:
    day = problem(visit(1, 3))
    nowhere = replace(day, places=tuple(replace(each, location=None) for each in day.places))
    with pytest.raises(InvalidProblem, match="Delivery 1 lies at a place without a location"):
        replace(nowhere, shifts=(shift(cost=CostScheme(area_per_km=1)),))


# ---- shipments: fetched at place 2, brought to place 6


def shipped(*more: object, amount: int = 4, **changes: object):
    return problem(
        visit(1, 2, load=(0,)), visit(2, 6, load=(0,)), *more, shifts=(shift(**changes),),
        shipments=(Shipment(pickup=1, delivery=2, amount=(amount,)),),
    )  # fmt: skip


def test_what_a_shipment_fetches_is_on_board_until_it_is_brought() -> None:
    route = driven(shipped(visit(3, 4)), 1, [1, 3, 2])
    assert [stop.load for stop in route.stops] == [(1 + 4 - 0,), (4,), (0,)]
    assert failed(shipped(visit(3, 4), capacity=(4,)), 1, [1, 3, 2]).amount == 1
    assert driven(shipped(visit(3, 4), capacity=(4,)), 1, [3, 1, 2])


@pytest.mark.parametrize("ids", [[2, 1], [1], [2]])
def test_a_shipment_is_fetched_before_it_is_brought_by_the_same_van(ids: list[int]) -> None:
    assert isinstance(schedule(shipped(), 1, ids), Failure)


def test_a_shipment_that_joins_nothing_or_two_priorities_is_refused() -> None:
    with pytest.raises(InvalidProblem, match="no visit of the problem"):
        problem(visit(1, 2), shipments=(Shipment(pickup=1, delivery=9, amount=(1,)),))
    with pytest.raises(InvalidProblem, match="the same priority"):
        problem(visit(1, 2), visit(2, 3, tier=1), shipments=(Shipment(pickup=1, delivery=2, amount=(1,)),))
    with pytest.raises(InvalidProblem, match="needs 1 amounts"):
        problem(visit(1, 2), visit(2, 3), shipments=(Shipment(pickup=1, delivery=2, amount=(1, 2)),))
    with pytest.raises(InvalidProblem, match="Two shipment's visits have the id 1"):
        problem(visit(1, 2), visit(2, 3), shipments=(Shipment(pickup=1, delivery=1, amount=(1,)),))


# ---- breaks by load, times by type of vehicle, hours at the door


def test_a_break_is_taken_where_no_more_than_its_load_is_on_board() -> None:
    """The van leaves at 8:00 with 2 and has served at 8:06 and at 8:12; it may rest with 1 on board, until 8:10."""
    tea = Break(id=1, duration_s=600, windows=between(8 * HOUR, 8 * HOUR + 10 * MINUTE), max_load=(1,))
    day = problem(visit(1, 1), visit(2, 2), shifts=(shift(breaks=(tea,)),))
    (rest,) = driven(day, 1, [1, 2]).breaks
    assert rest.after_stop == 1
    never = problem(visit(1, 1, collect=(2,)), shifts=(shift(breaks=(Break(
        id=1, duration_s=600, windows=between(8 * HOUR, 9 * HOUR), max_load=(0,)),)),))  # fmt: skip
    assert failed(never, 1, [1]).reason is Reason.DRIVER_HOURS


def test_a_break_by_load_waits_for_the_stop_after_which_it_is_light_enough() -> None:
    """Its window closes at 8:05: the van is light at 8:06 only."""
    tea = Break(id=1, duration_s=600, windows=between(8 * HOUR, 8 * HOUR + 5 * MINUTE), max_load=(0,))
    assert failed(problem(visit(1, 1), shifts=(shift(breaks=(tea,)),)), 1, [1]).reason is Reason.DRIVER_HOURS


def test_a_shipment_on_board_keeps_a_driver_from_a_break_by_load() -> None:
    tea = Break(id=1, duration_s=600, windows=between(8 * HOUR, 9 * HOUR), max_load=(0,))
    (rest,) = driven(shipped(breaks=(tea,)), 1, [1, 2]).breaks
    assert rest.after_stop in (0, 2)


def test_a_type_of_vehicle_needs_its_own_times_at_a_door() -> None:
    day = problem(visit(1, 3, setup_s=60, work_by_type=(("bike", 0, 120),)), shifts=(shift(1), shift(2, type="bike")))
    van, bike = (driven(day, key, [1]).stops[0] for key in (1, 2))
    assert (van.departure_s - van.start_s, bike.departure_s - bike.start_s) == (6 * MINUTE, 2 * MINUTE)


def test_hours_at_the_door_have_a_price_of_their_own() -> None:
    cost = CostScheme(per_task_hour=3600)
    day = problem(visit(1, 3, setup_s=60), shifts=(shift(cost=cost),))
    assert driven(day, 1, [1]).cost == 6 * MINUTE


def test_motor_hours_bind_vans_and_not_bikes() -> None:
    """The street is open to motor vehicles from 9:00 to 9:30; the door takes goods at any time."""
    street = {"motor_windows": between(9 * HOUR, 9 * HOUR + 30 * MINUTE)}
    day = problem(visit(1, 10, **street), shifts=(shift(1, motor=True), shift(2)))
    assert driven(day, 1, [1]).stops[0].start_s == 9 * HOUR
    assert driven(day, 2, [1]).stops[0].start_s == 8 * HOUR + 10 * MINUTE
    far = problem(visit(1, 91, **street), shifts=(shift(1, motor=True, name="Van 1"), shift(2)))
    assert failed(far, 1, [1]).reason is Reason.ACCESS
    assert failed(far, 1, [1]).sentence == "Van 1 cannot be at delivery 1 while motor vehicles may drive there."
    assert driven(far, 2, [1])


# ---- two constraints at once


def test_motor_hours_and_a_window_hold_together() -> None:
    """The door opens at 9:20, the street closes at 9:30. With a street that closes at 9:10 no van ever gets in."""
    hours = {"windows": between(9 * HOUR + 20 * MINUTE, 11 * HOUR)}
    shifts = (shift(1, motor=True), shift(2))
    day = problem(visit(1, 10, motor_windows=between(9 * HOUR, 9 * HOUR + 30 * MINUTE), **hours), shifts=shifts)
    assert driven(day, 1, [1]).stops[0].start_s == 9 * HOUR + 20 * MINUTE
    apart = problem(visit(1, 10, motor_windows=between(9 * HOUR, 9 * HOUR + 10 * MINUTE), **hours), shifts=shifts)
    assert failed(apart, 1, [1]).reason is Reason.ACCESS
    assert driven(apart, 2, [1]).stops[0].start_s == 9 * HOUR + 20 * MINUTE


def test_motor_hours_and_lateness_no_price_opens_the_street() -> None:
    """The door takes goods until 8:05 and an hour late; the street closes to vans at 8:20."""
    late = {"windows": (Window(start_s=0, end_s=8 * HOUR + 5 * MINUTE, late_s=HOUR),), "late_per_hour": 3600}
    street = {"motor_windows": between(0, 8 * HOUR + 20 * MINUTE)}
    day = problem(
        visit(1, 20, **late, **street), visit(2, 21, **late, **street), shifts=(shift(1, motor=True), shift(2))
    )
    assert driven(day, 1, [1]).stops[0].start_s == 8 * HOUR + 20 * MINUTE
    assert failed(day, 1, [2]).reason is Reason.ACCESS
    assert driven(day, 2, [2]).stops[0].start_s == 8 * HOUR + 21 * MINUTE


def test_motor_hours_and_a_departure_that_moves_late_stay_in_the_street_s_hours() -> None:
    """The second door opens at 11:00, so that the van could leave two hours later; it is in time at the first until
    10:00, but the street closes at 9:00."""
    day = problem(
        visit(1, 10, windows=(Window(start_s=0, end_s=10 * HOUR, late_s=HOUR),), motor_windows=between(0, 9 * HOUR)),
        visit(2, 20, windows=between(11 * HOUR, 12 * HOUR)),
        shifts=(shift(motor=True),),
    )
    assert driven(day, 1, [1, 2]).stops[0].start_s == 9 * HOUR


def test_motor_hours_and_a_break_the_street_goes_first() -> None:
    """The break may begin from 9:00 to 9:30, the street closes at 9:10."""
    tea = pause(at=(9 * HOUR, 9 * HOUR + 30 * MINUTE))
    street = {"motor_windows": between(9 * HOUR, 9 * HOUR + 10 * MINUTE)}
    day = problem(visit(1, 30, **street), shifts=(shift(breaks=(tea,), motor=True),))
    route = driven(day, 1, [1])
    assert (route.stops[0].start_s, route.breaks[0].after_stop) == (9 * HOUR, 1)


def test_motor_hours_and_goods_that_are_ready_late() -> None:
    """Ready at 9:00 and ten minutes away: a street that closes at 9:05 is missed for the goods, one that closed at
    8:05 would have been missed without them."""
    shifts = (shift(motor=True),)
    late = problem(visit(1, 10, ready_s=9 * HOUR, motor_windows=between(0, 9 * HOUR + 5 * MINUTE)), shifts=shifts)
    assert failed(late, 1, [1]).reason is Reason.NOT_READY
    never = problem(visit(1, 10, ready_s=9 * HOUR, motor_windows=between(0, 8 * HOUR + 5 * MINUTE)), shifts=shifts)
    assert failed(never, 1, [1]).reason is Reason.ACCESS


def test_motor_hours_and_time_of_day_who_is_held_up_finds_the_street_closed() -> None:
    """Twenty minutes away, and the street closes to vans at 8:30: ways that take twice as long make it 8:40."""
    street = {"motor_windows": between(0, 8 * HOUR + 30 * MINUTE)}
    day = problem(visit(1, 20, **street), shifts=(shift(1, motor=True), shift(2)))
    rush = SpeedSlice(profile="van", start_s=8 * HOUR, end_s=9 * HOUR, factor=2000)
    assert driven(day, 1, [1]).stops[0].start_s == 8 * HOUR + 20 * MINUTE
    slow = replace(day, speeds=(rush,))
    assert failed(slow, 1, [1]).reason is Reason.ACCESS
    assert driven(slow, 2, [1]).stops[0].start_s == 8 * HOUR + 40 * MINUTE


def test_motor_hours_and_a_second_trip_the_first_one_serves_the_street() -> None:
    """Each trip carries one. The street is open to vans until 8:30 only: the other door waits for the second trip, and
    in the other order the van is back too late."""
    again = shift(motor=True, capacity=(1,), most_trips=2, reload_s=10 * MINUTE)
    day = problem(visit(1, 15, motor_windows=between(0, 8 * HOUR + 30 * MINUTE)), visit(2, 15), shifts=(again,))
    assert driven(day, 1, [1, 2])
    assert failed(day, 1, [2, 1]).reason is Reason.ACCESS


def test_a_break_and_a_window_share_the_hour() -> None:
    """The break opens at 9:00 for half an hour, the door closes at 9:10: the door goes first."""
    tea = pause(at=(9 * HOUR, 9 * HOUR + 30 * MINUTE))
    day = problem(visit(1, 30, windows=between(9 * HOUR, 9 * HOUR + 10 * MINUTE)), shifts=(shift(breaks=(tea,)),))
    route = driven(day, 1, [1])
    assert (route.stops[0].start_s, route.breaks[0].after_stop) == (9 * HOUR, 1)


def test_goods_that_are_ready_late_and_a_window_that_closes_early() -> None:
    """Ready at 8:50, closing at 8:55, three minutes away: in time. Six minutes away: not."""
    early = {"ready_s": 8 * HOUR + 50 * MINUTE, "windows": between(0, 8 * HOUR + 55 * MINUTE)}
    assert driven(problem(visit(1, 3, **early)), 1, [1])
    assert failed(problem(visit(1, 6, **early)), 1, [1]).reason is Reason.NOT_READY


def test_a_slow_profile_and_a_limit_of_driving() -> None:
    day = problem(
        visit(1, 10), shifts=(shift(max_travel_s=20 * MINUTE), shift(2, max_travel_s=20 * MINUTE, speed_factor=0.5))
    )
    assert driven(day, 1, [1])
    assert failed(day, 2, [1]).reason is Reason.DRIVER_HOURS


def test_a_collection_and_a_shipment_share_the_room() -> None:
    """Three are collected at place 1 and stay on board; the shipment of 4 then needs a van for 7."""
    gather = visit(3, 1, load=(0,), collect=(3,))
    assert failed(shipped(gather, capacity=(6,)), 1, [3, 1, 2]).amount == 1
    assert driven(shipped(gather, capacity=(6,)), 1, [1, 2, 3])


def test_a_shipment_within_one_door_sets_up_once() -> None:
    day = problem(
        visit(1, 2, setup_s=60), visit(2, 2, setup_s=60),
        shipments=(Shipment(pickup=1, delivery=2, amount=(1,)),),
    )  # fmt: skip
    (stop,) = driven(day, 1, [1, 2]).stops
    assert stop.departure_s - stop.start_s == 11 * MINUTE


def test_setup_is_spared_at_a_door_a_type_of_vehicle_needs_longer_for() -> None:
    long = {"setup_s": 60, "work_by_type": (("truck", 600, 300),)}
    day = problem(visit(1, 3, **long), visit(2, 3, **long), shifts=(shift(type="truck"),))
    (stop,) = driven(day, 1, [1, 2]).stops
    assert stop.departure_s - stop.start_s == 20 * MINUTE
