"""The gazetteer behind geopy's interface, for whatever already speaks it."""

from __future__ import annotations

import sqlite3
from typing import Any

from geopy.exc import GeocoderQueryError, GeocoderServiceError
from geopy.geocoders.base import DEFAULT_SENTINEL, Geocoder
from geopy.location import Location as GeopyLocation
from geopy.point import Point

from routing.engines.addresses.gazetteer import Gazetteer
from routing.errors import InvalidInput
from routing.model.places import Candidate, Located, Location, PinQuality


class GazetteerGeocoder(Geocoder):  # type: ignore[misc]  # geopy carries no types
    """`geocode` and `reverse` as geopy's users know them, answered from a file: no network, no key, no rate limit.

    With `exactly_one` only a verdict that needs no person is an answer, anything else is None. Without it the
    candidates come back whole, each with the verdict and its sentence in `raw`: "verdict", "why", "quality", "score".
    """

    def __init__(self, gazetteer: Gazetteer) -> None:
        super().__init__(scheme="http")
        self.gazetteer = gazetteer

    def geocode(
        self,
        query: str | dict[str, str],
        exactly_one: bool = True,
        *,
        timeout: Any = DEFAULT_SENTINEL,  # noqa: ARG002  # geopy's signature
        postcode: str = "",
        city: str = "",
    ) -> GeopyLocation | list[GeopyLocation] | None:
        """`query` is a text, or a mapping with street, postalcode and city as Nominatim takes it.

        Raises GeocoderQueryError for an empty or unreadable query, GeocoderServiceError when the file fails.
        `timeout` is accepted for the interface; a look-up takes a millisecond or two.
        """
        if isinstance(query, dict):
            unknown = sorted(set(query) - {"street", "postalcode", "city"})
            if unknown:
                raise GeocoderQueryError(f"{', '.join(unknown)}: give street, postalcode and city only.")
            postcode, city = query.get("postalcode", postcode), query.get("city", city)
            query = query.get("street", "")
        try:
            located = self.gazetteer.locate(query, postcode=postcode, city=city)
        except sqlite3.Error as error:
            raise GeocoderServiceError(f"The gazetteer cannot be read: {error}") from error
        if located.quality is PinQuality.NOT_FOUND and not located.candidates and not query.strip():
            raise GeocoderQueryError(located.why)
        return _answer(located, exactly_one)

    def reverse(
        self,
        query: Any,
        exactly_one: bool = True,
        *,
        timeout: Any = DEFAULT_SENTINEL,  # noqa: ARG002  # geopy's signature
    ) -> GeopyLocation | list[GeopyLocation] | None:
        """`query` is whatever geopy takes for a point: (lat, lon), "lat, lon" or a Point. Raises as `geocode` does."""
        try:
            point = Point(query)
            location = Location(lat=point.latitude, lon=point.longitude)
        except (ValueError, TypeError, InvalidInput) as error:
            raise GeocoderQueryError(f"{query!r} is no point: write latitude, longitude.") from error
        try:
            return _answer(self.gazetteer.reverse(location), exactly_one)
        except sqlite3.Error as error:
            raise GeocoderServiceError(f"The gazetteer cannot be read: {error}") from error


class GeocoderFinder:
    """Fits AddressFinder by asking a geopy geocoder: the services locate through this, whoever answers behind it."""

    def __init__(self, geocoder: GazetteerGeocoder) -> None:
        self.geocoder = geocoder

    def locate(self, address: str, *, postcode: str = "", city: str = "") -> Located:
        """Never raises for an address it cannot read: the answer says NOT_FOUND and why."""
        query = {"street": address, "postalcode": postcode, "city": city}
        try:
            found = self.geocoder.geocode(query, exactly_one=False)
        except GeocoderQueryError as error:
            return Located(quality=PinQuality.NOT_FOUND, candidates=(), why=str(error))
        if not found:
            # geopy has no word for why nothing was found; the gazetteer has.
            return self.geocoder.gazetteer.locate(address, postcode=postcode, city=city)
        return _located(found)

    def reverse(self, location: Location) -> Located:
        found = self.geocoder.reverse((location.lat, location.lon), exactly_one=False)
        return _located(found) if found else self.geocoder.gazetteer.reverse(location)

    def suggest(self, prefix: str, limit: int = 8) -> list[Candidate]:
        """Streets and doors that begin so, for a form."""
        return self.geocoder.gazetteer.suggest(prefix, limit)

    def own_place(self, text: str) -> tuple[str, str]:
        """The postcode and the city that a text names by itself, "" for what it does not."""
        return self.geocoder.gazetteer.own_place(text)

    def close(self) -> None:
        self.geocoder.gazetteer.close()


def _located(found: list[GeopyLocation]) -> Located:
    candidates = tuple(
        Candidate(
            location=Location(lat=each.latitude, lon=each.longitude),
            label=each.address,
            street=each.raw["street"],
            house_number=each.raw["house_number"],
            postcode=each.raw["postcode"],
            city=each.raw["city"],
            quality=PinQuality(each.raw["quality"]),
            score=each.raw["score"],
            source=each.raw["source"],
        )
        for each in found
    )
    return Located(quality=PinQuality(found[0].raw["verdict"]), candidates=candidates, why=found[0].raw["why"])


def _answer(located: Located, exactly_one: bool) -> GeopyLocation | list[GeopyLocation] | None:
    if exactly_one:
        return _location(located.candidates[0], located) if located.quality.goes_on else None
    return [_location(candidate, located) for candidate in located.candidates] or None


def _location(candidate: Candidate, located: Located) -> GeopyLocation:
    raw = {
        "verdict": str(located.quality),
        "quality": str(candidate.quality),
        "score": candidate.score,
        "street": candidate.street,
        "house_number": candidate.house_number,
        "postcode": candidate.postcode,
        "city": candidate.city,
        "source": candidate.source,
        "why": located.why,
    }
    return GeopyLocation(candidate.label, (candidate.location.lat, candidate.location.lon), raw)
