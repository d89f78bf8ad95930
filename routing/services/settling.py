"""Settling: what a driver's report does to the goods and to the delivery, line by line, and what comes next of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from routing.errors import Conflict, InvalidInput
from routing.model.proofs import ABOUT_THE_GOODS, Door, DoorDelivery, DoorReport, LoadedLine, ManifestInHand, Outcome
from routing.model.stock import UnitState
from routing.model.tasks import TaskKind
from routing.rules.door import (
    Next,
    RedeliveryPolicy,
    Settled,
    for_the_erp,
    settle,
    strictest,
    why_in,
)
from routing.rules.policies import PolicyBook
from routing.services.story import AsksPeople, MovesGoods, MovesUnits


class Store(MovesUnits, MovesGoods, AsksPeople, Protocol):
    """What settling needs of the store."""

    def policies(self) -> PolicyBook: ...
    def change_delivery_state(self, *, delivery_id: int, from_states: Sequence[str], to_state: str) -> None: ...
    def delivery_ended(self, *, delivery_id: int, state: str, attempts: int, for_day: str, waits_for: str) -> None: ...


def settle_report(
    store: Store, manifest: ManifestInHand, door: Door, report: DoorReport, *, of_the_erp: Collection[int]
) -> Iterator[Settled]:
    """Every delivery of the report, settled; a collection beside goods that were not taken stays open, because nobody
    said anything of it. Raises InvalidInput when its counts do not add up or it is not for this
    door, Conflict when it has ended already."""
    at_door = {each.id: each for each in door.deliveries}
    book = store.policies()
    brings = any(
        each.id in {said.delivery_id for said in report.deliveries} and each.direction == "deliver"
        for each in door.deliveries
    )
    for each in report.deliveries:
        delivery = at_door.get(each.delivery_id)
        if delivery is None:
            raise InvalidInput(
                f"Delivery {each.delivery_id} is not for {door.site} on this route. Load the route again.",
                code="not_on_route",
            )
        if delivery.state in ("done", "failed"):
            raise Conflict(
                f"{delivery.number} was already reported. If something was wrong, tell the dispatcher.",
                code="already_reported",
            )
        if brings and delivery.direction == "collect" and each.outcome in ABOUT_THE_GOODS and not each.lines:
            continue
        one = settle(each, delivery, redelivery_policy(book, delivery, door, manifest.day))
        yield for_the_erp(one) if delivery.id in of_the_erp else one


def redelivery_policy(book: PolicyBook, delivery: DoorDelivery, door: Door, day: str) -> RedeliveryPolicy:
    orders = {line.order_id for line in delivery.lines}
    return strictest(
        [
            book.redelivery(day=day, customer_id=door.customer_id, order_id=order_id)
            for order_id in sorted(orders) or [0]
        ]
    )


def settled_facts(settled: Settled) -> dict[str, Any]:
    return {
        "delivery_id": settled.delivery.id,
        "outcome": settled.outcome.value,
        "attempt": settled.attempts,
        "next": settled.next.value,
        "lines": [
            {
                "allocation_id": line.allocation_id,
                "delivered": line.delivered,
                "short": line.short,
                "damaged": line.damaged,
                "refused": line.refused,
                "collected": line.collected,
            }
            for line in settled.lines
        ],
    }


def move_goods(
    *, store: Store, manifest: ManifestInHand, settled: Settled, held_by: int, at: datetime, by: str
) -> None:
    """Short, damaged and refused goods stay on the account of the van that had them, `held_by`, until it is counted at
    the end of the day: damaged ones are in quarantine once they are back. What the customer gives is on the van that
    stands there."""
    had, van = f"vehicle:{held_by}", f"vehicle:{manifest.vehicle_id}"
    loaded = {each.allocation_id: each for each in settled.delivery.lines}
    for line in settled.lines:
        for state, quantity in (
            (UnitState.DELIVERED, line.delivered),
            (UnitState.SHORT, line.short),
            (UnitState.DAMAGED, line.damaged),
            (UnitState.REFUSED, line.refused),
        ):
            if quantity:
                store.move_units(
                    allocation_id=line.allocation_id,
                    from_state=UnitState.LOADED,
                    to_state=state,
                    quantity=quantity,
                )
        for quantity, from_place, to_place, why in (
            (line.delivered, had, "delivered", "delivered"),
            (line.collected, "customer" if line.is_empties else "delivered", van, "collected"),
        ):
            if quantity:
                store.add_movement(
                    at=at,
                    product_id=loaded[line.allocation_id].product_id,
                    quantity=quantity,
                    from_place=from_place,
                    to_place=to_place,
                    why=why,
                    by=by,
                    allocation_id=None if line.is_empties else line.allocation_id,
                    delivery_id=settled.delivery.id,
                )


def short_at_the_door(settled: Sequence[Settled], of_the_erp: Collection[int]) -> list[LoadedLine]:
    """The lines of which units were short or damaged, of what we allocate ourselves."""
    return [
        loaded
        for one in settled
        if one.delivery.id not in of_the_erp
        for line in one.lines
        for loaded in one.delivery.lines
        if loaded.allocation_id == line.allocation_id and line.short + line.damaged
    ]


def end_delivery(
    *,
    store: Store,
    manifest: ManifestInHand,
    door: Door,
    settled: Settled,
    next_day: str,
    now: datetime,
    stayed: bool = False,
) -> None:
    """`stayed`: its goods never left the depot, so nothing has to come back before it is planned again."""
    delivery = settled.delivery
    store.delivery_ended(
        delivery_id=delivery.id,
        state="done" if settled.is_done else "released" if stayed else "failed",
        attempts=settled.attempts,
        for_day=next_day if settled.next is Next.NEXT_DELIVERY_DAY and next_day else delivery.for_day,
        waits_for=waits_for(settled, next_day),
    )
    ask_about_the_door(store=store, manifest=manifest, door=door, settled=settled, next_day=next_day, now=now)


def waits_for(settled: Settled, next_day: str) -> str:
    """What keeps a delivery that was not handed over from going out again by itself; "" for nothing. A door without any
    day on which it is served waits for a person who names one."""
    if settled.is_done:
        return ""
    if settled.next is Next.NEXT_DELIVERY_DAY and not next_day:
        return "decision"
    words = {Next.WAIT_FOR_CUSTOMER: "customer", Next.DECIDE: "decision", Next.ERP: "erp"}
    return words.get(settled.next, "")


def ask_about_the_door(
    *, store: AsksPeople, manifest: ManifestInHand, door: Door, settled: Settled, next_day: str, now: datetime
) -> None:
    """The task for a person, where what comes next is not plain."""
    delivery = settled.delivery
    sentence = _task_sentence(door, settled, next_day)
    if sentence:
        store.add_task(
            kind=TaskKind.DOOR_DECISION if settled.next is Next.DECIDE else TaskKind.REDELIVERY,
            subject_kind="delivery",
            subject_id=delivery.id,
            sentence=sentence,
            made_at=now,
            data={
                "outcome": settled.outcome.value,
                "options": ["credit", "cancel", "redeliver"],
                "manifest_id": manifest.id,
                "attempts": settled.attempts,
                "refused": settled.total("refused"),
            },
        )


def _task_sentence(door: Door, settled: Settled, next_day: str) -> str:
    number, why = settled.delivery.number, why_in("en", settled.outcome)
    if settled.delivery.direction == "collect" and settled.next is Next.DECIDE:
        if settled.outcome is Outcome.REFUSED:
            why = "nothing was given to the driver"
        return f"{number} was to fetch goods from {door.site}: {why}. Try again, or give it up?"
    if settled.is_done and settled.next is Next.DECIDE:
        refused = settled.total("refused")
        return f"{door.site} refused {refused} of {number}. Credit, cancel or deliver again?"
    if settled.next is Next.DECIDE:
        times = "once" if settled.attempts == 1 else f"{settled.attempts} times"
        return f"{number} for {door.site} was tried {times}: {why}. Credit, cancel or deliver again?"
    if settled.next is Next.WAIT_FOR_CUSTOMER:
        return f"{number} for {door.site} waits for the customer: {why}. Call, then choose a day."
    if settled.next is Next.NEXT_DELIVERY_DAY and not next_day and not settled.is_done:
        return f"{number} for {door.site} was not brought: {why}. No day is found on which it is served: choose one."
    return ""


def bring_to_the_depot(*, store: Store, delivery: DoorDelivery, manifest: ManifestInHand, at: datetime, by: str) -> int:
    """A failed delivery's goods were counted back in: they wait at the depot, still the customer's, and the delivery
    may be planned again. Returns the units put back. Raises Conflict when they are not on the van any more."""
    if delivery.state != "failed":
        raise InvalidInput(f"{delivery.number} is {delivery.state}, not failed: there is nothing to put back.")
    units = 0
    for line in delivery.lines:
        if not line.loaded:
            continue
        store.move_units(
            allocation_id=line.allocation_id,
            from_state=UnitState.LOADED,
            to_state=UnitState.RELEASED,
            quantity=line.loaded,
        )
        store.add_movement(
            at=at,
            product_id=line.product_id,
            quantity=line.loaded,
            from_place=f"vehicle:{manifest.vehicle_id}",
            to_place=f"depot:{manifest.depot_id}",
            why="came back undelivered",
            by=by,
            allocation_id=line.allocation_id,
            delivery_id=delivery.id,
        )
        units += line.loaded
    store.change_delivery_state(delivery_id=delivery.id, from_states=("failed",), to_state="released")
    return units
