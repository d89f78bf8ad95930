"""Slot offers over the next days, and the one that becomes the order's appointment."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from routing.errors import Conflict, InvalidInput
from routing.model.day import Goods
from routing.model.slots import Call
from routing.rules.slots import SlotDay
from routing.services.planning import plan_day
from routing.services.slotting import call_of_order, offers, read_days, take_slot

WEDNESDAY = "2026-05-13"
"""The day after the kit's."""


class Town:
    """A planned Tuesday with two doors and one van, the same van on Wednesday, and an order that waits for its time."""

    def __init__(self, day: Any, database: Database, kit: Any) -> None:
        self.database, self.kit, self.day = database, kit, day
        day.company()
        self.depot, self.product = day.depot(), day.product()
        for _ in range(2):
            day.delivery(site_id=day.site(), depot_id=self.depot, product_id=self.product)
        van, driver = day.vehicle(depot_id=self.depot), day.driver(depot_id=self.depot)
        for on in (kit.DAY, WEDNESDAY):
            day.shift(depot_id=self.depot, vehicle_id=van, driver_id=driver, day=on)
        plan_day(
            self.open, from_day=kit.DAY, to_day=kit.DAY, depot_ids=[self.depot], travel=kit.StraightTravel(),
            solve=kit.greedy, clock=lambda: kit.NOW, by="test",
        )  # fmt: skip
        self.site = day.site()

    def open(self) -> AbstractContextManager[SqlStore]:
        return open_store(self.database)

    def order(self, *, expected_on: str = WEDNESDAY, **values: Any) -> int:
        """Ten units, on the shelf, to be there on that day."""
        customer = self.day.connection.execute(
            select(tables.site.c.customer_id).where(tables.site.c.id == self.site)
        ).scalar_one()
        order_id: int = self.day.add(
            tables.order,
            **{
                "number": self.day.number("SO"), "customer_id": customer, "site_id": self.site, "depot_id": self.depot,
                "ordered_at": self.kit.EARLIER, "currency": "EUR", **values,
            },
        )  # fmt: skip
        line = self.day.add(
            tables.order_line, order_id=order_id, number="1", product_id=self.product, quantity=10,
            expected_on=expected_on,
        )  # fmt: skip
        supply = self.day.add(
            tables.supply, kind="receipt", number=self.day.number("R"), depot_id=self.depot, product_id=self.product,
            quantity=10, counted_at=self.kit.EARLIER,
        )  # fmt: skip
        self.day.add(
            tables.movement, at=self.kit.EARLIER, product_id=self.product, quantity=10, from_place="supplier",
            to_place=f"depot:{self.depot}", supply_id=supply, why="received", by="test",
        )  # fmt: skip
        self.day.add(
            tables.allocation, supply_id=supply, order_line_id=line, quantity=10, allocated=10, at=self.kit.EARLIER
        )
        return order_id

    def asked(self, call: Call, *, days: int = 3) -> tuple[SlotDay, ...]:
        with self.database.reading() as connection:
            read = read_days(SqlStore(connection), call, from_day=self.kit.DAY, days=days, now=self.kit.NOW)
        return offers(read, travel=self.kit.StraightTravel(), solve=self.kit.greedy, now=self.kit.NOW)

    def offered(self, order_id: int, *, days: int = 3) -> tuple[SlotDay, ...]:
        with self.database.reading() as connection:
            call, _ = call_of_order(SqlStore(connection), order_id)
        return self.asked(call, days=days)

    def on_the_phone(self, **changes: Any) -> Call:
        with self.database.reading() as connection:
            (site,) = SqlStore(connection).site_facts([self.site])
        return Call(
            **{
                "site": site, "depot_id": self.depot, "tier": 1,
                "goods": (Goods(order_id=0, product="goods", quantity=1, weight_g=1),),
                "ordered_at": self.kit.EARLIER, **changes,
            }
        )  # fmt: skip

    def rows(self) -> dict[str, int]:
        with self.database.reading() as connection:
            return {
                table.name: int(connection.scalar(select(func.count()).select_from(table)) or 0)
                for table in (tables.promise, tables.order_window, tables.event, tables.delivery, tables.plan)
            }


@pytest.fixture
def town(day: Any, database: Database, kit: Any) -> Town:
    return Town(day, database, kit)


def test_a_planned_day_is_asked_as_it_is_and_the_next_is_sketched_and_nothing_is_kept(town: Town) -> None:
    before = town.rows()
    today, tomorrow, after = town.asked(town.on_the_phone())
    assert today.slots != ()
    assert not today.is_sketch
    assert tomorrow.slots != ()
    assert tomorrow.is_sketch
    # A door between others costs less than a van that goes out for it alone.
    assert min(each.cost for each in today.slots) < min(each.cost for each in tomorrow.slots)
    assert (after.slots, after.why) == ((), "Nobody drives on Thu 14 May 2026 yet.")
    assert town.rows() == before


