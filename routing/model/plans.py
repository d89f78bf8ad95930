"""The solver's input and answer. Whole seconds from `Problem.epoch`, metres, and amounts per named dimension.

A window is the START of service, both ends inclusive (Solomon 1987; VROOM and PyVRP agree). Cost is in
thousandths of the currency's minor unit, so that cents per kilometre stay integers per metre.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from routing.errors import InvalidProblem
from routing.model.places import Location

NO_ROAD = -1
"""In a travel matrix: no road joins the two places."""


class Reason(StrEnum):
    """Why a delivery was left out: the closed list of PRODUCT.md §3."""

    CAPACITY = "capacity"
    SKILLS = "skills"
    ACCESS = "access"
    CREW = "crew"
    CLOSED_THAT_DAY = "closed_that_day"
    AFTER_CUT_OFF = "after_cut_off"
    WINDOW_UNREACHABLE = "window_unreachable"
    WINDOW_TOO_SHORT = "window_too_short"
    SHIFT_TOO_SHORT = "shift_too_short"
    DRIVER_HOURS = "driver_hours"
    NO_ROAD = "no_road"
    ADDRESS_IN_REVIEW = "address_in_review"
    ON_HOLD = "on_hold"
    NOT_READY = "not_ready"
    MISSING_WEIGHT = "missing_weight"
    LOCKED_BY_YOU = "locked_by_you"
    COMPETED_OUT = "competed_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When service may start, seconds from the epoch, both ends inclusive.

    `late_s`: so long after its end service may still start, at the visit's price of lateness.
    """

    start_s: int
    end_s: int
    late_s: int = 0

    def __post_init__(self) -> None:
        if self.end_s < self.start_s:
            raise InvalidProblem(
                f"A window ends at {self.end_s} s, before it starts at {self.start_s} s. Swap the two times."
            )
        if self.late_s < 0:
            raise InvalidProblem(f"A window may not be missed by {self.late_s} s. Give 0 or more.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A row and column of every matrix. `site_id` is None for a depot or a start and end of a shift."""

    index: int
    name: str
    location: Location | None = None
    site_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Travel:
    """One profile's matrices, int64 of shape (n, n), [i, j] from i to j; NO_ROAD where there is none."""

    durations_s: NDArray[np.int64]
    distances_m: NDArray[np.int64]

    @property
    def without_roads(self) -> bool:
        """Whether no road joins any two different places: the vehicle cannot leave."""
        n = len(self.durations_s)
        return n > 1 and bool(np.count_nonzero(self.durations_s == NO_ROAD) == n * (n - 1))


FREE = 10**6
"""How far a second leads where nothing slows it: in millionths of a second of free travel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedSlice:
    """From `start_s` until before `end_s` a way takes vehicles of this profile `factor` thousandths of its free travel
    time: 1300 is three tenths longer. Where no slice says anything, ways take their free time."""

    profile: str
    start_s: int
    end_s: int
    factor: int

    def __post_init__(self) -> None:
        if self.end_s <= self.start_s:
            raise InvalidProblem(
                f"A slice of the day ends at {self.end_s} s, not after its start at {self.start_s} s. Swap the two."
            )
        if not 100 <= self.factor <= 10_000:
            raise InvalidProblem(
                f"A slice of the day has {self.factor} thousandths of the free travel time. Give 100 to 10,000."
            )

    @property
    def pace(self) -> int:
        """How far a second leads, in millionths of a second of free travel, rounded up: whole slices stay whole.

        >>> SpeedSlice(profile="van", start_s=0, end_s=60, factor=2000).pace
        500000
        """
        return -(-1000 * FREE // self.factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One delivery (or collection, or both) as the solver places it: optional, at one place, once.

    `id` is the delivery's key. `load` leaves the depot with the van, `collect` comes back with it; both have one
    amount per dimension of the problem. `setup_s` (parking, the door) is served once per place however many visits
    follow each other there; `service_s` each time. `tier`: bigger wins, strictly. `age` lifts within a tier.
    `shifts`: only these may serve it (access, crew, allowed vehicles; decided before), None for any.
    `why_not` says for shifts that were excluded which reason excluded them, for the page.
    `work_by_type`: (type of vehicle, setup, service) where a type needs other times than `setup_s` and `service_s`.
    `strangers`: (shift, thousandths of a minor unit) for those whose driver does not know this door: paid by the first
    of those that follow each other at one place, and again whenever the route comes back to it. `off_run`: how much of
    that is for a vehicle off its standing run, `changed` for a door that is on another driver's list.
    `late_per_hour`: what an hour after the end of a window costs (thousandths of a minor unit), where one allows it.
    `motor_windows`: a shift that is `motor` may begin only where these hold too, however late a window allows it to be
    (the hours of a pedestrian street); none: they bind nobody.
    """

    id: int
    place: int
    service_s: int
    setup_s: int = 0
    windows: tuple[Window, ...]
    motor_windows: tuple[Window, ...] = ()
    load: tuple[int, ...]
    collect: tuple[int, ...]
    skills: frozenset[str] = frozenset()
    tier: int = 0
    age: int = 0
    ready_s: int | None = None
    shifts: frozenset[int] | None = None
    why_not: tuple[tuple[int, Reason], ...] = ()
    work_by_type: tuple[tuple[str, int, int], ...] = ()
    late_per_hour: int = 0
    strangers: tuple[tuple[int, int], ...] = ()
    off_run: tuple[tuple[int, int], ...] = ()
    changed: tuple[tuple[int, int], ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """Goods fetched at one visit and brought to another by the same van, in this order; both or neither.

    `amount` is on board in between. The two visits name each other's place, times and skills as any visit does; their
    own `load` and `collect` are what they bring from and take to the depot besides.
    """

    pickup: int
    delivery: int
    amount: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A pause the driver takes, its start inside one of the windows, between two stops or while waiting.

    `max_load`: it is taken only while no more than this is on board, per dimension; None: whatever is on board.
    """

    id: int
    duration_s: int
    windows: tuple[Window, ...]
    max_load: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostScheme:
    """What a shift costs, in thousandths of a minor unit: once when used, per hour on duty, per km.

    `per_travel_hour` counts only while the wheels turn: it is how VROOM counts hours. `per_task_hour` counts setup and
    service. `per_overtime_hour` comes on top of the paid hour, after the end of the shift's hours. `per_stop` is paid
    whenever the route comes to a door, however many visits follow each other there, and again when it comes back.

    Two prices make days even and areas compact. `balance_per_hour`: what one more hour on duty costs for each hour that
    the duty has lasted already, half of it times the hours times the hours in all. `area_per_km`: per km that a stop
    lies from its route's centre.
    """

    fixed: int = 0
    per_hour: int = 0
    per_km: int = 0
    per_travel_hour: int = 0
    per_task_hour: int = 0
    per_overtime_hour: int = 0
    balance_per_hour: int = 0
    area_per_km: int = 0
    per_stop: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftOffer:
    """A shift as the solver sees it: who drives what from when to when. `start` or `end` None: anywhere.

    `loading_s` passes at the start before the wheels turn and `debrief_s` after they stop; both lie inside
    [start_s, until_s]. `overtime_s`: so long after `end_s` the duty may last, at `cost.per_overtime_hour`; what limits
    driving, distance and stops holds all the same. A break never makes an unused shift infeasible. `max_stops` counts
    doors (stops that follow each other at one place are one), `max_visits` deliveries. `type` chooses a visit's
    `work_by_type`. `motor`: the `motor_windows` of visits bind it.

    `most_trips` above 1: it may come back to its depot, unload, load again within `reload_s`, and leave once more; it
    must start and end at that depot. What limits stops, metres and driving holds over all its trips, its capacity for
    each. `trips_out`: so many of them have left the depot; what must be loaded joins only those after them.
    """

    id: int
    profile: str
    start: int | None
    end: int | None
    start_s: int
    end_s: int
    capacity: tuple[int, ...]
    skills: frozenset[str] = frozenset()
    breaks: tuple[Break, ...] = ()
    cost: CostScheme = field(default_factory=CostScheme)
    loading_s: int = 0
    debrief_s: int = 0
    overtime_s: int = 0
    max_stops: int | None = None
    max_visits: int | None = None
    max_distance_m: int | None = None
    max_travel_s: int | None = None
    speed_factor: float = 1.0
    type: str = ""
    motor: bool = False
    name: str = ""
    reload_s: int = 0
    most_trips: int = 1
    trips_out: int = 0

    @property
    def nameless(self) -> ShiftOffer:
        """What counts of it: shifts that are alike differ in their number, their name and those of their breaks."""
        breaks = tuple(replace(pause, id=n) for n, pause in enumerate(self.breaks))
        return replace(self, id=0, name="", breaks=breaks)

    @property
    def until_s(self) -> int:
        """When the duty is over at the latest, overtime and all."""
        return self.end_s + self.overtime_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A person's decision, an input: this delivery rides on this shift, at this place in the order if given (0 =
    first).

    `done` marks what has happened or is under way: it keeps its place and its time is not judged again. `trip` (0 = the
    first) is where it rides of a shift with several: what is on board of one trip is never moved to another.
    """

    visit: int
    shift: int
    position: int | None = None
    done: bool = False
    trip: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """All the solver may know: one or more days in absolute times. `excluded` was left out before solving, with why."""

    epoch: datetime
    dimensions: tuple[str, ...]
    places: tuple[Place, ...]
    travel: dict[str, Travel]
    visits: tuple[Visit, ...]
    shifts: tuple[ShiftOffer, ...]
    locks: tuple[Lock, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    excluded: tuple[Unassigned, ...] = ()
    travel_build: str = ""
    speeds: tuple[SpeedSlice, ...] = ()
    """Time of day: of one profile none overlap. Empty: ways take the same time all day."""

    def __post_init__(self) -> None:
        if self.epoch.tzinfo is None:
            raise InvalidProblem("The epoch of a problem needs a time zone.")
        for one, other in pairwise(sorted(self.speeds, key=lambda each: (each.profile, each.start_s))):
            if one.profile == other.profile and other.start_s < one.end_s:
                raise InvalidProblem(
                    f"Two slices of the day hold for {one.profile} at {other.start_s} s. Let the first end before."
                )
        n, d = len(self.places), len(self.dimensions)
        for profile, travel in self.travel.items():
            for name, matrix in (("durations", travel.durations_s), ("distances", travel.distances_m)):
                if matrix.shape != (n, n):
                    raise InvalidProblem(
                        f"The {name} of profile {profile} have shape {matrix.shape}, but there are {n} places: "
                        f"give a matrix of {n} × {n}."
                    )
        _unique("visit", [visit.id for visit in self.visits])
        _unique("shift", [shift.id for shift in self.shifts])
        for visit in self.visits:
            if not 0 <= visit.place < n:
                raise InvalidProblem(
                    f"Delivery {visit.id} lies at place {visit.place}, but places run from 0 to {n - 1}."
                )
            if len(visit.load) != d or len(visit.collect) != d:
                raise InvalidProblem(f"Delivery {visit.id} needs {d} amounts ({', '.join(self.dimensions)}).")
            if not visit.windows:
                raise InvalidProblem(
                    f"Delivery {visit.id} has no window: give at least one, or exclude it with its reason."
                )
        self._check_shipments(d)
        if any(shift.cost.area_per_km for shift in self.shifts):
            for visit in self.visits:
                if self.places[visit.place].location is None:
                    raise InvalidProblem(
                        f"Delivery {visit.id} lies at a place without a location, which a price for compact areas "
                        "needs: give the location, or take the price away."
                    )
        for shift in self.shifts:
            for pause in shift.breaks:
                if pause.max_load is not None and len(pause.max_load) != d:
                    raise InvalidProblem(
                        f"Break {pause.id} of shift {shift.id} needs {d} amounts in max_load "
                        f"({', '.join(self.dimensions)})."
                    )
            if len(shift.capacity) != d:
                raise InvalidProblem(f"Shift {shift.id} needs {d} capacities ({', '.join(self.dimensions)}).")
            if shift.profile not in self.travel:
                raise InvalidProblem(
                    f"Shift {shift.id} has profile {shift.profile!r}, for which there is no travel table."
                )
            for place in (shift.start, shift.end):
                if place is not None and not 0 <= place < n:
                    raise InvalidProblem(
                        f"Shift {shift.id} starts or ends at place {place}, but places run from 0 to {n - 1}."
                    )
            self._check_trips(shift)

    def _check_trips(self, shift: ShiftOffer) -> None:
        if shift.most_trips < 1:
            raise InvalidProblem(f"Shift {shift.id} makes {shift.most_trips} trips: give 1 or more.")
        if shift.most_trips == 1:
            return
        if shift.start is None or shift.start != shift.end:
            raise InvalidProblem(
                f"Shift {shift.id} makes up to {shift.most_trips} trips, but does not start and end at one depot. "
                "Let it do so, or give it one trip."
            )
        if self.shipments:
            raise InvalidProblem("Shipments are not planned together with shifts of several trips. Give them one trip.")

    def _check_shipments(self, dimensions: int) -> None:
        if not self.shipments:
            return
        visits = {visit.id: visit for visit in self.visits}
        _unique("shipment's visit", [key for one in self.shipments for key in (one.pickup, one.delivery)])
        for one in self.shipments:
            if one.pickup not in visits or one.delivery not in visits:
                raise InvalidProblem(
                    f"A shipment joins {one.pickup} and {one.delivery}, but one of them is no visit of the problem."
                )
            if visits[one.pickup].tier != visits[one.delivery].tier:
                raise InvalidProblem(
                    f"Visits {one.pickup} and {one.delivery} are one shipment and need the same priority."
                )
            if len(one.amount) != dimensions or min(one.amount, default=0) < 0:
                raise InvalidProblem(
                    f"The shipment of visits {one.pickup} and {one.delivery} needs {dimensions} amounts from 0 up."
                )
        if self.locks:
            raise InvalidProblem("Shipments are not planned together with locks. Take the locks off.")


def _unique(what: str, ids: list[int]) -> None:
    seen: set[int] = set()
    for key in ids:
        if key in seen:
            raise InvalidProblem(f"Two {what}s have the id {key}. Give each its own.")
        seen.add(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStop:
    """One place in a trip. arrival ≤ start, start + service = departure; waiting is start − arrival (seconds).

    `visits` are served one after the other at this door. `load` is what is on board when leaving, per dimension;
    `distance_m` and `travel_s` (while the wheels turn, at that time of the day) lead here from the stop before.
    """

    place: int
    visits: tuple[int, ...]
    arrival_s: int
    start_s: int
    departure_s: int
    distance_m: int
    travel_s: int
    load: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBreak:
    """`after_stop` counts the stops before it (0 = before the first)."""

    break_id: int
    start_s: int
    end_s: int
    after_stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTrip:
    """From loading to unloading at the depot: `departure_s` wheels turn, `return_s` back (or at the last stop when
    the end is free)."""

    departure_s: int
    return_s: int
    stops: tuple[PlannedStop, ...]
    distance_m: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRoute:
    """A shift's work. `start_s` on duty (loading begins), `end_s` off duty (debrief done).

    Between the `return_s` of a trip and the `departure_s` of the next lie the shift's `reload_s` and any break that is
    taken there.
    """

    shift: int
    start_s: int
    end_s: int
    trips: tuple[PlannedTrip, ...]
    breaks: tuple[PlannedBreak, ...] = ()
    cost: int = 0

    @property
    def stops(self) -> tuple[PlannedStop, ...]:
        return tuple(stop for trip in self.trips for stop in trip.stops)

    @property
    def visits(self) -> tuple[int, ...]:
        return tuple(visit for stop in self.stops for visit in stop.visits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unassigned:
    """A delivery that was left out. `proven`: a lone trip fails, even over the quickest chain of legs, whoever else is
    served; else it competed and lost, or only others on the way might make it possible."""

    visit: int
    reasons: tuple[Reason, ...]
    proven: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All routes and what was left out. Every visit of the problem is in exactly one of the two."""

    routes: tuple[PlannedRoute, ...]
    unassigned: tuple[Unassigned, ...]
    cost: int
    served_by_tier: tuple[tuple[int, int], ...]
    engine: str
    seed: int
    iterations: int = 0
    search_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SolveProgress:
    """How the search stands: seconds since it began, visits served per tier (highest first) and cost."""

    at_s: float
    phase: str
    served_by_tier: tuple[tuple[int, int], ...]
    served: int
    of: int
    cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """What the checker found: a word that a program can read, the visit or shift it is about, and a sentence."""

    code: str
    sentence: str
    shift: int | None = None
    visit: int | None = None
    amount: int = 0
