"""The rules alone, on streets small enough to check by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing.model.places import Bounds, Located, Location, PinQuality
from routing.rules.address import candidate_of, judge, surest
from routing.rules.coverage import Coverage, Door, StreetMatch
from routing.rules.house_number import HouseNumber, parse_house_number
from routing.rules.points import PointText, parse_coordinates
from routing.rules.reading import Reading, readings
from routing.rules.spelling import fold, spellings

COVERAGE = Coverage(
    bounds=Bounds(south=0, west=0, north=1, east=1),
    cities=frozenset({"town", "town k"}),
    postcodes=frozenset({"1000", "2000"}),
    name="the region around Town",
)


def number(text: str) -> HouseNumber:
    parsed = parse_house_number(text)
    assert parsed is not None
    return parsed


def door(house: str, *, lat: float = 0.5, lon: float = 0.5, postcode: str = "1000") -> Door:
    codes = frozenset({postcode} - {""})
    return Door(
        location=Location(lat=lat, lon=lon), street="High Street", number=number(house), postcodes=codes, city="Town"
    )


def street(*doors: Door, typos: int = 0) -> StreetMatch:
    return StreetMatch(name="High Street", location=Location(lat=0.5, lon=0.5), doors=doors, typos=typos, city="Town")


def verdict(
    house: str, *doors: Door, unit: str = "", postcode: str = "", typos: int = 0, coverage: Coverage = COVERAGE
) -> tuple[PinQuality, str]:
    reading = Reading(street="High Street", number=number(house), unit=unit, postcode=postcode)
    located = judge(reading, [street(*doors, typos=typos)], coverage)
    return located.quality, located.candidates[0].house_number


@pytest.mark.parametrize(
    ("text", "first", "last", "letter"),
    [
        ("29", 29, 29, ""),
        ("14 B", 14, 14, "b"),
        ("14B", 14, 14, "b"),
        ("1-5", 1, 5, ""),
        ("29-27", 27, 29, ""),
        ("2, 2. krs./Floor 2", 2, 2, ""),
        ("11 B 9", 11, 11, "b"),
        ("8 Floor 6", 8, 8, ""),
    ],
)
def test_house_numbers_are_read_as_they_are_written(text: str, first: int, last: int, letter: str) -> None:
    assert parse_house_number(text) == HouseNumber(first=first, last=last, letter=letter)


def test_what_has_no_number_has_none() -> None:
    assert parse_house_number("B 14") is None


def test_a_range_covers_its_own_side_of_the_street_only() -> None:
    assert number("1-5").covers(number("3"))
    assert not number("1-5").covers(number("4"))
    assert not number("1-5").covers(number("3 A"))
    assert not number("3").covers(number("1-5"))


def test_a_number_between_two_known_neighbours_is_interpolated_between_them() -> None:
    near = (door("11", lon=0.5), door("15", lon=0.5004))
    reading = Reading(street="High Street", number=number("13"))
    located = judge(reading, [street(*near)], COVERAGE)
    assert located.quality is PinQuality.INTERPOLATED
    assert located.candidates[0].location.lon == pytest.approx(0.5002)
    assert located.candidates[0].house_number == "13"


def test_no_guess_between_neighbours_far_apart_or_across_the_street() -> None:
    assert verdict("13", door("11", lon=0.5), door("15", lon=0.6))[0] is PinQuality.APPROXIMATE
    assert verdict("13", door("3"), door("41", lon=0.501))[0] is PinQuality.APPROXIMATE
    assert verdict("13", door("12"), door("14"))[0] is PinQuality.APPROXIMATE


def test_neighbours_too_far_apart_for_their_numbers_say_about_where_it_is_and_a_person_is_asked() -> None:
    # 99 and 109, 100 m apart and 250 m apart: 10 and 25 m for each number.
    for lon, quality in ((0.5009, PinQuality.INTERPOLATED), (0.50225, PinQuality.APPROXIMATE)):
        reading = Reading(street="High Street", number=number("103"))
        located = judge(reading, [street(door("99", lon=0.5), door("109", lon=lon))], COVERAGE)
        assert located.quality is quality
        assert located.candidates[0].location.lon == pytest.approx(0.5 + 0.4 * (lon - 0.5))
    assert located.why == "High Street 103 lies somewhere between 99 and 109, 250 m apart. Confirm or correct it."
    assert [each.house_number for each in located.candidates] == ["103", "99", "109"]


def test_the_next_known_numbers_decide_and_none_farther_off() -> None:
    # 11 and 15 stand on two sides of a block; that 9 and 17 stand near each other says nothing about 13.
    doors = (door("9", lon=0.5), door("11", lon=0.501), door("15", lon=0.502), door("17", lon=0.5005))
    assert verdict("13", *doors)[0] is PinQuality.APPROXIMATE


def test_stair_and_flat_lead_to_the_house_unless_its_doors_have_letters() -> None:
    stairs = replace(COVERAGE, countries=frozenset({"FI"}))
    assert verdict("14 B", door("14"), unit="23", coverage=stairs) == (PinQuality.EXACT, "14")
    assert verdict("14 B", door("14"), coverage=stairs) == (PinQuality.APPROXIMATE, "14")
    assert verdict("14 C", door("14"), door("14 A"), unit="23", coverage=stairs)[0] is PinQuality.APPROXIMATE
    assert verdict("14 B", door("14"), unit="23") == (PinQuality.APPROXIMATE, "14")


def test_a_house_with_several_lettered_doors_is_ambiguous() -> None:
    assert verdict("14", door("14 A"), door("14 B"))[0] is PinQuality.AMBIGUOUS
    assert verdict("14", door("14 A")) == (PinQuality.APPROXIMATE, "14 A")


def test_one_number_in_two_places_is_ambiguous_until_the_postcode_tells_them_apart() -> None:
    two = (door("5", postcode="1000"), door("5", lon=0.6, postcode="2000"))
    assert verdict("5", *two)[0] is PinQuality.AMBIGUOUS
    assert verdict("5", *two, postcode="2000")[0] is PinQuality.EXACT


def test_a_postcode_that_speaks_against_the_door_is_asked_about() -> None:
    assert verdict("5", door("5", postcode="1000"), postcode="2000")[0] is PinQuality.APPROXIMATE
    assert verdict("5", door("5", postcode=""), postcode="2000")[0] is PinQuality.EXACT


def test_a_typo_is_never_sure_however_well_the_number_fits() -> None:
    assert verdict("5", door("5"), typos=1)[0] is PinQuality.APPROXIMATE


def test_two_streets_equally_likely_are_ambiguous() -> None:
    other = StreetMatch(name="Hugh Street", location=Location(lat=0.4, lon=0.4), doors=(door("5", lon=0.4),), typos=1)
    reading = Reading(street="Hagh Street", number=number("5"))
    located = judge(reading, [street(door("5"), typos=1), other], COVERAGE)
    assert located.quality is PinQuality.AMBIGUOUS
    assert len(located.candidates) == 2


def test_a_street_whose_numbers_nobody_mapped_is_a_street() -> None:
    located = judge(Reading(street="High Street", number=number("5")), [street()], COVERAGE)
    assert located.quality is PinQuality.STREET
    assert "none of its house numbers" in located.why


def test_a_city_is_known_with_a_slip_and_without_its_district() -> None:
    assert COVERAGE.knows_city("TOWN")
    assert COVERAGE.knows_city("Town K")
    assert COVERAGE.knows_city("Town N")
    assert not COVERAGE.knows_city("Village")


def test_a_text_is_taken_apart_into_street_number_unit_postcode_and_city() -> None:
    first = readings("Rua 25 de Abril 14 B 3, 1000 Town")
    assert Reading(street="Rua 25 de Abril", number=number("14 B"), unit="3", postcode="1000", city="Town") in first
    plain = readings("High Street 5 Town", cities={"town"})[0]
    assert (plain.street, str(plain.number), plain.city) == ("High Street", "5", "Town")
    given = readings("High Street 5, 1000 Town", postcode="2000", city="Other")[0]
    assert (given.postcode, given.city) == ("2000", "Other")


def test_folding_forgets_case_accents_and_punctuation() -> None:
    assert fold("  Töölönlahden-KATU. ") == "toolonlahden katu"
    assert fold("Åboulevard") == "aboulevard"
    assert fold("Strandgade/Ø") == "strandgade o"


def test_abbreviations_are_spelled_out_only_where_they_are_marked() -> None:
    assert "aleksanterinkatu" in spellings("Aleksanterink.")
    assert "main street" in spellings("Main St")
    assert spellings("Bank") == ("bank",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("60.1699, 24.9384", (60.1699, 24.9384, True)),
        ("60.1699° N, 24.9384° E", (60.1699, 24.9384, True)),
        ("33.8688 S, 151.2093 E", (-33.8688, 151.2093, True)),
        ("60,1699 24,9384", (60.1699, 24.9384, True)),
        ("60°10'12\"N 24°56'15\"E", (60.17, 24.9375, True)),
        ("60° 10.200' N, 24° 56.250' W", (60.17, -24.9375, True)),
        ("12, 14", None),
        ("High Street 5", None),
    ],
)
def test_coordinates_are_told_from_addresses(text: str, expected: tuple[float, float, bool] | None) -> None:
    found = parse_coordinates(text)
    assert found == (None if expected is None else PointText(lat=expected[0], lon=expected[1], fine=expected[2]))


def test_of_several_readings_the_surest_stands_whatever_the_qualities_are() -> None:
    there = candidate_of(door("5"), quality=PinQuality.EXACT, score=50.0, source="test")
    answers = [Located(quality=quality, candidates=(there,), why=f"{quality}.") for quality in PinQuality]
    for n in range(len(answers)):
        assert surest(answers[n:][::-1]) == answers[n]
