"""A small day in a database: one depot in Helsinki, sites in a row, and whatever a test adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, Table, insert

from data import tables
from data.db import Database
from routing.model.places import Location
from routing.model.plans import (
    Plan,
    PlannedRoute,
    Problem,
)
from routing.ports import TravelTable
from routing.rules.reasons import why_left_out
from routing.rules.schedule import Failure, Timetable

DAY = "2026-05-12"
"""A Tuesday."""
NOW = datetime(2026, 5, 12, 2, 40, tzinfo=UTC)
"""05:40 in Helsinki."""
EARLIER = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


@dataclass
class DayInDatabase:
    """Inserts rows; each method returns the new id."""

    connection: Connection
    counts: dict[str, int] = field(default_factory=dict)

    def number(self, kind: str) -> str:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return f"{kind}-{self.counts[kind]}"

    def add(self, table: Table, **values: Any) -> int:
        key: int = self.connection.execute(insert(table).values(values).returning(table.c.id)).scalar_one()
        return key

    def company(self) -> int:
        return self.add(
            tables.company, name="Example Wholesale", currency="EUR", zone="Europe/Helsinki", phone="+358 9 0000 0001"
        )

    def depot(self, **values: Any) -> int:
        number = self.number("DEPOT")
        return self.add(
            tables.depot,
            **{
                "number": number, "name": f"Depot {number[-1]}", "lat": 60.17, "lon": 24.94,
                "zone": "Europe/Helsinki", **values,
            },
        )  # fmt: skip

    def customer(self, **values: Any) -> int:
        number = self.number("C")
        return self.add(tables.customer, **{"number": number, "name": f"Customer {number[2:]}", **values})

    def site(self, **values: Any) -> int:
        number = self.number("SITE")
        n = int(number[5:])
        customer_id = values.pop("customer_id", None) or self.customer()
        return self.add(
            tables.site,
            **{
                "customer_id": customer_id, "number": number, "name": f"Café {n}", "address": f"Testgatan {n}",
                "lat": 60.17, "lon": 24.94 + n / 1000, "pin_quality": "exact", "pin_at": EARLIER, "service_s": 300,
                **values,
            },
        )  # fmt: skip

    def product(self, **values: Any) -> int:
        number = self.number("SKU")
        return self.add(tables.product, **{"number": number, "name": f"Beans {number[4:]}", "weight_g": 1000, **values})

    def delivery(
        self,
        *,
        site_id: int,
        depot_id: int,
        product_id: int,
        quantity: int = 10,
        order: dict[str, Any] | None = None,
        received: bool = True,
        **values: Any,
    ) -> int:
        """Ordered, received, allocated and released."""
        site_row = self.connection.execute(tables.site.select().where(tables.site.c.id == site_id)).one()
        order_id = self.add(
            tables.order,
            **{
                "number": self.number("SO"), "customer_id": site_row.customer_id, "site_id": site_id,
                "depot_id": depot_id, "ordered_at": EARLIER, "currency": "EUR", **(order or {}),
            },
        )  # fmt: skip
        line_id = self.add(tables.order_line, order_id=order_id, number="1", product_id=product_id, quantity=quantity)
        self.add(
            tables.promise, order_line_id=line_id, promised_on=values.get("for_day", DAY), why="ordered", by="test",
            made_at=EARLIER,
        )  # fmt: skip
        supply_id = self.add(
            tables.supply,
            kind="receipt", number=self.number("R"), depot_id=depot_id, product_id=product_id, quantity=quantity,
            counted_at=EARLIER,
        )  # fmt: skip
        if received:
            self.add(
                tables.movement,
                at=EARLIER, product_id=product_id, quantity=quantity, from_place="supplier",
                to_place=f"depot:{depot_id}", supply_id=supply_id, why="received", by="test",
            )  # fmt: skip
        allocation_id = self.add(
            tables.allocation,
            supply_id=supply_id, order_line_id=line_id, quantity=quantity, released=quantity, at=EARLIER,
        )  # fmt: skip
        release_id = self.add(tables.release, depot_id=depot_id, released_at=EARLIER, by="test", for_day=DAY)
        delivery_id = self.add(
            tables.delivery,
            **{
                "number": self.number("D"), "release_id": release_id, "site_id": site_id, "depot_id": depot_id,
                "for_day": DAY, "oldest_ordered_at": EARLIER, **values,
            },
        )  # fmt: skip
        self.add(tables.delivery_line, delivery_id=delivery_id, allocation_id=allocation_id, quantity=quantity)
        return delivery_id

    def vehicle(self, *, depot_id: int, **values: Any) -> int:
        number = self.number("VAN")
        return self.add(
            tables.vehicle,
            **{"number": number, "name": f"Van {number[4:]}", "depot_id": depot_id, "weight_g": 1_000_000, **values},
        )

    def driver(self, *, depot_id: int, **values: Any) -> int:
        number = self.number("DR")
        return self.add(
            tables.driver,
            **{
                "number": number, "name": f"Driver {number[3:]}", "depot_id": depot_id,
                "email": f"driver{number[3:]}@example.com", **values,
            },
        )  # fmt: skip

    def shift(self, *, depot_id: int, **values: Any) -> int:
        values.setdefault("vehicle_id", None)
        vehicle_id = values.pop("vehicle_id") or self.vehicle(depot_id=depot_id)
        driver_id = values.pop("driver_id") if "driver_id" in values else self.driver(depot_id=depot_id)
        return self.add(
            tables.shift,
            **{
                "day": DAY, "depot_id": depot_id, "vehicle_id": vehicle_id, "driver_id": driver_id,
                "starts": "07:00", "ends": "15:00", "cost_per_hour": 3000, "cost_per_km": 50, **values,
            },
        )  # fmt: skip


class StraightTravel:
    """Ways as the crow flies at 10 m/s: a stand-in for the roads, so that a test can count."""

    def table(self, places: Sequence[Location], *, profile: str) -> TravelTable:
        lat = np.array([place.lat for place in places])
        lon = np.array([place.lon for place in places])
        metres = np.hypot((lat[:, None] - lat) * 111_000, (lon[:, None] - lon) * 55_500)
        distances = np.rint(metres).astype(np.int64)
        return TravelTable(
            durations_s=distances // 10,
            distances_m=distances,
            snapped_m=np.zeros(len(places), dtype=np.int64),
            engine="great circle",
            build="test",
        )

    def path(self, places: Sequence[Location], *, profile: str) -> list[Location]:
        return list(places)


def greedy(problem: Problem, *, seed: int, time_limit_s: float = 1.0, **_: Any) -> Plan:
    """A solver that puts each visit where it costs least, in order; keeps every lock. Small days only."""
    table = Timetable(problem)
    orders: dict[int, list[int]] = {shift.id: [] for shift in problem.shifts}
    locks = {lock.visit: lock for lock in problem.locks}
    done = sorted((lock for lock in problem.locks if lock.done), key=lambda lock: lock.position or 0)
    for lock in done:
        orders[lock.shift].append(lock.visit)
    first = {shift: len(order) for shift, order in orders.items()}
    for visit in sorted(problem.visits, key=lambda visit: (visit.id not in locks, -visit.tier, visit.id)):
        if any(visit.id in order for order in orders.values()):
            continue
        best: tuple[int, int, int] | None = None
        for shift in [locks[visit.id].shift] if visit.id in locks else orders:
            for at in range(first[shift], len(orders[shift]) + 1):
                times = table.times(shift, [*orders[shift][:at], visit.id, *orders[shift][at:]])
                before = table.times(shift, orders[shift]) if orders[shift] else None
                if times is not None:
                    extra = times.cost - (before.cost if before else 0)
                    best = min(best or (extra, shift, at), (extra, shift, at))
        if best is not None:
            orders[best[1]].insert(best[2], visit.id)
    routes: list[PlannedRoute] = []
    for shift, order in orders.items():
        if order:
            route = table.route(shift, order)
            assert not isinstance(route, Failure)
            routes.append(route)
    served = {visit for route in routes for visit in route.visits}
    tiers = sorted({visit.tier for visit in problem.visits}, reverse=True)
    plan = Plan(
        routes=tuple(routes),
        unassigned=(),
        cost=sum(route.cost for route in routes),
        served_by_tier=tuple(
            (tier, sum(visit.tier == tier and visit.id in served for visit in problem.visits)) for tier in tiers
        ),
        engine="greedy",
        seed=seed,
    )
    return Plan(
        routes=plan.routes,
        unassigned=why_left_out(problem, plan),
        cost=plan.cost,
        served_by_tier=plan.served_by_tier,
        engine=plan.engine,
        seed=seed,
    )


@pytest.fixture
def day(database: Database) -> DayInDatabase:
    """Writes rows, each call in a transaction of its own."""
    return DayInDatabase(connection=_Committing(database))  # type: ignore[arg-type]


class _Committing:
    """Runs each statement in its own write transaction, so that the services see it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def execute(self, statement: Any) -> Any:
        with self.database.writing() as connection:
            return connection.execute(statement).freeze()()


@pytest.fixture(scope="session")
def kit() -> Any:
    """What this folder's tests share, because a test file cannot import its conftest."""
    from types import SimpleNamespace

    return SimpleNamespace(
        DAY=DAY, NOW=NOW, EARLIER=EARLIER, StraightTravel=StraightTravel, greedy=greedy, Day=DayInDatabase
    )
