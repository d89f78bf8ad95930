"""Taking an address apart: street, number, unit, postcode, city, state and country, in the orders people write them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from routing.rules.blocks import block_readings
from routing.rules.house_number import HOUSE, HouseNumber, house_of
from routing.rules.spelling import clean, fold
from routing.rules.street_words import COUNTRIES, STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to take an address apart. `number` None: the text names a street only.

    `city_sure` is False where a part nobody could place was taken for the city ("Fabianinkatu 29, Tampere"; it may
    as well be "..., back yard"). `state` and `country` are codes, "" where none was written.
    """

    street: str
    number: HouseNumber | None
    unit: str = ""
    postcode: str = ""
    city: str = ""
    city_sure: bool = True
    state: str = ""
    country: str = ""


_POSTCODE = (
    r"(?:[A-Z]{1,3}-)?(\d{3}\s\d{2}|\d{4}\s?[A-Z]{2}(?![^\W\d_])|〒?\d{3}-\d{4}|\d{2}-\d{3}|\d{4}-\d{3}|\d{5}-\d{3}(?!\d)|"
    r"[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}|[A-Z]\d[A-Z]\s?\d[A-Z]\d|\d{4,6}(?:-\d{4})?)"
)
_POSTCODE_ALONE = re.compile(rf"^(?:([A-Z]{{2,3}})\s+)?{_POSTCODE}$")
_POSTCODE_CITY = re.compile(rf"^{_POSTCODE}\s+([^\W\d_].*)$")
_CITY_POSTCODE = re.compile(rf"^([^\W\d_][^\d]*?)(?:\s+([A-Z]{{2,3}}))?\s+{_POSTCODE}$")
_TAIL_POSTCODE = re.compile(rf"(?:^|\s){_POSTCODE}(?:\s+([^\W\d_].*))?$")
_STATE = re.compile(r"^[A-Z]{2,3}$")
_UNIT_WORDS = (
    r"krs|kerros|floor|fl|flat|apt|apartment|as|asunto|porras|unit|suite|ste|sal|stuen|kl|kld|tv|th|mf|st|etage|étage|og|"
    r"eg|whg|wohnung|stock|hinterhaus|lgh|trappa|rappu|stair|room|rm|bldg|building|lot|box|sisäpiha|katutaso|pohjakerros|"
    r"level|bât|bat|appt|appartement|escalier|esc|piso|puerta|bajo|izq|dcha|planta|кв|квартира|подъезд|этаж|"
    r"όροφος|διαμ|号室|階"
)
_UNIT = re.compile(
    rf"^(?:[^\W\d_]?\s*\d{{0,4}}|\d{{1,2}}o?\s*[^\W\d_]?|#.*|(?:.*[\s\d.])?(?:{_UNIT_WORDS})\b.*)$", re.IGNORECASE
)
# In front of or behind an American street, where a bare number would be a house number.
_US_UNIT = re.compile(
    r"\s+((?:apt|apartment|unit|suite|ste|floor|fl|room|rm|bldg|building|lot|flat|box)\b\.?\s*#?\s*[\w-]{1,6}|#\s*[\w-]{1,6})\b",
    re.IGNORECASE,
)
_LEADING_UNIT = re.compile(r"^((?:unit|apt|flat|suite)\b\.?\s*#?\s*[\w-]{1,5}|#\s*\d+)\s+(?=\d)", re.IGNORECASE)
_SAYS_NUMBER = re.compile(
    r"(?<![^\W_])(?:no|nr|nro|num|número|numero|nº|n°|№|house|hus|haus|дом|д|буд|αρ)[.:]?\s*(?=\d)", re.IGNORECASE
)
_SAYS_NO_NUMBER = re.compile(r"(?<![^\W_])(?:s/n|sin número|бн|б/н)(?![^\W_])", re.IGNORECASE)
_BUILDING = re.compile(r"(?<=\d)\s*,\s*(?=(?:к|корп|корпус|стр|строение)\b)", re.IGNORECASE)
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_HANGING_SIGN = re.compile(r"(?<=\d)\s*(?:号|號|番地|번지|호)(?!室)")


