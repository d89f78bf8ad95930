"""Orders wait at most so many days, by the calendar alone: once a day who waited enough is given what there is."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from routing.rules.by_itself import WAITED_ENOUGH
from routing.services import allocating, importing, nightly
from routing.services.nightly import depots_due


class Store(importing.Store, Protocol):
    def setting(self, name: str, default: Any = None) -> Any: ...
    def set_setting(self, *, name: str, value: Any, by: str, now: datetime) -> None: ...
    def waits_ended(self, depot_id: int, *, after_day: str, until_day: str) -> set[int]: ...


def waits_due(store: nightly.Reader, *, now: datetime) -> list[int]:
    """The depots where `end_waits` was not done today; none while the ERP allocates."""
    return depots_due(store, now=now, setting=_setting)


def end_waits(store: Store, depot_id: int, *, now: datetime) -> None:
    """Decides the goods of the orders that shipped whole and have waited enough since this was last done."""
    done, today = store.setting(_setting(depot_id), ""), allocating.today_at(store, depot_id, now)
    if products := store.waits_ended(depot_id, after_day=done, until_day=today):
        importing.settle(store, {depot_id: products}, now=now, by="waiting", tell=True, why=WAITED_ENOUGH)
    store.set_setting(name=_setting(depot_id), value=today, by="waiting", now=now)


def _setting(depot_id: int) -> str:
    return f"waits_ended:{depot_id}"
