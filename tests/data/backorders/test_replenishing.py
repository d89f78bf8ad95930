"""What to order, from rows of both databases, against numbers made by hand."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest

from data import tables
from data.importers.sources import import_sources
from data.store import open_store
from routing.engines.forecasts import smoothed
from routing.rules.replenishment import Advice, forecast
from routing.services.receiving import commit_receipts
from routing.services.replenishing import replenishment
from tests.data.backorders.conftest import NOW, Company


def advice(company: Company) -> dict[str, Advice]:
    with open_store(company.database) as store:
        return {each.facts.sku: each for each in replenishment(store, depot_id=company.depot_id, now=NOW)}


def test_the_order_is_what_is_missing_to_the_reorder_point_in_whole_cases(company: Company) -> None:
    # 30 days of 10 units and no deviation; 7 days usual lead time and 7 of review: the point is 140. All 300 wanted,
    # 100 on the shelf, 48 on order of which 24 are overdue: 148 - 300 = -152, so 292 are missing: 25 cases of 12.
    with company.open():
        supplier_id = company.add(tables.supplier, number="MILL", name="Mill")
        oats = company.product("OAT", supplier_id=supplier_id)
        for n in range(1, 31):
            company.order({oats: 10}, ordered_at=NOW - timedelta(days=n))
        company.inbound(oats, 24, NOW - timedelta(days=2), supplier_id=supplier_id)
        company.inbound(oats, 24, NOW + timedelta(days=2), supplier_id=supplier_id)
    receipt = company.receipt("OAT", 100)
    with open_store(company.database) as store:
        commit_receipts(store, [receipt], now=NOW, by="test")
    found = advice(company)["OAT"]
    assert (found.demand.mean, found.demand.deviation, found.lead_from) == (10, 0, "usual")
    assert (found.facts.on_hand, found.facts.on_order) == (100, 48)
    assert found.facts.allocated + found.facts.unallocated == 300
    assert (found.reorder_point, found.position, found.order, found.cases) == (140, -152, 300, 25)
    assert found.uncovered == 152
    assert [(each.number, each.units) for each in found.facts.overdue] == [("PO-1", 24)]
    assert found.facts.sources == ("MILL",)
    assert found.few_sources


def test_of_too_little_history_only_what_is_waited_for_is_ordered_in_whole_cases(company: Company) -> None:
    with company.open():
        oats = company.product("OAT")
        company.order({oats: 10}, ordered_at=NOW - timedelta(days=3))
    found = advice(company)["OAT"]
    assert found.refused == "3 days of orders; 28 are needed to say what a day takes."
    assert (found.uncovered, found.order, found.cases, found.only_waited_for) == (10, 12, 1, True)
    with company.open():
        company.inbound(oats, 10, NOW + timedelta(days=2))
    covered = advice(company)["OAT"]
    assert (covered.uncovered, covered.order, covered.only_waited_for) == (0, 0, False)


def test_a_company_without_goods_has_nothing_to_order(company: Company) -> None:
    with company.open():
        company.product("OAT")
    assert advice(company) == {}


def file_of(*rows: str) -> io.BytesIO:
    return io.BytesIO("\n".join(["supplier,sku,name,email,language,lead_days", *rows]).encode())


def test_sources_are_named_by_a_file_and_the_same_file_again_changes_nothing(company: Company) -> None:
    with company.open():
        company.order({company.product("OAT"): 10}, ordered_at=NOW - timedelta(days=40))
    rows = ("MILL,OAT,The Mill,mill@example.com,fi,5", "FARM,OAT,,,,", "COOP,OAT,,,,3")
    with open_store(company.database) as store:
        made = import_sources(store, file_of(*rows), now=NOW, by="test")
        again = import_sources(store, file_of(*rows), now=NOW, by="test")
    assert (made.created, made.errors) == (3, [])
    assert (again.created, again.changed, again.unchanged) == (0, 0, 3)
    assert advice(company)["OAT"].facts.sources == ("COOP", "FARM", "MILL")
    assert not advice(company)["OAT"].few_sources


@pytest.mark.parametrize(
    ("row", "said"),
    [("MILL,NONE,,,,", 'no product "NONE"'), ("MILL,,,nobody,,", "no address"), (",,Nobody,,,", "supplier")],
)
def test_a_wrong_source_is_left_out_with_the_mend(company: Company, row: str, said: str) -> None:
    with open_store(company.database) as store:
        result = import_sources(store, file_of(row, "MILL,,,,,1"), now=NOW, by="test")
    assert [said in error.what for error in result.errors] == [True]
    assert result.created == 1


def test_the_engine_is_used_only_where_it_beats_last_week() -> None:
    assert forecast([10, 20] * 8, smoothed).uses == "smoothed"
    steady = forecast([50] * 16, smoothed)
    assert (steady.uses, steady.next_week) == ("naive", 50.0)
