"""Days that have nothing to do with one another are planned side by side, a process each.

Several depots planned at once are one problem in which no delivery of one may ride with a van of another. It falls
into parts, and the best plans of its parts are the best plan of all, tier by tier. The parts are dealt out to as
many processes as there are threads; each has the whole time limit, and only its own places in its tables. With
workers on other machines the same parts are dealt out to those first (web/plan_parts.py).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from routing.engines.solver.process import solve_in_process
from routing.errors import Cancelled
from routing.model.plans import Plan, Problem, SolveProgress, Travel

WORTH = 150
"""Of fewer visits one process makes a plan as soon."""


def solve_in_parts(
    problem: Problem,
    *,
    seed: int,
    time_limit_s: float,
    iterations: int | None = None,
    start: Plan | None = None,
    progress: Callable[[SolveProgress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    threads: int | None = None,
    asked_at: float | None = None,
) -> Plan:
    """As `solve_in_process`, and the same answer where a problem does not fall into parts. A limit of rounds is shared
    out by visits, so that the same rounds, seed and threads give the same plan."""
    at_once = threads or (len(os.sched_getaffinity(0)) if iterations is None else 1)
    parts = parts_of(problem, at_once) if at_once > 1 and len(problem.visits) >= WORTH else []
    if len(parts) < 2:
        return solve_in_process(
            problem,
            seed=seed,
            time_limit_s=time_limit_s,
            iterations=iterations,
            start=start,
            progress=progress,
            cancelled=cancelled,
            threads=threads,
            asked_at=asked_at,
        )
    failed = threading.Event()

    def one(part: Part) -> Plan:
        return solve_in_process(
            part.problem,
            seed=seed,
            time_limit_s=time_limit_s,
            iterations=share_of(iterations, part.problem, problem),
            start=None if start is None else _start_of(start, part.problem),
            progress=part.progress,
            cancelled=lambda: failed.is_set() or (cancelled is not None and cancelled()),
            threads=max(1, at_once // len(parts)),
            asked_at=asked_at,
        )

    return side_by_side(problem, parts, one, seed=seed, progress=progress, failed=failed)


@dataclass(frozen=True, slots=True)
class Part:
    """One of the problems that are solved side by side, and what its solver tells its progress to."""

    number: int
    problem: Problem
    progress: Callable[[SolveProgress], None]


def share_of(iterations: int | None, part: Problem, whole: Problem) -> int | None:
    """A limit of rounds, shared out by visits."""
    return None if iterations is None else max(1, iterations * len(part.visits) // len(whole.visits))


def side_by_side(
    problem: Problem,
    parts: Sequence[Problem],
    solve_part: Callable[[Part], Plan],
    *,
    seed: int,
    progress: Callable[[SolveProgress], None] | None,
    failed: threading.Event,
) -> Plan:
    """The plan of all, from `solve_part` of each in a thread of its own, wherever it has the work done.

    Raises what a part raises; `failed` is set then, so that the others need not be waited for. Raises Cancelled when
    every part was stopped before it had a plan.
    """
    heard = _Heard(problem, progress)

    def one(number: int) -> Plan | None:
        try:
            return solve_part(Part(number, parts[number], partial(heard.of_part, number)))
        except Cancelled:
            return None
        except BaseException:  # also what is no error of ours: nobody waits for the limit of the others
            failed.set()
            raise

    with ThreadPoolExecutor(len(parts)) as pool:
        asked = [pool.submit(one, number) for number in range(len(parts))]
        try:
            wait(asked)
        except BaseException:  # Ctrl-C: nobody waits for their limit
            failed.set()
            raise
    # One that failed is told of before those that it stopped.
    for each in asked:
        if (problem_of_part := each.exception()) is not None:
            raise problem_of_part
    found = [plan for each in asked if (plan := each.result()) is not None]
    if not found:
        raise Cancelled("The planning was stopped before any plan was found.")
    return joined(problem, found, seed=seed)


def joined(problem: Problem, plans: Sequence[Plan], *, seed: int) -> Plan:
    """One plan of the plans of its parts, timed, priced, explained and checked as a whole."""
    # Needs no OR-Tools, which must never be imported into the process that serves pages.
    from routing.engines.solver.finish import plan_of

    routes: dict[int, list[int]] = {shift.id: [] for shift in problem.shifts}
    for plan in plans:
        routes |= {route.shift: list(route.visits) for route in plan.routes}
    rounds, took_s = sum(plan.iterations for plan in plans), max(plan.search_s for plan in plans)
    return plan_of(problem, routes, seed=seed, iterations=rounds, search_s=took_s)


def parts_of(problem: Problem, most: int) -> list[Problem]:
    """Up to `most` problems of about as many visits that share no shift; one or none where all hang together. A visit
    that nobody may serve is in none of them."""
    visits, shifts = ({each.id: each for each in those} for those in (problem.visits, problem.shifts))
    if any(lock.visit not in visits or lock.shift not in shifts for lock in problem.locks):
        return []  # refused in one sentence, as a whole
    group = {shift: shift for shift in shifts}

    def head(shift: int) -> int:
        while group[shift] != shift:
            group[shift] = group[group[shift]]
            shift = group[shift]
        return shift

    def join(those: Iterable[int]) -> int | None:
        heads = sorted({head(shift) for shift in those})
        for each in heads:
            group[each] = heads[0]
        return heads[0] if heads else None

    alike: dict[tuple[frozenset[int] | None, frozenset[str]], int | None] = {}
    first: dict[int, int] = {}
    for visit in problem.visits:
        asks = (visit.shifts, visit.skills)
        if asks not in alike:
            named = shifts.keys() if visit.shifts is None else visit.shifts & shifts.keys()
            alike[asks] = join(shift for shift in named if visit.skills <= shifts[shift].skills)
        found = alike[asks]
        if found is not None:
            first[visit.id] = found
    for lock in problem.locks:
        first[lock.visit] = join([lock.shift, *([first[lock.visit]] if lock.visit in first else [])]) or lock.shift
    for both in problem.shipments:
        if both.pickup in first and both.delivery in first:
            join([first[both.pickup], first[both.delivery]])
    members: dict[int, list[int]] = {}
    for key, shift in first.items():
        members.setdefault(head(shift), []).append(key)
    if len(members) < 2:
        return []
    dealt: list[tuple[set[int], set[int]]] = [(set(), set()) for _ in range(min(most, len(members)))]
    for shift, keys in sorted(members.items(), key=lambda item: (-len(item[1]), item[0])):
        heads, ids = min(dealt, key=lambda part: len(part[1]))
        heads.add(shift)
        ids.update(keys)
    return [_part(problem, {shift for shift in shifts if head(shift) in heads}, ids) for heads, ids in dealt]


def _part(problem: Problem, shifts: set[int], ids: set[int]) -> Problem:
    """The problem of these shifts and visits alone, with no other places in its tables."""
    crews = [shift for shift in problem.shifts if shift.id in shifts]
    visits = [visit for visit in problem.visits if visit.id in ids]
    used = {visit.place for visit in visits} | {
        at for shift in crews for at in (shift.start, shift.end) if at is not None
    }
    places = sorted(used)
    row = {place: n for n, place in enumerate(places)}
    here = np.ix_(places, places)
    profiles = {shift.profile for shift in crews}
    return replace(
        problem,
        places=tuple(replace(problem.places[place], index=n) for place, n in row.items()),
        travel={
            name: Travel(durations_s=travel.durations_s[here], distances_m=travel.distances_m[here])
            for name, travel in problem.travel.items()
            if name in profiles
        },
        visits=tuple(replace(visit, place=row[visit.place]) for visit in visits),
        shifts=tuple(
            replace(
                shift,
                start=None if shift.start is None else row[shift.start],
                end=None if shift.end is None else row[shift.end],
            )
            for shift in crews
        ),
        locks=tuple(lock for lock in problem.locks if lock.visit in ids),
        shipments=tuple(both for both in problem.shipments if both.pickup in ids and both.delivery in ids),
        excluded=(),
    )


def _start_of(start: Plan, part: Problem) -> Plan:
    shifts = {shift.id for shift in part.shifts}
    return replace(start, routes=tuple(route for route in start.routes if route.shift in shifts))


@dataclass(slots=True)
class _Heard:
    """What the parts tell, told on as the progress of all."""

    problem: Problem
    progress: Callable[[SolveProgress], None] | None
    latest: dict[int, SolveProgress] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of_part(self, number: int, told: SolveProgress) -> None:
        if self.progress is None:
            return
        with self.lock:
            self.latest[number] = told
            served = dict.fromkeys({visit.tier for visit in self.problem.visits}, 0)
            for each in self.latest.values():
                for tier, count in each.served_by_tier:
                    served[tier] += count
            self.progress(
                SolveProgress(
                    at_s=told.at_s,
                    phase=told.phase,
                    served_by_tier=tuple(sorted(served.items(), reverse=True)),
                    served=sum(served.values()),
                    of=len(self.problem.visits),
                    cost=sum(each.cost for each in self.latest.values()),
                )
            )
