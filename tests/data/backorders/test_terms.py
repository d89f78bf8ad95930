"""What the release will keep back by a customer's terms is not promised as if it went: dates, the policy's preview,
messages and the release say the same."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from data.store.again import in_transaction
from routing.model.orders import OrderTerms
from routing.rules.policies import KINDS, PolicyRow, Scope
from routing.rules.policies import TERMS as TERM_NAMES
from routing.rules.release import NotReleased
from routing.services.receiving import commit_receipt, reallocate
from routing.services.releasing import simulate_release
from routing.services.ruling import Ruling, commit_ruling, simulate_ruling, with_todays_goods

TODAY, TOMORROW, TRUCK = "2026-05-12", "2026-05-13", "2026-05-19"


@pytest.fixture
def parts(company: Any, database: Database, now: datetime) -> dict[str, int]:
    """SO-1 wants 6 oat drink, which lie there, and 10 rye, which a truck brings on Tuesday the 19th; 1.00 each."""
    with company.open():
        oat, rye = company.product("OAT"), company.product("RYE")
        company.inbound(rye, 10, now + timedelta(days=7))
        order_id = company.order({oat: 6, rye: 10})
        company.connection.execute(tables.order_line.update().values(unit_price=100))
        customer_id = company.connection.scalar(select(tables.order.c.customer_id))
    with open_store(database) as store:
        commit_receipt(store, company.receipt("OAT", 6), now=now, by="test")
        decide(store, oat, rye, now=now)
    return {"depot": company.depot_id, "order": order_id, "customer": customer_id, "oat": oat, "rye": rye}


def decide(store: SqlStore, *products: int, now: datetime) -> None:
    reallocate(store, depot_id=1, product_ids=products, now=now, by="test", why="new orders", tell=False)


def expected(store: SqlStore) -> dict[str, str]:
    query = select(tables.product.c.number, tables.order_line.c.expected_on).join(tables.order_line)
    return {number: day for number, day in store.connection.execute(query)}


def customers_policy(parts: dict[str, int], name: str, value: object, *, begins: str = TODAY) -> Ruling:
    row = PolicyRow(scope=Scope.CUSTOMER, scope_id=parts["customer"], name=name, value=value, effective_from=begins)
    return Ruling(row=row)


TERMS = [
    ("min_value", 1000, NotReleased.BELOW_MIN_VALUE),
    ("min_percent", 50, NotReleased.BELOW_MIN_PERCENT),
    ("max_shipments", 1, NotReleased.LAST_SHIPMENT),
    ("ride_along", "never", NotReleased.NO_RIDE),
    ("ride_along", "next_door", NotReleased.NO_RIDE),
    ("completeness", "complete", NotReleased.WAITS_FOR_STOCK),
]


@pytest.mark.parametrize(("name", "value", "reason"), TERMS)
def test_what_a_policy_keeps_back_is_expected_with_the_rest_and_its_preview_says_so(
    database: Database, parts: dict[str, int], now: datetime, name: str, value: object, reason: NotReleased
) -> None:
    with open_store(database) as store:
        assert expected(store) == {"OAT": TODAY, "RYE": TRUCK}
        policy = customers_policy(parts, name, value)
        _, previews = simulate_ruling(store, policy, now=now)
        shown = {line.sku: (line.old_day, line.new_day) for line in previews[0].changed}
        assert shown["OAT"] == (TODAY, TRUCK)
        kept = {line.sku for line in previews[0].lines if line.held_back and line.firm_after}
        assert kept == {"OAT"}
        commit_ruling(store, policy, now=now, by="test")
        stays = simulate_release(store, depot_id=parts["depot"], for_day=TODAY, now=now).stays
        assert expected(store) == {"OAT": TRUCK, "RYE": TRUCK}
        goes = simulate_release(store, depot_id=parts["depot"], for_day=TRUCK, now=now).ready
    if name != "completeness":  # such an order gives back what it cannot use
        assert [order.reasons for order in stays] == [(reason,)]
    assert [order.quantity for order in goes] == [16]


def test_the_customer_hears_of_the_date_that_the_policy_moves(
    database: Database, parts: dict[str, int], now: datetime
) -> None:
    with open_store(database) as store:
        commit_ruling(store, customers_policy(parts, "min_value", 1000), now=now, by="test")
        promises = store.promise_of(
            store.connection.scalars(
                select(tables.order_line.c.id).where(tables.order_line.c.product_id == parts["oat"])
            ).all()
        )
        assert [day for _, day in promises.values()] == [TRUCK]
        told = store.connection.execute(select(tables.notice.c.kind, tables.notice.c.data)).mappings().all()
    assert any(TRUCK in str(row["data"]) and row["kind"] == "date_changed" for row in told), told


def test_goods_of_one_sku_that_come_move_what_waits_for_them_in_the_same_order(
    company: Any, database: Database, parts: dict[str, int], now: datetime
) -> None:
    """The rye is counted in today already: the oat drink, of which nothing was counted, goes with it."""
    with open_store(database) as store:
        commit_ruling(store, customers_policy(parts, "min_value", 1000), now=now, by="test")
        commit_receipt(store, company.receipt("RYE", 10), now=now, by="test")
        assert expected(store) == {"OAT": TODAY, "RYE": TODAY}


@pytest.mark.parametrize("name", TERM_NAMES)
def test_every_term_that_a_policy_sets_reaches_the_release_and_the_book(
    database: Database, parts: dict[str, int], now: datetime, name: str
) -> None:
    kind = KINDS[name]
    other = kind.choices[-1] if kind.choices else str((kind.least or 0) + 3)
    with open_store(database) as store:
        ruling = customers_policy(parts, name, other)
        assert ruling.row is not None
        commit_ruling(store, ruling, now=now, by="test")
        (candidate,) = store.release_candidates(depot_id=parts["depot"], for_day=TODAY, now=now)
        assert getattr(candidate.order.terms, name) == kind.read(other) != getattr(OrderTerms(), name)
        (order,) = store.book(parts["depot"], {parts["oat"]}, now=now).orders
        if candidate.order.terms.weigh_parts:
            assert [each.terms for each in order.terms] == [candidate.order.terms]
            assert {line.sku for line in order.lines} == {"OAT", "RYE"}


def test_an_order_that_has_waited_enough_is_expected_on_that_day(
    database: Database, parts: dict[str, int], now: datetime
) -> None:
    """It was ordered on Monday the 4th and waits eleven days at most: on Friday the 15th its oat drink goes."""
    with open_store(database) as store:
        commit_ruling(store, customers_policy(parts, "ride_along", "never"), now=now, by="test")
        commit_ruling(store, customers_policy(parts, "max_wait_days", 11), now=now, by="test")
        assert expected(store) == {"OAT": "2026-05-15", "RYE": TRUCK}
        by_day = {
            day: [order.quantity for order in simulate_release(store, depot_id=1, for_day=day, now=now).ready]
            for day in ("2026-05-14", "2026-05-15")
        }
    assert by_day == {"2026-05-14": [], "2026-05-15": [6]}


def test_a_policy_of_tomorrow_holds_for_tomorrow_s_release_made_today(
    database: Database, parts: dict[str, int], now: datetime
) -> None:
    with open_store(database) as store:
        commit_ruling(store, customers_policy(parts, "min_value", 1000, begins=TOMORROW), now=now, by="test")
        today = simulate_release(store, depot_id=parts["depot"], for_day=TODAY, now=now)
        tomorrow = simulate_release(store, depot_id=parts["depot"], for_day=TOMORROW, now=now)
        assert expected(store) == {"OAT": TODAY, "RYE": TRUCK}, "today it still goes as it comes"
    assert [order.quantity for order in today.ready] == [6]
    assert [order.reasons for order in tomorrow.stays] == [(NotReleased.BELOW_MIN_VALUE,)]


def test_what_can_only_go_tomorrow_is_dated_by_the_policy_of_tomorrow(
    company: Any, database: Database, now: datetime
) -> None:
    """The oat drink is wanted tomorrow, and from tomorrow on nothing goes below 10.00."""
    with company.open():
        oat, rye = company.product("OAT"), company.product("RYE")
        company.inbound(rye, 10, now + timedelta(days=7))
        company.order({oat: 6, rye: 10}, wanted_on=TOMORROW)
        company.connection.execute(tables.order_line.update().values(unit_price=100))
    with open_store(database) as store:
        commit_receipt(store, company.receipt("OAT", 6), now=now, by="test")
        decide(store, oat, rye, now=now)
        assert expected(store)["OAT"] == TOMORROW
        row = PolicyRow(scope=Scope.COMPANY, name="min_value", value=1000, effective_from=TOMORROW)
        _, shown = simulate_ruling(store, Ruling(row=row), now=now)
        assert commit_ruling(store, Ruling(row=row), now=now, by="test")[1] == shown
        assert expected(store)["OAT"] == TRUCK


def test_a_policy_of_next_week_is_shown_as_it_is_committed(company: Any, database: Database, now: datetime) -> None:
    """The oat drink goes tomorrow: that from next week on nothing goes below 10.00 moves nothing, and asks nobody."""
    with company.open():
        oat, rye = company.product("OAT"), company.product("RYE")
        company.inbound(rye, 10, now + timedelta(days=14))
        company.order({oat: 6, rye: 10}, wanted_on=TOMORROW)
        company.connection.execute(tables.order_line.update().values(unit_price=100))
    with open_store(database) as store:
        commit_receipt(store, company.receipt("OAT", 6), now=now, by="test")
        decide(store, oat, rye, now=now)
        row = PolicyRow(scope=Scope.COMPANY, name="min_value", value=1000, effective_from="2026-05-19")
        _, shown = simulate_ruling(store, Ruling(row=row), now=now)
        assert not [line for preview in shown for line in preview.concerned]
        assert [line.sku for each in with_todays_goods(store, row, now=now) for line in each.concerned] == ["OAT"]
        assert commit_ruling(store, Ruling(row=row), now=now, by="test")[1] == shown


@pytest.mark.parametrize(("name", "value"), [("min_value", 1600), ("completeness", "complete")])
def test_two_receipts_at_once_of_goods_that_go_together_leave_no_date_of_before(
    company: Any, database: Database, now: datetime, name: str, value: object
) -> None:
    """SO-1 wants 6 oat drink and 10 rye, all of it or nothing: both stand on trucks, and both are counted in early. Who
    counts the rye waits until the oat drink is counted, or neither would know of the other's new day."""
    with company.open():
        oat, rye = company.product("OAT"), company.product("RYE")
        for product, quantity in ((oat, 6), (rye, 10)):
            company.inbound(product, quantity, now + timedelta(days=7))
        company.order({oat: 6, rye: 10}, **{name: value})
        company.connection.execute(tables.order_line.update().values(unit_price=100))
    with open_store(database) as store:
        decide(store, oat, rye, now=now)
        assert expected(store) == {"OAT": TRUCK, "RYE": TRUCK}
    first, second = company.receipt("OAT", 6), company.receipt("RYE", 10)

    def count(receipt: Any) -> None:
        in_transaction(database, lambda store: commit_receipt(store, receipt, now=now, by="second"))

    other = threading.Thread(target=count, args=(second,))
    with open_store(database) as store:
        commit_receipt(store, first, now=now, by="first")
        other.start()
        other.join(timeout=1.5)
    other.join(timeout=30)
    with open_store(database) as store:
        assert expected(store) == {"OAT": TODAY, "RYE": TODAY}
