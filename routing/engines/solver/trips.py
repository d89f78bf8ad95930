"""A shift of several trips judged exactly as `routing.rules.schedule` does: its order is cut in every way that
`routing.rules.trips` allows, and the cheapest counts.

In `scratch[3]` stands the line that is tried, its reloads as numbers below 0 (see `clock.run`); in `scratch[4]` how far
each trip may go, and after that where the line is cut.
"""

from __future__ import annotations

from routing.engines.solver.clock import latest_departure, run, wheels
from routing.engines.solver.layout import (
    AREA,
    BALANCE,
    BLOCKED,
    BY_CLOCK,
    COST_IS_TRAVEL,
    DONE,
    END,
    HIRE,
    LEAVE,
    MOST_METRES,
    MOST_SECONDS,
    MOST_STOPS,
    MOST_TRIPS,
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
    RELOAD,
    SOMEBODY_COLLECTS,
    SOMEBODY_LATE,
    SPEED,
    STANDING,
    START,
    STRANGERS,
    TRIPS_OUT,
    UNTIL,
    area_price,
    balance_price,
    compiled,
    work_of,
)


@compiled
def _reach_of_deliveries(day, k, line, m, far):  # type: ignore[no-untyped-def]
    """`_reach` where nothing is collected: what is on board only gets less, and each trip begins where one before it
    could not go on."""
    for i in range(m):
        far[i] = m
    for d in range(day.capacity.shape[1]):
        may, board, end = day.capacity[k, d], 0, 0
        for begin in range(m):
            while end < m and board + day.load[line[end], d] <= may:
                board += day.load[line[end], d]
                end += 1
            if end == begin:
                return -1
            far[begin] = min(far[begin], end)
            board -= day.load[line[begin], d]
    trips, at = 0, 0
    while at < m:
        at = far[at]
        trips += 1
    return trips


@compiled
def _reach(day, k, line, m, far):  # type: ignore[no-untyped-def]
    """Into `far`, how far a trip that begins at each visit may go. Answers how many trips are needed at least, or -1
    where one visit is too much by itself."""
    dimensions = day.capacity.shape[1]
    if not day.flags[SOMEBODY_COLLECTS]:
        return _reach_of_deliveries(day, k, line, m, far)
    for begin in range(m):
        end = m
        for d in range(dimensions):
            may, most, collected = day.capacity[k, d], 0, 0
            i = begin
            while i < end:
                collected += day.load[line[i], dimensions + d]
                most = max(most + day.load[line[i], d], collected)
                if most > may:
                    end = i
                i += 1
        if end == begin:
            return -1
        far[begin] = end
    trips, at = 0, 0
    while at < m:
        at = far[at]
        trips += 1
    return trips


@compiled
def _stays_on_board(day, k, line, cuts, trips):  # type: ignore[no-untyped-def]
    number = -1
    for s in range(trips):
        number += 1
        for i in range(cuts[s], cuts[s + 1]):
            v = line[i]
            if day.trip[v] >= 0:
                number = max(number, day.trip[v])
            elif day.shift[k, TRIPS_OUT]:
                for d in range(day.capacity.shape[1]):
                    if day.load[v, d]:
                        number = max(number, day.shift[k, TRIPS_OUT])
        for i in range(cuts[s], cuts[s + 1]):
            if day.trip[line[i]] >= 0 and day.trip[line[i]] != number:
                return False
    return number < day.shift[k, MOST_TRIPS]


