"""The provider behind the gazetteer, on a server of this machine that answers as the real ones do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from data import tables
from routing.engines.addresses.providers import FinderWithProvider, Provider, ProviderFailed, ProviderSettings, judged
from routing.model.places import Bounds, Candidate, Located, PinQuality
from routing.rules.provider_terms import TERMS
from tests.address_region import an_address_region
from web.cli import main
from web.wiring import open_installation

KEY = "s3cr3t-k3y"
BOUNDS = Bounds(south=60.16, west=24.93, north=60.18, east=24.96)
LAT, LON = 60.17, 24.945


def nominatim(lat: float, lon: float) -> Any:
    return [{"lat": str(lat), "lon": str(lon), "display_name": "Kiosk, Back Yard 7, Helsinki"}]


def features(lat: float, lon: float) -> Any:
    properties = {"label": "Back Yard 7, Helsinki", "name": "Back Yard 7"}
    return {"features": [{"geometry": {"coordinates": [lon, lat]}, "properties": properties}]}


def google(lat: float, lon: float) -> Any:
    place = {"formatted_address": "Back Yard 7, Helsinki", "geometry": {"location": {"lat": lat, "lng": lon}}}
    return {"status": "OK", "results": [place]}


def here(lat: float, lon: float) -> Any:
    return {"items": [{"title": "Back Yard 7, Helsinki", "position": {"lat": lat, "lng": lon}}]}


def opencage(lat: float, lon: float) -> Any:
    place = {"formatted": "Back Yard 7, Helsinki", "geometry": {"lat": lat, "lng": lon}}
    return {"status": {"code": 200, "message": "OK"}, "results": [place]}


ANSWERS = {
    "nominatim": nominatim, "photon": features, "pelias": features,
    "opencage": opencage, "google": google, "here": here,
}  # fmt: skip


@dataclass
class Server:
    """Answers every question with `body`, `status` and `headers`, after waiting for `gate` when there is one."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    gate: threading.Event | None = None
    asked: list[tuple[str, dict[str, list[str]], str]] = field(default_factory=list)
    domain: str = ""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            made.asked.append((parts.path, parse_qs(parts.query), self.headers["User-Agent"] or ""))
            if made.gate is not None:
                made.gate.wait(10)
            body = made.body if isinstance(made.body, bytes) else json.dumps(made.body).encode()
            try:
                self.send_response(made.status)
                for name, value in {"Content-Type": "application/json", **made.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass  # who asked did not wait

        def log_message(self, *_: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.domain = f"127.0.0.1:{listening.server_port}"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    if made.gate is not None:
        made.gate.set()
    listening.shutdown()
    listening.server_close()
    thread.join(timeout=5)


class Clock:
    def __init__(self) -> None:
        self.at, self.slept = 0.0, []  # type: tuple[float, list[float]]  # type: ignore[assignment]

    def __call__(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


def provider(server: Server, name: str, clock: Clock | None = None, timeout_s: float = 5.0) -> Provider:
    settings = ProviderSettings(name=name, domain=server.domain, scheme="http", contact="me@example.com", key=KEY)
    clock = clock or Clock()
    return Provider(settings, clock=clock, sleep=clock.sleep, timeout_s=timeout_s)


@pytest.mark.parametrize("name", list(TERMS))
def test_each_provider_is_read_and_is_never_sure(server: Server, name: str) -> None:
    server.body = ANSWERS[name](LAT, LON)
    (found,) = provider(server, name).ask("Back Yard 7, Helsinki")
    assert (found.location.lat, found.location.lon, found.source) == (LAT, LON, name)
    assert "Back Yard 7" in found.label
    assert not found.quality.goes_on
    (_, query, agent) = server.asked[0]
    assert "me@example.com" in agent
    assert "Back Yard 7, Helsinki" in [value for values in query.values() for value in values]


def test_a_place_outside_the_region_is_called_so(server: Server) -> None:
    server.body = nominatim(59.3, 18.0)
    found = provider(server, "nominatim").ask("Storgatan 1")
    assert [each.quality.value for each in judged(found, BOUNDS)] == ["outside"]


class Kept(dict[tuple[str, str], tuple[Candidate, ...]]):
    """Keeps answers in memory."""

    def kept_answer(self, provider: str, address_key: str) -> tuple[Candidate, ...] | None:
        return self.get((provider, address_key))

    def keep_answer(self, provider: str, address_key: str, candidates: Sequence[Candidate]) -> None:
        self[provider, address_key] = tuple(candidates)


def test_a_kept_answer_is_judged_by_the_region_as_it_is_now(server: Server) -> None:
    server.body, answers = nominatim(59.3, 18.0), Kept()
    sweden = Bounds(south=59.0, west=17.0, north=60.0, east=19.0)
    asked = provider(server, "nominatim")
    qualities = []
    for bounds in (BOUNDS, sweden, BOUNDS):
        region: Any = SimpleNamespace(
            locate=lambda *_, **__: Located(quality=PinQuality.NOT_FOUND, candidates=(), why="Not known."),
            geocoder=SimpleNamespace(gazetteer=SimpleNamespace(coverage=SimpleNamespace(bounds=bounds))),
        )
        qualities.append(FinderWithProvider(region, asked, answers).locate("Back Yard 7").quality.value)
    assert qualities == ["not_found", "approximate", "not_found"]
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("photon", {"features": [{"geometry": {}, "properties": {}}]}),
        ("photon", {"features": 7}),
        ("nominatim", [{"lat": "north", "lon": "24.9", "display_name": "x"}]),
        ("nominatim", [None]),
        ("here", {"items": [{"title": "x"}]}),
        ("google", ["odd"]),
        ("opencage", "odd"),
    ],
)
def test_an_answer_that_cannot_be_read_is_none(server: Server, name: str, body: Any) -> None:
    server.body = body
    with pytest.raises(ProviderFailed) as failed:
        provider(server, name).ask("Back Yard 7")
    assert KEY not in f"{failed.value!r}{failed.value.__cause__!r}"


@pytest.mark.filterwarnings("ignore:Latitude normalization")  # geopy's, before it refuses the place
@pytest.mark.parametrize("name", list(ANSWERS))
def test_a_place_that_is_not_on_earth_is_no_answer(server: Server, name: str) -> None:
    server.body = ANSWERS[name](91.5, LON)
    with pytest.raises(ProviderFailed, match="cannot be read"):
        provider(server, name).ask("Back Yard 7")


def test_a_public_server_is_asked_once_a_second_at_most(server: Server) -> None:
    server.body, clock = nominatim(LAT, LON), Clock()
    asked = provider(server, "nominatim", clock)
    for number in range(3):
        asked.ask(f"Back Yard {number}")
    assert clock.slept == [1.0, 1.0]


@pytest.mark.parametrize(
    ("name", "status", "body", "headers", "words"),
    [
        ("nominatim", 429, b"slow down", {"Retry-After": "120"}, "asked too often"),
        ("nominatim", 403, b"blocked", {}, "does not accept the key"),
        ("nominatim", 502, b"down", {}, "could not be asked"),
        ("nominatim", 504, b"late", {}, "took too long"),
        ("nominatim", 200, b"<html>no json", {}, "could not be asked"),
        ("photon", 500, b"", {}, "could not be asked"),
        ("google", 200, {"status": "REQUEST_DENIED", "results": []}, {}, "could not be asked"),
        ("google", 200, {"status": "OVER_QUERY_LIMIT", "results": []}, {}, "no more questions"),
        ("here", 401, {"error": "Unauthorized"}, {}, "does not accept the key"),
        ("opencage", 402, {"status": {"code": 402, "message": "quota exceeded"}}, {}, "no more questions"),
    ],
)
def test_a_failure_is_one_sentence_without_the_key_and_the_provider_is_left_alone(
    server: Server, name: str, status: int, body: Any, headers: dict[str, str], words: str
) -> None:
    server.status, server.body, server.headers = status, body, headers
    clock = Clock()
    asked = provider(server, name, clock)
    for _ in range(2):
        with pytest.raises(ProviderFailed) as failed:
            asked.ask("Back Yard 7")
        assert words in str(failed.value)
        assert KEY not in f"{failed.value!r}{failed.value.__cause__!r}"
    assert len(server.asked) == 1
    server.status, server.body, server.headers = 200, ANSWERS[name](LAT, LON), {}
    clock.at += 121
    assert asked.ask("Back Yard 7")


def test_a_provider_that_does_not_answer_is_not_waited_for(server: Server) -> None:
    server.body, server.gate = nominatim(LAT, LON), threading.Event()
    with pytest.raises(ProviderFailed, match="took too long"):
        provider(server, "nominatim", timeout_s=0.2).ask("Back Yard 7")


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_provider_that_trickles_is_not_waited_for(part: str) -> None:
    """Each byte is in time, and all of them would never be."""
    stopped = threading.Event()

    class Trickling(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(OSError):
                self.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if part == "body" else b"X-Y: "))
                while not stopped.wait(0.05):
                    self.wfile.write(b" ")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Trickling) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        slow = provider(Server(domain=f"127.0.0.1:{listening.server_port}"), "nominatim", timeout_s=0.3)
        try:
            with pytest.raises(ProviderFailed, match="took too long"):
                slow.ask("Back Yard 7")
        finally:
            stopped.set()
            listening.shutdown()
    thread.join(timeout=5)