def test_a_sketched_day_counts_what_is_expected_on_it(town: Town) -> None:
    alone = town.asked(town.on_the_phone())[1]
    town.order()
    beside = town.asked(town.on_the_phone())[1]
    assert min(each.cost for each in beside.slots) < min(each.cost for each in alone.slots)


def test_no_time_is_offered_before_the_goods_are_there(town: Town) -> None:
    today, tomorrow, _ = town.offered(town.order())
    assert (today.slots, today.why) == ((), "The goods are there on Wed 13 May 2026.")
    assert tomorrow.slots != ()
    undated = town.offered(town.order(expected_on=""))
    assert {each.why for each in undated} == {"No supply with a date covers the goods yet."}


def test_a_call_after_the_cut_off_and_a_closed_door_say_so(town: Town, day: Any, kit: Any) -> None:
    zone = day.add(
        tables.zone, number="Z", name="Town", depot_id=town.depot, delivery_days="tue,thu", cut_off="16:00",
        stops_a_day=1,
    )  # fmt: skip
    with town.database.writing() as connection:
        connection.execute(update(tables.site).where(tables.site.c.id == town.site).values(delivery_zone_id=zone))
    today, tomorrow, _ = town.asked(town.on_the_phone(ordered_at=kit.NOW))
    assert "after the cut-off (16:00 on the day before)" in today.why
    assert "Wednesday is not one of its delivery days" in tomorrow.why


def test_a_zone_that_has_all_its_stops_takes_no_other(town: Town, day: Any) -> None:
    zone = day.add(
        tables.zone, number="Z", name="Town", depot_id=town.depot, delivery_days="tue,wed,thu", stops_a_day=1
    )  # fmt: skip
    with town.database.writing() as connection:
        connection.execute(update(tables.site).values(delivery_zone_id=zone))
    today, tomorrow, _ = town.asked(town.on_the_phone())
    assert today.why == "The zone has all the 1 stops that it takes that day."
    assert tomorrow.slots != ()


def test_the_time_that_is_agreed_on_is_the_orders_window_and_its_promise(town: Town, kit: Any) -> None:
    order_id = town.order()
    slot = town.offered(order_id)[1].slots[1]
    with town.open() as store:
        take_slot(store, order_id, slot, version=store.calling_order(order_id).version, by="test", now=kit.NOW)
    with town.database.reading() as connection:
        order = connection.execute(select(tables.order).where(tables.order.c.id == order_id)).one()
        window = connection.execute(select(tables.order_window)).one()
        promise = connection.execute(select(tables.promise).order_by(tables.promise.c.id.desc()).limit(1)).one()
        event = connection.execute(select(tables.event).where(tables.event.c.kind == "slot_agreed")).one()
    assert (order.wanted_on, order.not_before) == (WEDNESDAY, WEDNESDAY)
    assert (window.order_id, window.opens, window.closes) == (order_id, slot.opens, slot.closes)
    assert (promise.promised_on, promise.window_from, promise.window_to) == (WEDNESDAY, slot.opens, slot.closes)
    assert promise.why == "at the customer's wish"
    assert event.order_id == order_id


def test_of_two_who_agree_at_once_the_second_is_refused(town: Town, kit: Any) -> None:
    order_id = town.order()
    first, second = town.offered(order_id)[1].slots[:2]
    with town.open() as store:
        seen = store.calling_order(order_id).version
        take_slot(store, order_id, first, version=seen, by="test", now=kit.NOW)
    before = town.rows()
    with pytest.raises(Conflict, match="changed this order meanwhile"), town.open() as store:
        take_slot(store, order_id, second, version=seen, by="test", now=kit.NOW)
    assert town.rows() == before


def test_what_stands_on_a_route_keeps_its_time(town: Town, kit: Any) -> None:
    slot = town.offered(town.order())[1].slots[0]
    with town.database.reading() as connection:
        planned = int(connection.scalar(select(func.min(tables.order.c.id))) or 0)
    with pytest.raises(Conflict, match="stands on a route"):
        town.offered(planned)
    with pytest.raises(Conflict, match="stands on a route"), town.open() as store:
        take_slot(store, planned, slot, version=store.calling_order(planned).version, by="test", now=kit.NOW)


@pytest.mark.parametrize(("days", "said"), [(0, "1 to 14 days"), (15, "1 to 14 days")])
def test_days_that_cannot_be_are_refused(town: Town, days: int, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        town.asked(town.on_the_phone(), days=days)


def test_a_day_that_is_over_is_refused(town: Town, kit: Any) -> None:
    with town.database.reading() as connection, pytest.raises(InvalidInput, match="is over"):
        read_days(
            SqlStore(connection), town.on_the_phone(), from_day=kit.DAY, days=1, now=kit.NOW + timedelta(days=1)
        )  # fmt: skip
