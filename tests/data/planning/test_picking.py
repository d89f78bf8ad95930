"""Picking: states add up, a wrong pick is undone, and when goods are missing the lowest unpicked rank goes without."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from data import tables
from data.db import Database
from data.health import check_rows
from data.store import SqlStore, again, open_store
from routing.errors import Conflict, InvalidInput
from routing.model.picking import PickDelivery
from routing.services.dispatching import content_of
from routing.services.loading import load_delivery, load_route, unload_delivery
from routing.services.picking import pick_lines, stage_delivery, unpick_lines, unstage_delivery
from routing.services.planning import plan_day
from routing.services.releasing import unrelease
from routing.services.shorting import Short, commit_short_pick, simulate_short_pick
from routing.services.supplying import simulate_shelf_count

BY = "warehouse 1"
TOMORROW = "2026-05-13"


class Floor:
    """Two doors want 10 each of one product, D-1 ordered before D-2; each lies on a receipt of its own."""

    def __init__(self, day: Any, database: Database, kit: Any) -> None:
        self.day, self.database, self.kit = day, database, kit
        day.company()
        self.depot, self.product = day.depot(), day.product()
        customers = [day.customer() for _ in range(2)]
        for n, customer in enumerate(customers, 1):
            day.add(
                tables.contact, customer_id=customer, name=f"Buyer {n}", role="buyer", channel="email",
                address=f"buyer{n}@example.com", consent=True,
            )  # fmt: skip
        self.one, self.two = [
            day.delivery(
                site_id=day.site(customer_id=customer), depot_id=self.depot, product_id=self.product,
                order={"ordered_at": kit.EARLIER + timedelta(hours=n)},
            )
            for n, customer in enumerate(customers)
        ]  # fmt: skip
        self.shift = day.shift(depot_id=self.depot)

    def plan(self, on: str = "") -> int:
        on = on or self.kit.DAY
        return plan_day(
            lambda: open_store(self.database), from_day=on, to_day=on, depot_ids=[self.depot],
            travel=self.kit.StraightTravel(), solve=self.kit.greedy, clock=lambda: self.kit.NOW, by="test",
        ).plan_id  # fmt: skip

    def picks(self, delivery: int, units: int | None = None) -> Any:
        with open_store(self.database) as store:
            return pick_lines(
                store, delivery_id=delivery, units=None if units is None else {self.product: units},
                now=self.kit.NOW, by=BY,
            )  # fmt: skip

    def short(self, delivery: int, there: int) -> Short:
        with open_store(self.database) as store:
            return commit_short_pick(
                store, delivery_id=delivery, product_id=self.product, there=there, now=self.kit.NOW, by=BY
            )

    def loads(self, delivery: int, **choices: bool) -> Any:
        with open_store(self.database) as store:
            return load_delivery(
                store, shift_id=self.shift, trip=1, delivery_id=delivery, now=self.kit.NOW, by=BY, **choices
            )

    def of(self, delivery: int) -> PickDelivery:
        with self.database.reading() as connection:
            return SqlStore(connection).pick_deliveries([delivery])[0]

    def stop_order(self) -> list[int]:
        with self.database.reading() as connection:
            return list(SqlStore(connection).route_sheet(self.shift).delivery_ids)

    def on_hand(self) -> int:
        with self.database.reading() as connection:
            return SqlStore(connection).goods_at(f"depot:{self.depot}").get(self.product, 0)

    def healthy(self) -> bool:
        with self.database.reading() as connection:
            return [check for check in check_rows(connection) if check.state == "fail"] == []


@pytest.fixture
def floor(day: Any, database: Database, kit: Any) -> Floor:
    return Floor(day, database, kit)


def test_picked_units_stay_on_hand_and_go_back_on_the_shelf(floor: Floor) -> None:
    assert floor.of(floor.one).stage == "to_pick"
    assert floor.picks(floor.one, 4).delivery.stage == "part_picked"
    assert floor.picks(floor.one).total == 6
    assert (floor.of(floor.one).stage, floor.on_hand()) == ("picked", 20)
    with open_store(floor.database) as store:
        unpick_lines(store, delivery_id=floor.one, units={floor.product: 3}, now=floor.kit.NOW, by=BY)
    assert (floor.of(floor.one).picked, floor.of(floor.two).picked) == (7, 0)
    assert floor.healthy()


def test_a_pick_that_cannot_be_is_refused_and_changes_nothing(floor: Floor, day: Any) -> None:
    other = day.product()
    floor.picks(floor.one)
    for units, words in ((1, "is complete: 10 of 10"), (0, "pick at least 1")):
        with pytest.raises((Conflict, InvalidInput), match=words):
            floor.picks(floor.one, units)
    with pytest.raises(Conflict, match="needs only 10 more"):
        floor.picks(floor.two, 11)
    with pytest.raises(Conflict, match=r"not in D-2\. It wants SKU-1"), open_store(floor.database) as store:
        pick_lines(store, delivery_id=floor.two, units={other: 1}, now=floor.kit.NOW, by=BY)
    assert (floor.of(floor.one).picked, floor.of(floor.two).picked) == (10, 0)


def test_goods_on_a_truck_are_not_picked(floor: Floor) -> None:
    with floor.database.writing() as connection:
        connection.execute(update(tables.supply).where(tables.supply.c.id == 1).values(kind="inbound"))
    with pytest.raises(Conflict, match="still on R-1"):
        floor.picks(floor.one)


def test_what_is_picked_is_staged_and_taken_off_its_place_again(floor: Floor) -> None:
    def stage(place: str) -> None:
        with open_store(floor.database) as store:
            stage_delivery(store, delivery_id=floor.one, place=place, now=floor.kit.NOW, by=BY)

    with pytest.raises(Conflict, match="not picked yet: 10 × SKU-1"):
        stage("A3")
    floor.picks(floor.one)
    stage(" A3 ")
    assert (floor.of(floor.one).stage, floor.of(floor.one).staged_place) == ("staged", "A3")
    for bad in ("", " ", "x" * 31):
        with pytest.raises(InvalidInput, match="lane or bay"):
            stage(bad)
    with open_store(floor.database) as store:
        unstage_delivery(store, delivery_id=floor.one, now=floor.kit.NOW, by=BY)
    assert floor.of(floor.one).stage == "picked"


def test_picked_goods_that_are_taken_back_are_a_task_for_the_warehouse(floor: Floor) -> None:
    floor.picks(floor.one, 4)
    with open_store(floor.database) as store:
        unrelease(store, floor.one, now=floor.kit.NOW, by="dispatcher", why="customer called")
        task = store.connection.execute(select(tables.task)).one()
        units = store.connection.execute(select(tables.allocation).order_by(tables.allocation.c.id)).first()
    assert (task.assignee, task.kind) == ("warehouse", "put_back")
    assert "put 4 × SKU-1 back on the shelf" in task.sentence
    assert units is not None
    assert (units.allocated, units.released, units.picked) == (10, 0, 0)


# ---------------------------------------------------------------------------- short picks


def test_the_order_being_picked_keeps_its_goods_when_a_lower_rank_can_cover(floor: Floor) -> None:
    floor.plan()
    with floor.database.reading() as connection:
        shown = simulate_short_pick(
            SqlStore(connection), delivery_id=floor.one, product_id=floor.product, there=9, now=floor.kit.NOW
        )
    # 9 lie there in all: D-1 ordered first and keeps 9, D-2 loses all 10.
    assert (shown.wanted, shown.left, shown.covered) == (10, 9, False)
    assert floor.on_hand() == 20, "shown, not done"
    done = floor.short(floor.one, 9)
    assert (done.left, done.shrunk, done.emptied, done.tasks) == (9, ("D-1", "D-2"), ("D-2",), ())
    assert (floor.of(floor.one).quantity, floor.of(floor.two).state) == (9, "unreleased")
    assert floor.on_hand() == 9
    assert floor.stop_order() == [floor.one], "what has no goods leaves the plan"
    assert floor.healthy()


@pytest.mark.parametrize("state", ["dispatched", "closed"])
def test_a_delivery_that_was_tried_before_without_goods_leaves_the_plan_of_its_new_day_alone(
    floor: Floor, day: Any, state: str
) -> None:
    floor.plan()
    with floor.database.writing() as connection:
        connection.execute(update(tables.current_plan).values(state=state))
        connection.execute(update(tables.delivery).values(for_day=TOMORROW, attempts=1))
    before, tried = floor.shift, floor.stop_order()
    floor.shift = day.shift(depot_id=floor.depot, day=TOMORROW)
    floor.plan(TOMORROW)
    done = floor.short(floor.one, 9)
    assert (done.emptied, done.tasks) == (("D-2",), ()), "the plan of the day before is no way still to go"
    assert floor.stop_order() == [floor.one]
    floor.shift = before
    assert floor.stop_order() == tried, "what was tried stands as it was"


def test_a_lower_rank_that_is_picked_short_gives_way(floor: Floor) -> None:
    done = floor.short(floor.two, 8)
    assert (done.left, done.shrunk, done.emptied) == (0, ("D-1", "D-2"), ("D-2",))
    assert floor.of(floor.one).quantity == 8


def test_picked_goods_are_not_taken_from_anybody(floor: Floor) -> None:
    floor.picks(floor.two)
    done = floor.short(floor.one, 8)
    assert (done.left, done.shrunk) == (8, ("D-1",))
    assert (floor.of(floor.two).picked, floor.of(floor.one).quantity, floor.on_hand()) == (10, 8, 18)
    assert floor.healthy()


def test_units_that_are_missing_at_the_van_are_covered_by_what_nobody_picked(floor: Floor) -> None:
    floor.plan()
    floor.picks(floor.one)
    done = floor.short(floor.one, 7)
    # Three of the ten that were picked are gone; D-2 has not been picked and ranks lower.
    assert (done.left, done.covered, done.shrunk) == (10, True, ("D-2",))
    assert (floor.of(floor.one).picked, floor.of(floor.one).quantity) == (7, 10)
    assert (floor.of(floor.two).quantity, floor.on_hand()) == (7, 17)
    assert floor.healthy()


def test_the_list_a_driver_takes_follows_a_short_pick(floor: Floor) -> None:
    floor.plan()
    floor.picks(floor.two)
    floor.short(floor.one, 8)
    floor.picks(floor.one)
    for delivery in reversed(floor.stop_order()):
        floor.loads(delivery)
    with floor.database.reading() as connection:
        stops = content_of(SqlStore(connection).route_sheet(floor.shift))["stops"]
    units = {each["number"]: each["lines"][0]["quantity"] for stop in stops for each in stop["deliveries"]}
    assert units == {"D-1": 8, "D-2": 10}


def test_a_short_pick_tells_who_gets_a_later_date_and_asks_a_person_about_ship_complete(floor: Floor) -> None:
    with floor.database.writing() as connection:
        connection.execute(update(tables.order).where(tables.order.c.number == "SO-2").values(completeness="complete"))
    done = floor.short(floor.two, 5)
    assert done.preview.broken == ("SO-2",)
    with floor.database.reading() as connection:
        kinds = set(connection.scalars(select(tables.task.c.kind)))
    assert "ship_complete_broken" in kinds


TORN = (
    "Order {} ships whole lines, and {} × SKU-1 of a line that was released are not there: the line would go in part."
)


@pytest.mark.parametrize(("there", "picked"), [(8, 0), (4, 4)], ids=["some are left", "what is left was picked"])
def test_a_short_pick_of_an_order_that_ships_whole_lines_is_named_and_asks_a_person(
    floor: Floor, there: int, picked: int
) -> None:
    with floor.database.writing() as connection:
        connection.execute(update(tables.order).where(tables.order.c.number == "SO-1").values(completeness="per_line"))
    floor.picks(floor.two)
    if picked:
        floor.picks(floor.one, picked)
    done = floor.short(floor.one, there)
    assert (done.left, done.preview.warnings) == (there, (TORN.format("SO-1", 10 - there),))
    with floor.database.reading() as connection:
        task = connection.execute(select(tables.task).where(tables.task.c.kind == "ship_complete_broken")).one()
    assert task.sentence.startswith("Order SO-1 ships whole lines and was released with one that is not whole any more")


def test_a_recount_that_tears_a_line_is_named_before_it_is_counted_and_a_whole_line_lost_is_not(floor: Floor) -> None:
    with floor.database.writing() as connection:
        connection.execute(update(tables.order).values(completeness="per_line"))

    def warned(counted: int) -> str:
        with floor.database.reading() as connection:
            shown = simulate_shelf_count(
                SqlStore(connection), depot_id=floor.depot, product_id=floor.product, sku="SKU-1", counted=counted,
                now=floor.kit.NOW,
            )  # fmt: skip
        return " ".join(shown.warnings)

    assert warned(18) == TORN.format("SO-2", 2)
    assert warned(10) == "Order SO-2 was released with 10 × SKU-1 that are not there."


@pytest.mark.parametrize("there", [-1, 10, 11, 2**31])
def test_what_is_not_short_is_refused(floor: Floor, there: int) -> None:
    with pytest.raises(InvalidInput, match="is no short pick of D-1: it wants 10"):
        floor.short(floor.one, there)
    assert floor.on_hand() == 20


@given(
    first=st.integers(0, 10), second=st.integers(0, 10), of_one=st.booleans(), there=st.integers(0, 9),
)  # fmt: skip
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_short_pick_loses_exactly_what_is_missing(
    floor: Floor, first: int, second: int, of_one: bool, there: int
) -> None:
    """Whatever was picked before, in a transaction that is rolled back: no unit appears, none is promised twice."""
    with floor.database.writing() as connection:
        store = SqlStore(connection)
        for delivery, units in ((floor.one, first), (floor.two, second)):
            if units:
                pick_lines(store, delivery_id=delivery, units={floor.product: units}, now=floor.kit.NOW, by=BY)
        picked = {floor.one: first, floor.two: second}
        delivery, other = (floor.one, floor.two) if of_one else (floor.two, floor.one)
        commit_short_pick(store, delivery_id=delivery, product_id=floor.product, there=there, now=floor.kit.NOW, by=BY)
        on_hand = store.goods_at(f"depot:{floor.depot}").get(floor.product, 0)
        missing_picked = max(0, picked[delivery] - there)
        on_shelf = 20 - first - second if missing_picked else there - picked[delivery]
        assert on_hand == first + second - missing_picked + on_shelf
        after = {each.id: each for each in store.pick_deliveries([delivery, other])}
        assert sum(each.quantity for each in after.values() if each.state == "released") == on_hand
        assert after[other].picked == picked[other]
        assert [check for check in check_rows(connection) if check.state == "fail"] == []
        transaction = connection.get_transaction()
        assert transaction is not None
        transaction.rollback()


def test_what_is_fetched_from_a_door_is_refused_at_once(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was taken for a race: tried fourteen times, for seconds, and shown as somebody else's doing."""
    tries = []
    with open_store(floor.database) as store:
        store.connection.execute(
            update(tables.delivery).where(tables.delivery.c.id == floor.two).values(direction="collect")
        )
        mine = select(tables.delivery_line.c.allocation_id).where(tables.delivery_line.c.delivery_id == floor.two)
        store.connection.execute(
            update(tables.allocation).where(tables.allocation.c.id.in_(mine)).values(released=0, delivered=10)
        )
    monkeypatch.setattr(again.time, "sleep", tries.append)
    with pytest.raises(Conflict, match=r"D-2 is fetched from .*: nothing of it lies on the shelf") as refused:
        again.in_transaction(
            floor.database, lambda store: pick_lines(store, delivery_id=floor.two, now=floor.kit.NOW, by=BY)
        )
    assert refused.value.code == "collected"
    assert tries == []


