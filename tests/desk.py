"""A small morning at a depot: a truck that is due, three cafés that wait for it, and one whose address is not sure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, insert

from data import tables
from data.db import Database
from data.store import SqlStore
from routing.model.stock import Receipt
from routing.model.tasks import TaskKind
from routing.services.importing import settle
from routing.services.receiving import commit_receipt
from tests.website import Website

HOSTILE = "<img src=x onerror=alert(1)>"


@dataclass
class Desk:
    """Keys of what stands in the database: orders and sites by the number of their café."""

    depot: int
    inbound: int
    products: dict[str, int]
    orders: dict[int, int]
    sites: dict[int, int]


def add(connection: Connection, table: Table, **values: Any) -> int:
    key: int = connection.execute(insert(table).values(values).returning(table.c.id)).scalar_one()
    return key


def a_desk(website: Website) -> Desk:
    """Cafés 1 (tier 2), 2 and 3 want 12 oat drinks each of a truck of 36 due today; Café 4 coffee from the shelf."""
    return fill_desk(website.installation.database, website.clock.at)


def fill_desk(database: Database, now: datetime) -> Desk:
    with database.writing() as connection:
        add(
            connection,
            tables.company,
            name="Example Wholesale",
            currency="EUR",
            zone="Europe/Helsinki",
            phone="555-0100",
        )
        depot = add(connection, tables.depot, number="NORTH", name="Depot North", zone="Europe/Helsinki")
        products = {
            sku: add(connection, tables.product, number=sku, name=name, case_pack=12, weight_g=500, price=200)
            for sku, name in (("OAT", "Oat drink"), ("COFFEE", "Coffee beans"))
        }
        inbound = add(
            connection, tables.supply, kind="inbound", number="IN-1", depot_id=depot, product_id=products["OAT"],
            quantity=36, expected_at=now - timedelta(hours=1),
        )  # fmt: skip
        orders, sites = {}, {}
        for café in (1, 2, 3, 4):
            customer = add(
                connection, tables.customer, number=f"C-{café}", tier=2 if café == 1 else 1,
                name=f"Café {café} {HOSTILE if café == 3 else ''}".strip(),
            )  # fmt: skip
            add(
                connection, tables.contact, customer_id=customer, name="Buyer", role="buyer", channel="sms",
                address=f"+358 99 555 000{café}", consent=True,
            )  # fmt: skip
            sure = café != 4
            sites[café] = add(
                connection, tables.site, customer_id=customer, number=f"S-{café}", name=f"Café {café}",
                address="Testgatan 1" if sure else "Tsetgatan 1", delivery_days="mon,tue,wed,thu,fri,sat,sun",
                lat=60.17 if sure else None, lon=24.94 if sure else None,
                pin_quality="exact" if sure else "approximate",
                pin_why="" if sure else "Read as Testgatan. Confirm it.",
                pin_at=now - timedelta(days=1),
                pin_candidates=[] if sure else [_candidate(60.1705, 24.9412), _candidate(60.1710, 24.9420)],
            )  # fmt: skip
            orders[café] = add(
                connection, tables.order, number=f"SO-{café}", customer_id=customer, site_id=sites[café],
                depot_id=depot, ordered_at=now - timedelta(days=5 - café), currency="EUR", note=HOSTILE,
                customer_reference=f"PO-70{café}", erp_reference=f"ERP-90{café}",
            )  # fmt: skip
            add(
                connection, tables.order_line, order_id=orders[café], number="1", quantity=12, unit_price=200,
                product_id=products["COFFEE" if café == 4 else "OAT"],
            )  # fmt: skip
        store = SqlStore(connection)
        store.touched_orders.update(orders.values())
        settle(store, {depot: set(products.values())}, now=now, by="import", tell=False, why="new orders")
        commit_receipt(
            store, counted("R-0", depot, products["COFFEE"], "COFFEE", 12, now), now=now, by="import", tell=False
        )
        store.add_task(
            kind=TaskKind.ADDRESS_IN_REVIEW, subject_kind="site", subject_id=sites[4],
            sentence="Café 4: Read as Testgatan.", made_at=now,
        )  # fmt: skip
        store.write_stands()
    return Desk(depot=depot, inbound=inbound, products=products, orders=orders, sites=sites)


def counted(number: str, depot: int, product: int, sku: str, quantity: int, at: datetime, **values: Any) -> Receipt:
    return Receipt(
        number=number, depot_id=depot, product_id=product, sku=sku, quantity=quantity, counted_at=at, **values
    )


def _candidate(lat: float, lon: float) -> dict[str, Any]:
    return {
        "lat": lat, "lon": lon, "label": f"Testgatan {round((lat - 60.17) * 2000)}", "street": "Testgatan",
        "house_number": "1", "postcode": "", "city": "", "quality": "approximate", "score": 80.0, "source": "gazetteer",
    }  # fmt: skip
