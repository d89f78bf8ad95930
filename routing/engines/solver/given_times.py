"""Times for an order that is given, by CP-SAT: they break windows by as few seconds as can be; among such times the
duty is shortest, and then everything is as early as it can be."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ortools.sat.python import cp_model

from routing.engines.solver.finish import served_by_tier
from routing.engines.solver.limits import check_limits
from routing.errors import InvalidProblem
from routing.model.given import Breach, GivenRoute, GivenStep
from routing.model.plans import (
    Plan,
    PlannedBreak,
    PlannedRoute,
    PlannedStop,
    PlannedTrip,
    Problem,
    ShiftOffer,
    Unassigned,
)
from routing.rules.costing import cost_of
from routing.rules.given import breaches_of_order
from routing.rules.legs import arrival_of
from routing.rules.schedule import Timetable
from routing.rules.spans import Spans, spans

_UNBOUND = 2**34
"""A window that reaches further than this on a side binds nothing there."""
_PATIENCE_S = 10.0


class _Leg:
    """The way to one task, or back: travel, the breaks taken on it, and the work at its end."""

    def __init__(self, place: int | None, step: GivenStep | None) -> None:
        self.place, self.step = place, step
        self.breaks: list[GivenStep] = []
        self.travel_s = self.distance_m = self.work_s = 0


def plan_as_given(
    problem: Problem, steps: Mapping[int, Sequence[GivenStep]]
) -> tuple[Plan, dict[int, tuple[Breach, ...]]]:
    """The plan in which each shift does its steps, and what each shift's break; whom no step names is left out.

    Raises InvalidProblem as `keep_as_given`, and for numbers that no vehicle has.
    """
    began = time.monotonic()
    check_limits(problem)
    table = Timetable(problem)
    busy = {shift: each for shift, each in steps.items() if any(step.kind == "task" for step in each)}
    kept = {shift: keep_as_given(table, shift, each) for shift, each in busy.items()}
    routes = tuple(one.route for one in kept.values())
    served = {key for route in routes for key in route.visits}
    plan = Plan(
        routes=routes,
        unassigned=tuple(
            Unassigned(visit=visit.id, reasons=(), proven=False, detail="No step names it.")
            for visit in problem.visits
            if visit.id not in served
        ),
        cost=sum(route.cost for route in routes),
        served_by_tier=served_by_tier(problem, sorted(served)),
        engine="as given",
        seed=0,
        search_s=time.monotonic() - began,
    )
    return plan, {shift: one.breaches for shift, one in kept.items()}


def keep_as_given(table: Timetable, shift_id: int, steps: Sequence[GivenStep]) -> GivenRoute:
    """The route of these steps, in this order. Raises InvalidProblem when forced times cannot follow each other, or
    when no road leads to a step."""
    shift = table.shifts[shift_id]
    legs = _legs(table, shift, steps)
    clock = _Clock(table, shift, legs, steps)
    times = clock.solve()
    stops: list[PlannedStop] = []
    breaks: list[PlannedBreak] = []
    length = {pause.id: pause.duration_s for pause in shift.breaks}
    load = [sum(table.visits[leg.step.key].load[d] for leg in legs if leg.step) for d in range(len(shift.capacity))]
    free = departure = times["start", 0]
    for leg in legs:
        pauses = [(times["break", rest.key], length[rest.key]) for rest in leg.breaks]
        arrival = arrival_of(free, leg.travel_s, pauses)
        breaks += [
            PlannedBreak(break_id=rest.key, start_s=begin, end_s=begin + duration, after_stop=len(stops))
            for rest, (begin, duration) in zip(leg.breaks, pauses, strict=True)
        ]
        if leg.step is None:
            break
        visit = table.visits[leg.step.key]
        carried = table.carried.get(visit.id, (0,) * len(load))
        load = [on - out + c + b for on, out, c, b in zip(load, visit.load, visit.collect, carried, strict=True)]
        start = times["task", leg.step.key]
        free = start + leg.work_s
        stops.append(
            PlannedStop(
                place=visit.place,
                visits=(visit.id,),
                arrival_s=arrival,
                start_s=start,
                departure_s=free,
                distance_m=leg.distance_m,
                travel_s=leg.travel_s,
                load=tuple(load),
            )
        )
    travel, metres = sum(leg.travel_s for leg in legs), sum(leg.distance_m for leg in legs)
    work = sum(leg.work_s for leg in legs)
    end = times["end", 0]
    route = PlannedRoute(
        shift=shift_id,
        start_s=departure,
        end_s=end,
        trips=(PlannedTrip(departure_s=departure, return_s=arrival, stops=tuple(stops), distance_m=metres),),
        breaks=tuple(breaks),
        cost=cost_of(shift.cost, end - departure, travel, metres, work),
    )
    late = clock.breaches(times)
    return GivenRoute(route=route, breaches=(*late, *breaches_of_order(table, shift_id, steps)))


def _legs(table: Timetable, shift: ShiftOffer, steps: Sequence[GivenStep]) -> list[_Leg]:
    legs = []
    resting: list[GivenStep] = []
    for step in steps:
        if step.kind == "break":
            resting.append(step)
        elif step.kind == "task":
            legs.append(_Leg(table.visits[step.key].place, step))
            legs[-1].breaks, resting = resting, []
    legs.append(_Leg(shift.end, None))
    legs[-1].breaks = resting
    durations, distances = table.durations(shift), table.distances(shift)
    place = shift.start
    work = table.work_on(shift)
    for leg in legs:
        if leg.step is not None:
            setup, service = work[leg.step.key]
            leg.work_s = service + (setup if leg.place != place else 0)
        if place is not None and leg.place is not None:
            leg.travel_s, leg.distance_m = int(durations[place, leg.place]), int(distances[place, leg.place])
            if min(leg.travel_s, leg.distance_m) < 0:
                names = [table.problem.places[each].name for each in (place, leg.place)]
                raise InvalidProblem(
                    f"No road joins {names[0]} and {names[1]}, as the steps of vehicle {shift.id} need."
                )
        place = leg.place
    return legs


class _Clock:
    """The model of one route's times."""

    def __init__(self, table: Timetable, shift: ShiftOffer, legs: Sequence[_Leg], steps: Sequence[GivenStep]) -> None:
        self.shift, self.legs, self.steps = shift, legs, steps
        self.windows: dict[tuple[str, int], Spans] = {}
        pauses = {pause.id: pause for pause in shift.breaks}
        for step in steps:
            if step.kind == "task":
                self.windows["task", step.key] = spans(table.visits[step.key].windows)
            elif step.kind == "break":
                self.windows["break", step.key] = spans(pauses[step.key].windows)
        duty = ((shift.start_s, shift.end_s),)
        self.windows["start", 0] = self.windows["end", 0] = duty
        self.length = {key: pause.duration_s for key, pause in pauses.items()}
        moments = [abs(t) for times in self.windows.values() for span in times for t in span if abs(t) < _UNBOUND]
        moments += [t for step in steps for t in (step.at_s, step.after_s, step.before_s) if t is not None]
        busy = sum(leg.travel_s + leg.work_s for leg in legs) + sum(self.length.values())
        self.horizon = max(moments, default=0) + busy

    def solve(self) -> dict[tuple[str, int], int]:
        model = cp_model.CpModel()
        at = {key: model.new_int_var(0, self.horizon, f"{key}") for key in self.windows}
        free: cp_model.LinearExprT = at["start", 0]
        for leg in self.legs:
            paused: cp_model.LinearExprT = free
            rested = 0
            for rest in leg.breaks:
                here = at["break", rest.key]
                model.add(here >= paused)
                paused, rested = here + self.length[rest.key], rested + self.length[rest.key]
            there = at["end", 0] if leg.step is None else at["task", leg.step.key]
            model.add(there >= paused)
            model.add(there >= free + leg.travel_s + rested)
            free = there + leg.work_s
        for step in self.steps:
            moment = at[step.kind, step.key]
            if step.at_s is not None:
                model.add(moment == step.at_s)
            if step.after_s is not None:
                model.add(moment >= step.after_s)
            if step.before_s is not None:
                model.add(moment <= step.before_s)
        late = [self._lateness(model, at[key], key) for key in self.windows]
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 0
        solver.parameters.max_time_in_seconds = _PATIENCE_S
        for objective in (sum(late), at["end", 0] - at["start", 0], sum(at.values())):
            model.minimize(objective)
            status = solver.solve(model)
            if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
                raise InvalidProblem(
                    f"The steps of vehicle {self.shift.id} force times that cannot follow each other. "
                    "Take out a service_at, service_after or service_before."
                )
            model.add(objective <= round(solver.objective_value))
            model.clear_hints()  # type: ignore[no-untyped-call]
            for moment in at.values():
                model.add_hint(moment, solver.value(moment))
        return {key: solver.value(moment) for key, moment in at.items()}

    def _lateness(self, model: cp_model.CpModel, moment: cp_model.IntVar, key: tuple[str, int]) -> cp_model.IntVar:
        """By how many seconds the nearest window is missed."""
        amount = model.new_int_var(0, self.horizon, f"late {key}")
        chosen = [model.new_bool_var(f"{key} in {n}") for n in range(len(self.windows[key]))]
        model.add_exactly_one(chosen)
        for (first, last), here in zip(self.windows[key], chosen, strict=True):
            if key[0] != "end":
                model.add(amount >= max(first, 0) - moment).only_enforce_if(here)
            if key[0] != "start" and last < _UNBOUND:
                model.add(amount >= moment - last).only_enforce_if(here)
        return amount

    def breaches(self, times: dict[tuple[str, int], int]) -> list[Breach]:
        out = []
        between = [step for step in self.steps if step.kind in ("task", "break")]
        for step in (GivenStep("start", 0), *between, GivenStep("end", 0)):
            moment = times[step.kind, step.key]
            # Missed by least, and whether by coming early (below 0) or late.
            by = min((_missed(span, moment) for span in self.windows[step.kind, step.key]), key=abs)
            if by < 0 and step.kind != "end":
                out.append(Breach(cause="lead_time", step=step, amount_s=-by))
            if by > 0 and step.kind != "start":
                out.append(Breach(cause="delay", step=step, amount_s=by))
        return out


def _missed(span: tuple[int, int], moment: int) -> int:
    first, last = span
    return min(0, moment - first) + max(0, moment - last)
