"""What a way and a node of the map mean to a vehicle: the rules of OSRM's profiles, for the road graph.

Speeds and limits stand in `profiles`, which tells OSRM the same ones. Not here: conditional tags, lanes for car pools,
routes by rail, and restrictions of a single country.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from routing.engines.roads.profiles import Profile, metres, tonnes

Tags = Mapping[str, str]
Pair = tuple[float, float]

# A way is chosen as if it took so many times as long, where OSRM lets nobody in but who is going there.
PRIVATE_TURN_S = 3_276.0

_NOT_BUILT = ("steps", "construction", "proposed")
_BUILT_ALL_THE_SAME = ("no", "widening", "minor")
_CARS_ALLOWED = ("yes", "motorcar", "motor_vehicle", "vehicle", "permissive", "designated", "hov")
_CARS_FORBIDDEN = (
    "no", "agricultural", "forestry", "emergency", "psv", "taxi", "share_taxi", "minibus", "bus", "foot",
    "emergency_vehicle", "restricted", "military", "official",
)  # fmt: skip
_CARS_GOING_THERE = ("private", "delivery", "destination", "customers", "permit", "residents", "unknown")
_BIKES_ALLOWED = ("yes", "permissive", "designated")
_BIKES_FORBIDDEN = ("no", "private", "agricultural", "forestry", "use_sidepath")
_SLOW_SERVICE = ("alley", "parking", "parking_aisle", "driveway", "drive-through", "drive-thru")
_OPEN_BARRIERS = (
    "cattle_grid",
    "border_control",
    "toll_booth",
    "sally_port",
    "no",
    "entrance",
    "height_restrictor",
    "arch",
)
_GATES = ("gate", "lift_gate")
_CLOSED_TO_BIKES = ("yes", "wall", "fence", "stile", "kissing_gate", "turnstile", "full-height_turnstile")
_CYCLEWAYS = ("track", "lane", "share_busway", "sharrow", "shared", "shared_lane")
_AGAINST = ("opposite", "opposite_lane", "opposite_track")
_ON_FOOT = {"footway": 4.0, "pedestrian": 4.0, "steps": 2.0}
_WALKING_KMH, _FERRY_KMH, _MOVABLE_KMH, _UNTOLD_KMH = 4.0, 5.0, 5.0, {"car": 10.0, "bicycle": 15.0}
_LIMITS_BY_KIND = {"urban": 50.0, "rural": 90.0, "trunk": 110.0, "motorway": 130.0, "none": 140.0}

_NUMBER = re.compile(r"\d+")
_CLOCK = re.compile(r"(?:(\d+):)?(\d+)(?::(\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """How a vehicle goes along a way, each value along its nodes and against them.

    `kmh` 0: it may not. Ways are chosen by their time divided by `favour` (1, or less for ways one avoids).
    `going_there`: only who has business there. `pushed`: the rider walks. `ends_here`: a trip may begin and end on it.
    `takes_s`: the whole way takes this long, whatever its length; 0: it is not said.
    """

    kmh: Pair
    favour: Pair = (1.0, 1.0)
    going_there: tuple[bool, bool] = (False, False)
    pushed: tuple[bool, bool] = (False, False)
    ends_here: bool = True
    takes_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """What stands at a node: `closed`, nobody passes; else seconds lost along the way's nodes and against them."""

    closed: bool = False
    lost_s: Pair = (0.0, 0.0)


FREE = Stop()


def drive_on(tags: Tags, profile: Profile) -> Drive | None:
    """How the profile's vehicle goes along a way with these tags; None where it may not.

    >>> from routing.engines.roads.profiles import PROFILES
    >>> drive_on({"highway": "residential", "oneway": "yes"}, PROFILES["van"]).kmh
    (25.0, 0.0)
    >>> drive_on({"highway": "residential", "oneway": "yes", "cycleway": "opposite"}, PROFILES["cargo_bike"]).kmh
    (15.0, 15.0)
    >>> drive_on({"highway": "residential", "maxspeed": "30"}, PROFILES["van"]).kmh
    (24.0, 24.0)
    >>> drive_on({"highway": "footway"}, PROFILES["van"]) is None
    True
    """
    if "highway" not in tags and "route" not in tags and profile.has_motor:
        return None
    if _is_blocked(tags, profile):
        return None
    drive = _by_motor(tags, profile) if profile.has_motor else _by_bike(tags, profile)
    return drive if drive is not None and any(drive.kmh) else None


