"""Release: one delivery a site, undone until it is loaded, and every change is an event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from routing.errors import Conflict, NotFound
from routing.model.stock import UnitState
from routing.rules.by_itself import RELEASED_FOR_ANOTHER_DAY
from routing.rules.policies import PolicyRow, Scope
from routing.rules.release import NotReleased
from routing.services.promising import promised_lines
from routing.services.receiving import commit_receipt, reallocate
from routing.services.releasing import release_orders, simulate_release, unrelease, with_days_moved
from routing.services.ruling import Ruling, commit_ruling

TUESDAY = "2026-05-12"
Holdings = Callable[[SqlStore], dict[str, tuple[int, int]]]


@pytest.fixture
def stocked(company: Any, database: Database, now: datetime) -> Any:
    """30 on the shelf: SO-1 and SO-2 go to one site, SO-3 is on hold, SO-4 finds nothing left."""
    with company.open():
        oat = company.product("OAT")
        site = company.site(company.customer(tier=3))
        company.order({oat: 10}, site_id=site)
        company.order({oat: 10}, site_id=site, routing_tier=5)
        company.order({oat: 10}, customer={"tier": 2}, hold_reason="credit", hold_by="Salesperson 1")
        company.order({oat: 10}, customer={"tier": 1})
    with open_store(database) as store:
        commit_receipt(store, company.receipt("OAT", 30), now=now, by="test")
    return company


def test_orders_of_one_site_become_one_delivery_and_the_others_say_why(
    stocked: Any, database: Database, now: datetime, read_dump: Any, read_holdings: Holdings
) -> None:
    before = read_dump(database)
    with database.reading() as connection:
        shown = simulate_release(SqlStore(connection), depot_id=stocked.depot_id, for_day=TUESDAY, now=now)
    assert read_dump(database) == before
    with open_store(database) as store:
        done = release_orders(store, depot_id=stocked.depot_id, for_day=TUESDAY, now=now, by="test")
        assert (done.ready, done.stays) == (shown.ready, shown.stays)
        assert [(order.order, order.quantity, order.whole, order.value) for order in done.ready] == [
            ("SO-1", 10, True, 1000), ("SO-2", 10, True, 1000),
        ]  # fmt: skip
        assert {order.order: order.reasons for order in done.stays} == {
            "SO-3": (NotReleased.ON_HOLD,), "SO-4": (NotReleased.WAITS_FOR_STOCK,),
        }  # fmt: skip
        assert done.stays[0].sentence == "Order SO-3 stays: is on hold: credit."
        # A hold stops the release, not the claim.
        assert read_holdings(store)["SO-3"] == (10, 0)
        delivery = store.connection.execute(select(tables.delivery)).one()
        assert (delivery.number, delivery.tier, delivery.ready_at) == (f"D-{delivery.id:06d}", 5, None)
        kinds = store.connection.execute(
            select(tables.event.c.kind, tables.event.c.order_id).where(tables.event.c.delivery_id == delivery.id)
        ).all()
        assert [row.kind for row in kinds] == ["released", "released"]
    with open_store(database) as store:
        again = release_orders(store, depot_id=stocked.depot_id, for_day=TUESDAY, now=now, by="test")
        assert (again.ready, again.deliveries) == ((), ())
        assert len(store.connection.execute(select(tables.release)).all()) == 1


def test_only_the_orders_that_are_named_go(stocked: Any, database: Database, now: datetime) -> None:
    with open_store(database) as store:
        named = store.order_ids(["SO-2"]).values()
        done = release_orders(store, depot_id=stocked.depot_id, for_day=TUESDAY, now=now, by="test", orders=named)
        assert [order.order for order in done.ready] == ["SO-2"]
        assert done.stays == ()
        with pytest.raises(NotFound, match="SO-99"):
            store.order_ids(["SO-99"])


def test_an_orders_own_number_names_it_also_where_it_is_a_reference_for_another(
    stocked: Any, database: Database
) -> None:
    with database.writing() as connection:
        connection.execute(
            update(tables.order).where(tables.order.c.number == "SO-1").values(customer_reference="SO-2")
        )
        connection.execute(update(tables.order).values(erp_reference="ERP-7"))
        key = connection.execute(select(tables.order.c.id).where(tables.order.c.number == "SO-2")).scalar_one()
    with open_store(database) as store:
        assert store.order_ids(["SO-2"]) == {"SO-2": key}
        with pytest.raises(Conflict, match="Name the order number") as refused:
            store.order_ids(["ERP-7"])
        assert refused.value.code == "several_orders", "waiting does not mend it, so nobody tries it again"


def test_a_release_is_taken_back_until_it_is_loaded(
    stocked: Any, database: Database, now: datetime, read_holdings: Holdings
) -> None:
    with open_store(database) as store:
        done = release_orders(store, depot_id=stocked.depot_id, for_day=TUESDAY, now=now, by="test")
        delivery_id = done.deliveries[0][0]
        # One of the two is picked already: it goes back onto the shelf all the same.
        first = done.ready[0].units[0]
        store.move_units(
            allocation_id=first.allocation_id, from_state=UnitState.RELEASED, to_state=UnitState.PICKED, quantity=4
        )
        unrelease(store, delivery_id, now=now, by="test", why="the customer called")
        states = store.connection.execute(
            select(tables.allocation.c.allocated, tables.allocation.c.released, tables.allocation.c.picked)
        ).all()
        assert {tuple(row) for row in states} == {(10, 0, 0)}
        with pytest.raises(Conflict, match="was taken back already"):
            unrelease(store, delivery_id, now=now, by="test", why="twice")
        again = release_orders(store, depot_id=stocked.depot_id, for_day=TUESDAY, now=now, by="test")
        store.connection.execute(update(tables.delivery).values(state="loaded"))
        with pytest.raises(Conflict, match="is loaded"):
            unrelease(store, again.deliveries[0][0], now=now, by="test", why="too late")


def test_moving_more_units_than_are_there_is_a_conflict(stocked: Any, database: Database, now: datetime) -> None:
    with open_store(database) as store:
        allocation = store.connection.execute(select(tables.allocation.c.id).limit(1)).scalar_one()
        with pytest.raises(Conflict, match="11 units allocated"):
            store.move_units(
                allocation_id=allocation, from_state=UnitState.ALLOCATED, to_state=UnitState.RELEASED, quantity=11
            )


def test_what_a_truck_brings_today_can_be_released_and_tomorrows_cannot(
    company: Any, database: Database, now: datetime
) -> None:
    with company.open():
        oat, cup, tea = company.product("OAT"), company.product("CUP"), company.product("TEA")
        company.inbound(oat, 10, now + timedelta(hours=4))
        company.inbound(cup, 10, now + timedelta(days=1))
        company.inbound(tea, 10, None)
        for product in (oat, cup, tea):
            company.order({product: 10})
    with open_store(database) as store:
        reallocate(
            store, depot_id=company.depot_id, product_ids={oat, cup, tea}, now=now, by="test", why="set up", tell=False
        )
        done = release_orders(store, depot_id=company.depot_id, for_day=TUESDAY, now=now, by="test")
        assert [order.order for order in done.ready] == ["SO-1"]
        assert {order.reasons for order in done.stays} == {(NotReleased.WAITS_FOR_STOCK,)}
        assert store.connection.scalars(select(tables.delivery.c.ready_at)).all() == [now + timedelta(hours=4)]


@pytest.mark.parametrize(
    ("late", "is_expected"), [(timedelta(hours=1), True), (timedelta(days=1), True), (timedelta(days=4), False)]
)
def test_a_late_truck_is_ready_for_a_release_when_the_ledger_says_and_waits_for_stock_once_nobody_counts_on_it(
    company: Any, database: Database, now: datetime, late: timedelta, is_expected: bool
) -> None:
    with company.open():
        oat = company.product("OAT")
        company.connection.execute(update(tables.depot).values(put_away_s=3600))
        company.inbound(oat, 10, now - late)
        order = company.order({oat: 10})
    with open_store(database) as store:
        # It was given to the order while it was still to come.
        reallocate(
            store, depot_id=company.depot_id, product_ids={oat}, now=now - late, by="test", why="set up", tell=False
        )
        (supply,) = store.book(company.depot_id, {oat}, now=now).supplies
        assert supply.ready_at == (now + timedelta(hours=1) if is_expected else None)
        for day in (TUESDAY, "2026-05-13"):
            candidate = store.release_candidates(depot_id=company.depot_id, for_day=day, now=now, orders=[order])[0]
            assert [each.ready_at for each in candidate.units] == ([supply.ready_at] if is_expected else [])
        done = release_orders(store, depot_id=company.depot_id, for_day=TUESDAY, now=now, by="test")
        if is_expected:
            assert store.connection.scalars(select(tables.delivery.c.ready_at)).all() == [supply.ready_at]
        else:
            assert [each.reasons for each in done.stays] == [(NotReleased.WAITS_FOR_STOCK,)]


def test_short_units_wait_again_in_their_old_place_and_refused_ones_are_settled(
    stocked: Any, database: Database, now: datetime, read_holdings: Holdings
) -> None:
    with open_store(database) as store:
        done = release_orders(store, depot_id=stocked.depot_id, for_day=TUESDAY, now=now, by="test")
        units = {order.order: order.units[0].allocation_id for order in done.ready}
        for allocation, outcome in ((units["SO-1"], UnitState.SHORT), (units["SO-2"], UnitState.REFUSED)):
            for before, after, quantity in (
                (UnitState.RELEASED, UnitState.LOADED, 10), (UnitState.LOADED, UnitState.DELIVERED, 8),
                (UnitState.LOADED, outcome, 2),
            ):  # fmt: skip
                store.move_units(allocation_id=allocation, from_state=before, to_state=after, quantity=quantity)
        store.connection.execute(update(tables.delivery).values(state="done"))
        preview = commit_receipt(store, company_receipt(stocked), now=now, by="test")
        # SO-1 (tier 3) is served before SO-4, although SO-4 has waited for stock since the morning.
        assert [(line.order, line.needed, line.firm_after) for line in preview.lines] == [
            ("SO-1", 2, 2), ("SO-3", 10, 10), ("SO-4", 10, 1),
        ]  # fmt: skip


def company_receipt(company: Any) -> Any:
    return company.receipt("OAT", 3)


@pytest.mark.parametrize(
    ("days", "to_come", "goes", "stays"),
    [
        (5, 4, [6], []),
        (6, 4, [], [(NotReleased.INCOMPLETE,)]),
        (5, 0, [6], []),  # nothing more is to come, and it is no longer all or nothing
        (6, 0, [], [(NotReleased.WAITS_FOR_STOCK,)]),  # all or nothing: nothing is kept for it
    ],
)
def test_an_order_that_waited_enough_goes_with_what_is_kept_for_it_here(
    company: Any, database: Database, now: datetime, days: int, to_come: int, goes: list[int], stays: list[Any]
) -> None:
    """Ordered on Thursday 7 May at 01:00 in Helsinki, which is Wednesday in UTC; the 12th is the fifth day after."""
    ordered = now.replace(day=6, hour=22, minute=0)
    with company.open():
        oat = company.product("OAT")
        company.order({oat: 10}, completeness="complete", max_wait_days=days, ordered_at=ordered)
        if to_come:
            company.inbound(oat, to_come, now + timedelta(days=2))
    with open_store(database) as store:
        commit_receipt(store, company.receipt("OAT", 6), now=now, by="test")
        done = simulate_release(store, depot_id=company.depot_id, for_day=TUESDAY, now=now)
    assert [each.quantity for each in done.ready] == goes
    assert [each.reasons for each in done.stays] == stays


def test_what_became_ready_while_a_release_waited_for_its_lock_is_locked_before_it_goes(
    stocked: Any, database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cups are counted in for SO-5 just before the release has its first lock: it takes them along, and by then holds
    the lock of cups too, so that nobody gives them away meanwhile. On SQLite nobody writes beside it."""
    with stocked.open():
        cup = stocked.product("CUP")
        stocked.order({cup: 10})
    locked: list[set[int]] = []
    lock_pools = SqlStore.lock_pools

    def lock(self: SqlStore, depot_id: int, product_ids: Any) -> None:
        if self is not releasing:
            lock_pools(self, depot_id, product_ids)
            return
        if not locked:
            count_cups()
        locked.append(set(product_ids))
        lock_pools(self, depot_id, product_ids)

    def count_cups() -> None:
        if not database.is_sqlite:
            with open_store(database) as other:
                commit_receipt(other, stocked.receipt("CUP", 10), now=now, by="test")

    monkeypatch.setattr(SqlStore, "lock_pools", lock)
    with open_store(database) as releasing:
        done = release_orders(releasing, depot_id=stocked.depot_id, for_day=TUESDAY, now=now, by="test")
        moved = set(
            releasing.connection.scalars(
                select(tables.supply.c.product_id)
                .join(tables.allocation, tables.allocation.c.supply_id == tables.supply.c.id)
                .where(tables.allocation.c.released > 0)
            )
        )
    assert ("SO-5" in [order.order for order in done.ready]) is not database.is_sqlite
    assert moved <= locked[-1]


