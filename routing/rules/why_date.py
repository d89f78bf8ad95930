"""Why a line is expected on its day, step by step, with the same arithmetic that dates it (promises.py). Pure.

Wanted by a site that is served on Tuesdays and Thursdays, ordered on Monday 09:00 before the cut-off of 14:00; the
goods are on a truck that is put away on Tuesday 13:00, after the noon until which goods still go out. So the goods
allow Wednesday, the order Tuesday; Wednesday is no delivery day; Thursday it is.

    >>> from datetime import UTC
    >>> week = DeliveryDays(weekdays=frozenset({1, 3}), cut_off=time(14, 0))
    >>> why = why_day(
    ...     ready_at=datetime(2026, 3, 3, 13, tzinfo=UTC), ordered_at=datetime(2026, 3, 2, 9, tzinfo=UTC), days=week
    ... )
    >>> [each.isoformat() for each in (why.by_goods, why.by_order)]
    ['2026-03-04', '2026-03-03']
    >>> [(each.day.isoformat(), each.why.value) for each in why.skipped], why.day.isoformat()
    ([('2026-03-04', 'not_served')], '2026-03-05')
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from routing.model.orders import DeliveryDays
from routing.rules.promises import day_by_goods, day_by_order, first_delivery_day

MOST_SKIPPED = 14
"""Days that are named one by one; a site closed for a month is not told day by day."""


class Skipped(StrEnum):
    """Why a day is passed over."""

    NOT_SERVED = "not_served"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedDay:
    day: date
    why: Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyDay:
    """The first days that the goods, the order's cut-off and the customer's wish allow; days passed over; the day.

    `wanted` is None when nothing holds it back; `day` None when no day is found within a year.
    """

    by_goods: date
    by_order: date
    wanted: date | None
    skipped: tuple[SkippedDay, ...]
    day: date | None

    @property
    def start(self) -> date:
        return max(each for each in (self.by_goods, self.by_order, self.wanted) if each is not None)


def why_day(
    *,
    ready_at: datetime,
    ordered_at: datetime,
    days: DeliveryDays,
    earliest: str = "",
    same_day_until: time = time(12, 0),
    has_room: Callable[[date], bool] = lambda _day: True,
) -> WhyDay:
    """The steps to `first_delivery_day` of the same facts."""
    zone = ZoneInfo(days.zone)
    found = first_delivery_day(
        ready_at=ready_at,
        ordered_at=ordered_at,
        days=days,
        earliest=earliest,
        same_day_until=same_day_until,
        has_room=has_room,
    )
    why = WhyDay(
        by_goods=day_by_goods(ready_at.astimezone(zone), same_day_until),
        by_order=day_by_order(ordered_at.astimezone(zone), days.cut_off),
        wanted=date.fromisoformat(earliest) if earliest else None,
        skipped=(),
        day=found,
    )
    skipped: list[SkippedDay] = []
    day = why.start
    while found is not None and day < found and len(skipped) < MOST_SKIPPED:
        skipped.append(SkippedDay(day=day, why=Skipped.FULL if days.serves(day) else Skipped.NOT_SERVED))
        day += timedelta(days=1)
    return WhyDay(by_goods=why.by_goods, by_order=why.by_order, wanted=why.wanted, skipped=tuple(skipped), day=found)
