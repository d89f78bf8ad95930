"""Small extracts made by hand: nodes lie on a line eastward, and one that is referred to but not there was cut."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import osmium
import pytest
from osmium.osm.mutable import Node, Relation, Way

from routing.engines.roads.extract import normalise, only_ways_to_travel
from routing.engines.roads.profiles import PROFILES
from routing.engines.roads.road_rules import usable_speed_kmh
from routing.errors import FileRefused
from routing.model.places import Bounds

ROAD = {"highway": "residential"}


def node(ref: int, *, tags: dict[str, str] | None = None, version: int = 1, lat: float = 0.0) -> Node:
    return Node(id=ref, version=version, location=(ref / 1000, lat), tags=tags or {})


def way(way_id: int, nodes: Sequence[int], tags: dict[str, str]) -> Way:
    return Way(id=way_id, version=1, nodes=nodes, tags=tags)


def written(path: Path, things: Sequence[Node | Way | Relation], *, box: Bounds | None = None) -> Path:
    header = osmium.io.Header()
    if box is not None:
        header.add_box(osmium.osm.Box(box.west, box.south, box.east, box.north))
    with osmium.SimpleWriter(str(path), header=header, overwrite=True) as writer:
        for thing in things:
            writer.add(thing)
    return path


@pytest.fixture
def read(tmp_path: Path):
    def normalised(things: Sequence[Node | Way | Relation], *, box: Bounds | None = None):
        into = tmp_path / "region.osm.pbf"
        extract = normalise(written(tmp_path / "input.osm.pbf", things, box=box), into)
        found = {"n": {}, "w": {}, "r": {}}
        for thing in osmium.FileProcessor(str(into)):
            kind = thing.type_str()
            found[kind][thing.id] = {
                "n": lambda thing: thing.version,
                "w": lambda thing: [member.ref for member in thing.nodes],
                "r": lambda thing: [(member.type, member.ref, member.role) for member in thing.members],
            }[kind](thing)
        return extract, found["w"], found["r"]

    return normalised


def test_a_cut_road_becomes_the_stretches_that_are_there_and_the_longest_keeps_its_id(read):
    extract, ways, _ = read([*map(node, (1, 2, 4, 5, 6)), way(10, [1, 2, 3, 4, 5, 6], ROAD), way(20, [1, 2], ROAD)])
    assert ways == {10: [4, 5, 6], 20: [1, 2], 21: [1, 2]}
    assert extract.clipped_ways == 1


def test_a_cut_building_is_closed_across_the_gap(read):
    nodes = [node(1), node(2), node(3, lat=0.001), node(4, lat=0.002)]
    _, ways, _ = read([*nodes, way(1, [1, 2, 3, 9, 4, 1], {"building": "yes"}), way(2, [1, 2], ROAD)])
    assert ways[1] == [1, 2, 3, 4, 1]


def test_a_house_on_the_edge_keeps_its_address_when_its_outline_is_gone(read):
    house = {"building": "yes", "addr:street": "Edge street", "addr:housenumber": "5"}
    extract, ways, _ = read(
        [node(1), node(2), way(1, [1, 8, 9, 1], house), way(2, [1, 8, 9, 1], {"building": "yes"}), way(3, [1, 2], ROAD)]
    )
    assert (ways[1], 2 in ways, extract.addresses) == ([1, 1], False, 1)


def test_of_an_extract_only_what_is_travelled_is_read_for_each_profile(tmp_path):
    ways = [way(1, [1, 2], ROAD), way(2, [3, 4, 5, 3], {"building": "yes"}), way(3, [5, 6], {"route": "ferry"})]
    turn = Relation(id=1, version=1, tags={"type": "restriction"}, members=[("w", 1, "from")])
    region = written(tmp_path / "region.osm.pbf", [*(node(ref) for ref in range(1, 7)), *ways, turn])
    only_ways_to_travel(region, tmp_path / "travelled.osm.pbf")
    kept = [(each.type_str(), each.id) for each in osmium.FileProcessor(str(tmp_path / "travelled.osm.pbf"))]
    assert kept == [("n", 1), ("n", 2), ("n", 5), ("n", 6), ("w", 1), ("w", 3), ("r", 1)]


def test_a_restriction_follows_the_stretch_that_touches_its_junction(read):
    restriction = Relation(
        id=1,
        version=1,
        tags={"type": "restriction", "restriction": "no_left_turn"},
        members=[("w", 10, "from"), ("n", 2, "via"), ("w", 20, "to")],
    )
    roads = [way(10, [2, 1, 9, 4, 5, 6], ROAD), way(20, [2, 3], ROAD)]
    extract, ways, relations = read([*map(node, range(1, 7)), *roads, restriction])
    assert ways[21] == [2, 1]
    assert relations[1] == [("w", 21, "from"), ("n", 2, "via"), ("w", 20, "to")]
    assert extract.restrictions == 1


def test_a_file_in_any_order_with_old_versions_is_put_in_order(read):
    things = [way(2, [2, 3], ROAD), node(3), way(1, [1, 2], ROAD), node(2), node(1, version=2), node(1, version=1)]
    extract, ways, _ = read(things)
    assert list(ways) == [1, 2]
    assert extract.nodes == 3


def test_the_bounds_are_the_box_of_the_cut_as_far_as_it_holds_nodes(read):
    things = [node(1), node(9, lat=0.5), way(1, [1, 9], ROAD)]
    assert read(things)[0].bounds == Bounds(south=0, west=0.001, north=0.5, east=0.009)
    cut = Bounds(south=-1, west=-1, north=0.25, east=1)
    assert read(things, box=cut)[0].bounds == Bounds(south=0, west=0.001, north=0.25, east=0.009)
    elsewhere = Bounds(south=50, west=50, north=51, east=51)
    assert read(things, box=elsewhere)[0].bounds == Bounds(south=0, west=0.001, north=0.5, east=0.009)


def test_without_addresses_points_on_roads_are_sampled(read):
    extract, _, _ = read([node(1), node(2), way(1, [1, 2], ROAD)])
    assert extract.addresses == 0
    assert len(extract.sampled) == 1


def test_a_region_with_only_footways_is_refused(read):
    with pytest.raises(FileRefused, match="no road a car may use"):
        read([node(1), node(2), way(1, [1, 2], {"highway": "footway"})])


@pytest.mark.parametrize(
    ("tags", "by_car", "by_bike"),
    [
        ({"highway": "residential"}, True, True),
        ({"highway": "motorway"}, True, False),
        ({"highway": "cycleway"}, False, True),
        ({"highway": "service", "access": "no"}, False, False),
        ({"highway": "service", "access": "no", "motor_vehicle": "yes"}, True, False),
        ({"highway": "residential", "motor_vehicle": "no"}, False, True),
        ({"highway": "primary", "bicycle": "use_sidepath"}, True, False),
        # A bike is pushed along its outline.
        ({"highway": "pedestrian", "area": "yes"}, False, True),
        ({"waterway": "river"}, False, False),
    ],
)
def test_who_may_use_a_road(tags, by_car, by_bike):
    assert (usable_speed_kmh(tags, PROFILES["car"]) is not None) == by_car
    assert (usable_speed_kmh(tags, PROFILES["cargo_bike"]) is not None) == by_bike
