"""The rounds of a plain day keep to the schedule as those of any day do, and PyVRP goes on from what they found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import pyvrp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.engines.solver import ortools_solver, pyvrp_solver
from routing.engines.solver.insertion import Insertion, Routes
from routing.engines.solver.islands import Islands
from routing.engines.solver.plain_walk import is_plain, packed
from routing.engines.solver.walk import RuinAndRecreate
from routing.model.plans import CostScheme, Problem, Travel
from routing.rules.schedule import Timetable
from tests.routing.builders_plans import HOUR, MINUTE, between, line, pause, problem, shift, visit


@st.composite
def plain_days(draw: st.DrawFn) -> Problem:
    """Any table of times, also one-way, closed and longer straight on than by way of another door."""
    places = draw(st.integers(2, 7))
    cells = st.integers(-1, 40)
    table = np.array([[draw(cells) for _ in range(places)] for _ in range(places)], dtype=np.int64) * MINUTE
    table = np.where(table < 0, -1, table)
    np.fill_diagonal(table, 0)
    visits = [
        visit(
            n + 1,
            draw(st.integers(0, places - 1)),
            service_s=draw(st.integers(0, 30)) * MINUTE,
            windows=between(h := draw(st.integers(4, 14)) * HOUR, h + draw(st.integers(0, 6 * HOUR))),
            load=(draw(st.integers(0, 6)),),
        )
        for n in range(draw(st.integers(1, 12)))
    ]
    cost = draw(st.sampled_from([CostScheme(), CostScheme(fixed=500, per_km=70_000, per_travel_hour=9_000)]))
    room = draw(st.integers(6, 30))
    end = draw(st.sampled_from([0, 1, None]))
    return problem(
        *visits,
        shifts=tuple(
            shift(n + 1, end=end, start_s=5 * HOUR, end_s=19 * HOUR, capacity=(room,), cost=cost)
            for n in range(len(visits))
        ),
        travel=Travel(durations_s=table, distances_m=np.where(table < 0, -1, table * 7)),
    )


def walked(day: Problem, *, seed: int = 1, rounds: int = 200) -> tuple[Timetable, Insertion, RuinAndRecreate]:
    table = Timetable(day)
    insertion = Insertion(day, table)
    walk = RuinAndRecreate(insertion, {one.id: [] for one in day.shifts}, seed=seed)
    walk.fill()
    for part in (0.0, 0.5, 1.0):
        walk.run(rounds, part)
    return table, insertion, walk


def town(stops: int = 40, *, waiting: int = 0) -> Problem:
    """Doors at random in a square, four vans, every third door with a window of two hours."""
    chance = np.random.default_rng(5)
    xy = chance.uniform(0, 60, (stops + 1, 2))
    minutes = np.rint(np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))).astype(np.int64)
    opens = chance.integers(7, 14, stops + 1)
    return problem(
        *(
            visit(
                n,
                n,
                load=(1,),
                service_s=5 * MINUTE,
                windows=between(int(opens[n]) * HOUR, int(opens[n] + (2 if n % 3 == 0 else 9)) * HOUR),
            )
            for n in range(1, stops + 1)
        ),
        shifts=tuple(
            shift(n, end_s=20 * HOUR, capacity=(30,), cost=CostScheme(per_km=1_000, per_hour=waiting))
            for n in range(1, 9)
        ),
        travel=Travel(durations_s=minutes * 30, distances_m=minutes * 1_000),
    )


@given(day=plain_days(), seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_walk_over_a_plain_day_never_leaves_what_can_be_driven(day: Problem, seed: int) -> None:
    table, _, walk = walked(day, seed=seed)
    assert is_plain(walk.day)
    for routes in (walk.best, walk.current):
        assert all(table.times(key, ids) is not None for key, ids in routes.items() if ids)
        served = [key for ids in routes.values() for key in ids]
        assert len(served) == len(set(served))


def test_the_visits_of_a_plain_day_get_numbers_by_where_they_lie() -> None:
    """Of two clusters whose visits come in turns, each stands together."""
    far = np.array([[10 * MINUTE if (a - b) % 2 else MINUTE for b in range(17)] for a in range(17)], dtype=np.int64)
    np.fill_diagonal(far, 0)
    visits = [visit(n, n, load=(1,)) for n in range(1, 17)]
    fleet = (shift(1, end_s=20 * HOUR, capacity=(30,)), shift(2, end_s=20 * HOUR, capacity=(30,)))
    _, _, walk = walked(problem(*visits, shifts=fleet, travel=Travel(durations_s=far, distances_m=far)), rounds=1)
    day = packed(walk.day)
    assert [n % 2 for n in day.order[:-1]] in ([0] * 8 + [1] * 8, [1] * 8 + [0] * 8)
    assert day.order[day.number[:-1]].tolist() == list(range(16))
    assert walk.serves_all
    assert sorted(key for ids in walk.best.values() for key in ids) == list(range(1, 17))


def test_a_plain_walk_knows_what_its_best_costs() -> None:
    """All routes as the schedule prices them are what the walk has summed leg by leg."""
    day = town()
    _, insertion, walk = walked(day)
    before = insertion.cost(walk.best)
    lines = walk.lines
    assert not walk.take(lines), "the same plan is no better one"
    assert insertion.cost(walk.best) == before
    assert walk.lines == lines


def test_more_rounds_of_a_plain_day_find_a_cheaper_plan() -> None:
    day = town()
    costs = [insertion.cost(walk.best) for rounds in (1, 2_000) for _, insertion, walk in [walked(day, rounds=rounds)]]
    assert costs[1] < costs[0]


def test_the_same_seed_walks_a_plain_day_the_same_way() -> None:
    one, other = (walked(town(), seed=9)[2].best for _ in range(2))
    assert one == other


@pytest.mark.parametrize(
    "change",
    [
        {"breaks": (pause(),)},
        {"max_stops": 5},
        {"max_visits": 5},
        {"skills": frozenset({"crane"}), "end_s": 19 * HOUR},
        {"cost": CostScheme(per_hour=3600)},
    ],
)
def test_a_day_with_anything_more_is_not_plain(change: dict[str, object]) -> None:
    day = town()
    assert is_plain(walked(day, rounds=1)[2].day)
    other = replace(day, shifts=(replace(day.shifts[0], **change), *day.shifts[1:]))
    assert not is_plain(walked(other, rounds=1)[2].day)


@pytest.mark.parametrize("waiting", [0, 36_000])
def test_pyvrp_goes_on_from_a_plan_and_what_it_finds_can_be_driven(waiting: int) -> None:
    day = town(waiting=waiting)
    table, insertion, walk = walked(day, rounds=1)
    before = insertion.cost(walk.best)
    assert pyvrp_solver.can_be_asked(walk.day)
    pyvrp_solver.searched(walk, seed=1, stopped=lambda: False, rounds=200, part=lambda: 0.0)
    assert insertion.cost(walk.best) < before
    assert all(table.times(key, ids) is not None for key, ids in walk.best.items() if ids)
    assert sorted(key for ids in walk.best.values() for key in ids) == [one.id for one in day.visits]


@pytest.mark.parametrize("waiting", [0, 36_000])
def test_pyvrp_cools_through_plans_that_do_not_quite_fit_from_its_first_rounds(
    waiting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shortest way from one good plan to another leads through them."""
    fits: list[bool] = []
    register = pyvrp.PenaltyManager.register

    def heard(penalties: pyvrp.PenaltyManager, found: pyvrp.Solution) -> None:
        fits.append(found.is_feasible())
        register(penalties, found)

    monkeypatch.setattr(pyvrp.PenaltyManager, "register", heard)
    day = town(waiting=waiting)
    _, _, walk = walked(replace(day, shifts=tuple(replace(each, capacity=(7,)) for each in day.shifts)))
    pyvrp_solver.searched(walk, seed=1, stopped=lambda: False, rounds=400, part=lambda: 0.0)
    assert len(fits) == 400
    assert 40 < fits.count(False) < 380


