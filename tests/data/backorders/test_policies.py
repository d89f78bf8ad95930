"""A policy is shown, then kept with the goods given out by it: of the company, a customer, an order."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from routing.errors import InvalidInput, NotFound
from routing.model.orders import AllocationPolicy, AllocationRule
from routing.rules.allocation import ranked
from routing.rules.policies import PolicyRow, Scope
from routing.services.receiving import commit_receipt
from routing.services.releasing import simulate_release
from routing.services.ruling import Ruling, commit_ruling, policy_day, simulate_ruling, with_todays_goods
from tests.data.backorders.conftest import holdings

TODAY = "2026-05-12"


def ruling(
    name: str, value: object, *, scope: str = "company", whom: int = 0, begins: str = TODAY, to: str = ""
) -> Ruling:
    row = PolicyRow(scope=Scope(scope), scope_id=whom, name=name, value=value, effective_from=begins, effective_to=to)
    return Ruling(row=row)


@pytest.fixture
def two(company: Any, database: Database, now: datetime) -> dict[str, int]:
    """10 on the shelf; SO-1 of a low tier ordered first and may give up, SO-2 of tier 3; 10 wanted by each."""
    with company.open():
        oat = company.product("OAT")
        orders = [
            company.order({oat: 10}, customer={"rank_rule": "may_give_up"}),
            company.order({oat: 10}, customer={"tier": 3}),
        ]
    with open_store(database) as store:
        commit_receipt(store, company.receipt("OAT", 10), now=now, by="test")
        assert holdings(store) == {"SO-2": (10, 0)}
    return {"oat": oat, "first": orders[0], "second": orders[1], "depot": company.depot_id}


def customer_of(store: SqlStore, order_id: int) -> int:
    query = select(tables.order.c.customer_id).where(tables.order.c.id == order_id)
    return int(store.connection.execute(query).scalar_one())


def test_a_customer_s_policy_is_shown_without_writing_and_then_moves_the_goods(
    database: Database, two: dict[str, int], now: datetime
) -> None:
    """SO-2's customer may give up what it holds and everybody is served by who ordered first: SO-1 gets the 10."""
    with open_store(database) as store:
        mine = customer_of(store, two["second"])
        may_give_up = ruling("rank_rule", "may_give_up", scope="customer", whom=mine)
        commit_ruling(store, may_give_up, now=now, by="test")
        assert holdings(store) == {"SO-2": (10, 0)}, "the higher tier still comes first"
        first_ordered = ruling("allocation_rule", "first_ordered")
        _, previews = simulate_ruling(store, first_ordered, now=now)
        shown = {line.order: (line.firm_before, line.firm_after) for line in previews[0].lines}
        assert shown == {"SO-1": (0, 10), "SO-2": (10, 0)}
        assert holdings(store) == {"SO-2": (10, 0)}, "showing writes nothing"
        _, done = commit_ruling(store, first_ordered, now=now, by="test")
        assert {line.order: (line.firm_before, line.firm_after) for line in done[0].lines} == shown
        assert holdings(store) == {"SO-1": (10, 0)}


def test_an_order_that_is_made_to_ship_complete_gives_back_what_it_cannot_use(
    company: Any, database: Database, now: datetime
) -> None:
    """SO-1 wants 10 oat and 10 cups, only oat is there; shipping complete it takes none and SO-2 gets the oat."""
    with company.open():
        oat, cup = company.product("OAT"), company.product("CUP")
        first = company.order({oat: 10, cup: 10})
        company.order({oat: 10})
    with open_store(database) as store:
        commit_receipt(store, company.receipt("OAT", 10), now=now, by="test")
        assert holdings(store) == {"SO-1": (10, 0)}
        commit_ruling(store, ruling("completeness", "complete", scope="order", whom=first), now=now, by="test")
        assert holdings(store) == {"SO-2": (10, 0)}
        assert store.related_products(company.depot_id, {oat}) == {oat, cup}, "its SKUs are decided together"
        ended = store.policies().rows[0]
        commit_ruling(store, Ruling(ends=ended.id), now=now, by="test")
        assert store.related_products(company.depot_id, {oat}) >= {oat}
        stays = simulate_release(store, depot_id=company.depot_id, for_day=TODAY, now=now).stays
        assert "ships complete" not in " ".join(order.sentence for order in stays)


