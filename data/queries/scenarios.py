"""The scenarios that were asked for beside a plan, and what can be asked: its vans, and those that stand idle."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, or_, select

from data.store.system import Job, job_of
from data.tables import job, vehicle

LOOKED_AT = 300


def scenario_jobs(connection: Connection, *, plan_id: int) -> list[Job]:
    """Every scenario beside this plan, the oldest first."""
    # A plan lives for a day: its scenarios are among the newest.
    rows = connection.execute(select(job).where(job.c.kind == "what_if").order_by(job.c.id.desc()).limit(LOOKED_AT))
    return [job_of(row) for row in reversed(rows.all()) if row.data.get("plan_id") == plan_id]


def vehicles_of(connection: Connection, depot_ids: Collection[int], *, day: str) -> list[tuple[int, str, int]]:
    """(id, name, depot) of the vehicles of these depots that are still ours on that ISO day, by name."""
    rows = connection.execute(
        select(vehicle.c.id, vehicle.c.name, vehicle.c.depot_id)
        .where(vehicle.c.depot_id.in_(depot_ids), or_(vehicle.c.gone_from == "", vehicle.c.gone_from > day))
        .order_by(vehicle.c.name, vehicle.c.id)
    )
    return [(row.id, row.name, row.depot_id) for row in rows]
