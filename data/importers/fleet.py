"""fleet.csv: depots, delivery zones, vehicles, drivers and the standing week of shifts, told apart by `kind`.

What a column means depends on the kind: `zone` is a depot's time zone, and of a delivery zone the postcodes it serves
(several with ; between; empty: everywhere). `weekdays` are a zone's delivery days, a driver's or a shift's working
days. `from` and `to` are a shift's wall-clock times at its depot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, BinaryIO

from data.importers.batch import note_import
from data.importers.cells import Cells, changed_values
from data.importers.table import AS_OURS, Reading, Row, read_table
from data.store import SqlStore
from routing.errors import FileRefused
from routing.model.days import today_of
from routing.model.fleet import PROFILE_NAMES, RESTS, SAID, WHERE, ShiftTerms, StandingShift, is_gone
from routing.model.imports import ImportResult
from routing.model.orders import weekdays
from routing.model.places import Location
from routing.rules.depot_region import DepotPlace, in_no_region, lies_nowhere
from routing.rules.driver_hours import MOST_REDUCED, RULE_SETS
from routing.rules.licences import too_heavy
from routing.rules.road_reach import beyond_its_roads
from routing.rules.standing_week import TERMS, double_booked, is_too_early, second_break_from, standing_shift_of
from routing.rules.trips import MOST_TRIPS
from routing.services.fleet import (
    ahead_of,
    booked_words,
    days_in_words,
    follow_vehicle,
    follow_week,
    shifts_elsewhere,
    shifts_of,
)

COLUMNS = (
    "kind", "number", "name", "depot", "address", "lat", "lon", "profile", "weight_g", "volume_cm3", "pieces",
    "height_cm", "length_cm", "skills", "crew", "driver", "vehicle", "from", "to", "break_minutes", "break_from",
    "break_to", "loading_minutes", "debrief_minutes", "fixed_cost", "cost_per_hour", "cost_per_km", "max_stops",
    "phone", "email", "language", "weekdays", "cut_off", "zone", "stops_a_day", "overtime_minutes",
    "cost_per_overtime_hour", "reload_minutes", "most_trips", "gross_kg", "licence", "driving_hours", "out_from",
    "out_to", "out_why", "gone_from", "cost_per_stop", "max_km", "start_place", "end_place",
    "rest_after", "second_break_minutes", "second_break_from", "second_break_to",
)  # fmt: skip
NEEDED = ("kind", "number")

COLUMN_OF = {
    "starts": "from", "ends": "to", "depot_id": "depot", "vehicle_id": "vehicle", "driver_id": "driver",
    "loading_s": "loading_minutes", "debrief_s": "debrief_minutes", "cost_fixed": "fixed_cost",
    "break_s": "break_minutes", "break_earliest": "break_from", "break_latest": "break_to",
    "second_break_s": "second_break_minutes", "second_break_earliest": "second_break_from",
    "second_break_latest": "second_break_to",
    "overtime_s": "overtime_minutes", "max_distance_m": "max_km",
    "rule_set": "driving_hours", "delivery_days": "weekdays", "postcodes": "zone",
}  # fmt: skip
"""The columns that are called otherwise than what is kept."""

KINDS = ("depot", "zone", "vehicle", "driver", "shift")
"""In the order they are taken: each may refer to those before it, wherever they stand in the file."""

MOST_ROWS = 20_000


def import_fleet(
    store: SqlStore,
    file: BinaryIO,
    *,
    now: datetime,
    by: str,
    dry_run: bool = False,
    file_name: str = "",
    reading: Reading = AS_OURS,
) -> ImportResult:
    """Adds and changes the fleet, then makes the shifts of today and the days after.

    Those that were made before follow the standing week, but for what people changed and days with a plan
    (`services/fleet.follow_week`). Raises FileRefused.
    """
    result = ImportResult(kind="fleet", dry_run=dry_run)
    by_kind: dict[str, list[Cells]] = {kind: [] for kind in KINDS}
    for count, row in enumerate(
        read_table(file, kind="fleet", columns=COLUMNS, needed=NEEDED, reading=reading), start=1
    ):
        if count > MOST_ROWS:
            raise FileRefused(f"The fleet file has more than {MOST_ROWS:,} rows. Is this the right file?")
        _sort(row, by_kind, result)
    today = today_of(now, store.company().zone)
    fleet = _Fleet(store, result, dry_run, today)
    for cells in by_kind["depot"]:
        fleet.depot(cells)
    for cells in by_kind["zone"]:
        fleet.zone(cells)
    for cells in by_kind["vehicle"]:
        fleet.vehicle(cells)
    for cells in by_kind["driver"]:
        fleet.driver(cells)
    fleet.book(but={cells.row.cells.get("number", "") for cells in by_kind["shift"]})
    for cells in by_kind["shift"]:
        fleet.shift(cells)
    fleet.tell_moved()
    fleet.tell_too_heavy()
    if not dry_run:
        store.assign_zones()
        if by_kind["depot"] and (nowhere := store.assign_regions()):
            result.notes.append(lies_nowhere(nowhere))
        store.ensure_shifts(today, ahead_of(today))
    elif by_kind["depot"] and (nowhere := fleet.nowhere()):
        result.notes.append(lies_nowhere(nowhere))
    note_import(store, result, file, file_name=file_name, now=now, by=by)
    return result


def _sort(row: Row, by_kind: dict[str, list[Cells]], result: ImportResult) -> None:
    cells = Cells(row)
    kind = row.cells.get("kind", "").lower()
    if kind not in KINDS:
        cells.wrong("kind", f'"{kind[:40]}" is not one of {", ".join(KINDS)}')
        cells.report(result, f"Row {row.number}")
        return
    by_kind[kind].append(cells)


class _Fleet:
    def __init__(self, store: SqlStore, result: ImportResult, dry_run: bool, today: str) -> None:
        self.store, self.result, self.dry_run, self.today = store, result, dry_run, today
        self.company = store.company()
        self.depots = store.depot_rows()
        self.zones = store.zone_rows()
        self.vehicles = store.vehicle_rows()
        self.drivers = store.driver_rows()
        self.templates = store.shift_template_rows()
        self.seen: dict[tuple[str, str], int] = {}
        self.touched: set[tuple[str, int]] = set()
        """What of vehicles, drivers and shifts is new or changed, by kind and key."""
        self.moved: list[str] = []
        """Vehicles that come to another depot."""
        self.unsaved = 0
        """Keys below 0 for what a dry run does not save: one vehicle must not be taken for another."""
        self.booked: dict[tuple[str, int | None], list[StandingShift]] = defaultdict(list)
        """The standing shifts of a vehicle and of a driver, by ("vehicle" or "driver", key)."""

    def depot(self, cells: Cells) -> None:
        number = self._number(cells, "depot")
        if number not in self.depots:
            cells.asks_for(("name",))
        lat, lon = cells.decimal("lat", least=-90, most=90), cells.decimal("lon", least=-180, most=180)
        if (lat is None) != (lon is None):
            cells.wrong("lat", "and lon belong together: give both or neither")
        values = {
            "name": cells.text("name", needed=cells.must("name")),
            "address": cells.text("address"),
            "lat": lat,
            "lon": lon,
            "zone": cells.zone("zone", default=self.company.zone),
        }
        if cells.report(self.result, f"Depot {number}"):
            return
        new = {"number": number, "currency": self.company.currency}
        self._save(cells, self.depots, number, values, new, self.store.save_depot)

    def zone(self, cells: Cells) -> None:
        number = cells.text("number", needed=True, longest=100)
        if cells.lacks("depot"):
            cells.asks_for(("depot",))  # which tells one zone from another
        depot = self._depot(cells)
        if depot and (depot["id"], number) not in self.zones:
            cells.asks_for(("name",))
        postcodes = [part.strip() for part in cells.text("zone", longest=4_000).split(";") if part.strip()]
        values: dict[str, Any] = {
            "name": cells.text("name", needed=cells.must("name")),
            "delivery_days": cells.weekdays("weekdays", default="mon,tue,wed,thu,fri"),
            "cut_off": cells.clock("cut_off", default="23:59"),
            "postcodes": ";".join(sorted(set(postcodes))),
        }
        if not cells.lacks("stops_a_day"):
            values["stops_a_day"] = cells.whole_or_none("stops_a_day", least=1, most=10_000)
        self._once(cells, "zone", f"{cells.row.cells.get('depot', '')}/{number}")
        if cells.report(self.result, f"Zone {number}") or depot is None:
            return
        key = (depot["id"], number)
        self._save(cells, self.zones, key, values, {"number": number, "depot_id": depot["id"]}, self.store.save_zone)

    def vehicle(self, cells: Cells) -> None:
        number = self._number(cells, "vehicle")
        if number not in self.vehicles:
            cells.asks_for(("name", "depot"))
        depot = self._depot(cells)
        values: dict[str, Any] = {"depot_id": depot["id"] if depot else 0} | vehicle_values(cells)
        kind, stands = values["profile"], self.vehicles.get(number, {}).get("profile")
        if kind not in SAID and kind != stands:
            cells.wrong("profile", f'"{kind[:40]}" is no kind of vehicle: write {", ".join(PROFILE_NAMES)}')
        if not cells.report(self.result, f"Vehicle {number}"):
            if stands is not None and depot and depot["id"] != self.vehicles[number]["depot_id"]:
                self.moved.append(number)
            old = self.vehicles.get(number)
            week = [] if old is None or self.dry_run else shifts_of(self.store.standing_shifts(), old["id"])
            if self._save(cells, self.vehicles, number, values, {"number": number}, self.store.save_vehicle):
                if kept := follow_vehicle(self.store, week, today=self.today).kept:
                    days = days_in_words(kept)
                    self.result.notes.append(f"Vehicle {number} stays in the plan of {days}. See Fleet.")
                self.touched.add(("vehicle", self.vehicles[number]["id"]))
                size = size_of(self.vehicles[number])
                self.result.notes += [f"Vehicle {number} is {beyond}." for beyond in beyond_its_roads(**size)]

    def driver(self, cells: Cells) -> None:
        number = self._number(cells, "driver")
        if number not in self.drivers:
            cells.asks_for(("name", "depot"))
        depot = self._depot(cells)
        values = {"depot_id": depot["id"] if depot else 0} | driver_values(cells)
        if not cells.report(self.result, f"Driver {number}") and self._save(
            cells, self.drivers, number, values, {"number": number}, self.store.save_driver
        ):
            self.touched.add(("driver", self.drivers[number]["id"]))

    def shift(self, cells: Cells) -> None:
        number = self._number(cells, "shift")
        if number not in self.templates:
            cells.asks_for(("depot", "vehicle", "from", "to"))
        depot = self._depot(cells)
        vehicle = self._find(cells, "vehicle", self.vehicles, needed=cells.must("vehicle"))
        driver = self._find(cells, "driver", self.drivers, needed=False)
        values: dict[str, Any] = {
            "depot_id": depot["id"] if depot else 0,
            "vehicle_id": vehicle["id"] if vehicle else 0,
            "driver_id": driver["id"] if driver else None,
        } | shift_values(cells, self.company.currency)
        # Without days of its own a shift runs on its driver's.
        values["weekdays"] = values["weekdays"] or (driver["weekdays"] if driver else "mon,tue,wed,thu,fri")
        old = self.templates.get(number)
        van_goes = (vehicle or {}).get("gone_from", "")
        mine = None if cells.faults else self._standing(cells, number, old, values, driver, van_goes)
        if mine is not None:
            _refuse_breaks(cells, mine.terms)
            self._refuse_double(cells, mine, old, values)
        if cells.report(self.result, f"Shift {number}") or mine is None:
            return
        if not is_gone(mine.gone_from, self.today):
            self._book(mine)
        before = None if old is None or self.dry_run else self.store.standing_shift(old["id"])
        if not self._save(cells, self.templates, number, values, {"number": number}, self.store.save_shift_template):
            return
        self.touched.add(("shift", self.templates[number]["id"]))
        if before is None:
            return
        following = follow_week(self.store, before, self.store.standing_shift(before.id), today=self.today)
        if following.kept:
            days = days_in_words(following.kept)
            self.result.notes.append(f"Shift {number} stays as it was on {days}: there is a plan. See Fleet.")

    def book(self, *, but: Collection[str]) -> None:
        """What vehicles and drivers do already, but for the shifts of which the file says something else."""
        for shift in self.store.standing_shifts(on_or_after=self.today):
            if shift.number not in but:
                self._book(shift)

    def tell_moved(self) -> None:
        for number in self.moved:
            vehicle = self.vehicles[number]
            shifts = self.booked["vehicle", vehicle["id"]]
            for shift in shifts_elsewhere(shifts, vehicle["id"], vehicle["depot_id"]):
                self.result.notes.append(
                    f"Vehicle {number} comes to another depot and its shift {shift} does not: see Fleet."
                )

    def tell_too_heavy(self) -> None:
        """Of shifts with something new: which driver's licence is not good for which vehicle."""
        vehicles = {row["id"]: row for row in self.vehicles.values()}
        drivers = {row["id"]: row for row in self.drivers.values()}
        told: dict[str, None] = {}
        for _number, row in sorted(self.templates.items()):
            keys = ("shift", row["id"]), ("vehicle", row["vehicle_id"]), ("driver", row.get("driver_id"))
            vehicle, driver = vehicles.get(row["vehicle_id"]), drivers.get(row.get("driver_id"))
            if vehicle is None or driver is None or self.touched.isdisjoint(keys):
                continue
            if is_gone(row.get("gone_from") or "", self.today) or is_gone(vehicle.get("gone_from") or "", self.today):
                continue
            why = too_heavy(
                driver=driver["name"],
                licence=driver.get("licence") or "",
                vehicle=vehicle["name"],
                gross_kg=vehicle.get("gross_kg"),
            )
            told[why] = None
        self.result.notes += filter(None, told)

    def nowhere(self) -> list[str]:
        """The names of the depots that would lie in no region, by number: those of the file and those that are here."""
        rows = {row["id"]: row for _number, row in sorted(self.depots.items())}
        places = {}
        for key, row in rows.items():
            lat, lon = row.get("lat"), row.get("lon")
            at = None if lat is None or lon is None else Location(lat=lat, lon=lon)
            places[key] = DepotPlace(at=at, region=row.get("region_id"))
        return [str(rows[key]["name"]) for key in in_no_region(places, self.store.region_boxes())]

    def _book(self, shift: StandingShift) -> None:
        self.booked["vehicle", shift.terms.vehicle_id].append(shift)
        if shift.terms.driver_id is not None:
            self.booked["driver", shift.terms.driver_id].append(shift)

    @staticmethod
    def _standing(
        cells: Cells,
        number: str,
        old: dict[str, Any] | None,
        values: dict[str, Any],
        driver: dict[str, Any] | None,
        vehicle_gone_from: str,
    ) -> StandingShift:
        """The shift as it will stand: what the file does not say stays."""
        said = values if old is None else changed_values(old, values, cells=cells, column_of=COLUMN_OF)
        new = dict.fromkeys(TERMS, 0) | {"id": -cells.row.number, "number": number}
        facts = {"driver_weekdays": driver["weekdays"] if driver else "", "vehicle_gone_from": vehicle_gone_from}
        return standing_shift_of(new | (old or {}) | said | facts)

    def _refuse_double(
        self, cells: Cells, mine: StandingShift, old: dict[str, Any] | None, values: dict[str, Any]
    ) -> None:
        """As the form does; a row that changes nothing is let be."""
        if old is not None and not changed_values(old, values, cells=cells, column_of=COLUMN_OF):
            return
        if is_gone(mine.gone_from, self.today):
            return
        others = [*self.booked["vehicle", mine.terms.vehicle_id], *self.booked["driver", mine.terms.driver_id]]
        found = double_booked(mine, others)
        if found is not None:
            what, other = found
            rows, key = (
                (self.vehicles, mine.terms.vehicle_id) if what == "vehicle" else (self.drivers, mine.terms.driver_id)
            )
            name = next(str(row["name"]) for row in rows.values() if row["id"] == key)
            cells.wrong(what, booked_words(name, what, other))

    # ------------------------------------------------------------------ shared

    def _number(self, cells: Cells, kind: str) -> str:
        number = cells.text("number", needed=True, longest=100)
        self._once(cells, kind, number)
        return number

    def _once(self, cells: Cells, kind: str, number: str) -> None:
        first = self.seen.setdefault((kind, number), cells.row.number)
        if number and first != cells.row.number:
            cells.wrong("number", f"{kind} {number} stands in row {first} already: keep one of the two rows")

    def _depot(self, cells: Cells) -> dict[str, Any] | None:
        return self._find(cells, "depot", self.depots, needed=cells.must("depot"))

    @staticmethod
    def _find(cells: Cells, column: str, known: Mapping[str, dict[str, Any]], *, needed: bool) -> dict[str, Any] | None:
        number = cells.text(column, needed=needed, longest=100)
        found = known.get(number)
        if found is None and number:
            cells.wrong(column, f'there is no {column} "{number[:40]}": add it to this file as a row of its own')
        return found

    def _save(
        self, cells: Cells, known: dict[Any, dict[str, Any]], key: Any, values: dict[str, Any], new: Any, save: Any
    ) -> bool:
        """Whether anything is new or changed."""
        old = known.get(key)
        changed = values if old is None else changed_values(old, values, cells=cells, column_of=COLUMN_OF)
        if old is None:
            self.result.created += 1
            changed = new | changed
        elif changed:
            self.result.changed += 1
        else:
            self.result.unchanged += 1
            return False
        # In a dry run what comes later in the file may refer to it all the same.
        self.unsaved -= 1
        made = self.unsaved if self.dry_run else save(old["id"] if old else None, changed)
        known[key] = (old or {}) | changed | {"id": old["id"] if old else made}
        return True


