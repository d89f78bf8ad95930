"""A Problem as bytes and back, exactly: compressed JSON, the matrices as little-endian int64.

Only problems that `rules/problem.py` makes are kept. What none of them has is not written: shipments, types of vehicle
with times of their own, breaks by load, a price of hours at the door.
"""

from __future__ import annotations

import base64
import json
import zlib
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routing.errors import InvalidInput
from routing.model.places import Location
from routing.model.plans import (
    Break,
    CostScheme,
    Lock,
    Place,
    Problem,
    Reason,
    ShiftOffer,
    SpeedSlice,
    Travel,
    Unassigned,
    Visit,
    Window,
)

FORMAT = 1


def problem_to_bytes(problem: Problem) -> bytes:
    """`problem_from_bytes` gives an equal problem back; equal problems give equal bytes."""
    plain = {
        "format": FORMAT,
        "epoch": problem.epoch.isoformat(),
        "dimensions": problem.dimensions,
        "places": [
            [
                place.index,
                place.name,
                None if place.location is None else [place.location.lat, place.location.lon],
                place.site_id,
            ]
            for place in problem.places
        ],
        "travel": {
            profile: [_matrix(travel.durations_s), _matrix(travel.distances_m)]
            for profile, travel in problem.travel.items()
        },
        "visits": [_visit(visit) for visit in problem.visits],
        "shifts": [_shift(shift) for shift in problem.shifts],
        "locks": [_lock(lock) for lock in problem.locks],
        "excluded": [[out.visit, [r.value for r in out.reasons], out.proven, out.detail] for out in problem.excluded],
        "travel_build": problem.travel_build,
        "speeds": [[each.profile, each.start_s, each.end_s, each.factor] for each in problem.speeds],
    }
    return zlib.compress(json.dumps(plain, separators=(",", ":"), allow_nan=False).encode(), 6)


def problem_from_bytes(blob: bytes) -> Problem:
    """Raises InvalidInput for a format of another version, and for bytes that are damaged."""
    try:
        plain = json.loads(zlib.decompress(blob))
        written_in = plain["format"]
        if written_in == FORMAT:
            return _problem_back(plain)
    except (zlib.error, ValueError, LookupError, TypeError) as problem:
        raise InvalidInput(
            "What this plan was made from is damaged in the database and cannot be read. Plan the day again, or "
            "restore a backup; `backroute doctor` names every such plan.",
            code="damaged_plan",
        ) from problem
    raise InvalidInput(
        f"This plan was written in format {written_in}, this version reads {FORMAT}. Plan the day again."
    )


def _problem_back(plain: dict[str, Any]) -> Problem:
    n = len(plain["places"])
    return Problem(
        epoch=datetime.fromisoformat(plain["epoch"]),
        dimensions=tuple(plain["dimensions"]),
        places=tuple(
            Place(
                index=index,
                name=name,
                location=None if at is None else Location(lat=at[0], lon=at[1]),
                site_id=site_id,
            )
            for index, name, at, site_id in plain["places"]
        ),
        travel={
            profile: Travel(durations_s=_array(durations, n), distances_m=_array(distances, n))
            for profile, (durations, distances) in plain["travel"].items()
        },
        visits=tuple(_visit_back(each) for each in plain["visits"]),
        shifts=tuple(_shift_back(each) for each in plain["shifts"]),
        locks=tuple(
            Lock(visit=visit, shift=shift, position=position, done=done, trip=trip[0] if trip else None)
            for visit, shift, position, done, *trip in plain["locks"]
        ),
        excluded=tuple(
            Unassigned(visit=visit, reasons=tuple(Reason(r) for r in reasons), proven=proven, detail=detail)
            for visit, reasons, proven, detail in plain["excluded"]
        ),
        travel_build=plain["travel_build"],
        speeds=tuple(
            SpeedSlice(profile=profile, start_s=start_s, end_s=end_s, factor=factor)
            for profile, start_s, end_s, factor in plain.get("speeds", ())  # plans of before have none
        ),
    )


def _matrix(values: NDArray[np.int64]) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype="<i8").tobytes()).decode()


def _array(text: str, n: int) -> NDArray[np.int64]:
    return np.frombuffer(base64.b64decode(text), dtype="<i8").reshape(n, n).astype(np.int64)


def _windows(windows: tuple[Window, ...]) -> list[list[int]]:
    return [
        [window.start_s, window.end_s, window.late_s] if window.late_s else [window.start_s, window.end_s]
        for window in windows
    ]


def _windows_back(plain: list[list[int]]) -> tuple[Window, ...]:
    return tuple(Window(start_s=start, end_s=end, late_s=sum(late)) for start, end, *late in plain)


def _lock(lock: Lock) -> list[int | None]:
    plain = [lock.visit, lock.shift, lock.position, lock.done]
    return plain if lock.trip is None else [*plain, lock.trip]


