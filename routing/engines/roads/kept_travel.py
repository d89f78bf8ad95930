"""OSRM's travel times, each pair computed once a build: a day's table is mostly what was asked about the day before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from routing.engines.roads.kept_tables import MOST_BYTES, UNKNOWN, KeptTables, Known
from routing.engines.roads.osrm import OsrmTravelTimes
from routing.engines.roads.profiles import profile_named
from routing.errors import TravelError
from routing.model.places import Location
from routing.ports import TravelTable
from routing.rules.to_the_door import to_the_doors
from routing.rules.tracks import Piece

# OSRM answers about fewer places sooner than a file is opened.
FEW_PLACES = 50

# OSRM visits every place of a part: beyond this share of a table, or this many parts, the whole is as quick.
_MOST_MISSING = 0.6
_MOST_PARTS = 6
_PART_PAIRS = 4_000_000


_ENDED = ("travel_crashed", "dataset_unreadable")


class SpareTimes(Protocol):
    def table(self, places: Sequence[Location], *, profile: str) -> TravelTable: ...

    def snap(self, places: Sequence[Location], *, profile: str) -> NDArray[np.int64]: ...

    def path(self, places: Sequence[Location], *, profile: str) -> list[Location]: ...

    def close(self) -> None: ...


type Spare = Callable[[], SpareTimes | None]


class KeptTravelTimes:
    """Fits TravelTimes. Asks `osrm` for what is not kept only, part by part; a small table always.

    A dataset that is damaged inside ends OSRM with each question about it. Where that happens twice, `spare` answers
    for that profile until the region is built again; its tables say so.
    Takes over `osrm`: `close()` ends all.
    """

    def __init__(self, osrm: OsrmTravelTimes, *, most_bytes: int = MOST_BYTES, spare: Spare | None = None) -> None:
        self._osrm = osrm
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._make_spare = spare
        self._spare: tuple[Path, SpareTimes] | None = None
        self._damaged: set[tuple[Path, str]] = set()
        self._kept: tuple[Path, KeptTables] | None = None

    def table(self, places: Sequence[Location], *, profile: str) -> TravelTable:
        """The table as TravelTable says, to the doors; the diagonal is 0 for every place. Raises TravelError."""
        profile = profile_named(profile).name
        return self._or_spare(
            profile,
            lambda: to_the_doors(self._table(places, profile), places, profile=profile),
            lambda spare: spare.table(places, profile=profile),
        )

    def _table(self, places: Sequence[Location], profile: str) -> TravelTable:
        different = list(dict.fromkeys(places))
        if len(different) < FEW_PLACES:
            return self._osrm.on_roads(places, profile=profile)
        kept = self._of_this_build()
        if not kept.fits(len(different)):
            return self._osrm.on_roads(places, profile=profile)
        table = self._joined(kept, different, profile)
        if len(different) < len(places):
            number = {place: at for at, place in enumerate(different)}
            table = _spread(table, np.array([number[place] for place in places], dtype=np.int64))
        return table

    def snap(self, places: Sequence[Location], *, profile: str) -> NDArray[np.int64]:
        """How far each place is from its road in metres, (n,); -1 beyond the radius. Raises TravelError."""
        return self._or_spare(
            profile,
            lambda: self._osrm.snap(places, profile=profile),
            lambda spare: spare.snap(places, profile=profile),
        )

    def path(self, places: Sequence[Location], *, profile: str) -> list[Location]:
        """The line along the roads, snapped at every place. Raises TravelError when a place or a leg has no road."""
        return self._or_spare(
            profile,
            lambda: self._osrm.path(places, profile=profile),
            lambda spare: spare.path(places, profile=profile),
        )

    def along(self, tracks: Sequence[Piece], *, profile: str) -> list[int | None]:
        """Of each track the free seconds of the roads it was driven along; None where those cannot be told. Raises
        TravelError."""
        return self._osrm.along(tracks, profile=profile)

    def close(self) -> None:
        with self._lock:
            if self._kept is not None:
                self._kept[1].close()
                self._kept = None
            if self._spare is not None:
                self._spare[1].close()
                self._spare = None
        self._osrm.close()

    def _or_spare[Answer](
        self, profile: str, ask: Callable[[], Answer], ask_spare: Callable[[SpareTimes], Answer]
    ) -> Answer:
        damaged = (self._osrm.folder, profile_named(profile).name)
        if damaged not in self._damaged:
            try:
                return ask()
            except TravelError as crashed:
                if self._make_spare is None or crashed.code not in _ENDED:
                    raise
            try:
                # Once is no proof: a machine short of memory ends processes too.
                return ask()
            except TravelError as crashed:
                if crashed.code not in _ENDED:
                    raise
                spare = self._spare_of(damaged[0])
                if spare is None:
                    raise
            self._damaged.add(damaged)
        else:
            spare = self._spare_of(damaged[0])
        assert spare is not None
        return ask_spare(spare)

    def _spare_of(self, folder: Path) -> SpareTimes | None:
        with self._lock:
            if self._make_spare is not None and (self._spare is None or self._spare[0] != folder):
                made = self._make_spare()
                if self._spare is not None:
                    self._spare[1].close()
                self._spare = None if made is None else (folder, made)
            return None if self._spare is None else self._spare[1]

    def _of_this_build(self) -> KeptTables:
        with self._lock:
            folder = self._osrm.folder
            if self._kept is None or self._kept[0] != folder:
                if self._kept is not None:
                    self._kept[1].close()
                self._kept = (folder, KeptTables(folder, build=self._osrm.build, most_bytes=self._most_bytes))
            return self._kept[1]

    def _joined(self, kept: KeptTables, places: list[Location], profile: str) -> TravelTable:
        """What is kept, and the rest from OSRM. The places are different ones."""
        known = kept.read(places, profile=profile)
        everywhere = np.arange(len(places))
        if known is None or (known.durations_s == UNKNOWN).mean() > _MOST_MISSING:
            del known  # A large one: it need not lie beside the new.
            table = self._osrm.on_roads(places, profile=profile)
            if table.build == kept.build:
                part = (table.durations_s, table.distances_m)
                kept.write(places, everywhere, everywhere, part, table.snapped_m, profile=profile)
            return table
        for sources, targets in list(_parts(known.durations_s == UNKNOWN)):
            if not self._add(kept, known, places, sources, targets, profile):
                # The region was built anew meanwhile: nothing of the old one is joined to it.
                return self._osrm.on_roads(places, profile=profile)
        nothing = np.zeros(0, dtype=np.int64)
        kept.write(places, nothing, nothing, (nothing, nothing), known.snapped_m, profile=profile)
        np.fill_diagonal(known.durations_s, 0)
        np.fill_diagonal(known.distances_m, 0)
        return TravelTable(
            durations_s=known.durations_s,
            distances_m=known.distances_m,
            snapped_m=known.snapped_m,
            engine="osrm",
            build=kept.build,
        )

    def _add(
        self,
        kept: KeptTables,
        known: Known,
        places: list[Location],
        sources: NDArray[np.int64],
        targets: NDArray[np.int64],
        profile: str,
    ) -> bool:
        """Compute a part, add it to what is known and keep it; False when it is of another build."""
        asked = np.union1d(sources, targets)
        some = [places[at] for at in asked]
        from_some, to_some = np.searchsorted(asked, sources), np.searchsorted(asked, targets)
        durations_s, distances_m, snapped_m, build = self._osrm.part(some, from_some, to_some, profile=profile)
        if build != kept.build:
            return False
        known.durations_s[np.ix_(sources, targets)] = durations_s
        known.distances_m[np.ix_(sources, targets)] = distances_m
        known.snapped_m[asked] = snapped_m
        kept.write(some, from_some, to_some, (durations_s, distances_m), snapped_m, profile=profile)
        return True


def _parts(missing: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(sources, targets): parts that hold all that is missing.

    Sources that lack the same targets are one part. Twenty new places among a thousand old ones are two: from the old
    to the new, and from the new to all. Where nearly each source lacks others, all that lack any are one.
    """
    patterns, which = np.unique(np.packbits(missing, axis=1), axis=0, return_inverse=True)
    lacking = missing.any(axis=1)
    if len(patterns) > _MOST_PARTS:
        groups = [np.flatnonzero(lacking)]
    else:
        groups = [rows for pattern in range(len(patterns)) if lacking[(rows := np.flatnonzero(which == pattern))[0]]]
    for rows in groups:
        targets = np.flatnonzero(missing[rows].any(axis=0))
        at_once = max(1, _PART_PAIRS // len(targets))
        for first in range(0, len(rows), at_once):
            yield rows[first : first + at_once], targets


def _spread(table: TravelTable, at: NDArray[np.int64]) -> TravelTable:
    """The table over places that occur more than once; `at` is where each stands in it."""
    ix = np.ix_(at, at)
    return TravelTable(
        durations_s=table.durations_s[ix],
        distances_m=table.distances_m[ix],
        snapped_m=table.snapped_m[at],
        engine=table.engine,
        build=table.build,
    )
