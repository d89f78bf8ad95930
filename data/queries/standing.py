"""Where every open order stands on a day: what Today counts, what Orders lists and what Release shows are this."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, select

from data.queries.needs import COMMITTED, still_needed, units_of_line
from data.queries.release import ReadyParts, UnsureSites, ready_parts, unsure_sites
from data.store import SqlStore
from data.tables import allocation, delivery, delivery_line, order, order_line
from routing.rules.standing import LOADED, RELEASED, OrderFacts, Stand, Standing, stand_of
from routing.services.releasing import ReadyOrder, Releasing, simulate_release

STILL_HERE = ("released", "loaded")
"""States of a delivery that still has to leave."""
LEFT = ("dispatched", "under_way")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """`of`: every open order by id. `releases`: what a release for the day would do, a depot each, in their order.
    `unsure`: sites without a sure place."""

    day: str
    of: Mapping[int, Stand]
    releases: tuple[Releasing, ...]
    unsure: UnsureSites

    @property
    def counts(self) -> dict[Standing, int]:
        """How many open orders stand where; each standing is there, and they add up to all that are open."""
        found = Counter(each.standing for each in self.of.values())
        return {each: found[each] for each in Standing}

    @property
    def released(self) -> int:
        """Of the ready: those that are released, or loaded already."""
        return sum(each.standing is Standing.READY and each.why in (RELEASED, LOADED) for each in self.of.values())

    @property
    def not_looked_up(self) -> int:
        """Of those in review: whose address has only not been looked up yet."""
        return sum(each.standing is Standing.IN_REVIEW and not each.looked_up for each in self.of.values())

    @property
    def release(self) -> ReadyParts:
        """What a release would take, in orders. An order of which a part is released counts here too."""
        return ready_parts((each for found in self.releases for each in found.ready), self.unsure)


def standings(
    connection: Connection, *, day: str, now: datetime, order_id: int | None = None, depot_id: int | None = None
) -> Standings:
    """Of every open order, or of one alone. Looks at the whole open book: one reading, a few rows an order."""
    store = SqlStore(connection)
    only = None if order_id is None else [order_id]
    releases = tuple(
        simulate_release(store, depot_id=each, for_day=day, now=now, orders=only)
        for each in ([depot_id] if depot_id is not None else store.depot_ids())
    )
    goes: dict[int, ReadyOrder] = {each.order_id: each for found in releases for each in found.ready}
    stays = {each.order_id: each.reasons for found in releases for each in found.stays}
    left = _in_deliveries(connection, LEFT, order_id=order_id, day=day)
    loaded = _in_deliveries(connection, ("loaded",), order_id=order_id, day=day)
    released = _in_deliveries(connection, ("released",), order_id=order_id, day=day)
    on_van, committed = _beyond_release(connection, order_id)
    rest = _of_the_erp(connection, order_id) if store.erp_allocates() else set[int]()
    open_orders = {*goes, *stays, *on_van, *committed, *rest}
    unsure = unsure_sites(connection)
    at_unsure = _orders_at(connection, unsure.all, order_id)
    at_new = _orders_at(connection, unsure.new, order_id)
    return Standings(
        day=day,
        of={
            key: stand_of(
                OrderFacts(
                    # A van that came back with it still has it until it is unloaded.
                    left=key in left or (key in on_van and key not in loaded),
                    loaded=key in loaded,
                    released=key in released,
                    released_ahead=key in committed,
                    goes=key in goes,
                    on_truck=key in goes and not goes[key].on_shelf,
                    reasons=stays.get(key, ()),
                    sure=key not in at_unsure,
                    looked_up=key not in at_new,
                )
            )
            for key in sorted(open_orders)
        },
        releases=releases,
        unsure=unsure,
    )


def _in_deliveries(connection: Connection, states: Collection[str], *, order_id: int | None, day: str) -> set[int]:
    query = (
        select(order_line.c.order_id)
        .join(allocation, allocation.c.order_line_id == order_line.c.id)
        .join(delivery_line, delivery_line.c.allocation_id == allocation.c.id)
        .join(delivery, delivery.c.id == delivery_line.c.delivery_id)
        .where(delivery.c.state.in_(states), delivery.c.for_day <= day, delivery.c.direction == "deliver")
        .distinct()
    )
    return set(connection.scalars(_only(query, order_id)))


def _only(query: Select[tuple[int]], order_id: int | None) -> Select[tuple[int]]:
    return query if order_id is None else query.where(order_line.c.order_id == order_id)


def _beyond_release(connection: Connection, order_id: int | None) -> tuple[set[int], set[int]]:
    """Orders with units on a van, and orders with released ones: a release has nothing to say about those units."""
    found: list[set[int]] = []
    for units in (allocation.c.loaded, COMMITTED):
        query = (
            select(order_line.c.order_id)
            .join(allocation, allocation.c.order_line_id == order_line.c.id)
            .join(order, order.c.id == order_line.c.order_id)
            .where(units > 0, order.c.cancelled_at.is_(None))
            .distinct()
        )
        found.append(set(connection.scalars(_only(query, order_id))))
    return found[0], found[1]


def _of_the_erp(connection: Connection, order_id: int | None) -> set[int]:
    """What the ERP has not released yet: our own release says nothing about it."""
    query = (
        select(order_line.c.order_id)
        .join(order, order.c.id == order_line.c.order_id)
        .where(order.c.cancelled_at.is_(None), still_needed() > units_of_line(COMMITTED))
        .distinct()
    )
    return set(connection.scalars(_only(query, order_id)))


def _orders_at(connection: Connection, sites: Collection[int], order_id: int | None) -> set[int]:
    query = select(order.c.id, order.c.site_id).where(order.c.cancelled_at.is_(None))
    if order_id is not None:
        query = query.where(order.c.id == order_id)
    return {row.id for row in connection.execute(query) if row.site_id in sites}
