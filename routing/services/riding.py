"""Route-aware release: what a part of an order costs that rides along with a van which passes.

`rides` says it for every part of a depot and day, and writes nothing: on a planned day by trying the part on the routes
that pass, before there is a plan by the doors that somebody goes to anyway. `sending_along` does what was chosen.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple, Protocol

import numpy as np

from routing.model.day import CurrentPlan, DayFacts, DeliveryFacts, SavedPlan, SiteFacts
from routing.model.days import day_words
from routing.model.orders import RideRule
from routing.model.places import Location, metres_between
from routing.model.plans import NO_ROAD, Place, Plan, Travel, Unassigned, Visit
from routing.ports import TravelTable, TravelTimes
from routing.rules.locks import as_the_day_stands
from routing.rules.problem import build_problem, profiles_of
from routing.rules.release import Candidate, NotReleased, judge
from routing.rules.ride_along import (
    NEXT_DOOR_M,
    TERMS,
    Ride,
    RideOffer,
    StopCost,
    before_a_plan,
    cheapest_ride,
    stop_cost,
    trip_cost,
    usual_prices,
    whole_on,
    with_visit,
)
from routing.services import releasing
from routing.services.measuring import tables_of
from routing.services.releasing import ReadyOrder, taken_by

MOST_PRICED = 60
"""Parts that are priced at once, the oldest orders first: each is tried at every place of every route that passes."""


class Reader(releasing.Reader, Protocol):
    def day_facts(self, *, from_day: str, to_day: str, depot_ids: Sequence[int]) -> DayFacts: ...
    def current_plans(self, *, from_day: str, to_day: str, depot_ids: Sequence[int]) -> tuple[CurrentPlan, ...]: ...
    def plan(self, plan_id: int) -> SavedPlan: ...
    def site_facts(self, ids: Collection[int]) -> tuple[SiteFacts, ...]: ...
    def part_facts(
        self, chosen: Collection[ReadyOrder], *, depot_id: int, for_day: str
    ) -> dict[int, DeliveryFacts]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rides:
    """The parts that could go out that day. `more` are parts beyond MOST_PRICED that were not priced."""

    offers: tuple[RideOffer, ...] = ()
    more: int = 0


# ---------------------------------------------------------------------------- shown first


def rides(
    store: Reader,
    *,
    depot_id: int,
    for_day: str,
    now: datetime,
    travel: TravelTimes,
    orders: Collection[int] | None = None,
) -> Rides:
    """What shipping a part now, or waiting for the rest, costs for every order of which only a part is there.

    Nothing is written. Raises InvalidInput and TravelError when the way to a door cannot be measured.
    """
    candidates = store.release_candidates(depot_id=depot_id, for_day=for_day, now=now)
    days = store.delivery_days(depot_id, {candidate.site_id for candidate in candidates})
    parts: list[_Part] = []
    goes: dict[int, set[int]] = {}
    for candidate in candidates:
        verdict = judge(candidate.order, for_day=for_day, days=days[candidate.site_id], rides=True)
        part = _part(candidate, dict(verdict.units), verdict.reasons, for_day=for_day)
        if part is not None and (orders is None or candidate.order.id in orders):
            parts.append(part)
        if verdict.units and (part is None or candidate.order.terms.ride_along is RideRule.ALONE):
            goes.setdefault(candidate.site_id, set()).add(candidate.order.id)
    if not parts:
        return Rides()
    day = _the_day(store, depot_id=depot_id, for_day=for_day, now=now, goes=goes)
    if day is None:
        return Rides()
    deliveries = store.part_facts([part.goods for part in parts], depot_id=depot_id, for_day=for_day)
    doors = {site.id: site for site in store.site_facts({part.goods.site_id for part in parts})}
    met = [_Met(part, deliveries[part.goods.order_id], doors[part.goods.site_id], {}) for part in parts]
    met = [each._replace(beside=day.passes(each.delivery, each.door)) for each in met]
    # When there are too many to price, those that no van passes are the ones to leave.
    met.sort(key=lambda each: not each.beside)
    ways = day.measured(met[:MOST_PRICED], travel=travel)
    return Rides(offers=tuple(day.offer(each, ways) for each in met[:MOST_PRICED]), more=max(0, len(met) - MOST_PRICED))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    candidate: Candidate
    goods: ReadyOrder
    forbidden: NotReleased | None


class _Met(NamedTuple):
    """A part, the delivery it would become, its door, and what passes there: by shift, or by site before a plan."""

    part: _Part
    delivery: DeliveryFacts
    door: SiteFacts
    beside: dict[int, tuple[str, int]]


def _part(
    candidate: Candidate, units: dict[int, int], reasons: tuple[NotReleased, ...], *, for_day: str
) -> _Part | None:
    """The part of an order that is there, when it is a part and nothing but the order's own terms holds it."""
    forbidden = None
    if reasons:
        if len(reasons) > 1 or reasons[0] not in TERMS:
            return None
        forbidden = reasons[0]
        units = {line.id: min(line.ready, line.rest) for line in candidate.order.lines}
    goods = taken_by(candidate, units, for_day=for_day)
    return None if goods.whole else _Part(candidate=candidate, goods=goods, forbidden=forbidden)


