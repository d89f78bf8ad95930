"""What the terms of each address provider let us do: how often to ask, and how long an answer may be kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`keep` zero: nothing of an answer may be stored. `every`: at least this long between two questions."""

    title: str
    keep: timedelta
    every: timedelta
    needs_key: bool = False
    needs_domain: bool = False
    needs_contact: bool = False


_OPEN_DATA = timedelta(days=180)
_A_SECOND = timedelta(seconds=1)

TERMS: dict[str, Terms] = {
    # OpenStreetMap's public server asks for an identified client, one question a second at most, and a cache.
    "nominatim": Terms(title="Nominatim", keep=_OPEN_DATA, every=_A_SECOND, needs_contact=True),
    "photon": Terms(title="Photon", keep=_OPEN_DATA, every=_A_SECOND, needs_contact=True),
    "pelias": Terms(title="Pelias", keep=_OPEN_DATA, every=timedelta(milliseconds=100), needs_domain=True),
    "opencage": Terms(title="OpenCage", keep=_OPEN_DATA, every=_A_SECOND, needs_key=True),
    # These two allow a short cache of parts of an answer at most; the strictest reading is not to keep any.
    "google": Terms(title="Google", keep=timedelta(0), every=timedelta(milliseconds=50), needs_key=True),
    "here": Terms(title="HERE", keep=timedelta(0), every=timedelta(milliseconds=200), needs_key=True),
}


def may_be_kept(source: str) -> bool:
    """Whether a candidate of this source may be written down; a gazetteer's always.

    >>> may_be_kept("gazetteer"), may_be_kept("nominatim"), may_be_kept("google")
    (True, True, False)
    """
    terms = TERMS.get(source)
    return terms is None or terms.keep > timedelta(0)
