"""A day of deliveries in a real city as VROOM's JSON: three kinds of vehicles, windows, skills, breaks, priorities, and
more work than fits. The same seed gives the same day.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

from routing.engines.roads.build import build_region
from routing.engines.roads.facts import load_facts
from routing.engines.roads.osrm import OsrmTravelTimes
from routing.model.places import Bounds, Location

Document = dict[str, Any]

EXTRACT = Path(os.environ.get("BACKROUTE_OSM", Path(__file__).parents[3] / "shared" / "osm")) / "copenhagen.osm.pbf"
"""`BACKROUTE_OSM` names the folder of the extract."""
HOUR, MINUTE = 3600, 60
OPENS = 7 * HOUR

KINDS: dict[str, Document] = {
    "van": {"profile": "car", "capacity": [900, 60], "costs": {"fixed": 9000, "per_km": 400}, "skills": [1, 2]},
    "small": {"profile": "car", "capacity": [450, 30], "costs": {"fixed": 6000, "per_km": 300}, "skills": [1]},
    "bike": {"profile": "bike", "capacity": [180, 12], "costs": {"fixed": 3000, "per_km": 50}, "skills": [3]},
}


def city_day(orders: int, vehicles: int, *, seed: int, folder: Path) -> Document:
    """`folder` takes the built roads. Needs `EXTRACT`."""
    region = folder / "copenhagen"
    if not region.exists():
        build_region(pbf=EXTRACT, into=region, name="copenhagen", progress=lambda *_: None)
    chance = random.Random(seed)
    with OsrmTravelTimes(region) as roads:
        places = _places(roads, load_facts(region).bounds, orders + 1, chance)
        tables = {profile: roads.table(places, profile=profile) for profile in ("car", "bike")}
    return {
        "jobs": [_job(n, chance) for n in range(1, orders + 1)],
        "vehicles": [_vehicle(n, chance) for n in range(1, vehicles + 1)],
        "matrices": {
            profile: {"durations": table.durations_s.tolist(), "distances": table.distances_m.tolist()}
            for profile, table in tables.items()
        },
    }


def _places(roads: OsrmTravelTimes, bounds: Bounds, count: int, chance: random.Random) -> list[Location]:
    """Doors within 80 m of a road that car and bike reach both ways; the depot is the first."""
    # A band inside: at the edge of an extract roads end.
    south, west = bounds.south, bounds.west
    height, width = bounds.north - south, bounds.east - west
    drawn = [
        Location(lat=south + height * chance.uniform(0.06, 0.94), lon=west + width * chance.uniform(0.06, 0.94))
        for _ in range(2 * count)
    ]
    good = set(range(len(drawn)))
    for profile in ("car", "bike"):
        table = roads.table(drawn, profile=profile)
        joined = (table.durations_s >= 0).sum(axis=0) + (table.durations_s >= 0).sum(axis=1) > 1.8 * len(drawn)
        good &= {n for n in range(len(drawn)) if 0 <= table.snapped_m[n] < 80 and joined[n]}
    places = [drawn[n] for n in sorted(good)]
    for profile in ("car", "bike"):
        table = roads.table(places, profile=profile)
        whole = [
            n for n in range(len(places)) if (table.durations_s[n] >= 0).all() and (table.durations_s[:, n] >= 0).all()
        ]
        places = [places[n] for n in whole] if len(whole) >= count else places
    if len(places) < count:
        raise ValueError(f"Only {len(places)} of {count} places lie on the roads of the extract.")
    return places[:count]


def _job(key: int, chance: random.Random) -> Document:
    pieces = chance.choices([1, 2, 3, 5, 8], weights=[4, 4, 3, 2, 1])[0]
    job: Document = {
        "id": key, "location_index": key, "setup": chance.choice([60, 120, 240]),
        "service": (3 + 2 * pieces) * MINUTE, "delivery": [pieces * chance.randint(5, 20), pieces],
        "priority": chance.choices([0, 5, 10], weights=[6, 3, 1])[0],
    }  # fmt: skip
    skill = chance.choices([None, 1, 2, 3], weights=[16, 2, 1, 1])[0]
    if skill is not None:
        job["skills"] = [skill]
    if chance.random() < 0.5:
        begin = OPENS + chance.randint(0, 8) * HOUR // 2
        job["time_windows"] = [[begin, begin + chance.choice([1, 2, 3]) * HOUR]]
    return job


def _vehicle(key: int, chance: random.Random) -> Document:
    kind = list(KINDS)[key % len(KINDS)]
    begin = OPENS + chance.choice([-HOUR // 2, 0, HOUR // 2])
    return {
        "id": key, "start_index": 0, "end_index": 0, "type": kind, **KINDS[kind],
        "time_window": [begin, begin + 6 * HOUR],
        "breaks": [{"id": key, "service": 30 * MINUTE, "time_windows": [[OPENS + 3 * HOUR, OPENS + 4 * HOUR]]}],
    }  # fmt: skip
