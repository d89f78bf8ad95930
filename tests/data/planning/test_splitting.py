"""A delivery too big for any van is split over trips, on a real database."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from data import tables
from data.db import Database
from data.health import check_rows
from data.store import open_store
from routing.errors import Conflict
from routing.model.plans import Reason
from routing.services.picking import pick_lines
from routing.services.planning import PlannedDay, plan_day
from routing.services.splitting import offer_split, split_delivery


def planned(database: Database, kit: Any, depot: int) -> PlannedDay:
    return plan_day(
        lambda: open_store(database), from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot],
        travel=kit.StraightTravel(), solve=kit.greedy, clock=lambda: kit.NOW, by="test",
    )  # fmt: skip


def too_big(day: Any) -> tuple[int, int]:
    """(depot, delivery): 250 kg for vans that carry 100; two of them go out."""
    depot, product = day.depot(), day.product(weight_g=1_000, case_pack=12)
    delivery = day.delivery(site_id=day.site(), depot_id=depot, product_id=product, quantity=250)
    for _ in range(3):
        day.shift(depot_id=depot, vehicle_id=day.vehicle(depot_id=depot, weight_g=100_000))
    return depot, delivery


def rows(database: Database, *columns: Any) -> list[tuple[Any, ...]]:
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(columns[0]))]


def test_what_no_van_carries_rides_in_parts_and_not_a_unit_is_lost(day: Any, database: Database, kit: Any) -> None:
    depot, delivery = too_big(day)
    first = planned(database, kit, depot)
    assert [gone.reasons for gone in first.plan.unassigned] == [(Reason.CAPACITY,)]
    with open_store(database) as store:
        offered = offer_split(store, plan_id=first.plan_id, delivery=delivery)
        assert offered is not None
        assert [amount[0] for amount in offered.split.amounts] == [96_000, 96_000, 58_000], "whole cases of 12"
        made = split_delivery(
            store, plan_id=first.plan_id, delivery=delivery, parts=3, by="test", now=kit.NOW
        )  # fmt: skip
    assert made[0][0] == delivery
    assert rows(database, tables.delivery_line.c.delivery_id, tables.delivery_line.c.quantity) == [
        (made[0][0], 96), (made[1][0], 96), (made[2][0], 58),
    ]  # fmt: skip
    assert rows(database, tables.allocation.c.quantity, tables.allocation.c.released) == [(250, 250)]
    again = planned(database, kit, depot)
    assert again.plan.unassigned == ()
    assert {key for route in again.plan.routes for key in route.visits} == {key for key, _number in made}
    with database.reading() as connection:
        assert [check.sentence for check in check_rows(connection) if check.state == "fail"] == []
    told = rows(database, tables.event.c.delivery_id, tables.event.c.kind)
    assert [key for key, kind in told if kind == "delivery_split"] == [key for key, _number in made]
    with open_store(database) as store:
        assert offer_split(store, plan_id=again.plan_id, delivery=delivery) is None


def test_a_split_is_refused_once_anything_of_it_has_changed(day: Any, database: Database, kit: Any) -> None:
    depot, delivery = too_big(day)
    first = planned(database, kit, depot)

    def split(plan_id: int, parts: int = 3) -> None:
        with open_store(database) as store:
            split_delivery(store, plan_id=plan_id, delivery=delivery, parts=parts, by="test", now=kit.NOW)

    with pytest.raises(Conflict, match="split otherwise now"):
        split(first.plan_id, parts=2)
    second = planned(database, kit, depot)
    with pytest.raises(Conflict, match="changed meanwhile"):
        split(first.plan_id)
    with open_store(database) as store:
        pick_lines(store, delivery_id=delivery, now=kit.NOW, by="test")
    with pytest.raises(Conflict, match="is being picked"):
        split(second.plan_id)
    with database.writing() as connection:
        connection.execute(update(tables.delivery).values(state="loaded"))
    with pytest.raises(Conflict, match="is loaded"):
        split(second.plan_id)
    assert len(rows(database, tables.delivery.c.id)) == 1
