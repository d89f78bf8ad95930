"""How good plans are beside PyVRP, VROOM and OR-Tools as its own examples use it: same problem, same seconds, one core.

`make bench` writes one table as Markdown (report.py); `make bench ARGS=tests/benchmarks/test_plans.py` this one alone.
Before it begins it says how long it will take. `BACKROUTE_VRP` names a folder of instances with their best known
distances; without it, and at 5,000 stops, they are generated and compared with the best of the run. Every searcher has
a process of its own, one core and so many seconds of that process's work (VROOM, which reads only the clock on the
wall, as many of those as our work took), so that on a busy machine the table says the same; starting, compiling and
reading the problem do not count. Every plan is timed and judged by our own schedule and checker. Nothing is asserted
about speed.

    BACKROUTE_BENCH_SIZES=100,400      these sizes only
    BACKROUTE_BENCH_INSTANCES=2        so many per size (else 4, of 5,000 stops 1)
    BACKROUTE_BENCH_ONLY=R1_10_5,R201  these, whatever their size
    BACKROUTE_BENCH_SEEDS=1            (else 3)
    BACKROUTE_BENCH_SECONDS=10         instead of those of the size
    BACKROUTE_BENCH_PEERS=PyVRP,VROOM  beside us (else all)
    BACKROUTE_BENCH_OUT=FILE.md        where the table goes (else bench.md)
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

from routing.engines.solver.finish import plan_of
from routing.engines.solver.insertion import Routes
from routing.engines.solver.ortools_solver import solve
from routing.engines.solver.walk import warm
from routing.model.plans import Problem
from routing.rules.check import violations
from tests.benchmarks import report
from tests.benchmarks.instances import KINDS, PER_METRE, Instance, generated, published
from tests.benchmarks.peers import ortools_routes, pyvrp_routes, vroom_routes

SEEDS = tuple(range(1, 1 + int(os.environ.get("BACKROUTE_BENCH_SEEDS", "3"))))
SIZES = {100: 5.0, 200: 10.0, 400: 10.0, 1000: 60.0, 5000: 300.0}
"""Stops and the seconds of search."""
WANTED_SIZES = {int(each) for each in os.environ.get("BACKROUTE_BENCH_SIZES", "").split(",") if each}
MOST = {size: int(os.environ.get("BACKROUTE_BENCH_INSTANCES", 1 if size > 1000 else 4)) for size in SIZES}
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
    most = MOST[stops]
    if stops <= 1000 and (found := published(stops, most=most, only=ONLY)):
        return found
    drawn = [
        (kind, seed) for seed in range(1, 2 + most // len(KINDS)) for kind in ("RC1", "R2", "C1", "RC2", "R1", "C2")
    ]
    if ONLY:
        drawn = [(kind, seed) for kind, seed in drawn if f"{kind} {stops} {seed}" in ONLY]
    return [generated(stops, kind=kind, seed=seed) for kind, seed in drawn[:most]]


def seconds_of(stops: int) -> float:
    return float(SECONDS) if SECONDS else SIZES[stops]


@pytest.fixture(scope="module", autouse=True)
def says_how_long() -> None:
    """An upper limit on quiet cores: some solvers end when they find nothing more."""
    sizes = WANTED_SIZES or set(SIZES)
    total = sum(MOST[stops] * len(SEEDS) * len(SOLVERS) * seconds_of(stops) for stops in sizes)
    solvers = ", ".join(SOLVERS)
    said = "" if ONLY else f"about {report.hours(total)} on a quiet core: "
    print(f"\nPlans beside others: {said}{sorted(sizes)} stops, seeds {SEEDS}, {solvers}. -> {report.OUT}", flush=True)


TITLE = f"Gap in % to the best known distance, median of seeds {SEEDS[0]} to {SEEDS[-1]} (lowest – highest)"
COLUMNS = ("stops, seconds", "instance", *SOLVERS)


def spread(gaps: list[float]) -> str:
    """The median, and from where to where where seeds differ.

    >>> spread([0.5, 0.1, 0.2]), spread([1.0]), spread([])
    ('0.20 (0.10 – 0.50)', '1.00', 'not all served')
    """
    if not gaps:
        return "not all served"
    low, high = f"{min(gaps):.2f}", f"{max(gaps):.2f}"
    return f"{median(gaps):.2f}" + (f" ({low} – {high})" if low != high else "")


@pytest.mark.bench
@pytest.mark.parametrize("stops", SIZES)
def test_plans_beside_those_of_others(stops: int) -> None:
    if WANTED_SIZES and stops not in WANTED_SIZES:
        pytest.skip("another size was asked for")
    seconds = seconds_of(stops)
    instances = instances_of(stops)
    if not instances:
        pytest.skip("none of those named has so many stops")
    size = f"{stops:,}, {seconds:.0f} s"
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
                print(f"{instance.name}, seed {seed}, {name}: {one.distance} in {one.work_s:.0f} s of work", flush=True)
        best = instance.best or min(
            each.distance for many in found.values() for each in many if each.distance is not None
        )
        cells = [size, instance.name if instance.best else f"{instance.name} (to the best of this run)"]
        for name, many in found.items():
            of_seeds = [100 * (each.distance / best - 1) for each in many if each.distance is not None]
            gaps[name] += of_seeds
            cells.append(spread(of_seeds))
        report.row(TITLE, COLUMNS, cells)
    medians = [f"**{median(many):.2f}**" if many else "–" for many in gaps.values()]
    report.row(TITLE, COLUMNS, [size, "**median**", *medians])
    report.row(TITLE, COLUMNS, [size, "seconds of work", *(f"{median(many):.0f}" for many in work.values())])
    print(report.OUT.read_text(encoding="utf-8"))
