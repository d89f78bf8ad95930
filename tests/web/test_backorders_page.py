"""Backorders per customer, on the page and by command; the clock makes the daily list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from data import tables
from data.store import open_store
from routing.rules.policies import PolicyRow, Scope
from tests.delayed import Delayed, a_delay
from tests.website import Website, a_website
from web.cli import main
from web.due import do_due


@pytest.fixture
def website(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Website]:
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path / "home"))
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def delayed(website: Website) -> Delayed:
    return a_delay(website)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["backorders", *arguments])


def test_every_customer_that_waits_is_listed_and_one_can_be_named(website: Website, delayed: Delayed) -> None:
    client = website.signed_in(role="salesperson")
    page = client.get("/backorders").text
    assert [f"Café {café}" in page for café in (1, 2, 3, 4)] == [True, True, True, False], "Café 4 has its goods"
    assert "Tue 19 May" in page
    assert "<img" not in page
    one = client.get("/backorders?customer=C-2").text
    assert "SO-2" in one
    assert "SO-1" not in one
    assert client.get("/backorders?customer=nobody").status_code == 404
    assert client.get(f"/backorders?customer={'x' * 5000}").status_code == 404
    assert client.get("/backorders?customer=%25").status_code == 404, "a percent sign is no wildcard"


def test_the_command_prints_them_for_people_and_programs(website: Website, delayed: Delayed) -> None:
    said = run()
    assert said.exit_code == 0
    assert "3 lines of 3 customers wait, 0 without a day" in said.output
    lines = json.loads(run("--customer", "C-1", "--json").output)["lines"]
    assert [(line["order"], line["quantity"], line["expected_on"], line["unallocated"]) for line in lines] == [
        ("SO-1", 12, "2026-05-19", 0)
    ]
    refused = run("--customer", "nobody", "--json")
    assert refused.exit_code == 2
    assert json.loads(refused.output.splitlines()[0])["error"]["code"] == "customer"


def test_the_clock_makes_the_day_s_lists_once(website: Website, delayed: Delayed) -> None:
    row = PolicyRow(scope=Scope.COMPANY, name="backorder_list", value="daily", effective_from="2026-05-12")
    with open_store(website.installation.database) as store:
        store.set_policy(row, by="test", now=website.clock.at)
    assert [do_due(website.installation).lists_made for _ in range(3)] == [3, 0, 0]
    website.clock.at += timedelta(days=1)
    assert do_due(website.installation).lists_made == 3
    with website.installation.database.reading() as connection:
        days = connection.scalars(
            select(tables.notice.c.occurrence).where(tables.notice.c.kind == "backorder_list")
        ).all()
    assert sorted(set(days)) == ["2026-05-12", "2026-05-13"]


def test_the_lists_are_sorted_by_who_is_latest_and_by_worth_and_say_so(website: Website, delayed: Delayed) -> None:
    client = website.signed_in()
    page = client.get("/backorders?sort=late")
    assert 'aria-sort="descending"><a class="sort" href="/backorders?sort=late">' in page.text
    assert "first 12 May" in page.text, "it was promised for Tuesday first, and that is what it is late against"
    assert '<td class="number" data-label="Days late"><span class="late-word">7</span></td>' in page.text
    assert client.get("/backorders?sort=late&customer=C-2").text.count("SO-1") == 0
    orders = client.get("/orders?state=waiting&sort=worth&q=SO").text
    assert 'aria-sort="descending"><a class="sort" href="/orders?state=waiting&amp;q=SO&amp;sort=worth">' in orders
    assert 'aria-sort="ascending"><a class="sort" href="/orders">' in client.get("/orders").text
    for wrong in ("/orders?sort=number", "/backorders?sort=%27", "/orders?sort="):
        assert client.get(wrong).status_code == 404


def test_the_command_sorts_too(website: Website, delayed: Delayed) -> None:
    lines = json.loads(run("--sort", "late", "--json").output)["lines"]
    assert [(line["order"], line["due_on"], line["worth"], line["currency"]) for line in lines] == [
        (order, "2026-05-12", 2400, "EUR") for order in ("SO-1", "SO-2", "SO-3")
    ]
    assert all(line["days_late"] >= 7 for line in lines), "a command goes by the real clock, which is never before"
    said = run("--sort", "worth")
    assert "Customer" in said.output
    assert run("--sort", "number").exit_code == 2


def test_a_day_that_is_over_is_named_nowhere_as_the_day_to_come(website: Website, delayed: Delayed) -> None:
    with website.installation.database.writing() as connection:
        connection.execute(tables.order_line.update().values(expected_on="2026-05-11"))
    client = website.signed_in(role="salesperson")
    said = "overdue: new date not known yet"
    page = client.get("/backorders?customer=C-1").text
    assert said in page
    assert "Mon 11 May" not in page
    order = client.get(f"/orders/{delayed.desk.orders[1]}").text
    assert said in order
    assert "The day it was expected is over" in order
    assert "Mon 11 May" not in order
    listed = client.get("/orders").text
    assert (said in listed, "Mon 11 May" in listed) == (True, False)
    assert "Mon 11 May" not in client.get("/stock").text


def test_a_term_that_is_over_is_said_to_be_over(website: Website, delayed: Delayed) -> None:
    assert "answer by Fri 15 May" in website.signed_in(role="salesperson").get("/backorders").text
    website.clock.at += timedelta(days=5)
    page = website.signed_in().get("/backorders").text
    assert "no answer, term over since Fri 15 May" in page
    assert "answer by" not in page
    assert "(over)" in run("--sort", "late").output, "a command goes by the real clock, which is never before"


def test_a_day_that_the_customer_chose_is_a_wish_and_no_slip_of_ours(website: Website, delayed: Delayed) -> None:
    with website.installation.database.writing() as connection:
        line_id = connection.scalar(
            select(tables.order_line.c.id).where(tables.order_line.c.order_id == delayed.desk.orders[1])
        )
        connection.execute(tables.promise.delete().where(tables.promise.c.order_line_id == line_id))
        connection.execute(
            tables.promise.insert(),
            [
                {
                    "order_line_id": line_id, "version": version, "promised_on": day, "why": why, "by": "test",
                    "made_at": website.clock.at + timedelta(minutes=version),
                }
                for version, day, why in (
                    (1, "2026-05-12", "first date"), (2, "2026-05-14", "at the customer's wish"),
                    (3, "2026-05-19", "inbound IN-1 comes on 2026-05-18"),
                )
            ],
        )  # fmt: skip
    client = website.signed_in(role="salesperson")
    order = client.get(f"/orders/{delayed.desk.orders[1]}").text
    assert "moved to Thu 14 May at the customer" in order
    assert "slipped to Thu 14 May" not in order
    assert "slipped to Tue 19 May" in order
    page = client.get("/backorders?customer=C-1").text
    assert "wished for 14 May" in page
    assert "first 14 May" not in page
    (line,) = json.loads(run("--customer", "C-1", "--json").output)["lines"]
    assert (line["due_on"], line["wished"]) == ("2026-05-14", True)
    assert all(not each["wished"] for each in json.loads(run("--customer", "C-2", "--json").output)["lines"])


def test_an_order_whose_goods_come_after_the_wanted_day_waits_for_stock(website: Website, delayed: Delayed) -> None:
    with website.installation.database.writing() as connection:
        connection.execute(tables.order.update().values(wanted_on="2026-06-30"))
        connection.execute(tables.order_line.update().values(expected_on="2026-07-07"))
    page = website.signed_in(role="salesperson").get(f"/orders/{delayed.desk.orders[1]}").text
    head = page[page.index('id="where"') : page.index('class="told"')]
    assert "Wanted on Tue 30 Jun; waits for stock, expected Tue 7 Jul." in head
    assert "Not wanted yet" not in head


def test_an_order_that_is_not_wanted_yet_says_so_once(website: Website, delayed: Delayed) -> None:
    with website.installation.database.writing() as connection:
        connection.execute(tables.order.update().values(not_before="2026-06-30"))
        connection.execute(tables.order_line.update().values(expected_on="2026-06-30"))
    page = website.signed_in(role="salesperson").get(f"/orders/{delayed.desk.orders[1]}").text
    head = page[page.index('id="where"') : page.index('class="told"')]
    assert "Not wanted yet; expected Tue 30 Jun." in head
    assert head.count("Not wanted yet") == 1
    assert "Waits for stock" not in head
    assert "for another day" in head


def test_a_term_ends_with_the_day_of_the_depot_and_not_of_the_company(website: Website, delayed: Delayed) -> None:
    """A day begins at the company 26 hours before it begins at the depot, and an answer is due there in a minute."""
    with website.installation.database.writing() as connection:
        connection.execute(tables.company.update().values(zone="Pacific/Kiritimati"))
        connection.execute(tables.depot.update().values(zone="Etc/GMT+12"))
        soon = datetime.now(UTC) + timedelta(minutes=1)
        connection.execute(tables.delay_consent.update().values(due_at=soon))
    said = CliRunner().invoke(main, ["promises"])
    assert "Answer by" in said.output
    assert "(over)" not in said.output


def test_by_customer_the_header_stands_once_and_a_row_names_each_customer(website: Website, delayed: Delayed) -> None:
    client = website.signed_in()
    page = client.get("/backorders").text
    assert page.count("<thead>") == 1
    assert page.count('<th scope="rowgroup"') == 3
    assert "rowgroup" not in client.get("/backorders?sort=worth").text
