"""sources.csv: which supplier can bring which product, one row a pair; what is known of a supplier repeats."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import BinaryIO

from data.importers.batch import note_import
from data.importers.cells import Cells, batches, changed_values
from data.importers.table import AS_OURS, Reading, read_table
from data.store import SqlStore
from routing.model.imports import ImportResult

COLUMNS = ("supplier", "sku", "name", "email", "language", "lead_days")
NEEDED = ("supplier",)


def import_sources(
    store: SqlStore,
    file: BinaryIO,
    *,
    now: datetime,
    by: str,
    dry_run: bool = False,
    file_name: str = "",
    reading: Reading = AS_OURS,
) -> ImportResult:
    """Adds sources, and sets what the file says of its supplier: on one of its rows is enough.

    A row without a SKU only tells of the supplier. Raises FileRefused: nothing was changed.
    """
    result = ImportResult(kind="sources", dry_run=dry_run)
    seen: set[tuple[str, str]] = set()
    said: dict[str, dict[str, object]] = defaultdict(dict)
    """By supplier what a row before said of it: an empty cell further down says nothing against that, another word is
    a fault, because the last row would win each time."""
    for rows in batches(read_table(file, kind="sources", columns=COLUMNS, needed=NEEDED, reading=reading), 500):
        skus = store.product_ids({row.cells.get("sku", "") for row in rows})
        for row in rows:
            cells = Cells(row)
            number = cells.text("supplier", needed=True, longest=100)
            sku = cells.text("sku", longest=100)
            stated: dict[str, object] = {
                "name": cells.text("name", longest=200) or number,
                "email": cells.text("email", longest=200),
                "language": cells.text("language", longest=10).lower() or "en",
                "lead_days": cells.whole("lead_days", most=1_000),
            }
            email = str(stated["email"])
            if email and (email.count("@") != 1 or " " in email):
                cells.wrong("email", f'"{email[:40]}" is no address: write it as name@example.com')
            if sku and sku not in skus:
                cells.wrong("sku", f'there is no product "{sku[:40]}": import the products first')
            if sku and (number, sku) in seen:
                cells.wrong("sku", f"{sku} of {number} stands in the file already: keep one of the rows")
            filled = {name for name in stated if row.cells.get(name)}
            for name in sorted(filled & said[number].keys()):
                if stated[name] != said[number][name]:
                    cells.wrong(name, f"another row of the file says {str(said[number][name])[:40]} of {number}: "
                                "make them the same")  # fmt: skip
            if cells.report(result, f"{sku or 'the supplier'} of {number}"):
                continue
            seen.add((number, sku))
            known = store.source_of(number, skus.get(sku))
            said[number] |= {name: stated[name] for name in filled}
            stated = {name: value for name, value in stated.items() if name in filled or name not in said[number]}
            values = changed_values(known, stated, cells=cells) if known else stated
            if not known:
                result.created += 1
            elif values or (sku and not known["brings_it"]):
                result.changed += 1
            else:
                result.unchanged += 1
                continue
            if not dry_run:
                store.save_source(number, product_id=skus.get(sku), values=values)
    note_import(store, result, file, file_name=file_name, now=now, by=by)
    return result
