"""What orders ask for at their doors, delivery by delivery, and what was collected there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import Connection, select

from data.tables import (
    allocation,
    cash_entry,
    delivery,
    delivery_ask,
    delivery_line,
    order,
    order_line,
    proof,
    proof_line,
)
from routing.model.payments import OrderAsks, Paid, PayMethod
from routing.rules.paying import due, due_in_full

HANDED_OVER = ("done", "unreleased")
"""The states of a delivery that hands over nothing more."""


def asks_of(
    connection: Connection, delivery_ids: Collection[int], *, without_proof: int | None = None
) -> dict[int, tuple[OrderAsks, ...]]:
    """By delivery what each of its orders asks for there, those that ask for nothing left out. `without_proof`: as it
    was before this report."""
    found: dict[int, list[OrderAsks]] = defaultdict(list)
    for delivery_id, asks, _goes in _every(connection, delivery_ids, without_proof):
        found[delivery_id].append(asks)
    return {delivery_id: tuple(each) for delivery_id, each in found.items()}


def due_of(connection: Connection, delivery_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """By delivery what is due by currency when all is handed over that it still has to bring."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for delivery_id, asks, goes in _every(connection, delivery_ids, None):
        for currency, amount in due_in_full([asks], goes).items():
            found[delivery_id][currency] = found[delivery_id].get(currency, 0) + amount
    return dict(found)


def _every(
    connection: Connection, delivery_ids: Collection[int], without_proof: int | None
) -> Iterator[tuple[int, OrderAsks, dict[int, int]]]:
    """Each delivery and order that asks for something, with the units by allocation that it has still to bring. Of
    several deliveries that are open the one that was made first asks first."""
    heads = {
        row.id: row
        for row in connection.execute(
            select(order.c.id, order.c.number, order.c.currency, order.c.collect_at_door, order.c.collect_worth)
            .join(order_line, order_line.c.order_id == order.c.id)
            .join(allocation, allocation.c.order_line_id == order_line.c.id)
            .join(delivery_line, delivery_line.c.allocation_id == allocation.c.id)
            .join(delivery, (delivery.c.id == delivery_line.c.delivery_id) & (delivery.c.direction == "deliver"))
            .where(delivery_line.c.delivery_id.in_(list(delivery_ids)), order.c.collect_at_door > 0)
            .distinct()
            .order_by(order.c.id)
        )
    }
    if not heads:
        return
    prices = _prices(connection, heads)
    settled, brought = _settled(connection, heads, prices, without_proof)
    asked: dict[int, dict[int | None, int]] = defaultdict(lambda: defaultdict(int))
    for row in connection.execute(
        select(cash_entry.c.order_id, cash_entry.c.delivery_id, cash_entry.c.proof_id, cash_entry.c.amount).where(
            cash_entry.c.order_id.in_(list(heads)), cash_entry.c.kind == "due"
        )
    ):
        if without_proof is None or row.proof_id != without_proof:
            asked[row.order_id][row.delivery_id] += row.amount
    of_release = {
        (row.delivery_id, row.order_id): row
        for row in connection.execute(select(delivery_ask).where(delivery_ask.c.order_id.in_(list(heads))))
    }
    for order_id, deliveries in _deliveries(connection, heads).items():
        head = heads[order_id]
        before, asked_before = sum(brought[order_id].values()), sum(asked[order_id].values())
        for delivery_id, (state, units) in deliveries.items():
            own = of_release.get((delivery_id, order_id))  # asks for itself, whatever the others ask
            asks = OrderAsks(
                order_id=order_id,
                order=head.number,
                currency=head.currency,
                amount=own.amount if own else head.collect_at_door,
                worth=own.worth if own else head.collect_worth,
                worth_before=brought[order_id][delivery_id] if own else before,
                asked_before=asked[order_id][delivery_id] if own else asked_before,
                prices={allocation_id: prices[order_id, allocation_id] for allocation_id in units},
            )
            goes = {each: max(0, units[each] - settled.get((delivery_id, each), 0)) for each in units}
            if delivery_id in delivery_ids and not (own and not own.amount):
                yield delivery_id, asks, goes
            if state in HANDED_OVER:
                continue
            asked_before += due(asks, goes)
            before += sum(goes[each] * prices[order_id, each] for each in goes)


