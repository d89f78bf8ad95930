"""What would serve more, applied by one decision and taken back by another; and why a stop is where it is."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import update

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from routing.errors import Conflict, NotFound
from routing.rules.check import violations
from routing.rules.fixes import Fix
from routing.services.advising import apply_fix, find_fixes, why_here
from routing.services.editing import move_delivery, undo
from routing.services.placing import show_best_place, where_it_fits
from routing.services.planning import plan_day


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough here: what these decisions write is tested on both where it is planned and dispatched."""
    return sqlite_url


class Full:
    """Six doors of half an hour each, and one van for an hour and a half: only the first two or three are served."""

    def __init__(self, day: Any, database: Database, kit: Any, *, spare: bool = False) -> None:
        self.database, self.kit = database, kit
        self.depot, product = day.depot(), day.product()
        self.deliveries = [
            day.delivery(site_id=day.site(service_s=1800), depot_id=self.depot, product_id=product) for _ in range(6)
        ]
        self.shift = day.shift(depot_id=self.depot, ends="08:35")
        self.spare = (day.vehicle(depot_id=self.depot), day.driver(depot_id=self.depot)) if spare else (0, 0)
        self.plan_id = plan_day(
            self.open, from_day=kit.DAY, to_day=kit.DAY, depot_ids=[self.depot], travel=kit.StraightTravel(),
            solve=kit.greedy, clock=lambda: kit.NOW, by="test",
        ).plan_id  # fmt: skip

    def open(self) -> AbstractContextManager[SqlStore]:
        return open_store(self.database)

    def served(self, plan_id: int) -> int:
        with self.open() as store:
            saved = store.plan(plan_id)
        assert violations(saved.plan, saved.problem) == []
        return sum(len(route.visits) for route in saved.plan.routes)


@pytest.fixture
def full(day: Any, database: Database, kit: Any) -> Full:
    return Full(day, database, kit)


def test_longer_hours_bring_what_they_say_and_undo_takes_them_back(full: Full, kit: Any) -> None:
    with full.open() as store:
        found = find_fixes(store, plan_id=full.plan_id, now=kit.NOW)
        best = found[0]
        new, done = apply_fix(
            store, plan_id=full.plan_id, shift_id=best.shift_id, starts=best.starts, ends=best.ends, by="test",
            now=kit.NOW,
        )  # fmt: skip
    assert full.served(new) == full.served(full.plan_id) + len(done.gained)
    with full.open() as store:
        changed = store.shift(full.shift)
        assert (changed.starts, changed.ends) == (best.starts, best.ends) != ("07:00", "08:35")
        undo(store, plan_id=new, by="test", now=kit.NOW)
        back = store.shift(full.shift)
    assert (back.starts, back.ends) == ("07:00", "08:35")


def test_a_spare_van_with_a_spare_driver_is_a_fix_and_is_gone_when_it_is_undone(
    day: Any, database: Database, kit: Any
) -> None:
    full = Full(day, database, kit, spare=True)
    van, driver = full.spare
    with full.open() as store:
        found = find_fixes(store, plan_id=full.plan_id, now=kit.NOW)
        best = next(each for each in found if each.added is not None)
        new, done = apply_fix(
            store, plan_id=full.plan_id, shift_id=best.shift_id, starts=best.starts, ends=best.ends, by="test",
            now=kit.NOW, sent=best.sent,
        )  # fmt: skip
    with full.open() as store:
        added = store.shift(done.shift_id)
        assert added.driver is not None
        assert (added.vehicle.id, added.driver.id, added.ends) == (van, driver, "08:35")
        assert store.spare_vehicles(day=kit.DAY, depot_id=full.depot) == ()
    assert full.served(new) == full.served(full.plan_id) + len(done.gained)
    with full.open() as store:
        undo(store, plan_id=new, by="test", now=kit.NOW)
        assert [each.id for each in store.spare_vehicles(day=kit.DAY, depot_id=full.depot)] == [van]
        assert [each.id for each in store.spare_drivers(day=kit.DAY, depot_id=full.depot)] == [driver]


