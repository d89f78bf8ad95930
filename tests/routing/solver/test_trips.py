"""The whole planner where vans come back for more."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from random import Random

import pytest

from routing.engines.solver.ortools_solver import solve
from routing.model.plans import Lock, Plan, Problem, Reason, ShiftOffer
from routing.rules.check import violations
from routing.rules.schedule import Timetable
from tests.routing.builders_plans import HOUR, MINUTE, between, line, problem, shift, visit


def van(key: int = 1, **changes: object) -> ShiftOffer:
    return replace(shift(key, capacity=(8,), most_trips=2, reload_s=30 * MINUTE), **changes)


def planned(day: Problem, *, seed: int = 0, rounds: int = 400, start: Plan | None = None) -> Plan:
    found = solve(day, seed=seed, time_limit_s=60.0, iterations=rounds, start=start)
    assert violations(found, day) == []
    return found


def trips(of: Plan) -> list[list[tuple[int, ...]]]:
    return [[tuple(v for stop in trip.stops for v in stop.visits) for trip in route.trips] for route in of.routes]


def test_one_van_brings_in_two_trips_what_two_vans_would() -> None:
    day = problem(*(visit(n, n, load=(4,)) for n in (1, 2, 3, 4)), shifts=(van(),))
    (both,) = trips(planned(day))
    assert sorted(map(sorted, both)) in ([[1, 2], [3, 4]], [[1, 3], [2, 4]], [[1, 4], [2, 3]])
    one_trip = replace(day, shifts=(van(most_trips=1),))
    assert len(planned(one_trip).unassigned) == 2


def test_tier_and_reload_the_urgent_ones_fill_both_trips_first() -> None:
    day = problem(
        *(visit(n, n, load=(4,), tier=1) for n in (1, 2, 3, 4)), *(visit(n, 1, load=(4,)) for n in (5, 6)),
        shifts=(van(),),
    )  # fmt: skip
    found = planned(day)
    assert found.served_by_tier == ((1, 4), (0, 0))
    assert {gone.visit for gone in found.unassigned} == {5, 6}
    assert all(gone.reasons == (Reason.COMPETED_OUT,) and not gone.proven for gone in found.unassigned)


def test_what_comes_at_noon_is_brought_though_the_morning_has_its_own() -> None:
    """Two doors close at 9, the goods of two others come at 10: without a second trip one pair stays."""
    morning = [visit(n, n, windows=between(8 * HOUR, 9 * HOUR)) for n in (1, 2)]
    noon = [visit(n, n, ready_s=10 * HOUR) for n in (3, 4)]
    day = problem(*morning, *noon, shifts=(van(),))
    found = planned(day)
    assert [sorted(each) for each in trips(found)[0]] == [[1, 2], [3, 4]]
    assert len(planned(replace(day, shifts=(van(most_trips=1),))).unassigned) == 2


def test_a_van_that_is_out_comes_back_for_what_is_ordered_now_and_its_driver_keeps_the_list() -> None:
    locks = (
        Lock(visit=1, shift=1, position=0, done=True, trip=0),
        Lock(visit=2, shift=1, position=1, trip=0),
    )
    day = problem(
        *(visit(n, n, load=(2,)) for n in (1, 2)), visit(3, 1, load=(2,), ready_s=9 * HOUR),
        shifts=(van(trips_out=1),), locks=locks,
    )  # fmt: skip
    assert trips(planned(day)) == [[(1, 2), (3,)]]
    (gone,) = planned(replace(day, shifts=(van(trips_out=2),))).unassigned
    assert gone.visit == 3


def drawn(seed: int) -> Problem:
    """Eight doors of 1 to 4 pieces for two vans of 6, some with hours, some with goods that come later."""
    chance = Random(seed)
    doors = [
        visit(
            n, n, load=(chance.randint(1, 4),), tier=chance.randint(0, 1),
            windows=between(begin, begin + 2 * HOUR) if (begin := chance.choice([0, 8, 9, 10]) * HOUR) else
            between(0, 24 * HOUR),
            ready_s=chance.choice([None, None, 9 * HOUR]),
        )
        for n in range(1, 9)
    ]  # fmt: skip
    return problem(*doors, shifts=tuple(van(k, capacity=(6,)) for k in (1, 2)), travel=line(9))


@pytest.mark.parametrize("seed", range(6))
def test_a_second_trip_never_serves_less_and_never_costs_more_where_it_serves_alike(seed: int) -> None:
    day = drawn(seed)
    once = replace(day, shifts=tuple(replace(each, most_trips=1) for each in day.shifts))
    before = planned(once, seed=seed)
    after = planned(day, seed=seed, start=before)
    assert after.served_by_tier >= before.served_by_tier
    assert after.served_by_tier > before.served_by_tier or after.cost <= before.cost
    alone = planned(day, seed=seed)
    assert alone.served_by_tier >= before.served_by_tier
    assert planned(day, seed=seed).routes == alone.routes


@pytest.mark.parametrize("seed", range(4))
def test_of_a_few_doors_it_finds_what_trying_everything_finds(seed: int) -> None:
    """Every way of sharing five doors between a van that comes back and one that does not, in every order."""
    day = drawn(seed)
    offers = (day.shifts[0], replace(day.shifts[1], most_trips=1))
    day = replace(day, visits=tuple(replace(one, tier=0) for one in day.visits[:5]), shifts=offers)
    table = Timetable(day)
    keys = [one.id for one in day.visits]
    cheapest: dict[tuple[int, tuple[int, ...]], int | None] = {}

    def cost(shift_id: int, chosen: tuple[int, ...]) -> int | None:
        if (shift_id, chosen) not in cheapest:
            tried = [table.times(shift_id, order) for order in permutations(chosen)] if chosen else []
            costs = [times.cost for times in tried if times is not None]
            cheapest[shift_id, chosen] = (min(costs) if costs else None) if chosen else 0
        return cheapest[shift_id, chosen]

    best: tuple[int, int] | None = None
    for where in product((0, 1, 2), repeat=len(keys)):
        shares = [cost(k, tuple(key for key, at in zip(keys, where, strict=True) if at == k)) for k in (1, 2)]
        if None not in shares:
            found = sum(at > 0 for at in where), -sum(each for each in shares if each is not None)
            best = found if best is None else max(best, found)
    plan = planned(day, seed=seed, rounds=2000)
    assert best == (sum(count for _, count in plan.served_by_tier), -plan.cost)
