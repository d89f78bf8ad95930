"""What a given order of steps breaks, whatever its times: load, skills, precedence, limits, breaks that are missing.

The van leaves with everything it will deliver. A limit is broken at every step that comes after it was passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from routing.model.given import Breach, GivenStep
from routing.rules.schedule import Timetable


def breaches_of_order(table: Timetable, shift_id: int, steps: Sequence[GivenStep]) -> Iterator[Breach]:
    """In the order of the steps, what concerns the whole route last."""
    shift = table.shifts[shift_id]
    tasks = [step.key for step in steps if step.kind == "task"]
    position = {key: at for at, key in enumerate(tasks)}
    dimensions = range(len(shift.capacity))
    load = [sum(table.visits[key].load[d] for key in tasks) for d in dimensions]
    limits = {pause.id: pause.max_load for pause in shift.breaks}
    durations, distances = table.durations(shift), table.distances(shift)
    served = travel_s = distance_m = 0
    place = shift.start
    for step in steps:
        there = shift.end if step.kind == "end" else place
        if step.kind == "task":
            visit = table.visits[step.key]
            there = visit.place
            served += 1
            load = [
                on - out + back + change
                for on, out, back, change in zip(
                    load, visit.load, visit.collect, table.carried.get(step.key, (0,) * len(load)), strict=True
                )
            ]
            if not visit.skills <= shift.skills:
                yield Breach(cause="skills", step=step)
            mate, pickup = table.mate.get(step.key), table.pickup_of.get(step.key)
            after = mate is None or position.get(mate, -1) > position[step.key]
            before = pickup is None or position.get(pickup, len(tasks)) < position[step.key]
            if not (after and before):
                yield Breach(cause="precedence", step=step)
            if shift.max_visits is not None and served > shift.max_visits:
                yield Breach(cause="max_tasks", step=step)
        if step.kind == "break":
            limit = limits[step.key]
            if limit is not None and any(on > may for on, may in zip(load, limit, strict=True)):
                yield Breach(cause="max_load", step=step)
        if place is not None and there is not None:
            travel_s += int(durations[place, there])
            distance_m += int(distances[place, there])
        place = there
        if any(on > may for on, may in zip(load, shift.capacity, strict=True)):
            yield Breach(cause="load", step=step)
        if shift.max_travel_s is not None and travel_s > shift.max_travel_s:
            yield Breach(cause="max_travel_time", step=step)
        if shift.max_distance_m is not None and distance_m > shift.max_distance_m:
            yield Breach(cause="max_distance", step=step)
    if {step.key for step in steps if step.kind == "break"} != set(limits):
        yield Breach(cause="missing_break")
