"""What a gazetteer knows, as the rules of addresses ask it: doors, streets, and what lies inside."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from routing.model.places import Bounds, Location, metres_between
from routing.rules.house_number import HouseNumber
from routing.rules.reading import Reading, plain_postcode
from routing.rules.spelling import fold, keys
from routing.rules.street_words import COUNTRIES, STATES

_DISTRICT = re.compile(r"[a-z]{1,2}\d{0,2}|\d{1,2}[a-z]?")
_NEW_DISTRICT = re.compile(r"[a-z]|[ns][oevw]|oe|[ew]c|[a-z]{1,2}\d{1,2}|\d{1,2}[a-z]?")
"""Behind a city that the map knows without one: of two letters only those of a direction, or any word would do."""
_CONSONANTS = re.compile(r"[b-df-hj-np-tv-xz]{3,6}")
"""No town is called so: what has no vowel is short for something."""
_AREA_WORDS = frozenset({"city", "county", "kommune", "kommun"})
_WITH_PROVINCES = frozenset({"BR", "CH", "IT"})
_WITH_STATES = frozenset({"US", "CA", "AU"})
_STATES = frozenset(STATES.values()) - {"NV"}
"""Without Nevada: Danes write København NV."""
_OUTSIDE_US = dict.fromkeys(("ON", "QC", "BC", "AB", "MB", "SK", "NS", "NB"), "CA") | dict.fromkeys(
    ("NSW", "VIC", "QLD", "SA", "TAS"), "AU"
)
_REMEMBERED = 5_000
_OF_TWO = frozenset({"WA"})
"""Washington, and Western Australia."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A known address. `postcodes` holds every postcode it is filed under (more than one where the map disagrees).

    Number 0 is none: a house that is known by its name only, perhaps of a village without streets.
    """

    location: Location
    street: str
    number: HouseNumber
    postcodes: frozenset[str] = frozenset()
    city: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A line along which the map numbers houses: from one known door to another, every `step` numbers."""

    low: Door
    high: Door
    step: int
    line: tuple[Location, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetMatch:
    """A street that the text may mean. `typos` is how many letters differ; `partial`: words were missing."""

    name: str
    location: Location
    doors: tuple[Door, ...]
    typos: int = 0
    partial: bool = False
    city: str = ""
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What a gazetteer covers: its box, its cities (folded, with translations) and postcodes (without spaces).

    `called`: folded translation -> the folded name that the map uses; `once`: those of them that are old names, which
    alone make nothing sure. `served`: (postcode, folded city) that addresses
    of the map carry together. `places`: suburbs and villages whose name no address carries, and how far they reach in
    metres. `states` and `countries` are the codes of its addresses, empty where they carry none.
    """

    bounds: Bounds
    cities: frozenset[str] = frozenset()
    postcodes: frozenset[str] = frozenset()
    name: str = ""
    called: Mapping[str, str] = field(default_factory=dict)
    once: frozenset[str] = frozenset()
    served: frozenset[tuple[str, str]] = frozenset()
    places: Mapping[str, tuple[Location, float]] = field(default_factory=dict)
    states: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    _keys: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What `city_key` answered: of a day's addresses nearly all name a city that was asked about before."""

    def knows_city(self, city: str) -> bool:
        """Also with a letter wrong, or without the district ("København" where the map says "København K")."""
        return not self.cities or not fold(city) or bool(self.city_key(city))

    def is_certain_of(self, city: str) -> bool:
        """Whether the city is ours letter by letter: no slip (Dalby is no Valby), and no longer name than a district
        (København NV is one of København's, Baltimore Highlands none of Baltimore's)."""
        key = self._plain(city)
        if key in self.once:
            return False
        if key in self.cities:
            return True
        key = self._called(key)
        if (
            not key
            or not self.cities
            or key in self.cities
            or any(
                known.startswith(f"{key} ") and _DISTRICT.fullmatch(known.removeprefix(f"{key} "))
                for known in self.cities
            )
        ):
            return True
        longer = (key.removeprefix(f"{known} ") for known in self.cities if key.startswith(f"{known} "))
        return any(_NEW_DISTRICT.fullmatch(rest) for rest in longer)

    def city_key(self, city: str) -> str:
        """The folded name under which the map knows the city, whatever it was called; "" for one it does not know."""
        if (known := self._keys.get(city)) is not None:
            return known
        if len(self._keys) >= _REMEMBERED:
            self._keys.clear()
        key = self._keys[city] = self._city_key(city)
        return key

    def _city_key(self, city: str) -> str:
        key = self._called(self._plain(city))
        if not key or key in self.cities:
            return key
        if any(known.startswith(f"{key} ") or key.startswith(f"{known} ") for known in self.cities):
            return key
        if longer := self._shortened(key):
            return longer
        slack = 1 if len(key) >= 5 else 0
        near = (known for known in sorted(self.cities) if _one_letter_apart(key, known, slack))
        return self._called(next(near, ""))

    def _shortened(self, key: str) -> str:
        """The one city that is shortened to its consonants here, in their order (Kbh N, Sthlm); "" for none. A postcode
        must say the same before anything is sure of it."""
        short, _, district = key.partition(" ")
        if not _CONSONANTS.fullmatch(short):
            return ""
        pattern = re.compile(rf"{'.*'.join(short)}\w*")
        named = {self._called(city) for city in self.cities}
        first = {city.partition(" ")[0] for city in named if pattern.fullmatch(city.partition(" ")[0])}
        if len(first) != 1:
            return ""
        longer = f"{first.pop()} {district}".strip()
        return longer if not district or longer in named else ""

    def _plain(self, city: str) -> str:
        """The city folded, in whichever spelling of its letters is known: Aarhus is Århus, and Århus Aarhus."""
        ways = keys(city)
        return next((key for key in ways if key in self.cities), ways[0])

    def _called(self, key: str) -> str:
        """Copenhagen K is København K: the name is translated, the district behind it stays."""
        if key in self.called:
            return self.called[key]
        words = key.split()
        for count in range(len(words) - 1, 0, -1):
            name = self.called.get(" ".join(words[:count]))
            if name is not None:
                return " ".join([name, *words[count:]])
        return key

    def knows_postcode(self, postcode: str) -> bool:
        key = plain_postcode(postcode)
        return not key or not self.postcodes or key in self.postcodes

    def city_agrees(self, door: Door, city: str, postcode: str = "") -> bool:
        """Whether the city that somebody wrote may be that of the door: its own, the part of town it lies in, or one
        that shares the postcode, where that is written too. A city that the map does not know says nothing here."""
        key = self.city_key(city)
        if not key or not door.city or _same_city(self._called(fold(door.city)), key):
            return True
        if postcode in door.postcodes and (
            (postcode, key) in self.served or self._begins_alike(self._called(fold(door.city)), key)
        ):
            return True
        if key not in self.places:
            return False
        middle, reach_m = self.places[key]
        return metres_between(middle, door.location) <= reach_m

    def _begins_alike(self, own: str, key: str) -> bool:
        """The first words of the door's city, or its city and its state, country, county or the like: what else stands
        behind it is a part of another city's name, whatever the postcode says."""
        if own.startswith(f"{key} "):
            return True
        rest = key.removeprefix(f"{own} ") if key.startswith(f"{own} ") else ""
        place = STATES.get(rest) or COUNTRIES.get(rest) or rest.upper()
        return rest in _AREA_WORDS or bool(rest and place in self.states | self.countries)

    def is_in(self, city: str, key: str) -> bool:
        """Whether a city of the map is the one of this key, or a district of it."""
        return _same_city(self._called(fold(city)), key)

    def elsewhere(self, reading: Reading) -> str:
        """The country or state of the text, where it is none of these addresses'; else "".

        Maryland is in no other country, whether or not the map's addresses say so:

        >>> maryland = Coverage(bounds=Bounds(south=39.3, west=-77.0, north=39.6, east=-76.7), states=frozenset({"MD"}))
        >>> [maryland.elsewhere(Reading(street="", number=None, country=code)) for code in ("US", "CA", "")]
        ['', 'CA', '']
        """
        countries = self.countries or self._countries_of_states()
        if reading.country and countries and reading.country not in countries:
            return reading.country
        state = COUNTRIES.get(fold(reading.state), reading.state)  # USA, before or behind a postcode
        if not state or state in self.states or state in self.countries:
            return ""
        known = self.states or (self.countries if state in COUNTRIES.values() else frozenset())
        if not known and state in _STATES and not self.countries & _WITH_STATES:
            known = self.countries  # Florida, where no address has a state
        return state if known else ""

    def _countries_of_states(self) -> frozenset[str]:
        """Where the states of these addresses are; empty where one may be in another country."""
        if not self.states or not self.states <= _STATES - _OF_TWO:
            return frozenset()
        return frozenset(_OUTSIDE_US.get(state, "US") for state in self.states)

    def unaccounted(self, reading: Reading) -> str:
        """What stands in the place of a state and is none, nor a country of these addresses; "" where nothing does.

        Where the map names no countries, and where provinces have codes that no table here holds, any may be ours.
        """
        state = COUNTRIES.get(fold(reading.state), reading.state)
        if not state or state in self.states | self.countries or self.countries & _WITH_PROVINCES:
            return ""
        may_be_ours = not self.countries and (state in COUNTRIES.values() or state in STATES.values())
        return "" if may_be_ours or (state == "NV" and self.countries & _WITH_STATES) else reading.state


def _one_letter_apart(one: str, other: str, slack: int) -> bool:
    if abs(len(one) - len(other)) > slack or not slack:
        return False
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    return swapped or one[at + 1 :] == other[at + 1 :] or one[at:] == other[at + 1 :] or one[at + 1 :] == other[at:]


def _same_city(own: str, key: str) -> bool:
    """One city, or a district of the other: Owings is a town of its own, and not Owings Mills. `own` is the map's."""
    if own == key:
        return True
    if own.startswith(f"{key} "):
        return bool(_DISTRICT.fullmatch(own.removeprefix(f"{key} ")))
    return key.startswith(f"{own} ") and bool(_NEW_DISTRICT.fullmatch(key.removeprefix(f"{own} ")))
