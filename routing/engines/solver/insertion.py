"""A plan that always exists: regret insertion, tier by tier, and the exchange that keeps priority strict.

Positions are sifted by plain arithmetic over whole arrays (which forgives: it knows one break, not two), and what
survives is asked of the `Timetable`, which decides. Everything here is deterministic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from routing.engines.solver.paces import ManyLegs
from routing.errors import InvalidProblem
from routing.model.plans import CostScheme, Lock, Problem, ShiftOffer, Visit
from routing.rules.reasons import together
from routing.rules.schedule import Timetable, work_by_type
from routing.rules.spans import ALWAYS, Spans, earliest, latest

type Routes = dict[int, list[int]]
"""Visit ids in order, per shift id; an unused shift has an empty list."""

type Served = tuple[tuple[int, ...], tuple[int, ...]]
"""(how many are served, the sum of their ages), each per rank from the top: the bigger one is better."""

type Score = tuple[Served, int]
"""(what is served, minus cost): the bigger one is the better plan. Age lifts a visit within its rank only, so the
counts of all ranks come before the age of any."""

type Slack = list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]
"""(free, wait, latest) per position, once per way of having taken the break: see `Insertion._slack`."""

_SHORT = 6
"""In routes up to so many visits every pair of places is tried for a shipment."""
_MUCH_S = 60
"""So much shorter a way over another place must be to be asked about: tables of real roads are whole seconds."""
_REMEMBERED = 20_000
"""Routes whose slack is kept."""

LOCKED = 2**62
"""The rank of a visit that a person put on a shift: above every tier."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What legs cost, worked out where it is asked: as a table of its own it would be 200 MB at 5,000 places."""

    seconds: NDArray[np.int64]
    metres: NDArray[np.int64]
    per_s: float
    per_m: float

    def __getitem__(self, leg: tuple[Any, Any]) -> Any:
        """Of one leg, or of as many as the indices say; both within the tables."""
        if not self.per_m:
            return self.per_s * self.seconds[leg]
        price = self.per_m * self.metres[leg]
        return price + self.per_s * self.seconds[leg] if self.per_s else price


class Crew(NamedTuple):
    """What the sieve needs of one shift, as plain numbers and arrays (one column more than places: `anywhere`)."""

    shift: ShiftOffer
    durations: NDArray[np.int64]
    start: int
    end: int
    prices: Prices
    setup: NDArray[np.int64]
    service: NDArray[np.int64]


class Sieve:
    """Cheapest positions of all waiting visits in one route: a matrix (visits, positions), inf where it cannot be."""

    def __init__(self, price: NDArray[np.float64]) -> None:
        self.price = price
        self.position = price.argmin(axis=1)
        self.best = price[np.arange(len(price)), self.position]

    def strike(self, row: int) -> float:
        """The cheapest position of this visit does not fit after all: the price of the next."""
        self.price[row, self.position[row]] = np.inf
        self.position[row] = self.price[row].argmin()
        self.best[row] = self.price[row, self.position[row]]
        return float(self.best[row])


