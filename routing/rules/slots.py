"""Slot offers: when a door could be served on a day, and what each window costs the plan of that day.

The call is a delivery like any other in the day's problem, put where it costs least on one van; nobody else changes
vans or turns. A window that breaks no promise is offered before a cheaper one that does. Where nothing is free, the
lowest delivery that would have to give way is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from routing.model.day import DayFacts, SiteFacts
from routing.model.plans import Plan, Problem, Unassigned, Visit, Window
from routing.rules.calendars import clock_minutes, moment, zone_of
from routing.rules.changes import (
    BrokenPromise,
    duty_s,
    eta_moves,
    metres,
    orders_of,
    promises_broken,
    rebuilt,
    said_of_the_door,
    starts_of,
)
from routing.rules.reasons import why_left_out
from routing.rules.schedule import Failure, Timetable

CALL = -1
"""The delivery that is asked about: an id that none has."""

WIDTH = timedelta(hours=2)
SHORTEST = timedelta(minutes=30)
"""A window shorter than this is not offered by itself: nobody can promise it."""

NEAR_S = 2 * 3600
"""A place between two doors is not tried when both are planned further than this from the window."""

WEIGHED = 5
"""Of the cheapest places of a window so many are asked for the promises they break."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A window that can be offered, wall clock of the door. `minutes`, `distance_m` and `cost` (thousandths of a minor
    unit) are what it adds; `moved` times move by a minute or more; `pushes` would be left out for it."""

    day: str
    opens: str
    closes: str
    shift_id: int
    van: str
    begins: datetime
    minutes: int
    distance_m: int
    cost: int
    moved: int
    broken: tuple[BrokenPromise, ...] = ()
    pushes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotDay:
    """What a day offers, by time; `why` when it is nothing. `is_sketch`: there is no plan yet, and it was laid against
    what is expected that day."""

    day: str
    slots: tuple[Slot, ...] = ()
    why: str = ""
    is_sketch: bool = False


def ranked(days: Sequence[SlotDay]) -> tuple[Slot, ...]:
    """The best first: nobody is pushed out, no promise breaks, then what it costs, then the earlier."""
    every = [slot for day in days for slot in day.slots]
    return tuple(
        sorted(every, key=lambda each: (len(each.pushes), len(each.broken), each.cost, each.day, each.opens))
    )  # fmt: skip


def slots_of_day(
    plan: Plan, problem: Problem, facts: DayFacts, *, day: date, width: timedelta = WIDTH, is_sketch: bool = False
) -> SlotDay:
    """Every window of that day in which the call fits, at its cheapest place. `plan` does not serve it."""
    iso = day.isoformat()
    visit = next((each for each in problem.visits if each.id == CALL), None)
    if visit is None:
        gone = next((each for each in problem.excluded if each.visit == CALL), None)
        return SlotDay(day=iso, why=gone.detail if gone is not None else "", is_sketch=is_sketch)
    call = next(each for each in facts.deliveries if each.id == CALL)
    site = next(each for each in facts.sites if each.id == call.site_id)
    zone = zone_of(site.zone or next(depot.zone for depot in facts.depots if depot.id == call.depot_id))
    found: list[Slot] = []
    for opens, closes, window in _frames(problem, visit, day, zone, width):
        narrowed = _narrowed(problem, window)
        slot = _cheapest(plan, narrowed, facts, opens=opens, closes=closes, day=iso)
        if slot is not None:
            found.append(slot)
    if not found:
        pushed = _in_anothers_place(plan, problem, facts, day=day, zone=zone, width=width)
        found = [pushed] if pushed is not None else []
    why = "" if found else _why_none(plan, problem, facts, site)
    return SlotDay(day=iso, slots=tuple(found), why=why, is_sketch=is_sketch)


def _frames(
    problem: Problem, visit: Visit, day: date, zone: ZoneInfo, width: timedelta
) -> list[tuple[str, str, Window]]:
    """(from, to, when service may begin): windows of that width from the full hour on, within the door's own hours."""
    found = []
    step = round(width.total_seconds() / 60)
    for begin in range(0, 1440, step):
        first, last = (_s(problem, day, minutes, zone) for minutes in (begin, begin + step))
        for own in visit.windows:
            a, b = max(own.start_s, first), min(own.end_s, last - 1 if last <= own.end_s else last)
            # A door that is open for less than half an hour is offered those minutes whole.
            if b >= a and (b - a >= SHORTEST.total_seconds() - 60 or (a, b) == (own.start_s, own.end_s)):
                found.append(
                    (_clock(problem, a, zone, up=False), _clock(problem, b, zone, up=True), Window(start_s=a, end_s=b))
                )
    return found


def _narrowed(problem: Problem, window: Window) -> Problem:
    return replace(
        problem,
        visits=tuple(replace(each, windows=(window,)) if each.id == CALL else each for each in problem.visits),
    )


