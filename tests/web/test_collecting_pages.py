"""Goods are fetched back from an order's page or the command line, by whom it is for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update
from werkzeug.test import TestResponse

from data import tables
from data.queries.empties import Fetched
from data.queries.plans import DeliveryRow, StopRow
from data.store import open_store
from routing.model.proofs import DoorLine, Outcome
from routing.services.collecting import collect_goods
from tests.evening import Driven
from tests.rounds import SIX, row
from tests.website import Website, a_website, form_token
from web.cli import main
from web.dispatcher.board_view import word_of
from web.dispatcher.board_words import stop_state


@pytest.fixture
def website(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Website]:
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path))
    with a_website(tmp_path) as made:
        made.clock.at = SIX + timedelta(hours=4)
        yield made


@pytest.fixture
def driven(website: Website) -> Driven:
    made = Driven(website.installation.database, website.a_round(stops=3), website.installation.secret)
    made.says(0)
    return made


def post(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    token = form_token(client.get("/orders/1"))
    return client.post(path, data={"csrf_token": token, **fields})


def collections(driven: Driven) -> list[tuple[str, str]]:
    rows = [row for row in driven.rows(tables.delivery) if row.direction == "collect"]
    return [(row.state, row.for_day) for row in rows]


def test_a_salesperson_asks_for_empties_sees_them_and_calls_it_off(website: Website, driven: Driven) -> None:
    client = website.signed_in(role="salesperson")
    form = {"line": str(driven.round.stops[0].order_line_id), "quantity": "4", "why": "empties", "day": "2026-05-14"}
    wrong = post(client, "/orders/1/collect", **(form | {"quantity": "99999999999999999999"}))
    assert (wrong.status_code, collections(driven)) == (422, [])
    assert post(client, "/orders/1/collect", **(form | {"line": "77"})).status_code == 422
    assert post(client, "/orders/1/collect", **(form | {"quantity": "13"})).status_code == 422
    assert post(client, "/orders/1/collect", **form).status_code == 302
    page = client.get("/orders/1").text
    assert collections(driven) == [("released", "2026-05-14")]
    assert "4 × SKU1 are to be fetched from" in page
    assert "Collection D-" in page
    (made,) = [row for row in driven.rows(tables.delivery) if row.direction == "collect"]
    assert post(client, f"/orders/2/collections/{made.id}/cancel").status_code == 404, (
        "it fetches nothing of that order"
    )
    assert collections(driven) == [("released", "2026-05-14")]
    page = client.get("/orders/1").text
    assert 'placeholder="Why not"' in page
    nothing = post(client, f"/orders/1/collections/{made.id}/cancel", why="  ")
    assert (nothing.status_code, f"Say why {made.number} is not fetched" in nothing.text) == (422, True)
    assert collections(driven) == [("released", "2026-05-14")]
    assert post(client, f"/orders/1/collections/{made.id}/cancel", why="they keep  them").status_code == 302
    page = client.get("/orders/1").text
    assert f"{made.number} is not fetched any more. Why: they keep them" in page
    (event,) = [each for each in driven.rows(tables.event) if each.kind == "collection_cancelled"]
    assert (event.actor[:5], event.data["why"], event.order_id) == ("user:", "they keep them", 1)
    assert collections(driven) == [("unreleased", "2026-05-14")]
    assert post(client, f"/orders/1/collections/{made.id}/cancel").status_code == 409


def test_on_the_day_it_is_something_to_fetch_and_is_called_off_in_those_words(website: Website, driven: Driven) -> None:
    with open_store(driven.database) as store:
        made = collect_goods(
            store, site_id=driven.round.stops[0].site_id, product_id=driven.round.product_id, quantity=4,
            why="empties", day="2026-05-14", now=SIX + timedelta(hours=3), by="user:1",
        )  # fmt: skip
    client = website.signed_in(role="dispatcher")
    day = client.get("/release?day=2026-05-14").text
    assert "to fetch" in day
    assert f"Do not fetch {made.number}" in day
    assert f"Take back {made.number}" not in day
    shown = client.get(f"/release/{made.delivery_id}/back").text
    assert "Nothing has changed yet" in shown
    assert "at the customer and stay there" in shown
    assert "<b>4</b>" in shown
    assert '/orders/1"' in shown
    for wrong in ("Take back", "wait on the shelf", "stay with their orders", "next release takes them"):
        assert wrong not in shown, wrong
    done = client.post(
        f"/release/{made.delivery_id}/back",
        data={"csrf_token": form_token(client.get("/orders/1")), "day": "2026-05-14", "why": "they keep them"},
        follow_redirects=True,
    )
    assert f"{made.number} is cancelled: nothing is fetched." in done.text
    story = client.get("/orders/1").text
    assert f"{made.number} is not fetched any more. Why: they keep them" in story
    assert "cancelled" in story
    assert "taken back" not in story
    over = client.get(f"/release/{made.delivery_id}/back").text
    assert "It was cancelled already: nothing is fetched." in over
    with driven.database.writing() as connection:
        connection.execute(update(tables.delivery).filter_by(id=made.delivery_id).values(state="dispatched"))
    over = client.get(f"/release/{made.delivery_id}/back").text
    assert "A van has it on its list already" in over
    assert "Unload" not in over


def test_the_command_line_asks_for_the_same(website: Website, driven: Driven) -> None:
    with website.installation.database.reading() as connection:
        site, customer = connection.execute(
            select(tables.site.c.number, tables.customer.c.number)
            .join(tables.customer, tables.customer.c.id == tables.site.c.customer_id)
            .where(tables.site.c.id == driven.round.stops[0].site_id)
        ).one()
    done = CliRunner().invoke(main, ["collect", customer, site, "SKU1", "3", "--day", "2099-01-01", "--json"])
    assert done.exit_code == 2
    done = CliRunner().invoke(main, ["collect", customer, site, "SKU1", "3", "--json"])
    assert done.exit_code == 0, done.output
    made = json.loads(done.stdout)
    assert (made["quantity"], made["sku"], len(collections(driven))) == (3, "SKU1", 1)
    mute = CliRunner().invoke(main, ["collect", "--cancel", made["number"]])
    assert (mute.exit_code, f"Say why {made['number']} is not fetched" in mute.stderr) == (2, True)
    called_off = CliRunner().invoke(main, ["collect", "--cancel", made["number"], "--why", "kept there", "--json"])
    assert json.loads(called_off.stdout) == {"number": made["number"], "cancelled": True, "why": "kept there"}
    assert [state for state, _day in collections(driven)] == ["unreleased"]
    (event,) = [each for each in driven.rows(tables.event) if each.kind == "collection_cancelled"]
    assert event.data["why"] == "kept there"


def a_collection_on_the_third_stop(driven: Driven) -> int:
    """4 units that the first stop was handed are fetched by the same van, at its third door."""
    with open_store(driven.database) as store:
        made = collect_goods(
            store, site_id=driven.round.stops[0].site_id, product_id=driven.round.product_id, quantity=4,
            why="empties", day="2026-05-13", now=SIX + timedelta(hours=3), by="user:1",
        )  # fmt: skip
    with driven.database.writing() as connection:
        connection.execute(update(tables.delivery).filter_by(id=made.delivery_id).values(state="dispatched"))
        connection.execute(
            insert(tables.stop_delivery).values(
                stop_id=driven.round.stops[2].stop_id, delivery_id=made.delivery_id, sequence=2
            )
        )
    return made.delivery_id


@pytest.mark.parametrize(
    ("language", "fetch", "done"),
    [("en", "What we fetch", "3 of 4 collected."), ("fi", "Mitä noudamme", "3/4 noudettu."),
     ("sv", "Det här hämtar vi", "3 av 4 hämtat.")],
)  # fmt: skip
def test_the_customer_reads_what_is_fetched_apart_from_what_is_brought(
    website: Website, driven: Driven, language: str, fetch: str, done: str
) -> None:
    with driven.database.writing() as connection:
        connection.execute(update(tables.customer).values(language=language))
    collection = a_collection_on_the_third_stop(driven)
    client = website.client()
    brought = client.get(f"/t/{website.link('tracking', 'delivery', driven.round.stops[2].delivery_id)}").text
    assert fetch in brought
    other = client.get(f"/t/{website.link('tracking', 'delivery', driven.round.stops[1].delivery_id)}").text
    assert fetch not in other
    fetching = client.get(f"/t/{website.link('tracking', 'delivery', collection)}").text
    assert fetch in fetching
    allocation = driven.round.stops[0].allocation_id
    driven.says(1)
    driven.says(2)
    driven.reports(2, collection, Outcome.DELIVERED, (DoorLine(allocation_id=allocation, collected=3),))
    assert done in client.get(f"/p/{website.link('proof', 'delivery', collection)}").text


def test_a_collection_is_collected_or_not_and_never_delivered(website: Website, driven: Driven) -> None:
    collection = a_collection_on_the_third_stop(driven)
    client, link = website.client(), f"/t/{website.link('tracking', 'delivery', collection)}"
    for state, headline in (("released", "We come to fetch goods"), ("failed", "Not collected"), ("done", "Collected")):
        with driven.database.writing() as connection:
            connection.execute(update(tables.delivery).filter_by(id=collection).values(state=state))
        page = client.get(link).text
        assert f"<h1>{headline}" in page
        assert ">Delivered" not in page


def test_empties_that_we_never_delivered_are_asked_for_on_the_orders_page_and_by_a_command(
    website: Website, driven: Driven
) -> None:
    client = website.signed_in(role="salesperson")
    page = client.get("/orders/2").text
    assert ("optgroup" in page, "Empties" in page) == (False, False)
    with website.installation.database.writing() as connection:
        crate = row(connection, tables.product, number="CRATE", name="Crate, empty", weight_g=900, returnable=True)
    assert f'value="empties-{crate}"' in client.get("/orders/2").text
    form = {"line": f"empties-{crate}", "quantity": "6", "why": "empty crates", "day": "2026-05-14"}
    assert post(client, "/orders/2/collect", **(form | {"line": "empties-77"})).status_code == 422
    assert post(client, "/orders/2/collect", **form).status_code == 302
    page = client.get("/orders/2").text
    assert "6 × CRATE are to be fetched from" in page
    assert '<span class="nowrap"><b>6</b> × Crate, empty</span>' in page
    (made,) = [each for each in driven.rows(tables.delivery) if each.direction == "collect"]
    assert "SO-1-2" in client.get("/release?day=2026-05-14").text
    slip = client.get(f"/orders/2/collections/{made.id}/cancel")
    assert slip.status_code == 405
    assert post(client, f"/orders/2/collections/{made.id}/cancel", why="none left").status_code == 302
    assert "is not fetched any more" in client.get("/orders/2").text
    with website.installation.database.reading() as connection:
        door = connection.execute(
            select(tables.customer.c.number.label("customer"), tables.site.c.number)
            .join(tables.site, tables.site.c.customer_id == tables.customer.c.id)
            .where(tables.site.c.id == driven.round.stops[2].site_id)
        ).one()
    said = CliRunner().invoke(main, ["collect", door.customer, door.number, "CRATE", "3"])
    assert (said.exit_code, "fetches 3 × CRATE" in said.stdout) == (0, True), said.stderr
    number = said.stdout.split(" ", 1)[0]
    with website.installation.database.reading() as connection:
        newest = connection.execute(
            select(tables.order.c.id, tables.order.c.number)
            .where(tables.order.c.site_id == driven.round.stops[2].site_id)
            .order_by(tables.order.c.ordered_at.desc(), tables.order.c.id.desc())
        ).first()
    assert newest is not None
    assert f"it stands with {newest.number}." in said.stdout
    assert f"Collection {number}" in client.get(f"/orders/{newest.id}").text
    found = client.get(f"/search?q={number}")
    assert f"/orders/{newest.id}" in (found.headers.get("Location", "") + found.text)
    many = CliRunner().invoke(main, ["collect", door.customer, door.number, "CRATE", "2000000"])
    assert (many.exit_code, "not over 10000" in many.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((("done", True),), ("done", "collected")),
        ((("done", True), ("done", False)), ("done", "delivered")),
        ((("failed", True),), ("failed", "failed")),
        ((("dispatched", True),), ("under_way", "on the way")),
    ],
)
def test_a_stop_where_all_was_fetched_is_called_collected_on_the_board(
    website: Website, words: tuple[tuple[str, bool], ...], said: tuple[str, str]
) -> None:
    crate = Fetched(quantity=6, unit="piece", sku="CRATE", name="Crate")
    stop = StopRow(
        stop_id=1, trip=1, number=1, site_id=1, site="Café", customer="Café", address="", lat=None, lon=None,
        arrival=SIX, start=SIX, departure=SIX, wait_s=0, distance_m=0, travel_s=0, load=(),
        deliveries=tuple(
            DeliveryRow(
                delivery_id=n, number=f"D-{n}", tier=1, state=word, word=word, locked=False, references=(),
                fetches=(crate,) if fetches else (),
            )
            for n, (word, fetches) in enumerate(words)
        ),
    )  # fmt: skip
    with website.app.test_request_context():
        assert stop_state(word_of(stop)) == said
