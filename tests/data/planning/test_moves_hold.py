"""What the preview of a move calls possible is made; what it refuses is refused in the same words, never as a fault.

Around a move: what a person locked, what was taken off a van again, what a trip left behind.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from data import tables
from data.db import Database
from data.store import open_store
from routing.errors import Conflict
from routing.model.proofs import Outcome
from routing.rules.changes import orders_of
from routing.services.editing import lock_delivery, show_move
from routing.services.loading import load_delivery, load_route, unload_delivery
from tests.planned_world import PlannedWorld


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough: what a move writes is tested on both where it is planned."""
    return sqlite_url


def a_day(database: Database, *quantities: int) -> PlannedWorld:
    """So many units of 100 g for one site after the other, planned; the small van carries 2.5 kg a trip."""
    world = PlannedWorld(database, two_vans=True)
    world.doors(len(quantities))
    for site, quantity in enumerate(quantities, start=1):
        world.order(lines=[(1, quantity)], site=site, completeness="partial", wanted_in=0)
    world.receive(product=1, quantity=sum(quantities), quarantined=0, of_inbound=False, more_to_come=False)
    world.release()
    world.plan()
    return world


def one_van(world: PlannedWorld, van: int) -> int:
    """Everything on that van; its shift."""
    with open_store(world.database) as store:
        shift = world._shifts(store)[van]
    for which in range(len(world.deliveries())):
        world.put(which=which, to=van, position=which)
    return shift


def orders(world: PlannedWorld) -> dict[int, tuple[int, ...]]:
    with open_store(world.database) as store:
        return orders_of(world.saved(store).plan)


def locks(world: PlannedWorld) -> list[tuple[int, int | None, int | None]]:
    columns = tables.plan_lock.c
    with world.database.reading() as connection:
        found = connection.execute(select(columns.delivery_id, columns.shift_id, columns.position))
        return [tuple(row) for row in found]


def test_a_lock_in_place_counts_its_place_anew_when_a_person_moves_an_earlier_stop(database: Database) -> None:
    world = a_day(database, 6, 6, 6)
    shift = one_van(world, 1)
    world.lock(which=2, place=True)
    world.plan()
    *before, last = orders(world)[shift]
    assert (last, locks(world)) == (3, [(3, shift, 2)])
    with open_store(database) as store:
        shown = show_move(store, plan_id=world.saved(store).id, delivery=before[0], to_shift=None)
    assert [(each.delivery, each.old, each.new) for each in shown.places] == [(3, 3, 2)]
    world.put(which=before[0] - 1, to=None, position=0)
    assert orders(world) == {shift: (before[1], 3)}
    assert (3, shift, 1) in locks(world)
    world.undo()
    assert (orders(world), locks(world)) == ({shift: (*before, 3)}, [(3, shift, 2)])


def test_a_lock_set_after_planning_is_counted_anew_too(database: Database) -> None:
    """Else the next plan would leave it out: nobody rides before place 3 any more."""
    world = a_day(database, 6, 6, 6)
    shift = one_van(world, 1)
    last = orders(world)[shift][-1]
    world.lock(which=last - 1, place=True)
    world.put(which=orders(world)[shift][0] - 1, to=0, position=0)
    assert locks(world) == [(last, shift, 1)]
    world.plan()
    assert orders(world)[shift][1] == last
    world.holds()


def test_a_moved_delivery_keeps_the_place_that_a_person_gave_it(database: Database) -> None:
    world = a_day(database, 6, 6, 6)
    shift = one_van(world, 1)
    last = orders(world)[shift][-1]
    world.lock(which=last - 1, place=True)
    world.put(which=last - 1, to=1, position=0)
    assert locks(world) == [(last, shift, 0)]


def test_what_was_unlocked_binds_no_later_change(database: Database) -> None:
    world = a_day(database, 6, 6, 6)
    shift = one_van(world, 1)
    world.lock(which=2, place=True)
    world.plan()
    world.unlock(which=0)
    with open_store(database) as store:
        shown = show_move(store, plan_id=world.saved(store).id, delivery=3, to_shift=shift, position=0)
    assert shown.places == ()
    world.put(which=2, to=1, position=0)
    assert (orders(world)[shift][0], locks(world)) == (3, [])


def test_a_lock_is_set_on_the_plan_that_holds(database: Database) -> None:
    world = a_day(database, 6, 6, 6)
    with open_store(database) as store:
        old = world.saved(store).id
    world.put(which=0, to=None, position=0)
    with pytest.raises(Conflict, match="somebody else"), open_store(database) as store:
        lock_delivery(store, plan_id=old, delivery=2, by="desk", now=world.now, keep_position=True)


def test_what_was_taken_off_a_van_that_drives_twice_may_change_vans(database: Database) -> None:
    world = a_day(database, 6, 6, 6)
    small = one_van(world, 0)
    with open_store(database) as store:
        load_route(store, shift_id=small, by="warehouse", now=world.now)
    world.put(which=0, to=0, position=1)
    with open_store(database) as store:
        unload_delivery(store, shift_id=small, delivery_id=3, by="warehouse", now=world.now)
    world.put(which=2, to=1, position=0)
    assert sorted(orders(world)[small]) == [1, 2]
    world.holds()


@pytest.fixture
def left_behind(database: Database) -> PlannedWorld:
    """The small van drives {1}, then {2, 3, 4}, of which only 2 was loaded; the other has 5 and 6."""
    world = a_day(database, 20, 6, 6, 6, 6, 6)
    one_van(world, 1)
    for which in range(4):
        world.put(which=which, to=0, position=which)
    small = min(orders(world))
    assert world.trips()[small] == [[1], [2, 3, 4]]
    for van in (0, 1):
        world.load(van=van)
    world.new_lists()
    deliver(world, 1)
    with open_store(database) as store:
        load_delivery(
            store, shift_id=small, trip=2, delivery_id=2, by="warehouse", now=world.now, pick_rest=True, any_order=True
        )
    deliver(world, 2)
    return world


def deliver(world: PlannedWorld, delivery: int) -> None:
    world.now += timedelta(minutes=20)
    with open_store(world.database) as store:
        for first in world.lists:
            manifest = store.manifest_in_hand(first)
            for stop in manifest.stops:
                if delivery in stop.deliveries:
                    door = store.doors(manifest.id, [stop.stop_id])[stop.stop_id]
                    world._report(store, manifest.id, door, outcome=Outcome.DELIVERED, parts=[0, 0, 0])
                    return
    raise AssertionError(f"{delivery} is on no list")


def test_what_a_trip_left_behind_bars_no_change_of_another_van(left_behind: PlannedWorld) -> None:
    big = max(orders(left_behind))
    was = orders(left_behind)[big]
    left_behind.put(which=was[0] - 1, to=1, position=1)
    assert orders(left_behind)[big] == was[::-1]
    left_behind.holds()


def test_what_a_trip_left_behind_goes_with_another_van_one_by_one(left_behind: PlannedWorld) -> None:
    big = max(orders(left_behind))
    for key in (3, 4):
        left_behind.put(which=key - 1, to=1, position=2)
        assert key in orders(left_behind)[big]
        left_behind.holds()
