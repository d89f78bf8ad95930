"""What is paid at the door on the desk's pages, by command and by phone; customers' pages show none of it."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from data import tables
from data.exporters.papers import load_sheet_pdf, slips_pdf
from data.exporters.results import write_results
from data.queries.papers import load_sheet, slips_of_route
from data.queries.results import day_results
from data.store import open_store
from routing.services.paying import ask_at_door
from tests.rounds import DAY, Round, row
from tests.website import Website, a_website, form_token
from web.cli import main


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def this(website: Website) -> Round:
    """Two doors of 12 units for 10.00 EUR each; the first order asks for 112.50 EUR."""
    made = website.a_round(stops=2, loaded=12)
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.order_line).values(unit_price=1000))
        connection.execute(update(tables.order).values(currency="EUR"))
    with open_store(website.installation.database) as store:
        ask_at_door(store, 1, amount=11250, by="user:1", now=website.clock.now())
    return made


def rows(website: Website, table: Any) -> list[Any]:
    with website.installation.database.reading() as connection:
        return list(connection.execute(select(table).order_by(table.c.id)))


def says(website: Website, this: Round, stop: int = 0, **changes: Any) -> TestResponse:
    at = this.stops[stop]
    data = {
        "client_id": f"report-{stop}", "sequence": stop, "kind": "outcome", "stop_id": at.stop_id,
        "captured_at": website.clock.at.isoformat(), "recipient": "Goods-in 1",
        "deliveries": [{"delivery_id": at.delivery_id, "outcome": "delivered", "lines": []}], **changes,
    }  # fmt: skip
    return website.client().post(
        "/d/reports",
        headers={"X-Backroute-Link": website.link("driver", "manifest", this.manifest_id)},
        data={"report": json.dumps(data)},
    )


def pays(client: FlaskClient, order_id: int, amount: str) -> TestResponse:
    token = form_token(client.get("/policies"))
    return client.post(f"/orders/{order_id}/pay", data={"csrf_token": token, "amount": amount})


def said_in(pdf: bytes) -> str:
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages))


EUR = {"currency": "EUR", "amount": 11250, "method": "cash"}


@pytest.mark.parametrize(
    "payments",
    [
        [EUR | {"amount": -1}], [EUR | {"amount": 10**12}], [EUR | {"amount": math.nan}], [EUR | {"amount": "11250"}],
        [EUR | {"amount": 1.5}], [EUR | {"amount": True}], [EUR | {"currency": "SEK"}], [EUR | {"currency": "<b>"}],
        [EUR | {"currency": 5}], [EUR | {"method": "gold"}], [{}], ["cash"], "cash", {"a": 1}, [EUR] * 9,
    ],
)  # fmt: skip
def test_a_hostile_amount_is_refused_and_nothing_is_recorded(website: Website, this: Round, payments: Any) -> None:
    answer = says(website, this, payments=payments)
    assert answer.status_code == 422
    assert rows(website, tables.cash_entry) == []
    assert rows(website, tables.proof) == []


def test_the_phone_is_told_what_to_ask_and_each_page_tells_what_was_paid(website: Website, this: Round) -> None:
    url = f"/d/{website.link('driver', 'manifest', this.manifest_id)}/route.json"
    stop = website.client().get(url).get_json()["stops"][0]
    (asks,) = stop["deliveries"][0]["asks"]
    assert (asks["amount"], asks["worth"], asks["worthBefore"], asks["digits"]) == ("11250", "12000", "0", 2)
    client = website.signed_in()
    assert "€112.50 in all" in client.get("/orders/1").text
    assert says(website, this, payments=[EUR | {"method": "card"}]).status_code == 200
    page = client.get("/orders/1").text
    assert "€112.50 collected so far" in page
    assert "Due at the door €112.50, collected €112.50 by card." in page
    assert says(website, this, 1).status_code == 200
    evening = client.get(f"/evening?day={DAY}").text
    assert "Due €112.50, collected €0.00 in cash. Also €112.50 by card: the till should hold the cash only." in evening


def test_what_was_paid_part_in_cash_and_part_by_card_is_told_by_method(website: Website, this: Round) -> None:
    client = website.signed_in()
    both = [EUR | {"amount": 6000}, EUR | {"amount": 5250, "method": "card"}]
    assert says(website, this, payments=both).status_code == 200
    assert "collected €60.00 in cash, €52.50 by card." in client.get("/orders/1").text
    assert says(website, this, 1).status_code == 200
    evening = client.get(f"/evening?day={DAY}").text
    assert "Due €112.50, collected €60.00 in cash. Also €52.50 by card: the till should hold the cash only." in evening
    with website.installation.database.reading() as connection:
        first = next(each for each in day_results(connection, day=DAY) if each.due_at_door)
    out = BytesIO()
    write_results(out, [first], format="csv")
    (told,) = csv.DictReader(StringIO(out.getvalue().decode("utf-8-sig")))
    assert {name: told[name] for name in told if "paid" in name} == {
        "paid_at_door": "112.50", "paid_by": "cash, card", "paid_cash": "60.00", "paid_card": "52.50",
        "paid_other": "0.00",
    }  # fmt: skip


def test_the_customers_page_shows_no_amount(website: Website, this: Round) -> None:
    live = website.link("tracking", "delivery", this.stops[0].delivery_id)
    before = website.client().get(f"/t/{live}").text
    assert says(website, this, payments=[EUR]).status_code == 200
    after = website.client().get(f"/t/{live}").text
    for page in (before, after):
        assert "Oat milk" in page or "Café" in page
        assert "112" not in page


def test_a_person_changes_the_amount_until_all_is_handed_over(website: Website, this: Round) -> None:
    client = website.signed_in(role="salesperson")
    assert pays(client, 1, "80,50").status_code == 302
    for wrong in ("-1", "NaN", "1e9", "12.345", "99999999999", "<script>"):
        assert pays(client, 1, wrong).status_code == 422
    assert [each.collect_at_door for each in rows(website, tables.order)] == [8050, 0]
    assert "To be paid at the door: €80.50, not €112.50." in client.get("/orders/1").text
    assert pays(client, 99, "1").status_code == 404
    assert pays(website.signed_in(role="warehouse"), 1, "1").status_code == 403
    says(website, this, payments=[EUR | {"amount": 8050}])
    assert pays(client, 1, "90").status_code == 409
    assert pays(client, 2, "").status_code == 302


def test_papers_say_what_is_to_be_collected_and_then_what_was_paid(website: Website, this: Round) -> None:
    with website.installation.database.writing() as connection:
        row(connection, tables.current_plan, depot_id=this.depot_id, day=DAY, plan_id=this.plan_id, state="dispatched")

    def said() -> tuple[Any, Any]:
        with website.installation.database.reading() as connection:
            return load_sheet(connection, this.shift_id), slips_of_route(connection, this.shift_id)

    sheet, (first, second) = said()
    assert (sheet.due, first.due, first.paid, second.due) == ({"EUR": 11250}, {"EUR": 11250}, {}, {})
    for made in (
        load_sheet_pdf(sheet, colour="#0067a3", ink="#ffffff", made_at=website.clock.at),
        slips_pdf([first, second], read_file=lambda _sha256: b"", made_at=website.clock.at),
    ):
        assert made.startswith(b"%PDF-")
    says(website, this, payments=[EUR | {"amount": 10000}, EUR | {"amount": 1000, "method": "card"}])
    sheet, (first, second) = said()
    assert (sheet.due, first.due, first.paid) == ({}, {}, {"EUR": {"cash": 10000, "card": 1000}})
    made = slips_pdf([first], read_file=lambda _sha256: b"", made_at=website.clock.at)
    assert "Paid at the door: 110.00 EUR (100.00 EUR cash, 10.00 EUR card)" in said_in(made)


def test_the_desk_corrects_what_was_collected(website: Website, this: Round) -> None:
    says(website, this, payments=[EUR | {"amount": 11000}])
    client, delivery = website.signed_in(), this.stops[0].delivery_id
    page = client.get(f"/deliveries/{delivery}/report")
    assert 'name="paid-EUR-cash"' in page.text
    assert 'value="110.00"' in page.text
    form = {
        "csrf_token": form_token(page), "seen": "0", "outcome": "delivered", "why": "counted again",
        f"delivered-{this.stops[0].allocation_id}": "12", "paid-EUR-cash": "100", "paid-EUR-card": "12,50",
    }  # fmt: skip
    shown = client.post(f"/deliveries/{delivery}/report/look", data=form)
    assert "Due at the door €112.50, collected €100.00 in cash, €12.50 by card." in shown.text
    word = shown.text.partition('name="shown" value="')[2].partition('"')[0]
    assert client.post(f"/deliveries/{delivery}/report", data=form | {"shown": word}).status_code == 302
    booked = [(each.kind, each.method, each.amount) for each in rows(website, tables.cash_entry)]
    assert booked == [("due", "cash", 11250), ("collected", "cash", 10000), ("collected", "card", 1250)]
    assert client.post(
        f"/deliveries/{delivery}/report/look", data=form | {"paid-EUR-cash": "-5", "seen": "1"}
    ).status_code == 422  # fmt: skip


def test_the_command_corrects_what_was_collected(
    website: Website, this: Round, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path / "home"))
    says(website, this, payments=[EUR | {"amount": 11000}])
    run = CliRunner()
    ask = ["correct", "D-1-1", "delivered", "--why", "counted again"]
    done = run.invoke(main, [*ask, "--paid", "cash=112.50"], catch_exceptions=False)
    assert "Due at the door 112.50 EUR, collected 112.50 EUR cash" in done.output
    assert [each.amount for each in rows(website, tables.cash_entry)] == [11250, 11250]
    for wrong in ("gold=5", "cash=-5", "cash", "card=1.234"):
        assert run.invoke(main, [*ask, "--paid", wrong]).exit_code == 2
