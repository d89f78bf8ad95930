"""VROOM's problem as JSON → ours. Every field is honoured or refused by its name; nothing is passed over.

Conventions of the format: seconds, metres, `[lon, lat]`, windows with both ends inclusive, a skill is a number and
all are needed.

| VROOM | here |
|---|---|
| `priority` 0 to 100 | a tier: see below |
| `costs` of a vehicle | fixed, per km and per hour of travel (default: 3600 per hour: cost is seconds of travel) |
| `setup`, `service` | setup only where the place differs from the one before |
| `setup_per_type`, `service_per_type` | honoured where they come to the same for all vehicles |
| `steps` of a vehicle | the order to begin from; `service_at`, `service_after`, `service_before` are refused |
| `matrices` | durations and distances; `costs` are refused |
| `matrix` | the old form of `matrices`: durations of the profile car |
| coordinates without `matrices` | travel times of a region that was built |
| `shipments`, a break's `max_load` | refused |
| `options` | `l` (seconds to search) and `g: false`; others are refused |

VROOM adds priorities up; we compare how many are served per priority, from the highest down: one job of priority 10
outweighs any number of priority 9.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from routing.errors import FileRefused, InvalidInput
from routing.model.places import Location
from routing.model.plans import (
    Break,
    CostScheme,
    Place,
    Plan,
    PlannedRoute,
    PlannedStop,
    PlannedTrip,
    Problem,
    ShiftOffer,
    Travel,
    Visit,
    Window,
)
from routing.ports import TravelTimes

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALWAYS = 2**35
"""Seconds either way: what has no window may happen at any time."""
_MOST = 2**40
"""Largest time, amount or limit that a problem takes; of a cost, in thousandths."""
_DAYS = 2**31
"""Largest number that is read as a time, distance or amount."""

type Json = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class VroomProblem:
    """Our problem, and what the answer needs of theirs. Visit and shift ids are VROOM's job and vehicle ids."""

    problem: Problem
    jobs: Mapping[int, Json]
    vehicles: Mapping[int, Json]
    with_distances: bool
    with_amounts: bool
    start: Plan | None = None
    time_limit_s: float | None = None


