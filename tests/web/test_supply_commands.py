"""`backroute slip`, `recount` and `promises`: shown first and changing nothing, then committed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from data.importers import customers, fleet, inbound, orders, products, receipts, stock_counts
from web.cli import main


def day(ahead: int) -> str:
    return (datetime.now(UTC) + timedelta(days=ahead)).date().isoformat()


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def document(*words: object) -> dict[str, object]:
    done = call(*words, "--json")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception  # else only "no JSON" would be said of it
    assert done.exit_code in (0, 1), done.output
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two orders of 24, ordered one after the other; 30 on the shelf, 48 on a truck in three days."""
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("BACKROUTE_DATABASE_URL", raising=False)
    assert call("company", "--name", "Example", "--currency", "EUR").exit_code == 0
    files: dict[str, tuple[tuple[str, ...], list[dict[str, str]]]] = {
        "fleet": (fleet.COLUMNS, [{"kind": "depot", "number": "NORTH", "name": "Depot North", "zone": "UTC"}]),
        "products": (products.COLUMNS, [{"sku": "OAT-1", "name": "Oat drink", "case_pack": "12"}]),
        "customers": (
            customers.COLUMNS,
            [{"customer": "C-1", "customer_name": "Café 12", "site": "S-1", "site_name": "Café 12",
              "address": "Test 1", "delivery_days": "mon,tue,wed,thu,fri,sat,sun"}],
        ),
        "inbound": (
            inbound.COLUMNS,
            [{"number": "PO-1", "depot": "NORTH", "sku": "OAT-1", "quantity": "48", "expected_at": f"{day(3)} 06:00"}],
        ),
        "orders": (
            orders.COLUMNS,
            [{"order": f"SO-{n}", "customer": "C-1", "site": "S-1", "depot": "NORTH", "ordered_at": f"{day(n - 9)}",
              "sku": "OAT-1", "quantity": "24", "unit_price": "2.50"} for n in (1, 2)],
        ),
        "receipts": (receipts.COLUMNS, [{"number": "R-1", "depot": "NORTH", "sku": "OAT-1", "quantity": "30"}]),
    }  # fmt: skip
    for kind, (columns, rows) in files.items():
        lines = [",".join(columns), *(",".join(f'"{row.get(name, "")}"' for name in columns) for row in rows)]
        (tmp_path / f"{kind}.csv").write_text("\n".join(lines) + "\n")
        done = call(*(["receive"] if kind == "receipts" else ["import", kind]), tmp_path / f"{kind}.csv")
        assert done.exit_code == 0, done.output


def dates() -> dict[str, str]:
    return {line["order"]: line["expected_on"] for line in document("promises")["lines"]}  # type: ignore[attr-defined]


@pytest.mark.usefixtures("company")
def test_promises_say_by_what_each_open_line_is_covered() -> None:
    lines = document("promises", "--sku", "OAT-1")["lines"]
    assert [
        (line["order"], [(c["number"], c["kind"], c["quantity"]) for c in line["covered_by"]], line["unallocated"])
        for line in lines  # type: ignore[attr-defined]
    ] == [("SO-1", [("R-1", "stock", 24)], 0), ("SO-2", [("PO-1", "inbound", 18), ("R-1", "stock", 6)], 0)]
    assert dates()["SO-2"] == day(3)
    assert 'There is no customer "Nobody"' in call("promises", "--customer", "Nobody").output
    for said in ("C-1", "Café 12", " café "):
        theirs = json.loads(call("promises", "--customer", said, "--json").output)["lines"]
        assert {line["customer"] for line in theirs} == {"Café 12"}, said
    assert "2 open lines" in call("promises").output


@pytest.mark.usefixtures("company")
def test_days_of_a_slip_stand_whole_in_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    told = call("slip", "PO-1", "--to", day(9), "--simulate").output
    assert f"{int(day(9)[8:])} {date.fromisoformat(day(9)):%b}" in told
    assert "…" not in told


@pytest.mark.usefixtures("company")
def test_a_slip_moves_exactly_who_waits_for_it_and_simulating_changes_nothing() -> None:
    before = document("promises")
    shown = document("slip", "PO-1", "--to", day(6), "--simulate")
    assert document("promises") == before
    done = document("slip", "PO-1", "--to", day(6))
    assert done["lines"] == shown["lines"]
    assert [(line["order"], line["new_day"], line["slips"]) for line in done["lines"]] == [  # type: ignore[attr-defined]
        ("SO-2", day(6), True)
    ]
    assert dates()["SO-2"] == day(6)
    assert document("slip", "PO-1", "--to", day(6))["lines"] == []


