"""Builds a van's round that is out on the road: real rows, valid by themselves; a test states only what it is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table, insert

from data import tables
from data.mapping.plans import problem_to_bytes
from routing.model.plans import Place, Problem, ShiftOffer, Travel, Visit, Window

SIX = datetime(2026, 5, 12, 3, 0, tzinfo=UTC)  # Tuesday 06:00 in Helsinki
ZONE = "Europe/Helsinki"
DAY = "2026-05-12"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundStop:
    stop_id: int
    site_id: int
    delivery_id: int
    allocation_id: int
    order_line_id: int
    arrival: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    manifest_id: int
    shift_id: int
    vehicle_id: int
    driver_id: int
    depot_id: int
    plan_id: int
    route_id: int
    product_id: int
    supply_id: int
    stops: tuple[RoundStop, ...]


def row(connection: Connection, table: Table, **values: Any) -> int:
    key: int = connection.execute(insert(table).values(**values).returning(table.c.id)).scalar_one()
    return key


def a_round(
    connection: Connection,
    *,
    stops: int = 3,
    loaded: int = 12,
    contacts: bool = True,
    told: tuple[str, str] | None = None,
    language: str = "en",
    note: str = "",
    name: str = "",
    number: str = "1",
    sequence: int = 3,
    gate_code: str = "4711",
) -> Round:
    """A dispatched round: one delivery of `loaded` pieces a stop, planned from 08:00 local, one every 20 minutes.

    `told`: the window (wall clock) that every customer was told.
    """
    is_first = connection.execute(tables.company.select()).first() is None
    if is_first:
        row(
            connection,
            tables.company,
            name="Backroute Wholesale",
            currency="EUR",
            zone=ZONE,
            phone="+358 9 000 0000",
            email="desk@example.com",
        )
    depot_id = row(
        connection, tables.depot, number=f"DEP{number}", name="Depot North", zone=ZONE, lat=60.1690, lon=24.9320
    )
    product_id = row(
        connection,
        tables.product,
        number=f"SKU{number}",
        name="Oat milk 1 l",
        case_pack=6,
        weight_g=1050,
        volume_cm3=1100,
    )
    supply_id = row(
        connection,
        tables.supply,
        kind="receipt",
        number=f"R{number}",
        depot_id=depot_id,
        product_id=product_id,
        quantity=loaded * stops,
        counted_at=SIX,
    )
    vehicle_id = row(connection, tables.vehicle, number=f"V{number}", name=f"Van {sequence}", depot_id=depot_id)
    driver_id = row(
        connection, tables.driver, number=f"DR{number}", name=f"Driver {sequence}", depot_id=depot_id, language="en"
    )
    shift_id = row(
        connection,
        tables.shift,
        day=DAY,
        depot_id=depot_id,
        vehicle_id=vehicle_id,
        driver_id=driver_id,
        starts="06:00",
        ends="15:00",
    )
    release_id = row(connection, tables.release, depot_id=depot_id, released_at=SIX, by="test", for_day=DAY)
    first = SIX + timedelta(hours=2)
    plan_id = row(
        connection,
        tables.plan,
        from_day=DAY,
        to_day=DAY,
        depot_ids=[depot_id],
        problem=b"",
        engine="test",
        cost=0,
        served_by_tier=[],
        why="planned",
        by="test",
        made_at=SIX,
    )
    last = first + timedelta(minutes=20 * stops)
    route_id = row(
        connection,
        tables.route,
        plan_id=plan_id,
        shift_id=shift_id,
        sequence=sequence,
        starts_at=SIX,
        ends_at=last + timedelta(hours=1),
        breaks=[],
        cost=0,
    )
    trip_id = row(
        connection,
        tables.trip,
        route_id=route_id,
        sequence=1,
        departs_at=first - timedelta(minutes=10),
        returns_at=last + timedelta(minutes=30),
    )
    made = []
    for n in range(stops):
        made.append(
            _stop(
                connection,
                n=n,
                trip_id=trip_id,
                depot_id=depot_id,
                release_id=release_id,
                product_id=product_id,
                supply_id=supply_id,
                loaded=loaded,
                contacts=contacts,
                told=told,
                language=language,
                note=note,
                name=name,
                number=number,
                arrival=first + timedelta(minutes=20 * n),
                gate_code=gate_code,
            )
        )
    for each in made:
        row(
            connection,
            tables.movement,
            at=SIX,
            product_id=product_id,
            quantity=loaded,
            from_place=f"depot:{depot_id}",
            to_place=f"vehicle:{vehicle_id}",
            allocation_id=each.allocation_id,
            delivery_id=each.delivery_id,
            why="loaded",
            by="test",
        )
    manifest_id = row(
        connection,
        tables.manifest,
        plan_id=plan_id,
        route_id=route_id,
        shift_id=shift_id,
        driver_id=driver_id,
        day=DAY,
        content={},
        dispatched_at=SIX + timedelta(hours=1),
        by="test",
    )
    return Round(
        manifest_id=manifest_id,
        shift_id=shift_id,
        vehicle_id=vehicle_id,
        driver_id=driver_id,
        depot_id=depot_id,
        plan_id=plan_id,
        route_id=route_id,
        product_id=product_id,
        supply_id=supply_id,
        stops=tuple(made),
    )


def _stop(
    connection: Connection,
    *,
    n: int,
    trip_id: int,
    depot_id: int,
    release_id: int,
    product_id: int,
    supply_id: int,
    loaded: int,
    contacts: bool,
    told: tuple[str, str] | None,
    language: str,
    note: str,
    name: str,
    number: str,
    arrival: datetime,
    gate_code: str,
) -> RoundStop:
    key = f"{number}-{n + 1}"
    customer_id = row(
        connection, tables.customer, number=f"C{key}", name=f"Café {12 + n} at the corner", language=language
    )
    site_id = row(
        connection,
        tables.site,
        customer_id=customer_id,
        number=f"S{key}",
        name=name or f"Café {12 + n} at the corner",
        address=f"Example street {10 + n}",
        postcode="00100",
        city="Helsinki",
        lat=60.1650 + n * 0.002,
        lon=24.9400 + n * 0.002,
        pin_quality="exact",
        notes=note,
        gate_code=gate_code,
    )
    if contacts:
        for role in ("buyer", "goods_in"):
            row(
                connection,
                tables.contact,
                customer_id=customer_id,
                site_id=site_id,
                name=f"{role} {key}",
                role=role,
                channel="email",
                address=f"{role}{key}@example.com",
                consent=True,
            )
    order_id = row(
        connection,
        tables.order,
        number=f"SO-{key}",
        customer_id=customer_id,
        site_id=site_id,
        depot_id=depot_id,
        ordered_at=SIX - timedelta(days=3),
        customer_reference=f"PO-{key}",
        currency="EUR",
    )
    line_id = row(
        connection,
        tables.order_line,
        order_id=order_id,
        number="1",
        product_id=product_id,
        quantity=loaded,
        unit_price=219,
    )
    if told is not None:
        row(
            connection,
            tables.promise,
            order_line_id=line_id,
            promised_on=DAY,
            window_from=told[0],
            window_to=told[1],
            why="dispatched",
            by="test",
            made_at=SIX,
        )
    allocation_id = row(
        connection,
        tables.allocation,
        supply_id=supply_id,
        order_line_id=line_id,
        quantity=loaded,
        loaded=loaded,
        at=SIX,
    )
    delivery_id = row(
        connection,
        tables.delivery,
        number=f"D-{key}",
        release_id=release_id,
        site_id=site_id,
        depot_id=depot_id,
        for_day=DAY,
        state="dispatched",
        oldest_ordered_at=SIX - timedelta(days=3),
    )
    row(connection, tables.delivery_line, delivery_id=delivery_id, allocation_id=allocation_id, quantity=loaded)
    stop_id = row(
        connection,
        tables.stop,
        trip_id=trip_id,
        sequence=n + 1,
        site_id=site_id,
        arrival=arrival,
        start=arrival,
        departure=arrival + timedelta(minutes=8),
        distance_m=900,
        travel_s=720,
        load=[],
    )
    row(connection, tables.stop_delivery, stop_id=stop_id, delivery_id=delivery_id, sequence=1)
    return RoundStop(
        stop_id=stop_id,
        site_id=site_id,
        delivery_id=delivery_id,
        allocation_id=allocation_id,
        order_line_id=line_id,
        arrival=arrival,
    )


def waiting_at_the_depot(connection: Connection, made: Round, *, loaded: int = 12) -> None:
    """Takes the round back to the morning: planned and on hand, nothing picked or loaded, nobody has a list."""
    connection.execute(tables.allocation.update().values(loaded=0, released=loaded))
    connection.execute(tables.delivery.update().values(state="released"))
    connection.execute(tables.movement.update().values(from_place="supplier", to_place=f"depot:{made.depot_id}"))
    connection.execute(tables.manifest.delete())
    connection.execute(tables.current_plan.insert().values(depot_id=made.depot_id, day=DAY, plan_id=made.plan_id))


def with_its_problem(connection: Connection, made: Round, *, loaded: int = 12, capacity: int = 24) -> None:
    """What the round answers, as a plan has it: the board asks for it. Every way takes 10 minutes."""
    n = len(made.stops) + 1
    ways = np.full((n, n), 600, dtype=np.int64)
    np.fill_diagonal(ways, 0)
    day = Window(start_s=0, end_s=12 * 3600)
    problem = Problem(
        epoch=SIX,
        dimensions=("pieces",),
        places=(
            Place(index=0, name="Depot North"),
            *(Place(index=k, name=f"S{k}", site_id=each.site_id) for k, each in enumerate(made.stops, 1)),
        ),
        travel={"car": Travel(durations_s=ways, distances_m=ways)},
        visits=tuple(
            Visit(id=each.delivery_id, place=k, service_s=480, windows=(day,), load=(loaded,), collect=(0,))
            for k, each in enumerate(made.stops, 1)
        ),
        shifts=(
            ShiftOffer(
                id=made.shift_id, profile="car", start=0, end=0, start_s=0, end_s=12 * 3600, capacity=(capacity,)
            ),
        ),
    )
    connection.execute(
        tables.plan.update().where(tables.plan.c.id == made.plan_id).values(problem=problem_to_bytes(problem))
    )
    connection.execute(tables.vehicle.update().where(tables.vehicle.c.id == made.vehicle_id).values(pieces=capacity))
    for each in made.stops:
        connection.execute(tables.stop.update().where(tables.stop.c.id == each.stop_id).values(load=[0]))


def in_two_trips(
    connection: Connection,
    route_id: int,
    *,
    after: int,
    home: timedelta = timedelta(minutes=10),
    reload_minutes: int = 20,
) -> timedelta:
    """The van of a planned route goes home behind its `after`th stop, loads for `reload_minutes`, and drives the rest
    as its second trip. Returns how much later that is: the ways home and out, and the loading."""
    shift_id = connection.execute(tables.route.select().where(tables.route.c.id == route_id)).one().shift_id
    vehicle_id = connection.execute(tables.shift.select().where(tables.shift.c.id == shift_id)).one().vehicle_id
    connection.execute(
        tables.vehicle.update()
        .where(tables.vehicle.c.id == vehicle_id)
        .values(reload_minutes=reload_minutes, most_trips=2)
    )
    first = connection.execute(tables.trip.select().where(tables.trip.c.route_id == route_id)).one()
    stops = connection.execute(
        tables.stop.select().where(tables.stop.c.trip_id == first.id).order_by(tables.stop.c.sequence)
    ).all()
    back = stops[after - 1].departure + home
    leaves = back + timedelta(minutes=reload_minutes)
    later = leaves + home - stops[after].arrival
    second = row(
        connection,
        tables.trip,
        route_id=route_id,
        sequence=2,
        departs_at=leaves,
        returns_at=first.returns_at + later,
    )
    connection.execute(tables.trip.update().where(tables.trip.c.id == first.id).values(returns_at=back))
    for n, stop in enumerate(stops[after:], 1):
        connection.execute(
            tables.stop.update()
            .where(tables.stop.c.id == stop.id)
            .values(
                trip_id=second,
                sequence=n,
                arrival=stop.arrival + later,
                start=stop.start + later,
                departure=stop.departure + later,
            )
        )
    ends = connection.execute(tables.route.select().where(tables.route.c.id == route_id)).one().ends_at
    connection.execute(tables.route.update().where(tables.route.c.id == route_id).values(ends_at=ends + later))
    return later
