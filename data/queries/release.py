"""What is released for a day, and whether it can be planned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from data.queries.door_words import door_words
from data.queries.empties import empties_of
from data.tables import allocation, customer, delivery, delivery_line, depot, order, order_line, product, site
from routing.model.places import SURE
from routing.services.releasing import ReadyOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A delivery of the day or before it that is not finished. `weight_g` None: some weight is not known."""

    id: int
    number: str
    state: str
    fetches: bool
    for_day: str
    depot: str
    site_id: int
    site: str
    customer: str
    orders: tuple[tuple[int, str], ...]
    units: int
    weight_g: int | None
    attempts: int
    waits_for: str
    ready_at: datetime | None
    in_review: bool
    looked_up: bool


def released_deliveries(connection: Connection, *, day: str) -> list[Released]:
    """Deliveries meant for this day, and older ones that are still released; by site."""
    query = (
        select(
            delivery,
            depot.c.name.label("depot_name"),
            site.c.name.label("site_name"),
            site.c.pin_quality,
            site.c.pin_at,
            customer.c.name.label("customer_name"),
        )
        .join(depot, depot.c.id == delivery.c.depot_id)
        .join(site, site.c.id == delivery.c.site_id)
        .join(customer, customer.c.id == site.c.customer_id)
        .where(
            (delivery.c.for_day == day) | ((delivery.c.for_day < day) & (delivery.c.state == "released")),
            delivery.c.state != "unreleased",
        )
        .order_by(site.c.name, delivery.c.id)
    )
    rows = connection.execute(query).all()
    ids = [row.id for row in rows]
    orders, goods = _orders_of(connection, ids), _goods_of(connection, ids)
    for delivery_id, mine in empties_of(connection, ids).items():
        units, weight = goods.get(delivery_id, (0, 0))
        for each in mine:
            units += each.quantity
            weight = None if weight is None or each.weight_g is None else weight + each.quantity * each.weight_g
            if each.order_id is not None and (each.order_id, each.order_number) not in orders[delivery_id]:
                orders[delivery_id].append((each.order_id, each.order_number))
        goods[delivery_id] = (units, weight)
    words = door_words(connection, {row.id: row.state for row in rows})
    return [
        Released(
            id=row.id,
            number=row.number,
            state=words[row.id],
            fetches=row.direction == "collect",
            for_day=row.for_day,
            depot=row.depot_name,
            site_id=row.site_id,
            site=row.site_name,
            customer=row.customer_name,
            orders=tuple(orders[row.id]),
            units=goods.get(row.id, (0, None))[0],
            weight_g=goods.get(row.id, (0, None))[1],
            attempts=row.attempts,
            waits_for=row.waits_for,
            ready_at=row.ready_at,
            in_review=row.pin_quality not in SURE,
            looked_up=row.pin_quality in SURE or row.pin_at is not None,
        )
        for row in rows
    ]


def _orders_of(connection: Connection, ids: Collection[int]) -> dict[int, list[tuple[int, str]]]:
    """By delivery the orders whose goods it brings: key and number, the first made first."""
    orders: dict[int, list[tuple[int, str]]] = {each: [] for each in ids}
    of_orders = (
        select(delivery_line.c.delivery_id, order.c.id, order.c.number)
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .join(order, order.c.id == order_line.c.order_id)
        .where(delivery_line.c.delivery_id.in_(ids))
        .distinct()
        .order_by(order.c.id)
    )
    for each in connection.execute(of_orders):
        orders[each.delivery_id].append((each.id, each.number))
    return orders


def _goods_of(connection: Connection, ids: Collection[int]) -> dict[int, tuple[int, int | None]]:
    """By delivery its units and their grams; None where the weight of any of them is not known."""
    sums = (
        select(
            delivery_line.c.delivery_id,
            func.sum(delivery_line.c.quantity).label("units"),
            func.sum(delivery_line.c.quantity * product.c.weight_g).label("weight_g"),
            (func.count() - func.count(product.c.weight_g)).label("unknown"),
        )
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .join(product, product.c.id == order_line.c.product_id)
        .where(delivery_line.c.delivery_id.in_(ids))
        .group_by(delivery_line.c.delivery_id)
    )
    return {
        each.delivery_id: (int(each.units), None if each.unknown else int(each.weight_g))
        for each in connection.execute(sums)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyParts:
    """What a release would take, in orders; the four add up to it. Released ones are not among them, so these are
    not the pages' ready and waiting: see `data.queries.standing`.

    on_shelf   the goods lie there and the address is sure
    on_truck   some of the goods are on a truck that is not counted in yet
    in_review  the goods lie there, but a person must decide the address before they can be planned
    not_looked_up  the goods lie there, and the address has not been looked up yet
    """

    on_shelf: int = 0
    on_truck: int = 0
    in_review: int = 0
    not_looked_up: int = 0

    @property
    def all(self) -> int:
        return self.on_shelf + self.on_truck + self.in_review + self.not_looked_up


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsureSites:
    """Sites without a sure place: released, they still stay out of the plan. `new` of them nobody has looked up yet,
    `locate` does; about the others a person must decide."""

    all: frozenset[int] = frozenset()
    new: frozenset[int] = frozenset()


def ready_parts(ready: Iterable[ReadyOrder], unsure: UnsureSites) -> ReadyParts:
    def part(order: ReadyOrder) -> str:
        if not order.on_shelf:
            return "on_truck"
        if order.site_id in unsure.new:
            return "not_looked_up"
        return "in_review" if order.site_id in unsure.all else "on_shelf"

    return ReadyParts(**Counter(part(order) for order in ready))


def unsure_sites(connection: Connection) -> UnsureSites:
    rows = connection.execute(select(site.c.id, site.c.pin_at).where(site.c.pin_quality.not_in(SURE))).all()
    return UnsureSites(
        all=frozenset(row.id for row in rows), new=frozenset(row.id for row in rows if row.pin_at is None)
    )
