"""A van is behind: what breaks if it just goes on, and what can be done about it, side by side.

The rest of its day is timed from where it truly stands. `from_where_it_stands` moves the beginning of a route until its
next stop falls where the forecast has it; every order of what is left is then timed by the schedule as any other route.
Late in two ways, which are two goals:

- *running late*: it finishes in its hours, but promises break. The ways out keep more promises than going on does;
- *out of time*: it does not finish, or doors close before it comes. Then something stays behind, and which is ranked:
  what meets a closed door even if it is driven to at once; then what was not promised for today before what was; the
  lower tier; whose next delivery day comes sooner; whose door lies nearer to a door that is driven to on that day.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from routing.model.day import DayFacts, DeliveryFacts
from routing.model.days import day_words
from routing.model.fleet import Shift
from routing.model.plans import Plan, PlannedRoute, Problem, Reason, ShiftOffer, Unassigned, Window
from routing.rules.access import motor_hours_words
from routing.rules.calendars import zone_of
from routing.rules.changes import (
    BY_HAND,
    BrokenPromise,
    broken_promise,
    eta_moves,
    keeps_promise,
    orders_of,
    summed,
)
from routing.rules.driver_out import OutKind, OutOption, still_to_do
from routing.rules.schedule import Failure, Timetable

FROM_S = 300
"""Less than this behind is no lateness that anything has to be decided about."""
_FAR_S = 48 * 3600
_TRIES = 6
"""How often the beginning of a route is moved until its next stop falls where the forecast has it."""

_DOORS_TIMED = 60_000
"""How many doors are timed in all while another order is looked for: 20 doors are tried in 3000 orders, 60 in 1000."""
_FEWEST_ORDERS = 200
_LONG = 24
"""More doors than this are a long route."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tomorrow:
    """What the days after hold for one delivery: its next delivery day (ISO, empty: none is known), and how far its
    door lies from the nearest one that is driven to on that day (None: nothing goes out then yet)."""

    day: str = ""
    near_m: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A delivery that might stay behind. `sentence` says why it stands where it stands."""

    delivery: int
    name: str
    site: str
    tier: int
    closed: bool
    promised: bool
    tomorrow: Tomorrow
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """A van that is behind, as it goes on if nobody decides anything.

    `late_s` at its next stop. `broken`: promises of today that go. `closed`: doors it would find closed.
    `over_s`: how long after the end of its shift, and of the overtime it may have, it would be done. `ranked`: what is
    left to bring, in the order in which it would stay behind.
    """

    shift_id: int
    late_s: int
    plan: Plan
    problem: Problem
    broken: tuple[BrokenPromise, ...]
    closed: tuple[BrokenPromise, ...]
    over_s: int
    ranked: tuple[Candidate, ...]

    @property
    def is_out_of_time(self) -> bool:
        return self.over_s > 0 or bool(self.closed)


def from_where_it_stands(plan: Plan, problem: Problem, facts: DayFacts, arrivals: Mapping[int, int]) -> Problem:
    """The problem with each of these shifts as late as it truly is: `arrivals` has, per shift, when its next stop is
    reached by the forecast (seconds from the epoch). A pause may slip by as much."""
    offers = []
    for offer in problem.shifts:
        order = _in_order(plan, facts, offer.id)
        rest = still_to_do(plan, facts, offer.id)
        if offer.id in arrivals and rest:
            start_s = _beginning(problem, offer.id, order, rest[0], arrivals[offer.id])
            late = max(0, start_s - offer.start_s)
            pauses = tuple(
                replace(pause, windows=tuple(Window(start_s=w.start_s, end_s=w.end_s + late) for w in pause.windows))
                for pause in offer.breaks
            )
            offer = replace(offer, start_s=start_s, breaks=pauses)
        offers.append(offer)
    return replace(problem, shifts=tuple(offers))


def how_it_goes_on(
    plan: Plan,
    problem: Problem,
    facts: DayFacts,
    *,
    shift: Shift,
    arrives_s: int,
    tomorrow: Callable[[DeliveryFacts], Tomorrow],
) -> Behind | None:
    """What becomes of the rest of this van's day; None when nothing is left of it or it is on time."""
    rest = still_to_do(plan, facts, shift.id)
    if not rest:
        return None
    planned = next(stop.arrival_s for route in plan.routes for stop in route.stops if rest[0] in stop.visits)
    if arrives_s - planned < FROM_S:
        return None
    late = from_where_it_stands(plan, problem, facts, {shift.id: arrives_s})
    rest_of = _Rest(plan, late, facts, shift)
    judged = rest_of.judge(rest)
    if judged is None:
        return None
    return Behind(
        shift_id=shift.id,
        late_s=arrives_s - planned,
        plan=rest_of.plan_with(judged),
        problem=late,
        broken=judged.broken,
        closed=tuple(judged.closed.values()),
        over_s=judged.over_s,
        ranked=rest_of.ranked(rest, judged, tomorrow),
    )


