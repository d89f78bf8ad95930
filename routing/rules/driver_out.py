"""The driver is out: what can be done, side by side. Driver out is not van out.

*Before loading* the deliveries are free: a spare driver takes the van, the others share them, or they wait a day.
*After loading* the goods are on that van: another driver takes it, another van meets it, or it goes back to the depot.
What is done and the stop under way stay where they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from routing.errors import InvalidProblem
from routing.model.day import DayFacts
from routing.model.days import day_words
from routing.model.fleet import Driver, Shift
from routing.model.plans import Lock, Plan, PlannedRoute, Problem, Reason, ShiftOffer, Unassigned, Visit
from routing.rules.access import why_no_access
from routing.rules.as_dispatched import AsDispatched, with_change
from routing.rules.calendars import day_of, weekday
from routing.rules.changes import (
    BrokenPromise,
    EtaMove,
    eta_moves,
    orders_of,
    promises_broken,
    rebuilt,
    sentence_of,
    starts_of,
    summed,
)
from routing.rules.driver_hours import rule_of, under
from routing.rules.extra import strangers
from routing.rules.problem import HAPPENED, ON_THE_VAN, is_offered, rested_at, stranger_price
from routing.rules.reasons import why_left_out
from routing.rules.runs import Runs, priced
from routing.rules.schedule import Failure, Timetable

TRANSFER_S = 600
"""Carrying the goods from van to van, beside the road."""

MOST_SPARES = 3


class OutKind(StrEnum):
    SPARE_DRIVER = "spare_driver"
    SPREAD = "spread"
    POSTPONE = "postpone"
    OTHER_DRIVER = "other_driver"
    MEET = "meet"
    BACK_TO_DEPOT = "back_to_depot"
    OTHER_ORDER = "other_order"
    LEAVE = "leave"
    OVERTIME = "overtime"
    FITS_IN = "fits_in"
    IN_ANOTHERS_TURN = "in_anothers_turn"
    SPARE_VAN = "spare_van"
    NEXT_DAY = "next_day"
    STAYS_HERE = "stays_here"
    COMES_BACK = "comes_back"
    FILLED = "filled"
    OTHER_VAN = "other_van"
    OTHER_VAN_LATER = "other_van_later"
    WAITS = "waits"
    LATER_VAN = "later_van"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOption:
    """One way out, with all it costs. `plan` and `problem` are what would be saved (a swap still under the old shift).

    `stops_moved` counts doors that another shift comes to; `cost` is the difference in thousandths of a minor unit;
    `told` names who would hear of it. `driver_id` takes the van, `via_shift` takes over the goods. `promises_kept`
    counts those that break if nothing is done. `vehicle_id` goes in place of the shift's own, `added` is a shift that
    is not there yet, `postponed` are deliveries that wait for another day.
    """

    kind: OutKind
    shift_id: int
    title: str
    stops_moved: int
    moved: tuple[EtaMove, ...]
    promises_broken: tuple[BrokenPromise, ...]
    left_out: tuple[Unassigned, ...]
    cost: int
    told: tuple[str, ...]
    plan: Plan
    problem: Problem
    driver_id: int | None = None
    via_shift: int | None = None
    promises_kept: int = 0
    vehicle_id: int | None = None
    added: Shift | None = None
    postponed: tuple[int, ...] = ()


def is_loaded(facts: DayFacts, shift_id: int) -> bool:
    """Whether goods of that shift are on the van."""
    return any(ride.shift_id == shift_id and ride.state in ON_THE_VAN for ride in facts.riding)


def still_to_do(plan: Plan, facts: DayFacts, shift_id: int) -> tuple[int, ...]:
    """The deliveries of the shift that have not happened and are not under way, in order."""
    happened = {ride.delivery_id for ride in facts.riding if ride.state in HAPPENED}
    return tuple(visit for visit in orders_of(plan).get(shift_id, ()) if visit not in happened)


def on_board(facts: DayFacts, deliveries: Iterable[int]) -> tuple[int, ...]:
    """Those whose goods are on a van: of a shift that comes back for more, the others still lie at the depot."""
    riding = {ride.delivery_id for ride in facts.riding if ride.state in ON_THE_VAN}
    return tuple(key for key in deliveries if key in riding)


def take_van(
    plan: Plan, problem: Problem, facts: DayFacts, *, shift: Shift, spares: Sequence[Driver]
) -> list[OutOption]:
    """Another driver takes the van as it is: one option for each spare driver who can. No time changes."""
    loaded = is_loaded(facts, shift.id)
    needed = {skill for visit in _visits(plan, problem, shift.id) for skill in visit.skills} - set(shift.vehicle.skills)
    able = [spare for spare in spares if needed <= set(spare.skills)]
    order = orders_of(plan).get(shift.id, ())
    begins = next((route.start_s for route in plan.routes if route.shift == shift.id), None)
    today = weekday(day_of(shift.day))
    # Who works on this weekday anyway is asked before who would have to be called in.
    able.sort(key=lambda spare: (bool(spare.weekdays) and today not in spare.weekdays, spare.id))
    options: list[OutOption] = []
    for spare in able:
        if len(options) == MOST_SPARES:
            break
        rule = rule_of(spare.rule_set, who=spare.name)
        rested = rested_at(facts, spare, rule) if rule is not None else None
        if rested is not None and begins is not None and problem.epoch + timedelta(seconds=begins) < rested:
            continue
        offers = tuple(
            under(
                rule,
                replace(
                    offer,
                    skills=frozenset(shift.vehicle.skills) | frozenset(spare.skills),
                    name=f"{shift.vehicle.name} ({spare.name})",
                ),
                reduced=shift.rest_after == "reduced",
            )
            if offer.id == shift.id
            else offer
            for offer in problem.shifts
        )
        base = _driven_by(replace(problem, shifts=offers), facts, replace(shift, driver=spare))
        if rule is not None and order and Timetable(base).times(shift.id, order) is None:
            continue  # more than the hours of this driver allow
        after = _newly_priced(plan, problem, base, shift.id)
        options.append(
            OutOption(
                kind=OutKind.OTHER_DRIVER if loaded else OutKind.SPARE_DRIVER,
                shift_id=shift.id,
                title=f"{spare.name} takes {shift.vehicle.name}",
                stops_moved=0,
                moved=(),
                promises_broken=(),
                left_out=(),
                cost=after.cost - plan.cost,
                told=(spare.name,),
                plan=after,
                problem=base,
                driver_id=spare.id,
            )
        )
    return options


def _driven_by(problem: Problem, facts: DayFacts, shift: Shift) -> Problem:
    """The problem with what it costs where the driver who takes this shift is new to a door."""
    sites = {site.id: site for site in facts.sites}
    site_of = {each.id: sites[each.site_id] for each in facts.deliveries}

    def new_to(visit: Visit) -> tuple[tuple[int, int], ...]:
        if visit.id not in site_of:
            return visit.strangers
        # The van stays, its run with it, and what it took over from another list.
        parts = (dict(part).get(shift.id, 0) for part in (visit.off_run, visit.changed))
        price = stranger_price(shift, site_of[visit.id]) * 1000 + sum(parts)
        others = tuple(each for each in visit.strangers if each[0] != shift.id)
        return (*others, (shift.id, price)) if price else others

    return replace(problem, visits=tuple(replace(each, strangers=new_to(each)) for each in problem.visits))


def _newly_priced(plan: Plan, before: Problem, after: Problem, shift_id: int) -> Plan:
    """The same plan, no time changed, with what the doors of this shift cost now."""

    def price(problem: Problem, route: PlannedRoute) -> int:
        return sum(strangers(problem, route).values())

    routes = tuple(
        replace(route, cost=route.cost + price(after, route) - price(before, route))
        if route.shift == shift_id
        else route
        for route in plan.routes
    )
    return replace(plan, routes=routes, cost=sum(route.cost for route in routes))


def without_shift(problem: Problem, shift_id: int) -> Problem:
    """The problem as if that shift had never been offered; what was locked to it is free."""
    return replace(
        problem,
        shifts=tuple(offer for offer in problem.shifts if offer.id != shift_id),
        locks=tuple(lock for lock in problem.locks if lock.shift != shift_id),
    )


def nobodys_run(problem: Problem, facts: DayFacts, shift_id: int, deliveries: Iterable[int]) -> Problem:
    """The problem in which these, that were with the shift, owe nothing for being off its van's run or its driver's
    list: it brings them no more. The others keep their prices, for they keep their vans."""
    sites = {site.id: site for site in facts.sites}
    site_of = {each.id: sites[each.site_id] for each in facts.deliveries}
    others = [each for each in facts.shifts if each.id != shift_id and is_offered(each, facts)]
    runs, freed = Runs(facts.prices, others), set(deliveries) & site_of.keys()
    lists, of = AsDispatched(facts.prices, facts.deliveries, others), {each.id: each for each in facts.deliveries}

    def without(visit: Visit) -> Visit:
        if visit.id not in freed:
            return visit
        owing, site = dict(visit.off_run), site_of[visit.id]
        now = priced(visit, [(each.id, runs.price(each, site)) for each in others if each.id in owing])
        owing = dict(visit.changed)
        return with_change(
            now, [(each.id, lists.price(each, of[visit.id], site)) for each in others if each.id in owing]
        )

    return replace(problem, visits=tuple(without(each) for each in problem.visits))


def frozen_on_their_vans(plan: Plan, problem: Problem) -> Problem:
    """Every delivery that is on a route stays with its shift: only the others are free."""
    named = {lock.visit for lock in problem.locks}
    locks = [
        Lock(visit=visit, shift=shift)
        for shift, order in orders_of(plan).items()
        for visit in order
        if visit not in named
    ]
    return replace(problem, locks=(*problem.locks, *locks))


def insert_cheapest(plan: Plan, problem: Problem, orphans: Iterable[int]) -> Plan:
    """Puts each orphan where it costs least, no other delivery changing its van or its turn; higher tiers first.

    `plan` has no route of the shift that is out. Who fits nowhere is left out with the reasons for it.
    """
    table = Timetable(problem)
    visits = {visit.id: visit for visit in problem.visits}
    orders = {shift.id: list(orders_of(plan).get(shift.id, ())) for shift in problem.shifts}
    done = {lock.visit for lock in problem.locks if lock.done}
    costs = {route.shift: route.cost for route in plan.routes}
    queue = sorted(orphans, key=lambda key: (-visits[key].tier, -visits[key].age, key))
    for orphan in queue:
        best: tuple[int, int, int] | None = None
        for shift, order in orders.items():
            first = max((i + 1 for i, key in enumerate(order) if key in done), default=0)
            for at in range(first, len(order) + 1):
                times = table.times(shift, [*order[:at], orphan, *order[at:]])
                if times is not None:
                    found = (times.cost - costs.get(shift, 0), shift, at)
                    best = found if best is None else min(best, found)
        if best is not None:
            extra, shift, at = best
            orders[shift].insert(at, orphan)
            costs[shift] = costs.get(shift, 0) + extra
    after = rebuilt(plan, problem, orders, timetable=table)
    assert not isinstance(after, Failure)  # every order was timed when it was chosen
    return replace(after, unassigned=why_left_out(problem, after, timetable=table))


def without_route(plan: Plan, problem: Problem, shift_id: int) -> Plan:
    """The plan without that shift's route, its deliveries not yet anywhere."""
    return summed(replace(plan, routes=tuple(route for route in plan.routes if route.shift != shift_id)), problem)


