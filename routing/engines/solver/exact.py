"""One route judged exactly as `routing.rules.schedule` does, and priced; held against it by tests."""

from __future__ import annotations

from routing.engines.solver.layout import (
    BLOCKED,
    BROUGHT,
    BY_CLOCK,
    COST_IS_TRAVEL,
    DONE,
    END,
    HIRE,
    LEAVE,
    LIGHT,
    MATE,
    MAY_BE_LATE,
    MOST_METRES,
    MOST_SECONDS,
    MOST_STOPS,
    MOST_VISITS,
    NEVER,
    OVER,
    PAUSES,
    PER_HOUR,
    PER_KM,
    PER_OVERTIME_HOUR,
    PER_TASK_HOUR,
    PER_TRAVEL_HOUR,
    PLACE,
    READY,
    SOMEBODY_LATE,
    SOMEBODY_SHIPS,
    SPEED,
    STANDING,
    START,
    STRANGERS,
    UNTIL,
    WINDOW,
    compiled,
    earliest,
    late_price,
    latest,
    leave_by,
    no_later,
    reach,
    standing,
    work_of,
)


@compiled
def _brings_what_it_fetches(day, line, m):  # type: ignore[no-untyped-def]
    """Whether each shipment's second visit comes after its first."""
    open_ = 0
    for i in range(m):
        mate = day.mate[line[i], MATE]
        if mate < 0:
            continue
        if day.mate[line[i], BROUGHT]:
            open_ -= 1
            continue
        open_ += 1
        j = i + 1
        while j < m and line[j] != mate:
            j += 1
        if j == m:
            return False
    return open_ == 0


@compiled
def _too_heavy(day, k, line, m, g):  # type: ignore[no-untyped-def]
    """The breaks that may not be taken on leg `g` for what is on board, as bits."""
    barred, dimensions = 0, day.capacity.shape[1]
    for d in range(dimensions):
        board = 0
        for i in range(m):
            board += day.load[line[i], d] if i >= g else day.load[line[i], dimensions + d] + day.carry[line[i], d]
        for b in range(day.shift[k, PAUSES]):
            if board > day.break_load[k, b, d]:
                barred |= 1 << b
    return barred


@compiled
def route_cost(day, k, line, m, scratch):  # type: ignore[no-untyped-def]
    """What the route of shift `k` with the visits `line[:m]` costs, or -1 when anything fails: Timetable.times.

    `scratch` has the shape (3, at least m + 3, 2 ** breaks).
    """
    clock, via, owed = scratch[0], scratch[1], scratch[2]
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
            board += day.load[line[i], dimensions + d] - day.load[line[i], d] + day.carry[line[i], d]
            most = max(most, board)
        if most > day.capacity[k, d]:
            return -1
    if day.flags[SOMEBODY_SHIPS] and not _brings_what_it_fetches(day, line, m):
        return -1
    speed = day.shift[k, SPEED]
    leave, moving, metres, doors, strange = day.shift[k, LEAVE], 0, 0, 0, 0
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
                if day.flags[STRANGERS]:
                    strange += day.strange[k, line[i]]
            before = there
            done |= day.visit[line[i], DONE]
            leave = max(leave, day.visit[line[i], READY])
        here = there
    by_clock = day.flags[BY_CLOCK]
    if not by_clock and moving > day.shift[k, MOST_SECONDS]:
        return -1
    if metres > day.shift[k, MOST_METRES] or doors > day.shift[k, MOST_STOPS]:
        return -1
    finish = run(day, k, line, m, leave, clock, via, owed)
    if finish > day.shift[k, UNTIL]:
        return -1
    departure = leave
    if not done and (by_clock or day.shift[k, PER_HOUR]):
        departure = max(leave, latest_departure(day, k, line, m, finish, clock, via))
    if by_clock:
        moving = _wheels(day, k, line, m, departure, clock, via)
        if moving > day.shift[k, MOST_SECONDS]:
            return -1
    if day.flags[COST_IS_TRAVEL]:
        return moving
    cost = (
        day.shift[k, HIRE]
        + strange
        + (2 * day.shift[k, PER_TRAVEL_HOUR] * moving + 3600) // 7200
        + (2 * day.shift[k, PER_KM] * metres + 1000) // 2000
    )
    if day.shift[k, PER_TASK_HOUR]:
        work, here = 0, day.shift[k, START]
        for i in range(m):
            work += work_of(day, k, line[i], day.visit[line[i], PLACE] != here)
            here = day.visit[line[i], PLACE]
        cost += (2 * day.shift[k, PER_TASK_HOUR] * work + 3600) // 7200
    if day.shift[k, PER_HOUR]:
        cost += (2 * day.shift[k, PER_HOUR] * (finish - departure + day.shift[k, STANDING]) + 3600) // 7200
    if finish > day.shift[k, OVER]:
        cost += (2 * day.shift[k, PER_OVERTIME_HOUR] * (finish - day.shift[k, OVER]) + 3600) // 7200
    if day.flags[SOMEBODY_LATE]:
        cost += owed[m + 1, (1 << day.shift[k, PAUSES]) - 1]
    return cost


