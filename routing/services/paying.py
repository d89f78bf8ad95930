"""Paying at the door: what an order asks for there, what was collected, and the question when that is not the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from routing.errors import Conflict, InvalidInput
from routing.model.money import amount as in_words
from routing.model.payments import MOST, Paid
from routing.model.proofs import Door, DoorReport, ManifestInHand
from routing.model.tasks import TaskKind
from routing.rules.door import Settled
from routing.rules.paying import added_up, due_with, spread
from routing.services.story import AsksPeople, KeepsEvents


class Store(AsksPeople, Protocol):
    """What paying needs of the store."""

    def add_paid(
        self, paid: Sequence[Paid], *, shift_id: int, proofs: Mapping[int, int], by: str, now: datetime
    ) -> None: ...
    def orders_brought(self, delivery_ids: Collection[int]) -> list[tuple[int, int, str]]:
        """(delivery, order, currency) of each order that these deliveries bring."""
        ...


class Asking(KeepsEvents, Protocol):
    """What asking for another amount needs of the store."""

    def asks_at_door(self, order_id: int) -> tuple[str, str, int, bool]:
        """Number and currency of an order, what it asks for now, and whether anything of it is still to come."""
        ...

    def set_collect_at_door(self, order_id: int, amount: int) -> None: ...


def ask_at_door(store: Asking, order_id: int, *, amount: int, by: str, now: datetime) -> bool:
    """From now on the order is to be paid so much at the door, in minor units of its currency; 0: nothing.

    False when it was so already. What doors were asked for before counts towards it. Raises NotFound, InvalidInput for
    an amount that nobody pays at a door or an order without a currency, Conflict when nothing of it is to come.
    """
    number, currency, before, comes = store.asks_at_door(order_id)
    if not 0 <= amount <= MOST:
        raise InvalidInput(
            f"Order {number} cannot ask for that at the door: write an amount of 0 or more.", code="amount"
        )
    if amount and not currency:
        raise InvalidInput(
            f"Order {number} has no currency, so nobody knows in what it is paid. Give its depot one, or the order.",
            code="currency",
        )
    if amount == before:
        return False
    if not comes:
        raise Conflict(f"Nothing of order {number} is still to come: no door can be asked any more.", code="delivered")
    store.set_collect_at_door(order_id, amount)
    store.append_event(
        kind="collect_at_door_set",
        actor=by,
        captured_at=now,
        received_at=now,
        order_id=order_id,
        data={"from": before, "to": amount, "currency": currency},
    )
    return True


def what_was_paid(store: Store, settled: Iterable[Settled], report: DoorReport) -> tuple[Paid, ...]:
    """What was due with these deliveries as they ended, and what was collected of it. Raises InvalidInput for money in
    a currency that no order there has."""
    owed = [each for one in settled for each in due_with(one)]
    given = [each for each in report.payments if each.amount]
    if {each.currency for each in given} - {each.currency for each in owed}:
        # The office took the amount back while the driver had no signal: money was given all the same.
        owed += [
            Paid(delivery_id=delivery_id, order_id=order_id, currency=currency, due=0)
            for delivery_id, order_id, currency in store.orders_brought(
                [each.delivery_id for each in report.deliveries]
            )
            if not any((each.delivery_id, each.order_id) == (delivery_id, order_id) for each in owed)
        ]
    return tuple(each for each in spread(owed, given) if each.due or each.collected)


def paid_facts(paid: Iterable[Paid]) -> list[dict[str, Any]]:
    """For an event: by currency what was due, and what was collected by method."""
    return [
        {"currency": currency, "due": due, "collected": {method.value: amount for method, amount in methods.items()}}
        for currency, (due, methods) in added_up(paid).items()
    ]


def ask_about_the_money(
    store: AsksPeople, manifest: ManifestInHand, door: Door, number: str, paid: Sequence[Paid], *, now: datetime
) -> None:
    """A task where something else was collected with a delivery than was due with it. It never stops the driver."""
    off = [
        f"{in_words(due, currency)} were due at the door, {in_words(collected, currency)} were collected, "
        f"{'too little' if collected < due else 'too much'}"
        for currency, (due, methods) in added_up(paid).items()
        if (collected := sum(methods.values())) != due
    ]
    if off:
        store.add_task(
            kind=TaskKind.CASH_DIFFERENCE,
            subject_kind="delivery",
            subject_id=paid[0].delivery_id,
            sentence=(
                f"{number} for {door.site}: {'; '.join(off)}. "
                f"Ask the driver of {manifest.vehicle}, then settle it with the customer."
            ),
            made_at=now,
            data={"paid": paid_facts(paid)},
        )
