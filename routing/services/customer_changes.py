"""Customers stand otherwise than before: another tier or rank, other delivery days. Their dates, and those of whoever
waits beside them, are worked out again with the file that says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from routing.services import holding, importing

RANKS = frozenset({"tier", "rank_rule"})
"""Columns of a customer that decide who goes first."""
SERVED = frozenset({"delivery_days", "postcode"})
"""Columns of a site that decide on which days it is served: a postcode gives it its zone."""
MANY = 50
"""From so many customers on, all open goods are decided: asking for each customer's would take longer."""


class Store(importing.Store, holding.LetsGo, Protocol):
    def open_products_of(self, *, scope: str, scope_id: int) -> dict[int, frozenset[int]]: ...


@dataclass(slots=True)
class CustomerChanges:
    """The keys of customers, known before, of whom a file changed something that decides dates."""

    ranked: set[int] = field(default_factory=set)
    held: set[int] = field(default_factory=set)
    """Orders that were on hold before the file lifted their customer's."""
    served: set[int] = field(default_factory=set)

    def customer(self, customer_id: int, columns: Collection[str]) -> None:
        if RANKS.intersection(columns):
            self.ranked.add(customer_id)

    def site(self, customer_id: int, columns: Collection[str]) -> None:
        if SERVED.intersection(columns):
            self.served.add(customer_id)


def settle_customers(store: Store, changes: CustomerChanges, *, now: datetime, by: str) -> importing.Settled:
    """Gives their goods out again, tells whom that moves past a promise, and returns whom it moves. Who is not on hold
    any more is told a day. Nothing where the ERP allocates, and nothing of a file that changed nothing of the kind."""
    holding.tell_let_go(store, changes.held, by=by, now=now)
    touched = changes.ranked | changes.served
    if not touched or store.erp_allocates():
        return importing.Settled()
    pools: dict[int, set[int]] = defaultdict(set)
    for scope, scope_id in [("company", 0)] if len(touched) > MANY else [("customer", key) for key in sorted(touched)]:
        for depot_id, products in store.open_products_of(scope=scope, scope_id=scope_id).items():
            pools[depot_id] |= products
    why = "delivery days changed" if not changes.ranked else "customer rank changed in a file"
    return importing.settle(store, pools, now=now, by=by, tell=True, why=why)
