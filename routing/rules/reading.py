"""Taking an address apart: street, number, unit, postcode, city, state and country, in the orders people write them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from routing.rules.blocks import block_readings
from routing.rules.house_number import HOUSE, HouseNumber, house_of
from routing.rules.place_text import (
    STATE_CODES,
    TAIL_POSTCODE,
    PlaceText,
    city_alone,
    city_postcode,
    country_alone,
    place_of,
    postcode_alone,
    postcode_city,
    state_of,
    with_capitals,
    with_known_cities,
    without_state,
)
from routing.rules.spelling import CYRILLIC, clean, fold
from routing.rules.street_words import COUNTRIES
from routing.rules.towns import NAMES_TOO, TOWNS
from routing.rules.units import is_unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to take an address apart. `number` None: the text names a street only.

    `city_sure` is False where a part nobody could place was taken for the city ("Fabianinkatu 29, Tampere"; it may
    as well be "..., back yard"). `state` and `country` are codes, "" where none was written. `doubt` is what else the
    text says, which nobody could place. `second`: bare numbers behind the house's, which may be flats or further
    houses. `swapped`: what a number that is written with a zero in front may have been meant as. `other_postcode` and
    `other_city` are of a second place that it names. `sign` is the number with the # that stands before it, ""
    without.
    """

    street: str
    number: HouseNumber | None
    unit: str = ""
    postcode: str = ""
    city: str = ""
    city_sure: bool = True
    state: str = ""
    country: str = ""
    doubt: str = ""
    second: tuple[HouseNumber, ...] = ()
    swapped: tuple[HouseNumber, ...] = ()
    other_postcode: str = ""
    other_city: str = ""
    sign: str = ""


NOTHING = Reading(street="", number=None)
"""What a text says that says nothing."""


