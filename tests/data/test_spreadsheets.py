"""A spreadsheet is taken as the CSV of the same table would be; one that is no table is refused by a sentence."""

from __future__ import annotations

import contextlib
import io
import tracemalloc
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.importers import products
from data.importers.spreadsheet import MOST_BYTES
from data.importers.table import Row, read_table
from data.store import SqlStore
from routing.errors import FileRefused

COLUMNS = ("sku", "name", "day")


def book(*rows: Sequence[object], title: str = "Sheet 1") -> io.BytesIO:
    made = openpyxl.Workbook()
    made.active.title = title
    for row in rows:
        made.active.append(list(row))
    return saved(made)


def saved(made: Any) -> io.BytesIO:
    file = io.BytesIO()
    made.save(file)
    file.seek(0)
    return file


def read(file: io.BytesIO) -> list[Row]:
    return list(read_table(file, kind="products", columns=COLUMNS))


def number_of(number: bytes, *, instead: bytes = b"") -> io.BytesIO:
    """A sheet whose first cell holds the number, which openpyxl would not write, or another cell instead."""
    plain = b'<c r="A2" t="n"><v>12345</v></c>'
    file, made = io.BytesIO(), zipfile.ZipFile(book(COLUMNS, (12345, "a", "b")))
    with made, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        for name in made.namelist():
            content = made.read(name)
            if name.endswith("sheet1.xml"):
                assert plain in content
                content = content.replace(plain, instead or plain.replace(b"12345", number))
            parts.writestr(name, content)
    file.seek(0)
    return file


def test_cells_are_read_as_a_person_sees_them() -> None:
    rows = read(
        book(
            ("SKU ", "Name", "day"),
            ("OAT-1", " Oat drink ", date(2026, 5, 12)),
            (12.0, 3.5, datetime(2026, 5, 12, 14, 30)),  # noqa: DTZ001 (a sheet knows no zone)
            (True, "two\nlines", time(9, 5)),
            (0.1 + 0.2, None, ""),
        )
    )
    assert [tuple(row.cells.values()) for row in rows] == [
        ("OAT-1", "Oat drink", "2026-05-12"),
        ("12", "3.5", "2026-05-12 14:30:00"),
        ("yes", "two\nlines", "09:05"),
        ("0.3", "", ""),
    ]


def test_the_leading_zeros_a_sheet_shows_are_kept() -> None:
    made = openpyxl.Workbook()
    made.active.append(COLUMNS)
    made.active.append((100, "x", ""))
    made.active["A2"].number_format = "00000"
    assert read(saved(made))[0].cells["sku"] == "00100"


def test_a_row_keeps_the_number_it_has_in_the_sheet() -> None:
    rows = read(book(COLUMNS, ("a", "two\nlines", ""), (), ("", " ", None), ("b", "x", "")))
    assert [(row.number, row.cells["sku"]) for row in rows] == [(2, "a"), (5, "b")]


def test_the_first_visible_sheet_is_the_table() -> None:
    made = openpyxl.Workbook()
    made.active.append(("notes",))
    made.active.sheet_state = "hidden"
    table = made.create_sheet("Products")
    table.append(COLUMNS)
    table.append(("a", "x", ""))
    assert [row.cells["sku"] for row in read(saved(made))] == ["a"]