# ---------------------------------------------------------------------------- what a row says, and a form too


def vehicle_values(cells: Cells) -> dict[str, Any]:
    """A vehicle's own columns, without its depot."""
    values: dict[str, Any] = {
        "name": cells.text("name", needed=cells.must("name")),
        "profile": cells.text("profile", longest=40).lower() or "car",
        "weight_g": cells.whole("weight_g"),
        "volume_cm3": cells.whole("volume_cm3"),
        "pieces": cells.whole("pieces"),
        "height_cm": cells.whole_or_none("height_cm", least=1, most=10_000),
        "length_cm": cells.whole_or_none("length_cm", least=1, most=10_000),
        "skills": cells.words("skills"),
    }
    if not cells.lacks("gross_kg"):
        values["gross_kg"] = cells.whole_or_none("gross_kg", least=1, most=200_000)
    if not cells.lacks("reload_minutes"):
        values["reload_minutes"] = cells.whole("reload_minutes", most=8 * 60)
    if not cells.lacks("most_trips"):
        values["most_trips"] = cells.whole("most_trips", default=1, least=1, most=MOST_TRIPS)
    return values | _away(cells) | _gone(cells)


def size_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What of a vehicle's values `beyond_its_roads` asks."""
    return {name: values.get(name) for name in ("profile", "height_cm", "length_cm", "gross_kg")}


