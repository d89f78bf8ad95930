"""How a route goes on from where it stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from routing.model.plans import PlannedStop, Window
from routing.model.proofs import PlannedTimes, Reload, SpeedSpan, StopFacts
from routing.rules.progress import Eta, forecast, hours_of, leaves, told_live
from tests.routing.builders_plans import visit

EIGHT = datetime(2026, 5, 12, 8, 0, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return EIGHT + timedelta(minutes=minutes)


def planned(stop_id: int, arrival: int, *, start: int | None = None, service: int = 5) -> PlannedTimes:
    begins = arrival if start is None else start
    return PlannedTimes(
        stop_id=stop_id,
        site_id=stop_id,
        deliveries=(stop_id,),
        arrival=at(arrival),
        start=at(begins),
        departure=at(begins + service),
    )


ROUTE = (planned(1, 10), planned(2, 25), planned(3, 40))


def arrivals(etas: tuple[Eta, ...]) -> list[tuple[int, int, int]]:
    """(stop, minutes after eight, stops away)."""
    return [(eta.stop_id, round((eta.arrival - EIGHT).total_seconds() / 60), eta.stops_away) for eta in etas]


def test_before_it_leaves_the_plan_is_the_forecast() -> None:
    assert arrivals(forecast(ROUTE, {}, departs_at=at(0), now=at(-30))) == [(1, 10, 1), (2, 25, 2), (3, 40, 3)]


def test_a_van_that_has_not_come_is_never_forecast_in_the_past() -> None:
    assert arrivals(forecast(ROUTE, {}, departs_at=at(0), now=at(30))) == [(1, 30, 1), (2, 45, 2), (3, 60, 3)]


def test_delay_at_one_door_is_carried_to_all_later_ones() -> None:
    facts = {1: StopFacts(arrived_at=at(10), done_at=at(35))}
    assert arrivals(forecast(ROUTE, facts, departs_at=at(0), now=at(35))) == [(2, 45, 1), (3, 60, 2)]


def test_at_the_door_the_stop_is_no_stops_away() -> None:
    facts = {1: StopFacts(arrived_at=at(12))}
    assert arrivals(forecast(ROUTE, facts, departs_at=at(0), now=at(14))) == [(1, 12, 0), (2, 27, 1), (3, 42, 2)]


def test_an_early_van_waits_where_the_plan_waits() -> None:
    route = (planned(1, 10), planned(2, 25, start=45), planned(3, 60))
    second, third = forecast(route, {1: StopFacts(done_at=at(5))}, departs_at=at(0), now=at(5))
    assert (second.arrival, second.start, third.arrival) == (at(15), at(45), at(60))
    assert second.late_by == timedelta(0)  # it is served when the plan says


def test_a_van_that_is_late_at_a_door_that_opens_later_is_not_late_there() -> None:
    route = (planned(1, 10), planned(2, 25, start=45))
    (eta,) = forecast(route, {1: StopFacts(done_at=at(30))}, departs_at=at(0), now=at(30))
    assert (eta.arrival, eta.late_by) == (at(40), timedelta(0))
    (eta,) = forecast(route, {1: StopFacts(done_at=at(50))}, departs_at=at(0), now=at(50))
    assert (eta.arrival, eta.late_by) == (at(60), timedelta(minutes=15))


def test_nobody_is_served_before_the_door_opens_even_where_the_plan_did_not_wait() -> None:
    """Planned for 8:25 at a door open from 8:20 to 9:00; 20 min early the van stands before it at 8:05."""
    route = (planned(1, 10), replace(planned(2, 25), windows=((at(20), at(60)),)), planned(3, 40))
    second, third = forecast(route, {1: StopFacts(done_at=at(-5))}, departs_at=at(-30), now=at(-5))
    assert (second.arrival, second.start, second.departure, third.arrival) == (at(5), at(20), at(25), at(35))
    assert told_live(second) == (at(20), at(50))  # not from 8:10


def test_a_van_so_early_that_it_falls_into_the_hours_before_is_served_in_them() -> None:
    """Open from 8:00 to 8:10 and from 8:20 on; planned for 8:25."""
    second = replace(planned(2, 25), windows=((at(0), at(10)), (at(20), at(60))))
    for left, begins in ((-5, 5), (0, 10), (3, 20), (20, 30), (60, 70)):
        (eta,) = forecast((ROUTE[0], second), {1: StopFacts(done_at=at(left))}, departs_at=at(-30), now=at(left))
        assert eta.start == at(begins)


def test_a_pause_at_the_door_is_waited_for_also_where_the_door_is_open() -> None:
    """There at 8:25, open from 8:20, served from 8:40: the driver rests there until then."""
    second = replace(planned(2, 25, start=40), windows=((at(20), at(60)),))
    (eta,) = forecast((ROUTE[0], second), {1: StopFacts(done_at=at(5))}, departs_at=at(0), now=at(5))
    assert (eta.arrival, eta.start) == (at(15), at(40))


def test_the_door_opens_for_a_stop_when_all_that_is_brought_there_may_begin() -> None:
    """From 9:00 for the first, from 9:10 for the second, which comes 5 min after it: not before 9:05. Their later hours
    do not matter: who comes so late is late."""
    hour = 3600
    first = visit(1, 1, windows=(Window(start_s=9 * hour, end_s=11 * hour), Window(start_s=14 * hour, end_s=16 * hour)))
    second = visit(2, 1, windows=(Window(start_s=9 * hour + 600, end_s=10 * hour, late_s=600),))
    stop = PlannedStop(
        place=1, visits=(1, 2), arrival_s=9 * hour + 900, start_s=9 * hour + 900, departure_s=9 * hour + 1500,
        distance_m=0, travel_s=0, load=(),
    )  # fmt: skip
    visits = {1: first, 2: second}
    assert hours_of(stop, visits) == ((9 * hour + 300, 10 * hour + 300),)
    assert hours_of(replace(stop, visits=(1,), departure_s=9 * hour + 1200), visits) == ((9 * hour, 11 * hour),)
    street = {
        key: replace(each, motor_windows=(Window(start_s=0, end_s=9 * hour + 1800),)) for key, each in visits.items()
    }
    assert hours_of(stop, street) == hours_of(stop, visits)
    assert hours_of(stop, street, motor=True)[-1][1] <= 9 * hour + 1800 < hours_of(stop, visits)[-1][1]
    assert hours_of(replace(stop, start_s=8 * hour), visits) == ()  # it begins before: what is done is not asked


def test_stops_done_out_of_order_keep_the_others_possible() -> None:
    facts = {3: StopFacts(done_at=at(20))}
    assert arrivals(forecast(ROUTE, facts, departs_at=at(0), now=at(20))) == [(1, 30, 1), (2, 45, 2)]


def test_a_van_at_a_door_out_of_order_is_there_and_the_others_come_after_it() -> None:
    facts = {3: StopFacts(arrived_at=at(20))}
    assert arrivals(forecast(ROUTE, facts, departs_at=at(0), now=at(21))) == [(3, 20, 0), (1, 35, 1), (2, 50, 2)]


def test_a_door_that_was_left_for_another_that_is_done_is_one_to_come_back_to() -> None:
    facts = {1: StopFacts(arrived_at=at(10)), 3: StopFacts(done_at=at(20))}
    assert arrivals(forecast(ROUTE, facts, departs_at=at(0), now=at(20))) == [(1, 30, 1), (2, 45, 2)]


def test_a_door_that_was_left_without_a_report_comes_after_the_door_where_the_van_is_now() -> None:
    facts = {1: StopFacts(arrived_at=at(10)), 3: StopFacts(arrived_at=at(20))}
    found = forecast(ROUTE, facts, departs_at=at(0), now=at(21))
    assert [(eta.stop_id, eta.stops_away) for eta in found] == [(3, 0), (1, 1), (2, 2)]


@pytest.mark.parametrize(("stops_away", "minutes"), [(1, 30), (9, 60)])
def test_the_window_told_is_narrow_when_near_and_lies_mostly_after_the_forecast(stops_away: int, minutes: int) -> None:
    eta = Eta(
        stop_id=1,
        site_id=1,
        arrival=at(23),
        start=at(23),
        departure=at(30),
        stops_away=stops_away,
        late_by=timedelta(0),
    )
    opens, closes = told_live(eta)
    assert closes - opens == timedelta(minutes=minutes)
    assert opens.minute % 5 == 0
    assert eta.start - opens < closes - eta.start


def test_a_forecast_that_wobbles_inside_the_told_window_leaves_it_nowhere() -> None:
    (eta, *_rest) = forecast(ROUTE, {}, departs_at=at(0), now=at(0))
    assert not leaves((at(0), at(30)), eta)
    assert leaves((at(15), at(45)), eta)
    assert not leaves(None, eta)


def test_a_way_that_slips_into_the_rush_takes_as_long_as_it_makes_it() -> None:
    """The second way of 10 min was to be driven at 8:15; it is driven at 8:35, where the rush doubles it from 8:40."""
    rush = (SpeedSpan(begins=at(40), ends=at(120), factor=2000),)
    route = tuple(replace(each, travel_s=600, speeds=rush) for each in ROUTE)
    on_time = forecast(route, {}, departs_at=at(0), now=at(0))
    late = forecast(route, {1: StopFacts(done_at=at(35))}, departs_at=at(0), now=at(35))
    assert arrivals(on_time) == [(1, 10, 1), (2, 25, 2), (3, 40, 3)]
    assert arrivals(late) == [(2, 50, 1), (3, 75, 2)]


def test_what_the_plan_stands_still_on_a_way_is_not_stretched_by_the_rush() -> None:
    """10 min of driving and a break of 5: only the driving takes twice as long."""
    rush = (SpeedSpan(begins=at(20), ends=at(120), factor=2000),)
    first, second = (
        replace(planned(1, 10), travel_s=600, speeds=rush),
        replace(planned(2, 30, service=5), travel_s=600, speeds=rush),
    )
    # Planned from 8:15: five minutes freely, then the rush: 7.5 minutes' worth of free roads in all.
    late = forecast((first, second), {1: StopFacts(done_at=at(40))}, departs_at=at(0), now=at(40))
    assert arrivals(late) == [(2, 60, 1)]


TWO_TRIPS = (
    planned(1, 10),
    planned(2, 25),  # left at 30; the way home takes 10, loading 15, so off again at 55
    replace(planned(3, 60), trip=2, reload=Reload(back_at=at(40), takes=timedelta(minutes=15), leaves_at=at(55))),
    replace(planned(4, 75), trip=2),
)


def depot_times(etas: tuple[Eta, ...]) -> list[tuple[float, float]]:
    return [
        ((eta.reload[0] - EIGHT) / timedelta(minutes=1), (eta.reload[1] - EIGHT) / timedelta(minutes=1))
        for eta in etas
        if eta.reload is not None
    ]


def test_the_forecast_passes_by_the_depot_between_two_trips() -> None:
    etas = forecast(TWO_TRIPS, {}, departs_at=at(0), now=at(0))
    assert arrivals(etas) == [(1, 10, 1), (2, 25, 2), (3, 60, 3), (4, 75, 4)]
    assert depot_times(etas) == [(40, 55)]


def test_a_van_that_is_late_on_its_first_trip_is_late_on_its_second() -> None:
    facts = {1: StopFacts(done_at=at(15)), 2: StopFacts(done_at=at(42))}
    etas = forecast(TWO_TRIPS, facts, departs_at=at(0), now=at(42))
    assert (arrivals(etas), depot_times(etas)) == ([(3, 72, 1), (4, 87, 2)], [(52, 67)])


def test_a_van_that_is_early_waits_at_the_depot_only_where_the_plan_waits_there() -> None:
    facts = {1: StopFacts(done_at=at(5)), 2: StopFacts(done_at=at(15))}
    assert depot_times(forecast(TWO_TRIPS, facts, departs_at=at(0), now=at(15))) == [(25, 40)]
    goods_at_55 = Reload(back_at=at(40), takes=timedelta(minutes=5), leaves_at=at(55))
    waits = (*TWO_TRIPS[:2], replace(TWO_TRIPS[2], reload=goods_at_55), TWO_TRIPS[3])
    etas = forecast(waits, facts, departs_at=at(0), now=at(15))
    assert (arrivals(etas), depot_times(etas)) == ([(3, 60, 1), (4, 75, 2)], [(25, 55)])
    late = {1: StopFacts(done_at=at(15)), 2: StopFacts(done_at=at(48))}  # the wait takes up eight of eighteen minutes
    assert depot_times(forecast(waits, late, departs_at=at(0), now=at(48))) == [(58, 63)]


def test_what_is_not_loaded_has_not_left_and_what_is_loaded_leaves_then() -> None:
    facts = {1: StopFacts(done_at=at(15)), 2: StopFacts(done_at=at(30))}
    assert arrivals(forecast(TWO_TRIPS, facts, departs_at=at(0), now=at(70)))[0] == (3, 75, 1)
    loaded = replace(TWO_TRIPS[2], reload=replace(_reload(TWO_TRIPS[2]), loaded_at=at(50)))
    etas = forecast((*TWO_TRIPS[:2], loaded, TWO_TRIPS[3]), facts, departs_at=at(0), now=at(52))
    assert (arrivals(etas), depot_times(etas)) == ([(3, 55, 1), (4, 70, 2)], [(40, 50)])


def test_a_break_at_the_depot_is_taken_also_by_a_van_that_comes_back_late() -> None:
    """Back at 40, a break of 20 minutes and 15 for loading: off at 75. Five minutes late is five minutes late."""
    pause = Reload(
        back_at=at(40), takes=timedelta(minutes=15), leaves_at=at(75), breaks=((at(40), at(60)), (at(200), at(230)))
    )
    stops = (*TWO_TRIPS[:2], replace(planned(3, 80), trip=2, reload=pause), replace(planned(4, 95), trip=2))
    late = {1: StopFacts(done_at=at(15)), 2: StopFacts(done_at=at(35))}
    etas = forecast(stops, late, departs_at=at(0), now=at(35))
    assert (arrivals(etas), depot_times(etas)) == ([(3, 85, 1), (4, 100, 2)], [(45, 80)])
    early = {1: StopFacts(done_at=at(5)), 2: StopFacts(done_at=at(10))}
    assert depot_times(forecast(stops, early, departs_at=at(0), now=at(10))) == [(20, 55)]


def test_a_break_on_the_way_to_the_depot_is_no_driving() -> None:
    """10 minutes' way and a break of 20; from 60 on a way takes twice as long, a break does not."""
    rush = (SpeedSpan(begins=at(60), ends=at(300), factor=2000),)
    pause = Reload(back_at=at(60), takes=timedelta(minutes=15), leaves_at=at(75), breaks=((at(35), at(55)),))
    first = (replace(each, speeds=rush, travel_s=600) for each in TWO_TRIPS[:2])
    stops = (*first, replace(planned(3, 95), trip=2, reload=pause, speeds=rush, travel_s=1200))
    late = {1: StopFacts(done_at=at(15)), 2: StopFacts(done_at=at(60))}
    assert depot_times(forecast(stops, late, departs_at=at(0), now=at(60)))[0][0] == 60 + 20 + 20


