"""The days of twenty depots, planned at once: the same rounds in one process and in two, by the clock on the wall.

`make bench ARGS=tests/benchmarks/test_depots.py`; it needs two quiet cores, and takes some minutes there.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from routing.engines.solver.parts import solve_in_parts
from routing.engines.solver.process import end_idle, solve_in_process
from routing.model.plans import Place, Problem, Travel
from routing.rules.check import violations
from tests.benchmarks import report
from tests.benchmarks.instances import generated

DEPOTS, STOPS, ROUNDS = 20, 50, 200_000
TITLE = f"{DEPOTS} depots of {STOPS} stops, {ROUNDS:,} rounds: seconds by the clock"
COLUMNS = ("", "one process", "two processes", "times as fast")


def depots() -> Problem:
    days = [generated(STOPS, kind="RC1", seed=seed).problem for seed in range(1, DEPOTS + 1)]
    each = len(days[0].places)
    far = np.full((DEPOTS * each, DEPOTS * each), 10_000, dtype=np.int64)
    visits, shifts = [], []
    for number, day in enumerate(days):
        first = number * each
        far[first : first + each, first : first + each] = day.travel["van"].durations_s
        own = {shift.id: 1000 * number + shift.id for shift in day.shifts}
        shifts += [replace(shift, id=own[shift.id], start=first, end=first) for shift in day.shifts]
        visits += [
            replace(visit, id=1000 * number + visit.id, place=first + visit.place, shifts=frozenset(own.values()))
            for visit in day.visits
        ]
    return replace(
        days[0],
        places=tuple(Place(index=n, name=str(n)) for n in range(DEPOTS * each)),
        travel={"van": Travel(durations_s=far, distances_m=far)},
        visits=tuple(visits),
        shifts=tuple(shifts),
    )


@pytest.mark.bench
def test_twenty_depots_in_two_processes() -> None:
    problem = depots()
    took = []
    for solve, threads in ((solve_in_process, 1), (solve_in_parts, 2)):
        end_idle()
        began = time.monotonic()
        plan = solve(problem, seed=1, time_limit_s=3600, iterations=ROUNDS, threads=threads)
        took.append(time.monotonic() - began)
        assert violations(plan, problem) == []
        print(f"{threads} at once: {took[-1]:.1f} s, {plan.served_by_tier}, cost {plan.cost:,}", flush=True)
    report.row(TITLE, COLUMNS, ("all depots", *(f"{each:.1f}" for each in took), f"{took[0] / took[1]:.2f}"))