def test_a_customer_s_smallest_part_holds_a_release_back(company: Any, database: Database, now: datetime) -> None:
    """6 of 10 are there: at 60 percent they go, at 70 they stay."""
    with company.open():
        oat = company.product("OAT")
        order = company.order({oat: 10})
    with open_store(database) as store:
        commit_receipt(store, company.receipt("OAT", 6), now=now, by="test")
        mine = customer_of(store, order)
        for percent, ready in ((60, 1), (70, 0)):
            commit_ruling(store, ruling("min_percent", str(percent), scope="customer", whom=mine), now=now, by="test")
            found = simulate_release(store, depot_id=company.depot_id, for_day=TODAY, now=now)
            assert len(found.ready) == ready, percent


def test_a_policy_of_a_later_day_changes_nothing_today_and_a_job_waits_for_its_day(
    database: Database, two: dict[str, int], now: datetime
) -> None:
    with open_store(database) as store:
        mine = customer_of(store, two["second"])
        commit_ruling(store, ruling("rank_rule", "may_give_up", scope="customer", whom=mine), now=now, by="test")
        later = ruling("allocation_rule", "first_ordered", begins="2026-05-14", to="2026-05-15")
        row, shown = simulate_ruling(store, later, now=now)
        (ahead,) = with_todays_goods(store, row, now=now)
        assert [line.order for line in ahead.goes] == ["SO-1"], "shown with today's goods"
        assert commit_ruling(store, later, now=now, by="test")[1] == shown == []
        assert holdings(store) == {"SO-2": (10, 0)}
        jobs = store.connection.execute(
            select(tables.job.c.kind, tables.job.c.data, tables.job.c.not_before).order_by(tables.job.c.not_before)
        ).all()
        assert [(job.kind, job.not_before.isoformat()[:16]) for job in jobs] == [
            ("policy_day", "2026-05-13T21:00"), ("policy_day", "2026-05-15T21:00"),
        ]  # fmt: skip
        policy_day(store, row_id=jobs[0].data["row"], now=now + timedelta(days=2), by="policy")
        assert holdings(store) == {"SO-1": (10, 0)}


@pytest.mark.parametrize("hour", [15, 22])
def test_a_policy_takes_effect_at_the_midnight_of_the_depot_not_of_the_company(
    database: Database, two: dict[str, int], now: datetime, hour: int
) -> None:
    """Depot in New York, company in Helsinki, where the 13th begins at 21:00 UTC: at the depot it begins at 04:00."""
    now = now.replace(hour=hour)
    with open_store(database) as store:
        store.connection.execute(update(tables.depot).values(zone="America/New_York"))
        mine = customer_of(store, two["second"])
        begins = TODAY if hour == 15 else "2026-05-13"
        commit_ruling(
            store, ruling("rank_rule", "may_give_up", scope="customer", whom=mine, begins=begins), now=now, by="test"
        )
        later = ruling("allocation_rule", "first_ordered", begins="2026-05-13")
        row, _ = simulate_ruling(store, later, now=now)
        ahead = with_todays_goods(store, row, now=now)
        assert [line.order for preview in ahead for line in preview.goes] == ["SO-1" if hour == 15 else "SO-2"]
        assert commit_ruling(store, later, now=now, by="test")[1] == []
        jobs = store.connection.execute(select(tables.job.c.data, tables.job.c.not_before)).all()
        assert {job.not_before.isoformat()[:16] for job in jobs} == {"2026-05-13T04:00"}
        assert holdings(store) == {"SO-2": (10, 0)}
        policy_day(store, row_id=jobs[-1].data["row"], now=jobs[-1].not_before, by="policy")
        assert holdings(store) == {"SO-1": (10, 0)}


def test_what_cannot_be_is_refused_and_nothing_is_written(
    database: Database, two: dict[str, int], now: datetime
) -> None:
    with open_store(database) as store:
        for wrong in (ruling("min_percent", "200"), ruling("min_percent", "5", begins="2026-05-11")):
            with pytest.raises(InvalidInput):
                commit_ruling(store, wrong, now=now, by="test")
        with pytest.raises(NotFound, match="no longer there"):
            commit_ruling(store, Ruling(ends=99), now=now, by="test")
        assert store.policies().rows == ()
        assert holdings(store) == {"SO-2": (10, 0)}


