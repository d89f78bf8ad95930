"""The authority: what is wrong with a plan. Its arithmetic is its own, so that a fault of the schedule shows here.

`violations(plan, problem)` judges what the plan says of itself: the order, the times, the loads and the cost that are
written in it. How a route is meant to run stands in `routing/rules/schedule.py`. An empty list means the plan may be
saved.

| code | what is wrong |
|---|---|
| unknown_shift, shift_twice | a route of a shift that is not offered; two routes of one shift |
| unknown_visit, visit_twice, visit_missing | every visit is once in a route or once left out |
| empty_route | a route without stops, or a stop without visits |
| wrong_place | a stop is not where its visits are |
| skills, shift_not_allowed | the shift may not serve the visit |
| no_road | no road joins two places that follow each other |
| travel | the way there takes longer at that time of the day, or another time or distance, than the plan says |
| order | the times of the route do not follow each other |
| service | a stop is shorter or longer than setup and service |
| window | service begins outside the windows, and not within what they allow it to be late |
| motor_hours | a motor vehicle begins at a door outside the hours in which it may drive there |
| ready | the van leaves before the goods of this trip are there |
| trips, reload | more trips than the shift may make; no time between two of them to unload and load |
| shift_hours, loading, debrief | the duty lies outside the shift and its overtime, or has no time for one of them |
| break_missing, break_unknown, break_length, break_window, break_overlap | breaks |
| break_load | more is on board than a break allows |
| shipment | what is fetched is not brought by the same van afterwards |
| capacity, load | more on board than the shift may carry; another load than the plan says |
| max_stops, max_visits, max_distance, max_travel | limits of the shift |
| lock | a person's decision was not kept; what is on board of one trip rides in another |
| cost, tiers | the plan's sums are not what its routes give |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from math import ceil, cos, floor, hypot, radians

from routing.model.plans import (
    FREE,
    Plan,
    PlannedBreak,
    PlannedRoute,
    PlannedStop,
    PlannedTrip,
    Problem,
    Reason,
    ShiftOffer,
    Violation,
    Visit,
)


def violations(plan: Plan, problem: Problem, *, shifts: frozenset[int] | None = None) -> list[Violation]:
    """Everything that is wrong, in a stable order; empty when nothing is. `shifts`: only their routes are judged by
    themselves, all others were already."""
    visits = {visit.id: visit for visit in problem.visits}
    offers = {shift.id: shift for shift in problem.shifts}
    done = {lock.visit for lock in problem.locks if lock.done}
    found = list(_everything_once(plan, visits, offers))
    for route in plan.routes:
        if shifts is not None and route.shift not in shifts:
            continue
        if route.shift in offers and all(key in visits for key in route.visits):
            found += _Route(route, offers[route.shift], problem, visits, done).violations()
    found += _shipments(plan, problem)
    found += _locks(plan, problem, visits, offers)
    found += _sums(plan, visits)
    return found


def _everything_once(plan: Plan, visits: dict[int, Visit], shifts: dict[int, ShiftOffer]) -> Iterator[Violation]:
    for shift, times in Counter(route.shift for route in plan.routes).items():
        if shift not in shifts:
            yield Violation(code="unknown_shift", sentence=f"Shift {shift} is not offered.", shift=shift)
        if times > 1:
            yield Violation(
                code="shift_twice", sentence=f"Shift {shift} has {times} routes.", shift=shift, amount=times
            )
    planned = Counter(key for route in plan.routes for key in route.visits)
    left_out = Counter(gone.visit for gone in plan.unassigned)
    for key in sorted(planned | left_out):
        if key not in visits:
            yield Violation(code="unknown_visit", sentence=f"Delivery {key} is not in the problem.", visit=key)
    for key in sorted(visits):
        times = planned[key] + left_out[key]
        if times == 0:
            yield Violation(
                code="visit_missing", sentence=f"{_of(visits[key])} is neither planned nor left out.", visit=key
            )
        if times > 1:
            yield Violation(
                code="visit_twice",
                sentence=f"{_of(visits[key])} is planned {planned[key]} and left out {left_out[key]} times.",
                visit=key,
                amount=times,
            )


class _Route:
    """One route against its shift. Times are judged as written, one after the other."""

    def __init__(
        self, route: PlannedRoute, shift: ShiftOffer, problem: Problem, visits: dict[int, Visit], done: set[int]
    ) -> None:
        self.route, self.shift, self.problem, self.visits, self.done = route, shift, problem, visits, done
        self.stops = route.stops
        self.distance_m = 0
        self.travel_s = 0
        self.work_s = 0
        self.late: list[Fraction] = []
        self.found: list[Violation] = []

    def violations(self) -> list[Violation]:
        if not self.stops or any(not stop.visits for stop in self.stops):
            self._say("empty_route", "A route needs stops, and a stop deliveries.")
            return self.found
        if any(not trip.stops for trip in self.route.trips):
            self._say("empty_route", "A trip needs stops.")
            return self.found
        if self.shift.most_trips == 1 < len(self.route.trips):
            self._say("order", "it makes one trip: it may not reload.", amount=len(self.route.trips))
            return self.found
        self._trips()
        self._who_may()
        self._hours()
        self._ways()
        self._services()
        self._breaks()
        self._loads()
        self._limits()
        self._cost()
        return self.found

    def _say(self, code: str, sentence: str, *, visit: int | None = None, amount: int = 0) -> None:
        self.found.append(
            Violation(
                code=code,
                sentence=f"{_by(self.shift)}: {sentence}",
                shift=self.shift.id,
                visit=visit,
                amount=amount,
            )
        )

    def _name(self, key: int) -> str:
        return _of(self.visits[key], low=True)

    def _who_may(self) -> None:
        for stop in self.stops:
            for key in stop.visits:
                visit, name = self.visits[key], self._name(key)
                if visit.place != stop.place:
                    self._say("wrong_place", f"{name} is at place {visit.place}, not {stop.place}.", visit=key)
                if not visit.skills <= self.shift.skills:
                    self._say("skills", f"{name} needs skills the shift does not have.", visit=key)
                if visit.shifts is not None and self.shift.id not in visit.shifts:
                    self._say("shift_not_allowed", f"{name} may not ride here.", visit=key)

    def _trips(self) -> None:
        """How many there are, what lies between them, and who rides in which: a trip that nobody rides in is not
        driven, but keeps its number."""
        route, shift = self.route, self.shift
        locked = {lock.visit: lock.trip for lock in self.problem.locks if lock.shift == shift.id}
        number = -1
        for trip in route.trips:
            number += 1
            keys = [key for stop in trip.stops for key in stop.visits]
            numbers = [at for key in keys if (at := locked.get(key)) is not None]
            joins = [key for key in keys if locked.get(key) is None and any(self.visits[key].load)]
            number = max(number, *numbers, shift.trips_out if joins else 0)
            for key in keys:
                if (wanted := locked.get(key)) is not None and wanted != number:
                    self._say(
                        "lock",
                        f"{self._name(key)} rides in trip {number + 1}, not {wanted + 1}.",
                        visit=key,
                    )
        if shift.most_trips > 1 and number >= shift.most_trips:
            self._say("trips", f"it would make {number + 1} trips, but may make {shift.most_trips}.", amount=number + 1)
        stops = 0
        for trip, after in pairwise(route.trips):
            stops += len(trip.stops)
            rests = [p for p in self._rests(stops) if trip.return_s <= p.start_s < after.departure_s]
            needed = shift.reload_s + sum(pause.end_s - pause.start_s for pause in rests)
            if (short := trip.return_s + needed - after.departure_s) > 0:
                self._say("reload", f"{short} s are missing to unload and load between two trips.", amount=short)
            for pause in rests:
                if pause.end_s > after.departure_s:
                    self._say("break_overlap", f"break {pause.break_id} is not over when the van leaves again.")

    def _rests(self, number: int) -> list[PlannedBreak]:
        return [pause for pause in self.route.breaks if pause.after_stop == number]

    def _hours(self) -> None:
        route, shift = self.route, self.shift
        early, late = shift.start_s - route.start_s, route.end_s - shift.end_s - shift.overtime_s
        if early > 0 or late > 0:
            self._say("shift_hours", f"the duty begins {early} s early or ends {late} s late.", amount=max(early, late))
        if route.trips[0].departure_s < route.start_s + shift.loading_s:
            self._say("loading", "the van leaves before it is loaded.", amount=shift.loading_s)
        if route.end_s < route.trips[-1].return_s + shift.debrief_s:
            self._say("debrief", "the duty ends before the debrief is done.", amount=shift.debrief_s)
        for trip in route.trips:
            for key in (key for stop in trip.stops for key in stop.visits):
                ready = self.visits[key].ready_s
                if ready is not None and key not in self.done and trip.departure_s < ready:
                    late = ready - trip.departure_s
                    self._say(
                        "ready",
                        f"the van leaves {late} s before {self._name(key)} is there.",
                        visit=key,
                        amount=late,
                    )

    def _ways(self) -> None:
        number = 0
        for at, trip in enumerate(self.route.trips):
            place, left_s, before = self.shift.start, trip.departure_s, self.distance_m
            for first, stop in enumerate(trip.stops):
                travel, metres = self._way(place, stop.place)
                # What was taken before a later trip left belongs to the depot.
                rests = [p for p in self._rests(number) if not (at and first == 0) or p.start_s >= left_s]
                travel = self._wheels(rests, left_s, travel)
                self.travel_s += travel
                self.distance_m += metres
                if stop.travel_s != travel or stop.distance_m != metres:
                    self._say(
                        "travel",
                        f"to stop {number + 1} it takes {travel} s and {metres} m, "
                        f"not {stop.travel_s} s and {stop.distance_m} m.",
                        visit=stop.visits[0],
                        amount=travel - stop.travel_s,
                    )
                self._leg(number, rests, left_s, stop.arrival_s, stop.start_s, travel, stop.visits[0])
                place, left_s = stop.place, stop.departure_s
                number += 1
            travel, metres = self._way(place, self.shift.end)
            self.distance_m += metres
            if at + 1 == len(self.route.trips):
                rests, until_s = self._rests(number), self.route.end_s - self.shift.debrief_s
            else:
                rests = [p for p in self._rests(number) if p.start_s < trip.return_s]
                until_s = self.route.trips[at + 1].departure_s
            travel = self._wheels(rests, left_s, travel)
            self.travel_s += travel
            self._leg(number, rests, left_s, trip.return_s, until_s, travel, None)
            if trip.distance_m != self.distance_m - before:
                self._say("travel", f"the trip is {self.distance_m - before} m long, not {trip.distance_m} m.")

    def _wheels(self, pauses: list[PlannedBreak], left_s: int, travel: int) -> int:
        """For how long the wheels turn on the way to a stop, second by second of the slices it passes; breaks that
        begin on the way interrupt it."""
        slices = [each for each in self.problem.speeds if each.profile == self.shift.profile]
        if not slices:
            return travel
        rests = [(p.start_s, p.end_s) for p in pauses if p.start_s >= left_s]
        left, now, wheels = travel * FREE, left_s, 0
        borders = sorted({t for each in slices for t in (each.start_s, each.end_s)} | {a for a, _ in rests})
        while left > 0:
            if (rest := next((b for a, b in rests if a <= now < b), None)) is not None:
                now = rest
                continue
            pace = next((each.pace for each in slices if each.start_s <= now < each.end_s), FREE)
            enough = -(-left // pace)
            until = min((t - now for t in borders if t > now), default=enough)
            here = min(enough, until)
            left, now, wheels = left - here * pace, now + here, wheels + here
        return wheels

    def _leg(
        self,
        number: int,
        rests: list[PlannedBreak],
        left_s: int,
        arrival_s: int,
        start_s: int,
        travel: int,
        visit: int | None,
    ) -> None:
        """The way to one stop (or back): long enough for the wheels and for the breaks taken on it."""
        on_the_way = sum(pause.end_s - pause.start_s for pause in rests if pause.start_s < arrival_s)
        if (short := left_s + travel + on_the_way - arrival_s) > 0:
            self._say(
                "travel", f"leg {number + 1} is {short} s shorter than travel and breaks.", visit=visit, amount=short
            )
        if start_s < arrival_s:
            self._say("order", f"leg {number + 1} ends after the work that follows it begins.", visit=visit)
        for pause in rests:
            if pause.start_s < left_s or pause.end_s > start_s:
                self._say("break_overlap", f"break {pause.break_id} lies in another stop's time or outside the duty.")

    def _way(self, here: int | None, there: int | None) -> tuple[int, int]:
        if here is None or there is None or here == there:
            return 0, 0
        table = self.problem.travel[self.shift.profile]
        seconds, metres = int(table.durations_s[here, there]), int(table.distances_m[here, there])
        if seconds < 0 or metres < 0:
            self._say("no_road", f"no road joins place {here} and place {there}.")
            return 0, 0
        return ceil(seconds / self.shift.speed_factor), metres

    def _services(self) -> None:
        for before, stop in self._doors(self.shift.start):
            time = stop.start_s
            for number, key in enumerate(stop.visits):
                visit = self.visits[key]
                if key not in self.done:
                    if not any(w.start_s <= time <= w.end_s + w.late_s for w in visit.windows):
                        self._say(
                            "window",
                            f"{self._name(key)} begins at {time} s, outside its windows.",
                            visit=key,
                            amount=time,
                        )
                    driven = visit.motor_windows if self.shift.motor else ()
                    if driven and not any(w.start_s <= time <= w.end_s for w in driven):
                        self._say(
                            "motor_hours",
                            f"{self._name(key)} begins at {time} s, when no motor vehicle may drive there.",
                            visit=key,
                            amount=time,
                        )
                    late = min((max(0, time - w.end_s) for w in visit.windows if w.start_s <= time), default=0)
                    self.late.append(Fraction(visit.late_per_hour * late, 3600))
                own = next((work for kind, *work in visit.work_by_type if kind == self.shift.type), None)
                setup, service = own or (visit.setup_s, visit.service_s)
                time += service
                if number == 0 and stop.place != before:
                    time += setup
            if time != stop.departure_s:
                by = time - stop.departure_s
                self._say(
                    "service", f"the stop at place {stop.place} is {by} s too short.", visit=stop.visits[0], amount=by
                )
            self.work_s += time - stop.start_s

    def _doors(self, depot: int | None) -> Iterator[tuple[int | None, PlannedStop]]:
        """Each stop with the place before it: `depot` where a trip begins."""
        for trip in self.route.trips:
            before = depot
            for stop in trip.stops:
                yield before, stop
                before = stop.place

    def _breaks(self) -> None:
        offered = {pause.id: pause for pause in self.shift.breaks}
        taken = Counter(pause.break_id for pause in self.route.breaks)
        for key in offered:
            if taken[key] != 1:
                self._say("break_missing", f"break {key} is taken {taken[key]} times.", amount=taken[key])
        duty = self.route.start_s + self.shift.loading_s, self.route.end_s - self.shift.debrief_s
        for pause in self.route.breaks:
            if pause.break_id not in offered:
                self._say("break_unknown", f"break {pause.break_id} is not offered.")
                continue
            wanted = offered[pause.break_id]
            if pause.end_s - pause.start_s != wanted.duration_s:
                self._say(
                    "break_length",
                    f"break {wanted.id} lasts {pause.end_s - pause.start_s} s.",
                    amount=wanted.duration_s,
                )
            if not any(w.start_s <= pause.start_s <= w.end_s for w in wanted.windows):
                self._say("break_window", f"break {wanted.id} begins at {pause.start_s} s.", amount=pause.start_s)
            if pause.start_s < duty[0] or pause.end_s > duty[1] or not 0 <= pause.after_stop <= len(self.stops):
                self._say("break_overlap", f"break {wanted.id} lies outside the duty.")
        rests = sorted(self.route.breaks, key=lambda pause: (pause.start_s, pause.end_s))
        for one, other in pairwise(rests):
            if other.start_s < one.end_s:
                self._say("break_overlap", f"breaks {one.break_id} and {other.break_id} overlap.")

    def _loads(self) -> None:
        for d in range(len(self.problem.dimensions)):
            stops = 0
            for at, trip in enumerate(self.route.trips):
                on_leg = self._load(d, trip)
                for rest in self.route.breaks:
                    # Between two trips: what is on board until the van leaves again is what it came back with.
                    lies = rest.after_stop - stops
                    begun = at == 0 or lies > 0 or rest.start_s >= trip.departure_s
                    last = at + 1 == len(self.route.trips)
                    over = last or lies < len(trip.stops) or rest.start_s < self.route.trips[at + 1].departure_s
                    if 0 <= lies < len(on_leg) and begun and over:
                        self._light_enough(d, rest, on_leg[lies])
                stops += len(trip.stops)

    def _load(self, d: int, trip: PlannedTrip) -> list[int]:
        """What is on board on each leg of a trip."""
        fetched = {one.pickup: one.amount for one in self.problem.shipments}
        brought = {one.delivery: one.amount for one in self.problem.shipments}
        name = self.problem.dimensions[d]
        on_board = sum(self.visits[key].load[d] for stop in trip.stops for key in stop.visits)
        most = on_board
        on_leg = [on_board]
        for stop in trip.stops:
            for key in stop.visits:
                on_board += self.visits[key].collect[d] - self.visits[key].load[d]
                if key in fetched:
                    on_board += fetched[key][d]
                if key in brought:
                    on_board -= brought[key][d]
                most = max(most, on_board)
            if len(stop.load) != len(self.problem.dimensions) or stop.load[d] != on_board:
                self._say("load", f"{on_board} ({name}) are on board after place {stop.place}.", visit=stop.visits[0])
            on_leg.append(on_board)
        if (over := most - self.shift.capacity[d]) > 0:
            self._say("capacity", f"{over} ({name}) more than it may carry.", amount=over)
        return on_leg

    def _light_enough(self, d: int, rest: PlannedBreak, on_board: int) -> None:
        limit = next((pause.max_load for pause in self.shift.breaks if pause.id == rest.break_id), None)
        if limit is not None and (over := on_board - limit[d]) > 0:
            name = self.problem.dimensions[d]
            self._say("break_load", f"break {rest.break_id} is taken with {over} ({name}) too many.", amount=over)

    def _limits(self) -> None:
        doors = sum(stop.place != before for before, stop in self._doors(None))
        shift = self.shift
        for code, limit, amount in (
            ("max_stops", shift.max_stops, doors),
            ("max_visits", shift.max_visits, len(self.route.visits)),
            ("max_distance", shift.max_distance_m, self.distance_m),
            ("max_travel", shift.max_travel_s, self.travel_s),
        ):
            if limit is not None and amount > limit:
                self._say(code, f"{amount} where at most {limit} are allowed.", amount=amount - limit)

    def _doors_paid(self) -> Iterator[Fraction]:
        """What is paid at each door: the shift's price of a stop, and that of the first delivery there if the driver
        does not know it."""
        for before, stop in self._doors(None):
            if before != stop.place:
                prices = dict(self.visits[stop.visits[0]].strangers)
                yield Fraction(self.shift.cost.per_stop + prices.get(self.shift.id, 0))

    def _from_the_centre(self) -> int:
        """Metres from the middle of all the doors that the route comes to, on the plane around the first place that
        has a location."""
        places = self.problem.places
        plane = cos(radians(next(place.location.lat for place in places if place.location is not None)))
        doors = []
        for before, stop in self._doors(None):
            at = places[stop.place].location
            if before != stop.place and at is not None:
                doors.append((round(at.lon * 111_195 * plane), round(at.lat * 111_195)))
        east, north = (floor(Fraction(sum(those), len(doors)) + Fraction(1, 2)) for those in zip(*doors, strict=True))
        return sum(floor(hypot(x - east, y - north) + 0.5) for x, y in doors)

    def _cost(self) -> None:
        rates, duty = self.shift.cost, self.route.end_s - self.route.start_s
        parts = (
            Fraction(rates.per_hour * duty, 3600),
            Fraction(rates.per_travel_hour * self.travel_s, 3600),
            Fraction(rates.per_task_hour * self.work_s, 3600),
            Fraction(rates.per_km * self.distance_m, 1000),
            Fraction(rates.per_overtime_hour * max(0, self.route.end_s - self.shift.end_s), 3600),
            *self.late,
            *self._doors_paid(),
            Fraction(rates.balance_per_hour, 2) * Fraction(duty, 3600) ** 2,
            Fraction(rates.area_per_km * self._from_the_centre(), 1000) if rates.area_per_km else Fraction(0),
        )
        cost = rates.fixed + sum(floor(part + Fraction(1, 2)) for part in parts)
        if cost != self.route.cost:
            self._say("cost", f"the route costs {cost}, not {self.route.cost}.", amount=cost - self.route.cost)


def _shipments(plan: Plan, problem: Problem) -> Iterator[Violation]:
    where = {key: (route.shift, position) for route in plan.routes for position, key in enumerate(route.visits)}
    for one in problem.shipments:
        fetched, brought = where.get(one.pickup), where.get(one.delivery)
        if fetched is None and brought is None:
            continue
        if fetched is None or brought is None or fetched[0] != brought[0] or fetched[1] > brought[1]:
            yield Violation(
                code="shipment",
                sentence=f"What visit {one.pickup} fetches is not brought to visit {one.delivery} by the same van "
                "afterwards.",
                shift=(fetched or brought or (None,))[0],
                visit=one.pickup,
            )


def _locks(
    plan: Plan, problem: Problem, visits: dict[int, Visit], offers: dict[int, ShiftOffer]
) -> Iterator[Violation]:
    where = {key: (route.shift, position) for route in plan.routes for position, key in enumerate(route.visits)}
    left_out = {gone.visit: gone.reasons for gone in plan.unassigned}
    for lock in problem.locks:
        shift, position = where.get(lock.visit, (None, None))
        if shift is None:
            # A lock says "this shift or nobody": what cannot ride there is left out under the lock's own reason.
            kept = not lock.done and Reason.LOCKED_BY_YOU in left_out.get(lock.visit, ())
        else:
            kept = shift == lock.shift and lock.position in (None, position)
        if not kept:
            visit, offer = visits.get(lock.visit), offers.get(lock.shift)
            name = f"Delivery {lock.visit}" if visit is None else _of(visit)
            place = "" if lock.position is None else f"place {lock.position + 1} of "
            van = f"shift {lock.shift}" if offer is None else _by(offer, low=True)
            yield Violation(
                code="lock",
                sentence=f"{name} is locked to {place}{van} and is not there. Take the lock off, or put it there.",
                shift=lock.shift,
                visit=lock.visit,
            )


def _sums(plan: Plan, visits: dict[int, Visit]) -> Iterator[Violation]:
    if (cost := sum(route.cost for route in plan.routes)) != plan.cost:
        yield Violation(
            code="cost", sentence=f"The routes cost {cost}, the plan says {plan.cost}.", amount=cost - plan.cost
        )
    served = Counter(visits[key].tier for route in plan.routes for key in route.visits if key in visits)
    tiers = sorted({visit.tier for visit in visits.values()}, reverse=True)
    truth = tuple((tier, served[tier]) for tier in tiers)
    if truth != plan.served_by_tier:
        yield Violation(code="tiers", sentence=f"Served per tier is {truth}, the plan says {plan.served_by_tier}.")


def _of(visit: Visit, *, low: bool = False) -> str:
    return visit.name or f"{'d' if low else 'D'}elivery {visit.id}"


def _by(shift: ShiftOffer, *, low: bool = False) -> str:
    return shift.name or f"{'s' if low else 'S'}hift {shift.id}"
