"""Travel times that were computed once, kept by build, profile and pair in one SQLite file beside the roads.

A block is what one place needs to 512 others: whole rows would be rewritten for each new place, and squares would be
read whole for the few pairs of a day. The file lies in the folder of the build: a new build begins with none, and an
old one's goes with its folder. It holds no more than a number of bytes; the places asked longest ago go first.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from routing.model.places import Location

log = logging.getLogger("backroute.roads")

TABLES_FILE = "tables.db"
MOST_BYTES = 512 * 2**20

UNKNOWN = -2

_BLOCK_TARGETS = 512
_BLOCK_BYTES = 2 * 4 * _BLOCK_TARGETS
_WAIT_S = 5.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS place (
    id INTEGER PRIMARY KEY AUTOINCREMENT, profile TEXT NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL,
    snapped_m INTEGER NOT NULL, asked INTEGER NOT NULL, UNIQUE (profile, lat, lon)
) STRICT;
CREATE TABLE IF NOT EXISTS block (
    source INTEGER NOT NULL, part INTEGER NOT NULL, cells BLOB NOT NULL, PRIMARY KEY (source, part)
) STRICT;
CREATE TABLE IF NOT EXISTS made_of (build TEXT NOT NULL) STRICT;
"""

Matrix = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is kept of a table: seconds and metres, (n, n), UNKNOWN where a pair was never computed, -1: no road;
    `snapped_m` (n,) alike."""

    durations_s: Matrix
    distances_m: Matrix
    snapped_m: Matrix


class KeptTables:
    """The file of one build. Safe from threads and from other processes on the same file.

    What cannot be read or written is not kept: every method answers as if nothing were known then, and the log says
    why, once. `close()` ends it.
    """

    def __init__(self, region_dir: Path, *, build: str, most_bytes: int = MOST_BYTES) -> None:
        self.build = build
        self._path = region_dir / TABLES_FILE
        self._most_blocks = max(1, most_bytes // _BLOCK_BYTES)
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._broken = False

    def fits(self, n: int) -> bool:
        """Whether a table of n places is worth keeping: one that would push out everything else is not."""
        return n * -(-n // _BLOCK_TARGETS) <= self._most_blocks // 2

    def read(self, places: Sequence[Location], *, profile: str) -> Known | None:
        """The pairs among different places, as far as they are kept; None when none of the places is known."""
        known = None
        with self._opened() as db:
            if db is not None:
                known = _read(db, places, profile)
        return known

    def write(
        self,
        places: Sequence[Location],
        sources: NDArray[np.int64],
        targets: NDArray[np.int64],
        part: tuple[Matrix, Matrix],
        snapped_m: Matrix,
        *,
        profile: str,
    ) -> None:
        """Keep seconds and metres, each (len(sources), len(targets)), from some of different places to some of them.

        Nothing to keep still says that these places were asked about now.
        """
        with self._opened() as db:
            if db is None:
                return
            with _transaction(db):
                ids = _numbered(db, places, snapped_m, profile)
                blocks = np.unique(ids[targets] // _BLOCK_TARGETS).tolist()
                self._make_room(db, len(sources) * len(blocks), ids)
                for block in blocks:
                    columns = np.flatnonzero(ids[targets] // _BLOCK_TARGETS == block)
                    cells = ids[targets[columns]] % _BLOCK_TARGETS
                    for row, source in enumerate(ids[sources].tolist()):
                        _fill(db, source, block, cells, part[0][row, columns], part[1][row, columns])

    @property
    def blocks(self) -> int:
        """How many blocks are kept."""
        kept = 0
        with self._opened() as db:
            if db is not None:
                kept = _count(db)
        return kept

    def close(self) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def _make_room(self, db: sqlite3.Connection, more: int, spared: NDArray[np.int64]) -> None:
        """Forget the places asked longest ago until so many more blocks fit; those of this question stay."""
        too_many = _count(db) + more - self._most_blocks
        if too_many <= 0:
            return
        keep = set(spared.tolist())
        for (place,) in db.execute("SELECT id FROM place ORDER BY asked, id").fetchall():
            if place in keep:
                continue
            too_many -= db.execute("DELETE FROM block WHERE source = ?", (place,)).rowcount
            db.execute("DELETE FROM place WHERE id = ?", (place,))
            # Numbers are never given again, so what was kept to this place is read by nobody; it goes with its block.
            first = place - place % _BLOCK_TARGETS
            alive = db.execute("SELECT 1 FROM place WHERE id >= ? AND id < ?", (first, first + _BLOCK_TARGETS))
            if alive.fetchone() is None:
                too_many -= db.execute("DELETE FROM block WHERE part = ?", (place // _BLOCK_TARGETS,)).rowcount
            if too_many <= 0:
                return

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection | None]:
        """The connection, or None where the file is of no use. What was begun when a fault came is undone."""
        with self._lock:
            if self._db is None and not self._broken:
                try:
                    self._db = self._open()
                except sqlite3.Error as fault:
                    self._fault(fault)
            try:
                yield self._db
            except sqlite3.Error as fault:
                self._fault(fault)

    def _fault(self, fault: sqlite3.Error) -> None:
        if getattr(fault, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            return  # Somebody else keeps a large table just now: what was computed is computed again one day.
        log.warning("Travel times are computed each time: %s cannot be used (%s).", self._path, fault)
        self._broken = True
        if self._db is not None:
            with closing(self._db):
                self._db = None

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
        try:
            db.executescript(
                "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                f"PRAGMA journal_size_limit = {16 * 2**20};" + _SCHEMA
            )
            db.execute("INSERT INTO made_of SELECT ? WHERE NOT EXISTS (SELECT 1 FROM made_of)", (self.build,))
            (made_of,) = db.execute("SELECT build FROM made_of").fetchone()
            if made_of != self.build:
                raise sqlite3.DatabaseError(f"it was kept of build {made_of}")
        except sqlite3.Error:
            db.close()
            raise
        return db


def _read(db: sqlite3.Connection, places: Sequence[Location], profile: str) -> Known | None:
    kept = _ids(db, profile)
    at = [kept.get((place.lat, place.lon)) for place in places]
    here = np.array([index for index, each in enumerate(at) if each is not None], dtype=np.int64)
    if not len(here):
        return None
    n = len(places)
    known = Known(
        durations_s=np.full((n, n), UNKNOWN, np.int64),
        distances_m=np.full((n, n), UNKNOWN, np.int64),
        snapped_m=np.full(n, UNKNOWN, np.int64),
    )
    ids = np.array([each[0] for each in at if each is not None], dtype=np.int64)
    known.snapped_m[here] = [each[1] for each in at if each is not None]
    for part in np.unique(ids // _BLOCK_TARGETS).tolist():
        inside = np.flatnonzero(ids // _BLOCK_TARGETS == part)
        columns, cells = here[inside], ids[inside] % _BLOCK_TARGETS
        for row, source in zip(here.tolist(), ids.tolist(), strict=True):
            block = _block(db, source, part)
            if block is not None:
                known.durations_s[row, columns] = block[0, cells]
                known.distances_m[row, columns] = block[1, cells]
    return known


def _numbered(db: sqlite3.Connection, places: Sequence[Location], snapped_m: Matrix, profile: str) -> NDArray[np.int64]:
    """The places' numbers, given to those that have none; all of them are asked about now."""
    (now,) = db.execute("SELECT coalesce(max(asked), 0) + 1 FROM place").fetchone()
    db.executemany(
        "INSERT INTO place (profile, lat, lon, snapped_m, asked) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (profile, lat, lon) DO UPDATE SET asked = excluded.asked",
        [
            (profile, place.lat, place.lon, metres, now)
            for place, metres in zip(places, snapped_m.tolist(), strict=True)
        ],
    )
    kept = _ids(db, profile)
    return np.array([kept[place.lat, place.lon][0] for place in places], dtype=np.int64)


