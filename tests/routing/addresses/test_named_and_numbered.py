"""Houses that have a name, and lines along which the map says that houses are numbered."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import osmium
import pytest

from routing.engines.addresses.gazetteer import Gazetteer
from routing.engines.addresses.gazetteer_build import build_gazetteer
from routing.model.places import PinQuality
from tests.routing.addresses.towns import door, town

TOWN = {"city": "Ashford", "postcode": "21208"}


@pytest.fixture
def cottages(tmp_path: Path) -> Gazetteer:
    return town(
        tmp_path,
        [
            door("Church Lane", "4", housename="Rose Cottage", **TOWN),
            door("Church Lane", "6", **TOWN),
            door("Mill Road", "2", housename="The Old Mill", **TOWN),
            door("High Street", "1", housename="Market House", **TOWN),
            door("Mill Road", "8", housename="Market House", **TOWN),
        ],
    )


@pytest.mark.parametrize(
    "written",
    ["Rose Cottage, Church Lane, Ashford", "rose cottage, Ashford", "Rose Cottage", "Rose Cottage, 21208 Ashford"],
)
def test_a_house_is_found_by_its_name_and_a_person_confirms_it(cottages: Gazetteer, written: str) -> None:
    located = cottages.locate(written)
    assert located.quality is PinQuality.APPROXIMATE
    assert (located.candidates[0].street, located.candidates[0].house_number) == ("Church Lane", "4")
    assert located.why == "Rose Cottage is the name of Church Lane 4, 21208 Ashford. Confirm or correct it."


def test_two_houses_of_one_name_are_asked_about_until_the_street_tells_them_apart(cottages: Gazetteer) -> None:
    located = cottages.locate("Market House, Ashford")
    assert located.quality is PinQuality.AMBIGUOUS
    assert {one.street for one in located.candidates} == {"High Street", "Mill Road"}
    located = cottages.locate("Market House, Mill Road, Ashford")
    assert [(one.street, one.house_number) for one in located.candidates] == [("Mill Road", "8")]


def test_a_number_says_more_than_the_name_before_it(cottages: Gazetteer) -> None:
    located = cottages.locate("Rose Cottage, 6 Church Lane, Ashford")
    assert (located.quality, located.candidates[0].house_number) == (PinQuality.EXACT, "6")


def test_a_house_of_that_name_in_another_city_is_not_it(cottages: Gazetteer) -> None:
    assert not cottages.locate("Rose Cottage, Church Lane", city="Elsewhere").quality.goes_on
    assert not cottages.locate("Rose Cottages, Ashford").quality.goes_on


def test_a_house_is_offered_while_its_name_is_typed_and_what_is_taken_is_sure(cottages: Gazetteer) -> None:
    (cottage,) = cottages.suggest("rose co")
    assert cottage.label == "Rose Cottage, Church Lane 4, 21208 Ashford"
    assert cottages.locate(cottage.label).quality is PinQuality.EXACT
    assert [one.label.split(",")[1] for one in cottages.suggest("Market H")] == [" High Street 1", " Mill Road 8"]
    assert cottages.suggest("Market Hall") == []
    # A street that begins so comes first.
    assert [one.label for one in cottages.suggest("M")] == [
        "Mill Road, Ashford",
        "Market House, High Street 1, 21208 Ashford",
        "Market House, Mill Road 8, 21208 Ashford",
    ]
    assert len(cottages.suggest("m", limit=2)) == 2


def named(name: str, street: str = "", **others: str) -> dict[str, str]:
    """A house that the map knows by its name only."""
    tags = {"addr:housename": name} | ({"addr:street": street} if street else {})
    return tags | {f"addr:{key}": value for key, value in others.items()}


@pytest.fixture
def farms(tmp_path: Path) -> Gazetteer:
    return town(
        tmp_path,
        [
            named("Hill Farm", "Church Lane", **TOWN),
            named("Glebe House", city="Nether Ashford", postcode="21209"),
            named("The Lodge", "Church Lane", **TOWN),
            named("The Lodge", "Mill Road", **TOWN),
            named("Rose Cottage", "Church Lane", **TOWN) | {"shop": "florist"},
            door("Church Lane", "4", housename="Rose Cottage", **TOWN),
            door("Mill Road", "1", **TOWN),
            named("  ", "Mill Road", **TOWN),
        ],
    )


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("Hill Farm, Church Lane, Ashford", "Hill Farm, Church Lane, 21208 Ashford"),
        ("hill farm", "Hill Farm, Church Lane, 21208 Ashford"),
        ("Glebe House, 21209 Nether Ashford", "Glebe House, 21209 Nether Ashford"),
        ("The Lodge, Mill Road, Ashford", "The Lodge, Mill Road, 21208 Ashford"),
    ],
)
def test_a_house_without_any_number_is_found_by_its_name_and_a_person_confirms_it(
    farms: Gazetteer, written: str, label: str
) -> None:
    located = farms.locate(written)
    assert located.quality is PinQuality.APPROXIMATE
    assert (located.candidates[0].label, located.candidates[0].house_number) == (label, "")
    assert located.why == f"Known by name only: {label}. Confirm or correct it."


def test_two_houses_known_by_one_name_only_are_asked_about(farms: Gazetteer) -> None:
    located = farms.locate("The Lodge, Ashford")
    assert located.quality is PinQuality.AMBIGUOUS
    assert {one.street for one in located.candidates} == {"Church Lane", "Mill Road"}
    assert located.why.endswith("Pick one.")


def test_a_shop_that_leaves_the_number_out_is_the_numbered_house(farms: Gazetteer) -> None:
    (cottage,) = farms.locate("Rose Cottage, Ashford").candidates
    assert cottage.house_number == "4"


def test_a_house_without_a_number_is_no_door_of_its_street(farms: Gazetteer) -> None:
    assert {one.house_number for one in farms.doors()} == {"1", "4"}
    assert not farms.locate("Church Lane 0, Ashford").quality.goes_on
    assert not farms.locate("Hill Farm 3, Church Lane, Ashford").quality.goes_on


def test_what_is_offered_of_a_house_without_a_number_is_what_is_found(farms: Gazetteer) -> None:
    (farm,) = farms.suggest("hill f")
    assert (farm.label, farm.quality) == ("Hill Farm, Church Lane, 21208 Ashford", PinQuality.APPROXIMATE)
    assert farms.locate(farm.label).candidates[0].location == farm.location


def numbered(folder: Path, kind: str, low: str = "1", high: str = "41", *, times: float = 1.0) -> Gazetteer:
    """A line of 290 m, or so many times it, that bends: two known doors at its ends, a plain point in its middle."""
    pbf = folder / "line.osm.pbf"
    pbf.unlink(missing_ok=True)
    with osmium.SimpleWriter(str(pbf)) as writer:
        at = [(10.0, 50.0), (10.0 + 0.002 * times, 50.0), (10.0 + 0.002 * times, 50.0 + 0.00128 * times)]
        tags = [door("Long Road", low, **TOWN), {}, door("Long Road", high, **TOWN)]
        for ref, (place, said) in enumerate(zip(at, tags, strict=True), 1):
            writer.add_node(osmium.osm.mutable.Node(id=ref, location=place, tags=said, version=1))
        writer.add_way(osmium.osm.mutable.Way(id=1, version=1, nodes=[1, 2, 3], tags={"addr:interpolation": kind}))
    build_gazetteer(pbf, folder / "addresses.db")
    return Gazetteer(folder / "addresses.db")


def test_a_number_on_a_numbered_line_lies_along_it(tmp_path: Path) -> None:
    located = numbered(tmp_path, "odd").locate("Long Road 21, Ashford")
    assert located.quality is PinQuality.INTERPOLATED
    # Half of both legs, which are as long as each other: at the bend.
    at = located.candidates[0].location
    assert (at.lat, at.lon) == (pytest.approx(50.0, abs=3e-5), pytest.approx(10.002, abs=3e-5))
    assert located.candidates[0].label == "Long Road 21, 21208 Ashford"


def test_a_line_of_kilometres_is_asked_about(tmp_path: Path) -> None:
    located = numbered(tmp_path, "odd", times=10).locate("Long Road 21, Ashford")
    assert located.quality is PinQuality.APPROXIMATE
    assert located.candidates[0].location.lon == pytest.approx(10.02, abs=3e-4)
    assert "between 1 and 41, 28" in located.why


@pytest.mark.parametrize(
    ("kind", "number", "quality"),
    [
        ("odd", "20", PinQuality.APPROXIMATE),
        ("odd", "43", PinQuality.APPROXIMATE),
        ("odd", "1", PinQuality.EXACT),
        ("odd", "41", PinQuality.EXACT),
        ("odd", "21b", PinQuality.APPROXIMATE),
        ("all", "20", PinQuality.INTERPOLATED),
        ("10", "21", PinQuality.INTERPOLATED),
        ("10", "22", PinQuality.APPROXIMATE),
        ("alphabetic", "21", PinQuality.APPROXIMATE),
    ],
)
def test_only_numbers_that_the_line_counts_lie_on_it(
    tmp_path: Path, kind: str, number: str, quality: PinQuality
) -> None:
    assert numbered(tmp_path, kind).locate(f"Long Road {number}, Ashford").quality is quality


def test_a_line_drawn_downwards_counts_downwards(tmp_path: Path) -> None:
    at = numbered(tmp_path, "odd", low="41", high="1").locate("Long Road 11, Ashford").candidates[0].location
    # A quarter from number 1, which stands in the north.
    assert (at.lat, at.lon) == (pytest.approx(50.00064, abs=3e-5), pytest.approx(10.002, abs=3e-5))


def test_a_line_says_nothing_of_another_postcode_or_city(tmp_path: Path) -> None:
    gazetteer = numbered(tmp_path, "odd")
    dice = random.Random(1)
    for _ in range(20):
        number = dice.randrange(3, 40, 2)
        assert not gazetteer.locate(f"Long Road {number}", postcode="99999", city="Ashford").quality.goes_on
        assert not gazetteer.locate(f"Long Road {number}, Tampere").quality.goes_on


@pytest.fixture
def danish(tmp_path: Path) -> Iterator[Gazetteer]:
    """Store Kongensgade 34, 34B and 134, H.C. Andersens Boulevard 2, Ørstedsvej 7 and 10. Februar Plads 1."""
    streets = [
        ("Store Kongensgade", "34"), ("Store Kongensgade", "34B"), ("Store Kongensgade", "134"),
        ("H.C. Andersens Boulevard", "2"), ("Ørstedsvej", "7"), ("10. Februar Plads", "1"),
    ]  # fmt: skip
    with town(tmp_path, [door(street, number, city="København") for street, number in streets]) as gazetteer:
        yield gazetteer


@pytest.mark.parametrize(
    ("typed", "doors"),
    [
        ("34 store kongensgade", ["34", "34 B"]), ("34, store kongensgade", ["34", "34 B"]),
        ("34 store kong", ["34", "34 B"]),
        ("34b store kong", ["34 B"]), ("134 Store Kongensgade", ["134"]), ("34 st. kongensg", ["34", "34 B"]),
        ("st. kongensg 34", ["34", "34 B"]), ("Store Kongensgade 34", ["34", "34 B"]),
    ],
)  # fmt: skip
def test_autocomplete_takes_the_number_in_front_and_behind(danish: Gazetteer, typed: str, doors: list[str]) -> None:
    found = danish.suggest(typed)
    assert {one.street for one in found} == {"Store Kongensgade"}
    assert [one.house_number for one in found] == doors


@pytest.mark.parametrize(
    ("typed", "street"),
    [
        ("hc andersens", "H.C. Andersens Boulevard"), ("h c and", "H.C. Andersens Boulevard"),
        ("st. kongensg", "Store Kongensgade"), ("store kong", "Store Kongensgade"), ("oersteds", "Ørstedsvej"),
        ("10 febr", "10. Februar Plads"), ("99 store kongensgade", "Store Kongensgade"),
    ],
)  # fmt: skip
def test_autocomplete_knows_the_spellings_that_addresses_know(danish: Gazetteer, typed: str, street: str) -> None:
    assert [(one.street, one.house_number) for one in danish.suggest(typed)] == [(street, "")]
