"""What customers wait for: every line with units that are open and not on the shelf for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, or_, select

from data.queries.lateness import days_late, due_promise, wishes
from data.queries.needs import COMMITTED, ORDERED, SERVED, is_held, newest_promise
from data.queries.questions import answers_due
from data.tables import allocation, customer, depot, order, order_line, product, promise, site, supply
from routing.errors import InvalidInput, NotFound
from routing.model.backorders import Backorder

SORTS = ("customer", "late", "worth")
"""`customer`: by customer, then the soonest first, lines without a day last. `late`: who was promised a day and has
none any more first, then the most days. `worth`: the most money first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackorderCounts:
    """Of all that wait: lines, their customers, and lines without a day."""

    lines: int
    customers: int
    undated: int


def backorders(
    connection: Connection,
    *,
    customer_ids: Collection[int] | None = None,
    today: str = "",
    sort: str = "customer",
    limit: int | None = None,
) -> list[Backorder]:
    """At most `limit` lines, by one of SORTS. `today`, an ISO day: what is late so far without any day."""
    waits = _waiting(customer_ids, today, wishes(connection)).subquery("waits")
    undated = case((waits.c.expected_on == "", 0), else_=1)
    lost = case(((waits.c.expected_on == "") & (waits.c.due_on != ""), 0), else_=1)
    by: dict[str, list[Any]] = {
        "customer": [waits.c.customer, waits.c.customer_id, undated.desc(), waits.c.expected_on],
        "late": [lost, waits.c.days_late.desc(), undated, waits.c.due_on, waits.c.worth.desc()],
        "worth": [waits.c.worth.desc(), waits.c.days_late.desc()],
    }
    query = select(waits).order_by(*by[sort], waits.c.line_id).limit(limit)
    rows = connection.execute(query).all()
    due = answers_due(connection, [row.line_id for row in rows])
    return [
        Backorder(
            **{**row._mapping, "wished": bool(row.wished), "on_hold": bool(row.on_hold)},
            answer_by=due.get(row.line_id, ""),
        )
        for row in rows
    ]


def count_backorders(connection: Connection, *, customer_ids: Collection[int] | None = None) -> BackorderCounts:
    waits = _waiting(customer_ids, "", []).subquery("waits")
    row = connection.execute(
        select(
            func.count(),
            func.count(waits.c.customer_id.distinct()),
            func.coalesce(func.sum(case((waits.c.expected_on == "", 1), else_=0)), 0),
        )
    ).one()
    return BackorderCounts(lines=row[0], customers=row[1], undated=int(row[2]))


def _waiting(customer_ids: Collection[int] | None, today: str, wished: list[str]) -> Select[Any]:
    on_shelf = supply.c.kind == "receipt"
    sums = (
        select(
            allocation.c.order_line_id,
            # What is on a van, delivered or on the shelf for the line no longer waits for stock; what was released
            # on a truck that is not counted in yet does, as the figures say.
            func.sum(SERVED + case((on_shelf, COMMITTED + allocation.c.allocated), else_=0)).label("served"),
            func.sum(case((on_shelf, 0), else_=COMMITTED + allocation.c.allocated)).label("covered"),
        )
        .join(supply, supply.c.id == allocation.c.supply_id)
        .group_by(allocation.c.order_line_id)
        .subquery()
    )
    last, due = promise.alias("last_promise"), promise.alias("due_promise")
    quantity = ORDERED - func.coalesce(sums.c.served, 0)
    due_on = func.coalesce(due.c.promised_on, "")
    query = (
        select(
            order_line.c.id.label("line_id"),
            order.c.id.label("order_id"),
            order.c.number.label("order"),
            order.c.customer_reference.label("reference"),
            order.c.ordered_at,
            order.c.customer_id,
            customer.c.name.label("customer"),
            order.c.site_id,
            site.c.name.label("site"),
            product.c.number.label("sku"),
            product.c.name,
            product.c.unit,
            quantity.label("quantity"),
            func.coalesce(sums.c.covered, 0).label("covered"),
            order_line.c.expected_on,
            func.coalesce(last.c.promised_on, "").label("promised_on"),
            due_on.label("due_on"),
            due.c.why.in_(wished).label("wished"),
            is_held().label("on_hold"),
            days_late(order_line.c.expected_on, due_on, today=today).label("days_late"),
            (quantity * order_line.c.unit_price).label("worth"),
            order.c.currency,
            depot.c.zone,
        )
        .join(order, order.c.id == order_line.c.order_id)
        .join(customer, customer.c.id == order.c.customer_id)
        .join(site, site.c.id == order.c.site_id)
        .join(depot, depot.c.id == order.c.depot_id)
        .join(product, product.c.id == order_line.c.product_id)
        .outerjoin(sums, sums.c.order_line_id == order_line.c.id)
        # Line by line by its index: SQLite would look through a table of all promises once a line.
        .outerjoin(
            last, (last.c.order_line_id == order_line.c.id) & (last.c.version == newest_promise(order_line.c.id))
        )
        .outerjoin(
            due, (due.c.order_line_id == order_line.c.id) & (due.c.version == due_promise(order_line.c.id, wished))
        )
        .where(order.c.cancelled_at.is_(None), quantity > 0)
    )
    if customer_ids is not None:
        query = query.where(order.c.customer_id.in_(sorted(customer_ids)))
    return query


