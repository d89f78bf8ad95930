"""The warehouse's day: trip by trip in the order of loading, and the same goods as one wave by SKU."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from data.queries.door_words import door_words
from data.queries.planned import PLANNED
from data.store import SqlStore
from data.store.part import parts
from data.tables import (
    current_plan,
    delivery,
    depot,
    driver,
    proof,
    route,
    shift,
    site,
    stop,
    stop_delivery,
    trip,
    unassigned,
    vehicle,
)
from routing.model.days import today_of
from routing.model.picking import PickDelivery, PickLine
from routing.model.places import SURE
from routing.model.plans import Reason
from routing.rules.door_word import OVER
from routing.rules.progress import forecast

_OVER = (*OVER, "unreleased")

NOT_PLANNED = "not_planned"
"""Released after its day was planned, or before anybody planned it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorDelivery:
    """A delivery in its place: `stop` is its number on the route, 0 on no trip; `trip_name` names the trip.

    `why` is the reason why no van has it: address_in_review, what its day's plan says, or not_planned.
    """

    delivery: PickDelivery
    stop: int = 0
    trip_name: str = ""
    sequence: int = 0
    site_id: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorTrip:
    """A trip with what rides on it, last stop first: that is how it is loaded. `of`: how many its van makes on this
    shift. `away_until`: when the van is back for it by the forecast (as planned, before it left), while its trip before
    is not reported done."""

    shift_id: int
    trip: int
    sequence: int
    vehicle: str
    driver: str
    departs_at: datetime
    deliveries: tuple[FloorDelivery, ...]
    of: int = 1
    away_until: datetime | None = None

    @property
    def name(self) -> str:
        return trip_name(self.vehicle, self.trip, self.of)

    @property
    def units(self) -> int:
        """Units that it takes from the depot: what it fetches at a door is not among them."""
        return sum(each.delivery.quantity for each in self.deliveries if not each.delivery.is_fetched)

    @property
    def picked(self) -> int:
        """Units off the shelf, those on the van included."""
        return sum(
            each.delivery.picked if each.delivery.state == "released" else each.delivery.quantity
            for each in self.deliveries
            if not each.delivery.is_fetched
        )

    def count(self, *stages: str) -> int:
        return sum(each.delivery.stage in stages for each in self.deliveries)

    @property
    def stage(self) -> str:
        """The least far of its deliveries says how far the trip is: to_pick, picked, staged, loaded or gone."""
        if self.count("to_pick", "part_picked"):
            return "part_picked" if self.picked else "to_pick"
        return next((stage for stage in ("picked", "staged", "loaded") if self.count(stage)), "gone")


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorDepot:
    """A depot's day: its trips by departure, and what is released but on no van yet: nobody picks that."""

    id: int
    name: str
    zone: str
    trips: tuple[FloorTrip, ...]
    loose: tuple[FloorDelivery, ...]

    @property
    def unplanned(self) -> tuple[FloorDelivery, ...]:
        """Of `loose` what only waits for the plan of the day: the floor can do nothing about it yet."""
        return tuple(each for each in self.loose if each.why == NOT_PLANNED and not each.delivery.picked)

    @property
    def stuck(self) -> tuple[FloorDelivery, ...]:
        """The rest of `loose`: there is a reason, or goods to put back."""
        return tuple(each for each in self.loose if each.why != NOT_PLANNED or each.delivery.picked)

    @property
    def on_vans(self) -> tuple[FloorDelivery, ...]:
        """Each delivery that a van carries once, in the order in which vans leave."""
        return tuple(each for one in self.trips for each in one.deliveries)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveLine:
    """A SKU over all deliveries of a depot's day, those first whose van leaves first."""

    product_id: int
    sku: str
    name: str
    unit: str
    case_pack: int
    parts: tuple[tuple[FloorDelivery, PickLine], ...]

    @property
    def quantity(self) -> int:
        return sum(line.quantity for _each, line in self.parts)

    @property
    def picked(self) -> int:
        return sum(line.picked for _each, line in self.parts)

    @property
    def left(self) -> int:
        return self.quantity - self.picked


