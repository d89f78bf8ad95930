"""How far a change reaches: which other SKUs have to be decided with those that a receipt, a slip or a count is about.

Ship-complete orders tie their SKUs together, and through them nearly every SKU to every other. But a change seldom
turns what becomes of such an order, and only where it does its other SKUs have to be looked at. Pure.

    SO-1 ships complete and wants 10 oat drink and 5 cups; it holds neither, for there are 6 oat drink. SO-2 waits for
    cups behind it. A receipt of 2 oat drink: SO-1 is still not covered by oat drink, so nothing becomes of the cups.
    A receipt of 4: now it could be, and whether 5 cups are free for it stands in the cups' own book. They are added.

        >>> [sorted(reached(_example(stock=6), _example(stock=stock), *_today()).more) for stock in (8, 10)]
        [[], [2]]

    The other way round, SO-1 holds the 10 and the 5 cups. When one oat drink is missing it falls apart, and its cups
    go to whoever is next: they are added. When it has an oat drink more, nothing happens to it.

        >>> held = dict(held=10, cups=5)
        >>> before = _example(stock=10, **held)
        >>> [sorted(reached(before, _example(stock=stock, **held), *_today()).more) for stock in (9, 11)]
        [[2], []]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from routing.model.orders import (
    AllocationPolicy,
    AllocationRule,
    Book,
    Completeness,
    Outside,
    RankRule,
    WaitingLine,
    WaitingOrder,
)
from routing.model.stock import Holding, Supply, SupplyKind
from routing.rules.allocation import Outcome, allocate, covered_in, in_rank, last_reserved_day
from routing.rules.walk import covered_outside

NARROW_RULES = frozenset({AllocationRule.TIER_THEN_FIRST_ORDERED, AllocationRule.FIRST_ORDERED})
"""Rules under which a SKU asks nothing of another but whether a ship-complete order is covered there. A fair share is
weighed over all SKUs at once, and the promise that an order ranks by is that of all its lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What becomes of the book, and the products that must be added before that is true; none when it is."""

    outcome: Outcome
    more: frozenset[int]


def reached(before: Book, after: Book, policy: AllocationPolicy, today: date, *, decided_until: str = "") -> Reach:
    """Decides `after`, and says which products it cannot be decided without.

    Where `before` stands as it was decided last, an outcome with no `more` is what deciding the SKUs of all orders
    would say of these, and every other SKU would stay as it is. For then each ship-complete order that reaches outside
    is covered, or is not, as it was when the SKUs outside were decided:

    - it holds everything outside, and is covered here: it is served as before;
    - it holds less, and is not covered here: it waits as before;
    - it holds less, and was covered here before as it is now: it waits for something outside, as before.

    Everything else is uncertain. So is an order that came within the reservation horizon after it was ordered: nobody
    may have asked for it outside since then. Up to the ISO day `decided_until` somebody has.
    """
    queue = in_rank(after, policy, today)
    outcome = allocate(after, policy, today=today, queue=queue)
    if not outcome.reaching:
        return Reach(outcome=outcome, more=frozenset())
    more: set[int] = set()
    asked: list[WaitingOrder] = []
    for order in after.orders:
        covered = outcome.reaching.get(order.id, frozenset())
        if covered_outside(order, after.outside):
            uncertain = False in covered and _would_lose_outside(order, after)
        else:
            uncertain = True in covered
            if uncertain and order.earliest_day <= max(
                decided_until, last_reserved_day(policy, order.ordered_at.date())
            ):
                asked.append(order)
                continue
        if uncertain:
            more |= _outside(order, after)
    if asked:
        same = before.orders is after.orders and before.holdings is after.holdings
        was = covered_in(before, policy, queue if same else in_rank(before, policy, today))
        for order in asked:
            if False in was.get(order.id, frozenset({False})):
                more |= _outside(order, after)
    return Reach(outcome=outcome, more=frozenset(more))


def _outside(order: WaitingOrder, book: Book) -> set[int]:
    """The products of the order that the book does not decide."""
    return {line.product_id for line in order.lines if line.id in book.outside}


def _would_lose_outside(order: WaitingOrder, book: Book) -> bool:
    """Whether units outside are given back when the order falls apart: what is not released or protected."""
    if order.rank_rule is RankRule.NEVER_LOSES:
        return False
    held = [book.outside[line.id] for line in order.lines if line.id in book.outside]
    return any(each.firm + each.provisional > each.committed for each in held)


def moved_along(orders: Iterable[WaitingOrder], *, named: Collection[int], along: Collection[int]) -> dict[int, int]:
    """The products that a decision reaches only through others that are taken `along`: by product, the one it moved
    along with, the lowest of several. What ship-complete orders tie to the `named` ones is theirs.

    SO-1 ships complete and wants oat drink (1) and cups (2). A receipt of beans (3) takes the oat drink along, of which
    nobody was told: what becomes of the cups is not the receipt's doing. Of cups themselves it would be.

        >>> book = _example(stock=10)
        >>> moved_along(book.orders, named={3}, along={1}), moved_along(book.orders, named={2}, along={1})
        ({2: 1}, {})
    """
    tied: dict[int, set[int]] = defaultdict(set)
    for order in orders:
        if order.completeness is Completeness.COMPLETE:
            together = {line.product_id for line in order.lines}
            for product_id in together:
                tied[product_id] |= together

    def closure(start: Iterable[int], without: Collection[int]) -> set[int]:
        found, edge = set(start), list(start)
        while edge:
            new = tied[edge.pop()] - found - set(without)
            found |= new
            edge += sorted(new)
        return found

    theirs = closure(named, along) | set(named)
    moved: dict[int, int] = {}
    for product_id in sorted(along):
        for other in closure([product_id], theirs | set(along)) - set(along):
            moved.setdefault(other, product_id)
    return moved


def with_orders(book: Book, orders: Mapping[int, WaitingOrder | None]) -> Book:
    """The book with these orders as they were, by id; None for one that was not there."""
    kept = [order for order in book.orders if order.id not in orders]
    were = [order for order in orders.values() if order is not None]
    return replace(book, orders=tuple(sorted((*kept, *were), key=lambda order: order.id)))


def with_supplies(book: Book, supplies: Mapping[int, Supply | None]) -> Book:
    """The book with these supplies as they were, by id; None for one that was not there."""
    kept = [supply for supply in book.supplies if supply.id not in supplies]
    were = [supply for supply in supplies.values() if supply is not None]
    return replace(book, supplies=tuple(sorted((*kept, *were), key=lambda supply: supply.id)))


def before_they_came_near(book: Book, policy: AllocationPolicy, *, after_day: str, until_day: str) -> Book:
    """The book as it was decided last, when the reservation horizon had come to `after_day`; it comes to `until_day`.

    SO-1 is wanted on 20 May. Until the horizon reached that day nothing was asked for it; what it holds already, it
    holds since somebody looked at its goods this morning.

        >>> near = replace(_example(stock=6).orders[0], wanted_on="2026-05-20", completeness=Completeness.PARTIAL)
        >>> for held in (0, 6):
        ...     book = replace(_example(stock=6, held=held), orders=(near,), outside={})
        ...     then = before_they_came_near(book, _today()[0], after_day="2026-05-19", until_day="2026-05-20")
        ...     print([line.sku for order in then.orders for line in order.lines])
        []
        ['OAT-1']
    """
    holding = {held.line_id for held in book.holdings if held.allocated or held.committed}
    holding |= {key for key, each in book.outside.items() if each.firm or each.provisional}

    def was(order: WaitingOrder) -> WaitingOrder:
        within = last_reserved_day(policy, order.ordered_at.date())
        if not max(after_day, within) < order.earliest_day <= until_day:
            return order
        some = tuple(line for line in order.lines if line.id in holding)
        # Units of a ship-complete order say that all of it was asked for.
        return order if some and order.completeness is Completeness.COMPLETE else replace(order, lines=some)

    return replace(book, orders=tuple(order for order in map(was, book.orders) if order.lines))


def together(book: Book, more: Book) -> Book:
    """Two books of the same depot and of different SKUs as one. A line outside both is outside; of one, inside."""
    orders = {order.id: order for order in book.orders}
    for order in more.orders:
        if (same := orders.get(order.id)) is not None:
            lines = {line.id: line for line in (*same.lines, *order.lines)}
            order = replace(same, lines=tuple(sorted(lines.values(), key=lambda line: line.id)))
        orders[order.id] = order
    inside = {
        line.id for each in (book, more) for order in each.orders for line in order.lines if line.id not in each.outside
    }
    return Book(
        depot_id=book.depot_id,
        supplies=tuple(sorted((*book.supplies, *more.supplies), key=lambda supply: supply.id)),
        orders=tuple(order for _, order in sorted(orders.items())),
        holdings=tuple(sorted((*book.holdings, *more.holdings), key=lambda one: (one.line_id, one.supply_id))),
        outside={key: held for key, held in ({**book.outside, **more.outside}).items() if key not in inside},
    )


def _today() -> tuple[AllocationPolicy, date]:
    return AllocationPolicy(), date(2026, 3, 3)


def _example(*, stock: int, held: int = 0, cups: int = 0) -> Book:
    """The book of oat drink alone; of the 5 cups SO-1 holds so many."""
    start = datetime(2026, 3, 2, 8, tzinfo=UTC)
    lines = tuple(
        WaitingLine(id=key, number=str(key), product_id=key, sku=sku, name=sku, needed=needed)
        for key, sku, needed in ((1, "OAT-1", 10), (2, "CUP-1", 5))
    )
    order = WaitingOrder(
        id=1, number="SO-1", customer_id=1, customer="Café", site_id=1, site="Café", ordered_at=start,
        completeness=Completeness.COMPLETE, lines=lines,
    )  # fmt: skip
    shelf = Supply(id=1, kind=SupplyKind.RECEIPT, number="R-1", product_id=1, quantity=stock, ready_at=start)
    holdings = (Holding(supply_id=1, line_id=1, allocated=held),) if held else ()
    return Book(
        depot_id=1, supplies=(shelf,), orders=(order,), holdings=holdings, outside={2: Outside(firm=cups)}
    )  # fmt: skip
