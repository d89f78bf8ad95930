"""PRODUCT.md's constraints of planning, each in one room, and what happens where two of them meet.

A route is timed and judged alone in test_schedule.py and test_check.py (each constraint by hand, and the pairs that one
route shows); here the whole planner decides.

| constraint | model | by hand |
|---|---|---|
| capacity in every dimension | ShiftOffer.capacity, Visit.load, .collect | test_schedule, test_check |
| shipments | Problem.shipments | test_schedule, test_check |
| skills, equipment | .skills | test_schedule |
| crew, allowed vehicles, access of the site | Visit.shifts, .why_not | planning/test_problem |
| shift, loading, debrief | ShiftOffer | test_schedule |
| driver hours: driving | max_travel_s | test_schedule |
| driver hours: duty, breaks, rest since yesterday, reduced rest | rules/driver_hours | planning/test_driver_hours |
| breaks, also by what is on board | Break | test_schedule, test_check |
| an unused vehicle needs no break | | solver/test_solver |
| hours, several windows, begin by and finish by, delivery days | Visit.windows | test_schedule, planning/test_problem |
| hours of a street for motor vehicles | Visit.motor_windows, ShiftOffer.motor | test_schedule, test_check |
| ready times | Visit.ready_s | test_schedule |
| most stops, visits, metres | max_stops, max_visits, max_distance_m | test_schedule, test_check |
| locks, done and under way | Lock | solver/test_solver, test_check |
| costs: fixed, km, paid hour, travel hour, hours at the door | CostScheme | test_schedule |
| costs by the stop | CostScheme.per_stop | test_schedule, test_check |
| several depots, start or end anywhere | ShiftOffer.start, .end | test_schedule |
| setup once per place, times by type of vehicle | setup_s, work_by_type | test_schedule |
| several days at once | absolute times | planning/test_problem |
| strict priority, age within it | tier, age | solver/test_solver |
| overtime with a price | overtime_s, CostScheme.per_overtime_hour | test_schedule, test_check |
| lateness with a price | Window.late_s, Visit.late_per_hour | test_schedule, test_check |
| familiar driver | Visit.strangers | test_schedule, test_check |
| zone and standing run | Visit.strangers, .off_run | planning/test_problem |
| change against what was dispatched | Visit.strangers, .changed | planning/test_problem, test_second_trip |
| balance of hours | CostScheme.balance_per_hour | test_schedule, test_check |
| compact area | CostScheme.area_per_km | test_schedule, test_check |
| several trips of a shift | most_trips, reload_s, trips_out, Lock.trip | test_trips, solver/test_trips |

Of a change, the other driver has a price, the other time has none: a re-plan keeps it and shows what moves.
None is read anywhere and then passed over.

A new one is a field of `model/plans.py`, filled in `rules/problem.py` and kept in `data/mapping/plans.py`. It is judged
in `rules/schedule.py`, whose sentence the page shows, and once more in `rules/check.py`, with a line in its table. The
search: `limits.py` (what no vehicle has), a column in `layout.py` and `walk._offer`, `exact.py` and `trips.py`; unless
`slack.py` knows it too, `walk._is_limited` names it, which also keeps such days from PyVRP and from the walk of plain
days; `_Model` in `ortools_solver.py`. Once `tests/routing/drawn_problems.py` draws it, all of
these are held against each other.
"""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import Phase, find, settings

from routing.engines.solver.insertion import Insertion
from routing.engines.solver.ortools_solver import solve
from routing.engines.solver.walk import RuinAndRecreate, route_costs
from routing.model.plans import (
    Break,
    CostScheme,
    Lock,
    Plan,
    Problem,
    Reason,
    ShiftOffer,
    Shipment,
    Travel,
    Visit,
    Window,
)
from routing.rules.check import violations
from routing.rules.extra import Paid, by_the_stop, changed, off_run, strangers
from routing.rules.schedule import Timetable
from tests.routing.builders_plans import HOUR, MINUTE, between, line, pause, plan, problem, shift, visit
from tests.routing.drawn_problems import problems

DECIDED_BEFORE = {"shifts", "why_not"}
"""Who may come to a door is decided before: to the search it is what skills are."""


@pytest.mark.parametrize("kind", [Visit, ShiftOffer, CostScheme])
def test_every_field_of_a_visit_a_shift_and_its_costs_is_drawn(kind: type) -> None:
    """What no drawn problem has is held against nothing: draw it in tests/routing/drawn_problems.py."""
    one = {Visit: visit(1, 1), ShiftOffer: shift(), CostScheme: CostScheme()}[kind]
    quick = settings(max_examples=2000, database=None, derandomize=True, phases=[Phase.generate])
    for field in fields(kind):
        if field.name in DECIDED_BEFORE | {"name", "profile"}:
            continue

        def has_it(day: Problem, name: str = field.name) -> bool:
            shifts = [each.cost for each in day.shifts] if kind is CostScheme else day.shifts
            return any(getattr(each, name) != getattr(one, name) for each in (day.visits if kind is Visit else shifts))

        find(problems(), has_it, settings=quick)


