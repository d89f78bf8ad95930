"""The demo's own pages: a clock that only the demo has, and that only a dispatcher turns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.website import Website, a_website, form_token
from web.clock import InstallationClock
from web.demo.calendar import START, TUESDAY, at


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def demo(website: Website) -> Website:
    """The same on the demo's clock, Tuesday 05:40."""
    clock = InstallationClock(website.installation.database)
    clock.jump(to=START)
    website.installation.clock = clock
    return website


def jump(client: FlaskClient, to: str, *, back_to: str = "/") -> tuple[int, str]:
    token = form_token(client.get("/orders"))
    answer = client.post(f"/demo/clock?next={back_to}", data={"csrf_token": token, "to": to})
    return answer.status_code, answer.headers.get("Location", "")


def test_a_real_installation_has_neither_the_clock_nor_the_list(website: Website) -> None:
    client = website.signed_in(role="admin")
    assert client.get("/show").status_code == 404
    assert jump(client, "16:00")[0] == 404
    assert "demo" not in client.get("/orders").text


def test_the_clock_jumps_forward_only_and_comes_back_to_the_page(demo: Website) -> None:
    client = demo.signed_in()
    assert jump(client, "11:20", back_to="/orders") == (303, "/orders")
    assert timedelta(0) <= demo.installation.clock.now() - at(TUESDAY, "11:20") < timedelta(minutes=1)
    assert jump(client, "11:20")[0] == 409
    assert jump(client, "12:00")[0] == 422
    assert jump(client, "16:00", back_to="//example.com/") == (303, "/")
    assert "16:00 is past" in client.get("/orders").text


def test_who_only_looks_on_sees_the_time_and_turns_nothing(demo: Website) -> None:
    client = demo.signed_in(role="viewer")
    page = client.get("/orders").text
    assert 'id="demo-clock"' in page
    assert "Jump to" not in page
    assert jump(client, "11:20")[0] == 403


def test_a_jump_needs_the_forms_token(demo: Website) -> None:
    assert demo.signed_in().post("/demo/clock", data={"to": "11:20"}).status_code == 400
    assert demo.installation.clock.now() < at(TUESDAY, "06:00")
