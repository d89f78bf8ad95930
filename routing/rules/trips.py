"""Where a shift comes back to its depot for more: every way of cutting an order of visits into trips.

A shift that may reload is asked for an order of visits, as any other; its trips follow from the order, so that whatever
moves visits about need not know of them. They are cut so that (schedule.py times and prices each way):

- each trip is within what the van may carry, in every dimension: what it delivers is on board when it leaves, what it
  collects is unloaded when it comes back;
- what is on board of a trip stays in it, and what must be loaded joins no trip that has left;
- there are as few as can be driven. One more is made only where it costs less: where goods are waited for, or overtime
  or lateness is paid. Among as many, the way that costs least, then drives least, then reloads first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from routing.model.plans import ShiftOffer, Visit

MOST_TRIPS = 4
"""More trips than this in one shift are refused: every way of cutting is tried."""


def reach_of(visits: Sequence[Visit], capacity: Sequence[int]) -> list[int]:
    """For each visit, how far a trip that begins with it may go: the index after its last; its own where even it alone
    is too much."""
    ends = []
    for begin in range(len(visits)):
        end = begin
        most = [0] * len(capacity)
        collected = [0] * len(capacity)
        while end < len(visits):
            visit = visits[end]
            # What one more takes along lies there from the start, what it gives beside all that was collected.
            collected = [on + more for on, more in zip(collected, visit.collect, strict=True)]
            most = [max(on + more, back) for on, more, back in zip(most, visit.load, collected, strict=True)]
            if any(on > may for on, may in zip(most, capacity, strict=True)):
                break
            end += 1
        ends.append(end)
    return ends


def fewest(reach: Sequence[int]) -> int | None:
    """How many trips an order needs for what it carries; None where one visit is too much by itself.

    >>> fewest([2, 3, 3]), fewest([1, 1, 3])
    (2, None)
    """
    trips, at = 0, 0
    while at < len(reach):
        if reach[at] == at:
            return None
        at = reach[at]
        trips += 1
    return trips


def cuts_of(reach: Sequence[int], trips: int) -> Iterator[tuple[int, ...]]:
    """Every way of cutting an order into so many trips: the index of the first visit of each but the first.

    Three deliveries of 4 pieces in a van for 8, and the same in one for 12:

    >>> list(cuts_of([2, 3, 3], 2)), list(cuts_of([3, 3, 3], 1))
    ([(1,), (2,)], [()])
    """

    def further(begin: int, left: int) -> Iterator[tuple[int, ...]]:
        if left == 1:
            if reach[begin] >= len(reach):
                yield ()
            return
        for cut in range(begin + 1, min(reach[begin], len(reach) - left + 1) + 1):
            for rest in further(cut, left - 1):
                yield (cut, *rest)

    return further(0, trips)


def keeps_on_board(visits: Sequence[Visit], cuts: Sequence[int], shift: ShiftOffer, trip_of: Mapping[int, int]) -> bool:
    """Whether every visit of `trip_of` (0 = the first trip) rides in its trip, and what must be loaded in none that has
    left. A trip in which nobody rides is not driven, but keeps its number."""
    number, begin = -1, 0
    for end in (*cuts, len(visits)):
        inside = visits[begin:end]
        wanted = [trip_of[visit.id] for visit in inside if visit.id in trip_of]
        joins = any(any(visit.load) for visit in inside if visit.id not in trip_of)
        number = max(number + 1, *wanted, shift.trips_out if joins else 0)
        if any(each != number for each in wanted):
            return False
        begin = end
    return number < shift.most_trips
