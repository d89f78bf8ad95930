"""An extract of OpenStreetMap, read, checked and normalised: sorted, one version of each object, no missing nodes.

An extract is cut out of the world, so ways refer to nodes that were left outside. OSRM copes, osmnx raises, and a
building with a hole in its outline is no area. So a way is cut into the runs of nodes that are there; an outline
that was closed is closed again across the gap.
"""

from __future__ import annotations

import errno
import os
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

import osmium

from routing.engines.roads.needs import refuse_missing
from routing.engines.roads.profiles import PROFILES
from routing.engines.roads.road_rules import usable_speed_kmh
from routing.errors import FileRefused
from routing.model.places import Bounds, Location

_SAMPLED_PLACES = 250
_SEED = 17

# Each square kilometre of land is drawn, with or without roads: Denmark with all of its sea has 170,000.
MOST_KM2 = 250_000.0
_WIDEST_DEGREES = 180.0

DISK_FULL = (
    *(os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)),
    # What libosmium says when it writes on after a write that failed, often as its last word.
    "Can not write to writer",
)
"""How the system says that there is no room to write in; libosmium passes it on in a sentence."""

_NO_DATE = datetime.fromtimestamp(0, UTC)

# A way with none of these is none to OSRM's profiles.
_TRAVELLED_TAGS = ("highway", "route", "railway", "amenity", "man_made", "public_transport", "bridge")

# An outline with one of these stays a line when it is cut; without, it is an area and stays closed.
_LINE_TAGS = frozenset({"highway", "railway", "barrier", "waterway"})


# What is read as a number of a road or of what stands on it, by OSRM's profiles or by ours.
_NUMBERS = (
    "maxspeed", "maxspeed:forward", "maxspeed:backward", "maxspeed:advisory", "maxheight", "maxheight:physical",
    "maxwidth", "maxwidth:physical", "maxlength", "maxweight", "width", "lanes", "lanes:forward", "lanes:backward",
    "lanes:psv", "duration", "capacity:car",
)  # fmt: skip
# No speed, size, count or time: not a number, endless, below nothing, with an exponent, or with more digits than any.
_NO_NUMBER = re.compile(r"\s*(?:[-+]?\s*(?:nan|inf(?:inity)?)\b|-\s*[\d.]|.*\d{7}|[-+]?[\d.]+e[-+]?\d)", re.IGNORECASE)
_LONGEST_NUMBER = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """What normalising found. `sampled` are address points, or points on roads where there are few addresses.

    `dated` is the ISO day of the map data, "" where the extract does not say it.
    """

    bounds: Bounds
    nodes: int
    ways: int
    addresses: int
    restrictions: int
    drivable_km: float
    clipped_ways: int
    sampled: tuple[Location, ...]
    dated: str = ""
    restrictions_over_ways: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Self:
        sampled = tuple(Location(**place) for place in kept["sampled"])
        return cls(**{**kept, "bounds": Bounds(**kept["bounds"]), "sampled": sampled})


@dataclass(slots=True)
class _Sample:
    """A fair sample of a stream, of fixed size and the same for the same file (reservoir sampling)."""

    size: int
    places: list[Location] = field(default_factory=list)
    seen: int = 0
    dice: random.Random = field(default_factory=lambda: random.Random(_SEED))

    def offer(self, location: osmium.osm.Location) -> None:
        self.seen += 1
        if len(self.places) < self.size:
            self.places.append(Location(lat=location.lat, lon=location.lon))
            return
        slot = self.dice.randrange(self.seen)
        if slot < self.size:
            self.places[slot] = Location(lat=location.lat, lon=location.lon)


