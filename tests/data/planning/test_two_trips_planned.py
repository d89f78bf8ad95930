"""A day that is planned in two trips: what a person changes, and what is done when the van runs late."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from data import tables
from data.db import Database
from data.queries.driver import driver_route
from data.queries.plans import plan_page
from data.store import SqlStore, open_store
from routing.model.day import SavedPlan
from routing.model.proofs import DeliveryReport, DoorEvent, DoorReport, Outcome
from routing.rules.check import violations
from routing.rules.driver_out import OutKind
from routing.rules.plan_prices import SETTING
from routing.services.delivering import record
from routing.services.dispatching import dispatch_day
from routing.services.editing import move_delivery, show_move
from routing.services.lateness import apply_way_out, late_van, late_vans
from routing.services.loading import load_route
from routing.services.planning import plan_day
from routing.services.shorting import commit_short_pick


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough here: what these decisions write is tested on both where it is planned and dispatched."""
    return sqlite_url


class Twice:
    """A van for 20 kg and four doors of 10 kg each: two trips, with 20 minutes at the depot in between."""

    def __init__(self, day: Any, database: Database, kit: Any) -> None:
        self.database, self.kit = database, kit
        day.company()
        self.depot, self.products = day.depot(), [day.product() for _ in range(4)]
        self.deliveries = [
            day.delivery(site_id=day.site(), depot_id=self.depot, product_id=product, tier=tier)
            for product, tier in zip(self.products, (1, 2, 3, 1), strict=True)
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


def test_planning_again_after_dispatch_another_driver_costs_a_price_for_what_is_on_a_list(
    twice: Twice, day: Any
) -> None:
    """The second trip costs its 20 minutes at the depot, 10.00 at 30.00 an hour, and the ways; a van for nothing is
    free by then. At 100.00 a change the list holds; at 1.00 it does not, and both doors say so; at none nothing does.
    """
    twice.goes_out()
    second = {twice.deliveries[n - 1] for n in twice.trips()[1]}
    other = day.shift(depot_id=twice.depot, cost_per_hour=0, cost_per_km=0)

    def again(price: int) -> tuple[set[int], list[int]]:
        with twice.open() as store:
            store.set_setting(name=SETTING, value={"change": price}, by="test", now=twice.kit.NOW)
        plan_id = plan_day(
            twice.open, from_day=twice.kit.DAY, to_day=twice.kit.DAY, depot_ids=[twice.depot],
            travel=twice.kit.StraightTravel(), solve=twice.kit.greedy, clock=lambda: twice.kit.NOW, by="test",
        ).plan_id  # fmt: skip
        saved = twice.saved(plan_id)
        assert (violations(saved.plan, saved.problem), saved.plan.unassigned) == ([], ())
        with twice.database.reading() as connection:
            found = {route.shift_id: route for route in plan_page(connection, plan_id).routes}
        assert found[twice.shift].stops[0].changed == 0
        moved = found[other].stops if other in found else ()
        assert sum(stop.stranger + stop.off_run for stop in moved) == 0
        assert other not in found or found[other].cost == sum(stop.changed for stop in moved)
        return {each.delivery_id for stop in moved for each in stop.deliveries}, [stop.changed for stop in moved]

    assert again(100_00) == (set(), [])
    assert again(1_00) == (second, [100_000, 100_000])
    assert again(0) == (second, [0, 0])
    with twice.open() as store:
        load_route(store, shift_id=other, by="test", now=twice.kit.NOW)
    assert again(1_00) == (second, [0, 0]), "what is loaded on a van goes with it"


def test_what_was_tried_at_its_door_is_on_no_list_any_more(twice: Twice, day: Any) -> None:
    twice.goes_out()
    second = {twice.deliveries[n - 1] for n in twice.trips()[1]}

    def listed() -> set[int]:
        with twice.open() as store:
            facts = store.day_facts(from_day=twice.kit.DAY, to_day=twice.kit.DAY, depot_ids=[twice.depot])
        return {each.id for each in facts.deliveries if each.listed is not None}

    assert listed() == second
    tried = min(second)
    with twice.open() as store:
        held = store.held_manifest(twice.shift)
    assert held is not None
    with twice.open() as store:
        event = store.connection.scalars(select(tables.event.c.id)).first()
        door = store.connection.scalar(select(tables.delivery.c.site_id).where(tables.delivery.c.id == tried))
    day.add(
        tables.proof, event_id=event, delivery_id=tried, manifest_id=held.id, site_id=door, outcome="not_home",
        captured_at=twice.kit.NOW, received_at=twice.kit.NOW,
    )  # fmt: skip
    assert listed() == second - {tried}


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


def test_a_van_that_did_its_first_trip_late_comes_back_loads_and_is_late_on_the_second(twice: Twice) -> None:
    twice.goes_out()
    (route,) = twice.saved().plan.routes
    with twice.open() as store:
        held = store.held_manifest(twice.shift)
        assert held is not None
        stops = store.manifest_in_hand(held.id).stops
    for n, stop in enumerate(stops[:2]):
        at = stop.departure + timedelta(hours=1)
        with twice.open() as store:
            record(
                store=store, manifest_id=held.id, now=at, secret=b"s" * 32,
                report=DoorReport(
                    client_id=f"{n}", sequence=n, payload_sha256=f"{n}", kind=DoorEvent.OUTCOME, captured_at=at,
                    stop_id=stop.stop_id, recipient="Goods-in 1",
                    deliveries=tuple(
                        DeliveryReport(delivery_id=each, outcome=Outcome.DELIVERED) for each in stop.deliveries
                    ),
                ),
            )  # fmt: skip
    with twice.open() as store:
        (late,) = late_vans(store, plan_id=twice.plan_id, now=at)
    assert late.behind is not None
    assert 55 * 60 <= late.behind.late_s <= 60 * 60
    _first, second = late.behind.plan.routes[0].trips
    assert abs(second.stops[0].arrival_s - route.trips[1].stops[0].arrival_s - late.behind.late_s) <= 60
    assert not late.behind.is_out_of_time


@pytest.mark.parametrize(("there", "stops", "on_list"), [(4, 4, [10, 10, 4, 10]), (0, 3, [10, 10, 10])])
def test_what_is_short_when_the_second_trip_is_picked_is_on_the_drivers_page_at_the_next_look(
    twice: Twice, there: int, stops: int, on_list: list[int]
) -> None:
    twice.goes_out()
    before = twice.trips()
    third, product = (each[before[1][0] - 1] for each in (twice.deliveries, twice.products))
    with twice.open() as store:
        commit_short_pick(store, delivery_id=third, product_id=product, there=there, now=twice.at(1), by="warehouse")
        held = store.held_manifest(twice.shift)
    assert held is not None
    with twice.database.reading() as connection:
        route = driver_route(connection, held.id, now=twice.at(1))
    assert [line.loaded for stop in route.stops for each in stop.deliveries for line in each.lines] == on_list
    assert [stop.trip for stop in route.stops if stop.depot_step is not None] == [2]
    first = [twice.deliveries[n - 1] for n in before[0]]
    with twice.database.writing() as connection:
        connection.execute(tables.delivery.update().where(tables.delivery.c.id.in_(first)).values(state="done"))
    with twice.open() as store:
        assert load_route(store, shift_id=twice.shift, by="warehouse", now=twice.at(2)).units == sum(on_list[2:])
    with twice.database.reading() as connection:
        step = driver_route(connection, held.id, now=twice.at(2)).stops[2].depot_step
    assert len(route.stops) == stops
    assert step is not None
    assert step.is_loaded
