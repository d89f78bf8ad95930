"""Ruin and recreate, compiled: the rounds of `Walk`, and one route judged exactly as `routing.rules.schedule` does.

Everything here is numbers in arrays. A visit is its row in the problem, a shift its row, -1 the depot at either end of
a route. Times are whole seconds, prices thousandths of a minor unit, both int64; `NEVER` is later than any time.

Method: Christiaens & Vanden Berghe, "Slack Induction by String Removals" (2020), with three things of ours. Visits
that wait take part in the rounds, so that a tight day fills up. What is best is compared strictly: the counts per rank
from the top, then the ages, then the cost; only the walk itself puts a price on an absence. And a break is part of the
slack:

    f0, f1   when the van is free after a visit at the earliest, its break still to come / already taken
    z0, z1   when it must be free there at the latest, its break already taken / still to come

so that an insertion is judged in constant time for routes with one break or none. What that arithmetic cannot see
(several breaks, goods that come later, collections, limits of stops or metres: `Day.careful`) is asked of `route_cost`,
which also prices the paid hour; it is held against the schedule by tests.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

NEVER = 2**60
BLOCKED = 2**50
"""Seconds of a leg that no road joins."""

_LONGEST_STRING = 10
_AVERAGE_OUT = 10.0
_BLINK = 0.01
_FRESH = 0.02
_TRIED = 15
"""Of the visits that wait, so many are tried per round."""

type Ints = NDArray[np.int64]


# Columns of `Day.visit`; from WINDOW on pairs of (first, last) moments, sorted; shorter lists repeat their last pair.
PLACE, SERVICE, SETUP, READY, RANK, AGE, DONE, FIXED, WINDOW = range(9)
# Columns of `Day.shift`. LEAVE: when the wheels may turn (start and loading); UNTIL: when they must stand (end less the
# debrief); STANDING: loading and debrief, which are paid.
(SPEED, TARIFF, START, END, LEAVE, UNTIL, STANDING, MOST_VISITS, MOST_STOPS, MOST_METRES, MOST_SECONDS, HIRE, PER_HOUR,
 PER_TRAVEL_HOUR, PER_KM, PAUSES, CAREFUL) = range(17)  # fmt: skip
# Columns of `Walk.visit`: its neighbours and shift (-1: it waits), the slack, its place in `away` or -1.
NEXT, PREV, ON, F0, F1, Z0, Z1, AWAY = range(8)
# Columns of `Walk.shift`; STAMP: the last round that touched it.
HEAD, TAIL, SIZE, LEAVES, COST, STAMP = range(6)
# `Walk.tally`.
WAITING, USED, HIGHEST, ROUND, TOTAL, BEST, FOUND = range(7)
# Rows of `Walk.ranks`.
SERVED, AGES, BEST_SERVED, BEST_AGES = range(4)
# Columns of `Walk.log`; LOGGED is used in its first row only: how many routes are written down.
LOG_SHIFT, LOG_COST, LOG_LEAVES, LOG_FROM, LOGGED = range(5)
# `Day.flags`.
WAITING_COSTS, GOODS_COME_LATER, SOMEBODY_COLLECTS, COST_IS_TRAVEL = range(4)


# Nothing here allocates. Without the counting of references, which numba does at every access to an array of a tuple, a
# round takes a tenth of the time.
_compiled = njit(cache=True, nogil=True, _nrt=False)  # type: ignore[call-overload]
_inlined = njit(inline="always", _nrt=False)  # type: ignore[call-overload]


class Day(NamedTuple):
    """The problem: n visits, k shifts, tables over all places and one more that is `anywhere`. Few wide arrays: what is
    asked together lies together, and a call passes little."""

    seconds: Ints
    """(speeds, places + 1, places + 1)"""
    metres: Ints
    prices: Ints
    """(tariffs, places + 1, places + 1): what a leg costs, the driver's time included."""
    visit: Ints
    load: Ints
    """(n, 2 x dimensions): delivered, then collected."""
    absence: NDArray[np.float64]
    """(n,): what the walk pays while a visit waits."""
    may: NDArray[np.bool_]
    """(k, n)"""
    shift: Ints
    capacity: Ints
    """(k, dimensions)"""
    breaks: Ints
    """(k, breaks, 1 + 2 x windows): how long, then its windows."""
    near: Ints
    """(n, some): other visits by travel, nearest first."""
    beside: Ints
    """(n, some): other visits it may follow or precede with little travel and waiting."""
    kinds: Ints
    """(kinds, 2): the shifts from ... up to ... are alike in everything."""
    flags: Ints


class Walk(NamedTuple):
    """Where the walk stands, and the best it has seen. Changed in place by `rounds`."""

    visit: Ints
    shift: Ints
    load: Ints
    """(k, 2 x dimensions)"""
    away: Ints
    ranks: Ints
    best: Ints
    """(n + k,): who follows each visit, and the first of each shift."""
    tally: Ints
    penalty: NDArray[np.float64]
    chance: NDArray[np.uint64]
    # The routes that a round has touched, as they were.
    log: Ints
    log_visit: Ints
    """(n, 5): a visit and its slack."""
    log_load: Ints
    pool: Ints
    key: NDArray[np.float64]
    line: Ints
    scratch: Ints
    """(2, n + 4, 2 ** breaks): see `_run`."""