@pytest.mark.parametrize("body", [b"[" * 200_000, b" " * 2_000_001 + b"[]"])
def test_an_answer_too_deep_or_too_long_is_none(server: Server, body: bytes) -> None:
    server.body = body
    with pytest.raises(ProviderFailed):
        provider(server, "nominatim").ask("Back Yard 7")


def test_a_provider_leads_to_no_other_server(server: Server) -> None:
    server.status, server.headers = 302, {"Location": "http://localhost:1/secret"}
    with pytest.raises(ProviderFailed, match="could not be asked"):
        provider(server, "nominatim").ask("Back Yard 7")
    server.headers = {"Location": f"http://{server.domain.replace('127.0.0.1', 'localhost')}/secret"}
    with pytest.raises(ProviderFailed, match="could not be asked"):
        provider(server, "nominatim").ask("Back Yard 7")
    assert all(path != "/secret" for path, _, _ in server.asked)


def test_a_provider_is_left_alone_for_an_hour_at_most(server: Server) -> None:
    server.status, server.headers = 429, {"Retry-After": "2000000000"}
    clock = Clock()
    asked = provider(server, "nominatim", clock)
    with pytest.raises(ProviderFailed, match="asked too often"):
        asked.ask("Back Yard 7")
    server.status, server.body, server.headers = 200, nominatim(LAT, LON), {}
    clock.at += 3601
    assert asked.ask("Back Yard 7")