def normalise(pbf: Path, into: Path, *, called: str = "") -> Extract:
    """Write the normalised extract to `into` and say what is in it.

    `called` is its name for whoever gave it. Raises FileRefused for a file that is missing, is no extract, is
    truncated, is empty, is too wide or has no road to drive on; OSError where the disk is full.
    """
    called = called or pbf.name
    refuse_missing(pbf, called)
    ordered = into.with_name("sorted.osm.pbf")
    try:
        _sort(pbf, ordered)
        with closing(osmium.io.Reader(str(pbf), osmium.osm.NOTHING)) as reader:
            header = reader.header()
            cut_at = header.box()
        extract = replace(_rewrite(ordered, into, cut_at), dated=_dated(pbf, header))
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as unreadable:
        if any(words in str(unreadable) for words in DISK_FULL):
            raise OSError(str(unreadable)) from unreadable
        raise FileRefused(
            f"{called} cannot be read as an OpenStreetMap extract ({unreadable}): it is truncated, or no .osm.pbf. "
            "Download it again and compare its size.",
            code="extract_unreadable",
            file=called,
        ) from unreadable
    finally:
        ordered.unlink(missing_ok=True)
    if extract.nodes == 0 or extract.ways == 0:
        raise FileRefused(
            f"{called} holds no map data ({extract.nodes} nodes, {extract.ways} ways). "
            "Cut the extract again, with the place inside its box.",
            code="extract_empty",
            file=called,
        )
    _refuse_too_wide(extract.bounds, called)
    if extract.drivable_km <= 0:
        raise FileRefused(
            f"{called} has no road a car may use, so nothing can be planned on it. "
            "Take an extract that was not filtered by tags.",
            code="extract_without_roads",
            file=called,
        )
    return extract


def _refuse_too_wide(bounds: Bounds, called: str) -> None:
    """Raises FileRefused for an extract that has more world than can be drawn: a forged one, or one of two ends of it,
    which is as wide as all that lies between."""
    mend = "Cut the extract again, around one place."
    if bounds.east - bounds.west > _WIDEST_DEGREES:
        raise FileRefused(
            f"{called} reaches from longitude {bounds.west:.1f} to {bounds.east:.1f}, around the world or across the "
            f"date line, where no map is drawn. {mend}",
            code="extract_too_wide",
            file=called,
        )
    if bounds.km2 > MOST_KM2:
        raise FileRefused(
            f"{called} covers {bounds.km2:,.0f} km²; a region has at most {MOST_KM2:,.0f} km². {mend}",
            code="extract_too_wide",
            file=called,
        )


def only_ways_to_travel(region: Path, into: Path) -> None:
    """Of a normalised extract what OSRM's profiles look at: houses and woods are most of a map, and each profile would
    read them again."""
    ways = osmium.filter.KeyFilter(*_TRAVELLED_TAGS)
    nodes = osmium.IdTracker()
    with osmium.SimpleWriter(str(into), overwrite=True) as writer:
        for way in osmium.FileProcessor(str(region), osmium.osm.WAY).with_filter(ways):
            nodes.add_references(way)
        for node in osmium.FileProcessor(str(region), osmium.osm.NODE).with_filter(nodes.id_filter()):
            writer.add(node)
        for way in osmium.FileProcessor(str(region), osmium.osm.WAY).with_filter(ways):
            writer.add(way)
        for relation in osmium.FileProcessor(str(region), osmium.osm.RELATION):
            writer.add(relation)


def _sort(pbf: Path, into: Path) -> None:
    """Nodes, ways, relations, each by id, only the newest version of each; authors and dates are left out."""
    reader = osmium.MergeInputReader()
    reader.add_file(str(pbf))
    target = osmium.io.File(str(into), "pbf,add_metadata=false")
    with osmium.SimpleWriter(target, overwrite=True) as writer:
        reader.apply(writer, simplify=True)


def _dated(pbf: Path, header: osmium.io.Header) -> str:
    """The ISO day up to which the extract holds what was mapped: as its header says, else its newest way; "" where
    neither tells."""
    for key in ("osmosis_replication_timestamp", "timestamp"):
        with suppress(ValueError):
            return date.fromisoformat(header.get(key)[:10]).isoformat()
    ways = (way for way in osmium.FileProcessor(str(pbf), osmium.osm.WAY) if isinstance(way, osmium.osm.Way))
    newest = max((way.timestamp for way in ways), default=_NO_DATE)
    return newest.date().isoformat() if newest > _NO_DATE else ""