def _ids(db: sqlite3.Connection, profile: str) -> dict[tuple[float, float], tuple[int, int]]:
    """By coordinate: the place's number, and how far it lies from its road."""
    rows: Iterable[tuple[int, float, float, int]] = db.execute(
        "SELECT id, lat, lon, snapped_m FROM place WHERE profile = ?", (profile,)
    )
    return {(lat, lon): (place, snapped_m) for place, lat, lon, snapped_m in rows}


def _block(db: sqlite3.Connection, source: int, part: int) -> NDArray[np.int32] | None:
    kept = db.execute("SELECT cells FROM block WHERE source = ? AND part = ?", (source, part)).fetchone()
    return None if kept is None else np.frombuffer(kept[0], np.int32).reshape(2, _BLOCK_TARGETS)


def _fill(
    db: sqlite3.Connection, source: int, part: int, cells: NDArray[np.int64], seconds: Matrix, metres: Matrix
) -> None:
    kept = _block(db, source, part)
    block = np.full((2, _BLOCK_TARGETS), UNKNOWN, np.int32) if kept is None else kept.copy()
    block[0, cells] = seconds
    block[1, cells] = metres
    db.execute("INSERT OR REPLACE INTO block VALUES (?, ?, ?)", (source, part, block.tobytes()))


def _count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM block").fetchone()[0])


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
