"""A dispatcher changes the plan: moves, locks, undoes, and decides what happens when a driver is out.

Each change is shown first (`show_move`, `driver_out_options`) and then made, as a new version whose parent is the plan
it was decided on. Whoever decides on a plan that is no longer the current one is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Protocol

from routing.errors import Conflict, NotFound
from routing.model.day import Carried, CurrentPlan, DayFacts, DeliveryFacts, SavedPlan
from routing.model.days import day_words
from routing.model.fleet import Driver, Shift
from routing.model.plans import Plan, Problem
from routing.model.stock import UnitState
from routing.model.tasks import TaskKind
from routing.ports import Solver
from routing.rules.calendars import day_of, next_delivery_day, zone_of
from routing.rules.changes import MoveEffect, effect_of_move, orders_of, what_it_adds
from routing.rules.driver_out import (
    OutKind,
    OutOption,
    better,
    frozen_on_their_vans,
    insert_cheapest,
    is_loaded,
    left_behind,
    meet,
    nobodys_run,
    on_board,
    option,
    renamed_shift,
    still_to_do,
    take_van,
    without_route,
    without_shift,
)
from routing.rules.locks import as_the_day_stands, followed, in_their_new_places
from routing.rules.reasons import why_left_out
from routing.services.planning import SavesPlans
from routing.services.story import AsksPeople, MovesGoods, MovesUnits

MOST_SAID = 3
"""So many sentences say why a change is refused."""


class EditsPlans(MovesUnits, MovesGoods, SavesPlans, AsksPeople, Protocol):
    def plan(self, plan_id: int) -> SavedPlan: ...

    def shift(self, shift_id: int) -> Shift: ...

    def spare_drivers(self, *, day: str, depot_id: int) -> tuple[Driver, ...]: ...

    def lock_delivery(
        self, *, day: str, delivery_id: int, shift_id: int | None, position: int | None, by: str, now: datetime
    ) -> None: ...

    def unlock_delivery(self, *, day: str, delivery_id: int) -> bool: ...

    def set_shift_state(self, *, shift_id: int, state: str, why: str) -> None: ...

    def set_shift_hours(self, *, shift_id: int, starts: str, ends: str, why: str) -> None: ...

    def copy_shift(self, *, shift_id: int, driver_id: int, why: str) -> int: ...

    def change_delivery_state(self, *, delivery_id: int, from_states: Sequence[str], to_state: str) -> None: ...

    def postpone_delivery(self, *, delivery_id: int, for_day: str, another_attempt: bool = False) -> None: ...

    def carried(self, delivery_ids: Sequence[int]) -> tuple[Carried, ...]: ...


# ---------------------------------------------------------------------------- moving


def show_move(
    store: EditsPlans,
    *,
    plan_id: int,
    delivery: int,
    to_shift: int | None,
    position: int = 0,
    along: tuple[int, ...] = (),
) -> MoveEffect:
    """What a move would do, in minutes, metres, money and promises, or the sentences of what it would break. `along`:
    the other deliveries of its stop, when all go.

    Writes nothing. Raises NotFound.
    """
    saved, facts, problem = as_it_stands(store, plan_id)
    return effect_of_move(
        saved.plan, problem, facts=facts, delivery=delivery, to_shift=to_shift, position=position, along=along
    )


def move_delivery(
    store: EditsPlans,
    *,
    plan_id: int,
    delivery: int,
    to_shift: int | None,
    position: int = 0,
    along: tuple[int, ...] = (),
    by: str,
    now: datetime,
) -> int:
    """Makes the move as a new version; None as `to_shift` takes the delivery out, with all that go `along`. Returns the
    new plan's id.

    A lock of the delivery follows it to its new place. Raises NotFound, and Conflict with the sentence of what it would
    break, or when the plan is no longer the current one.
    """
    saved, facts, problem = as_it_stands(store, plan_id)
    effect = effect_of_move(
        saved.plan, problem, facts=facts, delivery=delivery, to_shift=to_shift, position=position, along=along
    )
    if effect.plan is None or effect.problem is None:
        raise Conflict(" ".join(effect.violations), code="move_breaks", delivery=delivery)
    name = ", ".join(_name(problem, key) for key in (delivery, *along))
    new = new_version(
        store,
        saved,
        facts=facts,
        plan=effect.plan,
        problem=effect.problem,
        why=f"took {name} out" if to_shift is None else f"moved {name}",
        by=by,
        now=now,
        kind="plan_changed",
        data={"delivery": name, "from_shift": effect.from_shift, "to_shift": to_shift, "minutes": effect.minutes},
    )
    for key in (delivery, *along):
        stays_out = any(lock.delivery_id == key and lock.shift_id is None for lock in facts.locks)
        if to_shift is not None and not stays_out:
            continue
        for day in _days(saved, facts):
            if store.unlock_delivery(day=day, delivery_id=key) or to_shift is None:
                store.lock_delivery(day=day, delivery_id=key, shift_id=to_shift, position=None, by=by, now=now)
    return new


def take_out(
    store: EditsPlans, *, plan_id: int, delivery: int, along: tuple[int, ...] = (), by: str, now: datetime
) -> int:
    """Leaves the delivery, and what goes along, out of the plan and of the next ones of these days, until it is
    unlocked."""
    return move_delivery(store, plan_id=plan_id, delivery=delivery, to_shift=None, along=along, by=by, now=now)


def lock_delivery(
    store: EditsPlans, *, plan_id: int, delivery: int, by: str, now: datetime, keep_position: bool = False
) -> None:
    """The next plan keeps this delivery on the shift it is on now (`keep_position`: at its place in the order too).

    That binds the planner, not a person: whatever is moved by hand meanwhile, the lock follows its delivery, and its
    place is counted anew. One that is left out stays out. Raises NotFound, and Conflict when the plan is no longer the
    current one: its places are others by now.
    """
    saved = store.plan(plan_id)
    _standing_on(store, saved)
    shift_id = position = None
    for shift, order in orders_of(saved.plan).items():
        if delivery in order:
            shift_id, position = shift, order.index(delivery) if keep_position else None
    _name(saved.problem, delivery)
    day = store.shift(shift_id).day if shift_id is not None else saved.from_day
    store.lock_delivery(day=day, delivery_id=delivery, shift_id=shift_id, position=position, by=by, now=now)
    _event(store, plan_id, kind="delivery_locked", by=by, now=now, data={"delivery": delivery, "shift": shift_id})


def unlock_delivery(store: EditsPlans, *, plan_id: int, delivery: int, by: str, now: datetime) -> None:
    """The next plan may put it anywhere. Raises NotFound when it was not locked."""
    saved = store.plan(plan_id)
    facts = store.day_facts(from_day=saved.from_day, to_day=saved.to_day, depot_ids=saved.depot_ids)
    days = {saved.from_day, saved.to_day} | {shift.day for shift in facts.shifts}
    if not any([store.unlock_delivery(day=day, delivery_id=delivery) for day in sorted(days)]):
        raise NotFound(f"{_name(saved.problem, delivery)} is not locked.", delivery=delivery)
    _event(store, plan_id, kind="delivery_unlocked", by=by, now=now, data={"delivery": delivery})


def undo(store: EditsPlans, *, plan_id: int, by: str, now: datetime) -> int:
    """Makes the version before this one the current plan again and returns its id.

    Raises NotFound for a first version, Conflict when the day no longer allows it: a driver was swapped or goods of
    that version are on other vans by now.
    """
    saved = store.plan(plan_id)
    if saved.parent_id is None:
        raise NotFound("This is the first version of the plan: there is nothing to undo.", plan=plan_id)
    before = store.plan(saved.parent_id)
    facts = store.day_facts(from_day=saved.from_day, to_day=saved.to_day, depot_ids=saved.depot_ids)
    planned = {shift.id for shift in facts.shifts if shift.state == "planned"}
    for shift in orders_of(before.plan):
        if shift not in planned:
            raise Conflict("A driver was swapped since that version: it cannot come back. Move the stops instead.")
    where = {visit: shift for shift, order in orders_of(before.plan).items() for visit in order}
    known = {each.id for each in facts.deliveries}
    for ride in facts.riding:
        if where.get(ride.delivery_id) != ride.shift_id:
            raise Conflict("Goods are on another van by now than in that version: it cannot come back.")
    for visit in where:
        if visit not in known:
            raise Conflict(f"{_name(before.problem, visit)} does not go out any more: that version cannot come back.")
    _point(store, saved, before.id)
    _hours_as_before(store, saved, before, facts)
    for lock in facts.locks:
        # What rides again was taken out by the change that is undone.
        if lock.shift_id is None and lock.delivery_id in where:
            for day in _days(saved, facts):
                store.unlock_delivery(day=day, delivery_id=lock.delivery_id)
    _locks_follow(store, saved, facts, before.plan, now=now)
    _event(store, before.id, kind="plan_undone", by=by, now=now, data={"undone": saved.why, "version": plan_id})
    return before.id


def _hours_as_before(store: EditsPlans, saved: SavedPlan, before: SavedPlan, facts: DayFacts) -> None:
    """A shift whose hours the undone version changed has its old ones again; one that it added is gone. Not one on
    which goods ride: its beginning moved because it was late."""
    loaded = {ride.shift_id for ride in facts.riding}
    now = {offer.id: (offer.start_s, offer.end_s) for offer in saved.problem.shifts}
    zones = {depot.id: zone_of(depot.zone) for depot in facts.depots}
    of = {shift.id: shift for shift in facts.shifts}
    held = {offer.id for offer in before.problem.shifts}
    for shift_id in now.keys() - held - loaded:
        if shift_id in of:  # it was added by the version that is undone
            store.set_shift_state(shift_id=shift_id, state="replaced", why="undone")
    for offer in before.problem.shifts:
        if offer.id in loaded or offer.id not in of or now.get(offer.id) in (None, (offer.start_s, offer.end_s)):
            continue
        zone = zones[of[offer.id].depot_id]
        starts, ends = (
            f"{(before.problem.epoch + timedelta(seconds=at)).astimezone(zone):%H:%M}"
            for at in (offer.start_s, offer.end_s)
        )
        store.set_shift_hours(shift_id=offer.id, starts=starts, ends=ends, why="undone")


# ---------------------------------------------------------------------------- a driver is out


def driver_out_options(
    open_store: Callable[[], AbstractContextManager[EditsPlans]],
    *,
    plan_id: int,
    shift_id: int,
    solve: Solver,
    seed: int = 0,
    time_limit_s: float = 5.0,
) -> list[OutOption]:
    """What can be done, side by side; nothing is written and no transaction is open while it solves.

    Raises NotFound when the shift has no route in this plan.
    """
    with open_store() as store:
        saved, facts, problem = as_it_stands(store, plan_id)
        shift = store.shift(shift_id)
        spares = store.spare_drivers(day=shift.day, depot_id=shift.depot_id)
    if shift_id not in orders_of(saved.plan):
        raise NotFound(f"{shift.name} has no route in this plan: nothing has to be decided.", shift=shift_id)
    spares = tuple(spare for spare in spares if shift.driver is None or spare.id != shift.driver.id)
    options = take_van(saved.plan, problem, facts, shift=shift, spares=spares)
    if is_loaded(facts, shift_id):
        meeting = [
            found
            for other in facts.shifts
            if other.id != shift_id and other.day == shift.day and other.state == "planned"
            if (found := meet(saved.plan, problem, facts, shift=shift, via=other)) is not None
        ]
        # The van that takes most over, then the one that breaks least, then the cheapest.
        meeting.sort(key=lambda each: (len(each.left_out), len(each.promises_broken), each.cost))
        options += meeting[:1]
        options.append(left_behind(saved.plan, problem, facts, shift=shift, kind=OutKind.BACK_TO_DEPOT))
        return options
    options.append(_spread(saved.plan, problem, facts, shift=shift, solve=solve, seed=seed, time_limit_s=time_limit_s))
    orphans = set(still_to_do(saved.plan, facts, shift_id))
    next_days = {next_day_of(facts, each, shift.day) for each in facts.deliveries if each.id in orphans} - {None}
    next_day = min((day.isoformat() for day in next_days if day is not None), default="")
    options.append(left_behind(saved.plan, problem, facts, shift=shift, kind=OutKind.POSTPONE, next_day=next_day))
    return options


def apply_driver_out(store: EditsPlans, *, plan_id: int, chosen: OutOption, by: str, now: datetime) -> int:
    """Does what was chosen and saves it as a new version; returns its id. What was dispatched is dispatched again by
    `dispatch_day`, which tells the drivers.

    Raises Conflict when the day has moved on since the options were shown.
    """
    saved, facts, problem = as_it_stands(store, plan_id)
    shift = store.shift(chosen.shift_id)
    orphans = still_to_do(saved.plan, facts, shift.id)
    if is_loaded(facts, shift.id) != (chosen.kind in (OutKind.OTHER_DRIVER, OutKind.MEET, OutKind.BACK_TO_DEPOT)):
        raise Conflict(f"{shift.vehicle.name} was loaded meanwhile. Look at the options again.", code="plan_moved_on")
    if {lock for lock in chosen.problem.locks if lock.done} != {lock for lock in problem.locks if lock.done}:
        raise Conflict(f"{shift.vehicle.name} went on meanwhile. Look at the options again.", code="plan_moved_on")
    plan, new_problem = chosen.plan, chosen.problem
    why = f"driver out: {chosen.title}"
    if chosen.driver_id is not None:
        new_shift = store.copy_shift(shift_id=shift.id, driver_id=chosen.driver_id, why=why)
        store.set_shift_state(shift_id=shift.id, state="replaced", why=why)
        plan, new_problem = renamed_shift(plan, new_problem, old=shift.id, new=new_shift)
    elif chosen.kind in (OutKind.SPREAD, OutKind.POSTPONE) or len(orphans) == len(orders_of(saved.plan)[shift.id]):
        store.set_shift_state(shift_id=shift.id, state="out", why=why)
    if chosen.kind is OutKind.POSTPONE:
        for each in facts.deliveries:
            if each.id in orphans and (day := next_day_of(facts, each, shift.day)) is not None:
                store.postpone_delivery(delivery_id=each.id, for_day=day.isoformat())
    if chosen.kind is OutKind.MEET and chosen.via_shift is not None:
        _hand_over(store, chosen, on_board(facts, orphans), shift, to=store.shift(chosen.via_shift), by=by, now=now)
    if chosen.kind is OutKind.BACK_TO_DEPOT:
        bring_back(
            store,
            facts,
            shift,
            on_board(facts, orphans),
            by=by,
            now=now,
            why="driver out: back to the depot",
            another_attempt=True,
        )
    return new_version(
        store,
        saved,
        facts=facts,
        plan=plan,
        problem=new_problem,
        why=why,
        by=by,
        now=now,
        kind="driver_out",
        data={"shift": shift.id, "option": chosen.kind.value, "stops_moved": chosen.stops_moved},
    )


def _spread(
    plan: Plan, problem: Problem, facts: DayFacts, *, shift: Shift, solve: Solver, seed: int, time_limit_s: float
) -> OutOption:
    """The others share the deliveries; nobody else changes vans. First without changing anybody's turn; the solver may
    then reorder within a van, and its plan is taken only when it serves more."""
    orphans = still_to_do(plan, facts, shift.id)
    base = nobodys_run(without_shift(problem, shift.id), facts, shift.id, orphans)
    rest = without_route(plan, base, shift.id)
    inserted = insert_cheapest(rest, base, orphans)
    chosen = inserted
    if inserted.unassigned and base.shifts:
        frozen = frozen_on_their_vans(rest, base)
        solved = solve(frozen, seed=seed, time_limit_s=time_limit_s, start=inserted)
        solved = replace(solved, unassigned=why_left_out(base, solved))
        chosen = better(inserted, solved)
    return option(plan, chosen, base, facts, shift=shift, kind=OutKind.SPREAD, title="The others share the deliveries")


def _hand_over(
    store: EditsPlans,
    chosen: OutOption,
    orphans: Sequence[int],
    shift: Shift,
    *,
    to: Shift,
    by: str,
    now: datetime,
) -> None:
    moved = set(orphans) & set(orders_of(chosen.plan).get(to.id, ()))
    for goods in store.carried(sorted(moved)):
        store.add_movement(
            at=now,
            product_id=goods.product_id,
            quantity=goods.quantity,
            from_place=f"vehicle:{shift.vehicle.id}",
            to_place=f"vehicle:{to.vehicle.id}",
            why="driver out: handed over",
            by=by,
            allocation_id=goods.allocation_id,
            delivery_id=goods.delivery_id,
        )
    store.add_task(
        kind=TaskKind.MEET,
        subject_kind="shift",
        subject_id=to.id,
        sentence=f"{to.name} meets {shift.vehicle.name} and takes {len(moved)} deliveries over. Tell both.",
        made_at=now,
        urgent=True,
    )


def bring_back(
    store: EditsPlans,
    facts: DayFacts,
    shift: Shift,
    orphans: Sequence[int],
    *,
    by: str,
    now: datetime,
    why: str,
    another_attempt: bool,
) -> None:
    """The goods come back whole and stay promised to their customers: released again, for the next delivery day.

    `another_attempt`: the door was on its way already. The warehouse is asked to count them in. What was to go with a
    later trip lies there still: only its day changes.
    """
    on_van = [key for key in orphans if key in {ride.delivery_id for ride in facts.riding}]
    for goods in store.carried(on_van):
        store.move_units(
            allocation_id=goods.allocation_id,
            from_state=UnitState.LOADED,
            to_state=UnitState.RELEASED,
            quantity=goods.quantity,
        )
        store.add_movement(
            at=now,
            product_id=goods.product_id,
            quantity=goods.quantity,
            from_place=f"vehicle:{shift.vehicle.id}",
            to_place=f"depot:{shift.depot_id}",
            why=why,
            by=by,
            allocation_id=goods.allocation_id,
            delivery_id=goods.delivery_id,
        )
    for each in facts.deliveries:
        if each.id not in orphans:
            continue
        if each.id in on_van:
            store.change_delivery_state(delivery_id=each.id, from_states=("loaded", "dispatched"), to_state="released")
        day = next_day_of(facts, each, shift.day)
        if day is not None:
            tried = another_attempt and each.id in on_van
            store.postpone_delivery(delivery_id=each.id, for_day=day.isoformat(), another_attempt=tried)
    if on_van:
        store.add_task(
            kind=TaskKind.GOODS_BACK,
            subject_kind="shift",
            subject_id=shift.id,
            sentence=f"{shift.vehicle.name} brings {len(on_van)} deliveries back. Count them in.",
            made_at=now,
        )


# ---------------------------------------------------------------------------- what they share


def as_it_stands(store: EditsPlans, plan_id: int) -> tuple[SavedPlan, DayFacts, Problem]:
    """The saved plan, the day now, and its problem with what rides and what has happened locked."""
    saved = store.plan(plan_id)
    facts = store.day_facts(from_day=saved.from_day, to_day=saved.to_day, depot_ids=saved.depot_ids)
    return saved, facts, as_the_day_stands(saved.problem, facts, saved.plan)


def new_version(
    store: EditsPlans,
    saved: SavedPlan,
    *,
    facts: DayFacts,
    plan: Plan,
    problem: Problem,
    why: str,
    by: str,
    now: datetime,
    kind: str,
    data: dict[str, object],
) -> int:
    """Saves the changed plan as a version, makes it the current one, and lets every lock follow its delivery. `facts`
    is the day as the change was decided on. Returns its id.

    Raises Conflict with the sentences of what it would break that was not broken before, or when the plan is no longer
    the current one.
    """
    stands = as_the_day_stands(saved.problem, facts, saved.plan)
    problem, _ = in_their_new_places(problem, orders_of(plan))
    if added := what_it_adds(saved.plan, stands, plan, problem):
        raise Conflict(
            " ".join(each.sentence for each in added[:MOST_SAID]),
            code="move_breaks",
            violations=[each.code for each in added],
        )
    new = store.add_plan(
        problem=problem,
        solution=plan,
        from_day=saved.from_day,
        to_day=saved.to_day,
        depot_ids=saved.depot_ids,
        parent_id=saved.id,
        why=why,
        by=by,
        made_at=now,
    )
    _point(store, saved, new)
    _locks_follow(store, saved, facts, plan, now=now)
    _event(store, new, kind=kind, by=by, now=now, data={"why": why, **data})
    return new


def _locks_follow(store: EditsPlans, saved: SavedPlan, facts: DayFacts, plan: Plan, *, now: datetime) -> None:
    for lock in followed(facts.locks, orders_of(plan)):
        for day in _days(saved, facts):
            if store.unlock_delivery(day=day, delivery_id=lock.delivery_id):
                store.lock_delivery(
                    day=day, delivery_id=lock.delivery_id, shift_id=lock.shift_id, position=lock.position, by=lock.by,
                    now=now,
                )  # fmt: skip


def _point(store: EditsPlans, saved: SavedPlan, new: int) -> None:
    """Every depot and day that stood on the saved plan stands on the new one. Raises Conflict when none does."""
    for each in _standing_on(store, saved):
        if each.state == "closed":
            raise Conflict(
                f"{day_words(each.day)} is closed: its plan stays as it is.", code="day_closed", day=each.day
            )
        store.point_to(plan_id=new, depot_id=each.depot_id, day=each.day, instead_of=saved.id)


def _standing_on(store: EditsPlans, saved: SavedPlan) -> list[CurrentPlan]:
    """The depots and days whose current plan this is. Raises Conflict when there are none."""
    held = [
        each
        for each in store.current_plans(from_day=saved.from_day, to_day=saved.to_day, depot_ids=saved.depot_ids)
        if each.plan_id == saved.id
    ]
    if not held:
        raise Conflict(
            f"The plan of {day_words(saved.from_day)} was changed by somebody else meanwhile. "
            "Look at it and decide again.",
            code="plan_moved_on",
            plan=saved.id,
        )
    return held


def _event(store: EditsPlans, plan_id: int, *, kind: str, by: str, now: datetime, data: dict[str, object]) -> None:
    store.append_event(kind=kind, actor=by, captured_at=now, received_at=now, plan_id=plan_id, data=data)


def _name(problem: Problem, delivery: int) -> str:
    for visit in problem.visits:
        if visit.id == delivery:
            return visit.name
    if any(gone.visit == delivery for gone in problem.excluded):
        return f"delivery {delivery}"
    raise NotFound(f"Delivery {delivery} is not in this plan. Plan the day again.", delivery=delivery)


def _days(saved: SavedPlan, facts: DayFacts) -> list[str]:
    """The days of the plan on which a lock may stand."""
    days = {shift.day for shift in facts.shifts} or {saved.from_day}
    return sorted(day for day in days | {saved.from_day} if saved.from_day <= day <= saved.to_day)


def next_day_of(facts: DayFacts, delivery: DeliveryFacts, day: str) -> date | None:
    """The first day after that one on which its depot drives and its door takes goods; None within a year."""
    site = next(site for site in facts.sites if site.id == delivery.site_id)
    return next_delivery_day(
        facts.calendars,
        day_of(day),
        depot_id=delivery.depot_id,
        site_id=site.id,
        zone_id=site.delivery_zone_id,
        delivery_days=site.delivery_days,
    )
