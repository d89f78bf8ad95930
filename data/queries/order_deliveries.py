"""The deliveries of one order: where the plan has each, and what happened at the door."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, func, select

from data.queries.company import user_names
from data.queries.corrections import CorrectionRow, corrections_of
from data.queries.empties import empties_of
from data.queries.paying import paid_by_proof
from data.tables import (
    allocation,
    current_plan,
    delivery,
    delivery_line,
    driver,
    empties_line,
    file,
    order_line,
    product,
    proof,
    proof_file,
    proof_line,
    route,
    shift,
    stop,
    stop_delivery,
    task,
    trip,
    vehicle,
)
from routing.errors import NotFound
from routing.model.payments import Paid
from routing.model.tasks import TaskKind
from routing.rules.door_word import Given, door_word


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where the current plan has a delivery. `stop` counts over the whole route, from 1; `of` is the route's stops."""

    day: str
    plan_state: str
    vehicle: str
    driver: str
    sequence: int
    stop: int
    of: int
    arrival: datetime
    start: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofFile:
    id: int
    kind: str
    media_type: str
    erased_at: datetime | None = None
    erased_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofPage:
    """What happened at the door, one an attempt."""

    id: int
    attempt: int
    outcome: str
    recipient: str
    note: str
    captured_at: datetime
    received_at: datetime
    from_address_m: int | None
    delivered: int
    short: int
    damaged: int
    refused: int
    collected: int
    files: tuple[ProofFile, ...]
    corrections: tuple[CorrectionRow, ...] = ()
    paid: tuple[Paid, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    """A delivery with goods of this order: (units, SKU) of it. `asks_decision`: a person has still to say whether what
    stayed with us is credited, cancelled or delivered again."""

    id: int
    number: str
    direction: str
    state: str
    for_day: str
    attempts: int
    waits_for: str
    goods: tuple[tuple[int, str, str], ...]
    placed: Placed | None
    proofs: tuple[ProofPage, ...]
    asks_decision: bool

    @property
    def word(self) -> str:
        """Its state; of one that is over and handed nothing over, what it is called instead."""
        if self.is_collection:
            return self.state
        return door_word(
            self.state,
            Given(
                given=sum(each.delivered + each.collected for each in self.proofs),
                refused=sum(each.refused for each in self.proofs),
                missed=sum(each.short + each.damaged for each in self.proofs),
            ),
        )

    @property
    def is_collection(self) -> bool:
        return self.direction == "collect"

    @property
    def is_planned(self) -> bool:
        """It is in a route that it still takes. After a failed try it is in that route no more: not when it goes out on
        another day, and not when somebody has to say first whether it does."""
        return (
            self.placed is not None
            and self.state in ("released", "loaded", "dispatched", "under_way")
            and self.placed.plan_state != "closed"
            and (self.state != "released" or (not self.waits_for and self.placed.day >= self.for_day))
        )


def deliveries_of(connection: Connection, order_id: int) -> tuple[DeliveryPage, ...]:
    """Every delivery that has or had goods of the order, newest first."""
    goods: dict[int, list[tuple[int, str, str]]] = defaultdict(list)
    for row in connection.execute(
        select(
            delivery_line.c.delivery_id,
            func.sum(delivery_line.c.quantity).label("units"),
            product.c.number,
            product.c.name,
        )
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .join(product, product.c.id == order_line.c.product_id)
        .where(order_line.c.order_id == order_id)
        .group_by(delivery_line.c.delivery_id, order_line.c.id, product.c.number, product.c.name)
        .order_by(order_line.c.id)
    ):
        goods[row.delivery_id].append((int(row.units), row.number, row.name))
    fetched = connection.scalars(select(empties_line.c.delivery_id).where(empties_line.c.order_id == order_id)).all()
    empties = empties_of(connection, fetched)
    for delivery_id, mine in empties.items():
        goods[delivery_id] += [(each.quantity, each.number, each.name) for each in mine]
    ids = sorted(goods)
    placed, proofs = placed_deliveries(connection, ids), _proofs(connection, ids)
    for delivery_id, mine in empties.items():
        if proofs[delivery_id]:
            last = proofs[delivery_id][-1]
            more = sum(each.collected for each in mine)
            proofs[delivery_id][-1] = replace(last, collected=last.collected + more)
    decide = set(
        connection.scalars(
            select(task.c.subject_id).where(
                task.c.kind == TaskKind.DOOR_DECISION.value,
                task.c.subject_kind == "delivery",
                task.c.subject_id.in_(ids),
                task.c.done_at.is_(None),
            )
        )
    )
    rows = connection.execute(select(delivery).where(delivery.c.id.in_(ids)).order_by(delivery.c.id.desc()))
    return tuple(
        DeliveryPage(
            id=row.id,
            number=row.number,
            direction=row.direction,
            state=row.state,
            for_day=row.for_day,
            attempts=row.attempts,
            waits_for=row.waits_for,
            goods=tuple(goods[row.id]),
            placed=placed.get(row.id),
            proofs=tuple(proofs[row.id]),
            asks_decision=row.id in decide,
        )
        for row in rows
    )


def placed_deliveries(connection: Connection, delivery_ids: list[int]) -> dict[int, Placed]:
    """Where the plans that hold now have these deliveries; of several days the latest. Who is in none is missing."""
    if not delivery_ids:
        return {}
    mine = (
        select(route.c.id)
        .join(current_plan, current_plan.c.plan_id == route.c.plan_id)
        .join(shift, (shift.c.id == route.c.shift_id) & (shift.c.depot_id == current_plan.c.depot_id))
        .join(trip, trip.c.route_id == route.c.id)
        .join(stop, stop.c.trip_id == trip.c.id)
        .join(stop_delivery, stop_delivery.c.stop_id == stop.c.id)
        .where(stop_delivery.c.delivery_id.in_(delivery_ids))
    )
    stops: dict[int, list[int]] = defaultdict(list)
    for row in connection.execute(
        select(trip.c.route_id, stop.c.id)
        .join(trip, trip.c.id == stop.c.trip_id)
        .where(trip.c.route_id.in_(mine))
        .order_by(trip.c.route_id, trip.c.sequence, stop.c.sequence)
    ):
        stops[row.route_id].append(row.id)
    query = (
        select(
            stop_delivery.c.delivery_id,
            current_plan.c.day,
            current_plan.c.state,
            vehicle.c.name.label("vehicle"),
            driver.c.name.label("driver"),
            route.c.sequence,
            route.c.id.label("route_id"),
            stop.c.id.label("stop_id"),
            stop.c.arrival,
            stop.c.start,
        )
        .join(stop, stop.c.id == stop_delivery.c.stop_id)
        .join(trip, trip.c.id == stop.c.trip_id)
        .join(route, route.c.id == trip.c.route_id)
        .join(shift, shift.c.id == route.c.shift_id)
        .join(
            current_plan,
            (current_plan.c.plan_id == route.c.plan_id) & (current_plan.c.depot_id == shift.c.depot_id),
        )
        .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
        .outerjoin(driver, driver.c.id == shift.c.driver_id)
        .where(stop_delivery.c.delivery_id.in_(delivery_ids))
        .order_by(current_plan.c.day)
    )
    return {
        row.delivery_id: Placed(
            day=row.day,
            plan_state=row.state,
            vehicle=row.vehicle,
            driver=row.driver or "",
            sequence=row.sequence,
            stop=stops[row.route_id].index(row.stop_id) + 1,
            of=len(stops[row.route_id]),
            arrival=row.arrival,
            start=row.start,
        )
        for row in connection.execute(query)
    }


def _proofs(connection: Connection, delivery_ids: list[int]) -> dict[int, list[ProofPage]]:
    files: dict[int, list[ProofFile]] = defaultdict(list)
    names = user_names(connection)
    for row in connection.execute(
        select(
            proof_file.c.proof_id,
            proof_file.c.kind,
            proof_file.c.erased_at,
            proof_file.c.erased_by,
            file.c.id,
            file.c.media_type,
        )
        .join(file, file.c.id == proof_file.c.file_id)
        .join(proof, proof.c.id == proof_file.c.proof_id)
        .where(proof.c.delivery_id.in_(delivery_ids))
        .order_by(proof_file.c.id)
    ):
        files[row.proof_id].append(
            ProofFile(
                id=row.id,
                kind=row.kind,
                media_type=row.media_type,
                erased_at=row.erased_at,
                erased_by=names.get(row.erased_by, row.erased_by),
            )
        )
    query = (
        select(
            proof,
            *(
                func.coalesce(func.sum(proof_line.c[name]), 0).label(f"units_{name}")
                for name in ("delivered", "short", "damaged", "refused", "collected")
            ),
        )
        .outerjoin(proof_line, proof_line.c.proof_id == proof.c.id)
        .where(proof.c.delivery_id.in_(delivery_ids))
        .group_by(*proof.c)
        .order_by(proof.c.attempt)
    )
    found: dict[int, list[ProofPage]] = defaultdict(list)
    rows = connection.execute(query).all()
    corrections = corrections_of(connection, [row.id for row in rows])
    paid = paid_by_proof(connection, [row.id for row in rows])
    for row in rows:
        found[row.delivery_id].append(
            ProofPage(
                id=row.id,
                attempt=row.attempt,
                outcome=row.outcome,
                recipient=row.recipient,
                note=row.note,
                captured_at=row.captured_at,
                received_at=row.received_at,
                from_address_m=row.from_address_m,
                delivered=int(row.units_delivered),
                short=int(row.units_short),
                damaged=int(row.units_damaged),
                refused=int(row.units_refused),
                collected=int(row.units_collected),
                files=tuple(files[row.id]),
                corrections=corrections.get(row.id, ()),
                paid=paid.get(row.id, ()),
            )
        )
    return found


def proof_file_of(connection: Connection, proof_id: int, file_id: int) -> tuple[str, str]:
    """The SHA-256 and media type of a file that belongs to this proof. Raises NotFound, also when it was erased."""
    row = connection.execute(
        select(file.c.sha256, file.c.media_type, proof_file.c.erased_at)
        .join(proof_file, proof_file.c.file_id == file.c.id)
        .where(proof_file.c.proof_id == proof_id, file.c.id == file_id)
    ).first()
    if row is None or row.erased_at is not None:
        raise NotFound("This proof has no such file, or it was erased.", proof=proof_id, file=file_id)
    return row.sha256, row.media_type