@compiled
def run(day, k, line, m, leave, clock, via, owed):  # type: ignore[no-untyped-def]
    """The earliest finish, NEVER when it cannot be. clock[g, taken]: free before leg g with these breaks taken (bits);
    via[g, taken]: which were taken before leg g - 1; owed[g, taken]: for lateness so far, the least of those."""
    breaks, late, speed = day.shift[k, PAUSES], day.flags[SOMEBODY_LATE], day.shift[k, SPEED]
    states = 1 << breaks
    paused = clock[len(clock) - 1]
    for taken in range(states):
        clock[0, taken] = NEVER
    clock[0, 0] = leave
    owed[0, 0] = 0
    here = day.shift[k, START]
    for g in range(m + 1):
        there = day.shift[k, END] if g == m else day.visit[line[g], PLACE]
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
                        rested += day.lost[k, b]
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
                    time = earliest(day.visit, v, WINDOW, time)
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
                        begin = earliest(day.breaks[k], b, 1, earlier)
                        if begin < NEVER and begin + day.breaks[k, b, 0] < paused[mask]:
                            paused[mask] = begin + day.breaks[k, b, 0]
                            last[mask] = b
        rested, stand = 0, limit
        mask = taken
        while mask != base:
            b = last[mask]
            stand = latest(day.breaks[k], b, 1, stand - day.breaks[k, b, 0])
            rested += day.lost[k, b]
            mask ^= 1 << b
        taken = base
        free = min(leave_by(day, speed, limit, day.seconds[speed, here, there], rested), stand)
        if g == 0:
            break
        v = line[g - 1]
        before = day.shift[k, START] if g == 1 else day.visit[line[g - 2], PLACE]
        work = work_of(day, k, v, here != before)
        if day.flags[SOMEBODY_LATE] and day.late[v, MAY_BE_LATE]:
            limit = no_later(day, v, clock[g, base] - work, free - work)
        else:
            limit = latest(day.visit, v, WINDOW, free - work)
    return free


@compiled
def _wheels(day, k, line, m, departure, clock, via):  # type: ignore[no-untyped-def]
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
        there = day.shift[k, END] if g == m else day.visit[line[g], PLACE]
        travel = day.seconds[speed, here, there]
        arrival = reach(day, speed, free, travel, 0)
        paused, stood, lost, kept = free, 0, 0, 0
        for b in range(breaks):
            if not clock[g, 0] >> b & 1:
                continue
            begin, lasts = earliest(day.breaks[k], b, 1, paused), day.breaks[k, b, 0]
            paused, kept = begin + lasts, kept + day.lost[k, b]
            if begin < arrival:
                lost += standing(day, speed, begin, lasts)
                stood += lasts
                arrival = max(paused, reach(day, speed, free, travel, lost))
        moving += arrival - free - stood
        if g == m:
            break
        ready = max(reach(day, speed, free, travel, kept), paused)
        free = earliest(day.visit, line[g], WINDOW, ready) + work_of(day, k, line[g], there != here)
        here = there
    return moving
