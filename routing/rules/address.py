"""How sure we may be of a pin: what a known door, a street or a point say about an address as somebody wrote it.

Nothing here knows where the known addresses come from. `routing.rules.reading` takes a text apart, a gazetteer looks
the streets up, and `judge` decides: only a door that is really known under the number asked for is EXACT.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt

from routing.model.places import Bounds, Candidate, Located, Location, PinQuality
from routing.rules.house_number import HouseNumber
from routing.rules.reading import Reading, plain_postcode
from routing.rules.spelling import clean, fold
from routing.rules.street_words import COUNTRIES

MAX_LENGTH = 300
"""Characters. No postal address is longer; what is longer was pasted into the wrong field."""

MAX_CANDIDATES = 5

INTERPOLATION_GAP = 10
"""The two known numbers may differ by this much at most, or the houses between them are anybody's guess."""

INTERPOLATION_SPAN_M = 200.0
SAME_DOOR_M = 60.0
"""Readings nearer to each other than this are one door with two nameplates."""

# ---------------------------------------------------------------------------- judging


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

    `called`: folded translation -> the folded name that the map uses. `served`: (postcode, folded city) that addresses
    of the map carry together. `places`: suburbs and villages whose name no address carries, and how far they reach in
    metres. `states` and `countries` are the codes of its addresses, empty where they carry none.
    """

    bounds: Bounds
    cities: frozenset[str] = frozenset()
    postcodes: frozenset[str] = frozenset()
    name: str = ""
    called: Mapping[str, str] = field(default_factory=dict)
    served: frozenset[tuple[str, str]] = frozenset()
    places: Mapping[str, tuple[Location, float]] = field(default_factory=dict)
    states: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()

    def knows_city(self, city: str) -> bool:
        """Also with a letter wrong, or without the district ("København" where the map says "København K")."""
        return not self.cities or not fold(city) or bool(self.city_key(city))

    def city_key(self, city: str) -> str:
        """The folded name under which the map knows the city, whatever it was called; "" for one it does not know."""
        key = self._called(fold(city))
        if not key or key in self.cities:
            return key
        if any(known.startswith(f"{key} ") or key.startswith(f"{known} ") for known in self.cities):
            return key
        slack = 1 if len(key) >= 5 else 0
        near = (known for known in sorted(self.cities) if _one_letter_apart(key, known, slack))
        return self._called(next(near, ""))

    def _called(self, key: str) -> str:
        """Copenhagen K is København K: the name is translated, the district behind it stays."""
        if key in self.called:
            return self.called[key]
        words = key.split()
        for count in range(len(words), 0, -1):
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
        if postcode in door.postcodes and (postcode, key) in self.served:
            return True
        if key not in self.places:
            return False
        middle, reach_m = self.places[key]
        return metres(middle, door.location) <= reach_m

    def elsewhere(self, reading: Reading) -> str:
        """The country or state of the text, where it is none of these addresses'; else ""."""
        if reading.country and self.countries and reading.country not in self.countries:
            return reading.country
        state = reading.state
        if not state or state in self.states or state in self.countries:
            return ""
        known = self.states or (self.countries if state in COUNTRIES.values() else frozenset())
        return state if known else ""


def _one_letter_apart(one: str, other: str, slack: int) -> bool:
    if abs(len(one) - len(other)) > slack or not slack:
        return False
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    return swapped or one[at + 1 :] == other[at + 1 :] or one[at:] == other[at + 1 :] or one[at + 1 :] == other[at:]


@dataclass(slots=True)
class _Verdict:
    quality: PinQuality
    candidates: list[Candidate] = field(default_factory=list)
    why: str = ""