@compiled
def _priced(day, k, line, cuts, trips, scratch, full):  # type: ignore[no-untyped-def]
    """(cost or -1, seconds of travel, when the wheels stand, the price of lateness) of this way of cutting."""
    clock, via, owed = scratch[0], scratch[1], scratch[2]
    speed, depot = day.shift[k, SPEED], day.shift[k, START]
    leave = day.shift[k, LEAVE]
    moving, metres, doors, strange, work, at = 0, 0, 0, 0, 0, 0
    done = False
    for s in range(trips):
        ready, here, before = day.shift[k, LEAVE], depot, -1
        if s:
            at += 1
        for i in range(cuts[s], cuts[s + 1] + 1):
            back = i == cuts[s + 1]
            there = day.shift[k, END] if back else day.visit[line[i], PLACE]
            seconds = day.seconds[speed, here, there]
            if seconds >= BLOCKED:
                return -1, 0, 0, 0
            moving += seconds
            metres += day.metres[speed, here, there]
            if not back:
                v = line[i]
                if there != before:
                    doors += 1
                    if day.flags[STRANGERS]:
                        strange += day.strange[k, v]
                work += work_of(day, k, v, there != here)
                before = there
                done |= day.visit[v, DONE]
                ready = max(ready, day.visit[v, READY])
                full[at] = v
                at += 1
            here = there
        if s:
            full[at - (cuts[s + 1] - cuts[s]) - 1] = ready - day.shift[k, RELOAD] - NEVER
        else:
            leave = ready
    by_clock = day.flags[BY_CLOCK]
    if not by_clock and moving > day.shift[k, MOST_SECONDS]:
        return -1, 0, 0, 0
    if metres > day.shift[k, MOST_METRES] or doors > day.shift[k, MOST_STOPS]:
        return -1, 0, 0, 0
    finish = run(day, k, full, at, leave, clock, via, owed)
    if finish > day.shift[k, UNTIL]:
        return -1, 0, 0, 0
    late = owed[at + 1, (1 << day.shift[k, PAUSES]) - 1] if day.flags[SOMEBODY_LATE] else 0
    departure = leave
    if not done and (by_clock or day.shift[k, PER_HOUR] or day.shift[k, BALANCE]):
        departure = max(leave, latest_departure(day, k, full, at, finish, clock, via))
    if by_clock:
        moving = wheels(day, k, full, at, departure, clock, via)
        if moving > day.shift[k, MOST_SECONDS]:
            return -1, 0, 0, 0
    if day.flags[COST_IS_TRAVEL]:
        return moving, moving, finish, late
    cost = (
        day.shift[k, HIRE]
        + strange
        + late
        + (2 * day.shift[k, PER_TRAVEL_HOUR] * moving + 3600) // 7200
        + (2 * day.shift[k, PER_KM] * metres + 1000) // 2000
        + (2 * day.shift[k, PER_TASK_HOUR] * work + 3600) // 7200
    )
    if day.shift[k, PER_HOUR]:
        cost += (2 * day.shift[k, PER_HOUR] * (finish - departure + day.shift[k, STANDING]) + 3600) // 7200
    if day.shift[k, BALANCE]:
        cost += balance_price(day, k, finish - departure + day.shift[k, STANDING])
    if day.shift[k, AREA]:
        cost += area_price(day, k, full, at)
    if finish > day.shift[k, OVER]:
        cost += (2 * day.shift[k, PER_OVERTIME_HOUR] * (finish - day.shift[k, OVER]) + 3600) // 7200
    return cost, moving, finish, late


@compiled
def _straight(day, k, line, m):  # type: ignore[no-untyped-def]
    """(seconds, metres, seconds of work) of the line without any reload, at the least; -1 where some way to or from
    the depot, or from one to the next, is closed, or takes other times by the clock: then nothing is known."""
    if day.flags[BY_CLOCK]:
        return -1, 0, 0
    speed, depot = day.shift[k, SPEED], day.shift[k, START]
    seconds, metres, work, here = 0, 0, 0, depot
    for i in range(m + 1):
        there = day.shift[k, END] if i == m else day.visit[line[i], PLACE]
        if max(day.seconds[speed, here, there], day.seconds[speed, depot, there]) >= BLOCKED:
            return -1, 0, 0
        if day.seconds[speed, there, depot] >= BLOCKED:
            return -1, 0, 0
        seconds += day.seconds[speed, here, there]
        metres += day.metres[speed, here, there]
        if i < m:
            work += work_of(day, k, line[i], there != here and there != depot)
        here = there
    return seconds, metres, work


