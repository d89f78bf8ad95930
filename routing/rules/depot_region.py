"""Whose roads a depot drives on: those of a region that covers it, or that knows its address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from routing.model.places import Bounds, Located, Location, PinQuality
from routing.rules.road_reach import outside


@dataclass(frozen=True, slots=True, kw_only=True)
class DepotPlace:
    """Where a depot is, None without a pin, and the key of the region it belongs to until now, None for none."""

    at: Location | None
    region: int | None


def depot_regions(depots: Mapping[int, DepotPlace], regions: Mapping[int, Bounds | None]) -> dict[int, int | None]:
    """The key of each depot's region, by the depot's key; None where no region covers it.

    `regions`: the box of each that is built, None where nobody knows it. A depot stays in a region that covers it. Of
    several the one that covers most depots is taken, since only depots of one region are planned together; then the one
    that was built first. A depot without a pin, and one whose region has no known box, stay where they are.

    >>> copenhagen = Bounds(south=55.6, west=12.5, north=55.7, east=12.6)
    >>> reisterstown = Bounds(south=39.3, west=-76.8, north=39.5, east=-76.6)
    >>> depots = {1: DepotPlace(at=Location(lat=55.65, lon=12.55), region=None),
    ...           2: DepotPlace(at=Location(lat=39.4, lon=-76.7), region=None),
    ...           3: DepotPlace(at=Location(lat=60.2, lon=24.9), region=None)}
    >>> depot_regions(depots, {1: copenhagen, 2: reisterstown})
    {1: 1, 2: 2, 3: None}
    """
    covering = {
        key: [name for name, box in regions.items() if box and depot.at and not outside(depot.at, box)]
        for key, depot in depots.items()
    }
    covers = Counter(region for found in covering.values() for region in found)
    chosen: dict[int, int | None] = {}
    for key, depot in depots.items():
        unknown = depot.region is not None and regions.get(depot.region) is None and depot.region in regions
        if depot.at is None or unknown or depot.region in covering[key]:
            chosen[key] = depot.region
        else:
            chosen[key] = min(covering[key], key=lambda region: (-covers[region], region), default=None)
    return chosen


def in_no_region(depots: Mapping[int, DepotPlace], regions: Mapping[int, Bounds | None]) -> list[int]:
    """The keys of the depots with a pin that no region takes, in their order; none where no region's box is known."""
    if not any(regions.values()):
        return []
    chosen = depot_regions(depots, regions)
    return [key for key, depot in depots.items() if depot.at is not None and chosen[key] is None]


def known_where(answers: Mapping[str, Located]) -> tuple[str, Located]:
    """The region that knows an address, and its answer, of what each region (at least one) says of it.

    For an address that is all that says where something is. Where several regions are sure a person is asked, with what
    each of them found; where none is, the surest answer stands, of the first region of several.
    """
    sure = [name for name, located in answers.items() if located.quality.goes_on]
    if len(sure) > 1:
        found = [answers[name].candidates[0] for name in sure]
        named = ", ".join(f"{name} ({each.label})" for name, each in zip(sure, found, strict=True))
        why = f"Several regions know this address: {named}. Write its town with it, or its coordinates."
        return sure[0], Located(quality=PinQuality.AMBIGUOUS, candidates=tuple(found), why=why)
    surest = list(PinQuality)
    best = min(answers, key=lambda name: surest.index(answers[name].quality))
    return best, answers[best]


def lies_nowhere(depots: Sequence[str]) -> str:
    """What to do about depots that no region covers.

    >>> lies_nowhere(["Depot 2"])[:72]
    'Depot 2 lies in no region that is built: nothing can be planned from it.'
    """
    lie, them = ("lies", "it") if len(depots) == 1 else ("lie", "them")
    return (
        f"{', '.join(depots)} {lie} in no region that is built: nothing can be planned from {them}. Correct lat "
        "and lon, or build the region there: backroute region add NAME --pbf FILE."
    )