def test_rounds_of_pyvrp_that_cool_down_end_when_stopped_and_never_with_a_dearer_plan() -> None:
    day = town()
    _, insertion, walk = walked(day, rounds=2_000)
    before, over = insertion.cost(walk.best), iter([*np.linspace(0, 1, 20), 1.5])
    left = iter([*[False] * 20, True])
    pyvrp_solver.searched(walk, seed=1, stopped=lambda: next(left), rounds=None, part=lambda: float(next(over)))
    assert next(left, None) is None
    assert insertion.cost(walk.best) <= before


def test_several_walks_begin_a_large_day_of_long_routes_and_it_has_the_same_plan_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    day = town(260)
    day = replace(day, shifts=tuple(replace(each, capacity=(60,)) for each in day.shifts))
    asked: list[tuple[bool, int, int]] = []

    def heard(walk: RuinAndRecreate, **how: Any) -> None:
        before = walk.standing[-1]
        pyvrp_solver.searched(walk, **how)
        asked.append((how["part"] is not None, before, walk.standing[-1]))

    begun: list[int] = []

    def beside(search: ortools_solver._Search, walk: RuinAndRecreate, routes: Routes, n: int) -> RuinAndRecreate:
        begun.append(n)
        return another(search, walk, routes, n)

    another = ortools_solver._Search._beside
    monkeypatch.setattr(ortools_solver, "_MANY", len(day.visits) - 1)
    monkeypatch.setattr(ortools_solver._Search, "_beside", beside)
    monkeypatch.setattr(ortools_solver._Search, "_worth_a_model", lambda *_: False)
    monkeypatch.setattr(ortools_solver, "walk_on_with_pyvrp", heard)
    one, other = (ortools_solver.solve(day, seed=3, time_limit_s=600, iterations=3_000) for _ in range(2))
    assert replace(one, search_s=0) == replace(other, search_s=0)
    assert begun == [1, 2, 1, 2]
    assert asked[0] == asked[1]
    cools, before, after = asked[0]
    assert cools
    assert after >= before


