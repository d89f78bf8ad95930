"""The slack of routes, so that an insertion is judged in constant time for routes with one break or none:

    f0, f1   when the van is free after a visit at the earliest, its break still to come / already taken
    z0, z1   when it must be free there at the latest, its break already taken / still to come

What that arithmetic cannot see (several breaks, goods that come later, collections, limits of stops or metres:
CAREFUL of `Day.shift`) is asked of `route_cost`, which also prices the paid hour. Of a shift with several trips the
slack knows none: it forgives, and `route_cost` says.
"""

from __future__ import annotations

from routing.engines.solver.exact import route_cost
from routing.engines.solver.layout import (
    BLOCKED,
    COST,
    END,
    F0,
    F1,
    GOODS_COME_LATER,
    HEAD,
    HIGHEST,
    LEAVE,
    LEAVES,
    MOST_TRIPS,
    MOST_VISITS,
    NEVER,
    NEXT,
    ON,
    PAUSES,
    PLACE,
    PREV,
    READY,
    RELOADS,
    SIZE,
    SOMEBODY_COLLECTS,
    SPEED,
    START,
    TAIL,
    UNTIL,
    USED,
    Z0,
    Z1,
    closing,
    compiled,
    earliest,
    inlined,
    kept_free,
    latest,
    leave_by,
    opening,
    reach,
    work_of,
)
from routing.engines.solver.trips import trips_cost


@inlined
def place_after(day, k, x):  # type: ignore[no-untyped-def]
    return day.shift[k, END] if x < 0 else day.visit[x, PLACE]


@inlined
def place_before(day, k, x):  # type: ignore[no-untyped-def]
    return day.shift[k, START] if x < 0 else day.visit[x, PLACE]


@inlined
def rested(day, k, free, travel):  # type: ignore[no-untyped-def]
    """When it is there with the one break taken on this leg."""
    begin = earliest(day.breaks[k], 0, 1, free)
    if begin >= NEVER:
        return NEVER
    return max(reach(day, day.shift[k, SPEED], free, travel, kept_free(day, k, 0)), begin + day.breaks[k, 0, 0])


@compiled
def forward(day, walk, k, x, all_of_it):  # type: ignore[no-untyped-def]
    """f0 and f1 from visit `x` on, until nothing changes any more."""
    speed, one = day.shift[k, SPEED], day.shift[k, PAUSES] == 1
    p = walk.visit[x, PREV]
    here = place_before(day, k, p)
    free0 = walk.shift[k, LEAVES] if p < 0 else walk.visit[p, F0]
    free1 = NEVER if p < 0 else walk.visit[p, F1]
    while x >= 0:
        there = day.visit[x, PLACE]
        travel = day.seconds[speed, here, there]
        work = work_of(day, k, x, there != here)
        at = NEVER
        if one:
            at = reach(day, speed, free1, travel, 0) if free1 < NEVER else NEVER
            if free0 < NEVER:
                at = min(at, rested(day, k, free0, travel))
            if at < NEVER:
                at = opening(day, k, x, at)
                if at < NEVER:
                    at += work
        if free0 < NEVER:
            free0 = opening(day, k, x, reach(day, speed, free0, travel, 0))
            if free0 < NEVER:
                free0 += work
        free1 = at
        if not all_of_it and free0 == walk.visit[x, F0] and free1 == walk.visit[x, F1]:
            return
        walk.visit[x, F0] = free0
        walk.visit[x, F1] = free1
        here = there
        x = walk.visit[x, NEXT]


@compiled
def limit_before(day, walk, k, y, here):  # type: ignore[no-untyped-def]
    """(latest free with the break behind it, latest free with the break to come) at place `here`, when `y` follows."""
    there, speed = place_after(day, k, y), day.shift[k, SPEED]
    travel = day.seconds[speed, here, there]
    late1 = -NEVER
    if y < 0:
        late0 = day.shift[k, UNTIL]
    else:
        work = work_of(day, k, y, there != here)
        late0 = closing(day, k, y, walk.visit[y, Z0] - work) if walk.visit[y, Z0] > -NEVER else -NEVER
        if day.shift[k, PAUSES] == 1 and walk.visit[y, Z1] > -NEVER:
            late1 = closing(day, k, y, walk.visit[y, Z1] - work)
    if day.shift[k, PAUSES] == 1:
        if late1 > -NEVER:
            late1 = leave_by(day, speed, late1, travel, 0)
        if late0 > -NEVER:
            rest = latest(day.breaks[k], 0, 1, late0 - day.breaks[k, 0, 0])
            if rest > -NEVER:
                late1 = max(late1, min(rest, leave_by(day, speed, late0, travel, kept_free(day, k, 0))))
    if late0 > -NEVER:
        late0 = leave_by(day, speed, late0, travel, 0)
    return late0, late1


@compiled
def backward(day, walk, k, x, all_of_it):  # type: ignore[no-untyped-def]
    """z0 and z1 from visit `x` back to the first, until nothing changes any more."""
    while x >= 0:
        late0, late1 = limit_before(day, walk, k, walk.visit[x, NEXT], day.visit[x, PLACE])
        if not all_of_it and late0 == walk.visit[x, Z0] and late1 == walk.visit[x, Z1]:
            return
        walk.visit[x, Z0] = late0
        walk.visit[x, Z1] = late1
        x = walk.visit[x, PREV]


