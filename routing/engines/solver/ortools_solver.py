"""OR-Tools as the planner: strict tiers one after the other, every plan recomputed by the schedule and judged by the
checker.

How a solve goes:

1. Insertion gives a plan within a fraction of a second (by regret, of many visits by a compiled greedy one), and an
   exchange makes priority strict (insertion.py).
2. Ruin and recreate, compiled (walk.py, kernel.py; plain.py for plain days), takes most of the time: it fills tight
   days and lowers the cost, rank by rank. On long routes PyVRP searches on from there; on short ones of a large day the
   best is put together out of all routes that were driven (recombine.py).
3. Per rank from the top (first what a person locked, then tier by tier): if visits of that rank are still waiting, a
   model with this rank and those above maximises first how many of them are served, then their age. What was reached
   above is a constraint of the model, never a price: prices would have to grow by powers and overflow.
4. A model with everything lowers the cost until the limit, and keeps what every rank has reached.
5. Each answer goes through the schedule; what OR-Tools sees differently (setup at a door with several deliveries) is
   mended by insertion. The exchange runs once more, then `violations` decides: a plan it objects to is a SolverError.

On days with slices of speed (time of day) OR-Tools builds no model: its matrices know one time per leg, and callbacks
that ask the clock it rejects. Steps 3 and 4 are left out; the walk knows the clock, the exchange keeps priority strict,
and the checker has the last word as ever.

A lock means "this shift or nobody". What cannot ride where it is locked is left out with LOCKED_BY_YOU; locks that
contradict each other, or a done visit that cannot stay where it was done, are an InvalidProblem.

A shift that may reload is in no model: OR-Tools plans around it, and who rides there stays there. Such routes are the
walk's, by the schedule and the checker alone.

The same problem, seed and `iterations` give the same plan, as long as the time limit is not reached first.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ortools.constraint_solver import pywrapcp, routing_enums_pb2
from ortools.util import optional_boolean_pb2

from routing.engines.solver.finish import plan_of, served_by_tier
from routing.engines.solver.insertion import LOCKED, Insertion, Routes, Score, as_routes
from routing.engines.solver.islands import Islands
from routing.engines.solver.limits import check_limits
from routing.engines.solver.pyvrp_solver import can_be_asked
from routing.engines.solver.pyvrp_solver import searched as walk_on_with_pyvrp
from routing.engines.solver.recombine import can_recombine, recombine
from routing.engines.solver.route_pool import RoutePool
from routing.engines.solver.walk import RuinAndRecreate, route_costs, warm
from routing.model.plans import CostScheme, Plan, Problem, ShiftOffer, SolveProgress
from routing.rules.reasons import together
from routing.rules.schedule import Timetable
from routing.rules.spans import Spans, spans

_SLOW_OPERATORS = (
    "use_global_cheapest_insertion_path_lns",
    "use_local_cheapest_insertion_path_lns",
    "use_relocate_path_global_cheapest_insertion_insert_unperformed",
    "use_relocate_expensive_chain",
)
_POLISH_SHARE = 0.15
"""At most so much of the time limit is OR-Tools'; ruin and recreate has the rest."""
_POLISH_S = (0.5, 0.003)
"""Seconds, and seconds per visit: what OR-Tools needs to accept a plan. More helps only where somebody still waits."""
_MOST_AT_ONCE = 1_500
"""Of more visits a model takes gigabytes and minutes to read a plan: there the walk has the last word, and the
checker."""
_TIDY_SHARE = 0.05
"""Of the time limit for the last look at single moves."""
_LONG_ROUTE = 18
"""Stops of a route from which on PyVRP finds what the walk misses; of few stops, it helps from fewer on."""
_FEW, _SHORTER_ROUTE = 250, 12
_PYVRP_SHARE, _PYVRP_SHARE_OF_FEW = 0.7, 0.3
_MANY, _VALLEYS, _SHARE_AFTER_VALLEYS = 500, 3, 0.85
"""Of long routes and more than `_MANY` visits, up to `_MOST_AT_ONCE`, so many short hot walks are made, and PyVRP goes
on from the best: how many vans drive where is settled within the first seconds, and little found afterwards changes it.
At 400 visits it is no better."""
_TURNS = ((0.0, 0.7, 0.83), (0.75, 0.9, 1.0))
"""Of short routes and as many visits, the walk cools down and the best is put together out of the routes it drove; then
both once more. At which part a walk begins, which share of the time is over when it ends, and when the other does."""
_ROUNDS_OF_TURN = (0.85, 0.15)
_LEAST_S_TO_RECOMBINE = 0.02
"""Seconds per visit that a search must have for it: in less the walk has not found what there is to put together."""
_ROUNDS_OF_PYVRP = 100
"""With a limit of rounds, one of PyVRP's for so many of the walk's: about as long."""
_BRANCHES = 600_000
"""With a limit of rounds OR-Tools ends after so many of its branches, divided by the visits of its model: one costs the
more the more visits there are, and so it takes about the second or two that it has by the clock."""
_REGRET = 300
"""Up to so many visits the first plan is built by regret; beyond, that would take seconds and the walk needs none."""
_SMALL, _AFRESH, _ROUNDS_AFRESH = 100, 8, 1_000
"""Up to so many visits, the search begins afresh so often, but not for fewer rounds than that."""
_LONG_WALK, _AFRESH_LONG = 2_000, 2
"""From so many rounds a visit on, twice is enough: a long walk finds room for one more that eight short ones miss."""
_ENOUGH = 1_000
"""So many rounds, times the square of the visits, and a handful of them is tried out before the time is over."""
_HOTTER = -0.3
"""The part of a walk at which it begins then, when it goes on from the first plan: about three times as hot."""
_WARM = 0.65
"""The part at which a walk ends that PyVRP goes on from while it is still warm."""
_STRIDE_S = 0.02
"""The walk looks up at the clock, for a cancel and to tell about this often."""
_COST_SCALE = 10**10
"""The cost of any plan is scaled to stay below this inside a model, so that counts always weigh more."""


