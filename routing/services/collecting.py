"""Collecting: returns and empties are fetched by a van, counted and inspected before anybody can be promised them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from routing.errors import Conflict, InvalidInput, NotFound
from routing.model.parties import Depot
from routing.model.returns import CollectFrom, HandedOver
from routing.rules.collecting import fetched, first_day, reason
from routing.rules.door import first_day_after
from routing.services import releasing
from routing.services.erp import refuse_if_erp


class Store(releasing.Store, Protocol):
    """What collecting needs of the store."""

    def collect_from(self, site_id: int) -> CollectFrom: ...
    def handed_over(self, *, site_id: int, product_id: int) -> list[HandedOver]: ...
    def product_named(self, product_id: int) -> tuple[str, str]: ...
    def is_returnable(self, product_id: int) -> bool: ...
    def depot_of_site(self, site_id: int) -> int: ...
    def newest_order_of(self, site_id: int) -> tuple[int, str] | None: ...
    def add_empties(self, *, delivery_id: int, product_id: int, quantity: int, order_id: int | None) -> None: ...
    def depot(self, depot_id: int) -> Depot: ...
    def add_delivery(
        self,
        *,
        release_id: int,
        site_id: int,
        depot_id: int,
        for_day: str,
        tier: int,
        ready_at: datetime | None,
        oldest_ordered_at: datetime,
        lines: Mapping[int, int],
        direction: str = "deliver",
    ) -> tuple[int, str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """What is fetched, from which ISO day on; `orders` brought it, or are those on whose page it stands."""

    delivery_id: int
    number: str
    site: str
    customer: str
    sku: str
    quantity: int
    day: str
    orders: tuple[str, ...]


def collect_goods(
    store: Store,
    *,
    site_id: int,
    product_id: int,
    quantity: int,
    why: str,
    day: str = "",
    now: datetime,
    by: str,
    order_id: int | None = None,
) -> Fetching:
    """Makes a delivery with direction `collect` of units that were handed over at the site; of a product that is
    returnable also of more than that. `order_id` is the order on whose page it was asked for; without one, what none
    of our deliveries brought stands with the newest order of that site.

    `day`: the ISO day from which a van may fetch them; "" is the next day on which the site is served. Raises NotFound,
    InvalidInput when so many are not there, and Conflict where the ERP decides about goods.
    """
    refuse_if_erp(store)
    door, (sku, _name) = store.collect_from(site_id), store.product_named(product_id)
    why = reason(why)
    there, returnable = store.handed_over(site_id=site_id, product_id=product_id), store.is_returnable(product_id)
    if not there and not returnable:
        raise InvalidInput(
            f"No {sku} is at {door.site} by our deliveries, or a collection has it already. Is it an empty that you "
            'never delivered, say "yes" in the column "returnable" of its row and import the products again.',
            code="nothing_there",
        )
    depot_id = there[-1].depot_id if there else store.depot_of_site(site_id)
    store.lock_pools(depot_id, {product_id})
    # Read again: somebody may have asked for the same units while we waited for the lock.
    there = store.handed_over(site_id=site_id, product_id=product_id)
    if there[-1].depot_id != depot_id if there else not returnable:
        raise Conflict("Somebody else has just asked for these goods. Look again.", code="shown_is_old")
    found = fetched(there, quantity=quantity, sku=sku, site=door.site, returnable=returnable)
    units = found.units
    today = now.astimezone(ZoneInfo(store.depot(depot_id).zone)).date()
    days = store.delivery_days(depot_id, [site_id])[site_id]
    for_day = first_day(day, today=today) if day else first_day_after(today.isoformat(), days)
    if not for_day:
        raise InvalidInput(f"{door.site} has no delivery day: name the day.", code="day")
    delivery_id, number = store.add_delivery(
        release_id=store.add_release(depot_id=depot_id, for_day=for_day, by=by, now=now),
        site_id=site_id,
        depot_id=depot_id,
        for_day=for_day,
        tier=door.tier,
        ready_at=None,
        oldest_ordered_at=now,
        lines=units,
        direction="collect",
    )
    stands_with = store.newest_order_of(site_id) if found.empties and order_id is None else None
    if stands_with is not None:
        order_id = stands_with[0]
    if found.empties:
        store.add_empties(delivery_id=delivery_id, product_id=product_id, quantity=found.empties, order_id=order_id)
    by_order: dict[tuple[int, str], int] = {}
    for each in there:
        if taken := units.get(each.allocation_id, 0):
            by_order[each.order_id, each.order] = by_order.get((each.order_id, each.order), 0) + taken
    asked: list[tuple[int | None, int]] = [(of, taken) for (of, _order), taken in sorted(by_order.items())]
    for of_order, taken in [*asked, (order_id, found.empties)] if found.empties else asked:
        store.append_event(
            kind="collection_asked",
            actor=by,
            captured_at=now,
            received_at=now,
            order_id=of_order,
            delivery_id=delivery_id,
            data={"delivery": number, "sku": sku, "units": taken, "for_day": for_day, "why": why},
        )
    return Fetching(
        delivery_id=delivery_id,
        number=number,
        site=door.site,
        customer=door.customer,
        sku=sku,
        quantity=quantity,
        day=for_day,
        orders=tuple(
            dict.fromkeys([*(order for _id, order in sorted(by_order)), *([stands_with[1]] if stands_with else [])])
        ),
    )


def cancel_collection(
    store: Store, delivery_id: int, *, now: datetime, by: str, why: str, order_id: int | None = None
) -> str:
    """Nobody fetches it any more, and `why` stands with its orders; returns its number. Raises NotFound, InvalidInput
    without a reason, and Conflict once a van has it on its list.

    `order_id`: it must fetch goods of that order, on whose page it was cancelled.
    """
    found = next(iter(store.pick_deliveries([delivery_id])), None)
    if order_id is not None and (found is None or order_id not in {each for each, _number in found.orders}):
        raise NotFound("There is no such collection of this order. Look at it again.", delivery=delivery_id)
    if found is not None and found.direction != "collect":
        raise InvalidInput(f"{found.number} brings goods: take it back under Release.", code="direction")
    releasing.unrelease(store, delivery_id, now=now, by=by, why=why)
    return "" if found is None else found.number
