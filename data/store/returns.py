"""The store's part for after the door: goods that come back into stock, and decisions about what was not taken."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, insert, select, update

from data.store.stock import StockStore
from data.tables import allocation, delivery, delivery_line, order_line, proof, proof_line, supply, task
from routing.errors import Conflict, NotFound
from routing.model.returns import DoorTask, RefusedUnits
from routing.model.stock import Receipt


class ReturnStore(StockStore):
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

    def cancel_units(self, *, line_id: int, quantity: int) -> None:
        """Takes units off an order line. Raises Conflict when it does not want so many any more."""
        self.touched_lines.add(line_id)
        done = self.connection.execute(
            update(order_line)
            .where(order_line.c.id == line_id, order_line.c.quantity - order_line.c.cancelled >= quantity)
            .values(cancelled=order_line.c.cancelled + quantity)
        )
        if not done.rowcount:
            raise Conflict("This order was changed meanwhile. Look at it again.", line=line_id)

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
