"""After the door a person decides: credit, cancel, or deliver again; the goods and the order follow at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from routing.errors import Conflict, InvalidInput
from routing.model.orders import DeliveryDays
from routing.model.picking import PickDelivery
from routing.model.returns import DoorTask, RefusedUnits
from routing.model.stock import UnitState
from routing.rules.door import first_day_after
from routing.services import picking, receiving, releasing


class Decision(StrEnum):
    """What becomes of goods that the customer did not take.

    `credit` and `cancel` both end the wish: credited goods were charged and are paid back, cancelled ones are not
    charged. `redeliver` brings them again: undelivered ones whole on a day, refused ones from stock in the line's old
    place in the queue.
    """

    CREDIT = "credit"
    CANCEL = "cancel"
    REDELIVER = "redeliver"


class Store(releasing.Store, receiving.Store, Protocol):
    """What deciding needs of the store."""

    def door_task(self, task_id: int) -> DoorTask: ...
    def refused_units(self, delivery_id: int) -> list[RefusedUnits]: ...
    def bring_again(self, *, delivery_id: int, for_day: str, from_states: Sequence[str]) -> None: ...
    def cancel_units(self, *, line_id: int, quantity: int) -> None: ...
    def site_of_delivery(self, delivery_id: int) -> int: ...
    def orders_of_delivery(self, delivery_id: int) -> list[int]: ...
    def finish_task(self, *, task_id: int, outcome: str, by: str, now: datetime) -> None: ...
    def pick_deliveries(self, delivery_ids: Collection[int]) -> list[PickDelivery]: ...
    def note_picked(self, *, delivery_id: int, allocation_id: int, picked: int) -> None: ...
    def delivery_days(self, depot_id: int, site_ids: Collection[int]) -> dict[int, DeliveryDays]: ...
    def append_event(
        self,
        *,
        kind: str,
        actor: str,
        captured_at: datetime,
        received_at: datetime,
        data: Mapping[str, Any],
        order_id: int | None = None,
        delivery_id: int | None = None,
    ) -> int: ...
    def add_task(
        self,
        *,
        kind: str,
        subject_kind: str,
        subject_id: int,
        sentence: str,
        made_at: datetime,
        assignee: str = "dispatcher",
        due_at: datetime | None = None,
        data: Mapping[str, Any] | None = None,
        urgent: bool = False,
    ) -> int: ...


def decide_door(store: Store, *, task_id: int, decision: Decision, now: datetime, by: str, for_day: str = "") -> str:
    """Does what was decided and closes the task with it; returns one sentence of what follows.

    `for_day` (ISO) is for another attempt; without it the site's next delivery day. Raises NotFound, InvalidInput for a
    day that is over, and Conflict when it was decided before or the goods are still on the van.
    """
    task = store.door_task(task_id)
    if task.kind not in ("door_decision", "redelivery"):
        raise InvalidInput("This task is no decision about a delivery: say what came of it.", code="task_kind")
    delivery = picking.one_delivery(store, task.delivery_id)
    if delivery.state == "done":
        said = _about_refused(store, delivery, decision, now=now, by=by)
    elif delivery.state in ("failed", "released"):
        said = _about_undelivered(store, delivery, decision, for_day=for_day, now=now, by=by)
    else:
        raise Conflict(f"{delivery.number} is on its way or taken back: there is nothing to decide.", code="decided")
    store.finish_task(task_id=task_id, outcome=said, by=by, now=now)
    return said


def _about_refused(store: Store, delivery: PickDelivery, decision: Decision, *, now: datetime, by: str) -> str:
    refused = store.refused_units(delivery.id)
    units = sum(each.quantity for each in refused)
    if not units:
        raise Conflict(f"Nothing of {delivery.number} is refused any more.", code="decided")
    store.lock_pools(delivery.depot_id, {each.product_id for each in refused})
    if decision is Decision.REDELIVER:
        for each in refused:
            # Open again in the line's old place; the refused ones come back by way of their inspection.
            store.move_units(
                allocation_id=each.allocation_id,
                from_state=UnitState.REFUSED,
                to_state=UnitState.SHORT,
                quantity=each.quantity,
            )
    _note(store, delivery, decision, sorted({each.order_id for each in refused}), units, now=now, by=by)
    if decision is not Decision.REDELIVER:
        word = "credited" if decision is Decision.CREDIT else "cancelled"
        return f"{units} refused units of {delivery.number} are {word}."
    receiving.reallocate(
        store,
        depot_id=delivery.depot_id,
        product_ids={each.product_id for each in refused},
        now=now,
        by=by,
        why=f"{delivery.number} is delivered again",
    )
    return f"{units} units of {delivery.number} wait for goods again in their old place."


def _about_undelivered(
    store: Store, delivery: PickDelivery, decision: Decision, *, for_day: str, now: datetime, by: str
) -> str:
    orders = store.orders_of_delivery(delivery.id)
    if decision is Decision.REDELIVER:
        day = _day(store, delivery, for_day, now)
        store.bring_again(delivery_id=delivery.id, for_day=day, from_states=("failed", "released"))
        _note(store, delivery, decision, orders, delivery.quantity, now=now, by=by, day=day)
        return f"{delivery.number} goes out again on {day}."
    if delivery.state == "failed":
        raise Conflict(
            f"The goods of {delivery.number} are still on the van. Count the van in the evening, then decide; "
            "another day can be chosen now.",
            code="on_the_van",
        )
    units = [each for line in delivery.lines for each in line.units]
    releasing.unrelease(store, delivery.id, now=now, by=by, why=decision.value)
    for each in units:
        store.cancel_units(line_id=each.line_id, quantity=each.quantity)
    _note(store, delivery, decision, orders, delivery.quantity, now=now, by=by)
    receiving.reallocate(
        store,
        depot_id=delivery.depot_id,
        product_ids={line.product_id for line in delivery.lines},
        now=now,
        by=by,
        why=f"{delivery.number} was given up",
    )
    word = "credited" if decision is Decision.CREDIT else "cancelled"
    return f"{delivery.number} is {word}: its {delivery.quantity} units are free for others."


def _day(store: Store, delivery: PickDelivery, for_day: str, now: datetime) -> str:
    today = now.astimezone(ZoneInfo(store.depot(delivery.depot_id).zone)).date()
    if for_day:
        if date.fromisoformat(for_day) < today:
            raise InvalidInput(f"{for_day} is over: choose a day from {today} on.", code="day")
        return for_day
    site_id = store.site_of_delivery(delivery.id)
    found = first_day_after(today.isoformat(), store.delivery_days(delivery.depot_id, [site_id])[site_id])
    if not found:
        raise InvalidInput(f"{delivery.site} has no delivery day: name the day.", code="day")
    return found


def _note(
    store: Store,
    delivery: PickDelivery,
    decision: Decision,
    order_ids: Sequence[int],
    units: int,
    *,
    now: datetime,
    by: str,
    day: str = "",
) -> None:
    for order_id in order_ids:
        store.append_event(
            kind="decided",
            actor=by,
            captured_at=now,
            received_at=now,
            order_id=order_id,
            delivery_id=delivery.id,
            data={"delivery": delivery.number, "outcome": decision.value, "units": units, "day": day},
        )