def ways_out(behind: Behind, facts: DayFacts, *, shift: Shift, leave: Collection[int] | None = None) -> list[OutOption]:
    """What can be done about it, the one that keeps most first; none when going on breaks nothing.

    `leave`: a person named what stays behind, instead of the first of the ranking. Not those that have happened.
    """
    rest_of = _Rest(behind.plan, behind.problem, facts, shift)
    rest = still_to_do(behind.plan, facts, shift.id)
    on = rest_of.judge(rest)
    assert on is not None  # it was judged before
    found: list[OutOption] = []
    if on.worth[:3] != (0, 0, 0):
        order = rest_of.better_order(rest, on)
        if order is not None and not order.closed:
            title = f"{shift.vehicle.name} takes another order"
            found.append(rest_of.option(behind, order, OutKind.OTHER_ORDER, title=title))
    if leave is None:
        leave = rest_of.to_leave(rest, on, behind.ranked)
    kept = [key for key in rest if key not in leave]
    stays = [each for each in behind.ranked if each.delivery in leave]
    if stays and (judged := rest_of.judge(kept)) is not None and not judged.closed:
        names = ", ".join(each.site for each in stays[:3]) + (", ..." if len(stays) > 3 else "")
        title = f"Leave {len(stays)} for another day: {names}"
        found.append(rest_of.option(behind, judged, OutKind.LEAVE, title=title, stays=stays))
    if on.over_s > 0 and not on.closed:
        title = f"{shift.name} works until {rest_of.clock(on.route.end_s)}"
        found.append(rest_of.option(behind, on, OutKind.OVERTIME, title=title))
    return found


@dataclass(frozen=True, slots=True)
class _Judged:
    """One order of the rest of a van's day. `worth`: less is better; doors closed, promises broken, overtime, cost."""

    order: tuple[int, ...]
    route: PlannedRoute
    broken: tuple[BrokenPromise, ...]
    closed: dict[int, BrokenPromise]
    over_s: int

    @property
    def worth(self) -> tuple[int, int, int, int]:
        return len(self.closed), len(self.broken), self.over_s, self.route.cost


