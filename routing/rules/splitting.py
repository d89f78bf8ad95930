"""A delivery that is too big for any van goes in parts: as few as can be, each of which a van carries on a trip of its
own. Whole cases stay together where they fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from routing.model.plans import Plan, Problem, Reason, Visit
from routing.rules.schedule import Timetable

MOST_PARTS = 9
"""More parts than this are no day's work: they are not offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLine:
    """Units of one allocation in base units, with what one of them takes in each dimension of the problem."""

    allocation_id: int
    quantity: int
    case_pack: int
    each: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The units per allocation of each part, and what the part takes in each dimension. `shift_id` may carry every
    one of them, alone on a trip."""

    shift_id: int
    parts: tuple[Mapping[int, int], ...]
    amounts: tuple[tuple[int, ...], ...]


def may_be_split(plan: Plan, delivery: int) -> bool:
    """Whether it was left out because it is more than a van carries."""
    gone = next((each for each in plan.unassigned if each.visit == delivery), None)
    return gone is not None and Reason.CAPACITY in gone.reasons and Reason.LOCKED_BY_YOU not in gone.reasons


def split_of(plan: Plan, problem: Problem, delivery: int, lines: Sequence[PartLine]) -> Split | None:
    """The fewest parts, by the van that needs fewest of them; None where splitting it does not help: no van may go
    there, one unit alone is too much, or it would be more than MOST_PARTS."""
    visit = next((each for each in problem.visits if each.id == delivery), None)
    if visit is None or not may_be_split(plan, delivery):
        return None
    found: list[tuple[int, int, Split]] = []
    table = Timetable(_without_its_weight(problem, visit))
    for offer in problem.shifts:
        if table.times(offer.id, [delivery]) is None:
            continue  # something else keeps this van away
        parts = parts_of(lines, offer.capacity)
        if parts is not None and 1 < len(parts) <= MOST_PARTS:
            amounts = tuple(_amounts(lines, part) for part in parts)
            found.append((len(parts), offer.id, Split(shift_id=offer.id, parts=parts, amounts=amounts)))
    return min(found, key=lambda each: each[:2])[2] if found else None


def parts_of(lines: Sequence[PartLine], capacity: Sequence[int]) -> tuple[dict[int, int], ...] | None:
    """The lines in their order, filled into parts of at most this capacity; None where one unit alone is too much.

    Ten cases of 12 at 1 kg each in a van for 50 kg: four cases a trip.

    >>> beans = PartLine(allocation_id=7, quantity=120, case_pack=12, each=(1,))
    >>> parts_of([beans], (50,))
    ({7: 48}, {7: 48}, {7: 24})

    A case of 60 kg that no van carries is opened:

    >>> parts_of([replace(beans, quantity=60, case_pack=60)], (50,))
    ({7: 50}, {7: 10})
    """
    parts: list[dict[int, int]] = [{}]
    room = list(capacity)
    for line in lines:
        most = _fit(line, capacity)
        if most == 0:
            return None
        case = line.case_pack if line.case_pack <= most else 1
        left = line.quantity
        while left:
            fits = min(left, _fit(line, room))
            if fits < left:
                fits -= fits % case
            if fits == 0:
                parts.append({})
                room = list(capacity)
                continue
            parts[-1][line.allocation_id] = parts[-1].get(line.allocation_id, 0) + fits
            room = [free - fits * one for free, one in zip(room, line.each, strict=True)]
            left -= fits
            if len(parts) > MOST_PARTS:
                return tuple(parts)  # too many already: how many more does not matter
    return tuple(parts)


def _fit(line: PartLine, room: Sequence[int]) -> int:
    """How many of its units have room."""
    return min((free // one for free, one in zip(room, line.each, strict=True) if one), default=line.quantity)


def _amounts(lines: Sequence[PartLine], part: Mapping[int, int]) -> tuple[int, ...]:
    each = {line.allocation_id: line.each for line in lines}
    size = len(lines[0].each)
    return tuple(sum(units * each[key][d] for key, units in part.items()) for d in range(size))


def _without_its_weight(problem: Problem, visit: Visit) -> Problem:
    light = replace(visit, load=(0,) * len(problem.dimensions))
    return replace(problem, visits=tuple(light if each.id == visit.id else each for each in problem.visits), locks=())
