"""The demo's days: it is Tuesday, Monday is closed, and thirty days lie behind."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Helsinki")
TUESDAY = date(2026, 3, 3)
MONDAY = TUESDAY - timedelta(days=1)
BEFORE_ALL = date(2026, 1, 28)


def at(day: date, clock: str) -> datetime:
    """at(TUESDAY, "05:40")"""
    return datetime.combine(day, time.fromisoformat(clock), tzinfo=ZONE)


START = at(TUESDAY, "05:40")
