"""How promises were kept: slips by cause, the fill rate, whole orders against their first and their last promise."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Select,
    Subquery,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
)

from data.queries.backorder_figures import Scope
from data.queries.lateness import due_version, wishes
from data.queries.needs import ORDERED
from data.store.part import parts
from data.tables import (
    allocation,
    delivery,
    delivery_line,
    event,
    manifest,
    order,
    order_line,
    promise,
    proof,
    proof_line,
)
from routing.rules.figures.figure import Period, Ratio
from routing.rules.figures.otif import CUSTOMER_CAUSED
from routing.rules.figures.slips import Slips, cause_of, slips_by_cause
from routing.services.committing import PROMISE_LOST


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
    """The slips of the period by cause, and the lines that slipped of those that held a promise then.

    A line that lost its date when its promise was over slipped on that day; the date that the supplier names afterwards
    is the same slip, and is not counted again.
    """
    lost = _lost(connection, period, scope)
    before = promise.alias("before")
    moved = (
        _of(scope, select(promise.c.why, promise.c.order_line_id, before.c.version))
        .join(
            before,
            and_(before.c.order_line_id == promise.c.order_line_id, before.c.version == promise.c.version - 1),
        )
        .where(
            promise.c.made_at >= period.starts_at,
            promise.c.made_at < period.ends_at,
            promise.c.version > 1,
            promise.c.promised_on > before.c.promised_on,
        )
    )
    counts: Counter[str] = Counter()
    ours = set()
    # Only what moved to a later day: few beside what was promised.
    for why, line_id, version in connection.execute(moved):
        is_ours = cause_of(why).is_ours
        if is_ours and (line_id, version) in lost:
            continue
        counts[why] += 1
        if is_ours:
            ours.add(line_id)
    late = set()
    for (line_id, _version), (at, why) in lost.items():
        if at >= period.starts_at:
            counts[why] += 1
            late.add(line_id)
    held = (
        _of(scope, select(promise.c.order_line_id))
        .where(
            promise.c.made_at < period.ends_at,
            # Due in the period or later, or made in it: a line that slipped is always among them.
            or_(promise.c.promised_on >= period.first.isoformat(), promise.c.made_at >= period.starts_at),
        )
        .group_by(promise.c.order_line_id)
    )
    lines = connection.scalar(select(func.count()).select_from(held.subquery("held"))) or 0
    # But for what lost its date: that was due before.
    for part in parts(late):
        known = connection.scalars(held.where(promise.c.order_line_id.in_(part))).all()
        lines += len(part) - len(known)
    return slips_by_cause(counts.items()), Ratio(numerator=len(ours | late), denominator=lines)


def _lost(connection: Connection, period: Period, scope: Scope) -> dict[tuple[int, int], tuple[datetime, str]]:
    """The promises, by line and version, whose goods had no date any more when their day was over: when, and why. Those
    of before the period too; the first time counts."""
    query = select(event.c.data, event.c.captured_at).where(
        event.c.kind == PROMISE_LOST, event.c.captured_at < period.ends_at
    )
    if scope != Scope():
        query = query.join(order, order.c.id == event.c.order_id).where(*scope.of_orders())
    found: dict[tuple[int, int], tuple[datetime, str]] = {}
    for row in connection.execute(query.order_by(event.c.id)):
        for line in row.data["lines"]:
            found.setdefault((line["line"], line["version"]), (row.captured_at, row.data["why"]))
    return found


def _of(scope: Scope, query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Everybody's promises need no look at the orders."""
    if scope == Scope():
        return query
    return (
        query.join(order_line, order_line.c.id == promise.c.order_line_id)
        .join(order, order.c.id == order_line.c.order_id)
        .where(*scope.of_orders())
    )


