"""A promised day passes and what lies there was not sent: exactly those customers hear of it the night after."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from routing.model.proofs import Outcome
from routing.rules.by_itself import DAY_IS_PAST
from routing.services.releasing import release_orders
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


def expected(world: World) -> list[str]:
    query = select(tables.order_line.c.expected_on).order_by(tables.order_line.c.id)
    with world.database.reading() as connection:
        return list(connection.scalars(query))


def calls(world: World) -> list[str]:
    query = select(tables.task.c.sentence).where(tables.task.c.kind == "call_customer").order_by(tables.task.c.id)
    with world.database.reading() as connection:
        return list(connection.scalars(query))


@pytest.mark.parametrize("is_released", [False, True])
def test_a_customer_is_told_twice_that_nothing_was_sent_and_then_somebody_calls(
    world: World, is_released: bool
) -> None:
    """A week of plans that are too full for SO-1, be it released or not: two messages, then one task."""
    if is_released:
        world.now += timedelta(hours=1)
        with open_store(world.database) as store:
            release_orders(store, depot_id=DEPOT, for_day="2026-05-12", now=world.now, by="desk")
    seen = []
    for _ in range(7):
        a_night(world)
        assert world.today <= expected(world)[0], "the live date is true every day"
        seen.append((len(told(world)), len(calls(world))))
    assert seen == [(0, 0), (1, 0), (2, 0), (2, 1), (2, 1), (2, 1), (2, 1)]
    assert [day for day, _ in promises(world)] == ["2026-05-12", "2026-05-13", "2026-05-14"]
    assert calls(world)[0].startswith("Call Café 1: order SO-1 was promised a day 3 times")
    # Whatever else is decided of its goods tells no third day either.
    world.receive(product=1, quantity=4, quarantined=0, of_inbound=False, more_to_come=False)
    assert (len(told(world)), len(promises(world))) == (2, 3)


def test_a_day_that_a_person_gave_it_is_told_and_the_count_begins_anew(world: World) -> None:
    for _ in range(5):
        a_night(world)
    day = (world.now + timedelta(days=2, hours=3)).date().isoformat()
    with open_store(world.database) as store:
        release_orders(store, depot_id=DEPOT, for_day=day, now=world.now, by="desk")
    assert told(world)[-1] == (day, ["not_sent"])
    for _ in range(3):
        a_night(world)
    assert (len(told(world)), promises(world)[-1][1]) == (4, DAY_IS_PAST)


def test_what_was_not_sent_takes_nobody_the_room_of_a_day_that_was_promised(database: Database) -> None:
    """The zone takes one stop a day: SO-1 is promised Tuesday, SO-2 Wednesday, SO-3 Thursday. Nothing goes on Tuesday,
    and from then on one a day: SO-1 is told Friday, once, and nobody else hears anything."""
    world = World(database)
    with database.writing() as connection:
        zone = connection.execute(
            insert(tables.zone).values(depot_id=DEPOT, number="Z", name="Z", stops_a_day=1).returning(tables.zone.c.id)
        ).scalar_one()
        connection.execute(update(tables.site).values(delivery_zone_id=zone))
        connection.execute(
            insert(tables.contact),
            [
                {"customer_id": n, "name": "Buyer", "role": "buyer", "channel": "email",
                 "address": f"b{n}@cafe.example", "consent": True}
                for n in (2, 3)
            ],
        )  # fmt: skip
    world.now -= timedelta(days=2)
    a_night(world)
    world.receive(product=1, quantity=36, quarantined=0, of_inbound=False, more_to_come=False)
    with database.writing() as connection:
        connection.execute(update(tables.customer).values(tier=1))
    for site in (1, 2, 3):
        world.order(lines=[(1, 12)], site=site, completeness="partial", wanted_in=0)
    assert [day for day, _ in promises(world)] == ["2026-05-12", "2026-05-13", "2026-05-14"]
    for _ in range(2):
        a_night(world)
    assert told(world) == [("2026-05-15", ["not_sent"])]
    assert expected(world) == ["2026-05-15", "2026-05-13", "2026-05-14"]
    for _ in range(2):  # SO-2 goes on its day, and so does SO-3
        with open_store(database) as store:
            sent = {"2026-05-13": "SO-2", "2026-05-14": "SO-3"}[world.today]
            ids = store.order_ids([sent]).values()
            release_orders(store, depot_id=DEPOT, for_day=world.today, now=world.now, by="desk", orders=ids)
        world.drive_out()
        world.at_the_door(which=0, outcome=Outcome.DELIVERED, parts=(0, 0, 0))
        world.come_back(missing=0)
        with open_store(database) as store:
            tell_unsent(store, DEPOT, now=world.now)
    assert told(world) == [("2026-05-15", ["not_sent"])]
    assert expected(world)[0] == "2026-05-15" == world.today
