"""A depot drives on the roads of the region that covers it, whichever region was built first."""

from __future__ import annotations

import io
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from data import tables
from data.db import Database
from data.importers.fleet import import_fleet
from data.store import open_store
from routing.model.imports import ImportResult
from routing.model.places import Bounds

NOW = datetime(2026, 5, 4, 6, tzinfo=UTC)
FIRST = Bounds(south=60.1, west=24.9, north=60.2, east=25.0)
SECOND = Bounds(south=39.3, west=-76.8, north=39.5, east=-76.6)


def built(database: Database, name: str, box: Bounds) -> int:
    with open_store(database) as store:
        key = store.save_region(name=name, build="one", facts={"bounds": asdict(box)}, built_at=NOW)
        store.assign_regions()
        return key


def imported(database: Database, *places: tuple[float, float], dry_run: bool = False) -> ImportResult:
    rows = [f"depot,D{n},Depot {n},{lat},{lon}" for n, (lat, lon) in enumerate(places, 1)]
    file = io.BytesIO("\n".join(["kind,number,name,lat,lon", *rows]).encode())
    with open_store(database) as store:
        return import_fleet(store, file, now=NOW, by="test", dry_run=dry_run)


def regions_of(database: Database) -> dict[str, int | None]:
    with database.reading() as connection:
        return {
            row.number: row.region_id
            for row in connection.execute(select(tables.depot.c.number, tables.depot.c.region_id))
        }


@pytest.fixture
def two(database: Database) -> tuple[int, int]:
    return built(database, "first", FIRST), built(database, "second", SECOND)


def test_a_depot_belongs_to_the_region_that_covers_it(database: Database, two: tuple[int, int]) -> None:
    result = imported(database, (60.15, 24.95), (39.43, -76.7))
    assert regions_of(database) == {"D1": two[0], "D2": two[1]}
    assert result.notes == []
    with open_store(database) as store:
        assert {name: len(ids) for name, ids in store.depots_by_region().items()} == {"first": 1, "second": 1}


def test_a_depot_in_no_region_is_told_at_the_import_with_the_mend(database: Database, two: tuple[int, int]) -> None:
    result = imported(database, (60.15, 24.95), (0.0, 0.0))
    assert regions_of(database) == {"D1": two[0], "D2": None}
    assert len(result.notes) == 1
    assert result.notes[0].startswith("Depot 2 lies in no region that is built")
    assert "backroute region add" in result.notes[0]


def test_a_dry_run_says_of_a_depot_in_no_region_what_the_import_would(database: Database, two: tuple[int, int]) -> None:
    places = (60.15, 24.95), (0.0, 0.0)
    said = imported(database, *places, dry_run=True).notes
    assert regions_of(database) == {}
    assert said == imported(database, *places).notes != []
    # One that is here already counts too, and one that would move into a region does not.
    assert imported(database, *places, dry_run=True).notes == said
    assert imported(database, (60.15, 24.95), (39.43, -76.7), dry_run=True).notes == []


def test_a_region_that_is_built_later_takes_the_depots_that_it_covers(database: Database) -> None:
    first = built(database, "first", FIRST)
    imported(database, (60.15, 24.95), (39.43, -76.7))
    assert regions_of(database) == {"D1": first, "D2": None}
    second = built(database, "second", SECOND)
    assert regions_of(database) == {"D1": first, "D2": second}


def test_a_depot_that_moves_away_changes_its_region_and_one_that_stays_keeps_it(
    database: Database, two: tuple[int, int]
) -> None:
    imported(database, (60.15, 24.95))
    built(database, "larger", Bounds(south=60.0, west=24.0, north=61.0, east=26.0))
    assert regions_of(database) == {"D1": two[0]}
    imported(database, (39.43, -76.7))
    assert regions_of(database) == {"D1": two[1]}


def test_of_several_regions_the_one_that_joins_most_depots_is_taken(database: Database, two: tuple[int, int]) -> None:
    larger = built(database, "larger", Bounds(south=60.0, west=24.0, north=61.0, east=26.0))
    imported(database, (60.15, 24.95), (60.5, 24.5))
    assert regions_of(database) == {"D1": larger, "D2": larger}


def test_without_any_region_nothing_is_said(database: Database, day: Any) -> None:
    assert imported(database, (60.15, 24.95)).notes == []
