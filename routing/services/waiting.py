"""Orders wait at most so many days, by the calendar alone: once a day who waited enough is given what there is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from routing.rules.by_itself import WAITED_ENOUGH
from routing.services import allocating, importing


class Reader(allocating.Reader, Protocol):
    def depot_ids(self) -> Sequence[int]: ...
    def setting(self, name: str, default: Any = None) -> Any: ...


class Store(importing.Store, Protocol):
    def setting(self, name: str, default: Any = None) -> Any: ...
    def set_setting(self, *, name: str, value: Any, by: str, now: datetime) -> None: ...
    def waits_ended(self, depot_id: int, *, after_day: str, until_day: str) -> set[int]: ...


def waits_due(store: Reader, *, now: datetime) -> list[int]:
    """The depots where `end_waits` was not done today; none while the ERP allocates."""
    if store.erp_allocates():
        return []
    return [
        depot_id
        for depot_id in store.depot_ids()
        if store.setting(_setting(depot_id), "") != _today(store, depot_id, now)
    ]


def end_waits(store: Store, depot_id: int, *, now: datetime) -> None:
    """Decides the goods of the orders that shipped whole and have waited enough since this was last done."""
    done, today = store.setting(_setting(depot_id), ""), _today(store, depot_id, now)
    if products := store.waits_ended(depot_id, after_day=done, until_day=today):
        importing.settle(store, {depot_id: products}, now=now, by="waiting", tell=True, why=WAITED_ENOUGH)
    store.set_setting(name=_setting(depot_id), value=today, by="waiting", now=now)


def _setting(depot_id: int) -> str:
    return f"waits_ended:{depot_id}"


def _today(store: allocating.Reader, depot_id: int, now: datetime) -> str:
    return now.astimezone(ZoneInfo(store.depot(depot_id).zone)).date().isoformat()
