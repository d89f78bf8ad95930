"""Travel over the great circle: the last resort, and always labelled as such."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from routing.engines.roads.profiles import profile_named
from routing.model.places import Location
from routing.ports import TravelTable

EARTH_RADIUS_M = 6_371_009.0

# Roads in towns are 1.2 to 1.5 times as long as the line through the air.
DETOUR = 1.35


class GreatCircleTravelTimes:
    """Fits TravelTimes without any map: the distance through the air times a detour, at the profile's plain speed.

    It knows no river, no one-way street and no missing bridge. `snapped_m` is 0: nothing was snapped.
    """

    def table(self, places: Sequence[Location], *, profile: str) -> TravelTable:
        """Raises TravelError for an unknown profile."""
        metres_per_s = profile_named(profile).beeline_kmh / 3.6
        metres = great_circle_m(places, places) * DETOUR
        return TravelTable(
            durations_s=np.rint(metres / metres_per_s).astype(np.int64),
            distances_m=np.rint(metres).astype(np.int64),
            snapped_m=np.zeros(len(places), dtype=np.int64),
            engine="great circle",
            build=f"great circle × {DETOUR}",
        )

    def snap(self, places: Sequence[Location], *, profile: str) -> NDArray[np.int64]:
        """0 for each place: it knows no road. Raises TravelError as `table` does."""
        profile_named(profile)
        return np.zeros(len(places), dtype=np.int64)

    def path(self, places: Sequence[Location], *, profile: str) -> list[Location]:
        """The places themselves: the line is straight from each to the next. Raises TravelError as `table` does."""
        profile_named(profile)
        return list(places)

    def close(self) -> None:
        """Nothing to close; every engine of travel times can be closed."""


def great_circle_m(from_places: Sequence[Location], to_places: Sequence[Location]) -> NDArray[np.float64]:
    """Metres through the air, shape (len(from_places), len(to_places)), by the haversine formula."""
    lat_1, lon_1 = _radians(from_places)
    lat_2, lon_2 = _radians(to_places)
    half_lat = np.sin((lat_2[None, :] - lat_1[:, None]) / 2) ** 2
    half_lon = np.sin((lon_2[None, :] - lon_1[:, None]) / 2) ** 2
    chord = half_lat + np.cos(lat_1)[:, None] * np.cos(lat_2)[None, :] * half_lon
    metres: NDArray[np.float64] = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(chord, 0, 1)))
    return metres


def _radians(places: Sequence[Location]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lat = np.radians(np.array([place.lat for place in places], dtype=np.float64))
    lon = np.radians(np.array([place.lon for place in places], dtype=np.float64))
    return lat, lon
