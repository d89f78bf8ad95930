"""The store's part for after the door: goods that come back into stock, and decisions about what was not taken."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

from sqlalchemy import ColumnElement, func, insert, select, update

from data.queries.needs import ORDERED
from data.store.movements import MovementStore
from data.store.orders import expect_on_the_day_of
from data.store.part import parts
from data.tables import (
    allocation,
    customer,
    delivery,
    delivery_line,
    depot,
    empties_line,
    order,
    order_line,
    product,
    proof,
    proof_line,
    site,
    supply,
    task,
    zone,
)
from routing.errors import Conflict, NotFound
from routing.model.proofs import Outcome
from routing.model.returns import CollectFrom, DoorTask, GivenUp, GivenUpLine, HandedOver, RefusedUnits
from routing.model.stock import Receipt
from routing.rules.paying import payment_of


def left_at_the_customer() -> ColumnElement[int]:
    """Of an allocation: what was handed over of it, less what was fetched back or is to be."""
    fetched = (
        select(func.coalesce(func.sum(proof_line.c.collected), 0))
        .where(proof_line.c.allocation_id == allocation.c.id)
        .correlate(allocation)
        .scalar_subquery()
    )
    asked = (
        select(func.coalesce(func.sum(delivery_line.c.quantity), 0))
        .join(delivery, delivery.c.id == delivery_line.c.delivery_id)
        .where(
            delivery_line.c.allocation_id == allocation.c.id,
            delivery.c.direction == "collect",
            delivery.c.state.not_in(("done", "unreleased")),
        )
        .correlate(allocation)
        .scalar_subquery()
    )
    return allocation.c.delivered - fetched - asked


class ReturnStore(MovementStore):
    def add_inspected(self, receipt: Receipt, *, from_place: str, by: str) -> int:
        """Units that came back are a receipt of their own; returns its key."""
        supply_id: int = self.connection.execute(
            insert(supply)
            .values(
                kind="receipt",
                source="own",
                number=receipt.number,
                depot_id=receipt.depot_id,
                product_id=receipt.product_id,
                quantity=receipt.quantity,
                counted_at=receipt.counted_at,
            )
            .returning(supply.c.id)
        ).scalar_one()
        self.add_movement(
            at=receipt.counted_at,
            product_id=receipt.product_id,
            quantity=receipt.quantity,
            from_place=from_place,
            to_place=f"depot:{receipt.depot_id}",
            why="inspected",
            by=by,
            supply_id=supply_id,
        )
        return supply_id

    def door_task(self, task_id: int) -> DoorTask:
        """An open task about a delivery that a person must decide. Raises NotFound, Conflict when it was done."""
        row = self.connection.execute(
            select(task.c.id, task.c.kind, task.c.subject_id, task.c.done_at, task.c.done_by, task.c.outcome).where(
                task.c.id == task_id, task.c.subject_kind == "delivery"
            )
        ).first()
        if row is None:
            raise NotFound(f"There is no task {task_id} about a delivery.", task=task_id)
        if row.done_at is not None:
            raise Conflict(f"This was decided already: {row.outcome}.", code="decided", task=task_id)
        return DoorTask(id=row.id, kind=row.kind, delivery_id=row.subject_id)

    def refused_units(self, delivery_id: int) -> list[RefusedUnits]:
        """What was refused of a delivery at its last attempt and is still settled as refused."""
        last = select(func.max(proof.c.id)).where(proof.c.delivery_id == delivery_id).scalar_subquery()
        rows = self.connection.execute(
            select(
                allocation.c.id,
                allocation.c.order_line_id,
                allocation.c.refused,
                order_line.c.order_id,
                order_line.c.product_id,
                proof_line.c.refused.label("units"),
            )
            .join_from(proof_line, allocation, allocation.c.id == proof_line.c.allocation_id)
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            .where(proof_line.c.proof_id == last, proof_line.c.refused > 0)
            .order_by(allocation.c.id)
        )
        return [
            RefusedUnits(
                allocation_id=row.id,
                line_id=row.order_line_id,
                order_id=row.order_id,
                product_id=row.product_id,
                quantity=min(row.units, row.refused),
            )
            for row in rows
            if row.refused
        ]

    def bring_again(self, *, delivery_id: int, for_day: str, from_states: Sequence[str]) -> None:
        """A delivery that waited for a decision goes out again. Raises Conflict when it no longer waits."""
        done = self.connection.execute(
            update(delivery)
            .where(delivery.c.id == delivery_id, delivery.c.state.in_(from_states))
            .values(for_day=for_day, waits_for="", version=delivery.c.version + 1)
        )
        if not done.rowcount:
            raise Conflict("This delivery went on meanwhile. Look at it again.", delivery=delivery_id)
        expect_on_the_day_of(self.connection, delivery_id)

    def tried_lines(self, line_ids: Collection[int]) -> dict[int, Outcome]:
        """Of these order lines those whose goods were at a door, or were to be, for nothing and go out again: how the
        last try ended."""
        found: dict[int, Outcome] = {}
        for part in parts(line_ids):
            query = (
                select(allocation.c.order_line_id, proof.c.outcome)
                .join(delivery_line, delivery_line.c.allocation_id == allocation.c.id)
                .join(delivery, delivery.c.id == delivery_line.c.delivery_id)
                .join(proof, proof.c.delivery_id == delivery.c.id)
                .where(
                    allocation.c.order_line_id.in_(part),
                    delivery.c.direction == "deliver",
                    delivery.c.state.in_(("released", "loaded", "dispatched", "under_way")),
                )
                .order_by(proof.c.captured_at, proof.c.id)
            )
            found |= {line_id: Outcome(outcome) for line_id, outcome in self.connection.execute(query)}
        return found

    def lines_of(self, delivery_ids: Collection[int]) -> set[int]:
        """The order lines of which these deliveries bring something."""
        found: set[int] = set()
        for part in parts(delivery_ids):
            query = (
                select(allocation.c.order_line_id)
                .join(delivery_line, delivery_line.c.allocation_id == allocation.c.id)
                .where(delivery_line.c.delivery_id.in_(part))
            )
            found.update(self.connection.scalars(query))
        return found

    def cancel_units(self, *, line_id: int, quantity: int) -> None:
        """Takes units off an order line. Raises Conflict when it does not want so many any more."""
        self.touched_lines.add(line_id)
        done = self.connection.execute(
            update(order_line)
            .where(order_line.c.id == line_id, quantity <= ORDERED)
            .values(cancelled=order_line.c.cancelled + quantity)
        )
        if not done.rowcount:
            raise Conflict("This order was changed meanwhile. Look at it again.", line=line_id)

    def collect_from(self, site_id: int) -> CollectFrom:
        """Raises NotFound."""
        row = self.connection.execute(
            select(site.c.id, site.c.name, customer.c.name.label("customer"), customer.c.tier)
            .join(customer, customer.c.id == site.c.customer_id)
            .where(site.c.id == site_id)
        ).first()
        if row is None:
            raise NotFound(f"There is no site {site_id}.", site=site_id)
        return CollectFrom(site_id=row.id, site=row.name, customer=row.customer, tier=row.tier)

    def is_returnable(self, product_id: int) -> bool:
        return bool(self.connection.scalar(select(product.c.returnable).where(product.c.id == product_id)))

    def depot_of_site(self, site_id: int) -> int:
        """The depot that last delivered there, else that of its zone, else the first. Raises NotFound for none."""
        return int(
            self.connection.scalar(
                select(delivery.c.depot_id)
                .where(delivery.c.site_id == site_id, delivery.c.state != "unreleased")
                .order_by(delivery.c.id.desc())
                .limit(1)
            )
            or self.connection.scalar(
                select(zone.c.depot_id).join(site, site.c.delivery_zone_id == zone.c.id).where(site.c.id == site_id)
            )
            or self.connection.scalar(select(func.min(depot.c.id)))
            or self._no_depot()
        )

    def _no_depot(self) -> int:
        raise NotFound("There is no depot. Import the fleet first.", code="depot")

    def newest_order_of(self, site_id: int) -> tuple[int, str] | None:
        """Key and number of the site's newest order that was not cancelled; None for none."""
        row = self.connection.execute(
            select(order.c.id, order.c.number)
            .where(order.c.site_id == site_id, order.c.cancelled_at.is_(None))
            .order_by(order.c.ordered_at.desc(), order.c.id.desc())
            .limit(1)
        ).first()
        return None if row is None else (row.id, row.number)

    def add_empties(self, *, delivery_id: int, product_id: int, quantity: int, order_id: int | None) -> None:
        """A line of a collection that no allocation knows of."""
        self.connection.execute(
            insert(empties_line).values(
                delivery_id=delivery_id, product_id=product_id, quantity=quantity, order_id=order_id
            )
        )

    def handed_over(self, *, site_id: int, product_id: int) -> list[HandedOver]:
        """What the site has of a product by our deliveries, less what was fetched or is to be; the oldest first."""
        left = left_at_the_customer()
        rows = self.connection.execute(
            select(allocation.c.id, order.c.id.label("order_id"), order.c.number, supply.c.depot_id, left.label("left"))
            .join(supply, supply.c.id == allocation.c.supply_id)
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            .join(order, order.c.id == order_line.c.order_id)
            .where(order.c.site_id == site_id, order_line.c.product_id == product_id, left > 0)
            .order_by(order.c.ordered_at, allocation.c.id)
        )
        return [
            HandedOver(
                allocation_id=row.id,
                order_id=row.order_id,
                order=row.number,
                depot_id=row.depot_id,
                quantity=int(row.left),
            )
            for row in rows
        ]

    def credit_units(self, *, line_id: int, quantity: int) -> None:
        """Units of an order line are paid back. Raises Conflict when more would be than were ordered."""
        done = self.connection.execute(
            update(order_line)
            .where(order_line.c.id == line_id, order_line.c.credited + quantity <= order_line.c.quantity)
            .values(credited=order_line.c.credited + quantity)
        )
        if not done.rowcount:
            raise Conflict("More of this line would be credited than was ordered. Look at the order.", line=line_id)

    def given_up(self, units: Mapping[int, int]) -> list[GivenUp]:
        """These units by order line, gathered by order."""
        rows = self.connection.execute(
            select(
                order_line.c.id,
                order_line.c.unit_price,
                product.c.number.label("sku"),
                product.c.name.label("product"),
                product.c.unit,
                order.c.id.label("order_id"),
                order.c.number,
                order.c.customer_reference,
                order.c.currency,
                order.c.payment,
                order.c.collect_at_door,
                order.c.collect_worth,
                order.c.customer_id,
                order.c.site_id,
                customer.c.name.label("customer"),
                customer.c.salesperson,
                site.c.name.label("site"),
                depot.c.zone,
            )
            .join_from(order_line, order, order.c.id == order_line.c.order_id)
            .join(product, product.c.id == order_line.c.product_id)
            .join(customer, customer.c.id == order.c.customer_id)
            .join(site, site.c.id == order.c.site_id)
            .join(depot, depot.c.id == order.c.depot_id)
            .where(order_line.c.id.in_(sorted(units)))
            .order_by(order.c.id, order_line.c.id)
        ).all()
        return [
            GivenUp(
                order_id=head.order_id,
                order=head.number,
                references=(head.customer_reference,) if head.customer_reference else (),
                customer_id=head.customer_id,
                customer=head.customer,
                site_id=head.site_id,
                site=head.site,
                currency=head.currency,
                payment=payment_of(head.payment, amount=head.collect_at_door, worth=head.collect_worth),
                salesperson=head.salesperson,
                zone=head.zone,
                lines=tuple(
                    GivenUpLine(
                        line_id=row.id,
                        sku=row.sku,
                        name=row.product,
                        unit=row.unit,
                        quantity=units[row.id],
                        price=row.unit_price,
                    )
                    for row in (head, *others)
                ),
            )
            for head, *others in (list(group) for _order, group in groupby(rows, key=lambda row: row.order_id))
        ]

    def site_of_delivery(self, delivery_id: int) -> int:
        return int(self.connection.scalar(select(delivery.c.site_id).where(delivery.c.id == delivery_id)) or 0)

    def orders_of_delivery(self, delivery_id: int) -> list[int]:
        return sorted(
            set(
                self.connection.scalars(
                    select(order_line.c.order_id)
                    .join_from(delivery_line, allocation, allocation.c.id == delivery_line.c.allocation_id)
                    .join(order_line, order_line.c.id == allocation.c.order_line_id)
                    .where(delivery_line.c.delivery_id == delivery_id)
                )
            )
        )
