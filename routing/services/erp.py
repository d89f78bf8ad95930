"""The ERP allocates, we deliver what it released: its word is booked as goods in, allocated and released at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from routing.errors import Conflict
from routing.model.imports import ImportResult
from routing.model.proofs import DoorDelivery
from routing.model.released import ReleasedLine, ReleasedOrder
from routing.model.stock import Receipt
from routing.rules.erp import ERP_DECIDES, WE_DECIDE, fingerprint, misfit, with_released
from routing.services.story import KeepsEvents, MovesGoods

SOURCE = "erp"
"""The source of the receipts that stand for its releases."""
SCOPE = "erp_release"
_HEADER = (
    "customer_id", "site_id", "depot_id", "ordered_at", "customer_reference", "erp_reference", "note", "currency",
)  # fmt: skip


class Asked(Protocol):
    def erp_allocates(self) -> bool: ...


class HandsBack(MovesGoods, Protocol):
    """What ending a delivery of the ERP's needs."""

    def cancel_what_is_open(self, delivery_ids: Collection[int]) -> None: ...
    def take_back_released(self, *, allocation_id: int, quantity: int) -> int: ...
    def set_unreleased(self, delivery_id: int) -> None: ...


class Store(Asked, KeepsEvents, Protocol):
    def recall(self, *, scope: str, key: str, payload_sha256: str | None = None) -> Any: ...
    def remember(self, *, scope: str, key: str, payload_sha256: str, response: Any, now: datetime) -> None: ...
    def orders(self, numbers: Collection[str]) -> dict[str, dict[str, Any]]: ...
    def add_orders(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]: ...
    def add_lines(self, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[int, str], int]: ...
    def change_line(self, line_id: int, values: Mapping[str, Any]) -> None: ...
    def give_up_claims(self, line_ids: Collection[int]) -> None: ...
    def taken_of(self, line_ids: Collection[int]) -> dict[int, int]: ...
    def add_receipts(self, receipts: Sequence[Receipt], *, by: str, source: str = "own") -> list[int] | None: ...
    def add_released(self, *, supply_id: int, line_id: int, quantity: int, at: datetime) -> int: ...
    def set_expected(self, days: Mapping[int, str]) -> None: ...
    def add_release(self, *, depot_id: int, for_day: str, by: str, now: datetime) -> int: ...
    def add_delivery(
        self,
        *,
        release_id: int,
        site_id: int,
        depot_id: int,
        for_day: str,
        tier: int,
        ready_at: datetime | None,
        oldest_ordered_at: datetime,
        lines: Mapping[int, int],
    ) -> tuple[int, str]: ...
    def asks_at_door(self, order_id: int) -> tuple[str, str, int, bool]:
        """Number and currency of an order, what it asks for at the door in all, and whether anything is to come."""
        ...

    def ask_with_delivery(self, delivery_id: int, order_id: int, amount: int) -> int:
        """This delivery asks for so much of this order, whatever others ask; returns what the order asks in all."""
        ...

    def check_allocations(self, depot_id: int, product_ids: Collection[int]) -> None: ...


def refuse_if_erp(store: Asked) -> None:
    """Raises Conflict where the ERP allocates: nothing of ours decides about goods then."""
    if store.erp_allocates():
        raise Conflict(ERP_DECIDES, code="erp_allocates")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Booked:
    """An order of a release with its key here, and its units by allocation."""

    order: ReleasedOrder
    order_id: int
    units: dict[int, int]


def take_released(
    store: Store, orders: Sequence[ReleasedOrder], result: ImportResult, *, now: datetime, by: str
) -> None:
    """Books what the ERP released (nothing when `result.dry_run`) and counts into `result`: one delivery a site,
    depot, day and release. The same again changes nothing; a release of an order that says otherwise is left out.

    The caller has locked the depots. Raises Conflict where we allocate.
    """
    if not store.erp_allocates():
        raise Conflict(WE_DECIDE, code="we_allocate")
    existing = store.orders({order.order for order in orders})
    booked: list[_Booked] = []
    for order in orders:
        digest = fingerprint(order)
        known = store.recall(scope=SCOPE, key=order.key)
        if known is not None and known.payload_sha256 == digest:
            result.unchanged += 1
            continue
        here = existing.get(order.order)
        wrong = misfit(here, order) if here else ""
        if known is not None:
            wrong = f"release {order.release} said otherwise of it before. Give what is new a release of its own"
        if wrong:
            result.left_out(order.row, f"Order {order.order} was left out: {wrong}.")
            continue
        result.created += 1
        result.lines += len(order.lines)
        if result.dry_run:
            continue
        booked.append(_book(store, order, here, now=now, by=by))
        existing |= store.orders([order.order])  # a later release of this file may name it again
        store.remember(scope=SCOPE, key=order.key, payload_sha256=digest, response={}, now=now)
    _deliver(store, booked, now=now, by=by)
    for depot_id in sorted({each.order.depot_id for each in booked}):
        products = {line.product_id for each in booked for line in each.order.lines}
        store.check_allocations(depot_id, products)


