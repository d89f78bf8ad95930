"""Tracks become ways that were driven: once a shift is over its positions are laid on the roads, and later forgotten.

What is kept of a track are its pieces: when each began and ended, and what it takes on free roads. Where the van was
is deleted after some days (a policy), read or not; the pieces when speeds are no longer learnt from them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from routing.errors import BackrouteError
from routing.model.days import today_of
from routing.model.parties import Company
from routing.rules.learnt_speeds import LOOKS_BACK_DAYS, DrivenLeg
from routing.rules.policies import PolicyBook
from routing.rules.tracks import Fix, Piece, Stay, pieces

OVER_AFTER = timedelta(hours=3)
"""A van that told nothing for so long has ended its shift."""

READ_ON = "tracks_read_on"

Along = Callable[[str, str, Sequence[Piece]], Sequence[int | None]]
"""Of a region's name, a profile and pieces: the free seconds of each along the roads that were driven; None where that
cannot be told. Raises BackrouteError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What the phone of one shift has told since it was last read. `last_id`: up to which position."""

    region: str
    day: str
    profile: str
    fixes: tuple[Fix, ...]
    stays: tuple[Stay, ...]
    last_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TracksRead:
    """`failed`: (shift, why) of those that wait for the next time."""

    shifts: int = 0
    ways: int = 0
    failed: tuple[tuple[int, str], ...] = ()


class Reader(Protocol):
    def company(self) -> Company: ...
    def setting(self, name: str, default: Any = None) -> Any: ...


class Store(Reader, Protocol):
    def policies(self) -> PolicyBook: ...
    def set_setting(self, *, name: str, value: Any, by: str, now: datetime) -> None: ...
    def tracks_to_read(self, *, before: datetime) -> Sequence[int]: ...
    def track(self, shift_id: int) -> Track | None: ...
    def keep_driven_ways(self, shift_id: int, ways: Sequence[DrivenLeg], *, last_id: int, now: datetime) -> bool: ...
    def forget_positions(self, *, before: datetime) -> int: ...
    def forget_driven_ways(self, *, before_day: str) -> None: ...


def tracks_due(store: Reader, *, now: datetime) -> bool:
    """Whether they were not yet read on this day of the company."""
    return bool(store.setting(READ_ON, "") != today_of(now, store.company().zone))


def read_tracks(open_store: Callable[[], AbstractContextManager[Store]], *, along: Along, now: datetime) -> TracksRead:
    """Reads the tracks of shifts that are over, each in a transaction, and forgets what is old.

    Nothing is open while the roads are asked. Read twice at the same time, a track counts once. One that cannot be
    read waits for the next time, and keeps no other waiting.
    """
    with open_store() as store:
        today = today_of(now, store.company().zone)
        store.set_setting(name=READ_ON, value=today, by="clock", now=now)
        store.forget_positions(before=now - timedelta(days=store.policies().positions_days(day=today)))
        store.forget_driven_ways(before_day=(now - timedelta(days=LOOKS_BACK_DAYS + 1)).date().isoformat())
        waiting = store.tracks_to_read(before=now - OVER_AFTER)
    read = ways = 0
    failed: list[tuple[int, str]] = []
    for shift_id in waiting:
        with open_store() as store:
            track = store.track(shift_id)
        if track is None:
            continue
        try:
            driven = _driven(track, along)
        except BackrouteError as unanswered:
            failed.append((shift_id, str(unanswered)))
            continue
        with open_store() as store:
            if store.keep_driven_ways(shift_id, driven, last_id=track.last_id, now=now):
                read += 1
                ways += len(driven)
    return TracksRead(shifts=read, ways=ways, failed=tuple(failed))


def _driven(track: Track, along: Along) -> list[DrivenLeg]:
    found = pieces(track.fixes, track.stays)
    free = along(track.region, track.profile, found) if found else []
    return [
        DrivenLeg(
            day=track.day,
            left_at=piece[0].at,
            arrived_at=piece[-1].at,
            free_s=free_s,
            profile=track.profile,
            tracked=True,
        )
        for piece, free_s in zip(found, free, strict=True)
        if free_s
    ]
