"""Addresses of central Helsinki, from the demo's extract: what is sure, what is asked, and what never leaks."""

from __future__ import annotations

import random
import string
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.engines.addresses.gazetteer import Gazetteer
from routing.engines.addresses.gazetteer_build import build_gazetteer
from routing.errors import RegionError
from routing.model.places import Located, Location, PinQuality, metres_between
from routing.rules.spelling import fold, squeezed

EXTRACT = Path("data/demo/helsinki.osm.pbf")


def test_a_known_address_is_exact(gazetteer: Gazetteer) -> None:
    located = gazetteer.locate("Aleksanterinkatu 15, 00100 Helsinki")
    assert located.quality is PinQuality.EXACT
    assert located.why == ""
    assert located.candidates[0].label == "Aleksanterinkatu 15, 00100 Helsinki"


@pytest.mark.parametrize(
    "written",
    [
        "fabianinkatu 29",
        "FABIANINKATU 29, 00100 HELSINKI",
        "Fabianinkatu 29 00100 Helsinki",
        "Fabianinkatu 29 B 12, 00100 Helsinki",
        "Fabianinkatu 29 Helsingfors",
        "Fabianinkatu, 29",
        "29 Fabianinkatu",
        "Fabianink. 29",
        "Café 12 at the corner, Fabianinkatu 29",
        "Fabianinkatu 29, FI-00100 Helsinki, Finland",
        "  Fabianinkatu\n29 ",
    ],
)
def test_the_ways_people_write_one_door_all_find_it(gazetteer: Gazetteer, written: str) -> None:
    located = gazetteer.locate(written)
    assert located.quality is PinQuality.EXACT, located
    assert located.candidates[0].street == "Fabianinkatu"


@pytest.mark.parametrize(("swedish", "finnish"), [("Fabiansgatan 29", "Fabianinkatu"), ("Glogatan 3", "Kluuvikatu")])
def test_a_swedish_street_name_finds_the_finnish_street(gazetteer: Gazetteer, swedish: str, finnish: str) -> None:
    located = gazetteer.locate(swedish, city="Helsingfors")
    assert (located.quality, located.candidates[0].street) == (PinQuality.EXACT, finnish)


def test_a_number_that_does_not_exist_is_asked_about_and_never_silently_the_nearest(gazetteer: Gazetteer) -> None:
    located = gazetteer.locate("Fabianinkatu 9999")
    assert located.quality is PinQuality.APPROXIMATE
    assert located.why == "Fabianinkatu 9999: no such number; the nearest known is 39. Confirm or correct it."
    assert 1 < len(located.candidates) <= 5


def test_a_letter_that_does_not_exist_is_asked_about(gazetteer: Gazetteer) -> None:
    assert gazetteer.locate("Aleksanterinkatu 15 X").quality is PinQuality.APPROXIMATE


def test_a_typo_offers_the_street_meant_and_waits_for_a_person(gazetteer: Gazetteer) -> None:
    located = gazetteer.locate("Fabianinaktu 29")
    assert located.quality is PinQuality.APPROXIMATE
    assert located.why == 'Read as Fabianinkatu: no street is written "Fabianinaktu". Confirm or correct it.'
    assert located.candidates[0].street == "Fabianinkatu"


def test_a_street_without_a_number_says_so(gazetteer: Gazetteer) -> None:
    located = gazetteer.locate("Fabianinkatu, Helsinki")
    assert located.quality is PinQuality.STREET
    assert located.why.startswith("Fabianinkatu has no house number.")


def test_a_name_that_two_streets_share_in_part_is_ambiguous(gazetteer: Gazetteer) -> None:
    located = gazetteer.locate("Roobertinkatu 3")
    assert located.quality is PinQuality.AMBIGUOUS
    assert {candidate.street for candidate in located.candidates} >= {"Iso Roobertinkatu", "Pieni Roobertinkatu"}


@pytest.mark.parametrize(
    ("address", "postcode", "city"),
    [
        ("Fabianinkatu 29, 33100 Tampere", "", ""),
        ("Fabianinkatu 29", "", "Tampere"),
        ("Fabianinkatu 29", "33100", ""),
        ("Example Street 1, 00550 Helsinki", "", ""),
        ("59.3293, 18.0686", "", ""),
    ],
)
def test_what_lies_elsewhere_is_outside(gazetteer: Gazetteer, address: str, postcode: str, city: str) -> None:
    located = gazetteer.locate(address, postcode=postcode, city=city)
    assert located.quality is PinQuality.OUTSIDE
    assert "lies outside the region around Helsinki" in located.why


