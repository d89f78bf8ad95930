"""After the door a person decides: credit, cancel, or deliver again; the goods and the order follow at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from routing.errors import Conflict, InvalidInput
from routing.model.days import day_words, today_of
from routing.model.money import amount
from routing.model.notices import NoticeKind, goods_line
from routing.model.picking import PickDelivery
from routing.model.returns import DoorTask, GivenUp, GivenUpLine, RefusedUnits
from routing.model.stock import UnitState
from routing.model.tasks import TaskKind
from routing.services import picking, receiving, refunding, releasing
from routing.services.going_again import day_to_go_again
from routing.services.refunding import Owed, ask_for_refund
from routing.services.telling import tell


class Decision(StrEnum):
    """What becomes of goods that the customer did not take.

    `credit` and `cancel` both end the wish: credited goods were charged and are paid back, cancelled ones are not
    charged. `redeliver` brings them again: undelivered ones whole on a day, refused ones from stock in the line's old
    place in the queue.
    """

    CREDIT = "credit"
    CANCEL = "cancel"
    REDELIVER = "redeliver"


class Store(releasing.Store, receiving.Store, refunding.Store, Protocol):
    """What deciding needs of the store."""

    def door_task(self, task_id: int) -> DoorTask: ...
    def refused_units(self, delivery_id: int) -> list[RefusedUnits]: ...
    def bring_again(self, *, delivery_id: int, for_day: str, from_states: Sequence[str]) -> None: ...
    def credit_units(self, *, line_id: int, quantity: int) -> None: ...
    def given_up(self, units: Mapping[int, int]) -> list[GivenUp]: ...
    def cancel_units(self, *, line_id: int, quantity: int) -> None: ...
    def site_of_delivery(self, delivery_id: int) -> int: ...
    def orders_of_delivery(self, delivery_id: int) -> list[int]: ...
    def finish_task(self, *, task_id: int, outcome: str, by: str, now: datetime) -> None: ...
    def note_picked(self, *, delivery_id: int, allocation_id: int, picked: int) -> None: ...


def decide_door(store: Store, *, task_id: int, decision: Decision, now: datetime, by: str, for_day: str = "") -> str:
    """Does what was decided and closes the task with it; returns one sentence of what follows.

    `for_day` (ISO) is for another attempt; without it the site's next delivery day. Raises NotFound, InvalidInput for a
    day that is over, and Conflict when it was decided before or the goods are still on the van.
    """
    task, gone = store.door_task(task_id), Gone(task_id=task_id, decision=decision)
    if task.kind not in (TaskKind.DOOR_DECISION, TaskKind.REDELIVERY):
        raise InvalidInput("This task is no decision about a delivery: say what came of it.", code="task_kind")
    delivery = picking.one_delivery(store, task.delivery_id)
    if delivery.state == "done":
        said = _about_refused(store, delivery, decision, gone, now=now, by=by)
    elif delivery.state in ("failed", "released"):
        said = _about_undelivered(store, delivery, decision, gone, for_day=for_day, now=now, by=by)
    else:
        raise Conflict(f"{delivery.number} is on its way or taken back: there is nothing to decide.", code="decided")
    if gone.units:
        said += _give_back(store, delivery, gone, now=now, by=by)
    store.finish_task(task_id=task_id, outcome=said, by=by, now=now)
    return said


@dataclass(slots=True, kw_only=True)
class Gone:
    """Units by order line that the decision gives up."""

    task_id: int
    decision: Decision
    units: dict[int, int] = field(default_factory=lambda: defaultdict(int))


def _about_refused(
    store: Store, delivery: PickDelivery, decision: Decision, gone: Gone, *, now: datetime, by: str
) -> str:
    refused = store.refused_units(delivery.id)
    units = sum(each.quantity for each in refused)
    if not units:
        raise Conflict(f"Nothing of {delivery.number} is refused any more.", code="decided")
    store.lock_pools(delivery.depot_id, {each.product_id for each in refused})
    orders = {each.order_id for each in refused}
    stood = receiving.how_they_stand(store, delivery.depot_id, orders, now=now)
    if decision is Decision.REDELIVER:
        for each in refused:
            # Open again in the line's old place; the refused ones come back by way of their inspection.
            store.move_units(
                allocation_id=each.allocation_id,
                from_state=UnitState.REFUSED,
                to_state=UnitState.SHORT,
                quantity=each.quantity,
            )
    else:
        for each in refused:
            gone.units[each.line_id] += each.quantity
        word = "credited" if decision is Decision.CREDIT else "cancelled"
        return f"{_units(units, 'refused ')} of {delivery.number} {'is' if units == 1 else 'are'} {word}."
    _event(store, delivery, decision, sorted({each.order_id for each in refused}), units, now=now, by=by)
    receiving.reallocate(
        store,
        depot_id=delivery.depot_id,
        product_ids={each.product_id for each in refused},
        now=now,
        by=by,
        why=f"{delivery.number} is delivered again",
        stood=stood,
    )
    wait = "waits for goods again in its" if units == 1 else "wait for goods again in their"
    return f"{_units(units)} of {delivery.number} {wait} old place."


def _units(count: int, kind: str = "") -> str:
    """
    >>> _units(1, "refused "), _units(26)
    ('1 refused unit', '26 units')
    """
    return f"{count} {kind}unit{'' if count == 1 else 's'}"


def _about_undelivered(
    store: Store, delivery: PickDelivery, decision: Decision, gone: Gone, *, for_day: str, now: datetime, by: str
) -> str:
    if decision is Decision.REDELIVER:
        orders = store.orders_of_delivery(delivery.id)
        day = _day(store, delivery, for_day, now)
        store.bring_again(delivery_id=delivery.id, for_day=day, from_states=("failed", "released"))
        _event(store, delivery, decision, orders, delivery.quantity, now=now, by=by, day=day)
        return f"{delivery.number} goes out again on {day_words(day)}."
    if delivery.direction == "collect" and decision is Decision.CREDIT:
        raise InvalidInput(
            f"{delivery.number} fetches goods: nothing of it can be credited. Try again, or cancel it.", code="decision"
        )
    if delivery.state == "failed" and delivery.direction == "collect":
        raise Conflict(
            f"{delivery.number} was not fetched. Count the van in the evening, then cancel it; another day can be "
            "chosen now.",
            code="on_the_van",
        )
    if delivery.state == "failed":
        raise Conflict(
            f"The goods of {delivery.number} are still on the van. Count the van in the evening, then decide; "
            "another day can be chosen now.",
            code="on_the_van",
        )
    units = [each for line in delivery.lines for each in line.units]
    orders = store.orders_of_delivery(delivery.id)
    stood = receiving.how_they_stand(store, delivery.depot_id, orders, now=now)
    releasing.unrelease(store, delivery.id, now=now, by=by, why=decision.value)
    if delivery.direction == "collect":
        return f"{delivery.number} is cancelled: nothing is fetched."
    for each in units:
        store.cancel_units(line_id=each.line_id, quantity=each.quantity)
        gone.units[each.line_id] += each.quantity
    receiving.reallocate(
        store,
        depot_id=delivery.depot_id,
        product_ids={line.product_id for line in delivery.lines},
        now=now,
        by=by,
        why=f"{delivery.number} was given up",
        stood=stood,
    )
    word = "credited" if decision is Decision.CREDIT else "cancelled"
    free = f"{_units(delivery.quantity)} {'is' if delivery.quantity == 1 else 'are'} free for others"
    return f"{delivery.number} is {word}: its {free}."


def _give_back(store: Store, delivery: PickDelivery, gone: Gone, *, now: datetime, by: str) -> str:
    """Each order's event, the credit with its refund, and one message to each buyer, however many orders it were.

    Returns what it says about money, to follow the sentence of the decision; "" when none is given back.
    """
    found, credits = store.given_up(gone.units), gone.decision is Decision.CREDIT
    for each in found:
        _event(store, delivery, gone.decision, [each.order_id], each.units, now=now, by=by, lines=each.lines)
        if not credits:
            continue
        for line in each.lines:
            store.credit_units(line_id=line.line_id, quantity=line.quantity)
        owed = Owed(
            order_id=each.order_id,
            order=each.order,
            customer_id=each.customer_id,
            customer=each.customer,
            currency=each.currency,
            payment=each.payment,
            salesperson=each.salesperson,
            zone=each.zone,
            goods=", ".join(f"{line.quantity} × {line.sku}" for line in each.lines),
            worth=each.worth,
            why="now credited",
        )
        ask_for_refund(store, owed, today=today_of(now, each.zone), now=now)
    _tell(store, found, gone, now=now)
    worth = {each.currency: sum(one.worth for one in found if one.currency == each.currency) for each in found}
    said = ", ".join(amount(sum_, currency) for currency, sum_ in worth.items() if sum_)
    return f" That is {said}." if credits and said else ""


def _tell(store: Store, found: Sequence[GivenUp], gone: Gone, *, now: datetime) -> None:
    company, first = store.company(), found[0]
    credits = gone.decision is Decision.CREDIT
    data: dict[str, object] = {
        "company": company.name,
        "phone": company.phone,
        "customer": first.customer,
        "site": first.site,
        "goods": [
            goods_line(quantity=line.quantity, unit=line.unit, name=line.name) for each in found for line in each.lines
        ],
        "references": [word for each in found for word in (each.order, *each.references)],
    }
    tell(
        store,
        store.who_is_told(first.customer_id, first.site_id, role="buyer"),
        kind=NoticeKind.CREDITED if credits else NoticeKind.CANCELLED,
        # Not the delivery: one that was given up loses its goods, and with them its way to the order.
        subject=("order", first.order_id),
        occurrence=f"task {gone.task_id}",
        data=data,
        now=now,
    )


def _day(store: Store, delivery: PickDelivery, for_day: str, now: datetime) -> str:
    today = now.astimezone(ZoneInfo(store.depot(delivery.depot_id).zone)).date()
    if for_day:
        if date.fromisoformat(for_day) < today:
            raise InvalidInput(f"{for_day} is over: choose a day from {today} on.", code="day")
        return for_day
    site_id = store.site_of_delivery(delivery.id)
    found = day_to_go_again(store, depot_id=delivery.depot_id, site_id=site_id, now=now)
    if not found:
        raise InvalidInput(f"{delivery.site} has no delivery day: name the day.", code="day")
    return found


def _event(
    store: Store,
    delivery: PickDelivery,
    decision: Decision,
    order_ids: Sequence[int],
    units: int,
    *,
    now: datetime,
    by: str,
    day: str = "",
    lines: Sequence[GivenUpLine] = (),
) -> None:
    """`lines`: what was given up, by order line; the results still say so when the delivery has lost its goods."""
    for order_id in order_ids:
        store.append_event(
            kind="decided",
            actor=by,
            captured_at=now,
            received_at=now,
            order_id=order_id,
            delivery_id=delivery.id,
            data={"delivery": delivery.number, "outcome": decision.value, "units": units, "day": day}
            | ({"lines": {str(line.line_id): line.quantity for line in lines}} if lines else {}),
        )
