"""Time of day: how long a way takes when it is driven through slices of the day that are slower or quicker.

Method: Ichoua, Gendreau & Potvin, "Vehicle dispatching with time-dependent travel times" (2003). A slice gives the
speed, not the time of a leg: a leg that crosses a border is driven at both speeds, so that whoever leaves later never
arrives earlier. Everything is counted in `progress`: how much free travel could have been driven up to a moment, in
millionths of a second. A way of w seconds is done when progress has grown by w.

    From 07:00 to 09:00 ways take twice their free time. A way of 40 min, left at 06:50: 10 min are driven freely, the
    other 30 take 60, so it is there at 08:00. Left at 08:30: 15 min are done by 09:00, 25 remain: 09:25.

        >>> h, m = 3600, 60
        >>> pace = Pace([SpeedSlice(profile="van", start_s=7 * h, end_s=9 * h, factor=2000)])
        >>> clock(pace.arrive(6 * h + 50 * m, 40 * m)), clock(pace.arrive(8 * h + 30 * m, 40 * m))
        ('08:00', '09:25')

    And backwards: to be there at 09:25 it may leave at 08:30, not a second later.

        >>> clock(pace.leave(9 * h + 25 * m, 40 * m))
        '08:30'

A day's table (`SpeedRow`: weekdays, from, to, per cent) is written in the wall clock of the depot; `slices_of` makes
absolute slices of it, so that a rush hour stays at seven when the clocks change.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from routing.errors import InvalidInput
from routing.model.day import SpeedRow
from routing.model.fleet import BIKES
from routing.model.orders import WEEKDAYS
from routing.model.plans import FREE, Problem, SpeedSlice
from routing.rules.calendars import clock_minutes, moment, weekday

LEAST_PERCENT, MOST_PERCENT = 20, 500
"""What a slice may say. More than five times as long is a closed road, not traffic."""


class Pace:
    """The clock of one profile. Moments are whole seconds, progress millionths of free seconds; both only grow."""

    def __init__(self, slices: Sequence[SpeedSlice]) -> None:
        """Slices that do not overlap, in any order; at least one."""
        self.rows: list[tuple[int, int, int]] = []
        """(from which second, progress then, pace from then on); before the first, progress is that of free roads."""
        for each in sorted(slices, key=lambda each: each.start_s):
            self._add(each.start_s, each.pace)
            self._add(each.end_s, FREE)
        self._starts = [start for start, _, _ in self.rows]
        self._sums = [known for _, known, _ in self.rows]

    def _add(self, start_s: int, pace: int) -> None:
        known = self.rows[-1][1] + (start_s - self.rows[-1][0]) * self.rows[-1][2] if self.rows else start_s * FREE
        if self.rows and self.rows[-1][0] == start_s:
            self.rows.pop()
        self.rows.append((start_s, known, pace))

    def progress(self, at_s: int) -> int:
        """How far free roads would have led by then."""
        row = bisect_right(self._starts, at_s) - 1
        if row < 0:
            return at_s * FREE
        start, known, pace = self.rows[row]
        return known + (at_s - start) * pace

    def arrive(self, leave_s: int, travel_s: int, lost: int = 0) -> int:
        """The first second at which a way of so much free travel is done. `lost`: progress spent standing."""
        wanted = self.progress(leave_s) + travel_s * FREE + lost
        start, known, pace = self._row_of(wanted)
        return start - (known - wanted) // pace

    def leave(self, arrive_s: int, travel_s: int, lost: int = 0) -> int:
        """The last second at which one may leave to be there by `arrive_s`."""
        wanted = self.progress(arrive_s) - travel_s * FREE - lost
        start, known, pace = self._row_of(wanted)
        return start + (wanted - known) // pace

    def arrive_with(self, leave_s: int, travel_s: int, pauses: Iterable[tuple[int, int]]) -> int:
        """When the wheels stop at the next place: pauses (begin, how long) that begin on the way interrupt it."""
        done_at = self.arrive(leave_s, travel_s)
        lost = 0
        for begin, lasts in pauses:
            if done_at <= begin:
                break
            lost += self.progress(begin + lasts) - self.progress(begin)
            done_at = max(begin + lasts, self.arrive(leave_s, travel_s, lost))
        return done_at

    def most_lost(self, lasts: int, spans: Iterable[tuple[int, int]]) -> int:
        """The most progress that a pause of so many seconds costs, when it begins in one of these spans.

        Legs reserve so much for a pause that is taken on the way: then whoever sets out later never arrives earlier,
        whenever the pause begins.
        """
        most = 0
        for first, last in spans:
            borders = (at for start in self._starts for at in (start, start - lasts) if first < at < last)
            for begin in (first, last, *borders):
                most = max(most, self.progress(begin + lasts) - self.progress(begin))
        return most

    def _row_of(self, progress: int) -> tuple[int, int, int]:
        row = bisect_right(self._sums, progress) - 1
        return self.rows[row] if row >= 0 else (0, 0, FREE)


def paces_of(problem: Problem) -> dict[str, Pace]:
    """The clock of each profile that has slices; the others drive freely all day."""
    slices: dict[str, list[SpeedSlice]] = {}
    for each in problem.speeds:
        slices.setdefault(each.profile, []).append(each)
    return {profile: Pace(mine) for profile, mine in slices.items()}


# ---- the table


def check_table(rows: Sequence[SpeedRow]) -> None:
    """Raises InvalidInput for a row that cannot be, or two that hold for the same vehicles at the same time."""
    for row in rows:
        if unknown := [each for each in row.weekdays if each not in WEEKDAYS]:
            raise InvalidInput(
                f'"{unknown[0][:20]}" is no weekday. Write {", ".join(WEEKDAYS)}, or nothing for any day.'
            )
        if clock_minutes(row.begins) == clock_minutes(row.ends):
            raise InvalidInput(f"The slice from {row.begins} to {row.ends} is empty. Let it end later than it begins.")
        if not LEAST_PERCENT <= row.percent <= MOST_PERCENT:
            raise InvalidInput(
                f"{row.percent} % of the free travel time from {row.begins} to {row.ends} is out of reach: write "
                f"{LEAST_PERCENT} to {MOST_PERCENT}; 130 is three tenths longer."
            )
    for profile in sorted({row.profile for row in rows}):
        mine = sorted((begin, end, row.begins) for row in rows if row.profile == profile for begin, end in _week(row))
        first_again = [(begin + 7 * 1440, end + 7 * 1440, said) for begin, end, said in mine[:1]]
        for (_, end, said), (begin, _, other) in pairwise([*mine, *first_again]):
            if begin < end:
                raise InvalidInput(
                    f"The slices that begin at {said} and at {other} overlap on {WEEKDAYS[begin // 1440 % 7]}"
                    f"{f' for {profile}' if profile else ''}. Let the first end when the second begins."
                )


def _week(row: SpeedRow) -> Iterable[tuple[int, int]]:
    """Its minutes of the week, for each weekday it holds on."""
    begin, end = clock_minutes(row.begins), clock_minutes(row.ends)
    if end < begin:
        end += 1440
    for n, name in enumerate(WEEKDAYS):
        if not row.weekdays or name in row.weekdays:
            yield n * 1440 + begin, n * 1440 + end


def slices_of(
    rows: Sequence[SpeedRow],
    *,
    first: date,
    last: date,
    zone: ZoneInfo,
    epoch: datetime,
    profiles: Collection[str],
) -> tuple[SpeedSlice, ...]:
    """The table as absolute slices, from the evening before the first day to the morning after the last, by profile.

    While a row that names a profile holds, it holds for that profile instead of those for all; bikes pass the traffic,
    so only rows that name them hold for them. What takes its free time needs no slice: a table of hundreds is an empty
    one.

        >>> rush = SpeedRow(weekdays=("mon",), begins="07:00", ends="09:00", percent=150)
        >>> truck = SpeedRow(begins="00:00", ends="24:00", percent=100, profile="truck")
        >>> from datetime import UTC
        >>> found = slices_of([rush, truck], first=date(2026, 3, 2), last=date(2026, 3, 2), zone=ZoneInfo("UTC"),
        ...     epoch=datetime(2026, 3, 2, tzinfo=UTC), profiles=("bike", "truck", "van"))
        >>> [(each.profile, clock(each.start_s), clock(each.end_s), each.factor) for each in found]
        [('van', '07:00', '09:00', 1500)]
    """
    found: list[SpeedSlice] = []
    days = [first + timedelta(days=n) for n in range(-1, (last - first).days + 2)]
    for profile in sorted(profiles):
        alike = BIKES if profile in BIKES else {profile}
        own = _pieces([row for row in rows if row.profile in alike], days, zone, epoch)
        for_all = [] if profile in BIKES else _pieces([row for row in rows if not row.profile], days, zone, epoch)
        for start_s, end_s, percent in sorted([*own, *_beside(for_all, own)]):
            if percent != 100:
                found.append(SpeedSlice(profile=profile, start_s=start_s, end_s=end_s, factor=10 * percent))
    return tuple(found)


type _Piece = tuple[int, int, int]
"""From, to, per cent."""


def _pieces(rows: Iterable[SpeedRow], days: Sequence[date], zone: ZoneInfo, epoch: datetime) -> list[_Piece]:
    """These rows on these days, one after the other."""
    pieces: list[_Piece] = []
    for day in days:
        for row in rows:
            if row.weekdays and weekday(day) not in row.weekdays:
                continue
            begin, end = clock_minutes(row.begins), clock_minutes(row.ends)
            if end < begin:
                end += 1440
            pieces.append((_s(moment(day, begin, zone), epoch), _s(moment(day, end, zone), epoch), row.percent))
    pieces.sort()
    # Where the clock is put back an hour comes twice: what follows begins when it begins.
    nexts = [*(start_s for start_s, _, _ in pieces), 2**62][1:]
    cut = [
        (start_s, min(end_s, least), percent) for (start_s, end_s, percent), least in zip(pieces, nexts, strict=True)
    ]
    return [piece for piece in cut if piece[0] < piece[1]]


def _beside(pieces: Iterable[_Piece], own: Sequence[_Piece]) -> Iterable[_Piece]:
    """What is left of the pieces outside the others.

    >>> list(_beside([(0, 100, 150)], [(20, 30, 100), (90, 120, 100)]))
    [(0, 20, 150), (30, 90, 150)]
    """
    for start_s, end_s, percent in pieces:
        for begin, end, _ in own:
            if begin < end_s and end > start_s:
                if start_s < begin:
                    yield start_s, begin, percent
                start_s = max(start_s, end)
        if start_s < end_s:
            yield start_s, end_s, percent


def _s(at: datetime, epoch: datetime) -> int:
    return (at - epoch) // timedelta(seconds=1)


def travel_at(rows: Sequence[SpeedRow], travel_s: int, at: datetime, *, zone: ZoneInfo, profile: str) -> int:
    """Seconds that a way of so much free travel takes when it is left at that moment."""
    day = at.astimezone(zone).date()
    last = (at + timedelta(seconds=5 * travel_s)).astimezone(zone).date()
    found = slices_of(rows, first=day, last=last, zone=zone, epoch=at, profiles=(profile,))
    return Pace(found).arrive(0, travel_s) if found else travel_s


def free_within(rows: Sequence[SpeedRow], within_s: int, at: datetime, *, zone: ZoneInfo, profile: str) -> float:
    """Seconds of free travel that are done so long after that moment.

    >>> rush = SpeedRow(begins="07:00", ends="09:00", percent=200)
    >>> at = datetime(2026, 3, 2, 8, 50, tzinfo=ZoneInfo("UTC"))
    >>> free_within([rush], 30 * 60, at, zone=ZoneInfo("UTC"), profile="van") / 60
    25.0
    """
    first, last = (moment.astimezone(zone).date() for moment in (at, at + timedelta(seconds=within_s)))
    found = slices_of(rows, first=first, last=last, zone=zone, epoch=at, profiles=(profile,))
    if not found:
        return float(within_s)
    pace = Pace(found)
    return (pace.progress(within_s) - pace.progress(0)) / FREE


def clock(at_s: int) -> str:
    """Seconds after midnight as 07:30."""
    return f"{at_s // 3600:02d}:{at_s // 60 % 60:02d}"
