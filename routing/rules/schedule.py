"""The reference for times: a shift and an order of visits → when everything happens, or the first thing that fails.

How a route runs, all times in whole seconds from the problem's epoch:

    start_s          departure_s                                                     return_s          end_s
       |-- loading --|-- travel --|~wait~|-- setup, service --|-- travel --| ... |-- travel --|-- debrief --|
                                arrival start             departure

- **Windows** bind `start`, both ends inclusive. Setup lies between `start` and `departure`.
- **Late**: a window that allows it is missed by up to its `late_s`, at the visit's price; nobody waits for a later
  window meanwhile. Each visit of a stop is late by itself.
- **Motor hours**: a door in a pedestrian street binds the `start` of motor vehicles to those windows besides, also of
  what may be late; cargo bikes come whenever its own windows say.
- **Overtime**: the duty may end up to `overtime_s` after the shift's hours, at its price on top of the paid hour.
- **Setup** is served when the place differs from the one before (the start of the shift included). Visits that follow
  each other at one place without a pause are one stop; a wait or a break between them makes two stops, the second
  without setup.
- **Ready**: the wheels turn only when the goods of every visit of the trip are there.
- **Trips**: a shift that may reload comes back to its depot between two visits, unloads what it collected and loads
  again (`reload_s`), as trips.py cuts its order. The reload is a stop like any other: it ends no earlier than the goods
  of the next trip are there, a break is taken before or after it, setup is served again at the door that follows. The
  next trip leaves only as early as its first door needs. Limits of stops, metres and driving hold over all trips.
- **Breaks**: a used route takes every one of its breaks, an unused shift none. A break begins inside one of its
  windows, between the end of loading and the beginning of the debrief, never during setup or service. It may be taken
  at the door before or after a stop or on the way: between two stops there is time for the travel and the breaks
  taken there. If the work is done before a break's window opens, the duty lasts until the break was taken.
- **As early as possible, then as late as it costs nothing**: the earliest end of the route decides; the departure, and
  what comes before a wait, then move as late as that end allows, so that people wait less on the road.
  A route with a visit that is done has left already: its departure is not moved. Where pauses can be taken in several
  ways with the same end, lateness costs least; leaving later makes nobody late, nor later.
- **A done visit** keeps its place; its window and ready time are not judged again, and nobody waits for its window.
- **Speed**: travel takes duration ÷ speed_factor, rounded up to a whole second. Within one place it takes none.
- **Time of day**: in a slice of the day the wheels turn slower or quicker (time_of_day.py); a leg that crosses a border
  is driven at both speeds. A leg with a break on it keeps as much free as the break can cost at the quickest moment of
  its windows; hours of travel are those in which the wheels turned.
- **Load**: what is delivered is on board from the start of its trip, what is collected to its end; what a shipment
  fetches at one stop is on board until the stop it is brought to, which comes later in the same trip.
- **A break with a `max_load`** is taken only on a leg with no more than that on board.
- **Cost** of a used shift: fixed + per hour on duty + per hour of travel + per hour of setup and service + per km + per
  hour of overtime + per hour that a visit is late, each rounded half up; + whenever the route comes to a door, and more
  where the driver does not know it.
- **Balance of hours**: + half its price × hours on duty × hours on duty, so that even days cost least. At 1.00, days of
  8 and 4 hours cost 32.00 + 8.00, two of 6 hours 18.00 + 18.00.
- **Compact area**: + per km that its stops lie from the route's centre (area.py), over all its trips.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from routing.errors import InvalidProblem
from routing.model.plans import (
    FREE,
    NO_ROAD,
    PlannedBreak,
    PlannedRoute,
    PlannedStop,
    PlannedTrip,
    Problem,
    Reason,
    ShiftOffer,
    Visit,
)
from routing.rules.area import Spot, apart_m, spots_of
from routing.rules.costing import area_cost, cost_of, late_cost
from routing.rules.legs import (
    MOST_BREAKS,
    Legs,
    forward,
    latest_departure,
    place_breaks,
    place_one_break,
    wheels_turned,
)
from routing.rules.spans import ALWAYS, NEVER, Soft, Spans, hours, spans
from routing.rules.time_of_day import Pace, paces_of
from routing.rules.trips import MOST_TRIPS, cuts_of, fewest, keeps_on_board, reach_of

type _Line = Sequence[Visit | None]
"""The visits of a shift in order, a None where it reloads."""

_REMEMBERED = 50_000
"""Answers for shifts of several trips that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The first thing that fails. `amount` is by how much, in the unit of the reason (seconds, metres, load)."""

    reason: Reason
    sentence: str
    shift: int
    visit: int | None = None
    amount: int = 0


@dataclass(frozen=True, slots=True)
class _Fault:
    """What failed, at which visit, by how much; an empty sentence is filled in when somebody wants to know."""

    reason: Reason
    index: int
    amount: int
    what: str


class Times(NamedTuple):
    """A route that fits, bare: seconds, metres, and what it costs. `starts` has one moment per visit."""

    departure_s: int
    starts: list[int]
    finish_s: int
    breaks: list[tuple[int, int, int]]
    """(gap, index of the break in the shift, start); the way to a reload is a gap too."""
    travel_s: int
    distance_m: int
    cost: int
    reloads: tuple[tuple[int, int], ...] = ()
    """(how many visits come before, start)."""
    driven: Sequence[int] = ()
    """Per gap, for how long the wheels turn; empty where that does not depend on the time of the day."""

    @property
    def cuts(self) -> tuple[int, ...]:
        return tuple(before for before, _ in self.reloads)


class Timetable:
    """Times for one problem: travel by profile and speed is prepared once, then any order of visits can be asked.

    Raises InvalidProblem when a shift has more breaks than can be tried, or a speed factor that is not above 0.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.visits: dict[int, Visit] = {visit.id: visit for visit in problem.visits}
        self.shifts: dict[int, ShiftOffer] = {shift.id: shift for shift in problem.shifts}
        self.done = frozenset(lock.visit for lock in problem.locks if lock.done)
        self._spans = {visit.id: ALWAYS if visit.id in self.done else hours(visit) for visit in problem.visits}
        self._motor_spans = {
            visit.id: hours(visit, motor=True)
            for visit in problem.visits
            if visit.motor_windows and visit.id not in self.done
        }
        """Of the doors that have other hours for motor vehicles; empty hours: never."""
        self.soft: dict[int, Soft] = {
            visit.id: (spans(visit.windows), visit.late_per_hour)
            for visit in problem.visits
            if visit.id not in self.done and any(window.late_s for window in visit.windows)
        }
        """The visits that may be late, with the hours in which they are in time and what an hour costs."""
        self.strange: dict[int, dict[int, int]] = {}
        """By shift, what it costs to come to the door of a visit: its price of a stop, and that its driver is new to
        the door."""
        for shift in problem.shifts:
            if shift.cost.per_stop:
                self.strange[shift.id] = {visit.id: shift.cost.per_stop for visit in problem.visits}
        for visit in problem.visits:
            for shift_id, price in visit.strangers:
                mine = self.strange.setdefault(shift_id, {})
                mine[visit.id] = mine.get(visit.id, 0) + price
        self._spots = spots_of(problem)
        self._breaks = {shift.id: [(b.duration_s, spans(b.windows)) for b in shift.breaks] for shift in problem.shifts}
        self._paces = paces_of(problem)
        self._lost = {
            shift.id: [self._paces[shift.profile].most_lost(*pause) for pause in self._breaks[shift.id]]
            for shift in problem.shifts
            if shift.profile in self._paces
        }
        self.mate = {one.pickup: one.delivery for one in problem.shipments}
        self.pickup_of = {one.delivery: one.pickup for one in problem.shipments}
        self.carried = carried(problem)
        self._work = work_by_type(problem)
        self.trip_of = {lock.visit: lock.trip for lock in problem.locks if lock.trip is not None}
        """On which trip of its shift a visit is on board."""
        self._asked: dict[tuple[int, tuple[int, ...]], Times | None] = {}
        """Answers for shifts of several trips, each of which takes many tries."""
        self._light = frozenset(s.id for s in problem.shifts if any(b.max_load is not None for b in s.breaks))
        self._durations: dict[tuple[str, float], NDArray[np.int64]] = {}
        self._distances: dict[str, NDArray[np.int64]] = {}
        for shift in problem.shifts:
            if len(shift.breaks) > MOST_BREAKS:
                raise InvalidProblem(
                    f"Shift {shift.id} has {len(shift.breaks)} breaks; at most {MOST_BREAKS} are planned. Merge some."
                )
            if shift.most_trips > MOST_TRIPS:
                raise InvalidProblem(
                    f"Shift {shift.id} makes up to {shift.most_trips} trips; at most {MOST_TRIPS} are planned."
                )
            if not 0 < shift.speed_factor < float("inf"):
                raise InvalidProblem(f"Shift {shift.id} has speed factor {shift.speed_factor}: give a number above 0.")

    def durations(self, shift: ShiftOffer) -> NDArray[np.int64]:
        """Seconds at this shift's speed, int64 (n, n), NO_ROAD kept, 0 within one place."""
        key = (shift.profile, shift.speed_factor)
        if key not in self._durations:
            table = self.problem.travel[shift.profile].durations_s
            if shift.speed_factor != 1.0:
                table = np.where(table < 0, NO_ROAD, np.ceil(table / shift.speed_factor).astype(np.int64))
            self._durations[key] = _nothing_within(table)
        return self._durations[key]

    def distances(self, shift: ShiftOffer) -> NDArray[np.int64]:
        """Metres, int64 (n, n), NO_ROAD kept, 0 within one place."""
        if shift.profile not in self._distances:
            self._distances[shift.profile] = _nothing_within(self.problem.travel[shift.profile].distances_m)
        return self._distances[shift.profile]

    def spot(self, visit_id: int) -> Spot:
        """Where a visit lies on the plane. Only where some shift has a price for its area."""
        return self._spots[self.visits[visit_id].place]

    def apart_m(self, visit_ids: Sequence[int | None]) -> int:
        """How far the stops of a route lie from its centre, added up; a None among the visits is a reload. Only where
        some shift has a price for its area."""
        places = [None if key is None else self.visits[key].place for key in visit_ids]
        doors = [at for before, at in zip([None, *places], places, strict=False) if at is not None and at != before]
        return apart_m([self._spots[at] for at in doors])

    def work_on(self, shift: ShiftOffer) -> dict[int, tuple[int, int]]:
        """(setup, service) of every visit, for this type of vehicle."""
        plain = {visit.id: (visit.setup_s, visit.service_s) for visit in self.problem.visits}
        return self._work.get(shift.type, plain)

    def hours(self, visit_id: int, *, motor: bool = False) -> Spans:
        """When service may begin, late ones included; always for what is done. `motor`: by a vehicle that the motor
        windows of doors bind; what may never begin so has hours that are over."""
        if motor and visit_id in self._motor_spans:
            return self._motor_spans[visit_id] or NEVER
        return self._spans[visit_id]

    def breaks(self, shift_id: int) -> Sequence[tuple[int, Spans]]:
        """(duration, windows) of each break of a shift, in its order."""
        return self._breaks[shift_id]

    def pace(self, shift: ShiftOffer) -> Pace | None:
        """How ways change with the time of the day for this shift, None where they do not."""
        return self._paces.get(shift.profile)

    def lost(self, shift: ShiftOffer) -> list[int]:
        """What a leg keeps free for each break of a shift that is taken on it: progress."""
        return self._lost.get(shift.id) or [duration * FREE for duration, _ in self._breaks[shift.id]]

    def times(self, shift_id: int, visit_ids: Sequence[int]) -> Times | None:
        """Bare times and cost of a non-empty route, None when anything fails. What a search asks thousands of times."""
        shift = self.shifts[shift_id]
        if shift.most_trips > 1:
            return self._times_of_trips(shift, tuple(visit_ids))
        visits = [self.visits[key] for key in visit_ids]
        if self._barred(shift, visits) is not None:
            return None
        legs = self._legs(shift, visits)
        if isinstance(legs, _Fault) or self._beyond(shift, legs) is not None:
            return None
        times = self._run(shift, visit_ids, legs)
        return None if isinstance(times, _Fault) else times

    def route(self, shift_id: int, visit_ids: Sequence[int]) -> PlannedRoute | Failure:
        """The whole route of a shift for these visits in this order, or the first thing that fails. Not for no
        visits."""
        if not visit_ids:
            raise InvalidProblem(f"Shift {shift_id} was asked for a route without visits: an unused shift has none.")
        shift = self.shifts[shift_id]
        line: _Line = [self.visits[key] for key in visit_ids]
        fault: _Fault | None
        if shift.most_trips > 1:
            times = self._times_of_trips(shift, tuple(visit_ids))
            if times is not None:
                line, legs = self._cut(shift, _all(line), times.cuts)
                assert not isinstance(legs, _Fault)
                return self._write(shift, line, legs, times)
            line, fault = self._why_no_trips(shift, _all(line))
        else:
            answer = self._route(shift, _all(line))
            if isinstance(answer, PlannedRoute):
                return answer
            fault = answer
        visit = line[fault.index] if 0 <= fault.index < len(line) else None
        return Failure(
            reason=fault.reason,
            sentence=fault.what,
            shift=shift_id,
            visit=None if visit is None else visit.id,
            amount=fault.amount,
        )

    def _route(self, shift: ShiftOffer, visits: list[Visit]) -> PlannedRoute | _Fault:
        fault = self._barred(shift, visits)
        if fault is not None:
            return fault
        legs = self._legs(shift, visits)
        fault = legs if isinstance(legs, _Fault) else self._beyond(shift, legs)
        if fault is not None or isinstance(legs, _Fault):
            assert fault is not None
            return fault
        times = self._run(shift, [visit.id for visit in visits], legs)
        if isinstance(times, _Fault):
            return self._blame(shift, visits, legs, times)
        return self._write(shift, visits, legs, times)

    # ---- several trips

    def _times_of_trips(self, shift: ShiftOffer, visit_ids: tuple[int, ...]) -> Times | None:
        asked = (shift.id, visit_ids)
        if asked not in self._asked:
            if len(self._asked) >= _REMEMBERED:
                self._asked.clear()
            self._asked[asked] = self._best_trips(shift, [self.visits[key] for key in visit_ids])
        return self._asked[asked]

    def _best_trips(self, shift: ShiftOffer, visits: list[Visit]) -> Times | None:
        reach = reach_of(visits, shift.capacity)
        least = fewest(reach)
        if least is None or self._may_not(shift, visits) is not None:
            return None
        best: Times | None = None
        for trips in range(least, min(shift.most_trips, len(visits)) + 1):
            found: Times | None = None
            for least_cost, travel, cuts in sorted(self._at_least(shift, visits, cuts_of(reach, trips))):
                if found is not None and (least_cost, travel) > _dearness(found):
                    break
                times = self._tried(shift, visits, cuts)
                if times is not None and (
                    found is None or (*_dearness(times), times.cuts) < (*_dearness(found), found.cuts)
                ):
                    found = times
            if best is not None and (found is None or _dearness(found) >= _dearness(best)):
                break
            best = found
            if best is not None and not self._presses(shift, visits, best):
                break
        return best

    def _at_least(
        self, shift: ShiftOffer, visits: list[Visit], ways: Iterable[tuple[int, ...]]
    ) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """(what it costs at least, seconds of travel, where it is cut) of each way that might end in time: as if nobody
        ever waited, and everything were in time."""
        assert shift.start is not None
        depot, places = shift.start, [visit.place for visit in visits]
        tables = self.durations(shift), self.distances(shift)
        # Straight on, and by way of the depot.
        on, out, back = (
            [table[here, there].tolist() for table in tables]
            for here, there in (
                ([depot, *places], [*places, depot]),
                ([depot] * (len(places) + 1), [*places, depot]),
                ([depot, *places], [depot] * (len(places) + 1)),
            )
        )
        all_joined = all(min(column) >= 0 for way in (on, out, back) for column in way)
        work = self._work.get(shift.type) or {visit.id: (visit.setup_s, visit.service_s) for visit in visits}
        busy = sum(work[visit.id][1] for visit in visits)
        busy += sum(
            work[visit.id][0] for before, visit in zip([depot, *places], visits, strict=False)
            if visit.place not in (before, depot)
        )  # fmt: skip
        stands = sum(pause.duration_s for pause in shift.breaks) + shift.loading_s + shift.debrief_s
        straight = [sum(column) for column in on]
        for cuts in ways:
            if not all_joined:
                yield 0, 0, cuts
                continue
            travel, metres = (
                straight[n] + sum(back[n][at] + out[n][at] - on[n][at] for at in cuts) for n in range(2)
            )  # fmt: skip
            duty = stands + travel + busy + len(cuts) * shift.reload_s
            if shift.start_s + duty <= shift.until_s:
                yield cost_of(shift.cost, duty, travel, metres, busy), travel, cuts

    def _tried(self, shift: ShiftOffer, visits: list[Visit], cuts: tuple[int, ...]) -> Times | None:
        if not keeps_on_board(visits, cuts, shift, self.trip_of):
            return None
        line, legs = self._cut(shift, visits, cuts)
        if isinstance(legs, _Fault) or self._beyond(shift, legs) is not None:
            return None
        times = self._run(shift, [None if visit is None else visit.id for visit in line], legs)
        return None if isinstance(times, _Fault) else times

    def _presses(self, shift: ShiftOffer, visits: list[Visit], times: Times) -> bool:
        """Whether one trip more might cost less: goods are waited for, or overtime or lateness is paid."""
        if times.finish_s + shift.debrief_s > shift.end_s:
            return True
        for visit, start in zip(visits, times.starts, strict=True):
            waits = visit.ready_s is not None and visit.ready_s > shift.start_s + shift.loading_s
            if (waits and visit.id not in self.done) or late_cost(self.soft.get(visit.id), start):
                return True
        return False

    def _cut(self, shift: ShiftOffer, visits: list[Visit], cuts: tuple[int, ...]) -> tuple[_Line, Legs | _Fault]:
        """The line of visits with a None for each reload, and its legs."""
        line: _Line = []
        whole: Legs | None = None
        for begin, end in pairwise((0, *cuts, len(visits))):
            legs = self._legs(shift, visits[begin:end])
            if isinstance(legs, _Fault):
                at = legs.index + len(line) + (whole is not None)
                return [*line, *([] if whole is None else [None]), *visits[begin:]], replace(legs, index=at)
            if whole is None:
                whole, line = legs, list(visits[begin:end])
                continue
            line = [*line, None, *visits[begin:end]]
            soft = []
            if whole.soft or legs.soft:
                soft = [*(whole.soft or [None] * len(whole.work)), None, *(legs.soft or [None] * len(legs.work))]
            whole = Legs(
                whole.travel + legs.travel,
                whole.metres + legs.metres,
                [*whole.work, shift.reload_s, *legs.work],
                # The wheels turn again when the goods of the next trip are there.
                [*whole.spans, ((legs.leave_s - shift.reload_s, ALWAYS[0][1]),), *legs.spans],
                whole.leave_s,
                soft,
                whole.barred + legs.barred,
                whole.pace,
                whole.lost,
            )
        assert whole is not None
        return line, whole

    def _why_no_trips(self, shift: ShiftOffer, visits: list[Visit]) -> tuple[_Line, _Fault]:
        """The line and what fails in it: of all ways of cutting, where the van gets furthest."""
        fault = self._may_not(shift, visits)
        if fault is not None:
            return list(visits), fault
        reach = reach_of(visits, shift.capacity)
        for index, end in enumerate(reach):
            if end == index and (fault := self._overloaded(shift, visits[index : index + 1])) is not None:
                return list(visits), replace(fault, index=index)
        least = fewest(reach)
        assert least is not None
        if least > shift.most_trips:
            index = 0
            for _ in range(shift.most_trips):
                index = reach[index]
            sentence = f"{_by(shift)} makes at most {shift.most_trips} trips; in this order it would need {least}."
            return list(visits), _Fault(Reason.CAPACITY, index, len(visits) - index, sentence)
        furthest: tuple[int, int] | None = None
        found: tuple[_Line, Legs | None, _Fault] | None = None
        for trips in range(least, min(shift.most_trips, len(visits)) + 1):
            for cuts in cuts_of(reach, trips):
                if not keeps_on_board(visits, cuts, shift, self.trip_of):
                    continue
                line, legs = self._cut(shift, visits, cuts)
                fault = legs if isinstance(legs, _Fault) else self._beyond(shift, legs)
                if fault is None and not isinstance(legs, _Fault):
                    times = self._run(shift, [None if visit is None else visit.id for visit in line], legs)
                    assert isinstance(times, _Fault)
                    fault = times
                assert fault is not None
                served = sum(visit is not None for visit in line[: fault.index])
                if furthest is None or (served, -fault.amount) > furthest:
                    furthest = (served, -fault.amount)
                    found = line, None if isinstance(legs, _Fault) else legs, fault
        if found is None:
            sentence = f"In this order what is on board of one trip of {_by(shift)} would ride in another."
            return list(visits), _Fault(Reason.LOCKED_BY_YOU, 0, 0, sentence)
        line, whole, fault = found
        return line, fault if whole is None else self._blame(shift, line, whole, fault)

    # ---- what does not depend on the time

    def _barred(self, shift: ShiftOffer, visits: Sequence[Visit]) -> _Fault | None:
        return self._may_not(shift, visits) or self._overloaded(shift, visits)

    def _may_not(self, shift: ShiftOffer, visits: Sequence[Visit]) -> _Fault | None:
        for index, visit in enumerate(visits):
            if visit.shifts is not None and shift.id not in visit.shifts:
                why = next((reason for key, reason in visit.why_not if key == shift.id), Reason.ACCESS)
                said = f"{_of(visit)} may not ride on {_by(shift)} ({why.value})."
                if why is Reason.NO_ROAD:
                    kind = shift.profile.replace("_", " ")
                    said = f"{_of(visit)} may not ride on {_by(shift)}: no road for a {kind} leads there and back."
                elif why is Reason.DRIVER_HOURS:
                    said = f"{_by(shift)} is over before its driver has rested from the duty before."
                return _Fault(why, index, 0, said)
            if not visit.skills <= shift.skills:
                missing = ", ".join(sorted(visit.skills - shift.skills))
                return _Fault(
                    Reason.SKILLS, index, 0, f"{_of(visit)} needs {missing}, which {_by(shift)} does not have."
                )
        if shift.max_visits is not None and len(visits) > shift.max_visits:
            over = len(visits) - shift.max_visits
            return _Fault(
                Reason.CAPACITY, len(visits) - 1, over, f"{_by(shift)} takes at most {shift.max_visits} deliveries."
            )
        if self.mate:
            return self._parted(visits)
        return None

    def _overloaded(self, shift: ShiftOffer, visits: Sequence[Visit]) -> _Fault | None:
        for d, capacity in enumerate(shift.capacity):
            load = sum(visit.load[d] for visit in visits)
            index, most = 0, load
            for i, visit in enumerate(visits):
                load += self._change(visit, d)
                if load > most:
                    index, most = i, load
            if most > capacity:
                name = self.problem.dimensions[d]
                may, has = load_in_words(name, capacity), load_in_words(name, most)
                sentence = f"{_by(shift)} may carry {may}, but {has} would be on board."
                return _Fault(Reason.CAPACITY, index, most - capacity, sentence)
        return None

    def _change(self, visit: Visit, d: int) -> int:
        """What serving it changes on board."""
        change = visit.collect[d] - visit.load[d]
        return change + self.carried[visit.id][d] if visit.id in self.carried else change

    def _parted(self, visits: Sequence[Visit]) -> _Fault | None:
        fetched: dict[int, int] = {}
        for index, visit in enumerate(visits):
            if visit.id in self.mate:
                fetched[self.mate[visit.id]] = index
            elif visit.id in self.pickup_of and fetched.pop(visit.id, None) is None:
                what = (
                    f"{_of(visit)} brings what {_of(self.visits[self.pickup_of[visit.id]], low=True)} has not fetched."
                )
                return _Fault(Reason.COMPETED_OUT, index, 0, what)
        for key, index in fetched.items():
            what = f"{_of(visits[index])} fetches what the van does not bring to {_of(self.visits[key], low=True)}."
            return _Fault(Reason.COMPETED_OUT, index, 0, what)
        return None

    def _too_heavy(self, shift: ShiftOffer, visits: Sequence[Visit]) -> list[int]:
        """Per gap, the breaks that may not be taken there for what is on board, as bits."""
        board = [sum(visit.load[d] for visit in visits) for d in range(len(shift.capacity))]
        barred = []
        for visit in (*visits, None):
            barred.append(
                sum(
                    1 << b
                    for b, pause in enumerate(shift.breaks)
                    if pause.max_load is not None
                    and any(on > may for on, may in zip(board, pause.max_load, strict=True))
                )
            )
            if visit is not None:
                board = [on + self._change(visit, d) for d, on in enumerate(board)]
        return barred

    def _legs(self, shift: ShiftOffer, visits: Sequence[Visit]) -> Legs | _Fault:
        places = [visit.place for visit in visits]
        # A free start or end is where the first or last visit is: the leg there takes nothing.
        before = [places[0] if shift.start is None else shift.start, *places]
        after = [*places, places[-1] if shift.end is None else shift.end]
        travel: list[int] = self.durations(shift)[before, after].tolist()
        metres: list[int] = self.distances(shift)[before, after].tolist()
        if min(travel) < 0 or min(metres) < 0:
            gap = next(g for g in range(len(travel)) if travel[g] < 0 or metres[g] < 0)
            names = [self.problem.places[place].name or f"place {place}" for place in (before[gap], after[gap])]
            return _Fault(Reason.NO_ROAD, min(gap, len(visits) - 1), 0, f"No road joins {names[0]} and {names[1]}.")
        work, place = [], shift.start
        leave = shift.start_s + shift.loading_s
        other = self._work.get(shift.type)
        for visit in visits:
            setup_s, service_s = (visit.setup_s, visit.service_s) if other is None else other[visit.id]
            work.append(service_s + (setup_s if visit.place != place else 0))
            place = visit.place
            if visit.ready_s is not None and visit.ready_s > leave and visit.id not in self.done:
                leave = visit.ready_s
        heavy = self._too_heavy(shift, visits) if shift.id in self._light else []
        soft = [self.soft.get(visit.id) for visit in visits] if self.soft else []
        pace = self._paces.get(shift.profile)
        return Legs(
            travel,
            metres,
            work,
            [self.hours(visit.id, motor=shift.motor) for visit in visits]
            if self._motor_spans
            else [self._spans[visit.id] for visit in visits],
            leave,
            soft if any(soft) else [],
            heavy,
            pace,
            self._lost.get(shift.id, ()),
        )

    def _beyond(self, shift: ShiftOffer, legs: Legs) -> _Fault | None:
        # By the clock it depends on when the wheels turn.
        if shift.max_travel_s is not None and legs.pace is None and (fault := _drives_too_long(shift, legs.travel)):
            return fault
        if shift.max_distance_m is not None and (over := sum(legs.metres) - shift.max_distance_m) > 0:
            most, more = way_in_words(shift.max_distance_m), way_in_words(over)
            sentence = f"{_by(shift)} may drive {most}, this route is {more} longer."
            return _Fault(Reason.SHIFT_TOO_SHORT, len(legs.work) - 1, over, sentence)
        return None

    # ---- times

    def _run(self, shift: ShiftOffer, visit_ids: Sequence[int | None], legs: Legs) -> Times | _Fault:
        """A None among the visits is a reload."""
        if shift.max_stops is not None:
            places = [None if key is None else self.visits[key].place for key in visit_ids]
            doors = 1 + sum(a != b for a, b in pairwise(places)) - places.count(None)
            if doors > shift.max_stops:
                sentence = f"{_by(shift)} makes at most {shift.max_stops} stops."
                return _Fault(Reason.CAPACITY, len(places) - 1, doors - shift.max_stops, sentence)
        breaks = self._breaks[shift.id]
        taken: list[tuple[int, ...]]
        if breaks:
            found = (
                place_one_break(legs, breaks[0])
                if len(breaks) == 1 and not legs.barred and not legs.soft
                else place_breaks(legs, breaks)
            )
            if isinstance(found, int):
                return _Fault(Reason.WINDOW_UNREACHABLE, found, 0, "")
            taken = found
        else:
            taken = [()] * len(legs.travel)
        run = forward(legs, breaks, taken, legs.leave_s)
        if isinstance(run, int):
            return _Fault(Reason.WINDOW_UNREACHABLE, run, 0, "")
        starts, finish, pauses = run
        if finish + shift.debrief_s > shift.until_s:
            return _Fault(Reason.SHIFT_TOO_SHORT, len(starts) - 1, finish + shift.debrief_s - shift.until_s, "")
        departure = legs.leave_s
        if self.done.isdisjoint(visit_ids):
            departure = max(departure, latest_departure(legs, breaks, taken, finish, starts))
            if departure > legs.leave_s:
                run = forward(legs, breaks, taken, departure)
                assert not isinstance(run, int)
                starts, finish, pauses = run
        again = [at for at, key in enumerate(visit_ids) if key is None] if shift.most_trips > 1 else []
        driven: Sequence[int] = ()
        if legs.pace is not None:
            driven = wheels_turned(legs, breaks, departure, starts, pauses, {at + 1 for at in again})
            if shift.max_travel_s is not None and (fault := _drives_too_long(shift, driven)):
                return fault
        travel, metres = sum(driven or legs.travel), sum(legs.metres)
        duty = finish + shift.debrief_s - departure + shift.loading_s
        over = max(0, finish + shift.debrief_s - shift.end_s)
        cost = cost_of(shift.cost, duty, travel, metres, sum(legs.work) - len(again) * shift.reload_s, over)
        if legs.soft:
            cost += sum(late_cost(soft, start) for soft, start in zip(legs.soft, starts, strict=True))
        if (strange := self.strange.get(shift.id)) is not None:
            before = -1
            for key in visit_ids:
                if key is None:
                    before = -1
                    continue
                if (place := self.visits[key].place) != before:
                    cost += strange.get(key, 0)
                before = place
        if shift.cost.area_per_km:
            cost += area_cost(shift.cost, self.apart_m(visit_ids))
        if not again:
            return Times(departure, starts, finish, pauses, travel, metres, cost, (), driven)
        return Times(
            departure,
            [start for start, key in zip(starts, visit_ids, strict=True) if key is not None],
            finish,
            pauses,
            travel,
            metres,
            cost,
            tuple((at - n, starts[at]) for n, at in enumerate(again)),
            driven,
        )

    def _blame(self, shift: ShiftOffer, line: _Line, legs: Legs, fault: _Fault) -> _Fault:
        """Names what stands behind a missed window or a long day: goods that come late, breaks, or the times
        themselves."""
        ids = [None if visit is None else visit.id for visit in line]
        if fault.what:
            return fault
        begins = shift.start_s + shift.loading_s
        bare = replace(
            legs,
            leave_s=begins,
            spans=[ALWAYS if visit is None else hours for visit, hours in zip(line, legs.spans, strict=True)],
        )
        ready = {
            i: visit.ready_s
            for i, visit in enumerate(line)
            if visit is not None and visit.ready_s is not None and visit.ready_s > begins and visit.id not in self.done
        }
        if ready and not isinstance(self._run(shift, ids, bare), _Fault):
            late = max(ready, key=lambda i: ready[i])
            visit, wait = line[late], ready[late] - begins
            assert visit is not None
            sentence = f"{_of(visit)} is ready {time_in_words(wait)} after {_by(shift)} could leave: too late."
            return _Fault(Reason.NOT_READY, late, wait, sentence)
        driven = [
            i for i, visit in enumerate(line) if visit is not None and shift.motor and visit.id in self._motor_spans
        ]
        if driven:
            open_ = [ALWAYS if visit is None else self._spans[visit.id] for visit in line]
            if not isinstance(self._run(shift, ids, replace(legs, spans=open_)), _Fault):
                # Who waits for a street to open makes another late: the door of that street is blamed.
                index = max((i for i in driven if i <= fault.index), default=driven[0])
                visit = line[index]
                assert visit is not None
                sentence = f"{_by(shift)} cannot be at {_of(visit, low=True)} while motor vehicles may drive there."
                return _Fault(Reason.ACCESS, index, fault.amount, sentence)
        if shift.breaks:
            run = forward(legs, [], [()] * len(legs.travel), legs.leave_s)
            if not isinstance(run, int) and run[1] + shift.debrief_s <= shift.until_s:
                return _Fault(Reason.DRIVER_HOURS, fault.index, 0, f"The breaks of {_by(shift)} leave no time for it.")
        visit = line[fault.index] if fault.index < len(line) else None
        if visit is None:
            return _Fault(Reason.DRIVER_HOURS, -1, 0, f"A break of {_by(shift)} fits nowhere in this route.")
        first = legs.spans[fault.index][0][0]
        if fault.reason is Reason.SHIFT_TOO_SHORT and first < shift.until_s:
            hours_said = "hours and its overtime" if shift.overtime_s else "hours"
            over = time_in_words(fault.amount)
            sentence = f"{_by(shift)} would end {over} after its {hours_said} with {_of(visit, low=True)}."
            return replace(fault, what=sentence)
        sentence = f"{_by(shift)} cannot be at {_of(visit, low=True)} inside its windows."
        return _Fault(Reason.WINDOW_UNREACHABLE, fault.index, fault.amount, sentence)

    # ---- the route in the trade's words

    def _write(self, shift: ShiftOffer, line: _Line, legs: Legs, times: Times) -> PlannedRoute:
        trips: list[PlannedTrip] = []
        stops: list[PlannedStop] = []
        breaks: list[PlannedBreak] = []
        load = self._taken(shift, line)
        departure = free = times.departure_s
        starts, reloads = iter(times.starts), iter(times.reloads)
        driven, before = 0, 0
        for g, visit in enumerate((*line, None)):
            pauses = [(index, start) for gap, index, start in times.breaks if gap == g]
            arrival = legs.arrival(g, free, [(start, shift.breaks[i].duration_s) for i, start in pauses])
            driven += legs.metres[g]
            for i, start in pauses:
                pause = shift.breaks[i]
                breaks.append(
                    PlannedBreak(
                        break_id=pause.id,
                        start_s=start,
                        end_s=start + pause.duration_s,
                        after_stop=before + len(stops),
                    )
                )
            if visit is None:
                trips.append(
                    PlannedTrip(departure_s=departure, return_s=arrival, stops=tuple(stops), distance_m=driven)
                )
                if g == len(line):
                    break
                before, driven, stops = before + len(stops), 0, []
                load = self._taken(shift, line[g + 1 :])
                departure = free = next(reloads)[1] + shift.reload_s
                continue
            begin = next(starts)
            if trips and not stops and not pauses:
                # Who reloads waits at the depot, not at a door that is closed.
                departure = max(departure, legs.leave(g, begin, (), 0, begin))
                arrival = legs.arrival(g, departure, ())
            load = [on + self._change(visit, d) for d, on in enumerate(load)]
            same_door = stops and stops[-1].place == visit.place and not pauses and begin == free
            free = begin + legs.work[g]
            if same_door:
                stops[-1] = replace(stops[-1], visits=(*stops[-1].visits, visit.id), departure_s=free, load=tuple(load))
            else:
                stops.append(
                    PlannedStop(
                        place=visit.place,
                        visits=(visit.id,),
                        arrival_s=arrival,
                        start_s=begin,
                        departure_s=free,
                        distance_m=legs.metres[g],
                        travel_s=times.driven[g] if times.driven else legs.travel[g],
                        load=tuple(load),
                    )
                )
        return PlannedRoute(
            shift=shift.id,
            start_s=times.departure_s - shift.loading_s,
            end_s=times.finish_s + shift.debrief_s,
            trips=tuple(trips),
            breaks=tuple(breaks),
            cost=times.cost,
        )

    @staticmethod
    def _taken(shift: ShiftOffer, line: _Line) -> list[int]:
        """What is on board when the first trip of a line leaves."""
        visits = _all(list(takewhile(lambda visit: visit is not None, line)))
        return [sum(visit.load[d] for visit in visits) for d in range(len(shift.capacity))]


