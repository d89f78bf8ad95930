"""A tile server of somebody else's as an option: named with its attribution, and the only other host a page may ask."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from routing.rules.tile_server import wrong_tiles
from tests.web.test_security import every_page
from tests.website import Website, a_website, form_token
from web.cli import main

URL = "https://tile.example.com/{z}/{x}/{y}.png?key=a&size=2"
CREDIT = "© OpenStreetMap contributors"


@pytest.fixture
def website(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Website]:
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path / "home"))
    with a_website(tmp_path / "home") as made:
        yield made


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["basemap", *words])


def pictures(policy: str) -> str:
    found = re.search(r"img-src ([^;]*);", policy)
    assert found is not None
    return found[1]


def test_pages_may_load_pictures_of_that_one_host_and_say_whose_map_it_is(website: Website) -> None:
    assert json.loads(run("--json").stdout) == {"tiles": "own", "attribution": ""}
    pages = every_page(website)
    before = {}
    for name, address in pages.items():
        answer = website.client().get(address, headers={"Accept": "text/html"})
        before[name] = answer.headers["Content-Security-Policy"]
        assert pictures(before[name]) == "'self' data: blob:", name
        assert "map-credit" not in answer.text
    assert run("--tiles", URL, "--attribution", CREDIT).exit_code == 0
    for name, address in pages.items():
        answer = website.client().get(address, headers={"Accept": "text/html"})
        policy = answer.headers["Content-Security-Policy"]
        assert pictures(policy) == "'self' data: blob: https://tile.example.com", name
        assert _without_nonce(policy.replace(" https://tile.example.com", "")) == _without_nonce(before[name]), name
        assert f'<meta name="map-credit" content="{CREDIT}">' in answer.text, name
    # What is no page shows no map.
    assert "tile.example.com" not in website.client().get("/healthz").headers["Content-Security-Policy"]
    assert run("--own").exit_code == 0
    again = website.client().get(pages["login"], headers={"Accept": "text/html"})
    assert pictures(again.headers["Content-Security-Policy"]) == "'self' data: blob:"


def _without_nonce(policy: str) -> str:
    return re.sub(r"'nonce-[^']+'", "", policy)


@pytest.mark.parametrize(
    "url",
    [
        "tile.example.com/{z}/{x}/{y}.png",
        "javascript://tile.example.com/{z}/{x}/{y}.png",
        "//tile.example.com/{z}/{x}/{y}.png",
        "https://*/{z}/{x}/{y}.png",
        "https://*.example.com/{z}/{x}/{y}.png",
        "https://tile.example.com; script-src */{z}/{x}/{y}.png",
        "https://tile.example.com/{z}/{x}/{y}.png; script-src 'unsafe-inline'",
        "https://tile.example.com/{z}/{x}/{y}.png\r\nSet-Cookie: a=b",
        'https://tile.example.com/{z}/{x}/{y}.png"><script>alert(1)</script>',
        "https://{s}.tile.example.com/{z}/{x}/{y}.png",
        "https://{nonce}/{z}/{x}/{y}.png",
        "https://me:pw@tile.example.com/{z}/{x}/{y}.png",
        "https://tile.example.com:99999/{z}/{x}/{y}.png",
        "https://tile.example.com/{z}/{x}.png",
        "https://tile.example.com/{z}/{z}/{x}/{y}.png",
        "https://tile.example.com/{a}/{z}/{x}/{y}.png",
        "https://tile.example.com?{z}/{x}/{y}",
        "https://" + "a" * 600 + "/{z}/{x}/{y}.png",
    ],
)
def test_an_address_that_can_be_no_tile_server_is_refused(url: str) -> None:
    assert wrong_tiles(url)


def test_what_is_refused_changes_nothing_and_says_what_to_write(website: Website) -> None:
    for words, sentence in (
        (("--tiles", "https://*/{z}/{x}/{y}.png", "--attribution", CREDIT), '"*" is no host'),
        (("--tiles", URL), "Say whose map it is"),
        (("--tiles", URL, "--attribution", "one\ntwo"), "It is one line"),
        (("--attribution", CREDIT), "No tile server is named"),
        (("--own", "--tiles", URL), "leave out --tiles"),
        (("--tiles", ""), "backroute basemap --own"),
    ):
        done = run(*words)
        assert (done.exit_code, sentence in done.stderr) == (2, True), done.output
    assert json.loads(run("--json").stdout)["tiles"] == "own"


def test_an_administrator_names_it_on_the_page_and_a_dispatcher_reads_it(website: Website) -> None:
    admin = website.signed_in(role="admin")
    token = form_token(admin.get("/settings"))
    form = {"csrf_token": token, "basemap": "server", "tiles_url": URL, "tiles_credit": CREDIT}
    wrong = admin.post("/settings/basemap", data=form | {"tiles_url": "https://a b/{z}/{x}/{y}.png"})
    assert (wrong.status_code, "it has a space" in wrong.text) == (422, True)
    nobody = admin.post("/settings/basemap", data=form | {"tiles_credit": ""})
    assert (nobody.status_code, "Say whose map it is" in nobody.text) == (422, True)
    assert json.loads(run("--json").stdout)["tiles"] == "own"
    done = admin.post("/settings/basemap", data=form, follow_redirects=True)
    assert "Maps are drawn from https://tile.example.com" in done.text
    assert "tile.example.com" in website.signed_in().get("/settings").text
    admin.post("/settings/basemap", data={"csrf_token": token, "basemap": "own"})
    assert json.loads(run("--json").stdout)["tiles"] == "own"


def test_where_our_pages_are_https_a_server_without_it_is_refused(
    website: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKROUTE_PUBLIC_URL", "https://routes.example.com")
    refused = run("--tiles", URL.replace("https", "http"), "--attribution", CREDIT)
    assert (refused.exit_code, "must begin with https://" in refused.stderr) == (2, True)