# ---------------------------------------------------------------------------- at the van


def test_the_last_stop_goes_in_first_and_only_what_was_picked(floor: Floor, day: Any) -> None:
    floor.plan()
    first, last = floor.stop_order()
    floor.picks(first)
    with pytest.raises(Conflict, match="goes in first") as early:
        floor.loads(first)
    assert early.value.code == "out_of_order"
    with pytest.raises(Conflict, match=r"is not picked: 10 of 10") as unpicked:
        floor.loads(last)
    assert unpicked.value.code == "not_picked"
    assert floor.loads(last, pick_rest=True).unpicked == 10
    assert floor.loads(first).unpicked == 0
    with pytest.raises(Conflict, match="already"):
        floor.loads(first)
    assert floor.on_hand() == 0
    with open_store(floor.database) as store:
        unload_delivery(store, shift_id=floor.shift, delivery_id=first, now=floor.kit.NOW, by=BY)
    assert (floor.of(first).stage, floor.on_hand()) == ("picked", 10)
    assert floor.healthy()


def test_a_delivery_of_another_trip_is_refused_by_name(floor: Floor, day: Any) -> None:
    day.shift(depot_id=floor.depot)
    floor.plan()
    floor.picks(floor.one)
    other = day.delivery(site_id=day.site(), depot_id=floor.depot, product_id=floor.product)
    with pytest.raises(Conflict, match="is on no route: it does not go with Van 1, trip 1"):
        floor.loads(other)
    with (
        pytest.raises(Conflict, match="goes with Van 1, trip 1, not with Van 1, trip 2"),
        open_store(floor.database) as store,
    ):
        load_delivery(store, shift_id=floor.shift, trip=2, delivery_id=floor.one, now=floor.kit.NOW, by=BY)


def test_a_whole_route_that_is_loaded_picks_what_nobody_picked(floor: Floor) -> None:
    floor.plan()
    floor.picks(floor.one, 4)
    with open_store(floor.database) as store:
        done = load_route(store, shift_id=floor.shift, now=floor.kit.NOW, by=BY)
    assert (done.deliveries, done.units, done.unpicked) == (2, 20, 16)
    assert floor.on_hand() == 0
    assert floor.healthy()
