"""A file moves dates and nobody is told: the next decision that tells makes those promises, whatever it is about."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from data import tables
from data.db import Database
from data.store import open_store
from routing.model.stock import Receipt
from routing.services.importing import settle
from routing.services.receiving import simulate_receipt
from routing.services.telling import Hear, how_they_hear
from routing.services.untold import FOUND_LATE, slipped_untold_setting, untold_setting
from tests.backorder_world import DEPOT, SKUS, World


def whys(world: World) -> list[str]:
    with world.database.reading() as connection:
        return list(connection.scalars(select(tables.promise.c.why).order_by(tables.promise.c.version)))


def promised(world: World, order: str) -> list[str]:
    query = (
        select(tables.promise.c.promised_on)
        .join(tables.order_line, tables.order_line.c.id == tables.promise.c.order_line_id)
        .join(tables.order, tables.order.c.id == tables.order_line.c.order_id)
        .where(tables.order.c.number == order)
        .order_by(tables.promise.c.version)
    )
    with world.database.reading() as connection:
        return list(connection.scalars(query))


def test_a_promise_that_an_untold_file_moved_is_made_with_the_next_receipt_of_another_sku(database: Database) -> None:
    """SO-1 waits for oat drink of tomorrow's truck, which a file moves by a week. Then cups are counted in."""
    world = World(database)
    world.expect(product=1, quantity=24, days=1)
    world.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    (before,) = promised(world, "SO-1")
    with open_store(database) as store:
        later = world.now + timedelta(days=8)
        inbound = tables.supply.c.kind == "inbound"
        store.connection.execute(update(tables.supply).where(inbound).values(expected_at=later))
        settle(store, {DEPOT: {1}}, now=world.now, by="file", tell=False, why="a supplier's date changed")
    assert promised(world, "SO-1") == [before], "nobody was told, so nothing else was promised"
    with open_store(database) as store:
        cups = Receipt(
            number="R-CUPS", depot_id=DEPOT, product_id=2, sku=SKUS[2], quantity=12, quarantined=0, counted_at=world.now
        )
        shown = simulate_receipt(store, cups, now=world.now)
        assert how_they_hear(store, shown.lines, now=world.now) == Hear(message=frozenset({1}))
        store.connection.execute(update(tables.contact).values(consent=False))
        assert how_they_hear(store, shown.lines, now=world.now) == Hear(call=frozenset({1}))
        store.connection.execute(update(tables.contact).values(consent=True))
    assert not shown.about({SKUS[2]}), "cups move nobody"
    assert [(line.order, line.moved_by) for line in shown.told_now({SKUS[2]})] == [
        ("SO-1", "a supplier's date changed")
    ]
    world.receive(product=2, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    assert whys(world)[-1] == "a supplier's date changed", "not the receipt of cups"
    first, second = promised(world, "SO-1")
    assert (first, second > before) == (before, True)
    world.receive(product=2, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    assert promised(world, "SO-1") == [first, second], "once"


def test_goods_kept_before_their_cause_was_are_told_as_found_late(database: Database) -> None:
    """What an earlier version kept is a list of keys."""
    world = World(database)
    world.expect(product=1, quantity=24, days=1)
    world.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    with open_store(database) as store:
        later = world.now + timedelta(days=8)
        inbound = tables.supply.c.kind == "inbound"
        store.connection.execute(update(tables.supply).where(inbound).values(expected_at=later))
        settle(store, {DEPOT: {1}}, now=world.now, by="file", tell=False, why="a supplier's date changed")
        store.set_setting(name=untold_setting(DEPOT), value=[1], by="file", now=world.now)
        store.set_setting(name=slipped_untold_setting(DEPOT), value={}, by="file", now=world.now)
    world.receive(product=2, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    assert whys(world)[-1] == FOUND_LATE