def _the_day(
    store: Reader, *, depot_id: int, for_day: str, now: datetime, goes: dict[int, set[int]]
) -> Planned | _Unplanned | None:
    """The day as a part meets it; None when it is closed."""
    held = store.current_plans(from_day=for_day, to_day=for_day, depot_ids=[depot_id])
    if not held:
        facts = store.day_facts(from_day=for_day, to_day=for_day, depot_ids=[depot_id])
        known = {delivery.site_id for delivery in facts.deliveries} | goes.keys()
        doors = {site.id: site for site in store.site_facts(known)}
        released = {delivery.site_id for delivery in facts.deliveries}
        return _Unplanned(
            facts=facts, depot_id=depot_id, day=for_day, now=now, doors=doors, released=released, goes=goes
        )
    if held[0].state == "closed":
        return None
    saved = store.plan(held[0].plan_id)
    facts = store.day_facts(from_day=saved.from_day, to_day=saved.to_day, depot_ids=saved.depot_ids)
    return Planned(saved=saved, facts=facts, depot_id=depot_id, day=for_day, now=now)


# ---------------------------------------------------------------------------- the ways to a door


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Measured ways: `table` by profile over `locations`."""

    locations: tuple[Location, ...]
    table: dict[str, TravelTable]

    def at(self, locations: Sequence[Location | None]) -> list[int]:
        """Where these stand in the tables; -1: not measured."""
        index = {location: at for at, location in enumerate(self.locations)}
        return [-1 if location is None else index.get(location, -1) for location in locations]

    def among(self, locations: Sequence[Location | None]) -> dict[str, TravelTable]:
        """The tables over these, all of them measured."""
        at = self.at(locations)
        ix = np.ix_(at, at)
        return {
            profile: replace(
                table,
                durations_s=table.durations_s[ix],
                distances_m=table.distances_m[ix],
                snapped_m=table.snapped_m[at],
            )
            for profile, table in self.table.items()
        }

    def joined(self, locations: Sequence[Location | None]) -> dict[str, Travel]:
        """The same for places of which some were not measured: no road is said to lead there."""
        at = np.array(self.at(locations))
        gone = (at < 0)[:, None] | (at < 0)[None, :]
        ix = np.ix_(at, at)
        return {
            profile: Travel(
                durations_s=np.where(gone, NO_ROAD, table.durations_s[ix]),
                distances_m=np.where(gone, NO_ROAD, table.distances_m[ix]),
            )
            for profile, table in self.table.items()
        }


def _measured(travel: TravelTimes, locations: Collection[Location | None], profiles: Collection[str]) -> Ways:
    some = tuple(dict.fromkeys(each for each in locations if each is not None))
    if len(some) < 2:  # a door in the depot itself: no way to measure
        some = (some[0], some[0]) if some else ()
    return Ways(
        locations=some,
        table=tables_of(travel, some, profiles) if some and profiles else {},
    )


def _visit(facts: DayFacts, delivery: DeliveryFacts, door: SiteFacts, ways: Ways, now: datetime) -> Visit | Unassigned:
    """The delivery as planning sees it, alone on the day; or why it cannot be planned."""
    alone = replace(facts, deliveries=(delivery,), sites=(door,), locks=())
    places = [each.location for each in facts.depots]
    if _is_sure(door):
        places.append(door.location)
    problem = build_problem(alone, ways.among(places), now=now)
    return problem.visits[0] if problem.visits else problem.excluded[0]


def _is_sure(door: SiteFacts) -> bool:
    return door.location is not None and door.pin_quality.goes_on


def _apart_m(one: SiteFacts | Place, other: SiteFacts) -> int:
    """How far two doors lie apart, rounded up: 0 is the same door, and only that."""
    if one.location is None or other.location is None:
        return NEXT_DOOR_M + 1
    return max(1, round(metres_between(one.location, other.location)))


# ---------------------------------------------------------------------------- on a planned day


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A day with a plan: the part is tried on every route that passes its door."""

    saved: SavedPlan
    facts: DayFacts
    depot_id: int
    day: str
    now: datetime
    usual: dict[int | None, StopCost | None] = field(default_factory=dict)
    """What a stop costs, by delivery zone, once somebody asked."""

    @property
    def plan(self) -> Plan:
        return self.saved.plan

    def passes(self, _delivery: DeliveryFacts, door: SiteFacts) -> dict[int, tuple[str, int]]:
        """By shift: the stop of its route that is the same door or the nearest next door, and how far it is."""
        found: dict[int, tuple[str, int]] = {}
        if not _is_sure(door):
            return found
        for route in self.plan.routes:
            for stop in route.stops:
                place = self.saved.problem.places[stop.place]
                away_m = 0 if place.site_id == door.id else _apart_m(place, door)
                if away_m <= NEXT_DOOR_M and (route.shift not in found or away_m < found[route.shift][1]):
                    found[route.shift] = (place.name, away_m)
        return found

    def offer(self, met: _Met, ways: Ways) -> RideOffer:
        made = _offer(met.part, depot_id=self.depot_id, day=self.day, plan_id=self.saved.id)
        made = replace(made, stop=self._usual_stop(met.door.delivery_zone_id))
        if not met.beside:
            return replace(made, why_not=_why_nobody(met.door))
        ride = self.ride(met.delivery, met.door, ways, met.beside)
        return replace(made, ride=ride) if isinstance(ride, Ride) else replace(made, why_not=ride)

    def measured(self, met: Sequence[_Met], *, travel: TravelTimes) -> Ways:
        """Only the routes that pass some door are asked about, so only their ways are measured."""
        passing = {shift for each in met for shift in each.beside}
        asked = {stop.place for route in self.plan.routes if route.shift in passing for stop in route.stops}
        return self.ways([each.door for each in met if each.beside], travel=travel, places=asked)

    def ways(self, doors: Sequence[SiteFacts], *, travel: TravelTimes, places: Collection[int] | None = None) -> Ways:
        """The ways between the doors, the depots and these places of the problem; None: all of them."""
        known = self.saved.problem.places
        some = [each.location for each in known if places is None or each.index in places]
        profiles = {*self.saved.problem.travel, *profiles_of(self.facts)} if doors else set()
        at = [*(each.location for each in self.facts.depots), *some, *(door.location for door in doors)]
        return _measured(travel, at, profiles)

    def ride(
        self, delivery: DeliveryFacts, door: SiteFacts, ways: Ways, beside: dict[int, tuple[str, int]]
    ) -> Ride | str:
        """The cheapest place for it, or the sentence that says why there is none."""
        visit = _visit(self.facts, delivery, door, ways, self.now)
        if isinstance(visit, Unassigned):
            return visit.detail
        problem = as_the_day_stands(self.saved.problem, self.facts, self.plan)
        problem = with_visit(
            problem,
            visit,
            place=Place(index=0, name=door.name, location=door.location, site_id=door.id),
            ways=ways.joined([*(each.location for each in problem.places), door.location]),
            shifts=self.facts.shifts,
        )
        ride = cheapest_ride(self.plan, problem, visit=visit.id, beside=beside, facts=self.facts, now=self.now)
        if ride is not None:
            return ride
        vans = " and ".join(sorted({each.vehicle.name for each in self.facts.shifts if each.id in beside}))
        return (
            f"{vans or 'A van'} passes {door.name} but cannot take it: it has left or is loaded, or its load, its "
            "hours or what others were promised leave no room."
        )

    def _usual_stop(self, zone_id: int | None) -> StopCost | None:
        if zone_id not in self.usual:
            self.usual[zone_id] = self._stop_in(zone_id)
        return self.usual[zone_id]

    def _stop_in(self, zone_id: int | None) -> StopCost | None:
        zones = {site.id: site.delivery_zone_id for site in self.facts.sites}
        own = {shift.id for shift in self.facts.shifts if shift.depot_id == self.depot_id}
        all_of_depot = [
            (key, zones.get(self.saved.problem.places[stop.place].site_id or 0))
            for route in self.plan.routes
            if route.shift in own
            for stop in route.stops
            for key in stop.visits
        ]
        in_zone = [key for key, zone in all_of_depot if zone == zone_id]
        return stop_cost(self.plan, self.saved.problem, in_zone, of_zone=True) or stop_cost(
            self.plan, self.saved.problem, [key for key, _zone in all_of_depot], of_zone=False
        )


