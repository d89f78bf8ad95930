"""Our plan as VROOM's answer. `unassigned[].reasons` and `.proven` are our extension.

Of each route: end = start + duration + setup + service + waiting_time, where breaks count as service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from data.importers.vroom import VroomProblem
from routing.model.given import Breach
from routing.model.plans import Plan, PlannedBreak, PlannedRoute, PlannedStop, Unassigned
from routing.rules.schedule import carried

type Answer = dict[str, object]


def write_vroom(
    plan: Plan,
    given: VroomProblem,
    *,
    loading_ms: int = 0,
    breaches: Mapping[int, Sequence[Breach]] | None = None,
) -> Answer:
    """The answer to a problem that was solved: code 0. In plan mode with what each vehicle's steps break."""
    found = breaches or {}
    routes = [_Route(route, given, found.get(route.shift, ())).write() for route in plan.routes]
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
    summary["violations"] = _summed([breach for route in plan.routes for breach in found.get(route.shift, ())])
    summary["computing_times"] = {"loading": loading_ms, "solving": round(1000 * plan.search_s), "routing": 0}
    unassigned = [
        {
            "id": given.tasks[gone.visit].id,
            "type": given.tasks[gone.visit].kind,
            **_of_task(given.tasks[gone.visit].given),
            **({} if given.given_steps is not None else _why(gone)),
        }
        for gone in plan.unassigned
    ]
    return {"code": 0, "summary": summary, "unassigned": unassigned, "routes": routes}


def _why(gone: Unassigned) -> Answer:
    return {"reasons": [reason.value for reason in gone.reasons], "proven": gone.proven, "detail": gone.detail}


def write_vroom_error(code: int, sentence: str) -> Answer:
    """`code` as VROOM counts: 1 internal, 2 input, 3 routing."""
    return {"code": code, "error": sentence}


class _Route:
    """Walks one route and writes a step for each visit and break."""

    def __init__(self, route: PlannedRoute, given: VroomProblem, breaches: Sequence[Breach]) -> None:
        self.route, self.given, self.breaches = route, given, breaches
        self.visits = {visit.id: visit for visit in given.problem.visits}
        self.vehicle = given.vehicles[route.shift]
        self.steps: list[Answer] = []
        self.time = route.trips[0].departure_s
        self.duration = self.distance = self.distance_before = 0
        self.sums = {"setup": 0, "service": 0, "waiting_time": 0}
        count = len(given.problem.dimensions)
        served = [self.visits[key] for key in route.visits]
        self.carried = carried(given.problem)
        self.shift = next(shift for shift in given.problem.shifts if shift.id == route.shift)
        self.load = [sum(visit.load[d] for visit in served) for d in range(count)]
        fetched = [self._carried(key) for key in route.visits]
        self.delivery = [on + sum(max(0, -one[d]) for one in fetched) for d, on in enumerate(self.load)]
        self.pickup = [
            sum(visit.collect[d] for visit in served) + sum(max(0, one[d]) for one in fetched) for d in range(count)
        ]

    def write(self) -> Answer:
        route, vehicle = self.route, self.vehicle
        if "start" in vehicle or "start_index" in vehicle:
            self._step("start", self.time, 0, **_place(vehicle, "start"))
        place = self.shift.start
        for n, stop in enumerate(route.stops):
            self._breaks(n, stop.arrival_s, stop.travel_s, stop.distance_m)
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
        self._breaks(len(route.stops), trip.return_s, travel, trip.distance_m - self.distance_before)
        self.duration, self.distance = self.duration_after, trip.distance_m
        if "end" in vehicle or "end_index" in vehicle:
            self._step("end", max(self.time, trip.return_s), 0, **_place(vehicle, "end"))
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
        return {**out, "steps": self.steps, "violations": _summed(self.breaches)}

    def _breaks(self, after: int, arrival: int, travel: int, metres: int) -> None:
        """The breaks on the way to the next stop: on the road until `arrival`, at its door afterwards. Of a way that is
        driven in part, as large a part of its metres, as VROOM counts them."""
        left = travel
        for rest in (rest for rest in self.route.breaks if rest.after_stop == after):
            driven = left if rest.start_s >= arrival else rest.start_s - self.time
            left -= driven
            self.duration += driven
            self.distance = self.distance_before + (metres * (travel - left) // travel if travel else metres)
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
        self._step(
            "break",
            arrival,
            key=rest.break_id,
            id=rest.break_id,
            service=length,
            waiting_time=rest.start_s - arrival,
            **about,
        )
        self.time = rest.end_s

    def _stop(self, stop: PlannedStop, *, moved: bool) -> None:
        self.duration, arrival = self.duration_after, self.arrival
        self.distance_before += stop.distance_m
        self.distance = self.distance_before
        start = stop.start_s
        for n, key in enumerate(stop.visits):
            visit, task = self.visits[key], self.given.tasks[key]
            own = next((times for kind, *times in visit.work_by_type if kind == self.shift.type), None)
            setup, service = own or (visit.setup_s, visit.service_s)
            setup = setup if moved and n == 0 else 0
            self.load = [
                on - out + back + change
                for on, out, back, change in zip(self.load, visit.load, visit.collect, self._carried(key), strict=True)
            ]
            self._step(
                task.kind,
                arrival,
                key,
                id=task.id,
                job=task.id,
                setup=setup,
                service=service,
                waiting_time=start - arrival,
                **_of_task(task.given),
            )
            arrival = start = start + setup + service
        self.time = stop.departure_s

    def _carried(self, key: int) -> tuple[int, ...]:
        return self.carried.get(key, (0,) * len(self.given.problem.dimensions))

    def _step(self, kind: str, arrival: int, key: int, **more: object) -> None:
        step: Answer = {"type": kind, "setup": 0, "service": 0, "waiting_time": 0} | more
        about = (kind if kind in ("start", "break", "end") else "task", key)
        broken = [each for each in self.breaches if each.step is not None and each.step[:2] == about]
        step |= {"arrival": arrival, "duration": self.duration, "violations": _summed(broken)}
        if self.given.with_amounts:
            step["load"] = list(self.load)
        if self.given.with_distances:
            step["distance"] = self.distance
        for name in self.sums:
            value = step[name]
            assert isinstance(value, int)
            self.sums[name] += value
        self.steps.append(step)


def _summed(breaches: Sequence[Breach]) -> list[Answer]:
    """Each cause once, in VROOM's words, with its seconds where there are any."""
    seconds: dict[str, int] = {}
    for breach in breaches:
        seconds[breach.cause] = seconds.get(breach.cause, 0) + breach.amount_s
    return [{"cause": cause, "duration": s} if s else {"cause": cause} for cause, s in seconds.items()]


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
