"""Why this driver, why this time: for a stop that is in a plan.

Why this time: what comes just before it, whether a door opened late, and until when it could begin without breaking
anything after it. Every later moment that is tried is timed by the schedule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from routing.errors import NotFound
from routing.model.day import DayFacts
from routing.model.plans import Plan, Problem, Window
from routing.rules.calendars import zone_of
from routing.rules.changes import sentence_of
from routing.rules.schedule import Failure, Timetable

_MINUTE = 60
_LONGEST = 12 * 60
"""Minutes: nothing is looked for beyond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyThen:
    """`comes_from` is the place before (empty: straight from loading), left at `left_at`. `waits_s` at the door until
    it opens. `could_begin` is the latest moment at which the rest of the route still holds; `else_breaks` what would
    break a minute later, empty when nothing does for hours."""

    arrival: datetime
    begins: datetime
    comes_from: str
    left_at: datetime
    waits_s: int
    could_begin: datetime
    else_breaks: str


def why_then(plan: Plan, problem: Problem, facts: DayFacts, delivery: int) -> WhyThen:
    """Raises NotFound when it is on no route."""
    for route, trip in [(each, trip) for each in plan.routes for trip in each.trips]:
        for number, stop in enumerate(trip.stops):
            if delivery in stop.visits:
                before = trip.stops[number - 1] if number else None
                left_s = before.departure_s if before is not None else trip.departure_s
                slack, broken = _slack(problem, facts, route.shift, route.visits, stop.visits[0], stop.start_s)
                return WhyThen(
                    arrival=_at(problem, stop.arrival_s),
                    begins=_at(problem, stop.start_s),
                    comes_from=problem.places[before.place].name if before is not None else "",
                    left_at=_at(problem, left_s),
                    waits_s=stop.start_s - stop.arrival_s,
                    could_begin=_at(problem, stop.start_s + slack * _MINUTE),
                    else_breaks=broken,
                )
    raise NotFound(f"Delivery {delivery} is on no route of this plan.", delivery=delivery)


def _slack(
    problem: Problem, facts: DayFacts, shift: int, order: tuple[int, ...], visit: int, start_s: int
) -> tuple[int, str]:
    """(minutes that this visit may begin later, what breaks with one more)"""

    def tried(minutes: int) -> str | None:
        from_s = start_s + minutes * _MINUTE
        later = replace(
            problem,
            visits=tuple(
                replace(
                    each,
                    windows=tuple(
                        Window(start_s=max(w.start_s, from_s), end_s=w.end_s + w.late_s)
                        for w in each.windows
                        if w.end_s + w.late_s >= from_s
                    )
                    or (Window(start_s=from_s, end_s=from_s),),
                )
                if each.id == visit
                else each
                for each in problem.visits
            ),
        )
        own = next(each for each in problem.visits if each.id == visit)
        if all(w.end_s + w.late_s < from_s for w in own.windows):
            latest = _at(problem, max(w.end_s + w.late_s for w in own.windows))
            home = next(each.depot_id for each in facts.shifts if each.id == shift)
            zone = zone_of(next(depot.zone for depot in facts.depots if depot.id == home))
            return f"Its own hours end: it must be begun by {latest.astimezone(zone):%H:%M}."
        route = Timetable(later).route(shift, order)
        return sentence_of(route, later, facts) if isinstance(route, Failure) else None

    if tried(_LONGEST) is None:
        return _LONGEST, ""
    holds, breaks = 0, _LONGEST
    while breaks - holds > 1:
        middle = (holds + breaks) // 2
        if tried(middle) is None:
            holds = middle
        else:
            breaks = middle
    return holds, tried(breaks) or ""


def _at(problem: Problem, seconds: int) -> datetime:
    return problem.epoch + timedelta(seconds=seconds)
