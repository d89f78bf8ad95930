"""The rows of an order: they must stand together, and each must name it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from data.importers.table import CheckedTable, Row
from routing.model.imports import ImportResult


def orders_of(table: CheckedTable, result: ImportResult, *, by: tuple[str, ...] = ("order",)) -> Iterator[list[Row]]:
    """The rows of each order, by these columns, the number first. One whose rows do not stand together is left out as
    a whole, and so is one with a row below it that names no order: it may be a line of it."""

    def orders(rows: Iterable[Row]) -> Iterator[tuple[tuple[str, ...], Row]]:
        above: tuple[str, ...] = ("",) * len(by)
        for row in rows:
            named = tuple(row.cells.get(column, "") for column in by)
            above = named if named[0] or not above[0] else above
            yield above, row

    scattered = _scattered(order for order, _row in orders(table.rows(silently=True)))
    for order, group in groupby(orders(table.rows()), key=lambda each: each[0]):
        together = [row for _order, row in group]
        unnamed = next((row for row in together if not row.cells.get(by[0])), None)
        if order[0] and unnamed is not None:
            result.left_out(
                unnamed.number,
                f"Order {order[0][:60]} was left out: the row below it names no order, and may be a line of it. "
                "Write the number of the order into each of its rows (of merged cells only the first has it).",
            )
            continue
        if order[0] and order in scattered:
            result.left_out(
                together[0].number,
                f"Order {order[0][:60]} was left out: its rows do not stand together. "
                "Sort the file by order and import it again.",
            )
            continue
        yield together


def _scattered(orders: Iterable[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """The orders whose rows do not stand together."""
    seen: set[tuple[str, ...]] = set()
    scattered: set[tuple[str, ...]] = set()
    for order, _ in groupby(orders):
        (scattered if order in seen else seen).add(order)
    return scattered
