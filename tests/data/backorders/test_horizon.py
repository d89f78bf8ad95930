"""Orders wanted weeks later take their goods on the day on which the reservation horizon reaches them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from routing.services.horizon import horizons_due, move_horizon
from routing.services.promising import sku_ledgers
from tests.backorder_world import DEPOT, World


def held(database: Database) -> int:
    with database.reading() as connection:
        return connection.scalar(select(func.coalesce(func.sum(tables.allocation.c.quantity), 0))) or 0


def due(world: World) -> list[int]:
    with world.database.reading() as connection:
        return horizons_due(SqlStore(connection), now=world.now)


def move(world: World) -> None:
    for depot_id in due(world):
        with open_store(world.database) as store:
            move_horizon(store, depot_id, now=world.now)


def test_an_order_takes_its_goods_when_the_horizon_reaches_it_and_that_is_done_once_a_day(database: Database) -> None:
    world = World(database)
    world.receive(product=1, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    world.order(lines=[(1, 10)], site=1, completeness="complete", wanted_in=20)
    move(world)
    assert held(database) == 0, "the 1st of June is beyond the fourteen days"
    assert due(world) == []
    world.now += timedelta(days=6)
    assert due(world) == [DEPOT]
    move(world)
    assert (held(database), due(world)) == (10, [])


def test_an_order_that_is_moved_beyond_the_horizon_gives_its_goods_back_and_is_no_broken_order(
    database: Database,
) -> None:
    world = World(database)
    for product in (1, 2):
        world.receive(product=product, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    world.order(lines=[(1, 10), (2, 10)], site=1, completeness="complete", wanted_in=0)
    assert held(database) == 20
    world.change(which=0, quantities=(10, 10), wanted_in=30)
    assert held(database) == 0
    with database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.task)) == 0
    world.order(lines=[(1, 12)], site=2, completeness="complete", wanted_in=0)
    assert held(database) == 12


def test_who_moves_a_day_for_themselves_and_leaves_the_goods_to_others_is_neither_written_to_nor_called(
    database: Database,
) -> None:
    """The call says that customers are to hear of their dates. SO-2 waits, and takes what SO-1 had."""
    world = World(database)
    world.receive(product=1, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    for site in (1, 2):
        world.order(lines=[(1, 12)], site=site, completeness="partial", wanted_in=0)

    def said() -> list[int]:
        with database.reading() as connection:
            return [len(connection.execute(select(table)).all()) for table in (tables.notice, tables.task)]

    before = said()
    world.change(which=0, quantities=(12,), wanted_in=30)
    with database.reading() as connection:
        lines = connection.execute(select(tables.order_line.c.expected_on).order_by(tables.order_line.c.id)).scalars()
        assert [bool(day) for day in lines] == [False, True]
    assert said() == before


def test_goods_wanted_beyond_the_horizon_are_covered_by_date_and_held_by_nobody_yet(database: Database) -> None:
    world = World(database)
    world.receive(product=1, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    world.order(lines=[(1, 10)], site=1, completeness="partial", wanted_in=20)
    with database.reading() as connection:
        (ledger,) = sku_ledgers(SqlStore(connection), "OAT", now=world.now)
    assert (ledger.short_from, ledger.stock.uncovered, ledger.holds_nothing_yet) == ("", 0, 10)
    world.order(lines=[(1, 30)], site=2, completeness="partial", wanted_in=0)
    with database.reading() as connection:
        (ledger,) = sku_ledgers(SqlStore(connection), "OAT", now=world.now)
    assert (bool(ledger.short_from), ledger.holds_nothing_yet) == (True, 0)


def test_an_order_that_came_near_overnight_is_given_goods_by_a_receipt_before_the_day_was_looked_at(
    database: Database,
) -> None:
    """It wants oat drink and cups; both were there all the time, and a receipt of more oat drink finds it."""
    world = World(database)
    for product in (1, 2):
        world.receive(product=product, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    world.order(lines=[(1, 10), (2, 10)], site=1, completeness="complete", wanted_in=20)
    move(world)
    world.now += timedelta(days=6)
    world.receive(product=1, quantity=1, quarantined=0, of_inbound=False, more_to_come=False)
    assert held(database) == 20
