"""Orders and backorders by who is latest and by worth: the database sorts, and says the same on both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, insert, update

from data.db import Database
from data.queries.backorders import backorders, count_backorders
from data.queries.orders import OPEN_STATES, order_list
from data.queries.standing import standings
from data.store import open_store
from data.tables import order, order_line, promise
from routing.rules.promises import AT_CUSTOMERS_WISH
from tests.desk import Desk, fill_desk

NOW = datetime(2026, 5, 12, 3, 55, tzinfo=UTC)
DAY = "2026-05-12"


@pytest.fixture
def desk(database: Database) -> Desk:
    """Cafés 1, 2 and 3 want 12 oat at 2.00, 5.00 and 1.00; Café 4's coffee is on the shelf.

    Café 1 was promised 10 May, and again 12 May when that slipped, when its goods are expected: 2 days late. Café 2
    was promised 5 May and wished for 11 May itself; its goods have no date: 1 day late so far. Café 3 was promised
    4 May, and its goods come on 20 May: 16 days.
    """
    made = fill_desk(database, NOW)
    with open_store(database) as store:
        rows = store.connection.execute(order_line.select())
        of_order = {row.order_id: row.id for row in rows}
        line = {café: of_order[key] for café, key in made.orders.items()}
        store.connection.execute(promise.delete())
        for café, version, day, why in (
            (1, 1, "2026-05-10", "first date"), (1, 2, "2026-05-12", "inbound IN-1 comes on 2026-05-12"),
            (2, 1, "2026-05-05", "first date"), (2, 2, "2026-05-11", AT_CUSTOMERS_WISH),
            (3, 1, "2026-05-04", "first date"),
        ):  # fmt: skip
            store.connection.execute(
                insert(promise).values(
                    order_line_id=line[café],
                    version=version,
                    promised_on=day,
                    why=why,
                    by="test",
                    made_at=NOW - timedelta(days=9 - version),
                )
            )
        for café, day, price in ((1, "2026-05-12", 200), (2, "", 500), (3, "2026-05-20", 100), (4, "2026-05-12", 300)):
            values = {"expected_on": day, "unit_price": price}
            store.connection.execute(update(order_line).where(order_line.c.id == line[café]).values(values))
    return made


def test_backorders_by_who_is_latest_and_by_worth(database: Database, desk: Desk) -> None:
    with database.reading() as connection:

        def by(sort: str) -> list[tuple[str, int, int]]:
            rows = backorders(connection, today=DAY, sort=sort)
            return [(row.order, row.days_late, row.worth) for row in rows]

        # Who was promised a day and has none any more may be the latest of all: nobody knows how late.
        assert by("late") == [("SO-2", 1, 6000), ("SO-3", 16, 1200), ("SO-1", 2, 2400)]
        assert by("worth") == [("SO-2", 1, 6000), ("SO-1", 2, 2400), ("SO-3", 16, 1200)]
        assert [order for order, _late, _worth in by("customer")] == ["SO-1", "SO-2", "SO-3"]
        assert [row.order for row in backorders(connection, today=DAY, sort="late", limit=1)] == ["SO-2"]
        counts = count_backorders(connection)
        assert (counts.lines, counts.customers, counts.undated) == (3, 3, 1)


def test_orders_by_who_is_latest_and_by_worth(database: Database, desk: Desk) -> None:
    with database.reading() as connection:
        stands = standings(connection, day=DAY, now=NOW).of

        def by(sort: str, *states: str) -> list[tuple[str, int]]:
            rows = order_list(connection, stands=stands, states=states, sort=sort, today=DAY)
            return [(row.number, row.days_late) for row in rows]

        assert by("late", *OPEN_STATES) == [("SO-2", 1), ("SO-3", 16), ("SO-1", 2), ("SO-4", 0)]
        assert [number for number, _late in by("worth", *OPEN_STATES)] == ["SO-2", "SO-4", "SO-1", "SO-3"]
        assert [number for number, _late in by("worth", "waiting")] == ["SO-2", "SO-1", "SO-3"]


def test_who_cancelled_waits_for_nothing_and_owes_nothing(database: Database, desk: Desk) -> None:
    with open_store(database) as store:
        gone = desk.orders[2], desk.orders[3]
        store.connection.execute(update(order).where(order.c.id.in_(gone)).values(cancelled_at=NOW))
    with database.reading() as connection:
        stands = standings(connection, day=DAY, now=NOW).of
        rows = order_list(connection, stands=stands, sort="late", today=DAY)
        assert {row.number: row.days_late for row in rows} == {"SO-1": 2, "SO-2": 0, "SO-3": 0, "SO-4": 0}
        dearest = order_list(connection, stands=stands, sort="worth", today=DAY)
        assert [row.number for row in dearest][:2] == ["SO-4", "SO-1"]


def test_a_list_reads_no_more_rows_than_it_shows(database: Database, desk: Desk) -> None:
    with database.reading() as connection:
        said: list[str] = []
        event.listen(connection, "before_cursor_execute", lambda _c, _cur, text, *_rest: said.append(text))
        backorders(connection, today=DAY, sort="late", limit=2)
        (rows,) = (each for each in said if "FROM order_line" in each)
        assert "ORDER BY" in rows
        assert "LIMIT" in rows