def solve(
    problem: Problem,
    *,
    seed: int,
    time_limit_s: float,
    iterations: int | None = None,
    start: Plan | None = None,
    progress: Callable[[SolveProgress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    found: Callable[[Routes], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    threads: int | None = None,
) -> Plan:
    """The best plan in the limit, in seconds of `clock`. `found` gets the visits per shift of each better plan, at most
    five a second.

    `iterations` limits the rounds of ruin and recreate, and to a hundredth of it the solutions OR-Tools accepts per
    model, which also ends after so many branches; the time limit holds as well. Cancelling keeps the best.
    `threads` walk at once: by default one for each core, and one with a limit of rounds.
    Raises InvalidProblem, SolverError.
    """
    check_limits(problem)
    warm()  # the clock starts when everything is compiled
    search = _Search(problem, seed, time_limit_s, iterations, progress, cancelled, found, clock, threads)
    if problem.visits and problem.shifts:
        search.begin(start)
        search.improve()
    return search.plan()


class _Search:
    """One solve: the best routes so far, the clock, and who wants to hear of it."""

    def __init__(
        self,
        problem: Problem,
        seed: int,
        time_limit_s: float,
        iterations: int | None,
        progress: Callable[[SolveProgress], None] | None,
        cancelled: Callable[[], bool] | None,
        found: Callable[[Routes], None] | None,
        clock: Callable[[], float],
        threads: int | None,
    ) -> None:
        self.threads = threads or (len(os.sched_getaffinity(0)) if iterations is None else 1)
        self.clock = clock
        self.problem, self.seed, self.iterations = problem, seed, iterations
        self.progress, self.cancelled, self.found = progress, cancelled, found
        self.began = self.clock()
        self.end = self.began + max(0.0, time_limit_s)
        self.deadline = self.began + max(0.0, time_limit_s) * (1 - _TIDY_SHARE)
        self.last_told = -1.0
        self.solutions = 0
        self.table = Timetable(problem)
        self.insertion = Insertion(problem, self.table)
        self.routes: Routes = {shift.id: [] for shift in problem.shifts}
        self.score: Score | None = None
        self.reachable: dict[int, list[int]] = {}
        self.reloading = {shift.id for shift in problem.shifts if shift.most_trips > 1}
        self.filled: RuinAndRecreate | None = None
        """The walk that made the first plan: it goes on from there."""

    # ---- phases

    def begin(self, start: Plan | None) -> None:
        if len(self.problem.visits) > _REGRET and not self.insertion.position_of:
            self.filled = RuinAndRecreate(self.insertion, self.routes, seed=self.seed)
            self.insertion.quick_cost = self.filled.route_costs()
        elif self.reloading:
            # Of a shift of several trips every way of cutting is tried.
            self.insertion.quick_cost = route_costs(self.insertion)
        # Shifts that are alike answer alike.
        alike: dict[int, list[int]] = {}
        for shift in self.problem.shifts:
            alike.setdefault(self.insertion.kind[shift.id], []).append(shift.id)
        for visit in self.problem.visits:
            self.reachable[visit.id] = []
            for shifts in alike.values():
                if self.insertion.may[shifts[0]][self.insertion.row[visit.id]]:
                    alone = together(self.table, visit.id)
                    if self._drives(shifts[0], alone):
                        self.reachable[visit.id] += shifts
        if start is not None:
            given = as_routes(self.problem, [(route.shift, route.visits) for route in start.routes])
            self.offer(self.insertion.mend(given), "first")
        if self.filled is not None:
            # The rounds fill it up rank by rank, quicker than an exchange would: that comes last.
            self.filled.begin_from(self.routes)
            self.filled.fill()
            self.offer(self.filled.best, "first")
            return
        self.offer(self.insertion.build(), "first")
        self.offer(self.insertion.exchange(self.routes), "first")

    def _drives(self, shift: int, ids: Sequence[int]) -> bool:
        quick = self.insertion.quick_cost
        return self.table.times(shift, ids) is not None if quick is None else quick(shift, ids) >= 0

    def walk(self) -> None:
        """Ruin and recreate, cooling down over its share of the time or its rounds."""
        walk, self.filled = self.filled, None
        if walk is None or walk.best != self.routes:
            walk = RuinAndRecreate(self.insertion, self.routes, seed=self.seed)
        recombines = self._recombines(walk)
        began = self.clock()
        share = self.deadline - began
        if self.iterations is None:
            polish = share * _POLISH_SHARE
            if recombines or not self._worth_a_model(polish / 2):
                # What is left to polish of such a plan is less than the walk finds meanwhile.
                polish = 0.0
            elif not self.waiting_of([key for key, shifts in self.reachable.items() if shifts]):
                # A little over: less than what it needs is refused, and the walk ends a stride late.
                polish = min(polish, 1.05 * (_POLISH_S[0] + _POLISH_S[1] * len(self.problem.visits)))
            share -= polish if len(self.problem.visits) <= _MOST_AT_ONCE else 0.0
        enough = max(20_000, _ENOUGH * len(self.problem.visits) ** 2)
        limit = enough if self.iterations is None else self.iterations
        polished_s = share * self._pyvrp_share(walk)
        valleys = self._seeks_valleys(walk)
        share -= polished_s
        times, best, first = _VALLEYS if valleys else self._times_afresh(walk, limit), walk, walk.best
        if recombines:
            best, times = self._walk_and_recombine(walk, limit, share), 0
        for n in range(times):
            if n and self.stopped():
                break
            if valleys:
                parts, begin = (_HOTTER, _WARM), self._beside(walk, first, n) if n else walk
            else:
                # What was found afresh from the first plan begins hotter.
                parts, begin = (_HOTTER if n and n % 2 == 0 else 0.0, 1.0), self._afresh(n) if n else walk
            ahead = self._anneal(begin, limit // times, share / times, parts, tells=n == 0)
            if ahead.standing > best.standing:
                best = ahead
                self.tell(best.best, "fill")
        walk = best
        if polished_s > 0:
            self.tell(walk.best, "fill", always=True)
            until, since = began + share + polished_s, self.clock()
            walk_on_with_pyvrp(
                walk,
                seed=self.seed,
                stopped=lambda: self.stopped() or (self.iterations is None and self.clock() >= until),
                rounds=None if self.iterations is None else self.iterations // _ROUNDS_OF_PYVRP,
                part=lambda: (self.clock() - since) / max(until - since, 1e-6),
            )
        routes = walk.best
        if not all(self.insertion.fits(shift, ids) for shift, ids in routes.items()):
            routes = self.insertion.mend(routes)
        self.offer(routes, "fill")

    def _walk_and_recombine(self, walk: RuinAndRecreate, limit: int, share_s: float) -> RuinAndRecreate:
        """A walk from hot to cold, the best out of all its routes, and that again from there while it is cool."""
        began = self.clock()
        walk.pool = RoutePool()
        for (first, walked, until), rounds in zip(_TURNS, _ROUNDS_OF_TURN, strict=True):
            left_s = began + walked * share_s - self.clock()
            walk = self._anneal(walk, int(limit * rounds), left_s, (first, 1.0), tells=True)
            end = None if self.iterations is not None else began + until * share_s
            better = recombine(
                walk,
                seed=self.seed,
                stopped=partial(self._over, end),
                left_s=None if end is None else partial(self._left_s, end),
            )
            if better:
                self.tell(walk.best, "fill")
        return walk

    def _over(self, end: float | None) -> bool:
        return self.stopped() or (end is not None and self.clock() >= end)

    def _left_s(self, end: float) -> float:
        return end - self.clock()

    def _anneal(
        self, walk: RuinAndRecreate, limit: int, share_s: float, parts: tuple[float, float], *, tells: bool
    ) -> RuinAndRecreate:
        """Walks from hot to cold, between these parts of a walk, over so many rounds or, without a limit of them, so
        many seconds at most. The walk that came out ahead. `tells`: what is found afresh is told only when it is known
        to be better than what was told before."""
        islands = Islands(walk, seed=self.seed, threads=self.threads if len(self.problem.visits) > _FEW else 1)
        began, (first, last) = self.clock(), parts
        rounds, stride = 0, 50
        while rounds < limit and not self.stopped():
            part = rounds / limit
            if self.iterations is None:
                part = max(part, (self.clock() - began) / max(share_s, 1e-6))
                if part >= 1:
                    break
            looked = self.clock()
            stride = min(stride, limit - rounds)
            better = islands.run(stride, first + (last - first) * part)
            rounds += stride
            if self.iterations is None:
                # With a limit of rounds strides are the same on every machine, since each has its temperature.
                stride = max(10, min(2 * stride, round(stride * _STRIDE_S / max(self.clock() - looked, 1e-6))))
            else:
                stride = 50
            if better and tells:
                self.tell(islands.ahead.best, "fill")
        self.solutions += rounds * len(islands.walks)
        ahead = islands.ahead
        if ahead.pool is not None:
            ahead.pool.add([other.pool for other in islands.walks if other.pool and other is not ahead])
        return ahead

    def _times_afresh(self, walk: RuinAndRecreate, limit: int) -> int:
        """How often a small day is searched, each time from another beginning: of few routes each is a valley of its
        own. Plain days have PyVRP for that."""
        if len(self.problem.visits) > _SMALL or can_be_asked(walk.day):
            return 1
        most = _AFRESH_LONG if limit >= _LONG_WALK * len(self.problem.visits) else _AFRESH
        return max(1, min(most, limit // _ROUNDS_AFRESH))

    def _afresh(self, n: int) -> RuinAndRecreate:
        """Every other time from nothing, where nobody stands in a fixed place."""
        routes: Routes = self.routes
        if n % 2 and not self.insertion.position_of:
            routes = {shift: [] for shift in routes}
        walk = RuinAndRecreate(self.insertion, routes, seed=self.seed + 104_729 * n)
        if routes is not self.routes:
            walk.fill()
        return walk

    def _beside(self, walk: RuinAndRecreate, routes: Routes, n: int) -> RuinAndRecreate:
        """Another walk from the same beginning, which shares the tables: they are large."""
        other = walk.beside(self.seed + 104_729 * n)
        other.begin_from(routes)
        return other

    def _seeks_valleys(self, walk: RuinAndRecreate) -> bool:
        """Whether several short walks look for where PyVRP begins. Evidence: 1,000 stops in 60 s, 400 in 10 s."""
        return _MANY < len(walk.visits) <= _MOST_AT_ONCE and self._pyvrp_share(walk) == _SHARE_AFTER_VALLEYS

    def _recombines(self, walk: RuinAndRecreate) -> bool:
        """Whether the routes of a walk are put together anew. Evidence: 1,000 stops in 60 s."""
        visits = len(walk.visits)
        long_enough = self.iterations is not None or self.deadline - self.clock() >= _LEAST_S_TO_RECOMBINE * visits
        return (
            long_enough and _MANY < visits <= _MOST_AT_ONCE and can_recombine(walk) and self._pyvrp_share(walk) == 0.0
        )

    @staticmethod
    def _pyvrp_share(walk: RuinAndRecreate) -> float:
        """How much of the walk's time is PyVRP's, afterwards. Evidence: a walk alone, PyVRP alone and one after the
        other on published instances of 100 to 1,000 stops with routes of 10 to 42."""
        if not walk.serves_all or not can_be_asked(walk.day):
            return 0.0
        stops = len(walk.visits)
        per_route = stops / max(1, sum(1 for line in walk.lines if line))
        if per_route >= _LONG_ROUTE:
            return _SHARE_AFTER_VALLEYS if _MANY < stops <= _MOST_AT_ONCE else _PYVRP_SHARE
        return _PYVRP_SHARE_OF_FEW if stops <= _FEW and per_route >= _SHORTER_ROUTE else 0.0

    def improve(self) -> None:
        self.walk()
        for shift, ids in self.routes.items():
            for key in ids:
                # By way of another visit a shift may reach what it cannot reach on a trip of its own.
                if shift not in self.reachable[key]:
                    self.reachable[key].append(shift)
        ranks = self.insertion.ranks
        wanted = {
            rank: [k for k in self.reachable if self.insertion.rank[k] == rank and self.reachable[k]] for rank in ranks
        }
        open_ranks = [rank for rank in ranks[:-1] if self.waiting_of(wanted[rank])]
        for left, rank in zip(range(len(open_ranks), 0, -1), open_ranks, strict=True):
            if not self.waiting_of(wanted[rank]):
                continue
            # Half of the time is for the counts of the higher ranks, half for the lowest rank and the cost.
            self.run(rank, wanted, share=0.5 / left if left > 1 else 0.4, phase=self._phase(rank))
        self.run(ranks[-1], wanted, share=1.0, phase="cost")
        tidied = self.insertion.tidy(self.routes, stopped=self._ended)
        self.offer(self.insertion.exchange(self.insertion.fill(tidied)), "last")

    def _phase(self, rank: int) -> str:
        return "locked" if rank == LOCKED else f"tier {rank}"

    def waiting_of(self, keys: Sequence[int]) -> bool:
        served = {key for ids in self.routes.values() for key in ids}
        return not served.issuperset(keys)

    def run(self, rank: int, wanted: dict[int, list[int]], *, share: float, phase: str) -> None:
        limit = self.deadline - self.clock()
        if self.iterations is None:
            limit = min(limit * share, 0.05 * len(self.problem.visits))
        if limit < 0.02 or self.stopped() or not self._worth_a_model(limit):
            return
        apart = {shift: self.routes[shift] for shift in self.reloading}
        riding = {key for ids in apart.values() for key in ids}
        keys = [
            key
            for level, of_rank in wanted.items()
            if level >= rank
            for key in of_rank
            if key not in riding and not self.reloading.issuperset(self.reachable[key])
        ]
        if not 0 < len(keys) <= _MOST_AT_ONCE:
            return
        kept = {shift: [key for key in ids if self.insertion.rank[key] >= rank] for shift, ids in self.routes.items()}
        until = self.clock() + limit
        for strict_doors in (True, False):
            model = _Model(self, keys, rank, strict_doors=strict_doors)
            routes = model.search(kept, until, phase)
            if routes is not None:
                self.offer(self.insertion.mend(routes | apart), phase)
                return

    def _worth_a_model(self, seconds: float) -> bool:
        """A large model that is not even accepted in its time only takes the walk's; none knows the time of day."""
        if self.problem.speeds:
            return False
        visits = len(self.problem.visits)
        return self.iterations is not None or visits <= _FEW or seconds >= _POLISH_S[0] + _POLISH_S[1] * visits

    # ---- keeping the best

    def _ended(self) -> bool:
        """With a limit of rounds the clock does not decide, or the same rounds would not give the same plan."""
        if self.cancelled is not None and self.cancelled():
            return True
        return self.iterations is None and self.clock() >= self.end

    def stopped(self) -> bool:
        return (self.cancelled is not None and self.cancelled()) or self.clock() >= self.deadline

    def offer(self, routes: Routes, phase: str) -> bool:
        """Takes these routes if they are better. A phase may drive a visit from the place a person locked it to:
        such routes are no answer, however good."""
        if not self.insertion.settled(routes):
            return False
        score = self.insertion.score(routes)
        better = self.score is None or score > self.score
        if better:
            self.routes, self.score = routes, score
            self.tell(routes, phase, always=True)
        return better

    def tell(self, routes: Routes, phase: str, *, always: bool = False) -> None:
        now = self.clock()
        if not always and now - self.last_told < 0.2:
            return
        self.last_told = now
        if self.found is not None:
            self.found(routes)
        if self.progress is not None:
            served = [key for ids in routes.values() for key in ids]
            self.progress(
                SolveProgress(
                    at_s=now - self.began,
                    phase=phase,
                    served_by_tier=served_by_tier(self.problem, served),
                    served=len(served),
                    of=len(self.problem.visits),
                    cost=self.insertion.cost(routes),
                )
            )

    def plan(self) -> Plan:
        return plan_of(
            self.problem,
            self.routes,
            seed=self.seed,
            iterations=self.solutions,
            search_s=self.clock() - self.began,
            table=self.table,
        )


@dataclass(slots=True)
class _Best:
    objective: int | None = None
    routes: list[list[int]] = field(default_factory=list)


class _Model:
    """One RoutingModel: visits are nodes 0..m-1, then a start and an end node per shift.

    The cumul of a visit is the moment setup is over and service begins, so that setup lies in the arc that leads to
    it and is left out between visits of one place.
    """

    def __init__(self, search: _Search, keys: Sequence[int], rank: int, *, strict_doors: bool) -> None:
        self.search_, self.keys, self.rank = search, list(keys), rank
        problem, table = search.problem, search.table
        self.visits = [table.visits[key] for key in keys]
        self.reachable = {key: [s for s in search.reachable[key] if s not in search.reloading] for key in keys}
        usable = {shift for of_visit in self.reachable.values() for shift in of_visit}
        self.shifts = [shift for shift in problem.shifts if shift.id in usable]
        self.vehicle = {shift.id: v for v, shift in enumerate(self.shifts)}
        m, count = len(self.visits), len(self.shifts)
        self.base = min(shift.start_s for shift in self.shifts)
        self.horizon = max(shift.until_s for shift in self.shifts) - self.base + 1
        anywhere = len(problem.places)
        place = [visit.place for visit in self.visits]
        for shift in self.shifts:
            place += [anywhere if shift.start is None else shift.start, anywhere if shift.end is None else shift.end]
        self.place = np.array(place, dtype=np.int64)
        self.manager = pywrapcp.RoutingIndexManager(
            m + 2 * count, count, [m + 2 * v for v in range(count)], [m + 2 * v + 1 for v in range(count)]
        )
        self.routing = pywrapcp.RoutingModel(self.manager)
        self.node = [self.manager.NodeToIndex(n) for n in range(m)]
        self.of_index = {index: n for n, index in enumerate(self.node)}
        self.registered: dict[tuple[object, ...], int] = {}
        self._prices()
        self._strangers()
        self._time(strict_doors)
        self._amounts()
        self._limits()
        self._who_and_where()
        self._shipments()

    # ---- arcs

    def _seconds(self, shift: ShiftOffer) -> NDArray[np.int64]:
        return self._between(self.search_.table.durations(shift))

    def _metres(self, shift: ShiftOffer) -> NDArray[np.int64]:
        return self._between(self.search_.table.distances(shift))

    def _between(self, table: NDArray[np.int64]) -> NDArray[np.int64]:
        """From node to node; -1 where no road, 0 from a start to its end: a shift that is not used does not drive."""
        padded = np.pad(table, (0, 1))
        out: NDArray[np.int64] = padded[np.ix_(self.place, self.place)]
        m = len(self.visits)
        for v in range(len(self.shifts)):
            out[m + 2 * v, m + 2 * v + 1] = 0
        return out

    def _matrix(self, key: tuple[object, ...], make: Callable[[], NDArray[np.int64]]) -> int:
        if key not in self.registered:
            self.registered[key] = self.routing.RegisterTransitMatrix(make().tolist())
        return self.registered[key]

    def _prices(self) -> None:
        """Arc costs carry travel (also of the paid hour, so that the search sees it); waiting is priced on the
        slack."""
        free = all(s.cost == CostScheme() for s in self.shifts)
        self.even_s, self.steep_s = self._days()
        hours = [s.cost.per_hour + s.cost.balance_per_hour * self.even_s / 3600 for s in self.shifts]
        rates = [
            (1000.0, 0.0) if free else ((hour + s.cost.per_travel_hour) / 3600, s.cost.per_km / 1000)
            for hour, s in zip(hours, self.shifts, strict=True)
        ]
        m = len(self.visits)
        worst = 1.0
        for shift, (per_s, per_m) in zip(self.shifts, rates, strict=True):
            seconds = np.minimum(self.search_.table.durations(shift).max(initial=0), self.horizon)
            metres = self.search_.table.distances(shift).max(initial=0)
            worst += shift.cost.fixed + (shift.cost.per_hour + shift.cost.per_task_hour) / 3600 * self.horizon
            worst += shift.cost.balance_per_hour / 3600**2 * (self.even_s + self.steep_s) * self.horizon
            worst += max(self._apart(shift), default=0)
            worst += shift.cost.per_overtime_hour / 3600 * shift.overtime_s
            worst = max(worst, worst + (m + 1) * (per_s * float(seconds) + per_m * float(metres)) / len(self.shifts))
        for visit in self.visits:
            worst += visit.late_per_hour / 3600 * max(window.late_s for window in visit.windows)
            worst += max((price for _, price in visit.strangers), default=0)
            worst += max((shift.cost.per_stop for shift in self.shifts), default=0)
        self.scale = min(1.0, _COST_SCALE / worst)
        self.weight = int(worst * self.scale) + 1
        self.slack_price = []
        for v, (shift, (per_s, per_m)) in enumerate(zip(self.shifts, rates, strict=True)):

            def make(shift: ShiftOffer = shift, per_s: float = per_s, per_m: float = per_m) -> NDArray[np.int64]:
                seconds, metres = np.maximum(self._seconds(shift), 0), np.maximum(self._metres(shift), 0)
                cost = per_s * seconds + per_m * metres
                if shift.cost.per_task_hour:
                    setup, service = self._work(shift)
                    work = np.where(self.place[:, None] != self.place[None, :], setup[None, :], 0) + service[None, :]
                    cost = cost + shift.cost.per_task_hour / 3600 * np.minimum(work, self.horizon)
                price: NDArray[np.int64] = np.rint(cost * self.scale).astype(np.int64)
                return price

            key = ("price", shift.profile, shift.speed_factor, per_s, per_m, shift.cost.per_task_hour, shift.type)
            self.routing.SetArcCostEvaluatorOfVehicle(self._matrix(key, make), v)
            self.routing.SetFixedCostOfVehicle(round(shift.cost.fixed * self.scale), v)
            self.slack_price.append(round(hours[v] / 3600 * self.scale))

    def _days(self) -> tuple[float, float]:
        """How long the days of the routes so far last on average, and how much longer the longest is (seconds). The
        price of balance is in the model as two straight lines that meet there; the schedule knows the curve."""
        if not any(shift.cost.balance_per_hour for shift in self.shifts):
            return 0.0, 0.0
        table = self.search_.table
        found = [
            times.finish_s - times.departure_s + shift.loading_s + shift.debrief_s
            for shift in self.shifts
            if (ids := self.search_.routes[shift.id]) and (times := table.times(shift.id, ids)) is not None
        ]
        return (sum(found) / len(found), max(found) - sum(found) / len(found)) if found else (0.0, 0.0)

    def _apart(self, shift: ShiftOffer) -> list[float]:
        """Per visit, what its way from the centre of the shift's route so far costs; the schedule knows how the centre
        moves."""
        ids = self.search_.routes[shift.id]
        if not shift.cost.area_per_km or not ids:
            return [0.0] * len(self.keys)
        table = self.search_.table
        centre = np.array([table.spot(key) for key in ids]).mean(axis=0)
        away = np.array([table.spot(key) for key in self.keys]) - centre
        prices: list[float] = (shift.cost.area_per_km / 1000 * np.hypot(away[:, 0], away[:, 1])).tolist()
        return prices

    def _strangers(self) -> None:
        """What stops, unknown doors and wide areas cost, per delivery: two at one door are paid twice in the model,
        once by the schedule."""
        if not self.search_.table.strange and not any(shift.cost.area_per_km for shift in self.shifts):
            return
        rows = [self.search_.insertion.row[key] for key in self.keys]
        empty = [0] * (2 * len(self.shifts))
        per_shift = [
            [
                round((int(price) + apart) * self.scale)
                for price, apart in zip(self.search_.insertion.strange[shift.id][rows], self._apart(shift), strict=True)
            ]
            for shift in self.shifts
        ]
        vectors = [self.routing.RegisterUnaryTransitVector(prices + empty) for prices in per_shift]
        most = max(map(sum, per_shift))
        self.routing.AddDimensionWithVehicleTransits(vectors, 0, most, True, "strangers")
        dimension = self.routing.GetDimensionOrDie("strangers")
        for v in range(len(self.shifts)):
            dimension.SetSpanCostCoefficientForVehicle(1, v)

    # ---- time

    def _work(self, shift: ShiftOffer) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(setup, service) per node for this type of vehicle."""
        insertion = self.search_.insertion
        rows = [insertion.row[key] for key in self.keys]
        of_type = insertion.work.get(shift.type, insertion.work[""])
        setup, service = (np.pad(times[rows], (0, 2 * len(self.shifts))) for times in of_type)
        return setup, service

    def _time(self, strict_doors: bool) -> None:
        m = len(self.visits)
        never = self.horizon + 1

        def make(shift: ShiftOffer) -> NDArray[np.int64]:
            travel = self._seconds(shift)
            setup, service = self._work(shift)
            for v, other in enumerate(self.shifts):
                service[m + 2 * v] = other.loading_s
            moved = self.place[:, None] != self.place[None, :]
            out = travel + service[:, None] + np.where(moved, setup[None, :], 0)
            out = np.where((travel < 0) | (self._metres(shift) < 0), never, np.minimum(out, never))
            for v in range(len(self.shifts)):
                out[m + 2 * v, m + 2 * v + 1] = 0
            return out

        evaluators = [
            self._matrix(("time", shift.profile, shift.speed_factor, shift.type), partial(make, shift))
            for shift in self.shifts
        ]
        limits = [shift.until_s - shift.debrief_s - self.base for shift in self.shifts]
        self.routing.AddDimensionWithVehicleTransitAndCapacity(
            evaluators, self.horizon, [max(0, limit) for limit in limits], False, "time"
        )
        self.time = self.routing.GetDimensionOrDie("time")
        solver = self.routing.solver()
        for v, shift in enumerate(self.shifts):
            self.time.CumulVar(self.routing.Start(v)).SetMin(shift.start_s - self.base)
            self.routing.AddVariableMinimizedByFinalizer(self.time.CumulVar(self.routing.End(v)))
            self.routing.AddVariableMaximizedByFinalizer(self.time.CumulVar(self.routing.Start(v)))
            overtime = round(shift.cost.per_overtime_hour / 3600 * self.scale)
            if overtime and shift.overtime_s:
                ends = max(0, shift.end_s - shift.debrief_s - self.base)
                self.time.SetCumulVarSoftUpperBound(self.routing.End(v), ends, overtime)
            steep = round(shift.cost.balance_per_hour * self.steep_s / 3600**2 * self.scale)
            if steep:
                within = max(0, round(self.even_s) - shift.loading_s - shift.debrief_s)
                self.time.SetSoftSpanUpperBoundForVehicle(pywrapcp.BoundCost(within, steep), v)
            if self.slack_price[v]:
                self.time.SetSlackCostCoefficientForVehicle(self.slack_price[v], v)
        self._windows(strict_doors)
        self._breaks()
        done = self.search_.table.done
        for n, visit in enumerate(self.visits):
            if visit.ready_s is None or visit.id in done:
                continue
            for v, shift in enumerate(self.shifts):
                late = visit.ready_s - shift.loading_s - self.base
                if late > shift.start_s - self.base and shift.id in self.reachable[visit.id]:
                    here = solver.IsEqualCstVar(self.routing.VehicleVar(self.node[n]), v)
                    solver.Add(self.time.CumulVar(self.routing.Start(v)) >= here * late)

    def _windows(self, strict_doors: bool) -> None:
        """The price of lateness is in the model for the last window of a visit only: a cumul has one soft bound."""
        doors = Counter(visit.place for visit in self.visits)
        done = self.search_.table.done
        setups = [self._work(shift)[0].tolist() for shift in {shift.type: shift for shift in self.shifts}.values()]
        for n, visit in enumerate(self.visits):
            if visit.id in done:
                continue
            most, least = max(times[n] for times in setups), min(times[n] for times in setups)
            if doors[visit.place] > 1:
                least = 0
            allowed = self._begins(self.search_.table.hours(visit.id), most, least, strict=strict_doors)
            cumul = self.time.CumulVar(self.node[n])
            if not allowed:
                self.routing.solver().Add(self.routing.ActiveVar(self.node[n]) == 0)
                continue
            cumul.SetRange(allowed[0][0], allowed[-1][1])
            for (_, high), (low, _) in pairwise(allowed):
                if high + 1 <= low - 1:
                    cumul.RemoveInterval(high + 1, low - 1)
            if visit.motor_windows and (motors := [v for v, shift in enumerate(self.shifts) if shift.motor]):
                driven = self.search_.table.hours(visit.id, motor=True)
                self._motor_hours(n, motors, self._begins(driven, most, least, strict=strict_doors))
            soft = self.search_.table.soft.get(visit.id)
            if soft is not None and (price := round(soft[1] / 3600 * self.scale)):
                in_time = max(0, soft[0][-1][1] + most - self.base)
                self.time.SetCumulVarSoftUpperBound(self.node[n], in_time, price)

    def _begins(self, hours: Spans, most: int, least: int, *, strict: bool) -> list[tuple[int, int]]:
        """Hours as the model's moments, which come after the setup: it takes from `least` to `most`."""
        allowed: list[tuple[int, int]] = []
        for first, last in hours:
            if strict and last - first >= most - least:
                # How much setup comes before it depends on who else is served at this door, and on the type of
                # the vehicle: keep to what holds for all.
                low, high = first + most, last + least
            else:
                low, high = first + least, last + most
            low, high = max(low - self.base, 0), min(high - self.base, self.horizon)
            if low <= high:
                allowed.append((low, high))
        return allowed

    def _motor_hours(self, n: int, motors: list[int], allowed: list[tuple[int, int]]) -> None:
        """Visit `n` is begun within these moments wherever one of those vehicles serves it."""
        solver = self.routing.solver()
        driven = solver.IsMemberVar(self.routing.VehicleVar(self.node[n]), motors)
        if not allowed:
            solver.Add(driven == 0)
            return
        cumul = self.time.CumulVar(self.node[n])
        solver.Add(cumul >= driven * allowed[0][0])
        solver.Add(cumul + driven * (self.horizon - allowed[-1][1]) <= self.horizon)
        for (_, high), (low, _) in pairwise(allowed):
            if high + 1 <= low - 1:
                solver.Add(driven + solver.IsBetweenVar(cumul, high + 1, low - 1) <= 1)

    def _breaks(self) -> None:
        """A break's `max_load` is not in the model: what it gets wrong is mended afterwards."""
        if not any(shift.breaks for shift in self.shifts):
            return
        solver = self.routing.solver()
        for v, shift in enumerate(self.shifts):
            # Per index of the model: how long the van stands still from the cumul on, when no break can be taken.
            service = self._work(shift)[1]
            for other, offer in enumerate(self.shifts):
                service[len(self.visits) + 2 * other] = offer.loading_s
            still = [int(service[self.manager.IndexToNode(index)]) for index in range(self.routing.Size())]
            still += [0] * len(self.shifts)
            intervals = []
            begin, end = self.time.CumulVar(self.routing.Start(v)), self.time.CumulVar(self.routing.End(v))
            for pause in shift.breaks:
                windows = [(max(a - self.base, 0), b - self.base) for a, b in spans(pause.windows) if b >= self.base]
                interval = solver.FixedDurationIntervalVar(
                    windows[0][0], windows[-1][1], pause.duration_s, False, f"break {shift.id}.{pause.id}"
                )
                for (_, high), (low, _) in pairwise(windows):
                    interval.StartExpr().Var().RemoveInterval(high + 1, low - 1)
                solver.Add(interval.StartExpr() >= begin + shift.loading_s)
                solver.Add(interval.EndExpr() <= end)
                intervals.append(interval)
            if intervals:
                self.time.SetBreakIntervalsOfVehicle(intervals, v, still)

    # ---- amounts and limits

    def _amounts(self) -> None:
        empty = [0] * (2 * len(self.shifts))
        carried = self.search_.table.carried
        for d in range(len(self.search_.problem.dimensions)):
            capacity = [shift.capacity[d] for shift in self.shifts]
            load = [visit.load[d] for visit in self.visits]
            collect = [visit.collect[d] for visit in self.visits]
            shipped = [carried[visit.id][d] if visit.id in carried else 0 for visit in self.visits]
            for name, amounts in (("load", load), ("collect", collect)):
                if any(amounts):
                    index = self.routing.RegisterUnaryTransitVector(amounts + empty)
                    self.routing.AddDimensionWithVehicleCapacity(index, 0, capacity, True, f"{name} {d}")
            if any(shipped) or (any(load) and any(collect)):
                change = [c - out + on for c, out, on in zip(collect, load, shipped, strict=True)]
                index = self.routing.RegisterUnaryTransitVector(change + empty)
                self.routing.AddDimensionWithVehicleCapacity(index, 0, capacity, False, f"on board {d}")
                on_board = self.routing.GetDimensionOrDie(f"on board {d}")
                loaded = self.routing.GetDimensionOrDie(f"load {d}") if any(load) else None
                for v in range(len(self.shifts)):
                    # The van leaves with all it will deliver.
                    leaving = on_board.CumulVar(self.routing.Start(v))
                    if loaded is None:
                        leaving.SetValue(0)
                    else:
                        self.routing.solver().Add(leaving == loaded.CumulVar(self.routing.End(v)))

    def _limits(self) -> None:
        m = len(self.visits)
        if any(shift.max_visits is not None for shift in self.shifts):
            index = self.routing.RegisterUnaryTransitVector([1] * m + [0] * (2 * len(self.shifts)))
            limits = [m if shift.max_visits is None else shift.max_visits for shift in self.shifts]
            self.routing.AddDimensionWithVehicleCapacity(index, 0, limits, True, "visits")
        if any(shift.max_stops is not None for shift in self.shifts):
            doors = (self.place[:, None] != self.place[None, :]).astype(np.int64)
            doors[m:, :] = 1
            doors[:, m:] = 0
            index = self.routing.RegisterTransitMatrix(doors.tolist())
            limits = [m if shift.max_stops is None else shift.max_stops for shift in self.shifts]
            self.routing.AddDimensionWithVehicleCapacity(index, 0, limits, True, "stops")
        for name, limits_of, table in (
            ("distance", [shift.max_distance_m for shift in self.shifts], self._metres),
            ("travel", [shift.max_travel_s for shift in self.shifts], self._seconds),
        ):
            if any(limit is not None for limit in limits_of):
                evaluators = [
                    self._matrix(
                        (name, shift.profile, shift.speed_factor),
                        partial(_sums_of, table, shift),
                    )
                    for shift in self.shifts
                ]
                limits = [2**58 if limit is None else limit for limit in limits_of]
                self.routing.AddDimensionWithVehicleTransitAndCapacity(evaluators, 0, limits, True, name)

    def _who_and_where(self) -> None:
        search, insertion = self.search_, self.search_.insertion
        solver = self.routing.solver()
        served = {key for ids in search.routes.values() for key in ids}
        positions = {key: at for key, at in insertion.position_of.items() if key in set(self.keys)}
        if positions or search.table.mate:
            index = self.routing.RegisterUnaryTransitVector([1] * (len(self.visits) + 2 * len(self.shifts)))
            self.routing.AddDimension(index, 0, len(self.visits) + 1, True, "position")
            self.order = self.routing.GetDimensionOrDie("position")
        by_rank: dict[int, list[int]] = {}
        for n, visit in enumerate(self.visits):
            vehicles = [self.vehicle[shift] for shift in self.reachable[visit.id]]
            self.routing.VehicleVar(self.node[n]).SetValues([-1, *vehicles])
            if visit.id in positions:
                self.order.CumulVar(self.node[n]).SetValue(positions[visit.id] + 1)
            by_rank.setdefault(insertion.rank[visit.id], []).append(n)
        # One more served outweighs the ages of all: age lifts a visit within its rank only.
        ages = _small([visit.age for visit in self.visits])
        one = 1 + sum(ages)
        for rank, nodes in by_rank.items():
            kept = [n for n in nodes if self.visits[n].id in served]
            if rank > self.rank and len(kept) == len(nodes):
                # All of a higher rank are served: they stay so.
                continue
            for n in nodes:
                self.routing.AddDisjunction([self.node[n]], self.weight * (one + ages[n]))
            if rank > self.rank and kept:
                solver.Add(solver.Sum([self.routing.ActiveVar(self.node[n]) for n in nodes]) >= len(kept))

    def _shipments(self) -> None:
        """What is fetched is brought by the same van afterwards, or neither is done."""
        solver, at = self.routing.solver(), {key: n for n, key in enumerate(self.keys)}
        for pickup, delivery in self.search_.table.mate.items():
            if pickup not in at:
                continue
            one, other = self.node[at[pickup]], self.node[at[delivery]]
            self.routing.AddPickupAndDelivery(one, other)
            solver.Add(self.routing.VehicleVar(one) == self.routing.VehicleVar(other))
            solver.Add(self.routing.ActiveVar(one) == self.routing.ActiveVar(other))
            solver.Add(self.order.CumulVar(one) <= self.order.CumulVar(other))

    # ---- search

    def search(self, kept: Routes, until: float, phase: str) -> Routes | None:
        """The best routes from `kept` on, or None when OR-Tools does not accept them as a beginning."""
        search = self.search_
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
        parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
        # These rebuild whole routes and look at the clock only afterwards: ruin and recreate has done their work.
        operators = parameters.local_search_operators
        for name in _SLOW_OPERATORS:
            setattr(operators, name, optional_boolean_pb2.BOOL_FALSE)
        if search.iterations is not None:
            parameters.solution_limit = 1 + search.iterations // 100
            # A model with nothing left to change finds no more solutions: it must end without looking at the clock.
            self.routing.AddSearchMonitor(self.routing.solver().BranchesLimit(_BRANCHES // len(self.keys)))
        best = _Best()
        self.routing.AddAtSolutionCallback(lambda: self._heard(best, phase))
        _limit(parameters, until - search.clock())
        self.routing.CloseModelWithParameters(parameters)
        row = {key: self.node[n] for n, key in enumerate(self.keys)}
        lines = [[row[key] for key in kept[shift.id] if key in row] for shift in self.shifts]
        reading = search.clock()
        begin = self.routing.ReadAssignmentFromRoutes(lines, True)
        if begin is None:
            return None
        # With breaks reading takes long, and so does whatever is under way when the time is over: leave room for it.
        left = until - search.clock() - (search.clock() - reading)
        if left <= 0:
            return kept
        _limit(parameters, left)
        self.routing.SolveFromAssignmentWithParameters(begin, parameters)
        if best.objective is None:
            return None
        return as_routes(search.problem, self._named(best.routes))

    def _named(self, routes: list[list[int]]) -> list[tuple[int, list[int]]]:
        return [
            (shift.id, [self.keys[self.of_index[index]] for index in ids])
            for shift, ids in zip(self.shifts, routes, strict=True)
        ]

    def _heard(self, best: _Best, phase: str) -> None:
        """At each solution OR-Tools accepts. An exception here would be lost, so it does little."""
        search, routing = self.search_, self.routing
        search.solutions += 1
        objective = routing.CostVar().Value()
        if best.objective is None or objective < best.objective:
            best.objective = objective
            routes = []
            for v in range(len(self.shifts)):
                ids, index = [], routing.NextVar(routing.Start(v)).Value()
                while not routing.IsEnd(index):
                    ids.append(index)
                    index = routing.NextVar(index).Value()
                routes.append(ids)
            best.routes = routes
            if search.found is not None or search.progress is not None:
                search.tell(as_routes(search.problem, self._named(routes)), phase)
        if search.cancelled is not None and search.cancelled():
            routing.solver().FinishCurrentSearch()


def _limit(parameters: Any, seconds: float) -> None:
    limit_ms = max(1, int(seconds * 1000))
    parameters.time_limit.seconds, parameters.time_limit.nanos = limit_ms // 1000, limit_ms % 1000 * 1_000_000


def _sums_of(table: Callable[[ShiftOffer], NDArray[np.int64]], shift: ShiftOffer) -> NDArray[np.int64]:
    """Arcs without a road are kept out by their time already."""
    out: NDArray[np.int64] = np.maximum(table(shift), 0)
    return out


def _small(ages: Sequence[int]) -> list[int]:
    """Ages as they are, or their order when their sum would be too much to weigh."""
    if sum(ages) <= 10**5:
        return list(ages)
    order = {age: n for n, age in enumerate(sorted(set(ages)))}
    return [order[age] for age in ages]
