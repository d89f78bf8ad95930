"""Speed by slice of the day: how long ways take, and that the schedule and the checker mean the same by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.errors import InvalidInput, InvalidProblem
from routing.model.day import SpeedRow
from routing.model.plans import FREE, CostScheme, PlannedRoute, Problem, SpeedSlice
from routing.rules.check import violations
from routing.rules.learnt_speeds import DrivenLeg, LearntSlice, learnt
from routing.rules.schedule import Failure, Timetable, schedule
from routing.rules.time_of_day import Pace, check_table, slices_of, travel_at
from tests.routing.builders_plans import HOUR, MINUTE, between, pause, plan, problem, shift, visit
from tests.routing.drawn_problems import problems

HELSINKI = ZoneInfo("Europe/Helsinki")


def speeds(*slices: tuple[int, int, int], profile: str = "van") -> tuple[SpeedSlice, ...]:
    return tuple(SpeedSlice(profile=profile, start_s=a, end_s=b, factor=f) for a, b, f in slices)


@st.composite
def paces(draw: st.DrawFn) -> Pace:
    borders = sorted(draw(st.sets(st.integers(0, 5000), min_size=2, max_size=8)))
    factors = st.sampled_from([100, 333, 700, 1000, 1300, 2000, 7777, 10_000])
    pairs = list(zip(borders[::2], borders[1::2], strict=False))
    return Pace(speeds(*((a, b, draw(factors)) for a, b in pairs)))


@given(pace=paces(), leave=st.integers(-100, 6000), later=st.integers(0, 500), travel=st.integers(0, 3000))
def test_whoever_leaves_later_never_arrives_earlier(pace: Pace, leave: int, later: int, travel: int) -> None:
    assert leave <= pace.arrive(leave, travel) <= pace.arrive(leave + later, travel)


@given(pace=paces(), at=st.integers(-100, 8000), travel=st.integers(0, 3000))
def test_the_last_moment_to_leave_is_the_last_that_arrives_in_time(pace: Pace, at: int, travel: int) -> None:
    leave = pace.leave(at, travel)
    assert pace.arrive(leave, travel) <= at < pace.arrive(leave + 1, travel)


@given(leave=st.integers(-100, 6000), travel=st.integers(0, 3000))
def test_a_hundred_per_cent_changes_nothing(leave: int, travel: int) -> None:
    pace = Pace(speeds((1000, 3000, 1000)))
    assert pace.arrive(leave, travel) == leave + travel
    assert pace.leave(leave, travel) == leave - travel


@given(
    pace=paces(),
    leave=st.integers(0, 4000),
    travel=st.integers(0, 2000),
    begin=st.integers(0, 3000),
    lasts=st.integers(1, 900),
)
def test_a_pause_on_the_way_never_takes_more_than_was_kept_free(
    pace: Pace, leave: int, travel: int, begin: int, lasts: int
) -> None:
    begin += leave
    kept = max(pace.arrive(leave, travel, pace.most_lost(lasts, [(leave, leave + 4000)])), begin + lasts)
    assert pace.arrive_with(leave, travel, [(begin, lasts)]) <= kept


def test_a_leg_that_crosses_a_border_is_driven_at_both_speeds() -> None:
    """Ten minutes freely, then thirty of forty at twice the time."""
    day = replace(problem(visit(1, 40), shifts=(shift(start_s=6 * HOUR + 50 * MINUTE),)), speeds=speeds())
    rush = replace(day, speeds=speeds((7 * HOUR, 9 * HOUR, 2000)))
    route, slow = schedule(day, 1, [1]), schedule(rush, 1, [1])
    assert isinstance(route, PlannedRoute)
    assert isinstance(slow, PlannedRoute)
    assert route.stops[0].arrival_s == 7 * HOUR + 30 * MINUTE
    assert slow.stops[0].arrival_s == 8 * HOUR
    assert slow.stops[0].travel_s == 70 * MINUTE


def test_with_a_morning_rush_the_van_leaves_earlier_for_the_same_window() -> None:
    door = visit(1, 30, windows=between(9 * HOUR, 9 * HOUR))
    day = problem(door, shifts=(shift(start_s=6 * HOUR),))
    rush = replace(day, speeds=speeds((7 * HOUR, 9 * HOUR, 1500)))
    route, slow = schedule(day, 1, [1]), schedule(rush, 1, [1])
    assert isinstance(route, PlannedRoute)
    assert isinstance(slow, PlannedRoute)
    assert route.start_s == 8 * HOUR + 30 * MINUTE
    assert slow.start_s == 8 * HOUR + 15 * MINUTE


def test_what_is_reached_freely_may_be_out_of_reach_in_the_rush() -> None:
    door = visit(1, 50, windows=between(8 * HOUR, 8 * HOUR + 55 * MINUTE))
    day = problem(door)
    assert isinstance(schedule(day, 1, [1]), PlannedRoute)
    missed = schedule(replace(day, speeds=speeds((8 * HOUR, 9 * HOUR, 1300))), 1, [1])
    assert isinstance(missed, Failure)


def test_a_bike_passes_the_rush_of_the_vans() -> None:
    day = replace(problem(visit(1, 30)), speeds=speeds((7 * HOUR, 9 * HOUR, 2000), profile="truck"))
    route = schedule(day, 1, [1])
    assert isinstance(route, PlannedRoute)
    assert route.stops[0].travel_s == 30 * MINUTE


def test_a_slow_vehicle_is_slowed_again_by_the_rush() -> None:
    """30 min at half speed are 60, of which 60 take half as long again."""
    day = problem(visit(1, 30), shifts=(shift(speed_factor=0.5),))
    route = schedule(replace(day, speeds=speeds((7 * HOUR, 12 * HOUR, 1500))), 1, [1])
    assert isinstance(route, PlannedRoute)
    assert route.stops[0].travel_s == 90 * MINUTE


def test_a_break_on_a_leg_through_the_rush_keeps_the_window() -> None:
    """Leaves at 8:00, drives 60 min of the rush = 40 free ones, rests 9:00-9:30, drives the other 20: 9:50."""
    day = problem(visit(1, 60), shifts=(shift(breaks=(pause(at=(9 * HOUR, 9 * HOUR)),), end_s=14 * HOUR),))
    rush = replace(day, speeds=speeds((7 * HOUR, 9 * HOUR, 1500)))
    route = schedule(rush, 1, [1])
    assert isinstance(route, PlannedRoute)
    assert route.stops[0].arrival_s == 9 * HOUR + 50 * MINUTE
    assert route.stops[0].travel_s == 80 * MINUTE
    assert violations(plan(rush, {1: [1]}), rush) == []


def test_driving_hours_count_the_minutes_in_the_rush() -> None:
    day = problem(visit(1, 30), shifts=(shift(max_travel_s=HOUR),))
    assert isinstance(schedule(day, 1, [1]), PlannedRoute)
    slow = schedule(replace(day, speeds=speeds((8 * HOUR, 9 * HOUR, 1100))), 1, [1])
    assert isinstance(slow, Failure)
    assert slow.reason == "driver_hours"


def test_hours_of_travel_are_paid_as_they_were_driven() -> None:
    costs = CostScheme(per_travel_hour=3600)
    day = problem(visit(1, 30), shifts=(shift(cost=costs),))
    rush = replace(day, speeds=speeds((8 * HOUR, 12 * HOUR, 1500)))
    one, other = Timetable(day).times(1, [1]), Timetable(rush).times(1, [1])
    assert one is not None
    assert other is not None
    assert (one.cost, other.cost) == (3600, 5400)


def test_the_checker_refuses_a_plan_that_was_timed_without_the_rush() -> None:
    day = problem(visit(1, 30), visit(2, 10))
    rush = replace(day, speeds=speeds((7 * HOUR, 9 * HOUR, 1300)))
    assert violations(plan(rush, {1: [1, 2]}), rush) == []
    assert "travel" in {each.code for each in violations(plan(day, {1: [1, 2]}), rush)}
    assert "travel" in {each.code for each in violations(plan(rush, {1: [1, 2]}), day)}


def test_slices_that_overlap_or_end_before_they_begin_are_refused() -> None:
    with pytest.raises(InvalidProblem, match="ends at 5 s"):
        speeds((9, 5, 1300))
    with pytest.raises(InvalidProblem, match="hold for van"):
        replace(problem(visit(1, 1)), speeds=speeds((0, 100, 1300), (50, 200, 1400)))
    with pytest.raises(InvalidProblem, match="thousandths"):
        speeds((0, 5, 99))


def test_a_pace_is_rounded_so_that_whole_slices_stay_whole() -> None:
    pace = Pace(speeds((0, 10 * HOUR, 1300)))
    assert [pace.arrive(0, s) for s in (10, 600, 3600, 7200)] == [13, 780, 4680, 9360]
    assert pace.rows[-1][2] == FREE


def test_who_comes_back_for_more_waits_at_the_depot_through_the_rush() -> None:
    """Two trips of one delivery; the second door opens at eleven: off at 10:40, twenty minutes after the rush."""
    van = shift(capacity=(1,), most_trips=2, reload_s=10 * MINUTE, end_s=14 * HOUR)
    day = problem(visit(1, 20), visit(2, 20, windows=between(11 * HOUR, 12 * HOUR)), shifts=(van,))
    rush = replace(day, speeds=speeds((8 * HOUR, 10 * HOUR, 2000)))
    route = schedule(rush, 1, [1, 2])
    assert isinstance(route, PlannedRoute)
    assert [trip.departure_s for trip in route.trips][1] == 10 * HOUR + 40 * MINUTE
    assert route.stops[1].travel_s == 20 * MINUTE
    assert violations(plan(rush, {1: [1, 2]}), rush) == []


@given(day=problems(most=5, by_clock=True), draw=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_the_schedule_times_by_the_clock_the_checker_finds_true(day: Problem, draw: st.DataObject) -> None:
    if not day.visits or not day.shifts:
        return
    table = Timetable(day)
    ids = draw.draw(st.permutations([one.id for one in day.visits]))
    for one in day.shifts:
        for length in range(1, len(ids) + 1):
            route = table.route(one.id, ids[:length])
            if isinstance(route, PlannedRoute):
                alone = plan(day, {one.id: list(ids[:length])})
                about_the_route = {each.code for each in violations(alone, day)} - {"visit_missing", "lock"}
                assert about_the_route == set()


# ---- the table


RUSH = SpeedRow(weekdays=("mon", "tue", "wed", "thu", "fri"), begins="07:00", ends="09:00", percent=130)


@pytest.mark.parametrize(("day", "utc"), [("2026-03-27", 5), ("2026-03-30", 4)])
def test_the_rush_stays_at_seven_when_the_clocks_change(day: str, utc: int) -> None:
    """Helsinki's clocks go forward on Sunday 29 March 2026."""
    on = date.fromisoformat(day)
    epoch = datetime.combine(on, datetime.min.time(), tzinfo=UTC)
    found = slices_of([RUSH], first=on, last=on, zone=HELSINKI, epoch=epoch, profiles=["van"])
    assert [each for each in found if 0 <= each.start_s < 24 * HOUR] == [
        SpeedSlice(profile="van", start_s=utc * HOUR, end_s=(utc + 2) * HOUR, factor=1300)
    ]


