"""Orders of a web shop come in: buyers, doors and goods that are not known yet are made from what the export says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any, Protocol

from routing.model.imports import ImportResult, LineIn, OrderIn
from routing.model.shop import ShopOrder
from routing.rules.shop import customer_number, site_number
from routing.services import importing

Rows = Sequence[Mapping[str, Any]]

NOT_IN_A_SHOP = frozenset({
    "wanted_on", "not_before", "not_after", "customer_reference", "completeness", "min_percent", "min_value",
    "max_wait_days", "max_shipments", "urgent_by",
})  # fmt: skip
"""What no shop's export speaks of: what was agreed here stays when the shop changes the order."""


class Store(importing.Store, Protocol):
    def customers(self, numbers: Collection[str]) -> dict[str, dict[str, Any]]: ...
    def customers_by_email(self, addresses: Collection[str]) -> dict[str, dict[str, Any]]: ...
    def sites(self, numbers: Collection[str]) -> dict[str, dict[str, Any]]: ...
    def products(self, numbers: Collection[str]) -> dict[str, dict[str, Any]]: ...
    def add_customers(self, rows: Rows) -> dict[str, int]: ...
    def add_sites(self, rows: Rows) -> dict[str, int]: ...
    def add_products(self, rows: Rows) -> dict[str, int]: ...
    def add_contacts(self, rows: Rows) -> None: ...


def take_shop_orders(
    store: Store,
    orders: Sequence[ShopOrder],
    result: ImportResult,
    *,
    depot_id: int,
    language: str,
    now: datetime,
    by: str,
) -> importing.Pools:
    """Takes a batch of one shop's orders over, as `importing.take_orders` does; returns the pools to decide again.

    A buyer is known by number, which is the e-mail address, or as the buyer of a customer that has it. What is known
    is left as it is. Contacts are kept without consent: agreeing to marketing is not agreeing to messages about
    deliveries, and the export knows of no other consent.
    """
    known = store.orders([order.number for order in orders], source=orders[0].source) if orders else {}
    # Whoever is only mentioned by an order that needs nothing from us is not written down.
    taken = [order for order in orders if not order.closed and (order.lines or order.number in known)]
    made = _Making(result)
    customers = _customers(store, taken, made, language=language)
    sites = _sites(store, taken, made, customers)
    products = _products(store, taken, made)
    _contacts(store, taken, made, customers, sites)
    found = [
        OrderIn(
            row=order.row,
            source=order.source,
            number=order.number,
            customer_id=customers.get(order.number, 0),
            site_id=sites.get(order.number, 0),
            depot_id=depot_id,
            ordered_at=order.ordered_at,
            currency=order.currency,
            hold_reason=order.hold_reason,
            payment=order.payment,
            collect_at_door=order.collect_at_door or 0,
            note=order.note,
            erp_reference=order.erp_reference,
            charged=order.charged,
            closed=order.closed,
            closed_lines=order.closed_lines,
            unsaid=NOT_IN_A_SHOP if order.collect_at_door is not None else NOT_IN_A_SHOP | {"collect_at_door"},
            lines=()
            if order.closed
            else tuple(
                LineIn(
                    number=line.number,
                    product_id=products.get(line.sku, 0),
                    sku=line.sku,
                    quantity=line.quantity,
                    unit_price=line.unit_price,
                )
                for line in order.lines
            ),
        )
        for order in orders
    ]
    return importing.take_orders(store, found, result, now=now, by=by)


class _Making:
    """Writes new rows and says so in the result; a dry run gives them keys below 0 instead."""

    def __init__(self, result: ImportResult) -> None:
        self.dry_run = result.dry_run
        self.made = result.made
        self.new_customers: set[int] = set()
        self.new_sites: set[int] = set()

    def __call__(
        self, kind: str, rows: Mapping[str, Mapping[str, Any]], add: Callable[[Rows], dict[str, int]]
    ) -> dict[str, int]:
        if rows:
            self.made.setdefault(kind, set()).update(rows)
        if self.dry_run:
            below = count(-1, -1)
            return {number: next(below) for number in rows}
        return add(list(rows.values()))


