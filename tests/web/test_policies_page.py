"""The page of policies: in plain words, first shown, then committed; everybody's are an administrator's."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from data import tables
from routing.model.orders import AllocationRule
from routing.model.proofs import Outcome
from routing.rules.allocation import by_example
from routing.rules.door import REASONS
from routing.rules.policies import Group
from routing.rules.walk import fair_shares
from tests.desk import Desk, a_desk
from tests.website import Website, a_website, form_token
from web.dispatcher.policy_words import kind_words
from web.dispatcher.words import rule_words

FORM = {"scope": "order", "name": "completeness", "value": "complete"}


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def desk(website: Website) -> Desk:
    return a_desk(website)


@pytest.fixture
def client(website: Website) -> FlaskClient:
    return website.signed_in()


def post(client: FlaskClient, at: str, **data: object) -> TestResponse:
    return client.post(at, data={"csrf_token": form_token(client.get("/policies")), **data})


def fields(page: TestResponse) -> dict[str, str]:
    """What the form at the end of the page would send, without its token."""
    form = page.text.split('action="/policies/commit"')[1]
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in found if name != "csrf_token"}


def rows(website: Website) -> list[tuple[str, int, str, object]]:
    with website.installation.database.reading() as connection:
        query = select(tables.policy.c.scope, tables.policy.c.scope_id, tables.policy.c.name, tables.policy.c.value)
        return [tuple(row) for row in connection.execute(query)]


def number_of(website: Website, order_id: int) -> str:
    with website.installation.database.reading() as connection:
        query = select(tables.order.c.number).where(tables.order.c.id == order_id)
        return str(connection.execute(query).scalar_one())


def test_an_order_s_policy_is_shown_then_kept_and_listed_in_plain_words(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    number = number_of(website, desk.orders[1])
    shown = post(client, "/policies/simulate", **FORM, whom=number)
    assert shown.status_code == 200
    assert f"{number}: ships complete" in html.unescape(re.sub(r"\s+", " ", shown.text))
    assert rows(website) == []
    before = client.get("/policies").text
    assert post(client, "/policies/commit", **fields(shown)).status_code == 302
    assert rows(website) == [("order", desk.orders[1], "completeness", "complete")]
    listed = client.get("/policies").text
    assert number in listed
    assert listed.count("in force") == before.count("in force") + 1
    assert "ships complete" in client.get(f"/orders/{desk.orders[1]}").text


def test_the_heading_names_the_customer_whatever_was_typed(client: FlaskClient, website: Website, desk: Desk) -> None:
    """Written by its number it stands there by its name, also when it ends; what was typed is what is kept."""
    with website.installation.database.reading() as connection:
        customer = connection.execute(select(tables.customer).order_by(tables.customer.c.id)).first()
    assert customer is not None
    assert customer.number != customer.name

    def heading(page: TestResponse) -> str:
        return html.unescape(" ".join(page.text.split("<h1>")[1].split("</h1>")[0].split()))

    shown = post(client, "/policies/simulate", **FORM | {"scope": "customer"}, whom=customer.number)
    assert heading(shown).startswith(f"{customer.name}: ")
    assert fields(shown)["whom"] == customer.number
    assert post(client, "/policies/commit", **fields(shown)).status_code == 302
    (ends,) = re.findall(r'name="ends" value="(\d+)"', client.get("/policies").text)
    assert heading(post(client, "/policies/simulate", ends=ends)).startswith(f"{customer.name}: ")


def test_what_is_kept_for_a_later_day_says_again_from_which(client: FlaskClient, website: Website, desk: Desk) -> None:
    shown = post(client, "/policies/simulate", **FORM | {"from": "2026-05-19"}, whom=number_of(website, desk.orders[1]))
    assert post(client, "/policies/commit", **fields(shown)).status_code == 302
    assert "kept. It holds from Tue 19 May 2026 on." in client.get("/policies").text


def test_a_policy_is_ended_after_it_was_shown(client: FlaskClient, website: Website, desk: Desk) -> None:
    number = number_of(website, desk.orders[1])
    shown = post(client, "/policies/simulate", **FORM, whom=number)
    post(client, "/policies/commit", **fields(shown))
    before = client.get("/policies").text
    (ends,) = re.findall(r'name="ends" value="(\d+)"', before)
    shown = post(client, "/policies/simulate", ends=ends)
    assert post(client, "/policies/commit", **fields(shown)).status_code == 302
    assert client.get("/policies").text.count("in force") == before.count("in force") - 1
    assert "may ship in parts" in client.get(f"/orders/{desk.orders[1]}").text


def test_everybody_s_policy_is_kept_by_an_administrator_only(client: FlaskClient, website: Website, desk: Desk) -> None:
    form = {"scope": "company", "name": "allocation_rule", "value": "first_ordered"}
    shown = post(client, "/policies/simulate", **form)
    assert shown.status_code == 200
    assert post(client, "/policies/commit", **fields(shown)).status_code == 403
    assert rows(website) == []
    admin = website.signed_in(role="admin")
    shown = post(admin, "/policies/simulate", **form)
    assert post(admin, "/policies/commit", **fields(shown)).status_code == 302
    assert rows(website) == [("company", 0, "allocation_rule", "first_ordered")]


def test_a_world_that_moved_on_is_shown_again_and_nothing_is_kept(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    shown = post(client, "/policies/simulate", **FORM, whom=number_of(website, desk.orders[1]))
    answer = post(client, "/policies/commit", **(fields(shown) | {"seen": "something else"}))
    assert answer.status_code == 409
    assert "moved on" in answer.text
    assert rows(website) == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"whom": "SO-9999"}, "no order"),
        ({"whom": ""}, "Choose an order"),
        ({"scope": "planet"}, "for whom"),
        ({"name": "constructor"}, "no policy"),
        ({"value": "<script>"}, "none of"),
        ({"from": "2020-01-01"}, "over"),
        ({"from": "9999-12-31"}, "years away"),
        ({"to": "9999-12-31"}, "years away"),
        ({"name": "min_value", "value": "1.234"}, "is no amount from 0 to 21474836 EUR"),
        ({"name": "min_value", "value": "-3"}, "is no amount from 0 to 21474836 EUR"),
        ({"name": "min_value", "value": ""}, "is no amount from 0 to 21474836 EUR"),
        ({"ends": "7"}, "no longer there"),
        ({"ends": "9" * 30}, "no longer there"),
    ],
)
def test_a_wrong_form_says_what_is_wrong_and_keeps_nothing(
    client: FlaskClient, website: Website, desk: Desk, wrong: dict[str, str], says: str
) -> None:
    form = FORM | {"whom": number_of(website, desk.orders[1])} | wrong
    answer = post(client, "/policies/simulate", **form)
    assert answer.status_code in (404, 422)
    assert says in answer.text
    assert '<script>"' not in answer.text
    assert rows(website) == []


def test_money_is_typed_in_its_units_and_kept_in_minor_ones(client: FlaskClient, website: Website, desk: Desk) -> None:
    form = FORM | {"whom": number_of(website, desk.orders[1]), "name": "min_value", "value": "12,50"}
    shown = post(client, "/policies/simulate", **form)
    post(client, "/policies/commit", **fields(shown))
    assert rows(website) == [("order", desk.orders[1], "min_value", 1250)]


def test_the_page_says_who_gets_scarce_goods_in_order_with_the_rules_own_example(website: Website) -> None:
    page = website.signed_in().get("/policies").text
    table = page.split("What each rule gives, by an example")[-1].split("</table>")[0]
    cells = re.findall(r'data-label="(SO-\d)">(\d|–)<', table)
    with website.app.test_request_context():
        rows_shown = [AllocationRule(name) for name in rule_words()]
    assert [n for _order, n in cells] == [str(n or "–") for rule in rows_shown for n in by_example(rule)]
    gives = [by_example(rule) for rule in AllocationRule]
    assert len(set(gives)) == len(gives), "two rules give alike: let the orders differ in what the new one ranks by"
    assert page.index("What is released or picked stays") < page.index("Customers who never lose goods come first")
    assert fair_shares(60, {1: 48, 2: 24, 3: 24}, {1: 12, 2: 12, 3: 12}) == {1: 36, 2: 12, 3: 12}
    assert "36, 12 and 12" in page


def test_policies_stand_under_headings_of_the_trade_and_one_is_found_by_its_words(website: Website) -> None:
    client = website.signed_in(role="admin")
    page = client.get("/policies").text
    headings = re.findall(r'<a href="#g-(\w+)">', page)
    assert headings == [group.value for group in Group]
    assert all(f'id="g-{each}"' in page for each in headings)
    assert all(html.escape(about).replace("&#x27;", "&#39;") in page for _title, about in sentences(website).values())
    found = client.get("/policies?find=attempts LEFT door").text
    changes = set(re.findall(r"name=(\w+)#set", found))
    assert changes == {f"after_{reason.value}" for reason in REASONS}
    assert "No policy says that" in client.get("/policies?find=xylophone").text


def sentences(website: Website) -> dict[str, tuple[str, str]]:
    with website.app.test_request_context():
        return kind_words()


@pytest.mark.parametrize(
    ("name", "asks"),
    [
        ("same_day_until", 'type="time"'),
        ("backorder_list_at", 'type="time"'),
        ("cycle_service", 'type="number" value="" max="99" min="50"'),
        ("min_value", 'inputmode="decimal"'),
    ],
)
def test_a_value_is_asked_for_as_what_it_is(website: Website, name: str, asks: str) -> None:
    field = website.signed_in(role="admin").get(f"/policies?name={name}").text.split('id="f-value"')[1].split(">")[0]
    assert set(asks.split()) <= set(field.split()), field


def test_what_usually_follows_a_failed_try_is_said_of_each_reason(website: Website) -> None:
    said = {reason: sentences(website)[f"after_{reason.value}"][1] for reason in REASONS}
    assert "next delivery day" in said[Outcome.NOT_HOME]
    assert "customer's word" in said[Outcome.ADDRESS_NOT_FOUND]
    assert "a person decides" in said[Outcome.WRONG_GOODS]


def test_what_somebody_set_stands_above_what_holds_for_everybody(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    number = number_of(website, desk.orders[1])
    shown = post(client, "/policies/simulate", **FORM, whom=number)
    assert post(client, "/policies/commit", **fields(shown)).status_code == 302
    page = client.get("/policies").text
    assert page.index("Set by you") < page.index("For everybody, today")


@pytest.mark.parametrize(
    ("scope", "says"), [("customer", "Choose a customer: write its number"), ("order", "Choose an order: write its")]
)
def test_a_policy_for_nobody_asks_for_whom(client: FlaskClient, desk: Desk, scope: str, says: str) -> None:
    answer = post(client, "/policies/simulate", **FORM | {"scope": scope}, whom=" ")
    assert says in answer.text
    assert "There is no" not in answer.text
