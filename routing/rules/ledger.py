"""The ATP ledger of one SKU by date: what has come and what is wanted so far, and the day it turns. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerDay:
    """Base units that come and are wanted on an ISO day, and both up to then; `day` "" is what comes without a date,
    in no total."""

    day: str
    comes: int
    wanted: int
    supply: int
    demand: int

    @property
    def balance(self) -> int:
        """Negative: so many units are missing on that day."""
        return self.supply - self.demand


def by_date(
    *, today: str, supplies: Iterable[tuple[str, int]], demands: Iterable[tuple[str, int]]
) -> tuple[LedgerDay, ...]:
    """One row a day on which anything comes or is wanted, from today on. What is overdue or wanted at once is today's.

    By hand: 24 lie here and 36 are wanted now; 96 come on the 10th, and 60 are not wanted before the 12th.

        >>> days = by_date(today="2026-03-03", supplies=[("2026-03-01", 24), ("2026-03-10", 96), ("", 5)],
        ...                demands=[("", 36), ("2026-03-12", 60)])
        >>> [(each.day, each.supply, each.demand, each.balance) for each in days[:-1]]
        [('2026-03-03', 24, 36, -12), ('2026-03-10', 120, 36, 84), ('2026-03-12', 120, 96, 24)]
        >>> days[-1].day, days[-1].comes
        ('', 5)
        >>> short_from(days), covered_from(days)
        ('2026-03-03', '2026-03-10')
    """
    comes: dict[str, int] = defaultdict(int)
    wanted: dict[str, int] = defaultdict(int)
    undated = 0
    for day, units in supplies:
        if day:
            comes[max(day, today)] += units
        else:
            undated += units
    for day, units in demands:
        wanted[max(day, today)] += units
    found, supply, demand = [], 0, 0
    for day in sorted({today, *comes, *wanted}):
        supply, demand = supply + comes[day], demand + wanted[day]
        found.append(LedgerDay(day=day, comes=comes[day], wanted=wanted[day], supply=supply, demand=demand))
    if undated:
        found.append(LedgerDay(day="", comes=undated, wanted=0, supply=supply, demand=demand))
    return tuple(found)


def short_from(days: Sequence[LedgerDay]) -> str:
    """The first ISO day on which more is wanted than has come; "" when there is none."""
    return next((each.day for each in days if each.day and each.balance < 0), "")


def covered_from(days: Sequence[LedgerDay]) -> str:
    """The ISO day from which on everything that is wanted is there, for good; "" when no date covers it.

    >>> covered_from(by_date(today="2026-03-03", supplies=[], demands=[("", 1)]))
    ''
    """
    found = ""
    for each in days:
        if each.day:
            found = "" if each.balance < 0 else found or each.day
    return found
