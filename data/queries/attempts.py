"""The deliveries of the days of a period, and how each ended. A day's are those on the lists that drivers took.

Every figure about doors is counted from these, of a day or of a year, so that no two pages mean two things by one name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, ColumnElement, Connection, Integer, Select, case, cast, exists, func, select, union

from data.tables import (
    allocation,
    delivery,
    delivery_line,
    depot,
    event,
    manifest,
    movement,
    notice,
    promise,
    proof,
    proof_line,
    shift,
    site,
    stop,
    stop_delivery,
    trip,
)
from routing.model.notices import ANNOUNCEMENTS
from routing.model.proofs import Outcome
from routing.rules.calendars import span
from routing.rules.figures.figure import Ratio
from routing.rules.figures.otif import CUSTOMER_CAUSED, Attempt, is_in_full, is_on_time
from routing.rules.promises import AT_CUSTOMERS_WISH


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOfDay:
    """One delivery on one day. `attempt` None: not reported yet. `window` None: the customer was told none, or by
    messages of which none left: all were withheld or failed.

    `planned_arrival` is that of the plan the van left with last.
    """

    day: str
    delivery_id: int
    attempt: Attempt | None
    window: tuple[datetime, datetime] | None
    planned_arrival: datetime

    @property
    def in_full(self) -> bool:
        return self.attempt is not None and is_in_full(self.attempt)

    @property
    def on_time(self) -> bool:
        return self.attempt is not None and self.window is not None and is_on_time(self.attempt, self.window)


def in_force() -> ColumnElement[bool]:
    """A swapped driver's list is left to the one who took the van."""
    return manifest.c.replaced_at.is_(None) & shift.c.state.not_in(("replaced", "out"))


def deliveries_of(
    connection: Connection,
    *,
    first: str,
    last: str,
    depot_id: int | None = None,
    customer_id: int | None = None,
) -> tuple[DeliveryOfDay, ...]:
    """By day and delivery: one that failed rides again another day. Collections are no deliveries here.

    Six statements, whatever the number of deliveries: a month of a large company is read in about two seconds.
    """
    riding = _riding(first, last, depot_id, customer_id)
    attempts = _by_delivery(connection, _attempts(riding, first))
    arrivals = _by_delivery(connection, _arrivals(connection, first, last))
    windows = _by_delivery(connection, _windows(riding))
    unheard = _unheard(connection, riding)
    window_of = cache(_window)
    found = []
    for day, delivery_id, planned_arrival, _left_at in connection.execute(
        select(riding).order_by(riding.c.day, riding.c.delivery_id)
    ):
        key = (day, delivery_id)
        attempt = None
        if key in attempts:
            outcome, reported_at, tried_before, whole = attempts[key]
            arrived_at = arrivals[key][0] if key in arrivals else reported_at
            attempt = Attempt(
                outcome=Outcome(outcome),
                arrived_at=min(arrived_at, reported_at),
                at=reported_at,
                is_first=tried_before == 0,
                whole=bool(whole),
                arrival_known=key in arrivals,
            )
        window = None
        if key in windows:
            opens, closes, zone, why = windows[key]
            if why == AT_CUSTOMERS_WISH or (delivery_id, day, opens, closes) not in unheard:
                window = window_of(day, opens, closes, zone)
        found.append(
            DeliveryOfDay(
                day=day,
                delivery_id=delivery_id,
                attempt=attempt,
                window=window,
                planned_arrival=planned_arrival,
            )
        )
    return tuple(found)


def _by_delivery(connection: Connection, query: Select[*tuple[Any, ...]]) -> dict[tuple[str, int], tuple[Any, ...]]:
    """The rest of each row by its first two columns, day and delivery."""
    return {(row[0], row[1]): tuple(row[2:]) for row in connection.execute(query)}


def _window(day: str, opens: str, closes: str, zone: str) -> tuple[datetime, datetime]:
    return span(date.fromisoformat(day), opens, closes, ZoneInfo(zone))