def better(one: Plan, other: Plan) -> Plan:
    """The plan that serves more, tier by tier from the top; the first when they serve alike."""
    return other if other.served_by_tier > one.served_by_tier else one


def left_behind(
    plan: Plan, problem: Problem, facts: DayFacts, *, shift: Shift, kind: OutKind, next_day: str = ""
) -> OutOption:
    """Nobody brings them today: postponed before loading, back to the depot after it."""
    orphans = still_to_do(plan, facts, shift.id)
    stays = tuple(visit for visit in orders_of(plan).get(shift.id, ()) if visit not in set(orphans))
    names = {visit.id: visit.name for visit in problem.visits}
    if kind is OutKind.POSTPONE:
        title, said = (
            "Postpone them",
            f"was postponed{f' to {day_words(next_day)}' if next_day else ''}: the driver is out.",
        )
    else:
        title, said = f"{shift.vehicle.name} goes back to the depot", "goes back to the depot: the driver is out."
    base = problem if stays else without_shift(problem, shift.id)
    base = nobodys_run(_without_locks(base, orphans), facts, shift.id, orphans)
    waiting = [] if kind is OutKind.POSTPONE else sorted(set(orphans) - set(on_board(facts, orphans)))
    gone = [
        Unassigned(visit=key, reasons=(Reason.LOCKED_BY_YOU,), proven=False, detail=f"{names[key]} {said}")
        for key in orphans
        if key not in waiting
    ]
    base = _not_on(base, waiting, shift.id)
    after = _shared_too(_truncated(plan, base, shift.id, stays, gone), base, waiting)
    return option(plan, after, base, facts, shift=shift, kind=kind, title=title)