class Insertion:
    """Builds and mends routes of one problem. Raises InvalidProblem when the locks contradict each other."""

    def __init__(self, problem: Problem, table: Timetable) -> None:
        self.problem, self.table = problem, table
        self.locks = locks_by_visit(problem)
        self.position_of = {key: lock.position for key, lock in self.locks.items() if lock.position is not None}
        self.rank = {v.id: LOCKED if v.id in self.locks else v.tier for v in problem.visits}
        self.age = {v.id: v.age for v in problem.visits}
        self.ranks = sorted(set(self.rank.values()), reverse=True)
        self.row = {visit.id: row for row, visit in enumerate(problem.visits)}
        self._tables: dict[tuple[str, float, float, float], tuple[NDArray[np.int64], Prices]] = {}
        visits = problem.visits
        self.work = works(problem)
        self._crews = {shift.id: self._crew(shift) for shift in problem.shifts}
        self._spans = {motor: [table.hours(v.id, motor=motor) for v in visits] for motor in (False, True)}
        self._ready = np.array(
            [-(2**60) if v.ready_s is None or v.id in table.done else v.ready_s for v in visits], dtype=np.int64
        )
        most = max((len(windows) for of_all in self._spans.values() for windows in of_all), default=1)
        self._hours = {motor: _columns(of_all, most) for motor, of_all in self._spans.items()}
        self._late_per_s = np.array([table.soft[v.id][1] / 3600 if v.id in table.soft else 0.0 for v in visits])
        self._in_time = _columns([table.soft[v.id][0] if v.id in table.soft else ALWAYS for v in visits], most)
        self._place = np.array([v.place for v in visits], dtype=np.int64)
        dimensions = len(problem.dimensions)
        self._load = np.array([v.load for v in visits], dtype=np.int64).reshape(len(visits), dimensions)
        self._collect = np.array([v.collect for v in visits], dtype=np.int64).reshape(len(visits), dimensions)
        named = bool(self.locks) or any(v.shifts is not None for v in visits)
        may: dict[tuple[int, frozenset[str]], NDArray[np.bool_]] = {}
        self.may = {}
        for shift in problem.shifts:
            who = (shift.id if named else 0, shift.skills)
            if who not in may:
                may[who] = self._may(shift, visits)
            self.may[shift.id] = may[who]
        self._capacity = {s.id: np.array(s.capacity, dtype=np.int64) for s in problem.shifts}
        none = np.zeros(len(visits), dtype=np.int64)
        self.strange = {
            shift.id: np.array([table.strange[shift.id].get(v.id, 0) for v in visits], dtype=np.int64)
            if shift.id in table.strange
            else none
            for shift in problem.shifts
        }
        paces = {shift.profile: table.pace(shift) for shift in problem.shifts}
        self._clocks = {profile: ManyLegs(pace) for profile, pace in paces.items() if pace is not None}
        self._slacks: dict[tuple[int, tuple[int, ...], int], Slack | None] = {}
        kinds: dict[tuple[ShiftOffer, bytes, bytes], int] = {}
        self.kind = {
            shift.id: kinds.setdefault(
                (shift.nameless, self.may[shift.id].tobytes(), self.strange[shift.id].tobytes()), len(kinds)
            )
            for shift in problem.shifts
        }
        compact = any(shift.cost.area_per_km for shift in problem.shifts)
        self._spots = np.array([table.spot(v.id) if compact else (0, 0) for v in visits], dtype=np.int64).reshape(-1, 2)
        self.quick_cost: Callable[[int, Sequence[int]], int] | None = None
        """Asked before the `Timetable`, which is a hundred times slower: -1 for a route that cannot be driven."""
        self.costs_nothing = not (table.soft or table.strange) and all(
            shift.cost == CostScheme() for shift in problem.shifts
        )

    def _crew(self, shift: ShiftOffer) -> Crew:
        anywhere = len(self.problem.places)
        cost = shift.cost
        per_s, per_m = (cost.per_hour + cost.per_travel_hour) / 3600, cost.per_km / 1000
        if per_s == per_m == 0:
            per_s = 1.0
        # Shifts of one profile, speed and rates share their tables.
        key = (shift.profile, shift.speed_factor, per_s, per_m)
        if key not in self._tables:
            seconds, metres = self.table.durations(shift), self.table.distances(shift)
            # At 5,000 places each copy is 200 MB: only what is needed is made.
            if int(min(seconds.min(initial=0), metres.min(initial=0))) < 0:
                blocked = (seconds < 0) | (metres < 0)
                seconds, metres = (np.where(blocked, 2**50, table) for table in (seconds, metres))
            if any(None in (one.start, one.end) for one in self.problem.shifts):
                seconds, metres = (np.pad(table, (0, 1)) for table in (seconds, metres))
            self._tables[key] = seconds, Prices(seconds, metres, per_s, per_m)
        durations, prices = self._tables[key]
        setup, service = self.work.get(shift.type, self.work[""])
        return Crew(
            shift,
            durations,
            anywhere if shift.start is None else shift.start,
            anywhere if shift.end is None else shift.end,
            prices,
            setup,
            service,
        )

    def _may(self, shift: ShiftOffer, visits: Sequence[Visit]) -> NDArray[np.bool_]:
        may = np.array(
            [
                (v.shifts is None or shift.id in v.shifts)
                and v.skills <= shift.skills
                and (v.id not in self.locks or self.locks[v.id].shift == shift.id)
                for v in visits
            ],
            dtype=bool,
        )
        for one in self.problem.shipments:
            # Who may not bring it need not fetch it.
            halves = [self.row[one.pickup], self.row[one.delivery]]
            may[halves] = may[halves].all()
        return may

    # ---- judging

    def fits(self, shift: int, ids: Sequence[int]) -> bool:
        """Whether the route can be driven, and no visit has come to lie behind the place it is locked to."""
        if not ids:
            return True
        if self.position_of and any(at > self.position_of.get(key, at) for at, key in enumerate(ids)):
            return False
        if self.quick_cost is not None and self.quick_cost(shift, ids) < 0:
            return False
        return self.table.times(shift, ids) is not None

    def cost(self, routes: Routes) -> int:
        """What the routes cost; one that cannot be driven counts nothing, it is mended before it counts."""
        times = [self.table.times(shift, ids) for shift, ids in routes.items() if ids]
        return sum(one.cost for one in times if one is not None)

    def weigh(self, shift: int, ids: Sequence[int]) -> float:
        """The cost of one route, or its travel when nobody said what anything costs."""
        if not ids:
            return 0.0
        times = self.table.times(shift, ids)
        assert times is not None
        return float(times.travel_s if self.costs_nothing else times.cost)

    def score(self, routes: Routes) -> Score:
        served = [key for ids in routes.values() for key in ids]
        return self.served_by_rank(served), -round(sum(self.weigh(shift, ids) for shift, ids in routes.items()))

    def served_by_rank(self, served: Iterable[int]) -> Served:
        count = dict.fromkeys(self.ranks, 0)
        age = dict.fromkeys(self.ranks, 0)
        for key in served:
            count[self.rank[key]] += 1
            age[self.rank[key]] += self.age[key]
        return tuple(count[rank] for rank in self.ranks), tuple(age[rank] for rank in self.ranks)

    def distinct(self, routes: Routes, shifts: Sequence[int]) -> list[int]:
        """These shifts, but of unused ones that are alike only the first."""
        seen: set[int] = set()
        out = []
        for shift in shifts:
            if not routes[shift]:
                if self.kind[shift] in seen:
                    continue
                seen.add(self.kind[shift])
            out.append(shift)
        return out

    def waiting(self, routes: Routes) -> list[int]:
        served = {key for ids in routes.values() for key in ids}
        return [visit.id for visit in self.problem.visits if visit.id not in served]

    # ---- building

    def build(self) -> Routes:
        return self.mend({shift.id: [] for shift in self.problem.shifts})

    def mend(self, routes: Routes) -> Routes:
        """What of these routes can be driven as it stands, filled up with all that waits."""
        return self._settle(self.fill(self.drivable(routes)))

    def drivable(self, routes: Routes) -> Routes:
        """What of these routes can be driven as it stands."""
        out: Routes = {shift.id: [] for shift in self.problem.shifts}
        placed: set[int] = set()
        # The done and the locked beginnings of routes stand before anything else is asked.
        fixed = sorted((at, key) for key, at in self.position_of.items())
        for at, key in fixed:
            ids = out[self.locks[key].shift]
            if at == len(ids) and self.fits(self.locks[key].shift, [*ids, key]):
                ids.append(key)
                placed.add(key)
        for shift, ids in routes.items():
            wanted = [key for key in ids if key not in placed and key in self.row and self.may[shift][self.row[key]]]
            whole = [*out[shift], *wanted]
            if self.fits(shift, whole):
                out[shift] = whole
            else:
                kept = set(out[shift])
                for key in wanted:
                    if key in kept:
                        continue
                    unit = {*kept, *together(self.table, key)}
                    candidate = [other for other in whole if other in unit]
                    if self.fits(shift, candidate):
                        out[shift], kept = candidate, unit
            placed.update(out[shift])
        return out

    def _settle(self, routes: Routes) -> Routes:
        """Moves what is locked to a place further back there; where that cannot be, it is left out."""
        for key, at in sorted(self.position_of.items(), key=lambda item: item[1]):
            shift = self.locks[key].shift
            ids = routes[shift]
            if key in ids and ids.index(key) != at:
                rest = [other for other in ids if other != key]
                moved = [*rest[:at], key, *rest[at:]]
                routes[shift] = moved if at <= len(rest) and self.fits(shift, moved) else rest
                if not self.fits(shift, routes[shift]):
                    routes[shift] = [other for other in rest if other in self.locks]
        return routes

    def settled(self, routes: Routes) -> bool:
        """Whether every visit that is locked to a place and served is exactly there."""
        for key, at in self.position_of.items():
            ids = routes[self.locks[key].shift]
            if key in ids and (at >= len(ids) or ids[at] != key):
                return False
        return True

    def fill(self, routes: Routes) -> Routes:
        """Inserts what waits, rank by rank from the top, the one that would regret waiting most first."""
        routes = {shift: list(ids) for shift, ids in routes.items()}
        waiting = self.waiting(routes)
        for rank in self.ranks:
            keys = [key for key in waiting if self.rank[key] == rank]
            for key in keys:
                if key in self.table.mate:
                    self._ship(routes, key)
            self._fill(routes, [key for key in keys if not self.is_shipped(key)])
        return routes

    def is_shipped(self, key: int) -> bool:
        return key in self.table.mate or key in self.table.pickup_of

    def _ship(self, routes: Routes, key: int) -> None:
        """Puts a shipment where it costs least, if it fits anywhere."""
        best, where = np.inf, None
        for shift in self.distinct(routes, list(routes)):
            for price, candidate in self._placements(shift, routes[shift], key):
                if price < best and self.fits(shift, candidate):
                    best, where = price, (shift, candidate)
        if where is not None:
            routes[where[0]] = where[1]

    def _placements(self, shift: int, ids: Sequence[int], key: int) -> Iterator[tuple[float, list[int]]]:
        """(price, route) for each way of adding a visit, or both visits of the shipment it fetches, that the sieve
        lets through."""
        row = np.array([self.row[key]], dtype=np.int64)
        first = self.sieve(shift, ids, row).price[0]
        if key in self.table.mate:
            yield from self._at_once(shift, ids, key, np.flatnonzero(~np.isfinite(first)))
        for at in np.flatnonzero(np.isfinite(first)).tolist():
            tried = [*ids[:at], key, *ids[at:]]
            if key not in self.table.mate:
                yield float(first[at]), tried
                continue
            mate = self.table.mate[key]
            second = self.sieve(shift, tried, np.array([self.row[mate]], dtype=np.int64)).price[0]
            for to in (at + 1 + np.flatnonzero(np.isfinite(second[at + 1 :]))).tolist():
                yield float(first[at] + second[to]), [*tried[:to], mate, *tried[to:]]

    def _fill(self, routes: Routes, keys: list[int]) -> None:
        if not keys or not routes:
            return
        rows = np.array([self.row[key] for key in keys], dtype=np.int64)
        shifts = self.distinct(routes, list(routes))
        sieves = [self.sieve(shift, routes[shift], rows) for shift in shifts]
        best = np.stack([sieve.best for sieve in sieves], axis=1)
        open_ = np.ones(len(keys), dtype=bool)
        while True:
            if best.shape[1] == 1:
                first, regret = best[:, 0], -best[:, 0]
            else:
                two = np.partition(best, 1, axis=1)[:, :2]
                first = two[:, 0]
                # One shift only left: it goes before all that have a choice.
                regret = np.where(np.isinf(two[:, 1]), 1e15, two[:, 1]) - np.where(np.isinf(first), 0, first)
            possible = open_ & np.isfinite(first)
            if not possible.any():
                return
            # What is cheap goes before what is dear: chosen by regret alone, clusters are torn apart.
            wish = np.minimum(regret, 1e14) - np.where(np.isinf(first), 0, first)
            row = int(np.where(possible, wish, -np.inf).argmax())
            column = int(best[row].argmin())
            shift, at = shifts[column], int(sieves[column].position[row])
            ids = routes[shift]
            candidate = [*ids[:at], keys[row], *ids[at:]]
            if not self.fits(shift, candidate):
                sieves[column].strike(row)
                best[row, column] = sieves[column].best[row]
                continue
            routes[shift] = candidate
            open_[row] = False
            sieves[column] = self.sieve(shift, candidate, rows)
            best[:, column] = sieves[column].best
            if not ids:
                for other in self.distinct(routes, list(routes)):
                    if other not in shifts:
                        shifts.append(other)
                        sieves.append(self.sieve(other, routes[other], rows))
                        best = np.column_stack([best, sieves[-1].best])

    def sieve(self, shift_id: int, ids: Sequence[int], rows: NDArray[np.int64]) -> Sieve:
        crew = self._crews[shift_id]
        shift = crew.shift
        here = [self.row[key] for key in ids]
        price = np.full((len(rows), len(ids) + 1), np.inf)
        capacity = self._capacity[shift_id]
        if shift.most_trips > 1:
            capacity = capacity * shift.most_trips
        load = self._load[rows] + self._load[here].sum(axis=0)
        collect = self._collect[rows] + self._collect[here].sum(axis=0)
        able = self.may[shift_id][rows] & ((load <= capacity) & (collect <= capacity)).all(axis=1)
        if shift.max_visits is not None and len(ids) >= shift.max_visits:
            able[:] = False
        some = np.flatnonzero(able)
        if not len(some):
            return Sieve(price)
        rows = rows[some]
        before = np.array([crew.start, *self._place[here]], dtype=np.int64)
        after = np.array([*self._place[here], crew.end], dtype=np.int64)
        place = self._place[rows][:, None]
        to, on = crew.durations[before[None, :], place], crew.durations[place, after[None, :]]
        work = crew.service[rows][:, None] + np.where(place == before[None, :], 0, crew.setup[rows][:, None])
        spent, clock = work + on, self._clocks.get(shift.profile)
        leave = shift.start_s + shift.loading_s
        if here and shift.most_trips == 1:
            leave = max(leave, int(self._ready[here].max()))
        # Goods that come later hold up the whole trip: one pass per moment of leaving.
        leaving = np.maximum(self._ready[rows], leave)
        if shift.most_trips > 1:
            # Whoever reloads waits for them at noon: the sieve forgives.
            leaving[:] = leave
        possible = np.zeros(to.shape, dtype=bool)
        late = np.full(to.shape, np.inf)
        may_be_late = bool(self._late_per_s[rows].any())
        for moment in [leave] if leaving.max() == leave else np.unique(leaving).tolist():
            slack = self._remembered(crew, tuple(ids), here, before, after, moment)
            if slack is None:
                continue
            fits = np.zeros(to.shape, dtype=bool)
            for free, wait, latest_s in slack:
                if clock is None:
                    reach = free + np.maximum(to - wait, 0) if wait.any() else free + to
                    start = self._start(reach, rows, shift.motor)
                    here_fits = start + spent <= latest_s
                else:
                    start = self._start(clock.arrive(free + np.zeros_like(to), to, wait), rows, shift.motor)
                    here_fits = clock.arrive(start + work, on) <= latest_s
                fits |= here_fits
                if may_be_late:
                    owed = self._late_by(start, rows) * self._late_per_s[rows][:, None]
                    late = np.where(here_fits & (leaving == moment)[:, None], np.minimum(late, owed), late)
            possible |= fits & (leaving == moment)[:, None]
        cost = crew.prices[before[None, :], place] + crew.prices[place, after[None, :]]
        cost -= crew.prices[before, after]
        if shift.cost.per_task_hour:
            cost += shift.cost.per_task_hour / 3600 * work
        if shift_id in self.table.strange:
            alone = (place != before[None, :]) & (place != after[None, :])
            cost += np.where(alone, self.strange[shift_id][rows][:, None], 0)
        if shift.cost.balance_per_hour and here:
            lasts = float(crew.durations[before, after].sum() + crew.service[here].sum())
            cost += shift.cost.balance_per_hour * lasts / 3600**2 * work
        if shift.cost.area_per_km and here:
            away = self._spots[rows] - self._spots[here].mean(axis=0)
            cost += shift.cost.area_per_km / 1000 * np.hypot(away[:, 0], away[:, 1])[:, None]
        if may_be_late:
            cost += np.where(possible, late, 0.0)
        if not ids:
            cost += crew.prices[crew.start, crew.end] + shift.cost.fixed
        price[some] = np.where(possible, cost, np.inf)
        return Sieve(price)

    def _remembered(
        self,
        crew: Crew,
        ids: tuple[int, ...],
        here: Sequence[int],
        before: NDArray[np.int64],
        after: NDArray[np.int64],
        leave: int,
    ) -> Slack | None:
        """`_slack`, kept for routes that come back: most routes of a round are those of the round before."""
        key = (crew.shift.id, ids, leave)
        if key not in self._slacks:
            if len(self._slacks) >= _REMEMBERED:
                self._slacks.clear()
            self._slacks[key] = self._slack(crew, here, before, after, leave)
        return self._slacks[key]

    def _start(self, reach: NDArray[np.int64], rows: NDArray[np.int64], motor: bool) -> NDArray[np.int64]:
        """When service may begin, for arrivals of shape (rows, positions); far in the future when the windows are
        over."""
        start = np.full(reach.shape, 2**61, dtype=np.int64)
        firsts, lasts = self._hours[motor]
        for first, last in zip(firsts[::-1], lasts[::-1], strict=True):
            start = np.where(reach <= last[rows][:, None], np.maximum(reach, first[rows][:, None]), start)
        return start

    def _late_by(self, start: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Seconds after the end of the last hours that have begun, for starts of shape (rows, positions)."""
        late = np.zeros(start.shape, dtype=np.int64)
        for first, last in zip(*self._in_time, strict=True):
            late = np.where(start >= first[rows][:, None], np.maximum(0, start - last[rows][:, None]), late)
        return late

    def _slack(
        self, crew: Crew, here: Sequence[int], before: NDArray[np.int64], after: NDArray[np.int64], leave: int
    ) -> Slack | None:
        """(free, wait, latest) per position: when the van is free at the earliest, how much of a wait since then can be
        driven, and when it must be at what follows at the latest. One triple per way of having taken the break
        (before the position, or after it); more than one break is forgiven. None when the route cannot leave that late.
        By the clock a wait is counted in progress.
        """
        shift = crew.shift
        travel = crew.durations[before, after].tolist()
        count = len(here)
        windows = [self._spans[shift.motor][row] for row in here]
        work = [
            int(crew.service[row]) + (0 if before[n] == after[n] else int(crew.setup[row]))
            for n, row in enumerate(here)
        ]
        pace = self.table.pace(shift)
        pause = self.table.breaks(shift.id)[0] if len(shift.breaks) == 1 else (0, ALWAYS)
        duration, times = pause
        far = 2**61
        free0, free1, wait1 = [leave], [far], [0]
        for n in range(count + 1):
            # The break right here, or earlier on.
            begin = earliest(times, free0[n])
            if begin is not None and begin + duration < free1[n]:
                free1[n], wait1[n] = begin + duration, begin - free0[n]
                if pace is not None:
                    wait1[n] = pace.progress(begin) - pace.progress(free0[n])
            if n == count:
                break
            start = earliest(windows[n], free0[n] + travel[n] if pace is None else pace.arrive(free0[n], travel[n]))
            free0.append(far if start is None else start + work[n])
            there = free1[n] + max(0, travel[n] - wait1[n])
            if pace is not None:
                there = max(free1[n], pace.arrive(free1[n], travel[n], -wait1[n]))
            start = earliest(windows[n], there)
            free1.append(far if start is None else start + work[n])
            wait1.append(0)
        if free0[count] >= far:
            return None
        limit0 = limit1 = shift.until_s - shift.debrief_s
        late0, late1 = [limit0], []
        for n in range(count, -1, -1):
            # The break just before what follows, or later on.
            begin = latest(times, limit0 - duration)
            rest = -far if begin is None else begin
            limit1 = rest if n == count else max(rest, limit1)
            late1.append(limit1)
            if n == 0:
                break
            setup = int(crew.setup[here[n - 1]])
            left = limit0 - travel[n] if pace is None else pace.leave(limit0, travel[n])
            last = latest(windows[n - 1], left - work[n - 1])
            # An insertion before it may spare the setup: the sieve forgives that much.
            limit0 = -far if last is None else last + setup
            left = limit1 + min(0, -travel[n]) if pace is None else pace.leave(limit1, travel[n])
            last = latest(windows[n - 1], left - work[n - 1]) if limit1 > -far else None
            limit1 = -far if last is None else last + setup
            late0.append(limit0)
        none = np.zeros(count + 1, dtype=np.int64)
        ways = [
            (np.array(free0, dtype=np.int64), none, np.array(late1[::-1], dtype=np.int64)),
            (np.array(free1, dtype=np.int64), np.array(wait1, dtype=np.int64), np.array(late0[::-1], dtype=np.int64)),
        ]
        return ways if duration else ways[1:]

    # ---- strict priority

    # ---- tidying

    def tidy(self, routes: Routes, *, stopped: Callable[[], bool]) -> Routes:
        """Moves single visits until none is cheaper anywhere else. A dispatcher who tries a move by hand must not find
        what the search overlooked. Routes whose order a person or the day has fixed in part are left as they are.
        Stopped early, it answers what it has."""
        routes = {shift: list(ids) for shift, ids in routes.items()}
        weights = {shift: self.weigh(shift, ids) for shift, ids in routes.items()}
        better = True
        while better:
            better = False
            for key in [key for ids in routes.values() for key in ids]:
                if stopped():
                    return routes
                better |= self._move_to_cheapest(routes, weights, key)
        return routes

    def _move_to_cheapest(self, routes: Routes, weights: dict[int, float], key: int) -> bool:
        fixed = {
            shift for shift, ids in routes.items() if any(k in self.position_of or k in self.table.done for k in ids)
        }
        home = next(shift for shift, ids in routes.items() if key in ids)
        if home in fixed:
            return False
        if key in self.table.pickup_of:
            return False  # it moves with what fetches it
        unit = together(self.table, key)
        without = [other for other in routes[home] if other not in unit]
        left = self._weight_if_it_fits(home, without)
        if left is None:
            return False
        least = weights[home] - left - 0.5  # below a thousandth of a minor unit nothing is gained
        best: tuple[int, list[int], float] | None = None
        for shift in self.distinct(routes, [shift for shift in routes if shift not in fixed]):
            base, before = (without, left) if shift == home else (routes[shift], weights[shift])
            for _, tried in self._placements(shift, base, key):
                weight = self._weight_if_it_fits(shift, tried)
                if weight is not None and weight - before < least:
                    least, best = weight - before, (shift, tried, weight)
        if best is None:
            return False
        routes[home], weights[home] = without, left
        routes[best[0]], weights[best[0]] = best[1], best[2]
        return True

    def _weight_if_it_fits(self, shift: int, ids: Sequence[int]) -> float | None:
        return self.weigh(shift, ids) if self.fits(shift, ids) else None

    # ---- keeping priority strict

    def exchange(self, routes: Routes) -> Routes:
        """Until no visit that waits could be served by taking out only visits of lower rank.

        Each exchange serves one more of a higher rank and none fewer of those above, so it ends: where the filling up
        afterwards drives a locked visit from its place, nothing is exchanged.
        """
        while (better := self._exchanged(routes)) is not None:
            routes = better
        return routes

    def _exchanged(self, routes: Routes) -> Routes | None:
        """After the first exchange that serves one more, those of the highest rank and the oldest first."""
        waiting = sorted(self.waiting(routes), key=lambda key: (-self.rank[key], -self.age[key], self.row[key]))
        for rank in self.ranks:
            keys = [key for key in waiting if self.rank[key] == rank and key not in self.table.pickup_of]
            if not keys:
                continue
            room = self._room(routes, rank, [key for key in keys if not self.is_shipped(key)])
            for key in keys:
                better = self._make_room(routes, key, room)
                if better is not None and self.settled(better):
                    return better
        return None

    def _room(self, routes: Routes, rank: int, keys: Sequence[int]) -> dict[int, list[tuple[int, list[int]]]]:
        """(shift, route) by visit: where it may fit when all of lower rank have left, sifted for all visits at once.
        Under -1 the routes as they are left."""
        rows = np.array([self.row[key] for key in keys], dtype=np.int64)
        room: dict[int, list[tuple[int, list[int]]]] = {key: [] for key in (*keys, -1)}
        for shift, ids in routes.items():
            kept = [other for other in ids if self.rank[other] >= rank]
            if not self.may[shift].any() or not self.fits(shift, kept):
                continue
            room[-1].append((shift, kept))
            if not keys:
                continue
            for row, at in np.argwhere(np.isfinite(self.sieve(shift, kept, rows).price)).tolist():
                key = keys[row]
                room[key].append((shift, [*kept[:at], key, *kept[at:]]))
        return room

    def _make_room(self, routes: Routes, key: int, room: Mapping[int, list[tuple[int, list[int]]]]) -> Routes | None:
        if key in room:
            candidates = room[key]
        else:
            candidates = [
                (shift, candidate)
                for shift, kept in room[-1]
                if self.may[shift][self.row[key]]
                for candidate in self._all_placements(shift, kept, key)
            ]
        offers: list[tuple[int, int, list[int]]] = []
        for shift, candidate in candidates:
            if self.fits(shift, candidate) and self.settled({**routes, shift: candidate}):
                times = self.table.times(shift, candidate)
                assert times is not None
                offers.append((times.cost, shift, candidate))
        if not offers:
            return None
        _, shift, ids = min(offers)
        return self.fill({**routes, shift: ids})

    def _at_once(
        self, shift: int, ids: Sequence[int], key: int, where: NDArray[np.int64]
    ) -> Iterator[tuple[float, list[int]]]:
        """A shipment brought as soon as it is fetched, where the way on is much shorter over the one it is brought to:
        the sieve asks of both by themselves, and would miss that."""
        crew, mate = self._crews[shift], self.table.mate[key]
        one, other = (int(self._place[self.row[each]]) for each in (key, mate))
        if not self.may[shift][self.row[key]]:
            return
        line = [crew.start, *(int(self._place[self.row[each]]) for each in ids), crew.end]
        for at in where.tolist():
            before, after = line[at], line[at + 1]
            if crew.durations[one, other] + crew.durations[other, after] + _MUCH_S < crew.durations[one, after]:
                price = crew.prices[before, one] + crew.prices[one, other] + crew.prices[other, after]
                yield float(price - crew.prices[before, after]), [*ids[:at], key, mate, *ids[at:]]

    def _all_placements(self, shift: int, ids: Sequence[int], key: int) -> Iterator[list[int]]:
        """Every way of adding a shipment to a short route; in long ones what the sieve lets through."""
        if len(ids) > _SHORT:
            yield from (candidate for _, candidate in self._placements(shift, ids, key))
            return
        mate = self.table.mate[key]
        for at in range(len(ids) + 1):
            tried = [*ids[:at], key, *ids[at:]]
            yield from ([*tried[:to], mate, *tried[to:]] for to in range(at + 1, len(tried) + 1))


def _columns(windows: Sequence[Spans], most: int) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
    """(firsts, lasts) of all visits, window by window; shorter lists repeat their last window."""
    padded = [[w[min(k, len(w) - 1)] for w in windows] for k in range(most)]
    return (
        [np.array([first for first, _ in line], dtype=np.int64) for line in padded],
        [np.array([last for _, last in line], dtype=np.int64) for line in padded],
    )


def works(problem: Problem) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(setup, service) per visit, for each type of vehicle with times of its own; "" for all others."""
    plain = {visit.id: (visit.setup_s, visit.service_s) for visit in problem.visits}
    out = {}
    for kind, times in {"": plain, **work_by_type(problem)}.items():
        both = np.array([times[visit.id] for visit in problem.visits], dtype=np.int64).reshape(len(problem.visits), 2)
        out[kind] = (both[:, 0].copy(), both[:, 1].copy())
    return out


def locks_by_visit(problem: Problem) -> dict[int, Lock]:
    """One lock per visit. Raises InvalidProblem naming the locks that contradict each other or name nothing."""
    visits = {visit.id for visit in problem.visits}
    shifts = {shift.id for shift in problem.shifts}
    locks: dict[int, Lock] = {}
    taken: dict[tuple[int, int], int] = {}
    for lock in problem.locks:
        if lock.visit not in visits or lock.shift not in shifts:
            raise InvalidProblem(
                f"A lock puts delivery {lock.visit} on shift {lock.shift}, but the problem has no such "
                f"{'shift' if lock.visit in visits else 'delivery'}. Take the lock off."
            )
        if lock.visit in locks:
            raise InvalidProblem(
                f"Delivery {lock.visit} is locked twice: to shift {locks[lock.visit].shift} and to shift {lock.shift}. "
                "Take one lock off."
            )
        locks[lock.visit] = lock
        if lock.position is not None:
            if lock.position < 0:
                raise InvalidProblem(f"Delivery {lock.visit} is locked to position {lock.position}: the first is 0.")
            other = taken.setdefault((lock.shift, lock.position), lock.visit)
            if other != lock.visit:
                raise InvalidProblem(
                    f"Deliveries {other} and {lock.visit} are both locked to position {lock.position} of shift "
                    f"{lock.shift}. Take one lock off."
                )
    return locks


def as_routes(problem: Problem, routes: Iterable[tuple[int, Sequence[int]]]) -> Routes:
    """Every shift of the problem with its visits; shifts that are gone are forgotten."""
    given = {shift: list(ids) for shift, ids in routes}
    return {shift.id: given.get(shift.id, []) for shift in problem.shifts}