def test_what_goes_out_later_than_it_was_promised_breaks_its_promise_and_its_customer_is_told(
    stocked: Any, database: Database, now: datetime
) -> None:
    """SO-1 and SO-2 lie there for Tuesday and are released for Friday."""
    friday = "2026-05-15"
    with database.reading() as connection:
        store = SqlStore(connection)
        found = simulate_release(store, depot_id=stocked.depot_id, for_day=friday, now=now)
        assert found.moved == ()
        shown = with_days_moved(store, found, now=now)
    assert [(line.order, line.old_day, line.new_day, line.promised_on, line.slips, line.breaks)
            for line in shown.moved] == [
        ("SO-1", TUESDAY, friday, TUESDAY, True, True), ("SO-2", TUESDAY, friday, TUESDAY, True, True),
    ]  # fmt: skip
    with open_store(database) as store:
        before = len(store.connection.execute(select(tables.notice)).all())
        done = release_orders(store, depot_id=stocked.depot_id, for_day=friday, now=now, by="test")
        assert done.moved == shown.moved
        dated = store.connection.execute(
            select(tables.order_line.c.expected_on, tables.promise.c.promised_on, tables.promise.c.why)
            .join(tables.promise, tables.promise.c.order_line_id == tables.order_line.c.id)
            .where(tables.promise.c.version == 2)
        ).all()
        assert [tuple(row) for row in dated] == [(friday, friday, RELEASED_FOR_ANOTHER_DAY)] * 2
        told = store.connection.execute(select(tables.notice).order_by(tables.notice.c.id)).all()[before:]
        assert [(row.kind, row.data["why"]) for row in told] == [("date_changed", ["not_sent"])] * 2
        lines = promised_lines(store, depot_id=stocked.depot_id, now=now)
        assert {line.order: (line.expected_on, line.broken) for line in lines if line.order in ("SO-1", "SO-2")} == {
            "SO-1": (friday, False), "SO-2": (friday, False),
        }  # fmt: skip