def driver_values(cells: Cells) -> dict[str, Any]:
    """A driver's own columns, without the depot."""
    values: dict[str, Any] = {
        "name": cells.text("name", needed=cells.must("name")),
        "phone": cells.text("phone", longest=40),
        "email": cells.text("email", longest=200),
        "language": cells.text("language", longest=10).lower() or "en",
        "skills": cells.words("skills"),
        "weekdays": cells.weekdays("weekdays", default="mon,tue,wed,thu,fri"),
    }
    if not cells.lacks("licence"):
        values["licence"] = cells.text("licence", longest=40)
    if not cells.lacks("driving_hours"):
        values["rule_set"] = cells.word("driving_hours", tuple(RULE_SETS), default="none")
    return values | _away(cells)


def shift_values(cells: Cells, currency: str) -> dict[str, Any]:
    """A standing shift's own columns, without its depot, vehicle and driver; `weekdays` may be empty."""
    break_minutes = cells.whole("break_minutes", most=24 * 60)
    starts, ends = (cells.clock(name, needed=cells.must(name)) for name in ("from", "to"))
    if starts and starts == ends:
        cells.wrong("to", f"the shift ends at {ends}, when it starts: give it some hours")
    values: dict[str, Any] = {
        "crew": cells.whole("crew", default=1, least=1, most=9),
        "weekdays": cells.weekdays("weekdays"),
        "starts": starts,
        "ends": ends,
        "loading_s": cells.whole("loading_minutes", most=24 * 60) * 60,
        "debrief_s": cells.whole("debrief_minutes", most=24 * 60) * 60,
        "cost_fixed": cells.money("fixed_cost", currency),
        "cost_per_hour": cells.money("cost_per_hour", currency),
        "cost_per_km": cells.money("cost_per_km", currency),
        "max_stops": cells.whole_or_none("max_stops", least=1, most=10_000),
        "break_s": break_minutes * 60,
        "break_earliest": cells.clock("break_from", needed=bool(break_minutes) and cells.must("break_from")),
        "break_latest": cells.clock("break_to", needed=bool(break_minutes) and cells.must("break_to")),
    }
    values |= _second_break(cells, values)
    if not cells.lacks("overtime_minutes"):
        values["overtime_s"] = cells.whole("overtime_minutes", most=8 * 60) * 60
    if not cells.lacks("cost_per_overtime_hour"):
        values["cost_per_overtime_hour"] = cells.money("cost_per_overtime_hour", currency)
    if not cells.lacks("cost_per_stop"):
        values["cost_per_stop"] = cells.money("cost_per_stop", currency)
    if not cells.lacks("max_km"):
        most = cells.whole_or_none("max_km", least=1, most=10_000)
        values["max_distance_m"] = None if most is None else most * 1000
    for name in ("start_place", "end_place"):
        if not cells.lacks(name):
            values[name] = cells.word(name, WHERE, default="depot")
    if not cells.lacks("rest_after"):
        values["rest_after"] = cells.word("rest_after", RESTS, default="full")
        days = len(weekdays(values["weekdays"]))
        if values["rest_after"] == "reduced" and not cells.lacks("weekdays") and not 1 <= days <= MOST_REDUCED:
            cells.wrong(
                "rest_after",
                f"a rest may be reduced {MOST_REDUCED} times between two weekly rests: name at most {MOST_REDUCED} "
                "days, and make the others a shift of their own",
            )
    return values | _gone(cells)


