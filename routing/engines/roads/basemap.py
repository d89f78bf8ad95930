"""The map under the pins: vector tiles in the layers of Protomaps, in one file that a page reads by ranges.

Layers and kinds are those that the flavours of protomaps-leaflet paint; everything else on the map of the world is
left out on purpose, because a dispatcher looks at pins and streets.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

import osmium
import shapely
from shapely import LineString
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from routing.engines.roads.coastline import land_and_sea
from routing.engines.roads.outlines import rings, towns_by_outline, written_once
from routing.engines.roads.programs import Stop, run, tippecanoe_program
from routing.model.places import Bounds

MAX_ZOOM = 15
LANGUAGES = ("en", "fi", "sv", "da", "de")
"""Names are also written in these; the page shows the reader's, or the place's own where it has none."""
LAYERS = ("earth", "landuse", "water", "buildings", "roads", "places", "addresses")

_LONGEST_NUMBER = 8
"""Characters of a house number that is written on the map: "12-14 B" is one, a list of a whole block is none."""

# Shops repeat the number of their house: within about 60 m one is enough.
_CELLS_A_DEGREE = 1_800

# Two metres in degrees: protomaps-leaflet writes no name along a line that has many points or bends by 4 degrees.
_NAME_WIGGLE = 2e-5
# A street's name does not bend around a corner.
_SHARP_TURN = math.pi / 4

Tags = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a thing is on the map: its layer, the kind that is painted, and the zoom from which it is there."""

    layer: str
    kind: str
    detail: str = ""
    from_zoom: int = 0


_LANDUSE_BY_TAG: dict[tuple[str, str], str] = {
    ("leisure", "park"): "park",
    ("leisure", "garden"): "park",
    ("leisure", "nature_reserve"): "nature_reserve",
    ("leisure", "golf_course"): "golf_course",
    ("leisure", "playground"): "playground",
    ("leisure", "pitch"): "grass",
    ("leisure", "dog_park"): "grass",
    ("landuse", "allotments"): "allotments",
    ("landuse", "cemetery"): "cemetery",
    ("landuse", "forest"): "forest",
    ("landuse", "grass"): "grass",
    ("landuse", "industrial"): "industrial",
    ("landuse", "meadow"): "grassland",
    ("landuse", "military"): "military",
    ("landuse", "recreation_ground"): "park",
    ("landuse", "village_green"): "village_green",
    ("natural", "beach"): "beach",
    ("natural", "grassland"): "grassland",
    ("natural", "heath"): "scrub",
    ("natural", "sand"): "sand",
    ("natural", "scrub"): "scrub",
    ("natural", "wood"): "wood",
    ("natural", "glacier"): "glacier",
    ("amenity", "college"): "college",
    ("amenity", "grave_yard"): "cemetery",
    ("amenity", "hospital"): "hospital",
    ("amenity", "kindergarten"): "school",
    ("amenity", "school"): "school",
    ("amenity", "university"): "university",
    ("aeroway", "aerodrome"): "aerodrome",
    ("man_made", "pier"): "pier",
    ("place", "square"): "pedestrian",
    ("highway", "pedestrian"): "pedestrian",
    ("highway", "footway"): "pedestrian",
    ("tourism", "zoo"): "zoo",
}
_WATER_BY_TAG: dict[tuple[str, str], str] = {
    ("natural", "water"): "water",
    ("natural", "bay"): "bay",
    ("waterway", "riverbank"): "water",
    ("waterway", "dock"): "water",
    ("landuse", "reservoir"): "water",
    ("landuse", "basin"): "water",
}
_ROADS: dict[str, tuple[str, int]] = {
    "motorway": ("highway", 5), "motorway_link": ("highway", 9), "trunk": ("highway", 6), "trunk_link": ("highway", 9),
    "primary": ("major_road", 8), "primary_link": ("major_road", 10),
    "secondary": ("major_road", 9), "secondary_link": ("major_road", 11),
    "tertiary": ("major_road", 10), "tertiary_link": ("major_road", 12),
    "unclassified": ("minor_road", 12), "residential": ("minor_road", 12), "living_street": ("minor_road", 12),
    "road": ("minor_road", 12), "service": ("minor_road", 13), "track": ("other", 13),
    "pedestrian": ("minor_road", 13), "cycleway": ("path", 14), "footway": ("path", 14), "path": ("path", 14),
    "steps": ("path", 14), "bridleway": ("path", 14),
}  # fmt: skip
_PLACES: dict[str, int] = {
    "city": 4, "town": 8, "village": 10, "hamlet": 12, "suburb": 12, "quarter": 13, "neighbourhood": 14,
    "island": 12, "islet": 15,
}  # fmt: skip


