"""Every open order line: what it needs, what it holds, when it comes and what was promised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Connection, ScalarSelect, case, func, select

from data.queries.needs import HELD, ORDERED, SERVED, is_held, still_needed
from data.tables import allocation, customer, depot, order, order_line, product, promise, site, supply


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLine:
    """Base units: `needed` have not left the depot, of which `firm` lie on the shelf for it, `provisional` are on a
    supplier's way, and nothing covers the rest. Days are ISO or "". `on_hold`: the order, its payment or its customer
    is on hold; `expected_on` is the day when it is let go."""

    id: int
    source: str
    order: str
    line: str
    erp_reference: str
    customer_reference: str
    customer: str
    customer_name: str
    site: str
    depot: str
    sku: str
    name: str
    unit: str
    ordered: int
    needed: int
    firm: int
    provisional: int
    wanted_on: str
    expected_on: str
    on_hold: bool
    promised_on: str
    first_promised_on: str

    @property
    def unallocated(self) -> int:
        return max(0, self.needed - self.firm - self.provisional)

    @property
    def slipped_days(self) -> int | None:
        """Days that the expected date lies after the first promise; None without either."""
        if not self.expected_on or not self.first_promised_on:
            return None
        return max(0, (date.fromisoformat(self.expected_on) - date.fromisoformat(self.first_promised_on)).days)


def open_lines(
    connection: Connection, *, sku: str = "", customer_number: str = "", after: int = 0, limit: int = 1_000
) -> list[OpenLine]:
    """At most `limit` of them by id, those behind the line `after`; of one SKU or one customer when named."""
    wanted: list[ColumnElement[bool]] = [order_line.c.id > after]
    if sku:
        wanted.append(product.c.number == sku)
    if customer_number:
        wanted.append(customer.c.number == customer_number)
    # Line by line, not summed for all: a page of a long table then costs no more than one of a short one.
    needed = still_needed()
    rows = connection.execute(
        select(
            order_line.c.id,
            order.c.source,
            order.c.number.label("order"),
            order_line.c.number.label("line"),
            order.c.erp_reference,
            order.c.customer_reference,
            customer.c.number.label("customer"),
            customer.c.name.label("customer_name"),
            site.c.number.label("site"),
            depot.c.number.label("depot"),
            product.c.number.label("sku"),
            product.c.name,
            product.c.unit,
            ORDERED.label("ordered"),
            needed.label("needed"),
            _of_line(case((supply.c.kind == "receipt", HELD), else_=0)).label("firm"),
            _of_line(case((supply.c.kind == "inbound", HELD), else_=0)).label("provisional"),
            order.c.wanted_on,
            order_line.c.expected_on,
            is_held().label("on_hold"),
        )
        .select_from(order_line)
        .join(order, order.c.id == order_line.c.order_id)
        .join(customer, customer.c.id == order.c.customer_id)
        .join(site, site.c.id == order.c.site_id)
        .join(depot, depot.c.id == order.c.depot_id)
        .join(product, product.c.id == order_line.c.product_id)
        .where(order.c.cancelled_at.is_(None), needed > 0, *wanted)
        .order_by(order_line.c.id)
        .limit(limit)
    ).all()
    promises: dict[int, list[str]] = {}
    for each in connection.execute(
        select(promise.c.order_line_id, promise.c.promised_on)
        .where(promise.c.order_line_id.in_([row.id for row in rows]))
        .order_by(promise.c.version)
    ):
        promises.setdefault(each.order_line_id, []).append(each.promised_on)
    return [
        OpenLine(
            **{**row._mapping, "on_hold": bool(row.on_hold)},
            promised_on=promises.get(row.id, [""])[-1],
            first_promised_on=promises.get(row.id, [""])[0],
        )
        for row in rows
    ]


def count_open_lines(connection: Connection) -> int:
    served = (
        select(allocation.c.order_line_id, func.sum(SERVED).label("units"))
        .group_by(allocation.c.order_line_id)
        .subquery()
    )
    query = (
        select(func.count())
        .select_from(order_line)
        .join(order, order.c.id == order_line.c.order_id)
        .outerjoin(served, served.c.order_line_id == order_line.c.id)
        .where(
            order.c.cancelled_at.is_(None),
            func.coalesce(served.c.units, 0) < ORDERED,
        )
    )
    return connection.scalar(query) or 0


def _of_line(units: ColumnElement[int]) -> ScalarSelect[int]:
    """The sum over what a line holds of every supply."""
    return (
        select(func.coalesce(func.sum(units), 0))
        .select_from(allocation)
        .join(supply, supply.c.id == allocation.c.supply_id)
        .where(allocation.c.order_line_id == order_line.c.id)
        .correlate(order_line)
        .scalar_subquery()
    )


def every_open_line(connection: Connection) -> Iterator[OpenLine]:
    """All of them, a page at a time."""
    after = 0
    while page := open_lines(connection, after=after):
        yield from page
        after = page[-1].id
