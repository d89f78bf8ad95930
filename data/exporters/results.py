"""The results of a day as CSV, for an ERP and for a spreadsheet.

UTF-8 with a byte order mark (without it Excel reads ä as two letters), commas, one header row, CRLF, quotation marks
where a cell needs them. A text that begins with = + - @ or a tab would run as a formula, so it gets an apostrophe in
front, which a spreadsheet does not show; a program that reads the file takes one leading apostrophe off. Counts are
whole numbers of base units. `at` is ISO 8601 with the offset of the site's zone, days are ISO dates.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from data.queries.results import LineResult

COLUMNS = (
    "order", "line", "erp_reference", "line_erp_reference", "customer_reference", "customer", "site", "sku", "unit",
    "ordered", "sent", "delivered", "short", "damaged", "refused", "open", "promised_on", "expected_on",
    "delivery", "outcome", "at", "recipient", "proof_link",
)  # fmt: skip

FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""What a cell may not begin with. The apostrophe too, so that taking one off always gives the text back."""


def results_csv(results: Sequence[LineResult]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for each in results:
        writer.writerow([cell(each, column) for column in COLUMNS])
    return text.getvalue().encode("utf-8-sig")


def cell(result: LineResult, column: str) -> str | int:
    value = getattr(result, column)
    if column == "at":
        return "" if value is None else value.astimezone(ZoneInfo(result.zone)).isoformat(timespec="seconds")
    if isinstance(value, int):
        return value
    return f"'{value}" if value.startswith(FORMULA) else str(value)
