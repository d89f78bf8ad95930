"""An order waits at most so many days for the rest: then it is given what there is, once, in its old place."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from routing.rules.policies import PolicyRow, Scope
from routing.services.waiting import end_waits, waits_due
from tests.backorder_world import DEPOT, World


def held(world: World) -> int:
    with world.database.reading() as connection:
        return connection.scalar(select(func.coalesce(func.sum(tables.allocation.c.quantity), 0))) or 0


def a_night(world: World, *, days: int = 1) -> None:
    world.now += timedelta(days=days)
    with world.database.reading() as connection:
        due = waits_due(SqlStore(connection), now=world.now)
    assert due == [DEPOT]
    with open_store(world.database) as store:
        end_waits(store, DEPOT, now=world.now)
    with world.database.reading() as connection:
        assert waits_due(SqlStore(connection), now=world.now) == []


def says(world: World, at_most: int, *, by: str) -> None:
    """That it waits so many days at most: the order itself, or a policy for its customer."""
    with open_store(world.database) as store:
        if by == "order":
            store.connection.execute(update(tables.order).values(max_wait_days=at_most))
        else:
            row = PolicyRow(
                scope=Scope.CUSTOMER, scope_id=1, name="max_wait_days", value=at_most,
                effective_from=world.now.date().isoformat(),
            )  # fmt: skip
            store.set_policy(row, by="test", now=world.now)


@pytest.mark.parametrize("by", ["order", "policy"])
def test_who_ships_complete_is_given_what_there_is_on_the_day_on_which_it_has_waited_enough(
    database: Database, by: str
) -> None:
    """Ten are wanted whole, six are here and nothing is to come: on the fifth day the six are kept for it."""
    world = World(database)
    world.receive(product=1, quantity=6, quarantined=0, of_inbound=False, more_to_come=False)
    world.order(lines=[(1, 10)], site=1, completeness="complete", wanted_in=0)
    says(world, 5, by=by)
    for _ in range(4):
        a_night(world)
        assert held(world) == 0
    a_night(world)
    assert held(world) == 6
    a_night(world)
    assert held(world) == 6


def test_a_server_that_slept_over_the_day_makes_up_for_it(database: Database) -> None:
    world = World(database)
    world.receive(product=1, quantity=6, quarantined=0, of_inbound=False, more_to_come=False)
    world.order(lines=[(1, 10)], site=1, completeness="complete", wanted_in=0)
    says(world, 5, by="order")
    a_night(world)
    a_night(world, days=9)
    assert held(world) == 6


def test_its_place_is_the_old_one_and_goods_of_others_stay_theirs(database: Database) -> None:
    """Six go to the later order at once, since the earlier one ships complete; the four that come on the last day of
    its wait are the earlier one's."""
    world = World(database)
    world.order(lines=[(1, 10)], site=1, completeness="complete", wanted_in=0)
    says(world, 5, by="order")
    world.order(lines=[(1, 6)], site=2, completeness="partial", wanted_in=0)
    with open_store(world.database) as store:
        store.connection.execute(update(tables.order).where(tables.order.c.number != "SO-1").values(max_wait_days=None))
    world.receive(product=1, quantity=6, quarantined=0, of_inbound=False, more_to_come=False)
    a_night(world, days=4)
    world.now += timedelta(days=1)
    world.receive(product=1, quantity=4, quarantined=0, of_inbound=False, more_to_come=False)
    with world.database.reading() as connection:
        kept = connection.execute(
            select(tables.order_line.c.order_id, func.sum(tables.allocation.c.quantity))
            .join(tables.order_line, tables.order_line.c.id == tables.allocation.c.order_line_id)
            .group_by(tables.order_line.c.order_id)
        ).all()
    assert [units for _, units in sorted(tuple(row) for row in kept)] == [4, 6]
