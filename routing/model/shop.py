"""An order as a web shop's export says it: who bought, where it goes, what was charged. Nothing is looked up yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """E-mail in lower case and phone in E.164; each "" when the export has none that can be one."""

    name: str
    company: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where it goes. `unit` is the second line of the address (flat, floor): for the driver, not for the map."""

    name: str
    address: str
    unit: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopLine:
    """`number` is the line's name within its order, the same in every export. Price in minor units."""

    number: str
    sku: str
    name: str
    quantity: int
    unit_price: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopOrder:
    """`lines` are those that still have to be delivered; `closed_lines` the numbers of those that were already.

    `closed`: "cancelled", "refunded", "voided" or "fulfilled", and then nothing of it is needed. `charged` holds the
    shop's sums in minor units. `collect_at_door`: what is paid when it is handed over; None where the export does not
    say how it is paid.
    """

    row: int
    source: str
    number: str
    ordered_at: datetime
    currency: str
    buyer: Buyer
    door: Door
    lines: tuple[ShopLine, ...]
    closed: str = ""
    closed_lines: tuple[str, ...] = ()
    hold_reason: str = ""
    payment: str = "ok"
    collect_at_door: int | None = None
    note: str = ""
    erp_reference: str = ""
    charged: Mapping[str, Any] | None = None
