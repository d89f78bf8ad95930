"""A delivery too big for any van, in parts that a van carries. Amounts are kg."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.model.plans import Plan, Problem, Reason
from routing.rules.reasons import why_left_out
from routing.rules.splitting import MOST_PARTS, PartLine, parts_of, split_of
from tests.routing.builders_plans import plan, problem, shift, visit


def line(key: int = 7, *, quantity: int, case_pack: int = 1, kg: int = 1) -> PartLine:
    return PartLine(allocation_id=key, quantity=quantity, case_pack=case_pack, each=(kg,))


def left_out(of: Problem) -> Plan:
    none = replace(plan(of, {}), unassigned=())
    return replace(none, unassigned=why_left_out(of, none))


def test_the_largest_van_that_may_go_there_needs_the_fewest_parts() -> None:
    small, large, barred = shift(1, capacity=(10,)), shift(2, capacity=(20,)), shift(3, capacity=(30,))
    of = problem(visit(1, 1, load=(45,), shifts=frozenset({1, 2})), shifts=(small, large, barred))
    found = split_of(left_out(of), of, 1, [line(quantity=45)])
    assert found is not None
    assert (found.shift_id, found.parts, found.amounts) == (2, ({7: 20}, {7: 20}, {7: 5}), ((20,), (20,), (5,)))


def test_each_part_can_ride_where_the_whole_could_not() -> None:
    of = problem(visit(1, 1, load=(25,)))
    found = split_of(left_out(of), of, 1, [line(7, quantity=9), line(8, quantity=4, kg=4)])
    assert found is not None
    assert [sum(part.values()) for part in found.parts] == [9, 2, 2]
    for amount in found.amounts:
        alone = problem(visit(1, 1, load=amount))
        assert plan(alone, {1: [1]}).served_by_tier == ((0, 1),)


def test_capacity_and_skills_what_splitting_does_not_help_is_not_offered() -> None:
    heavy = visit(1, 1, load=(25,), skills=frozenset({"crane"}))
    of = problem(heavy)
    assert split_of(left_out(of), of, 1, [line(quantity=25)]) is None
    able = problem(heavy, shifts=(shift(1, skills=frozenset({"crane"})),))
    assert split_of(left_out(able), able, 1, [line(quantity=25)]) is not None


@pytest.mark.parametrize(
    "lines",
    [
        [line(quantity=3, kg=11)],  # one piece is more than the van carries
        [line(quantity=10 * (MOST_PARTS + 1))],
    ],
)
def test_no_parts_are_offered_where_they_cannot_be(lines: list[PartLine]) -> None:
    of = problem(visit(1, 1, load=(sum(each.quantity * each.each[0] for each in lines),)))
    assert split_of(left_out(of), of, 1, lines) is None


def test_what_fits_or_is_left_out_for_another_reason_is_not_split() -> None:
    of = problem(visit(1, 1, load=(5,), skills=frozenset({"crane"})))
    held = left_out(of)
    assert held.unassigned[0].reasons == (Reason.SKILLS,)
    assert split_of(held, of, 1, [line(quantity=5)]) is None


@given(
    lines=st.lists(
        st.tuples(st.integers(1, 60), st.integers(1, 12), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=4
    ),
    capacity=st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_parts_lose_nothing_and_each_is_within_the_van(
    lines: list[tuple[int, int, int, int]], capacity: tuple[int, int]
) -> None:
    wanted = [
        PartLine(allocation_id=n, quantity=quantity, case_pack=case, each=each)
        for n, (quantity, case, *each_of) in enumerate(lines)
        for each in [(each_of[0], each_of[1])]
    ]
    parts = parts_of(wanted, capacity)
    if parts is None:
        assert any(one > most for want in wanted for one, most in zip(want.each, capacity, strict=True))
        return
    for part in parts:
        for d, most in enumerate(capacity):
            assert sum(units * wanted[key].each[d] for key, units in part.items()) <= most
    if len(parts) <= MOST_PARTS:
        assert all(parts)
        for want in wanted:
            assert sum(part.get(want.allocation_id, 0) for part in parts) == want.quantity
