"""orders.csv: what customers ordered, one row a line; the order's columns repeat on each of its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO

from data.importers.batch import MOST_WARNINGS, note_import
from data.importers.cells import LONGEST_NOTE, MOST, Cells, batches
from data.importers.doors import Doors
from data.importers.grouping import orders_of
from data.importers.presets import PRESETS
from data.importers.table import AS_OURS, Reading, Row, checked_table
from data.store import SqlStore
from routing.model.imports import ImportResult, LineIn, OrderIn
from routing.rules.imports import numbered
from routing.services.importing import Pools, settle_changed, take_orders

COLUMNS = (
    "order", "customer", "site", "depot", "ordered_at", "wanted_on", "not_before", "not_after", "customer_reference",
    "erp_reference", "completeness", "min_percent", "max_wait_days", "max_shipments", "hold", "payment", "urgent_by",
    "note", "line", "sku", "quantity", "unit_price", "currency", "promised_on", "min_value",
    "collect_at_door", "source",
)  # fmt: skip

SOURCES = ("own", *PRESETS)
"""Tells apart orders of one number that came from a shop and from ourselves, so that what was exported comes in again
as what it is."""

NEEDED = ("order", "customer", "depot", "ordered_at", "sku", "quantity")
"""Without these a file is no file of orders. A customer's only site goes without saying."""

_OF_THE_ORDER = (*COLUMNS[: COLUMNS.index("line")], "min_value", "collect_at_door", "source")
COLUMN_OF = {"hold_reason": "hold", "site_id": "site"}
"""The columns of an order that are called otherwise than its field."""
AT_ONCE = 500


def import_orders(
    store: SqlStore,
    file: BinaryIO,
    *,
    now: datetime,
    by: str,
    dry_run: bool = False,
    file_name: str = "",
    tell: bool = False,
    tell_others: bool = False,
    reading: Reading = AS_OURS,
) -> ImportResult:
    """Adds new orders, takes over changes of those that have nothing on its way, and allocates.

    A faulty row leaves out its whole order. A change of a released order becomes a task. Every new line gets its first
    promise: the file's `promised_on`, or else the expected day. Customers are told only with `tell`: an import must not
    write to people about orders they know. With `tell_others` those hear of it whose orders are not in the file and are
    moved by it. Raises FileRefused: nothing was changed.
    """
    result = ImportResult(kind="orders", dry_run=dry_run)
    if not dry_run:
        for depot_id in sorted(int(row["id"]) for row in store.depot_rows().values()):
            store.lock_depot(depot_id)
    pools = Pools()
    with checked_table(file, kind="orders", columns=COLUMNS, needed=NEEDED, reading=reading) as table:
        for groups in batches(orders_of(table, result, by=("order", "source")), AT_ONCE):
            known = Known(store, [row for group in groups for row in group], now=now)
            orders = [order for group in groups if (order := known.order(group, result)) is not None]
            for source in SOURCES:
                of_it = [order for order in orders if order.source == source]
                pools.add(take_orders(store, of_it, result, now=now, by=by))
    settled = settle_changed(store, pools, now=now, by=by, tell=tell, why="new orders", tell_others=tell_others)
    result.moved, result.besides = settled.lines, settled.besides
    result.warnings += settled.warnings[:MOST_WARNINGS]
    note_import(store, result, file, file_name=file_name, now=now, by=by)
    return result


def _source(row: Row) -> str:
    return row.cells.get("source", "").lower() or "own"