def test_what_goes_out_on_its_day_moves_nothing(stocked: Any, database: Database, now: datetime) -> None:
    with open_store(database) as store:
        done = release_orders(store, depot_id=stocked.depot_id, for_day=TUESDAY, now=now, by="test")
        assert done.moved == ()
        assert store.connection.scalars(select(tables.promise.c.version)).all() == [1, 1], "SO-3 is on hold"


@pytest.mark.parametrize(("tells_earlier", "is_told"), [(None, False), (1, True)])
def test_what_goes_out_sooner_than_expected_is_expected_then_at_once(
    stocked: Any, database: Database, now: datetime, tells_earlier: int | None, is_told: bool
) -> None:
    """SO-1 and SO-2 lie there and stand in the book for Friday; they are released for Tuesday."""
    friday = "2026-05-15"
    with stocked.open():
        stocked.connection.execute(update(tables.order_line).values(expected_on=friday, own_day=friday))
        stocked.connection.execute(update(tables.promise).values(promised_on=friday))
        if tells_earlier:
            stocked.add(
                tables.policy, scope="company", name="promise_earlier_days", value=tells_earlier,
                effective_from=TUESDAY, by="test", at=now,
            )  # fmt: skip
    with database.reading() as connection:
        store = SqlStore(connection)
        shown = with_days_moved(
            store, simulate_release(store, depot_id=stocked.depot_id, for_day=TUESDAY, now=now), now=now
        )
    seen = {line.order: (line.old_day, line.new_day, line.sooner) for line in shown.moved}
    assert (seen["SO-1"], seen["SO-2"]) == ((friday, TUESDAY, is_told),) * 2
    with open_store(database) as store:
        done = release_orders(store, depot_id=stocked.depot_id, for_day=TUESDAY, now=now, by="test")
        assert done.moved == shown.moved
        days = store.connection.scalars(
            select(tables.order_line.c.expected_on)
            .join(tables.order, tables.order.c.id == tables.order_line.c.order_id)
            .where(tables.order.c.number.in_(["SO-1", "SO-2"]))
        ).all()
        assert days == [TUESDAY] * 2
        told = store.connection.execute(select(tables.notice).where(tables.notice.c.kind == "date_changed")).all()
        assert sorted({row.subject_id for row in told} & {1, 2}) == ([1, 2] if is_told else [])


