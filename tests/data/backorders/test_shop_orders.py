"""A web shop's export comes in as it is: once, exactly, and without a word to anybody."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from data import tables
from data.db import Database
from data.exporters.kinds import export
from data.importers.orders import import_orders
from data.importers.presets import PRESETS
from data.importers.shop import import_shop_orders
from data.queries.order_page import order_page
from data.queries.order_state import order_document
from data.queries.orders import order_counts, order_list
from data.queries.standing import standings
from data.store import open_store
from routing.errors import FileRefused, InvalidInput
from routing.model.consents import DelayedLine, NewConsent, Silence
from routing.model.imports import ImportResult
from routing.model.stock import Receipt
from routing.model.tasks import TaskKind
from routing.services.receiving import commit_receipt
from routing.services.releasing import release_orders
from tests.shop_export import HEADER, as_export, item, many, order
from web.importing import import_document

Dump = Callable[..., dict[str, list[tuple[Any, ...]]]]


def depot(database: Database, number: str = "NORTH") -> None:
    with open_store(database) as store:
        store.set_company(name="Example Wholesale", currency="EUR", zone="Europe/Helsinki")
        store.save_depot(None, {"number": number, "name": f"Depot {number}", "zone": "Europe/Helsinki"})


@pytest.fixture
def shop(database: Database) -> Database:
    """A company and one depot, and nothing else; on both databases."""
    depot(database)
    return database


@pytest.fixture
def on_sqlite(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    depot(database)
    yield database
    database.close()


def run(
    database: Database,
    orders: Sequence[Sequence[dict[str, str]]] | bytes,
    now: datetime,
    *,
    preset: str = "shopify",
    **options: Any,
) -> ImportResult:
    content = orders if isinstance(orders, bytes) else as_export(orders)
    with open_store(database) as store:
        return import_shop_orders(store, io.BytesIO(content), preset=PRESETS[preset], now=now, by="test", **options)


def rows(database: Database, table: Any, *columns: str) -> list[tuple[Any, ...]]:
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(select(*(table.c[name] for name in columns)).order_by("id"))]


# ---------------------------------------------------------------------------- as it is


def test_forty_orders_come_in_and_the_second_time_changes_nothing(
    shop: Database, now: datetime, read_dump: Dump
) -> None:
    content, still, lines = many(40)
    first = run(shop, content, now)
    assert (first.created, first.lines, first.unchanged, first.errors) == (still, lines, 0, [])
    assert sum(first.settled.values()) == 40 - still
    before = read_dump(shop)
    again = run(shop, content, now + timedelta(hours=1))
    assert (again.created, again.changed, again.unchanged, again.tasks, again.errors) == (0, 0, still, 0, [])
    assert again.settled == first.settled
    assert read_dump(shop) == before


@pytest.mark.slow
def test_three_thousand_orders_come_in_and_the_second_time_changes_nothing(shop: Database, now: datetime) -> None:
    content, still, lines = many(3_000)
    first = run(shop, content, now)
    assert (first.created, first.lines, first.unchanged, first.errors) == (still, lines, 0, [])
    again = run(shop, content, now)
    assert (again.created, again.changed, again.unchanged, again.errors) == (0, 0, still, [])
    assert len(rows(shop, tables.order_line, "id")) == lines


def test_a_dry_run_says_the_same_and_writes_nothing(shop: Database, now: datetime, read_dump: Dump) -> None:
    content, still, lines = many(40)
    before = read_dump(shop)
    tried = run(shop, content, now, dry_run=True)
    assert (tried.created, tried.lines) == (still, lines)
    assert read_dump(shop) == before


def test_an_order_is_made_with_its_customer_door_and_goods(shop: Database, now: datetime) -> None:
    run(shop, [order(1001, item(price="12.50"), item("TEA-2", 3, "4.05", **{"Lineitem discount": "2.50"}))], now)
    assert rows(shop, tables.order, "source", "number", "erp_reference", "currency", "payment", "ordered_at") == [
        ("shopify", "#1001", "5000001001", "EUR", "ok", datetime.fromisoformat("2024-05-01T09:58:12+00:00"))
    ]
    assert rows(shop, tables.order, "note") == [('Ring twice,\nthen wait; "really"',)]
    assert rows(shop, tables.order_line, "number", "quantity", "unit_price") == [("OAT-1", 2, 1250), ("TEA-2", 3, 405)]
    assert rows(shop, tables.customer, "number", "name", "business") == [
        ("buyer1001@cafe.example", "Buyer 1001", False)
    ]
    assert rows(shop, tables.site, "name", "address", "postcode", "city", "country", "notes") == [
        ("Buyer 1001", "Testgatan 1001", "00100", "Helsinki", "FI", "A 3")
    ]
    assert rows(shop, tables.product, "number", "name", "price", "currency") == [
        ("OAT-1", "Product OAT-1", 1250, "EUR"), ("TEA-2", "Product TEA-2", 405, "EUR"),
    ]  # fmt: skip


@pytest.mark.parametrize("dry_run", [True, False])
def test_goods_that_nobody_knew_are_named(on_sqlite: Database, now: datetime, dry_run: bool) -> None:
    with open_store(on_sqlite) as store:
        store.add_products([{"number": "TEA-2", "name": "Tea"}])
    result = run(on_sqlite, [order(1001, item("OTA-1"), item("TEA-2"))], now, dry_run=dry_run)
    assert result.made["products"] == {"OTA-1"}
    document = import_document(result)
    assert document["made"] == {"customers": 1, "sites": 1, "products": 1}
    assert document["made_products"] == ["OTA-1"]
    about = next(note for note in result.notes if "SKU" in note)
    assert about.startswith(f"1 SKU that nobody knew {'would be' if dry_run else 'was'} made a product")
    assert "OTA-1" in about
    assert "TEA-2" not in about
    if not dry_run:
        again = run(on_sqlite, [order(1001, item("OTA-1"), item("TEA-2"))], now)
        assert (again.made, [note for note in again.notes if "nobody knew" in note]) == ({}, [])


def test_what_the_shop_charged_is_kept_to_the_cent(shop: Database, now: datetime) -> None:
    card = item("", 1, "25.00", **{"Lineitem name": "Gift card", "Lineitem requires shipping": "false"})
    run(shop, [order(1001, item(**{"Lineitem discount": "2.50"}), card, Subtotal="47.50", Total="57.75")], now)
    [(charged,)] = rows(shop, tables.order, "charged")
    assert charged == {
        "subtotal": 4750, "shipping": 590, "taxes": 435, "discount": 250, "total": 5775, "refunded": 0,
        "outstanding": 0, "discount_code": "SPRING", "shipping_method": "Standard", "line_discounts": {"OAT-1": 250},
        "without_delivery": [{"name": "Gift card", "quantity": 1, "unit_price": 2500}],
    }  # fmt: skip
    assert rows(shop, tables.order_line, "number", "quantity") == [("OAT-1", 2)]


def test_accepting_marketing_is_no_consent_to_messages(shop: Database, now: datetime) -> None:
    result = run(shop, [order(1001, Accepts_Marketing="yes")], now)
    assert rows(shop, tables.contact, "role", "channel", "address", "consent") == [
        ("buyer", "email", "buyer1001@cafe.example", False),
        ("goods_in", "sms", "+358995550100", False),
    ]
    assert any("knows no consent" in note for note in result.notes)
    assert rows(shop, tables.notice, "id") == []


def test_who_and_what_is_known_stays_as_it_is(shop: Database, now: datetime) -> None:
    with open_store(shop) as store:
        known = store.save_customer(None, {"number": "C-1", "name": "Café 12"})
        store.save_contact(
            None,
            {"customer_id": known, "name": "B", "role": "buyer", "channel": "email",
             "address": "Buyer1001@cafe.example", "consent": True},
        )  # fmt: skip
        store.save_product(None, {"number": "OAT-1", "name": "Oat drink", "price": 195, "currency": "EUR"})
    run(shop, [order(1001), order(1002, Email="", Phone="", Billing_Name="Nobody known")], now)
    assert rows(shop, tables.product, "name", "price") == [("Oat drink", 195)]
    names = [name for (name,) in rows(shop, tables.customer, "name")]
    assert names[0] == "Café 12"
    with shop.reading() as connection:
        customer_id = connection.scalar(select(tables.order.c.customer_id).where(tables.order.c.number == "#1001"))
    assert customer_id == known


def test_without_an_sku_a_line_item_is_known_by_its_name(shop: Database, now: datetime) -> None:
    run(shop, [order(1001, item("", 2, "3.00", **{"Lineitem name": "Mug - Blue"}))], now)
    assert rows(shop, tables.product, "number", "name") == [("Mug - Blue", "Mug - Blue")]


def test_the_same_sku_twice_is_two_lines(shop: Database, now: datetime) -> None:
    run(shop, [order(1001, item(quantity=1), item(quantity=4, price="10.00"))], now)
    assert rows(shop, tables.order_line, "number", "quantity", "unit_price") == [
        ("OAT-1", 1, 1250), ("OAT-1/2", 4, 1000),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "payment", "hold"),
    [
        ({"Financial_Status": "pending"}, "pending", ""),
        ({"Financial_Status": "pending", "Payment_Terms_Name": "Net 30"}, "ok", ""),
        ({"Financial_Status": "authorized"}, "ok", ""),
        ({"Financial_Status": "partially_refunded", "Refunded_Amount": "3.00"}, "ok", "Partly refunded"),
    ],
)
def test_money_that_is_awaited_or_given_back_waits(
    on_sqlite: Database, cells: dict[str, str], payment: str, hold: str, now: datetime
) -> None:
    run(on_sqlite, [order(1001, **cells)], now)
    [(found, reason)] = rows(on_sqlite, tables.order, "payment", "hold_reason")
    assert (found, reason[: len(hold)]) == (payment, hold)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"Cancelled_at": "2024-05-02 08:00:00 +0000"}, "cancelled"),
        ({"Financial_Status": "voided"}, "voided"),
        ({"Financial_Status": "refunded"}, "refunded"),
        ({"Fulfillment_Status": "fulfilled", "Fulfilled_at": "2024-05-02 08:00:00 +0000"}, "fulfilled"),
    ],
)
def test_what_needs_nothing_from_us_is_not_taken_in(
    on_sqlite: Database, cells: dict[str, str], reason: str, now: datetime, read_dump: Dump
) -> None:
    before = read_dump(on_sqlite)
    result = run(on_sqlite, [order(1001, Shipping_Address1="", **cells)], now)
    assert (result.created, result.unchanged, result.settled, result.errors) == (0, 0, {reason: 1}, [])
    assert read_dump(on_sqlite) == before


def test_of_a_partly_fulfilled_order_the_rest_comes_in(on_sqlite: Database, now: datetime) -> None:
    done = item("TEA-2", **{"Lineitem fulfillment status": "fulfilled"})
    result = run(on_sqlite, [order(1001, item(), done, Fulfillment_Status="partial")], now)
    assert (result.created, result.lines) == (1, 1)
    half = item("TEA-2", **{"Lineitem fulfillment status": "partial"})
    result = run(on_sqlite, [order(1002, item(), half, Fulfillment_Status="partial")], now)
    assert "does not say how many" in result.errors[0].what


def test_fulfillment_date_is_read_as_fulfilled_at(on_sqlite: Database, now: datetime) -> None:
    header = ["Fulfillment Date" if name == "Fulfilled at" else name for name in HEADER]
    result = run(on_sqlite, as_export([order(1001)], header=header), now)
    assert (result.created, result.errors) == (1, [])


def test_an_xlsx_that_kept_the_zeros_is_read_too(on_sqlite: Database, now: datetime) -> None:
    book = openpyxl.Workbook()
    for row in csv.reader(io.StringIO(as_export([order(1001), order(1002)]).decode())):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    assert run(on_sqlite, file.getvalue(), now).created == 2
    assert run(on_sqlite, as_export([order(1001), order(1002)]), now).unchanged == 2


# ---------------------------------------------------------------------------- again, and otherwise


def test_a_later_export_finds_new_changed_and_cancelled(shop: Database, now: datetime) -> None:
    run(shop, [order(1001, item(), item("TEA-2")), order(1002), order(1003)], now)
    later = run(
        shop,
        [
            order(1001, item(quantity=5)),
            order(1002, Cancelled_at="2024-05-02 08:00:00 +0000", Financial_Status="voided"),
            order(1003),
            order(1004),
        ],
        now,
    )
    assert (later.created, later.changed, later.unchanged, later.errors) == (1, 2, 1, [])
    with open_store(shop) as store:
        found = store.orders(["#1001", "#1002"], source="shopify")
    lines = [(line["number"], line["quantity"], line["cancelled"]) for line in found["#1001"]["lines"]]
    assert lines == [("OAT-1", 5, 0), ("TEA-2", 2, 2)]
    assert found["#1002"]["cancelled_at"] == now
    assert "order_cancelled" in [kind for (kind,) in rows(shop, tables.event, "kind")]


def test_what_the_shop_delivered_itself_was_delivered_elsewhere_and_is_no_cancelled_order(
    shop: Database, now: datetime
) -> None:
    """#1001 and #1002 want 2 OAT-1 each and 2 lie there, for the older one. The shop delivers #1001 itself: its goods
    go to #1002, whoever was to call about it need not, and nobody is told that it was cancelled."""
    run(shop, [order(1001), order(1002)], now)
    with open_store(shop) as store:
        product, depot_id = store.product_ids(["OAT-1"])["OAT-1"], store.depots()[0].id
        receipt = Receipt(number="R-1", depot_id=depot_id, product_id=product, sku="OAT-1", quantity=2, counted_at=now)
        commit_receipt(store, receipt, now=now, by="test")
        first = store.order_ids(["#1001"])["#1001"]
        store.add_task(
            kind=TaskKind.CALL_CUSTOMER, subject_kind="order", subject_id=first, sentence="Call them.", made_at=now
        )
        asked = DelayedLine(line_id=1, was_on="2026-05-12", now_on="2026-05-19", promise_version=0)
        store.add_consent(
            NewConsent(
                order_id=first, day="2026-05-19", case="first", silence=Silence.CANCEL, days_before=("", "", ""),
                asked_at=now, due_at=now + timedelta(days=3), lines=(asked,),
            )
        )  # fmt: skip
    tried = run(shop, [order(1001, Fulfillment_Status="fulfilled"), order(1002)], now, dry_run=True)
    done = run(shop, [order(1001, Fulfillment_Status="fulfilled"), order(1002)], now)
    for result in (tried, done):
        assert (result.changed, result.delivered_elsewhere, result.cancelled) == (1, ["#1001"], [])
    kinds = [kind for (kind,) in rows(shop, tables.event, "kind")]
    assert (kinds.count("order_delivered_elsewhere"), kinds.count("order_cancelled")) == (1, 0)
    with shop.reading() as connection:
        stands = standings(connection, day="2026-05-12", now=now).of
        listed = {row.number: row.state for row in order_list(connection, stands=stands)}
        firm = {row.number: row.firm for row in order_list(connection, stands=stands)}
        counts = order_counts(connection, stands=stands)
        state = order_document(connection, source="shopify", number="#1001")
    assert listed["#1001"] == "delivered_elsewhere"
    assert (counts["delivered_elsewhere"], counts["cancelled"]) == (1, 0)
    assert (state["cancelled"], state["delivered_elsewhere"]) == (False, True)
    assert (firm["#1001"], firm["#1002"]) == (0, 2)
    assert rows(shop, tables.task, "outcome") == [("delivered elsewhere, says the shop",)]
    assert rows(shop, tables.delay_consent, "closed_why") == [("elsewhere",)]
    assert rows(shop, tables.notice, "kind") == []
    again = run(shop, [order(1001, Fulfillment_Status="fulfilled"), order(1002)], now)
    assert (again.changed, again.unchanged, again.delivered_elsewhere) == (0, 2, [])


