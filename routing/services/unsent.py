"""A promised day passes and what lies there for it was not sent: the night after, its customer is told the new day."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Protocol

from routing.rules.by_itself import DAY_IS_PAST
from routing.services import allocating, committing, nightly
from routing.services.locking import locked_products
from routing.services.nightly import depots_due
from routing.services.untold import first_causes

BY = "new day"


class Store(allocating.Store, Protocol):
    def setting(self, name: str, default: Any = None) -> Any: ...
    def set_setting(self, *, name: str, value: Any, by: str, now: datetime) -> None: ...
    def unsent_lines(self, depot_id: int, *, from_day: str, before_day: str) -> dict[int, tuple[int, int]]: ...


def unsent_due(store: nightly.Reader, *, now: datetime) -> list[int]:
    """The depots where `tell_unsent` was not done today; none while the ERP allocates."""
    return depots_due(store, now=now, setting=_setting)


def tell_unsent(store: Store, depot_id: int, *, now: datetime) -> None:
    """Dates again what was promised for the days since this was last done, lies there whole and has not gone, and tells
    exactly those customers.

    The first time nobody is told of days before. Who is on hold, or pays first, hears nothing; what was tried at the
    door was told there; what waits for a truck is another night's.
    """
    done, today = store.setting(_setting(depot_id), ""), allocating.today_at(store, depot_id, now)
    lines = store.unsent_lines(depot_id, from_day=done, before_day=today) if done else {}
    known = {*store.tried_lines(lines), *first_causes(store, depot_id)} if lines else set()
    if late := {line_id: said for line_id, said in lines.items() if line_id not in known}:
        _date_again(
            store,
            depot_id,
            orders={order_id for order_id, _ in late.values()},
            products={product_id for _, product_id in late.values()},
            now=now,
        )
    store.set_setting(name=_setting(depot_id), value=today, by=BY, now=now)


def _date_again(
    store: Store, depot_id: int, *, orders: Collection[int], products: Collection[int], now: datetime
) -> None:
    book = store.book(depot_id, locked_products(store, depot_id, products), now=now)
    decision = allocating.decide(
        store,
        book,
        book,
        policy=allocating.policy_of(store, depot_id, now),
        now=now,
        why=DAY_IS_PAST,
        beside_the_calendar=True,
    )
    others = {order.id for order in book.orders} - set(orders)
    committing.write(store, decision, by=BY, now=now, why=DAY_IS_PAST, tell=True, quiet=others)


def _setting(depot_id: int) -> str:
    return f"unsent_day:{depot_id}"
