"""Files come in: whole or not at all, and the same file twice is no news."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import openpyxl
import pytest
from sqlalchemy import insert, select, update

from data import tables
from data.db import Database
from data.exporters.kinds import export
from data.importers import customers, receipts
from data.importers.kinds import KINDS
from data.importers.table import Reading
from data.queries.open_lines import open_lines
from data.queries.order_page import order_page
from data.store import SqlStore, open_store
from routing.errors import FileRefused
from routing.model.days import day_words
from routing.model.imports import ImportResult
from routing.model.plans import Break, ShiftOffer, Window
from routing.model.stock import Receipt
from routing.model.tasks import TaskKind
from routing.rules.calendars import clock_minutes
from routing.rules.driver_hours import rule_of, under
from routing.services.promising import promised_lines
from routing.services.receiving import commit_receipt
from routing.services.releasing import release_orders, unrelease

Dump = Callable[..., dict[str, list[tuple[Any, ...]]]]

OWN_TESTS = ("counts", "released", "substitutes")
"""A count needs stock, what an ERP released an ERP that allocates, a substitute two products."""

MODULES: dict[str, Any] = {name: (kind.work, kind.columns) for name, kind in KINDS.items() if name not in OWN_TESTS}

SELDOM = frozenset({
    "barcode", "returnable", "late_minutes", "late_price_per_minute", "known_to", "stranger_price", "min_value",
    "source", "stops_a_day", "overtime_minutes", "cost_per_overtime_hour", "reload_minutes", "most_trips", "gross_kg",
    "licence", "driving_hours", "out_from", "out_to", "out_why", "cost_per_stop",
    "max_km", "start_place", "end_place", "vehicles", "run", "motor_hours",
    "rest_after", "second_break_minutes", "second_break_from", "second_break_to",
})  # fmt: skip
"""Columns that a file of these tests has only where its first row says something of them."""

PRODUCT = {"sku": "OAT-1", "name": "Oat drink", "case_pack": "12", "weight_g": "1030", "price": "1.95"}
CUSTOMER = {
    "customer": "C-1", "customer_name": "Café 12 at the corner", "tier": "2", "site": "S-1", "site_name": "Café 12",
    "address": "Testgatan 1", "delivery_days": "mon,tue,thu", "windows": "06:00-11:00;13:00-15:00",
    "contact_name": "Buyer 1", "contact_role": "buyer", "contact_channel": "email",
    "contact_address": "buyer@cafe.example", "contact_consent": "yes",
}  # fmt: skip
ORDER = {
    "order": "SO-17", "customer": "C-1", "site": "S-1", "depot": "NORTH", "ordered_at": "2026-05-08T10:00",
    "line": "1", "sku": "OAT-1", "quantity": "24", "unit_price": "1.95", "currency": "EUR",
}  # fmt: skip
INBOUND = {
    "number": "PO-1", "supplier": "SUP-1", "depot": "NORTH", "sku": "OAT-1", "quantity": "96",
    "expected_at": "2026-05-12T05:30",
}  # fmt: skip
SUPPLIER = {"supplier": "SUP-9", "name": "Mill 9", "email": "sales@mill.example", "lead_days": "14"}
SITE = {
    "customer": "C-1", "site": "S-2", "site_name": "Back door", "address": "Testgatan 2", "windows": "06:00-11:00",
    "service_minutes": "12",
}  # fmt: skip
SOURCE = {"supplier": "SUP-9", "sku": "OAT-1", "name": "Mill 9", "lead_days": "9"}
FLEET: list[dict[str, str]] = [
    {"kind": "shift", "number": "W-1", "depot": "NORTH", "vehicle": "V-1", "driver": "DR-1", "from": "06:00",
     "to": "14:00", "break_minutes": "30", "break_from": "09:00", "break_to": "11:00", "cost_per_hour": "32.50"},
    {"kind": "depot", "number": "NORTH", "name": "Depot North", "zone": "Europe/Helsinki"},
    {"kind": "zone", "number": "Z-1", "name": "Centre", "depot": "NORTH", "zone": "00100;00120", "cut_off": "16:00"},
    {"kind": "vehicle", "number": "V-1", "name": "Van 1", "depot": "NORTH", "weight_g": "900000"},
    {"kind": "driver", "number": "DR-1", "name": "Driver 1", "depot": "NORTH"},
]  # fmt: skip
GOOD: dict[str, list[dict[str, str]]] = {
    "products": [PRODUCT], "customers": [CUSTOMER], "orders": [ORDER], "inbound": [INBOUND], "fleet": FLEET,
    "suppliers": [SUPPLIER], "sites": [SITE], "sources": [SOURCE],
}  # fmt: skip


def as_file(columns: Sequence[str], rows: Sequence[dict[str, str]], *, delimiter: str = ",") -> io.BytesIO:
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',;"\n') else text

    lines = [delimiter.join(columns)]
    lines += [delimiter.join(cell(row.get(name, "")) for name in columns) for row in rows]
    return io.BytesIO("\n".join(lines).encode() + b"\n")


def run(
    database: Database, kind: str, rows: Sequence[dict[str, str]] | bytes, now: datetime, **options: Any
) -> ImportResult:
    work, columns = MODULES[kind]
    if not isinstance(rows, bytes):
        columns = tuple(name for name in columns if name not in SELDOM or name in rows[0])
    file = io.BytesIO(rows) if isinstance(rows, bytes) else as_file(columns, rows)
    with open_store(database) as store:
        result: ImportResult = work(store, file, now=now, by="test", **options)
    return result


def read_receipts(database: Database, content: bytes, now: datetime) -> tuple[list[Receipt], ImportResult]:
    with open_store(database) as store:
        return receipts.read_receipts(store, io.BytesIO(content), now=now)


@pytest.fixture
def set_up(database: Database, now: datetime) -> Database:
    """The fleet, a product and a customer, each by its file; on both databases."""
    return filled(database, now)


@pytest.fixture
def on_sqlite(sqlite_url: str, now: datetime) -> Iterator[Database]:
    """The same on SQLite alone, for what is decided before the database is asked."""
    database = Database(sqlite_url)
    yield filled(database, now)
    database.close()


def filled(database: Database, now: datetime) -> Database:
    with open_store(database) as store:
        store.set_company(name="Example Wholesale", currency="EUR", zone="Europe/Helsinki")
    for kind in ("fleet", "products", "customers"):
        assert run(database, kind, GOOD[kind], now).errors == []
    return database


@pytest.mark.parametrize("kind", MODULES)
def test_the_same_file_again_changes_nothing_and_is_no_error(
    set_up: Database, kind: str, now: datetime, read_dump: Dump
) -> None:
    run(set_up, kind, GOOD[kind], now)
    before = read_dump(set_up)
    again = run(set_up, kind, GOOD[kind], now + timedelta(hours=1))
    assert (again.created, again.changed, again.errors) == (0, 0, [])
    assert again.unchanged == len(GOOD[kind])
    assert read_dump(set_up) == before


@pytest.mark.parametrize("kind", MODULES)
def test_a_dry_run_counts_and_changes_nothing(on_sqlite: Database, kind: str, now: datetime, read_dump: Dump) -> None:
    key = {
        "products": "sku",
        "customers": "site",
        "orders": "order",
        "sites": "site",
        "suppliers": "supplier",
        "sources": "supplier",
    }.get(kind, "number")
    rows = [row | {key: f"NEW{n}"} for n, row in enumerate(GOOD[kind])]
    if kind == "fleet":
        rows = FLEET[3:]
        rows = [row | {"number": f"NEW{n}"} for n, row in enumerate(rows)]
    if kind == "customers":
        rows[0] |= {"customer": "C-9"}
    before = read_dump(on_sqlite)
    assert run(on_sqlite, kind, rows, now, dry_run=True).created == len(rows)
    assert read_dump(on_sqlite) == before
    assert run(on_sqlite, kind, rows, now).created == len(rows)


@pytest.mark.parametrize("kind", [*MODULES, "receipts"])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (lambda header: header, "no rows"),
        (lambda header: header + b"\n\n  \n", "no rows"),
        (lambda header: header + b"\n\xff\xfe,1\n", "not UTF-8"),
        (lambda header: header.decode().encode("utf-16"), "UTF-8"),
        (lambda header: header + b"\nx\n" * 3000 + b"\xe4\n", "not UTF-8"),
        (lambda header: header.partition(b",")[2] + b"\nx\n", "lacks the column"),
        (lambda header: header + b",surprise\nx\n", "surprise that we do not know"),
        (lambda header: header + b"," + header.partition(b",")[0] + b"\nx\n", "twice"),
        (lambda header: header + b'\n"never closed,1\n', "quotation mark"),
        (lambda header: header + b"\n" + b"x" * 30_000 + b"\n", "characters in column"),
        (lambda header: header + b'\n"' + b"x" * 300_000 + b'"\n', "cannot be read"),
        (b"PK\x03\x04" + bytes(range(128, 250)), "UTF-8"),
    ],
)
def test_a_fault_of_the_file_changes_nothing(
    sqlite_url: str, kind: str, fault: bytes | Callable[[bytes], bytes], said: str, now: datetime, read_dump: Dump
) -> None:
    database = Database(sqlite_url)
    columns = receipts.COLUMNS if kind == "receipts" else MODULES[kind][1]
    content = fault if isinstance(fault, bytes) else fault(",".join(columns).encode())
    before = read_dump(database)
    with pytest.raises(FileRefused, match=said):
        read_receipts(database, content, now) if kind == "receipts" else run(database, kind, content, now)
    assert read_dump(database) == before
    database.close()


@pytest.mark.parametrize("kind", MODULES)
def test_semicolons_and_a_byte_order_mark_are_read(on_sqlite: Database, kind: str, now: datetime) -> None:
    run(on_sqlite, kind, GOOD[kind], now)
    file = as_file(MODULES[kind][1], GOOD[kind], delimiter=";").getvalue()
    result = run(on_sqlite, kind, b"\xef\xbb\xbf" + file.replace(b"\n", b"\r\n"), now)
    assert (result.created, result.changed, result.errors) == (0, 0, [])


@pytest.mark.parametrize(
    ("kind", "column", "cell", "said"),
    [
        ("products", "sku", "", "must be filled"),
        ("products", "case_pack", "0", "out of range"),
        ("products", "case_pack", "1,5", "whole number"),
        ("products", "weight_g", "-1", "out of range"),
        ("products", "weight_g", str(2**63), "out of range"),
        ("products", "weight_g", "9" * 5000, "out of range"),
        ("products", "price", "1,95", "a comma"),
        ("products", "price", "1e9", "no number"),
        ("products", "price", "NaN", "no number"),
        ("products", "price", "1.999", "more decimals"),
        ("products", "currency", "euro", "no currency"),
        ("products", "name", "null\0character", "control character"),
        ("customers", "delivery_days", "monday", "no weekday"),
        ("customers", "windows", "11:00-06:00", "closes before it opens"),
        ("customers", "windows", "all day", "no window"),
        ("customers", "window_kind", "sometime", "not one of"),
        ("customers", "rank_rule", "first", "not one of"),
        ("customers", "tier", "gold", "whole number"),
        ("customers", "contact_address", "nobody", "no phone number|no e-mail"),
        ("customers", "contact_consent", "maybe", "not one of"),
        ("customers", "address", "", "must be filled"),
        ("orders", "sku", "NOPE", "import the products first"),
        ("orders", "customer", "NOPE", "import the customers first"),
        ("orders", "site", "NOPE", "import the customers with their sites first"),
        ("orders", "depot", "NOPE", "import the fleet first"),
        ("orders", "quantity", "0", "out of range"),
        ("orders", "quantity", "-3", "out of range"),
        ("orders", "quantity", "2.5", "whole number"),
        ("orders", "quantity", "1 000", "whole number"),
        ("orders", "quantity", "٣", "whole number"),
        ("orders", "quantity", "", "must be a whole number"),
        ("orders", "ordered_at", "yesterday", "no time"),
        ("orders", "ordered_at", "0001-01-01", "0001-01-01 lies outside the years 1990 to 2100: correct the year"),
        ("orders", "wanted_on", "2206-05-12", "2206-05-12 lies outside the years"),
        ("orders", "ordered_at", "", "is empty"),
        ("orders", "ordered_at", "2026-05-14", "more than a day ahead"),
        ("orders", "wanted_on", "12.5.2026", "no day"),
        ("orders", "not_after", "1999-01-01", "before the order is wanted"),
        ("orders", "completeness", "all", "not one of"),
        ("orders", "min_percent", "101", "out of range"),
        ("orders", "unit_price", "1,95", "a comma"),
        ("orders", "promised_on", "2026-02-30", "no day"),
        ("inbound", "quantity", "many", "whole number"),
        ("inbound", "expected_at", "soon", "no time"),
        ("inbound", "expected_at", "2099-05-14", "years away"),
        ("inbound", "sku", "NOPE", "import the products first"),
        ("inbound", "depot", "NOPE", "import the fleet first"),
        ("fleet", "kind", "boat", "not one of"),
        ("suppliers", "supplier", "", "must be filled"),
        ("suppliers", "email", "nobody", "no e-mail"),
        ("suppliers", "lead_days", "soon", "whole number"),
        ("sites", "customer", "NOPE", "import the customers first"),
        ("sites", "address", "", "must be filled"),
        ("sites", "windows", "all day", "no window"),
        ("orders", "min_value", "1,50", "a comma"),
        ("fleet", "zone", "Mars/North", "no time zone"),
        ("fleet", "lat", "91", "out of range"),
    ],
)
def test_a_faulty_row_is_left_out_with_its_row_and_the_mend(
    on_sqlite: Database, kind: str, column: str, cell: str, said: str, now: datetime, read_dump: Dump
) -> None:
    row = (FLEET[1] if kind == "fleet" else GOOD[kind][0]) | {column: cell}
    if kind == "orders" and column == "not_after":
        row |= {"wanted_on": "2026-05-13"}
    if kind == "customers":
        row |= {"contact_channel": ""} if column == "contact_address" else {}
    before = read_dump(on_sqlite)
    result = run(on_sqlite, kind, [row], now)
    assert (result.created, result.changed, result.unchanged) == (0, 0, 0)
    assert len(result.errors) == 1
    assert result.errors[0].row == 2
    assert re.search(said, result.errors[0].what)
    assert read_dump(on_sqlite) == before


def test_a_faulty_line_leaves_out_its_whole_order_and_no_other(set_up: Database, now: datetime) -> None:
    result = run(
        set_up,
        "orders",
        [
            ORDER,
            ORDER | {"line": "2", "quantity": "nine"},
            ORDER | {"order": "SO-18"},
            ORDER | {"order": "SO-19"},
            ORDER | {"order": "SO-20"},
            ORDER | {"order": "SO-19", "line": "2"},
            ORDER | {"order": "SO-21"},
            ORDER | {"order": "SO-21", "line": "2", "note": "but this differs"},
        ],
        now,
    )
    assert [error.row for error in result.errors] == [3, 5, 7, 9]
    assert result.created == 2
    with open_store(set_up) as store:
        assert sorted(store.orders(["SO-17", "SO-18", "SO-19", "SO-20", "SO-21"])) == ["SO-18", "SO-20"]


def test_a_row_that_names_no_order_leaves_out_the_order_above_it(on_sqlite: Database, now: datetime) -> None:
    result = run(
        on_sqlite,
        "orders",
        [
            ORDER | {"order": "SO-17"},
            ORDER | {"order": "SO-18"},
            ORDER | {"order": "", "line": "2"},
            ORDER | {"order": "SO-18", "line": "3"},
            ORDER | {"order": "SO-19"},
        ],
        now,
    )
    ((row, what),) = [(error.row, error.what) for error in result.errors]
    assert (row, result.created) == (4, 2)
    assert what.startswith("Order SO-18 was left out: the row below it names no order, and may be a line of it. Write")
    with open_store(on_sqlite) as store:
        assert sorted(store.orders(["SO-17", "SO-18", "SO-19"])) == ["SO-17", "SO-19"]


def test_merged_cells_of_a_sheet_leave_out_their_order_instead_of_its_second_line(
    on_sqlite: Database, now: datetime
) -> None:
    made = openpyxl.Workbook()
    columns = MODULES["orders"][1]
    made.active.append(list(columns))
    for line in (ORDER, ORDER | {"line": "2"}):
        made.active.append([line.get(name, "") for name in columns])
    made.active.merge_cells("A2:A3")
    file = io.BytesIO()
    made.save(file)
    result = run(on_sqlite, "orders", file.getvalue(), now)
    assert [(error.row, error.what[:24]) for error in result.errors] == [(3, "Order SO-17 was left out")]
    assert result.created == 0


def test_hostile_text_is_kept_as_text(set_up: Database, now: datetime) -> None:
    note = "=cmd|' /C calc'!A0 <script>alert(1)</script>'; DROP TABLE customer_order; --\nsecond line, \"quoted\""
    run(set_up, "orders", [ORDER | {"note": note, "customer_reference": "PO %s {x} \\"}], now)
    with open_store(set_up) as store:
        found = store.orders(["SO-17"])["SO-17"]
    assert (found["note"], found["customer_reference"]) == (note, "PO %s {x} \\")


def test_every_line_gets_its_first_promise_and_nobody_is_written_to(set_up: Database, now: datetime) -> None:
    run(set_up, "inbound", [INBOUND | {"quantity": "24"}], now)
    told = ORDER | {"order": "SO-16", "promised_on": "2026-05-20", "ordered_at": "2026-05-09T10:00", "quantity": "1"}
    run(set_up, "orders", [ORDER, told, ORDER | {"order": "SO-18", "ordered_at": "2026-05-10T10:00"}], now)
    with open_store(set_up) as store:
        rows = store.connection.execute(
            select(tables.order.c.number, tables.promise.c.promised_on, tables.promise.c.why)
            .join(tables.order_line, tables.order_line.c.order_id == tables.order.c.id)
            .join(tables.promise, tables.promise.c.order_line_id == tables.order_line.c.id)
            .order_by(tables.order.c.number)
        ).all()
        assert [tuple(row) for row in rows] == [
            ("SO-16", "2026-05-20", "told before import"),
            ("SO-17", "2026-05-12", "first date"),
        ]  # SO-18 finds no supply: there is no date to tell
        assert store.connection.execute(select(tables.notice)).all() == []


def test_a_change_is_taken_over_while_nothing_is_on_its_way(set_up: Database, now: datetime) -> None:
    two = ORDER | {"line": "2", "quantity": "6"}
    run(set_up, "orders", [ORDER, two], now)
    result = run(set_up, "orders", [ORDER | {"quantity": "30"}, ORDER | {"line": "3", "quantity": "1"}], now)
    assert (result.changed, result.errors) == (1, [])
    with open_store(set_up) as store:
        lines = store.orders(["SO-17"])["SO-17"]["lines"]
        changed = store.connection.execute(
            select(tables.event.c.data).where(tables.event.c.kind == "order_changed")
        ).scalar_one()
    assert [(line["number"], line["quantity"], line["cancelled"]) for line in lines] == [
        ("1", 30, 0), ("2", 6, 6), ("3", 1, 0),
    ]  # fmt: skip
    assert changed["differences"] == [
        ["line 1", "24", "30"], ["line 2", "6", "cancelled"], ["line 3", "", "1 × OAT-1"],
    ]  # fmt: skip


def test_a_day_that_the_customer_moved_is_no_slip_of_ours_and_its_goods_go_to_whoever_waits(
    set_up: Database, now: datetime
) -> None:
    later = INBOUND | {"number": "PO-18", "expected_at": "2026-06-01"}
    run(set_up, "inbound", [INBOUND | {"quantity": "24"}, later | {"quantity": "24"}], now)
    behind = ORDER | {"order": "SO-18", "ordered_at": "2026-05-10T10:00"}
    run(set_up, "orders", [ORDER, behind], now)
    run(set_up, "orders", [ORDER | {"wanted_on": "2026-06-09"}, behind], now)
    with open_store(set_up) as store:
        rows = store.connection.execute(
            select(tables.order.c.number, tables.promise.c.promised_on, tables.promise.c.why)
            .join(tables.order_line, tables.order_line.c.order_id == tables.order.c.id)
            .join(tables.promise, tables.promise.c.order_line_id == tables.order_line.c.id)
            .order_by(tables.order.c.number, tables.promise.c.version)
        ).all()
        assert [tuple(row) for row in rows] == [
            ("SO-17", "2026-05-12", "first date"),
            ("SO-17", "2026-06-09", "at the customer's wish"),
            ("SO-18", "2026-06-01", "first date"),
        ]
        assert store.connection.execute(select(tables.notice)).all() == []
        held = store.connection.execute(
            select(tables.order.c.number, tables.allocation.c.quantity)
            .join(tables.order_line, tables.order_line.c.order_id == tables.order.c.id)
            .join(tables.allocation, tables.allocation.c.order_line_id == tables.order_line.c.id)
            .where(tables.allocation.c.quantity > 0)
        ).all()
        assert [tuple(row) for row in held] == [("SO-18", 24)]


def test_a_day_that_the_customer_moved_and_nothing_covers_is_kept_as_their_wish_and_is_no_lost_date(
    set_up: Database, now: datetime
) -> None:
    run(set_up, "inbound", [INBOUND | {"quantity": "24"}], now)
    behind = ORDER | {"order": "SO-18", "ordered_at": "2026-05-10T10:00"}
    run(set_up, "orders", [ORDER, behind], now)
    run(set_up, "orders", [ORDER | {"wanted_on": "2026-06-07"}, behind], now)  # a Sunday
    with open_store(set_up) as store:
        rows = store.connection.execute(
            select(tables.order.c.number, tables.promise.c.promised_on, tables.promise.c.why)
            .join(tables.order_line, tables.order_line.c.order_id == tables.order.c.id)
            .join(tables.promise, tables.promise.c.order_line_id == tables.order_line.c.id)
            .order_by(tables.order.c.number, tables.promise.c.version)
        ).all()
        assert [tuple(row) for row in rows] == [
            ("SO-17", "2026-05-12", "first date"),
            ("SO-17", "2026-06-08", "at the customer's wish"),
            ("SO-18", "2026-05-12", "first date"),
        ]
        for table in (tables.notice, tables.task):
            assert store.connection.execute(select(table)).all() == []
        kinds = store.connection.scalars(select(tables.event.c.kind)).all()
        assert "promise_lost" not in kinds
        line = next(one for one in promised_lines(store, depot_id=1, now=now) if one.order == "SO-17")
        assert (line.expected_on, line.promised_on, line.not_before) == ("", "2026-06-08", "2026-06-07")
        (row,) = [one for one in open_lines(store.connection) if one.order == "SO-17"]
        assert (row.expected_on, row.promised_on, row.wanted_on) == ("", "2026-06-08", "2026-06-07")
        page = order_page(store.connection, store.order_ids(["SO-17"])["SO-17"], now=now)
        assert (page.row.wanted_on, page.row.days_late, page.lines[0].promised_days) == (
            "2026-06-07", 0, ("2026-05-12", "2026-06-08"),
        )  # fmt: skip
    # A truck that comes after the wish is a slip of ours, from the wish on.
    run(set_up, "inbound", [INBOUND | {"number": "PO-18", "expected_at": "2026-06-10", "quantity": "24"}], now)
    with open_store(set_up) as store:
        made = store.connection.execute(select(tables.promise).order_by(tables.promise.c.id.desc()).limit(1)).one()
        assert (made.version, made.promised_on, made.why) == (3, "2026-06-11", "a supplier's date or quantity changed")


def test_goods_that_were_counted_on_a_day_to_come_are_left_out_by_name(set_up: Database, now: datetime) -> None:
    rows = [
        {"number": f"R-{day}", "depot": "NORTH", "sku": "OAT-1", "quantity": "24", "counted_at": day}
        for day in ("2026-05-13", "2099-05-12")
    ]
    with open_store(set_up) as store:
        found, result = receipts.read_receipts(store, as_file(receipts.COLUMNS, rows), now=now)
    assert [receipt.number for receipt in found] == ["R-2026-05-13"]
    assert [(error.row, "R-2099-05-12" in error.what) for error in result.errors] == [(3, True)]
    assert "2099-05-12 lies more than a day ahead: write when it was" in result.errors[0].what


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("1999-05-12", "column counted_at: 1999-05-12 lies years back: correct the year, or leave it empty"),
        ("2024-05-10", "lies years back"),
        ("9999-05-12", "9999-05-12 lies outside the years 1990 to 2100: correct the year"),
    ],
)
def test_goods_that_were_counted_years_ago_or_in_no_year_are_left_out_by_name(
    set_up: Database, now: datetime, day: str, said: str
) -> None:
    rows = [
        {"number": f"R-{each}", "depot": "NORTH", "sku": "OAT-1", "quantity": "24", "counted_at": each}
        for each in ("2024-05-13", day)
    ]
    with open_store(set_up) as store:
        found, result = receipts.read_receipts(store, as_file(receipts.COLUMNS, rows), now=now)
    assert [receipt.number for receipt in found] == ["R-2024-05-13"]
    assert [(error.row, said in error.what) for error in result.errors] == [(3, True)], result.errors


def test_a_change_after_release_becomes_one_task_and_overwrites_nothing(
    set_up: Database, now: datetime, read_dump: Dump
) -> None:
    run(set_up, "orders", [ORDER], now)
    with open_store(set_up) as store:
        file = as_file(
            receipts.COLUMNS,
            [{"number": "R-1", "depot": "NORTH", "sku": "OAT-1", "quantity": "24", "counted_at": "2026-05-12T05:30"}],
        )
        found, _ = receipts.read_receipts(store, file, now=now)
        commit_receipt(store, found[0], now=now, by="test")
        depot = store.depots()[0].id
        released = release_orders(store, depot_id=depot, for_day="2026-05-12", now=now, by="test")
        assert len(released.deliveries) == 1
    changed = [ORDER | {"quantity": "36"}]
    assert run(set_up, "orders", changed, now).tasks == 1
    before = read_dump(set_up)
    again = run(set_up, "orders", changed, now + timedelta(hours=1))
    assert (again.tasks, again.unchanged) == (0, 1)
    assert read_dump(set_up) == before
    with open_store(set_up) as store:
        assert store.orders(["SO-17"])["SO-17"]["lines"][0]["quantity"] == 24
        unrelease(store, released.deliveries[0][0], now=now, by="test", why="the order changed")
    # Once the release is taken back, the file is taken over.
    assert run(set_up, "orders", changed, now).changed == 1
    assert asked_about_changes(set_up) == [(True, "taken over from the file")]


def asked_about_changes(database: Database) -> list[tuple[bool, str]]:
    """Whether each task about a changed order is done, and its outcome."""
    query = select(tables.task.c.done_at, tables.task.c.outcome).where(
        tables.task.c.kind == TaskKind.ORDER_CHANGED_AFTER_RELEASE.value
    )
    with database.reading() as connection:
        return [(row.done_at is not None, row.outcome) for row in connection.execute(query.order_by(tables.task.c.id))]


def test_a_change_after_release_that_the_file_takes_back_asks_nobody_any_more(set_up: Database, now: datetime) -> None:
    run(set_up, "orders", [ORDER | {"note": "by the gate"}], now)
    with open_store(set_up) as store:
        file = as_file(receipts.COLUMNS, [{"number": "R-1", "depot": "NORTH", "sku": "OAT-1", "quantity": "24"}])
        found, _ = receipts.read_receipts(store, file, now=now)
        commit_receipt(store, found[0], now=now, by="test")
        depot = store.depots()[0].id
        assert len(release_orders(store, depot_id=depot, for_day="2026-05-12", now=now, by="test").deliveries) == 1
    otherwise = [ORDER | {"note": "by the door"}]
    assert run(set_up, "orders", otherwise, now).tasks == 1
    # A file that has no such column says nothing of it.
    silent = {name: cell for name, cell in ORDER.items() if name != "note"}
    lines = [",".join(silent), ",".join(silent.values())]
    assert run(set_up, "orders", "\n".join(lines).encode(), now).unchanged == 1
    assert asked_about_changes(set_up) == [(False, "")]
    assert run(set_up, "orders", [ORDER | {"note": "by the gate"}], now).unchanged == 1
    assert asked_about_changes(set_up) == [(True, "the file took the change back")]
    # And when it comes again it is asked again.
    assert run(set_up, "orders", otherwise, now + timedelta(hours=1)).tasks == 1
    assert asked_about_changes(set_up)[1:] == [(False, "")]


def test_a_withdrawn_consent_is_not_given_back_and_a_moved_site_is_located_again(
    set_up: Database, now: datetime
) -> None:
    with open_store(set_up) as store:
        store.connection.execute(update(tables.contact).values(consent=False, consent_source="STOP"))
        store.connection.execute(update(tables.site).values(lat=60.1, lon=24.9, pin_quality="exact"))
    assert run(set_up, "customers", [CUSTOMER], now).unchanged == 1
    assert run(set_up, "customers", [CUSTOMER | {"address": "Testgatan 2"}], now).changed == 1
    with open_store(set_up) as store:
        assert store.connection.execute(select(tables.contact.c.consent)).scalar_one() is False
        pin = store.connection.execute(select(tables.site.c.lat, tables.site.c.pin_quality)).one()
        assert tuple(pin) == (None, "not_found")


def test_a_suppliers_slip_tells_exactly_whom_it_concerns(set_up: Database, now: datetime) -> None:
    run(set_up, "inbound", [INBOUND, INBOUND | {"number": "PO-2", "expected_at": "2026-05-13T05:30"}], now)
    early = ORDER | {"order": "SO-1", "quantity": "96", "ordered_at": "2026-05-04T10:00"}
    run(set_up, "orders", [early, ORDER | {"quantity": "12"}], now)
    result = run(set_up, "inbound", [INBOUND | {"expected_at": "2026-05-21T05:30"}], now)
    assert result.changed == 1
    with open_store(set_up) as store:
        told = store.connection.execute(select(tables.notice.c.kind, tables.notice.c.data)).all()
    # PO-2 now serves SO-1 in time for Thursday; SO-17 behind it slips to the 21st. Both had another date.
    assert sorted((row.kind, row.data["references"], row.data["day"]) for row in told) == [
        ("date_changed", ["SO-1"], "2026-05-14"), ("date_changed", ["SO-17"], "2026-05-21"),
    ]  # fmt: skip


def test_another_supplier_alone_gives_nothing_out_anew(set_up: Database, now: datetime) -> None:
    run(set_up, "inbound", [INBOUND], now)
    run(set_up, "orders", [ORDER | {"quantity": "12"}], now)
    with open_store(set_up) as store:
        store.connection.execute(update(tables.order_line).values(expected_on="2026-06-01"))
    result = run(set_up, "inbound", [INBOUND | {"supplier": "Another"}], now)
    assert (result.changed, result.unchanged) == (1, 0)
    with open_store(set_up) as store:
        assert store.connection.scalars(select(tables.order_line.c.expected_on)).all() == ["2026-06-01"]
        assert store.inbounds(["PO-1"]).popitem()[1]["supplier"] == "Another"
    run(set_up, "inbound", [INBOUND | {"supplier": "Another", "quantity": "95"}], now)
    with open_store(set_up) as store:
        assert store.connection.scalars(select(tables.order_line.c.expected_on)).all() != ["2026-06-01"]


def test_the_standing_week_becomes_shifts_on_working_days(set_up: Database, now: datetime) -> None:
    with open_store(set_up) as store:
        store.connection.execute(tables.shift_break.delete())
        store.connection.execute(tables.shift.delete())
        calendar = store.connection.execute(
            insert(tables.calendar).values(scope="company", scope_id=0).returning(tables.calendar.c.id)
        ).scalar_one()
        store.connection.execute(
            insert(tables.calendar_day).values(calendar_id=calendar, day="2026-05-14", open=False, why="Ascension")
        )
        assert store.ensure_shifts("2026-05-11", "2026-05-17") == 4
        assert store.ensure_shifts("2026-05-11", "2026-05-17") == 0
        days = store.connection.scalars(select(tables.shift.c.day).order_by(tables.shift.c.day)).all()
        breaks = store.connection.scalars(select(tables.shift_break.c.duration_s)).all()
        cost = store.connection.scalars(select(tables.shift.c.cost_per_hour)).first()
    assert days == ["2026-05-11", "2026-05-12", "2026-05-13", "2026-05-15"]
    assert (breaks, cost) == ([1800] * 4, 3250)


def test_a_large_file_is_read_in_flat_memory_and_reasonable_time(sqlite_url: str, now: datetime) -> None:
    database = Database(sqlite_url)
    with open_store(database) as store:
        store.set_company(name="Example Wholesale", currency="EUR", zone="Europe/Helsinki")
    for kind in ("fleet", "products", "customers"):
        run(database, kind, GOOD[kind], now)
    rows = [ORDER | {"order": f"SO-{n}", "line": str(line)} for n in range(400) for line in range(3)]
    result = run(database, "orders", rows, now)
    assert (result.created, result.lines) == (400, 1200)
    with database.reading() as connection:
        assert len(SqlStore(connection).orders([f"SO-{n}" for n in range(400)])) == 400
    database.close()


def test_a_phone_is_one_recipient_however_it_is_written(set_up: Database, now: datetime) -> None:
    header = ",".join(customers.COLUMNS)
    row = dict.fromkeys(customers.COLUMNS, "") | {
        "customer": "C9", "customer_name": "Customer 9", "site": "C9-1", "site_name": "Site 9", "address": "Street 1",
        "contact_channel": "sms", "contact_role": "goods_in", "contact_name": "Goods-in 9", "contact_consent": "yes",
    }  # fmt: skip
    for written in ("+358 99 555 0100", "+358-99-5550100", "+358995550100"):
        line = ",".join((row | {"contact_address": written}).values())
        with open_store(set_up) as store:
            result = customers.import_customers(store, io.BytesIO(f"{header}\n{line}\n".encode()), now=now, by="test")
        assert result.errors == []
    with open_store(set_up) as store:
        numbers = store.connection.scalars(
            select(tables.contact.c.address).where(tables.contact.c.name == "Goods-in 9")
        ).all()
    assert numbers == ["+358995550100"]
    line = ",".join((row | {"contact_address": "+1 23"}).values())
    with open_store(set_up) as store:
        wrong = customers.import_customers(store, io.BytesIO(f"{header}\n{line}\n".encode()), now=now, by="test")
    assert "no phone number" in wrong.errors[0].what


def test_a_site_of_another_customer_is_not_taken_from_it(on_sqlite: Database, now: datetime) -> None:
    run(on_sqlite, "customers", [CUSTOMER | {"customer": "C-2", "site": "S-9"}], now)
    result = run(on_sqlite, "sites", [SITE | {"site": "S-9"}, SITE, SITE], now)
    assert (result.created, [error.row for error in result.errors]) == (1, [2, 4])
    assert "belongs to customer C-2" in result.errors[0].what


def test_a_mapped_file_leaves_alone_what_it_has_no_column_for(on_sqlite: Database, now: datetime) -> None:
    reading = Reading(mapping={"who": "customer", "door": "site", "called": "site_name", "street": "address"})
    file = b"who,door,called,street,noise\nC-1,S-1,Caf\xc3\xa9 12,Testgatan 9,x\n"
    with open_store(on_sqlite) as store:
        windows = store.site_windows([store.sites(["S-1"])["S-1"]["id"]])
        result = KINDS["sites"].work(store, io.BytesIO(file), now=now, by="test", reading=reading)
        site = store.sites(["S-1"])["S-1"]
        assert (result.changed, result.errors) == (1, [])
        assert (site["address"], site["delivery_days"]) == ("Testgatan 9", "mon,tue,thu")
        assert store.site_windows([site["id"]]) == windows


def test_the_smallest_worth_of_an_order_is_a_term_like_the_others(set_up: Database, now: datetime) -> None:
    run(set_up, "orders", [ORDER | {"min_value": "12.50"}], now)
    with open_store(set_up) as store:
        assert store.orders(["SO-17"])["SO-17"]["min_value"] == 1250
    assert run(set_up, "orders", [ORDER | {"min_value": "12.50"}], now).unchanged == 1
    assert run(set_up, "orders", [ORDER | {"min_value": "13"}], now).changed == 1
    assert run(set_up, "orders", [ORDER], now).unchanged == 1, "a file without the column says nothing of it"
    with open_store(set_up) as store:
        assert store.orders(["SO-17"])["SO-17"]["min_value"] == 1300
    assert run(set_up, "orders", [ORDER | {"min_value": ""}], now).changed == 1
    with open_store(set_up) as store:
        assert store.orders(["SO-17"])["SO-17"]["min_value"] == 0


# ---------------------------------------------------------------------------- counts


def counts(database: Database, rows: Sequence[str], now: datetime, **options: Any) -> ImportResult:
    content = "\n".join(["depot,sku,counted", *rows]).encode()
    with open_store(database) as store:
        return KINDS["counts"].work(store, io.BytesIO(content), now=now, by="test", **options)


def test_a_lost_unit_is_taken_from_the_lowest_rank_and_a_count_again_is_no_news(
    set_up: Database, now: datetime, read_dump: Dump, read_holdings: Any
) -> None:
    rows = [ORDER, ORDER | {"order": "SO-18", "ordered_at": "2026-05-09T10:00"}]
    run(set_up, "orders", rows, now)
    with open_store(set_up) as store:
        product = store.product_ids(["OAT-1"])["OAT-1"]
        depot_id = store.depots()[0].id
        receipt = Receipt(number="R-1", depot_id=depot_id, product_id=product, sku="OAT-1", quantity=48, counted_at=now)
        commit_receipt(store, receipt, now=now, by="test")
    before = read_dump(set_up)
    tried = counts(set_up, ["NORTH,OAT-1,40"], now, dry_run=True)
    assert (tried.changed, tried.notes[0]) == (
        1,
        "1 order lines change, 0 orders get a later promise, 1 lose their date.",
    )
    assert read_dump(set_up) == before
    assert counts(set_up, ["NORTH,OAT-1,40"], now).changed == 1
    with open_store(set_up) as store:
        assert read_holdings(store) == {"SO-17": (24, 0), "SO-18": (16, 0)}
    again = counts(set_up, [",OAT-1,40"], now)
    assert (again.changed, again.unchanged, again.errors) == (0, 1, [])


def test_the_same_count_again_after_goods_came_changes_nothing_until_it_is_said_to_be_new(
    set_up: Database, now: datetime, read_dump: Dump
) -> None:
    def here() -> int:
        with open_store(set_up) as store:
            return sum(shelf.here for shelf in store.shelves(depot_id, product))

    def receive(number: str, quantity: int) -> None:
        receipt = Receipt(
            number=number, depot_id=depot_id, product_id=product, sku="OAT-1", quantity=quantity, counted_at=now
        )
        with open_store(set_up) as store:
            commit_receipt(store, receipt, now=now, by="test")

    with open_store(set_up) as store:
        product = store.product_ids(["OAT-1"])["OAT-1"]
        depot_id = store.depots()[0].id
    receive("R-1", 48)
    assert counts(set_up, ["NORTH,OAT-1,40"], now).again == []
    receive("R-2", 7)
    for options in ({"dry_run": True}, {}):
        before = read_dump(set_up)
        same = counts(set_up, [",OAT-1,40"], now + timedelta(days=1), **options)
        assert (same.changed, same.unchanged, same.errors, here()) == (0, 1, [], 47)
        assert same.again == [
            f"OAT-1 at NORTH: unchanged, 40 was counted before, on {day_words(now.date())}, and 47 lie there by now."
        ]
        assert read_dump(set_up) == before
    # Another number is another count, and what was said to be counted anew is remembered as well.
    assert counts(set_up, ["NORTH,OAT-1,46"], now).changed == 1
    receive("R-3", 5)
    assert counts(set_up, ["NORTH,OAT-1,46"], now, again=True, dry_run=True).changed == 1
    assert counts(set_up, ["NORTH,OAT-1,46"], now, again=True).changed == 1
    assert here() == 46


def test_a_count_that_the_books_agreed_with_is_remembered_too(set_up: Database, now: datetime) -> None:
    with open_store(set_up) as store:
        product = store.product_ids(["OAT-1"])["OAT-1"]
        facts: dict[str, Any] = {
            "depot_id": store.depots()[0].id,
            "product_id": product,
            "sku": "OAT-1",
            "counted_at": now,
        }
        commit_receipt(store, Receipt(number="R-1", quantity=48, **facts), now=now, by="test")
    assert counts(set_up, ["NORTH,OAT-1,48"], now).unchanged == 1
    with open_store(set_up) as store:
        commit_receipt(store, Receipt(number="R-2", quantity=7, **facts), now=now, by="test")
    # A row beside it was mended, and the whole file came again.
    same = counts(set_up, ["NORTH,OAT-1,48", "NORTH,NOPE,3"], now)
    assert (same.changed, same.unchanged, len(same.again)) == (0, 1, 1)


def test_what_had_lost_its_date_before_does_not_lose_it_again_by_a_count(set_up: Database, now: datetime) -> None:
    """48 are there for two orders of 24. The first count takes the date of SO-18, the second more of its goods, the
    third the date of SO-17."""
    rows = [ORDER, ORDER | {"order": "SO-18", "ordered_at": "2026-05-09T10:00"}]
    run(set_up, "orders", rows, now)
    with open_store(set_up) as store:
        product = store.product_ids(["OAT-1"])["OAT-1"]
        depot_id = store.depots()[0].id
        receipt = Receipt(number="R-1", depot_id=depot_id, product_id=product, sku="OAT-1", quantity=48, counted_at=now)
        commit_receipt(store, receipt, now=now, by="test")
    for counted, said in (("40", "1 lose their date"), ("30", "0 lose their date"), ("20", "1 lose their date")):
        assert said in counts(set_up, [f"NORTH,OAT-1,{counted}"], now).notes[0], counted


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("NORTH,NOPE,3", "no product"),
        ("SOUTH,OAT-1,3", "no depot"),
        ("NORTH,OAT-1,", "whole number"),
        ("NORTH,OAT-1,-1", "out of range"),
        ("NORTH,OAT-1,3", "count it in as a receipt"),
    ],
)
def test_a_count_that_cannot_be_is_left_out(on_sqlite: Database, row: str, said: str, now: datetime) -> None:
    result = counts(on_sqlite, [row], now)
    assert (result.changed, len(result.errors)) == (0, 1)
    assert said in result.errors[0].what


def test_what_customers_give_back_is_marked_and_a_file_without_the_column_leaves_it_alone(
    database: Database, now: datetime
) -> None:
    columns = ",".join(name for name in KINDS["products"].columns if name not in SELDOM)
    for text, changed in (
        (f"{columns},returnable\nCRATE,Crate,pcs,1,,500,,1,2,EUR,,yes\n", 0),
        (f"{columns}\nCRATE,Empty crate,pcs,1,,500,,1,2,EUR,\n", 1),
    ):
        with open_store(database) as store:
            result = KINDS["products"].work(store, io.BytesIO(text.encode()), now=now, by="test")
            assert (result.errors, result.changed) == ([], changed)
            assert store.is_returnable(store.product_ids(["CRATE"])["CRATE"])
    with open_store(database) as store:
        wrong = f"{columns},returnable\nCRATE,Crate,pcs,1,,500,,1,2,EUR,,perhaps\n"
        result = KINDS["products"].work(store, io.BytesIO(wrong.encode()), now=now, by="test")
        assert (result.changed, len(result.errors)) == (0, 1)


def test_a_barcode_is_read_and_a_file_without_the_column_leaves_it_alone(database: Database, now: datetime) -> None:
    columns = ",".join(name for name in KINDS["products"].columns if name not in SELDOM)
    for text, changed in (
        (f"{columns},barcode\nOAT,Oat,pcs,1,,500,,1,2,EUR,,06412345678901\n", 0),
        (f"{columns}\nOAT,Oat drink,pcs,1,,500,,1,2,EUR,\n", 1),
    ):
        with open_store(database) as store:
            result = KINDS["products"].work(store, io.BytesIO(text.encode()), now=now, by="test")
            assert (result.errors, result.changed) == ([], changed)
            assert store.scanned_product("06412345678901") == store.product_ids(["OAT"])["OAT"]
            assert store.scanned_product("oat") is not None
            assert store.scanned_product("6412345678901") is None


def test_a_van_may_go_out_again_and_a_file_without_the_columns_leaves_that(set_up: Database, now: datetime) -> None:
    (van,) = [row for row in GOOD["fleet"] if row["kind"] == "vehicle"][:1]
    again = van | {"reload_minutes": "25", "most_trips": "2"}
    assert run(set_up, "fleet", [again], now).changed == 1
    assert run(set_up, "fleet", GOOD["fleet"], now).changed == 0
    with set_up.reading() as connection:
        row = connection.execute(select(tables.vehicle).where(tables.vehicle.c.number == van["number"])).one()
    assert (row.reload_minutes, row.most_trips) == (25, 2)
    for column, cell in (("most_trips", "0"), ("most_trips", "99"), ("reload_minutes", "-5"), ("reload_minutes", "x")):
        (wrong,) = run(set_up, "fleet", [again | {column: cell}], now).errors
        assert column in wrong.what
    assert run(set_up, "fleet", [again | {"most_trips": "", "reload_minutes": ""}], now).changed == 1


def test_overtime_lateness_and_familiar_drivers_come_with_their_files_and_stay_where_a_file_has_no_such_column(
    set_up: Database, now: datetime
) -> None:
    late = CUSTOMER | {"late_minutes": "15", "late_price_per_minute": "0.50"}
    late |= {"known_to": "DR-2; DR-1", "stranger_price": "2.50"}
    over = FLEET[0] | {"overtime_minutes": "45", "cost_per_overtime_hour": "18"}
    assert run(set_up, "customers", [late], now).changed == 1
    assert run(set_up, "fleet", [over], now).changed == 1
    for kind in ("customers", "fleet"):
        assert run(set_up, kind, GOOD[kind], now).changed == 0
    with set_up.reading() as connection:
        door = connection.execute(select(tables.site)).one()
        week = connection.execute(select(tables.shift_template)).one()
    assert (door.late_s, door.late_per_minute) == (900, 50)
    assert (door.known_to, door.stranger_price) == ("DR-1;DR-2", 250)
    assert (week.overtime_s, week.cost_per_overtime_hour) == (2700, 1800)
    (wrong,) = run(set_up, "sites", [SITE | {"late_minutes": "soon"}], now).errors
    assert "late_minutes" in wrong.what


def test_how_far_a_shift_drives_and_where_it_starts_and_ends_come_with_the_fleet_and_stay_without_such_columns(
    set_up: Database, now: datetime
) -> None:
    said = {"max_km": "120", "start_place": "Anywhere", "end_place": "anywhere"}
    assert run(set_up, "fleet", [FLEET[0] | said], now).changed == 1
    assert run(set_up, "fleet", GOOD["fleet"], now).changed == 0
    for table in (tables.shift_template, tables.shift):
        with set_up.reading() as connection:
            rows = connection.execute(select(table.c.max_distance_m, table.c.start_place, table.c.end_place)).all()
        assert set(map(tuple, rows)) == {(120_000, "anywhere", "anywhere")}
    for name, wrong in (("max_km", "0"), ("max_km", "12.5"), ("end_place", "home")):
        (error,) = run(set_up, "fleet", [FLEET[0] | said | {name: wrong}], now).errors
        assert name in error.what
    # An empty cell is the usual again.
    assert run(set_up, "fleet", [FLEET[0] | dict.fromkeys(said, "")], now).changed == 1
    with set_up.reading() as connection:
        week = connection.execute(select(tables.shift_template)).one()
    assert (week.max_distance_m, week.start_place, week.end_place) == (None, "depot", "depot")


def test_a_reduced_rest_comes_with_the_fleet_on_three_days_at_most(set_up: Database, now: datetime) -> None:
    reduced = FLEET[0] | {"rest_after": "reduced", "weekdays": "mon,tue,thu"}
    assert run(set_up, "fleet", [reduced], now).changed == 1
    for table in (tables.shift_template, tables.shift):
        with set_up.reading() as connection:
            assert set(connection.execute(select(table.c.rest_after)).scalars()) == {"reduced"}
    for days in ("mon,tue,wed,thu", ""):
        (wrong,) = run(set_up, "fleet", [reduced | {"weekdays": days}], now).errors
        assert "rest_after: a rest may be reduced 3 times between two weekly rests" in wrong.what
    (wrong,) = run(set_up, "fleet", [reduced | {"rest_after": "short"}], now).errors
    assert "rest_after" in wrong.what


def test_a_break_in_two_parts_comes_with_the_fleet_and_counts_as_one_under_eu_hours(
    set_up: Database, now: datetime
) -> None:
    """From 06:00 to 14:30, 15 minutes between 8 and 9 and 30 between 10 and 10:20: no stretch is longer than 4½."""
    driver = {"kind": "driver", "number": "DR-1", "name": "Driver 1", "depot": "NORTH", "driving_hours": "eu"}
    parts = FLEET[0] | {
        "from": "06:00", "to": "14:30", "break_minutes": "15", "break_from": "08:00", "break_to": "09:00",
        "second_break_minutes": "30", "second_break_from": "10:00", "second_break_to": "10:20",
    }  # fmt: skip
    assert run(set_up, "fleet", [driver], now).errors == []
    assert run(set_up, "fleet", [parts], now).errors == []

    def at_the_wheel() -> set[float]:
        with open_store(set_up) as store:
            shifts = store.shifts_between("2026-01-01", "2027-12-31", [each.id for each in store.depots()])
        found = set()
        for each in shifts:
            breaks = tuple(
                Break(
                    id=pause.id, duration_s=pause.duration_s,
                    windows=(Window(start_s=minutes(pause.earliest), end_s=minutes(pause.latest)),),
                )
                for pause in each.breaks
            )  # fmt: skip
            offer = ShiftOffer(
                id=each.id, profile="van", start=0, end=0, capacity=(), breaks=breaks,
                start_s=minutes(each.starts), end_s=minutes(each.ends),
            )  # fmt: skip
            assert each.driver is not None
            most = under(rule_of(each.driver.rule_set, who=each.name), offer).max_travel_s
            assert most is not None
            found.add(most / 3600)
        return found

    def minutes(clock: str) -> int:
        return clock_minutes(clock) * 60

    assert at_the_wheel() == {9.0}
    # The second alone is no break of 45 minutes; and it begins when the first is over.
    (wrong,) = run(set_up, "fleet", [parts | {"second_break_from": "09:10"}], now).errors
    assert "second_break_from: the first break may last until 09:15: let the second one begin then, or later" in (
        wrong.what
    )
    (wrong,) = run(set_up, "fleet", [parts | {"second_break_to": ""}], now).errors
    assert "second_break_to: is empty and must be a time of day" in wrong.what
    assert run(set_up, "fleet", [parts | {"break_minutes": ""}], now).changed == 1
    assert at_the_wheel() == {4.5}
    assert run(set_up, "fleet", [parts | {"break_minutes": ""}], now).unchanged == 1


def test_a_licence_that_is_not_good_for_the_vehicle_of_a_shift_is_said_when_either_comes_and_not_again(
    set_up: Database, now: datetime
) -> None:
    def told(*rows: dict[str, str], dry_run: bool = False) -> list[str]:
        return [note for note in run(set_up, "fleet", list(rows), now, dry_run=dry_run).notes if "licence" in note]

    shift, _depot, _zone, vehicle, driver = FLEET
    heavy, with_b = vehicle | {"gross_kg": "5000"}, driver | {"licence": "B"}
    assert told(heavy) == []
    words = "Van 1 weighs 5 t laden, and the licence of Driver 1 (B) is good for 3.5 t: name another driver or vehicle."
    assert told(with_b, dry_run=True) == [words]
    assert told(with_b) == [words]
    assert told(with_b) == []
    assert told(shift | {"to": "15:00"}) == [words]
    assert told(driver | {"licence": "C1"}) == []


def test_what_a_stop_costs_comes_with_the_fleet_and_stays_where_a_file_has_no_such_column(
    set_up: Database, now: datetime
) -> None:
    assert run(set_up, "fleet", [FLEET[0] | {"cost_per_stop": "3.50"}], now).changed == 1
    assert run(set_up, "fleet", GOOD["fleet"], now).changed == 0
    with set_up.reading() as connection:
        week = connection.execute(select(tables.shift_template)).one()
        days = connection.execute(select(tables.shift.c.cost_per_stop)).scalars().all()
    assert week.cost_per_stop == 350
    assert set(days) == {350}
    (wrong,) = run(set_up, "fleet", [FLEET[0] | {"cost_per_stop": "-1"}], now).errors
    assert "cost_per_stop" in wrong.what


def test_a_site_names_vehicles_of_the_fleet_and_no_others(set_up: Database, now: datetime) -> None:
    named = CUSTOMER | {"vehicles": "V-1 ; V-1;"}
    assert run(set_up, "customers", [named], now).changed == 1
    assert run(set_up, "customers", [named], now).unchanged == 1
    assert run(set_up, "customers", GOOD["customers"], now).changed == 0
    with set_up.reading() as connection:
        assert connection.scalar(select(tables.site.c.vehicles)) == "V-1"
    for kind, row in (("customers", CUSTOMER), ("sites", SITE)):
        (wrong,) = run(set_up, kind, [row | {"vehicles": "V-1;V-77"}], now).errors
        assert 'there is no vehicle "V-77": correct it, or import the fleet first' in wrong.what
    assert run(set_up, "customers", [CUSTOMER | {"vehicles": ""}], now).changed == 1
    with set_up.reading() as connection:
        assert connection.scalar(select(tables.site.c.vehicles)) == ""


def test_a_site_says_when_motor_vehicles_may_drive_there(set_up: Database, now: datetime) -> None:
    street = CUSTOMER | {"motor_hours": "18:00-22:00; 6:00-10:00"}
    assert run(set_up, "customers", [street], now).changed == 1
    assert run(set_up, "customers", [street], now).unchanged == 1
    assert run(set_up, "customers", GOOD["customers"], now).changed == 0
    with set_up.reading() as connection:
        assert connection.scalar(select(tables.site.c.motor_hours)) == "06:00-10:00;18:00-22:00"
    (wrong,) = run(set_up, "sites", [SITE | {"motor_hours": "until ten"}], now).errors
    assert 'motor_hours: "until ten" is no window' in wrong.what
    assert run(set_up, "customers", [CUSTOMER | {"motor_hours": ""}], now).changed == 1
    with set_up.reading() as connection:
        assert connection.scalar(select(tables.site.c.motor_hours)) == ""


def test_a_site_names_one_vehicle_of_the_fleet_as_its_run(set_up: Database, now: datetime) -> None:
    assert run(set_up, "customers", [CUSTOMER | {"run": "V-1"}], now).changed == 1
    assert run(set_up, "customers", GOOD["customers"], now).changed == 0
    with set_up.reading() as connection:
        assert connection.scalar(select(tables.site.c.run)) == "V-1"
    second = next(each for each in FLEET if each["kind"] == "vehicle") | {"number": "V-2"}
    assert run(set_up, "fleet", [second], now).created == 1
    for cells, said in (
        ({"run": "V-77"}, 'there is no vehicle "V-77"'),
        ({"run": "V-1;V-2"}, "names 2 vehicles, and one comes as a rule"),
        ({"run": "V-1", "vehicles": "V-2"}, "V-1 is none of the vehicles that may come"),
    ):
        (wrong,) = run(set_up, "sites", [SITE | cells], now).errors
        assert said in wrong.what


def test_one_receipt_number_for_a_sku_at_two_depots_is_told_to_take_two_numbers(
    on_sqlite: Database, now: datetime
) -> None:
    with on_sqlite.writing() as connection:
        connection.execute(insert(tables.depot).values(number="SOUTH", name="South", zone="Europe/Helsinki"))
    rows = [
        {"number": "R-7", "depot": depot, "sku": "OAT-1", "quantity": "12"} for depot in ("NORTH", "SOUTH", "NORTH")
    ]
    with open_store(on_sqlite) as store:
        found, result = receipts.read_receipts(store, as_file(receipts.COLUMNS, rows), now=now)
    assert len(found) == 1
    said = [each.what for each in result.errors]
    assert "OAT-1 of R-7 stands in row 2 already: it came to NORTH, give this depot's a number of its own" in said[0]
    assert "OAT-1 of R-7 stands in row 2 already: add them up" in said[1]


# ---------------------------------------------------------------------------- the only site


WITHOUT_SITE = {name: value for name, value in ORDER.items() if name != "site"}


def order_file(row: dict[str, str]) -> bytes:
    return as_file(tuple(row), [row]).getvalue()


def site_of(database: Database, number: str) -> str:
    query = (
        select(tables.site.c.number)
        .join(tables.order, tables.order.c.site_id == tables.site.c.id)
        .where(tables.order.c.number == number)
    )
    with database.reading() as connection:
        return str(connection.scalar(query))


@pytest.mark.parametrize("row", [WITHOUT_SITE, ORDER | {"site": ""}])
def test_the_only_site_of_a_customer_goes_without_saying(
    on_sqlite: Database, row: dict[str, str], now: datetime
) -> None:
    result = run(on_sqlite, "orders", order_file(row), now)
    assert (result.created, result.errors) == (1, [])
    assert site_of(on_sqlite, "SO-17") == "S-1"
    again = run(on_sqlite, "orders", order_file(ORDER), now)
    assert (again.changed, again.unchanged, again.errors) == (0, 1, [])


@pytest.mark.parametrize(("row", "said"), [(WITHOUT_SITE, "is missing"), (ORDER | {"site": ""}, "is empty")])
def test_of_several_sites_the_row_must_name_one(
    on_sqlite: Database, row: dict[str, str], said: str, now: datetime
) -> None:
    run(on_sqlite, "sites", [SITE], now)
    result = run(on_sqlite, "orders", order_file(row), now)
    assert result.created == 0
    [fault] = result.errors
    assert f"column site: {said}, and customer C-1 has 2: write one of S-1, S-2" in fault.what


def test_an_order_that_is_here_keeps_its_site_when_the_customer_gets_another(
    on_sqlite: Database, now: datetime
) -> None:
    run(on_sqlite, "orders", order_file(ORDER), now)
    run(on_sqlite, "sites", [SITE], now)
    result = run(on_sqlite, "orders", order_file(WITHOUT_SITE | {"quantity": "36"}), now)
    assert (result.changed, result.errors) == (1, [])
    assert site_of(on_sqlite, "SO-17") == "S-1"


def test_a_customer_without_any_site_is_named(on_sqlite: Database, now: datetime) -> None:
    with open_store(on_sqlite) as store:
        store.save_customer(None, {"number": "C-9", "name": "Nowhere"})
    [fault] = run(on_sqlite, "orders", order_file(WITHOUT_SITE | {"customer": "C-9"}), now).errors
    assert "customer C-9 has none: import its sites first" in fault.what


def test_lines_that_a_file_does_not_number_are_known_by_their_sku(set_up: Database, now: datetime) -> None:
    """An ERP drops the first line, sorts the rows otherwise, adds an article: that is a change and no fault."""
    run(set_up, "products", [PRODUCT, PRODUCT | {"sku": "TEA-2"}, PRODUCT | {"sku": "RYE-3"}], now)

    def send(*lines: tuple[str, int]) -> tuple[int, int, list[str]]:
        rows = [ORDER | {"line": "", "sku": sku, "quantity": str(quantity)} for sku, quantity in lines]
        result = run(set_up, "orders", rows, now)
        return result.changed, result.unchanged, [error.what for error in result.errors]

    def kept() -> list[tuple[str, str, int]]:
        with open_store(set_up) as store:
            lines = store.orders(["SO-17"])["SO-17"]["lines"]
        return [(row["number"], row["sku"], row["quantity"] - row["cancelled"]) for row in lines]

    assert send(("OAT-1", 5), ("TEA-2", 3)) == (0, 0, [])
    assert send(("TEA-2", 3), ("OAT-1", 5)) == (0, 1, [])
    assert send(("TEA-2", 3)) == (1, 0, [])
    assert kept() == [("1", "OAT-1", 0), ("2", "TEA-2", 3)]
    assert send(("TEA-2", 3)) == (0, 1, [])
    assert send(("RYE-3", 2), ("TEA-2", 3)) == (1, 0, [])
    assert kept() == [("1", "OAT-1", 0), ("2", "TEA-2", 3), ("3", "RYE-3", 2)]
    assert send(("OAT-1", 1), ("OAT-1", 7), ("TEA-2", 3)) == (1, 0, [])
    assert kept() == [("1", "OAT-1", 1), ("2", "TEA-2", 3), ("3", "RYE-3", 0), ("4", "OAT-1", 7)]
    assert send(("OAT-1", 1), ("OAT-1", 7), ("TEA-2", 3)) == (0, 1, [])


def test_the_smallest_part_may_be_written_with_its_percent_sign(on_sqlite: Database, now: datetime) -> None:
    rows = [ORDER | {"min_percent": "50%"}, ORDER | {"min_percent": "50%", "line": "2"}]
    assert run(on_sqlite, "orders", rows, now).errors == []
    assert run(on_sqlite, "orders", [row | {"min_percent": "50"} for row in rows], now).unchanged == 1
    with open_store(on_sqlite) as store:
        assert store.orders(["SO-17"])["SO-17"]["min_percent"] == 50


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_line_break_is_one_however_it_was_written_and_comes_back_as_it_went_out(
    set_up: Database, now: datetime, kind: str
) -> None:
    """A shop's notes have CR LF, which a sheet keeps as LF: what we wrote out would come in again as a change."""
    columns = MODULES["orders"][1]
    row = ORDER | {"note": "Ring twice,\r\nthen wait\rthere\x0bfor it"}
    cells = ["" if name in SELDOM else f'"{row.get(name, "")}"' for name in columns]
    file = ",".join(columns) + "\r\n" + ",".join(cells) + "\r\n"
    assert run(set_up, "orders", file.encode(), now).created == 1
    with open_store(set_up) as store:
        found = store.orders(["SO-17"])["SO-17"]
        assert found["note"] == "Ring twice,\nthen wait\nthere\nfor it"
        # As versions before this one kept it.
        store.change_order(found["id"], {"note": row["note"].replace("\x0b", "\n"), "content_hash": ""})
    out = io.BytesIO()
    with set_up.reading() as connection:
        export(connection, "orders", out, format=kind)
    again = run(set_up, "orders", out.getvalue(), now)
    assert (again.changed, again.unchanged, again.errors) == (0, 1, [])


