"""The store's part for what goes onto the vans and into the drivers' hands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select, update

from data.queries.empties import empties_of
from data.queries.needs import COMMITTED, still_needed, units_of_line
from data.store.part import StorePart
from data.tables import (
    allocation,
    contact,
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
    route,
    shift,
    site,
    site_window,
    stop,
    stop_delivery,
    trip,
    vehicle,
)
from routing.errors import NotFound
from routing.model.day import (
    Carried,
    ContactSheet,
    DeliverySheet,
    HeldManifest,
    LineSheet,
    RouteSheet,
    StopSheet,
)


class VanStore(StorePart):
    def carried(self, delivery_ids: Sequence[int]) -> tuple[Carried, ...]:
        """The units of these deliveries, by delivery and allocation."""
        rows = self.connection.execute(
            select(
                delivery_line.c.delivery_id,
                delivery_line.c.allocation_id,
                delivery_line.c.quantity,
                order_line.c.product_id,
                product.c.name,
            )
            .join_from(delivery_line, allocation, allocation.c.id == delivery_line.c.allocation_id)
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            .join(product, product.c.id == order_line.c.product_id)
            .where(delivery_line.c.delivery_id.in_(delivery_ids))
            .order_by(delivery_line.c.delivery_id, delivery_line.c.allocation_id)
        )
        return tuple(
            Carried(
                delivery_id=row.delivery_id,
                allocation_id=row.allocation_id,
                product_id=row.product_id,
                product=row.name,
                quantity=row.quantity,
            )
            for row in rows
        )

    def routes_of_day(self, *, day: str, depot_ids: Sequence[int]) -> tuple[int, ...]:
        """The shifts that have a route that day in the current plans of these depots, in the plan's order."""
        rows = self.connection.execute(
            select(route.c.shift_id)
            .join_from(current_plan, route, route.c.plan_id == current_plan.c.plan_id)
            .join(
                shift,
                (shift.c.id == route.c.shift_id)
                & (shift.c.depot_id == current_plan.c.depot_id)
                & (shift.c.day == current_plan.c.day),
            )
            .where(current_plan.c.day == day, current_plan.c.depot_id.in_(depot_ids))
            .order_by(current_plan.c.depot_id, route.c.sequence)
        )
        return tuple(row.shift_id for row in rows)

    def route_sheet(self, shift_id: int) -> RouteSheet:
        """The shift's route in the current plan of its depot and day. Raises NotFound when it has none."""
        row = self.connection.execute(
            select(
                route.c.id.label("route_id"),
                route.c.plan_id,
                route.c.starts_at,
                route.c.ends_at,
                shift.c.day,
                shift.c.depot_id,
                shift.c.vehicle_id,
                shift.c.driver_id,
                depot.c.name.label("depot"),
                depot.c.address.label("depot_address"),
                depot.c.zone,
                vehicle.c.name.label("vehicle"),
                driver.c.name.label("driver"),
                driver.c.email,
                driver.c.phone,
                driver.c.language,
            )
            .join_from(shift, depot, depot.c.id == shift.c.depot_id)
            .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
            .outerjoin(driver, driver.c.id == shift.c.driver_id)
            .join(current_plan, (current_plan.c.depot_id == shift.c.depot_id) & (current_plan.c.day == shift.c.day))
            .join(route, (route.c.plan_id == current_plan.c.plan_id) & (route.c.shift_id == shift.c.id))
            .where(shift.c.id == shift_id)
        ).first()
        if row is None:
            raise NotFound(f"Shift {shift_id} has no route in the plan of its day. Plan the day first.", shift=shift_id)
        trips = self.connection.execute(
            select(trip).where(trip.c.route_id == row.route_id).order_by(trip.c.sequence)
        ).all()
        stops, states = self._van_stops(row.route_id, row.zone)
        return RouteSheet(
            route_id=row.route_id,
            plan_id=row.plan_id,
            shift_id=shift_id,
            day=row.day,
            depot_id=row.depot_id,
            depot=row.depot,
            depot_address=row.depot_address,
            zone=row.zone,
            vehicle_id=row.vehicle_id,
            vehicle=row.vehicle,
            driver_id=row.driver_id,
            driver=row.driver or "",
            driver_email=row.email or "",
            driver_phone=row.phone or "",
            driver_language=row.language or "en",
            starts_at=row.starts_at,
            departs_at=trips[0].departs_at,
            returns_at=trips[-1].returns_at,
            ends_at=row.ends_at,
            stops=stops,
            states=states,
        )

    def _van_stops(self, route_id: int, depot_zone: str) -> tuple[tuple[StopSheet, ...], tuple[tuple[int, str], ...]]:
        rows = self.connection.execute(
            select(
                stop.c.id,
                stop.c.sequence,
                stop.c.arrival,
                stop.c.start,
                stop.c.departure,
                trip.c.sequence.label("trip"),
                site.c.id.label("site_id"),
                site.c.name.label("site"),
                site.c.zone,
                site.c.address,
                site.c.postcode,
                site.c.city,
                site.c.lat,
                site.c.lon,
                site.c.notes,
                site.c.gate_code,
                customer.c.id.label("customer_id"),
                customer.c.name.label("customer"),
            )
            .join_from(trip, stop, stop.c.trip_id == trip.c.id)
            .join(site, site.c.id == stop.c.site_id)
            .join(customer, customer.c.id == site.c.customer_id)
            .where(trip.c.route_id == route_id)
            .order_by(trip.c.sequence, stop.c.sequence)
        ).all()
        at_stop: dict[int, list[int]] = defaultdict(list)
        states: list[tuple[int, str]] = []
        for each in self.connection.execute(
            select(stop_delivery.c.stop_id, stop_delivery.c.delivery_id, delivery.c.state)
            .join_from(stop_delivery, stop, stop.c.id == stop_delivery.c.stop_id)
            .join(trip, trip.c.id == stop.c.trip_id)
            .join(delivery, delivery.c.id == stop_delivery.c.delivery_id)
            .where(trip.c.route_id == route_id)
            .order_by(trip.c.sequence, stop.c.sequence, stop_delivery.c.sequence)
        ):
            at_stop[each.stop_id].append(each.delivery_id)
            states.append((each.delivery_id, each.state))
        deliveries = self._van_deliveries([key for key, _ in states])
        site_ids = {row.site_id for row in rows}
        hours: dict[int, list[str]] = defaultdict(list)
        for each in self.connection.execute(
            select(site_window).where(site_window.c.site_id.in_(site_ids)).order_by(site_window.c.id)
        ):
            days = each.weekdays.replace(",", "/")
            hours[each.site_id].append(" ".join(filter(None, [days, f"{each.opens}-{each.closes}", each.kind])))
        people = self._van_contacts({row.customer_id for row in rows}, site_ids)
        stops = tuple(
            StopSheet(
                stop_id=row.id,
                trip=row.trip,
                sequence=row.sequence,
                site_id=row.site_id,
                site=row.site,
                customer_id=row.customer_id,
                customer=row.customer,
                zone=row.zone or depot_zone,
                address=", ".join(filter(None, [row.address, " ".join(filter(None, [row.postcode, row.city]))])),
                lat=row.lat,
                lon=row.lon,
                notes=row.notes,
                gate_code=row.gate_code,
                arrival=row.arrival,
                start=row.start,
                departure=row.departure,
                hours=tuple(hours[row.site_id]),
                contacts=tuple(people[row.customer_id, row.site_id] or people[row.customer_id, None]),
                deliveries=tuple(deliveries[key] for key in at_stop[row.id]),
            )
            for row in rows
        )
        return stops, tuple(states)

    def _van_contacts(
        self, customer_ids: Collection[int], site_ids: Collection[int]
    ) -> dict[tuple[int, int | None], list[ContactSheet]]:
        found: dict[tuple[int, int | None], list[ContactSheet]] = defaultdict(list)
        for row in self.connection.execute(
            select(contact)
            .where(
                contact.c.customer_id.in_(customer_ids),
                or_(contact.c.site_id.in_(site_ids), contact.c.site_id.is_(None)),
            )
            .order_by(contact.c.id)
        ):
            found[row.customer_id, row.site_id].append(
                ContactSheet(name=row.name, role=row.role, channel=row.channel, address=row.address)
            )
        return found

    def _van_deliveries(self, ids: Sequence[int]) -> dict[int, DeliverySheet]:
        lines: dict[int, list[LineSheet]] = defaultdict(list)
        references: dict[int, dict[str, None]] = defaultdict(dict)
        notes: dict[int, dict[str, None]] = defaultdict(dict)
        for row in self.connection.execute(
            select(
                delivery_line.c.delivery_id,
                delivery_line.c.allocation_id,
                delivery_line.c.quantity,
                product.c.id.label("product_id"),
                product.c.number,
                product.c.name,
                product.c.unit,
                order.c.number.label("order_number"),
                order.c.customer_reference,
                order.c.erp_reference,
                order.c.note,
            )
            .join_from(delivery_line, allocation, allocation.c.id == delivery_line.c.allocation_id)
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            .join(order, order.c.id == order_line.c.order_id)
            .join(product, product.c.id == order_line.c.product_id)
            .where(delivery_line.c.delivery_id.in_(ids))
            .order_by(delivery_line.c.delivery_id, delivery_line.c.id)
        ):
            lines[row.delivery_id].append(
                LineSheet(
                    allocation_id=row.allocation_id,
                    product_id=row.product_id,
                    product_number=row.number,
                    name=row.name,
                    unit=row.unit,
                    quantity=row.quantity,
                )
            )
            for reference in (row.order_number, row.customer_reference, row.erp_reference):
                if reference:
                    references[row.delivery_id].setdefault(reference)
            if row.note:
                notes[row.delivery_id].setdefault(row.note)
        for delivery_id, mine in empties_of(self.connection, ids).items():
            for each in mine:
                lines[delivery_id].append(
                    LineSheet(
                        allocation_id=each.key,
                        product_id=each.product_id,
                        product_number=each.number,
                        name=each.name,
                        unit=each.unit,
                        quantity=each.quantity,
                    )
                )
                if each.order_number:
                    references[delivery_id].setdefault(each.order_number)
        return {
            row.id: DeliverySheet(
                delivery_id=row.id,
                number=row.number,
                direction=row.direction,
                attempt=row.attempts + 1,
                references=tuple(references[row.id]),
                note="\n".join(notes[row.id]),
                lines=tuple(lines[row.id]),
            )
            for row in self.connection.execute(select(delivery).where(delivery.c.id.in_(ids)))
        }

    def still_waiting(self, delivery_ids: Sequence[int]) -> tuple[tuple[int, str, str, str], ...]:
        """(units, unit, product, expected day) of the lines of these deliveries' orders that wait for goods."""
        orders = (
            select(order_line.c.order_id)
            .join_from(delivery_line, allocation, allocation.c.id == delivery_line.c.allocation_id)
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            .where(delivery_line.c.delivery_id.in_(delivery_ids))
        )
        rows = self.connection.execute(
            select(
                (still_needed() - units_of_line(COMMITTED)).label("units"),
                product.c.unit,
                product.c.name,
                order_line.c.expected_on,
            )
            .join_from(order_line, product, product.c.id == order_line.c.product_id)
            .where(order_line.c.order_id.in_(orders))
            .order_by(order_line.c.id)
        )
        return tuple((int(row.units), row.unit, row.name, row.expected_on) for row in rows if row.units > 0)

    # ---- manifests

    def held_manifest(self, shift_id: int) -> HeldManifest | None:
        """The list in force of this shift, None before it was dispatched."""
        rows = self.connection.execute(
            select(manifest).where(manifest.c.shift_id == shift_id).order_by(manifest.c.version)
        ).all()
        if not rows:
            return None
        last = rows[-1]
        return HeldManifest(
            id=last.id,
            first_id=rows[0].id,
            version=last.version,
            rides=tuple(
                (each["delivery_id"], stop_content["trip"])
                for stop_content in last.content["stops"]
                for each in stop_content["deliveries"]
            ),
        )

    def add_manifest(
        self,
        *,
        plan_id: int,
        route_id: int,
        shift_id: int,
        driver_id: int,
        day: str,
        version: int,
        content: Mapping[str, Any],
        by: str,
        now: datetime,
    ) -> int:
        """Freezes the list a driver takes; an earlier one of the shift, or of the driver before, is replaced."""
        self.connection.execute(
            update(manifest)
            .where(manifest.c.shift_id.in_(self.turn_of(shift_id)), manifest.c.replaced_at.is_(None))
            .values(replaced_at=now)
        )
        manifest_id: int = self.connection.execute(
            insert(manifest)
            .values(
                plan_id=plan_id,
                route_id=route_id,
                shift_id=shift_id,
                driver_id=driver_id,
                day=day,
                version=version,
                content=dict(content),
                dispatched_at=now,
                by=by,
            )
            .returning(manifest.c.id)
        ).scalar_one()
        return manifest_id
