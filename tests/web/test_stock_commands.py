"""`backroute import`, `receive` and `release` on the command line: what they print and how they end."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from openpyxl import Workbook
from rich.console import Console
from sqlalchemy import select

from data import tables
from data.importers import customers, fleet, inbound, orders, products, receipts, sites, stock_counts, suppliers
from routing.model.orders import LineChange
from routing.services.telling import Hear
from tests.shop_export import as_export, item, order
from web.changes import besides_document, heard_document, told_document
from web.cli import main
from web.cli.told import kept_words, print_told, promise_words
from web.wiring import open_installation

NOBODY = {"message": 0, "call": 0, "asked": 0, "asked_by_call": 0}
"""Of `told` and `told_along` where nobody hears of anything."""

ROWS = {
    "fleet": (fleet.COLUMNS, [{"kind": "depot", "number": "NORTH", "name": "Depot North", "zone": "Europe/Helsinki"}]),
    "products": (products.COLUMNS, [{"sku": "OAT-1", "name": "Oat [bold]drink[/bold]", "case_pack": "12"}]),
    "customers": (
        customers.COLUMNS,
        [{"customer": "C-1", "customer_name": "Café 12", "site": "S-1", "site_name": "Café 12", "address": "Test 1",
          "delivery_days": "mon,tue,wed,thu,fri,sat,sun"}],
    ),
    "orders": (
        orders.COLUMNS,
        [{"order": f"SO-{n}", "customer": "C-1", "site": "S-1", "depot": "NORTH", "ordered_at": "2026-05-08",
          "sku": "OAT-1", "quantity": "24", "unit_price": "2.50"} for n in (1, 2)],
    ),
    "inbound": (inbound.COLUMNS, [{"number": "PO-1", "depot": "NORTH", "sku": "OAT-1", "quantity": "48"}]),
    "suppliers": (suppliers.COLUMNS, [{"supplier": "SUP-1", "name": "Mill", "lead_days": "7"}]),
    "sites": (sites.COLUMNS, [{"customer": "C-1", "site": "S-2", "site_name": "Back door", "address": "Test 2"}]),
    "counts": (stock_counts.COLUMNS, [{"depot": "NORTH", "sku": "OAT-1", "counted": "0"}]),
    "receipts": (receipts.COLUMNS, [{"number": "R-1", "depot": "NORTH", "sku": "OAT-1", "quantity": "30"}]),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("BACKROUTE_DATABASE_URL", raising=False)
    for kind, (columns, rows) in ROWS.items():
        lines = [",".join(columns)]
        lines += [",".join(f'"{row.get(name, "")}"' for name in columns) for row in rows]
        (tmp_path / f"{kind}.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def filled(folder: Path) -> Path:
    assert call("company", "--name", "Example", "--currency", "EUR").exit_code == 0
    for kind in ("fleet", "products", "customers", "orders"):
        done = call("import", kind, folder / f"{kind}.csv")
        assert done.exit_code == 0, done.output
    return folder


def test_a_file_is_imported_once_and_said_so(filled: Path) -> None:
    done = call("import", "orders", filled / "orders.csv", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"orders": 0, "lines": 0, "changed": 0, "unchanged": 2, "errors": []}
    done = call("import", "orders", filled / "orders.csv", "--json", "--full")
    assert json.loads(done.stdout) == {
        "orders": 0, "lines": 0, "fulfilled": 0, "changed": 0, "unchanged": 2, "tasks": 0,
        "cancelled": [], "delivered_elsewhere": [], "for_a_person": [],
        "errors": [], "errors_left_off": 0, "dry_run": False, "settled": {}, "notes": [], "made": {},
        "made_products": [],
        "moved": [], "moved_left_off": 0, "told": NOBODY, "told_along": NOBODY,
        "told_besides": {"earlier": {"message": 0, "call": 0}, "first": {"message": 0}},
        "answer_by": {"told": [], "told_along": []}, "answer_by_call": {"told": [], "told_along": []},
        "currency": "EUR", "worth": {"goes": 0, "waits": 0, "breaks": 0}, "worth_elsewhere": [], "warnings": [],
    }  # fmt: skip
    assert (
        "0 would be new, 0 would be changed, 2 unchanged"
        in call("import", "orders", filled / "orders.csv", "--dry-run").output
    )


def test_a_refused_file_ends_with_2_and_one_sentence(filled: Path) -> None:
    (filled / "bad.csv").write_bytes(b"order,sku\n1,\xff\n")
    for file in ("bad.csv", "missing.csv", "fleet.csv"):
        done = call("import", "orders", filled / file)
        assert done.exit_code == 2
        assert done.stderr.count("\n") == 1 or file == "fleet.csv"
        assert "Traceback" not in done.output
    done = call("import", "orders", filled / "bad.csv", "--json")
    assert json.loads(done.stdout)["error"]["code"] in ("missing_column", "encoding")


def test_a_faulty_row_ends_with_1_and_is_shown(filled: Path) -> None:
    text = (filled / "orders.csv").read_text()
    faulty = text.splitlines()[1].replace("SO-1", "SO-3").replace("24", "[red]many")
    (filled / "more.csv").write_text(f"{text}{faulty}\n")
    done = call("import", "orders", filled / "more.csv")
    assert done.exit_code == 1
    assert "1 left out" in done.output
    assert '"[red]many"' in done.output.replace("\n", "")
    document = json.loads(call("import", "orders", filled / "more.csv", "--json").stdout)
    assert [error["row"] for error in document["errors"]] == [4]


@pytest.mark.parametrize(
    ("option", "cell", "said", "left"),
    [
        ([], "", "will not come: the inbound is closed", 0),
        (["--rest", "comes"], "", "will still come: the inbound stays open", 18),
        ([], "yes", "will still come: the inbound stays open", 18),
        (["--rest", "comes"], "no", "will not come: the inbound is closed", 0),
    ],
)
def test_what_is_missing_of_a_truck_is_said_and_closed_unless_it_still_comes(
    filled: Path, option: list[str], cell: str, said: str, left: int
) -> None:
    with (filled / "receipts.csv").open() as file:
        receipt = next(csv.DictReader(file))
    to_come = (datetime.now(UTC) + timedelta(days=60)).isoformat(timespec="seconds")
    (filled / "inbound.csv").write_text(
        f"number,supplier,depot,sku,quantity,expected_at\nIN-1,S-1,{receipt['depot']},{receipt['sku']},48,{to_come}\n"
    )
    assert call("import", "inbound", filled / "inbound.csv").exit_code == 0
    short = receipt | {"inbound": "IN-1", "quantity": "30", "quarantined": "0", "more_to_come": cell}
    with (filled / "short.csv").open("w") as file:
        writer = csv.DictWriter(file, list(short))
        writer.writeheader()
        writer.writerow(short)
    assert said in call("receive", filled / "short.csv", *option, "--simulate").output
    done = call("receive", filled / "short.csv", *option)
    assert f"IN-1: 18 × {receipt['sku']} are missing and {said}." in done.output
    stock = json.loads(call("promises", "--sku", receipt["sku"], "--json").stdout)
    assert json.dumps(stock).count(f'"inbound": {left},') == 1


def test_a_receipt_is_shown_then_counted_in_then_released(filled: Path) -> None:
    shown = call("receive", filled / "receipts.csv", "--simulate")
    assert shown.exit_code == 0, shown.output
    assert "Nothing was changed" in shown.output
    done = json.loads(call("receive", filled / "receipts.csv", "--json").stdout)
    assert [(line["order"], line["goes"], line["waits"]) for line in done["lines"]] == [
        ("SO-1", 24, 0), ("SO-2", 6, 18),
    ]  # fmt: skip
    assert (done["currency"], done["worth"]) == ("EUR", {"goes": 7_500, "waits": 4_500, "breaks": 0})
    assert "Worth: €75.00 goes, €45.00 waits" in shown.output
    again = call("receive", filled / "receipts.csv")
    assert "counted in before" in again.output
    before = json.loads(call("release", "--simulate", "--json").stdout)
    assert before["depots"][0]["deliveries"] == []
    released = json.loads(call("release", "--json").stdout)["depots"][0]
    assert [order["units"] for order in released["ready"]] == [24, 6]
    assert released["deliveries"] == ["D-000001"]
    after = call("release")
    assert "0 orders released, 1 stay" in after.output
    assert "1 waiting for stock" in after.output


def test_a_depot_or_day_that_is_none_is_refused(filled: Path) -> None:
    for words in (["--depot", "SOUTH"], ["--day", "tomorrow"]):
        done = call("release", *words)
        assert done.exit_code == 2
        assert words[1] in done.stderr


def test_every_kind_prints_the_header_that_its_file_needs(folder: Path) -> None:
    for kind, (columns, _) in ROWS.items():
        done = call(*(["receive"] if kind == "receipts" else ["import", kind]), "--template")
        assert (done.exit_code, done.stdout) == (0, ",".join(columns) + "\n")
        assert "Needed: " in done.stderr


def test_suppliers_sites_and_counts_come_in_by_file_too(filled: Path) -> None:
    for kind, counted in (("suppliers", 1), ("sites", 1), ("counts", 0)):
        tried = json.loads(call("import", kind, filled / f"{kind}.csv", "--dry-run", "--json").stdout)
        assert (tried["created"], tried["dry_run"], tried["errors"]) == (counted, True, [])
        done = json.loads(call("import", kind, filled / f"{kind}.csv", "--json").stdout)
        assert (done["created"], done["errors"]) == (counted, [])
        again = json.loads(call("import", kind, filled / f"{kind}.csv", "--json").stdout)
        assert (again["created"], again["unchanged"]) == (0, 1)


# ---------------------------------------------------------------------------- a shop's export


def test_a_shop_s_export_is_taken_as_it_is_and_the_second_time_changes_nothing(filled: Path) -> None:
    file = filled / "orders_export.csv"
    file.write_bytes(as_export([order(1001, item(), item("TEA-2")), order(1002, Financial_Status="voided"),
                                order(1003, Fulfillment_Status="fulfilled")]))  # fmt: skip
    first = call("import", "orders", file, "--preset", "shopify", "--json")
    assert first.exit_code == 0, first.output
    assert json.loads(first.stdout) == {"orders": 1, "lines": 2, "changed": 0, "unchanged": 0, "errors": []}
    again = call("import", "orders", file, "--preset", "shopify", "--json")
    assert again.exit_code == 0
    assert json.loads(again.stdout) == {"orders": 0, "lines": 0, "changed": 0, "unchanged": 1, "errors": []}
    document = json.loads(call("import", "orders", file, "--preset", "shopify", "--json", "--full").stdout)
    assert (document["fulfilled"], document["settled"]) == (1, {"fulfilled": 1, "voided": 1})
    told = " ".join(call("import", "orders", file, "--preset", "shopify").output.split())
    assert "1 unchanged, 1 fulfilled by the shop" in told
    assert "2 orders need nothing from us and were not taken in: 1 fulfilled, 1 voided" in told


def test_a_file_says_what_it_cancels_apart_and_names_the_orders_for_a_person(filled: Path) -> None:
    file = filled / "orders_export.csv"
    file.write_bytes(as_export([order(1001), order(1002)]))
    assert call("import", "orders", file, "--preset", "shopify").exit_code == 0
    file.write_bytes(as_export([order(1001), order(1002, Cancelled_at="2024-05-02 08:00:00 +0000")]))
    tried = call("import", "orders", file, "--preset", "shopify", "--dry-run").output
    assert "0 would be changed, 1 would be cancelled (#1002), 1 unchanged" in " ".join(tried.split())
    said = json.loads(call("import", "orders", file, "--preset", "shopify", "--json", "--full").stdout)
    assert (said["changed"], said["cancelled"]) == (1, ["#1002"])
    assert call("receive", filled / "receipts.csv").exit_code == 0
    assert call("release").exit_code == 0
    own = filled / "orders.csv"
    own.write_text(own.read_text().replace('"24"', '"25"', 1))
    tried = call("import", "orders", own, "--dry-run", "--json")
    assert (tried.exit_code, json.loads(tried.stdout)) == (1, {
        "orders": 0, "lines": 0, "changed": 0, "unchanged": 1,
        "errors": [{
            "row": 2,
            "what": "Order SO-1 changed after goods were released: see Tasks. Nothing of it was overwritten.",
        }],
    })  # fmt: skip
    done = call("import", "orders", own)
    assert done.exit_code == 1
    assert "1 changed after goods were released: see Tasks: SO-1." in " ".join(done.output.split())


def test_a_shop_s_export_with_a_faulty_row_ends_with_1_and_no_export_with_2(filled: Path) -> None:
    file = filled / "orders_export.csv"
    file.write_bytes(as_export([order(1001), order(1002, item(quantity="many"))]))
    faulty = call("import", "orders", file, "--preset", "shopify", "--json")
    assert faulty.exit_code == 1
    [error] = json.loads(faulty.stdout)["errors"]
    assert "#1002" in error["what"]
    for words in (["--preset", "woocommerce"], ["--preset", "shopify", "--map", "a=b"], ["--depot", "NORTH"],
                  ["--preset", "shopify", "--depot", "SOUTH"]):  # fmt: skip
        refused = call("import", "orders", file, *words, "--json")
        assert refused.exit_code == 2, words
        assert json.loads(refused.stdout)["error"]["message"]


# ---------------------------------------------------------------------------- a header that is not ours


def test_a_foreign_header_is_said_once_and_the_next_file_is_taken_at_once(filled: Path) -> None:
    file = filled / "erp.csv"
    file.write_text("Item No,name,Weight\nTEA,Green [b]tea[/b],100\n")
    said = ["--map", "item no=sku", "--map", "Weight=weight_g"]
    refused = call("import", "products", file)
    assert refused.exit_code == 2
    assert f"backroute import products {file} --map 'item no=sku' --map weight=weight_g\n" in refused.stderr
    assert json.loads(call("import", "products", file, *said, "--dry-run", "--json").stdout)["created"] == 1
    assert "No header is remembered." in call("import", "columns").output
    assert json.loads(call("import", "products", file, *said, "--json").stdout)["created"] == 1
    file.write_text("Item No,name,Weight\nRICE,Rice,many\n")
    again = call("import", "products", file, "--json")
    assert again.exit_code == 1
    document = json.loads(again.stdout)
    assert "column weight:" in document["errors"][0]["what"]  # by the name that stands in the file
    assert "as command line said" in document["notes"][0]
    [known] = json.loads(call("import", "columns", "--json").stdout)["columns"]
    assert known["map"] == {"item no": "sku", "weight": "weight_g", "name": "name"}
    assert call("import", "columns", "--forget", known["id"]).exit_code == 0
    assert call("import", "columns", "--forget", known["id"]).exit_code == 2
    taken = {
        each["ours"]: each
        for each in json.loads(call("import", "columns", "--preset", "woocommerce", "--json").stdout)["columns"]
    }
    assert "quantity (- refund)" in taken["quantity_left"]["theirs"]
    assert (taken["order"]["needed"], taken["sku"]["needed"]) == (True, False)
    assert "Lineitem quantity".lower() in call("import", "columns", "--preset", "shopify").output
    assert call("import", "products", file).exit_code == 2


LONG = "order no as it stands on the confirmation that the customer was sent"


def test_the_command_that_is_proposed_is_whole_and_works_as_it_is_printed(filled: Path) -> None:
    file = filled / "from the erp.csv"
    ours = [LONG, "Cust. No", "Depot", "Order date", "Article nr", "Qty ordered", "Deliver by"]
    others = ["Colour", *(f"Their field {number}" for number in range(20))]
    row = ["E-1", "C-1", "NORTH", "2026-05-08", "OAT-1", "12", "2026-05-20", *[""] * len(others)]
    file.write_text(f"{';'.join([*ours, *others])}\n{';'.join(row)}\n")
    refused = call("import", "orders", file, "--json")
    assert refused.exit_code == 2
    fields = json.loads(refused.stdout)["error"]["fields"]
    assert f"\n  {fields['command']}\n" in refused.stderr
    command = shlex.split(fields["command"])
    assert command[:4] == ["backroute", "import", "orders", str(file)]
    assert {f"{LONG}=order", "cust. no=customer", "deliver by=wanted_on"} < set(command)
    assert fields["unread"].split(", ") == [name.lower() for name in others]
    assert fields["missing"] == ""
    done = call(*command[1:], "--json")
    assert (done.exit_code, json.loads(done.stdout)["orders"]) == (0, 1), done.output


def test_what_is_needed_and_not_found_is_named_with_what_to_add(filled: Path) -> None:
    file = filled / "erp.csv"
    file.write_text("Item No,Colour\nTEA,green\n")
    refused = call("import", "products", file)
    assert "--map 'item no=sku'\n" in refused.stderr
    assert 'nothing in the file looks like it: name. Add for each: --map "their name=name"' in refused.stderr
    assert "nobody can guess what they are: colour." in refused.stderr


def test_a_name_that_breaks_over_lines_is_typed_on_one(filled: Path) -> None:
    file = filled / "erp.xlsx"
    book = Workbook()
    assert book.active is not None
    for row in (("Item\nNo", "Product  name"), ("TEA", "Green tea")):
        book.active.append(row)
    book.save(file)
    command = shlex.split(json.loads(call("import", "products", file, "--json").stdout)["error"]["fields"]["command"])
    assert command[4:] == ["--map", "item no=sku", "--map", "product name=name"]
    assert json.loads(call(*command[1:], "--json").stdout)["created"] == 1


def test_a_column_that_nobody_knows_is_said_once_to_be_nothing(filled: Path) -> None:
    file = filled / "more.csv"
    file.write_text("sku,name,Colour\nTEA,Green tea,green\n")
    command = shlex.split(json.loads(call("import", "products", file, "--json").stdout)["error"]["fields"]["command"])
    assert command[4:] == ["--map", "colour="]
    assert json.loads(call(*command[1:], "--json").stdout)["created"] == 1
    assert json.loads(call("import", "products", file, "--json").stdout)["unchanged"] == 1


def test_a_file_with_needed_columns_alone_is_ours_and_of_one_depot_says_none(filled: Path) -> None:
    file = filled / "few.csv"
    file.write_text("order,customer,ordered_at,sku,quantity\nFEW-1,C-1,2026-05-08,OAT-1,12\n")
    done = json.loads(call("import", "orders", file, "--json").stdout)
    assert (done["orders"], done["errors"]) == (1, [])


def test_what_each_column_means_is_printed(folder: Path) -> None:
    told = call("import", "products", "--columns")
    assert told.exit_code == 0
    assert "returnable" in told.stdout
    assert "fetched back empty" in told.stdout


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (["sku"], "says no column"),
        (["item no="], "lacks the columns sku, name"),
        (["=sku"], "says no column"),
        (["nowhere=sku"], 'no column "nowhere"'),
        (["item no=colour"], 'no column "colour" of ours'),
        (["item no=sku", "weight=sku"], "Two columns"),
        (["item no=name"], "which column of the products file is sku"),
    ],
)
def test_a_mapping_that_cannot_be_changes_nothing(filled: Path, said: list[str], why: str) -> None:
    (filled / "erp.csv").write_text("Item No,Weight\nTEA,100\n")
    done = call("import", "products", filled / "erp.csv", *(word for pair in said for word in ("--map", pair)))
    assert done.exit_code == 2
    assert why in done.stderr
    assert "No header is remembered." in call("import", "columns").output


def test_orders_without_a_depot_column_come_from_the_depot_that_is_said(filled: Path) -> None:
    file = filled / "erp.csv"
    file.write_text("No,Account,Ship To,Date,Item,Qty\nSO-91,C-1,S-1,2026-05-08,OAT-1,3\n")
    pairs = ["No=order", "Account=customer", "Ship To=site", "Date=ordered_at", "Item=sku", "Qty=quantity"]
    said = [word for pair in pairs for word in ("--map", pair)]
    only_one = call("import", "orders", file, *said, "--dry-run", "--json")
    assert (only_one.exit_code, json.loads(only_one.stdout)["orders"]) == (0, 1), only_one.output
    fleet_rows = (filled / "fleet.csv").read_text()
    second = fleet_rows.splitlines()[1].replace("NORTH", "SOUTH")
    (filled / "fleet.csv").write_text(f"{fleet_rows}{second}\n")
    assert call("import", "fleet", filled / "fleet.csv").exit_code == 0
    assert "add --depot with one of NORTH, SOUTH" in call("import", "orders", file).stderr
    for words in (said, [*said, "--depot", "WEST"]):
        refused = call("import", "orders", file, *words)
        assert refused.exit_code == 2
        assert "There are: NORTH, SOUTH" in refused.stderr
    done = call("import", "orders", file, *said, "--depot", "SOUTH", "--json")
    assert (done.exit_code, json.loads(done.stdout)["orders"]) == (0, 1), done.output
    again = call("import", "orders", file, "--depot", "SOUTH", "--json")  # the header is remembered
    assert json.loads(again.stdout)["unchanged"] == 1
    twice = call("import", "orders", filled / "orders.csv", "--depot", "SOUTH")
    assert twice.exit_code == 2
    assert 'in its column "depot": leave out --depot' in " ".join(twice.stderr.split())


def test_a_file_that_is_only_called_a_spreadsheet_is_told_so(filled: Path) -> None:
    broken = filled / "orders.xlsx"
    broken.write_text("not a sheet")
    for words in ([], ["--preset", "shopify"]):
        refused = call("import", "orders", broken, *words)
        assert refused.exit_code == 2
        assert "is called orders.xlsx and is no spreadsheet" in " ".join(refused.stderr.split())


# ---------------------------------------------------------------------------- many receipts at once


def test_what_was_counted_in_before_is_counted_in_again_only_by_who_says_so(filled: Path) -> None:
    rows = {
        "inbound": "number,depot,sku,quantity,expected_at\nPO-1,NORTH,OAT-1,30,2026-03-03 06:00\n",
        "first": "number,inbound,depot,sku,quantity\nR-1,PO-1,NORTH,OAT-1,30\n",
        "twice": "number,inbound,depot,sku,quantity\nR-2,PO-1,NORTH,OAT-1,30\n",
    }
    for name, text in rows.items():
        (filled / f"{name}.csv").write_text(text)
    call("import", "inbound", filled / "inbound.csv")
    assert json.loads(call("receive", filled / "first.csv", "--json").stdout)["again"] == []
    said = "PO-1 was counted in before: 30 × OAT-1 as R-1 on "
    shown = " ".join(call("receive", filled / "twice.csv", "--simulate").output.split())
    assert said in shown
    assert " by command line. Now 30 are counted, and nothing more was to come." in shown
    refused = call("receive", filled / "twice.csv", "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["error"]["code"]) == (2, "counted_again")
    done = json.loads(call("receive", filled / "twice.csv", "--again", "--json").stdout)
    assert done["again"][0].startswith(said)
    assert call("receive", filled / "twice.csv").exit_code == 0, "the same receipt again asks nothing"


def test_a_truck_of_many_receipts_says_how_many_it_does_not_name_and_what_goes_in_all(filled: Path) -> None:
    header, row = (filled / "receipts.csv").read_text().splitlines()
    many = [row.replace("R-1", f"R-{n}").replace('"30"', '"1"') for n in range(1, 24)]
    (filled / "many.csv").write_text("\n".join([header, *many]) + "\n")
    said = " ".join(call("receive", filled / "many.csv", "--simulate").output.split())
    assert "R-20 and 3 more: 23 units of 23 articles" in said
    assert "2 lines: 23 go, 25 wait" in said


@pytest.mark.parametrize(
    ("old_day", "new_day", "slips", "firm", "said"),
    [
        ("2026-03-03", "2026-03-10", True, 0, "breaks"),
        ("", "2026-03-10", True, 12, "new date"),
        ("2026-03-03", "", False, 0, "breaks"),
        ("", "", False, 0, "no date"),
        ("", "2026-03-03", False, 12, "kept"),
        ("2026-03-03", "2026-03-02", False, 12, "earlier"),
    ],
)
def test_a_promise_breaks_only_with_the_date_it_loses_now(
    old_day: str, new_day: str, slips: bool, firm: int, said: str
) -> None:
    line = LineChange(
        order_id=1, order="SO-1", customer="C", site="S-1", line_id=1, product_id=1, sku="OAT-1", name="Oat drink",
        complete=False, needed=12, firm_before=0, firm_after=firm, provisional_before=0, provisional_after=0,
        promised_on="2026-03-03", old_day=old_day, new_day=new_day, price=100, currency="EUR", slips=slips,
    )  # fmt: skip
    assert kept_words(line) == said
    # Was 3 March, now 9 March, and earlier: than the promised 10 March, which stands nowhere else in the row.
    assert promise_words(line) == (said if "2026-03-03" in (old_day, new_day) else f"{said} (3 Mar)")
    assert kept_words(replace(line, slips=True, moved_by="new orders")) == "broke before"


def test_a_headline_counts_whom_this_moves_and_says_apart_who_is_only_told_along() -> None:
    """SO-1 slips by it, as do SO-3 and SO-4, whose customers are asked; SO-2 had moved before, when nobody was told."""
    slips = LineChange(
        order_id=1, order="SO-1", customer="C", site="S-1", line_id=1, product_id=1, sku="OAT-1", name="Oat drink",
        complete=False, needed=12, firm_before=0, firm_after=0, provisional_before=12, provisional_after=12,
        promised_on="2026-03-03", old_day="2026-03-03", new_day="2026-03-10", price=100, currency="EUR", slips=True,
    )  # fmt: skip
    lines = [slips, replace(slips, order_id=2, order="SO-2", line_id=2, moved_by="new orders")]
    lines += [replace(slips, order_id=n, order=f"SO-{n}", line_id=n) for n in (3, 4)]
    hear = Hear(
        message=frozenset({1}), call=frozenset({2}), asked={3: "2026-11-30", 4: "2026-11-30"}, call_by={2: "2026-12-02"}
    )
    assert told_document([(lines, hear)]) == {
        "told": NOBODY | {"message": 1, "asked": 2}, "told_along": NOBODY | {"call": 1, "asked_by_call": 1},
        "answer_by": {"told": ["2026-11-30"], "told_along": []},
        "answer_by_call": {"told": [], "told_along": ["2026-12-02"]},
    }  # fmt: skip
    assert heard_document(lines[1], hear) == {"told": "call", "answer_by": "2026-12-02"}
    assert heard_document(lines[2], hear) == {"told": "asked", "answer_by": "2026-11-30"}
    said = io.StringIO()
    print_told(Console(file=said, width=200), lines, hear)
    assert said.getvalue().splitlines() == [
        "3 orders get a later date: 2 asked (answer by Mon 30 Nov), 1 told by message, 0 by a call.",
        "1 order that had moved before is told along: 0 told by message, 1 by a call (1 asked, answer by Wed 2 Dec).",
    ]
    said = io.StringIO()
    print_told(Console(file=said, width=200), lines[2:], replace(hear, asked={3: "2026-11-30", 4: "2026-12-02"}))
    assert "2 asked (answer by Mon 30 Nov to Wed 2 Dec), 0 told by message" in said.getvalue()


def test_who_is_promised_an_earlier_or_a_first_day_is_counted_apart() -> None:
    """SO-1 is promised an earlier day, SO-2 its first one; nobody of SO-3 agreed to messages, and its first day is no
    call. SO-4 slips, and another line of it gets its first day: that is one message, counted with the later dates."""
    line = LineChange(
        order_id=1, order="SO-1", customer="C", site="S-1", line_id=1, product_id=1, sku="OAT-1", name="Oat drink",
        complete=False, needed=12, firm_before=0, firm_after=12, provisional_before=12, provisional_after=0,
        promised_on="2026-03-10", old_day="2026-03-10", new_day="2026-03-03", price=100, currency="EUR", sooner=True,
    )  # fmt: skip
    first = replace(line, sooner=False, promised_on="", old_day="")
    lines = [line, *(replace(first, order_id=n, line_id=n) for n in (2, 3, 4))]
    lines.append(replace(first, order_id=4, line_id=5, slips=True, promised_on="2026-03-01"))
    hear = Hear(message=frozenset({1, 2, 4}))
    assert besides_document([(lines, hear)]) == {
        "told_besides": {"earlier": {"message": 1, "call": 0}, "first": {"message": 1}}
    }
    assert told_document([(lines, hear)])["told"] == NOBODY | {"message": 1}
    said = io.StringIO()
    print_told(Console(file=said, width=200), lines, hear)
    assert said.getvalue().splitlines() == [
        "1 order gets a later date: 1 told by message, 0 by a call.",
        "1 order is promised an earlier day: 1 told by message.",
        "2 orders are promised their first day: 1 told by message.",
    ]


def test_a_file_of_two_depots_is_counted_in_whole_or_not_at_all(filled: Path) -> None:
    """PO-1 of depot North was counted in before: that row is refused, and depot South, which stands above, has nothing
    counted in either. With --again both are."""
    fleet_columns, [north] = ROWS["fleet"]
    write(filled, "fleet", fleet_columns, [north | {"number": "SOUTH", "name": "Depot South"}])
    columns = ROWS["receipts"][0]
    first = {"number": "R-0", "depot": "NORTH", "sku": "OAT-1", "quantity": "48", "inbound": "PO-1"}
    both = [ROWS["receipts"][1][0] | {"depot": "SOUTH"}, first | {"number": "R-2", "quantity": "12"}]
    for kind in ("fleet", "inbound"):
        assert call("import", kind, filled / f"{kind}.csv").exit_code == 0
    write(filled, "receipts", columns, [first])
    assert call("receive", filled / "receipts.csv").exit_code == 0
    write(filled, "receipts", columns, both)
    refused = call("receive", filled / "receipts.csv")
    assert (refused.exit_code, "Nothing was counted in" in refused.output) == (2, True), refused.output
    assert counted_in() == ["R-0"]
    assert call("receive", filled / "receipts.csv", "--again").exit_code == 0
    assert counted_in() == ["R-0", "R-1", "R-2"]


def write(folder: Path, kind: str, columns: Iterable[str], rows: Sequence[Mapping[str, str]]) -> None:
    with (folder / f"{kind}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(columns), restval="")
        writer.writeheader()
        writer.writerows(rows)


def counted_in() -> list[str]:
    with open_installation() as here, here.database.reading() as connection:
        receipts = select(tables.supply.c.number).where(tables.supply.c.kind == "receipt")
        return sorted(connection.scalars(receipts))
