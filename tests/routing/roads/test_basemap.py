from __future__ import annotations

import gzip
import math
import struct
from pathlib import Path

import osmium
import pytest
from shapely import LineString, Point, box

from routing.engines.roads import basemap
from routing.engines.roads.coastline import land_and_sea
from routing.engines.roads.outlines import rings, towns_by_outline, written_once

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


@pytest.mark.parametrize(
    ("written", "shown"), [("12", "12"), ("12 - 14", "12-14"), ("5;7", "5,7"), ("1;3;5;7;9", ""), ("", ""), ("s/n", "")]
)
def test_a_house_number_is_written_where_it_can_be_read(written, shown):
    assert basemap.house_number({"addr:housenumber": written}) == shown


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
    (ring,) = rings(half_square)
    assert ring.area == pytest.approx(1)


def test_a_lake_of_two_basins_is_called_once_in_the_larger_one():
    lake, pond = {"name": "Saint George's Lake"}, {"name": "Pond"}
    waters = [(lake, box(0, 0, 0.001, 0.001)), (lake, box(0.002, 0, 0.004, 0.001)), (pond, box(0.005, 0, 0.006, 0.001))]
    written = [(tags["name"], middle.x) for tags, middle in written_once(waters)]
    assert written == [("Saint George's Lake", pytest.approx(0.003)), ("Pond", pytest.approx(0.0055))]
    # Far away it is another lake of that name.
    assert len(list(written_once([*waters, (pond, box(1, 1, 1.001, 1.001))]))) == 3


def test_a_town_without_a_point_is_called_in_the_middle_of_its_outline(tmp_path: Path):
    """Three of four sides of a square are there; of another town one side in five; a third has a point."""
    pbf = tmp_path / "towns.osm.pbf"
    corners = [(0.0, 0.0), (0.1, 0.0), (0.1, 0.1), (0.0, 0.1)]
    town = {"type": "boundary", "boundary": "administrative", "place": "locality"}
    with osmium.SimpleWriter(str(pbf)) as writer:
        for ref, where in enumerate(corners, 1):
            writer.add_node(osmium.osm.mutable.Node(id=ref, version=1, location=where))
        for way in (1, 2, 3):
            writer.add_way(osmium.osm.mutable.Way(id=way, version=1, nodes=[way, way + 1], tags={"admin_level": "8"}))
        for number, (name, ways) in enumerate(
            (("Square", range(1, 5)), ("Far", range(1, 13)), ("Known", range(1, 5))), 1
        ):
            members = [("w", way if name != "Far" else way + 2, "outer") for way in ways]
            writer.add_relation(
                osmium.osm.mutable.Relation(id=number, version=1, members=members, tags=town | {"name": name})
            )
    ((tags, middle),) = towns_by_outline(pbf, box(0, 0, 1, 1), {"Known"})
    assert (tags["name"], middle.x, middle.y) == ("Square", pytest.approx(0.05), pytest.approx(0.05))
    assert basemap.point_kind(tags) is not None


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
