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

    def dated_beside(self, depot_id: int, product_ids: Collection[int]) -> frozenset[int]:
        """The SKUs whose days are read by whoever dates these, because one order waits for both; none where nobody
        else can write meanwhile."""
        ...


class LocksInSteps(LocksRelated, Protocol):
    """What keeps others out while a decision reaches further and further."""

    def lock_afresh(self, depot_id: int, product_ids: Collection[int]) -> bool: ...
    def keep_locks(self) -> None: ...


def locked_products(store: LocksRelated, depot_id: int, product_ids: Collection[int]) -> frozenset[int]:
    """Locks these SKUs and those tied to them, and returns them all; and those that are dated beside them. What they
    tie may grow while we wait for the lock."""
    tied = store.related_products(depot_id, product_ids)
    locked = tied | store.dated_beside(depot_id, tied)
    while True:
        store.lock_pools(depot_id, locked)
        tied = store.related_products(depot_id, tied)
        needed = tied | store.dated_beside(depot_id, tied)
        if needed <= locked:
            return tied
        locked |= needed


def locked_afresh(store: LocksInSteps, depot_id: int, product_ids: frozenset[int]) -> bool:
    """`lock_afresh` of these SKUs and of those that are dated beside them, which may grow while we wait."""
    locked = product_ids | store.dated_beside(depot_id, product_ids)
    while True:
        alone = store.lock_afresh(depot_id, locked)
        needed = product_ids | store.dated_beside(depot_id, product_ids)
        if needed <= locked:
            return alone
        locked |= needed
