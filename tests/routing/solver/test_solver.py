"""What the planner promises: valid plans, strict priority, kept locks, reasons, and the same answer for the same
seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, count, permutations, product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from routing.engines.solver import ortools_solver
from routing.engines.solver.ortools_solver import solve
from routing.errors import InvalidProblem
from routing.model.plans import Lock, Plan, PlannedRoute, Problem, Reason, SolveProgress, SpeedSlice, Travel
from routing.rules.check import violations
from routing.rules.schedule import Timetable
from tests.routing.builders_plans import HOUR, MINUTE, between, line, pause, plan, problem, shift, visit
from tests.routing.drawn_problems import problems

SOON = {"seed": 0, "time_limit_s": 5.0, "iterations": 2000}


def reasons(of: Plan) -> dict[int, tuple[Reason, ...]]:
    return {gone.visit: gone.reasons for gone in of.unassigned}


@given(day=problems())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_plan_passes_the_checker(day: Problem) -> None:
    assert violations(solve(day, seed=0, time_limit_s=0.15), day) == []


def best_counts(day: Problem) -> tuple[int, ...]:
    """Served per tier at best, from the top, by trying everything."""
    table = Timetable(day)
    keys = [one.id for one in day.visits]
    fits = {
        (one.id, group): any(isinstance(table.route(one.id, order), PlannedRoute) for order in permutations(group))
        for one in day.shifts
        for size in range(1, len(keys) + 1)
        for group in combinations(keys, size)
    }
    tiers = sorted({one.tier for one in day.visits}, reverse=True)
    tier = {one.id: one.tier for one in day.visits}
    best = tuple(0 for _ in tiers)
    for choice in product([None, *(one.id for one in day.shifts)], repeat=len(keys)):
        counts = tuple(sum(tier[k] == t for k, c in zip(keys, choice, strict=True) if c is not None) for t in tiers)
        if counts > best:
            groups = [
                (one.id, tuple(k for k, c in zip(keys, choice, strict=True) if c == one.id)) for one in day.shifts
            ]
            if all(not group or fits[key, group] for key, group in groups):
                best = counts
    return best


@given(day=problems(most=5, locks=False))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_priority_is_strict_as_trying_everything_finds_it(day: Problem) -> None:
    found = solve(day, seed=0, time_limit_s=0.5, iterations=3000)
    assert tuple(count for _, count in found.served_by_tier) == best_counts(day)


@given(day=problems())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_same_seed_and_iterations_give_the_same_plan(day: Problem) -> None:
    one, other = (solve(day, seed=3, time_limit_s=300, iterations=2000) for _ in range(2))
    assert replace(one, search_s=0) == replace(other, search_s=0)


# ---- by hand


def test_one_urgent_delivery_outweighs_all_the_others() -> None:
    normal = [visit(n, 1, service_s=30 * MINUTE) for n in range(1, 7)]
    urgent = visit(9, 2, service_s=3 * HOUR + 50 * MINUTE, tier=1)
    found = solve(problem(*normal, urgent), **SOON)
    assert found.served_by_tier == ((1, 1), (0, 0))
    assert all(why == (Reason.COMPETED_OUT,) for why in reasons(found).values())


def test_within_a_tier_the_older_one_goes() -> None:
    young, old = (visit(n, 1, service_s=3 * HOUR, age=age) for n, age in ((1, 0), (2, 5)))
    assert reasons(solve(problem(young, old), **SOON)) == {1: (Reason.COMPETED_OUT,)}


def test_the_age_of_a_higher_tier_does_not_cost_a_lower_tier_a_visit() -> None:
    """Only one of the two urgent ones fits. With the older, which leaves at 11:00, there is no time left for the way
    back from place 1; with the younger there is."""
    older = visit(1, 0, service_s=29 * MINUTE, tier=1, age=1, ready_s=11 * HOUR)
    younger = visit(4, 0, service_s=32 * MINUTE, tier=1)
    seconds = np.zeros((2, 2), dtype=np.int64)
    seconds[1, 0] = 32 * MINUTE
    far, near = visit(2, 1, service_s=0), visit(3, 0, service_s=0)
    day = problem(older, far, near, younger, travel=Travel(durations_s=seconds, distances_m=seconds * 10))
    assert solve(day, **SOON).served_by_tier == ((1, 1), (0, 2))


def test_without_visits_or_shifts_there_is_an_empty_plan() -> None:
    assert solve(problem(), **SOON).routes == ()
    nobody = solve(problem(visit(1, 1), shifts=()), **SOON)
    assert reasons(nobody) == {1: (Reason.DRIVER_HOURS,)}
    assert nobody.unassigned[0].proven


def test_what_no_van_can_do_is_proven_with_the_closest_reason_first() -> None:
    heavy = visit(1, 1, load=(99,), skills=frozenset({"crane"}))
    found = solve(problem(heavy, shifts=(shift(1), shift(2, skills=frozenset({"crane"})))), **SOON)
    assert found.unassigned[0].proven
    assert found.unassigned[0].reasons == (Reason.CAPACITY, Reason.SKILLS)


def test_an_unreachable_place_is_left_out_with_no_road() -> None:
    travel = line(3)
    travel.durations_s[2, :2] = travel.durations_s[:2, 2] = -1
    found = solve(problem(visit(1, 1), visit(2, 2), travel=travel), **SOON)
    assert reasons(found) == {2: (Reason.NO_ROAD,)}


def test_a_van_without_capacity_carries_nothing() -> None:
    assert reasons(solve(problem(visit(1, 1), shifts=(shift(capacity=(0,)),)), **SOON)) == {1: (Reason.CAPACITY,)}


def test_a_break_that_cannot_be_taken_does_not_break_an_unused_shift() -> None:
    never = shift(2, breaks=(pause(at=(20 * HOUR, 21 * HOUR)),))
    found = solve(problem(visit(1, 1), shifts=(shift(1), never)), **SOON)
    assert [route.shift for route in found.routes] == [1]


def test_a_lock_is_kept_though_another_van_is_nearer() -> None:
    day = problem(
        visit(1, 9), visit(2, 9), shifts=(shift(1), shift(2, start=9, end=9)), locks=(Lock(visit=1, shift=1),)
    )
    found = solve(day, **SOON)
    assert 1 in {route.shift: route.visits for route in found.routes}[1]


def test_locked_places_in_the_order_are_kept() -> None:
    day = problem(
        *(visit(n, n) for n in range(1, 6)),
        locks=(
            Lock(visit=5, shift=1, position=0),
            Lock(visit=2, shift=1, position=1),
            Lock(visit=1, shift=1, position=3),
        ),
    )
    (route,) = solve(day, **SOON).routes
    assert (route.visits[0], route.visits[1], route.visits[3]) == (5, 2, 1)
    assert len(route.visits) == 5


def test_a_lock_that_cannot_be_kept_leaves_the_visit_out_under_its_own_reason() -> None:
    day = problem(
        visit(1, 1, load=(99,)), shifts=(shift(1), shift(2, capacity=(100,))), locks=(Lock(visit=1, shift=1),)
    )
    assert reasons(solve(day, **SOON)) == {1: (Reason.LOCKED_BY_YOU, Reason.CAPACITY)}


def test_a_locked_place_that_nothing_can_stand_before_leaves_the_visit_out_and_names_the_place() -> None:
    day = problem(visit(1, 1), visit(2, 1, load=(99,)), locks=(Lock(visit=1, shift=1, position=1),))
    found = solve(day, **SOON)
    assert reasons(found)[1] == (Reason.LOCKED_BY_YOU,)
    (gone,) = (gone for gone in found.unassigned if gone.visit == 1)
    assert "locked to place 2 of" in gone.detail
    assert "fewer than 1 can ride before it" in gone.detail
    assert gone.detail.endswith("Take the lock off.")


@pytest.mark.parametrize(
    ("locks", "words"),
    [
        ((Lock(visit=1, shift=1), Lock(visit=1, shift=2)), "locked twice"),
        ((Lock(visit=1, shift=1, position=0), Lock(visit=2, shift=1, position=0)), "both locked to position 0"),
        ((Lock(visit=1, shift=7),), "no such shift"),
        ((Lock(visit=7, shift=1),), "no such delivery"),
        ((Lock(visit=1, shift=1, position=-1),), "the first is 0"),
    ],
)
def test_locks_that_contradict_each_other_are_refused(locks: tuple[Lock, ...], words: str) -> None:
    with pytest.raises(InvalidProblem, match=words):
        solve(problem(visit(1, 1), visit(2, 1), shifts=(shift(1), shift(2)), locks=locks), **SOON)


def test_a_done_visit_its_shift_cannot_have_done_is_refused() -> None:
    day = problem(visit(1, 1, load=(99,)), locks=(Lock(visit=1, shift=1, position=0, done=True),))
    with pytest.raises(InvalidProblem, match="Delivery 1 is done or under way"):
        solve(day, **SOON)


@pytest.mark.parametrize(
    "day",
    [
        problem(visit(1, 1, load=(2**62,))),
        problem(visit(1, 1, service_s=-1)),
        problem(visit(1, 1, windows=between(0, 2**62))),
        problem(visit(1, 1), shifts=(shift(end_s=2**62),)),
        problem(visit(1, 1), shifts=(shift(capacity=(-1,)),)),
        problem(visit(1, 1), travel=Travel(durations_s=np.full((2, 2), 2**61), distances_m=np.zeros((2, 2), np.int64))),
    ],
)
def test_numbers_that_no_vehicle_has_are_refused(day: Problem) -> None:
    with pytest.raises(InvalidProblem):
        solve(day, **SOON)


def test_a_plan_to_start_from_is_not_made_worse() -> None:
    day = problem(*(visit(n, n) for n in range(1, 9)), shifts=(shift(1), shift(2)))
    before = plan(day, {1: [8, 7, 6, 5, 4, 3, 2, 1]})
    assert solve(day, start=before, **SOON).cost <= before.cost


def test_progress_never_gets_worse_and_cancelling_keeps_the_best() -> None:
    heard: list[SolveProgress] = []
    day = problem(*(visit(n, n % 9 + 1, service_s=20 * MINUTE) for n in range(1, 40)), shifts=(shift(1), shift(2)))
    found = solve(day, seed=0, time_limit_s=60, progress=heard.append, cancelled=lambda: bool(heard))
    assert violations(found, day) == []
    assert heard[0].of == 39
    assert found.iterations < 1_000, "it ended soon after it was told to"


def test_waiting_and_collecting_use_every_feature_at_once() -> None:
    day = problem(
        visit(1, 3, collect=(4,), ready_s=9 * HOUR),
        visit(2, 3, setup_s=300),
        visit(3, 3, setup_s=300, windows=(*between(8 * HOUR, 9 * HOUR), *between(11 * HOUR, 11 * HOUR + 60))),
        visit(4, 8, load=(9,)),
        shifts=(shift(1, breaks=(pause(),), loading_s=600), shift(2, start=None, end=None, max_stops=2)),
    )
    found = solve(day, **SOON)
    assert found.unassigned == ()


def test_the_first_plan_of_a_large_day_asks_the_schedule_for_little_more_than_its_cost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is asked before the rounds is asked of the compiled search: beside other work the schedule, a hundred times
    slower, took the whole limit, and the rounds got nothing."""
    day = problem(
        *(visit(n, 1 + n % 60, tier=n % 3, windows=between(8 * HOUR, (9 + n % 4) * HOUR)) for n in range(1, 321)),
        shifts=tuple(shift(n, capacity=(20,), start_s=8 * HOUR + n) for n in range(1, 9)),
    )
    asked, first = 0, []
    times = Timetable.times

    def counted(table: Timetable, shift_id: int, ids: Sequence[int]) -> object:
        nonlocal asked
        asked += 1
        return times(table, shift_id, ids)

    monkeypatch.setattr(Timetable, "times", counted)
    found = solve(day, seed=1, time_limit_s=60, iterations=200, found=lambda _: first.append(asked))
    assert first[0] <= len(day.shifts)
    assert violations(found, day) == []