# Without a hyphen only before so many digits: the letters of SW11 1AA and of VLT 1117 are no country's.
_COUNTRY_PREFIX = re.compile(r"^(?:[A-Z]{1,3}-+(?=\d)|[A-Z]{1,2}(?=\d{4})|[A-Z]{3}(?=\d{5}))")


@lru_cache(maxsize=20_000)
def plain_postcode(postcode: str) -> str:
    """FI-00100, FI 00100, 001 00 and 00100 are one postcode; of 21136-1234 the first five digits count."""
    text = _COUNTRY_PREFIX.sub("", re.sub(r"\s", "", postcode.upper()).lstrip("〒"))
    return re.sub(r"^(\d{5})-\d{4}$", r"\1", text)


def readings(text: str, *, postcode: str = "", city: str = "", cities: Collection[str] = ()) -> tuple[Reading, ...]:
    """The ways to read a text, likeliest first. `cities` are known ones, folded; a given postcode or city wins."""
    given = _given(postcode, city)
    postcode, city = given.postcode, given.city
    plain = _HANGING_SIGN.sub("", clean(text))
    blocks = [
        Reading(street=street, number=number, postcode=postcode or code, city=city)
        for street, number, code in block_readings(clean(text))
    ]
    plain = _BUILDING.sub(" ", _SAYS_NO_NUMBER.sub("", _SAYS_NUMBER.sub("", plain)))
    parts = [part for part in (piece.strip() for piece in re.split(r"[,;]+", plain)) if part]
    streets, tail = _told_apart(parts, cities, bool(postcode))
    found: list[Reading] = []
    for at, part in enumerate(streets):
        # A last part nobody could place ("..., Tampere") is read as the city: better asked than overlooked.
        others = [] if tail.city else [other for other in streets[at + 1 :] if not re.search(r"\d", other)]
        for reading in _street_readings(part, cities):
            sure = city or (reading.city if reading.city_sure else "") or tail.city
            found.append(
                Reading(
                    street=reading.street,
                    number=reading.number,
                    unit=" ".join(filter(None, [reading.unit, tail.unit])),
                    postcode=postcode or reading.postcode or tail.postcode,
                    city=sure or reading.city or (others[-1] if others else ""),
                    city_sure=bool(sure),
                    state=given.state or reading.state or tail.state,
                    country=given.country or reading.country or tail.country,
                )
            )
    return tuple(dict.fromkeys(blocks + found))


def is_same_door(address: str, label: str, other_address: str, other_label: str) -> bool:
    """Whether two sites lie behind one door: the same place was found for both, and their flats are not told apart.

    >>> is_same_door("High St 5", "High Street 5, Town", "5 High St", "High Street 5, Town")
    True
    >>> is_same_door("High St 5, Apt 1", "High Street 5, Town", "High St 5, Apt 2", "High Street 5, Town")
    False
    """
    return bool(label) and label == other_label and _flat(address) == _flat(other_address)


def _flat(address: str) -> str:
    return next((fold(way.unit) for way in readings(address) if way.number), "")


def _given(postcode: str, city: str) -> Reading:
    """What stands in the fields of postcode and city, each of which may hold the other too, and the state."""
    city = clean(city)
    if city.isalpha():
        return Reading(street="", number=None, postcode=clean(postcode), city=city)
    found = Reading(street="", number=None, postcode=clean(postcode), city=city)
    if both := _POSTCODE_CITY.match(city):
        found = replace(found, postcode=found.postcode or both[1], city=both[2])
    elif both := _CITY_POSTCODE.match(city):
        found = replace(found, postcode=found.postcode or both[3], city=both[1], state=both[2] or "")
    name, _, last = (part.strip() for part in found.city.rpartition(","))
    if name and (state := _state(last)):
        found = replace(found, city=name, state=state)
    elif name and (country := COUNTRIES.get(fold(last), "")):
        found = replace(found, city=name, country=country)
    return found


