from __future__ import annotations

import gzip
import random
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import osmium
import osmnx
import pytest

from routing.engines.roads import overpass
from routing.engines.roads.build import build_osrm
from routing.engines.roads.extract import normalise
from routing.engines.roads.osrm_worker import blocks, open_engine
from routing.engines.roads.overpass import Fetched, OsmServers, fetch_place, find_place
from routing.errors import BackrouteError, Cancelled
from tests.osm_server import SLOTS, OsmServer, Reply, hang, osm_server

TOWN = "Helsinki, Finland"


def quiet(step: str, share: float) -> None:
    pass


@pytest.fixture(scope="module")
def one_server(helsinki) -> Iterator[OsmServer]:
    with osm_server(helsinki.directory / "region.osm.pbf") as server:
        yield server


@pytest.fixture
def server(one_server: OsmServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[OsmServer]:
    """The server, which forgets what it was asked, and Nominatim's obligatory second passes at once."""
    monkeypatch.setattr(osmnx._nominatim, "time", SimpleNamespace(sleep=lambda _s: None))
    one_server.asked.clear()
    one_server.questions.clear()
    yield one_server
    one_server.misbehave = lambda _path, _question: None
    one_server.drip_s = 0.0


def servers(server: OsmServer) -> OsmServers:
    return OsmServers(overpass_url=server.overpass_url, nominatim_url=server.nominatim_url, timeout_s=20)


def fetch(server: OsmServer, folder: Path, place: str = TOWN, *, told=quiet, slept=lambda _s: None, at=None) -> Fetched:
    folder.mkdir(exist_ok=True)
    at = at or servers(server)
    outline = find_place(place, at, cache=folder / "cache", tell=told, sleep=slept)
    return fetch_place(outline, folder / "place.osm.pbf", at, cache=folder / "cache", tell=told, sleep=slept)


def refused(server: OsmServer, folder: Path, place: str = TOWN, *, at: OsmServers | None = None) -> str:
    with pytest.raises(BackrouteError) as refusal:
        fetch(server, folder, place, at=at)
    assert not (folder / "place.osm.pbf").exists()
    assert not list(folder.glob("pieces-*"))
    return str(refusal.value)


def things(pbf: Path) -> list[tuple[str, int]]:
    return [(thing.type_str(), thing.id) for thing in osmium.FileProcessor(str(pbf))]


def test_a_place_by_name_has_the_same_roads_restrictions_and_addresses_as_its_extract(server, helsinki, tmp_path):
    fetched = fetch(server, tmp_path)
    assert fetched.found == TOWN
    assert fetched.pieces == 1
    extract = normalise(tmp_path / "place.osm.pbf", tmp_path / "region.osm.pbf")
    assert extract.clipped_ways == 0
    # The extract names one whose roads were all left outside.
    assert extract.restrictions == helsinki.facts.restrictions - 1 == 44
    assert extract.addresses == helsinki.facts.addresses
    assert extract.drivable_km == helsinki.facts.drivable_km
    build_osrm(tmp_path / "region.osm.pbf", tmp_path, "car")
    dice = random.Random(4)
    doors = [(dice.uniform(24.938, 24.950), dice.uniform(60.166, 60.174)) for _ in range(60)]
    all_of_them = np.arange(len(doors))
    by_name, by_file = (
        next(blocks(open_engine(folder, "car"), doors, 500.0, all_of_them, all_of_them))
        for folder in (tmp_path, helsinki.directory)
    )
    for of_place, of_extract in zip(by_name, by_file, strict=True):
        assert np.array_equal(of_place, of_extract)


def test_a_place_fetched_in_pieces_is_the_place_fetched_at_once(server, tmp_path, monkeypatch):
    fetch(server, tmp_path / "whole")
    monkeypatch.setattr(overpass, "_PIECE_KM2", 1.0)
    fetched = fetch(server, tmp_path / "pieces")
    assert fetched.pieces > 4
    at_once = things(tmp_path / "whole" / "place.osm.pbf")
    assert things(tmp_path / "pieces" / "place.osm.pbf") == at_once
    assert len(set(at_once)) == len(at_once)
    assert at_once == sorted(at_once, key=lambda thing: ("nwr".index(thing[0]), thing[1]))


def test_the_server_is_asked_for_a_free_slot_before_each_question_and_knows_who_asks(server, tmp_path):
    fetch(server, tmp_path)
    assert server.asked == ["/nominatim/search", "/api/status", "/api/interpreter"]
    assert osmnx.settings.overpass_url == overpass.OVERPASS_URL
    assert osmnx.settings.requests_kwargs == {}
    # What was answered once is kept, and nobody is asked again.
    fetch(server, tmp_path)
    assert len(server.asked) == 3


def test_a_slot_that_is_free_later_is_waited_for(server, tmp_path):
    soon = (datetime.now(UTC) + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    full = f"Connected as: 1\nnow\nnone\nRate limit: 1\nSlot available after: {soon}, in 30 seconds.\n".encode()
    server.misbehave = lambda path, _: (200, {}, full) if path.endswith("status") else None
    slept: list[float] = []
    fetch(server, tmp_path, slept=slept.append)
    assert 20 < len(slept) <= 30


@pytest.mark.parametrize(("status", "headers"), [(429, {}), (504, {}), (429, {"Retry-After": "40"})])
def test_a_busy_server_is_waited_for_as_long_as_it_asks(server, tmp_path, status, headers):
    busy = [(status, headers, b"busy")] * 2
    server.misbehave = lambda path, _: busy.pop() if busy and path.endswith("interpreter") else None
    told: list[str] = []
    slept: list[float] = []
    fetch(server, tmp_path, told=lambda step, _share: told.append(step), slept=slept.append)
    assert (tmp_path / "place.osm.pbf").is_file()
    assert len(slept) == (80 if headers else 15 + 30)
    assert told.count("wait for Overpass") == len(slept)


def test_a_server_that_stays_busy_is_given_up_and_the_next_run_asks_only_for_what_is_missing(
    server, tmp_path, monkeypatch
):
    monkeypatch.setattr(overpass, "_PIECE_KM2", 1.0)
    server.misbehave = lambda path, _: (
        (429, {}, b"busy") if path.endswith("interpreter") and len(server.questions) == 3 else None
    )
    said = refused(server, tmp_path)
    assert re.search(r"did not answer after 5 tries \(429 .*What was fetched is kept", said)
    server.misbehave = lambda _path, _question: None
    before = len(server.questions)
    pieces = fetch(server, tmp_path).pieces
    assert len(server.questions) == pieces
    assert before == 3
    assert len(set(server.questions)) == pieces


def test_a_wait_can_be_stopped(server, tmp_path):
    server.misbehave = lambda path, _: (429, {}, b"busy") if path.endswith("interpreter") else None

    def stop(step: str, share: float) -> None:
        if step.startswith("wait"):
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        fetch(server, tmp_path, told=stop)


def test_a_server_that_is_too_slow_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(overpass, "_WAITS_S", (1.0,))
    server.misbehave = lambda path, _: hang(0.6) if path.endswith("interpreter") else None
    said = refused(server, tmp_path, at=replace(servers(server), timeout_s=0.2))
    assert "did not answer after 2 tries (it was too slow)" in said


def test_a_piece_on_which_the_server_runs_out_of_time_is_asked_again_in_quarters(server, tmp_path, monkeypatch):
    fetch(server, tmp_path / "whole")
    remark = b'{"elements": [], "remark": "runtime error: Query timed out in \\"query\\" at line 1 after 181 seconds."}'
    late = [(200, {}, remark)]
    server.misbehave = lambda path, _: late.pop() if late and path.endswith("interpreter") else None
    monkeypatch.setattr(overpass, "_PIECE_KM2", 8.0)
    assert fetch(server, tmp_path / "quarters").pieces > 1
    assert things(tmp_path / "quarters" / "place.osm.pbf") == things(tmp_path / "whole" / "place.osm.pbf")


def test_a_server_that_runs_out_of_time_on_the_smallest_piece_is_given_up(server, tmp_path):
    remark = b'{"elements": [], "remark": "runtime error: out of memory"}'
    server.misbehave = lambda path, _: (200, {}, remark) if path.endswith("interpreter") else None
    assert "gave up even on a small piece: runtime error: out of memory" in refused(server, tmp_path)


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        ((200, {}, b"<html>Welcome to the hotel's network</html>"), "answered something that is no answer"),
        ((400, {}, b"<html>static error: parse error</html>"), "refused the question"),
        ((200, {}, b'{"hello": 1}'), "answered something that is no answer"),
        ((200, {}, b'{"elements": [{"type": "node", "id": 1}]}'), "answered something that is no answer"),
        ((200, {}, b'{"elements": [7]}'), "answered something that is no answer"),
    ],
)
def test_an_overpass_that_answers_nonsense_is_refused_by_name(server, tmp_path, reply, sentence):
    server.misbehave = lambda path, _: reply if path.endswith("interpreter") else None
    said = refused(server, tmp_path)
    assert sentence in said
    assert f"Overpass at {server.overpass_url}" in said


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        ((200, {}, b"<html>Welcome to the hotel's network</html>"), "no place with an outline"),
        ((403, {}, b"<html>Blocked</html>"), "refused the question"),
        ((200, {}, b'[{"display_name": "half"}]'), "answered something that is no answer"),
    ],
)
def test_a_nominatim_that_answers_nonsense_is_refused(server, tmp_path, reply, sentence):
    server.misbehave = lambda path, _: reply if path.endswith("search") else None
    assert sentence in refused(server, tmp_path)


