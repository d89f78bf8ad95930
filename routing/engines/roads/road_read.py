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
    """From one way only to another, or not to it: where both meet at the node `via`, or over the ways `over`, in the
    order in which they are driven (`via` 0 then). `binds`: the kinds of vehicles, "" for all; `only`: those that may go
    nowhere else; `but_for`: those that it does not bind after all."""

    from_way: int
    via: int
    over: tuple[int, ...]
    to_way: int
    binds: frozenset[str]
    only: frozenset[str]
    but_for: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roads:
    """Stretch i leads from node `start[i]` to `end[i]`, `metres[i]` long, in the order of its way's nodes; nodes are
    numbered, `node` holds their ids. `tags` by way, `standing` by number of the node, `forbidden` in the map's ids;
    `course` are the nodes of each way that `forbidden` names, in the map's ids."""

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
    course: dict[int, tuple[int, ...]]


def read_roads(pbf: Path, scratch_in: Path) -> Roads:
    """`pbf` is the normalised extract."""
    tags: dict[int, dict[str, str]] = {}
    forbidden = _all_forbidden(pbf)
    named = {way for each in forbidden for way in (each.from_way, *each.over, each.to_way)}
    course: dict[int, tuple[int, ...]] = {}
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
            if way.id in named:
                course[way.id] = tuple(each.ref for each in way.nodes)
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
                     standing={}, forbidden=(), course={})  # fmt: skip
    node = np.array(list(graph.nodes), dtype=np.int64)
    number = {ref: at for at, ref in enumerate(node.tolist())}
    stretches = [(number[a], number[b], road["osmid"], road["length"]) for a, b, road in graph.edges(data=True)]
    standing: dict[int, dict[str, str]] = {}
    for thing in osmium.FileProcessor(str(pbf), osmium.osm.NODE).with_filter(osmium.filter.KeyFilter(*_MAY_STOP)):
        if isinstance(thing, osmium.osm.Node) and thing.id in number:
            standing[number[thing.id]] = dict(thing.tags)
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
        forbidden=forbidden,
        course=course,
    )


def _all_forbidden(pbf: Path) -> tuple[Forbidden, ...]:
    found: list[Forbidden] = []
    for each in osmium.FileProcessor(str(pbf), osmium.osm.RELATION):
        if isinstance(each, osmium.osm.Relation):
            found += _forbidden(each)
    return tuple(found)


def _forbidden(relation: osmium.osm.Relation) -> list[Forbidden]:
    """One for each pair of ways of a restriction. One that holds at some hours only binds nobody, as in OSRM."""
    tags = dict(relation.tags)
    if not any(key.startswith("restriction") for key in tags):
        return []
    ways: dict[str, list[int]] = {"from": [], "via": [], "to": []}
    nodes = [member.ref for member in relation.members if member.type == "n" and member.role == "via"]
    for member in relation.members:
        if member.type == "w" and member.role in ways:
            ways[member.role].append(member.ref)
    if not ways["via"] and len(nodes) != 1:
        return []
    said = {
        key.partition(":")[2]: value
        for key, value in tags.items()
        if key.partition(":")[0] == "restriction"
        and value.startswith(("no_", "only_"))
        and not (value.startswith("no_") and value.endswith("_on_red"))
        and (len(ways["from"]) == 1 or value == "no_entry")
        and (len(ways["to"]) == 1 or value == "no_exit")
    }
    if not said:
        return []
    return [
        Forbidden(
            from_way=from_way,
            via=0 if ways["via"] else nodes[0],
            over=tuple(ways["via"]),
            to_way=to_way,
            binds=frozenset(said),
            only=frozenset(kind for kind, value in said.items() if value.startswith("only_")),
            but_for=frozenset(each.strip() for each in tags.get("except", "").split(";")),
        )
        for from_way in ways["from"]
        for to_way in ways["to"]
    ]


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
