"""Addresses as people write them: taking one apart, what a house number means, and how sure we may be of a pin.

Nothing here knows where the known addresses come from. `readings` takes a text apart, a gazetteer looks the streets
up, and `judge` decides: only a door that is really known under the number asked for is EXACT.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from math import asin, cos, radians, sin, sqrt

from routing.errors import InvalidInput
from routing.model.places import Bounds, Candidate, Located, Location, PinQuality

MAX_LENGTH = 300
"""Characters. No postal address is longer; what is longer was pasted into the wrong field."""

MAX_CANDIDATES = 5

INTERPOLATION_GAP = 10
"""The two known numbers may differ by this much at most, or the houses between them are anybody's guess."""

INTERPOLATION_SPAN_M = 200.0
SAME_DOOR_M = 60.0
"""Readings nearer to each other than this are one door with two nameplates."""

# ---------------------------------------------------------------------------- writing


_LETTERS = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "’": "'", "´": "'", "`": "'"}
)
_NOT_WORD = re.compile(r"[^\w]+")


def fold(text: str) -> str:
    """How two spellings of one name are compared: no case, no accents, no punctuation, single spaces.

    >>> fold("  Töölönlahden-KATU. ")
    'toolonlahden katu'
    """
    flat = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    flat = "".join(letter for letter in flat if not unicodedata.combining(letter))
    return _NOT_WORD.sub(" ", flat.replace("'", "").replace("_", " ")).strip()


# What people shorten a street's last word to: (ending, glued to the word before, what it may stand for).
_SHORT_WORDS: dict[str, tuple[str, ...]] = {
    "st": ("street",), "rd": ("road",), "ave": ("avenue",), "av": ("avenue",), "dr": ("drive",), "ln": ("lane",),
    "ct": ("court",), "blvd": ("boulevard",), "cir": ("circle",), "pl": ("place", "plads", "platz"),
    "pkwy": ("parkway",), "ter": ("terrace",), "hwy": ("highway",), "str": ("strasse", "street"), "k": ("katu",),
    "gt": ("gate",), "g": ("gatan", "gade"), "v": ("vagen", "vej"), "t": ("tie",),
}  # fmt: skip
_SHORT_ENDINGS: dict[str, tuple[str, ...]] = {
    "str": ("strasse",), "k": ("katu",), "g": ("gatan", "gade"), "v": ("vagen", "vej"), "t": ("tie",),
}  # fmt: skip


def spellings(street: str) -> tuple[str, ...]:
    """The folded street as written, then what its abbreviations may stand for ("Aleksanterink." → aleksanterinkatu)."""
    key = fold(street)
    out = [key]
    head, _, last = key.rpartition(" ")
    if head:
        out += [f"{head} {full}" for full in _SHORT_WORDS.get(last, ())]
    # Glued endings are shortened only with a full stop: "Bank" is no short "Bankatu".
    if street.rstrip().endswith("."):
        for ending, fulls in _SHORT_ENDINGS.items():
            if key.endswith(ending) and len(key) - len(ending) >= 3:
                out += [key[: -len(ending)] + full for full in fulls]
    return tuple(dict.fromkeys(out))


# ---------------------------------------------------------------------------- house numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseNumber:
    """29 · 14 B · 1-5. `last` equals `first` unless it is a range; `letter` is lower case, "" for none."""

    first: int
    last: int
    letter: str = ""

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise InvalidInput(f"A house number range runs upwards: {self.first}-{self.last} does not.")

    def __str__(self) -> str:
        span = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return span + (f" {self.letter.upper()}" if self.letter else "")

    @property
    def is_range(self) -> bool:
        return self.first != self.last

    def covers(self, asked: HouseNumber) -> bool:
        """Whether a door with this number is the door asked for. A range covers the numbers of its own side only."""
        if self.letter != asked.letter:
            return False
        if (self.first, self.last) == (asked.first, asked.last):
            return True
        inside = self.first <= asked.first and asked.last <= self.last
        return inside and asked.first % 2 == self.first % 2 and asked.last % 2 == self.first % 2


_HOUSE = re.compile(r"(\d{1,5})(?:\s*[-–/]\s*(\d{1,5}))?(?:\s?([A-Za-zÅÄÖÆØåäöæø])(?![^\W\d_]))?")


def parse_house_number(text: str) -> HouseNumber | None:
    """The number at the start of the text ("2, 2. krs" is 2); None where there is none."""
    match = _HOUSE.match(text.strip())
    return _house(match) if match else None


def _house(match: re.Match[str]) -> HouseNumber:
    ends = sorted({int(match[1]), int(match[2] or match[1])})
    return HouseNumber(first=ends[0], last=ends[-1], letter=(match[3] or "").casefold())