def test_what_goes_in_part_stays_expected_with_its_rest(company: Any, database: Database, now: datetime) -> None:
    with company.open():
        oat = company.product("OAT")
        company.inbound(oat, 6, now + timedelta(days=2))
        company.order({oat: 10})
    with open_store(database) as store:
        commit_receipt(store, company.receipt("OAT", 4), now=now, by="test")
        done = release_orders(store, depot_id=company.depot_id, for_day=TUESDAY, now=now, by="test")
        assert ([order.quantity for order in done.ready], done.moved) == ([4], ())
        assert store.connection.scalars(select(tables.order_line.c.expected_on)).all() == ["2026-05-14"]


WEDNESDAY = "2026-05-13"


@pytest.fixture
def waits_until_wednesday(company: Any, database: Database, now: datetime) -> Any:
    """SO-1, of a high tier, ships complete and waits five days at most: ordered on Friday 8 May, until Wednesday. It
    wants 10 of the 6 on the shelf, which SO-2 was given, promised for Tuesday, and may give up."""
    with company.open():
        oat = company.product("OAT")
        company.order(
            {oat: 10}, customer={"tier": 3}, completeness="complete", max_wait_days=5,
            ordered_at=now - timedelta(days=4),
        )  # fmt: skip
        company.order({oat: 6}, customer={"rank_rule": "may_give_up"}, ordered_at=now - timedelta(days=3))
    with open_store(database) as store:
        commit_receipt(store, company.receipt("OAT", 6), now=now, by="test")
    return company


