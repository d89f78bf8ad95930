"""The best plan out of routes that a walk has driven at different moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from routing.engines.solver import ortools_solver, recombine, route_pool
from routing.engines.solver.insertion import Insertion, Routes
from routing.engines.solver.plain_walk import PlainRounds
from routing.engines.solver.recombine import can_recombine
from routing.engines.solver.recombine import recombine as put_together
from routing.engines.solver.route_pool import RoutePool
from routing.engines.solver.walk import RuinAndRecreate
from routing.model.plans import CostScheme, Problem, Travel
from routing.rules.schedule import Timetable
from tests.routing.builders_plans import HOUR, MINUTE, line, pause, problem, shift, visit
from tests.routing.solver.test_plain import town

PER_KM = 1_000


def street(vans: int = 4) -> Problem:
    """Eight doors, a kilometre from one to the next, the depot before the first; a van takes two or three pieces. A
    route costs twice the way to its last door, and 10 km for the van."""
    cost = CostScheme(fixed=10 * PER_KM, per_km=PER_KM)
    shifts = tuple(shift(n, end_s=20 * HOUR, capacity=(3,), cost=cost) for n in range(1, vans + 1))
    return problem(*(visit(n, n, load=(1,)) for n in range(1, 9)), shifts=shifts, travel=line(9))


def standing_on(day: Problem, routes: Sequence[list[int]]) -> RuinAndRecreate:
    """A walk that begins at these routes."""
    insertion = Insertion(day, Timetable(day))
    given: Routes = {
        one.id: list(ids) for one, ids in zip(day.shifts, [*routes, *[[]] * len(day.shifts)], strict=False)
    }
    walk = RuinAndRecreate(insertion, given, seed=1)
    walk.pool = RoutePool()
    return walk


def note(walk: RuinAndRecreate) -> None:
    n = len(walk.visits)
    assert walk.plain_day is not None
    assert walk.pool is not None
    best = walk.walk.best
    walk.pool.note(PlainRounds(walk.plain_day, best[:n], best[n:], np.array([1], dtype=np.uint64)).walk)


def together(walk: RuinAndRecreate, **how: Any) -> bool:
    return put_together(walk, **{"seed": 1, "stopped": lambda: False, "left_s": None} | how)


NEAR_IS_GOOD = [[1, 2], [3, 4], [5, 7], [6, 8]]
FAR_IS_GOOD = [[1, 3], [2, 4], [5, 6], [7, 8]]


def both(day: Problem) -> RuinAndRecreate:
    """Stands where the near half is driven well, and has been where the far half was."""
    walk = standing_on(day, NEAR_IS_GOOD)
    note(walk)
    walk.begin_from(standing_on(day, FAR_IS_GOOD).best)
    note(walk)
    return walk


def test_the_good_halves_of_two_plans_are_one_plan() -> None:
    walk = both(street())
    assert together(walk)
    assert sorted(map(sorted, walk.best.values())) == [[1, 2], [3, 4], [5, 6], [7, 8]]
    # 2 x (2 + 4 + 6 + 8) km and four vans.
    assert -walk.standing[-1] == walk.insertion.cost(walk.best)
    assert not together(walk)


def test_of_the_same_visits_the_cheapest_order_is_kept_with_its_cost() -> None:
    day = street()
    walk = standing_on(day, [[2, 1, 3], [4, 5], [6, 7], [8]])
    note(walk)
    walk.begin_from(standing_on(day, [[1, 2, 3], [5, 4], [6, 7], [8]]).best)
    note(walk)
    assert walk.plain_day is not None
    assert walk.pool is not None
    columns = walk.pool.columns(walk.plain_day.day)
    named = walk.plain_day.order[np.minimum(columns.visits, len(walk.visits))] + 1
    found = {tuple(x for x in row if x): cost for row, cost in zip(named.tolist(), columns.costs.tolist(), strict=True)}
    assert {frozenset(ids) for ids in found} == {
        frozenset(ids) for ids in ((1, 2, 3), (4, 5), (6, 7), (8,))
    }  # once each, though two of them were noted twice
    assert found[(1, 2, 3)] * 26 == found[(8,)] * 16
    assert together(walk) is False


@pytest.mark.parametrize(("vans", "km"), [(4, 2 + 2 + 2 + 2), (3, 2 + 2 + 7), (2, 7 + 7)])
def test_no_more_vans_leave_than_there_are(vans: int, km: int) -> None:
    """Four doors, each a kilometre from the depot and five from the next: two at once are 7 km, each alone 2."""
    apart = np.full((5, 5), 5)
    apart[0], apart[:, 0] = 1, 1
    np.fill_diagonal(apart, 0)

    def star(vans: int) -> Problem:
        shifts = tuple(shift(n, cost=CostScheme(per_km=PER_KM)) for n in range(1, vans + 1))
        visits = (visit(n, n) for n in range(1, 5))
        return problem(*visits, shifts=shifts, travel=Travel(durations_s=apart * MINUTE, distances_m=apart * 1_000))

    alone = standing_on(star(4), [[1], [2], [3], [4]])
    note(alone)
    walk = standing_on(star(vans), [[1, 2], [3, 4]])
    before = -walk.standing[-1]
    note(walk)
    assert walk.pool is not None
    assert alone.pool is not None
    walk.pool.add([alone.pool])
    assert together(walk) is (vans > 2)
    assert -walk.standing[-1] * 14 == before * km
    assert sum(1 for ids in walk.best.values() if ids) == vans


def test_where_nothing_is_left_to_do_the_plan_stays_as_it_is() -> None:
    walk = both(street())
    before = walk.best
    assert not together(walk, stopped=lambda: True)
    assert walk.best == before
    walk.pool = RoutePool()
    assert not together(walk)
    assert walk.best == before


def test_of_a_long_walk_every_other_moment_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route_pool, "_MOMENTS", 4)
    walk = standing_on(street(), NEAR_IS_GOOD)
    assert walk.pool is not None
    kept = []
    for _ in range(12):
        note(walk)
        kept.append(len(walk.pool))
    # Of five two are left, and then every second is noted.
    assert kept == [1, 2, 3, 4, 2, 3, 3, 4, 4, 2, 2, 3]
    other = RoutePool()
    other.add([walk.pool, walk.pool])
    assert len(other) == 3


def test_only_shifts_that_are_alike_exchange_their_routes() -> None:
    day = street()
    assert can_recombine(both(day))
    first, *others = day.shifts
    for other in (replace(first, capacity=(4,)), replace(first, breaks=(pause(),))):
        walk = standing_on(replace(day, shifts=(other, *others)), NEAR_IS_GOOD)
        assert not can_recombine(walk)
        assert not together(walk)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_large_day_of_short_routes_is_put_together_and_has_the_same_plan_again(
    monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    day = town(260)
    alike = [replace(day.shifts[0], id=n, capacity=(10,)) for n in range(1, 41)]
    day = replace(day, shifts=tuple(alike))
    heard: list[tuple[bool, int, int]] = []

    def listened(walk: RuinAndRecreate, **how: Any) -> bool:
        before = walk.standing[-1]
        better = recombine.recombine(walk, **how)
        assert bool(walk.pool)
        heard.append((better, before, walk.standing[-1]))
        return better

    monkeypatch.setattr(ortools_solver, "_MANY", len(day.visits) - 1)
    monkeypatch.setattr(ortools_solver, "recombine", listened)
    monkeypatch.setattr(ortools_solver._Search, "_worth_a_model", lambda *_: False)
    one, other = (
        ortools_solver.solve(day, seed=3, time_limit_s=600, iterations=12_000, threads=threads) for _ in range(2)
    )
    assert replace(one, search_s=0) == replace(other, search_s=0)
    assert one.unassigned == ()
    assert heard[:2] == heard[2:]
    assert all((after > before) is better for better, before, after in heard)


def test_a_search_of_a_second_keeps_to_the_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    day = town(260)
    day = replace(day, shifts=tuple(replace(day.shifts[0], id=n, capacity=(10,)) for n in range(1, 41)))

    def never(walk: RuinAndRecreate, **how: Any) -> bool:
        raise AssertionError

    monkeypatch.setattr(ortools_solver, "_MANY", len(day.visits) - 1)
    monkeypatch.setattr(ortools_solver, "recombine", never)
    assert ortools_solver.solve(day, seed=3, time_limit_s=1.0, threads=1).unassigned == ()