def _told_apart(parts: list[str], cities: Collection[str], has_postcode: bool) -> tuple[list[str], Reading]:
    """(parts that may name the street, what the other parts say)"""
    streets: list[str] = []
    tail = Reading(street="", number=None)
    units: list[str] = []
    while len(parts) > 1 and _LEADING_UNIT.match(f"{parts[0]} 1"):
        units.append(parts.pop(0))  # "Apt 4, 12 Main St"
    for at, part in enumerate(parts):
        later = " ".join(parts[at + 1 :])
        numbered = any(re.search(r"\d", each) for each in streets)
        if not at:
            streets.append(part)
        elif at == 1 and not numbered and _is_house(part, has_postcode or bool(re.search(r"\d{3}", later))):
            streets[0] = f"{streets[0]} {part}"  # "Calle Mayor, 12"
        elif not numbered and later and (match := _POSTCODE_CITY.match(part)) and fold(match[2]) not in cities:
            streets.append(part)  # "Company, 12 Main St, Town"
        elif match := _POSTCODE_ALONE.match(part):
            state = match[1] or ""
            tail = replace(tail, postcode=tail.postcode or match[2], state=tail.state or state)
        elif match := _POSTCODE_CITY.match(part):
            name, state = _without_state(match[2], cities)
            tail = replace(tail, postcode=tail.postcode or match[1], city=tail.city or name, state=tail.state or state)
        elif (match := _CITY_POSTCODE.match(part)) and (match[2] or fold(match[1]) in cities or at > 1):
            tail = replace(
                tail, postcode=tail.postcode or match[3], city=tail.city or match[1], state=tail.state or match[2] or ""
            )
        elif fold(part) in cities:
            tail = replace(tail, city=tail.city or part)
        elif fold(part) in COUNTRIES:
            tail = replace(tail, country=tail.country or COUNTRIES[fold(part)])
        elif at > 1 and (state := _state(part)):
            tail = replace(tail, state=tail.state or state)
        elif at == 1 and HOUSE.fullmatch(streets[0]) and re.search(r"[^\W\d_]{2}", part):
            streets[0] = f"{streets[0]} {part}"  # "12, rue de la Paix"
        elif _UNIT.match(part):
            units.append(part)
        elif (both := _without_state(part, cities))[1] and fold(both[0]) in cities:
            tail = replace(tail, city=tail.city or both[0], state=tail.state or both[1])
        else:
            streets.append(part)
    return streets, replace(tail, unit=" ".join(units)) if units else tail


def _is_house(part: str, has_postcode: bool) -> bool:
    """A part that is a house number; one of four digits only where the postcode stands elsewhere."""
    return bool(HOUSE.fullmatch(part)) and (has_postcode or not re.fullmatch(r"\d{4,}", part))


def _state(text: str) -> str:
    return text if _STATE.match(text) else STATES.get(fold(text), "")


def _without_state(text: str, cities: Collection[str]) -> tuple[str, str]:
    """("Owings Mills", "MD") for "Owings Mills MD" and "Owings Mills Maryland"; Mount Washington is a place."""
    words = text.split()
    if fold(text) in cities:
        return text, ""
    for count in (1, 2, 3):
        last = " ".join(words[-count:])
        if len(words) > count and ((count == 1 and _STATE.match(last)) or fold(last) in STATES):
            return " ".join(words[:-count]), _state(last)
    return text, ""


