"""The store's part for goods that an ERP allocates: its releases, and what goes back to it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, insert, select, update

from data.queries.needs import COMMITTED, ORDERED
from data.store.part import StorePart, parts
from data.tables import allocation, delivery_line, order_line, setting, supply
from routing.errors import Conflict

_ON_ITS_WAY = COMMITTED + allocation.c.loaded
_TAKEN = _ON_ITS_WAY + allocation.c.delivered + allocation.c.refused


class ErpStore(StorePart):
    def erp_allocates(self) -> bool:
        """Whether the company lets its ERP allocate; we do unless it was switched."""
        row = self.connection.execute(select(setting.c.value).where(setting.c.name == "allocation")).first()
        return row is not None and row.value.get("by") == "erp"

    def released_by_erp(self, delivery_ids: Collection[int]) -> set[int]:
        """Those of the deliveries whose goods the ERP released."""
        found: set[int] = set()
        for part in parts(delivery_ids):
            found |= set(
                self.connection.scalars(
                    select(delivery_line.c.delivery_id)
                    .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
                    .join(supply, supply.c.id == allocation.c.supply_id)
                    .where(delivery_line.c.delivery_id.in_(part), supply.c.source == "erp")
                )
            )
        return found

    def give_up_claims(self, line_ids: Collection[int]) -> None:
        """Unreleased units that these lines hold are nobody's any more."""
        self.touched_lines.update(line_ids)
        for part in parts(line_ids):
            self.connection.execute(
                update(allocation)
                .where(allocation.c.order_line_id.in_(part), allocation.c.allocated > 0)
                .values(quantity=allocation.c.quantity - allocation.c.allocated, allocated=0)
            )

    def taken_of(self, line_ids: Collection[int]) -> dict[int, int]:
        """Base units of each line that are released, on a van, delivered or refused."""
        found: dict[int, int] = {}
        for part in parts(line_ids):
            query = (
                select(allocation.c.order_line_id, func.sum(_TAKEN).label("units"))
                .where(allocation.c.order_line_id.in_(part))
                .group_by(allocation.c.order_line_id)
            )
            found |= {row.order_line_id: int(row.units) for row in self.connection.execute(query)}
        return found

    def add_released(self, *, supply_id: int, line_id: int, quantity: int, at: datetime) -> int:
        """Units that are released the moment they are there; returns the allocation's key."""
        self.touched_lines.add(line_id)
        made: int = self.connection.execute(
            insert(allocation)
            .values(supply_id=supply_id, order_line_id=line_id, quantity=quantity, released=quantity, at=at)
            .returning(allocation.c.id)
        ).scalar_one()
        return made

    def take_back_released(self, *, allocation_id: int, quantity: int) -> int:
        """Takes released units off their order and off the receipt that brought them; returns the receipt's key.

        Raises Conflict when so many are not there.
        """
        self.touched_allocations.add(allocation_id)
        taken = self.connection.execute(
            update(allocation)
            .where(allocation.c.id == allocation_id, allocation.c.released >= quantity)
            .values(released=allocation.c.released - quantity, quantity=allocation.c.quantity - quantity)
            .returning(allocation.c.supply_id)
        ).first()
        if taken is None:
            raise Conflict("These goods were changed meanwhile. Read again and decide again.")
        self.connection.execute(
            update(supply)
            .where(supply.c.id == taken.supply_id)
            .values(quantity=supply.c.quantity - quantity, version=supply.c.version + 1)
        )
        return int(taken.supply_id)

    def cancel_what_is_open(self, delivery_ids: Collection[int]) -> None:
        """Of the order lines on these deliveries nothing waits with us: what nobody is bringing is cancelled."""
        lines = {
            line_id
            for part in parts(delivery_ids)
            for line_id in self.connection.scalars(
                select(allocation.c.order_line_id)
                .join(delivery_line, delivery_line.c.allocation_id == allocation.c.id)
                .where(delivery_line.c.delivery_id.in_(part))
            )
        }
        self.give_up_claims(lines)
        taken = self.taken_of(lines)
        for line_id in sorted(lines):
            units = taken.get(line_id, 0)
            self.connection.execute(
                update(order_line)
                .where(order_line.c.id == line_id, units < ORDERED)
                .values(cancelled=order_line.c.quantity - units, expected_on="")
            )
