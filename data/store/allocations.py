"""The store's part for allocations: who holds how many units of which supply, and in which state."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import batched

from sqlalchemy import Integer, bindparam, case, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from data.queries.needs import COMMITTED, ORDERED, SELLABLE, SERVED, TO_COME
from data.store.part import AT_ONCE, StorePart, parts
from data.tables import allocation, delivery, delivery_line, order, order_line, supply
from routing.errors import Conflict, InvalidInput
from routing.model.stock import Claim, UnitState


class AllocationStore(StorePart):
    def set_claims(self, changes: Sequence[tuple[int, int, int, int]], *, at: datetime) -> None:
        """Sets the unreleased units that lines hold of supplies: (line, supply, units before, units after), in order.

        Raises Conflict when one of them does not hold what it held before.
        """
        self.touched_lines.update(line_id for line_id, _, _, _ in changes)
        units = bindparam("units", type_=Integer)
        query = (
            update(allocation)
            .where(
                allocation.c.supply_id == bindparam("of_supply"),
                allocation.c.order_line_id == bindparam("of_line"),
                allocation.c.allocated == bindparam("was"),
            )
            .values(
                allocated=units,
                quantity=allocation.c.quantity - allocation.c.allocated + units,
                at=at,
            )
        )
        for some in batched(changes, AT_ONCE):
            changed = self.connection.execute(
                query,
                [
                    {"of_line": line_id, "of_supply": supply_id, "was": before, "units": after}
                    for line_id, supply_id, before, after in some
                ],
            )
            if changed.rowcount != len(some):
                raise Conflict("These goods were given to somebody else meanwhile. Read again and decide again.")

    def add_claims(self, claims: Iterable[Claim], *, at: datetime) -> None:
        """Gives units to lines that hold none of that supply unreleased; many at once, for a whole file.

        Who calls it holds the pools' locks and asks `check_allocations` afterwards.
        """
        dialect = sqlite if self.connection.dialect.name == "sqlite" else postgresql
        new = dialect.insert(allocation)
        query = new.on_conflict_do_update(
            index_elements=[allocation.c.supply_id, allocation.c.order_line_id],
            set_={
                "allocated": allocation.c.allocated + new.excluded.allocated,
                "quantity": allocation.c.quantity + new.excluded.quantity,
                "at": new.excluded.at,
            },
        )
        for some in batched(claims, AT_ONCE):
            self.touched_lines.update(claim.line_id for claim in some)
            rows = [
                {
                    "supply_id": claim.supply_id,
                    "order_line_id": claim.line_id,
                    "quantity": claim.quantity,
                    "allocated": claim.quantity,
                    "at": at,
                }
                for claim in some
            ]
            self.connection.execute(query, rows)

    def move_units(self, *, allocation_id: int, from_state: UnitState, to_state: UnitState, quantity: int) -> None:
        """Moves units of one allocation to another state. Raises Conflict when so many are not in `from_state`."""
        before, after = allocation.c[from_state.value], allocation.c[to_state.value]
        if from_state is to_state or quantity < 0:
            raise InvalidInput(f"{quantity} units cannot move from {from_state} to {to_state}.")
        self.touched_allocations.add(allocation_id)
        moved = self.connection.execute(
            update(allocation)
            .where(allocation.c.id == allocation_id, before >= quantity)
            .values({before: before - quantity, after: after + quantity})
        )
        if not moved.rowcount:
            raise Conflict(
                f"Allocation {allocation_id} no longer has {quantity} units {from_state}. Read again and decide again.",
                allocation=allocation_id,
            )

    def move_committed(
        self, *, line_id: int, from_supply: int, to_supply: int | None, quantity: int, at: datetime
    ) -> list[int]:
        """Moves released or picked units of a line to another supply, its deliveries with them; None: they are lost.

        Released before picked, the latest delivery first. Returns the deliveries touched; one that is left without
        any goods becomes `unreleased`. Raises Conflict when they are no longer there.
        """
        self.touched_lines.add(line_id)
        source = self.connection.execute(
            select(allocation).where(allocation.c.supply_id == from_supply, allocation.c.order_line_id == line_id)
        ).one()
        by_state = {"released": min(quantity, source.released)}
        by_state["picked"] = quantity - by_state["released"]
        for state, units in by_state.items():
            if not units:
                continue
            column = allocation.c[state]
            moved = self.connection.execute(
                update(allocation)
                .where(allocation.c.id == source.id, column >= units)
                .values({column: column - units, allocation.c.quantity: allocation.c.quantity - units})
            )
            if not moved.rowcount:
                raise Conflict("These goods were loaded meanwhile. Read again and decide again.")
        target_id = None
        if to_supply is not None:
            self.insert_once(
                allocation, {"supply_id": to_supply, "order_line_id": line_id, "quantity": 0, "allocated": 0, "at": at}
            )
            target_id = self.connection.execute(
                update(allocation)
                .where(allocation.c.supply_id == to_supply, allocation.c.order_line_id == line_id)
                .values(
                    released=allocation.c.released + by_state["released"],
                    picked=allocation.c.picked + by_state["picked"],
                    quantity=allocation.c.quantity + quantity,
                )
                .returning(allocation.c.id)
            ).scalar_one()
        return self._move_delivery_lines(source.id, target_id, quantity)

    def _move_delivery_lines(self, from_id: int, to_id: int | None, quantity: int) -> list[int]:
        touched = []
        rows = self.connection.execute(
            select(delivery_line)
            .join(delivery, delivery.c.id == delivery_line.c.delivery_id)
            .where(
                delivery_line.c.allocation_id == from_id,
                delivery.c.direction == "deliver",  # what is fetched back was handed over and moves no more
                delivery.c.state.in_(["released", "failed", "loaded", "dispatched"]),
            )
            # What is only released first: a delivery that was handed over keeps its goods as long as it can.
            .order_by(case((delivery.c.state == "released", 0), else_=1), delivery.c.id.desc())
        ).all()
        for row in rows:
            if not quantity:
                break
            units = min(quantity, row.quantity)
            quantity -= units
            touched.append(row.delivery_id)
            if units == row.quantity:
                self.connection.execute(delivery_line.delete().where(delivery_line.c.id == row.id))
            else:
                self.connection.execute(
                    update(delivery_line)
                    .where(delivery_line.c.id == row.id)
                    .values(quantity=delivery_line.c.quantity - units)
                )
            if to_id is None:
                continue
            added = self.connection.execute(
                update(delivery_line)
                .where(delivery_line.c.delivery_id == row.delivery_id, delivery_line.c.allocation_id == to_id)
                .values(quantity=delivery_line.c.quantity + units)
            )
            if not added.rowcount:
                self.connection.execute(
                    insert(delivery_line).values(delivery_id=row.delivery_id, allocation_id=to_id, quantity=units)
                )
        if quantity:
            raise Conflict("These goods were loaded meanwhile. Read again and decide again.")
        if to_id is None and touched:
            self.connection.execute(
                update(delivery)
                .where(
                    delivery.c.id.in_(touched),
                    delivery.c.state == "released",
                    ~select(delivery_line.c.id).where(delivery_line.c.delivery_id == delivery.c.id).exists(),
                )
                .values(state="unreleased", version=delivery.c.version + 1)
            )
        return touched

    def check_allocations(self, depot_id: int, product_ids: Collection[int]) -> None:
        """The last word before a commit: raises Conflict if any supply or line is promised more than it has."""
        for part in parts(product_ids):
            most = case((supply.c.kind == "inbound", TO_COME), else_=SELLABLE)
            over = (
                select(supply.c.number)
                .join(allocation, allocation.c.supply_id == supply.c.id)
                .where(supply.c.depot_id == depot_id, supply.c.product_id.in_(part))
                .group_by(supply.c.id, supply.c.number)
                # What is gone may exceed a recount; what is still promised may not.
                .having(
                    (func.sum(allocation.c.allocated + COMMITTED) > 0)
                    & (func.sum(allocation.c.quantity) > func.max(most))
                )
            )
            ordered = (
                select(order_line.c.id)
                .join(order, order.c.id == order_line.c.order_id)
                .join(allocation, allocation.c.order_line_id == order_line.c.id)
                .where(order.c.depot_id == depot_id, order_line.c.product_id.in_(part))
                .group_by(order_line.c.id, order_line.c.quantity, order_line.c.cancelled)
                .having(
                    (func.sum(allocation.c.allocated + COMMITTED) > 0)
                    & (func.sum(allocation.c.allocated + COMMITTED + SERVED) > ORDERED)
                )
            )
            if self.connection.execute(over).first() or self.connection.execute(ordered).first():
                raise Conflict("These goods were given to somebody else meanwhile. Read again and decide again.")
