"""Loading: the goods go from the shelf onto the van, and from that moment on-hand stock is less.

`load_delivery` is the scan at the van's door: last stop first, and only what was picked. `load_route` is the press of a
dispatcher who takes a whole trip as loaded: what was not picked is picked with it.

A later trip of a shift is loaded when the van is back: its route is out by then, so what goes onto the van is on its
way at once. `load_trip` is the driver's own word for it, from the depot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from routing.errors import Conflict
from routing.model.day import HeldManifest, RouteSheet, StopSheet
from routing.model.picking import PickDelivery, TripPlace
from routing.model.stock import UnitState
from routing.rules.problem import ENDED
from routing.services.locking import LocksPools
from routing.services.story import KeepsEvents, MovesGoods, MovesUnits


class LoadsVans(MovesUnits, MovesGoods, LocksPools, KeepsEvents, Protocol):
    def route_sheet(self, shift_id: int) -> RouteSheet: ...

    def held_manifest(self, shift_id: int) -> HeldManifest | None: ...

    def pick_deliveries(self, delivery_ids: Collection[int]) -> list[PickDelivery]: ...

    def trip_place(self, delivery_id: int) -> TripPlace | None: ...

    def goods_at(self, place: str) -> dict[int, int]: ...

    def note_picked(self, *, delivery_id: int, allocation_id: int, picked: int) -> None: ...

    def set_staged(self, *, delivery_id: int, place: str, at: datetime | None) -> None: ...

    def change_delivery_state(self, *, delivery_id: int, from_states: Sequence[str], to_state: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What went onto the van now; `already` counts deliveries that were on it before, `unpicked` units that nobody had
    picked, `event_ids` one event a delivery."""

    shift_id: int
    vehicle: str
    deliveries: int
    units: int
    already: int
    unpicked: int = 0
    event_ids: tuple[int, ...] = ()


def load_route(store: LoadsVans, *, shift_id: int, by: str, now: datetime) -> Loaded:
    """Loads every delivery of the trip that is due of the shift's route in the current plan, picked or not: the first,
    and each later one once those before it are done. A second time changes nothing.

    Raises Conflict, and loads nothing of it, when units are not on hand or a delivery is no longer released; NotFound
    when the shift has no route.
    """
    sheet = store.route_sheet(shift_id)
    states = dict(sheet.states)
    mine = sheet.of_trip(trip_due(sheet))
    waiting = [key for key in mine if states[key] == "released"]
    gone = [key for key in mine if states[key] == "unreleased"]
    if gone:
        numbers = {each.delivery_id: each.number for stop in sheet.stops for each in stop.deliveries}
        fetched = any(each.is_fetched for each in store.pick_deliveries(gone[:1]))
        said = "was cancelled: nothing is fetched" if fetched else "was taken back: it may not be loaded"
        raise Conflict(
            f"{numbers[gone[0]]} {said}. Take it off the route of {sheet.vehicle}.",
            delivery=gone[0],
        )
    return _load(store, sheet, waiting, by=by, now=now)


