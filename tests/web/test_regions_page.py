"""The page for regions: what is installed, asking the map without one, and building again."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import numpy as np
import osmium
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select

from data import tables
from data.store import open_store
from routing.engines.roads.extract import normalise
from routing.model.places import Bounds, Location
from routing.ports import TravelTable
from routing.rules.to_the_door import to_the_doors
from tests.address_region import an_address_region
from tests.website import Website, a_website, form_token
from web.clock import wall_clock
from web.jobs import run_job
from web.wiring import Installation

SQUARE, STATION = "60.16985, 24.95150", "60.17120, 24.94420"


@pytest.fixture(scope="module")
def regions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of regions with the demo's addresses; nobody builds one to its end here."""
    home = tmp_path_factory.mktemp("built")
    an_address_region(home)
    return home / "regions"


@pytest.fixture
def website(regions: Path, tmp_path: Path) -> Iterator[Website]:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "regions").symlink_to(regions, target_is_directory=True)
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def client(website: Website) -> FlaskClient:
    return website.signed_in()


def jobs(website: Website) -> int:
    with website.installation.database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(tables.job)) or 0


def build(client: FlaskClient, **fields: object) -> tuple[int, str]:
    token = form_token(client.get("/regions"))
    answer = client.post("/regions", data={"csrf_token": token, **fields}, content_type="multipart/form-data")
    return answer.status_code, answer.text


def test_a_region_is_shown_with_what_its_build_found(client: FlaskClient) -> None:
    page = client.get("/regions").text
    assert all(each in page for each in ("helsinki", "585", "a build", "a day that the extract does not name"))
    assert client.get("/regions/nowhere").status_code == 404


def test_what_is_reached_from_a_depot_is_one_click(website: Website, client: FlaskClient) -> None:
    with open_store(website.installation.database) as store:
        add = store.connection.execute
        row = {"name": "helsinki", "build": "b", "facts": {}, "built_at": wall_clock()}
        region = add(insert(tables.region).values(**row)).inserted_primary_key[0]
        where = {"zone": "Europe/Helsinki", "region_id": region}
        add(insert(tables.depot).values(number="H", name="Harbour", lat=60.16985, lon=24.9515, **where))
        add(insert(tables.depot).values(number="N", name="Nowhere yet", **where))
    page = client.get("/regions/helsinki").text
    link = re.search(r'<a href="([^"]+)">Harbour</a>', page)
    assert link
    assert ">Nowhere yet</a>" not in page
    answer = client.get(html.unescape(link[1])).text
    assert "Within 15 min by car of Harbour" in answer


def test_a_file_that_is_too_large_is_told_the_command_before_it_is_sent(client: FlaskClient) -> None:
    page = client.get("/regions/helsinki").text
    assert "at most 25 MB; a larger one on the server: backroute region add helsinki --pbf FILE" in page
    assert f'data-most-bytes="{25 * 1024 * 1024}"' in page
    assert "FILE is larger than 25 MB: nothing was sent. On the server" in page


def test_without_a_region_the_page_says_what_to_do(tmp_path: Path) -> None:
    with a_website(tmp_path / "empty") as bare:
        page = bare.signed_in().get("/regions")
        assert page.status_code == 200
        assert "Build one from the name of a town" in page.text


def test_the_way_between_two_places_is_told_by_vehicle_and_says_who_measured_it(client: FlaskClient) -> None:
    page = client.get("/regions/helsinki", query_string={"from": SQUARE, "to": "Fabianinkatu 29"}).text
    assert "Fabianinkatu 27-29, 00100 Helsinki" in page
    assert "through the air, no roads" in page
    # A script gets the answer alone.
    alone = client.get(
        "/regions/helsinki", query_string={"from": SQUARE, "to": STATION}, headers={"HX-Request": "true"}
    ).text
    assert "<html" not in alone
    assert "60.16985" in alone


