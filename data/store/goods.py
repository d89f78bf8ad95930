"""The store's part for products, and what is expected of them, as files name them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import insert, select, update

from data.store.part import StorePart, parts
from data.tables import product, supplier, supply


class GoodsStore(StorePart):
    def product_ids(self, numbers: Collection[str], *, source: str = "own") -> dict[str, int]:
        """Keys of the SKUs that exist."""
        found: dict[str, int] = {}
        for part in parts(numbers):
            query = select(product.c.number, product.c.id).where(product.c.source == source, product.c.number.in_(part))
            found |= {row.number: row.id for row in self.connection.execute(query)}
        return found

    def every_product_id(self, *, source: str = "own") -> dict[str, int]:
        """Keys of all SKUs."""
        rows = self.connection.execute(select(product.c.number, product.c.id).where(product.c.source == source))
        return {row.number: row.id for row in rows}

    def products(self, numbers: Collection[str], *, source: str = "own") -> dict[str, dict[str, Any]]:
        """The rows of the SKUs that exist, with their supplier's number."""
        found: dict[str, dict[str, Any]] = {}
        for part in parts(numbers):
            query = (
                select(product, supplier.c.number.label("supplier"))
                .outerjoin(supplier, supplier.c.id == product.c.supplier_id)
                .where(product.c.source == source, product.c.number.in_(part))
            )
            found |= {row["number"]: dict(row) for row in self.connection.execute(query).mappings()}
        return found

    def inbounds(self, numbers: Collection[str], *, source: str = "own") -> dict[tuple[str, int], dict[str, Any]]:
        """The inbound rows of these numbers by (number, product id), with their supplier's number."""
        found: dict[tuple[str, int], dict[str, Any]] = {}
        for part in parts(numbers):
            query = (
                select(supply, supplier.c.number.label("supplier"))
                .outerjoin(supplier, supplier.c.id == supply.c.supplier_id)
                .where(supply.c.kind == "inbound", supply.c.source == source, supply.c.number.in_(part))
            )
            for row in self.connection.execute(query).mappings():
                found[row["number"], row["product_id"]] = dict(row)
        return found

    def keep_inbound_said(self, supply_id: int, said: Mapping[str, Any]) -> None:
        """What the file said of an inbound that it did not change."""
        self.connection.execute(update(supply).where(supply.c.id == supply_id).values(said=said))

    def supplier_id(self, number: str, *, source: str = "own") -> int | None:
        """The key of a supplier, made when it is not there; None for no supplier."""
        if not number:
            return None
        made = self.insert_once(supplier, {"source": source, "number": number, "name": number})
        return made or self.connection.scalar(
            select(supplier.c.id).where(supplier.c.source == source, supplier.c.number == number)
        )

    def save_product(self, product_id: int | None, values: Mapping[str, Any]) -> int:
        if product_id is None:
            made: int = self.connection.execute(insert(product).values(values).returning(product.c.id)).scalar_one()
            return made
        self.connection.execute(
            update(product).where(product.c.id == product_id).values(**values, version=product.c.version + 1)
        )
        return product_id

    def save_inbound(self, supply_id: int | None, values: Mapping[str, Any]) -> int:
        if supply_id is None:
            query = insert(supply).values(kind="inbound", **values).returning(supply.c.id)
            made: int = self.connection.execute(query).scalar_one()
            return made
        self.connection.execute(
            update(supply).where(supply.c.id == supply_id).values(**values, version=supply.c.version + 1)
        )
        self.touched_supplies.add(supply_id)
        return supply_id
