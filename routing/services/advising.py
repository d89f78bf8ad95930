"""What would serve more, why a stop is where it is, and what an order costs: asked of the plan, and a fix applied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from routing.errors import Conflict, NotFound
from routing.model.day import DayFacts
from routing.model.fleet import Driver, Shift, Vehicle
from routing.model.plans import Problem
from routing.rules.changes import orders_of
from routing.rules.driver_out import renamed_shift
from routing.rules.fixes import Fix, Price, fixes, price_of
from routing.rules.why_here import WhyThen, why_then
from routing.services.editing import EditsPlans, as_it_stands, new_version
from routing.services.placing import Fit, where_it_fits


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyHere:
    """A stop that is in: why then, what every other van of the plan would make of it (the cheapest first, then those
    that cannot), and which lower ones it keeps out."""

    shift: Shift
    then: WhyThen
    elsewhere: tuple[Fit, ...]
    price: Price | None


class AddsShifts(EditsPlans, Protocol):
    def spare_vehicles(self, *, day: str, depot_id: int) -> tuple[Vehicle, ...]: ...

    def add_shift_like(self, *, shift_id: int, vehicle_id: int, driver_id: int, why: str) -> int: ...


def find_fixes(store: AddsShifts, *, plan_id: int, now: datetime) -> tuple[Fix, ...]:
    """Other hours, or another van, that serve more, the best first. Writes nothing. Raises NotFound."""
    saved, facts, problem = as_it_stands(store, plan_id)
    return fixes(saved.plan, problem, facts, now=now, spares=spare_shifts(store, facts, problem))


def spare_shifts(store: AddsShifts, facts: DayFacts, problem: Problem) -> list[Shift]:
    """Vans with nothing to do, each with every sort of driver who has nothing to do, in the hours of the depot's first
    van of that kind. Of vans that are alike, and of drivers who can do the same, the first."""
    needed = frozenset(skill for visit in problem.visits for skill in visit.skills)
    found: list[Shift] = []
    for depot in facts.depots:
        own = [each for each in facts.shifts if each.depot_id == depot.id and each.state == "planned"]
        for day in sorted({each.day for each in own}):
            # Who can do more is asked last: where both would do, that one stays free.
            drivers: dict[frozenset[str], Driver] = {}
            for driver in store.spare_drivers(day=day, depot_id=depot.id):
                drivers.setdefault(needed & set(driver.skills), driver)
            spare = store.spare_vehicles(day=day, depot_id=depot.id)
            vans = {sort_of(van, facts): van for van in reversed(spare)}
            for van in sorted(vans.values(), key=lambda each: each.id):
                like = next((each for each in own if each.day == day and each.vehicle.profile == van.profile), None)
                if like is None:
                    continue
                for skills in sorted(drivers, key=lambda each: (len(each), sorted(each))):
                    found.append(replace(like, id=-len(found) - 1, vehicle=van, driver=drivers[skills], crew=1))
    return found


def sort_of(van: Vehicle, facts: DayFacts | None = None) -> Vehicle:
    """What two vans that are alike have alike; with facts, one that a door of these names is like no other."""
    named = facts is not None and any(van.number in site.vehicles for site in facts.sites)
    return replace(van, id=0, number=van.number if named else "", name="")


def like_of(facts: DayFacts, spare: Shift) -> int:
    """The shift that a spare one was made after: the first of its depot, day and kind of vehicle."""
    return next(
        each.id
        for each in facts.shifts
        if (each.depot_id, each.day, each.state) == (spare.depot_id, spare.day, "planned")
        and each.vehicle.profile == spare.vehicle.profile
    )


def apply_fix(
    store: AddsShifts,
    *,
    plan_id: int,
    shift_id: int,
    starts: str,
    ends: str,
    by: str,
    now: datetime,
    sent: tuple[int, int] = (0, 0),
) -> tuple[int, Fix]:
    """Changes the hours of the shift, or adds it, and saves what then fits as a new version; returns its id and what
    was done. `sent` is (vehicle, driver) of a shift to be added: its own id says nothing once others come or go.

    Raises Conflict when that fix no longer stands, or the plan is no longer the current one.
    """
    saved, facts, problem = as_it_stands(store, plan_id)
    found = fixes(saved.plan, problem, facts, now=now, spares=spare_shifts(store, facts, problem))
    fix = next(
        (
            each
            for each in found
            if (each.sent, each.starts, each.ends) == (sent, starts, ends)
            and (each.added is not None or each.shift_id == shift_id)
        ),
        None,
    )
    if fix is None:
        raise Conflict("This no longer serves more than the plan does. Look at the plan again.", code="plan_moved_on")
    why = f"{fix.vehicle} works {fix.starts}-{fix.ends}"
    plan, fitted = fix.plan, fix.problem
    if fix.added is not None:
        assert fix.added.driver is not None  # a spare van is offered with a driver only
        shift_id = store.add_shift_like(
            shift_id=like_of(facts, fix.added), vehicle_id=fix.added.vehicle.id, driver_id=fix.added.driver.id, why=why
        )
        plan, fitted = renamed_shift(plan, fitted, old=fix.added.id, new=shift_id)
    new = new_version(
        store,
        saved,
        facts=facts,
        plan=plan,
        problem=fitted,
        why=why,
        by=by,
        now=now,
        kind="plan_changed",
        data={"shift": shift_id, "hours": [fix.starts, fix.ends], "gained": list(fix.names)},
    )
    if fix.added is None:
        store.set_shift_hours(shift_id=shift_id, starts=fix.starts, ends=fix.ends, why=why)
    return new, replace(fix, shift_id=shift_id)


def why_here(store: EditsPlans, *, plan_id: int, delivery: int) -> WhyHere:
    """Writes nothing. Raises NotFound when the delivery is on no route of this plan."""
    saved, facts, problem = as_it_stands(store, plan_id)
    home = next((shift for shift, order in orders_of(saved.plan).items() if delivery in order), None)
    shifts = {shift.id: shift for shift in facts.shifts}
    if home is None or home not in shifts:
        raise NotFound(f"Delivery {delivery} is on no route of this plan. Plan the day again.", delivery=delivery)
    return WhyHere(
        shift=shifts[home],
        then=why_then(saved.plan, problem, facts, delivery),
        elsewhere=tuple(
            each for each in where_it_fits(store, plan_id=plan_id, delivery=delivery) if each.shift.id != home
        ),
        price=price_of(saved.plan, problem, delivery),
    )
