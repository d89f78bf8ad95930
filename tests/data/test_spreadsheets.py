"""A spreadsheet is taken as the CSV of the same table would be; one that is no table is refused by a sentence."""

from __future__ import annotations

import contextlib
import io
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

from data.importers import products
from data.importers.sheet_cells import TooManyTexts, shared_strings
from data.importers.spreadsheet import MOST_BYTES, as_text, sheet_rows, unpacked
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


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9),
    st.datetimes(datetime(1900, 3, 1), datetime(2100, 1, 1)), st.times(),  # noqa: DTZ001 (a sheet knows no zone)
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=12),
    st.just(" two\nlines "),
)  # fmt: skip
FORMATS = st.sampled_from(["General", "00000", "0.00", "yyyy-mm-dd", "[h]:mm", "#,##0 \\x"])


@given(rows=st.lists(st.lists(st.tuples(VALUES, FORMATS), max_size=5), min_size=1, max_size=6), epoch=st.booleans())
@example(rows=[[(2958466.0, "yyyy-mm-dd")]], epoch=False)  # the first day that no calendar of ours has
@settings(max_examples=60, deadline=None)
def test_every_cell_reads_as_openpyxl_reads_it(rows: list[list[tuple[Any, str]]], epoch: bool) -> None:
    made = openpyxl.Workbook()
    made.epoch = MAC_EPOCH if epoch else WINDOWS_EPOCH
    for y, cells in enumerate(rows, start=1):
        for x, (value, number_format) in enumerate(cells, start=1):
            cell = made.active.cell(y, x)
            if isinstance(value, str):
                cell.value = f"x{value}"  # no formula of it
            else:
                cell.value = value
            if not isinstance(value, datetime | time | str | None):
                cell.number_format = number_format
    file = saved(made)
    sheet = openpyxl.load_workbook(file, read_only=True, data_only=True).active
    expected = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of dates after 9999, which are no fault of the reader's
        read_by_openpyxl = [[as_openpyxl(cell) for cell in row] for row in sheet.iter_rows()]
    for number, texts in enumerate(read_by_openpyxl, start=1):
        while texts and not texts[-1]:
            texts.pop()
        if texts:
            expected.append((number, texts))
    file.seek(0)
    with unpacked(file, "orders") as spool:
        found = [(number, [*cells]) for number, cells in sheet_rows(spool)]
    for _, texts in found:
        while texts and not texts[-1]:
            texts.pop()
    assert found == expected


def as_openpyxl(cell: Any) -> str:
    if isinstance(cell.value, str):
        return cell.value.strip()
    return "" if cell.value is None else as_text(cell.value, cell.number_format)


SHARED = b"""<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument\
.spreadsheetml.sharedStrings+xml"/></Types>"""


def with_sheet(rows: str, *, prefix: str = "", strings: str = "", before: str = "") -> io.BytesIO:
    """A book whose sheet and shared texts another program wrote."""
    main, colon = "http://schemas.openxmlformats.org/spreadsheetml/2006/main", f"{prefix}:" if prefix else ""
    name = f"xmlns:{prefix}" if prefix else "xmlns"
    sheet = f'<{colon}worksheet {name}="{main}"><{colon}sheetData>{rows}</{colon}sheetData></{colon}worksheet>'
    shared = f'{before}<sst xmlns="{main}">{strings}</sst>'
    sound, file = zipfile.ZipFile(book(COLUMNS, ("a", "x", ""))), io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for part in sound.namelist():
            content = sheet.encode() if part == SHEET else sound.read(part)
            if part == "[Content_Types].xml" and strings:
                content = content.replace(b"</Types>", SHARED)
            made.writestr(part, content)
        if strings:
            made.writestr("xl/sharedStrings.xml", shared)
    file.seek(0)
    return file


def test_texts_that_cells_share_are_read_without_their_looks_and_their_ruby() -> None:
    strings = (
        "<si><t>sku</t></si><si><t>name</t></si><si><t>day</t></si>"
        '<si><r><rPr><b/></rPr><t>Oat</t></r><r><t xml:space="preserve"> drink</t></r>'
        '<rPh sb="0" eb="1"><t>ruby</t></rPh></si><si/>'
    )
    rows = (
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>2</v></c></row>'
        '<row r="7"><c r="A7" t="str"><f>"ignore"&amp;A1</f><v>OAT-1</v></c><c r="B7" t="s"><v>3</v></c>'
        '<c r="C7" t="s"><v>4</v></c></row>'
    )
    (row,) = read(with_sheet(rows, strings=strings))
    assert (row.number, tuple(row.cells.values())) == (7, ("OAT-1", "Oat drink", ""))


MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
WIDE = '<row><c r="OJ1"><v>1</v></c></row>'


def with_part(end: str, change: Callable[[bytes], bytes]) -> io.BytesIO:
    """A small table of which one part is another, or one part more."""
    file, made = io.BytesIO(), zipfile.ZipFile(book(COLUMNS, ("a", "b", "c")))
    with made, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        for name in made.namelist():
            content = made.read(name)
            parts.writestr(name, change(content) if name.endswith(end) else content)
        if not any(name.endswith(end) for name in made.namelist()):
            parts.writestr(f"xl/{end}", change(b""))
    file.seek(0)
    return file


