"""What a new build is worth: asked of the process that will answer from it, between places sampled in the extract."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routing.engines.roads.extract import Extract
from routing.engines.roads.osrm import OsrmProcess
from routing.engines.roads.profiles import SNAPPING_RADIUS_M, USUAL_PROFILE
from routing.engines.roads.road_graph import USUAL_CALIBRATION, RoadGraph, load_graph
from routing.errors import RegionError, TravelError
from routing.model.places import Location

_CHECK_LIMIT_S = 300.0
_CALIBRATION_PLACES = 80
# Short trips say more about the snapping than about the roads.
CALIBRATION_FROM_S = 60


def check_roads(extract: Extract, folder: Path, profiles: Sequence[str]) -> dict[str, Any]:
    """The fields of RegionFacts that travelling tells: unroutable, snapped, calibration. Raises RegionError."""
    coordinates = [(at.lon, at.lat) for at in extract.sampled]
    by_profile: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
    try:
        with contextlib.closing(OsrmProcess(folder, profiles=tuple(profiles), build="")) as osrm:
            for profile in profiles:
                durations_s, _, snapped_m = osrm.table(profile, coordinates, SNAPPING_RADIUS_M, _CHECK_LIMIT_S)
                by_profile[profile] = (durations_s, snapped_m)
    except TravelError as unusable:
        raise RegionError(f"The roads were built but do not answer: {unusable}", code="region_check") from unusable
    pairs = len(coordinates) * (len(coordinates) - 1)
    unroutable = {
        profile: round(float((durations_s < 0).sum() / pairs), 4) if pairs else 0.0
        for profile, (durations_s, _) in by_profile.items()
    }
    snapped_m = by_profile[USUAL_PROFILE][1]
    near = snapped_m[snapped_m >= 0]
    calibrated = {
        profile: _calibration(extract.sampled, durations_s, load_graph(folder, profile, 1.0))
        for profile, (durations_s, _) in by_profile.items()
    }
    return {
        "share_unroutable": unroutable[USUAL_PROFILE],
        "unroutable": unroutable,
        "snap_median_m": float(np.median(near)) if len(near) else SNAPPING_RADIUS_M,
        "snap_p95_m": round(float(np.percentile(near, 95)), 1) if len(near) else SNAPPING_RADIUS_M,
        "calibration": {profile: factor for profile, (factor, _) in calibrated.items()},
        "calibration_error": {profile: error for profile, (_, error) in calibrated.items()},
    }


def _calibration(places: Sequence[Location], osrm_s: NDArray[np.int64], graph: RoadGraph) -> tuple[float, float]:
    """What the road graph's durations are multiplied with to meet OSRM's, the median over sampled pairs; and within
    which share of OSRM's nine of ten of them lie then."""
    graph_s, _, _ = graph.table(places[:_CALIBRATION_PLACES], SNAPPING_RADIUS_M)
    osrm_s = osrm_s[: len(graph_s), : len(graph_s)]
    told = (graph_s >= CALIBRATION_FROM_S) & (osrm_s >= CALIBRATION_FROM_S)
    if not told.any():
        return USUAL_CALIBRATION, 0.0
    factor = round(float(np.median(osrm_s[told] / graph_s[told])), 3)
    return factor, round(float(np.percentile(np.abs(graph_s[told] * factor / osrm_s[told] - 1), 90)), 3)
