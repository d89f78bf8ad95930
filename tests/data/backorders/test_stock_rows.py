"""What there is of a SKU, who gets it and when it turns: counted by hand, in both databases."""

from __future__ import annotations

from datetime import timedelta

from data import tables
from data.queries.stock import count_stock_rows, stock_rows
from data.store import open_store
from routing.services.promising import promised_lines, sku_ledgers
from routing.services.receiving import commit_receipts
from tests.data.backorders.conftest import NOW, Company


def fill(company: Company) -> None:
    """24 oats on the shelf; 36 wanted now (SO-2 of the higher tier first) and 60 from the 19th on; 96 come on the 15th.
    12 teas lie here and nobody wants one; of cups there is nothing, and 5 are wanted."""
    with company.open():
        oats, _tea, cup = (company.product(sku) for sku in ("OAT", "TEA", "CUP"))
        company.product("NONE")
        company.order({oats: 18})
        company.order({oats: 18}, customer={"tier": 3})
        company.order({oats: 60}, wanted_on="2026-05-19")
        company.order({cup: 5})
        company.inbound(oats, 96, NOW + timedelta(days=3))
        company.inbound(oats, 7, None)
    receipts = [company.receipt("OAT", 24), company.receipt("TEA", 12)]
    with open_store(company.database) as store:
        commit_receipts(store, receipts, now=NOW, by="test")


def test_every_number_of_a_sku_is_counted_by_hand(company: Company) -> None:
    fill(company)
    with company.database.reading() as connection:
        rows = {row.sku: row for row in stock_rows(connection)}
        assert count_stock_rows(connection) == 3
        assert [row.sku for row in stock_rows(connection, sort="uncovered")] == ["CUP", "OAT", "TEA"]
        assert [row.sku for row in stock_rows(connection, sort="wanted", limit=1, offset=1)] == ["CUP"]
        assert next(row.sku for row in stock_rows(connection, sort="expected")) == "OAT"
        assert [row.sku for row in stock_rows(connection, text="product c")] == ["CUP"]
        assert stock_rows(connection, text="%") == []
    oat = rows["OAT"]
    assert (oat.on_hand, oat.allocated, oat.available) == (24, 24, 0)
    assert (oat.inbound, oat.wanted, oat.lines) == (103, 96, 3)
    assert (oat.uncovered, oat.unallocated) == (0, 96 - 24 - oat.on_inbound)
    assert [(each.day, each.units) for each in oat.coming] == [("2026-05-15", 96), ("", 7)]
    assert (rows["TEA"].on_hand, rows["TEA"].available, rows["TEA"].wanted) == (12, 12, 0)
    assert (rows["CUP"].uncovered, rows["CUP"].next_expected) == (5, "")


def test_of_what_is_covered_that_which_somebody_waits_for_stands_before_what_only_lies_there(company: Company) -> None:
    fill(company)
    with company.open():
        company.product("ALE")
    with open_store(company.database) as store:
        commit_receipts(store, [company.receipt("ALE", 12)], now=NOW, by="test")
    with company.database.reading() as connection:
        assert [row.sku for row in stock_rows(connection, sort="uncovered")] == ["CUP", "OAT", "ALE", "TEA"]


def test_the_ledger_turns_on_the_day_of_the_truck(company: Company) -> None:
    fill(company)
    with open_store(company.database) as store:
        (ledger,) = sku_ledgers(store, "OAT", now=NOW)
        assert [line for line in promised_lines(store, depot_id=company.depot_id, now=NOW) if line.sku == "OAT"] == [
            *ledger.lines
        ]
        assert sku_ledgers(store, "NONE", now=NOW) == []
        assert sku_ledgers(store, "no such", now=NOW) == []
        (cup,) = sku_ledgers(store, "CUP", now=NOW)
    assert [(each.day, each.supply, each.demand, each.balance) for each in ledger.days[:-1]] == [
        ("2026-05-12", 24, 36, -12),
        ("2026-05-15", 120, 36, 84),
        ("2026-05-19", 120, 96, 24),
    ]
    assert (ledger.days[-1].day, ledger.days[-1].comes) == ("", 7)
    assert (ledger.short_from, ledger.covered_from) == ("2026-05-12", "2026-05-15")
    assert [(line.order, line.tier, line.open) for line in ledger.lines] == [
        ("SO-2", 3, 18), ("SO-1", 1, 18), ("SO-3", 1, 60),
    ]  # fmt: skip
    assert (cup.short_from, cup.covered_from) == ("2026-05-12", "")


def test_what_is_gone_or_cancelled_is_in_no_number(company: Company) -> None:
    with company.open():
        oats = company.product("OAT")
        company.order({oats: 18}, cancelled_at=NOW)
        company.inbound(oats, 96, NOW, cancelled_at=NOW)
        company.add(
            tables.supply, kind="receipt", number="R-9", depot_id=company.depot_id, product_id=oats, quantity=10,
            quarantined=4, counted_at=NOW,
        )  # fmt: skip
    with company.database.reading() as connection:
        (row,) = stock_rows(connection, sku="OAT")
    assert (row.on_hand, row.available, row.inbound, row.wanted, row.uncovered) == (6, 6, 0, 0, 0)