def planned(day: Problem) -> Plan:
    return solve(day, seed=0, time_limit_s=5.0, iterations=500)


def routes(of: Plan) -> dict[int, tuple[int, ...]]:
    return {route.shift: route.visits for route in of.routes}


def reasons(of: Plan) -> dict[int, tuple[Reason, ...]]:
    return {gone.visit: gone.reasons for gone in of.unassigned}


def test_lock_and_tier_what_a_person_put_there_stays_before_an_urgent_one() -> None:
    """Three hours fit once into the four of the shift."""
    normal, urgent = (visit(key, 1, service_s=3 * HOUR, tier=tier) for key, tier in ((1, 0), (2, 5)))
    assert routes(planned(problem(normal, urgent))) == {1: (2,)}
    assert routes(planned(problem(normal, urgent, locks=(Lock(visit=1, shift=1),)))) == {1: (1,)}


def test_tier_and_shipment_an_urgent_one_is_served_whole_or_not_at_all() -> None:
    """The shipment needs 2 h at each end; with the 3 h of the normal one there is no room for both."""
    ends = (
        visit(1, 1, service_s=2 * HOUR - 10 * MINUTE, tier=1),
        visit(2, 2, service_s=2 * HOUR - 10 * MINUTE, tier=1),
    )
    normal = visit(3, 1, service_s=3 * HOUR)
    joined = (Shipment(pickup=1, delivery=2, amount=(1,)),)
    assert routes(planned(problem(*ends, normal, shipments=joined))) == {1: (1, 2)}
    # With half an hour more at one end it cannot be whole: the normal one goes.
    longer = replace(ends[1], service_s=2 * HOUR + 20 * MINUTE)
    found = planned(problem(ends[0], longer, normal, shipments=joined))
    assert routes(found) == {1: (3,)}
    assert reasons(found)[1] == reasons(found)[2] == (Reason.SHIFT_TOO_SHORT,)


def test_shipment_and_one_way_road_what_is_fetched_is_brought_where_the_only_way_on_leads() -> None:
    """From place 9 the only road leads to place 10. Eight deliveries lie on the way out: the route is long."""
    travel = line(11)
    gone = travel.durations_s.copy()
    gone[9, [n for n in range(9)]] = -1
    doors = tuple(visit(n, n, load=(0,)) for n in range(1, 9))
    ends = (visit(20, 9, load=(0,)), visit(21, 10, load=(0,)))
    joined = (Shipment(pickup=20, delivery=21, amount=(1,)),)
    day = problem(*doors, *ends, shipments=joined, travel=replace(travel, durations_s=gone))
    insertion = Insertion(day, Timetable(day))
    assert insertion.build() == {1: [*range(1, 9), 20, 21]}
    walk = RuinAndRecreate(insertion, {1: list(range(1, 9))}, seed=0)
    walk.run(200, 0.5)
    assert walk.serves_all
    assert routes(planned(day)) == {1: (*range(1, 9), 20, 21)}


def test_shipment_and_skills_the_van_that_may_do_both_ends_does_it() -> None:
    ends = (visit(1, 1), visit(2, 8, skills=frozenset({"crane"})))
    near, able = shift(1), shift(2, skills=frozenset({"crane"}), cost=CostScheme(fixed=900_000))
    day = problem(*ends, shifts=(near, able), shipments=(Shipment(pickup=1, delivery=2, amount=(1,)),))
    assert routes(planned(day)) == {2: (1, 2)}


def test_shipment_and_window_the_delivery_that_closes_first_decides_the_order() -> None:
    """What place 9 is to get closes at 8:30: it is fetched and brought before the door that lies between."""
    ends = (visit(1, 1), visit(2, 9, windows=between(0, 8 * HOUR + 15 * MINUTE)))
    day = problem(*ends, visit(3, 5), shipments=(Shipment(pickup=1, delivery=2, amount=(1,)),))
    assert routes(planned(day)) == {1: (1, 2, 3)}


