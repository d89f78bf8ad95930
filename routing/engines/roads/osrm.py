"""Travel times and lines from OSRM, computed in a process of its own that is kept warm."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from routing.engines.roads.facts import RegionFacts, load_facts
from routing.engines.roads.profiles import SNAPPING_RADIUS_M, built_as, no_roads, profile_named
from routing.errors import RegionError, TravelError
from routing.model.places import Location
from routing.ports import TravelTable
from routing.rules.to_the_door import to_the_doors
from routing.rules.tracks import LEAST_SURE_M, Piece

_START_LIMIT_S = 60.0
_TABLE_LIMIT_S = 120.0
# 1000 × 1000 takes under a second on a city; this leaves a slow machine room, and still ends.
_LIMIT_PER_PAIR_S = 1e-4


Coordinate = tuple[float, float]
"""(lon, lat), as OSRM takes it."""

Part = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], str]


class OsrmRefusal(Exception):
    """OSRM does not answer a question; the process goes on."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code} {sentence}")
        self.code, self.sentence = code, sentence


def dataset(region_dir: Path, profile: str) -> Path:
    """Where a profile's dataset lies in a region: the name that all its files begin with."""
    return region_dir / "osrm" / profile / "region.osrm"


class OsrmTravelTimes:
    """Fits TravelTimes. Safe from threads: questions wait for each other, the interpreter's lock is free meanwhile.

    The process starts with the first question and again after it was killed, timed out, or the region was rebuilt;
    the question during which it died raises TravelError. `close()` ends it.
    """

    def __init__(
        self,
        region_dir: Path,
        *,
        snapping_radius_m: float = SNAPPING_RADIUS_M,
        time_limit_s: float | None = None,
    ) -> None:
        self._region_dir = region_dir
        self._radius_m = snapping_radius_m
        self._time_limit_s = time_limit_s
        self._lock = threading.Lock()
        self._worker: OsrmProcess | None = None

    def open(self) -> None:
        """Start the process and open the datasets now rather than with the first question. Raises TravelError."""
        with self._lock:
            self._running(None)

    def table(self, places: Sequence[Location], *, profile: str) -> TravelTable:
        """The table as TravelTable says, to the doors; the diagonal is 0 for every place. Raises TravelError.

        A place with no road within the snapping radius has -1 to and from every other, and `snapped_m` -1.
        """
        return to_the_doors(self.on_roads(places, profile=profile), places, profile=profile)

    def on_roads(self, places: Sequence[Location], *, profile: str) -> TravelTable:
        """The same from road to road, as OSRM says it and as it is kept. Raises TravelError."""
        if not places:
            empty = np.zeros((0, 0), dtype=np.int64)
            return TravelTable(
                durations_s=empty,
                distances_m=empty.copy(),
                snapped_m=np.zeros(0, dtype=np.int64),
                engine="osrm",
                build=self.build,
            )
        everywhere = np.arange(len(places))
        durations_s, distances_m, snapped_m, build = self.part(places, everywhere, everywhere, profile=profile)
        np.fill_diagonal(durations_s, 0)
        np.fill_diagonal(distances_m, 0)
        return TravelTable(
            durations_s=durations_s, distances_m=distances_m, snapped_m=snapped_m, engine="osrm", build=build
        )

    def part(
        self,
        places: Sequence[Location],
        sources: NDArray[np.int64],
        targets: NDArray[np.int64],
        *,
        profile: str,
    ) -> Part:
        """From some of the places to some of them: durations and distances (len(sources), len(targets)), `snapped_m` of
        all places, and the build. Raises TravelError."""
        (durations_s, distances_m, snapped_m), build = self._ask(
            "table",
            places,
            profile,
            lambda worker, name, at, limit_s: worker.table(
                name, at, self._radius_m, limit_s, sources=sources, targets=targets
            ),
        )
        return durations_s, distances_m, snapped_m, build

    def snap(self, places: Sequence[Location], *, profile: str) -> NDArray[np.int64]:
        """How far each place is from its road in metres, (n,); -1 beyond the radius. Raises TravelError."""
        snapped_m, _ = self._ask(
            "table", places, profile, lambda worker, name, at, limit_s: worker.snap(name, at, self._radius_m, limit_s)
        )
        return snapped_m

    def path(self, places: Sequence[Location], *, profile: str) -> list[Location]:
        """The line along the roads, snapped at every place. Raises TravelError when a place or a leg has no road."""
        if len(places) < 2:
            return list(places)
        line, _ = self._ask(
            "path",
            places,
            profile,
            lambda worker, name, at, limit_s: worker.ask(("path", name, at, self._radius_m), limit_s)[1],
        )
        return [Location(lat=lat, lon=lon) for lon, lat in line]

    def along(self, tracks: Sequence[Piece], *, profile: str) -> list[int | None]:
        """Of each track the free seconds of the roads it was driven along; None where those cannot be told. Raises
        TravelError."""
        told = [
            [
                (fix.location.lon, fix.location.lat, int(fix.at.timestamp()), fix.accuracy_m or LEAST_SURE_M)
                for fix in track
            ]
            for track in tracks
        ]
        seconds, _ = self._ask(
            "track",
            [fix.location for track in tracks for fix in track],
            profile,
            lambda worker, name, _at, limit_s: worker.ask(("along", name, told, 2 * LEAST_SURE_M), limit_s)[1],
        )
        return list(seconds)

    @property
    def folder(self) -> Path:
        """The folder of the build that the next question will be answered from."""
        return self._region_dir.resolve()

    @property
    def build(self) -> str:
        """The build that the next question will be answered from. Raises TravelError."""
        return _facts_of(self.folder).build

    def close(self) -> None:
        with self._lock:
            self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        worker = getattr(self, "_worker", None)
        if worker is not None:
            worker.close()

    def _ask[Answer](
        self,
        question: str,
        places: Sequence[Location],
        profile: str,
        ask: Callable[[OsrmProcess, str, list[Coordinate], float], Answer],
    ) -> tuple[Answer, str]:
        name = profile_named(profile).name
        coordinates = [(place.lon, place.lat) for place in places]
        limit_s = self._time_limit_s
        if limit_s is None:
            limit_s = _TABLE_LIMIT_S + _LIMIT_PER_PAIR_S * len(places) ** 2
        with self._lock:
            worker = self._running(name)
            try:
                return ask(worker, built_as(name, worker.profiles), coordinates, limit_s), worker.build
            except OsrmRefusal as refused:
                raise _refusal(question, refused.code, refused.sentence, len(places), self._radius_m) from refused
            except BaseException:
                # Whatever broke off in the middle, also Ctrl-C, leaves answers on the way that the next would read.
                self._drop()
                raise

    def _running(self, profile: str | None) -> OsrmProcess:
        """The worker on the present build, started when there is none. Called with the lock held."""
        region = self._region_dir.resolve()
        if self._worker is not None and (self._worker.region_dir != region or not self._worker.alive()):
            self._drop()
        if self._worker is None:
            facts = _facts_of(region)
            self._worker = OsrmProcess(
                region, profiles=facts.profiles, build=facts.build, without_roads=facts.without_roads
            )
        if profile in self._worker.without_roads:
            raise no_roads(str(profile), self._region_dir.name)
        if profile is not None and built_as(profile, self._worker.profiles) not in self._worker.profiles:
            raise TravelError(
                f'Region "{self._region_dir.name}" has no roads for {profile}, '
                f"only for {', '.join(self._worker.profiles)}. Build the region again.",
                code="profile_not_built",
                profile=profile,
            )
        return self._worker

    def _drop(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None


class OsrmProcess:
    """One running process with a build's datasets open. Raises TravelError when they cannot be opened."""

    def __init__(
        self, region_dir: Path, *, profiles: tuple[str, ...], build: str, without_roads: tuple[str, ...] = ()
    ) -> None:
        self.region_dir = region_dir
        self.profiles = profiles
        self.without_roads = without_roads
        self.build = build
        ours, theirs = socket.socketpair()
        # `-m` rather than multiprocessing: that would import the caller's main module, web server and all.
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable, "-m", "routing.engines.roads.osrm_worker",
                    str(theirs.fileno()), str(region_dir), ",".join(profiles),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                # Ctrl-C in a terminal reaches the whole group; the server decides when this ends.
                start_new_session=True,
            )  # fmt: skip
        self._connection = Connection(ours.detach())
        try:
            hello = self._answer(_START_LIMIT_S)
        except TravelError:
            self.close()
            raise
        if hello[0] == "error":
            self.close()
            raise TravelError(f"The roads are unusable: {hello[2]}. Build the region again.", code="dataset_unreadable")

    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, question: tuple[Any, ...], limit_s: float) -> tuple[Any, ...]:
        """Raises OsrmRefusal; TravelError when the process died or was too slow: it must be ended then."""
        try:
            self._connection.send(question)
        except OSError as gone:
            raise self._died() from gone
        return self._answer_or_refusal(limit_s)

    def snap(self, profile: str, coordinates: list[Coordinate], radius_m: float, limit_s: float) -> NDArray[np.int64]:
        snapped: NDArray[np.int32] = self.ask(("snap", profile, coordinates, radius_m), limit_s)[1]
        return snapped.astype(np.int64)

    def table(
        self,
        profile: str,
        coordinates: list[Coordinate],
        radius_m: float,
        limit_s: float,
        *,
        sources: NDArray[np.int64] | None = None,
        targets: NDArray[np.int64] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Durations and distances from each source to each target, and how far each place is from its road.

        The answer comes block by block: beside the two matrices a few million pairs are in memory, here and there.
        Raises as `ask` does.
        """
        everywhere = np.arange(len(coordinates))
        sources = everywhere if sources is None else sources
        targets = everywhere if targets is None else targets
        durations = np.full((len(sources), len(targets)), -1, dtype=np.int64)
        distances = np.full((len(sources), len(targets)), -1, dtype=np.int64)
        _, joined, reached = self.ask(("table", profile, coordinates, radius_m, sources, targets), limit_s)
        rows_of = np.flatnonzero(np.isin(sources, joined))
        columns = slice(None) if len(reached) == len(targets) else np.flatnonzero(np.isin(targets, reached))
        done = 0
        answer = self._answer_or_refusal(limit_s)
        while answer[0] == "block":
            _, some, seconds, metres = answer
            rows = rows_of[done : done + len(some)]
            if isinstance(columns, slice) and rows[-1] - rows[0] + 1 == len(rows):
                durations[rows[0] : rows[-1] + 1] = seconds
                distances[rows[0] : rows[-1] + 1] = metres
            else:
                here = np.ix_(rows, np.arange(len(targets))[columns])
                durations[here] = seconds
                distances[here] = metres
            done += len(some)
            answer = self._answer_or_refusal(limit_s)
        return durations, distances, answer[1].astype(np.int64)

    def _answer_or_refusal(self, limit_s: float) -> tuple[Any, ...]:
        answer = self._answer(limit_s)
        if answer[0] == "error":
            raise OsrmRefusal(answer[1], answer[2])
        return answer

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def _answer(self, limit_s: float) -> tuple[Any, ...]:
        try:
            if not self._connection.poll(limit_s):
                raise TravelError(
                    f"The roads did not answer within {limit_s:.0f} s and were stopped. "
                    "Ask for fewer places at once, or try again when the machine is less busy.",
                    code="travel_timeout",
                )
            answer: tuple[Any, ...] = self._connection.recv()
        except (EOFError, OSError) as gone:
            raise self._died() from gone
        return answer

    def _died(self) -> TravelError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        return TravelError(
            f"The process that computes travel times ended (code {self._process.returncode}). "
            "Try again: it is started anew. If it happens again, build the region again.",
            code="travel_crashed",
        )


def _facts_of(region_dir: Path) -> RegionFacts:
    try:
        return load_facts(region_dir)
    except RegionError as missing:
        raise TravelError(str(missing), code="region_not_built") from missing


def _refusal(question: str, code: str, sentence: str, n: int, radius_m: float) -> TravelError:
    if code == "NoRoute":
        return TravelError(
            "No road joins two of the places that follow each other. Check the pins of this route.", code="no_road"
        )
    if code == "NoSegment":
        # OSRM's sentence ends with the place's index, from 0.
        last = sentence.rsplit(" ", 1)[-1]
        which = f"Place {int(last) + 1}" if last.isdigit() else "A place"
        return TravelError(
            f"{which} of this route has no road within {radius_m:.0f} m. Move its pin to the road.", code="no_road"
        )
    return TravelError(
        f"OSRM refused a {question} of {n} places: {code} {sentence}. Build the region again, or ask for fewer places.",
        code="travel_refused",
        osrm=code,
    )
