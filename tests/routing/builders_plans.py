"""Small valid problems on a line: place k lies k minutes and k kilometres from place 0, the depot."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from routing.model.places import Location
from routing.model.plans import (
    Break,
    CostScheme,
    Lock,
    Place,
    Plan,
    PlannedRoute,
    Problem,
    ShiftOffer,
    Shipment,
    Travel,
    Unassigned,
    Visit,
    Window,
)
from routing.rules.schedule import Timetable

HOUR = 3600
MINUTE = 60
EPOCH = datetime(2026, 3, 3, tzinfo=UTC)


def between(start_s: int, end_s: int) -> tuple[Window, ...]:
    return (Window(start_s=start_s, end_s=end_s),)


def visit(key: int, place: int, **changes: object) -> Visit:
    base = Visit(id=key, place=place, service_s=5 * MINUTE, windows=between(0, 24 * HOUR), load=(1,), collect=(0,))
    return replace(base, **changes)


def shift(key: int = 1, **changes: object) -> ShiftOffer:
    base = ShiftOffer(
        id=key,
        profile="van",
        start=0,
        end=0,
        start_s=8 * HOUR,
        end_s=12 * HOUR,
        capacity=(10,),
        cost=CostScheme(fixed=1000, per_hour=3600, per_km=100),
    )
    return replace(base, **changes)


def pause(key: int = 1, *, at: tuple[int, int] = (9 * HOUR, 10 * HOUR), lasts: int = 30 * MINUTE) -> Break:
    return Break(id=key, duration_s=lasts, windows=between(*at))


def line(places: int) -> Travel:
    at = np.arange(places, dtype=np.int64)
    apart = np.abs(at[:, None] - at[None, :])
    return Travel(durations_s=apart * MINUTE, distances_m=apart * 1000)


def _east(km: int) -> Location:
    """So far to the east of the depot, which lies on the equator."""
    return Location(lat=0.0, lon=km * 1000 / 111_195)


def problem(
    *visits: Visit,
    shifts: tuple[ShiftOffer, ...] | None = None,
    locks: tuple[Lock, ...] = (),
    shipments: tuple[Shipment, ...] = (),
    travel: Travel | None = None,
    dimensions: tuple[str, ...] = ("pieces",),
    profiles: dict[str, Travel] | None = None,
) -> Problem:
    places = 1 + max((one.place for one in visits), default=0)
    if travel is not None:
        places = len(travel.durations_s)
    return Problem(
        epoch=EPOCH,
        dimensions=dimensions,
        places=tuple(Place(index=n, name=f"place {n}", location=_east(n)) for n in range(places)),
        travel={"van": travel or line(places), **(profiles or {})},
        visits=visits,
        shifts=(shift(),) if shifts is None else shifts,
        locks=locks,
        shipments=shipments,
    )


def plan(of: Problem, routes: dict[int, list[int]], *, left_out: tuple[Unassigned, ...] = ()) -> Plan:
    """The plan of these orders, as the schedule times it."""
    table = Timetable(of)
    planned = []
    for key, ids in routes.items():
        route = table.route(key, ids)
        assert isinstance(route, PlannedRoute), route
        planned.append(route)
    served = {key for ids in routes.values() for key in ids}
    tiers = sorted({one.tier for one in of.visits}, reverse=True)
    return Plan(
        routes=tuple(planned),
        unassigned=left_out,
        cost=sum(route.cost for route in planned),
        served_by_tier=tuple((tier, sum(one.tier == tier and one.id in served for one in of.visits)) for tier in tiers),
        engine="by hand",
        seed=0,
    )
