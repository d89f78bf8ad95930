"""What a count of a van in the evening means: whose goods are missing when too little came back."""

from __future__ import annotations

from collections.abc import Sequence

from routing.model.day import UndeliveredUnits


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
