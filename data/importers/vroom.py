"""VROOM's problem as JSON → ours. Every field is honoured or refused by its name; nothing is passed over.

Conventions of the format: seconds, metres, `[lon, lat]`, windows with both ends inclusive, a skill is a number and
all are needed.

| VROOM | here |
|---|---|
| `priority` 0 to 100 | a tier: see below |
| `shipments` | two visits of one shipment, its pickup first on the same route; each counts as a task |
| `costs` of a vehicle | fixed, per km, per hour of travel (3600: cost is seconds), per hour of setup and service |
| `per_task_hour` | of jobs, pickups and deliveries, which are the tasks; VROOM 1.15 counts the service of breaks too |
| `setup`, `service` | setup only where the place differs from the one before; `_per_type` for vehicles of a `type` |
| `max_load` of a break | it is taken only while no more is on board |
| `steps` of a vehicle | the order to begin from; in plan mode (`options.c` or `--plan`) the order to keep |
| `matrices` | durations and distances by profile; `costs` are refused |
| `matrix` | the old form of `matrices`: durations of the profile car |
| coordinates without `matrices` | travel times of a region that was built |
| `options` | `l` (seconds to search), `c` (plan mode) and `g: false`; others are refused |

VROOM adds priorities up; we compare how many tasks are served per priority, from the highest down: one job of priority
10 outweighs any number of priority 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from data.importers import vroom_values as values
from data.importers.vroom_steps import Task, begin_from, steps_of
from data.importers.vroom_values import Json
from routing.errors import FileRefused
from routing.model.given import GivenStep
from routing.model.plans import (
    Break,
    CostScheme,
    Place,
    Plan,
    Problem,
    ShiftOffer,
    Shipment,
    Travel,
    Visit,
)
from routing.ports import TravelTimes

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class VroomProblem:
    """Our problem, and what the answer needs of theirs. Shift ids are VROOM's vehicle ids, visit ids those of jobs;
    the visits of shipments are numbered after them. `given_steps` are given in plan mode: the steps to keep."""

    problem: Problem
    tasks: Mapping[int, Task]
    vehicles: Mapping[int, Json]
    with_distances: bool
    with_amounts: bool
    start: Plan | None = None
    given_steps: Mapping[int, tuple[GivenStep, ...]] | None = None
    time_limit_s: float | None = None


def read_vroom(
    document: object,
    *,
    travel: TravelTimes | None = None,
    profiles: Mapping[str, str] | None = None,
    as_given: bool = False,
) -> VroomProblem:
    """`travel` is asked when places are given as coordinates; `profiles` says which of its profiles a VROOM profile is.
    `as_given`: plan mode, as `options.c` asks for it too.

    Raises FileRefused with a sentence that names the field, and TravelError from `travel`.
    """
    root = values.mapping(document, "the document")
    values.only(
        root,
        "the document",
        known=("jobs", "shipments", "vehicles", "matrices", "matrix", "options"),
        refused={},
    )
    if "matrix" in root:
        if "matrices" in root:
            raise FileRefused("matrix and matrices are both given. Keep matrices, by profile, with durations.")
        root = {**root, "matrices": {"car": {"durations": root["matrix"]}}}
    options = values.mapping(root.get("options", {}), "options")
    limit = _limit_of(options)
    as_given = _plan_mode(options) or as_given
    vehicles = values.by_id(root.get("vehicles"), "vehicles")
    if not vehicles:
        raise FileRefused("vehicles is empty: give at least one.")
    tasks = _tasks(root)
    for key, vehicle in vehicles.items():
        _check_vehicle(vehicle, f"vehicle {key}", as_given=as_given)
    reader = _Reader(root, tasks, vehicles, travel, profiles or {})
    problem = Problem(
        epoch=_EPOCH,
        dimensions=tuple(f"amount {n + 1}" for n in range(reader.dimensions)),
        places=tuple(reader.places),
        travel=reader.travel,
        visits=tuple(reader.visit(key, task) for key, task in tasks.items()),
        shifts=tuple(reader.shift(key, vehicle) for key, vehicle in vehicles.items()),
        shipments=tuple(
            Shipment(pickup=key, delivery=key + 1, amount=reader.amounts(task.whole, "amount", task.what))
            for key, task in tasks.items()
            if task.kind == "pickup"
        ),
        travel_build=reader.build,
    )
    given_steps = steps_of(tasks, vehicles)
    return VroomProblem(
        problem=problem,
        tasks=tasks,
        vehicles=vehicles,
        with_distances=reader.with_distances,
        with_amounts=reader.dimensions > 0,
        start=None if as_given else begin_from(problem, given_steps),
        given_steps=given_steps if as_given else None,
        time_limit_s=limit,
    )


# ---- which fields there are

_STEP = (
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


def _tasks(root: Json) -> dict[int, Task]:
    """By visit id: jobs under their own ids, then of each shipment the pickup and the delivery."""
    tasks: dict[int, Task] = {}
    for key, job in values.by_id(root.get("jobs", []), "jobs").items():
        values.only(
            job,
            f"job {key}",
            known=(*_STEP, "delivery", "pickup", "skills", "priority"),
            refused={"amount": "it is VROOM's old form; give delivery or pickup"},
        )
        tasks[key] = Task("job", key, job, job)
    visit = 1 + max(tasks, default=0)
    seen: set[tuple[str, int]] = set()
    for n, item in enumerate(values.array(root.get("shipments", []), "shipments")):
        whole = values.mapping(item, f"shipments[{n}]")
        values.only(whole, f"shipments[{n}]", known=("pickup", "delivery", "amount", "skills", "priority"), refused={})
        for kind in ("pickup", "delivery"):
            what = f"shipments[{n}]: {kind}"
            step = values.mapping(whole.get(kind), what)
            key = values.whole(step.get("id"), f"{what}: id")
            values.only(
                step,
                f"{kind} {key}",
                known=_STEP,
                refused={
                    name: "it belongs to the shipment, beside its pickup and delivery"
                    for name in ("amount", "skills", "priority")
                },
            )
            if (kind, key) in seen:
                raise FileRefused(f"shipments: two have a {kind} with the id {key}. Give each its own.")
            seen.add((kind, key))
            tasks[visit] = Task(kind, key, step, whole)
            visit += 1
    return tasks


def _check_vehicle(vehicle: Json, what: str, *, as_given: bool) -> None:
    values.only(
        vehicle,
        what,
        known=(
            "id", "profile", "description", "start", "start_index", "end", "end_index", "capacity", "costs", "skills",
            "type", "time_window", "breaks", "speed_factor", "max_tasks", "max_travel_time", "max_distance", "steps",
        ),
        refused={},
    )  # fmt: skip
    costs = values.mapping(vehicle.get("costs", {}), f"{what}: costs")
    values.only(costs, f"{what}: costs", known=("fixed", "per_hour", "per_km", "per_task_hour"), refused={})
    for pause in values.array(vehicle.get("breaks", []), f"{what}: breaks"):
        values.only(
            values.mapping(pause, f"{what}: breaks"),
            f"{what}: breaks",
            known=("id", "time_windows", "service", "description", "max_load"),
            refused={},
        )
    forced = ("service_at", "service_after", "service_before")
    late = "times of single steps are kept in plan mode only (--plan); else use time_windows of the job"
    for step in values.array(vehicle.get("steps", []), f"{what}: steps"):
        values.only(
            values.mapping(step, f"{what}: steps"),
            f"{what}: steps",
            known=("type", "id", *forced) if as_given else ("type", "id"),
            refused={} if as_given else dict.fromkeys(forced, late),
        )


def _limit_of(options: Json) -> float | None:
    values.only(options, "options", known=("g", "l", "c"), refused={})
    if options.get("g", False) is not False:
        raise FileRefused("options: g (geometry) is refused: the answer has no lines to draw. Leave it out.")
    limit = options.get("l")
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 < limit < 10**6:
        raise FileRefused(f"options: l is {values.said(limit)}, but a number of seconds above 0 is needed.")
    return float(limit)


def _plan_mode(options: Json) -> bool:
    chosen = options.get("c", False)
    if not isinstance(chosen, bool):
        raise FileRefused(f"options: c (plan mode) is {values.said(chosen)}, but true or false is needed.")
    return chosen


# ---- the parts


@dataclass
class _Reader:
    """Numbers the places and turns jobs and vehicles into ours."""

    root: Json
    tasks: Mapping[int, Task]
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
        self.profiles = {
            values.text(v.get("profile", "car"), f"vehicle {k}: profile") for k, v in self.vehicles.items()
        }
        self.dimensions = self._dimensions()
        self.indexed = "matrices" in self.root
        if self.indexed:
            self._matrices()
        else:
            self._measure()

    def _dimensions(self) -> int:
        lengths: dict[int, str] = {}
        named: list[tuple[str, Json, tuple[str, ...]]] = []
        for task in self.tasks.values():
            named.append((task.what, task.whole, ("delivery", "pickup") if task.kind == "job" else ("amount",)))
        for key, vehicle in self.vehicles.items():
            named.append((f"vehicle {key}", vehicle, ("capacity",)))
            for pause in values.array(vehicle.get("breaks", []), "breaks"):
                named.append((f"vehicle {key}: breaks", values.mapping(pause, "breaks"), ("max_load",)))
        for what, thing, names in named:
            for name in names:
                if name in thing:
                    label = f"{what}: {name}"
                    lengths.setdefault(len(values.array(thing[name], label)), label)
        if len(lengths) > 1:
            (one, first), (other, second) = list(lengths.items())[:2]
            raise FileRefused(f"{first} has {one} amounts, {second} has {other}. Give the same number everywhere.")
        count = next(iter(lengths), 0)
        for key, vehicle in self.vehicles.items():
            if count and "capacity" not in vehicle:
                raise FileRefused(f"vehicle {key} has no capacity, but amounts are given. Give it {count} numbers.")
        return count

    def _matrices(self) -> None:
        matrices = values.mapping(self.root["matrices"], "matrices")
        size: int | None = None
        for profile, given in matrices.items():
            what = f"matrices: {profile}"
            tables = values.mapping(given, what)
            values.only(
                tables,
                what,
                known=("durations", "distances"),
                refused={"costs": "cost is travel time and km; use costs of the vehicle"},
            )
            if "durations" not in tables:
                raise FileRefused(f"{what} has no durations. Give a square matrix of seconds.")
            durations = values.square(tables["durations"], f"{what}: durations")
            if size not in (None, len(durations)):
                raise FileRefused(
                    f"{what}: durations has {len(durations)} rows, another matrix {size}. Give the same places."
                )
            size = len(durations)
            if "distances" in tables:
                distances = values.square(tables["distances"], f"{what}: distances")
                if len(distances) != size:
                    raise FileRefused(f"{what}: distances has {len(distances)} rows, but there are {size} places.")
            else:
                self.with_distances = False
                distances = np.zeros_like(durations)
                self._needs_no_distance(profile)
            self.travel[profile] = Travel(durations_s=durations, distances_m=distances)
        for profile in sorted(self.profiles - set(self.travel)):
            raise FileRefused(f"matrices has none for profile {values.said(profile)}, which a vehicle uses. Add it.")
        self.places = [Place(index=n, name=f"location {n}") for n in range(size or 0)]

    def _needs_no_distance(self, profile: str) -> None:
        for key, vehicle in self.vehicles.items():
            per_km = values.mapping(vehicle.get("costs", {}), "costs").get("per_km", 0)
            if vehicle.get("profile", "car") == profile and ("max_distance" in vehicle or per_km):
                raise FileRefused(f"vehicle {key} counts km, but matrices: {profile} has no distances. Add them.")

    def _measure(self) -> None:
        for task in self.tasks.values():
            self._location(task.given, "location", task.what, needed=True)
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
        point = values.point(thing[name], f"{what}: {name}")
        index = self.by_location.setdefault((point.lat, point.lon), len(self.by_location))
        if index == len(self.places):
            self.places.append(Place(index=index, name=f"location {index}", location=point))
        return index

    def _place(self, thing: Json, name: str, what: str) -> int | None:
        if name in thing:
            values.point(thing[name], f"{what}: {name}")
        if not self.indexed:
            return self._location(thing, name, what, needed=False)
        if f"{name}_index" not in thing:
            return None
        index = values.whole(thing[f"{name}_index"], f"{what}: {name}_index")
        if index >= len(self.places):
            raise FileRefused(
                f"{what}: {name}_index is {index}, but the matrices have {len(self.places)} places, 0 first."
            )
        return index

    def visit(self, key: int, task: Task) -> Visit:
        what, given = task.what, task.given
        place = self._place(given, "location", what)
        if place is None:
            raise FileRefused(f"{what} has no location_index, which matrices need. Give its row, 0 first.")
        priority = values.whole(task.whole.get("priority", 0), f"{what}: priority")
        if priority > 100:
            raise FileRefused(f"{what}: priority is {priority}, but runs from 0 to 100.")
        setup, service = self._per_type(given, "setup", what), self._per_type(given, "service", what)
        job = given if task.kind == "job" else {}
        return Visit(
            id=key,
            place=place,
            setup_s=setup[""],
            service_s=service[""],
            work_by_type=tuple(
                (kind, setup.get(kind, setup[""]), service.get(kind, service[""]))
                for kind in sorted((setup.keys() | service.keys()) - {""})
            ),
            windows=values.windows(given, what),
            load=self.amounts(job, "delivery", what),
            collect=self.amounts(job, "pickup", what),
            skills=values.skills(task.whole, what),
            tier=priority,
            # What is left out is told in their words: our number of a pickup is not theirs.
            name=values.text(given.get("description", ""), f"{what}: description") or f"{task.kind.title()} {task.id}",
        )

    def _per_type(self, given: Json, name: str, what: str) -> dict[str, int]:
        """Seconds by type of vehicle; under "" for all others."""
        own = {
            kind: values.whole(seconds, f"{what}: {name}_per_type: {kind}", most=values.MOST)
            for kind, seconds in values.mapping(given.get(f"{name}_per_type", {}), f"{what}: {name}_per_type").items()
        }
        if "" in own:
            raise FileRefused(f'{what}: {name}_per_type names the type "", which no vehicle can have. Name a type.')
        return {"": values.whole(given.get(name, 0), f"{what}: {name}", most=values.MOST), **own}

    def amounts(self, thing: Json, name: str, what: str) -> tuple[int, ...]:
        if name not in thing:
            return (0,) * self.dimensions
        return tuple(
            values.whole(n, f"{what}: {name}", most=values.MOST) for n in values.array(thing[name], f"{what}: {name}")
        )

    def shift(self, key: int, vehicle: Json) -> ShiftOffer:
        what = f"vehicle {key}"
        start, end = self._place(vehicle, "start", what), self._place(vehicle, "end", what)
        if start is None and end is None:
            raise FileRefused(
                f"{what} has neither start nor end. Give at least one{' as an index' if self.indexed else ''}."
            )
        window = (-values.ALWAYS, values.ALWAYS)
        if "time_window" in vehicle:
            window = values.window(vehicle["time_window"], f"{what}: time_window")
        costs = values.mapping(vehicle.get("costs", {}), f"{what}: costs")
        return ShiftOffer(
            id=key,
            profile=values.text(vehicle.get("profile", "car"), f"{what}: profile"),
            start=start,
            end=end,
            # Without a window a vehicle begins at 0, or earlier where a job must.
            start_s=window[0] if "time_window" in vehicle else min(0, self._earliest()),
            end_s=window[1],
            capacity=self.amounts(vehicle, "capacity", what),
            skills=values.skills(vehicle, what),
            breaks=self._breaks(vehicle, f"{what}: breaks"),
            cost=CostScheme(
                fixed=1000 * values.whole(costs.get("fixed", 0), f"{what}: costs: fixed", most=values.MOST // 1000),
                per_travel_hour=1000
                * values.whole(costs.get("per_hour", 3600), f"{what}: costs: per_hour", most=values.MOST // 1000),
                per_task_hour=1000
                * values.whole(
                    costs.get("per_task_hour", 0), f"{what}: costs: per_task_hour", most=values.MOST // 1000
                ),
                per_km=1000 * values.whole(costs.get("per_km", 0), f"{what}: costs: per_km", most=values.MOST // 1000),
            ),
            max_visits=values.limit(vehicle, "max_tasks", what),
            max_distance_m=values.limit(vehicle, "max_distance", what),
            max_travel_s=values.limit(vehicle, "max_travel_time", what),
            speed_factor=values.factor(vehicle, what),
            type=values.text(vehicle.get("type", ""), f"{what}: type"),
            name=values.text(vehicle.get("description", ""), f"{what}: description") or f"Vehicle {key}",
        )

    def _breaks(self, vehicle: Json, what: str) -> tuple[Break, ...]:
        found = []
        for key, pause in values.by_id(vehicle.get("breaks", []), what).items():
            named = f"{what}: {key}"
            values.text(pause.get("description", ""), f"{named}: description")
            found.append(
                Break(
                    id=key,
                    duration_s=values.whole(pause.get("service", 0), f"{named}: service", most=values.MOST),
                    windows=values.windows(pause, named),
                    max_load=self.amounts(pause, "max_load", named) if "max_load" in pause else None,
                )
            )
        return tuple(found)

    def _earliest(self) -> int:
        starts = [
            window.start_s
            for task in self.tasks.values()
            if "time_windows" in task.given
            for window in values.windows(task.given, task.what)
        ]
        return min(starts, default=0)
