"""Windows as spans of seconds: joined, asked for the first or the last moment in them, and how late one is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from routing.model.plans import Visit, Window

type Spans = tuple[tuple[int, int], ...]
"""Windows as sorted (first, last) pairs, both inclusive."""

type Soft = tuple[Spans, int]
"""The hours in which a visit is in time, and what an hour after them costs."""

ALWAYS: Spans = ((-(2**62), 2**62),)
NEVER: Spans = ((-(2**58), -(2**58)),)
"""Hours that are over before any day begins."""


def spans(windows: Sequence[Window]) -> Spans:
    """Sorted and joined where they overlap, so that the first that is not over yet is the right one."""
    return _joined((w.start_s, w.end_s) for w in windows)


def hours(visit: Visit, *, motor: bool = False) -> Spans:
    """When service may begin, late or not, sorted and joined; `motor`: by a vehicle that its motor windows bind. Empty
    where such a vehicle may never come.

    >>> door = Visit(
    ...     id=1, place=1, service_s=0, load=(), collect=(),
    ...     windows=(Window(start_s=0, end_s=10, late_s=5), Window(start_s=30, end_s=40)),
    ...     motor_windows=(Window(start_s=8, end_s=35),),
    ... )
    >>> hours(door), hours(door, motor=True)
    (((0, 15), (30, 40)), ((8, 15), (30, 35)))
    """
    open_ = _joined((w.start_s, w.end_s + w.late_s) for w in visit.windows)
    if not motor or not visit.motor_windows:
        return open_
    return _joined(
        (max(first, opens), min(last, closes))
        for first, last in open_
        for opens, closes in spans(visit.motor_windows)
        if max(first, opens) <= min(last, closes)
    )


def _joined(pairs: Iterable[tuple[int, int]]) -> Spans:
    joined: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def earliest(spans: Spans, at_s: int) -> int | None:
    """The first moment from `at_s` on that lies in a window, None when all are over."""
    for first, last in spans:
        if at_s <= last:
            return at_s if at_s >= first else first
    return None


def latest(spans: Spans, at_s: int) -> int | None:
    """The last moment up to `at_s` that lies in a window, None when none has begun."""
    for first, last in reversed(spans):
        if at_s >= first:
            return at_s if at_s <= last else last
    return None


def late_by(in_time: Spans, start_s: int) -> int:
    """Seconds after the end of the last of these hours that has begun.

    >>> [late_by(((0, 10), (20, 30)), at) for at in (10, 13, 20, 33)]
    [0, 3, 0, 3]
    """
    return max(0, min(start_s - last for first, last in in_time if first <= start_s))


def end_of_hours(in_time: Spans, start_s: int) -> int:
    """The end of the hours that hold this moment; itself when it is late."""
    return max(start_s, max(last for first, last in in_time if first <= start_s))
