"""OSRM and the road graph on random pairs of a real city: where one says more than twice the other, why.

The reasons are a closed list, and each is computed from the map and the two engines rather than believed. The quick
tests ask about the demo's city; `BACKROUTE_OSM` names the folder of the two larger extracts.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import dataclass
from math import cos, hypot, radians
from pathlib import Path

import numpy as np
import osrm
import pytest
from numpy.typing import NDArray

from routing.engines.roads.build import build_region
from routing.engines.roads.facts import RegionFacts
from routing.engines.roads.osrm_worker import open_engine
from routing.engines.roads.profiles import PROFILES, SNAPPING_RADIUS_M
from routing.engines.roads.road_graph import RoadGraph, load_graph
from routing.engines.roads.road_network import _Network
from routing.engines.roads.road_read import read_roads
from routing.model.places import Location

OTHER_ROAD = "they set out from, or arrive on, different roads"
LIGHTS = "OSRM's bike loses at each light in the middle of a road what turning round costs"

EXTRACTS = Path(os.environ.get("BACKROUTE_OSM", Path(__file__).parents[4] / "shared" / "osm"))

# Below this a second more is a multiple.
FROM_S = 20
# What turning round to the right costs a bike by OSRM's profile.
LIGHT_S = 4 * PROFILES["cargo_bike"].turn_s / PROFILES["cargo_bike"].turn_bias


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """The two engines about the same places: seconds, and where each has them on the road."""

    osrm_s: NDArray[np.float64]
    graph_s: NDArray[np.int64]
    apart_m: NDArray[np.float64]


def places(facts, seed: int, n: int = 120) -> list[Location]:
    dice, box = random.Random(seed), facts.bounds
    return [
        Location(
            lat=box.south + (box.north - box.south) * dice.uniform(0.05, 0.95),
            lon=box.west + (box.east - box.west) * dice.uniform(0.05, 0.95),
        )
        for _ in range(n)
    ]


def asked(engine, graph: RoadGraph, everybody: list[Location]) -> Both:
    answer = engine.Table(
        osrm.TableParameters(
            coordinates=[(place.lon, place.lat) for place in everybody],
            radiuses=[SNAPPING_RADIUS_M] * len(everybody),
            annotations=["duration"],
        )
    )
    seconds = np.array([[-1.0 if each is None else each for each in row] for row in answer["durations"]])
    graph_s, _, _ = graph.table(everybody, SNAPPING_RADIUS_M)
    snapped = graph.snap(everybody, SNAPPING_RADIUS_M)
    apart = []
    for number, waypoint in enumerate(answer["sources"]):
        lon, lat = waypoint["location"]
        on_road = graph._on_road(snapped, number)
        apart.append(111_195 * hypot(lat - on_road.lat, (lon - on_road.lon) * cos(radians(lat))))
    return Both(osrm_s=seconds, graph_s=graph_s, apart_m=np.array(apart))


def nodes_of_osrms_way(engine, network: _Network, start: Location, end: Location) -> list[int]:
    """The nodes of the roads it takes, from the one before the start to the one behind the end, as the graph numbers
    them."""
    answer = engine.Route(
        osrm.RouteParameters(
            coordinates=[(place.lon, place.lat) for place in (start, end)], overview="false", annotations=["nodes"]
        )
    )
    number = {int(ref): at for at, ref in enumerate(network._roads.node.tolist())}
    return [number[int(ref)] for ref in answer["routes"][0]["legs"][0]["annotation"]["nodes"]]


def nodes_of_a_chain(network: _Network, chain: int) -> set[int]:
    return {node for step in network.chains[chain] for node in (step.start, step.end)}


def on_other_roads(graph: RoadGraph, network: _Network, nodes: list[int], start: Location, end: Location) -> bool:
    """Whether OSRM sets out or arrives on a road that is not the graph's, as where a road forks a step away."""
    first, last = (nodes_of_a_chain(network, int(chain)) for chain in graph.snap([start, end], SNAPPING_RADIUS_M).chain)
    return not ({*nodes[:2]} <= first and {*nodes[-2:]} <= last)