def test_break_by_load_and_capacity_the_van_is_emptied_before_its_driver_rests() -> None:
    """Both doors are open all day, the break is at 9:00 with nothing on board: both are served before."""
    tea = Break(id=1, duration_s=30 * MINUTE, windows=between(9 * HOUR, 9 * HOUR), max_load=(0,))
    found = planned(problem(visit(1, 1), visit(2, 2, service_s=20 * MINUTE), shifts=(shift(breaks=(tea,)),)))
    (route,) = found.routes
    assert route.breaks[0].after_stop == 2
    # With an hour at one door it is not empty by then, and that door waits.
    long = problem(visit(1, 1), visit(2, 2, service_s=HOUR), shifts=(shift(breaks=(tea,)),))
    assert reasons(planned(long)) == {2: (Reason.DRIVER_HOURS,)}


def test_type_and_shift_the_vehicle_that_is_quick_at_the_door_fits_it_in() -> None:
    slow = visit(1, 1, service_s=5 * HOUR, work_by_type=(("tail lift", 0, HOUR),))
    assert reasons(planned(problem(slow))) == {1: (Reason.SHIFT_TOO_SHORT,)}
    both = (shift(1), shift(2, type="tail lift", cost=CostScheme(fixed=10**6)))
    assert routes(planned(problem(slow, shifts=both))) == {2: (1,)}


def test_hours_at_the_door_and_travel_the_nearer_van_is_not_always_the_cheaper_one() -> None:
    """An hour of work at place 1: by the van beside it 60 an hour, by the van nine minutes away 20."""
    work = visit(1, 1, service_s=HOUR)
    dear = shift(1, start=1, end=1, cost=CostScheme(per_travel_hour=3600, per_task_hour=60_000))
    fair = shift(2, start=9, end=9, cost=CostScheme(per_travel_hour=3600, per_task_hour=20_000))
    assert routes(planned(problem(work, shifts=(dear, fair), travel=line(10)))) == {2: (1,)}


def test_access_and_profile_the_bike_goes_where_the_van_may_not() -> None:
    """Place 1 is closed to vans, and place 2 has no way for bikes."""
    way = line(3)
    by_bike = Travel(durations_s=3 * way.durations_s, distances_m=way.distances_m.copy())
    for table in (by_bike.durations_s, by_bike.distances_m):
        table[2, :2] = table[:2, 2] = -1
    one = visit(1, 1, shifts=frozenset({2}), why_not=((1, Reason.ACCESS),))
    day = problem(one, visit(2, 2), shifts=(shift(1), shift(2, profile="bike")), profiles={"bike": by_bike})
    assert routes(planned(day)) == {1: (2,), 2: (1,)}


def test_motor_hours_and_profile_the_bike_comes_when_the_street_is_closed_to_vans() -> None:
    """Doors 1 and 2 lie in a street that is closed to motor vehicles from 8:10 on. The van serves two there and the
    bike the other two, though its hour costs more; without a bike they stay."""
    street = {"motor_windows": between(0, 8 * HOUR + 10 * MINUTE), "service_s": 5 * MINUTE}
    doors = (visit(1, 1, **street), visit(2, 1, **street), visit(3, 2, **street), visit(4, 2, **street))
    van = shift(1, motor=True, cost=CostScheme(per_hour=3600))
    day = problem(*doors, shifts=(van, shift(2, cost=CostScheme(per_hour=90_000))))
    found = planned(day)
    assert violations(found, day) == []
    assert {key: len(ids) for key, ids in routes(found).items()} == {1: 2, 2: 2}
    alone = problem(*doors, shifts=(shift(1, motor=True),))
    left = planned(alone)
    assert len(routes(left)[1]) == 2
    assert set(reasons(left).values()) == {(Reason.COMPETED_OUT,)}
    closed = problem(visit(1, 11, **street), shifts=(shift(1, motor=True),))
    assert reasons(planned(closed)) == {1: (Reason.ACCESS,)}
    assert routes(planned(replace(closed, shifts=(shift(1),)))) == {1: (1,)}


def test_motor_hours_and_tier_the_urgent_door_of_the_street_goes_before_a_normal_one() -> None:
    """Each takes 20 minutes, and the street closes to vans 20 minutes after they can be there."""
    street = {"motor_windows": between(0, 8 * HOUR + 20 * MINUTE), "service_s": 20 * MINUTE}
    day = problem(visit(1, 1, **street), visit(2, 1, tier=3, **street), shifts=(shift(motor=True),))
    assert routes(planned(day)) == {1: (2,)}
    held = replace(day, locks=(Lock(visit=1, shift=1),))
    assert routes(planned(held)) == {1: (1,)}


