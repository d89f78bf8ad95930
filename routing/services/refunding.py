"""Money that was paid for what does not come: one task an order, with its last day."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from routing.model.consents import AskedOf, Refund
from routing.rules.consent import refund_by, terms_of
from routing.rules.policies import PolicyBook
from routing.services.asking import A_MINUTE, end_of


class Store(Protocol):
    def policies(self) -> PolicyBook: ...
    def asked_of(self, order_ids: Collection[int]) -> dict[int, AskedOf]: ...
    def open_refund(self, order_id: int) -> Refund | None: ...
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """The order for which money may be owed; `payment` "pending": nothing was paid yet."""

    order_id: int
    order: str
    customer_id: int
    customer: str
    zone: str
    currency: str
    payment: str
    salesperson: str


def ask_for_refund(store: Store, owed: Owed, *, worth: int, goods: str, why: str, now: datetime) -> None:
    """A task with the last day for the money (minor units), unless the order was still waiting to be paid."""
    if owed.payment == "pending" or worth <= 0:
        return
    today = now.astimezone(ZoneInfo(owed.zone)).date().isoformat()
    terms = terms_of(
        store.policies(),
        day=today,
        customer_id=owed.customer_id,
        order_id=owed.order_id,
        business=store.asked_of([owed.order_id])[owed.order_id].business,
    )
    last_day = refund_by(today, terms.refund)
    if (before := store.open_refund(owed.order_id)) is not None:
        # The same order lost goods before and that money is still owed: one task, with the day that comes first.
        worth, goods = worth + before.amount, f"{before.goods}, {goods}"
        last_day = min(last_day, before.by)
    store.add_task(
        kind="refund",
        subject_kind="order",
        subject_id=owed.order_id,
        sentence=f"Refund {owed.customer} by {last_day} what was paid for order {owed.order}, {why}: "
        f"{goods}, {money(worth, owed.currency)}. Was nothing paid, say so.",
        made_at=now,
        assignee=owed.salesperson or "dispatcher",
        due_at=end_of(last_day, owed.zone) - A_MINUTE,
        data={"amount": worth, "currency": owed.currency, "by": last_day, "goods": goods},
    )


def money(minor: int, currency: str) -> str:
    return f"{minor / 100:.2f} {currency}".strip()