def judge(
    reading: Reading, streets: Sequence[StreetMatch], coverage: Coverage, *, source: str = "gazetteer"
) -> Located:
    """How surely the reading names one door. EXACT only for a known door under exactly this number on a street
    spelled as we know it, in a city and postcode that do not speak against it; every doubt has its sentence."""
    if away := coverage.elsewhere(reading):
        return Located(
            quality=PinQuality.OUTSIDE,
            candidates=(),
            why=f"{_short(away)} lies outside {coverage.name or 'this region'}. Correct the address, or set the pin.",
        )
    foreign = bool(reading.city) and not coverage.knows_city(reading.city)
    if not streets and not reading.city_sure and not re.search(r"[^\W\d_]", reading.city):
        foreign = False  # what is left of a number that was not understood is no city
    # A postcode of ours outweighs a city that nobody knows: it is a city's name with slips, most likely.
    slipped = foreign and plain_postcode(reading.postcode) in coverage.postcodes and bool(streets)
    if slipped:
        foreign = False
    if foreign and (reading.city_sure or not streets):
        return Located(
            quality=PinQuality.OUTSIDE,
            candidates=(),
            why=f"{_short(reading.city)} lies outside {coverage.name or 'this region'}. "
            "Correct the address, or set the pin.",
        )
    postcode_known = coverage.knows_postcode(reading.postcode)
    if not streets:
        if not postcode_known:
            return _outside_postcode(reading, coverage, ())
        return Located(
            quality=PinQuality.NOT_FOUND,
            candidates=(),
            why=f'No street "{_short(reading.street)}" is known here. Correct the name, or set the pin.',
        )
    best = min((match.partial, match.typos) for match in streets)
    # One letter more is outweighed by a street that has the number, and in that postcode.
    likely = [match for match in streets if match.partial == best[0] and match.typos <= best[1] + min(best[1], 1)]
    verdicts = [_on_street(reading, match, source, coverage) for match in likely]
    verdicts.sort(key=lambda verdict: -verdict.candidates[0].score)
    top = verdicts[0]
    equal = [verdict for verdict in verdicts if verdict.candidates[0].score == top.candidates[0].score]
    # A pin that is one of several equals is not the pin, however well each of them is known.
    candidates = [_as(verdict.candidates[0], PinQuality.AMBIGUOUS) for verdict in equal] if len(equal) > 1 else []
    spread = [verdict.candidates[1:] if verdict in equal and candidates else verdict.candidates for verdict in verdicts]
    candidates += [candidate for more in spread for candidate in more]
    if len(equal) > 1:
        names = " or ".join(candidate.label for candidate in candidates[: min(len(equal), 3)])
        top = _Verdict(PinQuality.AMBIGUOUS, candidates, f'"{_short(_said(reading))}" may be {names}. Pick one.')
    top.candidates = candidates
    if foreign:
        return Located(
            quality=PinQuality.OUTSIDE,
            candidates=tuple(_as(one, PinQuality.OUTSIDE) for one in candidates[:MAX_CANDIDATES]),
            why=f'If "{_short(reading.city)}" is the city, this lies outside {coverage.name or "this region"}. '
            "Correct the address, or confirm the pin.",
        )
    if not postcode_known:
        surely_here = bool(reading.city) and top.quality.goes_on
        if not surely_here:
            return _outside_postcode(reading, coverage, tuple(_as(one, PinQuality.OUTSIDE) for one in candidates))
        top.quality = PinQuality.APPROXIMATE
        top.why = (
            f"No address here has the postcode {_short(reading.postcode)}; {top.candidates[0].label} has the same "
            "street and number. Confirm or correct it."
        )
    elif slipped and top.quality is not PinQuality.AMBIGUOUS:
        top.why = top.why or (
            f"No city here is called {_short(reading.city)}; {top.candidates[0].label} has the same postcode, street "
            "and number. Confirm or correct it."
        )
        if top.quality.goes_on:
            top.quality = PinQuality.APPROXIMATE
    elif best != (False, 0) and top.quality is not PinQuality.AMBIGUOUS:
        guessed = f'Read as {top.candidates[0].street}: no street is written "{_short(reading.street)}".'
        top.why = f"{guessed} {top.why or 'Confirm or correct it.'}"
        if top.quality is not PinQuality.STREET:
            top.quality = PinQuality.APPROXIMATE
    if top.candidates[0].quality is not top.quality:
        top.candidates[0] = _as(top.candidates[0], top.quality)
    return Located(quality=top.quality, candidates=tuple(top.candidates[:MAX_CANDIDATES]), why=top.why)


_RANK = (
    PinQuality.NOT_FOUND,
    PinQuality.OUTSIDE,
    PinQuality.STREET,
    PinQuality.APPROXIMATE,
    PinQuality.AMBIGUOUS,
    PinQuality.INTERPOLATED,
    PinQuality.EXACT,
)