def mid_road_lights(network: _Network, nodes: list[int]) -> int:
    """How many lights it passes at which no road leaves."""
    return sum(node in network._stop and len(network._at[node]) == 2 for node in nodes[1:-1])


def explain(folder: Path, facts: RegionFacts, profile: str, scratch: Path, *, n: int = 120) -> tuple[Counter[str], int]:
    """How often each reason explains a disagreement over twice, and how many pairs there were."""
    engine = open_engine(folder, profile)
    graph = load_graph(folder, profile, facts.calibration[profile])
    network = None
    reasons: Counter[str] = Counter()
    pairs = 0
    for seed in (1, 2, 3):
        everybody = places(facts, seed, n)
        # On the water and in the woods nobody has a road; at the very rim of the radius the two round apart.
        away_m = graph.snap(everybody, 0.9 * SNAPPING_RADIUS_M).away_m
        everybody = [place for place, away in zip(everybody, away_m, strict=True) if away >= 0]
        both = asked(engine, graph, everybody)
        # Neither knows a way that the other does not.
        assert np.array_equal(both.osrm_s < 0, both.graph_s < 0)
        pairs += both.osrm_s.size
        more, less = np.maximum(both.osrm_s, both.graph_s), np.minimum(both.osrm_s, both.graph_s)
        for start, end in np.argwhere((more > 2 * less) & (more >= FROM_S)).tolist():
            if max(both.apart_m[start], both.apart_m[end]) > 5:
                reasons[OTHER_ROAD] += 1
                continue
            network = network or _Network(read_roads(folder / "region.osm.pbf", scratch), PROFILES[profile])
            nodes = nodes_of_osrms_way(engine, network, everybody[start], everybody[end])
            if on_other_roads(graph, network, nodes, everybody[start], everybody[end]):
                reasons[OTHER_ROAD] += 1
                continue
            lost = LIGHT_S * mid_road_lights(network, nodes)
            osrm_s, graph_s = both.osrm_s[start, end] - lost, both.graph_s[start, end]
            assert profile == "cargo_bike"
            assert lost, (everybody[start], everybody[end], osrm_s, graph_s)
            assert 0.5 <= osrm_s / graph_s <= 2
            reasons[LIGHTS] += 1
    return reasons, pairs


@pytest.mark.parametrize("profile", list(PROFILES))
def test_every_disagreement_over_twice_is_explained(helsinki, profile, tmp_path: Path):
    reasons, pairs = explain(helsinki.directory, helsinki.facts, profile, tmp_path)
    # They are few: nearly all pairs need no excuse.
    assert pairs == 3 * 120**2
    assert sum(reasons.values()) < 0.02 * pairs, reasons
    assert set(reasons) <= {OTHER_ROAD, LIGHTS}


@pytest.mark.slow
@pytest.mark.skipif(not EXTRACTS.exists(), reason="the extracts are not there: BACKROUTE_OSM names their folder")
@pytest.mark.parametrize("city", ["copenhagen", "reisterstown"])
def test_a_dense_city_and_a_suburb_have_no_disagreement_over_twice(city, tmp_path: Path):
    """Both without an excuse: neither a ferry nor a gate nor a light is told in two ways there. Two places side by
    side on a one-way street were, until the graph called them one point as OSRM does."""
    into = tmp_path / city
    facts = build_region(pbf=EXTRACTS / f"{city}.osm.pbf", into=into, name=city, progress=lambda _step, _share: None)
    for profile in PROFILES:
        assert facts.calibration_error[profile] <= 0.03
        reasons, pairs = explain(into.resolve(), facts, profile, tmp_path, n=240)
        assert pairs > 20_000
        assert not reasons, (profile, reasons)