def test_what_may_be_a_city_or_a_remark_is_asked_about_with_the_door_at_hand(gazetteer: Gazetteer) -> None:
    located = gazetteer.locate("Fabianinkatu 29, back yard")
    assert located.quality is PinQuality.OUTSIDE
    assert located.candidates[0].street == "Fabianinkatu"
    assert located.why.startswith('If "back yard" is the city')


def test_two_addresses_in_one_text_are_ambiguous(gazetteer: Gazetteer) -> None:
    located = gazetteer.locate("Fabianinkatu 29, Kluuvikatu 3, 00100 Helsinki")
    assert located.quality is PinQuality.AMBIGUOUS
    assert [candidate.street for candidate in located.candidates] == ["Fabianinkatu", "Kluuvikatu"]


def test_a_postcode_in_the_field_of_the_city_is_understood(gazetteer: Gazetteer) -> None:
    assert gazetteer.locate("Fabianinkatu 29", city="00100 Helsinki").quality is PinQuality.EXACT
    assert gazetteer.locate("Fabianinkatu 29", city="33100 Tampere").quality is PinQuality.OUTSIDE


def test_another_postcode_of_the_region_is_asked_about(gazetteer: Gazetteer) -> None:
    located = gazetteer.locate("Aleksanterinkatu 15", postcode="00530")
    assert located.quality is PinQuality.APPROXIMATE
    assert "Aleksanterinkatu 15 is in 00100, not in 00530." in located.why


@pytest.mark.parametrize("written", ["60.16990, 24.94840", "60.16990 24.94840", "geo:60.16990,24.94840;u=20"])
def test_coordinates_are_an_address_too(gazetteer: Gazetteer, written: str) -> None:
    located = gazetteer.locate(written)
    assert located.quality is PinQuality.EXACT
    assert located.candidates[0].location == Location(lat=60.1699, lon=24.9484)


def test_swapped_and_coarse_coordinates_wait_for_a_person(gazetteer: Gazetteer) -> None:
    swapped = gazetteer.locate("24.94840, 60.16990")
    assert swapped.quality is PinQuality.APPROXIMATE
    assert swapped.candidates[0].location.lat == 60.1699
    assert gazetteer.locate("60.17, 24.94").quality is PinQuality.APPROXIMATE
    assert gazetteer.locate("95.0000, 24.9484").quality is PinQuality.NOT_FOUND


HOSTILE = [
    "",
    "   ",
    "\x00",
    '"',
    "*",
    '"*',
    "street_words MATCH *",
    'x" OR key:a*',
    "NEAR(a b)",
    "'; DROP TABLE door; --",
    "<script>alert(1)</script>",
    "a" * 100_000,
    "Fabianinkatu " + "9" * 200,
    "Fabianinkatu 99999999999999999999",
    "Fabianinkatu\x00 29\x00\x00\x00 OR 1=1",
    "😀" * 40,
    "-",
    "AND OR NOT",
    "\u202eutakninaibaF 29",
    "29",
    "00100",
    "(((",
    "geo:",
    "geo:1,1",
    "1" * 300,
    "http://[Testgatan 1",
    "https://example.com/map?lat=60.17&lon=x",
    "https://example.com/map?lat=6_0&lon=nan",
]


def test_a_decimal_comma_in_a_link_is_a_decimal_point(gazetteer: Gazetteer) -> None:
    link = "https://www.openstreetmap.org/?mlat=60,16990&mlon=24,94840"
    assert gazetteer.locate(link) == gazetteer.locate("60.16990, 24.94840")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_never_a_door_and_always_gets_a_sentence(gazetteer: Gazetteer, text: str) -> None:
    for located in (gazetteer.locate(text), gazetteer.locate("Fabianinkatu 29", city=text or "?")):
        assert not located.quality.goes_on
        assert located.why
        assert len(located.why) < 400
    gazetteer.suggest(text)
    gazetteer.locate("Fabianinkatu 29", postcode=text)


def test_a_street_of_another_script_is_not_told_to_lie_in_the_rest_of_its_number(gazetteer: Gazetteer) -> None:
    located = gazetteer.locate("東京都千代田区丸の内1-9-1")
    assert located.quality is PinQuality.NOT_FOUND
    assert "is known here" in located.why


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=80) | st.builds("http://{}".format, st.text(alphabet="[]@:/?&=#latmon.,6", max_size=40)))
def test_no_text_raises_and_only_known_doors_go_on(gazetteer_file: Path, text: str) -> None:
    with Gazetteer(gazetteer_file) as gazetteer:
        located = gazetteer.locate(text)
        gazetteer.suggest(text)
        assert bool(located.why) != located.quality.goes_on
        assert len(located.candidates) <= 5
        if located.candidates:
            assert located.candidates[0].quality is located.quality or located.quality is PinQuality.NOT_FOUND


