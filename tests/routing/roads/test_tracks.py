"""Tracks laid on real roads: how long the way took, beside the same roads when they are free."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from statistics import median

import numpy as np
import pytest

from routing.engines.roads.osrm import OsrmTravelTimes
from routing.engines.roads.road_graph import RoadGraphTravelTimes
from routing.engines.roads.travel import driven_along
from routing.errors import TravelError
from routing.model.places import Location, metres_between
from routing.rules.tracks import Fix, Piece, pieces
from tests.routing.roads.test_osrm import AT_SEA, places

EIGHT = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)


def driven(line: Sequence[Location], took_s: float, *, off_m: float, dice: random.Random) -> list[Fix]:
    """A drive along the line at one speed, told each 20 s by a phone that is so many metres off."""
    along = [0.0, *accumulate(metres_between(a, b) for a, b in pairwise(line))]
    fixes = []
    for second in range(0, int(took_s), 20):
        at = along[-1] * second / took_s
        lat, lon = (np.interp(at, along, [getattr(each, name) for each in line]) for name in ("lat", "lon"))
        seen = Location(lat=lat + dice.gauss(0, off_m) / 111_195, lon=lon + dice.gauss(0, off_m) / 55_000)
        fixes.append(Fix(at=EIGHT + timedelta(seconds=second), location=seen, accuracy_m=off_m))
    return fixes


@pytest.mark.parametrize("percent", [80, 100, 160])
def test_how_much_longer_a_way_took_is_read_from_its_track(osrm_times: OsrmTravelTimes, percent: int) -> None:
    dice = random.Random(7)
    tracks: list[Piece] = []
    at = places(60)
    for start, end in pairwise(at):
        # A drive is on roads: the ways to doors that stand far from them are no part of it.
        free_s = int(osrm_times.on_roads([start, end], profile="van").durations_s[0, 1])
        if free_s >= 120:
            line = osrm_times.path([start, end], profile="van")
            tracks += pieces(driven(line, free_s * percent / 100, off_m=6.0, dice=dice), [])
    free = osrm_times.along(tracks, profile="van")
    took = [(track[-1].at - track[0].at).total_seconds() / s for track, s in zip(tracks, free, strict=True) if s]
    assert len(took) > 20
    assert len(took) > 0.7 * len(tracks)
    assert median(took) == pytest.approx(percent / 100, rel=0.06)


def test_a_track_that_lies_on_no_road_says_nothing(osrm_times: OsrmTravelTimes) -> None:
    dice = random.Random(3)
    sailing = [Location(lat=AT_SEA.lat, lon=AT_SEA.lon + n / 500) for n in range(10)]
    # Through the houses and over the yards of the centre, as no van can drive.
    leaping = [
        Fix(at=EIGHT + timedelta(minutes=n), location=place, accuracy_m=6.0) for n, place in enumerate(places(8))
    ]
    street = driven(osrm_times.path(places(2), profile="van"), 400.0, off_m=3.0, dice=dice)
    sea, town, way = osrm_times.along(
        [tuple(driven(sailing, 600.0, off_m=5.0, dice=dice)), tuple(leaping), tuple(street)], profile="van"
    )
    assert sea is None
    assert town is None or town > 0
    assert way is not None
    assert osrm_times.along([], profile="van") == []
    # The next question is answered as ever.
    assert osrm_times.table(places(2), profile="van").durations_s[0, 1] > 0


def test_the_second_opinion_follows_no_tracks(helsinki) -> None:
    with pytest.raises(TravelError, match="by OSRM"):
        driven_along(RoadGraphTravelTimes(helsinki.directory), [], profile="van")
