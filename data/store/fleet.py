"""The store's part for vehicles, drivers and shifts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from itertools import zip_longest
from typing import Any

from sqlalchemy import Table, delete, func, insert, select, update

from data.store.calendars import CalendarStore
from data.tables import (
    current_plan,
    depot,
    driver,
    metadata,
    route,
    shift,
    shift_break,
    shift_template,
    stop,
    stop_delivery,
    trip,
    vehicle,
)
from routing.errors import NotFound
from routing.model.fleet import MadeShift, PlannedDay, ShiftTerms, StandingShift, is_gone
from routing.model.orders import weekdays
from routing.rules.calendars import CalendarBook
from routing.rules.standing_week import TERMS, standing_shift_of, terms_of

_OF_SHIFT = tuple(name for name in TERMS if not name.startswith(("break_", "second_break_")))


def _is_gone(row: Any, day: str) -> bool:
    """Whether a row of `_standing`, or its vehicle, is no longer there on that ISO day."""
    return is_gone(row.gone_from, day) or is_gone(row.vehicle_gone_from, day)


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

    def standing_shifts(self, *, on_or_after: str = "") -> list[StandingShift]:
        """The standing week, by number; with an ISO day those that are worked on it or later."""
        query = self._standing().where(shift_template.c.source == "own").order_by(shift_template.c.number)
        found = [standing_shift_of(dict(row)) for row in self.connection.execute(query).mappings()]
        return [each for each in found if not (on_or_after and is_gone(each.gone_from, on_or_after))]

    def standing_shift(self, template_id: int) -> StandingShift:
        """Raises NotFound."""
        query = self._standing().where(shift_template.c.id == template_id)
        row = self.connection.execute(query).mappings().first()
        if row is None:
            raise NotFound("This shift is no longer in the standing week. Look at the list again.", shift=template_id)
        return standing_shift_of(dict(row))

    def fleet_row(self, kind: str, key: int) -> dict[str, Any]:
        """A vehicle, driver or shift of the standing week as its table has it. Raises NotFound."""
        table = {"vehicle": vehicle, "driver": driver, "shift": shift_template}[kind]
        row = self.connection.execute(select(table).where(table.c.id == key)).mappings().first()
        if row is None:
            raise NotFound(f"This {kind} is no longer there. Look at the fleet again.", key=key)
        return dict(row)

    def made_shifts(self, template_id: int, *, from_day: str) -> list[MadeShift]:
        """What was made of a standing shift for that ISO day and those after it, by day."""
        pauses: dict[int, list[Any]] = {}
        mine = shift.c.template_id == template_id, shift.c.day >= from_day
        breaks = select(shift_break).join(shift).where(*mine).order_by(shift_break.c.id)
        for found_break in self.connection.execute(breaks):
            pauses.setdefault(found_break.shift_id, []).append(found_break)
        query = (
            select(shift, current_plan.c.state.label("plan"))
            .outerjoin(
                current_plan, (current_plan.c.depot_id == shift.c.depot_id) & (current_plan.c.day == shift.c.day)
            )
            .where(*mine)
            .order_by(shift.c.day, shift.c.id)
        )
        found = []
        for each in self.connection.execute(query).mappings():
            row, mine_of_day = dict(each), pauses.get(each["id"], [])
            terms = {name: row[name] for name in _OF_SHIFT}
            for name, pause in zip_longest(("break", "second_break"), mine_of_day[:2]):
                terms |= {
                    f"{name}_s": pause.duration_s if pause else 0,
                    f"{name}_earliest": pause.earliest if pause else "",
                    f"{name}_latest": pause.latest if pause else "",
                }
            found.append(
                MadeShift(
                    id=row["id"], day=row["day"], state=row["state"], plan=row["plan"] or "", terms=terms_of(terms)
                )
            )
        return found

    def set_shift_terms(self, shift_ids: Collection[int], terms: ShiftTerms) -> list[str]:
        """Gives shifts of a day other terms. Returns the days on which another shift has that vehicle, driver and start
        already: theirs stays as it was."""
        other = shift.alias("other")
        taken: list[str] = []
        for shift_id in shift_ids:
            day = self.connection.scalar(
                select(shift.c.day)
                .join(other, (other.c.day == shift.c.day) & (other.c.id != shift.c.id))
                .where(
                    shift.c.id == shift_id,
                    other.c.vehicle_id == terms.vehicle_id,
                    other.c.driver_id == terms.driver_id,
                    other.c.starts == terms.starts,
                )
                .limit(1)
            )
            if day is not None:
                taken.append(day)
                continue
            self.connection.execute(
                update(shift)
                .where(shift.c.id == shift_id)
                .values({name: getattr(terms, name) for name in _OF_SHIFT} | {"version": shift.c.version + 1})
            )
            self.connection.execute(delete(shift_break).where(shift_break.c.shift_id == shift_id))
            self._add_breaks(shift_id, terms)
        return taken

    def end_shifts(self, shift_ids: Collection[int]) -> None:
        """Takes shifts of days without a plan away. One that something points to (an event, a lock) stays, as one that
        is no longer worked."""
        for shift_id in shift_ids:
            if self._is_pointed_to(shift_id):
                self.connection.execute(
                    update(shift)
                    .where(shift.c.id == shift_id)
                    .values(state="replaced", why="no longer in the standing week", version=shift.c.version + 1)
                )
                continue
            self.connection.execute(delete(shift_break).where(shift_break.c.shift_id == shift_id))
            self.connection.execute(delete(shift).where(shift.c.id == shift_id))

    def _is_pointed_to(self, shift_id: int) -> bool:
        for table in metadata.tables.values():
            if table is shift_break:
                continue
            for key in table.foreign_keys:
                if key.column is not shift.c.id:
                    continue
                if self.connection.execute(select(table.c.id).where(key.parent == shift_id).limit(1)).first():
                    return True
        return False

    def planned_days(
        self,
        *,
        from_day: str,
        vehicle_id: int | None = None,
        driver_id: int | None = None,
        template_id: int | None = None,
    ) -> tuple[PlannedDay, ...]:
        """The days from that ISO day on whose plan in force, not yet closed, has work for this vehicle, driver or
        standing shift; by day."""
        whose = (
            shift.c.vehicle_id == vehicle_id
            if vehicle_id is not None
            else shift.c.driver_id == driver_id
            if driver_id is not None
            else shift.c.template_id == template_id
        )
        query = (
            select(
                current_plan.c.day,
                current_plan.c.depot_id,
                depot.c.name.label("depot"),
                current_plan.c.state,
                current_plan.c.plan_id,
                func.count(stop_delivery.c.id).label("deliveries"),
            )
            .join(depot, depot.c.id == current_plan.c.depot_id)
            .join(route, route.c.plan_id == current_plan.c.plan_id)
            .join(
                shift,
                (shift.c.id == route.c.shift_id)
                & (shift.c.day == current_plan.c.day)
                & (shift.c.depot_id == current_plan.c.depot_id),
            )
            .join(trip, trip.c.route_id == route.c.id)
            .join(stop, stop.c.trip_id == trip.c.id)
            .join(stop_delivery, stop_delivery.c.stop_id == stop.c.id)
            .where(whose, current_plan.c.day >= from_day, current_plan.c.state != "closed")
            .group_by(
                current_plan.c.day, current_plan.c.depot_id, depot.c.name, current_plan.c.state, current_plan.c.plan_id
            )
            .order_by(current_plan.c.day, current_plan.c.depot_id)
        )
        return tuple(PlannedDay(**row) for row in self.connection.execute(query).mappings())

    @staticmethod
    def _standing() -> Any:
        return (
            select(
                shift_template,
                driver.c.weekdays.label("driver_weekdays"),
                vehicle.c.gone_from.label("vehicle_gone_from"),
            )
            .join(vehicle, vehicle.c.id == shift_template.c.vehicle_id)
            .outerjoin(driver, driver.c.id == shift_template.c.driver_id)
        )

    def shifts_lack_on(self, day: str) -> bool:
        """Whether somebody of the standing week works on that ISO day and has no shift yet."""
        query = self._standing().where(
            shift_template.c.id.not_in(
                select(shift.c.template_id).where(shift.c.day == day, shift.c.template_id.is_not(None))
            )
        )
        book = CalendarBook(self.calendars(from_day=day))
        when = date.fromisoformat(day)
        there = {
            (row.vehicle_id, row.starts)
            for row in self.connection.execute(select(shift.c.vehicle_id, shift.c.starts).where(shift.c.day == day))
        }
        return any(
            when.weekday() in weekdays(row.weekdays or row.driver_weekdays or "")
            and not _is_gone(row, day)
            and (row.vehicle_id, row.starts) not in there
            and not book.why_depot_closed(when, depot_id=row.depot_id)
            for row in self.connection.execute(query)
        )

    def ensure_shifts(self, from_day: str, to_day: str) -> int:
        """Makes the shifts of the standing week for the days from `from_day` to `to_day` (ISO, inclusive).

        A shift belongs to the day it starts. Days on which the depot or the company is closed get none, and a shift
        that is there already stays as people left it, also when it was swapped or its driver is out. Returns how many
        were made; running it again makes none.
        """
        first, last = date.fromisoformat(from_day), date.fromisoformat(to_day)
        templates = self.connection.execute(self._standing().order_by(shift_template.c.id)).all()
        there: set[tuple[Any, ...]] = set()
        for row in self.connection.execute(
            select(shift.c.day, shift.c.vehicle_id, shift.c.starts, shift.c.template_id).where(
                shift.c.day >= from_day, shift.c.day <= to_day
            )
        ):
            # Whoever begins at another time that day is still the one that the standing week meant.
            there |= {(row.day, row.vehicle_id, row.starts), (row.day, row.template_id)}
        book = CalendarBook(self.calendars(from_day=from_day))
        made = 0
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            for row in templates:
                works = weekdays(row.weekdays or row.driver_weekdays or "")
                key = (day.isoformat(), row.vehicle_id, row.starts)
                if (
                    day.weekday() not in works
                    or _is_gone(row, key[0])
                    or key in there
                    or (key[0], row.id) in there
                    or book.why_depot_closed(day, depot_id=row.depot_id)
                ):
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
                cost_per_stop=row.cost_per_stop,
                overtime_s=row.overtime_s,
                cost_per_overtime_hour=row.cost_per_overtime_hour,
                max_stops=row.max_stops,
                max_distance_m=row.max_distance_m,
                start_place=row.start_place,
                end_place=row.end_place,
                rest_after=row.rest_after,
                template_id=row.id,
            )
            .returning(shift.c.id)
        ).scalar_one()
        self._add_breaks(shift_id, terms_of(row._mapping))

    def _add_breaks(self, shift_id: int, terms: ShiftTerms) -> None:
        for duration_s, earliest, latest in terms.breaks:
            self.connection.execute(
                insert(shift_break).values(shift_id=shift_id, duration_s=duration_s, earliest=earliest, latest=latest)
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
