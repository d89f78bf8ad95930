"""Which of our vehicles get to a place, said when the place is known and not when the van is to leave. Pure.

A cargo bike alone reaches the yard: the pin is right, and whoever plans should know.

    >>> yard = reach_of(near={"cargo_bike"}, fleet={"van", "cargo_bike"})
    >>> yard.goes_on, yard.why.partition(".")[0]
    (True, 'Only the cargo bike gets here: no road for the van lies near')

Without a bike of ours nobody gets there, and a person decides about the pin.

    >>> reach_of(near={"cargo_bike"}, fleet={"van", "truck"}).why.partition(".")[0]
    'No road for our vehicles (truck, van) lies near this address, only one for the cargo bike'
    >>> reach_of(near=set(), fleet={"van"}).goes_on
    False
    >>> reach_of(near={"car", "van"}, fleet={"van"}).why
    ''
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from routing.model.fleet import BIKES, ROAD_SIZES
from routing.model.places import Bounds, Location

EDGE_M = 50.0
"""A place this far outside a region's box is still its own: so far off are pins set by hand, and the doors of houses
whose road runs along the edge. Farther out roads are cut off, though one may still lie near."""

OFF_ROAD = "No road lies near this address, so no vehicle gets there. Set its pin at the road where it is handed over."


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadReach:
    """Whether some vehicle of ours gets to a place; `why` names those that do not, "" when all do."""

    goes_on: bool
    why: str = ""


def reach_of(*, near: Collection[str], fleet: Collection[str]) -> RoadReach:
    """`near`: the profiles for which a road lies within the snapping radius. `fleet`: those of our vehicles; before
    there are any, a road for whomever is enough."""
    if not near:
        return RoadReach(goes_on=False, why=OFF_ROAD)
    near, fleet = _same_names(near), _same_names(fleet)
    ours = fleet & near
    if ours == fleet:
        return RoadReach(goes_on=True)
    if not ours:
        why = (
            f"No road for our vehicles ({', '.join(_words(fleet))}) lies near this address, only one for "
            f"{_the(near)}. Set its pin at the road where it is handed over."
        )
        return RoadReach(goes_on=False, why=why)
    gets = "gets" if len(ours) == 1 else "get"
    return RoadReach(
        goes_on=True,
        why=f"Only {_the(ours)} {gets} here: no road for {_the(fleet - ours)} lies near. Move the pin if goods are "
        "handed over elsewhere.",
    )


def outside(location: Location, area: Bounds) -> str:
    """Why a place is none of a region with this box, "" where it is.

    >>> area = Bounds(south=55, west=8, north=56, east=9)
    >>> outside(Location(lat=56.004, lon=8.5), area)
    'This place lies 445 m outside the region, where its roads are cut off. Set the pin inside it.'
    >>> outside(Location(lat=56.0003, lon=8.5), area)
    ''
    """
    away_m = area.metres_outside(location)
    if away_m <= EDGE_M:
        return ""
    far = f"{away_m:.0f} m" if away_m < 1000 else f"{away_m / 1000:.1f} km"
    return f"This place lies {far} outside the region, where its roads are cut off. Set the pin inside it."


def _same_names(profiles: Collection[str]) -> frozenset[str]:
    """A bike goes by several names in files, and by one on the roads."""
    return frozenset("cargo_bike" if profile in BIKES else profile for profile in profiles)


def _words(profiles: Collection[str]) -> list[str]:
    return sorted(profile.replace("_", " ") for profile in profiles)


def _the(profiles: Collection[str]) -> str:
    return " and ".join(f"the {word}" for word in _words(profiles))


def beyond_its_roads(
    *, profile: str, height_cm: int | None, length_cm: int | None, gross_kg: int | None
) -> tuple[str, ...]:
    """How a vehicle is larger than its kind's roads are measured for: a route may lead it under too low a bridge.

    >>> for words in beyond_its_roads(profile="van", height_cm=310, length_cm=590, gross_kg=5_000):
    ...     print(words)
    3.1 m high, and the roads of a van are measured for 2.8 m
    5 t heavy, and the roads of a van are measured for 3.5 t
    >>> beyond_its_roads(profile="truck", height_cm=310, length_cm=None, gross_kg=5_000)
    ()
    """
    size = ROAD_SIZES.get(profile)
    if size is None:
        return ()
    measured = (
        ("high", height_cm, size.height_cm, "m", 100),
        ("long", length_cm, size.length_cm, "m", 100),
        ("heavy", gross_kg, size.gross_kg, "t", 1000),
    )
    return tuple(
        f"{mine / unit:g} {name} {how}, and the roads of a {profile} are measured for {most / unit:g} {name}"
        for how, mine, most, name, unit in measured
        if mine is not None and mine > most
    )
