"""How a route goes on from where it stands: when the van is at each stop that is left, and whom that concerns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from routing.model.plans import PlannedStop, SpeedSlice, Visit
from routing.model.proofs import PlannedTimes, Reload, SpeedSpan, StopFacts
from routing.rules.spans import ALWAYS, Spans, hours
from routing.rules.time_of_day import Pace

NONE_YET = StopFacts()
SECOND = timedelta(seconds=1)

LIVE_WINDOW = timedelta(minutes=30)
WIDER_WINDOW = timedelta(minutes=60)
NEAR_STOPS = 4
"""Up to so many stops ahead a window of half an hour holds; further ahead it takes an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eta:
    """The latest forecast for a stop that is not done. `stops_away` is 0 when the van is at the door, 1 when it comes
    next. `late_by`: how much later it is served than planned, negative when earlier. `opens`: before then nobody is
    served at that door, None where nobody knows. `reload`: when the van is at the depot before it (back, off again),
    where it has to load for this trip first."""

    stop_id: int
    site_id: int
    arrival: datetime
    start: datetime
    departure: datetime
    stops_away: int
    late_by: timedelta
    opens: datetime | None = None
    reload: tuple[datetime, datetime] | None = None


def forecast(
    stops: Sequence[PlannedTimes], facts: Mapping[int, StopFacts], *, departs_at: datetime, now: datetime
) -> tuple[Eta, ...]:
    """The stops that are left, in driving order, from the last thing known to have happened.

    `stops` in driving order with their planned times; `departs_at` when the van leaves the depot. Between two stops
    passes what the plan gives (driving, a break, reloading), at a door the planned service. A van that is early waits
    at the door: before its window opens nobody is served, whether or not the plan waits there. A van that stands at a
    door out of order is there: that stop comes first, whatever was to come before it follows. Between two trips it
    drives to the depot, is loaded, and takes the break that the plan has there: a van that comes back late leaves
    after that, one that comes early leaves when the plan says where the plan lets it wait there (for goods, or for a
    door that opens). A way that is driven at another time of the day than planned takes as long as the slices of the
    day make it then; what the plan stands still on it stays as it is.
    """
    ways = _ways(stops, departs_at)
    left = [stop for stop in stops if facts.get(stop.stop_id, NONE_YET).done_at is None]
    door = _door_of_the_van(left, facts)
    left.sort(key=lambda stop: stop is not door)
    etas: list[Eta] = []
    here_at = _last_known(facts, departs_at)
    homewards = _homewards(stops, departs_at)
    begun = max((stop.trip for stop in stops if stop.stop_id in facts), default=1)
    for position, stop in enumerate(left):
        # A door that was left again without a report is driven to once more.
        arrived_at = facts.get(stop.stop_id, NONE_YET).arrived_at if stop is door else None
        at_depot = None
        if stop.reload is not None and stop.trip > begun:
            is_over = stop.reload.is_over(earlier_open=any(each.trip < stop.trip for each in left))
            at_depot = _at_depot(stop.reload, homewards[stop.stop_id].from_(here_at), here_at, now, is_over=is_over)
            here_at = at_depot[1]
        arrival = arrived_at or max(ways[stop.stop_id].from_(here_at), now)
        start, opens = _begins(stop, arrival)
        departure = max(start + (stop.departure - stop.start), now)
        etas.append(
            Eta(
                stop_id=stop.stop_id,
                site_id=stop.site_id,
                arrival=arrival,
                start=start,
                departure=departure,
                stops_away=position if door is not None else position + 1,
                late_by=start - stop.start,
                opens=opens,
                reload=at_depot,
            )
        )
        here_at = departure
    return tuple(etas)


def _begins(stop: PlannedTimes, arrival: datetime) -> tuple[datetime, datetime | None]:
    """When service begins for a van that is there at `arrival`, and when the window opens in which it does."""
    waits = stop.start > stop.arrival
    if not stop.windows:  # a plan of before they were kept: where it waits, the window opens at the planned start
        return (max(arrival, stop.start), stop.start) if waits else (arrival, None)
    latest = stop.windows[-1][0]
    if waits and stop.start > latest:  # a pause is taken at this door
        return max(arrival, stop.start), latest
    for opens, closes in stop.windows:
        if arrival <= closes:
            return max(arrival, opens), opens
    return arrival, latest


def as_planned(stop: PlannedTimes) -> tuple[datetime, datetime | None]:
    """When service begins by the plan, and when the window opens in which it does."""
    return stop.start, _begins(stop, stop.arrival)[1]


def hours_of(stop: PlannedStop, visits: Mapping[int, Visit], *, motor: bool = False) -> Spans:
    """When service may begin at a planned stop, late or not (seconds, both ends included), as far as that opens before
    its planned start. What is served second there begins as much later as the first takes. `motor`: for a vehicle that
    the hours of a pedestrian street bind."""
    held = ALWAYS
    for position, key in enumerate(stop.visits):
        rest = sum(visits[each].service_s for each in stop.visits[position:])
        after = stop.departure_s - stop.start_s - rest if position else 0
        held = tuple(
            (max(first, opens - after), min(last, closes - after))
            for first, last in held
            for opens, closes in hours(visits[key], motor=motor)
            if max(first, opens - after) <= min(last, closes - after)
        )
    return tuple(span for span in held if span[0] <= stop.start_s)


