"""Taking files out: the page, who gets what, and the commands."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner, Result

from tests.desk import a_desk
from tests.evening import Driven
from tests.rounds import DAY
from tests.website import Website, a_website
from web.cli import main


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


def test_the_page_counts_what_there_is_and_offers_both_formats(website: Website) -> None:
    a_desk(website)
    page = website.signed_in().get("/export")
    assert page.status_code == 200
    for kind in ("products", "customers", "orders", "backorders", "movements", "events"):
        assert f'href="/export/{kind}.csv"' in page.text
        assert f'href="/export/{kind}.xlsx"' in page.text
    assert 'href="/export"' in page.text  # in the menu


def test_a_file_comes_as_an_attachment_in_either_format(website: Website) -> None:
    a_desk(website)
    client = website.signed_in()
    with client.get("/export/backorders.csv") as answer:
        content = answer.data
    assert answer.headers["Content-Disposition"] == f"attachment; filename=backorders-{DAY}.csv"
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert [(row["order"], row["needed"], row["firm"], row["provisional"]) for row in rows] == [
        ("SO-1", "12", "0", "12"), ("SO-2", "12", "0", "12"), ("SO-3", "12", "0", "12"), ("SO-4", "12", "12", "0"),
    ]  # fmt: skip
    with client.get("/export/backorders.xlsx") as sheet:
        assert openpyxl.load_workbook(io.BytesIO(sheet.data)).active["A2"].value == "SO-1"
    assert client.get("/export/secrets.csv").status_code == 404


def test_a_salesperson_gets_what_customers_ask_about_and_not_the_books(website: Website) -> None:
    client = website.signed_in(role="salesperson")
    page = client.get("/export").text
    assert "/export/backorders.csv" in page
    assert "/export/events.csv" not in page
    with client.get("/export/promises.csv") as answer:
        assert answer.status_code == 200
    assert client.get("/export/events.csv").status_code == 403


def test_results_of_a_period_come_in_both_formats_by_page(website: Website) -> None:
    driven = Driven(website.installation.database, website.a_round(), secret=website.installation.secret)
    driven.says(0)
    client = website.signed_in()
    answer = client.get("/evening/results.xlsx?day=2026-05-01&to=2026-05-31")
    assert answer.headers["Content-Disposition"].endswith('"results-2026-05-01-2026-05-31.xlsx"')
    rows = list(openpyxl.load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True))
    assert len(rows) == 4
    assert rows[1][rows[0].index("proof_link")].startswith("http")
    assert client.get("/evening/results.csv?day=2026-05-31&to=2026-05-01").status_code == 422
    assert client.get("/evening/results.csv?day=2026-06-01&to=2026-06-30").status_code == 404


# ---------------------------------------------------------------------------- commands


def run(website: Website, *words: str) -> Result:
    return CliRunner().invoke(main, list(words), env={"BACKROUTE_HOME": str(website.installation.home)})


def test_the_command_writes_a_file_by_its_ending_and_says_how_many(website: Website, tmp_path: Path) -> None:
    a_desk(website)
    said = run(website, "export", "orders", "-o", str(tmp_path / "orders.xlsx"), "--json")
    assert said.exit_code == 0
    assert json.loads(said.stdout)["rows"] == 4
    assert openpyxl.load_workbook(tmp_path / "orders.xlsx").active.max_row == 5
    assert run(website, "export", "stock").stdout_bytes.startswith(b"depot,sku,")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["orders.xlsx"]


@pytest.mark.parametrize(
    "words", [("export", "secrets"), ("export", "orders", "--json"), ("export", "orders", "-o", "/no/such/x.csv")]
)
def test_the_command_refuses_what_it_cannot_do(website: Website, words: tuple[str, ...]) -> None:
    assert run(website, *words).exit_code == 2


def test_results_of_a_period_by_command(website: Website, tmp_path: Path) -> None:
    Driven(website.installation.database, website.a_round(), secret=website.installation.secret).says(0)
    there = str(tmp_path / "results.xlsx")
    said = run(website, "results", "--from", "2026-05-01", "--to", "2026-05-31", "-o", there)
    assert (said.exit_code, "3 lines" in said.stdout) == (0, True)
    assert openpyxl.load_workbook(there).active.max_row == 4
    piped = run(website, "results", "--from", DAY).stdout_bytes
    assert piped.startswith(b"order,line,source,")
    first = next(csv.DictReader(io.StringIO(piped.decode("utf-8"))))
    assert [first[name] for name in ("source", "customer_number", "site_number", "depot")] == [
        "own",
        "C1-1",
        "S1-1",
        "DEP1",
    ]
    for words in (("--to", DAY), ("--day", DAY, "--from", DAY), ("--from", "2026-05-31", "--to", "2026-05-01")):
        assert run(website, "results", *words).exit_code == 2


def test_a_nightly_job_meets_a_day_on_which_nothing_was_dispatched(website: Website, tmp_path: Path) -> None:
    there = tmp_path / "results.csv"
    for words in (("--day", "2020-01-05"), ("--from", "2020-01-01", "--to", "2020-01-05")):
        nothing = run(website, "results", *words, "--json")
        assert (nothing.exit_code, json.loads(nothing.stdout)) == (0, {"lines": []})
        assert "Nothing was dispatched" in nothing.stderr
        assert run(website, "results", *words).stdout.splitlines()[0].startswith("order,line,source,")
        said = run(website, "results", *words, "-o", there)
        assert (said.exit_code, said.stdout) == (0, f"0 lines in {there}\n")
        assert len(there.read_text(encoding="utf-8-sig").splitlines()) == 1


def test_results_come_as_one_document_with_what_the_file_has(website: Website, tmp_path: Path) -> None:
    Driven(website.installation.database, website.a_round(), secret=website.installation.secret).says(0)
    lines = json.loads(run(website, "results", "--from", DAY, "--json").stdout)["lines"]
    read = list(csv.DictReader(io.StringIO(run(website, "results", "--from", DAY).stdout_bytes.decode("utf-8"))))
    assert [{name: str(value) for name, value in line.items()} for line in lines] == read
    assert [(type(line["sent"]), type(line["due_at_door"])) for line in lines] == [(int, str)] * 3
    there = tmp_path / "results.csv"
    said = run(website, "results", "--from", DAY, "-o", str(there), "--json")
    assert json.loads(said.stdout) == {"rows": 3, "file": str(there), "format": "csv"}
    assert run(website, "results", "--format", "csv", "--json").exit_code == 2
