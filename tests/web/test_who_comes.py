"""Who comes to a door is said on its page as in a file: the drivers who know it, the vehicles that may, its run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from data import tables
from data.exporters.templates import site_rows
from data.importers import sites
from data.store import open_store
from tests.desk import Desk, a_desk, add
from tests.website import Website, a_website, form_token


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def desk(website: Website) -> Desk:
    """With two vans and two drivers."""
    made = a_desk(website)
    with website.installation.database.writing() as connection:
        for n in (1, 2):
            add(connection, tables.vehicle, number=f"V-{n}", name=f"Van {n}", depot_id=made.depot)
            add(connection, tables.driver, number=f"D-{n}", name=f"Driver {n}", depot_id=made.depot)
    return made


def post(client: FlaskClient, site: int, *, seen: int | None = None, **fields: Any) -> TestResponse:
    page = client.get(f"/addresses/{site}")
    shown = page.text.split('name="seen" value="')[1].split('"')[0] if seen is None else str(seen)
    return client.post(f"/addresses/{site}/who-comes", data={"csrf_token": form_token(page), "seen": shown, **fields})


def columns(website: Website, site: int) -> tuple[str, str, str]:
    with website.installation.database.reading() as connection:
        row = connection.execute(select(tables.site).where(tables.site.c.id == site)).one()
    return row.known_to, row.vehicles, row.run


def test_what_is_chosen_is_kept_told_and_goes_round_by_file(website: Website, desk: Desk) -> None:
    client, site = website.signed_in(), desk.sites[1]
    page = client.get(f"/addresses/{site}").text
    assert "Who comes here" in page
    assert "Standing runs bind no plan yet" in page
    done = post(client, site, known_to=["D-2", "D-1"], vehicles=["V-2"], run="V-2")
    assert (done.status_code, done.location) == (302, f"/addresses/{site}#who-comes")
    assert columns(website, site) == ("D-1;D-2", "V-2", "V-2")
    page = client.get(f"/addresses/{site}").text
    assert page.count(" checked") == 3
    story = client.get(f"/orders/{desk.orders[1]}").text
    assert "drivers who know it D-1, D-2, not none" in story
    assert "its standing run V-2, not none" in story
    assert post(client, site, known_to=["D-1", "D-2"], vehicles=["V-2"], run="V-2").status_code == 302
    with website.installation.database.reading() as connection:
        events = list(connection.scalars(select(tables.event.c.kind).where(tables.event.c.site_id == site)))
        rows = list(site_rows(connection))
    assert events == ["who_comes_changed"], "the same again is no change"
    out = io.StringIO()
    csv.writer(out).writerows([sites.COLUMNS, *rows])
    with open_store(website.installation.database) as store:
        result = sites.import_sites(store, io.BytesIO(out.getvalue().encode()), now=website.clock.at, by="test")
    assert (result.errors, result.changed, result.unchanged) == ([], 0, len(rows))
    assert columns(website, site) == ("D-1;D-2", "V-2", "V-2")
    assert post(client, site).status_code == 302
    assert columns(website, site) == ("", "", "")


def test_what_cannot_be_is_refused_and_stays_chosen(website: Website, desk: Desk) -> None:
    client, site = website.signed_in(), desk.sites[1]
    for fields, said in (
        ({"vehicles": ["V-2"], "run": "V-1"}, "V-1 may not come there, so it is no run"),
        ({"vehicles": ["V-9"]}, "There is no vehicle &#34;V-9&#34;"),
        ({"known_to": ["D-9"]}, "There is no driver &#34;D-9&#34;"),
        ({"run": "<b>"}, "There is no vehicle &#34;&lt;b&gt;&#34;"),
    ):
        refused = post(client, site, **fields)
        assert refused.status_code == 422, fields
        assert said in refused.text
        assert columns(website, site) == ("", "", "")
    kept = post(client, site, vehicles=["V-2"], run="V-1").text
    assert 'value="V-2" checked' in kept
    assert '<option value="V-1" selected>' in kept
    late = post(client, site, seen=999, vehicles=["V-1"])
    assert (late.status_code, columns(website, site)) == (409, ("", "", ""))
    nowhere = {"csrf_token": form_token(client.get(f"/addresses/{site}"))}
    assert client.post("/addresses/999/who-comes", data=nowhere).status_code == 404


def test_whom_a_file_named_and_nobody_has_can_be_taken_out(website: Website, desk: Desk) -> None:
    client, site = website.signed_in(), desk.sites[1]
    with website.installation.database.writing() as connection:
        connection.execute(tables.site.update().where(tables.site.c.id == site).values(known_to="D-1;GONE"))
    assert "not in the fleet" in client.get(f"/addresses/{site}").text
    assert post(client, site, known_to=["D-1", "GONE"], run="V-1").status_code == 302
    assert columns(website, site) == ("D-1;GONE", "", "V-1")
    assert post(client, site, known_to=["D-1"], run="V-1").status_code == 302
    assert columns(website, site) == ("D-1", "", "V-1")
    reader = website.signed_in(role="viewer").get(f"/addresses/{site}").text
    assert "Who comes here" in reader
    assert 'name="run"' not in reader