def test_motor_hours_are_weighed_as_trying_every_order_finds_it() -> None:
    """Five doors, three of them in streets with hours of their own: the plan costs what the best of all orders of a
    van and a bike costs."""
    doors = (
        visit(1, 4, motor_windows=between(9 * HOUR, 9 * HOUR + 20 * MINUTE)),
        visit(2, 9, motor_windows=between(0, 8 * HOUR + 15 * MINUTE)),
        visit(3, 12),
        visit(4, 6, motor_windows=(*between(0, 8 * HOUR), *between(10 * HOUR, 11 * HOUR))),
        visit(5, 3, windows=between(8 * HOUR + 30 * MINUTE, 10 * HOUR)),
    )
    day = problem(*doors, shifts=(shift(1, motor=True), shift(2, cost=CostScheme(per_hour=9000))))
    table, best = Timetable(day), 2**60
    for order in permutations(range(1, 6)):
        for cut in range(6):
            parts = [(1, order[:cut]), (2, order[cut:])]
            times = [table.times(key, ids) for key, ids in parts if ids]
            if all(each is not None for each in times):
                best = min(best, sum(each.cost for each in times if each is not None))
    found = planned(day)
    assert violations(found, day) == []
    assert (found.unassigned, found.cost) == ((), best)


def test_driver_hours_and_break_both_count_against_the_same_day() -> None:
    """Twenty minutes there, twenty back: allowed to drive 40, with half an hour's break inside one hour of shift."""

    def day(**changes: object) -> Problem:
        tea = pause(at=(8 * HOUR, 9 * HOUR))
        return problem(visit(1, 20), shifts=(shift(end_s=9 * HOUR + 15 * MINUTE, breaks=(tea,), **changes),))

    assert routes(planned(day(max_travel_s=40 * MINUTE))) == {1: (1,)}
    assert reasons(planned(day(max_travel_s=39 * MINUTE))) == {1: (Reason.DRIVER_HOURS,)}
    short = replace(day().shifts[0], end_s=9 * HOUR + 14 * MINUTE)
    assert reasons(planned(replace(day(), shifts=(short,)))) == {1: (Reason.DRIVER_HOURS,)}


def test_most_stops_and_one_door_two_deliveries_at_a_door_are_one_stop() -> None:
    day = problem(visit(1, 1), visit(2, 1), visit(3, 5), shifts=(shift(max_stops=1),))
    assert set(routes(planned(day))[1]) == {1, 2}


def test_ready_time_and_tier_the_urgent_one_that_comes_late_holds_up_the_trip() -> None:
    """The urgent goods come at 11:30; the normal door closes at 9:00, so that it waits for another van."""
    urgent, early = visit(1, 1, tier=1, ready_s=11 * HOUR + 30 * MINUTE), visit(2, 2, windows=between(0, 9 * HOUR))
    assert routes(planned(problem(urgent, early))) == {1: (1,)}
    assert routes(planned(problem(urgent, early, shifts=(shift(1), shift(2))))).keys() == {1, 2}


def test_free_end_and_distance_the_way_home_is_not_counted_where_nobody_drives_it() -> None:
    offers: list[ShiftOffer] = [shift(1, max_distance_m=9000), shift(1, max_distance_m=9000, end=None)]
    found = [planned(problem(visit(1, 8), shifts=(offer,))) for offer in offers]
    assert [bool(one.routes) for one in found] == [False, True]
    assert reasons(found[0]) == {1: (Reason.SHIFT_TOO_SHORT,)}


def over(**changes: object) -> ShiftOffer:
    """Until 9:00, an hour longer at 36 an hour."""
    rates = CostScheme(per_travel_hour=3600, per_overtime_hour=36_000)
    return shift(end_s=9 * HOUR, overtime_s=HOUR, cost=rates, **changes)


def test_overtime_and_tier_one_more_is_served_whatever_the_hour_costs() -> None:
    """Each door takes half an hour: the third is done at 9:30 and costs half an hour of overtime."""
    doors = [visit(key, 1, service_s=30 * MINUTE) for key in (1, 2, 3)]
    found = planned(problem(*doors, shifts=(over(),)))
    assert len(routes(found)[1]) == 3
    assert found.cost == 120 + 36_000 * 32 // 60


def test_overtime_and_price_who_has_time_left_does_it() -> None:
    """The near van would work 25 minutes over; the dear one has the hours and costs less than that."""
    near, dear = over(), shift(2, end_s=12 * HOUR, cost=CostScheme(fixed=12_000, per_travel_hour=3600))
    doors = [visit(key, 1, service_s=40 * MINUTE) for key in (1, 2)]
    assert {len(ids) for ids in routes(planned(problem(*doors, shifts=(near, dear)))).values()} in ({1}, {2})
    assert planned(problem(*doors, shifts=(near, dear))).cost <= 12_240
    cheaper = replace(near, cost=replace(near.cost, per_overtime_hour=3600))
    assert routes(planned(problem(*doors, shifts=(cheaper, dear)))).keys() == {1}