# In front of or behind an American street, where a bare number would be a house number.
_US_UNIT = re.compile(
    r"\s+((?:apt|apartment|unit|suite|ste|floor|fl|room|rm|bldg|building|lot|flat|box)\b\.?\s*#?\s*[\w-]{1,6}|#\s*[\w-]{1,6}"
    r"|\d{1,3}(?:st|nd|rd|th)\s+(?:floor|flr?))\b",
    re.IGNORECASE,
)
_LEADING_UNIT = re.compile(r"^((?:unit|apt|flat|suite)\b\.?\s*#?\s*[\w-]{1,5}|#\s*\d+)\s+(?=\d)", re.IGNORECASE)
_SAYS_NUMBER = re.compile(
    r"(?<![^\W_])(?:no|nr|nro|num|número|numero|nº|n°|№|"
    # Directly behind a number a house is a further one.
    r"(?<!\d\s)(?<!\d,\s)(?<!\d[a-z]\s)(?<!\d[a-z],\s)(?<!\d\s[a-z]\s)(?<!\d\s[a-z],\s)(?:house|hus|haus)|"
    r"дом|д|буд|αρ)[.:]?\s*(?=\d)",
    re.IGNORECASE,
)
# Between digits no other blank than a space is typed: it came with what was copied, and may stand within a number.
_ODD_BLANK = re.compile(r"(\d+)(?:[^\S \n]|[\x00-\x08\x0e-\x1f\x7f-\x9f\u115f\u1160\u3164\uffa0])+(?=(\d+))")
_SAYS_NO_NUMBER = re.compile(r"(?<![^\W_])(?:s/n|sin número|бн|б/н)(?![^\W_])", re.IGNORECASE)
_BUILDING = re.compile(r"(?<=\d)\s*,\s*(?=(?:к|корп|корпус|стр|строение)\b)", re.IGNORECASE)
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# "1,000" is no house 1 with something behind it.
_GLUED_NUMBER = re.compile(r"[^\W\d_]{3}$")
"""Before a number: "Kongensgade34" lacks a blank, and B12 is something else."""
_GLUED_POSTCODE = re.compile(r"(?<![^\W_])(\d{4,6})(?=[^\W\d_]{3})")
_THOUSANDS = re.compile(r",(?<=\d,)(?=\d{3}\s*(?:,|$))")
_DECIMALS = re.compile(r"\d[\d/-]*\.\d+")
_ZERO_IN_FRONT = re.compile(r"(?<!\d)0\d")
_MAY_BE_POSTCODE = re.compile(r"\d{3}|\d[A-Z]{2}$")
_KINDS = (
    "vej|gade|allé|alle|stræde|boulevard|vägen|gatan|gata|katu|tie|kuja|straße|strasse|gasse|"
    "street|road|avenue|lane|drive|court|st|rd|ave|ln|dr|ct"
)
_STREET_AND_NUMBER = re.compile(
    rf"(?:{_KINDS})\.?\s+\d{{1,4}}\s?[a-z]?$|^\d{{1,5}}[a-z]?\s.*(?<![^\W\d_])(?:{_KINDS})\.?$", re.IGNORECASE
)
_IRISH_COUNTY = re.compile(r"co\.? [^\W\d_]+$", re.IGNORECASE)
_CARE_OF = re.compile(r"\s+c/o\s+", re.IGNORECASE)
_PERSON = re.compile(r"(?:c/o|att|attn|attention|z\.\s?hd)\b[.:]?\s*(?P<name>[^\d]*[^\W\d_][^\d]*)$", re.IGNORECASE)
"""Who takes the goods at the door, by name."""
_ABOUT = "~≈<>±≠=+@$€£¥"
"""Before a number: it is about, it is not, or it counts something else."""
_RANGE_END = re.compile(r"\s[-–]$")
"""Of a range whose beginning was lost: "Main Street -22"."""
_NUMBER_SIGN = re.compile(r"#\s*$")
_SIGN_BEHIND = re.compile(r"""\s*(?:[%'"°′″*<>~≈±=$€£¥]|\?)(?=\s|$)""")
"""Behind a number that leads: it counts something else, or whoever wrote it was not sure."""
_UNSURE = re.compile(r"\?(?![^\W_])")
"""No letter that was lost on the way, as in "K?benhavn"."""
_FLOOR_ONLY = re.compile(r"(?:\.\s?(?:tv|th|mf)|(?:st|nd|rd|th)\s+(?:floor|flr?))(?![^\W_])", re.IGNORECASE)
_HIGHEST_FLOOR = 30
_DISTRICT_SIGN = re.compile(r" (?:[a-z]{1,2}|\d{1,2})$")
_SAYS_NEVADA = re.compile(r",\s*nevada\b|\bnevada[\s.,]*$", re.IGNORECASE)
_BRACKETS = re.compile(r"\s*\(([^()]+)\)$")
_BARE_NUMBERS = re.compile(r"\d{1,4}\s?[A-Za-z]?(?:(?:\s+|\s?[-–/]\s?)\d{1,4}\s?[A-Za-z]?)*")
_NUMBERED_NAME = re.compile(r"[^\W\d_]{2}.*\d|\d.*[^\W\d_]{2}")
_COUNTRY_ENDS = frozenset(word for name in COUNTRIES for word in (name.split()[-1], "österreich", "españa", "россия"))
_DIGIT = re.compile(r"\d")
_DIGITS = re.compile(r"\d+")
_THREE_DIGITS = re.compile(r"\d{3}")
_FOUR_DIGITS = re.compile(r"\d{4,}")
_LETTER = re.compile(r"[^\W\d_]")
_TWO_LETTERS = re.compile(r"[^\W\d_]{2}")
_BETWEEN_PARTS = re.compile(r"[,;]+")
_FIELD_PARTS = re.compile(r"\s*[,;]+\s*")
_LETTERS_FIRST = re.compile(r"[^\W\d_]{2,}")
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
    given = _given(postcode, city, cities)
    plain = with_known_cities(_GLUED_POSTCODE.sub(r"\1 ", _HANGING_SIGN.sub("", clean(text))), cities)
    blocks = [
        replace(given, street=street, number=number, postcode=given.postcode or code)
        for street, number, code in block_readings(clean(text))
    ]
    plain = _BUILDING.sub(" ", _SAYS_NO_NUMBER.sub("", _SAYS_NUMBER.sub("", plain)))
    plain = with_capitals(_THOUSANDS.sub(".", plain))
    if (inside := _BRACKETS.search(plain)) and place_of(inside[1].strip(), cities):
        plain = f"{plain[: inside.start()]}, {inside[1].strip()}"  # "Main Street 5 (Tampa FL)"
    if "/" in plain:
        plain = _CARE_OF.sub(", c/o ", plain)
    parts = [part for part in (piece.strip() for piece in _BETWEEN_PARTS.split(plain)) if part]
    if any(_PERSON.match(part) for part in parts):
        is_told = bool(given.city or given.postcode) or any(place_of(part, cities) for part in parts)
        parts = [part for part in parts if not _is_person(part, cities, is_told=is_told)] or parts
    if parts:
        parts[-1:] = _without_country(parts[-1], cities, is_whole=len(parts) == 1)
    streets, tail = _told_apart(_street_first(parts, cities), cities, bool(given.postcode))
    torn = {(match[1], match[2]) for match in _ODD_BLANK.finditer(text)}
    unsure = next((part for part in parts if "?" in part and _UNSURE.search(part)), "")
    found: list[Reading] = []
    for at, part in enumerate(streets):
        others = _others(streets, at, tail, given, cities) if len(streets) > 1 else tail
        beside = _merged(given, others)
        for reading in _street_readings(part, cities):
            whole = beside
            if reading.postcode or reading.city or reading.state:
                said = reading if reading.city_sure else replace(reading, city="")
                whole = _merged(given, _merged(said, others))
            if whole.state and fold(f"{whole.city} {whole.state}") in cities:
                whole = replace(whole, city=f"{whole.city} {whole.state}", state="")  # "København, NV"
            rest = "" if reading.city_sure or not whole.city else reading.city
            if torn and reading.number and (unit := _DIGITS.match(reading.unit or tail.unit)):
                pair = (str(reading.number.first), unit[0])
                rest = " ".join(pair) if pair in torn else rest
            found.append(
                Reading(
                    street=reading.street,
                    number=reading.number,
                    unit=" ".join(filter(None, [reading.unit, tail.unit])),
                    postcode=whole.postcode,
                    city=whole.city or reading.city,
                    city_sure=whole.city_sure if whole.city else reading.city_sure,
                    state=whole.state,
                    country=whole.country or ("US" if whole.state == "NV" and _SAYS_NEVADA.search(text) else ""),
                    doubt=reading.doubt or rest or whole.doubt or unsure,
                    second=_second(part, reading, tail.unit),
                    swapped=_swapped(part, reading.number),
                    other_postcode=whole.other_postcode,
                    other_city=whole.other_city,
                    sign=reading.sign,
                )
            )
    return tuple(dict.fromkeys(blocks + found))


