"""What if: begin → measure → solve → compare, and only what is used is kept, with its change, in one transaction.

A scenario is planned like a day: nothing is open while it solves, and what it was solved on is remembered by a
fingerprint. Whoever uses it on another day than that is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from routing.errors import Conflict, InvalidInput
from routing.model.day import DayFacts, SavedPlan
from routing.model.fleet import Driver, Shift, Vehicle
from routing.model.plans import Plan, Problem, SolveProgress
from routing.ports import Solver, TravelTimes
from routing.rules.calendars import clock_minutes
from routing.rules.changes import orders_of
from routing.rules.driver_out import renamed_shift
from routing.rules.what_if import (
    Change,
    LaterCutOff,
    LessDriver,
    MoreVan,
    OtherHours,
    Standing,
    begun_from,
    changed,
    come_and_go,
    standing,
    timed,
)
from routing.services.advising import AddsShifts, sort_of
from routing.services.closing_days import Store as KeepsZones
from routing.services.closing_days import ZoneWeek, commit_change
from routing.services.editing import as_it_stands, new_version
from routing.services.planning import PlanDraft, begin_plan, fingerprint_of, make_problem, refuse_unsound, solve_problem

MOST_CHANGES = 6
"""Changes of one scenario."""


class Supposes(AddsShifts, KeepsZones, Protocol):
    def zone_rows(self) -> dict[tuple[int, str], dict[str, Any]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A change as it is asked for: "van" (another like vehicle `key`), "hours" (of shift `key`), "cut_off", or
    "without" (the driver of shift `key`)."""

    kind: str
    key: int = 0
    starts: str = ""
    ends: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """A scenario before it is solved. `draft` is the day as it is, `facts` as it would be, `titles` a sentence for each
    change."""

    saved: SavedPlan
    draft: PlanDraft
    facts: DayFacts
    changes: tuple[Change, ...]
    titles: tuple[str, ...]

    @property
    def missing(self) -> str:
        """What there is none of, so that it cannot be used: "van", "driver", or nothing."""
        return next((each.missing for each in self.changes if isinstance(each, MoreVan) and each.missing), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A scenario beside the plan that holds. `gained` and `lost` are deliveries, `orders` what would be saved."""

    before: Standing
    after: Standing
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    orders: dict[int, tuple[int, ...]]


def suppose(store: Supposes, *, plan_id: int, wishes: Sequence[Wish], now: datetime) -> Supposed:
    """Reads the day and makes the change of it. Writes nothing. No wish at all: the same day, planned again.

    Raises NotFound, InvalidInput for what cannot be, Conflict when the plan is no longer the current one or the day is
    closed.
    """
    if len(wishes) > MOST_CHANGES:
        raise InvalidInput(f"At most {MOST_CHANGES} changes at once can still be told apart.", code="too_many")
    saved = store.plan(plan_id)
    draft = begin_plan(
        store, from_day=saved.from_day, to_day=saved.to_day, depot_ids=saved.depot_ids, now=now
    )  # fmt: skip
    if all(each.plan_id != plan_id for each in draft.current):
        raise Conflict("This plan was changed meanwhile. Look at the board, then ask again.", code="plan_moved_on")
    changes: list[Change] = []
    for wish in wishes:
        changes.append(_change(store, draft.facts, wish, changes))
    return Supposed(
        saved=saved,
        draft=draft,
        facts=changed(draft.facts, changes),
        changes=tuple(changes),
        titles=tuple(_title(each, draft.facts) for each in changes),
    )


def _change(store: Supposes, facts: DayFacts, wish: Wish, before: Sequence[Change]) -> Change:
    match wish.kind:
        case "van":
            return _another(store, facts, wish.key, before)
        case "hours":
            own = next((each for each in facts.shifts if each.id == wish.key), None)
            starts, ends = (
                _clock(text or kept)
                for text, kept in (
                    (wish.starts, own.starts if own is not None else "00:00"),
                    (wish.ends, own.ends if own is not None else "00:00"),
                )
            )
            return OtherHours(shift_id=wish.key, starts=starts, ends=ends)
        case "cut_off":
            return LaterCutOff(until=_clock(wish.ends))
        case "without":
            return LessDriver(shift_id=wish.key)
    raise InvalidInput(
        f'"{wish.kind[:20]}" is no change that can be tried. Choose van, hours, cut_off or without.', code="kind"
    )


def _clock(text: str) -> str:
    minutes = clock_minutes(text)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _another(store: Supposes, facts: DayFacts, vehicle_id: int, before: Sequence[Change]) -> MoreVan:
    """One more of that kind: a spare van and a spare driver where there are any, else such as would have to be found.

    It has the hours and rates of the depot's first shift of that kind.
    """
    spares: dict[int, Vehicle] = {}
    for depot in facts.depots:
        spares |= {each.id: each for each in store.spare_vehicles(day=facts.from_day, depot_id=depot.id)}
    named = spares.get(vehicle_id) or next(
        (each.vehicle for each in facts.shifts if each.vehicle.id == vehicle_id), None
    )
    if named is None:
        raise InvalidInput("There is no such van at these depots. Choose one of the list.", code="vehicle")
    like = _like(facts, named)
    taken = [each.shift for each in before if isinstance(each, MoreVan)]
    used_vans = {each.vehicle.id for each in taken}
    free = [each for key, each in sorted(spares.items()) if key not in used_vans and sort_of(each) == sort_of(named)]
    # The very van that was named, when it stands there.
    van = next((each for each in free if each.id == vehicle_id), free[0] if free else None)
    used = {each.driver.id for each in taken if each.driver is not None}
    drivers = [
        each for each in store.spare_drivers(day=like.day, depot_id=named.depot_id) if each.id not in used
    ]  # fmt: skip
    driver = _best(drivers, like)
    missing = "van" if van is None else "driver" if driver is None else ""
    shift = replace(
        like,
        id=-1 - len(taken),
        vehicle=van or replace(named, id=-1 - len(taken), number="", name=f"another {named.name}"),
        driver=driver or (replace(like.driver, id=-1 - len(taken), name="somebody") if like.driver else None),
        crew=1,
        state="planned",
    )
    return MoreVan(shift=shift, like=like.id, missing=missing)


def _like(facts: DayFacts, van: Vehicle) -> Shift:
    own = [
        each
        for each in facts.shifts
        if each.depot_id == van.depot_id and each.state == "planned" and each.vehicle.profile == van.profile
    ]
    if not own:
        raise InvalidInput(
            f"No {van.profile} of that depot goes out on this day, so nobody knows the hours of another {van.name}.",
            code="vehicle",
        )
    return next((each for each in own if sort_of(each.vehicle) == sort_of(van)), own[0])


def _best(drivers: Sequence[Driver], like: Shift) -> Driver | None:
    """Who can do most of what that shift's driver can; of those who can the same, who can least besides stays free
    last."""
    wanted = set(like.driver.skills) if like.driver is not None else set()
    return min(
        drivers,
        key=lambda each: (-len(wanted & set(each.skills)), len(each.skills), each.id),
        default=None,
    )


def _title(change: Change, facts: DayFacts) -> str:
    names = {each.id: each.name for each in facts.shifts}
    if isinstance(change, MoreVan):
        return f"{change.shift.name} goes out too, {change.shift.starts}-{change.shift.ends}"
    if isinstance(change, OtherHours):
        return f"{names[change.shift_id]} works {change.starts}-{change.ends}"
    if isinstance(change, LaterCutOff):
        return f"Orders until {change.until} the day before"
    return f"{names[change.shift_id]} does not go out"


def solve_supposed(
    supposed: Supposed,
    *,
    travel: TravelTimes,
    solve: Solver,
    seed: int,
    time_limit_s: float,
    progress: Callable[[SolveProgress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Problem, Plan]:
    """The day as it would be, and its plan, searched on from what of the current one still holds; checked."""
    problem = make_problem(replace(supposed.draft, facts=supposed.facts), travel=travel)
    found = solve_problem(
        problem,
        solve=solve,
        seed=seed,
        time_limit_s=time_limit_s,
        start=begun_from(supposed.saved.plan, problem),
        progress=progress,
        cancelled=cancelled,
    )
    plan = timed(problem, {shift: list(order) for shift, order in orders_of(found).items()})
    refuse_unsound(plan, problem)
    return problem, plan


def compare(store: Supposes, supposed: Supposed, problem: Problem, plan: Plan) -> Compared:
    """The scenario beside the plan that holds, both counted over every delivery of the day."""
    saved, _, held = as_it_stands(store, supposed.saved.id)
    facts = supposed.draft.facts
    gained, lost = come_and_go(saved.plan, plan, facts)
    numbers = {each.id: each.number for each in facts.deliveries}
    return Compared(
        before=standing(saved.plan, held, facts),
        after=standing(plan, problem, facts),
        gained=tuple(numbers[key] for key in gained),
        lost=tuple(numbers[key] for key in lost),
        orders=orders_of(plan),
    )


def again(
    supposed: Supposed, *, travel: TravelTimes, orders: Mapping[int, Sequence[int]], seen: str
) -> tuple[Problem, Plan]:
    """The plan that was shown, timed again as of now. Raises Conflict when the day or the clock has moved past it."""
    refuse_moved_on(supposed.draft, seen)
    problem = make_problem(replace(supposed.draft, facts=supposed.facts), travel=travel)
    try:
        plan = timed(problem, {shift: list(order) for shift, order in orders.items()}, strict=True)
    except InvalidInput as late:
        raise Conflict(f"{late} It was worked out too long ago: ask again.", code="day_moved_on") from None
    return problem, plan


def refuse_moved_on(draft: PlanDraft, seen: str) -> None:
    if draft.fingerprint != seen:
        raise Conflict(
            "The day moved on since this was worked out: an order, a shift or the plan changed. Ask again.",
            code="day_moved_on",
        )


def use_supposed(
    store: Supposes, supposed: Supposed, *, problem: Problem, plan: Plan, seen: str, by: str, now: datetime
) -> int:
    """Makes the change and saves its plan as a new version; returns the version's id.

    Raises InvalidInput when there is no such van or driver yet, Conflict when the day is no longer the one it was
    worked out on; then nothing is kept.
    """
    if supposed.missing:
        raise InvalidInput(cannot_use(supposed.missing), code=f"no_{supposed.missing}")
    saved, facts = (
        supposed.saved,
        store.day_facts(
            from_day=supposed.draft.from_day, to_day=supposed.draft.to_day, depot_ids=supposed.draft.depot_ids
        ),
    )
    current = store.current_plans(
        from_day=supposed.draft.from_day, to_day=supposed.draft.to_day, depot_ids=supposed.draft.depot_ids
    )
    refuse_moved_on(replace(supposed.draft, fingerprint=fingerprint_of(facts, current)), seen)
    why = f"what if: {'; '.join(supposed.titles) or 'planned again'}"
    for change in supposed.changes:
        if isinstance(change, MoreVan):
            assert change.shift.driver is not None  # nothing is missing
            new_shift = store.add_shift_like(
                shift_id=change.like, vehicle_id=change.shift.vehicle.id, driver_id=change.shift.driver.id, why=why
            )
            plan, problem = renamed_shift(plan, problem, old=change.shift.id, new=new_shift)
    new = new_version(
        store,
        saved,
        facts=facts,
        plan=plan,
        problem=problem,
        why=why,
        by=by,
        now=now,
        kind="plan_changed",
        data={"what_if": list(supposed.titles)},
    )
    for change in supposed.changes:
        if isinstance(change, OtherHours):
            store.set_shift_hours(shift_id=change.shift_id, starts=change.starts, ends=change.ends, why=why)
        elif isinstance(change, LessDriver):
            store.set_shift_state(shift_id=change.shift_id, state="out", why=why)
        elif isinstance(change, LaterCutOff):
            _keep_cut_off(store, facts, change, by=by, now=now)
    return new


def cannot_use(missing: str) -> str:
    what = "spare van of this kind" if missing == "van" else "driver without work on that day"
    return f"There is no {what}. Import one with the fleet, then ask again."


def _keep_cut_off(store: Supposes, facts: DayFacts, change: LaterCutOff, *, by: str, now: datetime) -> None:
    """From now on, for the zones of this day's doors: every open date is worked out again by it."""
    zones = {
        site.delivery_zone_id
        for site in facts.sites
        if site.cut_off and clock_minutes(site.cut_off) < clock_minutes(change.until)
    }
    for row in sorted(store.zone_rows().values(), key=lambda each: int(each["id"])):
        if row["id"] in zones:
            week = ZoneWeek(
                zone_id=row["id"],
                delivery_days=row["delivery_days"],
                cut_off=change.until,
                postcodes=row["postcodes"],
                stops_a_day=row["stops_a_day"],
            )
            commit_change(store, week, now=now, by=by)
