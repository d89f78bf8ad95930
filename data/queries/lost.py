"""What was lost in a van: units of a delivery that nobody took and that the evening's count did not find.

The delivery goes out again without them, so its lines say less than the list that the driver had. What a past list, its
proof and its figures say was sent is what the lines say now, and what was lost since.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, func, or_, select

from data.tables import allocation, delivery, manifest, movement, order_line, proof
from routing.model.day import LOST_AFTER_THE_DOOR


@dataclass(frozen=True, slots=True, kw_only=True)
class LostUnits:
    """`quantity` base units that came back from no attempt after the `attempt`-th, which was on `day`."""

    delivery_id: int
    number: str
    allocation_id: int
    order_line_id: int
    product_id: int
    quantity: int
    attempt: int
    day: str


def lost_units() -> Subquery:
    """One row for each loss, with the last attempt that was reported before it was counted."""
    return _counted_off(movement.c.to_place == "lost", movement.c.why != LOST_AFTER_THE_DOOR).subquery("lost_units")


def counted_back(connection: Connection, delivery_ids: Collection[int], *, day: str) -> dict[int, int]:
    """By order line, the units of these deliveries that came off a van when it was counted after that day's round:
    undelivered, refused, damaged, or short and found after all."""
    places = [movement.c.to_place.like(f"{kind}:%") for kind in ("depot", "returned", "quarantine")]
    back = _counted_off(or_(*places), movement.c.why.like("came back%"))
    return _by_line(connection, back, delivery_ids, day=day)


def lost_after_the_door(connection: Connection, delivery_ids: Collection[int], *, day: str) -> dict[int, int]:
    """By order line, the units that a door left on the van, short, damaged or refused, and that the count after that
    day's round did not find."""
    return _by_line(connection, _counted_off(movement.c.why == LOST_AFTER_THE_DOOR), delivery_ids, day=day)


def _by_line(
    connection: Connection, moved: Select[*tuple[Any, ...]], delivery_ids: Collection[int], *, day: str
) -> dict[int, int]:
    back = moved.subquery("moved")
    rows = connection.execute(
        select(allocation.c.order_line_id, func.sum(back.c.quantity).label("units"))
        .select_from(back)
        .join(allocation, allocation.c.id == back.c.allocation_id)
        .join(delivery, delivery.c.id == back.c.delivery_id)
        .where(back.c.delivery_id.in_(delivery_ids), back.c.day == day, delivery.c.direction == "deliver")
        .group_by(allocation.c.order_line_id)
    )
    return {row.order_line_id: int(row.units) for row in rows}


def _counted_off(*where: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Movements off a van of units that were promised, with the last attempt and its day before each."""
    reported = (
        select(func.max(proof.c.attempt))
        .where(proof.c.delivery_id == movement.c.delivery_id, proof.c.received_at <= movement.c.at)
        .correlate(movement)
        .scalar_subquery()
    )
    tried = proof.alias("tried")
    return (
        select(
            movement.c.id,
            movement.c.delivery_id,
            movement.c.allocation_id,
            movement.c.product_id,
            movement.c.quantity,
            tried.c.attempt,
            manifest.c.day,
        )
        .select_from(movement)
        .join(tried, and_(tried.c.delivery_id == movement.c.delivery_id, tried.c.attempt == reported))
        .join(manifest, manifest.c.id == tried.c.manifest_id)
        .where(
            movement.c.from_place.like("vehicle:%"),
            movement.c.allocation_id.is_not(None),
            *where,
        )
    )


def lost_of(connection: Connection, delivery_ids: Collection[int]) -> tuple[LostUnits, ...]:
    """Every loss of these deliveries, in the order in which they were counted."""
    lost = lost_units()
    rows = connection.execute(
        select(
            lost.c.delivery_id,
            delivery.c.number,
            lost.c.allocation_id,
            allocation.c.order_line_id,
            order_line.c.product_id,
            lost.c.quantity,
            lost.c.attempt,
            lost.c.day,
        )
        .select_from(lost)
        .join(delivery, delivery.c.id == lost.c.delivery_id)
        .join(allocation, allocation.c.id == lost.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .where(lost.c.delivery_id.in_(delivery_ids))
        .order_by(lost.c.id)
    )
    return tuple(LostUnits(**row._asdict()) for row in rows)
