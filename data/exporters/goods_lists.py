"""Short lists about goods in the columns of their files: who can bring what, what goes instead, what lies where."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, case, func, select

from data.exporters.paging import pages
from data.exporters.sheets import Cell
from data.queries.needs import HELD, SELLABLE
from data.tables import allocation, depot, product, product_substitute, product_supplier, supplier, supply

Rows = Iterator[list[Cell]]


def source_rows(connection: Connection) -> Rows:
    """One row a pair that was named; a supplier of whom nobody named a product has a row without one. Who brings a
    product usually stands in the products file."""
    known = ("number", "name", "email", "language", "lead_days")
    query = (
        select(product_supplier.c.id.label("key"), product.c.number.label("sku"), *(supplier.c[name] for name in known))
        .join(product, product.c.id == product_supplier.c.product_id)
        .join(supplier, supplier.c.id == product_supplier.c.supplier_id)
    )
    for page in pages(connection, query, product_supplier.c.id):
        for each in page:
            yield [each.number, each.sku, each.name, each.email, each.language, each.lead_days or ""]
    named = select(product_supplier.c.supplier_id)
    alone = select(supplier.c.id.label("key"), *(supplier.c[name] for name in known))
    for page in pages(connection, alone.where(supplier.c.id.not_in(named)), supplier.c.id):
        for each in page:
            yield [each.number, "", each.name, each.email, each.language, each.lead_days or ""]


def substitute_rows(connection: Connection) -> Rows:
    other = product.alias("other")
    query = (
        select(
            product_substitute.c.id.label("key"),
            product_substitute,
            product.c.number.label("sku"),
            other.c.number.label("substitute"),
        )
        .join(product, product.c.id == product_substitute.c.product_id)
        .join(other, other.c.id == product_substitute.c.substitute_id)
    )
    for page in pages(connection, query, product_substitute.c.id):
        for each in page:
            yield [each.sku, each.substitute, each.gives, each.replaces, each.preference]


def count_rows(connection: Connection) -> Rows:
    """One row a SKU and depot where it was ever counted in: the sellable units that lie there, released and picked ones
    included, so that the file can be taken along to count again."""
    gone = (
        select(allocation.c.supply_id, func.sum(allocation.c.quantity - HELD).label("units"))
        .group_by(allocation.c.supply_id)
        .subquery()
    )
    here = SELLABLE - func.coalesce(gone.c.units, 0)
    query = (
        select(supply.c.depot_id, supply.c.product_id, here.label("here"))
        .outerjoin(gone, gone.c.supply_id == supply.c.id)
        .where(supply.c.kind == "receipt", supply.c.cancelled_at.is_(None))
        .subquery()
    )
    lies = case((query.c.here > 0, query.c.here), else_=0)
    rows = connection.execute(
        select(depot.c.number, product.c.number.label("sku"), func.sum(lies).label("units"))
        .join(depot, depot.c.id == query.c.depot_id)
        .join(product, product.c.id == query.c.product_id)
        .group_by(depot.c.number, product.c.number)
        .order_by(depot.c.number, product.c.number)
    )
    for row in rows:
        yield [row.number, row.sku, int(row.units)]