def test_who_has_waited_enough_by_the_day_of_a_release_is_given_what_there_is_and_it_is_shown(
    waits_until_wednesday: Any, database: Database, now: datetime, read_holdings: Holdings
) -> None:
    company = waits_until_wednesday
    with database.reading() as connection:
        store = SqlStore(connection)
        before = read_holdings(store)
        today = simulate_release(store, depot_id=company.depot_id, for_day=TUESDAY, now=now)
        shown = simulate_release(store, depot_id=company.depot_id, for_day=WEDNESDAY, now=now)
        shown = with_days_moved(store, shown, now=now)
    assert ([each.order for each in today.stays], [each.given for each in today.ready]) == (["SO-1"], [False])
    assert [(each.order, each.quantity, each.given) for each in shown.ready] == [("SO-1", 6, True)]
    moved = {line.order: line for line in shown.moved}
    assert (moved["SO-2"].firm_before, moved["SO-2"].firm_after) == (before["SO-2"][0], 0)
    assert moved["SO-2"].loses
    with open_store(database) as store:
        done = release_orders(store, depot_id=company.depot_id, for_day=WEDNESDAY, now=now, by="test")
        assert [(each.order, each.quantity, each.given) for each in done.ready] == [("SO-1", 6, True)]
        assert done.moved == shown.moved
        released = store.connection.execute(
            select(tables.allocation.c.allocated, tables.allocation.c.released).where(tables.allocation.c.released > 0)
        ).all()
        assert [tuple(row) for row in released] == [(0, 6)]
        assert read_holdings(store).get("SO-2", (0, 0))[0] == 0
        told = store.connection.execute(
            select(tables.notice.c.subject_id, tables.notice.c.data).where(tables.notice.c.kind == "date_changed")
        ).all()
        assert 2 in {row.subject_id for row in told}
        again = reallocate(store, depot_id=company.depot_id, product_ids={1}, now=now, by="test", why="looked again")
        assert [line for line in again.lines if line.changed] == []