def surest(answers: Sequence[Located]) -> Located:
    """The verdict over several readings of one text; two sure ones in different places are no sure one."""
    best = max(answers, key=lambda answer: (_RANK.index(answer.quality), *(one.score for one in answer.candidates[:1])))
    if not best.quality.goes_on:
        return best
    sure = [answer.candidates[0] for answer in answers if answer.quality.goes_on]
    rivals = [one for one in sure if metres(one.location, best.candidates[0].location) > SAME_DOOR_M]
    if not rivals:
        return best
    places = [_as(one, PinQuality.AMBIGUOUS) for one in dict.fromkeys([best.candidates[0], *rivals])]
    names = " and ".join(one.label for one in places[:3])
    return Located(
        quality=PinQuality.AMBIGUOUS,
        candidates=tuple(places[:MAX_CANDIDATES]),
        why=f"Two addresses in one: {names}. Pick one.",
    )


def named_house(name: str, said: str, houses: Sequence[tuple[str, Door]], *, city: str, coverage: Coverage) -> Located:
    """The verdict on a text that names a house, as "Rose Cottage, Church Lane": never EXACT, for a name is not unique
    as a number is, and a person confirms it. `houses` are those called so, each after its name as the map writes it."""
    agreeing = [(written, door) for written, door in houses if not city or coverage.city_agrees(door, city)]
    on_street = [(written, door) for written, door in agreeing if fold(door.street) and fold(door.street) in fold(said)]
    found = on_street or agreeing
    if not found:
        return not_found(f'The only house called "{_short(name)}" lies elsewhere. Correct the address, or set the pin.')
    quality = PinQuality.APPROXIMATE if len(found) == 1 else PinQuality.AMBIGUOUS
    score = 70.0 if on_street else 60.0
    candidates = tuple(
        candidate_of_house(written, door, quality=quality, score=score) for written, door in found[:MAX_CANDIDATES]
    )
    labels = " or ".join(one.label for one in candidates[:3])
    mend = "Confirm or correct it." if len(found) == 1 else "Pick one."
    if not any(one.house_number for one in candidates):
        return Located(quality=quality, candidates=candidates, why=f"Known by name only: {labels}. {mend}")
    return Located(quality=quality, candidates=candidates, why=f"{found[0][0]} is the name of {labels}. {mend}")


def _outside_postcode(reading: Reading, coverage: Coverage, candidates: tuple[Candidate, ...]) -> Located:
    return Located(
        quality=PinQuality.OUTSIDE,
        candidates=candidates[:MAX_CANDIDATES],
        why=f"The postcode {_short(reading.postcode)} lies outside {coverage.name or 'this region'}. "
        "Correct the address, or set the pin.",
    )


