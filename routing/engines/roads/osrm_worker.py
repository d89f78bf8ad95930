"""The process that holds OSRM. It is started by `osrm.py`, answers one question at a time, and ends with its parent.

OSRM holds the interpreter's lock for a whole table and ends the process when a dataset is damaged; here neither
reaches the pages. Questions and answers are pickled tuples on an inherited socket:

    ("snap", profile, [(lon, lat), ...], radius_m)   ->  ("snap", metres)
    ("table", profile, [(lon, lat), ...], radius_m, sources, targets)
                                                     ->  ("block", sources, durations, distances) ... ("end",)
    ("path", profile, [(lon, lat), ...], radius_m)   ->  ("path", [(lon, lat), ...])
    anything that fails                              ->  ("error", code, sentence)
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import osrm
from numpy.typing import NDArray

from routing.engines.roads.osrm import Coordinate, dataset

# Pairs in one answer of OSRM: its values are Python objects on the way to numpy, 2 × 1 million of them at most.
_BLOCK_PAIRS = 1_000_000

Block = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]


def open_engine(region_dir: Path, profile: str) -> Any:
    """Raises RuntimeError when the dataset is missing or damaged."""
    return osrm.OSRM(
        storage_config=str(dataset(region_dir, profile)), algorithm="CH", use_shared_memory=False, use_mmap=True
    )


def snap(engine: Any, coordinates: list[Coordinate], radius_m: float) -> NDArray[np.int32]:
    """How far each place is from its road in metres, (n,); -1 where none lies within the radius."""
    away = (_nearest_m(engine, coordinate, radius_m) for coordinate in coordinates)
    return np.array([-1 if metres is None else round(metres) for metres in away], dtype=np.int32)


def blocks(
    engine: Any,
    coordinates: list[Coordinate],
    radius_m: float,
    sources: NDArray[np.int64],
    targets: NDArray[np.int64],
) -> Iterator[Block]:
    """(some of the sources, durations (s), distances (m)), the matrices from each of them to every target; -1 where no
    road joins them. Every place has a road within the radius. Raises RuntimeError."""
    places = np.union1d(sources, targets)
    if len(places) < 2:
        # OSRM refuses a table of one.
        yield (
            sources,
            np.zeros((len(sources), len(targets)), np.int32),
            np.zeros((len(sources), len(targets)), np.int32),
        )
        return
    of_targets = np.searchsorted(places, targets).tolist()
    rows = max(1, _BLOCK_PAIRS // max(1, len(targets)))
    for first in range(0, len(sources), rows):
        some = sources[first : first + rows]
        answer = engine.Table(
            osrm.TableParameters(
                coordinates=[coordinates[place] for place in places],
                radiuses=[radius_m] * len(places),
                sources=np.searchsorted(places, some).tolist(),
                destinations=of_targets,
                annotations=["duration", "distance"],
                generate_hints=False,
            )
        )
        yield some, _whole(answer["durations"]), _whole(answer["distances"])


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
            question, profile, coordinates, radius_m, *more = connection.recv()
        except EOFError:
            return
        try:
            if question == "snap":
                connection.send(("snap", snap(engines[profile], coordinates, radius_m)))
            elif question == "table":
                for block in blocks(engines[profile], coordinates, radius_m, *more):
                    connection.send(("block", *block))
                connection.send(("end",))
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


def _whole(rows: Any) -> NDArray[np.int32]:
    values = np.empty((len(rows), len(rows[0])), dtype=np.float64)
    # Row by row, which is three times as quick as all at once. What is unroutable is None, and becomes no number.
    for number, row in enumerate(rows):
        values[number] = row
    return np.where(np.isnan(values), -1, np.rint(values)).astype(np.int32)


if __name__ == "__main__":
    serve(Path(sys.argv[2]), sys.argv[3].split(","), Connection(int(sys.argv[1])))
