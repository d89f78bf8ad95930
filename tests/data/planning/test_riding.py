"""A part of an order rides along: shown, sent along, by rule, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from data.store.again import in_transaction
from routing.errors import Conflict, NotFound
from routing.model.day import SavedPlan
from routing.model.orders import RideRule
from routing.rules.check import violations
from routing.rules.policies import PolicyRow, Scope
from routing.rules.release import NotReleased
from routing.rules.ride_along import RideOffer
from routing.services.editing import take_out, undo
from routing.services.loading import load_route
from routing.services.planning import plan_day
from routing.services.releasing import Releasing, release_orders, simulate_release
from routing.services.riding import rides
from routing.services.sending_along import ReleasedWithRides, chosen_ride, release_with_rides, send_along

NEXT_DOOR = 0.0018
"""Degrees of longitude between a door and the next: 100 m."""


class Street:
    """A depot and two vans. Café 1 and Café 3 get deliveries; Café 2, 100 m from Café 1, waits for 4 of its 12."""

    def __init__(self, day: Any, database: Database, kit: Any) -> None:
        self.day, self.database, self.kit = day, database, kit
        day.company()
        self.depot = day.depot()
        self.product = day.product()
        self.one = day.site(lon=24.95)
        self.two = day.site(lon=24.95 + NEXT_DOOR)
        self.three = day.site(lon=24.95, lat=60.2)
        self.shifts = [day.shift(depot_id=self.depot, vehicle_id=day.vehicle(depot_id=self.depot)) for _ in range(2)]
        self.deliveries = [
            day.delivery(site_id=site, depot_id=self.depot, product_id=self.product) for site in (self.one, self.three)
        ]
        self.order = self.part_of(self.two)
        self.rule("never")

    def part_of(self, site_id: int, *, of: int = 12, there: int = 8, rest_on: str = "2026-05-14", **values: Any) -> int:
        """An order of which only a part lies on the shelf."""
        customer = self.day.connection.execute(
            select(tables.site.c.customer_id).where(tables.site.c.id == site_id)
        ).scalar_one()
        order_id: int = self.day.add(
            tables.order,
            **{
                "number": self.day.number("SO"), "customer_id": customer, "site_id": site_id, "depot_id": self.depot,
                "ordered_at": self.kit.EARLIER, "currency": "EUR", **values,
            },
        )  # fmt: skip
        line = self.day.add(
            tables.order_line, order_id=order_id, number="1", product_id=self.product, quantity=of, unit_price=100,
            expected_on=rest_on,
        )  # fmt: skip
        supply = self.day.add(
            tables.supply, kind="receipt", number=self.day.number("R"), depot_id=self.depot,
            product_id=self.product, quantity=there, counted_at=self.kit.EARLIER,
        )  # fmt: skip
        self.day.add(
            tables.movement, at=self.kit.EARLIER, product_id=self.product, quantity=there, from_place="supplier",
            to_place=f"depot:{self.depot}", supply_id=supply, why="received", by="test",
        )  # fmt: skip
        self.day.add(
            tables.allocation, supply_id=supply, order_line_id=line, quantity=there, allocated=there,
            at=self.kit.EARLIER,
        )  # fmt: skip
        return order_id

    def rule(self, value: str, *, minutes: int | None = None) -> None:
        with open_store(self.database) as store:
            for name, said in (("ride_along", value), ("ride_along_max_minutes", minutes)):
                if said is not None:
                    row = PolicyRow(scope=Scope.COMPANY, name=name, value=said, effective_from="2026-05-01")
                    store.set_policy(row, by="test", now=self.kit.NOW)

    def planned(self) -> int:
        return plan_day(
            lambda: open_store(self.database), from_day=self.kit.DAY, to_day=self.kit.DAY, depot_ids=[self.depot],
            travel=self.kit.StraightTravel(), solve=self.kit.greedy, clock=lambda: self.kit.NOW, by="test",
        ).plan_id  # fmt: skip

    def offers(self) -> dict[int, RideOffer]:
        with self.database.reading() as connection:
            found = rides(
                SqlStore(connection), depot_id=self.depot, for_day=self.kit.DAY, now=self.kit.NOW,
                travel=self.kit.StraightTravel(),
            )  # fmt: skip
        return {each.order_id: each for each in found.offers}

    def send(self, offer: RideOffer) -> Releasing:
        assert offer.ride is not None
        with self.database.reading() as connection:
            chosen = chosen_ride(
                SqlStore(connection), depot_id=self.depot, for_day=self.kit.DAY, order_id=offer.order_id,
                plan_id=offer.plan_id, units=offer.units, shift=offer.ride.shift, now=self.kit.NOW,
                travel=self.kit.StraightTravel(),
            )  # fmt: skip
        return in_transaction(self.database, lambda store: send_along(store, chosen, now=self.kit.NOW, by="test"))

    def release(self) -> ReleasedWithRides:
        def reading() -> Any:
            return _Reading(self.database)

        def write(work: Callable[[Any], Releasing]) -> Releasing:
            return in_transaction(self.database, work)

        return release_with_rides(
            reading, write, depot_id=self.depot, for_day=self.kit.DAY, now=self.kit.NOW, by="test",
            travel=self.kit.StraightTravel(),
        )  # fmt: skip

    def current(self) -> SavedPlan:
        with open_store(self.database) as store:
            (held,) = store.current_plans(from_day=self.kit.DAY, to_day=self.kit.DAY, depot_ids=[self.depot])
            return store.plan(held.plan_id)

    def rows(self, query: Any) -> list[Any]:
        with self.database.reading() as connection:
            return list(connection.execute(query).all())


class _Reading:
    def __init__(self, database: Database) -> None:
        self.reading = database.reading()

    def __enter__(self) -> SqlStore:
        return SqlStore(self.reading.__enter__())

    def __exit__(self, *problem: Any) -> Any:
        return self.reading.__exit__(*problem)


@pytest.fixture
def street(day: Any, database: Database, kit: Any) -> Street:
    return Street(day, database, kit)


def test_on_a_planned_day_the_part_is_priced_on_the_van_that_passes_and_then_put_on_it(street: Street) -> None:
    before = street.planned()
    offer = street.offers()[street.order]
    assert (offer.units, offer.of, offer.whole_on, offer.days_sooner) == (8, 12, "2026-05-14", 2)
    assert offer.ride is not None
    assert (offer.ride.beside, offer.ride.beside_m, offer.plan_id) == ("Café 1", 100, before)
    assert offer.stop is not None
    assert offer.stop.stops == 2
    assert offer.ride.added.duty_s < offer.stop.added.duty_s, "beside a stop that is made anyway it costs less"
    assert street.offers()[street.order] == offer, "the same question has the same answer, and looking changes nothing"
    assert street.current().id == before

    done = street.send(offer)
    now = street.current()
    ((delivery, _number),) = done.deliveries
    assert now.parent_id == before
    assert violations(now.plan, now.problem) == []
    (route,) = [route for route in now.plan.routes if route.shift == offer.ride.shift]
    assert route.visits.index(delivery) == offer.ride.position
    old = street_orders(now, without=delivery)
    with open_store(street.database) as store:
        assert old == street_orders(store.plan(before)), "nobody else changed vans or order"
    assert street.rows(select(func.count()).select_from(tables.plan_lock)) == [(0,)]
    units = street.rows(select(tables.allocation.c.released).where(tables.allocation.c.released == 8))
    assert len(units) == 1
    (said,) = street.rows(select(tables.event).where(tables.event.c.kind == "rides_along"))
    assert (said.order_id, said.data["units"], said.data["of"], said.data["by_rule"]) == (street.order, 8, 12, False)
    assert street.offers() == {}
    # The version before comes back like after any other change; the part is released then, and in no route.
    with open_store(street.database) as store:
        assert undo(store, plan_id=now.id, by="test", now=street.kit.NOW) == before


def street_orders(saved: SavedPlan, *, without: int = 0) -> dict[int, list[int]]:
    return {route.shift: [key for key in route.visits if key != without] for route in saved.plan.routes}


def test_a_plan_that_moved_on_or_goods_that_changed_refuse_what_was_shown(street: Street) -> None:
    street.planned()
    offer = street.offers()[street.order]
    held = street.current().id
    with open_store(street.database) as store:
        take_out(store, plan_id=held, delivery=street.deliveries[1], by="another", now=street.kit.NOW)
    with pytest.raises(Conflict, match="no longer so") as refused:
        street.send(offer)
    assert refused.value.code == "plan_moved_on"
    again = street.offers()[street.order]
    assert again.ride is not None
    with street.database.reading() as connection:
        chosen = chosen_ride(
            SqlStore(connection), depot_id=street.depot, for_day=street.kit.DAY, order_id=street.order,
            plan_id=again.plan_id, units=8, shift=again.ride.shift, now=street.kit.NOW,
            travel=street.kit.StraightTravel(),
        )  # fmt: skip
    # Between the look and the writing somebody changes the plan: nothing of the release stays.
    street.planned()
    with pytest.raises(Conflict), open_store(street.database) as store:
        send_along(store, chosen, now=street.kit.NOW, by="test")
    assert street.rows(select(func.count()).select_from(tables.delivery)) == [(2,)]
    with street.database.writing() as connection:
        connection.execute(
            update(tables.allocation).where(tables.allocation.c.allocated == 8).values(allocated=6, quantity=6)
        )
    with pytest.raises(Conflict, match="no longer so"):
        street.send(offer)
    with street.database.writing() as connection:
        connection.execute(delete(tables.allocation).where(tables.allocation.c.allocated == 6))
    with pytest.raises(NotFound):
        street.send(offer)


def test_a_loaded_van_takes_nothing_more(street: Street) -> None:
    street.planned()
    offer = street.offers()[street.order]
    assert offer.ride is not None
    assert offer.ride.shift is not None
    with open_store(street.database) as store:
        load_route(store, shift_id=offer.ride.shift, by="test", now=street.kit.NOW)
    loaded = street.offers()[street.order]
    assert loaded.ride is None
    assert "it has left or is loaded" in loaded.why_not
    with pytest.raises(Conflict, match="it has left or is loaded"):
        street.send(offer)


@pytest.mark.parametrize(
    ("terms", "forbidden"),
    [
        ({"completeness": "complete"}, NotReleased.INCOMPLETE),
        ({"completeness": "per_line"}, NotReleased.LINE_INCOMPLETE),
        ({"min_percent": 70}, NotReleased.BELOW_MIN_PERCENT),
        ({"min_value": 5000}, NotReleased.BELOW_MIN_VALUE),
        ({"max_shipments": 1}, NotReleased.LAST_SHIPMENT),
    ],
)
def test_terms_that_forbid_a_part_are_named_and_it_is_not_offered(
    street: Street, terms: dict[str, Any], forbidden: NotReleased
) -> None:
    other = street.part_of(street.two, **terms)
    street.planned()
    offer = street.offers()[other]
    assert (offer.forbidden, offer.units, offer.by_rule) == (forbidden, 8, False)
    assert offer.ride is not None, "so that whoever asks the customer knows what it would cost"
    with pytest.raises(Conflict, match="Ask the customer"):
        street.send(offer)
    street.rule("next_door", minutes=60)
    assert other not in {order.order_id for order in street.release().releasing.ready}


def test_what_nobody_passes_says_so_and_what_is_on_hold_is_no_question(street: Street) -> None:
    far = street.part_of(street.day.site(lon=25.2))
    held = street.part_of(street.two, hold_reason="credit", hold_by="Salesperson 1")
    street.planned()
    offers = street.offers()
    assert offers[far].ride is None
    assert offers[far].why_not == "Nobody goes to Café 4 or within 150 m of it that day."
    assert held not in offers


def test_before_a_plan_it_is_priced_beside_what_is_released_and_only_released(street: Street) -> None:
    offer = street.offers()[street.order]
    assert offer.ride is not None
    # 100 m at 10 m/s and five minutes at the door; the same door would cost no way.
    assert (offer.plan_id, offer.ride.beside, offer.ride.added.duty_s) == (None, "Café 1", 310)
    assert offer.ride.added.distance_m == 100
    assert offer.ride.added.cost == round(310 * 3000 * 1000 / 3600) + 100 * 50
    assert offer.stop is not None
    assert offer.stop.stops == 0
    done = street.send(offer)
    assert len(done.deliveries) == 1
    assert street.rows(select(func.count()).select_from(tables.plan)) == [(0,)]


def test_the_same_door_costs_its_unloading(street: Street) -> None:
    same = street.part_of(street.one)
    offer = street.offers()[same]
    assert offer.ride is not None
    assert (offer.ride.beside_m, offer.ride.added) == (0, (0, 0, 0))
    street.planned()
    offer = street.offers()[same]
    assert offer.ride is not None
    assert (offer.ride.beside_m, offer.ride.added.duty_s, offer.ride.added.distance_m) == (0, 0, 0)


@pytest.mark.parametrize("with_plan", [True, False])
def test_the_rule_lets_a_release_send_it_along_by_itself_and_says_so(street: Street, with_plan: bool) -> None:
    if with_plan:
        street.planned()
    assert street.release().rode == ()
    street.rule("same_door")
    assert street.release().rode == (), "Café 2 is next door, not the same"
    street.rule("next_door", minutes=0)
    assert street.release().rode == (), "it costs more than it may"
    street.rule("next_door", minutes=30)
    offer = street.offers()[street.order]
    assert (offer.rule, offer.by_rule) == (RideRule.NEXT_DOOR, True)
    done = street.release()
    assert [each.order_id for each in done.rode] == [street.order]
    assert [order.quantity for order in done.releasing.ready] == [8]
    assert street.order not in {each.order_id for each in done.releasing.stays}
    if with_plan:
        now = street.current()
        assert done.releasing.deliveries[0][0] in [key for route in now.plan.routes for key in route.visits]
        assert violations(now.plan, now.problem) == []
    assert street.release().rode == ()


def test_without_a_rule_a_part_goes_by_its_own_terms_as_ever(street: Street) -> None:
    with open_store(street.database) as store:
        shown = simulate_release(store, depot_id=street.depot, for_day=street.kit.DAY, now=street.kit.NOW)
        assert [each.reasons for each in shown.stays] == [(NotReleased.NO_RIDE,)]
    street.rule("alone")
    with open_store(street.database) as store:
        done = release_orders(store, depot_id=street.depot, for_day=street.kit.DAY, now=street.kit.NOW, by="test")
    assert [order.quantity for order in done.ready] == [8]
