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
class GivenUpLine:
    """Base units of an order line that a person decided are not brought any more. `price` in minor units each."""

    line_id: int
    sku: str
    name: str
    unit: str
    quantity: int
    price: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """What one order does not get any more, and what telling and refunding its customer needs."""

    order_id: int
    order: str
    references: tuple[str, ...]
    customer_id: int
    customer: str
    site_id: int
    site: str
    currency: str
    payment: str
    salesperson: str
    zone: str
    lines: tuple[GivenUpLine, ...]

    @property
    def units(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def worth(self) -> int:
        return sum(line.quantity * line.price for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """Base units of one allocation that a site has and that no collection has fetched or is to fetch."""

    allocation_id: int
    order_id: int
    order: str
    depot_id: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectFrom:
    """A door that goods are fetched from. `tier` is its customer's."""

    site_id: int
    site: str
    customer: str
    tier: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedUnits:
    """Base units of one allocation that were refused at the door: they settle their line until somebody decides."""

    allocation_id: int
    line_id: int
    order_id: int
    product_id: int
    quantity: int
