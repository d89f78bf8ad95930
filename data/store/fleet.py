"""The store's part for vehicles, drivers and shifts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Table, insert, select, update

from data.store.calendars import CalendarStore
from data.tables import driver, shift, shift_break, shift_template, vehicle
from routing.model.orders import weekdays
from routing.rules.calendars import CalendarBook


class FleetStore(CalendarStore):
    def vehicle_rows(self, *, source: str = "own") -> dict[str, dict[str, Any]]:
        return self._rows(vehicle, source)

    def driver_rows(self, *, source: str = "own") -> dict[str, dict[str, Any]]:
        return self._rows(driver, source)

    def shift_template_rows(self, *, source: str = "own") -> dict[str, dict[str, Any]]:
        return self._rows(shift_template, source)

    def save_vehicle(self, vehicle_id: int | None, values: Mapping[str, Any]) -> int:
        return self._save(vehicle, vehicle_id, values)

    def save_driver(self, driver_id: int | None, values: Mapping[str, Any]) -> int:
        return self._save(driver, driver_id, values)

    def save_shift_template(self, template_id: int | None, values: Mapping[str, Any]) -> int:
        return self._save(shift_template, template_id, values)

    def ensure_shifts(self, from_day: str, to_day: str) -> int:
        """Makes the shifts of the standing week for the days from `from_day` to `to_day` (ISO, inclusive).

        A shift belongs to the day it starts. Days on which the depot or the company is closed get none, and a shift
        that is there already stays as people left it, also when it was swapped or its driver is out. Returns how many
        were made; running it again makes none.
        """
        first, last = date.fromisoformat(from_day), date.fromisoformat(to_day)
        templates = self.connection.execute(
            select(shift_template, driver.c.weekdays.label("driver_weekdays"))
            .outerjoin(driver, driver.c.id == shift_template.c.driver_id)
            .order_by(shift_template.c.id)
        ).all()
        there = {
            (row.day, row.vehicle_id, row.starts)
            for row in self.connection.execute(
                select(shift.c.day, shift.c.vehicle_id, shift.c.starts).where(
                    shift.c.day >= from_day, shift.c.day <= to_day
                )
            )
        }
        book = CalendarBook(self.calendars(from_day=from_day))
        made = 0
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            for row in templates:
                works = weekdays(row.weekdays or row.driver_weekdays or "")
                key = (day.isoformat(), row.vehicle_id, row.starts)
                if day.weekday() not in works or key in there or book.why_depot_closed(day, depot_id=row.depot_id):
                    continue
                self._add_shift(row, day.isoformat())
                there.add(key)
                made += 1
        return made

    def _add_shift(self, row: Any, day: str) -> None:
        shift_id: int = self.connection.execute(
            insert(shift)
            .values(
                day=day,
                depot_id=row.depot_id,
                vehicle_id=row.vehicle_id,
                driver_id=row.driver_id,
                crew=row.crew,
                starts=row.starts,
                ends=row.ends,
                loading_s=row.loading_s,
                debrief_s=row.debrief_s,
                cost_fixed=row.cost_fixed,
                cost_per_hour=row.cost_per_hour,
                cost_per_km=row.cost_per_km,
                overtime_s=row.overtime_s,
                cost_per_overtime_hour=row.cost_per_overtime_hour,
                max_stops=row.max_stops,
            )
            .returning(shift.c.id)
        ).scalar_one()
        if row.break_s:
            self.connection.execute(
                insert(shift_break).values(
                    shift_id=shift_id,
                    duration_s=row.break_s,
                    earliest=row.break_earliest,
                    latest=row.break_latest,
                )
            )

    def _rows(self, table: Table, source: str) -> dict[str, dict[str, Any]]:
        query = select(table).where(table.c.source == source)
        return {row["number"]: dict(row) for row in self.connection.execute(query).mappings()}

    def _save(self, table: Table, key: int | None, values: Mapping[str, Any]) -> int:
        if key is None:
            made: int = self.connection.execute(insert(table).values(values).returning(table.c.id)).scalar_one()
            return made
        self.connection.execute(update(table).where(table.c.id == key).values(**values, version=table.c.version + 1))
        return key