def test_a_server_that_is_not_there_is_named(server, tmp_path):
    nowhere = replace(servers(server), overpass_url="http://127.0.0.1:9/api")
    assert "http://127.0.0.1:9/api cannot be reached (ConnectionError)" in refused(server, tmp_path, at=nowhere)


@pytest.mark.parametrize("place", ["Atlantis", "Point, Finland"])
def test_a_place_without_an_outline_is_refused_with_what_to_do(server, tmp_path, place):
    assert f'no place with an outline called "{place}". Say the country too' in refused(server, tmp_path, place)


def test_a_place_too_large_to_be_fetched_politely_is_refused_before_anything_is_fetched(server, tmp_path):
    assert re.search(r'"Europe" covers [\d,]+ km².*--pbf FILE', refused(server, tmp_path, "Europe"))
    assert server.questions == []


@pytest.mark.parametrize("place", ["", "   ", "x" * 201, "Ribe\x00"])
def test_a_place_that_is_no_name_is_refused_unasked(server, tmp_path, place):
    assert "A place is a name" in refused(server, tmp_path, place)
    assert server.asked == []


def test_a_cache_that_a_kill_cut_short_is_fetched_again(server, tmp_path):
    fetch(server, tmp_path)
    for file in (tmp_path / "cache").glob("*.json"):
        file.write_text(file.read_text()[:100])
    assert fetch(server, tmp_path).pieces == 1


