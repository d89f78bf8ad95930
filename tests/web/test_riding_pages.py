"""Ship part or wait on the pages and the command line: asked, sent along by one press, by rule, refused when stale."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update
from werkzeug.test import TestResponse

from data import tables
from data.store import open_store
from routing.rules.policies import PolicyRow, Scope
from routing.services.receiving import commit_receipt
from tests.desk import Desk, a_desk, counted
from tests.website import Website, a_website, form_token
from web.cli import main
from web.clock import InstallationClock


@pytest.fixture
def website(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Website]:
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("BACKROUTE_DATABASE_URL", raising=False)
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def desk(website: Website) -> Desk:
    """20 oat drinks came: Café 1 has its 12, Café 2, one door on, 8 of 12. Parts wait unless a person sends them."""
    found = a_desk(website)
    now = website.clock.at
    with open_store(website.installation.database) as store:
        came = counted("R-1", found.depot, found.products["OAT"], "OAT", 20, now, inbound_id=found.inbound)
        commit_receipt(store, came, now=now, by="test", tell=False)
        rows = store.connection
        rows.execute(update(tables.depot).values(lat=60.18, lon=24.94))
        rows.execute(update(tables.site).where(tables.site.c.id == found.sites[2]).values(lon=24.9405))
        vehicle = rows.execute(
            insert(tables.vehicle)
            .values(number="V1", name="Van 1", depot_id=found.depot, weight_g=1_000_000)
            .returning(tables.vehicle.c.id)
        ).scalar_one()
        rows.execute(
            insert(tables.shift).values(
                day=day_of(website), depot_id=found.depot, vehicle_id=vehicle, starts="08:00", ends="16:00",
                cost_per_hour=3000, cost_per_km=50,
            )
        )  # fmt: skip
    rule(website, "never")
    return found


def day_of(website: Website) -> str:
    return website.clock.at.date().isoformat()


def rule(website: Website, value: str) -> None:
    row = PolicyRow(scope=Scope.COMPANY, name="ride_along", value=value, effective_from=day_of(website))
    with open_store(website.installation.database) as store:
        store.set_policy(row, by="test", now=website.clock.at)


def press(client: FlaskClient, page: TestResponse, **changed: str) -> TestResponse:
    """Presses the button of the first question on a page, as its form is, or with some fields forged."""
    form = re.search(r'<form method="post" action="/release/along">(.*?)</form>', page.text, re.DOTALL)
    assert form is not None
    fields: dict[str, Any] = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form[1]))
    return client.post("/release/along", data={"csrf_token": form_token(page)} | fields | changed)


def released(website: Website) -> int:
    with website.installation.database.reading() as connection:
        return len(connection.execute(select(tables.delivery.c.id)).all())


def test_the_release_page_asks_and_one_press_releases_the_part(website: Website, desk: Desk) -> None:
    client = website.signed_in()
    page = client.get("/release")
    assert "A van passes 28 m away: 8 of 12 now for" in page.text
    assert "Send" not in re.findall(r"Could ride along.*?</article>", page.text, re.DOTALL)[0].split("<form")[0]
    assert released(website) == 0, "looking changes nothing"
    done = press(client, page)
    assert done.status_code == 303
    assert "8 of SO-2 are released, to ride along" in client.get(done.location).text
    assert released(website) == 1
    order = client.get(f"/orders/{desk.orders[2]}").text
    assert "8 of 12 units ride along beside Café 1" in order
    assert "Could ride along" not in order


def test_the_orders_page_asks_too_and_comes_back_to_the_order(website: Website, desk: Desk) -> None:
    client = website.signed_in()
    page = client.get(f"/orders/{desk.orders[2]}")
    assert "8 of 12 now for" in page.text
    assert press(client, page).location == f"/orders/{desk.orders[2]}"


def test_what_is_stale_or_forged_changes_nothing_and_says_so(website: Website, desk: Desk) -> None:
    client = website.signed_in()
    page = client.get("/release")
    for forged in ({"units": "12"}, {"plan": "77"}, {"shift": "1"}):
        answer = press(client, page, **forged)
        assert "no longer so" in client.get(answer.location).text, forged
    assert press(client, page, order="99999").status_code == 404
    assert press(client, page, day="9999-99-99").status_code == 422
    assert press(client, page, order="x", units="-1").status_code == 422
    assert released(website) == 0
    assert press(client, page).status_code == 303
    again = press(client, page)
    assert again.status_code == 404
    assert released(website) == 1, "a second press sends nothing twice"


def test_who_only_looks_sees_the_question_and_no_button(website: Website, desk: Desk) -> None:
    page = website.signed_in(role="viewer").get("/release").text
    assert "8 of 12 now for" in page
    assert "/release/along" not in page


def test_terms_that_forbid_it_are_named_and_the_customer_is_to_be_asked(website: Website, desk: Desk) -> None:
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.order).where(tables.order.c.id == desk.orders[2]).values(min_percent=70))
    page = website.signed_in().get("/release").text
    assert "Ask the customer" in page
    assert "Below its minimum share" in page
    assert "/release/along" not in page


def test_the_command_names_the_terms_in_a_sentence_that_can_be_read(website: Website, desk: Desk) -> None:
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.order).where(tables.order.c.id == desk.orders[2]).values(min_percent=70))
    InstallationClock(website.installation.database).jump(to=website.clock.at, running=False)
    shown = run("release", "--simulate")
    assert "ask the customer first: what is there is below its minimum share" in shown.output


def test_where_no_way_can_be_measured_the_page_says_why_and_the_goods_go(website: Website, desk: Desk) -> None:
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.depot).values(lat=None, lon=None))
    client = website.signed_in()
    page = client.get("/release")
    assert "Set its pin under Addresses" in page.text
    token = form_token(page)
    done = client.post("/release", data={"csrf_token": token, "day": day_of(website), "all": "1"})
    assert done.status_code == 302
    assert released(website) == 2


def test_a_release_sends_along_by_rule_and_says_so(website: Website, desk: Desk) -> None:
    rule(website, "next_door")
    client = website.signed_in()
    page = client.get("/release")
    done = client.post("/release", data={"csrf_token": form_token(page), "day": day_of(website), "all": "1"})
    said = client.get(done.location).text
    assert "By the rule in force: 8 of SO-2 are released, to ride along beside Café 1" in said
    assert released(website) == 3


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_the_command_says_it_first_and_sends_by_rule(website: Website, desk: Desk) -> None:
    InstallationClock(website.installation.database).jump(to=website.clock.at, running=False)
    shown = run("release", "--simulate")
    assert shown.exit_code == 0, shown.output
    assert "Could ride along:" in shown.output
    assert re.search(r"SO-2: a van passes 28 m away, 8 of 12 now for \+\d+ min, or wait", shown.output)
    told = json.loads(run("release", "--simulate", "--json").stdout)["depots"][0]
    (offer,) = told["could_ride_along"]
    assert (offer["order"], offer["units"], offer["of"], offer["rule"]) == ("SO-2", 8, 12, "never")
    assert offer["now"]["beside"] == "Café 1"
    assert offer["stop"]["of_stops"] == 0
    assert (told["rode_along"], told["parts_problem"]) == ([], "")
    assert released(website) == 0
    rule(website, "next_door")
    done = run("release")
    assert done.exit_code == 0, done.output
    assert "rode along by the rule next_door" in done.output
    assert released(website) == 3
