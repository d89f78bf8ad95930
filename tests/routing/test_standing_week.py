"""Which shifts follow a change of the standing week, and who is booked twice: small enough to check by hand."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from routing.model.fleet import MadeShift, ShiftTerms, StandingShift
from routing.rules.standing_week import double_booked, follow, is_away, standing_shift_of

TERMS = ShiftTerms(
    depot_id=1, vehicle_id=1, driver_id=1, crew=1, starts="07:00", ends="15:00", loading_s=900, debrief_s=0,
    cost_fixed=0, cost_per_hour=2600, cost_per_km=60, cost_per_stop=0, overtime_s=0, cost_per_overtime_hour=0,
    max_stops=None, max_distance_m=None, start_place="depot", end_place="depot", rest_after="full",
    break_s=1800, break_earliest="10:00", break_latest="12:00",
)  # fmt: skip
WEEK = StandingShift(id=1, number="S1", weekdays=frozenset(range(5)), terms=TERMS)
EARLIER = replace(TERMS, starts="06:00")


def made(day: int, plan: str = "", terms: ShiftTerms = TERMS, state: str = "planned") -> MadeShift:
    """2026-03-02 is a Monday."""
    return MadeShift(id=day, day=f"2026-03-{day:02}", state=state, plan=plan, terms=terms)


def test_days_without_a_plan_follow_and_planned_and_hand_made_ones_stay() -> None:
    after = replace(WEEK, terms=EARLIER, weekdays=frozenset(range(4)))
    shifts = [
        made(3), made(4, plan="draft"), made(5, terms=replace(TERMS, starts="09:00")), made(6),
        made(9, plan="dispatched"), made(10, state="out"), made(11, terms=EARLIER),
    ]  # fmt: skip
    found = follow(WEEK, after, shifts)
    assert (found.change, found.end) == ((3,), (6,))
    assert found.kept == ("2026-03-04", "2026-03-09")
    assert found.by_hand == ("2026-03-05", "2026-03-10")


def test_a_draft_follows_when_asked_for_but_never_what_is_dispatched_or_falls_away() -> None:
    after = replace(WEEK, terms=EARLIER, weekdays=frozenset(range(4)))
    shifts = [made(4, plan="draft"), made(5, plan="dispatched"), made(6, plan="draft"), made(9, plan="closed")]
    found = follow(WEEK, after, shifts, planned_too=True)
    assert found.change == (4,)
    assert found.kept == ("2026-03-05", "2026-03-06", "2026-03-09")


def test_what_is_gone_from_a_day_on_ends_from_that_day_where_there_is_no_plan() -> None:
    shifts = [made(3), made(4), made(5, plan="draft"), made(6, terms=EARLIER)]
    found = follow(WEEK, replace(WEEK, gone_from="2026-03-04"), shifts, planned_too=True)
    assert (found.change, found.end) == ((), (4,))
    assert (found.kept, found.by_hand) == (("2026-03-05",), ("2026-03-06",))


def test_a_shift_ends_with_its_van_or_before_it() -> None:
    row = {"id": 1, "number": "S1", "weekdays": "mon", **asdict(TERMS), "gone_from": "2026-06-01"}
    assert standing_shift_of(row | {"vehicle_gone_from": ""}).gone_from == "2026-06-01"
    assert standing_shift_of(row | {"vehicle_gone_from": "2026-05-01"}).gone_from == "2026-05-01"
    assert standing_shift_of(row | {"gone_from": ""}).gone_from == ""


@pytest.mark.parametrize(
    ("starts", "ends", "weekdays", "meets"),
    [
        ("15:00", "18:00", {0}, False),  # when the first is back
        ("14:59", "18:00", {0}, True),
        ("06:00", "07:00", {0}, False),
        ("22:00", "07:01", {6}, True),  # Sunday's night is Monday's morning
        ("08:00", "12:00", {5, 6}, False),
    ],
)
def test_one_van_is_not_in_two_shifts_at_once(starts: str, ends: str, weekdays: set[int], meets: bool) -> None:
    other = StandingShift(
        id=2, number="S2", weekdays=frozenset(weekdays), terms=replace(TERMS, driver_id=2, starts=starts, ends=ends)
    )
    found = double_booked(other, [WEEK, other])
    assert (found == ("vehicle", WEEK)) is meets
    assert (found is None) is not meets


def test_two_shifts_without_a_driver_are_not_the_same_driver() -> None:
    nobody = replace(WEEK, terms=replace(TERMS, driver_id=None))
    other = replace(nobody, id=2, terms=replace(nobody.terms, vehicle_id=2))
    assert double_booked(other, [nobody]) is None
    assert double_booked(replace(WEEK, id=2, terms=replace(TERMS, vehicle_id=2)), [WEEK]) == ("driver", WEEK)


def test_who_is_away_is_away_from_the_first_day_to_the_last() -> None:
    days = [f"2026-03-0{n}" for n in range(1, 6)]
    assert [is_away("2026-03-02", "2026-03-03", day) for day in days] == [False, True, True, False, False]
    assert [is_away("", "2026-03-02", day) for day in days] == [True, True, False, False, False]
    assert not any(is_away("", "", day) for day in days)
