"""Somebody changes a vehicle, a driver or the standing week: what that means for days with a plan, then the change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from routing.errors import Conflict, InvalidInput
from routing.model.days import day_words, today_of
from routing.model.fleet import MadeShift, PlannedDay, ShiftTerms, StandingShift, is_gone
from routing.model.money import amount
from routing.model.parties import Company, Depot
from routing.rules.licences import too_heavy
from routing.rules.standing_week import Following, double_booked, follow, standing_shift_of
from routing.services.story import KeepsEvents

MADE_AHEAD = 14
"""Days for which the standing week has made its shifts, today included."""

SAYS_NOTHING = {
    "vehicle": frozenset({"name", "out_why"}),
    "driver": frozenset({"name", "phone", "email", "language", "licence", "out_why"}),
    "shift": frozenset[str](),
}
"""What a plan does not go by."""


class Week(Protocol):
    def made_shifts(self, template_id: int, *, from_day: str) -> list[MadeShift]: ...
    def set_shift_terms(self, shift_ids: Collection[int], terms: ShiftTerms) -> list[str]: ...
    def end_shifts(self, shift_ids: Collection[int]) -> None: ...
    def standing_shift(self, template_id: int) -> StandingShift: ...


class Store(Week, KeepsEvents, Protocol):
    def depots(self) -> list[Depot]: ...
    def depot_ids(self) -> tuple[int, ...]: ...
    def lock_depot(self, depot_id: int) -> None: ...
    def company(self) -> Company: ...
    def fleet_row(self, kind: str, key: int) -> dict[str, Any]: ...
    def vehicle_rows(self) -> dict[str, dict[str, Any]]: ...
    def driver_rows(self) -> dict[str, dict[str, Any]]: ...
    def shift_template_rows(self) -> dict[str, dict[str, Any]]: ...
    def standing_shifts(self, *, on_or_after: str = "") -> list[StandingShift]: ...
    def planned_days(
        self,
        *,
        from_day: str,
        vehicle_id: int | None = None,
        driver_id: int | None = None,
        template_id: int | None = None,
    ) -> tuple[PlannedDay, ...]: ...
    def save_vehicle(self, vehicle_id: int | None, values: Mapping[str, Any]) -> int: ...
    def save_driver(self, driver_id: int | None, values: Mapping[str, Any]) -> int: ...
    def save_shift_template(self, template_id: int | None, values: Mapping[str, Any]) -> int: ...
    def ensure_shifts(self, from_day: str, to_day: str) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What somebody wants of a vehicle, a driver or a standing shift (`kind`). `values` by the columns of its table;
    `id` None makes a new one, with its `number` among them. `version`: the one that they looked at."""

    kind: str
    id: int | None
    values: Mapping[str, Any]
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What an edit would change: (column, old, new); and the days whose plan has work for it, which is kept as it is.

    `seen` stands for the days: who was shown other ones has to look again.
    """

    changes: tuple[tuple[str, Any, Any], ...] = ()
    days: tuple[PlannedDay, ...] = ()

    @property
    def seen(self) -> str:
        return ",".join(f"{day.day}/{day.depot_id}/{day.plan_id}" for day in self.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """`id` of what was saved; `days` stand in a plan of before; `by_hand` were changed for that day alone and stay."""

    id: int
    changed: bool
    days: tuple[PlannedDay, ...] = ()
    by_hand: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    """Standing shifts of a vehicle that begin at another depot than the one it was moved to, by number."""


def effect_of(store: Store, edit: Edit, *, now: datetime) -> Effect:
    """Reads what the edit would do. Raises NotFound, Conflict when somebody saved it meanwhile, InvalidInput."""
    if edit.id is None:
        _refuse_taken(store, edit)
        old: Mapping[str, Any] = {}
    else:
        old = store.fleet_row(edit.kind, edit.id)
        if old["version"] != edit.version:
            raise Conflict(
                "Somebody else saved this since you opened it. What stands now is shown beside what you wrote: look "
                "at it, then save again.",
                code="changed_meanwhile",
            )
    changes = tuple((name, old.get(name), value) for name, value in edit.values.items() if old.get(name) != value)
    today = today_of(now, store.company().zone)
    _refuse_past(edit, changes, today)
    if edit.kind == "shift" and changes:
        _refuse_gone(store, edit, old, today)
        _refuse_double(store, edit, old, today)
    if edit.id is None or all(name in SAYS_NOTHING[edit.kind] for name, _old, _new in changes):
        return Effect(changes=changes)
    column = {"vehicle": "vehicle_id", "driver": "driver_id", "shift": "template_id"}[edit.kind]
    first = today
    if [name for name, _old, _new in changes] == ["gone_from"]:
        first = max(today, min(day for _name, old_day, new_day in changes for day in (old_day, new_day) if day))
    return Effect(changes=changes, days=store.planned_days(from_day=first, **{column: edit.id}))


def save(store: Store, edit: Edit, effect: Effect, *, planned_too: bool = False, now: datetime, by: str) -> Saved:
    """Writes the edit whose effect was read in this transaction, with its event. No plan changes.

    A standing shift takes along the shifts made of it as `rules/standing_week.follow` says; `planned_too` as there.
    """
    if not effect.changes:
        return Saved(id=edit.id or 0, changed=False)
    changed = {name: new for name, _old, new in effect.changes}
    by_hand: tuple[str, ...] = ()
    if edit.kind == "vehicle":
        week = [] if edit.id is None else shifts_of(store.standing_shifts(), edit.id)
        key = store.save_vehicle(edit.id, changed)
        if "gone_from" in changed:
            today = today_of(now, store.company().zone)
            make_ahead(store, today=today)
            by_hand = follow_vehicle(store, week, today=today).by_hand
            store.ensure_shifts(today, ahead_of(today))
    elif edit.kind == "driver":
        key = store.save_driver(edit.id, changed)
    else:
        before = None if edit.id is None else store.standing_shift(edit.id)
        key = store.save_shift_template(edit.id, changed)
        today = today_of(now, store.company().zone)
        make_ahead(store, today=today)  # a day that nobody has looked at yet follows like the others
        if before is not None:
            by_hand = follow_week(
                store, before, store.standing_shift(key), today=today, planned_too=planned_too
            ).by_hand
        store.ensure_shifts(today, ahead_of(today))
    row = store.fleet_row(edit.kind, key)
    store.append_event(
        kind="fleet_changed",
        actor=by,
        captured_at=now,
        received_at=now,
        data={
            "what": edit.kind,
            "number": row["number"],
            "name": row.get("name") or row["number"],
            "new": edit.id is None,
            "changes": [_told(store, *each) for each in effect.changes] if edit.id is not None else [],
            "days": [[day.day, day.depot_id] for day in effect.days],
        },
    )
    moved = edit.kind == "vehicle" and edit.id is not None and "depot_id" in changed
    elsewhere = shifts_elsewhere(store.standing_shifts(), key, changed["depot_id"]) if moved else ()
    return Saved(id=key, changed=True, days=effect.days, by_hand=by_hand, elsewhere=elsewhere)


def shifts_elsewhere(shifts: Iterable[StandingShift], vehicle_id: int, depot_id: int) -> tuple[str, ...]:
    """The numbers of a vehicle's standing shifts that begin at another depot than its own."""
    return tuple(
        shift.number for shift in shifts if shift.terms.vehicle_id == vehicle_id and shift.terms.depot_id != depot_id
    )


