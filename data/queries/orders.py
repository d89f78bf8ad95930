"""Orders as the pages list them, and how many are in which state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Exists, Select, and_, case, exists, func, or_, select

from data.queries.lateness import days_late, promises_of_lines, wishes
from data.queries.needs import COMMITTED, ORDERED
from data.tables import allocation, customer, event, order, order_line, site, supply
from routing.errors import NotFound
from routing.rules.door_word import REFUSED, Given, door_word
from routing.rules.standing import Stand, Standing
from routing.services.importing import DELIVERED_ELSEWHERE

OPEN_STATES = tuple(each.value for each in Standing)
STATES = (*OPEN_STATES, "delivered", "delivered_elsewhere", "cancelled")
"""The state of an order is derived, never stored. The first that fits:

delivered_elsewhere   the shop delivered it by another way than ours
cancelled   the order was cancelled, or each of its lines
delivered   nothing is open: all that was ordered and not cancelled was delivered or refused
the rest    is open, and stands on the day where `routing.rules.standing` says
"""

_ENDED = ("delivered_elsewhere", "cancelled")
OVER = ("delivered", *_ENDED)

SORTS = ("promised", "late", "worth")
"""`promised`: the oldest promise first. `late`: who was promised a day and has none any
more first, then the most days late. `worth`: the most open money first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """An order in a list. Units are base units over all its lines; `value` minor units of what is open.

    `state` is one of STATES, `why` what `Stand` adds to it. `open` still has to reach the customer, `firm` of it lies
    on the shelf for this order and `released` is cleared to go. `promised_on` is the latest promise of its lines,
    `first_promised_on` what was told first; ISO days or "". `undated`: open lines without a date. `days_late`: of its
    latest line, as `data.queries.lateness` counts. `hold`: why it, its payment or its customer is on hold.
    `word`: what it is called, as `Stand.word` says, or its state; `refused` where nothing is open and none was taken.
    """

    id: int
    number: str
    customer_reference: str
    customer: str
    site: str
    tier: int
    state: str
    why: str
    ordered_at: datetime
    ordered: int
    open: int
    firm: int
    released: int
    delivered: int
    value: int
    currency: str
    wanted_on: str
    first_promised_on: str
    promised_on: str
    expected_on: str
    undated: int
    days_late: int
    hold: str
    word: str

    @property
    def is_over(self) -> bool:
        """Nothing more of it is wanted from us."""
        return self.state in OVER

    @property
    def slipped(self) -> bool:
        return bool(self.first_promised_on) and self.promised_on > self.first_promised_on


def sums_of_lines() -> Any:
    """Per line: units by where they are."""
    firm = case((supply.c.kind == "receipt", allocation.c.allocated), else_=0)
    coming = case((supply.c.kind == "inbound", allocation.c.allocated), else_=0)
    return (
        select(
            allocation.c.order_line_id.label("line_id"),
            func.sum(firm).label("firm"),
            func.sum(coming).label("coming"),
            func.sum(COMMITTED).label("released"),
            func.sum(allocation.c.loaded).label("loaded"),
            func.sum(allocation.c.delivered).label("delivered"),
            func.sum(allocation.c.refused).label("refused"),
            func.sum(allocation.c.short).label("short"),
            func.sum(allocation.c.damaged).label("damaged"),
        )
        .join(supply, supply.c.id == allocation.c.supply_id)
        .group_by(allocation.c.order_line_id)
        .subquery("sums")
    )


def every_order(wished: list[str], *, today: str) -> Any:
    """One row an order, its sums and its state. `wished`: why promises moved at the customer's wish."""
    sums, promises = sums_of_lines(), promises_of_lines(wished)
    wanted = ORDERED

    def total(name: str) -> Any:
        return func.sum(func.coalesce(sums.c[name], 0))

    done = func.coalesce(sums.c.delivered, 0) + func.coalesce(sums.c.refused, 0)
    late = days_late(order_line.c.expected_on, func.coalesce(promises.c.due_on, ""), today=today)
    per_order = (
        select(
            order_line.c.order_id,
            func.sum(wanted).label("ordered"),
            func.sum(wanted - done).label("open"),
            func.sum((wanted - done) * order_line.c.unit_price).label("value"),
            total("firm").label("firm"),
            total("released").label("released"),
            total("loaded").label("loaded"),
            total("delivered").label("delivered"),
            total("refused").label("refused"),
            func.max(func.coalesce(promises.c.first_on, "")).label("first_promised_on"),
            func.max(func.coalesce(promises.c.last_on, "")).label("promised_on"),
            # What has reached the customer is expected no more.
            func.max(case((wanted - done > 0, order_line.c.expected_on), else_="")).label("expected_on"),
            func.max(wanted - done).label("most_open"),
            func.max(case((wanted - done > 0, late), else_=0)).label("days_late"),
            func.sum(case(((wanted - done > 0) & (order_line.c.expected_on == ""), 1), else_=0)).label("undated"),
        )
        .outerjoin(sums, sums.c.line_id == order_line.c.id)
        .outerjoin(promises, promises.c.line_id == order_line.c.id)
        .group_by(order_line.c.order_id)
        .subquery("per_order")
    )
    # Line by line: what came too many of one line is no other's. So the open ones are those that stand somewhere.
    state = case(
        (and_(order.c.cancelled_at.is_not(None), delivered_elsewhere()), "delivered_elsewhere"),
        (order.c.cancelled_at.is_not(None), "cancelled"),
        # Line by line everything was taken off, and none of it ever came: nobody delivered that.
        (
            and_(per_order.c.ordered <= 0, per_order.c.delivered + per_order.c.refused + per_order.c.loaded <= 0),
            "cancelled",
        ),
        (per_order.c.most_open <= 0, "delivered"),
        else_="open",
    )
    hold = case(
        (order.c.hold_reason != "", order.c.hold_reason),
        ((order.c.payment == "pending") & (order.c.collect_at_door == 0), "payment pending"),
        else_=customer.c.payment_hold,
    )
    return (
        select(
            order.c.id,
            order.c.number,
            order.c.customer_reference,
            order.c.erp_reference,
            customer.c.name.label("customer"),
            site.c.name.label("site"),
            customer.c.tier,
            state.label("state"),
            order.c.ordered_at,
            per_order.c.ordered,
            per_order.c.open,
            per_order.c.firm,
            per_order.c.released,
            per_order.c.delivered,
            per_order.c.refused,
            per_order.c.value,
            order.c.currency,
            order.c.wanted_on,
            per_order.c.first_promised_on,
            per_order.c.promised_on,
            per_order.c.expected_on,
            per_order.c.undated,
            # Who cancelled waits for nothing, and owes nothing.
            case((order.c.cancelled_at.is_(None), per_order.c.days_late), else_=0).label("days_late"),
            hold.label("hold"),
        )
        .join(per_order, per_order.c.order_id == order.c.id)
        .join(customer, customer.c.id == order.c.customer_id)
        .join(site, site.c.id == order.c.site_id)
        .subquery("orders")
    )


