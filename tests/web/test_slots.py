"""Offers of a time, from the pages and from the command line: what is asked, what is refused, and what is agreed on."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from data.tables import (
    contact,
    customer,
    depot,
    event,
    order,
    order_line,
    order_window,
    promise,
    site,
    site_window,
)
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


COFFEE, UNITS = "P102", 2
"""Lies in the demo's depot 1, more than anybody waits for."""


def everything(website: Website) -> list[int]:
    with website.installation.database.reading() as connection:
        return [
            int(connection.scalar(select(func.count()).select_from(table)) or 0)
            for table in (promise, order_window, event, order, order_line, site, customer, contact)
        ]


def a_site(website: Website) -> str:
    """One that depot 1 serves, with room for any of its vans."""
    free = (site.c.max_height_cm, site.c.max_length_cm, site.c.max_weight_kg)
    with website.installation.database.reading() as connection:
        found = connection.scalar(
            select(site.c.number)
            .join(order, order.c.site_id == site.c.id)
            .join(depot, depot.c.id == order.c.depot_id)
            .where(depot.c.number == "D1", site.c.skills == "", site.c.crew == 1, site.c.pin_quality == "exact")
            .join(site_window, site_window.c.site_id == site.c.id)
            .where(site_window.c.opens <= "07:00", site_window.c.closes >= "11:00", *(each.is_(None) for each in free))
            .order_by(site.c.number)
        )
        return str(found)


def entered(website: Website, number: str) -> Any:
    with website.installation.database.reading() as connection:
        return connection.execute(select(order).where(order.c.number == number)).one()


def test_an_order_on_the_phone_is_offered_times_and_entered_with_the_one_that_is_chosen(
    planned_website: Website, client: FlaskClient
) -> None:
    before = everything(planned_website)
    query = {"site": a_site(planned_website), "depot": "D1", "lines": f"{COFFEE} {UNITS}", "days": 1, "from": NEXT_WEEK}
    found = asked(client, "/slots/offers", **query)
    assert found.status_code == 200, found.text
    assert everything(planned_website) == before
    (day,) = found.json["days"]
    assert day["slots"], day["why"]
    ((_name, units, there),) = found.json["lines"]
    assert units == UNITS
    assert "2026-03-03" <= there <= NEXT_WEEK
    number, slot = found.json["order"], day["slots"][0]
    assert number == "T-20260303-1"
    form = {**query, "csrf_token": form_token(client.get("/slots")), "day": NEXT_WEEK, "key": slot["key"]}
    form |= {"number": number, "width": 120}
    answer = client.post("/slots", data=form, headers=JSON)
    assert answer.status_code == 200, answer.text
    kept = entered(planned_website, number)
    assert (answer.json["order"], answer.json["id"], kept.wanted_on) == (number, kept.id, NEXT_WEEK)
    with planned_website.installation.database.reading() as connection:
        window = connection.execute(select(order_window).where(order_window.c.order_id == kept.id)).one()
        (line,) = connection.execute(select(order_line).where(order_line.c.order_id == kept.id)).all()
        promised = connection.scalars(
            select(promise.c.promised_on).where(promise.c.order_line_id == line.id).order_by(promise.c.version)
        ).all()
    assert (window.opens, window.closes) == (slot["opens"], slot["closes"])
    assert (line.quantity, promised[-1]) == (UNITS, NEXT_WEEK)
    # However often it is sent, it is entered once.
    after = everything(planned_website)
    assert client.post("/slots", data=form, headers=JSON).status_code == 409
    assert everything(planned_website) == after


