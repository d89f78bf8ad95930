"""Picking and staging: released goods are taken off the shelf, put where they wait for their van, and put back again.

Each call locks the SKUs that it is about, so that a count, a release and a pick of the same goods come one after the
other. What is picked is still on hand: it leaves the depot's stock when it is loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from routing.errors import Conflict, InvalidInput, NotFound
from routing.model.picking import PickDelivery, PickLine
from routing.model.stock import UnitState
from routing.rules.picking import to_put_back, to_take
from routing.services.locking import LocksPools
from routing.services.story import KeepsEvents, MovesUnits

LONGEST_PLACE = 30


class ReadsPicks(Protocol):
    def pick_deliveries(self, delivery_ids: Collection[int]) -> list[PickDelivery]: ...


class LocksPicks(ReadsPicks, LocksPools, Protocol):
    """What deciding about a delivery's goods needs of the store."""


class Store(ReadsPicks, MovesUnits, LocksPools, KeepsEvents, Protocol):
    """What picking needs of the store."""

    def note_picked(self, *, delivery_id: int, allocation_id: int, picked: int) -> None: ...
    def set_staged(self, *, delivery_id: int, place: str, at: datetime | None) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """What was picked (or put back) now. `units` by product, base units; `delivery` is how it stands afterwards."""

    delivery: PickDelivery
    units: tuple[tuple[int, int], ...]
    event_id: int

    @property
    def total(self) -> int:
        return sum(units for _product, units in self.units)


def pick_lines(
    store: Store, *, delivery_id: int, units: Mapping[int, int] | None = None, now: datetime, by: str
) -> Picked:
    """Takes units off the shelf for a delivery, by product; without `units` everything that is left to pick.

    Raises NotFound, and Conflict with one sentence when the product is not in it (`not_in_delivery`), it needs no more
    (`complete`), the goods are still on a truck (`to_come`), the delivery is loaded or gone (`not_released`) or is
    fetched from the door (`collected`).
    """
    delivery = locked_delivery(store, delivery_id)
    if delivery.direction == "collect":
        # With a code: without one it looks like a race, and is tried in vain until all tries are used up.
        raise Conflict(
            f"{delivery.number} is fetched from {delivery.site}: nothing of it lies on the shelf. Its driver "
            "brings it.",
            code="collected",
            delivery=delivery.id,
        )
    if units is None:
        units = {line.product_id: line.left for line in delivery.lines if line.left}
        if not units:
            raise Conflict(f"{delivery.number} is picked already.", code="complete", delivery=delivery.id)
    for product_id, quantity in units.items():
        line = _line(delivery, product_id)
        if quantity < 1:
            raise InvalidInput(f"{quantity} × {line.sku} cannot be picked: pick at least 1.", code="quantity")
        if not line.left:
            raise Conflict(
                f"{line.sku} of {delivery.number} is complete: {line.quantity} of {line.quantity} are picked.",
                code="complete",
                delivery=delivery.id,
            )
        if quantity > line.left:
            raise Conflict(
                f"{delivery.number} needs only {line.left} more of {line.sku}, not {quantity}.",
                code="too_many",
                delivery=delivery.id,
            )
        moved = to_take(line.units, quantity)
        if sum(count for _allocation, count in moved) < quantity:
            raise Conflict(
                f"{line.sku} for {delivery.number} is still on {line.to_come}: count that truck in first.",
                code="to_come",
                delivery=delivery.id,
            )
        _move(store, delivery, line, moved, UnitState.RELEASED, UnitState.PICKED)
    return _done(store, delivery, units, kind="picked", now=now, by=by)


def unpick_lines(
    store: Store, *, delivery_id: int, units: Mapping[int, int] | None = None, now: datetime, by: str
) -> Picked:
    """Puts picked units back on the shelf; without `units` all of them. It stays released, and is no longer staged.

    Raises NotFound, and Conflict when so many are not picked (`not_picked`) or the delivery is loaded or gone.
    """
    delivery = locked_delivery(store, delivery_id)
    if units is None:
        units = {line.product_id: line.picked for line in delivery.lines if line.picked}
    if not units:
        raise Conflict(f"Nothing of {delivery.number} is picked.", code="not_picked", delivery=delivery.id)
    for product_id, quantity in units.items():
        line = _line(delivery, product_id)
        if not 1 <= quantity <= line.picked:
            raise Conflict(
                f"{line.picked} × {line.sku} of {delivery.number} are picked: {quantity} cannot be put back.",
                code="not_picked",
                delivery=delivery.id,
            )
        _move(store, delivery, line, to_put_back(line.units, quantity), UnitState.PICKED, UnitState.RELEASED)
    if delivery.staged_at is not None:
        store.set_staged(delivery_id=delivery.id, place="", at=None)
    return _done(store, delivery, units, kind="put_back", now=now, by=by)


