"""A small company in a database: one depot, a few customers, and whatever stock and orders a test adds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Table, insert, select

from data import tables
from data.db import Database
from data.store import SqlStore
from routing.model.stock import Receipt

NOW = datetime(2026, 5, 12, 2, 40, tzinfo=UTC)
"""A Tuesday, 05:40 in Helsinki."""


@dataclass
class Company:
    """Inserts rows; each method returns the new id."""

    database: Database
    depot_id: int = 0
    numbers: dict[str, int] = field(default_factory=dict)
    _connection: Connection | None = None

    @contextmanager
    def open(self) -> Iterator[Company]:
        """A transaction to insert in; committed at its end, so that other stores and threads see the rows."""
        with self.database.writing() as self._connection:
            yield self
        self._connection = None

    @property
    def connection(self) -> Connection:
        assert self._connection is not None, "insert inside `with company.open()`"
        return self._connection

    def add(self, table: Table, **values: Any) -> int:
        key: int = self.connection.execute(insert(table).values(values).returning(table.c.id)).scalar_one()
        return key

    def number(self, kind: str) -> str:
        self.numbers[kind] = self.numbers.get(kind, 0) + 1
        return f"{kind}-{self.numbers[kind]}"

    def product(self, sku: str, **values: Any) -> int:
        return self.add(
            tables.product, **{"number": sku, "name": f"Product {sku}", "case_pack": 12, "weight_g": 500} | values
        )

    def customer(self, *, contact: bool = True, **values: Any) -> int:
        number = self.number("C")
        customer_id = self.add(tables.customer, **{"number": number, "name": f"Customer {number[2:]}"} | values)
        if contact:
            self.add(
                tables.contact, customer_id=customer_id, name="Buyer", role="buyer", channel="email",
                address=f"buyer{number[2:]}@cafe.example", consent=True,
            )  # fmt: skip
        return customer_id

    def site(self, customer_id: int, **values: Any) -> int:
        number = self.number("S")
        return self.add(
            tables.site,
            **{
                "customer_id": customer_id, "number": number, "name": f"Café {number[2:]}", "address": "Testgatan 1",
                "delivery_days": "mon,tue,wed,thu,fri",
            } | values,
        )  # fmt: skip

    def order(
        self,
        lines: dict[int, int],
        *,
        customer: dict[str, Any] | None = None,
        site_id: int | None = None,
        **values: Any,
    ) -> int:
        """An order of {product id: quantity}; each is ordered an hour after the one before."""
        number = self.number("SO")
        if site_id is None:
            customer_id = self.customer(**(customer or {}))
            site_id = self.site(customer_id)
        else:
            customer_id = self.connection.execute(
                select(tables.site.c.customer_id).where(tables.site.c.id == site_id)
            ).scalar_one()
        order_id = self.add(
            tables.order,
            **{
                "number": number, "customer_id": customer_id, "site_id": site_id, "depot_id": self.depot_id,
                "ordered_at": NOW - timedelta(days=8) + timedelta(hours=self.numbers["SO"]), "currency": "EUR",
            } | values,
        )  # fmt: skip
        for index, (product_id, quantity) in enumerate(lines.items(), start=1):
            self.add(
                tables.order_line,
                order_id=order_id, number=str(index), product_id=product_id, quantity=quantity, unit_price=100,
            )  # fmt: skip
        return order_id

    def inbound(self, product_id: int, quantity: int, expected_at: datetime | None, **values: Any) -> int:
        return self.add(
            tables.supply, kind="inbound", number=self.number("PO"), depot_id=self.depot_id, product_id=product_id,
            quantity=quantity, expected_at=expected_at, **values,
        )  # fmt: skip

    def receipt(self, sku: str, quantity: int, **values: Any) -> Receipt:
        with self.database.reading() as connection:
            product_id = connection.execute(
                select(tables.product.c.id).where(tables.product.c.number == sku)
            ).scalar_one()
        return Receipt(
            **{
                "number": self.number("R"), "depot_id": self.depot_id, "product_id": product_id, "sku": sku,
                "quantity": quantity, "counted_at": NOW,
            } | values
        )  # fmt: skip


@pytest.fixture
def company(database: Database) -> Company:
    made = Company(database)
    with made.open():
        made.add(tables.company, name="Example Wholesale", currency="EUR", zone="Europe/Helsinki", phone="555-0100")
        made.depot_id = made.add(tables.depot, number="NORTH", name="Depot North", zone="Europe/Helsinki")
    return made


def dump(database: Database, *, but: tuple[str, ...] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table: what a refused file must leave as it was."""
    with database.reading() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in tables.metadata.sorted_tables
            if table.name not in but
        }


def holdings(store: SqlStore) -> dict[str, tuple[int, int]]:
    """Per order number: (units on stock, units on inbound), released ones included."""
    query = (
        select(tables.order.c.number, tables.supply.c.kind, tables.allocation)
        .join(tables.order_line, tables.order_line.c.id == tables.allocation.c.order_line_id)
        .join(tables.order, tables.order.c.id == tables.order_line.c.order_id)
        .join(tables.supply, tables.supply.c.id == tables.allocation.c.supply_id)
        .where(tables.allocation.c.quantity > 0)
    )
    found: dict[str, tuple[int, int]] = {}
    for row in store.connection.execute(query):
        firm, provisional = found.get(row.number, (0, 0))
        units = row.allocated + row.released + row.picked
        found[row.number] = (firm + units, provisional) if row.kind == "receipt" else (firm, provisional + units)
    return found


@pytest.fixture
def read_holdings() -> Any:
    return holdings


@pytest.fixture
def read_dump() -> Any:
    return dump


@pytest.fixture
def now() -> datetime:
    return NOW
