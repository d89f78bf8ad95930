"""What would fit what was left out: longer hours of one shift, or another van. And what an order costs.

A fix changes the hours of one shift, or adds one, and puts on its route whatever then fits; nobody else moves. What it
promises is what that plan holds, so applying it cannot bring less. `price_of` asks the other way round: how many lower
ones an order keeps out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from routing.model.day import DayFacts
from routing.model.fleet import Shift
from routing.model.plans import Plan, Problem, Reason, ShiftOffer, Visit
from routing.rules.access import is_motor, why_no_access
from routing.rules.as_dispatched import AsDispatched, with_change
from routing.rules.calendars import clock_minutes, day_of, moment, zone_of
from routing.rules.changes import orders_of, rebuilt
from routing.rules.driver_hours import rule_of, under
from routing.rules.problem import is_offered, rates_of, rested_at, stranger_price, trips_of
from routing.rules.reasons import why_left_out
from routing.rules.runs import Runs, priced
from routing.rules.schedule import Failure, Timetable

STEPS = (timedelta(minutes=30), timedelta(minutes=60), timedelta(minutes=90), timedelta(minutes=120))

HELPED = frozenset(
    {Reason.COMPETED_OUT, Reason.SHIFT_TOO_SHORT, Reason.WINDOW_UNREACHABLE, Reason.DRIVER_HOURS, Reason.NOT_READY}
)
"""Reasons that other hours may take away."""

HELPED_BY_A_VAN = HELPED | {Reason.CAPACITY, Reason.SKILLS, Reason.ACCESS, Reason.CREW}
"""Reasons that another van with its driver may take away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """Other hours of one shift, as wall-clock times of its depot. `gained` are the deliveries it serves more.
    `added` is a shift that is not there yet, under an id that no shift has.

    Cost is the difference in thousandths of a minor unit. `plan` and `problem` are what would be saved.
    """

    shift_id: int
    vehicle: str
    starts: str
    ends: str
    earlier: bool
    gained: tuple[int, ...]
    names: tuple[str, ...]
    cost: int
    plan: Plan
    problem: Problem
    added: Shift | None = None

    @property
    def sent(self) -> tuple[int, int]:
        """(vehicle, driver) of a shift that is not there yet, (0, 0) of one that is."""
        if self.added is None or self.added.driver is None:
            return 0, 0
        return self.added.vehicle.id, self.added.driver.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What serving one order costs: which lower ones would ride in its place, and what it costs in money
    (thousandths of a minor unit) when nobody does."""

    delivery: int
    instead: tuple[int, ...]
    names: tuple[str, ...]
    cost: int


def fixes(
    plan: Plan, problem: Problem, facts: DayFacts, *, now: datetime, spares: Sequence[Shift] = ()
) -> tuple[Fix, ...]:
    """The cheapest changes that serve more, at most one for each shift and number of deliveries: what serves more of a
    higher tier first, then what costs least for each delivery. None of a van on which goods ride already.

    `spares` are shifts that could be added: a van and a driver who have nothing to do, under ids that no shift has.
    Each is tried by itself, so a van may be among them with several drivers and a driver with several vans.
    """
    waiting, for_a_van = (
        [
            gone.visit
            for gone in plan.unassigned
            if helped & set(gone.reasons) and Reason.LOCKED_BY_YOU not in gone.reasons
        ]
        for helped in (HELPED, HELPED_BY_A_VAN)
    )
    loaded = {ride.shift_id for ride in facts.riding}
    offered = {offer.id for offer in problem.shifts}
    found: list[Fix] = []
    for shift in facts.shifts:
        if waiting and shift.id in offered and shift.id not in loaded:
            found += _of_shift(plan, problem, facts, shift, waiting, now=now)
    for spare in spares:
        if for_a_van and (fix := _of_spare(plan, problem, facts, spare, for_a_van, now=now)) is not None:
            found.append(fix)
    tier = {visit.id: visit.tier for visit in problem.visits}
    tiers = sorted(set(tier.values()), reverse=True)

    def worth(fix: Fix) -> tuple[object, ...]:
        counts = [-sum(tier[key] == level for key in fix.gained) for level in tiers]
        return counts[: max(1, len(tiers) - 1)], fix.cost / len(fix.gained), abs(fix.shift_id)

    best: dict[tuple[int, ...], Fix] = {}
    for fix in sorted(found, key=worth):
        # A van that brings the same with one driver or another is one thought: the better one stands.
        best.setdefault((fix.sent[0], 0 if fix.added is not None else fix.shift_id, *sorted(fix.gained)), fix)
    return tuple(best.values())


def fixes_with(found: Sequence[Fix], delivery: int) -> tuple[Fix, ...]:
    """Those that serve this delivery, the cheapest first."""
    return tuple(sorted((fix for fix in found if delivery in fix.gained), key=lambda fix: fix.cost))


def price_of(plan: Plan, problem: Problem, delivery: int) -> Price | None:
    """How many of a lower tier that wait would ride if this one did not; None when it is on no route.

    Asked of its own van: the others have their goods as they are. Tier by tier the price of being served first.
    """
    home = next((route.shift for route in plan.routes if delivery in route.visits), None)
    if home is None:
        return None
    visits = {visit.id: visit for visit in problem.visits}
    table = Timetable(replace(problem, locks=tuple(lock for lock in problem.locks if lock.visit != delivery)))
    without = [key for key in orders_of(plan)[home] if key != delivery]
    lower = [
        gone.visit
        for gone in plan.unassigned
        if Reason.COMPETED_OUT in gone.reasons and visits[gone.visit].tier < visits[delivery].tier
    ]
    order = filled(table, home, without, [visits[key] for key in lower])
    before = next(route.cost for route in plan.routes if route.shift == home)
    times = table.times(home, without) if without else None
    instead = tuple(key for key in order if key in set(lower))
    return Price(
        delivery=delivery,
        instead=instead,
        names=tuple(visits[key].name for key in instead),
        cost=before - (times.cost if times is not None else 0),
    )


def filled(table: Timetable, shift_id: int, order: Sequence[int], waiting: Collection[Visit]) -> list[int]:
    """The order with all that fits inserted: tier by tier from the top, the one first that costs least there."""
    order = list(order)
    done = max((n + 1 for n, key in enumerate(order) if key in table.done), default=0)
    left = [visit for visit in waiting if table.times(shift_id, [visit.id]) is not None]
    for tier in sorted({visit.tier for visit in left}, reverse=True):
        of_tier = [visit.id for visit in left if visit.tier == tier]
        while of_tier:
            best = min(
                (
                    (times.cost, key, at)
                    for key in of_tier
                    for at in range(done, len(order) + 1)
                    if (times := table.times(shift_id, [*order[:at], key, *order[at:]])) is not None
                ),
                default=None,
            )
            if best is None:
                break
            _cost, key, at = best
            order.insert(at, key)
            of_tier.remove(key)
    return order


def _of_shift(
    plan: Plan, problem: Problem, facts: DayFacts, shift: Shift, waiting: Sequence[int], *, now: datetime
) -> list[Fix]:
    zone = zone_of(next(depot.zone for depot in facts.depots if depot.id == shift.depot_id))
    offer = next(offer for offer in problem.shifts if offer.id == shift.id)
    rule = rule_of(shift.driver.rule_set, who=shift.name) if shift.driver is not None else None
    rested = None
    if rule is not None and shift.driver is not None:
        if any(each.id != shift.id and each.driver == shift.driver for each in facts.shifts):
            return []  # its other shifts are timed by when this one begins and ends
        rested = rested_at(facts, shift.driver, rule)
    found: list[Fix] = []
    for earlier in (False, True):
        most = 0
        for step in STEPS:
            by_s = round(step.total_seconds())
            begins = problem.epoch + timedelta(seconds=offer.start_s - (by_s if earlier else 0))
            ends = problem.epoch + timedelta(seconds=offer.end_s + (0 if earlier else by_s))
            same_day = begins.astimezone(zone).date() == ends.astimezone(zone).date()
            if (earlier and (begins < now or (rested is not None and begins < rested))) or not same_day:
                break
            changed = under(
                rule,
                replace(
                    offer,
                    start_s=offer.start_s - (by_s if earlier else 0),
                    end_s=offer.end_s + (0 if earlier else by_s),
                ),
                reduced=shift.rest_after == "reduced",
            )
            longer = replace(problem, shifts=tuple(changed if each.id == shift.id else each for each in problem.shifts))
            after = _with_more(plan, longer, shift.id, waiting)
            if after is None:
                continue
            gained = tuple(key for key in orders_of(after)[shift.id] if key in set(waiting))
            if len(gained) <= most:
                continue
            most = len(gained)
            names = {visit.id: visit.name for visit in problem.visits}
            found.append(
                Fix(
                    shift_id=shift.id,
                    vehicle=shift.vehicle.name,
                    starts=f"{begins.astimezone(zone):%H:%M}" if earlier else shift.starts,
                    ends=shift.ends if earlier else f"{ends.astimezone(zone):%H:%M}",
                    earlier=earlier,
                    gained=gained,
                    names=tuple(names[key] for key in gained),
                    cost=after.cost - plan.cost,
                    plan=after,
                    problem=longer,
                )
            )
    return found


def _of_spare(
    plan: Plan, problem: Problem, facts: DayFacts, spare: Shift, waiting: Sequence[int], *, now: datetime
) -> Fix | None:
    """What another van with this driver would bring, beside all that is planned."""
    if spare.vehicle.profile not in problem.travel:
        return None
    zone = zone_of(next(depot.zone for depot in facts.depots if depot.id == spare.depot_id))
    day, opens, closes = day_of(spare.day), clock_minutes(spare.starts), clock_minutes(spare.ends)
    start_s, end_s = (
        round((moment(day, minutes, zone) - problem.epoch).total_seconds())
        for minutes in (opens, closes + (1440 if closes <= opens else 0))
    )
    place = next(n for n, depot in enumerate(facts.depots) if depot.id == spare.depot_id)
    vehicle = spare.vehicle
    given = (vehicle.weight_g, vehicle.volume_cm3, vehicle.pieces)
    pauses = {pause.id for pause in spare.breaks}
    rule = rule_of(spare.driver.rule_set, who=spare.name) if spare.driver is not None else None
    ready = now
    if rule is not None and spare.driver is not None:
        ready = max(now, rested_at(facts, spare.driver, rule) or now)
    offer = ShiftOffer(
        id=spare.id,
        profile=vehicle.profile,
        start=place if spare.start_place == "depot" else None,
        end=place if spare.end_place == "depot" else None,
        start_s=max(start_s, -(-(ready - problem.epoch) // timedelta(seconds=1))),
        end_s=end_s,
        capacity=tuple(
            most or sum(visit.load[d] + visit.collect[d] for visit in problem.visits) for d, most in enumerate(given)
        ),
        skills=frozenset(vehicle.skills) | frozenset(spare.driver.skills if spare.driver else ()),
        # It takes the pauses of the shift it is made after.
        breaks=next((each.breaks for each in problem.shifts if pauses and {p.id for p in each.breaks} == pauses), ()),
        cost=rates_of(spare, facts.prices),
        overtime_s=spare.overtime_s,
        loading_s=spare.loading_s,
        debrief_s=spare.debrief_s,
        max_stops=spare.max_stops,
        max_distance_m=spare.max_distance_m,
        motor=is_motor(vehicle),
        name=spare.name,
        reload_s=vehicle.reload_minutes * 60,
        most_trips=trips_of(spare),
    )
    if offer.end_s <= offer.start_s:
        return None
    offer = under(rule, offer, reduced=spare.rest_after == "reduced")
    everybody = frozenset(each.id for each in problem.shifts)
    sites = {site.id: site for site in facts.sites}
    of = {each.id: each for each in facts.deliveries}
    offered = [each for each in facts.shifts if is_offered(each, facts)]
    runs, lists = Runs(facts.prices, offered), AsDispatched(facts.prices, facts.deliveries, offered)

    def may(visit: Visit) -> bool:
        site = sites[of[visit.id].site_id]
        fits = not why_no_access(spare, site) and spare.crew >= site.crew
        return visit.id in waiting and of[visit.id].depot_id == spare.depot_id and fits

    def new_to(visit: Visit) -> tuple[tuple[int, int], ...]:
        price = stranger_price(spare, sites[of[visit.id].site_id])
        return ((spare.id, price * 1000),) if price else ()

    def with_all(visit: Visit) -> Visit:
        delivery = of[visit.id]
        site = sites[delivery.site_id]
        now = priced(visit, [(spare.id, runs.price(spare, site))])
        return with_change(now, [(spare.id, lists.price(spare, delivery, site))])

    wider = replace(
        problem,
        shifts=(*problem.shifts, offer),
        visits=tuple(
            with_all(
                replace(
                    visit,
                    shifts=(everybody if visit.shifts is None else visit.shifts)
                    | ({spare.id} if may(visit) else set()),
                    strangers=(*visit.strangers, *new_to(visit)),
                )
            )
            if visit.id in of
            else visit
            for visit in problem.visits
        ),
    )
    after = _with_more(plan, wider, spare.id, waiting)
    if after is None:
        return None
    gained = orders_of(after)[spare.id]
    names = {visit.id: visit.name for visit in problem.visits}
    return Fix(
        shift_id=spare.id,
        vehicle=vehicle.name,
        starts=spare.starts,
        ends=spare.ends,
        earlier=False,
        gained=gained,
        names=tuple(names[key] for key in gained),
        cost=after.cost - plan.cost,
        plan=after,
        problem=wider,
        added=spare,
    )


def _with_more(plan: Plan, problem: Problem, shift_id: int, waiting: Sequence[int]) -> Plan | None:
    """The plan with what fits of them on this route; None when nothing more does."""
    table = Timetable(problem)
    before = list(orders_of(plan).get(shift_id, ()))
    order = filled(table, shift_id, before, [visit for visit in problem.visits if visit.id in set(waiting)])
    if order == before:
        return None
    after = rebuilt(plan, problem, {shift_id: order}, timetable=table)
    if isinstance(after, Failure):
        return None
    kept = {gone.visit: gone for gone in after.unassigned}
    # Why the others wait is said anew only for those whom the longer hours concern.
    return replace(
        after,
        unassigned=tuple(
            gone if gone.visit in set(waiting) else kept.get(gone.visit, gone)
            for gone in why_left_out(problem, after, timetable=table)
        ),
    )
