"""An inbound that slips or is cancelled: shown first, committed only if it does what was shown."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from data import tables
from routing.model.orders import AllocationRule, LineChange, Preview
from tests.desk import Desk, a_desk
from tests.website import Website, a_website, form_token
from web.dispatcher.supply import changes


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
    return client.post(at, data={"csrf_token": form_token(client.get("/receipts")), **data})


def seen(page: TestResponse) -> str:
    return html.unescape(re.findall(r'name="seen" value="([^"]*)"', page.text)[-1])


def inbound(website: Website, desk: Desk) -> tuple[object, object]:
    with website.installation.database.reading() as connection:
        row = connection.execute(select(tables.supply).where(tables.supply.c.id == desk.inbound)).one()
        return row.expected_at, row.cancelled_at


def test_a_slip_is_shown_and_then_committed(client: FlaskClient, website: Website, desk: Desk) -> None:
    before = inbound(website, desk)
    day = (website.clock.at + timedelta(days=7)).date().isoformat()
    shown = post(client, "/inbound/simulate", number="IN-1", to=day)
    assert shown.status_code == 200
    assert "told of the new date" in shown.text
    assert inbound(website, desk) == before
    assert post(client, "/inbound/commit", number="IN-1", to=day, seen="other").status_code == 409
    assert inbound(website, desk) == before
    assert post(client, "/inbound/commit", number="IN-1", to=day, seen=seen(shown)).status_code == 302
    assert str(inbound(website, desk)[0]).startswith(day)


def test_a_cancelled_truck_leaves_orders_without_a_date(client: FlaskClient, website: Website, desk: Desk) -> None:
    shown = post(client, "/inbound/simulate", number="IN-1", cancel="1")
    assert "IN-1 will not come" in shown.text
    names = re.findall(r">(SO-\d)</a>", shown.text.split('id="losers"')[1].split("</ul>")[0])
    assert names == ["SO-1", "SO-2", "SO-3"]
    assert shown.text.count("no date: told by message") == 2 * len(names), "above, and in the table"
    assert "3 told by message, 0 by a call" in shown.text
    assert post(client, "/inbound/commit", number="IN-1", cancel="1", seen=seen(shown)).status_code == 302
    assert inbound(website, desk)[1] is not None
    today = client.get("/").text
    assert "3 were promised and have no date any more" in " ".join(today.split())


def test_who_is_asked_about_a_slip_or_a_lost_date_is_shown_with_the_day_for_the_answer(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    """Café 1 is a private customer: asked, with three days from Tuesday 12 May. The other two are told."""
    with website.installation.database.writing() as connection:
        private = connection.scalar(select(tables.order.c.customer_id).where(tables.order.c.id == desk.orders[1]))
        connection.execute(update(tables.customer).values(business=tables.customer.c.id != private))
    day = (website.clock.at + timedelta(days=7)).date().isoformat()
    shown = post(client, "/inbound/simulate", number="IN-1", to=day)
    assert "1 asked (answer by Fri 15 May), 2 told by message, 0 by a call" in shown.text
    assert (shown.text.count("asked about the new date"), shown.text.count("told of the new date")) == (1, 2)
    cancelled = post(client, "/inbound/simulate", number="IN-1", cancel="1")
    assert cancelled.text.count("no date: asked by message") == 2, "above, and in the table"
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.contact).where(tables.contact.c.customer_id == private).values(consent=False))
    called = post(client, "/inbound/simulate", number="IN-1", to=day).text
    assert "2 told by message, 1 by a call (1 asked, answer by Fri 15 May)" in called
    assert re.search(r"called about the new date</span>\s*<span[^>]*>answer by Fri 15 May<", called)


def test_who_loses_a_date_and_agreed_to_no_messages_is_shown_as_a_call_also_by_a_recount(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.contact).values(consent=False))
    shown = client.post(
        "/shelves/recount/simulate",
        data={"csrf_token": form_token(client.get("/receipts")), "sku": "COFFEE", "depot": desk.depot, "counted": "0"},
    )
    assert "SO-4" in shown.text.split('id="losers"')[1].split("</ul>")[0]
    assert "no date: to be called" in shown.text
    assert "0 told by message, 1 by a call" in shown.text


@pytest.mark.parametrize(("salesperson", "whom"), [("Sales 1", "Sales 1"), ("", "nobody in particular")])
def test_an_order_whose_customer_was_not_told_says_who_has_the_call_and_then_what_came_of_it(
    client: FlaskClient, website: Website, desk: Desk, salesperson: str, whom: str
) -> None:
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.contact).values(consent=False))
        connection.execute(update(tables.customer).values(salesperson=salesperson))
    at = f"/orders/{desk.orders[1]}"
    assert 'id="call"' not in client.get(at).text
    day = (website.clock.at + timedelta(days=7)).date().isoformat()
    shown = post(client, "/inbound/simulate", number="IN-1", to=day)
    post(client, "/inbound/commit", number="IN-1", to=day, seen=seen(shown))
    page = client.get(at).text
    assert "customer not told" in page
    assert f"A call is open with {whom}" in page
    link = re.search(r'id="call" href="/tasks\?kind=call_customer#task-(\d+)"', page)
    assert link is not None
    assert f'id="task-{link[1]}"' in client.get("/tasks?kind=call_customer").text
    post(client, f"/tasks/{link[1]}/done", outcome="agrees to wait")
    page = client.get(at).text
    assert "A call is open" not in page
    assert "call done by dispatcher 1" in page
    assert "agrees to wait" in page
    assert "customer not told" not in page


def test_no_day_a_day_that_is_over_and_an_unknown_number_are_refused(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    before = inbound(website, desk)
    for fields in ({"number": "IN-1"}, {"number": "IN-1", "to": "2001-01-01"}, {"number": "IN-1", "to": "soon"},
                   {"number": "IN-9", "cancel": "1"}):  # fmt: skip
        assert 400 <= post(client, "/inbound/simulate", **fields).status_code < 500, fields
    assert inbound(website, desk) == before


@pytest.mark.parametrize("day", ["9999-12-31", "2300-01-01"])
def test_a_day_years_away_is_refused(client: FlaskClient, website: Website, desk: Desk, day: str) -> None:
    before = inbound(website, desk)
    for at in ("/inbound/simulate", "/inbound/commit"):
        answer = post(client, at, number="IN-1", to=day)
        assert (answer.status_code, "years away" in answer.text) == (422, True)
    assert inbound(website, desk) == before


@pytest.mark.usefixtures("desk")
def test_only_a_dispatcher_changes_what_is_expected(website: Website) -> None:
    viewer = website.signed_in(role="viewer")
    assert "/inbound/simulate" not in viewer.get("/receipts").text
    token = form_token(viewer.get("/orders"))
    for path in ("/inbound/simulate", "/inbound/commit"):
        assert viewer.post(path, data={"csrf_token": token, "number": "IN-1", "cancel": "1"}).status_code == 403


def a_change(**days: str) -> LineChange:
    return LineChange(
        order_id=1, order="SO-1", customer="Café 1", site="Café 1", line_id=1, product_id=1, sku="OAT",
        name="Oat drink", complete=False, needed=12, firm_before=0, firm_after=0, provisional_before=12,
        provisional_after=12, price=100, currency="EUR", **days,
    )  # fmt: skip


def test_what_a_policy_moves_is_compared_with_the_day_it_would_have_had_today_without_it() -> None:
    """SO-1 was expected yesterday, the 2nd; today that is the 4th by itself, and the policy makes it the 10th."""
    by_itself = a_change(promised_on="2026-03-01", old_day="2026-03-02", new_day="2026-03-04")
    by_policy = replace(by_itself, new_day="2026-03-10", slips=True)
    preview = Preview(depot_id=1, rule=AllocationRule.FAIR_SHARE, lines=(by_policy,))
    (line,) = changes([preview], besides=[by_itself])["lines"]
    assert (line.old_day, line.new_day, line.promised_on) == ("2026-03-04", "2026-03-10", "2026-03-01")
    (line,) = changes([preview])["lines"]
    assert line.old_day == "2026-03-02"


def test_a_line_whose_day_is_over_is_not_moved_by_a_policy_that_only_names_its_terms_anew() -> None:
    """SO-1 is on hold, its day was the 2nd. That it would ship complete moves nothing of it: today moves it."""
    by_itself = a_change(promised_on="2026-03-02", old_day="2026-03-02", new_day="2026-03-04")
    by_itself = replace(by_itself, slips=True)
    preview = Preview(depot_id=1, rule=AllocationRule.FAIR_SHARE, lines=(replace(by_itself, complete=True),))
    shown = changes([preview], besides=[by_itself])
    assert (shown["lines"], shown["effect"].moved) == ([], frozenset())
    assert [line.order for line in shown["besides"]] == ["SO-1"]


def test_the_story_of_an_order_names_the_new_day_of_a_truck_as_people_write_it(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    day = (website.clock.at + timedelta(days=7)).date().isoformat()
    shown = post(client, "/inbound/simulate", number="IN-1", to=day)
    post(client, "/inbound/commit", number="IN-1", to=day, seen=seen(shown))
    for address in (f"/orders/{desk.orders[1]}", "/"):
        words = re.sub(r"<[^>]*>", " ", client.get(address).text)
        assert day not in words, address
    assert "IN-1 comes on Tue 19 May" in client.get(f"/orders/{desk.orders[1]}").text


def test_an_order_that_loses_its_date_is_named_once_above_the_table_with_what_is_wrong_with_it() -> None:
    lost = replace(a_change(promised_on="2026-03-03", old_day="2026-03-03", new_day=""), loses=True, released_lost=12)
    others = "Order SO-12 was released with 6 × OAT that are not there."
    warnings = ("Order SO-1 was released with 12 × OAT that are not there.", others)
    preview = Preview(depot_id=1, rule=AllocationRule.FAIR_SHARE, lines=(lost,), warnings=warnings)
    shown = changes([preview])
    assert shown["named"] == {"SO-1": ["was released with 12 × OAT that are not there."]}
    assert shown["warnings"] == [others]
