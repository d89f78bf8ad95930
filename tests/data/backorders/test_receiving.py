"""A receipt: shown, committed, and never given out twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update

from data import tables
from data.db import Database
from data.health import check_rows
from data.store import SqlStore, open_store
from data.store.again import in_transaction
from routing.errors import Conflict, InvalidInput, NotFound
from routing.model.imports import ImportResult, LineIn, OrderIn
from routing.model.orders import AllocationPolicy, AllocationRule
from routing.rules.effect import worths_of
from routing.services.importing import settle_changed, take_orders
from routing.services.receiving import (
    commit_receipt,
    commit_receipts,
    reallocate,
    simulate_receipt,
    simulate_receipts,
)
from routing.services.releasing import release_orders, unrelease
from routing.services.supplying import Slip, commit_shelf_count, commit_slip, simulate_shelf_count, simulate_slip

Holdings = Callable[[SqlStore], dict[str, tuple[int, int]]]
Dump = Callable[..., dict[str, list[tuple[Any, ...]]]]


@pytest.fixture
def short_truck(company: Any, database: Database, now: datetime) -> int:
    """96 expected, nine orders of 12 (SO-4 wants 24 and ships complete with another SKU); returns the inbound."""
    with company.open():
        oat, cup = company.product("OAT"), company.product("CUP")
        inbound: int = company.inbound(oat, 96, now - timedelta(minutes=10))
        for number in range(1, 10):
            if number == 4:
                company.order({oat: 24, cup: 12}, completeness="complete", customer={"tier": 1})
            else:
                company.order({oat: 12}, customer={"tier": 2 if number == 9 else 1})
    with open_store(database) as store:
        commit_receipt(store, company.receipt("CUP", 12, number="CUPS"), now=now, by="test")
        reallocate(store, depot_id=company.depot_id, product_ids={oat}, now=now, by="test", why="set up")
    return inbound


def test_a_short_truck_is_shown_before_it_is_counted_in(
    company: Any, database: Database, short_truck: int, now: datetime, read_holdings: Holdings, read_dump: Dump
) -> None:
    with open_store(database) as store:
        # 96 for ten dozens: the highest tier first, the last by age waits.
        assert read_holdings(store)["SO-4"] == (12, 24)
        assert "SO-8" not in read_holdings(store)
    before = read_dump(database)
    receipt = company.receipt("OAT", 60, inbound_id=short_truck)
    with database.reading() as connection:
        preview = simulate_receipt(SqlStore(connection), receipt, now=now)
    assert read_dump(database) == before
    goes = {line.order: line.firm_after for line in preview.goes if line.sku == "OAT"}
    # 60 units: SO-9 (tier 2) first, then by age; SO-4 needs 24 and is the fifth dozen.
    assert goes == {"SO-9": 12, "SO-1": 12, "SO-2": 12, "SO-3": 12, "SO-5": 12}
    assert preview.broken == ("SO-4",)

    with open_store(database) as store:
        done = commit_receipt(store, receipt, now=now, by="test")
        assert {line.order: line.firm_after for line in done.goes if line.sku == "OAT"} == goes
        assert read_holdings(store) == {number: (12, 0) for number in goes}
        assert store.goods_at(f"depot:{company.depot_id}")[receipt.product_id] == 60
        sentences = {each.kind: each.sentence for each in store.connection.execute(select(tables.task))}
    assert "came short: 60 of 96" in sentences["ship_complete_broken"], "the trade's word, not the receipt's number"


def test_what_lies_on_the_shelf_for_an_order_that_waits_for_the_rest_does_not_go(
    company: Any, database: Database, now: datetime
) -> None:
    """SO-1 ships complete: its cup is there, its oat drinks are not. SO-2 wants cups only."""
    with company.open():
        oat, cup = company.product("OAT"), company.product("CUP")
        company.inbound(oat, 24, now + timedelta(days=7))
        company.order({oat: 24, cup: 12}, completeness="complete")
        company.order({cup: 12})
    with open_store(database) as store:
        commit_receipt(store, company.receipt("CUP", 12, number="BEFORE"), now=now, by="test")
    with database.reading() as connection:
        preview = simulate_receipt(SqlStore(connection), company.receipt("CUP", 12), now=now)
    assert [
        (line.order, line.went, line.firm_after, line.goes, line.stays, line.held_back)
        for line in preview.lines
        if line.sku == "CUP"
    ] == [("SO-1", 0, 12, 0, 12, True), ("SO-2", 0, 12, 12, 0, False)]
    money = worths_of(preview.about(["CUP"]), home="EUR")
    price = next(line.price for line in preview.lines if line.order == "SO-2")
    assert sum(each.goes for each in money) == 12 * price
    with open_store(database) as store:
        commit_receipt(store, company.receipt("CUP", 12), now=now, by="test")
        last = commit_receipt(store, company.receipt("OAT", 24, number="OATS"), now=now, by="test")
    assert {line.sku: (line.went, line.goes) for line in last.lines if line.order == "SO-1"}["OAT"] == (0, 24)


def test_more_counted_than_expected_is_said_before_it_is_committed(
    company: Any, database: Database, short_truck: int, now: datetime
) -> None:
    def warnings(quantity: int) -> tuple[str, ...]:
        receipt = company.receipt("OAT", quantity, inbound_id=short_truck, number="R-7")
        with database.reading() as connection:
            return simulate_receipt(SqlStore(connection), receipt, now=now).warnings

    assert (
        "R-7 counts 960 × OAT of PO-1, 864 more than the 96 still to come. Look at the count again; a recount mends it."
    ) in warnings(960)
    assert not [each for each in warnings(96) if "expected" in each]


@pytest.mark.parametrize("more_to_come", [False, True])
def test_a_truck_that_was_counted_in_full_and_is_counted_again_is_said(
    company: Any, database: Database, short_truck: int, now: datetime, more_to_come: bool
) -> None:
    first = company.receipt("OAT", 96, inbound_id=short_truck, number="R-7", more_to_come=more_to_come)
    with open_store(database) as store:
        commit_receipt(store, first, now=now, by="test")
    again = company.receipt("OAT", 96, inbound_id=short_truck, number="R-8")
    with database.reading() as connection:
        shown = simulate_receipt(SqlStore(connection), again, now=now)
    assert len(shown.again) == 1
    assert shown.again[0].endswith("Now 96 are counted, and nothing more was to come.")
    assert not [each for each in shown.warnings if "R-8" in each], "it is said once"


@pytest.mark.parametrize(("first", "more_to_come", "asks"), [(96, False, True), (60, False, True), (60, True, False)])
def test_a_truck_that_was_counted_in_before_is_taken_in_again_only_by_who_says_so(
    company: Any, database: Database, short_truck: int, now: datetime, first: int, more_to_come: bool, asks: bool
) -> None:
    """36 of PO-1 come again: too many where 96 or 60 were counted before, but not where the rest was still to come."""
    before = company.receipt("OAT", first, inbound_id=short_truck, number="R-7", more_to_come=more_to_come)
    again = company.receipt("OAT", 36, inbound_id=short_truck, number="R-8")
    with open_store(database) as store:
        commit_receipt(store, before, now=now, by="test")
        shown = simulate_receipt(store, again, now=now).again
        if not asks:
            assert (shown, commit_receipt(store, again, now=now, by="test").again) == ((), ())
            return
        (said,) = shown
        assert said.startswith(f"PO-1 was counted in before: {first} × OAT as R-7 on ")
        assert said.endswith(" by test. Now 36 are counted, and nothing more was to come.")
        with pytest.raises(Conflict, match="PO-1 was counted in before") as refused:
            commit_receipt(store, again, now=now, by="test")
        assert refused.value.code == "counted_again"
    with open_store(database) as store:
        assert not store.counted_before(["R-8"])
        assert commit_receipt(store, again, now=now, by="test", again=True).again == shown
        assert commit_receipt(store, again, now=now, by="test").already, "the same receipt again asks nothing"


def test_more_than_expected_is_said_when_it_is_counted_in_too(
    company: Any, database: Database, short_truck: int, now: datetime
) -> None:
    receipt = company.receipt("OAT", 100, inbound_id=short_truck)
    with open_store(database) as store:
        said = commit_receipt(store, receipt, now=now, by="test").warnings
        again = commit_receipt(store, receipt, now=now, by="test")
    assert len(said) == 1
    assert "counts 100 × OAT of PO-1, 4 more than the 96 still to come" in said[0]
    assert again.already
    assert not again.warnings, "nothing was counted in the second time"


def test_a_truck_that_brought_more_than_expected_is_no_fault_of_the_sums(
    company: Any, database: Database, short_truck: int, now: datetime
) -> None:
    with open_store(database) as store:
        commit_receipt(store, company.receipt("OAT", 97, inbound_id=short_truck, more_to_come=True), now=now, by="test")
    with database.reading() as connection:
        assert [check.sentence for check in check_rows(connection) if check.state == "fail"] == []


def test_more_than_can_be_believed_is_refused_on_every_database(
    company: Any, database: Database, short_truck: int, now: datetime
) -> None:
    with pytest.raises(InvalidInput, match="counts 3000000000 of OAT: at most 100000000 are believed"):
        company.receipt("OAT", 3_000_000_000)
    oat = company.receipt("OAT", 1).product_id
    with open_store(database) as store:
        commit_receipt(store, company.receipt("OAT", 96, inbound_id=short_truck), now=now, by="test")
        with pytest.raises(InvalidInput, match="3000000000 units are counted, at most 100000000 are believed"):
            simulate_shelf_count(
                store, depot_id=company.depot_id, product_id=oat, sku="OAT", counted=3_000_000_000, now=now
            )


def test_another_policy_changes_who_goes(company: Any, database: Database, short_truck: int, now: datetime) -> None:
    receipt = company.receipt("OAT", 60, inbound_id=short_truck)
    with database.reading() as connection:
        store = SqlStore(connection)
        by_age = simulate_receipt(store, receipt, now=now, policy=AllocationPolicy(rule=AllocationRule.FIRST_ORDERED))
        fair = simulate_receipt(store, receipt, now=now, policy=AllocationPolicy(rule=AllocationRule.FAIR_SHARE))
    assert {line.order: line.firm_after for line in by_age.goes if line.sku == "OAT"} == {
        "SO-1": 12, "SO-2": 12, "SO-3": 12, "SO-4": 24,
    }  # fmt: skip
    assert sum(line.firm_after for line in fair.goes if line.sku == "OAT") == 60
    assert all(line.firm_after % 12 == 0 for line in fair.lines)


def test_the_same_receipt_again_changes_nothing(
    company: Any, database: Database, short_truck: int, now: datetime, read_dump: Dump
) -> None:
    receipt = company.receipt("OAT", 60, inbound_id=short_truck)
    with open_store(database) as store:
        commit_receipt(store, receipt, now=now, by="test")
    before = read_dump(database)
    with open_store(database) as store:
        assert commit_receipt(store, receipt, now=now, by="test").already
    assert read_dump(database) == before
    with pytest.raises(Conflict, match="counted in with 60"), open_store(database) as store:
        commit_receipt(
            store, company.receipt("OAT", 61, number=receipt.number, inbound_id=short_truck), now=now, by="test"
        )
    assert read_dump(database) == before


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"depot_id": 2}, "R-7 with OAT was counted in at NORTH. Give what came to another depot a number of its own."),
        ({"quarantined": 12}, "none of its 12 × OAT in quarantine, now it says 12. Recount what can be sold of it."),
        ({"inbound_id": 1}, "R-7 was counted in with OAT of no inbound, now it names one."),
    ],
)
def test_a_receipt_that_comes_again_with_other_facts_is_refused_and_says_which(
    company: Any, database: Database, now: datetime, read_dump: Dump, other: dict[str, int], said: str
) -> None:
    with company.open():
        oat = company.product("OAT")
        assert company.inbound(oat, 12, now) == 1
        assert company.add(tables.depot, number="SOUTH", name="Depot South", zone="Europe/Helsinki") == 2
    with open_store(database) as store:
        commit_receipt(store, company.receipt("OAT", 12, number="R-7"), now=now, by="test")
    before, again = read_dump(database), company.receipt("OAT", 12, number="R-7", **other)
    for work in (commit_receipt, simulate_receipt):
        with pytest.raises(Conflict) as refused, open_store(database) as store:
            work(store, again, now=now, **({"by": "test"} if work is commit_receipt else {}))
        assert said in str(refused.value)
    assert read_dump(database) == before


def test_a_receipt_with_quarantine_is_the_same_receipt_after_its_goods_were_recounted(
    company: Any, database: Database, now: datetime
) -> None:
    with company.open():
        oat = company.product("OAT")
    receipt = company.receipt("OAT", 30, quarantined=6)
    with open_store(database) as store:
        commit_receipt(store, receipt, now=now, by="test")
        shelf = {"depot_id": company.depot_id, "product_id": oat, "sku": "OAT"}
        commit_shelf_count(store, **shelf, counted=20, now=now, by="test")
        assert commit_receipt(store, receipt, now=now, by="test").already


def test_a_receipt_that_was_recounted_since_is_still_the_same_receipt(
    company: Any, database: Database, short_truck: int, now: datetime
) -> None:
    receipt = company.receipt("OAT", 30, inbound_id=short_truck)
    with open_store(database) as store:
        commit_receipt(store, receipt, now=now, by="test")
        shelf = {"depot_id": company.depot_id, "product_id": receipt.product_id, "sku": "OAT"}
        commit_shelf_count(store, **shelf, counted=50, now=now, by="test")
        assert commit_receipt(store, receipt, now=now, by="test").already


def test_a_truck_is_decided_once_so_that_no_order_breaks_over_what_stands_beside_it(
    company: Any, database: Database, now: datetime, read_holdings: Holdings
) -> None:
    with company.open():
        oat, cup = company.product("OAT"), company.product("CUP")
        trucks = [company.inbound(oat, 10, now), company.inbound(cup, 10, now)]
        company.order({oat: 10, cup: 10}, completeness="complete")
    with open_store(database) as store:
        reallocate(store, depot_id=company.depot_id, product_ids={oat}, now=now, by="test", why="set up")
        receipts = [
            company.receipt(sku, 10, number="R-1", inbound_id=truck)
            for sku, truck in zip(("OAT", "CUP"), trucks, strict=True)
        ]
        preview = commit_receipts(store, receipts, now=now, by="test")
        assert (preview.broken, [line for line in preview.lines if line.slips]) == ((), [])
        assert read_holdings(store) == {"SO-1": (20, 0)}
        assert commit_receipts(store, receipts, now=now, by="test").already


def test_a_truck_that_was_counted_in_part_before_names_what_is_new_as_the_only_cause(
    company: Any, database: Database, now: datetime
) -> None:
    """R-1 was counted; R-1 and r-2001 come together, and what r-2001 has in quarantine moves SO-1 by a week."""
    with company.open():
        oat, cup = company.product("OAT"), company.product("CUP")
        truck = company.inbound(cup, 10, now)
        company.inbound(cup, 10, now + timedelta(days=7))
        company.order({cup: 10})
    first = company.receipt("OAT", 10, number="R-1")
    second = company.receipt("CUP", 10, number="r-2001", inbound_id=truck, quarantined=10)
    with open_store(database) as store:
        reallocate(store, depot_id=company.depot_id, product_ids={oat, cup}, now=now, by="test", why="set up")
        commit_receipt(store, first, now=now, by="test")
        commit_receipts(store, [first, second], now=now, by="test")
        promises = store.connection.scalars(select(tables.promise.c.why).order_by(tables.promise.c.id)).all()
        events = store.connection.execute(select(tables.event.c.kind, tables.event.c.data)).all()
    assert promises == ["first date", "receipt r-2001"]
    assert "receipt r-2001" in {event.data.get("why") for event in events}
    assert "receipts R-1 to r-2001" not in str(events)


def test_a_truck_that_was_counted_in_part_before_is_committed_as_it_was_shown(
    company: Any, database: Database, now: datetime
) -> None:
    with company.open():
        oat, cup = company.product("OAT"), company.product("CUP")
        company.order({oat: 30, cup: 10})
    receipts = [company.receipt(sku, 10, number="R-1") for sku in ("OAT", "CUP")]
    with open_store(database) as store:
        reallocate(store, depot_id=company.depot_id, product_ids={oat, cup}, now=now, by="test", why="set up")
        commit_receipts(store, receipts[:1], now=now, by="test")
        shown = simulate_receipts(store, receipts, now=now)
        assert commit_receipts(store, receipts, now=now, by="test").lines == shown.lines


def test_a_receipt_that_somebody_else_counts_in_is_named_as_it_is_written(
    company: Any, database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with company.open():
        company.product("OAT")
    with open_store(database) as store:
        monkeypatch.setattr(store, "add_receipts", lambda *_receipts, **_by: None)
        with pytest.raises(Conflict, match=r"^Receipt R-2001: somebody else"):
            commit_receipt(store, company.receipt("OAT", 10, number="R-2001"), now=now, by="test")


def test_quarantined_units_are_given_to_nobody(
    company: Any, database: Database, now: datetime, read_holdings: Holdings
) -> None:
    with company.open():
        company.order({company.product("OAT"): 24})
    with open_store(database) as store:
        commit_receipt(store, company.receipt("OAT", 20, quarantined=8), now=now, by="test")
        assert read_holdings(store) == {"SO-1": (12, 0)}
        assert list(store.goods_at(f"quarantine:{company.depot_id}").values()) == [8]


def test_a_promise_breaks_only_past_the_threshold_and_exactly_that_customer_is_told(
    company: Any, database: Database, now: datetime
) -> None:
    with company.open():
        oat = company.product("OAT")
        first = company.inbound(oat, 12, now + timedelta(hours=1))
        company.inbound(oat, 12, now + timedelta(days=2))
        company.order({oat: 12})
        company.order({oat: 12})
    with open_store(database) as store:
        reallocate(store, depot_id=company.depot_id, product_ids={oat}, now=now, by="test", why="set up", tell=False)
    with open_store(database) as store:
        # The first truck brings nothing: SO-1 takes the second, SO-2 has no date any more.
        preview = commit_receipt(store, company.receipt("OAT", 0, inbound_id=first), now=now, by="test")
        assert [(line.order, line.old_day, line.new_day, line.slips) for line in preview.lines] == [
            ("SO-1", "2026-05-12", "2026-05-14", True),
            ("SO-2", "2026-05-14", "", False),
        ]
        notices = store.connection.execute(select(tables.notice).order_by(tables.notice.c.id)).all()
        # Who gets a later date hears it, and so does who has none any more.
        assert [(row.kind, row.recipient, row.data["day"]) for row in notices] == [
            ("date_changed", "buyer1@cafe.example", "2026-05-14"),
            ("date_changed", "buyer2@cafe.example", ""),
        ]
        assert notices[0].data["goods"] == [{"quantity": 12, "unit": "pcs", "name": "Product OAT"}]
        assert set(notices[0].data) == {
            "company", "phone", "customer", "site", "goods", "waiting", "day", "why", "references",
        }  # fmt: skip
        assert store.connection.scalars(select(tables.task.c.kind)).all() == ["no_date"]
        promises = select(tables.promise.c.promised_on).order_by(tables.promise.c.id)
        assert store.connection.scalars(promises).all() == ["2026-05-12", "2026-05-14", "2026-05-14"]


def test_a_slip_without_anybody_to_write_to_is_a_call(company: Any, database: Database, now: datetime) -> None:
    with company.open():
        oat = company.product("OAT")
        first = company.inbound(oat, 12, now)
        company.inbound(oat, 12, now + timedelta(days=2))
        company.order({oat: 12}, customer={"contact": False, "salesperson": "Salesperson 2"})
    with open_store(database) as store:
        reallocate(store, depot_id=company.depot_id, product_ids={oat}, now=now, by="test", why="set up")
        commit_receipt(store, company.receipt("OAT", 0, inbound_id=first), now=now, by="test")
        tasks = store.connection.execute(select(tables.task.c.kind, tables.task.c.assignee)).all()
    assert [tuple(row) for row in tasks] == [("call_customer", "Salesperson 2")]


def test_released_units_follow_their_truck_onto_the_shelf(
    company: Any, database: Database, now: datetime, read_holdings: Holdings
) -> None:
    with company.open():
        oat = company.product("OAT")
        truck = company.inbound(oat, 24, now + timedelta(hours=1))
        company.order({oat: 12})
        company.order({oat: 12})
    with open_store(database) as store:
        reallocate(store, depot_id=company.depot_id, product_ids={oat}, now=now, by="test", why="set up")
        released = release_orders(store, depot_id=company.depot_id, for_day="2026-05-12", now=now, by="test")
        assert len(released.deliveries) == 2
        ready_at = store.connection.scalars(select(tables.delivery.c.ready_at)).all()
        assert ready_at == [now + timedelta(hours=1)] * 2
        preview = commit_receipt(store, company.receipt("OAT", 18, inbound_id=truck), now=now, by="test")
        assert read_holdings(store) == {"SO-1": (12, 0), "SO-2": (6, 0)}
        assert preview.warnings == ("Order SO-2 was released with 6 × OAT that are not there.",)
        lines = store.connection.scalars(select(tables.delivery_line.c.quantity).order_by(tables.delivery_line.c.id))
        assert sorted(lines) == [6, 12]


def test_a_lost_unit_is_taken_unreleased_before_released_and_never_loaded(
    company: Any, database: Database, now: datetime, read_holdings: Holdings
) -> None:
    with company.open():
        oat = company.product("OAT")
        for _ in range(3):
            company.order({oat: 10})
    with open_store(database) as store:
        commit_receipt(store, company.receipt("OAT", 30), now=now, by="test")
        orders = list(store.order_ids(["SO-2", "SO-3"]).values())
        release_orders(store, depot_id=company.depot_id, for_day="2026-05-12", now=now, by="test", orders=orders)
        # SO-3 is on the van.
        third = store.connection.execute(
            select(tables.allocation.c.id).order_by(tables.allocation.c.id.desc()).limit(1)
        ).scalar_one()
        store.connection.execute(
            update(tables.allocation).where(tables.allocation.c.id == third).values(released=0, loaded=10)
        )
        # The van's ten are not on the shelf any more: of the other twenty, fifteen, then four.
        shelf = {"depot_id": company.depot_id, "product_id": oat, "sku": "OAT", "now": now}
        assert simulate_shelf_count(store, counted=15, **shelf).lines[0].firm_after == 5
        commit_shelf_count(store, counted=4, by="test", **shelf)
        assert read_holdings(store) == {"SO-2": (4, 0), "SO-3": (0, 0)}
        states = store.connection.execute(
            select(tables.allocation.c.loaded, tables.delivery.c.state)
            .join(tables.delivery_line, tables.delivery_line.c.allocation_id == tables.allocation.c.id)
            .join(tables.delivery, tables.delivery.c.id == tables.delivery_line.c.delivery_id)
        ).all()
        assert sorted(states) == [(0, "released"), (10, "released")]


def test_a_slip_moves_who_waits_for_it_and_a_second_one_finds_the_new_day(
    company: Any, database: Database, short_truck: int, now: datetime, read_dump: Dump
) -> None:
    later = (now + timedelta(days=3)).date()
    before = read_dump(database)
    with database.reading() as connection:
        (shown,) = simulate_slip(
            SqlStore(connection), Slip(number=number_of(connection, short_truck), to=later), now=now
        )
    assert read_dump(database) == before
    assert {line.order for line in shown.changed} == {f"SO-{n}" for n in (1, 2, 3, 4, 5, 6, 9)}
    with open_store(database) as store:
        number = number_of(store.connection, short_truck)
        (done,) = commit_slip(store, Slip(number=number, to=later), now=now, by="test")
        assert [line.new_day for line in done.changed] == [line.new_day for line in shown.changed]
        assert all(line.new_day >= later.isoformat() for line in done.changed)
        (again,) = simulate_slip(store, Slip(number=number, to=later), now=now)
        assert again.changed == ()
        (gone,) = commit_slip(store, Slip(number=number), now=now, by="test")
        assert {line.new_day for line in gone.changed} == {""}
        with pytest.raises(NotFound, match="Nothing is expected under the number"):
            simulate_slip(store, Slip(number=number), now=now)


def number_of(connection: Connection, inbound: int) -> str:
    found: str = connection.execute(select(tables.supply.c.number).where(tables.supply.c.id == inbound)).scalar_one()
    return found


def test_twenty_threads_never_oversell_and_never_fail(company: Any, database: Database, now: datetime) -> None:
    with company.open():
        skus = [company.product(f"SKU{n}") for n in range(3)]
        for number in range(15):
            ties = {skus[number % 3]: 7, skus[(number + 1) % 3]: 5}
            company.order(ties, completeness="complete" if number % 4 == 0 else "partial")
    receipts = [company.receipt(f"SKU{n % 3}", 6 + n % 4, number=f"R-{n // 2}") for n in range(20)]

    def work(n: int) -> None:
        in_transaction(database, lambda store: commit_receipt(store, receipts[n], now=now, by=f"thread {n}"))
        in_transaction(
            database,
            lambda store: release_orders(
                store, depot_id=company.depot_id, for_day="2026-05-12", now=now, by=f"thread {n}"
            ),
        )

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(20)))
    with database.reading() as connection:
        over = connection.execute(
            select(tables.supply.c.id)
            .join(tables.allocation, tables.allocation.c.supply_id == tables.supply.c.id)
            .group_by(tables.supply.c.id, tables.supply.c.quantity)
            .having(func.sum(tables.allocation.c.quantity) > tables.supply.c.quantity)
        ).all()
        beyond = connection.execute(
            select(tables.order_line.c.id)
            .join(tables.allocation, tables.allocation.c.order_line_id == tables.order_line.c.id)
            .group_by(tables.order_line.c.id, tables.order_line.c.quantity)
            .having(func.sum(tables.allocation.c.quantity) > tables.order_line.c.quantity)
        ).all()
        counted = connection.execute(select(func.sum(tables.supply.c.quantity))).scalar_one()
        given = connection.execute(select(func.sum(tables.allocation.c.quantity))).scalar_one()
    assert (over, beyond) == ([], [])
    assert 0 < given <= counted


def test_twenty_threads_of_every_kind_lose_nothing_and_show_no_error(
    company: Any, database: Database, now: datetime
) -> None:
    """Counting in, releasing, taking back, counting again and importing, all at once, all about the same two SKUs."""
    with company.open():
        skus = {name: company.product(name) for name in ("OAT", "CUP")}
        customer = company.customer()
        site = company.site(customer)
        for number in range(8):
            lines = {skus["OAT"]: 7, skus["CUP"]: 5}
            company.order(lines, site_id=site, completeness="complete" if number % 4 == 0 else "partial")
    receipts = [company.receipt(("OAT", "CUP")[n % 2], 10 + n, number=f"R-{n}") for n in range(20)]

    def count_in(store: SqlStore, n: int) -> None:
        commit_receipt(store, receipts[n], now=now, by=f"thread {n}")

    def release(store: SqlStore, n: int) -> None:
        release_orders(store, depot_id=company.depot_id, for_day="2026-05-12", now=now, by=f"thread {n}")

    def take_back(store: SqlStore, n: int) -> None:
        released = select(tables.delivery.c.id).where(tables.delivery.c.state == "released").limit(1)
        if (delivery_id := store.connection.scalar(released)) is not None:
            # Of two who take back the same one, the second is told so: a sentence, not a fault.
            with suppress(Conflict):
                unrelease(store, delivery_id, now=now, by=f"thread {n}", why="kept back")

    def count_again(store: SqlStore, n: int) -> None:
        sku = ("OAT", "CUP")[n % 2]
        facts = {"depot_id": company.depot_id, "product_id": skus[sku], "sku": sku}
        store.lock_pools(company.depot_id, {skus[sku]})
        here = sum(shelf.here for shelf in store.shelves(company.depot_id, skus[sku]))
        commit_shelf_count(store, **facts, counted=here - 1, now=now, by=f"thread {n}")

    def take_a_file(store: SqlStore, n: int) -> None:
        store.lock_depot(company.depot_id)
        line = LineIn(number="1", product_id=skus["OAT"], sku="OAT", quantity=3, unit_price=100)
        order = OrderIn(
            row=1, number=f"FILE-{n}", customer_id=customer, site_id=site, depot_id=company.depot_id, ordered_at=now,
            currency="EUR", lines=(line,),
        )  # fmt: skip
        pools = take_orders(store, [order], ImportResult(kind="orders"), now=now, by=f"thread {n}")
        settle_changed(store, pools, now=now, by=f"thread {n}", tell=False, why="new orders")

    def work(n: int) -> None:
        for step in (count_in, release, (take_back, count_again, take_a_file)[n % 3]):
            in_transaction(database, lambda store, step=step: step(store, n))  # type: ignore[misc]

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(20)))
    with database.reading() as connection:
        assert [check for check in check_rows(connection) if check.state == "fail"] == []
        counted_in = select(func.sum(tables.movement.c.quantity)).where(tables.movement.c.from_place == "supplier")
        lost = select(func.count(), func.sum(tables.movement.c.quantity)).where(tables.movement.c.to_place == "lost")
        assert connection.scalar(counted_in) == sum(receipt.quantity for receipt in receipts)
        assert tuple(connection.execute(lost).one()) == (7, 7)
        files = select(func.count()).where(tables.order.c.number.like("FILE-%"))
        assert connection.scalar(files) == 6


def test_goods_of_one_order_that_are_dated_for_one_day_one_after_the_other_are_each_told(
    company: Any, database: Database, now: datetime
) -> None:
    with company.open():
        oat, cup = company.product("OAT"), company.product("CUP")
        company.order({oat: 10, cup: 10})
    for sku in ("OAT", "CUP"):
        with open_store(database) as store:
            commit_receipt(store, company.receipt(sku, 10), now=now, by="test")
    with database.reading() as connection:
        told = connection.scalars(select(tables.notice.c.data).order_by(tables.notice.c.id)).all()
    assert [[goods["name"] for goods in each["goods"]] for each in told] == [["Product OAT"], ["Product CUP"]]
