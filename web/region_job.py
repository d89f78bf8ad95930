"""Building a region as a job: it takes minutes, so it runs in the background and says how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from data.store import SqlStore
from routing.engines.roads.needs import Needs
from routing.errors import Cancelled
from web.clock import wall_clock
from web.jobs import Progress, Write
from web.wiring import Installation


def build_region_job(
    installation: Installation, data: Mapping[str, Any], progress: Progress, cancelled: Callable[[], bool]
) -> Write:
    """`data`: {"name", "pbf"}, the file's path on the machine of the worker, with "source" what it was called when it
    was sent; or {"name", "place"}, what it is called.

    Raises InvalidInput, FileRefused for an extract that cannot be used, RegionError, Cancelled.
    """
    name = str(data["name"])
    said: dict[str, Any] = {"step": "", "share": 0.0}
    """With every step what the build needs, once it is known: whoever looks now and then misses no single one."""

    def keep_step(step: str, share: float) -> None:
        if cancelled():
            raise Cancelled(f"The build of region {name} was stopped. The region in use stays.")
        said.update(step=step, share=share)
        progress(dict(said))

    def keep_needs(needs: Needs, area_km2: float) -> None:
        said.update(memory_mib=needs.memory_mib, disk_mib=needs.disk_mib, area_km2=area_km2)
        progress(dict(said))

    if "place" in data:
        facts = installation.regions.add_place(
            name, str(data["place"]), keep_step, servers=installation.osm_servers, tell_needs=keep_needs
        )
    else:
        pbf, source = Path(str(data["pbf"])), str(data.get("source", ""))
        facts = installation.regions.add(name, pbf, keep_step, source=source)
    document = asdict(facts)

    def write(store: SqlStore) -> dict[str, Any]:
        store.save_region(name=name, build=facts.build, facts=document, built_at=wall_clock())
        store.assign_regions()
        return document

    return write
