"""Plus codes that count from a city, and links or texts that name two places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import osmium
import pytest

from routing.engines.addresses.gazetteer import Gazetteer
from routing.engines.addresses.gazetteer_build import build_gazetteer
from routing.model.places import Location, PinQuality, metres_between
from routing.rules.points import PlusCode
from tests.routing.addresses.towns import door, town

CAPITAL, NORTH = Location(lat=55.6728, lon=12.56), Location(lat=57.05, lon=9.92)


def far_apart(folder: Path, doors: Sequence[tuple[Location, dict[str, str]]]) -> Gazetteer:
    pbf = folder / "land.osm.pbf"
    with osmium.SimpleWriter(str(pbf)) as writer:
        for number, (at, tags) in enumerate(doors, 1):
            node = osmium.osm.mutable.Node(id=number, location=(at.lon, at.lat), tags=tags, version=1)
            writer.add_node(node)
    build_gazetteer(pbf, folder / "addresses.db")
    return Gazetteer(folder / "addresses.db")


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gazetteer]:
    capital = door("Istedgade", "10", city="København V", postcode="1650", country="DK")
    north = door("Boulevarden", "1", city="Aalborg", postcode="9000", country="DK")
    with far_apart(tmp_path_factory.mktemp("land"), [(CAPITAL, capital), (NORTH, north)]) as gazetteer:
        yield gazetteer


@pytest.mark.parametrize(
    ("short", "place", "whole"),
    [
        ("MHF6+22", "København", "9F7JMHF6+22"),
        ("MHF6+22", "1650 København V", "9F7JMHF6+22"),
        ("MHF6+22", "København, Danmark", "9F7JMHF6+22"),
        ("3W2C+22", "Aalborg", "9F9F3W2C+22"),
        ("3W2C+22", "9000 Aalborg, Denmark", "9F9F3W2C+22"),
    ],
)
def test_a_short_code_counts_from_the_doors_of_its_city(land: Gazetteer, short: str, place: str, whole: str) -> None:
    meant = PlusCode(before=whole[:8], behind=whole[9:]).near(CAPITAL)
    assert meant is not None
    for written in (f"{short} {place}", f"{place}, {short}"):
        located = land.locate(written)
        assert located.quality is PinQuality.EXACT, (written, located)
        assert metres_between(located.candidates[0].location, Location(lat=meant.lat, lon=meant.lon)) < 1


def test_a_short_code_that_no_city_of_ours_settles_is_asked_about(land: Gazetteer, tmp_path: Path) -> None:
    for written in ("MHF6+22", "MHF6+22 København, Sverige", "MHF6+22 8000 Aarhus", "MHF6+22, 8000 København"):
        assert not land.locate(written).quality.goes_on, written
    # The same name at both ends of the land: which is meant?
    both = [
        (CAPITAL, door("Istedgade", "10", city="By", country="DK")),
        (Location(lat=56.6728, lon=9.56), door("Boulevarden", "1", city="By", country="DK")),
    ]
    with far_apart(tmp_path, both) as gazetteer:
        located = gazetteer.locate("MHF6+22 By")
        assert not located.quality.goes_on
        assert "more than one place near By" in located.why


def test_a_link_to_a_plus_code_names_its_place(land: Gazetteer) -> None:
    assert land.locate("https://plus.codes/9F7JMHF6+22") == land.locate("9F7JMHF6+22")


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gazetteer]:
    doors = [
        door("Istedgade", number, city="København V", postcode="1650", country="DK") for number in ("10", "12", "20")
    ]
    with town(tmp_path_factory.mktemp("street"), doors) as gazetteer:
        yield gazetteer


@pytest.mark.parametrize(
    ("written", "label"),
    [
        (
            "https://www.google.com/maps/dir/Start/Istedgade+10,+København/Istedgade+20,+København/@50,10,15z",
            "Istedgade 20",
        ),
        ("https://www.google.com/maps/dir/Start/Istedgade+10,+København/", "Istedgade 10"),
        ("https://www.google.com/maps/dir/50.0000,10.0015/50.0000,10.0030/50.0000,10.0045/", "50.000000, 10.0045"),
        (
            "https://maps.apple.com/?saddr=50.0000,10.0015&daddr=50.0000,10.0045&ll=50.0000,10.0030",
            "50.000000, 10.0045",
        ),
        ("https://maps.apple.com/?ll=50.0000,10.0030&q=Istedgade", "50.000000, 10.003"),
        ("Istedgade 12 https://www.google.com/maps?q=50.0000,10.0030", "50.000000, 10.003"),
        (
            "https://www.google.com/maps?q=50.0000,10.0030 https://www.google.com/maps?q=50.0001,10.0030",
            "50.000000, 10.003",
        ),
    ],
)
def test_a_link_to_a_way_leads_to_its_destination(street: Gazetteer, written: str, label: str) -> None:
    located = street.locate(written)
    assert located.quality is PinQuality.EXACT, located.why
    assert located.candidates[0].label.startswith(label)


@pytest.mark.parametrize(
    "written",
    [
        "https://www.google.com/maps?q=50.0000,10.0015 https://www.google.com/maps?q=50.0000,10.0045",
        "geo:50.0000,10.0015 geo:50.0000,10.0045",
        "https://maps.google.com/?q=50.0000,10.0015&destination=50.0000,10.0045",
        "https://www.openstreetmap.org/?mlat=50.0000&mlon=10.0015&q=50.0000,10.0045",
        "Istedgade 20, 1650 København V https://www.google.com/maps?q=50.0000,10.0015",
        "https://www.google.com/maps?q=50.0000,10.0015\nIstedgade 20, 1650 København V",
        "Søndergade 1, 8000 Aarhus C, https://www.google.com/maps?q=50.0000,10.0015",
        "Istedgade 10 https://www.google.com/maps?q=Istedgade+20,+København",
    ],
)
def test_a_link_or_a_text_that_names_two_places_is_asked_about(street: Gazetteer, written: str) -> None:
    located = street.locate(written)
    assert not located.quality.goes_on, located
