"""A driver is out, 400 stops on 13 routes, no spare: what is served again in two seconds, and whom it moves.

`make bench` prints the table. Beside it stands what ten times the search would still find.
"""

from __future__ import annotations

import time

import pytest
from rich.console import Console
from rich.table import Table

from routing.engines.solver.ortools_solver import solve
from routing.rules.changes import orders_of
from routing.rules.check import violations
from routing.rules.driver_out import frozen_on_their_vans, insert_cheapest, without_route, without_shift
from tests.benchmarks.replan_day import a_full_day

VANS_OUT = 3
SECONDS = 2.0


@pytest.mark.bench
def test_a_driver_is_out_and_nobody_elses_stops_move() -> None:
    problem, plan = a_full_day()
    served = sum(len(route.visits) for route in plan.routes)
    table = Table(title=f"400 stops, {len(plan.routes)} routes, {served} served, one driver out")
    for name in ("out", "stops of it", "left by insertion", "CPU s", f"left after {SECONDS:.0f} s more", "after 20 s"):
        table.add_column(name, justify="right")
    for route in plan.routes[:VANS_OUT]:
        base = without_shift(problem, route.shift)
        rest = without_route(plan, base, route.shift)
        began = time.process_time()
        inserted = insert_cheapest(rest, base, route.visits)
        took = time.process_time() - began
        frozen = frozen_on_their_vans(rest, base)
        left = {}
        for seconds in (SECONDS, 10 * SECONDS):
            found = inserted if not inserted.unassigned else solve(
                frozen, seed=0, time_limit_s=seconds, start=inserted
            )  # fmt: skip
            assert violations(found, frozen) == []
            after = {key: shift for shift, order in orders_of(found).items() for key in order}
            moved = [key for shift, order in orders_of(rest).items() for key in order if after[key] != shift]
            assert moved == [], "nobody else's stops move to another driver"
            left[seconds] = len(found.unassigned)
        table.add_row(
            str(route.shift), str(len(route.visits)), str(len(inserted.unassigned)), f"{took:.2f}",
            *(str(each) for each in left.values()),
        )  # fmt: skip
    Console().print(table)
