"""What has an import template, written in exactly its columns: what comes out goes in again, here or elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, select

from data.exporters.paging import pages
from data.exporters.sheets import Cell
from data.importers import customers, inbound, orders, products, sites, suppliers
from data.queries.company import user_names
from data.tables import (
    company,
    contact,
    customer,
    depot,
    order,
    order_line,
    product,
    promise,
    site,
    site_window,
    supplier,
    supply,
)
from routing.model.money import in_units

Rows = Iterator[list[Cell]]

CUSTOMERS = customers.COLUMNS


def moment(at: datetime | None, zone: str) -> str:
    """ISO 8601 with the zone's offset."""
    return "" if at is None else at.astimezone(ZoneInfo(zone)).isoformat()


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _row(columns: Collection[str], values: Mapping[str, Cell]) -> list[Cell]:
    return [values[name] for name in columns]


SUPPLIERS = suppliers.COLUMNS


def supplier_rows(connection: Connection) -> Rows:
    for page in pages(connection, select(supplier.c.id.label("key"), supplier), supplier.c.id):
        for each in page:
            yield [each.number, each.name, each.email, each.lead_days, each.language]


PRODUCTS = products.COLUMNS


def product_rows(connection: Connection) -> Rows:
    query = select(product.c.id.label("key"), product, supplier.c.number.label("supplier")).outerjoin(
        supplier, supplier.c.id == product.c.supplier_id
    )
    for page in pages(connection, query, product.c.id):
        for each in page:
            yield _row(
                PRODUCTS,
                {
                    "sku": each.number,
                    "name": each.name,
                    "unit": each.unit,
                    "case_pack": each.case_pack,
                    "pallet_pack": each.pallet_pack,
                    "weight_g": each.weight_g,
                    "volume_cm3": each.volume_cm3,
                    "pieces": each.pieces,
                    "price": in_units(each.price, each.currency),
                    "currency": each.currency,
                    "supplier": each.supplier or "",
                    "barcode": each.barcode,
                    "returnable": "yes" if each.returnable else "no",
                },
            )


def inbound_rows(connection: Connection) -> Rows:
    """`quantity` is the whole of it, as its file says it, also once part was counted in; 0: it will not come."""
    query = (
        select(
            supply.c.id.label("key"),
            supply,
            supplier.c.number.label("supplier"),
            depot.c.number.label("depot"),
            depot.c.zone,
            product.c.number.label("sku"),
        )
        .outerjoin(supplier, supplier.c.id == supply.c.supplier_id)
        .join(depot, depot.c.id == supply.c.depot_id)
        .join(product, product.c.id == supply.c.product_id)
        .where(supply.c.kind == "inbound")
    )
    for page in pages(connection, query, supply.c.id):
        for each in page:
            yield _row(
                inbound.COLUMNS,
                {
                    "number": each.number,
                    "supplier": each.supplier or "",
                    "depot": each.depot,
                    "sku": each.sku,
                    "quantity": 0 if each.cancelled_at else each.quantity,
                    "expected_at": moment(each.expected_at, each.zone),
                },
            )


# ---------------------------------------------------------------------------- customers, sites, contacts


def customer_rows(connection: Connection) -> Rows:
    """One row a contact of a site, or one without a contact. The customer's own contacts stand at its first site.

    A customer without a site has a row without one. Gate codes never leave the house.
    """
    currency = connection.scalar(select(company.c.currency).limit(1)) or ""
    for page in pages(connection, select(customer.c.id.label("key"), customer), customer.c.id):
        ids = [each.id for each in page]
        doors: dict[int, list[Row[Any]]] = defaultdict(list)
        for each in connection.execute(select(site).where(site.c.customer_id.in_(ids)).order_by(site.c.id)):
            doors[each.customer_id].append(each)
        contacts: dict[tuple[int, int | None], list[Row[Any]]] = defaultdict(list)
        for each in connection.execute(select(contact).where(contact.c.customer_id.in_(ids)).order_by(contact.c.id)):
            contacts[each.customer_id, each.site_id].append(each)
        hours = _hours(connection, [each.id for mine in doors.values() for each in mine])
        for each in page:
            own: list[Row[Any] | None] = [*contacts[each.id, None]]
            if not doors[each.id]:
                for person in own or [None]:
                    yield _row(CUSTOMERS, _customer(each) | _NO_SITE | _contact(person))
            for index, place in enumerate(doors[each.id]):
                at_site = [*(own if index == 0 else ()), *contacts[each.id, place.id]]
                for person in at_site or [None]:
                    site_cells = _site(place, hours.get(place.id, []), currency)
                    yield _row(CUSTOMERS, _customer(each) | site_cells | _contact(person))


SITES = sites.COLUMNS


def site_rows(connection: Connection) -> Rows:
    """One row a site, without what is its customer's or a contact's. Gate codes never leave the house."""
    currency = connection.scalar(select(company.c.currency).limit(1)) or ""
    query = select(site.c.id.label("key"), site, customer.c.number.label("customer")).join(
        customer, customer.c.id == site.c.customer_id
    )
    for page in pages(connection, query, site.c.id):
        hours = _hours(connection, [each.id for each in page])
        for each in page:
            yield _row(SITES, {"customer": each.customer} | _site(each, hours.get(each.id, []), currency))


