"""What if: another van, other hours, a later cut-off, a driver less: the day as it would be, and how its plan stands.

Nothing here is kept anywhere: `changed` gives other facts of the same day, which are planned like any others, and
`standing` counts a plan so that two can be laid side by side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from routing.errors import InvalidInput
from routing.model.day import DayFacts
from routing.model.fleet import Shift
from routing.model.plans import Plan, PlannedRoute, Problem
from routing.rules.calendars import clock_minutes, zone_of
from routing.rules.changes import duty_s, keeps_promise, metres, orders_of, starts_of, summed
from routing.rules.reasons import why_left_out
from routing.rules.schedule import Failure, Timetable

NOT_PLANNED = "not_planned"
"""Released since the plan was made: neither on a route nor left out by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreVan:
    """One van more, as a shift under an id that no shift has. `missing`: what there is none of, "van" or "driver"; then
    it can be looked at and not used."""

    shift: Shift
    like: int
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherHours:
    """A shift works from `starts` to `ends`, on the wall clock of its depot."""

    shift_id: int
    starts: str
    ends: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterCutOff:
    """Zones whose orders had to come earlier take them until this wall-clock time of the day before."""

    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LessDriver:
    """The driver of this shift is not there, and nobody takes the van."""

    shift_id: int


Change = MoreVan | OtherHours | LaterCutOff | LessDriver


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A plan in figures. Cost in thousandths of a minor unit; `tiers` are (tier, served, of) from the top, `left_out`
    (first reason, how many) from the most. `kept` of `promised` deliveries come within the day and window they were
    told."""

    cost: int
    distance_m: int
    duty_s: int
    vans: int
    served: int
    of: int
    promised: int
    kept: int
    tiers: tuple[tuple[int, int, int], ...]
    left_out: tuple[tuple[str, int], ...]


def changed(facts: DayFacts, changes: Sequence[Change]) -> DayFacts:
    """The day with all of these changes.

    Raises InvalidInput for a change that cannot be: hours that nobody can read or that are no change, a van with goods
    on it, a cut-off that is later nowhere.
    """
    for change in changes:
        facts = _with(facts, change)
    return facts


def _with(facts: DayFacts, change: Change) -> DayFacts:
    if isinstance(change, MoreVan):
        return replace(facts, shifts=(*facts.shifts, change.shift))
    if isinstance(change, LaterCutOff):
        until = clock_minutes(change.until)
        # An empty cut-off is none: nothing is later than that.
        later = {site.id for site in facts.sites if site.cut_off and clock_minutes(site.cut_off) < until}
        if not later:
            raise InvalidInput(
                f"No door of this day has a cut-off before {change.until}. Name a later one.", code="cut_off"
            )
        sites = tuple(replace(s, cut_off=change.until) if s.id in later else s for s in facts.sites)
        return replace(facts, sites=sites)
    shift = next((each for each in facts.shifts if each.id == change.shift_id), None)
    if shift is None or shift.state != "planned":
        raise InvalidInput("That van does not go out on this day. Choose one that does.", code="shift")
    if any(ride.shift_id == shift.id for ride in facts.riding):
        raise InvalidInput(
            f"Goods are on {shift.vehicle.name} already: it goes out as it is. Choose another van.", code="loaded"
        )
    if isinstance(change, LessDriver):
        return _in_place(facts, replace(shift, state="out"))
    # As the fleet's own file: what ends when it starts would be a shift of 24 hours.
    if clock_minutes(change.starts) == clock_minutes(change.ends):
        raise InvalidInput(
            f"{shift.vehicle.name} would end at {change.ends}, when it starts: give it some hours.", code="hours"
        )
    if (clock_minutes(change.starts), clock_minutes(change.ends)) == (
        clock_minutes(shift.starts), clock_minutes(shift.ends),
    ):  # fmt: skip
        raise InvalidInput(
            f"{shift.vehicle.name} works {shift.starts}-{shift.ends} already. Name other hours.", code="hours"
        )
    return _in_place(facts, replace(shift, starts=change.starts, ends=change.ends))


def _in_place(facts: DayFacts, shift: Shift) -> DayFacts:
    return replace(facts, shifts=tuple(shift if each.id == shift.id else each for each in facts.shifts))


def begun_from(plan: Plan, problem: Problem) -> Plan:
    """What of the plan still holds in another problem: a route whose van is not offered, or whose order no longer fits
    its hours, is dropped whole. A search that begins here serves no less than what held."""
    table = Timetable(problem)
    known, offered = {visit.id for visit in problem.visits}, {offer.id for offer in problem.shifts}
    orders = {
        shift: [key for key in order if key in known] for shift, order in orders_of(plan).items() if shift in offered
    }
    return timed(problem, {shift: order for shift, order in orders.items() if order}, table=table)


def timed(
    problem: Problem, orders: dict[int, list[int]], *, table: Timetable | None = None, strict: bool = False
) -> Plan:
    """The plan of these orders as the schedule times it, with why the others are left out; what does not hold is
    dropped, or with `strict` raises InvalidInput with its sentence."""
    table = table or Timetable(problem)
    routes: list[PlannedRoute] = []
    for shift, order in orders.items():
        route = table.route(shift, order)
        if not isinstance(route, Failure):
            routes.append(route)
        elif strict:
            raise InvalidInput(route.sentence, code="plan_moved_on")
    held = Plan(routes=tuple(routes), unassigned=(), cost=0, served_by_tier=(), engine="what if", seed=0)
    return summed(replace(held, unassigned=why_left_out(problem, held, timetable=table)), problem)


def standing(plan: Plan, problem: Problem, facts: DayFacts) -> Standing:
    """How this plan of that day stands. Every delivery of the day is counted, also those the plan does not know."""
    starts = starts_of(plan)
    why = {gone.visit: gone.reasons[0].value for gone in (*problem.excluded, *plan.unassigned) if gone.reasons}
    of = {delivery.id: delivery for delivery in facts.deliveries}
    served = Counter(each.tier for key, each in of.items() if key in starts)
    wanted = Counter(each.tier for each in of.values())
    left = Counter(why.get(key, NOT_PLANNED) for key in of if key not in starts)
    sites = {site.id: site for site in facts.sites}
    zones = {depot.id: depot.zone for depot in facts.depots}
    # A promise of a later day is not this day's to keep.
    told = [each for each in of.values() if each.promised is not None and each.promised.day <= facts.to_day]
    kept = [
        each
        for each in told
        if keeps_promise(
            each, starts.get(each.id), problem, zone_of(sites[each.site_id].zone or zones[each.depot_id])
        )
    ]  # fmt: skip
    return Standing(
        cost=plan.cost,
        distance_m=metres(plan),
        duty_s=duty_s(plan),
        vans=len(plan.routes),
        served=served.total(),
        of=len(of),
        promised=len(told),
        kept=len(kept),
        tiers=tuple((tier, served[tier], wanted[tier]) for tier in sorted(wanted, reverse=True)),
        left_out=tuple(sorted(left.items(), key=lambda pair: (-pair[1], pair[0]))),
    )


def come_and_go(before: Plan, after: Plan, facts: DayFacts) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(who rides only in the second plan, who only in the first), in the day's order."""
    old, new = starts_of(before), starts_of(after)
    ids = [each.id for each in facts.deliveries]
    return tuple(key for key in ids if key in new and key not in old), tuple(
        key for key in ids if key in old and key not in new
    )
