"""A person changes a plan: what a move would do, before it is made, and the new version it gives.

A plan is immutable. Every change here gives another plan in which only the routes that were touched are timed anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from routing.errors import NotFound
from routing.model.day import DayFacts, DeliveryFacts, SiteFacts
from routing.model.days import day_words
from routing.model.fleet import Shift
from routing.model.plans import Plan, PlannedRoute, Problem, Reason, Unassigned, Violation
from routing.rules.access import may_come, only_vehicles, why_no_access, why_not_then
from routing.rules.calendars import clock_minutes, day_of, moment, zone_of
from routing.rules.check import violations
from routing.rules.locks import NewPlace, freed, in_their_new_places
from routing.rules.problem import HAPPENED, is_offered
from routing.rules.schedule import Failure, Timetable

BY_HAND = "by hand"
MOVED_FROM_S = 60
"""A start that moves by less than this is not worth a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EtaMove:
    """One delivery whose planned start moves; None where it is not on any route. `shift` is the new one."""

    delivery: int
    name: str
    old: datetime | None
    new: datetime | None
    shift: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenPromise:
    """A delivery that was promised a day or window which the new plan no longer keeps."""

    delivery: int
    name: str
    customer: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveEffect:
    """What a move would do: minutes of duty, metres and cost more (less when negative), whose times move, and what
    it would break. `along`: other deliveries of the same door that go with it. `plan` is the version it gives, None
    when it breaks something. `places`: who is locked to a place that becomes another by it. Cost in thousandths of a
    minor unit.
    """

    delivery: int
    along: tuple[int, ...] = ()
    from_shift: int | None
    to_shift: int | None
    position: int
    minutes: int = 0
    distance_m: int = 0
    cost: int = 0
    moved: tuple[EtaMove, ...] = ()
    promises_broken: tuple[BrokenPromise, ...] = ()
    violations: tuple[str, ...] = ()
    places: tuple[NewPlace, ...] = ()
    plan: Plan | None = None
    problem: Problem | None = None


def orders_of(plan: Plan) -> dict[int, tuple[int, ...]]:
    """The deliveries of each used shift, in order."""
    return {route.shift: route.visits for route in plan.routes}


def starts_of(plan: Plan) -> dict[int, tuple[int, int]]:
    """Of each delivery on a route: its shift, and when service at its door begins (seconds from the epoch)."""
    return {
        visit: (route.shift, stop.start_s) for route in plan.routes for stop in route.stops for visit in stop.visits
    }


def rebuilt(
    plan: Plan,
    problem: Problem,
    orders: Mapping[int, Sequence[int]],
    *,
    left_out: Iterable[Unassigned] = (),
    engine: str = BY_HAND,
    timetable: Timetable | None = None,
) -> Plan | Failure:
    """The plan with these orders in place of its own; shifts not named keep theirs. Or the first thing that fails.

    `left_out` are new entries; who is served leaves the list by himself.
    """
    table = timetable or Timetable(problem)
    before = {route.shift: route for route in plan.routes}
    wanted = {**orders_of(plan), **{shift: tuple(order) for shift, order in orders.items()}}
    routes: list[PlannedRoute] = []
    offered = {shift.id for shift in problem.shifts}
    for shift in [*before, *(shift for shift in orders if shift not in before)]:
        order = wanted[shift]
        if not order:
            continue
        if shift not in offered:
            raise NotFound(f"Shift {shift} is not offered in this plan. Plan the day again.", shift=shift)
        if shift in before and before[shift].visits == order:
            routes.append(before[shift])
            continue
        route = table.route(shift, order)
        if isinstance(route, Failure):
            return route
        routes.append(route)
    served = {visit for route in routes for visit in route.visits}
    new = {gone.visit: gone for gone in left_out}
    known = {visit.id for visit in problem.visits}
    unassigned = [gone for gone in plan.unassigned if gone.visit not in served and gone.visit not in new]
    unassigned += [gone for key, gone in new.items() if key not in served]
    return summed(
        replace(plan, routes=tuple(routes), unassigned=tuple(g for g in unassigned if g.visit in known), engine=engine),
        problem,
    )