def own_place(text: str, *, cities: Collection[str] = ()) -> tuple[str, str]:
    """The postcode and the city that a text names by itself, as it is likeliest read; "" where it names none, or none
    that is surely a city. `cities` are known ones, folded.

    >>> own_place("Fabianinkatu 29, 00100 Helsinki")
    ('00100', 'Helsinki')
    >>> own_place("Fabianinkatu 29"), own_place("Fabianinkatu 29, Helsinki", cities={"helsinki"})
    (('', ''), ('', 'Helsinki'))
    """
    likeliest = next(iter(readings(text, cities=cities)), None)
    if likeliest is None:
        return "", ""
    return likeliest.postcode, likeliest.city if likeliest.city_sure else ""


def _second(part: str, reading: Reading, behind: str) -> tuple[HouseNumber, ...]:
    """The bare numbers behind a house number, as in "Main Street 10, 12".

    Where the number leads ("12 Main St, 4") and where Cyrillic is written ("улица Ленина 5, 12") they are flats, and
    so is one behind a stair ("Fabianinkatu 14 B 23"). Both together may be one number with a blank in it: "1 0".
    """
    if reading.number is None or part[0].isdigit() or CYRILLIC.search(part):
        return ()
    said = [behind] if reading.number.letter else [reading.unit, behind]
    bare = [match for unit in said if _BARE_NUMBERS.fullmatch(unit) for match in HOUSE.finditer(unit)]
    found = [house_of(match) for match in bare]
    ends = {end for each in found if each.is_range for end in (each.first, each.last)}
    for each in found:
        if each.letter[1:].isdigit():  # 12/19
            ends |= {each.first, int(each.letter[1:])}
    found += [HouseNumber(first=end, last=end) for end in sorted(ends)]
    if bare and not reading.number.letter and not reading.number.is_range:
        whole = int(f"{reading.number.first}{bare[0][1]}")
        found.append(HouseNumber(first=whole, last=whole, letter=found[0].letter))
    return tuple(found)


