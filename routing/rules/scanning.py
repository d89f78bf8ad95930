"""What a scanner typed, or a person in its place: a quantity, a place, an undo, or a code to be looked up.

>>> read_scan("12*")
Scan(code='', quantity=12, place='', undo=False)
>>> read_scan("6*OAT-1")
Scan(code='OAT-1', quantity=6, place='', undo=False)
>>> read_scan("@ A3").place
'A3'
>>> read_scan("undo").undo
True
>>> read_scan(" D-000012 ").code
'D-000012'
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from routing.errors import InvalidInput

LONGEST_CODE = 100
MOST_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One line that ended with Enter. `quantity` None: nobody said how many."""

    code: str = ""
    quantity: int | None = None
    place: str = ""
    undo: bool = False


def read_scan(text: str) -> Scan:
    """Raises InvalidInput for an empty line, a code that is too long to be one, and a quantity that nobody picks."""
    text = text.strip()
    if not text:
        raise InvalidInput("Nothing was scanned. Scan again.", code="empty_scan")
    if len(text) > LONGEST_CODE:
        raise InvalidInput(f"This code has {len(text)} letters: scan one code at a time.", code="long_scan")
    if text.lower() in ("undo", "-"):
        return Scan(undo=True)
    if text.startswith("@"):
        return Scan(place=text[1:].strip())
    many = re.fullmatch(r"([0-9]{1,9})\s*[*x×]\s*(.*)", text, re.ASCII | re.IGNORECASE)
    if many is None:
        return Scan(code=text)
    quantity = int(many[1])
    if not 1 <= quantity <= MOST_AT_ONCE:
        raise InvalidInput(f"{quantity} is no quantity to pick: give 1 to {MOST_AT_ONCE}.", code="quantity")
    return Scan(code=many[2], quantity=quantity)
