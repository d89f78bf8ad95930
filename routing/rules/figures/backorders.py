"""Backorders as shares and by age.

A backorder is every open unit that is on no shelf for its line, whether an inbound covers it or not: a supplier who
cancels makes no figure better.

    Monday: SO-1 orders 10, all on the shelf; SO-2 orders 10, of which 4 are. Flow: 6 of 20 units, 1 of 2 lines, 1 of 2
    orders. In the evening SO-1 was handed over. Stock: 6 of 10 units open, 1 of 1 line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from routing.rules.figures.figure import Ratio

BUCKETS: Sequence[tuple[int, int | None]] = ((0, 7), (8, 14), (15, 30), (31, 60), (61, None))
"""Days from and to, both in it; None: no end."""


def bucket_edges(as_of: date) -> tuple[date, ...]:
    """The oldest day that is still in each bucket but the last, the youngest bucket first.

    >>> [edge.isoformat() for edge in bucket_edges(date(2026, 3, 3))]
    ['2026-02-24', '2026-02-17', '2026-02-01', '2026-01-02']
    """
    return tuple(as_of - timedelta(days=to) for _from, to in BUCKETS if to is not None)


def bucket_name(n: int) -> str:
    """
    >>> bucket_name(0), bucket_name(4)
    ('0-7', '61+')
    """
    first, last = BUCKETS[n]
    return f"{first}+" if last is None else f"{first}-{last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """One backorder rate, three ways of counting. An order or a line counts once any unit of it is backordered."""

    orders: Ratio
    lines: Ratio
    units: Ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeBucket:
    """Backorders of an age. `days` as 8-14."""

    days: str
    lines: int
    units: int


def circulating_rate(*, out_of_stock_items: int, backordered_items: int) -> Ratio:
    """Out-of-stock items ÷ backordered items, as it circulates. It says nothing at zero and passes 100 %: shown under
    its own name only, never as the backorder rate.

    >>> circulating_rate(out_of_stock_items=6, backordered_items=4).value
    1.5
    >>> circulating_rate(out_of_stock_items=6, backordered_items=0).value is None
    True
    """
    return Ratio(numerator=out_of_stock_items, denominator=backordered_items)
