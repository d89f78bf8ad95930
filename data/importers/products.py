"""products.csv: what can be ordered, one row a SKU."""

from __future__ import annotations

from datetime import datetime
from typing import BinaryIO

from data.importers.batch import note_import
from data.importers.cells import Cells, batches, changed_values
from data.importers.table import AS_OURS, Reading, read_table
from data.store import SqlStore
from routing.model.imports import ImportResult

COLUMNS = (
    "sku", "name", "unit", "case_pack", "pallet_pack", "weight_g", "volume_cm3", "pieces", "price", "currency",
    "supplier", "barcode", "returnable",
)  # fmt: skip
NEEDED = ("sku", "name")


def import_products(
    store: SqlStore,
    file: BinaryIO,
    *,
    now: datetime,
    by: str,
    dry_run: bool = False,
    file_name: str = "",
    reading: Reading = AS_OURS,
) -> ImportResult:
    """Adds and changes products. An empty weight or volume means that it is not known, and planning asks for it.

    Raises FileRefused: nothing was changed.
    """
    result = ImportResult(kind="products", dry_run=dry_run)
    default_currency = store.company().currency
    seen: dict[str, int] = {}
    table = read_table(file, kind="products", columns=COLUMNS, needed=NEEDED, reading=reading)
    for rows in batches(table, 500):
        existing = store.products({row.cells.get("sku", "") for row in rows})
        for row in rows:
            cells = Cells(row)
            sku = cells.text("sku", needed=True, longest=100)
            currency = cells.currency("currency", default=default_currency)
            values: dict[str, object] = {
                "name": cells.text("name", needed=True),
                "unit": cells.text("unit", longest=20) or "pcs",
                "case_pack": cells.whole("case_pack", default=1, least=1),
                "pallet_pack": cells.whole("pallet_pack"),
                "weight_g": cells.whole_or_none("weight_g"),
                "volume_cm3": cells.whole_or_none("volume_cm3"),
                "pieces": cells.whole("pieces", default=1),
                "price": cells.money("price", currency),
                "currency": currency,
                "barcode": cells.text("barcode", longest=100),
                "returnable": cells.yes("returnable", default=False),
            }
            supplier = cells.text("supplier", longest=100)
            if sku and sku in seen:
                cells.wrong("sku", f"{sku} stands in row {seen[sku]} already: keep one of the two rows")
            if cells.report(result, f"Product {sku}"):
                continue
            seen[sku] = row.number
            old = existing.get(sku)
            if old is None:
                result.created += 1
            else:
                values = changed_values(old, values, cells=cells)
                if cells.lacks("supplier"):
                    supplier = old["supplier"] or ""
                if not values and (old["supplier"] or "") == supplier:
                    result.unchanged += 1
                    continue
                result.changed += 1
            if not dry_run:
                new = {"number": sku} if old is None else {}
                store.save_product(
                    old["id"] if old else None, new | values | {"supplier_id": store.supplier_id(supplier)}
                )
    note_import(store, result, file, file_name=file_name, now=now, by=by)
    return result
