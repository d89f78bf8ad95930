"""How far the stops of a route lie from its centre: what a compact area is judged by.

The centre is the middle of the stops' places, each door counted whenever the route comes to it; a stop lies as far from
it as the crow flies. All in whole metres on the plane around the first place that has a location, which is a depot.

    Three doors in a row, a kilometre apart: the outer two lie a kilometre from the middle one.

        >>> apart_m([(0, 0), (1000, 0), (2000, 0)])
        2000

    At 0.50 a kilometre that costs 1.00. With the far one on another van both are nearer to their centres:

        >>> apart_m([(0, 0), (1000, 0)]), apart_m([(2000, 0)])
        (1000, 0)
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, isqrt, radians

from routing.model.plans import Place, Problem

METRES_A_DEGREE = 111_195
"""Of latitude, on a sphere of 6,371 km."""

type Spot = tuple[int, int]
"""Metres to the east and to the north of latitude and longitude 0, on the plane of the problem."""


def spots_of(problem: Problem) -> dict[int, Spot]:
    """By place, where it lies; only where some shift has a price for its area."""
    if not any(shift.cost.area_per_km for shift in problem.shifts):
        return {}
    return _plane(problem.places)


def _plane(places: Sequence[Place]) -> dict[int, Spot]:
    """
    >>> from routing.model.places import Location
    >>> _plane([Place(index=0, name="", location=Location(lat=60, lon=0)), Place(index=1, name="", location=None),
    ...         Place(index=2, name="", location=Location(lat=60.01, lon=0.02))])
    {0: (0, 6671700), 2: (1112, 6672812)}
    """
    found = [(place.index, place.location) for place in places if place.location is not None]
    if not found:
        return {}
    narrow = cos(radians(found[0][1].lat))
    return {index: (round(at.lon * METRES_A_DEGREE * narrow), round(at.lat * METRES_A_DEGREE)) for index, at in found}


def apart_m(spots: Sequence[Spot]) -> int:
    """The distances of these stops from their centre, added up; each rounded half up, so is the centre."""
    n = len(spots)
    x, y = ((2 * sum(spot[axis] for spot in spots) + n) // (2 * n) for axis in (0, 1))
    return sum((isqrt(4 * ((at[0] - x) ** 2 + (at[1] - y) ** 2)) + 1) // 2 for at in spots)
