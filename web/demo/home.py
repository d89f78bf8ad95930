"""The demo's own home: it may be emptied, because nothing but the demo ever lived there."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import inspect, select, text

from data.db import Database
from data.tables import customer, metadata, setting
from routing.errors import InvalidInput
from web.clock import SETTING as DEMO_CLOCK
from web.wiring import Installation, default_home, open_database, open_installation

MARK = "this-is-a-demo"
KEPT = ("regions", MARK)
"""What a reset leaves: building the region again would teach nobody anything."""


def demo_home() -> Path:
    return default_home() / "demo"


@contextmanager
def fresh_demo() -> Iterator[Installation]:
    """An installation with an empty database, no mail and no files; regions stay. Raises InvalidInput when the home
    or the database holds something that is not the demo's."""
    home = demo_home()
    with _alone_in(home):
        _empty(home)
        url = os.environ.get("BACKROUTE_DATABASE_URL")
        if url:
            _empty_database(url)
        with open_installation(home) as installation:
            yield installation


@contextmanager
def _alone_in(home: Path) -> Iterator[None]:
    """One demo at a time: a second one would empty the home under the pages of the first. The lock goes with the
    process, however it ends. Raises InvalidInput."""
    if home.exists() and any(home.iterdir()) and not (home / MARK).exists():
        raise InvalidInput(
            f"{home} holds something that is not the demo's. Move it away, or name another folder: BACKROUTE_HOME=/path"
        )
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / MARK).open("a", encoding="utf-8") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidInput(
                f"A demo is running in {home}. Stop it first (Ctrl-C where it runs), or play this one in another "
                "folder: BACKROUTE_HOME=/path"
            ) from None
        if not mark.tell():
            mark.write("The demo empties this folder each time it starts.\n")
            mark.flush()
        yield


def _empty(home: Path) -> None:
    for child in home.iterdir():
        if child.name in KEPT:
            continue
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()


def _empty_database(url: str) -> None:
    """Only a database that is empty, or was the demo's before."""
    database = open_database(url)
    try:
        with database.reading() as connection:
            is_demo = connection.execute(select(setting.c.id).where(setting.c.name == DEMO_CLOCK)).first() is not None
            is_used = connection.execute(select(customer.c.id).limit(1)).first() is not None
        if is_used and not is_demo:
            raise InvalidInput(
                "BACKROUTE_DATABASE_URL names a database with real customers: the demo would delete them. "
                "Unset it, or name an empty database."
            )
        _drop(database)
    finally:
        database.close()


def _drop(database: Database) -> None:
    metadata.drop_all(database.writer)
    if inspect(database.writer).has_table("alembic_version"):
        with database.writing() as connection:
            connection.execute(text("DROP TABLE alembic_version"))