def test_a_slice_through_the_hour_that_comes_twice_lasts_into_both_and_never_overlaps() -> None:
    """25 October 2026: from 04:00 the clock goes back to 03:00."""
    on = date(2026, 10, 25)
    rows = [
        SpeedRow(begins="02:00", ends="03:30", percent=120),
        SpeedRow(begins="03:30", ends="05:00", percent=150),
    ]
    epoch = datetime(2026, 10, 24, 21, tzinfo=UTC)  # midnight
    found = slices_of(rows, first=on, last=on, zone=HELSINKI, epoch=epoch, profiles=["van"])
    assert [(s.start_s / HOUR, s.end_s / HOUR, s.factor) for s in found if 0 <= s.start_s < 20 * HOUR] == [
        (2, 3.5, 1200),
        (3.5, 6, 1500),
    ]


def test_a_slice_over_midnight_belongs_to_the_day_it_begins() -> None:
    night = SpeedRow(weekdays=("mon",), begins="22:00", ends="06:00", percent=80)
    monday = datetime(2026, 3, 2, 20, tzinfo=UTC)
    assert [
        travel_at([night], 100, monday.replace(day=day, hour=hour), zone=ZoneInfo("UTC"), profile="van")
        for day, hour in ((2, 5), (2, 22), (3, 5), (3, 22))
    ] == [100, 80, 80, 100]


