"""What the board shows beside the plan itself: the depots, where left-out deliveries lie, a door's own facts, links."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from data.tables import (
    delivery,
    depot,
    driver,
    job,
    link,
    manifest,
    notice,
    region,
    route,
    shift,
    site,
    site_window,
    stop,
    stop_delivery,
    trip,
    unassigned,
    vehicle,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DepotPin:
    """Where routes start. `region` is empty when none is named."""

    id: int
    name: str
    zone: str
    lat: float | None
    lon: float | None
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """A released delivery that the plan has not seen: it came after it was made."""

    delivery_id: int
    number: str
    tier: int
    site: str
    for_day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorFacts:
    """What is known about a door: `hours` as (weekdays, opens, closes, kind), `notes` for the driver. `late_s`: so long
    after its hours it takes goods, at `late_per_minute` (minor units). `vehicles`: who alone may come, by
    name; `motor_hours`: when motor vehicles may drive there, (); `run`: who comes as a rule."""

    site_id: int
    hours: tuple[tuple[str, str, str, str], ...]
    notes: str
    crew: int
    skills: tuple[str, ...]
    max_height_cm: int | None
    max_length_cm: int | None
    late_s: int = 0
    late_per_minute: int = 0
    vehicles: tuple[str, ...] = ()
    motor_hours: tuple[str, ...] = ()
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverLink:
    """The link that opens a route on its driver's phone, valid until `expires_at`."""

    shift_id: int
    link_id: int
    expires_at: datetime


def depot_pins(connection: Connection) -> tuple[DepotPin, ...]:
    """Every depot, by id."""
    rows = connection.execute(
        select(depot.c.id, depot.c.name, depot.c.zone, depot.c.lat, depot.c.lon, region.c.name.label("region"))
        .outerjoin(region, region.c.id == depot.c.region_id)
        .order_by(depot.c.id)
    )
    return tuple(
        DepotPin(id=row.id, name=row.name, zone=row.zone, lat=row.lat, lon=row.lon, region=row.region or "")
        for row in rows
    )


def pins_of(connection: Connection, delivery_ids: Collection[int]) -> dict[int, tuple[float, float]]:
    """(lat, lon) of the doors of these deliveries; those without a pin are missing."""
    rows = connection.execute(
        select(delivery.c.id, site.c.lat, site.c.lon)
        .join(site, site.c.id == delivery.c.site_id)
        .where(delivery.c.id.in_(delivery_ids), site.c.lat.is_not(None))
    )
    return {row.id: (row.lat, row.lon) for row in rows}


def waits_for_a_plan(
    connection: Connection, *, day: str, depot_ids: Sequence[int], plan_ids: Sequence[int]
) -> tuple[Waits, ...]:
    """Released deliveries of that day (or left from before) that none of these plans has seen, urgent ones first."""
    on_a_route = (
        select(stop_delivery.c.delivery_id)
        .join(stop, stop.c.id == stop_delivery.c.stop_id)
        .join(trip, trip.c.id == stop.c.trip_id)
        .join(route, route.c.id == trip.c.route_id)
        .where(route.c.plan_id.in_(plan_ids))
    )
    left_out = select(unassigned.c.delivery_id).where(unassigned.c.plan_id.in_(plan_ids))
    rows = connection.execute(
        select(delivery.c.id, delivery.c.number, delivery.c.tier, site.c.name, delivery.c.for_day)
        .join(site, site.c.id == delivery.c.site_id)
        .where(
            delivery.c.state == "released",
            delivery.c.depot_id.in_(depot_ids),
            delivery.c.for_day <= day,
            delivery.c.id.not_in(on_a_route),
            delivery.c.id.not_in(left_out),
        )
        .order_by(delivery.c.tier.desc(), delivery.c.oldest_ordered_at, delivery.c.id)
    )
    return tuple(
        Waits(delivery_id=row.id, number=row.number, tier=row.tier, site=row.name, for_day=row.for_day) for row in rows
    )


def door_facts(connection: Connection, site_id: int) -> DoorFacts:
    row = connection.execute(select(site).where(site.c.id == site_id)).one()
    hours = connection.execute(
        select(site_window).where(site_window.c.site_id == site_id).order_by(site_window.c.id)
    ).all()
    return DoorFacts(
        site_id=site_id,
        hours=tuple((each.weekdays, each.opens, each.closes, each.kind) for each in hours),
        notes=row.notes,
        crew=row.crew,
        skills=tuple(filter(None, row.skills.split(";"))),
        max_height_cm=row.max_height_cm,
        max_length_cm=row.max_length_cm,
        late_s=row.late_s,
        late_per_minute=row.late_per_minute,
        vehicles=_names_of_vehicles(connection, row.vehicles),
        motor_hours=tuple(filter(None, row.motor_hours.split(";"))),
        run=", ".join(_names_of_vehicles(connection, row.run)),
    )


