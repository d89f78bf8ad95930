"""The compiled search keeps to the schedule: what it calls possible and what it says a route costs are the same."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.engines.solver.insertion import Insertion
from routing.engines.solver.walk import RuinAndRecreate, route_costs
from routing.model.plans import CostScheme, Problem, Travel
from routing.rules.schedule import Timetable
from tests.routing.builders_plans import HOUR, MINUTE, between, line, pause, problem, shift, visit
from tests.routing.drawn_problems import problems

SLOW = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def searched(day: Problem) -> tuple[Timetable, Insertion]:
    table = Timetable(day)
    return table, Insertion(day, table)


@given(day=problems(most=5, locks=False) | problems(most=5, locks=False, by_clock=True), draw=st.data())
@SLOW
def test_a_compiled_route_is_possible_and_costs_what_the_schedule_says(day: Problem, draw: st.DataObject) -> None:
    table, insertion = searched(day)
    if not day.visits or not day.shifts:
        return
    cost = route_costs(insertion)
    for one in day.shifts:
        several_breaks = len(one.breaks) > 1
        chosen = draw.draw(st.lists(st.sampled_from([v.id for v in day.visits]), min_size=1, max_size=4, unique=True))
        for ids in permutations(chosen):
            times = table.times(one.id, ids)
            if times is None:
                assert cost(one.id, ids) == -1 or (several_breaks and day.speeds and one.max_travel_s)
            elif several_breaks and day.speeds:
                # Nor is it known in which order they are taken on one leg, and so how long the wheels turn.
                assert one.max_travel_s is not None or cost(one.id, ids) >= 0
            elif several_breaks and (one.cost.per_hour or one.cost.balance_per_hour):
                # Of breaks that end at the same moment the schedule may take another order, and leave later.
                assert cost(one.id, ids) >= 0
            else:
                assert cost(one.id, ids) == (times.travel_s if insertion.costs_nothing else times.cost)


@given(day=problems(most=9, locks=False) | problems(most=9, locks=False, by_clock=True), seed=st.integers(0, 2**32))
@SLOW
def test_a_walk_never_leaves_what_can_be_driven(day: Problem, seed: int) -> None:
    if not day.visits or not day.shifts:
        return
    table, insertion = searched(day)
    walk = RuinAndRecreate(insertion, {one.id: [] for one in day.shifts}, seed=seed)
    walk.fill()
    for part in (0.0, 0.5, 1.0):
        walk.run(60, part)
        best = walk.best
        assert all(table.times(key, ids) is not None for key, ids in best.items() if ids)
        served = [key for ids in best.values() for key in ids]
        assert len(served) == len(set(served))


@given(day=problems(most=9), seed=st.integers(0, 2**32))
@settings(SLOW, max_examples=60)
def test_a_walk_leaves_in_place_what_a_person_put_there(day: Problem, seed: int) -> None:
    if not day.visits or not day.shifts:
        return
    _, insertion = searched(day)
    routes = insertion.build()
    if not insertion.settled(routes):
        return
    walk = RuinAndRecreate(insertion, routes, seed=seed)
    walk.run(200, 0.3)
    assert insertion.settled(walk.best)


def test_the_same_seed_walks_the_same_way() -> None:
    day = problem(
        *(visit(n, n, load=(3,), tier=n % 2, age=n) for n in range(1, 25)),
        shifts=tuple(shift(n, capacity=(20,)) for n in (1, 2, 3)),
        travel=line(25),
    )
    found = []
    for _ in range(2):
        _, insertion = searched(day)
        walk = RuinAndRecreate(insertion, {1: [], 2: [], 3: []}, seed=7)
        walk.fill()
        for part in np.linspace(0, 1, 5):
            walk.run(100, float(part))
        found.append(walk.best)
    assert found[0] == found[1]


def test_a_paid_hour_is_not_spent_waiting() -> None:
    """Two doors, an hour's drive apart by way of the depot; one opens at 8, one at 16. A van that serves both waits
    for hours that are paid, two vans do not."""
    early = visit(1, 1, windows=between(8 * HOUR, 8 * HOUR + 10 * MINUTE))
    late = visit(2, 2, windows=between(16 * HOUR, 16 * HOUR + 10 * MINUTE))
    hourly = CostScheme(per_hour=3_600_000)
    day = problem(
        early, late, shifts=tuple(shift(n, start_s=6 * HOUR, end_s=20 * HOUR, cost=hourly) for n in (1, 2)),
        travel=line(3),
    )  # fmt: skip
    _, insertion = searched(day)
    walk = RuinAndRecreate(insertion, {1: [1, 2], 2: []}, seed=1)
    for part in (0.0, 0.5, 1.0):
        walk.run(300, part)
    assert sorted(map(len, walk.best.values())) == [1, 1]


def test_taking_a_door_out_never_parts_two_others_by_a_longer_road() -> None:
    """By way of door 3 it is quick from door 1 to door 2, straight it takes five hours: 3 may only leave with one of
    them."""
    seconds = np.full((4, 4), 10 * MINUTE, dtype=np.int64)
    np.fill_diagonal(seconds, 0)
    seconds[1, 2] = seconds[2, 1] = 5 * HOUR
    by_metre = CostScheme(per_km=1000)
    day = problem(
        *(visit(n, n) for n in (1, 2, 3)), shifts=(shift(1, cost=by_metre),),
        travel=Travel(durations_s=seconds, distances_m=np.minimum(seconds, 600)),
    )  # fmt: skip
    table, insertion = searched(day)
    walk = RuinAndRecreate(insertion, {1: [1, 3, 2]}, seed=3)
    for part in np.linspace(0, 1, 20):
        walk.run(50, float(part))
        ids = walk.current[1]
        assert not ids or table.times(1, ids) is not None


def test_shifts_whose_breaks_differ_in_their_number_only_are_alike() -> None:
    one, same, other = (
        shift(1, breaks=(pause(7),)),
        shift(2, breaks=(pause(8),)),
        shift(3, breaks=(pause(9, lasts=60),)),
    )
    _, insertion = searched(problem(visit(1, 1), shifts=(one, same, other)))
    assert insertion.kind[1] == insertion.kind[2] != insertion.kind[3]
