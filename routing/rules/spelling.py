"""How names are compared: by what is left of them without case, accents and punctuation, abbreviations spelled out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, product

from routing.rules.street_words import KIND_ALONE, SAFE_ENDINGS, SHORT, SHORT_ENDINGS

_LETTERS = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "’": "'", "´": "'", "`": "'"}
)
_DIGRAPHS = str.maketrans({"ø": "oe", "ö": "oe", "ä": "ae", "ü": "ue", "å": "aa"})
_NOT_WORD = re.compile(r"[^\w]+")
_RAISED = re.compile(r"(?<=\d)[²³¹⁰⁴-⁹₀-₉¼-¾⅐-⅞]")
# With the fillers of Hangul, which are letters to Unicode and blanks to the eye.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u115f\u1160]")
CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_MOST_SPELLINGS = 64


@lru_cache(maxsize=5_000)
def clean(text: str) -> str:
    """Control characters out, spaces single, compatibility forms (full-width digits) made plain."""
    # A raised digit or a fraction is no further digit of the number before it: 1² is not 12.
    plain = unicodedata.normalize("NFKC", _RAISED.sub(r" \g<0>", text.replace("½", " 1/2")))
    return " ".join(_CONTROL.sub(" ", plain).replace("\n", ", ").split()).strip(" ,;")


@lru_cache(maxsize=50_000)
def fold(text: str) -> str:
    """How two spellings of one name are compared: no case, no accents, no punctuation, single spaces.

    >>> fold("  Töölönlahden-KATU. ")
    'toolonlahden katu'
    """
    flat = text.casefold().translate(_LETTERS)
    if not flat.isascii():
        # A mathematical "𝙰" is a capital only once it is taken apart: so case and letters come before and after.
        flat = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", flat).casefold().translate(_LETTERS))
        flat = "".join(letter for letter in flat if not unicodedata.combining(letter))
    return _NOT_WORD.sub(" ", flat.replace("'", "").replace("_", " ")).strip()


@lru_cache(maxsize=20_000)
def keys(name: str) -> tuple[str, ...]:
    """The folded name, and where it has such letters the one that people write without them.

    >>> keys("Ørsteds Vej"), keys("Main Street")
    (('orsteds vej', 'oersteds vej'), ('main street',))
    """
    key = fold(name)
    composed = unicodedata.normalize("NFC", name).casefold()
    return (key,) if composed.isascii() else tuple(dict.fromkeys((key, fold(composed.translate(_DIGRAPHS)))))


def squeezed(key: str) -> str:
    """What is left when word breaks do not count either: "h c orsteds vej" and "hc orstedsvej" are one."""
    return key.replace(" ", "")


@lru_cache(maxsize=20_000)
def spellings(street: str) -> tuple[str, ...]:
    """The folded street as written, then what its abbreviations may stand for ("Aleksanterink." → aleksanterinkatu)."""
    out = list(keys(street))
    stop = street.rstrip().endswith(".")
    for key in keys(street):
        out += islice(_spelled_out(key, stop), _MOST_SPELLINGS)
    return tuple(dict.fromkeys(filter(None, out)))


def _spelled_out(key: str, stop: bool) -> Iterator[str]:
    words = key.split()
    if len(words) > 1 and words[0] in KIND_ALONE:
        yield " ".join(words[1:])
    if len(words) > 1 and CYRILLIC.search(key):
        # улица Ленина and Ленина улица are both written.
        for turned in ([words[-1], *words[:-1]], [*words[1:], words[0]]):
            yield " ".join(turned)
            yield from _unfolded(turned, stop=False)
    yield from _unfolded(words, stop=stop)


def _unfolded(words: list[str], *, stop: bool) -> Iterator[str]:
    options: list[tuple[str, ...]] = []
    at = 0
    while at < len(words):
        pair = " ".join(words[at : at + 2])
        taken = 2 if pair in SHORT and at + 1 < len(words) else 1
        word = " ".join(words[at : at + taken])
        # A name that is one abbreviation only ("St") says nothing.
        fulls = SHORT.get(word, ()) if len(words) > taken else ()
        if at + taken == len(words):
            fulls += _glued(word, stop)
        options.append((word, *fulls))
        at += taken
    if any(len(each) > 1 for each in options):
        yield from (" ".join(each) for each in product(*options))


def _glued(word: str, stop: bool) -> tuple[str, ...]:
    return tuple(
        word[: -len(ending)] + full
        for ending, fulls in SHORT_ENDINGS.items()
        if word.endswith(ending) and len(word) - len(ending) >= 3 and (stop or ending in SAFE_ENDINGS)
        for full in fulls
    )