def summed(plan: Plan, problem: Problem) -> Plan:
    """The plan with its sums (cost, served per tier) taken from its routes."""
    served = {visit for route in plan.routes for visit in route.visits}
    tiers = sorted({visit.tier for visit in problem.visits}, reverse=True)
    return replace(
        plan,
        cost=sum(route.cost for route in plan.routes),
        served_by_tier=tuple(
            (tier, sum(visit.tier == tier and visit.id in served for visit in problem.visits)) for tier in tiers
        ),
    )


def effect_of_move(
    plan: Plan,
    problem: Problem,
    *,
    facts: DayFacts,
    delivery: int,
    to_shift: int | None,
    position: int = 0,
    along: tuple[int, ...] = (),
    timetable: Timetable | None = None,
) -> MoveEffect:
    """What putting this delivery on that shift, `position` deliveries after its start, would do; None: left out.
    `along`: others that go with it, right behind it, as a stop with several deliveries does.

    The delivery's own lock gives way to the person who moves it, and places that others are locked to are counted anew.
    What it gives was judged by the code that judges it again when it is saved: a move that is shown as possible is
    made. What the plan breaks already is not held against it. Raises NotFound for a delivery the plan does not know.
    """
    orders = {shift: list(order) for shift, order in orders_of(plan).items()}
    move = (delivery, *along)
    on = {key: shift for shift, order in orders.items() for key in order if key in move}

    def refused(*sentences: str) -> MoveEffect:
        return MoveEffect(
            delivery=delivery,
            along=along,
            from_shift=on.get(delivery),
            to_shift=to_shift,
            position=position,
            violations=sentences,
        )

    riding = {ride.delivery_id: ride for ride in facts.riding}
    names = {visit.id: visit.name for visit in problem.visits}
    for key in move:
        if key not in names:
            return refused(_why_not_planned(problem, key))
        if (ride := riding.get(key)) is not None and to_shift != ride.shift_id:
            state = "has happened" if ride.state in HAPPENED else "is on a van already"
            return refused(f"{names[key]} {state}: it cannot change vans here.")
    if to_shift is not None and all(shift.id != to_shift for shift in problem.shifts):
        return refused("That shift does not go out today.")
    moved_problem = freed(problem, facts, *move)
    for key, shift in on.items():
        orders[shift].remove(key)
    left_out: tuple[Unassigned, ...] = ()
    if to_shift is None:
        left_out = tuple(
            Unassigned(
                visit=key,
                reasons=(Reason.LOCKED_BY_YOU,),
                proven=False,
                detail=f"{names[key]} was taken out by a person.",
            )
            for key in move
        )
    else:
        order = orders.setdefault(to_shift, [])
        done = sum(key in riding and riding[key].state in HAPPENED for key in order)
        at = max(min(position, len(order)), done)
        order[at:at] = move
    touched = {key: orders[key] for key in {*on.values(), to_shift} - {None} if key is not None}
    table = timetable or Timetable(moved_problem)
    after = rebuilt(plan, moved_problem, touched, left_out=left_out, timetable=table)
    if isinstance(after, Failure):
        return refused(sentence_of(after, moved_problem, facts))
    moved_problem, places = in_their_new_places(moved_problem, touched)
    if added := what_it_adds(plan, problem, after, moved_problem, shifts=frozenset(touched)):
        return refused(*(each.sentence for each in added))
    return MoveEffect(
        delivery=delivery,
        along=along,
        from_shift=on.get(delivery),
        to_shift=to_shift,
        position=position,
        minutes=round((duty_s(after) - duty_s(plan)) / 60),
        distance_m=metres(after) - metres(plan),
        cost=after.cost - plan.cost,
        moved=eta_moves(plan, after, problem),
        promises_broken=promises_broken(plan, after, problem, facts),
        places=places,
        plan=after,
        problem=moved_problem,
    )


def _why_not_planned(problem: Problem, delivery: int) -> str:
    """Why a delivery that is no visit of the problem was left out before planning. Raises NotFound."""
    gone = next((gone for gone in problem.excluded if gone.visit == delivery), None)
    if gone is None:
        raise NotFound(f"Delivery {delivery} is not in this plan. Plan the day again.", delivery=delivery)
    return gone.detail or f"It was left out before planning: {gone.reasons[0].value}."