def test_what_the_warehouse_loads_before_the_first_trip_is_done_does_not_bring_the_van_home() -> None:
    """It is at stop 2's door still, by all that was reported: it drives there, comes back, and leaves again."""
    facts = {1: StopFacts(done_at=at(15))}
    loaded = replace(TWO_TRIPS[2], reload=replace(_reload(TWO_TRIPS[2]), loaded_at=at(20)))
    stops = (*TWO_TRIPS[:2], loaded, TWO_TRIPS[3])
    etas = forecast(stops, facts, departs_at=at(0), now=at(20))
    assert (arrivals(etas), depot_times(etas)) == ([(2, 25, 1), (3, 60, 2), (4, 75, 3)], [(40, 55)])
    said = replace(loaded, reload=replace(_reload(loaded), driver_said=True))  # he was there, and drives there after it
    etas = forecast((*TWO_TRIPS[:2], said, TWO_TRIPS[3]), facts, departs_at=at(0), now=at(20))
    assert (arrivals(etas), depot_times(etas)) == ([(2, 25, 1), (3, 35, 2), (4, 50, 3)], [(20, 30)])


def test_a_van_at_a_door_of_its_second_trip_has_been_at_the_depot() -> None:
    facts = {1: StopFacts(done_at=at(15)), 4: StopFacts(arrived_at=at(70))}
    etas = forecast(TWO_TRIPS, facts, departs_at=at(0), now=at(72))
    assert [each[0] for each in arrivals(etas)] == [4, 2, 3]
    assert depot_times(etas) == []


def _reload(stop: PlannedTimes) -> Reload:
    assert stop.reload is not None
    return stop.reload