class _Rest:
    """The rest of one van's day: orders of what it still has to bring, timed and judged."""

    def __init__(self, plan: Plan, problem: Problem, facts: DayFacts, shift: Shift) -> None:
        self.plan, self.problem, self.facts, self.shift = plan, problem, facts, shift
        self.offer = next(offer for offer in problem.shifts if offer.id == shift.id)
        self.rest = frozenset(still_to_do(plan, facts, shift.id))
        self.happened = tuple(key for key in _in_order(plan, facts, shift.id) if key not in self.rest)
        self.deliveries = {each.id: each for each in facts.deliveries}
        self.sites = {each.id: each for each in facts.sites}
        self.visits = {each.id: each for each in problem.visits}
        self.promises: dict[tuple[int, int | None], BrokenPromise | None] = {}
        self.zone = zone_of(next(each.zone for each in facts.depots if each.id == shift.depot_id))
        # Going on is timed even where a door has closed by then or the shift is over: how late says what is at stake.
        self.table = Timetable(_endless(problem, shift.id, self.rest))

    def judge(self, order: Sequence[int]) -> _Judged | None:
        """None when this order cannot be driven however late, as when more would be on board than it may carry."""
        line = (*self.happened, *order)
        if not line:
            return None
        left = sorted(self.rest - set(order))
        route = self.table.route(self.shift.id, line)
        if isinstance(route, Failure):
            return None
        starts = {key: stop.start_s for stop in route.stops for key in stop.visits}
        closed = {}
        for key in order:
            site = self.sites[self.deliveries[key].site_id]
            driven = self.visits[key].motor_windows if self.offer.motor else ()
            if driven and not any(w.start_s <= starts[key] <= w.end_s for w in driven):
                closed[key] = BrokenPromise(
                    delivery=key,
                    name=self.name(key),
                    customer=site.customer,
                    sentence=f"{site.name} takes motor vehicles {motor_hours_words(site)} only; {self.name(key)} would "
                    f"be there at {self.clock(starts[key])}.",
                )
            elif not any(w.start_s <= starts[key] <= w.end_s + w.late_s for w in self.visits[key].windows):
                closes = self.clock(max(w.end_s + w.late_s for w in self.visits[key].windows))
                at = self.clock(starts[key])
                closed[key] = BrokenPromise(
                    delivery=key,
                    name=self.name(key),
                    customer=site.customer,
                    sentence=f"{site.name} takes goods until {closes}; {self.name(key)} would be there at {at}.",
                )
        broken = []
        for key in (*order, *left):
            planned = (self.shift.id, starts[key]) if key in starts else None
            delivery = self.deliveries[key]
            if delivery.promised is not None and delivery.promised.day >= self.shift.day:
                zone = zone_of(self.sites[delivery.site_id].zone) if self.sites[delivery.site_id].zone else self.zone
                if (said := self._broken(delivery, planned, zone)) is not None:
                    broken.append(said)
        over = max(0, route.end_s - self.offer.until_s) if order else 0
        return _Judged(tuple(order), route, tuple(broken), closed, over)

    def _broken(self, delivery: DeliveryFacts, planned: tuple[int, int] | None, zone: ZoneInfo) -> BrokenPromise | None:
        """Asked of the same door at the same second again and again, while orders are tried."""
        known = (delivery.id, None if planned is None else planned[1])
        if known not in self.promises:
            kept = keeps_promise(delivery, planned, self.problem, zone)
            site = self.sites[delivery.site_id]
            self.promises[known] = None if kept else broken_promise(delivery, site, planned, self.problem, zone)
        return self.promises[known]

    def plan_with(self, judged: _Judged) -> Plan:
        """The whole plan with this route in it; what it does not bring is left for another day."""
        gone = tuple(
            Unassigned(
                visit=key,
                reasons=(Reason.LOCKED_BY_YOU,),
                proven=False,
                detail=f"{self.name(key)} was left for another day: {self.shift.vehicle.name} is late.",
            )
            for key in sorted(self.rest - set(judged.order))
        )
        routes = tuple(judged.route if each.shift == self.shift.id else each for each in self.plan.routes)
        after = replace(self.plan, routes=routes, unassigned=self.plan.unassigned + gone, engine=BY_HAND)
        return summed(after, self.problem)

    def better_order(self, rest: Sequence[int], on: _Judged) -> _Judged | None:
        """The best order that single moves lead to; None unless it keeps more, or is done sooner where it was late.

        What breaks is moved first. On a long route it ends after a count of orders: somebody waits for the answer.
        """
        best, tries = on, max(_FEWEST_ORDERS, _DOORS_TIMED // max(1, len(rest)))
        again, is_long = True, len(rest) > _LONG
        while again and tries > 0:
            again = False
            in_danger = {each.delivery for each in best.broken} | set(best.closed)
            for key in sorted(rest, key=lambda each: each not in in_danger):
                others = [other for other in best.order if other != key]
                now = best.order.index(key)
                # On a long route what breaks is tried sooner only, and what does not later only.
                first, last = (0, len(others)) if not is_long else (0, now) if key in in_danger else (now, len(others))
                for at in range(first, last + 1):
                    order = [*others[:at], key, *others[at:]]
                    if tuple(order) == best.order:
                        continue
                    tries -= 1
                    tried = self.judge(order)
                    if tried is not None and tried.worth < best.worth:
                        best, again = tried, True
                        break
                    if tries <= 0:
                        break
                if tries <= 0:
                    break
        return best if best.worth[:3] < on.worth[:3] else None

    def to_leave(self, rest: Sequence[int], on: _Judged, ranked: Sequence[Candidate]) -> set[int]:
        """As few of the first of the ranking as it takes to finish in time and find every door open; when time is
        enough, as it takes to break fewer promises than going on does, their own counted. Empty: nothing helps."""
        out_of_time = bool(on.closed) or on.over_s > 0

        def enough(judged: _Judged | None) -> bool:
            if judged is None:
                return False
            if out_of_time:
                return not judged.closed and judged.over_s == 0
            return len(judged.broken) < len(on.broken)

        left: list[int] = []
        for each in ranked:
            left.append(each.delivery)
            if enough(self.judge([key for key in rest if key not in left])):
                break
        else:
            return set(left) if out_of_time else set()
        # The last one may have made an earlier one needless: the dearest comes back first.
        for key in left[-2::-1]:
            fewer = [other for other in left if other != key]
            if enough(self.judge([other for other in rest if other not in fewer])):
                left = fewer
        return set(left)

    def ranked(
        self, rest: Sequence[int], on: _Judged, tomorrow: Callable[[DeliveryFacts], Tomorrow]
    ) -> tuple[Candidate, ...]:
        found = []
        for key in rest:
            delivery = self.deliveries[key]
            promised = delivery.promised is not None and delivery.promised.day >= self.shift.day
            later = tomorrow(delivery)
            # Not what comes too late in this order: with others left behind it may be in time.
            alone = self.judge([key]) if key in on.closed else None
            closed = alone is not None and key in alone.closed
            found.append(
                Candidate(
                    delivery=key,
                    name=delivery.number,
                    site=self.sites[delivery.site_id].name,
                    tier=delivery.tier,
                    closed=closed,
                    promised=promised,
                    tomorrow=later,
                    sentence=_why_there(closed, promised, delivery.tier, later),
                )
            )
        far = 10**9
        found.sort(
            key=lambda each: (
                not each.closed, each.promised, each.tier, each.tomorrow.day or "9999",
                far if each.tomorrow.near_m is None else each.tomorrow.near_m, -rest.index(each.delivery),
            )
        )  # fmt: skip
        return tuple(found)

    def option(
        self, behind: Behind, judged: _Judged, kind: OutKind, *, title: str, stays: Sequence[Candidate] = ()
    ) -> OutOption:
        """The way out as it would be saved: hours as long as the route needs, times as they will be."""
        need = judged.route.end_s
        offers = tuple(_until(offer, need) if offer.id == self.shift.id else offer for offer in self.problem.shifts)
        gone_ids = {each.delivery for each in stays}
        problem = replace(
            self.problem, shifts=offers, locks=tuple(lock for lock in self.problem.locks if lock.visit not in gone_ids)
        )
        on = {each.name for each in behind.broken}
        plan = self.plan_with(judged)
        told = {each.customer for each in judged.broken}
        told |= {self.sites[self.deliveries[key].site_id].customer for key in gone_ids}
        driver = self.shift.driver.name if self.shift.driver else self.shift.vehicle.name
        return OutOption(
            kind=kind,
            shift_id=self.shift.id,
            title=title,
            stops_moved=0,
            moved=eta_moves(behind.plan, plan, problem),
            promises_broken=judged.broken,
            promises_kept=len(on - {each.name for each in judged.broken}),
            left_out=tuple(gone for gone in plan.unassigned if gone.visit in gone_ids),
            cost=plan.cost - behind.plan.cost,
            told=(*sorted(told), driver),
            plan=plan,
            problem=problem,
        )

    def clock(self, seconds: int) -> str:
        return f"{(self.problem.epoch + timedelta(seconds=seconds)).astimezone(self.zone):%H:%M}"

    def name(self, key: int) -> str:
        return self.visits[key].name or f"Delivery {key}"


def _why_there(closed: bool, promised: bool, tier: int, later: Tomorrow) -> str:
    """ "Not promised for today, tier 1; next delivery day Wed 13 May 2026, 120 m from a door of that day." """
    said = (
        "Finds a closed door even if it comes next"
        if closed
        else "Promised for today"
        if promised
        else "Not promised for today"
    )
    said += f", tier {tier}; "
    if not later.day:
        return f"{said}no next delivery day is known."
    said += f"next delivery day {day_words(later.day)}"
    return f"{said}." if later.near_m is None else f"{said}, {later.near_m} m from a door of that day."


def _in_order(plan: Plan, facts: DayFacts, shift_id: int) -> tuple[int, ...]:
    """The shift's deliveries with what has happened first."""
    rest = still_to_do(plan, facts, shift_id)
    return (*(key for key in orders_of(plan).get(shift_id, ()) if key not in set(rest)), *rest)


def _endless(problem: Problem, shift_id: int, rest: Collection[int]) -> Problem:
    """The problem as if that van's day had no end and no door of its rest closed."""
    visits = []
    for visit in problem.visits:
        if visit.id in rest:
            last = max(visit.windows, key=lambda window: window.end_s)
            # What may be late at a price goes on costing it.
            windows = tuple(
                (replace(w, late_s=w.late_s + _FAR_S) if w.late_s else replace(w, end_s=w.end_s + _FAR_S))
                if w is last
                else w
                for w in visit.windows
            )
            # A street that closes to motor vehicles is said to be closed, too; that it opens late still holds.
            driven = tuple(
                replace(w, end_s=w.end_s + _FAR_S) if n + 1 == len(visit.motor_windows) else w
                for n, w in enumerate(visit.motor_windows)
            )
            visit = replace(visit, windows=windows, motor_windows=driven)
        visits.append(visit)
    offers = tuple(_until(offer, offer.until_s + _FAR_S) if offer.id == shift_id else offer for offer in problem.shifts)
    return replace(problem, visits=tuple(visits), shifts=offers)


def _until(offer: ShiftOffer, need_s: int) -> ShiftOffer:
    """The shift with hours up to then, if they do not reach so far; where overtime has a price it is overtime."""
    more = max(0, need_s - offer.until_s)
    if offer.overtime_s:
        return replace(offer, overtime_s=offer.overtime_s + more)
    return replace(offer, end_s=offer.end_s + more)


def _beginning(problem: Problem, shift_id: int, order: Sequence[int], following: int, arrives_s: int) -> int:
    """When the shift would have begun, had it all gone by plan up to a next stop that is reached at `arrives_s`."""
    offer = next(offer for offer in problem.shifts if offer.id == shift_id)
    start_s = offer.start_s
    endless = _endless(problem, shift_id, set(order))
    for _ in range(_TRIES):
        late = max(0, start_s - offer.start_s)
        moved = replace(
            offer,
            start_s=start_s,
            end_s=offer.end_s + _FAR_S,
            breaks=tuple(
                replace(p, windows=tuple(Window(start_s=w.start_s, end_s=w.end_s + late) for w in p.windows))
                for p in offer.breaks
            ),
        )
        shifted = replace(endless, shifts=tuple(moved if each.id == shift_id else each for each in endless.shifts))
        route = Timetable(shifted).route(shift_id, order)
        if isinstance(route, Failure):
            break
        away = arrives_s - next(stop.arrival_s for stop in route.stops if following in stop.visits)
        if away == 0:
            break
        start_s += away
    return start_s
