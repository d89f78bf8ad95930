"""Profiles: how a vehicle travels. One OSRM dataset and one road graph each.

| profile | may use | size |
|---|---|---|
| car | what motorcars may | 2.0 m high, 2 t |
| van | the same, and "delivery only" | 2.8 m high, 6 m long, 3.5 t |
| truck | what heavy goods vehicles may, and "delivery only"; 80 km/h at most | 3.8 m high, 10 m long, 18 t |
| cargo_bike | what bikes may, and "delivery only"; no steps, no narrow barriers, no "cargo_bike=no" | 0.9 m wide |
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from routing.errors import TravelError
from routing.model.fleet import BIKES, PROFILE_NAMES, ROAD_SIZES
from routing.ports import NO_ROADS


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """`base` is the profile in OSRM's wheel that this one changes. Speeds in km/h: `speeds` by highway value;
    `most_kmh` is never passed; `beeline_kmh` over the great circle with its detour; what is said of surfaces caps them;
    of a speed limit `of_limit` is driven. `turn_s` is what a sharp turn costs, `turn_bias` how much more to the left
    than to the right, `oncoming_turn_s` what crossing oncoming traffic adds, `u_turn_s` what turning round does.

    Of `access_tags` the first that is there decides. `height_m`, `length_m` and
    `weight_t` are the largest vehicle's of this profile: a way that says less is closed to it.
    """

    name: str
    base: str
    speeds: dict[str, float]
    most_kmh: float
    beeline_kmh: float
    access_tags: tuple[str, ...]
    height_m: float = 0.0
    width_m: float = 0.0
    length_m: float = 0.0
    weight_t: float = 0.0
    delivers: bool = True
    of_limit: float = 1.0
    surface_kmh: Mapping[str, float] = field(default_factory=dict)
    track_kmh: Mapping[str, float] = field(default_factory=dict)
    smoothness_kmh: Mapping[str, float] = field(default_factory=dict)
    turn_s: float = 0.0
    turn_bias: float = 1.0
    oncoming_turn_s: float = 0.0
    u_turn_s: float = 20.0

    @property
    def has_motor(self) -> bool:
        return self.base == "car"


_CAR_SPEEDS = {
    "motorway": 90.0, "motorway_link": 45.0, "trunk": 85.0, "trunk_link": 40.0, "primary": 65.0, "primary_link": 30.0,
    "secondary": 55.0, "secondary_link": 25.0, "tertiary": 40.0, "tertiary_link": 20.0, "unclassified": 25.0,
    "residential": 25.0, "living_street": 10.0, "service": 15.0,
}  # fmt: skip
_BIKE_SPEEDS = {
    "primary": 15.0, "primary_link": 15.0, "secondary": 15.0, "secondary_link": 15.0, "tertiary": 15.0,
    "tertiary_link": 15.0, "unclassified": 15.0, "residential": 15.0, "living_street": 15.0, "service": 15.0,
    "track": 12.0, "cycleway": 15.0, "path": 13.0,
}  # fmt: skip

# How quickly one goes at most, by what the road is made of and how even it is.
_CAR_SURFACES = {
    "cement": 80.0, "compacted": 80.0, "fine_gravel": 80.0, "paving_stones": 60.0, "metal": 60.0, "bricks": 60.0,
    "grass": 40.0, "wood": 40.0, "sett": 40.0, "grass_paver": 40.0, "gravel": 40.0, "unpaved": 40.0, "ground": 40.0,
    "dirt": 40.0, "pebblestone": 40.0, "tartan": 40.0, "cobblestone": 30.0, "clay": 30.0, "earth": 20.0, "stone": 20.0,
    "rocky": 20.0, "sand": 20.0, "laterite": 15.0, "mud": 10.0, "ice": 20.0, "snow": 30.0,
}  # fmt: skip
_CAR_TRACKS = {"grade1": 60.0, "grade2": 40.0, "grade3": 30.0, "grade4": 25.0, "grade5": 20.0}
_CAR_SMOOTHNESS = {
    "intermediate": 80.0, "bad": 40.0, "very_bad": 20.0, "horrible": 10.0, "very_horrible": 5.0, "impassable": 0.0,
}  # fmt: skip
_BIKE_SURFACES = {
    "asphalt": 15.0, "chipseal": 15.0, "concrete": 15.0, "concrete_lanes": 15.0, "wood": 10.0, "metal": 10.0,
    "cobblestone:flattened": 10.0, "paving_stones": 10.0, "compacted": 10.0, "cobblestone": 7.0, "unpaved": 6.0,
    "fine_gravel": 10.0, "gravel": 6.0, "pebblestone": 6.0, "grass_paver": 6.0, "ground": 10.0, "dirt": 8.0,
    "earth": 6.0, "laterite": 5.0, "grass": 6.0, "mud": 3.0, "sand": 3.0, "woodchips": 3.0, "sett": 9.0,
}  # fmt: skip
_MOTOR: dict[str, Any] = {
    "base": "car",
    "speeds": _CAR_SPEEDS | {"winter_road": 20.0, "ice_road": 15.0},
    "of_limit": 0.8,
    "surface_kmh": _CAR_SURFACES,
    "track_kmh": _CAR_TRACKS,
    "smoothness_kmh": _CAR_SMOOTHNESS,
    "turn_s": 7.5,
    "turn_bias": 1.075,
    "oncoming_turn_s": 2.0,
}


def _largest(kind: str) -> dict[str, Any]:
    size = ROAD_SIZES[kind]
    return {
        "height_m": size.height_cm / 100,
        "length_m": size.length_cm / 100,
        "weight_t": size.gross_kg / 1000,
    }


_PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="car",
            **_MOTOR,
            most_kmh=140,
            beeline_kmh=28,
            access_tags=("motorcar", "motor_vehicle", "vehicle", "access"),
            width_m=1.9,
            **_largest("car"),
            delivers=False,
        ),
        Profile(
            name="van",
            **_MOTOR,
            most_kmh=120,
            beeline_kmh=28,
            access_tags=("motorcar", "motor_vehicle", "vehicle", "access"),
            width_m=2.1,
            **_largest("van"),
        ),
        Profile(
            name="truck",
            **_MOTOR,
            most_kmh=80,
            beeline_kmh=25,
            access_tags=("hgv", "motor_vehicle", "vehicle", "access"),
            width_m=2.5,
            **_largest("truck"),
        ),
        Profile(
            name="cargo_bike",
            base="bicycle",
            speeds=_BIKE_SPEEDS,
            most_kmh=21,
            beeline_kmh=14,
            access_tags=("bicycle", "vehicle", "access"),
            width_m=0.9,
            surface_kmh=_BIKE_SURFACES,
            turn_s=6.0,
            turn_bias=1.4,
        ),
    )
}
PROFILES = {name: _PROFILES[name] for name in PROFILE_NAMES}

SNAPPING_RADIUS_M = 500.0
"""A place has no road of a profile when the nearest lies further away: for OSRM, the road graph, what is reached and
the quality of a build alike."""

USUAL_PROFILE = "car"
"""Whose roads a region must have; of any other it may have none."""

_SAME_AS = dict.fromkeys(BIKES, "cargo_bike")

# Regions built before vans and cargo bikes had roads of their own answer with these, as they did then.
_STANDS_IN = {"van": "car", "cargo_bike": "bike"}

_NUMBER = re.compile(r"\s*(\d+(?:[.,]\d+)?)\s*([a-z']*)\s*(?:(\d+(?:\.\d+)?)\s*(?:\"|''|in))?\s*", re.IGNORECASE)
_METRES = {"": 1.0, "m": 1.0, "cm": 0.01, "'": 0.3048, "ft": 0.3048}
_TONNES = {"": 1.0, "t": 1.0, "kg": 0.001, "st": 0.907, "lbs": 0.000454}


def profile_named(name: str) -> Profile:
    """The profile of that name or of its other name ("bike" is "cargo_bike"). Raises TravelError."""
    profile = PROFILES.get(_SAME_AS.get(name, name))
    if profile is None:
        known = ", ".join(sorted({*PROFILES, *_SAME_AS}))
        raise TravelError(
            f'There is no profile "{name}". Give the vehicle one of: {known}.', code="unknown_profile", profile=name
        )
    return profile


def built_as(profile: str, profiles: Sequence[str]) -> str:
    """The dataset that answers for a profile in a build with these."""
    return profile if profile in profiles else _STANDS_IN.get(profile, profile)


def no_roads(profile: str, region: str) -> TravelError:
    """What a vehicle of that kind is told in a region that has no road for it."""
    return TravelError(
        f'The map of region "{region}" has no road that a {profile.replace("_", " ")} may use, so none can be planned '
        "there. Give the vehicle another kind of roads, or build the region from a map that has them.",
        code=NO_ROADS,
        profile=profile,
        region=region,
    )


def metres(text: str) -> float | None:
    """A length as maps say it, in metres; None for "default", "below_default" and what else is no length.

    >>> metres("2.5"), metres("3,1 m"), round(metres("12'6\\""), 2), metres("default")
    (2.5, 3.1, 3.81, None)
    """
    return _amount(text, _METRES)


def tonnes(text: str) -> float | None:
    """A weight as maps say it, in tonnes.

    >>> tonnes("3.5"), tonnes("7500 kg"), tonnes("none")
    (3.5, 7.5, None)
    """
    return _amount(text, _TONNES)


def lua(profile: Profile, shipped: str) -> str:
    """The profile as OSRM reads it: the one in its wheel (the folder `shipped`), with what differs."""
    changes = {
        "vehicle_height": profile.height_m,
        "vehicle_width": profile.width_m,
        "vehicle_length": profile.length_m,
        "vehicle_weight": profile.weight_t * 1000,
        "vehicle_max_speed": profile.most_kmh,
    }
    lines = [f"profile.{name} = {value:g}" for name, value in changes.items() if value]
    lines += [
        f"profile.turn_penalty = {profile.turn_s:g}",
        f"profile.turn_bias = {profile.turn_bias:g}",
        f"profile.properties.u_turn_penalty = {profile.u_turn_s:g}",
        f"profile.surface_speeds = {_lua_table(profile.surface_kmh)}",
        f"profile.tracktype_speeds = {_lua_table(profile.track_kmh)}",
        f"profile.smoothness_speeds = {_lua_table(profile.smoothness_kmh)}",
    ]
    if profile.has_motor:
        lines += [
            f"profile.speeds = Sequence {{ highway = {_lua_table(profile.speeds)} }}",
            f"profile.speed_reduction = {profile.of_limit:g}",
            f"profile.oncoming_turn_penalty = {profile.oncoming_turn_s:g}",
        ]
        tags = ", ".join(f"'{tag}'" for tag in profile.access_tags)
        lines.append(f"profile.access_tags_hierarchy = Sequence {{ {tags} }}")
        lines.append(f"profile.restrictions = Sequence {{ {tags.rpartition(',')[0]} }}")
    else:
        lines += [
            f"profile.bicycle_speeds = {_lua_table(profile.speeds)}",
            f"profile.width = {profile.width_m:g}",
            "profile.exclude_cargo_bike = true",
            "profile.pedestrian_speeds.steps = nil",
            "for _, barrier in ipairs({'stile', 'kissing_gate', 'turnstile', 'full-height_turnstile'}) do",
            "  profile.barrier_blacklist[barrier] = true",
            "end",
        ]
    if profile.delivers:
        lines += ["profile.access_tag_blacklist['delivery'] = nil", "profile.access_tag_whitelist['delivery'] = true"]
        lines.append("profile.restricted_access_tag_list['delivery'] = nil")
    return "\n".join(
        [
            f"package.path = [[{shipped}/?.lua;]] .. package.path",
            f"local base = require('{profile.base}')",
            "local usual = base.setup",
            "base.setup = function()",
            "  local profile = usual()",
            *(f"  {line}" for line in lines),
            "  return profile",
            "end",
            "return base",
            "",
        ]
    )


def _lua_table(values: Mapping[str, float]) -> str:
    return "{ " + ", ".join(f"['{name}'] = {value:g}" for name, value in values.items()) + " }"


def _amount(text: str, units: Mapping[str, float]) -> float | None:
    read = _NUMBER.fullmatch(text)
    unit = read and units.get(read[2].lower())
    if not read or unit is None:
        return None
    inches = float(read[3]) * 0.0254 if read[3] else 0.0
    return float(read[1].replace(",", ".")) * unit + inches