@pytest.mark.parametrize("who", ["search", "status", "interpreter"])
def test_an_answer_without_an_end_is_given_up_before_it_fills_the_memory(server, tmp_path, monkeypatch, who):
    monkeypatch.setattr(overpass, "_MOST_BYTES", 200_000)
    packed = gzip.compress(b"[" + b" " * 30_000_000)
    assert len(packed) < 200_000
    server.misbehave = lambda path, _: (200, {"Content-Encoding": "gzip"}, packed) if path.endswith(who) else None
    assert "more than 0.2 MB" in refused(server, tmp_path)


def drip(server: OsmServer, who: str) -> None:
    """From this question on the server sends a byte now and then."""

    def reply(path: str, _: str) -> Reply | None:
        if not path.endswith(who):
            return None
        server.drip_s = 0.05
        return 200, {}, b" " * 200

    server.misbehave = reply


@pytest.mark.parametrize("who", ["search", "status", "interpreter"])
def test_an_answer_that_comes_byte_by_byte_is_given_up(server, tmp_path, monkeypatch, who):
    monkeypatch.setattr(overpass, "_WAITS_S", ())
    monkeypatch.setattr(overpass, "_LONGEST_ANSWER_S", 0.3)
    drip(server, who)
    assert "it was too slow" in refused(server, tmp_path)


def test_a_slow_answer_can_be_stopped(server, tmp_path):
    drip(server, "interpreter")
    told: list[str] = []

    def stop(step: str, share: float) -> None:
        told.append(step)
        if told.count("fetch the map") > 2:
            raise Cancelled("Stopped.")

    started = time.monotonic()
    with pytest.raises(Cancelled):
        fetch(server, tmp_path, told=stop)
    assert time.monotonic() - started < 8


@pytest.mark.parametrize("who", ["search", "status", "interpreter"])
@pytest.mark.parametrize("to", ["http://localhost:9/inside", "file:///etc/passwd", "http://169.254.169.254/latest"])
def test_a_server_that_sends_on_to_another_is_refused(server, tmp_path, who, to):
    """The other may stand in the network that this machine stands in."""
    server.misbehave = lambda path, _: (302, {"Location": to}, b"") if path.endswith(who) else None
    assert "sends on to another server" in refused(server, tmp_path)


def test_a_server_that_sends_on_to_itself_is_followed(server, tmp_path):
    moved = 307, {"Location": f"{server.url}/new/search?q=Helsinki%2C+Finland"}, b""
    server.misbehave = lambda path, _: moved if "/nominatim/" in path else None
    assert fetch(server, tmp_path).pieces == 1


@pytest.mark.parametrize("line", ["Slot", "Slot available after: soon, in 5 seconds.", "Slot available after: "])
def test_a_status_that_cannot_be_read_is_no_reason_to_give_up(server, tmp_path, line):
    status = SLOTS.replace("2 slots available now.", line).encode()
    server.misbehave = lambda path, _: (200, {}, status) if path.endswith("status") else None
    assert fetch(server, tmp_path).pieces == 1


def test_a_server_whose_slots_stay_taken_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(overpass, "_WAITS_S", (1.0,))
    status = SLOTS.replace("2 slots available now.", "Currently running queries (pid, space limit):").encode()
    server.misbehave = lambda path, _: (200, {}, status) if path.endswith("status") else None
    assert "did not answer after 2 tries (its slots are taken)" in refused(server, tmp_path)
