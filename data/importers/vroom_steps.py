"""VROOM's steps: what a vehicle does in which order, to begin a search from or (plan mode) to keep as it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from data.importers import vroom_values as values
from data.importers.vroom_values import Json
from routing.errors import FileRefused
from routing.model.given import GivenStep
from routing.model.plans import Plan, PlannedRoute, PlannedStop, PlannedTrip, Problem


class Task(NamedTuple):
    """A job, or one half of a shipment. `given` has its place and times, `whole` what holds for both halves."""

    kind: str
    """job, pickup or delivery"""
    id: int
    given: Json
    whole: Json

    @property
    def what(self) -> str:
        return f"{self.kind} {self.id}"


def steps_of(tasks: Mapping[int, Task], vehicles: Mapping[int, Json]) -> dict[int, tuple[GivenStep, ...]]:
    """The steps of each vehicle that has any. Raises FileRefused naming the step that is none."""
    visit_of = {(task.kind, task.id): visit for visit, task in tasks.items()}
    seen: set[int] = set()
    out: dict[int, tuple[GivenStep, ...]] = {}
    for vehicle_id, vehicle in vehicles.items():
        found = []
        what = f"vehicle {vehicle_id}: steps"
        steps = values.array(vehicle.get("steps", []), what)
        breaks = set(values.by_id(vehicle.get("breaks", []), f"vehicle {vehicle_id}: breaks"))
        for n, step in enumerate(steps):
            given = values.mapping(step, what)
            kind = given.get("type")
            forced = [
                values.whole(given[name], f"{what}: {name}", most=values.ALWAYS) if name in given else None
                for name in ("service_at", "service_after", "service_before")
            ]
            if kind in ("start", "end"):
                if n != (0 if kind == "start" else len(steps) - 1):
                    raise FileRefused(f"{what}: {kind} is step {n + 1} of {len(steps)}. Put start first and end last.")
                found.append(GivenStep(kind, 0, *forced))
                continue
            if kind not in ("job", "pickup", "delivery", "break"):
                raise FileRefused(
                    f"{what}: type {values.said(kind)} is refused; "
                    "a step is start, job, pickup, delivery, break or end."
                )
            key = values.whole(given.get("id"), f"{what}: id")
            if kind == "break":
                if key not in breaks:
                    raise FileRefused(f"{what}: break {key} is not among its breaks, or stands in two steps.")
                breaks.discard(key)
                found.append(GivenStep("break", key, *forced))
                continue
            visit = visit_of.get((kind, key))
            if visit is None or visit in seen:
                among = "the jobs" if kind == "job" else "the shipments"
                raise FileRefused(f"{what}: {kind} {key} is not among {among}, or stands in two steps.")
            seen.add(visit)
            found.append(GivenStep("task", visit, *forced))
        if found:
            out[vehicle_id] = tuple(found)
    return out


def begin_from(problem: Problem, given_steps: Mapping[int, tuple[GivenStep, ...]]) -> Plan | None:
    """The order in `steps` as a plan to begin from: only who and in which order, its times are not looked at."""
    place = {visit.id: visit.place for visit in problem.visits}
    routes = []
    for shift, steps in given_steps.items():
        stops = tuple(
            PlannedStop(
                place=place[step.key],
                visits=(step.key,),
                arrival_s=0,
                start_s=0,
                departure_s=0,
                distance_m=0,
                travel_s=0,
                load=(),
            )
            for step in steps
            if step.kind == "task"
        )
        if stops:
            trip = PlannedTrip(departure_s=0, return_s=0, stops=stops, distance_m=0)
            routes.append(PlannedRoute(shift=shift, start_s=0, end_s=0, trips=(trip,)))
    if not routes:
        return None
    return Plan(routes=tuple(routes), unassigned=(), cost=0, served_by_tier=(), engine="steps", seed=0)
