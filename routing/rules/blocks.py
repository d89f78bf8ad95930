"""Addresses by block, as in Japan: no street, but district, block and house (丸の内1丁目2-3 and 丸の内一丁目2番3号)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from routing.rules.house_number import HouseNumber

_KANJI = {letter: value for value, letter in enumerate("〇一二三四五六七八九")}
_CHOME_WORD = re.compile(r"([〇一二三四五六七八九十]{1,3}|\d{1,2})丁目")
_SIGN = r"\s*(?:丁目|番地|番|号|[-‐−–ーの])?\s*"
_BLOCK = re.compile(rf"^(?P<place>\D*?[^\W\d_])\s*(?P<numbers>\d{{1,4}}(?:{_SIGN}\d{{1,4}}){{1,2}})\s*号?")
_POSTCODE = re.compile(r"〒?\s*(\d{3}-\d{4})\s*")
_ABOVE = frozenset("都道府県市区郡町村")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


def district_key(district: str, block: str) -> str:
    """What a block is called among the streets: the district, its chōme in digits, the block.

    >>> district_key("丸の内一丁目", "2")
    '丸の内1 2'
    """
    return f"{_in_digits(district)} {block}".strip()


def block_readings(text: str) -> Iterator[tuple[str, HouseNumber, str]]:
    """(district with block, house, postcode) for a text in this order; nothing for any other text.

    >>> [(street, str(house)) for street, house, _ in block_readings("千代田区丸の内1丁目2-3")][0]
    ('丸の内1 2', '3')
    """
    if not _CJK.search(text):
        return
    postcode = _POSTCODE.search(text)
    plain = _in_digits(_POSTCODE.sub("", text, count=1).replace(",", " ").strip())
    match = _BLOCK.match(plain)
    if not match:
        return
    numbers = re.findall(r"\d+", match["numbers"])
    whole = match["place"].strip().replace(" ", "")
    house = HouseNumber(first=int(numbers[-1]), last=int(numbers[-1]))
    # The district may follow prefecture, city and ward; each place where one of them may end is tried.
    places = [whole[at + 1 :] for at, letter in enumerate(whole) if letter in _ABOVE] + [whole]
    for place in dict.fromkeys(filter(None, places)):
        district = f"{place}{numbers[0]} {numbers[1]}" if len(numbers) == 3 else f"{place} {numbers[0]}"
        yield district, house, postcode[1] if postcode else ""


def _in_digits(text: str) -> str:
    return _CHOME_WORD.sub(lambda match: str(_value(match[1])) + ("" if match.end() == len(text) else "-"), text)


def _value(word: str) -> int:
    """ "12" and 十二 are 12."""
    if word.isdigit():
        return int(word)
    tens, _, ones = word.rpartition("十")
    if "十" not in word:
        return _KANJI.get(word, 0)
    return (_KANJI.get(tens, 1) if tens else 1) * 10 + _KANJI.get(ones, 0)