def test_driver_hours_and_overtime_no_price_buys_more_driving() -> None:
    """Forty minutes of driving; the shift may last an hour longer, the driver may drive 39 minutes."""
    day = problem(visit(1, 20, service_s=50 * MINUTE), shifts=(over(max_travel_s=40 * MINUTE),))
    assert routes(planned(day)) == {1: (1,)}
    day = problem(visit(1, 20, service_s=50 * MINUTE), shifts=(over(max_travel_s=39 * MINUTE),))
    assert reasons(planned(day)) == {1: (Reason.DRIVER_HOURS,)}


def test_break_and_overtime_the_pause_is_taken_and_the_day_gets_longer() -> None:
    """Fifty minutes of work and travel with half an hour's break end at 9:20 in a shift until 9:00."""
    tea = pause(at=(8 * HOUR, 9 * HOUR))
    day = problem(visit(1, 10, service_s=30 * MINUTE), shifts=(over(breaks=(tea,)),))
    found = planned(day)
    assert found.routes[0].end_s == 9 * HOUR + 20 * MINUTE
    assert found.cost == 1200 + 12_000
    assert reasons(planned(replace(day, shifts=(over(breaks=(tea,), debrief_s=HOUR),)))) == {1: (Reason.DRIVER_HOURS,)}


def test_window_and_lateness_the_cheaper_door_waits() -> None:
    """Both close at 8:05, and two minutes lie between them: the one whose minute costs more is first."""
    hours = (Window(start_s=0, end_s=8 * HOUR + 5 * MINUTE, late_s=HOUR),)
    for dear in (1, 2):
        doors = [visit(key, key + 2, windows=hours, late_per_hour=600_000 if key == dear else 6_000) for key in (1, 2)]
        assert routes(planned(problem(*doors)))[1][0] == dear
    # Where neither may be late, one of them stays.
    strict = [visit(key, key + 2, windows=between(0, 8 * HOUR + 5 * MINUTE)) for key in (1, 2)]
    assert len(planned(problem(*strict)).unassigned) == 1


def test_lateness_and_tier_an_urgent_one_is_served_late_before_a_normal_one_in_time() -> None:
    """Three hours fit once into the shift; the urgent door closed at 8:00 and takes goods until 8:10."""
    hours = (Window(start_s=0, end_s=8 * HOUR, late_s=10 * MINUTE),)
    urgent = visit(1, 1, service_s=3 * HOUR, tier=1, windows=hours, late_per_hour=10**7)
    assert routes(planned(problem(urgent, visit(2, 2, service_s=3 * HOUR)))) == {1: (1,)}


def test_lock_and_lateness_a_place_that_a_person_chose_is_paid_for() -> None:
    """Place 5 first by a person's decision: the door at place 1 is reached at 8:14, nine minutes after it closed."""
    closes = (Window(start_s=0, end_s=8 * HOUR + 5 * MINUTE, late_s=HOUR),)
    near, far = visit(1, 1, windows=closes, late_per_hour=60_000), visit(2, 5)
    free = planned(problem(near, far, shifts=(shift(cost=CostScheme(per_travel_hour=3600)),)))
    held = planned(
        problem(
            near, far, shifts=(shift(cost=CostScheme(per_travel_hour=3600)),),
            locks=(Lock(visit=2, shift=1, position=0),),
        )
    )  # fmt: skip
    assert (routes(free), free.cost) == ({1: (1, 2)}, 600)
    assert (routes(held), held.cost) == ({1: (2, 1)}, 600 + 9_000)


def test_lateness_and_overtime_are_weighed_as_trying_every_order_finds_it() -> None:
    """Twenty days of four doors: no order of all four is cheaper than the one that was found."""
    drawn = np.random.default_rng(5)
    rates = CostScheme(per_hour=36_000, per_km=500, per_overtime_hour=72_000)
    for _ in range(20):
        doors = []
        for key in range(1, 5):
            closes = 8 * HOUR + int(drawn.integers(5, 60)) * MINUTE
            hours = (Window(start_s=0, end_s=closes, late_s=2 * HOUR),)
            price = int(drawn.choice([6_000, 60_000, 600_000]))
            doors.append(visit(key, int(drawn.integers(1, 20)), windows=hours, late_per_hour=price))
        rest = (pause(at=(8 * HOUR + 20 * MINUTE, 9 * HOUR)),) if drawn.random() < 0.5 else ()
        day = problem(*doors, shifts=(shift(end_s=9 * HOUR, overtime_s=HOUR, cost=rates, breaks=rest),))
        table = Timetable(day)
        every = [table.times(1, order) for order in permutations((1, 2, 3, 4))]
        assert planned(day).cost == min(times.cost for times in every if times is not None)


