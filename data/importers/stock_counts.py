"""counts.csv: the sellable units of a SKU that lie at a depot, counted again; released and picked ones included."""

from __future__ import annotations

from datetime import datetime
from typing import BinaryIO

from data.importers.batch import MOST_WARNINGS, note_import
from data.importers.cells import Cells, batches
from data.importers.table import AS_OURS, Reading, read_table
from data.store import SqlStore
from routing.errors import InvalidInput
from routing.model.days import day_words
from routing.model.imports import ImportResult
from routing.model.orders import LineChange
from routing.rules.effect import merged
from routing.services.supplying import commit_shelf_count, simulate_shelf_count

COLUMNS = ("depot", "sku", "counted")
NEEDED = ("sku", "counted")


def import_stock_counts(
    store: SqlStore,
    file: BinaryIO,
    *,
    now: datetime,
    by: str,
    dry_run: bool = False,
    file_name: str = "",
    reading: Reading = AS_OURS,
    again: bool = False,
) -> ImportResult:
    """Recounts SKU by SKU: a lost unit is taken from the lowest rank, a found one is given out, and exactly those
    whose promise breaks are told. `result.moved` has the lines that lose goods or a day by it. An empty `depot` is
    the only one.

    What the file before said too is no new count, though goods moved since: it stays `unchanged`, and `result.again`
    says so. With `again` somebody says that it was counted anew.

    A dry run shows each SKU by itself. A SKU that is not in the file stays as it is. Raises FileRefused.
    """
    result = ImportResult(kind="counts", dry_run=dry_run)
    depots = store.depot_rows()
    only = next(iter(depots)) if len(depots) == 1 else ""
    if not dry_run:
        for depot_id in sorted(int(row["id"]) for row in depots.values()):
            store.lock_depot(depot_id)
    seen: dict[tuple[int, str], int] = {}
    moved: list[tuple[LineChange, ...]] = []
    warnings: dict[str, None] = {}
    for rows in batches(read_table(file, kind="counts", columns=COLUMNS, needed=NEEDED, reading=reading), 500):
        skus = store.product_ids({row.cells.get("sku", "") for row in rows})
        last = store.counted_last(skus.values())
        for row in rows:
            cells = Cells(row)
            sku = cells.text("sku", needed=True, longest=100)
            number = cells.text("depot", needed=not only, longest=100) or only
            depot, product_id = depots.get(number), skus.get(sku)
            counted = cells.whole("counted", needed=True)
            if depot is None and number:
                cells.wrong("depot", f'there is no depot "{number[:40]}": correct it, or import the fleet first')
            if product_id is None and sku:
                cells.wrong("sku", f'there is no product "{sku[:40]}": correct it, or import the products first')
            shelves = [] if depot is None or product_id is None else store.shelves(depot["id"], product_id)
            if depot is not None and product_id is not None and not shelves and counted:
                cells.wrong("sku", f"{sku} was never counted in at {number}: count it in as a receipt")
            if depot is not None and (depot["id"], sku) in seen:
                cells.wrong("sku", f"{sku} at {number} stands in row {seen[depot['id'], sku]} already: add them up")
            if cells.report(result, f"The count of {sku}") or depot is None or product_id is None:
                continue
            seen[depot["id"], sku] = row.number
            here, said = sum(shelf.here for shelf in shelves), last.get((depot["id"], product_id))
            if here != counted and not again and said is not None and said[0] == counted:
                result.unchanged += 1
                result.again.append(_said_before(sku, number, counted, said[1], here))
                continue
            if here == counted:
                result.unchanged += 1
                if not dry_run and (said is None or said[0] != counted):
                    store.remember_count(depot_id=depot["id"], product_id=product_id, counted=counted, by=by, now=now)
                continue
            try:
                if dry_run:
                    preview = simulate_shelf_count(
                        store, depot_id=depot["id"], product_id=product_id, sku=sku, counted=counted, now=now
                    )
                else:
                    preview = commit_shelf_count(
                        store, depot_id=depot["id"], product_id=product_id, sku=sku, counted=counted, now=now, by=by
                    )
            except InvalidInput as problem:  # raised before anything was written
                result.left_out(row.number, f"The count of {sku} was left out; {problem}")
                continue
            if not dry_run:
                store.remember_count(depot_id=depot["id"], product_id=product_id, counted=counted, by=by, now=now)
            result.changed += 1
            moved.append(tuple(line for line in preview.lines if line.concerns or line.gets_first))
            warnings |= dict.fromkeys(preview.warnings)
    lines = merged(moved).values()
    if result.changed:
        later = {line.order_id for line in lines if line.slips}
        undated = {line.order_id for line in lines if line.loses}
        result.notes.insert(
            0,
            f"{sum(line.changed for line in lines)} order lines change, {len(later)} orders get a later promise, "
            f"{len(undated)} lose their date.",
        )
    result.moved = [line for line in lines if line.suffers]
    result.besides = [line for line in lines if line.is_heard and not line.suffers]
    result.warnings = list(warnings)[:MOST_WARNINGS]
    note_import(store, result, file, file_name=file_name, now=now, by=by)
    return result


def _said_before(sku: str, depot: str, counted: int, at: datetime, here: int) -> str:
    lie = "1 lies" if here == 1 else f"{here} lie"
    return (
        f"{sku} at {depot}: unchanged, {counted} was counted before, on {day_words(at.date())}, and {lie} there by now."
    )
