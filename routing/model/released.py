"""What an ERP that allocates itself has released: quantities of an order to go out on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedLine:
    """Base units of one line. `unit_price` in minor units, for papers and figures."""

    number: str
    product_id: int
    sku: str
    quantity: int
    erp_reference: str = ""
    unit_price: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedOrder:
    """The part of an order that one release of the ERP sends out on `day` (ISO), its customer, site and SKUs found.

    `collect_at_door`: what its door pays for this part, minor units of `currency`; None where the file does not say.
    """

    row: int
    release: str
    order: str
    day: str
    customer_id: int
    site_id: int
    depot_id: int
    ordered_at: datetime
    tier: int
    currency: str
    customer_reference: str = ""
    erp_reference: str = ""
    note: str = ""
    collect_at_door: int | None = None
    lines: tuple[ReleasedLine, ...] = ()

    @property
    def key(self) -> str:
        """Names this release of this order: the number of its receipts, and what tells the same file again."""
        return f"{self.release}/{self.order}"
