"""The figures of a period, each with what it was counted from. As of the period: what came later changes nothing."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select, union_all

from data.queries import backorder_figures, promise_figures
from data.queries.attempts import DeliveryOfDay, deliveries_of, door_ratios, missed_through_customers
from data.queries.backorder_figures import Ageing, Scope
from data.queries.backorders import customer_called
from data.queries.company import company_card, user_names
from data.queries.promise_figures import PromisesKept
from data.store.part import parts
from data.tables import (
    allocation,
    delivery,
    delivery_line,
    depot,
    event,
    order,
    order_line,
    product,
    proof,
    release,
    supply,
)
from routing.errors import NotFound
from routing.model.proofs import HANDED_OVER
from routing.rules.figures.backorders import Rates
from routing.rules.figures.figure import EtaErrors, Period, Ratio, Spread, eta_errors, spread
from routing.rules.figures.slips import Slips


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbounds:
    """Inbound lines first due in the period. The four add up to `due`; `missing` had not come whole when it ended, a
    cancelled one too, so that no cancellation looks like a delivery."""

    due: int
    on_the_day: int
    early: int
    late: int
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodFigures:
    """`steps` are the first days of the points of each series. `known_since`: the first day of which backorders can be
    counted, "" for none; a series of an earlier step is None there. `ended` is the last day that counts: tomorrow's
    promises are not missed yet."""

    period: Period
    known_since: str
    flow: Rates | None
    flow_by_step: tuple[Ratio | None, ...]
    stock: Rates | None
    stock_by_step: tuple[Ratio | None, ...]
    covered: Ratio | None
    ageing: Ageing | None
    circulating: Ratio | None
    promises: PromisesKept | None
    slips: Slips
    slipped: Ratio
    deliveries: int
    untold: int
    customer_caused: int
    doors: dict[str, Ratio]
    otif_by_step: tuple[Ratio, ...]
    eta: EtaErrors
    receipt_to_release: Spread
    release_to_door: Spread
    inbounds: Inbounds
    urgent: tuple[tuple[str, int], ...]
    orders: int


def period_figures(
    connection: Connection, *, first: date, last: date, now: datetime, scope: Scope | None = None
) -> PeriodFigures:
    """Raises InvalidInput for a period that cannot be."""
    scope = scope or Scope()
    period = Period(first=first, last=last, zone=_zone(connection, scope))
    today = now.astimezone(ZoneInfo(period.zone)).date()
    known_since = backorder_figures.known_since(connection)
    # What is open is known until today: of a month that runs, its end is now, and nobody has waited longer.
    so_far = replace(period, last=max(first, min(last, today)))
    is_known = bool(known_since) and known_since <= last.isoformat() and first <= today
    is_known_whole = bool(known_since) and known_since <= first.isoformat()
    deliveries = deliveries_of(
        connection,
        first=first.isoformat(),
        last=last.isoformat(),
        depot_id=scope.depot_id,
        customer_id=scope.customer_id,
    )
    slips, slipped = promise_figures.slips(connection, period=period, scope=scope)
    over = today - timedelta(days=1)
    promises = None
    if over >= first:
        promises = promise_figures.promises_kept(connection, period=period, over=over, scope=scope)
    flow, flow_by_step = backorder_figures.flow(connection, period=period, scope=scope)
    stock, covered = backorder_figures.stock(connection, day=so_far.last, scope=scope)
    return PeriodFigures(
        period=period,
        known_since=known_since,
        flow=flow if is_known_whole else None,
        flow_by_step=_known(period, known_since, today, flow_by_step),
        stock=stock if is_known else None,
        stock_by_step=_known(
            period, known_since, today, backorder_figures.stock_by_step(connection, period=period, scope=scope)
        ),
        covered=covered if is_known else None,
        ageing=backorder_figures.ageing(connection, period=so_far, scope=scope) if is_known else None,
        circulating=backorder_figures.circulating(connection, period=so_far, scope=scope) if is_known else None,
        promises=promises,
        slips=slips,
        slipped=slipped,
        deliveries=len(deliveries),
        untold=sum(each.window is None for each in deliveries),
        customer_caused=missed_through_customers(deliveries),
        doors=door_ratios(deliveries),
        otif_by_step=_otif_by_step(period, deliveries),
        eta=eta_errors(
            [
                (each.attempt.arrived_at - each.planned_arrival).total_seconds() / 60
                for each in deliveries
                if each.attempt is not None and each.attempt.arrival_known and each.attempt.outcome.counts_as_attempt
            ]
        ),
        receipt_to_release=_receipt_to_release(connection, period, scope),
        release_to_door=_release_to_door(connection, period, scope),
        inbounds=_inbounds(connection, replace(period, last=max(first, min(last, over))), over, scope),
        urgent=_urgent(connection, period, scope),
        orders=_orders(connection, period, scope),
    )


def scope_of(connection: Connection, *, depot_number: str = "", customer_number: str = "") -> Scope:
    """By the numbers that people know them by, the customer also by SOURCE:NUMBER or its whole name; "" for all. Raises
    NotFound, and InvalidInput where several customers are called so."""
    depot_id = connection.scalar(select(depot.c.id).where(depot.c.number == depot_number)) if depot_number else None
    if depot_number and depot_id is None:
        raise NotFound(f'There is no depot "{depot_number[:40]}". Look at its number again.', code="depot")
    customer_id = customer_called(connection, customer_number)[0] if customer_number else None
    return Scope(depot_id=depot_id, customer_id=customer_id)


def _zone(connection: Connection, scope: Scope) -> str:
    if scope.depot_id is not None:
        return connection.scalar(select(depot.c.zone).where(depot.c.id == scope.depot_id)) or "UTC"
    return company_card(connection).zone or "UTC"


def _known(period: Period, known_since: str, today: date, series: Sequence[Ratio]) -> tuple[Ratio | None, ...]:
    """None where a step begins before it was known, or has not begun yet."""
    return tuple(
        ratio if known_since and known_since <= start.isoformat() and start <= today else None
        for start, ratio in zip(period.steps, series, strict=True)
    )


def _otif_by_step(period: Period, deliveries: Iterable[DeliveryOfDay]) -> tuple[Ratio, ...]:
    by_step: dict[int, list[DeliveryOfDay]] = defaultdict(list)
    starts = [start.isoformat() for start in period.steps]
    for each in deliveries:
        by_step[bisect_right(starts, each.day) - 1].append(each)
    return tuple(door_ratios(by_step[n])["otif"] for n in range(len(starts)))


# ---------------------------------------------------------------------------- hours


def _receipt_to_release(connection: Connection, period: Period, scope: Scope) -> Spread:
    """Of each line of a release of the period whose goods had been counted in before it."""
    query = (
        select(supply.c.counted_at, release.c.released_at)
        .join(allocation, allocation.c.supply_id == supply.c.id)
        .join(delivery_line, delivery_line.c.allocation_id == allocation.c.id)
        .join(delivery, delivery.c.id == delivery_line.c.delivery_id)
        .join(release, release.c.id == delivery.c.release_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .join(order, order.c.id == order_line.c.order_id)
        .where(
            release.c.released_at >= period.starts_at,
            release.c.released_at < period.ends_at,
            delivery.c.state != "unreleased",
            delivery.c.direction == "deliver",
            supply.c.counted_at <= release.c.released_at,
            *scope.of_orders(),
        )
    )
    return _hours(connection.execute(query))


def _release_to_door(connection: Connection, period: Period, scope: Scope) -> Spread:
    """Of each delivery handed over in the period."""
    query = (
        select(release.c.released_at, proof.c.captured_at)
        .join(delivery, delivery.c.release_id == release.c.id)
        .join(proof, proof.c.delivery_id == delivery.c.id)
        .where(
            proof.c.captured_at >= period.starts_at,
            proof.c.captured_at < period.ends_at,
            proof.c.outcome.in_([each.value for each in HANDED_OVER]),
            delivery.c.direction == "deliver",
        )
    )
    if scope.depot_id is not None:
        query = query.where(delivery.c.depot_id == scope.depot_id)
    if scope.customer_id is not None:
        mine = (
            select(delivery_line.c.delivery_id)
            .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            .join(order, order.c.id == order_line.c.order_id)
            .where(order.c.customer_id == scope.customer_id)
        )
        query = query.where(delivery.c.id.in_(mine))
    return _hours(connection.execute(query))


def _hours(rows: Iterable[Sequence[datetime]]) -> Spread:
    return spread([max(0.0, (end - start).total_seconds() / 3600) for start, end in rows])


# ---------------------------------------------------------------------------- suppliers


def _inbounds(connection: Connection, period: Period, over: date, scope: Scope) -> Inbounds:
    """By the day it was first due: a supplier who sets a new date, or cancels, is judged by the first one."""
    if scope.customer_id is not None or over < period.first:
        return Inbounds(due=0, on_the_day=0, early=0, late=0, missing=0)
    first_due: dict[tuple[str, str], datetime] = {}
    for row in connection.execute(
        select(event.c.data)
        .where(event.c.kind.in_(("inbound_slipped", "inbound_cancelled")))
        .order_by(event.c.captured_at, event.c.id)
    ):
        for line in row.data["lines"]:
            if line["was"]:
                first_due.setdefault((row.data["inbound"], line["sku"]), datetime.fromisoformat(line["was"]))
    # A line that was moved may have been due in the period whatever it is expected on now.
    moved = union_all(
        *(
            select(supply.c.id).where(supply.c.kind == "inbound", supply.c.number.in_(part))
            for part in parts(sorted({number for number, _sku in first_due}))
        ),
        select(supply.c.id).where(
            supply.c.kind == "inbound",
            supply.c.expected_at >= period.starts_at,
            supply.c.expected_at < period.ends_at,
        ),
    )
    candidates = select(supply.c.id).where(supply.c.id.in_(moved))
    if scope.depot_id is not None:
        candidates = candidates.where(supply.c.depot_id == scope.depot_id)
    due: dict[int, tuple[date, int]] = {}
    zone = ZoneInfo(period.zone)
    for row in connection.execute(
        select(supply.c.id, supply.c.number, supply.c.quantity, supply.c.expected_at, product.c.number.label("sku"))
        .join(product, product.c.id == supply.c.product_id)
        .where(supply.c.id.in_(candidates))
    ):
        at = first_due.get((row.number, row.sku), row.expected_at)
        if at is not None and period.starts_at <= at < period.ends_at:
            due[row.id] = (at.astimezone(zone).date(), row.quantity)
    came: dict[int, list[tuple[date, int]]] = defaultdict(list)
    for row in connection.execute(
        select(supply.c.inbound_id, supply.c.counted_at, supply.c.quantity).where(
            supply.c.kind == "receipt", supply.c.inbound_id.in_(candidates), supply.c.counted_at < period.ends_at
        )
    ):
        came[row.inbound_id].append((row.counted_at.astimezone(zone).date(), row.quantity))
    counts = {"on_the_day": 0, "early": 0, "late": 0, "missing": 0}
    for key, (day, quantity) in due.items():
        total = 0
        ended = None
        for counted_on, units in sorted(came.get(key, ())):
            total += units
            if total >= quantity and ended is None:
                ended = counted_on
        if ended is None:
            counts["missing"] += 1
        else:
            counts["on_the_day" if ended == day else "early" if ended < day else "late"] += 1
    return Inbounds(due=len(due), **counts)


# ---------------------------------------------------------------------------- orders


def _urgent(connection: Connection, period: Period, scope: Scope) -> tuple[tuple[str, int], ...]:
    rows = connection.execute(
        select(order.c.urgent_by, func.count().label("orders"))
        .where(
            order.c.ordered_at >= period.starts_at,
            order.c.ordered_at < period.ends_at,
            order.c.urgent_by != "",
            *scope.of_orders(),
        )
        .group_by(order.c.urgent_by)
    )
    names = user_names(connection)
    found: Counter[str] = Counter()
    for row in rows:
        found[names.get(row.urgent_by, row.urgent_by)] += row.orders
    return tuple(sorted(found.items(), key=lambda each: (-each[1], each[0])))


def _orders(connection: Connection, period: Period, scope: Scope) -> int:
    return (
        connection.scalar(
            select(func.count())
            .select_from(order)
            .where(order.c.ordered_at >= period.starts_at, order.c.ordered_at < period.ends_at, *scope.of_orders())
        )
        or 0
    )