def usable_speed_kmh(tags: Tags, profile: Profile) -> float | None:
    """The profile's speed on a way with these tags, the quicker direction's; None where it may not go.

    >>> from routing.engines.roads.profiles import PROFILES
    >>> usable_speed_kmh({"highway": "residential", "maxheight": "2.5"}, PROFILES["van"]) is None
    True
    >>> usable_speed_kmh({"highway": "residential", "maxheight": "2.5"}, PROFILES["car"])
    25.0
    """
    drive = drive_on(tags, profile)
    return None if drive is None else max(drive.kmh)


def stop_at(tags: Tags, profile: Profile) -> Stop:
    """
    >>> from routing.engines.roads.profiles import PROFILES
    >>> [stop_at({"barrier": "bollard"}, PROFILES[name]).closed for name in ("van", "cargo_bike")]
    [True, False]
    >>> stop_at({"highway": "traffic_signals", "direction": "forward"}, PROFILES["van"]).lost_s
    (2.0, 0.0)
    """
    return _stop_by_motor(tags, profile) if profile.has_motor else _stop_by_bike(tags, profile)


# ---------------------------------------------------------------------------- by motor


def _by_motor(tags: Tags, profile: Profile) -> Drive | None:
    highway = tags.get("highway", "")
    open_ = [_fits(tags, profile, ":forward"), _fits(tags, profile, ":backward")]
    access = [_allowed(tags, profile, ":forward"), _allowed(tags, profile, ":backward")]
    there = [each in _going_there(profile) and highway in profile.speeds for each in access]
    for way in (0, 1):
        if access[way] in (*_CARS_FORBIDDEN, *_going_there(profile)) and not there[way]:
            open_[way] = False
    oneway = next((tags[key] for key in _oneway_keys(profile) if key in tags), "")
    if oneway == "reversible":
        return None
    along = _direction(oneway, tags)
    open_ = [open_[0] and along != -1, open_[1] and along != 1]
    takes_s, ends_here = 0.0, not (highway == "service" and access[0] == "private")
    if tags.get("route") in ("ferry", "shuttle_train"):
        ends_here, takes_s = False, _seconds(tags.get("duration", ""))
        kmh = [_FERRY_KMH if tags["route"] == "ferry" else 10.0] * 2
    elif tags.get("bridge") == "movable":
        takes_s = _seconds(tags.get("duration", ""))
        kmh = [_MOVABLE_KMH] * 2
    elif highway in profile.speeds:
        kmh = [profile.speeds[highway]] * 2
    elif any(access):
        kmh = [_UNTOLD_KMH["car"] if each else 0.0 for each in access]
    else:
        return None
    if tags.get("service") == "emergency_access":
        return None
    told = _by_direction(tags, ("maxspeed:advisory", "maxspeed", "source:maxspeed", "maxspeed:type"))
    kmh = [_limit(text) * profile.of_limit or usual for text, usual in zip(told, kmh, strict=True)]
    kmh = [
        min(each, _surface(tags, profile), profile.most_kmh) if going else 0.0
        for each, going in zip(kmh, open_, strict=True)
    ]
    favour = _favour(tags, both=all(open_))
    return Drive(
        kmh=(kmh[0], kmh[1]),
        favour=favour,
        going_there=(there[0], there[1]),
        ends_here=ends_here,
        takes_s=takes_s,
    )


def _favour(tags: Tags, *, both: bool) -> Pair:
    worst = 0.5 if tags.get("service") in _SLOW_SERVICE else 1.0
    if both:
        wide = metres(tags.get("width", "")) or 99.0
        for at_most, share in ((3.0, 0.5), (3.999, 0.6), (4.999, 0.75), (5.999, 0.8)):
            if wide <= at_most:
                worst = min(worst, share)
                break
        lanes = _NUMBER.match(tags.get("lanes", ""))
        if lanes and int(lanes[0]) <= 1:
            worst = min(worst, 0.5)
        elif tags.get("lane_markings") == "no":
            worst = min(worst, 0.75)
    if tags.get("oneway") == "alternating":
        worst = min(worst, 0.4)
    if tags.get("side_road") in ("yes", "rotary"):
        worst = min(worst, 0.8)
    yielding = tags.get("priority", "")
    return min(worst, 0.7 if yielding == "backward" else 1.0), min(worst, 0.7 if yielding == "forward" else 1.0)