def _book(store: Store, order: ReleasedOrder, here: Mapping[str, Any] | None, *, now: datetime, by: str) -> _Booked:
    """The order, its lines, the goods that the ERP's word brings, and whose they are."""
    order_id = here["id"] if here else _add(store, order, now=now, by=by)
    lines = {line["number"]: line for line in here["lines"]} if here else {}
    # What we gave an order before the ERP took over is the ERP's to give now.
    store.give_up_claims([line["id"] for line in lines.values()])
    taken = store.taken_of([line["id"] for line in lines.values()])
    made = store.add_lines([_line(order_id, line) for line in order.lines if line.number not in lines])
    ids = {}
    for line in order.lines:
        old = lines.get(line.number)
        if old is None:
            ids[line.number] = made[order_id, line.number]
            continue
        ids[line.number] = old["id"]
        quantity, cancelled = with_released(
            line.quantity, quantity=old["quantity"], cancelled=old["cancelled"], taken=taken.get(old["id"], 0)
        )
        if (quantity, cancelled) != (old["quantity"], old["cancelled"]):
            store.change_line(old["id"], {"quantity": quantity, "cancelled": cancelled})
    by_product = _by_product(order.lines)
    keys = store.add_receipts(
        [
            Receipt(
                number=order.key,
                depot_id=order.depot_id,
                product_id=product_id,
                sku=together[0].sku,
                quantity=sum(line.quantity for line in together),
                counted_at=now,
            )
            for product_id, together in by_product.items()
        ],
        by=by,
        source=SOURCE,
    )
    if keys is None:
        raise Conflict(f"Release {order.key} is being taken in by somebody else. Look again.")
    supplies = dict(zip(by_product, keys, strict=True))
    units = {}
    for line in order.lines:
        supply_id = supplies[line.product_id]
        allocation_id = store.add_released(
            supply_id=supply_id, line_id=ids[line.number], quantity=line.quantity, at=now
        )
        units[allocation_id] = line.quantity
    store.set_expected(dict.fromkeys(ids.values(), order.day))
    return _Booked(order=order, order_id=order_id, units=units)


def _add(store: Store, order: ReleasedOrder, *, now: datetime, by: str) -> int:
    row = {name: getattr(order, name) for name in _HEADER} | {"number": order.order}
    order_id = store.add_orders([row])[order.order]
    store.append_event(
        kind="order_received",
        actor=by,
        captured_at=order.ordered_at.astimezone(UTC),
        received_at=now,
        order_id=order_id,
        data={
            "order": order.order,
            "lines": [{"line": line.number, "sku": line.sku, "quantity": line.quantity} for line in order.lines],
        },
    )
    return order_id


def _line(order_id: int, line: ReleasedLine) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "number": line.number,
        "product_id": line.product_id,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "erp_reference": line.erp_reference,
    }


def _by_product(lines: Sequence[ReleasedLine]) -> dict[int, list[ReleasedLine]]:
    found: dict[int, list[ReleasedLine]] = defaultdict(list)
    for line in lines:
        found[line.product_id].append(line)
    return found


def _deliver(store: Store, booked: Sequence[_Booked], *, now: datetime, by: str) -> None:
    releases: dict[tuple[int, str], int] = {}
    together: dict[tuple[str, int, int, str], list[_Booked]] = defaultdict(list)
    for each in booked:
        order = each.order
        together[order.release, order.depot_id, order.site_id, order.day].append(each)
    for (release, depot_id, site_id, day), mine in together.items():
        if (depot_id, day) not in releases:
            releases[depot_id, day] = store.add_release(depot_id=depot_id, for_day=day, by=by, now=now)
        delivery_id, number = store.add_delivery(
            release_id=releases[depot_id, day],
            site_id=site_id,
            depot_id=depot_id,
            for_day=day,
            tier=max(each.order.tier for each in mine),
            ready_at=None,
            oldest_ordered_at=min(each.order.ordered_at for each in mine),
            lines={key: units for each in mine for key, units in each.units.items()},
        )
        for each in mine:
            units = sum(each.units.values())
            store.append_event(
                kind="released",
                actor=by,
                captured_at=now,
                received_at=now,
                order_id=each.order_id,
                delivery_id=delivery_id,
                data={"delivery": number, "for_day": day, "units": units, "of": units, "erp_release": release},
            )
            _ask(store, each, delivery_id, now=now, by=by)


def _ask(store: Store, booked: _Booked, delivery_id: int, *, now: datetime, by: str) -> None:
    """What the door pays with this release of the order, where its file said so."""
    amount = booked.order.collect_at_door
    if amount is None:
        return
    _number, currency, before, _comes = store.asks_at_door(booked.order_id)
    if not amount and not before:
        return
    after = store.ask_with_delivery(delivery_id, booked.order_id, amount)
    if after != before:
        store.append_event(
            kind="collect_at_door_set",
            actor=by,
            captured_at=now,
            received_at=now,
            order_id=booked.order_id,
            data={"from": before, "to": after, "currency": currency},
        )


# ---------------------------------------------------------------------------- what was not delivered


def hand_back(store: HandsBack, delivery: DoorDelivery, *, depot_id: int, at: datetime, by: str) -> None:
    """A failed delivery's goods lie at the depot again and are the ERP's: we promise and bring nothing of them.

    Their results say what came back; what becomes of them the ERP says by a new release.
    """
    for line in delivery.lines:
        if not line.loaded:
            continue
        supply_id = store.take_back_released(allocation_id=line.allocation_id, quantity=line.loaded)
        store.add_movement(
            at=at,
            product_id=line.product_id,
            quantity=line.loaded,
            from_place=f"depot:{depot_id}",
            to_place="erp",
            why="handed back to the ERP",
            by=by,
            allocation_id=line.allocation_id,
            delivery_id=delivery.id,
            supply_id=supply_id,
        )
    store.set_unreleased(delivery.id)
    store.cancel_what_is_open([delivery.id])
