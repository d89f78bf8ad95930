"""Decides what a receipt, a slip or a count changes, and no more of the book than it reaches."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from zoneinfo import ZoneInfo

from routing.cycles import no_cycles
from routing.model.orders import AllocationPolicy, Book
from routing.rules.reach import NARROW_RULES, reached, together
from routing.services import allocating, untold
from routing.services.erp import refuse_if_erp
from routing.services.locking import LocksInSteps, locked_afresh, locked_products

MANY_SKUS = 400
"""From here on a change that reaches a quarter of all SKUs is decided for all: each round walks all it has again.
Above the store's `MANY_POOLS`, so that whoever locks has the whole depot locked by then."""
SOME_SKUS = 100
"""From here on it is asked first whether single orders tie nine tenths of all SKUs to these: then a narrow look, which
nearly always ends at the whole depot, is left out."""


@no_cycles()
def decide_change(
    store: allocating.Reader,
    depot_id: int,
    product_ids: Collection[int],
    change: Callable[[Book], Book],
    *,
    now: datetime,
    why: str,
    policy: AllocationPolicy | None = None,
    locking: LocksInSteps | None = None,
    stood: Callable[[Book], Book] | None = None,
    seen: Callable[[Book], Book] | None = None,
    beside: Collection[int] = (),
) -> allocating.Decision:
    """What becomes of everybody when `change`, which is about these SKUs, is made to the book as it stands.

    `change` may be asked several times, each time with more SKUs in the book, and under `locking` with everything read
    again; what it answered last counts. `policy`: another than the one in force, to see what it would do. `stood` takes
    back what was written of orders since the book was decided last; every SKU of theirs, then and now, is named.
    `seen`: how the book is looked at, SKU by SKU, before anything is decided: what is out of everybody's reach is left
    out. `beside`: SKUs that are locked and decided too, because the caller writes something of them, though nothing
    here is about them: of theirs the preview has only what moves. Whoever shows a change first names the same.

    On a book that stands decided this is what deciding all SKUs together would say. The calendar moves a book that
    nobody touches: dates that were to be today, orders that come within the reservation horizon. Such a line outside
    is taken as it stands, with the days that are over left out, until its own SKU is decided. Where a fair share, the
    earliest promise or a limit of stops ties everything together, all that ship-complete orders tie is decided, and
    where promises rank all that orders tie which were promised nothing yet.
    SKUs whose dates moved while nobody was told are decided along, so that no promise stays that does not hold; what
    moved them stays the cause.
    Raises Conflict where the ERP allocates.
    """
    refuse_if_erp(store)
    named = frozenset(product_ids)
    along = frozenset(untold.taken_along(store, depot_id)) - named
    product_ids = named | along | frozenset(beside)
    in_force = allocating.policy_of(store, depot_id, now)
    policy = policy or in_force
    if policy != in_force or policy.rule not in NARROW_RULES or store.stops_are_limited():
        tied = (
            locked_products(locking, depot_id, product_ids)
            if locking
            else store.related_products(depot_id, product_ids)
        )
        before = store.book(depot_id, tied, now=now, ranked_by=policy.rule)
        before = seen(before) if seen else before
        return allocating.decide(
            store, before, change(before), policy=policy, now=now, why=why, named=named, along=along,
            beside_the_calendar=True,
        )  # fmt: skip
    today = now.astimezone(ZoneInfo(store.depot(depot_id).zone)).date()
    decided_until = store.setting(allocating.horizon_setting(depot_id), "")
    products = frozenset(product_ids)
    every = store.open_products(depot_id) if len(products) >= SOME_SKUS else frozenset[int]()
    if every and 10 * len(store.tied_products(depot_id, products)) > 9 * len(every):
        products |= every
    read = Book(depot_id=depot_id)
    known: frozenset[int] = frozenset()
    while True:
        # Taking more locks while holding some could meet somebody who does the same the other way round.
        if locking is not None and not locked_afresh(locking, depot_id, products):
            known, read = frozenset(), Book(depot_id=depot_id)
            every = store.open_products(depot_id) if every else every
        # Where all that anybody waits for is decided, nothing is left for an order to reach.
        some = not every or not products >= every
        more = store.book(depot_id, products - known, now=now, reaching=some)
        read = together(read, more) if known else more
        before = seen(read) if seen else read
        after = change(before)
        reach = reached(stood(before) if stood else before, after, policy, today, decided_until=decided_until)
        if not reach.more:
            break
        known, products = products, products | reach.more
        if len(products) > MANY_SKUS:
            every = every or store.open_products(depot_id)
            if 4 * len(products) > len(every):
                products |= every
    if locking:
        locking.keep_locks()
    outcome = reach.outcome
    return allocating.decide(
        store, before, after, policy=policy, now=now, why=why, outcome=outcome, named=named, along=along,
        beside_the_calendar=True,
    )  # fmt: skip
