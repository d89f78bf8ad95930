"""What the books say lies at a depot of a SKU, and what came back and waits to be inspected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, or_, select

from data.queries.needs import HELD
from data.store import SqlStore
from data.tables import allocation, depot, movement, product, supply
from routing.errors import Conflict


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfCard:
    """A SKU at a depot, base units: `here` sellable ones, `picked` of them set aside, `promised` to orders in all."""

    product_id: int
    sku: str
    name: str
    unit: str
    barcode: str
    here: int
    picked: int
    promised: int


def shelf_card(connection: Connection, *, depot_id: int, code: str) -> ShelfCard | None:
    """By SKU or barcode; None when no product has it."""
    store = SqlStore(connection)
    try:
        product_id = store.scanned_product(code)
    except Conflict:
        return None
    if product_id is None:
        return None
    row = connection.execute(select(product).where(product.c.id == product_id)).one()
    held = connection.execute(
        select(
            func.coalesce(func.sum(allocation.c.picked), 0).label("picked"),
            func.coalesce(func.sum(HELD), 0).label("promised"),
        )
        .join(supply, supply.c.id == allocation.c.supply_id)
        .where(supply.c.depot_id == depot_id, supply.c.product_id == product_id, supply.c.kind == "receipt")
    ).one()
    return ShelfCard(
        product_id=product_id,
        sku=row.number,
        name=row.name,
        unit=row.unit,
        barcode=row.barcode,
        here=sum(shelf.here for shelf in store.shelves(depot_id, product_id)),
        picked=int(held.picked),
        promised=int(held.promised),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CameBack:
    """Units at a place where nothing is sold from. `place` is returned or quarantine, `since` the last that came."""

    depot_id: int
    depot: str
    zone: str
    place: str
    product_id: int
    sku: str
    name: str
    unit: str
    quantity: int
    since: datetime


def came_back(connection: Connection) -> list[CameBack]:
    """What waits to be inspected, by depot, returned before quarantined, by SKU."""
    homes = connection.execute(select(depot.c.id, depot.c.name, depot.c.zone).order_by(depot.c.number)).all()
    found = []
    for home in homes:
        for place in ("returned", "quarantine"):
            at = f"{place}:{home.id}"
            units = func.sum(case((movement.c.to_place == at, movement.c.quantity), else_=-movement.c.quantity))
            rows = connection.execute(
                select(
                    product.c.id,
                    product.c.number,
                    product.c.name,
                    product.c.unit,
                    units.label("units"),
                    func.max(movement.c.at).label("since"),
                )
                .join_from(movement, product, product.c.id == movement.c.product_id)
                .where(or_(movement.c.to_place == at, movement.c.from_place == at))
                .group_by(product.c.id, product.c.number, product.c.name, product.c.unit)
                .having(units > 0)
                .order_by(product.c.number)
            )
            found += [
                CameBack(
                    depot_id=home.id,
                    depot=home.name,
                    zone=home.zone,
                    place=place,
                    product_id=row.id,
                    sku=row.number,
                    name=row.name,
                    unit=row.unit,
                    quantity=int(row.units),
                    since=row.since,
                )
                for row in rows
            ]
    return found
