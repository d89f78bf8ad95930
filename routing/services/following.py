"""Following a van: where its phone was, within its shift and never beyond."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from routing.model.places import Location
from routing.model.proofs import ManifestInHand
from routing.rules.calendars import span

ON_DUTY_BEFORE = timedelta(minutes=30)
"""Positions count from half an hour before a shift to an hour after it: loading, and the way home."""
ON_DUTY_AFTER = timedelta(hours=1)


class Store(Protocol):
    def manifest_in_hand(self, manifest_id: int, *, lock: bool = False) -> ManifestInHand: ...
    def shift_hours(self, shift_id: int) -> tuple[str, str, str, str, int]: ...
    def add_position(
        self,
        *,
        shift_id: int,
        location: Location,
        accuracy_m: float | None,
        captured_at: datetime,
        received_at: datetime,
    ) -> None: ...


def record_position(
    *,
    store: Store,
    manifest_id: int,
    location: Location,
    accuracy_m: float | None,
    captured_at: datetime,
    now: datetime,
) -> bool:
    """Keeps where the van is, within the shift only; False when the shift is not on and nothing was kept."""
    manifest = store.manifest_in_hand(manifest_id)
    day, starts, ends, zone, overtime_s = store.shift_hours(manifest.shift_id)
    opens, closes = span(date.fromisoformat(day), starts, ends, ZoneInfo(zone))
    closes += timedelta(seconds=overtime_s)
    if not opens - ON_DUTY_BEFORE <= captured_at <= closes + ON_DUTY_AFTER or captured_at > now + timedelta(minutes=10):
        return False
    store.add_position(
        shift_id=manifest.shift_id,
        location=location,
        accuracy_m=accuracy_m,
        captured_at=captured_at,
        received_at=now,
    )
    return True
