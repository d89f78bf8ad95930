"""The best plan out of routes that a walk has driven at different moments: set partitioning (Balinski & Quandt 1964).

Over all routes of a large day at once that takes minutes. So it is asked of some neighbouring routes at a time: which
of all that serve only the visits of these, each of them once, cost least? What is gained in one part of the map holds
beside what is gained in another. The linear relaxation of the whole tells first what each visit is worth, and so which
routes can be part of a good plan: few are, and with those an answer takes a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from ortools.linear_solver import pywraplp

from routing.engines.solver.plain import PlainDay
from routing.engines.solver.route_pool import Columns
from routing.engines.solver.walk import RuinAndRecreate

_ROUTES = 50
"""Neighbouring routes that are asked together: of fewer there is less to exchange, of more an answer takes longer."""
_CANDIDATES = 1_500
"""Of the routes that serve only their visits, the most promising ones: those that the relaxation finds least too
dear."""
_LOOKS = 4
"""How often each visit is asked about at least."""
_NODES = 100
"""Of the tree that a question may take: most need none, and those that need more gain little by it."""

type Line = list[int]


def can_recombine(walk: RuinAndRecreate) -> bool:
    """Whether any shift may drive any route of another."""
    return walk.plain_day is not None and len(walk.day.kinds) == 1 and walk.serves_all


def recombine(
    walk: RuinAndRecreate, *, seed: int, stopped: Callable[[], bool], left_s: Callable[[], float] | None
) -> bool:
    """Puts the best together out of the routes that `walk` has kept, which it takes when that is better: then True."""
    if walk.plain_day is None or not walk.pool or not can_recombine(walk):
        return False
    number, order = walk.plain_day.number, walk.plain_day.order
    lines = [number[line].tolist() for line in walk.lines]
    columns = walk.pool.columns(walk.plain_day.day)
    found = recombined(walk.plain_day.day, columns, lines, seed=seed, stopped=stopped, left_s=left_s)
    return walk.take([order[line].tolist() for line in found])


def recombined(
    day: PlainDay,
    columns: Columns,
    lines: Sequence[Line],
    *,
    seed: int,
    stopped: Callable[[], bool],
    left_s: Callable[[], float] | None,
) -> list[Line]:
    """Routes that cost no more than `lines` and serve the same visits, all of the day; numbered as in it, and as many
    lines.

    It ends when every visit was asked about often enough, or is `stopped`. `left_s`: the seconds of work that are left
    for it; None where the clock must not decide.
    """
    n = len(day.load)
    driven = [line for line in lines if line]
    columns = _with(day, columns, driven)
    too_dear = _too_dear(n, columns, left_s)
    now = list(range(len(columns.costs) - len(driven), len(columns.costs)))
    price = day.legs.reshape(n + 2, n + 2, 2)[:, :, 1]
    chance = np.random.default_rng(seed)
    looked = np.zeros(n + 1, dtype=np.int64)
    looked[n] = _LOOKS
    asked: set[frozenset[int]] = set()
    while looked.min() < _LOOKS and not stopped():
        centre = int(chance.choice(np.flatnonzero(looked == looked.min())))
        old = _around(centre, columns, now, price[centre])
        inside = np.zeros(n + 1, dtype=bool)
        inside[columns.visits[old]] = True
        looked[:n] += inside[:n]
        if frozenset(old) in asked:
            continue
        asked.add(frozenset(old))
        inside[n] = True
        those = np.flatnonzero(inside[columns.visits].all(axis=1))
        those = those[np.argsort(too_dear[those], kind="stable")[:_CANDIDATES]]
        candidates = [*old, *np.setdiff1d(those, old).tolist()]
        new = _cheapest(n, columns, candidates, len(old), len(lines) - len(now), left_s)
        if new is not None:
            now = [j for j in now if j not in set(old)] + new
    found = [[x for x in columns.visits[j].tolist() if x < n] for j in now]
    return found + [[] for _ in range(len(lines) - len(found))]


def _with(day: PlainDay, columns: Columns, driven: Sequence[Line]) -> Columns:
    """These routes as the last columns, also where they are among the others."""
    n = len(day.load)
    price = day.legs.reshape(n + 2, n + 2, 2)[:, :, 1]
    longest = max(columns.visits.shape[1], *map(len, driven))
    visits = np.full((len(columns.costs) + len(driven), longest), n, dtype=np.int64)
    visits[: len(columns.costs), : columns.visits.shape[1]] = columns.visits
    costs = []
    for row, line in zip(visits[len(columns.costs) :], driven, strict=True):
        row[: len(line)] = line
        ways = [n, *line, n + 1]
        costs.append(int(price[ways[:-1], ways[1:]].sum(dtype=np.int64)) + int(day.hire[0]))
    return Columns(visits, np.append(columns.costs, costs))


def _too_dear(n: int, columns: Columns, left_s: Callable[[], float] | None) -> NDArray[np.float64]:
    """The reduced cost of each column: what it costs more than its visits are worth, if routes could be driven in
    fractions."""
    unit = max(1, int(np.gcd.reduce(columns.costs)))
    solver = pywraplp.Solver.CreateSolver("GLOP")
    once = [solver.Constraint(1, 1) for _ in range(n)]
    for row, cost in zip(columns.visits.tolist(), (columns.costs // unit).tolist(), strict=True):
        variable = solver.NumVar(0, 1, "")
        solver.Objective().SetCoefficient(variable, cost)
        for x in row:
            if x < n:
                once[x].SetCoefficient(variable, 1)
    if left_s is not None:
        # By what it has computed, which are about seconds of work.
        solver.SetSolverSpecificParametersAsString(f"max_deterministic_time: {max(0.1, left_s()):.3f}")
    solver.Solve()
    worth = np.array([*(one.dual_value() for one in once), 0.0])
    dear: NDArray[np.float64] = columns.costs // unit - worth[columns.visits].sum(axis=1)
    return dear


def _around(centre: int, columns: Columns, now: Sequence[int], price: NDArray[np.int32]) -> list[int]:
    """The routes of the visits that are nearest to `centre`, by what a leg from there costs."""
    n = len(price) - 2
    on = np.zeros(n + 1, dtype=np.int64)
    for j in now:
        on[columns.visits[j]] = j
    order = [centre, *np.argsort(price[:n], kind="stable").tolist()]
    return list(dict.fromkeys(on[order].tolist()))[:_ROUTES]


def _cheapest(
    n: int, columns: Columns, candidates: Sequence[int], driven: int, spare: int, left_s: Callable[[], float] | None
) -> list[int] | None:
    """Of these columns those that serve the visits of the first `driven` cheaper than they do, by at most `spare` more;
    None where there are none."""
    costs = columns.costs[candidates].tolist()
    unit = max(1, int(np.gcd.reduce(costs)))
    solver = pywraplp.Solver.CreateSolver("SCIP")
    once: dict[int, pywraplp.Constraint] = {}
    vans = solver.Constraint(0, driven + spare)
    taken = []
    for row, cost in zip(columns.visits[candidates].tolist(), costs, strict=True):
        variable = solver.BoolVar("")
        solver.Objective().SetCoefficient(variable, cost // unit)
        vans.SetCoefficient(variable, 1)
        for x in row:
            if x < n:
                if x not in once:
                    once[x] = solver.Constraint(1, 1)
                once[x].SetCoefficient(variable, 1)
        taken.append(variable)
    solver.SetHint(taken, [float(at < driven) for at in range(len(taken))])
    limits = f"limits/nodes = {_NODES}\n"
    if left_s is not None:
        # In seconds of work: on a busy machine those of the wall are over before anything was asked.
        limits += f"timing/clocktype = 1\nlimits/time = {max(0.1, left_s()):.3f}\n"
    solver.SetSolverSpecificParametersAsString(limits)
    if solver.Solve() not in (pywraplp.Solver.OPTIMAL, pywraplp.Solver.FEASIBLE):
        return None
    chosen = [at for at, variable in enumerate(taken) if variable.solution_value() > 0.5]
    cheaper = sum(costs[at] for at in chosen) < sum(costs[:driven])
    return [candidates[at] for at in chosen] if cheaper else None