def test_what_the_shop_cancels_nobody_is_asked_or_called_about(shop: Database, now: datetime) -> None:
    run(shop, [order(1001)], now)
    with open_store(shop) as store:
        first = store.order_ids(["#1001"])["#1001"]
        store.add_task(
            kind=TaskKind.CALL_CUSTOMER, subject_kind="order", subject_id=first, sentence="Call them.", made_at=now
        )
        asked = DelayedLine(line_id=1, was_on="2026-05-12", now_on="2026-05-19", promise_version=0)
        store.add_consent(
            NewConsent(
                order_id=first, day="2026-05-19", case="first", silence=Silence.CANCEL, days_before=("", "", ""),
                asked_at=now, due_at=now + timedelta(days=3), lines=(asked,),
            )
        )  # fmt: skip
    run(shop, [order(1001, Cancelled_at="2024-05-02 08:00:00 +0000")], now)
    assert rows(shop, tables.task, "outcome") == [("cancelled in the order file",)]
    assert rows(shop, tables.delay_consent, "closed_why") == [("cancelled",)]


def test_a_line_that_the_shop_delivered_itself_is_no_cancelled_one(shop: Database, now: datetime) -> None:
    """#1001 wants 2 OAT-1 and 3 TEA-2; the shop delivers the tea itself, then the customer cancels the rest."""
    both = [item(), item("TEA-2", 3)]
    run(shop, [order(1001, *both)], now)
    run(shop, [order(1001, both[0], item("TEA-2", 3, **{"Lineitem fulfillment status": "fulfilled"}))], now)

    def lines() -> dict[str, tuple[int, int]]:
        with shop.reading() as connection:
            [number] = connection.scalars(select(tables.order.c.id))
            found = order_page(connection, number, now=now).lines
        return {line.sku: (line.cancelled, line.elsewhere) for line in found}

    assert lines() == {"OAT-1": (0, 0), "TEA-2": (3, 3)}
    run(shop, [order(1001, *both, Cancelled_at="2024-05-02 08:00:00 +0000")], now)
    assert lines() == {"OAT-1": (2, 0), "TEA-2": (3, 3)}


