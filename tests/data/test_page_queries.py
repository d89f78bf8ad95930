"""What the dispatcher's pages read is the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from data.db import Database
from data.queries.addresses import addresses_in_review, site_address
from data.queries.messages import message_counts, message_list
from data.queries.order_page import order_page
from data.queries.orders import OPEN_STATES, STATES, order_counts, order_list
from data.queries.receipts import expected_inbound, recent_receipts
from data.queries.release import released_deliveries
from data.queries.search import find_orders
from data.queries.tasks import task_list
from data.queries.timeline import newest_events, order_timeline
from data.queries.today import figures, left_out_by_reason, routes_of
from data.store import open_store
from data.tables import delivery, order
from routing.errors import NotFound
from routing.model.notices import Channel, Notice, NoticeKind
from routing.rules.standing import Standing
from routing.services.receiving import commit_receipt
from routing.services.releasing import release_orders
from tests.desk import Desk, counted, fill_desk

NOW = datetime(2026, 5, 12, 3, 55, tzinfo=UTC)
DAY = "2026-05-12"


def a_notice(order_id: int) -> Notice:
    return Notice(
        kind=NoticeKind.DATE_CHANGED,
        subject_kind="order",
        subject_id=order_id,
        occurrence="1",
        recipient="buyer@example.com",
        channel=Channel.EMAIL,
        language="en",
    )


@pytest.fixture
def desk(database: Database) -> Desk:
    return fill_desk(database, NOW)


def test_the_morning_as_it_begins(database: Database, desk: Desk) -> None:
    with database.reading() as connection:
        found = figures(connection, day=DAY, now=NOW)
        counts = found.counts
        assert (counts[Standing.READY], counts[Standing.WAITING], counts[Standing.IN_REVIEW]) == (0, 3, 1)
        assert found.needs_you == 1
        assert (len(found.due), len(found.overdue)) == (1, 0)
        (due,) = expected_inbound(connection)
        assert (due.left, due.wanted, due.orders) == (36, 36, 3)
        assert [receipt.number for receipt in recent_receipts(connection)] == ["R-0"]
        assert [site.id for site in addresses_in_review(connection)] == [desk.sites[4]]
        assert len(site_address(connection, desk.sites[4]).candidates) == 2
        # A release takes what is on the truck too: its parts add up to it, and the page says them.
        assert (found.release.on_shelf, found.release.on_truck, found.release.in_review) == (0, 3, 1)
        assert found.release.all == 4
        stands = found.orders.of
        assert order_counts(connection, stands=stands) == dict.fromkeys(STATES, 0) | {"waiting": 3, "in_review": 1}
        waiting = order_list(connection, stands=stands, states=("waiting",), text="caf so-2")
        assert [(row.number, row.why) for row in waiting] == [("SO-2", "on_truck")]
        assert [task.site_id for task in task_list(connection)] == [desk.sites[4]]


def test_the_morning_after_the_truck(database: Database, desk: Desk) -> None:
    with open_store(database) as store:
        truck = counted("R-1", desk.depot, desk.products["OAT"], "OAT", 30, NOW, inbound_id=desk.inbound)
        commit_receipt(store, truck, now=NOW, by="test")
        release_orders(store, depot_id=desk.depot, for_day=DAY, now=NOW, by="test")
        store.add_notice(a_notice(desk.orders[1]), made_at=NOW)
    with database.reading() as connection:
        found = figures(connection, day=DAY, now=NOW)
        counts = found.counts
        assert (counts[Standing.READY], found.orders.released, counts[Standing.IN_REVIEW]) == (3, 3, 1)
        assert found.release.all == 0
        first = order_page(connection, desk.orders[1], now=NOW)
        assert first.row.word == "released", "it lies there no more as what is ready"
        assert (first.row.state, first.row.why, first.lines[0].released, first.deliveries[0].goods) == (
            "ready", "released", 12, ((12, "OAT", "Oat drink"),),
        )  # fmt: skip
        last = order_page(connection, desk.orders[3], now=NOW)
        assert (last.lines[0].released, last.lines[0].unallocated) == (6, 6)
        kinds = {one.kind for one in order_timeline(connection, desk.orders[1])}
        assert {"ordered", "allocated", "promised", "released", "told"} <= kinds
        assert [(one.kind, one.alike) for one in newest_events(connection)][:2] == [("released", 4), ("received", 2)]
        assert sum(row.units for row in released_deliveries(connection, day=DAY)) == 42
        assert [hit.order for hit in find_orders(connection, first.deliveries[0].number)] == ["SO-1"]
        assert message_counts(connection)["waiting"] == len(message_list(connection)) > 0
        assert (routes_of(connection, day=DAY), dict(left_out_by_reason(connection, day=DAY))) == ([], {})


def test_messages_stand_in_the_order_of_when_they_were_decided(database: Database, desk: Desk) -> None:
    """A proof that a phone sent late is decided for the moment at the door."""
    first, second = desk.orders[1], desk.orders[2]
    with open_store(database) as store:
        store.add_notice(a_notice(first), made_at=NOW)
        store.add_notice(a_notice(second), made_at=NOW - timedelta(hours=2))
    with database.reading() as connection:
        decided = [row.made_at for row in message_list(connection)]
    assert decided == sorted(decided, reverse=True)
    assert len(decided) == 2


def test_every_open_order_is_counted_once_and_listed_where_it_is_counted(database: Database, desk: Desk) -> None:
    """Café 1 is on its way, 2 is held with its goods on the shelf, 3 wants more than there is, and 4 is for
    next week at an unsure address."""
    with open_store(database) as store:
        truck = counted("R-1", desk.depot, desk.products["OAT"], "OAT", 30, NOW, inbound_id=desk.inbound)
        commit_receipt(store, truck, now=NOW, by="test")
        release_orders(store, depot_id=desk.depot, for_day=DAY, now=NOW, by="test", orders={desk.orders[1]})
        gone = order_page(store.connection, desk.orders[1], now=NOW).deliveries[0].id
        store.connection.execute(update(delivery).where(delivery.c.id == gone).values(state="dispatched"))
        for café, values in ((2, {"hold_reason": "asked to wait"}), (4, {"wanted_on": "2099-01-01"})):
            store.connection.execute(update(order).where(order.c.id == desk.orders[café]).values(values))
        wants_whole = update(order).where(order.c.id == desk.orders[3]).values(completeness="complete")
        store.connection.execute(wants_whole)
    with database.reading() as connection:
        found = figures(connection, day=DAY, now=NOW)
        stands = found.orders.of
        assert [(stands[desk.orders[café]].standing.value, stands[desk.orders[café]].why) for café in (1, 2, 3, 4)] == [
            ("on_the_way", ""), ("held", "on_hold"), ("waiting", "incomplete"), ("later", "not_yet"),
        ]  # fmt: skip
        counts = order_counts(connection, stands=stands)
        assert {each: counts[each] for each in Standing} == found.counts
        for state, count in counts.items():
            rows = order_list(connection, stands=stands, states=(state,))
            assert (len(rows), {row.state for row in rows}) == (count, {state} if count else set())
        assert len(order_list(connection, stands=stands, states=OPEN_STATES)) == 4
        assert len(order_list(connection, stands=stands, states=OPEN_STATES, limit=3)) == 3
        for order_id, stand in stands.items():
            alone = order_page(connection, order_id, now=NOW).row
            assert (alone.state, alone.why) == (stand.standing.value, stand.why)


def test_the_newest_stand_in_the_order_in_which_they_became_known(database: Database, desk: Desk) -> None:
    def note(kind: str, hours: int, *, known: int) -> None:
        at = NOW + timedelta(hours=hours)
        store.append_event(kind=kind, actor="test", captured_at=at, received_at=NOW + timedelta(hours=known), data={})

    with open_store(database) as store:
        note("day_closed", 5, known=5)
        note("order_received", 1, known=4)  # written later, of an earlier hour
        note("delivered", 2, known=6)  # a phone without signal
        note("stop.reported", 2, known=6)  # the same report: what became of its deliveries has its rows
    with database.reading() as connection:
        assert [one.kind for one in newest_events(connection)[:3]] == ["delivered", "day_closed", "order_received"]


def test_a_page_about_nothing_says_so(database: Database) -> None:
    with database.reading() as connection:
        with pytest.raises(NotFound, match="There is no order 7"):
            order_page(connection, 7, now=NOW)
        with pytest.raises(NotFound, match="There is no site 7"):
            site_address(connection, 7)
        assert set(figures(connection, day=DAY, now=NOW).counts.values()) == {0}


def test_a_release_with_others_on_one_delivery_names_the_orders_own_units(database: Database, desk: Desk) -> None:
    """Café 2's order of 12 goes to Café 1's door too: one delivery of 24."""
    with open_store(database) as store:
        ours = update(order).where(order.c.id == desk.orders[2]).values(site_id=desk.sites[1])
        store.connection.execute(ours)
        truck = counted("R-1", desk.depot, desk.products["OAT"], "OAT", 36, NOW, inbound_id=desk.inbound)
        commit_receipt(store, truck, now=NOW, by="test")
        pair = {desk.orders[1], desk.orders[2]}
        release_orders(store, depot_id=desk.depot, for_day=DAY, now=NOW, by="test", orders=pair)
        alone = {desk.orders[3]}
        release_orders(store, depot_id=desk.depot, for_day=DAY, now=NOW, by="test", orders=alone)
    with database.reading() as connection:
        told = {
            café: [one.data for one in order_timeline(connection, desk.orders[café]) if one.kind == "released"]
            for café in (1, 2, 3)
        }
    assert [(len(told[café]), told[café][0]["units"], told[café][0].get("shared")) for café in (1, 2, 3)] == [
        (1, 12, 24), (1, 12, 24), (1, 12, None)
    ]  # fmt: skip
