"""A figure that says what it was counted from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from routing.errors import InvalidInput

LONGEST = timedelta(days=1100)
"""The longest period: three years."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Two counts. `value` is None where there was nothing to count: 0 of 0 is neither good nor bad.

    >>> Ratio(numerator=3, denominator=4).value
    0.75
    >>> Ratio(numerator=0, denominator=0).value is None
    True
    """

    numerator: float
    denominator: float

    @property
    def value(self) -> float | None:
        return self.numerator / self.denominator if self.denominator else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Hours: the middle one, the one that nine of ten do not pass, and how many there were. None without any."""

    median: float | None
    p90: float | None
    n: int


def spread(hours: Sequence[float]) -> Spread:
    """By nearest rank, so that each is one that really happened.

    >>> spread([5, 1, 2, 3, 4, 6, 7, 8, 9, 100])
    Spread(median=5, p90=9, n=10)
    >>> spread([])
    Spread(median=None, p90=None, n=0)
    """
    ordered = sorted(hours)

    def rank(share: float) -> float | None:
        return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None

    return Spread(median=rank(0.5), p90=rank(0.9), n=len(ordered))


@dataclass(frozen=True, slots=True, kw_only=True)
class EtaErrors:
    """Minutes: how far the arrival was from what was planned at dispatch, whichever way; `bias` above 0 is late."""

    mean: float | None
    p90: float | None
    bias: float | None
    n: int


def eta_errors(minutes: Sequence[float]) -> EtaErrors:
    """From actual minus planned arrivals.

    >>> eta_errors([-4, 2, 8, 10])
    EtaErrors(mean=6.0, p90=10, bias=4.0, n=4)
    """
    if not minutes:
        return EtaErrors(mean=None, p90=None, bias=None, n=0)
    off = [abs(each) for each in minutes]
    return EtaErrors(mean=sum(off) / len(off), p90=spread(off).p90, bias=sum(minutes) / len(minutes), n=len(minutes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days from `first` to `last`, both in it, in a zone.

    >>> week = Period(first=date(2026, 3, 2), last=date(2026, 3, 8), zone="Europe/Helsinki")
    >>> week.before.first.isoformat(), week.before.last.isoformat()
    ('2026-02-23', '2026-03-01')
    >>> [start.isoformat() for start in week.steps][:2]
    ['2026-03-02', '2026-03-03']
    """

    first: date
    last: date
    zone: str

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise InvalidInput(
                f"The period ends on {self.last}, before it starts on {self.first}. Swap the two days.", code="period"
            )
        if self.last - self.first > LONGEST:
            raise InvalidInput(
                f"{self.first} to {self.last} is longer than three years. Take a shorter period.", code="period"
            )

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> Period:
        """As many days, just before."""
        last = self.first - timedelta(days=1)
        return Period(first=last - timedelta(days=self.days - 1), last=last, zone=self.zone)

    @property
    def steps(self) -> tuple[date, ...]:
        """Where each point of a chart begins: days up to six weeks, then weeks, then months of thirty days."""
        length = 1 if self.days <= 42 else 7 if self.days <= 300 else 30
        return tuple(self.first + timedelta(days=n) for n in range(0, self.days, length))

    @property
    def spans(self) -> tuple[tuple[date, date], ...]:
        """First and last day of each step."""
        ends = (*self.steps, self.last + timedelta(days=1))
        return tuple((start, after - timedelta(days=1)) for start, after in pairwise(ends))

    @property
    def starts_at(self) -> datetime:
        return self.midnight(self.first)

    @property
    def ends_at(self) -> datetime:
        """The first moment that is no longer in it."""
        return self.midnight(self.last + timedelta(days=1))

    def midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), tzinfo=ZoneInfo(self.zone))
