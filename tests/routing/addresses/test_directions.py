"""A direction that stands at the other end of an American street's name than on the map."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from routing.engines.addresses.gazetteer import Gazetteer
from routing.model.places import PinQuality
from tests.routing.addresses.towns import door, town


def _door(street: str, number: str, city: str = "Springfield") -> dict[str, str]:
    return door(street, number, city=city, state="MD", postcode="21117" if city == "Springfield" else "21209")


DOORS = [
    _door("Ridgeway Avenue South", "11101"),
    _door("West Joppa Road", "12"),
    _door("North Main Street", "5"),
    _door("South Main Street", "5"),
    _door("East Oak Street", "7"),
    _door("Oak Street", "7"),
    _door("West Elm Street", "9"),
    _door("East Elm Street", "9", "Shelbyville"),
    _door("4th Street North", "3"),
    _door("South Street", "2"),
]


@pytest.fixture(scope="module")
def america(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gazetteer]:
    with town(tmp_path_factory.mktemp("america"), DOORS) as gazetteer:
        yield gazetteer


@pytest.mark.parametrize(
    ("written", "street"),
    [
        ("11101 S Ridgeway Ave", "Ridgeway Avenue South"),
        ("11101 S. Ridgeway Avenue, Springfield MD 21117", "Ridgeway Avenue South"),
        ("11101 South Ridgeway Ave, Springfield", "Ridgeway Avenue South"),
        ("12 Joppa Rd W", "West Joppa Road"),
        ("12 Joppa Road West, Springfield, MD", "West Joppa Road"),
        ("Joppa Road W 12, Springfield", "West Joppa Road"),
        ("3 N 4th St, Springfield", "4th Street North"),
        ("9 Elm Street West, Springfield", "West Elm Street"),
    ],
)
def test_a_direction_at_the_other_end_is_found(america: Gazetteer, written: str, street: str) -> None:
    located = america.locate(written)
    assert located.quality is PinQuality.EXACT, located
    assert located.candidates[0].street == street


@pytest.mark.parametrize(
    ("written", "street"),
    [
        ("5 Main St South, Springfield", "South Main Street"),
        ("5 Main Street N", "North Main Street"),
        ("7 Oak St E, Springfield", "East Oak Street"),
    ],
)
def test_it_is_asked_about_where_the_name_has_other_directions(america: Gazetteer, written: str, street: str) -> None:
    located = america.locate(written)
    assert not located.quality.goes_on
    assert located.candidates[0].street == street
    assert located.why.startswith(f"Read as {street}")


@pytest.mark.parametrize(
    "written",
    ["11101 N Ridgeway Ave", "11101 Ridgeway Ave", "12 E Joppa Rd", "12 Joppa Rd E", "5 Main St", "5 Main St W",
     "2 Street South", "12 W Joppa Rd E", "9 Elm St N", "9 Elm St East, Springfield"],
)  # fmt: skip
def test_another_direction_or_none_is_never_sure(america: Gazetteer, written: str) -> None:
    assert not america.locate(written).quality.goes_on


@pytest.mark.parametrize("written", ["12 Joppa Rd, Springfield", "12 Joppa Road"])
def test_a_missing_direction_is_asked_about_however_the_street_is_shortened(america: Gazetteer, written: str) -> None:
    located = america.locate(written)
    assert located.quality is PinQuality.APPROXIMATE
    assert located.candidates[0].street == "West Joppa Road"
