"""What the papers of a route say: the load sheet in the order of driving, and a slip per delivery.

Gate codes are the driver's alone: no value here carries one. A slip leaves out our notes about the door too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from data.queries.empties import empties_of
from data.queries.paying import due_of, paid_by_proof
from data.queries.tracking import Proven, proven
from data.store import SqlStore
from data.tables import (
    allocation,
    current_plan,
    customer,
    delivery,
    delivery_line,
    depot,
    driver,
    manifest,
    order,
    order_line,
    product,
    proof,
    proof_line,
    route,
    shift,
    site,
    stop,
    stop_delivery,
    trip,
    vehicle,
)
from routing.errors import NotFound
from routing.model.day import DeliverySheet, RouteSheet, StopSheet
from routing.model.days import day_words
from routing.model.payments import PayMethod
from routing.rules.paying import added_up


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadLine:
    """Base units of one product to load. `weight_g` per unit, None when nobody knows it."""

    sku: str
    name: str
    unit: str
    quantity: int
    case_pack: int
    weight_g: int | None

    @property
    def cases(self) -> int:
        """Whole cases; a product that comes in no cases has none."""
        return self.quantity // self.case_pack if self.case_pack > 1 else 0

    @property
    def loose(self) -> int:
        return self.quantity - self.cases * self.case_pack


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadDelivery:
    number: str
    references: tuple[str, ...]
    lines: tuple[LoadLine, ...]
    due: Mapping[str, int] = field(default_factory=dict)
    """What the driver collects for it, minor units by currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadStop:
    """One door. `number` counts the doors of the whole route from 1, as the driver's page does.

    `collects`: something is fetched here, which is not loaded.
    """

    number: int
    site: str
    customer: str
    address: str
    arrival: datetime
    start: datetime
    notes: str
    deliveries: tuple[LoadDelivery, ...]
    collects: bool

    @property
    def lines(self) -> tuple[LoadLine, ...]:
        return tuple(line for each in self.deliveries for line in each.lines)

    @property
    def due(self) -> dict[str, int]:
        return _by_currency(each.due for each in self.deliveries)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadTrip:
    """From loading to unloading at the depot; `stops` as they are driven."""

    number: int
    departs_at: datetime
    stops: tuple[LoadStop, ...]

    @property
    def as_loaded(self) -> tuple[LoadStop, ...]:
        """The last stop first: what comes off last stands deepest in the van. Doors without goods are left out."""
        return tuple(each for each in reversed(self.stops) if each.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSheet:
    """What goes onto one van for its route in the plan that holds. `sequence` is the route's number and colour."""

    company: str
    day: str
    zone: str
    depot: str
    sequence: int
    vehicle: str
    driver: str
    trips: tuple[LoadTrip, ...]

    @property
    def due(self) -> dict[str, int]:
        """What the driver collects on the whole route, minor units by currency."""
        return _by_currency(stop.due for trip in self.trips for stop in trip.stops)


def _by_currency(sums: Iterable[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in sums:
        for currency, amount in each.items():
            found[currency] = found.get(currency, 0) + amount
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipLine:
    """One line of a slip in base units. The counts of the door are None before anything was reported.

    Of a collection, `delivered` counts what was collected.
    """

    sku: str
    name: str
    unit: str
    quantity: int
    delivered: int | None = None
    short: int = 0
    damaged: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipOrder:
    """The lines of one order, under its own references."""

    number: str
    customer_reference: str
    erp_reference: str
    lines: tuple[SlipLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """The paper of one delivery. `of_door`: (which, of how many) deliveries at the same stop.

    `outcome` is the word of the last report, "" before there is one; `signatures` are files of it by their SHA-256.
    """

    company: str
    phone: str
    email: str
    language: str
    zone: str
    number: str
    direction: str
    customer: str
    site: str
    address: str
    day: str
    vehicle: str
    driver: str
    of_door: tuple[int, int]
    orders: tuple[SlipOrder, ...]
    outcome: str = ""
    is_handed_over: bool = False
    recipient: str = ""
    at: datetime | None = None
    signatures: tuple[str, ...] = ()
    signature_erased: tuple[datetime, str] | None = None
    """When and by whom, where it was signed and the signature is kept no longer."""
    seal: str = ""
    """Hash of the report's event: what a printed slip can be held against."""
    due: Mapping[str, int] = field(default_factory=dict)
    """What is to be paid at the door, minor units by currency; empty once it was reported."""
    paid: Mapping[str, Mapping[PayMethod, int]] = field(default_factory=dict)
    """What was paid there, by currency and method."""


# ---------------------------------------------------------------------------- the load sheet


def load_sheet(connection: Connection, shift_id: int) -> LoadSheet:
    """Raises NotFound when the shift has no route in the plan of its day."""
    store = SqlStore(connection)
    sheet = store.route_sheet(shift_id)
    facts = _product_facts(connection, {line.product_id for each in _deliveries(sheet) for line in each.lines})
    due = due_of(connection, [each.delivery_id for each in _deliveries(sheet)])
    departures = {
        row.sequence: row.departs_at
        for row in connection.execute(
            select(trip.c.sequence, trip.c.departs_at).where(trip.c.route_id == sheet.route_id)
        )
    }
    stops: dict[int, list[LoadStop]] = defaultdict(list)
    for number, each in enumerate(sheet.stops, 1):
        stops[each.trip].append(_load_stop(number, each, facts, due))
    return LoadSheet(
        company=store.company().name,
        day=sheet.day,
        zone=sheet.zone,
        depot=sheet.depot,
        sequence=connection.execute(select(route.c.sequence).where(route.c.id == sheet.route_id)).scalar_one(),
        vehicle=sheet.vehicle,
        driver=sheet.driver,
        trips=tuple(
            LoadTrip(number=number, departs_at=departures[number], stops=tuple(stops[number]))
            for number in sorted(stops)
        ),
    )


def _deliveries(sheet: RouteSheet) -> list[DeliverySheet]:
    return [each for stop_sheet in sheet.stops for each in stop_sheet.deliveries]


def _load_stop(
    number: int, at: StopSheet, facts: dict[int, tuple[int, int | None]], due: Mapping[int, Mapping[str, int]]
) -> LoadStop:
    return LoadStop(
        number=number,
        site=at.site,
        customer=at.customer,
        address=at.address,
        arrival=at.arrival,
        start=at.start,
        notes=at.notes,
        collects=any(each.direction == "collect" for each in at.deliveries),
        deliveries=tuple(
            LoadDelivery(
                number=each.number,
                references=each.references,
                due=due.get(each.delivery_id, {}),
                lines=tuple(
                    LoadLine(
                        sku=line.product_number,
                        name=line.name,
                        unit=line.unit,
                        quantity=line.quantity,
                        case_pack=facts[line.product_id][0],
                        weight_g=facts[line.product_id][1],
                    )
                    for line in each.lines
                ),
            )
            for each in at.deliveries
            if each.direction == "deliver"
        ),
    )


def _product_facts(connection: Connection, product_ids: Collection[int]) -> dict[int, tuple[int, int | None]]:
    rows = connection.execute(
        select(product.c.id, product.c.case_pack, product.c.weight_g).where(product.c.id.in_(product_ids))
    )
    return {row.id: (row.case_pack, row.weight_g) for row in rows}


# ---------------------------------------------------------------------------- the slips


def slips_of_route(connection: Connection, shift_id: int) -> tuple[Slip, ...]:
    """A slip per delivery, in the order of driving. Raises NotFound when the shift has no route."""
    sheet = SqlStore(connection).route_sheet(shift_id)
    return tuple(
        _slip(connection, each.delivery_id, shift_id=shift_id, day=sheet.day, of_door=(which, len(at.deliveries)))
        for at in sheet.stops
        for which, each in enumerate(at.deliveries, 1)
    )


def slip_of(connection: Connection, delivery_id: int) -> Slip:
    """The slip of one delivery, with its van where a plan has given it one. Raises NotFound."""
    placed = connection.execute(
        select(route.c.shift_id, shift.c.day, stop_delivery.c.stop_id)
        .join(trip, trip.c.route_id == route.c.id)
        .join(stop, stop.c.trip_id == trip.c.id)
        .join(stop_delivery, stop_delivery.c.stop_id == stop.c.id)
        .join(shift, shift.c.id == route.c.shift_id)
        .join(
            current_plan,
            (current_plan.c.plan_id == route.c.plan_id)
            & (current_plan.c.depot_id == shift.c.depot_id)
            & (current_plan.c.day == shift.c.day),
        )
        .where(stop_delivery.c.delivery_id == delivery_id)
        .order_by(shift.c.day.desc())
        .limit(1)
    ).first()
    if placed is None:
        return _slip(connection, delivery_id, shift_id=None, day="", of_door=(1, 1))
    here = list(
        connection.scalars(
            select(stop_delivery.c.delivery_id)
            .where(stop_delivery.c.stop_id == placed.stop_id)
            .order_by(stop_delivery.c.sequence)
        )
    )
    return _slip(
        connection,
        delivery_id,
        shift_id=placed.shift_id,
        day=placed.day,
        of_door=(here.index(delivery_id) + 1, len(here)),
    )


def routes_with_papers(connection: Connection, *, day: str) -> tuple[tuple[int, str], ...]:
    """(shift, vehicle) of every route of the plans that hold that day. Raises NotFound when there is none."""
    store = SqlStore(connection)
    shifts = store.routes_of_day(day=day, depot_ids=store.depot_ids())
    if not shifts:
        raise NotFound(f"There is no planned route on {day_words(day)}. Plan the day first.", day=day)
    names = {
        row.id: row.name
        for row in connection.execute(
            select(shift.c.id, vehicle.c.name)
            .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
            .where(shift.c.id.in_(shifts))
        )
    }
    return tuple((shift_id, names[shift_id]) for shift_id in shifts)


def _slip(
    connection: Connection, delivery_id: int, *, shift_id: int | None, day: str, of_door: tuple[int, int]
) -> Slip:
    row = connection.execute(
        select(
            delivery.c.number,
            delivery.c.direction,
            delivery.c.for_day,
            site.c.name.label("site"),
            site.c.address,
            site.c.postcode,
            site.c.city,
            site.c.zone,
            customer.c.name.label("customer"),
            customer.c.language,
            depot.c.zone.label("depot_zone"),
        )
        .join(site, site.c.id == delivery.c.site_id)
        .join(customer, customer.c.id == site.c.customer_id)
        .join(depot, depot.c.id == delivery.c.depot_id)
        .where(delivery.c.id == delivery_id)
    ).first()
    if row is None:
        raise NotFound(f"There is no delivery {delivery_id}.", delivery=delivery_id)
    said = proven(connection, delivery_id) if not day or _was_tried_on(connection, delivery_id, day) else None
    van = _van(connection, shift_id)
    ours = SqlStore(connection).company()
    town = " ".join(filter(None, [row.postcode, row.city]))
    return Slip(
        company=ours.name,
        phone=ours.phone,
        email=ours.email,
        language=row.language,
        zone=row.zone or row.depot_zone,
        number=row.number,
        direction=row.direction,
        customer=row.customer,
        site=row.site,
        address=", ".join(filter(None, [row.address, town])),
        day=day or row.for_day,
        vehicle=van[0],
        driver=said.driver if said else van[1],
        of_door=of_door,
        orders=_orders(connection, delivery_id, counted=said is not None, collects=row.direction == "collect"),
        due={} if said else due_of(connection, [delivery_id]).get(delivery_id, {}),
        paid=_paid(connection, delivery_id) if said else {},
        **_report(said),  # type: ignore[arg-type]
    )


def _paid(connection: Connection, delivery_id: int) -> dict[str, dict[PayMethod, int]]:
    """What was collected with the last report, by currency and method."""
    last = connection.scalar(
        select(proof.c.id).where(proof.c.delivery_id == delivery_id).order_by(proof.c.attempt.desc()).limit(1)
    )
    found = paid_by_proof(connection, [] if last is None else [last])
    paid = added_up(each for of_proof in found.values() for each in of_proof)
    return {currency: methods for currency, (_due, methods) in paid.items() if any(methods.values())}


def _report(said: Proven | None) -> dict[str, object]:
    if said is None:
        return {}
    return {
        "outcome": said.outcome,
        "is_handed_over": said.is_handed_over,
        "recipient": said.recipient,
        "at": said.captured_at,
        "signatures": tuple(each.sha256 for each in said.files if each.kind == "signature"),
        "signature_erased": next(((each.at, each.by) for each in said.erased if each.kind == "signature"), None),
        "seal": said.event_hash,
    }


def _van(connection: Connection, shift_id: int | None) -> tuple[str, str]:
    row = connection.execute(
        select(vehicle.c.name.label("vehicle"), driver.c.name.label("driver"))
        .select_from(shift)
        .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
        .outerjoin(driver, driver.c.id == shift.c.driver_id)
        .where(shift.c.id == shift_id)
    ).first()
    return ("", "") if row is None else (row.vehicle, row.driver or "")


def _was_tried_on(connection: Connection, delivery_id: int, day: str) -> bool:
    """A delivery that failed yesterday gets a slip to sign today."""
    last_day = connection.scalar(
        select(manifest.c.day)
        .join(proof, proof.c.manifest_id == manifest.c.id)
        .where(proof.c.delivery_id == delivery_id)
        .order_by(proof.c.attempt.desc())
        .limit(1)
    )
    return last_day == day


def _orders(connection: Connection, delivery_id: int, *, counted: bool, collects: bool) -> tuple[SlipOrder, ...]:
    """Lines by order, with the counts of the last attempt when `counted`."""
    last = (
        select(proof.c.id)
        .where(proof.c.delivery_id == delivery_id)
        .order_by(proof.c.attempt.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(
            order.c.number.label("order_number"),
            order.c.customer_reference,
            order.c.erp_reference,
            product.c.number,
            product.c.name,
            product.c.unit,
            delivery_line.c.quantity,
            proof_line.c.delivered,
            proof_line.c.short,
            proof_line.c.damaged,
            proof_line.c.refused,
            proof_line.c.collected,
        )
        .select_from(delivery_line)
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .join(order, order.c.id == order_line.c.order_id)
        .join(product, product.c.id == order_line.c.product_id)
        .outerjoin(
            proof_line, (proof_line.c.allocation_id == delivery_line.c.allocation_id) & (proof_line.c.proof_id == last)
        )
        .where(delivery_line.c.delivery_id == delivery_id)
        .order_by(order.c.ordered_at, order.c.id, delivery_line.c.id)
    ).all()
    references: dict[str, tuple[str, str]] = {}
    lines: dict[str, list[SlipLine]] = defaultdict(list)
    for row in rows:
        references[row.order_number] = (row.customer_reference, row.erp_reference)
        lines[row.order_number].append(
            SlipLine(
                sku=row.number,
                name=row.name,
                unit=row.unit,
                quantity=row.quantity,
                delivered=((row.collected if collects else row.delivered) or 0) if counted else None,
                short=row.short or 0,
                damaged=row.damaged or 0,
                refused=row.refused or 0,
            )
        )
    for each in empties_of(connection, [delivery_id])[delivery_id]:
        references.setdefault(each.order_number or "", ("", ""))
        lines[each.order_number or ""].append(
            SlipLine(
                sku=each.number,
                name=each.name,
                unit=each.unit,
                quantity=each.quantity,
                delivered=each.collected if counted else None,
            )
        )
    return tuple(
        SlipOrder(
            number=number,
            customer_reference=references[number][0],
            erp_reference=references[number][1],
            lines=_added_up(each),
        )
        for number, each in lines.items()
    )


def _added_up(lines: Sequence[SlipLine]) -> tuple[SlipLine, ...]:
    """One line a product: units of one order line that came from two receipts are one line to the customer."""
    found: dict[str, SlipLine] = {}
    for line in lines:
        before = found.get(line.sku)
        found[line.sku] = (
            line
            if before is None
            else SlipLine(
                sku=line.sku,
                name=line.name,
                unit=line.unit,
                quantity=before.quantity + line.quantity,
                delivered=None if line.delivered is None else (before.delivered or 0) + line.delivered,
                short=before.short + line.short,
                damaged=before.damaged + line.damaged,
                refused=before.refused + line.refused,
            )
        )
    return tuple(found.values())
