"""Something happens on the day: the pages of an urgent order, a cancelled stop, another van, goods that come later."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from data import tables
from data.exporters.templates import order_rows
from data.importers import orders as orders_file
from data.tables import delivery
from tests.demo_day import DAY, current, demo_home, planned_website, plans, sign_in
from tests.website import Website, form_token

__all__ = ["demo_home", "planned_website"]

JSON = {"Accept": "application/json"}


@pytest.fixture
def client(planned_website: Website) -> FlaskClient:
    return sign_in(planned_website)


def post(client: FlaskClient, path: str, **data: object) -> TestResponse:
    token = form_token(client.get(f"/plan?day={DAY}"))
    return client.post(path, data={"csrf_token": token, "day": DAY, **data}, headers=JSON)


def test_each_thing_that_happens_has_its_ways_out_and_the_first_is_done(
    planned_website: Website, client: FlaskClient
) -> None:
    page = current(planned_website)
    van = next(route for route in page.routes if route.vehicle == "Van 1")
    stop = van.stops[3].deliveries[0].delivery_id
    left = next(row for row in page.left_out if "competed_out" in row.reasons)
    before = plans(planned_website)
    for kind, key, query in (
        ("cancelled", stop, ""), ("smaller", van.shift_id, ""), ("later", stop, "?at=08:00"),
        ("urgent", left.delivery_id, ""),
    ):  # fmt: skip
        path = f"/plan/{page.plan_id}/happened/{kind}/{key}{query}"
        text = client.get(path)
        assert text.status_code == 200, (kind, text.text)
        found = client.get(path, headers=JSON).json["options"]
        assert found, kind
        assert text.text.count('class="card option"') == len(found)
    assert plans(planned_website) == before
    path = f"/plan/{page.plan_id}/happened/urgent/{left.delivery_id}"
    best = client.get(path, headers=JSON).json["options"][0]
    assert post(client, path, option=best["option"], why="a party").status_code == 200
    after = current(planned_website)
    assert after.parent_id == page.plan_id
    # Whoever looked at the older version is refused.
    assert post(client, path, option=best["option"]).status_code == 409
    assert plans(planned_website) == before + 1


def test_who_left_an_order_for_another_day_is_told_that_the_plan_was_changed(
    planned_website: Website, client: FlaskClient
) -> None:
    """The order is no longer of this day; that is no reason to say that nothing is known of it."""
    page = current(planned_website)
    stop = page.routes[0].stops[0].deliveries[0].delivery_id
    path = f"/plan/{page.plan_id}/happened/later/{stop}?at=18:00"
    options = client.get(path, headers=JSON).json["options"]
    chosen = next(each for each in options if stop in each["left_out"])
    assert post(client, path, option=chosen["option"]).status_code == 200
    for kind in ("urgent", "later", "cancelled"):
        again = client.get(f"/plan/{page.plan_id}/happened/{kind}/{stop}?at=18:00", headers=JSON)
        assert (again.status_code, again.json["error"]["code"]) == (409, "plan_moved_on")


def test_who_brings_an_urgent_order_says_why_and_it_stands_with_its_orders_and_in_the_figures(
    planned_website: Website, client: FlaskClient
) -> None:
    page = current(planned_website)
    left = next(row for row in page.left_out if "competed_out" in row.reasons)
    path = f"/plan/{page.plan_id}/happened/urgent/{left.delivery_id}"
    text = client.get(path).text
    assert "Why it is urgent" in text
    best, *_others, waits = client.get(path, headers=JSON).json["options"]
    assert waits["kind"] == "next_day"
    before = plans(planned_website)
    mute = post(client, path, option=best["option"], why="  ")
    assert (mute.status_code, mute.json["error"]["code"], plans(planned_website)) == (422, "why", before)
    token = form_token(client.get(f"/plan?day={DAY}"))
    shown = client.post(path, data={"csrf_token": token, "option": best["option"]}, follow_redirects=True)
    assert f"Say why {left.number} is urgent" in shown.text
    assert post(client, path, option=best["option"], why="their  party").status_code == 200
    with planned_website.installation.database.reading() as connection:
        (event,) = connection.execute(select(tables.event).where(tables.event.c.kind == "set_urgent")).all()
        assert (event.delivery_id, event.data["why"], event.data["option"]) == (
            left.delivery_id, "their party", best["title"],
        )  # fmt: skip
        orders = select(tables.order.c.id, tables.order.c.urgent_by, tables.order.c.number)
        ((order_id, who, number),) = connection.execute(orders.where(tables.order.c.urgent_by == event.actor)).all()
        assert who.startswith("user:")
        exported = [row for row in order_rows(connection) if row[orders_file.COLUMNS.index("order")] == number]
    name = {row[orders_file.COLUMNS.index("urgent_by")] for row in exported}
    assert len(name) == 1
    assert not str(*name).startswith("user:")
    story = client.get(f"/orders/{order_id}").text
    assert f"{left.number} set urgent: their party. {best['title']}." in story
    assert f"set by {str(*name)}" in story
    page_of_figures = client.get(f"/figures?from={DAY}&to={DAY}").text + client.get("/figures").text
    assert "user:" not in page_of_figures


def test_what_fits_nowhere_today_says_why_and_who_waits_needs_no_reason(
    planned_website: Website, client: FlaskClient
) -> None:
    page = current(planned_website)
    path, found = "", None
    for row in page.left_out:
        path = f"/plan/{page.plan_id}/happened/urgent/{row.delivery_id}"
        answer = client.get(path, headers=JSON)
        if answer.status_code == 200 and [each["kind"] for each in answer.json["options"]] == ["next_day"]:
            found = answer.json
            break
    assert found is not None
    assert found["why_not"]
    text = client.get(path).text
    assert "It fits nowhere today: " in text
    assert "Why it is urgent" not in text
    assert post(client, path, option=found["options"][0]["option"]).status_code == 200
    with planned_website.installation.database.reading() as connection:
        kinds = set(connection.scalars(select(tables.event.c.kind)))
    assert "postponed" in kinds
    assert "set_urgent" not in kinds


def test_without_a_time_the_page_asks_when_the_goods_are_here(planned_website: Website, client: FlaskClient) -> None:
    page = current(planned_website)
    key = page.routes[0].stops[0].deliveries[0].delivery_id
    text = client.get(f"/plan/{page.plan_id}/happened/later/{key}").text
    assert "The goods are here at" in text
    assert 'class="card option"' not in text
    assert "no time of day" in client.get(f"/plan/{page.plan_id}/happened/later/{key}?at=99:99").text
    asked = client.get(f"/plan/{page.plan_id}/happened/later/{key}", headers=JSON)
    assert (asked.status_code, asked.json["error"]["code"]) == (422, "at")
    assert "Say when" in asked.json["error"]["sentence"]


def test_what_is_loaded_is_cancelled_as_what_comes_back(planned_website: Website, client: FlaskClient) -> None:
    page = current(planned_website)
    key = page.routes[0].stops[0].deliveries[0].delivery_id
    with planned_website.installation.database.writing() as connection:
        connection.execute(update(delivery).where(delivery.c.id == key).values(state="loaded"))
    found = client.get(f"/plan/{page.plan_id}/happened/cancelled/{key}", headers=JSON)
    assert [each["kind"] for each in found.json["options"]] == ["comes_back"]
    later = client.get(f"/plan/{page.plan_id}/happened/later/{key}?at=12:00", headers=JSON)
    assert later.status_code == 409
    assert "on a van already" in later.json["error"]["sentence"]


def test_what_nobody_knows_is_not_found(planned_website: Website, client: FlaskClient) -> None:
    page = current(planned_website)
    assert client.get(f"/plan/{page.plan_id}/happened/earthquake/1", headers=JSON).status_code == 404
    assert client.get(f"/plan/{page.plan_id}/happened/cancelled/999999", headers=JSON).status_code == 404
    assert post(client, f"/plan/{page.plan_id}/happened/cancelled/999999", option="x").status_code == 404
