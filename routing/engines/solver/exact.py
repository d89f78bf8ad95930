"""One route judged exactly as `routing.rules.schedule` does, and priced; held against it by tests."""

from __future__ import annotations

from routing.engines.solver.clock import latest_departure, run, wheels
from routing.engines.solver.layout import (
    AREA,
    BALANCE,
    BLOCKED,
    BROUGHT,
    BY_CLOCK,
    COST_IS_TRAVEL,
    DONE,
    END,
    HIRE,
    LEAVE,
    MATE,
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
    RELOADS,
    SOMEBODY_LATE,
    SOMEBODY_SHIPS,
    SPEED,
    STANDING,
    START,
    STRANGERS,
    UNTIL,
    area_price,
    balance_price,
    compiled,
    work_of,
)
from routing.engines.solver.trips import trips_cost


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
def route_cost(day, k, line, m, scratch):  # type: ignore[no-untyped-def]
    """What the route of shift `k` with the visits `line[:m]` costs, or -1 when anything fails: Timetable.times.

    `scratch` has the shape (3, at least m + 3, 2 ** breaks).
    """
    if day.flags[RELOADS] and day.shift[k, MOST_TRIPS] > 1:
        return trips_cost(day, k, line, m, scratch, NEVER)
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
    if not done and (by_clock or day.shift[k, PER_HOUR] or day.shift[k, BALANCE]):
        departure = max(leave, latest_departure(day, k, line, m, finish, clock, via))
    if by_clock:
        moving = wheels(day, k, line, m, departure, clock, via)
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
    if day.shift[k, BALANCE]:
        cost += balance_price(day, k, finish - departure + day.shift[k, STANDING])
    if day.shift[k, AREA]:
        cost += area_price(day, k, line, m)
    if finish > day.shift[k, OVER]:
        cost += (2 * day.shift[k, PER_OVERTIME_HOUR] * (finish - day.shift[k, OVER]) + 3600) // 7200
    if day.flags[SOMEBODY_LATE]:
        cost += owed[m + 1, (1 << day.shift[k, PAUSES]) - 1]
    return cost
