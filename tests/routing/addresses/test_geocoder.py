"""The gazetteer as geopy's users see it."""

from __future__ import annotations

import geopy.exc
import pytest
from geopy.geocoders.base import Geocoder

from routing.engines.addresses.gazetteer import Gazetteer
from routing.engines.addresses.geocoder import GazetteerGeocoder, GeocoderFinder
from routing.model.places import Location


@pytest.fixture
def geocoder(gazetteer: Gazetteer) -> GazetteerGeocoder:
    return GazetteerGeocoder(gazetteer)


def test_it_is_a_geocoder_and_answers_with_one_location(geocoder: GazetteerGeocoder) -> None:
    assert isinstance(geocoder, Geocoder)
    found = geocoder.geocode("Fabianinkatu 29, Helsinki")
    assert found.address.startswith("Fabianinkatu")
    assert found.latitude == pytest.approx(60.17, abs=0.02)
    assert found.raw["quality"] == "exact"


def test_a_doubtful_address_is_no_answer_but_its_candidates_can_be_asked_for(geocoder: GazetteerGeocoder) -> None:
    assert geocoder.geocode("Fabianinkatu 9999") is None
    candidates = geocoder.geocode("Fabianinkatu 9999", exactly_one=False)
    assert candidates[0].raw["quality"] == "approximate"
    assert "no such number" in candidates[0].raw["why"]


def test_a_structured_query_is_understood(geocoder: GazetteerGeocoder) -> None:
    query = {"street": "Fabiansgatan 29", "postalcode": "00100", "city": "Helsingfors"}
    assert geocoder.geocode(query).raw["street"] == "Fabianinkatu"
    with pytest.raises(geopy.exc.GeocoderQueryError, match="planet"):
        geocoder.geocode({"planet": "earth"})


def test_reverse_names_the_nearest_door(geocoder: GazetteerGeocoder) -> None:
    found = geocoder.geocode("Aleksanterinkatu 15")
    assert geocoder.reverse((found.latitude, found.longitude)).address == found.address


def test_what_is_no_query_is_geopys_error(geocoder: GazetteerGeocoder) -> None:
    with pytest.raises(geopy.exc.GeocoderQueryError):
        geocoder.geocode("  ")
    with pytest.raises(geopy.exc.GeocoderQueryError):
        geocoder.reverse("nowhere at all")


@pytest.mark.parametrize(
    ("address", "postcode", "city"),
    [
        ("Fabianinkatu 29", "", "Helsinki"),
        ("Fabianinaktu 29", "00100", "Helsinki"),
        ("Fabianinkatu 9999", "", ""),
        ("Fabianinkatu", "", ""),
        ("Hämeentie 100", "00550", "Helsinki"),
        ("Kungsgatan 1", "", "Stockholm"),
        ("60.1699, 24.9384", "", ""),
        ("", "", ""),
        ('"*" OR 1=1 --', "", ""),
        ("x" * 10_000, "", ""),
        ("\x00", "", ""),
    ],
)
def test_locating_through_geopy_says_what_the_gazetteer_says(
    geocoder: GazetteerGeocoder, address: str, postcode: str, city: str
) -> None:
    through = GeocoderFinder(geocoder).locate(address, postcode=postcode, city=city)
    assert through == geocoder.gazetteer.locate(address, postcode=postcode, city=city)


def test_a_place_is_named_through_geopy_as_the_gazetteer_names_it(geocoder: GazetteerGeocoder) -> None:
    here = Location(lat=60.1699, lon=24.9484)
    assert GeocoderFinder(geocoder).reverse(here) == geocoder.gazetteer.reverse(here)
