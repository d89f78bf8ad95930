"""What comes in for one order and takes from another: whom a file of orders or a count delays, and that they hear."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from routing.model.imports import ImportResult, LineIn, OrderIn
from routing.rules.effect import effect_of
from routing.services.importing import Settled, settle_changed, take_orders
from routing.services.supplying import simulate_shelf_count
from tests.backorder_world import DEPOT, SKUS, World


def file_of(world: World, *, site: int, quantity: int, **values: Any) -> Settled:
    """A file with one order, SO-FILE, as the import takes it: nobody of the file is told, and the others are."""
    order = OrderIn(
        row=2, number="SO-FILE", customer_id=site, site_id=site, depot_id=DEPOT, ordered_at=world.now, currency="EUR",
        lines=(LineIn(number="1", product_id=1, sku=SKUS[1], quantity=quantity, unit_price=100),), **values,
    )  # fmt: skip
    with open_store(world.database) as store:
        store.lock_depot(DEPOT)
        pools = take_orders(store, [order], ImportResult(kind="orders"), now=world.now, by="file")
        return settle_changed(store, pools, now=world.now, by="file", tell=False, tell_others=True, why="new orders")


def told(world: World) -> list[tuple[str, str]]:
    """Every message and every open call about an order's dates: what it is and the order's number."""
    with world.database.reading() as connection:
        numbers = {row.id: row.number for row in connection.execute(select(tables.order))}
        said = [(row.kind, numbers[row.subject_id]) for row in connection.execute(select(tables.notice))]
        open_calls = select(tables.task).where(
            tables.task.c.kind.in_(["call_customer", "no_date"]), tables.task.c.done_at.is_(None)
        )
        return said + [(row.kind, numbers[row.subject_id]) for row in connection.execute(open_calls)]


def promised(world: World, number: str) -> list[str]:
    query = (
        select(tables.promise.c.promised_on)
        .join(tables.order_line, tables.order_line.c.id == tables.promise.c.order_line_id)
        .join(tables.order, tables.order.c.id == tables.order_line.c.order_id)
        .where(tables.order.c.number == number)
        .order_by(tables.promise.c.version)
    )
    with world.database.reading() as connection:
        return list(connection.scalars(query))


def a_promised_order(database: Database) -> World:
    """SO-1 of Café 1, which may give up stock, has its 12 oat drinks on the shelf; 24 more come in a week. Café 2 comes
    first, by its tier."""
    world = World(database)
    world.receive(product=1, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    world.expect(product=1, quantity=24, days=7)
    world.order(lines=[(1, 12)], site=1, completeness="complete", wanted_in=0)
    with database.writing() as connection:
        connection.execute(tables.notice.delete())
        for customer, rule in ((1, "may_give_up"), (2, "normal")):
            connection.execute(update(tables.customer).where(tables.customer.c.id == customer).values(rank_rule=rule))
    return world


def test_a_file_that_takes_goods_from_another_order_names_it_and_tells_its_customer_as_a_receipt_would(
    database: Database,
) -> None:
    world = a_promised_order(database)
    (before,) = promised(world, "SO-1")
    done = file_of(world, site=2, quantity=12)
    assert [(line.order, line.firm_before, line.firm_after, line.slips) for line in done.lines] == [
        ("SO-1", 12, 0, True)
    ]
    assert effect_of(done.lines).later == {1}
    assert [warning.split(":")[0] for warning in done.warnings] == ["Order SO-1 ships complete and waits longer"]
    assert told(world) == [("date_changed", "SO-1")], "and nobody of the file"
    first, second = promised(world, "SO-1")
    assert (first, second > before) == (before, True)
    assert len(promised(world, "SO-FILE")) == 1, "its first date, of which nobody is told"


def test_whoever_agreed_to_no_messages_is_called_about_what_a_file_took(database: Database) -> None:
    world = a_promised_order(database)
    with database.writing() as connection:
        connection.execute(update(tables.contact).values(consent=False))
    file_of(world, site=2, quantity=36)
    assert told(world) == [("no_date", "SO-1")]
    assert promised(world, "SO-1") != []


def test_a_file_that_takes_nothing_from_anybody_names_nobody(database: Database) -> None:
    world = a_promised_order(database)
    done = file_of(world, site=3, quantity=12)
    assert (done.lines, done.warnings, told(world)) == ([], [], [])


def test_an_order_of_the_file_that_slips_itself_is_told_with_the_next_decision_that_tells(database: Database) -> None:
    """The file promised it for today, which nothing covers; nobody of the file hears before the next receipt."""
    world = a_promised_order(database)
    day = world.today
    with open_store(database) as store:
        order = OrderIn(
            row=2, number="SO-FILE", customer_id=1, site_id=1, depot_id=DEPOT, ordered_at=world.now, currency="EUR",
            lines=(
                LineIn(number="1", product_id=1, sku="OAT", quantity=12, unit_price=100, promised_on=day),
            ),
        )  # fmt: skip
        pools = take_orders(store, [order], ImportResult(kind="orders"), now=world.now, by="file")
        done = settle_changed(store, pools, now=world.now, by="file", tell=False, tell_others=True, why="new orders")
    assert (done.lines, told(world), promised(world, "SO-FILE")) == ([], [], [day])
    world.receive(product=2, quantity=4, quarantined=0, of_inbound=False, more_to_come=False)
    assert told(world) == [("date_changed", "SO-FILE")]


def test_a_count_that_takes_from_a_ship_complete_order_what_a_later_truck_brings_warns_of_it(
    database: Database,
) -> None:
    world = a_promised_order(database)
    with database.reading() as connection:
        preview = simulate_shelf_count(
            SqlStore(connection), depot_id=DEPOT, product_id=1, sku="OAT", counted=5, now=world.now
        )
    assert preview.broken == ()
    (warning,) = preview.warnings
    assert warning.startswith("Order SO-1 ships complete and waits longer: 7 × OAT are missing. It goes on ")
