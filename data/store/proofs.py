"""The store's part for what happened at the door."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from types import MappingProxyType
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select, update

from data.queries.empties import empties_of
from data.queries.needs import newest_promise
from data.queries.paying import asks_of
from data.store.carrying import CarryingStore
from data.store.orders import expect_on_the_day_of
from data.tables import (
    allocation,
    cash_entry,
    company,
    customer,
    delivery,
    delivery_line,
    depot,
    empties_line,
    event,
    manifest,
    order,
    order_line,
    plan,
    position,
    product,
    promise,
    proof,
    proof_file,
    proof_line,
    route,
    shift,
    site,
    stop,
    stop_delivery,
    trip,
    vehicle,
)
from routing.errors import Conflict, NotFound
from routing.model.payments import Paid
from routing.model.places import Location
from routing.model.proofs import (
    Door,
    DoorDelivery,
    DoorReport,
    LoadedLine,
    ManifestInHand,
    PlannedTimes,
    Reload,
    SpeedSpan,
    StopFacts,
)
from routing.rules.calendars import span
from routing.rules.door import Settled

_AT_THE_DOOR = ("done", "failed")


class ProofStore(CarryingStore):
    # ------------------------------------------------------------------ the route in the driver's hand

    def manifest_in_hand(self, manifest_id: int, *, lock: bool = False) -> ManifestInHand:
        """The manifest in force of the shift that this manifest is of: after a change on the road that is a newer one.

        `lock`: other reports of this shift wait until this transaction ends. Raises NotFound.
        """
        given = self.connection.execute(select(manifest.c.shift_id).where(manifest.c.id == manifest_id)).first()
        if given is None:
            raise NotFound(f"There is no manifest {manifest_id}.", manifest=manifest_id)
        if lock:
            # Events about the shift may still be written: who holds the chain of events waits for no van.
            mine = select(shift.c.id).where(shift.c.id == given.shift_id)
            self.connection.execute(mine.with_for_update(key_share=True))
        row = self.connection.execute(
            select(
                manifest.c.id,
                manifest.c.version,
                manifest.c.day,
                manifest.c.shift_id,
                manifest.c.driver_id,
                manifest.c.plan_id,
                manifest.c.route_id,
                shift.c.vehicle_id,
                shift.c.depot_id,
                shift.c.state,
                vehicle.c.name.label("vehicle"),
                depot.c.zone,
                route.c.starts_at,
                route.c.ends_at,
            )
            .join(shift, shift.c.id == manifest.c.shift_id)
            .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
            .join(depot, depot.c.id == shift.c.depot_id)
            .join(route, route.c.id == manifest.c.route_id)
            .where(manifest.c.shift_id == given.shift_id)
            .order_by(manifest.c.version.desc())
            .limit(1)
        ).one()
        trips = self.connection.execute(
            select(
                func.min(trip.c.departs_at).label("departs_at"), func.max(trip.c.returns_at).label("returns_at")
            ).where(trip.c.route_id == row.route_id)
        ).one()
        turn = self.turn_of(row.shift_id)
        stops = self._planned_times(row.route_id, row.shift_id, turn)
        riding = [each for planned in stops for each in planned.deliveries]
        ended = self._ended(turn, riding)
        noted = self.noted(turn, set(riding) - ended.keys())
        if noted:  # this driver has said what there is to say of it, as long as another van has or takes it
            noted = {key: noted[key] for key in self.with_other_vans(row.shift_id, noted)}
        ours = self.connection.execute(select(company.c.name, company.c.phone).limit(1)).first()
        return ManifestInHand(
            id=row.id,
            version=row.version,
            day=row.day,
            zone=row.zone,
            shift_id=row.shift_id,
            vehicle_id=row.vehicle_id,
            vehicle=row.vehicle,
            depot_id=row.depot_id,
            driver_id=row.driver_id,
            plan_id=row.plan_id,
            departs_at=trips.departs_at or row.starts_at,
            returns_at=trips.returns_at or row.ends_at,
            stops=stops,
            facts=self._facts(turn, stops, ended | noted),
            ended=frozenset(ended | noted),
            noted=frozenset(noted),
            counted=row.state == "closed",
            company=ours.name if ours else "",
            phone=ours.phone if ours else "",
        )

    def _planned_times(self, route_id: int, shift_id: int, turn: Collection[int]) -> tuple[PlannedTimes, ...]:
        every = self.connection.execute(
            select(
                stop.c.id,
                stop.c.site_id,
                stop.c.arrival,
                stop.c.start,
                stop.c.departure,
                stop.c.travel_s,
                stop.c.windows,
                stop_delivery.c.delivery_id,
                delivery.c.state,
                trip.c.sequence.label("trip"),
            )
            .join(trip, trip.c.id == stop.c.trip_id)
            .join(stop_delivery, stop_delivery.c.stop_id == stop.c.id)
            .join(delivery, delivery.c.id == stop_delivery.c.delivery_id)
            # What was taken back, or of which nothing was found on the shelf, is not brought after all.
            .where(trip.c.route_id == route_id, delivery.c.state != "unreleased")
            .order_by(trip.c.sequence, stop.c.sequence, stop_delivery.c.sequence)
        ).all()
        # Nor is what another van handed over, or tried to.
        over = self.ended_elsewhere(turn, [row.delivery_id for row in every if row.state in _AT_THE_DOOR])
        rows = [row for row in every if row.delivery_id not in over]
        riding: dict[int, list[int]] = defaultdict(list)
        in_trip: dict[int, list[int]] = defaultdict(list)
        first: dict[int, int] = {}
        for row in rows:
            riding[row.id].append(row.delivery_id)
            in_trip[row.trip].append(row.delivery_id)
            first.setdefault(row.trip, row.id)
        reloads = self._reloads(route_id, shift_id, turn, in_trip) if len(in_trip) > 1 else {}
        speeds = self._speeds_of(route_id)
        times = {
            row.id: PlannedTimes(
                stop_id=row.id,
                site_id=row.site_id,
                deliveries=tuple(riding[row.id]),
                arrival=row.arrival,
                start=row.start,
                departure=row.departure,
                travel_s=row.travel_s,
                speeds=speeds,
                trip=row.trip,
                reload=reloads.get(row.trip) if row.id == first[row.trip] else None,
                windows=tuple(
                    (datetime.fromisoformat(opens), datetime.fromisoformat(closes))
                    for opens, closes in row.windows or ()
                ),
            )
            for row in rows
        }
        return tuple(times.values())

    def _speeds_of(self, route_id: int) -> tuple[SpeedSpan, ...]:
        """The slices of the day that the plan was timed with, for the vehicle of this route."""
        row = self.connection.execute(
            select(plan.c.speeds, vehicle.c.profile)
            .join(route, route.c.plan_id == plan.c.id)
            .join(shift, shift.c.id == route.c.shift_id)
            .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
            .where(route.c.id == route_id)
        ).one()
        return tuple(
            SpeedSpan(begins=datetime.fromisoformat(begins), ends=datetime.fromisoformat(ends), factor=factor)
            for profile, begins, ends, factor in row.speeds or ()
            if profile == row.profile
        )

    def _reloads(
        self, route_id: int, shift_id: int, turn: Collection[int], in_trip: Mapping[int, Sequence[int]]
    ) -> dict[int, Reload]:
        """What comes at the depot before each trip after the first."""
        planned = self.connection.execute(select(route.c.breaks).where(route.c.id == route_id)).scalar_one()
        breaks = tuple(
            (datetime.fromisoformat(each["starts_at"]), datetime.fromisoformat(each["ends_at"])) for each in planned
        )
        said = {
            data["trip"]
            for data in self.connection.scalars(
                select(event.c.data).where(event.c.shift_id.in_(turn), event.c.kind == "trip.loaded")
            )
        }
        trips = self.connection.execute(
            select(trip.c.sequence, trip.c.departs_at, trip.c.returns_at, vehicle.c.reload_minutes)
            .join_from(trip, route, route.c.id == trip.c.route_id)
            .join(shift, shift.c.id == route.c.shift_id)
            .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
            .where(trip.c.route_id == route_id)
            .order_by(trip.c.sequence)
        ).all()
        return {
            after.sequence: Reload(
                back_at=before.returns_at,
                takes=timedelta(minutes=after.reload_minutes),
                leaves_at=after.departs_at,
                loaded_at=self._loaded_at(shift_id, turn, in_trip[after.sequence]),
                driver_said=after.sequence in said,
                breaks=breaks,
            )
            for before, after in pairwise(trips)
            if after.sequence in in_trip
        }

    def _loaded_at(self, shift_id: int, turn: Collection[int], delivery_ids: Sequence[int]) -> datetime | None:
        """When the last of these was loaded for this van; None while one of them waits for it. What another van has or
        takes does not, nor what the driver left behind."""
        apart = self.with_other_vans(shift_id, delivery_ids).keys() | self._ended(turn, delivery_ids).keys()
        waiting = self.connection.scalar(
            select(func.count()).where(delivery.c.id.in_(set(delivery_ids) - apart), delivery.c.state == "released")
        )
        if waiting:
            return None
        return self.connection.scalar(
            select(event.c.captured_at)
            .where(event.c.kind == "loaded", event.c.delivery_id.in_(delivery_ids), event.c.shift_id.in_(turn))
            .order_by(event.c.captured_at.desc())
            .limit(1)
        )

    def _ended(self, shift_ids: Collection[int], delivery_ids: Collection[int]) -> dict[int, datetime]:
        """When each of these deliveries was reported on these shifts."""
        rows = self.connection.execute(
            select(proof.c.delivery_id, func.max(proof.c.captured_at).label("at"))
            .join(manifest, manifest.c.id == proof.c.manifest_id)
            .where(manifest.c.shift_id.in_(shift_ids), proof.c.delivery_id.in_(delivery_ids))
            .group_by(proof.c.delivery_id)
        )
        return {row.delivery_id: row.at for row in rows}

    def _facts(
        self, shift_ids: Collection[int], stops: Sequence[PlannedTimes], ended: dict[int, datetime]
    ) -> dict[int, StopFacts]:
        """By stop of the route in force. Arrivals name deliveries, because a changed route has other stops."""
        arrived: dict[int, datetime] = {}
        for row in self.connection.execute(
            select(event.c.data, event.c.captured_at)
            .where(event.c.shift_id.in_(shift_ids), event.c.kind == "stop.arrived")
            .order_by(event.c.id)
        ):
            for delivery_id in row.data["deliveries"]:
                arrived.setdefault(delivery_id, row.captured_at)
        facts = {}
        for planned in stops:
            here = [arrived[each] for each in planned.deliveries if each in arrived]
            done = [ended[each] for each in planned.deliveries if each in ended]
            is_done = len(done) == len(planned.deliveries)
            if here or is_done:
                facts[planned.stop_id] = StopFacts(
                    arrived_at=min(here) if here else None, done_at=max(done) if is_done else None
                )
        return facts

    def doors(self, manifest_id: int, stop_ids: Sequence[int]) -> dict[int, Door]:
        """These stops with all that a report may touch; those that no version of the route has are missing."""
        versions = select(manifest.c.route_id).where(
            manifest.c.shift_id == select(manifest.c.shift_id).where(manifest.c.id == manifest_id).scalar_subquery()
        )
        rows = self.connection.execute(
            select(
                stop.c.id.label("stop_id"),
                site.c.id.label("site_id"),
                site.c.name.label("site"),
                site.c.lat,
                site.c.lon,
                site.c.zone.label("site_zone"),
                customer.c.id.label("customer_id"),
                customer.c.name.label("customer"),
                depot.c.zone.label("depot_zone"),
                delivery.c.id,
                delivery.c.number,
                delivery.c.direction,
                delivery.c.state,
                delivery.c.attempts,
                delivery.c.for_day,
            )
            .join(trip, trip.c.id == stop.c.trip_id)
            .join(site, site.c.id == stop.c.site_id)
            .join(customer, customer.c.id == site.c.customer_id)
            .join(stop_delivery, stop_delivery.c.stop_id == stop.c.id)
            .join(delivery, delivery.c.id == stop_delivery.c.delivery_id)
            .join(depot, depot.c.id == delivery.c.depot_id)
            .where(stop.c.id.in_(stop_ids), trip.c.route_id.in_(versions))
            .order_by(stop.c.id, stop_delivery.c.sequence)
        ).all()
        ids = [row.id for row in rows]
        lines, told, proofs = self._loaded_lines(ids), self._told(ids), self._proof_counts(ids)
        references, asks = self._references(ids), asks_of(self.connection, ids)
        deliveries: dict[int, list[DoorDelivery]] = defaultdict(list)
        for row in rows:
            deliveries[row.stop_id].append(
                DoorDelivery(
                    id=row.id,
                    number=row.number,
                    direction=row.direction,
                    state=row.state,
                    attempts=row.attempts,
                    proofs=proofs.get(row.id, 0),
                    for_day=row.for_day,
                    lines=tuple(lines[row.id]),
                    references=tuple(references[row.id]),
                    told=_window(told.get(row.id), row.site_zone or row.depot_zone),
                    asks=asks.get(row.id, ()),
                )
            )
        return {
            row.stop_id: Door(
                stop_id=row.stop_id,
                site_id=row.site_id,
                site=row.site,
                customer_id=row.customer_id,
                customer=row.customer,
                location=None if row.lat is None or row.lon is None else Location(lat=row.lat, lon=row.lon),
                zone=row.site_zone or row.depot_zone,
                deliveries=tuple(deliveries[row.stop_id]),
            )
            for row in rows
        }

    def trip_of_stop(self, stop_id: int) -> tuple[int, list[int]]:
        """The trip that this stop is of, in its own version of the route: its number, and what it takes, in driving
        order."""
        rows = self.connection.execute(
            select(trip.c.sequence.label("trip"), stop_delivery.c.delivery_id)
            .join_from(trip, stop, stop.c.trip_id == trip.c.id)
            .join(stop_delivery, stop_delivery.c.stop_id == stop.c.id)
            .where(trip.c.id == select(stop.c.trip_id).where(stop.c.id == stop_id).scalar_subquery())
            .order_by(stop.c.sequence, stop_delivery.c.sequence)
        ).all()
        return (rows[0].trip if rows else 0), [row.delivery_id for row in rows]

    def delivery_numbers(self, delivery_ids: Collection[int]) -> dict[int, str]:
        rows = self.connection.execute(select(delivery.c.id, delivery.c.number).where(delivery.c.id.in_(delivery_ids)))
        return {row.id: row.number for row in rows}

    def _loaded_lines(self, delivery_ids: Collection[int]) -> dict[int, list[LoadedLine]]:
        """What each delivery still has on the van: its lines less what earlier attempts settled."""
        settled: dict[tuple[int, int], int] = {
            (row.delivery_id, row.allocation_id): row.units
            for row in self.connection.execute(
                select(
                    proof.c.delivery_id,
                    proof_line.c.allocation_id,
                    func.sum(
                        proof_line.c.delivered + proof_line.c.short + proof_line.c.damaged + proof_line.c.refused
                    ).label("units"),
                )
                .join(proof, proof.c.id == proof_line.c.proof_id)
                .where(proof.c.delivery_id.in_(delivery_ids))
                .group_by(proof.c.delivery_id, proof_line.c.allocation_id)
            )
        }
        found: dict[int, list[LoadedLine]] = defaultdict(list)
        for row in self.connection.execute(
            select(
                delivery_line.c.delivery_id,
                delivery_line.c.allocation_id,
                delivery_line.c.quantity,
                order_line.c.id.label("order_line_id"),
                order_line.c.order_id,
                order_line.c.expected_on,
                product.c.id.label("product_id"),
                product.c.name,
                product.c.unit,
            )
            .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            .join(product, product.c.id == order_line.c.product_id)
            .where(delivery_line.c.delivery_id.in_(delivery_ids))
            .order_by(delivery_line.c.delivery_id, delivery_line.c.id)
        ):
            found[row.delivery_id].append(
                LoadedLine(
                    allocation_id=row.allocation_id,
                    order_line_id=row.order_line_id,
                    order_id=row.order_id,
                    product_id=row.product_id,
                    product=row.name,
                    unit=row.unit,
                    loaded=row.quantity - settled.get((row.delivery_id, row.allocation_id), 0),
                    expected_on=row.expected_on,
                )
            )
        for delivery_id, mine in empties_of(self.connection, delivery_ids).items():
            found[delivery_id] += [
                LoadedLine(
                    allocation_id=each.key,
                    order_line_id=0,
                    order_id=each.order_id or 0,
                    product_id=each.product_id,
                    product=each.name,
                    unit=each.unit,
                    loaded=each.quantity,
                )
                for each in mine
            ]
        return found

    def _proof_counts(self, delivery_ids: Collection[int]) -> dict[int, int]:
        rows = self.connection.execute(
            select(proof.c.delivery_id, func.max(proof.c.attempt).label("attempt"))
            .where(proof.c.delivery_id.in_(delivery_ids))
            .group_by(proof.c.delivery_id)
        )
        return {row.delivery_id: row.attempt for row in rows}

    def _references(self, delivery_ids: Collection[int]) -> dict[int, list[str]]:
        """The customer's own reference of each order, or our number where they gave none."""
        found: dict[int, list[str]] = defaultdict(list)
        for row in self.connection.execute(
            select(delivery_line.c.delivery_id, order.c.number, order.c.customer_reference)
            .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            .join(order, order.c.id == order_line.c.order_id)
            .where(delivery_line.c.delivery_id.in_(delivery_ids))
            .distinct()
            .order_by(order.c.number)
        ):
            found[row.delivery_id].append(row.customer_reference or row.number)
        for delivery_id, mine in empties_of(self.connection, delivery_ids).items():
            found[delivery_id] += [each.order_number for each in mine if each.order_number]
        return found

    def _told(self, delivery_ids: Collection[int]) -> dict[int, tuple[str, str, str]]:
        """Day, opening and closing of the window each delivery's customer was told last, where one was told."""
        latest = newest_promise(allocation.c.order_line_id)
        rows = self.connection.execute(
            select(delivery_line.c.delivery_id, promise.c.promised_on, promise.c.window_from, promise.c.window_to)
            .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
            .join(promise, promise.c.order_line_id == allocation.c.order_line_id)
            .join(delivery, (delivery.c.id == delivery_line.c.delivery_id) & (delivery.c.direction == "deliver"))
            .where(
                delivery_line.c.delivery_id.in_(delivery_ids), promise.c.version == latest, promise.c.window_from != ""
            )
            .order_by(promise.c.made_at)
        )
        return {row.delivery_id: (row.promised_on, row.window_from, row.window_to) for row in rows}

    # ------------------------------------------------------------------ what was reported

    def delivery_arrived(self, *, delivery_ids: Sequence[int]) -> None:
        """The van stands at the door. A delivery that ended already stays as it is."""
        self.connection.execute(
            update(delivery)
            .where(delivery.c.id.in_(delivery_ids), delivery.c.state.not_in((*_AT_THE_DOOR, "under_way")))
            .values(state="under_way")
        )

    def delivery_ended(self, *, delivery_id: int, state: str, attempts: int, for_day: str, waits_for: str) -> None:
        """Raises Conflict when it had ended before."""
        ended = self.connection.execute(
            update(delivery)
            .where(delivery.c.id == delivery_id, delivery.c.state.not_in(_AT_THE_DOOR))
            .values(state=state, attempts=attempts, for_day=for_day, waits_for=waits_for)
        )
        if not ended.rowcount:
            raise _reported(delivery_id)
        expect_on_the_day_of(self.connection, delivery_id)

    def add_proof(
        self,
        *,
        event_id: int,
        manifest_id: int,
        site_id: int,
        settled: Settled,
        report: DoorReport,
        from_address_m: int | None,
        received_at: datetime,
        file_ids: Sequence[tuple[int, str]],
    ) -> int:
        """One row an attempt, with its lines and its files (id, kind). Raises Conflict when another report of this
        attempt was first."""
        proof_id = self.insert_once(
            proof,
            {
                "event_id": event_id,
                "delivery_id": settled.delivery.id,
                "manifest_id": manifest_id,
                "site_id": site_id,
                "attempt": settled.delivery.proofs + 1,
                "outcome": settled.outcome.value,
                "recipient": report.recipient,
                "note": report.note,
                "lat": report.location.lat if report.location else None,
                "lon": report.location.lon if report.location else None,
                "accuracy_m": report.accuracy_m,
                "from_address_m": from_address_m,
                "captured_at": report.captured_at,
                "received_at": received_at,
            },
        )
        if proof_id is None:
            raise _reported(settled.delivery.id)
        for line in settled.lines:
            if line.is_empties and line.collected:
                self.connection.execute(
                    update(empties_line)
                    .where(empties_line.c.id == -line.allocation_id)
                    .values(collected=empties_line.c.collected + line.collected)
                )
        if promised := [line for line in settled.lines if not line.is_empties]:
            self.connection.execute(
                insert(proof_line),
                [
                    {
                        "proof_id": proof_id,
                        "allocation_id": line.allocation_id,
                        "delivered": line.delivered,
                        "short": line.short,
                        "damaged": line.damaged,
                        "refused": line.refused,
                        "collected": line.collected,
                    }
                    for line in promised
                ],
            )
        for file_id, kind in file_ids:
            self.insert_once(proof_file, {"proof_id": proof_id, "file_id": file_id, "kind": kind})
        return proof_id

    def add_paid(
        self, paid: Sequence[Paid], *, shift_id: int, proofs: Mapping[int, int], by: str, now: datetime
    ) -> None:
        """What was due and what was collected, by order and method. `proofs`: the report's row, by delivery."""
        rows = [
            {
                "shift_id": shift_id,
                "delivery_id": each.delivery_id,
                "order_id": each.order_id,
                "proof_id": proofs.get(each.delivery_id),
                "kind": kind,
                "method": method,
                "amount": amount,
                "currency": each.currency,
                "at": now,
                "by": by,
            }
            for each in paid
            for kind, method, amount in (
                ("due", "cash", each.due),
                *(("collected", method.value, amount) for method, amount in each.collected),
            )
            if amount
        ]
        if rows:
            self.connection.execute(insert(cash_entry), rows)

    def orders_brought(self, delivery_ids: Collection[int]) -> list[tuple[int, int, str]]:
        rows = self.connection.execute(
            select(delivery_line.c.delivery_id, order.c.id, order.c.currency)
            .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            .join(order, order.c.id == order_line.c.order_id)
            .join(delivery, (delivery.c.id == delivery_line.c.delivery_id) & (delivery.c.direction == "deliver"))
            .where(delivery_line.c.delivery_id.in_(delivery_ids))
            .distinct()
            .order_by(delivery_line.c.delivery_id, order.c.id)
        )
        return [(row.delivery_id, row.id, row.currency) for row in rows]

    def tell_window(
        self,
        *,
        delivery_ids: Sequence[int],
        day: str,
        opens: str,
        closes: str,
        why: str,
        by: str,
        now: datetime,
        whys: Mapping[int, str] = MappingProxyType({}),
    ) -> None:
        """A new promise for every order line that is brought: the window the customer is told now. `whys`: of lines
        that have a cause of their own."""
        lines = self.connection.execute(
            select(allocation.c.order_line_id, func.max(promise.c.version).label("version"))
            .join(delivery_line, delivery_line.c.allocation_id == allocation.c.id)
            .outerjoin(promise, promise.c.order_line_id == allocation.c.order_line_id)
            .join(delivery, (delivery.c.id == delivery_line.c.delivery_id) & (delivery.c.direction == "deliver"))
            .where(delivery_line.c.delivery_id.in_(delivery_ids))
            .group_by(allocation.c.order_line_id)
            .order_by(allocation.c.order_line_id)
        ).all()
        for line in lines:
            self.connection.execute(
                insert(promise).values(
                    order_line_id=line.order_line_id,
                    version=(line.version or 0) + 1,
                    promised_on=day,
                    window_from=opens,
                    window_to=closes,
                    why=whys.get(line.order_line_id, why),
                    by=by,
                    made_at=now,
                    told_at=now,
                )
            )

    # ------------------------------------------------------------------ where the van is

    def shift_hours(self, shift_id: int) -> tuple[str, str, str, str, int]:
        """Day, start, end (wall clock) and zone of a shift, and the seconds it may last longer. Raises NotFound."""
        row = self.connection.execute(
            select(shift.c.day, shift.c.starts, shift.c.ends, shift.c.overtime_s, depot.c.zone)
            .join(depot, depot.c.id == shift.c.depot_id)
            .where(shift.c.id == shift_id)
        ).first()
        if row is None:
            raise NotFound(f"There is no shift {shift_id}.", shift=shift_id)
        return row.day, row.starts, row.ends, row.zone, row.overtime_s

    def add_position(
        self,
        *,
        shift_id: int,
        location: Location,
        accuracy_m: float | None,
        captured_at: datetime,
        received_at: datetime,
    ) -> None:
        self.connection.execute(
            insert(position).values(
                shift_id=shift_id,
                lat=location.lat,
                lon=location.lon,
                accuracy_m=accuracy_m,
                captured_at=captured_at,
                received_at=received_at,
            )
        )


def _window(told: tuple[str, str, str] | None, zone: str) -> tuple[datetime, datetime] | None:
    if told is None:
        return None
    day, opens, closes = told
    return span(date.fromisoformat(day), opens, closes, ZoneInfo(zone))


def _reported(delivery_id: int) -> Conflict:
    return Conflict(
        "This delivery was already reported. If something was wrong, tell the dispatcher.",
        code="already_reported",
        delivery=delivery_id,
    )
