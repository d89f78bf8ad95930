"""The demo's own home: it may be emptied, because nothing but the demo ever lived there."""

from __future__ import annotations

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
    _empty_home(home)
    url = os.environ.get("BACKROUTE_DATABASE_URL")
    if url:
        _empty_database(url)
    with open_installation(home) as installation:
        yield installation


def _empty_home(home: Path) -> None:
    if home.exists() and any(home.iterdir()) and not (home / MARK).exists():
        raise InvalidInput(
            f"{home} holds something that is not the demo's. Move it away, or name another folder: BACKROUTE_HOME=/path"
        )
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    (home / MARK).write_text("The demo empties this folder each time it starts.\n", encoding="utf-8")
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
