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

from routing.model.fleet import BIKES

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


def _same_names(profiles: Collection[str]) -> frozenset[str]:
    """A bike goes by several names in files, and by one on the roads."""
    return frozenset("cargo_bike" if profile in BIKES else profile for profile in profiles)


def _words(profiles: Collection[str]) -> list[str]:
    return sorted(profile.replace("_", " ") for profile in profiles)


def _the(profiles: Collection[str]) -> str:
    return " and ".join(f"the {word}" for word in _words(profiles))
