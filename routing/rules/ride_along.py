"""Ship part now or wait for the rest: what a part costs that rides along with a van which passes anyway. Pure.

    A street on which a minute is a kilometre. The depot stands at 0, a van brings something to the door at 4: out and
    back are 8 min, 8 km. At 5 lives SO-7: 8 of its 12 are there, the rest comes on Thursday, unloading takes 2 min.

    - Now: the van drives on to 5. It drives 10 km instead of 8 and is out 2 + 2 = 4 min longer: +4 min, +2 km.
      The 4 that come on Thursday are a second stop, and cost what a stop of that zone usually costs.
    - Wait: all 12 on Thursday, one stop at that usual cost. Riding along costs 4 min more, and 8 come 2 days sooner.

What a stop usually costs is the middle (median) of what each stop of that zone adds to its route: the route with it,
less the route without it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from statistics import median_low
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from routing.model.day import DayFacts
from routing.model.fleet import Shift, Vehicle
from routing.model.orders import RideRule
from routing.model.plans import CostScheme, Lock, Place, Plan, Problem, ShiftOffer, Travel, Visit
from routing.rules.changes import duty_s, metres, orders_of, promises_broken, rebuilt, starts_of
from routing.rules.costing import cost_of
from routing.rules.release import Candidate, NotReleased
from routing.rules.schedule import Failure, Timetable

NEXT_DOOR_M = 150
"""As the crow flies: a door this near is "next door", one that a van passes."""

TERMS = frozenset(
    {
        NotReleased.INCOMPLETE,
        NotReleased.LINE_INCOMPLETE,
        NotReleased.BELOW_MIN_PERCENT,
        NotReleased.BELOW_MIN_VALUE,
        NotReleased.LAST_SHIPMENT,
    }
)
"""What the customer and we agreed on: a part is not offered against it, but the customer may be asked."""


class Added(NamedTuple):
    """What something adds: seconds on duty, metres, and cost in thousandths of a minor unit."""

    duty_s: int
    distance_m: int
    cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ride:
    """A van takes the part along. `beside` is the door it goes to anyway, `beside_m` away; 0: the same door.

    `shift`, `van`, `position` (deliveries before it) and `start` are known once the day is planned, and then `plan`
    and `problem` are the version it gives.
    """

    added: Added
    beside: str
    beside_m: int
    shift: int | None = None
    van: str = ""
    position: int = 0
    start: datetime | None = None
    plan: Plan | None = field(default=None, compare=False, repr=False)
    problem: Problem | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopCost:
    """What a stop of its own costs. `stops` of the plan it was taken from, in the delivery zone (`of_zone`) or from
    all the depot's routes; 0: nothing is planned yet, and it is a trip from the depot to this door and back."""

    added: Added
    stops: int = 0
    of_zone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RideOffer:
    """Ship `units` of `of` now or wait for the rest. `ride` None: `why_not` says why it cannot go along.

    `forbidden`: the order's own terms say no. `by_rule`: the policy in force lets it ride by itself.
    `whole_on`: the ISO day on which all of it can go, "" while the rest has no date.
    """

    depot_id: int
    day: str
    plan_id: int | None
    order_id: int
    order: str
    customer: str
    site_id: int
    site: str
    units: int
    of: int
    rule: RideRule
    max_minutes: int
    whole_on: str
    ride: Ride | None = None
    why_not: str = ""
    stop: StopCost | None = None
    forbidden: NotReleased | None = None

    @property
    def by_rule(self) -> bool:
        return self.forbidden is None and rides_by_itself(self.rule, self.max_minutes, self.ride)

    @property
    def days_sooner(self) -> int | None:
        """How many days earlier the part comes; None while the rest has no date."""
        return (date.fromisoformat(self.whole_on) - date.fromisoformat(self.day)).days if self.whole_on else None