def area_kind(tags: Tags) -> Kind | None:
    """What an area is on the map; None for what is not drawn."""
    if tags.get("building", "no") != "no" and tags.get("location") != "underground":
        return Kind(layer="buildings", kind="building", from_zoom=13)
    for tag, kind in _WATER_BY_TAG.items():
        if tags.get(tag[0]) == tag[1]:
            return Kind(layer="water", kind=kind)
    # A closed footway is a loop to walk, unless it says that it is an area.
    is_area = tags.get("area") == "yes" or tags.get("type") == "multipolygon"
    if (tags.get("highway") in ("footway", "pedestrian") and not is_area) or _underground(tags):
        return None
    for tag, kind in _LANDUSE_BY_TAG.items():
        if tags.get(tag[0]) == tag[1]:
            return Kind(layer="landuse", kind=kind, from_zoom=9)
    return None


def line_kind(tags: Tags) -> Kind | None:
    """What a line is on the map; None for what is not drawn.

    A sidewalk or crossing is part of its street here, a corridor inside a building no street at all, and a tram runs
    in the street: drawn, they would hide the streets' names.
    """
    highway = tags.get("highway", "")
    if highway in _ROADS:
        if tags.get("area") == "yes" or tags.get("footway") in ("sidewalk", "crossing"):
            return None
        kind, from_zoom = _ROADS[highway]
        if _underground(tags):
            if kind == "path" or highway == "pedestrian":
                return None
            if kind == "minor_road":
                kind, from_zoom = "other", 14
        if tags.get("service") in ("parking_aisle", "driveway", "drive-through"):
            kind, from_zoom = "other", 14
        return Kind(layer="roads", kind=kind, detail=highway, from_zoom=from_zoom)
    if tags.get("railway") in ("rail", "light_rail", "narrow_gauge") and not _underground(tags):
        siding = "service" in tags
        return Kind(layer="roads", kind="rail", detail=tags["railway"], from_zoom=13 if siding else 9)
    if tags.get("man_made") == "pier":
        return Kind(layer="roads", kind="path", detail="pier", from_zoom=13)
    if tags.get("aeroway") in ("runway", "taxiway"):
        return Kind(layer="roads", kind="other", detail=tags["aeroway"], from_zoom=10)
    if tags.get("waterway") in ("river", "canal") and not _underground(tags):
        return Kind(layer="water", kind="river", from_zoom=9)
    if tags.get("waterway") == "stream" and not _underground(tags):
        return Kind(layer="water", kind="stream", from_zoom=13)
    return None


def point_kind(tags: Tags) -> Kind | None:
    """A name to write on the map; None for a point that carries none."""
    if "name" not in tags:
        return None
    if tags.get("place") in _PLACES:
        # The flavours write the names of localities only; without those of its quarters a city has one label.
        return Kind(layer="places", kind="locality", detail=tags["place"], from_zoom=_PLACES[tags["place"]])
    if tags.get("natural") in ("bay", "strait"):
        return Kind(layer="water", kind=tags["natural"], from_zoom=11)
    return None


