"""What there is of every SKU at each depot, what is to come and what is wanted, for the page and the terminal."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, Subquery, and_, case, func, or_, select, true

from data.queries.needs import HELD, ORDERED, SELLABLE, SERVED, TO_COME
from data.tables import allocation, depot, order, order_line, product, supply
from routing.model.stock import Coming, SkuStock

SORTS = ("uncovered", "sku", "on_hand", "available", "inbound", "wanted", "expected")

_ON_SHELF = and_(supply.c.kind == "receipt", supply.c.cancelled_at.is_(None))
_IS_TO_COME = and_(supply.c.kind == "inbound", supply.c.cancelled_at.is_(None), TO_COME > 0)


def stock_rows(
    connection: Connection,
    *,
    sku: str = "",
    text: str = "",
    sort: str = "sku",
    limit: int | None = None,
    offset: int = 0,
) -> list[SkuStock]:
    """The SKUs that lie at a depot, are to come or are wanted; ties by SKU and depot. `text` is a part of number or
    name. `sort`: one of SORTS; amounts the greatest first, `expected` the soonest."""
    rows = _rows(sku, text).subquery()
    by: list[Any] = []
    if sort == "expected":
        by = [case((rows.c.next_expected == "", 1), else_=0), rows.c.next_expected]
    elif sort in SORTS and sort != "sku":
        by = [rows.c[sort].desc()]
    if sort == "uncovered":
        # What is covered by a truck is still waited for: that comes before what only lies there.
        by.append(_at_least_none(rows.c.wanted - rows.c.on_hand).desc())
    query = select(rows).order_by(*by, rows.c.sku, rows.c.depot).limit(limit).offset(offset)
    found = connection.execute(query).all()
    coming = _coming(connection, sorted({row.product_id for row in found}))
    return [SkuStock(**row._mapping, coming=tuple(coming.get((row.product_id, row.depot_id), ()))) for row in found]


def count_stock_rows(connection: Connection, *, text: str = "") -> int:
    return connection.scalar(select(func.count()).select_from(_rows("", text).subquery())) or 0


def _rows(sku: str, text: str) -> Select[Any]:
    here, held, wanted = _supplied(), _held(), _wanted()

    def or_none(column: Any) -> Any:
        return func.coalesce(column, 0)

    on_hand = _at_least_none(or_none(here.c.shelf) - or_none(held.c.gone))
    allocated, on_inbound = or_none(held.c.on_shelf), or_none(held.c.on_inbound)
    needed = or_none(wanted.c.units)
    query = (
        select(
            product.c.id.label("product_id"),
            product.c.number.label("sku"),
            product.c.name,
            product.c.unit,
            depot.c.id.label("depot_id"),
            depot.c.number.label("depot"),
            depot.c.name.label("depot_name"),
            on_hand.label("on_hand"),
            allocated.label("allocated"),
            _at_least_none(on_hand - allocated).label("available"),
            or_none(here.c.coming).label("inbound"),
            on_inbound.label("on_inbound"),
            needed.label("wanted"),
            or_none(wanted.c.lines).label("lines"),
            _at_least_none(needed - on_hand - or_none(here.c.coming)).label("uncovered"),
            func.coalesce(wanted.c.next_expected, "").label("next_expected"),
        )
        .select_from(product)
        .join(depot, true())
    )
    for part in (here, held, wanted):
        query = query.outerjoin(part, and_(part.c.product_id == product.c.id, part.c.depot_id == depot.c.id))
    query = query.where(or_(here.c.shelf > 0, here.c.coming > 0, wanted.c.units > 0))
    if sku:
        query = query.where(product.c.number == sku)
    if text:
        query = query.where(
            or_(product.c.number.icontains(text, autoescape=True), product.c.name.icontains(text, autoescape=True))
        )
    return query


def _at_least_none(units: Any) -> Any:
    return case((units > 0, units), else_=0)


def _supplied() -> Subquery:
    return (
        select(
            supply.c.product_id,
            supply.c.depot_id,
            func.sum(case((_ON_SHELF, SELLABLE), else_=0)).label("shelf"),
            func.sum(case((_IS_TO_COME, TO_COME), else_=0)).label("coming"),
        )
        .group_by(supply.c.product_id, supply.c.depot_id)
        .subquery()
    )


def _held() -> Subquery:
    of_receipt = supply.c.kind == "receipt"
    return (
        select(
            supply.c.product_id,
            supply.c.depot_id,
            func.sum(case((of_receipt, HELD), else_=0)).label("on_shelf"),
            func.sum(case((of_receipt, 0), else_=HELD)).label("on_inbound"),
            func.sum(case((_ON_SHELF, allocation.c.quantity - HELD), else_=0)).label("gone"),
        )
        .join(allocation, allocation.c.supply_id == supply.c.id)
        .group_by(supply.c.product_id, supply.c.depot_id)
        .subquery()
    )


def _wanted() -> Subquery:
    """Units that still have to leave the depot. Short and damaged ones are needed again, refused ones are not."""
    gone = (
        select(
            allocation.c.order_line_id,
            func.sum(SERVED).label("units"),
        )
        .group_by(allocation.c.order_line_id)
        .subquery()
    )
    needed = ORDERED - func.coalesce(gone.c.units, 0)
    return (
        select(
            order_line.c.product_id,
            order.c.depot_id,
            func.sum(needed).label("units"),
            func.count().label("lines"),
            func.min(func.nullif(order_line.c.expected_on, "")).label("next_expected"),
        )
        .join(order, order.c.id == order_line.c.order_id)
        .outerjoin(gone, gone.c.order_line_id == order_line.c.id)
        .where(order.c.cancelled_at.is_(None), needed > 0)
        .group_by(order_line.c.product_id, order.c.depot_id)
        .subquery()
    )


def _coming(connection: Connection, product_ids: list[int]) -> dict[tuple[int, int], list[Coming]]:
    """By SKU and depot, the soonest first, what has no date last."""
    query = (
        select(
            supply.c.product_id,
            supply.c.depot_id,
            supply.c.number,
            supply.c.expected_at,
            depot.c.zone,
            TO_COME.label("left"),
        )
        .join(depot, depot.c.id == supply.c.depot_id)
        .where(_IS_TO_COME, supply.c.product_id.in_(product_ids))
        .order_by(supply.c.expected_at.is_(None), supply.c.expected_at, supply.c.id)
    )
    found: dict[tuple[int, int], list[Coming]] = defaultdict(list)
    for row in connection.execute(query):
        day = row.expected_at.astimezone(ZoneInfo(row.zone)).date().isoformat() if row.expected_at else ""
        found[row.product_id, row.depot_id].append(Coming(number=row.number, day=day, units=row.left))
    return found
