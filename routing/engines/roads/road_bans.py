"""What a restriction of the map forbids: to go on into a road, after a certain road or a row of roads.

OSRM reads the same ones, in the same way: a restriction that holds at some hours only binds nobody, one whose roads do
not meet end to end or are closed to the vehicle is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from routing.engines.roads.profiles import Profile
from routing.engines.roads.road_read import Forbidden, Roads


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One stretch as it is passed."""

    stretch: int
    back: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ban:
    """After all steps but the last, the last one is forbidden, or (`only`) every other."""

    steps: tuple[Step, ...]
    only: bool

    @property
    def decided_at(self) -> tuple[int, int]:
        """The nodes at which the row begins and ends: no road runs on over them as if nothing were."""
        return self.steps[0].end, self.steps[-1].start


def bans_of(roads: Roads, profile: Profile, steps_at: Mapping[int, Sequence[Step]]) -> list[Ban]:
    """What binds this profile, by the numbers of the nodes; `steps_at` are the stretches that leave each node."""
    kinds = {*profile.access_tags[:-1]} if profile.has_motor else {"bicycle"}
    number = {ref: at for at, ref in enumerate(roads.node.tolist())}
    found = []
    for each in roads.forbidden:
        binding = each.binds & {"", *kinds}
        if each.but_for & kinds or not binding:
            continue
        legs = _legs(each, roads.course)
        steps = [
            next(
                (
                    step
                    for step in steps_at.get(number.get(start, -1), ())
                    if step.end == number.get(end) and int(roads.way[step.stretch]) == way
                ),
                None,
            )
            for way, start, end in legs
        ]
        if legs and all(steps):
            found.append(Ban(steps=tuple(step for step in steps if step), only=bool(each.only & binding)))
    return found


def _legs(each: Forbidden, course: Mapping[int, tuple[int, ...]]) -> list[tuple[int, int, int]]:
    """(way, node, next node), from the last stretch of the way from which to the first of the way to which; none where
    the ways do not meet end to end."""
    if any(way not in course for way in (each.from_way, *each.over, each.to_way)):
        return []
    from_, to = course[each.from_way], course[each.to_way]
    begins = (each.via,) if each.via else (course[each.over[0]][0], course[each.over[0]][-1])
    for begin in begins:
        legs: list[tuple[int, int, int]] = []
        here = begin
        for way in each.over:
            nodes = course[way] if course[way][0] == here else course[way][::-1]
            if nodes[0] != here:
                break
            legs += [(way, a, b) for a, b in pairwise(nodes)]
            here = nodes[-1]
        else:
            if begin in (from_[0], from_[-1]) and here in (to[0], to[-1]):
                first = (each.from_way, from_[1] if from_[0] == begin else from_[-2], begin)
                last = (each.to_way, here, to[1] if to[0] == here else to[-2])
                return [first, *legs, last]
    return []


class Rows:
    """Which turns the bans leave, between arcs and their copies.

    Where a ban needs more than the last road to be told, an arc of its row has a copy for those who came along the row:
    `copies` are the rows passed, the arc last; copy k is numbered behind the arcs, `arcs` + k.

    >>> rows = Rows(arcs=4, bans=[((0, 1, 2), False)])
    >>> rows.copies
    [(0, 1)]
    >>> [sorted(rows.turns(*turn)) for turn in ((0, 1), (3, 1), (1, 2), (1, 3))]
    [[(0, 4)], [(3, 1)], [(1, 2)], [(1, 3), (4, 3)]]
    """

    def __init__(self, *, arcs: int, bans: Iterable[tuple[tuple[int, ...], bool]]) -> None:
        self._never: set[tuple[int, ...]] = set()
        self._only: dict[tuple[int, ...], set[int]] = defaultdict(set)
        begun: set[tuple[int, ...]] = set()
        for row, only in bans:
            if only:
                self._only[row[:-1]].add(row[-1])
            else:
                self._never.add(row)
            begun |= {row[:length] for length in range(2, len(row))}
        self.copies = sorted(begun)
        self._number = {row: arcs + at for at, row in enumerate(self.copies)}
        self._copies_of: dict[int, list[tuple[int, ...]]] = defaultdict(list)
        for row in self.copies:
            self._copies_of[row[-1]].append(row)
        self._plain = {row[0] for row in (*self._never, *self._only)}

    def turns(self, came: int, goes: int) -> Iterator[tuple[int, int]]:
        """The turns that stand for the one from an arc to another, as (from, to)."""
        if came not in self._plain and came not in self._copies_of:
            yield came, goes
            return
        for row in ((came,), *self._copies_of.get(came, ())):
            longer = (*row, goes)
            ends = [longer[at:] for at in range(len(longer) - 1)]
            only = [allowed for end in ends if (allowed := self._only.get(end[:-1]))]
            if any(end in self._never for end in ends) or any(goes not in allowed for allowed in only):
                continue
            to = next((self._number[end] for end in ends if end in self._number), goes)
            yield self._number.get(row, came), to
