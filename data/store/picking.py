"""The store's part for the warehouse: what of each delivery is picked, where it waits, and what a scanner reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select, update

from data.queries.empties import empties_of
from data.queries.planned import PLANNED
from data.store.part import StorePart, parts
from data.tables import (
    allocation,
    current_plan,
    delivery,
    delivery_line,
    event,
    order,
    order_line,
    product,
    route,
    site,
    stop,
    stop_delivery,
    supply,
    trip,
    vehicle,
)
from routing.errors import Conflict, NotFound
from routing.model.picking import PickDelivery, PickLine, PickUnits, Step, TripPlace
from routing.rules.picking import share_picked


class PickingStore(StorePart):
    def pick_deliveries(self, delivery_ids: Collection[int]) -> list[PickDelivery]:
        """These deliveries with their goods, by id; those that do not exist are left out."""
        found: list[PickDelivery] = []
        for part in parts(delivery_ids):
            query = (
                select(delivery, site.c.name.label("site_name"))
                .join(site, site.c.id == delivery.c.site_id)
                .where(delivery.c.id.in_(part))
                .order_by(delivery.c.id)
            )
            lines, orders = self._pick_lines(part)
            found += [
                PickDelivery(
                    id=row.id,
                    number=row.number,
                    site=row.site_name,
                    depot_id=row.depot_id,
                    for_day=row.for_day,
                    direction=row.direction,
                    state=row.state,
                    staged_place=row.staged_place,
                    staged_at=row.staged_at,
                    orders=tuple(orders[row.id].items()),
                    lines=tuple(lines[row.id]),
                )
                for row in self.connection.execute(query)
            ]
        return found

    def _pick_lines(self, delivery_ids: Sequence[int]) -> tuple[dict[int, list[PickLine]], dict[int, dict[int, str]]]:
        # What was picked of an allocation is shared out over all that wait for it, also those nobody asked about.
        theirs = select(delivery_line.c.allocation_id).where(delivery_line.c.delivery_id.in_(delivery_ids))
        every = self.connection.execute(
            select(
                delivery_line.c.id,
                delivery_line.c.delivery_id,
                delivery_line.c.allocation_id,
                delivery_line.c.quantity,
                delivery_line.c.picked.label("noted"),
                (and_(delivery.c.state == "released", delivery.c.direction == "deliver")).label("waits"),
                allocation.c.supply_id,
                allocation.c.order_line_id,
                allocation.c.picked,
                supply.c.kind,
                supply.c.number.label("supply_number"),
                order.c.id.label("order_id"),
                order.c.number.label("order_number"),
                product.c.id.label("product_id"),
                product.c.number,
                product.c.name,
                product.c.unit,
                product.c.barcode,
                product.c.case_pack,
            )
            .join_from(delivery_line, allocation, allocation.c.id == delivery_line.c.allocation_id)
            .join(delivery, delivery.c.id == delivery_line.c.delivery_id)
            .join(supply, supply.c.id == allocation.c.supply_id)
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            .join(order, order.c.id == order_line.c.order_id)
            .join(product, product.c.id == order_line.c.product_id)
            .where(delivery_line.c.allocation_id.in_(theirs))
            .order_by(product.c.number, delivery_line.c.id)
        ).all()
        picked = _picked_of_lines(row for row in every if row.waits)
        asked_for = set(delivery_ids)
        rows = [row for row in every if row.delivery_id in asked_for]
        orders: dict[int, dict[int, str]] = defaultdict(dict)
        units: dict[tuple[int, int], list[PickUnits]] = defaultdict(list)
        facts: dict[tuple[int, int], Any] = {}
        for row in rows:
            orders[row.delivery_id].setdefault(row.order_id, row.order_number)
            key = (row.delivery_id, row.product_id)
            facts.setdefault(key, row)
            units[key].append(
                PickUnits(
                    allocation_id=row.allocation_id,
                    supply_id=row.supply_id,
                    line_id=row.order_line_id,
                    quantity=row.quantity,
                    picked=picked.get(row.id, 0),
                    to_come=row.supply_number if row.kind == "inbound" else "",
                )
            )
        for delivery_id, mine in empties_of(self.connection, delivery_ids).items():
            for each in mine:
                if each.order_id is not None:
                    orders[delivery_id].setdefault(each.order_id, each.order_number)
                facts.setdefault((delivery_id, each.product_id), each)
                units[delivery_id, each.product_id].append(
                    PickUnits(allocation_id=each.key, supply_id=0, line_id=0, quantity=each.quantity, picked=0)
                )
        lines: dict[int, list[PickLine]] = defaultdict(list)
        for (delivery_id, product_id), row in facts.items():
            lines[delivery_id].append(
                PickLine(
                    product_id=product_id,
                    sku=row.number,
                    name=row.name,
                    unit=row.unit,
                    barcode=row.barcode,
                    case_pack=row.case_pack,
                    units=tuple(units[delivery_id, product_id]),
                )
            )
        return lines, orders

    def note_picked(self, *, delivery_id: int, allocation_id: int, picked: int) -> None:
        """Writes down for which delivery units of an allocation were picked: all of them, not a difference."""
        self.connection.execute(
            update(delivery_line)
            .where(delivery_line.c.delivery_id == delivery_id, delivery_line.c.allocation_id == allocation_id)
            .values(picked=picked)
        )

    def set_staged(self, *, delivery_id: int, place: str, at: datetime | None) -> None:
        """Where the delivery waits; "" and None: nowhere. Raises Conflict when it is no longer waiting."""
        changed = self.connection.execute(
            update(delivery)
            .where(delivery.c.id == delivery_id, delivery.c.state == "released")
            .values(staged_place=place, staged_at=at, version=delivery.c.version + 1)
        )
        if not changed.rowcount:
            raise Conflict(f"Delivery {delivery_id} is loaded or taken back by now. Look again.", delivery=delivery_id)

    def picked_units(self, depot_id: int, product_ids: Collection[int]) -> dict[tuple[int, int], int]:
        """Units taken off the shelf and not loaded, by (order line, supply)."""
        found: dict[tuple[int, int], int] = {}
        for part in parts(product_ids):
            query = (
                select(allocation.c.order_line_id, allocation.c.supply_id, allocation.c.picked)
                .join(supply, supply.c.id == allocation.c.supply_id)
                .where(supply.c.depot_id == depot_id, supply.c.product_id.in_(part), allocation.c.picked > 0)
            )
            found |= {(row.order_line_id, row.supply_id): row.picked for row in self.connection.execute(query)}
        return found

    def delivery_id(self, number: str) -> int | None:
        return self.connection.scalar(select(delivery.c.id).where(delivery.c.number == number))

    def open_delivery_ids(self, *, day: str, depot_id: int) -> list[int]:
        """What the warehouse has to do with on a day: meant for it or left from before, and not yet away."""
        return list(
            self.connection.scalars(
                select(delivery.c.id)
                .where(
                    delivery.c.depot_id == depot_id,
                    delivery.c.state.in_(("released", "loaded")),
                    delivery.c.for_day <= day,
                    delivery.c.waits_for == "",
                )
                .order_by(delivery.c.id)
            )
        )

    def scanned_product(self, code: str) -> int | None:
        """The product whose number or barcode this is, also one of which two write the same letters larger. None: none.

        Raises Conflict when several products carry the barcode.
        """
        exact = self.connection.scalars(
            select(product.c.id).where(or_(product.c.number == code, product.c.barcode == code))
        ).all()
        rows = (
            exact
            or self.connection.scalars(
                select(product.c.id).where(func.lower(product.c.number) == code.lower()).limit(2)
            ).all()
        )
        if len(rows) > 1:
            raise Conflict(f"{code} is on {len(rows)} products. Scan the product's own number.", code="barcode")
        return rows[0] if rows else None

    def product_named(self, product_id: int) -> tuple[str, str]:
        """(SKU, name). Raises NotFound."""
        row = self.connection.execute(
            select(product.c.number, product.c.name).where(product.c.id == product_id)
        ).first()
        if row is None:
            raise NotFound(f"There is no product {product_id}.", product=product_id)
        return row.number, row.name

    def deliveries_of_lines(self, line_ids: Collection[int]) -> set[int]:
        """The waiting deliveries that carry goods of these order lines."""
        found: set[int] = set()
        for part in parts(line_ids):
            found |= set(
                self.connection.scalars(
                    select(delivery_line.c.delivery_id)
                    .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
                    .join(delivery, delivery.c.id == delivery_line.c.delivery_id)
                    .where(
                        allocation.c.order_line_id.in_(part),
                        delivery.c.state == "released",
                        delivery.c.direction == "deliver",
                    )
                )
            )
        return found

    def trip_place(self, delivery_id: int) -> TripPlace | None:
        """Where it rides, by the newest day whose current plan has it; None when no plan takes it along."""
        row = self.connection.execute(
            select(
                route.c.shift_id,
                vehicle.c.id.label("vehicle_id"),
                vehicle.c.name.label("vehicle"),
                trip.c.sequence.label("trip"),
                stop.c.sequence.label("stop"),
            )
            .select_from(PLANNED)
            .where(stop_delivery.c.delivery_id == delivery_id)
            .order_by(current_plan.c.day.desc())
            .limit(1)
        ).first()
        return None if row is None else TripPlace(**row._mapping)

    def last_step(self, event_id: int, *, kinds: Sequence[str]) -> Step | None:
        """What this event did to its delivery, if nothing of these kinds was done to it since."""
        row = self.connection.execute(
            select(event).where(event.c.id == event_id, event.c.kind.in_(kinds), event.c.delivery_id.is_not(None))
        ).first()
        if row is None:
            return None
        newest = self.connection.scalar(
            select(func.max(event.c.id)).where(event.c.delivery_id == row.delivery_id, event.c.kind.in_(kinds))
        )
        if newest != event_id:
            return None
        return Step(event_id=row.id, kind=row.kind, delivery_id=row.delivery_id, shift_id=row.shift_id, data=row.data)

    def plans_with(self, delivery_id: int) -> list[tuple[int, str]]:
        """(plan, day) of the current plans with this delivery on a route still to go, not where it was tried before."""
        rows = self.connection.execute(
            select(current_plan.c.plan_id, current_plan.c.day)
            .join_from(current_plan, route, route.c.plan_id == current_plan.c.plan_id)
            .join(trip, trip.c.route_id == route.c.id)
            .join(stop, stop.c.trip_id == trip.c.id)
            .join(stop_delivery, stop_delivery.c.stop_id == stop.c.id)
            .join(delivery, delivery.c.id == stop_delivery.c.delivery_id)
            .where(
                stop_delivery.c.delivery_id == delivery_id,
                # What was tried before stands on that day's plan for good, whether or not that day is closed.
                current_plan.c.state != "closed",
                current_plan.c.day >= delivery.c.for_day,
            )
            .order_by(current_plan.c.day)
        )
        # A plan of several depots and days is one version: taken out once, it is out of all of them.
        return list({row.plan_id: (row.plan_id, row.day) for row in rows}.values())


def _picked_of_lines(rows: Iterable[Any]) -> dict[int, int]:
    """Picked units by delivery line, of lines that wait to be loaded, in the order of their keys."""
    by_allocation: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        by_allocation[row.allocation_id].append(row)
    found: dict[int, int] = {}
    for mine in by_allocation.values():
        shares = share_picked(mine[0].picked, [(row.quantity, row.noted) for row in mine])
        found |= {row.id: share for row, share in zip(mine, shares, strict=True)}
    return found