def test_familiar_driver_and_distance_who_knows_the_door_comes_if_the_way_is_worth_it() -> None:
    """The van beside the door is ten minutes nearer, there and back: 1200 at 3600 an hour; its driver is new to it."""
    near, knows = (shift(key, start=at, end=at, cost=CostScheme(per_travel_hour=3600)) for key, at in ((1, 9), (2, 0)))
    for price, goes in ((900, 1), (1100, 2)):
        day = problem(visit(1, 10, strangers=((1, price),)), shifts=(near, knows), travel=line(11))
        assert routes(planned(day)).keys() == {goes}, price


def test_standing_run_and_capacity_a_van_that_is_full_gives_a_door_away_rather_than_that_it_stays() -> None:
    """At 500.00 a stop off its run; van 2 would be the cheaper one by far. Three doors of van 1, which takes two."""
    off = ((2, 50_000_000),)
    doors = [visit(key, 3 + key, load=(1,), strangers=off, off_run=off) for key in (1, 2, 3)]
    vans = (shift(1, capacity=(2,), cost=CostScheme(fixed=90_000, per_hour=9000)), shift(2, capacity=(9,)))
    made = planned(problem(*doors, shifts=vans))
    assert {key: len(ids) for key, ids in routes(made).items()} == {1: 2, 2: 1}
    assert [sum(off_run(problem(*doors, shifts=vans), route).values()) for route in made.routes] == [0, 50_000_000]


def listed(key: int, place: int, *, price: int, other: int = 1, **changes: object) -> Visit:
    """A door on somebody's list: with the shift `other` it costs `price`."""
    owed = ((other, price),)
    return visit(key, place, strangers=owed, changed=owed, **changes)


def test_change_and_distance_another_driver_comes_only_where_the_way_is_worth_it() -> None:
    """Van 1 stands nine minutes nearer, there and back: 1080 at 3600 an hour. The door is on the list of van 2."""
    near, dispatched = (
        shift(key, start=at, end=at, cost=CostScheme(per_travel_hour=3600)) for key, at in ((1, 9), (2, 0))
    )
    for price, goes, paid in ((1000, 1, {1: 1000}), (1100, 2, {})):
        day = problem(listed(1, 10, price=price), shifts=(near, dispatched), travel=line(11))
        made = planned(day)
        assert routes(made).keys() == {goes}, price
        assert changed(day, made.routes[0]) == paid
        assert violations(made, day) == []


def test_change_and_lock_what_a_person_put_on_another_van_is_paid_for_and_stays() -> None:
    vans = (shift(1), shift(2))
    free = planned(problem(listed(1, 5, price=700), shifts=vans))
    held = planned(problem(listed(1, 5, price=700), shifts=vans, locks=(Lock(visit=1, shift=1),)))
    assert (routes(free), routes(held)) == ({2: (1,)}, {1: (1,)})
    assert held.cost == free.cost + 700


def test_change_and_tier_an_urgent_one_takes_the_place_and_what_was_dispatched_goes_with_another() -> None:
    """Van 2 has three hours for one door; the urgent one can go with no other van. At 500.00 a change."""
    dear = listed(1, 1, price=50_000_000, service_s=3 * HOUR)
    urgent = visit(2, 2, service_s=3 * HOUR, tier=1, shifts=frozenset({2}))
    made = planned(problem(dear, urgent, shifts=(shift(1), shift(2))))
    assert (routes(made), made.unassigned) == ({1: (1,), 2: (2,)}, ())
    # Nor does the price leave anything out where its own van does not go at all.
    assert routes(planned(problem(dear, shifts=(shift(1),)))) == {1: (1,)}


def test_everybody_who_counts_what_a_new_driver_costs_counts_the_same_when_he_comes_back_to_a_door() -> None:
    """900 at door 3, then 0 at door 4, then door 3 again: the schedule, the search, the checker and the page."""
    ends = [visit(key, 3, strangers=((1, 900),)) for key in (1, 2)]
    new = problem(*ends, visit(3, 4), shifts=(shift(cost=CostScheme()),))
    for order, costs in (([1, 2, 3], {1: 900}), ([1, 3, 2], {1: 900, 2: 900}), ([3, 2, 1], {2: 900})):
        made = plan(new, {1: order})
        assert made.cost == sum(costs.values())
        assert violations(made, new) == []
        assert strangers(new, made.routes[0]) == costs
        assert route_costs(Insertion(new, Timetable(new)))(1, order) == made.cost