def follow_week(
    store: Week, before: StandingShift, after: StandingShift, *, today: str, planned_too: bool = False
) -> Following:
    """The shifts made of a standing shift go along with its change. Answers which do not: `kept`, `by_hand`."""
    following = follow(before, after, store.made_shifts(after.id, from_day=today), planned_too=planned_too)
    taken = store.set_shift_terms(following.change, after.terms)
    store.end_shifts(following.end)
    return Following(
        change=following.change,
        end=following.end,
        kept=following.kept,
        by_hand=tuple(sorted({*following.by_hand, *taken})),
    )


def shifts_of(shifts: Iterable[StandingShift], vehicle_id: int) -> list[StandingShift]:
    """Of these the standing shifts of a vehicle."""
    return [shift for shift in shifts if shift.terms.vehicle_id == vehicle_id]


def follow_vehicle(store: Week, before: Iterable[StandingShift], *, today: str) -> Following:
    """The shifts made of a vehicle's standing shifts (`before`, as they stood) end where it is gone by then."""
    found = [
        follow_week(store, each, after, today=today)
        for each in before
        if (after := store.standing_shift(each.id)).gone_from != each.gone_from
    ]
    return Following(
        kept=tuple(sorted({day for each in found for day in each.kept})),
        by_hand=tuple(sorted({day for each in found for day in each.by_hand})),
    )


def make_ahead(store: Store, *, today: str) -> int:
    """Makes the shifts of the days that came into sight; returns how many. Who does it at the same time waits."""
    for depot_id in store.depot_ids():
        store.lock_depot(depot_id)
    return store.ensure_shifts(today, ahead_of(today))


