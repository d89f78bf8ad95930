"""One order with everything that is known about it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, func, select

from data.queries.by_the_shop import units_by_the_shop
from data.queries.company import company_card, user_names
from data.queries.lateness import wishes
from data.queries.order_deliveries import DeliveryPage, deliveries_of
from data.queries.orders import OrderRow, every_order, row_of, sums_of_lines
from data.queries.paying import collected_of_order
from data.queries.policies import STATED, policy_book, stated_terms
from data.queries.standing import standings
from data.queries.window_news import PromiseKey
from data.tables import allocation, customer, depot, order, order_line, product, promise, proof_line, site
from routing.errors import NotFound
from routing.model.days import today_of
from routing.rules.standing import Standing


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

    @property
    def key(self) -> PromiseKey:
        """As `news_of_promises` names it."""
        return self.made_at, self.promised_on, self.window_from, self.window_to


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePage:
    """A line, in base units by where they are. `open` has not reached the customer, `unallocated` holds nothing."""

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
    refused_before: int
    """Units that a door refused, whatever was decided about them since."""
    substituted: int
    """Of `cancelled`: units for which a substitute came."""
    elsewhere: int
    """Of `cancelled`: units that the shop delivered itself."""
    instead_of: str
    """The SKU of the line that this one is a substitute for; "" for none."""

    @property
    def open(self) -> int:
        return max(0, self.ordered - self.cancelled - self.delivered - self.refused)

    @property
    def brought_again(self) -> int:
        """Of `short`: units that were refused and are to be delivered again."""
        return min(self.short, max(0, self.refused_before - self.refused))

    @property
    def promised_days(self) -> tuple[str, ...]:
        """The days it was promised for, one after the other; a window given for the same day adds none."""
        days: list[str] = []
        for each in self.promises:
            if not days or days[-1] != each.promised_on:
                days.append(each.promised_on)
        return tuple(days)

    @property
    def unallocated(self) -> int:
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
    collect_at_door: int
    """What it asks for at the door in all, minor units; `collected`: what was collected so far."""
    collected: int
    salesperson: str
    note: str
    charged: dict[str, Any]
    lines: tuple[LinePage, ...]
    deliveries: tuple[DeliveryPage, ...]

    @property
    def word(self) -> str:
        """What it is called, as `OrderRow.word`; goods that a door left on the van are not on the way."""
        brought = [each.state for each in self.deliveries if not each.is_collection]
        is_back = "failed" in brought and not {"dispatched", "under_way"} & set(brought)
        return "not_delivered" if is_back and self.row.state == Standing.ON_THE_WAY else self.row.word

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
    orders = every_order(wishes(connection), today=today)
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
    names = user_names(connection)
    terms = policy_book(connection).order_terms(
        stated_terms(*(getattr(head, column.name) for column in STATED)),
        day=today_of(now, head.depot_zone),
        customer_id=head.customer_id,
        order_id=order_id,
    )
    stands = standings(connection, day=today, now=now, order_id=order_id, depot_id=head.depot_id)
    return OrderPage(
        row=row_of(row, stands.of),
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
        urgent_by=names.get(head.urgent_by, head.urgent_by),
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
        collect_at_door=head.collect_at_door,
        collected=collected_of_order(connection, order_id),
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
    sums = sums_of_lines()
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
    refused_before = (
        select(func.coalesce(func.sum(proof_line.c.refused), 0))
        .join_from(proof_line, allocation, allocation.c.id == proof_line.c.allocation_id)
        .where(allocation.c.order_line_id == order_line.c.id)
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
            refused_before.label("refused_before"),
            substituted.label("substituted"),
            instead_of.label("instead_of"),
            *(sums.c[name] for name in names),
        )
        .join(product, product.c.id == order_line.c.product_id)
        .outerjoin(sums, sums.c.line_id == order_line.c.id)
        .where(order_line.c.order_id == order_id)
        .order_by(order_line.c.id)
    )
    shops = units_by_the_shop(connection, [order_id])
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
            refused_before=int(row["refused_before"]),
            substituted=int(row["substituted"]),
            elsewhere=min(shops.get((order_id, row["number"]), 0), row["cancelled"] - int(row["substituted"])),
            instead_of=row["instead_of"] or "",
            **{name: int(row[name] or 0) for name in names},
        )
        for row in connection.execute(query).mappings()
    )
