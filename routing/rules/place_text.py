"""What a part of an address says of its place: postcode, city, state, country, in the orders people write them."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from routing.rules.spelling import fold
from routing.rules.street_words import COUNTRIES, STATES

POSTCODE = (
    r"(?:(?i:[A-Z]{1,3})-+(?=\d)|(?i:[A-Z]{2,3})(?=\d{4}))?"
    r"(?P<code>\d{3}\s\d{2}|\d{4}\s?[A-Z]{2}(?![^\W\d_])|〒?\d{3}-\d{4}|\d{2}-\d{3}|\d{4}-\d{3}|\d{5}-\d{3}(?!\d)|"
    r"[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}|[A-Z]\d[A-Z]\s?\d[A-Z]\d|\d{4,6}(?:-\d{4})?)"
)
TAIL_POSTCODE = re.compile(rf"(?:^|\s){POSTCODE}(?:\s+(?P<city>[^\W\d_].*))?$")
# The letters of a country, glued, with a hyphen or a space; one letter alone before a number may be a stair.
_LETTERS = r"(?P<letters>[A-Z]{2,3}(?=\s)|(?i:[A-Z]{1,3})(?=-)|(?i:[A-Z]{2,3})(?=\d{4}))[\s-]*(?=\d)"
_ANY_LETTERS = r"(?P<letters>[A-Z]{1,3}(?=\s)|(?i:[A-Z]{1,3})(?=-|\d{4}))[\s-]*(?=\d)"
_STATE_ZIP = r"(?P<state>[A-Z]{2,3})\s+"
_ALONE = re.compile(rf"^(?:{_LETTERS}|{_STATE_ZIP})?{POSTCODE}$")
_BEFORE_CITY = re.compile(rf"^(?:{_ANY_LETTERS})?{POSTCODE}\s+(?P<city>[^\W\d_].*)$")
_BEHIND_CITY = re.compile(rf"^(?P<city>[^\W\d_][^\d]*?)(?:\s+(?P<state>[A-Z]{{2,3}}))?\s+{POSTCODE}$")
_NUMBERED_CITY = re.compile(r"^([^\W\d_].*?)\s+\d{1,2}$")
_AREA_OF_CITY = re.compile(r"^(.+) (?:county|city|kommune|kommun)$", re.IGNORECASE)
_SHORT_STATE = re.compile(r"^(?:[A-Z][a-z]|[A-Z]\.[A-Z])\.$")
_CAPITALS = re.compile(r"^[A-Z]{2,3}$")
_CARS = {"A": "AT", "B": "BE", "D": "DE", "E": "ES", "F": "FR", "H": "HU", "I": "IT", "N": "NO", "P": "PT", "S": "SE",
         "SF": "FI", "FIN": "FI"}  # fmt: skip
"""The letters of cars, that many write before a postcode."""

# A postcode of letters and digits written small, at the end of a part; "b1 2nd" is none.
_SMALL = re.compile(
    r"(?<![^\W_])(?:[a-z]{1,2}\d[a-z\d]?\s?\d(?!st|nd|rd|th)[a-z]{2}|[a-z]\d[a-z]\s?\d[a-z]\d)(?=\s*(?:,|$))"
)


STATE_CODES = frozenset(STATES.values())

_STREET_TOO = frozenset({"AL", "CT", "LA", "MT", "PA", "WA", "WY"})
_CITY_AND_STATE = frozenset({"new york", "washington", "quebec", "victoria"})
"""States whose name before a postcode is rather the city's."""

_OTHER_WAY = {"mt": "mount", "mount": "mt", "st": "saint", "saint": "st", "ft": "fort", "fort": "ft"}
_BEGINS_CITY = frozenset({*_OTHER_WAY, "port", "lake"})
"""Words before which the name of a state is a part of a city's: Mt Washington, Port Washington."""
_MOUNT = re.compile(
    r"(?<![^\W_])(?P<word>mt|mount|st|saint|ft|fort)\b\.?\s+(?P<name>[^\W\d_][^\W\d_'-]*(?:\s[^\W\d_]{3,})?)"
    rf"(?=\s*(?:[,;]|$|\s\d|\s[a-z]{{2}}(?:[\s,.]|$)|\s(?:{'|'.join(STATES)})(?:[\s,.]|$)))",
    re.IGNORECASE,
)
"""Such a city at the end of what it stands in: before a comma, a state, a postcode."""

