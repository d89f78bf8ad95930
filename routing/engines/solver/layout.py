"""What the compiled search works on: columns of wide arrays, and how it is compiled.

Everything is numbers in arrays. A visit is its row in the problem, a shift its row, -1 the depot at either end of a
route. Times are whole seconds, prices thousandths of a minor unit, both int64; `NEVER` is later than any time.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numba import njit
from numpy.typing import NDArray

from routing.engines.solver.compiled import folder
from routing.model.plans import FREE

# By itself numba looks at one file only to see whether what it kept is out of date; what is inlined lies in several.
numba.config.CACHE_DIR = str(folder())  # type: ignore[attr-defined]

NEVER = 2**60
BLOCKED = 2**50
"""Seconds of a leg that no road joins."""

type Ints = NDArray[np.int64]


# Columns of `Day.visit`; from WINDOW on pairs of (first, last) moments, sorted; shorter lists repeat their last pair.
# With `MOTOR_HOURS` each visit has a second row, below those of all: the same with the windows of motor vehicles.
PLACE, SERVICE, SETUP, READY, RANK, AGE, DONE, FIXED, WINDOW = range(9)
# Columns of `Day.shift`. LEAVE: when the wheels may turn (start and loading); UNTIL: when they must stand (end less the
# debrief, overtime included); STANDING: loading and debrief, which are paid; LIGHT: a break of it has a limit of load;
# OVER: when they must stand before overtime is paid; TRIPS_OUT: how many trips have left; BALANCE and AREA: the prices
# of uneven days and wide areas; HOURS: how far below the row of a visit those windows stand that bind it.
(SPEED, TARIFF, START, END, LEAVE, UNTIL, STANDING, MOST_VISITS, MOST_STOPS, MOST_METRES, MOST_SECONDS, HIRE,
 PER_HOUR, PER_TRAVEL_HOUR, PER_KM, PAUSES, CAREFUL, TYPE, PER_TASK_HOUR, LIGHT, OVER,
 PER_OVERTIME_HOUR, RELOAD, MOST_TRIPS, TRIPS_OUT, BALANCE, AREA, HOURS) = range(28)  # fmt: skip
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
# `Day.mate`; BROUGHT: it is the one of a shipment that comes second.
MATE, BROUGHT = range(2)
# `Day.flags`. WAITING_COSTS: the hour is paid whether or not the wheels turn, or overtime is, or lateness: a route is
# priced as a whole. RELOADS: some shift may come back for more. BY_CLOCK: ways take longer at some times of the day.
# EVEN_DAYS, COMPACT: some shift has a price of balance, of its area; then a route is priced as a whole, too.
# MOTOR_HOURS: some door has other hours for some of the vehicles.
(WAITING_COSTS, GOODS_COME_LATER, SOMEBODY_COLLECTS, COST_IS_TRAVEL, SOMEBODY_SHIPS, TIMES_BY_TYPE,
 SOMEBODY_LATE, STRANGERS, RELOADS, BY_CLOCK, EVEN_DAYS, COMPACT, MOTOR_HOURS) = range(13)  # fmt: skip
# Behind them in `Day.flags`: how many rows the clock of each speed has, then those rows, SINCE which second, PROGRESS
# then, RATE from then on (`time_of_day.Pace`). An array of its own would be carried along by every call.
CLOCK_ROWS, CLOCK = 13, 14
SINCE, PROGRESS, RATE = range(3)
# Columns of `Day.late`, then the hours in which it is in time as pairs.
MAY_BE_LATE, PER_LATE_HOUR, IN_TIME = range(3)


PLANES, SPARE = 5, 10
"""`Walk.scratch` has so many tables of so many rows more than there are visits."""


# Nothing here allocates. Without the counting of references, which numba does at every access to an array of a tuple, a
# round takes a tenth of the time.
compiled = njit(cache=True, nogil=True, _nrt=False)  # type: ignore[call-overload]
inlined = njit(inline="always", _nrt=False)  # type: ignore[call-overload]


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
    """(n, 2 x dimensions): delivered, then collected; with `COMPACT` two more, metres to the east and to the north,
    which are summed up by route as loads are."""
    absence: NDArray[np.float64]
    """(n,): what the walk pays while a visit waits."""
    may: NDArray[np.bool_]
    """(k, n)"""
    shift: Ints
    capacity: Ints
    """(k, dimensions), of one trip"""
    room: Ints
    """(k, dimensions): of all its trips together."""
    trip: Ints
    """(n,): the trip in which it is on board, or -1."""
    breaks: Ints
    """(k, breaks, 1 + 2 x windows): how long, then its windows."""
    break_load: Ints
    """(k, breaks, dimensions + 1): the most that is on board while it is taken; last what a leg keeps free for it: its
    seconds, with `BY_CLOCK` progress."""
    work: Ints
    """(types, n, 2): service, then setup, where a type of vehicle has its own (`TIMES_BY_TYPE`)."""
    late: Ints
    """(n, 2 + 2 x windows): whether it may be late, what an hour of it costs, when it is in time (`SOMEBODY_LATE`);
    `Day.visit` has the windows with what they allow."""
    strange: Ints
    """(k, n): what it costs that a driver does not know a door (`STRANGERS`); (0, 0) where all are known."""
    mate: Ints
    """(n, 2): the other visit of its shipment or -1."""
    carry: Ints
    """(n, dimensions): what a shipment puts on board there, or takes off."""
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
    """The visits that wait; of a shipment the first only."""
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
    """(PLANES, n + SPARE, 2 ** breaks): see `clock.run` and `trips.trips_cost`."""


@inlined
def random(chance):  # type: ignore[no-untyped-def]
    """Uniform in [0, 1): xorshift64* (Vigna 2016)."""
    x = chance[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    chance[0] = x
    return np.float64((x * np.uint64(2685821657736338717)) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@compiled
def _reach_by_clock(flags, speed, free, travel, lost):  # type: ignore[no-untyped-def]
    if travel >= BLOCKED or free >= BLOCKED:
        return free + travel
    rows = flags[CLOCK_ROWS]
    first = CLOCK + 3 * rows * speed
    i = first + 3 * (rows - 1)
    while i > first and free < flags[i + SINCE]:
        i -= 3
    wanted = flags[i + PROGRESS] + (free - flags[i + SINCE]) * flags[i + RATE] + travel * FREE + lost
    last = first + 3 * (rows - 1)
    while i < last and flags[i + 3 + PROGRESS] <= wanted:
        i += 3
    return flags[i + SINCE] - (flags[i + PROGRESS] - wanted) // flags[i + RATE]


@compiled
def _leave_by_clock(flags, speed, limit, travel, lost):  # type: ignore[no-untyped-def]
    if travel >= BLOCKED or limit <= -BLOCKED:
        return limit - travel
    rows = flags[CLOCK_ROWS]
    first = CLOCK + 3 * rows * speed
    i = first + 3 * (rows - 1)
    while i > first and limit < flags[i + SINCE]:
        i -= 3
    wanted = flags[i + PROGRESS] + (limit - flags[i + SINCE]) * flags[i + RATE] - travel * FREE - lost
    while i > first and wanted < flags[i + PROGRESS]:
        i -= 3
    return flags[i + SINCE] + (wanted - flags[i + PROGRESS]) // flags[i + RATE]


@compiled
def standing(flags, speed, begin, lasts):  # type: ignore[no-untyped-def]
    """The progress that is lost by standing still for so long (`BY_CLOCK`)."""
    rows, lost, end = flags[CLOCK_ROWS], 0, begin + lasts
    first = CLOCK + 3 * rows * speed
    for i in range(rows):
        at = first + 3 * i
        until = flags[at + 3 + SINCE] if i + 1 < rows else end
        lost += max(0, min(end, until) - max(begin, flags[at + SINCE])) * flags[at + RATE]
    return lost


@compiled
def area_price(day, k, line, m):  # type: ignore[no-untyped-def]
    """What the distances of the doors from their centre cost (`COMPACT`); a number below 0 in the line is a reload."""
    east = 2 * day.capacity.shape[1]
    x, y, doors, before = 0, 0, 0, -1
    for i in range(m):
        if line[i] < 0:
            before = -1
            continue
        if day.visit[line[i], PLACE] != before:
            doors += 1
            x += day.load[line[i], east]
            y += day.load[line[i], east + 1]
        before = day.visit[line[i], PLACE]
    if doors == 0:
        return 0
    x, y = (2 * x + doors) // (2 * doors), (2 * y + doors) // (2 * doors)
    apart, before = 0, -1
    for i in range(m):
        if line[i] < 0:
            before = -1
            continue
        if day.visit[line[i], PLACE] != before:
            dx, dy = day.load[line[i], east] - x, day.load[line[i], east + 1] - y
            apart += int(np.sqrt(float(dx * dx + dy * dy)) + 0.5)
        before = day.visit[line[i], PLACE]
    return (2 * day.shift[k, AREA] * apart + 1000) // 2000


@inlined
def balance_price(day, k, duty):  # type: ignore[no-untyped-def]
    """What the length of a duty costs besides its paid hours."""
    return (day.shift[k, BALANCE] * duty * duty + 12_960_000) // 25_920_000


@inlined
def kept_free(day, k, b):  # type: ignore[no-untyped-def]
    """What a leg keeps free for a break that is taken on it."""
    return day.break_load[k, b, day.capacity.shape[1]]


@inlined
def reach(day, speed, free, travel, lost):  # type: ignore[no-untyped-def]
    """When a leg of so much travel is done that begins at `free`, with `lost` (`kept_free`) kept free for breaks."""
    return _reach_by_clock(day.flags, speed, free, travel, lost) if day.flags[BY_CLOCK] else free + travel + lost


@inlined
def leave_by(day, speed, limit, travel, lost):  # type: ignore[no-untyped-def]
    """`reach` backwards: the latest moment a leg may begin to be done by `limit`."""
    return _leave_by_clock(day.flags, speed, limit, travel, lost) if day.flags[BY_CLOCK] else limit - travel - lost


@inlined
def earliest(rows, row, begin, at):  # type: ignore[no-untyped-def]
    for w in range(begin, rows.shape[1], 2):
        if at <= rows[row, w + 1]:
            return max(at, rows[row, w])
    return NEVER


@inlined
def latest(rows, row, begin, at):  # type: ignore[no-untyped-def]
    for w in range(rows.shape[1] - 2, begin - 1, -2):
        if at >= rows[row, w]:
            return min(at, rows[row, w + 1])
    return -NEVER


@inlined
def opening(day, k, x, at):  # type: ignore[no-untyped-def]
    """The first moment from `at` on at which shift `k` may begin visit `x`, NEVER when its windows are over."""
    return earliest(day.visit, x + day.shift[k, HOURS], WINDOW, at)


@inlined
def closing(day, k, x, at):  # type: ignore[no-untyped-def]
    """The last moment up to `at` at which shift `k` may begin visit `x`, -NEVER when no window has begun."""
    return latest(day.visit, x + day.shift[k, HOURS], WINDOW, at)


@inlined
def late_price(day, x, start):  # type: ignore[no-untyped-def]
    """What it costs that service of `x` begins at `start`."""
    by = 0
    if day.late[x, MAY_BE_LATE]:
        for w in range(IN_TIME, day.late.shape[1], 2):
            if start >= day.late[x, w]:
                by = max(0, start - day.late[x, w + 1])
    return (2 * day.late[x, PER_LATE_HOUR] * by + 3600) // 7200


@inlined
def no_later(day, x, start, at):  # type: ignore[no-untyped-def]
    """The latest moment up to `at` at which `x` is no later than at `start`."""
    end = start
    for w in range(IN_TIME, day.late.shape[1], 2):
        if start >= day.late[x, w]:
            end = max(start, day.late[x, w + 1])
    return min(at, end)


@inlined
def work_of(day, k, x, moved):  # type: ignore[no-untyped-def]
    """Service of visit `x` by shift `k`, and setup when it comes from another place."""
    if day.flags[TIMES_BY_TYPE]:
        kind = day.shift[k, TYPE]
        return day.work[kind, x, 0] + (day.work[kind, x, 1] if moved else 0)
    return day.visit[x, SERVICE] + (day.visit[x, SETUP] if moved else 0)