def house_number(tags: Tags) -> str:
    """What is written at a house; "" for what has no number, or one too long to be read.

    >>> house_number({"addr:housenumber": "12 - 14"}), house_number({"addr:housenumber": "1;3;5;7;9"})
    ('12-14', '')
    """
    number = tags.get("addr:housenumber", "").replace(" - ", "-").replace(";", ",").strip()
    return number if len(number) <= _LONGEST_NUMBER and any(sign.isdigit() for sign in number) else ""


def build_basemap(pbf: Path, into: Path, bounds: Bounds, *, stop: Stop = bool) -> int:
    """Write the region's basemap, and return how many features it has. `pbf` is the normalised extract.

    Raises RegionError when the tiles cannot be made; whatever `stop` raises.
    """
    with TemporaryDirectory(prefix="basemap-", dir=into.parent) as scratch, ExitStack() as files:
        folder = Path(scratch)
        layers = {
            layer: files.enter_context((folder / f"{layer}.geojsons").open("w", encoding="utf-8")) for layer in LAYERS
        }
        written = _write_features(pbf, bounds, layers)
        for file in layers.values():
            file.flush()
        run(
            [
                tippecanoe_program(), "--output", into, "--force", "--quiet",
                "--minimum-zoom=4", f"--maximum-zoom={MAX_ZOOM}",
                "--attribution=© OpenStreetMap contributors", "--name=Backroute basemap",
                # A street that is dropped because its tile is full is a street the dispatcher looks for.
                "--no-feature-limit", "--no-tile-size-limit",
                "--simplification-at-maximum-zoom=1", "--no-tiny-polygon-reduction-at-maximum-zoom",
                "--preserve-input-order", "--no-progress-indicator", f"--temporary-directory={folder}",
                *(f"--named-layer={layer}:{folder / layer}.geojsons" for layer in LAYERS),
            ],
            doing="drawing the basemap", stop=stop,
        )  # fmt: skip
    return written


def _write_features(pbf: Path, bounds: Bounds, layers: Mapping[str, TextIO]) -> int:
    box = shapely.box(bounds.west, bounds.south, bounds.east, bounds.north)
    coastlines: list[list[tuple[float, float]]] = []
    streets: defaultdict[tuple[Kind, tuple[tuple[str, str], ...]], list[LineString]] = defaultdict(list)
    drawn: set[tuple[bool, int]] = set()
    waters: list[tuple[dict[str, str], BaseGeometry]] = []
    named: set[str] = set()
    count = 0

    def write(kind: Kind, tags: Tags, geometry: str) -> None:
        nonlocal count
        layers[kind.layer].write(_feature(kind, tags, geometry))
        count += 1

    def write_area(tags: Tags, geometry: str) -> None:
        kind = area_kind(tags)
        if kind is None:
            return
        write(kind, tags, geometry)
        if kind.layer == "water" and "name" in tags:
            waters.append((dict(tags), shapely.from_geojson(geometry)))

    numbered: set[tuple[str, str, int, int]] = set()

    def write_number(tags: Tags, points: Sequence[tuple[float, float]]) -> None:
        nonlocal count
        number = house_number(tags)
        if not number or not points:
            return
        lon, lat = (sum(each) / len(points) for each in zip(*points, strict=True))
        key = (tags.get("addr:street", ""), number, int(lon * _CELLS_A_DEGREE), int(lat * _CELLS_A_DEGREE))
        if key not in numbered:
            numbered.add(key)
            layers["addresses"].write(_number(number, lon, lat))
            count += 1

    geojson = osmium.geom.GeoJSONFactory()
    for thing in osmium.FileProcessor(str(pbf)).with_areas():
        if not len(thing.tags):
            continue
        tags = dict(thing.tags)
        if isinstance(thing, osmium.osm.Area):
            if thing.num_rings()[0] == 0:
                continue
            drawn.add((thing.from_way(), thing.orig_id()))
            write_number(tags, [(node.lon, node.lat) for ring in thing.outer_rings() for node in ring])
            write_area(tags, geojson.create_multipolygon(thing))
        elif isinstance(thing, osmium.osm.Way):
            if tags.get("natural") == "coastline":
                coastlines.append([(node.lon, node.lat) for node in thing.nodes])
            kind = line_kind(tags)
            if kind is None or len({node.ref for node in thing.nodes}) < 2:
                continue
            if kind.layer == "roads" and "name" in tags:
                streets[kind, tuple(_names(tags).items())].append(
                    LineString([(node.lon, node.lat) for node in thing.nodes])
                )
            else:
                write(kind, tags, geojson.create_linestring(thing))
        elif isinstance(thing, osmium.osm.Node):
            kind = point_kind(tags)
            if kind is not None:
                named.add(tags["name"])
                write(kind, tags, geojson.create_point(thing))
            write_number(tags, [(thing.lon, thing.lat)])

    # A street is many short ways, and a name is written only where a straight line has room for it.
    for (kind, names), lines in streets.items():
        for line in _strokes(lines):
            straight = shapely.simplify(line, _NAME_WIGGLE)
            write(kind, dict(names), json.dumps(mapping(straight)))
    for tags, shape in _clipped_areas(pbf, drawn):
        clipped = shapely.intersection(shape, box)
        if not clipped.is_empty:
            write_area(tags, json.dumps(mapping(clipped)))
    for tags, middle in written_once(waters):
        # The flavours write names of water at points only.
        write(Kind(layer="water", kind="lake", from_zoom=13), tags, json.dumps(mapping(middle)))
    for tags, middle in towns_by_outline(pbf, box, named):
        kind = point_kind(tags)
        if kind is not None:
            write(kind, tags, json.dumps(mapping(middle)))

    land, sea = land_and_sea(coastlines, bounds)
    if not land.is_empty:
        write(Kind(layer="earth", kind="earth"), {}, json.dumps(mapping(land)))
    if not sea.is_empty:
        write(Kind(layer="water", kind="ocean"), {}, json.dumps(mapping(sea)))
    return count


