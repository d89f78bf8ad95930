"""The store's part for slot offers: what is expected to go out on a day, and an order as the call that asks for one."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Row, Select, delete, insert, select, update

from data.queries.needs import COMMITTED, ORDERED, SERVED, SETTLED, units_of_line
from data.store.part import StorePart
from data.tables import (
    allocation,
    current_plan,
    customer,
    delivery,
    delivery_line,
    order,
    order_line,
    order_window,
    product,
    route,
    stop,
    stop_delivery,
    trip,
)
from routing.errors import Conflict, NotFound
from routing.model.day import DeliveryFacts, Goods, OrderFacts
from routing.model.slots import CallingOrder, ReleasedPart


class ExpectedStore(StorePart):
    def expected_deliveries(self, *, day: str, depot_id: int) -> tuple[DeliveryFacts, ...]:
        """One for each door, under ids that no delivery has (from -2 down): the open units of lines that are expected
        on that ISO day and not released."""
        rows = self.connection.execute(
            _open_lines()
            .where(order.c.depot_id == depot_id, order_line.c.expected_on == day, order.c.cancelled_at.is_(None))
            .order_by(order.c.site_id, order_line.c.id)
        )
        by_site: dict[int, list[Row[Any]]] = defaultdict(list)
        for row in rows:
            if row.open > 0:
                by_site[row.site_id].append(row)
        return tuple(
            DeliveryFacts(
                id=-2 - n,
                number=some[0].number,
                site_id=site_id,
                depot_id=depot_id,
                for_day=day,
                tier=max(each.tier if each.routing_tier is None else each.routing_tier for each in some),
                oldest_ordered_at=min(each.ordered_at for each in some),
                goods=tuple(_goods(each, known=False) for each in some),
                orders=(OrderFacts(id=some[0].id, number=some[0].number),),
            )
            for n, (site_id, some) in enumerate(sorted(by_site.items()))
        )

    def calling_order(self, order_id: int, *, lock: bool = False) -> CallingOrder:
        """Raises NotFound."""
        query = select(order, customer.c.tier).join(customer, customer.c.id == order.c.customer_id)
        row = self.connection.execute(
            (query.with_for_update(of=order) if lock else query).where(order.c.id == order_id)
        ).first()
        if row is None:
            raise NotFound(f"There is no order {order_id}.", order=order_id)
        lines = [
            each
            for each in self.connection.execute(_open_lines().where(order.c.id == order_id).order_by(order_line.c.id))
            if each.wanted > 0
        ]
        return CallingOrder(
            id=row.id,
            number=row.number,
            site_id=row.site_id,
            depot_id=row.depot_id,
            tier=row.tier if row.routing_tier is None else row.routing_tier,
            ordered_at=row.ordered_at,
            not_after=row.not_after,
            version=row.version,
            goods=tuple(_goods(each, known=True, units=each.wanted) for each in lines),
            open_lines=tuple((each.line_id, each.product_id) for each in lines),
            expected_on=tuple(each.expected_on for each in lines),
            released=self._released_parts(order_id),
        )

    def _released_parts(self, order_id: int) -> tuple[ReleasedPart, ...]:
        on_route = (
            select(stop_delivery.c.delivery_id)
            .join(stop, stop.c.id == stop_delivery.c.stop_id)
            .join(trip, trip.c.id == stop.c.trip_id)
            .join(route, route.c.id == trip.c.route_id)
            .join(current_plan, current_plan.c.plan_id == route.c.plan_id)
        )
        rows = self.connection.execute(
            select(delivery.c.id, delivery.c.number, delivery.c.state, delivery.c.for_day, delivery.c.id.in_(on_route))
            .distinct()
            .join(delivery_line, delivery_line.c.delivery_id == delivery.c.id)
            .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            .where(
                order_line.c.order_id == order_id,
                delivery.c.direction == "deliver",
                delivery.c.state.in_(("released", "loaded", "dispatched", "under_way")),
            )
            .order_by(delivery.c.id)
        )
        return tuple(
            ReleasedPart(id=key, number=number, state=state, for_day=day, is_planned=bool(planned))
            for key, number, state, day, planned in rows
        )

    def set_appointment(
        self, order_id: int, *, version: int, day: str, opens: str, closes: str, not_after: str
    ) -> None:
        """The order is wanted on that ISO day, its service begun in this window of the door's wall clock; what it said
        of hours before is gone. Raises Conflict when somebody changed the order since it was read."""
        done = self.connection.execute(
            update(order)
            .where(order.c.id == order_id, order.c.version == version)
            .values(wanted_on=day, not_before=day, not_after=not_after, version=version + 1)
        )
        if not done.rowcount:
            raise Conflict("Somebody changed this order meanwhile. Look at the offers again.", code="shown_is_old")
        self.connection.execute(delete(order_window).where(order_window.c.order_id == order_id))
        self.connection.execute(
            insert(order_window).values(order_id=order_id, weekdays="", opens=opens, closes=closes, kind="begin_by")
        )


def _open_lines() -> Select[Any]:
    """Order lines with what of them is still to go: `open` is not released, `wanted` not handed over. Base units."""
    return (
        select(
            order.c.id,
            order.c.number,
            order.c.site_id,
            order.c.ordered_at,
            order.c.routing_tier,
            order_line.c.id.label("line_id"),
            order_line.c.product_id,
            order_line.c.expected_on,
            customer.c.tier,
            product.c.name,
            product.c.case_pack,
            product.c.weight_g,
            product.c.volume_cm3,
            product.c.pieces,
            (ORDERED - units_of_line(COMMITTED + SERVED)).label("open"),
            (ORDERED - units_of_line(SETTLED)).label("wanted"),
        )
        .join_from(order_line, order, order.c.id == order_line.c.order_id)
        .join(customer, customer.c.id == order.c.customer_id)
        .join(product, product.c.id == order_line.c.product_id)
    )


def _goods(row: Row[Any], *, known: bool, units: int | None = None) -> Goods:
    """`known` False: a weight that nobody knows counts as none, because the day is only sketched."""
    return Goods(
        order_id=row.id,
        product=row.name,
        quantity=row.open if units is None else units,
        case_pack=row.case_pack,
        weight_g=row.weight_g if known else row.weight_g or 0,
        volume_cm3=row.volume_cm3,
        pieces=row.pieces,
    )
