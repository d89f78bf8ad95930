"""Ruin and recreate for a plain day, compiled: the rounds of kernel.py where nothing but amounts and one window per
visit counts, all shifts leave alike, and everybody is served. Several times as many rounds a second.

Nodes are the visits, then the start (n) and the end (n + 1) of every route, so that no position needs a branch. What is
asked of a position lies in one short row, numbers are int32, and a round is undone by what it wrote, newest first.

    FREE     when the van is free after the node at the earliest
    LATEST   when it must be there at the latest
    PRICE    of the leg that leads there
    ONWARD   price of the leg that leaves it

Most of a round is spent on positions for a visit, and there on waiting for memory. So nodes that lie near each other
have numbers near each other (plain_walk.py), and on large days a thousand rounds tear holes in one part of the map
before the next part has its turn. Tables are read by numbers without a sign, flat where a row is short: of others numba
asks at every access whether they count from the end.
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
_LARGE, _PART, _TURN = 500, 100, 1_000
"""From so many visits on, so many of them, neighbours by number, are where holes are torn for so many rounds: what is
read then stays in a near cache, in which the table of a smaller day lies anyway."""
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
SERVICE, OPENS, CLOSES, NUMBERS = 0, 1, 2, 4
# Columns of `PlainWalk.node`: its neighbours and shift (-1: out), and see above. Eight, so that a row is half a line.
NEXT, PREV, ON, FREE, LATEST, PRICE, ONWARD, COLUMNS = 0, 1, 2, 3, 4, 5, 6, 8
# Columns of `PlainWalk.shift`, then the room it has left per dimension. STAMP: the last round that touched it.
HEAD, TAIL, SIZE, STAMP, ROOM = range(5)
# `PlainWalk.tally`. PART: the first visit of the part of the map whose turn it is.
USED, HIGHEST, ROUND, TOTAL, BEST, FOUND, TOUCHED, WRITTEN, PART, TALLIES = range(10)


class PlainDay(NamedTuple):
    """n visits, k shifts."""

    legs: Shorts
    """(n + 2, 2 x (n + 2)): seconds and price from row to column, side by side."""
    back: Shorts
    """The same from column to row; the same array when both ways are alike."""
    node: Shorts
    """(4 x (n + 2),)"""
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
    """(8 x (n + 2),)"""
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
    """What was written in this round: where ..."""
    value: Shorts
    """... and what was there before."""


@inlined
def _of(walk, x, column):  # type: ignore[no-untyped-def]
    return walk.node[np.uint64(COLUMNS * x + column)]


@inlined
def _asked(day, x, column):  # type: ignore[no-untyped-def]
    """What node `x` asks for: SERVICE, OPENS or CLOSES."""
    return day.node[np.uint64(NUMBERS * x + column)]


@inlined
def _seconds(legs, a, b):  # type: ignore[no-untyped-def]
    return legs[np.uint64(a), np.uint64(2 * b)]


@inlined
def _price(legs, a, b):  # type: ignore[no-untyped-def]
    return legs[np.uint64(a), np.uint64(2 * b + 1)]


@inlined
def _put(walk, x, column, value):  # type: ignore[no-untyped-def]
    at, here = np.uint64(walk.tally[WRITTEN]), COLUMNS * x + column
    walk.place[at] = here
    walk.value[at] = walk.node[np.uint64(here)]
    walk.tally[WRITTEN] += 1
    walk.node[np.uint64(here)] = value


@compiled
def _forward(day, walk, p, x):  # type: ignore[no-untyped-def]
    """When the van is free, from node `x` after `p` on, until nothing changes any more."""
    end = len(day.load) + 1
    free = _of(walk, p, FREE)
    while x != end:
        free = max(free + _seconds(day.legs, p, x), _asked(day, x, OPENS)) + _asked(day, x, SERVICE)
        free = min(free, _BEYOND)
        if free == _of(walk, x, FREE):
            return
        _put(walk, x, FREE, free)
        p, x = x, _of(walk, x, NEXT)


@compiled
def _backward(day, walk, x, q):  # type: ignore[no-untyped-def]
    """When it must be there, from node `x` before `q` back, until nothing changes any more."""
    start = len(day.load)
    latest = _of(walk, q, LATEST)
    while x != start:
        latest = min(latest - _seconds(day.legs, x, q) - _asked(day, x, SERVICE), _asked(day, x, CLOSES))
        latest = max(latest, -_BEYOND)
        if latest == _of(walk, x, LATEST):
            return
        _put(walk, x, LATEST, latest)
        q, x = x, _of(walk, x, PREV)


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
        walk.node[np.uint64(walk.place[at])] = walk.value[at]
    for at in range(walk.tally[TOUCHED]):
        k = walk.touched[at, 0]
        walk.tally[USED] += int(walk.touched[at, SIZE + 1] > 0) - int(walk.shift[k, SIZE] > 0)
        for column in range(walk.shift.shape[1]):
            if column != STAMP:
                walk.shift[k, column] = walk.touched[at, column + 1]


@compiled
def _join(day, walk, k, p, q):  # type: ignore[no-untyped-def]
    n = len(day.load)
    price = _price(day.legs, p, q)
    if p == n:
        walk.shift[k, HEAD] = q
    else:
        _put(walk, p, NEXT, q)
        _put(walk, p, ONWARD, price)
    if q == n + 1:
        walk.shift[k, TAIL] = p
    else:
        _put(walk, q, PREV, p)
        _put(walk, q, PRICE, price)


@compiled
def _insert(day, walk, k, p, c):  # type: ignore[no-untyped-def]
    q = walk.shift[k, HEAD] if p == len(day.load) else _of(walk, p, NEXT)
    _put(walk, c, ON, k)
    _put(walk, c, LATEST, -1)
    _put(walk, c, FREE, -1)
    _join(day, walk, k, p, c)
    _join(day, walk, k, c, q)
    for d in range(day.load.shape[1]):
        walk.shift[k, ROOM + d] -= day.load[c, d]
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
    while back < span - 1 and _of(walk, x, PREV) != n:
        x = _of(walk, x, PREV)
        back += 1
    ahead, x = 0, c
    while ahead < span - 1 and _of(walk, x, NEXT) != n + 1:
        x = _of(walk, x, NEXT)
        ahead += 1
    least = max(0, span - 1 - ahead)
    x = c
    for _ in range(least + int(random(walk.chance) * (back - least + 1))):
        x = _of(walk, x, PREV)
    hole = 1 + int(random(walk.chance) * (length - 1)) if spare else span
    first = _of(walk, x, PREV)
    second = first
    delta = 0
    for at in range(span):
        y = _of(walk, x, NEXT)
        if hole <= at < hole + spare:
            second = x
        else:
            p = _of(walk, x, PREV)
            delta -= _of(walk, x, PRICE) + _of(walk, x, ONWARD)
            delta += _price(day.legs, p, y)
            _join(day, walk, k, p, y)
            _put(walk, x, ON, -1)
            for d in range(day.load.shape[1]):
                walk.shift[k, ROOM + d] += day.load[x, d]
            walk.pool[m] = x
            m += 1
        x = y
    walk.shift[k, SIZE] -= length
    if walk.shift[k, SIZE] == 0:
        walk.tally[USED] -= 1
        delta -= day.hire[k] + _price(day.legs, n, n + 1)
        return m, delta
    # x is what follows the string.
    if second != first:
        y = walk.shift[k, HEAD] if first == n else _of(walk, first, NEXT)
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
            key = -float(_seconds(day.legs, start, c))
        elif kind < 11:
            key = float(_seconds(day.legs, start, c))
        elif kind < 13:
            key = float(_asked(day, c, CLOSES) - _asked(day, c, OPENS))
        elif kind < 15:
            key = float(_asked(day, c, OPENS))
        else:
            key = -float(_asked(day, c, CLOSES))
        j = i - 1
        while j >= 0 and walk.key[j] > key:
            walk.key[j + 1], walk.pool[j + 1] = walk.key[j], walk.pool[j]
            j -= 1
        walk.key[j + 1], walk.pool[j + 1] = key, c


@inlined
def _roomy(day, walk, k, c):  # type: ignore[no-untyped-def]
    for d in range(day.load.shape[1]):
        if day.load[np.uint64(c), np.uint64(d)] > walk.shift[np.uint64(k), np.uint64(ROOM + d)]:
            return False
    return True


@compiled
def _cheapest(day, walk, c, blink):  # type: ignore[no-untyped-def]
    """Where `c` costs least: (what the legs cost more, shift or -1, after which node)."""
    n = len(day.load)
    best, best_k, best_p = _FAR, -1, -1
    opens, closes, service = _asked(day, c, OPENS), _asked(day, c, CLOSES), _asked(day, c, SERVICE)
    for i in range(day.beside.shape[1]):
        j = day.beside[np.uint64(c), np.uint64(i)]
        k = _of(walk, j, ON)
        if k < 0:
            continue
        # Behind j: the price first, which tells most often that it is no use, and needs what lies nearest ...
        q = _of(walk, j, NEXT)
        price = _price(day.back, c, j) + _price(day.legs, c, q) - _of(walk, j, ONWARD)
        if price < best and _roomy(day, walk, k, c):
            at = _of(walk, j, FREE) + _seconds(day.back, c, j)
            if (
                at <= closes
                and max(at, opens) + service + _seconds(day.legs, c, q) <= _of(walk, q, LATEST)
                and random(walk.chance) >= blink
            ):
                best, best_k, best_p = price, k, j
        # ... and before it.
        p = _of(walk, j, PREV)
        price = _price(day.back, c, p) + _price(day.legs, c, j) - _of(walk, j, PRICE)
        if price < best and _roomy(day, walk, k, c):
            at = _of(walk, p, FREE) + _seconds(day.back, c, p)
            if (
                at <= closes
                and max(at, opens) + service + _seconds(day.legs, c, j) <= _of(walk, j, LATEST)
                and random(walk.chance) >= blink
            ):
                best, best_k, best_p = price, k, p
    if best_k < 0 or random(walk.chance) < _ENDS:
        for k in range(walk.tally[HIGHEST]):
            if walk.shift[k, SIZE] == 0 or not _roomy(day, walk, k, c):
                continue
            j = walk.shift[k, HEAD]
            price = _price(day.back, c, n) + _price(day.legs, c, j) - _of(walk, j, PRICE)
            if price < best:
                at = _of(walk, n, FREE) + _seconds(day.back, c, n)
                if (
                    at <= closes
                    and max(at, opens) + service + _seconds(day.legs, c, j) <= _of(walk, j, LATEST)
                    and random(walk.chance) >= blink
                ):
                    best, best_k, best_p = price, k, n
            j = walk.shift[k, TAIL]
            price = _price(day.back, c, j) + _price(day.legs, c, n + 1) - _of(walk, j, ONWARD)
            if price < best:
                at = _of(walk, j, FREE) + _seconds(day.back, c, j)
                if (
                    at <= closes
                    and max(at, opens) + service + _seconds(day.legs, c, n + 1) <= _of(walk, n + 1, LATEST)
                    and random(walk.chance) >= blink
                ):
                    best, best_k, best_p = price, k, j
    # Of unused shifts that are alike only the first is asked.
    alone = _price(day.back, c, n) + _price(day.legs, c, n + 1)
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
    at = _of(walk, n, FREE) + _seconds(day.back, c, n)
    if at > _asked(day, c, CLOSES):
        return False
    free = max(at, _asked(day, c, OPENS)) + _asked(day, c, SERVICE)
    return free + _seconds(day.legs, c, n + 1) <= _of(walk, n + 1, LATEST)


@compiled
def _keep(walk):  # type: ignore[no-untyped-def]
    n = len(walk.node) // COLUMNS - 2
    for x in range(n):
        walk.best[x] = _of(walk, x, NEXT)
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
        for d in range(day.load.shape[1]):
            walk.shift[k, ROOM + d] = day.capacity[k, d]
        p, x = n, walk.shift[k, HEAD]
        while x != n + 1:
            walk.tally[WRITTEN] = 0
            row, y = COLUMNS * x, _of(walk, x, NEXT)
            walk.node[row + ON], walk.node[row + PREV] = k, p
            walk.node[row + FREE] = walk.node[row + LATEST] = -1
            walk.node[row + PRICE], walk.node[row + ONWARD] = _price(day.legs, p, x), _price(day.legs, x, y)
            total += _price(day.legs, p, x)
            walk.shift[k, SIZE] += 1
            for d in range(day.load.shape[1]):
                walk.shift[k, ROOM + d] -= day.load[x, d]
            p, x = x, y
        walk.shift[k, TAIL] = p
        if walk.shift[k, SIZE]:
            total += day.hire[k] + _price(day.legs, p, n + 1)
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
        if walk.tally[ROUND] % _TURN == 1:
            walk.tally[PART] = int(random(walk.chance) * n)
        seed = walk.tally[PART] + int(random(walk.chance) * (_PART if n >= _LARGE else n))
        if seed >= n:
            seed -= n
        m, delta, cut = 0, 0, 0
        for i in range(-1, day.near.shape[1]):
            if cut >= strings:
                break
            c = seed if i < 0 else day.near[np.uint64(seed), np.uint64(i)]
            k = _of(walk, c, ON)
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
            doomed |= head <= n and _of(walk, n, FREE) + _seconds(day.legs, n, head) > _of(walk, head, LATEST)
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