def _riding(first: str, last: str, depot_id: int | None, customer_id: int | None) -> CTE:
    """Day and delivery, with the planned arrival and when the van first left with it that day."""
    query = (
        select(
            manifest.c.day,
            stop_delivery.c.delivery_id,
            func.min(case((in_force(), stop.c.arrival))).label("arrival"),
            func.min(manifest.c.dispatched_at).label("left_at"),
        )
        .join(shift, shift.c.id == manifest.c.shift_id)
        .join(trip, trip.c.route_id == manifest.c.route_id)
        .join(stop, stop.c.trip_id == trip.c.id)
        .join(stop_delivery, stop_delivery.c.stop_id == stop.c.id)
        .join(delivery, delivery.c.id == stop_delivery.c.delivery_id)
        # Said so that no index can serve it: SQLite would begin with every delivery there ever was.
        .where(manifest.c.day.between(first, last), delivery.c.direction != "collect")
        .group_by(manifest.c.day, stop_delivery.c.delivery_id)
        # A list that was replaced says when the van left, and nothing else.
        .having(func.max(case((in_force(), 1), else_=0)) == 1)
    )
    if depot_id is not None:
        query = query.where(delivery.c.depot_id == depot_id)
    if customer_id is not None:
        query = query.join(site, site.c.id == delivery.c.site_id).where(site.c.customer_id == customer_id)
    return query.cte("riding")


def _attempts(riding: CTE, first: str) -> Select[*tuple[Any, ...]]:
    """The last report of each delivery each day. `tried_before`: how often somebody stood there before it."""
    counts = case((proof.c.outcome.in_([each.value for each in Outcome if each.counts_as_attempt]), 1), else_=0)
    reports = (
        select(
            proof.c.id,
            proof.c.delivery_id,
            proof.c.outcome,
            proof.c.captured_at,
            manifest.c.day,
            func.coalesce(
                func.sum(counts).over(partition_by=proof.c.delivery_id, order_by=proof.c.attempt, rows=(None, -1)), 0
            ).label("tried_before"),
            func.row_number()
            .over(partition_by=(proof.c.delivery_id, manifest.c.day), order_by=proof.c.attempt.desc())
            .label("from_last"),
        )
        .join(manifest, manifest.c.id == proof.c.manifest_id)
        .where(proof.c.delivery_id.in_(select(riding.c.delivery_id)))
        .subquery("reports")
    )
    missing = (
        select(delivery_line.c.id)
        .select_from(delivery_line)
        .outerjoin(
            proof_line,
            (proof_line.c.proof_id == reports.c.id) & (proof_line.c.allocation_id == delivery_line.c.allocation_id),
        )
        .where(
            delivery_line.c.delivery_id == reports.c.delivery_id,
            func.coalesce(proof_line.c.delivered, 0) < delivery_line.c.quantity,
        )
    )
    return select(
        reports.c.day,
        reports.c.delivery_id,
        reports.c.outcome,
        reports.c.captured_at,
        reports.c.tried_before,
        case((exists(missing), 0), else_=1),
    ).where(reports.c.from_last == 1, reports.c.day >= first)


def _arrivals(connection: Connection, first: str, last: str) -> Select[*tuple[Any, ...]]:
    """When the van was first said to stand at the door."""
    if connection.dialect.name == "sqlite":
        each = func.json_each(event.c.data, "$.deliveries").table_valued("value", joins_implicitly=True)
    else:
        each = func.json_array_elements_text(event.c.data["deliveries"]).table_valued("value", joins_implicitly=True)
    delivery_id = cast(each.c.value, Integer)
    return (
        select(shift.c.day, delivery_id.label("delivery_id"), func.min(event.c.captured_at).label("at"))
        .join(event, event.c.shift_id == shift.c.id)
        .where(shift.c.day.between(first, last), event.c.kind == "stop.arrived")
        .group_by(shift.c.day, delivery_id)
    )


