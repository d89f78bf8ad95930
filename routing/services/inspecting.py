"""Inspecting: what came back is looked at before anybody can be promised it: back to stock, quarantine, written off."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from routing.errors import Conflict, InvalidInput
from routing.model.orders import Book, Preview
from routing.model.stock import Receipt
from routing.rules.allocation import with_receipts
from routing.services import allocating, committing, reaching
from routing.services.receiving import NOT_YET
from routing.services.story import MovesGoods

PLACES = ("returned", "quarantine")


class Verdict(StrEnum):
    """What becomes of inspected units."""

    STOCK = "stock"
    QUARANTINE = "quarantine"
    WRITTEN_OFF = "written_off"


class Store(MovesGoods, allocating.Store, Protocol):
    """What inspecting needs of the store."""

    def goods_at(self, place: str) -> dict[int, int]: ...
    def product_named(self, product_id: int) -> tuple[str, str]: ...
    def add_inspected(self, receipt: Receipt, *, from_place: str, by: str) -> int: ...


def inspect_goods(
    store: Store,
    *,
    depot_id: int,
    product_id: int,
    place: str,
    quantity: int,
    verdict: Verdict,
    now: datetime,
    by: str,
    seen: int | None = None,
) -> Preview | None:
    """Moves units from where they wait (`place`: returned or quarantine) to where the verdict puts them.

    Back to stock they are a receipt of their own, given out by rank at once: the answer says to whom, None for the
    other verdicts. Raises InvalidInput, NotFound, and Conflict when so many do not wait there.
    """
    if place not in PLACES or (place == "quarantine" and verdict is Verdict.QUARANTINE):
        raise InvalidInput("Goods wait to be inspected where they were returned, or in quarantine.", code="place")
    if quantity < 1:
        raise InvalidInput("Inspect at least 1.", code="quantity")
    sku, _name = store.product_named(product_id)
    store.depot(depot_id)
    there = f"{place}:{depot_id}"

    def check() -> None:
        waits = store.goods_at(there).get(product_id, 0)
        if quantity > waits:
            raise Conflict(
                f"{waits} × {sku} wait there to be inspected, not {quantity}. "
                "Somebody may have been faster: look again.",
                code="not_there",
            )
        if seen is not None and seen != waits:
            raise Conflict(
                f"{waits} × {sku} wait there now, not {seen} as was shown. Somebody may have been faster: look again.",
                code="shown_is_old",
            )

    receipt = Receipt(
        number="RETURN", depot_id=depot_id, product_id=product_id, sku=sku, quantity=quantity, counted_at=now
    )
    decision, why = None, f"{quantity} × {sku} came back"
    if verdict is Verdict.STOCK:

        def change(book: Book) -> Book:
            check()
            return with_receipts(book, [receipt], first_id=NOT_YET)

        decision = reaching.decide_change(store, depot_id, {product_id}, change, now=now, why=why, locking=store)
    else:
        store.lock_pools(depot_id, {product_id})
        check()
    event_id = store.append_event(
        kind="inspected",
        actor=by,
        captured_at=now,
        received_at=now,
        data={"sku": sku, "depot": depot_id, "quantity": quantity, "from": place, "outcome": verdict.value},
    )
    if decision is None:
        store.add_movement(
            at=now,
            product_id=product_id,
            quantity=quantity,
            from_place=there,
            to_place="lost" if verdict is Verdict.WRITTEN_OFF else f"quarantine:{depot_id}",
            why="written off" if verdict is Verdict.WRITTEN_OFF else "inspected",
            by=by,
        )
        return None
    supply_id = store.add_inspected(replace(receipt, number=f"RETURN-{event_id}"), from_place=there, by=by)
    decision = allocating.with_keys(decision, {NOT_YET: supply_id})
    committing.write(store, decision, by=by, now=now, why=why, tell=True)
    return decision.preview