def read_json(file: TextIO) -> object:
    """A JSON document in which every field stands once. Raises FileRefused."""
    try:
        return json.load(file, object_pairs_hook=_each_once)
    except UnicodeDecodeError as problem:
        raise FileRefused(
            "The problem is not UTF-8. Save it as UTF-8 and solve it again.", code="encoding"
        ) from problem
    except RecursionError as problem:
        raise FileRefused("The problem is nested too deeply to be one. Check what wrote it.") from problem
    except ValueError as problem:  # no JSON, or a number of thousands of digits
        raise FileRefused(f"The problem is not JSON: {str(problem).partition(';')[0]}.") from problem


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """JSON lets a field stand twice and readers keep the last: the other would be passed over in silence."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise FileRefused(f"The field {_said(twice)} stands twice in one object. Keep one of them.")
    return found


def read_vroom(
    document: object, *, travel: TravelTimes | None = None, profiles: Mapping[str, str] | None = None
) -> VroomProblem:
    """`travel` is asked when places are given as coordinates; `profiles` says which of its profiles a VROOM profile is.

    Raises FileRefused with a sentence that names the field, and TravelError from `travel`.
    """
    root = _object(document, "the document")
    _only(
        root,
        "the document",
        known=("jobs", "vehicles", "matrices", "matrix", "options"),
        refused={"shipments": "pickups that are delivered on the same trip are not planned; give them as two jobs"},
    )
    if "matrix" in root:
        if "matrices" in root:
            raise FileRefused("matrix and matrices are both given. Keep matrices, by profile, with durations.")
        root = {**root, "matrices": {"car": {"durations": root["matrix"]}}}
    limit = _options(root)
    jobs = _by_id(root.get("jobs", []), "jobs")
    vehicles = _by_id(root.get("vehicles"), "vehicles")
    if not vehicles:
        raise FileRefused("vehicles is empty: give at least one.")
    for key, job in jobs.items():
        _check_job(job, f"job {key}")
    for key, vehicle in vehicles.items():
        _check_vehicle(vehicle, f"vehicle {key}")
    reader = _Reader(root, jobs, vehicles, travel, profiles or {})
    problem = Problem(
        epoch=_EPOCH,
        dimensions=tuple(f"amount {n + 1}" for n in range(reader.dimensions)),
        places=tuple(reader.places),
        travel=reader.travel,
        visits=tuple(reader.visit(key, job) for key, job in jobs.items()),
        shifts=tuple(reader.shift(key, vehicle) for key, vehicle in vehicles.items()),
        travel_build=reader.build,
    )
    return VroomProblem(
        problem=problem,
        jobs=jobs,
        vehicles=vehicles,
        with_distances=reader.with_distances,
        with_amounts=reader.dimensions > 0,
        start=_begin_from(problem, vehicles),
        time_limit_s=limit,
    )


# ---- which fields there are

_TASK = (
    "id",
    "description",
    "location",
    "location_index",
    "setup",
    "service",
    "setup_per_type",
    "service_per_type",
    "time_windows",
)


def _check_job(job: Json, what: str) -> None:
    _only(
        job,
        what,
        known=(*_TASK, "delivery", "pickup", "skills", "priority"),
        refused={"amount": "it is VROOM's old form; give delivery or pickup"},
    )


def _check_vehicle(vehicle: Json, what: str) -> None:
    _only(
        vehicle,
        what,
        known=(
            "id", "profile", "description", "start", "start_index", "end", "end_index", "capacity", "costs", "skills",
            "type", "time_window", "breaks", "speed_factor", "max_tasks", "max_travel_time", "max_distance", "steps",
        ),
        refused={},
    )  # fmt: skip
    costs = _object(vehicle.get("costs", {}), f"{what}: costs")
    _only(
        costs,
        f"{what}: costs",
        known=("fixed", "per_hour", "per_km"),
        refused={"per_task_hour": "hours at the door have no cost of their own here; leave it out"},
    )
    for pause in _list(vehicle.get("breaks", []), f"{what}: breaks"):
        _only(
            _object(pause, f"{what}: breaks"),
            f"{what}: breaks",
            known=("id", "time_windows", "service", "description"),
            refused={"max_load": "a break that depends on the load is not planned; leave it out"},
        )
    for step in _list(vehicle.get("steps", []), f"{what}: steps"):
        late = "times of single steps are not kept; use time_windows of the job"
        _only(
            _object(step, f"{what}: steps"),
            f"{what}: steps",
            known=("type", "id"),
            refused={"service_at": late, "service_after": late, "service_before": late},
        )


def _options(root: Json) -> float | None:
    options = _object(root.get("options", {}), "options")
    _only(options, "options", known=("g", "l"), refused={})
    if options.get("g", False) is not False:
        raise FileRefused("options: g (geometry) is refused: the answer has no lines to draw. Leave it out.")
    limit = options.get("l")
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 < limit < 10**6:
        raise FileRefused(f"options: l is {_said(limit)}, but a number of seconds above 0 is needed.")
    return float(limit)


# ---- the parts


@dataclass
class _Reader:
    """Numbers the places and turns jobs and vehicles into ours."""

    root: Json
    jobs: Mapping[int, Json]
    vehicles: Mapping[int, Json]
    source: TravelTimes | None
    profile_names: Mapping[str, str]
    places: list[Place] = field(default_factory=list)
    travel: dict[str, Travel] = field(default_factory=dict)
    build: str = ""
    with_distances: bool = True
    dimensions: int = 0

    def __post_init__(self) -> None:
        self.by_location: dict[tuple[float, float], int] = {}
        self.profiles = {_text(v.get("profile", "car"), f"vehicle {k}: profile") for k, v in self.vehicles.items()}
        self.dimensions = self._dimensions()
        self.indexed = "matrices" in self.root
        if self.indexed:
            self._matrices()
        else:
            self._measure()

    def _dimensions(self) -> int:
        lengths: dict[int, str] = {}
        for what, things, names in (
            ("job", self.jobs, ("delivery", "pickup")),
            ("vehicle", self.vehicles, ("capacity",)),
        ):
            for key, thing in things.items():
                for name in names:
                    if name in thing:
                        label = f"{what} {key}: {name}"
                        lengths.setdefault(len(_list(thing[name], label)), label)
        if len(lengths) > 1:
            (one, first), (other, second) = list(lengths.items())[:2]
            raise FileRefused(f"{first} has {one} amounts, {second} has {other}. Give the same number everywhere.")
        count = next(iter(lengths), 0)
        for key, vehicle in self.vehicles.items():
            if count and "capacity" not in vehicle:
                raise FileRefused(f"vehicle {key} has no capacity, but amounts are given. Give it {count} numbers.")
        return count

    def _matrices(self) -> None:
        matrices = _object(self.root["matrices"], "matrices")
        size: int | None = None
        for profile, given in matrices.items():
            what = f"matrices: {profile}"
            tables = _object(given, what)
            _only(
                tables,
                what,
                known=("durations", "distances"),
                refused={"costs": "cost is travel time and km; use costs of the vehicle"},
            )
            if "durations" not in tables:
                raise FileRefused(f"{what} has no durations. Give a square matrix of seconds.")
            durations = _square(tables["durations"], f"{what}: durations")
            if size not in (None, len(durations)):
                raise FileRefused(
                    f"{what}: durations has {len(durations)} rows, another matrix {size}. Give the same places."
                )
            size = len(durations)
            if "distances" in tables:
                distances = _square(tables["distances"], f"{what}: distances")
                if len(distances) != size:
                    raise FileRefused(f"{what}: distances has {len(distances)} rows, but there are {size} places.")
            else:
                self.with_distances = False
                distances = np.zeros_like(durations)
                self._needs_no_distance(profile)
            self.travel[profile] = Travel(durations_s=durations, distances_m=distances)
        for profile in sorted(self.profiles - set(self.travel)):
            raise FileRefused(f"matrices has none for profile {_said(profile)}, which a vehicle uses. Add it.")
        self.places = [Place(index=n, name=f"location {n}") for n in range(size or 0)]

    def _needs_no_distance(self, profile: str) -> None:
        for key, vehicle in self.vehicles.items():
            per_km = _object(vehicle.get("costs", {}), "costs").get("per_km", 0)
            if vehicle.get("profile", "car") == profile and ("max_distance" in vehicle or per_km):
                raise FileRefused(f"vehicle {key} counts km, but matrices: {profile} has no distances. Add them.")

    def _measure(self) -> None:
        for key, job in self.jobs.items():
            self._location(job, "location", f"job {key}", needed=True)
        for key, vehicle in self.vehicles.items():
            for name in ("start", "end"):
                self._location(vehicle, name, f"vehicle {key}", needed=False)
        if self.source is None:
            raise FileRefused(
                "The places are coordinates and no matrices are given: add matrices with durations, "
                "or name a region that was built (--region NAME)."
            )
        locations = [place.location for place in self.places if place.location is not None]
        for profile in sorted(self.profiles):
            table = self.source.table(locations, profile=self.profile_names.get(profile, profile))
            self.travel[profile] = Travel(durations_s=table.durations_s, distances_m=table.distances_m)
            self.build = table.build

    def _location(self, thing: Json, name: str, what: str, *, needed: bool) -> int | None:
        if name not in thing:
            if needed:
                raise FileRefused(f"{what} has no {name}. Give [lon, lat], or matrices and {name}_index.")
            return None
        point = _point(thing[name], f"{what}: {name}")
        index = self.by_location.setdefault((point.lat, point.lon), len(self.by_location))
        if index == len(self.places):
            self.places.append(Place(index=index, name=f"location {index}", location=point))
        return index

    def _place(self, thing: Json, name: str, what: str) -> int | None:
        if name in thing:
            _point(thing[name], f"{what}: {name}")
        if not self.indexed:
            return self._location(thing, name, what, needed=False)
        if f"{name}_index" not in thing:
            return None
        index = _whole(thing[f"{name}_index"], f"{what}: {name}_index")
        if index >= len(self.places):
            raise FileRefused(
                f"{what}: {name}_index is {index}, but the matrices have {len(self.places)} places, 0 first."
            )
        return index

    def visit(self, key: int, job: Json) -> Visit:
        what = f"job {key}"
        place = self._place(job, "location", what)
        if place is None:
            raise FileRefused(f"{what} has no location_index, which matrices need. Give its row, 0 first.")
        priority = _whole(job.get("priority", 0), f"{what}: priority")
        if priority > 100:
            raise FileRefused(f"{what}: priority is {priority}, but runs from 0 to 100.")
        return Visit(
            id=key,
            place=place,
            service_s=self._per_type(job, "service", what),
            setup_s=self._per_type(job, "setup", what),
            windows=_windows(job, what),
            load=self._amounts(job, "delivery", what),
            collect=self._amounts(job, "pickup", what),
            skills=_skills(job, what),
            tier=priority,
            name=_text(job.get("description", ""), f"{what}: description"),
        )

    def _per_type(self, job: Json, name: str, what: str) -> int:
        plain = _whole(job.get(name, 0), f"{what}: {name}", most=_MOST)
        own = {
            kind: _whole(value, f"{what}: {name}_per_type: {kind}", most=_MOST)
            for kind, value in _object(job.get(f"{name}_per_type", {}), f"{what}: {name}_per_type").items()
        }
        times = {
            own.get(_text(vehicle.get("type", ""), f"vehicle {key}: type"), plain)
            for key, vehicle in self.vehicles.items()
        }
        if len(times) > 1:
            raise FileRefused(
                f"{what}: {name}_per_type gives the vehicles different times, which is refused: "
                f"give one {name}, or solve each type by itself."
            )
        return times.pop()

    def _amounts(self, thing: Json, name: str, what: str) -> tuple[int, ...]:
        if name not in thing:
            return (0,) * self.dimensions
        return tuple(_whole(n, f"{what}: {name}", most=_MOST) for n in _list(thing[name], f"{what}: {name}"))

    def shift(self, key: int, vehicle: Json) -> ShiftOffer:
        what = f"vehicle {key}"
        start, end = self._place(vehicle, "start", what), self._place(vehicle, "end", what)
        if start is None and end is None:
            raise FileRefused(
                f"{what} has neither start nor end. Give at least one{' as an index' if self.indexed else ''}."
            )
        window = (-_ALWAYS, _ALWAYS)
        if "time_window" in vehicle:
            window = _window(vehicle["time_window"], f"{what}: time_window")
        costs = _object(vehicle.get("costs", {}), f"{what}: costs")
        return ShiftOffer(
            id=key,
            profile=_text(vehicle.get("profile", "car"), f"{what}: profile"),
            start=start,
            end=end,
            # Without a window a vehicle begins at 0, or earlier where a job must.
            start_s=window[0] if "time_window" in vehicle else min(0, self._earliest()),
            end_s=window[1],
            capacity=self._amounts(vehicle, "capacity", what),
            skills=_skills(vehicle, what),
            breaks=_breaks(vehicle, f"{what}: breaks"),
            cost=CostScheme(
                fixed=1000 * _whole(costs.get("fixed", 0), f"{what}: costs: fixed", most=_MOST // 1000),
                per_travel_hour=1000
                * _whole(costs.get("per_hour", 3600), f"{what}: costs: per_hour", most=_MOST // 1000),
                per_km=1000 * _whole(costs.get("per_km", 0), f"{what}: costs: per_km", most=_MOST // 1000),
            ),
            max_visits=_limit(vehicle, "max_tasks", what),
            max_distance_m=_limit(vehicle, "max_distance", what),
            max_travel_s=_limit(vehicle, "max_travel_time", what),
            speed_factor=_factor(vehicle, what),
            name=_text(vehicle.get("description", ""), f"{what}: description"),
        )

    def _earliest(self) -> int:
        starts = [
            w.start_s for key, job in self.jobs.items() if "time_windows" in job for w in _windows(job, f"job {key}")
        ]
        return min(starts, default=0)


def _breaks(vehicle: Json, what: str) -> tuple[Break, ...]:
    found = []
    for key, pause in _by_id(vehicle.get("breaks", []), what).items():
        named = f"{what}: {key}"
        _text(pause.get("description", ""), f"{named}: description")
        service = _whole(pause.get("service", 0), f"{named}: service", most=_MOST)
        found.append(Break(id=key, duration_s=service, windows=_windows(pause, named)))
    return tuple(found)


def _begin_from(problem: Problem, vehicles: Mapping[int, Json]) -> Plan | None:
    """The order in `steps` as a plan to begin from: only who and in which order, its times are not looked at."""
    visits = {visit.id: visit for visit in problem.visits}
    routes = []
    seen: set[int] = set()
    for key, vehicle in vehicles.items():
        stops = []
        for step in _list(vehicle.get("steps", []), f"vehicle {key}: steps"):
            given = _object(step, f"vehicle {key}: steps")
            kind = given.get("type")
            if kind in ("start", "end", "break"):
                continue
            if kind != "job":
                raise FileRefused(
                    f"vehicle {key}: steps: type {_said(kind)} is refused; a step is start, job, break or end."
                )
            job = _whole(given.get("id"), f"vehicle {key}: steps: id")
            if job not in visits or job in seen:
                raise FileRefused(f"vehicle {key}: steps: job {job} is not among the jobs, or stands in two steps.")
            seen.add(job)
            stops.append(
                PlannedStop(
                    place=visits[job].place,
                    visits=(job,),
                    arrival_s=0,
                    start_s=0,
                    departure_s=0,
                    distance_m=0,
                    travel_s=0,
                    load=(),
                )
            )
        if stops:
            trip = PlannedTrip(departure_s=0, return_s=0, stops=tuple(stops), distance_m=0)
            routes.append(PlannedRoute(shift=key, start_s=0, end_s=0, trips=(trip,)))
    if not routes:
        return None
    return Plan(routes=tuple(routes), unassigned=(), cost=0, served_by_tier=(), engine="steps", seed=0)


# ---- plain values, each refused by name


def _only(thing: Json, what: str, *, known: Collection[str], refused: Mapping[str, str]) -> None:
    for name in thing:
        if name in refused:
            raise FileRefused(f"{what}: {name} is refused: {refused[name]}.")
        if name not in known:
            raise FileRefused(
                f"{what}: {_cut(name)} is not a field that is known here. Leave it out, or correct its spelling."
            )


def _said(value: object) -> str:
    """A value as JSON writes it, cut short: it may be a file's worth."""
    if isinstance(value, list | Mapping):
        return _kind(value)
    return _cut(json.dumps(value))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _kind(value: object) -> str:
    """What JSON calls it."""
    if value is None:
        return "null"
    names = ((bool, "true or false"), (str, "text"), (int | float, "a number"), (list, "an array"))
    return next((name for kind, name in names if isinstance(value, kind)), "an object")