def released(database: Database, now: datetime) -> None:
    """#1001 of 2 OAT-1, released."""
    run(database, [order(1001)], now)
    with open_store(database) as store:
        product = store.product_ids(["OAT-1"])["OAT-1"]
        depot_id = store.depots()[0].id
        receipt = Receipt(number="R-1", depot_id=depot_id, product_id=product, sku="OAT-1", quantity=2, counted_at=now)
        commit_receipt(store, receipt, now=now, by="test")
    with open_store(database) as store:
        assert release_orders(store, depot_id=depot_id, for_day="2026-05-12", now=now, by="test").deliveries


def test_a_cancel_after_release_is_a_task_and_what_we_deliver_is_no_news(shop: Database, now: datetime) -> None:
    released(shop, now)
    fulfilled = run(shop, [order(1001, Fulfillment_Status="fulfilled")], now)
    assert (fulfilled.unchanged, fulfilled.tasks, fulfilled.changed) == (1, 0, 0)
    paid_back = run(shop, [order(1001, Outstanding_Balance="3.00")], now)
    assert (paid_back.changed, paid_back.tasks) == (1, 0)
    for expected in ((0, 1), (1, 0)):
        cancelled = run(shop, [order(1001, Cancelled_at="2024-05-02 08:00:00 +0000")], now)
        assert (cancelled.unchanged, cancelled.tasks) == expected
    [(sentence,)] = [
        (text,) for kind, text in rows(shop, tables.task, "kind", "sentence") if kind == "order_changed_after_release"
    ]
    assert "cancelled in the shop" in sentence


