from __future__ import annotations

import os
import shutil
import signal

import numpy as np
import pytest

from routing.engines.roads.great_circle import GreatCircleTravelTimes, great_circle_m
from routing.engines.roads.kept_travel import KeptTravelTimes
from routing.engines.roads.osrm import OsrmTravelTimes
from routing.engines.roads.profiles import PROFILES
from routing.engines.roads.road_graph import RoadGraphTravelTimes
from routing.engines.roads.travel import near_roads, travel_times
from routing.errors import RegionError, TravelError
from routing.model.places import Location

HERE = Location(lat=60.1676, lon=24.9450)
THERE = Location(lat=60.1711, lon=24.9432)


def engine_of(travel) -> str:
    try:
        return travel.table([HERE, THERE], profile="van").engine
    finally:
        travel.close()


def test_osrm_is_the_first_choice(helsinki):
    assert engine_of(travel_times(helsinki.directory)) == "osrm"


def test_without_a_region_travel_is_over_the_great_circle():
    assert engine_of(travel_times(None)) == "great circle"


def test_a_damaged_osrm_dataset_falls_back_to_the_road_graph_and_then_to_the_great_circle(helsinki, tmp_path):
    region = tmp_path / "damaged"
    shutil.copytree(helsinki.directory, region)
    (region / "osrm" / "car" / "region.osrm.hsgr").write_bytes(b"no graph")
    assert engine_of(travel_times(region)) == "road graph"
    shutil.rmtree(region / "road_graph")
    assert engine_of(travel_times(region)) == "great circle"


class OnlyBikesInTheYard(GreatCircleTravelTimes):
    """Knows roads to HERE for everybody and to THERE for bikes."""

    def snap(self, places, *, profile):
        return np.array([5 if place == HERE or profile == "cargo_bike" else -1 for place in places])


def test_who_gets_to_a_place_is_told_by_profile_for_many_at_once():
    assert near_roads(OnlyBikesInTheYard(), [HERE, THERE]) == [frozenset(PROFILES), {"cargo_bike"}]
    assert near_roads(OnlyBikesInTheYard(), []) == []


def test_a_region_that_was_never_built_is_refused(tmp_path):
    with pytest.raises(RegionError, match="no built region"):
        travel_times(tmp_path)


def test_the_great_circle_measures_a_degree_of_latitude():
    equator, one_north = Location(lat=0, lon=0), Location(lat=1, lon=0)
    assert great_circle_m([equator], [one_north]).item() == pytest.approx(111_195, abs=5)


def test_the_great_circle_crosses_the_date_line_the_short_way():
    assert great_circle_m([Location(lat=0, lon=179.5)], [Location(lat=0, lon=-179.5)]).item() < 112_000


@pytest.mark.parametrize("n", [0, 1, 2])
def test_great_circle_tables_have_the_shape_of_the_others(n):
    table = GreatCircleTravelTimes().table([HERE, THERE][:n], profile="bike")
    assert table.durations_s.shape == table.distances_m.shape == (n, n)
    assert table.durations_s.dtype == np.int64
    assert np.diagonal(table.durations_s).tolist() == [0] * n
    assert table.snapped_m.tolist() == [0] * n


def test_the_great_circle_draws_straight_lines_and_knows_the_profiles():
    travel = GreatCircleTravelTimes()
    assert travel.path([HERE, THERE], profile="van") == [HERE, THERE]
    with pytest.raises(TravelError, match="no profile"):
        travel.path([HERE, THERE], profile="hovercraft")


class Dying(OsrmTravelTimes):
    """Its process ends so many times over a question about vans."""

    def __init__(self, region_dir, *, times: int) -> None:
        super().__init__(region_dir)
        self.left = times

    def _running(self, profile):
        worker = super()._running(profile)
        if profile == "van" and self.left:
            self.left -= 1
            os.kill(worker._process.pid, signal.SIGKILL)
            worker._process.wait()
        return worker


@pytest.mark.parametrize(("times", "engine"), [(1, "osrm"), (2, "road graph")])
def test_roads_that_end_osrm_each_time_are_answered_from_the_graph(helsinki, times, engine):
    dying = Dying(helsinki.directory, times=times)
    travel = KeptTravelTimes(dying, spare=lambda: RoadGraphTravelTimes(helsinki.directory))
    try:
        for _ in range(2):
            assert travel.table([HERE, THERE], profile="van").engine == engine
        assert travel.table([HERE, THERE], profile="car").engine == "osrm"
        assert (travel.snap([HERE], profile="van") >= 0).all()
        assert len(travel.path([HERE, THERE], profile="van")) > 2
        assert dying.left == 0
    finally:
        travel.close()


def test_without_a_graph_the_roads_that_end_osrm_are_said(helsinki):
    travel = KeptTravelTimes(Dying(helsinki.directory, times=2), spare=lambda: None)
    try:
        with pytest.raises(TravelError, match="ended"):
            travel.table([HERE, THERE], profile="van")
    finally:
        travel.close()
