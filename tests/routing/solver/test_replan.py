"""A driver is out and the others share the stops, with the search's help: counted in rounds, so the same everywhere."""

from __future__ import annotations

from dataclasses import replace

from routing.engines.solver.ortools_solver import solve
from routing.rules.changes import orders_of
from routing.rules.check import violations
from routing.rules.driver_out import better, frozen_on_their_vans, insert_cheapest, without_route, without_shift
from routing.rules.reasons import why_left_out
from tests.benchmarks.replan_day import a_full_day


def test_the_search_serves_no_less_than_insertion_and_moves_nobody_to_another_driver() -> None:
    problem, plan = a_full_day(stops=60, vans=3, rounds=100)
    out = plan.routes[0].shift
    base = without_shift(problem, out)
    rest = without_route(plan, base, out)
    inserted = insert_cheapest(rest, base, orders_of(plan)[out])
    assert inserted.unassigned, "two vans cannot bring it all: the search has something to do"
    frozen = frozen_on_their_vans(rest, base)
    solved = solve(frozen, seed=0, time_limit_s=60.0, iterations=100, start=inserted)
    solved = replace(solved, unassigned=why_left_out(base, solved))
    assert violations(solved, frozen) == []
    assert better(inserted, solved).served_by_tier >= inserted.served_by_tier
    after = {key: shift for shift, order in orders_of(solved).items() for key in order}
    for shift, order in orders_of(rest).items():
        assert {after[key] for key in order} == {shift}
