"""The store's part for the ledger of where goods are."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import case, func, insert, or_, select

from data.store.part import StorePart
from data.tables import movement


class MovementStore(StorePart):
    def add_movement(
        self,
        *,
        at: datetime,
        product_id: int,
        quantity: int,
        from_place: str,
        to_place: str,
        why: str,
        by: str,
        allocation_id: int | None = None,
        delivery_id: int | None = None,
        supply_id: int | None = None,
    ) -> int:
        """Writes down that goods went from one place to another; returns the movement's id."""
        moved: int = self.connection.execute(
            insert(movement)
            .values(
                at=at,
                product_id=product_id,
                quantity=quantity,
                from_place=from_place,
                to_place=to_place,
                why=why,
                by=by,
                allocation_id=allocation_id,
                delivery_id=delivery_id,
                supply_id=supply_id,
            )
            .returning(movement.c.id)
        ).scalar_one()
        return moved

    def goods_at(self, place: str) -> dict[int, int]:
        """Base units per product at a place, by the ledger; products with none are left out."""
        change = case((movement.c.to_place == place, movement.c.quantity), else_=-movement.c.quantity)
        query = (
            select(movement.c.product_id, func.sum(change).label("units"))
            .where(or_(movement.c.to_place == place, movement.c.from_place == place))
            .where(movement.c.to_place != movement.c.from_place)
            .group_by(movement.c.product_id)
        )
        return {row.product_id: int(row.units) for row in self.connection.execute(query) if row.units}
