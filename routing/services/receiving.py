"""Goods arrive: shown first, then committed by the same rule, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Protocol

from routing.cycles import no_cycles
from routing.errors import Conflict, InvalidInput
from routing.model.orders import AllocationPolicy, Book, Preview, WaitingOrder
from routing.model.stock import CountedBefore, EarlierCount, InboundLines, Receipt
from routing.rules.allocation import came_short, more_than_expected, rests_of, with_receipts
from routing.rules.counted_before import counted_again, said_otherwise
from routing.rules.reach import with_orders
from routing.services import allocating, committing, reaching
from routing.services.locking import locked_products
from routing.services.overdue import FinishesTasks, came_or_named
from routing.services.story import MovesGoods


class Reader(allocating.Reader, Protocol):
    def counted_before(self, numbers: Collection[str]) -> dict[tuple[str, int], CountedBefore]: ...
    def earlier_counts(
        self, inbound_ids: Collection[int], *, besides: Collection[str] = ()
    ) -> dict[int, list[EarlierCount]]: ...
    def inbound_lines(self, supply_ids: Collection[int]) -> list[InboundLines]: ...


class Store(Reader, MovesGoods, allocating.Store, FinishesTasks, Protocol):
    def add_receipts(self, receipts: Sequence[Receipt], *, by: str) -> list[int] | None: ...
    def waiting_orders(
        self, depot_id: int, order_ids: Collection[int], *, now: datetime
    ) -> dict[int, WaitingOrder]: ...


NOT_YET = 2**31
"""The first key of receipts that are not written yet: they sort after every real supply, as new ones do."""


def simulate_receipt(
    store: Reader, receipt: Receipt, *, now: datetime, policy: AllocationPolicy | None = None
) -> Preview:
    """Who goes, who waits, old and new date if this receipt is counted in. Nothing is written.

    `policy`: another than the one in force, to see what it would change. Raises Conflict when the number was counted
    before with other facts: another quantity, quarantine, inbound or depot.
    """
    return simulate_receipts(store, [receipt], now=now, policy=policy)


@no_cycles()
def simulate_receipts(
    store: Reader, receipts: Sequence[Receipt], *, now: datetime, policy: AllocationPolicy | None = None
) -> Preview:
    """The same for a whole truck at one depot: decided once, so that no order waits for what stands beside it."""
    depot_id = _depot(receipts)
    new = _not_counted_before(store, receipts)
    if not new:
        return _already(store, depot_id, policy, now)
    # Also those that were counted before, as the commit does: it learns which those are under their locks.
    products = {receipt.product_id for receipt in receipts}
    decision = reaching.decide_change(
        store,
        depot_id,
        products,
        lambda book: with_receipts(book, new, first_id=NOT_YET),
        now=now,
        why=_why(new),
        policy=policy,
    )
    return _with_counts(store, decision, new, again=_counted_again(store, decision, new))


def commit_receipt(
    store: Store,
    receipt: Receipt,
    *,
    now: datetime,
    by: str,
    policy: AllocationPolicy | None = None,
    tell: bool = True,
    again: bool = False,
    besides: Collection[str] = (),
) -> Preview:
    """Counts the receipt in and gives its units out, all in the store's transaction; answers what happened.

    Idempotent by (number, SKU): the second time nothing changes and `already` says so. Raises Conflict when the number
    was counted with other facts, at another depot too, or when the day moved on meanwhile: run it again; and where its
    inbound was counted in before and more comes now than was to come, unless a person said that it came `again`.
    `besides`: the numbers of receipts that were counted in just now, with this one.
    """
    return commit_receipts(store, [receipt], now=now, by=by, policy=policy, tell=tell, again=again, besides=besides)


@no_cycles()
def commit_receipts(
    store: Store,
    receipts: Sequence[Receipt],
    *,
    now: datetime,
    by: str,
    policy: AllocationPolicy | None = None,
    tell: bool = True,
    again: bool = False,
    besides: Collection[str] = (),
) -> Preview:
    """The same for a whole truck at one depot: all of it or nothing. What was counted in before is passed over."""
    depot_id = _depot(receipts)
    new: list[Receipt] = []

    def change(book: Book) -> Book:
        # Asked under the lock: somebody may have counted it in while we waited.
        new[:] = _not_counted_before(store, receipts)
        return with_receipts(book, new, first_id=NOT_YET)

    products = {receipt.product_id for receipt in receipts}
    why = _why(receipts)
    decision = reaching.decide_change(store, depot_id, products, change, now=now, why=why, policy=policy, locking=store)
    if not new:
        return _already(store, depot_id, policy, now)
    twice = _counted_again(store, decision, new, besides=besides)
    if twice and not again:
        raise Conflict(
            f"{' '.join(twice.values())} Nothing was counted in. Where it came twice, say so: with a tick on the page, "
            "or --again.",
            code="counted_again",
        )
    # What was counted before moved nothing now: one cause, that of what is new, stands in every record of it.
    counted = _why(new)
    cause = came_short(decision.before, new) or counted
    decision = replace(
        decision,
        promises=tuple(replace(each, why=cause) if each.why == why else each for each in decision.promises),
    )
    keys = store.add_receipts(new, by=by)
    if keys is None:
        raise Conflict(f"{counted[0].upper()}{counted[1:]}: somebody else is counting them in. Look again.")
    decision = allocating.with_keys(decision, dict(enumerate(keys, start=NOT_YET)))
    store.append_events(
        [
            {
                "kind": "received",
                "actor": by,
                "captured_at": receipt.counted_at,
                "received_at": now,
                "data": {
                    "receipt": receipt.number,
                    "sku": receipt.sku,
                    "quantity": receipt.quantity,
                    "quarantined": receipt.quarantined,
                    "depot": receipt.depot_id,
                    "policy": decision.preview.rule.value,
                },
            }
            for receipt in new
        ]
    )
    inbound = sorted({receipt.inbound_id for receipt in new if receipt.inbound_id is not None})
    came_or_named(store, inbound, outcome=counted, by=by, now=now)
    committing.write(store, decision, by=by, now=now, why=cause, tell=tell)
    return _with_counts(store, decision, new, again=twice)


def commit_file(
    store: Store, receipts: Sequence[Receipt], *, now: datetime, by: str, again: bool = False
) -> list[tuple[list[Receipt], Preview]]:
    """Counts in what one file says of any depots, depot by depot in the store's one transaction: all of it or nothing.

    The depots are always taken in the same order, so that two files at once do not wait for each other. Raises Conflict
    as `commit_receipts` does.
    """
    together = of_depots(receipts)
    return [(each, commit_receipts(store, each, now=now, by=by, again=again)) for each in together]


def of_depots(receipts: Sequence[Receipt]) -> list[list[Receipt]]:
    """The receipts of each depot, in the order of the file; the depots by key."""
    by_depot: dict[int, list[Receipt]] = {}
    for receipt in receipts:
        by_depot.setdefault(receipt.depot_id, []).append(receipt)
    return [by_depot[depot_id] for depot_id in sorted(by_depot)]


def _counted_again(
    store: Reader, decision: allocating.Decision, receipts: Sequence[Receipt], *, besides: Collection[str] = ()
) -> dict[int, str]:
    inbound = {receipt.inbound_id for receipt in receipts if receipt.inbound_id is not None}
    earlier = store.earlier_counts(inbound, besides=besides) if inbound else {}
    return counted_again(decision.before, receipts, earlier)


def _with_counts(
    store: Reader, decision: allocating.Decision, receipts: Sequence[Receipt], *, again: Mapping[int, str]
) -> Preview:
    """The preview, with what was counted beside what was expected. `again`: inbound that were counted in before, of
    which that says all there is to say."""
    others = [receipt for receipt in receipts if receipt.inbound_id not in again]
    closed = {each.inbound_id for each in receipts if each.inbound_id} - {each.id for each in decision.before.supplies}
    numbers = {key: lines.number for lines in store.inbound_lines(closed) for key in lines.ids} if closed else {}
    return replace(
        decision.preview,
        warnings=(*more_than_expected(decision.before, others, numbers=numbers), *decision.preview.warnings),
        rests=rests_of(decision.before, receipts),
        again=tuple(again.values()),
    )


def _already(store: Reader, depot_id: int, policy: AllocationPolicy | None, now: datetime) -> Preview:
    policy = policy or allocating.policy_of(store, depot_id, now)
    return Preview(depot_id=depot_id, rule=policy.rule, lines=(), already=True)


def reallocate(
    store: Store,
    *,
    depot_id: int,
    product_ids: Collection[int],
    now: datetime,
    by: str,
    why: str,
    tell: bool = True,
    stood: Mapping[int, WaitingOrder | None] | None = None,
) -> Preview:
    """Decides these SKUs again by the policy in force: after an order changed, or goods came short or back.

    `stood` is how the orders stood that were written of since they were decided last, None for one that wanted nothing:
    then no more is decided than that reaches. Without it, all that ship-complete orders tie to these SKUs.
    """
    if stood is None:
        products = locked_products(store, depot_id, product_ids)
        book = store.book(depot_id, products, now=now)
        policy = allocating.policy_of(store, depot_id, now)
        decision = allocating.decide(store, book, book, policy=policy, now=now, why=why, beside_the_calendar=True)
    else:
        stand = store.waiting_orders(depot_id, list(stood), now=now)
        theirs = [order for order in (*stood.values(), *stand.values()) if order is not None]
        decision = reaching.decide_change(
            store,
            depot_id,
            set(product_ids) | {line.product_id for order in theirs for line in order.lines},
            _as_it_is,
            now=now,
            why=why,
            locking=store,
            stood=partial(with_orders, orders=stood),
        )
    committing.write(store, decision, by=by, now=now, why=why, tell=tell)
    return decision.preview


def how_they_stand(
    store: Store, depot_id: int, order_ids: Collection[int], *, now: datetime
) -> dict[int, WaitingOrder | None]:
    """What `reallocate` asks for as `stood`, read before anything is written of these orders."""
    return dict.fromkeys(order_ids) | store.waiting_orders(depot_id, order_ids, now=now)


def _as_it_is(book: Book) -> Book:
    return book


def _not_counted_before(store: Reader, receipts: Sequence[Receipt]) -> list[Receipt]:
    """Those whose number is new for their SKU. Raises Conflict when one comes again and says something else."""
    known = store.counted_before({receipt.number for receipt in receipts})
    new = []
    for receipt in receipts:
        before = known.get((receipt.number, receipt.product_id))
        if before is None:
            new.append(receipt)
        elif otherwise := said_otherwise(receipt, before):
            raise Conflict(otherwise, code="counted_before", receipt=receipt.number)
    return new


def _depot(receipts: Sequence[Receipt]) -> int:
    depots = {receipt.depot_id for receipt in receipts}
    if len(depots) != 1:
        raise InvalidInput(
            f"Receipts of {len(depots)} depots cannot be decided together. Count in one depot at a time."
        )
    return depots.pop()


def _why(receipts: Sequence[Receipt]) -> str:
    numbers = list(dict.fromkeys(receipt.number for receipt in receipts))
    if len(numbers) == 1:
        return f"receipt {numbers[0]}"
    return f"receipts {numbers[0]} to {numbers[-1]}"
