"""Time of day learnt from what was driven: how long ways really took in each slice, beside their free travel time.

A leg counts for the slice in which it was both begun and ended, on one day. Of each slice the actual time to the free
one is proposed, in whole per cent; fewer than 30 legs, 5 days or 3 vehicles prove nothing, and it says how many there
are. Very short ways are parking, not driving. Each vehicle has one vote, the median of its ways, and the median of
those is proposed: phones that are slow, lie in a pocket or are made up cannot bring it out of what the others drove
while they are fewer than half.

Where a company has but one or two vehicles for which a slice holds, nobody can outvote them, so their days do that: a
vehicle is heard once it has driven in the slice on 15 days, three weeks of working days, and its vote is the median of
its days, each the median of that day's ways. A day of roadworks, or a phone that went wrong for a week, decides
nothing. A company with three vehicles or more waits until three have driven: it can have the better proof.

    Three ways of 10 min each, from 07:10 on: driven in 12, 13 and 20 min. The median is 130 %.

        >>> slice_ = SpeedRow(begins="07:00", ends="09:00", percent=100)
        >>> least = {"least_legs": 3, "least_days": 1, "least_vehicles": 1}
        >>> found = learnt([slice_], _example(12, 13, 20), zone=ZoneInfo("UTC"), **least)
        >>> [(each.percent, each.legs, each.days) for each in found]
        [(130, 3, 1)]
        >>> learnt([slice_], _example(12, 13, 20), zone=ZoneInfo("UTC"))[0].why_not
        '3 of the 30 legs, 1 of the 5 days and 1 of the 3 vehicles that it takes'

    The same of the only van of a company:

        >>> learnt([slice_], _example(12, 13, 20), zone=ZoneInfo("UTC"), fleet={"van": 1})[0].why_not
        '3 of the 30 legs and 1 of the 15 days of one vehicle that it takes'
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
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
LEAST_DAYS_ALONE = 15
"""Of each vehicle that is heard, where the company has fewer than `LEAST_VEHICLES`."""
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
    """What was driven in a slice: `percent` of the free time, or `why_not`: too little was driven to say. `lowest` and
    `highest` are the votes it was taken from, in per cent, of vehicles or of the days of so few (`by_days`): whether
    they agree."""

    row: SpeedRow
    legs: int
    days: int
    vehicles: int
    percent: int | None = None
    lowest: int | None = None
    highest: int | None = None
    by_days: bool = False
    why_not: str = ""


def learnt(
    rows: Sequence[SpeedRow],
    legs: Sequence[DrivenLeg],
    *,
    zone: ZoneInfo,
    fleet: Mapping[str, int] | None = None,
    least_legs: int = LEAST_LEGS,
    least_days: int = LEAST_DAYS,
    least_vehicles: int = LEAST_VEHICLES,
) -> tuple[LearntSlice, ...]:
    """For each slice of the table, or of the usual ones while it is empty, what the legs say. `fleet`: how many
    vehicles of each profile the company has there; left out, there are enough of each."""
    rows = rows or USUAL_SLICES
    own = {row.profile for row in rows if row.profile}

    def holds_for(profile: str, row: SpeedRow) -> bool:
        return profile == row.profile if row.profile else profile not in own | BIKES

    found = []
    for row in rows:
        mine = [
            leg
            for leg in legs
            if leg.free_s >= SHORTEST_S
            and leg.arrived_at > leg.left_at
            and holds_for(leg.profile, row)
            and _within(leg, row, zone)
        ]
        driven: defaultdict[int, defaultdict[str, list[Fraction]]] = defaultdict(lambda: defaultdict(list))
        for leg in mine:
            took = Fraction((leg.arrived_at - leg.left_at) // timedelta(seconds=1), leg.free_s)
            driven[leg.vehicle][leg.day].append(took)
        days = len({leg.day for leg in mine})
        said = LearntSlice(row=row, legs=len(mine), days=days, vehicles=len(driven))
        few = fleet is not None and sum(n for each, n in fleet.items() if holds_for(each, row)) < least_vehicles
        if few and len(driven) < least_vehicles:
            found.append(_of_few(said, list(driven.values()), least_legs=least_legs))
        elif len(mine) < least_legs or days < least_days or len(driven) < least_vehicles:
            why = (
                f"{len(mine)} of the {least_legs} legs, {days} of the {least_days} days and {len(driven)} of the "
                f"{least_vehicles} vehicles that it takes"
            )
            found.append(replace(said, why_not=why))
        else:
            votes = [[way for ways in by_day.values() for way in ways] for by_day in driven.values()]
            found.append(_said(said, vote(votes), [median(each) for each in votes]))
    return tuple(found)


def _of_few(said: LearntSlice, driven: Sequence[Mapping[str, Sequence[Fraction]]], *, least_legs: int) -> LearntSlice:
    """Of one or two vehicles, of each the ways by day: what their days say, of those that drove on enough."""
    heard = [[median(ways) for ways in by_day.values()] for by_day in driven if len(by_day) >= LEAST_DAYS_ALONE]
    said = replace(said, by_days=True)
    if said.legs < least_legs or not heard:
        most = max(map(len, driven), default=0)
        why = f"{said.legs} of the {least_legs} legs and {most} of the {LEAST_DAYS_ALONE} days of one vehicle"
        return replace(said, why_not=f"{why} that it takes")
    return _said(said, vote(heard), [day for days in heard for day in days])


def _said(said: LearntSlice, middle: Fraction, votes: Sequence[Fraction]) -> LearntSlice:
    percent = min(MOST_PERCENT, max(LEAST_PERCENT, _percent(middle)))
    return replace(said, percent=percent, lowest=_percent(min(votes)), highest=_percent(max(votes)))


def _percent(share: Fraction) -> int:
    return floor(100 * share + Fraction(1, 2))


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