def test_a_provider_that_is_not_there_is_said_so() -> None:
    gone = Server(domain="127.0.0.1:9")
    with pytest.raises(ProviderFailed, match="could not be asked"):
        provider(gone, "nominatim").ask("Back Yard 7")


# ---------------------------------------------------------------------------- from the command line


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    an_address_region(tmp_path / "home")
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BACKROUTE_GEOCODER_KEY", KEY)
    return tmp_path / "home"


def kept(home: Path) -> list[Any]:
    with open_installation(home) as installation, installation.database.reading() as connection:
        return list(connection.execute(select(tables.geocode_answer)).all())


def use(name: str, server: Server) -> None:
    done = run("geocoder", "--provider", name, "--domain", server.domain, "--scheme", "http", "--json")
    assert done.exit_code == 0, done.output
    assert KEY not in done.output


def test_nobody_is_asked_until_a_provider_is_named_nor_for_what_the_map_knows(home: Path, server: Server) -> None:
    server.body = nominatim(LAT, LON)
    assert json.loads(run("address", "Back Yard 7", "--json").stdout)["quality"] == "not_found"
    assert server.asked == []
    use("nominatim", server)
    for text in ("Aleksanterinkatu 15", "Roobertinkatu 3", "60.17, 24.94", "Fabianinkatu 29, Tampere", "x", "29"):
        run("address", text)
    assert server.asked == []
    document = json.loads(run("address", "Back Yard 7, Helsinki", "--json").stdout)
    assert (document["quality"], document["goes_on"]) == ("approximate", False)
    assert document["candidates"][0]["source"] == "nominatim"
    assert "Nominatim says Kiosk, Back Yard 7, Helsinki." in document["why"]
    assert run("geocoder", "--provider", "none").exit_code == 0
    assert json.loads(run("address", "Back Yard 8", "--json").stdout)["quality"] == "not_found"
    assert len(server.asked) == 1