def a_place(text: str) -> str:
    """A lane or bay on one line. Raises InvalidInput.

    >>> a_place(" lane  3 ")
    'lane 3'
    """
    place = " ".join(text.split())
    if not 0 < len(place) <= LONGEST_PLACE:
        raise InvalidInput(f"Name the lane or bay in 1 to {LONGEST_PLACE} letters, like A3.", code="place")
    return place


def stage_delivery(store: Store, *, delivery_id: int, place: str, now: datetime, by: str) -> int:
    """Says where a picked delivery waits for its van; a second place replaces the first. Returns the event's id.

    Raises InvalidInput for no place, and Conflict when part of it is not picked yet (`not_picked`).
    """
    place = a_place(place)
    delivery = locked_delivery(store, delivery_id)
    if not delivery.whole:
        line = next(line for line in delivery.lines if line.left)
        raise Conflict(
            f"{delivery.number} is not picked yet: {line.left} × {line.sku} are missing. Pick them, or report them "
            "short, then stage it.",
            code="not_picked",
            delivery=delivery.id,
        )
    store.set_staged(delivery_id=delivery.id, place=place, at=now)
    return _event(store, delivery, kind="staged", data={"place": place}, now=now, by=by)


def unstage_delivery(store: Store, *, delivery_id: int, now: datetime, by: str) -> int:
    """Takes a delivery off its place; it stays picked. Raises Conflict when it stands nowhere."""
    delivery = locked_delivery(store, delivery_id)
    if delivery.staged_at is None:
        raise Conflict(f"{delivery.number} is not staged.", code="not_staged", delivery=delivery.id)
    store.set_staged(delivery_id=delivery.id, place="", at=None)
    return _event(store, delivery, kind="unstaged", data={"place": delivery.staged_place}, now=now, by=by)


def locked_delivery(store: LocksPicks, delivery_id: int) -> PickDelivery:
    """The delivery once nobody else decides about its goods. Raises NotFound, Conflict unless it is just released."""
    before = one_delivery(store, delivery_id)
    store.lock_pools(before.depot_id, {line.product_id for line in before.lines})
    delivery = one_delivery(store, delivery_id)
    if delivery.state != "released":
        raise Conflict(
            f"{delivery.number} is {_state_word(delivery.state)}: its goods are not on the shelf any more.",
            code="not_released",
            delivery=delivery.id,
        )
    return delivery


def one_delivery(store: ReadsPicks, delivery_id: int) -> PickDelivery:
    """Raises NotFound."""
    found = store.pick_deliveries([delivery_id])
    if not found:
        raise NotFound(f"There is no delivery {delivery_id}.", delivery=delivery_id)
    return found[0]


def _state_word(state: str) -> str:
    return {"unreleased": "taken back", "under_way": "at its door", "done": "reported at its door"}.get(state, state)


def _line(delivery: PickDelivery, product_id: int) -> PickLine:
    line = delivery.line_of(product_id)
    if line is None:
        wanted = ", ".join(each.sku for each in delivery.lines[:5])
        raise Conflict(
            f"This product is not in {delivery.number}. It wants {wanted}.",
            code="not_in_delivery",
            delivery=delivery.id,
        )
    return line


def _move(
    store: Store,
    delivery: PickDelivery,
    line: PickLine,
    moved: Sequence[tuple[int, int]],
    from_state: UnitState,
    to_state: UnitState,
) -> None:
    before = {each.allocation_id: each.picked for each in line.units}
    for allocation_id, quantity in moved:
        store.move_units(allocation_id=allocation_id, from_state=from_state, to_state=to_state, quantity=quantity)
        change = quantity if to_state is UnitState.PICKED else -quantity
        store.note_picked(delivery_id=delivery.id, allocation_id=allocation_id, picked=before[allocation_id] + change)


def _done(
    store: Store, delivery: PickDelivery, units: Mapping[int, int], *, kind: str, now: datetime, by: str
) -> Picked:
    after = one_delivery(store, delivery.id)
    skus = {line.product_id: line.sku for line in delivery.lines}
    event_id = _event(
        store,
        delivery,
        kind=kind,
        data={
            "units": sum(units.values()),
            "picked": after.picked,
            "of": after.quantity,
            "lines": [{"sku": skus[key], "units": count} for key, count in units.items()],
        },
        now=now,
        by=by,
    )
    return Picked(delivery=after, units=tuple(units.items()), event_id=event_id)


def _event(store: Store, delivery: PickDelivery, *, kind: str, data: Mapping[str, Any], now: datetime, by: str) -> int:
    return store.append_event(
        kind=kind,
        actor=by,
        captured_at=now,
        received_at=now,
        delivery_id=delivery.id,
        data={"delivery": delivery.number, **data},
    )