def rides_by_itself(rule: RideRule, max_minutes: int, ride: Ride | None) -> bool:
    """Whether the policy lets a part go without asking a person.

    >>> four_minutes = Ride(added=Added(240, 2000, 0), beside="Café 4", beside_m=40)
    >>> [rides_by_itself(rule, 5, four_minutes) for rule in (RideRule.NEVER, RideRule.SAME_DOOR, RideRule.NEXT_DOOR)]
    [False, False, True]
    >>> rides_by_itself(RideRule.NEXT_DOOR, 3, four_minutes)
    False
    """
    if rule is RideRule.ALONE:
        return True
    if ride is None or rule is RideRule.NEVER or ride.added.duty_s > max_minutes * 60:
        return False
    return rule is RideRule.NEXT_DOOR or ride.beside_m == 0


def whole_on(candidate: Candidate, *, day: str) -> str:
    """The ISO day on which everything that the order still needs can go; "" while some of it has no date to come."""
    missing = [line.expected_on for line in candidate.order.lines if line.ready < line.rest]
    return "" if any(expected < day for expected in missing) else max(missing, default=day)


# ---------------------------------------------------------------------------- in a plan


def with_visit(
    problem: Problem, visit: Visit, *, place: Place, ways: Mapping[str, Travel], shifts: Iterable[Shift] = ()
) -> Problem:
    """The problem with one more visit, at a place it knows or at a new last one.

    `ways` by profile are over the old places and the new one, in that order; only the new row and column are taken, so
    that no route which stands is timed anew. A van of `shifts` whose capacity nobody gave has room for it too.
    """
    known = next((each.index for each in problem.places if each.site_id == place.site_id), None)
    at = len(problem.places) if known is None else known
    vans = {shift.id: shift.vehicle for shift in shifts}
    travel = problem.travel
    if known is None:
        travel = {
            profile: Travel(
                durations_s=_grown(old.durations_s, ways[profile].durations_s),
                distances_m=_grown(old.distances_m, ways[profile].distances_m),
            )
            for profile, old in problem.travel.items()
        }
    return replace(
        problem,
        places=problem.places if known is not None else (*problem.places, replace(place, index=at)),
        travel=travel,
        visits=(*problem.visits, replace(visit, place=at)),
        shifts=tuple(_roomy(offer, vans.get(offer.id), visit) for offer in problem.shifts),
    )


def _roomy(offer: ShiftOffer, van: Vehicle | None, visit: Visit) -> ShiftOffer:
    """A capacity that was not given does not limit: in a problem it is the sum of everything there is."""
    if van is None:
        return offer
    given = (van.weight_g, van.volume_cm3, van.pieces)
    return replace(
        offer,
        capacity=tuple(
            most if limit else most + visit.load[d]
            for d, (most, limit) in enumerate(zip(offer.capacity, given, strict=True))
        ),
    )


def _grown(old: NDArray[np.int64], new: NDArray[np.int64]) -> NDArray[np.int64]:
    grown = new.copy()
    grown[:-1, :-1] = old
    return grown


def cheapest_ride(
    plan: Plan, problem: Problem, *, visit: int, beside: Mapping[int, tuple[str, int]], facts: DayFacts, now: datetime
) -> Ride | None:
    """The place at which the visit costs least, on one of the routes that pass: `beside` has by shift the door it goes
    to, and how many metres that is away. Same cost: fewer minutes, then the lower shift, then the earlier place.

    None when every place breaks the hours of a door, the capacity, access, a lock, or what somebody else was promised.
    """
    table = Timetable(problem)
    begun = {ride.shift_id for ride in facts.riding}
    now_s = (now - problem.epoch).total_seconds()
    locked = _locked_places(problem.locks)
    tries: list[tuple[int, int, int, int]] = []
    for shift, order in orders_of(plan).items():
        if shift not in beside or shift in begun or (before := table.times(shift, order)) is None:
            continue
        for position in range(len(order) + 1):
            after = table.times(shift, [*order[:position], visit, *order[position:]])
            if after is None or after.starts[position] < now_s or locked.get(shift, -1) >= position:
                continue
            longer = after.finish_s - after.departure_s - (before.finish_s - before.departure_s)
            tries.append((after.cost - before.cost, longer, shift, position))
    for _cost, _longer, shift, position in sorted(tries):
        order = orders_of(plan)[shift]
        found = rebuilt(plan, problem, {shift: [*order[:position], visit, *order[position:]]}, timetable=table)
        if isinstance(found, Failure) or promises_broken(plan, found, problem, facts):
            continue
        name, away_m = beside[shift]
        return Ride(
            added=Added(duty_s(found) - duty_s(plan), metres(found) - metres(plan), found.cost - plan.cost),
            beside=name,
            beside_m=away_m,
            shift=shift,
            van=next((each.vehicle.name for each in facts.shifts if each.id == shift), ""),
            position=position,
            start=problem.epoch + timedelta(seconds=starts_of(found)[visit][1]),
            plan=found,
            problem=problem,
        )
    return None


