"""Tracks: where drivers' phones said the van was, cut into pieces that were driven without a stop.

A phone tells its place about once a minute, with gaps and slips. What was no driving is left out: the time at a door
(from the report of the arrival to the last report there), a stay of five minutes on one spot, whatever lies beside a
gap of more than three minutes, a place that the phone itself calls unsure, a leap that no van makes. What is left is
cut after each 1.5 km, by the way and not by the time, so that slow pieces count as much as quick ones.

    A van drives 600 m each minute, stands at a door from 08:03 to 08:09, and drives on.

        >>> fixes = _example([0, 600, 1200, 1800, 1800, 1800, 1800, 1800, 1800, 1800, 2400, 3000, 3600])
        >>> door = (fixes[3].at, fixes[9].at)
        >>> [(f"{piece[0].at:%H:%M}", f"{piece[-1].at:%H:%M}") for piece in pieces(fixes, [door])]
        [('08:00', '08:02'), ('08:10', '08:12')]

    Nobody reported the stop: it is seen all the same.

        >>> pieces(fixes, []) == pieces(fixes, [door])
        False
        >>> [(f"{piece[0].at:%H:%M}", f"{piece[-1].at:%H:%M}") for piece in pieces(fixes, [])]
        [('08:00', '08:03'), ('08:09', '08:12')]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from routing.model.places import Location, metres_between
from routing.rules.learnt_speeds import DrivenLeg

LONGEST_GAP = timedelta(minutes=3)
LEAST_SURE_M = 35.0
"""What a phone calls less sure than this lies as likely on the next street: the roads would be guessed."""
FASTEST_M_S = 45.0
PARKED, PARKED_M = timedelta(minutes=5), 60.0
PIECE_M, LEAST_PIECE_M = 1500.0, 500.0
FEWEST_FIXES = 3

type Stay = tuple[datetime, datetime]
type Piece = tuple[Fix, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One place that a phone told. `accuracy_m`: how sure the phone was, None when it did not say."""

    at: datetime
    location: Location
    accuracy_m: float | None = None


def pieces(fixes: Sequence[Fix], stays: Sequence[Stay]) -> tuple[Piece, ...]:
    """The track in pieces that were driven through; `stays` are the times at doors, in any order."""
    usable = _in_order([fix for fix in fixes if fix.accuracy_m is None or fix.accuracy_m <= LEAST_SURE_M])
    parked = list(_parked(usable))
    found: list[Piece] = []
    for stretch in _unbroken(usable, parked, stays):
        piece, length = [stretch[0]], 0.0
        for before, fix in pairwise(stretch):
            piece.append(fix)
            length += metres_between(before.location, fix.location)
            if length >= PIECE_M and len(piece) >= FEWEST_FIXES:
                found.append(tuple(piece))
                piece, length = [fix], 0.0
        if length >= LEAST_PIECE_M and len(piece) >= FEWEST_FIXES:
            found.append(tuple(piece))
    return tuple(found)


def not_tracked(legs: Sequence[DrivenLeg], tracked: Sequence[DrivenLeg]) -> tuple[DrivenLeg, ...]:
    """The legs of one shift without those that its track tells of too: a way is counted once."""
    return tuple(
        leg
        for leg in legs
        if not any(leg.left_at < other.arrived_at and other.left_at < leg.arrived_at for other in tracked)
    )


def _in_order(fixes: Sequence[Fix]) -> list[Fix]:
    """By time, one for each moment."""
    by_moment = {fix.at.replace(microsecond=0): fix for fix in sorted(fixes, key=lambda fix: fix.at, reverse=True)}
    return [by_moment[at] for at in sorted(by_moment)]


def _parked(fixes: Sequence[Fix]) -> Iterator[Stay]:
    """Stays on one spot that nobody reported: breaks, a queue at a ramp."""
    first = 0
    while first < len(fixes):
        last = first
        while last + 1 < len(fixes) and metres_between(fixes[first].location, fixes[last + 1].location) <= PARKED_M:
            last += 1
        if fixes[last].at - fixes[first].at >= PARKED:
            yield fixes[first].at, fixes[last].at
            first = last
        first += 1


def _unbroken(fixes: Sequence[Fix], parked: Sequence[Stay], doors: Sequence[Stay]) -> Iterator[list[Fix]]:
    """Runs of at least two fixes, between which the van only drove.

    A fix at the edge of a stay on one spot belongs to the driving; at a door the van came and left between two fixes.
    """
    run: list[Fix] = []
    for fix in fixes:
        broken = bool(run) and (
            fix.at - run[-1].at > LONGEST_GAP
            or metres_between(run[-1].location, fix.location) > FASTEST_M_S * (fix.at - run[-1].at).total_seconds()
            or any(begins < fix.at and run[-1].at < ends for begins, ends in parked)
            or any(begins <= fix.at and run[-1].at <= ends for begins, ends in doors)
        )
        if broken:
            if len(run) > 1:
                yield run
            run = []
        run.append(fix)
    if len(run) > 1:
        yield run


def _example(metres_east: Sequence[float]) -> list[Fix]:
    eight = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
    return [
        Fix(at=eight + timedelta(minutes=n), location=Location(lat=0.0, lon=east / 111_195))
        for n, east in enumerate(metres_east)
    ]
