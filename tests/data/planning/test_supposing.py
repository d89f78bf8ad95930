"""What if: a scenario keeps nothing, is compared with the plan that holds, is used with its change or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import func, select, update

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from routing.errors import Conflict, InvalidInput
from routing.model.plans import Plan, Problem
from routing.rules.check import violations
from routing.services.planning import plan_day
from routing.services.supposing import Compared, Supposed, Wish, compare, solve_supposed, suppose, use_supposed


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough here: each row that is written is written by what is tested on both."""
    return sqlite_url


class Full:
    """Six doors of half an hour each, and one van for an hour and a quarter: only two are served."""

    def __init__(self, day: Any, database: Database, kit: Any, *, cut_off: str = "23:59") -> None:
        self.database, self.kit = database, kit
        day.company()
        self.depot, product = day.depot(), day.product()
        zone = day.add(
            tables.zone, number="Z", name="Town", depot_id=self.depot, cut_off=cut_off,
            delivery_days="mon,tue,wed,thu,fri",
        )  # fmt: skip
        self.deliveries = [
            day.delivery(
                site_id=day.site(service_s=1800, delivery_zone_id=zone), depot_id=self.depot, product_id=product
            )
            for _ in range(6)
        ]
        self.shift = day.shift(depot_id=self.depot, ends="08:15")
        self.zone = zone

    def plan(self) -> int:
        self.plan_id = plan_day(
            self.open, from_day=self.kit.DAY, to_day=self.kit.DAY, depot_ids=[self.depot],
            travel=self.kit.StraightTravel(), solve=self.kit.greedy, clock=lambda: self.kit.NOW, by="test",
        ).plan_id  # fmt: skip
        return self.plan_id

    def open(self) -> AbstractContextManager[SqlStore]:
        return open_store(self.database)

    def supposed(self, *wishes: Wish) -> Supposed:
        with self.database.reading() as connection:
            return suppose(SqlStore(connection), plan_id=self.plan_id, wishes=wishes, now=self.kit.NOW)

    def solved(self, supposed: Supposed) -> tuple[Problem, Plan, Compared]:
        problem, plan = solve_supposed(
            supposed, travel=self.kit.StraightTravel(), solve=self.kit.greedy, seed=0, time_limit_s=1.0
        )
        assert violations(plan, problem) == []
        with self.database.reading() as connection:
            return problem, plan, compare(SqlStore(connection), supposed, problem, plan)

    def used(self, *wishes: Wish) -> tuple[int, Compared]:
        supposed = self.supposed(*wishes)
        problem, plan, compared = self.solved(supposed)
        with self.open() as store:
            new = use_supposed(
                store, supposed, problem=problem, plan=plan, seen=supposed.draft.fingerprint, by="test",
                now=self.kit.NOW,
            )  # fmt: skip
        return new, compared

    def rows(self) -> Sequence[int]:
        with self.database.reading() as connection:
            return [
                int(connection.scalar(select(func.count()).select_from(table)) or 0)
                for table in (tables.plan, tables.shift, tables.event)
            ]


@pytest.fixture
def full(day: Any, database: Database, kit: Any) -> Full:
    found = Full(day, database, kit)
    found.plan()
    return found


def test_longer_hours_are_compared_and_nothing_is_kept_until_they_are_used(full: Full, kit: Any) -> None:
    before = full.rows()
    compared = full.solved(full.supposed(Wish(kind="hours", key=full.shift, ends="15:00")))[2]
    assert full.rows() == before
    assert (compared.before.served, compared.after.served, compared.after.of) == (2, 6, 6)
    assert compared.before.left_out != ()
    assert compared.after.left_out == ()
    assert len(compared.gained) == 4
    assert compared.lost == ()
    assert (compared.before.kept, compared.after.kept, compared.after.promised) == (2, 6, 6)
    assert compared.after.cost > compared.before.cost
    new, _ = full.used(Wish(kind="hours", key=full.shift, ends="15:00"))
    with full.open() as store:
        saved, changed = store.plan(new), store.shift(full.shift)
    assert (changed.starts, changed.ends) == ("07:00", "15:00")
    assert saved.parent_id == full.plan_id
    assert sum(len(route.visits) for route in saved.plan.routes) == 6
    assert violations(saved.plan, saved.problem) == []


def test_a_spare_van_with_a_spare_driver_goes_out_when_it_is_used(day: Any, database: Database, kit: Any) -> None:
    full = Full(day, database, kit)
    van, driver = day.vehicle(depot_id=full.depot), day.driver(depot_id=full.depot)
    full.plan()
    new, compared = full.used(Wish(kind="van", key=van))
    assert (compared.before.vans, compared.after.vans) == (1, 2)
    with full.open() as store:
        saved = store.plan(new)
        shifts = {each.id: each for each in store.shifts_between(kit.DAY, kit.DAY, [full.depot])}
    added = next(each for key, each in shifts.items() if key != full.shift)
    assert (added.vehicle.id, added.driver and added.driver.id, added.ends) == (van, driver, "08:15")
    assert {route.shift for route in saved.plan.routes} == set(shifts)


