"""Whether a trip might still be driven by way of other doors, where the direct road is slower than a detour: tables
that no map gives, but a file may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from routing.model.plans import NO_ROAD, CostScheme, Place, ShiftOffer, Travel, Visit
from routing.rules.schedule import Timetable


def quickest(table: NDArray[np.int64], start: int, over: Sequence[int]) -> NDArray[np.int64]:
    """The least sum of legs from `start` to each place by way of places of `over`; NO_ROAD where no chain leads.
    Dijkstra's.

    >>> quickest(np.array([[0, 30, 5000], [30, 0, 30], [-1, -1, 0]]), 0, [1, 2]).tolist()
    [0, 30, 60]
    """
    never = np.iinfo(np.int64).max
    found = np.where(table[start] < 0, never, table[start])
    found[start] = 0
    barred = np.full(len(table), never)
    barred[list(over)] = 0
    for _ in over:
        here = int(np.maximum(found, barred).argmin())
        if barred[here] or found[here] == never:
            break
        barred[here] = never
        legs = table[here]
        found = np.where(legs < 0, found, np.minimum(found, found[here] + legs))
    return np.where(found == never, NO_ROAD, found)


class Chains:
    """The quickest chains of one problem, each kept for the next question."""

    def __init__(self, table: Timetable) -> None:
        self._table = table
        self._at = Counter(visit.place for visit in table.problem.visits)
        self._known: dict[tuple[object, ...], NDArray[np.int64]] = {}
        self._answers: dict[tuple[object, ...], bool] = {}

    def may_do(self, shift: ShiftOffer, unit: Sequence[int]) -> bool:
        """Whether a trip to these visits alone could be driven if each leg were the quickest chain over other doors,
        and setup were another's wherever another comes to the same door. No route can do more: False is a proof."""
        asked = (shift.nameless, *unit)  # shifts that are alike answer alike
        if asked not in self._answers:
            self._answers[asked] = self._may_do(shift, unit)
        return self._answers[asked]

    def _may_do(self, shift: ShiftOffer, unit: Sequence[int]) -> bool:
        visits = [self._table.visits[key] for key in unit]
        ways = [visit.place for visit in visits]
        if shift.start is not None:
            ways = [shift.start, *ways]
        if shift.end is not None:
            ways = [*ways, shift.end]
        count = len(ways)
        seconds, metres = (np.zeros((count, count), dtype=np.int64) for _ in range(2))
        for n in range(count - 1):
            for out, name in ((seconds, "durations"), (metres, "distances")):
                out[n, n + 1] = self._leg(name, shift, ways[n], ways[n + 1])
        first = 0 if shift.start is None else 1
        problem = self._table.problem
        alone = replace(
            problem,
            places=tuple(Place(index=n, name="") for n in range(count)),
            travel={shift.profile: Travel(durations_s=seconds, distances_m=metres)},
            visits=tuple(replace(self._spared(visit, shift), place=first + n) for n, visit in enumerate(visits)),
            shifts=(
                replace(
                    shift,
                    start=None if shift.start is None else 0,
                    end=None if shift.end is None else count - 1,
                    speed_factor=1.0,
                    most_trips=1,
                    cost=CostScheme(),  # whether it can, not what it costs: these places lie nowhere
                ),
            ),
            locks=tuple(lock for lock in problem.locks if lock.visit in unit),
            shipments=tuple(one for one in problem.shipments if one.pickup in unit),
        )
        return Timetable(alone).times(shift.id, unit) is not None

    def _leg(self, name: str, shift: ShiftOffer, start: int, end: int) -> int:
        key = (name, shift.profile, shift.speed_factor, start)
        if key not in self._known:
            table = self._table.durations(shift) if name == "durations" else self._table.distances(shift)
            self._known[key] = quickest(table, start, sorted(self._at))
        return int(self._known[key][end])

    def _spared(self, visit: Visit, shift: ShiftOffer) -> Visit:
        if self._at[visit.place] == 1 and visit.place != shift.start:
            return visit
        return replace(visit, setup_s=0, work_by_type=tuple((kind, 0, work) for kind, _, work in visit.work_by_type))
