"""Everything that can be taken out, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from sqlalchemy import Connection, Table, func, select

from data import tables
from data.exporters import books, fleet, goods_lists, templates
from data.exporters.sheets import Cell, write_table
from data.importers import inbound, sources, stock_counts, substitutes
from data.queries.open_lines import count_open_lines
from routing.errors import NotFound

Rows = Callable[[Connection], Iterator[list[Cell]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`template`: `backroute import` takes the file. The rows of `counted`, and of `more`, are what the page counts."""

    name: str
    columns: Sequence[str]
    rows: Rows
    counted: Table
    template: bool = False
    more: Sequence[Table] = ()

    def count(self, connection: Connection) -> int:
        if self.name == "backorders":
            return count_open_lines(connection)
        if self.name == "counts":
            return sum(1 for _row in self.rows(connection))
        query = select(func.count()).select_from(self.counted)
        if self.name == "inbound":
            query = query.where(self.counted.c.kind == "inbound")
        others = sum(int(connection.scalar(select(func.count()).select_from(table)) or 0) for table in self.more)
        return int(connection.scalar(query) or 0) + others


def _kind(
    name: str,
    columns: Sequence[str],
    rows: Rows,
    counted: Table,
    *,
    template: bool = False,
    more: Sequence[Table] = (),
) -> Kind:
    return Kind(name=name, columns=columns, rows=rows, counted=counted, template=template, more=more)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        _kind(
            "fleet",
            fleet.COLUMNS,
            fleet.fleet_rows,
            tables.vehicle,
            template=True,
            more=(tables.depot, tables.zone, tables.driver, tables.shift_template),
        ),
        _kind("products", templates.PRODUCTS, templates.product_rows, tables.product, template=True),
        _kind("customers", templates.CUSTOMERS, templates.customer_rows, tables.site, template=True),
        _kind("sites", templates.SITES, templates.site_rows, tables.site, template=True),
        _kind("suppliers", templates.SUPPLIERS, templates.supplier_rows, tables.supplier, template=True),
        _kind("sources", sources.COLUMNS, goods_lists.source_rows, tables.product_supplier, template=True),
        _kind(
            "substitutes", substitutes.COLUMNS, goods_lists.substitute_rows, tables.product_substitute, template=True
        ),
        _kind("inbound", inbound.COLUMNS, templates.inbound_rows, tables.supply, template=True),
        _kind("stock", books.STOCK, books.stock_rows, tables.product),
        _kind("counts", stock_counts.COLUMNS, goods_lists.count_rows, tables.supply, template=True),
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
