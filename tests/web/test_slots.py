"""Offers of a time, from the pages and from the command line: what is asked, what is refused, and what is agreed on."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from data.tables import event, order, order_line, order_window, promise, site
from tests.demo_day import demo_home, planned_website, sign_in
from tests.website import Website, form_token
from web.cli import main
from web.slots import load_of

__all__ = ["demo_home", "planned_website"]

JSON = {"Accept": "application/json"}
NEXT_WEEK = "2026-03-10"
"""A truck of Tuesday the 10th brings what these orders wait for."""


@pytest.fixture
def client(planned_website: Website) -> FlaskClient:
    return sign_in(planned_website)


def waiting(website: Website) -> int:
    """An order whose open lines all come on that day."""
    with website.installation.database.reading() as connection:
        late = select(order_line.c.order_id).where(order_line.c.expected_on != NEXT_WEEK)
        return int(
            connection.scalar(
                select(func.min(order_line.c.order_id)).where(
                    order_line.c.expected_on == NEXT_WEEK, order_line.c.order_id.not_in(late)
                )
            )
            or 0
        )


def asked(client: FlaskClient, path: str, **query: object) -> TestResponse:
    return client.get(path, query_string=query, headers=JSON)


def counts(website: Website) -> list[int]:
    with website.installation.database.reading() as connection:
        return [
            int(connection.scalar(select(func.count()).select_from(table)) or 0)
            for table in (promise, order_window, event)
        ]


def test_an_order_is_offered_times_and_agrees_on_one(planned_website: Website, client: FlaskClient) -> None:
    key, before = waiting(planned_website), counts(planned_website)
    found = asked(client, f"/orders/{key}/slots/offers", **{"from": NEXT_WEEK, "days": 1})
    assert found.status_code == 200, found.text
    (day,) = found.json["days"]
    assert day["slots"], day["why"]
    assert counts(planned_website) == before
    slot = day["slots"][0]
    token = form_token(client.get(f"/orders/{key}/slots"))
    form = {"csrf_token": token, "day": NEXT_WEEK, "key": slot["key"], "version": found.json["version"], "width": 120}
    answer = client.post(f"/orders/{key}/slots", data=form, headers=JSON)
    assert answer.status_code == 200, answer.text
    with planned_website.installation.database.reading() as connection:
        kept = connection.execute(select(order).where(order.c.id == key)).one()
        window = connection.execute(select(order_window).where(order_window.c.order_id == key)).one()
    assert kept.wanted_on == NEXT_WEEK
    assert (window.opens, window.closes) == (slot["opens"], slot["closes"])
    assert f"{slot['opens']}–{slot['closes']}" in client.get(f"/orders/{key}").text
    # Of the same offers nobody agrees twice: the order is another one by now.
    assert client.post(f"/orders/{key}/slots", data=form, headers=JSON).status_code == 409


def test_an_offer_that_nobody_made_is_refused(planned_website: Website, client: FlaskClient) -> None:
    key, before = waiting(planned_website), counts(planned_website)
    form = {"csrf_token": form_token(client.get(f"/orders/{key}/slots")), "day": NEXT_WEEK, "key": "x", "version": 1}
    assert client.post(f"/orders/{key}/slots", data=form, headers=JSON).status_code == 409
    assert counts(planned_website) == before


def test_goods_that_nobody_has_ordered_are_offered_times_at_a_site_or_an_address(
    planned_website: Website, client: FlaskClient
) -> None:
    with planned_website.installation.database.reading() as connection:
        number = connection.scalar(select(site.c.number).where(site.c.skills == "", site.c.lat.is_not(None)))
    at_site = asked(client, "/slots/offers", site=number, load="1 kg", days=2)
    assert at_site.status_code == 200, at_site.text
    assert len(at_site.json["days"]) == 2
    there = asked(client, "/slots/offers", address="Fabianinkatu 29", load="20 kg", **{"from": "2026-03-04", "days": 1})
    assert there.status_code == 200, there.text
    slots = there.json["days"][0]["slots"]
    assert slots
    assert all(each["cost"] > 0 for each in slots)
    assert there.json["currency"] == "EUR"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"site": "nowhere"}, "There is no site"),
        ({"address": ""}, "Say where to"),
        ({"address": "Nosuchstreet 99999"}, "has no sure place"),
        ({"address": "Fabianinkatu 29", "load": "much"}, "is no load"),
        ({"address": "Fabianinkatu 29", "minutes": "-5"}, "0 to 480 minutes"),
        ({"address": "Fabianinkatu 29", "from": "2020-01-01"}, "is over"),
        ({"address": "Fabianinkatu 29", "from": "<b>"}, "is no day"),
        ({"address": "Fabianinkatu 29", "depot": "D99"}, "There is no depot"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_sentence(
    planned_website: Website, client: FlaskClient, query: dict[str, str], said: str
) -> None:
    answer = client.get("/slots/offers", query_string=query)
    assert answer.status_code in (404, 422)
    assert said in answer.text


def test_a_load_is_read_as_people_say_it() -> None:
    read = load_of("120 kg, 0.8 m3, 6 pieces")
    assert (read.weight_g, read.volume_cm3, read.pieces) == (120_000, 800_000, 6)
    read = load_of("1,5kg; 20 l")
    assert (read.weight_g, read.volume_cm3, read.pieces) == (1_500, 20_000, 0)
    assert load_of("").weight_g == 0


def run(website: Website, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.setenv("BACKROUTE_HOME", str(website.installation.home))
    monkeypatch.delenv("BACKROUTE_DATABASE_URL", raising=False)
    return CliRunner().invoke(main, ["slots", *arguments])


def test_the_command_lists_days_and_refuses_with_one_sentence(
    planned_website: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The command's clock is this machine's: years from now nobody drives yet, and that is an answer.
    far = run(
        planned_website, monkeypatch, "--address", "Fabianinkatu 29", "--from", "2199-03-04", "--days", "2", "--json"
    )
    assert far.exit_code == 1, far.output
    document = json.loads(far.output)
    assert [each["day"] for each in document["days"]] == ["2199-03-04", "2199-03-05"]
    assert all("Nobody drives" in each["why"] or "not one of" in each["why"] for each in document["days"])
    for arguments, said in (
        ([], "Say for what"),
        (["--site", "a", "--order", "b"], "one of them"),
        (["--order", "NOPE"], 'There is no order "NOPE"'),
        (["--site", "x", "--take", "y"], "--take agrees on a time for an order"),
    ):
        found = run(planned_website, monkeypatch, *arguments)
        assert found.exit_code == 2, (arguments, found.output)
        assert said in found.output