def _why_nobody(door: SiteFacts) -> str:
    if not door.looked_up:
        return (
            f"The address of {door.name} has not been looked up yet, so nobody knows which van passes: run locate, or "
            "press Look up under Addresses."
        )
    if not _is_sure(door):
        return f"The address of {door.name} is in review: nobody knows which van passes."
    return f"Nobody goes to {door.name} or within {NEXT_DOOR_M} m of it that day."


# ---------------------------------------------------------------------------- before there is a plan


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unplanned:
    """A day without a plan: what is released, or goes with this release, says which doors a van will come to."""

    facts: DayFacts
    depot_id: int
    day: str
    now: datetime
    doors: dict[int, SiteFacts]
    released: set[int]
    goes: dict[int, set[int]]

    def passes(self, delivery: DeliveryFacts, door: SiteFacts) -> dict[int, tuple[str, int]]:
        """By site: every door that somebody goes to without this part and that is the same or next door, its name and
        how far it is."""
        if not _is_sure(door):
            return {}
        found = {}
        for site_id, other in self.doors.items():
            if site_id not in self.released and not self.goes.get(site_id, set()) - {-delivery.id}:
                continue
            away_m = 0 if site_id == door.id else _apart_m(other, door)
            if away_m <= NEXT_DOOR_M and _is_sure(other):
                found[site_id] = (other.name, away_m)
        return found

    def measured(self, met: Sequence[_Met], *, travel: TravelTimes) -> Ways:
        home = [each.location for each in self.facts.depots]
        near = [self.doors[key].location for each in met for key in each.beside]
        doors = [each.door.location for each in met if _is_sure(each.door)]
        return _measured(travel, [*home, *near, *doors], profiles_of(self.facts) if doors else ())

    def offer(self, met: _Met, ways: Ways) -> RideOffer:
        made = _offer(met.part, depot_id=self.depot_id, day=self.day, plan_id=None)
        door = met.door
        if not _is_sure(door):
            return replace(made, why_not=_why_nobody(door))
        if not ways.table:
            return replace(made, why_not=f"Nobody drives on {day_words(self.day)}.")
        visit = _visit(self.facts, met.delivery, door, ways, self.now)
        if isinstance(visit, Unassigned):
            return replace(made, why_not=visit.detail)
        may = [
            shift.vehicle.profile
            for shift in self.facts.shifts
            if shift.depot_id == self.depot_id and (visit.shifts is None or shift.id in visit.shifts)
        ]
        if not may:
            return replace(made, why_not=f"No van of the day may go to {door.name}.")
        table, prices = ways.table[may[0]], usual_prices(self.facts, depot_id=self.depot_id)
        here = ways.at([door.location])[0]
        depot = next(each.location for each in self.facts.depots if each.id == self.depot_id)
        start = ways.at([depot])[0]
        out_s, back_s = int(table.durations_s[start, here]), int(table.durations_s[here, start])
        if out_s < 0 or back_s < 0:
            return replace(made, why_not=f"No road leads to {door.name}.")
        way_m = int(table.distances_m[start, here] + table.distances_m[here, start])
        made = replace(made, stop=trip_cost(visit, out_s=out_s, back_s=back_s, way_m=way_m, prices=prices))
        ridden: list[Ride] = []
        for site_id, (name, away_m) in met.beside.items():
            there = ways.at([self.doors[site_id].location])[0]
            if (way_s := int(table.durations_s[there, here])) >= 0:
                ridden.append(
                    before_a_plan(
                        visit,
                        beside=name,
                        beside_m=away_m,
                        way_s=0 if away_m == 0 else way_s,
                        way_m=0 if away_m == 0 else int(table.distances_m[there, here]),
                        prices=prices,
                    )
                )
        if not ridden:
            return replace(made, why_not=_why_nobody(door))
        return replace(made, ride=min(ridden, key=lambda ride: (ride.added.duty_s, ride.beside_m, ride.beside)))


def _offer(part: _Part, *, depot_id: int, day: str, plan_id: int | None) -> RideOffer:
    candidate, goods = part.candidate, part.goods
    return RideOffer(
        depot_id=depot_id,
        day=day,
        plan_id=plan_id,
        order_id=goods.order_id,
        order=goods.order,
        customer=goods.customer,
        site_id=goods.site_id,
        site=goods.site,
        units=goods.quantity,
        of=goods.open_units,
        rule=candidate.order.terms.ride_along,
        max_minutes=candidate.order.terms.ride_along_max_minutes,
        whole_on=whole_on(candidate, day=day),
        forbidden=part.forbidden,
    )
