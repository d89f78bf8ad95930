"""What a customer waits for, line by line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Backorder:
    """A line of which `quantity` base units wait for stock: open and not on the shelf for it, nor released.

    `covered` of them stand on a truck to come. `expected_on`, `promised_on` (what the customer was told last) and
    `due_on` (what it was told first, or wished for last) are ISO days, "" when not known. `days_late` counts from
    `due_on`; `worth` is the money that waits, in minor units of `currency`. `answer_by`: the last ISO day for the
    customer's answer about `promised_on`, while they were asked and have not answered; else "". `wished`: the customer
    wished for `due_on`. `on_hold`: the order, its payment or its customer is on hold; `expected_on` is the day when it
    is let go, and the customer is told none. `zone`: the depot's, by whose days a term ends and a day is over.
    """

    line_id: int
    order_id: int
    order: str
    reference: str
    ordered_at: datetime
    customer_id: int
    customer: str
    site_id: int
    site: str
    sku: str
    name: str
    unit: str
    quantity: int
    covered: int
    expected_on: str
    promised_on: str
    due_on: str
    days_late: int
    worth: int
    currency: str
    answer_by: str
    wished: bool
    on_hold: bool
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListBefore:
    """What the last list to somebody said: per line id its quantity, day and goods."""

    day: str
    lines: dict[str, tuple[int, str, str]]
