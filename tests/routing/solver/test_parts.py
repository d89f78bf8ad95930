"""Depots that share nothing are planned side by side, and their plans are one plan."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from routing.engines.solver import parts
from routing.engines.solver.parts import Part, parts_of, side_by_side, solve_in_parts
from routing.engines.solver.process import solve_in_process
from routing.errors import Cancelled, InvalidProblem
from routing.model.plans import Lock, Plan, Problem, Shipment, SolveProgress
from routing.rules.check import violations
from tests.routing.builders_plans import HOUR, problem, shift, visit


def two_depots(each: int = 6) -> Problem:
    """Depot A at place 0 with shift 1, depot B at place 20 with shifts 2 and 3."""
    at_a = (visit(n, n, shifts=frozenset({1})) for n in range(1, 1 + each))
    at_b = (visit(100 + n, 20 + n, shifts=frozenset({2, 3}), tier=n % 2) for n in range(1, 1 + each))
    crews = (shift(1), *(replace(shift(n, end_s=9 * HOUR), start=20, end=20) for n in (2, 3)))
    return problem(*at_a, *at_b, shifts=crews)


def test_depots_that_share_no_shift_are_parts_with_places_of_their_own() -> None:
    """Six doors and the depot each; A's seven places and B's seven."""
    one, other = sorted(parts_of(two_depots(), 2), key=lambda part: part.shifts[0].id)
    assert [each.id for each in one.shifts] == [1]
    assert [each.id for each in other.shifts] == [2, 3]
    assert len(one.places) == len(other.places) == 7
    assert other.travel["van"].durations_s.tolist() == one.travel["van"].durations_s.tolist()
    assert [place.name for place in other.places][:2] == ["place 20", "place 21"]


def test_what_hangs_together_is_no_part() -> None:
    day = two_depots()
    for joins in (
        replace(day, visits=(*day.visits, visit(50, 3))),
        replace(day, shipments=(Shipment(pickup=2, delivery=102, amount=(1,)),)),
        replace(day, locks=(Lock(visit=1, shift=2),)),
    ):
        assert parts_of(joins, 2) == []


def test_three_parts_are_dealt_to_two_by_their_visits() -> None:
    day = two_depots()
    third = (visit(200 + n, n, shifts=frozenset({4})) for n in range(1, 4))
    dealt = parts_of(replace(day, visits=(*day.visits, *third), shifts=(*day.shifts, shift(4))), 2)
    assert sorted(len(each.visits) for each in dealt) == [6, 9]


def test_the_plan_of_the_parts_is_that_of_the_whole_with_its_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "WORTH", 10)
    nobody = visit(300, 4, shifts=frozenset())
    day = two_depots()
    day = replace(day, visits=(*day.visits, nobody))
    heard: list[SolveProgress] = []
    found = solve_in_parts(day, seed=0, time_limit_s=60, iterations=200, threads=2, progress=heard.append)
    whole = solve_in_process(day, seed=0, time_limit_s=60, iterations=200, threads=2)
    assert violations(found, day) == []
    assert (found.served_by_tier, found.cost) == (whole.served_by_tier, whole.cost)
    assert found.unassigned == whole.unassigned
    assert {told.of for told in heard} == {13}
    assert max(told.served for told in heard) == 12


def test_whatever_goes_wrong_in_one_part_stops_the_others() -> None:
    """Also what is no error of ours, as a database that went away: nobody waits for the limit of the rest."""
    day, failed = two_depots(), threading.Event()
    stopped: list[bool] = []

    def solve(part: Part) -> Plan:
        if part.number == 0:
            raise ConnectionError("The database went away.")
        stopped.append(failed.wait(10))
        raise Cancelled("Stopped.")

    with pytest.raises(ConnectionError):
        side_by_side(day, parts_of(day, 2), solve, seed=0, progress=None, failed=failed)
    assert stopped == [True]


def test_a_refusal_of_one_part_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "WORTH", 10)
    day = two_depots()
    day = replace(day, locks=(Lock(visit=1, shift=1, position=-1),))
    with pytest.raises(InvalidProblem, match="the first is 0"):
        solve_in_parts(day, seed=0, time_limit_s=60, iterations=20, threads=2)