def _windows(riding: CTE) -> Select[*tuple[Any, ...]]:
    """The window in force when each delivery was first dispatched that day; untold ones are missing."""
    # Of what was lost in the van no line is left, and it was told all the same.
    carried = union(
        select(delivery_line.c.delivery_id, delivery_line.c.allocation_id).where(
            delivery_line.c.delivery_id.in_(select(riding.c.delivery_id))
        ),
        select(movement.c.delivery_id, movement.c.allocation_id).where(
            movement.c.to_place == "lost",
            movement.c.allocation_id.is_not(None),
            movement.c.delivery_id.in_(select(riding.c.delivery_id)),
        ),
    ).subquery("carried")
    told = (
        select(
            riding.c.day,
            riding.c.delivery_id,
            promise.c.window_from,
            promise.c.window_to,
            case((site.c.zone != "", site.c.zone), else_=depot.c.zone).label("zone"),
            promise.c.why,
            func.row_number()
            .over(
                partition_by=(riding.c.day, riding.c.delivery_id),
                order_by=(promise.c.made_at.desc(), promise.c.version.desc()),
            )
            .label("from_last"),
        )
        .join(carried, carried.c.delivery_id == riding.c.delivery_id)
        .join(allocation, allocation.c.id == carried.c.allocation_id)
        .join(delivery, delivery.c.id == riding.c.delivery_id)
        .join(site, site.c.id == delivery.c.site_id)
        .join(depot, depot.c.id == delivery.c.depot_id)
        .join(promise, promise.c.order_line_id == allocation.c.order_line_id)
        .where(
            # Not by the index on the day: of all promises for a day, few are these lines'.
            func.coalesce(promise.c.promised_on, "") == riding.c.day,
            promise.c.window_from != "",
            promise.c.made_at <= riding.c.left_at,
        )
        .subquery("told")
    )
    return select(told.c.day, told.c.delivery_id, told.c.window_from, told.c.window_to, told.c.zone, told.c.why).where(
        told.c.from_last == 1
    )


def _unheard(connection: Connection, riding: CTE) -> set[tuple[int, str, str, str]]:
    """(delivery, day, opens, closes) of each window whose every message was withheld or failed. One message tells a
    door, by the first of its deliveries; it speaks for all of them."""
    kinds = [each.value for each in ANNOUNCEMENTS]
    never = ("withheld", "failed")
    some_never = select(notice.c.subject_id).where(
        notice.c.subject_kind == "delivery",
        notice.c.status.in_(never),
        notice.c.kind.in_(kinds),
        notice.c.subject_id.in_(select(riding.c.delivery_id)),
    )
    left: dict[tuple[int, str, str, str], bool] = defaultdict(bool)
    for row in connection.execute(
        select(notice.c.subject_id, notice.c.data, notice.c.status).where(
            notice.c.subject_kind == "delivery", notice.c.kind.in_(kinds), notice.c.subject_id.in_(some_never)
        )
    ):
        day, opens, closes = (str(row.data.get(name) or "") for name in ("day", "window_from", "window_to"))
        left[row.subject_id, day, opens, closes] |= row.status not in never
    unheard = {key for key, some in left.items() if not some}
    if not unheard:
        return unheard
    beside = stop_delivery.alias("beside")
    at_its_door: dict[int, set[int]] = defaultdict(set)
    for named, other in connection.execute(
        select(stop_delivery.c.delivery_id, beside.c.delivery_id)
        .join(beside, beside.c.stop_id == stop_delivery.c.stop_id)
        .where(stop_delivery.c.delivery_id.in_(some_never))
    ):
        at_its_door[named].add(other)
    return {(other, day, opens, closes) for named, day, opens, closes in unheard for other in at_its_door[named]}


def door_ratios(deliveries: Collection[DeliveryOfDay]) -> dict[str, Ratio]:
    """otif, in_full, on_time and first_attempt: the one definition of each, for a day and for a period.

    Of a day on which nobody has reported from any door there is nothing to count: not driven yet is not missed.
    """
    driven = {each.day for each in deliveries if each.attempt is not None}
    deliveries = [each for each in deliveries if each.day in driven]
    tried = [each.attempt for each in deliveries if each.attempt is not None]
    told = [each for each in deliveries if each.window is not None]
    first = [each for each in tried if each.is_first and each.outcome.counts_as_attempt]
    return {
        "otif": Ratio(numerator=sum(each.in_full and each.on_time for each in told), denominator=len(told)),
        "in_full": Ratio(numerator=sum(each.in_full for each in deliveries), denominator=len(deliveries)),
        "on_time": Ratio(numerator=sum(each.on_time for each in told), denominator=len(told)),
        "first_attempt": Ratio(numerator=sum(each.outcome.is_handed_over for each in first), denominator=len(first)),
    }


def missed_through_customers(deliveries: Collection[DeliveryOfDay]) -> int:
    """Of those told a window and not on time in full, how many ended at the receiving side."""
    return sum(
        each.attempt is not None and each.attempt.outcome in CUSTOMER_CAUSED
        for each in deliveries
        if each.window is not None and not (each.in_full and each.on_time)
    )
