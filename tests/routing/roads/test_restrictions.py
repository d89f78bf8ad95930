"""OSRM and the road graph asked about little towns full of restrictions: one as likely as the other to misread one.

A town is a grid of streets, each with restrictions drawn at random: at a junction or over streets in between, for some
vehicles only, at some hours only, or with words that are none.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import osmium
import pytest
from osmium.osm.mutable import Node, Relation, Way

from routing.engines.roads.build import build_osrm
from routing.engines.roads.extract import normalise
from routing.engines.roads.osrm import OsrmProcess
from routing.engines.roads.profiles import PROFILES
from routing.engines.roads.road_graph import build_road_graphs, load_graph
from routing.model.places import Location

ACROSS, STREET_DEG, TOWNS, RESTRICTIONS = 4, 0.004, 40, 2
SAID = ("no_left_turn", "no_u_turn", "no_straight_on", "only_straight_on", "only_right_turn", "no_entry", "no_exit")
WORDED = (
    {"restriction": "{said}"},
    {"restriction": "{said}"},
    {"restriction": "{said}", "except": "hgv;bus"},
    {"restriction:hgv": "{said}"},
    {"restriction": "{said}", "restriction:hgv": "only_straight_on"},
    {"restriction:conditional": "{said} @ (Mo-Fr 07:00-09:00)"},
    {"restriction:hgv:conditional": "{said} @ (22:00-05:00)"},
    {"restriction": "{said}_on_red"},
    {"restriction": "none"},
)


def drawn(town: int, dice: random.Random) -> tuple[list[Node], list[Way], list[Relation], list[tuple[float, float]]]:
    """A town and the middles of its streets."""
    first = town * 1000
    at = {
        first + row * ACROSS + column + 1: (
            column * STREET_DEG + dice.uniform(-4e-4, 4e-4),
            town * 0.03 + row * STREET_DEG + dice.uniform(-4e-4, 4e-4),
        )
        for row in range(ACROSS)
        for column in range(ACROSS)
    }
    pairs = [(ref, ref + 1) for ref in at if (ref - first) % ACROSS] + [(ref, ref + ACROSS) for ref in [*at][:-ACROSS]]
    streets = {first + number: list(pair) for number, pair in enumerate(pairs, 1)}
    here: dict[int, list[int]] = {}
    ways, middles = [], []
    for way, pair in streets.items():
        dice.shuffle(pair)
        tags = {"highway": dice.choice(["residential", "residential", "tertiary"])}
        if dice.random() < 0.1:
            tags["oneway"] = dice.choice(["yes", "-1"])
        ways.append(Way(id=way, version=1, nodes=pair, tags=tags))
        share = dice.uniform(0.3, 0.7)
        (lon, lat), (to_lon, to_lat) = (at[ref] for ref in pair)
        middles.append((lon + (to_lon - lon) * share, lat + (to_lat - lat) * share))
        for ref in pair:
            here.setdefault(ref, []).append(way)
    relations = []
    for number in range(1, RESTRICTIONS + 1):
        node = begin = dice.choice([*here])
        from_way = last = dice.choice(here[node])
        over = []
        for _ in range(dice.choice([0, 0, 1, 2, 3])):
            last = dice.choice([way for way in here[node] if way != last])
            over.append(last)
            node = next(ref for ref in streets[last] if ref != node)
        via = [("w", way, "via") for way in over] or [("n", begin, "via")]
        members = [("w", from_way, "from"), *via, ("w", dice.choice(here[node]), "to")]
        if dice.random() < 0.1:
            members.append(("w", dice.choice(here[node]), dice.choice(["from", "to"])))
        said = dice.choice(SAID)
        tags = {key: value.format(said=said) for key, value in dice.choice(WORDED).items()} | {"type": "restriction"}
        relations.append(Relation(id=first + number, version=1, tags=tags, members=members))
    nodes = [Node(id=ref, version=1, location=where) for ref, where in at.items()]
    return nodes, ways, relations, middles


@pytest.mark.slow
def test_osrm_and_the_road_graph_read_restrictions_alike(tmp_path: Path, monkeypatch):
    # Yards count here, and what a turn costs would blur which way was taken.
    monkeypatch.setattr("routing.engines.roads.build.SMALL_COMPONENT_NODES", 1)
    monkeypatch.setattr("routing.engines.roads.road_network._SMALL_PARTS", 1)
    for name in PROFILES:
        monkeypatch.setitem(PROFILES, name, replace(PROFILES[name], turn_s=0.0, oncoming_turn_s=0.0))
    dice = random.Random(5)
    towns = [drawn(town, dice) for town in range(TOWNS)]
    with osmium.SimpleWriter(str(tmp_path / "towns.osm.pbf")) as writer:
        for kind in (0, 1, 2):
            for town in towns:
                for thing in town[kind]:
                    writer.add(thing)
    region = tmp_path / "region.osm.pbf"
    extract = normalise(tmp_path / "towns.osm.pbf", region)
    assert extract.restrictions == TOWNS * RESTRICTIONS
    assert 0.4 * extract.restrictions < extract.restrictions_over_ways < 0.8 * extract.restrictions
    build_road_graphs(region, tmp_path)
    turned_away = []
    for profile in ("car", "truck"):
        build_osrm(region, tmp_path, profile)
        graph = load_graph(tmp_path, profile, 1.0)
        osrm = OsrmProcess(tmp_path, profiles=(profile,), build="")
        for number, (_, ways, relations, middles) in enumerate(towns):
            between = {
                each[1] for relation in relations for each in relation.members if (each[0], each[2]) == ("w", "via")
            }
            osrm_s, _, _ = osrm.table(profile, middles, 500.0, 60.0)
            graph_s, _, _ = graph.table([Location(lat=lat, lon=lon) for lon, lat in middles], 500.0)
            np.fill_diagonal(graph_s, 0)
            unsure = [way.id in between for way in ways]
            apart = np.abs(osrm_s - graph_s) > 3 + 0.01 * np.maximum(osrm_s, graph_s)
            turned_away.append(osrm_s)
            # Where one arrives on the street in between, OSRM forgets whoever came along the row.
            apart[:, unsure] = False
            assert not apart.any(), (profile, number, np.argwhere(apart))
        osrm.close()
    differ = [not np.array_equal(turned_away[town], turned_away[TOWNS + town]) for town in range(TOWNS)]
    assert 5 < sum(differ) < TOWNS, "some restrictions bind trucks only, or all but trucks"
