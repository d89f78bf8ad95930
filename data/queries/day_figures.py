"""The figures of a day, each with its numerator, its denominator and its definition.

A day's deliveries are those on the lists that drivers took: every manifest in force of the day, a swapped driver's left
to the one who took the van. Collections are no deliveries here. What a customer's list says after the van has left
changes no figure: on time is judged by the window that was told when the delivery was first dispatched that day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, func, select, union_all

from data.queries.attempts import deliveries_of, door_ratios, in_force, missed_through_customers
from data.queries.lost import lost_units
from data.queries.today import left_out_by_reason
from data.tables import (
    allocation,
    delivery,
    delivery_line,
    manifest,
    order_line,
    product,
    route,
    shift,
    stop,
    stop_delivery,
    trip,
    vehicle,
)
from routing.errors import NotFound
from routing.model.days import day_words
from routing.rules.figures.figure import Ratio
from routing.rules.figures.otif import Attempt
from routing.rules.figures.words import WORDS
from routing.rules.problem import DIMENSIONS

DEFINITIONS: Mapping[str, tuple[str, str]] = {
    **{key: WORDS[key] for key in ("otif", "in_full", "on_time", "first_attempt")},
    "stops_per_hour": (
        "Stops per paid hour",
        "doors at which a delivery was attempted ÷ hours on duty of the routes as planned, loading and breaks included",
    ),
    "km_per_stop": ("Km per stop", "kilometres of the routes as planned ÷ their doors"),
    "cost_per_door": ("Cost per door", "cost of the routes as planned ÷ doors at which a delivery was attempted"),
    "left_out": ("Left out", "deliveries and collections that the plan left out ÷ all that it knew"),
}
"""Name and definition of each figure; the sentences of the page and of the command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Seconds planned and actual over the same `known` of `of` places: where a driver reported both ends."""

    planned_s: int
    actual_s: int
    known: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakUse:
    """The fullest moment of a trip in the dimension that is used most. `capacity` is of that dimension."""

    vehicle: str
    trip: int
    dimension: str
    most: int
    capacity: int

    @property
    def value(self) -> float:
        return self.most / self.capacity


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """`ratios` by the keys of DEFINITIONS. Cost is in minor units of the company's currency, distances in km.

    `open` deliveries were not reported yet and count as not delivered once one was. `customer_caused` of those that
    missed on time in full ended at the receiving side; `untold` had no window and are in no share of on time. Planned
    seconds are of all routes; what the drivers reported is in `at_doors` (arrival to report: waiting and service) and
    `between_doors` (report to the next arrival, so driving and breaks).
    """

    day: str
    routes: int
    deliveries: int
    open: int
    untold: int
    customer_caused: int
    ratios: Mapping[str, Ratio]
    planned_drive_s: int
    planned_service_s: int
    planned_wait_s: int
    at_doors: Compared
    between_doors: Compared
    peaks: tuple[PeakUse, ...]
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stop:
    route_id: int
    trip: int
    arrival: datetime
    start: datetime
    departure: datetime
    travel_s: int
    deliveries: tuple[int, ...]


def day_figures(connection: Connection, *, day: str) -> DayFigures:
    """Raises NotFound when nothing was dispatched that day."""
    routes = connection.execute(
        select(
            route.c.id, route.c.starts_at, route.c.ends_at, route.c.distance_m, route.c.cost, shift.c.state,
            vehicle.c.name, vehicle.c.weight_g, vehicle.c.volume_cm3, vehicle.c.pieces,
        )
        .join(manifest, manifest.c.route_id == route.c.id)
        .join(shift, shift.c.id == manifest.c.shift_id)
        .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
        .where(manifest.c.day == day, in_force())
        .order_by(shift.c.depot_id, route.c.sequence)
    ).all()  # fmt: skip
    if not routes:
        raise NotFound(f"Nothing was dispatched on {day_words(day)}, so there are no figures of it.", day=day)
    stops = _stops(connection, [row.id for row in routes])
    riding = {each.delivery_id: each for each in deliveries_of(connection, first=day, last=day)}
    attempts = {key: each.attempt for key, each in riding.items() if each.attempt is not None}
    visited = sum(
        any(key in attempts and attempts[key].outcome.counts_as_attempt for key in each.deliveries) for each in stops
    )
    paid_s = sum((row.ends_at - row.starts_at).total_seconds() for row in routes)
    left_out = left_out_by_reason(connection, day=day)
    on_lists = {key for each in stops for key in each.deliveries}
    return DayFigures(
        day=day,
        routes=len(routes),
        deliveries=len(riding),
        open=len(riding.keys() - attempts.keys()),
        untold=sum(each.window is None for each in riding.values()),
        customer_caused=missed_through_customers(riding.values()),
        ratios={
            **door_ratios(riding.values()),
            "stops_per_hour": Ratio(numerator=visited, denominator=paid_s / 3600 if attempts else 0),
            "km_per_stop": Ratio(numerator=sum(row.distance_m for row in routes) / 1000, denominator=len(stops)),
            "cost_per_door": Ratio(numerator=round(sum(row.cost for row in routes) / 1000), denominator=visited),
            "left_out": Ratio(numerator=sum(left_out.values()), denominator=sum(left_out.values()) + len(on_lists)),
        },
        planned_drive_s=sum(each.travel_s for each in stops),
        planned_service_s=sum(_seconds(each.start, each.departure) for each in stops),
        planned_wait_s=sum(_seconds(each.arrival, each.start) for each in stops),
        at_doors=_at_doors(stops, attempts),
        between_doors=_between_doors(stops, attempts),
        peaks=_peaks(connection, day, routes, stops),
        left_out=left_out,
    )


# ---------------------------------------------------------------------------- what happened


def _stops(connection: Connection, route_ids: Collection[int]) -> list[_Stop]:
    """In the order of driving, route by route; only stops with a delivery."""
    rows = connection.execute(
        select(
            trip.c.route_id, trip.c.sequence.label("trip"), stop.c.id, stop.c.arrival, stop.c.start,
            stop.c.departure, stop.c.travel_s, stop_delivery.c.delivery_id,
        )
        .join(trip, trip.c.id == stop.c.trip_id)
        .join(stop_delivery, stop_delivery.c.stop_id == stop.c.id)
        .where(trip.c.route_id.in_(route_ids))
        .order_by(trip.c.route_id, trip.c.sequence, stop.c.sequence, stop_delivery.c.sequence)
    ).all()  # fmt: skip
    riding: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        riding[row.id].append(row.delivery_id)
    return list(
        {
            row.id: _Stop(
                route_id=row.route_id,
                trip=row.trip,
                arrival=row.arrival,
                start=row.start,
                departure=row.departure,
                travel_s=row.travel_s,
                deliveries=tuple(riding[row.id]),
            )
            for row in rows
        }.values()
    )


# ---------------------------------------------------------------------------- time and load


def _seconds(start: datetime, end: datetime) -> int:
    return round((end - start).total_seconds())


def _stood(at: _Stop, attempts: Mapping[int, Attempt]) -> tuple[datetime | None, datetime | None]:
    """When the van arrived at a stop and when the last of it was reported, where that is known."""
    mine = [attempts[key] for key in at.deliveries if key in attempts and attempts[key].outcome.counts_as_attempt]
    arrived = [each.arrived_at for each in mine if each.arrival_known]
    return min(arrived, default=None), max((each.at for each in mine), default=None)


def _at_doors(stops: list[_Stop], attempts: Mapping[int, Attempt]) -> Compared:
    planned = actual = known = 0
    for each in stops:
        arrived, reported = _stood(each, attempts)
        if arrived is not None and reported is not None:
            known += 1
            planned += _seconds(each.arrival, each.departure)
            actual += _seconds(arrived, reported)
    return Compared(planned_s=planned, actual_s=actual, known=known, of=len(stops))


def _between_doors(stops: list[_Stop], attempts: Mapping[int, Attempt]) -> Compared:
    planned = actual = known = of = 0
    for here, after in pairwise(stops):
        if (here.route_id, here.trip) != (after.route_id, after.trip):
            continue
        of += 1
        left, arrived = _stood(here, attempts)[1], _stood(after, attempts)[0]
        if left is not None and arrived is not None and left <= arrived:
            known += 1
            planned += _seconds(here.departure, after.arrival)
            actual += _seconds(left, arrived)
    return Compared(planned_s=planned, actual_s=actual, known=known, of=of)


def _peaks(connection: Connection, day: str, routes: Collection[Any], stops: list[_Stop]) -> tuple[PeakUse, ...]:
    """Per trip of a limited vehicle: what left the depot, and after each door what was still or newly on board.

    `routes` are rows of a route and its vehicle.
    """
    goods: dict[int, tuple[int, tuple[int, ...]]] = {}
    riding = {key for each in stops for key in each.deliveries}
    lost = lost_units()
    units = union_all(
        select(delivery_line.c.delivery_id, order_line.c.product_id, delivery_line.c.quantity)
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .where(delivery_line.c.delivery_id.in_(riding)),
        # It left the depot with them, whatever the evening's count found.
        select(lost.c.delivery_id, lost.c.product_id, lost.c.quantity).where(
            lost.c.delivery_id.in_(riding), lost.c.day >= day
        ),
    ).subquery("units")
    for row in connection.execute(
        select(
            units.c.delivery_id,
            delivery.c.direction,
            func.sum(units.c.quantity * func.coalesce(product.c.weight_g, 0)).label("weight_g"),
            func.sum(units.c.quantity * func.coalesce(product.c.volume_cm3, 0)).label("volume_cm3"),
            func.sum(units.c.quantity * product.c.pieces).label("pieces"),
        )
        .join(delivery, delivery.c.id == units.c.delivery_id)
        .join(product, product.c.id == units.c.product_id)
        .group_by(units.c.delivery_id, delivery.c.direction)
    ):
        sign = -1 if row.direction == "collect" else 1
        goods[row.delivery_id] = (sign, tuple(int(getattr(row, name)) for name in DIMENSIONS))
    nothing = (1, (0,) * len(DIMENSIONS))
    found = []
    for van in routes:
        trips: dict[int, list[_Stop]] = defaultdict(list)
        for each in stops:
            if each.route_id == van.id:
                trips[each.trip].append(each)
        for number, mine in sorted(trips.items()):
            uses = []
            for d, name in enumerate(DIMENSIONS):
                capacity = getattr(van, name)
                if not capacity:
                    continue  # not limited
                amounts = [
                    [sign * amounts[d] for sign, amounts in (goods.get(key, nothing) for key in each.deliveries)]
                    for each in mine
                ]
                on_board = sum(amount for at in amounts for amount in at if amount > 0)
                most = on_board
                for at in amounts:
                    on_board -= sum(at)
                    most = max(most, on_board)
                uses.append(
                    PeakUse(
                        vehicle=van.name,
                        trip=number,
                        dimension=name,
                        most=most,
                        capacity=capacity,
                    )
                )
            if uses:
                found.append(max(uses, key=lambda use: use.value))
    return tuple(found)
