"""Supply turns out otherwise: an inbound slips or is cancelled, a SKU is counted again. Shown first, then committed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from routing.errors import InvalidInput, NotFound
from routing.model.days import FURTHEST
from routing.model.orders import Book, Preview
from routing.model.stock import OpenInbound, ShelfOfReceipt
from routing.rules.allocation import recounted_shelves, with_count, with_date, with_quantity
from routing.services import allocating, committing, reaching
from routing.services.erp import refuse_if_erp
from routing.services.overdue import FinishesTasks, came_or_named
from routing.services.story import MovesGoods


class Reader(allocating.Reader, Protocol):
    def open_inbound(self, number: str) -> list[OpenInbound]: ...
    def put_away(self, depot_id: int) -> timedelta: ...
    def shelves(self, depot_id: int, product_id: int) -> list[ShelfOfReceipt]: ...


class Store(Reader, MovesGoods, FinishesTasks, allocating.Store, Protocol):
    def slip_inbound(self, line: OpenInbound, *, expected_at: datetime) -> None: ...
    def cancel_inbound(self, line: OpenInbound, *, at: datetime) -> None: ...
    def set_counted(self, *, supply_id: int, quantity: int, was: int) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """Inbound `number` comes on `to` instead, at its old hour; without `to` what is still to come is cancelled."""

    number: str
    to: date | None = None

    @property
    def why(self) -> str:
        return f"inbound {self.number} " + (f"comes on {self.to}" if self.to else "is cancelled")


def simulate_slip(store: Reader, slip: Slip, *, now: datetime) -> list[Preview]:
    """Who it moves, one preview a depot: old and new date, and whose promise breaks. Nothing is written.

    Raises NotFound when nothing of the inbound may still come, InvalidInput for a day that is over.
    """
    previews = []
    for depot_id, lines in _by_depot(store, slip).items():

        def change(book: Book, lines: list[OpenInbound] = lines) -> Book:
            return _slipped(store, book, lines, slip, now)

        products = {line.product_id for line in lines}
        decision = reaching.decide_change(store, depot_id, products, change, now=now, why=slip.why)
        previews.append(decision.preview)
    return previews


def commit_slip(store: Store, slip: Slip, *, now: datetime, by: str) -> list[Preview]:
    """Writes the new date or the cancellation, decides again and tells exactly those whose promise breaks."""
    decisions = []
    for depot_id, before in _by_depot(store, slip).items():
        lines: list[OpenInbound] = []

        def change(book: Book, lines: list[OpenInbound] = lines) -> Book:
            # Read again under the lock: somebody may have counted it in while we waited.
            lines[:] = _by_depot(store, slip).get(book.depot_id, [])
            return _slipped(store, book, lines, slip, now)

        products = {line.product_id for line in before}
        decision = reaching.decide_change(store, depot_id, products, change, now=now, why=slip.why, locking=store)
        for line in lines:
            if slip.to is None:
                store.cancel_inbound(line, at=now)
            else:
                store.slip_inbound(line, expected_at=_new_moment(store, line, slip.to, now))
        came_or_named(store, [line.id for line in lines], outcome=slip.why, by=by, now=now)
        decisions.append((lines, decision))
    for lines, decision in decisions:
        store.append_event(
            kind="inbound_slipped" if slip.to else "inbound_cancelled",
            actor=by,
            captured_at=now,
            received_at=now,
            data={
                "inbound": slip.number,
                "to": slip.to.isoformat() if slip.to else "",
                "lines": [
                    {"sku": line.sku, "quantity": line.left, "was": str(line.expected_at or "")} for line in lines
                ],
            },
        )
        committing.write(store, decision, by=by, now=now, why=slip.why, tell=True)
    return [decision.preview for _, decision in decisions]


def simulate_shelf_count(
    store: Reader, *, depot_id: int, product_id: int, sku: str, counted: int, now: datetime
) -> Preview:
    """Who loses and who gains if `counted` sellable units of the SKU lie at the depot. Nothing is written."""

    def change(book: Book) -> Book:
        return _counted(store, book, product_id=product_id, sku=sku, counted=counted)[1]

    return reaching.decide_change(store, depot_id, {product_id}, change, now=now, why=f"recount of {sku}").preview


def commit_shelf_count(
    store: Store, *, depot_id: int, product_id: int, sku: str, counted: int, now: datetime, by: str
) -> Preview:
    """A lost unit is taken from the lowest rank, unreleased before released, never loaded; a found one is given out."""
    changes: list[tuple[ShelfOfReceipt, int]] = []
    why, shelf = f"recount of {sku}", f"depot:{depot_id}"

    def change(book: Book) -> Book:
        changes[:], after = _counted(store, book, product_id=product_id, sku=sku, counted=counted)
        return after

    decision = reaching.decide_change(store, depot_id, {product_id}, change, now=now, why=why, locking=store)
    for receipt, difference in changes:
        store.set_counted(supply_id=receipt.id, quantity=receipt.quantity + difference, was=receipt.quantity)
        store.add_movement(
            at=now,
            product_id=product_id,
            quantity=abs(difference),
            from_place="lost" if difference > 0 else shelf,
            to_place=shelf if difference > 0 else "lost",
            why=why,
            by=by,
            supply_id=receipt.id,
        )
    if changes:
        was = counted - sum(difference for _, difference in changes)
        store.append_event(
            kind="recounted",
            actor=by,
            captured_at=now,
            received_at=now,
            data={"sku": sku, "depot": depot_id, "quantity": [was, counted]},
        )
        committing.write(store, decision, by=by, now=now, why=why, tell=True)
    return decision.preview


def _by_depot(store: Reader, slip: Slip) -> dict[int, list[OpenInbound]]:
    refuse_if_erp(store)
    found: dict[int, list[OpenInbound]] = defaultdict(list)
    for line in store.open_inbound(slip.number):
        found[line.depot_id].append(line)
    if not found:
        raise NotFound(
            f'Nothing is expected under the number "{slip.number[:40]}": it was counted in, cancelled or never there.',
            code="inbound",
        )
    return dict(sorted(found.items()))


def _slipped(store: Reader, book: Book, lines: Sequence[OpenInbound], slip: Slip, now: datetime) -> Book:
    for line in lines:
        if slip.to is None:
            book = with_quantity(book, supply_id=line.id, quantity=0)
            continue
        ready_at = max(_new_moment(store, line, slip.to, now), now) + store.put_away(line.depot_id)
        book = with_date(book, supply_ids={line.id}, ready_at=ready_at)
    return book


def _new_moment(store: Reader, line: OpenInbound, to: date, now: datetime) -> datetime:
    zone = ZoneInfo(store.depot(line.depot_id).zone)
    today = now.astimezone(zone).date()
    if to < today:
        raise InvalidInput(f"Inbound {line.number} cannot come on {to}: that day is over.", code="day")
    if to - today > FURTHEST:
        raise InvalidInput(f"Inbound {line.number}: {to} is years away. Name a nearer day, or cancel it.", code="day")
    hour = line.expected_at.astimezone(zone).time() if line.expected_at else time(0)
    return datetime.combine(to, hour, tzinfo=zone)


def _counted(
    store: Reader, book: Book, *, product_id: int, sku: str, counted: int
) -> tuple[list[tuple[ShelfOfReceipt, int]], Book]:
    shelves = store.shelves(book.depot_id, product_id)
    if not shelves:
        raise InvalidInput(f"{sku} was never counted in at this depot. Count it in as a receipt.", code="sku")
    changes = recounted_shelves(shelves, counted)
    for receipt, difference in changes:
        book = with_count(book, receipt, product_id=product_id, difference=difference)
    return changes, book
