"""When a route is where, compiled: the earliest finish over all ways of taking the breaks, and the latest departure."""

from __future__ import annotations

from routing.engines.solver.layout import (
    END,
    LIGHT,
    MAY_BE_LATE,
    NEVER,
    PAUSES,
    PLACE,
    RELOAD,
    RELOADS,
    SOMEBODY_LATE,
    SPEED,
    START,
    closing,
    compiled,
    earliest,
    kept_free,
    late_price,
    latest,
    leave_by,
    no_later,
    opening,
    reach,
    standing,
    work_of,
)


@compiled
def _too_heavy(day, k, line, m, g):  # type: ignore[no-untyped-def]
    """The breaks that may not be taken on leg `g` for what is on board, as bits. The way to a reload belongs to the
    trip before it."""
    barred, dimensions = 0, day.capacity.shape[1]
    begin, end = 0, m
    if day.flags[RELOADS]:
        begin = end = g
        while begin > 0 and line[begin - 1] >= 0:
            begin -= 1
        while end < m and line[end] >= 0:
            end += 1
    for d in range(dimensions):
        board = 0
        for i in range(begin, end):
            board += day.load[line[i], d] if i >= g else day.load[line[i], dimensions + d] + day.carry[line[i], d]
        for b in range(day.shift[k, PAUSES]):
            if board > day.break_load[k, b, d]:
                barred |= 1 << b
    return barred


@compiled
def run(day, k, line, m, leave, clock, via, owed):  # type: ignore[no-untyped-def]
    """The earliest finish, NEVER when it cannot be. clock[g, taken]: free before leg g with these breaks taken (bits);
    via[g, taken]: which were taken before leg g - 1; owed[g, taken]: for lateness so far, the least of those.

    A number below 0 in the line is a reload, which begins no earlier than that number + NEVER."""
    breaks, late, speed = day.shift[k, PAUSES], day.flags[SOMEBODY_LATE], day.shift[k, SPEED]
    states = 1 << breaks
    paused = clock[len(clock) - 1]
    for taken in range(states):
        clock[0, taken] = NEVER
    clock[0, 0] = leave
    owed[0, 0] = 0
    here = day.shift[k, START]
    for g in range(m + 1):
        there = day.shift[k, END] if g == m or line[g] < 0 else day.visit[line[g], PLACE]
        travel = day.seconds[speed, here, there]
        for taken in range(states):
            clock[g + 1, taken] = NEVER
        barred = _too_heavy(day, k, line, m, g) if day.shift[k, LIGHT] else 0
        for base in range(states - 1, -1, -1):
            free = clock[g, base]
            if free >= NEVER:
                continue
            for taken in range(base, states):
                if taken & base != base:
                    continue
                rested = 0
                paused[taken] = free if taken == base else NEVER
                if taken & ~base & barred:
                    continue
                for b in range(breaks):
                    if (taken & ~base) >> b & 1:
                        rested += kept_free(day, k, b)
                        earlier = paused[taken ^ (1 << b)]
                        if earlier < NEVER:
                            begin = earliest(day.breaks[k], b, 1, earlier)
                            if begin < NEVER:
                                paused[taken] = min(paused[taken], begin + day.breaks[k, b, 0])
                if paused[taken] >= NEVER:
                    continue
                time = max(reach(day, speed, free, travel, rested), paused[taken])
                debt = owed[g, base] if late else 0
                if g < m:
                    v = line[g]
                    if v < 0:
                        time = max(time, v + NEVER) + day.shift[k, RELOAD]
                    else:
                        time = opening(day, k, v, time)
                        if time >= NEVER:
                            continue
                        if late:
                            debt += late_price(day, v, time)
                        time += work_of(day, k, v, there != here)
                if time < clock[g + 1, taken] or (late and time == clock[g + 1, taken] and debt < owed[g + 1, taken]):
                    clock[g + 1, taken] = time
                    via[g + 1, taken] = base
                    if late:
                        owed[g + 1, taken] = debt
        here = there
    return clock[m + 1, states - 1]


