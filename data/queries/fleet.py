"""The fleet as its page lists it, and which plans are older than a change of what they use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from data.tables import current_plan, depot, driver, event, shift_template, vehicle
from routing.model.fleet import is_gone


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPage:
    """Rows of the tables, by number; `shifts` with the names of their vehicle and driver. `gone`: vehicles and shifts
    that are no longer there, as (kind of the address, id, name, ISO day)."""

    vehicles: tuple[Mapping[str, Any], ...]
    drivers: tuple[Mapping[str, Any], ...]
    shifts: tuple[Mapping[str, Any], ...]
    gone: tuple[tuple[str, int, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OldPlan:
    """A plan in force that was made before what it uses was changed: `names` of that."""

    day: str
    depot_id: int
    depot: str
    names: tuple[str, ...]


def fleet_of(connection: Connection, depot_id: int, *, today: str) -> FleetPage:
    of_vehicles = select(vehicle).where(vehicle.c.depot_id == depot_id).order_by(vehicle.c.number)
    of_drivers = select(driver).where(driver.c.depot_id == depot_id).order_by(driver.c.number)
    of_shifts = (
        select(
            shift_template,
            vehicle.c.name.label("vehicle"),
            vehicle.c.gone_from.label("vehicle_gone_from"),
            driver.c.name.label("driver"),
        )
        .join(vehicle, vehicle.c.id == shift_template.c.vehicle_id)
        .outerjoin(driver, driver.c.id == shift_template.c.driver_id)
        .where(shift_template.c.depot_id == depot_id)
        .order_by(shift_template.c.number)
    )
    vehicles, drivers, shifts = (
        tuple(dict(row) for row in connection.execute(query).mappings())
        for query in (of_vehicles, of_drivers, of_shifts)
    )
    shifts = tuple(row | {"ends_from": _first_day(row["gone_from"], row["vehicle_gone_from"])} for row in shifts)
    gone = [("vehicles", row["id"], row["name"], row["gone_from"]) for row in vehicles]
    gone += [("shifts", row["id"], row["number"], row["ends_from"]) for row in shifts]
    return FleetPage(
        vehicles=tuple(row for row in vehicles if not is_gone(row["gone_from"], today)),
        drivers=drivers,
        shifts=tuple(row for row in shifts if not is_gone(row["ends_from"], today)),
        gone=tuple(each for each in gone if is_gone(each[3], today)),
    )


def _first_day(*days: str) -> str:
    return min((day for day in days if day), default="")


def gone_vehicles(connection: Connection, *, today: str) -> set[str]:
    """The numbers of the vehicles that are no longer there."""
    query = select(vehicle.c.number, vehicle.c.gone_from).where(vehicle.c.source == "own", vehicle.c.gone_from != "")
    return {row.number for row in connection.execute(query) if is_gone(row.gone_from, today)}


def fleet_names(connection: Connection) -> dict[str, list[tuple[int, str, str]]]:
    """(id, number, name) of every depot, vehicle and driver, by number."""
    return {
        name: [
            (row.id, row.number, row.name)
            for row in connection.execute(
                select(table.c.id, table.c.number, table.c.name).where(table.c.source == "own").order_by(table.c.number)
            )
        ]
        for name, table in (("depot", depot), ("vehicle", vehicle), ("driver", driver))
    }


def shifts_with(connection: Connection, *, vehicle_id: int = 0, driver_id: int = 0) -> list[tuple[int, str, str]]:
    """(id, number, hours) of the standing shifts of a vehicle or driver."""
    whose = shift_template.c.vehicle_id == vehicle_id if vehicle_id else shift_template.c.driver_id == driver_id
    query = select(shift_template).where(whose).order_by(shift_template.c.number)
    return [(row.id, row.number, f"{row.starts}-{row.ends}") for row in connection.execute(query)]


LOOKED_BACK = timedelta(days=60)
"""How long before its day a plan may have been made."""


def plans_to_make_again(
    connection: Connection, *, from_day: str, to_day: str = "9999", depot_ids: Collection[int] = ()
) -> list[OldPlan]:
    """The days from that ISO day on whose plan in force, not yet closed, was searched before a change of what it uses.

    By the chain of events, not by the clock: what was moved by hand since does not make the old plan a new one.
    """
    query = (
        select(current_plan.c.day, current_plan.c.depot_id, depot.c.name)
        .join(depot, depot.c.id == current_plan.c.depot_id)
        .where(current_plan.c.day >= from_day, current_plan.c.day <= to_day, current_plan.c.state != "closed")
        .order_by(current_plan.c.day, current_plan.c.depot_id)
    )
    if depot_ids:
        query = query.where(current_plan.c.depot_id.in_(depot_ids))
    held = connection.execute(query).all()
    if not held:
        return []
    since = datetime.fromisoformat(from_day).replace(tzinfo=UTC) - LOOKED_BACK
    recent = event.c.captured_at > since
    first_change = connection.scalar(select(func.min(event.c.id)).where(event.c.kind == "fleet_changed", recent))
    if first_change is None:
        return []
    changed: dict[tuple[str, int], dict[str, None]] = defaultdict(dict)
    for each in connection.execute(
        select(event.c.kind, event.c.data)
        .where(event.c.kind.in_(("planned", "fleet_changed")), recent, event.c.id >= first_change)
        .order_by(event.c.id)
    ):
        if each.kind == "fleet_changed":
            for day, depot_id in each.data["days"]:
                changed[day, depot_id][each.data["name"]] = None
        else:
            first, last = each.data["days"]
            for key in list(changed):
                if first <= key[0] <= last and key[1] in each.data["depots"]:
                    del changed[key]
    return [
        OldPlan(day=row.day, depot_id=row.depot_id, depot=row.name, names=tuple(names))
        for row in held
        if (names := changed.get((row.day, row.depot_id)))
    ]