def _swapped(part: str, number: HouseNumber | None) -> tuple[HouseNumber, ...]:
    """The numbers whose digits changed places if the zero in front of this one is a slip: 10 for 01, 103 for 013, 100
    for 001."""
    if number is None or number.is_range or not _ZERO_IN_FRONT.search(part):
        return ()
    written = next((match[1] for match in HOUSE.finditer(part) if house_of(match) == number), "")
    if not written.startswith("0") or not number.first:
        return ()
    meant = dict.fromkeys([f"{written[1]}0{written[2:]}", written[::-1]])
    return tuple(replace(number, first=int(one), last=int(one)) for one in meant if not one.startswith("0"))


def _others(streets: list[str], at: int, tail: Reading, given: Reading, cities: Collection[str]) -> Reading:
    """What the parts beside the street say of the place: the tail's, then what stands before and behind the street.

    A last part nobody could place ("..., Tampere") is read as the city: better asked than overlooked. A first one may
    be a company's name, where the place is told otherwise; any other is a doubt.
    """
    found = tail
    unplaced: list[tuple[int, str]] = []
    for where, other in enumerate(streets):
        if where == at:
            continue
        if place := place_of(other, cities):
            found = _merged(found, _reading_of(place))
        else:
            unplaced.append((where, other))
    if not unplaced:
        return found
    behind = [other for where, other in unplaced if where > at]
    if not found.city and behind and not _DIGIT.search(behind[-1]):
        return replace(found, city=behind[-1], city_sure=False, doubt=", ".join(behind[:-1]))
    is_told = bool(found.city or found.postcode or given.city or given.postcode)
    before = [other for where, other in unplaced if where < at and (not is_told or _is_elsewhere(other, cities))]
    return replace(found, doubt=", ".join([*before, *behind]))


def _is_elsewhere(part: str, cities: Collection[str]) -> bool:
    """Whether a part in front is no company's name but a street with its number, or a town that is not ours."""
    if _STREET_AND_NUMBER.search(part) or _IRISH_COUNTY.match(part):
        return True
    names = (fold(part), _DISTRICT_SIGN.sub("", fold(part)))
    return any(name in TOWNS and not any(f"{city} ".startswith(f"{name} ") for city in cities) for name in names)


def _is_person(part: str, cities: Collection[str], *, is_told: bool) -> bool:
    """Whether a part says by name who takes the goods, and names no place: Peter Balle is none where the place is told
    otherwise."""
    match = _PERSON.match(part)
    if match is None:
        return False
    words = fold(match["name"]).split()
    names = NAMES_TOO if is_told and len(words) > 1 else frozenset[str]()
    return not any((word in TOWNS and word not in names) or word in cities for word in words)


