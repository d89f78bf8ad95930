"""A file of inbound, a slip and the day's new horizon decide no more than they reach, and write what the whole book
would have said."""

from __future__ import annotations

import io
import random
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data import tables
from data.db import Database
from data.importers.inbound import COLUMNS, import_inbound
from data.store import SqlStore, open_store
from routing.services import reaching
from routing.services.allocating import horizon_setting
from routing.services.horizon import move_horizon
from routing.services.importing import settle
from routing.services.receiving import how_they_stand, reallocate
from routing.services.supplying import Slip, commit_slip
from tests.benchmarks import ledger as worlds
from tests.benchmarks.ledger import NOW, Ledger, write_ledger

DECIDED = (
    tables.order_line, tables.supply, tables.allocation, tables.promise, tables.notice, tables.task,
    tables.event,
)  # fmt: skip
SKUS, LINES = 40, 160
Work = Callable[[SqlStore, Ledger, random.Random], object]


def inbound_file(store: SqlStore, ledger: Ledger, chance: random.Random) -> object:
    """New, later, sooner, more, fewer, none: a few lines of a supplier's file."""
    rows = [",".join(COLUMNS)]
    known = store.connection.execute(
        select(tables.supply.c.number, tables.product.c.number.label("sku"))
        .join(tables.product)
        .where(tables.supply.c.kind == "inbound")
        .order_by(tables.supply.c.id)
    ).all()
    for number, sku in chance.sample(known, 3):
        day = (NOW + timedelta(days=chance.randint(0, 20))).date()
        rows.append(f"{number},,D1,{sku},{chance.choice((0, 12, 240))},{chance.choice(('', day))}")
    rows.append(f"PO-NEW,,D1,P{chance.choice(ledger.products):05d},48,2026-05-15")
    result = import_inbound(store, io.BytesIO("\n".join(rows).encode()), now=NOW, by="file")
    assert (result.changed + result.unchanged, result.created, result.errors) == (3, 1, [])
    return result


def a_slip(store: SqlStore, ledger: Ledger, chance: random.Random) -> object:
    """A truck comes three weeks later, or never."""
    number = store.connection.scalar(
        select(tables.supply.c.number).where(tables.supply.c.id == ledger.trucks[chance.choice(sorted(ledger.trucks))])
    )
    assert number
    to = chance.choice(((NOW + timedelta(days=21)).date(), None))
    return commit_slip(store, Slip(number=number, to=to), now=NOW, by="buyer")


def the_horizon(store: SqlStore, ledger: Ledger, chance: random.Random) -> object:
    """What the first minute of the day does. Nobody did it for the orders that are wanted within the last days."""
    store.set_setting(name=horizon_setting(1), value="2026-05-19", by="test", now=NOW)
    return move_horizon(store, 1, now=NOW)


def given_up(store: SqlStore, ledger: Ledger, chance: random.Random) -> object:
    """Three lines that hold goods want a part of them no more: what they held is free for others."""
    held = store.connection.execute(
        select(tables.order_line.c.id, tables.order_line.c.order_id, tables.order_line.c.product_id)
        .join(tables.allocation, tables.allocation.c.order_line_id == tables.order_line.c.id)
        .where(tables.allocation.c.allocated > 0)
        .order_by(tables.order_line.c.id)
    ).all()
    chosen = chance.sample(held, 3)
    stood = how_they_stand(store, 1, {line.order_id for line in chosen}, now=NOW)
    for line_id in sorted({line.id for line in chosen}):
        store.cancel_units(line_id=line_id, quantity=1)
    products = {line.product_id for line in chosen}
    return reallocate(store, depot_id=1, product_ids=products, now=NOW, by="desk", why="given up", stood=stood)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("work", [inbound_file, a_slip, the_horizon, given_up])
def test_what_a_change_reaches_is_written_as_the_whole_book_would_be(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Work, seed: int
) -> None:
    monkeypatch.setattr(worlds, "CUSTOMERS", 60)
    database = copy_of(sqlite_template, tmp_path / "start.db")
    with database.writing() as connection:
        ledger = write_ledger(connection, lines=LINES, skus=SKUS, seed=seed)
    with open_store(database) as store:
        if work is the_horizon:
            far_off(store, "2026-05-20", "2026-09-01")
        settle(store, {1: set(ledger.products)}, now=NOW, by="test", tell=False, why="new orders")
        store.set_setting(name=horizon_setting(1), value="2026-05-26", by="test", now=NOW)
        if work is the_horizon:
            far_off(store, "2026-09-01", "2026-05-20")
    database.close()
    written = []
    for rules in (reaching.NARROW_RULES, frozenset()):
        monkeypatch.setattr(reaching, "NARROW_RULES", rules)
        database = copy_of(tmp_path / "start.db", tmp_path / f"{len(written)}.db")
        with open_store(database) as store:
            work(store, ledger, random.Random(seed))
        with database.reading() as connection:
            written.append([rows(connection, table) for table in DECIDED])
        database.close()
    narrow, whole = written
    assert narrow == whole
    database = copy_of(tmp_path / "start.db", tmp_path / "again.db")
    with database.reading() as connection:
        assert [rows(connection, table) for table in DECIDED] != narrow, "something happened"
    database.close()


def far_off(store: SqlStore, day: str, instead: str) -> None:
    """Orders that were beyond the horizon when they came are wanted on another day."""
    table = tables.order
    old = table.c.ordered_at < datetime(2026, 5, 6, tzinfo=UTC)
    store.connection.execute(table.update().where(table.c.wanted_on == day, old).values(wanted_on=instead))


def rows(connection: Any, table: Any) -> list[Any]:
    return list(connection.execute(select(table).order_by(table.c.id)))


def copy_of(template: Path, path: Path) -> Database:
    shutil.copyfile(template, path)
    return Database(f"sqlite:///{path}")
