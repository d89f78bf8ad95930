"""Brings a database to the newest schema.

`make migration WHY="..."` writes the next migration from data/tables; with no file in migrations/versions yet, it
writes the first. Read it before you commit it: Alembic does not see changed check constraints.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.sql.elements import False_, True_

from data.db import Database
from data.tables import Moment, metadata
from routing.errors import Conflict

_FOLDER = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 7_305_002
"""PostgreSQL's advisory lock: two processes that start together migrate one after the other."""


def upgrade(database: Database) -> None:
    """Runs the migrations that are missing, all or none. Raises Conflict when the database is newer than this code."""
    if schema_version(database) == newest_version():
        return
    with database.writing() as connection:
        upgrade_within(connection)


def upgrade_within(connection: Connection, *, to: str = "head") -> None:
    """The same in a write transaction that is open already. `to`: an older version, to see what came after it."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    current = _current(connection)
    script = ScriptDirectory.from_config(_config(connection))
    if current is not None and current not in {revision.revision for revision in script.walk_revisions()}:
        raise Conflict(
            f"The database has schema {current}, which this version of Backroute does not know (it knows up to "
            f"{script.get_current_head()}). Install the newer Backroute again, or restore a backup of this one.",
            code="schema_newer",
        )
    command.upgrade(_config(connection), to)


def schema_version(database: Database) -> str | None:
    """The migration that the database stands at; None when it has no tables of ours."""
    with database.reading() as connection:
        return _current(connection)


def newest_version() -> str | None:
    return ScriptDirectory(str(_FOLDER)).get_current_head()


def known_versions() -> frozenset[str]:
    """Every migration that this version of Backroute knows."""
    return frozenset(each.revision for each in ScriptDirectory(str(_FOLDER)).walk_revisions())


def differences(connection: Connection) -> list[Any]:
    """What the tables in the database lack or have too much against data/tables; empty when they are equal."""
    context = MigrationContext.configure(connection, opts=compare_options())
    return list(compare_metadata(context, metadata))


def compare_options() -> dict[str, Any]:
    return {"compare_type": True, "compare_server_default": False, "render_item": _render}


def write_migration(why: str) -> Path:
    """Writes the next migration: what data/tables has and the migrations so far do not make."""
    script = ScriptDirectory(str(_FOLDER))
    number = len(list(script.walk_revisions())) + 1
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/empty.db")
        try:
            if number > 1:
                upgrade(database)
            with database.writing() as connection:
                made = command.revision(_config(connection), message=why, autogenerate=True, rev_id=f"{number:04d}")
        finally:
            database.close()
    if made is None or isinstance(made, list):
        raise Conflict("Alembic wrote no single migration. Look into data/migrations/versions.")
    path = Path(made.path)
    lines = [line for line in path.read_text().splitlines() if not line.strip().startswith("# ###")]
    path.write_text("\n".join(lines) + "\n")
    return path


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _render(kind: str, item: Any, _context: Any) -> str | bool:
    """A migration stands alone: it names SQL's types, not the classes that the tables use today."""
    if kind == "type" and isinstance(item, Moment):
        return "sa.DateTime(timezone=True)"
    if kind == "server_default" and isinstance(getattr(item, "arg", None), (True_, False_)):
        return f"sa.{'true' if isinstance(item.arg, True_) else 'false'}()"  # each database writes it its own way
    return False


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit('Say why: python -m data.migrate "Vehicles have a colour"')
    print(write_migration(sys.argv[1]))
