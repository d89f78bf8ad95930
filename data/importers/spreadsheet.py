"""Reads the first sheet of an XLSX as rows of text, as a person sees them: 12, 3.5, 2026-05-12, 00100.

openpyxl reads it row by row; defusedxml, which openpyxl takes when it is installed, refuses entities and outside
references in the XML. Values only: a formula gives what the spreadsheet last calculated, macros are never looked at.
"""

from __future__ import annotations

import csv
import re
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from typing import Any, BinaryIO, TextIO
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from routing.errors import Cancelled, FileRefused

MOST_BYTES = 1 << 30
"""Of XML, unpacked. A million rows need less; a file that unpacks to more was made to fill the memory."""

LONGEST_CELL = 20_000
"""Characters, of a CSV as of a sheet. A longer cell is no order: in a CSV it is a quote that was opened and never
closed, in a sheet one text that every cell points to may fill the disk."""

MOST_COLUMNS = 400
TICK_EVERY = 500
"""Rows."""
_IN_MEMORY = 8 << 20
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_UNREADABLE = (
    BadZipFile, ParseError, zlib.error, ValueError, LookupError, TypeError, AttributeError, EOFError, OSError,
    NotImplementedError, RuntimeError, ArithmeticError,
)  # fmt: skip
"""What openpyxl, zipfile and defusedxml raise for a file that only looks like a spreadsheet."""


def is_spreadsheet(file: BinaryIO) -> bool:
    """Whether the file begins as XLSX, or as what is refused with the same mend: old XLS, a file with a password."""
    file.seek(0)
    first = file.read(4)
    file.seek(0)
    return first in (_ZIP, _OLE)


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
    import openpyxl  # slow to load, and most files are CSV

    out = csv.writer(spool)
    file.seek(0)
    with ZipFile(file) as parts:
        if sum(part.file_size for part in parts.infolist()) > MOST_BYTES:
            raise _huge(kind)
    file.seek(0)
    written = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # styles and extensions it leaves aside
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        try:
            sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
            sheet = sheets[0]
            # The size a sheet states is often wrong, and then rows would be cut off.
            sheet.reset_dimensions()
            # Without max_col: with it every row is filled up to so many cells, which takes longer than reading them.
            for number, row in enumerate(sheet.iter_rows(), start=1):
                cells = [_cell_text(cell) for cell in row[:MOST_COLUMNS]]
                longest = max(map(len, cells), default=0)
                written += sum(map(len, cells))
                if longest > LONGEST_CELL:
                    raise FileRefused(
                        f"Row {number} of the {kind} file has a cell of {longest:,} characters; at most "
                        f"{LONGEST_CELL:,} are read. Shorten it.",
                        code="huge_cell",
                    )
                if written > MOST_BYTES:
                    raise _huge(kind)
                if tick is not None and number % TICK_EVERY == 0:
                    tick()
                if any(cells):
                    out.writerow([number, *cells])
        finally:
            book.close()


def _huge(kind: str) -> FileRefused:
    return FileRefused(
        f"The {kind} file unpacks to more than {MOST_BYTES >> 20:,} MiB. Remove what does not belong to the "
        "table (pictures, other sheets), or save it as CSV UTF-8.",
        code="huge_file",
    )


def _cell_text(cell: Any) -> str:
    value = cell.value
    if isinstance(value, str):
        return value.strip()
    return "" if value is None else as_text(value, cell.number_format)


def as_text(value: object, number_format: str = "") -> str:
    """A cell as a person reads it.

    >>> as_text(12.0), as_text(0.1 + 0.2), as_text(100, "00000"), as_text(datetime(2026, 5, 12))
    ('12', '0.3', '00100', '2026-05-12')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        # Both raise an ArithmeticError for what is larger than any number of a spreadsheet.
        if value == int(value) and abs(value) < 1e15:
            digits = str(int(value))
            return digits.zfill(len(number_format)) if re.fullmatch("0{1,40}", number_format) else digits
        return f"{value:.15g}"  # as many digits as a spreadsheet keeps
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, time):
        return value.isoformat(timespec="minutes")
    return value.isoformat() if isinstance(value, date) else str(value).strip()