def floor(connection: Connection, *, day: str, now: datetime, depot_id: int | None = None) -> tuple[FloorDepot, ...]:
    """Every depot, or one, with what its warehouse has to do that day, by depot number.

    What is left from before is today's work, and not that of every day to come.
    """
    query = select(depot.c.id, depot.c.name, depot.c.zone).order_by(depot.c.number)
    if depot_id is not None:
        query = query.where(depot.c.id == depot_id)
    store = SqlStore(connection)
    found = []
    for home in connection.execute(query).all():
        today = today_of(now, home.zone)
        rows = _riding(connection, day=day, depot_id=home.id)
        riding = {row.delivery_id for row in rows}
        loose = [key for key in store.open_delivery_ids(day=day, depot_id=home.id) if key not in riding]
        picked = store.pick_deliveries(riding | set(loose))
        again = _come_again(connection, picked, day=day)
        rows = [row for row in rows if row.delivery_id not in again]
        words = door_words(connection, {each.id: each.state for each in picked})
        # Of what is over the page says what became of it.
        goods = {each.id: replace(each, state=words[each.id]) for each in picked}
        why = _why_loose(connection, day=day, depot_id=home.id, delivery_ids=loose)
        found.append(
            FloorDepot(
                id=home.id,
                name=home.name,
                zone=home.zone,
                trips=_trips(rows, goods, _back_at(store, rows, now=now)),
                loose=tuple(
                    FloorDelivery(delivery=goods[key], site_id=why[key][0], why=why[key][1])
                    for key in loose
                    if goods[key].state == "released" and (goods[key].for_day == day or day <= today)
                ),
            )
        )
    return tuple(found)


def trip_name(vehicle: str, trip: int, of: int) -> str:
    """A van that goes out once needs no number.

    >>> trip_name("Van 3", 1, 1), trip_name("Van 3", 1, 2)
    ('Van 3', 'Van 3, trip 1')
    """
    return f"{vehicle}, trip {trip}" if of > 1 else vehicle


def floor_trip(home: FloorDepot, *, shift_id: int, trip: int) -> FloorTrip | None:
    return next((each for each in home.trips if (each.shift_id, each.trip) == (shift_id, trip)), None)


def wave(home: FloorDepot) -> tuple[WaveLine, ...]:
    """What is still to be taken off the shelves, by SKU; of a SKU also what was picked already."""
    wanted: dict[int, list[tuple[FloorDelivery, PickLine]]] = defaultdict(list)
    for each in home.on_vans:
        if each.delivery.state == "released" and not each.delivery.is_fetched:
            for line in each.delivery.lines:
                wanted[line.product_id].append((each, line))
    lines = [
        WaveLine(
            product_id=product_id,
            sku=mine[0][1].sku,
            name=mine[0][1].name,
            unit=mine[0][1].unit,
            case_pack=mine[0][1].case_pack,
            parts=tuple(mine),
        )
        for product_id, mine in wanted.items()
    ]
    return tuple(sorted(lines, key=lambda line: (not line.left, line.sku)))


def place_of_shift(connection: Connection, shift_id: int) -> tuple[int, str] | None:
    """(depot, day) of a shift; None when there is none."""
    row = connection.execute(select(shift.c.depot_id, shift.c.day).where(shift.c.id == shift_id)).first()
    return None if row is None else (row.depot_id, row.day)


def _why_loose(
    connection: Connection, *, day: str, depot_id: int, delivery_ids: Collection[int]
) -> dict[int, tuple[int, str]]:
    """(site, reason) of these deliveries. What was put right since the day was planned is no reason any more."""
    left_out = {
        row.delivery_id: row.reasons[0]
        for row in connection.execute(
            select(unassigned.c.delivery_id, unassigned.c.reasons)
            .join(current_plan, current_plan.c.plan_id == unassigned.c.plan_id)
            .where(current_plan.c.day == day, current_plan.c.depot_id == depot_id)
        )
        if row.reasons and row.reasons[0] != Reason.ADDRESS_IN_REVIEW
    }
    found: dict[int, tuple[int, str]] = {}
    for part in parts(delivery_ids):
        for row in connection.execute(
            select(delivery.c.id, delivery.c.site_id, site.c.pin_quality)
            .join(site, site.c.id == delivery.c.site_id)
            .where(delivery.c.id.in_(part))
        ):
            reason = left_out.get(row.id, NOT_PLANNED)
            found[row.id] = (row.site_id, reason if row.pin_quality in SURE else Reason.ADDRESS_IN_REVIEW.value)
    return found


