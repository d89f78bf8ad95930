"""Ruin and recreate for a plain day, compiled: the rounds of kernel.py where nothing but amounts and one window per
visit counts, all shifts leave alike, and everybody is served. Several times as many rounds a second.

Nodes are the visits, then the start (n) and the end (n + 1) of every route, so that no position needs a branch. What is
asked of a position lies in one short row, numbers are int32, and a round is undone by what it wrote, newest first.

    FREE     when the van is free after the node at the earliest
    LATEST   when it must be there at the latest
    PRICE    of the leg that leads there
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from routing.engines.solver.layout import compiled, inlined, random

_LONGEST_STRING = 10
_AVERAGE_OUT = 10.0
_BLINK = 0.01
_ENDS = 0.1
"""How often the heads and tails of all routes are tried: those that lie near are tried as neighbours anyway."""
_FAR = 2**60
LONGEST = 2**26
"""Seconds of a whole day, and of any window that is more than a formality."""
BLOCKED = 2**28
"""Seconds and price of a leg that no road joins."""
_BEYOND = 2**30
"""Two such legs after one another still fit."""

type Ints = NDArray[np.int64]
type Shorts = NDArray[np.int32]

# Columns of `PlainDay.node`.
SERVICE, OPENS, CLOSES = range(3)
# Columns of `PlainWalk.node`: its neighbours and shift (-1: out), and see above. Eight, so that a row is half a line.
NEXT, PREV, ON, FREE, LATEST, PRICE, COLUMNS = 0, 1, 2, 3, 4, 5, 8
# Columns of `PlainWalk.shift`, then its load per dimension. STAMP: the last round that touched it.
HEAD, TAIL, SIZE, STAMP, LOAD = range(5)
# `PlainWalk.tally`.
USED, HIGHEST, ROUND, TOTAL, BEST, FOUND, TOUCHED, WRITTEN = range(8)


class PlainDay(NamedTuple):
    """n visits, k shifts."""

    legs: Shorts
    """(n + 2, n + 2, 2): seconds and price from row to column."""
    back: Shorts
    """The same from column to row; the same array when both ways are alike."""
    node: Shorts
    """(n + 2, 3)"""
    load: Ints
    """(n, dimensions)"""
    capacity: Ints
    """(k, dimensions)"""
    near: Shorts
    beside: Shorts
    kinds: Ints
    """(kinds, 2): the shifts from ... up to ... are alike."""
    hire: Ints
    """(k,)"""


class PlainWalk(NamedTuple):
    """Where the walk stands, and the best it has seen. Changed in place by `rounds`."""

    node: Shorts
    """(n + 2, 8)"""
    shift: Ints
    best: Ints
    """(n + k,): who follows each visit (n + 1: the end), and the first of each shift (n + 1: none)."""
    tally: Ints
    chance: NDArray[np.uint64]
    pool: Ints
    key: NDArray[np.float64]
    touched: Ints
    """(k + 1, 1 + columns of shift): a shift and how it was."""
    place: Ints
    """What was written in this round: where (row x 8 + column) ..."""
    value: Shorts
    """... and what was there before."""


@inlined
def _put(walk, x, column, value):  # type: ignore[no-untyped-def]
    at = walk.tally[WRITTEN]
    walk.place[at] = x * COLUMNS + column
    walk.value[at] = walk.node[x, column]
    walk.tally[WRITTEN] = at + 1
    walk.node[x, column] = value


@compiled
def _forward(day, walk, p, x):  # type: ignore[no-untyped-def]
    """When the van is free, from node `x` after `p` on, until nothing changes any more."""
    end = len(day.node) - 1
    free = walk.node[p, FREE]
    while x != end:
        free = max(free + day.legs[p, x, 0], day.node[x, OPENS]) + day.node[x, SERVICE]
        free = min(free, _BEYOND)
        if free == walk.node[x, FREE]:
            return
        _put(walk, x, FREE, free)
        p, x = x, walk.node[x, NEXT]


@compiled
def _backward(day, walk, x, q):  # type: ignore[no-untyped-def]
    """When it must be there, from node `x` before `q` back, until nothing changes any more."""
    start = len(day.node) - 2
    latest = walk.node[q, LATEST]
    while x != start:
        latest = min(latest - day.legs[x, q, 0] - day.node[x, SERVICE], day.node[x, CLOSES])
        latest = max(latest, -_BEYOND)
        if latest == walk.node[x, LATEST]:
            return
        _put(walk, x, LATEST, latest)
        q, x = x, walk.node[x, PREV]


@compiled
def _touch(walk, k):  # type: ignore[no-untyped-def]
    """Writes down what a shift was before it is changed for the first time in this round."""
    if walk.shift[k, STAMP] == walk.tally[ROUND]:
        return
    walk.shift[k, STAMP] = walk.tally[ROUND]
    at = walk.tally[TOUCHED]
    walk.touched[at, 0] = k
    for column in range(walk.shift.shape[1]):
        walk.touched[at, column + 1] = walk.shift[k, column]
    walk.tally[TOUCHED] = at + 1


@compiled
def _undo(walk):  # type: ignore[no-untyped-def]
    for at in range(walk.tally[WRITTEN] - 1, -1, -1):
        walk.node[walk.place[at] // COLUMNS, walk.place[at] % COLUMNS] = walk.value[at]
    for at in range(walk.tally[TOUCHED]):
        k = walk.touched[at, 0]
        walk.tally[USED] += int(walk.touched[at, SIZE + 1] > 0) - int(walk.shift[k, SIZE] > 0)
        for column in range(walk.shift.shape[1]):
            if column != STAMP:
                walk.shift[k, column] = walk.touched[at, column + 1]


@compiled
def _join(day, walk, k, p, q):  # type: ignore[no-untyped-def]
    n = len(day.load)
    if p == n:
        walk.shift[k, HEAD] = q
    else:
        _put(walk, p, NEXT, q)
    if q == n + 1:
        walk.shift[k, TAIL] = p
    else:
        _put(walk, q, PREV, p)
        _put(walk, q, PRICE, day.legs[p, q, 1])


@compiled
def _insert(day, walk, k, p, c):  # type: ignore[no-untyped-def]
    n = len(day.load)
    q = walk.shift[k, HEAD] if p == n else walk.node[p, NEXT]
    _put(walk, c, ON, k)
    _put(walk, c, NEXT, q)
    _put(walk, c, LATEST, -1)
    _put(walk, c, FREE, -1)
    _join(day, walk, k, p, c)
    if q == n + 1:
        walk.shift[k, TAIL] = c
    else:
        _put(walk, q, PREV, c)
        _put(walk, q, PRICE, day.legs[c, q, 1])
    for d in range(day.load.shape[1]):
        walk.shift[k, LOAD + d] += day.load[c, d]
    walk.shift[k, SIZE] += 1
    if walk.shift[k, SIZE] == 1:
        walk.tally[USED] += 1
        walk.tally[HIGHEST] = max(walk.tally[HIGHEST], k + 1)
    _forward(day, walk, p, c)
    _backward(day, walk, c, q)


@compiled
def _cut_string(day, walk, k, c, longest, m):  # type: ignore[no-untyped-def]
    """Takes a string of visits around `c` out of its route into the pool; (visits in the pool, change of the legs)."""
    n = len(day.load)
    size = walk.shift[k, SIZE]
    length = min(int(random(walk.chance) * min(float(size), longest) + 1.0), size)
    spare = 0
    if 1 < length < size and random(walk.chance) < 0.5:
        # Half of the strings keep a piece in their middle.
        spare = 1
        while length + spare < size and random(walk.chance) < 0.01:
            spare += 1
    span = length + spare
    back, x = 0, c
    while back < span - 1 and walk.node[x, PREV] != n:
        x = walk.node[x, PREV]
        back += 1
    ahead, x = 0, c
    while ahead < span - 1 and walk.node[x, NEXT] != n + 1:
        x = walk.node[x, NEXT]
        ahead += 1
    least = max(0, span - 1 - ahead)
    x = c
    for _ in range(least + int(random(walk.chance) * (back - least + 1))):
        x = walk.node[x, PREV]
    hole = 1 + int(random(walk.chance) * (length - 1)) if spare else span
    first = walk.node[x, PREV]
    second = first
    delta = 0
    for at in range(span):
        y = walk.node[x, NEXT]
        if hole <= at < hole + spare:
            second = x
        else:
            p = walk.node[x, PREV]
            delta -= walk.node[x, PRICE] + day.legs[x, y, 1]
            delta += day.legs[p, y, 1]
            _join(day, walk, k, p, y)
            _put(walk, x, ON, -1)
            for d in range(day.load.shape[1]):
                walk.shift[k, LOAD + d] -= day.load[x, d]
            walk.pool[m] = x
            m += 1
        x = y
    walk.shift[k, SIZE] -= length
    if walk.shift[k, SIZE] == 0:
        walk.tally[USED] -= 1
        delta -= day.hire[k] + day.legs[n, n + 1, 1]
        return m, delta
    # x is what follows the string.
    if second != first:
        y = walk.shift[k, HEAD] if first == n else walk.node[first, NEXT]
        _forward(day, walk, first, y)
        _forward(day, walk, second, x)
        _backward(day, walk, second, x)
        _backward(day, walk, first, y)
    else:
        _forward(day, walk, first, x)
        _backward(day, walk, first, x)
    return m, delta


@compiled
def _sort_pool(day, walk, m):  # type: ignore[no-untyped-def]
    """The order of coming back: drawn anew each round."""
    kind = random(walk.chance) * 17.0
    start = len(day.load)
    for i in range(m):
        c = walk.pool[i]
        if kind < 4:
            key = random(walk.chance)
        elif kind < 8:
            key = 0.0
            for d in range(day.load.shape[1]):
                key -= day.load[c, d]
        elif kind < 10:
            key = -float(day.legs[start, c, 0])
        elif kind < 11:
            key = float(day.legs[start, c, 0])
        elif kind < 13:
            key = float(day.node[c, CLOSES] - day.node[c, OPENS])
        elif kind < 15:
            key = float(day.node[c, OPENS])
        else:
            key = -float(day.node[c, CLOSES])
        j = i - 1
        while j >= 0 and walk.key[j] > key:
            walk.key[j + 1], walk.pool[j + 1] = walk.key[j], walk.pool[j]
            j -= 1
        walk.key[j + 1], walk.pool[j + 1] = key, c


@inlined
def _roomy(day, walk, k, c):  # type: ignore[no-untyped-def]
    for d in range(day.load.shape[1]):  # noqa: SIM110  a generator is not compiled
        if walk.shift[k, LOAD + d] + day.load[c, d] > day.capacity[k, d]:
            return False
    return True


@compiled
def _cheapest(day, walk, c, blink):  # type: ignore[no-untyped-def]
    """Where `c` costs least: (what the legs cost more, shift or -1, after which node)."""
    n = len(day.load)
    best, best_k, best_p = _FAR, -1, -1
    opens, closes, service = day.node[c, OPENS], day.node[c, CLOSES], day.node[c, SERVICE]
    for i in range(day.beside.shape[1]):
        j = day.beside[c, i]
        k = walk.node[j, ON]
        if k < 0 or not _roomy(day, walk, k, c):
            continue
        # Behind j ...
        at = walk.node[j, FREE] + day.back[c, j, 0]
        if at <= closes:
            q = walk.node[j, NEXT]
            now = day.legs[j, q, 1] if q > n else walk.node[q, PRICE]
            price = day.back[c, j, 1] + day.legs[c, q, 1] - now
            if (
                price < best
                and max(at, opens) + service + day.legs[c, q, 0] <= walk.node[q, LATEST]
                and random(walk.chance) >= blink
            ):
                best, best_k, best_p = price, k, j
        # ... and before it.
        p = walk.node[j, PREV]
        price = day.back[c, p, 1] + day.legs[c, j, 1] - walk.node[j, PRICE]
        if price < best:
            at = walk.node[p, FREE] + day.back[c, p, 0]
            if (
                at <= closes
                and max(at, opens) + service + day.legs[c, j, 0] <= walk.node[j, LATEST]
                and random(walk.chance) >= blink
            ):
                best, best_k, best_p = price, k, p
    if best_k < 0 or random(walk.chance) < _ENDS:
        for k in range(walk.tally[HIGHEST]):
            if walk.shift[k, SIZE] == 0 or not _roomy(day, walk, k, c):
                continue
            j = walk.shift[k, HEAD]
            price = day.back[c, n, 1] + day.legs[c, j, 1] - walk.node[j, PRICE]
            if price < best:
                at = walk.node[n, FREE] + day.back[c, n, 0]
                if (
                    at <= closes
                    and max(at, opens) + service + day.legs[c, j, 0] <= walk.node[j, LATEST]
                    and random(walk.chance) >= blink
                ):
                    best, best_k, best_p = price, k, n
            j = walk.shift[k, TAIL]
            price = day.back[c, j, 1] + day.legs[c, n + 1, 1] - day.legs[j, n + 1, 1]
            if price < best:
                at = walk.node[j, FREE] + day.back[c, j, 0]
                if (
                    at <= closes
                    and max(at, opens) + service + day.legs[c, n + 1, 0] <= walk.node[n + 1, LATEST]
                    and random(walk.chance) >= blink
                ):
                    best, best_k, best_p = price, k, j
    # Of unused shifts that are alike only the first is asked.
    alone = day.back[c, n, 1] + day.legs[c, n + 1, 1]
    for kind in range(len(day.kinds)):
        k, end = day.kinds[kind, 0], day.kinds[kind, 1]
        if alone + day.hire[k] >= best or not _fits_alone(day, walk, k, c):
            continue
        while k < end and walk.shift[k, SIZE]:
            k += 1
        if k < end:
            best, best_k, best_p = alone + day.hire[k], k, n
    return best, best_k, best_p


@compiled
def _fits_alone(day, walk, k, c):  # type: ignore[no-untyped-def]
    n = len(day.load)
    for d in range(day.load.shape[1]):
        if day.load[c, d] > day.capacity[k, d]:
            return False
    at = walk.node[n, FREE] + day.back[c, n, 0]
    if at > day.node[c, CLOSES]:
        return False
    free = max(at, day.node[c, OPENS]) + day.node[c, SERVICE]
    return free + day.legs[c, n + 1, 0] <= walk.node[n + 1, LATEST]


@compiled
def _keep(walk):  # type: ignore[no-untyped-def]
    n = len(walk.node) - 2
    for x in range(n):
        walk.best[x] = walk.node[x, NEXT]
    for k in range(len(walk.shift)):
        walk.best[n + k] = walk.shift[k, HEAD]
    walk.tally[BEST] = walk.tally[TOTAL]
    walk.tally[FOUND] += 1


@compiled
def begin(day, walk):  # type: ignore[no-untyped-def]
    """Slack, prices and sums of the routes that NEXT and HEAD describe."""
    n = len(day.load)
    total = 0
    for k in range(len(walk.shift)):
        p, x = n, walk.shift[k, HEAD]
        while x != n + 1:
            walk.tally[WRITTEN] = 0
            walk.node[x, ON], walk.node[x, PREV] = k, p
            walk.node[x, FREE] = walk.node[x, LATEST] = -1
            walk.node[x, PRICE] = day.legs[p, x, 1]
            total += day.legs[p, x, 1]
            walk.shift[k, SIZE] += 1
            for d in range(day.load.shape[1]):
                walk.shift[k, LOAD + d] += day.load[x, d]
            p, x = x, walk.node[x, NEXT]
        walk.shift[k, TAIL] = p
        if walk.shift[k, SIZE]:
            total += day.hire[k] + day.legs[p, n + 1, 1]
            walk.tally[USED] += 1
            walk.tally[HIGHEST] = k + 1
            _forward(day, walk, n, walk.shift[k, HEAD])
            walk.tally[WRITTEN] = 0
            _backward(day, walk, p, n + 1)
    walk.tally[TOTAL] = total
    _keep(walk)


@compiled
def rounds(day, walk, how_many, heat):  # type: ignore[no-untyped-def]
    """So many rounds at a temperature in prices. Answers how many were accepted."""
    n = len(day.load)
    accepted = 0
    for _ in range(how_many):
        walk.tally[ROUND] += 1
        walk.tally[TOUCHED] = walk.tally[WRITTEN] = 0
        # ---- ruin
        longest = max(1.0, min(float(_LONGEST_STRING), n / max(1, walk.tally[USED])))
        strings = int(random(walk.chance) * max(1.0, 4.0 * _AVERAGE_OUT / (1.0 + longest) - 1.0) + 1.0)
        seed = int(random(walk.chance) * n)
        m, delta, cut = 0, 0, 0
        for i in range(-1, day.near.shape[1]):
            if cut >= strings:
                break
            c = seed if i < 0 else day.near[seed, i]
            k = walk.node[c, ON]
            if k < 0 or walk.shift[k, STAMP] == walk.tally[ROUND]:
                continue
            _touch(walk, k)
            cut += 1
            m, change = _cut_string(day, walk, k, c, longest, m)
            delta += change
        # ---- recreate
        _sort_pool(day, walk, m)
        limit = walk.tally[TOTAL] - heat * np.log(random(walk.chance) + 1e-300)
        doomed = False
        for i in range(m):
            c = walk.pool[i]
            price, k, p = _cheapest(day, walk, c, _BLINK)
            delta += price
            # What is still out only costs more; and there must be room to write.
            if (
                k < 0
                or walk.tally[TOTAL] + delta >= limit
                or walk.tally[WRITTEN] + 2 * walk.shift[k, SIZE] + 16 > len(walk.place)
            ):
                doomed = True
                break
            _touch(walk, k)
            _insert(day, walk, k, p, c)
        for at in range(walk.tally[TOUCHED]):
            # Taking a visit out may have parted two others by a missing or a longer road.
            head = walk.shift[walk.touched[at, 0], HEAD]
            doomed |= head <= n and walk.node[n, FREE] + day.legs[n, head, 0] > walk.node[head, LATEST]
        if doomed:
            _undo(walk)
            continue
        accepted += 1
        walk.tally[TOTAL] += delta
        while walk.tally[HIGHEST] and walk.shift[walk.tally[HIGHEST] - 1, SIZE] == 0:
            walk.tally[HIGHEST] -= 1
        if walk.tally[TOTAL] < walk.tally[BEST]:
            _keep(walk)
    return accepted
