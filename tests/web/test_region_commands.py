"""`backroute region` and `backroute route`, on a region that was fetched by its name from a server on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import osmnx
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from data import tables
from data.demo.generate import EXTRACT
from data.store import open_store
from routing.engines.roads.extract import normalise
from tests.osm_server import OsmServer, osm_server
from web.cli import main
from web.wiring import open_installation

TOWN = "Helsinki, Finland"


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OsmServer]:
    whole = tmp_path_factory.mktemp("osm") / "whole.osm.pbf"
    normalise(EXTRACT, whole)
    with osm_server(whole) as serving:
        yield serving


@pytest.fixture(scope="module")
def home(server: OsmServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An installation that fetches from this machine."""
    at = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKROUTE_HOME", str(at))
        patch.delenv("BACKROUTE_DATABASE_URL", raising=False)
        patch.setenv("BACKROUTE_OVERPASS_URL", server.overpass_url)
        patch.setenv("BACKROUTE_NOMINATIM_URL", server.nominatim_url)
        patch.setattr(osmnx._nominatim, "time", SimpleNamespace(sleep=lambda _s: None))
        yield at


@pytest.fixture(scope="module")
def built(home: Path) -> dict[str, object]:
    """What `region add` printed."""
    added = run("region", "add", "town", "--place", TOWN, "--json")
    assert added.exit_code == 0, added.output
    document: dict[str, object] = json.loads(added.stdout)
    return document


def test_a_region_is_built_from_the_name_of_a_place(home, built):
    assert built["source"] == TOWN
    assert built["dated"] == "2026-05-04"
    assert built["addresses"] > 500
    assert (home / "regions" / "town" / "basemap.pmtiles").is_file()
    assert not (home / "regions" / ".town.fetched").exists()


@pytest.mark.parametrize("words", [(), ("--place", TOWN, "--pbf", EXTRACT)])
def test_a_region_comes_from_a_place_or_from_a_file(home, words):
    refused = run("region", "add", "town", *words)
    assert refused.exit_code == 2
    assert "one of the two" in refused.stderr


def test_a_build_says_what_it_needs_before_it_begins_each_step_and_what_it_found(home, server, built, monkeypatch):
    monkeypatch.setenv("BACKROUTE_HOME", str(home))
    added = run("region", "add", "again", "--place", TOWN)
    assert added.exit_code == 0, added.output
    lines = added.stderr.splitlines()
    needs = next(n for n, line in enumerate(lines) if line.startswith("The build needs about"))
    assert "MiB of disk, estimated by the place's area of" in lines[needs]
    steps = [line.split("% ")[1] for line in lines if "% " in line]
    assert steps[0] == "find the place"
    assert len(steps) == len(set(steps)) > 4
    assert needs < next(n for n, line in enumerate(lines) if line.endswith(steps[-1]))
    assert f"turn restrictions: {built['restrictions']:,}, " in added.stdout
    assert "from door to road: " in added.stdout
    run("region", "remove", "again", "--yes")


def test_a_place_that_nobody_knows_is_refused_and_adds_nothing(home):
    refused = run("region", "add", "atlantis", "--place", "Atlantis", "--json")
    assert refused.exit_code == 2
    assert json.loads(refused.stdout)["error"]["code"] == "place_not_found"
    assert not (home / "regions" / "atlantis").exists()


def test_a_server_that_is_not_there_is_an_engines_failure(home, monkeypatch):
    monkeypatch.setenv("BACKROUTE_NOMINATIM_URL", "http://127.0.0.1:9/")
    failed = run("region", "add", "ribe", "--place", "Ribe, Denmark")
    assert failed.exit_code == 3
    assert "Nominatim at http://127.0.0.1:9/ cannot be reached" in failed.stderr


def test_an_address_of_a_server_that_is_none_is_refused(home, monkeypatch):
    monkeypatch.setenv("BACKROUTE_OVERPASS_URL", "overpass")
    refused = run("region", "add", "ribe", "--place", "Ribe, Denmark")
    assert refused.exit_code == 2
    assert "BACKROUTE_OVERPASS_URL cannot be read. It looks like https://" in refused.stderr


