"""What a link to a map says: a point, or an address. Nothing is fetched: a shortened link hides its place."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, unquote, unquote_plus, urlsplit

from routing.model.places import Location, metres_between
from routing.rules.points import PointText, parse_coordinates, parse_plus_code

SHORTENERS = frozenset(
    {"maps.app.goo.gl", "goo.gl", "g.co", "osm.org", "bit.ly", "maps.apple", "share.here.com", "on.here.com"}
)
_LINK = re.compile(r"(?:https?://|geo:|maps:|comgooglemaps:|waze:)\S+", re.IGNORECASE)
_NUMBERS = r"([-+]?\d{1,3}(?:\.\d+)?)[,~/]\s*([-+]?\d{1,3}(?:\.\d+)?)"
_DEGREES = re.compile(r"^[-+]?\d{1,3}(?:[.,]\d+)?$")
# The pin of a place on Google's maps; what stands behind the @ is only where the map was looked at.
_GOOGLE_PIN = re.compile(r"!3d([-+]?\d{1,3}(?:\.\d+)?)!4d([-+]?\d{1,3}(?:\.\d+)?)")
_VIEW = re.compile(rf"(?:/@|[#&?]map=\d+(?:\.\d+)?/){_NUMBERS}")
# In this order: a pin or destination before what is searched for, both before where the map was looked at.
_PIN_FIELDS = ("coordinate", "destination", "daddr", "q", "query", "address", "to", "ll", "sll", "center", "cp", "map")
_SAID_FIELDS = ("coordinate", "destination", "daddr", "q", "query", "address", "to")
# Letters and a number: what may be an address.
_ADDRESS = re.compile(r"\d.*[^\W\d_]{2}|[^\W\d_]{2}.*\d")
_SURE_WITHIN_M = 50.0
_POINT_FIRST = ("maps.apple.com", "waze.com", "ul.waze.com")
"""Where ll is the pin and q only its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """What the link says: `point`, or `text` to look up, or neither and `why`.

    `beside`: an address that the text holds beside the link."""

    point: PointText | None = None
    text: str = ""
    why: str = ""
    beside: str = ""


def parse_link(text: str) -> Linked | None:
    """Reads geo: links and those of Google, Apple, OpenStreetMap, Waze, Bing and HERE; None where there is no link."""
    found = list(_LINK.finditer(text))
    if not found:
        return None
    if len(found) > 1:
        each = [_web(match[0].rstrip(").,;>")) for match in found]
        linked = each[0] if all(_agree(each[0], other) for other in each[1:]) else _torn(each)
        return _beside(linked, _LINK.sub(" ", text))
    match = found[0]
    link = match[0].rstrip(").,;>")
    said_more = "?" in link and text[: match.start()].strip() == ""
    if said_more and link[:4].casefold() == "geo:":
        # Who copies one by hand leaves its spaces as they are.
        return _geo(" ".join(text[match.start() :].split()).rstrip(".,;>"))
    linked = _web(link)
    rest = text[match.end() :].strip()
    if said_more and rest and linked.text:
        return replace(linked, text=f"{linked.text} {rest}")
    return _beside(linked, f"{text[: match.start()]} {rest}")


def _beside(linked: Linked, rest: str) -> Linked:
    """With what else the text says, where that may be an address."""
    said = rest.strip(" \t\r\n,;:.()<>")
    return replace(linked, beside=said) if _ADDRESS.search(" ".join(said.split())) else linked


def _agree(one: Linked, other: Linked) -> bool:
    if one.point is not None and other.point is not None:
        return _is_near(one.point, other.point)
    return bool(one.text) and one.text == other.text


def _torn(each: list[Linked]) -> Linked:
    why = "The text names two places by links. Confirm or correct it."
    point = next((one.point for one in each if one.point is not None), None)
    return Linked(point=replace(point, fine=False, why=why)) if point else Linked(why=why)


def _web(link: str) -> Linked:
    try:
        parts = urlsplit(link)
    except ValueError:  # a bracket that is not closed, or signs that no host has
        return Linked(why="This link cannot be read. Copy the coordinates or the address instead.")
    if parts.scheme.casefold() == "geo":
        return _geo(link)
    host = (parts.hostname or "").removeprefix("www.")
    if host in SHORTENERS and not parts.query and "/@" not in parts.path:
        return Linked(why="A shortened link hides its place. Open it, and copy the long one, or the coordinates.")
    if host == "plus.codes" and parse_plus_code(code := unquote(parts.path).strip("/")):
        return Linked(text=code)
    said = parse_qs(parts.query)
    # "A to:B" is a way by A to B.
    fields = {name.casefold(): values[0].split(" to:")[-1].strip() for name, values in said.items()}
    values = {name.casefold(): [value.split(" to:")[-1].strip() for value in each] for name, each in said.items()}
    pins = [_point(*pin) for pin in _GOOGLE_PIN.findall(unquote(link))]
    pins += [point for name in _SAID_FIELDS for value in values.get(name, ()) if (point := _point_in(value))]
    for lat, lon in (("mlat", "mlon"), ("lat", "lon"), ("lat", "lng")):
        if _DEGREES.match(fields.get(lat, "")) and _DEGREES.match(fields.get(lon, "")):
            point = _point(fields[lat].replace(",", "."), fields[lon].replace(",", "."))
            return _of_pins([point, *pins] if lat == "mlat" else [point])
    if _GOOGLE_PIN.search(unquote(link)):
        return _of_pins(pins)
    for name in ("daddr", "destination", "ll", *_PIN_FIELDS) if host in _POINT_FIRST else _PIN_FIELDS:
        value = _bare(fields.get(name, ""))
        if not value:
            continue
        if point_in := _point_in(value):
            if name in ("center", "cp", "map", "sll"):
                return Linked(point=_view(point_in))
            return _of_pins([point_in, *pins] if name != "ll" else [point_in])
        if name not in ("ll", "sll", "center", "cp", "map") and re.search(r"[^\W\d_]", value):
            return Linked(text=value)
    if named := _named_in(parts.path):
        text = unquote_plus(named)
        return Linked(point=parse_coordinates(text)) if parse_coordinates(text) else Linked(text=text)
    if view := _VIEW.search(unquote(link)):
        return Linked(point=_view(_point(view[1], view[2])))
    return Linked(why="This link names no place. Copy the coordinates or the address instead.")


