"""What customers wait for: every line with units that are open and not on the shelf for it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, case, func, or_, select

from data.queries.needs import COMMITTED, ORDERED, SERVED, newest_promise
from data.tables import allocation, customer, order, order_line, product, promise, site, supply
from routing.errors import NotFound
from routing.model.backorders import Backorder


def backorders(connection: Connection, *, customer_ids: Collection[int] | None = None) -> list[Backorder]:
    """By customer, then the soonest first, lines without a day last."""
    on_shelf = supply.c.kind == "receipt"
    sums = (
        select(
            allocation.c.order_line_id,
            # What is on a van, delivered, released or on the shelf for the line no longer waits for stock.
            func.sum(SERVED + COMMITTED + case((on_shelf, allocation.c.allocated), else_=0)).label("served"),
            func.sum(case((on_shelf, 0), else_=allocation.c.allocated)).label("covered"),
        )
        .join(supply, supply.c.id == allocation.c.supply_id)
        .group_by(allocation.c.order_line_id)
        .subquery()
    )
    newest = newest_promise(order_line.c.id)
    quantity = ORDERED - func.coalesce(sums.c.served, 0)
    query = (
        select(
            order_line.c.id,
            order_line.c.expected_on,
            order.c.id.label("order_id"),
            order.c.number,
            order.c.customer_reference,
            order.c.ordered_at,
            order.c.customer_id,
            order.c.site_id,
            customer.c.name.label("customer"),
            site.c.name.label("site"),
            product.c.number.label("sku"),
            product.c.name.label("product"),
            product.c.unit,
            quantity.label("waits"),
            func.coalesce(sums.c.covered, 0).label("covered"),
            promise.c.promised_on,
        )
        .join(order, order.c.id == order_line.c.order_id)
        .join(customer, customer.c.id == order.c.customer_id)
        .join(site, site.c.id == order.c.site_id)
        .join(product, product.c.id == order_line.c.product_id)
        .outerjoin(sums, sums.c.order_line_id == order_line.c.id)
        .outerjoin(promise, (promise.c.order_line_id == order_line.c.id) & (promise.c.version == newest))
        .where(order.c.cancelled_at.is_(None), quantity > 0)
    )
    if customer_ids is not None:
        query = query.where(order.c.customer_id.in_(sorted(customer_ids)))
    found = [
        Backorder(
            line_id=row.id,
            order_id=row.order_id,
            order=row.number,
            reference=row.customer_reference,
            ordered_at=row.ordered_at,
            customer_id=row.customer_id,
            customer=row.customer,
            site_id=row.site_id,
            site=row.site,
            sku=row.sku,
            name=row.product,
            unit=row.unit,
            quantity=row.waits,
            covered=row.covered,
            expected_on=row.expected_on,
            promised_on=row.promised_on or "",
        )
        for row in connection.execute(query)
    ]
    return sorted(found, key=lambda line: (line.customer, line.customer_id, line.expected_on or "9", line.line_id))


def customers_called(connection: Connection, text: str) -> list[int]:
    """The customers of that number, name, or part of a name. Raises NotFound when there is none."""
    exact = select(customer.c.id).where(or_(customer.c.number == text, customer.c.name == text))
    found = list(connection.scalars(exact))
    if not found and text:
        found = list(
            connection.scalars(select(customer.c.id).where(customer.c.name.icontains(text, autoescape=True)).limit(50))
        )
    if not found:
        raise NotFound(f'There is no customer "{text[:40]}". Write its number or a part of its name.', code="customer")
    return found