def test_a_hold_that_a_person_lifted_stays_lifted(on_sqlite: Database, now: datetime) -> None:
    export = [order(1001, Financial_Status="partially_refunded")]
    run(on_sqlite, export, now)
    with open_store(on_sqlite) as store:
        order_id = store.order_ids(["#1001"])["#1001"]
        store.set_order_hold(order_id, reason="", by="user:1", now=now)
    assert run(on_sqlite, export, now).unchanged == 1
    assert rows(on_sqlite, tables.order, "hold_reason") == [("",)]


# ---------------------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("rows_of", "said"),
    [
        (order(1002, item(quantity="2.5")), "whole number"),
        (order(1002, item(quantity="")), "whole number"),
        (order(1002, item(price="12,50")), "a comma"),
        (order(1002, item(price="12.505")), "more decimals"),
        (order(1002, item("", 1, **{"Lineitem name": ""})), "name the line item"),
        (order(1002, Created_at="yesterday"), "created at"),
        (order(1002, Created_at=""), "created at"),
        (order(1002, Currency="Euro"), "no currency"),
        (order(1002, Currency="USD"), "the order is in USD and its depot counts in EUR"),
        (order(1002, Total="much"), "no number"),
        (order(1002, Shipping_Address1=""), "an address in the shop"),
        (order(1002, Shipping_Zip="1" * 30), "shipping zip"),
    ],
)
def test_a_faulty_row_leaves_out_its_whole_order(
    on_sqlite: Database, rows_of: list[dict[str, str]], said: str, now: datetime
) -> None:
    result = run(on_sqlite, [order(1001), [*rows_of, item() | {"Name": "#1002"}]], now)
    assert result.created == 1
    assert said in result.errors[0].what
    assert "#1002" in result.errors[0].what
    assert len(rows(on_sqlite, tables.customer, "id")) == 1  # nobody is made of what was left out