def promises_kept(connection: Connection, *, period: Period, over: date, scope: Scope) -> PromisesKept:
    """Of what fell due in the period up to `over`, the last day that is over: what is due later is not missed."""
    ended = min(period.last, over)
    lines = _lines_due(period, ended, scope, wishes(connection))
    days = (period.first.isoformat(), ended.isoformat())
    nothing = literal(0)
    by_day: dict[str, tuple[int, int]] = {}
    otif: dict[str, OrderOtif] = {}
    # One statement, so that what became of each line is counted once.
    for part, due, counted, of, early, theirs in connection.execute(
        union_all(
            select(
                literal("fill"),
                lines.c.first_due,
                func.sum(lines.c.first_by),
                func.sum(lines.c.wanted),
                nothing,
                nothing,
            )
            .where(lines.c.first_due.between(*days))
            .group_by(lines.c.first_due),
            _orders(lines, "first", days),
            _orders(lines, "last", days),
        )
    ):
        if part == "fill":
            by_day[due] = (int(counted), int(of))
        else:
            otif[part] = OrderOtif(
                kept=Ratio(numerator=int(counted or 0), denominator=of),
                early=int(early or 0),
                customer_caused=int(theirs or 0),
            )
    steps = []
    for start, end in period.spans:
        mine = [counts for day, counts in by_day.items() if start.isoformat() <= day <= end.isoformat()]
        steps.append(Ratio(numerator=sum(n for n, _of in mine), denominator=sum(of for _n, of in mine)))
    return PromisesKept(
        fill=Ratio(
            numerator=sum(each.numerator for each in steps), denominator=sum(each.denominator for each in steps)
        ),
        fill_by_step=tuple(steps),
        first=otif["first"],
        last=otif["last"],
    )


def _lines_due(period: Period, over: date, scope: Scope, wished: list[str]) -> CTE:
    """Every line of the orders of which a line may fall due in the period: its first and last due day, its units, and
    what came by each of the two. First is its first promise, or the last that the customer wished for; last is the
    newest when the period ended."""
    candidates = (
        select(order_line.c.order_id)
        .join(promise, promise.c.order_line_id == order_line.c.id)
        .where(promise.c.promised_on.between(period.first.isoformat(), over.isoformat()))
    )
    held = (
        select(
            order_line.c.id,
            order_line.c.order_id,
            ORDERED.label("wanted"),
            due_version(wished).label("first"),
            func.max(promise.c.version).label("last"),
        )
        .join(promise, promise.c.order_line_id == order_line.c.id)
        .join(order, order.c.id == order_line.c.order_id)
        .where(
            order_line.c.order_id.in_(candidates),
            promise.c.made_at < period.ends_at,
            # What was cancelled later was still owed then.
            or_(order.c.cancelled_at.is_(None), order.c.cancelled_at >= period.ends_at),
            order_line.c.quantity > order_line.c.cancelled,
            *scope.of_orders(),
        )
        .group_by(order_line.c.id, order_line.c.order_id, ORDERED)
        .subquery("held")
    )
    first, last = promise.alias("first_promise"), promise.alias("last_promise")
    due = (
        select(
            held.c.id,
            held.c.order_id,
            held.c.wanted,
            first.c.promised_on.label("first_due"),
            last.c.promised_on.label("last_due"),
        )
        .join(first, and_(first.c.order_line_id == held.c.id, first.c.version == held.c.first))
        .join(last, and_(last.c.order_line_id == held.c.id, last.c.version == held.c.last))
        .cte("due")
    )
    theirs = _at_the_receiving_side(over)
    day, units = manifest.c.day, proof_line.c.delivered
    found = (
        select(
            due.c.id,
            due.c.order_id,
            due.c.wanted,
            due.c.first_due,
            due.c.last_due,
            *(
                func.sum(case((day <= on, units), else_=0)).label(name)
                for name, on in (("first_by", due.c.first_due), ("last_by", due.c.last_due))
            ),
            *(
                func.sum(case((day < on, units), else_=0)).label(name)
                for name, on in (("first_early", due.c.first_due), ("last_early", due.c.last_due))
            ),
        )
        .select_from(due)
        .outerjoin(allocation, allocation.c.order_line_id == due.c.id)
        .outerjoin(proof_line, proof_line.c.allocation_id == allocation.c.id)
        .outerjoin(proof, proof.c.id == proof_line.c.proof_id)
        .outerjoin(manifest, manifest.c.id == proof.c.manifest_id)
        .group_by(due.c.id, due.c.order_id, due.c.wanted, due.c.first_due, due.c.last_due)
        .subquery("found")
    )
    columns: list[ColumnElement[Any]] = []
    for name in ("first", "last"):
        by, early, on = found.c[f"{name}_by"], found.c[f"{name}_early"], found.c[f"{name}_due"]
        columns += [
            on.label(f"{name}_due"),
            case((by > found.c.wanted, found.c.wanted), else_=by).label(f"{name}_by"),
            case((by >= found.c.wanted, 1), else_=0).label(f"{name}_full"),
            case((early > 0, 1), else_=0).label(f"{name}_early"),
            case((theirs.c.day <= on, 1), else_=0).label(f"{name}_theirs"),
        ]
    return (
        select(found.c.order_id, found.c.wanted, *columns)
        .select_from(found)
        .outerjoin(theirs, theirs.c.order_line_id == found.c.id)
        .cte("lines")
    )


