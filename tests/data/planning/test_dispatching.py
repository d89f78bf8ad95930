"""Loading and dispatching: stock falls once, lists are frozen, everybody hears once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from routing.errors import Conflict, NotFound
from routing.rules.notices import window_the_day_before
from routing.services.dispatching import DispatchedDay, dispatch_day
from routing.services.editing import apply_driver_out, driver_out_options
from routing.services.loading import load_route
from routing.services.planning import plan_day

SECRET = b"0" * 32


def planned(database: Database, kit: Any, depot: int) -> int:
    return plan_day(
        lambda: open_store(database), from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot],
        travel=kit.StraightTravel(), solve=kit.greedy, clock=lambda: kit.NOW, by="test",
    ).plan_id  # fmt: skip


def dispatched(database: Database, kit: Any, depot: int) -> DispatchedDay:
    with open_store(database) as store:
        return dispatch_day(store, day=kit.DAY, depot_ids=[depot], secret=SECRET, by="test", now=kit.NOW)


def loaded(database: Database, kit: Any, shift: int) -> None:
    with open_store(database) as store:
        load_route(store, shift_id=shift, by="warehouse", now=kit.NOW)


def one_door_two_orders(day: Any) -> tuple[int, int, list[int]]:
    """A depot, a shift, and a door that gets two deliveries, with a person who agreed to be told."""
    day.company()
    depot, product, customer = day.depot(), day.product(), day.customer()
    site = day.site(customer_id=customer)
    day.add(
        tables.contact, customer_id=customer, site_id=site, name="Goods in 1", role="goods_in", channel="email",
        address="goods1@example.com", consent=True,
    )  # fmt: skip
    deliveries = [day.delivery(site_id=site, depot_id=depot, product_id=product) for _ in range(2)]
    return depot, day.shift(depot_id=depot), deliveries


def test_on_hand_falls_at_loading_and_only_once(day: Any, database: Database, kit: Any) -> None:
    depot, shift, _ = one_door_two_orders(day)
    planned(database, kit, depot)
    loaded(database, kit, shift)
    with open_store(database) as store:
        again = load_route(store, shift_id=shift, by="warehouse", now=kit.NOW)
        assert (again.deliveries, again.units, again.already) == (0, 0, 2)
        assert store.goods_at(f"depot:{depot}") == {}
        assert sum(store.goods_at(f"vehicle:{store.shift(shift).vehicle.id}").values()) == 20
    with database.reading() as connection:
        units = connection.execute(select(tables.allocation.c.loaded, tables.allocation.c.released)).all()
        states = connection.execute(select(tables.delivery.c.state)).scalars().all()
    assert {tuple(row) for row in units} == {(10, 0)}
    assert states == ["loaded", "loaded"]


def test_units_that_are_not_on_hand_are_not_loaded(day: Any, database: Database, kit: Any) -> None:
    depot = day.depot()
    day.delivery(site_id=day.site(), depot_id=depot, product_id=day.product(), received=False)
    shift = day.shift(depot_id=depot)
    planned(database, kit, depot)
    with pytest.raises(Conflict, match="10 × Beans 1, but Depot 1 has 0 on hand"):
        loaded(database, kit, shift)


def test_units_still_on_a_truck_are_not_loaded_from_what_lies_there_for_others(
    day: Any, database: Database, kit: Any
) -> None:
    depot, shift, _ = one_door_two_orders(day)
    planned(database, kit, depot)
    with database.writing() as connection:
        connection.execute(update(tables.supply).filter_by(id=1).values(kind="inbound", number="PO-1"))
    with pytest.raises(Conflict, match=r"is still on PO-1: count that truck in first"):
        loaded(database, kit, shift)
    with database.reading() as connection:
        assert connection.execute(select(func.sum(tables.allocation.c.loaded))).scalar_one() == 0


def test_only_loaded_routes_go_out(day: Any, database: Database, kit: Any) -> None:
    depot, _, _ = one_door_two_orders(day)
    planned(database, kit, depot)
    result = dispatched(database, kit, depot)
    assert result.dispatched == ()
    assert "not loaded" in result.left[0].sentence
    with database.reading() as connection:
        assert connection.execute(select(tables.current_plan.c.state)).scalars().all() == ["draft"]


def test_dispatch_freezes_the_list_and_tells_a_door_once_however_many_orders(
    day: Any, database: Database, kit: Any
) -> None:
    depot, shift, deliveries = one_door_two_orders(day)
    planned(database, kit, depot)
    loaded(database, kit, shift)
    result = dispatched(database, kit, depot)
    assert [(each.shift_id, each.stops, each.told) for each in result.dispatched] == [(shift, 1, 1)]
    with database.reading() as connection:
        notices = connection.execute(select(tables.notice).order_by(tables.notice.c.id)).all()
        content = connection.execute(select(tables.manifest.c.content)).scalar_one()
        states = connection.execute(select(tables.delivery.c.state)).scalars().all()
        pointer = connection.execute(select(tables.current_plan.c.state)).scalar_one()
        promises = connection.execute(
            select(tables.promise.c.version, tables.promise.c.window_from).where(tables.promise.c.version > 1)
        ).all()
    assert [(row.kind, row.recipient) for row in notices] == [
        ("driver_route", "driver1@example.com"), ("out_today", "goods1@example.com"),
    ]  # fmt: skip
    data = notices[1].data
    assert [(line["quantity"], line["unit"], line["name"]) for line in data["goods"]] == [(10, "pcs", "Beans 1")] * 2
    assert data["references"] == ["SO-1", "SO-2"]
    assert data["window_from"] < data["eta"] < data["window_to"]
    assert [row.window_from for row in promises] == [data["window_from"]] * 2
    assert sorted(each["delivery_id"] for each in content["stops"][0]["deliveries"]) == deliveries
    assert (states, pointer) == (["dispatched"] * 2, "dispatched")


def test_who_is_told_what_comes_today_reads_what_the_van_takes_back(day: Any, database: Database, kit: Any) -> None:
    depot, shift, (brought, fetched) = one_door_two_orders(day)
    with database.writing() as connection:
        connection.execute(tables.delivery.update().where(tables.delivery.c.id == fetched).values(direction="collect"))
        crate = connection.execute(
            tables.product.insert().values(number="CRATE", name="Crate", weight_g=900, returnable=True)
        ).inserted_primary_key
        connection.execute(tables.empties_line.insert().values(delivery_id=fetched, product_id=crate[0], quantity=6))
    planned(database, kit, depot)
    loaded(database, kit, shift)
    assert dispatched(database, kit, depot).dispatched[0].told == 1
    with database.reading() as connection:
        (told,) = connection.execute(select(tables.notice).where(tables.notice.c.kind == "out_today")).all()
        (content,) = connection.execute(select(tables.manifest.c.content)).scalars()
    assert (told.subject_id, told.data["references"]) == (brought, ["SO-1"])
    assert [(line["quantity"], line["name"]) for line in told.data["goods"]] == [(10, "Beans 1")]
    assert [(line["quantity"], line["name"]) for line in told.data["fetched"]] == [(10, "Beans 1"), (6, "Crate")]
    mine = {each["delivery_id"]: each["lines"] for each in content["stops"][0]["deliveries"]}
    assert [line["quantity"] for line in mine[fetched]] == [10, 6]


def test_nothing_is_dispatched_twice(day: Any, database: Database, kit: Any) -> None:
    depot, shift, _ = one_door_two_orders(day)
    planned(database, kit, depot)
    loaded(database, kit, shift)
    first = dispatched(database, kit, depot)
    second = dispatched(database, kit, depot)
    assert len(first.dispatched) == 1
    assert (second.dispatched, second.left, second.as_before) == ((), (), 1)
    with database.reading() as connection:
        for table, many in ((tables.manifest, 1), (tables.notice, 2), (tables.link, 3)):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == many


@pytest.mark.parametrize("fetches", [None, 0, 1])
def test_a_driver_swapped_on_the_road_gets_the_list_and_no_customer_is_told_again(
    day: Any, database: Database, kit: Any, fetches: int | None
) -> None:
    """Whatever else the van does at the door: what is fetched was never told a window, whichever comes last there."""
    depot, shift, deliveries = one_door_two_orders(day)
    if fetches is not None:
        with database.writing() as connection:
            mine = tables.delivery.c.id == deliveries[fetches]
            connection.execute(tables.delivery.update().where(mine).values(direction="collect"))
    spare = day.driver(depot_id=depot)
    plan_id = planned(database, kit, depot)
    loaded(database, kit, shift)
    dispatched(database, kit, depot)
    options = driver_out_options(lambda: open_store(database), plan_id=plan_id, shift_id=shift, solve=kit.greedy)
    with open_store(database) as store:
        apply_driver_out(store, plan_id=plan_id, chosen=options[0], by="test", now=kit.NOW)
    again = dispatched(database, kit, depot)
    assert [(each.driver, each.told) for each in again.dispatched] == [("Driver 2", 0)]
    with database.reading() as connection:
        drivers = connection.execute(select(tables.manifest.c.driver_id).order_by(tables.manifest.c.id)).scalars().all()
    assert drivers[-1] == spare


def test_what_is_told_at_dispatch_never_begins_before_the_door_opens(day: Any, database: Database, kit: Any) -> None:
    depot, shift, _ = one_door_two_orders(day)
    with database.writing() as connection:
        site_id = connection.execute(select(tables.site.c.id)).scalar_one()
    day.add(tables.site_window, site_id=site_id, opens="09:05", closes="11:00", kind="begin_by")
    planned(database, kit, depot)
    loaded(database, kit, shift)
    dispatched(database, kit, depot)
    with database.reading() as connection:
        (told,) = connection.execute(select(tables.notice.c.data).where(tables.notice.c.kind == "out_today")).scalars()
    assert (told["window_from"], told["eta"], told["window_to"]) == ("09:05", "09:05", "09:35")


def test_a_late_van_that_changes_drivers_tells_when_it_will_come_once_and_never_the_plans_time_again(
    day: Any, database: Database, kit: Any
) -> None:
    depot, shift, _ = one_door_two_orders(day)
    for _ in range(2):
        day.driver(depot_id=depot)
    plan_id = planned(database, kit, depot)
    loaded(database, kit, shift)
    dispatched(database, kit, depot)
    late = kit.NOW + timedelta(hours=3)
    told = []
    for _ in range(2):
        options = driver_out_options(lambda: open_store(database), plan_id=plan_id, shift_id=shift, solve=kit.greedy)
        with open_store(database) as store:
            plan_id = apply_driver_out(store, plan_id=plan_id, chosen=options[0], by="test", now=late)
            (route,) = dispatch_day(
                store, day=kit.DAY, depot_ids=[depot], secret=SECRET, by="test", now=late
            ).dispatched
        shift = route.shift_id
        told.append(route.told)
    assert told == [1, 0]
    with database.reading() as connection:
        first, again = (
            row.data
            for row in connection.execute(
                select(tables.notice.c.kind, tables.notice.c.data).order_by(tables.notice.c.id)
            )
            if row.kind == "out_today"
        )
    assert first["window_to"] < again["window_from"] < again["eta"] < again["window_to"]


def test_a_van_without_a_driver_stays(day: Any, database: Database, kit: Any) -> None:
    depot = day.depot()
    day.delivery(site_id=day.site(), depot_id=depot, product_id=day.product())
    shift = day.shift(depot_id=depot, driver_id=None)
    planned(database, kit, depot)
    loaded(database, kit, shift)
    assert "has no driver" in dispatched(database, kit, depot).left[0].sentence


def test_a_day_without_a_plan_is_not_dispatched(day: Any, database: Database, kit: Any) -> None:
    with pytest.raises(NotFound, match="Plan the day first"):
        dispatched(database, kit, day.depot())


def test_a_replan_after_loading_keeps_the_goods_on_their_van(day: Any, database: Database, kit: Any) -> None:
    depot, shift, deliveries = one_door_two_orders(day)
    planned(database, kit, depot)
    loaded(database, kit, shift)
    day.shift(depot_id=depot)
    again = planned(database, kit, depot)
    with database.reading() as connection:
        saved = SqlStore(connection).plan(again)
    assert [(route.shift, sorted(route.visits)) for route in saved.plan.routes] == [(shift, deliveries)]


def test_refused_units_are_not_announced_as_still_to_come(day: Any, database: Database, kit: Any) -> None:
    _, _, (delivery, _) = one_door_two_orders(day)
    with open_store(database) as store:
        line = store.connection.execute(
            select(tables.allocation.c.id, tables.allocation.c.order_line_id)
            .join(tables.delivery_line, tables.delivery_line.c.allocation_id == tables.allocation.c.id)
            .where(tables.delivery_line.c.delivery_id == delivery)
        ).one()
        ordered = update(tables.order_line).where(tables.order_line.c.id == line.order_line_id).values(quantity=13)
        store.connection.execute(ordered)
        # 10 were brought, 2 of them refused; the other 3 still wait for goods.
        store.connection.execute(
            update(tables.allocation)
            .where(tables.allocation.c.id == line.id)
            .values(released=0, delivered=8, refused=2)
        )
        assert [units for units, *_ in store.still_waiting([delivery])] == [3]


def test_a_plan_handed_over_the_day_before_tells_two_hours_at_once_and_the_live_window_when_the_van_leaves(
    day: Any, database: Database, kit: Any
) -> None:
    depot, shift, _ = one_door_two_orders(day)
    planned(database, kit, depot)
    loaded(database, kit, shift)
    evening = kit.NOW - timedelta(hours=10)
    for _again in range(2):
        with open_store(database) as store:
            dispatch_day(store, day=kit.DAY, depot_ids=[depot], secret=SECRET, by="test", now=evening)
    with database.reading() as connection:
        query = select(tables.notice).where(tables.notice.c.recipient == "goods1@example.com")
        told = {row.kind: row for row in connection.execute(query)}
        (start,) = connection.scalars(select(tables.stop.c.start)).all()
    assert set(told) == {"window_scheduled", "out_today"}
    assert told["window_scheduled"].not_before is None
    assert told["out_today"].not_before > evening
    data = told["window_scheduled"].data
    opens, closes = window_the_day_before(start, opens=None)
    local = [each.astimezone(ZoneInfo("Europe/Helsinki")).strftime("%H:%M") for each in (opens, closes)]
    assert ([data["window_from"], data["window_to"]], data["day"]) == (local, kit.DAY)
    assert closes - opens == timedelta(hours=2)