def load_delivery(
    store: LoadsVans,
    *,
    shift_id: int,
    trip: int,
    delivery_id: int,
    by: str,
    now: datetime,
    pick_rest: bool = False,
    any_order: bool = False,
    van_is_here: bool = False,
) -> Loaded:
    """Loads one delivery at the door of the van, last stop of the trip first.

    `pick_rest` takes what was not picked with it; `any_order` puts it in although a later stop is not loaded yet;
    `van_is_here` although the trip before is not reported done. All are a person's choice. Raises Conflict with one
    sentence: of another trip (`other_trip`, names it), loaded already (`complete`), of a trip that waits for the van to
    be back (`not_out`, `still_out`), not picked (`not_picked`), before its turn (`out_of_order`), still on a truck
    (`to_come`), not on hand (`not_on_hand`).
    """
    sheet = store.route_sheet(shift_id)
    stops = [stop for stop in sheet.stops if stop.trip == trip]
    at = next((n for n, stop in enumerate(stops) if delivery_id in _ids(stop)), None)
    delivery = next(iter(store.pick_deliveries([delivery_id])), None)
    if delivery is None or at is None:
        raise Conflict(_whose(store, delivery, sheet, trip), code="other_trip", delivery=delivery_id)
    if delivery.state != "released":
        raise Conflict(_not_waiting(delivery, sheet), code="complete", delivery=delivery_id)
    states = dict(sheet.states)
    _refuse_while_the_van_is_away(store, sheet, trip, delivery, van_is_here=van_is_here)
    behind = [n for n, stop in enumerate(stops) if n > at and any(states[key] == "released" for key in _ids(stop))]
    if behind and not any_order:
        last = stops[behind[-1]]
        numbers = {stop.stop_id: n for n, stop in enumerate(sheet.stops, 1)}
        raise Conflict(
            f"{delivery.number} is stop {numbers[stops[at].stop_id]}. Stop {numbers[last.stop_id]}, {last.site}, goes "
            "in first: it is unloaded after it.",
            code="out_of_order",
            delivery=delivery_id,
        )
    if not delivery.whole and not pick_rest:
        line = next(line for line in delivery.lines if line.left)
        raise Conflict(
            f"{delivery.number} is not picked: {line.left} of {line.quantity} × {line.sku} are missing. Pick them, "
            "report them short, or take them along now.",
            code="not_picked",
            delivery=delivery_id,
        )
    return _load(store, sheet, [delivery_id], by=by, now=now)


