"""What the migrations make is what data/tables says, on both databases."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, event, inspect

from data.db import Database
from data.migrate import differences, newest_version, schema_version, upgrade, upgrade_within
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


def test_no_migration_makes_a_table_anew_that_others_point_to(tmp_path: Path) -> None:
    """SQLite would empty it first, and with rows in it every row that points there forbids that."""
    database, said = Database(f"sqlite:///{tmp_path}/full.db"), list[str]()
    with database.writing() as connection:
        event.listen(connection, "before_cursor_execute", lambda *given: said.append(given[2]))
        upgrade_within(connection)
    database.close()
    assert [statement for statement in said if statement.lstrip().startswith("DROP TABLE")] == []


def test_a_company_at_work_is_brought_to_the_newest_schema(empty: Database) -> None:
    with empty.writing() as connection:
        upgrade_within(connection, to="0011")
        for statement in ROWS:
            connection.exec_driver_sql(statement)
    upgrade(empty)
    assert schema_version(empty) == newest_version()
    with empty.reading() as connection:
        assert connection.exec_driver_sql("SELECT product_id, quantity FROM order_line").all() == [(1, 12)]


ROWS = (
    "INSERT INTO depot (id, number, name, zone) VALUES (1, 'D1', 'Depot', 'Europe/Helsinki')",
    "INSERT INTO product (id, number, name) VALUES (1, 'OAT-1', 'Oat drink')",
    "INSERT INTO customer (id, number, name) VALUES (1, 'C1', 'Café')",
    "INSERT INTO site (id, customer_id, number, name, address) VALUES (1, 1, 'S1', 'Café', 'Testgatan 1')",
    "INSERT INTO customer_order (id, number, customer_id, site_id, depot_id, ordered_at, currency) "
    "VALUES (1, 'SO-1', 1, 1, 1, '2026-05-12 05:40:00', 'EUR')",
    "INSERT INTO order_line (id, order_id, number, product_id, quantity) VALUES (1, 1, '1', 1, 12)",
)