def _second_break(cells: Cells, of: Mapping[str, Any]) -> dict[str, Any]:
    """The second break of a shift: its length and its hours go together, and it begins when the first is over."""
    if cells.lacks("second_break_minutes"):
        return {}
    minutes = cells.whole("second_break_minutes", most=24 * 60)
    earliest, latest = (cells.clock(f"second_break_{name}", needed=bool(minutes)) for name in ("from", "to"))
    if not minutes:
        return {"second_break_s": 0, "second_break_earliest": "", "second_break_latest": ""}
    if earliest and of["starts"] and of["break_s"] and of["break_latest"]:
        _refuse_early(cells, earliest, starts=of["starts"], break_to=of["break_latest"], break_s=of["break_s"])
    return {"second_break_s": minutes * 60, "second_break_earliest": earliest, "second_break_latest": latest}


def _refuse_early(cells: Cells, second_from: str, *, starts: str, break_to: str, break_s: int) -> None:
    if is_too_early(second_from, starts=starts, break_to=break_to, break_s=break_s):
        over = second_break_from(break_to, break_s)
        cells.wrong(
            "second_break_from", f"the first break may last until {over}: let the second one begin then, or later"
        )


def _refuse_breaks(cells: Cells, terms: ShiftTerms) -> None:
    """Its breaks as they will stand: a file may say a part of a break, and the rest of it is known already or not."""
    for name, seconds, earliest, latest in (
        ("break", terms.break_s, terms.break_earliest, terms.break_latest),
        ("second_break", terms.second_break_s, terms.second_break_earliest, terms.second_break_latest),
    ):
        for end, clock in (("from", earliest), ("to", latest)):
            if seconds and not clock:
                cells.wrong(f"{name}_{end}", f"is missing: there is a break of {-(-seconds // 60)} minutes")
    if not cells.faults and terms.break_s and terms.second_break_s:
        _refuse_early(
            cells, terms.second_break_earliest, starts=terms.starts, break_to=terms.break_latest, break_s=terms.break_s
        )


def _gone(cells: Cells) -> dict[str, Any]:
    return {} if cells.lacks("gone_from") else {"gone_from": cells.day("gone_from")}


def _away(cells: Cells) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in ("out_from", "out_to"):
        if not cells.lacks(name):
            values[name] = cells.day(name)
    if not cells.lacks("out_why"):
        values["out_why"] = cells.text("out_why", longest=200)
    if values.get("out_to") and values["out_to"] < values.get("out_from", ""):
        cells.wrong("out_to", "lies before the first day away: swap the two")
    return values