def test_another_van_than_the_one_that_was_shown_is_never_sent(day: Any, database: Database, kit: Any) -> None:
    full = Full(day, database, kit, spare=True)
    van, _driver = full.spare
    day.vehicle(depot_id=full.depot)
    with full.open() as store:
        found = find_fixes(store, plan_id=full.plan_id, now=kit.NOW)
        shown = next(each for each in found if each.sent[0] == van)
        # Meanwhile that van goes to the garage: the other one would now be the first spare of the depot.
        store.connection.execute(update(tables.vehicle).where(tables.vehicle.c.id == van).values(available=False))
        assert [each.shift_id for each in find_fixes(store, plan_id=full.plan_id, now=kit.NOW) if each.added] == [
            shown.shift_id
        ]
    with pytest.raises(Conflict, match="Look at the plan again"), full.open() as store:
        apply_fix(
            store, plan_id=full.plan_id, shift_id=shown.shift_id, starts=shown.starts, ends=shown.ends, by="test",
            now=kit.NOW, sent=shown.sent,
        )  # fmt: skip
    with pytest.raises(Conflict, match="Look at the plan again"), full.open() as store:
        apply_fix(
            store, plan_id=full.plan_id, shift_id=shown.shift_id, starts=shown.starts, ends=shown.ends, by="test",
            now=kit.NOW,
        )  # fmt: skip


class OneVan:
    """Two doors and one planned van that can bring only the second; the mend stands in the yard."""

    def __init__(self, day: Any, database: Database, kit: Any, **first: Any) -> None:
        self.day, self.database, self.kit, self.first = day, database, kit, first
        self.depot, self.product = day.depot(), day.product()

    def fixes(self) -> tuple[Fix, ...]:
        for values in (self.first, {}):
            self.day.delivery(site_id=self.day.site(**values), depot_id=self.depot, product_id=self.product)
        van = self.day.vehicle(depot_id=self.depot, height_cm=310)
        self.day.shift(depot_id=self.depot, vehicle_id=van)
        plan_id = plan_day(
            lambda: open_store(self.database), from_day=self.kit.DAY, to_day=self.kit.DAY, depot_ids=[self.depot],
            travel=self.kit.StraightTravel(), solve=self.kit.greedy, clock=lambda: self.kit.NOW, by="test",
        ).plan_id  # fmt: skip
        with open_store(self.database) as store:
            found = find_fixes(store, plan_id=plan_id, now=self.kit.NOW)
            for each in found:
                assert violations(each.plan, each.problem) == []
        return found


def test_a_low_spare_van_is_offered_where_the_planned_one_is_too_high(day: Any, database: Database, kit: Any) -> None:
    it = OneVan(day, database, kit, max_height_cm=250)
    # A van of a kind that nobody drives that day comes first by its number: it takes no driver away.
    day.vehicle(depot_id=it.depot, height_cm=200, profile="bike")
    low, driver = day.vehicle(depot_id=it.depot, height_cm=240), day.driver(depot_id=it.depot)
    assert [each.sent for each in it.fixes()] == [(low, driver)]


def test_of_spare_vans_that_are_alike_the_one_that_the_door_names_is_offered(
    day: Any, database: Database, kit: Any
) -> None:
    it = OneVan(day, database, kit, vehicles="VAN-2")
    others = [day.vehicle(depot_id=it.depot, height_cm=240) for _ in range(3)]
    driver = day.driver(depot_id=it.depot)
    assert [each.sent for each in it.fixes()] == [(others[1], driver)]


