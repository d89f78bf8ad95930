"""The way from the road to the door, for a house that stands far from every road the map knows. Pure.

Tables of travel times end on the road. Most doors stand beside it, and what is walked there is part of the service
time. A farm at the end of a drive that nobody drew is another matter: what lies beyond the ordinary is driven, or
walked, at the pace of a yard, and counts as travel, there and back again.

    >>> import numpy as np
    >>> seconds_to_the_door(np.array([12, 30, 230, -1]), profile="van").tolist()
    [0, 0, 72, 0]

A truck stays at the road, and its driver walks.

    >>> seconds_to_the_door(np.array([230]), profile="truck").tolist()
    [180]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from routing.model.fleet import BIKES
from routing.model.places import Location
from routing.ports import TravelTable

BESIDE_THE_ROAD_M = 30
"""So far from its road a door stands ordinarily: across a front garden or a yard. Only what is more is counted."""

YARD_KMH = 10.0
"""A car or van on a private drive, as fast as OSRM takes a living street."""

PUSHED_KMH = 8.0
"""A cargo bike on such a drive, part of it unpaved."""

WALKED_KMH = 4.0
"""With goods, where the vehicle stays at the road: a truck cannot turn in a drive."""


def seconds_to_the_door(snapped_m: NDArray[np.int64], *, profile: str) -> NDArray[np.int64]:
    """Whole seconds from the road to each place, one way; 0 where it is ordinary, or no road is near (-1)."""
    kmh = PUSHED_KMH if profile in BIKES else WALKED_KMH if profile == "truck" else YARD_KMH
    beyond_m = np.maximum(snapped_m - BESIDE_THE_ROAD_M, 0)
    return np.rint(beyond_m * 3.6 / kmh).astype(np.int64)


def to_the_doors(table: TravelTable, places: Sequence[Location], *, profile: str) -> TravelTable:
    """The table with the ways from and to the doors in its durations, which are changed in place; its distances stay
    those of the roads.

    Between two doors that share a drive one need not go out to the road and in again: no more is added than the way
    through the air takes at the same pace.
    """
    door_s = seconds_to_the_door(table.snapped_m, profile=profile)
    far = np.flatnonzero(door_s)
    if not len(far):
        return table
    durations_s = table.durations_s
    among = np.ix_(far, far)
    shared_s = durations_s[among] + _among(door_s[far], [places[at] for at in far.tolist()], table.snapped_m[far])
    shared_s[durations_s[among] < 0] = -1
    # Only what is far is touched: a table has a million pairs, and most doors are none of these.
    rows, columns = durations_s[far], durations_s[:, far]
    durations_s[far] = np.where(rows < 0, rows, rows + door_s[far][:, None])
    durations_s[:, far] = np.where(columns < 0, columns, columns + door_s[far][None, :])
    durations_s[among] = shared_s
    np.fill_diagonal(durations_s, 0)
    return replace(table, durations_s=durations_s)


def _among(door_s: NDArray[np.int64], doors: Sequence[Location], snapped_m: NDArray[np.int64]) -> NDArray[np.int64]:
    """Seconds that are added between far doors, (k, k)."""
    lat = np.array([door.lat for door in doors]) * _METRES_A_DEGREE
    lon = np.array([door.lon for door in doors]) * _METRES_A_DEGREE * np.cos(np.radians(doors[0].lat))
    beyond_m = snapped_m - BESIDE_THE_ROAD_M
    added = np.empty((len(doors), len(doors)), dtype=np.int64)
    for at in range(len(doors)):  # row by row: many doors may be far
        air_m = np.hypot(lat - lat[at], lon - lon[at])
        out_and_in_s = door_s + door_s[at]
        added[at] = np.rint(out_and_in_s * np.minimum(1.0, air_m / (beyond_m + beyond_m[at])))
    return added


_METRES_A_DEGREE = 111_195.0