def test_costs_by_the_stop_of_two_vans_the_one_with_the_cheaper_stops_goes_while_its_way_is_worth_it() -> None:
    """Three doors at 5 km. Van 1 stands at the depot and drives 10 km for 1000; van 2 at 6 km drives 2 km for 200."""
    doors = [visit(key, 5) for key in (1, 2, 3)]
    for near, goes, cost in ((0, 2, 200), (800, 2, 1000), (1000, 1, 1100)):
        vans = (
            shift(1, cost=CostScheme(per_km=100, per_stop=100)),
            shift(2, start=6, end=6, cost=CostScheme(per_km=100, per_stop=near)),
        )
        found = planned(problem(*doors, shifts=vans, travel=line(7)))
        assert (set(routes(found)), found.cost) == ({goes}, cost), near


def test_costs_by_the_stop_and_tier_one_more_is_served_whatever_a_stop_costs() -> None:
    doors = [visit(1, 1, tier=1), visit(2, 2), visit(3, 3)]
    dear = problem(*doors, shifts=(shift(cost=CostScheme(per_stop=10**9)),))
    assert set(routes(planned(dear))[1]) == {1, 2, 3}


def test_costs_by_the_stop_and_reload_the_same_door_after_a_reload_is_paid_again() -> None:
    """Eighteen pieces for one door in a van of ten: it comes twice."""
    doors = [visit(key, 3, load=(9,)) for key in (1, 2)]
    van = shift(most_trips=2, cost=CostScheme(per_stop=700))
    found = planned(problem(*doors, shifts=(van,)))
    assert found.cost == 1400


def test_costs_by_the_stop_are_weighed_as_trying_everything_finds_it() -> None:
    """Ten days of five deliveries at three doors and two vans."""
    drawn = np.random.default_rng(11)
    for _ in range(10):
        doors = [visit(key, int(drawn.integers(1, 4)) * 7) for key in range(1, 6)]
        vans = tuple(
            shift(
                key, start=at, end=at, capacity=(int(drawn.integers(2, 6)),),
                cost=CostScheme(per_km=100, per_stop=int(drawn.choice([0, 400, 3000]))),
            )
            for key, at in ((1, 0), (2, 25))
        )  # fmt: skip
        day = problem(*doors, shifts=vans, travel=line(26))
        table = Timetable(day)
        best: tuple[int, int] | None = None
        for where in product((0, 1, 2), repeat=5):
            cost, left = 0, where.count(0)
            for van in (1, 2):
                ids = [key for key, at in zip(range(1, 6), where, strict=True) if at == van]
                found = [table.times(van, order) for order in permutations(ids)] if ids else []
                costs = [times.cost for times in found if times is not None]
                cost += min(costs) if costs else 0 if not ids else 10**12
            best = (left, cost) if best is None else min(best, (left, cost))
        made = planned(day)
        assert (len(made.unassigned), made.cost) == best


def test_everybody_who_counts_what_stops_cost_counts_the_same() -> None:
    """800 a stop, and 900 where the driver is new: the schedule, the search, the checker and the page."""
    ends = [visit(key, 3, strangers=((1, 900),)) for key in (1, 2)]
    day = problem(*ends, visit(3, 4), shifts=(shift(cost=CostScheme(per_stop=800)),))
    for order, stops, new in (([1, 2, 3], 2, 1), ([1, 3, 2], 3, 2)):
        made = plan(day, {1: order})
        assert made.cost == stops * 800 + new * 900
        assert violations(made, day) == []
        assert by_the_stop(day, made.routes[0]) == Paid(stops=stops, cost=stops * 800)
        assert sum(strangers(day, made.routes[0]).values()) == new * 900
        assert route_costs(Insertion(day, Timetable(day)))(1, order) == made.cost


def halves(**rates: int) -> tuple[ShiftOffer, ...]:
    """Two vans alike, at 3600 an hour on the road."""
    return tuple(shift(key, cost=CostScheme(per_travel_hour=3600, **rates)) for key in (1, 2))


def hour_at(key: int, place: int, **changes: object) -> Visit:
    return visit(key, place, service_s=HOUR, **changes)


def test_balance_and_distance_work_is_shared_where_that_is_worth_the_second_van() -> None:
    """Three doors of an hour each, all five minutes away: one van drives ten minutes, 600, and works 3:10. Two vans
    drive twice that and work 2:10 and 1:10. At 600 an hour and hour: 3008 against 1408 and 408, with 600 more to
    drive."""
    doors = [hour_at(key, 5) for key in (1, 2, 3)]
    for price, used, cost in ((0, 1, 600), (200, 1, 600 + 1003), (600, 2, 1200 + 1408 + 408)):
        found = planned(problem(*doors, shifts=halves(balance_per_hour=price)))
        assert (len(found.routes), found.cost) == (used, cost), price