def test_a_region_shows_what_its_build_found(home, built):
    shown = run("region", "show", "town", "--json")
    facts = json.loads(shown.stdout)
    assert facts.pop("depots") == []
    assert facts == built
    assert facts["restrictions"] == 44
    assert set(facts["unroutable"]) == {"car", "van", "truck", "cargo_bike"}
    assert 0 < facts["calibration_error"]["van"] < 0.5
    told = run("region", "show", "town").stdout
    assert all(word in told for word in ("585", "turn restrictions", "cargo bike", "second opinion within"))
    steps = [line.split(" │ ")[0].strip("│ ") for line in told.splitlines() if "built: " in line]
    roads = [f"built: roads for {vehicle}" for vehicle in ("car", "van", "truck", "cargo bike")]
    assert steps == ["built: read the extract", "built: road graph", *roads, "built: basemap", "built: addresses",
                     "built: check the roads"]  # fmt: skip
    unknown = run("region", "show", "nowhere")
    assert (unknown.exit_code, "there is town" in unknown.stderr) == (2, True)


def test_the_depots_of_a_region_are_named_and_nothing_of_the_list_is_cut(home, built, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    name = "A depot with a long name behind the railway station"
    with open_installation(home) as here, open_store(here.database) as store:
        assert "none" in run("region", "show", "town").stdout
        key = store.connection.scalar(select(tables.region.c.id).where(tables.region.c.name == "town"))
        row = {"number": "D9", "name": name, "currency": "EUR", "zone": "UTC", "region_id": key}
        store.save_depot(None, row)
    try:
        listed = run("region", "list").stdout
        assert "…" not in listed
        assert max(map(len, listed.splitlines())) <= 80
        assert [word for word in (*name.split(), "town", "585") if word not in listed] == [], listed
        assert json.loads(run("region", "list", "--json").stdout)[0]["depots"] == [name]
        assert name in " ".join(run("region", "show", "town").stdout.replace("│", " ").split())
    finally:
        with open_installation(home) as here, here.database.writing() as connection:
            connection.execute(tables.depot.delete().where(tables.depot.c.number == "D9"))


def test_the_way_between_two_places_is_told_for_people_and_programs(home, built):
    way = json.loads(run("route", "60.1711,24.9432", "60.1676,24.9450", "--region", "town", "--json").stdout)
    assert way["engine"] == "osrm"
    assert 30 < way["seconds"] < 900
    assert 300 < way["metres"] < 3000
    assert way["build"] == built["build"]
    by_bike = run("route", "60.1711,24.9432", "60.1676,24.9450", "--profile", "cargo_bike")
    assert "by cargo_bike (osrm)\n" in by_bike.stdout


def test_a_way_is_told_between_addresses_and_says_how_far_each_was_snapped(home, built):
    asked = ("route", "Fabianinkatu 29, Helsinki", "60.1676,24.9450", "--region", "town")
    way = json.loads(run(*asked, "--json").stdout)
    assert (way["from"]["label"], way["from"]["quality"]) == ("Fabianinkatu 27-29, 00100 Helsinki", "exact")
    assert (way["to"]["source"], way["to"]["lat"], way["to"]["lon"]) == ("coordinates", 60.1676, 24.945)
    told = run(*asked)
    assert told.exit_code == 0
    assert told.stdout.startswith("Fabianinkatu 27-29, 00100 Helsinki → 60.167600, 24.945000\n")
    for place, snapped_m in zip(("FROM", "TO"), way["snapped_m"], strict=True):
        assert (f"{place} lies {snapped_m} m from its road" in told.stdout) == (snapped_m > 0)
    assert max(way["snapped_m"]) > 0
    # The same place as a point gives the same way.
    at = f"{way['from']['lat']},{way['from']['lon']}"
    assert json.loads(run("route", at, "60.1676,24.9450", "--json").stdout)["seconds"] == way["seconds"]


@pytest.mark.parametrize(
    ("text", "quality", "offered"),
    [
        ("Roobertinkatu 3", "ambiguous", "Pieni Roobertinkatu 3"),
        ("Fabianinkatu 9999", "approximate", "Fabianinkatu"),
        ("Fabianinkatu", "street", "Fabianinkatu"),
        ("Fabianinkatu 29, Tampere", "outside", "Fabianinkatu 27-29"),
        ("Nowhere Alley 5", "not_found", ""),
        ("60.17,24.94", "approximate", "60.170000, 24.940000"),
    ],
)
def test_an_address_that_is_not_sure_measures_nothing_and_offers_what_it_may_mean(home, built, text, quality, offered):
    for asked, place in (((text, "60.1676,24.9450"), "FROM"), (("60.1676,24.9450", text), "TO")):
        refused = run("route", *asked, "--region", "town")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert f'{place}: "{text}" has no sure place in region town.' in refused.stderr
        assert offered in refused.stderr
    document = json.loads(run("route", text, "60.1676,24.9450", "--json").stdout)
    assert document["error"]["code"] == "doubtful_place"
    assert document["error"]["fields"]["quality"] == quality
    assert any(offered in each["label"] for each in document["candidates"]) == bool(offered)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("60.1711,24.9432", "59.5001,24.9001"), 1, "59.5001, 24.9001 lies outside"),
        (("60.1711,24.9432", "60.17,24.94"), 1, "60.17, 24.94 is too coarse for a door. Give at least three decimals"),
        (("60.1711,24.9432", "60.17"), 2, "is no place. Write latitude and longitude"),
        (("60.1711,24.9432", "95,200"), 2, "is no place"),
        (("60.1711,24.9432", "nan,24"), 2, "is no place"),
        (("60.1711,24.9432", "9" * 5000), 2, f'"{"9" * 60}" is no place'),
        (("24.9432,60.1711", "60.17,24.94"), 1, "60.1711, 24.9432 inside: the two look swapped"),
        (("-33.8568,151.2153", "60.17,24.94"), 1, "-33.8568, 151.2153 lies outside"),
        (("60.17,24.94", "-33.8568,-70.6", "--profil", "car"), 2, ""),
        (("60.17,24.94", "60.171,24.941", "--region", "x" * 5000), 2, f'no region "{"x" * 60}"'),
        (("60.1711,24.9432", "60.17,24.94", "--profile", "hovercraft"), 2, "'hovercraft' is not one of 'car', 'van'"),
        (("60.1711,24.9432", "60.17,24.94", "--region", "nowhere"), 2, "There is no region"),
    ],
)
def test_a_way_that_cannot_be_told_says_why(home, built, words, code, sentence):
    refused = run("route", *words)
    assert (refused.exit_code, sentence in refused.stderr) == (code, True), refused.output


