"""The process that holds OSRM. It is started by `osrm.py`, answers one question at a time, and ends with its parent.

OSRM holds the interpreter's lock for a whole table and ends the process when a dataset is damaged; here neither
reaches the pages. Questions and answers are pickled tuples on an inherited socket:

    ("table", profile, [(lon, lat), ...], radius_m)  ->  ("table", durations, distances, snapped)
    ("path", profile, [(lon, lat), ...], radius_m)   ->  ("path", [(lon, lat), ...])
    anything that fails                              ->  ("error", code, sentence)
"""

from __future__ import annotations

import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import osrm
from numpy.typing import NDArray

from routing.engines.roads.osrm import dataset

Coordinate = tuple[float, float]

# Pairs in one answer of OSRM: its values are Python objects on the way to numpy, 2 × 8 million of them at most.
_BLOCK_PAIRS = 2_000_000


def open_engine(region_dir: Path, profile: str) -> Any:
    """Raises RuntimeError when the dataset is missing or damaged."""
    return osrm.OSRM(
        storage_config=str(dataset(region_dir, profile)), algorithm="CH", use_shared_memory=False, use_mmap=True
    )


def table(
    engine: Any, coordinates: list[Coordinate], radius_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Durations (s), distances (m), both (n, n), and snapped (n,) in m; -1 as in TravelTable."""
    n = len(coordinates)
    durations = np.full((n, n), -1, dtype=np.int64)
    distances = np.full((n, n), -1, dtype=np.int64)
    snapped = np.full(n, -1, dtype=np.int64)
    np.fill_diagonal(durations, 0)
    np.fill_diagonal(distances, 0)

    # One place without a road in reach makes OSRM refuse the whole table, so those are found first.
    near = [place for place in range(n) if _nearest_m(engine, coordinates[place], radius_m) is not None]
    if len(near) == 1:
        snapped[near[0]] = round(_nearest_m(engine, coordinates[near[0]], radius_m) or 0)
    if len(near) < 2:
        return durations, distances, snapped

    index = np.array(near)
    rows = max(1, _BLOCK_PAIRS // len(near))
    for first in range(0, len(near), rows):
        sources = list(range(first, min(first + rows, len(near))))
        answer = engine.Table(
            osrm.TableParameters(
                coordinates=[coordinates[place] for place in near],
                radiuses=[radius_m] * len(near),
                sources=sources,
                annotations=["duration", "distance"],
                generate_hints=False,
            )
        )
        block = np.ix_(index[sources], index)
        durations[block] = _whole(answer["durations"])
        distances[block] = _whole(answer["distances"])
        if first == 0:
            snapped[index] = [round(waypoint["distance"]) for waypoint in answer["destinations"]]
    np.fill_diagonal(durations, 0)
    np.fill_diagonal(distances, 0)
    return durations, distances, snapped


def path(engine: Any, coordinates: list[Coordinate], radius_m: float) -> list[Coordinate]:
    answer = engine.Route(
        osrm.RouteParameters(
            coordinates=coordinates,
            radiuses=[radius_m] * len(coordinates),
            overview="full",
            geometries="geojson",
            generate_hints=False,
        )
    )
    return [(point[0], point[1]) for point in answer["routes"][0]["geometry"]["coordinates"]]


def serve(region_dir: Path, profiles: list[str], connection: Connection) -> None:
    """Open the datasets, say so, then answer until the other side hangs up."""
    engines = {}
    for profile in profiles:
        try:
            engines[profile] = open_engine(region_dir, profile)
        except RuntimeError as broken:
            connection.send(("error", "dataset_unreadable", f"the dataset for {profile} cannot be opened ({broken})"))
            return
    connection.send(("ready", sorted(engines)))
    while True:
        try:
            question, profile, coordinates, radius_m = connection.recv()
        except EOFError:
            return
        try:
            if question == "table":
                connection.send(("table", *table(engines[profile], coordinates, radius_m)))
            else:
                connection.send(("path", path(engines[profile], coordinates, radius_m)))
        except RuntimeError as refused:
            # OSRM's errors are one class; the word before the dash is the code.
            code, _, sentence = str(refused).partition(" - ")
            connection.send(("error", code, sentence))


def _nearest_m(engine: Any, coordinate: Coordinate, radius_m: float) -> float | None:
    try:
        answer = engine.Nearest(
            osrm.NearestParameters(coordinates=[coordinate], radiuses=[radius_m], generate_hints=False)
        )
    except RuntimeError as refused:
        if str(refused).startswith("NoSegment"):
            return None
        raise
    return float(answer["waypoints"][0]["distance"])


def _whole(rows: Any) -> NDArray[np.int64]:
    values = np.array([[-1.0 if value is None else value for value in row] for row in rows], dtype=np.float64)
    return np.rint(values).astype(np.int64)


if __name__ == "__main__":
    serve(Path(sys.argv[2]), sys.argv[3].split(","), Connection(int(sys.argv[1])))