def _fits(tags: Tags, profile: Profile, direction: str) -> bool:
    """Whether the largest vehicle of the profile fits through."""
    height = _first(tags, ("maxheight:physical", "maxheight"), direction)
    width = _first(tags, ("maxwidth:physical", "maxwidth", "width", "est_width"), direction)
    length = _first(tags, ("maxlength",), direction)
    weight = _first(tags, ("maxweightrating", "maxweight"), direction)
    high, wide, long, heavy = metres(height), metres(width), metres(length), tonnes(weight)
    narrow = (width == "narrow" or tags.get("narrow") == "yes") and profile.width_m > 2.2
    return not (
        narrow
        or (high is not None and high < profile.height_m)
        or (wide is not None and wide <= profile.width_m)
        or (long is not None and long < profile.length_m)
        or (heavy is not None and heavy < profile.weight_t)
    )


def _going_there(profile: Profile) -> tuple[str, ...]:
    return tuple(each for each in _CARS_GOING_THERE if each != "delivery" or not profile.delivers)


def _oneway_keys(profile: Profile) -> tuple[str, ...]:
    return (*(f"oneway:{tag}" for tag in profile.access_tags[:-1]), "oneway")


def _stop_by_motor(tags: Tags, profile: Profile) -> Stop:
    said = _access(tags, profile)
    barrier = tags.get("barrier", "")
    lost = 0.0
    if said:
        if said in _CARS_FORBIDDEN:
            return Stop(closed=True)
    elif barrier in _GATES:
        lost = 60.0
    elif barrier:
        high = metres(tags.get("maxheight", "")) if barrier == "height_restrictor" else None
        flat = tags.get("kerb") in ("lowered", "flush") or (barrier == "kerb" and tags.get("highway") == "crossing")
        passable = (
            barrier in _OPEN_BARRIERS or tags.get("bollard") == "rising" or flat
            or (barrier == "fence" and tags.get("sensory") in ("audible", "audio"))
        )  # fmt: skip
        if not passable or (high is not None and high < profile.height_m):
            return Stop(closed=True)
    sign = {"traffic_signals": 2.0, "stop": 2.0, "give_way": 1.0}.get(tags.get("highway", ""), 0.0)
    along, against = _both_or_one(tags, sign)
    return Stop(lost_s=(lost + along, lost + against)) if lost or sign else FREE


def _both_or_one(tags: Tags, seconds: float) -> Pair:
    facing = tags.get("direction", "")
    if tags.get("highway") == "traffic_signals":
        facing = tags.get("traffic_signals:direction", facing)
    return (0.0 if facing == "backward" else seconds, 0.0 if facing == "forward" else seconds)


# ---------------------------------------------------------------------------- by bike


