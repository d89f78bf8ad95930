"""The forms of a vehicle, a driver and a standing shift: what stands in them, and what somebody typed, as values.

A form is read by the very code that reads the fleet file, so both take the same and refuse the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from data.importers.cells import MOST, Cells
from data.importers.fleet import driver_values, shift_values, vehicle_values
from data.importers.table import Row
from routing.model.fleet import PROFILE_NAMES
from routing.model.money import in_units
from routing.model.orders import WEEKDAYS
from web.languages import LANGUAGES

G_IN_KG = 1_000
CM3_IN_M3 = 1_000_000

_PHONE = re.compile(r"[+]?[0-9 ()./-]{5,40}")
_COMMA = re.compile(r"[0-9]+,[0-9]{1,2}")
_VERBS = ("is ", "has ", "lies ")

VEHICLE = (
    "number", "name", "depot", "profile", "weight_kg", "volume_m3", "pieces", "height_cm", "length_cm", "gross_kg",
    "skills", "most_trips", "reload_minutes", "out_from", "out_to", "out_why",
)  # fmt: skip
DRIVER = (
    "number", "name", "depot", "phone", "email", "language", "licence", "skills", "weekdays", "driving_hours",
    "out_from", "out_to", "out_why",
)  # fmt: skip
SHIFT = (
    "number", "depot", "vehicle", "driver", "crew", "weekdays", "from", "to", "overtime_minutes",
    "cost_per_overtime_hour", "fixed_cost", "cost_per_hour", "cost_per_km", "cost_per_stop", "max_stops",
    "max_km", "start_place", "end_place", "rest_after",
    "loading_minutes", "debrief_minutes", "break_minutes", "break_from", "break_to",
    "second_break_minutes", "second_break_from", "second_break_to",
)  # fmt: skip
FIELDS = {"vehicle": VEHICLE, "driver": DRIVER, "shift": SHIFT}
_MONEY = frozenset({"cost_per_overtime_hour", "fixed_cost", "cost_per_hour", "cost_per_km", "cost_per_stop"})

Form = dict[str, str]
Choices = Mapping[str, Mapping[str, int]]
"""The ids of depots, vehicles and drivers by number: what a select may answer."""


class FormCells(Cells):
    """The fields of a form as the cells of a row; what is wrong is kept by field, as a sentence."""

    def __init__(self, form: Mapping[str, str]) -> None:
        super().__init__(Row(number=0, cells=dict(form)))
        self.by_field: dict[str, str] = {}

    def wrong(self, column: str, what: str) -> None:
        said = f"{_('This')} {what}" if what.startswith(_VERBS) else what[:1].upper() + what[1:]
        self.by_field.setdefault({"weight_g": "weight_kg", "volume_cm3": "volume_m3"}.get(column, column), f"{said}.")
        self.faults.append(column)

    def scaled(self, field: str, column: str, factor: int) -> None:
        """A number in the unit of people, put down as a whole one in ours: 0.8 m3 as 800000 cm3."""
        number = self._decimal(field)
        inside = None if number is None else number * factor
        if inside is not None and not 0 <= inside <= MOST:
            self.wrong(field, f"is out of range: write 0 to {MOST // factor:,}")
            inside = None
        self.row.cells[column] = "" if inside is None else str(int(inside.to_integral_value()))


def typed(kind: str, said: Mapping[str, str], weekdays: list[str]) -> Form:
    """What somebody typed, cut to what a field can hold; shown again whatever becomes of it."""
    form = {name: " ".join(said.get(name, "").split())[:1_000] for name in FIELDS[kind]}
    if "weekdays" in form:
        form["weekdays"] = ",".join(day for day in WEEKDAYS if day in weekdays)
    return form


def values_of(
    kind: str, form: Form, choices: Choices, *, stands: Mapping[str, str], currency: str
) -> tuple[dict[str, Any], Form]:
    """The values by the columns of the table, and what is wrong by field. `stands`: the form as it is in the database,
    empty for something new; what a file said there may stay."""
    cells = FormCells(_plain(form))
    values: dict[str, Any] = {}
    if not stands:
        values["number"] = cells.text("number", needed=True, longest=100)
    if kind == "vehicle":
        cells.scaled("weight_kg", "weight_g", G_IN_KG)
        cells.scaled("volume_m3", "volume_cm3", CM3_IN_M3)
        if form["profile"] not in profiles(stands.get("profile", "")):
            cells.wrong("profile", _("is no kind of vehicle here: choose one of the list"))
        values |= vehicle_values(cells)
    elif kind == "driver":
        _check_reach(form, cells)
        if form["language"] not in languages(stands.get("language", "")):
            cells.wrong("language", _("Choose one of the list"))
        values |= driver_values(cells)
    else:
        values |= shift_values(cells, currency)
    if "weekdays" in form and not form["weekdays"]:
        cells.wrong("weekdays", _("Choose at least one day"))
    for name in ("depot", "vehicle", "driver"):
        if kind == name or name not in form:
            continue
        found = choices[name].get(form[name])
        if found is None and (form[name] or name != "driver"):
            cells.wrong(name, _("Choose one of the list"))
        values[f"{name}_id"] = found
    return values, cells.by_field


def form_of(kind: str, row: Mapping[str, Any], names: Mapping[str, Mapping[int, str]], *, currency: str) -> Form:
    """What stands in the database, as the form shows it. `names`: numbers by id, of depots, vehicles and drivers."""
    form = {name: "" for name in FIELDS[kind]}
    for name in FIELDS[kind]:
        if name in row and row[name] is not None:
            form[name] = str(row[name])
        elif f"{name}_id" in row:
            form[name] = names[name].get(row[f"{name}_id"] or 0, "")
    if kind == "vehicle":
        form |= {"weight_kg": _units(row["weight_g"], G_IN_KG), "volume_m3": _units(row["volume_cm3"], CM3_IN_M3)}
        form |= {"pieces": str(row["pieces"] or ""), "reload_minutes": str(row["reload_minutes"] or "")}
    elif kind == "driver":
        form["driving_hours"] = row["rule_set"]
    else:
        for name, column in (
            ("loading_minutes", "loading_s"), ("debrief_minutes", "debrief_s"), ("break_minutes", "break_s"),
            ("overtime_minutes", "overtime_s"), ("second_break_minutes", "second_break_s"),
        ):  # fmt: skip
            form[name] = str(row[column] // 60 or "")
        form |= {"from": row["starts"], "to": row["ends"], "fixed_cost": _money(row["cost_fixed"], currency)}
        form["max_km"] = str((row["max_distance_m"] or 0) // 1000 or "")
        for name in ("break", "second_break"):
            form |= {f"{name}_from": row[f"{name}_earliest"], f"{name}_to": row[f"{name}_latest"]}
        form |= {name: _money(row[name], currency) for name in _MONEY if name != "fixed_cost"}
    if "skills" in form:
        form["skills"] = "; ".join(part for part in row["skills"].split(";") if part)
    return form


def empty_form(kind: str, *, depot: str) -> Form:
    """Of something new: what most of them are."""
    usual = {
        "depot": depot,
        "profile": "van",
        "most_trips": "1",
        "language": "en",
        "driving_hours": "none",
        "crew": "1",
        "start_place": "depot",
        "end_place": "depot",
        "rest_after": "full",
    }
    form = {name: usual.get(name, "") for name in FIELDS[kind]}
    if "weekdays" in form:
        form["weekdays"] = ",".join(WEEKDAYS[:5])
    return form


def profiles(now: str = "") -> tuple[str, ...]:
    """What may be chosen; a file may have said another word, which may stay."""
    return (*PROFILE_NAMES, now) if now and now not in PROFILE_NAMES else PROFILE_NAMES


def languages(now: str) -> tuple[str, ...]:
    return LANGUAGES if now in LANGUAGES or not now else (*LANGUAGES, now)


def _plain(form: Form) -> Form:
    """As a file would say it: a decimal comma as a point, skills with semicolons."""
    plain = dict(form)
    for name in (*_MONEY, "weight_kg", "volume_m3"):
        if _COMMA.fullmatch(plain.get(name, "")):
            plain[name] = plain[name].replace(",", ".")
    if "skills" in plain:
        plain["skills"] = plain["skills"].replace(",", ";")
    return plain


def _check_reach(form: Form, cells: FormCells) -> None:
    if form["phone"] and not _PHONE.fullmatch(form["phone"]):
        cells.wrong("phone", _("is no phone number: write it as +358 40 123 4567"))
    if form["email"] and (form["email"].count("@") != 1 or " " in form["email"]):
        cells.wrong("email", _("is no address: write it as name@example.com"))


def _units(whole: int, factor: int) -> str:
    """520000 g as 520, 800000 cm3 as 0.8; nothing for 0, which is no limit."""
    if not whole:
        return ""
    return f"{(Decimal(whole) / factor).normalize():f}"


def _money(minor: int, currency: str) -> str:
    return str(in_units(minor, currency)) if minor else ""
