from __future__ import annotations

import gzip
import math
import struct
from pathlib import Path

import osmium
import pytest
from shapely import LineString, Point

from routing.engines.roads import basemap
from routing.engines.roads.coastline import land_and_sea

KAISANIEMENLAHTI = Point(24.9460, 60.1771)
STATION = Point(24.9414, 60.1719)
ESPLANADE_PARK = Point(24.9470, 60.1676)


def test_the_bay_of_the_demo_is_water_and_its_centre_is_land(helsinki):
    coastlines = []
    for way in osmium.FileProcessor(str(helsinki.directory / "region.osm.pbf")).with_locations():
        if isinstance(way, osmium.osm.Way) and way.tags.get("natural") == "coastline":
            coastlines.append([(node.lon, node.lat) for node in way.nodes])
    land, sea = land_and_sea(coastlines, helsinki.facts.bounds)
    assert sea.contains(KAISANIEMENLAHTI)
    assert land.contains(STATION)
    assert land.contains(ESPLANADE_PARK)
    assert 0.02 < sea.area / (sea.area + land.area) < 0.2


def test_the_basemap_is_a_pmtiles_file_with_every_layer_down_to_the_streets(helsinki):
    header, metadata = pmtiles(helsinki.directory / "basemap.pmtiles")
    assert header["max_zoom"] == basemap.MAX_ZOOM
    for layer in basemap.LAYERS:
        assert f'"id":"{layer}"'.encode() in metadata.replace(b" ", b"")
    assert b"OpenStreetMap" in metadata


@pytest.mark.parametrize(
    ("tags", "layer", "kind"),
    [
        ({"building": "yes"}, "buildings", "building"),
        ({"natural": "water", "name": "Pond"}, "water", "water"),
        ({"leisure": "park"}, "landuse", "park"),
        ({"landuse": "industrial"}, "landuse", "industrial"),
        ({"highway": "pedestrian", "area": "yes"}, "landuse", "pedestrian"),
    ],
)
def test_areas_get_the_kinds_that_are_painted(tags, layer, kind):
    drawn = basemap.area_kind(tags)
    assert (drawn.layer, drawn.kind) == (layer, kind)


@pytest.mark.parametrize(
    "tags", [{"building": "no"}, {"highway": "footway"}, {"amenity": "school", "indoor": "yes"}, {"boundary": "forest"}]
)
def test_what_is_no_area_for_a_driver_is_left_out(tags):
    assert basemap.area_kind(tags) is None


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"highway": "motorway"}, "highway"),
        ({"highway": "primary"}, "major_road"),
        ({"highway": "residential"}, "minor_road"),
        ({"highway": "service", "tunnel": "yes"}, "other"),
        ({"highway": "service", "tunnel": "building_passage"}, "minor_road"),
        ({"highway": "path"}, "path"),
        ({"railway": "rail"}, "rail"),
        ({"waterway": "river"}, "river"),
        ({"highway": "footway", "footway": "sidewalk"}, None),
        ({"highway": "footway", "indoor": "yes"}, None),
        ({"railway": "tram"}, None),
        ({"railway": "rail", "tunnel": "yes"}, None),
        ({"highway": "proposed"}, None),
    ],
)
def test_lines_get_the_kinds_that_are_painted(tags, kind):
    drawn = basemap.line_kind(tags)
    assert (drawn.kind if drawn else None) == kind


def test_only_named_places_are_written():
    assert basemap.point_kind({"place": "suburb", "name": "Kluuvi"}).kind == "locality"
    assert basemap.point_kind({"place": "suburb"}) is None
    assert basemap.point_kind({"shop": "kiosk", "name": "Kiosk 4"}) is None


def test_a_street_in_pieces_is_drawn_in_one_stroke_past_its_side_arm():
    pieces = [[(0, 0), (1, 0)], [(2, 0), (1, 0)], [(1, 0), (1, 1)], [(2, 0), (3, 0.1)]]
    strokes = sorted(basemap._strokes([LineString(piece) for piece in pieces]), key=lambda stroke: -stroke.length)
    assert len(strokes) == 2
    assert {strokes[0].coords[0], strokes[0].coords[-1]} == {(0, 0), (3, 0.1)}
    assert strokes[1].length == 1


def test_a_ring_road_in_pieces_is_one_stroke():
    corners = [(math.cos(step * math.pi / 6), math.sin(step * math.pi / 6)) for step in range(13)]
    pieces = [LineString(corners[step : step + 2]) for step in range(12)]
    strokes = basemap._strokes(pieces)
    assert sum(stroke.length for stroke in strokes) == pytest.approx(sum(piece.length for piece in pieces))
    assert len(strokes) == 1


def test_an_outline_with_a_gap_is_closed_straight_across_it():
    half_square = [LineString([(0, 0), (0, 1), (1, 1)]), LineString([(1, 0.9), (1, 0)])]
    (ring,) = basemap._rings(half_square)
    assert ring.area == pytest.approx(1)


def pmtiles(path: Path) -> tuple[dict[str, int], bytes]:
    """Header and metadata, by the specification of PMTiles, version 3."""
    raw = path.read_bytes()
    assert raw[:7] == b"PMTiles"
    assert raw[7] == 3
    start, length = struct.unpack_from("<QQ", raw, 24)
    metadata = raw[start : start + length]
    return {"max_zoom": raw[101]}, gzip.decompress(metadata) if raw[97] == 2 else metadata


def test_a_name_is_also_written_in_the_readers_languages_where_it_differs():
    tags = {"name": "Helsinki", "name:sv": "Helsingfors", "name:fi": "Helsinki", "name:ja": "ヘルシンキ"}
    assert basemap._names(tags) == {"name": "Helsinki", "name:sv": "Helsingfors"}
    assert basemap._names({"name:sv": "Esplanaden"}) == {}