def _bare(value: str) -> str:
    return value.removeprefix("loc:").removeprefix("ll.")


def _point_in(value: str) -> PointText | None:
    at = re.match(rf"^{_NUMBERS}(?:,\d+(?:\.\d+)?)?(?:\(.*\))?$", _bare(value))
    return _point(at[1], at[2]) if at else None


def _of_pins(pins: list[PointText]) -> Linked:
    """The first of them; farther than a door from another it is a question."""
    first = pins[0]
    other = next((pin for pin in pins[1:] if not _is_near(first, pin)), None)
    if other is None:
        return Linked(point=first)
    names = f"{first.lat:g}, {first.lon:g} and {other.lat:g}, {other.lon:g}"
    return Linked(point=replace(first, fine=False, why=f"The link names two places, {names}. Confirm or correct it."))


def _named_in(path: str) -> str:
    """The place in the path of one of Google's links; of a way the last, its destination."""
    if way := re.search(r"/maps/dir/(.*)", path):
        legs = [leg for leg in way[1].rstrip("/").split("/") if not leg.startswith(("@", "data=", "am="))]
        return legs[-1] if len(legs) > 1 else ""
    named = re.search(r"/maps/(?:place|search)/([^/@?]+)", path)
    return named[1] if named else ""


def _geo(link: str) -> Linked:
    body, _, query = link[4:].partition("?")
    fields = parse_qs(query)
    asked = fields.get("q", [""])[0].strip()
    body_at = re.match(rf"^{_NUMBERS}", body)
    at = re.match(rf"^{_NUMBERS}", asked)
    if at:
        pin = _point(at[1], at[2])
        # Elsewhere the first point is where the map is looked at; who wrote two that differ may mean either.
        if (
            body_at is None
            or (float(body_at[1]), float(body_at[2])) == (0.0, 0.0)
            or _is_near(_point(*body_at.groups()), pin)
        ):
            return Linked(point=pin)
        why = f"The link names two places, {body_at[0]} and {at[0]}. Confirm or correct it."
        return Linked(point=replace(pin, fine=False, why=why))
    # geo:lat,lon[,height][;crs=...][;u=metres], RFC 5870.
    said = dict(part.casefold().partition("=")[::2] for part in body.split(";")[1:])
    if said.get("crs", "wgs84") != "wgs84":
        return Linked(why=f"This geo: link counts by {said['crs'][:20]}. Copy the coordinates in WGS 84 instead.")
    at = body_at
    if asked and (at is None or (float(at[1]), float(at[2])) == (0.0, 0.0)):
        return Linked(text=asked)
    if not at:
        return Linked(why="This geo: link names no place.")
    point = _point(at[1], at[2])
    if _metres(said.get("u", "0")) > _SURE_WITHIN_M:
        why = f"The link says that its point may be off by {said['u'][:20]} m. Confirm or correct it."
        return Linked(point=replace(point, fine=False, why=why))
    return Linked(point=_view(point) if re.search(r"\d.*[^\W\d_]{2}|[^\W\d_]{2}.*\d", asked) else point)


def _is_near(one: PointText, other: PointText) -> bool:
    if not (abs(one.lat) <= 90 and abs(other.lat) <= 90 and abs(one.lon) <= 180 and abs(other.lon) <= 180):
        return False
    near = Location(lat=one.lat, lon=one.lon), Location(lat=other.lat, lon=other.lon)
    return metres_between(*near) <= _SURE_WITHIN_M


def _metres(text: str) -> float:
    """How far off the point may be; what is no number says that nobody knows."""
    return float(text) if re.fullmatch(r"\d{1,9}(?:\.\d+)?", text) else _SURE_WITHIN_M + 1


def _point(lat: str, lon: str) -> PointText:
    fine = all(len(part.partition(".")[2]) >= 3 for part in (lat, lon))
    return PointText(lat=float(lat), lon=float(lon), fine=fine)


def _view(point: PointText) -> PointText:
    """Where somebody looked is no pin, however many decimals it has."""
    return replace(point, view=True)
