"""What has no import template: stock, backorders, promises, allocations, movements, deliveries, tasks, events."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, case, func, select

from data.exporters.paging import pages
from data.exporters.sheets import Cell
from data.queries.needs import HELD, TO_COME
from data.queries.open_lines import every_open_line
from data.queries.window_news import news_of_promises
from data.tables import (
    allocation,
    customer,
    delivery,
    delivery_line,
    depot,
    empties_line,
    event,
    movement,
    order,
    order_line,
    product,
    promise,
    proof,
    proof_line,
    site,
    supply,
    task,
    vehicle,
)
from routing.rules.told_door import Heard, WindowNews

Rows = Iterator[list[Cell]]


def _utc(at: datetime | None) -> str:
    """ISO 8601 in UTC, with its offset: these books are read beside each other, across depots."""
    return "" if at is None else at.isoformat(timespec="seconds")


STOCK = (
    "depot", "sku", "name", "unit", "on_hand", "allocated", "available", "quarantined", "returned", "on_order",
)  # fmt: skip


def stock_rows(connection: Connection) -> Rows:
    """Per SKU and depot, where there is or was anything. `on_hand` by the ledger of movements; `allocated` lies on the
    shelf for orders, released and picked ones included; `available` is on hand less allocated; `returned` waits to be
    inspected; `on_order` is still to come from suppliers."""
    depots = {row.id: row.number for row in connection.execute(select(depot).order_by(depot.c.number))}
    coming = func.sum(case((TO_COME > 0, TO_COME), else_=0)).label("units")
    for page in pages(connection, select(product.c.id.label("key"), product), product.c.id):
        ids = [each.id for each in page]
        goods: dict[tuple[str, int], int] = defaultdict(int)
        for place, sign in ((movement.c.to_place, 1), (movement.c.from_place, -1)):
            for row in connection.execute(
                select(place.label("place"), movement.c.product_id, func.sum(movement.c.quantity).label("units"))
                .where(movement.c.product_id.in_(ids))
                .group_by(place, movement.c.product_id)
            ):
                goods[row.place, row.product_id] += sign * int(row.units)
        allocated = {
            (row.depot_id, row.product_id): int(row.units)
            for row in connection.execute(
                select(supply.c.depot_id, supply.c.product_id, func.sum(HELD).label("units"))
                .join(allocation, allocation.c.supply_id == supply.c.id)
                .where(supply.c.kind == "receipt", supply.c.product_id.in_(ids))
                .group_by(supply.c.depot_id, supply.c.product_id)
            )
        }
        on_order = {
            (row.depot_id, row.product_id): int(row.units)
            for row in connection.execute(
                select(supply.c.depot_id, supply.c.product_id, coming)
                .where(supply.c.kind == "inbound", supply.c.product_id.in_(ids), supply.c.cancelled_at.is_(None))
                .group_by(supply.c.depot_id, supply.c.product_id)
            )
        }  # fmt: skip
        for each in page:
            for depot_id, number in depots.items():
                places = [(f"{kind}:{depot_id}", each.id) for kind in ("depot", "quarantine", "returned")]
                key = (depot_id, each.id)
                if not (any(place in goods for place in places) or key in allocated or key in on_order):
                    continue
                here, quarantined, returned = (goods.get(place, 0) for place in places)
                mine = allocated.get(key, 0)
                yield [
                    number, each.number, each.name, each.unit, here, mine, here - mine, quarantined, returned,
                    on_order.get(key, 0),
                ]  # fmt: skip


BACKORDERS = (
    "order", "line", "erp_reference", "customer_reference", "customer", "customer_name", "site", "depot", "sku", "name",
    "unit", "ordered", "needed", "firm", "provisional", "unallocated", "wanted_on", "expected_on", "promised_on",
    "first_promised_on", "slipped_days",
)  # fmt: skip


def backorder_rows(connection: Connection) -> Rows:
    for each in every_open_line(connection):
        yield [getattr(each, name) for name in BACKORDERS]


UNTOLD = WindowNews(heard=Heard.NOBODY)
PROMISES = (
    "order", "line", "sku", "version", "promised_on", "window_from", "window_to", "why", "by", "made_at", "told_at",
)  # fmt: skip


def promise_rows(connection: Connection) -> Rows:
    """`told_at`: when the first message that says so left, the customer agreed to it, or somebody told it with the
    order or on the phone; empty while it was not told, or never was."""
    query = (
        select(
            promise.c.id.label("key"),
            promise,
            order.c.id.label("order_id"),
            order.c.number.label("order"),
            order_line.c.number.label("line"),
            product.c.number.label("sku"),
        )
        .join(order_line, order_line.c.id == promise.c.order_line_id)
        .join(order, order.c.id == order_line.c.order_id)
        .join(product, product.c.id == order_line.c.product_id)
    )
    for page in pages(connection, query, promise.c.id):
        news = news_of_promises(connection, {each.order_id for each in page if each.told_at is not None})
        for each in page:
            window = (each.promised_on, each.window_from, each.window_to)
            told = news[each.order_id][each.made_at, *window] if each.told_at is not None else UNTOLD
            told_at = each.told_at if told.heard is Heard.AGREED else told.at
            yield [
                each.order, each.line, each.sku, each.version, *window, each.why, each.by, _utc(each.made_at),
                _utc(told_at),
            ]  # fmt: skip


_STATES = ("allocated", "released", "picked", "loaded", "delivered", "short", "refused", "damaged")
ALLOCATIONS = ("order", "line", "sku", "depot", "supply_kind", "supply", "quantity", *_STATES, "at")


def allocation_rows(connection: Connection) -> Rows:
    query = (
        select(
            allocation.c.id.label("key"),
            allocation,
            order.c.number.label("order"),
            order_line.c.number.label("line"),
            product.c.number.label("sku"),
            depot.c.number.label("depot"),
            supply.c.kind.label("supply_kind"),
            supply.c.number.label("supply"),
        )
        .join(supply, supply.c.id == allocation.c.supply_id)
        .join(depot, depot.c.id == supply.c.depot_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .join(order, order.c.id == order_line.c.order_id)
        .join(product, product.c.id == order_line.c.product_id)
    )
    for page in pages(connection, query, allocation.c.id):
        for each in page:
            yield [*(getattr(each, name) for name in ALLOCATIONS[:-1]), _utc(each.at)]


MOVEMENTS = ("at", "sku", "quantity", "from_place", "to_place", "why", "by", "order", "line", "delivery", "supply")


def movement_rows(connection: Connection) -> Rows:
    """Places by the numbers of their depot or vehicle: `depot:NORTH`, `vehicle:V3`, `delivered`, `lost`."""
    of = _places(connection)
    query = (
        select(
            movement.c.id.label("key"),
            movement,
            product.c.number.label("sku"),
            order.c.number.label("order"),
            order_line.c.number.label("line"),
            delivery.c.number.label("delivery"),
            supply.c.number.label("supply"),
        )
        .join(product, product.c.id == movement.c.product_id)
        .outerjoin(allocation, allocation.c.id == movement.c.allocation_id)
        .outerjoin(order_line, order_line.c.id == allocation.c.order_line_id)
        .outerjoin(order, order.c.id == order_line.c.order_id)
        .outerjoin(delivery, delivery.c.id == movement.c.delivery_id)
        .outerjoin(supply, supply.c.id == movement.c.supply_id)
    )
    for page in pages(connection, query, movement.c.id):
        for each in page:
            yield [
                _utc(each.at), each.sku, each.quantity, of(each.from_place), of(each.to_place), each.why, each.by,
                each.order, each.line, each.delivery, each.supply,
            ]  # fmt: skip


def _places(connection: Connection) -> Callable[[str], str]:
    depots = {str(row.id): row.number for row in connection.execute(select(depot.c.id, depot.c.number))}
    vehicles = {str(row.id): row.number for row in connection.execute(select(vehicle.c.id, vehicle.c.number))}

    def named(place: str) -> str:
        kind, _colon, key = place.partition(":")
        number = (vehicles if kind == "vehicle" else depots).get(key)
        return f"{kind}:{number}" if number else place

    return named


DELIVERIES = (
    "delivery", "for_day", "direction", "state", "attempts", "depot", "customer", "site", "order", "line",
    "erp_reference", "line_erp_reference", "sku", "quantity", "delivered", "short", "damaged", "refused", "collected",
    "outcome", "at", "recipient", "waits_for",
)  # fmt: skip


def delivery_rows(connection: Connection) -> Rows:
    """One row a delivery's line; counts over all its attempts, the outcome of the last. Empties that we never delivered
    stand last, and name no order's line."""
    query = (
        select(
            delivery_line.c.id.label("key"),
            delivery_line.c.quantity,
            delivery_line.c.allocation_id,
            delivery,
            depot.c.number.label("depot"),
            customer.c.number.label("customer"),
            site.c.number.label("site"),
            order.c.number.label("order"),
            order.c.erp_reference,
            order_line.c.number.label("line"),
            order_line.c.erp_reference.label("line_erp_reference"),
            product.c.number.label("sku"),
        )
        .join(delivery, delivery.c.id == delivery_line.c.delivery_id)
        .join(depot, depot.c.id == delivery.c.depot_id)
        .join(site, site.c.id == delivery.c.site_id)
        .join(customer, customer.c.id == site.c.customer_id)
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .join(order, order.c.id == order_line.c.order_id)
        .join(product, product.c.id == order_line.c.product_id)
    )
    for page in pages(connection, query, delivery_line.c.id):
        ids = {each.id for each in page}
        last = _last_reports(connection, ids)
        counted = _counted(connection, ids)
        for each in page:
            report = last.get(each.id)
            counts = counted.get((each.id, each.allocation_id), (0, 0, 0, 0, 0))
            yield [
                each.number, each.for_day, each.direction, each.state, each.attempts, each.depot, each.customer,
                each.site, each.order, each.line, each.erp_reference, each.line_erp_reference, each.sku, each.quantity,
                *counts, report.outcome if report else "", _utc(report.captured_at) if report else "",
                report.recipient if report else "", each.waits_for,
            ]  # fmt: skip
    for page in pages(connection, _empties(), empties_line.c.id):
        last = _last_reports(connection, {each.id for each in page})
        for each in page:
            report = last.get(each.id)
            yield [
                each.number, each.for_day, each.direction, each.state, each.attempts, each.depot, each.customer,
                each.site, each.order or "", "", "", "", each.sku, each.quantity, 0, 0, 0, 0, each.collected,
                report.outcome if report else "", _utc(report.captured_at) if report else "",
                report.recipient if report else "", each.waits_for,
            ]  # fmt: skip


