"""Stock as the pages and the terminal tell it: the same numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import insert

from data import tables
from routing.model.orders import AllocationRule
from tests.desk import HOSTILE, Desk, a_desk, add
from tests.website import Website, a_website
from web.cli import main


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def desk(website: Website) -> Desk:
    return a_desk(website)


def test_a_viewer_reads_who_gets_what_and_when_it_turns(website: Website, desk: Desk) -> None:
    client = website.signed_in(role="viewer")
    listed = client.get("/stock")
    assert listed.status_code == 200
    assert 'href="/stock/OAT"' in listed.text
    page = client.get("/stock/OAT").text
    assert "Tier, then first ordered" in page
    assert re.findall(r">(SO-\d)</a>", page) == ["SO-1", "SO-2", "SO-3"]  # Café 1 is of tier 2
    assert "12 of IN-1" in page
    assert HOSTILE not in page
    assert "Everything that is wanted is covered." in page


WHY_HERE = [
    ("tier_then_first_ordered", "SO-1", r"tier 2, ordered [^<,]+", r"tier 1, ordered [^<,]+"),
    ("first_ordered", "SO-1", r"ordered [^<,]+", r"ordered [^<,]+"),
    ("promised_date", "SO-2", r"promised 12 May, tier 2, ordered [^<,]+", r"counts on 1 May, .*"),
    ("fair_share", "SO-1", r"its share of what it wants, ordered .+, which counts for what is left over",
     r"its share.*"),
]  # fmt: skip
"""By rule: who comes first, and what is said of SO-1 and of SO-2."""


def test_of_every_rule_it_is_looked_at_why_a_line_has_its_place() -> None:
    assert [rule for rule, *_ in WHY_HERE] == list(AllocationRule), "say in WHY_HERE who comes first, and what is said"


@pytest.mark.parametrize(("rule", "leads", "first", "second"), WHY_HERE)
def test_why_a_line_has_its_place_is_said_by_the_rule_in_force(
    website: Website, desk: Desk, rule: str, leads: str, first: str, second: str
) -> None:
    """Café 2's order has another line, promised long ago: by promises it comes first."""
    with website.installation.database.writing() as connection:
        add(
            connection, tables.policy, scope="company", scope_id=0, name="allocation_rule", value=rule,
            effective_from="2026-01-01", by="test", at=website.clock.at,
        )  # fmt: skip
        line = add(
            connection, tables.order_line, order_id=desk.orders[2], number="2", quantity=1, unit_price=200,
            product_id=desk.products["COFFEE"],
        )  # fmt: skip
        add(
            connection, tables.promise, order_line_id=line, version=1, promised_on="2026-05-01", why="told", by="test",
            made_at=website.clock.at,
        )  # fmt: skip
    page = website.signed_in(role="viewer").get("/stock/OAT").text
    whys = re.findall(r'data-label="Why here">([^<]+)</td>', page)
    names = re.findall(r">(SO-\d)</a>", page)
    said = dict(zip(names, whys, strict=True))
    assert re.fullmatch(first, said["SO-1"]), said
    assert re.fullmatch(second, said["SO-2"]), said
    assert names[0] == leads
    if rule == "first_ordered":
        assert "tier" not in " ".join(whys)


def test_the_page_and_the_terminal_tell_the_same_numbers(
    website: Website, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKROUTE_HOME", str(website.installation.home))
    done = CliRunner().invoke(main, ["promises", "--sku", "OAT", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    (stock,) = told["stock"]
    assert (stock["on_hand"], stock["inbound"], stock["wanted"], stock["uncovered"]) == (0, 36, 36, 0)
    page = website.signed_in().get("/stock/OAT").text
    figures = {word: int(value) for value, word in re.findall(
        r'<span class="value">(\d+)</span><span class="label">([^<]+)</span>', page
    )}  # fmt: skip
    assert figures == {
        "on hand": stock["on_hand"], "allocated of it": stock["allocated"], "available": stock["available"],
        "to come": stock["inbound"], "wanted": stock["wanted"], "uncovered": stock["uncovered"],
    }  # fmt: skip
    assert [line["order"] for line in told["lines"]] == re.findall(r">(SO-\d)</a>", page)
    printed = CliRunner().invoke(main, ["promises", "--sku", "OAT"]).output
    assert "36 to come, 36 wanted, 0 uncovered" in printed
    unknown = CliRunner().invoke(main, ["promises", "--sku", "NO", "--json"])
    assert (unknown.exit_code, json.loads(unknown.stdout)["error"]["code"]) == (2, "sku")


def test_five_thousand_skus_come_a_hundred_a_page_searched_and_sorted(website: Website, desk: Desk) -> None:
    with website.installation.database.writing() as connection:
        made = connection.execute(
            insert(tables.product).returning(tables.product.c.id),
            [{"number": f"X-{n:04}", "name": f"Thing {n}"} for n in range(5_000)],
        )
        connection.execute(
            insert(tables.supply),
            [
                {"kind": "receipt", "number": f"R-{key}", "depot_id": desk.depot, "product_id": key, "quantity": 5,
                 "counted_at": website.clock.at}
                for (key,) in made
            ],
        )  # fmt: skip
    client = website.signed_in()
    page = client.get("/stock?sort=sku&page=51").text
    assert "5002 rows, page 51 of 51" in page
    assert "X-4999" in page
    assert "1 row" in client.get("/stock?q=x-0042&sort=wanted").text
    assert "Nothing is called that" in client.get("/stock?q=%25%25").text
    for odd in ("?page=0", "?page=-3", "?page=x", "?page=99999999999", "?sort=none", "?sort=depot"):
        assert client.get(f"/stock{odd}").status_code == 200, odd


def test_a_sku_that_is_not_there_is_said_with_the_mend(website: Website, desk: Desk) -> None:
    client = website.signed_in()
    answer = client.get("/stock/<script>")
    assert answer.status_code == 404
    assert "There is no product" in answer.text
