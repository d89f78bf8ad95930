"""What driver hours allow: at the wheel, without a break, on duty, and before the rest is over. Times are UTC."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from routing.errors import InvalidInput
from routing.model.day import DayFacts, Listed, PlanPrices, Riding, Worked
from routing.model.fleet import Driver, Shift
from routing.model.plans import Break, Problem, Reason, ShiftOffer
from routing.rules.check import violations
from routing.rules.driver_hours import RULE_SETS, rule_of, under
from routing.rules.driver_out import nobodys_run, renamed_shift, take_van
from routing.rules.extra import changed
from routing.rules.reasons import why_left_out
from tests.routing.builders_plans import HOUR, MINUTE, between, pause, plan, problem, shift, visit
from tests.routing.planning import test_problem as days
from tests.routing.planning.test_problem import built, clock, delivery, depot

EU = RULE_SETS["eu"]
assert EU is not None
NINE, HALF_DAY = 9 * HOUR, 4 * HOUR + 30 * MINUTE


def rest(*, at: tuple[float, float], lasts: int = 45, key: int = 1) -> Break:
    return pause(key, at=(round(at[0] * HOUR), round(at[1] * HOUR)), lasts=lasts * MINUTE)


def kept(*, hours: tuple[float, float], breaks: tuple[Break, ...] = (), **changes: Any) -> ShiftOffer:
    start_s, end_s = (round(each * HOUR) for each in hours)
    return under(EU, shift(start_s=start_s, end_s=end_s, breaks=breaks, **changes))


@pytest.mark.parametrize(
    ("hours", "breaks", "driven"),
    [
        ((6, 16), (), HALF_DAY),
        ((6, 16), (rest(at=(10, 10.5)),), HALF_DAY),  # from 10:45 to 16:00 are more than 4½ hours
        ((6, 15), (rest(at=(10, 10.5)),), NINE),
        ((6, 15), (rest(at=(10, 10.5), lasts=30),), HALF_DAY),  # too short a break
        ((6, 15), (rest(at=(10, 11)),), HALF_DAY),  # it may begin after five hours
        ((6, 19), (rest(at=(10, 10.5)), rest(at=(14, 15), key=2)), NINE),
        ((6, 10.5), (), NINE),  # nobody drives longer than the shift lasts
        # In two parts: at least 15 minutes and then at least 30.
        ((6, 15), (rest(at=(8, 8.5), lasts=15), rest(at=(10, 10.5), lasts=30, key=2)), NINE),
        ((6, 15), (rest(at=(8, 8.5), lasts=30), rest(at=(10, 10.5), lasts=15, key=2)), HALF_DAY),  # the other way round
        ((6, 15), (rest(at=(8, 8.5), lasts=14), rest(at=(10, 10.5), lasts=30, key=2)), HALF_DAY),
        ((6, 15), (rest(at=(8, 10.5), lasts=15), rest(at=(10, 10.5), lasts=30, key=2)), HALF_DAY),  # in any order
        (
            (6, 15),
            (rest(at=(8, 8.5), lasts=15), rest(at=(10.25, 10.75), lasts=30, key=2)),
            NINE,
        ),  # a part is no driving
        ((6, 15), (rest(at=(8, 8.5), lasts=15), rest(at=(10.25, 11), lasts=30, key=2)), HALF_DAY),
        # What ends one stretch is no part of the next.
        (
            (6, 18),
            (rest(at=(8, 8), lasts=15), rest(at=(10, 10), lasts=30, key=2), rest(at=(14, 14), lasts=30, key=3)),
            HALF_DAY,
        ),
    ],
)
def test_nine_hours_are_driven_only_where_no_stretch_without_a_break_can_pass_four_and_a_half(
    hours: tuple[float, float], breaks: tuple[Break, ...], driven: int
) -> None:
    assert kept(hours=hours, breaks=breaks).max_travel_s == driven


def test_loading_and_debrief_are_no_driving() -> None:
    assert kept(hours=(6, 11)).max_travel_s == HALF_DAY
    assert kept(hours=(6, 11), loading_s=20 * MINUTE, debrief_s=10 * MINUTE).max_travel_s == NINE


def test_a_duty_ends_after_thirteen_hours_overtime_and_all() -> None:
    long = kept(hours=(6, 18), overtime_s=3 * HOUR)
    assert (long.end_s, long.overtime_s) == (18 * HOUR, HOUR)
    longer = kept(hours=(5, 20), overtime_s=HOUR)
    assert (longer.end_s, longer.overtime_s) == (18 * HOUR, 0)


def test_a_reduced_rest_leaves_fifteen_hours_for_the_duty() -> None:
    assert under(EU, shift(start_s=5 * HOUR, end_s=22 * HOUR), reduced=True).until_s == 20 * HOUR
    assert under(EU, shift(start_s=5 * HOUR, end_s=22 * HOUR)).until_s == 18 * HOUR


def test_a_split_break_is_lawful_to_the_checker_and_the_other_way_round_it_is_not() -> None:
    """Two doors two and a half hours apart, there and back: five hours at the wheel, with 15 and 30 minutes of rest."""
    first, second = rest(at=(8, 8.25), lasts=15), rest(at=(10, 10.25), lasts=30, key=2)
    for breaks, found in (
        ((first, second), []),
        ((replace(second, windows=first.windows), replace(first, windows=second.windows)), ["max_travel"]),
    ):
        free = problem(visit(1, 150), shifts=(shift(start_s=6 * HOUR, end_s=15 * HOUR, breaks=breaks),))
        driven = plan(free, {1: [1]})
        ruled = replace(free, shifts=(under(EU, free.shifts[0]),))
        assert [each.code for each in violations(driven, ruled)] == found


def test_driver_hours_and_window_a_door_that_opens_after_thirteen_hours_stays_out() -> None:
    van = kept(hours=(5, 20))
    late, early = visit(1, 1, windows=between(18 * HOUR, 19 * HOUR)), visit(2, 1, windows=between(17 * HOUR, 17 * HOUR))
    day = problem(late, early, shifts=(van,))
    held = replace(plan(day, {1: [2]}), unassigned=())
    gone = why_left_out(day, held)
    assert [each.visit for each in gone] == [1]
    assert gone[0].proven
    assert violations(replace(held, unassigned=gone), day) == []


def test_driver_hours_and_break_the_checker_refuses_five_hours_without_one() -> None:
    """Two doors two and a half hours apart, there and back: five hours at the wheel."""
    van = shift(start_s=6 * HOUR, end_s=15 * HOUR)
    free = problem(visit(1, 150), shifts=(van,))
    driven = plan(free, {1: [1]})
    assert violations(driven, free) == []
    without = replace(free, shifts=(under(EU, van),))
    assert [each.code for each in violations(driven, without)] == ["max_travel"]
    noon = replace(van, breaks=(rest(at=(10, 10.5)),))
    with_it = replace(free, shifts=(under(EU, noon),))
    assert violations(plan(with_it, {1: [1]}), with_it) == []


def test_nobody_s_rules_limit_nothing_and_unknown_ones_are_refused() -> None:
    van = shift()
    assert under(rule_of("none", who="Van 1"), van) == van
    with pytest.raises(InvalidInput, match="Choose one of: none, eu"):
        rule_of("moon", who="Van 1")


# ---------------------------------------------------------------------------- rest since yesterday


def driven(key: int = 1, *, driver: int = 1, rule_set: str = "eu", **values: Any) -> Shift:
    who = Driver(id=driver, name=f"Driver {driver}", depot_id=1, rule_set=rule_set)
    return days.shift(key, driver=who, **values)


def facts(*shifts: Shift, until: int | None = None, **values: Any) -> DayFacts:
    """`until`: the hour of the evening before at which the duty of Driver 1 was over."""
    worked = () if until is None else (Worked(driver_id=1, until=datetime(2026, 5, 11, until, tzinfo=UTC)),)
    return days.facts(shifts=shifts, worked=worked, depots=(depot(zone="UTC"),), **values)


def hours(day: DayFacts, key: int = 1) -> tuple[str, str]:
    of: Problem = built(day)
    offer = next(each for each in of.shifts if each.id == key)
    return clock(of, offer.start_s), clock(of, offer.until_s)


def test_who_was_off_late_begins_eleven_hours_after() -> None:
    assert hours(facts(driven())) == ("07:00", "15:00")
    assert hours(facts(driven(), until=19)) == ("07:00", "15:00")
    assert hours(facts(driven(), until=22)) == ("09:00", "15:00")
    assert hours(facts(driven(rule_set="none"), until=22)) == ("07:00", "15:00")
    assert hours(facts(driven(driver=2), until=22)) == ("07:00", "15:00"), "another driver"


def test_who_rests_less_begins_nine_hours_after() -> None:
    late = facts(driven(), until=23)
    assert hours(late) == ("10:00", "15:00")
    (duty,) = late.worked
    assert hours(replace(late, worked=(replace(duty, is_reduced=True),))) == ("08:00", "15:00")
    # Of two days of one plan the first says it.
    first, second = driven(1, starts="08:00", ends="23:00"), replace(driven(2, ends="14:00"), day="2026-05-13")
    for rest_after, until, begins in (("full", "21:00", "08:00"), ("reduced", "23:00", "08:00")):
        day = replace(facts(replace(first, rest_after=rest_after), second), to_day="2026-05-13")
        assert (hours(day, 1)[1], hours(day, 2)[0]) == (until, begins)


def test_a_shift_that_is_over_before_its_driver_has_rested_takes_nothing_and_says_so() -> None:
    day = facts(driven(ends="08:30"), until=22)
    of = built(day)
    (left,) = why_left_out(of, replace(plan(of, {}), unassigned=()))
    assert (left.reasons, left.proven) == ((Reason.DRIVER_HOURS,), True)
    assert left.detail == "Van 1 (Driver 1) is over before its driver has rested from the duty before."


def test_rest_and_what_rides_a_van_with_goods_on_board_keeps_its_hours() -> None:
    riding = (Riding(delivery_id=1, shift_id=1, position=0, state="loaded"),)
    day = facts(driven(), until=22, riding=riding, deliveries=(delivery(state="loaded"),))
    assert hours(day) == ("07:00", "15:00")


def test_rest_and_several_days_the_second_begins_after_the_first() -> None:
    late = driven(1, starts="12:00", ends="21:00", overtime_s=HOUR)
    next_day = replace(driven(2, starts="06:00", ends="14:00"), day="2026-05-13")
    day = replace(facts(late, next_day), to_day="2026-05-13")
    assert hours(day, 1) == ("12:00", "22:00")
    assert hours(day, 2) == ("09:00", "14:00")


def test_two_shifts_of_a_driver_share_the_driving_and_the_duty_of_the_day() -> None:
    of = built(facts(driven(1, starts="06:00", ends="09:00"), driven(2, starts="16:00", ends="20:00")))
    assert [each.max_travel_s for each in of.shifts] == [NINE // 2, NINE // 2]
    assert [clock(of, each.until_s) for each in of.shifts] == ["09:00", "19:00"]


# ---------------------------------------------------------------------------- another driver takes the van


def test_another_driver_costs_what_being_new_to_the_doors_costs() -> None:
    """Two doors name who knows them: the first Driver 1, the second Driver 7, who takes the van."""
    known = {1: ("F1",), 2: ("F7",)}
    doors = [days.site(key, known_to=known[key], stranger_price=100 * key) for key in (1, 2)]
    own = replace(days.shift(driver_number="F1"), day="2026-03-03")
    day = days.facts(shifts=(own,), sites=doors, deliveries=[delivery(key) for key in (1, 2)])
    of = problem(visit(1, 1), visit(2, 2, strangers=((1, 200_000),)))
    held = plan(of, {1: [1, 2]})
    spare = Driver(id=7, name="Driver 7", depot_id=1, number="F7")
    (found,) = take_van(held, of, day, shift=own, spares=[spare])
    assert found.cost == 100_000 - 200_000
    assert found.plan.cost == held.cost - 100_000
    for each in (found.plan, found.problem), renamed_shift(found.plan, found.problem, old=1, new=44):
        assert violations(*each) == []


def test_of_a_van_that_is_out_nothing_is_owed_for_its_drivers_list_and_a_spare_driver_takes_it_over() -> None:
    """Door 1 is on the list of Driver 1, door 2 on that of Driver 2; van 1 brings both, at 10.00 a change."""
    vans = tuple(replace(days.shift(key), day="2026-03-03") for key in (1, 2, 3))
    lists = [Listed(driver_id=key, day="2026-03-03") for key in (1, 2)]
    day = days.facts(
        shifts=vans, sites=[days.site(1), days.site(2)], prices=PlanPrices(change=1000),
        deliveries=[delivery(key, listed=listed) for key, listed in enumerate(lists, 1)],
    )  # fmt: skip
    owed = {key: tuple((van, 1_000_000) for van in (1, 2, 3) if van != key) for key in (1, 2)}
    of = problem(
        *(visit(key, key, strangers=owed[key], changed=owed[key]) for key in (1, 2)),
        shifts=tuple(shift(key) for key in (1, 2, 3)),
    )
    freed = nobodys_run(of, day, 1, [1, 2])
    assert [dict(each.changed).keys() - {1} for each in freed.visits] == [set(), {3}]
    assert [dict(each.strangers).keys() - {1} for each in freed.visits] == [set(), {3}]
    held = plan(of, {1: [1, 2]})
    spare = Driver(id=7, name="Driver 7", depot_id=1)
    (found,) = take_van(held, of, day, shift=vans[0], spares=[spare])
    assert found.cost == 0
    for each in (found.plan, found.problem), renamed_shift(found.plan, found.problem, old=1, new=44):
        assert violations(*each) == []
        assert sum(changed(each[1], each[0].routes[0]).values()) == 1_000_000


def spares(*, long: bool, until: int | None = None, rule_set: str = "eu") -> list[str]:
    """Who may take a van that drives five hours, or five minutes."""
    of = problem(visit(1, 150 if long else 2), shifts=(shift(start_s=6 * HOUR, end_s=15 * HOUR),))
    own = replace(days.shift(), day="2026-03-03")
    worked = () if until is None else (Worked(driver_id=7, until=datetime(2026, 3, 2, until, tzinfo=UTC)),)
    day = days.facts(shifts=(own,), worked=worked)
    spare = Driver(id=7, name="Driver 7", depot_id=1, rule_set=rule_set)
    found = take_van(plan(of, {1: [1]}), of, day, shift=own, spares=[spare])
    assert all(violations(each.plan, each.problem) == [] for each in found)
    return [each.title for each in found]


def test_a_spare_driver_is_asked_only_for_what_the_hours_allow() -> None:
    assert spares(long=False) == ["Driver 7 takes Van 1"]
    assert spares(long=True, rule_set="none") == ["Driver 7 takes Van 1"]
    assert spares(long=True) == []
    assert spares(long=False, until=18) == ["Driver 7 takes Van 1"]
    assert spares(long=False, until=20) == [], "rested at 07:00, and the van leaves before"
