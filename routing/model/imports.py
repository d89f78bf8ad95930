"""What comes in by file: orders as their rows say, and what became of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from routing.model.orders import LineChange

MOST_ERRORS = 1_000
"""So many faults are spelled out; more are counted. A file of a million bad rows must not fill the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """What was left out: the row in the file (1 is the header), and what is wrong with the mend."""

    row: int
    what: str


@dataclass(slots=True, kw_only=True)
class ImportResult:
    """What a file did, or would do (`dry_run`). `tasks` counts changes that wait for a person, `for_a_person` names
    their orders, `rows_for_a_person` their rows; `cancelled` names the orders among the `changed` of which nothing is
    wanted any more, and `delivered_elsewhere` those that the shop fulfilled itself.

    `unchanged` were here before and are the same. `settled` counts, by the reason, the orders of a shop that need
    nothing from us (cancelled, already fulfilled) and are not here, each time the file is read. `notes` says what was
    decided about the file as a whole. `made` has the numbers of what nobody knew and a shop's orders needed:
    "customers", "sites", "products".

    `moved`: what a file of orders does to orders that are not in it, and one of inbound or counts to any; `besides`:
    other lines of which customers hear, of an earlier day or their first one, and where those of the file's own orders
    are told, whatever they hear; `heard_by`: how their customers hear of it, by the order's key, "message" or "call";
    `answer_by`: of those who are asked, also by a call, by the order's key, the last ISO day for an answer; `warnings`:
    orders that fall apart by it; `again`: a sentence for each count that a file said before, of goods that moved since,
    which is `unchanged`; `currency`: the company's, for the sums.
    """

    kind: str
    dry_run: bool = False
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    lines: int = 0
    tasks: int = 0
    cancelled: list[str] = field(default_factory=list)
    delivered_elsewhere: list[str] = field(default_factory=list)
    for_a_person: list[str] = field(default_factory=list)
    rows_for_a_person: list[int] = field(default_factory=list)
    settled: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    made: dict[str, set[str]] = field(default_factory=dict)
    moved: list[LineChange] = field(default_factory=list)
    besides: list[LineChange] = field(default_factory=list)
    heard_by: dict[int, str] = field(default_factory=dict)
    answer_by: dict[int, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    currency: str = ""
    errors: list[RowError] = field(default_factory=list)
    errors_left_off: int = 0

    def left_out(self, row: int, what: str) -> None:
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(RowError(row=row, what=what))
        else:
            self.errors_left_off += 1

    @property
    def heard(self) -> list[LineChange]:
        """Every line of whose order the customer may hear something."""
        return [*self.moved, *self.besides]

    @property
    def ended(self) -> int:
        """The orders among the `changed` of which nothing waits any more."""
        return len(self.cancelled) + len(self.delivered_elsewhere)

    def settle(self, reason: str) -> None:
        self.settled[reason] = self.settled.get(reason, 0) + 1

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
    """An order as its file says, its customer, site, depot and SKUs found. Money in minor units, days ISO or "".

    What a shop says on top: `charged`, its sums in minor units, so that discounts and taxes stay known; `closed`, why
    the whole order needs nothing more ("cancelled", "refunded", "voided" or "fulfilled"); `closed_lines`, the numbers
    of the lines of which that is true. `unsaid`: fields, and of the lines "unit_price", of which the file says nothing
    at all: an order that is there keeps its own.
    """

    row: int
    source: str = "own"
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
    min_value: int = 0
    max_wait_days: int | None = None
    max_shipments: int | None = None
    hold_reason: str = ""
    payment: str = "ok"
    collect_at_door: int = 0
    urgent_by: str = ""
    note: str = ""
    currency: str = ""
    charged: Mapping[str, Any] | None = None
    closed: str = ""
    closed_lines: tuple[str, ...] = ()
    lines: tuple[LineIn, ...] = ()
    unsaid: frozenset[str] = frozenset()
