"""Reads the first sheet of an XLSX as rows of text, as a person sees them: 12, 3.5, 2026-05-12, 00100.

openpyxl reads the workbook, its formats and which sheets it has; `sheet_cells` the cells. defusedxml, which openpyxl
takes when it is installed, refuses entities and outside references in the XML. Values only: a formula gives what the
spreadsheet last calculated, macros are never looked at.
"""

from __future__ import annotations

import csv
import re
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time
from typing import Any, BinaryIO, TextIO
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError
from zipfile import BadZipFile, ZipFile

from data.importers.sheet_cells import AT_ONCE, CellTooLong, NumberText, TooManyTexts, shared_strings, sheet_cells
from routing.errors import Cancelled, FileRefused

MOST_BYTES = 1 << 30
"""Of XML, unpacked. A million rows need less; a file that unpacks to more was made to fill the memory."""

MOST_TAGS = 100_000
"""In a part that is read whole: the looks of cells, the names of sheets. A table has a few dozen of each."""

MOST_TEXTS = 2_000_000
"""Different texts of a workbook: as many as a million rows of two columns need."""

MOST_UNFOLDED = 200
"""Bytes for each byte of the file, once they are more than memory holds. Rows that differ unfold to ten or twenty."""

LONGEST_CELL = 20_000
"""Characters, of a CSV as of a sheet. A longer cell is no order: in a CSV it is a quote that was opened and never
closed, in a sheet one text that every cell points to may fill the disk."""

TOO_MANY_DIGITS = "#DIGITS!"
"""Instead of a number of more digits than a spreadsheet keeps: what it has in its place is another number."""

MOST_COLUMNS = 400
TICK_EVERY = 500
"""Rows."""
_IN_MEMORY = 8 << 20
_PERCENT = re.compile(r'^(?:[^"\\%]|"[^"]*"|\\.)*%')
"""A number format whose percent sign is neither quoted nor escaped: the sheet shows a hundred times the number."""
_READ_WHOLE = ("styles.xml", "workbook.xml", "workbook.xml.rels", "[Content_Types].xml")
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_UNREADABLE = (
    BadZipFile, ParseError, ExpatError, zlib.error, ValueError, LookupError, TypeError, AttributeError, EOFError,
    OSError, NotImplementedError, RuntimeError, ArithmeticError,
)  # fmt: skip
"""What openpyxl, zipfile and defusedxml raise for a file that only looks like a spreadsheet."""


def is_spreadsheet(file: BinaryIO) -> bool:
    """Whether the file begins as XLSX, or as what is refused with the same mend: old XLS, a file with a password."""
    file.seek(0)
    first = file.read(4)
    file.seek(0)
    return first in (_ZIP, _OLE)


def refuse_if_only_named_so(file: BinaryIO, name: str, kind: str) -> None:
    """A file called .xlsx that is none would be told off for its header. Raises FileRefused."""
    if name.lower().endswith((".xlsx", ".xlsm")) and not is_spreadsheet(file):
        raise FileRefused(
            f"The {kind} file is called {name[-40:]} and is no spreadsheet: it is damaged or something else. "
            "Open it and save it as XLSX again, or call it .csv if it is one.",
            code="unreadable",
        )


def unpacked(file: BinaryIO, kind: str, tick: Callable[[], None] | None = None) -> TextIO:
    """The sheet's rows in a temporary file, for `sheet_rows`: made once, because unpacking is what takes the time.
    Memory stays flat however long the sheet is; `tick` is called now and then. Raises FileRefused."""
    if file.read(4) == _OLE:
        raise FileRefused(
            f"The {kind} file is an old XLS or has a password, and neither can be read. "
            "Save it as XLSX without a password, or as CSV UTF-8.",
            code="old_spreadsheet",
        )
    spool: TextIO = tempfile.SpooledTemporaryFile(  # type: ignore[assignment]  # noqa: SIM115 (read until its rows are)
        max_size=_IN_MEMORY, mode="w+", encoding="utf-8", errors="surrogatepass", newline=""
    )
    try:
        _unpack(file, kind, spool, tick)
    except (FileRefused, Cancelled):
        spool.close()
        raise
    except TooManyTexts as problem:
        spool.close()
        raise _huge(kind) from problem
    except _UNREADABLE as problem:
        spool.close()
        raise FileRefused(
            f"The {kind} file cannot be read as a spreadsheet: it is damaged or something else. "
            "Open it and save it as XLSX again, or as CSV UTF-8.",
            code="unreadable",
        ) from problem
    return spool


def sheet_rows(spool: TextIO) -> Iterator[tuple[int, list[str]]]:
    """(row of the sheet from 1, its cells as text), blank rows left off; from the beginning at each call."""
    spool.seek(0)
    for number, *cells in csv.reader(spool):
        yield int(number), cells


