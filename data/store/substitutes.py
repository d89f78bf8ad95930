"""The store's part for substitutes: what may go out instead, and the lines of an order that come too late."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select, update

from data.queries.needs import COMMITTED, newest_promise, still_needed, units_of_line
from data.store.part import StorePart, parts
from data.tables import (
    allocation,
    customer,
    delay_consent,
    delay_consent_line,
    depot,
    order,
    order_line,
    product,
    product_substitute,
    promise,
    site,
    supply,
)
from routing.errors import NotFound
from routing.model.consents import Answer
from routing.rules.paying import payment_of
from routing.rules.substitutes import NO_DAY, Coming, ShortLine, ShortOrder, Substitute, due_on


class SubstituteStore(StorePart):
    def substitutes_of(self, product_ids: Collection[int]) -> dict[int, tuple[Substitute, ...]]:
        """What may go out instead of each product, by preference; `free` is left 0: it is the depot's."""
        found: dict[int, list[Substitute]] = defaultdict(list)
        for part in parts(product_ids):
            query = (
                select(product_substitute, product.c.number, product.c.name, product.c.unit)
                .add_columns(product.c.case_pack, product.c.price, product.c.currency)
                .join(product, product.c.id == product_substitute.c.substitute_id)
                .where(product_substitute.c.product_id.in_(part))
                .order_by(product_substitute.c.preference, product_substitute.c.id)
            )
            for row in self.connection.execute(query):
                found[row.product_id].append(
                    Substitute(
                        product_id=row.substitute_id,
                        sku=row.number,
                        name=row.name,
                        unit=row.unit,
                        case_pack=row.case_pack,
                        gives=row.gives,
                        replaces=row.replaces,
                        preference=row.preference,
                        price=row.price,
                        currency=row.currency,
                    )
                )
        return {product_id: tuple(each) for product_id, each in found.items()}

    def short_order(self, order_id: int, *, now: datetime) -> ShortOrder:
        """The order with its lines of which units are neither released nor gone. Raises NotFound."""
        head = self.connection.execute(
            select(order, customer.c.name.label("customer"), customer.c.salesperson)
            .add_columns(site.c.name.label("site"), depot.c.zone)
            .join(customer, customer.c.id == order.c.customer_id)
            .join(site, site.c.id == order.c.site_id)
            .join(depot, depot.c.id == order.c.depot_id)
            .where(order.c.id == order_id)
        ).first()
        if head is None:
            raise NotFound(f"There is no order {order_id}. Look for it by any of its references.", order=order_id)
        return ShortOrder(
            id=head.id,
            number=head.number,
            references=(head.customer_reference,) if head.customer_reference else (),
            customer_id=head.customer_id,
            customer=head.customer,
            site_id=head.site_id,
            site=head.site,
            depot_id=head.depot_id,
            zone=head.zone,
            currency=head.currency,
            payment=payment_of(head.payment, amount=head.collect_at_door, worth=head.collect_worth),
            salesperson=head.salesperson,
            lines=() if head.cancelled_at else self._short_lines(head, now),
        )

    def line_numbers(self, order_id: int) -> list[str]:
        return list(self.connection.scalars(select(order_line.c.number).where(order_line.c.order_id == order_id)))

    def substitutes_taken(self, order_id: int) -> list[str]:
        """The key of each offer about the order that was taken: see `Proposal.key`."""
        return [
            f"{row.instead_of_id}:{row.product_id}:{row.instead_of_units}:{row.quantity}:{row.unit_price}"
            for row in self.connection.execute(
                select(order_line).where(order_line.c.order_id == order_id, order_line.c.instead_of_id.is_not(None))
            )
        ]

    def substitutes_coming(self, order_id: int) -> list[Coming]:
        """The substitutes of the order that are not cancelled, each with the day it was promised for last."""
        old, first = order_line.alias("old"), product.alias("first")
        last = newest_promise(order_line.c.id)
        query = (
            select(order_line, product.c.name, product.c.unit, promise.c.promised_on)
            .add_columns(first.c.name.label("old_name"), first.c.unit.label("old_unit"))
            .join(product, product.c.id == order_line.c.product_id)
            .join(old, old.c.id == order_line.c.instead_of_id)
            .join(first, first.c.id == old.c.product_id)
            .join(promise, (promise.c.order_line_id == order_line.c.id) & (promise.c.version == last))
            .where(order_line.c.order_id == order_id, order_line.c.quantity > order_line.c.cancelled)
            .order_by(order_line.c.id)
        )
        return [
            Coming(
                given=row.quantity - row.cancelled,
                unit=row.unit,
                name=row.name,
                day=row.promised_on,
                replaced=row.instead_of_units,
                old_unit=row.old_unit,
                old_name=row.old_name,
            )
            for row in self.connection.execute(query)
        ]

    def substitute_of(self, product_id: int, substitute_id: int) -> dict[str, Any]:
        """The row that says so; {} when none does."""
        row = self.connection.execute(
            select(product_substitute).where(
                product_substitute.c.product_id == product_id, product_substitute.c.substitute_id == substitute_id
            )
        ).mappings().first()  # fmt: skip
        return dict(row) if row else {}

    def save_substitute(self, substitute_row: int | None, values: Mapping[str, Any]) -> None:
        """Adds a row, or changes the one of this key."""
        if substitute_row is None:
            self.connection.execute(insert(product_substitute).values(**values))
            return
        self.connection.execute(
            update(product_substitute).where(product_substitute.c.id == substitute_row).values(**values)
        )

    def _short_lines(self, head: Any, now: datetime) -> tuple[ShortLine, ...]:
        free = still_needed() - units_of_line(COMMITTED)
        rows = self.connection.execute(
            select(order_line, product.c.number.label("sku"), product.c.name, product.c.unit, free.label("free"))
            .join(product, product.c.id == order_line.c.product_id)
            .where(order_line.c.order_id == head.id, free > 0)
            .order_by(order_line.c.id)
        ).all()
        line_ids = [row.id for row in rows]
        promises: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for each in self.connection.execute(
            select(promise).where(promise.c.order_line_id.in_(line_ids)).order_by(promise.c.version)
        ):
            promises[each.order_line_id].append((each.promised_on, each.why))
        agreed = self._agreed(line_ids)
        due = {row.id: due_on(promises[row.id], agreed_on=agreed.get(row.id, "")) for row in rows}
        in_time: dict[int, int] = defaultdict(int)
        for held in self.connection.execute(
            select(allocation.c.order_line_id, allocation.c.allocated, supply.c.kind, supply.c.expected_at)
            .join(supply, supply.c.id == allocation.c.supply_id)
            .where(allocation.c.order_line_id.in_(line_ids), allocation.c.allocated > 0)
        ):
            if held.kind == "receipt" or _day(held.expected_at, head.zone, now) <= due[held.order_line_id]:
                in_time[held.order_line_id] += held.allocated
        return tuple(
            ShortLine(
                id=row.id,
                number=row.number,
                product_id=row.product_id,
                sku=row.sku,
                name=row.name,
                unit=row.unit,
                free=row.free,
                in_time=in_time[row.id],
                price=row.unit_price,
                currency=head.currency,
                due_on=due[row.id],
                expected_on=row.expected_on,
            )
            for row in rows
        )

    def _agreed(self, line_ids: Collection[int]) -> dict[int, str]:
        """The latest day to which each line's customer said yes; who agreed to wait without one waits for ever."""
        query = (
            select(delay_consent_line.c.order_line_id, func.max(delay_consent.c.id).label("last"))
            .join(delay_consent, delay_consent.c.id == delay_consent_line.c.consent_id)
            .where(delay_consent_line.c.order_line_id.in_(line_ids))
            .group_by(delay_consent_line.c.order_line_id)
            .subquery()
        )
        rows = self.connection.execute(
            select(query.c.order_line_id, delay_consent.c.day)
            .join(delay_consent, delay_consent.c.id == query.c.last)
            .where(delay_consent.c.answer == Answer.ACCEPT.value)
        )
        return {row.order_line_id: row.day or NO_DAY for row in rows}


def _day(moment: datetime | None, zone: str, now: datetime) -> str:
    """The ISO day at the depot; an overdue inbound may come today."""
    return NO_DAY if moment is None else max(moment, now).astimezone(ZoneInfo(zone)).date().isoformat()
