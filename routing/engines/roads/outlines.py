"""Outlines on a map: mended where an extract cut them, and where the names of what they enclose are written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import osmium
import shapely
from shapely import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

SIDE_BY_SIDE = 0.01
"""Degrees. Basins of one lake lie as near to each other, and it is called once."""

LEAST_KNOWN = 1 / 3
"""Of less of a town's outline nobody can say where its middle is."""

type Tags = dict[str, str]


def written_once(waters: Sequence[tuple[Tags, BaseGeometry]]) -> Iterator[tuple[Tags, Point]]:
    """Where each name is written: in the largest of the waters side by side that share it."""
    kept: dict[str, list[BaseGeometry]] = {}
    for tags, shape in sorted(waters, key=lambda water: -water[1].area):
        others = kept.setdefault(tags["name"], [])
        if not any(shapely.dwithin(shape, other, SIDE_BY_SIDE) for other in others):
            others.append(shape)
            yield tags, shape.representative_point()


def towns_by_outline(pbf: Path, box: BaseGeometry, named: Collection[str]) -> Iterator[tuple[Tags, Point]]:
    """Towns that the map knows by their outline only, as in America, each with the middle of what the box has of it.

    `named` are those that have a point with their name. A locality with an administration is a village here: alone
    the word means a field.
    """
    found: list[tuple[Tags, list[int]]] = []
    for relation in osmium.FileProcessor(str(pbf), osmium.osm.RELATION):
        tags = dict(relation.tags)
        if "place" not in tags or tags.get("name", "") in {"", *named} or not isinstance(relation, osmium.osm.Relation):
            continue
        if tags["place"] == "locality" and tags.get("boundary") == "administrative":
            tags["place"] = "village"
        outer = [each.ref for each in relation.members if each.type == "w" and each.role != "inner"]
        found.append((tags, outer))
    needed = {ref for _, outer in found for ref in outer}
    if not needed:
        return
    lines: dict[int, LineString] = {}
    for way in osmium.FileProcessor(str(pbf), osmium.osm.NODE | osmium.osm.WAY).with_locations():
        if isinstance(way, osmium.osm.Way) and way.id in needed and len(way.nodes) > 1:
            lines[way.id] = LineString([(node.lon, node.lat) for node in way.nodes])
    for tags, outer in found:
        known = [lines[ref] for ref in outer if ref in lines]
        if not known or len(known) < LEAST_KNOWN * len(outer):
            continue
        inside = shapely.intersection(shapely.unary_union(rings(known)), box)
        if inside.area > 0:
            yield tags, inside.representative_point()


def rings(lines: Sequence[LineString]) -> list[BaseGeometry]:
    """Lines joined into rings; an open chain goes on at the nearest end that is left, and at last to its own start."""
    chains = [list(chain.coords) for chain in shapely.get_parts(shapely.line_merge(shapely.MultiLineString(lines)))]
    closed: list[list[tuple[float, ...]]] = [chain for chain in chains if chain[0] == chain[-1]]
    open_chains = [chain for chain in chains if chain[0] != chain[-1]]
    while open_chains:
        ring = open_chains.pop(0)
        while open_chains:
            gap = _gap(ring[-1])
            nearest = min(open_chains, key=lambda chain: min(gap(chain[0]), gap(chain[-1])))
            ahead = min(gap(nearest[0]), gap(nearest[-1]))
            if gap(ring[0]) <= ahead:
                break
            open_chains.remove(nearest)
            ring += nearest if gap(nearest[0]) <= gap(nearest[-1]) else nearest[::-1]
        closed.append([*ring, ring[0]])
    return [shapely.make_valid(Polygon(ring)) for ring in closed if len(ring) > 3]


def _gap(end: tuple[float, ...]) -> Callable[[tuple[float, ...]], float]:
    return lambda point: (point[0] - end[0]) ** 2 + (point[1] - end[1]) ** 2
