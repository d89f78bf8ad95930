"""The standing week and the shifts made of it: which of them follow when somebody changes it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from routing.model.fleet import MadeShift, ShiftTerms, StandingShift
from routing.model.orders import weekdays
from routing.rules.calendars import clock_minutes

TERMS = tuple(field.name for field in fields(ShiftTerms))

DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES


def is_away(out_from: str, out_to: str, day: str) -> bool:
    """Whether a vehicle or driver is away on that ISO day. Without a last day: until further notice; without a first
    one: since ever.

    >>> [is_away("2026-03-04", "2026-03-05", f"2026-03-0{n}") for n in (3, 4, 5, 6)]
    [False, True, True, False]
    >>> is_away("2026-03-04", "", "2026-12-24"), is_away("", "", "2026-12-24")
    (True, False)
    """
    return bool(out_from or out_to) and out_from <= day and (not out_to or day <= out_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """What a change of the standing week does to the shifts that were made of it, by id or ISO day.

    `change` take the new terms, `end` are no longer worked, `kept` stay because their day has a plan, `by_hand` because
    somebody changed them for that day alone.
    """

    change: tuple[int, ...] = ()
    end: tuple[int, ...] = ()
    kept: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()


def follow(
    before: StandingShift, after: StandingShift, made: Iterable[MadeShift], *, planned_too: bool = False
) -> Following:
    """Which shifts follow the standing week from `before` to `after`.

    A shift follows where nobody changed it for its day and its day has no plan. `planned_too`: also where the plan is a
    draft, unless its weekday falls away or it is gone by then: the plan that holds stays, and planning the day again
    takes the new terms. What is dispatched or closed never changes.

    By hand: it begins at 06:00 instead of 07:00, and Friday falls away. Tuesday has no plan and changes; Wednesday has
    a draft and is kept; on Thursday somebody had it begin at 09:00 already; Friday ends.
    """
    change: list[int] = []
    end: list[int] = []
    kept: list[str] = []
    by_hand: list[str] = []
    for shift in sorted(made, key=lambda each: (each.day, each.id)):
        works = after.is_worked_on(shift.day)
        if works and shift.terms == after.terms:
            continue
        if shift.state != "planned" or shift.terms != before.terms:
            by_hand.append(shift.day)
        elif not shift.plan:
            (change if works else end).append(shift.id)
        elif shift.plan == "draft" and works and planned_too:
            change.append(shift.id)
        else:
            kept.append(shift.day)
    return Following(change=tuple(change), end=tuple(end), kept=tuple(kept), by_hand=tuple(by_hand))


def double_booked(shift: StandingShift, others: Iterable[StandingShift]) -> tuple[str, StandingShift] | None:
    """ "vehicle" or "driver" and the first other standing shift that has the same one at the same time; None for none.

    By hand: Monday 22:00-06:00 and Tuesday 05:00-09:00 meet at five on Tuesday; 06:00-10:00 after it is free.
    """
    mine = _spans(shift)
    for other in others:
        if other.id == shift.id:
            continue
        same_van = other.terms.vehicle_id == shift.terms.vehicle_id
        same_driver = shift.terms.driver_id is not None and other.terms.driver_id == shift.terms.driver_id
        if (same_van or same_driver) and _meet(mine, _spans(other)):
            return ("vehicle" if same_van else "driver"), other
    return None


def _spans(shift: StandingShift) -> list[tuple[int, int]]:
    """Minutes of the week, of each day it is worked; one that ends before it begins lasts into the next day."""
    begin, end = clock_minutes(shift.terms.starts), clock_minutes(shift.terms.ends)
    if end <= begin:
        end += DAY_MINUTES
    return [(day * DAY_MINUTES + begin, day * DAY_MINUTES + end) for day in sorted(shift.weekdays)]


def _meet(mine: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> bool:
    # Sunday's night is Monday's morning.
    return any(
        first < other_end + turn and other_begin + turn < last
        for first, last in mine
        for other_begin, other_end in others
        for turn in (-WEEK_MINUTES, 0, WEEK_MINUTES)
    )


def terms_of(row: Mapping[str, Any]) -> ShiftTerms:
    """Of a row of `shift_template`, or of what a form or file says of one. Without a break its hours say nothing, and a
    second one is the first where there is no other."""
    values = {name: row[name] for name in TERMS}
    if not values["break_s"]:
        for part in ("s", "earliest", "latest"):
            values[f"break_{part}"] = values[f"second_break_{part}"]
        values["second_break_s"] = 0
    for name in ("break", "second_break"):
        if not values[f"{name}_s"]:
            values |= {f"{name}_earliest": "", f"{name}_latest": ""}
    return ShiftTerms(**values)


def second_break_from(break_to: str, break_s: int) -> str:
    """From when on the first break is over, whenever it was taken: the second one begins no earlier.

    >>> second_break_from("09:30", 15 * 60), second_break_from("23:50", 30 * 60)
    ('09:45', '00:20')
    """
    over = (clock_minutes(break_to) + -(-break_s // 60)) % DAY_MINUTES
    return f"{over // 60:02}:{over % 60:02}"


def is_too_early(second_from: str, *, starts: str, break_to: str, break_s: int) -> bool:
    """Whether a second break could begin before the first one is over, counted from the start of the shift.

    >>> said = {"starts": "20:00", "break_to": "23:50", "break_s": 30 * 60}
    >>> is_too_early("00:10", **said), is_too_early("00:20", **said), is_too_early("21:00", **said)
    (True, False, True)
    """

    def since(clock: str) -> int:
        return (clock_minutes(clock) - clock_minutes(starts)) % DAY_MINUTES

    return since(second_from) < since(break_to) + -(-break_s // 60)


def standing_shift_of(row: Mapping[str, Any]) -> StandingShift:
    """A row of `shift_template`; one without days of its own runs on its driver's (`driver_weekdays`), and none longer
    than its vehicle is there (`vehicle_gone_from`)."""
    ends = [day for day in (row.get("gone_from"), row.get("vehicle_gone_from")) if day]
    return StandingShift(
        id=row["id"],
        number=row["number"],
        weekdays=frozenset(weekdays(row["weekdays"] or row.get("driver_weekdays") or "")),
        terms=terms_of(row),
        gone_from=min(ends, default=""),
    )