def _come_again(connection: Connection, deliveries: Collection[PickDelivery], *, day: str) -> set[int]:
    """Those that were out that day and are released again for a later one: their goods are that day's work."""
    later = [each.id for each in deliveries if each.state == "released" and each.for_day > day]
    found: set[int] = set()
    for part in parts(later):
        found.update(connection.scalars(select(proof.c.delivery_id).where(proof.c.delivery_id.in_(part))))
    return found


def _riding(connection: Connection, *, day: str, depot_id: int) -> Sequence[Any]:
    return connection.execute(
        select(
            route.c.shift_id,
            route.c.sequence.label("route_number"),
            vehicle.c.name.label("vehicle"),
            driver.c.name.label("driver"),
            trip.c.sequence.label("trip"),
            trip.c.departs_at,
            trip.c.returns_at,
            stop.c.sequence.label("stop"),
            stop_delivery.c.delivery_id,
        )
        .select_from(PLANNED.outerjoin(driver, driver.c.id == shift.c.driver_id))
        .where(current_plan.c.day == day, current_plan.c.depot_id == depot_id)
        .order_by(
            trip.c.departs_at,
            route.c.sequence,
            trip.c.sequence,
            stop.c.sequence.desc(),
            stop_delivery.c.sequence.desc(),
        )
    ).all()


def _back_at(store: SqlStore, rows: Sequence[Any], *, now: datetime) -> dict[tuple[int, int], datetime]:
    """When each van that is out is at the depot again, by (shift, trip that it is loaded for then)."""
    found = {}
    for shift_id in sorted({row.shift_id for row in rows if row.trip > 1}):
        held = store.held_manifest(shift_id)
        if held is None:
            continue
        in_force = store.manifest_in_hand(held.id)
        trips = {stop.stop_id: stop.trip for stop in in_force.stops}
        for eta in forecast(in_force.stops, in_force.facts, departs_at=in_force.departs_at, now=now):
            if eta.reload is not None:
                found[shift_id, trips[eta.stop_id]] = eta.reload[0]
    return found


def _trips(
    rows: Sequence[Any], goods: dict[int, PickDelivery], back_at: Mapping[tuple[int, int], datetime]
) -> tuple[FloorTrip, ...]:
    by_trip: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for row in rows:
        by_trip[row.shift_id, row.trip].append(row)
    trips = []
    of: dict[int, int] = defaultdict(int)
    for shift_id, number in by_trip:
        of[shift_id] = max(of[shift_id], number)
    for (shift_id, number), mine in by_trip.items():
        head = mine[0]
        name = trip_name(head.vehicle, number, of[shift_id])
        before = by_trip.get((shift_id, number - 1), [])
        # The stops of a route are numbered through: as on the board, on paper and on the driver's page.
        stops_before = sum(
            max(row.stop for row in by_trip[key]) for key in by_trip if key[0] == shift_id and key[1] < number
        )
        is_away = any(goods[row.delivery_id].state not in _OVER for row in before)
        trips.append(
            FloorTrip(
                shift_id=shift_id,
                trip=number,
                sequence=head.route_number,
                vehicle=head.vehicle,
                driver=head.driver or "",
                departs_at=head.departs_at,
                of=of[shift_id],
                away_until=back_at.get((shift_id, number), before[0].returns_at) if is_away else None,
                deliveries=tuple(
                    FloorDelivery(
                        delivery=goods[row.delivery_id],
                        stop=stops_before + row.stop,
                        trip_name=name,
                        sequence=head.route_number,
                    )
                    for row in mine
                ),
            )
        )
    return tuple(trips)