def test_a_line_that_has_no_date_and_gets_none_is_no_change(company: Any, database: Database, now: datetime) -> None:
    """SO-1 was promised a day, its truck was cancelled long ago: shown again, nothing of it changes."""
    with company.open():
        oat = company.product("OAT")
        order = company.order({oat: 10})
        line = company.connection.execute(
            select(tables.order_line.c.id).where(tables.order_line.c.order_id == order)
        ).scalar_one()
        company.add(tables.promise, order_line_id=line, promised_on="2026-05-11", why="ordered", by="test", made_at=now)
    with open_store(database) as store:
        _, previews = simulate_ruling(store, ruling("allocation_rule", "first_ordered"), now=now)
        assert [line for preview in previews for line in preview.changed] == []


def test_who_was_promised_first_ranks_first_whichever_skus_are_looked_at(
    company: Any, database: Database, now: datetime
) -> None:
    """SO-2 was promised its cups on the 13th and SO-1 its oat drink on the 14th: SO-2's oat drink comes first too,
    though it was promised for the 20th. Cups that nobody waits for any more count for nothing."""
    with company.open():
        oat, cups = company.product("OAT"), company.product("CUP")
        first, second = company.order({oat: 10}), company.order({oat: 10, cups: 5})
        lines = select(tables.order_line.c.id).order_by(tables.order_line.c.id)
        for line_id, day in zip(
            company.connection.scalars(lines).all(), ("2026-05-14", "2026-05-20", "2026-05-13"), strict=True
        ):
            company.add(tables.promise, order_line_id=line_id, version=1, promised_on=day, why="", by="", made_at=now)
    with open_store(database) as store:
        commit_ruling(store, ruling("allocation_rule", "promised_date"), now=now, by="test")
        orders = {each.id: each.promised_on for each in store.book(company.depot_id, [oat], now=now).orders}
        assert orders == {first: "2026-05-14", second: "2026-05-13"}
        commit_receipt(store, company.receipt("OAT", 10), now=now, by="test")
        assert holdings(store) == {"SO-2": (10, 0)}
        store.connection.execute(
            update(tables.order_line).where(tables.order_line.c.product_id == cups).values(cancelled=5)
        )
        again = {each.id: each.promised_on for each in store.book(company.depot_id, [oat], now=now).orders}
        assert again == {first: "2026-05-14", second: "2026-05-20"}


RANKED = {
    "tier_then_first_ordered": ["SO-3", "SO-1", "SO-2"],
    "first_ordered": ["SO-1", "SO-2", "SO-3"],
    "promised_date": ["SO-3", "SO-1", "SO-2"],
    "fair_share": ["SO-1", "SO-2", "SO-3"],
}
"""How each rule ranks the orders of the test below, whose oat drink alone says little of SO-2 and SO-3: SO-2 wants the
most goods, SO-3 the fewest units and has the highest tier and the earliest promise."""


def test_of_every_rule_it_is_looked_at_how_it_ranks_what_the_store_reads() -> None:
    assert RANKED.keys() == set(AllocationRule), "say in RANKED how it ranks: a value that nobody reads ranks nobody"


@pytest.mark.parametrize("rule", AllocationRule)
def test_an_order_ranks_alike_whichever_skus_are_looked_at(
    company: Any, database: Database, now: datetime, rule: AllocationRule
) -> None:
    """A book of oat drink alone has only the oat drink of SO-2 and SO-3. A rule that weighs the cups too must have read
    what they come to: see `rank_of`."""
    with company.open():
        oat, cups = company.product("OAT"), company.product("CUP")
        for goods in ({oat: 10}, {oat: 4, cups: 20}):
            company.order(goods)
        company.order({oat: 6, cups: 1}, customer={"tier": 3})
        lines = company.connection.scalars(select(tables.order_line.c.id).order_by(tables.order_line.c.id)).all()
        for line_id, n in zip(lines, (14, 15, 16, 20, 13), strict=True):
            day = f"2026-05-{n}"
            company.add(tables.promise, order_line_id=line_id, version=1, promised_on=day, why="", by="", made_at=now)
    with open_store(database) as store:
        some, every = (
            store.book(company.depot_id, skus, now=now, ranked_by=rule).orders for skus in ([oat], [oat, cups])
        )
    policy = AllocationPolicy(rule=rule)
    assert [each.number for each in ranked(every, policy)] == RANKED[rule]
    assert [each.number for each in ranked(some, policy)] == RANKED[rule]