_SMALL_END = re.compile(r"\d[a-z](?:[a-z]|\s?\d)\s*(?:,|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceText:
    """What is not said is empty. `state` may hold the code of a country, where it stood before a postcode."""

    postcode: str = ""
    city: str = ""
    state: str = ""
    country: str = ""


def with_capitals(text: str) -> str:
    """
    >>> with_capitals("Main Street 5, sw1a 1aa")
    'Main Street 5, SW1A 1AA'
    """
    return _SMALL.sub(lambda match: match[0].upper(), text) if _SMALL_END.search(text) else text


def postcode_alone(part: str) -> PlaceText | None:
    match = _ALONE.match(part)
    return PlaceText(postcode=match["code"], state=_state_of(match)) if match else None


def postcode_city(part: str, cities: Collection[str]) -> PlaceText | None:
    """
    >>> postcode_city("DK-8000 Aarhus C", ())
    PlaceText(postcode='8000', city='Aarhus C', state='DK', country='')
    """
    match = _BEFORE_CITY.match(part)
    if not match:
        return None
    letters = _state_of(match)
    # Both together would be two: what else stands in capitals is a part of the city then.
    city, state = (match["city"], letters) if letters else without_state(match["city"], cities)
    return PlaceText(postcode=match["code"], city=city, state=state)


def city_postcode(part: str, cities: Collection[str] = ()) -> PlaceText | None:
    """
    >>> city_postcode("Tampa FL 33601")
    PlaceText(postcode='33601', city='Tampa', state='FL', country='')
    >>> city_postcode("Owings Mills Maryland 21117").city, city_postcode("Maryland 21117").state
    ('Owings Mills', 'MD')
    """
    match = _BEHIND_CITY.match(part)
    if not match:
        return None
    city, state = match["city"], match["state"] or ""
    if not state and fold(city) not in cities:
        if fold(city) in STATES and fold(city) not in _CITY_AND_STATE:
            city, state = "", STATES[fold(city)]
        else:
            city, state = without_state(city, cities)
    return PlaceText(postcode=match["code"], city=city, state=state)


def with_known_cities(text: str, cities: Collection[str]) -> str:
    """Cities written in the other way of Mount, Saint and Fort than the map's, in the map's. `cities` are folded.

    >>> with_known_cities("5 Main St, Mt. Washington, MD", {"mount washington"})
    '5 Main St, Mount Washington, MD'
    """
    if not cities or not _MOUNT.search(text):
        return text

    def known(match: re.Match[str]) -> str:
        word, name = match["word"].casefold(), match["name"]
        beside = match.string[: match.start()].rstrip()
        other = _OTHER_WAY[word]
        if fold(f"{word} {name}") in cities or fold(f"{other} {name}") not in cities:
            return match[0]
        # In "12 Main St Denis" where Denis is a town too, the street is a Street.
        if beside and not beside.endswith((",", ";")) and fold(name) in cities:
            return match[0]
        return f"{other.capitalize()} {name}"

    return _MOUNT.sub(known, text)


def city_alone(part: str, cities: Collection[str]) -> PlaceText | None:
    """A known city, also with its district's number, or any city before a state: Praha 2, Tampa FL."""
    if fold(part) in cities:
        return PlaceText(city=part)
    if (match := _NUMBERED_CITY.match(part) or _AREA_OF_CITY.match(part)) and fold(match[1]) in cities:
        return PlaceText(city=part)
    city, state = without_state(part, cities)
    if state and (fold(city) in cities or state in STATE_CODES):
        return PlaceText(city=city, state=state)
    return None


def country_alone(part: str) -> PlaceText | None:
    country = COUNTRIES.get(fold(part), "")
    return PlaceText(country=country) if country else None


def place_of(part: str, cities: Collection[str]) -> PlaceText | None:
    """What a part says of the place, whichever stands in it; None for one that names none."""
    found = postcode_alone(part) or postcode_city(part, cities) or city_postcode(part, cities)
    found = found or city_alone(part, cities) or country_alone(part)
    if found is None and (state := state_of(part)) in STATE_CODES:
        return PlaceText(state=state)
    return found


def state_of(text: str) -> str:
    """The code of a state by its name, or short with full stops (Md., N.Y.); of any two or three capitals these.

    >>> [state_of(text) for text in ("Maryland", "Md.", "XY", "Cork")]
    ['MD', 'MD', 'XY', '']
    """
    if _CAPITALS.match(text):
        return text
    short = text.replace(".", "").upper() if text.endswith(".") else ""
    return short if short in STATE_CODES else STATES.get(fold(text), "")


def without_state(text: str, cities: Collection[str]) -> tuple[str, str]:
    """("Owings Mills", "MD") for "Owings Mills MD" and "Owings Mills Maryland"; Mt Washington is a place."""
    if fold(text) in cities:
        return text, ""
    words = text.split()
    for count in (1, 2, 3):
        last = " ".join(words[-count:])
        if len(words) <= count:
            break
        if count == 1 and last.upper() in STATE_CODES and _ends_in_city(words[:-1], last, cities):
            return " ".join(words[:-1]), last.upper()  # "baltimore oh", which is no district of ours
        begun = fold(words[-count - 1]) in _BEGINS_CITY
        if (count == 1 and (_CAPITALS.match(last) or (_SHORT_STATE.match(last) and state_of(last)))) or (
            fold(last) in STATES and not begun
        ):
            return " ".join(words[:-count]), state_of(last)
    return text, ""


def _ends_in_city(words: list[str], last: str, cities: Collection[str]) -> bool:
    """Whether the words are a known city, or end in one before letters that shorten no kind of street (Towson Ct)."""
    if fold(" ".join(words)) in cities:
        return True
    return last.upper() not in _STREET_TOO and any(fold(" ".join(words[-count:])) in cities for count in (1, 2, 3))


def _state_of(match: re.Match[str]) -> str:
    groups = match.groupdict()
    letters = (groups.get("letters") or groups.get("state") or "").upper()
    return _CARS.get(letters, letters)