def _names_of_vehicles(connection: Connection, numbers: str) -> tuple[str, ...]:
    """Of the numbers with ; between, each number itself where no vehicle has it (any more)."""
    wanted = sorted(filter(None, numbers.split(";")))
    rows = connection.execute(select(vehicle.c.number, vehicle.c.name).where(vehicle.c.number.in_(wanted)))
    names = {row.number: row.name for row in rows}
    return tuple(names.get(number, number) for number in wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftHours:
    """On the wall clock, as the shift is kept; `overtime_s` after `ends` at so much an hour (minor units). `rule_set`:
    what limits its driver's hours, "none" for nothing; `rest_after`: full or reduced."""

    starts: str
    ends: str
    overtime_s: int
    per_overtime_hour: int
    rule_set: str
    rest_after: str = "full"


def shift_hours(connection: Connection, shift_id: int) -> ShiftHours:
    row = connection.execute(
        select(shift, driver.c.rule_set)
        .outerjoin(driver, driver.c.id == shift.c.driver_id)
        .where(shift.c.id == shift_id)
    ).one()
    return ShiftHours(
        starts=row.starts,
        ends=row.ends,
        overtime_s=row.overtime_s,
        per_overtime_hour=row.cost_per_overtime_hour,
        rule_set=row.rule_set or "none",
        rest_after=row.rest_after,
    )


def driver_links(connection: Connection, shift_ids: Collection[int]) -> dict[int, DriverLink]:
    """The newest link of each dispatched shift that was not taken back."""
    first = (
        select(manifest.c.shift_id, func.min(manifest.c.id).label("id"))
        .where(manifest.c.shift_id.in_(shift_ids))
        .group_by(manifest.c.shift_id)
        .subquery("first")
    )
    rows = connection.execute(
        select(first.c.shift_id, link.c.id, link.c.expires_at)
        .join(link, (link.c.subject_id == first.c.id) & (link.c.kind == "driver"))
        .where(link.c.subject_kind == "manifest", link.c.revoked_at.is_(None))
        .order_by(link.c.id)
    )
    return {row.shift_id: DriverLink(shift_id=row.shift_id, link_id=row.id, expires_at=row.expires_at) for row in rows}


def links_in_use(connection: Connection, *, now: datetime) -> list[tuple[str, str, int]]:
    """The driver's name, the vehicle's and the link's key of every route that is out, by name."""
    rows = connection.execute(
        select(driver.c.name, vehicle.c.name.label("vehicle"), link.c.id)
        .join(manifest, manifest.c.driver_id == driver.c.id)
        .join(shift, shift.c.id == manifest.c.shift_id)
        .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
        .join(link, (link.c.subject_id == manifest.c.id) & (link.c.subject_kind == "manifest"))
        .where(link.c.kind == "driver", link.c.revoked_at.is_(None), link.c.expires_at > now)
        .order_by(driver.c.name, vehicle.c.name)
        .distinct()
    )
    return [(row.name, row.vehicle, row.id) for row in rows]


def newest_notice(connection: Connection) -> int:
    """The key of the newest message in the outbox; 0 when it is empty."""
    return int(connection.scalar(select(func.max(notice.c.id))) or 0)


def notices_after(connection: Connection, notice_id: int) -> list[tuple[str, str, str]]:
    """(kind, channel, recipient) of the messages that were written after that one."""
    rows = connection.execute(
        select(notice.c.kind, notice.c.channel, notice.c.recipient).where(notice.c.id > notice_id).order_by(notice.c.id)
    )
    return [(row.kind, row.channel, row.recipient) for row in rows]


def running_plan_jobs(connection: Connection, *, day: str) -> list[int]:
    """The searches for that day that have not ended, by id."""
    rows = connection.execute(
        select(job.c.id, job.c.data)
        .where(job.c.kind == "plan", job.c.state.in_(("waiting", "running")))
        .order_by(job.c.id)
    )
    return [row.id for row in rows if row.data.get("from_day") == day]
