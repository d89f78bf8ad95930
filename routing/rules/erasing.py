"""What is erased of the proofs: photos and signatures kept long enough, or that somebody wants erased. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from routing.errors import InvalidInput
from routing.rules.saying_why import short_enough

KEPT_FOR = {"photo": "photos_days", "signature": "signatures_days"}
"""The kinds of files of a proof, each with the policy that says for how many days it is kept."""


def kept_since(days: Mapping[str, int | None], now: datetime) -> dict[str, datetime]:
    """By kind, the moment before which a file must have come in to have been kept long enough; what has no term is kept
    for good.

    >>> from datetime import UTC
    >>> kept_since({"photo": 30, "signature": None}, datetime(2026, 3, 31, 8, tzinfo=UTC))
    {'photo': datetime.datetime(2026, 3, 1, 8, 0, tzinfo=datetime.timezone.utc)}
    """
    return {kind: now - timedelta(days=each) for kind, each in days.items() if each is not None}


def erased_because(text: str) -> str:
    """Why somebody has them erased, on one line. Raises InvalidInput without a reason, or for a long one.

    >>> erased_because(" asked by the  customer on the phone ")
    'asked by the customer on the phone'
    """
    said = " ".join(text.split())
    if not said:
        raise InvalidInput("Say why they are erased: who looks for the proof will ask.", code="why")
    return short_enough(said)


def counted(kinds: Iterable[str]) -> dict[str, int]:
    """How many of each kind there are.

    >>> counted(["photo", "signature", "photo"])
    {'photo': 2, 'signature': 1}
    """
    found = Counter(kinds)
    return {kind: found[kind] for kind in sorted(found)}
