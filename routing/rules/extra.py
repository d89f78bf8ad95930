"""What a plan takes beyond what was wished, and what that costs: overtime, lateness at a door, a driver new to it,
uneven days, wide areas; and what is paid by the stop.

Each is allowed only where somebody said so, and is in the route's cost; here they are told apart for the page.

    A shift from 8 to 12 may last an hour longer at 18.00 an hour. A door takes goods until 8:10, and five minutes later
    at 6.00 an hour. The van stands there at 8:12 and works until 12:20: two minutes late, 32 minutes over with the way
    back.

        >>> problem, route = _example()
        >>> overtime(problem, route)
        Extra(seconds=1920, cost=960000)
        >>> lateness(problem, route)
        {1: Extra(seconds=120, cost=20000)}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from routing.model.plans import CostScheme, Place, PlannedRoute, PlannedStop, Problem, ShiftOffer, Travel, Visit, Window
from routing.rules.area import apart_m, spots_of
from routing.rules.costing import area_cost, balance_cost, cost_of, late_cost
from routing.rules.schedule import Timetable
from routing.rules.spans import late_by, spans


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """Seconds, and what they cost in thousandths of a minor unit."""

    seconds: int
    cost: int


def overtime(problem: Problem, route: PlannedRoute) -> Extra | None:
    """How long the duty lasts after the hours of the shift; None when it does not."""
    offer = next(each for each in problem.shifts if each.id == route.shift)
    over = route.end_s - offer.end_s
    if over <= 0:
        return None
    return Extra(
        seconds=over, cost=cost_of(CostScheme(per_overtime_hour=offer.cost.per_overtime_hour), 0, 0, 0, 0, over)
    )


def balance(problem: Problem, route: PlannedRoute) -> int:
    """What the length of the day costs besides its paid hours, thousandths of a minor unit."""
    offer = next(each for each in problem.shifts if each.id == route.shift)
    return balance_cost(offer.cost, route.end_s - route.start_s)


def uneven(days: Sequence[Extra]) -> int:
    """How much of the price of balance comes of days that are not alike: what the vans that drive would save if each
    had an even share of their hours. `days`: how long each lasts, and its price of balance.

    At 1.00, 8 and 4 hours cost 32.00 and 8.00, and two days of 6 hours 18.00 each.

        >>> uneven([Extra(seconds=8 * 3600, cost=3_200_000), Extra(seconds=4 * 3600, cost=800_000)])
        400000
        >>> uneven([Extra(seconds=6 * 3600, cost=1_800_000)] * 2), uneven([])
        (0, 0)
    """
    share = sum(day.seconds for day in days) / max(1, len(days))
    return round(sum(day.cost * (1 - (share / day.seconds) ** 2) for day in days if day.seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """Metres that the stops lie from their route's centre, added up, and what they cost (thousandths)."""

    metres: int
    cost: int


def area(problem: Problem, route: PlannedRoute) -> Apart | None:
    """How far the stops lie from the centre of their route; None where that has no price."""
    offer = next(each for each in problem.shifts if each.id == route.shift)
    if not offer.cost.area_per_km:
        return None
    spots = spots_of(problem)
    metres = apart_m([spots[stop.place] for before, stop in _doors(route, None) if stop.place != before])
    return Apart(metres=metres, cost=area_cost(offer.cost, metres))


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """So many stops that are paid for each, and what they cost (thousandths)."""

    stops: int
    cost: int


def by_the_stop(problem: Problem, route: PlannedRoute) -> Paid | None:
    """What its stops cost, each door whenever the route comes to it; None where that has no price."""
    offer = next(each for each in problem.shifts if each.id == route.shift)
    if not offer.cost.per_stop:
        return None
    stops = sum(stop.place != before for before, stop in _doors(route, None))
    return Paid(stops=stops, cost=stops * offer.cost.per_stop)


def lateness(problem: Problem, route: PlannedRoute) -> dict[int, Extra]:
    """Per visit that begins after its hours, by how much. Not what is done: it is not judged again."""
    visits = {visit.id: visit for visit in problem.visits}
    done = {lock.visit for lock in problem.locks if lock.done}
    offer = next(each for each in problem.shifts if each.id == route.shift)
    found = {}
    for before, stop in _doors(route, offer.start):
        place, at = before, stop.start_s
        for key in stop.visits:
            visit = visits[key]
            in_time = spans(visit.windows)
            if key not in done and visit.windows and at >= in_time[0][0] and (by := late_by(in_time, at)) > 0:
                found[key] = Extra(seconds=by, cost=late_cost((in_time, visit.late_per_hour), at))
            own = next((work for kind, *work in visit.work_by_type if kind == offer.type), None)
            setup_s, service_s = own or (visit.setup_s, visit.service_s)
            at += service_s + (setup_s if visit.place != place else 0)
            place = visit.place
    return found


def strangers(problem: Problem, route: PlannedRoute) -> dict[int, int]:
    """Per visit, what it costs that the driver does not know its door, in thousandths of a minor unit: for the first of
    those that follow each other there, if it has a price; again when the route comes back. What the van
    costs off its run is in it, and what a door costs that is on another driver's list."""
    return _at_new_doors(route, {visit.id: dict(visit.strangers).get(route.shift, 0) for visit in problem.visits})


def changed(problem: Problem, route: PlannedRoute) -> dict[int, int]:
    """The part of `strangers` that a door costs which is on another driver's list."""
    return _at_new_doors(route, {visit.id: dict(visit.changed).get(route.shift, 0) for visit in problem.visits})


def off_run(problem: Problem, route: PlannedRoute) -> dict[int, int]:
    """The part of `strangers` that a van costs where it is off its run."""
    return _at_new_doors(route, {visit.id: dict(visit.off_run).get(route.shift, 0) for visit in problem.visits})


def _at_new_doors(route: PlannedRoute, prices: Mapping[int, int]) -> dict[int, int]:
    return {
        stop.visits[0]: prices[stop.visits[0]]
        for before, stop in _doors(route, None)
        if stop.place != before and prices[stop.visits[0]]
    }


def _doors(route: PlannedRoute, depot: int | None) -> Iterator[tuple[int | None, PlannedStop]]:
    """Each stop with the place before it: `depot` where a trip begins."""
    for trip in route.trips:
        before = depot
        for stop in trip.stops:
            yield before, stop
            before = stop.place


def _example() -> tuple[Problem, PlannedRoute]:
    twelve = np.array([[0, 720], [720, 0]], dtype=np.int64)
    window = Window(start_s=0, end_s=8 * 3600 + 600, late_s=300)
    visit = Visit(
        id=1, place=1, service_s=14880, windows=(window,), load=(1,), collect=(0,), late_per_hour=600_000
    )  # fmt: skip
    shift = ShiftOffer(
        id=1, profile="van", start=0, end=0, start_s=8 * 3600, end_s=12 * 3600, overtime_s=3600, capacity=(9,),
        cost=CostScheme(per_overtime_hour=1_800_000),
    )  # fmt: skip
    problem = Problem(
        epoch=datetime(2026, 3, 3, tzinfo=UTC),
        dimensions=("pieces",),
        places=(Place(index=0, name="depot"), Place(index=1, name="door")),
        travel={"van": Travel(durations_s=twelve, distances_m=twelve)},
        visits=(visit,),
        shifts=(shift,),
    )
    route = Timetable(problem).route(1, [1])
    assert isinstance(route, PlannedRoute)
    return problem, route
