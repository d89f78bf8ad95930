"""One box that finds an order by whatever reference somebody has in hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select

from data.tables import (
    allocation,
    contact,
    customer,
    delivery,
    delivery_line,
    empties_line,
    order,
    order_line,
    product,
    site,
)

LIMIT = 40
SHORTEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An order, and by what it was found. `exact`: the whole reference was typed."""

    order_id: int
    order: str
    customer_reference: str
    customer: str
    site: str
    ordered_at: Any
    matched: str
    value: str
    exact: bool


def find_orders(connection: Connection, text: str, *, limit: int = LIMIT) -> list[Hit]:
    """Orders by order number, customer's PO, ERP reference, delivery number, customer, site, SKU or phone number.

    Exact references first, then the newest. Upper and lower case, and what separates the digits of a phone number, do
    not matter. An order is found once, by its best match.
    """
    text = text.strip()
    if len(text) < SHORTEST:
        return []
    found: dict[int, Hit] = {}
    for matched, column, where, source in _ways(text):
        query = (
            select(
                order.c.id,
                order.c.number,
                order.c.customer_reference,
                customer.c.name.label("customer"),
                site.c.name.label("site"),
                order.c.ordered_at,
                column.label("value"),
                case((func.lower(column) == text.lower(), 1), else_=0).label("exact"),
            )
            .select_from(source)
            .where(where)
            .order_by(case((func.lower(column) == text.lower(), 0), else_=1), order.c.ordered_at.desc())
            .limit(limit)
        )
        for row in connection.execute(query):
            hit = Hit(
                order_id=row.id,
                order=row.number,
                customer_reference=row.customer_reference,
                customer=row.customer,
                site=row.site,
                ordered_at=row.ordered_at,
                matched=matched,
                value=row.value,
                exact=bool(row.exact),
            )
            before = found.get(row.id)
            if before is None or (hit.exact and not before.exact):
                found[row.id] = hit
    hits = sorted(found.values(), key=lambda hit: (hit.exact, hit.ordered_at, hit.order_id), reverse=True)
    return hits[:limit]


def _ways(text: str) -> list[tuple[str, Any, Any, Any]]:
    """(what it is called, the column, the condition, what is joined)."""
    base = order.join(customer, customer.c.id == order.c.customer_id).join(site, site.c.id == order.c.site_id)
    lines = base.join(order_line, order_line.c.order_id == order.c.id)
    goods = lines.join(product, product.c.id == order_line.c.product_id)
    deliveries = (
        lines.join(allocation, allocation.c.order_line_id == order_line.c.id)
        .join(delivery_line, delivery_line.c.allocation_id == allocation.c.id)
        .join(delivery, delivery.c.id == delivery_line.c.delivery_id)
    )
    empties = base.join(empties_line, empties_line.c.order_id == order.c.id).join(
        delivery, delivery.c.id == empties_line.c.delivery_id
    )
    like = "%" + text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"

    def holds(column: Any) -> Any:
        return func.lower(column).like(like, escape="\\")

    every_word = [
        "%" + word.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%" for word in text.split()
    ]

    def holds_words(column: Any) -> Any:
        return and_(*(func.lower(column).like(word, escape="\\") for word in every_word))

    ways = [
        ("order", order.c.number, holds(order.c.number), base),
        ("customer_reference", order.c.customer_reference, holds(order.c.customer_reference), base),
        ("erp_reference", order.c.erp_reference, holds(order.c.erp_reference), base),
        ("delivery", delivery.c.number, holds(delivery.c.number), deliveries),
        ("delivery", delivery.c.number, holds(delivery.c.number), empties),
        ("customer", customer.c.name, or_(holds_words(customer.c.name), holds(customer.c.number)), base),
        ("site", site.c.name, or_(holds_words(site.c.name), holds(site.c.number), holds_words(site.c.address)), base),
        ("sku", product.c.number, or_(holds(product.c.number), holds_words(product.c.name)), goods),
    ]
    digits = re.sub(r"\D", "", text)
    if len(digits) >= 6 and re.fullmatch(r"[+\d\s()./-]+", text):
        plain: Any = contact.c.address
        for sign in (" ", "-", "(", ")", "/", "."):
            plain = func.replace(plain, sign, "")
        # A number is often told without its country code or with a leading zero: the tail decides.
        tail = digits.lstrip("0")[-9:]
        phones = base.join(contact, contact.c.customer_id == order.c.customer_id)
        mine = or_(contact.c.site_id.is_(None), contact.c.site_id == order.c.site_id)
        ways.append(("phone", contact.c.address, and_(plain.like(f"%{tail}%"), mine), phones))
    return ways