def meet(plan: Plan, problem: Problem, facts: DayFacts, *, shift: Shift, via: Shift) -> OutOption | None:
    """Another van finishes its own route, comes to the stop where this one stands or would go next, takes the goods
    over and brings them. What does not fit, in the van or in the day, is left out. None when nothing fits. What still
    lies at the depot for a later trip goes with whoever has room.
    """
    left = still_to_do(plan, facts, shift.id)
    stays = tuple(visit for visit in orders_of(plan).get(shift.id, ()) if visit not in set(left))
    orphans = list(on_board(facts, left))
    waiting = [key for key in left if key not in set(orphans)]
    sites = {site.id: site for site in facts.sites}
    site_of = {delivery.id: sites[delivery.site_id] for delivery in facts.deliveries}
    offer = next((offer for offer in problem.shifts if offer.id == via.id), None)
    if offer is None or not orphans:
        return None
    problem = nobodys_run(problem, facts, shift.id, left)
    visits = {visit.id: visit for visit in problem.visits}
    why: dict[int, tuple[Reason, str]] = {}
    for key in list(orphans):
        if said := why_no_access(via, site_of[key]):
            why[key] = (Reason.ACCESS, said)
        elif via.crew < site_of[key].crew:
            why[key] = (Reason.CREW, f"{site_of[key].name} needs {site_of[key].crew} people.")
    taken = [key for key in orphans if key not in why]
    own = list(orders_of(plan).get(via.id, ()))
    last_trip = next((len(route.trips) - 1 for route in plan.routes if route.shift == via.id), 0)
    while taken:
        base = _not_on(_without_locks(_handed_over(problem, visits, taken, offer), left), waiting, shift.id)
        if offer.most_trips > 1:
            # Never by way of the depot.
            kept = tuple(Lock(visit=key, shift=via.id, trip=last_trip) for key in taken)
            base = replace(base, locks=(*base.locks, *kept))
        base = base if stays else without_shift(base, shift.id)
        orders = {via.id: [*own, *taken]}
        gone = [
            Unassigned(visit=key, reasons=(reason,), proven=False, detail=said) for key, (reason, said) in why.items()
        ]
        start = _truncated(plan, base, shift.id, stays, gone)
        after = rebuilt(start, base, orders)
        if not isinstance(after, Failure):
            after = _shared_too(after, base, waiting)
            title = f"{via.vehicle.name} meets {shift.vehicle.name} and takes {len(taken)} deliveries over"
            found = option(plan, after, base, facts, shift=shift, kind=OutKind.MEET, title=title)
            return replace(found, via_shift=via.id)
        blamed = after.visit if after.visit in taken else taken[-1]
        why[blamed] = (after.reason, sentence_of(after, base, facts))
        taken.remove(blamed)
    return None


