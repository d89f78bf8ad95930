"""A dispatcher changes the plan: shown first, then made as a new version."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import select, update

from data import tables
from data.db import Database
from data.queries.board import door_facts
from data.store import SqlStore, open_store
from routing.errors import Conflict, NotFound
from routing.model.day import SavedPlan
from routing.model.plans import Reason
from routing.rules.check import violations
from routing.rules.driver_out import OutKind
from routing.rules.plan_prices import SETTING
from routing.services.editing import (
    apply_driver_out,
    driver_out_options,
    lock_delivery,
    move_delivery,
    show_move,
    take_out,
    undo,
    unlock_delivery,
)
from routing.services.loading import load_route
from routing.services.planning import plan_day


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough here: what these decisions write is tested on both where it is planned and dispatched."""
    return sqlite_url


class Day:
    """Two vans, four doors; what each test starts from."""

    def __init__(self, day: Any, database: Database, kit: Any, *, shift_two: dict[str, Any] | None = None) -> None:
        self.database, self.kit = database, kit
        self.depot = day.depot()
        self.sites = [day.site(customer_id=day.customer()) for _ in range(4)]
        product = day.product()
        self.deliveries = [day.delivery(site_id=site, depot_id=self.depot, product_id=product) for site in self.sites]
        self.one = day.shift(depot_id=self.depot)
        self.two = day.shift(depot_id=self.depot, **(shift_two or {}))
        self.plan_id = self.planned()

    def open(self) -> AbstractContextManager[SqlStore]:
        return open_store(self.database)

    def planned(self) -> int:
        return plan_day(
            self.open, from_day=self.kit.DAY, to_day=self.kit.DAY, depot_ids=[self.depot],
            travel=self.kit.StraightTravel(), solve=self.kit.greedy, clock=lambda: self.kit.NOW, by="test",
        ).plan_id  # fmt: skip

    def orders(self, plan_id: int | None = None) -> dict[int, tuple[int, ...]]:
        with self.open() as store:
            saved = store.plan(plan_id or self.current())
        assert violations(saved.plan, saved.problem) == []
        return {route.shift: route.visits for route in saved.plan.routes}

    def saved(self) -> SavedPlan:
        with self.open() as store:
            return store.plan(self.current())

    def current(self) -> int:
        with self.database.reading() as connection:
            key: int = connection.execute(select(tables.current_plan.c.plan_id)).scalar_one()
            return key

    def options(self, plan_id: int | None = None, shift: int | None = None) -> dict[OutKind, Any]:
        found = driver_out_options(
            self.open, plan_id=plan_id or self.current(), shift_id=shift or self.one, solve=self.kit.greedy
        )
        return {each.kind: each for each in found}


def test_a_move_shows_its_effect_before_it_is_made_and_makes_a_new_version(
    day: Any, database: Database, kit: Any
) -> None:
    it = Day(day, database, kit)
    first = it.orders()[it.one][0]
    with it.open() as store:
        effect = show_move(store, plan_id=it.plan_id, delivery=first, to_shift=it.two, position=0)
        new = move_delivery(store, plan_id=it.plan_id, delivery=first, to_shift=it.two, by="test", now=kit.NOW)
    assert effect.violations == ()
    assert effect.cost > 0
    assert {each.delivery for each in effect.moved} <= set(it.deliveries)
    assert effect.moved != ()
    assert it.orders(new)[it.two] == (first,)
    assert first not in it.orders(new)[it.one]
    assert it.current() == new
    with it.open() as store:
        assert store.plan(new).parent_id == it.plan_id


