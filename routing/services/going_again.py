"""The day on which goods go out again that came back: after a door, and when somebody decides so later."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import partial
from typing import Protocol

from routing.model.days import today_of
from routing.model.orders import DeliveryDays
from routing.model.parties import Depot
from routing.rules.door import first_day_after
from routing.rules.room import Room


class Reader(Protocol):
    def depot(self, depot_id: int) -> Depot: ...
    def delivery_days(self, depot_id: int, site_ids: Collection[int]) -> dict[int, DeliveryDays]: ...
    def stops_outside(self, depot_id: int, line_ids: Collection[int]) -> list[tuple[int, str, int]]: ...


def day_to_go_again(store: Reader, *, depot_id: int, site_id: int, now: datetime, tried: str = "") -> str:
    """The next ISO day on which the site is served and its zone has room; "" when there is none within a year.

    After today, on the depot's wall, and after the day on which it was `tried`: a report of Tuesday that comes on
    Thursday asks for Friday. The cut-off was kept when the order came.
    """
    days = store.delivery_days(depot_id, [site_id])[site_id]
    room = Room(store.stops_outside(depot_id, ()) if days.stops_a_day is not None else ())
    today = today_of(now, store.depot(depot_id).zone)
    return first_day_after(max(today, tried), days, partial(room.takes, site_id, days))
