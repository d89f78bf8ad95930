"""A van is behind, or runs out of time: what breaks, the ways out side by side, and the one that is chosen.

Nothing is told to a customer here. Who would be told stands beside each way out; who is left for another day becomes a
call for a person, and the driver gets the changed list when the route is dispatched again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Protocol

from routing.errors import Conflict, InvalidInput, NotFound
from routing.model.day import DayFacts, DeliveryFacts, HeldManifest
from routing.model.days import day_words
from routing.model.fleet import Shift
from routing.model.places import Location, metres_between
from routing.model.plans import Plan, Problem
from routing.model.proofs import ManifestInHand
from routing.model.tasks import TaskKind
from routing.rules.behind import Behind, Tomorrow, how_it_goes_on, ways_out
from routing.rules.changes import orders_of
from routing.rules.driver_out import OutKind, OutOption, is_loaded, still_to_do
from routing.rules.progress import forecast
from routing.services.editing import EditsPlans, as_it_stands, bring_back, new_version, next_day_of


class WatchesVans(EditsPlans, Protocol):
    def held_manifest(self, shift_id: int) -> HeldManifest | None: ...

    def manifest_in_hand(self, manifest_id: int, *, lock: bool = False) -> ManifestInHand: ...

    def doors_of_day(self, *, day: str, depot_ids: Sequence[int]) -> tuple[Location, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LateVan:
    """A van with what its lateness does and what can be done. `behind` is None when it is on time, done, or not out."""

    shift: Shift
    behind: Behind | None
    options: tuple[OutOption, ...] = ()


def late_van(
    store: WatchesVans, *, plan_id: int, shift_id: int, now: datetime, leave: Collection[int] | None = None
) -> LateVan:
    """Writes nothing. `leave` names the deliveries that stay behind instead of the first of the ranking.

    Raises NotFound when the shift has no route in this plan, InvalidInput when what is to stay behind is not on it,
    Conflict when that has happened meanwhile.
    """
    saved, facts, problem = as_it_stands(store, plan_id)
    shift = store.shift(shift_id)
    if shift_id not in orders_of(saved.plan):
        raise NotFound(f"{shift.name} has no route in this plan: nothing has to be decided.", shift=shift_id)
    strangers = set(leave or ()) - set(still_to_do(saved.plan, facts, shift_id))
    if strangers and strangers <= set(orders_of(saved.plan)[shift_id]):
        raise Conflict(
            f"{shift.vehicle.name} brought some of that meanwhile: it cannot stay behind. Look at the options again.",
            code="plan_moved_on",
        )
    if strangers:
        raise InvalidInput(
            f"Delivery {min(strangers)} is not among what {shift.vehicle.name} still has to bring. Look again.",
            code="not_on_this_van",
        )
    return _looked_at(store, saved.plan, problem, facts, shift, now=now, leave=leave)


def late_vans(store: WatchesVans, *, plan_id: int, now: datetime, with_options: bool = True) -> tuple[LateVan, ...]:
    """Every van of the plan that is behind, in the plan's order, the ways out only when asked. Writes nothing."""
    saved, facts, problem = as_it_stands(store, plan_id)
    shifts = {shift.id: shift for shift in facts.shifts}
    found = [
        _looked_at(store, saved.plan, problem, facts, shifts[route.shift], now=now, with_options=with_options)
        for route in saved.plan.routes
        if route.shift in shifts
    ]
    return tuple(each for each in found if each.behind is not None)


