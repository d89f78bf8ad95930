"""What an order line still needs and what a supply can give, in SQL: the one place that says which units count as what.

Of 10 ordered and 2 cancelled, 3 loaded, 1 delivered and 1 refused, a line still needs 3. Short and damaged units are
not served: they wait again. Refused ones are settled by a decision: redelivering moves them back.
Of an inbound of 96 of which 60 were counted in and 12 will not come, 24 are to come; of a receipt of 60 with 4 in
quarantine, 56 are sellable.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ColumnElement, ScalarSelect, func, or_, select

from data.tables import allocation, customer, order, order_line, promise, supply

SERVED = allocation.c.loaded + allocation.c.delivered + allocation.c.refused
"""Units of an allocation that its line does not need a second time."""
COMMITTED = allocation.c.released + allocation.c.picked
"""Units cleared to go out that still lie at the depot."""
HELD = allocation.c.allocated + COMMITTED
"""Units that lie at the depot, or are still to come, and are the line's."""
SETTLED = allocation.c.delivered + allocation.c.refused
"""Units that reached the customer, or that the customer refused: what is on a van has not."""
GONE = SERVED + allocation.c.short + allocation.c.damaged
"""Units that have left their supply for good."""
ORDERED = order_line.c.quantity - order_line.c.cancelled
"""Units of a line that the customer still wants in all, delivered ones included."""

SELLABLE = supply.c.quantity - supply.c.quarantined
"""Units of a receipt that may be promised to somebody, those that have left included."""
TO_COME = supply.c.quantity - supply.c.received - supply.c.closed_short
"""Units of an inbound that are still to come; below 0 when more was counted in than expected."""


def units_of_line(units: ColumnElement[Any]) -> ColumnElement[int]:
    """The sum of `units` over the allocations of the order line that the query stands on; 0 without any."""
    return (
        select(func.coalesce(func.sum(units), 0))
        .where(allocation.c.order_line_id == order_line.c.id)
        .correlate(order_line)
        .scalar_subquery()
    )


def still_needed() -> ColumnElement[int]:
    """Ordered − cancelled − loaded, delivered or refused, of the order line that the query stands on."""
    return ORDERED - units_of_line(SERVED)


def is_held() -> ColumnElement[bool]:
    """Whether the order that the query stands on, joined with its customer, is on hold, waits for its payment, or is of
    a customer on hold: nothing of it is released, and nobody is told a day. What is paid at the door waits for none."""
    pays_first = (order.c.payment == "pending") & (func.coalesce(order.c.collect_at_door, 0) == 0)
    return or_(order.c.hold_reason != "", customer.c.payment_hold != "", pays_first)


def newest_promise(line_id: Column[int]) -> ScalarSelect[int]:
    """The version of the last promise of the line that `line_id` names in the query around it; NULL without any."""
    return (
        select(func.max(promise.c.version))
        .where(promise.c.order_line_id == line_id)
        .correlate(line_id.table)
        .scalar_subquery()
    )