def test_what_is_short_says_when_it_comes_and_no_day_before_is_offered(
    planned_website: Website, client: FlaskClient
) -> None:
    before = everything(planned_website)
    more = asked(client, "/slots/offers", site=a_site(planned_website), depot="D1", lines=f"{COFFEE} 999999", days=2)
    assert more.status_code == 200, more.text
    assert [line[2] for line in more.json["lines"]] == [""]
    assert [day["slots"] for day in more.json["days"]] == [[], []]
    assert all("No supply with a date" in day["why"] for day in more.json["days"])
    # Of P204 nothing lies there; the truck of Thursday brings ten more than are wanted.
    short = asked(client, "/slots/offers", site=a_site(planned_website), depot="D1", lines="P204 5", days=2)
    ((_name, _units, there),) = short.json["lines"]
    assert there == "2026-03-05"
    assert [day["slots"] for day in short.json["days"]] == [[], []]
    assert all("The goods are there on" in day["why"] for day in short.json["days"])
    assert everything(planned_website) == before


def test_a_new_address_on_the_phone_becomes_a_customer_with_a_sure_pin_and_an_order(
    planned_website: Website, client: FlaskClient
) -> None:
    before = everything(planned_website)
    query = {"address": "Fabianinkatu 29", "depot": "D1", "lines": f"{COFFEE} {UNITS}", "days": 1, "from": NEXT_WEEK}
    nameless = client.get("/slots/offers", query_string=query)
    assert nameless.status_code == 422
    assert "Write the name of the customer" in nameless.text
    query |= {"customer": "Café 9 at the corner", "contact": "+358 40 555 0199"}
    found = asked(client, "/slots/offers", **query)
    assert found.status_code == 200, found.text
    assert everything(planned_website) == before
    slot = found.json["days"][0]["slots"][0]
    form = {**query, "csrf_token": form_token(client.get("/slots")), "day": NEXT_WEEK, "key": slot["key"]}
    wrong = client.post("/slots", data={**form, "contact": "nobody"}, headers=JSON)
    assert wrong.status_code == 422
    assert everything(planned_website) == before
    answer = client.post("/slots", data={**form, "may_write": "yes"})
    assert answer.status_code == 303
    kept = entered(planned_website, "T-20260303-1")
    assert answer.location.endswith(f"/orders/{kept.id}")
    with planned_website.installation.database.reading() as connection:
        door = connection.execute(select(site).where(site.c.id == kept.site_id)).one()
        who = connection.execute(select(contact).where(contact.c.customer_id == kept.customer_id)).one()
    assert (door.name, door.pin_quality, door.address) == ("Café 9 at the corner", "exact", "Fabianinkatu 29")
    assert (who.address, who.consent) == ("+358405550199", True)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("much", "is no line"),
        (f"{COFFEE} 0", "is no line"),
        ("P999 3", 'there is no product "P999"'),
        ("; ".join(f"{COFFEE} {n}" for n in range(1, 102)), "At most 100 lines"),
    ],
)
def test_what_is_no_order_is_said_in_one_sentence_and_nothing_is_kept(
    planned_website: Website, client: FlaskClient, lines: str, said: str
) -> None:
    before = everything(planned_website)
    answer = client.get("/slots/offers", query_string={"site": a_site(planned_website), "lines": lines})
    assert answer.status_code == 422, answer.text
    assert said in html.unescape(answer.text)
    assert everything(planned_website) == before


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


def test_the_command_enters_an_order_with_the_offer_that_is_chosen(
    planned_website: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command's clock is this machine's, on which nobody drives: what it would enter is shown and not kept."""
    before = everything(planned_website)
    words = ["--site", a_site(planned_website), "--depot", "D1", "--lines", f"{COFFEE} {UNITS}", "--days", "1"]
    shown = run(planned_website, monkeypatch, *words, "--number", "SO-9001", "--json")
    assert shown.exit_code == 1, shown.output
    document = json.loads(shown.output)
    assert document["order"] == "SO-9001"
    assert [line[1] for line in document["lines"]] == [UNITS]
    assert everything(planned_website) == before
    for more, said in (
        (["--take", "nothing"], "There is no such offer"),
        (["--number", "SO-1001"], "There is an order SO-1001 already"),
        (["--order", "SO-1001"], "one of them"),
    ):
        refused = run(planned_website, monkeypatch, *words, *more)
        assert refused.exit_code == 2, refused.output
        assert said in refused.output
        assert everything(planned_website) == before
