"""What is reached in time: on a road that can be counted by hand, and on the demo's city against OSRM."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely

from routing.engines.roads.facts import RegionFacts, save_facts
from routing.engines.roads.great_circle import DETOUR
from routing.engines.roads.reachable import ReachableArea, ReachableAreas
from routing.engines.roads.road_graph import graph_file
from routing.errors import InvalidInput, TravelError
from routing.model.places import Bounds, Location

STEP = 0.001  # of a degree along the equator: 111.195 m
STEP_KM = 0.111195
MIDDLE = Location(lat=0.0, lon=0.05)


def a_region(at: Path, roads: list[tuple[tuple[float, float], tuple[float, float]]], *, seconds: float = 60.0) -> Path:
    """A region of these roads, each from one (lat, lon) to another, both ways; each takes the same time."""
    at.mkdir(parents=True)
    arcs = [(chain, back, *(reversed(road) if back else road)) for chain, road in enumerate(roads) for back in (0, 1)]
    turns = [
        (one, other)
        for one, (chain, _, _, end) in enumerate(arcs)
        for other, (onto, _, start, _) in enumerate(arcs)
        if end == start and chain != onto
    ]
    graph_file(at, "van").parent.mkdir()
    np.savez(
        graph_file(at, "van"),
        chain_end=2 * np.arange(1, len(roads) + 1),
        lat=np.array([lat for road in roads for lat, _ in road]),
        lon=np.array([lon for road in roads for _, lon in road]),
        chain=np.array([chain for chain, *_ in arcs]),
        back=np.array([back for _, back, *_ in arcs], dtype=bool),
        seconds=np.full(len(arcs), seconds),
        choice=np.full(len(arcs), seconds),
        metres=np.array([math.dist(start, end) / STEP * STEP_KM * 1000 for _, _, start, end in arcs]),
        ends_here=np.ones(len(arcs), dtype=bool),
        turn_from=np.array([one for one, _ in turns], dtype=np.int64),
        turn_to=np.array([other for _, other in turns], dtype=np.int64),
        turn_seconds=np.zeros(len(turns)),
        turn_choice=np.zeros(len(turns)),
    )
    facts = RegionFacts(
        name="road", build="a build", bounds=Bounds(south=-0.01, west=0.0, north=0.01, east=0.1), addresses=0,
        restrictions=0, drivable_km=1.0, sampled=0, share_unroutable=0.0, snap_median_m=0.0, snap_p95_m=0.0,
        profiles=("van",), calibration={"van": 2.0}, calibration_error={"van": 0.1},
    )  # fmt: skip
    save_facts(facts, at)
    return at


@pytest.fixture
def straight(tmp_path: Path) -> ReachableAreas:
    """A hundred stretches of 111 m eastward, two minutes each once they are calibrated."""
    points = [(0.0, round(step * STEP, 6)) for step in range(101)]
    return ReachableAreas(a_region(tmp_path / "road", list(pairwise(points))))


def shape(area: ReachableArea) -> shapely.Geometry:
    return shapely.union_all(
        [
            shapely.Polygon([(at.lon, at.lat) for at in outer], [[(at.lon, at.lat) for at in hole] for hole in holes])
            for outer, *holes in area.polygons
        ]
    )


def test_a_road_is_reached_as_far_as_the_time_goes_also_in_the_middle_of_a_stretch(straight):
    # Five minutes are two and a half stretches, to the east and to the west.
    area = straight.area(MIDDLE, minutes=5, profile="van")
    assert area.road_km == round(5 * STEP_KM, 1)
    assert (area.engine, area.calibration, area.error, area.at_edge) == ("road graph", 2.0, 0.1, False)
    reached = shape(area)
    assert reached.contains(shapely.Point(0.05 + 2.4 * STEP, 0))
    assert not reached.contains(shapely.Point(0.05 + 3.2 * STEP, 0))
    west, _, east, _ = reached.bounds
    assert west + east == pytest.approx(2 * MIDDLE.lon, abs=0.5 * STEP)


def test_more_time_reaches_more_until_the_region_ends_which_is_said(straight):
    areas = [straight.area(MIDDLE, minutes=minutes, profile="van") for minutes in (5, 20, 100, 240)]
    assert [area.at_edge for area in areas] == [False, False, True, True]
    assert areas[0].km2 < areas[1].km2 < areas[2].km2 == areas[3].km2
    assert areas[3].road_km == round(100 * STEP_KM, 1)


def test_a_block_between_streets_belongs_to_the_area_and_a_park_does_not(tmp_path):
    def square(side: float) -> list[tuple[tuple[float, float], tuple[float, float]]]:
        corners = [(0.0, 0.05), (0.0, 0.05 + side), (side, 0.05 + side), (side, 0.05)]
        return list(zip(corners, [*corners[1:], corners[0]], strict=True))

    block = ReachableAreas(a_region(tmp_path / "block", square(2 * STEP)))
    park = ReachableAreas(a_region(tmp_path / "park", square(6 * STEP)))
    assert len(block.area(MIDDLE, minutes=60, profile="van").polygons[0]) == 1
    assert len(park.area(MIDDLE, minutes=60, profile="van").polygons[0]) == 2


def test_without_a_road_graph_it_is_a_circle_through_the_air_and_labelled_so(tmp_path):
    region = a_region(tmp_path / "road", [((0.0, 0.05), (0.0, 0.051))])
    graph_file(region, "van").unlink()
    area = ReachableAreas(region).area(MIDDLE, minutes=30, profile="van")
    radius_km = 28 * 0.5 / DETOUR
    assert area.engine == "great circle"
    assert area.calibration == 0.0
    assert area.km2 == pytest.approx(math.pi * radius_km**2, rel=0.01)


def test_the_way_from_a_far_door_to_its_road_takes_of_the_time(straight):
    """0.003° are 334 m to the road: 304 beyond the ordinary, at the 10 km/h of a yard 109 s. A plan counts them too."""
    far = Location(lat=0.003, lon=MIDDLE.lon)
    ordinary, area = (straight.area(at, minutes=5, profile="van") for at in (MIDDLE, far))
    assert (ordinary.door_s, area.door_s) == (0, 109)
    # In the 191 s that are left 1.6 stretches of two minutes, to the east and to the west.
    assert area.road_km == round(2 * 191 / 120 * STEP_KM, 1)
    with pytest.raises(TravelError, match="334 m from its road: a van is not on it within 1 min"):
        straight.area(far, minutes=1, profile="van")


def test_what_cannot_be_asked_is_refused(straight):
    for minutes in (0, -5, 241):
        with pytest.raises(InvalidInput, match="1 to 240 minutes"):
            straight.area(MIDDLE, minutes=minutes, profile="van")
    with pytest.raises(TravelError, match="No road for van lies within 500 m"):
        straight.area(Location(lat=0.02, lon=0.05), minutes=5, profile="van")
    with pytest.raises(TravelError, match="no profile"):
        straight.area(MIDDLE, minutes=5, profile="hovercraft")


def test_the_area_in_the_city_agrees_with_osrm(helsinki, osrm_times):
    start = Location(lat=60.1711, lon=24.9432)
    area = ReachableAreas(helsinki.directory).area(start, minutes=2, profile="van")
    reached = shape(area)
    rows, columns = np.meshgrid(np.linspace(60.163, 60.177, 20), np.linspace(24.932, 24.957, 20))
    places = [start, *(Location(lat=lat, lon=lon) for lat, lon in zip(rows.flat, columns.flat, strict=True))]
    table = osrm_times.table(places, profile="van")
    # At a road, and clearly within the time or clearly beyond it.
    near = (table.snapped_m >= 0) & (table.snapped_m < 30)
    sooner = near & (table.durations_s[0] >= 0) & (table.durations_s[0] < 0.6 * 120)
    later = near & (table.durations_s[0] > 1.8 * 120)
    inside = np.array([reached.contains(shapely.Point(at.lon, at.lat)) for at in places])
    assert sooner.sum() > 10
    assert later.sum() > 10
    assert inside[sooner].mean() > 0.85
    assert inside[later].mean() < 0.15
