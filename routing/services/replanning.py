"""What happens on the day: an urgent order comes in, a stop is cancelled, a van becomes smaller, goods come later.

The ways out are found with nothing open and nothing written; the one that is chosen is saved as a new version with
what it does to the day, in one transaction, or refused when the day moved on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from routing.errors import Conflict, InvalidInput, NotFound
from routing.model.day import DayFacts, HeldManifest, SavedPlan
from routing.model.fleet import Shift, Vehicle
from routing.model.plans import Plan, Problem
from routing.model.proofs import ManifestInHand
from routing.ports import TravelTimes
from routing.rules.calendars import clock_minutes, day_of, moment, zone_of
from routing.rules.changes import orders_of
from routing.rules.driver_out import OutKind, OutOption, is_loaded, renamed_shift
from routing.rules.fixes import fixes
from routing.rules.locks import as_the_day_stands
from routing.rules.problem import HAPPENED
from routing.rules.replan import (
    NextDay,
    cancelled,
    goods_later,
    only_vans_that_are_here,
    same_goods,
    smaller,
    urgent_because,
    urgent_in,
)
from routing.rules.splitting import may_be_split
from routing.rules.what_if import begun_from
from routing.services.advising import AddsShifts, like_of, sort_of, spare_shifts
from routing.services.editing import as_it_stands, bring_back, new_version, next_day_of
from routing.services.planning import begin_plan, make_problem

KINDS = ("urgent", "cancelled", "smaller", "later")
MOST_VANS = 3


class Replans(AddsShifts, Protocol):
    def swap_vehicle(self, *, shift_id: int, vehicle_id: int, driver_id: int | None, why: str) -> int: ...

    def set_urgent(self, delivery_id: int, *, by: str) -> None: ...

    def set_ready_at(self, delivery_ids: Collection[int], *, at: datetime) -> None: ...

    def held_manifest(self, shift_id: int) -> HeldManifest | None: ...

    def manifest_in_hand(self, manifest_id: int, *, lock: bool = False) -> ManifestInHand: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """`key` is the delivery, of "smaller" the shift; `at` the wall-clock time at which goods that come later are
    there; `why`: of what is urgent, why it is."""

    kind: str
    key: int
    at: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """`subject` is the delivery or van in words, `concerned` the deliveries it is about by number. `why_not`: why an
    urgent order fits nowhere today; `in_parts`: it might, split."""

    subject: str
    day: str
    options: tuple[OutOption, ...]
    concerned: tuple[str, ...] = ()
    why_not: str = ""
    in_parts: bool = False


def ways_on(
    open_store: Callable[[], AbstractContextManager[Replans]],
    happening: Happening,
    *,
    plan_id: int,
    travel: TravelTimes,
    now: datetime,
) -> Ways:
    """What can be done, side by side. Writes nothing.

    Raises NotFound when the plan knows nothing of it, InvalidInput for a time that cannot be, Conflict when it is too
    late: the stop is done, the van is loaded.
    """
    with open_store() as store:
        saved, facts, problem = as_it_stands(store, plan_id)
        _refuse_replaced(store, saved)
        if happening.kind == "urgent":
            draft = begin_plan(
                store, from_day=saved.from_day, to_day=saved.to_day, depot_ids=saved.depot_ids, now=now
            )  # fmt: skip
            spares = spare_shifts(store, facts, problem)
        here = _still_here(store, facts, now=now)
        vans: tuple[Vehicle, ...] = ()
        if happening.kind == "smaller":
            own = _shift_on(saved, facts, happening.key)
            vans = _one_of_each(store.spare_vehicles(day=own.day, depot_id=own.depot_id), facts)
    next_day = _next_days(facts, saved)
    if happening.kind == "urgent":
        problem = as_the_day_stands(make_problem(draft, travel=travel), facts, saved.plan)
    problem = only_vans_that_are_here(problem, facts, here=here)
    if happening.kind == "urgent":
        return _urgent(happening, saved, facts, problem, spares=spares, next_day=next_day, now=now)
    if happening.kind == "cancelled":
        return _cancelled(happening, saved, facts, problem, next_day)
    if happening.kind == "smaller":
        if is_loaded(facts, own.id):
            raise Conflict(f"{own.vehicle.name} is loaded already: it goes as it is.", code="loaded")
        found = smaller(saved.plan, problem, facts, shift=own, vans=vans, next_day=next_day)
        return Ways(subject=own.name, day=own.day, options=tuple(found))
    if happening.kind == "later":
        return _later(happening, saved, facts, problem, next_day, now=now)
    raise InvalidInput(f'"{happening.kind[:20]}" is none of {", ".join(KINDS)}.', code="kind")


def _refuse_replaced(store: Replans, saved: SavedPlan) -> None:
    """Before anything else is asked of it: whatever a replaced plan says, it says of a day that is no longer so."""
    current = store.current_plans(from_day=saved.from_day, to_day=saved.to_day, depot_ids=saved.depot_ids)
    if all(each.plan_id != saved.id for each in current):
        raise Conflict("This plan was changed meanwhile. Look at the board, then ask again.", code="plan_moved_on")


def _still_here(store: Replans, facts: DayFacts, *, now: datetime) -> frozenset[int]:
    """The vans whose drivers hold their list and leave later than now: nothing of it has happened."""
    gone = {ride.shift_id for ride in facts.riding if ride.state in HAPPENED}
    found = set()
    for shift_id in {ride.shift_id for ride in facts.riding if ride.state == "dispatched"} - gone:
        held = store.held_manifest(shift_id)
        if held is not None and store.manifest_in_hand(held.id).departs_at > now:
            found.add(shift_id)
    return frozenset(found)


def _urgent(
    happening: Happening,
    saved: SavedPlan,
    facts: DayFacts,
    problem: Problem,
    *,
    spares: list[Shift],
    next_day: NextDay,
    now: datetime,
) -> Ways:
    name = _number(facts, happening.key)
    if any(happening.key in order for order in orders_of(saved.plan).values()):
        raise Conflict(f"{name} is on a route already. Move it on the board.", code="on_a_route")
    excluded = next((each for each in problem.excluded if each.visit == happening.key), None)
    if excluded is not None:
        raise Conflict(excluded.detail or f"{name} cannot go today.", code="cannot_go")
    problem = replace(problem, locks=tuple(lock for lock in problem.locks if lock.visit != happening.key))
    plan = begun_from(saved.plan, problem)
    if lost := set(orders_of(saved.plan)) - set(orders_of(plan)):
        # A van that should have left by now keeps its route as it was planned, and takes nothing more.
        problem = _as_it_was(problem, saved.problem, lost, happening.key)
        plan = begun_from(saved.plan, problem)
    if orders_of(plan) != orders_of(saved.plan):
        raise Conflict(
            "The plan no longer holds as it is: a door, a van or an order changed. Plan the day again.",
            code="plan_moved_on",
        )
    sent = fixes(plan, problem, facts, now=now, spares=spares)
    options = urgent_in(
        plan, problem, facts, delivery=happening.key,
        sent=[each for each in sent if each.added is not None], next_day=next_day,
    )  # fmt: skip
    why_not, in_parts = "", False
    if all(each.kind is OutKind.NEXT_DAY for each in options):
        left = next((each for each in saved.plan.unassigned if each.visit == happening.key), None)
        why_not, in_parts = left.detail if left is not None else "", may_be_split(saved.plan, happening.key)
    return Ways(
        subject=name,
        day=saved.from_day,
        options=tuple(options),
        concerned=(name,),
        why_not=why_not,
        in_parts=in_parts,
    )


def _as_it_was(problem: Problem, before: Problem, shifts: Collection[int], delivery: int) -> Problem:
    """These shifts as the saved plan had them, and barred to the delivery."""
    offers = {offer.id: offer for offer in before.shifts if offer.id in shifts}
    everybody = frozenset(offer.id for offer in problem.shifts)
    return replace(
        problem,
        shifts=tuple(offers.get(offer.id, offer) for offer in problem.shifts),
        visits=tuple(
            replace(each, shifts=(everybody if each.shifts is None else each.shifts) - frozenset(shifts))
            if each.id == delivery
            else each
            for each in problem.visits
        ),
    )


def _cancelled(happening: Happening, saved: SavedPlan, facts: DayFacts, problem: Problem, next_day: NextDay) -> Ways:
    name = _number(facts, happening.key)
    if all(happening.key not in order for order in orders_of(saved.plan).values()):
        raise NotFound(f"{name} is on no route of this plan: nothing has to be decided.", delivery=happening.key)
    if any(ride.delivery_id == happening.key and ride.state in HAPPENED for ride in facts.riding):
        raise Conflict(f"{name} is done, or the van stands at its door.", code="happened")
    found = cancelled(saved.plan, problem, facts, delivery=happening.key, next_day=next_day)
    return Ways(subject=name, day=saved.from_day, options=tuple(found), concerned=(name,))


def _later(
    happening: Happening,
    saved: SavedPlan,
    facts: DayFacts,
    problem: Problem,
    next_day: NextDay,
    *,
    now: datetime,
) -> Ways:
    riding = {ride.delivery_id for ride in facts.riding}
    name = _number(facts, happening.key)
    if happening.key in riding:
        raise Conflict(f"The goods of {name} are on a van already.", code="loaded")
    on_routes = [key for order in orders_of(saved.plan).values() for key in order if key not in riding]
    if happening.key not in on_routes:
        raise NotFound(f"{name} is on no route of this plan: nothing has to be decided.", delivery=happening.key)
    together = same_goods(facts, happening.key, on_routes)
    ready = _moment(facts, saved, happening)
    if ready <= now:
        raise InvalidInput(f"{happening.at} is over. Say when the goods are there.", code="time")
    found = goods_later(saved.plan, problem, facts, deliveries=together, ready=ready, next_day=next_day)
    numbers = tuple(each.number for each in facts.deliveries if each.id in set(together))
    return Ways(subject=name, day=saved.from_day, options=tuple(found), concerned=numbers)


def apply_way(store: Replans, happening: Happening, *, plan_id: int, chosen: OutOption, by: str, now: datetime) -> int:
    """Does what was chosen and saves it as a new version; returns its id. Who holds a list gets the changed one when
    the route is dispatched again.

    Whoever brings an urgent order today says why: it stands with its orders, and they count as urgent by that person.
    Raises InvalidInput without a reason, and Conflict when the day has moved on since the options were shown; then
    nothing is kept.
    """
    saved, facts, problem = as_it_stands(store, plan_id)
    hurries = happening.kind == "urgent" and chosen.kind is not OutKind.NEXT_DAY
    reason = urgent_because(happening.why, number=_number(facts, happening.key)) if hurries else ""
    _refuse_moved_on(facts, problem, chosen)
    plan, new_problem = chosen.plan, chosen.problem
    why = f"{happening.kind}: {chosen.title}"
    next_day = _next_days(facts, saved)
    swapped: tuple[int, int] | None = None
    if chosen.vehicle_id is not None:
        own = store.shift(chosen.shift_id)
        new_shift = store.swap_vehicle(
            shift_id=own.id,
            vehicle_id=chosen.vehicle_id,
            driver_id=own.driver.id if own.driver is not None else None,
            why=why,
        )
        store.set_shift_state(shift_id=own.id, state="replaced", why=why)
        swapped = own.id, new_shift
    elif chosen.added is not None:
        assert chosen.added.driver is not None  # a spare van is offered with a driver only
        new_shift = store.add_shift_like(
            shift_id=like_of(facts, chosen.added),
            vehicle_id=chosen.added.vehicle.id,
            driver_id=chosen.added.driver.id,
            why=why,
        )
        swapped = chosen.added.id, new_shift
    if swapped is not None:
        plan, new_problem = renamed_shift(plan, new_problem, old=swapped[0], new=swapped[1])
    if chosen.kind is OutKind.COMES_BACK:
        bring_back(
            store, facts, store.shift(chosen.shift_id), chosen.postponed, by=by, now=now,
            why="cancelled: comes back", another_attempt=False,
        )  # fmt: skip
    new = new_version(
        store,
        saved,
        facts=facts,
        plan=plan,
        problem=new_problem,
        why=why,
        by=by,
        now=now,
        kind="plan_changed",
        data={"happened": happening.kind, "option": chosen.kind.value, "left_out": len(chosen.left_out)},
    )
    if happening.kind == "later":
        late = [each.id for each in facts.deliveries if each.number in _concerned(facts, saved, happening)]
        store.set_ready_at(late, at=_moment(facts, saved, happening))
    if chosen.kind is not OutKind.COMES_BACK:
        _leave_for_another_day(store, saved, chosen, next_day, by=by, now=now)
    for key in chosen.postponed:
        store.append_event(
            kind="postponed",
            actor=by,
            captured_at=now,
            received_at=now,
            delivery_id=key,
            plan_id=new,
            data={"why": happening.kind, "day": next_day(key)},
        )
    if hurries:
        # The next plan of the day keeps it where it was promised to go.
        _lock(store, facts, saved, happening.key, plan, by=by, now=now)
        store.set_urgent(happening.key, by=by)
        store.append_event(
            kind="set_urgent",
            actor=by,
            captured_at=now,
            received_at=now,
            delivery_id=happening.key,
            plan_id=new,
            data={"delivery": _number(facts, happening.key), "why": reason, "option": chosen.title},
        )
    return new


def _leave_for_another_day(
    store: Replans, saved: SavedPlan, chosen: OutOption, next_day: NextDay, *, by: str, now: datetime
) -> None:
    for key in chosen.postponed:
        day = next_day(key)
        if day:
            store.postpone_delivery(delivery_id=key, for_day=day)
        else:
            store.lock_delivery(day=saved.from_day, delivery_id=key, shift_id=None, position=None, by=by, now=now)


def _lock(store: Replans, facts: DayFacts, saved: SavedPlan, key: int, plan: Plan, *, by: str, now: datetime) -> None:
    home = next(shift for shift, order in orders_of(plan).items() if key in order)
    day = store.shift(home).day
    for each in sorted({saved.from_day, saved.to_day, *(shift.day for shift in facts.shifts)}):
        store.unlock_delivery(day=each, delivery_id=key)
    store.lock_delivery(day=day, delivery_id=key, shift_id=home, position=None, by=by, now=now)


def _refuse_moved_on(facts: DayFacts, problem: Problem, chosen: OutOption) -> None:
    """What is on a van, and what is done, must be what it was when the options were shown."""
    apart = set(chosen.postponed)
    riding = {ride.delivery_id for ride in facts.riding}

    def state(of: Problem) -> set[tuple[int, bool]]:
        return {(lock.visit, lock.done) for lock in of.locks if lock.visit in riding and lock.visit not in apart}

    now_locked = {(lock.visit, lock.shift) for lock in problem.locks if lock.visit in riding}
    shown = {(lock.visit, lock.shift) for lock in chosen.problem.locks}
    if state(problem) != state(chosen.problem) or not {each for each in now_locked if each[0] not in apart} <= shown:
        raise Conflict("A van was loaded or went on meanwhile. Look at the options again.", code="plan_moved_on")
    ridden_before = chosen.kind is OutKind.COMES_BACK
    if any((key in riding) != ridden_before for key in apart):
        raise Conflict("The goods were loaded or unloaded meanwhile. Look at the options again.", code="plan_moved_on")


def _next_days(facts: DayFacts, saved: SavedPlan) -> NextDay:
    of = {each.id: each for each in facts.deliveries}

    def next_day(key: int) -> str:
        day = next_day_of(facts, of[key], saved.to_day) if key in of else None
        return day.isoformat() if day is not None else ""

    return next_day


def _moment(facts: DayFacts, saved: SavedPlan, happening: Happening) -> datetime:
    own = next(each for each in facts.deliveries if each.id == happening.key)
    depot = next(each for each in facts.depots if each.id == own.depot_id)
    return moment(day_of(saved.from_day), clock_minutes(happening.at), zone_of(depot.zone))


def _concerned(facts: DayFacts, saved: SavedPlan, happening: Happening) -> set[str]:
    riding = {ride.delivery_id for ride in facts.riding}
    on_routes = [key for order in orders_of(saved.plan).values() for key in order if key not in riding]
    keys = set(same_goods(facts, happening.key, on_routes))
    return {each.number for each in facts.deliveries if each.id in keys}


def _number(facts: DayFacts, key: int) -> str:
    found = next((each.number for each in facts.deliveries if each.id == key), None)
    if found is None:
        raise NotFound("This delivery is not of that day any more. Reload the board.", delivery=key)
    return found


def _shift_on(saved: SavedPlan, facts: DayFacts, key: int) -> Shift:
    own = next((each for each in facts.shifts if each.id == key), None)
    if own is None or key not in orders_of(saved.plan):
        raise NotFound("This van has no route in the plan any more. Reload the board.", shift=key)
    return own


def _one_of_each(vans: tuple[Vehicle, ...], facts: DayFacts) -> tuple[Vehicle, ...]:
    found = {sort_of(van, facts): van for van in reversed(vans)}
    return tuple(sorted(found.values(), key=lambda each: each.id))[:MOST_VANS]
