"""Who drives what, from when to when, in wall-clock times: a Problem turns them into absolute ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

PROFILE_NAMES = ("car", "van", "truck", "cargo_bike")
"""The kinds of vehicle that have roads of their own; what those roads are is the engine's."""
WHERE = ("depot", "anywhere")
"""Where a shift may start and end."""
RESTS = ("full", "reduced")
"""How a driver under rules rests after a shift."""
BIKES = frozenset({"bike", "bicycle", "cargo_bike"})
"""Profiles that fit through any arch and pass the traffic."""
SAID = (*PROFILE_NAMES, *sorted(BIKES.difference(PROFILE_NAMES)))
"""What a file or a command may call them: a bike goes by several names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadSize:
    """The largest vehicle that a kind's roads are measured for: a way that allows less is closed to all of the kind."""

    height_cm: int
    length_cm: int
    gross_kg: int


ROAD_SIZES = {
    "car": RoadSize(height_cm=200, length_cm=480, gross_kg=2_000),
    "van": RoadSize(height_cm=280, length_cm=600, gross_kg=3_500),
    "truck": RoadSize(height_cm=380, length_cm=1_000, gross_kg=18_000),
}
"""By kind; bikes fit everywhere that they may ride."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """What a vehicle may carry and where it fits. A capacity of 0 was not given: that dimension is not limited.

    `most_trips`: how often it may leave its depot in one shift, `reload_minutes` what unloading and loading take in
    between.
    """

    id: int
    name: str
    depot_id: int
    number: str = ""
    profile: str = "car"
    weight_g: int = 0
    volume_cm3: int = 0
    pieces: int = 0
    height_cm: int | None = None
    length_cm: int | None = None
    gross_kg: int | None = None
    skills: tuple[str, ...] = ()
    available: bool = True
    reload_minutes: int = 0
    most_trips: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A person who may drive. `weekdays` are the days they work, as "mon"; empty: any."""

    id: int
    name: str
    depot_id: int
    number: str = ""
    phone: str = ""
    email: str = ""
    language: str = "en"
    skills: tuple[str, ...] = ()
    rule_set: str = "none"
    weekdays: tuple[str, ...] = ()
    available: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftBreak:
    """A pause of `duration_s` that begins between two wall-clock times of the shift's depot."""

    id: int
    duration_s: int
    earliest: str
    latest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One vehicle with its driver and crew on the day it starts. Costs in minor units of the currency.

    `overtime_s`: so long after `ends` the duty may last, at `cost_per_overtime_hour` on top of the paid hour.
    `rest_after`: "reduced" where its driver rests less before the next duty, and so may be on duty longer.
    """

    id: int
    day: str
    depot_id: int
    vehicle: Vehicle
    driver: Driver | None = None
    crew: int = 1
    starts: str
    ends: str
    loading_s: int = 0
    debrief_s: int = 0
    cost_fixed: int = 0
    cost_per_hour: int = 0
    cost_per_km: int = 0
    cost_per_stop: int = 0
    overtime_s: int = 0
    cost_per_overtime_hour: int = 0
    max_stops: int | None = None
    max_distance_m: int | None = None
    start_place: str = "depot"
    end_place: str = "depot"
    rest_after: str = "full"
    state: str = "planned"
    breaks: tuple[ShiftBreak, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.vehicle.name} ({self.driver.name})" if self.driver else self.vehicle.name


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftTerms:
    """What a shift is worked by: who and what, when, and what it costs (minor units). A break of 0 s is none.

    `start_place`, `end_place`: "depot", or "anywhere" where its way begins at its first door, or ends at its last one.
    `rest_after`: "full" or "reduced", what a driver under rules rests before the next duty.
    """

    depot_id: int
    vehicle_id: int
    driver_id: int | None
    crew: int
    starts: str
    ends: str
    loading_s: int
    debrief_s: int
    cost_fixed: int
    cost_per_hour: int
    cost_per_km: int
    cost_per_stop: int
    overtime_s: int
    cost_per_overtime_hour: int
    max_stops: int | None
    max_distance_m: int | None
    start_place: str
    end_place: str
    rest_after: str
    break_s: int
    break_earliest: str
    break_latest: str
    second_break_s: int = 0
    second_break_earliest: str = ""
    second_break_latest: str = ""

    @property
    def breaks(self) -> tuple[tuple[int, str, str], ...]:
        """(seconds, begins at the earliest, at the latest) of each break there is, in their order."""
        return tuple(
            each
            for each in (
                (self.break_s, self.break_earliest, self.break_latest),
                (self.second_break_s, self.second_break_earliest, self.second_break_latest),
            )
            if each[0]
        )


def is_gone(gone_from: str, day: str) -> bool:
    """Whether a vehicle or standing shift that is no longer there from one ISO day on, "" for none, is gone on another.

    >>> is_gone("2026-06-01", "2026-05-31"), is_gone("2026-06-01", "2026-06-01"), is_gone("", "2026-06-01")
    (False, True, False)
    """
    return bool(gone_from) and gone_from <= day


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingShift:
    """A row of the standing week; `weekdays` count from 0 for Monday. `gone_from`: the ISO day from which it, or its
    vehicle, is no longer there; "" while both stay."""

    id: int
    number: str
    weekdays: frozenset[int]
    terms: ShiftTerms
    gone_from: str = ""

    def is_worked_on(self, day: str) -> bool:
        """Whether that ISO day is one of its days."""
        return date.fromisoformat(day).weekday() in self.weekdays and not is_gone(self.gone_from, day)


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeShift:
    """A shift of a day that was made of the standing week. `plan`: the state of the plan in force of its depot and day,
    "" for none."""

    id: int
    day: str
    state: str
    plan: str
    terms: ShiftTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDay:
    """A day with a plan in force, and how many deliveries ride on what is asked about. `state`: draft | dispatched."""

    day: str
    depot_id: int
    depot: str
    state: str
    plan_id: int
    deliveries: int
