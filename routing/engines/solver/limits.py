"""What a problem may hold before anything is searched."""

from __future__ import annotations

from routing.errors import InvalidProblem
from routing.model.plans import Problem

_FAR = 2**40
"""No time, distance or amount of one problem may pass this: sums of many stay well inside int64."""
_MOST, _ROUND = 2**61, 40_000_000
"""The most that one price may come to, and metres round the earth."""
_MOST_VISITS = 20_000
"""More at once would not be planned in any time that somebody waits."""


def check_limits(problem: Problem) -> None:
    """Raises InvalidProblem for numbers that no vehicle has and that would overflow the search."""

    def refuse(what: str) -> InvalidProblem:
        return InvalidProblem(f"{what}. Check its unit: times are seconds, distances metres.")

    if len(problem.visits) > _MOST_VISITS:
        raise InvalidProblem(
            f"{len(problem.visits)} deliveries are more than the {_MOST_VISITS} that are planned at once. "
            "Plan them by depot, by day or by area."
        )
    for profile, travel in problem.travel.items():
        for name, table in (("duration", travel.durations_s), ("distance", travel.distances_m)):
            if table.size and (int(table.max()) > _FAR or int(table.min()) < -1):
                raise refuse(f"A {name} of profile {profile} is too large or below -1")
    for visit in problem.visits:
        own = [time for _, *times in visit.work_by_type for time in times]
        numbers = (visit.service_s, visit.setup_s, visit.age, *visit.load, *visit.collect, *own)
        if any(not 0 <= number <= _FAR for number in numbers):
            raise refuse(f"Delivery {visit.id} has a time, age or amount below 0 or above {_FAR}")
        if any(abs(t) > _FAR for window in visit.windows for t in (window.start_s, window.end_s)):
            raise refuse(f"Delivery {visit.id} has a window further than {_FAR} s from the epoch")
        if any(abs(t) > _FAR for window in visit.motor_windows for t in (window.start_s, window.end_s)):
            raise refuse(f"Delivery {visit.id} has motor hours further than {_FAR} s from the epoch")
        if any(window.late_s > _FAR for window in visit.windows) or not 0 <= visit.late_per_hour <= _FAR:
            raise refuse(f"Delivery {visit.id} may be late too long, or at a price below 0 or above {_FAR}")
        if any(not 0 <= price <= _FAR for _, price in visit.strangers):
            raise refuse(f"Delivery {visit.id} has a price for strangers below 0 or above {_FAR}")
        if visit.ready_s is not None and abs(visit.ready_s) > _FAR:
            raise refuse(f"Delivery {visit.id} is ready further than {_FAR} s from the epoch")
    for shift in problem.shifts:
        cost = shift.cost
        limits = (shift.max_stops, shift.max_visits, shift.max_distance_m, shift.max_travel_s)
        lasting = (shift.loading_s, shift.debrief_s, shift.overtime_s, shift.reload_s)
        numbers = (*lasting, *shift.capacity, *(pause.duration_s for pause in shift.breaks))
        times = [t for pause in shift.breaks for window in pause.windows for t in (window.start_s, window.end_s)]
        if any(not 0 <= number <= _FAR for number in (*numbers, *(n for n in limits if n is not None))):
            raise refuse(f"Shift {shift.id} has a time, limit or capacity below 0 or above {_FAR}")
        if any(abs(t) > _FAR for t in (shift.start_s, shift.end_s, *times)):
            raise refuse(f"Shift {shift.id} has times further than {_FAR} s from the epoch")
        rates = (
            cost.fixed,
            cost.per_hour,
            cost.per_km,
            cost.per_travel_hour,
            cost.per_task_hour,
            cost.per_overtime_hour,
            cost.balance_per_hour,
            cost.area_per_km,
            cost.per_stop,
        )
        if any(not 0 <= rate <= _FAR for rate in rates):
            raise InvalidProblem(f"Shift {shift.id} has a cost below 0 or above {_FAR}. Check its currency and unit.")
        lasts = max(0, shift.until_s - shift.start_s)
        if cost.balance_per_hour * lasts**2 > _MOST or cost.area_per_km * _ROUND * max(1, len(problem.visits)) > _MOST:
            raise InvalidProblem(
                f"Shift {shift.id} has a price of balance or area that is too large. Check its currency and unit."
            )
    for each in problem.speeds:
        if each.start_s < -_FAR or each.end_s > _FAR:
            raise refuse(f"A slice of the day lies further than {_FAR} s from the epoch")
    for d, name in enumerate(problem.dimensions):
        shipped = sum(one.amount[d] for one in problem.shipments)
        if shipped + sum(visit.load[d] + visit.collect[d] for visit in problem.visits) > 2**60:
            raise refuse(f"All deliveries together are too large in {name}")
