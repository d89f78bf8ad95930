"""Ruin and recreate, compiled: the rounds of `Walk`.

Method: Christiaens & Vanden Berghe, "Slack Induction by String Removals" (2020), with three things of ours. Visits
that wait take part in the rounds, so that a tight day fills up. What is best is compared strictly: the counts per rank
from the top, then the ages, then the cost; only the walk itself puts a price on an absence. And a break is part of the
slack (slack.py).
"""

from __future__ import annotations

import numpy as np

from routing.engines.solver import shipped
from routing.engines.solver.layout import (
    AGE,
    AGES,
    AREA,
    AWAY,
    BALANCE,
    BEST,
    BEST_AGES,
    BEST_SERVED,
    BLOCKED,
    BROUGHT,
    CAREFUL,
    COMPACT,
    COST,
    END,
    EVEN_DAYS,
    F0,
    F1,
    FIXED,
    FOUND,
    HEAD,
    HIGHEST,
    HIRE,
    LEAVES,
    LOG_COST,
    LOG_FROM,
    LOG_LEAVES,
    LOG_SHIFT,
    LOGGED,
    MATE,
    MOST_TRIPS,
    NEVER,
    NEXT,
    ON,
    PAUSES,
    PLACE,
    PREV,
    RANK,
    RELOADS,
    ROUND,
    SERVED,
    SIZE,
    SOMEBODY_LATE,
    SOMEBODY_SHIPS,
    SPEED,
    STAMP,
    STANDING,
    START,
    STRANGERS,
    TAIL,
    TARIFF,
    TOTAL,
    UNTIL,
    USED,
    WAITING,
    WAITING_COSTS,
    WINDOW,
    Z0,
    Z1,
    compiled,
    inlined,
    late_price,
    opening,
    random,
    reach,
    work_of,
)
from routing.engines.solver.slack import (
    cost_now,
    cost_with,
    fits_alone,
    has_room,
    in_time,
    link,
    place_after,
    place_before,
    price_trips,
    refresh,
    rested,
)

_LONGEST_STRING = 10
_AVERAGE_OUT = 10.0
_BLINK = 0.01
_FRESH = 0.02
_ENDS = 0.1
"""How often the heads and tails of all routes are tried: those that lie near are tried as neighbours anyway."""
_TRIED = 15
"""Of the visits that wait, so many are tried per round."""


@compiled
def _stands(day, walk, k):  # type: ignore[no-untyped-def]
    """Whether the route can be driven in time. Taking a visit out may part two others by a missing or a longer road."""
    x = walk.shift[k, TAIL]
    if x < 0:
        return True
    travel = day.seconds[day.shift[k, SPEED], day.visit[x, PLACE], day.shift[k, END]]
    speed = day.shift[k, SPEED]
    if day.shift[k, PAUSES] != 1:
        return reach(day, speed, walk.visit[x, F0], travel, 0) <= day.shift[k, UNTIL]
    if reach(day, speed, walk.visit[x, F1], travel, 0) <= day.shift[k, UNTIL]:
        return True
    return walk.visit[x, F0] < NEVER and rested(day, k, walk.visit[x, F0], travel) <= day.shift[k, UNTIL]


@compiled
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


@compiled
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


@inlined
def _leg(day, k, a, b):  # type: ignore[no-untyped-def]
    return day.prices[day.shift[k, TARIFF], a, b]


@compiled
def _cut(day, walk, k, x):  # type: ignore[no-untyped-def]
    """Takes visit `x` out of its route; what the legs change by. The slack is the caller's business."""
    p, y = walk.visit[x, PREV], walk.visit[x, NEXT]
    a, b, here = place_before(day, k, p), place_after(day, k, y), day.visit[x, PLACE]
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
    return _leg(day, k, a, b) - _leg(day, k, a, here) - _leg(day, k, here, b)


@compiled
def _cut_string(day, walk, k, c, longest, m):  # type: ignore[no-untyped-def]
    """Takes a string of visits around `c` out of its route into the pool; (visits in the pool, change of the legs)."""
    begin_pool = m
    size = walk.shift[k, SIZE]
    length = int(random(walk.chance) * min(float(size), longest) + 1.0)
    length = min(length, size)
    spare = 0
    if 1 < length < size and random(walk.chance) < 0.5:
        # Half of the strings keep a piece in their middle.
        spare = 1
        while length + spare < size and random(walk.chance) < 0.01:
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
    for _ in range(least + int(random(walk.chance) * (back - least + 1))):
        x = walk.visit[x, PREV]
    hole = 1 + int(random(walk.chance) * (length - 1)) if spare else span
    delta = 0
    for n in range(span):
        y = walk.visit[x, NEXT]
        if not hole <= n < hole + spare:
            delta += _cut(day, walk, k, x)
            walk.pool[m] = x
            m += 1
        x = y
    if day.flags[SOMEBODY_SHIPS]:
        for i in range(begin_pool, m):
            mate = day.mate[walk.pool[i], MATE]
            if mate >= 0 and walk.visit[mate, ON] == k:
                delta += _cut(day, walk, k, mate)
                walk.pool[m] = mate
                m += 1
    if walk.shift[k, SIZE] == 0:
        walk.tally[USED] -= 1
        delta -= day.shift[k, HIRE] + _leg(day, k, day.shift[k, START], day.shift[k, END])
    refresh(day, walk, k)
    price_trips(day, walk, k)
    return m, delta


