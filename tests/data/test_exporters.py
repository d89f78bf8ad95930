"""What is in comes out, row by row; what has a template goes in again and comes out the same."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from data import tables
from data.db import Database
from data.exporters.kinds import KINDS, export
from data.exporters.sheets import LONGEST_TEXT, write_table
from data.formulas import read_back, written
from data.importers import customers, fleet, inbound, orders, products, suppliers
from data.importers.kinds import KINDS as IMPORTED
from data.importers.receipts import read_receipts
from data.importers.table import read_table
from data.queries.results import period_results
from data.store import open_store
from routing.errors import InvalidInput, NotFound
from routing.model.proofs import Outcome
from routing.services.receiving import commit_receipts
from tests.evening import Driven
from tests.rounds import DAY, a_round

DEMO = Path("data/demo")
ROWS = 150
NOW = datetime(2026, 3, 3, 3, 40, tzinfo=UTC)
IMPORTS: dict[str, Callable[..., Any]] = {
    "fleet": fleet.import_fleet,
    "suppliers": suppliers.import_suppliers,
    "products": products.import_products,
    "customers": customers.import_customers,
    "inbound": inbound.import_inbound,
    "orders": orders.import_orders,
}
GOODS_LISTS = {
    "sources": b"supplier,sku,name,email,language,lead_days\nSU9,P201,Oats,a@example.com,fi,3\nSU8,,Only told,,,\n",
    "substitutes": b"sku,substitute,gives,replaces,preference\nP201,P202,2,1,1\n",
}
HOSTILE = "=1+1\n\"two\", 'lines'"


def take_in(database: Database, kind: str, content: bytes) -> Any:
    with open_store(database) as store:
        result = IMPORTS[kind](store, io.BytesIO(content), now=NOW, by="test")
    assert not [error for error in result.errors if "no product" not in error.what]
    return result


def take_out(database: Database, kind: str, format: str = "csv") -> bytes:
    out = io.BytesIO()
    with database.reading() as connection:
        export(connection, kind, out, format=format)
    return out.getvalue()


def read(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.fixture
def full(database: Database) -> Database:
    """The demo's company, with a few cells that a spreadsheet would trip over."""
    with open_store(database) as store:
        store.set_company(name="Kauppatukku 1", currency="EUR", zone="Europe/Helsinki")
    for kind in IMPORTS:
        take_in(database, kind, b"".join((DEMO / f"{kind}.csv").read_bytes().splitlines(keepends=True)[:ROWS]))
    for kind, content in GOODS_LISTS.items():
        with open_store(database) as store:
            assert IMPORTED[kind].work(store, io.BytesIO(content), now=NOW, by="test").created, kind
    with database.writing() as connection:
        connection.execute(update(tables.order).where(tables.order.c.id == 1).values(note=HOSTILE, number="-17"))
        connection.execute(update(tables.order).where(tables.order.c.id == 2).values(min_value=1250))
        connection.execute(update(tables.supplier).where(tables.supplier.c.id == 1).values(language="fi"))
        connection.execute(update(tables.product).where(tables.product.c.id == 1).values(name="@home", price=0))
        connection.execute(update(tables.customer).where(tables.customer.c.id == 1).values(name="'t Hoekje"))
        connection.execute(update(tables.site).where(tables.site.c.id == 1).values(name="'=quoted", notes=HOSTILE))
    return database


