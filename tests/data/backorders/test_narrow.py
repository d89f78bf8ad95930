"""A file of inbound, a slip and the day's new horizon decide no more than they reach, and write what the whole book
would have said."""

from __future__ import annotations

import io
import random
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data import tables
from data.db import Database
from data.importers.inbound import COLUMNS, import_inbound
from data.store import SqlStore, open_store
from routing.model.consents import Answer
from routing.model.proofs import Outcome
from routing.rules.consent import Reply
from routing.rules.slots import Slot
from routing.services import reaching
from routing.services.allocating import horizon_setting
from routing.services.consenting import answer, offered
from routing.services.horizon import move_horizon
from routing.services.importing import settle
from routing.services.receiving import how_they_stand, reallocate
from routing.services.slotting import take_slot
from routing.services.supplying import Slip, commit_slip
from tests.backorder_world import World
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


# ---------------------------------------------------------------------------- a van, a substitute, an answer


def a_van_without_some_goods(world: World) -> None:
    """Three doors stay shut, and four of each SKU are not on the van any more in the evening."""
    world.receive(product=1, quantity=32, quarantined=0, of_inbound=False, more_to_come=False)
    world.receive(product=2, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    world.order(lines=[(1, 12), (2, 8)], site=1, completeness="complete", wanted_in=0)
    world.order(lines=[(1, 12)], site=2, completeness="partial", wanted_in=0)
    world.order(lines=[(1, 8), (2, 4)], site=3, completeness="partial", wanted_in=0)
    world.release()
    world.drive_out()
    world.receive(product=1, quantity=4, quarantined=0, of_inbound=False, more_to_come=False)
    world.order(lines=[(1, 8), (2, 4)], site=2, completeness="complete", wanted_in=0)
    for _door in range(3):
        world.at_the_door(which=0, outcome=Outcome.CLOSED, parts=(0, 0, 0))
    world.come_back(missing=4)


def a_substitute(world: World) -> None:
    """The oat drinks come on Friday; cups that lie there go instead of some, and another order waits for both."""
    world.receive(product=2, quantity=24, quarantined=0, of_inbound=False, more_to_come=False)
    world.expect(product=1, quantity=24, days=3)
    world.order(lines=[(1, 16)], site=1, completeness="partial", wanted_in=0)
    world.order(lines=[(1, 12), (2, 4)], site=2, completeness="complete", wanted_in=0)
    world.substitute(which=0)


def late_oat_drinks(world: World) -> int:
    """Two orders are asked whether a week later is fine; the question about the first."""
    world.policy(name="delay_consent", value="on")
    world.receive(product=2, quantity=4, quarantined=0, of_inbound=False, more_to_come=False)
    world.expect(product=1, quantity=24, days=1)
    world.order(lines=[(1, 16), (2, 4)], site=1, completeness="complete", wanted_in=0)
    world.order(lines=[(1, 12), (2, 4)], site=2, completeness="complete", wanted_in=0)
    world.order(lines=[(1, 8)], site=3, completeness="partial", wanted_in=0)
    world.slip(which=0, days=8)
    with world.database.reading() as connection:
        asked = connection.scalar(
            select(tables.delay_consent.c.id)
            .where(tables.delay_consent.c.closed_at.is_(None))
            .order_by(tables.delay_consent.c.order_id)
            .limit(1)
        )
    assert asked
    return asked


def a_customer_who_cancels(world: World) -> None:
    asked = late_oat_drinks(world)
    with open_store(world.database) as store:
        answer(store, asked, Reply(answer=Answer.CANCEL), now=world.now, by="desk")


def a_customer_who_wants_another_day(world: World) -> None:
    asked = late_oat_drinks(world)
    with open_store(world.database) as store:
        days = offered(store, store.consent(asked), now=world.now)
        answer(store, asked, Reply(answer=Answer.OTHER_DAY, day=days[2]), now=world.now, by="desk")


def an_order_that_agrees_on_a_time(world: World) -> None:
    """It holds oat drinks and is to have them a week later; another waits for them, and for cups with them."""
    world.receive(product=1, quantity=16, quarantined=0, of_inbound=False, more_to_come=False)
    world.receive(product=2, quantity=4, quarantined=0, of_inbound=False, more_to_come=False)
    world.expect(product=1, quantity=24, days=2)
    world.order(lines=[(1, 16)], site=1, completeness="partial", wanted_in=0)
    world.order(lines=[(1, 12), (2, 4)], site=2, completeness="complete", wanted_in=0)
    agree(world)


def agree(world: World) -> None:
    """Nine to eleven, a week from now."""
    then = world.now + timedelta(days=7)
    slot = Slot(
        day=then.date().isoformat(), opens="09:00", closes="11:00", shift_id=1, van="Van 1", begins=then, minutes=5,
        distance_m=900, cost=0, moved=0,
    )  # fmt: skip
    with open_store(world.database) as store:
        (order_id,) = store.order_ids(["SO-1"]).values()
        version = store.calling_order(order_id).version
        take_slot(store, order_id, slot, version=version, by="desk", now=world.now)


@pytest.mark.parametrize(
    ("life", "written_last"),
    [
        (an_order_that_agrees_on_a_time, "slot_agreed"),
        (a_van_without_some_goods, "van_closed"),
        (a_substitute, "substituted"),
        (a_customer_who_cancels, "consent_cancel"),
        (a_customer_who_wants_another_day, "consent_other_day"),
    ],
)
def test_what_a_van_a_substitute_or_an_answer_reaches_is_written_as_the_whole_book_would_be(
    sqlite_template: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    life: Callable[[World], None],
    written_last: str,
) -> None:
    written = []
    for rules in (reaching.NARROW_RULES, frozenset()):
        monkeypatch.setattr(reaching, "NARROW_RULES", rules)
        database = copy_of(sqlite_template, tmp_path / f"{len(written)}.db")
        life(World(database))
        with database.reading() as connection:
            written.append([rows(connection, table) for table in DECIDED])
        database.close()
    narrow, whole = written
    assert narrow == whole
    assert narrow[-1][-1].kind == written_last


def an_answer(world: World, asked: int) -> None:
    with open_store(world.database) as store:
        answer(store, asked, Reply(answer=Answer.CANCEL), now=world.now, by="desk")


@pytest.mark.parametrize("last", ["a substitute", "an answer", "a time"])
def test_nobody_waits_for_goods_that_only_a_ship_complete_order_ties(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    """Which goods are tied is not even asked: only those that the decision reaches are read and locked."""
    database = copy_of(sqlite_template, tmp_path / "tied.db")
    world = World(database)
    act: Callable[[], None]
    if last == "an answer":
        asked = late_oat_drinks(world)
        act = partial(an_answer, world, asked)
    elif last == "a time":
        world.receive(product=1, quantity=16, quarantined=0, of_inbound=False, more_to_come=False)
        world.order(lines=[(1, 16)], site=1, completeness="partial", wanted_in=0)
        act = partial(agree, world)
    else:
        world.receive(product=2, quantity=24, quarantined=0, of_inbound=False, more_to_come=False)
        world.expect(product=1, quantity=12, days=3)
        world.order(lines=[(1, 16)], site=1, completeness="partial", wanted_in=0)
        act = partial(world.substitute, which=0)

    def asked_for(*_: object) -> None:
        raise AssertionError("All tied goods were asked for.")

    monkeypatch.setattr(SqlStore, "related_products", asked_for)
    events = len(rows_of(database, tables.event))
    act()
    assert len(rows_of(database, tables.event)) > events, "something happened"
    database.close()


def rows_of(database: Database, table: Any) -> list[Any]:
    with database.reading() as connection:
        return rows(connection, table)