class AFarm:
    """Ten minutes of road between two places; the second stands 230 m from it."""

    def table(self, places: Sequence[Location], *, profile: str) -> TravelTable:
        ways = np.array([[0, 600], [600, 0]])
        table = TravelTable(
            durations_s=ways, distances_m=10 * ways, snapped_m=np.array([12, 230]), engine="osrm", build="a build"
        )
        return to_the_doors(table, places, profile=profile)

    def path(self, places: Sequence[Location], *, profile: str) -> list[Location]:
        return list(places)


def test_the_way_between_road_and_door_is_counted_and_told_apart(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 m beyond the ordinary 30, at the pace of a yard: 72 s, which a plan counts too."""
    asked = {"from": SQUARE, "to": STATION}
    assert "to doors" not in client.get("/regions/helsinki", query_string=asked).text
    monkeypatch.setattr(Installation, "travel", lambda *_: AFarm())
    page = client.get("/regions/helsinki", query_string=asked).text
    assert "11 min" in page
    assert "to doors: 1 min" in page
    assert "To doors: so much of it at most is the way between the road and a door more than 30 m from it" in page


def test_the_area_reached_in_time_is_told(client: FlaskClient) -> None:
    asked = {"ask": "area", "from": SQUARE, "minutes": "10"}
    page = client.get("/regions/helsinki", query_string=asked).text
    assert "Within 10 min by car" in page
    # 28 km/h for 10 minutes, and roads are 1.35 times as long as the air: a circle of 3.46 km.
    assert "37.4 km²" in page or "37.5 km²" in page


def test_a_question_that_cannot_be_answered_gets_a_sentence(client: FlaskClient) -> None:
    for asked, sentence in (
        ({"ask": "area", "from": SQUARE, "minutes": "soon"}, "Write the minutes as a whole number"),
        ({"ask": "area", "from": SQUARE, "minutes": "100000"}, "Ask for 1 to 240 minutes"),
        ({"from": SQUARE, "to": "Nowhere at all 77"}, "To: "),
        ({"from": "<img src=x>", "to": SQUARE}, "From: "),
        ({"from": "x" * 5000, "to": SQUARE}, "From: "),
        ({"from": "999, 999", "to": SQUARE}, "From: "),
    ):
        page = client.get("/regions/helsinki", query_string=asked)
        assert page.status_code == 200
        assert sentence in page.text
        assert "<img src=x>" not in page.text


def test_a_build_from_nothing_is_refused_and_starts_nothing(client: FlaskClient, website: Website) -> None:
    for fields, sentence in (
        ({"name": "Ribe!", "place": "Ribe, Denmark"}, "cannot name a region"),
        ({"name": "ribe"}, "Say from what it is built"),
        ({"name": "helsinki"}, "Say from what it is built"),
    ):
        status, page = build(client, **fields)
        assert (status, sentence in page) == (422, True)
    assert jobs(website) == 0


def test_a_region_is_built_once_at_a_time_and_says_how_far_it_is(client: FlaskClient, website: Website) -> None:
    build(client, name="helsinki", place="Helsinki, Finland")
    build(client, name="helsinki", place="Helsinki, Finland")
    assert jobs(website) == 1
    with open_store(website.installation.database) as store:
        claimed = store.claim_job(job_id=1, now=wall_clock(), lease_s=60)
        assert claimed is not None
        store.renew_job(
            job_id=1, fence=claimed.fence, now=wall_clock(), lease_s=60, progress={"step": "road graph", "share": 0.62}
        )
    told = client.get("/regions/jobs/1", headers={"HX-Request": "true"}).text
    assert "Road graph · 62 %" in told
    assert "585" in client.get("/regions").text, "The one in use answers meanwhile."
    client.post("/regions/jobs/1/stop", data={"csrf_token": form_token(client.get("/regions"))})
    assert "Stopping" in client.get("/regions/jobs/1", headers={"HX-Request": "true"}).text


def test_two_regions_are_built_at_once_and_a_first_build_promises_nothing_of_one_in_use(
    client: FlaskClient, website: Website
) -> None:
    build(client, name="helsinki", place="Helsinki, Finland")
    build(client, name="ribe", place="Ribe, Denmark")
    page = client.get("/regions/helsinki").text
    assert "helsinki is being built" in page
    assert "ribe is being built" in page
    assert page.count("The one in use answers until the new one is whole.") == 1
    # Nothing leads to what is not there yet.
    assert 'href="/regions/ribe"' not in page
    told = client.get("/regions/jobs/2", headers={"HX-Request": "true"}).text
    assert "The one in use" not in told
    assert 'href="/regions"' in told


def test_a_build_that_fails_says_why_and_the_region_in_use_stays(client: FlaskClient, website: Website) -> None:
    before = website.installation.regions.facts("helsinki")
    build(client, name="helsinki", file=(io.BytesIO(b"no map at all"), "helsinki-new.osm.pbf"))
    run_job(website.installation, 1)
    ended = client.get("/regions/jobs/1", headers={"HX-Request": "true"})
    assert (ended.status_code, ended.headers["HX-Refresh"]) == (204, "true")
    page = client.get("/regions/helsinki").text
    assert "The last build of" in page
    assert "helsinki-new.osm.pbf cannot be read as an OpenStreetMap extract" in page
    assert str(website.installation.home) not in page
    assert website.installation.regions.facts("helsinki") == before


def test_a_file_that_is_sent_is_read_as_an_extract_and_known_by_its_own_name(
    client: FlaskClient, website: Website, tmp_path: Path
) -> None:
    extract = tmp_path / "road.osm.pbf"
    with osmium.SimpleWriter(str(extract)) as writer:
        for node in (1, 2):
            writer.add_node(osmium.osm.mutable.Node(id=node, version=1, location=(node / 1000, 0.001)))
        writer.add_way(osmium.osm.mutable.Way(id=1, version=1, nodes=(1, 2), tags={"highway": "residential"}))
    build(client, name="helsinki", file=(io.BytesIO(extract.read_bytes()), "helsinki-new.osm.pbf"))
    with website.installation.database.reading() as connection:
        data = connection.execute(select(tables.job.c.data)).scalar_one()
    assert data["source"] == "helsinki-new.osm.pbf"
    assert normalise(Path(data["pbf"]), tmp_path / "read.osm.pbf").drivable_km == 0.1


def test_a_first_build_that_fails_says_why_too(client: FlaskClient, website: Website) -> None:
    build(client, name="ribe", file=(io.BytesIO(b"no map at all"), "ribe.osm.pbf"))
    run_job(website.installation, 1)
    assert "ribe was not built: ribe.osm.pbf cannot be read" in client.get("/regions").text


def test_a_file_that_is_gone_is_asked_for_again(client: FlaskClient, website: Website, tmp_path: Path) -> None:
    with open_store(website.installation.database) as store:
        job_id = store.add_job(
            kind="region", data={"name": "helsinki", "pbf": str(tmp_path / "gone.osm.pbf")}, by="test", now=wall_clock()
        )
        claimed = store.claim_job(job_id=job_id, now=wall_clock(), lease_s=60)
        assert claimed is not None
        store.finish_job(job_id=job_id, fence=claimed.fence, now=wall_clock())
    status, page = build(client, name="helsinki")
    assert (status, "gone.osm.pbf is not there any more. Hand it in again" in page) == (422, True)


FABLE_TOWN = Bounds(south=49.99, west=10.0, north=50.01, east=10.02)


@pytest.fixture
def two_regions(tmp_path: Path) -> Iterator[Website]:
    """The demo's district with depot HEL, and a town with doors of Fable Street and with depot FAB."""
    home = tmp_path / "two"
    an_address_region(home)
    pbf = tmp_path / "fable.osm.pbf"
    with osmium.SimpleWriter(str(pbf)) as writer:
        for n in range(1, 4):
            tags = {"addr:street": "Fable Street", "addr:housenumber": str(n), "addr:city": "Fable Town"}
            at = (10.0 + 0.0015 * n, 50.0)
            writer.add_node(osmium.osm.mutable.Node(id=n, location=at, tags=tags, version=1))
    an_address_region(home, name="fable", extract=pbf, bounds=FABLE_TOWN)
    with a_website(home) as made:
        with open_store(made.installation.database) as store:
            for name, number, lat, lon in (("helsinki", "HEL", 60.17, 24.945), ("fable", "FAB", 50.0, 10.003)):
                facts = made.installation.regions.facts(name)
                key = store.save_region(
                    name=name, build=facts.build, facts={"bounds": asdict(facts.bounds)}, built_at=wall_clock()
                )
                depot = {"number": number, "name": number, "lat": lat, "lon": lon, "region_id": key, "zone": "UTC"}
                store.save_depot(None, depot | {"currency": "EUR"})
        yield made


def test_autocomplete_takes_the_regions_of_all_depots_or_of_the_one_that_is_chosen(two_regions: Website) -> None:
    client = two_regions.signed_in()

    def suggested(**query: str) -> list[str]:
        found = client.get("/addresses/suggest", query_string=query).json
        return [each["label"] for each in found["suggestions"]]  # type: ignore[index]

    assert suggested(q="fab")[:2] == ["Fabianinkatu, Helsinki", "Fable Street, Fable Town"]
    assert suggested(q="fab", depot="FAB") == ["Fable Street, Fable Town"]
    assert "Fable Street, Fable Town" not in suggested(q="fab", depot="HEL")
    assert suggested(q="fab", depot="nobody") == suggested(q="fab")
    page = client.get("/slots").text
    assert 'data-suggest="/addresses/suggest" data-suggest-depot="f-depot"' in page


def test_a_time_is_offered_at_an_address_of_any_depots_region(two_regions: Website) -> None:
    client = two_regions.signed_in()

    def asked(address: str, **query: str) -> tuple[int, str]:
        answer = client.get("/slots/offers", query_string={"address": address, "load": "1 kg", "days": 1, **query})
        return answer.status_code, answer.text

    for address in ("Fabianinkatu 29", "Fable Street 2"):
        assert asked(address)[0] == 200, address
    status, said = asked("Fable Street 2", depot="HEL")
    assert (status, "has no sure place" in said) == (422, True)


def test_autocomplete_takes_the_region_that_is_asked(client: FlaskClient) -> None:
    found = client.get("/addresses/suggest", query_string={"q": "fabian", "region": "helsinki"}).json
    assert found["suggestions"]  # type: ignore[index]
    nowhere = client.get("/addresses/suggest", query_string={"q": "fabian", "region": "nowhere"})
    assert (nowhere.status_code, nowhere.json) == (
        200,
        {"suggestions": [], "why": 'There is no region called "nowhere".'},
    )


def test_a_region_is_not_in_use_since_a_day_that_the_clock_has_not_reached(
    client: FlaskClient, website: Website
) -> None:
    here = website.installation
    for days, is_said in ((-1, True), (200, False)):
        built = here.clock.now() + timedelta(days=days)
        with open_store(here.database) as store:
            store.save_region(name="helsinki", build="b", facts={}, built_at=built)
        assert ("In use since" in client.get("/regions").text) == is_said


@pytest.mark.parametrize(
    ("typed", "chip", "taken"),
    [
        ("Fabianinkatu 9999", "only roughly", "Fabianinkatu"),
        ("Fabianinkatu", "only the street", "Fabianinkatu"),
        ("Roobertinkatu 3", "several places fit", "Roobertinkatu"),
    ],
)
def test_an_address_that_is_not_sure_is_answered_with_what_was_taken_for_it(
    client: FlaskClient, typed: str, chip: str, taken: str
) -> None:
    for question in ({"from": typed, "to": STATION}, {"from": STATION, "to": typed}, {"ask": "area", "from": typed}):
        page = client.get("/regions/helsinki", query_string=question).text
        said = re.search(r'class="say late doubt".*?</div></div>', page, re.DOTALL)
        assert said, question
        assert "Answered for:" in said[0]
        assert f'<span class="chip waiting">{chip}</span>' in said[0]
        assert taken in said[0]
        assert ("To: " if question.get("to") == typed else "From: ") in said[0]
        assert "km²" in page if "ask" in question else "through the air, no roads" in page
    assert "doubt" not in client.get("/regions/helsinki", query_string={"from": SQUARE, "to": "Fabianinkatu 29"}).text


def test_another_place_that_fits_is_one_press_away_and_keeps_the_rest_of_the_question(client: FlaskClient) -> None:
    asked = {"from": "Roobertinkatu 3", "to": STATION, "profile": "car"}
    page = client.get("/regions/helsinki", query_string=asked).text
    choices = re.search(r'<ul class="doubt-choices">(.*?)</ul>', page, re.DOTALL)
    assert choices
    link = re.search(r'<a href="([^"]+)">([^<]+)</a>', choices[1])
    assert link
    chosen = client.get(html.unescape(link[1])).text
    assert 'class="say late doubt"' not in chosen
    assert STATION in chosen
    assert link[2].split(",")[0] in chosen


def test_an_address_of_another_city_is_not_answered_for_the_same_name_here(client: FlaskClient) -> None:
    page = client.get("/regions/helsinki", query_string={"from": "Fabianinkatu 29, Tampere", "to": STATION}).text
    assert "Nothing is answered for it" in page
    assert "through the air, no roads" not in page
    assert "Now the place it goes to" not in page
    assert "Fabianinkatu 27-29, 00100 Helsinki</a>" in page


@pytest.fixture
def broken(website: Website, regions: Path) -> Path:
    """The folder of regions with a second one that was chosen as the default, and whose facts cannot be read."""
    home = website.installation.home / "regions"
    home.unlink()
    home.mkdir()
    (home / "helsinki").symlink_to(regions / "helsinki", target_is_directory=True)
    (home / "ribe").mkdir()
    (home / "ribe" / "region.json").write_text('{"name": "ribe", "bui')
    (home / ".default").write_text("ribe\n")
    return home


def test_one_broken_region_is_told_beside_those_that_work_and_can_be_built_again(
    client: FlaskClient, broken: Path, website: Website
) -> None:
    page = client.get("/regions")
    assert page.status_code == 200
    assert "The region.json of region &#34;ribe&#34; cannot be read" in page.text
    assert "585" in page.text, "The region that works is shown."
    section = re.search(r'<section class="broken-region".*?</section>', page.text, re.DOTALL)
    assert section
    assert '<input type="hidden" name="name" value="ribe">' in section[0]
    assert "when none is named" in section[0]
    status, refused = build(client, name="ribe")
    assert (status, refused.count("Say from what it is built")) == (422, 1)
    build(client, name="ribe", place="Ribe, Denmark")
    assert jobs(website) == 1
    assert "ribe is being built" in client.get("/regions").text
    # Asked by its own address it says so too.
    assert "cannot be read" in client.get("/regions/ribe").text


def test_a_broken_default_region_suggests_nothing_and_says_why(client: FlaskClient, broken: Path) -> None:
    for query in ({"q": "fabian"}, {"q": "fabian", "region": "ribe"}):
        found = client.get("/addresses/suggest", query_string=query)
        assert found.status_code == 200
        assert found.json["suggestions"] == []  # type: ignore[index]
        assert 'The region.json of region "ribe" cannot be read' in found.json["why"]  # type: ignore[index]
    there = client.get("/addresses/suggest", query_string={"q": "fabian", "region": "helsinki"}).json
    assert there["suggestions"]  # type: ignore[index]
    assert there["why"] == ""  # type: ignore[index]
    for page in ("/addresses", "/board", "/today"):
        assert client.get(page, follow_redirects=True).status_code in (200, 404), page
