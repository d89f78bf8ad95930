"""One candidate route as plain numbers: where its breaks are taken, when its wheels turn, how late it may leave.

`schedule.py` says what each rule is; this is how the times are found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from routing.rules.costing import late_cost
from routing.rules.spans import Soft, Spans, earliest, end_of_hours, latest
from routing.rules.time_of_day import Pace

MOST_BREAKS = 6
"""More breaks than this in one shift is refused: every order of taking them is tried."""

type Breaks = Sequence[tuple[int, Spans]]
"""Of each break: how long it lasts, and when it may begin."""


@dataclass(frozen=True, slots=True)
class Legs:
    """One candidate route as plain numbers: gap g leads to visit g, the last gap to the end of the shift."""

    travel: list[int]
    metres: list[int]
    work: list[int]
    spans: list[Spans]
    leave_s: int
    soft: list[Soft | None]
    """Per visit, the hours it should begin in and what an hour later costs; empty when all must be in time."""
    barred: list[int]
    """Per gap, which breaks may not be taken there for what is on board, as bits; empty when any may anywhere."""
    pace: Pace | None = None
    """Where ways take longer at some times of the day than at others."""
    lost: Sequence[int] = ()
    """Per break, the progress that a leg keeps free for it; empty without a pace."""

    def ready(self, g: int, free: int, order: Iterable[int], rested: int, paused: int) -> int:
        """When gap g is driven and these breaks are taken in it, the last of them until `paused`."""
        if self.pace is None:
            return max(free + self.travel[g] + rested, paused)
        return max(self.pace.arrive(free, self.travel[g], sum(self.lost[index] for index in order)), paused)

    def leave(self, g: int, limit: int, order: Iterable[int], rested: int, paused: int) -> int:
        """`ready` backwards: how late gap g may begin to be ready by `limit`, the first break beginning at `paused`."""
        if self.pace is None:
            return min(limit - self.travel[g] - rested, paused)
        return min(self.pace.leave(limit, self.travel[g], sum(self.lost[index] for index in order)), paused)

    def arrival(self, g: int, free: int, pauses: Sequence[tuple[int, int]]) -> int:
        """When the wheels stop at the end of gap g, pauses (begin, how long) on the way included."""
        if self.pace is None:
            return arrival_of(free, self.travel[g], pauses)
        return self.pace.arrive_with(free, self.travel[g], pauses)


def arrival_of(free: int, travel: int, pauses: Sequence[tuple[int, int]]) -> int:
    """When the wheels stop at the next place: breaks that begin on the way interrupt the travel."""
    left = travel
    for begin, duration in pauses:
        if free + left <= begin:
            return free + left
        left -= begin - free
        free = begin + duration
    return free + left


def forward(
    legs: Legs, breaks: Breaks, taken: Sequence[tuple[int, ...]], departure_s: int
) -> tuple[list[int], int, list[tuple[int, int, int]]] | int:
    """(starts, finish, breaks) as early as possible, or the index of the visit whose windows are over."""
    starts: list[int] = []
    pauses: list[tuple[int, int, int]] = []
    free, last_gap, plain = departure_s, len(legs.work), legs.pace is None
    for g, travel in enumerate(legs.travel):
        paused, rested = free, 0
        for index in taken[g]:
            duration, windows = breaks[index]
            begin = earliest(windows, paused)
            if begin is None:
                return last_gap
            pauses.append((g, index, begin))
            paused, rested = begin + duration, rested + duration
        ready = max(free + travel + rested, paused) if plain else legs.ready(g, free, taken[g], rested, paused)
        if g == last_gap:
            return starts, ready, pauses
        start = earliest(legs.spans[g], ready)
        if start is None:
            return g
        starts.append(start)
        free = start + legs.work[g]
    raise AssertionError("a route has one more leg than visits")


def latest_departure(
    legs: Legs, breaks: Breaks, taken: Sequence[tuple[int, ...]], finish_s: int, starts: Sequence[int]
) -> int:
    """The latest departure that still ends at `finish_s`, with the breaks in the same gaps. `starts` are the earliest:
    what is in time then stays in time, what is late does not get later."""
    limit = finish_s
    for g in range(len(legs.work), -1, -1):
        paused, rested = limit, 0
        for index in reversed(taken[g]):
            duration, windows = breaks[index]
            begin = latest(windows, paused - duration)
            assert begin is not None
            paused, rested = begin, rested + duration
        free = legs.leave(g, limit, taken[g], rested, paused)
        if g == 0:
            return free
        soft = legs.soft[g - 1] if legs.soft else None
        start: int | None
        if soft is not None:
            # Motor hours may end while it is in time.
            start = latest(legs.spans[g - 1], min(free - legs.work[g - 1], end_of_hours(soft[0], starts[g - 1])))
        else:
            start = latest(legs.spans[g - 1], free - legs.work[g - 1])
        assert start is not None
        limit = start
    raise AssertionError("a route has at least one leg")


def place_breaks(legs: Legs, breaks: Breaks) -> list[tuple[int, ...]] | int:
    """In which gap each break is taken, for the earliest finish and then the least price of lateness; or the index of
    the visit that cannot be reached.

    Earliest time per (visit, set of breaks taken): being earlier never hurts, since one can wait. What was taken
    already goes first among equals, as in the compiled search.
    """
    everything, plain = (1 << len(breaks)) - 1, legs.pace is None
    states: dict[int, tuple[int, int, tuple[object, ...]]] = {0: (legs.leave_s, 0, ())}
    for g, travel in enumerate(legs.travel):
        reached: dict[int, tuple[int, int, tuple[object, ...]]] = {}
        barred = legs.barred[g] if legs.barred else 0
        for mask, (free, owed, chain) in sorted(states.items(), reverse=True):
            for order, paused, rested, after in _pauses(breaks, barred, mask, free, 0, ()):
                time: int | None = (
                    max(free + travel + rested, paused) if plain else legs.ready(g, free, order, rested, paused)
                )
                debt = owed
                if g < len(legs.work):
                    time = earliest(legs.spans[g], time or 0)
                    if time is None:
                        continue
                    if legs.soft:
                        debt += late_cost(legs.soft[g], time)
                    time += legs.work[g]
                assert time is not None
                if after not in reached or (time, debt) < reached[after][:2]:
                    reached[after] = (time, debt, (chain, order))
        if not reached:
            return g
        states = reached
    if everything not in states:
        return len(legs.work)
    taken: list[tuple[int, ...]] = []
    chain = states[everything][2]
    while chain:
        chain, order = chain  # type: ignore[assignment]
        taken.append(order)
    return taken[::-1]


def place_one_break(legs: Legs, pause: tuple[int, Spans]) -> list[tuple[int, ...]] | int:
    """`place_breaks` for the one break that most shifts have."""
    duration, windows = pause
    before: int | None = legs.leave_s
    after: int | None = None
    # The gap in which the break was taken for `after`.
    taken_in = -1
    last_gap = len(legs.work)
    plain = legs.pace is None
    for g, travel in enumerate(legs.travel):
        best = None if after is None else after + travel if plain else legs.ready(g, after, (), 0, after)
        gap = taken_in
        if before is not None:
            begin = earliest(windows, before)
            if begin is not None:
                fresh = max(before + travel, begin) + duration
                if not plain:
                    fresh = legs.ready(g, before, (0,), duration, begin + duration)
                if best is None or fresh < best:
                    best, gap = fresh, g
        if g == last_gap:
            if best is None:
                return last_gap
            return [(0,) if n == gap else () for n in range(last_gap + 1)]
        here = legs.spans[g]
        work = legs.work[g]
        if before is not None:
            start = earliest(here, before + travel if plain else legs.ready(g, before, (), 0, before))
            before = None if start is None else start + work
        after = None
        if best is not None:
            start = earliest(here, best)
            if start is not None:
                after, taken_in = start + work, gap
        if before is None and after is None:
            return g
    raise AssertionError("a route has one more leg than visits")


def _pauses(
    breaks: Breaks, barred: int, mask: int, paused: int, rested: int, order: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], int, int, int]]:
    """Every way of taking some of the breaks that are left, one after the other, from `paused` on."""
    yield order, paused, rested, mask
    for index, (duration, windows) in enumerate(breaks):
        if (mask | barred) >> index & 1:
            continue
        begin = earliest(windows, paused)
        if begin is not None:
            yield from _pauses(breaks, barred, mask | 1 << index, begin + duration, rested + duration, (*order, index))


def wheels_turned(
    legs: Legs,
    breaks: Breaks,
    departure_s: int,
    starts: Sequence[int],
    pauses: Sequence[tuple[int, int, int]],
    behind_reload: set[int],
) -> list[int]:
    """Per gap, for how long the wheels turn at the times of this run. Who reloads waits at the depot: a gap behind a
    reload is left as late as its end allows."""
    out = []
    free = departure_s
    for g in range(len(legs.travel)):
        taken = [(begin, breaks[index][0]) for gap, index, begin in pauses if gap == g]
        if g in behind_reload and not taken:
            free = max(free, legs.leave(g, starts[g], (), 0, starts[g]))
        arrival = legs.arrival(g, free, taken)
        out.append(arrival - free - sum(lasts for begin, lasts in taken if begin < arrival))
        if g < len(starts):
            free = starts[g] + legs.work[g]
    return out