@compiled
def latest_departure(day, k, line, m, finish, clock, via):  # type: ignore[no-untyped-def]
    """The latest departure that still ends at `finish`, with the breaks in the same legs."""
    breaks, speed = day.shift[k, PAUSES], day.shift[k, SPEED]
    states = 1 << breaks
    paused, last = clock[len(clock) - 1], via[len(via) - 1]
    taken, limit = states - 1, finish
    free = limit
    for g in range(m, -1, -1):
        there = day.shift[k, END] if g == m or line[g] < 0 else day.visit[line[g], PLACE]
        here = day.shift[k, START] if g == 0 or line[g - 1] < 0 else day.visit[line[g - 1], PLACE]
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
                        begin = earliest(day.breaks[k], b, 1, earlier)
                        if begin < NEVER and begin + day.breaks[k, b, 0] < paused[mask]:
                            paused[mask] = begin + day.breaks[k, b, 0]
                            last[mask] = b
        rested, stand = 0, limit
        mask = taken
        while mask != base:
            b = last[mask]
            stand = latest(day.breaks[k], b, 1, stand - day.breaks[k, b, 0])
            rested += kept_free(day, k, b)
            mask ^= 1 << b
        taken = base
        free = min(leave_by(day, speed, limit, day.seconds[speed, here, there], rested), stand)
        if g == 0:
            break
        v = line[g - 1]
        if v < 0:
            limit = free - day.shift[k, RELOAD]
            continue
        before = day.shift[k, START] if g == 1 or line[g - 2] < 0 else day.visit[line[g - 2], PLACE]
        work = work_of(day, k, v, here != before)
        if day.flags[SOMEBODY_LATE] and day.late[v, MAY_BE_LATE]:
            limit = closing(day, k, v, no_later(day, v, clock[g, base] - work, free - work))
        else:
            limit = closing(day, k, v, free - work)
    return free


@compiled
def wheels(day, k, line, m, departure, clock, via):  # type: ignore[no-untyped-def]
    """For how long the wheels turn on a route that leaves at `departure`, its breaks taken in the same legs as by
    `run`; of several breaks on one leg, those that are offered first go first. Uses up `clock`."""
    breaks, speed = day.shift[k, PAUSES], day.shift[k, SPEED]
    taken = (1 << breaks) - 1
    for g in range(m, -1, -1):
        base = via[g + 1, taken]
        clock[g, 0] = taken & ~base
        taken = base
    moving, free, here = 0, departure, day.shift[k, START]
    for g in range(m + 1):
        there = day.shift[k, END] if g == m or line[g] < 0 else day.visit[line[g], PLACE]
        travel = day.seconds[speed, here, there]
        arrival = reach(day, speed, free, travel, 0)
        paused, stood, lost, kept = free, 0, 0, 0
        for b in range(breaks):
            if not clock[g, 0] >> b & 1:
                continue
            begin, lasts = earliest(day.breaks[k], b, 1, paused), day.breaks[k, b, 0]
            paused, kept = begin + lasts, kept + kept_free(day, k, b)
            if begin < arrival:
                lost += standing(day.flags, speed, begin, lasts)
                stood += lasts
                arrival = max(paused, reach(day, speed, free, travel, lost))
        ready = max(reach(day, speed, free, travel, kept), paused)
        if g < m and line[g] >= 0:
            ready = opening(day, k, line[g], ready)
            if g > 0 and line[g - 1] < 0 and clock[g, 0] == 0:
                # Who reloads waits at the depot, not at a door that is closed.
                free = max(free, leave_by(day, speed, ready, travel, 0))
                arrival = reach(day, speed, free, travel, 0)
        moving += arrival - free - stood
        if g == m:
            break
        if line[g] < 0:
            free = max(ready, line[g] + NEVER) + day.shift[k, RELOAD]
        else:
            free = ready + work_of(day, k, line[g], there != here)
        here = there
    return moving
