"""The board's map. The only file that imports Folium, which hears of geometry, numbers and ids, and never of a name:
it writes strings into the page as they are. Names come to the map as JSON and are shown as text (static/js/board.js).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import folium
from branca.element import MacroElement
from folium.template import Template
from markupsafe import Markup

from routing.model.places import Bounds, Location
from web.palette import route_class, route_dash

ATTRIBUTION = "© OpenStreetMap contributors"
EDGE_PX = 36
CLOSEST = 16

LEAFLET_CSS = "vendor/leaflet/leaflet.css"
SCRIPTS = (
    "vendor/leaflet/leaflet.js",
    "vendor/protomaps-leaflet/protomaps-leaflet.js",
    "js/basemap.js",
    "js/board_map.js",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The way of one shift along the roads; `number` is the route's, from 1."""

    shift: int
    number: int
    points: tuple[Location, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A marker. `kind`: stop, left_out or depot; `key` is the stop's, delivery's or depot's id; `text` a number."""

    kind: str
    key: int
    at: Location
    text: str = ""
    shift: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """Where a map's tiles come from; `bounds` is the box that they are of, None when they are of everywhere."""

    url: str
    bounds: Bounds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnMap:
    """The three pieces of a map for a page: in its head, where it stands, and behind everything."""

    head: Markup
    html: Markup
    script: Markup


class _OwnMap(folium.Map):
    """A Folium map that loads nothing but our own files."""

    def __init__(self, *, asset: Callable[[str], str], **options: Any) -> None:
        self.default_js = [(path, asset(path)) for path in SCRIPTS]
        self.default_css = [(LEAFLET_CSS, asset(LEAFLET_CSS))]
        super().__init__(tiles=None, **options)
        self._id = "board"


class _Basemap(MacroElement):
    """The regions' own tiles, drawn by the browser, each over its region; light or dark as the page is."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = BoardMap.basemap({{ this._parent.get_name() }}, {{ this.settings|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, tiles: Sequence[Tiles], lang: str) -> None:
        super().__init__()
        self._name = "Basemap"
        layers = [{"url": each.url, "bounds": each.bounds and _box(each.bounds)} for each in tiles]
        self.settings = {"layers": layers, "lang": lang, "attribution": ATTRIBUTION}


class _Pins(MacroElement):
    """All markers in one list: three hundred elements of their own would take Folium a second."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = BoardMap.pins(
                {{ this._parent.get_name() }}, {{ this.pins|tojson }}, {{ this.opens_on|tojson }}
            );
        {% endmacro %}
        """
    )

    def __init__(self, pins: Iterable[Pin], opens_on: list[list[float]]) -> None:
        super().__init__()
        self._name = "Pins"
        self.pins = [_plain(pin) for pin in pins]
        self.opens_on = opens_on


def draw_board_map(
    *,
    lines: Sequence[Line],
    pins: Sequence[Pin],
    tiles: Sequence[Tiles],
    lang: str,
    nonce: str,
    asset: Callable[[str], str],
    bounds: Sequence[Location] = (),
) -> DrawnMap:
    """The map with routes, stops, depots and what was left out, over these tiles; without any it has no streets.

    `bounds` are the places it shows at first; left out: the pins.
    """
    chart = _OwnMap(asset=asset, location=(0.0, 0.0), zoom_start=2)
    if tiles:
        _Basemap(tiles, lang).add_to(chart)
    for line in lines:
        for layer in ("casing", "line"):
            _way(line, layer).add_to(chart)
    opens_on = _corners(bounds or [pin.at for pin in pins])
    _Pins(pins, opens_on).add_to(chart)
    if opens_on:
        chart.fit_bounds(opens_on, padding=(EDGE_PX, EDGE_PX), max_zoom=CLOSEST)
    return _partials(chart, nonce)


def _corners(places: Sequence[Location]) -> list[list[float]]:
    """The box around the places as Leaflet takes it, [[south, west], [north, east]]; [] without any."""
    if not places:
        return []
    lats, lons = [each.lat for each in places], [each.lon for each in places]
    return [[min(lats), min(lons)], [max(lats), max(lons)]]


def _box(bounds: Bounds) -> list[list[float]]:
    """The same of a region's bounds."""
    return [[bounds.south, bounds.west], [bounds.north, bounds.east]]


def _way(line: Line, layer: str) -> folium.PolyLine:
    """Twice for each route: a thin dark edge lets a light colour be seen on a light street."""
    return folium.PolyLine(
        [(point.lat, point.lon) for point in line.points],
        weight=6 if layer == "casing" else 4,
        opacity=1,
        dash_array=route_dash(line.number) if layer == "line" else None,
        # The colour is the stylesheet's, which wins over the attribute that Leaflet writes.
        class_name=f"route-{layer} {route_class(line.number)} of-shift-{line.shift}",
    )


def _plain(pin: Pin) -> dict[str, Any]:
    plain = asdict(pin)
    plain["at"] = [round(pin.at.lat, 6), round(pin.at.lon, 6)]
    plain["routeClass"] = route_class(pin.number) if pin.number else ""
    del plain["number"]
    return plain


def _partials(chart: _OwnMap, nonce: str) -> DrawnMap:
    figure: Any = chart.get_root()
    figure.render()
    # Folium's own head closes the zoom to people who need it and sets the size of the whole page.
    for name in ("meta_http", chart.get_name()):
        figure.header._children.pop(name, None)
    rendered = [child.render() for child in figure.header._children.values()]
    sheets = "\n".join(each for each in rendered if each.lstrip().startswith("<link"))
    scripts = "\n".join(each for each in rendered if each.lstrip().startswith("<script"))
    return DrawnMap(
        head=Markup(sheets),
        html=Markup(figure.html.render()),
        script=Markup(
            scripts.replace("<script ", f'<script nonce="{nonce}" ')
            + f'\n<script nonce="{nonce}">\n{figure.script.render()}\n</script>'
        ),
    )
