"""substitutes.csv: what may go out instead of a product, one row a pair."""

from __future__ import annotations

from datetime import datetime
from typing import BinaryIO

from data.importers.batch import note_import
from data.importers.cells import Cells, batches, changed_values
from data.importers.table import AS_OURS, Reading, read_table
from data.store import SqlStore
from routing.model.imports import ImportResult

COLUMNS = ("sku", "substitute", "gives", "replaces", "preference")
NEEDED = ("sku", "substitute")
MOST_IN_RATIO = 10_000


def import_substitutes(
    store: SqlStore,
    file: BinaryIO,
    *,
    now: datetime,
    by: str,
    dry_run: bool = False,
    file_name: str = "",
    reading: Reading = AS_OURS,
) -> ImportResult:
    """Adds and changes substitutes: `gives` base units of it go for `replaces` of the SKU, 1 for 1 where empty.

    `preference` 1 is offered first. A pair that the file does not have stays. Raises FileRefused: nothing was changed.
    """
    result = ImportResult(kind="substitutes", dry_run=dry_run)
    seen: dict[tuple[str, str], int] = {}
    for rows in batches(read_table(file, kind="substitutes", columns=COLUMNS, needed=NEEDED, reading=reading), 500):
        skus = store.product_ids({row.cells.get(name, "") for row in rows for name in NEEDED})
        for row in rows:
            cells = Cells(row)
            pair = (cells.text("sku", needed=True, longest=100), cells.text("substitute", needed=True, longest=100))
            values: dict[str, object] = {
                "gives": cells.whole("gives", default=1, least=1, most=MOST_IN_RATIO),
                "replaces": cells.whole("replaces", default=1, least=1, most=MOST_IN_RATIO),
                "preference": cells.whole("preference", default=1, least=1, most=1000),
            }
            for name, sku in zip(NEEDED, pair, strict=True):
                if sku and sku not in skus:
                    cells.wrong(name, f'there is no product "{sku[:40]}": import the products first')
            if pair[0] and pair[0] == pair[1]:
                cells.wrong("substitute", "is the product itself: name another")
            if all(pair) and pair in seen:
                cells.wrong("substitute", f"{pair[1]} for {pair[0]} stands in row {seen[pair]} already: keep one row")
            if cells.report(result, f"{pair[1]} for {pair[0]}"):
                continue
            seen[pair] = row.number
            product_id, substitute_id = (skus[sku] for sku in pair)
            old = store.substitute_of(product_id, substitute_id)
            if not old:
                result.created += 1
                values |= {"product_id": product_id, "substitute_id": substitute_id}
            else:
                values = changed_values(old, values, cells=cells)
                if not values:
                    result.unchanged += 1
                    continue
                result.changed += 1
            if not dry_run:
                store.save_substitute(old["id"] if old else None, values)
    note_import(store, result, file, file_name=file_name, now=now, by=by)
    return result
