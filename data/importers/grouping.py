"""The rows of an order: they must stand together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from data.importers.table import CheckedTable, Row
from routing.model.imports import ImportResult


def orders_of(table: CheckedTable, result: ImportResult) -> Iterator[list[Row]]:
    """The rows of each order, by the column `order`. One whose rows do not stand together is left out as a whole."""
    scattered = _scattered(table.rows(silently=True))
    for number, group in groupby(table.rows(), key=lambda row: row.cells.get("order", "")):
        together = list(group)
        if number and number in scattered:
            result.left_out(
                together[0].number,
                f"Order {number[:60]} was left out: its rows do not stand together. "
                "Sort the file by order and import it again.",
            )
            continue
        yield together


def _scattered(rows: Iterable[Row]) -> set[str]:
    """The orders whose rows do not stand together."""
    seen: set[str] = set()
    scattered: set[str] = set()
    for number, _ in groupby(rows, key=lambda row: row.cells.get("order", "")):
        (scattered if number in seen else seen).add(number)
    return scattered
