"""What the migrations make is what data/tables says, on both databases."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, inspect

from data.db import Database
from data.migrate import differences, newest_version, schema_version, upgrade
from data.tables import metadata
from routing.errors import Conflict


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path}/empty.db")
    else:
        server: URL = request.getfixturevalue("postgres_server")
        name = f"empty_{uuid.uuid4().hex}"
        engine = create_engine(server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        database = Database(server.set(database=name).render_as_string(hide_password=False))
    yield database
    database.close()


def checks(database: Database) -> dict[str, set[str | None]]:
    with database.reading() as connection:
        inspector = inspect(connection)
        return {table: {check["name"] for check in inspector.get_check_constraints(table)} for table in metadata.tables}


def test_the_migrations_make_the_tables_that_the_code_uses(empty: Database) -> None:
    upgrade(empty)
    with empty.reading() as connection:
        assert differences(connection) == []
    assert schema_version(empty) == newest_version()


def test_the_migrations_make_every_check_constraint(empty: Database, database: Database) -> None:
    # Alembic's comparison does not look at check constraints.
    upgrade(empty)
    assert checks(empty) == checks(database)


def test_upgrading_twice_changes_nothing(empty: Database) -> None:
    upgrade(empty)
    upgrade(empty)
    assert schema_version(empty) == newest_version()


def test_a_database_of_a_newer_version_is_refused(empty: Database) -> None:
    upgrade(empty)
    with empty.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Conflict, match="schema 9999"):
        upgrade(empty)
