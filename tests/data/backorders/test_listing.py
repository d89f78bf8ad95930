"""The daily list of backorders: who gets one, when, and what it says has changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from data import tables
from data.db import Database
from data.store import open_store
from routing.rules.policies import PolicyRow, Scope
from routing.services.listing import lists_due, make_lists
from routing.services.receiving import commit_receipt, reallocate
from routing.services.releasing import release_orders

TODAY = "2026-05-12"
SEVEN = datetime(2026, 5, 12, 4, 0, tzinfo=UTC)  # 07:00 in Helsinki
THURSDAY = datetime(2026, 5, 14, 5, 30, tzinfo=UTC)


@pytest.fixture
def waiting(company: Any, database: Database, now: datetime) -> Any:
    """SO-1 and SO-2 of two customers want 12 oat each; 12 come on Thursday for SO-1, nothing for SO-2."""
    with company.open():
        oat = company.product("OAT")
        company.inbound(oat, 12, THURSDAY)
        company.order({oat: 12})
        company.order({oat: 12})
    with open_store(database) as store:
        reallocate(store, depot_id=company.depot_id, product_ids={oat}, now=now, by="test", why="new", tell=False)
    return company


def switch_on(database: Database, *, customer: int = 0, at: str = "") -> None:
    scope = Scope.CUSTOMER if customer else Scope.COMPANY
    rows = [PolicyRow(scope=scope, scope_id=customer, name="backorder_list", value="daily", effective_from=TODAY)]
    if at:
        rows.append(PolicyRow(scope=Scope.COMPANY, name="backorder_list_at", value=at, effective_from=TODAY))
    with open_store(database) as store:
        for row in rows:
            store.set_policy(row, by="test", now=SEVEN)


def lists(database: Database) -> list[tuple[str, str, list[tuple[int, str, str, str]], list[str]]]:
    table = tables.notice
    with database.reading() as connection:
        rows = connection.execute(select(table).where(table.c.kind == "backorder_list").order_by(table.c.id)).all()
    return [
        (
            row.recipient,
            row.occurrence,
            [(line["quantity"], line["expected_on"], line["change"], line["was"]) for line in row.data["list"]],
            row.data["gone"],
        )
        for row in rows
    ]


def make(database: Database, now: datetime) -> int:
    with open_store(database) as store:
        return make_lists(store, now=now)


def test_nobody_gets_a_list_until_it_is_switched_on(waiting: Any, database: Database) -> None:
    assert make(database, SEVEN) == 0
    switch_on(database, customer=2)
    assert make(database, SEVEN - timedelta(minutes=1)) == 0, "its hour has not come"
    assert make(database, SEVEN) == 1
    assert [each[0] for each in lists(database)] == ["buyer2@cafe.example"]


def test_one_a_day_and_recipient_whatever_runs_again(waiting: Any, database: Database) -> None:
    switch_on(database)
    assert make(database, SEVEN) == 2
    assert make(database, SEVEN + timedelta(hours=3)) == 0
    with open_store(database) as store:
        store.set_setting(name="backorder_list_day", value="", by="test", now=SEVEN)
    assert make(database, SEVEN) == 0, "even if it were forgotten that they were made"
    assert len(lists(database)) == 2


def test_the_list_says_what_changed_since_the_one_before(waiting: Any, database: Database) -> None:
    """Then the truck brings 5 of 12: SO-1 waits for 7 more, and SO-2 still has no day."""
    switch_on(database, at="06:00")
    with open_store(database) as store:
        assert lists_due(store, now=SEVEN)
    make(database, SEVEN)
    assert [each[2] for each in lists(database)] == [[(12, "2026-05-14", "", "")], [(12, "", "", "")]]
    with open_store(database) as store:
        commit_receipt(store, waiting.receipt("OAT", 5), now=SEVEN, by="test", tell=False)
        store.connection.execute(update(tables.supply).values(expected_at=THURSDAY + timedelta(days=7)))
        products = set(store.connection.scalars(select(tables.product.c.id)))
        depot = waiting.depot_id
        reallocate(store, depot_id=depot, product_ids=products, now=SEVEN, by="test", why="late", tell=False)
    make(database, SEVEN + timedelta(days=1))
    assert [each[2] for each in lists(database)[2:]] == [[(7, "2026-05-21", "day", "2026-05-14")], [(12, "", "", "")]]


def test_what_is_on_the_shelf_or_released_waits_no_longer_and_an_empty_list_is_not_sent(
    waiting: Any, database: Database
) -> None:
    switch_on(database)
    make(database, SEVEN)
    with open_store(database) as store:
        commit_receipt(store, waiting.receipt("OAT", 12), now=SEVEN, by="test", tell=False)
        assert [line.order for line in store.backorders()] == ["SO-2"]
        release_orders(store, depot_id=waiting.depot_id, for_day="2026-05-13", now=SEVEN, by="test")
        assert [line.order for line in store.backorders()] == ["SO-2"]
    make(database, SEVEN + timedelta(days=1))
    assert [each[0] for each in lists(database)[2:]] == ["buyer2@cafe.example"]


def test_what_is_released_on_a_truck_that_is_not_counted_in_still_waits(waiting: Any, database: Database) -> None:
    """The truck of Thursday at 5:30 UTC may come short: until it is counted the list says what the figures say."""
    with open_store(database) as store:
        release_orders(store, depot_id=waiting.depot_id, for_day="2026-05-14", now=THURSDAY, by="test")
        assert store.connection.scalar(select(func.sum(tables.allocation.c.released))) == 12
        assert [(line.order, line.quantity, line.covered) for line in store.backorders()] == [
            ("SO-1", 12, 12),
            ("SO-2", 12, 0),
        ]


def test_who_buys_for_one_site_hears_of_that_site_only(waiting: Any, database: Database) -> None:
    with waiting.open():
        other = waiting.site(1)
        waiting.order({1: 24}, site_id=other)
        waiting.add(
            tables.contact, customer_id=1, site_id=other, name="Chef", role="buyer", channel="email",
            address="chef@cafe.example", consent=True,
        )  # fmt: skip
    switch_on(database, customer=1)
    make(database, SEVEN)
    said = {recipient: [line[0] for line in some] for recipient, _day, some, _gone in lists(database)}
    assert said == {"buyer1@cafe.example": [12, 24], "chef@cafe.example": [24]}


def test_what_left_the_list_is_named_once(waiting: Any, database: Database) -> None:
    with waiting.open():
        waiting.add(tables.product, number="CUP", name="Cups", case_pack=1, weight_g=1)
        cup = waiting.connection.execute(select(tables.product.c.id).where(tables.product.c.number == "CUP")).scalar()
        site = waiting.connection.scalar(select(tables.order.c.site_id).order_by(tables.order.c.id))
        waiting.order({cup: 6}, site_id=site)
    switch_on(database, customer=1)
    make(database, SEVEN)
    with open_store(database) as store:
        commit_receipt(store, waiting.receipt("CUP", 6), now=SEVEN, by="test", tell=False)
    make(database, SEVEN + timedelta(days=1))
    assert lists(database)[-1][3] == ["6 pcs Cups"]
    make(database, SEVEN + timedelta(days=2))
    assert lists(database)[-1][3] == []
