"""Which door an order goes to: the site that its row names, or the only one that its customer has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from data.importers.cells import Cells
from data.importers.table import Row
from data.store import SqlStore

MOST_NAMED = 12
"""Sites of a customer in one sentence."""


class Doors:
    """The sites that a batch of rows may mean, looked up at once."""

    def __init__(self, store: SqlStore, rows: Sequence[Row], customers: Mapping[str, Mapping[str, Any]]) -> None:
        """`customers` are those that the rows name, by number."""
        self._sites = store.sites({row.cells.get("site", "") for row in rows})
        unsaid = {row.cells.get("customer", "") for row in rows if not row.cells.get("site")}
        self._own = store.sites_of_customers([customers[number]["id"] for number in unsaid if number in customers])
        # What a file has no column for stays as it is: an order that is here keeps the one of several doors it has.
        several = {own[0]["customer"] for own in self._own.values() if len(own) > 1}
        kept = [row for row in rows if Cells(row).lacks("site") and row.cells.get("customer") in several]
        self._stood = store.sites_of_orders({row.cells.get("order", "") for row in kept})

    def site_of(
        self, cells: Cells, customer: Mapping[str, Any] | None, *, order: tuple[str, str] = ("", "")
    ) -> Mapping[str, Any] | None:
        """None, and the fault noted, where no door is meant surely; of a customer that is not known, nothing.

        `order` is (source, number) of one that may be here already.
        """
        number = cells.text("site", longest=100)
        if not number:
            return None if customer is None else self._only(cells, customer, self._stood.get(order))
        found = self._sites.get(number)
        if found is None:
            mend = "correct it, or import the customers with their sites first"
            cells.wrong("site", f'there is no site "{number[:40]}": {mend}')
        elif customer is not None and found["customer_id"] != customer["id"]:
            whose = f"customer {found['customer']}, not of {customer['number']}"
            cells.wrong("site", f"{found['number']} is a site of {whose}")
        return found

    def _only(self, cells: Cells, customer: Mapping[str, Any], stood: int | None) -> Mapping[str, Any] | None:
        own = self._own.get(customer["id"], [])
        if len(own) == 1:
            return own[0]
        kept = next((site for site in own if site["id"] == stood and cells.lacks("site")), None)
        if kept is not None:
            return kept
        said = "is missing" if cells.lacks("site") else "is empty"
        if not own:
            cells.wrong("site", f"{said}, and customer {customer['number']} has none: import its sites first")
            return None
        names = ", ".join(site["number"] for site in own[:MOST_NAMED])
        more = f" and {len(own) - MOST_NAMED} more" if len(own) > MOST_NAMED else ""
        cells.wrong("site", f"{said}, and customer {customer['number']} has {len(own)}: write one of {names}{more}")
        return None