def _not_on(problem: Problem, deliveries: Collection[int], shift_id: int) -> Problem:
    """The problem in which these may ride with anybody whom they might before, but not on that shift."""
    if not deliveries:
        return problem
    everybody = frozenset(offer.id for offer in problem.shifts)
    return replace(
        problem,
        visits=tuple(
            replace(visit, shifts=(everybody if visit.shifts is None else visit.shifts) - {shift_id})
            if visit.id in deliveries
            else visit
            for visit in problem.visits
        ),
    )


def _shared_too(plan: Plan, problem: Problem, waiting: Sequence[int]) -> Plan:
    """The plan with these on whatever van has room; why others are left out stays as it was said."""
    if not waiting:
        return plan
    said = {gone.visit: gone for gone in plan.unassigned}
    after = insert_cheapest(plan, problem, waiting)
    return replace(after, unassigned=tuple(said.get(gone.visit, gone) for gone in after.unassigned))


def option(
    before: Plan, after: Plan, problem: Problem, facts: DayFacts, *, shift: Shift, kind: OutKind, title: str
) -> OutOption:
    """The new plan weighed against the old one."""
    broken = promises_broken(before, after, problem, facts)
    old, new = starts_of(before), starts_of(after)
    place = {visit.id: visit.place for visit in problem.visits}
    changed = {(place[key], new[key][0]) for key in new if key in old and old[key][0] != new[key][0] and key in place}
    names = {each.id: each.name for each in facts.shifts}
    drivers = {names[new_shift] for _, new_shift in changed if new_shift in names}
    was_out = {gone.visit for gone in before.unassigned}
    return OutOption(
        kind=kind,
        shift_id=shift.id,
        title=title,
        stops_moved=len(changed),
        moved=eta_moves(before, after, problem),
        promises_broken=broken,
        left_out=tuple(gone for gone in after.unassigned if gone.visit not in was_out),
        cost=after.cost - before.cost,
        told=(*sorted({each.customer for each in broken}), *sorted(drivers)),
        plan=after,
        problem=problem,
    )