def test_the_deliveries_of_one_stop_move_together_and_come_back_together(
    day: Any, database: Database, kit: Any
) -> None:
    it = Day(day, database, kit)
    first, second, third, fourth = it.orders()[it.one]
    move = {"plan_id": it.plan_id, "delivery": third, "to_shift": it.one, "position": 1, "along": (fourth,)}
    with it.open() as store:
        effect = show_move(store, **move)
        lock_delivery(store, plan_id=it.plan_id, delivery=fourth, by="test", now=kit.NOW)
        new = move_delivery(store, **move, by="test", now=kit.NOW)
    assert it.orders(new)[it.one] == (first, third, fourth, second)
    assert (effect.delivery, effect.along) == (third, (fourth,))
    with it.open() as store:
        out = take_out(store, plan_id=new, delivery=third, along=(fourth,), by="test", now=kit.NOW)
    assert it.orders(out)[it.one] == (first, second)
    with it.open() as store:
        assert {gone.visit: gone.reasons for gone in store.plan(out).plan.unassigned} == {
            third: (Reason.LOCKED_BY_YOU,),
            fourth: (Reason.LOCKED_BY_YOU,),
        }
        undo(store, plan_id=out, by="test", now=kit.NOW)
    assert it.current() == new


def test_what_may_not_move_keeps_the_others_of_its_stop_too(day: Any, database: Database, kit: Any) -> None:
    it = Day(day, database, kit)
    first, second, *_ = it.orders()[it.one]
    with it.open() as store:
        load_route(store, shift_id=it.one, by="warehouse", now=kit.NOW)
    with it.open() as store:
        effect = show_move(store, plan_id=it.plan_id, delivery=first, to_shift=it.two, along=(second,))
    assert effect.plan is None
    assert "is on a van already" in effect.violations[0]


def test_a_move_under_a_low_arch_is_refused_with_the_heights(day: Any, database: Database, kit: Any) -> None:
    depot = day.depot()
    site = day.site(max_height_cm=250)
    delivery = day.delivery(site_id=site, depot_id=depot, product_id=day.product())
    low = day.shift(depot_id=depot, vehicle_id=day.vehicle(depot_id=depot, height_cm=240))
    high = day.shift(depot_id=depot, vehicle_id=day.vehicle(depot_id=depot, height_cm=310))
    plan_id = plan_day(
        lambda: open_store(database), from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot],
        travel=kit.StraightTravel(), solve=kit.greedy, clock=lambda: kit.NOW, by="test",
    ).plan_id  # fmt: skip
    with open_store(database) as store:
        assert [route.shift for route in store.plan(plan_id).plan.routes] == [low]
        effect = show_move(store, plan_id=plan_id, delivery=delivery, to_shift=high)
    assert effect.violations == ("Van 2 is 3.1 m high, Café 1 takes 2.5 m",)
    with pytest.raises(Conflict, match=r"3\.1 m high"), open_store(database) as store:
        move_delivery(store, plan_id=plan_id, delivery=delivery, to_shift=high, by="test", now=kit.NOW)


def test_who_shares_the_doors_of_a_van_that_is_out_owes_nothing_for_its_run(
    day: Any, database: Database, kit: Any
) -> None:
    """All four doors are the run of Van 1, which is out: at 20.00 a stop off its run, sharing them costs no more."""
    it = Day(day, database, kit)
    free = it.options()[OutKind.SPREAD].cost
    with it.open() as store:
        store.connection.execute(update(tables.site).values(run="VAN-1"))
        store.set_setting(name=SETTING, value={"runs": "sequence", "off_run": 2000}, by="test", now=kit.NOW)
    it.planned()
    assert list(it.orders()) == [it.one]
    spread = it.options()[OutKind.SPREAD]
    assert violations(spread.plan, spread.problem) == []
    assert (spread.cost, spread.left_out) == (free, ())
    # A spare driver takes the van itself, on its run; one that is moved while Van 1 goes out is off it.
    with it.open() as store:
        moved = show_move(store, plan_id=it.current(), delivery=it.deliveries[0], to_shift=it.two)
    assert moved.violations == ()
    assert moved.cost > 2_000_000


