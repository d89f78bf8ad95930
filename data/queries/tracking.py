"""What a customer may see: when it comes, and what was handed over. Never gate codes, cash or another door's photos."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from data.queries.company import user_names
from data.queries.empties import empties_of
from data.queries.lost import lost_units
from data.queries.needs import is_held
from data.store.proofs import ProofStore
from data.tables import (
    allocation,
    customer,
    delivery,
    delivery_line,
    depot,
    driver,
    event,
    file,
    manifest,
    order,
    order_line,
    position,
    product,
    proof,
    proof_file,
    proof_line,
    region,
    shift,
    site,
    stop,
    stop_delivery,
    task,
    trip,
    vehicle,
)
from routing.errors import NotFound
from routing.model.proofs import HANDED_OVER, ManifestInHand, Outcome
from routing.model.tasks import TaskKind
from routing.rules.door_word import NOT_DELIVERED, REFUSED, Given, door_word
from routing.rules.progress import forecast, told_live

ON_A_VAN = ("loaded", "dispatched", "under_way")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedLine:
    product: str
    unit: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VanPosition:
    lat: float
    lon: float
    captured_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """One door as its customer sees it.

    `stage`: being_prepared, planned (the van has not left), under_way, next, at_the_door, delivered, refused (nothing
    of it was accepted), failed.
    `window` is what they are told: live once the van has left, else the last promise. `van` only once they are next.
    `is_fetched`: a collection, so that `lines` are fetched, not brought; of a delivery, `fetched` is what the van takes
    along from the same door. `calls`: nothing goes on before we have talked with the customer. `on_hold`: an order of
    it is on hold or waits for its payment, and no day is told.
    """

    delivery_id: int
    stage: str
    language: str
    zone: str
    site: str
    address: str
    lat: float | None
    lon: float | None
    day: str
    window: tuple[datetime, datetime] | None
    stops_away: int | None
    driver: str
    vehicle: str
    region: str
    van: VanPosition | None
    references: tuple[str, ...]
    lines: tuple[TrackedLine, ...]
    next_day: str
    calls: bool
    on_hold: bool
    is_fetched: bool
    fetched: tuple[TrackedLine, ...]


def tracked(connection: Connection, delivery_id: int, *, now: datetime) -> Tracked:
    """Raises NotFound."""
    row = connection.execute(
        select(
            delivery.c.id,
            delivery.c.state,
            delivery.c.for_day,
            delivery.c.waits_for,
            delivery.c.direction,
            site.c.name.label("site"),
            site.c.address,
            site.c.lat,
            site.c.lon,
            site.c.zone,
            customer.c.language,
            depot.c.zone.label("depot_zone"),
            region.c.name.label("region"),
        )
        .join(site, site.c.id == delivery.c.site_id)
        .join(customer, customer.c.id == site.c.customer_id)
        .join(depot, depot.c.id == delivery.c.depot_id)
        .outerjoin(region, region.c.id == depot.c.region_id)
        .where(delivery.c.id == delivery_id)
    ).first()
    if row is None:
        raise NotFound("This delivery is not known any more.", delivery=delivery_id)
    store = ProofStore(connection)
    zone = row.zone or row.depot_zone
    found = _riding(connection, delivery_id)
    fetched: list[int] = []
    stage, window, stops_away, van, who = "being_prepared", None, None, None, ("", "")
    if row.state == "done":
        stage = _ended(connection, delivery_id)
    elif row.state == "failed":
        stage = "failed"
    elif found is not None and (inforce := _carrying(store, found, delivery_id, row.state)) is not None:
        stage, window, stops_away = _stage(store, inforce, delivery_id, now=now)
        who = _who(connection, inforce)
        fetched = _fetched_at(
            connection, next((s.deliveries for s in inforce.stops if delivery_id in s.deliveries), ())
        )
        if stage == "next":
            van = _last_position(connection, inforce.shift_id)
    return Tracked(
        delivery_id=delivery_id,
        stage=stage,
        language=row.language,
        zone=zone,
        site=row.site,
        address=row.address,
        lat=row.lat,
        lon=row.lon,
        day=row.for_day,
        window=window,
        stops_away=stops_away,
        driver=who[0],
        vehicle=who[1],
        region=row.region or "",
        van=van,
        references=_references(connection, delivery_id),
        lines=_lines(connection, [delivery_id]),
        next_day=row.for_day if row.state == "failed" and not row.waits_for else "",
        calls=row.waits_for in ("customer", "decision") or _asks_decision(connection, delivery_id),
        on_hold=row.state == "released" and row.direction == "deliver" and _is_held(connection, delivery_id),
        is_fetched=row.direction == "collect",
        fetched=_lines(connection, fetched) if row.direction == "deliver" else (),
    )


def _ended(connection: Connection, delivery_id: int) -> str:
    """The stage of a delivery that is over: whether anything of it changed hands."""
    sums = connection.execute(
        select(
            func.coalesce(func.sum(proof_line.c.delivered + proof_line.c.collected), 0).label("given"),
            func.coalesce(func.sum(proof_line.c.refused), 0).label("refused"),
            func.coalesce(func.sum(proof_line.c.short + proof_line.c.damaged), 0).label("missed"),
        )
        .join(proof, proof.c.id == proof_line.c.proof_id)
        .where(proof.c.delivery_id == delivery_id)
    ).one()
    units = Given(given=sums.given, refused=sums.refused, missed=sums.missed)
    return {"done": "delivered", REFUSED: "refused", NOT_DELIVERED: "failed"}[door_word("done", units)]


def _asks_decision(connection: Connection, delivery_id: int) -> bool:
    """Whether a person of ours has still to decide about it."""
    return (
        connection.scalar(
            select(task.c.id)
            .where(
                task.c.kind == TaskKind.DOOR_DECISION.value,
                task.c.subject_kind == "delivery",
                task.c.subject_id == delivery_id,
                task.c.done_at.is_(None),
            )
            .limit(1)
        )
        is not None
    )


def _is_held(connection: Connection, delivery_id: int) -> bool:
    held = (
        select(order.c.id)
        .join(order_line, order_line.c.order_id == order.c.id)
        .join(allocation, allocation.c.order_line_id == order_line.c.id)
        .join(delivery_line, delivery_line.c.allocation_id == allocation.c.id)
        .join(customer, customer.c.id == order.c.customer_id)
        .where(delivery_line.c.delivery_id == delivery_id, is_held())
        .limit(1)
    )
    return connection.scalar(held) is not None


def _riding(connection: Connection, delivery_id: int) -> int | None:
    """The newest manifest of a route that has this delivery."""
    return connection.execute(
        select(func.max(manifest.c.id))
        .join(trip, trip.c.route_id == manifest.c.route_id)
        .join(stop, stop.c.trip_id == trip.c.id)
        .join(stop_delivery, stop_delivery.c.stop_id == stop.c.id)
        .where(stop_delivery.c.delivery_id == delivery_id)
    ).scalar()


def _carrying(store: ProofStore, manifest_id: int, delivery_id: int, state: str) -> ManifestInHand | None:
    """The list in force that brings it: on the van, or with a later trip, for which the van comes back."""
    if state not in (*ON_A_VAN, "released"):
        return None
    inforce = store.manifest_in_hand(manifest_id)
    later = any(stop.trip > 1 and delivery_id in stop.deliveries for stop in inforce.stops)
    return inforce if state in ON_A_VAN or (later and delivery_id not in inforce.ended) else None


def _has_left(inforce: ManifestInHand, trip: int, now: datetime) -> bool:
    """Whether the van is on its way with this trip: with a later one it is once that is loaded."""
    if trip > 1:
        return any(stop.trip == trip and stop.stop_id in inforce.facts for stop in inforce.stops) or any(
            stop.trip == trip and stop.reload is not None and stop.reload.loaded_at is not None
            for stop in inforce.stops
        )
    return bool(inforce.facts) or now >= inforce.departs_at


def _stage(
    store: ProofStore, inforce: ManifestInHand, delivery_id: int, *, now: datetime
) -> tuple[str, tuple[datetime, datetime] | None, int | None]:
    mine = next((stop for stop in inforce.stops if delivery_id in stop.deliveries), None)
    if mine is None:  # moved to another van, which has not been dispatched
        return "being_prepared", None, None
    told = store.doors(inforce.id, [mine.stop_id])[mine.stop_id].told
    etas = forecast(inforce.stops, inforce.facts, departs_at=inforce.departs_at, now=now)
    eta = next((each for each in etas if each.stop_id == mine.stop_id), None)
    if eta is None:
        return "under_way", told, None
    if not _has_left(inforce, mine.trip, now):
        return "planned", told or told_live(eta), None
    if eta.stops_away == 0:
        return "at_the_door", None, 0
    return "next" if eta.stops_away == 1 else "under_way", told_live(eta), eta.stops_away


def _who(connection: Connection, inforce: ManifestInHand) -> tuple[str, str]:
    row = connection.execute(
        select(driver.c.name, vehicle.c.name.label("vehicle"))
        .select_from(shift)
        .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
        .join(driver, driver.c.id == inforce.driver_id)
        .where(shift.c.id == inforce.shift_id)
    ).one()
    return row.name, row.vehicle


def _last_position(connection: Connection, shift_id: int) -> VanPosition | None:
    row = connection.execute(
        select(position.c.lat, position.c.lon, position.c.captured_at)
        .where(position.c.shift_id == shift_id)
        .order_by(position.c.captured_at.desc())
        .limit(1)
    ).first()
    return None if row is None else VanPosition(lat=row.lat, lon=row.lon, captured_at=row.captured_at)


def _references(connection: Connection, delivery_id: int) -> tuple[str, ...]:
    rows = connection.execute(
        select(order.c.number, order.c.customer_reference)
        .join(order_line, order_line.c.order_id == order.c.id)
        .join(allocation, allocation.c.order_line_id == order_line.c.id)
        .join(delivery_line, delivery_line.c.allocation_id == allocation.c.id)
        .where(delivery_line.c.delivery_id == delivery_id)
        .distinct()
        .order_by(order.c.number)
    )
    return tuple(row.customer_reference or row.number for row in rows)


def _fetched_at(connection: Connection, deliveries: Iterable[int]) -> list[int]:
    """Which of these a van is still to fetch."""
    query = select(delivery.c.id).where(
        delivery.c.id.in_(list(deliveries)), delivery.c.direction == "collect", delivery.c.state.in_(ON_A_VAN)
    )
    return list(connection.scalars(query))


def _lines(connection: Connection, delivery_ids: Collection[int]) -> tuple[TrackedLine, ...]:
    rows = connection.execute(
        select(product.c.name, product.c.unit, func.sum(delivery_line.c.quantity).label("quantity"))
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .join(product, product.c.id == order_line.c.product_id)
        .where(delivery_line.c.delivery_id.in_(delivery_ids))
        .group_by(product.c.id, product.c.name, product.c.unit)
        .order_by(product.c.name)
    )
    lines = [TrackedLine(product=row.name, unit=row.unit, quantity=row.quantity) for row in rows]
    for mine in empties_of(connection, delivery_ids).values():
        lines += [TrackedLine(product=each.name, unit=each.unit, quantity=each.quantity) for each in mine]
    return tuple(lines)


# ---------------------------------------------------------------------------- the proof


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenLine:
    product: str
    unit: str
    loaded: int
    delivered: int
    short: int
    damaged: int
    refused: int
    collected: int
    is_fetched: bool  # it belongs to a collection: nothing of it was brought


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenFile:
    sha256: str
    kind: str
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedFiles:
    """The photos, or the signatures, that a proof had and lost at that moment; `by`: a name, or the actor's word."""

    kind: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What happened at the door, as one report said it: every delivery of that report."""

    event_id: int
    event_hash: str
    outcome: str
    is_handed_over: bool
    recipient: str
    note: str
    captured_at: datetime
    received_at: datetime
    from_address_m: int | None
    zone: str
    language: str
    site: str
    address: str
    driver: str
    numbers: tuple[str, ...]
    references: tuple[str, ...]
    lines: tuple[ProvenLine, ...]
    files: tuple[ProvenFile, ...]
    erased: tuple[ErasedFiles, ...] = ()

    @property
    def is_fetched(self) -> bool:
        """Nothing was brought: the van only fetched."""
        return all(line.is_fetched for line in self.lines)


def proven(connection: Connection, delivery_id: int) -> Proven | None:
    """The latest report about this delivery, with the other deliveries that it was about; None before there is one."""
    last = connection.execute(
        select(proof.c.event_id).where(proof.c.delivery_id == delivery_id).order_by(proof.c.attempt.desc()).limit(1)
    ).first()
    if last is None:
        return None
    rows = connection.execute(
        select(
            proof.c.id,
            proof.c.delivery_id,
            proof.c.outcome,
            proof.c.recipient,
            proof.c.note,
            proof.c.captured_at,
            proof.c.received_at,
            proof.c.from_address_m,
            delivery.c.number,
            site.c.name.label("site"),
            site.c.address,
            site.c.zone,
            depot.c.zone.label("depot_zone"),
            customer.c.language,
            driver.c.name.label("driver"),
            event.c.hash,
        )
        .join(event, event.c.id == proof.c.event_id)
        .join(delivery, delivery.c.id == proof.c.delivery_id)
        .join(site, site.c.id == proof.c.site_id)
        .join(customer, customer.c.id == site.c.customer_id)
        .join(depot, depot.c.id == delivery.c.depot_id)
        .join(manifest, manifest.c.id == proof.c.manifest_id)
        .join(driver, driver.c.id == manifest.c.driver_id)
        .where(proof.c.event_id == last.event_id)
        .order_by(proof.c.id)
    ).all()
    asked = next(row for row in rows if row.delivery_id == delivery_id)
    ids = [row.id for row in rows]
    return Proven(
        event_id=last.event_id,
        event_hash=asked.hash,
        outcome=asked.outcome,
        is_handed_over=Outcome(asked.outcome) in HANDED_OVER,
        recipient=asked.recipient,
        note=asked.note,
        captured_at=asked.captured_at,
        received_at=asked.received_at,
        from_address_m=asked.from_address_m,
        zone=asked.zone or asked.depot_zone,
        language=asked.language,
        site=asked.site,
        address=asked.address,
        driver=asked.driver,
        numbers=tuple(row.number for row in rows),
        references=tuple(dict.fromkeys(each for row in rows for each in _references(connection, row.delivery_id))),
        lines=_proven_lines(connection, ids),
        files=_proven_files(connection, ids),
        erased=_erased(connection, ids),
    )


def _proven_lines(connection: Connection, proof_ids: list[int]) -> tuple[ProvenLine, ...]:
    """What was counted; of an attempt that counted nothing, what stayed on the van. What was lost later was sent."""
    lost = _lost_since(connection, proof_ids)
    rows = connection.execute(
        select(
            proof.c.id,
            delivery_line.c.allocation_id,
            product.c.name,
            product.c.unit,
            delivery_line.c.quantity,
            proof_line.c.delivered,
            proof_line.c.short,
            proof_line.c.damaged,
            proof_line.c.refused,
            proof_line.c.collected,
            delivery.c.direction,
        )
        .select_from(proof)
        .join(delivery, delivery.c.id == proof.c.delivery_id)
        .join(delivery_line, delivery_line.c.delivery_id == proof.c.delivery_id)
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .join(product, product.c.id == order_line.c.product_id)
        .outerjoin(
            proof_line,
            (proof_line.c.proof_id == proof.c.id) & (proof_line.c.allocation_id == delivery_line.c.allocation_id),
        )
        .where(proof.c.id.in_(proof_ids))
        .order_by(proof.c.id, delivery_line.c.id)
    )
    proven = [
        ProvenLine(
            product=row.name,
            unit=row.unit,
            loaded=row.quantity + (gone.quantity if (gone := lost.pop((row.id, row.allocation_id), None)) else 0),
            delivered=row.delivered or 0,
            short=row.short or 0,
            damaged=row.damaged or 0,
            refused=row.refused or 0,
            collected=row.collected or 0,
            is_fetched=row.direction == "collect",
        )
        for row in rows
    ]
    proven += [
        ProvenLine(
            product=gone.name,
            unit=gone.unit,
            loaded=gone.quantity,
            delivered=0,
            short=0,
            damaged=0,
            refused=0,
            collected=0,
            is_fetched=False,
        )
        for gone in lost.values()
    ]
    deliveries = connection.scalars(select(proof.c.delivery_id).where(proof.c.id.in_(proof_ids))).all()
    for mine in empties_of(connection, deliveries).values():
        proven += [
            ProvenLine(
                product=each.name,
                unit=each.unit,
                loaded=each.quantity,
                delivered=0,
                short=0,
                damaged=0,
                refused=0,
                collected=each.collected,
                is_fetched=True,
            )
            for each in mine
        ]
    return tuple(proven)


def _lost_since(connection: Connection, proof_ids: list[int]) -> dict[tuple[int, int], Any]:
    """By proof and allocation, what was lost in a van after that attempt; of a line of which nothing is left, too."""
    lost = lost_units()
    rows = connection.execute(
        select(
            proof.c.id,
            lost.c.allocation_id,
            product.c.name,
            product.c.unit,
            func.sum(lost.c.quantity).label("quantity"),
        )
        .select_from(proof)
        .join(lost, (lost.c.delivery_id == proof.c.delivery_id) & (lost.c.attempt >= proof.c.attempt))
        .join(allocation, allocation.c.id == lost.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .join(product, product.c.id == order_line.c.product_id)
        .where(proof.c.id.in_(proof_ids))
        .group_by(proof.c.id, lost.c.allocation_id, product.c.name, product.c.unit)
        .order_by(proof.c.id, lost.c.allocation_id)
    )
    return {(row.id, row.allocation_id): row for row in rows}


def _proven_files(connection: Connection, proof_ids: list[int]) -> tuple[ProvenFile, ...]:
    rows = connection.execute(
        select(file.c.sha256, proof_file.c.kind, file.c.media_type)
        .join(file, file.c.id == proof_file.c.file_id)
        .where(proof_file.c.proof_id.in_(proof_ids), proof_file.c.erased_at.is_(None))
        .distinct()
        .order_by(proof_file.c.kind.desc(), file.c.sha256)
    )
    return tuple(ProvenFile(sha256=row.sha256, kind=row.kind, media_type=row.media_type) for row in rows)


def _erased(connection: Connection, proof_ids: list[int]) -> tuple[ErasedFiles, ...]:
    """One a kind, where no proof of this report has it any more: the last that was erased."""
    names = user_names(connection)
    query = (
        select(proof_file.c.kind, proof_file.c.erased_at, proof_file.c.erased_by)
        .where(proof_file.c.proof_id.in_(proof_ids))
        .order_by(proof_file.c.erased_at)
    )
    last: dict[str, ErasedFiles] = {}
    there: set[str] = set()
    for row in connection.execute(query):
        if row.erased_at is None:
            there.add(row.kind)
        else:
            last[row.kind] = ErasedFiles(kind=row.kind, at=row.erased_at, by=names.get(row.erased_by, row.erased_by))
    return tuple(last[kind] for kind in sorted(last.keys() - there, reverse=True))