@compiled
def _sort_pool(day, walk, m):  # type: ignore[no-untyped-def]
    """The order of coming back: drawn anew each round; a higher rank goes first most of the time."""
    kind = random(walk.chance) * 17.0
    by_rank = walk.ranks.shape[1] > 1 and random(walk.chance) < 0.8
    for i in range(m):
        c = walk.pool[i]
        if kind < 4:
            key = random(walk.chance)
        elif kind < 8:
            key = 0.0
            for d in range(2 * day.capacity.shape[1]):
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


@compiled
def _besides(day, walk, k, c):  # type: ignore[no-untyped-def]
    """About what `c` costs on a route besides its legs: by how long its day is already, and how far its centre is."""
    price, size = 0, walk.shift[k, SIZE]
    if size == 0:
        return price
    if day.shift[k, BALANCE]:
        free = walk.visit[walk.shift[k, TAIL], F0]
        if free >= NEVER:
            free = walk.visit[walk.shift[k, TAIL], F1]
        if free < NEVER:
            lasts = free - walk.shift[k, LEAVES] + day.shift[k, STANDING]
            price += day.shift[k, BALANCE] * lasts * work_of(day, k, c, True) // 12_960_000
    if day.shift[k, AREA]:
        east = 2 * day.capacity.shape[1]
        dx = day.load[c, east] - walk.load[k, east] // size
        dy = day.load[c, east + 1] - walk.load[k, east + 1] // size
        price += day.shift[k, AREA] * int(np.sqrt(float(dx * dx + dy * dy))) // 1000
    return price


@compiled
def _cheapest_near(day, walk, c, blink):  # type: ignore[no-untyped-def]
    """Where `c` costs least beside those it goes well with, at the ends of all routes, or in an unused shift:
    (what the legs cost more, shift or -1, after whom)."""
    best, best_k, best_p = NEVER, -1, -1
    here = day.visit[c, PLACE]
    beside = day.beside.shape[1]
    roomy_k, roomy, besides = -1, False, 0
    # Behind and before each neighbour, then at the head and the tail of each shift: one loop, so that the judgement of
    # a position is compiled once.
    ends = blink == 0.0 or random(walk.chance) < _ENDS
    for i in range(2 * beside + 2 * walk.tally[HIGHEST]):
        if i == 2 * beside and best_k >= 0 and not ends:
            break
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
            roomy_k, roomy = k, has_room(day, walk, k, c)
            if day.flags[EVEN_DAYS] or day.flags[COMPACT]:
                besides = _besides(day, walk, k, c)
        if not roomy:
            continue
        before, after = place_before(day, k, p), place_after(day, k, q)
        price = _leg(day, k, before, here) + _leg(day, k, here, after) - _leg(day, k, before, after) + besides
        if day.flags[STRANGERS] and here != before and here != after:
            price += day.strange[k, c]
        if price >= best or (q >= 0 and day.visit[q, FIXED]):
            continue
        if not in_time(day, walk, k, p, q, c):
            continue
        if day.flags[SOMEBODY_LATE]:
            # Behind it others may get later too: that shows in the price of the whole route.
            free = walk.shift[k, LEAVES] if p < 0 else walk.visit[p, F0]
            if free < NEVER:
                speed = day.shift[k, SPEED]
                start = opening(day, k, c, reach(day, speed, free, day.seconds[speed, before, here], 0))
                price += late_price(day, c, start) if start < NEVER else 0
                if price >= best:
                    continue
        if day.shift[k, CAREFUL]:
            whole = cost_with(day, walk, k, p, c, best + walk.shift[k, COST])
            if whole < 0:
                continue
            if day.flags[RELOADS] and day.shift[k, MOST_TRIPS] > 1:
                # Its legs do not show that the van has to come back for more.
                price = whole - walk.shift[k, COST]
                if price >= best:
                    continue
        if random(walk.chance) >= blink:
            best, best_k, best_p = price, k, p
    # Of unused shifts that are alike only the first is asked.
    for kind in range(len(day.kinds)):
        k, end = day.kinds[kind, 0], day.kinds[kind, 1]
        price = day.shift[k, HIRE] + _leg(day, k, day.shift[k, START], here) + _leg(day, k, here, day.shift[k, END])
        if day.flags[STRANGERS]:
            price += day.strange[k, c]
        # The price of legs does not see a wait that is paid: once in a while a fresh start is tried against it.
        if price >= best and not (day.flags[WAITING_COSTS] and random(walk.chance) < _FRESH):
            continue
        while k < end and walk.shift[k, SIZE]:
            k += 1
        if k < end and fits_alone(day, walk, k, c):
            best, best_k, best_p = price, k, -1
    return best, best_k, best_p


