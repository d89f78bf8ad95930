"""Days without deliveries, and what a delivery zone does: every date that stands on them is worked out again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from routing.errors import InvalidInput
from routing.model.days import FURTHEST
from routing.model.orders import Preview, weekdays
from routing.rules.calendars import clock_minutes, day_of
from routing.services import ruling

SCOPES = ("company", "depot", "zone", "site", "supplier")


class Store(ruling.Store, Protocol):
    def set_calendar_day(self, *, scope: str, scope_id: int, day: str, is_open: bool, why: str) -> None: ...
    def forget_calendar_day(self, *, scope: str, scope_id: int, day: str) -> None: ...
    def change_zone(self, zone_id: int, values: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDays:
    """These ISO days, with why, are closed for a scope; with `is_open` it delivers; with `forget` nothing is said."""

    scope: str
    scope_id: int = 0
    days: tuple[tuple[str, str], ...]
    is_open: bool = False
    forget: bool = False

    def __post_init__(self) -> None:
        if self.scope not in SCOPES:
            raise InvalidInput(f'"{self.scope[:20]}" is none of {", ".join(SCOPES)}.', code="scope")
        if not self.days:
            raise InvalidInput("No day was chosen. Choose at least one.", code="day")


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneWeek:
    """A zone's delivery days, cut-off, postcodes and stops a day (None: as many as come)."""

    zone_id: int
    delivery_days: str
    cut_off: str
    postcodes: str
    stops_a_day: int | None

    def __post_init__(self) -> None:
        if not weekdays(self.delivery_days):
            raise InvalidInput("A zone without a delivery day gets nothing. Choose at least one.", code="days")
        clock_minutes(self.cut_off)
        if self.stops_a_day is not None and not 1 <= self.stops_a_day <= 10_000:
            raise InvalidInput("Stops a day are 1 to 10,000; leave it empty for no limit.", code="stops")


Change = SetDays | ZoneWeek


def commit_change(store: Store, change: Change, *, now: datetime, by: str) -> list[Preview]:
    """Keeps it and works every open date out again, in the store's transaction. Undone, it is what would happen.

    A supplier's closed day moves nothing: it only flags. Raises InvalidInput, NotFound.
    """
    concerned, anyway = store.open_products_of(scope="company", scope_id=0), {}
    if not (isinstance(change, SetDays) and change.scope == "supplier"):
        anyway = ruling.comes_anyway(store, concerned, now=now)
    if isinstance(change, SetDays):
        for day, why in change.days:
            if abs(day_of(day) - now.date()) > FURTHEST:
                raise InvalidInput(f"{day} is years away. Name a nearer day.", code="day")
            if change.forget:
                store.forget_calendar_day(scope=change.scope, scope_id=change.scope_id, day=day)
            else:
                store.set_calendar_day(
                    scope=change.scope, scope_id=change.scope_id, day=day, is_open=change.is_open, why=why
                )
    else:
        store.change_zone(
            change.zone_id,
            {
                "delivery_days": change.delivery_days,
                "cut_off": change.cut_off,
                "postcodes": change.postcodes,
                "stops_a_day": change.stops_a_day,
            },
        )
    store.append_event(kind="calendar_changed", actor=by, captured_at=now, received_at=now, data=_facts(change))
    if isinstance(change, SetDays) and change.scope == "supplier":
        return []
    return ruling.give_out(store, concerned, now=now, by=by, why="delivery days changed", anyway=anyway)


def _facts(change: Change) -> dict[str, Any]:
    if isinstance(change, ZoneWeek):
        return {"zone": change.zone_id, "days": change.delivery_days, "cut_off": change.cut_off}
    said = "nothing said" if change.forget else "open" if change.is_open else "closed"
    return {"scope": change.scope, "scope_id": change.scope_id, "days": [day for day, _ in change.days], "said": said}


def year_of(text: str, *, today: date) -> int:
    """A year that may be filled or shown. Raises InvalidInput."""
    if not text.isdecimal() or len(text) != 4 or abs(int(text) - today.year) > 2:
        raise InvalidInput(f'"{text[:10]}" is no year near {today.year}.', code="year")
    return int(text)
