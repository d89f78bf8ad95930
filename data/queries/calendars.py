"""Calendars and zones as their page lists them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from data.tables import calendar, calendar_day, customer, depot, order, site, supplier, zone
from routing.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay:
    scope: str
    scope_id: int
    whom: str
    day: str
    is_open: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneCard:
    id: int
    number: str
    name: str
    depot: str
    delivery_days: tuple[str, ...]
    cut_off: str
    postcodes: str
    stops_a_day: int | None
    sites: int


def calendar_days(connection: Connection, *, year: int) -> list[CalendarDay]:
    """Every single day of a year of which a calendar says something, by day; `whom` is "" for the company."""
    names: dict[tuple[str, int], str] = {}
    for scope, table in (("depot", depot), ("zone", zone), ("site", site), ("supplier", supplier)):
        used = select(calendar.c.scope_id).where(calendar.c.scope == scope)
        rows = connection.execute(select(table.c.id, table.c.name).where(table.c.id.in_(used)))
        names |= {(scope, row.id): row.name for row in rows}
    query = (
        select(calendar.c.scope, calendar.c.scope_id, calendar_day.c.day, calendar_day.c.open, calendar_day.c.why)
        .join(calendar, calendar.c.id == calendar_day.c.calendar_id)
        .where(calendar_day.c.day >= f"{year}-01-01", calendar_day.c.day <= f"{year}-12-31")
        .order_by(calendar_day.c.day, calendar.c.id)
    )
    return [
        CalendarDay(
            scope=row.scope,
            scope_id=row.scope_id,
            whom=names.get((row.scope, row.scope_id), ""),
            day=row.day,
            is_open=row.open,
            why=row.why,
        )
        for row in connection.execute(query)
    ]


def zone_cards(connection: Connection) -> list[ZoneCard]:
    """Every delivery zone, by depot and number, with how many sites belong to it."""
    counts = select(site.c.delivery_zone_id, func.count().label("sites")).group_by(site.c.delivery_zone_id).subquery()
    query = (
        select(zone, depot.c.name.label("depot_name"), func.coalesce(counts.c.sites, 0).label("sites"))
        .join(depot, depot.c.id == zone.c.depot_id)
        .outerjoin(counts, counts.c.delivery_zone_id == zone.c.id)
        .order_by(depot.c.name, zone.c.number)
    )
    return [
        ZoneCard(
            id=row.id,
            number=row.number,
            name=row.name,
            depot=row.depot_name,
            delivery_days=tuple(row.delivery_days.split(",")),
            cut_off=row.cut_off,
            postcodes=row.postcodes,
            stops_a_day=row.stops_a_day,
            sites=row.sites,
        )
        for row in connection.execute(query)
    ]


def whose(connection: Connection, scope: str, text: str, *, key: int | None = None) -> int:
    """The id of the depot, zone, site or supplier that a person typed by number or name; 0 for the company.

    `key` is its id where a form knows it. A site is also found by its customer's name. Raises InvalidInput when there
    is none or more than one.
    """
    tables = {"depot": depot, "zone": zone, "site": site, "supplier": supplier}
    if scope not in tables:
        return 0
    table = tables[scope]
    matches = (table.c.number == text) | (table.c.name == text)
    query = select(table.c.id).where(matches)
    if scope == "site":
        named = select(customer.c.id).where(customer.c.name == text)
        query = select(site.c.id).where(matches | site.c.customer_id.in_(named))
    found = connection.scalars(query).all()
    if key is not None:
        found = connection.scalars(select(table.c.id).where(table.c.id == key)).all()
    if not found:
        raise InvalidInput(f'There is no {scope} "{text[:40]}". Write its number or name.', code="whom")
    if len(found) > 1:
        raise InvalidInput(f'"{text[:40]}" is {len(found)} {scope}s. Write the number instead.', code="whom")
    return int(found[0])


def zone_of_order(connection: Connection, order_id: int) -> tuple[int, str]:
    """The depot's key, and the name of the delivery zone that the order's site is in; "" for none."""
    row = connection.execute(
        select(order.c.depot_id, zone.c.name, zone.c.number)
        .join(site, site.c.id == order.c.site_id)
        .outerjoin(zone, zone.c.id == site.c.delivery_zone_id)
        .where(order.c.id == order_id)
    ).one()
    return row.depot_id, row.name or row.number or ""