# ---------------------------------------------------------------------------- reading a text


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to take an address apart. `number` None: the text names a street only.

    `city_sure` is False where a part nobody could place was taken for the city ("Fabianinkatu 29, Tampere"; it may
    as well be "..., back yard").
    """

    street: str
    number: HouseNumber | None
    unit: str = ""
    postcode: str = ""
    city: str = ""
    city_sure: bool = True


_POSTCODE = r"(?:[A-Z]{1,3}-)?(\d{3}\s\d{2}|\d{4}\s?[A-Z]{2}|\d{4,6}(?:-\d{4})?)"
_POSTCODE_ALONE = re.compile(rf"^(?:[A-Z]{{2}}\s+)?{_POSTCODE}$")
_POSTCODE_CITY = re.compile(rf"^{_POSTCODE}\s+([^\W\d_].*)$")
_UNIT = re.compile(
    r"^(?:[a-zåäö]?\s*\d{0,4}|#.*|(?:.*[\s\d.])?(?:krs|kerros|floor|fl|flat|apt|as|asunto|porras|unit|suite|ste|sal|stuen|"
    r"kl|tv|th|mf|etage|og|eg|whg|lgh|trappa|rappu|stair|room|sisäpiha|katutaso|pohjakerros|level)\b.*)$",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_COUNTRIES = frozenset(
    {
        "finland",
        "suomi",
        "danmark",
        "denmark",
        "sverige",
        "sweden",
        "norge",
        "norway",
        "deutschland",
        "germany",
        "portugal",
        "usa",
        "us",
        "united states",
    }
)


def clean(text: str) -> str:
    """Control characters out, spaces single, compatibility forms (full-width digits) made plain."""
    return " ".join(_CONTROL.sub(" ", unicodedata.normalize("NFKC", text)).replace("\n", ", ").split()).strip(" ,;")


def readings(text: str, *, postcode: str = "", city: str = "", cities: Collection[str] = ()) -> tuple[Reading, ...]:
    """The ways to read a text, likeliest first. `cities` are known ones, folded; a given postcode or city wins."""
    written_postcode, written_city, number_alone = "", "", ""
    if both := _POSTCODE_CITY.match(clean(city)):
        postcode, city = postcode or both[1], both[2]
    streets: list[str] = []
    units: list[str] = []
    parts = [part for part in (piece.strip() for piece in re.split(r"[,;]+", clean(text))) if part]
    for at, part in enumerate(parts):
        if at and (match := _POSTCODE_ALONE.match(part)):
            written_postcode = written_postcode or match[1]
        elif at and (match := _POSTCODE_CITY.match(part)):
            written_postcode, written_city = written_postcode or match[1], written_city or match[2]
        elif at and fold(part) in cities:
            written_city = written_city or part
        elif at and fold(part) in _COUNTRIES:
            continue
        elif at and at == 1 and not re.search(r"\d", parts[0]) and _HOUSE.fullmatch(part):
            number_alone = part
        elif at and _UNIT.match(part):
            units.append(part)
        else:
            streets.append(part)
    found: list[Reading] = []
    for at, part in enumerate(streets):
        if number_alone and at == 0:
            part = f"{part} {number_alone}"
        for reading in _street_readings(part, cities):
            # A last part nobody could place ("..., Tampere") is read as the city: better asked than overlooked.
            others = [] if written_city else [other for other in streets[at + 1 :] if not re.search(r"\d", other)]
            sure = city.strip() or (reading.city if reading.city_sure else "") or written_city
            found.append(
                Reading(
                    street=reading.street,
                    number=reading.number,
                    unit=" ".join(filter(None, [reading.unit, *units])),
                    postcode=postcode.strip() or reading.postcode or written_postcode,
                    city=sure or reading.city or (others[-1] if others else ""),
                    city_sure=bool(sure),
                )
            )
    return tuple(dict.fromkeys(found))


def _street_readings(part: str, cities: Collection[str]) -> Iterable[Reading]:
    for match in _HOUSE.finditer(part):
        street = part[: match.start()].strip(" .")
        if match.start() and part[match.start() - 1].isalnum():
            continue
        if not re.search(r"[^\W\d_]", street):
            rest = part[match.end() :].strip(" .")
            # A number in front of the street, as in "12 Main St".
            if not street and re.search(r"[^\W\d_]", rest):
                name, town = _without_city(rest, cities)
                yield Reading(street=name, number=_house(match), city=town)
            continue
        yield _with_tail(part[: match.start()].strip(), match, part[match.end() :].strip(), cities)
    name, town = _without_city(part, cities)
    yield Reading(street=name, number=None, city=town)


def _with_tail(street: str, match: re.Match[str], tail: str, cities: Collection[str]) -> Reading:
    """What follows the house number: a flat, a postcode, a city, or several of them."""
    number = _house(match)
    if not tail:
        return Reading(street=street, number=number)
    found = re.search(rf"(?:^|\s){_POSTCODE}(?:\s+([^\W\d_].*))?$", tail)
    if found:
        return Reading(
            street=street,
            number=number,
            unit=tail[: found.start()].strip(),
            postcode=found[1],
            city=(found[2] or "").strip(),
        )
    unit, town = _without_city(tail, cities)
    if town or _UNIT.match(unit):
        return Reading(street=street, number=number, unit=unit, city=town)
    return Reading(street=street, number=number, city=tail, city_sure=False)


def _without_city(text: str, cities: Collection[str]) -> tuple[str, str]:
    """("Fabianinkatu", "Helsinki") for "Fabianinkatu Helsinki"; the city only where it is a known one."""
    words = text.split()
    for count in (1, 2, 3):
        if len(words) > count and fold(" ".join(words[-count:])) in cities:
            return " ".join(words[:-count]), " ".join(words[-count:])
    if fold(text) in cities:
        return "", text
    return text, ""


_DEGREES = r"(?:[NSEWnsew]\s*)?([-+−]?\d{1,3}(?:\.\d+)?)\s*°?\s*[NSEWnsew]?"
_PAIR = re.compile(rf"^\(?\s*{_DEGREES}\s*(?:[,;]\s*|\s+){_DEGREES}\s*\)?$")
_GEO = re.compile(r"^geo:([-+]?\d{1,3}(?:\.\d+)?),([-+]?\d{1,3}(?:\.\d+)?)(?:[,;?].*)?$", re.IGNORECASE)


def parse_coordinates(text: str) -> tuple[float, float, bool] | None:
    """(latitude, longitude, fine) of "60.1699, 24.9384" or a `geo:` link; None for anything else.

    `fine` says that both carry at least three decimals, about 100 m; what is coarser is no door. The two numbers are
    as written and may be off the earth.
    """
    text = clean(text)
    match = _GEO.match(text) or (_PAIR.match(text) if "." in text else None)
    if not match:
        return None
    written = [match[1].replace("−", "-"), match[2].replace("−", "-")]
    lat, lon = float(written[0]), float(written[1])
    if re.search(r"\d\s*°?\s*[Ss]\b", text.split(",")[0]):
        lat = -abs(lat)
    if re.search(r"\d\s*°?\s*[Ww]\b", text):
        lon = -abs(lon)
    return lat, lon, all(len(part.partition(".")[2]) >= 3 for part in written)


# ---------------------------------------------------------------------------- judging


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A known address. `postcodes` holds every postcode it is filed under (more than one where the map disagrees)."""

    location: Location
    street: str
    number: HouseNumber
    postcodes: frozenset[str] = frozenset()
    city: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetMatch:
    """A street that the text may mean. `typos` is how many letters differ; `partial`: words were missing."""

    name: str
    location: Location
    doors: tuple[Door, ...]
    typos: int = 0
    partial: bool = False
    city: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What a gazetteer covers: its box, its cities (folded, with translations) and postcodes (without spaces)."""

    bounds: Bounds
    cities: frozenset[str] = frozenset()
    postcodes: frozenset[str] = frozenset()
    name: str = ""

    def knows_city(self, city: str) -> bool:
        """Also with a letter wrong, or without the district ("København" where the map says "København K")."""
        key = fold(city)
        if not key or not self.cities or key in self.cities:
            return True
        slack = 1 if len(key) >= 5 else 0
        return any(
            known.startswith(f"{key} ") or key.startswith(f"{known} ") or _one_letter_apart(key, known, slack)
            for known in self.cities
        )

    def knows_postcode(self, postcode: str) -> bool:
        key = plain_postcode(postcode)
        return not key or not self.postcodes or key in self.postcodes


def plain_postcode(postcode: str) -> str:
    """FI-00100, 001 00 and 00100 are one postcode; of 21136-1234 the first five digits count."""
    text = re.sub(r"^[A-Z]{1,3}-", "", postcode.strip().upper())
    return re.sub(r"^(\d{5})-\d{4}$", r"\1", re.sub(r"\s", "", text))


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
    foreign = bool(reading.city) and not coverage.knows_city(reading.city)
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
    likely = [match for match in streets if (match.partial, match.typos) == best]
    verdicts = [_on_street(reading, match, source) for match in likely]
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


def _outside_postcode(reading: Reading, coverage: Coverage, candidates: tuple[Candidate, ...]) -> Located:
    return Located(
        quality=PinQuality.OUTSIDE,
        candidates=candidates[:MAX_CANDIDATES],
        why=f"The postcode {_short(reading.postcode)} lies outside {coverage.name or 'this region'}. "
        "Correct the address, or set the pin.",
    )


def _on_street(reading: Reading, match: StreetMatch, source: str) -> _Verdict:
    """The verdict as if the street were certain; always with at least one candidate."""
    doors, elsewhere = _agreeing(match.doors, reading)
    penalty = 10.0 * match.typos + (5.0 if match.partial else 0.0)

    def candidate(door: Door, quality: PinQuality, score: float) -> Candidate:
        return _candidate(door, quality, max(score - penalty, 1.0), source, reading.postcode)

    middle = Candidate(
        location=match.location,
        label=", ".join(filter(None, [match.name, match.city])),
        street=match.name,
        house_number="",
        city=match.city,
        quality=PinQuality.STREET,
        score=max(50.0 - penalty, 1.0),
        source=source,
    )
    asked = reading.number
    if asked is None:
        return _Verdict(PinQuality.STREET, [middle], f"{match.name} has no house number. Add it, or set the pin.")
    if not match.doors:
        why = f"{match.name} is known, but none of its house numbers. Set the pin at number {asked}."
        return _Verdict(PinQuality.STREET, [middle], why)

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
        there = ", ".join(sorted(apart[0].postcodes)) or apart[0].city
        return _Verdict(
            PinQuality.APPROXIMATE,
            [candidate(door, PinQuality.APPROXIMATE, 70.0) for door in apart],
            f"{match.name} {asked} is in {there}, not in {_short(reading.postcode or reading.city)}. "
            "Confirm or correct it.",
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
    between = None if asked.is_range or siblings else _between(asked, doors, match)
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


def _agreeing(doors: Sequence[Door], reading: Reading) -> tuple[list[Door], list[Door]]:
    """(doors that the postcode and city do not speak against, the others)"""
    postcode, city = plain_postcode(reading.postcode), fold(reading.city)
    with_city = [door for door in doors if _same_city(fold(door.city), city)] if city else []
    agreeing: list[Door] = []
    elsewhere: list[Door] = []
    for door in doors:
        other_postcode = postcode and door.postcodes and postcode not in door.postcodes
        # Only a city that tells doors of this street apart speaks against one: the region knows it already.
        other_city = with_city and not postcode and door.city and not _same_city(fold(door.city), city)
        (elsewhere if other_postcode or other_city else agreeing).append(door)
    return agreeing, elsewhere


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
    return Candidate(
        location=door.location,
        label=f"{door.street} {door.number}" + (f", {place}" if place else ""),
        street=door.street,
        house_number=str(door.number),
        postcode=filed,
        city=door.city,
        quality=quality,
        score=score,
        source=source,
    )


def candidate_of(door: Door, *, quality: PinQuality, score: float, source: str) -> Candidate:
    """A known door as a candidate, under the first of its postcodes."""
    return _candidate(door, quality, score, source)


def judge_point(lat: float, lon: float, *, fine: bool, coverage: Coverage) -> Located:
    """Coordinates that somebody wrote in place of an address."""
    written = f"{lat:g}, {lon:g}"
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        swapped = "Were they swapped? " if -90 <= lon <= 90 and -180 <= lat <= 180 else ""
        return not_found(f"{written} is no place on earth. {swapped}Write latitude, then longitude.")
    here = Location(lat=lat, lon=lon)
    if not coverage.bounds.holds(here):
        if abs(lon) <= 90 and coverage.bounds.holds(turned := Location(lat=lon, lon=lat)):
            return Located(
                quality=PinQuality.APPROXIMATE,
                candidates=(_point(turned, PinQuality.APPROXIMATE, 60.0),),
                why=f"{written} lies outside, {lon:g}, {lat:g} inside: the two look swapped. Confirm it.",
            )
        where = coverage.name or "this region"
        return Located(quality=PinQuality.OUTSIDE, candidates=(), why=f"{written} lies outside {where}. Correct it.")
    if not fine:
        return Located(
            quality=PinQuality.APPROXIMATE,
            candidates=(_point(here, PinQuality.APPROXIMATE, 40.0),),
            why=f"{written} is too coarse for a door. Give at least four decimals, or set the pin.",
        )
    return Located(quality=PinQuality.EXACT, candidates=(_point(here, PinQuality.EXACT, 100.0),))


def _point(location: Location, quality: PinQuality, score: float) -> Candidate:
    label = f"{location.lat:.6f}, {location.lon:.6f}"
    return Candidate(
        location=location, label=label, street="", house_number="", quality=quality, score=score, source="coordinates"
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
    return Candidate(
        location=candidate.location,
        label=candidate.label,
        street=candidate.street,
        house_number=candidate.house_number,
        postcode=candidate.postcode,
        city=candidate.city,
        quality=quality,
        score=min(candidate.score, 90.0) if not quality.goes_on else candidate.score,
        source=candidate.source,
    )


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
