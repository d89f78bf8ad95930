"""Addresses that wait for a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, func, select

from data.tables import address_pin, customer, delivery, depot, order, region, site, task
from routing.errors import NotFound
from routing.model.places import SURE
from routing.model.tasks import TaskKind


@dataclass(frozen=True, slots=True, kw_only=True)
class InReview:
    """A site without a sure pin. `orders` are open for it, `today` deliveries wait to be planned."""

    id: int
    name: str
    customer: str
    address: str
    postcode: str
    city: str
    quality: str
    why: str
    orders: int
    waiting: int

    @property
    def written(self) -> str:
        return _written(self.address, self.postcode, self.city)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteAddress:
    """One site with its pin, the candidates that were found for it, and the pins a person chose here before."""

    id: int
    name: str
    customer: str
    address: str
    postcode: str
    city: str
    lat: float | None
    lon: float | None
    quality: str
    label: str
    why: str
    by: str
    at: datetime | None
    notes: str
    candidates: tuple[Mapping[str, Any], ...]
    remembered: tuple[tuple[str, str, datetime], ...]

    @property
    def is_sure(self) -> bool:
        return self.quality in SURE

    @property
    def written(self) -> str:
        return _written(self.address, self.postcode, self.city)


def _written(address: str, postcode: str, city: str) -> str:
    return ", ".join(part for part in (address, f"{postcode} {city}".strip()) if part)


def addresses_in_review(connection: Connection) -> list[InReview]:
    """Sites without a sure pin: first those with goods released for them, then those with open orders."""
    orders = (
        select(order.c.site_id, func.count().label("n"))
        .where(order.c.cancelled_at.is_(None))
        .group_by(order.c.site_id)
        .subquery("orders")
    )
    waiting = (
        select(delivery.c.site_id, func.count().label("n"))
        .where(delivery.c.state == "released")
        .group_by(delivery.c.site_id)
        .subquery("waiting")
    )
    n_orders, n_waiting = func.coalesce(orders.c.n, 0), func.coalesce(waiting.c.n, 0)
    query = (
        select(
            site.c.id,
            site.c.name,
            customer.c.name.label("customer"),
            site.c.address,
            site.c.postcode,
            site.c.city,
            site.c.pin_quality.label("quality"),
            site.c.pin_why.label("why"),
            n_orders.label("orders"),
            n_waiting.label("waiting"),
        )
        .join(customer, customer.c.id == site.c.customer_id)
        .outerjoin(orders, orders.c.site_id == site.c.id)
        .outerjoin(waiting, waiting.c.site_id == site.c.id)
        .where(site.c.pin_quality.not_in(SURE))
        .order_by(n_waiting.desc(), case((n_orders > 0, 0), else_=1), site.c.id)
    )
    return [InReview(**dict(row)) for row in connection.execute(query).mappings()]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfReach:
    """A place that `orders` go to and that no vehicle of ours gets to, or only `some` do."""

    name: str
    some: bool
    orders: int


def last_order(connection: Connection) -> int:
    """The id of the order that came last; 0 before there is any."""
    return connection.scalar(select(func.max(order.c.id))) or 0


def places_out_of_reach(connection: Connection, *, after_order: int) -> list[OutOfReach]:
    """The places off the road that nobody has mended yet and that orders later than this one go to, by name."""
    orders = func.count(order.c.id)
    query = (
        select(site.c.name, task.c.kind, task.c.data, orders.label("orders"))
        .join(task, (task.c.subject_kind == "site") & (task.c.subject_id == site.c.id) & task.c.done_at.is_(None))
        .join(order, (order.c.site_id == site.c.id) & (order.c.id > after_order))
        .where(task.c.kind.in_((TaskKind.ADDRESS_IN_REVIEW.value, TaskKind.ADDRESS_SOME_VEHICLES.value)))
        .group_by(site.c.id, site.c.name, task.c.id, task.c.kind)
        .order_by(site.c.name, site.c.id)
    )
    return [
        OutOfReach(name=row.name, some=row.kind == TaskKind.ADDRESS_SOME_VEHICLES, orders=row.orders)
        for row in connection.execute(query)
        if row.kind == TaskKind.ADDRESS_SOME_VEHICLES or row.data.get("no_road")
    ]


def site_address(connection: Connection, site_id: int) -> SiteAddress:
    """Raises NotFound."""
    row = connection.execute(
        select(site, customer.c.name.label("customer"))
        .join(customer, customer.c.id == site.c.customer_id)
        .where(site.c.id == site_id)
    ).first()
    if row is None:
        raise NotFound(f"There is no site {site_id}. Go back to the list of addresses.", site=site_id)
    remembered = connection.execute(
        select(address_pin.c.label, address_pin.c.by, address_pin.c.at)
        .where(address_pin.c.site_id == site_id)
        .order_by(address_pin.c.at.desc())
    )
    return SiteAddress(
        id=row.id,
        name=row.name,
        customer=row.customer,
        address=row.address,
        postcode=row.postcode,
        city=row.city,
        lat=row.lat,
        lon=row.lon,
        quality=row.pin_quality,
        label=row.pin_label,
        why=row.pin_why,
        by=row.pin_by,
        at=row.pin_at,
        notes=row.notes,
        candidates=tuple(row.pin_candidates or ()),
        remembered=tuple((each.label, each.by, each.at) for each in remembered),
    )


def regions_of_depots(connection: Connection, number: str = "") -> list[str]:
    """The regions that depots belong to, in the order of their first depot; of the depot with that number alone where
    one has it. Depots without a region name none."""
    query = (
        select(region.c.name).join(depot, depot.c.region_id == region.c.id).group_by(region.c.name)
        .order_by(func.min(depot.c.id))
    )  # fmt: skip
    if number and connection.scalar(select(depot.c.id).where(depot.c.number == number)) is not None:
        query = query.where(depot.c.number == number)
    return list(connection.scalars(query))


def region_of_depots(connection: Connection) -> str:
    """The region that the first depot with one belongs to; "" when no depot has one."""
    name = connection.scalar(
        select(region.c.name).join(depot, depot.c.region_id == region.c.id).order_by(depot.c.id).limit(1)
    )
    return name or ""
