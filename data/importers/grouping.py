"""The rows of an order: they must stand together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from data.importers.table import CheckedTable, Row
from routing.model.imports import ImportResult


def orders_of(table: CheckedTable, result: ImportResult, *, by: tuple[str, ...] = ("order",)) -> Iterator[list[Row]]:
    """The rows of each order, by these columns, the number first. One whose rows do not stand together is left out as
    a whole."""

    def order_of(row: Row) -> tuple[str, ...]:
        return tuple(row.cells.get(column, "") for column in by)

    scattered = _scattered(order_of(row) for row in table.rows(silently=True))
    for order, group in groupby(table.rows(), key=order_of):
        together = list(group)
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
