"""The store's part for files that come in: many rows at once, and how a foreign header is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, func, insert, select, update

from data.store.part import StorePart, parts
from data.tables import column_mapping, contact, customer, product, shelf_count, site, supplier
from routing.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """How files of a kind with this header are read: their column → ours. `by` is who said so."""

    id: int
    kind: str
    columns: Mapping[str, str]
    by: str
    at: datetime


class ImportStore(StorePart):
    # ------------------------------------------------------------------ many rows at once

    def customers_by_email(self, addresses: Collection[str]) -> dict[str, dict[str, Any]]:
        """Whose buyer has this e-mail address, by the address; of several customers the one that was there first."""
        found: dict[str, dict[str, Any]] = {}
        address = func.lower(contact.c.address)
        for part in parts(addresses):
            query = (
                select(customer, address.label("email"))
                .join(contact, contact.c.customer_id == customer.c.id)
                .where(contact.c.role == "buyer", contact.c.channel == "email", address.in_(part))
                .order_by(customer.c.id.desc())
            )
            found |= {row["email"]: dict(row) for row in self.connection.execute(query).mappings()}
        return found

    def add_customers(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
        """Inserts customers; returns their keys by number."""
        return self._add(customer, rows)

    def add_sites(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
        """Inserts sites; returns their keys by number."""
        return self._add(site, rows)

    def add_products(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
        """Inserts products; returns their keys by SKU."""
        return self._add(product, rows)

    def add_contacts(self, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            self.connection.execute(insert(contact), [dict(row) for row in rows])

    def _add(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
        if not rows:
            return {}
        query = insert(table).returning(table.c.number, table.c.id)
        return {row.number: row.id for row in self.connection.execute(query, [dict(row) for row in rows])}

    # ------------------------------------------------------------------ suppliers

    def has_supplier(self, name: str) -> bool:
        return self.connection.scalar(select(supplier.c.id).where(supplier.c.name == name).limit(1)) is not None

    def suppliers(self, numbers: Collection[str], *, source: str = "own") -> dict[str, dict[str, Any]]:
        """The rows of the suppliers that exist, by number."""
        found: dict[str, dict[str, Any]] = {}
        for part in parts(numbers):
            query = select(supplier).where(supplier.c.source == source, supplier.c.number.in_(part))
            found |= {row["number"]: dict(row) for row in self.connection.execute(query).mappings()}
        return found

    def save_supplier(self, supplier_id: int | None, values: Mapping[str, Any]) -> int:
        if supplier_id is None:
            made: int = self.connection.execute(insert(supplier).values(values).returning(supplier.c.id)).scalar_one()
            return made
        self.connection.execute(update(supplier).where(supplier.c.id == supplier_id).values(**values))
        return supplier_id

    # ------------------------------------------------------------------ what a file of counts said last

    def counted_last(self, product_ids: Collection[int]) -> dict[tuple[int, int], tuple[int, datetime]]:
        """By (depot, product): the base units that a file of counts said last, and when it came."""
        query = select(shelf_count.c.depot_id, shelf_count.c.product_id, shelf_count.c.counted, shelf_count.c.at)
        return {
            (row.depot_id, row.product_id): (row.counted, row.at)
            for some in parts(product_ids)
            for row in self.connection.execute(query.where(shelf_count.c.product_id.in_(some)))
        }

    def remember_count(self, *, depot_id: int, product_id: int, counted: int, by: str, now: datetime) -> None:
        """From now on this is what a file of counts said last of it, in base units."""
        values = {"counted": counted, "by": by, "at": now}
        key = {"depot_id": depot_id, "product_id": product_id}
        if self.insert_once(shelf_count, key | values) is None:
            self.connection.execute(
                update(shelf_count)
                .where(shelf_count.c.depot_id == depot_id, shelf_count.c.product_id == product_id)
                .values(**values)
            )

    # ------------------------------------------------------------------ how a foreign header is read

    def mapping_of(self, kind: str, header_sha256: str) -> ColumnMapping | None:
        row = self.connection.execute(
            select(column_mapping).where(column_mapping.c.kind == kind, column_mapping.c.header_sha256 == header_sha256)
        ).first()
        if row is None:
            return None
        return ColumnMapping(id=row.id, kind=row.kind, columns=row.mapping, by=row.by, at=row.at)

    def remember_mapping(
        self, kind: str, header_sha256: str, columns: Mapping[str, str], *, by: str, now: datetime
    ) -> None:
        """From now on files of this kind with this header are read so; what was said of it before is replaced."""
        values = {"mapping": dict(columns), "by": by, "at": now}
        key = {"kind": kind, "header_sha256": header_sha256}
        if self.insert_once(column_mapping, key | values) is None:
            self.connection.execute(
                update(column_mapping)
                .where(column_mapping.c.kind == kind, column_mapping.c.header_sha256 == header_sha256)
                .values(**values)
            )

    def mappings(self) -> list[ColumnMapping]:
        """Every header that is remembered, the latest first."""
        query = select(column_mapping).order_by(column_mapping.c.at.desc(), column_mapping.c.id.desc())
        return [
            ColumnMapping(id=row.id, kind=row.kind, columns=row.mapping, by=row.by, at=row.at)
            for row in self.connection.execute(query)
        ]

    def forget_mapping(self, mapping_id: int) -> ColumnMapping:
        """Raises NotFound when it was forgotten before."""
        row = self.connection.execute(
            delete(column_mapping).where(column_mapping.c.id == mapping_id).returning(column_mapping)
        ).first()
        if row is None:
            raise NotFound("That reading of a file's columns is forgotten already.", code="mapping")
        return ColumnMapping(id=row.id, kind=row.kind, columns=row.mapping, by=row.by, at=row.at)
