"""What comes in by file: orders as their rows say, and what became of a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

MOST_ERRORS = 1_000
"""So many faults are spelled out; more are counted. A file of a million bad rows must not fill the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """What was left out: the row in the file (1 is the header), and what is wrong with the mend."""

    row: int
    what: str


@dataclass(slots=True, kw_only=True)
class ImportResult:
    """What a file did, or would do (`dry_run`). `tasks` counts changes that wait for a person."""

    kind: str
    dry_run: bool = False
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    lines: int = 0
    tasks: int = 0
    errors: list[RowError] = field(default_factory=list)
    errors_left_off: int = 0

    def left_out(self, row: int, what: str) -> None:
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(RowError(row=row, what=what))
        else:
            self.errors_left_off += 1

    @property
    def needs_a_person(self) -> bool:
        return bool(self.errors or self.errors_left_off or self.tasks)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineIn:
    number: str
    product_id: int
    sku: str
    quantity: int
    unit_price: int
    promised_on: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIn:
    """An order as its file says, its customer, site, depot and SKUs found. Money in minor units, days ISO or ""."""

    row: int
    number: str
    customer_id: int
    site_id: int
    depot_id: int
    ordered_at: datetime
    wanted_on: str = ""
    not_before: str = ""
    not_after: str = ""
    customer_reference: str = ""
    erp_reference: str = ""
    completeness: str = "partial"
    min_percent: int = 0
    max_wait_days: int | None = None
    max_shipments: int | None = None
    hold_reason: str = ""
    payment: str = "ok"
    urgent_by: str = ""
    note: str = ""
    currency: str = ""
    lines: tuple[LineIn, ...] = ()
