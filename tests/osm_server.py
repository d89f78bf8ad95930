"""A server on loopback that answers as Overpass and Nominatim do, from an extract. Tests can make it misbehave."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import osmium
import shapely

Reply = tuple[int, dict[str, str], bytes]
_STATEMENT = re.compile(r'(nwr|node|way|rel)((?:\[[^\]]*\])+)\(poly:"([^"]+)"\)')
_FILTER = re.compile(r'\[(~?)"([^"]+)"(?:(=|~)"([^"]*)")?\]')
SLOTS = "Connected as: 1\nCurrent time: now\nAnnounced endpoint: none\nRate limit: 2\n2 slots available now.\n"


@dataclass(slots=True)
class OsmServer:
    """`misbehave` is asked first, with the path and the question; None lets the server answer as it should. `drip_s`:
    so long it waits before each byte that it sends."""

    url: str
    elements: list[dict[str, Any]]
    places: dict[str, dict[str, Any]]
    misbehave: Callable[[str, str], Reply | None] = lambda _path, _question: None
    dated: str = "2026-05-04T03:00:00Z"
    drip_s: float = 0.0
    asked: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    @property
    def overpass_url(self) -> str:
        return f"{self.url}/api"

    @property
    def nominatim_url(self) -> str:
        return f"{self.url}/nominatim/"

    def reply(self, path: str, question: str) -> Reply:
        self.asked.append(path)
        wrong = self.misbehave(path, question)
        if wrong is not None:
            return wrong
        if path.endswith("/status"):
            return 200, {}, SLOTS.encode()
        if path.endswith("/search"):
            found = self.places.get(question)
            return _json([found] if found else [])
        self.questions.append(question)
        return _json({"version": 0.6, "osm3s": {"timestamp_osm_base": self.dated}, "elements": self._answer(question)})

    def _answer(self, question: str) -> list[dict[str, Any]]:
        statements = [
            (kind, _FILTER.findall(filters), _polygon(corners))
            for kind, filters, corners in _STATEMENT.findall(question)
        ]
        area = statements[0][2]
        assert all(each[2].equals(area) for each in statements)
        shapely.prepare(area)
        nodes = {each["id"]: each for each in self.elements if each["type"] == "node"}
        inside = {ref for ref, node in nodes.items() if shapely.contains_xy(area, node["lon"], node["lat"])}
        ways = {each["id"]: each for each in self.elements if each["type"] == "way"}
        here = {ref for ref, way in ways.items() if not inside.isdisjoint(way["nodes"])}
        relations = {each["id"]: each for each in self.elements if each["type"] == "relation"}
        near = {
            ref
            for ref, relation in relations.items()
            if any(_in(member, inside, here) for member in relation["members"])
        }
        known = {"node": (nodes, inside), "way": (ways, here), "rel": (relations, near)}
        chosen: dict[str, set[int]] = {"node": set(), "way": set(), "rel": set()}
        for kind, filters, _ in statements:
            for each in ("node", "way", "rel") if kind == "nwr" else (kind,):
                things, where = known[each]
                chosen[each] |= {ref for ref in where if things[ref]["tags"] and _fits(things[ref]["tags"], filters)}
        if 'rel(bw.roads)["type"~"^restriction"]' in question:
            roads = {ref for ref in chosen["way"] if "highway" in ways[ref].get("tags", {})}
            chosen["rel"] |= {
                ref
                for ref, relation in relations.items()
                if relation.get("tags", {}).get("type", "").startswith("restriction")
                and any(member["type"] == "way" and member["ref"] in roads for member in relation["members"])
            }
        assert question.endswith("(._;>;);out body qt;")
        for ref in chosen["rel"]:
            for member in relations[ref]["members"]:
                chosen["way"] |= {member["ref"]} & ways.keys() if member["type"] == "way" else set()
                chosen["node"] |= {member["ref"]} & nodes.keys() if member["type"] == "node" else set()
        for ref in chosen["way"]:
            chosen["node"] |= set(ways[ref]["nodes"])
        return [known[kind][0][ref] for kind in ("rel", "way", "node") for ref in sorted(chosen[kind], reverse=True)]


@contextmanager
def osm_server(extract: Path, *, town: str = "Helsinki, Finland") -> Iterator[OsmServer]:
    """Serves the normalised extract; it knows the town as the box of the extract, and "Point, Finland" as a point."""
    elements, box = _read(extract)
    west, south, east, north = box
    inner = shapely.box(west, south, east, north)
    server = OsmServer(
        url="",
        elements=elements,
        places={
            town: _place(town, shapely.geometry.mapping(inner), inner.bounds),
            "Point, Finland": _place("Point, Finland", {"type": "Point", "coordinates": [west, south]}, inner.bounds),
            "Europe": _place("Europe", shapely.geometry.mapping(shapely.box(0, 40, 10, 50)), (0, 40, 10, 50)),
        },
    )
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def hang(seconds: float) -> Reply:
    """What a server that is too slow answers in the end."""
    threading.Event().wait(seconds)
    return 200, {}, b"{}"


def _handler(server: OsmServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            at = urlsplit(self.path)
            self._send(server.reply(at.path, parse_qs(at.query).get("q", [""])[0]))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._send(server.reply(urlsplit(self.path).path, parse_qs(body)["data"][0]))

        def _send(self, reply: Reply) -> None:
            status, headers, body = reply
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if not server.drip_s:
                    self.wfile.write(body)
                    return
                for at in range(len(body)):
                    threading.Event().wait(server.drip_s)
                    self.wfile.write(body[at : at + 1])
            except OSError:  # the other side did not wait
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _json(document: object) -> Reply:
    return 200, {"Content-Type": "application/json"}, json.dumps(document).encode()


def _read(extract: Path) -> tuple[list[dict[str, Any]], tuple[float, float, float, float]]:
    elements: list[dict[str, Any]] = []
    for thing in osmium.FileProcessor(str(extract)):
        each: dict[str, Any] = {"id": thing.id, "tags": dict(thing.tags)}
        if isinstance(thing, osmium.osm.Node):
            elements.append(each | {"type": "node", "lat": thing.location.lat, "lon": thing.location.lon})
        elif isinstance(thing, osmium.osm.Way):
            elements.append(each | {"type": "way", "nodes": [node.ref for node in thing.nodes]})
        elif isinstance(thing, osmium.osm.Relation):
            names = {"n": "node", "w": "way", "r": "relation"}
            members = [{"type": names[m.type], "ref": m.ref, "role": m.role} for m in thing.members]
            elements.append(each | {"type": "relation", "members": members})
    with osmium.io.Reader(str(extract), osmium.osm.NOTHING) as reader:
        box = reader.header().box()
    return elements, (box.bottom_left.lon, box.bottom_left.lat, box.top_right.lon, box.top_right.lat)


def _place(name: str, geometry: object, bounds: tuple[float, float, float, float]) -> dict[str, Any]:
    west, south, east, north = bounds
    return {
        "display_name": name, "importance": 0.8, "lat": str(south), "lon": str(west), "geojson": geometry,
        "boundingbox": [str(south), str(north), str(west), str(east)],
    }  # fmt: skip


def _polygon(corners: str) -> shapely.Polygon:
    numbers = [float(number) for number in corners.split()]
    return shapely.Polygon(list(zip(numbers[1::2], numbers[::2], strict=True)))


def _fits(tags: dict[str, str], filters: list[tuple[str, str, str, str]]) -> bool:
    for any_key, key, how, value in filters:
        if any_key:
            if not any(re.search(key, each) for each in tags):
                return False
        elif key not in tags or (how == "=" and tags[key] != value) or (how == "~" and not re.search(value, tags[key])):
            return False
    return True


def _in(member: dict[str, Any], nodes: set[int], ways: set[int]) -> bool:
    return member["ref"] in (nodes if member["type"] == "node" else ways if member["type"] == "way" else ())