def _merged(first: Reading, second: Reading) -> Reading:
    """Both together; where they name different places the first counts, and the second is kept as the other."""
    if second is NOTHING:
        return first
    if first is NOTHING:
        return second
    differs = bool(first.city and second.city) and fold(first.city) != fold(second.city)
    moved = bool(first.postcode and second.postcode) and (
        plain_postcode(first.postcode) != plain_postcode(second.postcode)
    )
    return Reading(
        street=first.street,
        number=first.number,
        unit=first.unit,
        postcode=first.postcode or second.postcode,
        city=first.city or second.city,
        city_sure=first.city_sure if first.city else second.city_sure,
        state=first.state or second.state,
        country=first.country or second.country,
        doubt=(
            first.doubt
            or second.doubt
            or (second.city if first.city and not second.city_sure else "")
            or (second.state if first.state and second.state != first.state else "")
            or (second.country if first.country and second.country != first.country else "")
        ),
        other_postcode=first.other_postcode or (second.postcode if moved else second.other_postcode),
        other_city=first.other_city or (second.city if differs and second.city_sure else second.other_city),
    )


def _reading_of(place: PlaceText) -> Reading:
    return Reading(
        street="", number=None, postcode=place.postcode, city=place.city, state=place.state, country=place.country
    )


def _without_country(part: str, cities: Collection[str], *, is_whole: bool) -> list[str]:
    """ "Springfield MD 21117 USA" is two parts, and so is a whole address behind whose city the country stands."""
    words = part.split()
    if words[-1].casefold().strip(".") not in _COUNTRY_ENDS or fold(part) in cities:
        return [part]
    for count in (1, 2):
        country = " ".join(words[-count:])
        if len(words) <= count or fold(country) not in COUNTRIES:
            continue
        before = " ".join(words[:-count])
        if place_of(before, cities) or (is_whole and _ends_in_place(before, cities)):
            return [before, country]
    return [part]


def _ends_in_place(text: str, cities: Collection[str]) -> bool:
    """Whether a whole address ends in a known city, its state or a postcode."""
    if not _DIGIT.search(text):
        return False
    return bool(TAIL_POSTCODE.search(text) or _without_city(without_state(text, cities)[0], cities)[1])


def _street_first(parts: list[str], cities: Collection[str]) -> list[str]:
    """ "8000 Aarhus, Main Street 5" is "Main Street 5, 8000 Aarhus", once the first part is sure to name a place."""
    if len(parts) < 2 or (_DIGIT.search(parts[0]) and not _MAY_BE_POSTCODE.search(parts[0])):
        return parts
    if not _NUMBERED_NAME.search(parts[1]) or is_unit(parts[1]):
        return parts
    if (last := postcode_city(parts[1], cities)) and fold(last.city) in cities:
        return parts
    place = place_of(parts[0], cities)
    return [*parts[1:], parts[0]] if place and place.city and fold(place.city) in cities else parts


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


def _given(postcode: str, city: str, cities: Collection[str]) -> Reading:
    """What stands in the fields of postcode and city, each of which may hold the other too, and the state."""
    if not city and not postcode:
        return NOTHING
    city = with_known_cities(_GLUED_POSTCODE.sub(r"\1 ", clean(city)), cities)
    first, *more = _FIELD_PARTS.split(city) if fold(city) not in cities else [city]
    if more and (code := postcode_alone(first)):
        first, postcode = more.pop(0), postcode or code.postcode  # "21209, Baltimore"
    found = _given_city(clean(postcode), first, cities)
    if postcode and not postcode.isdigit() and (code := postcode_alone(found.postcode)):
        found = replace(found, country=code.state if code.state in COUNTRIES.values() else "")
    for part in filter(None, more):
        # A city goes on elsewhere: Baltimore, Cork is none of Maryland's.
        place = place_of(part, cities) or (PlaceText(state=state) if (state := state_of(part)) else None)
        found = _merged(found, _reading_of(place) if place else replace(NOTHING, doubt=part))
    return found


