"""Addresses as people write them, rightly and wrongly, drawn from the doors that a gazetteer knows."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from routing.model.places import Candidate
from routing.rules.spelling import fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked: `text`, or `text` with postcode and city in their own fields."""

    text: str
    postcode: str = ""
    city: str = ""


def written(door: Candidate, chance: random.Random) -> Question:
    """One of the ways to write a door, all of them right."""
    number, street, place = door.house_number, door.street, f"{door.postcode} {door.city}".strip()
    ways = (
        Question(text=f"{street} {number}, {place}"),
        Question(text=f"{street.upper()} {number.replace(' ', '')}, {place}"),
        Question(text=f"{number} {street}, {door.city}, {door.postcode}"),
        Question(text=f"{street} {number}", postcode=door.postcode, city=door.city),
        Question(text=f"{street}, {number}, {place}"),
    )
    return chance.choice(ways)


def mistyped(name: str, chance: random.Random, times: int) -> str:
    """The name with as many slips: a letter changed, lost, doubled up with another, or swapped with its neighbour."""
    for _ in range(times):
        places = [at for at, letter in enumerate(name) if letter.isalpha()]
        at, letter = chance.choice(places), chance.choice(string.ascii_lowercase)
        after = name[at + 1 : at + 2]
        slips = (
            name[:at] + letter + name[at + 1 :],
            name[:at] + name[at + 1 :],
            name[:at] + letter + name[at:],
            name[:at] + after + name[at] + name[at + 2 :],
        )
        name = chance.choice([slip for slip in slips if slip.strip() != name] or [name + letter])
    return name


def wrong(
    door: Candidate, doors: Mapping[tuple[str, str], set[str]], others: Sequence[Candidate], chance: random.Random
) -> Iterator[tuple[str, Question]]:
    """(what is wrong, the question) for addresses that do not exist; `doors`: (street, number) -> its postcodes.

    `others` are doors of another town, on streets that this one has not.
    """
    address, place = f"{door.street} {door.house_number}", f"{door.postcode} {door.city}"
    for number in (str(chance.randrange(2000, 99999)), f"{re.findall(r'[0-9]+', door.house_number)[0]} Q"):
        if (door.street, number) not in doors:
            yield "no such number", Question(text=f"{door.street} {number}, {place}")
    swapped = door.house_number[::-1]
    if swapped.isdigit() and (door.street, swapped) not in doors:
        yield "swapped digits", Question(text=f"{door.street} {swapped}, {place}")
    stranger = chance.choice(others)
    yield "a street of the neighbouring town", Question(text=f"{stranger.street} {stranger.house_number}, {place}")
    yield "in the neighbouring town", Question(text=f"{address}, {stranger.postcode} {stranger.city}")
    yield "in the neighbouring town", Question(text=address, city=stranger.city)
    if stranger.postcode and stranger.city:
        yield from _elsewhere(address, f"{stranger.postcode} {stranger.city}", stranger, door)
    yield from _nearly(door, chance)
    own = doors[door.street, door.house_number]
    other = chance.choice(sorted({code for codes in doors.values() for code in codes}))
    if other not in own:
        yield "another postcode of the region", Question(text=f"{address}, {other} {door.city}")
    turned = door.postcode[:-2] + door.postcode[-1] + door.postcode[-2]
    if turned not in own:
        yield "swapped digits of the postcode", Question(text=f"{address}, {turned} {door.city}")
    yield "another country", Question(text=f"{address}, {place}, Brazil")


def _elsewhere(address: str, place: str, stranger: Candidate, door: Candidate) -> Iterator[tuple[str, Question]]:
    """The neighbouring town wherever people write it, also beside a unit, a state or a firm's name."""
    turned = f"{stranger.city} {stranger.postcode}"
    for text in (
        f"{address}, {turned}",
        f"{address}\n{turned}",
        f"{address} {turned}",
        f"{place}, {address}",
        f"{stranger.city}, {address}",
        f"Firm Inc, {place}, {address}",
        f"{address}, Apt 3 {stranger.city}",
        f"{address}, St {stranger.city}",
        f"{address}, {stranger.city} FL",
        f"{address}, DK {place}",
        f"{address}, {door.city}, {stranger.city}",
    ):
        yield "the neighbouring town, anywhere in the text", Question(text=text)
    yield "the neighbouring town beside our field", Question(text=f"{address}, {turned}", city=door.city)
    yield "the neighbouring town beside our field", Question(text=f"{address}, {stranger.city}", city=door.city)


def _nearly(door: Candidate, chance: random.Random) -> Iterator[tuple[str, Question]]:
    """A city or a number that is nearly the door's: one letter or word more, a decimal, a pair of numbers."""
    address, (first, *rest) = f"{door.street} {door.house_number}", door.city.split()
    slipped = mistyped(first, chance, 1)
    if len(first) >= 5 and fold(slipped) != fold(first):
        yield "a city one letter away", Question(text=f"{address}, {' '.join([slipped, *rest])}")
    yield "a city of one word more", Question(text=f"{address}, {door.city} Highlands")
    if not door.house_number.isdigit():
        return
    for number in (f"{door.house_number}.5", f"{door.house_number} og 9999", f"0000000{door.house_number}"):
        yield "a number that is none", Question(text=f"{door.street} {number}, {door.postcode} {door.city}")