def test_rows_that_do_not_stand_together_are_left_out(on_sqlite: Database, now: datetime) -> None:
    two = order(1001, item(), item("TEA-2"))
    result = run(on_sqlite, [two[:1], order(1002), two[1:]], now)
    assert result.created == 1
    assert all("do not stand together" in error.what for error in result.errors)


@pytest.mark.parametrize(
    ("content", "preset", "said"),
    [
        (b"a,b\n1,2\n", "shopify", "no Shopify orders export"),
        (as_export([order(1001)]), "woocommerce", "no WooCommerce orders export"),
        (as_export([]), "shopify", "no rows"),
        (as_export([order(1001)])[:-40] + b'"never closed', "shopify", "cannot be read"),
        (b"order_id,order_date,status,shipping_address_1,shipping_city,line_item_1\n1,2,3,4,5,6\n", "woocommerce",
         "one row a line item"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_such_export_is_refused_and_changes_nothing(
    on_sqlite: Database, content: bytes, preset: str, said: str, now: datetime, read_dump: Dump
) -> None:
    before = read_dump(on_sqlite)
    with pytest.raises(FileRefused, match=said):
        run(on_sqlite, content, now, preset=preset)
    assert read_dump(on_sqlite) == before


def test_of_several_depots_one_has_to_be_named(on_sqlite: Database, now: datetime) -> None:
    depot(on_sqlite, "SOUTH")
    with pytest.raises(InvalidInput, match="NORTH, SOUTH"):
        run(on_sqlite, [order(1001)], now)
    assert run(on_sqlite, [order(1001)], now, depot="SOUTH").created == 1


HOSTILE = st.text(max_size=40) | st.sampled_from(
    ["=cmd|' /C calc'!A0", "<script>", "9" * 400, "-1", "1e9", "NaN", "٣", "a\nb", '"', "'", "\u202e", "2024-02-30"]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.dictionaries(st.sampled_from(HEADER), HOSTILE.map(lambda text: text.replace("\0", "")), max_size=8))
def test_hostile_cells_are_kept_as_text_or_left_out_with_a_sentence(
    on_sqlite: Database, cells: dict[str, str], now: datetime
) -> None:
    hostile = [order(7000, item(), item("TEA-2"))[0] | cells, item("TEA-2") | {"Name": cells.get("Name", "#7000")}]
    content = as_export([hostile]).decode(errors="replace").encode(errors="replace")
    with open_store(on_sqlite) as store, suppress(FileRefused):
        result = import_shop_orders(
            store, io.BytesIO(content), preset=PRESETS["shopify"], now=now, by="test", dry_run=True
        )
        assert result.created + result.unchanged + sum(result.settled.values()) + len(result.errors) >= 1
        assert all(len(error.what) < 2000 for error in result.errors)


# ---------------------------------------------------------------------------- WooCommerce

WOO = [
    "Order Number,Order Status,Order Date,Customer Note,First Name (Billing),Last Name (Billing),Company (Billing),"
    "Address 1&2 (Billing),City (Billing),Postcode (Billing),Country Code (Billing),Email (Billing),Phone (Billing),"
    "First Name (Shipping),Last Name (Shipping),Address 1&2 (Shipping),City (Shipping),Postcode (Shipping),"
    "Country Code (Shipping),Cart Discount Amount,Order Subtotal Amount,Order Shipping Amount,Order Total Amount,"
    "Order Total Tax Amount,SKU,Item #,Item Name,Quantity,Item Cost",
    "order_id,order_number_formatted,date,status,shipping_total,tax_total,discount_total,order_total,order_currency,"
    "billing_first_name,billing_last_name,billing_email,billing_phone,billing_address_1,billing_postcode,"
    "billing_city,billing_country,shipping_first_name,shipping_last_name,shipping_address_1,shipping_address_2,"
    "shipping_postcode,shipping_city,shipping_country,customer_note,item_id,item_name,item_sku,item_quantity,"
    "item_subtotal",
]
WOO_ROWS = [
    [
        '501,Processing,2024-05-01 09:58,"Ring,\ntwice",Ada,Buyer,,Testgatan 1,Helsinki,00100,FI,ada@cafe.example,,'
        "Ada,Buyer,Testgatan 1,Helsinki,00100,FI,0,25,5.9,30.9,4.98,OAT-1,1,Oat drink,2,8.0645",
        "501,Processing,2024-05-01 09:58,,Ada,Buyer,,Testgatan 1,Helsinki,00100,FI,ada@cafe.example,,"
        "Ada,Buyer,Testgatan 1,Helsinki,00100,FI,0,25,5.9,30.9,4.98,TEA-2,2,Tea,1,8.87",
        "502,Completed,2024-05-01 10:58,,Bo,Buyer,,Testgatan 2,Helsinki,00100,FI,bo@cafe.example,,"
        "Bo,Buyer,Testgatan 2,Helsinki,00100,FI,0,25,5.9,30.9,4.98,TEA-2,1,Tea,1,8.87",
        "503,On hold,2024-05-01 11:58,,Cy,Buyer,,Testgatan 3,Helsinki,00100,FI,cy@cafe.example,,"
        ",,,,,,0,25,5.9,30.9,4.98,TEA-2,1,Tea,1,8.87",
    ],
    [
        "501,501,2024-05-01 09:58:00,processing,5.9,4.98,0,30.9,EUR,Ada,Buyer,ada@cafe.example,,Testgatan 1,00100,"
        "Helsinki,FI,Ada,Buyer,Testgatan 1,,00100,Helsinki,FI,,1,Oat drink,OAT-1,2,16.13",
        "501,501,2024-05-01 09:58:00,processing,5.9,4.98,0,30.9,EUR,Ada,Buyer,ada@cafe.example,,Testgatan 1,00100,"
        "Helsinki,FI,Ada,Buyer,Testgatan 1,,00100,Helsinki,FI,,2,Tea,TEA-2,1,8.87",
        "502,502,2024-05-01 10:58:00,completed,5.9,4.98,0,30.9,EUR,Bo,Buyer,bo@cafe.example,,Testgatan 2,00100,"
        "Helsinki,FI,Bo,Buyer,Testgatan 2,,00100,Helsinki,FI,,3,Tea,TEA-2,1,8.87",
        "503,503,2024-05-01 11:58:00,on-hold,5.9,4.98,0,30.9,EUR,Cy,Buyer,cy@cafe.example,,Testgatan 3,00100,"
        "Helsinki,FI,,,,,,,,,4,Tea,TEA-2,1,8.87",
    ],
]  # fmt: skip


@pytest.mark.parametrize("plugin", [0, 1])
def test_the_exports_of_two_woocommerce_plugins_say_the_same(shop: Database, plugin: int, now: datetime) -> None:
    content = "\n".join([WOO[plugin], *WOO_ROWS[plugin]]).encode() + b"\n"
    first = run(shop, content, now, preset="woocommerce")
    assert (first.created, first.lines, first.settled, first.errors) == (2, 3, {"fulfilled": 1}, [])
    assert rows(shop, tables.order, "source", "number", "payment") == [
        ("woocommerce", "501", "ok"), ("woocommerce", "503", "pending"),
    ]  # fmt: skip
    assert rows(shop, tables.order_line, "number", "quantity", "unit_price")[:2] == [
        ("OAT-1", 2, 806 + plugin), ("TEA-2", 1, 887),
    ]  # fmt: skip
    assert [address for (address,) in rows(shop, tables.site, "address")] == ["Testgatan 1", "Testgatan 3"]
    again = run(shop, content, now, preset="woocommerce")
    assert (again.created, again.changed, again.unchanged, again.settled) == (0, 0, 2, {"fulfilled": 1})


@pytest.mark.parametrize("also", ["", "Quantity,"])
def test_what_is_left_of_a_line_after_refunds_is_its_quantity(shop: Database, also: str, now: datetime) -> None:
    """Five were ordered and two of them refunded, which the plugin has taken off already."""
    head = WOO[0].replace("Quantity", f"{also}Quantity (- Refund)")
    row = WOO_ROWS[0][2].replace("502,Completed", "502,Processing").removesuffix("1,8.87")
    result = run(shop, f"{head}\n{row}{'5,' if also else ''}3,8.87\n".encode(), now, preset="woocommerce")
    assert result.errors == []
    assert rows(shop, tables.order_line, "quantity", "unit_price") == [(3, 887)]


def test_a_fault_names_the_row_of_the_sheet_whatever_lines_its_texts_have(on_sqlite: Database, now: datetime) -> None:
    """Each note has two lines of text: the third order is in row 4, in a CSV as in an XLSX of the same rows."""
    orders = [order(n, item(quantity="many" if n == 3 else 2)) for n in (1, 2, 3)]
    content = as_export(orders)
    sheet = openpyxl.Workbook()
    assert sheet.active is not None
    for cells in csv.reader(io.StringIO(content.decode())):
        sheet.active.append(cells)
    out = io.BytesIO()
    sheet.save(out)
    for each in (content, out.getvalue()):
        assert [error.row for error in run(on_sqlite, each, now, dry_run=True).errors] == [4]


@pytest.mark.parametrize(("refunded", "left"), [("", 4), ("2", 2), ("-3", 1)])
def test_a_price_is_that_of_a_piece_whatever_was_refunded_of_the_line(
    shop: Database, refunded: str, left: int, now: datetime
) -> None:
    """Four for 40.00, and no column names the price of one: it costs 10.00, also once two are refunded."""
    head, row = f"{WOO[1]},item_refunded_qty", WOO_ROWS[1][0].removesuffix("2,16.13")
    run(shop, f"{head}\n{row}4,40.00,{refunded}\n".encode(), now, preset="woocommerce")
    assert rows(shop, tables.order_line, "quantity", "unit_price") == [(left, 1000)]


def test_what_came_from_a_shop_and_went_out_as_a_file_of_ours_comes_in_as_the_same_orders(
    on_sqlite: Database, now: datetime
) -> None:
    long = order(1002, item("OAT-2", 3), item(), Notes="=" + "n" * 9_000, Note_Attributes="a" * 9_000)
    run(on_sqlite, [order(1001, item()), long], now)
    before = rows(on_sqlite, tables.order, "source", "number")
    for format in ("csv", "xlsx"):
        out = io.BytesIO()
        with on_sqlite.reading() as connection:
            export(connection, "orders", out, format=format)
        with open_store(on_sqlite) as store:
            again = import_orders(store, io.BytesIO(out.getvalue()), now=now, by="test")
        assert (again.created, again.changed, again.unchanged, again.errors) == (0, 0, 2, [])
    assert rows(on_sqlite, tables.order, "source", "number") == before


def test_a_note_that_would_not_come_in_again_leaves_out_its_order(on_sqlite: Database, now: datetime) -> None:
    result = run(on_sqlite, [order(1001, Notes="n" * 19_000, Note_Attributes="a" * 19_000), order(1002)], now)
    assert result.created == 1
    assert "has 38002 characters with its attributes, at most 19000 are kept" in result.errors[0].what