def test_balance_and_tier_one_more_is_served_whatever_the_hours_cost() -> None:
    """The van of the low tier has little to do, the urgent one makes the other's day long: both are served."""
    doors = [hour_at(1, 1), hour_at(2, 2), hour_at(3, 3, tier=1, shifts=frozenset({1}))]
    dear = problem(*doors, shifts=(halves(balance_per_hour=10**7)[0],))
    assert set(routes(planned(dear))[1]) == {1, 2, 3}


def test_balance_and_lock_what_a_person_put_on_a_van_stays_and_the_rest_goes_elsewhere() -> None:
    doors = [hour_at(key, 5) for key in (1, 2, 3)]
    locks = tuple(Lock(visit=key, shift=1) for key in (1, 2))
    found = planned(problem(*doors, shifts=halves(balance_per_hour=10_000), locks=locks))
    assert {shift_id: set(ids) for shift_id, ids in routes(found).items()} == {1: {1, 2}, 2: {3}}


def test_balance_and_overtime_both_prices_are_paid_for_the_same_hour() -> None:
    """50 minutes of work and 10 of travel, the shift is over after 48: 12 minutes at 3600, an hour at half of 7200."""
    rates = CostScheme(balance_per_hour=7200, per_overtime_hour=3600)
    van = shift(end_s=8 * HOUR + 48 * MINUTE, overtime_s=HOUR, cost=rates)
    found = planned(problem(visit(1, 5, service_s=50 * MINUTE), shifts=(van,)))
    assert found.cost == 720 + 3600


def test_balance_and_break_the_break_is_of_the_day() -> None:
    van = shift(cost=CostScheme(balance_per_hour=7200), breaks=(pause(at=(8 * HOUR, 10 * HOUR)),))
    found = planned(problem(visit(1, 5, service_s=20 * MINUTE), shifts=(van,)))
    assert found.cost == 3600


def test_area_and_distance_each_van_keeps_to_its_side_where_that_is_worth_it() -> None:
    """Two doors to the one side, 1 and 2 km away, two at 40 and 41 km on the same road: one van brings all for 82
    minutes of travel, 4920; its stops lie 20 and 19 km from the centre at 21 km: 78 in all. Two vans drive 4 minutes
    more, each within half a km of its centre."""
    doors = [visit(key, place) for key, place in ((1, 1), (2, 2), (3, 40), (4, 41))]
    for price, cost in ((0, 4920), (1, 4998), (100, 4920 + 240 + 200)):
        found = planned(problem(*doors, shifts=halves(area_per_km=price)))
        assert found.cost == cost, price
        assert {frozenset(ids) for ids in routes(found).values()} == (
            {frozenset({1, 2, 3, 4})} if price < 100 else {frozenset({1, 2}), frozenset({3, 4})}
        )


def test_area_and_tier_a_far_door_is_served_whatever_it_costs() -> None:
    doors = [visit(key, place, tier=tier) for key, place, tier in ((1, 1, 1), (2, 2, 1), (3, 50, 0))]
    found = planned(problem(*doors, shifts=(halves(area_per_km=10**7)[0],)))
    assert len(routes(found)[1]) == 3


def test_area_and_lock_the_place_that_a_person_chose_moves_the_centre() -> None:
    """The far door is locked to van 1: the near ones go with van 2."""
    doors = [visit(key, place) for key, place in ((1, 1), (2, 2), (3, 40))]
    found = planned(problem(*doors, shifts=halves(area_per_km=1000), locks=(Lock(visit=3, shift=1),)))
    assert {shift_id: set(ids) for shift_id, ids in routes(found).items()} == {1: {3}, 2: {1, 2}}


def test_balance_and_area_are_weighed_as_trying_everything_finds_it() -> None:
    """Ten days of four doors and two vans: no way of sharing and ordering them is cheaper than the one found."""
    drawn = np.random.default_rng(7)
    for _ in range(10):
        doors = [
            visit(key, int(drawn.integers(1, 30)), service_s=int(drawn.integers(5, 60)) * MINUTE) for key in range(1, 5)
        ]
        rates = {"balance_per_hour": int(drawn.choice([0, 900, 9000])), "area_per_km": int(drawn.choice([0, 20, 200]))}
        day = problem(*doors, shifts=halves(**rates))
        table, best = Timetable(day), None
        for where in product((1, 2), repeat=4):
            cost = 0
            for van in (1, 2):
                ids = [key for key, at in zip((1, 2, 3, 4), where, strict=True) if at == van]
                found = [table.times(van, order) for order in permutations(ids)] if ids else []
                costs = [times.cost for times in found if times is not None]
                cost += min(costs) if costs else 0 if not ids else 10**12
            best = cost if best is None else min(best, cost)
        assert planned(day).cost == best
