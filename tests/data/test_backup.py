"""A backup is taken while others write, and what comes back is what was there."""

from __future__ import annotations

import threading
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from data.backup import backup, restore
from data.db import Database
from data.files import FolderFiles
from data.migrate import upgrade
from data.store import open_store
from data.store.system import verify_chain
from data.tables import (
    current_plan,
    depot,
    job,
    metadata,
    plan,
    product,
    region,
    setting,
    supply,
)
from routing.errors import Conflict, FileRefused

NOW = datetime(2026, 3, 3, 5, 40, 0, 123456, tzinfo=UTC)
SECRET = b"s" * 32


def fill(database: Database, files: FolderFiles) -> None:
    """A bit of everything that is hard to carry: bytes, JSON, nulls, moments, a row that refers to a later one."""
    upgrade(database) if database.is_sqlite else None
    with open_store(database) as store:
        connection = store.connection
        connection.execute(insert(region).values(id=1, name="helsinki", build="b", facts={"ä": [1]}, built_at=NOW))
        connection.execute(insert(depot).values(id=7, number="D1", name="Depot ✓", region_id=1, lat=60.1699, lon=24.9))
        connection.execute(insert(product).values(id=3, number="OAT", name="Oat milk"))
        goods = {"depot_id": 7, "product_id": 3, "quantity": 12}
        connection.execute(insert(supply).values(id=5, kind="receipt", number="R1", counted_at=NOW, **goods))
        connection.execute(insert(supply).values(id=9, kind="inbound", number="I1", expected_at=NOW, **goods))
        connection.execute(supply.update().where(supply.c.id == 5).values(inbound_id=9))
        connection.execute(
            insert(plan).values(
                id=2, from_day="2026-03-03", to_day="2026-03-03", depot_ids=[7], problem=bytes(range(256)), engine="x",
                cost=2**40, served_by_tier=[[1, 2]], why="planned", by="test", made_at=NOW, search_s=0.1,
            )
        )  # fmt: skip
        connection.execute(insert(current_plan).values(depot_id=7, day="2026-03-03", plan_id=2))
        sha256 = files.write(b"a signature")
        store.save_file(sha256=sha256, media_type="image/png", size=11, now=NOW)
        store.append_event(kind="released", actor="test", captured_at=NOW, received_at=NOW, data={"n": 1.5})
        store.add_job(kind="plan", data={}, by="test", now=NOW)


def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    with database.reading() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(table.c.id))]
            for table in metadata.sorted_tables
        }


@pytest.fixture
def migrated(database: Database) -> Database:
    """The fixture's tables, known to Alembic as migrated."""
    with database.writing() as connection:
        metadata.drop_all(connection)
    upgrade(database)
    return database


def test_what_is_restored_equals_what_was_backed_up(migrated: Database, tmp_path: Path) -> None:
    files = FolderFiles(tmp_path / "files")
    fill(migrated, files)
    kept = backup(database=migrated, files=files, secret=SECRET, into=tmp_path / "b.zip", now=NOW)
    assert (kept.files, kept.missing, kept.rows["supply"]) == (1, (), 2)
    home = tmp_path / "home"
    restore(source=tmp_path / "b.zip", home=home, url=f"sqlite:///{home / 'backroute.db'}")
    restored = Database(f"sqlite:///{home / 'backroute.db'}")
    assert contents(restored) == contents(migrated)
    with restored.reading() as connection:
        assert verify_chain(connection) is None
    assert list(FolderFiles(home / "files")) == list(files)
    assert (home / "secret").read_text() == SECRET.hex()
    assert (home / "secret").stat().st_mode & 0o777 == 0o600
    restored.close()


def test_a_backup_of_one_database_goes_into_the_other_and_new_rows_follow(
    sqlite_url: str, postgres_url: str, tmp_path: Path
) -> None:
    files = FolderFiles(tmp_path / "files")
    source = Database(f"sqlite:///{tmp_path}/source.db")
    fill(source, files)
    backup(database=source, files=files, secret=SECRET, into=tmp_path / "b.zip", now=NOW)
    restore(source=tmp_path / "b.zip", home=tmp_path / "home", url=postgres_url, force=True)
    restored = Database(postgres_url)
    assert contents(restored) == contents(source)
    with open_store(restored) as store:  # the counters of the keys go on after the highest
        assert store.add_job(kind="plan", data={}, by="test", now=NOW) > 1
    source.close()
    restored.close()


def test_a_backup_taken_while_others_write_is_of_one_moment(migrated: Database, tmp_path: Path) -> None:
    """A writer adds a job and a setting in one transaction, over and over: a backup must hold as many of each."""
    stop, written = threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            with open_store(migrated) as store:
                store.add_job(kind="plan", data={"n": number}, by="test", now=NOW)
                store.set_setting(name=f"n{number}", value=number, by="test", now=NOW + timedelta(seconds=number))
            number += 1
            if number == 20:
                written.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert written.wait(30)
        files = FolderFiles(tmp_path / "files")
        kept = backup(database=migrated, files=files, secret=SECRET, into=tmp_path / "b.zip", now=NOW)
    finally:
        stop.set()
        writer.join()
    assert kept.rows[job.name] == kept.rows[setting.name] >= 20
    home = tmp_path / "home"
    restore(source=tmp_path / "b.zip", home=home, url=f"sqlite:///{home / 'backroute.db'}")
    restored = Database(f"sqlite:///{home / 'backroute.db'}")
    now, then = contents(migrated), contents(restored)
    for name, rows in then.items():
        assert rows == now[name][: len(rows)]
    restored.close()


def test_an_installation_in_the_way_is_refused_unless_told(migrated: Database, tmp_path: Path) -> None:
    files = FolderFiles(tmp_path / "files")
    backup(database=migrated, files=files, secret=SECRET, into=tmp_path / "b.zip", now=NOW)
    url = migrated.url.render_as_string(hide_password=False)
    with open_store(migrated) as store:
        store.set_setting(name="later", value=1, by="test", now=NOW)
    with pytest.raises(Conflict, match="already"):
        restore(source=tmp_path / "b.zip", home=tmp_path, url=url)
    migrated.close()
    restore(source=tmp_path / "b.zip", home=tmp_path, url=url, force=True)
    assert contents(migrated)["setting"] == []


def test_what_is_no_backup_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/home/backroute.db"
    (tmp_path / "text").write_text("hello")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("readme", "hello")
    for name in ("none", "text", "other.zip"):
        with pytest.raises(FileRefused):
            restore(source=tmp_path / name, home=tmp_path / "home", url=url)
    assert not (tmp_path / "home" / "backroute.db").exists()


def test_a_file_that_is_missing_is_named_and_the_rest_is_kept(migrated: Database, tmp_path: Path) -> None:
    files = FolderFiles(tmp_path / "files")
    fill(migrated, files)
    (sha256,) = files
    files.erase(sha256)
    kept = backup(database=migrated, files=files, secret=SECRET, into=tmp_path / "b.zip", now=NOW)
    assert kept.missing == (sha256,)
