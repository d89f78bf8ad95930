"""A report from a phone that tells its own time zone keeps the chain of events whole."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from data.db import Database
from data.store import open_store
from data.store.system import verify_chain


def test_a_moment_with_an_offset_of_its_own_leaves_the_chain_whole(database: Database) -> None:
    at = datetime(2026, 5, 12, 8, 5, tzinfo=ZoneInfo("Europe/Helsinki"))
    with open_store(database) as store:
        store.append_event(kind="van_closed", actor="driver:1", captured_at=at, received_at=at, data={})
    with database.reading() as connection:
        assert verify_chain(connection) is None
