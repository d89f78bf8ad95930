"""The orders, abbreviations and scripts in which the world writes addresses."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from routing.model.places import PinQuality
from routing.rules.house_number import HouseNumber, parse_house_number
from routing.rules.reading import plain_postcode, readings
from routing.rules.spelling import clean, fold, keys, spellings
from tests.routing.addresses.towns import Tags, door, town

AMERICA = [
    door("North Main Street", "123", city="Springfield", state="MD", postcode="21117", country="US"),
    door("South Main Street", "123", city="Springfield", state="MD", postcode="21117", country="US"),
    door("Saint John Avenue", "9102", city="Mount Washington", state="MD", postcode="21209", country="US"),
    door("35th Avenue", "41-23", city="Springfield", state="MD", postcode="21117", country="US"),
]
DENMARK = [
    door("Sankt Pauls Gade", "12", city="København K", postcode="1313", country="DK"),
    door("Gammel Kongevej", "140A", city="Frederiksberg C", postcode="1850", country="DK"),
    door("Ørsteds Vej", "8", city="København K", postcode="1313", country="DK"),
    door("H.C. Andersens Boulevard", "168-170", city="København K", postcode="1313", country="DK"),
]
GERMANY = [
    door("Hauptstraße", "7", city="Köln", postcode="50667", country="DE"),
    door("Müllerweg", "3", city="Köln", postcode="50667", country="DE"),
]
FRANCE = [door("Rue de la Paix", "12bis", city="Lille", postcode="59000", country="FR")]
SPAIN = [door("Calle Mayor", "12", city="Toledo", postcode="45001", country="ES")]
SWEDEN = [door("Storgatan", "5", city="Umeå", postcode="903 26", country="SE")]
CZECHIA = [
    door(
        "Dlouhá", "1012/3", city="Praha", postcode="110 00", country="CZ", streetnumber="3", conscriptionnumber="1012"
    ),
    door("", "25", place="Lhota", city="Lhota", postcode="257 41", country="CZ"),
]
RUSSIA = [door("улица Ленина", "12к2", city="Псков", postcode="180000", country="RU")]
GREECE = [door("Ερμού", "12", city="Αθήνα", postcode="105 63", country="GR")]
ARABIC = [door("شارع الملك", "15", city="عمان", country="JO")]
JAPAN = [
    door("", "3", block_number="2", neighbourhood="丸の内一丁目", city="千代田区", postcode="100-0005", country="JP")
]
CHINA = [door("南京东路", "123", city="上海", country="CN")]
VILLAGE = [door("", "14", city="Dorf", postcode="6020", country="AT"), door("", "15", village="Dorf", country="AT")]


@pytest.mark.parametrize(
    ("doors", "written", "street", "number"),
    [
        (AMERICA, "123 N Main St, Springfield, MD 21117", "North Main Street", "123"),
        (AMERICA, "123 n. main st. apt 4 springfield MD 21117-1234", "North Main Street", "123"),
        (AMERICA, "Unit 5, 123 South Main Street, Springfield, Maryland, USA", "South Main Street", "123"),
        (AMERICA, "123 S Main St #12, Springfield MD", "South Main Street", "123"),
        (AMERICA, "9102 St John Ave, Mount Washington, MD 21209", "Saint John Avenue", "9102"),
        (AMERICA, "Acme Inc, 9102 Saint John Ave, Mount Washington, MD", "Saint John Avenue", "9102"),
        (AMERICA, "41-23 35th Ave, Springfield", "35th Avenue", "41-23"),
        (DENMARK, "Skt. Pauls Gade 12, 3. tv, 1313 København K", "Sankt Pauls Gade", "12"),
        (DENMARK, "Gl. Kongevej 140 A, st. th., 1850 Frederiksberg C", "Gammel Kongevej", "140 A"),
        (DENMARK, "Gml. Kongevej 140A, 1850 Frederiksberg C", "Gammel Kongevej", "140 A"),
        (DENMARK, "Oersteds Vej 8, 1313 Kobenhavn K", "Ørsteds Vej", "8"),
        (DENMARK, "orsteds vej 8", "Ørsteds Vej", "8"),
        (DENMARK, "HC Andersens Blvd 170, København", "H.C. Andersens Boulevard", "168-170"),
        (GERMANY, "Hauptstr. 7, D-50667 Köln", "Hauptstraße", "7"),
        (GERMANY, "HAUPTSTRASSE 7, 50667 Koeln, Deutschland", "Hauptstraße", "7"),
        (GERMANY, "Haupt-Str. 7", "Hauptstraße", "7"),
        (GERMANY, "Muellerweg 3, Köln", "Müllerweg", "3"),
        (FRANCE, "12 bis, rue de la Paix, 59000 Lille", "Rue de la Paix", "12 bis"),
        (FRANCE, "12bis r. de la Paix 59000 Lille", "Rue de la Paix", "12 bis"),
        (SPAIN, "C/ Mayor, 12, 3º B, 45001 Toledo", "Calle Mayor", "12"),
        (SPAIN, "Calle Mayor nº 12, Toledo", "Calle Mayor", "12"),
        (SWEDEN, "Storgatan 5 lgh 1101, 903 26 Umeå", "Storgatan", "5"),
        (SWEDEN, "Storg. 5, 90326 Umea", "Storgatan", "5"),
        (CZECHIA, "Dlouhá 1012/3, 110 00 Praha", "Dlouhá", "1012/3"),
        (CZECHIA, "Dlouha 3, Praha", "Dlouhá", "3"),
        (CZECHIA, "Lhota 25, 257 41 Lhota", "Lhota", "25"),
        (RUSSIA, "ул. Ленина, д. 12, корп. 2, Псков", "улица Ленина", "12к2"),
        (RUSSIA, "Ленина улица 12к2", "улица Ленина", "12к2"),
        (GREECE, "Ερμου 12, 10563 ΑΘΗΝΑ", "Ερμού", "12"),
        (GREECE, "Οδός Ερμού 12", "Ερμού", "12"),
        (ARABIC, "شارع الملك 15, عمان", "شارع الملك", "15"),
        (JAPAN, "〒100-0005 東京都千代田区丸の内1丁目2-3", "丸の内1 2", "3"),
        (JAPAN, "千代田区丸の内一丁目2番3号", "丸の内1 2", "3"),
        (CHINA, "上海南京东路123号", "南京东路", "123"),
        (CHINA, "南京东路 123", "南京东路", "123"),
        (VILLAGE, "Dorf 14, 6020 Dorf", "Dorf", "14"),
    ],
)
def test_a_door_is_found_as_its_country_writes_it(
    tmp_path: Path, doors: list[Tags], written: str, street: str, number: str
) -> None:
    with town(tmp_path, doors) as gazetteer:
        located = gazetteer.locate(written)
    assert located.quality is PinQuality.EXACT, located
    assert (located.candidates[0].street, located.candidates[0].house_number) == (street, number)


@pytest.mark.parametrize(
    ("doors", "written"),
    [
        (AMERICA, "123 Main St, Springfield, MD 21117"),
        (AMERICA, "123 N Main St, Springfield, VA 21117"),
        (AMERICA, "123 N Main St, Mount Washington, MD"),
        (AMERICA, "35 35th Ave, Springfield"),
        (AMERICA, "41-25 35th Ave, Springfield"),
        (DENMARK, "Sankt Pauls Gade 12, Frederiksberg C"),
        (DENMARK, "Sankt Pauls Gade 12, 1313 København K, Sweden"),
        (DENMARK, "Sankt Peders Gade 12"),
        (DENMARK, "H.C. Andersens Boulevard 169"),
        (DENMARK, "Gammel Kongevej 140 B"),
        (GERMANY, "Hauptplatz 7"),
        (FRANCE, "12 ter rue de la Paix"),
        (CZECHIA, "Dlouhá 1012/4"),
        (RUSSIA, "ул. Ленина 12к3"),
        (JAPAN, "千代田区丸の内1丁目3-2"),
        (JAPAN, "千代田区丸の内2丁目2-3"),
        (CHINA, "南京东路 124"),
    ],
)
def test_what_is_another_address_is_never_exact(tmp_path: Path, doors: list[Tags], written: str) -> None:
    with town(tmp_path, doors) as gazetteer:
        assert not gazetteer.locate(written).quality.goes_on


def test_a_city_is_known_by_its_names_in_other_languages(tmp_path: Path) -> None:
    places = [{"place": "city", "name": "København", "name:en": "Copenhagen"}, {"place": "suburb", "name": "Indre By"}]
    with town(tmp_path, DENMARK, places=places) as gazetteer:
        for city in ("Copenhagen", "Copenhagen K", "Indre By"):
            assert gazetteer.locate("Sankt Pauls Gade 12", city=city).quality is PinQuality.EXACT, city
        assert gazetteer.locate("Gammel Kongevej 140A", city="Copenhagen K").quality is PinQuality.APPROXIMATE


COPENHAGEN = {
    "place": "city",
    "name": "København",
    "name:en": "Copenhagen",
    "int_name": "Kopenhagen",
    "alt_name": "Kjøbenhavn;Kastrup",
    "official_name": "Københavns Kommune",
    "old_name": "Havn",
}


def test_a_translation_that_some_addresses_carry_is_still_the_city(tmp_path: Path) -> None:
    doors = [*DENMARK, door("Ørsteds Vej", "10", city="Copenhagen", postcode="1313", country="DK")]
    with town(tmp_path, doors, places=[COPENHAGEN]) as gazetteer:
        for written in (
            "Copenhagen",
            "1313 Copenhagen",
            "Copenhagen K",
            "Kopenhagen",
            "Koebenhavn K",
            "Københavns Kommune",
        ):
            assert gazetteer.locate(f"Sankt Pauls Gade 12, {written}").quality is PinQuality.EXACT, written
        assert gazetteer.locate("Ørsteds Vej 10, København").quality is PinQuality.EXACT


def test_another_name_that_a_neighbouring_town_carries_stays_that_towns(tmp_path: Path) -> None:
    doors = [*DENMARK, door("Amager Landevej", "1", city="Kastrup", postcode="2770", country="DK")]
    with town(tmp_path, doors, places=[COPENHAGEN]) as gazetteer:
        assert gazetteer.locate("Sankt Pauls Gade 12, Kastrup").quality is PinQuality.APPROXIMATE
        assert gazetteer.locate("Amager Landevej 1, København").quality is PinQuality.APPROXIMATE
        assert gazetteer.locate("Amager Landevej 1, Kastrup").quality is PinQuality.EXACT


def test_an_old_name_of_a_city_is_believed_with_its_postcode_only(tmp_path: Path) -> None:
    with town(tmp_path, DENMARK, places=[COPENHAGEN]) as gazetteer:
        assert gazetteer.locate("Sankt Pauls Gade 12, 1313 Havn").quality is PinQuality.EXACT
        assert gazetteer.locate("Sankt Pauls Gade 12, Havn").quality is PinQuality.APPROXIMATE


def test_a_translation_far_from_the_town_is_another_town(tmp_path: Path) -> None:
    hamlet = {"place": "hamlet", "name": "Ny By", "name:en": "Newtown"}
    far = [door("Vej", str(number), city="Ny By", postcode="1000") for number in range(1, 30)]
    doors = [*far, door("Solvej", "2", city="Newtown", postcode="1000")]
    with town(tmp_path, doors, places=[hamlet]) as gazetteer:
        assert gazetteer.locate("Vej 5, Newtown").quality is PinQuality.APPROXIMATE
        assert gazetteer.locate("Vej 5, Ny By").quality is PinQuality.EXACT


def test_a_city_is_known_by_the_translations_that_its_addresses_carry(tmp_path: Path) -> None:
    doors = [
        door("Fabianinkatu", "5", city="Helsinki", **{"city:sv": "Helsingfors"}),
        door("Store Torv", "5", city="Århus", postcode="8000"),
    ]
    with town(tmp_path, doors) as gazetteer:
        assert gazetteer.locate("Fabianinkatu 5, Helsingfors").quality is PinQuality.EXACT
        assert gazetteer.locate("Store Torv 5, Helsingfors").quality is PinQuality.APPROXIMATE
        assert gazetteer.locate("Store Torv 5, Aarhus").quality is PinQuality.EXACT
        assert gazetteer.locate("Store Torv 5, 8000 Aarhus").quality is PinQuality.EXACT


def test_an_old_name_of_a_street_finds_it_and_is_asked_about(tmp_path: Path) -> None:
    doors = [door("Peace Street", "5", city="Town"), door("Mill Lane", "5", city="Town")]
    roads = [
        {"highway": "residential", "name": "Peace Street", "old_name": "King Road;Mill Lane", "int_name": "Paix"},
    ]
    with town(tmp_path, doors, roads=roads) as gazetteer:
        old = gazetteer.locate("King Road 5, Town")
        assert (old.quality, old.candidates[0].street) == (PinQuality.APPROXIMATE, "Peace Street")
        assert gazetteer.locate("Mill Lane 5, Town").candidates[0].street == "Mill Lane"
        assert gazetteer.locate("Mill Lane 5, Town").quality is PinQuality.EXACT
        assert gazetteer.locate("Paix 5, Town").quality is PinQuality.EXACT
        assert gazetteer.suggest("King") == []


def test_a_city_that_shares_the_postcode_is_believed_once_three_addresses_say_so(tmp_path: Path) -> None:
    ours = door("Oak Road", "5", city="Pikesville", postcode="21208")
    others = [door("Elm Road", str(number), city="Baltimore", postcode="21208") for number in (1, 31, 61)]
    for number, quality in ((1, PinQuality.APPROXIMATE), (3, PinQuality.EXACT)):
        with town(tmp_path, [ours, *others[:number]]) as gazetteer:
            assert gazetteer.locate("5 Oak Rd, Baltimore, 21208").quality is quality


def test_a_slip_in_the_city_does_not_hide_a_door_whose_postcode_is_right(tmp_path: Path) -> None:
    with town(tmp_path, DENMARK) as gazetteer:
        located = gazetteer.locate("Sankt Pauls Gade 12, 1313 Kobnehvan")
    assert located.quality is PinQuality.APPROXIMATE
    assert located.candidates[0].street == "Sankt Pauls Gade"
    assert "No city here is called Kobnehvan" in located.why


def test_a_slip_that_makes_another_street_offers_both_where_the_postcode_tells(tmp_path: Path) -> None:
    doors = [door("Hill Road", "5", city="Town", postcode="1000"), door("Mill Road", "5", city="Town", postcode="2000")]
    with town(tmp_path, doors) as gazetteer:
        located = gazetteer.locate("Hill Road 5, 2000 Town")
    assert located.quality is PinQuality.AMBIGUOUS
    assert [each.street for each in located.candidates] == ["Mill Road", "Hill Road"]


# ---------------------------------------------------------------------------- invariants

words = st.text(alphabet="abcdeøöåüéß-'. ", min_size=1, max_size=20).filter(lambda text: fold(text) != "")


@example(text="𝙰")  # a capital only once it is taken apart
@given(text=st.text(max_size=40))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert clean(clean(text)) == clean(text)


@given(name=words)
def test_a_name_is_among_its_own_spellings_in_either_case(name: str) -> None:
    assert fold(name) in spellings(name)
    assert set(keys(name)) == set(keys(name.upper().lower())) or "ß" in name


@given(
    first=st.integers(1, 9_999),
    width=st.integers(0, 15),
    letter=st.sampled_from(["", "a", "b", "bis", "1/2", "к2", "/3", "-23"]),
)
def test_a_house_number_is_read_back_as_it_is_written(first: int, width: int, letter: str) -> None:
    number = HouseNumber(first=first, last=first + 2 * width, letter=letter)
    if number.is_range and letter not in ("", "a", "b"):
        return
    if letter == "-23" and first < 34:
        return  # 21-23 is a range
    if letter == "/3" and first <= 3:
        return
    assert parse_house_number(str(number)) == number
    assert number.covers(number)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("FI-00100", "00100"),
        ("FI 00100", "00100"),
        ("fi00100", "00100"),
        ("FIN 00100", "00100"),
        ("NL-1234 AB", "1234AB"),
        ("SW11 1AA", "SW111AA"),
        ("M1 1AE", "M11AE"),
        ("VLT 1117", "VLT1117"),
        ("A-B-123", "A-B-123"),
        ("21136-1234", "21136"),
    ],
)
def test_only_a_country_s_letters_are_taken_off_a_postcode(written: str, plain: str) -> None:
    assert plain_postcode(written) == plain


@given(code=st.text(max_size=12) | st.text(alphabet="0123456789ABCab -〒", max_size=12))
def test_a_plain_postcode_stays_as_it_is(code: str) -> None:
    assert plain_postcode(plain_postcode(code)) == plain_postcode(code)


@settings(max_examples=60, deadline=None)
@given(
    street=st.sampled_from(["Main Street", "Rua 25 de Abril", "Storgatan"]),
    number=st.integers(1, 9_999),
    unit=st.sampled_from(["", ", Apt 4", ", 3. tv", ", lgh 1101"]),
)
def test_street_and_number_survive_every_order(street: str, number: int, unit: str) -> None:
    house = HouseNumber(first=number, last=number)
    address = f"{street} {number}{unit}"
    for text in (f"{address}, 1000 Town", f"{number} {street}{unit}, Town", f"{address}, Town"):
        found = readings(text, cities={"town"})
        assert (street, house, "Town") in [(each.street, each.number, each.city) for each in found], text
