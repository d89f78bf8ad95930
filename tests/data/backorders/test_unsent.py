"""A promised day passes and what lies there was not sent: exactly those customers hear of it the night after."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from routing.model.proofs import Outcome
from routing.rules.by_itself import DAY_IS_PAST
from routing.services.unsent import tell_unsent, unsent_due
from tests.backorder_world import DEPOT, World


def a_night(world: World) -> None:
    world.now += timedelta(days=1)
    with world.database.reading() as connection:
        assert unsent_due(SqlStore(connection), now=world.now) == [DEPOT]
    with open_store(world.database) as store:
        tell_unsent(store, DEPOT, now=world.now)
    with world.database.reading() as connection:
        assert unsent_due(SqlStore(connection), now=world.now) == []


def told(world: World) -> list[tuple[str, list[str]]]:
    """The new day of each message about one, and why."""
    query = select(tables.notice.c.data).where(tables.notice.c.kind == "date_changed").order_by(tables.notice.c.id)
    with world.database.reading() as connection:
        return [(data["day"], data["why"]) for data in connection.scalars(query)]


def promises(world: World) -> list[tuple[str, str]]:
    query = select(tables.promise.c.promised_on, tables.promise.c.why).order_by(tables.promise.c.id)
    with world.database.reading() as connection:
        return [(row.promised_on, row.why) for row in connection.execute(query)]


@pytest.fixture
def world(database: Database) -> World:
    """SO-1's 12 lie on the shelf, promised for Tuesday 12 May at the latest; the nights have begun on the Monday."""
    world = World(database)
    world.now -= timedelta(days=2)
    a_night(world)
    world.receive(product=1, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    world.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    return world


def test_what_was_not_sent_on_its_day_is_promised_again_and_told_once_a_day(world: World) -> None:
    ((first, _),) = promises(world)
    nights = 0
    while not told(world):
        a_night(world)
        nights += 1
    assert world.now.date().isoformat() > first
    ((day, why),) = told(world)
    assert (day > first, why) == (True, ["not_sent"])
    assert promises(world) == [(first, "first date"), (day, DAY_IS_PAST)]
    assert nights <= 2


def test_the_first_night_tells_nobody_of_days_before(database: Database) -> None:
    world = World(database)
    world.receive(product=1, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    world.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    world.now += timedelta(days=4)
    a_night(world)
    assert told(world) == []


@pytest.mark.parametrize("kept_back", [{"hold_reason": "asked to wait"}, {"payment": "pending"}])
def test_who_is_on_hold_or_pays_first_is_told_no_day(world: World, kept_back: dict[str, str]) -> None:
    with world.database.writing() as connection:
        connection.execute(update(tables.order).values(**kept_back))
    for _ in range(4):
        a_night(world)
    assert told(world) == []
    assert len(promises(world)) == 1


def test_what_waits_for_a_truck_is_no_matter_of_this_night(database: Database) -> None:
    world = World(database)
    world.now -= timedelta(days=2)
    a_night(world)
    world.expect(product=1, quantity=12, days=1)
    world.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    for _ in range(3):
        a_night(world)
    assert told(world) == []


def test_what_was_tried_at_the_door_is_not_told_a_second_time(world: World) -> None:
    world.now += timedelta(days=1)
    world.release()
    world.drive_out()
    world.load(van=0)
    world.at_the_door(which=0, outcome=Outcome.ADDRESS_NOT_FOUND, parts=(0, 0, 0))
    world.come_back(missing=0)
    before = told(world)
    for _ in range(3):
        a_night(world)
    assert told(world) == before
