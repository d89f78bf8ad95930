"""receipts.csv: what arrived and was counted, one row a SKU. Without `inbound` it is stock found, or opening stock."""

from __future__ import annotations

from datetime import datetime
from typing import BinaryIO

from data.importers.cells import LONGEST_SINCE_COUNTED, Cells, batches
from data.importers.table import read_table
from data.store import SqlStore
from routing.model.imports import ImportResult
from routing.model.stock import Receipt

COLUMNS = ("number", "inbound", "depot", "sku", "quantity", "quarantined", "counted_at", "more_to_come")
NEEDED = ("number", "depot", "sku", "quantity")


def read_receipts(
    store: SqlStore, file: BinaryIO, *, now: datetime, rest_comes: bool = False
) -> tuple[list[Receipt], ImportResult]:
    """The receipts of a file, and the rows that were left out. Nothing is written.

    `more_to_come` (yes or no): what is missing of the inbound will still come;
    `rest_comes` answers for the rows that do not say. An empty `counted_at` is now, and one of
    years back or of days ahead is refused. Raises FileRefused.
    """
    result = ImportResult(kind="receipts", dry_run=True)
    depots = store.depot_rows()
    receipts: list[Receipt] = []
    seen: dict[tuple[str, str], tuple[int, str]] = {}
    for rows in batches(read_table(file, kind="receipts", columns=COLUMNS, needed=NEEDED), 500):
        skus = store.product_ids({row.cells.get("sku", "") for row in rows})
        for row in rows:
            cells = Cells(row)
            number = cells.text("number", needed=True, longest=100)
            sku = cells.text("sku", needed=True, longest=100)
            depot = depots.get(cells.text("depot", needed=True, longest=100))
            product_id = skus.get(sku)
            if depot is None and row.cells.get("depot"):
                cells.wrong("depot", f'there is no depot "{row.cells["depot"][:40]}": import the fleet first')
            if product_id is None and sku:
                cells.wrong("sku", f'there is no product "{sku[:40]}": import the products first')
            inbound, inbound_id = cells.text("inbound", longest=100), None
            if inbound and depot is not None and product_id is not None:
                inbound_id = store.inbound_id(inbound, product_id, depot["id"])
                if inbound_id is None:
                    cells.wrong(
                        "inbound",
                        f"{inbound[:40]} brings no {sku} to depot {depot['number']}: "
                        "import it first, or leave the cell empty for stock that was found",
                    )
            quantity = cells.whole("quantity", needed=True)
            quarantined = cells.whole("quarantined")
            if quarantined > quantity:
                cells.wrong("quarantined", f"{quarantined} is more than the {quantity} that were counted")
            zone = depot["zone"] if depot else "UTC"
            counted_at = cells.happened("counted_at", zone, now=now, since=LONGEST_SINCE_COUNTED) or now
            if (number, sku) in seen:
                first, where = seen[number, sku]
                same = depot is not None and depot["number"] == where
                mend = "add them up" if same else f"it came to {where}, give this depot's a number of its own"
                cells.wrong("sku", f"{sku} of {number} stands in row {first} already: {mend}")
            more_to_come = cells.yes("more_to_come", default=rest_comes)
            if cells.report(result, f"{sku} of receipt {number}") or depot is None or product_id is None:
                continue
            seen[number, sku] = (row.number, depot["number"])
            receipts.append(
                Receipt(
                    number=number,
                    depot_id=depot["id"],
                    product_id=product_id,
                    sku=sku,
                    quantity=quantity,
                    quarantined=quarantined,
                    counted_at=counted_at,
                    inbound_id=inbound_id,
                    more_to_come=more_to_come,
                )
            )
    return receipts, result
