"""How a route goes on from where it stands: when the van is at each stop that is left, and whom that concerns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from routing.model.proofs import PlannedTimes, StopFacts

NONE_YET = StopFacts()

LIVE_WINDOW = timedelta(minutes=30)
WIDER_WINDOW = timedelta(minutes=60)
NEAR_STOPS = 4
"""Up to so many stops ahead a window of half an hour holds; further ahead it takes an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eta:
    """The latest forecast for a stop that is not done. `stops_away` is 0 when the van is at the door, 1 when it comes
    next. `late_by` is against the plan, negative when early."""

    stop_id: int
    site_id: int
    arrival: datetime
    start: datetime
    departure: datetime
    stops_away: int
    late_by: timedelta


def forecast(
    stops: Sequence[PlannedTimes], facts: Mapping[int, StopFacts], *, departs_at: datetime, now: datetime
) -> tuple[Eta, ...]:
    """The stops that are left, in driving order, from the last thing known to have happened.

    `stops` in driving order with their planned times; `departs_at` when the van leaves the depot. Between two stops
    passes what the plan gives (driving, a break, reloading), at a door the planned service. A van that is early waits
    where the plan waits: before the window opens nobody is served.
    """
    etas: list[Eta] = []
    here_at = _last_known(facts, departs_at)
    left_before = departs_at
    for stop in stops:
        # Stops may be done out of order; then the planned way into a stop is still the best guess of the way there.
        way = stop.arrival - left_before
        left_before = stop.departure
        known = facts.get(stop.stop_id, NONE_YET)
        if known.done_at is not None:
            continue
        arrival = known.arrived_at or max(here_at + way, now)
        # Where the plan waits, the window opens at the planned start; elsewhere service begins on arrival.
        start = max(arrival, stop.start) if stop.start > stop.arrival else arrival
        departure = max(start + (stop.departure - stop.start), now)
        etas.append(
            Eta(
                stop_id=stop.stop_id,
                site_id=stop.site_id,
                arrival=arrival,
                start=start,
                departure=departure,
                stops_away=0,
                late_by=arrival - stop.arrival,
            )
        )
        here_at = departure
    return _count_stops_away(etas, facts)


def _last_known(facts: Mapping[int, StopFacts], departs_at: datetime) -> datetime:
    """When the van last finished something: a stop, or leaving the depot."""
    return max((known.done_at for known in facts.values() if known.done_at is not None), default=departs_at)


def _count_stops_away(etas: list[Eta], facts: Mapping[int, StopFacts]) -> tuple[Eta, ...]:
    is_at_door = bool(etas) and facts.get(etas[0].stop_id, NONE_YET).arrived_at is not None
    first = 0 if is_at_door else 1
    return tuple(
        Eta(
            stop_id=eta.stop_id,
            site_id=eta.site_id,
            arrival=eta.arrival,
            start=eta.start,
            departure=eta.departure,
            stops_away=first + position,
            late_by=eta.late_by,
        )
        for position, eta in enumerate(etas)
    )


def told_live(eta: Eta) -> tuple[datetime, datetime]:
    """The window to tell for a forecast: half an hour when near, an hour further ahead, on whole five minutes.

    A third of it lies before the forecast: vans are late more often than early.
    """
    width = LIVE_WINDOW if eta.stops_away <= NEAR_STOPS else WIDER_WINDOW
    opens = _floor_five(eta.start - width / 3)
    return opens, opens + width


def _floor_five(moment: datetime) -> datetime:
    return moment - timedelta(minutes=moment.minute % 5, seconds=moment.second, microseconds=moment.microsecond)


def leaves(told: tuple[datetime, datetime] | None, eta: Eta) -> bool:
    """Whether the forecast has left the window that the customer was told; without a window there is none to leave."""
    return told is not None and not told[0] <= eta.start <= told[1]