def delivered_elsewhere() -> Exists:
    """Whether the event of an order says so: a closed order is not asked of anything else."""
    return exists().where(event.c.order_id == order.c.id, event.c.kind == DELIVERED_ELSEWHERE)


def row_of(row: Any, stands: Mapping[int, Stand]) -> OrderRow:
    values = dict(row)
    values.pop("erp_reference")
    refused = int(values.pop("refused") or 0)
    for name in ("ordered", "open", "firm", "released", "delivered", "value", "undated", "days_late"):
        values[name] = int(values[name] or 0)
    stand = stands[row["id"]] if row["state"] == "open" else None
    if stand is None:
        ended = door_word("done", Given(given=values["delivered"], refused=refused))
        none_taken = row["state"] == "delivered" and ended == REFUSED
        return OrderRow(**values, why="", word=REFUSED if none_taken else row["state"])
    return OrderRow(**values | {"state": stand.standing.value}, why=stand.why, word=stand.word)


def order_list(
    connection: Connection,
    *,
    stands: Mapping[int, Stand],
    states: tuple[str, ...] = (),
    text: str = "",
    sort: str = "promised",
    today: str = "",
    limit: int = 400,
) -> list[OrderRow]:
    """Orders in any of `states` (none: all) by one of SORTS, each word of `text` in a reference or name.

    `stands` of every open order, as `standings` reads them. `today`, an ISO day: what is late so far without any day.
    """
    orders = every_order(wishes(connection), today=today)
    query: Select[Any] = select(orders)
    if states:
        query = query.where(orders.c.state.in_({"open" if each in OPEN_STATES else each for each in states}))
    for part in text.split():
        like = f"%{_escaped(part.lower())}%"
        query = query.where(
            or_(
                *(
                    func.lower(orders.c[name]).like(like, escape="\\")
                    for name in ("number", "customer_reference", "erp_reference", "customer", "site")
                )
            )
        )
    promised_and_undated = (orders.c.undated > 0) & (orders.c.promised_on != "") & orders.c.state.not_in(_ENDED)
    lost = case((promised_and_undated, 0), else_=1)
    first: list[Any] = {
        "promised": [],
        "late": [lost, orders.c.days_late.desc()],
        "worth": [case((orders.c.state.in_(_ENDED), 0), else_=orders.c.value).desc()],
    }[sort]
    dated_first = case((orders.c.promised_on == "", 1), else_=0)
    query = query.order_by(*first, dated_first, orders.c.promised_on, orders.c.ordered_at, orders.c.id)
    if not 0 < len(set(states) & set(OPEN_STATES)) < len(OPEN_STATES):
        query = query.limit(limit)
    # Where an open order stands is not in the database: rows are read until enough of them fit, and no further.
    with connection.execute(query, execution_options={"yield_per": limit}) as found:
        rows = (row_of(row, stands) for row in found.mappings())
        return list(islice((row for row in rows if not states or row.state in states), limit))


def order_counts(connection: Connection, *, stands: Mapping[int, Stand]) -> dict[str, int]:
    """How many orders are in each state; every state is there."""
    orders = every_order([], today="")
    found = dict.fromkeys(STATES, 0)
    for stand in stands.values():
        found[stand.standing] += 1
    over = select(orders.c.state, func.count()).where(orders.c.state != "open").group_by(orders.c.state)
    for state, count in connection.execute(over):
        found[state] = count
    return found


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def depot_of(connection: Connection, order_id: int) -> int:
    """The depot that serves an order. Raises NotFound."""
    depot_id = connection.scalar(select(order.c.depot_id).where(order.c.id == order_id))
    if depot_id is None:
        raise NotFound(f"There is no order {order_id}. Look for it by any of its references.", order=order_id)
    return int(depot_id)