def test_a_van_that_nobody_has_is_compared_and_cannot_be_used(full: Full) -> None:
    with full.open() as store:
        own = store.shift(full.shift).vehicle.id
    supposed = full.supposed(Wish(kind="van", key=own))
    _, _, compared = full.solved(supposed)
    assert supposed.missing == "van"
    assert compared.after.served > compared.before.served
    before = full.rows()
    with pytest.raises(InvalidInput, match="no spare van of this kind"):
        full.used(Wish(kind="van", key=own))
    assert full.rows() == before


def test_a_van_that_nobody_has_is_not_the_one_that_a_door_names(day: Any, database: Database, kit: Any) -> None:
    full = Full(day, database, kit)
    with full.open() as store:
        store.connection.execute(update(tables.site).values(vehicles="VAN-1"))
    full.plan()
    compared = full.solved(full.supposed(Wish(kind="van", key=1)))[2]
    assert (compared.before.served, compared.after.served) == (2, 2)


def test_a_van_without_a_driver_is_compared_and_cannot_be_used(day: Any, database: Database, kit: Any) -> None:
    full = Full(day, database, kit)
    van = day.vehicle(depot_id=full.depot)
    full.plan()
    with pytest.raises(InvalidInput, match="no driver without work"):
        full.used(Wish(kind="van", key=van))


def test_a_driver_less_leaves_out_what_that_van_had(day: Any, database: Database, kit: Any) -> None:
    full = Full(day, database, kit)
    other = day.shift(depot_id=full.depot, ends="08:15")
    full.plan()
    new, compared = full.used(Wish(kind="without", key=other))
    assert (compared.before.served, compared.after.served) == (4, 2)
    assert len(compared.lost) >= 2
    with full.open() as store:
        assert store.shift(other).state == "out"
        assert {route.shift for route in store.plan(new).plan.routes} == {full.shift}


def test_a_later_cut_off_holds_for_the_zone_from_then_on(day: Any, database: Database, kit: Any) -> None:
    full = Full(day, database, kit, cut_off="16:00")
    with database.writing() as connection:  # ordered on Monday at 17:00 in Helsinki, for Tuesday
        connection.execute(
            update(tables.delivery)
            .where(tables.delivery.c.id == full.deliveries[0])
            .values(oldest_ordered_at=kit.NOW.replace(day=11, hour=14, minute=0), tier=3)
        )
    full.plan()
    before = full.solved(full.supposed())[2].before
    assert dict(before.left_out)["after_cut_off"] == 1
    new, compared = full.used(Wish(kind="cut_off", ends="18:00"))
    assert "after_cut_off" not in dict(compared.after.left_out)
    with full.open() as store:
        saved = store.plan(new)
        (zone,) = store.zone_rows().values()
    assert zone["cut_off"] == "18:00"
    assert full.deliveries[0] in {key for route in saved.plan.routes for key in route.visits}


def test_a_scenario_of_a_day_that_moved_on_is_refused_and_nothing_is_kept(full: Full) -> None:
    supposed = full.supposed(Wish(kind="hours", key=full.shift, ends="15:00"))
    problem, plan, _ = full.solved(supposed)
    with full.database.writing() as connection:
        connection.execute(
            update(tables.delivery).where(tables.delivery.c.id == full.deliveries[5]).values(waits_for="address")
        )
    before = full.rows()
    with pytest.raises(Conflict, match="moved on"), full.open() as store:
        use_supposed(
            store, supposed, problem=problem, plan=plan, seen=supposed.draft.fingerprint, by="test", now=full.kit.NOW
        )
    assert full.rows() == before
    with full.open() as store:
        assert store.shift(full.shift).ends == "08:15"


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Wish(kind="hours", key=0, ends="25:00"), "no time of day"),
        (Wish(kind="hours", key=999, ends="18:00"), "does not go out"),
        (Wish(kind="without", key=999), "does not go out"),
        (Wish(kind="van", key=999), "no such van"),
        (Wish(kind="cut_off", ends="16:00"), "No door of this day"),
        (Wish(kind="teleport"), "no change that can be tried"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_searched(full: Full, wish: Wish, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        full.supposed(wish)


def test_the_same_hours_are_no_change(full: Full) -> None:
    with pytest.raises(InvalidInput, match="already"):
        full.supposed(Wish(kind="hours", key=full.shift, starts="7:00"))


def test_a_van_with_goods_on_it_goes_out_as_it_is(full: Full) -> None:
    with full.database.writing() as connection:
        connection.execute(
            update(tables.delivery).where(tables.delivery.c.id == full.deliveries[0]).values(state="loaded")
        )
    for wish in (Wish(kind="without", key=full.shift), Wish(kind="hours", key=full.shift, ends="15:00")):
        with pytest.raises(InvalidInput, match="Goods are on"):
            full.supposed(wish)
