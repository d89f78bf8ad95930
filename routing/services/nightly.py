"""What the calendar alone moves is decided once a day at each depot: which depots are due. `web/due.py` does it.

Each kind keeps the last ISO day for which it was done in a setting of the depot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from routing.services import allocating


class Reader(allocating.Reader, Protocol):
    def depot_ids(self) -> Sequence[int]: ...


def depots_due[R: Reader](
    store: R,
    *,
    now: datetime,
    setting: Callable[[int], str],
    day: Callable[[R, int, datetime], str] = allocating.today_at,
) -> list[int]:
    """The depots of which the setting does not hold the day until which it would be done now; none while the ERP
    allocates."""
    if store.erp_allocates():
        return []
    return [
        depot_id for depot_id in store.depot_ids() if store.setting(setting(depot_id), "") != day(store, depot_id, now)
    ]
