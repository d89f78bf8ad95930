"""`backroute import`, `receive` and `release` on the command line: what they print and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from data.importers import customers, fleet, inbound, orders, products, receipts
from web.cli import main

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
          "sku": "OAT-1", "quantity": "24"} for n in (1, 2)],
    ),
    "inbound": (inbound.COLUMNS, [{"number": "PO-1", "depot": "NORTH", "sku": "OAT-1", "quantity": "48"}]),
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
    for kind in ("fleet", "products", "customers", "orders"):
        done = call("import", kind, folder / f"{kind}.csv")
        assert done.exit_code == 0, done.output
    return folder


def test_a_file_is_imported_once_and_said_so(filled: Path) -> None:
    done = call("import", "orders", filled / "orders.csv", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "orders": 0, "lines": 0, "changed": 0, "unchanged": 2, "tasks": 0, "errors": [], "errors_left_off": 0,
        "dry_run": False, "settled": {}, "notes": [],
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
        assert done.stderr.count("\n") == 1
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


def test_a_receipt_is_shown_then_counted_in_then_released(filled: Path) -> None:
    shown = call("receive", filled / "receipts.csv", "--simulate")
    assert shown.exit_code == 0, shown.output
    assert "Nothing was changed" in shown.output
    done = json.loads(call("receive", filled / "receipts.csv", "--json").stdout)
    assert [(line["order"], line["goes"], line["waits"]) for line in done["lines"]] == [
        ("SO-1", 24, 0), ("SO-2", 6, 18),
    ]  # fmt: skip
    again = call("receive", filled / "receipts.csv")
    assert "counted in before" in again.output
    before = json.loads(call("release", "--simulate", "--json").stdout)
    assert before["depots"][0]["deliveries"] == []
    released = json.loads(call("release", "--json").stdout)["depots"][0]
    assert [order["units"] for order in released["ready"]] == [24, 6]
    assert released["deliveries"] == ["D-000001"]
    after = call("release")
    assert "0 orders ready, 1 stay" in after.output
    assert "waits for stock" in after.output


def test_a_depot_or_day_that_is_none_is_refused(filled: Path) -> None:
    for words in (["--depot", "SOUTH"], ["--day", "tomorrow"]):
        done = call("release", *words)
        assert done.exit_code == 2
        assert words[1] in done.stderr


def test_every_kind_prints_the_header_that_its_file_needs(folder: Path) -> None:
    for kind, (columns, _) in ROWS.items():
        done = call(*(["receive"] if kind == "receipts" else ["import", kind]), "--template")
        assert (done.exit_code, done.stdout) == (0, ",".join(columns) + "\n")
