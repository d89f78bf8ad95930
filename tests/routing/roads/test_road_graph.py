from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import osmnx
import pytest
import shapely

from routing.engines.roads.road_graph import RoadGraph, RoadGraphTravelTimes, load_graph
from routing.engines.roads.road_read import _read_graph
from routing.errors import TravelError
from routing.model.places import Location

ROOT = Path(__file__).parents[3]
AT_SEA = Location(lat=60.10, lon=25.10)


def places(n: int) -> list[Location]:
    dice = random.Random(n)
    return [Location(lat=dice.uniform(60.165, 60.174), lon=dice.uniform(24.937, 24.950)) for _ in range(n)]


@pytest.fixture(scope="module")
def graph_times(helsinki) -> RoadGraphTravelTimes:
    return RoadGraphTravelTimes(helsinki.directory)


@pytest.mark.parametrize("profile", ["car", "van", "truck", "cargo_bike"])
def test_osrm_and_the_road_graph_agree_about_nearly_every_pair(osrm_times, graph_times, profile):
    by_osrm = osrm_times.table(places(60), profile=profile)
    by_graph = graph_times.table(places(60), profile=profile)
    both = (by_osrm.durations_s >= 120) & (by_graph.durations_s >= 120)
    assert both.mean() > 0.4
    ratio = by_graph.durations_s[both] / by_osrm.durations_s[both]
    assert 0.98 < np.median(ratio) < 1.02
    assert np.mean((ratio > 0.86) & (ratio < 1.14)) > 0.9
    far = both & (by_osrm.distances_m > 500)
    assert 0.98 < np.median(by_graph.distances_m[far] / by_osrm.distances_m[far]) < 1.02


@pytest.mark.parametrize("profile", ["car", "van", "truck", "cargo_bike"])
def test_the_error_that_the_build_measures_is_small_for_every_profile(helsinki, profile):
    assert helsinki.facts.calibration_error[profile] <= 0.14
    assert 0.9 < helsinki.facts.calibration[profile] < 1.1


def test_random_pairs_agree_within_the_error_that_the_build_measured(osrm_times, graph_times, helsinki):
    by_osrm = osrm_times.table(places(50), profile="van").durations_s
    by_graph = graph_times.table(places(50), profile="van").durations_s
    told = (by_osrm >= 60) & (by_graph >= 60)
    off = np.abs(by_graph[told] / by_osrm[told] - 1)
    # It is the error of nine pairs in ten of the sample; of others a little more may lie beyond.
    assert np.mean(off <= helsinki.facts.calibration_error["van"]) > 0.75


def test_its_tables_are_labelled_and_of_the_region_build(graph_times, helsinki):
    table = graph_times.table(places(5), profile="van")
    assert table.engine == "road graph"
    assert table.build == helsinki.facts.build
    assert (np.diagonal(table.durations_s) == 0).all()
    assert table.durations_s.dtype == table.distances_m.dtype == table.snapped_m.dtype == np.int64


def test_a_place_far_from_any_road_is_not_snapped_to_one(graph_times):
    table = graph_times.table([*places(2), AT_SEA], profile="van")
    assert table.snapped_m[2] == -1
    assert table.durations_s[2].tolist() == [-1, -1, 0]
    assert table.distances_m[:, 2].tolist() == [-1, -1, 0]
    with pytest.raises(TravelError, match="Place 3 of this route has no road"):
        graph_times.path([*places(2), AT_SEA], profile="van")


@pytest.mark.parametrize("n", [0, 1])
def test_small_tables_need_no_special_case(graph_times, n):
    table = graph_times.table(places(1)[:n], profile="van")
    assert table.durations_s.tolist() == [[0]] * n
    assert graph_times.path(places(1)[:n], profile="van") == places(1)[:n]


def test_a_table_made_in_blocks_equals_one_made_at_once(graph_times, monkeypatch):
    from routing.engines.roads import road_graph

    at_once = graph_times.table(places(20), profile="van")
    monkeypatch.setattr(road_graph, "_BLOCK_CELLS", 1)
    in_blocks = graph_times.table(places(20), profile="van")
    assert np.array_equal(at_once.durations_s, in_blocks.durations_s)
    assert np.array_equal(at_once.distances_m, in_blocks.distances_m)


def test_the_line_is_as_long_as_the_table_says(graph_times):
    from routing.engines.roads.great_circle import great_circle_m

    ends = places(2)
    line = graph_times.path(ends, profile="van")
    steps = great_circle_m(line, line)
    length = sum(steps[at, at + 1] for at in range(len(line) - 1))
    assert length == pytest.approx(graph_times.table(ends, profile="van").distances_m[0, 1], rel=0.01)


def test_the_settings_of_osmnx_are_put_back(tmp_path, monkeypatch):
    monkeypatch.setattr(osmnx.settings, "all_oneway", False)
    monkeypatch.setattr(osmnx.settings, "useful_tags_way", ["name"])
    roads = tmp_path / "roads.osm"
    roads.write_text(
        '<osm version="0.6"><node id="1" lat="0" lon="0"/><node id="2" lat="0" lon="0.01"/>'
        '<way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="residential"/></way></osm>'
    )
    graph = _read_graph(roads)
    assert sorted((start, end) for start, end, _ in graph.edges) == [(1, 2)]
    assert osmnx.settings.all_oneway is False
    assert osmnx.settings.useful_tags_way == ["name"]


def test_a_line_begins_and_ends_on_the_road_and_follows_the_table(graph_times):
    """Also where both places lie on one road, in and against the order in which it is drawn."""
    from routing.engines.roads.great_circle import great_circle_m

    near = [
        Location(lat=60.16764, lon=24.9446),
        Location(lat=60.16770, lon=24.9462),
        Location(lat=60.1711, lon=24.9432),
    ]
    for profile in ("van", "cargo_bike"):
        table = graph_times.table(near, profile=profile)
        for start in range(3):
            for end in range(3):
                line = graph_times.path([near[start], near[end]], profile=profile)
                steps = great_circle_m(line, line)
                length = sum(steps[at, at + 1] for at in range(len(line) - 1))
                if start != end:
                    assert length == pytest.approx(table.distances_m[start, end], abs=2, rel=0.01)
                assert great_circle_m([line[0]], [near[start]]).item() == pytest.approx(table.snapped_m[start], abs=2)
                assert great_circle_m([line[-1]], [near[end]]).item() == pytest.approx(table.snapped_m[end], abs=2)


def test_nobody_drives_round_the_block_for_a_step_back_on_a_one_way_street(helsinki):
    graph = load_graph(helsinki.directory, "van", 1.0)
    one_way = next(
        chain
        for chain in graph.beginnings
        if (graph.arc_on[:2, chain] < 0).any() and graph.seconds[_arc(graph, chain)] > 9
    )
    arc = _arc(graph, one_way)
    back_s = (0.0, 0.05, 1.0)
    shares = [0.5 + (1 if graph.back[arc] else -1) * seconds / graph.seconds[arc] for seconds in back_s]
    points = [shapely.line_interpolate_point(graph.lines[one_way], share, normalized=True) for share in shares]
    durations_s, distances_m, _ = graph.table([graph.flat.location(point) for point in points], 500.0)
    assert (durations_s[0, 1], distances_m[0, 1]) == (0, 0)
    # A second back is a way to go.
    assert durations_s[0, 2] > 9


def _arc(graph: RoadGraph, chain: int) -> int:
    return int(graph.arc_on[:2, chain].max())


def test_answering_does_not_import_osmnx():
    script = (
        "import sys\nimport routing.engines.roads.build, routing.engines.roads.travel\nprint('osmnx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
