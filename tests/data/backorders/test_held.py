"""Who is on hold keeps goods and place, and is told no day until the hold ends: then the day that holds, at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from routing.model.stock import Receipt
from routing.rules.by_itself import LET_GO
from routing.rules.figures.slips import Cause
from routing.services.committing import PROMISE_LOST
from routing.services.holding import hold_customer, hold_order, pass_payment
from routing.services.promising import promised_lines
from routing.services.receiving import simulate_receipt
from routing.services.supplying import Slip, commit_slip
from tests.backorder_world import DEPOT, World
from tests.data.backorders.test_lost_dates import slips
from tests.data.backorders.test_unsent import a_night, expected, promises, told

Hold = Callable[[SqlStore, str, World], Any]


def hold(store: SqlStore, reason: str, world: World) -> Any:
    return hold_order(store, 1, reason=reason, by="desk", now=world.now)


def hold_all(store: SqlStore, reason: str, world: World) -> Any:
    return hold_customer(store, 1, reason=reason, by="desk", now=world.now)


def wait_for_money(store: SqlStore, reason: str, world: World) -> Any:
    return pass_payment(store, 1, reason="" if reason else "the bank confirmed it", by="desk", now=world.now)


HOLDS = pytest.mark.parametrize("held_by", [hold, hold_all, wait_for_money])


def given(world: World) -> list[str]:
    """The day of each message about a first one."""
    query = select(tables.notice.c.data).where(tables.notice.c.kind == "date_given").order_by(tables.notice.c.id)
    with world.database.reading() as connection:
        return [data["day"] for data in connection.scalars(query)]


def everything_open(world: World) -> list[str]:
    with world.database.reading() as connection:
        return list(connection.scalars(select(tables.task.c.sentence).where(tables.task.c.done_at.is_(None))))


def late(world: World, days: int | None) -> None:
    with open_store(world.database) as store:
        to = None if days is None else date.fromisoformat(world.today) + timedelta(days=days)
        commit_slip(store, Slip(number="PO-1", to=to), now=world.now, by="buyer")


@HOLDS
def test_goods_that_come_in_are_kept_for_who_is_held_and_nobody_is_told_until_it_is_let_go(
    database: Database, held_by: Hold
) -> None:
    world = World(database)
    world.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    with open_store(database) as store:
        held_by(store, "asked to wait", world)
    with database.reading() as connection:
        receipt = world_receipt(world)
        shown = simulate_receipt(SqlStore(connection), receipt, now=world.now)
    ((line,),) = [shown.lines]
    assert (line.firm_after, line.new_day != "", line.on_hold, line.gets_first) == (12, True, True, False)
    world.receive(product=1, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    (day,) = expected(world)
    assert (day != "", promises(world), given(world)) == (True, [], [])
    for _ in range(2):
        a_night(world)
    assert (promises(world), given(world), told(world)) == ([], [], [])
    with open_store(database) as store:
        assert [each.on_hold for each in promised_lines(store, depot_id=DEPOT, now=world.now)] == [True]
        held_by(store, "", world)
        assert [each.on_hold for each in promised_lines(store, depot_id=DEPOT, now=world.now)] == [False]
    ((day, why),) = promises(world)
    assert (day >= world.today, why, given(world), expected(world)) == (True, "first date", [day], [day])


def world_receipt(world: World) -> Any:
    return Receipt(number="R-9", depot_id=DEPOT, product_id=1, sku="OAT", quantity=12, counted_at=world.now)


@HOLDS
def test_a_day_that_moves_while_it_is_held_is_told_when_it_is_let_go_and_only_then(
    database: Database, held_by: Hold
) -> None:
    world = World(database)
    world.expect(product=1, quantity=12, days=1)
    world.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    ((was, _),) = promises(world)
    with open_store(database) as store:
        held_by(store, "asked to wait", world)
    late(world, 7)
    assert (expected(world)[0] > was, len(promises(world)), told(world), everything_open(world)) == (True, 1, [], [])
    with open_store(database) as store:
        held_by(store, "", world)
    (first, second) = promises(world)
    assert (first[0], second) == (was, (expected(world)[0], LET_GO))
    assert told(world) == [(second[0], ["was_held"])]
    with open_store(database) as store:
        assert held_by(store, "", world) is False
    assert len(promises(world)) == 2


def test_a_day_that_is_lost_while_it_is_held_is_told_when_it_is_let_go(database: Database) -> None:
    world = World(database)
    world.expect(product=1, quantity=12, days=1)
    world.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    with open_store(database) as store:
        hold(store, "asked to wait", world)
    late(world, None)
    (sentence,) = everything_open(world)
    assert "on hold, and its customer hears of it when it is let go: find a supplier." in sentence
    assert (expected(world), told(world)) == ([""], [])
    with open_store(database) as store:
        hold(store, "", world)
    assert told(world) == [("", ["was_held"])]


@HOLDS
@pytest.mark.parametrize("comes_again", [False, True])
def test_a_promise_that_is_lost_while_it_is_held_slips_by_what_took_it_and_once(
    database: Database, held_by: Hold, comes_again: bool
) -> None:
    world = World(database)
    world.expect(product=1, quantity=12, days=1)
    world.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    ((day, _),) = promises(world)
    with open_store(database) as store:
        held_by(store, "asked to wait", world)
    assert lost(world) == []
    late(world, None)
    assert lost(world) == [("inbound PO-1 is cancelled", [day])]
    assert (told(world), len(promises(world)), slips(world)) == ([], 1, {Cause.SUPPLIER.value: 1})
    if comes_again:
        world.now += timedelta(days=3)
        world.receive(product=1, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
        assert told(world) == []
    with open_store(database) as store:
        held_by(store, "", world)
    assert len(told(world)) == 1
    assert lost(world) == [("inbound PO-1 is cancelled", [day])]
    assert slips(world) == ({} if comes_again else {Cause.SUPPLIER.value: 1}), "once, on the day it was lost"


def test_who_has_not_been_promised_a_day_loses_no_promise_while_it_is_held(database: Database) -> None:
    world = World(database)
    world.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    with open_store(database) as store:
        hold(store, "asked to wait", world)
    world.expect(product=1, quantity=12, days=1)
    late(world, 2)
    assert expected(world) != [""]
    late(world, None)
    assert (expected(world), lost(world)) == ([""], [])


def lost(world: World) -> list[tuple[str, list[str]]]:
    """Of each promise lost, why, and the days that were promised."""
    query = select(tables.event.c.data).where(tables.event.c.kind == PROMISE_LOST).order_by(tables.event.c.id)
    with world.database.reading() as connection:
        return [(data["why"], [line["promised"] for line in data["lines"]]) for data in connection.scalars(query)]


def test_who_was_told_of_its_day_before_hears_it_once(database: Database) -> None:
    world = World(database)
    world.receive(product=1, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    world.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    before = (promises(world), given(world))
    for reason in ("asked to wait", ""):
        with open_store(database) as store:
            hold(store, reason, world)
    assert (promises(world), given(world), told(world)) == (*before, [])


def test_who_is_held_takes_nobody_the_room_of_a_day(database: Database) -> None:
    world = World(database)
    world.receive(product=1, quantity=24, quarantined=0, of_inbound=False, more_to_come=False)
    world.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    (day,) = expected(world)
    with open_store(database) as store:
        hold(store, "asked to wait", world)
        zone = store.connection.execute(
            tables.zone.insert().values(depot_id=DEPOT, number="Z", name="Z", stops_a_day=1).returning(tables.zone.c.id)
        ).scalar_one()
        store.connection.execute(update(tables.site).values(delivery_zone_id=zone))
    world.order(lines=[(1, 12)], site=2, completeness="partial", wanted_in=0)
    assert expected(world)[1] == day, "SO-2 goes that day"
    with open_store(database) as store:
        hold(store, "", world)
    assert expected(world)[1] == day < expected(world)[0], "the stop of that day is promised to SO-2 now"
