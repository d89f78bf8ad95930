"""Looking addresses up: a depot's in every region, any other in the region of the depot that serves it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from data.store import open_store
from routing.ports import AddressFinder
from routing.services.locating import LocatedAll, NearRoads, locate_sites
from web.wiring import Installation


def locate_everywhere(
    installation: Installation,
    *,
    region: str,
    now: datetime,
    again: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> LocatedAll:
    """`region` is asked for what no depot of a region serves. Raises NotFound, RegionError."""
    whole = [facts.name for facts in installation.regions.list()]
    built = set(whole) | set(installation.regions.broken())

    def of_region(name: str) -> tuple[AddressFinder, NearRoads]:
        # One that was deleted from the disk finds nothing any more.
        there = name if name in built else region
        return installation.finder(there), installation.near_roads(there)

    with open_store(installation.database) as store:
        store.assign_regions()
    finder, near_roads = of_region(region)
    done = locate_sites(
        lambda: open_store(installation.database),
        finder=finder,
        now=now,
        again=again,
        near_roads=near_roads,
        of_region=of_region,
        regions=whole,
        progress=progress,
    )
    with open_store(installation.database) as store:
        store.assign_regions()  # a depot may have got its pin
    return done
