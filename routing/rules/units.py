"""Flats, floors and stairs within a house: a part of an address that says nothing else, and so changes no door."""

from __future__ import annotations

import re

_NUMBERED = frozenset({
    "krs", "kerros", "floor", "fl", "flat", "apt", "apartment", "as", "asunto", "porras", "unit", "suite", "ste",
    "sal", "kl", "kld", "st", "etage", "étage", "eg", "whg", "wohnung", "stock", "lgh", "trappa", "rappu",
    "stair", "room", "rm", "bldg", "building", "lot", "box", "level", "bât", "bat", "appt", "appartement",
    "escalier", "esc", "piso", "puerta", "planta", "кв", "квартира", "подъезд", "этаж", "όροφος", "διαμ", "door",
    "tür", "top", "dør", "tr", "trappor", "no", "nr",
    "flr", "postboks", "postbox", "postfach",
})  # fmt: skip
"""Words that say which one with a number or a letter beside them: Suite B, 3. sal, lgh 1101."""

_ALONE = frozenset({
    "st", "stuen", "kl", "kld", "kælder", "tv", "th", "mf", "eg", "dg", "parterre", "hinterhaus", "vorderhaus",
    "sisäpiha", "katutaso", "pohjakerros", "bajo", "izq", "dcha", "baghus", "baghuset", "forhus", "forhuset",
    "basement", "ground",
})  # fmt: skip
"""Words that are a unit by themselves, or tell the side of one."""

_BESIDE = frozenset({
    "og", "left", "right", "links", "rechts", "mitte", "venstre", "højre", "izquierda", "derecha", "first",
    "second", "third", "fourth", "fifth", "upper", "lower", "top", "rear", "front", "po", "p", "o",
})  # fmt: skip
"""Words that say so only with one of the others beside them: 3. OG, first floor."""

_CODE = re.compile(r"^(?:[^\W\d_]|(?=\w{0,5}\d)\w{1,6})$")
_BARE = re.compile(
    r"^(?:[^\W\d_]?\s*\d{0,4}|\d{1,2}o?\s*[^\W\d_]?|(?=.{1,6}$)(?=\D*\d)(?!.*[^\W\d_]{2})[^\W_][\w./ -]*)$"
)
_CJK = re.compile(r"^[\w\s-]{0,6}(?:号室|階)$")
_WORDS = re.compile(r"[^\W_]+")
_LETTERS_ONLY = re.compile(r"[^\W\d_](?:[\s.,/&+-]+[^\W\d_])*\.?")
_FRACTION = re.compile(r"1/[2348]|2/3|3/[48]")


def is_unit(text: str) -> bool:
    """Whether the whole text names a flat, floor or stair; a place that begins or ends like one is none.

    >>> [is_unit(text) for text in ("3. tv", "Apt 4", "Suite B", "st. th.", "1101")]
    [True, True, True, True, True]
    >>> [is_unit(text) for text in ("St. Louis", "Apt 3 Tampa", "Box Hill", "Tampa FL", "og 12")]
    [False, False, False, False, False]
    """
    if _BARE.match(text) or _CJK.match(text):
        return True
    words = [word.casefold() for word in _WORDS.findall(text)]
    if text.startswith("#"):
        return len(words) == 1 and bool(_CODE.match(words[0]))
    said = numbered = code = False
    for at, word in enumerate(words):
        if word in _NUMBERED or word in _ALONE:
            numbered = numbered or word in _NUMBERED
            said = said or word in _ALONE
        elif word in _BESIDE:
            if word == "og":  # a floor in German, "and" in Danish
                if not at or not words[at - 1].isdigit() or (at + 1 < len(words) and words[at + 1].isdigit()):
                    return False
                numbered = True
            code = True
        elif (glued := re.match(r"\d{1,2}o?(\w+)$", word)) and glued[1] in _NUMBERED | _ALONE | {"og"}:
            said = True  # 3tv, 2OG
        elif _CODE.match(word):
            code = True
        else:
            return False
    return said or (numbered and code)


def is_unsaid(unit: str, *, letter: str, sign: bool) -> bool:
    """Whether what stands behind a house number may as well be a further number or door, as no word says it is a unit.

    `letter`: the house's own; `sign`: whether people of the country write # before a unit.

    >>> [is_unsaid(unit, letter="", sign=False) for unit in ("#21", "3/4", "B C", "B", "Apt #4", "2. tv")]
    [True, True, True, False, False, False]
    >>> is_unsaid("B", letter="a", sign=False), is_unsaid("#21", letter="", sign=True)
    (True, False)
    """
    if "#" in unit and not sign:
        return not any(word.casefold() in _NUMBERED | _ALONE for word in _WORDS.findall(unit))
    if _FRACTION.fullmatch(unit):
        return True
    return bool(_LETTERS_ONLY.fullmatch(unit)) and bool(letter or len(_WORDS.findall(unit)) > 1)