def _names(tags: Tags) -> dict[str, str]:
    """The name, and those that differ from it in our languages."""
    own = tags.get("name", "")
    others = {f"name:{lang}": tags.get(f"name:{lang}", own) for lang in LANGUAGES}
    return {"name": own, **{key: name for key, name in others.items() if name != own}} if own else {}


def _feature(kind: Kind, tags: Tags, geometry: str) -> str:
    properties: dict[str, str | int] = {"kind": kind.kind}
    if kind.detail:
        properties["kind_detail"] = kind.detail
    if kind.layer != "buildings":
        properties |= _names(tags)
    if kind.layer == "places":
        properties["min_zoom"] = kind.from_zoom
    zoom = f'"tippecanoe":{{"minzoom":{kind.from_zoom}}},' if kind.from_zoom else ""
    return (
        f'{{"type":"Feature",{zoom}"properties":{json.dumps(properties, ensure_ascii=False)},"geometry":{geometry}}}\n'
    )


def _number(number: str, lon: float, lat: float) -> str:
    # Only in the last tiles: farther off they are too close to be told apart.
    feature = {
        "type": "Feature",
        "tippecanoe": {"minzoom": MAX_ZOOM},
        "properties": {"kind": "address", "number": number},
        "geometry": {"type": "Point", "coordinates": [round(lon, 6), round(lat, 6)]},
    }
    return json.dumps(feature, ensure_ascii=False) + "\n"


