"""How promises were kept: slips by cause, the fill rate, whole orders against their first and their last promise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Subquery, and_, case, exists, func, or_, select

from data.queries.backorder_figures import Scope
from data.tables import allocation, delivery, delivery_line, manifest, order, order_line, promise, proof, proof_line
from routing.rules.figures.figure import Period, Ratio
from routing.rules.figures.otif import CUSTOMER_CAUSED
from routing.rules.figures.slips import Cause, Slips, cause_of, slips_by_cause


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOtif:
    """Whole orders whose promise fell due: kept ÷ due. Of those missed, `early` came before their day and
    `customer_caused` were missed through the receiving side."""

    kept: Ratio
    early: int
    customer_caused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisesKept:
    """`fill` by units; `fill_by_step` one of each step of the period."""

    fill: Ratio
    fill_by_step: tuple[Ratio, ...]
    first: OrderOtif
    last: OrderOtif


def slips(connection: Connection, *, period: Period, scope: Scope) -> tuple[Slips, Ratio]:
    """The slips of the period by cause, and the lines that slipped of those that held a promise then."""
    before = promise.alias("before")
    moved = (
        select(promise.c.why, promise.c.order_line_id)
        .join(
            before,
            and_(before.c.order_line_id == promise.c.order_line_id, before.c.version == promise.c.version - 1),
        )
        .join(order_line, order_line.c.id == promise.c.order_line_id)
        .join(order, order.c.id == order_line.c.order_id)
        .where(
            promise.c.made_at >= period.starts_at,
            promise.c.made_at < period.ends_at,
            promise.c.promised_on > before.c.promised_on,
            *scope.of_orders(),
        )
        .subquery("moved")
    )
    counts = [
        (row.why, row.lines)
        for row in connection.execute(select(moved.c.why, func.count().label("lines")).group_by(moved.c.why))
    ]
    wishes = [why for why, _lines in counts if not cause_of(why).is_ours]
    slipped = connection.scalar(select(func.count(moved.c.order_line_id.distinct())).where(moved.c.why.not_in(wishes)))
    held = connection.scalar(
        select(func.count(promise.c.order_line_id.distinct()))
        .join(order_line, order_line.c.id == promise.c.order_line_id)
        .join(order, order.c.id == order_line.c.order_id)
        .where(
            promise.c.made_at < period.ends_at,
            # Due in the period or later, or made in it: a line that slipped is always among them.
            or_(promise.c.promised_on >= period.first.isoformat(), promise.c.made_at >= period.starts_at),
            *scope.of_orders(),
        )
    )
    return slips_by_cause(counts), Ratio(numerator=slipped or 0, denominator=held or 0)


def promises_kept(connection: Connection, *, period: Period, over: date, scope: Scope) -> PromisesKept:
    """Of what fell due in the period up to `over`, the last day that is over: what is due later is not missed."""
    ended = min(period.last, over)
    wishes = [
        why for why in connection.scalars(select(promise.c.why).distinct()) if cause_of(why) is Cause.CUSTOMER
    ]  # fmt: skip
    first = _lines_due(period, ended, scope, _first_promise(period, wishes))
    last = _lines_due(period, ended, scope, _last_promise(period))
    by_day = {
        row.due: (int(row.filled or 0), int(row.wanted or 0))
        for row in connection.execute(
            select(first.c.due, func.sum(first.c.by_then).label("filled"), func.sum(first.c.wanted).label("wanted"))
            .where(first.c.due.between(period.first.isoformat(), ended.isoformat()))
            .group_by(first.c.due)
        )
    }
    steps = []
    for start, end in period.spans:
        mine = [counts for day, counts in by_day.items() if start.isoformat() <= day <= end.isoformat()]
        steps.append(Ratio(numerator=sum(n for n, _of in mine), denominator=sum(of for _n, of in mine)))
    return PromisesKept(
        fill=Ratio(
            numerator=sum(each.numerator for each in steps), denominator=sum(each.denominator for each in steps)
        ),
        fill_by_step=tuple(steps),
        first=_orders(connection, first, period.first, ended),
        last=_orders(connection, last, period.first, ended),
    )


def _first_promise(period: Period, wishes: list[str]) -> ColumnElement[Any]:
    """The version that a line is held to: its first, or the last that the customer wished for."""
    each = promise.alias("each")
    wished = func.max(case((each.c.why.in_(wishes), each.c.version)))
    return (
        select(func.coalesce(wished, func.min(each.c.version)))
        .where(each.c.order_line_id == promise.c.order_line_id, each.c.made_at < period.ends_at)
        .scalar_subquery()
    )


def _last_promise(period: Period) -> ColumnElement[Any]:
    """The newest version when the period ended."""
    each = promise.alias("each")
    return (
        select(func.max(each.c.version))
        .where(each.c.order_line_id == promise.c.order_line_id, each.c.made_at < period.ends_at)
        .scalar_subquery()
    )


def _lines_due(period: Period, over: date, scope: Scope, version: ColumnElement[Any]) -> Subquery:
    """Every line of the orders of which a line falls due in the period: due day, units, and what came by when."""
    started, ended = period.first.isoformat(), over.isoformat()
    candidates = (
        select(order_line.c.order_id)
        .join(promise, promise.c.order_line_id == order_line.c.id)
        .where(promise.c.promised_on.between(started, ended), promise.c.version == version)
    )
    due = (
        select(
            order_line.c.id,
            order_line.c.order_id,
            promise.c.promised_on.label("due"),
            (order_line.c.quantity - order_line.c.cancelled).label("wanted"),
        )
        .join(promise, promise.c.order_line_id == order_line.c.id)
        .join(order, order.c.id == order_line.c.order_id)
        .where(
            order_line.c.order_id.in_(candidates),
            promise.c.version == version,
            # What was cancelled later was still owed then.
            or_(order.c.cancelled_at.is_(None), order.c.cancelled_at >= period.ends_at),
            order_line.c.quantity > order_line.c.cancelled,
            *scope.of_orders(),
        )
        .cte()
    )
    units = proof_line.c.delivered
    came = (
        select(
            due.c.id,
            func.sum(case((manifest.c.day <= due.c.due, units), else_=0)).label("by_then"),
            func.sum(case((manifest.c.day < due.c.due, units), else_=0)).label("before"),
        )
        .join(allocation, allocation.c.order_line_id == due.c.id)
        .join(proof_line, proof_line.c.allocation_id == allocation.c.id)
        .join(proof, proof.c.id == proof_line.c.proof_id)
        .join(manifest, manifest.c.id == proof.c.manifest_id)
        .group_by(due.c.id)
        .cte()
    )
    theirs = exists(
        select(proof.c.id)
        .join(delivery, (delivery.c.id == proof.c.delivery_id) & (delivery.c.direction == "deliver"))
        .join(delivery_line, delivery_line.c.delivery_id == delivery.c.id)
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(manifest, manifest.c.id == proof.c.manifest_id)
        .outerjoin(proof_line, (proof_line.c.proof_id == proof.c.id) & (proof_line.c.allocation_id == allocation.c.id))
        .where(
            allocation.c.order_line_id == due.c.id,
            manifest.c.day <= due.c.due,
            or_(proof.c.outcome.in_([each.value for each in CUSTOMER_CAUSED]), proof_line.c.refused > 0),
        )
    )
    arrived, early = func.coalesce(came.c.by_then, 0), func.coalesce(came.c.before, 0)
    return (
        select(
            due.c.id,
            due.c.order_id,
            due.c.due,
            due.c.wanted,
            case((arrived > due.c.wanted, due.c.wanted), else_=arrived).label("by_then"),
            case((early > 0, 1), else_=0).label("early"),
            case((arrived >= due.c.wanted, 1), else_=0).label("full"),
            case((theirs, 1), else_=0).label("theirs"),
        )
        .select_from(due.outerjoin(came, came.c.id == due.c.id))
        .subquery()
    )


def _orders(connection: Connection, lines: Subquery, started: date, ended: date) -> OrderOtif:
    of_order = (
        select(
            func.max(lines.c.due).label("due"),
            func.min(lines.c.full).label("full"),
            func.max(lines.c.early).label("early"),
            func.max(lines.c.theirs).label("theirs"),
        )
        .group_by(lines.c.order_id)
        .subquery()
    )
    kept = (of_order.c.full == 1) & (of_order.c.early == 0)
    row = connection.execute(
        select(
            func.count().label("due"),
            func.sum(case((kept, 1), else_=0)).label("kept"),
            func.sum(case(((of_order.c.full == 1) & (of_order.c.early == 1), 1), else_=0)).label("early"),
            func.sum(case(((of_order.c.full == 0) & (of_order.c.theirs == 1), 1), else_=0)).label("theirs"),
        ).where(of_order.c.due.between(started.isoformat(), ended.isoformat()))
    ).one()
    return OrderOtif(
        kept=Ratio(numerator=int(row.kept or 0), denominator=row.due),
        early=int(row.early or 0),
        customer_caused=int(row.theirs or 0),
    )