class Known:
    """What the rows of a batch refer to, looked up at once."""

    def __init__(self, store: SqlStore, rows: Sequence[Row], *, now: datetime) -> None:
        self.now = now
        self.depots = store.depot_rows()
        self.customers = store.customers({row.cells.get("customer", "") for row in rows})
        self.products = store.products({row.cells.get("sku", "") for row in rows})
        self.currency = store.company().currency
        self.doors = Doors(store, rows, self.customers)
        self.numbers = {
            source: store.numbered_lines(
                {row.cells.get("order", "") for row in rows if _source(row) == source and not row.cells.get("line")},
                source=source,
            )
            for source in {_source(row) for row in rows if not row.cells.get("line")}
        }
        """Of the lines that the orders here have, for rows that do not number theirs."""

    def order(self, rows: list[Row], result: ImportResult) -> OrderIn | None:
        """The order of these rows; None, and every fault noted with its row, when any of them is faulty."""
        head = Cells(rows[0])
        number = head.text("order", needed=True, longest=100)
        source = head.word("source", SOURCES, default="own")
        customer = self._find(head, "customer", self.customers, "import the customers first")
        site = self.doors.site_of(head, customer, order=(source, number))
        depot = self._find(head, "depot", self.depots, "import the fleet first")
        currency = head.currency("currency", default=(depot["currency"] if depot else "") or self.currency)
        ordered_at = head.happened("ordered_at", depot["zone"] if depot else "UTC", now=self.now, needed=True)
        header: dict[str, Any] = {
            "wanted_on": head.day("wanted_on"),
            "not_before": head.day("not_before"),
            "not_after": head.day("not_after"),
            "customer_reference": head.text("customer_reference", longest=200),
            "erp_reference": head.text("erp_reference", longest=200),
            "completeness": head.word("completeness", ("partial", "per_line", "complete"), default="partial"),
            "min_percent": head.percent("min_percent"),
            "min_value": head.money("min_value", currency),
            "max_wait_days": head.whole_or_none("max_wait_days", most=3650),
            "max_shipments": head.whole_or_none("max_shipments", least=1, most=1000),
            "hold_reason": head.text("hold"),
            "payment": head.word("payment", ("ok", "pending"), default="ok"),
            "collect_at_door": head.money("collect_at_door", currency),
            "urgent_by": head.text("urgent_by"),
            "note": head.text("note", longest=LONGEST_NOTE),
        }
        if header["not_after"] and header["not_after"] < max(header["not_before"], header["wanted_on"]):
            head.wrong("not_after", f"{header['not_after']} lies before the order is wanted: swap the days")
        if header["collect_at_door"] and not currency:
            head.wrong(
                "collect_at_door", f"needs a currency: write it in the {head.row.part} currency, or give the depot one"
            )
        lines: dict[str, LineIn] = {}
        faulty = False
        numbers = [str(index) for index, _row in enumerate(rows, start=1)]
        if not any(row.cells.get("line") for row in rows):
            here = self.numbers.get(source, {}).get(number, ())
            numbers = numbered([row.cells.get("sku", "") for row in rows], here)
        for index, row in enumerate(rows, start=1):
            cells = head if index == 1 else Cells(row)
            if index > 1:
                for name in _OF_THE_ORDER:
                    if row.cells.get(name) and row.cells[name] != rows[0].cells.get(name):
                        cells.wrong(
                            name, f"reads otherwise in row {rows[0].number} of the same order: make them the same"
                        )
            line = self._line(cells, numbers[index - 1], currency)
            if line is not None and line.number in lines:
                cells.wrong("line", f"line {line.number} stands in this order already: number the lines 1, 2, 3")
            faulty |= cells.report(result, f"Order {number}")
            if line is not None:
                lines.setdefault(line.number, line)
        if faulty or customer is None or site is None or depot is None or ordered_at is None:
            return None
        return OrderIn(
            row=rows[0].number,
            number=number,
            source=source,
            customer_id=customer["id"],
            site_id=site["id"],
            depot_id=depot["id"],
            ordered_at=ordered_at,
            currency=currency,
            lines=tuple(lines.values()),
            unsaid=frozenset(
                name for name in (*header, "site_id", "currency", "unit_price") if head.lacks(COLUMN_OF.get(name, name))
            )
            | {"charged"},  # which only a shop says
            **header,
        )

    def _line(self, cells: Cells, unless_said: str, currency: str) -> LineIn | None:
        product = self._find(cells, "sku", self.products, "import the products first")
        quantity = cells.whole("quantity", least=1, most=MOST, needed=True)
        price = cells.money("unit_price", currency)
        if product is not None and not cells.row.cells.get("unit_price") and product["currency"] in ("", currency):
            price = product["price"]
        row_currency = cells.currency("currency", default=currency)
        if row_currency != currency:
            cells.wrong("currency", f"{row_currency} differs from the order's {currency}: an order has one currency")
        number = cells.text("line", longest=50) or unless_said
        promised_on = cells.day("promised_on")
        if product is None:
            return None
        return LineIn(
            number=number,
            product_id=product["id"],
            sku=product["number"],
            quantity=quantity,
            unit_price=price,
            promised_on=promised_on,
        )

    @staticmethod
    def _find(cells: Cells, column: str, known: Mapping[str, Mapping[str, Any]], mend: str) -> Mapping[str, Any] | None:
        number = cells.text(column, needed=True, longest=100)
        found = known.get(number)
        if found is None and number:
            what = {"sku": "product"}.get(column, column)
            cells.wrong(column, f'there is no {what} "{number[:40]}": correct it, or {mend}')
        return found