def _empties() -> Select[Any]:
    return (
        select(
            empties_line.c.id.label("key"),
            empties_line.c.quantity,
            empties_line.c.collected,
            delivery,
            depot.c.number.label("depot"),
            customer.c.number.label("customer"),
            site.c.number.label("site"),
            order.c.number.label("order"),
            product.c.number.label("sku"),
        )
        .join(delivery, delivery.c.id == empties_line.c.delivery_id)
        .join(depot, depot.c.id == delivery.c.depot_id)
        .join(site, site.c.id == delivery.c.site_id)
        .join(customer, customer.c.id == site.c.customer_id)
        .join(product, product.c.id == empties_line.c.product_id)
        .outerjoin(order, order.c.id == empties_line.c.order_id)
    )


def _last_reports(connection: Connection, delivery_ids: set[int]) -> dict[int, Any]:
    reports = select(proof).where(proof.c.delivery_id.in_(delivery_ids)).order_by(proof.c.delivery_id, proof.c.attempt)
    return {row.delivery_id: row for row in connection.execute(reports)}


def _counted(connection: Connection, delivery_ids: set[int]) -> dict[tuple[int, int], tuple[int, ...]]:
    names = ("delivered", "short", "damaged", "refused", "collected")
    sums: list[Any] = [func.sum(proof_line.c[name]).label(name) for name in names]
    rows = connection.execute(
        select(proof.c.delivery_id, proof_line.c.allocation_id, *sums)
        .join(proof, proof.c.id == proof_line.c.proof_id)
        .where(proof.c.delivery_id.in_(delivery_ids))
        .group_by(proof.c.delivery_id, proof_line.c.allocation_id)
    )
    return {(row.delivery_id, row.allocation_id): tuple(int(getattr(row, name)) for name in names) for row in rows}


