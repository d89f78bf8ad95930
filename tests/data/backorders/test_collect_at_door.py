"""What is to be collected at the door comes in with the order, changes with it, and holds no release."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from data import tables
from data.db import Database
from data.exporters.kinds import export
from data.importers.kinds import KINDS
from data.importers.presets import PRESETS
from data.importers.shop import import_shop_orders
from data.store import open_store
from routing.model.imports import ImportResult
from tests.shop_export import as_export, item, order

COLUMNS = (
    "order",
    "customer",
    "depot",
    "ordered_at",
    "payment",
    "collect_at_door",
    "sku",
    "quantity",
    "line",
    "currency",
)
ROW = {"order": "SO-1", "customer": "C-1", "depot": "NORTH", "ordered_at": "2026-05-08T10:00", "sku": "OAT-1",
       "quantity": "12", "line": "1"}  # fmt: skip


def take(database: Database, kind: str, rows: list[dict[str, str]], now: datetime, *columns: str) -> ImportResult:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns or list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    with open_store(database) as store:
        return KINDS[kind].work(store, io.BytesIO(out.getvalue().encode()), now=now, by="test")


@pytest.fixture
def filled(database: Database, now: datetime) -> Database:
    with open_store(database) as store:
        store.set_company(name="Example Wholesale", currency="EUR", zone="Europe/Helsinki")
        store.save_depot(None, {"number": "NORTH", "name": "Depot North", "zone": "Europe/Helsinki"})
    take(database, "products", [{"sku": "OAT-1", "name": "Oat drink", "price": "2.00"}], now)
    take(
        database,
        "customers",
        [
            {
                "customer": "C-1",
                "customer_name": "Café 12",
                "site": "S-1",
                "site_name": "Café 12",
                "address": "Testgatan 1",
                "postcode": "00100",
                "city": "Helsinki",
                "country": "FI",
            }
        ],
        now,
    )
    return database


def orders(database: Database, now: datetime, *rows: dict[str, str]) -> ImportResult:
    return take(database, "orders", [ROW | row for row in rows], now, *COLUMNS)


def kept(database: Database) -> list[tuple[int, int, str]]:
    with database.reading() as connection:
        names = (tables.order.c.collect_at_door, tables.order.c.collect_worth, tables.order.c.payment)
        return [tuple(row) for row in connection.execute(select(*names).order_by(tables.order.c.id))]


def test_the_amount_comes_in_changes_like_other_fields_and_goes_out_again(filled: Database, now: datetime) -> None:
    assert orders(filled, now, {"collect_at_door": "112.50"}).created == 1
    assert kept(filled) == [(11250, 2400, "ok")]
    assert orders(filled, now, {"collect_at_door": "112.50"}).unchanged == 1
    out = io.BytesIO()
    with filled.reading() as connection:
        export(connection, "orders", out, format="csv")
    (row,) = csv.DictReader(io.StringIO(out.getvalue().decode("utf-8-sig")))
    assert row["collect_at_door"] == "112.50"
    assert orders(filled, now, {"collect_at_door": "80.00", "quantity": "6"}).changed == 1
    assert kept(filled) == [(8000, 1200, "ok")]
    without_that_column = ROW | {"quantity": "6"}
    assert take(filled, "orders", [without_that_column], now).unchanged == 1
    assert kept(filled)[0][0] == 8000
    assert orders(filled, now, {"collect_at_door": "", "quantity": "6"}).changed == 1
    assert kept(filled)[0][0] == 0


@pytest.mark.parametrize("amount", ["-1", "NaN", "1e5", "112.505", "9999999999", "112,50 €", "Infinity", "ten"])
def test_what_is_no_amount_leaves_out_that_order_and_says_so(filled: Database, now: datetime, amount: str) -> None:
    result = orders(filled, now, {"collect_at_door": amount}, {"order": "SO-2", "collect_at_door": "1"})
    assert (result.created, len(result.errors)) == (1, 1)
    assert "collect_at_door" in result.errors[0].what


def test_who_pays_at_the_door_waits_at_no_payment_gate(filled: Database, now: datetime) -> None:
    orders(filled, now, {"payment": "pending", "collect_at_door": "24"}, {"order": "SO-2", "payment": "pending"})
    with open_store(filled) as store:
        facts = store.order_facts([1, 2])
    assert [facts[key].payment for key in (1, 2)] == ["ok", "pending"]


# ---------------------------------------------------------------------------- web shops


def shopify(database: Database, now: datetime, **fields: str) -> ImportResult:
    content = as_export([order(1001, item("OAT-1", 2), **fields)])
    with open_store(database) as store:
        return import_shop_orders(store, io.BytesIO(content), preset=PRESETS["shopify"], now=now, by="test")


COD: dict[str, Any] = {"Financial_Status": "pending", "Payment_Method": "Cash on Delivery (COD)", "Total": "31.90"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (COD, (3190, "pending")),
        (COD | {"Outstanding_Balance": "30.00"}, (3000, "pending")),
        (COD | {"Financial_Status": "paid"}, (0, "ok")),
        (COD | {"Payment_Method": "Bank Deposit"}, (0, "pending")),
    ],
)
def test_cash_on_delivery_of_shopify_asks_for_what_is_outstanding(
    filled: Database, now: datetime, said: dict[str, str], expected: tuple[int, str]
) -> None:
    result = shopify(filled, now, **said)
    assert result.errors == []
    ((amount, _worth, payment),) = kept(filled)
    assert (amount, payment) == expected


WOO = ("order_number", "order_date", "status", "payment_method_title", "date_paid", "order_total", "item_name", "sku",
       "quantity", "item_price", "shipping_address_1", "shipping_city", "billing_email")  # fmt: skip


@pytest.mark.parametrize(
    ("status", "method", "paid", "expected"),
    [
        ("wc-processing", "Cash on delivery", "", (2550, "ok")),
        ("on-hold", "cod", "", (2550, "pending")),
        ("wc-processing", "Cash on delivery", "2026-05-08 10:00:00", (0, "ok")),
        ("on-hold", "Direct bank transfer", "", (0, "pending")),
    ],
)
def test_cash_on_delivery_of_woocommerce_asks_for_the_total(
    filled: Database, now: datetime, status: str, method: str, paid: str, expected: tuple[int, str]
) -> None:
    cells = ("77", "2026-05-08 10:00:00", status, method, paid, "25.50", "Oat drink", "OAT-1", "2", "10.00",
             "Testgatan 1", "Helsinki", "a@cafe.example")  # fmt: skip
    content = f"{','.join(WOO)}\n{','.join(cells)}\n".encode()
    with open_store(filled) as store:
        result = import_shop_orders(store, io.BytesIO(content), preset=PRESETS["woocommerce"], now=now, by="test")
    assert result.errors == []
    ((amount, _worth, payment),) = kept(filled)
    assert (amount, payment) == expected
