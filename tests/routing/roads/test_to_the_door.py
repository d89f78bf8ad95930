"""The way between road and door is counted where a door stands far from every road, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import osmium

from routing.engines.roads.kept_travel import KeptTravelTimes
from routing.engines.roads.osrm import OsrmTravelTimes
from routing.engines.roads.road_graph import RoadGraphTravelTimes
from routing.model.places import Location
from routing.ports import TravelTable
from routing.rules.to_the_door import seconds_to_the_door, to_the_doors

STEP = 1 / 111_195
"""A metre, in degrees of latitude."""


def at(metres_north: float, metres_east: float = 0.0) -> Location:
    return Location(lat=metres_north * STEP, lon=10.0 + metres_east * STEP)


def table(snapped_m: list[int], seconds: int = 100) -> TravelTable:
    n = len(snapped_m)
    durations_s = np.full((n, n), seconds, dtype=np.int64)
    np.fill_diagonal(durations_s, 0)
    return TravelTable(
        durations_s=durations_s,
        distances_m=durations_s * 10,
        snapped_m=np.array(snapped_m, dtype=np.int64),
        engine="osrm",
        build="a build",
    )


def test_an_ordinary_door_changes_nothing() -> None:
    ours = to_the_doors(table([0, 12, 30]), [at(0), at(500), at(900)], profile="van")
    assert ours.durations_s.tolist() == table([0, 12, 30]).durations_s.tolist()


def test_a_far_door_takes_its_way_from_the_road_in_both_directions() -> None:
    ours = to_the_doors(table([0, 230, 0]), [at(0), at(5000), at(9000)], profile="van")
    # 200 m beyond the ordinary at 10 km/h.
    assert ours.durations_s.tolist() == [[0, 172, 100], [172, 0, 172], [100, 172, 0]]
    assert ours.distances_m.tolist() == table([0, 0, 0]).distances_m.tolist()


def test_between_two_far_doors_both_ways_count_unless_they_share_a_drive() -> None:
    apart = to_the_doors(table([230, 130]), [at(0), at(5000)], profile="van")
    assert apart.durations_s[0, 1] == 100 + 72 + 36
    # 30 m apart at the end of one drive, and twice the same door.
    for metres, seconds in ((30, 8), (0, 0)):
        beside = to_the_doors(table([430, 430], seconds=0), [at(0), at(metres)], profile="van")
        assert beside.durations_s[0, 1] == beside.durations_s[1, 0]
        assert abs(beside.durations_s[0, 1] - seconds) <= 4, metres


def test_what_no_road_joins_stays_unjoined() -> None:
    lonely = table([230, -1, 0])
    lonely.durations_s[1] = lonely.durations_s[:, 1] = -1
    lonely.durations_s[1, 1] = 0
    ours = to_the_doors(lonely, [at(0), at(5000), at(9000)], profile="van").durations_s
    assert ours.tolist() == [[0, -1, 172], [-1, 0, -1], [172, -1, 0]]


def test_who_walks_is_slower_than_who_drives() -> None:
    far = np.array([330])
    by = {profile: int(seconds_to_the_door(far, profile=profile)[0]) for profile in ("van", "car", "bike", "truck")}
    assert by == {"van": 108, "car": 108, "bike": 135, "truck": 270}


def test_every_engine_counts_it_and_what_is_kept_counts_it_once(helsinki: Any) -> None:
    doors = region_places(60)
    far = far_from_roads(helsinki.directory, doors)
    everybody = [*doors, far]
    with OsrmTravelTimes(helsinki.directory) as osrm:
        bare = osrm.on_roads(everybody, profile="van")
        added = int(seconds_to_the_door(bare.snapped_m, profile="van")[-1])
        assert added > 30
        near = np.flatnonzero(bare.snapped_m[:-1] <= 30)
        for travel in (osrm, KeptTravelTimes(osrm)):
            for _ in range(2):
                ours = travel.table(everybody, profile="van")
                assert (ours.durations_s[-1, near] == bare.durations_s[-1, near] + added).all()
                assert (ours.durations_s[np.ix_(near, near)] == bare.durations_s[np.ix_(near, near)]).all()
    graph = RoadGraphTravelTimes(helsinki.directory)
    of_graph = graph.table([doors[int(near[0])], far], profile="van")
    assert abs(int(seconds_to_the_door(of_graph.snapped_m, profile="van")[1]) - added) <= 2


def region_places(n: int) -> list[Location]:
    found: list[Location] = []
    for thing in osmium.FileProcessor(str(Path("data/demo/helsinki.osm.pbf"))).with_filter(
        osmium.filter.KeyFilter("addr:housenumber")
    ):
        if isinstance(thing, osmium.osm.Node):
            found.append(Location(lat=thing.lat, lon=thing.lon))
    return found[:: max(1, len(found) // n)][:n]


def far_from_roads(directory: Path, doors: list[Location]) -> Location:
    """A place with a road within the radius, and more than 100 m from it."""
    south, north = min(door.lat for door in doors), max(door.lat for door in doors)
    west, east = min(door.lon for door in doors), max(door.lon for door in doors)
    grid = [Location(lat=float(lat), lon=float(lon)) for lat in np.linspace(south - 0.004, north + 0.004, 30)
            for lon in np.linspace(west - 0.006, east + 0.006, 30)]  # fmt: skip
    with OsrmTravelTimes(directory) as osrm:
        bare = osrm.on_roads([*doors[:1], *grid], profile="van")
    joined = (bare.durations_s[0, 1:] >= 0) & (bare.durations_s[1:, 0] >= 0)
    return grid[int(np.where(joined, bare.snapped_m[1:], -1).argmax())]