def what_it_adds(
    before: Plan, stands: Problem, after: Plan, problem: Problem, *, shifts: frozenset[int] | None = None
) -> tuple[Violation, ...]:
    """What is wrong with a change of the plan `before` that was not wrong with it already, as the day stands. `shifts`:
    the routes that were touched; None: any."""
    found = violations(after, problem, shifts=shifts)
    if not found:
        return ()
    was = {(each.code, each.shift, each.visit) for each in violations(before, stands, shifts=shifts)}
    return tuple(each for each in found if (each.code, each.shift, each.visit) not in was)


def duty_s(plan: Plan) -> int:
    return sum(route.end_s - route.start_s for route in plan.routes)


def metres(plan: Plan) -> int:
    return sum(trip.distance_m for route in plan.routes for trip in route.trips)


def eta_moves(before: Plan, after: Plan, problem: Problem) -> tuple[EtaMove, ...]:
    """Whose planned start moves by a minute or more, comes or goes, in the problem's order; not what has happened."""
    old, new = starts_of(before), starts_of(after)
    happened = {lock.visit for lock in problem.locks if lock.done}
    found = []
    for visit in problem.visits:
        was, will = old.get(visit.id), new.get(visit.id)
        if (
            visit.id in happened
            or was == will
            or (was is not None and will is not None and abs(was[1] - will[1]) < MOVED_FROM_S)
        ):
            continue
        found.append(
            EtaMove(
                delivery=visit.id,
                name=visit.name,
                old=None if was is None else _at(problem, was[1]),
                new=None if will is None else _at(problem, will[1]),
                shift=None if will is None else will[0],
            )
        )
    return tuple(found)


def promises_broken(before: Plan, after: Plan, problem: Problem, facts: DayFacts) -> tuple[BrokenPromise, ...]:
    """Promises that the old plan kept and the new one does not."""
    sites = {site.id: site for site in facts.sites}
    zones = {depot.id: depot.zone for depot in facts.depots}
    happened = {lock.visit for lock in problem.locks if lock.done}
    old, new = starts_of(before), starts_of(after)
    broken = []
    for delivery in facts.deliveries:
        site = sites[delivery.site_id]
        zone = zone_of(site.zone or zones[delivery.depot_id])
        if delivery.promised is None or delivery.id in happened:
            continue
        was = keeps_promise(delivery, old.get(delivery.id), problem, zone)
        if not was or keeps_promise(delivery, new.get(delivery.id), problem, zone):
            continue
        broken.append(broken_promise(delivery, site, new.get(delivery.id), problem, zone))
    return tuple(broken)


def broken_promise(
    delivery: DeliveryFacts, site: SiteFacts, planned: tuple[int, int] | None, problem: Problem, zone: ZoneInfo
) -> BrokenPromise:
    """What was promised and what comes instead. `planned`: (shift, start), None when it does not come."""
    promised = delivery.promised
    assert promised is not None  # only what was promised can break
    window = f", {promised.window_from}-{promised.window_to}" if promised.window_from else ""
    comes = "would not come"
    if planned is not None:
        comes = f"would come at {_at(problem, planned[1]).astimezone(zone):%H:%M}"
    return BrokenPromise(
        delivery=delivery.id,
        name=delivery.number,
        customer=site.customer,
        sentence=f"{site.name} was promised {day_words(promised.day)}{window}; {delivery.number} {comes}.",
    )


def keeps_promise(delivery: DeliveryFacts, planned: tuple[int, int] | None, problem: Problem, zone: ZoneInfo) -> bool:
    """Whether this (shift, start) keeps the day and window that were promised; None: it does not come."""
    promised = delivery.promised
    if promised is None or planned is None:
        return promised is None
    at = _at(problem, planned[1])
    if at.astimezone(zone).date().isoformat() > promised.day:
        return False
    if not promised.window_from or not promised.window_to or at.astimezone(zone).date().isoformat() < promised.day:
        return True
    day = day_of(promised.day)
    first = moment(day, clock_minutes(promised.window_from), zone)
    return first <= at <= moment(day, clock_minutes(promised.window_to), zone, last=True)