def test_a_region_is_deleted_with_what_was_left_of_it_unless_depots_are_in_it(home, built):
    regions = home / "regions"
    whole = regions / ".spare.builds" / "1"
    whole.mkdir(parents=True)
    facts = json.loads((regions / "town" / "region.json").read_text())
    (whole / "region.json").write_text(json.dumps(facts | {"name": "spare"}))
    (regions / "spare").symlink_to(whole)
    (regions / ".failed.builds").mkdir()
    assert "spare" in run("region", "list").stdout
    assert run("region", "remove", "spare").exit_code == 1, "nobody said yes"
    assert (regions / "spare").exists()
    for name in ("spare", "failed"):
        gone = run("region", "remove", name, "--yes")
        assert (gone.exit_code, gone.stdout) == (0, f"Region {name} is deleted.\n")
        assert not list(regions.glob(f"*{name}*"))
    assert "spare" not in run("region", "list").stdout
    assert run("region", "remove", "spare", "--yes").exit_code == 2
    assert run("region", "remove", "../town", "--yes").exit_code == 2
    with open_installation() as installation, installation.database.writing() as connection:
        here = connection.scalar(select(tables.region.c.id).where(tables.region.c.name == "town"))
        connection.execute(
            tables.depot.insert().values(number="D9", name="Depot 9", zone="Europe/Helsinki", region_id=here)
        )
    refused = run("region", "remove", "town", "--yes")
    assert "Region town has depots: Depot 9." in refused.stderr
    assert (regions / "town").exists()
