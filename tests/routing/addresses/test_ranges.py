"""Two numbers with a hyphen: a door of the map's own, two doors, or one that is known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from routing.engines.addresses.gazetteer import Gazetteer
from routing.model.places import PinQuality
from tests.routing.addresses.towns import door, town

DOORS = [
    door("Istedgade", number, city="København V", postcode="1650", country="DK")
    for number in ("10", "12", "14", "20", "28-30", "32", "40A", "42B", "50", "50A", "52")
]


@pytest.fixture(scope="module")
def denmark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gazetteer]:
    with town(tmp_path_factory.mktemp("denmark"), DOORS) as gazetteer:
        yield gazetteer


@pytest.mark.parametrize("written", ["10-12", "10 - 12", "10–12", "12-10", "10/12", "10 12"])
def test_two_doors_are_asked_about_with_both(denmark: Gazetteer, written: str) -> None:
    located = denmark.locate(f"Istedgade {written}, 1650 København V")
    assert located.quality is PinQuality.AMBIGUOUS, located
    assert [each.house_number for each in located.candidates] == ["10", "12"]
    assert "no such number" not in located.why


def test_the_sentence_on_two_doors_is_true(denmark: Gazetteer) -> None:
    assert denmark.locate("Istedgade 10-12").why == (
        "Istedgade 10-12 is not known as one door: Istedgade 10, 1650 København V or Istedgade 12, 1650 København V. "
        "Pick one."
    )
    located = denmark.locate("Istedgade 10-14")
    assert [each.house_number for each in located.candidates] == ["10", "14", "12"]


@pytest.mark.parametrize(("written", "known"), [("20-22", "20"), ("18-20", "20"), ("50-54", "50")])
def test_one_end_that_is_known_is_asked_about(denmark: Gazetteer, written: str, known: str) -> None:
    located = denmark.locate(f"Istedgade {written}")
    assert not located.quality.goes_on
    assert located.candidates[0].house_number == known
    assert "no such number" not in located.why


def test_a_range_of_the_map_stays_sure(denmark: Gazetteer) -> None:
    for written in ("28-30", "28", "30", "28 - 30"):
        located = denmark.locate(f"Istedgade {written}, 1650 København V")
        assert located.quality is PinQuality.EXACT, written
        assert located.candidates[0].house_number == "28-30"


def test_a_range_without_a_known_end_has_no_such_number(denmark: Gazetteer) -> None:
    located = denmark.locate("Istedgade 60-62")
    assert not located.quality.goes_on
    assert "no such number" in located.why
