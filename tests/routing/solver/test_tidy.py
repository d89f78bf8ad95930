"""A dispatcher who tries a move by hand must not find what the search overlooked."""

from __future__ import annotations

import numpy as np
import pytest

from routing.engines.solver.insertion import Insertion
from routing.engines.solver.ortools_solver import solve
from routing.model.plans import Problem
from routing.rules.schedule import Timetable
from tests.benchmarks.test_plans import vrptw


def cheaper_moves(problem: Problem, routes: dict[int, list[int]]) -> list[int]:
    """Visits that would be cheaper at some other place, by driving every route again."""
    table = Timetable(problem)

    def cost(shift: int, ids: list[int]) -> int | None:
        times = table.times(shift, ids) if ids else None
        return 0 if not ids else None if times is None else times.cost

    found = []
    for home, ids in routes.items():
        for key in ids:
            without = [other for other in ids if other != key]
            for shift, others in routes.items():
                base = without if shift == home else others
                for at in range(len(base) + 1):
                    after = cost(shift, [*base[:at], key, *base[at:]])
                    left = 0 if shift == home else cost(home, without)
                    before = cost(home, ids) + (0 if shift == home else cost(shift, others))
                    if after is not None and left is not None and after + left < before:
                        found.append(key)
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_tidying_no_single_visit_is_cheaper_elsewhere(seed: int) -> None:
    problem = vrptw(stops=24, vans=4, seed=seed)
    insertion = Insertion(problem, Timetable(problem))
    shuffled = np.random.default_rng(seed).permutation([visit.id for visit in problem.visits]).tolist()
    rough = insertion.mend({1: shuffled, 2: [], 3: [], 4: []})
    assert cheaper_moves(problem, rough), "there is something to tidy"
    tidied = insertion.tidy(rough, stopped=lambda: False)
    assert cheaper_moves(problem, tidied) == []
    assert sorted(key for ids in tidied.values() for key in ids) == sorted(key for ids in rough.values() for key in ids)


def test_a_plan_with_time_to_spare_holds_no_cheaper_single_move() -> None:
    problem = vrptw(stops=20, vans=3, seed=5)
    plan = solve(problem, seed=1, time_limit_s=60, iterations=400)
    routes = {shift.id: [] for shift in problem.shifts} | {r.shift: list(r.visits) for r in plan.routes}
    assert cheaper_moves(problem, routes) == []
