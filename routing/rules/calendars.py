"""Wall clocks and working days: which days a door takes goods, and what moment a wall-clock time is.

Twice a year a wall clock jumps. A time that does not exist (spring) is the moment of the jump; of a time that exists
twice (autumn) a window opens with the first and closes with the second, so that no window is ever turned round.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from routing.errors import InvalidInput
from routing.model.day import CalendarFacts, WallWindow
from routing.model.days import day_words
from routing.model.orders import WEEKDAYS, DeliveryDays, weekdays

MOST_DAYS = 31
"""Days that are planned as one. A slip of the keyboard (9999) would measure and search for minutes."""

LOOK_AHEAD = timedelta(days=400)
"""How far a delivery day is searched for: over a year, so that a site served a few days a year still finds one."""

_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")


def weekday(day: date) -> str:
    return WEEKDAYS[day.weekday()]


def day_of(text: str) -> date:
    """An ISO day. Raises InvalidInput."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f'"{text[:40]}" is no day. Write it as 2026-05-12.', code="day") from None


def days_between(first: str, last: str) -> tuple[date, ...]:
    """Every day from first to last, both included, at most MOST_DAYS. Raises InvalidInput, also when turned round."""
    one, other = day_of(first), day_of(last)
    if other < one:
        raise InvalidInput(f"The last day {last} lies before the first, {first}. Swap the two.")
    if (other - one).days >= MOST_DAYS:
        raise InvalidInput(
            f"{first} to {last} are {(other - one).days + 1:,} days; at most {MOST_DAYS} are planned together. "
            "Name a nearer last day.",
            code="too_many_days",
        )
    return tuple(one + timedelta(days=n) for n in range((other - one).days + 1))


def zone_of(name: str) -> ZoneInfo:
    """Raises InvalidInput for a zone that nobody knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise InvalidInput(f'"{name}" is no time zone. Write one as Europe/Helsinki.') from None


def clock_minutes(text: str) -> int:
    """Minutes after midnight of a wall-clock time HH:MM; 24:00 is the end of the day. Raises InvalidInput."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None or (minutes := int(match[1]) * 60 + int(match[2])) > 24 * 60:
        raise InvalidInput(f'"{text}" is no time of day. Write it as 08:30.')
    return minutes


