"""The board's map loads nothing from outside and hears of no name."""

from __future__ import annotations

import re

import pytest

from routing.model.places import Bounds, Location
from web.maps import ATTRIBUTION, DrawnMap, Line, Pin, Tiles, draw_board_map
from web.palette import DASH

NORTH = Location(lat=60.1771, lon=24.9505)
SOUTH = Location(lat=60.1650, lon=24.9481)


HELSINKI = Tiles(url="/basemap/helsinki.pmtiles")


def drawn(*, routes: int = 1, tiles: tuple[Tiles, ...] = (HELSINKI,), lang: str = "fi") -> DrawnMap:
    return draw_board_map(
        lines=[Line(shift=100 + n, number=n, points=(NORTH, SOUTH)) for n in range(1, routes + 1)],
        pins=[
            Pin(kind="stop", key=7, at=SOUTH, text="1", shift=101, number=1),
            Pin(kind="left_out", key=8, at=NORTH),
            Pin(kind="depot", key=9, at=NORTH),
        ],
        tiles=tiles,
        lang=lang,
        nonce="n0nce",
        asset=lambda path: f"/static/{path}?v=1",
    )


def whole(found: DrawnMap) -> str:
    return f"{found.head}{found.html}{found.script}"


def test_the_map_names_no_address_outside() -> None:
    assert "://" not in whole(drawn())
    assert not re.search(r"""["'(]//""", whole(drawn()))


def test_only_our_own_files_are_loaded() -> None:
    loaded = re.findall(r'(?:src|href)="([^"]+)"', whole(drawn()))
    assert loaded == [
        "/static/vendor/leaflet/leaflet.css?v=1",
        "/static/vendor/leaflet/leaflet.js?v=1",
        "/static/vendor/protomaps-leaflet/protomaps-leaflet.js?v=1",
        "/static/js/basemap.js?v=1",
        "/static/js/board_map.js?v=1",
    ]


def test_every_script_tag_carries_the_nonce_and_nothing_is_inline_style() -> None:
    text = whole(drawn())
    tags = re.findall(r"<script[^>]*>", text)
    assert tags
    assert all('nonce="n0nce"' in tag for tag in tags)
    assert "<style" not in text
    assert not re.search(r"<[^>]+\sstyle=", text)
    assert not re.search(r"<[^>]+\son\w+=", text)


def test_the_zoom_of_the_page_stays_with_its_reader() -> None:
    assert "viewport" not in whole(drawn())
    assert "user-scalable" not in whole(drawn())


def test_the_offline_map_says_whose_it_is_and_speaks_the_readers_language() -> None:
    script = drawn(lang="sv").script
    assert '"url": "/basemap/helsinki.pmtiles"' in script
    assert '"lang": "sv"' in script
    assert ATTRIBUTION == "© OpenStreetMap contributors"


def test_without_tiles_the_routes_are_still_drawn() -> None:
    script = drawn(tiles=()).script
    assert "BoardMap.basemap" not in script
    assert "L.polyline" in script


def test_several_regions_each_bring_their_own_tiles_over_their_box() -> None:
    ribe = Bounds(south=55.3, west=8.7, north=55.4, east=8.8)
    script = drawn(tiles=(HELSINKI, Tiles(url="/basemap/ribe.pmtiles", bounds=ribe))).script
    assert '{"bounds": null, "url": "/basemap/helsinki.pmtiles"}' in script
    assert '{"bounds": [[55.3, 8.7], [55.4, 8.8]], "url": "/basemap/ribe.pmtiles"}' in script


def test_the_map_tells_the_page_the_box_that_it_opens_on() -> None:
    box = [[SOUTH.lat, SOUTH.lon], [NORTH.lat, NORTH.lon]]
    assert f"{box}\n" in drawn().script


def test_routes_are_dashed_from_the_ninth_on() -> None:
    lines = re.findall(r'"className": "route-line ([^"]+)".*?"dashArray": (null|"[^"]*")', drawn(routes=9).script)
    assert [dash for _, dash in lines] == ["null"] * 8 + [f'"{DASH}"']
    assert lines[8][0] == "route-1 route-dash of-shift-109"


def test_a_stop_is_its_number_and_its_colours_class_never_a_name() -> None:
    script = drawn().script
    assert '"key": 7, "kind": "stop", "routeClass": "route-1", "shift": 101, "text": "1"' in script
    assert '"key": 8, "kind": "left_out", "routeClass": ""' in script


def test_a_pin_has_no_room_for_a_name() -> None:
    with pytest.raises(TypeError):
        Pin(kind="stop", key=1, at=NORTH, name="<img src=x>")  # type: ignore[call-arg]