TASKS = (
    "made_at", "kind", "sentence", "assignee", "urgent", "due_at", "subject_kind", "subject", "done_at", "done_by",
    "outcome",
)  # fmt: skip


def task_rows(connection: Connection) -> Rows:
    """`subject` is the number of an order or a delivery, else the key of its row here."""
    for page in pages(connection, select(task.c.id.label("key"), task), task.c.id):
        numbers: dict[tuple[str, int], str] = {}
        for kind, table in (("order", order), ("delivery", delivery), ("site", site)):
            ids = [each.subject_id for each in page if each.subject_kind == kind]
            for row in connection.execute(select(table.c.id, table.c.number).where(table.c.id.in_(ids))):
                numbers[kind, row.id] = row.number
        for each in page:
            yield [
                _utc(each.made_at), each.kind, each.sentence, each.assignee, "yes" if each.urgent else "no",
                _utc(each.due_at), each.subject_kind,
                numbers.get((each.subject_kind, each.subject_id), str(each.subject_id)),
                _utc(each.done_at), each.done_by, each.outcome,
            ]  # fmt: skip


EVENTS = ("captured_at", "received_at", "kind", "actor", "order", "delivery", "site", "data", "hash", "previous_hash")


def event_rows(connection: Connection) -> Rows:
    """In the order of the chain. `data` is JSON."""
    query = (
        select(
            event.c.id.label("key"),
            event,
            order.c.number.label("order"),
            delivery.c.number.label("delivery"),
            site.c.number.label("site"),
        )
        .outerjoin(order, order.c.id == event.c.order_id)
        .outerjoin(delivery, delivery.c.id == event.c.delivery_id)
        .outerjoin(site, site.c.id == event.c.site_id)
    )
    for page in pages(connection, query, event.c.id):
        for each in page:
            yield [
                _utc(each.captured_at), _utc(each.received_at), each.kind, each.actor, each.order, each.delivery,
                each.site, json.dumps(each.data, ensure_ascii=False), each.hash, each.previous_hash,
            ]  # fmt: skip