def renamed_shift(plan: Plan, problem: Problem, *, old: int, new: int) -> tuple[Plan, Problem]:
    """The same plan and problem with the shift under its new id: a swap is a new shift."""

    def name(shift: int) -> int:
        return new if shift == old else shift

    return (
        replace(plan, routes=tuple(replace(route, shift=name(route.shift)) for route in plan.routes)),
        replace(
            problem,
            shifts=tuple(replace(offer, id=name(offer.id)) for offer in problem.shifts),
            locks=tuple(replace(lock, shift=name(lock.shift)) for lock in problem.locks),
            visits=tuple(
                replace(
                    visit,
                    shifts=None if visit.shifts is None else frozenset(name(shift) for shift in visit.shifts),
                    why_not=tuple((name(shift), reason) for shift, reason in visit.why_not),
                    strangers=tuple((name(shift), price) for shift, price in visit.strangers),
                    off_run=tuple((name(shift), price) for shift, price in visit.off_run),
                    changed=tuple((name(shift), price) for shift, price in visit.changed),
                )
                for visit in problem.visits
            ),
        ),
    )


def _visits(plan: Plan, problem: Problem, shift_id: int) -> list[Visit]:
    wanted = set(orders_of(plan).get(shift_id, ()))
    return [visit for visit in problem.visits if visit.id in wanted]


def _without_locks(problem: Problem, visits: Iterable[int]) -> Problem:
    freed = set(visits)
    return replace(problem, locks=tuple(lock for lock in problem.locks if lock.visit not in freed))


def _truncated(plan: Plan, problem: Problem, shift_id: int, stays: Sequence[int], gone: Iterable[Unassigned]) -> Plan:
    """The plan with only what stays on that shift, the rest as given."""
    after = rebuilt(plan, problem, {shift_id: stays} if stays else {shift_id: ()}, left_out=gone)
    if isinstance(after, Failure):
        raise InvalidProblem(f"What is done on shift {shift_id} does not fit its hours: {after.sentence}")
    return after


def _handed_over(problem: Problem, visits: dict[int, Visit], taken: Sequence[int], offer: ShiftOffer) -> Problem:
    """The visits as the other van serves them: it takes everything on board at the meeting, which is at the first of
    them. Counting it all as collected there is right when it matters: at the moment the van is fullest."""
    total = tuple(sum(visits[key].load[d] for key in taken) for d in range(len(problem.dimensions)))
    none = (0,) * len(problem.dimensions)
    changed = {
        key: replace(
            visits[key],
            load=none,
            collect=tuple(a + b for a, b in zip(total, visits[key].collect, strict=True))
            if n == 0
            else visits[key].collect,
            setup_s=visits[key].setup_s + (TRANSFER_S if n == 0 else 0),
            shifts=frozenset({offer.id}),
            why_not=(),
            ready_s=None,
        )
        for n, key in enumerate(taken)
    }
    return replace(problem, visits=tuple(changed.get(visit.id, visit) for visit in problem.visits))