def moment(day: date, minutes: int, zone: ZoneInfo, *, last: bool = False) -> datetime:
    """The moment at which the wall clock of that zone shows that time, in UTC.

    `last`: of a time that exists twice the second one. A time that does not exist is the moment of the jump.
    """
    day, minutes = day + timedelta(days=minutes // 1440), minutes % 1440
    wall = datetime.combine(day, time(minutes // 60, minutes % 60), tzinfo=zone)
    before, after = wall.replace(fold=0).utcoffset(), wall.replace(fold=1).utcoffset()
    assert before is not None
    assert after is not None
    if after > before:  # skipped: the clock jumps from `before` to `after` at some second between the two readings
        low, high = wall.replace(fold=1).astimezone(UTC), wall.replace(fold=0).astimezone(UTC)
        while high - low > timedelta(seconds=1):
            middle = low + timedelta(seconds=(high - low).total_seconds() // 2)
            if middle.astimezone(zone).utcoffset() == before:
                low = middle
            else:
                high = middle
        return high
    return wall.replace(fold=1 if last else 0).astimezone(UTC)


def span(day: date, opens: str, closes: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """First and last moment of a wall-clock span that begins on that day; one that closes before it opens lasts into
    the next. Never turned round. Raises InvalidInput."""
    begin, end = clock_minutes(opens), clock_minutes(closes)
    if end < begin:
        end += 1440
    return moment(day, begin, zone), moment(day, end, zone, last=True)


def windows_on(windows: Iterable[WallWindow], day: date) -> tuple[WallWindow, ...]:
    """Those of that weekday; one without weekdays counts every day."""
    return tuple(window for window in windows if not window.weekdays or weekday(day) in window.weekdays)


class CalendarBook:
    """Calendars by whom they are for, asked by day. The one place that knows whose calendar is asked before whose."""

    def __init__(self, calendars: Iterable[CalendarFacts]) -> None:
        self._weekdays: dict[tuple[str, int], tuple[str, ...]] = {}
        self._days: dict[tuple[str, int], dict[str, tuple[bool, str]]] = {}
        for each in calendars:
            key = (each.scope, each.scope_id)
            self._weekdays[key] = each.weekdays
            self._days[key] = {day: (is_open, why) for day, is_open, why in each.days}
        self._served: dict[tuple[object, ...], DeliveryDays] = {}

    def why_depot_closed(self, day: date, *, depot_id: int) -> str:
        """Why nobody drives from that depot on that day, empty when they do. The depot's own calendar is asked before
        the company's."""
        scopes = (("depot", depot_id), ("company", 0))
        if (said := self._exception(scopes, day)) is not None:
            return said
        working = next((self._weekdays[scope] for scope in scopes if scope in self._weekdays), None)
        if working is not None and weekday(day) not in working:
            return f"the depot does not work on {_DAY_NAMES[day.weekday()]}"
        return ""

    def why_site_closed(self, day: date, *, site_id: int, zone_id: int | None, delivery_days: tuple[str, ...]) -> str:
        """Why nothing may be brought to that site on that day, empty when it may. The site's calendar is asked first,
        then its delivery zone's, then its delivery days."""
        scopes = (("site", site_id), ("zone", -1 if zone_id is None else zone_id))
        if (said := self._exception(scopes, day)) is not None:
            return said
        if delivery_days and weekday(day) not in delivery_days:
            return f"{_DAY_NAMES[day.weekday()]} is not one of its delivery days ({', '.join(delivery_days)})"
        return ""

    def served(
        self,
        *,
        depot_id: int,
        site_id: int,
        zone_id: int | None,
        delivery_days: tuple[str, ...],
        cut_off: time,
        zone: str,
        zone_cut_off: str = "",
        stops_a_day: int | None = None,
    ) -> DeliveryDays:
        """The days on which the depot drives and the site takes goods, in the shape that dates are worked out from."""
        # Only its own calendar tells a site from another that is served on the same days of the same zone.
        own = site_id if ("site", site_id) in self._days else None
        same = (depot_id, own, zone_id, delivery_days, cut_off, zone, zone_cut_off, stops_a_day)
        if same not in self._served:
            scopes = [
                ("company", 0), ("depot", depot_id), ("site", site_id), ("zone", -1 if zone_id is None else zone_id),
            ]  # fmt: skip
            exceptions = {date.fromisoformat(day) for scope in scopes for day in self._days.get(scope, ())}
            opened = frozenset(
                day
                for day in exceptions
                if not self.why_depot_closed(day, depot_id=depot_id)
                and not self.why_site_closed(day, site_id=site_id, zone_id=zone_id, delivery_days=delivery_days)
            )
            working = self._weekdays.get(("depot", depot_id), self._weekdays.get(("company", 0), WEEKDAYS))
            self._served[same] = DeliveryDays(
                weekdays=frozenset(
                    n
                    for n, name in enumerate(WEEKDAYS)
                    if name in working and (not delivery_days or name in delivery_days)
                ),
                closed=frozenset(exceptions) - opened,
                opened=opened,
                cut_off=cut_off,
                zone_cut_off=zone_cut_off,
                zone=zone,
                zone_id=zone_id,
                stops_a_day=stops_a_day,
            )
        return self._served[same]

    def _exception(self, scopes: Iterable[tuple[str, int]], day: date) -> str | None:
        """What the first of these says of this very day: empty for open, why it is closed, None for nothing."""
        for scope in scopes:
            said = self._days.get(scope, {}).get(day.isoformat())
            if said is not None:
                is_open, why = said
                return "" if is_open else (why or f"closed on {day_words(day)}")
        return None


def why_depot_closed(calendars: Iterable[CalendarFacts], day: date, *, depot_id: int) -> str:
    """As `CalendarBook` says it, for who asks once."""
    return CalendarBook(calendars).why_depot_closed(day, depot_id=depot_id)


def why_site_closed(
    calendars: Iterable[CalendarFacts], day: date, *, site_id: int, zone_id: int | None, delivery_days: tuple[str, ...]
) -> str:
    """As `CalendarBook` says it, for who asks once."""
    return CalendarBook(calendars).why_site_closed(day, site_id=site_id, zone_id=zone_id, delivery_days=delivery_days)


def site_days(own: str, of_zone: str | None) -> tuple[str, ...]:
    """A site's delivery days: its own, else its zone's, else the working week.

    >>> site_days("", "thu,tue"), site_days("", None)
    (('tue', 'thu'), ('mon', 'tue', 'wed', 'thu', 'fri'))
    """
    named = weekdays(own) or weekdays(of_zone or "") or frozenset(range(5))
    return tuple(name for n, name in enumerate(WEEKDAYS) if n in named)


def served_from(day: date, days: DeliveryDays, has_room: Callable[[date], bool] = lambda _day: True) -> date | None:
    """The first day from this one on that the site is served and that has room, or None within a year."""
    return next(served_days(day, days, has_room), None)


def served_days(day: date, days: DeliveryDays, has_room: Callable[[date], bool] = lambda _day: True) -> Iterator[date]:
    """The days from this one on, for a year, on which the site is served and that have room.

    Served on Tuesdays and Thursdays, and closed on Thursday the 5th:

        >>> week = DeliveryDays(weekdays=frozenset({1, 3}), closed=frozenset({date(2026, 3, 5)}))
        >>> served = served_days(date(2026, 3, 2), week)
        >>> print(next(served), next(served))
        2026-03-03 2026-03-10
        >>> print(served_from(date(2026, 3, 2), DeliveryDays(weekdays=frozenset())))
        None
    """
    last = day + LOOK_AHEAD
    while day <= last:
        if days.serves(day) and has_room(day):
            yield day
        day += timedelta(days=1)


_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def past_cut_off(ordered_at: datetime, day: date, *, cut_off: str, zone: ZoneInfo) -> bool:
    """Whether an order came after the cut-off for that day: a wall-clock time of the depot, on the day before."""
    return bool(cut_off) and ordered_at > moment(day - timedelta(days=1), clock_minutes(cut_off), zone, last=True)


def next_delivery_day(
    calendars: Iterable[CalendarFacts],
    after: date,
    *,
    depot_id: int,
    site_id: int,
    zone_id: int | None,
    delivery_days: tuple[str, ...],
) -> date | None:
    """The first day after that one on which the depot drives and the site takes goods; None within a year."""
    book = CalendarBook(calendars)
    for n in range(1, 366):
        day = after + timedelta(days=n)
        if not book.why_depot_closed(day, depot_id=depot_id) and not book.why_site_closed(
            day, site_id=site_id, zone_id=zone_id, delivery_days=delivery_days
        ):
            return day
    return None
