"""After the door: what a person must decide, and what was refused."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorTask:
    """An open task about a delivery. `kind`: door_decision or redelivery."""

    id: int
    kind: str
    delivery_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedUnits:
    """Base units of one allocation that were refused at the door: they settle their line until somebody decides."""

    allocation_id: int
    line_id: int
    order_id: int
    product_id: int
    quantity: int
