"""The demo's files keep the promises their README makes."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import phonenumbers
import pytest

from data.demo.generate import EXTRACT, HERE, REVIEW, generate
from routing.engines.addresses.gazetteer import Gazetteer
from routing.engines.addresses.gazetteer_build import build_gazetteer
from routing.model.places import PinQuality, metres_between

FILES = sorted(path.name for path in HERE.glob("*.csv"))
DAYS = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"}


def rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def by(key: str, name: str) -> dict[str, dict[str, str]]:
    return {row[key]: row for row in rows(name)}


def of_part(part: str) -> list[str]:
    return [row["order"] for row in rows("story.csv") if row["part"] == part]


@pytest.fixture(scope="module")
def gazetteer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gazetteer]:
    path = tmp_path_factory.mktemp("demo") / "gazetteer.sqlite"
    build_gazetteer(EXTRACT, path)
    with Gazetteer(path) as opened:
        yield opened


def test_generating_again_gives_the_committed_files(tmp_path: Path) -> None:
    counts = generate(tmp_path)
    assert sorted(counts) == FILES
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (HERE / name).read_bytes(), f"{name}: run python -m data.demo.generate"


def test_the_readme_counts_the_rows_right() -> None:
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    for name in FILES:
        told = re.search(rf"^\| `{re.escape(name)}` .*?(\d+)[^|]*\|$", readme, re.MULTILINE)
        assert told, name
        assert int(told[1]) == len(rows(name)), name
    assert f"lines of {len({row['order'] for row in rows('orders.csv')})} orders" in readme


def test_there_is_a_day_of_work() -> None:
    orders = by("order", "orders.csv")
    assert len(orders) == 150
    assert len(rows("orders.csv")) >= 340
    assert len(rows("products.csv")) == 81
    assert len(rows("customers.csv")) == 108
    kinds = Counter(row["kind"] for row in rows("fleet.csv"))
    assert kinds == {"depot": 2, "zone": 2, "vehicle": 8, "driver": 7, "shift": 7}


def test_every_reference_leads_somewhere() -> None:
    products, sites, fleet = by("sku", "products.csv"), by("site", "customers.csv"), by("number", "fleet.csv")
    inbound = by("number", "inbound.csv")
    every_order = {**by("order", "orders.csv"), **by("order", "orders_history.csv")}
    for name in ("orders.csv", "orders_history.csv"):
        for row in rows(name):
            assert row["sku"] in products
            assert sites[row["site"]]["customer"] == row["customer"]
            assert fleet[row["depot"]]["kind"] == "depot"
    for name in ("inbound.csv", *(name for name in FILES if name.startswith("receipt_"))):
        for row in rows(name):
            assert row["sku"] in products
            assert fleet[row["depot"]]["kind"] == "depot"
            assert not row.get("inbound") or inbound[row["inbound"]]["sku"] == row["sku"]
    for row in rows("history.csv"):
        assert row["order"] in every_order
        assert not row["driver"] or fleet[row["driver"]]["kind"] == "driver"
        assert not row["vehicle"] or fleet[row["vehicle"]]["kind"] == "vehicle"
    for row in rows("story.csv"):
        assert every_order[row["order"]]["site"] == row["site"]
    for row in fleet.values():
        if row["kind"] == "shift":
            assert fleet[row["driver"]]["kind"] == "driver"
            assert fleet[row["vehicle"]]["depot"] == row["depot"]


def test_numbers_are_given_once() -> None:
    for name, key in (
        ("products.csv", "sku"),
        ("suppliers.csv", "supplier"),
        ("customers.csv", "site"),
        ("inbound.csv", "number"),
        ("fleet.csv", "number"),
    ):
        assert len(by(key, name)) == len(rows(name))
    receipts = [row["number"] for name in FILES if name.startswith("receipt_") for row in rows(name)]
    assert len(receipts) == len(set(receipts))
    lines = [(row["order"], row["line"]) for name in ("orders.csv", "orders_history.csv") for row in rows(name)]
    assert len(lines) == len(set(lines))
    references = [
        row["customer_reference"] for name in ("orders.csv", "orders_history.csv") for row in by("order", name).values()
    ]
    assert len(references) == len(set(references))


def test_the_columns_of_an_order_and_of_a_customer_repeat_unchanged() -> None:
    for name in ("orders.csv", "orders_history.csv"):
        heads = defaultdict(set)
        for row in rows(name):
            heads[row["order"]].add(
                tuple(value for key, value in row.items() if key not in ("line", "sku", "quantity", "unit_price"))
            )
        assert all(len(head) == 1 for head in heads.values())
    customers = defaultdict(set)
    for row in rows("customers.csv"):
        customers[row["customer"]].add(tuple(row.values())[:8])
    assert all(len(head) == 1 for head in customers.values())


def test_every_cell_is_what_its_column_takes() -> None:
    for row in rows("customers.csv"):
        assert row["tier"] in {"0", "1", "2", "3"}
        assert row["rank_rule"] in {"never_loses", "normal", "may_give_up"}
        assert {row["business"], row["payment_hold"], row["contact_consent"]} <= {"yes", "no"}
        assert row["language"] in {"en", "fi", "sv"}
        assert set(row["delivery_days"].split(",")) <= DAYS
        assert re.fullmatch(r"\d\d:\d\d-\d\d:\d\d(;\d\d:\d\d-\d\d:\d\d)*", row["windows"])
        assert row["window_kind"] in {"begin_by", "finish_by"}
        assert row["contact_role"] in {"buyer", "goods_in"}
    for name in ("orders.csv", "orders_history.csv"):
        for row in rows(name):
            assert row["completeness"] in {"partial", "per_line", "complete"}
            assert row["payment"] in {"ok", "pending"}
            assert int(row["quantity"]) > 0
            assert datetime.fromisoformat(row["ordered_at"]).utcoffset() is not None
            for column in ("wanted_on", "not_before", "not_after", "promised_on"):
                assert not row[column] or date.fromisoformat(row[column]).weekday() < 6
            if row["promised_on"]:
                assert row["ordered_at"][:10] <= row["promised_on"]


def test_nobody_in_the_demo_can_be_called_or_written_to() -> None:
    addresses = [row["contact_address"] for row in rows("customers.csv")]
    addresses += [row["email"] for row in rows("suppliers.csv")]
    addresses += [row[column] for row in rows("fleet.csv") for column in ("phone", "email") if row[column]]
    for address in addresses:
        if "@" in address:
            assert address.endswith(".example")
        else:
            number = phonenumbers.parse(address)
            assert phonenumbers.is_possible_number(number)
            assert not phonenumbers.is_valid_number(number), address


def test_only_the_four_doubtful_addresses_wait_for_a_person(gazetteer: Gazetteer) -> None:
    sites = by("site", "customers.csv")
    expected = {row["site"]: REVIEW[row["part"]] for row in rows("story.csv") if row["part"] in REVIEW}
    assert len(expected) == 4
    for number, site in sites.items():
        located = gazetteer.locate(site["address"], postcode=site["postcode"], city=site["city"])
        assert located.quality is expected.get(number, PinQuality.EXACT), (site["address"], located.why)
        assert located.quality.goes_on or located.why
    swedish = sites[next(row["site"] for row in rows("story.csv") if row["part"] == "swedish")]
    assert swedish["address"] == "Alexandersgatan 17"
    assert gazetteer.locate(swedish["address"]).candidates[0].street == "Aleksanterinkatu"
    for depot in rows("fleet.csv"):
        if depot["kind"] == "depot":
            found = gazetteer.locate(depot["address"])
            assert found.quality is PinQuality.EXACT
            assert found.candidates[0].location.lat == pytest.approx(float(depot["lat"]), abs=1e-6)


def test_the_truck_came_short_and_nine_orders_contest_it() -> None:
    expected = by("number", "inbound.csv")["IN-2001"]
    came = rows("receipt_tuesday.csv")
    assert (expected["quantity"], [row["quantity"] for row in came]) == ("96", ["60"])
    sites = by("site", "customers.csv")
    wanting = [row for row in rows("orders.csv") if row["sku"] == expected["sku"]]
    assert [row["order"] for row in wanting] == sorted(of_part("truck"))
    assert len(wanting) == 9
    assert len({row["customer"] for row in wanting}) == 9
    assert sum(int(row["quantity"]) for row in wanting) == 132
    assert all(int(row["quantity"]) % 12 == 0 for row in wanting)
    assert [row["completeness"] for row in wanting].count("complete") == 1
    assert {sites[row["site"]]["tier"] for row in wanting} == {"0", "1", "2", "3"}
    # Age alone and tier first must not choose the same orders, or there is nothing to simulate.
    oldest = [row["order"] for row in sorted(wanting, key=lambda row: row["ordered_at"])][:4]
    highest = [
        row["order"] for row in sorted(wanting, key=lambda row: (-int(sites[row["site"]]["tier"]), row["ordered_at"]))
    ][:4]
    assert set(oldest) != set(highest)


def test_stock_is_there_for_every_order_that_does_not_wait() -> None:
    stock: Counter[tuple[str, str]] = Counter()
    for row in rows("receipt_opening.csv"):
        stock[row["depot"], row["sku"]] += int(row["quantity"]) - int(row["quarantined"])
    waiting = {*of_part("truck"), *of_part("waiting"), *of_part("near")}
    assert len(waiting) == 21
    for row in rows("orders.csv"):
        stock[row["depot"], row["sku"]] -= int(row["quantity"])
    short = {key for key, left in stock.items() if left < 0}
    for row in rows("orders.csv"):
        if (row["depot"], row["sku"]) in short:
            assert row["order"] in waiting
    assert {row["order"] for row in rows("orders.csv") if (row["depot"], row["sku"]) in short} == waiting


def test_at_least_five_reasons_to_be_left_out_are_there() -> None:
    sites, orders = by("site", "customers.csv"), by("order", "orders.csv")
    vehicles = [row for row in rows("fleet.csv") if row["kind"] == "vehicle"]
    products = by("sku", "products.csv")

    def site_of(part: str) -> dict[str, str]:
        return sites[orders[of_part(part)[0]]["site"]]

    needed = set(site_of("skills")["skills"].split(";"))
    assert not any(needed <= set(vehicle["skills"].split(";")) for vehicle in vehicles)
    assert all(int(vehicle["length_cm"]) > int(site_of("access")["max_vehicle_length_cm"]) for vehicle in vehicles)
    assert "tue" not in site_of("closed")["delivery_days"]
    first = min(row["from"] for row in rows("fleet.csv") if row["kind"] == "shift")
    assert site_of("unreachable")["windows"].split("-")[1] < first
    assert (site_of("too_short")["windows"], site_of("too_short")["service_minutes"]) == ("06:00-06:10", "20")
    assert int(site_of("crew")["crew"]) > max(int(row["crew"] or 0) for row in rows("fleet.csv"))
    heavy = sum(
        int(row["quantity"]) * int(products[row["sku"]]["weight_g"])
        for row in rows("orders.csv")
        if row["order"] in of_part("heavy")
    )
    assert heavy > max(int(vehicle["weight_g"]) for vehicle in vehicles)
    unweighed = {row["sku"] for row in rows("orders.csv") if row["order"] in of_part("unweighed")}
    assert any(not products[sku]["weight_g"] for sku in unweighed)
    assert all(orders[number]["hold"] for number in of_part("hold"))
    assert all(orders[number]["payment"] == "pending" for number in of_part("pending"))
    assert all(orders[number]["not_before"] > "2026-03-03" for number in of_part("not_before"))


def test_an_order_of_the_demo_weighs_what_one_drop_may() -> None:
    products = by("sku", "products.csv")
    weight: Counter[str] = Counter()
    for row in rows("orders.csv"):
        weight[row["order"]] += int(row["quantity"]) * int(products[row["sku"]]["weight_g"] or 0)
    special = {*of_part("heavy"), *of_part("low_gate")}
    assert all(1_000 < grams < 250_000 for order, grams in weight.items() if order not in special)


def test_the_po_number_has_slipped_and_says_why() -> None:
    (order,) = of_part("po")
    assert by("order", "orders.csv")[order]["customer_reference"] == "PO-4711"
    slips = [row for row in rows("history.csv") if row["order"] == order and row["event"] == "promise"]
    assert [row["promised_on"] for row in slips] == ["2026-02-24", "2026-02-27"]
    assert slips[-1]["new_promised_on"] == "2026-03-03"
    assert all(row["why"] for row in slips)


def test_history_is_in_order_and_adds_up() -> None:
    history, ordered = rows("history.csv"), {(row["order"], row["line"]): row for row in rows("orders_history.csv")}
    assert [row["at"] for row in history] == sorted(row["at"] for row in history)
    told = [row for row in history if row["event"] == "delivery"]
    assert {(row["order"], row["line"]) for row in told} == set(ordered)
    promises = {order: row["promised_on"] for order, row in by("order", "orders_history.csv").items()}
    promises |= {order: row["promised_on"] for order, row in by("order", "orders.csv").items()}
    for row in history:
        if row["event"] == "promise":
            assert promises[row["order"]] == row["promised_on"]
            assert row["new_promised_on"] > row["promised_on"]
            promises[row["order"]] = row["new_promised_on"]
        if row["event"] == "delivery":
            line = ordered[row["order"], row["line"]]
            assert line["ordered_at"] < row["at"]
            full = int(row["quantity_delivered"]) == int(line["quantity"])
            assert full == (row["outcome"] == "delivered")
            assert bool(row["why"]) != full
    monday = {row["outcome"] for row in told if row["day"] == "2026-03-02"}
    assert monday == {"delivered", "short", "not_home", "premises_closed", "refused", "damaged"}
    (dispute,) = (row for row in history if row["event"] == "dispute")
    assert dispute["order"] in of_part("disputed")
    stock: Counter[tuple[str, str]] = Counter()
    for row in rows("receipt_history.csv"):
        stock[row["depot"], row["sku"]] += int(row["quantity"])
    for line in ordered.values():
        stock[line["depot"], line["sku"]] -= int(line["quantity"])
    assert set(stock.values()) == {0}


def test_a_spare_driver_and_a_spare_van_are_at_hand() -> None:
    fleet = rows("fleet.csv")
    driving = {row["driver"] for row in fleet if row["kind"] == "shift"}
    spare = [row["number"] for row in fleet if row["kind"] == "driver" and row["number"] not in driving]
    assert spare == ["DR7"]
    assert {row["number"] for row in fleet if row["kind"] == "vehicle"} - {row["vehicle"] for row in fleet} == {"V5"}


def test_a_neighbour_of_the_half_covered_order_is_ready_today(gazetteer: Gazetteer) -> None:
    sites, orders = by("site", "customers.csv"), by("order", "orders.csv")
    here = sites[orders[of_part("near")[0]]["site"]]
    there = gazetteer.locate(here["address"]).candidates[0].location
    waiting = {row["order"] for row in rows("story.csv")}
    near = [
        row["order"]
        for row in orders.values()
        if row["order"] not in waiting and row["depot"] == "D1" and row["site"] != here["site"]
        if metres_between(there, gazetteer.locate(sites[row["site"]]["address"]).candidates[0].location) <= 60
    ]
    assert near


def test_of_the_half_covered_order_eight_of_twelve_lie_there_and_the_rest_comes_on_thursday() -> None:
    (number,) = of_part("near")
    (line,) = [row for row in rows("orders.csv") if row["order"] == number]
    shelf = [row for row in rows("receipt_opening.csv") if (row["sku"], row["depot"]) == (line["sku"], line["depot"])]
    coming = [row for row in rows("inbound.csv") if (row["sku"], row["depot"]) == (line["sku"], line["depot"])]
    assert (line["quantity"], [row["quantity"] for row in shelf]) == ("12", ["8"])
    assert [row["expected_at"][:10] for row in coming] == ["2026-03-05"]
    assert line["completeness"] == "partial"
    assert int(line["min_percent"] or 0) * 12 <= 8 * 100
    assert [row["order"] for row in rows("orders.csv") if row["sku"] == line["sku"]] == [number]


def test_empties_wait_where_a_van_of_either_depot_comes_on_tuesday_anyway() -> None:
    products, sites = by("sku", "products.csv"), by("site", "customers.csv")
    wanted = {row["site"]: row["depot"] for row in rows("orders.csv") if row["wanted_on"] == "2026-03-03"}
    fetched = rows("collections.csv")
    assert {products[row["sku"]]["returnable"] for row in fetched} == {"yes"}
    assert {row["day"] for row in fetched} == {"2026-03-03"}
    assert all("tue" in sites[row["site"]]["delivery_days"] for row in fetched)
    assert sorted(wanted[row["site"]] for row in fetched) == ["D1", "D1", "D2"]
    assert not {row["site"] for row in fetched} & {row["site"] for row in rows("story.csv")}
    ordered = {row["sku"] for name in ("orders.csv", "orders_history.csv") for row in rows(name)}
    assert not ordered & {row["sku"] for row in fetched}, "they are nobody's goods"


def test_awkward_names_are_there_to_be_shown_safely() -> None:
    names = [row["customer_name"] for row in rows("customers.csv")]
    assert sum(len(name) == 60 for name in names) == 3
    assert any("'" in name and "&" in name for name in names)
    assert any("ö" in name for name in names)
    assert any("<script>" in row["note"] for row in rows("orders.csv"))
    assert any("<script>" in row["notes"] for row in rows("customers.csv"))
