"""The process that holds OSRM. It is started by `osrm.py`, answers one question at a time, and ends with its parent.

OSRM holds the interpreter's lock for a whole table and ends the process when a dataset is damaged; here neither
reaches the pages. Questions and answers are pickled tuples on an inherited socket:

    ("snap", profile, [(lon, lat), ...], radius_m)   ->  ("snap", metres)
    ("table", profile, [(lon, lat), ...], radius_m, sources, targets)
                                    ->  ("joined", sources, targets), ("block", sources, durations, distances) ...,
                                        ("end", metres)
    ("path", profile, [(lon, lat), ...], radius_m)   ->  ("path", [(lon, lat), ...])
    anything that fails                              ->  ("error", code, sentence)
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
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
Metres = NDArray[np.int32]


def open_engine(region_dir: Path, profile: str) -> Any:
    """Raises RuntimeError when the dataset is missing or damaged."""
    return osrm.OSRM(
        storage_config=str(dataset(region_dir, profile)), algorithm="CH", use_shared_memory=False, use_mmap=True
    )


def snap(engine: Any, coordinates: list[Coordinate], radius_m: float) -> Metres:
    """How far each place is from its road in metres, (n,); -1 where none lies within the radius.

    Its road is the one that a table between these places would begin on. The nearest of all may be a yard's that leads
    nowhere, and OSRM passes it by then for one further away.
    """
    away = (_nearest_m(engine, coordinate, radius_m) for coordinate in coordinates)
    metres = np.array([-1 if each is None else round(each) for each in away], dtype=np.int32)
    near = np.flatnonzero(metres >= 0)
    if len(near) > 1:
        answer = engine.Table(_question([coordinates[place] for place in near], radius_m, [0], range(len(near))))
        metres[near] = _metres_of(answer["destinations"])
    return metres


def blocks(
    engine: Any,
    coordinates: list[Coordinate],
    radius_m: float,
    sources: NDArray[np.int64],
    targets: NDArray[np.int64],
    away_m: Metres | None = None,
) -> Iterator[Block]:
    """(some of the sources, durations (s), distances (m)), the matrices from each of them to every target; -1 where no
    road joins them. Every place has a road within the radius. Fills `away_m`, how far each place of all is from its
    road. Raises RuntimeError."""
    places = np.union1d(sources, targets)
    of_targets = np.searchsorted(places, targets).tolist()
    rows = max(1, _BLOCK_PAIRS // max(1, len(targets)))
    for first in range(0, len(sources), rows):
        some = sources[first : first + rows]
        asked = [coordinates[place] for place in places]
        answer = engine.Table(_question(asked, radius_m, np.searchsorted(places, some).tolist(), of_targets))
        if away_m is not None:
            away_m[some] = _metres_of(answer["sources"])
            if first == 0:
                away_m[targets] = _metres_of(answer["destinations"])
        yield some, _whole(answer["durations"]), _whole(answer["distances"])


def table(
    engine: Any, coordinates: list[Coordinate], radius_m: float, sources: NDArray[np.int64], targets: NDArray[np.int64]
) -> Iterator[tuple[Any, ...]]:
    """The answers to a question for a table. Raises RuntimeError."""
    away_m = np.full(len(coordinates), -1, dtype=np.int32)
    if len(np.union1d(sources, targets)) > 1:
        asked = blocks(engine, coordinates, radius_m, sources, targets, away_m)
        try:
            first = next(asked, None)
        except RuntimeError as refused:
            # One place without a road in reach, and OSRM refuses the whole table.
            if not str(refused).startswith("NoSegment"):
                raise
        else:
            yield "joined", sources, targets
            if first is not None:
                yield "block", *first
            for block in asked:
                yield "block", *block
            yield "end", away_m
            return
    away_m = snap(engine, coordinates, radius_m)
    sources, targets = sources[away_m[sources] >= 0], targets[away_m[targets] >= 0]
    yield "joined", sources, targets
    if len(np.union1d(sources, targets)) > 1:
        for block in blocks(engine, coordinates, radius_m, sources, targets):
            yield "block", *block
    elif len(sources) and len(targets):
        # OSRM refuses a table of one.
        nothing = np.zeros((len(sources), len(targets)), np.int32)
        yield "block", sources, nothing, nothing
    yield "end", away_m


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
                for answer in table(engines[profile], coordinates, radius_m, *more):
                    connection.send(answer)
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


def _question(
    coordinates: list[Coordinate], radius_m: float, sources: Iterable[int], targets: Iterable[int]
) -> osrm.TableParameters:
    return osrm.TableParameters(
        coordinates=coordinates,
        radiuses=[radius_m] * len(coordinates),
        sources=list(sources),
        destinations=list(targets),
        annotations=["duration", "distance"],
        generate_hints=False,
    )


def _metres_of(waypoints: Any) -> Metres:
    return np.array([round(each["distance"]) for each in waypoints], dtype=np.int32)


def _whole(rows: Any) -> NDArray[np.int32]:
    width = len(rows[0])
    values = np.empty((len(rows), width), dtype=np.float64)
    for number, row in enumerate(rows):
        try:
            values[number] = np.fromiter(row, np.float64, width)
        except TypeError:
            # What is unroutable is None, and becomes no number here; that is slower by half.
            values[number] = row
    np.rint(values, out=values)
    return np.where(np.isnan(values), -1, values).astype(np.int32)


if __name__ == "__main__":
    serve(Path(sys.argv[2]), sys.argv[3].split(","), Connection(int(sys.argv[1])))