def load_trip(
    store: LoadsVans, *, shift_id: int, delivery_ids: Collection[int], by: str, now: datetime, at: datetime
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """What the driver took along: of these deliveries of a later trip all that wait, each by itself. `at`: when.

    Returns the deliveries that are on the van now, and a sentence for each that the books do not allow (not on hand,
    still on a truck): a person puts that right, what the driver says is kept all the same.
    """
    sheet = store.route_sheet(shift_id)
    goods = store.pick_deliveries(delivery_ids)
    store.lock_pools(sheet.depot_id, sorted({line.product_id for each in goods for line in each.lines}))
    # Read again: the warehouse may have loaded some of it while we waited for the lock.
    sheet = store.route_sheet(shift_id)
    states = dict(sheet.states)
    loaded: list[int] = []
    refused: list[str] = []
    for stop in sheet.stops:
        for key in _ids(stop) if stop.trip > 1 else ():
            if key not in delivery_ids or states[key] != "released":
                continue
            try:
                _load(store, sheet, [key], by=by, now=now, at=at)
            except Conflict as problem:
                refused.append(str(problem))
            else:
                loaded.append(key)
    return tuple(loaded), tuple(refused)


def trip_due(sheet: RouteSheet) -> int:
    """The trip that is loaded next or out: the first of which something is not ended; the last when all is."""
    states = dict(sheet.states)
    over = (*ENDED, "unreleased")
    return next((n for n in sheet.trips if any(states[key] not in over for key in sheet.of_trip(n))), sheet.trips[-1])


def unload_delivery(store: LoadsVans, *, shift_id: int, delivery_id: int, by: str, now: datetime) -> int:
    """Takes a loaded delivery off the van again, before it left; its goods stay picked. Returns the event's id.

    Raises Conflict when it is not on this van or the van has left with it.
    """
    sheet = store.route_sheet(shift_id)
    delivery = next(iter(store.pick_deliveries([delivery_id])), None)
    if delivery is None or not _may_come_off(sheet, delivery_id):
        number = delivery_id if delivery is None else delivery.number
        raise Conflict(f"{number} is not loaded on {sheet.vehicle}, or has left with it.", code="not_loaded")
    store.lock_pools(sheet.depot_id, {line.product_id for line in delivery.lines})
    store.change_delivery_state(delivery_id=delivery_id, from_states=("loaded", "dispatched"), to_state="released")
    for line in delivery.lines if delivery.direction == "deliver" else ():
        for each in line.units:
            store.move_units(
                allocation_id=each.allocation_id,
                from_state=UnitState.LOADED,
                to_state=UnitState.PICKED,
                quantity=each.quantity,
            )
            store.note_picked(delivery_id=delivery_id, allocation_id=each.allocation_id, picked=each.quantity)
            store.add_movement(
                at=now,
                product_id=line.product_id,
                quantity=each.quantity,
                from_place=f"vehicle:{sheet.vehicle_id}",
                to_place=f"depot:{sheet.depot_id}",
                why="unloaded",
                by=by,
                allocation_id=each.allocation_id,
                delivery_id=delivery_id,
            )
    return store.append_event(
        kind="unloaded",
        actor=by,
        captured_at=now,
        received_at=now,
        delivery_id=delivery_id,
        shift_id=shift_id,
        data={"vehicle": sheet.vehicle},
    )


def _load(
    store: LoadsVans,
    sheet: RouteSheet,
    waiting: Sequence[int],
    *,
    by: str,
    now: datetime,
    at: datetime | None = None,
) -> Loaded:
    goods = [each for each in store.pick_deliveries(waiting) if each.direction == "deliver"]
    store.lock_pools(sheet.depot_id, sorted({line.product_id for each in goods for line in each.lines}))
    # Read again: somebody may have picked or recounted while we waited for the lock.
    goods = [each for each in store.pick_deliveries(waiting) if each.direction == "deliver"]
    _refuse_what_is_to_come(goods)
    _refuse_what_is_not_on_hand(goods, store.goods_at(f"depot:{sheet.depot_id}"), sheet)
    unpicked = 0
    for delivery in goods:
        for line in delivery.lines:
            for each in line.units:
                unpicked += each.quantity - each.picked
                if each.picked < each.quantity:
                    store.move_units(
                        allocation_id=each.allocation_id,
                        from_state=UnitState.RELEASED,
                        to_state=UnitState.PICKED,
                        quantity=each.quantity - each.picked,
                    )
                store.note_picked(delivery_id=delivery.id, allocation_id=each.allocation_id, picked=0)
                store.move_units(
                    allocation_id=each.allocation_id,
                    from_state=UnitState.PICKED,
                    to_state=UnitState.LOADED,
                    quantity=each.quantity,
                )
                store.add_movement(
                    at=now,
                    product_id=line.product_id,
                    quantity=each.quantity,
                    from_place=f"depot:{sheet.depot_id}",
                    to_place=f"vehicle:{sheet.vehicle_id}",
                    why="loaded",
                    by=by,
                    allocation_id=each.allocation_id,
                    delivery_id=delivery.id,
                )
    units = {each.id: each.quantity for each in goods}
    events = []
    for key in waiting:
        store.set_staged(delivery_id=key, place="", at=None)
        store.change_delivery_state(delivery_id=key, from_states=("released",), to_state="loaded")
    for key in waiting:
        events.append(
            store.append_event(
                kind="loaded",
                actor=by,
                captured_at=at or now,
                received_at=now,
                delivery_id=key,
                shift_id=sheet.shift_id,
                data={"vehicle": sheet.vehicle, "units": units.get(key, 0)},
            )
        )
    _send_on(store, sheet, waiting, by=by, now=now)
    return Loaded(
        shift_id=sheet.shift_id,
        vehicle=sheet.vehicle,
        deliveries=len(waiting),
        units=sum(units.values()),
        already=sum(state not in ("released", "unreleased") for _key, state in sheet.states),
        unpicked=unpicked,
        event_ids=tuple(events),
    )


def _send_on(store: LoadsVans, sheet: RouteSheet, loaded: Sequence[int], *, by: str, now: datetime) -> None:
    """What is loaded for a later trip of a route that is out stands on its driver's list: it is on its way."""
    later = [key for key in loaded if sheet.trip_of(key) > 1]
    held = store.held_manifest(sheet.shift_id) if later else None
    for key in later:
        if held is None or key not in held.delivery_ids:
            continue
        store.change_delivery_state(delivery_id=key, from_states=("loaded",), to_state="dispatched")
        store.append_event(
            kind="dispatched",
            actor=by,
            captured_at=now,
            received_at=now,
            delivery_id=key,
            shift_id=sheet.shift_id,
            data={
                "vehicle": sheet.vehicle,
                "driver": sheet.driver,
                "stop": next(n for n, stop in enumerate(sheet.stops, 1) if key in _ids(stop)),
                "manifest": held.id,
            },
        )


def _refuse_while_the_van_is_away(
    store: LoadsVans, sheet: RouteSheet, trip: int, delivery: PickDelivery, *, van_is_here: bool
) -> None:
    """A later trip is loaded when the van is back. Where one delivery of it is on board, it is."""
    states = dict(sheet.states)
    if trip == sheet.trips[0] or any(states[key] not in ("released", "unreleased") for key in sheet.of_trip(trip)):
        return
    before = [key for n in sheet.trips if n < trip for key in sheet.of_trip(n)]
    still = sum(states[key] not in (*ENDED, "unreleased") for key in before)
    if not still:
        return
    if store.held_manifest(sheet.shift_id) is None:
        raise Conflict(
            f"{delivery.number} goes with trip {trip} of {sheet.vehicle}, which has not left for trip {trip - 1} yet. "
            "Stage it until the van is back.",
            code="not_out",
            delivery=delivery.id,
        )
    if not van_is_here:
        deliveries = "1 delivery is" if still == 1 else f"{still} deliveries are"
        raise Conflict(
            f"{sheet.vehicle} is out on trip {trip - 1} as far as we know: {deliveries} not reported. Load trip {trip} "
            "when the van is back.",
            code="still_out",
            delivery=delivery.id,
        )


def _may_come_off(sheet: RouteSheet, delivery_id: int) -> bool:
    """Whether it is on the van, and the van at the depot: what was loaded for a later trip may come off again until
    something of that trip happens."""
    states = dict(sheet.states)
    if states.get(delivery_id) == "loaded":
        return True
    trip = sheet.trip_of(delivery_id)
    waiting = ("released", "unreleased", "loaded", "dispatched")
    return (
        states.get(delivery_id) == "dispatched"
        and trip > 1
        and all(states[key] in waiting for key in sheet.of_trip(trip))
    )


def _ids(stop: StopSheet) -> list[int]:
    return [each.delivery_id for each in stop.deliveries]


def _whose(store: LoadsVans, delivery: PickDelivery | None, sheet: RouteSheet, trip: int) -> str:
    here = f"{sheet.vehicle}, trip {trip}"
    if delivery is None:
        return f"There is no such delivery for {here}."
    place = store.trip_place(delivery.id)
    if place is None:
        return f"{delivery.number} for {delivery.site} is on no route: it does not go with {here}."
    return f"{delivery.number} for {delivery.site} goes with {place.vehicle}, trip {place.trip}, not with {here}."


def _not_waiting(delivery: PickDelivery, sheet: RouteSheet) -> str:
    if delivery.state == "loaded":
        return f"{delivery.number} is on {sheet.vehicle} already."
    if delivery.state == "unreleased":
        if delivery.is_fetched:
            return f"{delivery.number} was cancelled: nothing is fetched. Take it off the route of {sheet.vehicle}."
        return f"{delivery.number} was taken back: leave it here, and take it off the route of {sheet.vehicle}."
    return f"{delivery.number} has left the depot already."


def _refuse_what_is_to_come(goods: Sequence[PickDelivery]) -> None:
    """What lies on the shelf instead is promised to others: their goods must not leave with this van."""
    for delivery in goods:
        for line in delivery.lines:
            if line.to_come:
                raise Conflict(
                    f"{line.sku} for {delivery.number} is still on {line.to_come}: count that truck in first, or take "
                    "the delivery off the route.",
                    code="to_come",
                    delivery=delivery.id,
                    product=line.product_id,
                )


def _refuse_what_is_not_on_hand(goods: Sequence[PickDelivery], on_hand: dict[int, int], sheet: RouteSheet) -> None:
    wanted: dict[int, int] = defaultdict(int)
    for delivery in goods:
        for line in delivery.lines:
            wanted[line.product_id] += line.quantity
            have = on_hand.get(line.product_id, 0)
            if wanted[line.product_id] > have:
                needed = f"{wanted[line.product_id]} × {line.name}"
                raise Conflict(
                    f"{delivery.number} and what loads before it need {needed}, but {sheet.depot} has {have} on hand. "
                    "Recount it, or take the delivery off the route.",
                    code="not_on_hand",
                    delivery=delivery.id,
                    product=line.product_id,
                )
