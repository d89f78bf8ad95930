"""The book of a SKU has what is open, and not everything that was ever counted in."""

from __future__ import annotations

from sqlalchemy import select, update

from data import tables
from data.db import Database
from data.store import open_store
from routing.model.orders import AllocationPolicy, AllocationRule
from routing.rules.allocation import allocate
from routing.rules.promises import expected_days
from routing.services.supplying import commit_shelf_count
from tests.backorder_world import DEPOT, World
from tests.routing.backorders.plain_ledger import plain_days, plainly_allocated


def books(world: World) -> tuple[list[str], int]:
    """The supplies of oat drink by number, and how many holdings of them are read."""
    with open_store(world.database) as store:
        book = store.book(DEPOT, {1}, now=world.now)
        return [supply.number for supply in book.supplies], len(book.holdings)


def receive(world: World, quantity: int, *, of_inbound: bool = False) -> None:
    world.receive(product=1, quantity=quantity, quarantined=0, of_inbound=of_inbound, more_to_come=False)


def order(world: World, quantity: int) -> None:
    world.order(lines=[(1, quantity)], site=1, completeness="partial", wanted_in=0)


def deliver(world: World, number: str) -> None:
    """Everything that is held of this receipt reached its customers."""
    receipt = select(tables.supply.c.id).where(tables.supply.c.number == number)
    with world.database.writing() as connection:
        connection.execute(
            update(tables.allocation)
            .where(tables.allocation.c.supply_id.in_(receipt))
            .values(allocated=0, delivered=tables.allocation.c.quantity)
        )


def test_a_receipt_that_is_used_up_and_an_inbound_that_came_are_read_only_while_somebody_holds_of_them(
    database: Database,
) -> None:
    world = World(database)
    world.expect(product=1, quantity=12, days=1)
    receive(world, 12, of_inbound=True)
    order(world, 12)
    assert books(world) == (["R-1"], 1), "PO-1 came"
    deliver(world, "R-1")
    assert books(world) == ([], 0)
    receive(world, 5)
    order(world, 3)
    assert books(world) == (["R-2"], 1)


def test_what_is_left_of_a_receipt_and_what_is_held_of_a_cancelled_inbound_stay_in_the_book(
    database: Database,
) -> None:
    world = World(database)
    receive(world, 12)
    order(world, 10)
    deliver(world, "R-1")
    world.expect(product=1, quantity=6, days=3)
    order(world, 8)
    with database.writing() as connection:
        inbound = tables.supply.c.kind == "inbound"
        connection.execute(update(tables.supply).where(inbound).values(cancelled_at=world.now))
    assert books(world) == (["R-1", "PO-1"], 3)


def test_what_a_count_finds_of_a_receipt_that_is_used_up_is_given_out(database: Database) -> None:
    """R-1 lies there for SO-1, the newer R-2 reached SO-2. SO-3 wants 4, and 2 more than R-1 are counted."""
    world = World(database)
    receive(world, 5)
    order(world, 5)
    receive(world, 12)
    order(world, 12)
    deliver(world, "R-2")
    order(world, 4)
    assert books(world) == (["R-1"], 1)
    with open_store(database) as store:
        preview = commit_shelf_count(
            store, depot_id=DEPOT, product_id=1, sku="OAT", counted=7, now=world.now, by="warehouse"
        )
    assert [(line.order, line.firm_before, line.firm_after) for line in preview.changed] == [("SO-3", 0, 2)]
    assert books(world) == (["R-1", "R-2"], 3)


def test_open_are_the_skus_of_lines_that_wait_and_their_book_is_decided_as_the_plain_ledger_would(
    database: Database,
) -> None:
    world = World(database)
    with open_store(database) as store:
        assert store.open_products(DEPOT) == frozenset()
    receive(world, 20)
    order(world, 12)
    for site, completeness in ((2, "complete"), (3, "per_line"), (2, "partial")):
        world.order(lines=[(1, 8), (2, 4)], site=site, completeness=completeness, wanted_in=0)
    world.receive(product=2, quantity=6, quarantined=0, of_inbound=False, more_to_come=False)
    world.expect(product=1, quantity=12, days=2)
    receive(world, 9, of_inbound=True)
    with open_store(database) as store:
        assert store.open_products(DEPOT) == {1, 2}
        book = store.book(DEPOT, {1, 2}, now=world.now)
    for rule in AllocationRule:
        policy = AllocationPolicy(rule=rule)
        outcome = allocate(book, policy, today=world.now.date())
        assert outcome == plainly_allocated(book, policy, today=world.now.date())
        dates = expected_days(book, outcome, days={}, policy=policy, now=world.now)
        assert (dates.expected, dates.own) == plain_days(book, outcome, days={}, policy=policy, now=world.now)
    with database.writing() as connection:  # nobody wants oat drink any more
        connection.execute(
            update(tables.order_line)
            .where(tables.order_line.c.product_id == 1)
            .values(cancelled=tables.order_line.c.quantity)
        )
    with open_store(database) as store:
        assert store.open_products(DEPOT) == {2}
