"""A blank that is missing: between street and number, number and postcode, postcode and city."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from routing.engines.addresses.gazetteer import Gazetteer
from routing.model.places import PinQuality
from tests.routing.addresses.towns import door, town

DOORS = [
    door("Store Kongensgade", "34", city="København K", postcode="1264", country="DK"),
    door("Nørrebrogade", "10", city="København N", postcode="2200", country="DK"),
    door("Nørrebrogade", "10A", city="København N", postcode="2200", country="DK"),
    door("Vej 3", "7", city="København N", postcode="2200", country="DK"),
]


@pytest.fixture(scope="module")
def denmark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gazetteer]:
    with town(tmp_path_factory.mktemp("denmark"), DOORS) as gazetteer:
        yield gazetteer


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("Store Kongensgade34", "34"),
        ("Store Kongensgade34, 1264 København K", "34"),
        ("St. Kongensgade34, 2. tv, 1264 København K", "34"),
        ("Store Kongensgade 34,1264 København K", "34"),
        ("Store Kongensgade 34 1264København K", "34"),
        ("Store Kongensgade 34, 1264København K", "34"),
        ("Store Kongensgade34,1264København K", "34"),
        ("Nørrebrogade10A, 2200", "10 A"),
        ("NØRREBROGADE10A, 2200 KØBENHAVN N", "10 A"),
        ("Nørrebrogade10 a", "10 A"),
        ("Nørrebrogade10,2.tv", "10"),
        ("10Nørrebrogade, København N", "10"),
        ("Nørrebrogade,10", "10"),
        ("Nørrebrogade nr10", "10"),
        ("Nørrebrogade10", "10"),
        ("Firma24 ApS, Nørrebrogade10, 2200 København N", "10"),
    ],
)
def test_a_missing_blank_is_read(denmark: Gazetteer, written: str, number: str) -> None:
    located = denmark.locate(written)
    assert located.quality is PinQuality.EXACT, located
    assert located.candidates[0].house_number == number


@pytest.mark.parametrize(
    "written",
    [
        "Store Kongensgade3 4", "Store Kongensgade34B", "Store Kongensgade341264", "Nørrebrogade10B, 2200",
        "Kongensgade34", "Nørrebrogade10og34",
    ],
)  # fmt: skip
def test_a_missing_blank_makes_no_other_number(denmark: Gazetteer, written: str) -> None:
    assert not denmark.locate(written).quality.goes_on


@pytest.mark.parametrize(
    ("typed", "label"),
    [
        ("Store Kongensgade34", "Store Kongensgade 34"),
        ("store kong34", "Store Kongensgade 34"),
        ("Kongensgade34", "Store Kongensgade 34"),
        ("Nørrebrogade10a", "Nørrebrogade 10 A"),
        ("nørrebrog1", "Nørrebrogade 10"),
        ("10nørrebro", "Nørrebrogade 10"),
    ],
)
def test_a_missing_blank_is_completed(denmark: Gazetteer, typed: str, label: str) -> None:
    assert denmark.suggest(typed)[0].label.startswith(label)
