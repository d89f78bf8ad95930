"""Something happens on the day: an urgent order comes in, a stop is cancelled, a van becomes smaller, goods come later.

Each gives its ways out side by side, as a missing driver does (driver_out.py), from the state of the day and stable
first: what is done or on board stays where it is, and nobody whom it does not concern changes vans or turns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from routing.errors import InvalidInput
from routing.model.day import DayFacts
from routing.model.days import day_words
from routing.model.fleet import Shift, Vehicle
from routing.model.plans import Plan, Problem, Reason, Unassigned, Visit
from routing.rules.access import is_motor, why_no_access
from routing.rules.calendars import zone_of
from routing.rules.changes import orders_of, rebuilt
from routing.rules.driver_out import OutKind, OutOption, insert_cheapest, is_loaded, option
from routing.rules.fixes import Fix, filled
from routing.rules.problem import is_offered, trips_of
from routing.rules.runs import Runs, priced
from routing.rules.saying_why import short_enough
from routing.rules.schedule import Failure, Timetable

WEIGHED = 8
"""Of the cheapest places so many are asked for the promises they break."""

WAITED_FOR = frozenset({Reason.COMPETED_OUT, Reason.CAPACITY, Reason.SHIFT_TOO_SHORT, Reason.WINDOW_UNREACHABLE})
"""Reasons for which a delivery that was left out may take a place that became free."""

type NextDay = Callable[[int], str]
"""The ISO day on which a delivery would come instead, "" where nobody knows."""


# ---------------------------------------------------------------------------- an urgent order comes in


def urgent_because(text: str, *, number: str) -> str:
    """Why an order is brought out of its turn, on one line. Raises InvalidInput without a reason, or for a long one.

    >>> urgent_because(" their party is  tonight", number="D-17")
    'their party is tonight'
    """
    said = " ".join(text.split())
    if not said:
        raise InvalidInput(f"Say why {number} is urgent: it stands with its orders, and in the figures.", code="why")
    return short_enough(said)


def urgent_in(
    plan: Plan, problem: Problem, facts: DayFacts, *, delivery: int, sent: Sequence[Fix] = (), next_day: NextDay
) -> list[OutOption]:
    """Where an order that is on no route fits now: the cheapest place, the cheapest that breaks no promise when that is
    another, in the turn of the lowest one that would give way, with a spare van (`sent`), or on its next day."""
    found = _places(plan, problem, facts, delivery)
    options: list[OutOption] = []
    if found:
        best = found[0]
        # What breaks fewest comes first; a cheaper one that breaks more stands beside it.
        options.append(best)
        cheapest = min(found, key=lambda each: each.cost)
        if cheapest is not best and cheapest.cost < best.cost:
            options.append(cheapest)
    instead = _in_anothers_turn(plan, problem, facts, delivery)
    if instead is not None and (not options or options[0].promises_broken):
        options.append(instead)
    options += [_with_a_van(plan, facts, each) for each in sent if delivery in each.gained][:1]
    options.append(_next_day(plan, problem, facts, [delivery], next_day=next_day, title="It goes on its next day"))
    return options


def _places(plan: Plan, problem: Problem, facts: DayFacts, delivery: int) -> list[OutOption]:
    """The best places of all vans: fewest promises broken, then cheapest."""
    table = Timetable(problem)
    costs = {route.shift: route.cost for route in plan.routes}
    places: list[tuple[int, int, int]] = []
    for offer in problem.shifts:
        order = orders_of(plan).get(offer.id, ())
        first = max((n + 1 for n, key in enumerate(order) if key in table.done), default=0)
        for at in range(first, len(order) + 1):
            times = table.times(offer.id, [*order[:at], delivery, *order[at:]])
            if times is not None:
                places.append((times.cost - costs.get(offer.id, 0), offer.id, at))
    found = []
    for _extra, shift, at in sorted(places)[:WEIGHED]:
        order = orders_of(plan).get(shift, ())
        after = rebuilt(plan, problem, {shift: [*order[:at], delivery, *order[at:]]}, timetable=table)
        if not isinstance(after, Failure):
            own = _shift(facts, shift)
            title = f"{own.name} brings it as stop {_stop_number(after, shift, delivery)}"
            found.append(option(plan, after, problem, facts, shift=own, kind=OutKind.FITS_IN, title=title))
    return sorted(found, key=lambda each: (len(each.promises_broken), each.cost))


def _in_anothers_turn(plan: Plan, problem: Problem, facts: DayFacts, delivery: int) -> OutOption | None:
    """The lowest delivery that is on no van yet gives its turn; the cheapest of those."""
    table = Timetable(problem)
    locked = {lock.visit for lock in problem.locks}
    mine = table.visits[delivery]
    found: list[tuple[int, int, int, int]] = []
    for shift, order in orders_of(plan).items():
        for n, key in enumerate(order):
            if key in locked or table.visits[key].tier > mine.tier:
                continue
            times = table.times(shift, [*order[:n], delivery, *order[n + 1 :]])
            if times is not None:
                found.append((table.visits[key].tier, times.cost, shift, n))
    if not found:
        return None
    _tier, _cost, shift, n = min(found)
    order = orders_of(plan)[shift]
    who, own = table.visits[order[n]], _shift(facts, shift)
    gone = Unassigned(
        visit=who.id, reasons=(Reason.COMPETED_OUT,), proven=False, detail=f"{who.name} gives way to {mine.name}."
    )
    after = rebuilt(plan, problem, {shift: [*order[:n], delivery, *order[n + 1 :]]}, timetable=table, left_out=[gone])
    if isinstance(after, Failure):
        return None
    title = f"{own.name} brings it in the turn of {who.name}"
    return option(plan, after, problem, facts, shift=own, kind=OutKind.IN_ANOTHERS_TURN, title=title)


def _with_a_van(plan: Plan, facts: DayFacts, fix: Fix) -> OutOption:
    assert fix.added is not None
    others = len(fix.gained) - 1
    more = f"; {others} more {'rides' if others == 1 else 'ride'} too" if others else ""
    title = f"Send {fix.added.name}, {fix.starts}-{fix.ends}{more}"
    found = option(plan, fix.plan, fix.problem, facts, shift=fix.added, kind=OutKind.SPARE_VAN, title=title)
    driver = fix.added.driver.name if fix.added.driver is not None else ""
    return replace(found, added=fix.added, told=(*found.told, *([driver] if driver else [])))


# ---------------------------------------------------------------------------- a stop is cancelled


def cancelled(plan: Plan, problem: Problem, facts: DayFacts, *, delivery: int, next_day: NextDay) -> list[OutOption]:
    """The delivery does not go today and waits for its next day. Before loading, who waits may take its time; on a van
    its goods ride along and come back."""
    home = next(shift for shift, order in orders_of(plan).items() if delivery in order)
    own, table = _shift(facts, home), Timetable(problem)
    rides = next((ride for ride in facts.riding if ride.delivery_id == delivery), None)
    name, day = table.visits[delivery].name, next_day(delivery)
    comes = f", and goes on {day_words(day)}" if day else ", and waits for its day"
    back = f"{name} rides along and comes back{comes}" if rides is not None else f"{name} stays here{comes}"
    stays = [key for key in orders_of(plan)[home] if key != delivery]
    base = replace(problem, locks=tuple(lock for lock in problem.locks if lock.visit != delivery))
    gone = [Unassigned(visit=delivery, reasons=(Reason.LOCKED_BY_YOU,), proven=False, detail=f"{name} was cancelled.")]
    options = []
    after = rebuilt(plan, base, {home: stays}, left_out=gone)
    kind = OutKind.COMES_BACK if rides is not None else OutKind.STAYS_HERE
    if not isinstance(after, Failure):
        found = option(plan, after, base, facts, shift=own, kind=kind, title=back)
        options.append(_at_its_wish(found, delivery))
    waiting = [
        table.visits[each.visit]
        for each in plan.unassigned
        if WAITED_FOR & set(each.reasons) and each.visit in table.visits
    ]
    if not is_loaded(facts, home) and waiting:
        order = filled(Timetable(base), home, stays, waiting)
        after = rebuilt(plan, base, {home: order}, left_out=gone)
        if order != stays and not isinstance(after, Failure):
            more = [table.visits[key].name for key in order if key not in set(stays)]
            title = f"{', '.join(more[:3])} {'rides' if len(more) == 1 else 'ride'} in its time"
            found = option(plan, after, base, facts, shift=own, kind=OutKind.FILLED, title=title)
            options.append(_at_its_wish(found, delivery))
    return options


def _at_its_wish(found: OutOption, delivery: int) -> OutOption:
    """Who cancelled is owed no promise today, and need not be told."""
    broken = tuple(each for each in found.promises_broken if each.delivery != delivery)
    gone = {each.customer for each in found.promises_broken} - {each.customer for each in broken}
    told = tuple(each for each in found.told if each not in gone)
    return replace(found, promises_broken=broken, told=told, postponed=(delivery,))


# ---------------------------------------------------------------------------- the van becomes smaller


def smaller(
    plan: Plan, problem: Problem, facts: DayFacts, *, shift: Shift, vans: Sequence[Vehicle], next_day: NextDay
) -> list[OutOption]:
    """Another van goes in place of this one, before it is loaded: what fits stays in its order; what does not is shared
    by the others, or goes on its next day. For each van both, one when everything fits."""
    options: list[OutOption] = []
    order = list(orders_of(plan)[shift.id])
    for van in vans:
        if van.profile not in problem.travel:
            continue
        base = with_van(problem, facts, shift, van)
        kept, dropped = fitting(base, shift.id, order)
        left = replace(plan, routes=tuple(route for route in plan.routes if route.shift != shift.id))
        held = rebuilt(left, base, {shift.id: kept} if kept else {})
        if isinstance(held, Failure):
            continue
        carried = f"{len(kept)} of {len(order)} deliveries"
        if not dropped:
            found = option(
                plan, held, base, facts, shift=shift, kind=OutKind.OTHER_VAN, title=f"{van.name} takes all {len(kept)}"
            )
            options.append(replace(found, vehicle_id=van.id))
            continue
        spread = insert_cheapest(held, base, dropped)
        shared = {key for order in orders_of(spread).values() for key in order} & set(dropped)
        if shared:
            rest = "the rest" if len(shared) == len(dropped) else f"{len(shared)} of the rest"
            found = option(
                plan, spread, base, facts, shift=shift, kind=OutKind.OTHER_VAN,
                title=f"{van.name} takes {carried}, the others share {rest}",
            )  # fmt: skip
            options.append(replace(found, vehicle_id=van.id))
        later = _next_day(held, base, facts, dropped, next_day=next_day, title="", before=plan)
        options.append(
            replace(
                later, kind=OutKind.OTHER_VAN_LATER, shift_id=shift.id, vehicle_id=van.id,
                title=f"{van.name} takes {carried}, the rest goes on its next day",
            )
        )  # fmt: skip
    return options


def with_van(problem: Problem, facts: DayFacts, shift: Shift, van: Vehicle) -> Problem:
    """The problem in which that shift is driven with another van: what it carries, what it can, which doors it fits."""
    sites = {site.id: site for site in facts.sites}
    site_of = {each.id: sites[each.site_id] for each in facts.deliveries}
    driver = frozenset(shift.driver.skills) if shift.driver is not None else frozenset()
    own = replace(shift, vehicle=van)
    given = (van.weight_g, van.volume_cm3, van.pieces)
    no_limit = [sum(visit.load[d] + visit.collect[d] for visit in problem.visits) for d in range(len(given))]
    everybody = frozenset(offer.id for offer in problem.shifts)

    def may(key: int, shifts: frozenset[int] | None) -> frozenset[int] | None:
        if key not in site_of:
            return shifts
        fits = not why_no_access(own, site_of[key]) and own.crew >= site_of[key].crew
        now = everybody if shifts is None else shifts
        return now if fits else now - {shift.id}

    others = [each for each in facts.shifts if each.id != shift.id and is_offered(each, facts)]
    runs = Runs(facts.prices, [*others, own])

    def changed(visit: Visit) -> Visit:
        now = replace(visit, shifts=may(visit.id, visit.shifts))
        # Off whose run the others are stays: its driver still goes out.
        return priced(now, [(shift.id, runs.price(own, site_of[visit.id]))]) if visit.id in site_of else now

    return replace(
        problem,
        shifts=tuple(
            replace(
                offer,
                profile=van.profile,
                motor=is_motor(van),
                capacity=tuple(most or none for most, none in zip(given, no_limit, strict=True)),
                skills=frozenset(van.skills) | driver,
                reload_s=van.reload_minutes * 60,
                most_trips=trips_of(own),
                name=f"{van.name} ({shift.driver.name})" if shift.driver is not None else van.name,
            )
            if offer.id == shift.id
            else offer
            for offer in problem.shifts
        ),
        visits=tuple(changed(visit) for visit in problem.visits),
    )


def fitting(problem: Problem, shift: int, order: Sequence[int]) -> tuple[list[int], list[int]]:
    """(what stays on that shift in its order, what does not fit): the lower tier and, of one tier, the bulkier goes
    first; one that cannot ride at all goes before any."""
    table = Timetable(problem)
    kept = [key for key in order if table.times(shift, [key]) is not None]
    dropped = [key for key in order if key not in set(kept)]
    capacity = table.shifts[shift].capacity

    def bulk(key: int) -> float:
        load = table.visits[key].load
        return max((part / most for part, most in zip(load, capacity, strict=True) if most), default=0.0)

    while kept and table.times(shift, kept) is None:
        goes = min(kept, key=lambda key: (table.visits[key].tier, -bulk(key), table.visits[key].age, key))
        kept.remove(goes)
        dropped.append(goes)
    return kept, dropped


# ---------------------------------------------------------------------------- goods come later


def goods_later(
    plan: Plan, problem: Problem, facts: DayFacts, *, deliveries: Sequence[int], ready: datetime, next_day: NextDay
) -> list[OutOption]:
    """The goods of these deliveries, none of them on a van, are at the depot at `ready`: their vans wait for them, or
    another van that leaves late enough brings them, or they go on their next day."""
    ready_s = -(-(ready - problem.epoch) // timedelta(seconds=1))
    late = set(deliveries)
    base = replace(
        problem,
        visits=tuple(replace(each, ready_s=ready_s) if each.id in late else each for each in problem.visits),
        locks=tuple(lock for lock in problem.locks if lock.visit not in late),
    )
    homes = {shift: order for shift, order in orders_of(plan).items() if late & set(order)}
    if not homes:
        return []
    own = _shift(facts, next(iter(homes)))
    depot = next(each for each in facts.depots if each.id == own.depot_id)
    at = f"{ready.astimezone(zone_of(depot.zone)):%H:%M}"
    options: list[OutOption] = []
    waits = rebuilt(_without(plan, homes), base, homes)
    if not isinstance(waits, Failure):
        names = ", ".join(_shift(facts, shift).vehicle.name for shift in homes)
        title = f"{names} {'waits' if len(homes) == 1 else 'wait'} for the goods of {at}"
        options.append(option(plan, waits, base, facts, shift=own, kind=OutKind.WAITS, title=title))
    rest = {shift: [key for key in order if key not in late] for shift, order in homes.items()}
    held = rebuilt(_without(plan, homes), base, {shift: order for shift, order in rest.items() if order})
    if not isinstance(held, Failure):
        moved = insert_cheapest(held, base, [key for order in homes.values() for key in order if key in late])
        if not isinstance(waits, Plan) or orders_of(moved) != orders_of(waits):
            brought = sum(key in late for route in moved.routes for key in route.visits)
            title = f"Vans that leave after {at} bring {brought} of {len(late)}"
            if brought:
                options.append(option(plan, moved, base, facts, shift=own, kind=OutKind.LATER_VAN, title=title))
        options.append(
            replace(
                _next_day(
                    held, base, facts, sorted(late), next_day=next_day, title="They go on their next day", before=plan
                ),
                shift_id=own.id,
            )
        )
    return sorted(options, key=lambda each: (len(each.left_out), len(each.promises_broken), each.cost))


# ---------------------------------------------------------------------------- what they share


def _next_day(
    plan: Plan,
    problem: Problem,
    facts: DayFacts,
    deliveries: Sequence[int],
    *,
    next_day: NextDay,
    title: str,
    before: Plan | None = None,
) -> OutOption:
    """These stay at the depot today. `plan` holds none of them; `before` is what it is compared with."""
    names = {visit.id: visit.name for visit in problem.visits}
    gone = [
        Unassigned(
            visit=key,
            reasons=(Reason.LOCKED_BY_YOU,),
            proven=False,
            detail=f"{names[key]} goes {f'on {day_words(next_day(key))}' if next_day(key) else 'on another day'}.",
        )
        for key in deliveries
    ]
    after = rebuilt(plan, problem, {}, left_out=gone)
    assert not isinstance(after, Failure)  # nobody's order changes
    shift = next(each for each in facts.shifts if each.id in {offer.id for offer in problem.shifts})
    found = option(before or plan, after, problem, facts, shift=shift, kind=OutKind.NEXT_DAY, title=title)
    gone_now = tuple(each for each in after.unassigned if each.visit in set(deliveries))
    return replace(found, postponed=tuple(deliveries), left_out=gone_now)


def _without(plan: Plan, shifts: Mapping[int, object]) -> Plan:
    return replace(plan, routes=tuple(route for route in plan.routes if route.shift not in shifts))


def _shift(facts: DayFacts, shift_id: int) -> Shift:
    return next(each for each in facts.shifts if each.id == shift_id)


def _stop_number(plan: Plan, shift: int, delivery: int) -> int:
    route = next(each for each in plan.routes if each.shift == shift)
    return next(n for n, stop in enumerate(route.stops, 1) if delivery in stop.visits)


def only_vans_that_are_here(problem: Problem, facts: DayFacts, *, here: Collection[int] = ()) -> Problem:
    """What is not on a van can go with none that left and does not come back for more: its goods are at the depot, and
    that van is not. `here` are vans whose drivers hold their list and have not driven off yet: what fits through the
    door's arch may still be put on."""
    again = {offer.id for offer in problem.shifts if offer.most_trips > max(1, offer.trips_out)}
    out = {ride.shift_id for ride in facts.riding if ride.state != "loaded"} - again
    if not out:
        return problem
    riding = {ride.delivery_id for ride in facts.riding}
    of = {each.id: each for each in facts.deliveries}
    sites = {site.id: site for site in facts.sites}
    offered = {offer.id for offer in problem.shifts}
    waiting = [each for each in facts.shifts if each.id in out and each.id in here and each.id in offered]

    def may(visit: Visit) -> frozenset[int]:
        delivery = of[visit.id]
        site = sites[delivery.site_id]
        now = (frozenset(offered) if visit.shifts is None else visit.shifts) - out
        return now | {
            each.id
            for each in waiting
            if each.depot_id == delivery.depot_id and not why_no_access(each, site) and each.crew >= site.crew
        }

    return replace(
        problem,
        visits=tuple(
            each
            if each.id in riding or each.id not in of or of[each.id].direction != "deliver"
            else replace(each, shifts=may(each))
            for each in problem.visits
        ),
    )


def same_goods(facts: DayFacts, delivery: int, free: Iterable[int]) -> tuple[int, ...]:
    """Of these deliveries those that bring a product which that one brings too, itself first."""
    of = {each.id: {line.product for line in each.goods} for each in facts.deliveries}
    others = [key for key in free if key != delivery and of.get(key, set()) & of.get(delivery, set())]
    return (delivery, *sorted(others))
