"""Loading a route: the goods go from the shelf onto the van, and from that moment on-hand stock is less."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from routing.errors import Conflict
from routing.model.day import Carried, RouteSheet
from routing.model.stock import UnitState


class LoadsVans(Protocol):
    def route_sheet(self, shift_id: int) -> RouteSheet: ...

    def carried(self, delivery_ids: Sequence[int]) -> tuple[Carried, ...]: ...

    def lock_pools(self, depot_id: int, product_ids: Collection[int]) -> None: ...

    def goods_at(self, place: str) -> dict[int, int]: ...

    def move_units(self, *, allocation_id: int, from_state: UnitState, to_state: UnitState, quantity: int) -> None: ...

    def add_movement(
        self,
        *,
        at: datetime,
        product_id: int,
        quantity: int,
        from_place: str,
        to_place: str,
        why: str,
        by: str,
        allocation_id: int | None = None,
        delivery_id: int | None = None,
    ) -> int: ...

    def change_delivery_state(self, *, delivery_id: int, from_states: Sequence[str], to_state: str) -> None: ...

    def append_event(
        self,
        *,
        kind: str,
        actor: str,
        captured_at: datetime,
        received_at: datetime,
        data: dict[str, object],
        delivery_id: int | None = None,
        shift_id: int | None = None,
    ) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What went onto the van now; `already` counts deliveries that were on it before."""

    shift_id: int
    vehicle: str
    deliveries: int
    units: int
    already: int


def load_route(store: LoadsVans, *, shift_id: int, by: str, now: datetime) -> Loaded:
    """Loads every delivery of the shift's route in the current plan. A second time changes nothing.

    Raises Conflict, and loads nothing of it, when units are not on hand or a delivery is no longer released; NotFound
    when the shift has no route.
    """
    sheet = store.route_sheet(shift_id)
    waiting = [key for key, state in sheet.states if state == "released"]
    gone = [key for key, state in sheet.states if state == "unreleased"]
    numbers = {each.delivery_id: each.number for stop in sheet.stops for each in stop.deliveries}
    if gone:
        raise Conflict(
            f"{numbers[gone[0]]} was unreleased: it may not be loaded. Take it off the route of {sheet.vehicle}.",
            delivery=gone[0],
        )
    collected = {each.delivery_id for stop in sheet.stops for each in stop.deliveries if each.direction == "collect"}
    goods = store.carried([key for key in waiting if key not in collected])
    store.lock_pools(sheet.depot_id, sorted({each.product_id for each in goods}))
    _refuse_what_is_not_on_hand(goods, store.goods_at(f"depot:{sheet.depot_id}"), sheet, numbers)
    picked: dict[int, int] = {each.allocation_id: each.released for each in goods}
    for each in goods:
        # What the warehouse has picked already is not picked again.
        to_pick = min(each.quantity, picked[each.allocation_id])
        if to_pick:
            picked[each.allocation_id] -= to_pick
            store.move_units(
                allocation_id=each.allocation_id,
                from_state=UnitState.RELEASED,
                to_state=UnitState.PICKED,
                quantity=to_pick,
            )
        store.move_units(
            allocation_id=each.allocation_id,
            from_state=UnitState.PICKED,
            to_state=UnitState.LOADED,
            quantity=each.quantity,
        )
        store.add_movement(
            at=now,
            product_id=each.product_id,
            quantity=each.quantity,
            from_place=f"depot:{sheet.depot_id}",
            to_place=f"vehicle:{sheet.vehicle_id}",
            why="loaded",
            by=by,
            allocation_id=each.allocation_id,
            delivery_id=each.delivery_id,
        )
    for key in waiting:
        store.change_delivery_state(delivery_id=key, from_states=("released",), to_state="loaded")
    units = sum(each.quantity for each in goods)
    for key in waiting:
        store.append_event(
            kind="loaded",
            actor=by,
            captured_at=now,
            received_at=now,
            delivery_id=key,
            shift_id=shift_id,
            data={"vehicle": sheet.vehicle, "units": sum(each.quantity for each in goods if each.delivery_id == key)},
        )
    return Loaded(
        shift_id=shift_id,
        vehicle=sheet.vehicle,
        deliveries=len(waiting),
        units=units,
        already=len(sheet.states) - len(waiting),
    )


def _refuse_what_is_not_on_hand(
    goods: Sequence[Carried], on_hand: dict[int, int], sheet: RouteSheet, numbers: dict[int, str]
) -> None:
    wanted: dict[int, int] = defaultdict(int)
    for each in goods:
        wanted[each.product_id] += each.quantity
        have = on_hand.get(each.product_id, 0)
        if wanted[each.product_id] > have:
            number, needed = numbers[each.delivery_id], f"{wanted[each.product_id]} × {each.product}"
            raise Conflict(
                f"{number} and what loads before it need {needed}, but {sheet.depot} has {have} on hand. "
                "Recount it, or take the delivery off the route.",
                code="not_on_hand",
                delivery=each.delivery_id,
                product=each.product_id,
            )
