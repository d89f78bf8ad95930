"""Something happens on the day: the pages of an urgent order, a cancelled stop, another van, goods that come later."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

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
    assert post(client, path, option=best["option"]).status_code == 200
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
