"""How good plans are beside PyVRP, VROOM and OR-Tools as its own examples use it: same problem, same seconds, one core.

`make bench` prints the table; `BACKROUTE_VRP` names a folder of instances with their best known distances, without it
they are generated and compared with the best of the run. Every plan is timed and judged by our own schedule and
checker. Nothing is asserted about speed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from statistics import median

import pytest
from rich.console import Console
from rich.table import Table

from routing.engines.solver.finish import plan_of
from routing.engines.solver.insertion import Routes
from routing.engines.solver.process import solve_in_process
from routing.model.plans import Problem
from routing.rules.check import violations
from tests.benchmarks.instances import PER_METRE, Instance, generated, published
from tests.benchmarks.peers import ortools_routes, pyvrp_routes, vroom_routes

SEEDS = tuple(range(1, 1 + int(os.environ.get("BACKROUTE_BENCH_SEEDS", "1"))))
SIZES = {100: 5.0, 200: 10.0, 400: 10.0, 1000: 60.0}
"""Stops and the seconds of search."""
MOST = int(os.environ.get("BACKROUTE_BENCH_INSTANCES", "2"))


def ours(problem: Problem, *, seconds: float, seed: int) -> Routes | None:
    plan = solve_in_process(problem, seed=seed, time_limit_s=seconds)
    return None if plan.unassigned else {route.shift: list(route.visits) for route in plan.routes}


SOLVERS: dict[str, Callable[..., Routes | None]] = {
    "Backroute": ours,
    "PyVRP": pyvrp_routes,
    "VROOM": vroom_routes,
    "OR-Tools, as in its examples": ortools_routes,
}


def distance(instance: Instance, routes: Routes | None) -> int | None:
    if routes is None:
        return None
    plan = plan_of(instance.problem, routes, seed=0, iterations=0, search_s=0.0)
    assert violations(plan, instance.problem) == []
    return plan.cost * 1000 // PER_METRE if not plan.unassigned else None


@pytest.mark.bench
@pytest.mark.parametrize("stops", SIZES)
def test_plans_beside_those_of_others(stops: int) -> None:
    seconds = SIZES[stops]
    instances = published(stops, most=MOST) or [generated(stops, seed=seed) for seed in range(1, 1 + MOST)]
    table = Table(
        title=f"{stops} stops, {seconds:.0f} s of search on one core, seeds {SEEDS}: gap in % to the best known "
        "(generated ones: to the best of this run)"
    )
    table.add_column("instance")
    for name in SOLVERS:
        table.add_column(name, justify="right")
    gaps: dict[str, list[float]] = {name: [] for name in SOLVERS}
    for instance in instances:
        found = {
            name: [distance(instance, solver(instance.problem, seconds=seconds, seed=seed)) for seed in SEEDS]
            for name, solver in SOLVERS.items()
        }
        best = instance.best or min(each for many in found.values() for each in many if each is not None)
        row = []
        for name, many in found.items():
            of_seeds = [100 * (each / best - 1) for each in many if each is not None]
            gaps[name] += of_seeds
            row.append(" ".join(f"{gap:.2f}" for gap in of_seeds) or "not all served")
        table.add_row(instance.name, *row)
    table.add_row("median", *(f"{median(many):.2f}" if many else "-" for many in gaps.values()))
    Console(width=140).print(table)
