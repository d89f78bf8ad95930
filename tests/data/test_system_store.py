"""Events, tasks, settings, idempotency and files in the store."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from data.db import Database
from data.files import FolderFiles
from data.store import SqlStore, open_store
from data.store.system import verify_chain
from data.tables import event, file, task
from routing.errors import Conflict, InvalidInput, NotFound
from routing.model.tasks import TaskKind

NOW = datetime(2026, 3, 3, 5, 40, tzinfo=UTC)


def append(store: SqlStore, what: str, **more: Any) -> int:
    return store.append_event(
        kind="released", actor="test", captured_at=NOW, received_at=NOW, data={"what": what, "at": (1, 2.5)}, **more
    )


def chain(database: Database) -> str | None:
    with database.reading() as connection:
        found = verify_chain(connection)
    return None if found is None else found.sentence


# ---------------------------------------------------------------------------- events


def test_a_chain_nobody_touched_holds(database: Database) -> None:
    for number in range(3):
        with open_store(database) as store:
            append(store, f"SO-{number} ä")
    assert chain(database) is None


def test_a_changed_event_breaks_the_chain(database: Database) -> None:
    with open_store(database) as store:
        ids = [append(store, f"SO-{number}") for number in range(3)]
        store.connection.execute(update(event).where(event.c.id == ids[1]).values(data={"what": "another"}))
    assert chain(database) == f"Event {ids[1]} was changed after it was written."


def test_a_removed_event_breaks_the_chain(database: Database) -> None:
    with open_store(database) as store:
        ids = [append(store, f"SO-{number}") for number in range(3)]
        store.connection.execute(delete(event).where(event.c.id == ids[1]))
    assert chain(database) == f"Before event {ids[2]} an event is missing or was put in."


def test_events_appended_at_the_same_time_form_one_chain(database: Database) -> None:
    problems: list[Exception] = []

    def work(worker: int) -> None:
        try:
            for number in range(10):
                with open_store(database) as store:
                    append(store, f"{worker}/{number}")
        except Exception as problem:  # noqa: BLE001 - a thread's error must reach the test
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with database.reading() as connection:
        assert len(connection.execute(select(event.c.id)).all()) == 40
    assert chain(database) is None


def test_an_event_of_a_change_that_was_rolled_back_leaves_no_gap(database: Database) -> None:
    def fail() -> None:
        with open_store(database) as store:
            append(store, "lost")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with open_store(database) as store:
        append(store, "kept")
    assert chain(database) is None


# ---------------------------------------------------------------------------- tasks


def test_asking_for_the_same_thing_twice_is_one_task(store: SqlStore) -> None:
    def ask(sentence: str, minute: int) -> int:
        return store.add_task(
            kind=TaskKind.ADDRESS_IN_REVIEW,
            subject_kind="site",
            subject_id=4,
            sentence=sentence,
            made_at=NOW + timedelta(minutes=minute),
        )

    first, second = ask("Two places fit.", 0), ask("Three places fit.", 1)
    assert first == second
    assert store.connection.execute(select(task.c.sentence)).scalars().all() == ["Three places fit."]
    store.finish_task(task_id=first, outcome="pinned", by="dispatcher", now=NOW)
    assert ask("Two places fit.", 2) != first


def test_a_task_is_done_once(store: SqlStore) -> None:
    key = store.add_task(kind=TaskKind.CALL_CUSTOMER, subject_kind="order", subject_id=1, sentence="Call.", made_at=NOW)
    store.finish_task(task_id=key, outcome="called", by="A", now=NOW)
    with pytest.raises(Conflict, match="already done by A: called"):
        store.finish_task(task_id=key, outcome="called", by="B", now=NOW)
    with pytest.raises(NotFound):
        store.finish_task(task_id=999, outcome="called", by="B", now=NOW)


# ---------------------------------------------------------------------------- settings and idempotency


def test_a_setting_holds_what_was_set_last(store: SqlStore) -> None:
    assert store.setting("outbound", "off") == "off"
    store.set_setting(name="outbound", value={"mode": "test"}, by="admin", now=NOW)
    store.set_setting(name="outbound", value={"mode": "real"}, by="admin", now=NOW)
    assert store.setting("outbound") == {"mode": "real"}


def test_a_key_used_again_for_something_else_is_a_conflict(store: SqlStore) -> None:
    store.remember(scope="phone", key="k", payload_sha256="a" * 64, response={"id": 1}, now=NOW)
    store.remember(scope="phone", key="k", payload_sha256="a" * 64, response={"id": 1}, now=NOW)
    found = store.recall(scope="phone", key="k")
    assert found is not None
    assert found.response == {"id": 1}
    with pytest.raises(Conflict):
        store.remember(scope="phone", key="k", payload_sha256="b" * 64, response={"id": 2}, now=NOW)
    assert store.recall(scope="phone", key="other") is None


# ---------------------------------------------------------------------------- files


def test_a_file_reads_back_and_the_same_bytes_are_one_file(tmp_path: Path, store: SqlStore) -> None:
    files = FolderFiles(tmp_path / "files")
    name = files.write(b"a photo")
    assert files.write(b"a photo") == name
    assert files.read(name) == b"a photo"
    assert list(files) == [name]
    first = store.save_file(sha256=name, media_type="image/jpeg", size=7, now=NOW)
    assert store.save_file(sha256=name, media_type="image/jpeg", size=7, now=NOW) == first
    (kept,) = store.connection.execute(select(file.c.id, file.c.size))
    assert tuple(kept) == (first, 7)


def test_an_erased_file_is_gone_and_says_so(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    name = files.write(b"a photo")
    files.erase(name)
    files.erase(name)
    with pytest.raises(NotFound, match="erased or never stored"):
        files.read(name)


def test_a_file_changed_on_the_disk_is_not_believed(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    name = files.write(b"signed")
    (tmp_path / name[:2] / name).write_bytes(b"forged")
    with pytest.raises(InvalidInput, match="changed on the disk"):
        files.read(name)


def test_a_file_name_that_is_no_hash_reaches_no_path(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        FolderFiles(tmp_path).read("../../secret")