def _object(value: object, what: str) -> Json:
    if not isinstance(value, Mapping):
        raise FileRefused(f"{what} must be an object, not {_kind(value)}.")
    return value


def _list(value: object, what: str) -> list[object]:
    if not isinstance(value, list):
        raise FileRefused(f"{what} must be an array, not {_kind(value)}.")
    return value


def _by_id(value: object, what: str) -> dict[int, Json]:
    found: dict[int, Json] = {}
    for n, item in enumerate(_list(value, what)):
        thing = _object(item, f"{what}[{n}]")
        key = _whole(thing.get("id"), f"{what}[{n}]: id")
        if key in found:
            raise FileRefused(f"{what}: two have the id {key}. Give each its own.")
        found[key] = thing
    return found


def _whole(value: object, what: str, *, most: int = 2**53) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise FileRefused(f"{what} is {_said(value)}, but a whole number from 0 up is needed.")
    if value > most:
        raise FileRefused(f"{what} is {_said(value)}, but at most {most} is planned with. Check its unit.")
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise FileRefused(f"{what} is {_said(value)}, but text is needed.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise FileRefused(f"{what} is {_said(value)}, which holds half a character. Correct it.")
    return value


def _limit(thing: Json, name: str, what: str) -> int | None:
    return _whole(thing[name], f"{what}: {name}", most=_MOST) if name in thing else None


def _factor(vehicle: Json, what: str) -> float:
    factor = vehicle.get("speed_factor", 1.0)
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0 < factor <= 5:
        raise FileRefused(f"{what}: speed_factor is {_said(factor)}, but a number above 0, at most 5, is needed.")
    return float(factor)


def _skills(thing: Json, what: str) -> frozenset[str]:
    return frozenset(str(_whole(n, f"{what}: skills")) for n in _list(thing.get("skills", []), f"{what}: skills"))


def _window(value: object, what: str) -> tuple[int, int]:
    pair = _list(value, what)
    if len(pair) != 2:
        raise FileRefused(f"{what} has {len(pair)} numbers: a window is [start, end].")
    start, end = (_whole(n, what) for n in pair)
    if end < start or end > _ALWAYS:
        raise FileRefused(f"{what} ends at {end}, before it starts at {start}, or too late to be seconds.")
    return start, end


def _windows(thing: Json, what: str) -> tuple[Window, ...]:
    if "time_windows" not in thing:
        return (Window(start_s=-_ALWAYS, end_s=_ALWAYS),)
    pairs = [_window(pair, f"{what}: time_windows") for pair in _list(thing["time_windows"], f"{what}: time_windows")]
    if not pairs:
        raise FileRefused(f"{what}: time_windows is empty. Leave it out when any time is right.")
    return tuple(Window(start_s=start, end_s=end) for start, end in pairs)


def _point(value: object, what: str) -> Location:
    pair = _list(value, what)
    if len(pair) != 2 or any(isinstance(n, bool) or not isinstance(n, int | float) for n in pair):
        raise FileRefused(f"{what} is {_said(value)}: a place is [lon, lat].")
    lon, lat = (float(n) for n in pair if isinstance(n, int | float))
    try:
        return Location(lat=lat, lon=lon)
    except InvalidInput as error:
        raise FileRefused(f"{what}: {error.message}") from error


def _square(value: object, what: str) -> NDArray[np.int64]:
    rows = [_list(row, what) for row in _list(value, what)]
    if any(len(row) != len(rows) for row in rows):
        raise FileRefused(f"{what} is not square: it has {len(rows)} rows.")
    numbers: Callable[[object], bool] = lambda n: isinstance(n, int) and not isinstance(n, bool) and 0 <= n < _DAYS  # noqa: E731
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            if not numbers(cell):
                raise FileRefused(f"{what}: from {i} to {j} is {_said(cell)}, but a whole number from 0 up is needed.")
    return np.array(rows, dtype=np.int64).reshape(len(rows), len(rows))
