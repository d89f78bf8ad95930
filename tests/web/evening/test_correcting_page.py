"""The page on which a dispatcher puts a report from a door right: first what it changes, then the change."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from data import tables
from routing.model.proofs import DoorLine, Outcome
from tests.evening import Driven
from tests.rounds import DAY, SIX, row
from tests.website import Website, a_website, form_token
from web.cli import main


@pytest.fixture
def website(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Website]:
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path / "home"))
    with a_website(tmp_path / "home") as site:
        yield site


@pytest.fixture
def driven(website: Website) -> Driven:
    made = website.a_round(told=("08:00", "08:30"))
    with website.installation.database.writing() as connection:
        row(connection, tables.current_plan, depot_id=made.depot_id, day=DAY, plan_id=made.plan_id, state="dispatched")
    return Driven(website.installation.database, made, website.installation.secret)


def post(client: FlaskClient, path: str, data: dict[str, str]) -> TestResponse:
    return client.post(path, data=data | {"csrf_token": form_token(client.get("/password"))})


def form(driven: Driven, **changes: str) -> dict[str, str]:
    key = driven.round.stops[0].allocation_id
    return {
        "outcome": "delivered", f"delivered-{key}": "10", f"short-{key}": "2", "why": "counted again", "seen": "0",
    } | changes  # fmt: skip


def test_the_page_shows_what_a_correction_changes_before_it_is_made(website: Website, driven: Driven) -> None:
    driven.says(0, Outcome.NOT_HOME)
    client, where = website.signed_in(), f"/deliveries/{driven.round.stops[0].delivery_id}/report"
    assert "Nobody there" in client.get(where).text
    shown = " ".join(post(client, f"{where}/look", form(driven)).text.split())
    assert "10 pcs of Oat milk 1 l go from Van 3 to the customer." in shown
    assert "2 pcs of Oat milk 1 l wait for goods again, in their old place." in shown
    assert "1 message of the wrong report has not gone out and is withheld." in shown
    assert driven.units(0) == {"loaded": 12}, "looking changes nothing"
    seen = re.findall(r'name="shown" value="(\w+)"', shown)[0]
    other = post(client, where, form(driven, outcome="refused") | {"shown": seen})
    assert (other.status_code, driven.units(0)) == (200, {"loaded": 12}), "only what was looked at is done"
    assert "Refused" in other.text
    answer = post(client, where, form(driven) | {"shown": seen})
    assert answer.status_code == 302
    assert driven.units(0) == {"delivered": 10, "short": 2}
    after = " ".join(client.get(where).text.split())
    assert "it said: nobody there. dispatcher 1 corrected it: counted again" in after
    assert "is corrected: handed over." in after


def looked_at(client: FlaskClient, where: str, data: dict[str, str]) -> dict[str, str]:
    return data | {"shown": re.findall(r'name="shown" value="(\w+)"', post(client, f"{where}/look", data).text)[0]}


def test_a_page_that_is_out_of_date_corrects_nothing(website: Website, driven: Driven) -> None:
    driven.says(0, Outcome.NOT_HOME)
    client, where = website.signed_in(), f"/deliveries/{driven.round.stops[0].delivery_id}/report"
    late = looked_at(client, where, form(driven, outcome="refused"))
    post(client, where, looked_at(client, where, form(driven)))
    answer = post(client, where, late)
    assert answer.status_code == 409
    assert "Somebody corrected this report meanwhile." in answer.text
    assert driven.units(0) == {"delivered": 10, "short": 2}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outcome": ""}, "Choose what happened at the door."),
        ({"outcome": "<b>"}, "Choose what happened at the door."),
        ({"why": " "}, "Say why the report is corrected"),
        ({"why": "x" * 201}, "The reason has 201 characters. Write it in 200."),
        ({"recipient": "y" * 201}, "The name of who received it has 201 characters. Write it in 200."),
        ({"delivered-": "ten"}, "is no count"),
        ({"delivered-": "99999999999999999999999"}, "is no count|were loaded"),
    ],
)
def test_a_form_that_cannot_be_read_says_so_and_changes_nothing(
    website: Website, driven: Driven, changes: dict[str, str], words: str
) -> None:
    driven.says(0, Outcome.NOT_HOME)
    key = driven.round.stops[0].allocation_id
    data = form(driven, **{name + (str(key) if name.endswith("-") else ""): text for name, text in changes.items()})
    client, where = website.signed_in(), f"/deliveries/{driven.round.stops[0].delivery_id}/report"
    for at in (f"{where}/look", where):
        answer = post(client, at, data)
        assert answer.status_code == 422
        assert any(each in answer.text for each in words.split("|"))
    assert driven.units(0) == {"loaded": 12}


def test_the_evening_the_order_and_the_timeline_lead_there_until_the_van_is_counted(
    website: Website, driven: Driven
) -> None:
    driven.says(0, Outcome.NOT_HOME)
    client, where = website.signed_in(), f"/deliveries/{driven.round.stops[0].delivery_id}/report"
    assert where in client.get(f"/evening?day={DAY}").text
    with website.installation.database.reading() as connection:
        order_id = connection.scalar(select(tables.order_line.c.order_id).order_by(tables.order_line.c.id))
    assert where in client.get(f"/orders/{order_id}").text
    assert where not in website.signed_in(role="viewer").get(f"/orders/{order_id}").text
    post(client, where, looked_at(client, where, form(driven)))
    order = " ".join(client.get(f"/orders/{order_id}").text.split())
    assert "was corrected from “nobody there” to “handed over”: counted again." in order
    driven.says(1)
    driven.says(2)
    driven.closes(2)
    assert where not in client.get(f"/evening?day={DAY}").text
    shown = client.get(where)
    assert shown.status_code == 200
    assert "was counted already" in shown.text
    assert '<form method="post" action="' + where not in shown.text


def test_a_report_is_corrected_from_the_command_line_too(website: Website, driven: Driven) -> None:
    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["correct", *words])

    driven.says(0, Outcome.NOT_HOME)
    asked = ("D-1-1", "delivered", "--short", "SKU1=2", "--why", "counted again")
    shown = run(*asked, "--simulate")
    assert shown.exit_code == 0
    assert "D-1-1 for Café 12 at the corner would be corrected: not home to delivered." in shown.output
    assert "10 pcs Oat milk 1 l to the customer from Van 3" in shown.output
    assert driven.units(0) == {"loaded": 12}
    document = json.loads(run(*asked, "--json").output)
    assert (document["simulated"], document["correction"]["lines"][0]["after"]["delivered"]) == (False, 10)
    assert driven.units(0) == {"delivered": 10, "short": 2}
    for words, sentence in (
        (asked, "reported like this already"),
        (("D-9", *asked[1:]), 'There is no delivery "D-9"'),
        (("D-1-1", "delivered", "--short", "SKU1=99", "--why", "x"), "did not have so many units"),
        (("D-1-1", "delivered", "--short", "SKU1=x", "--why", "x"), "is no count of a SKU"),
        (("D-1-1", "delivered", "--short", "SKU9=1", "--why", "x"), 'There is no SKU "SKU9"'),
        (("D-1-1", "not_home", "--short", "SKU1=1", "--why", "x"), "leave --short"),
    ):
        refused = run(*words)
        assert refused.exit_code == 2
        assert sentence in refused.output
    assert driven.units(0) == {"delivered": 10, "short": 2}


def crates(website: Website, driven: Driven) -> tuple[int, int]:
    """Six crates to be fetched at the first stop, of which the driver said four; keys of collection and line."""
    stop = driven.round.stops[0]
    with website.installation.database.writing() as connection:
        crate = row(connection, tables.product, number="CRATE", name="Crate", returnable=True)
        release = connection.scalar(tables.delivery.select().with_only_columns(tables.delivery.c.release_id))
        key = row(
            connection, tables.delivery, number="D-CRATES", release_id=release, site_id=stop.site_id,
            direction="collect", depot_id=driven.round.depot_id, for_day=DAY, oldest_ordered_at=SIX, state="dispatched",
        )  # fmt: skip
        line = row(connection, tables.empties_line, delivery_id=key, product_id=crate, quantity=6)
        connection.execute(tables.stop_delivery.insert().values(stop_id=stop.stop_id, delivery_id=key, sequence=2))
    driven.says(0)
    driven.reports(0, key, Outcome.DELIVERED, (DoorLine(allocation_id=-line, collected=4),))
    return key, line


def collected(driven: Driven) -> int:
    return int(driven.rows(tables.empties_line)[0].collected)


def test_what_was_fetched_is_corrected_on_its_page(website: Website, driven: Driven) -> None:
    key, line = crates(website, driven)
    client, where = website.signed_in(), f"/deliveries/{key}/report"
    page = client.get(where).text
    assert f'name="collected-{-line}"' in page
    assert "left with somebody else" not in page, "what is fetched is left with nobody"
    data = {"outcome": "delivered", f"collected-{-line}": "5", "why": "counted again", "seen": "0"}
    shown = " ".join(post(client, f"{where}/look", data).text.split())
    assert "1 pcs of Crate more come from the customer onto Van 3" in shown.replace("1 pc of", "1 pcs of")
    seen = re.findall(r'name="shown" value="(\w+)"', shown)[0]
    assert post(client, where, data | {"shown": seen, "recipient": "Somebody"}).status_code == 200, "not looked at"
    assert collected(driven) == 4
    assert post(client, where, data | {"shown": seen}).status_code == 302
    assert collected(driven) == 5
    assert "it said: collected (4 collected). dispatcher 1 corrected it" in " ".join(client.get(where).text.split())


def test_an_order_says_that_its_crates_were_collected_before_and_after_a_correction(
    website: Website, driven: Driven
) -> None:
    crates(website, driven)
    client = website.signed_in()
    with website.installation.database.writing() as connection:
        order_id = connection.scalar(select(tables.order.c.id).order_by(tables.order.c.id))
        connection.execute(tables.empties_line.update().values(order_id=order_id))
    page = f"/orders/{order_id}"

    def collection(text: str) -> str:
        said = " ".join(text.split())
        return said.split("Collection D-CRATES")[1].split("Correct this report")[0]

    assert "<b>Collected</b>" in collection(client.get(page).text)
    assert "D-CRATES: collected." in client.get(page).text
    for outcome, how in (("not_home", "nobody there"), ("delivered", "collected")):
        run = CliRunner().invoke(main, ["correct", "D-CRATES", outcome, "--why", "counted again"])
        assert run.exit_code == 0
        assert f"to “{how}”: counted again" in client.get(page).text
    text = client.get(page).text
    assert "was corrected from “collected” to “nobody there”" in text
    assert "it said: collected (4 collected)" in collection(text)
    timeline = text.split('class="timeline"')[-1]
    assert "D-CRATES: handed over" not in timeline
    assert "“handed over”" not in timeline


def test_what_was_fetched_is_corrected_from_the_command_line(website: Website, driven: Driven) -> None:
    crates(website, driven)

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["correct", *words, "--why", "counted again"])

    assert "2 pcs Crate stayed with the customer" in run("D-CRATES", "delivered", "--collected", "CRATE=2").output
    assert collected(driven) == 2
    assert run("D-CRATES", "not_home").exit_code == 0
    assert collected(driven) == 0
    assert run("D-CRATES", "delivered").exit_code == 0
    assert collected(driven) == 6, "as many as were asked for"
    for words, sentence in (
        (("D-CRATES", "delivered", "--short", "CRATE=1"), "is a collection: give --collected"),
        (("D-CRATES", "delivered", "--collected", "CRATE=31"), "So many units are not fetched with D-CRATES"),
        (("D-1-1", "delivered", "--collected", "CRATE=1"), "brings goods: --collected is of a collection"),
    ):
        refused = run(*words)
        assert (refused.exit_code, sentence in " ".join(refused.output.split())) == (2, True), refused.output
