"""Explaining a date: which supply, cut-off, wish, delivery days and room made each line of an order come on its day."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from routing.model.orders import Completeness, DeliveryDays, WaitingOrder
from routing.rules.room import Room
from routing.rules.why_date import WhyDay, why_day
from routing.services import allocating


class Reader(allocating.Reader, Protocol):
    """What explaining needs of the store."""

    def waiting_orders(
        self, depot_id: int, order_ids: Collection[int], *, now: datetime
    ) -> dict[int, WaitingOrder]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedLine:
    """A line that waits for its day. `supply` names the last supply that it holds, "" where nobody holds it yet.

    `day` is when it comes, ISO; `own_day` when it could go if its order did not wait for other lines. `stands` is
    whether today's facts still lead to that day.
    """

    line_id: int
    sku: str
    day: str
    own_day: str
    supply: str
    is_stock: bool
    ready_at: datetime
    why: WhyDay

    @property
    def stands(self) -> bool:
        return self.why.day is not None and self.why.day.isoformat() == self.own_day


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedOrder:
    """`days` is the calendar of its site; `lines` those with a day that goods on hand or on a truck made."""

    ordered_at: datetime
    together: bool
    days: DeliveryDays
    lines: tuple[DatedLine, ...]


def explain_dates(store: Reader, *, depot_id: int, order_id: int, now: datetime) -> DatedOrder | None:
    """None when nothing of the order waits. What is released goes on the day of its release, and is left out."""
    order = store.waiting_orders(depot_id, [order_id], now=now).get(order_id)
    if order is None:
        return None
    days = store.delivery_days(depot_id, [order.site_id])[order.site_id]
    book = store.book(depot_id, {line.product_id for line in order.lines}, now=now, reaching=True)
    supplies = {supply.id: supply for supply in book.supplies}
    policy = allocating.policy_of(store, depot_id, now)
    ours = {line.id for line in order.lines}
    room = Room(store.stops_outside(depot_id, ours) if days.stops_a_day is not None else ())
    found = []
    for line in order.lines:
        mine = [each for each in book.holdings if each.line_id == line.id]
        held = [supplies[each.supply_id] for each in mine if each.allocated and each.supply_id in supplies]
        units = sum(each.allocated + each.committed for each in mine)
        ready = [supply.ready_at for supply in held if supply.ready_at is not None]
        if not line.expected_on or not held or len(ready) < len(held) or units < line.needed:
            continue
        last = max(held, key=lambda supply: (supply.ready_at, supply.id))
        ready_at = max(*ready, now)
        found.append(
            DatedLine(
                line_id=line.id,
                sku=line.sku,
                day=line.expected_on,
                own_day=line.own_day or line.expected_on,
                supply=last.number,
                is_stock=last.is_stock,
                ready_at=ready_at,
                why=why_day(
                    ready_at=ready_at,
                    ordered_at=order.ordered_at,
                    days=days,
                    earliest=order.earliest_day,
                    same_day_until=policy.same_day_until,
                    has_room=partial(room.takes, order.site_id, days),
                ),
            )
        )
    return DatedOrder(
        ordered_at=order.ordered_at,
        together=order.completeness is Completeness.COMPLETE,
        days=days,
        lines=tuple(found),
    )