@pytest.mark.usefixtures("company")
def test_a_cancelled_inbound_leaves_its_orders_without_a_date_and_cannot_be_cancelled_again() -> None:
    shown = document("slip", "PO-1", "--cancel", "--simulate")
    assert sum(shown["told"].values()) == 1  # type: ignore[attr-defined]
    said = " ".join(call("slip", "PO-1", "--cancel").output.split())
    assert "1 line changes" in said
    assert "1 order loses its date: " in said
    assert "Without a date now: SO-2 of " in said
    assert dates()["SO-2"] == ""
    assert "2 open lines, 1 later than promised (1 of them without a date now), 1 without a date" in (
        call("promises").output
    )
    again = call("slip", "PO-1", "--cancel")
    assert (again.exit_code, again.stderr.count("\n")) == (2, 1)
    assert "PO-1" in again.stderr


@pytest.mark.usefixtures("company")
def test_what_goes_waits_and_breaks_is_said_in_money_before_and_after_it_is_done() -> None:
    """SO-2 has 6 of its 24 oat drinks at 2.50 on the shelf, and the truck with the other 18 slips, then is cancelled;
    a recount takes the 6 too."""
    for words, worth in (
        (("slip", "PO-1", "--to", day(6)), {"goes": 1_500, "waits": 4_500, "breaks": 6_000}),
        (("slip", "PO-1", "--cancel"), {"goes": 1_500, "waits": 4_500, "breaks": 6_000}),
        (("recount", "OAT-1", 24), {"goes": 0, "waits": 6_000, "breaks": 0}),
    ):
        shown = document(*words, "--simulate")
        assert (shown["currency"], shown["worth"], shown["worth_elsewhere"]) == ("EUR", worth, []), words
        said = call(*words, "--simulate").output
        assert f"Worth: €{worth['goes'] / 100:.2f} goes, €{worth['waits'] / 100:.2f} waits" in said
        assert ("in promises that break" in said) is bool(worth["breaks"])
        assert document(*words)["worth"] == worth


@pytest.mark.usefixtures("company")
def test_a_file_of_orders_says_whom_it_delays_before_and_after_and_trying_it_changes_nothing(tmp_path: Path) -> None:
    """48 oat drinks for a customer of a higher tier: the whole truck, of which SO-2 had 18."""
    rows = {
        "customers": (customers.COLUMNS, {
            "customer": "C-9", "customer_name": "Canteen 9", "tier": "3", "site": "S-9", "site_name": "Canteen 9",
            "address": "Test 9", "delivery_days": "mon,tue,wed,thu,fri,sat,sun"}),
        "orders": (orders.COLUMNS, {
            "order": "SO-9", "customer": "C-9", "site": "S-9", "depot": "NORTH", "ordered_at": day(-1),
            "sku": "OAT-1", "quantity": "48", "unit_price": "2.50"}),
    }  # fmt: skip
    for kind, (columns, row) in rows.items():
        cells = ",".join(f'"{row.get(name, "")}"' for name in columns)
        (tmp_path / f"urgent_{kind}.csv").write_text(f"{','.join(columns)}\n{cells}\n")
    assert call("import", "customers", tmp_path / "urgent_customers.csv").exit_code == 0
    file, before = tmp_path / "urgent_orders.csv", document("promises")
    shown = document("import", "orders", file, "--dry-run", "--full")
    said = " ".join(call("import", "orders", file, "--dry-run").output.split())
    assert document("promises") == before
    assert [(line["order"], line["went_before"], line["goes"], line["loses_date"], line["told"])
            for line in shown["moved"]] == [  # type: ignore[attr-defined]
        ("SO-2", 6, 6, True, "call"),
    ]  # fmt: skip
    assert (shown["told"], shown["worth"]) == (
        {"message": 0, "call": 1, "asked": 0, "asked_by_call": 0}, {"goes": 1_500, "waits": 4_500, "breaks": 6_000}
    )  # fmt: skip
    assert "1 line of an order that is not in the file would get fewer goods or a later day" in said
    assert "Worth: €15.00 goes, €45.00 waits, €60.00 in promises that break" in said
    assert "1 order loses its date: 0 told by message, 1 by a call." in said
    done = document("import", "orders", file, "--full")
    assert [done[name] for name in ("moved", "told", "worth")] == [shown[name] for name in ("moved", "told", "worth")]
    assert [dates()[order] for order in ("SO-2", "SO-9")] == ["", day(3)]


