"""Which day it is at a place, and how a sentence for people names a day. Programs, files and links keep ISO."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

FURTHEST = timedelta(days=3 * 366)
"""From today on. What somebody decides or expects for a later day is a slip of the finger."""


def today_of(now: datetime, zone: str) -> str:
    """The ISO day on the wall of that time zone."""
    return now.astimezone(ZoneInfo(zone)).date().isoformat()


def day_words(day: str | date) -> str:
    """An ISO day, or a date, as people write it; "" is no date.

    >>> day_words("2026-03-05")
    'Thu 5 Mar 2026'
    """
    if not day:
        return "no date"
    when = date.fromisoformat(day) if isinstance(day, str) else day
    return f"{when:%a} {when.day} {when:%b} {when.year}"
