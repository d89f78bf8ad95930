"""What every part of the store shares: the one connection of its transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from data.tables import shift

AT_ONCE = 5_000
"""Keys in one IN list: below SQLite's and PostgreSQL's limits on parameters."""


def parts[Key: (str, int)](keys: Collection[Key]) -> Iterator[list[Key]]:
    """The keys in their order, as lists that fit an IN list each."""
    every = sorted(keys)
    for start in range(0, len(every), AT_ONCE):
        yield every[start : start + AT_ONCE]


class StorePart:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        # What this transaction changed of lines, and when, so that its end can write down how they stand now.
        self.touched_lines: set[int] = set()
        self.touched_allocations: set[int] = set()
        self.touched_orders: set[int] = set()
        self.touched_supplies: set[int] = set()
        self.moment: datetime | None = None
        self.locked_depots: set[int] = set()
        """Depots of which this transaction locked every SKU."""
        self.may_relock = False

    def insert_once(self, table: Table, values: Mapping[str, Any]) -> int | None:
        """Inserts the row and returns its id; None when a unique key says that it is there already."""
        if self.connection.dialect.name == "sqlite":
            on_sqlite = sqlite.insert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
            return self.connection.execute(on_sqlite).scalar()
        on_postgres = postgresql.insert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
        return self.connection.execute(on_postgres).scalar()

    def turn_of(self, shift_id: int) -> list[int]:
        """The shift with those it replaced and those that replaced it: one van's turn, whoever drove. By id."""
        known: set[int] = set()
        found = {shift_id}
        while found - known:
            known |= found
            linked = select(shift.c.id, shift.c.replaces_id).where(
                or_(shift.c.id.in_(known), shift.c.replaces_id.in_(known))
            )
            found = {each for row in self.connection.execute(linked) for each in row if each is not None}
        return sorted(known)
