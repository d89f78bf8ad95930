"""Which depot delivers the orders of a file that has no column for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data.store import SqlStore
from routing.errors import InvalidInput


def chosen_depot(store: SqlStore, number: str) -> Mapping[str, Any]:
    """The depot of that number; without one, the only depot. Raises InvalidInput."""
    depots = store.depot_rows()
    if not number and len(depots) == 1:
        return next(iter(depots.values()))
    if number in depots:
        return depots[number]
    known = ", ".join(sorted(depots)) or "none yet: import the fleet first"
    raise InvalidInput(f"Say which depot delivers these orders (--depot). There are: {known}.", code="depot")
