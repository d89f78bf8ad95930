"""Proven impossible is said only where no way by other doors could help."""

from __future__ import annotations

import numpy as np

from routing.model.plans import Problem, Reason, Travel
from routing.rules.reasons import why_left_out
from tests.routing.builders_plans import HOUR, MINUTE, pause, plan, problem, shift, visit


def claims(of: Problem) -> dict[int, tuple[Reason, bool]]:
    return {gone.visit: (gone.reasons[0], gone.proven) for gone in why_left_out(of, plan(of, {}))}


def roads(*rows: list[int]) -> Travel:
    """Minutes; a kilometre each."""
    table = np.array(rows, dtype=np.int64)
    return Travel(
        durations_s=np.where(table < 0, -1, table * MINUTE), distances_m=np.where(table < 0, -1, table * 1000)
    )


DETOUR = roads([0, 5, 300], [5, 0, 5], [300, 5, 0])


def test_a_door_that_is_near_by_way_of_another_is_not_proven_impossible() -> None:
    assert claims(problem(visit(1, 1), visit(2, 2), travel=DETOUR))[2] == (Reason.SHIFT_TOO_SHORT, False)
    # Nobody is at the door between: there is no such way.
    assert claims(problem(visit(2, 2), travel=DETOUR)) == {2: (Reason.SHIFT_TOO_SHORT, True)}


def test_a_door_that_only_another_joins_to_the_depot_is_not_proven_impossible() -> None:
    joined = roads([0, 5, -1], [5, 0, 5], [-1, 5, 0])
    assert claims(problem(visit(1, 1), visit(2, 2), travel=joined))[2] == (Reason.NO_ROAD, False)


def test_a_chain_that_is_too_long_as_well_leaves_the_proof_standing() -> None:
    late = shift(end_s=8 * HOUR + 24 * MINUTE)  # there and back by way of the other 20, the door itself 5
    assert claims(problem(visit(1, 1), visit(2, 2), travel=DETOUR, shifts=(late,)))[2][1]
    slow = shift(speed_factor=0.1)
    assert not claims(problem(visit(1, 1), visit(2, 2), travel=DETOUR, shifts=(slow,)))[2][1]
    rests = shift(speed_factor=0.1, breaks=(pause(), pause(2)))
    assert claims(problem(visit(1, 1), visit(2, 2), travel=DETOUR, shifts=(rests,)))[2][1]


def test_setup_that_another_would_pay_at_the_same_door_is_no_proof() -> None:
    heavy = visit(2, 1, setup_s=5 * HOUR)
    assert claims(problem(visit(1, 1), heavy))[2] == (Reason.SHIFT_TOO_SHORT, False)
    assert claims(problem(heavy))[2] == (Reason.SHIFT_TOO_SHORT, True)
