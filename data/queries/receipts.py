"""What is expected from suppliers, what was counted in, and who waits for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, case, func, select

from data.queries.needs import ORDERED, SELLABLE, TO_COME
from data.tables import allocation, depot, order, order_line, product, supplier, supply


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundLine:
    """A quantity of one SKU still expected. `left` base units may still come.

    `wanted` is what open orders at that depot still miss on the shelf, and `orders` how many they are.
    """

    id: int
    number: str
    supplier: str
    depot_id: int
    depot: str
    zone: str
    product_id: int
    sku: str
    name: str
    unit: str
    case_pack: int
    quantity: int
    left: int
    expected_at: datetime | None
    wanted: int
    orders: int

    @property
    def expected_on(self) -> str:
        """The ISO day it is expected, in the depot's zone; "" without a date."""
        return self.expected_at.astimezone(ZoneInfo(self.zone)).date().isoformat() if self.expected_at else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truck:
    """What comes together: the lines of one inbound number to one depot, still expected. What pages count as one."""

    lines: tuple[InboundLine, ...]

    @property
    def number(self) -> str:
        return self.lines[0].number

    @property
    def expected_at(self) -> datetime | None:
        """Of its first line: a truck whose lines have several dates is due when the first is."""
        return self.lines[0].expected_at

    @property
    def expected_on(self) -> str:
        return self.lines[0].expected_on


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRow:
    """A counted receipt. `free` of it is promised to nobody."""

    id: int
    number: str
    inbound: str
    depot_id: int
    depot: str
    zone: str
    sku: str
    name: str
    unit: str
    quantity: int
    quarantined: int
    free: int
    counted_at: datetime


def expected_inbound(connection: Connection) -> list[InboundLine]:
    """Every inbound that may still come, by date; those without a date last."""
    wanted = _wanted()
    query = (
        select(
            supply.c.id,
            supply.c.number,
            func.coalesce(supplier.c.name, "").label("supplier"),
            supply.c.depot_id,
            depot.c.name.label("depot"),
            depot.c.zone,
            supply.c.product_id,
            product.c.number.label("sku"),
            product.c.name,
            product.c.unit,
            product.c.case_pack,
            supply.c.quantity,
            TO_COME.label("left"),
            supply.c.expected_at,
            func.coalesce(wanted.c.units, 0).label("wanted"),
            func.coalesce(wanted.c.orders, 0).label("orders"),
        )
        .join(depot, depot.c.id == supply.c.depot_id)
        .join(product, product.c.id == supply.c.product_id)
        .outerjoin(supplier, supplier.c.id == supply.c.supplier_id)
        .outerjoin(wanted, (wanted.c.product_id == supply.c.product_id) & (wanted.c.depot_id == supply.c.depot_id))
        .where(supply.c.kind == "inbound", supply.c.cancelled_at.is_(None), TO_COME > 0)
        .order_by(
            case((supply.c.expected_at.is_(None), 1), else_=0), supply.c.expected_at, supply.c.number, supply.c.id
        )
    )
    return [
        InboundLine(**dict(row) | {"wanted": int(row["wanted"]), "orders": int(row["orders"])})
        for row in connection.execute(query).mappings()
    ]


def trucks(lines: Iterable[InboundLine]) -> list[Truck]:
    """The lines by number and depot, in their order."""
    together: dict[tuple[str, int], list[InboundLine]] = defaultdict(list)
    for line in lines:
        together[line.number, line.depot_id].append(line)
    return [Truck(lines=tuple(each)) for each in together.values()]


def inbound_by_ids(connection: Connection, ids: list[int]) -> dict[int, InboundLine]:
    return {line.id: line for line in expected_inbound(connection) if line.id in set(ids)}


def inbound_of(connection: Connection, ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """(product, depot) of these inbound, those that came already included."""
    query = select(supply.c.id, supply.c.product_id, supply.c.depot_id).where(
        supply.c.kind == "inbound", supply.c.id.in_(ids)
    )
    return {row.id: (row.product_id, row.depot_id) for row in connection.execute(query)}


def recent_receipts(connection: Connection, *, limit: int = 12) -> list[ReceiptRow]:
    """Newest first."""
    inbound = supply.alias("inbound")
    held = (
        select(allocation.c.supply_id, func.sum(allocation.c.quantity).label("units"))
        .group_by(allocation.c.supply_id)
        .subquery("held")
    )
    query = (
        select(
            supply.c.id,
            supply.c.number,
            func.coalesce(inbound.c.number, "").label("inbound"),
            depot.c.id.label("depot_id"),
            depot.c.name.label("depot"),
            depot.c.zone,
            product.c.number.label("sku"),
            product.c.name,
            product.c.unit,
            supply.c.quantity,
            supply.c.quarantined,
            (SELLABLE - func.coalesce(held.c.units, 0)).label("free"),
            supply.c.counted_at,
        )
        .join(depot, depot.c.id == supply.c.depot_id)
        .join(product, product.c.id == supply.c.product_id)
        .outerjoin(inbound, inbound.c.id == supply.c.inbound_id)
        .outerjoin(held, held.c.supply_id == supply.c.id)
        .where(supply.c.kind == "receipt", supply.c.cancelled_at.is_(None))
        .order_by(supply.c.counted_at.desc(), supply.c.id.desc())
        .limit(limit)
    )
    return [ReceiptRow(**dict(row) | {"free": int(row["free"])}) for row in connection.execute(query).mappings()]


def _wanted() -> Any:
    """Per SKU and depot: units of open orders that lie on no shelf for them, and of how many orders."""
    on_shelf = case((supply.c.kind == "receipt", allocation.c.quantity), else_=0)
    gone_wrong = allocation.c.short + allocation.c.damaged
    firm = (
        select(
            allocation.c.order_line_id,
            func.sum(on_shelf - case((supply.c.kind == "receipt", gone_wrong), else_=0)).label("units"),
        )
        .join(supply, supply.c.id == allocation.c.supply_id)
        .group_by(allocation.c.order_line_id)
        .subquery("firm")
    )
    missing = ORDERED - func.coalesce(firm.c.units, 0)
    return (
        select(
            order.c.depot_id,
            order_line.c.product_id,
            func.sum(missing).label("units"),
            func.count(order.c.id.distinct()).label("orders"),
        )
        .join(order, order.c.id == order_line.c.order_id)
        .outerjoin(firm, firm.c.order_line_id == order_line.c.id)
        .where(order.c.cancelled_at.is_(None), missing > 0)
        .group_by(order.c.depot_id, order_line.c.product_id)
        .subquery("wanted")
    )