def _street_readings(part: str, cities: Collection[str]) -> Iterable[Reading]:
    leading = _LEADING_UNIT.match(part)
    unit = leading[1] if leading else ""
    part = part[leading.end() :] if leading else part
    for match in HOUSE.finditer(part):
        street = part[: match.start()].strip(" .")
        before = part[match.start() - 1] if match.start() else " "
        if before.isalnum() and before.isascii():
            continue
        if not re.search(r"[^\W\d_]", street):
            # A number in front of the street, as in "12 Main St".
            if not street:
                yield from _number_first(match, part, unit, cities)
            continue
        found = _with_tail(part[: match.start()].strip(), match, part[match.end() :].strip(" ."), cities)
        yield replace(found, unit=" ".join(filter(None, [unit, found.unit]))) if unit else found
        if _CJK.search(street):
            # No space tells the city from the street behind it.
            for city in (city for city in cities if street.startswith(city) and street != city):
                yield replace(found, street=street.removeprefix(city), city=found.city or city)
    name, town = _without_city(part, cities)
    yield Reading(street=name, number=None, city=town)


def _number_first(match: re.Match[str], part: str, unit: str, cities: Collection[str]) -> Iterable[Reading]:
    """ "12 Main St Apt 4 Baltimore MD 21208"; the letter behind the number may belong to it, or to "12 N Main St"."""
    starts = [(house_of(match), match.end())]
    if match["letter"]:
        plain = HOUSE.match(part[: match.start("letter")].rstrip())
        if plain:
            starts.append((house_of(plain), match.start("letter")))
    for number, end in starts:
        rest = part[end:].strip(" .")
        if not re.search(r"[^\W\d_]", rest):
            continue
        postcode = state = ""
        if found := _TAIL_POSTCODE.search(rest):
            behind = (found[2] or "").strip()
            postcode, rest = found[1], f"{rest[: found.start()].strip()} {behind}".strip()
        if postcode or fold(" ".join(_without_state(rest, cities)[0].split()[-1:])) in cities:
            rest, state = _without_state(rest, cities)
        said = unit
        if inside := _US_UNIT.search(rest):
            said = " ".join(filter(None, [unit, inside[1]]))
            after = rest[inside.end() :].strip()
            name, town = rest[: inside.start()].strip(), after
            if town:
                sure = fold(town) in cities
                yield Reading(
                    street=name, number=number, unit=said, postcode=postcode, city=town, city_sure=sure, state=state
                )
                continue
            rest = name
        name, town = _without_city(rest, cities)
        yield Reading(street=name, number=number, unit=said, postcode=postcode, city=town, state=state)
        if town:
            yield Reading(street=rest, number=number, unit=said, postcode=postcode, state=state)


def _with_tail(street: str, match: re.Match[str], tail: str, cities: Collection[str]) -> Reading:
    """What follows the house number: a flat, a postcode, a city, or several of them."""
    number = house_of(match)
    if not tail:
        return Reading(street=street, number=number)
    said_unit = bool(_UNIT.match(tail) and re.search(r"[^\W\d_]", tail))  # "lgh 1101" is no postcode
    found = _TAIL_POSTCODE.search(tail)
    if found and not (said_unit and not found[2]):
        unit, town = tail[: found.start()].strip(), (found[2] or "").strip()
        state = ""
        if not town and unit and not _UNIT.match(unit):
            unit, state = _without_state(unit, cities)  # "Baltimore MD 21208"
            unit, town = _without_city(unit, cities) if fold(unit) not in cities else ("", unit)
        else:
            town, state = _without_state(town, cities)
        return Reading(street=street, number=number, unit=unit, postcode=found[1], city=town, state=state)
    unit, town = _without_city(tail, cities)
    if town or _UNIT.match(unit):
        return Reading(street=street, number=number, unit=unit, city=town)
    return Reading(street=street, number=number, city=tail, city_sure=False)


def _without_city(text: str, cities: Collection[str]) -> tuple[str, str]:
    """("Fabianinkatu", "Helsinki") for "Fabianinkatu Helsinki"; the city only where it is a known one."""
    words = text.split()
    for count in (3, 2, 1):
        if len(words) > count and fold(" ".join(words[-count:])) in cities:
            return " ".join(words[:-count]), " ".join(words[-count:])
    if fold(text) in cities:
        return "", text
    return text, ""
