"""From the phone to the table: positions of a shift that is over become ways that were driven, and are forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from data import tables
from data.db import Database
from data.store import open_store
from routing.errors import TravelError
from routing.rules.policies import PolicyRow, Scope
from routing.rules.tracks import Piece
from routing.services.speeds import propose_speeds
from routing.services.tracks import TracksRead, read_tracks, tracks_due

EVENING = datetime(2026, 5, 12, 20, 0, tzinfo=UTC)
DAY = "2026-05-12"


@pytest.fixture
def depot(day: Any) -> int:
    region = day.add(tables.region, name="town", build="one", facts={}, built_at=datetime(2026, 5, 1, tzinfo=UTC))
    depot_id: int = day.depot(region_id=region)
    return depot_id


def told(day: Any, shift_id: int, *, from_hour: int = 8, minutes: int = 13, on: str = DAY) -> None:
    """600 m a minute to the east, told each minute."""
    begins = datetime.fromisoformat(f"{on}T{from_hour:02}:00:00+00:00")
    for n in range(minutes):
        at = begins + timedelta(minutes=n)
        place = {"lat": 0.0, "lon": 600 * n / 111_195, "accuracy_m": 8.0}
        day.add(tables.position, shift_id=shift_id, captured_at=at, received_at=at, **place)


def half_as_long(region: str, profile: str, tracks: Sequence[Piece]) -> list[int | None]:
    """Roads on which everything would take half the time when they are free."""
    assert (region, profile) == ("town", "car")
    return [int((track[-1].at - track[0].at).total_seconds() / 2) for track in tracks]


def read(database: Database, now: datetime = EVENING, along: Any = half_as_long) -> TracksRead:
    return read_tracks(lambda: open_store(database), along=along, now=now)


def positions(database: Database) -> int:
    with database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(tables.position)) or 0


def test_a_track_becomes_ways_once_its_shift_is_over(day: Any, database: Database, depot: int) -> None:
    shift = day.shift(depot_id=depot, day=DAY)
    told(day, shift)
    assert read(database, now=datetime(2026, 5, 12, 9, 0, tzinfo=UTC)) == TracksRead()
    done = read(database)
    assert (done.shifts, done.ways, done.failed) == (1, 4, ())
    with open_store(database) as store:
        legs = store.driven_legs("town", since=DAY)
        found = propose_speeds(store, region="town", now=EVENING)
    assert [(leg.left_at.minute, leg.arrived_at.minute, leg.free_s, leg.profile) for leg in legs] == [
        (0, 3, 90, "car"),
        (3, 6, 90, "car"),
        (6, 9, 90, "car"),
        (9, 12, 90, "car"),
    ]
    assert (found.legs, found.tracked) == (4, 4)
    assert not found.worth_taking
    # Read is read: what is told of another evening comes on top.
    assert read(database, now=EVENING + timedelta(hours=1)).shifts == 0
    assert positions(database) == 13


def test_enough_tracks_propose_the_table(day: Any, database: Database, depot: int) -> None:
    for n in range(5):
        on = f"2026-05-{11 + n}"
        for hour in (7, 10):
            told(day, day.shift(depot_id=depot, day=on), from_hour=hour, minutes=25, on=on)
    later = datetime(2026, 5, 16, 3, 0, tzinfo=UTC)
    assert read(database, now=later).ways == 80
    with open_store(database) as store:
        found = propose_speeds(store, region="town", now=later)
    said = {each.row.begins: (each.percent, each.legs, each.days) for each in found.slices}
    # Half the time when free: 200 %. By the depot's clock, three hours ahead, 07:00 is 10:00 and 10:00 is 13:00.
    assert said["09:00"] == (200, 80, 5)
    assert said["06:00"] == (None, 0, 0)


def test_the_time_at_a_door_is_no_driving(day: Any, database: Database, depot: int) -> None:
    shift = day.shift(depot_id=depot, day=DAY)
    told(day, shift)
    at = datetime(2026, 5, 12, 8, 4, 30, tzinfo=UTC)
    with open_store(database) as store:
        store.append_event(
            kind="stop.arrived", actor="driver", captured_at=at, received_at=at, shift_id=shift,
            data={"deliveries": [77]},
        )  # fmt: skip
    assert read(database).ways == 3
    with open_store(database) as store:
        legs = store.driven_legs("town", since=DAY)
    assert [(leg.left_at.minute, leg.arrived_at.minute) for leg in legs] == [(0, 3), (5, 8), (8, 11)]


def test_roads_that_do_not_answer_leave_the_track_for_the_next_time(day: Any, database: Database, depot: int) -> None:
    told(day, day.shift(depot_id=depot, day=DAY))

    def silent(region: str, profile: str, tracks: Sequence[Piece]) -> list[int | None]:
        raise TravelError("The roads did not answer.")

    def nothing(region: str, profile: str, tracks: Sequence[Piece]) -> list[int | None]:
        return [None] * len(tracks)

    done = read(database, along=silent)
    assert [why for _, why in done.failed] == ["The roads did not answer."]
    assert (done.shifts, done.ways) == (0, 0)
    assert read(database, along=nothing).shifts == 1
    with open_store(database) as store:
        assert store.driven_legs("town", since=DAY) == ()


def test_a_track_that_two_read_at_once_counts_once(day: Any, database: Database, depot: int) -> None:
    told(day, day.shift(depot_id=depot, day=DAY))

    def meanwhile(region: str, profile: str, tracks: Sequence[Piece]) -> list[int | None]:
        assert read(database).shifts == 1
        return half_as_long(region, profile, tracks)

    assert read(database, along=meanwhile).shifts == 0
    with open_store(database) as store:
        assert len(store.driven_legs("town", since=DAY)) == 4


def test_where_the_van_was_is_forgotten_after_the_days_that_the_policy_says(
    day: Any, database: Database, depot: int
) -> None:
    told(day, day.shift(depot_id=depot, day=DAY))
    elsewhere = day.depot(number="D9", region_id=None)
    told(day, day.shift(depot_id=elsewhere, day=DAY))
    read(database)
    week = PolicyRow(scope=Scope.COMPANY, name="positions_days", value=7, effective_from=DAY)
    with open_store(database) as store:
        store.set_policy(week, by="test", now=EVENING)
    read(database, now=EVENING + timedelta(days=6))
    assert positions(database) == 26
    read(database, now=EVENING + timedelta(days=8))
    assert positions(database) == 0
    with open_store(database) as store:
        assert len(store.driven_legs("town", since=DAY)) == 4
    read(database, now=EVENING + timedelta(days=95))
    with open_store(database) as store:
        assert store.driven_legs("town", since="2026-01-01") == ()


def test_it_is_due_once_a_day(day: Any, database: Database, depot: int) -> None:
    def due(now: datetime) -> bool:
        with open_store(database) as store:
            return tracks_due(store, now=now)

    assert due(EVENING)
    read(database)
    assert not due(EVENING + timedelta(minutes=1))
    assert due(EVENING + timedelta(days=1))
