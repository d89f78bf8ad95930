"""The results of a day or a period as CSV or XLSX, for an ERP and for a spreadsheet.

As `data/exporters/sheets.py` says. Counts are whole numbers of base units. `at` is ISO 8601 with the offset of the
site's zone, days are ISO dates. A line that was on vans on two days has a row for each day, and no row twice. What was
corrected has a row after it, whose counts are differences. What was due and paid at the door is an amount of the order
in `currency`: it stands on the first line of the order that day, and on the others is 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import BinaryIO
from zoneinfo import ZoneInfo

from data.exporters.sheets import Cell, write_table
from data.queries.results import LineResult
from routing.model.money import in_units

COLUMNS = (
    "order", "line", "source", "erp_reference", "line_erp_reference", "customer_reference", "customer_number",
    "customer", "site_number", "site", "depot", "sku", "unit", "ordered",
    "sent", "delivered", "short", "damaged", "refused", "returned", "lost", "counted_back", "credited", "open",
    "promised_on", "expected_on", "day", "delivery", "outcome", "at", "recipient", "proof_link", "reason", "correction",
    "due_at_door", "paid_at_door", "paid_by", "currency", "paid_cash", "paid_card", "paid_other",
)  # fmt: skip


def write_results(out: BinaryIO, results: Iterable[LineResult], *, format: str, mark: bool = True) -> int:
    """Writes the table and returns how many rows it has. Raises InvalidInput when it does not fit into an XLSX."""
    return write_table(
        out,
        format,
        COLUMNS,
        ([_cell(each, column) for column in COLUMNS] for each in results),
        title="Results",
        mark=mark,
    )


def result_document(result: LineResult) -> dict[str, str | int | None]:
    """The same of one row for a program: amounts as text, like "12.50"."""
    cells = {column: _cell(result, column) for column in COLUMNS}
    return {column: str(value) if isinstance(value, Decimal) else value for column, value in cells.items()}


def _cell(result: LineResult, column: str) -> Cell:
    if column == "at":
        return "" if result.at is None else result.at.astimezone(ZoneInfo(result.zone)).isoformat(timespec="seconds")
    value: Cell = getattr(result, column)
    if column in ("due_at_door", "paid_at_door", "paid_cash", "paid_card", "paid_other"):
        return in_units(getattr(result, column), result.currency)
    return value