def _cheapest(plan: Plan, problem: Problem, facts: DayFacts, *, opens: str, closes: str, day: str) -> Slot | None:
    table = Timetable(problem)
    visit = table.visits[CALL]
    window = visit.windows[0]
    starts = {key: start for key, (_shift, start) in starts_of(plan).items()}
    costs = {route.shift: route.cost for route in plan.routes}
    places: list[tuple[int, int, int]] = []
    for offer in problem.shifts:
        if table.times(offer.id, [CALL]) is None and visit.shifts is not None and offer.id not in visit.shifts:
            continue
        order = orders_of(plan).get(offer.id, ())
        first = max((n + 1 for n, key in enumerate(order) if key in table.done), default=0)
        for at in range(first, len(order) + 1):
            before = starts.get(order[at - 1], 0) if at else 0
            behind = starts[order[at]] if at < len(order) else window.end_s
            if before - NEAR_S > window.end_s or behind + NEAR_S < window.start_s:
                continue
            times = table.times(offer.id, [*order[:at], CALL, *order[at:]])
            if times is not None:
                places.append((times.cost - costs.get(offer.id, 0), offer.id, at))
    best: tuple[tuple[int, int], Slot] | None = None
    for _cost, shift, at in sorted(places)[:WEIGHED]:
        order = orders_of(plan).get(shift, ())
        slot = _slot(
            plan, problem, facts, {shift: [*order[:at], CALL, *order[at:]]}, table, shift, day=day, opens=opens,
            closes=closes,
        )  # fmt: skip
        if slot is not None and (best is None or (len(slot.broken), slot.cost) < best[0]):
            best = (len(slot.broken), slot.cost), slot
    return None if best is None else best[1]


def _slot(
    plan: Plan,
    problem: Problem,
    facts: DayFacts,
    orders: dict[int, list[int]],
    table: Timetable,
    shift: int,
    *,
    day: str,
    opens: str,
    closes: str,
    pushes: tuple[str, ...] = (),
    left_out: tuple[Unassigned, ...] = (),
) -> Slot | None:
    after = rebuilt(plan, problem, orders, timetable=table, left_out=left_out)
    if isinstance(after, Failure):
        return None
    start = starts_of(after)[CALL][1]
    moves = [each for each in eta_moves(plan, after, problem) if each.delivery != CALL]
    return Slot(
        day=day,
        opens=opens,
        closes=closes,
        shift_id=shift,
        van=next(each.name for each in problem.shifts if each.id == shift),
        begins=problem.epoch + timedelta(seconds=start),
        minutes=round((duty_s(after) - duty_s(plan)) / 60),
        distance_m=metres(after) - metres(plan),
        cost=after.cost - plan.cost,
        moved=len(moves),
        broken=promises_broken(plan, after, problem, facts),
        pushes=pushes,
    )


def _in_anothers_place(
    plan: Plan, problem: Problem, facts: DayFacts, *, day: date, zone: ZoneInfo, width: timedelta
) -> Slot | None:
    """In the turn of one delivery of a lower tier, which is left out: the lowest, then what costs least."""
    table = Timetable(problem)
    own = table.visits[CALL]
    locked = {lock.visit for lock in problem.locks}
    found: list[tuple[int, int, int, int, list[int]]] = []
    for shift, order in orders_of(plan).items():
        for n, key in enumerate(order):
            if key in locked or table.visits[key].tier >= own.tier:
                continue
            times = table.times(shift, [*order[:n], CALL, *order[n + 1 :]])
            if times is not None:
                found.append((table.visits[key].tier, times.cost, shift, key, [*order[:n], CALL, *order[n + 1 :]]))
    for _tier, _cost, shift, key, changed in sorted(found)[:WEIGHED]:
        route = table.route(shift, changed)
        if isinstance(route, Failure):
            continue
        start = next(stop.start_s for stop in route.stops if CALL in stop.visits)
        for opens, closes, window in _frames(problem, own, day, zone, width):
            if window.start_s <= start <= window.end_s:
                return _slot(
                    plan, problem, facts, {shift: changed}, table, shift, day=day.isoformat(), opens=opens,
                    closes=closes, pushes=(table.visits[key].name,),
                )  # fmt: skip
    return None


def _why_none(plan: Plan, problem: Problem, facts: DayFacts, site: SiteFacts) -> str:
    if not problem.shifts:
        return "No van goes out on that day yet."
    gone = next((each for each in why_left_out(problem, plan) if each.visit == CALL), None)
    if gone is not None and gone.proven and gone.detail:
        return said_of_the_door(gone, facts).detail
    return f"Every van that could come to {site.name} is full that day, and nobody of a lower tier would make room."


def _s(problem: Problem, day: date, minutes: int, zone: ZoneInfo) -> int:
    return round((moment(day, minutes, zone) - problem.epoch).total_seconds())


def _clock(problem: Problem, seconds: int, zone: ZoneInfo, *, up: bool) -> str:
    """HH:MM on the wall; `up` to the next whole minute."""
    at = (problem.epoch + timedelta(seconds=seconds)).astimezone(zone)
    if up and at.second:
        at += timedelta(seconds=60 - at.second)
    return f"{at:%H:%M}"


def minutes_of(opens: str, closes: str) -> int:
    """How long a window is."""
    return (clock_minutes(closes) - clock_minutes(opens)) % 1440
