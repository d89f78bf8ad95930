"""House numbers: 29 · 14 B · 12 bis · 1-5 · 1012/3 · 41-23 · 5к2, and which of them a door answers to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from routing.errors import InvalidInput

WIDEST_RANGE = 30
"""A plate "1-5" is the door of 3 as well. What spans more is a block or, as in Queens, no range at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseNumber:
    """29 · 14 B · 1-5. `last` equals `first` unless it is a range; `letter` is lower case, "" for none.

    What else belongs to the number is kept as its letter: "bis", "1/2", "/3" of 1012/3, "-23" of 41-23, "к2".
    """

    first: int
    last: int
    letter: str = ""

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise InvalidInput(f"A house number range runs upwards: {self.first}-{self.last} does not.")

    def __str__(self) -> str:
        span = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        if not self.letter or self.letter[0] in "/-" or (self.letter[0] in "кс" and len(self.letter) > 1):
            return span + self.letter
        return f"{span} {self.letter.upper() if len(self.letter) == 1 else self.letter}"

    @property
    def is_range(self) -> bool:
        return self.first != self.last

    def covers(self, asked: HouseNumber) -> bool:
        """Whether a door with this number is the door asked for. A range covers the numbers of its own side only.

        >>> HouseNumber(first=1, last=5).covers(HouseNumber(first=3, last=3))
        True
        """
        if self.letter != asked.letter:
            return False
        if (self.first, self.last) == (asked.first, asked.last):
            return True
        inside = self.first <= asked.first and asked.last <= self.last and self.last - self.first <= WIDEST_RANGE
        return inside and asked.first % 2 == self.first % 2 and asked.last % 2 == self.first % 2


_CJK = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
HOUSE = re.compile(
    rf"""(?<![\d])(\d{{1,6}})(?!\d)
    (?:\s*([-–/])\s*(\d{{1,6}})(?!\d|-\d))?
    (?:\s+(1/2)(?!\d))?
    (?:
        \s?(bis|ter|quater)\b
        | \s?(?:(?P<part>к|корп|корпус|с|стр|строение)\.?\s?(?P<of>\d{{1,3}})(?!\d))
        | \s?(?P<letter>[^\W\d_{_CJK}])(?![^\W\d_])
    )?""",
    re.VERBOSE | re.IGNORECASE,
)


def parse_house_number(text: str) -> HouseNumber | None:
    """The number at the start of the text ("2, 2. krs" is 2); None where there is none."""
    match = HOUSE.match(text.strip())
    return house_of(match) if match else None


def house_of(match: re.Match[str]) -> HouseNumber:
    """The number that HOUSE found."""
    first, sign, second = int(match[1]), match[2], match[3]
    letter = (match[5] or match["letter"] or match[4] or "").casefold()
    if match["part"]:
        letter = ("к" if match["part"].casefold().startswith("к") else "с") + match["of"]
    if not second or int(second) == first:
        return HouseNumber(first=first, last=first, letter=letter)
    last = int(second)
    if sign == "/" and (last < first or last - first > WIDEST_RANGE or (last - first) % 2):
        return HouseNumber(first=first, last=first, letter=f"/{last}{letter}")
    if last < first and first - last > 10:
        # Queens numbers its doors by the cross street: 41-23 is one door, not the doors from 23 to 41.
        return HouseNumber(first=first, last=first, letter=f"-{second}{letter}")
    return HouseNumber(first=min(first, last), last=max(first, last), letter=letter)
