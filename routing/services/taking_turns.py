"""Whose turn it is: a report waits for whoever handles the same goods, before it writes anything.

What was short or damaged is given out again, and what a later trip takes is loaded, both decided as a receipt is: the
SKUs first, the chain of events last. A report that took the chain first and then waited for a SKU would meet whoever
has that SKU and waits for the chain. In order: the SKUs, the van's shift, its deliveries, the chain.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from routing.model.orders import WaitingOrder
from routing.model.proofs import DeliveryReport, Door, DoorEvent, DoorReport, LoadedLine, ManifestInHand, Outcome
from routing.services.locking import LocksPools
from routing.services.untold import Reader as KnowsUntold
from routing.services.untold import taken_along

_WHOLE = frozenset({Outcome.DAMAGED, Outcome.MISSING})
"""Without a count, all of the delivery is given out again."""


class Store(LocksPools, KnowsUntold, Protocol):
    """What taking turns needs of the store."""

    def lock_deliveries(self, delivery_ids: Collection[int]) -> None: ...
    def manifest_in_hand(self, manifest_id: int, *, lock: bool = False) -> ManifestInHand: ...
    def doors(self, manifest_id: int, stop_ids: Sequence[int]) -> dict[int, Door]: ...
    def trip_of_stop(self, stop_id: int) -> tuple[int, Sequence[int]]: ...
    def products_waiting(self, delivery_ids: Collection[int]) -> set[int]: ...
    def waiting_orders(
        self, depot_id: int, order_ids: Collection[int], *, now: datetime
    ) -> Mapping[int, WaitingOrder]: ...
    def erp_allocates(self) -> bool: ...


def manifest_in_turn(store: Store, manifest_id: int, report: DoorReport, *, now: datetime) -> ManifestInHand:
    """The manifest in force, when nobody else writes any more of what this report may touch. Raises NotFound."""
    door = store.doors(manifest_id, [report.stop_id]).get(report.stop_id)
    delivery_ids = {each.id for each in door.deliveries} if door is not None else set()
    if door is not None and report.kind is DoorEvent.LOADED:
        delivery_ids |= set(store.trip_of_stop(report.stop_id)[1])
    lost = _lost(door, report) if door is not None and not store.erp_allocates() else []
    waiting = store.products_waiting(delivery_ids)
    if lost or waiting:
        depot_id = store.manifest_in_hand(manifest_id).depot_id
        products = waiting | {line.product_id for line in lost}
        if lost:
            orders = store.waiting_orders(depot_id, {line.order_id for line in lost}, now=now)
            products |= {line.product_id for order in orders.values() for line in order.lines}
            products |= set(taken_along(store, depot_id))
        # How far the decision reaches beyond these is known only when it is made: who meets another there begins anew.
        store.lock_pools(depot_id, products)
    manifest = store.manifest_in_hand(manifest_id, lock=True)
    store.lock_deliveries(delivery_ids)
    return manifest


def _lost(door: Door, report: DoorReport) -> list[LoadedLine]:
    """The lines of which something is reported short or damaged, as far as the report can be read before its turn."""
    said: dict[int, DeliveryReport] = {each.delivery_id: each for each in report.deliveries}
    found = []
    for delivery in door.deliveries:
        if delivery.id not in said:
            continue
        counted = {line.allocation_id: line.short + line.damaged for line in said[delivery.id].lines}
        whole = not counted and said[delivery.id].outcome in _WHOLE
        found += [line for line in delivery.lines if whole or counted.get(line.allocation_id)]
    return found
