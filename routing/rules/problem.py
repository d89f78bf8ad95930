"""From what is known about a day to the solver's Problem: absolute seconds, amounts, and who may serve whom.

Every delivery comes out exactly once: as a visit, or excluded with its reason. Nothing here reads a clock or a map:
`places_of` says what to measure, `build_problem` takes the measured tables.

- **Windows.** The hours of the door and of every order on the delivery hold together (their intersection). "Begin by"
  binds the start of service; "finish by" ends earlier by setup and service.
- **Motor hours.** Where a street is closed to motor vehicles but for some hours, they begin and have done within those;
  bikes are not bound. What rides already is not asked where there are none that day.
- **Late.** Where a site takes goods after its hours, every window of its deliveries allows it, at the site's price.
- **Which vehicles.** Where a site names its vehicles, no other comes (ACCESS), also of what is planned by hand. What
  rides already is brought. With `vehicles` V-1 and V-3, the shift of V-2 is shut out and those of V-1 and V-3 are not.
- **Who knows the door.** Where a site names its drivers, another one has its price.
- **Standing runs.** Where the company holds to them, a van off its run has its price (`runs.py`).
- **Change.** Where a door is on a driver's list that went out, another driver has its price (`as_dispatched.py`).
- **Setup and service.** Parking and the site's base time are served once per place, the time per case each time.
- **Who may.** Only shifts of the delivery's depot. Access and crew are decided here (`why_not` says which shift they
  shut out), skills are the solver's.
- **Driver hours.** A driver under rules begins when the rest since the last duty is over, and is off when the duty's
  hours are; how much is driven follows from the breaks (`driver_hours.py`). A van on which goods ride keeps its start.
- **Every plan's prices.** Those of the company for uneven days and wide areas are each shift's.
- **Time of day.** The region's table holds by the wall clock of the first depot; a region has one.
- **Cut-off.** What counts is the oldest order on the delivery; a redelivery has no cut-off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from routing.errors import InvalidInput
from routing.model.day import DayFacts, DeliveryFacts, PlanPrices, SiteFacts, WallWindow
from routing.model.days import day_words
from routing.model.fleet import Driver, Shift
from routing.model.places import Location
from routing.model.plans import (
    Break,
    CostScheme,
    Lock,
    Place,
    Problem,
    Reason,
    ShiftOffer,
    Travel,
    Unassigned,
    Visit,
    Window,
)
from routing.ports import TravelTable
from routing.rules.access import fits, is_motor
from routing.rules.as_dispatched import AsDispatched, with_change
from routing.rules.calendars import (
    clock_minutes,
    day_of,
    days_between,
    moment,
    past_cut_off,
    span,
    why_depot_closed,
    why_site_closed,
    windows_on,
    zone_of,
)
from routing.rules.driver_hours import HoursRule, rule_of, under
from routing.rules.runs import Runs, priced
from routing.rules.time_of_day import slices_of

DIMENSIONS = ("weight_g", "volume_cm3", "pieces")

ON_THE_VAN = ("loaded", "dispatched", "under_way")
ENDED = ("done", "failed")
HAPPENED = ("under_way", *ENDED)
"""States of a delivery: with a van that left or is loaded; reported at its door; under way to it or reported."""

_CLOSED = (Window(start_s=-1, end_s=-1),)
"""The hours of a street in which no motor vehicle can do its work on any day of the plan: over before its epoch."""


def places_of(facts: DayFacts) -> tuple[Place, ...]:
    """Every place a route may touch: the depots, then each door once. Raises InvalidInput for a depot without a pin."""
    places: list[Place] = []
    for depot in facts.depots:
        if depot.location is None:
            raise InvalidInput(
                f'{depot.name} has no place on the map: "{depot.address}" was not found. Set its pin under Addresses.',
                depot=depot.id,
            )
        places.append(Place(index=len(places), name=depot.name, location=depot.location))
    used = {delivery.site_id for delivery in facts.deliveries}
    for site in facts.sites:
        if site.id in used and site.location is not None and site.pin_quality.goes_on:
            places.append(Place(index=len(places), name=site.name, location=site.location, site_id=site.id))
    return tuple(places)


def locations_of(places: tuple[Place, ...]) -> list[Location]:
    return [place.location for place in places if place.location is not None]


def profiles_of(facts: DayFacts) -> tuple[str, ...]:
    """The profiles of the shifts that are offered, sorted."""
    return tuple(sorted({shift.vehicle.profile for shift in facts.shifts if is_offered(shift, facts)}))


def is_offered(shift: Shift, facts: DayFacts) -> bool:
    """Whether this shift may get work: planned, on a working day, with a vehicle and a driver who are available.

    A shift without a driver is offered: somebody can still be named. One with goods on board always is.
    """
    if any(ride.shift_id == shift.id for ride in facts.riding):
        return True
    able = shift.vehicle.available and (shift.driver is None or shift.driver.available)
    return (
        shift.state == "planned"
        and able
        and not why_depot_closed(facts.calendars, day_of(shift.day), depot_id=shift.depot_id)
    )


def build_problem(facts: DayFacts, tables: Mapping[str, TravelTable], *, now: datetime) -> Problem:
    """The problem of these days. `tables` by profile, over `locations_of(places_of(facts))` in that order.

    Raises InvalidInput when a depot has no pin, a depot lies off the roads, or a wall-clock time cannot be read.
    """
    return _Building(facts, tables, now).problem()


class _Excluded(Exception):
    """Not a fault: the way out of a long question."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason, self.detail = reason, detail