@pytest.fixture
def empty(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """Another installation, that only knows its depots."""
    path = tmp_path / "elsewhere.db"
    path.write_bytes(sqlite_template.read_bytes())
    other = Database(f"sqlite:///{path}")
    with open_store(other) as store:
        store.set_company(name="Elsewhere", currency="EUR", zone="Europe/Helsinki")
    take_in(other, "fleet", (DEMO / "fleet.csv").read_bytes())
    yield other
    other.close()


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_what_has_a_template_goes_into_an_empty_installation_and_comes_out_the_same(
    full: Database, empty: Database, format: str
) -> None:
    # Orders before inbound: with goods to come, orders without a date would get their first promise there.
    for kind in ("suppliers", "products", "customers", "orders", "inbound"):
        content = take_out(full, kind, format)
        result = take_in(empty, kind, content)
        assert (result.errors, result.created > 0) == ([], True), kind
        assert take_out(empty, kind) == take_out(full, kind), kind


def test_the_file_that_came_out_changes_nothing_where_it_came_from(full: Database) -> None:
    for kind in ("suppliers", "products", "customers", "orders", "inbound"):
        result = take_in(full, kind, take_out(full, kind))
        assert (result.created, result.tasks, result.errors) == (0, 0, []), kind
        again = take_in(full, kind, take_out(full, kind))
        assert (again.created, again.changed) == (0, 0), kind


def test_what_has_a_template_comes_out_with_every_column_that_its_file_may_have() -> None:
    for name, kind in KINDS.items():
        if kind.template:
            assert [*kind.columns] == [*IMPORTED[name].columns], name
    assert KINDS.keys() & IMPORTED.keys() == {name for name, kind in KINDS.items() if kind.template}


GOES_BACK_OTHERWISE = {"released"}
"""The ERP's own file of a day: what became of it goes back as the results."""


@pytest.fixture
def at_work(full: Database) -> Database:
    """With goods on the shelf, and no cell that the files themselves could not say."""
    with open_store(full) as store:
        arrived, _ = read_receipts(store, io.BytesIO((DEMO / "receipt_opening.csv").read_bytes()), now=NOW)
        for depot_id in sorted({each.depot_id for each in arrived}):
            commit_receipts(store, [each for each in arrived if each.depot_id == depot_id], now=NOW, by="test")
    for kind in ("products", "customers", "orders"):
        take_in(full, kind, take_out(full, kind))  # the blanks that a form would have taken off
    return full


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_every_kind_that_is_imported_comes_out_and_going_in_again_changes_nothing(
    at_work: Database, format: str
) -> None:
    assert KINDS.keys() & IMPORTED.keys() == IMPORTED.keys() - GOES_BACK_OTHERWISE
    for name in [name for name in IMPORTED if name not in GOES_BACK_OTHERWISE]:
        content = take_out(at_work, name, format)
        with open_store(at_work) as store:
            result = IMPORTED[name].work(store, io.BytesIO(content), now=NOW, by="test")
        said = (result.created, result.changed, result.tasks, result.errors)
        assert (said, result.unchanged > 0) == ((0, 0, 0, []), True), name
        assert take_out(at_work, name, format) == content or format == "xlsx", name


@pytest.mark.parametrize("cancelled", [False, True])
def test_the_supplier_s_file_again_changes_nothing_after_more_came_or_it_was_cancelled(
    full: Database, cancelled: bool
) -> None:
    """The file says what was ordered, every night: what was counted since is no fault of it, and no other quantity."""
    ordered = read(take_out(full, "inbound"))[0]
    line = (tables.supply.c.kind == "inbound") & (tables.supply.c.number == ordered["number"])
    came = {"cancelled_at": NOW} if cancelled else {"received": tables.supply.c.quantity + 3}
    with full.writing() as connection:
        connection.execute(update(tables.supply).where(line).values(**came))
    # What its file said last is remembered, and is no change.
    stood = select(*(column for column in tables.supply.c if column.name != "said")).where(line)
    with full.reading() as connection:
        before = connection.execute(stood).all()
    with open_store(full) as store:
        result = inbound.import_inbound(store, io.BytesIO(take_out(full, "inbound")), now=NOW, by="erp")
    assert (result.created, result.changed, result.errors) == (0, 0, [])
    with full.reading() as connection:
        assert connection.execute(stood).all() == before


def test_a_cell_that_was_changed_in_the_fleet_changes_only_itself(full: Database) -> None:
    rows = read(take_out(full, "fleet"))
    (van,) = [row for row in rows if (row["kind"], row["number"]) == ("vehicle", "V1")]
    van["weight_g"] = "600000"
    out = io.StringIO()
    writer = csv.DictWriter(out, [*van])
    writer.writeheader()
    writer.writerow(van)  # a file of one row: what it does not name stays
    result = take_in(full, "fleet", out.getvalue().encode())
    assert (result.created, result.changed, result.unchanged) == (0, 1, 0)
    assert read(take_out(full, "fleet")) == rows


def test_the_fleet_goes_into_an_empty_installation_and_comes_out_the_same(
    full: Database, tmp_path: Path, sqlite_template: Path
) -> None:
    with full.writing() as connection:
        connection.execute(
            update(tables.vehicle)
            .where(tables.vehicle.c.id == 1)
            .values(gross_kg=3_500, out_from="2026-03-04", out_to="2026-03-05", out_why="inspection", most_trips=2)
        )
        connection.execute(update(tables.driver).where(tables.driver.c.id == 1).values(licence="C", rule_set="eu"))
        more = {"cost_per_stop": 350, "max_distance_m": 120_000, "start_place": "anywhere", "end_place": "anywhere"}
        more |= {"rest_after": "reduced", "weekdays": "mon,thu"}
        more |= {"break_s": 900, "break_earliest": "08:00", "break_latest": "09:00"}
        more |= {"second_break_s": 1800, "second_break_earliest": "10:00", "second_break_latest": "11:00"}
        connection.execute(update(tables.shift_template).values(more))
    path = tmp_path / "other.db"
    path.write_bytes(sqlite_template.read_bytes())
    other = Database(f"sqlite:///{path}")
    with open_store(other) as store:
        store.set_company(name="Elsewhere", currency="EUR", zone="Europe/Helsinki")
    take_in(other, "fleet", take_out(full, "fleet"))
    assert take_out(other, "fleet") == take_out(full, "fleet")
    other.close()


def test_every_kind_comes_out_as_csv_and_as_xlsx_with_the_same_rows(full: Database) -> None:
    with open_store(full) as store:
        arrived, _ = read_receipts(store, io.BytesIO((DEMO / "receipt_opening.csv").read_bytes()), now=NOW)
        commit_receipts(store, [each for each in arrived if each.depot_id == arrived[0].depot_id], now=NOW, by="test")
    with full.writing() as connection:
        a_round(connection, number="R")
    for kind in KINDS:
        rows = read(take_out(full, kind))
        sheet = openpyxl.load_workbook(io.BytesIO(take_out(full, kind, "xlsx")), read_only=True).active
        shown = list(sheet.iter_rows(values_only=True))
        assert list(shown[0]) == list(KINDS[kind].columns), kind
        assert all(list(row) == list(shown[0]) for row in rows), kind
        assert len(shown) == len(rows) + 1, kind
    assert {kind for kind in KINDS if not read(take_out(full, kind))} <= {"tasks"}


def test_stock_is_on_hand_less_allocated_by_hand(database: Database) -> None:
    """12 loaded of 36; the other two deliveries' 24 as well: nothing lies there, all went out."""
    with database.writing() as connection:
        made = a_round(connection, stops=3, loaded=12)
        connection.execute(
            tables.movement.insert().values(
                at=NOW, product_id=made.product_id, quantity=50, from_place="supplier",
                to_place=f"depot:{made.depot_id}", why="receipt R1", by="test",
            )
        )  # fmt: skip
    (row,) = read(take_out(database, "stock"))
    assert (row["depot"], row["sku"], row["on_hand"], row["allocated"], row["available"]) == (
        "DEP1", "SKU1", "14", "0", "14",
    )  # fmt: skip
    places = {(row["from_place"], row["to_place"]) for row in read(take_out(database, "movements"))}
    assert places == {("supplier", "depot:DEP1"), ("depot:DEP1", "vehicle:V1")}


def test_an_open_line_says_what_covers_it_and_how_far_it_slipped(full: Database) -> None:
    with full.reading() as connection:
        promised = connection.execute(select(tables.promise)).first()
        assert promised is not None
    later = (datetime.fromisoformat(promised.promised_on) + timedelta(days=7)).date().isoformat()
    with full.writing() as connection:
        connection.execute(
            update(tables.order_line).where(tables.order_line.c.id == promised.order_line_id).values(expected_on=later)
        )
        order_id, number = connection.execute(
            select(tables.order_line.c.order_id, tables.order_line.c.number).where(
                tables.order_line.c.id == promised.order_line_id
            )
        ).one()
        order = connection.scalar(select(tables.order.c.number).where(tables.order.c.id == order_id))
    rows = read(take_out(full, "backorders"))
    (mine,) = [row for row in rows if (read_back(row["order"]), row["line"]) == (order, number)]
    assert mine["slipped_days"] == "7"
    for row in rows:
        assert int(row["needed"]) == int(row["firm"]) + int(row["provisional"]) + int(row["unallocated"])


def test_no_cell_of_a_csv_runs_as_a_formula_and_none_of_an_xlsx_is_one(full: Database) -> None:
    for row in read(take_out(full, "orders")) + read(take_out(full, "products")) + read(take_out(full, "customers")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row.values())
    book = openpyxl.load_workbook(io.BytesIO(take_out(full, "orders", "xlsx")))
    texts = [cell for row in book.active.iter_rows() for cell in row if str(cell.value).startswith(("=", "-"))]
    assert {cell.value for cell in texts} == {HOSTILE, "-17"}
    assert {cell.data_type for cell in texts} == {"s"}


@pytest.mark.parametrize("format", ["csv", "xlsx"])
@pytest.mark.parametrize("text", ["'=x", "''x", "'x", "=x", "'#N/A", "'"])
def test_an_apostrophe_comes_back_from_every_kind_of_file(text: str, format: str) -> None:
    out = io.BytesIO()
    write_table(out, format, ["name"], [[text]], title="Vehicles")
    out.seek(0)
    assert [row.cells["name"] for row in read_table(out, kind="fleet", columns=["name"])] == [text]


@given(st.text(alphabet="'=+-@ab", max_size=6))
def test_a_text_comes_back_from_the_csv_as_it_was(text: str) -> None:
    out = io.BytesIO()
    write_table(out, "csv", ["sku"], [[f"{text}"], ["x"]], title="x")
    out.seek(0)
    found = [row.cells["sku"] for row in read_table(out, kind="x", columns=["sku"])]
    assert (found[0] if text.strip() else text) == (text.strip() or text)
    assert read_back(written(text)) == text


def test_a_sheet_refuses_what_it_cannot_hold_and_says_what_can() -> None:
    with pytest.raises(InvalidInput, match="as CSV"):
        write_table(io.BytesIO(), "xlsx", ["a"], [["x" * (LONGEST_TEXT + 1)]], title="Events")
    out = io.BytesIO()
    assert write_table(out, "xlsx", ["a", "b"], [["#N/A\x01", Decimal("3.50")]], title="Events") == 1
    (row,) = openpyxl.load_workbook(out).active.iter_rows(min_row=2)
    assert [(cell.value, cell.data_type) for cell in row] == [("#N/A\ufffd", "s"), (3.5, "n")]


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        (999_999_999_999_999, (999_999_999_999_999, "n")),
        (-999_999_999_999_999, (-999_999_999_999_999, "n")),
        (1_234_567_890_123_456, ("1234567890123456", "s")),
        (-1_234_567_890_123_456, ("-1234567890123456", "s")),
        (Decimal("12345678901234567.89"), ("12345678901234567.89", "s")),
        (Decimal("1E+20"), ("100000000000000000000", "s")),
        (Decimal("1234567890123.45"), (1234567890123.45, "n")),
        (Decimal("0.10"), (0.1, "n")),
    ],
)
def test_a_number_that_a_spreadsheet_would_round_stands_there_as_text(
    number: int | Decimal, kept: tuple[object, str]
) -> None:
    out = io.BytesIO()
    write_table(out, "xlsx", ["worth"], [[number]], title="Orders")
    ((cell,),) = openpyxl.load_workbook(out).active.iter_rows(min_row=2)
    assert (cell.value, cell.data_type) == kept
    out.seek(0)
    (read,) = [each.cells["worth"] for each in read_table(out, kind="x", columns=["worth"])]
    assert Decimal(read) == number


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_memory_stays_flat_however_long_the_table_is(format: str, tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        tracemalloc.start()
        with (tmp_path / "out").open("wb") as out:
            write_table(out, format, ["a", "b"], ([n, "x" * 200] for n in range(rows)), title="x")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(20_000) < 2 * peak(2_000)


def test_an_unknown_kind_is_named_with_those_there_are(database: Database) -> None:
    with pytest.raises(NotFound, match="products, customers"):
        take_out(database, "secrets")


def test_the_results_of_a_period_have_each_line_once_a_day(database: Database) -> None:
    with database.writing() as connection:
        driven = Driven(database, a_round(connection, stops=2, loaded=12))
    driven.says(0, delivered=7, short=2, damaged=2, refused=1)
    driven.says(1, Outcome.NOT_HOME)
    with database.reading() as connection:
        rows = list(period_results(connection, from_day="2026-05-01", to_day="2026-05-31"))
        assert [(each.order, each.day, each.delivered, each.returned) for each in rows] == [
            ("SO-1-1", DAY, 7, 0), ("SO-1-2", DAY, 0, 12),
        ]  # fmt: skip
        with pytest.raises(NotFound, match="from Mon 1 Jun 2026 to Tue 30 Jun 2026"):
            period_results(connection, from_day="2026-06-01", to_day="2026-06-30")