def _on_street(reading: Reading, match: StreetMatch, source: str, coverage: Coverage) -> _Verdict:
    """The verdict as if the street were certain; always with at least one candidate."""
    doors, elsewhere = _agreeing(match.doors, reading, coverage)
    penalty = 10.0 * match.typos + (5.0 if match.partial else 0.0)

    def candidate(door: Door, quality: PinQuality, score: float) -> Candidate:
        return _candidate(door, quality, max(score - penalty, 1.0), source, reading.postcode)

    asked = reading.number
    if asked is None:
        return _Verdict(
            PinQuality.STREET,
            [_middle_of(match, penalty, source)],
            f"{match.name} has no house number. Add it, or set the pin.",
        )
    if not match.doors:
        why = f"{match.name} is known, but none of its house numbers. Set the pin at number {asked}."
        return _Verdict(PinQuality.STREET, [_middle_of(match, penalty, source)], why)

    known = [door for door in doors if door.number.covers(asked)]
    # A plate with exactly this number is surer than a range that covers it.
    known = [door for door in known if (door.number.first, door.number.last) == (asked.first, asked.last)] or known
    moved = [door for door in elsewhere if door.number.covers(asked)]
    if moved and not any(door.postcodes for door in known):
        # Its namesake under another postcode speaks against a door that has none.
        known = []
    lettered = any(door.number.first == asked.first and door.number.letter for door in doors)
    if not known and not moved and asked.letter and reading.unit and not lettered:
        # "14 B 23" is stair B, flat 23 of house 14, as long as no door of that house bears a letter of its own.
        house = HouseNumber(first=asked.first, last=asked.last)
        known = [door for door in doors if door.number.covers(house)]
    if known:
        apart = _apart(known)
        if len(apart) == 1:
            return _Verdict(PinQuality.EXACT, [candidate(apart[0], PinQuality.EXACT, 100.0)])
        places = [candidate(door, PinQuality.AMBIGUOUS, 95.0) for door in apart]
        where = " or ".join(one.label for one in places[:3])
        why = f"{match.name} {asked} is known in {len(apart)} places: {where}. Pick one."
        return _Verdict(PinQuality.AMBIGUOUS, places, why)
    if moved:
        apart = _apart(moved)
        if _other_postcode(apart[0], plain_postcode(reading.postcode)):
            there, here = ", ".join(sorted(apart[0].postcodes)), reading.postcode
        else:
            there, here = apart[0].city, reading.city
        return _Verdict(
            PinQuality.APPROXIMATE,
            [candidate(door, PinQuality.APPROXIMATE, 70.0) for door in apart],
            f"{match.name} {asked} is in {there}, not in {_short(here)}. Confirm or correct it.",
        )
    doors = doors or elsewhere
    same = [door for door in doors if door.number.first <= asked.first <= door.number.last]
    siblings = [door for door in same if door.number.letter != asked.letter]
    siblings = [door for door in siblings if not door.number.is_range] or siblings
    if siblings and not asked.letter:
        apart = sorted(siblings, key=lambda door: door.number.letter)
        names = " or ".join(f"{match.name} {door.number}" for door in apart[:3])
        if len(apart) > 1:
            return _Verdict(
                PinQuality.AMBIGUOUS,
                [candidate(door, PinQuality.AMBIGUOUS, 75.0) for door in apart],
                f"{match.name} {asked} has several doors: {names}. Pick one.",
            )
        return _Verdict(
            PinQuality.APPROXIMATE,
            [candidate(apart[0], PinQuality.APPROXIMATE, 72.0)],
            f"{match.name} {asked}: only {names} is known. Confirm or correct it.",
        )
    between = None
    if not asked.is_range and not siblings:
        between = _along(asked, match, reading, coverage) or _between(asked, doors, match)
    if between is not None:
        return _Verdict(PinQuality.INTERPOLATED, [candidate(between, PinQuality.INTERPOLATED, 85.0)])
    odd = asked.first % 2
    nearest = sorted(doors, key=lambda door: (_gap(door.number, asked), door.number.first % 2 != odd, str(door.number)))
    offered = _apart(nearest[: 4 * MAX_CANDIDATES])[:MAX_CANDIDATES]
    return _Verdict(
        PinQuality.APPROXIMATE,
        [candidate(door, PinQuality.APPROXIMATE, 60.0 - at) for at, door in enumerate(offered)],
        f"{match.name} {asked}: no such number; the nearest known is {nearest[0].number}. Confirm or correct it.",
    )


def _middle_of(match: StreetMatch, penalty: float, source: str) -> Candidate:
    return Candidate(
        location=match.location,
        label=", ".join(filter(None, [match.name, match.city])),
        street=match.name,
        house_number="",
        city=match.city,
        quality=PinQuality.STREET,
        score=max(50.0 - penalty, 1.0),
        source=source,
    )


def _agreeing(doors: Sequence[Door], reading: Reading, coverage: Coverage) -> tuple[list[Door], list[Door]]:
    """(doors that the postcode and city do not speak against, the others)"""
    postcode, city = plain_postcode(reading.postcode), reading.city
    agreeing: list[Door] = []
    elsewhere: list[Door] = []
    for door in doors:
        against = _other_postcode(door, postcode) or (city and not coverage.city_agrees(door, city, postcode))
        (elsewhere if against else agreeing).append(door)
    return agreeing, elsewhere


def _other_postcode(door: Door, postcode: str) -> bool:
    return bool(postcode and door.postcodes and postcode not in door.postcodes)


def _same_city(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other} ") or other.startswith(f"{one} ")


def _between(asked: HouseNumber, doors: Sequence[Door], match: StreetMatch) -> Door | None:
    """The point between the two known neighbours on the same side of the street, where they are near enough."""
    side = [door for door in doors if not door.number.is_range and door.number.first % 2 == asked.first % 2]
    pairs = [
        (low, high)
        for low in side
        for high in side
        if low.number.first < asked.first < high.number.first
        and high.number.first - low.number.first <= INTERPOLATION_GAP
        and metres(low.location, high.location) <= INTERPOLATION_SPAN_M
    ]
    if not pairs:
        return None
    low, high = min(pairs, key=lambda pair: (pair[1].number.first - pair[0].number.first, str(pair[0].number)))
    share = (asked.first - low.number.first) / (high.number.first - low.number.first)
    return Door(
        location=Location(
            lat=low.location.lat + share * (high.location.lat - low.location.lat),
            lon=low.location.lon + share * (high.location.lon - low.location.lon),
        ),
        street=match.name,
        number=asked,
        postcodes=low.postcodes & high.postcodes,
        city=low.city,
    )


