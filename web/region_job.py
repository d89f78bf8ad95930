"""Building a region as a job: it takes minutes, so it runs in the background and says how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from data.store import SqlStore
from routing.errors import Cancelled
from web.clock import wall_clock
from web.jobs import Progress, Write
from web.wiring import Installation


def build_region_job(
    installation: Installation, data: Mapping[str, Any], progress: Progress, cancelled: Callable[[], bool]
) -> Write:
    """`data`: {"name", "pbf"}, the file's path on the machine of the worker, or {"name", "place"}, what it is called.

    Raises InvalidInput, RegionError, Cancelled.
    """
    name = str(data["name"])

    def note(step: str, share: float) -> None:
        if cancelled():
            raise Cancelled(f"The build of region {name} was stopped. The region in use stays.")
        progress({"step": step, "share": share})

    if "place" in data:
        facts = installation.regions.add_place(name, str(data["place"]), note, servers=installation.osm_servers)
    else:
        facts = installation.regions.add(name, Path(str(data["pbf"])), note)
    document = asdict(facts)

    def write(store: SqlStore) -> dict[str, Any]:
        store.save_region(name=name, build=facts.build, facts=document, built_at=wall_clock())
        return document

    return write