def test_rows_for_a_kind_of_vehicle_hold_instead_of_those_for_all() -> None:
    rows = [RUSH, SpeedRow(begins="00:00", ends="24:00", percent=100, profile="bike")]
    at = datetime(2026, 3, 3, 5, 30, tzinfo=UTC)
    assert travel_at(rows, 600, at, zone=HELSINKI, profile="van") == 780
    assert travel_at(rows, 600, at, zone=HELSINKI, profile="bike") == 600
    assert travel_at([], 600, at, zone=HELSINKI, profile="van") == 600


def test_a_slice_of_the_afternoon_for_vans_takes_nothing_from_the_morning_of_all() -> None:
    """The morning's 130 % holds for vans too; from 15:00 their own row, also where the one for all goes on."""
    rows = [
        RUSH,
        SpeedRow(begins="14:00", ends="18:00", percent=120),
        SpeedRow(begins="15:00", ends="17:00", percent=200, profile="van"),
    ]
    day = datetime(2026, 3, 3, tzinfo=HELSINKI)
    asked = [(7, "van"), (14, "van"), (15, "van"), (17, "van"), (15, "truck"), (7, "bike"), (12, "van")]
    assert [travel_at(rows, 100, day.replace(hour=h, minute=30), zone=HELSINKI, profile=who) for h, who in asked] == [
        130, 120, 200, 120, 120, 100, 100,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([replace(RUSH, percent=0)], "0 % of the free travel time"),
        ([replace(RUSH, percent=900)], "900 % of the free travel time"),
        ([replace(RUSH, ends="07:00")], "is empty"),
        ([replace(RUSH, begins="7")], "no time of day"),
        ([replace(RUSH, weekdays=("someday",))], "no weekday"),
        ([RUSH, replace(RUSH, begins="08:00", ends="10:00")], "begin at 07:00 and at 08:00 overlap on mon"),
        ([SpeedRow(weekdays=("sun",), begins="22:00", ends="06:00", percent=80),
          SpeedRow(weekdays=("mon",), begins="05:00", ends="07:00", percent=120)], "overlap on mon"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_is_refused(rows: list[SpeedRow], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        check_table(rows)


def test_slices_that_follow_each_other_are_no_overlap() -> None:
    check_table(
        [
            RUSH,
            replace(RUSH, begins="09:00", ends="15:00", percent=110),
            replace(RUSH, profile="bike", percent=100),
            SpeedRow(begins="20:00", ends="06:00", percent=90),
        ]
    )
    check_table([])


# ---------------------------------------------------------------------------- learnt from what was driven

MORNING = SpeedRow(begins="07:00", ends="09:00", percent=100)


def legs_of(vehicle: int, percents: list[int], *, days: int = 5) -> list[DrivenLeg]:
    """Ways of ten minutes on free roads, each in so many per cent of them, one after the other over some days."""
    legs = []
    for n, percent in enumerate(percents):
        day = date(2026, 3, 2) + timedelta(days=n % days)
        left = datetime.combine(day, time(7, 10), tzinfo=UTC) + timedelta(seconds=vehicle)
        legs.append(
            DrivenLeg(
                day=day.isoformat(), left_at=left, arrived_at=left + timedelta(seconds=6 * percent), free_s=600,
                profile="van", vehicle=vehicle,
            )
        )  # fmt: skip
    return legs


def learnt_of(*legs: list[DrivenLeg]) -> LearntSlice:
    return learnt([MORNING], [each for some in legs for each in some], zone=ZoneInfo("UTC"))[0]


def test_two_vehicles_prove_nothing_however_much_they_drove() -> None:
    said = learnt_of(legs_of(1, [150] * 60), legs_of(2, [150] * 60))
    assert (said.percent, said.vehicles) == (None, 2)
    assert said.why_not == "120 of the 30 legs, 5 of the 5 days and 2 of the 3 vehicles that it takes"


def test_one_slow_phone_does_not_slow_a_slice() -> None:
    honest = [legs_of(1, [110] * 10), legs_of(2, [120] * 10), legs_of(3, [115] * 10)]
    slow = learnt_of(*honest, legs_of(4, [400] * 500))
    assert (slow.legs, slow.vehicles, slow.days) == (530, 4, 5)
    assert (slow.lowest, slow.highest) == (110, 400)  # the page shows that they do not agree
    assert slow.percent == 118  # the middle of 110, 115, 120 and 400 is 117.5
    free_of_it = learnt_of(*honest)
    assert (free_of_it.percent, free_of_it.lowest, free_of_it.highest) == (115, 110, 120)


@given(data=st.data(), vehicles=st.integers(3, 12))
def test_fewer_than_half_forged_bring_no_slice_out_of_what_the_others_drove(data: st.DataObject, vehicles: int) -> None:
    """Two of ten may not, and no minority may: however many ways it makes up, and however few the others drove."""
    forgers = data.draw(st.integers(1, (vehicles - 1) // 2))
    honest = [data.draw(st.lists(st.integers(90, 180), min_size=1, max_size=20)) for _ in range(vehicles - forgers)]
    forged = [data.draw(st.lists(st.integers(20, 1100), min_size=30, max_size=100)) for _ in range(forgers)]
    said = learnt_of(*(legs_of(n, some) for n, some in enumerate([*honest, *forged], 1)))
    assert said.percent is not None
    assert min(map(min, honest)) <= said.percent <= max(map(max, honest))


def test_two_forged_phones_of_ten_do_not_decide() -> None:
    honest = [legs_of(n, [100 + n] * 10) for n in range(1, 9)]
    said = learnt_of(*honest, legs_of(9, [900] * 400), legs_of(10, [900] * 400))
    # 101 to 108 and twice 900: the middle two are 105 and 106.
    assert said.percent == 106


def learnt_of_few(*legs: list[DrivenLeg], fleet: dict[str, int] | None = None) -> LearntSlice:
    every = [each for some in legs for each in some]
    return learnt([MORNING], every, zone=ZoneInfo("UTC"), fleet=fleet or {"van": len(legs)})[0]


def test_the_only_van_of_a_company_is_heard_after_fifteen_days() -> None:
    early = learnt_of_few(legs_of(1, [130] * 60, days=14))
    assert early.percent is None
    assert early.why_not == "60 of the 30 legs and 14 of the 15 days of one vehicle that it takes"
    said = learnt_of_few(legs_of(1, [130] * 60, days=15))
    assert (said.percent, said.days, said.vehicles, said.by_days) == (130, 15, 1, True)
    thin = learnt_of_few(legs_of(1, [130] * 29, days=15))
    assert thin.why_not == "29 of the 30 legs and 15 of the 15 days of one vehicle that it takes"


def test_a_week_that_went_wrong_does_not_decide_for_the_only_van() -> None:
    """A day has one vote, however many ways its phone told of it."""
    ordinary = [120, 130, 140] * 10
    odd = [900] * 300
    by_day = {n: ordinary[n::10] for n in range(10)} | {10 + n: odd[n::5] for n in range(5)}
    legs = []
    for day, percents in by_day.items():
        for leg in legs_of(1, percents, days=1):
            moved = timedelta(days=day)
            on = (leg.left_at + moved).date().isoformat()
            legs.append(replace(leg, day=on, left_at=leg.left_at + moved, arrived_at=leg.arrived_at + moved))
    said = learnt_of_few(legs)
    assert said.percent == 130
    assert (said.lowest, said.highest) == (130, 900)


@given(data=st.data())
def test_fewer_than_half_of_a_vans_days_bring_it_never_out_of_the_others(data: st.DataObject) -> None:
    days = data.draw(st.integers(15, 25))
    wrong = data.draw(st.integers(0, (days - 1) // 2))
    honest = [data.draw(st.lists(st.integers(90, 180), min_size=2, max_size=6)) for _ in range(days - wrong)]
    forged = [data.draw(st.lists(st.integers(20, 1100), min_size=2, max_size=20)) for _ in range(wrong)]
    legs = []
    for day, percents in enumerate([*honest, *forged]):
        for leg in legs_of(1, percents, days=1):
            moved = timedelta(days=day)
            on = (leg.left_at + moved).date().isoformat()
            legs.append(replace(leg, day=on, left_at=leg.left_at + moved, arrived_at=leg.arrived_at + moved))
    said = learnt_of_few(legs)
    assert said.percent is not None
    assert min(map(min, honest)) <= said.percent <= max(map(max, honest))


def test_two_vans_have_one_vote_each_and_one_that_hardly_drove_is_not_heard() -> None:
    both = learnt_of_few(legs_of(1, [110] * 300, days=20), legs_of(2, [130] * 30, days=15))
    assert (both.percent, both.vehicles, both.lowest, both.highest) == (120, 2, 110, 130)
    hardly = learnt_of_few(legs_of(1, [110] * 300, days=20), legs_of(2, [400] * 60, days=14))
    assert (hardly.percent, hardly.highest) == (110, 110)


def test_a_company_with_three_vehicles_waits_until_three_have_driven() -> None:
    alone = learnt_of_few(legs_of(1, [130] * 60, days=20), fleet={"van": 3})
    assert alone.why_not == "60 of the 30 legs, 20 of the 5 days and 1 of the 3 vehicles that it takes"


def test_what_a_company_has_few_of_counts_by_the_vehicles_that_the_slice_holds_for() -> None:
    """Ten vans and a truck: the truck's own slice is learnt of the truck, and the bikes make no fleet of vans."""
    truck = [replace(leg, profile="truck") for leg in legs_of(1, [140] * 60, days=15)]
    row = replace(MORNING, profile="truck")
    (said,) = learnt([row], truck, zone=ZoneInfo("UTC"), fleet={"van": 10, "truck": 1})
    assert (said.percent, said.by_days) == (140, True)
    assert learnt_of_few(legs_of(1, [130] * 60, days=15), fleet={"van": 1, "bike": 9}).percent == 130
    assert learnt_of_few(legs_of(1, [130] * 60, days=15), fleet={"van": 1, "car": 2}).percent is None


def test_a_slice_that_three_have_driven_is_theirs_though_the_company_has_two_left() -> None:
    said = learnt_of_few(*(legs_of(n, [100 + 10 * n] * 20) for n in (1, 2, 3)), fleet={"van": 2})
    assert (said.percent, said.by_days) == (120, False)