@pytest.mark.usefixtures("company")
def test_a_file_of_inbound_or_counts_says_whom_it_delays_before_and_after_as_a_slip_does(tmp_path: Path) -> None:
    """SO-2 has 6 oat drinks of the shelf and 18 of PO-1. The supplier's file brings PO-1 three days later; then a count
    finds 24 instead of 30."""
    files = {
        "inbound": (inbound.COLUMNS, {
            "number": "PO-1", "depot": "NORTH", "sku": "OAT-1", "quantity": "48", "expected_at": f"{day(6)} 06:00"}),
        "counts": (stock_counts.COLUMNS, {"depot": "NORTH", "sku": "OAT-1", "counted": "24"}),
    }  # fmt: skip
    slip = document("slip", "PO-1", "--to", day(6), "--simulate")
    for kind, (columns, row) in files.items():
        file = tmp_path / f"later_{kind}.csv"
        file.write_text(",".join(columns) + "\n" + ",".join(row.get(name, "") for name in columns) + "\n")
        before = document("promises")
        shown = document("import", kind, file, "--dry-run")
        said = " ".join(call("import", kind, file, "--dry-run").output.split())
        assert document("promises") == before
        assert [line["order"] for line in shown["moved"]] == ["SO-2"]  # type: ignore[attr-defined]
        assert "1 order line would get fewer goods or a later day" in said
        assert "Worth: " in said
        if kind == "inbound":
            assert (shown["told"], shown["worth"]) == (slip["told"], slip["worth"])
            assert "1 order gets a later date: 0 told by message, 1 by a call." in said
        done = document("import", kind, file)
        same = ("moved", "told", "told_along", "worth", "notes", "warnings")
        assert [done[name] for name in same] == [shown[name] for name in same]
        again = document("import", kind, file)
        assert (again["unchanged"], again["moved"]) == (1, [])
    assert dates()["SO-2"] == day(6)


@pytest.mark.usefixtures("company")
def test_a_file_says_who_hears_of_an_earlier_or_a_first_day_before_and_after(tmp_path: Path) -> None:
    """SO-2 waits for PO-1 and SO-3 for nothing. The supplier's file brings PO-1 two days earlier, then PO-2 for SO-3;
    of SO-3's own customer alone somebody agreed to messages. Then a file cancels SO-1, and a count finds 24 more."""

    def write(kind: str, columns: tuple[str, ...], *rows: dict[str, str]) -> Path:
        file = tmp_path / f"besides_{kind}.csv"
        cells = [",".join(f'"{row.get(name, "")}"' for name in columns) for row in rows]
        file.write_text("\n".join([",".join(columns), *cells]) + "\n")
        return file

    def both(kind: str, file: Path) -> tuple[object, str]:
        full = ("--full",) if kind == "orders" else ()
        said = " ".join(call("import", kind, file, "--dry-run").output.split())
        shown = document("import", kind, file, "--dry-run", *full)
        done = document("import", kind, file, *full)
        names = ("moved", "told", "told_along", "told_besides", "answer_by", "answer_by_call", "worth")
        assert [done[name] for name in names] == [shown[name] for name in names]
        assert sum(done["told"].values()) == 0  # type: ignore[attr-defined]
        return done["told_besides"], said

    canteen = {
        "customer": "C-3", "customer_name": "Canteen 3", "site": "S-3", "site_name": "Canteen 3", "address": "Test 3",
        "delivery_days": "mon,tue,wed,thu,fri,sat,sun", "contact_name": "Buyer", "contact_role": "buyer",
        "contact_channel": "sms", "contact_address": "+358995550003", "contact_consent": "yes",
    }  # fmt: skip
    assert call("import", "customers", write("customers", customers.COLUMNS, canteen)).exit_code == 0
    order = {"customer": "C-3", "site": "S-3", "depot": "NORTH", "sku": "OAT-1", "unit_price": "2.50"}
    third = order | {"order": "SO-3", "ordered_at": day(-2), "quantity": "60"}
    assert call("import", "orders", write("orders", orders.COLUMNS, third)).exit_code == 0
    assert dates()["SO-3"] == ""
    assert call("policy", "set", "promise_earlier_days", "1").exit_code == 0
    # The commands' clock is the real one: goods of today can go today at any hour at which this runs.
    assert call("policy", "set", "same_day_until", "23:59").exit_code == 0
    inbound_row = {
        "number": "PO-1",
        "depot": "NORTH",
        "sku": "OAT-1",
        "quantity": "48",
        "expected_at": f"{day(1)} 06:00",
    }
    found, said = both("inbound", write("inbound", inbound.COLUMNS, inbound_row))
    assert found == {"earlier": {"message": 0, "call": 1}, "first": {"message": 0}}
    assert "1 order is promised an earlier day: 0 told by message, 1 by a call." in said
    more = inbound_row | {"number": "PO-2", "expected_at": f"{day(9)} 06:00", "quantity": "60"}
    found, said = both("inbound", write("inbound", inbound.COLUMNS, more))
    assert found == {"earlier": {"message": 0, "call": 0}, "first": {"message": 1}}
    assert "1 order is promised its first day: 1 told by message." in said
    taken = {"customer": "C-1", "site": "S-1", "depot": "NORTH", "order": "SO-1", "ordered_at": day(-8)}
    fewer = taken | {"sku": "OAT-1", "quantity": "6", "unit_price": "2.50"}
    found, _said = both("orders", write("orders", orders.COLUMNS, fewer))
    assert found == {"earlier": {"message": 0, "call": 1}, "first": {"message": 0}}
    count = {"depot": "NORTH", "sku": "OAT-1", "counted": "100"}
    found, _said = both("counts", write("counts", stock_counts.COLUMNS, count))
    assert found == {"earlier": {"message": 1, "call": 0}, "first": {"message": 0}}