def _customers(store: Store, orders: Sequence[ShopOrder], made: _Making, *, language: str) -> dict[str, int]:
    """The customer of each order, by the order's number."""
    by_email = store.customers_by_email({order.buyer.email for order in orders if order.buyer.email})
    numbers = {order.number: customer_number(order.source, order.buyer, order.door) for order in orders}
    known = {number: int(row["id"]) for number, row in store.customers(set(numbers.values())).items()}
    new: dict[str, dict[str, Any]] = {}
    for order in orders:
        number = numbers[order.number]
        if number in known or number in new:
            continue
        if order.buyer.email in by_email:
            known[number] = int(by_email[order.buyer.email]["id"])
            continue
        new[number] = {
            "number": number,
            "name": order.buyer.company or order.buyer.name,
            "business": bool(order.buyer.company),
            "language": language,
        }
    keys = made("customers", new, store.add_customers)
    made.new_customers |= set(keys.values())
    every = known | keys
    return {order: every[number] for order, number in numbers.items()}


def _sites(store: Store, orders: Sequence[ShopOrder], made: _Making, customers: Mapping[str, int]) -> dict[str, int]:
    """The site of each order, by the order's number."""
    numbers = {
        order.number: site_number(order.source, customer_number(order.source, order.buyer, order.door), order.door)
        for order in orders
    }
    known = {number: int(row["id"]) for number, row in store.sites(set(numbers.values())).items()}
    new = {
        numbers[order.number]: {
            "number": numbers[order.number],
            "customer_id": customers[order.number],
            "name": order.door.name,
            "address": order.door.address,
            "postcode": order.door.postcode,
            "city": order.door.city,
            "country": order.door.country,
            "notes": order.door.unit,
        }
        for order in orders
        if numbers[order.number] not in known
    }
    keys = made("sites", new, store.add_sites)
    made.new_sites |= set(keys.values())
    every = known | keys
    return {order: every[number] for order, number in numbers.items()}


def _products(store: Store, orders: Sequence[ShopOrder], made: _Making) -> dict[str, int]:
    """The key of each SKU."""
    lines = {line.sku: (line, order.currency) for order in reversed(orders) for line in order.lines}
    known = {sku: int(row["id"]) for sku, row in store.products(lines.keys()).items()}
    new = {
        sku: {"number": sku, "name": line.name, "price": line.unit_price, "currency": currency}
        for sku, (line, currency) in lines.items()
        if sku not in known
    }
    return known | made("products", new, store.add_products)


def _contacts(
    store: Store,
    orders: Sequence[ShopOrder],
    made: _Making,
    customers: Mapping[str, int],
    sites: Mapping[str, int],
) -> None:
    """The buyer of each new customer and the phone at each new door, once each."""
    if made.dry_run:
        return
    found: dict[tuple[Any, ...], dict[str, Any]] = {}

    def add(customer_id: int, site_id: int | None, role: str, channel: str, address: str, name: str) -> None:
        found[customer_id, site_id, role, channel, address] = {
            "customer_id": customer_id, "site_id": site_id, "role": role, "channel": channel, "address": address,
            "name": name, "consent": False, "consent_source": "", "consent_at": None,
        }  # fmt: skip

    for order in orders:
        customer_id, site_id = customers[order.number], sites[order.number]
        if customer_id in made.new_customers:
            for channel, address in (("email", order.buyer.email), ("sms", order.buyer.phone)):
                if address:
                    add(customer_id, None, "buyer", channel, address, order.buyer.name)
        if site_id in made.new_sites and order.door.phone:
            add(customer_id, site_id, "goods_in", "sms", order.door.phone, order.door.name)
    store.add_contacts(list(found.values()))
