"""suppliers.csv: who delivers to us, one row a supplier."""

from __future__ import annotations

from datetime import datetime
from typing import BinaryIO

from data.importers.batch import note_import
from data.importers.cells import Cells, batches, changed_values
from data.importers.table import AS_OURS, Reading, read_table
from data.store import SqlStore
from routing.model.imports import ImportResult

COLUMNS = ("supplier", "name", "email", "lead_days", "language")
NEEDED = ("supplier",)


def import_suppliers(
    store: SqlStore,
    file: BinaryIO,
    *,
    now: datetime,
    by: str,
    dry_run: bool = False,
    file_name: str = "",
    reading: Reading = AS_OURS,
) -> ImportResult:
    """Adds and changes suppliers. Products and inbound may have named them before. Raises FileRefused."""
    result = ImportResult(kind="suppliers", dry_run=dry_run)
    seen: dict[str, int] = {}
    table = read_table(file, kind="suppliers", columns=COLUMNS, needed=NEEDED, reading=reading)
    for rows in batches(table, 500):
        existing = store.suppliers({row.cells.get("supplier", "") for row in rows})
        for row in rows:
            cells = Cells(row)
            number = cells.text("supplier", needed=True, longest=100)
            email = cells.text("email", longest=200)
            if email and (email.count("@") != 1 or " " in email):
                cells.wrong("email", "is no e-mail address: write one, or leave it empty")
            values: dict[str, object] = {
                "name": cells.text("name") or number,
                "email": email,
                "lead_days": cells.whole("lead_days", most=3650),
                "language": cells.text("language", longest=10).lower() or "en",
            }
            if number and number in seen:
                cells.wrong("supplier", f"{number} stands in row {seen[number]} already: keep one of the two rows")
            if cells.report(result, f"Supplier {number}"):
                continue
            seen[number] = row.number
            old = existing.get(number)
            if old is None:
                result.created += 1
                values |= {"number": number}
            else:
                values = changed_values(old, values, cells=cells)
                if not values:
                    result.unchanged += 1
                    continue
                result.changed += 1
            if not dry_run:
                store.save_supplier(old["id"] if old else None, values)
    note_import(store, result, file, file_name=file_name, now=now, by=by)
    return result