@compiled
def _at_least(day, k, line, cuts, trips, seconds, metres, work):  # type: ignore[no-untyped-def]
    """What this way of cutting costs at the least: as if nobody ever waited, and all were in time."""
    speed, depot = day.shift[k, SPEED], day.shift[k, START]
    for s in range(1, trips):
        before, after = day.visit[line[cuts[s] - 1], PLACE], day.visit[line[cuts[s]], PLACE]
        seconds += day.seconds[speed, before, depot] + day.seconds[speed, depot, after]
        seconds -= day.seconds[speed, before, after]
        metres += day.metres[speed, before, depot] + day.metres[speed, depot, after] - day.metres[speed, before, after]
    if day.flags[COST_IS_TRAVEL]:
        return seconds
    duty = seconds + work + (trips - 1) * day.shift[k, RELOAD] + day.shift[k, STANDING]
    for b in range(day.shift[k, PAUSES]):
        duty += day.breaks[k, b, 0]
    return (
        day.shift[k, HIRE]
        + (2 * day.shift[k, PER_TRAVEL_HOUR] * seconds + 3600) // 7200
        + (2 * day.shift[k, PER_KM] * metres + 1000) // 2000
        + (2 * day.shift[k, PER_TASK_HOUR] * work + 3600) // 7200
        + (2 * day.shift[k, PER_HOUR] * duty + 3600) // 7200
    )


@compiled
def _cheapest_cut(day, k, line, m, trips, scratch, straight, below):  # type: ignore[no-untyped-def]
    """`_priced` of the cheapest way of making so many trips, its cost -1 where there is none. Ways that cost at least
    `below` are not looked at; -2 where there are only such. `straight`: of the line without reloads."""
    full, table = scratch[3, :, 0], scratch[4, :, 0]
    far, cuts = table, table[m:]
    best, best_moving, best_finish, best_late, dear = -1, 0, 0, 0, False
    cuts[0] = 0
    # The next cut after each, tried from near to far.
    s = 1
    cuts[1] = 0
    while s > 0:
        if s == trips:
            cuts[s] = m
            worth = far[cuts[s - 1]] >= m
            if worth and straight[0] >= 0 and (best >= 0 or below < NEVER):
                least = _at_least(day, k, line, cuts, trips, straight[0], straight[1], straight[2])
                worth = least < below and (best < 0 or least <= best)
                dear |= least >= below
            if worth and _stays_on_board(day, k, line, cuts, trips):
                cost, moving, finish, late = _priced(day, k, line, cuts, trips, scratch, full)
                if cost >= 0 and (best < 0 or cost < best or (cost == best and moving < best_moving)):
                    best, best_moving, best_finish, best_late = cost, moving, finish, late
            s -= 1
            continue
        cuts[s] = max(cuts[s], cuts[s - 1]) + 1
        if cuts[s] > far[cuts[s - 1]] or cuts[s] > m - (trips - s):
            s -= 1
            continue
        s += 1
        cuts[s] = 0
    return -2 if best < 0 and dear else best, best_moving, best_finish, best_late


@compiled
def trips_cost(day, k, line, m, scratch, below):  # type: ignore[no-untyped-def]
    """What the shift costs with the visits `line[:m]` in this order, or -1 when it cannot be driven in any way. What
    costs at least `below` may be answered with -1 too: who only asks for something cheaper is answered sooner."""
    if m > day.shift[k, MOST_VISITS]:
        return -1
    waits = False
    for i in range(m):
        if not day.may[k, line[i]]:
            return -1
        waits |= day.visit[line[i], READY] > day.shift[k, LEAVE]
    least = _reach(day, k, line, m, scratch[4, :, 0])
    if least < 0:
        return -1
    straight = _straight(day, k, line, m)
    best, best_moving = -1, 0
    for trips in range(least, min(day.shift[k, MOST_TRIPS], m) + 1):
        cost, moving, finish, late = _cheapest_cut(day, k, line, m, trips, scratch, straight, below)
        if best < 0 and cost == -2:
            return -1  # and one trip more costs more
        if best >= 0 and (cost < 0 or cost > best or (cost == best and moving >= best_moving)):
            break
        best, best_moving = cost, moving
        # One trip more costs less only where goods are waited for, or overtime or lateness is paid.
        if best >= 0 and not (waits or late > 0 or finish > day.shift[k, OVER]):
            break
    return best
