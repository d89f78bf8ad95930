"""Passwords: which may be chosen, how they are kept, and whether one fits. Length and no habit are what counts;
signs, capitals and digits are nobody's duty, and none runs out."""

from __future__ import annotations

import re
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
"""Longer ones would only keep the machine busy: hashing takes time by the byte."""
_GUESSES = 2
"""Of zxcvbn's 0 to 4: below it, somebody who tries what people usually choose is in after a million tries."""

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def password_fits(password: str, hashed: str | None) -> bool:
    """`hashed` is None when there is no such account: the answer takes as long as for one that there is."""
    if len(password) > LONGEST_PASSWORD:
        return False
    try:
        _hasher.verify(hashed or _nobodys_hash(), password)
        return hashed is not None
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return hash_password("nobody's password")


def wrong_password(password: str, *, name: str = "", email: str = "") -> str:
    """Why it cannot be chosen, in one sentence of the catalogs; "" when it can. `name` and `email` are no secrets."""
    if len(password) < SHORTEST_PASSWORD:
        return f"Too short: use at least {SHORTEST_PASSWORD} characters."
    if len(password) > LONGEST_PASSWORD:
        return f"Too long: use at most {LONGEST_PASSWORD} characters."
    from zxcvbn import zxcvbn  # its word lists take a while to load

    known = ["backroute", name, email, *re.split(r"\W+", f"{name} {email}")]
    if zxcvbn(password[:72], user_inputs=[each for each in known if each])["score"] < _GUESSES:
        return "Too easy to guess. Put four words together that have nothing to do with one another."
    return ""
