"""Money that a customer gets back is a task of a person: how much, in which currency, for what, and until when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from routing.model.consents import AskedOf, Refund
from routing.model.days import day_words
from routing.model.money import amount
from routing.model.tasks import TaskKind
from routing.rules.consent import refund_by, terms_of
from routing.rules.policies import PolicyBook
from routing.services.asking import A_MINUTE, end_of
from routing.services.story import AsksPeople


class Store(AsksPeople, Protocol):
    """What a refund needs of the store."""

    def policies(self) -> PolicyBook: ...
    def asked_of(self, order_ids: Collection[int]) -> dict[int, AskedOf]: ...
    def open_refund(self, order_id: int) -> Refund | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What one order gets back: `worth` in minor units for `goods`, in words; `why` ends "order SO-1, now ..."."""

    order_id: int
    order: str
    customer_id: int
    customer: str
    currency: str
    payment: str
    salesperson: str
    zone: str
    goods: str
    worth: int
    why: str


def ask_for_refund(store: Store, owed: Owed, *, today: str, now: datetime) -> None:
    """A task with the last day for the money, unless the order was still waiting to be paid or nothing is owed.

    `today`: the ISO day at the customer's depot, from which the term of the policy `refund_within` counts.
    """
    if owed.payment == "pending" or not owed.worth:
        return
    by, goods, worth = last_day(store, owed, today=today), owed.goods, owed.worth
    if (before := store.open_refund(owed.order_id)) is not None:
        # The same order lost goods before and that money is still owed: one task, with the day that comes first.
        worth, goods = worth + before.amount, f"{before.goods}, {goods}"
        by = min(by, before.by)
    store.add_task(
        kind=TaskKind.REFUND,
        subject_kind="order",
        subject_id=owed.order_id,
        sentence=f"Refund {owed.customer} by {day_words(by)} what was paid for order {owed.order}, {owed.why}: "
        f"{goods}, {amount(worth, owed.currency)}. Was nothing paid, say so.",
        made_at=now,
        assignee=owed.salesperson,
        due_at=end_of(by, owed.zone) - A_MINUTE,
        data={"amount": worth, "currency": owed.currency, "by": by, "goods": goods},
    )


def last_day(store: Store, owed: Owed, *, today: str) -> str:
    """The ISO day by which the money must be back, by the policy `refund_within`."""
    whose = store.asked_of([owed.order_id])[owed.order_id]
    terms = terms_of(
        store.policies(),
        day=today,
        customer_id=owed.customer_id,
        order_id=owed.order_id,
        business=whose.business,
    )
    return refund_by(today, terms.refund)
