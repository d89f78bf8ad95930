"""A walk of ruin and recreate over one problem: packs it into arrays, runs the compiled rounds, unpacks the best."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from routing.engines.solver import kernel, layout
from routing.engines.solver.exact import route_cost
from routing.engines.solver.insertion import Insertion, Routes
from routing.engines.solver.paces import rows_of
from routing.engines.solver.plain_walk import PlainRounds, is_plain, packed
from routing.engines.solver.route_pool import RoutePool
from routing.model.plans import ShiftOffer
from routing.rules.legs import MOST_BREAKS
from routing.rules.spans import ALWAYS, Spans
from routing.rules.time_of_day import Pace

_NEAR = 100
_BESIDE = 40
_BESIDE_MANY = 30
"""From `_MANY` visits on, fewer neighbours are asked: more rounds are worth more."""
_MANY = 1000
_HOT, _COLD = 1.0, 0.03
"""Temperature at the beginning and end of a walk, in costs of an average visit."""
_NOTED_FROM = 0.35
"""The part of a walk from which on its routes are worth keeping."""
_BLOCK = 500
"""Rows of the table of all pairs that are looked at together, so that 5,000 visits need no 200 MB."""
_FAR_TIME = 2**58
_NO_LIMIT = 2**58


class RuinAndRecreate:
    """`run` walks on; `best` is the best found so far, as visit ids per shift id.

    The same problem, routes, seed and calls of `run` give the same walk.
    """

    def __init__(self, insertion: Insertion, routes: Routes, *, seed: int) -> None:
        self.insertion = insertion
        self.visits = [visit.id for visit in insertion.problem.visits]
        # Those that are alike stand together: of unused ones only the first of a kind is asked.
        self.shifts = sorted((shift.id for shift in insertion.problem.shifts), key=lambda key: insertion.kind[key])
        self._held = _front(insertion, routes)
        self.day = _packed(insertion, self.shifts, self._held)
        self.walk = _beginning(self.day, insertion, self.shifts, routes, seed)
        self.plain_day = packed(self.day) if is_plain(self.day) else None
        self.pool: RoutePool | None = None
        """Where there is one, a walk over a plain day keeps its routes there once it has cooled down."""
        self._plain: PlainRounds | None = None
        kernel.begin(self.day, self.walk)
        self._price_absences()
        self._take_as_best()

    def _price_absences(self) -> None:
        """What the walk pays per visit that waits: a few times what a visit costs on average, ten times more per rank:
        enough to steer. Age adds less than an absence of the lowest rank."""
        insertion, day, walk = self.insertion, self.day, self.walk
        oldest = 1 + max(insertion.age.values())
        visit = day.visit[: len(self.visits)]
        below = len(insertion.ranks) - 1 - visit[:, layout.RANK]
        lifted = 10.0 ** np.minimum(8, below) + 0.5 * visit[:, layout.AGE] / oldest
        day.absence[:] = 4.0 * self._typical(int(walk.tally[layout.TOTAL])) * lifted
        # Of a shipment the first visit carries the absence of both.
        second = np.flatnonzero(day.mate[:, layout.BROUGHT])
        day.absence[day.mate[second, layout.MATE]] += day.absence[second]
        day.absence[second] = 0.0
        walk.penalty[0] = day.absence[walk.visit[:, layout.ON] < 0].sum()

    def _typical(self, total: int) -> float:
        """What a visit costs on average when all that are served cost `total`."""
        served = int(self.walk.ranks[layout.SERVED].sum())
        return max(1.0, total / served if served else float(np.median(self.day.prices[0])))

    def _take_as_best(self) -> None:
        walk = self.walk
        walk.best[:] = np.concatenate([walk.visit[:, layout.NEXT], walk.shift[:, layout.HEAD]])
        walk.ranks[layout.BEST_SERVED], walk.ranks[layout.BEST_AGES] = (
            walk.ranks[layout.SERVED],
            walk.ranks[layout.AGES],
        )
        walk.tally[layout.BEST] = walk.tally[layout.TOTAL]

    def begin_from(self, routes: Routes) -> None:
        """Forgets where it stood, the best included, and goes on from these routes."""
        self._stand_on([[self.insertion.row[key] for key in routes[shift]] for shift in self.shifts])
        self._price_absences()
        self._take_as_best()

    def fill(self) -> None:
        """Serves what waits, rank by rank, those with the least time first, each where it costs least."""
        visit = self.day.visit[: len(self.visits)]
        order = np.lexsort((visit[:, -1] - visit[:, layout.WINDOW], visit[:, -1], visit[:, layout.RANK]))
        kernel.fill(self.day, self.walk, order.astype(np.int64))
        self._price_absences()
        self._take_as_best()
        self._plain = None

    def run(self, rounds: int, part: float) -> bool:
        """So many rounds at the temperature of this part (0 to 1) of the walk. True when a better plan was found."""
        if self.plain_day is not None and self._plain is None and self.serves_all:
            n = len(self.visits)
            self._plain = PlainRounds(self.plain_day, self.walk.best[:n], self.walk.best[n:], self.walk.chance)
        if self._plain is not None:
            better = self._plain.run(rounds, part, _HOT, _COLD, self.pool if part >= _NOTED_FROM else None)
            if better:
                self.walk.best[:] = np.concatenate(self._plain.best)
            return better
        before = int(self.walk.tally[layout.FOUND])
        heat = self._typical(int(self.walk.tally[layout.BEST])) * _HOT * (_COLD / _HOT) ** part
        kernel.rounds(self.day, self.walk, rounds, heat)
        return int(self.walk.tally[layout.FOUND]) > before

    def route_costs(self) -> Callable[[int, Sequence[int]], int]:
        """`route_costs` over the day that is packed already; what waits for a fixed place rides nowhere in it."""
        return _costs_on(self.day, self.shifts, self.insertion.row)

    @property
    def serves_all(self) -> bool:
        return int(self.walk.ranks[layout.BEST_SERVED].sum()) == len(self.visits)

    @property
    def lines(self) -> list[list[int]]:
        """The rows of the visits of the best, per shift in the order of `shifts`."""
        n = len(self.visits)
        after = self.walk.best[:n].tolist()
        out: list[list[int]] = []
        for x in self.walk.best[n:].tolist():
            out.append([])
            while x >= 0:
                out[-1].append(x)
                x = after[x]
        return out

    @property
    def standing(self) -> tuple[int, ...]:
        """How good the best is, the bigger the better: served per rank, their ages, minus the cost."""
        ranks = self.walk.ranks
        cost = int(self.walk.tally[layout.BEST]) if self._plain is None else self._plain.cost
        return (*ranks[layout.BEST_SERVED].tolist(), *ranks[layout.BEST_AGES].tolist(), -cost)

    def beside(self, seed: int) -> RuinAndRecreate:
        """Another walk over the same day, from where this one is best."""
        other = copy(self)
        other.walk = _beginning(self.day, self.insertion, self.shifts, self.best, seed)
        other._plain = None
        other.pool = None if self.pool is None else RoutePool()
        kernel.begin(self.day, other.walk)
        other._take_as_best()
        return other

    def go_to(self, other: RuinAndRecreate) -> None:
        """Goes on from the best of another walk."""
        self._stand_on(other.lines)
        self._take_as_best()

    def take(self, lines: Sequence[Sequence[int]]) -> bool:
        """Goes on from these rows of visits per shift, if they can be driven, serve all and cost less than the best."""
        now = self.lines
        before = self._stand_on(now)
        cost = self._stand_on(lines)
        better = cost is not None and self.walk.tally[layout.WAITING] == 0 and (before is None or cost < before)
        if not better:
            self._stand_on(now)
        self._take_as_best()
        return better

    def _stand_on(self, lines: Sequence[Sequence[int]]) -> int | None:
        """What the routes cost, None when one cannot be driven."""
        walk = self.walk
        self._plain = None
        walk.visit[:, layout.NEXT] = -1
        walk.shift[:, layout.HEAD] = -1
        for k, rows in enumerate(lines):
            if rows:
                walk.shift[k, layout.HEAD] = rows[0]
                walk.visit[rows[:-1], layout.NEXT] = rows[1:]
        kernel.begin(self.day, walk)
        return int(walk.tally[layout.TOTAL]) if (walk.shift[:, layout.COST] >= 0).all() else None

    @property
    def best(self) -> Routes:
        n = len(self.visits)
        return self._routes(self.walk.best[n:], self.walk.best[:n])

    @property
    def current(self) -> Routes:
        """Where the walk stands, which may be worse than the best."""
        if self._plain is not None:
            after, head = self._plain.current
            return self._routes(head, after)
        return self._routes(self.walk.shift[:, layout.HEAD], self.walk.visit[:, layout.NEXT])

    def _routes(self, head: NDArray[np.int64], after: NDArray[np.int64]) -> Routes:
        out: Routes = {shift.id: [] for shift in self.insertion.problem.shifts}
        for shift, x in zip(self.shifts, head.tolist(), strict=True):
            while x >= 0:
                out[shift].append(self.visits[x])
                x = int(after[x])
        return out


def route_costs(insertion: Insertion) -> Callable[[int, Sequence[int]], int]:
    """`route_cost` of the kernel for visit ids on a shift id: -1 when the route cannot be driven."""
    shifts = [shift.id for shift in insertion.problem.shifts]
    return _costs_on(_packed(insertion, shifts, {}), shifts, insertion.row)


def _costs_on(day: layout.Day, shifts: Sequence[int], row: Mapping[int, int]) -> Callable[[int, Sequence[int]], int]:
    which = {shift: k for k, shift in enumerate(shifts)}
    scratch = np.zeros((layout.PLANES, len(day.visit) + layout.SPARE, 2**MOST_BREAKS), dtype=np.int64)

    def cost(shift: int, ids: Sequence[int]) -> int:
        line = np.array([row[key] for key in ids], dtype=np.int64)
        return int(route_cost(day, which[shift], line, len(ids), scratch))

    return cost


def _front(insertion: Insertion, routes: Routes) -> dict[int, bool]:
    """Visits whose place in the order is fixed: True while they and all before them stand where they must."""
    held: dict[int, bool] = {}
    for ids in routes.values():
        last = max((at for at, key in enumerate(ids) if key in insertion.position_of), default=-1)
        held |= dict.fromkeys(ids[: last + 1], True)
    # One that waits would be put anywhere: it is left to the insertion that knows its place.
    return held | {key: False for key in insertion.position_of if key not in held}


def _packed(insertion: Insertion, shift_ids: Sequence[int], held: dict[int, bool]) -> layout.Day:
    problem, table = insertion.problem, insertion.table
    visits = problem.visits
    shifts = [table.shifts[key] for key in shift_ids]
    ways = _ways(insertion, shifts)
    windows = _padded([table.hours(visit.id) for visit in visits])
    by_class = _padded([table.hours(visit.id, motor=motor) for motor in (False, True) for visit in visits])
    motor_hours = any(shift.motor for shift in shifts) and any(visit.motor_windows for visit in visits)
    soft = [table.soft.get(visit.id) for visit in visits]
    in_time = _padded([ALWAYS if each is None else each[0] for each in soft])
    prices_of_late = [(each is not None, 0 if each is None else each[1]) for each in soft]
    breaks, break_load = _pauses(insertion, shifts)
    dimensions = len(problem.dimensions)
    capacity = np.array([shift.capacity for shift in shifts], dtype=np.int64).reshape(len(shifts), dimensions)
    mate, carry = _shipped(insertion)
    load = np.array([(*visit.load, *visit.collect) for visit in visits], dtype=np.int64)
    load = load.reshape(len(visits), 2 * dimensions)
    collects = load[:, dimensions:].any(axis=1)
    compact = any(shift.cost.area_per_km for shift in shifts)
    if compact:
        spots = np.array([table.spot(visit.id) for visit in visits], dtype=np.int64).reshape(len(visits), 2)
        load = np.hstack([load, spots])
    ready = _ints(-_FAR_TIME if v.ready_s is None or v.id in table.done else v.ready_s for v in visits)
    may = np.array([insertion.may[shift.id] for shift in shifts], dtype=bool).reshape(len(shifts), len(visits))
    may[:, [row for row, visit in enumerate(visits) if held.get(visit.id) is False]] = False
    leave = _ints(shift.start_s + shift.loading_s for shift in shifts)
    near, beside = _neighbours(insertion, windows, ways.seconds[0])
    joined = mate[:, layout.MATE] >= 0
    careful = [
        _is_limited(shift) or bool((ready[may[k]] > leave[k]).any() or (collects | joined)[may[k]].any())
        for k, shift in enumerate(shifts)
    ]
    numbers = [
        (
            visit.place, visit.service_s, visit.setup_s, ready[row], insertion.ranks.index(insertion.rank[visit.id]),
            visit.age, visit.id in table.done, held.get(visit.id, False),
        )
        for row, visit in enumerate(visits)
    ]  # fmt: skip
    rows = np.array(numbers, dtype=np.int64)
    return layout.Day(
        seconds=ways.seconds,
        metres=ways.metres,
        prices=ways.prices,
        visit=np.ascontiguousarray(np.hstack([np.vstack([rows, rows]), by_class] if motor_hours else [rows, windows])),
        load=load,
        absence=np.zeros(len(visits)),
        may=may,
        shift=np.array(
            [
                _offer(
                    insertion,
                    shift,
                    ways.speed[k],
                    ways.tariff[k],
                    careful[k],
                    len(visits) if motor_hours and shift.motor else 0,
                )
                for k, shift in enumerate(shifts)
            ],
            dtype=np.int64,
        ),
        capacity=capacity,
        room=capacity * _ints(shift.most_trips for shift in shifts)[:, None],
        trip=_ints(table.trip_of.get(visit.id, -1) for visit in visits),
        breaks=breaks,
        break_load=break_load,
        work=np.stack([np.stack([service, setup], axis=1) for setup, service in insertion.work.values()]),
        late=np.hstack([np.array(prices_of_late, dtype=np.int64).reshape(len(visits), 2), in_time]),
        strange=np.array([insertion.strange[shift.id] for shift in shifts], dtype=np.int64)
        if table.strange
        else np.zeros((0, 0), dtype=np.int64),
        mate=mate,
        carry=carry,
        near=near,
        beside=beside,
        kinds=_ranges([insertion.kind[shift.id] for shift in shifts]),
        flags=_ints(
            (
                # By the clock the price of a leg depends on when it is driven.
                bool(any(soft) or table.strange or problem.speeds)
                or any(shift.most_trips > 1 or _by_the_clock(shift) for shift in shifts),
                bool((ready > leave.min(initial=_FAR_TIME)).any()),
                bool(collects.any()),
                insertion.costs_nothing,
                bool(joined.any()),
                len(insertion.work) > 1,
                any(soft),
                bool(table.strange),
                any(shift.most_trips > 1 for shift in shifts),
                bool(problem.speeds),
                any(shift.cost.balance_per_hour for shift in shifts),
                compact,
                motor_hours,
                *(_clock([table.pace(shift) for shift in ways.driven_by]) if problem.speeds else [0]),
            )
        ),
    )


class _Ways(NamedTuple):
    """`Day.seconds`, `.metres` and `.prices`, and which of them each shift uses."""

    seconds: NDArray[np.int64]
    metres: NDArray[np.int64]
    prices: NDArray[np.int64]
    speed: list[int]
    tariff: list[int]
    driven_by: list[ShiftOffer]
    """A shift of each speed."""


def _ways(insertion: Insertion, shifts: Sequence[ShiftOffer]) -> _Ways:
    """Each table is as large as the problem's own: none is made twice, and sums are made a block of rows at a time."""
    table, anywhere = insertion.table, len(insertion.problem.places)
    tables: dict[tuple[str, float], ShiftOffer] = {}
    tariffs: dict[tuple[int, float, float], int] = {}
    speed, tariff = [], []
    for shift in shifts:
        tables.setdefault((shift.profile, shift.speed_factor), shift)
        clock = list(tables).index((shift.profile, shift.speed_factor))
        per_s, per_m = (shift.cost.per_hour + shift.cost.per_travel_hour) / 3600, shift.cost.per_km / 1000
        if insertion.costs_nothing or per_s == per_m == 0:
            per_s = 1.0
        speed.append(clock)
        tariff.append(tariffs.setdefault((clock, per_s, per_m), len(tariffs)))
    seconds = np.zeros((len(tables), anywhere + 1, anywhere + 1), dtype=np.int64)
    metres = np.zeros_like(seconds)
    prices = np.zeros((len(tariffs), anywhere + 1, anywhere + 1), dtype=np.int64)
    for rows in _blocks(anywhere):
        for clock, shift in enumerate(tables.values()):
            durations, distances = table.durations(shift)[rows], table.distances(shift)[rows]
            closed = (durations < 0) | (distances < 0)
            seconds[clock, rows, :-1] = np.where(closed, layout.BLOCKED, durations)
            metres[clock, rows, :-1] = np.where(closed, 0, distances)
        for (clock, per_s, per_m), which in tariffs.items():
            price = np.rint(per_s * seconds[clock, rows] + per_m * metres[clock, rows])
            prices[which, rows] = np.minimum(price, layout.BLOCKED)
    return _Ways(seconds, metres, prices, speed, tariff, list(tables.values()))


