"""Texts that say a little more, or a little else, than an address of ours: none of them may pass for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from routing.engines.addresses.gazetteer import Gazetteer
from routing.model.places import PinQuality
from tests.routing.addresses.towns import door, town

DOORS = [
    door("Istedgade", number, city="København V", postcode="1650", country="DK") for number in ("1", "10", "12", "103")
] + [
    door("Parkvej", "149", city="Valby", postcode="2500", country="DK"),
    door("Parkvej", "11", city="København NV", postcode="2400", country="DK"),
    door("Solvej", "25", city="Frederiksberg", postcode="2000", country="DK"),
]
AMERICA = [
    door("Delight Road", "118", city="Reisterstown", state="MD", postcode="21136", country="US"),
    door("Oak Road", "5", city="Baltimore", state="MD", postcode="21215", country="US"),
]


@pytest.fixture(scope="module")
def denmark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gazetteer]:
    with town(tmp_path_factory.mktemp("denmark"), DOORS) as gazetteer:
        yield gazetteer


@pytest.fixture(scope="module")
def america(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gazetteer]:
    with town(tmp_path_factory.mktemp("america"), AMERICA) as gazetteer:
        yield gazetteer


@pytest.mark.parametrize(
    "written",
    [
        "Istedgade 10, Aarhus 8000",
        "Istedgade 10\nAarhus 8000",
        "Istedgade 10, Aarhus C 8000",
        "8000 Aarhus, Istedgade 10",
        "DK-8000 Aarhus C, Istedgade 10",
        "Firma ApS, 8000 Aarhus, Istedgade 10",
        "Istedgade 10, DK8000",
        "Istedgade 10, DK8000 Aarhus",
        "Istedgade 10, DK 8000 Aarhus",
        "Istedgade 10, dk-8000 aarhus",
        "Istedgade 10, D8000 Aarhus",
        "Istedgade 10, SE-1650 København V",
        "Istedgade 10, sw1a 1aa",
        "Istedgade 10, St Louis",
        "Istedgade 10, St. Louis MO",
        "Istedgade 10, Tampa FL",
        "Istedgade 10 Tampa FL",
        "Istedgade 10, København, FL",
        "Istedgade 10, Port St Lucie FL",
        "Istedgade 10, Box Hill",
        "Istedgade 10, Flat Rock",
    ],
)
def test_a_place_elsewhere_is_outside_wherever_it_stands_in_the_text(denmark: Gazetteer, written: str) -> None:
    assert denmark.locate(written).quality is PinQuality.OUTSIDE


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("Aarhus, Istedgade 10", 'What does "Aarhus" say?'),
        ("Istedgade 10, 1650 København V, Vietnam", 'What does "Vietnam" say?'),
        ("Istedgade 10, Apt 3 Aarhus", 'What does "Apt 3 Aarhus" say?'),
        ("Istedgade 10 Aarhus, 1650 København V", 'What does "Aarhus" say?'),
        ("Istedgade 10, #Aarhus", "Aarhus"),
        ("Istedgade 10, Istedgade 12", "Pick one."),
        ("8000 Aarhus, Istedgade 10, 1650 København V", "two places, 1650 København V and 8000 Aarhus"),
        ("Parkvej 149, Dalby", "is in Valby, not in Dalby"),
        ("Solvej 25, Frederiksborg", "is in Frederiksberg, not in Frederiksborg"),
        ("Parkvej 11, København NV Nord", "is in København NV, not in København NV Nord"),
        ("Istedgade 12.5", 'What does "12.5" say?'),
        ("Istedgade 1.000", 'What does "1.000" say?'),
        ("Istedgade 1,000", 'What does "1.000" say?'),
        ("Istedgade 10 og 12", "og 12"),
        ("Istedgade 10 & 12", "& 12"),
        ("Istedgade 1¼", "1⁄4"),
        ("Istedgade 0000012", "No street"),
        ("geo:50.0,10.0030;u=9000", "off by 9000 m"),
        ("geo:50.0000,10.0030;crs=nad27", "WGS 84"),
        ("49°59'60\"N 10°00'20\"E", "end at 59"),
        ("geo:50.0000,10.0030?q=Istedgade%2010%2C%20Aarhus", "where the map was looked at"),
    ],
)
def test_what_the_text_says_besides_is_asked_about(denmark: Gazetteer, written: str, asked: str) -> None:
    located = denmark.locate(written)
    assert not located.quality.goes_on
    assert asked in located.why


def test_a_country_before_the_postcode_counts_in_its_field_too(denmark: Gazetteer) -> None:
    assert denmark.locate("Istedgade 10", postcode="SE-1650").quality is PinQuality.OUTSIDE
    assert denmark.locate("Istedgade 10", postcode="DK-1650").quality is PinQuality.EXACT


def test_a_raised_digit_is_not_a_further_digit_of_the_number(denmark: Gazetteer) -> None:
    for written, number in (("Istedgade 1²", "1"), ("Istedgade 10³ tv", "10"), ("Istedgade 1⁰", "1")):
        assert denmark.locate(written).candidates[0].house_number == number


@pytest.mark.parametrize(
    ("written", "city"),
    [
        ("118 Delight Road, Westminster 21157", ""),
        ("118 Delight Road\nWestminster 21157", ""),
        ("118 Delight Road, Suite 5 Westminster", ""),
        ("118 Delight Rd, FL 33101", ""),
        ("118 Delight Rd, FL", ""),
        ("Delight Rd 118 Reisterstown FL", ""),
        ("5 Oak Road, Baltimore Highlands", ""),
        ("118 Delight Road, Westminster 21157", "Reisterstown"),
        ("118 Delight Road, Westminster", "Reisterstown"),
        ("118 Delight Road, Baltimore", "Reisterstown"),
        ("118 Delight Road", "Reisterstown FL"),
    ],
)
def test_a_text_that_speaks_against_its_fields_or_region_is_not_sure(
    america: Gazetteer, written: str, city: str
) -> None:
    assert not america.locate(written, city=city).quality.goes_on


@pytest.mark.parametrize(
    "written",
    [
        "1650 København V, Istedgade 10",
        "København V, Istedgade 10",
        "Firma ApS, 2. sal, Istedgade 10, 1650 København V",
        "Istedgade 10, DK-1650 København V",
        "Istedgade 10, 1650 København V Danmark",
        "Istedgade 10, København",
        "Istedgade 10, 1650 Kobenhvn V",
        "Istedgade 10, 2. SAL, TV, 1650 KØBENHAVN V",
        "Istedgade 10 st. th., 1650 København V",
        "Istedgade 10, 3.tv",
        "Istedgade 10, baghuset, 1650 København V",
        "Istedgade 10, kl. tv, 1650 København V",
        "Istedgade 10, 2. OG links, 1650 København V",
    ],
)
def test_what_is_right_stays_exact(denmark: Gazetteer, written: str) -> None:
    located = denmark.locate(written)
    assert (located.quality, located.candidates[0].house_number) == (PinQuality.EXACT, "10"), located


@pytest.mark.parametrize(
    "written",
    [
        "118 Delight Rd, Reisterstown, Maryland, USA",
        "118 Delight Rd, Reisterstown MD 21136 USA",
        "118 Delight Rd, 2nd floor, Reisterstown",
        "118 Delight Rd Suite B Reisterstown MD 21136",
        "Acme Inc, Suite 5, 118 Delight Rd, Reisterstown",
        "Unit 5,118 Delight Rd, Reisterstown",
        "21136 Reisterstown, 118 Delight Rd",
    ],
)
def test_an_american_address_stays_exact(america: Gazetteer, written: str) -> None:
    assert america.locate(written).quality is PinQuality.EXACT


@pytest.mark.parametrize(
    "written",
    [
        "Istedgade 10, 12",
        "Istedgade 10 12",
        "Istedgade 10, 12, 1650 København V",
        "Istedgade 12, 10, 14",
        "Istedgade 10; 12",
    ],
)
def test_two_house_numbers_are_a_question(denmark: Gazetteer, written: str) -> None:
    located = denmark.locate(written)
    assert not located.quality.goes_on
    assert {each.house_number for each in located.candidates} >= {"10", "12"}
    assert "more than one number" in located.why


def test_a_number_that_stands_twice_is_asked_about_once(denmark: Gazetteer) -> None:
    located = denmark.locate("Istedgade 12 12, 1650 København V")
    assert not located.quality.goes_on
    assert [each.house_number for each in located.candidates] == ["12"]
    assert located.why.startswith("The address has its number twice: Istedgade 12, 1650 København V.")


@pytest.mark.parametrize(
    "written", ["Istedgade 10, 2. tv", "Istedgade 10, 12. sal", "Istedgade 10, lejl. 12", "Istedgade 10, 1101"]
)
def test_a_floor_is_no_second_house(denmark: Gazetteer, written: str) -> None:
    located = denmark.locate(written)
    assert "more than one number" not in located.why


def test_a_bare_number_is_a_flat_where_people_write_flats_so(tmp_path: Path) -> None:
    russia = [door("улица Ленина", number, city="Городок", country="RU") for number in ("5", "12")]
    finland = [door("Fabianinkatu", number, city="Helsinki", country="FI") for number in ("5 A", "12")]
    america = [door("Main Street", number, city="Town", state="MD", country="US") for number in ("5", "12")]
    for doors, written in (
        (russia, "улица Ленина 5, 12"),
        (finland, "Fabianinkatu 5 A 12, Helsinki"),
        (finland, "Fabianinkatu 5 A, 12, Helsinki"),
        (america, "5 Main Street, 12, Town MD"),
    ):
        with town(tmp_path, doors) as gazetteer:
            assert gazetteer.locate(written).quality is PinQuality.EXACT, written
    with town(tmp_path, [door("Torv", number, city="By", country="DK") for number in ("5 A", "12")]) as gazetteer:
        assert not gazetteer.locate("Torv 5 A, 12, By").quality.goes_on


@pytest.mark.parametrize(
    ("written", "exact"),
    [
        ("geo:0,0?q=Istedgade 10, 1650 København V", "Istedgade 10"),
        ("geo:0,0?q=Istedgade+10,+1650+K%C3%B8benhavn V", "Istedgade 10"),
        ("https://maps.google.com/?q=Istedgade 10, 1650 København V", "Istedgade 10"),
        ("geo:0,0?q=50.0000, 10.0030", "50.000000, 10.003000"),
        ("geo:0,0?q= 50.0000,10.0030(Back door)", "50.000000, 10.003000"),
        ("geo:50.0001,10.0030?q=50.0000,10.0030", "50.000000, 10.003000"),
    ],
)
def test_a_link_with_spaces_is_read_whole(denmark: Gazetteer, written: str, exact: str) -> None:
    located = denmark.locate(written)
    assert located.quality is PinQuality.EXACT, located.why
    assert located.candidates[0].label.startswith(exact)


def test_a_link_that_names_two_points_is_asked_about(denmark: Gazetteer) -> None:
    located = denmark.locate("geo:50.0000,10.0015?q=50.0000,10.0045(Back door)")
    assert located.quality is PinQuality.APPROXIMATE
    assert located.candidates[0].label == "50.000000, 10.004500"
    assert "names two places" in located.why


def test_a_point_beyond_the_edge_of_the_region_is_outside_it(denmark: Gazetteer) -> None:
    south = denmark.coverage.bounds.south
    assert denmark.locate(f"{south - 0.0003:.5f}, 10.00300").quality is PinQuality.EXACT
    beyond = denmark.locate(f"{south - 0.0010:.5f}, 10.00300")
    assert beyond.quality is PinQuality.OUTSIDE
    assert "outside" in beyond.why


@pytest.fixture
def maryland(tmp_path: Path) -> Iterator[Gazetteer]:
    doors = [
        door("Lightfoot Drive", "2911", city="Mount Washington", state="MD", postcode="21209"),
        door("Wengate Road", "5", city="Owings Mills", state="MD", postcode="21117"),
        door("Park Road", "7", city="St. Denis", state="MD", postcode="21227"),
        door("Fort Road", "3", city="Fort Howard", state="MD", postcode="21052"),
    ]
    with town(tmp_path, doors) as gazetteer:
        yield gazetteer


@pytest.mark.parametrize(
    "text",
    [
        "2911 Lightfoot Dr, Mt Washington, MD 21209", "2911 Lightfoot Dr, Mt. Washington, MD 21209",
        "2911 Lightfoot Dr, MT WASHINGTON, MD 21209", "2911 Lightfoot Dr, Mount Washington, Maryland 21209",
        "2911 Lightfoot Dr Mt Washington MD 21209", "2911 Lightfoot Dr, Mt Washington",
        "7 Park Rd, Saint Denis, MD 21227",
        "7 Park Rd, St Denis MD 21227", "3 Fort Rd, Ft. Howard, MD 21052", "3 Fort Rd, Ft Howard, Maryland",
        "5 Wengate Rd, Owings Mills, Maryland 21117", "5 Wengate Rd, Owings Mills Maryland 21117",
        "5 Wengate Rd Owings Mills Maryland 21117", "5 Wengate Rd, Owings Mills, Maryland, 21117, USA",
        "5 Wengate Rd, Maryland 21117", "5 Wengate Rd Owings Mills MD", "5 Wengate Rd Owings Mills Maryland",
        "5 Wengate Rd Owings Mills MD USA", "5 Wengate Rd Owings Mills MD 21117 USA", "5 Wengate Rd Owings Mills USA",
        "5 Wengate Rd Owings Mills, MD USA", "5 wengate rd owings mills md usa", "3 Fort Rd Fort Howard MD",
    ],
)  # fmt: skip
def test_short_names_of_cities_and_long_ones_of_states_are_read(maryland: Gazetteer, text: str) -> None:
    located = maryland.locate(text)
    assert (located.quality, located.why) == (PinQuality.EXACT, "")


def test_the_city_in_its_own_field_may_be_short_too(maryland: Gazetteer) -> None:
    located = maryland.locate("2911 Lightfoot Dr", postcode="21209", city="Mt. Washington")
    assert located.quality is PinQuality.EXACT


@pytest.mark.parametrize(
    "text",
    [
        "5 Wengate Rd, Owings Mills, Florida 21117", "5 Wengate Rd, Mt Vernon, Washington 98273",
        "5 Wengate Rd, Ft Washington, PA 19034", "5 Wengate Rd, Seattle, Washington 98101",
        "5 Wengate Rd Owings Mills VA", "5 Wengate Rd Owings Mills VA USA", "5 Wengate Rd Owings Mills Florida",
    ],
)  # fmt: skip
def test_another_state_by_its_full_name_lies_outside(maryland: Gazetteer, text: str) -> None:
    assert maryland.locate(text).quality is PinQuality.OUTSIDE


@pytest.mark.parametrize("floor", ["2nd floor", "2nd Fl.", "22ND FLOOR", "Apt 4"])
def test_a_floor_behind_an_american_street_says_nothing_of_the_door(america: Gazetteer, floor: str) -> None:
    for written in (f"118 Delight Road {floor}, Reisterstown, MD 21136", f"118 Delight Road {floor} Reisterstown"):
        located = america.locate(written)
        assert (located.quality, located.candidates[0].label) == (
            PinQuality.EXACT,
            "Delight Road 118, 21136 Reisterstown",
        )


@pytest.mark.parametrize(("written", "said"), [("Delight Road #118", "#118"), ("Oak Road # 5, Baltimore MD", "# 5")])
def test_a_sign_of_a_unit_behind_an_american_street_says_no_house(america: Gazetteer, written: str, said: str) -> None:
    located = america.locate(written)
    assert located.quality == PinQuality.APPROXIMATE
    assert f'What does "{said}" say?' in located.why
    assert america.locate("118 Delight Road #118").quality == PinQuality.EXACT


def test_elsewhere_the_sign_stands_before_a_number(denmark: Gazetteer) -> None:
    assert denmark.locate("Istedgade #10").quality == PinQuality.EXACT


@pytest.mark.parametrize("written", ["Istedgade -10", "Istedgade –10, 1650 København V"])
def test_a_range_that_lacks_its_beginning_is_asked_about(denmark: Gazetteer, written: str) -> None:
    located = denmark.locate(written)
    assert located.quality == PinQuality.APPROXIMATE
    assert "10" in located.why
    for plain in ("Istedgade - 10", "Istedgade-10", "Istedgade 10 tv", "Istedgade 10, tv"):
        assert denmark.locate(plain).quality == PinQuality.EXACT, plain


@pytest.mark.parametrize("written", ["Istedgade 10,12", "Istedgade 10, 12"])
def test_two_houses_with_a_comma_between_them_are_a_question(denmark: Gazetteer, written: str) -> None:
    assert denmark.locate(written).quality == PinQuality.AMBIGUOUS


@pytest.mark.parametrize(
    "written",
    [
        "Istedgade 01, 1650 København V", "Istedgade 01", "Istedgade 01, 2. tv, 1650 København V",
        "01 Istedgade, 1650 København V",
    ],
)  # fmt: skip
def test_a_zero_in_front_may_be_two_digits_that_changed_places(denmark: Gazetteer, written: str) -> None:
    located = denmark.locate(written)
    assert located.quality is PinQuality.AMBIGUOUS
    assert [each.house_number for each in located.candidates] == ["1", "10"]
    assert "begins with a zero" in located.why
    assert located.why.endswith("Pick one.")


def test_a_zero_in_front_says_nothing_where_no_such_door_is_known(denmark: Gazetteer) -> None:
    for written in ("Istedgade 012, 1650 København V", "Istedgade 0010, 1650 København V", "Parkvej 0149, Valby"):
        assert denmark.locate(written).quality is PinQuality.EXACT, written


@pytest.mark.parametrize(
    "written",
    [
        "Istedgade 10 København V Danmark", "Istedgade 10 1650 København V Danmark", "Istedgade 10 1650 København V DK",
        "istedgade 10 københavn v denmark", "Istedgade 10 2. tv København V Danmark",
    ],
)  # fmt: skip
def test_our_country_behind_the_city_needs_no_comma(denmark: Gazetteer, written: str) -> None:
    located = denmark.locate(written)
    assert (located.quality, located.candidates[0].house_number) == (PinQuality.EXACT, "10"), located.why


@pytest.mark.parametrize(
    "written", ["Istedgade 10 København V Sverige", "Istedgade 10 1650 København V Norway", "Istedgade 10 Sverige"]
)
def test_another_country_without_a_comma_is_not_sure(denmark: Gazetteer, written: str) -> None:
    assert not denmark.locate(written).quality.goes_on


@pytest.mark.parametrize("place", ["Reisterstown Canada", "Reisterstown MD Canada", "Reisterstown MD 21136 Canada"])
def test_another_country_behind_our_state_lies_outside(america: Gazetteer, place: str) -> None:
    assert america.locate(f"118 Delight Road {place}").quality is PinQuality.OUTSIDE


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Istedgade 10+12", "+12"),
        ("Istedgade 10 & 12", "& 12"),
        ("Istedgade 10 (ring 12)", "(ring 12)"),
        ("Istedgade 10 -D", "-D"),
    ],
)
def test_what_begins_with_a_sign_is_no_city_elsewhere(denmark: Gazetteer, written: str, said: str) -> None:
    located = denmark.locate(written)
    assert located.quality is PinQuality.APPROXIMATE
    assert located.why.startswith(f'What does "{said}" say? Without it this is Istedgade 10,')
