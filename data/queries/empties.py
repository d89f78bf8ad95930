"""What is to be fetched that none of our deliveries brought: crates, kegs and pallets that a customer gives back.

Such a line has no allocation: nobody was promised these units. Wherever lines are told apart by their allocation, on
the driver's phone too, it goes by its own key below 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from data.tables import allocation, delivery, delivery_line, empties_line, order, order_line, product


def empties_of(connection: Connection, delivery_ids: Collection[int]) -> dict[int, list[Any]]:
    """By delivery: key (below 0), quantity, collected so far, product_id, order_id and order_number (None: of no
    order), with the product's number, name, unit, barcode, case_pack, weight_g, volume_cm3 and pieces."""
    found: dict[int, list[Any]] = defaultdict(list)
    query = (
        select(
            (-empties_line.c.id).label("key"),
            empties_line.c.delivery_id,
            empties_line.c.product_id,
            empties_line.c.order_id,
            empties_line.c.quantity,
            empties_line.c.collected,
            order.c.number.label("order_number"),
            product.c.number,
            product.c.name,
            product.c.unit,
            product.c.barcode,
            product.c.case_pack,
            product.c.weight_g,
            product.c.volume_cm3,
            product.c.pieces,
        )
        .join(product, product.c.id == empties_line.c.product_id)
        .outerjoin(order, order.c.id == empties_line.c.order_id)
        .where(empties_line.c.delivery_id.in_(delivery_ids))
        .order_by(empties_line.c.id)
    )
    for row in connection.execute(query):
        found[row.delivery_id].append(row)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Goods or empties that a collection brings back, in base units."""

    quantity: int
    unit: str
    sku: str
    name: str


def fetched_goods(connection: Connection, delivery_ids: Collection[int]) -> dict[int, list[Fetched]]:
    """By collection, what is to be fetched there; nothing of a delivery that brings goods."""
    found: dict[int, list[Fetched]] = defaultdict(list)
    for row in connection.execute(
        select(delivery_line.c.delivery_id, delivery_line.c.quantity, product.c.number, product.c.name, product.c.unit)
        .join(delivery, delivery.c.id == delivery_line.c.delivery_id)
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .join(product, product.c.id == order_line.c.product_id)
        .where(delivery.c.id.in_(delivery_ids), delivery.c.direction == "collect")
        .order_by(delivery_line.c.id)
    ):
        found[row.delivery_id].append(Fetched(quantity=row.quantity, unit=row.unit, sku=row.number, name=row.name))
    for delivery_id, mine in empties_of(connection, delivery_ids).items():
        found[delivery_id] += [
            Fetched(quantity=row.quantity, unit=row.unit, sku=row.number, name=row.name) for row in mine
        ]
    return found


def returnable_products(connection: Connection) -> list[tuple[int, str, str]]:
    """(id, SKU, name) of what customers give back, by SKU."""
    rows = connection.execute(
        select(product.c.id, product.c.number, product.c.name)
        .where(product.c.returnable, product.c.source == "own")
        .order_by(product.c.number)
    )
    return [(row.id, row.number, row.name) for row in rows]
