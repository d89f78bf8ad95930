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

from routing.model.places import Location
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
    """The region's own tiles, drawn by the browser; light or dark as the page is."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = BoardMap.basemap({{ this._parent.get_name() }}, {{ this.settings|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, url: str, lang: str) -> None:
        super().__init__()
        self._name = "Basemap"
        self.settings = {"url": url, "lang": lang, "attribution": ATTRIBUTION}


class _Pins(MacroElement):
    """All markers in one list: three hundred elements of their own would take Folium a second."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = BoardMap.pins({{ this._parent.get_name() }}, {{ this.pins|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, pins: Iterable[Pin]) -> None:
        super().__init__()
        self._name = "Pins"
        self.pins = [_plain(pin) for pin in pins]


def draw_board_map(
    *,
    lines: Sequence[Line],
    pins: Sequence[Pin],
    basemap: str,
    lang: str,
    nonce: str,
    asset: Callable[[str], str],
    bounds: Sequence[Location] = (),
) -> DrawnMap:
    """The map with routes, stops, depots and what was left out. `basemap` is the tiles' address, empty for none.

    `bounds` are the places it shows at first; left out: the pins.
    """
    chart = _OwnMap(asset=asset, location=(0.0, 0.0), zoom_start=2)
    if basemap:
        _Basemap(basemap, lang).add_to(chart)
    for line in lines:
        for layer in ("casing", "line"):
            _way(line, layer).add_to(chart)
    _Pins(pins).add_to(chart)
    corners = [[each.lat, each.lon] for each in bounds or [pin.at for pin in pins]]
    if corners:
        chart.fit_bounds(
            [[min(lat for lat, _ in corners), min(lon for _, lon in corners)],
             [max(lat for lat, _ in corners), max(lon for _, lon in corners)]],
            padding=(EDGE_PX, EDGE_PX),
            max_zoom=CLOSEST,
        )  # fmt: skip
    return _partials(chart, nonce)


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
