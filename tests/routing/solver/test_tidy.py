"""A dispatcher who tries a move by hand must not find what the search overlooked."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from routing.engines.solver.insertion import Insertion
from routing.engines.solver.ortools_solver import solve
from routing.model.plans import CostScheme, Place, Problem, ShiftOffer, Travel, Visit, Window
from routing.rules.schedule import Timetable

DAY_S = 36_000


def vrptw(*, stops: int, vans: int, seed: int) -> Problem:
    """Doors at random in a square of 10 km, half of them with a window of two hours; vans of about 25 doors."""
    chance = np.random.default_rng(seed)
    xy = chance.uniform(0, 10_000, (stops + 1, 2))
    metres = np.rint(np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))).astype(np.int64)
    seconds = np.rint(metres / 8).astype(np.int64)
    visits = []
    for place in range(1, stops + 1):
        opens = int(chance.integers(0, DAY_S - 10_800))
        window = Window(start_s=opens, end_s=opens + 7_200) if place % 2 else Window(start_s=0, end_s=DAY_S - 1_800)
        load = (int(chance.integers(1, 9)),)
        visits.append(Visit(id=place, place=place, service_s=300, windows=(window,), load=load, collect=(0,)))
    shifts = tuple(
        ShiftOffer(
            id=van,
            profile="car",
            start=0,
            end=0,
            start_s=0,
            end_s=DAY_S,
            capacity=(120,),
            cost=CostScheme(per_km=1_000_000),
        )
        for van in range(1, vans + 1)
    )
    return Problem(
        epoch=datetime(2026, 3, 3, 5, tzinfo=UTC),
        dimensions=("pieces",),
        places=tuple(Place(index=index, name=str(index)) for index in range(stops + 1)),
        travel={"car": Travel(durations_s=seconds, distances_m=metres)},
        visits=tuple(visits),
        shifts=shifts,
    )


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