def _rewrite(ordered: Path, into: Path, cut_at: osmium.osm.Box) -> Extract:
    nodes = ways = addresses = restrictions = over_ways = clipped = 0
    drivable_m = 0.0
    doors, road_points = _Sample(_SAMPLED_PLACES), _Sample(_SAMPLED_PLACES)
    pieces: dict[int, list[tuple[int, list[int]]]] = {}
    bounds, highest_way = _survey(ordered, cut_at)
    # Ids for the pieces of cut ways.
    spare_id = iter(range(highest_way + 1, 2**62))

    header = osmium.io.Header()
    header.set("sorting", "Type_then_ID")
    header.add_box(osmium.osm.Box(bounds.west, bounds.south, bounds.east, bounds.north))
    target = osmium.io.File(str(into), "pbf,add_metadata=false")
    # Ids given to pieces lie above all others, so they are written after the last way to keep the file sorted.
    late: list[osmium.osm.mutable.Way] = []
    with osmium.SimpleWriter(target, header=header, overwrite=True) as writer:
        for thing in osmium.FileProcessor(str(ordered)).with_locations():
            if isinstance(thing, osmium.osm.Node):
                nodes += 1
                written: osmium.osm.Node | osmium.osm.mutable.Node = thing
                if len(thing.tags):  # most nodes only give a way its course
                    if "addr:housenumber" in thing.tags:
                        addresses += 1
                        doors.offer(thing.location)
                    if "barrier" in thing.tags and (sane := sane_tags(said := dict(thing.tags))) != said:
                        written = thing.replace(tags=sane)
                writer.add_node(written)
            elif isinstance(thing, osmium.osm.Way):
                ways += 1
                located = [node for node in thing.nodes if node.location.valid()]
                if "addr:housenumber" in thing.tags and located:
                    addresses += 1
                    doors.offer(located[0].location)
                is_travelled = "highway" in thing.tags or "route" in thing.tags
                said = dict(thing.tags) if is_travelled else {}
                sane = sane_tags(said)
                drivable = "highway" in sane and usable_speed_kmh(sane, PROFILES["car"]) is not None
                if len(located) == len(thing.nodes):
                    runs = [located]
                    writer.add_way(thing if sane == said else thing.replace(tags=sane))
                else:
                    clipped += 1
                    runs = _runs(thing)
                    named = list(zip(_ids(thing.id, spare_id), runs, strict=False))
                    pieces[thing.id] = [(way_id, [node.ref for node in run]) for way_id, run in named]
                    for way_id, run in named:
                        piece = osmium.osm.mutable.Way(
                            id=way_id,
                            version=1,
                            tags=sane if is_travelled else dict(thing.tags),
                            nodes=[node.ref for node in run],
                        )
                        if way_id == thing.id:
                            writer.add_way(piece)
                        else:
                            late.append(piece)
                if drivable:
                    for run in runs:
                        if len(run) > 1:
                            drivable_m += _length_m(run)
                            road_points.offer(run[len(run) // 2].location)
            elif isinstance(thing, osmium.osm.Relation):
                for piece in late:
                    writer.add_way(piece)
                late.clear()
                restrictions += _is_restriction(thing)
                over_ways += _is_restriction(thing) and _leads_over_ways(thing)
                writer.add_relation(_rejoined(thing, pieces) if pieces else thing)
        for piece in late:
            writer.add_way(piece)

    enough_doors = len(doors.places) >= 50
    return Extract(
        bounds=bounds,
        nodes=nodes,
        ways=ways,
        addresses=addresses,
        restrictions=restrictions,
        restrictions_over_ways=over_ways,
        drivable_km=round(drivable_m / 1000, 1),
        clipped_ways=clipped,
        sampled=tuple(doors.places if enough_doors else road_points.places),
    )


def _survey(ordered: Path, cut_at: osmium.osm.Box) -> tuple[Bounds, int]:
    """The box the extract was cut at, as far as it holds nodes, and the highest id of a way.

    Ways that were left whole reach beyond the box, and a box copied from a larger file lies beyond the nodes.
    """
    south, west, north, east = 90.0, 180.0, -90.0, -180.0
    highest_way = 0
    for thing in osmium.FileProcessor(str(ordered), osmium.osm.NODE | osmium.osm.WAY):
        if isinstance(thing, osmium.osm.Node):
            at = thing.location
            south, north = min(south, at.lat), max(north, at.lat)
            west, east = min(west, at.lon), max(east, at.lon)
        else:
            highest_way = max(highest_way, thing.id)
    if south > north:
        return Bounds(south=0, west=0, north=0, east=0), highest_way
    if cut_at.valid():
        low, high = cut_at.bottom_left, cut_at.top_right
        inner = (max(south, low.lat), max(west, low.lon), min(north, high.lat), min(east, high.lon))
        if inner[0] < inner[2] and inner[1] < inner[3]:
            south, west, north, east = inner
    return Bounds(south=south, west=west, north=north, east=east), highest_way


def sane_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags without numbers that are none: each program that reads a map takes those for something else.

    >>> sane_tags({"highway": "primary", "maxspeed": "nan", "maxheight": "3.5", "lanes": "-1", "width": "1e400"})
    {'highway': 'primary', 'maxheight': '3.5'}
    """
    nonsense = {
        key for key in _NUMBERS if key in tags and (len(tags[key]) > _LONGEST_NUMBER or _NO_NUMBER.match(tags[key]))
    }
    return {key: value for key, value in tags.items() if key not in nonsense}


def _ids(first: int, spare: Iterator[int]) -> Iterator[int]:
    yield first
    yield from spare


def _runs(way: osmium.osm.Way) -> list[list[osmium.osm.NodeRef]]:
    """The stretches of a clipped way that are there, longest first; a clipped area as one closed outline, if it has one
    left."""
    present = [node for node in way.nodes if node.location.valid()]
    is_line = any(key in way.tags for key in _LINE_TAGS) or way.tags.get("natural") == "coastline"
    if way.is_closed() and not is_line:
        if len(present) < 3:
            # Of a house on the edge a corner or two may be all there is: no outline any more, but still its address.
            return [present] if present and "addr:housenumber" in way.tags else []
        if present[0].ref != present[-1].ref:
            present.append(present[0])
        return [present] if len(present) > 3 else []
    runs: list[list[osmium.osm.NodeRef]] = [[]]
    for node in way.nodes:
        if node.location.valid():
            runs[-1].append(node)
        elif runs[-1]:
            runs.append([])
    return sorted((run for run in runs if len(run) > 1), key=len, reverse=True)


def _rejoined(
    relation: osmium.osm.Relation, pieces: dict[int, list[tuple[int, list[int]]]]
) -> osmium.osm.Relation | osmium.osm.mutable.Relation:
    """The relation with each cut way replaced by its pieces; in a restriction by the one that touches the junction."""
    if not any(member.type == "w" and member.ref in pieces for member in relation.members):
        return relation
    junctions = {member.ref for member in relation.members if member.type == "n" and member.role == "via"}
    members: list[tuple[str, int, str]] = []
    for member in relation.members:
        if member.type != "w" or member.ref not in pieces:
            members.append((member.type, member.ref, member.role))
            continue
        named = pieces[member.ref]
        if _is_restriction(relation):
            named = [piece for piece in named if junctions & set(piece[1])][:1] or named[:1]
        members.extend(("w", way_id, member.role) for way_id, _ in named)
    return osmium.osm.mutable.Relation(id=relation.id, version=1, tags=dict(relation.tags), members=members)


def _is_restriction(relation: osmium.osm.Relation) -> bool:
    kind = relation.tags.get("type") or ""
    return kind == "restriction" or kind.startswith("restriction:")


def _leads_over_ways(restriction: osmium.osm.Relation) -> bool:
    return any(member.type == "w" and member.role == "via" for member in restriction.members)


def _length_m(nodes: Iterable[osmium.osm.NodeRef]) -> float:
    metres, before = 0.0, None
    for node in nodes:
        if before is not None:
            metres += osmium.geom.haversine_distance(before, node.location)
        before = node.location
    return metres
