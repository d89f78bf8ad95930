"""Whose door it is, for who asks for a time on the phone: a site by its number, its customer's tier, its depot."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from data.tables import customer, depot, order, site, zone
from routing.errors import InvalidInput, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    site_id: int
    name: str
    customer: str
    tier: int
    depot_id: int | None
    """The depot of its zone, else of its newest order; None when it has neither."""


def door_numbered(connection: Connection, number: str) -> Door:
    """Raises NotFound; InvalidInput where two sources have that number."""
    rows = connection.execute(
        select(site.c.id, site.c.name, customer.c.name.label("customer"), customer.c.tier, zone.c.depot_id)
        .join_from(site, customer, customer.c.id == site.c.customer_id)
        .outerjoin(zone, zone.c.id == site.c.delivery_zone_id)
        .where(site.c.number == number)
    ).all()
    if not rows:
        raise NotFound(f'There is no site "{number[:40]}". Look it up under Search.', code="site")
    if len(rows) > 1:
        raise InvalidInput(f'Several sources have a site "{number[:40]}". Ask by its address.', code="site")
    row = rows[0]
    newest = connection.scalar(
        select(order.c.depot_id).where(order.c.site_id == row.id).order_by(order.c.ordered_at.desc()).limit(1)
    )
    return Door(
        site_id=row.id, name=row.name, customer=row.customer, tier=row.tier,
        depot_id=row.depot_id if row.depot_id is not None else newest,
    )  # fmt: skip


def depot_choice(connection: Connection) -> list[tuple[int, str, str]]:
    """(id, number, name) of every depot, by number."""
    return [
        (row.id, row.number, row.name)
        for row in connection.execute(select(depot.c.id, depot.c.number, depot.c.name).order_by(depot.c.number))
    ]
