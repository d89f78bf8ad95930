"""The fleet in the columns of its file: depots, zones, vehicles, drivers and the standing week, by `kind`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from data.exporters.sheets import Cell
from data.importers import fleet
from data.tables import company, depot, driver, shift_template, vehicle, zone
from routing.model.money import in_units

COLUMNS = fleet.COLUMNS
_EMPTY: dict[str, Cell] = dict.fromkeys(COLUMNS, "")


def fleet_rows(connection: Connection) -> Iterator[list[Cell]]:
    """Every row that the import would take, each kind by number. A cell that its kind does not have stays empty.

    Days on which the standing week is otherwise are not in it: they are shifts of their day, not of the week.
    """
    currency = connection.scalar(select(company.c.currency).limit(1)) or ""
    depots = {row.id: row.number for row in connection.execute(select(depot.c.id, depot.c.number))}
    vehicles = {row.id: row.number for row in connection.execute(select(vehicle.c.id, vehicle.c.number))}
    drivers = {row.id: row.number for row in connection.execute(select(driver.c.id, driver.c.number))}

    def line(kind: str, row: Row[Any], values: Mapping[str, Cell]) -> list[Cell]:
        found: dict[str, Cell] = _EMPTY | {"kind": kind, "number": row.number} | dict(values)
        return [found[name] for name in COLUMNS]

    for row in _own(connection, depot):
        yield line("depot", row, _depot(row))
    for row in connection.execute(select(zone).order_by(zone.c.depot_id, zone.c.number)):
        yield line("zone", row, {"depot": depots[row.depot_id]} | _zone(row))
    for row in _own(connection, vehicle):
        yield line("vehicle", row, {"depot": depots[row.depot_id]} | _vehicle(row))
    for row in _own(connection, driver):
        yield line("driver", row, {"depot": depots[row.depot_id]} | _driver(row))
    for row in _own(connection, shift_template):
        names = {
            "depot": depots[row.depot_id],
            "vehicle": vehicles[row.vehicle_id],
            "driver": drivers.get(row.driver_id, ""),
        }
        yield line("shift", row, names | _shift(row, currency))


def _own(connection: Connection, table: Table) -> list[Row[Any]]:
    return list(connection.execute(select(table).where(table.c.source == "own").order_by(table.c.number)))


def _depot(row: Row[Any]) -> dict[str, Cell]:
    return {
        "name": row.name,
        "address": row.address,
        "lat": _degrees(row.lat),
        "lon": _degrees(row.lon),
        "zone": row.zone,
    }


def _degrees(value: float | None) -> str:
    """With every digit: a depot whose pin moved by a hair would be another."""
    return "" if value is None else repr(value)


def _zone(row: Row[Any]) -> dict[str, Cell]:
    return {
        "name": row.name,
        "weekdays": row.delivery_days,
        "cut_off": row.cut_off,
        "zone": row.postcodes,
        "stops_a_day": row.stops_a_day,
    }


def _vehicle(row: Row[Any]) -> dict[str, Cell]:
    return {
        "name": row.name,
        "profile": row.profile,
        "weight_g": row.weight_g,
        "volume_cm3": row.volume_cm3,
        "pieces": row.pieces,
        "height_cm": row.height_cm,
        "length_cm": row.length_cm,
        "gross_kg": row.gross_kg,
        "skills": row.skills,
        "reload_minutes": row.reload_minutes,
        "most_trips": row.most_trips,
        "gone_from": row.gone_from,
        **_away(row),
    }


def _driver(row: Row[Any]) -> dict[str, Cell]:
    return {
        "name": row.name,
        "phone": row.phone,
        "email": row.email,
        "language": row.language,
        "licence": row.licence,
        "skills": row.skills,
        "weekdays": row.weekdays,
        "driving_hours": row.rule_set,
        **_away(row),
    }


def _away(row: Row[Any]) -> dict[str, Cell]:
    return {"out_from": row.out_from, "out_to": row.out_to, "out_why": row.out_why}


def _shift(row: Row[Any], currency: str) -> dict[str, Cell]:
    return {
        "crew": row.crew,
        "gone_from": row.gone_from,
        "from": row.starts,
        "to": row.ends,
        "weekdays": row.weekdays,
        "break_minutes": row.break_s // 60,
        "break_from": row.break_earliest,
        "break_to": row.break_latest,
        "loading_minutes": row.loading_s // 60,
        "debrief_minutes": row.debrief_s // 60,
        "fixed_cost": in_units(row.cost_fixed, currency),
        "cost_per_hour": in_units(row.cost_per_hour, currency),
        "cost_per_km": in_units(row.cost_per_km, currency),
        "cost_per_stop": in_units(row.cost_per_stop, currency),
        "max_km": None if row.max_distance_m is None else row.max_distance_m // 1000,
        "start_place": row.start_place,
        "end_place": row.end_place,
        "rest_after": row.rest_after,
        "second_break_minutes": row.second_break_s // 60,
        "second_break_from": row.second_break_earliest,
        "second_break_to": row.second_break_latest,
        "max_stops": row.max_stops,
        "overtime_minutes": row.overtime_s // 60,
        "cost_per_overtime_hour": in_units(row.cost_per_overtime_hour, currency),
    }
