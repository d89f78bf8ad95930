"""Opens the database. SQLite by default, PostgreSQL by URL; the same tables on both.

Two engines on SQLite: readers are deferred and `query_only`, writers begin IMMEDIATE. A deferred writer that
upgrades later fails at once with 'database is locked' under concurrency; a reader on an immediate engine waits
behind every writer.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError

BUSY_TIMEOUT_MS = 30_000
WAITS_FOR_A_CONNECTION_S = 120
"""More at once than the pool has connections take turns: on a busy machine the first of them need their time."""


class Database:
    """A database that is open. `reading()` and `writing()` are one transaction each."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        if self.url.drivername in ("postgres", "postgresql"):  # as hosting services write it
            self.url = self.url.set(drivername="postgresql+psycopg")
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._writer = _engine(self.url, self.is_sqlite, reads_only=False)
        self._reader = _engine(self.url, self.is_sqlite, reads_only=True)

    @property
    def writer(self) -> Engine:
        """For migrations and backups; everybody else takes `writing()`."""
        return self._writer

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read transaction: it sees one moment of the database and cannot write."""
        with self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A write transaction: commits at the end of the block, rolls back on any exception."""
        with self._writer.begin() as connection:
            yield connection

    def answers(self) -> None:
        """Raises what the database raises when it does not."""
        with self.reading() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()


def fault_of(problem: DBAPIError, where: str) -> str:
    """What is wrong with the database at `where`, and the mend: one sentence for whoever started a command."""
    said = str(problem.orig).strip().partition("\n")[0].rstrip(".")
    known = next((sentence for words, sentence in _FAULTS.items() if any(word in said for word in words)), None)
    if known is None and not isinstance(problem, OperationalError):
        known = "The database {where} refused a step ({said}): nothing of it was kept. Look with: backroute doctor"
    return (
        known or "The database {where} cannot be reached: {said}. Start it, or mend BACKROUTE_DATABASE_URL."
    ).format(where=where, said=said)


_FAULTS = {
    ("disk is full", "No space left", "disk I/O error"): "The disk of {where} is full or failing ({said}). Make room, "
    "then run it again: nothing of this step was kept.",
    ("readonly", "read-only"): "The database {where} may only be read by this user. Give this user its folder, then "
    "run it again.",
    ("malformed", "not a database"): "The database {where} is damaged: {said}. Restore a backup: "
    "backroute restore FILE --force",
    ("locked", "deadlock", "could not serialize"): "The database {where} is busy: another command or the server "
    "holds it. Wait for it, then run it again: nothing of this step was kept.",
}
"""By words of SQLite and PostgreSQL."""


def _engine(url: URL, is_sqlite: bool, *, reads_only: bool) -> Engine:
    if not is_sqlite:
        # Repeatable read: a page's second query sees the same moment as its first, as on SQLite.
        options: dict[str, Any] = {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
        return create_engine(
            url,
            pool_pre_ping=True,
            pool_timeout=WAITS_FOR_A_CONNECTION_S,
            hide_parameters=True,
            execution_options=options if reads_only else {},
        )
    # Errors are logged, and what they would quote are names, addresses and passwords' hashes.
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}
    )
    begin = "BEGIN DEFERRED" if reads_only else "BEGIN IMMEDIATE"

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        _use_wal(cursor)
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA foreign_keys=ON")
        if reads_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Only who is alone may switch a new database over, and SQLite does not wait for that: processes that start
    together take turns here."""
    until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as problem:
            if "locked" not in str(problem) or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return
