"""A day that is planned in two trips: what a person changes, and what is done when the van runs late."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from routing.model.day import SavedPlan
from routing.rules.check import violations
from routing.rules.driver_out import OutKind
from routing.services.dispatching import dispatch_day
from routing.services.editing import move_delivery, show_move
from routing.services.lateness import apply_way_out, late_van, late_vans
from routing.services.loading import load_route
from routing.services.planning import plan_day


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough here: what these decisions write is tested on both where it is planned and dispatched."""
    return sqlite_url


class Twice:
    """A van for 20 kg and four doors of 10 kg each: two trips, with 20 minutes at the depot in between."""

    def __init__(self, day: Any, database: Database, kit: Any) -> None:
        self.database, self.kit = database, kit
        day.company()
        self.depot, product = day.depot(), day.product()
        self.deliveries = [
            day.delivery(site_id=day.site(), depot_id=self.depot, product_id=product, tier=tier)
            for tier in (1, 2, 3, 1)
        ]
        self.van = day.vehicle(depot_id=self.depot, weight_g=20_000, most_trips=2, reload_minutes=20)
        self.shift = day.shift(depot_id=self.depot, vehicle_id=self.van)
        self.plan_id = plan_day(
            self.open, from_day=kit.DAY, to_day=kit.DAY, depot_ids=[self.depot], travel=kit.StraightTravel(),
            solve=kit.greedy, clock=lambda: kit.NOW, by="test",
        ).plan_id  # fmt: skip

    def open(self) -> AbstractContextManager[SqlStore]:
        return open_store(self.database)

    def at(self, hours: float) -> Any:
        """So long after 07:00."""
        return self.kit.NOW + timedelta(hours=1, minutes=20) + timedelta(hours=hours)

    def goes_out(self) -> None:
        with self.open() as store:
            load_route(store, shift_id=self.shift, by="test", now=self.kit.NOW)
            dispatch_day(store, day=self.kit.DAY, depot_ids=[self.depot], secret=b"s" * 32, by="test", now=self.kit.NOW)

    def saved(self, plan_id: int | None = None) -> SavedPlan:
        with self.open() as store:
            return store.plan(plan_id or self.plan_id)

    def trips(self, plan_id: int | None = None) -> list[tuple[int, ...]]:
        """The deliveries of each trip, as numbers from 1."""
        (route,) = self.saved(plan_id).plan.routes
        return [
            tuple(self.deliveries.index(key) + 1 for stop in trip.stops for key in stop.visits) for trip in route.trips
        ]


@pytest.fixture
def twice(day: Any, database: Database, kit: Any) -> Twice:
    return Twice(day, database, kit)


def test_what_does_not_fit_goes_with_the_second_trip_after_reloading(twice: Twice) -> None:
    saved = twice.saved()
    assert violations(saved.plan, saved.problem) == []
    assert saved.plan.unassigned == ()
    first, second = saved.plan.routes[0].trips
    assert second.departure_s - first.return_s >= 20 * 60
    assert sorted(len(trip) for trip in twice.trips()) == [2, 2]


def test_a_stop_moves_to_the_other_trip_and_the_trips_are_cut_anew(twice: Twice) -> None:
    before = twice.trips()
    last = twice.deliveries[before[1][-1] - 1]
    with twice.open() as store:
        effect = show_move(store, plan_id=twice.plan_id, delivery=last, to_shift=twice.shift, position=0)
        assert effect.violations == ()
        new = move_delivery(
            store, plan_id=twice.plan_id, delivery=last, to_shift=twice.shift, position=0, by="test", now=twice.kit.NOW
        )
    after = twice.trips(new)
    assert (after[0][0], len(after[0]), len(after[1])) == (before[1][-1], 2, 2)


def test_what_is_on_board_stays_in_its_trip_and_a_move_that_would_change_that_is_refused_in_a_sentence(
    twice: Twice,
) -> None:
    twice.goes_out()
    on_board = twice.deliveries[twice.trips()[0][0] - 1]
    with twice.open() as store:
        effect = show_move(store, plan_id=twice.plan_id, delivery=on_board, to_shift=twice.shift, position=4)
    assert effect.plan is None
    assert effect.violations == (
        "In this order what is on board of one trip of Van 1 (Driver 1) would ride in another.",
    )


def test_a_van_that_is_late_is_late_on_its_second_trip_too(twice: Twice) -> None:
    twice.goes_out()
    with twice.open() as store:
        assert late_vans(store, plan_id=twice.plan_id, now=twice.at(0)) == ()
        (late,) = late_vans(store, plan_id=twice.plan_id, now=twice.at(0.5))
    assert late.behind is not None
    assert 25 * 60 <= late.behind.late_s <= 30 * 60
    assert [len(trip.stops) for trip in late.behind.plan.routes[0].trips] == [2, 2]


def test_what_cannot_be_done_any_more_stays_behind_and_its_goods_never_left(twice: Twice) -> None:
    twice.goes_out()
    second = sorted(twice.trips()[1])
    now = twice.at(7.6)  # 14:36, and the shift ends at 15:00: no time to come back and load
    with twice.open() as store:
        leave = [twice.deliveries[n - 1] for n in second]
        late = late_van(store, plan_id=twice.plan_id, shift_id=twice.shift, now=now, leave=leave)
        assert late.behind is not None
        assert late.behind.is_out_of_time
        chosen = next(each for each in late.options if each.kind is OutKind.LEAVE)
        left = sorted(twice.deliveries.index(gone.visit) + 1 for gone in chosen.left_out)
        assert left == second
        new = apply_way_out(store, plan_id=twice.plan_id, chosen=chosen, by="test", now=now)
    saved = twice.saved(new)
    assert violations(saved.plan, saved.problem) == []
    with twice.open() as store:
        assert sum(store.goods_at(f"depot:{twice.depot}").values()) == 20
        assert sum(store.goods_at(f"vehicle:{twice.van}").values()) == 20
        again = dispatch_day(store, day=twice.kit.DAY, depot_ids=[twice.depot], secret=b"s" * 32, by="t", now=now)
    assert [(each.version, each.stops) for each in again.dispatched] == [(2, 2)]
    with twice.database.reading() as connection:
        states = {row.id: row.state for row in connection.execute(select(tables.delivery))}
        tasks = connection.scalars(select(tables.task.c.kind)).all()
    assert {states[twice.deliveries[n - 1]] for n in left} == {"released"}
    assert "goods_back" not in tasks
