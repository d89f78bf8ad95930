"""released.csv: what the ERP released to go out on a day, one row a line of an order; for where the ERP allocates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from data.importers.batch import MOST_WARNINGS, note_import
from data.importers.cells import MOST, Cells, batches
from data.importers.doors import Doors
from data.importers.table import AS_OURS, Reading, Row, read_table
from data.store import SqlStore
from routing.errors import FileRefused
from routing.model.days import day_words
from routing.model.imports import ImportResult
from routing.model.released import ReleasedLine, ReleasedOrder
from routing.services.erp import take_released

COLUMNS = (
    "release", "day", "depot", "order", "customer", "site", "ordered_at", "customer_reference", "erp_reference", "note",
    "collect_at_door", "line", "sku", "quantity", "line_erp_reference",
)  # fmt: skip
NEEDED = ("release", "day", "depot", "order", "customer", "sku", "quantity")

_OF_THE_ORDER = COLUMNS[: COLUMNS.index("line")]
MOST_ROWS = 200_000
AT_ONCE = 500


def import_released(
    store: SqlStore,
    file: BinaryIO,
    *,
    now: datetime,
    by: str,
    dry_run: bool = False,
    file_name: str = "",
    reading: Reading = AS_OURS,
) -> ImportResult:
    """Makes deliverable what the ERP released: goods enter the depot by its word, allocated and released at once.

    A faulty row leaves out its whole order. The same file again changes nothing. Raises FileRefused, and Conflict where
    we allocate: nothing was changed.
    """
    result = ImportResult(kind="released", dry_run=dry_run)
    depots = store.depot_rows()
    if not dry_run:
        for depot_id in sorted(int(row["id"]) for row in depots.values()):
            store.lock_depot(depot_id)
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for count, row in enumerate(
        read_table(file, kind="released", columns=COLUMNS, needed=NEEDED, reading=reading), start=1
    ):
        if count > MOST_ROWS:
            raise FileRefused(f"The released file has more than {MOST_ROWS:,} rows. Send it in parts.")
        groups[row.cells.get("release", ""), row.cells.get("order", "")].append(row)
    found: list[ReleasedOrder] = []
    for together in batches(groups.values(), AT_ONCE):
        known = _Known(store, [row for rows in together for row in rows], depots, now)
        found += [order for rows in together if (order := known.order(rows, result)) is not None]
    take_released(store, found, result, now=now, by=by)
    store.assign_zones()
    result.warnings += _closed_days(store, found)[:MOST_WARNINGS]
    note_import(store, result, file, file_name=file_name, now=now, by=by)
    return result


def _closed_days(store: SqlStore, orders: Sequence[ReleasedOrder]) -> list[str]:
    """A sentence for each order whose site takes nothing on the day it was released for: no plan takes it then."""
    sites: dict[int, set[int]] = defaultdict(set)
    for order in orders:
        sites[order.depot_id].add(order.site_id)
    served = {
        (depot_id, site_id): days
        for depot_id, mine in sites.items()
        for site_id, days in store.delivery_days(depot_id, mine).items()
    }
    return [
        f"Order {order.order} was released for {day_words(order.day)}, on which nothing is brought to its site: it "
        "stays here until a plan of a later day takes it."
        for order in orders
        if not served[order.depot_id, order.site_id].serves(date.fromisoformat(order.day))
    ]


class _Known:
    """What the rows of a batch refer to, looked up at once."""

    def __init__(
        self, store: SqlStore, rows: list[Row], depots: Mapping[str, Mapping[str, Any]], now: datetime
    ) -> None:
        self.depots = depots
        self.customers = store.customers({row.cells.get("customer", "") for row in rows})
        self.products = store.products({row.cells.get("sku", "") for row in rows})
        self.doors = Doors(store, rows, self.customers)
        self.currency = store.company().currency
        self.now = now

    def order(self, rows: list[Row], result: ImportResult) -> ReleasedOrder | None:
        head = Cells(rows[0])
        release, number = (head.text(name, needed=True, longest=100) for name in ("release", "order"))
        depot = _find(head, "depot", self.depots)
        customer = _find(head, "customer", self.customers)
        site = self.doors.site_of(head, customer)
        zone = depot["zone"] if depot else "UTC"
        day = head.day("day")
        if not head.row.cells.get("day"):
            head.wrong("day", "is empty and must be the day it goes out, as 2026-05-12")
        elif day and day < self.now.astimezone(ZoneInfo(zone)).date().isoformat():
            head.wrong("day", f"{day} is over: name today or a later day")
        currency = (depot["currency"] if depot else "") or self.currency
        values: dict[str, Any] = {
            "ordered_at": head.happened("ordered_at", zone, now=self.now) or self.now,
            "customer_reference": head.text("customer_reference", longest=200),
            "erp_reference": head.text("erp_reference", longest=200),
            "note": head.text("note", longest=4_000),
            "currency": currency,
            "collect_at_door": None if head.lacks("collect_at_door") else head.money("collect_at_door", currency),
        }
        if values["collect_at_door"] and not currency:
            head.wrong("collect_at_door", "needs a currency: give the depot one, or the company")
        lines: dict[str, ReleasedLine] = {}
        faulty = False
        for index, row in enumerate(rows):
            cells = Cells(row) if index else head
            for name in _OF_THE_ORDER if index else ():
                if row.cells.get(name) and row.cells[name] != rows[0].cells.get(name):
                    cells.wrong(name, f"reads otherwise in row {rows[0].number} of the same order: make them the same")
            line = self._line(cells, index + 1, currency)
            if line is not None and line.number in lines:
                cells.wrong("line", f"line {line.number} stands in this order already: add them up")
            faulty |= cells.report(result, f"Order {number} of release {release}")
            if line is not None:
                lines.setdefault(line.number, line)
        if faulty or depot is None or customer is None or site is None:
            return None
        return ReleasedOrder(
            row=rows[0].number,
            release=release,
            order=number,
            day=day,
            customer_id=customer["id"],
            site_id=site["id"],
            depot_id=depot["id"],
            tier=customer["tier"],
            lines=tuple(lines.values()),
            **values,
        )

    def _line(self, cells: Cells, index: int, currency: str) -> ReleasedLine | None:
        product = _find(cells, "sku", self.products)
        quantity = cells.whole("quantity", least=1, most=MOST, needed=True)
        number = cells.text("line", longest=50) or str(index)
        reference = cells.text("line_erp_reference", longest=200)
        if product is None:
            return None
        return ReleasedLine(
            number=number,
            product_id=product["id"],
            sku=product["number"],
            quantity=quantity,
            erp_reference=reference,
            unit_price=product["price"] if product["currency"] in ("", currency) else 0,
        )


def _find(cells: Cells, column: str, known: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    number = cells.text(column, needed=True, longest=100)
    found = known.get(number)
    if found is None and number:
        what = "product" if column == "sku" else column
        cells.wrong(column, f'there is no {what} "{number[:40]}": correct it, or import it first')
    return found