@compiled
def refresh(day, walk, k):  # type: ignore[no-untyped-def]
    leaves = day.shift[k, LEAVE]
    if day.flags[GOODS_COME_LATER] and day.shift[k, MOST_TRIPS] == 1:
        x = walk.shift[k, HEAD]
        while x >= 0:
            leaves = max(leaves, day.visit[x, READY])
            x = walk.visit[x, NEXT]
    walk.shift[k, LEAVES] = leaves
    if walk.shift[k, HEAD] >= 0:
        forward(day, walk, k, walk.shift[k, HEAD], True)
    backward(day, walk, k, walk.shift[k, TAIL], True)


@inlined
def in_time(day, walk, k, p, q, c):  # type: ignore[no-untyped-def]
    """Whether `c` can be served between `p` and `q` and everybody after it in time."""
    here, there, after = place_before(day, k, p), day.visit[c, PLACE], place_after(day, k, q)
    speed = day.shift[k, SPEED]
    to, on = day.seconds[speed, here, there], day.seconds[speed, there, after]
    if to >= BLOCKED or on >= BLOCKED:
        return False
    if day.flags[GOODS_COME_LATER] and day.visit[c, READY] > walk.shift[k, LEAVES]:
        # The whole trip leaves later: `route_cost` will say.
        return True
    work = work_of(day, k, c, there != here)
    if q >= 0:
        work_q = work_of(day, k, q, after != there)
    one = day.shift[k, PAUSES] == 1
    free0 = walk.shift[k, LEAVES] if p < 0 else walk.visit[p, F0]
    free = NEVER if free0 >= NEVER else opening(day, k, c, reach(day, speed, free0, to, 0))
    if free < NEVER:
        free += work
    if not one:
        if free >= NEVER:
            return False
        if q < 0:
            return reach(day, speed, free, on, 0) <= day.shift[k, UNTIL]
        at = opening(day, k, q, reach(day, speed, free, on, 0))
        return at < NEVER and at + work_q <= walk.visit[q, Z0]
    # The break after c: on this leg, or later on.
    if free < NEVER:
        at = rested(day, k, free, on)
        if q < 0:
            if at <= day.shift[k, UNTIL]:
                return True
        else:
            if at < NEVER:
                at = opening(day, k, q, at)
                if at < NEVER and at + work_q <= walk.visit[q, Z0]:
                    return True
            at = opening(day, k, q, reach(day, speed, free, on, 0))
            if at < NEVER and at + work_q <= walk.visit[q, Z1]:
                return True
    # Or before c.
    at = NEVER if free0 >= NEVER else rested(day, k, free0, to)
    free1 = NEVER if p < 0 else walk.visit[p, F1]
    if free1 < NEVER:
        at = min(at, reach(day, speed, free1, to, 0))
    if at >= NEVER:
        return False
    at = opening(day, k, c, at)
    if at >= NEVER:
        return False
    at = reach(day, speed, at + work, on, 0)
    if q < 0:
        return at <= day.shift[k, UNTIL]
    at = opening(day, k, q, at)
    return at < NEVER and at + work_q <= walk.visit[q, Z0]


@inlined
def has_room(day, walk, k, c):  # type: ignore[no-untyped-def]
    dimensions = day.capacity.shape[1]
    # Most vans are full most of the time: that is asked first.
    for d in range(2 * dimensions if day.flags[SOMEBODY_COLLECTS] else dimensions):
        if walk.load[k, d] + day.load[c, d] > day.room[k, d if d < dimensions else d - dimensions]:
            return False
    return day.may[k, c] and walk.shift[k, SIZE] < day.shift[k, MOST_VISITS]


@compiled
def cost_with(day, walk, k, p, c, below):  # type: ignore[no-untyped-def]
    """`route_cost` of the route as it would be with `c` after `p`; of a shift of several trips what costs at least
    `below` may be answered with -1."""
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
    if day.flags[RELOADS] and day.shift[k, MOST_TRIPS] > 1:
        return trips_cost(day, k, walk.line, m, walk.scratch, below)
    return route_cost(day, k, walk.line, m, walk.scratch)


@compiled
def fits_alone(day, walk, k, c):  # type: ignore[no-untyped-def]
    walk.line[0] = c
    return route_cost(day, k, walk.line, 1, walk.scratch) >= 0


@compiled
def cost_now(day, walk, k):  # type: ignore[no-untyped-def]
    m, x = 0, walk.shift[k, HEAD]
    while x >= 0:
        walk.line[m] = x
        m += 1
        x = walk.visit[x, NEXT]
    return route_cost(day, k, walk.line, m, walk.scratch) if m else 0


@inlined
def price_trips(day, walk, k):  # type: ignore[no-untyped-def]
    """What the next visit of a shift of several trips is priced against."""
    if day.flags[RELOADS] and day.shift[k, MOST_TRIPS] > 1:
        walk.shift[k, COST] = max(0, cost_now(day, walk, k))


@compiled
def link(day, walk, k, p, c):  # type: ignore[no-untyped-def]
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
    if day.flags[GOODS_COME_LATER] and day.shift[k, MOST_TRIPS] == 1 and day.visit[c, READY] > walk.shift[k, LEAVES]:
        walk.shift[k, LEAVES] = day.visit[c, READY]
        forward(day, walk, k, walk.shift[k, HEAD], True)
    else:
        walk.visit[c, F0] = walk.visit[c, F1] = -1
        forward(day, walk, k, c, False)
    walk.visit[c, Z0] = walk.visit[c, Z1] = -1
    backward(day, walk, k, c, False)