def _along(asked: HouseNumber, match: StreetMatch, reading: Reading, coverage: Coverage) -> Door | None:
    """The point on a line that the map draws for such numbers, however far apart its ends are."""
    for span in match.spans:
        first, last = span.low.number.first, span.high.number.first
        fits = first < asked.first < last and (asked.first - first) % span.step == 0 and not asked.letter
        if fits and not _agreeing((span.low, span.high), reading, coverage)[1]:
            return Door(
                location=_point_on(span.line, (asked.first - first) / (last - first)),
                street=match.name,
                number=asked,
                postcodes=span.low.postcodes & span.high.postcodes,
                city=span.low.city,
            )
    return None


def _point_on(line: Sequence[Location], share: float) -> Location:
    """
    >>> _point_on([Location(lat=0, lon=0), Location(lat=0, lon=1), Location(lat=0, lon=3)], 0.5)
    Location(lat=0.0, lon=1.5)
    """
    lengths = [metres(one, other) for one, other in pairwise(line)]
    rest = share * sum(lengths)
    for (one, other), length in zip(pairwise(line), lengths, strict=True):
        if rest <= length and length:
            part = rest / length
            lat, lon = one.lat + part * (other.lat - one.lat), one.lon + part * (other.lon - one.lon)
            return Location(lat=round(lat, 7), lon=round(lon, 7))
        rest -= length
    return line[-1]


def _apart(doors: Sequence[Door]) -> list[Door]:
    """The doors without those that stand beside an earlier one of the same number."""
    kept: list[Door] = []
    for door in doors:
        same = [other for other in kept if other.number == door.number]
        if not any(metres(other.location, door.location) <= SAME_DOOR_M for other in same):
            kept.append(door)
    return kept


def _gap(one: HouseNumber, other: HouseNumber) -> int:
    return max(one.first - other.last, other.first - one.last, 0)


def _candidate(door: Door, quality: PinQuality, score: float, source: str, postcode: str = "") -> Candidate:
    wanted = plain_postcode(postcode)
    filed = wanted if wanted in door.postcodes else min(door.postcodes, default="")
    place = " ".join(filter(None, [filed, door.city]))
    number = str(door.number) if door.number.first else ""
    return Candidate(
        location=door.location,
        label=", ".join(filter(None, [" ".join(filter(None, [door.street, number])), place])),
        street=door.street,
        house_number=number,
        postcode=filed,
        city=door.city,
        quality=quality,
        score=score,
        source=source,
    )


def candidate_of(door: Door, *, quality: PinQuality, score: float, source: str) -> Candidate:
    """A known door as a candidate, under the first of its postcodes."""
    return _candidate(door, quality, score, source)


def candidate_of_house(name: str, door: Door, *, quality: PinQuality, score: float, named: bool = False) -> Candidate:
    """A house that has a name as a candidate: under its number, or its name where it has none, or `named` both."""
    found = _candidate(door, quality, score, "gazetteer")
    return (
        replace(found, label=", ".join(filter(None, [name, found.label]))) if named or not door.number.first else found
    )


def not_found(why: str) -> Located:
    return Located(quality=PinQuality.NOT_FOUND, candidates=(), why=why)


def unusable(text: str) -> str:
    """Why a text cannot be an address at all; empty when it may be one."""
    if len(text) > MAX_LENGTH:
        return (
            f"This is too long for an address ({len(text):,} characters, at most {MAX_LENGTH}). "
            "Write street, number and city."
        )
    if not clean(text):
        return "There is no address. Write street, number and city, or set the pin."
    if not re.search(r"[^\W_]", text):
        return f'"{_short(clean(text))}" is no address. Write street, number and city, or set the pin.'
    return ""


def _as(candidate: Candidate, quality: PinQuality) -> Candidate:
    score = candidate.score if quality.goes_on else min(candidate.score, 90.0)
    return replace(candidate, quality=quality, score=score)


def _said(reading: Reading) -> str:
    return f"{reading.street} {reading.number}" if reading.number else reading.street


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


_EARTH_M = 6_371_000.0


def metres(one: Location, other: Location) -> float:
    """Great-circle distance in metres."""
    lat1, lat2 = radians(one.lat), radians(other.lat)
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin(radians(other.lon - one.lon) / 2) ** 2
    return 2 * _EARTH_M * asin(sqrt(half))
