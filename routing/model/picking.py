"""The warehouse's work: what of a delivery is still on the shelf, what was picked, and where it waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class PickUnits:
    """Units of one allocation that a delivery takes, in base units: `picked` of `quantity`.

    `to_come` names the inbound that they are still on; empty when they lie on the shelf.
    """

    allocation_id: int
    supply_id: int
    line_id: int
    quantity: int
    picked: int
    to_come: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PickLine:
    """One SKU of one delivery, from whichever receipts: what a person takes in one grip."""

    product_id: int
    sku: str
    name: str
    unit: str
    barcode: str
    case_pack: int
    units: tuple[PickUnits, ...]

    @property
    def quantity(self) -> int:
        return sum(each.quantity for each in self.units)

    @property
    def picked(self) -> int:
        return sum(each.picked for each in self.units)

    @property
    def left(self) -> int:
        return self.quantity - self.picked

    @property
    def to_come(self) -> str:
        """The inbound that some of it is still on, "" when all of it is on the shelf."""
        return next((each.to_come for each in self.units if each.to_come), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class PickDelivery:
    """A delivery as the warehouse sees it. `state` is the delivery's; `stage` says how far its goods are."""

    id: int
    number: str
    site: str
    depot_id: int
    for_day: str
    direction: str
    state: str
    staged_place: str
    staged_at: datetime | None
    orders: tuple[tuple[int, str], ...]
    lines: tuple[PickLine, ...]

    @property
    def quantity(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def picked(self) -> int:
        return sum(line.picked for line in self.lines)

    @property
    def is_fetched(self) -> bool:
        """Its goods are at the customer's door: there is nothing to pick, and nothing to load."""
        return self.direction == "collect"

    @property
    def whole(self) -> bool:
        """Everything that is to be picked was picked; a collection has nothing to pick."""
        return self.is_fetched or all(not line.left for line in self.lines)

    @property
    def stage(self) -> str:
        """to_pick, part_picked, picked, staged, loaded; gone once the van has left; or taken_back: it does not go."""
        if self.state == "loaded":
            return "loaded"
        if self.state == "unreleased":
            return "taken_back"
        if self.state != "released":
            return "gone"
        if not self.whole:
            return "part_picked" if self.picked else "to_pick"
        return "staged" if self.staged_at is not None else "picked"

    def line_of(self, product_id: int) -> PickLine | None:
        return next((line for line in self.lines if line.product_id == product_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TripPlace:
    """Where a delivery rides in the current plan. `trip` counts within the route, `stop` within the trip, from 1."""

    shift_id: int
    vehicle_id: int
    vehicle: str
    trip: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What was done to a delivery, as its event says."""

    event_id: int
    kind: str
    delivery_id: int
    shift_id: int | None
    data: Mapping[str, Any]
