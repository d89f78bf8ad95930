"""One order by its source and number, for a program: its lines, where their units are, their dates."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, case, func, select

from data.queries.needs import is_held
from data.queries.orders import delivered_elsewhere
from data.tables import allocation, customer, depot, order, order_line, product, promise, site, supply
from routing.errors import NotFound
from routing.model.money import in_units

STATES = ("released", "picked", "loaded", "delivered", "short", "refused", "damaged")


def order_document(connection: Connection, *, source: str, number: str) -> dict[str, Any]:
    """Raises NotFound. Quantities are base units, days ISO or "".

    Of an order that was `delivered_elsewhere`, by the shop itself, the lines count as `cancelled` what we do not bring.
    `allocated` lies on the shelf for the line, `provisional` is on a supplier's way, `open` has not left the depot.
    What has reached the customer is expected on no day any more. `on_hold`: the order, its payment or its customer is
    on hold; its lines are expected on those days when it is let go.
    """
    head = connection.execute(
        select(
            order,
            customer.c.number.label("customer"),
            site.c.number.label("site"),
            depot.c.number.label("depot"),
            delivered_elsewhere().label("elsewhere"),
            is_held().label("on_hold"),
        )
        .join(customer, customer.c.id == order.c.customer_id)
        .join(site, site.c.id == order.c.site_id)
        .join(depot, depot.c.id == order.c.depot_id)
        .where(order.c.source == source, order.c.number == number)
    ).first()
    if head is None:
        raise NotFound(f'There is no order "{number[:60]}" of source "{source[:40]}".', code="order_not_found")
    promises: dict[int, list[str]] = defaultdict(list)
    for row in connection.execute(
        select(promise.c.order_line_id, promise.c.promised_on)
        .join(order_line, order_line.c.id == promise.c.order_line_id)
        .where(order_line.c.order_id == head.id)
        .order_by(promise.c.version)
    ):
        promises[row.order_line_id].append(row.promised_on)
    lines = _lines(connection, head.id, promises)
    # Line by line everything was taken off, and none of it ever came.
    none_left = all(line["ordered"] <= line["cancelled"] for line in lines)
    none_came = not any(line[name] for line in lines for name in ("loaded", "delivered", "refused"))
    return {
        "source": head.source,
        "order": head.number,
        "customer": head.customer,
        "site": head.site,
        "depot": head.depot,
        "ordered_at": head.ordered_at.isoformat(),
        "wanted_on": head.wanted_on,
        "customer_reference": head.customer_reference,
        "erp_reference": head.erp_reference,
        "hold": head.hold_reason,
        "payment": head.payment,
        "on_hold": bool(head.on_hold),
        "collect_at_door": f"{in_units(head.collect_at_door, head.currency)}",
        "currency": head.currency,
        "cancelled": not head.elsewhere if head.cancelled_at is not None else none_left and none_came,
        "delivered_elsewhere": head.cancelled_at is not None and head.elsewhere,
        "lines": lines,
    }


def _lines(connection: Connection, order_id: int, promises: dict[int, list[str]]) -> list[dict[str, Any]]:
    def total(column: Any) -> Any:
        return func.coalesce(func.sum(column), 0)

    rows = connection.execute(
        select(
            order_line.c.id,
            order_line.c.number,
            order_line.c.erp_reference,
            product.c.number.label("sku"),
            order_line.c.quantity,
            order_line.c.cancelled,
            order_line.c.expected_on,
            total(case((supply.c.kind == "receipt", allocation.c.allocated), else_=0)).label("allocated"),
            total(case((supply.c.kind == "inbound", allocation.c.allocated), else_=0)).label("provisional"),
            *(total(allocation.c[name]).label(name) for name in STATES),
        )
        .join(product, product.c.id == order_line.c.product_id)
        .outerjoin(allocation, allocation.c.order_line_id == order_line.c.id)
        .outerjoin(supply, supply.c.id == allocation.c.supply_id)
        .where(order_line.c.order_id == order_id)
        .group_by(
            order_line.c.id,
            order_line.c.number,
            order_line.c.erp_reference,
            product.c.number,
            order_line.c.quantity,
            order_line.c.cancelled,
            order_line.c.expected_on,
        )
        .order_by(order_line.c.id)
    )
    return [
        {
            "line": row.number,
            "erp_reference": row.erp_reference,
            "sku": row.sku,
            "ordered": row.quantity,
            "cancelled": row.cancelled,
            "open": max(0, row.quantity - row.cancelled - int(row.loaded + row.delivered + row.refused)),
            "allocated": int(row.allocated),
            "provisional": int(row.provisional),
            **{name: int(getattr(row, name)) for name in STATES},
            "expected_on": row.expected_on if row.quantity - row.cancelled > int(row.delivered + row.refused) else "",
            "promised_on": promises[row.id][-1] if promises[row.id] else "",
            "first_promised_on": promises[row.id][0] if promises[row.id] else "",
        }
        for row in rows
    ]
