"""Places: where a thing is, and how surely we know it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import asin, cos, radians, sin, sqrt

from routing.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A point, WGS 84 degrees. Keyword-only on purpose: half the libraries we use say (lon, lat)."""

    lat: float
    lon: float

    def __post_init__(self) -> None:
        if not (-90 <= self.lat <= 90 and -180 <= self.lon <= 180):
            raise InvalidInput(
                f"({self.lat}, {self.lon}) is no place on earth: "
                "latitude is -90 to 90, longitude -180 to 180. Were they swapped?"
            )


class PinQuality(StrEnum):
    """How a pin was found. Only EXACT, INTERPOLATED and BY_PERSON go on by themselves; the rest wait for a person.

    They stand in the order in which one of several readings of a text is chosen, the surest first.
    """

    EXACT = "exact"
    INTERPOLATED = "interpolated"
    BY_PERSON = "by_person"
    AMBIGUOUS = "ambiguous"
    APPROXIMATE = "approximate"
    STREET = "street"
    DUPLICATE = "duplicate"
    OUTSIDE = "outside"
    NOT_FOUND = "not_found"

    @property
    def goes_on(self) -> bool:
        return self in (PinQuality.EXACT, PinQuality.INTERPOLATED, PinQuality.BY_PERSON)


SURE = tuple(quality.value for quality in PinQuality if quality.goes_on)
"""The words of the qualities with which a stop is planned; every other waits for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One possible reading of an address. `score` is 0 to 100, higher is surer; `source` names the provider."""

    location: Location
    label: str
    street: str
    house_number: str
    postcode: str = ""
    city: str = ""
    quality: PinQuality
    score: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """The answer to one address: the verdict, and the candidates best first (the verdict is about the first)."""

    quality: PinQuality
    candidates: tuple[Candidate, ...]
    why: str = ""
    """One sentence for the person who must decide; empty when nobody must."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A box in degrees, edges inclusive."""

    south: float
    west: float
    north: float
    east: float

    def holds(self, location: Location) -> bool:
        return self.south <= location.lat <= self.north and self.west <= location.lon <= self.east

    def metres_outside(self, location: Location) -> float:
        """How far a place lies from the box, 0 inside.

        >>> round(Bounds(south=55, west=8, north=56, east=9).metres_outside(Location(lat=56.001, lon=8.5)))
        111
        """
        lat = min(max(location.lat, self.south), self.north)
        lon = min(max(location.lon, self.west), self.east)
        return metres_between(location, Location(lat=lat, lon=lon))

    @property
    def km2(self) -> float:
        """
        >>> round(Bounds(south=55, west=8, north=56, east=9).km2)
        7003
        """
        height = sin(radians(self.north)) - sin(radians(self.south))
        return (_EARTH_M / 1000) ** 2 * radians(self.east - self.west) * height


_EARTH_M = 6_371_000.0


def metres_between(one: Location, other: Location) -> float:
    """Great-circle distance in metres."""
    lat1, lat2 = radians(one.lat), radians(other.lat)
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin(radians(other.lon - one.lon) / 2) ** 2
    return 2 * _EARTH_M * asin(sqrt(half))
