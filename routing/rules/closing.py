"""What a count of a van in the evening means: whose goods are missing, and of which door the others are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from routing.model.day import SaidUnits, UndeliveredUnits


def who_goes_without(units: Sequence[UndeliveredUnits], *, missing: int) -> tuple[tuple[UndeliveredUnits, int], ...]:
    """(whose, how many) of the missing units of one product, as few customers as the ranks allow.

    The lowest tier goes without first, and within a tier who ordered last: an earlier claim keeps its goods. Never
    more than `units` hold; the caller has counted that so many can be missing.
    """
    found = []
    for each in sorted(units, key=lambda each: (each.tier, -each.ordered_at.timestamp(), -each.allocation_id)):
        taken = min(missing, each.quantity)
        if taken:
            found.append((each, taken))
            missing -= taken
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameBack:
    """Units of one delivery that were found on the van, and whether they were damaged at its door."""

    said: SaidUnits
    quantity: int
    is_damaged: bool


def what_came_back(said: Sequence[SaidUnits], *, found: int) -> tuple[CameBack, ...]:
    """Of which deliveries the found units of one product are: what somebody saw at a door is there before what nobody
    found there, and of that the damaged before the refused.

    Of 5 found, 2 are the damaged ones, 2 the refused ones, and 1 of the 3 that were short turned up after all:

    >>> units = SaidUnits(delivery_id=1, allocation_id=1, product_id=1, quantity=7, damaged=2, refused=2)
    >>> [(each.quantity, each.is_damaged) for each in what_came_back([units], found=5)]
    [(2, True), (3, False)]
    """
    back: dict[tuple[int, bool], int] = {}
    for take in ("damaged", "refused", "rest"):
        for n, each in enumerate(said):
            seen = min(each.quantity, each.damaged + each.refused)
            damaged = min(each.damaged, seen)
            units = {"damaged": damaged, "refused": seen - damaged, "rest": each.quantity - seen}[take]
            taken = min(found, units)
            if taken:
                key = (n, take == "damaged")
                back[key] = back.get(key, 0) + taken
                found -= taken
    return tuple(
        CameBack(said=said[n], quantity=quantity, is_damaged=is_damaged) for (n, is_damaged), quantity in back.items()
    )


def what_is_lost(
    said: Sequence[SaidUnits], back: Sequence[CameBack], *, missing: int
) -> tuple[tuple[SaidUnits | None, int], ...]:
    """Of which deliveries the `missing` units of one product are: of what a door left on the van, what did not come
    `back`. None: more is missing than doors left.

    A door called 2 of 5 units short, and 1 was found: the other is lost.

    >>> units = SaidUnits(delivery_id=1, allocation_id=1, product_id=1, quantity=2, damaged=0, refused=0)
    >>> def lost(found, missing):
    ...     back = what_came_back([units], found=found)
    ...     return [(each and each.delivery_id, n) for each, n in what_is_lost([units], back, missing=missing)]
    >>> lost(found=1, missing=1), lost(found=0, missing=3)
    ([(1, 1)], [(1, 2), (None, 1)])
    """
    found: list[tuple[SaidUnits | None, int]] = []
    for each in said:
        came = sum(one.quantity for one in back if one.said == each)
        units = min(missing, each.quantity - came)
        if units > 0:
            found.append((each, units))
            missing -= units
    if missing > 0:
        found.append((None, missing))
    return tuple(found)