class _Building:
    def __init__(self, facts: DayFacts, tables: Mapping[str, TravelTable], now: datetime) -> None:
        self.facts, self.tables, self.now = facts, tables, now
        self.days = days_between(facts.from_day, facts.to_day)
        self.depots = {depot.id: depot for depot in facts.depots}
        self.zones = {depot.id: zone_of(depot.zone) for depot in facts.depots}
        self.sites = {site.id: site for site in facts.sites}
        self.places = places_of(facts)
        self.place_of_depot = {depot.id: index for index, depot in enumerate(facts.depots)}
        self.place_of_site = {place.site_id: place.index for place in self.places if place.site_id is not None}
        # The epoch is the first midnight of all the depots: whole seconds from it are small and never negative.
        self.epoch = min(moment(self.days[0], 0, zone) for zone in self.zones.values())
        self.now_s = -(-(now - self.epoch) // timedelta(seconds=1))
        self.shifts = [shift for shift in facts.shifts if is_offered(shift, facts)]
        self.runs = Runs(facts.prices, self.shifts)
        self.again = {shift.id for shift in self.shifts if trips_of(shift) > 1}
        """The shifts that may come back for more."""
        self.riding = {ride.delivery_id: ride for ride in facts.riding}
        self.rules: dict[int, HoursRule | None] = {
            shift.id: rule_of(shift.driver.rule_set, who=shift.name) if shift.driver is not None else None
            for shift in self.shifts
        }
        self.rested_s = self._rested()
        """By shift of a driver under rules, when the rest since the duty before is over."""
        self.resting = {
            shift.id
            for shift in self.shifts
            if not self._rides(shift)
            and shift.id in self.rested_s
            and self._from_to(shift)[1] <= self.rested_s[shift.id]
        }
        """The shifts that are over before their driver has rested."""
        self.out: dict[int, int] = {}
        """By shift that is out, how many of its trips have left the depot."""
        for ride in facts.riding:
            if ride.state != "loaded":
                self.out[ride.shift_id] = max(self.out.get(ride.shift_id, 0), ride.trip + 1)
        self.dispatched = AsDispatched(
            facts.prices,
            facts.deliveries,
            [
                shift
                for shift in self.shifts
                if self.out.get(shift.id, 0) < trips_of(shift) and shift.id not in self.resting
            ],
        )
        self.locks = {lock.delivery_id: lock for lock in facts.locks}
        for profile, table in tables.items():
            if not table.engine:
                continue  # no road anywhere: this vehicle stays, and says so at every door
            for depot in facts.depots:
                at = self.place_of_depot[depot.id]
                if table.snapped_m[at] < 0 and any(
                    s.depot_id == depot.id and s.vehicle.profile == profile for s in self.shifts
                ):
                    raise InvalidInput(
                        f"No road for {profile} lies near {depot.name}. "
                        "Move its pin onto a road, or build the region it is in."
                    )

    def problem(self) -> Problem:
        visits: list[Visit] = []
        excluded: list[Unassigned] = []
        locks: list[Lock] = []
        offers = tuple(self._offer(shift) for shift in self.shifts)
        for delivery in self.facts.deliveries:
            try:
                lock = self._lock(delivery)
                visits.append(self._visit(delivery))
            except _Excluded as left:
                excluded.append(Unassigned(visit=delivery.id, reasons=(left.reason,), proven=True, detail=left.detail))
                continue
            if lock is not None:
                locks.append(lock)
        offers = tuple(_carries_all(offer, visits) for offer in offers)
        builds = sorted({f"{table.build} ({table.engine})" for table in self.tables.values() if table.engine})
        return Problem(
            epoch=self.epoch,
            dimensions=DIMENSIONS,
            places=self.places,
            travel={
                profile: Travel(
                    durations_s=np.asarray(table.durations_s, dtype=np.int64),
                    distances_m=np.asarray(table.distances_m, dtype=np.int64),
                )
                for profile, table in self.tables.items()
            },
            visits=tuple(visits),
            shifts=offers,
            locks=tuple(locks),
            excluded=tuple(excluded),
            travel_build=", ".join(builds),
            speeds=slices_of(
                self.facts.speeds,
                first=self.days[0],
                last=self.days[-1],
                zone=self.zones[self.facts.depots[0].id],
                epoch=self.epoch,
                profiles=self.tables,
            ),
        )

    # ---- shifts

    def _from_to(self, shift: Shift) -> tuple[int, int]:
        """Its hours by the wall clock of its depot, in seconds of the epoch."""
        day, zone = day_of(shift.day), self.zones[shift.depot_id]
        begin, end = clock_minutes(shift.starts), clock_minutes(shift.ends)
        if end <= begin:
            end += 1440
        return self._s(moment(day, begin, zone)), self._s(moment(day, end, zone))

    def _rested(self) -> dict[int, int]:
        over: dict[int, list[tuple[str, int, bool]]] = {}
        for duty in self.facts.worked:
            over.setdefault(duty.driver_id, []).append(("", self._s(duty.until), duty.is_reduced))
        rested: dict[int, int] = {}
        for shift in sorted(self.shifts, key=lambda each: (each.day, each.id)):
            rule = self.rules[shift.id]
            if rule is None or shift.driver is None:
                continue
            before = [
                until + rule.rest_after_s(reduced=reduced)
                for day, until, reduced in over.setdefault(shift.driver.id, [])
                if day < shift.day
            ]
            if before:
                rested[shift.id] = max(before)
            reduced = is_reduced(shift, self.shifts)
            start_s, end_s = self._from_to(shift)
            until_s = min(
                end_s + shift.overtime_s, max(start_s, rested.get(shift.id, start_s)) + rule.duty_s(reduced=reduced)
            )
            over[shift.driver.id].append((shift.day, until_s, reduced))
        return rested

    def _offer(self, shift: Shift) -> ShiftOffer:
        start_s, end_s = self._from_to(shift)
        day, zone, begin = day_of(shift.day), self.zones[shift.depot_id], clock_minutes(shift.starts)
        if not self._rides(shift):
            # A van that is still empty after its shift began leaves now at the earliest.
            start_s = self.now_s if start_s < self.now_s < end_s else start_s
            if shift.id not in self.resting:
                start_s = max(start_s, self.rested_s.get(shift.id, start_s))
        place = self.place_of_depot[shift.depot_id]
        breaks = []
        for pause in shift.breaks:
            earliest = clock_minutes(pause.earliest)
            first, last = span(day + timedelta(days=1) if earliest < begin else day, pause.earliest, pause.latest, zone)
            breaks.append(
                Break(
                    id=pause.id,
                    duration_s=pause.duration_s,
                    windows=(Window(start_s=self._s(first), end_s=self._s(last)),),
                )
            )
        vehicle = shift.vehicle
        skills = frozenset(vehicle.skills) | frozenset(shift.driver.skills if shift.driver else ())
        offer = ShiftOffer(
            id=shift.id,
            profile=vehicle.profile,
            start=place if shift.start_place == "depot" else None,
            end=place if shift.end_place == "depot" else None,
            start_s=start_s,
            end_s=end_s,
            capacity=(vehicle.weight_g, vehicle.volume_cm3, vehicle.pieces),
            motor=is_motor(vehicle),
            skills=skills,
            breaks=tuple(breaks),
            cost=rates_of(shift, self.facts.prices),
            overtime_s=shift.overtime_s,
            loading_s=shift.loading_s,
            debrief_s=shift.debrief_s,
            max_stops=shift.max_stops,
            max_distance_m=shift.max_distance_m,
            name=shift.name,
            reload_s=vehicle.reload_minutes * 60,
            most_trips=trips_of(shift),
            trips_out=self.out.get(shift.id, 0) if trips_of(shift) > 1 else 0,
        )
        rule = self.rules[shift.id]
        if rule is None or shift.driver is None:
            return offer
        same_day = [
            each
            for each in self.shifts
            if each.driver is not None and each.driver.id == shift.driver.id and each.day == shift.day
        ]
        first_s = min(max(self._from_to(each)[0], self.rested_s.get(each.id, 0)) for each in same_day)
        # What is on the road was allowed when it left: a shift that its driver gets besides takes nothing from it.
        return under(
            rule,
            offer,
            duty_from_s=first_s,
            share=1 if self._rides(shift) else len(same_day),
            reduced=is_reduced(shift, self.shifts),
        )

    def _rides(self, shift: Shift) -> bool:
        return any(ride.shift_id == shift.id for ride in self.facts.riding)

    # ---- deliveries

    def _lock(self, delivery: DeliveryFacts) -> Lock | None:
        offered = {shift.id for shift in self.shifts}
        ride = self.riding.get(delivery.id)
        if ride is not None:
            # The driver of a van that is out has the list in hand: planning again leaves its order alone.
            return Lock(
                visit=delivery.id,
                shift=ride.shift_id,
                position=ride.position if ride.state != "loaded" else None,
                done=ride.state in HAPPENED,
                trip=ride.trip if ride.shift_id in self.again else None,
            )
        lock = self.locks.get(delivery.id)
        if lock is None:
            return None
        if lock.shift_id is None:
            raise _Excluded(Reason.LOCKED_BY_YOU, f"{lock.by or 'Somebody'} decided that {delivery.number} stays out.")
        if lock.shift_id not in offered:
            raise _Excluded(
                Reason.LOCKED_BY_YOU, f"{delivery.number} is locked to a shift that does not go out. Unlock it."
            )
        return Lock(visit=delivery.id, shift=lock.shift_id, position=lock.position)

    def _visit(self, delivery: DeliveryFacts) -> Visit:
        site = self.sites[delivery.site_id]
        ride = self.riding.get(delivery.id)
        if ride is None:
            _refuse_held(delivery, site)
        place = self._place(site)
        amounts = _amounts(delivery)
        setup_s = site.parking_s + site.service_s
        service_s = site.service_s_per_case * sum(-(-line.quantity // line.case_pack) for line in delivery.goods)
        shifts: frozenset[int] | None
        why_not: tuple[tuple[int, Reason], ...] = ()
        motor = self._motor_windows(site, delivery, setup_s + service_s)
        if ride is not None:
            # The goods are on that van: what was decided before it left is not asked again.
            windows = self._hours(delivery, site, setup_s + service_s) or self._all_day()
            shifts, ready_s = frozenset({ride.shift_id}), None
            motor = () if motor == _CLOSED else motor
        else:
            windows = self._open_hours(delivery, site, setup_s + service_s)
            ready_s = self._ready(delivery, windows)
            if self.again & self.out.keys() and delivery.direction == "deliver":
                # A van that is out comes back for it, which cannot have been.
                ready_s = max(ready_s or 0, self.now_s)
            shifts, why_not = self._who_may(delivery, site, place, by_motor=motor != _CLOSED)
        none = (0,) * len(DIMENSIONS)
        ordered_on = delivery.oldest_ordered_at.astimezone(self.zones[delivery.depot_id]).date()
        collects = delivery.direction == "collect"
        visit = Visit(
            id=delivery.id,
            place=place,
            service_s=service_s,
            setup_s=setup_s,
            windows=windows,
            motor_windows=motor,
            load=none if collects else amounts,
            collect=amounts if collects else none,
            skills=frozenset(site.skills) if ride is None else frozenset(),
            tier=delivery.tier,
            age=max(0, (self.days[0] - ordered_on).days),
            ready_s=ready_s,
            shifts=shifts,
            why_not=why_not,
            late_per_hour=site.late_per_minute * 60 * 1000,
            strangers=self._strangers(site),
            name=delivery.number,
        )
        own = [shift for shift in self.shifts if shift.depot_id == delivery.depot_id]
        visit = priced(visit, [(shift.id, price) for shift in own if (price := self.runs.price(shift, site))])
        if ride is not None:
            return visit  # it goes with the van that it is on
        return with_change(visit, [(shift.id, self.dispatched.price(shift, delivery, site)) for shift in own])

    def _strangers(self, site: SiteFacts) -> tuple[tuple[int, int], ...]:
        prices = ((shift.id, stranger_price(shift, site)) for shift in self.shifts)
        return tuple((key, price * 1000) for key, price in prices if price)

    def _place(self, site: SiteFacts) -> int:
        place = self.place_of_site.get(site.id)
        if place is None:
            why = site.pin_why or f'"{site.address}" has no sure place on the map.'
            raise _Excluded(Reason.ADDRESS_IN_REVIEW, f"{why} Choose its pin under Addresses.")
        if self.tables and all(table.snapped_m[place] < 0 for table in self.tables.values()):
            raise _Excluded(Reason.NO_ROAD, f"No road lies near the pin of {site.name}. Move it to the kerb.")
        return place

    def _open_hours(self, delivery: DeliveryFacts, site: SiteFacts, work_s: int) -> tuple[Window, ...]:
        days = self._open_days(delivery, site)
        windows = self._windows(delivery, site, work_s, days)
        if windows:
            return windows
        if self._windows(delivery, site, 0, days):
            raise _Excluded(
                Reason.WINDOW_TOO_SHORT,
                f"{site.name} takes {-(-work_s // 60)} min of work, longer than its hours ({_said(site, delivery)}).",
            )
        raise _Excluded(
            Reason.CLOSED_THAT_DAY,
            f"{site.name} has no hours on {_these(days)} ({_said(site, delivery)}).",
        )

    def _hours(self, delivery: DeliveryFacts, site: SiteFacts, work_s: int) -> tuple[Window, ...]:
        return self._windows(delivery, site, work_s, list(self.days))

    def _all_day(self) -> tuple[Window, ...]:
        end = max(self._s(moment(self.days[-1], 48 * 60, zone)) for zone in self.zones.values())
        return (Window(start_s=0, end_s=end),)

    def _open_days(self, delivery: DeliveryFacts, site: SiteFacts) -> list[date]:
        """The days of the plan on which this may be brought. Raises _Excluded when there is none."""
        earliest = max([order.not_before for order in delivery.orders if order.not_before], default="")
        latest = min([order.not_after for order in delivery.orders if order.not_after], default="")
        if earliest > self.facts.to_day:
            raise _Excluded(Reason.CLOSED_THAT_DAY, f"The customer takes {delivery.number} from {earliest} on.")
        if latest and latest < self.facts.from_day:
            raise _Excluded(
                Reason.WINDOW_UNREACHABLE,
                f"{delivery.number} was to come by {latest}. Agree on another day with {site.customer}.",
            )
        days = [
            day
            for day in self.days
            if day.isoformat() >= max(earliest, delivery.for_day) and (not latest or day.isoformat() <= latest)
        ]
        why = ""
        takes = []
        for day in days:
            said = why_depot_closed(self.facts.calendars, day, depot_id=delivery.depot_id) or why_site_closed(
                self.facts.calendars,
                day,
                site_id=site.id,
                zone_id=site.delivery_zone_id,
                delivery_days=site.delivery_days,
            )
            if said:
                why = why or said
            else:
                takes.append(day)
        if not takes:
            raise _Excluded(Reason.CLOSED_THAT_DAY, f"{site.name}: {why or 'no day of this plan is left for it'}.")
        if delivery.attempts:
            return takes
        in_time = [
            day
            for day in takes
            if not past_cut_off(
                delivery.oldest_ordered_at, day, cut_off=site.cut_off, zone=self.zones[delivery.depot_id]
            )
        ]
        if not in_time:
            raise _Excluded(
                Reason.AFTER_CUT_OFF,
                f"{delivery.number} was ordered after the cut-off ({site.cut_off} on the day before).",
            )
        return in_time

    def _windows(self, delivery: DeliveryFacts, site: SiteFacts, work_s: int, days: list[date]) -> tuple[Window, ...]:
        zone = self._zone(site, delivery)
        found: list[Window] = []
        for day in days:
            hours = self._on(site.windows, day, zone, work_s)
            for order in delivery.orders:
                hours = _both(hours, self._on(order.windows, day, zone, work_s))
            # Where no hours are given there is none after them.
            timed = site.windows or any(order.windows for order in delivery.orders)
            late_s = site.late_s if timed else 0
            found += [Window(start_s=first, end_s=last, late_s=late_s) for first, last in hours]
        return tuple(dict.fromkeys(found))

    def _motor_windows(self, site: SiteFacts, delivery: DeliveryFacts, work_s: int) -> tuple[Window, ...]:
        """When a motor vehicle may begin there, so that it is gone when the street closes; none where it may always."""
        if not site.motor_hours:
            return ()
        zone = self._zone(site, delivery)
        pairs = [pair for day in self.days for pair in self._on(site.motor_hours, day, zone, work_s)]
        return tuple(Window(start_s=first, end_s=last) for first, last in pairs) or _CLOSED

    def _zone(self, site: SiteFacts, delivery: DeliveryFacts) -> ZoneInfo:
        return zone_of(site.zone) if site.zone else self.zones[delivery.depot_id]

    def _on(self, windows: tuple[WallWindow, ...], day: date, zone: ZoneInfo, work_s: int) -> list[tuple[int, int]]:
        """When service may start that day. No windows at all: the whole day."""
        if not windows:
            return [(self._s(moment(day, 0, zone)), self._s(moment(day, 1440, zone)) - 1)]
        found = []
        for window in windows_on(windows, day):
            opens, closes = span(day, window.opens, window.closes, zone)
            first, last = self._s(opens), self._s(closes) - (work_s if window.kind == "finish_by" else 0)
            if last >= first:
                found.append((first, last))
        return sorted(found)

    def _ready(self, delivery: DeliveryFacts, windows: tuple[Window, ...]) -> int | None:
        if delivery.ready_at is None:
            return None
        ready_s = self._s(delivery.ready_at)
        if ready_s <= 0:
            return None
        if ready_s > max(window.end_s + window.late_s for window in windows):
            local = delivery.ready_at.astimezone(self.zones[delivery.depot_id])
            raise _Excluded(
                Reason.NOT_READY,
                f"The goods of {delivery.number} are ready on {day_words(local.date())} at {local:%H:%M}, "
                "after its last window.",
            )
        return ready_s

    def _who_may(
        self, delivery: DeliveryFacts, site: SiteFacts, place: int, *, by_motor: bool
    ) -> tuple[frozenset[int] | None, tuple[tuple[int, Reason], ...]]:
        own = [shift for shift in self.shifts if shift.depot_id == delivery.depot_id]
        if not own:
            depot = self.depots[delivery.depot_id]
            raise _Excluded(Reason.CAPACITY, f"No shift goes out from {depot.name} on {_these(self.days)}. Add one.")
        why_not: list[tuple[int, Reason]] = []
        may: set[int] = set()
        for shift in own:
            if not self._joined(shift, place):
                why_not.append((shift.id, Reason.NO_ROAD))
            elif delivery.direction == "deliver" and self.out.get(shift.id, 0) >= trips_of(shift):
                # Its goods are at the depot, and the van does not come back for them.
                why_not.append((shift.id, Reason.AFTER_CUT_OFF))
            elif shift.id in self.resting:
                why_not.append((shift.id, Reason.DRIVER_HOURS))
            elif not fits(shift, site) or (is_motor(shift.vehicle) and not by_motor):
                why_not.append((shift.id, Reason.ACCESS))
            elif shift.crew < site.crew:
                why_not.append((shift.id, Reason.CREW))
            else:
                may.add(shift.id)
        everybody = len(may) == len(self.shifts)
        return (None if everybody else frozenset(may)), tuple(why_not)

    def _joined(self, shift: Shift, place: int) -> bool:
        """Whether its vehicle gets from the depot to the place and back: a truck may have fewer roads than a van."""
        table = self.tables[shift.vehicle.profile]
        depot = self.place_of_depot[shift.depot_id]
        there = shift.start_place != "depot" or table.durations_s[depot, place] >= 0
        back = shift.end_place != "depot" or table.durations_s[place, depot] >= 0
        return bool(table.snapped_m[place] >= 0 and there and back)

    def _s(self, at: datetime) -> int:
        return round((at - self.epoch).total_seconds())


def trips_of(shift: Shift) -> int:
    """How often it may leave: once, unless its vehicle may reload and it starts and ends at the depot.

    >>> from routing.model.fleet import Vehicle
    >>> van = Vehicle(id=1, name="Van 1", depot_id=1, reload_minutes=30, most_trips=2)
    >>> day = Shift(id=1, day="2026-05-12", depot_id=1, vehicle=van, starts="06:00", ends="14:00")
    >>> trips_of(day), trips_of(replace(day, end_place="anywhere"))
    (2, 1)
    """
    return shift.vehicle.most_trips if shift.start_place == shift.end_place == "depot" else 1


def is_reduced(shift: Shift, shifts: Sequence[Shift]) -> bool:
    """Whether its driver rests less after that day: one of several shifts of a day says it for all."""
    return any(
        each.rest_after == "reduced"
        for each in (shift, *shifts)
        if each.day == shift.day
        and each.driver is not None
        and shift.driver is not None
        and each.driver.id == shift.driver.id
    )


def rested_at(facts: DayFacts, driver: Driver, rule: HoursRule) -> datetime | None:
    """When this driver has rested from the day before; None for who had no duty then."""
    return max(
        (
            duty.until + timedelta(seconds=rule.rest_after_s(reduced=duty.is_reduced))
            for duty in facts.worked
            if duty.driver_id == driver.id
        ),
        default=None,
    )


def stranger_price(shift: Shift, site: SiteFacts) -> int:
    """What it costs (minor units) that its driver is new to the door. A shift without a driver is no stranger's:
    somebody who knows the door may still be named."""
    if not site.known_to or shift.driver is None or shift.driver.number in site.known_to:
        return 0
    return site.stranger_price


def rates_of(shift: Shift, prices: PlanPrices) -> CostScheme:
    """What a shift costs in a plan, in thousandths of a minor unit."""
    return CostScheme(
        fixed=shift.cost_fixed * 1000,
        per_hour=shift.cost_per_hour * 1000,
        per_km=shift.cost_per_km * 1000,
        per_overtime_hour=shift.cost_per_overtime_hour * 1000,
        per_stop=shift.cost_per_stop * 1000,
        balance_per_hour=prices.balance * 1000,
        area_per_km=prices.area * 1000,
    )


def _refuse_held(delivery: DeliveryFacts, site: SiteFacts) -> None:
    if site.payment_hold and delivery.direction == "deliver":
        raise _Excluded(Reason.ON_HOLD, f"{site.customer} is on hold: {site.payment_hold}.")
    for order in delivery.orders:
        if order.hold_reason:
            raise _Excluded(Reason.ON_HOLD, f"Order {order.number} is on hold: {order.hold_reason}.")
        if order.payment == "pending":
            raise _Excluded(Reason.ON_HOLD, f"Order {order.number} waits for payment.")
    if delivery.waits_for == "address":
        raise _Excluded(Reason.ADDRESS_IN_REVIEW, site.pin_why or f"The address of {site.name} waits for a person.")
    if delivery.waits_for:
        raise _Excluded(Reason.ON_HOLD, f"{delivery.number} waits for the {delivery.waits_for}.")


def _amounts(delivery: DeliveryFacts) -> tuple[int, int, int]:
    """Grams, cm³ and pieces. Raises _Excluded when a weight is missing; a missing volume counts as none."""
    weight = 0
    for line in delivery.goods:
        if line.weight_g is None:
            raise _Excluded(
                Reason.MISSING_WEIGHT, f"Nobody knows what {line.product} weighs. Import products with its weight."
            )
        weight += line.weight_g * line.quantity
    return (
        weight,
        sum((line.volume_cm3 or 0) * line.quantity for line in delivery.goods),
        sum(line.pieces * line.quantity for line in delivery.goods),
    )


def _carries_all(offer: ShiftOffer, visits: list[Visit]) -> ShiftOffer:
    """A capacity that was not given (0) does not limit: it becomes the sum of everything there is."""
    capacity = tuple(
        most or sum(visit.load[d] + visit.collect[d] for visit in visits) for d, most in enumerate(offer.capacity)
    )
    return offer if capacity == offer.capacity else replace(offer, capacity=capacity)


def _both(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where both sets of hours are open."""
    return sorted((max(a, c), min(b, d)) for a, b in one for c, d in other if max(a, c) <= min(b, d))


def _said(site: SiteFacts, delivery: DeliveryFacts) -> str:
    windows = [*site.windows, *(window for order in delivery.orders for window in order.windows)]
    if not windows:
        return "no hours given"
    return ", ".join(
        " ".join(filter(None, ["/".join(window.weekdays), f"{window.opens}-{window.closes}"])) for window in windows
    )


def _these(days: Sequence[date]) -> str:
    return day_words(days[0]) if len(days) == 1 else f"{day_words(days[0])} to {day_words(days[-1])}"
