"""The process that holds OSRM. It is started by `osrm.py`, answers one question at a time, and ends with its parent.

OSRM holds the interpreter's lock for a whole table and ends the process when a dataset is damaged; here neither
reaches the pages. Questions and answers are pickled tuples on an inherited socket:

    ("snap", profile, [(lon, lat), ...], radius_m)   ->  ("snap", metres)
    ("table", profile, [(lon, lat), ...], radius_m, sources, targets)
                                    ->  ("joined", sources, targets), ("block", sources, durations, distances) ...,
                                        ("end", metres)
    ("path", profile, [(lon, lat), ...], radius_m)   ->  ("path", [(lon, lat), ...])
    ("along", profile, [[(lon, lat, moment_s, sure_m), ...], ...], radius_m)   ->  ("along", [seconds or None, ...])
    anything that fails                              ->  ("error", code, sentence)
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import osrm
from numpy.typing import NDArray

from routing.engines.roads.great_circle import great_circle_m
from routing.engines.roads.osrm import Coordinate, dataset
from routing.model.places import Location

# Pairs in one answer of OSRM: its values are Python objects on the way to numpy, 2 × 1 million of them at most.
_BLOCK_PAIRS = 1_000_000

# From here on two cores answer sooner than one.
_WORTH_TWO_PAIRS = 250_000

# A phone is never surer than a lane is wide; the most of its fixes must lie on the way.
_LEAST_SURE_M = 8.0
_MOST_ON_ROADS = 0.75
_LONGEST_DETOUR = 2.0

Told = tuple[float, float, int, float]
"""What a phone told: lon, lat, the moment in seconds since 1970, and how sure it was in metres."""

Metres = NDArray[np.int32]
Block = tuple[NDArray[np.int32], NDArray[np.int32], Metres, Metres]
"""Durations, distances, and how far the sources and the targets are from their roads."""


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


class Beside:
    """A copy of this process that computes every second block of a large table, on another core.

    OSRM and the way from its answer to numpy hold the interpreter's lock, so a thread would not do. It begins with the
    first large table and ends with this process. `blocks` asks it for one block at a time.
    """

    def __init__(self, engines: dict[str, Any], connection: Connection) -> None:
        self._engines, self._connection = engines, connection
        self._copy: Connection | None = None
        self._pid = 0

    def begin(self, profile: str, *question: Any) -> None:
        if self._copy is None:
            self._copy = self._begun()
        self._copy.send((profile, question))

    def taken(self) -> Block:
        """Raises RuntimeError as OSRM does."""
        assert self._copy is not None
        answer = self._copy.recv()
        if isinstance(answer, str):
            raise RuntimeError(answer)
        block: Block = answer
        return block

    def _begun(self) -> Connection:
        ours, theirs = Pipe()
        with warnings.catch_warnings():
            # Of threads that numpy keeps and nobody uses here.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._pid = os.fork()
        if self._pid:
            theirs.close()
            return ours
        try:
            # The other side of each hangs up only when nobody else holds it.
            ours.close()
            self._connection.close()
            while True:
                profile, question = theirs.recv()
                try:
                    theirs.send(_block(self._engines[profile], *question))
                except RuntimeError as refused:
                    theirs.send(str(refused))
        except (EOFError, OSError):
            os._exit(0)
        finally:
            os._exit(1)


def blocks(
    engine: Any,
    coordinates: list[Coordinate],
    radius_m: float,
    sources: NDArray[np.int64],
    targets: NDArray[np.int64],
    away_m: Metres | None = None,
    beside: tuple[Beside, str] | None = None,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]]:
    """(some of the sources, durations (s), distances (m)), the matrices from each of them to every target; -1 where no
    road joins them. Every place has a road within the radius. Fills `away_m`, how far each place of all is from its
    road. `beside` computes every second block, of that profile. Raises RuntimeError."""
    places = np.union1d(sources, targets)
    asked = [coordinates[place] for place in places]
    of_sources, of_targets = np.searchsorted(places, sources), np.searchsorted(places, targets)
    rows = max(1, _BLOCK_PAIRS // max(1, len(targets)))
    if len(sources) * len(targets) < _WORTH_TWO_PAIRS:
        beside = None
    if beside is not None:
        rows = min(rows, -(-len(sources) // 2))
    pieces = [slice(first, first + rows) for first in range(0, len(sources), rows)]
    begun = False
    try:
        for number, piece in enumerate(pieces):
            if begun and beside is not None:
                begun = False
                durations, distances, metres, of_all = beside[0].taken()
            else:
                if beside is not None and number + 1 < len(pieces):
                    copy, profile = beside
                    copy.begin(profile, asked, radius_m, of_sources[pieces[number + 1]], of_targets)
                    begun = True
                durations, distances, metres, of_all = _block(engine, asked, radius_m, of_sources[piece], of_targets)
            if away_m is not None:
                away_m[sources[piece]] = metres
                away_m[targets] = of_all
            yield sources[piece], durations, distances
    finally:
        if begun and beside is not None:
            # Its answer would be taken for the next question's.
            with contextlib.suppress(RuntimeError):
                beside[0].taken()


def _block(
    engine: Any, asked: list[Coordinate], radius_m: float, sources: NDArray[np.int64], targets: NDArray[np.int64]
) -> Block:
    answer = engine.Table(_question(asked, radius_m, sources.tolist(), targets.tolist()))
    return (
        _whole(answer["durations"]),
        _whole(answer["distances"]),
        _metres_of(answer["sources"]),
        _metres_of(answer["destinations"]),
    )


def table(
    engine: Any,
    coordinates: list[Coordinate],
    radius_m: float,
    sources: NDArray[np.int64],
    targets: NDArray[np.int64],
    beside: tuple[Beside, str] | None = None,
) -> Iterator[tuple[Any, ...]]:
    """The answers to a question for a table. Raises RuntimeError."""
    away_m = np.full(len(coordinates), -1, dtype=np.int32)
    if len(np.union1d(sources, targets)) > 1:
        asked = blocks(engine, coordinates, radius_m, sources, targets, away_m, beside)
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
        for block in blocks(engine, coordinates, radius_m, sources, targets, beside=beside):
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


def along(engine: Any, track: list[Told], radius_m: float) -> int | None:
    """What the roads that a phone was driven along take when they are free, in whole seconds; None when it cannot be
    told which they were. Raises RuntimeError."""
    try:
        answer = engine.Match(
            osrm.MatchParameters(
                coordinates=[(lon, lat) for lon, lat, _, _ in track],
                timestamps=[moment_s for _, _, moment_s, _ in track],
                radiuses=[min(max(sure_m, _LEAST_SURE_M), radius_m) for _, _, _, sure_m in track],
                gaps="ignore",
                overview="false",
                generate_hints=False,
            )
        )
    except RuntimeError as refused:
        if str(refused).startswith(("NoMatch", "NoSegment")):
            return None
        raise
    on_roads = [point is not None for point in answer["tracepoints"]]
    whole = len(answer["matchings"]) == 1 and on_roads[0] and on_roads[-1]
    if not whole or sum(on_roads) < _MOST_ON_ROADS * len(track):
        return None
    (matched,) = answer["matchings"]
    # Roads far longer than the straight line from fix to fix are not those that were driven.
    straight_m = sum(
        great_circle_m([Location(lat=a[1], lon=a[0])], [Location(lat=b[1], lon=b[0])])[0, 0] for a, b in pairwise(track)
    )
    return None if float(matched["distance"]) > _LONGEST_DETOUR * straight_m else round(float(matched["duration"]))


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
    beside = Beside(engines, connection) if len(os.sched_getaffinity(0)) > 1 else None
    while True:
        try:
            question, profile, coordinates, radius_m, *more = connection.recv()
        except EOFError:
            return
        try:
            if question == "snap":
                connection.send(("snap", snap(engines[profile], coordinates, radius_m)))
            elif question == "table":
                sources, targets = more
                second = None if beside is None else (beside, profile)
                for answer in table(engines[profile], coordinates, radius_m, sources, targets, second):
                    connection.send(answer)
            elif question == "along":
                tracks = coordinates
                connection.send(("along", [along(engines[profile], each, radius_m) for each in tracks]))
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
    values = np.fromiter(chain.from_iterable(rows), np.float64, len(rows) * width).reshape(len(rows), width)
    # What is unroutable is None to OSRM, no number to numpy, and as a whole number it would be anything at all.
    values[np.isnan(values)] = -1
    np.rint(values, out=values)
    return values.astype(np.int32)


if __name__ == "__main__":
    serve(Path(sys.argv[2]), sys.argv[3].split(","), Connection(int(sys.argv[1])))
