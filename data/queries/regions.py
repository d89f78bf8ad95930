"""Regions as their page shows them: which depots live in one, and how its builds went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from data.tables import depot, job, region
from routing.model.places import Location

LOOKED_BACK = 200
"""Builds that are read back: a region is built again some times a year."""

UNDER_WAY = ("waiting", "running")

SAID_FOR = timedelta(days=1)
"""How long a first build that failed stays beside the regions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionBuild:
    """A job that builds or built a region. `data` says from what: {"pbf"} or {"place"}."""

    id: int
    name: str
    state: str
    data: Mapping[str, Any]
    progress: Mapping[str, Any]
    problem: str
    by: str
    cancel_asked: bool
    made_at: datetime
    ended_at: datetime | None

    @property
    def under_way(self) -> bool:
        return self.state in UNDER_WAY


def region_builds(connection: Connection) -> dict[str, list[RegionBuild]]:
    """The builds of each region by its name, the newest first."""
    rows = connection.execute(select(job).where(job.c.kind == "region").order_by(job.c.id.desc()).limit(LOOKED_BACK))
    builds: dict[str, list[RegionBuild]] = {}
    for row in rows:
        found = RegionBuild(
            id=row.id,
            name=str(row.data.get("name", "")),
            state=row.state,
            data=row.data,
            progress=row.progress or {},
            problem=row.problem,
            by=row.by,
            cancel_asked=row.cancel_asked_at is not None,
            made_at=row.made_at,
            ended_at=row.ended_at,
        )
        builds.setdefault(found.name, []).append(found)
    return builds


def standing_builds(builds: Mapping[str, list[RegionBuild]], *, now: datetime) -> list[RegionBuild]:
    """The last build of each region, while it says something: one that failed does for a day."""
    newest = [each[0] for each in builds.values()]
    return [one for one in newest if one.ended_at is None or one.ended_at > now - SAID_FOR]


def built_at(connection: Connection) -> dict[str, datetime]:
    """When each region was put in use, by its name."""
    return {row.name: row.built_at for row in connection.execute(select(region.c.name, region.c.built_at))}


@dataclass(frozen=True, slots=True, kw_only=True)
class DepotThere:
    """A depot of a region; `at` is None while it has no pin."""

    name: str
    at: Location | None


def depots_by_region(connection: Connection) -> dict[str, list[DepotThere]]:
    """The depots whose roads are this region's, by its name."""
    depots: dict[str, list[DepotThere]] = {}
    query = select(region.c.name.label("region"), depot.c.name, depot.c.lat, depot.c.lon)
    for row in connection.execute(query.join(region, depot.c.region_id == region.c.id).order_by(depot.c.id)):
        at = None if row.lat is None or row.lon is None else Location(lat=row.lat, lon=row.lon)
        depots.setdefault(row.region, []).append(DepotThere(name=row.name, at=at))
    return depots