def _prices(connection: Connection, order_ids: Collection[int]) -> dict[tuple[int, int], int]:
    """Of one unit, by order and allocation; 1 where no line of the order has a price."""
    rows = connection.execute(
        select(order_line.c.order_id, order_line.c.unit_price, allocation.c.id)
        .outerjoin(allocation, allocation.c.order_line_id == order_line.c.id)
        .where(order_line.c.order_id.in_(list(order_ids)))
    ).all()
    priced = {row.order_id for row in rows if row.unit_price}
    return {
        (row.order_id, row.id): row.unit_price if row.order_id in priced else 1 for row in rows if row.id is not None
    }


def _settled(
    connection: Connection,
    order_ids: Collection[int],
    prices: Mapping[tuple[int, int], int],
    without_proof: int | None,
) -> tuple[dict[tuple[int, int], int], dict[int, dict[int, int]]]:
    """Units that reports accounted for, by delivery and allocation; and the worth of what was handed over, by order and
    delivery."""
    settled: dict[tuple[int, int], int] = defaultdict(int)
    brought: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for row in connection.execute(
        select(proof_line, proof.c.delivery_id, order_line.c.order_id)
        .join(proof, proof.c.id == proof_line.c.proof_id)
        .join(delivery, (delivery.c.id == proof.c.delivery_id) & (delivery.c.direction == "deliver"))
        .join(allocation, allocation.c.id == proof_line.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .where(order_line.c.order_id.in_(list(order_ids)))
    ):
        if row.proof_id == without_proof:
            continue
        settled[row.delivery_id, row.allocation_id] += row.delivered + row.short + row.damaged + row.refused
        brought[row.order_id][row.delivery_id] += row.delivered * prices[row.order_id, row.allocation_id]
    return settled, brought


def _deliveries(connection: Connection, order_ids: Collection[int]) -> dict[int, dict[int, tuple[str, dict[int, int]]]]:
    """By order its deliveries as they were made: the state of each, and its units by allocation."""
    found: dict[int, dict[int, tuple[str, dict[int, int]]]] = defaultdict(dict)
    for row in connection.execute(
        select(delivery.c.id, delivery.c.state, order_line.c.order_id, allocation.c.id.label("allocation_id"),
               delivery_line.c.quantity)
        .join(delivery_line, delivery_line.c.delivery_id == delivery.c.id)
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .where(order_line.c.order_id.in_(list(order_ids)), delivery.c.direction == "deliver")
        .order_by(delivery.c.id, delivery_line.c.id)
    ):  # fmt: skip
        _state, units = found[row.order_id].setdefault(row.id, (row.state, {}))
        units[row.allocation_id] = units.get(row.allocation_id, 0) + row.quantity
    return found


def paid_by_proof(connection: Connection, proof_ids: Collection[int]) -> dict[int, tuple[Paid, ...]]:
    """By report what was due and collected, each order of it once."""
    found: dict[int, dict[tuple[int, int | None, str], dict[str, int]]] = defaultdict(dict)
    for row in connection.execute(
        select(cash_entry)
        .where(cash_entry.c.proof_id.in_(list(proof_ids)), cash_entry.c.kind.in_(("due", "collected")))
        .order_by(cash_entry.c.id)
    ):
        sums = found[row.proof_id].setdefault((row.delivery_id, row.order_id, row.currency), {})
        name = "due" if row.kind == "due" else row.method
        sums[name] = sums.get(name, 0) + row.amount
    return {
        proof_id: tuple(
            Paid(
                delivery_id=delivery_id,
                order_id=order_id,
                currency=currency,
                due=sums.get("due", 0),
                collected=tuple((method, sums[method]) for method in PayMethod if method in sums),
            )
            for (delivery_id, order_id, currency), sums in of.items()
        )
        for proof_id, of in found.items()
    }


def collected_of_order(connection: Connection, order_id: int) -> int:
    """What was collected for an order at its doors so far, minor units."""
    rows = connection.scalars(
        select(cash_entry.c.amount).where(cash_entry.c.order_id == order_id, cash_entry.c.kind == "collected")
    )
    return sum(rows)
