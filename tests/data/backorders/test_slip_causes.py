"""A slip is counted under what moved the date, not under the decision that happened to come next."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from data import tables
from data.db import Database
from data.store import open_store
from routing.model.proofs import Outcome
from routing.rules.figures.slips import Cause, cause_of
from routing.services.deciding import Decision, decide_door
from tests.backorder_world import World


def whys(world: World, order: str) -> list[str]:
    query = (
        select(tables.promise.c.why)
        .join(tables.order_line, tables.order_line.c.id == tables.promise.c.order_line_id)
        .join(tables.order, tables.order.c.id == tables.order_line.c.order_id)
        .where(tables.order.c.number == order)
        .order_by(tables.promise.c.version)
    )
    with world.database.reading() as connection:
        return list(connection.scalars(query))


def out_today(world: World) -> None:
    """SO-1's 12 oat drinks, ordered yesterday for today, are on the van."""
    world.receive(product=1, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    world.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    world.now += timedelta(days=1)
    world.release()
    world.drive_out()
    world.load(van=0)


def nobody_hears(world: World) -> None:
    with world.database.writing() as connection:
        connection.execute(update(tables.contact).values(consent=False))


def test_a_closed_door_is_the_cause_also_where_nobody_could_be_told_and_new_orders_come_next(
    database: Database,
) -> None:
    world = World(database)
    nobody_hears(world)
    out_today(world)
    world.at_the_door(which=0, outcome=Outcome.CLOSED, parts=(0, 0, 0))
    world.come_back(missing=0)
    world.order(lines=[(1, 12)], site=2, completeness="partial", wanted_in=0)
    assert cause_of(whys(world, "SO-1")[-1]) is Cause.DOOR
    assert whys(world, "SO-1")[-1] == "the try failed: the door was closed"


def test_what_came_short_at_the_door_is_no_receipt(database: Database) -> None:
    world = World(database)
    out_today(world)
    world.at_the_door(which=0, outcome=Outcome.DELIVERED, parts=(4, 0, 0))
    world.come_back(missing=0)
    world.receive(product=1, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    assert whys(world, "SO-1")[-1] == "D-000001 came short"


def test_a_later_day_after_the_door_comes_of_the_door_and_not_of_going_out(database: Database) -> None:
    """The address was not found: a person chooses the day, and the customer hears of it when the van leaves."""
    world = World(database)
    out_today(world)
    world.at_the_door(which=0, outcome=Outcome.ADDRESS_NOT_FOUND, parts=(0, 0, 0))
    world.come_back(missing=0)
    with open_store(database) as store:
        task = store.connection.scalars(select(tables.task.c.id)).one()
        decide_door(store, task_id=task, decision=Decision.REDELIVER, for_day=world.today, now=world.now, by="desk")
    world.drive_out()
    assert whys(world, "SO-1")[-1] == "the try failed: we did not find the address"