def test_a_door_that_names_its_vehicles_is_planned_and_moved_so(day: Any, database: Database, kit: Any) -> None:
    depot = day.depot()
    site = day.site(vehicles="VAN-2;VAN-9")
    delivery = day.delivery(site_id=site, depot_id=depot, product_id=day.product())
    other, named = day.shift(depot_id=depot), day.shift(depot_id=depot, cost_fixed=90_00)
    plan_id = plan_day(
        lambda: open_store(database), from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot],
        travel=kit.StraightTravel(), solve=kit.greedy, clock=lambda: kit.NOW, by="test",
    ).plan_id  # fmt: skip
    with open_store(database) as store:
        assert [route.shift for route in store.plan(plan_id).plan.routes] == [named]
        effect = show_move(store, plan_id=plan_id, delivery=delivery, to_shift=other)
    assert effect.violations == ("Café 1 takes only the vehicles VAN-2 and VAN-9, Van 1 is VAN-1",)
    with pytest.raises(Conflict, match="takes only"), open_store(database) as store:
        move_delivery(store, plan_id=plan_id, delivery=delivery, to_shift=other, by="test", now=kit.NOW)
    with database.reading() as connection:
        assert door_facts(connection, site).vehicles == ("Van 2", "VAN-9")


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ("van", ("Café 1 takes motor vehicles 06:00-07:10 only, Van 1 would not be there and gone in that time.",)),
        ("cargo_bike", ()),
    ],
)
def test_a_street_that_closes_to_motor_vehicles_binds_the_van_and_not_the_bike(
    day: Any, database: Database, kit: Any, profile: str, said: tuple[str, ...]
) -> None:
    """The street closes at 7:10; who is sent to the door that takes half an hour first would come after that."""
    depot, product = day.depot(), day.product()
    street = day.site(motor_hours="06:00-07:10")
    early = day.delivery(site_id=street, depot_id=depot, product_id=product)
    other = day.delivery(site_id=day.site(service_s=1800), depot_id=depot, product_id=product)
    shift = day.shift(depot_id=depot, vehicle_id=day.vehicle(depot_id=depot, profile=profile))
    plan_id = plan_day(
        lambda: open_store(database), from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot],
        travel=kit.StraightTravel(), solve=kit.greedy, clock=lambda: kit.NOW, by="test",
    ).plan_id  # fmt: skip
    with open_store(database) as store:
        order = store.plan(plan_id).plan.routes[0].visits
        # A bike may have been sent there second already.
        effect = show_move(store, plan_id=plan_id, delivery=early, to_shift=shift, position=1 - order.index(early))
    assert (set(order), effect.violations) == ({early, other}, said)
    assert profile == "cargo_bike" or order == (early, other)
    with database.reading() as connection:
        assert door_facts(connection, street).motor_hours == ("06:00-07:10",)


def test_a_move_past_a_closing_names_the_closing(day: Any, database: Database, kit: Any) -> None:
    depot, product = day.depot(), day.product()
    site = day.site()
    day.add(tables.site_window, site_id=site, weekdays="", opens="07:00", closes="07:10", kind="begin_by")
    urgent = day.delivery(site_id=site, depot_id=depot, product_id=product)
    other = day.delivery(site_id=day.site(service_s=1800), depot_id=depot, product_id=product)
    shift = day.shift(depot_id=depot)
    plan_id = plan_day(
        lambda: open_store(database), from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot],
        travel=kit.StraightTravel(), solve=kit.greedy, clock=lambda: kit.NOW, by="test",
    ).plan_id  # fmt: skip
    with open_store(database) as store:
        assert store.plan(plan_id).plan.routes[0].visits == (urgent, other)
        effect = show_move(store, plan_id=plan_id, delivery=urgent, to_shift=shift, position=1)
    assert "Breaks the hours of Café 1" in effect.violations[0]
    assert "07:10" in effect.violations[0]


def test_undo_brings_the_version_before_back(day: Any, database: Database, kit: Any) -> None:
    it = Day(day, database, kit)
    before = it.orders()
    with it.open() as store:
        new = take_out(store, plan_id=it.plan_id, delivery=it.deliveries[0], by="test", now=kit.NOW)
    with it.open() as store:
        assert undo(store, plan_id=new, by="test", now=kit.NOW) == it.plan_id
    assert it.orders() == before
    with database.reading() as connection:
        assert connection.execute(select(tables.plan_lock.c.id)).all() == []
    with pytest.raises(NotFound, match="first version"), it.open() as store:
        undo(store, plan_id=it.plan_id, by="test", now=kit.NOW)