def _unpack(file: BinaryIO, kind: str, spool: TextIO, tick: Callable[[], None] | None) -> None:
    # Slow to load, and most files are CSV.
    from openpyxl.reader.excel import ExcelReader
    from openpyxl.styles.stylesheet import apply_stylesheet
    from openpyxl.xml.constants import SHARED_STRINGS

    file.seek(0)
    with ZipFile(file) as parts:
        size, total = file.seek(0, 2), sum(part.file_size for part in parts.infolist())
        if total > MOST_BYTES:
            raise _huge(kind)
        if total > max(_IN_MEMORY * 2, size * MOST_UNFOLDED):
            raise _unfolds(kind)
        for part in parts.infolist():
            if part.filename.endswith(_READ_WHOLE):
                with parts.open(part) as source:
                    tags = 0
                    while data := source.read(AT_ONCE):
                        tags += data.count(b"<")
                        if tags > MOST_TAGS:
                            raise _unfolds(kind)
    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # styles and extensions it leaves aside
        book = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
        # Not `read`: it looks for the size a sheet states, which is often wrong, and reads the texts its slow way.
        book.read_manifest()
        book.read_workbook()
        apply_stylesheet(book.archive, book.wb)
    with book.archive as parts:
        strings: list[str] = []
        if (part := book.package.find(SHARED_STRINGS)) is not None:
            with parts.open(part.PartName[1:]) as source:
                strings = shared_strings(source, longest=LONGEST_CELL, most=MOST_TEXTS)
        sheets = [
            (sheet.state, rel.target)
            for sheet, rel in book.parser.find_sheets()
            if rel.target in book.valid_files and "chartsheet" not in rel.Type
        ]
        _, path = ([one for one in sheets if one[0] == "visible"] or sheets)[0]
        with parts.open(path) as source:
            cells = sheet_cells(
                source,
                strings=strings,
                number_text=_number_text(book.wb),
                special_text=_special_text,
                most_columns=MOST_COLUMNS,
                longest=LONGEST_CELL,
            )
            try:
                _spool(cells, kind, spool, tick, size=size)
            except CellTooLong as problem:
                raise FileRefused(
                    f"Row {problem.row} of the {kind} file has a cell of {problem.length:,} characters; at most "
                    f"{LONGEST_CELL:,} are read. Shorten it.",
                    code="huge_cell",
                ) from problem


class _Counted:
    """Counts the bytes that go into the spool: empty columns too are written, as commas."""

    def __init__(self, spool: TextIO) -> None:
        self.spool, self.bytes = spool, 0

    def write(self, text: str) -> int:
        self.bytes += len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        return self.spool.write(text)


def _spool(
    rows: Iterable[tuple[int, list[str]]], kind: str, spool: TextIO, tick: Callable[[], None] | None, *, size: int
) -> None:
    """`size`: bytes of the file."""
    sink = _Counted(spool)
    out, most = csv.writer(sink), max(_IN_MEMORY, size * MOST_UNFOLDED)
    for count, (number, cells) in enumerate(rows, start=1):
        if sink.bytes > MOST_BYTES:
            raise _huge(kind)
        if sink.bytes > most:
            raise _unfolds(kind)
        if tick is not None and count % TICK_EVERY == 0:
            tick()
        if any(cells):
            out.writerow([number, *cells])


def _huge(kind: str) -> FileRefused:
    return FileRefused(
        f"The {kind} file unpacks to more than {MOST_BYTES >> 20:,} MiB. Remove what does not belong to the "
        "table (pictures, other sheets), or save it as CSV UTF-8.",
        code="huge_file",
    )


def _unfolds(kind: str) -> FileRefused:
    return FileRefused(
        f"The {kind} file is small and unfolds to far more than a table of its size: it is damaged or was made to fill "
        "the memory. Copy the table into a new workbook and save that, or save it as CSV UTF-8.",
        code="huge_file",
    )


def _number_text(book: Any) -> NumberText:
    """By the formats of the workbook, which says which numbers are dates."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE
    from openpyxl.utils.datetime import from_excel

    def text(number: str, style: int) -> str:
        value = float(number) if any(sign in number for sign in ".eE") else int(number)
        if style in book._date_formats:
            try:
                value = from_excel(value, book.epoch, timedelta=style in book._timedelta_formats)
            except (OverflowError, ValueError):
                return "#VALUE!"  # which is what the spreadsheet shows
        key = book._cell_styles[style].numFmtId
        own = key - BUILTIN_FORMATS_MAX_SIZE
        return as_text(value, book._number_formats[own] if own >= 0 else BUILTIN_FORMATS.get(key, "General"))

    return text


def _special_text(kind: str, value: str) -> str:
    from openpyxl.utils.datetime import from_ISO8601

    return as_text(bool(int(value)) if kind == "b" else from_ISO8601(value))


def as_text(value: object, number_format: str = "") -> str:
    """A cell as a person reads it.

    >>> as_text(12.0), as_text(0.1 + 0.2), as_text(100, "00000"), as_text(1, "0%"), as_text(datetime(2026, 5, 12))
    ('12', '0.3', '00100', '100%', '2026-05-12')
    >>> as_text(123456789012345), as_text(1234567890123450)
    ('123456789012345', '#DIGITS!')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float) and _PERCENT.search(number_format):
        return f"{as_text(round(value * 100, 10))}%"
    if isinstance(value, int | float):
        # Both raise an ArithmeticError for what is larger than any number of a spreadsheet.
        if value == int(value) and abs(value) < 1e15:
            digits = str(int(value))
            return digits.zfill(len(number_format)) if re.fullmatch("0{1,40}", number_format) else digits
        digits = f"{value:.15g}"  # as many digits as a spreadsheet keeps
        return TOO_MANY_DIGITS if abs(value) >= 1e15 else digits
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, time):
        return value.isoformat(timespec="minutes")
    return value.isoformat() if isinstance(value, date) else str(value).strip()