def _all(line: _Line) -> list[Visit]:
    return [visit for visit in line if visit is not None]


def _dearness(times: Times) -> tuple[int, int]:
    return times.cost, times.travel_s


def _nothing_within(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """The table with 0 on its diagonal; copied only where it had something else: at 5,000 places it is 200 MB."""
    if not table.diagonal().any():
        return table
    table = table.copy()
    np.fill_diagonal(table, 0)
    return table


def schedule(problem: Problem, shift_id: int, visit_ids: Sequence[int]) -> PlannedRoute | Failure:
    """One route by itself; `Timetable` for many of one problem."""
    return Timetable(problem).route(shift_id, visit_ids)


def carried(problem: Problem) -> dict[int, tuple[int, ...]]:
    """What serving a visit of a shipment puts on board (at its pickup) or takes off it (at its delivery)."""
    out = {one.pickup: one.amount for one in problem.shipments}
    return out | {one.delivery: tuple(-n for n in one.amount) for one in problem.shipments}


def work_by_type(problem: Problem) -> dict[str, dict[int, tuple[int, int]]]:
    """(setup, service) of every visit, for each type of vehicle for which some visit has times of its own."""
    types = {kind for visit in problem.visits for kind, _, _ in visit.work_by_type} & {s.type for s in problem.shifts}
    out = {}
    for kind in sorted(types):
        plain = {visit.id: (visit.setup_s, visit.service_s) for visit in problem.visits}
        own = {v.id: (setup, service) for v in problem.visits for k, setup, service in v.work_by_type if k == kind}
        out[kind] = plain | own
    return out


def _drives_too_long(shift: ShiftOffer, driven: Sequence[int]) -> _Fault | None:
    if shift.max_travel_s is None or (over := sum(driven) - shift.max_travel_s) <= 0:
        return None
    sentence = (
        f"{_by(shift)} may drive {time_in_words(shift.max_travel_s)}, this route takes {time_in_words(over)} more."
    )
    return _Fault(Reason.DRIVER_HOURS, len(driven) - 2, over, sentence)


def time_in_words(seconds: int) -> str:
    """Minutes are rounded up: who is told one needs no more.

    >>> time_in_words(45), time_in_words(150), time_in_words(4 * 3600 + 1800), time_in_words(7200)
    ('45 s', '3 min', '4 h 30 min', '2 h')
    """
    if seconds < 120:
        return f"{seconds} s"
    hours, minutes = divmod(-(-seconds // 60), 60)
    return " ".join(filter(None, (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "")))


def way_in_words(metres: int) -> str:
    """Tenths of a km are rounded up: who is told one needs no more.

    >>> way_in_words(450), way_in_words(4120), way_in_words(120_000)
    ('450 m', '4.2 km', '120 km')
    """
    return f"{metres} m" if metres < 1000 else f"{-(-metres // 100) / 10:g} km"


def load_in_words(dimension: str, amount: int) -> str:
    """281.8 kg, 3600 l, 12 pieces; a dimension of somebody else's by its own name."""
    if dimension == "weight_g":
        return f"{amount / 1000:.1f} kg"
    if dimension == "volume_cm3":
        return f"{amount / 1000:.0f} l"
    return f"{amount} {dimension}" if dimension == "pieces" else f"{amount} ({dimension})"


def _of(visit: Visit, *, low: bool = False) -> str:
    return visit.name or f"{'d' if low else 'D'}elivery {visit.id}"


def _by(shift: ShiftOffer) -> str:
    return shift.name or f"Shift {shift.id}"
