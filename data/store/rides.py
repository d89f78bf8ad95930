"""The store's part for goods that could ride along: deliveries as they would be, before anything is released."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import select

from data.store.days import DayStore
from data.store.part import parts
from data.tables import allocation, order_line, product
from routing.model.day import DeliveryFacts, Goods
from routing.services.releasing import ReadyOrder


class RideStore(DayStore):
    def part_facts(self, chosen: Collection[ReadyOrder], *, depot_id: int, for_day: str) -> dict[int, DeliveryFacts]:
        """The delivery that each of these orders would become with these units, by order; its id is the order's,
        negative, because it does not exist yet."""
        orders = self.order_facts({each.order_id for each in chosen})
        goods = self._goods_of({unit.allocation_id for each in chosen for unit in each.units})
        return {
            each.order_id: DeliveryFacts(
                id=-each.order_id,
                number=each.order,
                site_id=each.site_id,
                depot_id=depot_id,
                for_day=for_day,
                tier=each.tier,
                ready_at=max((unit.ready_at for unit in each.units if unit.ready_at is not None), default=None),
                oldest_ordered_at=each.ordered_at,
                goods=tuple(
                    Goods(order_id=each.order_id, quantity=unit.quantity, **goods[unit.allocation_id])
                    for unit in each.units
                ),
                orders=(orders[each.order_id],),
            )
            for each in chosen
        }

    def _goods_of(self, allocation_ids: Collection[int]) -> dict[int, dict[str, Any]]:
        """Of each allocation what a van must know of its product."""
        found: dict[int, dict[str, Any]] = {}
        for some in parts(allocation_ids):
            query = (
                select(
                    allocation.c.id,
                    product.c.name.label("product"),
                    product.c.case_pack,
                    product.c.weight_g,
                    product.c.volume_cm3,
                    product.c.pieces,
                )
                .join_from(allocation, order_line, order_line.c.id == allocation.c.order_line_id)
                .join(product, product.c.id == order_line.c.product_id)
                .where(allocation.c.id.in_(some))
            )
            for row in self.connection.execute(query).mappings():
                found[row["id"]] = {key: value for key, value in row.items() if key != "id"}
        return found
