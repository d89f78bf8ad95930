"""A van that is late: what breaks when it goes on, and the ways out. Door k lies k minutes from the depot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from routing.model.day import DayFacts, DeliveryFacts, DepotFacts, Promised, Riding, SiteFacts, WallWindow
from routing.model.fleet import Driver, Shift, Vehicle
from routing.model.places import Location, PinQuality
from routing.model.plans import CostScheme, Lock, Plan, PlannedRoute, Problem, Window
from routing.rules.behind import Behind, Tomorrow, how_it_goes_on, ways_out
from routing.rules.changes import orders_of
from routing.rules.check import violations
from routing.rules.driver_out import OutKind, OutOption
from routing.rules.schedule import Failure, Timetable
from tests.routing.builders_plans import HOUR, MINUTE, plan, problem, shift, visit

EIGHT = 8 * HOUR
VAN = Shift(
    id=1, day="2026-03-03", depot_id=1, starts="08:00", ends="12:00",
    vehicle=Vehicle(id=1, name="Van 4", depot_id=1), driver=Driver(id=1, name="Driver 4", depot_id=1),
)  # fmt: skip


def facts(promised: dict[int, tuple[str, str]], *, doors: int, tiers: dict[int, int]) -> DayFacts:
    """`promised`: of these deliveries a window of today; the others are promised nothing."""
    return DayFacts(
        from_day="2026-03-03",
        to_day="2026-03-03",
        depots=(DepotFacts(id=1, name="Depot 1", zone="UTC", location=Location(lat=60.0, lon=25.0)),),
        sites=tuple(
            SiteFacts(
                id=n, name=f"Café {n}", customer=f"Customer {n}", address="", pin_quality=PinQuality.EXACT,
                location=Location(lat=60.0, lon=25.0 + n / 1000),
            )
            for n in range(1, doors + 1)
        ),
        deliveries=tuple(
            DeliveryFacts(
                id=n, number=f"D-{n}", site_id=n, depot_id=1, for_day="2026-03-03", state="dispatched",
                tier=tiers.get(n, 1), oldest_ordered_at=datetime(2026, 3, 1, tzinfo=UTC),
                promised=Promised(day="2026-03-03", window_from=promised[n][0], window_to=promised[n][1])
                if n in promised else None,
            )
            for n in range(1, doors + 1)
        ),
        shifts=(VAN,),
        riding=tuple(
            Riding(delivery_id=n, shift_id=1, position=n - 1, state="done" if n == 1 else "dispatched")
            for n in range(1, doors + 1)
        ),
    )  # fmt: skip


class Late:
    """A van with doors 1, 2, 3 ... in that order, the first done; its next stop is reached `late` minutes behind."""

    def __init__(
        self,
        *,
        doors: int = 5,
        late: int,
        promised: dict[int, tuple[str, str]] | None = None,
        tiers: dict[int, int] | None = None,
        ends: int = 12 * HOUR,
        closes: dict[int, int] | None = None,
        tomorrow: dict[int, Tomorrow] | None = None,
        overtime: int = 0,
        late_goods: int = 0,
        street: dict[int, tuple[str, int]] | None = None,
    ) -> None:
        visits = [
            visit(
                n, n, name=f"D-{n}", tier=(tiers or {}).get(n, 1), late_per_hour=60_000,
                windows=(Window(start_s=0, end_s=(closes or {}).get(n, 24 * HOUR), late_s=late_goods),),
                motor_windows=(Window(start_s=0, end_s=street[n][1]),) if street and n in street else (),
            )
            for n in range(1, doors + 1)
        ]  # fmt: skip
        rates = CostScheme(fixed=1000, per_hour=3600, per_km=100, per_overtime_hour=36_000)
        self.day: Problem = problem(
            *visits,
            shifts=(
                shift(
                    1, end_s=ends, name="Van 4", capacity=(max(10, doors),), cost=rates, overtime_s=overtime, motor=True
                ),
            ),
            locks=tuple(Lock(visit=n, shift=1, done=n == 1) for n in range(1, doors + 1)),
        )
        self.plan: Plan = plan(self.day, {1: list(range(1, doors + 1))})
        self.facts = facts(promised or {}, doors=doors, tiers=tiers or {})
        hours = {n: (WallWindow(opens="06:00", closes=closes),) for n, (closes, _) in (street or {}).items()}
        sites = tuple(replace(each, motor_hours=hours.get(each.id, ())) for each in self.facts.sites)
        self.facts = replace(self.facts, sites=sites)
        planned = self.plan.routes[0].stops[1].arrival_s
        found = how_it_goes_on(
            self.plan, self.day, self.facts, shift=VAN, arrives_s=planned + late * MINUTE,
            tomorrow=lambda each: (tomorrow or {}).get(each.id, Tomorrow()),
        )  # fmt: skip
        self.behind: Behind | None = found

    def ways(self, leave: set[int] | None = None) -> dict[OutKind, OutOption]:
        assert self.behind is not None
        found = ways_out(self.behind, self.facts, shift=VAN, leave=leave)
        for each in found:
            assert violations(each.plan, each.problem) == []
        return {each.kind: each for each in found}


def test_what_is_on_time_needs_no_decision() -> None:
    assert Late(late=0).behind is None
    assert Late(late=4).behind is None


def test_a_late_van_comes_as_late_to_every_door_and_says_which_promises_break() -> None:
    # Planned: 08:01 door 1, then 6 minutes a door: 08:07, 08:13, 08:19, 08:25. Half an hour later: 08:37 ... 08:55.
    it = Late(late=30, promised={3: ("08:00", "08:40"), 4: ("08:00", "08:49"), 5: ("08:30", "09:30")})
    assert it.behind is not None
    assert [stop.start_s - EIGHT for stop in it.behind.plan.routes[0].stops[1:]] == [
        n * MINUTE for n in (37, 43, 49, 55)
    ]
    assert [each.sentence for each in it.behind.broken] == [
        "Café 3 was promised Tue 3 Mar 2026, 08:00-08:40; D-3 would come at 08:43."
    ]
    assert (it.behind.closed, it.behind.over_s, it.behind.is_out_of_time) == ((), 0, False)


def test_another_order_keeps_what_going_on_breaks_and_tells_nobody_but_the_driver() -> None:
    it = Late(late=30, promised={3: ("08:00", "08:40"), 5: ("08:30", "09:30")})
    way = it.ways()[OutKind.OTHER_ORDER]
    order = orders_of(way.plan)[1]
    assert (order[0], order[1]) == (1, 3), "what is done stays first, the promised one comes next"
    assert (way.promises_broken, way.promises_kept, way.told) == ((), 1, ("Driver 4",))
    # Door 2 is served on the way home: on a line that is no detour.
    assert (order, way.cost) == ((1, 3, 4, 5, 2), 0)


def test_leaving_a_stop_behind_is_offered_only_where_fewer_promises_break() -> None:
    # Door 2 is promised nothing and stands before the promised ones: without it all come 6 minutes sooner.
    it = Late(late=30, promised={3: ("08:00", "08:40"), 4: ("08:00", "08:45")})
    way = it.ways()[OutKind.LEAVE]
    assert [gone.visit for gone in way.left_out] == [2], "door 5 ranks before it, but alone it helps nobody"
    assert way.promises_broken == ()
    every = {n: ("08:00", "08:30") for n in range(2, 6)}
    assert OutKind.LEAVE not in Late(late=60, promised=every).ways(), "leaving them breaks as many promises"


def test_a_van_that_cannot_finish_leaves_the_least_first() -> None:
    # Done at 08:25 + 5 of service + 5 home = 08:35 by plan. It is an hour late and must be back at 09:10.
    it = Late(late=60, ends=EIGHT + 70 * MINUTE, tiers={2: 3}, promised={3: ("08:00", "12:00")})
    assert it.behind is not None
    assert it.behind.over_s == 25 * MINUTE
    assert it.behind.is_out_of_time
    # No promise and tier 1: 4 and 5 (the later one first); then tier 3; then what was promised.
    assert [each.delivery for each in it.behind.ranked] == [5, 4, 2, 3]
    way = it.ways()[OutKind.LEAVE]
    kept = orders_of(way.plan)[1]
    assert way.plan.routes[0].end_s <= EIGHT + 70 * MINUTE
    assert {gone.visit for gone in way.left_out} == {1, 2, 3, 4, 5} - set(kept)


def test_tomorrows_route_decides_between_equals() -> None:
    near, far, later = (
        Tomorrow(day="2026-03-04", near_m=40), Tomorrow(day="2026-03-04", near_m=900), Tomorrow(day="2026-03-06"),
    )  # fmt: skip
    it = Late(late=60, ends=EIGHT + 70 * MINUTE, tomorrow={2: later, 3: far, 4: near, 5: later})
    assert it.behind is not None
    assert [each.delivery for each in it.behind.ranked] == [4, 3, 5, 2]
    assert it.behind.ranked[0].sentence == (
        "Not promised for today, tier 1; next delivery day Wed 4 Mar 2026, 40 m from a door of that day."
    )


def test_a_door_that_is_closed_anyway_stays_behind_before_all_others() -> None:
    it = Late(late=60, closes={4: EIGHT + 30 * MINUTE}, tiers={4: 9}, promised={4: ("08:00", "08:30")})
    assert it.behind is not None
    assert [each.sentence for each in it.behind.closed] == [
        "Café 4 takes goods until 08:30; D-4 would be there at 09:19."
    ]
    assert it.behind.ranked[0].delivery == 4
    ways = it.ways()
    assert [gone.visit for gone in ways[OutKind.LEAVE].left_out] == [4]
    assert OutKind.OVERTIME not in ways


def test_a_door_in_a_street_that_has_closed_to_motor_vehicles_stays_behind_before_all_others() -> None:
    it = Late(late=60, street={4: ("08:30", EIGHT + 25 * MINUTE)}, tiers={4: 9})
    assert it.behind is not None
    assert [each.sentence for each in it.behind.closed] == [
        "Café 4 takes motor vehicles 06:00-08:30 only; D-4 would be there at 09:19."
    ]
    assert it.behind.ranked[0].delivery == 4
    assert [gone.visit for gone in it.ways()[OutKind.LEAVE].left_out] == [4]


def test_a_door_that_is_in_time_when_others_stay_behind_is_not_given_up() -> None:
    # Door 5 would be found closed at 09:25; driven to at once it is reached at 09:10.
    it = Late(late=60, closes={5: EIGHT + 80 * MINUTE}, tiers={5: 9})
    assert it.behind is not None
    assert len(it.behind.closed) == 1
    assert [each.delivery for each in it.behind.ranked] == [4, 3, 2, 5]
    ways = it.ways()
    assert orders_of(ways[OutKind.OTHER_ORDER].plan)[1][-1] != 5, "another order finds every door open"
    assert [gone.visit for gone in ways[OutKind.LEAVE].left_out] == [4]


def test_overtime_brings_everything_and_costs_what_it_costs() -> None:
    it = Late(late=60, ends=EIGHT + 70 * MINUTE)
    way = it.ways()[OutKind.OVERTIME]
    assert way.left_out == ()
    assert way.title == "Van 4 (Driver 4) works until 09:35"
    assert way.cost == 0, "it is what going on costs; going home in time is what spares it"


def test_overtime_that_is_allowed_is_paid_and_leaves_nobody_behind() -> None:
    """It is done at 9:35 in a shift until 9:10: 25 minutes at 36 an hour."""
    it = Late(late=60, ends=EIGHT + 70 * MINUTE, overtime=25 * MINUTE)
    assert it.behind is not None
    assert (it.behind.over_s, it.behind.is_out_of_time) == (0, False)
    in_time = Late(late=60, ends=10 * HOUR).behind
    assert in_time is not None
    assert it.behind.plan.cost - in_time.plan.cost == 15_000
    # A minute more than is allowed has to be decided, and costs as much as the others.
    way = Late(late=60, ends=EIGHT + 70 * MINUTE, overtime=24 * MINUTE).ways()[OutKind.OVERTIME]
    assert way.plan.cost == it.behind.plan.cost


def test_a_door_that_takes_late_goods_is_not_closed_and_costs_what_it_costs() -> None:
    """Door 5 is reached at 9:25 and takes goods until 9:20, and ten minutes more: five minutes at 60 an hour."""
    closes = {5: 9 * HOUR + 20 * MINUTE}
    it = Late(late=60, closes=closes, late_goods=10 * MINUTE)
    assert it.behind is not None
    assert it.behind.closed == ()
    on_time = Late(late=60).behind
    assert on_time is not None
    assert it.behind.plan.cost - on_time.plan.cost == 5_000
    assert Late(late=60, closes=closes, late_goods=4 * MINUTE).behind.closed[0].delivery == 5


def test_a_person_may_name_what_stays_behind() -> None:
    it = Late(late=60, ends=EIGHT + 70 * MINUTE)
    way = it.ways(leave={2, 3, 4})[OutKind.LEAVE]
    assert orders_of(way.plan)[1] == (1, 5)


def test_another_order_of_a_long_route_is_found_in_a_bounded_number_of_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty doors an hour late, nearly all promised: every single move of every pass would be tens of thousands."""
    promised = {n: ("08:00", f"{8 + n * 13 % 240 // 60:02d}:{n * 13 % 240 % 60:02d}") for n in range(1, 61)}
    it = Late(doors=60, late=60, promised=promised, ends=40 * HOUR)
    assert it.behind is not None
    timed = 0
    plain = Timetable.route

    def counted(table: Timetable, shift_id: int, order: Sequence[int]) -> PlannedRoute | Failure:
        nonlocal timed
        timed += 1
        return plain(table, shift_id, order)

    monkeypatch.setattr(Timetable, "route", counted)
    way = it.ways()[OutKind.OTHER_ORDER]
    assert len(way.promises_broken) < len(it.behind.broken)
    assert timed < 1500