def test_a_break_that_excel_wrote_its_own_way_is_a_line_break(on_sqlite: Database, now: datetime) -> None:
    made = openpyxl.Workbook()
    row = ORDER | {"note": "Ring twice_x000D_\nthen wait_x000D_\n", "customer_reference": "_x000D_"}
    made.active.append(list(row))
    made.active.append(list(row.values()))
    file = io.BytesIO()
    made.save(file)
    assert run(on_sqlite, "orders", file.getvalue(), now).created == 1
    with open_store(on_sqlite) as store:
        found = store.orders(["SO-17"])["SO-17"]
    assert (found["note"], found["customer_reference"]) == ("Ring twice\nthen wait", "_x000D_")


@pytest.mark.parametrize("sign", ["\0", "\x1b", "\x07", "\x1f"])
def test_a_sign_that_no_sheet_can_hold_leaves_out_its_order(on_sqlite: Database, now: datetime, sign: str) -> None:
    (error,) = run(on_sqlite, "orders", [ORDER | {"note": f"ring{sign}twice"}], now).errors
    assert "a control character" in error.what


def test_what_nobody_sees_at_the_edge_of_a_cell_is_no_part_of_it(on_sqlite: Database, now: datetime) -> None:
    assert run(on_sqlite, "orders", [ORDER], now).created == 1
    rows = [{name: f"\u200b{cell}\ufeff \u2060" if cell else "" for name, cell in ORDER.items()}]
    again = run(on_sqlite, "orders", rows, now)
    assert (again.created, again.unchanged, again.errors) == (0, 1, [])


