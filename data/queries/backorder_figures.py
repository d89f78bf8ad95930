"""Backorders of a period, counted by the database from how each line stood: `line_stand`, never from today's goods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, case, exists, func, literal, select

from data.tables import line_stand, movement, order, order_line, product, promise
from routing.rules.figures.backorders import BUCKETS, AgeBucket, Rates, bucket_edges, bucket_name, circulating_rate
from routing.rules.figures.figure import Period, Ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose goods: None for all."""

    depot_id: int | None = None
    customer_id: int | None = None

    def of_orders(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.depot_id is not None:
            found.append(order.c.depot_id == self.depot_id)
        if self.customer_id is not None:
            found.append(order.c.customer_id == self.customer_id)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Ageing:
    """Backorders as at the end of a day, by age. `not_due` is promised for later, `unpromised` has no date yet."""

    since_ordered: tuple[AgeBucket, ...]
    past_promise: tuple[AgeBucket, ...]
    not_due: AgeBucket
    unpromised: AgeBucket


_IS_BACKORDERED = case((line_stand.c.backordered > 0, 1), else_=0)


def known_since(connection: Connection) -> str:
    """The first day of which it is known how lines stood; "" before any line was."""
    return connection.scalar(select(func.min(line_stand.c.day))) or ""


def _within(scope: Scope, query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return (
        query.join(order_line, order_line.c.id == line_stand.c.order_line_id)
        .join(order, order.c.id == order_line.c.order_id)
        .where(*scope.of_orders())
    )


def _units_within(scope: Scope, query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """For sums over lines alone: everybody's need no look at the orders, which is most of the work."""
    return query if scope == Scope() else _within(scope, query)


# ---------------------------------------------------------------------------- flow


def _came_in(period: Period) -> list[ColumnElement[bool]]:
    """The first stand of what was ordered in the period. A substitute is no order of its own: its line was counted."""
    return [
        line_stand.c.sequence == 1,
        order.c.ordered_at >= period.starts_at,
        order.c.ordered_at < period.ends_at,
        order_line.c.instead_of_id.is_(None),
    ]


def flow(connection: Connection, *, period: Period, scope: Scope) -> tuple[Rates, tuple[Ratio, ...]]:
    """What was ordered in the period and what of it was on no shelf when it came in; by units, of each step too.

    The steps add up to the period.
    """
    of_order = (
        _within(
            scope,
            select(
                order.c.id,
                func.min(step_of(period, order.c.ordered_at)).label("step"),
                func.sum(line_stand.c.ordered).label("ordered"),
                func.sum(line_stand.c.backordered).label("backordered"),
                func.count().label("lines"),
                func.sum(_IS_BACKORDERED).label("backordered_lines"),
            ),
        )
        .where(*_came_in(period))
        .group_by(order.c.id)
        .subquery("of_order")
    )
    rows = connection.execute(
        select(of_order.c.step, *_sums(of_order)).group_by(of_order.c.step).order_by(of_order.c.step)
    ).all()
    units = {row.step: Ratio(numerator=int(row.backordered), denominator=int(row.units)) for row in rows}
    nothing = Ratio(numerator=0, denominator=0)
    return _rates(rows), tuple(units.get(n, nothing) for n in range(len(period.steps)))


def step_of(period: Period, moment: ColumnElement[Any]) -> ColumnElement[int]:
    """The position of the step that a moment of the period lies in."""
    later = period.steps[1:]
    if not later:
        return literal(0)
    return case(*((moment < period.midnight(start), n) for n, start in enumerate(later)), else_=len(later))


# ---------------------------------------------------------------------------- stock


def _standing(day: str) -> list[ColumnElement[bool]]:
    """Of the lines that were open when the day ended, the row that stood then."""
    return [line_stand.c.open > 0, line_stand.c.day <= day, line_stand.c.until_day > day]


def stock(connection: Connection, *, day: date, scope: Scope) -> tuple[Rates, Ratio]:
    """What was open when the day ended, and what of it was backordered; and of the units backordered those that a
    dated inbound covered, which is an attribute and in no rate."""
    query = select(
        order_line.c.order_id,
        func.sum(line_stand.c.open).label("ordered"),
        func.sum(line_stand.c.backordered).label("backordered"),
        func.count().label("lines"),
        func.sum(_IS_BACKORDERED).label("backordered_lines"),
        func.sum(line_stand.c.covered).label("covered"),
    )
    if scope == Scope():
        query = query.join(order_line, order_line.c.id == line_stand.c.order_line_id)
    else:
        query = _within(scope, query)
    of_order = query.where(*_standing(day.isoformat())).group_by(order_line.c.order_id).subquery("of_order")
    row = connection.execute(select(*_sums(of_order), func.sum(of_order.c.covered).label("covered"))).one()
    return _rates([row]), Ratio(numerator=int(row.covered or 0), denominator=int(row.backordered or 0))


def _sums(of_order: Subquery) -> list[ColumnElement[Any]]:
    return [
        func.count().label("orders"),
        func.sum(case((of_order.c.backordered > 0, 1), else_=0)).label("backordered_orders"),
        func.sum(of_order.c.lines).label("lines"),
        func.sum(of_order.c.backordered_lines).label("backordered_lines"),
        func.sum(of_order.c.ordered).label("units"),
        func.sum(of_order.c.backordered).label("backordered"),
    ]


def _rates(rows: Sequence[Any]) -> Rates:
    """Of rows of `_sums`, added up."""

    def ratio(some: str, of: str) -> Ratio:
        return Ratio(
            numerator=sum(int(getattr(row, some) or 0) for row in rows),
            denominator=sum(int(getattr(row, of) or 0) for row in rows),
        )

    return Rates(
        orders=ratio("backordered_orders", "orders"),
        lines=ratio("backordered_lines", "lines"),
        units=ratio("backordered", "units"),
    )


def stock_by_step(connection: Connection, *, period: Period, scope: Scope) -> tuple[Ratio, ...]:
    """By units, as at the end of each step: what stood before the period, and what each day added and ended."""
    first, last = period.first.isoformat(), period.last.isoformat()
    before = connection.execute(
        _units_within(
            scope,
            select(func.sum(line_stand.c.open).label("open"), func.sum(line_stand.c.backordered).label("backordered")),
        ).where(*_standing(period.before.last.isoformat()))
    ).one()
    changes: dict[str, list[int]] = {}
    # A row that ended on the day it began stood at no day's end.
    for column, sign in ((line_stand.c.day, 1), (line_stand.c.until_day, -1)):
        query = _units_within(
            scope,
            select(
                column.label("on"),
                func.sum(line_stand.c.open).label("open"),
                func.sum(line_stand.c.backordered).label("backordered"),
            ),
        ).where(line_stand.c.open > 0, column.between(first, last), line_stand.c.day < line_stand.c.until_day)
        for row in connection.execute(query.group_by(column)):
            so_far = changes.setdefault(row.on, [0, 0])
            so_far[0] += sign * int(row.backordered)
            so_far[1] += sign * int(row.open)
    backordered, still_open = int(before.backordered or 0), int(before.open or 0)
    found = []
    days = sorted(changes)
    for _start, end in period.spans:
        while days and days[0] <= end.isoformat():
            more_backordered, more_open = changes[days.pop(0)]
            backordered += more_backordered
            still_open += more_open
        found.append(Ratio(numerator=backordered, denominator=still_open))
    return tuple(found)


# ---------------------------------------------------------------------------- age


def ageing(connection: Connection, *, period: Period, scope: Scope) -> Ageing:
    """Of what was backordered when the period ended: days since it was ordered, and days past its first promise.

    A period ends today at the latest: nobody has waited until a day that is still to come.
    """
    edges = bucket_edges(period.last)
    since = case(*((order.c.ordered_at >= period.midnight(edge), n) for n, edge in enumerate(edges)), else_=len(edges))
    first_promise = (
        select(promise.c.promised_on)
        .where(promise.c.order_line_id == line_stand.c.order_line_id, promise.c.made_at < period.ends_at)
        .order_by(promise.c.version)
        .limit(1)
        .scalar_subquery()
    )
    standing = (
        _within(
            scope,
            select(
                since.label("since"),
                func.coalesce(first_promise, "").label("promised"),
                line_stand.c.backordered,
            ),
        )
        .where(*_standing(period.last.isoformat()), line_stand.c.backordered > 0)
        .subquery("standing")
    )
    past = case(
        (standing.c.promised == "", -2),
        # Due on the last day itself: not past it.
        (standing.c.promised >= period.last.isoformat(), -1),
        *((standing.c.promised >= edge.isoformat(), n) for n, edge in enumerate(edges)),
        else_=len(edges),
    )
    since_ordered: dict[int, tuple[int, int]] = {}
    past_promise: dict[int, tuple[int, int]] = {}
    for row in connection.execute(
        select(
            standing.c.since,
            past.label("past"),
            func.count().label("lines"),
            func.sum(standing.c.backordered).label("units"),
        ).group_by(standing.c.since, "past")
    ):
        for found, at in ((since_ordered, row.since), (past_promise, row.past)):
            lines, units = found.get(at, (0, 0))
            found[at] = (lines + row.lines, units + int(row.units))
    return Ageing(
        since_ordered=_buckets(since_ordered),
        past_promise=_buckets(past_promise),
        not_due=_bucket("", past_promise.get(-1, (0, 0))),
        unpromised=_bucket("", past_promise.get(-2, (0, 0))),
    )


def _buckets(found: dict[int, tuple[int, int]]) -> tuple[AgeBucket, ...]:
    return tuple(_bucket(bucket_name(n), found.get(n, (0, 0))) for n in range(len(BUCKETS)))


def _bucket(days: str, counts: Sequence[int]) -> AgeBucket:
    return AgeBucket(days=days, lines=counts[0], units=counts[1])


# ---------------------------------------------------------------------------- the formula in circulation


def circulating(connection: Connection, *, period: Period, scope: Scope) -> Ratio:
    """SKUs of which nothing was on any shelf ÷ SKUs on backorder, when the period ended."""
    change = case((movement.c.to_place.like("depot:%"), movement.c.quantity), else_=0) - case(
        (movement.c.from_place.like("depot:%"), movement.c.quantity), else_=0
    )
    if scope.depot_id is not None:
        here = f"depot:{scope.depot_id}"
        change = case((movement.c.to_place == here, movement.c.quantity), else_=0) - case(
            (movement.c.from_place == here, movement.c.quantity), else_=0
        )
    on_shelf = (
        select(movement.c.product_id)
        .where(movement.c.at < period.ends_at)
        .group_by(movement.c.product_id)
        .having(func.sum(change) > 0)
        .subquery("on_shelf")
    )
    # Asked of each product, which ends at its first order, and not of each line of them.
    ordered = exists(
        select(order_line.c.id)
        .select_from(order_line)
        .join(order, order.c.id == order_line.c.order_id)
        .where(order_line.c.product_id == product.c.id, order.c.ordered_at < period.ends_at, *scope.of_orders())
    )
    known, there = connection.execute(
        select(func.count(), func.count(on_shelf.c.product_id))
        .select_from(product)
        .outerjoin(on_shelf, on_shelf.c.product_id == product.c.id)
        .where(ordered)
    ).one()
    backordered = (
        connection.scalar(
            _within(scope, select(func.count(order_line.c.product_id.distinct())).select_from(line_stand)).where(
                *_standing(period.last.isoformat()), line_stand.c.backordered > 0
            )
        )
        or 0
    )
    return circulating_rate(out_of_stock_items=known - there, backordered_items=backordered)