def test_an_answer_is_kept_with_its_date_and_one_that_may_not_be_kept_is_not(home: Path, server: Server) -> None:
    server.body = nominatim(LAT, LON)
    use("nominatim", server)
    first, second = (json.loads(run("address", text, "--json").stdout) for text in ("Back Yard 7", "BACK  YARD 7"))
    assert first["candidates"] == second["candidates"]
    assert len(server.asked) == 1
    (row,) = kept(home)
    assert (row.provider, (row.keep_until - row.at).days) == ("nominatim", 180)
    server.body = google(LAT, LON)
    use("google", server)
    for _ in range(2):
        assert json.loads(run("address", "Back Yard 7", "--json").stdout)["candidates"][0]["source"] == "google"
    assert len(server.asked) == 3
    assert [each.provider for each in kept(home)] == ["nominatim"]


def test_without_its_answer_the_maps_own_stands_with_the_reason(home: Path, server: Server) -> None:
    server.status, server.body = 503, b"down"
    use("here", server)
    done = run("address", "Back Yard 7", "--json")
    document = json.loads(done.stdout)
    assert (done.exit_code, document["quality"]) == (1, "not_found")
    assert document["why"].endswith("HERE took too long to answer.")
    assert KEY not in done.output
    assert kept(home) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--provider", "nominatim"), "asks who its users are"),
        (("--provider", "pelias"), "name it with --domain"),
        (("--provider", "photon", "--contact", "nobody"), "is no e-mail address"),
        (("--provider", "photon", "--domain", "http://x/?key=1"), "Write --domain x --scheme http."),
        (("--provider", "photon", "--domain", "ftp://geo.example.com"), "with --scheme https or http"),
        (("--provider", "photon", "--domain", "geo example.com"), "is no host: it has a space"),
        (("--provider", "photon", "--domain", "geo.example.com/api"), "Write --domain geo.example.com."),
        (("--provider", "photon", "--domain", "geo..example.com"), "parts with a dot between them"),
        (("--provider", "photon", "--domain", "geo.example.com:0"), "its port is not one of 1 to 65535"),
        (("--provider", "photon", "--domain", "me:pw@geo.example.com"), "it has a name or password in it"),
        (("--test", "Back Yard 7"), "There is nobody to ask"),
        (("--contact", "me@example.com"), "Name the provider too"),
    ],
)
def test_a_provider_that_could_not_be_asked_is_refused_and_nothing_changes(
    home: Path, words: tuple[str, ...], sentence: str
) -> None:
    done = run("geocoder", *words)
    assert done.exit_code == 2
    assert sentence in done.output
    assert json.loads(run("geocoder", "--json").stdout) == {"provider": "none"}


def test_a_provider_is_tried_at_once_and_nothing_of_it_is_kept(home: Path, server: Server) -> None:
    server.body = nominatim(LAT, LON)
    use("nominatim", server)
    tried = run("geocoder", "--test", "Back Yard 7, Helsinki", "--json")
    assert tried.exit_code == 0
    assert [each["label"] for each in json.loads(tried.stdout)["found"]] == ["Kiosk, Back Yard 7, Helsinki"]
    assert kept(home) == []
    server.body = []
    assert run("geocoder", "--test", "Nowhere 1").exit_code == 1
    server.status = 503
    failed = run("geocoder", "--test", "Back Yard 7")
    assert (failed.exit_code, f"Its address is {server.domain}" in failed.output) == (3, True)
