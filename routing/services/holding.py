"""A person stops an order or a customer from going out, and lets them go again: with reason, who and when.

The payment gate is the file's: a person passes one order through it. A hold stops the release, never the claim: the
order keeps its place and its goods. While it is held nobody is told a day of it; when it is let go its day is.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import partial
from typing import Protocol

from routing.rules.by_itself import LET_GO
from routing.rules.promises import with_held
from routing.rules.saying_why import short_enough
from routing.services import allocating, committing, reaching
from routing.services.story import KeepsEvents


class LetsGo(allocating.Store, Protocol):
    """What telling the days of orders that are let go needs."""

    def held_among(self, order_ids: Collection[int]) -> frozenset[int]: ...
    def open_products_of(self, *, scope: str, scope_id: int) -> dict[int, frozenset[int]]: ...


class Store(LetsGo, KeepsEvents, Protocol):
    def set_order_hold(self, order_id: int, *, reason: str, by: str, now: datetime) -> bool: ...
    def set_payment_hold(self, customer_id: int, *, reason: str, by: str, now: datetime) -> bool: ...
    def set_payment(self, order_id: int, *, payment: str, why: str, by: str, now: datetime) -> bool: ...
    def customer_of(self, order_id: int) -> int: ...
    def open_orders_of(self, customer_id: int) -> dict[int, str]:
        """Number by key of the customer's orders of which something is still to come."""
        ...


def hold_order(store: Store, order_id: int, *, reason: str, by: str, now: datetime, why: str = "") -> bool:
    """Holds the order, or with reason "" lets it go: `why` then, and its customer is told its day. False when it was so
    already. Raises NotFound, InvalidInput."""
    held = store.held_among([order_id])
    changed = store.set_order_hold(order_id, reason=_reason(reason), by=by, now=now)
    if changed:
        _tell(store, "held" if reason else "hold_lifted", order_id, reason=reason or _reason(why), by=by, now=now)
        tell_let_go(store, held, by=by, now=now)
    return changed


def hold_payment(store: Store, order_id: int, *, reason: str, by: str, now: datetime, why: str = "") -> bool:
    """The same for everything of the customer of this order, which tells of it: nothing goes until it has paid."""
    customer_id = store.customer_of(order_id)
    held = store.held_among(store.open_orders_of(customer_id))
    changed = store.set_payment_hold(customer_id, reason=_reason(reason), by=by, now=now)
    if changed:
        kind = "payment_held" if reason else "payment_hold_lifted"
        _tell(store, kind, order_id, reason=reason or _reason(why), by=by, now=now)
        tell_let_go(store, held, by=by, now=now)
    return changed


def hold_customer(store: Store, customer_id: int, *, reason: str, by: str, now: datetime, why: str = "") -> bool:
    """The same where no order was looked at: each of which something is still to come tells of it."""
    held = store.held_among(store.open_orders_of(customer_id))
    changed = store.set_payment_hold(customer_id, reason=_reason(reason), by=by, now=now)
    kind, said = ("payment_held", reason) if reason else ("payment_hold_lifted", _reason(why))
    if changed:
        for order_id in store.open_orders_of(customer_id):
            _tell(store, kind, order_id, reason=said, by=by, now=now)
        tell_let_go(store, held, by=by, now=now)
    return changed


def pass_payment(store: Store, order_id: int, *, reason: str, by: str, now: datetime) -> bool:
    """Lets this one order past its payment gate, or with reason "" makes it wait for payment again.

    False when it was so already. A file that still says "pending" does not close what a person opened. Raises NotFound,
    InvalidInput.
    """
    payment = "ok" if reason else "pending"
    held = store.held_among([order_id])
    changed = store.set_payment(order_id, payment=payment, why=_reason(reason), by=by, now=now)
    if changed:
        _tell(store, "payment_passed" if reason else "payment_awaited", order_id, reason=reason, by=by, now=now)
        tell_let_go(store, held, by=by, now=now)
    return changed


def tell_let_go(store: LetsGo, held: Collection[int], *, by: str, now: datetime) -> None:
    """Dates the goods of the orders that were `held` and are not any more, and tells exactly those customers: a first
    day, another one, or that there is none. Nothing where the ERP allocates."""
    if not held or store.erp_allocates():
        return
    let_go = frozenset(held) - store.held_among(held)
    products: dict[int, frozenset[int]] = {}
    for order_id in sorted(let_go):
        for depot_id, some in store.open_products_of(scope="order", scope_id=order_id).items():
            products[depot_id] = products.get(depot_id, frozenset()) | some
    for depot_id, some in sorted(products.items()):
        decision = reaching.decide_change(
            store,
            depot_id,
            some,
            partial(with_held, order_ids=let_go, held=False),
            now=now,
            why=LET_GO,
            locking=store,
            seen=partial(with_held, order_ids=let_go, held=True),
        )
        committing.write(store, decision, by=by, now=now, why=LET_GO, tell=True)


def _reason(text: str) -> str:
    return short_enough(text, code="reason")


def _tell(store: Store, kind: str, order_id: int, *, reason: str, by: str, now: datetime) -> None:
    store.append_event(kind=kind, actor=by, captured_at=now, received_at=now, order_id=order_id, data={"why": reason})