def test_who_stays_for_another_reason_takes_nothing_by_a_release_of_a_later_day(
    waits_until_wednesday: Any, database: Database, now: datetime, read_holdings: Holdings
) -> None:
    company = waits_until_wednesday
    with company.open():
        company.connection.execute(
            update(tables.order).where(tables.order.c.number == "SO-1").values(hold_reason="asked to wait")
        )
    with open_store(database) as store:
        before = read_holdings(store)
        done = release_orders(store, depot_id=company.depot_id, for_day=WEDNESDAY, now=now, by="test")
        assert [each.order for each in done.ready] == ["SO-2"]
        assert read_holdings(store) == before


@pytest.mark.parametrize(
    ("then", "wants", "goes"), [("partial", {"OAT": 10}, 6), ("per_line", {"OAT": 6, "RYE": 4}, 6), ("complete", {}, 0)]
)
def test_who_may_ship_in_parts_by_a_policy_of_the_day_of_a_release_is_given_what_there_is(
    company: Any, database: Database, now: datetime, then: str, wants: dict[str, int], goes: int
) -> None:
    """SO-1's customer wants all or nothing today, and otherwise from Wednesday on."""
    with company.open():
        skus = {sku: company.product(sku) for sku in ("OAT", "RYE")}
        company.order({skus[sku]: units for sku, units in (wants or {"OAT": 10}).items()}, customer={"tier": 3})
        customer = company.connection.scalar(select(tables.order.c.customer_id))
    words = {"scope": Scope.CUSTOMER, "scope_id": customer, "name": "completeness"}
    today = PolicyRow(**words, value="complete", effective_from=TUESDAY)
    with open_store(database) as store:
        commit_ruling(store, Ruling(row=today), now=now, by="test")
        later = PolicyRow(**words, value=then, effective_from=WEDNESDAY)
        commit_ruling(store, Ruling(row=later), now=now, by="test")
        commit_receipt(store, company.receipt("OAT", 6), now=now, by="test")
        assert not simulate_release(store, depot_id=company.depot_id, for_day=TUESDAY, now=now).ready
        shown = simulate_release(store, depot_id=company.depot_id, for_day=WEDNESDAY, now=now)
        shown = with_days_moved(store, shown, now=now)
        done = release_orders(store, depot_id=company.depot_id, for_day=WEDNESDAY, now=now, by="test")
        by_policy = [(each.order, each.quantity, each.given, each.by_policy) for each in done.ready]
        assert by_policy == ([("SO-1", goes, True, True)] if goes else [])
        assert (done.ready == () and shown.ready == ()) or done.moved == shown.moved
        released = store.connection.scalar(select(func.sum(tables.allocation.c.released)))
        assert (released or 0) == goes
        whys = store.connection.scalars(select(tables.promise.c.why)).all()
        assert "an order has waited enough" not in whys
        again = reallocate(
            store, depot_id=company.depot_id, product_ids=set(skus.values()), now=now, by="test", why="looked again"
        )
        assert [line for line in again.lines if line.changed] == []
