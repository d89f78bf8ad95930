"""Our plan as VROOM's answer. `unassigned[].reasons` and `.proven` are our extension.

Of each route: end = start + duration + setup + service + waiting_time, where breaks count as service.
"""

from __future__ import annotations

from collections.abc import Mapping

from data.importers.vroom import VroomProblem
from routing.model.plans import Plan, PlannedBreak, PlannedRoute, PlannedStop

type Answer = dict[str, object]


def write_vroom(plan: Plan, given: VroomProblem, *, loading_ms: int = 0) -> Answer:
    """The answer to a problem that was solved: code 0."""
    routes = [_Route(route, given).write() for route in plan.routes]
    summary: Answer = {
        "cost": sum(_number(route, "cost") for route in routes),
        "routes": len(routes),
        "unassigned": len(plan.unassigned),
    }
    names = ["setup", "service", "duration", "waiting_time", "priority"]
    if given.with_distances:
        names.append("distance")
    if given.with_amounts:
        for name in ("delivery", "pickup"):
            columns = [route[name] for route in routes]
            summary[name] = [sum(column) for column in zip(*columns, strict=True)] if columns else []
    for name in names:
        summary[name] = sum(_number(route, name) for route in routes)
    summary["violations"] = []
    summary["computing_times"] = {"loading": loading_ms, "solving": round(1000 * plan.search_s), "routing": 0}
    unassigned = [
        {
            "id": gone.visit,
            "type": "job",
            **_of_task(given.jobs[gone.visit]),
            "reasons": [reason.value for reason in gone.reasons],
            "proven": gone.proven,
            "detail": gone.detail,
        }
        for gone in plan.unassigned
    ]
    return {"code": 0, "summary": summary, "unassigned": unassigned, "routes": routes}


def write_vroom_error(code: int, sentence: str) -> Answer:
    """`code` as VROOM counts: 1 internal, 2 input, 3 routing."""
    return {"code": code, "error": sentence}


class _Route:
    """Walks one route and writes a step for each visit and break."""

    def __init__(self, route: PlannedRoute, given: VroomProblem) -> None:
        self.route, self.given = route, given
        self.visits = {visit.id: visit for visit in given.problem.visits}
        self.vehicle = given.vehicles[route.shift]
        self.steps: list[Answer] = []
        self.time = route.trips[0].departure_s
        self.duration = self.distance = 0
        self.sums = {"setup": 0, "service": 0, "waiting_time": 0}
        count = len(given.problem.dimensions)
        served = [self.visits[key] for key in route.visits]
        self.load = [sum(visit.load[d] for visit in served) for d in range(count)]
        self.delivery = list(self.load)
        self.pickup = [sum(visit.collect[d] for visit in served) for d in range(count)]

    def write(self) -> Answer:
        route, vehicle = self.route, self.vehicle
        if "start" in vehicle or "start_index" in vehicle:
            self._step("start", self.time, **_place(vehicle, "start"))
        place = next(s.start for s in self.given.problem.shifts if s.id == route.shift)
        for n, stop in enumerate(route.stops):
            self._breaks(n, stop.arrival_s, stop.travel_s)
            self._stop(stop, moved=stop.place != place)
            place = stop.place
        trip = route.trips[0]
        travel = (
            trip.return_s
            - self.time
            - sum(
                rest.end_s - rest.start_s
                for rest in route.breaks
                if rest.after_stop == len(route.stops) and rest.start_s < trip.return_s
            )
        )
        self._breaks(len(route.stops), trip.return_s, travel)
        self.duration, self.distance = self.duration_after, trip.distance_m
        if "end" in vehicle or "end_index" in vehicle:
            self._step("end", max(self.time, trip.return_s), **_place(vehicle, "end"))
        out: Answer = {
            "vehicle": route.shift,
            "cost": route.cost // 1000 if route.cost % 1000 == 0 else route.cost / 1000,
        }
        if self.given.with_amounts:
            out |= {"delivery": self.delivery, "pickup": self.pickup}
        out |= {**self.sums, "duration": self.duration, "priority": sum(self.visits[key].tier for key in route.visits)}
        if self.given.with_distances:
            out["distance"] = self.distance
        if "description" in vehicle:
            out["description"] = vehicle["description"]
        return {**out, "steps": self.steps, "violations": []}

    def _breaks(self, after: int, arrival: int, travel: int) -> None:
        """The breaks on the way to the next stop: on the road until `arrival`, at its door afterwards."""
        left = travel
        for rest in (rest for rest in self.route.breaks if rest.after_stop == after):
            driven = left if rest.start_s >= arrival else rest.start_s - self.time
            left -= driven
            self.duration += driven
            self._pause(rest, self.time + driven)
        self.duration_after = self.duration + left
        self.arrival = self.time + left

    def _pause(self, rest: PlannedBreak, arrival: int) -> None:
        length = rest.end_s - rest.start_s
        given = next(
            pause
            for pause in _list(self.vehicle["breaks"])
            if isinstance(pause, Mapping) and pause["id"] == rest.break_id
        )
        about = {"description": given["description"]} if "description" in given else {}
        self._step("break", arrival, id=rest.break_id, service=length, waiting_time=rest.start_s - arrival, **about)
        self.time = rest.end_s

    def _stop(self, stop: PlannedStop, *, moved: bool) -> None:
        self.duration, arrival = self.duration_after, self.arrival
        self.distance += stop.distance_m
        start = stop.start_s
        for n, key in enumerate(stop.visits):
            visit = self.visits[key]
            setup = visit.setup_s if moved and n == 0 else 0
            self.load = [on - out + back for on, out, back in zip(self.load, visit.load, visit.collect, strict=True)]
            self._step(
                "job",
                arrival,
                id=key,
                job=key,
                setup=setup,
                service=visit.service_s,
                waiting_time=start - arrival,
                **_of_task(self.given.jobs[key]),
            )
            arrival = start = start + setup + visit.service_s
        self.time = stop.departure_s

    def _step(self, kind: str, arrival: int, **more: object) -> None:
        step: Answer = {"type": kind, "setup": 0, "service": 0, "waiting_time": 0} | more
        step |= {"arrival": arrival, "duration": self.duration, "violations": []}
        if self.given.with_amounts:
            step["load"] = list(self.load)
        if self.given.with_distances:
            step["distance"] = self.distance
        for name in self.sums:
            value = step[name]
            assert isinstance(value, int)
            self.sums[name] += value
        self.steps.append(step)


def _of_task(job: Mapping[str, object]) -> Answer:
    return {name: job[name] for name in ("location", "location_index", "description") if name in job}


def _place(vehicle: Mapping[str, object], name: str) -> Answer:
    out: Answer = {}
    if name in vehicle:
        out["location"] = vehicle[name]
    if f"{name}_index" in vehicle:
        out["location_index"] = vehicle[f"{name}_index"]
    return out


def _list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


def _number(route: Answer, name: str) -> int | float:
    value = route[name]
    assert isinstance(value, int | float)
    return value