def test_a_cell_beyond_the_header_is_a_fault_of_its_row_only() -> None:
    rows = read(book((*COLUMNS, None), ("a", "x", "", "lost?"), ("b",)))
    assert [bool(row.fault) for row in rows] == [True, False]
    assert "to the right of the last named column" in rows[0].fault
    assert rows[1].cells == {"sku": "b", "name": "", "day": ""}


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ((), "empty"),
        ((COLUMNS,), "no_rows"),
        ((("sku", "day"), ("a", "x")), "missing_column"),
        (((*COLUMNS, "colour"), ("a",)), "unknown_column"),
        (((*COLUMNS, "sku"), ("a",)), "column_twice"),
        ((COLUMNS, ("x" * 30_000,)), "huge_cell"),
    ],
)
def test_a_sheet_that_is_no_such_table_is_refused(rows: tuple[Sequence[object], ...], code: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read(book(*rows))
    assert refused.value.code == code
    assert len(str(refused.value)) < 400


def changed(part: str, content: bytes) -> io.BytesIO:
    """A sound book in which one part is another."""
    sound, file = zipfile.ZipFile(book(COLUMNS, ("a", "x", ""))), io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name in sound.namelist():
            made.writestr(name, content if name == part else sound.read(name))
    file.seek(0)
    return file


SHEET = "xl/worksheets/sheet1.xml"
LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">
<c r="A1" t="inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>"""


@pytest.mark.parametrize(
    ("part", "content"),
    [
        (SHEET, b""),
        (SHEET, b"<worksheet"),
        (SHEET, LAUGHS),
        (SHEET, LAUGHS.replace(b'"aaaaaaaaaa"', b'SYSTEM "file:///etc/passwd"')),
        ("xl/workbook.xml", b"<nothing/>"),
        ("[Content_Types].xml", b"<Types/>"),
    ],
)
def test_damaged_and_hostile_parts_are_refused(part: str, content: bytes) -> None:
    with pytest.raises(FileRefused) as refused:
        read(changed(part, content))
    assert refused.value.code in ("unreadable", "empty")


def test_a_file_made_to_fill_the_memory_is_refused_before_it_is_unpacked() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made, made.open("x", "w") as part:
        for _ in range((MOST_BYTES >> 24) + 1):
            part.write(bytes(1 << 24))
    file.seek(0)
    tracemalloc.start()
    with pytest.raises(FileRefused, match="unpacks to more than"):
        read(file)
    assert tracemalloc.get_traced_memory()[1] < 50 << 20
    tracemalloc.stop()


@given(content=st.binary(max_size=300), cut=st.integers(0, 5_000))
@settings(max_examples=60, deadline=None)
def test_no_bytes_end_otherwise_than_in_rows_or_a_refusal(content: bytes, cut: int) -> None:
    sound = book(COLUMNS, ("a", "x", "")).getvalue()
    for file in (b"PK\x03\x04" + content, sound[:cut], sound[:cut] + content + sound[cut:]):
        with contextlib.suppress(FileRefused):
            assert all(len(row.cells) == len(COLUMNS) for row in read(io.BytesIO(file)))


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"9" * 400])
def test_a_number_larger_than_any_is_refused(number: bytes) -> None:
    with pytest.raises(FileRefused) as refused:
        read(number_of(number))
    assert refused.value.code == "unreadable"


def test_a_text_that_fills_a_row_of_the_disk_is_refused() -> None:
    sheet = b"<t>" + b"x" * 200_000 + b"</t>"
    with pytest.raises(FileRefused) as refused:
        read(number_of(b"1", instead=b'<c r="A2" t="inlineStr"><is>' + sheet + b"</is></c>"))
    assert refused.value.code == "huge_cell"


def test_a_format_of_a_thousand_zeros_makes_no_number_of_a_thousand_digits() -> None:
    made = openpyxl.Workbook()
    made.active.append(["sku", "name", "day"])
    made.active.append([5, "a", ""])
    made.active["A2"].number_format = "0" * 1_000
    assert read(saved(made))[0].cells["sku"] == "5"


def test_a_formula_gives_its_value_and_no_cell_is_one_of_ours_to_run() -> None:
    rows = read(book(COLUMNS, ("=1+1", "x", ""), ("a", "y", "")))
    assert rows[-1].cells["sku"] == "a"
    assert all(not row.cells["sku"].startswith("=") for row in rows)


def test_the_same_table_as_sheet_and_as_csv_changes_nothing_the_second_time(store: SqlStore) -> None:
    now = datetime(2026, 5, 12, 5, 40, tzinfo=UTC)
    row = {"sku": "OAT-1", "name": "Oat drink", "unit": "pcs", "case_pack": 12, "weight_g": 1050}
    values = [row.get(name, "") for name in products.COLUMNS]
    csv = io.BytesIO(f"{','.join(products.COLUMNS)}\n{','.join(str(value) for value in values)}\n".encode())

    def take(file: io.BytesIO) -> tuple[int, int, int]:
        found = products.import_products(store, file, now=now, by="test", dry_run=False, file_name="x")
        assert found.errors == []
        return found.created, found.changed, found.unchanged

    assert take(book(products.COLUMNS, values)) == (1, 0, 0)
    assert take(csv) == (0, 0, 1)
