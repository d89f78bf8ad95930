"""Orders come within the reservation horizon by the calendar alone: once a day they are given their goods."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from routing.model.orders import AllocationPolicy
from routing.rules.allocation import last_reserved_day
from routing.rules.reach import before_they_came_near
from routing.services import allocating, committing, nightly, reaching
from routing.services.nightly import depots_due


class Store(allocating.Store, Protocol):
    def setting(self, name: str, default: Any = None) -> Any: ...
    def set_setting(self, *, name: str, value: Any, by: str, now: datetime) -> None: ...
    def wanted_between(self, depot_id: int, *, after_day: str, until_day: str) -> set[tuple[int, datetime, str]]: ...


def horizons_due(store: nightly.Reader, *, now: datetime) -> list[int]:
    """The depots whose horizon moved since `move_horizon` was last done there; none while the ERP allocates."""
    return depots_due(store, now=now, setting=allocating.horizon_setting, day=_last_day)


def move_horizon(store: Store, depot_id: int, *, now: datetime) -> None:
    """Decides the goods of the orders that the horizon has reached, and keeps how far that was done.

    Who was within it when ordering was given goods then. A horizon that a policy made shorter is kept too: what lies
    beyond it was decided with the policy.
    """
    policy = allocating.policy_of(store, depot_id, now)
    done, until = store.setting(allocating.horizon_setting(depot_id), ""), _last_day(store, depot_id, now)
    products = {
        product_id
        for product_id, ordered_at, day in store.wanted_between(depot_id, after_day=done, until_day=until)
        if day > last_reserved_day(policy, ordered_at.date())
    }
    if products:
        _give_goods(store, depot_id, products, policy, done=done, until=until, now=now)
    store.set_setting(name=allocating.horizon_setting(depot_id), value=until, by="horizon", now=now)


def _give_goods(
    store: Store,
    depot_id: int,
    products: Collection[int],
    policy: AllocationPolicy,
    *,
    done: str,
    until: str,
    now: datetime,
) -> None:
    why = "its day comes near"
    decision = reaching.decide_change(
        store,
        depot_id,
        products,
        lambda book: book,
        now=now,
        why=why,
        locking=store,
        stood=lambda book: before_they_came_near(book, policy, after_day=done, until_day=until),
    )
    committing.write(store, decision, by="horizon", now=now, why=why, tell=True)


def _last_day(store: allocating.Reader, depot_id: int, now: datetime) -> str:
    today = now.astimezone(ZoneInfo(store.depot(depot_id).zone)).date()
    return last_reserved_day(allocating.policy_of(store, depot_id, now), today)