def test_pyvrp_is_not_asked_about_what_it_does_not_know() -> None:
    with_break = town()
    with_break = replace(with_break, shifts=tuple(replace(one, breaks=(pause(),)) for one in with_break.shifts))
    few = problem(visit(1, 1), visit(2, 2), travel=line(3))
    for day in (with_break, few):
        _, _, walk = walked(day, rounds=1)
        assert not pyvrp_solver.can_be_asked(walk.day)
        before = walk.best
        pyvrp_solver.searched(walk, seed=1, stopped=lambda: False, rounds=10, part=lambda: 0.0)
        assert walk.best == before


def test_the_same_seed_and_threads_give_the_same_plan_and_never_a_dearer_one_than_the_first_alone() -> None:
    day = town()
    found = []
    for _ in range(2):
        _, insertion, walk = walked(day, rounds=1)
        islands = Islands(walk, seed=4, threads=3, exchange=100)
        for part in np.linspace(0, 1, 12):
            islands.run(60, float(part))
        found.append(islands.ahead.best)
        assert insertion.cost(islands.ahead.best) == min(insertion.cost(one.best) for one in islands.walks)
    assert found[0] == found[1]
    table = Timetable(day)
    assert all(table.times(key, ids) is not None for key, ids in found[0].items() if ids)


def test_walks_beside_each_other_take_over_from_the_one_that_is_ahead() -> None:
    _, insertion, walk = walked(town(), rounds=1)
    islands = Islands(walk, seed=4, threads=2, exchange=1)
    for _ in range(3):
        islands.walks[0].run(500, 0.5)
    ahead = insertion.cost(islands.walks[0].best)
    assert ahead < insertion.cost(islands.walks[1].best)
    islands.run(1, 1.0)
    assert insertion.cost(islands.walks[1].best) <= ahead