def _given_city(postcode: str, city: str, cities: Collection[str]) -> Reading:
    """What the field of the city says before its first comma: the city, and perhaps the postcode and the state."""
    found = Reading(street="", number=None, postcode=postcode, city=city)
    if city.isalpha() or fold(city) in cities:
        return found
    if both := postcode_city(city, cities) or city_postcode(city, cities):
        return replace(found, postcode=found.postcode or both.postcode, city=both.city, state=both.state)
    both = city_alone(city, cities)
    return replace(found, city=both.city, state=both.state) if both else found


def _told_apart(parts: list[str], cities: Collection[str], has_postcode: bool) -> tuple[list[str], Reading]:
    """(parts that may name the street, what the other parts say)"""
    streets: list[str] = []
    tail = NOTHING
    units: list[str] = []
    while len(parts) > 1 and _LEADING_UNIT.match(f"{parts[0]} 1"):
        units.append(parts.pop(0))  # "Apt 4, 12 Main St"
    for at, part in enumerate(parts):
        later = " ".join(parts[at + 1 :])
        numbered = any(_DIGIT.search(each) for each in streets)
        place: PlaceText | None = None
        if not at:
            streets.append(part)
        elif at == 1 and not numbered and _is_house(part, has_postcode or bool(_THREE_DIGITS.search(later))):
            streets[0] = f"{streets[0]} {part}"  # "Calle Mayor, 12"
        elif not numbered and later and (both := postcode_city(part, cities)) and fold(both.city) not in cities:
            streets.append(part)  # "Company, 12 Main St, Town"
        elif fold(part) in cities:
            place = PlaceText(city=part)
        elif _is_lettered_unit(part):
            units.append(part)
        elif place := postcode_alone(part) or postcode_city(part, cities):
            pass
        elif (both := city_postcode(part, cities)) and (both.state or fold(both.city) in cities or at > 1):
            place = both
            if at > 1 and not both.state and (state := _state_alone(both.city, cities)):
                place = PlaceText(postcode=both.postcode, state=state)  # "Seattle, Washington 98101"
        elif place := (numbered and city_alone(part, cities)) or country_alone(part):
            pass
        elif at > 1 and (state := state_of(part) or _small_state(part, tail, cities)):
            place = PlaceText(state=state)
        elif at == 1 and HOUSE.fullmatch(streets[0]) and _TWO_LETTERS.search(part):
            streets[0] = f"{streets[0]} {part}"  # "12, rue de la Paix"
        elif is_unit(part):
            units.append(part)
        else:
            streets.append(part)
        if place:
            tail = _merged(tail, _reading_of(place))
    return streets, replace(tail, unit=" ".join(units)) if units else tail


def _state_alone(name: str, cities: Collection[str]) -> str:
    """The code of a state by its name, or by its letters however they are written: "Maryland", "md", "Md."."""
    if fold(name) in cities:
        return ""
    return name.upper() if name.upper() in STATE_CODES else state_of(name)


def _small_state(part: str, tail: Reading, cities: Collection[str]) -> str:
    """ "md" behind a city of ours."""
    return part.upper() if part.upper() in STATE_CODES and fold(tail.city) in cities else ""


def _is_lettered_unit(part: str) -> bool:
    """A unit whose word might be read as a country's letters or a state (lgh 1101, TV); FL 33101 is Florida."""
    word = _LETTERS_FIRST.match(part)
    return word is not None and is_unit(part) and state_of(word[0]) not in STATE_CODES


def _is_house(part: str, has_postcode: bool) -> bool:
    """A part that is a house number; one of four digits only where the postcode stands elsewhere."""
    return bool(HOUSE.fullmatch(part)) and (has_postcode or not _FOUR_DIGITS.fullmatch(part))