def _at_the_receiving_side(over: date) -> Subquery:
    """Of each line, the first day on which a door stayed shut to it or refused some of it."""
    shut = (
        select(allocation.c.order_line_id, manifest.c.day)
        .select_from(proof)
        .join(delivery_line, delivery_line.c.delivery_id == proof.c.delivery_id)
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(manifest, manifest.c.id == proof.c.manifest_id)
        .join(delivery, and_(delivery.c.id == proof.c.delivery_id, delivery.c.direction == "deliver"))
        .where(proof.c.outcome.in_([each.value for each in CUSTOMER_CAUSED]), manifest.c.day <= over.isoformat())
    )
    refused = (
        select(allocation.c.order_line_id, manifest.c.day)
        .select_from(proof_line)
        .join(proof, proof.c.id == proof_line.c.proof_id)
        .join(
            delivery_line,
            and_(
                delivery_line.c.delivery_id == proof.c.delivery_id,
                delivery_line.c.allocation_id == proof_line.c.allocation_id,
            ),
        )
        .join(allocation, allocation.c.id == proof_line.c.allocation_id)
        .join(manifest, manifest.c.id == proof.c.manifest_id)
        .join(delivery, and_(delivery.c.id == proof.c.delivery_id, delivery.c.direction == "deliver"))
        .where(proof_line.c.refused > 0, manifest.c.day <= over.isoformat())
    )
    each = union_all(shut, refused).subquery("each")
    return (
        select(each.c.order_line_id, func.min(each.c.day).label("day"))
        .group_by(each.c.order_line_id)
        .subquery("theirs")
    )


def _orders(lines: CTE, which: str, days: tuple[str, str]) -> Select[*tuple[Any, ...]]:
    """One row: kept, due, early, through the customer."""
    of_order = (
        select(
            func.max(lines.c[f"{which}_due"]).label("due"),
            func.min(lines.c[f"{which}_full"]).label("full"),
            func.max(lines.c[f"{which}_early"]).label("early"),
            func.max(lines.c[f"{which}_theirs"]).label("theirs"),
        )
        .group_by(lines.c.order_id)
        .subquery(f"of_order_{which}")
    )
    full, early = of_order.c.full == 1, of_order.c.early == 1
    return select(
        literal(which),
        literal(""),
        func.sum(case((full & ~early, 1), else_=0)),
        func.count(),
        func.sum(case((full & early, 1), else_=0)),
        func.sum(case((~full & (of_order.c.theirs == 1), 1), else_=0)),
    ).where(of_order.c.due.between(*days))