def test_the_driver_who_can_is_offered_with_the_spare_van(day: Any, database: Database, kit: Any) -> None:
    it = OneVan(day, database, kit, skills="crane")
    van, _plain = day.vehicle(depot_id=it.depot, height_cm=240), day.driver(depot_id=it.depot)
    able = day.driver(depot_id=it.depot, skills="crane")
    assert [each.sent for each in it.fixes()] == [(van, able)]


def test_a_fix_that_no_longer_stands_is_refused_and_changes_nothing(full: Full, kit: Any) -> None:
    with pytest.raises(Conflict, match="no longer serves more"), full.open() as store:
        apply_fix(
            store, plan_id=full.plan_id, shift_id=full.shift, starts="07:00", ends="23:00", by="test", now=kit.NOW
        )
    with full.open() as store:
        assert store.shift(full.shift).ends == "08:35"


def test_where_it_fits_names_the_cheapest_van_first_and_at_the_end_those_that_cannot_take_it_with_their_reason(
    day: Any, database: Database, kit: Any
) -> None:
    depot, product = day.depot(), day.product()
    low = day.site(max_height_cm=250)
    delivery = day.delivery(site_id=low, depot_id=depot, product_id=product)
    high, dear, cheap, now_on = (
        day.shift(depot_id=depot, vehicle_id=day.vehicle(depot_id=depot, height_cm=height), cost_fixed=fixed)
        for height, fixed in ((310, 0), (240, 5000), (240, 1000), (240, 0))
    )
    plan_id = plan_day(
        lambda: open_store(database), from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot],
        travel=kit.StraightTravel(), solve=kit.greedy, clock=lambda: kit.NOW, by="test",
    ).plan_id  # fmt: skip
    with open_store(database) as store:
        here = store.plan(plan_id).plan.routes[0].shift
        if here != now_on:
            plan_id = move_delivery(store, plan_id=plan_id, delivery=delivery, to_shift=now_on, by="test", now=kit.NOW)
        found = where_it_fits(store, plan_id=plan_id, delivery=delivery)
        for each in found:
            shown = show_best_place(store, plan_id=plan_id, delivery=delivery, to_shift=each.shift.id)
            assert (shown.cost, shown.violations) == (each.effect.cost, each.effect.violations)
    assert [each.shift.id for each in found] == [now_on, cheap, dear, high]
    assert [each.effect.cost for each in found[:3]] == [0, 1000_000, 5000_000]
    assert found[3].effect.plan is None
    assert found[3].effect.violations == ("Van 1 is 3.1 m high, Café 1 takes 2.5 m",)


def test_why_a_stop_is_here_names_the_others_and_the_moment_until_which_it_could_wait(
    day: Any, database: Database, kit: Any
) -> None:
    depot, product = day.depot(), day.product()
    low = day.site(max_height_cm=250)
    day.add(tables.site_window, site_id=low, weekdays="", opens="07:00", closes="09:00", kind="begin_by")
    delivery = day.delivery(site_id=low, depot_id=depot, product_id=product)
    one = day.shift(depot_id=depot, vehicle_id=day.vehicle(depot_id=depot, height_cm=240))
    day.shift(depot_id=depot, vehicle_id=day.vehicle(depot_id=depot, height_cm=310))
    plan_id = plan_day(
        lambda: open_store(database), from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot],
        travel=kit.StraightTravel(), solve=kit.greedy, clock=lambda: kit.NOW, by="test",
    ).plan_id  # fmt: skip
    with open_store(database) as store:
        found = why_here(store, plan_id=plan_id, delivery=delivery)
        with pytest.raises(NotFound):
            why_here(store, plan_id=plan_id, delivery=999)
    assert found.shift.id == one
    assert [each.effect.violations for each in found.elsewhere] == [("Van 2 is 3.1 m high, Café 1 takes 2.5 m",)]
    assert found.then.else_breaks == "Its own hours end: it must be begun by 09:00."
    assert 0 <= (found.then.could_begin - found.then.begins).total_seconds() <= 2 * 3600
    assert found.price is not None
    assert found.price.instead == ()
