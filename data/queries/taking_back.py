"""A released delivery as somebody sees it who thinks of taking it back: its goods, its routes, and who was told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from data.queries.empties import empties_of
from data.tables import (
    allocation,
    current_plan,
    delivery,
    delivery_line,
    depot,
    driver,
    notice,
    order,
    order_line,
    product,
    route,
    shift,
    site,
    stop,
    stop_delivery,
    trip,
    vehicle,
)
from routing.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class OnRoute:
    """Where a plan in force has it."""

    day: str
    vehicle: str
    driver: str
    sequence: int
    start: datetime
    dispatched: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A message about it, or about its stop."""

    kind: str
    recipient: str
    status: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakingBack:
    """`goods` are (units, SKU, name); `orders` (id, number). `fetches`: its goods are at the customer."""

    id: int
    number: str
    state: str
    fetches: bool
    for_day: str
    site: str
    zone: str
    orders: tuple[tuple[int, str], ...]
    goods: tuple[tuple[int, str, str], ...]
    routes: tuple[OnRoute, ...]
    told: tuple[Told, ...]


def taking_back(connection: Connection, delivery_id: int) -> TakingBack:
    """Raises NotFound."""
    query = (
        select(delivery, site.c.name.label("site_name"), depot.c.zone.label("depot_zone"))
        .join(site, site.c.id == delivery.c.site_id)
        .join(depot, depot.c.id == delivery.c.depot_id)
        .where(delivery.c.id == delivery_id)
    )
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"There is no delivery {delivery_id}.", delivery=delivery_id)
    lines = connection.execute(
        select(order.c.id, order.c.number, delivery_line.c.quantity, product.c.number.label("sku"), product.c.name)
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .join(order, order.c.id == order_line.c.order_id)
        .join(product, product.c.id == order_line.c.product_id)
        .where(delivery_line.c.delivery_id == delivery_id)
        .order_by(delivery_line.c.id)
    ).all()
    empties = empties_of(connection, [delivery_id]).get(delivery_id, [])
    orders = {line.id: (line.id, line.number) for line in lines}
    orders |= {each.order_id: (each.order_id, each.order_number) for each in empties if each.order_id is not None}
    stops = connection.execute(
        select(
            current_plan.c.day, current_plan.c.state, vehicle.c.name.label("vehicle"), driver.c.name.label("driver"),
            route.c.sequence, stop.c.start, stop.c.id,
        )
        .join(route, route.c.plan_id == current_plan.c.plan_id)
        .join(shift, (shift.c.id == route.c.shift_id) & (shift.c.depot_id == current_plan.c.depot_id))
        .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
        .outerjoin(driver, driver.c.id == shift.c.driver_id)
        .join(trip, trip.c.route_id == route.c.id)
        .join(stop, stop.c.trip_id == trip.c.id)
        .join(stop_delivery, stop_delivery.c.stop_id == stop.c.id)
        .where(stop_delivery.c.delivery_id == delivery_id)
        .order_by(current_plan.c.day, stop.c.id)
    ).all()  # fmt: skip
    return TakingBack(
        id=row.id,
        number=row.number,
        state=row.state,
        fetches=row.direction == "collect",
        for_day=row.for_day,
        site=row.site_name,
        zone=row.depot_zone,
        orders=tuple(orders.values()),
        goods=(
            *((line.quantity, line.sku, line.name) for line in lines),
            *((each.quantity, each.number, each.name) for each in empties),
        ),
        routes=tuple(
            OnRoute(
                day=each.day,
                vehicle=each.vehicle,
                driver=each.driver or "",
                sequence=each.sequence,
                start=each.start,
                dispatched=each.state != "draft",
            )
            for each in stops
        ),
        told=tuple(_told(each) for each in _notices(connection, delivery_id, [each.id for each in stops])),
    )


def _notices(connection: Connection, delivery_id: int, stop_ids: list[int]) -> list[Mapping[str, Any]]:
    about = or_(
        (notice.c.subject_kind == "delivery") & (notice.c.subject_id == delivery_id),
        (notice.c.subject_kind == "stop") & notice.c.subject_id.in_(stop_ids),
    )
    return [dict(row) for row in connection.execute(select(notice).where(about).order_by(notice.c.id)).mappings()]


def _told(row: Mapping[str, Any]) -> Told:
    return Told(kind=row["kind"], recipient=row["recipient"], status=row["status"], at=row["sent_at"])
