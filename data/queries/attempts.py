"""The deliveries of the days of a period, and how each ended. A day's are those on the lists that drivers took.

Every figure about doors is counted from these, of a day or of a year, so that no two pages mean two things by one name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, func, select

from data.store.part import parts
from data.tables import (
    allocation,
    delivery,
    delivery_line,
    depot,
    event,
    manifest,
    promise,
    proof,
    proof_line,
    route,
    shift,
    site,
    stop,
    stop_delivery,
    trip,
)
from routing.model.proofs import Outcome
from routing.rules.calendars import span
from routing.rules.figures.figure import Ratio
from routing.rules.figures.otif import CUSTOMER_CAUSED, Attempt, is_in_full, is_on_time

type OfDay = tuple[str, int]
"""ISO day and delivery: one that failed rides again another day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOfDay:
    """One delivery on one day. `attempt` None: not reported yet. `window` None: the customer was told none.

    `planned_arrival` is that of the plan the van left with last.
    """

    day: str
    delivery_id: int
    lines: Mapping[int, int]
    attempt: Attempt | None
    window: tuple[datetime, datetime] | None
    planned_arrival: datetime

    @property
    def in_full(self) -> bool:
        return self.attempt is not None and is_in_full(self.attempt, self.lines)

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
    """By day and delivery. Collections are no deliveries here."""
    riding: dict[OfDay, datetime] = {}
    query = (
        select(manifest.c.day, stop_delivery.c.delivery_id, func.min(stop.c.arrival).label("arrival"))
        .join(route, route.c.id == manifest.c.route_id)
        .join(shift, shift.c.id == manifest.c.shift_id)
        .join(trip, trip.c.route_id == route.c.id)
        .join(stop, stop.c.trip_id == trip.c.id)
        .join(stop_delivery, stop_delivery.c.stop_id == stop.c.id)
        .join(delivery, delivery.c.id == stop_delivery.c.delivery_id)
        .join(site, site.c.id == delivery.c.site_id)
        .where(manifest.c.day.between(first, last), in_force(), delivery.c.direction == "deliver")
        .group_by(manifest.c.day, stop_delivery.c.delivery_id)
        .order_by(manifest.c.day, stop_delivery.c.delivery_id)
    )
    if depot_id is not None:
        query = query.where(delivery.c.depot_id == depot_id)
    if customer_id is not None:
        query = query.where(site.c.customer_id == customer_id)
    for row in connection.execute(query):
        riding[row.day, row.delivery_id] = row.arrival
    keys = {key for _day, key in riding}
    lines = _lines(connection, keys)
    attempts = _attempts(connection, first, last, keys)
    windows = _windows(connection, first, last, keys)
    return tuple(
        DeliveryOfDay(
            day=day,
            delivery_id=key,
            lines=lines.get(key, {}),
            attempt=attempts.get((day, key)),
            window=windows.get((day, key)),
            planned_arrival=arrival,
        )
        for (day, key), arrival in riding.items()
    )


def _lines(connection: Connection, delivery_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """Units by allocation of each delivery."""
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for part in parts(delivery_ids):
        for row in connection.execute(select(delivery_line).where(delivery_line.c.delivery_id.in_(part))):
            found[row.delivery_id][row.allocation_id] = row.quantity
    return found


def _attempts(connection: Connection, first: str, last: str, delivery_ids: Collection[int]) -> dict[OfDay, Attempt]:
    """The last report of each delivery each day."""
    tried_before: dict[int, int] = {}
    reports = {}
    for part in parts(delivery_ids):
        for row in connection.execute(
            select(
                proof.c.id, proof.c.delivery_id, proof.c.outcome, proof.c.captured_at, manifest.c.day
            )
            .join(manifest, manifest.c.id == proof.c.manifest_id)
            .where(proof.c.delivery_id.in_(part), manifest.c.day <= last)
            .order_by(proof.c.delivery_id, proof.c.attempt)
        ):  # fmt: skip
            key = (row.day, row.delivery_id)
            if row.day >= first:
                # What was tried earlier that day is no first attempt of an earlier day.
                reports[key] = (row, tried_before.get(row.delivery_id, 0))
            if Outcome(row.outcome).counts_as_attempt:
                tried_before[row.delivery_id] = tried_before.get(row.delivery_id, 0) + 1
    delivered: dict[int, dict[int, int]] = defaultdict(dict)
    for part in parts([row.id for row, _before in reports.values()]):
        for line in connection.execute(
            select(proof_line.c.proof_id, proof_line.c.allocation_id, proof_line.c.delivered).where(
                proof_line.c.proof_id.in_(part)
            )
        ):
            delivered[line.proof_id][line.allocation_id] = line.delivered
    arrivals = _arrivals(connection, first, last)
    return {
        key: Attempt(
            outcome=Outcome(row.outcome),
            arrived_at=min(arrivals.get(key, row.captured_at), row.captured_at),
            at=row.captured_at,
            is_first=before == 0,
            delivered=delivered[row.id],
            arrival_known=key in arrivals,
        )
        for key, (row, before) in reports.items()
    }


def _arrivals(connection: Connection, first: str, last: str) -> dict[OfDay, datetime]:
    found: dict[OfDay, datetime] = {}
    for row in connection.execute(
        select(shift.c.day, event.c.data, event.c.captured_at)
        .join(shift, shift.c.id == event.c.shift_id)
        .where(shift.c.day.between(first, last), event.c.kind == "stop.arrived")
        .order_by(event.c.captured_at)
    ):
        for key in row.data["deliveries"]:
            found.setdefault((row.day, key), row.captured_at)
    return found


def _windows(
    connection: Connection, first: str, last: str, delivery_ids: Collection[int]
) -> dict[OfDay, tuple[datetime, datetime]]:
    """The window in force when each delivery was first dispatched that day; untold ones are missing."""
    left = (
        select(
            manifest.c.day, stop_delivery.c.delivery_id, func.min(manifest.c.dispatched_at).label("at")
        )
        .join(stop, stop.c.id == stop_delivery.c.stop_id)
        .join(trip, trip.c.id == stop.c.trip_id)
        .join(manifest, manifest.c.route_id == trip.c.route_id)
        .where(manifest.c.day.between(first, last))
        .group_by(manifest.c.day, stop_delivery.c.delivery_id)
        .subquery("left_at")
    )  # fmt: skip
    found = {}
    for row in connection.execute(
        select(
            left.c.day, left.c.delivery_id, promise.c.window_from, promise.c.window_to, site.c.zone,
            depot.c.zone.label("depot_zone"),
        )
        .join(delivery_line, delivery_line.c.delivery_id == left.c.delivery_id)
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(promise, promise.c.order_line_id == allocation.c.order_line_id)
        .join(delivery, delivery.c.id == left.c.delivery_id)
        .join(site, site.c.id == delivery.c.site_id)
        .join(depot, depot.c.id == delivery.c.depot_id)
        .where(promise.c.promised_on == left.c.day, promise.c.window_from != "", promise.c.made_at <= left.c.at)
        .order_by(promise.c.made_at, promise.c.version)
    ):  # fmt: skip
        if row.delivery_id in delivery_ids:
            zone = ZoneInfo(row.zone or row.depot_zone)
            found[row.day, row.delivery_id] = span(date.fromisoformat(row.day), row.window_from, row.window_to, zone)
    return found


def door_ratios(deliveries: Collection[DeliveryOfDay]) -> dict[str, Ratio]:
    """otif, in_full, on_time and first_attempt: the one definition of each, for a day and for a period."""
    told = [each for each in deliveries if each.window is not None]
    tried = [each.attempt for each in deliveries if each.attempt is not None]
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
