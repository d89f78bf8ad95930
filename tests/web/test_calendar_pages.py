"""Holidays, closed days and zones on their page: shown with what they move, then kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update
from werkzeug.test import TestResponse

from data import tables
from tests.desk import Desk, a_desk
from tests.website import Website, a_website, form_token


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def desk(website: Website) -> Desk:
    return a_desk(website)


@pytest.fixture
def client(website: Website, desk: Desk) -> FlaskClient:
    return website.signed_in()


def post(client: FlaskClient, path: str, **form: object) -> TestResponse:
    return client.post(path, data={"csrf_token": form_token(client.get("/calendars"))} | form)


def seen(answer: TestResponse) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', answer.text)
    assert found, answer.text
    return found[1]


def said(website: Website) -> list[tuple[str, bool, str]]:
    with website.installation.database.reading() as connection:
        rows = connection.execute(select(tables.calendar_day).order_by(tables.calendar_day.c.day))
        return [(row.day, row.open, row.why) for row in rows]


def dates(website: Website) -> set[str]:
    with website.installation.database.reading() as connection:
        return set(connection.scalars(select(tables.order_line.c.expected_on))) - {""}


def test_a_closed_day_is_shown_first_and_moves_dates_when_kept(client: FlaskClient, website: Website) -> None:
    today = website.clock.at.date().isoformat()
    form = {"kind": "day", "scope": "company", "whom": "", "day": today, "why": "Founder's day", "said": "closed"}
    shown = post(client, "/calendars/simulate", **form)
    assert "Nothing has changed yet" in shown.text
    assert said(website) == []
    kept = post(client, "/calendars/commit", **form, seen=seen(shown))
    assert kept.status_code == 302
    assert said(website) == [(today, False, "Founder's day")]
    assert today not in dates(website)
    assert "Founder" in client.get("/calendars").text


def test_what_moves_anyway_is_not_said_to_be_the_holidays(client: FlaskClient, website: Website, desk: Desk) -> None:
    yesterday = (website.clock.at - timedelta(days=1)).date().isoformat()
    with website.installation.database.writing() as connection:
        mine = tables.order_line.c.order_id == desk.orders[4]
        connection.execute(update(tables.order_line).where(mine).values(expected_on=yesterday))
    far = (website.clock.at + timedelta(days=40)).date().isoformat()
    shown = post(client, "/calendars/simulate", kind="day", scope="company", whom="", day=far, said="closed").text
    assert "change through it" in shown
    assert "SO-4" in shown.partition("Moves anyway")[2]


def test_what_moved_on_meanwhile_is_shown_again(client: FlaskClient, website: Website) -> None:
    form = {"kind": "day", "scope": "company", "whom": "", "day": website.clock.at.date().isoformat(), "said": "closed"}
    answer = post(client, "/calendars/commit", **form, seen="something else")
    assert answer.status_code == 409
    assert "moved on" in answer.text
    assert said(website) == []


def test_the_holidays_of_a_country_fill_a_year_and_leave_what_was_said(client: FlaskClient, website: Website) -> None:
    year = str(website.clock.at.year)
    christmas = f"{year}-12-25"
    form = {"kind": "day", "scope": "company", "whom": "", "day": christmas, "why": "busy", "said": "open"}
    post(client, "/calendars/commit", **form, seen=seen(post(client, "/calendars/simulate", **form)))
    form = {"kind": "holidays", "country": "fi", "subdivision": "", "year": year}
    post(client, "/calendars/commit", **form, seen=seen(post(client, "/calendars/simulate", **form)))
    assert (christmas, True, "busy") in said(website)
    assert (f"{year}-12-06", False, "Independence Day") in said(website)
    again = post(client, "/calendars/simulate", **form)
    assert again.status_code == 422
    assert "already" in again.text


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"kind": "holidays", "country": "xx", "year": "2026"}, "No holidays are known"),
        ({"kind": "holidays", "country": "fi", "subdivision": "ZZ", "year": "2026"}, "no part of FI"),
        ({"kind": "holidays", "country": "fi", "year": "9999"}, "no year near"),
        ({"kind": "day", "scope": "planet", "day": "2026-05-12"}, "Say for whom"),
        ({"kind": "day", "scope": "depot", "whom": "<script>", "day": "2026-05-12"}, "There is no depot"),
        ({"kind": "day", "scope": "depot", "day": "2026-05-12"}, "There is no depot"),
        ({"kind": "day", "scope": "company", "day": "soon"}, "is no day"),
        ({"kind": "day", "scope": "company", "day": "2026-05-12", "last": "2026-05-11"}, "before the first"),
        ({"kind": "zone", "zone": "x"}, "no longer there"),
        ({"kind": "zone", "zone": "1", "cut_off": "16:00"}, "delivery day"),
        ({}, "Say what to change"),
    ],
)
def test_what_cannot_be_is_refused_with_the_mend(
    client: FlaskClient, website: Website, form: dict[str, str], sentence: str
) -> None:
    for path in ("simulate", "commit"):
        answer = post(client, f"/calendars/{path}", **form)
        assert answer.status_code == 422, answer.text
        assert sentence in answer.text.replace("&#34;", '"').replace("&#39;", "'")
    assert said(website) == []


def test_a_zone_is_changed_and_takes_the_sites_of_its_postcodes(client: FlaskClient, website: Website) -> None:
    with website.installation.database.writing() as connection:
        depot_id = connection.scalar(select(tables.depot.c.id))
        zone_id = connection.execute(
            insert(tables.zone)
            .values(depot_id=depot_id, number="Z1", name="Zone 1", postcodes="99999")
            .returning(tables.zone.c.id)
        ).scalar_one()
        connection.execute(update(tables.site).values(postcode="00100"))
    form = {
        "kind": "zone", "zone": str(zone_id), "whom": "Zone 1", "days": ["tue", "thu"], "cut_off": "15:00",
        "stops_a_day": "1", "postcodes": "00100",
    }  # fmt: skip
    shown = post(client, "/calendars/simulate", **form)
    kept = post(client, "/calendars/commit", **form, seen=seen(shown))
    assert kept.status_code == 302, kept.text
    with website.installation.database.reading() as connection:
        row = connection.execute(select(tables.zone)).one()
        zones = set(connection.scalars(select(tables.site.c.delivery_zone_id)))
    assert (row.delivery_days, row.cut_off, row.stops_a_day, row.postcodes) == ("tue,thu", "15:00", 1, "00100")
    assert zones == {zone_id}
