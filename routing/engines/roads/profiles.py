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
from dataclasses import dataclass
from typing import Protocol

from routing.errors import TravelError


class Tagged(Protocol):
    """The tags of a way, of osmium or in a dict."""

    def __contains__(self, key: str, /) -> bool: ...

    def __getitem__(self, key: str, /) -> str: ...

    def get(self, key: str, default: str, /) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """`base` is the profile in OSRM's wheel that this one changes. Speeds in km/h: `speeds` by highway value, for the
    road graph; `most_kmh` is never passed; `beeline_kmh` over the great circle with its detour.

    Of `access_tags` the first that is there decides; `oneway_tag` overrules `oneway`. `height_m`, `length_m` and
    `weight_t` are the largest vehicle's of this profile: a way that says less is closed to it.
    """

    name: str
    base: str
    speeds: dict[str, float]
    most_kmh: float
    beeline_kmh: float
    access_tags: tuple[str, ...]
    oneway_tag: str
    height_m: float = 0.0
    width_m: float = 0.0
    length_m: float = 0.0
    weight_t: float = 0.0
    delivers: bool = True

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
    "track": 12.0, "cycleway": 15.0, "path": 13.0, "pedestrian": 5.0, "footway": 5.0,
}  # fmt: skip

PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="car",
            base="car",
            speeds=_CAR_SPEEDS,
            most_kmh=140,
            beeline_kmh=28,
            access_tags=("motorcar", "motor_vehicle", "vehicle", "access"),
            oneway_tag="oneway:motor_vehicle",
            height_m=2.0,
            width_m=1.9,
            length_m=4.8,
            weight_t=2.0,
            delivers=False,
        ),
        Profile(
            name="van",
            base="car",
            speeds=_CAR_SPEEDS,
            most_kmh=120,
            beeline_kmh=28,
            access_tags=("motorcar", "motor_vehicle", "vehicle", "access"),
            oneway_tag="oneway:motor_vehicle",
            height_m=2.8,
            width_m=2.1,
            length_m=6.0,
            weight_t=3.5,
        ),
        Profile(
            name="truck",
            base="car",
            speeds=_CAR_SPEEDS,
            most_kmh=80,
            beeline_kmh=25,
            access_tags=("hgv", "motor_vehicle", "vehicle", "access"),
            oneway_tag="oneway:motor_vehicle",
            height_m=3.8,
            width_m=2.5,
            length_m=10.0,
            weight_t=18.0,
        ),
        Profile(
            name="cargo_bike",
            base="bicycle",
            speeds=_BIKE_SPEEDS,
            most_kmh=21,
            beeline_kmh=14,
            access_tags=("bicycle", "vehicle", "access"),
            oneway_tag="oneway:bicycle",
            width_m=0.9,
        ),
    )
}

_SAME_AS = {"bike": "cargo_bike", "bicycle": "cargo_bike"}

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


def usable_speed_kmh(tags: Tagged, profile: Profile) -> float | None:
    """The profile's ordinary speed on a way with these tags; None where it may not go.

    >>> usable_speed_kmh({"highway": "residential", "maxheight": "2.5"}, PROFILES["van"]) is None
    True
    >>> usable_speed_kmh({"highway": "residential", "maxheight": "2.5"}, PROFILES["car"])
    25.0
    """
    speed = profile.speeds.get(tags.get("highway", "") or "")
    if speed is None or ("area" in tags and tags["area"] == "yes"):
        return None
    said = next((tags[key] for key in profile.access_tags if key in tags), "yes")
    if said in ("no", "use_sidepath") or _too_large(tags, profile):
        return None
    return min(speed, profile.most_kmh)


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
    if profile.has_motor:
        tags = ", ".join(f"'{tag}'" for tag in profile.access_tags)
        lines.append(f"profile.access_tags_hierarchy = Sequence {{ {tags} }}")
        lines.append(f"profile.restrictions = Sequence {{ {tags.rpartition(',')[0]} }}")
    else:
        lines += [
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


def _too_large(tags: Tagged, profile: Profile) -> bool:
    limits: Mapping[str, tuple[float, dict[str, float]]] = {
        "maxheight:physical": (profile.height_m, _METRES),
        "maxheight": (profile.height_m, _METRES),
        "maxlength": (profile.length_m, _METRES),
        "maxweight": (profile.weight_t, _TONNES),
        "maxweightrating": (profile.weight_t, _TONNES),
    }
    for key, (size, units) in limits.items():
        if size and key in tags:
            most = _amount(tags[key], units)
            if most is not None and most < size:
                return True
    return False


def _amount(text: str, units: Mapping[str, float]) -> float | None:
    read = _NUMBER.fullmatch(text)
    unit = read and units.get(read[2].lower())
    if not read or unit is None:
        return None
    inches = float(read[3]) * 0.0254 if read[3] else 0.0
    return float(read[1].replace(",", ".")) * unit + inches
