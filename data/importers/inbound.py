"""inbound.csv: what is expected from suppliers, one row a SKU of a purchase order."""

from __future__ import annotations

from datetime import datetime
from typing import BinaryIO

from data.importers.batch import MOST_WARNINGS, note_import
from data.importers.cells import Cells, batches, changed_values
from data.importers.table import AS_OURS, Reading, read_table
from data.store import SqlStore
from routing.model.imports import ImportResult
from routing.services.importing import Pools, settle_changed
from routing.services.overdue import ask_about, came_or_named

COLUMNS = ("number", "supplier", "depot", "sku", "quantity", "expected_at")
NEEDED = ("number", "depot", "sku", "quantity")


def import_inbound(
    store: SqlStore,
    file: BinaryIO,
    *,
    now: datetime,
    by: str,
    dry_run: bool = False,
    file_name: str = "",
    tell: bool = True,
    reading: Reading = AS_OURS,
) -> ImportResult:
    """Adds and changes what is expected, then allocates it. A quantity of 0 means that it will not come.

    A slip past the promise threshold makes new promises, and those customers are told (`tell`). `result.moved` has the
    lines that lose goods or a day by it. Raises FileRefused.
    """
    result = ImportResult(kind="inbound", dry_run=dry_run)
    depots = store.depot_rows()
    if not dry_run:
        for depot_id in sorted(int(row["id"]) for row in depots.values()):
            store.lock_depot(depot_id)
    seen: dict[tuple[str, str], int] = {}
    pools = Pools()
    for rows in batches(read_table(file, kind="inbound", columns=COLUMNS, needed=NEEDED, reading=reading), 500):
        skus = store.product_ids({row.cells.get("sku", "") for row in rows})
        existing = store.inbounds({row.cells.get("number", "") for row in rows})
        stood = {} if dry_run else store.inbound_supplies([row["id"] for row in existing.values()], now=now)
        batch = Pools()
        # Only a day to come answers when the goods come: the old one again, or another that is over, does not.
        named: list[int] = []
        stale: list[int] = []
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
            quantity = cells.whole("quantity", needed=True)
            expected_at = cells.expected("expected_at", depot["zone"] if depot else "UTC", now=now)
            supplier = cells.text("supplier", longest=100)
            old = existing.get((number, product_id)) if product_id else None
            if old is not None and cells.lacks("expected_at"):
                expected_at = old["expected_at"]
            if (number, sku) in seen:
                cells.wrong("sku", f"{sku} of {number} stands in row {seen[number, sku]} already: add them up")
            if old is not None and depot is not None and old["depot_id"] != depot["id"]:
                cells.wrong("depot", f"{number} was expected at another depot: give it a number of its own")
            counted = old["received"] + old["closed_short"] if old else 0
            if quantity < counted and not cells.faults:
                cells.wrong("quantity", f"{quantity} is less than the {counted} that were already counted in")
            if cells.report(result, f"{sku} of inbound {number}") or depot is None or product_id is None:
                continue
            seen[number, sku] = row.number
            values: dict[str, object] = {"quantity": quantity, "expected_at": expected_at}
            gone = quantity == 0
            # Who brings it decides nothing: only what comes, and when, is given out anew and answers when it comes.
            moves = True
            if old is None:
                result.created += 1
                values |= {"number": number, "depot_id": depot["id"], "product_id": product_id}
            else:
                values = changed_values(old, values, cells=cells)
                if cells.lacks("supplier"):
                    supplier = old["supplier"] or ""
                moves = bool(values) or (old["cancelled_at"] is not None) != gone
                if not moves and (old["supplier"] or "") == supplier:
                    result.unchanged += 1
                    continue
                result.changed += 1
            if dry_run:
                continue
            values["supplier_id"] = store.supplier_id(supplier)
            if moves:
                values["cancelled_at"] = now if gone else None
            supply_id = store.save_inbound(old["id"] if old else None, values)
            if not moves:
                continue
            if gone or quantity == counted or (expected_at is not None and expected_at > now):
                named.append(supply_id)
            else:
                stale.append(supply_id)
            batch.products[depot["id"]].add(product_id)
            batch.supplies[depot["id"]][supply_id] = stood.get(supply_id)
        came_or_named(store, named, outcome="the supplier's file", by=by, now=now)
        ask_about(store, stale, now=now)
        pools.add(batch)
    settled = settle_changed(store, pools, now=now, by=by, tell=tell, why="a supplier's date or quantity changed")
    result.moved = settled.lines
    result.warnings = settled.warnings[:MOST_WARNINGS]
    note_import(store, result, file, file_name=file_name, now=now, by=by)
    return result
