"""What is known about a built region. Written last, so a folder that has it is whole."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from routing.errors import RegionError
from routing.model.places import Bounds

FACTS_FILE = "region.json"
BASEMAP_FILE = "basemap.pmtiles"

_SHARES = ("calibration", "calibration_error", "unroutable")
_BY_NAME = (*_SHARES, "extra", "seconds")
_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("name", "build", "source", "dated", "attribution"), (str,)),
    **dict.fromkeys(
        ("addresses", "restrictions", "sampled", "restrictions_over_ways", "clipped_ways", "extra"), (int,)
    ),
    **dict.fromkeys(
        ("drivable_km", "share_unroutable", "snap_median_m", "snap_p95_m", "clock_s", "mebibytes", *_SHARES, "seconds"),
        (int, float),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionFacts:
    """A region as it was built.

    `build` names the input and every version that shaped the result: a plan records it. `addresses` counts the
    gazetteer's, or where none was built the things that carry a house number. `restrictions_over_ways` of the
    `restrictions` bind whoever came along a row of roads, the others at one junction. `share_unroutable` is the share
    (0 to 1) of ordered pairs among sampled addresses that no road joins, by car; `sampled` is how many places were
    paired. `snap_*_m`: how far those places lie from their road. `seconds` by step, as they
    ended; roads are made beside the rest, and `clock_s` is what all took together.
    `source` is the file it was built from, or the full name of the place; `dated` the ISO day of its map data, "" where
    the extract does not say it.
    `calibration` by profile: what the road graph's durations are multiplied with to meet OSRM's;
    `calibration_error`: nine of ten sampled pairs then lie within this share of OSRM's duration. `unroutable` by
    profile as `share_unroutable`: a truck has fewer roads. `without_roads`: the profiles for which the map has no road
    at all; nothing was built for them, and nothing stands in.
    """

    name: str
    build: str
    bounds: Bounds
    addresses: int
    restrictions: int
    drivable_km: float
    sampled: int
    share_unroutable: float
    snap_median_m: float
    snap_p95_m: float
    profiles: tuple[str, ...]
    without_roads: tuple[str, ...] = ()
    calibration: dict[str, float] = field(default_factory=dict)
    calibration_error: dict[str, float] = field(default_factory=dict)
    unroutable: dict[str, float] = field(default_factory=dict)
    restrictions_over_ways: int = 0
    clipped_ways: int = 0
    extra: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    clock_s: float = 0.0
    mebibytes: float = 0.0
    source: str = ""
    dated: str = ""
    attribution: str = "© OpenStreetMap contributors"


def save_facts(facts: RegionFacts, region_dir: Path) -> None:
    text = json.dumps(asdict(facts), ensure_ascii=False, indent=2)
    (region_dir / FACTS_FILE).write_text(text + "\n", encoding="utf-8")


def load_facts(region_dir: Path) -> RegionFacts:
    """The facts of a built region. Raises RegionError when the folder holds none or they cannot be read."""
    path = region_dir / FACTS_FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        raw["bounds"] = Bounds(**raw["bounds"])
        raw["profiles"] = tuple(raw["profiles"])
        raw["without_roads"] = tuple(raw.get("without_roads", ()))
        facts = RegionFacts(**raw)
        _refuse_other_types(facts)
        return facts
    except FileNotFoundError:
        raise RegionError(
            f'"{region_dir.name}" is no built region: its {FACTS_FILE} is missing. Build it again.',
            region=region_dir.name,
        ) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as broken:
        raise RegionError(
            f'The {FACTS_FILE} of region "{region_dir.name}" cannot be read ({broken}). Build the region again.',
            region=region_dir.name,
        ) from broken


def _refuse_other_types(facts: RegionFacts) -> None:
    """Raises TypeError, ValueError where a value is not what its field is declared to be."""
    for name, kinds in _KINDS.items():
        value = getattr(facts, name)
        values = value.values() if isinstance(value, dict) else (value,)
        if name in _BY_NAME and not isinstance(value, dict):
            raise TypeError(f"{name} is no object")
        if any(isinstance(each, bool) or not isinstance(each, kinds) for each in values):
            raise TypeError(f"{name} holds something else")
    if not facts.profiles or not all(isinstance(profile, str) for profile in facts.profiles):
        raise TypeError("profiles holds something else")
    if not all(isinstance(profile, str) for profile in facts.without_roads):
        raise TypeError("without_roads holds something else")
    box = (facts.bounds.south, facts.bounds.west, facts.bounds.north, facts.bounds.east)
    if any(isinstance(edge, bool) or not isinstance(edge, int | float) for edge in box):
        raise TypeError("bounds holds something else")
    if not (-90 <= box[0] <= box[2] <= 90 and -180 <= box[1] <= box[3] <= 180):
        raise ValueError("bounds is no box on earth")
