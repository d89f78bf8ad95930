"""What a customer, a driver or a file wrote stays text on every page, and a private page stays in no cache."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import Connection, String, select, update

from data import tables
from data.tables import metadata
from routing.errors import InvalidInput
from tests.demo_day import DAY, demo_home, planned_website
from tests.website import Website, a_website
from web.messages import render_text, words_of

__all__ = ["demo_home", "planned_website"]

HOSTILE = "</script></title><img src=x onerror=alert(1)>\"'><b>{{ 7*191 }}</b>\\u003c${7*191}"
WRITTEN = (
    "name", "notes", "address", "city", "postcode", "customer_reference", "gate_code", "phone", "email", "sentence",
    "recipient", "note", "why", "hold", "problem", "hold_reason", "text", "label", "number", "house_number", "sku",
)  # fmt: skip
"""Columns that hold what somebody wrote or imported, in whichever table."""
OURS = {"link", "setting", "region", "job", "idempotency", "policy", "template", "event", "order_line", "zone"}


def poison(connection: Connection) -> None:
    """Somebody hostile wrote every text there is."""
    for table in metadata.sorted_tables:
        if table.name in OURS:
            continue
        written = [column for column in table.columns if column.name in WRITTEN and isinstance(column.type, String)]
        for column in written:
            # These must differ from one another.
            value = column.concat(HOSTILE) if column.name in ("number", "email") else HOSTILE
            connection.execute(update(table).values({column: value}))


def pages(website: Website) -> list[str]:
    """The address of every page that a person who is signed in may open, with ids that exist."""
    ids = {}
    with website.installation.database.reading() as connection:
        for name, column in {
            "plan_id": tables.plan.c.id,
            "shift_id": tables.route.c.shift_id,
            "stop_id": tables.stop.c.id,
            "delivery_id": tables.stop_delivery.c.delivery_id,
            "site_id": tables.stop.c.site_id,
            "order_id": tables.order.c.id,
        }.items():
            ids[name] = connection.scalars(select(column).order_by(column)).first()
    found = []
    for rule in website.app.url_map.iter_rules():
        names = set(rule.arguments)
        if "GET" in (rule.methods or ()) and names <= set(ids) and not rule.rule.endswith("/options"):
            path = re.sub(r"<(?:\w+:)?(\w+)>", lambda part: str(ids[part[1]]), rule.rule)
            found.append(f"{path}?day={DAY}&q=img&delivery={ids['delivery_id']}&stop={ids['stop_id']}")
    return found


def hostile_part_of(text: str) -> str:
    """What got through: "" when everything stayed text."""
    found = re.search(r".{0,80}(<img src=x|<b>\{\{|1337).{0,40}", text)
    return found[0] if found else ""


def crawl(client: FlaskClient, addresses: list[str]) -> tuple[dict[str, str], int]:
    """By address what was wrong with it; and how many pages carried the hostile text, as text."""
    wrong, carried = {}, 0
    for path in addresses:
        answer = client.get(path, headers={"Accept": "text/html"})
        if answer.status_code >= 500:
            wrong[path] = str(answer.status_code)
        if answer.mimetype == "text/html" and (got := hostile_part_of(answer.text)):
            wrong[path] = got
        if answer.mimetype == "text/html" and answer.headers["Cache-Control"] != "no-store":
            wrong[path] = "may be kept by a cache"
        carried += answer.mimetype in ("text/html", "application/json") and "img src=x" in answer.text
    return wrong, carried


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


def test_hostile_texts_stay_texts_on_the_desks_pages(planned_website: Website) -> None:
    client = planned_website.signed_in(role="admin")
    with planned_website.installation.database.writing() as connection:
        poison(connection)
    wrong, carried = crawl(client, pages(planned_website))
    assert wrong == {}
    assert carried >= 8


def test_hostile_texts_stay_texts_on_the_pages_behind_links(website: Website) -> None:
    this = website.a_round(told=("08:00", "09:00"), note=HOSTILE, name=HOSTILE)
    driver, tracking = (
        website.link("driver", "manifest", this.manifest_id),
        website.link("tracking", "delivery", this.stops[0].delivery_id),
    )
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "JPEG")
    report = {
        "client_id": "phone-1", "sequence": 1, "kind": "outcome", "stop_id": this.stops[0].stop_id, "note": HOSTILE,
        "captured_at": "2026-05-12T04:50:00Z", "recipient": HOSTILE,
        "deliveries": [{"delivery_id": this.stops[0].delivery_id, "outcome": "delivered"}],
    }  # fmt: skip
    client = website.client()
    page = client.get(f"/t/{tracking}", headers={"Accept": "text/html"}).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    assert client.post(f"/t/{tracking}/message", data={"csrf_token": token[1], "text": HOSTILE}).status_code == 302
    with website.installation.database.writing() as connection:
        poison(connection)
    before = [f"/d/{driver}", f"/d/{driver}/route.json", f"/t/{tracking}", f"/t/{tracking}/status"]
    wrong, carried = crawl(client, before)
    assert (wrong, carried) == ({}, 4)
    sent = client.post(
        "/d/reports",
        data={"report": json.dumps(report), "photo": (io.BytesIO(picture.getvalue()), HOSTILE)},
        headers={"X-Backroute-Link": driver},
    )
    assert sent.status_code == 200, sent.text
    proof = website.link("proof", "delivery", this.stops[0].delivery_id)
    wrong, carried = crawl(client, [f"/t/{tracking}", f"/p/{proof}", f"/d/{driver}"])
    assert (wrong, carried) == ({}, 3)
    desk = website.signed_in()
    wrong, carried = crawl(desk, ["/", "/tasks", "/orders?state=all", "/orders/1", "/messages", "/search?q=%3Cimg"])
    assert wrong == {}
    assert carried >= 5


def test_a_name_with_template_signs_is_not_run_in_a_message(website: Website) -> None:
    words = words_of({"customer": HOSTILE, "site": HOSTILE}, language="en", zone=ZoneInfo("UTC"), link="")
    subject, text = render_text("Subject: For {{ customer }}\n{{ site }}", words)
    assert "{{ 7*191 }}" in subject
    assert "1337" not in subject + text


def test_a_template_reaches_nothing_but_its_words() -> None:
    for source in (
        "{{ site.__class__.__mro__ }}",
        "{{ ''.__class__.__subclasses__() }}",
        "{{ self.__init__.__globals__ }}",
        "{% include '/etc/passwd' %}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ config }}",
    ):
        with pytest.raises(InvalidInput):
            render_text(source, {"site": "x"})


def test_a_proofs_pictures_stay_in_no_shared_cache(website: Website) -> None:
    this = website.a_round()
    driver = website.link("driver", "manifest", this.manifest_id)
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "JPEG")
    report = {
        "client_id": "phone-1", "sequence": 1, "kind": "outcome", "stop_id": this.stops[0].stop_id,
        "captured_at": "2026-05-12T04:50:00Z",
        "deliveries": [{"delivery_id": this.stops[0].delivery_id, "outcome": "not_home"}],
    }  # fmt: skip
    form = {"report": json.dumps(report), "photo": (io.BytesIO(picture.getvalue()), "p.jpg")}
    assert website.client().post("/d/reports", data=form, headers={"X-Backroute-Link": driver}).status_code == 200
    with website.signed_in().get("/orders/proofs/1/1") as answer:
        assert answer.status_code == 200
        assert re.search("no-store|private", answer.headers["Cache-Control"])
