"""Texts that say a little more than an address of ours: a letter, a sign, a second place. None of them may pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from routing.engines.addresses.gazetteer import Gazetteer
from routing.model.places import PinQuality
from tests.routing.addresses.towns import door, town

DOORS = [
    door("Istedgade", number, city="København V", postcode="1650", country="DK")
    for number in ("1", "2", "4 A", "10", "19", "20")
]


@pytest.fixture(scope="module")
def denmark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gazetteer]:
    with town(tmp_path_factory.mktemp("denmark"), DOORS) as gazetteer:
        yield gazetteer


@pytest.mark.parametrize(
    "number",
    ["19B, 2. tv", "19 B 2. tv", "19 B, st. th.", "19 B 4", "19 Z 21", "19 bis 21", "19x21", "19 x 21"],
)
def test_a_letter_that_does_not_exist_is_asked_about_beside_a_flat_too(denmark: Gazetteer, number: str) -> None:
    assert not denmark.locate(f"Istedgade {number}, 1650 København V").quality.goes_on


def test_a_stair_is_one_plain_letter_where_houses_have_stairs(tmp_path: Path) -> None:
    doors = [door("Fabianinkatu", "19", city="Helsinki", postcode="00100", country="FI")]
    with town(tmp_path, doors) as finland:
        for number, is_sure in (("19 B 21", True), ("19 B, 2. krs", True), ("19 bis 21", False), ("19x21", False)):
            assert finland.locate(f"Fabianinkatu {number}, 00100 Helsinki").quality.goes_on is is_sure, number


@pytest.mark.parametrize(
    "number",
    ["19#21", "19 # 21", "19 #21", "19 3/4", "19 ½", "4 A, B", "4 A B", "19, B, C", "4 A ½", "19 hus 12",
     "19, house 12", "4 A hus 12", "19 unit 5 house 6", "1 0", "1\n0", "2 0"],
)  # fmt: skip
def test_a_sign_or_a_letter_without_a_unit_s_word_is_asked_about(denmark: Gazetteer, number: str) -> None:
    assert not denmark.locate(f"Istedgade {number}, 1650 København V").quality.goes_on


@pytest.mark.parametrize("number", ["hus 19", "19, 2. tv", "19, st", "20, 101", "4 A, 3. th"])
def test_a_unit_s_word_or_a_word_before_the_number_stays_sure(denmark: Gazetteer, number: str) -> None:
    assert denmark.locate(f"Istedgade {number}, 1650 København V").quality.goes_on


def test_a_number_sign_is_a_unit_where_people_write_units_so(tmp_path: Path) -> None:
    with town(tmp_path, [door("Main Street", "5", city="Town", state="MD", country="US")]) as america:
        for written in ("5 Main Street #12, Town MD", "5 Main Street, # 12, Town MD", "Main Street 5 #12, Town MD"):
            assert america.locate(written).quality.goes_on, written
        assert not america.locate("5 Main Street, A, B, Town MD").quality.goes_on


@pytest.mark.parametrize(
    "blank", ["\u3164", "\uffa0", "\u1160", "\u115f", "\x00", "\x85", "\r", "\t", "\u00a0", "\u2009"]
)
def test_a_blank_within_a_number_makes_two_of_it(denmark: Gazetteer, blank: str) -> None:
    for number in (f"1{blank}9", f"2{blank}0", f"1{blank}0", f"2{blank}7"):
        for written in (
            f"Istedgade {number}, 1650 København V",
            f"Istedgade {number}",
            f"Istedgade {number} 1650 København V",
        ):
            assert not denmark.locate(written).quality.goes_on, (number, written)


@pytest.mark.parametrize("blank", ["\x85", "\r", "\t", "\u00a0", "\u2009"])
def test_a_blank_between_number_and_postcode_says_nothing(denmark: Gazetteer, blank: str) -> None:
    assert denmark.locate(f"Istedgade{blank}19{blank}1650{blank}København{blank}V").quality.goes_on


AMERICA = [
    door("Mill Court", "11", city="Owings Mills", postcode="21117", state="MD", country="US"),
    door("Oak Road", "5", city="Mount Washington", postcode="21209", state="MD", country="US"),
    door("Elm Street", "7", city="Baltimore", postcode="21215", state="MD", country="US"),
]


@pytest.fixture(scope="module")
def america(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gazetteer]:
    with town(tmp_path_factory.mktemp("america"), AMERICA) as gazetteer:
        yield gazetteer


@pytest.mark.parametrize(
    ("written", "city"),
    [
        ("11 Mill Court, Owings, MD", ""),
        ("11 Mill Court, Owings, Maryland, USA", ""),
        ("Mill Court 11 Owings MD", ""),
        ("11 Mill Court", "Owings"),
        ("5 Oak Road, Mount, MD", ""),
        ("7 Elm Street (Baltimore OH)", ""),
        ("Elm Street 7 (Baltimore OH)", ""),
    ],
)
def test_the_first_word_of_a_city_is_another_town(america: Gazetteer, written: str, city: str) -> None:
    assert not america.locate(written, city=city).quality.goes_on


@pytest.mark.parametrize(
    "written", ["11 Mill Court, Owings Mills, MD", "11 Mill Court, Owings Mills", "7 Elm Street, Baltimore MD 21215"]
)
def test_the_whole_city_stays_sure(america: Gazetteer, written: str) -> None:
    assert america.locate(written).quality.goes_on


@pytest.mark.parametrize("city", ["København", "København V", "1650 København"])
def test_a_city_without_its_district_stays_sure(denmark: Gazetteer, city: str) -> None:
    assert denmark.locate(f"Istedgade 10, {city}").quality.goes_on


@pytest.mark.parametrize(
    "written",
    [
        "Istedgade 10, København V, Nevada",
        "Istedgade 10, 1650 København V, Nevada",
        "Aarhus, Istedgade 10, 1650 København V",
        "Odense C, Istedgade 10, 1650 København V",
        "Nygade 7, Istedgade 10, 1650 København V",
    ],
)
def test_a_place_elsewhere_is_no_district_and_no_company(denmark: Gazetteer, written: str) -> None:
    assert not denmark.locate(written).quality.goes_on


@pytest.mark.parametrize(
    "written", ["Firma 24 ApS, Istedgade 10, 1650 København V", "Radisson, Istedgade 10, 1650 København V"]
)
def test_a_company_in_front_stays_sure(denmark: Gazetteer, written: str) -> None:
    assert denmark.locate(written).quality.goes_on


@pytest.mark.parametrize("number", ["\u202e01", "10\u202e21", "\u202e91\u202c"])
def test_a_sign_that_turns_digits_round_is_refused(denmark: Gazetteer, number: str) -> None:
    """What is seen is 10, and what is read is 01."""
    for located in (
        denmark.locate(f"Istedgade {number}, 1650 København V"),
        denmark.locate("Istedgade 10", city=f"{number} København V"),
        denmark.locate("Istedgade 10", postcode=f"{number}650"),
    ):
        assert located.quality is PinQuality.NOT_FOUND
        assert "turns" in located.why


@pytest.mark.parametrize("number", ["~10", "≈ 10", "<10", "> 10", "±10"])
def test_a_sign_of_about_is_asked_about(denmark: Gazetteer, number: str) -> None:
    assert not denmark.locate(f"Istedgade {number}, 1650 København V").quality.goes_on


@pytest.mark.parametrize(
    "written",
    [
        "Istedgade 10, c/o Jensen, 1650 København V",
        "Istedgade 10 c/o Jensen, 1650 København V",
        "Istedgade 10, 2. tv, c/o Jensen & Søn, 1650 København V",
        "Istedgade 10, 1650 København V, c/o Jensen",
        "Istedgade 10, att. Lageret, 1650 København V",
        "Istedgade 10, Attn: Receiving, 1650 København V",
        "c/o Jensen, Istedgade 10, 1650 København V",
        "Firma c/o Jensen, Istedgade 10, 1650 København V",
        "Istedgade 10, c/o Jensen",
    ],
)
def test_who_takes_the_goods_says_nothing_of_the_door(denmark: Gazetteer, written: str) -> None:
    located = denmark.locate(written)
    assert located.quality is PinQuality.EXACT, located
    assert located.candidates[0].house_number == "10"


@pytest.mark.parametrize(
    "written",
    [
        "Istedgade 10, c/o Jensen, Sorø",
        "Istedgade 10, c/o Sorø, 1650 København V",
        "Istedgade 10, c/o Jensen Aarhus, 1650 København V",
        "Istedgade 10, c/o Istedgade 19, 1650 København V",
        "Istedgade 10, c/o Jensen 19, 1650 København V",
        "Istedgade 10, c/o Istedgade, 8000 Aarhus C",
        "c/o Jensen, Aarhus",
        "c/o Jensen",
        "Istedgade 10 c, 1650 København V",
    ],
)
def test_a_place_beside_who_takes_the_goods_is_asked_about(denmark: Gazetteer, written: str) -> None:
    assert not denmark.locate(written).quality.goes_on


@pytest.fixture(scope="module")
def two_streets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gazetteer]:
    nyhavn = door("Nyhavn", "17", city="København K", postcode="1051", country="DK")
    with town(tmp_path_factory.mktemp("two"), [*DOORS, nyhavn]) as gazetteer:
        yield gazetteer


@pytest.mark.parametrize(
    "written",
    [
        "Nyhavn 17, Istedgade 10, 1650 København V",
        "Nyhavn 17, 2. tv, Istedgade 10, 1650 København V",
        "Nyhavn 17\nIstedgade 10\n1650 København V",
        "Firma ApS, Nyhavn 17, Istedgade 10, 1650 København V",
        "Nyhavn 99, Istedgade 10, 1650 København V",
    ],
)
def test_a_further_street_of_ours_with_a_number_is_asked_about_whatever_it_is_called(
    two_streets: Gazetteer, written: str
) -> None:
    """No word in Nyhavn says that it is a street; the map does."""
    located = two_streets.locate(written)
    assert not located.quality.goes_on, located
    assert "Nyhavn" in located.why or any(each.street == "Nyhavn" for each in located.candidates)


@pytest.mark.parametrize(
    "written",
    [
        "Café Nyhavn, Istedgade 10, 1650 København V",
        "Nyhavn 17 ApS, Istedgade 10, 1650 København V",
    ],
)
def test_a_company_called_like_a_street_stays_sure(two_streets: Gazetteer, written: str) -> None:
    assert two_streets.locate(written).quality is PinQuality.EXACT


@pytest.mark.parametrize("number", ["$10", "€ 10", "@10", "= 10", "≠10", "+10", "10?", "10 ?"])
def test_a_sign_that_makes_no_house_number_is_asked_about(denmark: Gazetteer, number: str) -> None:
    assert not denmark.locate(f"Istedgade {number}, 1650 København V").quality.goes_on


@pytest.mark.parametrize(
    "written", ["10? Istedgade", "10 Istedgade ?", "10% Istedgade", "10' Istedgade", '10" Istedgade']
)
def test_a_sign_behind_a_number_in_front_is_asked_about(denmark: Gazetteer, written: str) -> None:
    assert not denmark.locate(f"{written}, 1650 København V").quality.goes_on


@pytest.mark.parametrize("said", ["2. tv", "2.th", "10. mf.", "10. TV", "10th floor", "10th Fl.", "10TH FLOOR"])
def test_a_floor_without_a_house_number_is_no_house(denmark: Gazetteer, said: str) -> None:
    """The full stop makes it the second floor: the house is missing."""
    located = denmark.locate(f"Istedgade {said}, 1650 København V")
    assert not located.quality.goes_on
    assert "tv" in located.why.casefold() or "th" in located.why or "mf" in located.why


@pytest.mark.parametrize("said", ["10 tv", "10, tv", "10. 2. tv", "10 st. tv", "10, 2. tv."])
def test_a_house_with_its_floor_stays_sure(denmark: Gazetteer, said: str) -> None:
    assert denmark.locate(f"Istedgade {said}, 1650 København V").quality is PinQuality.EXACT


@pytest.mark.parametrize(
    "name", ["Peter Balle", "Anna Borup", "Jens Malling", "Lars Hagen", "Jack London", "Sydney Olsen"]
)
def test_a_name_that_is_a_town_s_too_is_who_takes_the_goods(denmark: Gazetteer, name: str) -> None:
    for word in ("att.", "c/o", "Attn:"):
        assert denmark.locate(f"Istedgade 10, {word} {name}, 1650 København V").quality is PinQuality.EXACT
        assert denmark.locate(f"Istedgade 10, {word} {name}", city="København V").quality is PinQuality.EXACT


@pytest.mark.parametrize(
    "written",
    [
        "Istedgade 10, c/o Peter Balle",
        "Istedgade 10, c/o Balle, 1650 København V",
        "Istedgade 10, c/o Peter Aarhus, 1650 København V",
        "Istedgade 10, c/o Peter Balle, Sorø",
    ],
)
def test_a_town_alone_or_with_no_place_beside_it_may_be_the_place(denmark: Gazetteer, written: str) -> None:
    assert not denmark.locate(written).quality.goes_on
