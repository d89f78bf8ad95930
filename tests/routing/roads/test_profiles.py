"""Which roads a vehicle may use: OSRM and the road graph asked about the same little town.

Two ways lead from west to east: a short one along the equator, in which something stands, and a detour by the north.
"""

from __future__ import annotations

from pathlib import Path

import osmium
import pytest

from routing.engines.roads import profiles
from routing.engines.roads.build import build_osrm
from routing.engines.roads.extract import normalise
from routing.engines.roads.osrm import OsrmProcess
from routing.engines.roads.profiles import PROFILES, profile_named
from routing.engines.roads.road_graph import build_road_graphs, load_graph
from routing.model import fleet
from routing.model.places import Location

# By the tags of the short way: who takes it. Everybody else goes round. "node:" stands in its middle, "turn:" is a
# restriction of the turn into it, "row:" one of the turn behind it, for whoever came along it from the west.
SHORT_WAYS = [
    ({}, {"car", "van", "truck", "cargo_bike"}),
    ({"maxheight": "2.5"}, {"car", "cargo_bike"}),
    ({"maxheight": "3.2 m"}, {"car", "van", "cargo_bike"}),
    ({"maxheight": "8'2\""}, {"car", "cargo_bike"}),
    ({"maxweight": "3"}, {"car", "cargo_bike"}),
    ({"maxweight": "7.5"}, {"car", "van", "cargo_bike"}),
    ({"maxlength": "7"}, {"car", "van", "cargo_bike"}),
    ({"hgv": "no"}, {"car", "van", "cargo_bike"}),
    ({"hgv": "delivery"}, {"car", "van", "truck", "cargo_bike"}),
    ({"motor_vehicle": "no"}, {"cargo_bike"}),
    ({"bicycle": "no"}, {"car", "van", "truck"}),
    ({"highway": "cycleway"}, {"cargo_bike"}),
    ({"oneway": "-1"}, set()),
    ({"oneway": "-1", "oneway:bicycle": "no"}, {"cargo_bike"}),
    ({"oneway": "-1", "cycleway": "opposite_lane"}, {"cargo_bike"}),
    ({"access": "private"}, set()),
    ({"vehicle": "delivery"}, {"van", "truck", "cargo_bike"}),
    ({"maxspeed": "2"}, set()),
    ({"surface": "mud", "smoothness": "very_horrible"}, set()),
    ({"width": "0.8"}, set()),
    ({"node:barrier": "bollard"}, {"cargo_bike"}),
    ({"node:barrier": "bollard", "node:bollard": "rising"}, {"car", "van", "truck", "cargo_bike"}),
    ({"node:barrier": "block", "node:motor_vehicle": "yes"}, {"car", "van", "truck", "cargo_bike"}),
    ({"node:barrier": "kissing_gate"}, set()),
    ({"node:maxwidth:physical": "0.7"}, {"car", "van", "truck"}),
    ({"turn:restriction": "no_straight_on"}, set()),
    ({"turn:restriction": "no_straight_on", "turn:except": "hgv;bicycle"}, {"truck", "cargo_bike"}),
    ({"turn:restriction": "only_straight_on"}, {"car", "van", "truck", "cargo_bike"}),
    ({"turn:restriction:hgv": "no_straight_on"}, {"car", "van", "cargo_bike"}),
    ({"turn:restriction:bicycle": "no_straight_on", "turn:restriction:motorcar": "no_entry"}, {"truck"}),
    # No hour is asked for, so what holds at some hours only holds at none: the plan's day is not known to the map.
    ({"turn:restriction:conditional": "no_straight_on @ (Mo-Fr 07:00-09:00)"}, {"car", "van", "truck", "cargo_bike"}),
    ({"turn:restriction": "no_right_turn_on_red"}, {"car", "van", "truck", "cargo_bike"}),
    ({"row:restriction": "no_straight_on"}, set()),
    ({"row:restriction": "no_straight_on", "row:except": "motor_vehicle"}, {"car", "van", "truck"}),
    ({"row:restriction:hgv": "no_straight_on"}, {"car", "van", "cargo_bike"}),
    ({"row:restriction:conditional": "no_straight_on @ (22:00-05:00)"}, {"car", "van", "truck", "cargo_bike"}),
    ({"row:restriction": "only_straight_on"}, {"car", "van", "truck", "cargo_bike"}),
]


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All the little towns in one region, a degree of latitude apart."""
    folder = tmp_path_factory.mktemp("towns")
    with osmium.SimpleWriter(str(folder / "towns.osm.pbf")) as writer:
        nodes, ways, turns = [], [], []
        for number, (tags, _) in enumerate(SHORT_WAYS):
            first = number * 100
            at = [(0.0, 0.0), (0.001, 0.0), (0.009, 0.0), (0.01, 0.0), (0.001, 0.008), (0.009, 0.008), (0.005, 0.0)]
            said = {kind: _of(tags, kind) for kind in ("", "node:", "turn:", "row:")}
            nodes += [
                osmium.osm.mutable.Node(
                    id=first + ref, version=1, location=(lon, lat + number), tags=said["node:"] if ref == 7 else {}
                )
                for ref, (lon, lat) in enumerate(at, 1)
            ]
            for kind, members in (
                ("turn:", [("w", first + 1, "from"), ("n", first + 2, "via"), ("w", first + 2, "to")]),
                ("row:", [("w", first + 1, "from"), ("w", first + 2, "via"), ("w", first + 3, "to")]),
            ):
                if said[kind]:
                    of_turn = said[kind] | {"type": "restriction"}
                    turns.append(osmium.osm.mutable.Relation(id=first + 1, version=1, tags=of_turn, members=members))
            ways += [
                (first + 1, [1, 2], {"highway": "residential"}),
                (first + 2, [2, 7, 3], {"highway": "residential"} | said[""]),
                (first + 3, [3, 4], {"highway": "residential"}),
                (first + 4, [2, 5, 6, 3], {"highway": "residential"}),
            ]
        for node in nodes:
            writer.add_node(node)
        for ref, stretch, tags in ways:
            refs = [ref - ref % 100 + each for each in stretch]
            writer.add_way(osmium.osm.mutable.Way(id=ref, version=1, nodes=refs, tags=tags))
        for turn in turns:
            writer.add_relation(turn)
    normalise(folder / "towns.osm.pbf", folder / "region.osm.pbf")
    return folder


def _of(tags: dict[str, str], kind: str) -> dict[str, str]:
    """The tags of the way, of the node in its middle, or of the turn."""
    prefixes = ("node:", "turn:", "row:")
    if not kind:
        return {key: value for key, value in tags.items() if not key.startswith(prefixes)}
    return {key.removeprefix(kind): value for key, value in tags.items() if key.startswith(kind)}


def short_metres(profile: str, folder: Path) -> list[bool]:
    """By town: is the way from the western end to the eastern one the short one?"""
    at = [(lon, float(town)) for town in range(len(SHORT_WAYS)) for lon in (0.0002, 0.0098)]
    osrm = OsrmProcess(folder, profiles=(profile,), build="")
    try:
        _, metres, _ = osrm.table(profile, at, 500.0, 60.0)
    finally:
        osrm.close()
    return [0 < metres[2 * town, 2 * town + 1] < 1300 for town in range(len(SHORT_WAYS))]


@pytest.mark.parametrize("profile", list(PROFILES))
def test_a_vehicle_goes_round_what_it_may_not_pass(towns, profile, monkeypatch):
    monkeypatch.setattr("routing.engines.roads.build.SMALL_COMPONENT_NODES", 2)
    build_osrm(towns / "region.osm.pbf", towns, profile)
    short = short_metres(profile, towns)
    assert short == [profile in users for _, users in SHORT_WAYS]


def test_the_second_opinion_goes_round_the_same(towns):
    """The graph keeps one connected part only, so each town is asked on its own."""
    for number, (tags, users) in enumerate(SHORT_WAYS):
        cut = towns / f"town{number}"
        cut.mkdir()
        with osmium.SimpleWriter(str(cut / "town.osm.pbf")) as writer:
            for thing in osmium.FileProcessor(str(towns / "region.osm.pbf")):
                if thing.is_node() and thing.id // 100 == number:
                    writer.add_node(thing)
                elif thing.is_way() and thing.id // 100 == number:
                    writer.add_way(thing)
                elif thing.is_relation() and thing.id // 100 == number:
                    writer.add_relation(thing)
        build_road_graphs(cut / "town.osm.pbf", cut)
        for profile in PROFILES:
            graph = load_graph(cut, profile, 1.0)
            ends = [Location(lat=number, lon=0.0), Location(lat=number, lon=0.01)]
            _, metres, _ = graph.table(ends, 500.0)
            assert (0 < metres[0, 1] < 1300) == (profile in users), (tags, profile)


def test_what_a_vehicle_may_be_called_and_what_has_roads_of_its_own_are_one_list() -> None:
    assert tuple(PROFILES) == fleet.PROFILE_NAMES
    assert set(profiles._PROFILES) == set(PROFILES), "a profile that no vehicle may name is drawn for nobody"
    for said in fleet.SAID:
        assert profile_named(said).name == ("cargo_bike" if said in fleet.BIKES else said)
