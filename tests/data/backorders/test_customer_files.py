"""A file gives customers another tier or other delivery days: the dates that this touches move with the file."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import select

from data import tables
from data.db import Database
from data.importers.kinds import KINDS
from data.store import open_store
from routing.model.imports import ImportResult
from tests.backorder_world import World


@pytest.fixture
def world(database: Database) -> World:
    """Tomorrow's truck brings 12 for SO-2 of Café 2, next week's 12 for SO-1 of Café 1, of a lower tier."""
    made = World(database)
    made.expect(product=1, quantity=12, days=1)
    made.expect(product=1, quantity=12, days=8)
    made.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    made.order(lines=[(1, 12)], site=2, completeness="partial", wanted_in=0)
    return made


def take(world: World, kind: str, text: str) -> ImportResult:
    with open_store(world.database) as store:
        return KINDS[kind].work(store, io.BytesIO(text.encode()), now=world.now, by="file")


def expected(world: World) -> list[str]:
    query = select(tables.order_line.c.expected_on).order_by(tables.order_line.c.order_id)
    with world.database.reading() as connection:
        return list(connection.scalars(query))


CUSTOMERS = "customer,customer_name,tier,site,site_name,address\nC{n},Café {n},{tier},S{n},Café {n},Testgatan 1\n"


def test_another_tier_moves_the_dates_at_once_and_says_whom(world: World) -> None:
    later, sooner = expected(world)
    assert sooner < later
    result = take(world, "customers", CUSTOMERS.format(n=1, tier=3))
    assert expected(world) == [sooner, later]
    assert [(line.order, line.old_day, line.new_day, line.slips) for line in result.moved] == [
        ("SO-2", sooner, later, True)
    ]
    with world.database.reading() as connection:
        query = select(tables.promise.c.why).where(tables.promise.c.version > 1).order_by(tables.promise.c.id)
        whys = connection.scalars(query).all()
    assert whys[-1] == "customer rank changed in a file"
    again = take(world, "customers", CUSTOMERS.format(n=1, tier=3))
    assert (again.unchanged, again.moved) == (1, [])


def test_other_delivery_days_move_the_dates_at_once(world: World) -> None:
    """13 May is a Wednesday; served on Fridays alone it is the 15th."""
    file = "customer,site,site_name,address,delivery_days\nC2,S2,Café 2,Testgatan 1,fri\n"
    assert expected(world)[1] == "2026-05-13"
    result = take(world, "sites", file)
    assert (expected(world)[1], [line.order for line in result.moved]) == ("2026-05-15", ["SO-2"])


def test_a_name_alone_decides_nothing(world: World) -> None:
    before = expected(world)
    result = take(world, "customers", CUSTOMERS.format(n=1, tier=1).replace("C1,Café 1", "C1,Café Uno"))
    assert (result.changed, result.moved, expected(world)) == (1, [], before)
