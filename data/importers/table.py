"""Reads a CSV or XLSX of one of our templates, row by row. A fault of the file is found before anything is used.

CSV: UTF-8 with or without a byte order mark, comma or semicolon. XLSX: the first sheet. A header row with every column
of the template in any order. The file is read twice: once to see that it can be read to its end, once to be used.
Memory stays flat.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, TextIO

from data.formulas import read_back
from data.importers.spreadsheet import is_spreadsheet, sheet_rows, unpacked
from routing.errors import FileRefused

LONGEST_CELL = 20_000
"""Characters. A longer cell is no order: it is a quote that was opened and never closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: the line it begins on (the header is 1), its cells by column without surrounding blanks.

    `fault` says why its cells cannot be trusted at all; empty when they can.
    """

    number: int
    cells: dict[str, str]
    fault: str = ""


def read_table(file: BinaryIO, *, kind: str, columns: Sequence[str], optional: Collection[str] = ()) -> Iterator[Row]:
    """The rows of a seekable binary file. Raises FileRefused before the first row, and then not any more."""
    if not is_spreadsheet(file):
        _refuse_no_rows(_of_csv(file, kind, columns, optional), kind)
        return _of_csv(file, kind, columns, optional)
    spool = unpacked(file, kind)
    try:
        _refuse_no_rows(_of_sheet(spool, kind, columns, optional), kind)
    except FileRefused:
        spool.close()
        raise
    return _closing(spool, _of_sheet(spool, kind, columns, optional))


def _refuse_no_rows(rows: Iterator[Row], kind: str) -> None:
    """Reads to the end, which raises FileRefused for what cannot be read."""
    if not sum(1 for _ in rows):
        raise FileRefused(
            f"The {kind} file has a header and no rows. Export it again, or check that this is the right file.",
            code="no_rows",
        )


def _closing(spool: TextIO, rows: Iterator[Row]) -> Iterator[Row]:
    with spool:
        yield from rows


def _of_sheet(spool: TextIO, kind: str, columns: Sequence[str], optional: Collection[str]) -> Iterator[Row]:
    lines = sheet_rows(spool)
    number, header = next(lines, (1, []))
    while header and not header[-1]:
        header.pop()
    if not header:
        raise FileRefused(f"The {kind} file is empty. Its first row must name the columns.", code="empty")
    header = [name.lower() for name in header]
    _check_header(header, kind, columns, optional)
    for number, found in lines:
        cells, beyond = found[: len(header)], found[len(header) :]
        _check_sizes(number, header, cells, kind)
        fault = "something stands to the right of the last named column: remove it, or name the column"
        cells += [""] * (len(header) - len(cells))
        yield Row(number=number, cells=dict(zip(header, cells, strict=True)), fault=fault if any(beyond) else "")


def _check_sizes(number: int, header: Sequence[str], cells: Sequence[str], kind: str) -> None:
    for name, cell in zip(header, cells, strict=False):
        if len(cell) > LONGEST_CELL:
            raise FileRefused(
                f"Row {number} of the {kind} file has {len(cell):,} characters in column {name}; "
                f"at most {LONGEST_CELL:,} are read. Look for a quotation mark that is never closed.",
                code="huge_cell",
            )


def _of_csv(file: BinaryIO, kind: str, columns: Sequence[str], optional: Collection[str]) -> Iterator[Row]:
    file.seek(0)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="strict", newline="")
    try:
        yield from _parsed(text, kind, columns, optional)
    except UnicodeDecodeError as problem:
        raise FileRefused(
            f"The {kind} file is not UTF-8: byte {problem.object[problem.start]:#04x} cannot be read. "
            "Save it as UTF-8 (in a spreadsheet: CSV UTF-8) and import it again.",
            code="encoding",
        ) from problem
    except csv.Error as problem:
        raise FileRefused(
            f"The {kind} file cannot be read as a table: {problem}. "
            "Look for a quotation mark that is opened and never closed.",
            code="unreadable",
        ) from problem
    finally:
        text.detach()


def _parsed(text: io.TextIOWrapper, kind: str, columns: Sequence[str], optional: Collection[str]) -> Iterator[Row]:
    first = text.readline(LONGEST_CELL)
    if not first.strip():
        raise FileRefused(f"The {kind} file is empty. Its first row must name the columns.", code="empty")
    delimiter = ";" if first.count(";") > first.count(",") else ","
    header = [name.strip().strip('"').strip().lower() for name in first.rstrip("\r\n").split(delimiter)]
    _check_header(header, kind, columns, optional)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    number = 2
    for cells in reader:
        began, number = number, reader.line_num + 2
        _check_sizes(began, header, cells, kind)
        if not any(cell.strip() for cell in cells):
            continue  # blank lines at the end of an export
        fault = ""
        if len(cells) != len(header):
            fault = (
                f"the row has {len(cells)} cells and the header {len(header)}: "
                f"put texts that contain {delimiter} between quotation marks"
            )
        elif any("\0" in cell for cell in cells):
            fault = "the row contains a null character: remove it"
        yield Row(
            number=began,
            cells={name: read_back(cell.strip()) for name, cell in zip(header, cells, strict=False)},
            fault=fault,
        )


def _check_header(header: list[str], kind: str, columns: Sequence[str], optional: Collection[str]) -> None:
    twice = [name for name in columns if header.count(name) > 1]
    if twice:
        raise FileRefused(
            f"The {kind} file has the column {twice[0]} twice. Keep one of them.", code="column_twice", column=twice[0]
        )
    missing = [name for name in columns if name not in header]
    if missing:
        raise FileRefused(
            f"The {kind} file lacks {_columns(missing)}. The header must name: {', '.join(columns)}.",
            code="missing_column",
            column=missing[0],
        )
    unknown = [name for name in header if name not in columns and name not in optional]
    if unknown:
        raise FileRefused(
            f"The {kind} file has {_columns([name[:40] or '(no name)' for name in unknown])} that we do not know. "
            f"Remove or rename it. Known are: {', '.join([*columns, *optional])}.",
            code="unknown_column",
            column=unknown[0][:40],
        )


def _columns(names: list[str]) -> str:
    return f"the column {names[0]}" if len(names) == 1 else f"the columns {', '.join(names[:12])}"
