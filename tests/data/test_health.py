"""The doctor adds up again what the database cannot check by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, update

from data.db import Database
from data.files import FolderFiles
from data.health import Check, check_files, check_rows
from data.store import open_store
from data.tables import (
    allocation,
    customer,
    depot,
    event,
    movement,
    order,
    order_line,
    product,
    site,
    supply,
)

NOW = datetime(2026, 3, 3, 5, 40, tzinfo=UTC)


@pytest.fixture
def day(database: Database) -> Database:
    """Twelve cartons arrived, eight are promised to one line of ten, and lie in the depot."""
    with database.writing() as connection:
        for table, values in (
            (depot, {"id": 1, "number": "D1", "name": "Depot"}),
            (product, {"id": 1, "number": "OAT", "name": "Oat milk"}),
            (customer, {"id": 1, "number": "C12", "name": "Café 12"}),
            (site, {"id": 1, "customer_id": 1, "number": "S12", "name": "Café 12", "address": "Examplegatan 1"}),
            (supply, {"id": 1, "kind": "receipt", "number": "R1", "depot_id": 1, "product_id": 1, "quantity": 12}),
            (
                order,
                {
                    "id": 1,
                    "number": "SO-17",
                    "customer_id": 1,
                    "site_id": 1,
                    "depot_id": 1,
                    "ordered_at": NOW,
                    "currency": "EUR",
                },
            ),
            (order_line, {"id": 1, "order_id": 1, "number": "1", "product_id": 1, "quantity": 10}),
            (allocation, {"id": 1, "supply_id": 1, "order_line_id": 1, "quantity": 8, "allocated": 8, "at": NOW}),
            (
                movement,
                {
                    "at": NOW,
                    "product_id": 1,
                    "quantity": 12,
                    "from_place": "supplier",
                    "to_place": "depot:1",
                    "why": "received",
                    "by": "test",
                },
            ),
        ):
            connection.execute(insert(table).values(**values))
    return database


def found(database: Database) -> dict[str, Check]:
    with database.reading() as connection:
        return {check.name: check for check in check_rows(connection)}


def goods_out(connection: Connection, quantity: int, to_place: str, from_place: str = "depot:1") -> None:
    connection.execute(
        insert(movement).values(
            at=NOW, product_id=1, quantity=quantity, from_place=from_place, to_place=to_place, why="loaded", by="test"
        )
    )


def test_a_sound_day_is_ok_in_every_line(day: Database) -> None:
    assert {check.state for check in found(day).values()} == {"ok"}


def test_an_empty_installation_is_ok(database: Database) -> None:
    assert {check.state for check in found(database).values()} == {"ok"}


@pytest.mark.parametrize(
    ("break_it", "line", "says"),
    [
        (
            lambda c: c.execute(update(supply).values(quantity=7)),
            "supply",
            "OAT of R1: 8 promised, 7 there",
        ),
        (
            lambda c: c.execute(update(order_line).values(cancelled=3)),
            "orders",
            "SO-17 line 1: 8 for 7",
        ),
        (lambda c: goods_out(c, 13, "vehicle:3"), "goods", "OAT at depot:1: -1"),
        (lambda c: goods_out(c, 1, "vehicle:3", "delivered"), "goods", "OAT at delivered: -1"),
        (lambda c: goods_out(c, 5, "vehicle:3"), "on hand", "OAT at depot 1: 8 promised, 7 on hand"),
    ],
    ids=[
        "oversold",
        "beyond the order",
        "more left than was there",
        "more fetched than was delivered",
        "promised but gone",
    ],
)
def test_a_wrong_sum_is_named(day: Database, break_it: Callable[[Connection], object], line: str, says: str) -> None:
    with day.writing() as connection:
        break_it(connection)
    check = found(day)[line]
    assert check.state == "fail"
    assert says in check.sentence
    assert check.mend


def test_an_event_that_was_changed_is_found(day: Database) -> None:
    with open_store(day) as store:
        store.append_event(kind="released", actor="test", captured_at=NOW, received_at=NOW, data={})
        store.connection.execute(update(event).values(actor="another"))
    assert found(day)["events"].state == "fail"


def test_a_row_without_the_row_it_belongs_to_is_found(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    with database.writer.connect() as connection:  # as a program that does not ask SQLite to check
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN")
        connection.execute(insert(order_line).values(order_id=99, number="1", product_id=98, quantity=1))
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("BEGIN")
    check = found(database)["references"]
    assert check.state == "fail"
    assert "order_line 1 without its customer_order" in check.sentence
    database.close()


def test_a_file_that_is_gone_is_found_and_one_too_many_is_said(database: Database, tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    sha256 = files.write(b"a photo")

    def check() -> Check:
        with database.reading() as connection:
            return check_files(connection, files)

    assert check().state == "warn"  # no row names it
    with open_store(database) as store:
        store.save_file(sha256=sha256, media_type="image/jpeg", size=7, now=NOW)
    assert check().state == "ok"
    files.erase(sha256)
    assert check().state == "fail"