def _street_readings(part: str, cities: Collection[str]) -> Iterable[Reading]:
    leading = _LEADING_UNIT.match(part)
    unit = leading[1] if leading else ""
    part = part[leading.end() :] if leading else part
    for match in HOUSE.finditer(part):
        street = part[: match.start()].strip(" .")
        before = part[match.start() - 1] if match.start() else " "
        if before.isalnum() and before.isascii() and not _GLUED_NUMBER.search(part[: match.start()]):
            continue
        if not _LETTER.search(street):
            # A number in front of the street, as in "12 Main St".
            if not street:
                yield from _number_first(match, part, unit, cities)
            continue
        found = _with_tail(part[: match.start()].strip(), match, part[match.end() :].strip(" ."), cities)
        if street[-1] in _ABOUT or _RANGE_END.search(part, 0, match.start()):
            found = replace(found, doubt=f"{street[-1]}{match[0]}")
        elif sign := _NUMBER_SIGN.search(part, 0, match.start()):
            found = replace(found, sign=f"{sign[0]}{match[0]}")
        if (floor := _FLOOR_ONLY.match(part, match.end())) and house_of(match).first <= _HIGHEST_FLOOR:
            found = replace(found, doubt=f"{match[0]}{floor[0]}")  # "Main Street 2. tv" lacks its house
        if "." in part and (decimals := _DECIMALS.match(part, match.start())):
            found = replace(found, doubt=decimals[0])  # 1.000 and 12.5 are no house 1, no house 12
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
        if not _LETTER.search(rest):
            continue
        sign = _SIGN_BEHIND.match(part, end)
        for reading in _behind_number(number, rest, unit, cities):
            yield replace(reading, doubt=f"{number}{sign[0]}") if sign else reading


def _behind_number(number: HouseNumber, rest: str, unit: str, cities: Collection[str]) -> Iterable[Reading]:
    """What a text may say behind the number that it begins with."""
    postcode = state = ""
    if found := TAIL_POSTCODE.search(rest):
        behind = (found["city"] or "").strip()
        postcode, rest = found["code"], f"{rest[: found.start()].strip()} {behind}".strip()
    if postcode or _without_city(without_state(rest, cities)[0], cities)[1]:
        rest, state = without_state(rest, cities)
    said = unit
    if inside := _US_UNIT.search(rest):
        said = " ".join(filter(None, [unit, inside[1]]))
        after = rest[inside.end() :].strip(" .")
        name, town = rest[: inside.start()].strip(), after
        if town:
            sure = fold(town) in cities
            yield Reading(
                street=name, number=number, unit=said, postcode=postcode, city=town, city_sure=sure, state=state
            )
            return
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
    said_unit = bool(is_unit(tail) and _LETTER.search(tail))  # "lgh 1101" is no postcode
    found = TAIL_POSTCODE.search(tail)
    if found and not (said_unit and not found["city"]):
        unit, town = tail[: found.start()].strip(), (found["city"] or "").strip()
        state = ""
        if not town and unit and not is_unit(unit):
            unit, state = without_state(unit, cities)  # "Baltimore MD 21208"
            unit, town = _without_city(unit, cities) if fold(unit) not in cities else ("", unit)
        else:
            town, state = without_state(town, cities)
        lost = unit if unit and not is_unit(unit) else ""
        return Reading(
            street=street, number=number, unit=unit, postcode=found["code"], city=town, state=state, doubt=lost
        )
    name, state = (tail, "") if is_unit(tail) else without_state(tail, cities)
    unit, town = _without_city(name, cities)
    if is_unit(unit) and (town or not state):
        return Reading(street=street, number=number, unit=unit, city=town, state=state)
    if town:
        return Reading(street=street, number=number, unit=unit, city=town, state=state, doubt=unit)
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