def _by_bike(tags: Tags, profile: Profile) -> Drive | None:
    highway = tags.get("highway", "")
    access = _access(tags, profile)
    each_way = [_allowed(tags, profile, ":forward"), _allowed(tags, profile, ":backward")]
    forbidden = [one in _forbidden_to_bikes(profile) for one in each_way]
    separate = any(
        tags.get(key) == "separate" for key in ("cycleway", "cycleway:both", "cycleway:left", "cycleway:right")
    )
    if separate and tags.get("bicycle") not in (*_BIKES_ALLOWED, "destination"):
        return None
    if access in _forbidden_to_bikes(profile) or all(forbidden) or tags.get("cargo_bike") == "no":
        return None
    wide = metres(tags.get("width", ""))
    if wide is not None and wide < profile.width_m:
        return None

    usual, takes_s, ferry, pushable = 0.0, 0.0, False, False
    if tags.get("bridge") == "movable":
        usual, takes_s, pushable = _MOVABLE_KMH, _seconds(tags.get("duration", "")), True
    elif tags.get("route") == "ferry":
        usual, takes_s, ferry = _FERRY_KMH, _seconds(tags.get("duration", "")), True
    elif "platform" in (tags.get("railway"), tags.get("public_transport")):
        usual, pushable = _WALKING_KMH, True
    elif tags.get("amenity") in ("parking", "parking_entrance"):
        usual, pushable = 10.0, True
    elif highway in profile.speeds:
        usual, pushable = profile.speeds[highway], True
    elif access in _BIKES_ALLOWED and {*tags} & {
        "highway",
        "route",
        "railway",
        "amenity",
        "man_made",
        "public_transport",
        "bridge",
    }:
        usual, pushable = _UNTOLD_KMH["bicycle"], True

    implied = tags.get("junction") in ("roundabout", "circular") or highway == "motorway"
    along = _bike_direction(tags, implied=implied)
    kmh = [usual if along != -1 else 0.0, usual if along != 1 else 0.0]
    cycled = _cycleway(tags, twoway=along == 0 and not implied, reverse=along == -1)
    kmh = [profile.speeds["cycleway"] if there else each for there, each in zip(cycled, kmh, strict=True)]
    pushed = [False, False]
    if not ferry and tags.get("foot") != "no":
        on_foot = _pushing(tags, implied=implied, pushable=pushable)
        pushed = [walk > 0 and not each for walk, each in zip(on_foot, kmh, strict=True)]
        kmh = [walk if here else each for walk, here, each in zip(on_foot, pushed, kmh, strict=True)]
    if tags.get("bicycle") == "dismount":
        kmh, pushed = [_WALKING_KMH] * 2, [True, True]
    limits = [_limit(text) or 999.0 for text in _by_direction(tags, ("maxspeed",))]
    most = min(_surface(tags, profile), profile.most_kmh)
    kmh = [0.0 if no else min(each, limit, most) for no, each, limit in zip(forbidden, kmh, limits, strict=True)]
    return Drive(kmh=(kmh[0], kmh[1]), pushed=(pushed[0], pushed[1]), ends_here=not ferry, takes_s=takes_s)


def _bike_direction(tags: Tags, *, implied: bool) -> int:
    """1: along the nodes only, -1: against them only, 0: both."""
    for key in ("oneway:bicycle", "oneway"):
        said = tags.get(key, "")
        if said in ("yes", "1", "true"):
            return 1
        if said in ("no", "0", "false"):
            return 0
        if said == "-1":
            return -1
    return 1 if implied else 0


def _cycleway(tags: Tags, *, twoway: bool, reverse: bool) -> tuple[bool, bool]:
    both = tags.get("cycleway") or tags.get("cycleway:both", "")
    left, right = tags.get("cycleway:left", ""), tags.get("cycleway:right", "")
    if twoway:
        track = both in _CYCLEWAYS
        return (
            track or right in _CYCLEWAYS or left in _AGAINST,
            track or left in _CYCLEWAYS or right in _AGAINST,
        )
    if both in _AGAINST or right in _AGAINST or left in _AGAINST:
        return True, True
    one = any(each in _CYCLEWAYS for each in (both, left, right))
    return one and not reverse, one and reverse


def _pushing(tags: Tags, *, implied: bool, pushable: bool) -> Pair:
    """How quickly the bike is pushed, along and against."""
    highway = tags.get("highway", "")
    if highway in _ON_FOOT and highway != "steps":
        return _ON_FOOT[highway], _ON_FOOT[highway]
    if highway == "steps":
        return 0.0, 0.0
    if tags.get("man_made") == "pier":
        return _WALKING_KMH, _WALKING_KMH
    if tags.get("foot") == "yes" or (pushable and "foot:forward" not in tags and "foot:backward" not in tags):
        return _WALKING_KMH, 0.0 if implied else _WALKING_KMH
    if tags.get("foot:forward") == "yes":
        return _WALKING_KMH, 0.0
    return 0.0, _WALKING_KMH if tags.get("foot:backward") == "yes" else 0.0


def _forbidden_to_bikes(profile: Profile) -> tuple[str, ...]:
    return _BIKES_FORBIDDEN if profile.delivers else (*_BIKES_FORBIDDEN, "delivery")


