"""Orders and customers are held, let go, and deliveries taken back from a command, with who and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Table, insert, select, update

from data import tables
from data.store import open_store
from routing.services.collecting import collect_goods
from routing.services.releasing import release_orders
from tests.desk import Desk, a_desk
from tests.website import Website, a_website
from web.cli import main


@pytest.fixture
def website(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Website]:
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path))
    with a_website(tmp_path) as made:
        yield made


@pytest.fixture
def desk(website: Website) -> Desk:
    return a_desk(website)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def rows(website: Website, table: Table) -> list[Any]:
    with website.installation.database.reading() as connection:
        return list(connection.execute(select(table).order_by(table.c.id)))


def story(website: Website, *kinds: str) -> list[tuple[str, int | None, str, str]]:
    return [
        (each.kind, each.order_id, each.actor, each.data["why"])
        for each in rows(website, tables.event)
        if each.kind in kinds
    ]


def test_an_order_is_held_and_let_go_with_who_and_why(website: Website, desk: Desk) -> None:
    done = run("hold", "PO-701", "--why", " asks for  another day ")
    assert done.exit_code == 0, done.output
    assert done.stdout == (
        "SO-1 is on hold: asks for another day. It keeps its goods and its place, and is not released.\n"
    )
    again = json.loads(run("hold", "SO-1", "--why", "asks for another day", "--json").stdout)
    assert again == {
        "order": "SO-1", "held": True, "customer_held": False, "awaits_payment": False,
        "why": "asks for another day", "changed": False,
    }  # fmt: skip
    done = run("let-go", "SO-1", "--why", "any day will do")
    assert done.stdout == "SO-1: It may go again.\n"
    assert "was not on hold: nothing changed" in run("let-go", "SO-1", "--why", "again").stdout
    assert story(website, "held", "hold_lifted") == [
        ("held", desk.orders[1], "command line", "asks for another day"),
        ("hold_lifted", desk.orders[1], "command line", "any day will do"),
    ]
    page = website.signed_in().get(f"/orders/{desk.orders[1]}").text
    assert "No longer on hold. Why: any day will do" in page


def test_a_customer_is_held_with_all_that_is_open_of_theirs(website: Website, desk: Desk) -> None:
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.order).values(customer_id=1).where(tables.order.c.id == desk.orders[2]))
    done = json.loads(run("hold", "--customer", "C-1", "--why", "two invoices are open", "--json").stdout)
    assert (done["customer"], done["held"], done["changed"], done["orders"]) == ("C-1", True, True, ["SO-1", "SO-2"])
    assert [each.payment_hold for each in rows(website, tables.customer)] == ["two invoices are open", "", "", ""]
    assert "for that reason already" in run("hold", "--customer", "C-1", "--why", "two invoices are open").stdout
    said = run("let-go", "SO-1", "--why", "he rang").stdout
    assert said == (
        "SO-1 was not on hold: nothing changed. It still stays, for its customer is on hold: let-go --customer.\n"
    )
    assert "is not on payment hold any more" in run("let-go", "--customer", "Café 1", "--why", "paid").stdout
    by, first, second = "command line", desk.orders[1], desk.orders[2]
    assert story(website, "payment_held", "payment_hold_lifted") == [
        ("payment_held", first, by, "two invoices are open"), ("payment_held", second, by, "two invoices are open"),
        ("payment_hold_lifted", first, by, "paid"), ("payment_hold_lifted", second, by, "paid"),
    ]  # fmt: skip


def test_an_order_passes_its_payment_gate_only_by_that_word(website: Website, desk: Desk) -> None:
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.order).values(payment="pending"))
    assert "it waits for its payment: let-go --unpaid" in run("let-go", "SO-1", "--why", "x").stdout
    assert run("let-go", "SO-1", "--unpaid", "--why", "the bank confirmed it").stdout == (
        "SO-1: It may be released before it is paid.\n"
    )
    assert story(website, "payment_passed") == [
        ("payment_passed", desk.orders[1], "command line", "the bank confirmed it")
    ]
    assert "waited for no payment" in run("let-go", "SO-1", "--unpaid", "--why", "again").stdout


def two_sources(website: Website) -> None:
    """A shop's customer has the number of ours, another one the name that begins as theirs alone."""
    with website.installation.database.writing() as connection:
        for source, number, name in (("shopify", "C-1", "Shop 1"), ("own", "C-77", "Harbour kiosk 77")):
            connection.execute(insert(tables.customer).values(source=source, number=number, name=name))


def held_customers(website: Website) -> list[tuple[str, str]]:
    return [(each.source, each.number) for each in rows(website, tables.customer) if each.payment_hold]


def test_nothing_is_done_to_a_customer_of_whom_only_a_part_of_the_name_was_said(website: Website, desk: Desk) -> None:
    two_sources(website)
    for words in (("hold", "--customer", "Harbour"), ("erase", "--customer", "Harbour")):
        done = run(*words, "--why", "x")
        assert (done.exit_code, done.stderr.strip()) == (
            2, 'There is no customer "Harbour". Alike are C-77: write the number of one.',
        )  # fmt: skip
    done = run("collect", "Harbour", "S-1", "OAT", "1")
    assert "Alike are C-77: write the number of one." in done.stderr
    assert held_customers(website) == []
    assert "is on payment hold" in run("hold", "--customer", "Harbour kiosk 77", "--why", "x").stdout
    assert held_customers(website) == [("own", "C-77")]


