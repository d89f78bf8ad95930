"""Time of day learnt from what was driven: how long ways really took in each slice, beside their free travel time.

A leg counts for the slice in which it was both begun and ended, on one day. Of each slice the actual time to the free
one is proposed, in whole per cent; fewer than 30 legs, 5 days or 3 vehicles prove nothing, and it says how many there
are. Very short ways are parking, not driving. Each vehicle has one vote, the median of its ways, and the median of
those is proposed: phones that are slow, lie in a pocket or are made up cannot bring it out of what the others drove
while they are fewer than half.

    Three ways of 10 min each, from 07:10 on: driven in 12, 13 and 20 min. The median is 130 %.

        >>> slice_ = SpeedRow(begins="07:00", ends="09:00", percent=100)
        >>> least = {"least_legs": 3, "least_days": 1, "least_vehicles": 1}
        >>> found = learnt([slice_], _example(12, 13, 20), zone=ZoneInfo("UTC"), **least)
        >>> [(each.percent, each.legs, each.days) for each in found]
        [(130, 3, 1)]
        >>> learnt([slice_], _example(12, 13, 20), zone=ZoneInfo("UTC"))[0].why_not
        '3 of the 30 legs, 1 of the 5 days and 1 of the 3 vehicles that it takes'
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import floor
from statistics import median
from zoneinfo import ZoneInfo

from routing.model.day import SpeedRow
from routing.model.fleet import BIKES
from routing.rules.calendars import clock_minutes, moment, weekday
from routing.rules.time_of_day import LEAST_PERCENT, MOST_PERCENT

LEAST_LEGS, LEAST_DAYS, LEAST_VEHICLES = 30, 5, 3
SHORTEST_S = 60
LOOKS_BACK_DAYS = 90

_WORKING = ("mon", "tue", "wed", "thu", "fri")
USUAL_SLICES = (
    SpeedRow(weekdays=_WORKING, begins="06:00", ends="07:00", percent=100),
    SpeedRow(weekdays=_WORKING, begins="07:00", ends="09:00", percent=100),
    SpeedRow(weekdays=_WORKING, begins="09:00", ends="15:00", percent=100),
    SpeedRow(weekdays=_WORKING, begins="15:00", ends="18:00", percent=100),
    SpeedRow(weekdays=_WORKING, begins="18:00", ends="22:00", percent=100),
    SpeedRow(weekdays=("sat", "sun"), begins="08:00", ends="20:00", percent=100),
)
"""What is asked while a table is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrivenLeg:
    """A way as it was driven: from door to door, `free_s` the free travel time it was planned with; or `tracked`, a
    piece of it, `free_s` that of the roads on which the phone was. `vehicle`: the key of whose it was."""

    day: str
    left_at: datetime
    arrived_at: datetime
    free_s: int
    profile: str
    tracked: bool = False
    vehicle: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LearntSlice:
    """What was driven in a slice: `percent` of the free time, or `why_not`: too little was driven to say. `capped`:
    some vehicle drove more than its share of the ways, and has one vote all the same."""

    row: SpeedRow
    legs: int
    days: int
    vehicles: int
    capped: bool = False
    percent: int | None = None
    why_not: str = ""


def learnt(
    rows: Sequence[SpeedRow],
    legs: Sequence[DrivenLeg],
    *,
    zone: ZoneInfo,
    least_legs: int = LEAST_LEGS,
    least_days: int = LEAST_DAYS,
    least_vehicles: int = LEAST_VEHICLES,
) -> tuple[LearntSlice, ...]:
    """For each slice of the table, or of the usual ones while it is empty, what the legs say."""
    rows = rows or USUAL_SLICES
    own = {row.profile for row in rows if row.profile}
    found = []
    for row in rows:
        mine = [
            leg
            for leg in legs
            if leg.free_s >= SHORTEST_S
            and leg.arrived_at > leg.left_at
            and (leg.profile == row.profile if row.profile else leg.profile not in own | BIKES)
            and _within(leg, row, zone)
        ]
        days = len({leg.day for leg in mine})
        by_vehicle = Counter(leg.vehicle for leg in mine)
        said = LearntSlice(row=row, legs=len(mine), days=days, vehicles=len(by_vehicle))
        if len(mine) < least_legs or days < least_days or len(by_vehicle) < least_vehicles:
            why = (
                f"{len(mine)} of the {least_legs} legs, {days} of the {least_days} days and {len(by_vehicle)} of the "
                f"{least_vehicles} vehicles that it takes"
            )
            found.append(replace(said, why_not=why))
            continue
        votes: dict[int, list[Fraction]] = {}
        for leg in mine:
            took = Fraction((leg.arrived_at - leg.left_at) // timedelta(seconds=1), leg.free_s)
            votes.setdefault(leg.vehicle, []).append(took)
        middle = vote(list(votes.values()))
        percent = min(MOST_PERCENT, max(LEAST_PERCENT, floor(100 * middle + Fraction(1, 2))))
        found.append(replace(said, percent=percent, capped=len(set(by_vehicle.values())) > 1))
    return tuple(found)


def vote(driven: Sequence[Sequence[Fraction]]) -> Fraction:
    """Of each vehicle what its ways took: the median of the vehicles' medians. Each has one vote, however much it
    drove, so that fewer than half of them never bring it out of what the others drove.

    >>> str(vote([[Fraction(11, 10)] * 10, [Fraction(12, 10)] * 10, [Fraction(4)] * 500]))
    '6/5'
    """
    return median(median(each) for each in driven)


def applied(rows: Sequence[SpeedRow], proposal: Sequence[LearntSlice]) -> tuple[SpeedRow, ...]:
    """The table with what was learnt; a slice that too little is known of stays as it is, or out of an empty table."""
    out = []
    for each in proposal:
        if each.percent is not None:
            out.append(replace(each.row, percent=each.percent, learnt=True))
        elif rows:
            out.append(each.row)
    return tuple(out)


def _within(leg: DrivenLeg, row: SpeedRow, zone: ZoneInfo) -> bool:
    """Whether the leg was begun and ended in one and the same slice."""
    begin, end = clock_minutes(row.begins), clock_minutes(row.ends)
    if end < begin:
        end += 1440
    today = leg.left_at.astimezone(zone).date()
    for day in (today, today - timedelta(days=1)):
        if row.weekdays and weekday(day) not in row.weekdays:
            continue
        if moment(day, begin, zone) <= leg.left_at and leg.arrived_at <= moment(day, end, zone, last=True):
            return True
    return False


def _example(*minutes: int) -> list[DrivenLeg]:
    left = datetime.combine(date(2026, 3, 3), datetime.min.time(), tzinfo=UTC).replace(hour=7, minute=10)
    return [
        DrivenLeg(day="2026-03-03", left_at=left, arrived_at=left + timedelta(minutes=n), free_s=600, profile="van")
        for n in minutes
    ]
