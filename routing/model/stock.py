"""Goods: what is there or expected, who it is promised to, and what was counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from routing.errors import InvalidInput

MOST_UNITS = 100_000_000
"""The largest count that is believed, in base units: sums of such stay far inside what a database column holds."""


class SupplyKind(StrEnum):
    INBOUND = "inbound"
    RECEIPT = "receipt"


class UnitState(StrEnum):
    """Where the units of an allocation are. They always add up to its quantity."""

    ALLOCATED = "allocated"
    RELEASED = "released"
    PICKED = "picked"
    LOADED = "loaded"
    DELIVERED = "delivered"
    SHORT = "short"
    REFUSED = "refused"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """Units of one SKU at one depot: counted in (a receipt) or still to come (an inbound).

    `quantity` is what may be promised from it, in base units: without what is quarantined, without what a receipt
    has already counted in, without what will not come. `ready_at` is when it can be loaded (put-away included); None
    for an inbound without a date. `inbound_id` names the inbound that a receipt fulfils.
    """

    id: int
    kind: SupplyKind
    number: str
    product_id: int
    quantity: int
    ready_at: datetime | None
    inbound_id: int | None = None

    @property
    def is_stock(self) -> bool:
        return self.kind is SupplyKind.RECEIPT


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one order line holds of one supply, in base units.

    `allocated` may still be decided again; `committed` is released or picked; `gone` has left the shelf (loaded,
    delivered, short, refused or damaged) and nothing brings it back to this supply. `for_day` is the latest day the
    committed units go out for, "" if none are.
    """

    supply_id: int
    line_id: int
    allocated: int = 0
    committed: int = 0
    gone: int = 0
    for_day: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """So many base units of one supply for one order line."""

    line_id: int
    supply_id: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A quantity of one SKU that arrived and was counted. `quarantined` of it is not sellable.

    With `inbound_id` it fulfils that inbound, and unless `more_to_come` what is missing will not come.
    """

    number: str
    depot_id: int
    product_id: int
    sku: str
    quantity: int
    quarantined: int = 0
    counted_at: datetime
    inbound_id: int | None = None
    more_to_come: bool = False

    def __post_init__(self) -> None:
        if self.quantity < 0 or not 0 <= self.quarantined <= self.quantity:
            raise InvalidInput(
                f"Receipt {self.number} counts {self.quantity} of {self.sku} with {self.quarantined} quarantined: "
                "count at least 0, and quarantine no more than was counted."
            )
        if self.quantity > MOST_UNITS:
            raise InvalidInput(
                f"Receipt {self.number} counts {self.quantity} of {self.sku}: at most {MOST_UNITS} are believed. "
                "Look at the count again."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedBefore:
    """What was counted in under a receipt's number and SKU, whatever a recount or an inspection found later.

    `depot` is the number of the depot that has it, `inbound` that of the inbound it fulfilled, "" for none.
    """

    quantity: int
    quarantined: int
    depot_id: int
    depot: str
    inbound_id: int | None
    inbound: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierCount:
    """A receipt by which something of an inbound was counted in: so many base units, whatever a recount found later.

    `counted_at` on the clock of the depot; `by` is who counted, a person's name where one did.
    """

    inbound: str
    number: str
    quantity: int
    counted_at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInbound:
    """A line of an inbound of which `left` base units may still come. `version` is the row's when it was read."""

    id: int
    number: str
    depot_id: int
    product_id: int
    sku: str
    left: int
    received: int
    closed_short: int
    expected_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LapsedInbound:
    """A line of an inbound whose day has passed: `left` base units that were not counted in. `supplier` "": unnamed."""

    id: int
    number: str
    supplier: str
    product_id: int
    sku: str
    left: int
    expected_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundLines:
    """All lines of an inbound at a depot, counted in and cancelled ones too, by key."""

    depot_id: int
    number: str
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfOfReceipt:
    """What is left of a receipt: `here` sellable base units lie at the depot, of `quantity` that were counted."""

    id: int
    number: str
    quantity: int
    here: int
    counted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """What is still to come of an inbound; `day` is ISO at the depot, "" without a date."""

    number: str
    day: str
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuStock:
    """A SKU at a depot, in base units: `on_hand` lie there, `allocated` of them are held by orders, `inbound` is still
    to come and `on_inbound` of that is held too. `wanted` has not left the depot, by `lines` order lines; `uncovered`
    of it are more than lies there and is to come, as replenishment counts them; `next_expected` is the soonest ISO day
    on which one of them is expected, "" for none."""

    product_id: int
    sku: str
    name: str
    unit: str
    depot_id: int
    depot: str
    depot_name: str
    on_hand: int
    allocated: int
    available: int
    inbound: int
    on_inbound: int
    wanted: int
    lines: int
    uncovered: int
    next_expected: str
    coming: tuple[Coming, ...] = ()

    @property
    def unallocated(self) -> int:
        """Wanted units that hold neither goods nor inbound, whether or not some would do."""
        return max(0, self.wanted - self.allocated - self.on_inbound)