@_inlined
def _random(chance):  # type: ignore[no-untyped-def]
    """Uniform in [0, 1): xorshift64* (Vigna 2016)."""
    x = chance[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    chance[0] = x
    return np.float64((x * np.uint64(2685821657736338717)) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@_inlined
def _earliest(rows, row, begin, at):  # type: ignore[no-untyped-def]
    for w in range(begin, rows.shape[1], 2):
        if at <= rows[row, w + 1]:
            return max(at, rows[row, w])
    return NEVER


@_inlined
def _latest(rows, row, begin, at):  # type: ignore[no-untyped-def]
    for w in range(rows.shape[1] - 2, begin - 1, -2):
        if at >= rows[row, w]:
            return min(at, rows[row, w + 1])
    return -NEVER


# ---------------------------------------------------------------------------- one route, exactly


@_compiled
def route_cost(day, k, line, m, clock, via):  # type: ignore[no-untyped-def]
    """What the route of shift `k` with the visits `line[:m]` costs, or -1 when anything fails: Timetable.times.

    `clock` and `via` are scratch of shape (at least m + 3, 2 ** breaks).
    """
    if m > day.shift[k, MOST_VISITS]:
        return -1
    for i in range(m):
        if not day.may[k, line[i]]:
            return -1
    dimensions = day.capacity.shape[1]
    for d in range(dimensions):
        board = 0
        for i in range(m):
            board += day.load[line[i], d]
        most = board
        for i in range(m):
            board += day.load[line[i], dimensions + d] - day.load[line[i], d]
            most = max(most, board)
        if most > day.capacity[k, d]:
            return -1
    speed = day.shift[k, SPEED]
    leave, moving, metres, doors = day.shift[k, LEAVE], 0, 0, 0
    here, done = day.shift[k, START], False
    before = -1
    for i in range(m + 1):
        there = day.shift[k, END] if i == m else day.visit[line[i], PLACE]
        seconds = day.seconds[speed, here, there]
        if seconds >= BLOCKED:
            return -1
        moving += seconds
        metres += day.metres[speed, here, there]
        if i < m:
            if there != before:
                doors += 1
            before = there
            done |= day.visit[line[i], DONE]
            leave = max(leave, day.visit[line[i], READY])
        here = there
    if moving > day.shift[k, MOST_SECONDS] or metres > day.shift[k, MOST_METRES] or doors > day.shift[k, MOST_STOPS]:
        return -1
    finish = _run(day, k, line, m, leave, clock, via)
    if finish > day.shift[k, UNTIL]:
        return -1
    if day.flags[COST_IS_TRAVEL]:
        return moving
    cost = (
        day.shift[k, HIRE]
        + (2 * day.shift[k, PER_TRAVEL_HOUR] * moving + 3600) // 7200
        + (2 * day.shift[k, PER_KM] * metres + 1000) // 2000
    )
    if day.shift[k, PER_HOUR]:
        departure = leave if done else max(leave, _departure(day, k, line, m, finish, clock, via))
        cost += (2 * day.shift[k, PER_HOUR] * (finish - departure + day.shift[k, STANDING]) + 3600) // 7200
    return cost


@_compiled
def _run(day, k, line, m, leave, clock, via):  # type: ignore[no-untyped-def]
    """The earliest finish, NEVER when it cannot be. clock[g, taken]: free before leg g with these breaks taken (bits);
    via[g, taken]: which were taken before leg g - 1."""
    breaks = day.shift[k, PAUSES]
    states = 1 << breaks
    paused = clock[len(clock) - 1]
    for taken in range(states):
        clock[0, taken] = NEVER
    clock[0, 0] = leave
    here = day.shift[k, START]
    for g in range(m + 1):
        there = day.shift[k, END] if g == m else day.visit[line[g], PLACE]
        travel = day.seconds[day.shift[k, SPEED], here, there]
        for taken in range(states):
            clock[g + 1, taken] = NEVER
        for base in range(states - 1, -1, -1):
            free = clock[g, base]
            if free >= NEVER:
                continue
            for taken in range(base, states):
                if taken & base != base:
                    continue
                rested = 0
                paused[taken] = free if taken == base else NEVER
                for b in range(breaks):
                    if (taken & ~base) >> b & 1:
                        rested += day.breaks[k, b, 0]
                        earlier = paused[taken ^ (1 << b)]
                        if earlier < NEVER:
                            begin = _earliest(day.breaks[k], b, 1, earlier)
                            if begin < NEVER:
                                paused[taken] = min(paused[taken], begin + day.breaks[k, b, 0])
                if paused[taken] >= NEVER:
                    continue
                time = max(free + travel + rested, paused[taken])
                if g < m:
                    v = line[g]
                    time = _earliest(day.visit, v, WINDOW, time)
                    if time >= NEVER:
                        continue
                    time += day.visit[v, SERVICE] + (day.visit[v, SETUP] if there != here else 0)
                if time < clock[g + 1, taken]:
                    clock[g + 1, taken] = time
                    via[g + 1, taken] = base
        here = there
    return clock[m + 1, states - 1]


@_compiled
def _departure(day, k, line, m, finish, clock, via):  # type: ignore[no-untyped-def]
    """The latest departure that still ends at `finish`, with the breaks in the same legs."""
    breaks = day.shift[k, PAUSES]
    states = 1 << breaks
    paused, last = clock[len(clock) - 1], via[len(via) - 1]
    taken, limit = states - 1, finish
    free = limit
    for g in range(m, -1, -1):
        there = day.shift[k, END] if g == m else day.visit[line[g], PLACE]
        here = day.shift[k, START] if g == 0 else day.visit[line[g - 1], PLACE]
        base = via[g + 1, taken]
        # In which order they were taken on this leg: the same minimum once more.
        paused[base] = clock[g, base]
        for mask in range(base + 1, taken + 1):
            if mask & base != base or mask & taken != mask:
                continue
            paused[mask] = NEVER
            last[mask] = -1
            for b in range(breaks):
                if (mask & ~base) >> b & 1:
                    earlier = paused[mask ^ (1 << b)]
                    if earlier < NEVER:
                        begin = _earliest(day.breaks[k], b, 1, earlier)
                        if begin < NEVER and begin + day.breaks[k, b, 0] < paused[mask]:
                            paused[mask] = begin + day.breaks[k, b, 0]
                            last[mask] = b
        rested, stand = 0, limit
        mask = taken
        while mask != base:
            b = last[mask]
            stand = _latest(day.breaks[k], b, 1, stand - day.breaks[k, b, 0])
            rested += day.breaks[k, b, 0]
            mask ^= 1 << b
        taken = base
        free = min(limit - day.seconds[day.shift[k, SPEED], here, there] - rested, stand)
        if g == 0:
            break
        v = line[g - 1]
        before = day.shift[k, START] if g == 1 else day.visit[line[g - 2], PLACE]
        limit = _latest(
            day.visit, v, WINDOW, free - day.visit[v, SERVICE] - (day.visit[v, SETUP] if here != before else 0)
        )
    return free


# ---------------------------------------------------------------------------- slack


@_inlined
def _place_after(day, k, x):  # type: ignore[no-untyped-def]
    return day.shift[k, END] if x < 0 else day.visit[x, PLACE]


@_inlined
def _place_before(day, k, x):  # type: ignore[no-untyped-def]
    return day.shift[k, START] if x < 0 else day.visit[x, PLACE]


@_inlined
def _rested(day, k, free, travel):  # type: ignore[no-untyped-def]
    """When it is there with the one break taken on this leg."""
    begin = _earliest(day.breaks[k], 0, 1, free)
    return max(free + travel, begin) + day.breaks[k, 0, 0] if begin < NEVER else NEVER


@_compiled
def _forward(day, walk, k, x, all_of_it):  # type: ignore[no-untyped-def]
    """f0 and f1 from visit `x` on, until nothing changes any more."""
    speed, one = day.shift[k, SPEED], day.shift[k, PAUSES] == 1
    p = walk.visit[x, PREV]
    here = _place_before(day, k, p)
    free0 = walk.shift[k, LEAVES] if p < 0 else walk.visit[p, F0]
    free1 = NEVER if p < 0 else walk.visit[p, F1]
    while x >= 0:
        there = day.visit[x, PLACE]
        travel = day.seconds[speed, here, there]
        work = day.visit[x, SERVICE] + (day.visit[x, SETUP] if there != here else 0)
        at = NEVER
        if one:
            at = free1 + travel if free1 < NEVER else NEVER
            if free0 < NEVER:
                at = min(at, _rested(day, k, free0, travel))
            if at < NEVER:
                at = _earliest(day.visit, x, WINDOW, at)
                if at < NEVER:
                    at += work
        if free0 < NEVER:
            free0 = _earliest(day.visit, x, WINDOW, free0 + travel)
            if free0 < NEVER:
                free0 += work
        free1 = at
        if not all_of_it and free0 == walk.visit[x, F0] and free1 == walk.visit[x, F1]:
            return
        walk.visit[x, F0] = free0
        walk.visit[x, F1] = free1
        here = there
        x = walk.visit[x, NEXT]


@_compiled
def _limit_before(day, walk, k, y, here):  # type: ignore[no-untyped-def]
    """(latest free with the break behind it, latest free with the break to come) at place `here`, when `y` follows."""
    there = _place_after(day, k, y)
    travel = day.seconds[day.shift[k, SPEED], here, there]
    late1 = -NEVER
    if y < 0:
        late0 = day.shift[k, UNTIL]
    else:
        work = day.visit[y, SERVICE] + (day.visit[y, SETUP] if there != here else 0)
        late0 = _latest(day.visit, y, WINDOW, walk.visit[y, Z0] - work) if walk.visit[y, Z0] > -NEVER else -NEVER
        if day.shift[k, PAUSES] == 1 and walk.visit[y, Z1] > -NEVER:
            late1 = _latest(day.visit, y, WINDOW, walk.visit[y, Z1] - work)
    if day.shift[k, PAUSES] == 1:
        if late1 > -NEVER:
            late1 -= travel
        if late0 > -NEVER:
            rest = _latest(day.breaks[k], 0, 1, late0 - day.breaks[k, 0, 0])
            if rest > -NEVER:
                late1 = max(late1, min(rest, late0 - day.breaks[k, 0, 0] - travel))
    if late0 > -NEVER:
        late0 -= travel
    return late0, late1


@_compiled
def _backward(day, walk, k, x, all_of_it):  # type: ignore[no-untyped-def]
    """z0 and z1 from visit `x` back to the first, until nothing changes any more."""
    while x >= 0:
        late0, late1 = _limit_before(day, walk, k, walk.visit[x, NEXT], day.visit[x, PLACE])
        if not all_of_it and late0 == walk.visit[x, Z0] and late1 == walk.visit[x, Z1]:
            return
        walk.visit[x, Z0] = late0
        walk.visit[x, Z1] = late1
        x = walk.visit[x, PREV]


@_compiled
def _refresh(day, walk, k):  # type: ignore[no-untyped-def]
    leaves = day.shift[k, LEAVE]
    if day.flags[GOODS_COME_LATER]:
        x = walk.shift[k, HEAD]
        while x >= 0:
            leaves = max(leaves, day.visit[x, READY])
            x = walk.visit[x, NEXT]
    walk.shift[k, LEAVES] = leaves
    if walk.shift[k, HEAD] >= 0:
        _forward(day, walk, k, walk.shift[k, HEAD], True)
    _backward(day, walk, k, walk.shift[k, TAIL], True)


@_inlined
def _in_time(day, walk, k, p, q, c):  # type: ignore[no-untyped-def]
    """Whether `c` can be served between `p` and `q` and everybody after it in time."""
    here, there, after = _place_before(day, k, p), day.visit[c, PLACE], _place_after(day, k, q)
    speed = day.shift[k, SPEED]
    to, on = day.seconds[speed, here, there], day.seconds[speed, there, after]
    if to >= BLOCKED or on >= BLOCKED:
        return False
    if day.flags[GOODS_COME_LATER] and day.visit[c, READY] > walk.shift[k, LEAVES]:
        # The whole trip leaves later: `route_cost` will say.
        return True
    work = day.visit[c, SERVICE] + (day.visit[c, SETUP] if there != here else 0)
    if q >= 0:
        work_q = day.visit[q, SERVICE] + (day.visit[q, SETUP] if after != there else 0)
    one = day.shift[k, PAUSES] == 1
    free0 = walk.shift[k, LEAVES] if p < 0 else walk.visit[p, F0]
    free = NEVER if free0 >= NEVER else _earliest(day.visit, c, WINDOW, free0 + to)
    if free < NEVER:
        free += work
    if not one:
        if free >= NEVER:
            return False
        if q < 0:
            return free + on <= day.shift[k, UNTIL]
        at = _earliest(day.visit, q, WINDOW, free + on)
        return at < NEVER and at + work_q <= walk.visit[q, Z0]
    # The break after c: on this leg, or later on.
    if free < NEVER:
        at = _rested(day, k, free, on)
        if q < 0:
            if at <= day.shift[k, UNTIL]:
                return True
        else:
            if at < NEVER:
                at = _earliest(day.visit, q, WINDOW, at)
                if at < NEVER and at + work_q <= walk.visit[q, Z0]:
                    return True
            at = _earliest(day.visit, q, WINDOW, free + on)
            if at < NEVER and at + work_q <= walk.visit[q, Z1]:
                return True
    # Or before c.
    at = NEVER if free0 >= NEVER else _rested(day, k, free0, to)
    free1 = NEVER if p < 0 else walk.visit[p, F1]
    if free1 < NEVER:
        at = min(at, free1 + to)
    if at >= NEVER:
        return False
    at = _earliest(day.visit, c, WINDOW, at)
    if at >= NEVER:
        return False
    at += work + on
    if q < 0:
        return at <= day.shift[k, UNTIL]
    at = _earliest(day.visit, q, WINDOW, at)
    return at < NEVER and at + work_q <= walk.visit[q, Z0]


@_inlined
def _has_room(day, walk, k, c):  # type: ignore[no-untyped-def]
    dimensions = day.capacity.shape[1]
    # Most vans are full most of the time: that is asked first.
    for d in range(2 * dimensions if day.flags[SOMEBODY_COLLECTS] else dimensions):
        if walk.load[k, d] + day.load[c, d] > day.capacity[k, d if d < dimensions else d - dimensions]:
            return False
    return day.may[k, c] and walk.shift[k, SIZE] < day.shift[k, MOST_VISITS]


@_compiled
def _cost_with(day, walk, k, p, c):  # type: ignore[no-untyped-def]
    """`route_cost` of the route as it would be with `c` after `p`."""
    m, x = 0, walk.shift[k, HEAD]
    if p < 0:
        walk.line[0] = c
        m = 1
    while x >= 0:
        walk.line[m] = x
        m += 1
        if x == p:
            walk.line[m] = c
            m += 1
        x = walk.visit[x, NEXT]
    return route_cost(day, k, walk.line, m, walk.scratch[0], walk.scratch[1])


@_compiled
def _fits_alone(day, walk, k, c):  # type: ignore[no-untyped-def]
    walk.line[0] = c
    return route_cost(day, k, walk.line, 1, walk.scratch[0], walk.scratch[1]) >= 0


@_compiled
def _cost_now(day, walk, k):  # type: ignore[no-untyped-def]
    m, x = 0, walk.shift[k, HEAD]
    while x >= 0:
        walk.line[m] = x
        m += 1
        x = walk.visit[x, NEXT]
    return route_cost(day, k, walk.line, m, walk.scratch[0], walk.scratch[1]) if m else 0


@_compiled
def _link(day, walk, k, p, c):  # type: ignore[no-untyped-def]
    q = walk.shift[k, HEAD] if p < 0 else walk.visit[p, NEXT]
    if p < 0:
        walk.shift[k, HEAD] = c
    else:
        walk.visit[p, NEXT] = c
    if q < 0:
        walk.shift[k, TAIL] = c
    else:
        walk.visit[q, PREV] = c
    walk.visit[c, PREV], walk.visit[c, NEXT], walk.visit[c, ON] = p, q, k
    for d in range(day.load.shape[1]):
        walk.load[k, d] += day.load[c, d]
    walk.shift[k, SIZE] += 1
    if walk.shift[k, SIZE] == 1:
        walk.tally[USED] += 1
        walk.tally[HIGHEST] = max(walk.tally[HIGHEST], k + 1)
    if day.flags[GOODS_COME_LATER] and day.visit[c, READY] > walk.shift[k, LEAVES]:
        walk.shift[k, LEAVES] = day.visit[c, READY]
        _forward(day, walk, k, walk.shift[k, HEAD], True)
    else:
        walk.visit[c, F0] = walk.visit[c, F1] = -1
        _forward(day, walk, k, c, False)
    walk.visit[c, Z0] = walk.visit[c, Z1] = -1
    _backward(day, walk, k, c, False)


# ---------------------------------------------------------------------------- the rounds


@_compiled
def _stands(day, walk, k):  # type: ignore[no-untyped-def]
    """Whether the route can be driven in time. Taking a visit out may part two others by a missing or a longer road."""
    x = walk.shift[k, TAIL]
    if x < 0:
        return True
    travel = day.seconds[day.shift[k, SPEED], day.visit[x, PLACE], day.shift[k, END]]
    if day.shift[k, PAUSES] != 1:
        return walk.visit[x, F0] + travel <= day.shift[k, UNTIL]
    if walk.visit[x, F1] + travel <= day.shift[k, UNTIL]:
        return True
    return walk.visit[x, F0] < NEVER and _rested(day, k, walk.visit[x, F0], travel) <= day.shift[k, UNTIL]


@_compiled
def _remember(day, walk, k, round_):  # type: ignore[no-untyped-def]
    """Writes down a route before it is touched for the first time in this round."""
    if walk.shift[k, STAMP] == round_:
        return
    walk.shift[k, STAMP] = round_
    at = walk.log[0, LOGGED]
    z = walk.log[at, LOG_FROM]
    walk.log[at, LOG_SHIFT] = k
    walk.log[at, LOG_COST] = walk.shift[k, COST]
    walk.log[at, LOG_LEAVES] = walk.shift[k, LEAVES]
    for d in range(day.load.shape[1]):
        walk.log_load[at, d] = walk.load[k, d]
    x = walk.shift[k, HEAD]
    while x >= 0:
        walk.log_visit[z, 0] = x
        for column in range(F0, Z1 + 1):
            walk.log_visit[z, column - F0 + 1] = walk.visit[x, column]
        z += 1
        x = walk.visit[x, NEXT]
    walk.log[0, LOGGED] = at + 1
    walk.log[at + 1, LOG_FROM] = z


@_compiled
def _undo(day, walk):  # type: ignore[no-untyped-def]
    """Every touched route as it was. Visits that waited before the round have to be taken out by the caller."""
    for at in range(walk.log[0, LOGGED]):
        k = walk.log[at, LOG_SHIFT]
        used = walk.shift[k, SIZE] > 0
        p, size = -1, 0
        walk.shift[k, HEAD] = -1
        for z in range(walk.log[at, LOG_FROM], walk.log[at + 1, LOG_FROM]):
            x = walk.log_visit[z, 0]
            walk.visit[x, PREV], walk.visit[x, ON] = p, k
            if p < 0:
                walk.shift[k, HEAD] = x
            else:
                walk.visit[p, NEXT] = x
            for column in range(F0, Z1 + 1):
                walk.visit[x, column] = walk.log_visit[z, column - F0 + 1]
            p = x
            size += 1
        if p >= 0:
            walk.visit[p, NEXT] = -1
        walk.shift[k, TAIL], walk.shift[k, SIZE] = p, size
        walk.shift[k, COST], walk.shift[k, LEAVES] = walk.log[at, LOG_COST], walk.log[at, LOG_LEAVES]
        for d in range(day.load.shape[1]):
            walk.load[k, d] = walk.log_load[at, d]
        walk.tally[USED] += int(size > 0) - int(used)


@_inlined
def _leg(day, k, a, b):  # type: ignore[no-untyped-def]
    return day.prices[day.shift[k, TARIFF], a, b]


@_compiled
def _cut_string(day, walk, k, c, longest, m):  # type: ignore[no-untyped-def]
    """Takes a string of visits around `c` out of its route into the pool; (visits in the pool, change of the legs)."""
    size = walk.shift[k, SIZE]
    length = int(_random(walk.chance) * min(float(size), longest) + 1.0)
    length = min(length, size)
    spare = 0
    if 1 < length < size and _random(walk.chance) < 0.5:
        # Half of the strings keep a piece in their middle.
        spare = 1
        while length + spare < size and _random(walk.chance) < 0.01:
            spare += 1
    span = length + spare
    back, x = 0, c
    while back < span - 1 and walk.visit[x, PREV] >= 0 and not day.visit[walk.visit[x, PREV], FIXED]:
        x = walk.visit[x, PREV]
        back += 1
    ahead, x = 0, c
    while ahead < span - 1 and walk.visit[x, NEXT] >= 0:
        x = walk.visit[x, NEXT]
        ahead += 1
    least = max(0, span - 1 - ahead)
    if least > back:
        least, span = back, back + 1 + ahead
    x = c
    for _ in range(least + int(_random(walk.chance) * (back - least + 1))):
        x = walk.visit[x, PREV]
    hole = 1 + int(_random(walk.chance) * (length - 1)) if spare else span
    delta = 0
    for n in range(span):
        y = walk.visit[x, NEXT]
        if not hole <= n < hole + spare:
            p = walk.visit[x, PREV]
            a, b, here = _place_before(day, k, p), _place_after(day, k, y), day.visit[x, PLACE]
            delta += _leg(day, k, a, b) - _leg(day, k, a, here) - _leg(day, k, here, b)
            if p < 0:
                walk.shift[k, HEAD] = y
            else:
                walk.visit[p, NEXT] = y
            if y < 0:
                walk.shift[k, TAIL] = p
            else:
                walk.visit[y, PREV] = p
            walk.visit[x, ON] = -1
            for d in range(day.load.shape[1]):
                walk.load[k, d] -= day.load[x, d]
            walk.shift[k, SIZE] -= 1
            walk.pool[m] = x
            m += 1
        x = y
    if walk.shift[k, SIZE] == 0:
        walk.tally[USED] -= 1
        delta -= day.shift[k, HIRE] + _leg(day, k, day.shift[k, START], day.shift[k, END])
    _refresh(day, walk, k)
    return m, delta


@_compiled
def _sort_pool(day, walk, m):  # type: ignore[no-untyped-def]
    """The order of coming back: drawn anew each round; a higher rank goes first most of the time."""
    kind = _random(walk.chance) * 17.0
    by_rank = walk.ranks.shape[1] > 1 and _random(walk.chance) < 0.8
    for i in range(m):
        c = walk.pool[i]
        if kind < 4:
            key = _random(walk.chance)
        elif kind < 8:
            key = 0.0
            for d in range(day.load.shape[1]):
                key -= day.load[c, d]
        elif kind < 11:
            away = float(min(day.seconds[0, day.shift[0, START], day.visit[c, PLACE]], BLOCKED))
            key = -away if kind < 10 else away
        elif kind < 13:
            key = float(day.visit[c, -1] - day.visit[c, WINDOW])
        elif kind < 15:
            key = float(day.visit[c, WINDOW])
        else:
            key = -float(day.visit[c, -1])
        walk.key[i] = key
    for i in range(1, m):
        key, c = walk.key[i], walk.pool[i]
        j = i - 1
        while j >= 0:
            other = walk.pool[j]
            if by_rank and day.visit[other, RANK] != day.visit[c, RANK]:
                if day.visit[other, RANK] < day.visit[c, RANK]:
                    break
            elif walk.key[j] <= key:
                break
            walk.key[j + 1], walk.pool[j + 1] = walk.key[j], other
            j -= 1
        walk.key[j + 1], walk.pool[j + 1] = key, c


@_compiled
def _cheapest_near(day, walk, c, blink):  # type: ignore[no-untyped-def]
    """Where `c` costs least beside those it goes well with, at the ends of all routes, or in an unused shift:
    (what the legs cost more, shift or -1, after whom)."""
    best, best_k, best_p = NEVER, -1, -1
    here = day.visit[c, PLACE]
    beside = day.beside.shape[1]
    roomy_k, roomy = -1, False
    # Behind and before each neighbour, then at the head and the tail of each shift: one loop, so that the judgement of
    # a position is compiled once.
    for i in range(2 * beside + 2 * walk.tally[HIGHEST]):
        if i < 2 * beside:
            j = day.beside[c, i >> 1]
            k = walk.visit[j, ON]
            if k < 0:
                continue
            p, q = (walk.visit[j, PREV], j) if i & 1 else (j, walk.visit[j, NEXT])
        else:
            k = (i - 2 * beside) >> 1
            if walk.shift[k, SIZE] == 0:
                continue
            p, q = (walk.shift[k, TAIL], -1) if i & 1 else (-1, walk.shift[k, HEAD])
        if k != roomy_k:
            roomy_k, roomy = k, _has_room(day, walk, k, c)
        if not roomy:
            continue
        before, after = _place_before(day, k, p), _place_after(day, k, q)
        price = _leg(day, k, before, here) + _leg(day, k, here, after) - _leg(day, k, before, after)
        if price >= best or (q >= 0 and day.visit[q, FIXED]):
            continue
        if not _in_time(day, walk, k, p, q, c):
            continue
        if day.shift[k, CAREFUL] and _cost_with(day, walk, k, p, c) < 0:
            continue
        if _random(walk.chance) >= blink:
            best, best_k, best_p = price, k, p
    # Of unused shifts that are alike only the first is asked.
    for kind in range(len(day.kinds)):
        k, end = day.kinds[kind, 0], day.kinds[kind, 1]
        price = day.shift[k, HIRE] + _leg(day, k, day.shift[k, START], here) + _leg(day, k, here, day.shift[k, END])
        # The price of legs does not see a wait that is paid: once in a while a fresh start is tried against it.
        if price >= best and not (day.flags[WAITING_COSTS] and _random(walk.chance) < _FRESH):
            continue
        while k < end and walk.shift[k, SIZE]:
            k += 1
        if k < end and _fits_alone(day, walk, k, c):
            best, best_k, best_p = price, k, -1
    return best, best_k, best_p


@_compiled
def _better(walk):  # type: ignore[no-untyped-def]
    for r in range(walk.ranks.shape[1]):
        if walk.ranks[SERVED, r] != walk.ranks[BEST_SERVED, r]:
            return walk.ranks[SERVED, r] > walk.ranks[BEST_SERVED, r]
    for r in range(walk.ranks.shape[1]):
        if walk.ranks[AGES, r] != walk.ranks[BEST_AGES, r]:
            return walk.ranks[AGES, r] > walk.ranks[BEST_AGES, r]
    return walk.tally[TOTAL] < walk.tally[BEST]


@_compiled
def keep_if_better(walk):  # type: ignore[no-untyped-def]
    if not _better(walk):
        return
    n = len(walk.visit)
    for x in range(n):
        walk.best[x] = walk.visit[x, NEXT]
    for k in range(len(walk.shift)):
        walk.best[n + k] = walk.shift[k, HEAD]
    for r in range(walk.ranks.shape[1]):
        walk.ranks[BEST_SERVED, r] = walk.ranks[SERVED, r]
        walk.ranks[BEST_AGES, r] = walk.ranks[AGES, r]
    walk.tally[BEST] = walk.tally[TOTAL]
    walk.tally[FOUND] += 1


@_compiled
def _settle_away(day, walk, c):  # type: ignore[no-untyped-def]
    """The list of those who wait, the counts and the penalty after `c` came or went."""
    waits, listed = walk.visit[c, ON] < 0, walk.visit[c, AWAY] >= 0
    if waits == listed:
        return
    sign = -1 if waits else 1
    walk.ranks[SERVED, day.visit[c, RANK]] += sign
    walk.ranks[AGES, day.visit[c, RANK]] += sign * day.visit[c, AGE]
    walk.penalty[0] -= sign * day.absence[c]
    if waits:
        walk.away[walk.tally[WAITING]] = c
        walk.visit[c, AWAY] = walk.tally[WAITING]
        walk.tally[WAITING] += 1
    else:
        at, end = walk.visit[c, AWAY], walk.tally[WAITING] - 1
        other = walk.away[end]
        walk.away[at] = other
        walk.visit[other, AWAY] = at
        walk.visit[c, AWAY] = -1
        walk.tally[WAITING] = end


@_compiled
def begin(day, walk):  # type: ignore[no-untyped-def]
    """Slack, costs and sums of the routes that `next` and `head` describe."""
    walk.tally[WAITING] = walk.tally[USED] = walk.tally[HIGHEST] = 0
    walk.penalty[0] = 0.0
    for r in range(walk.ranks.shape[1]):
        walk.ranks[SERVED, r] = walk.ranks[AGES, r] = 0
    for x in range(len(walk.visit)):
        walk.visit[x, ON] = walk.visit[x, AWAY] = -1
    total = 0
    for k in range(len(walk.shift)):
        for d in range(day.load.shape[1]):
            walk.load[k, d] = 0
        x, p = walk.shift[k, HEAD], -1
        walk.shift[k, SIZE] = 0
        while x >= 0:
            walk.visit[x, ON], walk.visit[x, PREV] = k, p
            walk.visit[x, F0], walk.visit[x, F1], walk.visit[x, Z0], walk.visit[x, Z1] = NEVER, NEVER, -NEVER, -NEVER
            walk.shift[k, SIZE] += 1
            for d in range(day.load.shape[1]):
                walk.load[k, d] += day.load[x, d]
            walk.ranks[SERVED, day.visit[x, RANK]] += 1
            walk.ranks[AGES, day.visit[x, RANK]] += day.visit[x, AGE]
            p, x = x, walk.visit[x, NEXT]
        walk.shift[k, TAIL] = p
        _refresh(day, walk, k)
        walk.shift[k, COST] = _cost_now(day, walk, k)
        total += walk.shift[k, COST]
        if walk.shift[k, SIZE]:
            walk.tally[USED] += 1
            walk.tally[HIGHEST] = k + 1
    for c in range(len(walk.visit)):
        if walk.visit[c, ON] < 0:
            walk.away[walk.tally[WAITING]] = c
            walk.visit[c, AWAY] = walk.tally[WAITING]
            walk.tally[WAITING] += 1
            walk.penalty[0] += day.absence[c]
    walk.tally[TOTAL] = total


@_compiled
def fill(day, walk, order):  # type: ignore[no-untyped-def]
    """Inserts the waiting visits of `order`, one after the other, each where it costs least."""
    for c in order:
        if walk.visit[c, ON] < 0:
            _, k, p = _cheapest_near(day, walk, c, 0.0)
            if k >= 0:
                _link(day, walk, k, p, c)
    begin(day, walk)


@_compiled
def rounds(day, walk, how_many, heat):  # type: ignore[no-untyped-def]
    """So many rounds at a temperature in prices. Answers how many were accepted."""
    n = len(walk.visit)
    accepted = 0
    for _ in range(how_many):
        walk.tally[ROUND] += 1
        round_ = walk.tally[ROUND]
        walk.log[0, LOGGED] = 0
        # ---- ruin
        served, used = n - walk.tally[WAITING], max(1, walk.tally[USED])
        longest = max(1.0, min(float(_LONGEST_STRING), served / used))
        strings = int(_random(walk.chance) * max(1.0, 4.0 * _AVERAGE_OUT / (1.0 + longest) - 1.0) + 1.0)
        seed = int(_random(walk.chance) * n)
        m, delta, cut = 0, 0, 0
        for i in range(-1, day.near.shape[1]):
            if cut >= strings:
                break
            c = seed if i < 0 else day.near[seed, i]
            k = walk.visit[c, ON]
            if k < 0 or walk.shift[k, STAMP] == round_ or day.visit[c, FIXED]:
                continue
            _remember(day, walk, k, round_)
            cut += 1
            m, change = _cut_string(day, walk, k, c, longest, m)
            delta += change
        # ---- those who wait are tried too
        tried = min(_TRIED, walk.tally[WAITING])
        for i in range(tried):
            if walk.tally[WAITING] > _TRIED:
                j = i + int(_random(walk.chance) * (walk.tally[WAITING] - i))
                a, b = walk.away[i], walk.away[j]
                walk.away[i], walk.away[j] = b, a
                walk.visit[b, AWAY], walk.visit[a, AWAY] = i, j
            walk.pool[m] = walk.away[i]
            m += 1
        if m == 0:
            continue
        # ---- recreate
        _sort_pool(day, walk, m)
        limit = walk.tally[TOTAL] + walk.penalty[0] - heat * np.log(_random(walk.chance) + 1e-300)
        penalty = walk.penalty[0]
        doomed = False
        for i in range(m):
            c = walk.pool[i]
            price, k, p = _cheapest_near(day, walk, c, _BLINK)
            if k < 0:
                if walk.visit[c, AWAY] < 0:
                    penalty += day.absence[c]
                continue
            delta += price
            if walk.visit[c, AWAY] >= 0:
                penalty -= day.absence[c]
            elif tried == 0 and not day.flags[WAITING_COSTS] and walk.tally[TOTAL] + delta + penalty > limit:
                # What is still out only costs more.
                doomed = True
                break
            _remember(day, walk, k, round_)
            _link(day, walk, k, p, c)
        if day.flags[WAITING_COSTS] and not doomed:
            # Waiting is paid: what counts is each touched route as a whole.
            delta = 0
        for at in range(walk.log[0, LOGGED]):
            if doomed:
                break
            k = walk.log[at, LOG_SHIFT]
            if day.flags[WAITING_COSTS] or day.shift[k, CAREFUL]:
                cost = _cost_now(day, walk, k)
                doomed = cost < 0
                if day.flags[WAITING_COSTS]:
                    walk.shift[k, COST] = cost
                    delta += cost - walk.log[at, LOG_COST]
            else:
                doomed = not _stands(day, walk, k)
        if not doomed and walk.tally[TOTAL] + delta + penalty < limit:
            accepted += 1
            walk.tally[TOTAL] += delta
            for i in range(m):
                _settle_away(day, walk, walk.pool[i])
            while walk.tally[HIGHEST] and walk.shift[walk.tally[HIGHEST] - 1, SIZE] == 0:
                walk.tally[HIGHEST] -= 1
            keep_if_better(walk)
        else:
            for i in range(m):
                if walk.visit[walk.pool[i], AWAY] >= 0:
                    walk.visit[walk.pool[i], ON] = -1
            _undo(day, walk)
    return accepted