def test_a_large_day_gives_no_time_to_a_model_that_would_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    day = problem(
        *(visit(n, 1 + n % 60) for n in range(1, 321)),
        shifts=tuple(shift(n) for n in range(1, 3)),
    )
    monkeypatch.setattr(ortools_solver, "_Model", None)  # asking for one would be an error
    now = count()
    found = solve(day, seed=1, time_limit_s=2, threads=1, clock=lambda: next(now) / 50)
    assert len(found.unassigned) == 300


# ---- time of day


@given(day=problems(most=5, locks=False, by_clock=True))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_priority_is_strict_by_the_clock_as_trying_everything_finds_it(day: Problem) -> None:
    """No model of OR-Tools stands behind such a day: the walk and the exchange have to find it."""
    found = solve(day, seed=0, time_limit_s=600, iterations=3000)
    assert tuple(count for _, count in found.served_by_tier) == best_counts(day)


@given(day=problems(by_clock=True))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_plan_by_the_clock_passes_the_checker(day: Problem) -> None:
    assert violations(solve(day, seed=0, time_limit_s=60, iterations=200), day) == []


def test_with_a_morning_rush_the_same_day_needs_longer_or_leaves_somebody_out() -> None:
    """Four doors of 20 min each way on a line, until ten; in the rush of twice the time only two are reached."""
    doors = [visit(n, 20 * n, windows=between(8 * HOUR, 10 * HOUR)) for n in (1, 2, 3, 4)]
    day = problem(*doors, shifts=(shift(end_s=13 * HOUR),))
    rush = replace(day, speeds=(SpeedSlice(profile="van", start_s=7 * HOUR, end_s=10 * HOUR, factor=2000),))
    free, slow = (solve(each, seed=0, time_limit_s=60, iterations=500) for each in (day, rush))
    assert (free.served_by_tier, slow.served_by_tier) == (((0, 4),), ((0, 2),))
    assert {gone.reasons for gone in slow.unassigned} <= {(Reason.COMPETED_OUT,), (Reason.WINDOW_UNREACHABLE,)}
    assert violations(slow, rush) == []