@pytest.mark.parametrize(
    "file",
    [
        # 400 columns of which 399 are empty are written as 399 commas.
        with_part(
            "sheet1.xml",
            lambda _: f"<worksheet {MAIN}><sheetData>{WIDE * 30_000}</sheetData></worksheet>".encode(),
        ),
        with_part("styles.xml", lambda old: old.replace(b"</cellXfs>", b"<xf/>" * 200_000 + b"</cellXfs>")),
        with_part("sharedStrings.xml", lambda _: f"<sst {MAIN}>{'<si><t>a</t></si>' * 1_100_000}</sst>".encode()),
    ],
    ids=["columns", "looks", "texts"],
)
def test_a_small_file_that_unfolds_hugely_is_refused_early(file: io.BytesIO) -> None:
    assert len(file.getvalue()) < 60_000
    tracemalloc.start()
    with pytest.raises(FileRefused, match="is small and unfolds") as refused:
        unpacked(file, "products")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.code == "huge_file"
    assert peak < 40 << 20


def test_more_texts_than_any_table_has_are_refused() -> None:
    texts = f"<sst {MAIN}><si><t>a</t></si><si><t>b</t></si></sst>".encode()
    assert shared_strings(io.BytesIO(texts), longest=10, most=2) == ["a", "b"]
    with pytest.raises(TooManyTexts):
        shared_strings(io.BytesIO(texts), longest=10, most=1)


def test_shared_texts_that_name_entities_are_refused() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>'
    file = with_sheet('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', strings="<si><t>&a;</t></si>", before=bomb)
    with pytest.raises(FileRefused, match="cannot be read as a spreadsheet"):
        read(file)


def test_a_sheet_whose_names_have_a_prefix_and_whose_cells_have_no_place_is_read() -> None:
    def cells(*texts: str) -> str:
        return "".join(f'<x:c t="inlineStr"><x:is><x:t>{text}</x:t></x:is></x:c>' for text in texts)

    rows = f"<x:row>{cells(*COLUMNS)}</x:row><x:row>{cells('a', 'x')}</x:row><x:row>{cells('b')}</x:row>"
    assert [(row.number, row.cells["sku"]) for row in read(with_sheet(rows, prefix="x"))] == [(2, "a"), (3, "b")]


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


@pytest.mark.parametrize("number", [b"12345678901234567890", b"1.2345678901234567E+19", b"1234567890123450"])
def test_a_number_of_more_digits_than_a_sheet_keeps_is_a_fault_of_its_row(number: bytes) -> None:
    (row,) = read(number_of(number))
    assert row.fault == (
        "sku is a number of more than 15 digits, and a spreadsheet keeps only 15 of them: format the column as text, "
        "then write the number in again"
    )
    (row,) = read(number_of(b"123456789012345"))
    assert (row.fault, row.cells["sku"]) == ("", "123456789012345")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("sku,name,day\nOAT-1,Kaurajuoma 1 l äö,\n".encode("utf-16-le"), "is written in UTF-16"),
        ("sku,name,day\nOAT-1,Kaurajuoma 1 l äö,\n".encode("utf-16-be"), "is written in UTF-16"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "is a PDF"),
    ],
    ids=["UTF-16, small end first", "UTF-16, large end first", "PDF"],
)
def test_what_is_no_table_is_told_what_it_is(content: bytes, said: str) -> None:
    with pytest.raises(FileRefused, match=said):
        read(io.BytesIO(content))


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


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (b'<c r="A2"><f>VLOOKUP(B2,C:C,1,0)</f></c>', "sku is a formula that nobody has calculated yet: open the file"),
        (b'<c r="A2"><f>2+3</f><v></v></c>', "sku is a formula that nobody has calculated yet"),
        (b'<c r="A2" t="e"><f>VLOOKUP(B2,C:C,1,0)</f><v>#N/A</v></c>', "sku reads #N/A: its formula failed"),
        (b'<c r="A2" t="e"><v>#DIV/0!</v></c>', "sku reads #DIV/0!: its formula failed"),
    ],
)
def test_a_formula_without_a_value_is_a_fault_of_its_row_and_no_empty_cell(cell: bytes, said: str) -> None:
    """Read as empty it would empty what is known, and #N/A would become somebody's name."""
    assert said in read(number_of(b"", instead=cell))[0].fault


def test_a_formula_that_gives_no_text_is_an_empty_cell() -> None:
    (row,) = read(number_of(b"", instead=b'<c r="A2" t="str"><f>IF(1=2,"x","")</f><v></v></c>'))
    assert (row.cells["sku"], row.fault) == ("", "")


def test_an_error_that_a_spreadsheet_wrote_into_a_csv_is_a_fault_too() -> None:
    (row,) = read(io.BytesIO(b"sku,name,day\na,#REF!,\n"))
    assert "name reads #REF!: its formula failed" in row.fault


@pytest.mark.parametrize(
    ("value", "number_format", "seen"),
    [
        (1, "0%", "100%"),
        (0.5, "0%", "50%"),
        (0.125, "0.0 %", "12.5%"),
        (0.07, "0%", "7%"),
        (3, '0" %"', "3"),
        (3, r"0\%", "3"),
    ],
)
def test_a_share_is_read_as_the_percent_that_the_sheet_shows(value: float, number_format: str, seen: str) -> None:
    assert as_text(value, number_format) == seen
