"""How good plans are beside OR-Tools as its own examples use it: same problem, same seconds, one core, three seeds.

`make bench` prints the table. Costs of both are recomputed here from the matrix; nothing is asserted about speed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from statistics import median

import numpy as np
import pytest
from ortools.constraint_solver import pywrapcp, routing_enums_pb2
from rich.console import Console
from rich.table import Table

from routing.engines.solver.process import solve_in_process
from routing.model.plans import CostScheme, Place, Problem, ShiftOffer, Travel, Visit, Window
from routing.rules.check import violations

SECONDS = 10.0
SEEDS = (1, 2, 3)
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


def as_the_examples_do(problem: Problem) -> int | None:
    """Metres of OR-Tools' plan with PATH_CHEAPEST_ARC and guided local search; None when it serves not all."""
    travel = problem.travel["car"]
    manager = pywrapcp.RoutingIndexManager(len(problem.places), len(problem.shifts), 0)
    model = pywrapcp.RoutingModel(manager)
    model.SetArcCostEvaluatorOfAllVehicles(model.RegisterTransitMatrix(travel.distances_m.tolist()))
    service = np.array([0] + [visit.service_s for visit in problem.visits], dtype=np.int64)
    time = model.RegisterTransitMatrix((travel.durations_s + service[:, None]).tolist())
    model.AddDimension(time, DAY_S, DAY_S, False, "time")
    clock = model.GetDimensionOrDie("time")
    load = model.RegisterUnaryTransitVector([0] + [visit.load[0] for visit in problem.visits])
    model.AddDimension(load, 0, problem.shifts[0].capacity[0], True, "load")
    for visit in problem.visits:
        clock.CumulVar(manager.NodeToIndex(visit.place)).SetRange(visit.windows[0].start_s, visit.windows[0].end_s)
    search = pywrapcp.DefaultRoutingSearchParameters()
    search.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PATH_CHEAPEST_ARC
    search.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    search.time_limit.FromSeconds(int(SECONDS))
    found = model.SolveWithParameters(search)
    return None if found is None else int(found.ObjectiveValue())


@pytest.mark.bench
def test_plans_beside_or_tools_as_its_examples_use_it() -> None:
    table = Table(title=f"Metres driven, {SECONDS:.0f} s on one core, seeds {SEEDS}; every door served")
    for word in ("stops", "Backroute", "OR-Tools, as in its examples", "ratio (median)"):
        table.add_column(word, justify="right")
    for stops, vans in ((100, 12), (200, 24)):
        ratios, ours_all, theirs_all = [], [], []
        for seed in SEEDS:
            problem = vrptw(stops=stops, vans=vans, seed=seed)
            plan = solve_in_process(problem, seed=seed, time_limit_s=SECONDS)
            assert violations(plan, problem) == []
            ours = sum(trip.distance_m for route in plan.routes for trip in route.trips)
            theirs = as_the_examples_do(problem)
            ours_all.append(f"{ours}" if not plan.unassigned else f"{ours} ({len(plan.unassigned)} left out)")
            theirs_all.append(str(theirs or "no plan"))
            if theirs and not plan.unassigned:
                ratios.append(ours / theirs)
        shown = f"{median(ratios):.3f}" if ratios else "-"
        table.add_row(str(stops), " ".join(ours_all), " ".join(theirs_all), shown)
    Console(width=140).print(table)
