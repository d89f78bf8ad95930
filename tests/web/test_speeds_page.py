"""Times by time of day at the region's page and on the command line."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from data.store import open_store
from routing.model.day import SpeedRow
from tests.address_region import an_address_region
from tests.website import Website, a_website, form_token
from web.cli import main

SQUARE, STATION = "60.16985,24.95150", "60.17120,24.94420"
RUSH = {"mon": "1", "tue": "1", "from": "7:00", "to": "09:00", "percent": "150", "profile": ""}


@pytest.fixture(scope="module")
def website(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Website]:
    """With the region "helsinki": as the crow flies, for cars."""
    home = tmp_path_factory.mktemp("home")
    an_address_region(home)
    with a_website(home) as made:
        with open_store(made.installation.database) as store:
            store.save_region(name="helsinki", build="a build", facts={}, built_at=datetime(2026, 5, 1, tzinfo=UTC))
        yield made


@pytest.fixture(scope="module")
def client(website: Website) -> FlaskClient:
    return website.signed_in()


@pytest.fixture(autouse=True)
def empty(website: Website) -> None:
    with open_store(website.installation.database) as store:
        store.set_speeds("helsinki", ())


def post(client: FlaskClient, address: str = "speeds", **fields: object) -> tuple[int, str]:
    token = form_token(client.get("/regions/helsinki"))
    answer = client.post(
        f"/regions/helsinki/{address}",
        data={"csrf_token": token, **fields},
        content_type="multipart/form-data",
        follow_redirects=True,
    )
    return answer.status_code, answer.text


def table(website: Website) -> tuple[SpeedRow, ...]:
    with open_store(website.installation.database) as store:
        return store.speeds_of_region("helsinki")


def test_a_slice_of_the_day_is_added_shown_and_taken_out(client: FlaskClient, website: Website) -> None:
    assert "ways take the same time all day" in client.get("/regions/helsinki").text
    status, page = post(client, **RUSH)
    assert (status, "Mon, Tue" in page, "07:00–09:00" in page, "150 %" in page) == (200, True, True, True)
    assert table(website) == (SpeedRow(weekdays=("mon", "tue"), begins="07:00", ends="09:00", percent=150),)
    # Somebody else changed the row meanwhile.
    status, page = post(client, remove="0", was="mon,tue 07:00-09:00 130 ")
    assert (status, "has changed meanwhile" in page, len(table(website))) == (409, True, 1)
    post(client, remove="0", was="mon,tue 07:00-09:00 150 ")
    assert table(website) == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"percent": "fast"}, "in per cent of its free time"),
        ({"percent": "0"}, "0 % of the free travel time"),
        ({"from": "<b>"}, "is no time of day"),
        ({"to": "07:00"}, "is empty"),
    ],
)
def test_a_slice_that_cannot_be_is_refused_in_a_sentence(
    client: FlaskClient, website: Website, changes: dict[str, str], says: str
) -> None:
    status, page = post(client, **RUSH | changes)
    assert (status, says in page, table(website)) == (422, True, ())
    assert "<b>&#34; is" not in page
    assert 'value="150"' in page or "percent" in changes


def test_a_whole_table_comes_from_a_file_and_goes_out_again(client: FlaskClient, website: Website) -> None:
    file = b"weekdays,from,to,percent,profile\nmon-fri,07:00,09:00,130,\n,22:00,05:00,80,truck\n"
    assert post(client, "speeds/file", file=(io.BytesIO(file), "speeds.csv"))[0] == 200
    assert [each.percent for each in table(website)] == [130, 80]
    out = client.get("/regions/helsinki/speeds.csv")
    assert out.text.splitlines()[1:] == ['"mon,tue,wed,thu,fri",07:00,09:00,130,', ",22:00,05:00,80,truck"]
    status, _page = post(client, "speeds/file", file=(io.BytesIO(b"not a table"), "speeds.csv"))
    assert (status, len(table(website))) == (422, 2)
    assert post(client, "speeds/file")[0] == 422


def test_the_way_between_two_clicks_takes_longer_in_the_rush(client: FlaskClient) -> None:
    post(client, **{"from": "07:00", "to": "09:00", "percent": "300"})
    asked = {"from": SQUARE, "to": STATION}
    free = client.get("/regions/helsinki", query_string=asked).text
    slow = client.get("/regions/helsinki", query_string=asked | {"at": "07:30"}).text
    assert "free: " not in free
    assert "free: " in slow
    assert "leaving today at 07:30" in slow
    wrong = client.get("/regions/helsinki", query_string=asked | {"at": "soon"})
    assert (wrong.status_code, "is no time of day" in wrong.text) == (200, True)


def test_less_is_reached_within_the_minutes_when_one_leaves_in_the_rush(client: FlaskClient) -> None:
    post(client, **{"from": "07:00", "to": "09:00", "percent": "300"})
    asked = {"from": SQUARE, "ask": "area", "minutes": "30", "profile": "car"}
    areas = []
    for at in ({}, {"at": "12:00"}, {"at": "07:30"}):
        page = client.get("/regions/helsinki", query_string=asked | at).text
        assert ("leaving today at" in page) == bool(at)
        (km2,) = re.findall(r">([\d.,]+) km²<", page)
        areas.append(float(km2.replace(",", "")))
    assert areas[0] == areas[1]
    assert areas[0] / areas[2] == pytest.approx(9, rel=0.02)  # through the air: a third as far
    wrong = client.get("/regions/helsinki", query_string=asked | {"at": "soon"})
    assert (wrong.status_code, "is no time of day" in wrong.text) == (200, True)


def test_what_was_learnt_is_shown_with_its_counts_and_too_little_changes_nothing(
    client: FlaskClient, website: Website
) -> None:
    page = client.get("/regions/helsinki?learn=1").text
    assert "Learnt from 0 ways driven since" in page
    assert "Too little was driven to propose anything." in page
    assert "Below 30 ways, 5 days or 3 vehicles nothing is said" in page
    assert "one or two vehicles, each is heard after 15 days" in page
    assert "Take over what was learnt" not in page
    status, page = post(client, "speeds/learnt")
    assert (status, "nothing was learnt" in page, table(website)) == (200, True, ())


def test_who_only_looks_has_no_buttons(website: Website) -> None:
    with open_store(website.installation.database) as store:
        store.set_speeds("helsinki", (SpeedRow(begins="07:00", ends="09:00", percent=130),))
    page = website.signed_in(role="viewer").get("/regions/helsinki").text
    assert "130 %" in page
    assert "Add a slice of the day" not in page
    assert 'name="remove"' not in page


# ---- the commands


@pytest.fixture
def at_home(website: Website, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BACKROUTE_HOME", str(website.installation.home))
    monkeypatch.delenv("BACKROUTE_DATABASE_URL", raising=False)
    return website.installation.home


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_the_command_writes_shows_and_learns(at_home: Path, tmp_path: Path, website: Website) -> None:
    file = tmp_path / "speeds.csv"
    file.write_text("weekdays,from,to,percent\nmon-fri,07:00,09:00,130\n")
    written = run("speeds", "--region", "helsinki", "--file", file, "--json")
    assert written.exit_code == 0, written.output
    assert json.loads(written.stdout)["slices"] == [
        {
            "weekdays": ["mon", "tue", "wed", "thu", "fri"], "from": "07:00", "to": "09:00", "percent": 130,
            "profile": None, "learnt": False,
        }
    ]  # fmt: skip
    shown = run("speeds").output
    assert "130 %" in shown
    assert "all but bikes" in shown
    learnt = run("speeds", "--region", "helsinki", "--learn", "--json")
    assert learnt.exit_code == 1
    assert json.loads(learnt.stdout)["learnt"]["slices"][0]["why_not"].startswith("0 of the 30 legs")
    assert run("speeds", "--learn", "--apply").exit_code == 2
    assert run("speeds", "--apply").exit_code == 2
    assert run("speeds", "--region", "nowhere").exit_code == 2
    out = tmp_path / "out.csv"
    assert run("speeds", "-o", out).exit_code == 0
    assert out.read_text("utf-8-sig").count("\n") == 2
    assert "same time all day" in run("speeds", "--clear").output
    assert table(website) == ()


def test_slices_for_all_say_that_bikes_and_who_has_slices_of_his_own_go_by_others(
    at_home: Path, website: Website, client: FlaskClient
) -> None:
    rows = (
        SpeedRow(begins="07:00", ends="09:00", percent=130),
        SpeedRow(begins="07:00", ends="09:00", percent=150, profile="truck"),
    )
    with open_store(website.installation.database) as store:
        store.set_speeds("helsinki", rows)
    assert "all but bikes; truck first by its own" in client.get("/regions/helsinki").text
    assert "all but bikes; truck first by its own" in run("speeds").output


def test_a_region_without_times_by_time_of_day_says_so_when_a_time_is_asked_for(at_home: Path) -> None:
    said = run("route", SQUARE, STATION, "--at", "08:00").output
    assert "Region helsinki has no times by time of day" in said
    assert "no times by time of day" not in run("route", SQUARE, STATION).output
    assert json.loads(run("route", SQUARE, STATION, "--at", "08:00", "--json").stdout)["slices"] == 0


def test_the_way_of_the_command_takes_longer_in_the_rush(at_home: Path, website: Website) -> None:
    with open_store(website.installation.database) as store:
        store.set_speeds("helsinki", (SpeedRow(weekdays=("tue",), begins="07:00", ends="09:00", percent=150),))
    way = ("route", SQUARE, STATION, "--profile", "car", "--json")
    free, slow, next_day = (
        json.loads(run(*way, *at).stdout)
        for at in ((), ("--at", "08:00", "--day", "2026-05-12"), ("--at", "08:00", "--day", "2026-05-13"))
    )
    assert free["seconds"] == free["free_seconds"] == next_day["seconds"] == slow["free_seconds"]
    assert slow["seconds"] == -(-3 * free["seconds"] // 2)
    assert (free["slices"], slow["slices"]) == (None, 1)
    assert run(*way, "--at", "soon").exit_code == 2
    assert run(*way, "--day", "2026-05-12").exit_code == 2
