"""Planning the day: begin → measure → solve → save. No transaction is open while it solves.

`begin_plan` reads the day in one moment and remembers what it read by a fingerprint; `save_plan` reads it again and
refuses when it is no longer the same. What is saved was checked by code that did not make it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import numpy as np

from routing.errors import Conflict, InvalidInput, SolverError, TravelError
from routing.model.day import CurrentPlan, DayFacts
from routing.model.days import day_words
from routing.model.plans import Plan, Problem, SolveProgress
from routing.ports import NO_ROADS, Solver, TravelTable, TravelTimes
from routing.rules.calendars import days_between
from routing.rules.changes import said_of_the_door
from routing.rules.check import violations
from routing.rules.problem import build_problem, locations_of, places_of, profiles_of
from routing.services.measuring import tables_of
from routing.services.story import KeepsEvents

NAMED = 3
"""So many vehicles are named in a sentence; of more it says how many."""


class ReadsDays(Protocol):
    def day_facts(self, *, from_day: str, to_day: str, depot_ids: Sequence[int]) -> DayFacts: ...

    def current_plans(self, *, from_day: str, to_day: str, depot_ids: Sequence[int]) -> tuple[CurrentPlan, ...]: ...


class SavesPlans(ReadsDays, KeepsEvents, Protocol):
    def add_plan(
        self,
        *,
        problem: Problem,
        solution: Plan,
        from_day: str,
        to_day: str,
        depot_ids: Sequence[int],
        parent_id: int | None,
        why: str,
        by: str,
        made_at: datetime,
    ) -> int: ...

    def point_to(self, *, plan_id: int, depot_id: int, day: str, instead_of: int | None) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDraft:
    """What a plan is about to stand on. `fingerprint` tells whether the day is still the same when it is saved."""

    from_day: str
    to_day: str
    depot_ids: tuple[int, ...]
    facts: DayFacts
    current: tuple[CurrentPlan, ...]
    fingerprint: str
    now: datetime


def begin_plan(store: ReadsDays, *, from_day: str, to_day: str, depot_ids: Sequence[int], now: datetime) -> PlanDraft:
    """Reads the days. Raises InvalidInput (days turned round, no depot, two regions), NotFound, Conflict (closed)."""
    days_between(from_day, to_day)
    if not depot_ids:
        raise InvalidInput("There is no depot to plan from. Add one with its address first.")
    ids = tuple(sorted(set(depot_ids)))
    facts = store.day_facts(from_day=from_day, to_day=to_day, depot_ids=ids)
    regions = {depot.region_id for depot in facts.depots}
    if len(regions) > 1:
        names = ", ".join(depot.name for depot in facts.depots)
        raise InvalidInput(f"{names} lie in different regions, and no table joins them. Plan each region by itself.")
    current = store.current_plans(from_day=from_day, to_day=to_day, depot_ids=ids)
    for each in current:
        if each.state == "closed":
            raise Conflict(f"{day_words(each.day)} is closed. Plan another day.", code="day_closed", day=each.day)
    return PlanDraft(
        from_day=from_day,
        to_day=to_day,
        depot_ids=ids,
        facts=facts,
        current=current,
        fingerprint=fingerprint_of(facts, current),
        now=now,
    )


def make_problem(draft: PlanDraft, *, travel: TravelTimes) -> Problem:
    """Measures the ways, one table per profile, and builds the problem.

    A vehicle for which the whole region has no road stays at the depot and keeps no other from being planned. Raises
    InvalidInput, TravelError: also for want of roads, where every vehicle lacks them or one that is loaded does; it
    names them.
    """
    locations = locations_of(places_of(draft.facts))
    profiles = profiles_of(draft.facts)
    if len(locations) > 1:
        riding = {ride.shift_id for ride in draft.facts.riding}
        loaded = {shift.vehicle.profile for shift in draft.facts.shifts if shift.id in riding}
        try:
            tables = tables_of(travel, locations, profiles, needed=loaded)
        except TravelError as refused:
            if refused.code != NO_ROADS:
                raise
            raise _stuck(draft.facts, refused) from refused
    else:
        tables = {profile: _alone() for profile in profiles}
    return build_problem(draft.facts, tables, now=draft.now)


def _stuck(facts: DayFacts, why: TravelError) -> TravelError:
    """Which vehicles nothing can be planned with, for want of roads, and what to do about them."""
    profiles = why.fields.get("profiles")
    lacking = profiles if isinstance(profiles, tuple) else ()
    kinds: dict[str, list[str]] = {}
    for shift in facts.shifts:
        named = kinds.setdefault(shift.vehicle.profile, [])
        if shift.vehicle.name not in named:
            named.append(shift.vehicle.name)
    vehicles = "; ".join(
        f"{_some(names)} ({profile.replace('_', ' ')})"
        for profile, names in sorted(kinds.items())
        if profile in lacking
    )
    region = str(why.fields.get("region", ""))
    whose = f'the map of region "{region}"' if region else "the map"
    every = all(profile in lacking for profile in kinds)
    what = "No vehicle of these days can" if every else "What is loaded cannot"
    return TravelError(
        f"{what} be planned: {whose} has no road for {vehicles}. Give them another kind of roads under Fleet, or build "
        f"the region from a map that has such roads: backroute region add {region or 'NAME'} --pbf FILE.",
        code=NO_ROADS,
        **(why.fields | {"vehicles": vehicles}),
    )


def _some(names: Sequence[str]) -> str:
    """The first few; a fleet may be long.

    >>> _some(["Van 1", "Van 2", "Van 3", "Van 4", "Van 5"])
    'Van 1, Van 2, Van 3 and 2 more'
    """
    few = ", ".join(names[:NAMED])
    return few if len(names) <= NAMED else f"{few} and {len(names) - NAMED} more"


def save_plan(
    store: SavesPlans,
    draft: PlanDraft,
    *,
    problem: Problem,
    plan: Plan,
    why: str,
    by: str,
    now: datetime,
    parent: int | None = None,
) -> int:
    """Checks the plan, saves it as a version and makes it the current one of its depots and days. Returns its id.

    Raises SolverError when the check finds something, Conflict when the day has moved on; then nothing is saved.
    """
    refuse_unsound(plan, problem)
    facts = store.day_facts(from_day=draft.from_day, to_day=draft.to_day, depot_ids=draft.depot_ids)
    current = store.current_plans(from_day=draft.from_day, to_day=draft.to_day, depot_ids=draft.depot_ids)
    if fingerprint_of(facts, current) != draft.fingerprint:
        raise Conflict(
            f"{_what_moved(draft, facts, current)} while it was being planned. Plan again.",
            code="day_moved_on",
            day=draft.from_day,
        )
    plan = replace(plan, unassigned=tuple(said_of_the_door(each, facts) for each in plan.unassigned))
    before = {(each.depot_id, each.day): each.plan_id for each in current}
    plan_id = store.add_plan(
        problem=problem,
        solution=plan,
        from_day=draft.from_day,
        to_day=draft.to_day,
        depot_ids=draft.depot_ids,
        parent_id=parent if parent is not None else max(before.values(), default=None),
        why=why,
        by=by,
        made_at=now,
    )
    for day in days_between(draft.from_day, draft.to_day):
        for depot_id in draft.depot_ids:
            key = (depot_id, day.isoformat())
            store.point_to(plan_id=plan_id, depot_id=depot_id, day=day.isoformat(), instead_of=before.get(key))
    store.append_event(
        kind="planned",
        actor=by,
        captured_at=now,
        received_at=now,
        plan_id=plan_id,
        data={
            "why": why,
            "days": [draft.from_day, draft.to_day],
            "depots": list(draft.depot_ids),
            "served": sum(len(route.visits) for route in plan.routes),
            "left_out": len(plan.unassigned) + len(problem.excluded),
        },
    )
    return plan_id


def refuse_unsound(plan: Plan, problem: Problem) -> None:
    """Raises SolverError with the first faults that the checker finds."""
    found = violations(plan, problem)
    if found:
        said = " ".join(each.sentence for each in found[:3])
        more = f" And {len(found) - 3} more." if len(found) > 3 else ""
        raise SolverError(
            f"The plan does not hold, so it was not saved: {said}{more}",
            code="plan_unsound",
            violations=[each.code for each in found],
        )


def solve_problem(
    problem: Problem,
    *,
    solve: Solver,
    seed: int,
    time_limit_s: float,
    iterations: int | None = None,
    start: Plan | None = None,
    progress: Callable[[SolveProgress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Plan:
    """The solver's plan; a day on which nothing can go out is answered without it."""
    if not problem.visits or not problem.shifts:
        served = tuple((tier, 0) for tier in sorted({visit.tier for visit in problem.visits}, reverse=True))
        return Plan(routes=(), unassigned=(), cost=0, served_by_tier=served, engine="none", seed=seed)
    return solve(
        problem,
        seed=seed,
        time_limit_s=time_limit_s,
        iterations=iterations,
        start=start,
        progress=progress,
        cancelled=cancelled,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDay:
    """What planning gave: the saved version, the problem and its plan."""

    plan_id: int
    problem: Problem
    plan: Plan

    @property
    def served(self) -> int:
        return sum(len(route.visits) for route in self.plan.routes)

    @property
    def left_out(self) -> int:
        return len(self.plan.unassigned) + len(self.problem.excluded)


def plan_day(
    open_store: Callable[[], AbstractContextManager[SavesPlans]],
    *,
    from_day: str,
    to_day: str,
    depot_ids: Sequence[int],
    travel: TravelTimes,
    solve: Solver,
    clock: Callable[[], datetime],
    by: str,
    seed: int = 0,
    time_limit_s: float = 10.0,
    iterations: int | None = None,
    why: str = "planned",
    progress: Callable[[SolveProgress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> PlannedDay:
    """Begin, measure, solve, save: two transactions with the work between them.

    `open_store` opens one transaction each time it is called. Raises what the steps raise.
    """
    with open_store() as store:
        draft = begin_plan(store, from_day=from_day, to_day=to_day, depot_ids=depot_ids, now=clock())
    problem = make_problem(draft, travel=travel)
    plan = solve_problem(
        problem,
        solve=solve,
        seed=seed,
        time_limit_s=time_limit_s,
        iterations=iterations,
        progress=progress,
        cancelled=cancelled,
    )
    with open_store() as store:
        plan_id = save_plan(store, draft, problem=problem, plan=plan, why=why, by=by, now=clock())
    return PlannedDay(plan_id=plan_id, problem=problem, plan=plan)


def fingerprint_of(facts: DayFacts, current: tuple[CurrentPlan, ...]) -> str:
    return hashlib.sha256(repr((facts, [(e.depot_id, e.day, e.plan_id) for e in current])).encode()).hexdigest()


def _what_moved(draft: PlanDraft, facts: DayFacts, current: tuple[CurrentPlan, ...]) -> str:
    if {each.plan_id for each in current} != {each.plan_id for each in draft.current}:
        return f"Somebody else saved a plan of {day_words(draft.from_day)}"
    before = {delivery.id: delivery for delivery in draft.facts.deliveries}
    after = {delivery.id: delivery for delivery in facts.deliveries}
    changed = sorted(
        (before.get(key) or after[key]).number
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    )
    if changed:
        others = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        return f"{changed[0]}{others} changed"
    if facts.shifts != draft.facts.shifts:
        return "The shifts changed"
    return f"What is known about {day_words(draft.from_day)} changed"


def _alone() -> TravelTable:
    """One place by itself: no way to measure."""
    zero = np.zeros((1, 1), dtype=np.int64)
    return TravelTable(
        durations_s=zero, distances_m=zero, snapped_m=np.zeros(1, dtype=np.int64), engine="none", build=""
    )