def ahead_of(today: str) -> str:
    """The last ISO day for which shifts are made."""
    return (date.fromisoformat(today) + timedelta(days=MADE_AHEAD - 1)).isoformat()


def days_in_words(days: Sequence[str], *, most: int = 3) -> str:
    """
    >>> days_in_words(["2026-03-03", "2026-03-04"])
    'Tue 3 Mar 2026, Wed 4 Mar 2026'
    """
    more = f" and {len(days) - most} more" if len(days) > most else ""
    return ", ".join(day_words(day) for day in days[:most]) + more


def _told(store: Store, column: str, old: Any, new: Any) -> list[Any]:
    """A change as the timeline tells it: names for keys, minutes for seconds, amounts for minor units."""
    if column.endswith("_id"):
        kind = column.removesuffix("_id")
        if kind == "depot":
            names = {depot.id: depot.name for depot in store.depots()}
            return [kind, *(names.get(key, "") for key in (old, new))]
        return [kind, *("" if key is None else store.fleet_row(kind, key)["name"] for key in (old, new))]
    if column.endswith("_s"):
        return [f"{column.removesuffix('_s')}_minutes", *((value or 0) // 60 for value in (old, new))]
    if column.startswith("cost"):
        currency = store.company().currency
        return [column, *(amount(value or 0, currency) for value in (old, new))]
    return [column, old, new]


def _refuse_taken(store: Store, edit: Edit) -> None:
    rows = {
        "vehicle": store.vehicle_rows,
        "driver": store.driver_rows,
        "shift": store.shift_template_rows,
    }[edit.kind]()
    if str(edit.values["number"]) in rows:
        raise InvalidInput(
            f"There is a {edit.kind} {edit.values['number']} already: give this one another number.", code="number"
        )


def too_heavy_for(store: Store, shifts: Iterable[StandingShift]) -> tuple[str, ...]:
    """Per vehicle and driver of these standing shifts, why the driver's licence is not good for it; each once."""
    pairs = {(each.terms.vehicle_id, each.terms.driver_id): None for each in shifts if each.terms.driver_id is not None}
    found = []
    for vehicle_id, driver_id in pairs:
        vehicle, driver = store.fleet_row("vehicle", vehicle_id), store.fleet_row("driver", driver_id or 0)
        found.append(
            too_heavy(
                driver=driver["name"], licence=driver["licence"], vehicle=vehicle["name"], gross_kg=vehicle["gross_kg"]
            )
        )
    return tuple(filter(None, found))


def _refuse_past(edit: Edit, changes: Iterable[tuple[str, Any, Any]], today: str) -> None:
    """What was worked stays worked: nothing is gone from a day that is over."""
    for name, _old, new in changes:
        if name == "gone_from" and new and new < today:
            raise InvalidInput(
                f"{day_words(new)} is over: the {edit.kind} was there on it. Name today or a later day.",
                code="gone_from",
            )


def _refuse_gone(store: Store, edit: Edit, old: Mapping[str, Any], today: str) -> None:
    """A shift is not given a vehicle that is no longer there."""
    key = edit.values.get("vehicle_id")
    if not key or key == old.get("vehicle_id"):
        return
    row = store.fleet_row("vehicle", key)
    if is_gone(row["gone_from"], today):
        raise InvalidInput(
            f"{row['name']} is gone since {day_words(row['gone_from'])}: choose another vehicle, or bring it back.",
            code="vehicle",
        )


def _refuse_double(store: Store, edit: Edit, old: Mapping[str, Any], today: str) -> None:
    """One van, or one driver, in two standing shifts at once."""
    row = {"id": edit.id or 0, "number": ""} | dict(old) | dict(edit.values)
    mine = standing_shift_of(row)
    if is_gone(mine.gone_from, today):
        return
    found = double_booked(mine, store.standing_shifts(on_or_after=today))
    if found is None:
        return
    what, other = found
    key = other.terms.vehicle_id if what == "vehicle" else other.terms.driver_id
    name = store.fleet_row(what, key or 0)["name"]
    raise InvalidInput(f"{booked_words(name, what, other)}.", code=what)


def booked_words(name: str, what: str, other: StandingShift) -> str:
    """Why a standing shift cannot have this vehicle or driver (`what`), without a full stop."""
    return (
        f"{name} is in shift {other.number} from {other.terms.starts} to {other.terms.ends} already: choose another "
        f"{what}, other days or other hours"
    )