def _hours(connection: Connection, site_ids: Collection[int]) -> dict[int, list[Row[Any]]]:
    """The hours that hold every delivery day; the template has no place for those of single weekdays."""
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    query = select(site_window).where(site_window.c.site_id.in_(site_ids), site_window.c.weekdays == "")
    for each in connection.execute(query.order_by(site_window.c.opens, site_window.c.closes)):
        found[each.site_id].append(each)
    return found


def _customer(row: Row[Any]) -> dict[str, Cell]:
    return {
        "customer": row.number,
        "customer_name": row.name,
        "tier": row.tier,
        "business": _yes(row.business),
        "language": row.language,
        "rank_rule": row.rank_rule,
        "salesperson": row.salesperson,
        "payment_hold": row.payment_hold,
    }


def _site(row: Row[Any], hours: list[Row[Any]], currency: str) -> dict[str, Cell]:
    return {
        "site": row.number,
        "site_name": row.name,
        "address": row.address,
        "postcode": row.postcode,
        "city": row.city,
        "country": row.country,
        "delivery_days": row.delivery_days,
        "windows": ";".join(f"{each.opens}-{each.closes}" for each in hours),
        "window_kind": hours[0].kind if hours else "",
        "service_minutes": row.service_s // 60,
        "service_seconds_per_case": row.service_s_per_case,
        "parking_minutes": row.parking_s // 60,
        "max_vehicle_height_cm": row.max_height_cm,
        "max_vehicle_length_cm": row.max_length_cm,
        "max_vehicle_weight_kg": row.max_weight_kg,
        "skills": row.skills,
        "crew": row.crew,
        "notes": row.notes,
        "late_minutes": row.late_s // 60,
        "late_price_per_minute": in_units(row.late_per_minute, currency),
        "known_to": row.known_to,
        "stranger_price": in_units(row.stranger_price, currency),
        "vehicles": row.vehicles,
        "run": row.run,
        "motor_hours": row.motor_hours,
    }


def _contact(row: Row[Any] | None) -> dict[str, Cell]:
    return {
        "contact_name": row.name if row else "",
        "contact_role": row.role if row else "",
        "contact_channel": row.channel if row else "",
        "contact_address": row.address if row else "",
        "contact_consent": _yes(row.consent) if row else "",
    }


_NO_SITE: dict[str, Cell] = dict.fromkeys(customers.OF_A_SITE)


# ---------------------------------------------------------------------------- orders


ORDERS = orders.COLUMNS


def order_rows(connection: Connection) -> Rows:
    """One row a line that is not cancelled, with the promise in force; delivered ones too."""
    query = (
        select(
            order.c.id.label("key"),
            order,
            customer.c.number.label("customer"),
            site.c.number.label("site"),
            depot.c.number.label("depot"),
            depot.c.zone,
        )
        .join(customer, customer.c.id == order.c.customer_id)
        .join(site, site.c.id == order.c.site_id)
        .join(depot, depot.c.id == order.c.depot_id)
        .where(order.c.cancelled_at.is_(None))
    )
    names = user_names(connection)
    for page in pages(connection, query, order.c.id):
        ids = [each.id for each in page]
        lines: dict[int, list[Row[Any]]] = defaultdict(list)
        for line in connection.execute(
            select(order_line, product.c.number.label("sku"))
            .join(product, product.c.id == order_line.c.product_id)
            .where(order_line.c.order_id.in_(ids), order_line.c.cancelled < order_line.c.quantity)
            .order_by(order_line.c.id)
        ):
            lines[line.order_id].append(line)
        promised = {
            each.order_line_id: each.promised_on
            for each in connection.execute(
                select(promise.c.order_line_id, promise.c.promised_on)
                .join(order_line, order_line.c.id == promise.c.order_line_id)
                .where(order_line.c.order_id.in_(ids))
                .order_by(promise.c.version)
            )
        }
        for each in page:
            head = _order(each) | {"urgent_by": names.get(each.urgent_by, each.urgent_by)}
            for line in lines[each.id]:
                yield _row(
                    ORDERS,
                    head
                    | {
                        "line": line.number,
                        "sku": line.sku,
                        "quantity": line.quantity - line.cancelled,
                        "unit_price": in_units(line.unit_price, each.currency),
                        "promised_on": promised.get(line.id, ""),
                    },
                )


def _order(row: Row[Any]) -> dict[str, Cell]:
    return {
        "order": row.number,
        "source": row.source,
        "customer": row.customer,
        "site": row.site,
        "depot": row.depot,
        "ordered_at": moment(row.ordered_at, row.zone),
        "wanted_on": row.wanted_on,
        "not_before": row.not_before,
        "not_after": row.not_after,
        "customer_reference": row.customer_reference,
        "erp_reference": row.erp_reference,
        "completeness": row.completeness,
        "min_percent": row.min_percent,
        "min_value": in_units(row.min_value, row.currency) if row.min_value else "",
        "collect_at_door": in_units(row.collect_at_door, row.currency) if row.collect_at_door else "",
        "max_wait_days": row.max_wait_days,
        "max_shipments": row.max_shipments,
        "hold": row.hold_reason,
        "payment": row.payment,
        "urgent_by": row.urgent_by,
        "note": row.note,
        "currency": row.currency,
    }