def _pauses(insertion: Insertion, shifts: Sequence[ShiftOffer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """`Day.breaks` and `.break_load`."""
    problem, table = insertion.problem, insertion.table
    pauses = [table.breaks(shift.id) for shift in shifts]
    most_pauses = max((len(each) for each in pauses), default=0) or 1
    most_windows = max((len(times) for each in pauses for _, times in each), default=1)
    breaks = np.zeros((len(shifts), most_pauses, 1 + 2 * most_windows), dtype=np.int64)
    for k, each in enumerate(pauses):
        for b, (duration, times) in enumerate(each):
            breaks[k, b, 0] = duration
            breaks[k, b, 1:] = _padded([times], most_windows)[0]
    break_load = np.full((len(shifts), most_pauses, len(problem.dimensions) + 1), _NO_LIMIT, dtype=np.int64)
    break_load[:, :, -1] = breaks[:, :, 0]
    for k, shift in enumerate(shifts):
        for b, pause in enumerate(shift.breaks):
            if pause.max_load is not None:
                break_load[k, b, :-1] = pause.max_load
            if problem.speeds:
                break_load[k, b, -1] = table.lost(shift)[b]
    return breaks, break_load


def _shipped(insertion: Insertion) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """`Day.mate` and `.carry`."""
    problem = insertion.problem
    mate = np.tile(np.array([-1, 0], dtype=np.int64), (len(problem.visits), 1))
    carry = np.zeros((len(problem.visits), len(problem.dimensions)), dtype=np.int64)
    for one in problem.shipments:
        first, second = insertion.row[one.pickup], insertion.row[one.delivery]
        mate[first], mate[second] = (second, 0), (first, 1)
        carry[first], carry[second] = one.amount, [-n for n in one.amount]
    return mate, carry


def _is_limited(shift: ShiftOffer) -> bool:
    """Whether it has a limit that the slack does not know (slack.py): a place for a visit is then judged by the whole
    route, and neither PyVRP nor the walk of plain days is asked."""
    return (
        len(shift.breaks) > 1
        or shift.most_trips > 1
        or any(pause.max_load is not None for pause in shift.breaks)
        or any(most is not None for most in (shift.max_stops, shift.max_distance_m, shift.max_travel_s))
    )


def _offer(insertion: Insertion, shift: ShiftOffer, speed: int, tariff: int, careful: bool, hours: int) -> list[int]:
    """A row of `Day.shift`."""
    anywhere, cost = len(insertion.problem.places), shift.cost

    def limit(value: int | None) -> int:
        return _NO_LIMIT if value is None else value

    row = {
        layout.SPEED: speed,
        layout.TARIFF: tariff,
        layout.START: anywhere if shift.start is None else shift.start,
        layout.END: anywhere if shift.end is None else shift.end,
        layout.LEAVE: shift.start_s + shift.loading_s,
        layout.UNTIL: shift.until_s - shift.debrief_s,
        layout.STANDING: shift.loading_s + shift.debrief_s,
        layout.MOST_VISITS: limit(shift.max_visits),
        layout.MOST_STOPS: limit(shift.max_stops),
        layout.MOST_METRES: limit(shift.max_distance_m),
        layout.MOST_SECONDS: limit(shift.max_travel_s),
        layout.HIRE: cost.fixed,
        layout.PER_HOUR: cost.per_hour,
        layout.PER_TRAVEL_HOUR: cost.per_travel_hour,
        layout.PER_KM: cost.per_km,
        layout.PAUSES: len(shift.breaks),
        layout.CAREFUL: careful,
        layout.TYPE: list(insertion.work).index(shift.type if shift.type in insertion.work else ""),
        layout.PER_TASK_HOUR: cost.per_task_hour,
        layout.LIGHT: any(pause.max_load is not None for pause in shift.breaks),
        layout.OVER: shift.end_s - shift.debrief_s,
        layout.PER_OVERTIME_HOUR: cost.per_overtime_hour,
        layout.RELOAD: shift.reload_s,
        layout.MOST_TRIPS: shift.most_trips,
        layout.TRIPS_OUT: shift.trips_out,
        layout.BALANCE: cost.balance_per_hour,
        layout.AREA: cost.area_per_km,
        layout.HOURS: hours,
    }
    return [row[column] for column in range(len(row))]


def _clock(paces: Sequence[Pace | None]) -> list[int]:
    """How many rows each has, then their rows; shorter ones repeat their last row."""
    rows = [rows_of(pace) for pace in paces]
    most = max(map(len, rows))
    full = [[*each, *[each[-1]] * (most - len(each))] for each in rows]
    return [most, *(number for each in full for row in each for number in row)]


def _by_the_clock(shift: ShiftOffer) -> bool:
    """Whether what it costs depends on more than its legs."""
    cost = shift.cost
    shape = cost.balance_per_hour or cost.area_per_km
    return bool(cost.per_hour or cost.per_task_hour or shape or (shift.overtime_s and cost.per_overtime_hour))


def _beginning(
    day: layout.Day, insertion: Insertion, shift_ids: Sequence[int], routes: Routes, seed: int
) -> layout.Walk:
    n, k = len(day.load), len(shift_ids)

    def ints(*shape: int) -> NDArray[np.int64]:
        return np.zeros(shape, dtype=np.int64)

    walk = layout.Walk(
        visit=ints(n, 8),
        shift=ints(k, 6),
        load=ints(k, day.load.shape[1]),
        away=ints(n),
        ranks=ints(4, len(insertion.ranks)),
        best=ints(n + k),
        tally=ints(7),
        penalty=np.zeros(1),
        chance=np.array([(seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) % 2**64 or 1], dtype=np.uint64),
        log=ints(k + 2, 5),
        log_visit=ints(n + 1, 5),
        log_load=ints(k + 1, day.load.shape[1]),
        pool=ints(n + 1),
        key=np.zeros(n + 1),
        line=ints(n + 2),
        scratch=ints(layout.PLANES, n + layout.SPARE, 2 ** int(day.shift[:, layout.PAUSES].max(initial=0))),
    )
    walk.visit[:, layout.NEXT] = -1
    walk.shift[:, layout.HEAD] = walk.shift[:, layout.STAMP] = -1
    for at, shift in enumerate(shift_ids):
        rows = [insertion.row[key] for key in routes[shift]]
        if rows:
            walk.shift[at, layout.HEAD] = rows[0]
            walk.visit[rows[:-1], layout.NEXT] = rows[1:]
    return walk


def _ints(values: object) -> NDArray[np.int64]:
    return np.array(list(values), dtype=np.int64)  # type: ignore[call-overload]


def _ranges(kinds: Sequence[int]) -> NDArray[np.int64]:
    """(from, up to) of each run of equal numbers."""
    ends = [at + 1 for at in range(len(kinds)) if at + 1 == len(kinds) or kinds[at + 1] != kinds[at]]
    return np.array(list(zip([0, *ends[:-1]], ends, strict=True)), dtype=np.int64).reshape(len(ends), 2)


def _padded(windows: Sequence[Spans], width: int = 0) -> NDArray[np.int64]:
    """(first, last) pairs in rows of equal length; shorter lists repeat their last pair."""
    width = max(width, max((len(each) for each in windows), default=1))
    full = [[each[min(w, len(each) - 1)] for w in range(width)] for each in windows]
    return np.clip(np.array(full, dtype=np.int64).reshape(len(windows), 2 * width), -_FAR_TIME, _FAR_TIME)


def _blocks(n: int) -> list[slice]:
    return [slice(begin, min(begin + _BLOCK, n)) for begin in range(0, n, _BLOCK)]


def _smallest(values: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The columns of the `count` smallest of each row, in order; among equals the first."""
    columns = np.argpartition(values, count - 1, axis=1)[:, :count] if 0 < count < values.shape[1] else None
    if columns is None:
        return np.argsort(values, axis=1, kind="stable")[:, :count]
    columns.sort(axis=1)
    order = np.argsort(np.take_along_axis(values, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)


def _neighbours(
    insertion: Insertion, windows: NDArray[np.int64], seconds: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(near, beside): rows of other visits by travel alone; by travel, waiting and whether it can be done at all."""
    visits = insertion.problem.visits
    n = len(visits)
    place = np.array([visit.place for visit in visits], dtype=np.int64)
    service = np.array([float(visit.service_s) for visit in visits])
    opens, closes = windows[:, 0].astype(float), windows[:, -1].astype(float)
    most_near = min(_NEAR, max(0, n - 1))
    most_beside = min(_BESIDE if n < _MANY else _BESIDE_MANY, max(0, n - 1))
    near = np.zeros((n, most_near), dtype=np.int64)
    beside = np.zeros((n, most_beside), dtype=np.int64)
    for rows in _blocks(n):
        to = seconds[np.ix_(place[rows], place)].astype(float)
        back = seconds[np.ix_(place, place[rows])].astype(float).T
        ways = []
        for travel, one, other in ((to, rows, slice(None)), (back, slice(None), rows)):
            # `one` is served before `other`; whichever way round, rows are `rows`.
            before, after = (0, 1) if one is rows else (1, 0)
            begin_before = np.expand_dims(opens[one] + service[one], 1 - before)
            end_before = np.expand_dims(closes[one] + service[one], 1 - before)
            wait = np.maximum(0, np.expand_dims(opens[other], 1 - after) - end_before - travel)
            late = begin_before + travel > np.expand_dims(closes[other], 1 - after)
            ways.append(travel + 0.2 * wait + np.where(late, 1e12, 0.0))
        itself = (np.arange(rows.stop - rows.start), np.arange(rows.start, rows.stop))
        for out, far in ((near, np.minimum(to, back)), (beside, np.minimum(*ways))):
            far[itself] = np.inf
            out[rows] = _smallest(far, out.shape[1])
    return near, beside


@cache
def warm() -> None:
    """Compiles both kernels, or loads them from the cache: a minute the first time on a machine, else a second."""
    from datetime import UTC, datetime

    from routing.model.plans import Place, Problem, Travel, Visit, Window
    from routing.rules.schedule import Timetable

    table = np.array([[0, 9, 8], [9, 0, 7], [8, 7, 0]], dtype=np.int64)
    visit = Visit(
        id=1, place=1, service_s=1, windows=(Window(start_s=0, end_s=900),), load=(1,), collect=(0,), name="warm"
    )
    shift = ShiftOffer(id=1, profile="any", start=0, end=0, start_s=0, end_s=1000, capacity=(9,))
    problem = Problem(
        epoch=datetime(2026, 1, 1, tzinfo=UTC),
        dimensions=("pieces",),
        places=tuple(Place(index=index, name="") for index in range(3)),
        travel={"any": Travel(durations_s=table, distances_m=table)},
        visits=(visit, replace(visit, id=2, place=2)),
        shifts=(shift,),
    )
    insertion = Insertion(problem, Timetable(problem))
    walk = RuinAndRecreate(insertion, {1: []}, seed=0)
    walk.run(3, 0.5)  # nobody is served: the rounds of any day
    walk.fill()
    walk.run(3, 0.5)  # all are: those of a plain one, which `compile_ahead` looks for