def _locked_places(locks: Iterable[Lock]) -> dict[int, int]:
    """The last place of each shift that a person fixed: nothing comes before it."""
    found: dict[int, int] = {}
    for lock in locks:
        if lock.position is not None:
            found[lock.shift] = max(found.get(lock.shift, -1), lock.position)
    return found


def stop_cost(plan: Plan, problem: Problem, visits: Collection[int], *, of_zone: bool) -> StopCost | None:
    """The middle of what these visits add to their routes, each for itself; None when none of them is on a route."""
    table = Timetable(problem)
    added: list[Added] = []
    for shift, order in orders_of(plan).items():
        counted = [key for key in order if key in visits]
        whole = table.times(shift, order) if counted and len(order) > 1 else None
        if whole is None:
            continue
        for key in counted:
            less = table.times(shift, [each for each in order if each != key])
            if less is not None:
                longer = whole.finish_s - whole.departure_s - (less.finish_s - less.departure_s)
                added.append(Added(longer, whole.distance_m - less.distance_m, whole.cost - less.cost))
    if not added:
        return None
    middle = Added(*(median_low(column) for column in zip(*added, strict=True)))
    return StopCost(added=middle, stops=len(added), of_zone=of_zone)


# ---------------------------------------------------------------------------- before there is a plan


def before_a_plan(visit: Visit, *, beside: str, beside_m: int, way_s: int, way_m: int, prices: CostScheme) -> Ride:
    """The same door costs its unloading only; next door costs the way between the two, parking and unloading.

    >>> visit = Visit(id=1, place=1, service_s=120, setup_s=180, windows=(), load=(1,), collect=(0,))
    >>> an_hour_costs_36 = CostScheme(per_hour=3_600_000)
    >>> before_a_plan(visit, beside="Café 4", beside_m=40, way_s=60, way_m=90, prices=an_hour_costs_36).added
    Added(duty_s=360, distance_m=90, cost=360000)
    >>> before_a_plan(visit, beside="Café 5", beside_m=0, way_s=0, way_m=0, prices=an_hour_costs_36).added
    Added(duty_s=120, distance_m=0, cost=120000)
    """
    work_s = visit.service_s + (visit.setup_s if beside_m else 0)
    added = _priced(work_s + way_s, way_s, way_m, prices, stops=1 if beside_m else 0)
    return Ride(added=added, beside=beside, beside_m=beside_m)


def trip_cost(visit: Visit, *, out_s: int, back_s: int, way_m: int, prices: CostScheme) -> StopCost:
    """A stop of its own as long as nothing is planned: from the depot to the door and back."""
    way_s = out_s + back_s
    return StopCost(added=_priced(way_s + visit.setup_s + visit.service_s, way_s, way_m, prices, stops=1))


def usual_prices(facts: DayFacts, *, depot_id: int) -> CostScheme:
    """The middle price of an hour, a kilometre and a stop among the depot's shifts, in thousandths of a minor unit."""
    own = [shift for shift in facts.shifts if shift.depot_id == depot_id]
    if not own:
        return CostScheme()
    return CostScheme(
        per_hour=median_low(shift.cost_per_hour for shift in own) * 1000,
        per_km=median_low(shift.cost_per_km for shift in own) * 1000,
        per_stop=median_low(shift.cost_per_stop for shift in own) * 1000,
    )


def _priced(duty: int, travel_s: int, way_m: int, prices: CostScheme, *, stops: int) -> Added:
    return Added(duty, way_m, cost_of(prices, duty, travel_s, way_m) + stops * prices.per_stop)
