"""sites.csv: more doors of customers that are known, one row a site; without the customer's own columns."""

from __future__ import annotations

from datetime import datetime
from typing import BinaryIO

from data.importers.batch import MOST_WARNINGS, note_import
from data.importers.cells import Cells, batches, changed_values
from data.importers.customers import COLUMN_OF, OF_A_SITE, read_site, said_hours
from data.importers.table import AS_OURS, Reading, read_table
from data.store import SqlStore
from routing.model.imports import ImportResult
from routing.services.customer_changes import CustomerChanges, settle_customers

COLUMNS = ("customer", *OF_A_SITE)
NEEDED = ("customer", "site", "site_name", "address")


def import_sites(
    store: SqlStore,
    file: BinaryIO,
    *,
    now: datetime,
    by: str,
    dry_run: bool = False,
    file_name: str = "",
    reading: Reading = AS_OURS,
) -> ImportResult:
    """Adds and changes sites of customers that are there. A site whose address changed is located again.

    Raises FileRefused.
    """
    result = ImportResult(kind="sites", dry_run=dry_run)
    seen: dict[str, int] = {}
    changes = CustomerChanges()
    currency, vehicles = store.company().currency, store.vehicle_rows()
    table = read_table(file, kind="sites", columns=COLUMNS, needed=NEEDED, reading=reading)
    for rows in batches(table, 500):
        customers = store.customers({row.cells.get("customer", "") for row in rows})
        existing = store.sites({row.cells.get("site", "") for row in rows})
        windows = store.site_windows([row["id"] for row in existing.values()])
        for row in rows:
            cells = Cells(row)
            number = cells.text("customer", needed=True, longest=100)
            site = cells.text("site", needed=True, longest=100)
            customer = customers.get(number)
            if number and customer is None:
                cells.wrong(
                    "customer", f'there is no customer "{number[:40]}": correct it, or import the customers first'
                )
            values, hours = read_site(cells, currency, vehicles=vehicles)
            old = existing.get(site)
            if old is not None and customer is not None and old["customer_id"] != customer["id"]:
                cells.wrong("site", f"site {site} belongs to customer {old['customer']}: give it a number of its own")
            if site and site in seen:
                cells.wrong("site", f"{site} stands in row {seen[site]} already: keep one of the two rows")
            if cells.report(result, f"Site {site}") or customer is None:
                continue
            seen[site] = row.number
            known_hours = windows.get(old["id"], []) if old else []
            hours = said_hours(cells, hours, known_hours)
            new_hours = known_hours != hours
            if old is None:
                result.created += 1
                values |= {"number": site, "customer_id": customer["id"]}
            else:
                values = changed_values(old, values, cells=cells, column_of=COLUMN_OF)
                if not values and not new_hours:
                    result.unchanged += 1
                    continue
                result.changed += 1
            if dry_run:
                continue
            if old is not None:
                changes.site(customer["id"], values)
            site_id = store.save_site(old["id"] if old else None, values) if values else int(existing[site]["id"])
            if new_hours:
                store.set_site_windows(site_id, hours)
    if not dry_run:
        store.assign_zones()
        settled = settle_customers(store, changes, now=now, by=by)
        result.moved, result.besides = settled.lines, settled.besides
        result.warnings = settled.warnings[:MOST_WARNINGS]
    note_import(store, result, file, file_name=file_name, now=now, by=by)
    return result
