"""The roads of an extract, read once for all profiles: stretches between nodes by osmnx, and by osmium what osmnx does
not carry: every tag, what stands at a node, and which turns are forbidden."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import osmium
from numpy.typing import NDArray

from routing.engines.roads.osmnx_settings import osmnx_set
from routing.engines.roads.profiles import PROFILES
from routing.engines.roads.road_rules import drive_on

_MAY_STOP = ("barrier", "highway", "access", "vehicle", "motor_vehicle", "motorcar", "hgv", "bicycle", "cargo_bike",
             "maxwidth:physical", "opening")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Forbidden:
    """Where roads meet: from one way only to another, or not to it. `but_for`: vehicles it does not bind; `binds`:
    the one kind it binds, "" for all."""

    from_way: int
    via: int
    to_way: int
    only: bool
    but_for: frozenset[str]
    binds: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Roads:
    """Stretch i leads from node `start[i]` to `end[i]`, `metres[i]` long, in the order of its way's nodes; nodes are
    numbered, `node` holds their ids. `tags` by way, `standing` by number of the node, `forbidden` in the map's ids;
    `ends` are the first and last node of a way."""

    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    node: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    way: NDArray[np.int64]
    metres: NDArray[np.float64]
    tags: dict[int, dict[str, str]]
    standing: dict[int, dict[str, str]]
    forbidden: tuple[Forbidden, ...]
    ends: dict[int, tuple[int, int]]


def read_roads(pbf: Path, scratch_in: Path) -> Roads:
    """`pbf` is the normalised extract."""
    tags: dict[int, dict[str, str]] = {}
    ends: dict[int, tuple[int, int]] = {}
    with TemporaryDirectory(prefix="road-graph-", dir=scratch_in) as scratch:
        roads = Path(scratch) / "roads.osm"
        nodes: dict[int, str] = {}
        ways: list[str] = []
        for way in osmium.FileProcessor(str(pbf), osmium.osm.NODE | osmium.osm.WAY).with_locations():
            if not isinstance(way, osmium.osm.Way) or len(way.nodes) < 2:
                continue
            said = dict(way.tags)
            if not any(drive_on(said, profile) is not None for profile in PROFILES.values()):
                continue
            tags[way.id] = said
            ends[way.id] = (way.nodes[0].ref, way.nodes[-1].ref)
            for each in way.nodes:
                if each.ref not in nodes:
                    nodes[each.ref] = f'<node id="{each.ref}" lat="{each.lat:.7f}" lon="{each.lon:.7f}"/>\n'
            refs = "".join(f'<nd ref="{each.ref}"/>' for each in way.nodes)
            ways.append(f'<way id="{way.id}">{refs}<tag k="highway" v="road"/></way>\n')
        # By hand: numbers only, and a full disk is an error of ours then, not of a library's on its way out.
        with roads.open("w", encoding="utf-8") as xml:
            xml.write('<osm version="0.6">\n')
            xml.writelines(nodes.values())
            xml.writelines(ways)
            xml.write("</osm>\n")
        graph = _read_graph(roads) if tags else None
    if graph is None:
        nothing = np.zeros(0)
        whole = nothing.astype(np.int64)
        return Roads(lat=nothing, lon=nothing, node=whole, start=whole, end=whole, way=whole, metres=nothing, tags={},
                     standing={}, forbidden=(), ends={})  # fmt: skip
    node = np.array(list(graph.nodes), dtype=np.int64)
    number = {ref: at for at, ref in enumerate(node.tolist())}
    stretches = [(number[a], number[b], road["osmid"], road["length"]) for a, b, road in graph.edges(data=True)]
    standing: dict[int, dict[str, str]] = {}
    forbidden: list[Forbidden] = []
    for thing in osmium.FileProcessor(str(pbf), osmium.osm.NODE | osmium.osm.RELATION).with_filter(
        osmium.filter.KeyFilter(*_MAY_STOP, "type")
    ):
        if isinstance(thing, osmium.osm.Node):
            if thing.id in number:
                standing[number[thing.id]] = dict(thing.tags)
        elif isinstance(thing, osmium.osm.Relation):
            forbidden += _forbidden(thing)
    columns = np.array(stretches, dtype=np.float64).reshape(-1, 4)
    return Roads(
        lat=np.array([at["y"] for _, at in graph.nodes(data=True)]),
        lon=np.array([at["x"] for _, at in graph.nodes(data=True)]),
        node=node,
        start=columns[:, 0].astype(np.int64),
        end=columns[:, 1].astype(np.int64),
        way=np.array([each[2] for each in stretches], dtype=np.int64),
        metres=columns[:, 3],
        tags=tags,
        standing=standing,
        forbidden=tuple(forbidden),
        ends=ends,
    )


def _forbidden(relation: osmium.osm.Relation) -> list[Forbidden]:
    """One for each pair of ways of a restriction at a junction; one that leads over a way in between is not read."""
    tags = dict(relation.tags)
    if tags.get("type") != "restriction":
        return []
    ways: dict[str, list[int]] = {"from": [], "to": []}
    via = [member.ref for member in relation.members if member.role == "via"]
    at_a_node = [member.type for member in relation.members if member.role == "via"] == ["n"]
    for member in relation.members:
        if member.type == "w" and member.role in ways:
            ways[member.role].append(member.ref)
    found = []
    for key, said in tags.items():
        if not at_a_node or key.partition(":")[0] != "restriction" or not said.startswith(("no_", "only_")):
            continue
        found += [
            Forbidden(
                from_way=from_way,
                via=via[0],
                to_way=to_way,
                only=said.startswith("only_"),
                but_for=frozenset(each.strip() for each in tags.get("except", "").split(";")),
                binds=key.partition(":")[2],
            )
            for from_way in ways["from"]
            for to_way in ways["to"]
        ]
    return found


def _read_graph(roads: Path) -> Any:
    # Imported here because it takes seconds and a hundred megabytes, and only a build needs it.
    import osmnx

    plain = {
        # Each stretch once, as it is drawn: in which direction one may go depends on the vehicle.
        "all_oneway": True,
        "bidirectional_network_types": [],
        "log_console": False,
        "log_file": False,
        "useful_tags_node": [],
        "useful_tags_way": [],
    }
    with osmnx_set(osmnx.settings, plain):
        return osmnx.graph_from_xml(roads, simplify=False, retain_all=True)