def _visit(visit: Visit) -> dict[str, Any]:
    return {
        "id": visit.id,
        "place": visit.place,
        "service_s": visit.service_s,
        "setup_s": visit.setup_s,
        "windows": _windows(visit.windows),
        **({"motor_windows": _windows(visit.motor_windows)} if visit.motor_windows else {}),
        "load": visit.load,
        "collect": visit.collect,
        "skills": sorted(visit.skills),
        "tier": visit.tier,
        "age": visit.age,
        "ready_s": visit.ready_s,
        "shifts": None if visit.shifts is None else sorted(visit.shifts),
        "why_not": [[shift, reason.value] for shift, reason in visit.why_not],
        "late_per_hour": visit.late_per_hour,
        "strangers": visit.strangers,
        "off_run": visit.off_run,
        **({"changed": visit.changed} if visit.changed else {}),
        "name": visit.name,
    }


def _visit_back(plain: dict[str, Any]) -> Visit:
    return Visit(
        id=plain["id"],
        place=plain["place"],
        service_s=plain["service_s"],
        setup_s=plain["setup_s"],
        windows=_windows_back(plain["windows"]),
        motor_windows=_windows_back(plain.get("motor_windows", [])),
        load=tuple(plain["load"]),
        collect=tuple(plain["collect"]),
        skills=frozenset(plain["skills"]),
        tier=plain["tier"],
        age=plain["age"],
        ready_s=plain["ready_s"],
        shifts=None if plain["shifts"] is None else frozenset(plain["shifts"]),
        why_not=tuple((shift, Reason(reason)) for shift, reason in plain["why_not"]),
        late_per_hour=plain.get("late_per_hour", 0),  # plans of before have none
        strangers=tuple((shift, price) for shift, price in plain.get("strangers", ())),
        off_run=tuple((shift, price) for shift, price in plain.get("off_run", ())),
        changed=tuple((shift, price) for shift, price in plain.get("changed", ())),
        name=plain["name"],
    )


def _shift(shift: ShiftOffer) -> dict[str, Any]:
    return {
        "id": shift.id,
        "profile": shift.profile,
        "start": shift.start,
        "end": shift.end,
        "start_s": shift.start_s,
        "end_s": shift.end_s,
        "capacity": shift.capacity,
        "skills": sorted(shift.skills),
        "breaks": [[pause.id, pause.duration_s, _windows(pause.windows)] for pause in shift.breaks],
        "cost": [shift.cost.fixed, shift.cost.per_hour, shift.cost.per_km, shift.cost.per_travel_hour],
        "overtime": [shift.overtime_s, shift.cost.per_overtime_hour],
        **_shape(shift.cost),
        "loading_s": shift.loading_s,
        "debrief_s": shift.debrief_s,
        "max_stops": shift.max_stops,
        "max_visits": shift.max_visits,
        "max_distance_m": shift.max_distance_m,
        "max_travel_s": shift.max_travel_s,
        "speed_factor": shift.speed_factor,
        "name": shift.name,
        **({"motor": True} if shift.motor else {}),
        **({"trips": [shift.most_trips, shift.reload_s, shift.trips_out]} if shift.most_trips > 1 else {}),
    }


def _shape(cost: CostScheme) -> dict[str, list[int]]:
    """The prices of balance and area and of a stop, where there are any."""
    shape = {"shape": [cost.balance_per_hour, cost.area_per_km]} if cost.balance_per_hour or cost.area_per_km else {}
    return shape | ({"per_stop": [cost.per_stop]} if cost.per_stop else {})


def _shift_back(plain: dict[str, Any]) -> ShiftOffer:
    fixed, per_hour, per_km, per_travel_hour = plain["cost"]
    overtime_s, per_overtime_hour = plain.get("overtime", (0, 0))  # plans of before have none
    balance_per_hour, area_per_km = plain.get("shape", (0, 0))
    (per_stop,) = plain.get("per_stop", (0,))
    most_trips, reload_s, trips_out = plain.get("trips", (1, 0, 0))
    return ShiftOffer(
        id=plain["id"],
        profile=plain["profile"],
        start=plain["start"],
        end=plain["end"],
        start_s=plain["start_s"],
        end_s=plain["end_s"],
        capacity=tuple(plain["capacity"]),
        skills=frozenset(plain["skills"]),
        breaks=tuple(
            Break(id=key, duration_s=duration_s, windows=_windows_back(windows))
            for key, duration_s, windows in plain["breaks"]
        ),
        cost=CostScheme(
            fixed=fixed,
            per_hour=per_hour,
            per_km=per_km,
            per_travel_hour=per_travel_hour,
            per_overtime_hour=per_overtime_hour,
            balance_per_hour=balance_per_hour,
            area_per_km=area_per_km,
            per_stop=per_stop,
        ),
        overtime_s=overtime_s,
        loading_s=plain["loading_s"],
        debrief_s=plain["debrief_s"],
        max_stops=plain["max_stops"],
        max_visits=plain["max_visits"],
        max_distance_m=plain["max_distance_m"],
        max_travel_s=plain["max_travel_s"],
        speed_factor=plain["speed_factor"],
        name=plain["name"],
        motor=plain.get("motor", False),
        reload_s=reload_s,
        most_trips=most_trips,
        trips_out=trips_out,
    )
