"""Profiles: how a vehicle travels. One OSRM dataset and one road graph each."""

from __future__ import annotations

from dataclasses import dataclass

from routing.errors import TravelError


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """`lua` is the profile's file in OSRM's wheel. Speeds in km/h: `speeds` by highway value, for the road graph;
    `beeline_kmh` over the great circle with its detour. Of `access_tags` the first that is there decides;
    `oneway_tag` overrules `oneway`."""

    name: str
    lua: str
    speeds: dict[str, float]
    beeline_kmh: float
    access_tags: tuple[str, ...]
    oneway_tag: str


_CAR_SPEEDS = {
    "motorway": 90, "motorway_link": 45, "trunk": 85, "trunk_link": 40, "primary": 65, "primary_link": 30,
    "secondary": 55, "secondary_link": 25, "tertiary": 40, "tertiary_link": 20, "unclassified": 25,
    "residential": 25, "living_street": 10, "service": 15, "road": 20,
}  # fmt: skip
_BIKE_SPEEDS = {
    "primary": 15, "primary_link": 15, "secondary": 15, "secondary_link": 15, "tertiary": 15, "tertiary_link": 15,
    "unclassified": 15, "residential": 15, "living_street": 15, "service": 15, "road": 15, "track": 12,
    "cycleway": 15, "path": 13, "pedestrian": 5, "footway": 5,
}  # fmt: skip

PROFILES = {
    "car": Profile(
        name="car",
        lua="car.lua",
        speeds={highway: float(speed) for highway, speed in _CAR_SPEEDS.items()},
        beeline_kmh=28,
        access_tags=("motorcar", "motor_vehicle", "vehicle", "access"),
        oneway_tag="oneway:motor_vehicle",
    ),
    "bike": Profile(
        name="bike",
        lua="bicycle.lua",
        speeds={highway: float(speed) for highway, speed in _BIKE_SPEEDS.items()},
        beeline_kmh=14,
        access_tags=("bicycle", "vehicle", "access"),
        oneway_tag="oneway:bicycle",
    ),
}

# A van drives as a car does until somebody measures a difference.
_SAME_AS = {"van": "car", "cargo_bike": "bike", "bicycle": "bike"}


def profile_named(name: str) -> Profile:
    """The profile of that name or of its other name ("van" is "car"). Raises TravelError."""
    profile = PROFILES.get(_SAME_AS.get(name, name))
    if profile is None:
        known = ", ".join(sorted({*PROFILES, *_SAME_AS}))
        raise TravelError(
            f'There is no profile "{name}". Give the vehicle one of: {known}.', code="unknown_profile", profile=name
        )
    return profile