def _looked_at(
    store: WatchesVans,
    plan: Plan,
    problem: Problem,
    facts: DayFacts,
    shift: Shift,
    *,
    now: datetime,
    leave: Collection[int] | None = None,
    with_options: bool = True,
) -> LateVan:
    arrives_s = _next_arrival(store, shift.id, problem, still_to_do(plan, facts, shift.id), now=now)
    if arrives_s is None:
        return LateVan(shift=shift, behind=None)

    @cache
    def doors(day: str) -> tuple[Location, ...]:
        return store.doors_of_day(day=day, depot_ids=[shift.depot_id])

    def tomorrow(delivery: DeliveryFacts) -> Tomorrow:
        day = next_day_of(facts, delivery, shift.day)
        if day is None:
            return Tomorrow()
        here = next(site.location for site in facts.sites if site.id == delivery.site_id)
        if here is None:
            return Tomorrow(day=day.isoformat())
        near = min((round(metres_between(here, door)) for door in doors(day.isoformat())), default=None)
        return Tomorrow(day=day.isoformat(), near_m=near)

    behind = how_it_goes_on(plan, problem, facts, shift=shift, arrives_s=arrives_s, tomorrow=tomorrow)
    options: tuple[OutOption, ...] = ()
    if behind is not None and with_options:
        options = tuple(ways_out(behind, facts, shift=shift, leave=leave))
    return LateVan(shift=shift, behind=behind, options=options)


def apply_way_out(store: WatchesVans, *, plan_id: int, chosen: OutOption, by: str, now: datetime) -> int:
    """Saves what was chosen as a new version and returns its id. What stays behind comes back to the depot with the
    van and waits for its next delivery day; a person is asked to call those customers.

    `chosen` may come from an earlier transaction: nothing is worked out again here, the day is only compared. Raises
    Conflict when it has moved on since.
    """
    held = store.held_manifest(chosen.shift_id)
    if held is not None:
        store.manifest_in_hand(held.id, lock=True)  # the driver's next report waits until this is saved
    saved, facts, problem = as_it_stands(store, plan_id)
    shift = store.shift(chosen.shift_id)
    left = {gone.visit for gone in chosen.left_out}
    if set(chosen.problem.locks) != {lock for lock in problem.locks if lock.done or lock.visit not in left}:
        raise Conflict(f"{shift.vehicle.name} went on meanwhile. Look at the options again.", code="plan_moved_on")
    why = f"late: {chosen.title}"
    if chosen.kind is OutKind.LEAVE:
        _leave(store, facts, shift, [gone.visit for gone in chosen.left_out], by=by, now=now)
    return new_version(
        store,
        saved,
        facts=facts,
        plan=chosen.plan,
        problem=chosen.problem,
        why=why,
        by=by,
        now=now,
        kind="van_late",
        data={
            "shift": shift.id,
            "option": chosen.kind.value,
            "left": len(chosen.left_out),
            "promises_kept": chosen.promises_kept,
        },
    )


def _next_arrival(
    store: WatchesVans, shift_id: int, problem: Problem, rest: Sequence[int], *, now: datetime
) -> int | None:
    """When the next stop of the list in the driver's hand is reached by the forecast; None when the van is not out, has
    nothing left, or its list was changed and not handed over yet."""
    held = store.held_manifest(shift_id)
    if held is None or not rest:
        return None
    manifest = store.manifest_in_hand(held.id)
    of = {stop.stop_id: stop.deliveries for stop in manifest.stops}
    ahead = [
        eta
        for eta in forecast(manifest.stops, manifest.facts, departs_at=manifest.departs_at, now=now)
        if eta.stops_away > 0
    ]
    driven = [key for eta in ahead for key in of[eta.stop_id] if key not in manifest.ended]
    if driven != list(rest):
        return None
    return -(-(ahead[0].arrival - problem.epoch) // timedelta(seconds=1))


def _leave(store: WatchesVans, facts: DayFacts, shift: Shift, left: Sequence[int], *, by: str, now: datetime) -> None:
    assert is_loaded(facts, shift.id)  # only a van that is out can be late
    bring_back(store, facts, shift, left, by=by, now=now, why="late: back to the depot", another_attempt=False)
    sites = {site.id: site for site in facts.sites}
    for each in facts.deliveries:
        if each.id not in left:
            continue
        site, day = sites[each.site_id], next_day_of(facts, each, shift.day)
        comes = f"It comes on {day_words(day)} instead" if day is not None else "No next delivery day is known"
        store.add_task(
            kind=TaskKind.CALL_CUSTOMER,
            subject_kind="delivery",
            subject_id=each.id,
            sentence=f"{shift.vehicle.name} does not reach {site.name} today with {each.number}. {comes}: call.",
            made_at=now,
            urgent=True,
        )
