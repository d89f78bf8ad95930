"""A pair that was computed once is not computed again, and never after the region was built anew."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from routing.engines.roads import kept_travel
from routing.engines.roads.facts import FACTS_FILE, load_facts, save_facts
from routing.engines.roads.kept_tables import TABLES_FILE, KeptTables
from routing.engines.roads.kept_travel import KeptTravelTimes
from routing.engines.roads.osrm import OsrmTravelTimes
from routing.engines.roads.travel import travel_times
from routing.model.places import Location

AT_SEA = Location(lat=60.10, lon=25.10)


def places(n: int, *, seed: int = 1) -> list[Location]:
    dice = random.Random(seed)
    return [Location(lat=dice.uniform(60.165, 60.176), lon=dice.uniform(24.936, 24.950)) for _ in range(n)]


class Counting(OsrmTravelTimes):
    """Notes how many pairs were asked for."""

    def __init__(self, region_dir: Path) -> None:
        super().__init__(region_dir)
        self.pairs: list[int] = []

    def part(self, places, sources, targets, *, profile):
        self.pairs.append(len(sources) * len(targets))
        return super().part(places, sources, targets, profile=profile)


@pytest.fixture
def region(helsinki, tmp_path: Path) -> Path:
    folder = tmp_path / "region"
    # Linked rather than copied: nothing writes into what a build made.
    shutil.copytree(helsinki.directory, folder, copy_function=os.link)
    return folder


@pytest.fixture
def counting(region: Path) -> Iterator[Counting]:
    with Counting(region) as osrm:
        yield osrm


def same(one, other) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("durations_s", "distances_m", "snapped_m")
    )


def test_a_few_sites_more_cost_two_strips(counting, osrm_times):
    travel = KeptTravelTimes(counting)
    yesterday = [*places(60), AT_SEA]
    travel.table(yesterday, profile="van")
    today = [*places(4, seed=2), *yesterday]
    table = travel.table(today, profile="van")
    # From the old to the new, and from the new to all.
    assert sorted(counting.pairs) == [61 * 4, 4 * 65, 61 * 61]
    assert same(table, osrm_times.table(today, profile="van"))
    assert (table.engine, table.build) == ("osrm", counting.build)


def test_the_same_sites_again_cost_nothing_in_any_order_or_part_and_after_a_restart(region, osrm_times):
    sites = places(80)
    with Counting(region) as first:
        KeptTravelTimes(first).table(sites, profile="van")
    with Counting(region) as second:
        travel = KeptTravelTimes(second)
        for asked in (sites, sites[::-1], sites[10:70], [*sites, *sites[:5]]):
            assert same(travel.table(asked, profile="van"), osrm_times.table(asked, profile="van"))
        assert second.pairs == []


def test_two_days_of_different_sites_are_joined_from_what_lies_between(counting, osrm_times):
    travel = KeptTravelTimes(counting)
    monday, tuesday = places(60), places(60, seed=2)
    travel.table(monday, profile="van")
    travel.table(tuesday, profile="van")
    counting.pairs.clear()
    assert same(travel.table(monday + tuesday, profile="van"), osrm_times.table(monday + tuesday, profile="van"))
    assert sum(counting.pairs) == 2 * 60 * 60


def test_each_profile_has_pairs_of_its_own(counting, osrm_times):
    travel = KeptTravelTimes(counting)
    for profile in ("van", "cargo_bike", "bike"):
        table = travel.table(places(60), profile=profile)
        assert same(table, osrm_times.table(places(60), profile=profile))
    # "bike" is the cargo bike's other name.
    assert counting.pairs == [60 * 60, 60 * 60]


def test_what_lacks_here_and_there_is_asked_for_at_once(counting, osrm_times, monkeypatch):
    monkeypatch.setattr(kept_travel, "FEW_PLACES", 2)
    travel = KeptTravelTimes(counting)
    sites = places(40)
    for first in range(0, 36, 4):
        travel.table(sites[first : first + 8], profile="van")
    # Half of all pairs are known, each site knows others: one part.
    monkeypatch.setattr(kept_travel, "_MOST_MISSING", 1.0)
    counting.pairs.clear()
    assert same(travel.table(sites, profile="van"), osrm_times.table(sites, profile="van"))
    assert len(counting.pairs) == 1


def test_tables_of_a_replaced_build_are_never_used(helsinki, tmp_path):
    builds = [tmp_path / "one", tmp_path / "two"]
    for number, folder in enumerate(builds):
        shutil.copytree(helsinki.directory, folder, copy_function=os.link)
        facts = load_facts(folder)
        (folder / FACTS_FILE).unlink()
        save_facts(type(facts)(**{**_fields(facts), "build": f"build {number}"}), folder)
    region = tmp_path / "region"
    region.symlink_to(builds[0], target_is_directory=True)
    with Counting(region) as osrm:
        travel = KeptTravelTimes(osrm)
        assert travel.table(places(60), profile="van").build == "build 0"
        region.unlink()
        region.symlink_to(builds[1], target_is_directory=True)
        assert travel.table(places(60), profile="van").build == "build 1"
        assert osrm.pairs == [3600, 3600]


def test_a_file_of_another_build_is_left_alone(region):
    """A folder that was copied by hand, with another build's tables in it."""
    with Counting(region) as osrm:
        KeptTables(region, build="of long ago").write(
            places(2),
            np.arange(2),
            np.arange(2),
            (np.full((2, 2), 7), np.full((2, 2), 7)),
            np.zeros(2, dtype=int),
            profile="van",
        )
        travel = KeptTravelTimes(osrm)
        for _ in range(2):
            assert travel.table(places(60), profile="van").build == osrm.build
        assert osrm.pairs == [3600, 3600]