def customers_called(connection: Connection, text: str) -> list[int]:
    """The customers of that number, SOURCE:NUMBER, name, or part of a name: for what is only listed. Raises NotFound
    when there is none or none was named."""
    if not text:
        raise NotFound("Choose a customer: write its number or a part of its name.", code="customer")
    found = [row.id for row in _called(connection, text)]
    if not found:
        found = list(connection.scalars(select(customer.c.id).where(_alike(text)).limit(50)))
    if not found:
        raise NotFound(f'There is no customer "{text[:40]}". Write its number or a part of its name.', code="customer")
    return found


def customer_called(connection: Connection, text: str) -> tuple[int, str, str]:
    """Key, number and name of the one of that number, SOURCE:NUMBER or whole name: for what is done to a customer, not
    only listed. Raises NotFound, and InvalidInput when several are called so: two sources may use one number."""
    if not text:
        raise NotFound("Choose a customer: write its number or its name.", code="customer")
    rows = _called(connection, text)
    if not rows:
        alike = connection.execute(select(*_NAMED).where(_alike(text)).order_by(customer.c.id).limit(6)).all()
        some = f" Alike are {_numbers(connection, alike[:5])}{' and more' if len(alike) > 5 else ''}:" if alike else ""
        mend = "write the number of one" if alike else "Write its number or its whole name"
        raise NotFound(f'There is no customer "{text[:40]}".{some} {mend}.', code="customer")
    # Its own number is a customer's name, also where somebody else is called so.
    rows = [row for row in rows if row.number == text] or rows
    if len(rows) > 1:
        some = _numbers(connection, rows[:5])
        raise InvalidInput(
            f'{len(rows)} customers are called "{text[:40]}" ({some}): write the number of one.', code="customer"
        )
    (row,) = rows
    return row.id, row.number, row.name


_NAMED = (customer.c.id, customer.c.source, customer.c.number, customer.c.name)


def _called(connection: Connection, text: str) -> Sequence[Row[Any, Any, Any, Any]]:
    """Those of exactly that number, name or SOURCE:NUMBER."""
    called = [customer.c.number == text, customer.c.name == text]
    source, colon, number = text.partition(":")
    if colon:
        called.append(and_(customer.c.source == source, customer.c.number == number))
    return connection.execute(select(*_NAMED).where(or_(*called)).order_by(customer.c.id)).all()


def _alike(text: str) -> ColumnElement[bool]:
    return customer.c.name.icontains(text, autoescape=True)


def _numbers(connection: Connection, rows: Sequence[Row[Any, Any, Any, Any]]) -> str:
    """The number that names each, with its source where another customer has the same."""
    numbers = sorted({row.number for row in rows})
    query = select(customer.c.number).where(customer.c.number.in_(numbers))
    several = query.group_by(customer.c.number).having(func.count() > 1)
    shared = set(connection.scalars(several))
    return ", ".join(f"{row.source}:{row.number}" if row.number in shared else row.number for row in rows)


def orders_of(connection: Connection, customer_ids: Collection[int]) -> set[int]:
    """The keys of everything these customers ever ordered."""
    return set(connection.scalars(select(order.c.id).where(order.c.customer_id.in_(sorted(customer_ids)))))