@pytest.mark.usefixtures("company")
def test_a_file_of_counts_again_changes_nothing_unless_it_was_counted_again(tmp_path: Path) -> None:
    file = tmp_path / "counts.csv"
    file.write_text("depot,sku,counted\nNORTH,OAT-1,26\n")
    assert document("import", "counts", file)["again"] == []
    assert call("recount", "OAT-1", 33).exit_code == 0
    done = call("import", "counts", file)
    assert (done.exit_code, document("import", "counts", file)["changed"]) == (0, 0)
    said = " ".join(done.stdout.split())
    assert "OAT-1 at NORTH: unchanged, 26 was counted before, on " in said
    assert "33 lie there by now" in said
    assert "--again" in said
    tried = document("import", "counts", file, "--again", "--dry-run")
    assert (tried["changed"], len(tried["moved"])) == (1, 1)  # type: ignore[arg-type]
    assert document("import", "counts", file, "--again") == tried | {"dry_run": False}


@pytest.mark.usefixtures("company")
def test_what_a_slip_cannot_be_is_refused_in_one_sentence() -> None:
    for words in (["PO-1"], ["PO-1", "--to", day(3), "--cancel"], ["PO-1", "--to", day(-2)], ["PO-9", "--cancel"]):
        done = call("slip", *words)
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1), words


@pytest.mark.usefixtures("company")
def test_a_recount_takes_from_the_lowest_rank_and_gives_back_what_is_found() -> None:
    shown = document("recount", "OAT-1", 26, "--simulate")
    assert document("recount", "OAT-1", 26) == shown | {"simulated": False}
    assert [(line["order"], line["went_before"], line["goes"]) for line in shown["lines"]] == [("SO-2", 6, 2)]  # type: ignore[attr-defined]
    assert document("recount", "OAT-1", 26)["lines"] == []
    found = document("recount", "OAT-1", 48)["lines"]
    assert [(line["order"], line["went_before"], line["goes"]) for line in found] == [("SO-2", 2, 24)]  # type: ignore[attr-defined]


@pytest.mark.usefixtures("company")
def test_a_recount_of_nothing_that_exists_is_refused() -> None:
    for words in (["NONE", 3], ["OAT-1", 3, "--depot", "SOUTH"], ["OAT-1", "--", -3]):
        assert call("recount", *words).exit_code == 2


@pytest.mark.usefixtures("company")
def test_a_receipt_s_lines_add_up_to_what_it_says_goes_and_waits(tmp_path: Path) -> None:
    """One more comes for SO-2: SO-1 holds its 24 as before, and they go too."""
    file = tmp_path / "more.csv"
    file.write_text("number,depot,sku,quantity\nR-2,NORTH,OAT-1,1\n")
    found = document("receive", file, "--simulate")
    lines: list[dict[str, int]] = found["lines"]  # type: ignore[assignment]
    assert [(line["order"], line["goes"], line["waits"]) for line in lines] == [("SO-1", 24, 0), ("SO-2", 7, 17)]
    worth = {"goes": sum(line["value"] for line in lines), "waits": 17 * 250, "breaks": 0}
    assert found["worth"] == worth
