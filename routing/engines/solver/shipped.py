"""Shipments in the rounds: two visits that come and go together, the first before the second on one shift.

A pair is judged like a visit, by the price of its legs and the slack, and what survives by `route_cost`: what is on
board in between depends on the whole route.
"""

from __future__ import annotations

from routing.engines.solver.exact import route_cost
from routing.engines.solver.layout import (
    END,
    HEAD,
    HIGHEST,
    HIRE,
    MATE,
    MOST_VISITS,
    NEVER,
    NEXT,
    PLACE,
    SIZE,
    SPEED,
    START,
    TARIFF,
    compiled,
    inlined,
    random,
)
from routing.engines.solver.slack import in_time, place_after, place_before


@compiled
def fits_alone(day, walk, k, c):  # type: ignore[no-untyped-def]
    walk.line[0], walk.line[1] = c, day.mate[c, MATE]
    return route_cost(day, k, walk.line, 2, walk.scratch) >= 0


@compiled
def _cost_with(day, walk, k, p, c, r):  # type: ignore[no-untyped-def]
    """`route_cost` of the route as it would be with `c` after `p` and its mate after `r` (`c` itself: at once)."""
    m, x, mate = 0, walk.shift[k, HEAD], day.mate[c, MATE]
    if p < 0:
        walk.line[0] = c
        m = 1
        if r == c:
            walk.line[1] = mate
            m = 2
    while x >= 0:
        walk.line[m] = x
        m += 1
        if x == p:
            walk.line[m] = c
            m += 1
            if r == c:
                walk.line[m] = mate
                m += 1
        if x == r:
            walk.line[m] = mate
            m += 1
        x = walk.visit[x, NEXT]
    return route_cost(day, k, walk.line, m, walk.scratch)


@inlined
def _detour(day, k, a, here, b):  # type: ignore[no-untyped-def]
    tariff = day.shift[k, TARIFF]
    return day.prices[tariff, a, here] + day.prices[tariff, here, b] - day.prices[tariff, a, b]


@inlined
def _shorter_by_way_of(day, k, one, other, after):  # type: ignore[no-untyped-def]
    seconds = day.seconds[day.shift[k, SPEED]]
    return seconds[one, other] + seconds[other, after] < seconds[one, after]


@compiled
def cheapest(day, walk, c, blink):  # type: ignore[no-untyped-def]
    """Where the shipment that `c` fetches costs least: (what the legs cost more, shift or -1, after whom `c` comes,
    after whom its mate)."""
    best, best_k, best_p, best_r = NEVER, -1, -1, -1
    mate = day.mate[c, MATE]
    one, other = day.visit[c, PLACE], day.visit[mate, PLACE]
    for k in range(walk.tally[HIGHEST]):
        if walk.shift[k, SIZE] == 0 or not day.may[k, c] or walk.shift[k, SIZE] + 2 > day.shift[k, MOST_VISITS]:
            continue
        p, q = -1, walk.shift[k, HEAD]
        while True:
            before, after = place_before(day, k, p), place_after(day, k, q)
            first = _detour(day, k, before, one, after)
            direct = first < best and in_time(day, walk, k, p, q, c)
            if not direct and _shorter_by_way_of(day, k, one, other, after):
                # From where it is fetched the way on leads over where it is brought: there is no other place for that.
                tariff = day.shift[k, TARIFF]
                price = day.prices[tariff, before, one] + day.prices[tariff, one, other]
                price += day.prices[tariff, other, after] - day.prices[tariff, before, after]
                if price < best and _cost_with(day, walk, k, p, c, c) >= 0 and random(walk.chance) >= blink:
                    best, best_k, best_p, best_r = price, k, p, c
            if direct:
                # The mate at once, then behind each that follows.
                r, s = c, q
                price = first + _detour(day, k, one, other, after)
                while True:
                    # What is brought at once shares the way with what is fetched: its slack is not asked.
                    if (
                        price < best
                        and (r == c or in_time(day, walk, k, r, s, mate))
                        and _cost_with(day, walk, k, p, c, r) >= 0
                        and random(walk.chance) >= blink
                    ):
                        best, best_k, best_p, best_r = price, k, p, r
                    if s < 0:
                        break
                    r, s = s, walk.visit[s, NEXT]
                    price = first + _detour(day, k, place_before(day, k, r), other, place_after(day, k, s))
            if q < 0:
                break
            p, q = q, walk.visit[q, NEXT]
    for kind in range(len(day.kinds)):
        k, end = day.kinds[kind, 0], day.kinds[kind, 1]
        tariff = day.shift[k, TARIFF]
        price = day.shift[k, HIRE] + day.prices[tariff, day.shift[k, START], one]
        price += day.prices[tariff, one, other] + day.prices[tariff, other, day.shift[k, END]]
        if price >= best:
            continue
        while k < end and walk.shift[k, SIZE]:
            k += 1
        if k < end and fits_alone(day, walk, k, c):
            best, best_k, best_p, best_r = price, k, -1, c
    return best, best_k, best_p, best_r