def _strokes(lines: Sequence[LineString]) -> list[LineString]:
    """Lines joined end to end, at a fork the straightest way ahead, as one would draw them without lifting the pen."""
    merged = shapely.line_merge(shapely.MultiLineString(lines))
    pieces = [[(x, y) for x, y in part.coords] for part in shapely.get_parts(merged)]
    meeting: defaultdict[tuple[float, float], list[tuple[int, bool]]] = defaultdict(list)
    for index, piece in enumerate(pieces):
        if piece[0] != piece[-1]:
            meeting[piece[0]].append((index, True))
            meeting[piece[-1]].append((index, False))
    goes_on: dict[tuple[int, bool], tuple[int, bool]] = {}
    for ends in meeting.values():
        pairs = [(one, other) for at, one in enumerate(ends) for other in ends[at + 1 :] if one[0] != other[0]]
        for one, other in sorted(pairs, key=lambda pair: _turn(pieces, *pair)):
            if one not in goes_on and other not in goes_on and _turn(pieces, one, other) < _SHARP_TURN:
                goes_on[one], goes_on[other] = other, one
    strokes, left = [], set(range(len(pieces)))
    # First those that begin somewhere; what is left then goes round in a circle.
    firsts = [end for end in ((i, side) for i in sorted(left) for side in (True, False)) if end not in goes_on]
    for end in [*firsts, *((i, True) for i in sorted(left))]:
        stroke: list[tuple[float, float]] = []
        entered: tuple[int, bool] | None = end
        while entered is not None and entered[0] in left:
            index, at_start = entered
            left.discard(index)
            stroke += pieces[index] if at_start else pieces[index][::-1]
            entered = goes_on.get((index, not at_start))
        if stroke:
            strokes.append(LineString([at for i, at in enumerate(stroke) if i == 0 or at != stroke[i - 1]]))
    return strokes


def _turn(pieces: Sequence[Sequence[tuple[float, float]]], one: tuple[int, bool], other: tuple[int, bool]) -> float:
    """How far from straight it is to come in by one end and leave by the other: 0 is straight on, π is back."""
    headings = []
    for index, at_start in (one, other):
        (x, y), (next_x, next_y) = pieces[index][:2] if at_start else pieces[index][:-3:-1]
        headings.append(math.atan2(next_y - y, (next_x - x) * math.cos(math.radians(y))))
    return math.pi - abs((headings[0] - headings[1] + math.pi) % (2 * math.pi) - math.pi)


def _clipped_areas(pbf: Path, drawn: set[tuple[bool, int]]) -> Iterator[tuple[dict[str, str], BaseGeometry]]:
    """Areas whose outline is broken, most often because some of it was left outside the extract, mended.

    Gaps are closed straight. `drawn` are the areas that need no mending, as (is a way, its id).
    """
    wanted: list[tuple[dict[str, str], list[tuple[int, str]]]] = []
    for thing in osmium.FileProcessor(str(pbf), osmium.osm.WAY | osmium.osm.RELATION):
        tags = dict(thing.tags)
        if area_kind(tags) is None:
            continue
        if isinstance(thing, osmium.osm.Way) and thing.is_closed() and (True, thing.id) not in drawn:
            wanted.append((tags, [(thing.id, "outer")]))
        is_area = tags.get("type") == "multipolygon"
        if isinstance(thing, osmium.osm.Relation) and is_area and (False, thing.id) not in drawn:
            wanted.append((tags, [(member.ref, member.role) for member in thing.members if member.type == "w"]))
    needed = {ref for _, members in wanted for ref, _ in members}
    if not needed:
        return
    lines: dict[int, LineString] = {}
    for way in osmium.FileProcessor(str(pbf), osmium.osm.NODE | osmium.osm.WAY).with_locations():
        if isinstance(way, osmium.osm.Way) and way.id in needed and len(way.nodes) > 1:
            lines[way.id] = LineString([(node.lon, node.lat) for node in way.nodes])
    for tags, members in wanted:
        outer = rings([lines[ref] for ref, role in members if role != "inner" and ref in lines])
        inner = rings([lines[ref] for ref, role in members if role == "inner" and ref in lines])
        if outer:
            yield tags, shapely.difference(shapely.unary_union(outer), shapely.unary_union(inner))


def _underground(tags: Tags) -> bool:
    return (
        tags.get("tunnel", "no") not in ("no", "building_passage")
        or tags.get("indoor", "no") != "no"
        or tags.get("location") == "underground"
    )
