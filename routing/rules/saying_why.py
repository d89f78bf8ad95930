"""Why somebody did something, as they typed it: how long it may be. Pure."""

from __future__ import annotations

from routing.errors import InvalidInput

LONGEST_WHY = 200


def short_enough(text: str, *, code: str = "why") -> str:
    """The reason as it is. Raises InvalidInput, with `code`, for one that is too long.

    >>> short_enough("any day will do")
    'any day will do'
    """
    if len(text) > LONGEST_WHY:
        raise InvalidInput(f"The reason has {len(text)} characters. Write it in {LONGEST_WHY}.", code=code)
    return text
