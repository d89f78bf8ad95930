"""Locking: who wants to decide about a SKU at a depot waits for whoever decides about it now.

Orders tie SKUs to each other (one that ships complete, substitutes), so that a decision about one may be about more.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol


class LocksPools(Protocol):
    def lock_pools(self, depot_id: int, product_ids: Collection[int]) -> None:
        """Whoever wants these SKUs at this depot waits until the transaction ends. Comes before anything is read."""
        ...


class KnowsRelated(Protocol):
    def related_products(self, depot_id: int, product_ids: Collection[int]) -> frozenset[int]:
        """These SKUs and those that open orders tie to them."""
        ...

    def tied_products(self, depot_id: int, product_ids: Collection[int]) -> frozenset[int]:
        """Of those the ones that a single order ties to them."""
        ...


class LocksRelated(KnowsRelated, LocksPools, Protocol):
    """What locking SKUs with those that are tied to them needs."""


class LocksInSteps(LocksRelated, Protocol):
    """What keeps others out while a decision reaches further and further."""

    def lock_afresh(self, depot_id: int, product_ids: Collection[int]) -> bool: ...
    def keep_locks(self) -> None: ...


def locked_products(store: LocksRelated, depot_id: int, product_ids: Collection[int]) -> frozenset[int]:
    """Locks these SKUs and those tied to them; returns them all. What they tie may grow while we wait for the lock."""
    tied = store.related_products(depot_id, product_ids)
    while True:
        store.lock_pools(depot_id, tied)
        again = store.related_products(depot_id, tied)
        if again == tied:
            return tied
        tied = again