@compiled
def _better(walk):  # type: ignore[no-untyped-def]
    for r in range(walk.ranks.shape[1]):
        if walk.ranks[SERVED, r] != walk.ranks[BEST_SERVED, r]:
            return walk.ranks[SERVED, r] > walk.ranks[BEST_SERVED, r]
    for r in range(walk.ranks.shape[1]):
        if walk.ranks[AGES, r] != walk.ranks[BEST_AGES, r]:
            return walk.ranks[AGES, r] > walk.ranks[BEST_AGES, r]
    return walk.tally[TOTAL] < walk.tally[BEST]


@compiled
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


@compiled
def _settle_away(day, walk, c):  # type: ignore[no-untyped-def]
    """The list of those who wait, the counts and the penalty after `c` came or went."""
    if day.mate[c, BROUGHT]:
        return  # its pickup counts for both
    waits, listed = walk.visit[c, ON] < 0, walk.visit[c, AWAY] >= 0
    if waits == listed:
        return
    mate = day.mate[c, MATE]
    sign = -1 if waits else 1
    walk.ranks[SERVED, day.visit[c, RANK]] += sign
    walk.ranks[AGES, day.visit[c, RANK]] += sign * day.visit[c, AGE]
    if mate >= 0:
        walk.ranks[SERVED, day.visit[mate, RANK]] += sign
        walk.ranks[AGES, day.visit[mate, RANK]] += sign * day.visit[mate, AGE]
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


@compiled
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
        refresh(day, walk, k)
        walk.shift[k, COST] = cost_now(day, walk, k)
        total += walk.shift[k, COST]
        if walk.shift[k, SIZE]:
            walk.tally[USED] += 1
            walk.tally[HIGHEST] = k + 1
    for c in range(len(walk.visit)):
        if walk.visit[c, ON] < 0 and not day.mate[c, BROUGHT]:
            walk.away[walk.tally[WAITING]] = c
            walk.visit[c, AWAY] = walk.tally[WAITING]
            walk.tally[WAITING] += 1
            walk.penalty[0] += day.absence[c]
    walk.tally[TOTAL] = total


@compiled
def fill(day, walk, order):  # type: ignore[no-untyped-def]
    """Inserts the waiting visits of `order`, one after the other, each where it costs least."""
    for c in order:
        if walk.visit[c, ON] >= 0 or day.mate[c, BROUGHT]:
            continue
        if day.mate[c, MATE] >= 0:
            _, k, p, r = shipped.cheapest(day, walk, c, 0.0)
            if k >= 0:
                link(day, walk, k, p, c)
                link(day, walk, k, r, day.mate[c, MATE])
            continue
        _, k, p = _cheapest_near(day, walk, c, 0.0)
        if k >= 0:
            link(day, walk, k, p, c)
            price_trips(day, walk, k)
    begin(day, walk)


@compiled
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
        strings = int(random(walk.chance) * max(1.0, 4.0 * _AVERAGE_OUT / (1.0 + longest) - 1.0) + 1.0)
        seed = int(random(walk.chance) * n)
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
                j = i + int(random(walk.chance) * (walk.tally[WAITING] - i))
                a, b = walk.away[i], walk.away[j]
                walk.away[i], walk.away[j] = b, a
                walk.visit[b, AWAY], walk.visit[a, AWAY] = i, j
            walk.pool[m] = walk.away[i]
            m += 1
        if m == 0:
            continue
        # ---- recreate
        _sort_pool(day, walk, m)
        limit = walk.tally[TOTAL] + walk.penalty[0] - heat * np.log(random(walk.chance) + 1e-300)
        penalty = walk.penalty[0]
        doomed = False
        for i in range(m):
            c = walk.pool[i]
            r = -1
            if day.flags[SOMEBODY_SHIPS] and day.mate[c, MATE] >= 0:
                if day.mate[c, BROUGHT]:
                    continue  # it comes with its pickup
                price, k, p, r = shipped.cheapest(day, walk, c, _BLINK)
            else:
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
            link(day, walk, k, p, c)
            price_trips(day, walk, k)
            if r >= 0:
                link(day, walk, k, r, day.mate[c, MATE])
        if day.flags[WAITING_COSTS] and not doomed:
            # Waiting is paid: what counts is each touched route as a whole.
            delta = 0
        for at in range(walk.log[0, LOGGED]):
            if doomed:
                break
            k = walk.log[at, LOG_SHIFT]
            if day.flags[WAITING_COSTS] or day.shift[k, CAREFUL]:
                cost = cost_now(day, walk, k)
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
                    if day.mate[walk.pool[i], MATE] >= 0:
                        walk.visit[day.mate[walk.pool[i], MATE], ON] = -1
            _undo(day, walk)
    return accepted