def test_a_number_of_two_sources_is_told_apart_by_its_source(website: Website, desk: Desk) -> None:
    two_sources(website)
    done = run("hold", "--customer", "C-1", "--why", "x")
    assert 'customers are called "C-1" (own:C-1, shopify:C-1): write the number of one.' in done.stderr
    done = run("policy", "set", "max_wait_days", "9", "--customer", "C-1")
    assert "own:C-1, shopify:C-1" in done.stderr
    assert held_customers(website) == []
    assert run("hold", "--customer", "shopify:C-1", "--why", "x").exit_code == 0
    assert held_customers(website) == [("shopify", "C-1")]
    assert run("policy", "set", "max_wait_days", "9", "--customer", "shopify:C-1").exit_code == 0
    (kept,) = [each for each in rows(website, tables.policy) if each.name == "max_wait_days"]
    (theirs,) = [each for each in rows(website, tables.customer) if each.source == "shopify"]
    assert kept.scope_id == theirs.id
    listed = json.loads(run("backorders", "--customer", "own:C-1", "--json").stdout)
    assert listed == json.loads(run("backorders", "--customer", "Café 1", "--json").stdout)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("hold", "--why", "x"), "Name either an ORDER, or --customer CUSTOMER."),
        (("hold", "SO-1", "--customer", "C-1", "--why", "x"), "Name either an ORDER, or --customer CUSTOMER."),
        (("hold", "SO-1", "--why", "  "), "Say why"),
        (("hold", "SO-1", "--why", "x" * 201), "Write it in 200"),
        (("let-go", "SO-1", "--why", "x" * 201), "Write it in 200"),
        (("hold", "NOPE", "--why", "x"), 'There is no order "NOPE"'),
        (("hold", "N" * 5_000, "--why", "x"), 'There is no order "NNN'),
        (("let-go", "--customer", "NOPE", "--why", "x"), 'There is no customer "NOPE"'),
        (("hold", "--customer", "Caf", "--why", "x"), "write the number of one"),
        (("let-go", "--customer", "C-1", "--unpaid", "--why", "x"), "--unpaid is for one order"),
        (("unrelease", "NOPE", "--why", "x"), 'There is no delivery "NOPE"'),
        (("unrelease", "D-1", "--why", " "), "Say why"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence_and_changes_nothing(
    website: Website, desk: Desk, words: tuple[str, ...], said: str
) -> None:
    with website.installation.database.writing() as connection:  # who would be let go
        connection.execute(update(tables.order).values(hold_reason="before"))
    before = len(rows(website, tables.event))
    done = run(*words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr) < 300
    assert json.loads(run(*words, "--json").stdout)["error"]["message"] == done.stderr.strip()
    assert len(rows(website, tables.event)) == before
    assert {each.hold_reason for each in rows(website, tables.order)} == {"before"}


def released(website: Website, desk: Desk) -> Any:
    at = website.clock.at
    with open_store(website.installation.database) as store:
        release_orders(
            store, depot_id=desk.depot, for_day=(at + timedelta(days=1)).date().isoformat(), now=at, by="test",
            orders=[desk.orders[4]],
        )  # fmt: skip
    return rows(website, tables.delivery)[-1]


def test_a_delivery_is_taken_back_shown_first(website: Website, desk: Desk) -> None:
    made = released(website, desk)
    shown = run("unrelease", made.number, "--why", "the café is closed", "--simulate")
    assert shown.exit_code == 0, shown.output
    assert "would be taken back: 12 × COFFEE would stay with SO-4." in shown.stdout
    assert rows(website, tables.delivery)[-1].state == "released"
    done = json.loads(run("unrelease", made.number, "--why", "the café is closed", "--json").stdout)
    assert (done["number"], done["orders"], done["simulated"]) == (made.number, ["SO-4"], False)
    assert done["goods"] == [{"units": 12, "sku": "COFFEE", "name": "Coffee beans"}]
    assert rows(website, tables.delivery)[-1].state == "unreleased"
    assert story(website, "unreleased") == [("unreleased", desk.orders[4], "command line", "the café is closed")]
    again = run("unrelease", made.number, "--why", "again")
    assert (again.exit_code, "was taken back already" in again.stderr) == (2, True)


def test_what_is_loaded_and_what_is_fetched_is_not_taken_back(website: Website, desk: Desk) -> None:
    made = released(website, desk)
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.delivery).values(state="loaded"))
        connection.execute(update(tables.product).values(returnable=True))
    for words in ((), ("--simulate",)):
        done = run("unrelease", made.number, "--why", "x", *words)
        assert (done.exit_code, "Unload it first" in done.stderr) == (2, True)
    with open_store(website.installation.database) as store:
        fetched = collect_goods(
            store, site_id=desk.sites[1], product_id=desk.products["OAT"], quantity=2, why="empties", day="",
            now=website.clock.at, by="test",
        )  # fmt: skip
    done = run("unrelease", fetched.number, "--why", "x")
    assert (done.exit_code, f"collect --cancel {fetched.number}" in done.stderr) == (2, True)
