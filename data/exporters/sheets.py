"""A table as CSV or XLSX, row by row: memory stays flat however long it is.

CSV: UTF-8 with a byte order mark (without it Excel reads ä as two letters; a program that reads a pipe would take it
for a part of the first name: `mark=False`), commas, one header row, CRLF, quotation
marks where a cell needs them; texts that would run as a formula as `data/formulas.py` says. XLSX: one sheet, its
header frozen; numbers are numbers up to the digits that a spreadsheet keeps and text beyond, every text is of type
text, days and times are ISO text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import BinaryIO

from data.formulas import written
from routing.errors import InvalidInput

Cell = str | int | Decimal | None

MOST_ROWS = 1_048_575
"""That a spreadsheet holds below its header."""
LONGEST_TEXT = 32_767
MOST_DIGITS = 15
"""That a spreadsheet keeps of a number: what follows becomes zeros, or all of it a row of #."""

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def write_table(
    out: BinaryIO,
    format: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    title: str,
    mark: bool = True,
) -> int:
    """Writes the table and returns how many rows it has. Raises InvalidInput when it does not fit into an XLSX."""
    if format == "csv":
        return _write_csv(out, columns, rows, mark)
    return _write_xlsx(out, columns, rows, title)


def _write_csv(out: BinaryIO, columns: Sequence[str], rows: Iterable[Sequence[Cell]], mark: bool) -> int:
    text = io.TextIOWrapper(
        out, encoding="utf-8-sig" if mark else "utf-8", errors="replace", newline="", write_through=False
    )
    writer = csv.writer(text)
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([written(cell) if isinstance(cell, str) else cell for cell in row])
        count += 1
    text.flush()
    text.detach()
    return count


def _unrounded(cell: int | Decimal | None) -> Cell:
    """The number, as text where a spreadsheet would make another one of it.

    >>> [_unrounded(each) for each in (999_999_999_999_999, 1_000_000_000_000_001, None)]
    [999999999999999, '1000000000000001', None]
    """
    if cell is None:
        return None
    _sign, digits, exponent = Decimal(cell).as_tuple()
    fits = not isinstance(exponent, int) or len(digits) + max(0, exponent) <= MOST_DIGITS
    return cell if fits else f"{Decimal(cell):f}"


def _write_xlsx(out: BinaryIO, columns: Sequence[str], rows: Iterable[Sequence[Cell]], title: str) -> int:
    import openpyxl  # slow to load, and most files are CSV
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    sheet.freeze_panes = "A2"

    def fitting(cell: Cell) -> object:
        if not isinstance(cell, str):
            return _unrounded(cell)
        if len(cell) > LONGEST_TEXT:
            raise InvalidInput(
                f"A text of {len(cell):,} characters does not fit into a spreadsheet's cell. Take {title} as CSV.",
                code="too_long_for_xlsx",
            )
        plain = ILLEGAL_CHARACTERS_RE.sub("\ufffd", cell)
        if not plain.startswith(("=", "#")):
            return plain
        made = WriteOnlyCell(sheet, plain)
        made.data_type = "s"  # else = is a formula and #N/A an error
        return made

    count = 0
    try:
        sheet.append(list(columns))
        for row in rows:
            count += 1
            if count > MOST_ROWS:
                raise InvalidInput(
                    f"{title} has more than the {MOST_ROWS:,} rows that a spreadsheet holds. Take it as CSV.",
                    code="too_many_for_xlsx",
                )
            sheet.append([fitting(cell) for cell in row])
    except BaseException:
        sheet.close()
        raise
    book.save(out)
    return count
