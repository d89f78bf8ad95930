"""Points that people write in place of an address: degrees, degrees with minutes and seconds, plus codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from routing.model.places import Bounds, Candidate, Located, Location, PinQuality, metres_between
from routing.rules.address import not_found
from routing.rules.coverage import Coverage
from routing.rules.place_text import PlaceText, place_of
from routing.rules.reading import Reading
from routing.rules.road_reach import outside
from routing.rules.spelling import clean, fold


@dataclass(frozen=True, slots=True, kw_only=True)
class PointText:
    """The two numbers as written, which may be off the earth. `fine`: exact enough for a door, about 100 m.

    `view`: it is where a map was looked at, which is no pin. `why` says what else speaks against it where not fine.
    """

    lat: float
    lon: float
    fine: bool
    view: bool = False
    why: str = ""


_DEGREES = r"(?:[NSEWnsew]\s*)?([-+−]?\d{1,3}(?:\.\d+)?)\s*°?\s*[NSEWnsew]?"
_PAIR = re.compile(rf"^\(?\s*{_DEGREES}\s*(?:[,;]\s*|\s+){_DEGREES}\s*\)?$")
_COMMA_PAIR = re.compile(r"^\(?\s*([-+−]?\d{1,3}),(\d{3,})\s*(?:[,;]\s*|\s+)([-+−]?\d{1,3}),(\d{3,})\s*\)?$")
_MINUTES = (
    r"""(\d{1,3})\s*[°º*d\s]\s*(\d{1,2}(?:[.,]\d+)?)\s*(?:['′’\s]\s*(?:(\d{1,2}(?:[.,]\d+)?)\s*(?:["″”]|'')?)?)?"""
)
_SIXTIETHS = re.compile(rf"^(?:([NSns])\s*)?{_MINUTES}\s*([NSns])?[\s,;]*(?:([EWOew])\s*)?{_MINUTES}\s*([EWOew])?$")


def parse_coordinates(text: str) -> PointText | None:
    """ "60.1699, 24.9384", "60,1699 24,9384" and 60°10'11.6"N 24°56'18.2"E; None for anything else.

    >>> parse_coordinates("60.1699 N, 24.9384 E")
    PointText(lat=60.1699, lon=24.9384, fine=True, view=False, why='')
    """
    # NFKC makes a º of an ordinal an "o".
    if sixtieths := _SIXTIETHS.match(" ".join(text.replace("º", "°").split())):
        return _of_sixtieths(sixtieths)
    text = clean(text)
    if comma := _COMMA_PAIR.match(text):
        text = f"{comma[1]}.{comma[2]}, {comma[3]}.{comma[4]}"
    match = _PAIR.match(text) if "." in text else None
    if not match:
        return None
    written = [match[1].replace("−", "-"), match[2].replace("−", "-")]
    lat, lon = float(written[0]), float(written[1])
    if re.search(r"\d\s*°?\s*[Ss]\b|^\(?\s*[Ss]", text.split(",")[0]):
        lat = -abs(lat)
    if re.search(r"\d\s*°?\s*[Ww]\b|\b[Ww]\s*\d", text):
        lon = -abs(lon)
    return PointText(lat=lat, lon=lon, fine=all(len(part.partition(".")[2]) >= 3 for part in written))


def _of_sixtieths(match: re.Match[str]) -> PointText | None:
    south, lat, east, lon = (
        (match[1] or match[5] or ""),
        match.group(2, 3, 4),
        (match[6] or match[10] or ""),
        match.group(7, 8, 9),
    )
    if not south or not east:
        return None  # three numbers without a direction are as likely anything else
    values = []
    is_sixtieth = True
    for degrees, minutes, seconds in (lat, lon):
        is_sixtieth = is_sixtieth and all(float((each or "0").replace(",", ".")) < 60 for each in (minutes, seconds))
        value = int(degrees) + float(minutes.replace(",", ".")) / 60 + float((seconds or "0").replace(",", ".")) / 3600
        values.append(value)
    fine = all(part[2] or "." in part[1] or "," in part[1] for part in (lat, lon))
    return PointText(
        lat=round(-values[0] if south in "Ss" else values[0], 7),
        lon=round(-values[1] if east in "Ww" else values[1], 7),
        fine=fine and is_sixtieth,
        why="" if is_sixtieth else "Minutes and seconds end at 59: one of the digits is wrong. Correct it.",
    )


# ---------------------------------------------------------------------------- plus codes

_DIGITS = "23456789CFGHJMPQRVWX"
_PLUS = re.compile(rf"^\(?([{_DIGITS}]{{2,8}})\+([{_DIGITS}]{{2,7}})?\)?(?:[\s,]+(\S.*))?$", re.IGNORECASE)
_PLUS_LAST = re.compile(rf"^(\S.*?)[\s,]+([{_DIGITS}]{{4,8}}\+[{_DIGITS}]{{2,7}})$", re.IGNORECASE)
_TOLD_APART_M = 5_000.0
"""Of two places that a short code may mean the one nearer to the city's doors by so much is meant."""
_PAIR_STEPS = (20.0, 1.0, 0.05, 0.0025, 0.000125)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlusCode:
    """An Open Location Code, whole (eight digits before the plus) or short, with the place written beside it."""

    before: str
    behind: str
    place: str = ""

    @property
    def is_whole(self) -> bool:
        return len(self.before) == 8

    def near(self, reference: Location) -> PointText | None:
        """The middle of the code's area; of a short code's, the one nearest to the reference."""
        missing = 8 - len(self.before)
        if missing % 2:
            return None
        if not missing:
            return _decoded(self.before + self.behind)
        step = _PAIR_STEPS[missing // 2 - 1]
        found = _decoded(_encoded(reference)[:missing] + self.before + self.behind)
        if found is None:
            return None
        lat, lon = found.lat, found.lon
        lat += step * round((reference.lat - lat) / step)
        lon += step * round((reference.lon - lon) / step)
        return PointText(lat=round(lat, 7), lon=round(lon, 7), fine=found.fine)


def parse_plus_code(text: str) -> PlusCode | None:
    """ "9FFW5WCR+2H" or "5WCR+2H Helsinki"; None for anything else.

    >>> parse_plus_code("5WCR+2H, Helsinki")
    PlusCode(before='5WCR', behind='2H', place='Helsinki')
    """
    text = clean(text)
    if match := _PLUS.match(text):
        before, behind, place = match[1], match[2] or "", match[3] or ""
    elif match := _PLUS_LAST.match(text):
        before, _, behind = match[2].partition("+")
        place = match[1]
    else:
        return None
    return PlusCode(before=before.upper(), behind=behind.upper(), place=place.strip(" ,"))


def _decoded(code: str) -> PointText | None:
    lat, lon = -90.0, -180.0
    for step, row, column in zip(_PAIR_STEPS, code[0:10:2], code[1:10:2], strict=False):
        lat, lon = lat + step * _DIGITS.index(row), lon + step * _DIGITS.index(column)
    height = width = _PAIR_STEPS[min(len(code), 10) // 2 - 1]
    for digit in code[10:]:
        height, width = height / 5, width / 4
        lat, lon = lat + height * (_DIGITS.index(digit) // 4), lon + width * (_DIGITS.index(digit) % 4)
    lat, lon = lat + height / 2, lon + width / 2
    if lat > 90 or lon > 180:
        return None
    return PointText(lat=round(lat, 7), lon=round(lon, 7), fine=len(code) >= 10)


def _encoded(location: Location) -> str:
    """The first eight digits of the code for a place."""
    lat, lon, code = min(location.lat, 89.9999) + 90, location.lon + 180, ""
    for step in _PAIR_STEPS[:4]:
        row, column = min(int(lat / step), 19), min(int(lon / step), 19)
        code += _DIGITS[row] + _DIGITS[column]
        lat, lon = lat - row * step, lon - column * step
    return code


# ---------------------------------------------------------------------------- judging


def judge_point(point: PointText, coverage: Coverage) -> Located:
    """Coordinates that somebody wrote in place of an address."""
    lat, lon = point.lat, point.lon
    written = f"{lat:.7g}, {lon:.8g}"
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        swapped = "Were they swapped? " if -90 <= lon <= 90 and -180 <= lat <= 180 else ""
        return not_found(f"{written} is no place on earth. {swapped}Write latitude, then longitude.")
    here = Location(lat=lat, lon=lon)
    if outside(here, coverage.bounds):
        if abs(lon) <= 90 and coverage.bounds.holds(turned := Location(lat=lon, lon=lat)):
            return Located(
                quality=PinQuality.APPROXIMATE,
                candidates=(_point(turned, PinQuality.APPROXIMATE, 60.0),),
                why=f"{written} lies outside, {lon:g}, {lat:g} inside: the two look swapped. Confirm it.",
            )
        where = coverage.name or "this region"
        return Located(quality=PinQuality.OUTSIDE, candidates=(), why=f"{written} lies outside {where}. Correct it.")
    if point.view:
        return Located(
            quality=PinQuality.APPROXIMATE,
            candidates=(_point(here, PinQuality.APPROXIMATE, 50.0),),
            why=f"The link says only where the map was looked at ({written}), not a pin. Confirm or correct it.",
        )
    if not point.fine:
        return Located(
            quality=PinQuality.APPROXIMATE,
            candidates=(_point(here, PinQuality.APPROXIMATE, 40.0),),
            why=point.why or f"{written} is too coarse for a door. Give at least three decimals, or set the pin.",
        )
    return Located(quality=PinQuality.EXACT, candidates=(_point(here, PinQuality.EXACT, 100.0),))


def _point(location: Location, quality: PinQuality, score: float) -> Candidate:
    label = f"{location.lat:.6f}, {location.lon:.6f}"
    return Candidate(
        location=location, label=label, street="", house_number="", quality=quality, score=score, source="coordinates"
    )


def judge_plus_code(code: PlusCode, coverage: Coverage, doors: Callable[[str], Sequence[Location]]) -> Located:
    """A short code counts from the place beside it: one without a place of ours is asked about.

    `doors` tells where the doors of a city lie that somebody wrote; none for one that no door carries."""
    place, beside = _place_of_code(code.place, coverage)
    if away := coverage.elsewhere(beside):
        return _outside(away, coverage)
    if place and not coverage.knows_city(place):
        return _outside(place, coverage)
    if not coverage.knows_postcode(beside.postcode):
        return _outside(beside.postcode, coverage)
    written = f"{code.before}+{code.behind}"
    around = doors(place) if place and not code.is_whole else ()
    points = _counted_from(code, around or _all_over(coverage.bounds, only_middle=not place))
    if not points:
        return not_found(f"{written} is no plus code: one has two, four, six or eight digits before the plus.")
    located = judge_point(points[0], coverage)
    if located.quality is not PinQuality.EXACT:
        return located
    mend = ""
    if place and not coverage.is_certain_of(place):
        mend = f"No city here is written {place[:60]}. Correct it, or confirm the pin."
    elif not code.is_whole and (not place or len(code.before) < 4):
        mend = f"{written} is short: without its city it may lie elsewhere. Write the city behind it, or confirm it."
    elif len(points) > 1:
        mend = f"{written} lies in more than one place near {place[:60]}. Write all its digits, or confirm the pin."
    if not mend:
        return located
    return Located(
        quality=PinQuality.APPROXIMATE,
        candidates=(_point(located.candidates[0].location, PinQuality.APPROXIMATE, 60.0),),
        why=mend,
    )


def _place_of_code(text: str, coverage: Coverage) -> tuple[str, Reading]:
    """(the city, what else is said) of "2200 København N, Denmark"."""
    city = postcode = state = country = ""
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        found = place_of(part, coverage.cities) or PlaceText(city=part)
        if not city and not found.city and not found.postcode and fold(part) in coverage.cities:
            found = PlaceText(city=part)
        city, postcode = city or found.city, postcode or found.postcode
        state, country = state or found.state, country or found.country
    return city, Reading(street="", number=None, postcode=postcode, state=state, country=country)


def _all_over(bounds: Bounds, *, only_middle: bool) -> list[Location]:
    south, west, north, east = bounds.south, bounds.west, bounds.north, bounds.east
    middle = Location(lat=(south + north) / 2, lon=(west + east) / 2)
    corners = [Location(lat=lat, lon=lon) for lat in (south, north) for lon in (west, east)]
    return [middle] if only_middle else [middle, *corners]


def _counted_from(code: PlusCode, around: Sequence[Location]) -> list[PointText]:
    """What the code may mean, counted from each of these: the nearest to one of them first, and with it those that
    are no farther than twice as far."""
    away: dict[PointText, float] = {}
    for reference in around:
        point = code.near(reference)
        if point is None:
            return []
        if abs(point.lat) <= 90 and abs(point.lon) <= 180:
            metres = metres_between(reference, Location(lat=point.lat, lon=point.lon))
            away[point] = min(away.get(point, metres), metres)
    points = sorted(away, key=lambda point: away[point])
    return [point for point in points if away[point] <= 2 * away[points[0]] + _TOLD_APART_M]


def _outside(said: str, coverage: Coverage) -> Located:
    where = coverage.name or "this region"
    return Located(quality=PinQuality.OUTSIDE, candidates=(), why=f"{said[:60]} lies outside {where}. Correct it.")