def test_who_decides_on_an_old_version_is_refused(day: Any, database: Database, kit: Any) -> None:
    it = Day(day, database, kit)
    with it.open() as store:
        take_out(store, plan_id=it.plan_id, delivery=it.deliveries[0], by="one", now=kit.NOW)
    with pytest.raises(Conflict, match="somebody else"), it.open() as store:
        take_out(store, plan_id=it.plan_id, delivery=it.deliveries[1], by="two", now=kit.NOW)


def test_what_a_person_took_out_stays_out_of_the_next_plan_until_it_is_unlocked(
    day: Any, database: Database, kit: Any
) -> None:
    it = Day(day, database, kit)
    gone = it.deliveries[2]
    with it.open() as store:
        take_out(store, plan_id=it.plan_id, delivery=gone, by="test", now=kit.NOW)
    again = it.planned()
    with it.open() as store:
        left_out = {each.visit: each.reasons for each in store.plan(again).problem.excluded}
        assert left_out == {gone: (Reason.LOCKED_BY_YOU,)}
        unlock_delivery(store, plan_id=again, delivery=gone, by="test", now=kit.NOW)
    it.planned()
    assert gone in {visit for order in it.orders().values() for visit in order}


def test_a_locked_delivery_stays_on_its_van(day: Any, database: Database, kit: Any) -> None:
    it = Day(day, database, kit)
    moved = it.deliveries[0]
    with it.open() as store:
        new = move_delivery(store, plan_id=it.plan_id, delivery=moved, to_shift=it.two, by="test", now=kit.NOW)
        lock_delivery(store, plan_id=new, delivery=moved, by="test", now=kit.NOW)
    it.planned()
    assert moved in it.orders()[it.two]


# ---------------------------------------------------------------------------- a driver is out


def test_before_loading_a_spare_driver_takes_the_van_and_no_time_changes(
    day: Any, database: Database, kit: Any
) -> None:
    it = Day(day, database, kit)
    spare = day.driver(depot_id=it.depot)
    before = it.orders()
    options = it.options()
    assert set(options) == {OutKind.SPARE_DRIVER, OutKind.SPREAD, OutKind.POSTPONE}
    chosen = options[OutKind.SPARE_DRIVER]
    assert (chosen.stops_moved, chosen.moved, chosen.cost, chosen.driver_id) == (0, (), 0, spare)
    with it.open() as store:
        new = apply_driver_out(store, plan_id=it.plan_id, chosen=chosen, by="test", now=kit.NOW)
    after = it.orders(new)
    assert list(after.values()) == list(before.values())
    with database.reading() as connection:
        rows = connection.execute(select(tables.shift).order_by(tables.shift.c.id)).all()
    assert (rows[0].id, rows[0].state) == (it.one, "replaced")
    assert (rows[-1].replaces_id, rows[-1].driver_id, rows[-1].id) == (it.one, spare, next(iter(after)))


def test_spreading_keeps_everybody_else_on_his_van_in_his_turn(day: Any, database: Database, kit: Any) -> None:
    it = Day(day, database, kit)
    with it.open() as store:
        plan_id = move_delivery(
            store, plan_id=it.plan_id, delivery=it.deliveries[3], to_shift=it.two, by="test", now=kit.NOW
        )
    option = it.options()[OutKind.SPREAD]
    assert option.left_out == ()
    assert option.stops_moved == 3
    with it.open() as store:
        new = apply_driver_out(store, plan_id=plan_id, chosen=option, by="test", now=kit.NOW)
    assert set(it.orders(new)) == {it.two}
    assert sorted(it.orders(new)[it.two]) == it.deliveries