def _mistyped(name: str, chance: random.Random) -> str:
    at = chance.randrange(len(name) - 1)
    return chance.choice(
        (
            name[:at] + chance.choice(string.ascii_lowercase) + name[at + 1 :],
            name[:at] + name[at + 1 :],
            name[:at] + name[at + 1] + name[at] + name[at + 2 :],
        )
    )


def test_every_known_door_is_found_and_no_wrong_one_is_exact(gazetteer: Gazetteer) -> None:
    chance = random.Random(7)
    doors = gazetteer.doors()
    names = {squeezed(fold(door.street)) for door in doors}
    found = 0
    for door in doors:
        tail = ", ".join(filter(None, [door.postcode, door.city]))
        right = gazetteer.locate(f"{door.street} {door.house_number}", postcode=door.postcode, city=door.city)
        if right.quality is PinQuality.EXACT:
            assert right.candidates[0].street == door.street
            assert metres_between(right.candidates[0].location, door.location) < 200
            found += 1
        for wrong in (f"{door.street} {chance.randrange(400, 9999)}, {tail}", f"{door.street} 9998 X, {tail}"):
            assert gazetteer.locate(wrong).quality is PinQuality.APPROXIMATE, wrong
        typo = _mistyped(door.street, chance)
        if squeezed(fold(typo)) not in names:  # a lost hyphen is no other name
            assert not gazetteer.locate(f"{typo} {door.house_number}").quality.goes_on, typo
    assert found >= 0.99 * len(doors)


def test_the_extract_holds_its_addresses_once_each(gazetteer: Gazetteer) -> None:
    doors = gazetteer.doors()
    assert len(doors) == 585
    labels = [(door.street, door.house_number) for door in doors]
    assert len(labels) - len(set(labels)) <= 2


def test_reverse_names_the_door_at_a_point(gazetteer: Gazetteer) -> None:
    door = gazetteer.locate("Aleksanterinkatu 15").candidates[0]
    located = gazetteer.reverse(door.location)
    assert (located.quality, located.candidates[0].label) == (PinQuality.EXACT, door.label)
    assert gazetteer.reverse(Location(lat=59.33, lon=18.07)).quality is PinQuality.OUTSIDE


def test_suggest_completes_streets_in_both_languages_and_then_numbers(gazetteer: Gazetteer) -> None:
    assert "Fabianinkatu" in [one.street for one in gazetteer.suggest("fab")]
    assert "Fabiansgatan" in [one.street for one in gazetteer.suggest("fabians")]
    assert [one.street for one in gazetteer.suggest("roobertin")] == ["Iso Roobertinkatu", "Pieni Roobertinkatu"]
    numbers = gazetteer.suggest("Aleksanterinkatu 1")
    assert numbers
    assert all(one.house_number.startswith("1") for one in numbers)
    assert len(gazetteer.suggest("a", limit=3)) == 3


def test_threads_share_one_gazetteer(gazetteer_file: Path) -> None:
    gazetteer = Gazetteer(gazetteer_file)
    answers: list[Located] = []

    def ask() -> None:
        answers.extend(gazetteer.locate("Fabianinkatu 29") for _ in range(20))
        gazetteer.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 160
    assert len(set(answers)) == 1
    gazetteer.close()


def test_a_file_that_is_no_extract_is_refused_and_the_old_gazetteer_stays(tmp_path: Path) -> None:
    into = tmp_path / "gazetteer.sqlite"
    into.write_bytes(b"the old one")
    broken = tmp_path / "broken.osm.pbf"
    broken.write_bytes(b"no map at all")
    for bad in (broken, tmp_path / "missing.osm.pbf"):
        with pytest.raises(RegionError, match="Fetch"):
            build_gazetteer(bad, into)
    assert into.read_bytes() == b"the old one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.osm.pbf", "gazetteer.sqlite"]


def test_a_file_that_is_no_gazetteer_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    other.write_bytes(b"not a database, however long it may be" * 40)
    for bad in (other, tmp_path / "missing.sqlite"):
        with pytest.raises(RegionError, match="Build the region again"):
            Gazetteer(bad)


def test_a_path_with_odd_letters_opens(tmp_path: Path) -> None:
    into = tmp_path / "a ?b#c%20" / "gazetteer.sqlite"
    assert build_gazetteer(EXTRACT, into) == 585
    with Gazetteer(into) as gazetteer:
        assert gazetteer.locate("Fabianinkatu 29").quality is PinQuality.EXACT
