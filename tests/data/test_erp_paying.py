"""What the ERP says a door pays for one release of an order is asked for with that release, and with no other."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from data import tables
from data.db import Database
from data.importers.kinds import KINDS
from data.importers.released import COLUMNS, import_released
from data.queries.paying import asks_of, due_of
from data.store import open_store
from routing.model.imports import ImportResult
from routing.rules.paying import due
from routing.services.paying import ask_at_door
from routing.services.switching import switch_allocation
from tests.desk import Desk, fill_desk
from tests.rounds import DAY, SIX

NOW = SIX - timedelta(hours=1)
WITHOUT = tuple(name for name in COLUMNS if name != "collect_at_door")


@pytest.fixture
def desk(database: Database) -> Desk:
    made = fill_desk(database, NOW)
    with open_store(database) as store:
        switch_allocation(store, erp=True, now=NOW, by="test")
    return made


def row(order: str, quantity: int, amount: str = "", **values: object) -> dict[str, object]:
    return {
        "release": "REL-1", "day": DAY, "depot": "NORTH", "order": order, "customer": "C-1", "site": "S-1",
        "line": "10", "sku": "COFFEE", "quantity": quantity, "collect_at_door": amount, **values,
    }  # fmt: skip


def taken(
    database: Database, *rows: dict[str, object], columns: tuple[str, ...] = COLUMNS, dry_run: bool = False
) -> ImportResult:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    with open_store(database) as store:
        return import_released(store, io.BytesIO(text.getvalue().encode()), now=NOW, by="test", dry_run=dry_run)


def asked(database: Database) -> list[dict[str, int]]:
    """By delivery, the oldest first, what is due when all of it is handed over."""
    with database.reading() as connection:
        keys = list(connection.scalars(select(tables.delivery.c.id).order_by(tables.delivery.c.id)))
        found = due_of(connection, keys)
    return [found.get(key, {}) for key in keys]


def in_all(database: Database, number: str) -> int:
    with database.reading() as connection:
        return int(
            connection.execute(
                select(tables.order.c.collect_at_door).where(tables.order.c.number == number)
            ).scalar_one()
        )


def test_each_release_asks_for_what_it_said_whatever_its_goods_are_worth(database: Database, desk: Desk) -> None:
    """Of 12 units 10.00 was still open, of the 3 that followed all 9.50: each door pays its own."""
    assert taken(database, row("E-1", 12, "10.00")).errors == []
    assert taken(database, row("E-1", 3, "9.50", release="REL-2")).errors == []
    assert asked(database) == [{"EUR": 1000}, {"EUR": 950}]
    assert in_all(database, "E-1") == 1950


def test_of_a_part_of_a_release_its_share_is_asked_for(database: Database, desk: Desk) -> None:
    """3 of 4 units, of 8.00 for this release; what another release asks does not count."""
    taken(database, row("E-1", 4, "8.00"), row("E-1", 2, "90.00", release="REL-2"))
    with database.reading() as connection:
        lines = connection.execute(select(tables.delivery_line).order_by(tables.delivery_line.c.delivery_id)).all()
        (of_one,) = asks_of(connection, [lines[0].delivery_id])[lines[0].delivery_id]
        (of_two,) = asks_of(connection, [lines[1].delivery_id])[lines[1].delivery_id]
    assert due(of_one, {lines[0].allocation_id: 3}) == 600
    assert due(of_two, {lines[1].allocation_id: 1}) == 4500


def test_two_orders_of_one_door_ask_together(database: Database, desk: Desk) -> None:
    taken(database, row("E-1", 2, "5.00"), row("E-2", 2, "7.25"), row("E-3", 1))
    assert asked(database) == [{"EUR": 1225}]


def test_a_file_without_the_column_or_with_an_empty_cell_asks_for_nothing(database: Database, desk: Desk) -> None:
    taken(database, row("E-1", 2), columns=WITHOUT)
    taken(database, row("E-2", 2, release="REL-2"))
    assert asked(database) == [{}, {}]
    # The same release with the new column, still empty, is the same release.
    assert taken(database, row("E-1", 2)).unchanged == 1
    left_out = taken(database, row("E-1", 2, "3.00"))
    assert (left_out.created, len(left_out.errors)) == (0, 1)
    assert "said otherwise" in left_out.errors[0].what


def test_an_empty_cell_asks_for_nothing_also_of_an_order_that_another_release_asked_for(
    database: Database, desk: Desk
) -> None:
    taken(database, row("E-1", 4, "8.00"))
    taken(database, row("E-1", 4, release="REL-2"))
    taken(database, row("E-1", 4, release="REL-3"), columns=WITHOUT)
    assert asked(database) == [{"EUR": 800}, {}, {}]


def test_a_dry_run_asks_for_nothing(database: Database, desk: Desk) -> None:
    assert taken(database, row("E-1", 2, "5.00"), dry_run=True).created == 1
    with database.reading() as connection:
        assert connection.execute(select(tables.delivery_ask)).all() == []


@pytest.mark.parametrize("amount", ["-1", "NaN", "112.505", "9999999999", "112,50 €", "ten"])
def test_what_is_no_amount_leaves_out_that_order_and_says_so(database: Database, desk: Desk, amount: str) -> None:
    result = taken(database, row("E-1", 2, amount), row("E-2", 2, "1"))
    assert (result.created, len(result.errors)) == (1, 1)
    assert "collect_at_door" in result.errors[0].what


def test_two_rows_of_one_order_say_the_same_amount(database: Database, desk: Desk) -> None:
    result = taken(database, row("E-1", 2, "5.00"), row("E-1", 2, "6.00", line="20"))
    assert "reads otherwise" in result.errors[0].what
    taken(database, row("E-2", 2, "5.00"), row("E-2", 2, "5.00", line="20"))
    assert asked(database) == [{"EUR": 500}]


def test_an_amount_needs_a_currency_and_the_one_the_order_is_in(database: Database, desk: Desk) -> None:
    taken(database, row("E-1", 2, "5.00"))
    with database.writing() as connection:
        connection.execute(update(tables.order).where(tables.order.c.number == "E-1").values(currency="SEK"))
    other = taken(database, row("E-1", 2, "5.00", release="REL-2"))
    assert "it is here in SEK" in other.errors[0].what
    with database.writing() as connection:
        connection.execute(update(tables.company).values(currency=""))
        connection.execute(update(tables.depot).values(currency=""))
    none = taken(database, row("E-2", 2, "5.00", release="REL-3"))
    assert "needs a currency" in none.errors[0].what


def test_what_the_office_says_of_the_order_stands_over_what_its_releases_said(database: Database, desk: Desk) -> None:
    taken(database, row("E-1", 12, "10.00"))
    with database.reading() as connection:
        order_id = connection.scalar(select(tables.order.c.id).where(tables.order.c.number == "E-1"))
    with open_store(database) as store:
        assert ask_at_door(store, order_id, amount=400, by="user:1", now=NOW)
    assert asked(database) == [{"EUR": 400}]
    with open_store(database) as store:
        assert ask_at_door(store, order_id, amount=0, by="user:1", now=NOW)
    assert asked(database) == [{}]


def test_the_column_is_one_of_the_files(database: Database) -> None:
    assert "collect_at_door" in KINDS["released"].columns
    assert "collect_at_door" not in KINDS["released"].needed
