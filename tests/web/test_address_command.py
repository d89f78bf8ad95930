"""`backroute address` on a region of its own: what a program reads, and what ends with which code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.address_region import an_address_region
from web.cli import main


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    an_address_region(home)
    return home


@pytest.fixture(autouse=True)
def _at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKROUTE_HOME", str(home))


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["address", *words], catch_exceptions=False)


def test_a_program_reads_candidates_with_place_quality_and_source() -> None:
    done = run("Fabianinkatu 29, 00100 Helsinki", "--region", "helsinki", "--json")
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert (document["quality"], document["goes_on"], document["region"]) == ("exact", True, "helsinki")
    best = document["candidates"][0]
    assert (best["quality"], best["source"], best["house_number"]) == ("exact", "gazetteer", "27-29")
    assert (round(best["lat"], 2), round(best["lon"], 2)) == (60.17, 24.95)


@pytest.mark.parametrize(
    ("text", "quality"),
    [
        ("Fabianinkatu", "street"),
        ("Fabianinkatu 9999", "approximate"),
        ("Fabianinaktu 29", "approximate"),
        ("Roobertinkatu 3", "ambiguous"),
        ("Fabianinkatu 29, Tampere", "outside"),
        ("Nowhere Alley 5", "not_found"),
    ],
)
def test_what_a_person_must_decide_ends_with_1_and_says_why(text: str, quality: str) -> None:
    done = run(text, "--json")
    document = json.loads(done.stdout)
    assert (done.exit_code, document["quality"], document["goes_on"]) == (1, quality, False)
    assert document["why"]
    assert document["why"] in run(text).stdout


@pytest.mark.parametrize(
    "text",
    [
        "60.16990, 24.94840",
        "60,16990 24,94840",
        "60°10'11.64\"N 24°56'54.24\"E",
        "N 60° 10.194' E 24° 56.904'",
        "geo:60.16990,24.94840?z=17",
        "geo:0,0?q=60.16990,24.94840(Our yard)",
        "https://www.google.com/maps/place/Yard/@60.1,24.9,17z/data=!3m1!4b1!4m5!3m4!1s0x0:0x0!8m2!3d60.16990!4d24.94840",
        "https://www.google.com/maps/search/?api=1&query=60.16990%2C24.94840",
        "https://maps.google.com/?q=60.16990,24.94840",
        "https://maps.apple.com/?ll=60.16990,24.94840&q=Yard",
        "https://maps.apple.com/place?coordinate=60.16990,24.94840&name=Yard",
        "https://www.openstreetmap.org/?mlat=60.16990&mlon=24.94840#map=19/60.1/24.9",
        "https://waze.com/ul?ll=60.16990,24.94840&navigate=yes",
        "Deliver here: https://www.openstreetmap.org/?mlat=60.16990&mlon=24.94840",
        "9GG65W9X+X96",
        "5W9X+X96 Helsinki",
        "Helsinki 5W9X+X96",
    ],
)
def test_points_codes_and_links_are_addresses_too(text: str) -> None:
    document = json.loads(run(text, "--json").stdout)
    assert document["quality"] == "exact", document
    best = document["candidates"][0]
    assert best["lat"] == pytest.approx(60.1699, abs=0.00005)
    assert best["lon"] == pytest.approx(24.9484, abs=0.00005)


@pytest.mark.parametrize(
    "text",
    [
        "https://www.google.com/maps/search/?api=1&query=Fabianinkatu+29+Helsinki",
        "https://maps.apple.com/?address=Fabianinkatu%2029,%20Helsinki",
        "https://www.google.com/maps/place/Fabianinkatu+29,+00100+Helsinki",
        "geo:0,0?q=Fabianinkatu%2029%2C%20Helsinki",
    ],
)
def test_a_link_to_an_address_is_looked_up(text: str) -> None:
    document = json.loads(run(text, "--json").stdout)
    assert (document["quality"], document["candidates"][0]["street"]) == ("exact", "Fabianinkatu")


@pytest.mark.parametrize(
    ("text", "quality", "words"),
    [
        ("https://maps.app.goo.gl/abcDEF123", "not_found", "shortened link hides its place"),
        ("https://www.google.com/maps/@60.16990,24.94840,15z", "approximate", "where the map was looked at"),
        ("https://www.openstreetmap.org/#map=17/60.16990/24.94840", "approximate", "where the map was looked at"),
        ("https://example.com/news", "not_found", "names no place"),
        ("https://maps.google.com/?q=59.33,18.07", "outside", "lies outside"),
        ("5W9X+X96", "approximate", "is short"),
        ("5W9X+X96 Tampere", "outside", "Tampere lies outside"),
        ("9GG65W9X+", "approximate", "too coarse"),
        ("8FVC9G8F+6X", "outside", "lies outside"),
        ("59°20'N 18°4'E", "outside", "lies outside"),
    ],
)
def test_a_point_that_may_be_another_is_asked_about(text: str, quality: str, words: str) -> None:
    document = json.loads(run(text, "--json").stdout)
    assert (document["quality"], words in document["why"]) == (quality, True), document


def test_a_place_south_of_the_equator_is_no_option() -> None:
    found = run("-33.8568, 151.2153", "--json")
    assert found.exit_code == 1
    assert "outside" in json.loads(found.stdout)["quality"]


def test_a_region_that_is_none_and_a_text_that_is_none_are_refused_in_one_sentence() -> None:
    unknown = run("Fabianinkatu 29", "--region", "atlantis", "--json")
    assert unknown.exit_code == 2
    assert json.loads(unknown.stdout)["error"]["code"] == "region_not_found"
    for text in ("", "   ", "x" * 100_000, "\x1b[31m\x00"):
        done = run(text)
        assert done.exit_code == 1
        assert "\x1b" not in done.stdout
        assert 0 < len(done.stdout.strip()) < 400