def test_the_file_keeps_within_its_bound_and_forgets_what_was_asked_longest_ago(counting, osrm_times):
    room = 2 * 4 * 512 * 200
    travel = KeptTravelTimes(counting, most_bytes=room)
    days = [places(60, seed=day) for day in range(6)]
    for day in days:
        travel.table(day, profile="van")
        assert travel._kept is not None
        assert travel._kept[1].blocks <= 200
    counting.pairs.clear()
    travel.table(days[-1], profile="van")
    assert counting.pairs == []
    assert same(travel.table(days[0], profile="van"), osrm_times.table(days[0], profile="van"))
    assert counting.pairs == [3600]
    # A table that leaves no room for any other is not kept at all.
    travel.table(places(150), profile="van")
    assert travel._kept[1].blocks <= 200


@pytest.mark.parametrize("damage", ["garbage", "folder"])
def test_a_file_that_cannot_be_used_costs_time_and_nothing_else(region, osrm_times, damage):
    at = region / TABLES_FILE
    if damage == "garbage":
        at.write_bytes(b"no tables at all " * 1000)
    else:
        at.mkdir()
    with Counting(region) as osrm:
        travel = KeptTravelTimes(osrm)
        for _ in range(2):
            assert same(travel.table(places(60), profile="van"), osrm_times.table(places(60), profile="van"))
        assert osrm.pairs == [3600, 3600]


def test_somebody_else_writing_just_now_is_not_waited_for_long(counting, osrm_times, monkeypatch):
    monkeypatch.setattr("routing.engines.roads.kept_tables._WAIT_S", 0.05)
    travel = KeptTravelTimes(counting)
    travel.table(places(60), profile="van")
    with sqlite3.connect(counting.folder / TABLES_FILE, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        today = places(60) + places(3, seed=2)
        assert same(travel.table(today, profile="van"), osrm_times.table(today, profile="van"))
        other.execute("ROLLBACK")
    # What was known stays known, and what was not kept then is kept now.
    counting.pairs.clear()
    travel.table(today, profile="van")
    travel.table(today, profile="van")
    assert sorted(counting.pairs) == [60 * 3, 3 * 63]


def test_the_engine_of_an_installation_keeps_its_tables(region):
    travel = travel_times(region)
    try:
        travel.table(places(60), profile="van")
        assert (region / TABLES_FILE).is_file()
    finally:
        travel.close()


def _fields(facts) -> dict[str, object]:
    return {name: getattr(facts, name) for name in type(facts).__slots__}