def test_a_file_of_sources_that_contradicts_itself_says_so_and_the_second_time_changes_nothing(
    on_sqlite: Database, now: datetime
) -> None:
    rows = [SOURCE | {"sku": "", "name": "Mill 9"}, SOURCE | {"sku": "OAT-1", "name": "Mill 10"}]
    (error,) = run(on_sqlite, "sources", rows, now).errors
    assert error.row == 3
    assert "another row of the file says Mill 9 of" in error.what
    again = run(on_sqlite, "sources", rows, now)
    assert (again.created, again.changed, again.unchanged) == (0, 0, 1)


def test_a_column_that_was_named_and_stands_twice_is_refused(on_sqlite: Database, now: datetime) -> None:
    file = b"no,cust,wh,day,art,qty,qty\nSO-1,C-1,NORTH,2026-05-08,OAT-1,5,6\n"
    named = {"no": "order", "cust": "customer", "wh": "depot", "day": "ordered_at", "art": "sku", "qty": "quantity"}
    with pytest.raises(FileRefused, match="has the column qty twice"):
        run(on_sqlite, "orders", file, now, reading=Reading(mapping=named))


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_the_line_in_which_excel_names_the_separator_is_no_header(
    on_sqlite: Database, now: datetime, sign: str
) -> None:
    file = as_file(tuple(ORDER), [ORDER, ORDER | {"order": "SO-18", "quantity": "none"}], delimiter=sign).getvalue()
    result = run(on_sqlite, "orders", f"sep={sign}\r\n".encode() + file, now)
    assert (result.created, [error.row for error in result.errors]) == (1, [3])
