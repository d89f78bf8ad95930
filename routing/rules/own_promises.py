"""A decision that ranks by promises ranks by those too that it makes itself. Pure.

Under "promised date first" who has no promise yet stands behind everybody who has one, and is promised a day of what
they leave. From then on the order ranks by that day. Were that so only from the next decision on, goods would change
hands then although nothing happened: so the decision that makes the promise reckons with it already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from routing.model.orders import AllocationPolicy, Book, DeliveryDays, WaitingOrder
from routing.rules.allocation import Outcome, allocate, ranked
from routing.rules.promises import Dates, expected_days
from routing.rules.room import Room

MOST_ROUNDS = 50
"""Rounds after which the last one counts. Each lets somebody rank by a promise, or by a later one, for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Who gets what, when, and in `book` by which days they rank: the orders of `promised` by the first promise that
    comes of this, an ISO day by order id. No line of such an order is to be promised an earlier day."""

    book: Book
    outcome: Outcome
    dates: Dates
    promised: Mapping[int, str]


def decided(
    book: Book,
    policy: AllocationPolicy,
    *,
    days: Mapping[int, DeliveryDays],
    room: Callable[[], Room],
    today: date,
    now: datetime,
) -> Decided:
    """Gives out and dates the book so that doing it again, with the promises that come of it, changes nothing.

    `room` is asked for the stops outside the book once a round.

    SO-1 may give up what it holds, 10 on the shelf, and was promised the 9th. SO-2 is new and finds Thursday's truck:
    that is its promise, an earlier one than SO-1's, so it ranks first from now on and takes the shelf at once, not
    the next time that somebody looks. SO-1 still has its goods before the 9th.

        >>> from datetime import UTC, timedelta
        >>> from routing.model.orders import AllocationRule, RankRule, WaitingLine
        >>> from routing.model.stock import Holding, Supply, SupplyKind
        >>> monday = datetime(2026, 3, 2, 6, tzinfo=UTC)
        >>> shelf = Supply(id=1, kind=SupplyKind.RECEIPT, number="R-1", product_id=1, quantity=10, ready_at=monday)
        >>> truck = replace(shelf, id=2, kind=SupplyKind.INBOUND, ready_at=monday + timedelta(days=3))
        >>> line = WaitingLine(id=1, number="1", product_id=1, sku="OAT", name="Oat drink", needed=10)
        >>> order = WaitingOrder(id=1, number="SO-1", customer_id=1, customer="Café 12", site_id=1, site="Café 12",
        ...                      ordered_at=monday - timedelta(days=3), rank_rule=RankRule.MAY_GIVE_UP,
        ...                      promised_first="2026-03-09", lines=(replace(line, promised_on="2026-03-09"),))
        >>> new = replace(order, id=2, number="SO-2", promised_first="", lines=(replace(line, id=2),))
        >>> book = Book(depot_id=1, supplies=(shelf, truck), orders=(order, new),
        ...             holdings=(Holding(supply_id=1, line_id=1, allocated=10),))
        >>> found = decided(book, AllocationPolicy(rule=AllocationRule.PROMISED_DATE), days={}, room=Room,
        ...                 today=monday.date(), now=monday)
        >>> found.dates.expected, dict(found.promised)
        ({2: '2026-03-02', 1: '2026-03-05'}, {2: '2026-03-02'})
    """
    ranks_by: dict[int, str] = {}
    for _ in range(MOST_ROUNDS):
        by_rank = _ranking_by(book, ranks_by)
        outcome = allocate(by_rank, policy, today=today)
        dates = expected_days(by_rank, outcome, days=days, policy=policy, now=now, room=room(), promising=ranks_by)
        first = _first_days(book, dates)
        # Never back to an earlier day: so it comes to an end.
        later = {key: day for key, day in first.items() if day > ranks_by.get(key, "")}
        if not later:
            break
        ranks_by |= later
    # As nearly always: each may rank by the very day that it is expected on, and nobody's turn is another by it.
    exactly = _ranking_by(book, first)
    if _turns(exactly.orders, policy) == _turns(by_rank.orders, policy):
        exact = dates
        if any(each.stops_a_day is not None for each in days.values()):  # on that day it has its stop
            exact = expected_days(exactly, outcome, days=days, policy=policy, now=now, room=room(), promising=first)
        if _first_days(book, exact) == first:
            return Decided(book=exactly, outcome=outcome, dates=exact, promised=first)
    return Decided(book=by_rank, outcome=outcome, dates=dates, promised={key: ranks_by[key] for key in first})


def _first_days(book: Book, dates: Dates) -> dict[int, str]:
    """The day of each order that gets its first promise."""
    return {order.id: day for order in book.orders if _is_new(order) and (day := _first_day(order, dates))}


def _is_new(order: WaitingOrder) -> bool:
    """It has no promise and may get one."""
    return not order.promised_on and not order.held


def _first_day(order: WaitingOrder, dates: Dates) -> str:
    return min((day for line in order.lines if (day := dates.expected.get(line.id, ""))), default="")


def _ranking_by(book: Book, days: Mapping[int, str]) -> Book:
    return replace(
        book,
        orders=tuple(
            replace(order, promised_first=days[order.id]) if order.id in days else order for order in book.orders
        ),
    )


def _turns(orders: Iterable[WaitingOrder], policy: AllocationPolicy) -> list[int]:
    return [order.id for order in ranked(orders, policy)]
