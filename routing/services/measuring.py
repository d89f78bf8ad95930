"""The ways of a day measured for every kind of vehicle, also where the region has no road for one of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from routing.errors import TravelError
from routing.model.places import Location
from routing.model.plans import NO_ROAD
from routing.ports import NO_ROADS, TravelTable, TravelTimes


def tables_of(
    travel: TravelTimes, locations: Sequence[Location], profiles: Collection[str], *, needed: Collection[str] = ()
) -> dict[str, TravelTable]:
    """A table for each profile; one for which the whole region has no road joins nothing, and has no engine.

    Raises TravelError: also for want of roads, where every profile lacks them or one that is `needed` does; `profiles`
    are those.
    """
    tables: dict[str, TravelTable] = {}
    lacking: dict[str, TravelError] = {}
    for profile in sorted(profiles):
        try:
            tables[profile] = travel.table(locations, profile=profile)
        except TravelError as refused:
            if refused.code != NO_ROADS:
                raise
            lacking[profile] = refused
    stuck = [profile for profile in lacking if not tables or profile in needed]
    if stuck:
        why = lacking[stuck[0]]
        raise TravelError(why.message, code=NO_ROADS, **(why.fields | {"profiles": tuple(stuck)})) from why
    return tables | {profile: _without_roads(len(locations)) for profile in lacking}


def _without_roads(n: int) -> TravelTable:
    """Nothing joins any two of these places, and none lies near a road."""
    apart = np.full((n, n), NO_ROAD, dtype=np.int64)
    np.fill_diagonal(apart, 0)
    return TravelTable(
        durations_s=apart, distances_m=apart, snapped_m=np.full(n, -1, dtype=np.int64), engine="", build=""
    )
