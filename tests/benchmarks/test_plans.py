"""How good plans are beside PyVRP, VROOM and OR-Tools as its own examples use it: same problem, same seconds, one core.

`make bench` prints the table. `BACKROUTE_VRP` names a folder of instances with their best known distances; without it,
and at 5,000 stops, they are generated and compared with the best of the run. Every searcher has a process of its own
and so many seconds of that process's work (VROOM, which reads only the clock on the wall, as many of those as our work
took), so that on a busy machine the table says the same. Every plan is timed and judged by our own schedule and
checker. Nothing is asserted about speed.

    BACKROUTE_BENCH_INSTANCES=2        so many per size
    BACKROUTE_BENCH_ONLY=R1_10_5,R201  these, whatever their size
    BACKROUTE_BENCH_SEEDS=3
    BACKROUTE_BENCH_SECONDS=10         instead of those of the size
    BACKROUTE_BENCH_PEERS=PyVRP,VROOM  beside us
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import median

import pytest
from rich.console import Console
from rich.table import Table

from routing.engines.solver.finish import plan_of
from routing.engines.solver.insertion import Routes
from routing.engines.solver.ortools_solver import solve
from routing.engines.solver.walk import warm
from routing.model.plans import Problem
from routing.rules.check import violations
from tests.benchmarks.instances import KINDS, PER_METRE, Instance, generated, published
from tests.benchmarks.peers import ortools_routes, pyvrp_routes, vroom_routes

SEEDS = tuple(range(1, 1 + int(os.environ.get("BACKROUTE_BENCH_SEEDS", "1"))))
SIZES = {100: 5.0, 200: 10.0, 400: 10.0, 1000: 60.0, 5000: 300.0}
"""Stops and the seconds of search."""
MOST = int(os.environ.get("BACKROUTE_BENCH_INSTANCES", "2"))
ONLY = frozenset(filter(None, os.environ.get("BACKROUTE_BENCH_ONLY", "").split(",")))
SECONDS = os.environ.get("BACKROUTE_BENCH_SECONDS")
US = "Backroute"


def ours(problem: Problem, *, seconds: float, seed: int) -> Routes | None:
    plan = solve(problem, seed=seed, time_limit_s=seconds, clock=time.process_time, threads=1)
    return None if plan.unassigned else {route.shift: list(route.visits) for route in plan.routes}


PEERS: dict[str, Callable[..., Routes | None]] = {
    "PyVRP": pyvrp_routes,
    "VROOM": vroom_routes,
    "OR-Tools, as in its examples": ortools_routes,
}
WANTED = os.environ.get("BACKROUTE_BENCH_PEERS")
SOLVERS = {US: ours} | {name: peer for name, peer in PEERS.items() if WANTED is None or name in WANTED.split(",")}


@dataclass(frozen=True, slots=True)
class Found:
    """The distance x 10 (None: not all were served), the seconds by the clock and of the process's own work."""

    distance: int | None
    wall_s: float
    work_s: float


def searched(name: str, instance: Instance, seconds: float, seed: int) -> Found:
    """In a process of its own."""
    if name == US:
        warm()
    began, worked = time.monotonic(), time.process_time()
    routes = SOLVERS[name](instance.problem, seconds=seconds, seed=seed)
    wall_s, work_s = time.monotonic() - began, time.process_time() - worked
    return Found(None if routes is None else distance(instance, routes), wall_s, work_s)


def distance(instance: Instance, routes: Routes) -> int | None:
    plan = plan_of(instance.problem, routes, seed=0, iterations=0, search_s=0.0)
    assert violations(plan, instance.problem) == []
    return plan.cost * 1000 // PER_METRE if not plan.unassigned else None


def instances_of(stops: int) -> list[Instance]:
    if stops <= 1000 and (found := published(stops, most=MOST, only=ONLY)):
        return found
    drawn = [
        (kind, seed) for seed in range(1, 2 + MOST // len(KINDS)) for kind in ("RC1", "R2", "C1", "RC2", "R1", "C2")
    ]
    if ONLY:
        drawn = [(kind, seed) for kind, seed in drawn if f"{kind} {stops} {seed}" in ONLY]
    return [generated(stops, kind=kind, seed=seed) for kind, seed in drawn[:MOST]]


@pytest.mark.bench
@pytest.mark.parametrize("stops", SIZES)
def test_plans_beside_those_of_others(stops: int) -> None:
    seconds = float(SECONDS) if SECONDS else SIZES[stops]
    instances = instances_of(stops)
    if not instances:
        pytest.skip("none of those named has so many stops")
    table = Table(
        title=f"{stops} stops, {seconds:.0f} s of work on one core, seeds {SEEDS}: gap in % to the best known "
        "(generated ones: to the best of this run)"
    )
    table.add_column("instance")
    for name in SOLVERS:
        table.add_column(name, justify="right")
    gaps: dict[str, list[float]] = {name: [] for name in SOLVERS}
    work: dict[str, list[float]] = {name: [] for name in SOLVERS}
    for instance in instances:
        found: dict[str, list[Found]] = {name: [] for name in SOLVERS}
        for seed in SEEDS:
            busy = 1.0
            for name in SOLVERS:
                with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                    patience = busy if name == "VROOM" else 1.0
                    one = pool.submit(searched, name, instance, seconds * patience, seed).result()
                if name == US:
                    busy = max(1.0, one.wall_s / max(one.work_s, 0.1))
                found[name].append(one)
                work[name].append(one.work_s)
                # A long run that is broken off has said something.
                print(f"{instance.name}, seed {seed}, {name}: {one.distance} in {one.work_s:.0f} s of work", flush=True)
        best = instance.best or min(
            each.distance for many in found.values() for each in many if each.distance is not None
        )
        row = []
        for name, many in found.items():
            of_seeds = [100 * (each.distance / best - 1) for each in many if each.distance is not None]
            gaps[name] += of_seeds
            row.append(" ".join(f"{gap:.2f}" for gap in of_seeds) or "not all served")
        table.add_row(instance.name, *row)
    table.add_row("median", *(f"{median(many):.2f}" if many else "-" for many in gaps.values()))
    table.add_row("seconds of work", *(f"{median(many):.0f}" for many in work.values()))
    Console(width=140).print(table)
