"""Orders as the pages list them, and one order with everything that is known about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, pairwise
from typing import Any

from sqlalchemy import Connection, Select, case, func, or_, select

from data.queries.company import company_card
from data.queries.lateness import days_late, promises_of_lines, wishes
from data.queries.needs import COMMITTED, ORDERED
from data.queries.order_deliveries import DeliveryPage, deliveries_of
from data.queries.policies import policy_book
from data.queries.standing import standings
from data.tables import (
    allocation,
    customer,
    depot,
    order,
    order_line,
    product,
    promise,
    site,
    supply,
    user,
)
from routing.errors import NotFound
from routing.model.days import today_of
from routing.model.orders import Completeness
from routing.rules.policies import OrderTerms
from routing.rules.standing import Stand, Standing

OPEN_STATES = tuple(each.value for each in Standing)
STATES = (*OPEN_STATES, "delivered", "cancelled")
"""The state of an order is derived, never stored. The first that fits:

cancelled   the order was cancelled
delivered   nothing is open: all that was ordered and not cancelled was delivered or refused
the rest    is open, and stands on the day where `routing.rules.standing` says
"""

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
    `word`: what it is called, as `Stand.word` says, or its state.
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
    def slipped(self) -> bool:
        return bool(self.first_promised_on) and self.promised_on > self.first_promised_on


def _sums() -> Any:
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


def _orders(wished: list[str], *, today: str) -> Any:
    """One row an order, its sums and its state. `wished`: why promises moved at the customer's wish."""
    sums, promises = _sums(), promises_of_lines(wished)
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
            func.max(func.coalesce(promises.c.first_on, "")).label("first_promised_on"),
            func.max(func.coalesce(promises.c.last_on, "")).label("promised_on"),
            func.max(order_line.c.expected_on).label("expected_on"),
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
        (order.c.cancelled_at.is_not(None), "cancelled"), (per_order.c.most_open <= 0, "delivered"), else_="open"
    )
    hold = case(
        (order.c.hold_reason != "", order.c.hold_reason),
        (order.c.payment == "pending", "payment pending"),
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


def _row(row: Any, stands: Mapping[int, Stand]) -> OrderRow:
    values = dict(row)
    values.pop("erp_reference")
    for name in ("ordered", "open", "firm", "released", "delivered", "value", "undated", "days_late"):
        values[name] = int(values[name] or 0)
    stand = stands[row["id"]] if row["state"] == "open" else None
    if stand is None:
        return OrderRow(**values, why="", word=row["state"])
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
    orders = _orders(wishes(connection), today=today)
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
    promised_and_undated = (orders.c.undated > 0) & (orders.c.promised_on != "") & (orders.c.state != "cancelled")
    lost = case((promised_and_undated, 0), else_=1)
    first: list[Any] = {
        "promised": [],
        "late": [lost, orders.c.days_late.desc()],
        "worth": [case((orders.c.state == "cancelled", 0), else_=orders.c.value).desc()],
    }[sort]
    dated_first = case((orders.c.promised_on == "", 1), else_=0)
    query = query.order_by(*first, dated_first, orders.c.promised_on, orders.c.ordered_at, orders.c.id)
    if not 0 < len(set(states) & set(OPEN_STATES)) < len(OPEN_STATES):
        query = query.limit(limit)
    # Where an open order stands is not in the database: rows are read until enough of them fit, and no further.
    with connection.execute(query, execution_options={"yield_per": limit}) as found:
        rows = (_row(row, stands) for row in found.mappings())
        return list(islice((row for row in rows if not states or row.state in states), limit))


def order_counts(connection: Connection, *, stands: Mapping[int, Stand]) -> dict[str, int]:
    """How many orders are in each state; every state is there."""
    orders = _orders([], today="")
    found = dict.fromkeys(STATES, 0)
    for stand in stands.values():
        found[stand.standing] += 1
    over = select(orders.c.state, func.count()).where(orders.c.state != "open").group_by(orders.c.state)
    for state, count in connection.execute(over):
        found[state] = count
    return found


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


# ---------------------------------------------------------------------------- one order


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """A promise row of one line. `told_at` None: nobody was told."""

    version: int
    promised_on: str
    window_from: str
    window_to: str
    why: str
    by: str
    made_at: datetime
    told_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePage:
    """A line, in base units by where they are. `open` has not reached the customer; `uncovered` of it has no supply."""

    id: int
    number: str
    sku: str
    name: str
    unit: str
    ordered: int
    cancelled: int
    firm: int
    coming: int
    released: int
    loaded: int
    delivered: int
    refused: int
    short: int
    damaged: int
    unit_price: int
    expected_on: str
    promises: tuple[Promised, ...]
    substituted: int
    """Of `cancelled`: units for which a substitute came."""
    instead_of: str
    """The SKU of the line that this one is a substitute for; "" for none."""

    @property
    def open(self) -> int:
        return max(0, self.ordered - self.cancelled - self.delivered - self.refused)

    @property
    def promised_days(self) -> tuple[str, ...]:
        """The days it was promised for, one after the other; a window given for the same day adds none."""
        days: list[str] = []
        for each in self.promises:
            if not days or days[-1] != each.promised_on:
                days.append(each.promised_on)
        return tuple(days)

    @property
    def uncovered(self) -> int:
        return max(0, self.open - self.firm - self.coming - self.released - self.loaded)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    row: OrderRow
    customer_id: int
    site_id: int
    erp_reference: str
    depot: str
    zone: str
    address: str
    site_notes: str
    pin_quality: str
    completeness: str
    not_before: str
    not_after: str
    min_percent: int
    min_value: int
    max_wait_days: int | None
    max_shipments: int | None
    urgent_by: str
    hold_reason: str
    hold_by: str
    hold_at: datetime | None
    payment_hold: str
    payment_hold_by: str
    payment_hold_at: datetime | None
    payment: str
    payment_why: str
    payment_by: str
    payment_at: datetime | None
    salesperson: str
    note: str
    charged: dict[str, Any]
    lines: tuple[LinePage, ...]
    deliveries: tuple[DeliveryPage, ...]

    @property
    def latest(self) -> Promised | None:
        """The promise in force: the latest day of any line."""
        every = [line.promises[-1] for line in self.lines if line.promises]
        return max(every, key=lambda one: (one.promised_on, one.made_at), default=None)

    @property
    def slips(self) -> tuple[tuple[str, str], ...]:
        """Each time the promise moved to a later day, the first first: the new ISO day and why. Lines that slipped
        together are told once."""
        slips = {
            (later.made_at, later.promised_on, later.why)
            for line in self.lines
            for earlier, later in pairwise(line.promises)
            if later.promised_on > earlier.promised_on
        }
        return tuple((day, why) for _made_at, day, why in sorted(slips))


def order_page(connection: Connection, order_id: int, *, now: datetime) -> OrderPage:
    """The order as it stands today; how it may ship is as the policies say today. Raises NotFound."""
    today = today_of(now, company_card(connection).zone)
    orders = _orders(wishes(connection), today=today)
    row = connection.execute(select(orders).where(orders.c.id == order_id)).mappings().first()
    head = connection.execute(
        select(
            order,
            depot.c.name.label("depot"),
            depot.c.zone.label("depot_zone"),
            site.c.zone.label("site_zone"),
            site.c.address,
            site.c.postcode,
            site.c.city,
            site.c.notes,
            site.c.pin_quality,
            customer.c.salesperson,
            customer.c.payment_hold,
            customer.c.payment_hold_by,
            customer.c.payment_hold_at,
        )
        .join(depot, depot.c.id == order.c.depot_id)
        .join(site, site.c.id == order.c.site_id)
        .join(customer, customer.c.id == order.c.customer_id)
        .where(order.c.id == order_id)
    ).first()
    if row is None or head is None:
        raise NotFound(f"There is no order {order_id}. Look for it by any of its references.", order=order_id)
    names = {f"user:{each.id}": each.name or each.email for each in connection.execute(select(user))}
    terms = policy_book(connection).order_terms(
        OrderTerms(
            completeness=Completeness(head.completeness),
            min_percent=head.min_percent,
            min_value=head.min_value,
            max_wait_days=head.max_wait_days,
            max_shipments=head.max_shipments,
        ),
        day=today_of(now, head.depot_zone),
        customer_id=head.customer_id,
        order_id=order_id,
    )
    stands = standings(connection, day=today, now=now, order_id=order_id, depot_id=head.depot_id)
    return OrderPage(
        row=_row(row, stands.of),
        customer_id=head.customer_id,
        site_id=head.site_id,
        erp_reference=head.erp_reference,
        depot=head.depot,
        zone=head.site_zone or head.depot_zone,
        address=", ".join(part for part in (head.address, f"{head.postcode} {head.city}".strip()) if part),
        site_notes=head.notes,
        pin_quality=head.pin_quality,
        completeness=terms.completeness.value,
        not_before=head.not_before,
        not_after=head.not_after,
        min_percent=terms.min_percent,
        min_value=terms.min_value,
        max_wait_days=terms.max_wait_days,
        max_shipments=terms.max_shipments,
        urgent_by=head.urgent_by,
        hold_reason=head.hold_reason,
        hold_by=names.get(head.hold_by, head.hold_by),
        hold_at=head.hold_at,
        payment_hold=head.payment_hold,
        payment_hold_by=names.get(head.payment_hold_by, head.payment_hold_by),
        payment_hold_at=head.payment_hold_at,
        payment=head.payment,
        payment_why=head.payment_why,
        payment_by=names.get(head.payment_by, head.payment_by),
        payment_at=head.payment_at,
        salesperson=head.salesperson,
        note=head.note,
        charged=head.charged or {},
        lines=_lines(connection, order_id),
        deliveries=deliveries_of(connection, order_id),
    )


def _lines(connection: Connection, order_id: int) -> tuple[LinePage, ...]:
    promises: dict[int, list[Promised]] = defaultdict(list)
    for row in connection.execute(
        select(promise)
        .join(order_line, order_line.c.id == promise.c.order_line_id)
        .where(order_line.c.order_id == order_id)
        .order_by(promise.c.version)
    ):
        promises[row.order_line_id].append(
            Promised(
                version=row.version,
                promised_on=row.promised_on,
                window_from=row.window_from,
                window_to=row.window_to,
                why=row.why,
                by=row.by,
                made_at=row.made_at,
                told_at=row.told_at,
            )
        )
    sums = _sums()
    names = ("firm", "coming", "released", "loaded", "delivered", "refused", "short", "damaged")
    other = order_line.alias("other")
    substituted = (
        select(func.coalesce(func.sum(other.c.instead_of_units), 0))
        .where(other.c.instead_of_id == order_line.c.id)
        .correlate(order_line)
        .scalar_subquery()
    )
    first = product.alias("first")
    instead_of = (
        select(first.c.number)
        .join_from(other, first, first.c.id == other.c.product_id)
        .where(other.c.id == order_line.c.instead_of_id)
        .correlate(order_line)
        .scalar_subquery()
    )
    query = (
        select(
            order_line.c.id,
            order_line.c.number,
            order_line.c.quantity,
            order_line.c.cancelled,
            order_line.c.unit_price,
            order_line.c.expected_on,
            product.c.number.label("sku"),
            product.c.name,
            product.c.unit,
            substituted.label("substituted"),
            instead_of.label("instead_of"),
            *(sums.c[name] for name in names),
        )
        .join(product, product.c.id == order_line.c.product_id)
        .outerjoin(sums, sums.c.line_id == order_line.c.id)
        .where(order_line.c.order_id == order_id)
        .order_by(order_line.c.id)
    )
    return tuple(
        LinePage(
            id=row["id"],
            number=row["number"],
            sku=row["sku"],
            name=row["name"],
            unit=row["unit"],
            ordered=row["quantity"],
            cancelled=row["cancelled"],
            unit_price=row["unit_price"],
            expected_on=row["expected_on"],
            promises=tuple(promises[row["id"]]),
            substituted=int(row["substituted"]),
            instead_of=row["instead_of"] or "",
            **{name: int(row[name] or 0) for name in names},
        )
        for row in connection.execute(query).mappings()
    )
