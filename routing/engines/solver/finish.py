"""From orders of visits to a plan that may be saved: times, cost, reasons, and the checker's word. Needs no
OR-Tools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from routing.engines.solver.insertion import Routes
from routing.errors import InvalidProblem, SolverError
from routing.model.plans import Plan, PlannedRoute, Problem
from routing.rules.check import violations
from routing.rules.reasons import why_left_out
from routing.rules.schedule import Timetable

ENGINE = "OR-Tools 9.15"


def served_by_tier(problem: Problem, keys: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """(tier, served) from the highest tier of the problem to the lowest."""
    tier = {visit.id: visit.tier for visit in problem.visits}
    served = Counter(tier[key] for key in keys)
    return tuple((level, served[level]) for level in sorted(set(tier.values()), reverse=True))


def plan_of(
    problem: Problem, routes: Routes, *, seed: int, iterations: int, search_s: float, table: Timetable | None = None
) -> Plan:
    """The plan of these orders of visits, with times, cost and reasons. Raises SolverError when the checker objects,
    InvalidProblem when a done visit cannot stay where it was done."""
    table = table or Timetable(problem)
    planned: list[PlannedRoute] = []
    for shift, ids in routes.items():
        if ids:
            route = table.route(shift, ids)
            if not isinstance(route, PlannedRoute):
                raise SolverError(f"The search gave a route that cannot be driven. {route.sentence}")
            planned.append(route)
    served = [key for route in planned for key in route.visits]
    draft = Plan(
        routes=tuple(planned),
        unassigned=(),
        cost=sum(route.cost for route in planned),
        served_by_tier=served_by_tier(problem, served),
        engine=ENGINE,
        seed=seed,
        iterations=iterations,
        search_s=search_s,
    )
    left_out = why_left_out(problem, draft, timetable=table)
    for gone in left_out:
        if gone.visit in table.done:
            raise InvalidProblem(
                f"Delivery {gone.visit} is done or under way, but its shift cannot have done it. {gone.detail}"
            )
    plan = Plan(
        routes=draft.routes,
        unassigned=left_out,
        cost=draft.cost,
        served_by_tier=draft.served_by_tier,
        engine=draft.engine,
        seed=seed,
        iterations=iterations,
        search_s=search_s,
    )
    wrong = violations(plan, problem)
    if wrong:
        raise SolverError(f"The plan that was found breaks a rule: {wrong[0].sentence}", violations=wrong)
    return plan