def test_postponing_moves_the_deliveries_to_their_next_day_and_says_which_promises_break(
    day: Any, database: Database, kit: Any
) -> None:
    it = Day(day, database, kit)
    option = it.options()[OutKind.POSTPONE]
    assert {each.delivery for each in option.promises_broken} == set(it.orders()[it.one])
    assert {each.customer for each in option.promises_broken} <= set(option.told)
    with it.open() as store:
        apply_driver_out(store, plan_id=it.plan_id, chosen=option, by="test", now=kit.NOW)
    with database.reading() as connection:
        days = connection.execute(select(tables.delivery.c.for_day)).scalars().all()
    assert days == ["2026-05-13"] * 4


def loaded_day(day: Any, database: Database, kit: Any, **more: Any) -> Day:
    it = Day(day, database, kit, **more)
    with it.open() as store:
        load_route(store, shift_id=it.one, by="warehouse", now=kit.NOW)
    return it


def test_after_loading_the_goods_decide_what_can_be_done(day: Any, database: Database, kit: Any) -> None:
    it = loaded_day(day, database, kit)
    day.driver(depot_id=it.depot)
    first = it.orders()[it.one][0]
    with database.writing() as connection:
        connection.execute(update(tables.delivery).where(tables.delivery.c.id == first).values(state="done"))
    options = it.options()
    assert set(options) == {OutKind.OTHER_DRIVER, OutKind.MEET, OutKind.BACK_TO_DEPOT}
    assert options[OutKind.OTHER_DRIVER].moved == ()
    meet = options[OutKind.MEET]
    assert meet.left_out == ()
    assert meet.stops_moved == 3
    assert {move.delivery for move in meet.moved} == set(it.orders()[it.one]) - {first}
    back = options[OutKind.BACK_TO_DEPOT]
    assert len(back.left_out) == 3
    # What is done keeps its times, and its promise was kept.
    assert {move.delivery for move in back.moved} == set(it.orders()[it.one]) - {first}
    assert first not in {broken.delivery for broken in back.promises_broken}
    assert [stop.start_s for stop in back.plan.routes[0].stops] == [
        stop.start_s for stop in it.saved().plan.routes[0].stops[:1]
    ]
    assert all(violations(option.plan, option.problem) == [] for option in options.values())


def test_when_vans_meet_the_goods_change_vans_in_the_ledger(day: Any, database: Database, kit: Any) -> None:
    it = loaded_day(day, database, kit)
    option = it.options()[OutKind.MEET]
    with it.open() as store:
        new = apply_driver_out(store, plan_id=it.plan_id, chosen=option, by="test", now=kit.NOW)
        vans = [store.shift(shift).vehicle.id for shift in (it.one, it.two)]
        assert store.goods_at(f"vehicle:{vans[0]}") == {}
        assert sum(store.goods_at(f"vehicle:{vans[1]}").values()) == 40
    assert set(it.orders(new)) == {it.two}


def test_back_to_the_depot_frees_the_goods_for_another_day(day: Any, database: Database, kit: Any) -> None:
    it = loaded_day(day, database, kit)
    option = it.options()[OutKind.BACK_TO_DEPOT]
    with it.open() as store:
        apply_driver_out(store, plan_id=it.plan_id, chosen=option, by="test", now=kit.NOW)
        assert sum(store.goods_at(f"depot:{it.depot}").values()) == 40
    with database.reading() as connection:
        rows = connection.execute(select(tables.delivery.c.state, tables.delivery.c.for_day)).all()
        units = connection.execute(select(tables.allocation.c.released, tables.allocation.c.loaded)).all()
    assert {tuple(row) for row in rows} == {("released", "2026-05-13")}
    assert {tuple(row) for row in units} == {(10, 0)}


def test_goods_on_a_van_cannot_be_dragged_to_another(day: Any, database: Database, kit: Any) -> None:
    it = loaded_day(day, database, kit)
    with it.open() as store:
        effect = show_move(store, plan_id=it.plan_id, delivery=it.deliveries[0], to_shift=it.two)
    assert "is on a van already" in effect.violations[0]