def _stop_by_bike(tags: Tags, profile: Profile) -> Stop:
    said = _access(tags, profile)
    audible = tags.get("barrier") == "fence" and tags.get("sensory") in ("audible", "audio")
    if said:
        closed = said in _forbidden_to_bikes(profile) and tags.get("highway") != "crossing"
    else:
        closed = tags.get("barrier") in _CLOSED_TO_BIKES and not audible
    gaps = [each for key in ("maxwidth:physical", "opening") if (each := metres(tags.get(key, ""))) is not None]
    if closed or tags.get("cargo_bike") == "no" or (gaps and min(gaps) < profile.width_m):
        return Stop(closed=True)
    if tags.get("highway") != "traffic_signals":
        return FREE
    facing = tags.get("traffic_signals:direction", "")
    return Stop(lost_s=(0.0 if facing == "backward" else 2.0, 0.0 if facing == "forward" else 2.0))


# ---------------------------------------------------------------------------- tags


def _is_blocked(tags: Tags, profile: Profile) -> bool:
    highway = tags.get("highway", "")
    built = tags.get("construction", "no") in _BUILT_ALL_THE_SAME
    if profile.has_motor and (tags.get("area") == "yes" or highway in _NOT_BUILT):
        return True
    if not profile.has_motor and tags.get("motorroad") == "yes":
        return True
    return (
        highway in ("construction", "proposed")
        or tags.get("railway") == "construction"
        or not built
        or ("proposed" in tags and not highway)
        or tags.get("impassable") == "yes"
        or tags.get("status") == "impassable"
    )


def _direction(oneway: str, tags: Tags) -> int:
    if oneway == "-1":
        return -1
    if oneway in ("yes", "1", "true"):
        return 1
    implied = tags.get("highway") == "motorway" or tags.get("junction") in ("roundabout", "circular")
    return 1 if implied and oneway != "no" else 0


def _first(tags: Tags, keys: Iterable[str], direction: str) -> str:
    """The first that is there, each key for this direction before the key for both."""
    for key in keys:
        for each in (key + direction, key):
            if each in tags:
                return tags[each]
    return ""


def _by_direction(tags: Tags, keys: Iterable[str]) -> tuple[str, str]:
    keys = tuple(keys)
    return _first(tags, keys, ":forward"), _first(tags, keys, ":backward")


def _allowed(tags: Tags, profile: Profile, direction: str) -> str:
    return _milder(_first(tags, profile.access_tags, direction), profile)


def _access(tags: Tags, profile: Profile) -> str:
    return _milder(next((tags[key] for key in profile.access_tags if key in tags), ""), profile)


def _milder(said: str, profile: Profile) -> str:
    """Of several values the one that lets most in: "no;delivery"."""
    if ";" not in said:
        return said
    parts = [part.strip() for part in said.split(";")]
    order = (_CARS_ALLOWED, _going_there(profile)) if profile.has_motor else (_BIKES_ALLOWED, ())
    for group in order:
        for part in parts:
            if part in group or (part == "delivery" and profile.delivers):
                return part
    return parts[0]


def _limit(text: str) -> float:
    """A speed limit in km/h; 0 where none is said."""
    if read := _NUMBER.match(text):
        return float(read[0]) * (1.609 if "mph" in text or "mp/h" in text else 1.0)
    return _LIMITS_BY_KIND.get(text.lower().rpartition(":")[2], 0.0) if text else 0.0


def _surface(tags: Tags, profile: Profile) -> float:
    return min(
        profile.surface_kmh.get(tags.get("surface", ""), 999.0),
        profile.track_kmh.get(tags.get("tracktype", ""), 999.0),
        profile.smoothness_kmh.get(tags.get("smoothness", ""), 999.0),
    )


def _seconds(text: str) -> float:
    """A duration "hh:mm", "hh:mm:ss" or "mm"; 0 for what is none."""
    read = _CLOCK.fullmatch(text.strip())
    if not read:
        return 0.0
    if read[1] is None:
        return float(read[2]) * 60
    return float(read[1]) * 3600 + float(read[2]) * 60 + float(read[3] or 0)
