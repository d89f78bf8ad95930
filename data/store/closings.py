"""The store's part for the evening: which vans went out, and what the ledger says is still on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import case, delete, func, insert, select, update

from data.store.carrying import CarryingStore
from data.tables import (
    allocation,
    cash_entry,
    delivery,
    delivery_line,
    driver,
    manifest,
    movement,
    order,
    order_line,
    product,
    proof,
    proof_line,
    shift,
    site,
    stop,
    stop_delivery,
    supply,
    trip,
    vehicle,
)
from routing.errors import Conflict
from routing.model.day import SaidUnits, UndeliveredUnits, VanCash, VanGoods, VanOfDay
from routing.model.payments import PayMethod


class ClosingStore(CarryingStore):
    def vans_of_day(self, *, day: str, depot_id: int) -> tuple[VanOfDay, ...]:
        """Every shift of the day that was dispatched from this depot and whose van must be counted, by vehicle.

        Not those whose van another driver took over: it is counted with the shift that replaced them. Nor those whose
        driver was out, once their goods went to other vans and no money is in their till.
        """
        newest = (
            select(manifest.c.shift_id, func.max(manifest.c.version).label("version"))
            .group_by(manifest.c.shift_id)
            .subquery()
        )
        rows = self.connection.execute(
            select(
                manifest.c.id,
                manifest.c.shift_id,
                shift.c.state,
                vehicle.c.id.label("vehicle_id"),
                vehicle.c.name.label("vehicle"),
                driver.c.name.label("driver"),
            )
            .join(newest, (newest.c.shift_id == manifest.c.shift_id) & (newest.c.version == manifest.c.version))
            .join(shift, shift.c.id == manifest.c.shift_id)
            .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
            .join(driver, driver.c.id == manifest.c.driver_id)
            .where(
                manifest.c.day == day,
                shift.c.depot_id == depot_id,
                shift.c.state != "replaced",
                manifest.c.replaced_at.is_(None),
            )
            .order_by(vehicle.c.number, manifest.c.shift_id)
        ).all()
        return tuple(
            VanOfDay(
                manifest_id=row.id,
                shift_id=row.shift_id,
                vehicle_id=row.vehicle_id,
                vehicle=row.vehicle,
                driver=row.driver,
                closed=row.state == "closed",
            )
            for row in rows
            if row.state != "out"
            or self.goods_on_van(row.id)
            or any(each.must_be_counted for each in self.cash_of_shift(row.shift_id))
        )

    def goods_on_van(self, manifest_id: int) -> tuple[VanGoods, ...]:
        """By product, what came on for this manifest's deliveries and has not gone off again."""
        ids, van = self._riding(manifest_id)
        failed = self._failed_on(ids, van)
        inward = case((movement.c.to_place == van, movement.c.quantity), else_=-movement.c.quantity)
        on_van = {
            row.product_id: row.net
            for row in self.connection.execute(
                select(movement.c.product_id, func.sum(inward).label("net"))
                .where(movement.c.delivery_id.in_(ids), (movement.c.to_place == van) | (movement.c.from_place == van))
                .group_by(movement.c.product_id)
            )
            if row.net
        }
        promised = {
            row.product_id: row.units
            for row in self.connection.execute(
                select(supply.c.product_id, func.sum(delivery_line.c.quantity).label("units"))
                .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
                .join(supply, supply.c.id == allocation.c.supply_id)
                .where(delivery_line.c.delivery_id.in_(failed))
                .group_by(supply.c.product_id)
            )
        }
        rows = self.connection.execute(
            select(product.c.id, product.c.number, product.c.name, product.c.unit)
            .where(product.c.id.in_(list(on_van)))
            .order_by(product.c.number)
        )
        return tuple(
            VanGoods(
                product_id=row.id,
                sku=row.number,
                name=row.name,
                unit=row.unit,
                quantity=on_van[row.id],
                for_customers=promised.get(row.id, 0),
            )
            for row in rows
        )

    def undelivered_on_van(self, manifest_id: int) -> tuple[UndeliveredUnits, ...]:
        """The units of this manifest's failed deliveries that have not come off the van, by allocation."""
        failed = self._failed_on(*self._riding(manifest_id))
        rows = self.connection.execute(
            select(
                delivery.c.id,
                delivery.c.number,
                delivery.c.tier,
                site.c.name.label("site"),
                delivery_line.c.allocation_id,
                delivery_line.c.quantity,
                order_line.c.product_id,
                order.c.ordered_at,
            )
            .join(delivery_line, delivery_line.c.delivery_id == delivery.c.id)
            .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            .join(order, order.c.id == order_line.c.order_id)
            .join(site, site.c.id == delivery.c.site_id)
            .where(delivery.c.id.in_(failed))
            .order_by(delivery_line.c.allocation_id)
        )
        return tuple(
            UndeliveredUnits(
                delivery_id=row.id,
                number=row.number,
                site=row.site,
                allocation_id=row.allocation_id,
                product_id=row.product_id,
                quantity=row.quantity,
                tier=row.tier,
                ordered_at=row.ordered_at,
            )
            for row in rows
        )

    def said_on_van(self, manifest_id: int) -> tuple[SaidUnits, ...]:
        """What is on the van by the ledger and of no failed delivery, by delivery and allocation."""
        ids, van = self._riding(manifest_id)
        failed = self._failed_on(ids, van)
        inward = case((movement.c.to_place == van, movement.c.quantity), else_=-movement.c.quantity)
        said = {
            (row.delivery_id, row.allocation_id): row
            for row in self.connection.execute(
                select(
                    proof.c.delivery_id,
                    proof_line.c.allocation_id,
                    func.sum(proof_line.c.damaged).label("damaged"),
                    func.sum(proof_line.c.refused).label("refused"),
                )
                .join(proof_line, proof_line.c.proof_id == proof.c.id)
                .where(proof.c.delivery_id.in_(ids))
                .group_by(proof.c.delivery_id, proof_line.c.allocation_id)
            )
        }
        rows = self.connection.execute(
            select(
                movement.c.delivery_id,
                movement.c.allocation_id,
                movement.c.product_id,
                func.sum(inward).label("quantity"),
            )
            .where(
                movement.c.delivery_id.in_(set(ids) - set(failed)),
                (movement.c.to_place == van) | (movement.c.from_place == van),
            )
            .group_by(movement.c.delivery_id, movement.c.allocation_id, movement.c.product_id)
            .order_by(movement.c.delivery_id, movement.c.allocation_id)
        )
        return tuple(
            SaidUnits(
                delivery_id=row.delivery_id,
                allocation_id=row.allocation_id,
                product_id=row.product_id,
                quantity=int(row.quantity),
                damaged=int(mine.damaged) if (mine := said.get((row.delivery_id, row.allocation_id))) else 0,
                refused=int(mine.refused) if mine else 0,
            )
            for row in rows
            if row.quantity > 0
        )

    def take_off_delivery(self, *, delivery_id: int, allocation_id: int, quantity: int) -> None:
        """Takes units off a delivery that are not there any more. Raises Conflict when it never had so many."""
        mine = (delivery_line.c.delivery_id == delivery_id) & (delivery_line.c.allocation_id == allocation_id)
        whole = self.connection.execute(delete(delivery_line).where(mine, delivery_line.c.quantity == quantity))
        if whole.rowcount:
            return
        part = self.connection.execute(
            update(delivery_line)
            .where(mine, delivery_line.c.quantity > quantity)
            .values(quantity=delivery_line.c.quantity - quantity)
        )
        if not part.rowcount:
            raise Conflict("This delivery was changed meanwhile. Count the van again.", delivery=delivery_id)

    def close_shift(self, shift_id: int) -> None:
        """Raises Conflict when it was closed meanwhile."""
        done = self.connection.execute(
            update(shift)
            .where(shift.c.id == shift_id, shift.c.state.in_(("planned", "out")))
            .values(state="closed", version=shift.c.version + 1)
        )
        if not done.rowcount:
            raise Conflict("This van was counted meanwhile. Load the page again.", code="van_closed", shift=shift_id)

    def prices_of(
        self, allocation_ids: Collection[int], product_ids: Collection[int]
    ) -> tuple[dict[int, tuple[int, str]], dict[int, tuple[int, str]]]:
        """What a base unit costs, minor units and currency: by allocation as its order says, by product as it is."""
        of_orders = {
            row.id: (row.unit_price, row.currency)
            for row in self.connection.execute(
                select(allocation.c.id, order_line.c.unit_price, order.c.currency)
                .join(order_line, order_line.c.id == allocation.c.order_line_id)
                .join(order, order.c.id == order_line.c.order_id)
                .where(allocation.c.id.in_(list(allocation_ids)), order_line.c.unit_price > 0)
            )
        }
        of_products = {
            row.id: (row.price, row.currency)
            for row in self.connection.execute(
                select(product.c.id, product.c.price, product.c.currency).where(product.c.id.in_(list(product_ids)))
            )
        }
        return of_orders, of_products

    def cash_of_shift(self, shift_id: int) -> tuple[VanCash, ...]:
        """By currency; empty when nothing was due or collected on this route, whoever drove it."""
        sums: dict[str, dict[str, int]] = defaultdict(dict)
        for row in self.connection.execute(
            select(
                cash_entry.c.currency,
                cash_entry.c.kind,
                cash_entry.c.method,
                func.sum(cash_entry.c.amount).label("amount"),
            )
            .where(cash_entry.c.shift_id.in_(self.turn_of(shift_id)))
            .group_by(cash_entry.c.currency, cash_entry.c.kind, cash_entry.c.method)
        ):
            # Only what was collected in cash lies in the till.
            kind = row.method if row.kind == "collected" else row.kind
            sums[row.currency][kind] = sums[row.currency].get(kind, 0) + int(row.amount)
        return tuple(
            VanCash(
                currency=currency,
                due=mine.get("due", 0),
                collected=mine.get(PayMethod.CASH, 0),
                card=mine.get(PayMethod.CARD, 0),
                other=mine.get(PayMethod.OTHER, 0),
                counted=mine.get("counted"),
            )
            for currency, mine in sorted(sums.items())
        )

    def add_cash_counted(self, *, shift_id: int, currency: str, amount: int, by: str, now: datetime) -> None:
        self.connection.execute(
            insert(cash_entry).values(
                shift_id=shift_id, kind="counted", method="cash", amount=amount, currency=currency, at=now, by=by
            )
        )

    def _failed_on(self, delivery_ids: Collection[int], van: str) -> list[int]:
        """Those that nobody took and whose goods are on this van: an old list has also what another van tried."""
        failed = self.connection.scalars(
            select(delivery.c.id).where(
                delivery.c.id.in_(delivery_ids), delivery.c.state == "failed", delivery.c.direction == "deliver"
            )
        ).all()
        on_vans = self.on_vans(failed)
        return [key for key in failed if f"vehicle:{on_vans.get(key)}" == van]

    def _riding(self, manifest_id: int) -> tuple[list[int], str]:
        """The deliveries of which goods may be on this van, and the van: those of the list in force, and those that its
        driver reported by an older one."""
        route_id, shift_id, vehicle_id = self.connection.execute(
            select(manifest.c.route_id, manifest.c.shift_id, shift.c.vehicle_id)
            .join(shift, shift.c.id == manifest.c.shift_id)
            .where(manifest.c.id == manifest_id)
        ).one()
        ids = self.connection.scalars(
            select(stop_delivery.c.delivery_id)
            .join(stop, stop.c.id == stop_delivery.c.stop_id)
            .join(trip, trip.c.id == stop.c.trip_id)
            .where(trip.c.route_id == route_id)
        )
        reported = self.connection.scalars(
            select(proof.c.delivery_id)
            .join(manifest, manifest.c.id == proof.c.manifest_id)
            .where(manifest.c.shift_id == shift_id)
        )
        return sorted({*ids, *reported}), f"vehicle:{vehicle_id}"
