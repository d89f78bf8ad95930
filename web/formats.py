"""How times, durations, distances and money are written on every page."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from flask import Flask
from flask_babel import get_locale

from routing.model.amounts import how_many, unit_after
from routing.model.money import in_units

MINUTE_S = 60
MILES_LOCALES = ("US", "GB")
_ISO_DAY = re.compile(r"(?<![\w-])\d{4}-\d{2}-\d{2}(?![\w-])")


def _locale() -> Locale:
    return get_locale() or Locale("en")


def clock(moment: datetime | None, zone: str = "UTC") -> str:
    """09:40, on the wall of that zone; an empty text for no moment."""
    return "" if moment is None else moment.astimezone(ZoneInfo(zone)).strftime("%H:%M")


def day(value: date | str, form: str = "EEEE d MMMM") -> str:
    """Tuesday 3 November, in the reader's language. Takes a date or ISO text; an empty text stays empty."""
    if value == "":
        return ""
    locale = _locale()
    on = date.fromisoformat(value) if isinstance(value, str) else value
    return format_date(on, _as_written(form, locale), locale=locale)


def _as_written(form: str, locale: Locale) -> str:
    """A day's number carries a point in Finnish: 3. maaliskuuta."""
    return form.replace("d MMM", "d. MMM") if locale.language == "fi" else form


def with_days_written(text: str) -> str:
    """A kept reason, such as "inbound IN-1 comes on 2026-03-12", with its days as people write them."""
    return _ISO_DAY.sub(lambda found: _short_day(found[0]), text)


def _short_day(text: str) -> str:
    try:
        return day(text, "EEE d MMM")
    except ValueError:  # 2026-13-40 is somebody's number, no day.
        return text


def moment(value: datetime | None, zone: str = "UTC") -> str:
    """3 Nov 09:40."""
    if value is None:
        return ""
    local = value.astimezone(ZoneInfo(zone))
    locale = _locale()
    return f"{format_date(local.date(), _as_written('d MMM', locale), locale=locale)} {local:%H:%M}"


def duration(value: timedelta | float | None) -> str:
    """1 h 20, or 35 min. Takes a timedelta or seconds; rounds to whole minutes."""
    if value is None:
        return ""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    minutes = round(abs(seconds) / MINUTE_S)
    sign = "−" if seconds < 0 and minutes else ""
    hours, rest = divmod(minutes, 60)
    return f"{sign}{hours} h {rest:02d}" if hours else f"{sign}{rest} min"


def distance(metres: float | None) -> str:
    """350 m, 4.2 km, 38 km; miles where the reader's country drives in them."""
    if metres is None:
        return ""
    locale = _locale()
    if locale.territory in MILES_LOCALES:
        return f"{format_decimal(round(metres / 1609.344, 1), locale=locale)} mi"
    if metres < 1000:
        return f"{round(metres / 10) * 10} m"
    kilometres = metres / 1000
    return f"{format_decimal(round(kilometres, 1 if kilometres < 10 else 0), locale=locale)} km"


def money(minor: int | None, currency: str) -> str:
    """An amount of minor units, never without its currency."""
    return "" if minor is None else str(format_currency(in_units(minor, currency), currency, locale=_locale()))


def plain_amount(minor: int, currency: str) -> str:
    """An amount as it is typed: 112.50."""
    return f"{in_units(minor, currency):f}"


def ago(value: datetime | None, now: datetime) -> str:
    """How long ago, to put behind "seen": 12 s, 4 min, 1 h 20."""
    if value is None:
        return ""
    seconds = max(0.0, (now - value).total_seconds())
    return f"{round(seconds)} s" if seconds < MINUTE_S else duration(seconds)


def register_formats(app: Flask) -> None:
    for each in (
        clock,
        day,
        with_days_written,
        moment,
        duration,
        distance,
        money,
        plain_amount,
        ago,
        how_many,
        unit_after,
    ):
        app.add_template_filter(each)