def sentence_of(failure: Failure, problem: Problem, facts: DayFacts) -> str:
    """The failure as a dispatcher would say it: the arch and the van, the closing that would be missed."""
    delivery = next((each for each in facts.deliveries if each.id == failure.visit), None)
    shift = next((each for each in facts.shifts if each.id == failure.shift), None)
    visit = next((each for each in problem.visits if each.id == failure.visit), None)
    if delivery is None or shift is None or visit is None:
        return failure.sentence
    site: SiteFacts = next(each for each in facts.sites if each.id == delivery.site_id)
    if failure.reason is Reason.ACCESS:
        said = why_no_access(shift, site) or _of_another_depot(shift, delivery, facts)
        street = why_not_then(shift, site)
        return said or (f"{street}." if street else failure.sentence)
    if failure.reason is Reason.CREW:
        return f"{site.name} needs {site.crew} people, {shift.name} has {shift.crew}."
    if failure.reason is Reason.WINDOW_UNREACHABLE:
        zones = {depot.id: depot.zone for depot in facts.depots}
        zone = zone_of(site.zone or zones[delivery.depot_id])
        last = max(visit.windows, key=lambda window: window.end_s)
        closing = _at(problem, last.end_s + last.late_s).astimezone(zone)
        late = f", {-(-failure.amount // 60)} min late" if failure.amount > 0 else ""
        return f"Breaks the hours of {site.name}: {delivery.number} must be begun by {closing:%H:%M}{late}."
    return failure.sentence


def _of_another_depot(shift: Shift, delivery: DeliveryFacts, facts: DayFacts) -> str:
    if shift.depot_id == delivery.depot_id:
        return ""
    names = {depot.id: depot.name for depot in facts.depots}
    return (
        f"{shift.vehicle.name} starts at {names[shift.depot_id]}, "
        f"the goods of {delivery.number} lie at {names[delivery.depot_id]}."
    )


def said_of_the_door(gone: Unassigned, facts: DayFacts) -> Unassigned:
    """The same entry in the words of its door, where the reason lies there: which van is too long for it, how many
    people or what equipment it needs."""
    delivery = next((each for each in facts.deliveries if each.id == gone.visit), None)
    if delivery is None or not gone.proven:
        return gone
    site = next(each for each in facts.sites if each.id == delivery.site_id)
    depot = next(each.name for each in facts.depots if each.id == delivery.depot_id)
    vans = [each for each in facts.shifts if each.depot_id == delivery.depot_id]
    said = ""
    if gone.reasons[0] is Reason.ACCESS:
        # The smallest van comes closest.
        vans.sort(key=lambda each: (each.vehicle.length_cm or 0, each.vehicle.height_cm or 0))
        allowed = [each for each in vans if may_come(each, site) and is_offered(each, facts)]
        if site.vehicles and not allowed:
            return replace(gone, detail=f"{only_vehicles(site)}: none of them goes out from {depot} in this plan.")
        why = next((why for van in allowed or vans if (why := why_no_access(van, site))), "")
        rest = "no other vehicle may come" if site.vehicles else f"no larger vehicle of {depot} fits"
        fitting = [van for van in allowed or vans if not why_no_access(van, site)]
        if street := next((said for van in fitting if (said := why_not_then(van, site))), ""):
            # A van that fits is closer than one that is too long.
            why, rest = street, f"no bike of {depot} can bring it"
        said = f"{why}, and {rest}." if why else ""
    elif gone.reasons[0] is Reason.CREW:
        most = max((each.crew for each in vans), default=0)
        said = f"{site.name} needs {site.crew} people, the largest crew of {depot} has {most}."
    elif gone.reasons[0] is Reason.SKILLS:
        said = f"{site.name} needs {', '.join(site.skills)}: no van of {depot} has all of it."
    return replace(gone, detail=said) if said else gone


def _at(problem: Problem, seconds: int) -> datetime:
    return problem.epoch + timedelta(seconds=seconds)
