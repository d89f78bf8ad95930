"""What stands beside the city, and what stands before the street: nobody's company, and no other name of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from routing.engines.addresses.gazetteer import Gazetteer
from routing.model.places import PinQuality
from tests.routing.addresses.towns import door, town

AMERICA = [
    door("Appleby Avenue", "1301", city="Baltimore", postcode="21209", state="MD", country="US"),
    door("Mill Court", "11", city="Owings Mills", postcode="21117", state="MD", country="US"),
]
DENMARK = [
    door("Istedgade", number, city="København V", postcode="1650", country="DK") for number in ("10", "12", "19")
]


@pytest.fixture(scope="module")
def america(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gazetteer]:
    with town(tmp_path_factory.mktemp("america"), AMERICA) as gazetteer:
        yield gazetteer


@pytest.fixture(scope="module")
def denmark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gazetteer]:
    with town(tmp_path_factory.mktemp("denmark"), DENMARK) as gazetteer:
        yield gazetteer


@pytest.mark.parametrize(
    "city",
    [
        "Baltimore, Cork", "Baltimore; Cork", "Baltimore\nCork", "Baltimore, Co. Cork", "Baltimore, Cork, MD",
        "Baltimore, Carroll County", "Baltimore Cork", "Baltimore (Cork)", "Baltimore / Cork", "Baltimore - Cork",
        "Baltimore Cork Ireland", "Baltimore Highlands", "Cork, Baltimore", "Baltimore, Xyzzy, USA",
    ],
)  # fmt: skip
def test_what_nobody_can_account_for_beside_the_city_is_asked_about(america: Gazetteer, city: str) -> None:
    for located in (
        america.locate("1301 Appleby Avenue", city=city),
        america.locate("1301 Appleby Avenue", city=city, postcode="21209"),
        america.locate("1301 Appleby Avenue", city=f"21209 {city}"),
        america.locate(f"1301 Appleby Avenue, {city}", postcode="21209"),
        america.locate(f"1301 Appleby Avenue, {city}, 21209"),
        america.locate(f"1301 Appleby Avenue, 21209 {city}"),
    ):
        assert not located.quality.goes_on, located


@pytest.mark.parametrize(
    "city",
    [
        "Baltimore, MD", "Baltimore, Maryland", "Baltimore, Md.", "Baltimore MD, USA", "Baltimore, MD, USA",
        "Baltimore, Maryland, USA", "Baltimore, MD 21209", "Baltimore, MD 21209, USA", "Baltimore, USA",
        "Baltimore USA", "Baltimore; MD", "21209, Baltimore", "21209 Baltimore, MD",
    ],
)  # fmt: skip
def test_the_state_and_the_country_behind_the_city_stay_sure(america: Gazetteer, city: str) -> None:
    assert america.locate("1301 Appleby Avenue", city=city).quality is PinQuality.EXACT
    assert america.locate("1301 Appleby Avenue", city=city, postcode="21209").quality is PinQuality.EXACT


@pytest.mark.parametrize("city", ["Baltimore, Baltimore County", "Baltimore City", "Baltimore County"])
def test_the_city_s_own_county_stays_sure_where_the_postcode_says_so_too(america: Gazetteer, city: str) -> None:
    assert america.locate("1301 Appleby Avenue", city=city, postcode="21209").quality is PinQuality.EXACT
    assert america.locate(f"1301 Appleby Avenue, {city}, 21209").quality is PinQuality.EXACT


def test_the_first_word_of_a_city_stays_sure_where_the_postcode_says_so_too(america: Gazetteer) -> None:
    assert america.locate("11 Mill Court, Owings, MD 21117").quality is PinQuality.EXACT


@pytest.mark.parametrize("city", ["Baltimore, OH", "Baltimore, Ireland", "Baltimore, Ohio, USA"])
def test_another_state_or_country_behind_the_city_lies_outside(america: Gazetteer, city: str) -> None:
    located = america.locate("1301 Appleby Avenue", city=city, postcode="21209")
    assert located.quality is PinQuality.OUTSIDE


@pytest.mark.parametrize(
    "place",
    [
        "Sorø", "Næstved", "Ringsted", "Hillerød", "Aarhus C", "Malmö", "SORØ",
        "Soroe", "Holbæk,", "Nykøbing F", "Kgs. Lyngby", "Cork", "Springfield", "Co. Cork",
    ],
)  # fmt: skip
def test_a_place_before_the_street_is_no_company(denmark: Gazetteer, place: str) -> None:
    for written in (
        f"{place}, Istedgade 10, 1650 København V",
        f"{place}, Istedgade 10, København V",
        f"{place}\nIstedgade 10\n1650 København V",
        f"Firma ApS, {place}, Istedgade 10, 1650 København V",
        f"{place}, Istedgade 10",
    ):
        assert not denmark.locate(written).quality.goes_on, written
    for located in (
        denmark.locate(f"{place}, Istedgade 10", postcode="1650", city="København V"),
        denmark.locate(f"{place}, Istedgade 10", city="København V"),
    ):
        assert not located.quality.goes_on


@pytest.mark.parametrize(
    "name",
    [
        "Radisson", "Netto", "Sorø Akademi ApS", "Café Ringsted", "Aarhus Tømrerfirma", "Danske Bank", "c/o Jensen",
        "Att. Lager", "Vesterbro", "København", "København V", "Københavns Kommune", "Region Sjælland",
        "Jensen & Co. Tømrer",
    ],
)  # fmt: skip
def test_a_name_before_the_street_stays_sure(denmark: Gazetteer, name: str) -> None:
    assert denmark.locate(f"{name}, Istedgade 10, 1650 København V").quality.goes_on


@pytest.mark.parametrize(
    "written",
    [
        "Istedgade 10, 2. tv, KBH",
        "Istedgade 10, København V, XQ",
        "Istedgade 10, 1650 København V, AAR",
        "Istedgade 10, 1650 København XQ",
        "Istedgade 10, København XQ",
        "Istedgade 10, XQ 1650 København V",
        "Istedgade 10, DK-1650 København XQ",
        "Istedgade 10, 1650 København V, NV",
        "Istedgade 10, København, NV",
        "Istedgade 10, 2. tv, NV",
        "Istedgade 10, 1650 København V, Danmark, Sverige",
        "Istedgade 10, DK-1650 København V, DK, SE",
    ],
)
def test_capitals_that_are_no_state_and_no_country_are_asked_about(denmark: Gazetteer, written: str) -> None:
    assert not denmark.locate(written).quality.goes_on


@pytest.mark.parametrize(
    "written",
    ["Istedgade 10, 1650 København V, DK", "Istedgade 10, 1650 København V, DNK", "Istedgade 10, 1650 København, V",
     "Istedgade 10, DK-1650 København V, Danmark", "Istedgade 10, DNK 1650 København V", "Istedgade 10, 2. tv, DK"],
)  # fmt: skip
def test_our_country_in_capitals_stays_sure(denmark: Gazetteer, written: str) -> None:
    assert denmark.locate(written).quality is PinQuality.EXACT


@pytest.mark.parametrize(
    "written",
    ["1301 Appleby Avenue, Baltimore, MD, OH", "1301 Appleby Avenue, Baltimore, MD, XYZ",
     "1301 Appleby Avenue, Baltimore MD 21209, NW", "1301 Appleby Avenue, Baltimore, MD, USA, Canada"],
)  # fmt: skip
def test_a_second_state_or_country_is_asked_about(america: Gazetteer, written: str) -> None:
    assert not america.locate(written).quality.goes_on


def test_a_district_behind_a_comma_is_the_city_s(tmp_path: Path) -> None:
    doors = [door("Frederikssundsvej", "5", city="København NV", postcode="2400", country="DK"), *DENMARK]
    with town(tmp_path, doors) as gazetteer:
        for written in ("Frederikssundsvej 5, København, NV", "Frederikssundsvej 5, 2400 København, NV"):
            assert gazetteer.locate(written).quality is PinQuality.EXACT, written
        assert not gazetteer.locate("Istedgade 10, København, NV").quality.goes_on


@pytest.mark.parametrize("city", ["Kbh N", "KBH", "Kbh.", "Kbh. N.", "kbh n", "Kbhvn N"])
def test_a_shortened_city_is_ours_where_the_postcode_says_so_too(tmp_path: Path, city: str) -> None:
    doors = [
        door("Nørrebrogade", "10", city="København N", postcode="2200", country="DK"),
        door("Istedgade", "10", city="København V", postcode="1650", country="DK"),
    ]
    with town(tmp_path, doors) as gazetteer:
        assert gazetteer.locate(f"Nørrebrogade 10, 2200 {city}").quality is PinQuality.EXACT
        assert gazetteer.locate("Nørrebrogade 10", postcode="2200", city=city).quality is PinQuality.EXACT
        for located in (gazetteer.locate(f"Nørrebrogade 10, {city}"), gazetteer.locate("Nørrebrogade 10", city=city)):
            assert located.quality is PinQuality.APPROXIMATE
            assert located.candidates[0].label == "Nørrebrogade 10, 2200 København N"
        for other in ("Odn", "Kbg N", "Vbg", "Khb", "Kbh X"):
            assert not gazetteer.locate(f"Nørrebrogade 10, 2200 {other}").quality.goes_on, other
        assert not gazetteer.locate("Nørrebrogade 10, 2200 Kbh V").quality.goes_on
        assert not gazetteer.locate("Nørrebrogade 10, 1650 Kbh").quality.goes_on


@pytest.mark.parametrize(
    "written",
    [
        "1301 appleby avenue, baltimore oh",
        "1301 appleby avenue baltimore va",
        "1301 appleby avenue, baltimore oh 21209",
        "1301 Appleby Avenue, Baltimore Ny",
        "1301 Appleby Avenue, Baltimore or 21209",
        "1301 Appleby Avenue, Baltimore xy",
        "1301 Appleby Avenue, Baltimore by",
        "1301 appleby avenue, oh",
        "1301 appleby avenue, baltimore, oh 21209",
        "1301 Appleby Avenue, Baltimore, Pa. 21209",
        "1301 Appleby Avenue, Baltimore, xy 21209",
    ],
)
def test_another_state_is_none_of_the_city_s_districts_however_it_is_written(america: Gazetteer, written: str) -> None:
    assert not america.locate(written).quality.goes_on


@pytest.mark.parametrize("city", ["baltimore oh", "Baltimore Va", "baltimore ny"])
def test_another_state_in_the_city_s_field_is_outside_however_it_is_written(america: Gazetteer, city: str) -> None:
    assert america.locate("1301 appleby avenue", city=city).quality is PinQuality.OUTSIDE
    assert america.locate("1301 appleby avenue", city=city, postcode="21209").quality is PinQuality.OUTSIDE


@pytest.mark.parametrize(
    "written",
    ["1301 appleby avenue, baltimore md", "1301 appleby avenue baltimore md 21209", "1301 appleby ave, baltimore, md",
     "1301 Appleby Avenue, Baltimore Md", "1301 appleby avenue, baltimore, md 21209",
     "1301 Appleby Avenue, Baltimore, Md. 21209", "1301 Appleby Avenue, Baltimore, Md 21209"],
)  # fmt: skip
def test_our_state_stays_sure_however_it_is_written(america: Gazetteer, written: str) -> None:
    assert america.locate(written).quality is PinQuality.EXACT


@pytest.mark.parametrize(
    ("written", "is_sure"),
    [
        ("Istedgade 10, København V", True), ("Istedgade 10, København v", True), ("Istedgade 10, København", True),
        ("Istedgade 10, København Ny", False), ("Istedgade 10, København og", False),
        ("Istedgade 10, København V ny", False),
    ],
)  # fmt: skip
def test_two_letters_behind_a_city_are_no_district_of_themselves(
    denmark: Gazetteer, written: str, is_sure: bool
) -> None:
    assert denmark.locate(written).quality.goes_on is is_sure


@pytest.mark.parametrize("number", ["10, 12-19", "10 12-19", "10, 12/19", "10, 12-14", "10 18-19"])
def test_a_range_behind_the_number_is_more_houses(denmark: Gazetteer, number: str) -> None:
    assert not denmark.locate(f"Istedgade {number}, 1650 København V").quality.goes_on


@pytest.mark.parametrize("said", ["Postboks 12", "Flr 3", "postboks 1234"])
def test_a_box_beside_the_street_changes_no_door(denmark: Gazetteer, said: str) -> None:
    assert denmark.locate(f"Istedgade 10, {said}, 1650 København V").quality is PinQuality.EXACT
