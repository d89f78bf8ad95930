"""Everything that can be taken out, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from sqlalchemy import Connection, Table, func, select

from data import tables
from data.exporters import books, templates
from data.exporters.sheets import Cell, write_table
from data.importers import inbound
from data.queries.open_lines import count_open_lines
from routing.errors import NotFound

Rows = Callable[[Connection], Iterator[list[Cell]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`template`: `backroute import` takes the file. The rows of `counted` are what the page counts."""

    name: str
    columns: Sequence[str]
    rows: Rows
    counted: Table
    template: bool = False

    def count(self, connection: Connection) -> int:
        if self.name == "backorders":
            return count_open_lines(connection)
        query = select(func.count()).select_from(self.counted)
        if self.name == "inbound":
            query = query.where(self.counted.c.kind == "inbound")
        return int(connection.scalar(query) or 0)


def _kind(name: str, columns: Sequence[str], rows: Rows, counted: Table, *, template: bool = False) -> Kind:
    return Kind(name=name, columns=columns, rows=rows, counted=counted, template=template)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        _kind("products", templates.PRODUCTS, templates.product_rows, tables.product, template=True),
        _kind("customers", templates.CUSTOMERS, templates.customer_rows, tables.site, template=True),
        _kind("suppliers", templates.SUPPLIERS, templates.supplier_rows, tables.supplier, template=True),
        _kind("inbound", inbound.COLUMNS, templates.inbound_rows, tables.supply, template=True),
        _kind("stock", books.STOCK, books.stock_rows, tables.product),
        _kind("orders", templates.ORDERS, templates.order_rows, tables.order, template=True),
        _kind("backorders", books.BACKORDERS, books.backorder_rows, tables.order_line),
        _kind("promises", books.PROMISES, books.promise_rows, tables.promise),
        _kind("allocations", books.ALLOCATIONS, books.allocation_rows, tables.allocation),
        _kind("movements", books.MOVEMENTS, books.movement_rows, tables.movement),
        _kind("deliveries", books.DELIVERIES, books.delivery_rows, tables.delivery),
        _kind("tasks", books.TASKS, books.task_rows, tables.task),
        _kind("events", books.EVENTS, books.event_rows, tables.event),
    )
}


def export(connection: Connection, name: str, out: BinaryIO, *, format: str, mark: bool = True) -> int:
    """Writes everything of a kind and returns how many rows that is; `mark` as in sheets.

    Raises NotFound, InvalidInput.
    """
    kind = KINDS.get(name)
    if kind is None:
        raise NotFound(f'There is no export "{name[:40]}". There are: {", ".join(KINDS)}.', code="export")
    return write_table(out, format, kind.columns, kind.rows(connection), title=name.capitalize(), mark=mark)