@dataclass(frozen=True, slots=True)
class _Way:
    """The planned way into a stop: how long it takes, and with a clock the progress of its driving."""

    takes: timedelta
    clock: Pace | None = None
    epoch: datetime | None = None
    driving: int = 0
    standing: timedelta = timedelta()

    def from_(self, left_at: datetime) -> datetime:
        if self.clock is None or self.epoch is None:
            return left_at + self.takes
        seconds, rest = divmod(left_at - self.epoch, SECOND)
        return self.epoch + self.clock.arrive(seconds, 0, self.driving) * SECOND + rest + self.standing


def _way(
    speeds: Sequence[SpeedSpan],
    epoch: datetime,
    left_at: datetime,
    arrival: datetime,
    driving: timedelta | None = None,
) -> _Way:
    """The way that was planned so; all of it is `driving` unless that is said."""
    takes = arrival - left_at
    if not speeds:
        return _Way(takes)
    clock = Pace(
        [
            SpeedSlice(
                profile="",
                start_s=(span.begins - epoch) // SECOND,
                end_s=(span.ends - epoch) // SECOND,
                factor=span.factor,
            )
            for span in speeds
        ]
    )
    left_s, driven_s = (left_at - epoch) // SECOND, (takes if driving is None else driving) // SECOND
    progress = clock.progress(left_s + driven_s) - clock.progress(left_s)
    return _Way(takes, clock, epoch, progress, takes - driven_s * SECOND)


def _ways(stops: Sequence[PlannedTimes], departs_at: datetime) -> dict[int, _Way]:
    """The planned way into each stop: of a stop done out of order it is still the best guess."""
    ways, left_before = {}, departs_at
    for stop in stops:
        if stop.reload is not None:
            left_before = stop.reload.leaves_at
        driving = stop.travel_s * SECOND if stop.travel_s else None
        ways[stop.stop_id] = _way(stop.speeds, departs_at, left_before, stop.arrival, driving)
        left_before = stop.departure
    return ways


def _homewards(stops: Sequence[PlannedTimes], departs_at: datetime) -> dict[int, _Way]:
    """The planned way back to the depot before each stop that begins another trip."""
    ways = {}
    for before, stop in pairwise(stops):
        if stop.reload is not None:
            left_at, back_at = before.departure, stop.reload.back_at
            driving = back_at - left_at - stop.reload.break_between(left_at, back_at)
            ways[stop.stop_id] = _way(stop.speeds, departs_at, left_at, back_at, driving)
    return ways


def _at_depot(
    reload: Reload, back_at: datetime, here_at: datetime, now: datetime, *, is_over: bool
) -> tuple[datetime, datetime]:
    """When the van is back, and when it leaves again. What is loaded says that it is there; what is not loaded has not
    left."""
    if is_over and reload.loaded_at is not None:
        return min(back_at, reload.loaded_at), max(reload.loaded_at, here_at)
    loaded = back_at + reload.stands
    return back_at, max(loaded, reload.leaves_at if reload.waits else loaded, now)


def _door_of_the_van(left: Sequence[PlannedTimes], facts: Mapping[int, StopFacts]) -> PlannedTimes | None:
    """The stop at which the van stands: where it arrived last and has not finished. Whoever finished another stop
    since then has left again."""
    found = None
    since = max((known.done_at for known in facts.values() if known.done_at is not None), default=None)
    for stop in left:
        arrived_at = facts.get(stop.stop_id, NONE_YET).arrived_at
        if arrived_at is not None and (since is None or arrived_at >= since):
            found, since = stop, arrived_at
    return found


def _last_known(facts: Mapping[int, StopFacts], departs_at: datetime) -> datetime:
    """When the van last finished something: a stop, or leaving the depot."""
    return max((known.done_at for known in facts.values() if known.done_at is not None), default=departs_at)


def window_to_tell(start: datetime, *, stops_away: int, opens: datetime | None) -> tuple[datetime, datetime]:
    """The window to tell for an expected start: half an hour when near, an hour further ahead, on whole five minutes.

    A third of it lies before the start: vans are late more often than early. It never begins before the door `opens`.

        >>> nine = datetime(2026, 5, 12, 9, 0)
        >>> [f"{each:%H:%M}" for each in window_to_tell(nine, stops_away=1, opens=None)]
        ['08:50', '09:20']
        >>> [f"{each:%H:%M}" for each in window_to_tell(nine, stops_away=1, opens=nine)]
        ['09:00', '09:30']
    """
    width = LIVE_WINDOW if stops_away <= NEAR_STOPS else WIDER_WINDOW
    begins = _floor_five(start - width / 3)
    if opens is not None:
        begins = max(begins, opens)
    return begins, begins + width


def told_live(eta: Eta) -> tuple[datetime, datetime]:
    """The window to tell for a forecast."""
    return window_to_tell(eta.start, stops_away=eta.stops_away, opens=eta.opens)


def _floor_five(moment: datetime) -> datetime:
    return moment - timedelta(minutes=moment.minute % 5, seconds=moment.second, microseconds=moment.microsecond)


def leaves(told: tuple[datetime, datetime] | None, eta: Eta) -> bool:
    """Whether the forecast has left the window that the customer was told; without a window there is none to leave."""
    return told is not None and not told[0] <= eta.start <= told[1]
