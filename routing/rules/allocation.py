"""Who gets which units: the ATP ledger of one depot, decided by the policy in force. Pure.

    >>> from routing.model.orders import AllocationPolicy
    >>> book = _example(stock=10, wanted=(8, 6))      # SO-1 ordered first, SO-2 an hour later
    >>> [(c.line_id, c.quantity) for c in allocate(book, AllocationPolicy(), today=date(2026, 3, 3)).claims]
    [(1, 8), (2, 2)]

In this order units are given out:
1. what is released or picked stays with its line; only when the goods are not there is it taken, from the lowest rank,
   and never what is loaded;
2. unreleased units stay where the customer's rule protects them (never_loses: all, normal: those on stock), again from
   the highest rank down;
3. everything else is open demand and is served by rank, stock first, then inbound by date. A ship-complete order takes
   only when all of it is covered, a per-line order line by line. An order on hold keeps its place and takes like any
   other: the hold stops its release, not its claim.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from routing.errors import InvalidInput
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
from routing.model.stock import MOST_UNITS, Claim, Holding, Receipt, ShelfOfReceipt, Supply, SupplyKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Who holds what from now on: `claims` not released, `committed` released or picked. Sorted by line and supply.

    `broken` are ship-complete orders that held all they need before and no longer do. `reaching` are those with lines
    outside the book, by id: whether what the book decides of them was covered, in each walk down the ranks.
    """

    claims: tuple[Claim, ...]
    committed: tuple[Claim, ...]
    broken: tuple[int, ...] = ()
    reaching: Mapping[int, frozenset[bool]] = field(default_factory=dict)


def rank_of(rule: AllocationRule) -> Callable[[WaitingOrder], tuple[object, ...]]:
    """The sorting key of a policy: smaller goes first. Ties end at the order's id: same input, same rank.

    Ten on the shelf; SO-1 wants 8, SO-2 (a higher tier) 6, SO-3 4. SO-3 was promised the earliest day.

        >>> days = ("2026-03-06", "2026-03-05", "2026-03-04")
        >>> book = _example(stock=10, wanted=(8, 6, 4), tier=(1, 2, 1), promised_on=days)
        >>> for rule in AllocationRule:
        ...     print(rule.value, _units(book, AllocationPolicy(rule=rule)))
        tier_then_first_ordered {1: 4, 2: 6}
        first_ordered {1: 8, 2: 2}
        promised_date {2: 6, 3: 4}
        fair_share {1: 5, 2: 3, 3: 2}

    Fair share: 10 of the 18 wanted are 4, 3 and 2, each rounded down; the one left over goes to the oldest.
    """
    match rule:
        case AllocationRule.TIER_THEN_FIRST_ORDERED:
            return lambda order: (-order.tier, order.ordered_at, order.id)
        case AllocationRule.PROMISED_DATE:
            # ISO days sort as text; what was never promised comes after every promise.
            return lambda order: (order.promised_on or "9999-12-31", -order.tier, order.ordered_at, order.id)
        case AllocationRule.FIRST_ORDERED | AllocationRule.FAIR_SHARE:
            return lambda order: (order.ordered_at, order.id)


def ranked(orders: Iterable[WaitingOrder], policy: AllocationPolicy) -> list[WaitingOrder]:
    return sorted(orders, key=rank_of(policy.rule))


def last_reserved_day(policy: AllocationPolicy, today: date) -> str:
    """The reservation horizon: an order that may not go before a later ISO day than this takes nothing now.

    >>> last_reserved_day(AllocationPolicy(horizon_days=14), date(2026, 3, 3))
    '2026-03-17'
    """
    return (today + timedelta(days=policy.horizon_days)).isoformat()


def allocate(book: Book, policy: AllocationPolicy, *, today: date) -> Outcome:
    """Decides the whole book again. Never more than supplied, never more than needed; same input, same outcome.

    SO-1 holds 8 of 10 when SO-2, of a higher tier, comes and wants 8. What SO-1's customer may lose decides, on the
    shelf and on a truck that is still to come:

        >>> for rule in RankRule:
        ...     shelf = _example(stock=10, wanted=(8, 8), tier=(1, 2), held=(8, 0), rank_rule=(rule, rule))
        ...     truck = replace(shelf, supplies=(replace(shelf.supplies[0], kind=SupplyKind.INBOUND),))
        ...     print(rule.value, _units(shelf), _units(truck))
        never_loses {1: 8, 2: 2} {1: 8, 2: 2}
        normal {1: 8, 2: 2} {1: 2, 2: 8}
        may_give_up {1: 2, 2: 8} {1: 2, 2: 8}

    SO-1 wants 12 of the same 10, all or nothing: it waits, and SO-2 behind it takes its 6. In parts it takes the 10.

        >>> for word in Completeness:
        ...     print(word.value, _units(_example(stock=10, wanted=(12, 6), completeness=(word, word))))
        partial {1: 10}
        per_line {2: 6}
        complete {2: 6}

    SO-1 is wanted in June, beyond the reservation horizon: it locks no stock in March.

        >>> _units(_example(stock=10, wanted=(8, 6), wanted_on=("2026-06-01", "")))
        {2: 6}
    """
    orders = ranked(book.orders, policy)
    # A ship-complete order that falls apart gives its unreleased units back, and then everybody is asked again:
    # an order ranked above it may want them.
    given_back: frozenset[int] = frozenset()
    reaching: dict[int, frozenset[bool]] = {}
    while True:
        attempt = _Attempt(book, orders, policy, today, given_back)
        fell_apart = attempt.run()
        for order_id, covered in attempt.covered_here.items():
            reaching[order_id] = reaching.get(order_id, frozenset()) | {covered}
        if not fell_apart - given_back:
            return replace(attempt.outcome(), reaching=reaching)
        given_back |= fell_apart


class _Attempt:
    """One walk down the ranks. `given_back` are lines whose unreleased units are not protected."""

    def __init__(
        self,
        book: Book,
        orders: list[WaitingOrder],
        policy: AllocationPolicy,
        today: date,
        given_back: frozenset[int],
    ) -> None:
        self.orders, self.policy, self.given_back = orders, policy, given_back
        self.horizon = last_reserved_day(policy, today)
        self.supplies = {supply.id: supply for supply in book.supplies}
        self.by_product: dict[int, list[Supply]] = defaultdict(list)
        for supply in sorted(book.supplies, key=_soonest):
            self.by_product[supply.product_id].append(supply)
        self.successors: dict[int, list[int]] = defaultdict(list)
        for supply in book.supplies:
            if supply.inbound_id is not None:
                self.successors[supply.inbound_id].append(supply.id)
        self.free = {supply.id: supply.quantity for supply in book.supplies}
        self.held: dict[int, list[Holding]] = defaultdict(list)
        for holding in sorted(book.holdings, key=lambda holding: (holding.line_id, holding.supply_id)):
            self.held[holding.line_id].append(holding)
            self.free[holding.supply_id] -= holding.gone
        self.free = {key: max(0, units) for key, units in self.free.items()}
        held_of: dict[int, int] = defaultdict(int)
        for holding in book.holdings:
            held_of[holding.supply_id] += holding.allocated + holding.committed
        self.unheld = {key: max(0, units - held_of[key]) for key, units in self.free.items()}
        self.outside = book.outside
        self.open = {line.id: line.needed for order in orders for line in order.lines if line.id not in self.outside}
        self.covered_here: dict[int, bool] = {}
        """Of the orders that reach outside: whether the lines that are decided here are covered."""
        self.claims: dict[tuple[int, int], int] = defaultdict(int)
        self.kept: set[int] = set()
        """Lines for which unreleased units were kept, before anybody was served."""
        self.committed: dict[tuple[int, int], int] = defaultdict(int)

    def run(self) -> frozenset[int]:
        """Returns the lines of orders that cannot be covered although units are protected for them."""
        protected = sorted(self.orders, key=lambda order: order.rank_rule is not RankRule.NEVER_LOSES)
        self._keep_committed(protected)
        self._keep_allocated(protected)
        self.kept = {line_id for (line_id, _), units in self.claims.items() if units}
        if self.policy.rule is AllocationRule.FAIR_SHARE:
            return self._share_fairly()
        return self._serve_by_rank()

    def outcome(self) -> Outcome:
        broken = tuple(
            order.id
            for order in self.orders
            if order.completeness is Completeness.COMPLETE
            and any(self.open[line.id] for line in self._decided(order))
            and all(self._held_before(line) >= line.needed for line in self._decided(order))
            and covered_outside(order, self.outside)
        )
        return Outcome(claims=_as_claims(self.claims), committed=_as_claims(self.committed), broken=broken)

    # ------------------------------------------------------------------ what stays

    def _keep_committed(self, orders: list[WaitingOrder]) -> None:
        holdings = [
            (line, holding)
            for order in orders
            for line in order.lines
            for holding in self.held.get(line.id, ())
            if holding.committed
        ]
        # Counted goods first: what was released from a shelf is not moved for what was released from a truck.
        holdings.sort(key=lambda pair: not self.supplies[pair[1].supply_id].is_stock)
        homeless: list[tuple[WaitingLine, int]] = []
        for line, holding in holdings:
            units = holding.committed
            for supply_id in [*self.successors[holding.supply_id], holding.supply_id]:
                units -= self._put(self.committed, line, supply_id, units)
            if units and self.supplies[holding.supply_id].is_stock:
                units -= self._put_on_any_shelf(self.committed, line, units)
            if units:
                homeless.append((line, units))
        for line, units in homeless:
            # A released unit leaves today: any other stock will do, a later truck will not.
            self._put_on_any_shelf(self.committed, line, units)

    def _keep_allocated(self, orders: list[WaitingOrder]) -> None:
        for order in orders:
            if order.rank_rule is RankRule.MAY_GIVE_UP:
                continue
            never = order.rank_rule is RankRule.NEVER_LOSES
            for line in order.lines:
                if line.id in self.given_back and not never:
                    continue
                for holding in self.held.get(line.id, ()):
                    if not never and not self.supplies[holding.supply_id].is_stock:
                        continue
                    units = holding.allocated
                    for supply_id in [*self.successors[holding.supply_id], holding.supply_id]:
                        units -= self._put(self.claims, line, supply_id, units)
                    if units and self.supplies[holding.supply_id].is_stock:
                        self._put_on_any_shelf(self.claims, line, units)

    # ------------------------------------------------------------------ open demand

    def _serve_by_rank(self) -> frozenset[int]:
        fell_apart: set[int] = set()
        for order in self.orders:
            if order.earliest_day > self.horizon:
                continue
            for group in self._all_or_nothing(order):
                if order.completeness is Completeness.PARTIAL or self._served_whole(order, group):
                    for line in group:
                        self._take(line)
                else:
                    fell_apart |= self._unprotect(order, group)
        return frozenset(fell_apart)

    def _share_fairly(self) -> frozenset[int]:
        """Pro rata in case packs, remainder to the oldest; who cannot be served whole steps back, lowest rank first."""
        fell_apart: set[int] = set()
        groups: list[tuple[WaitingOrder, list[WaitingLine]]] = []
        for order in self.orders:
            if order.earliest_day <= self.horizon:
                groups += [(order, group) for group in self._all_or_nothing(order)]
        lines: dict[int, list[WaitingLine]] = defaultdict(list)
        for _, group in groups:
            for line in group:
                lines[line.product_id].append(line)
        shares: dict[int, dict[int, int]] = {}
        stale = set(lines)
        while True:
            for product_id in stale:
                shares[product_id] = self._shares(product_id, lines[product_id])
            short = next(
                (
                    index
                    for index in reversed(range(len(groups)))
                    if groups[index][0].completeness is not Completeness.PARTIAL
                    and any(shares[line.product_id].get(line.id, 0) < self.open[line.id] for line in groups[index][1])
                ),
                None,
            )
            if short is None:
                break
            order, group = groups.pop(short)
            fell_apart |= self._unprotect(order, group)
            for line in group:
                lines[line.product_id].remove(line)
            stale = {line.product_id for line in group}
        for _, group in groups:
            for line in group:
                self._take(line, at_most=shares[line.product_id].get(line.id, 0))
        return frozenset(fell_apart)

    def _shares(self, product_id: int, lines: list[WaitingLine]) -> dict[int, int]:
        """Units per line. All stock is shared as one heap, then each inbound by date."""
        shares: dict[int, int] = defaultdict(int)
        stock = sum(self.free[supply_id] for supply_id in self._stock(product_id))
        heaps = [stock] + [self.free[s.id] for s in self.by_product[product_id] if not s.is_stock]
        for heap in heaps:
            wants = {line.id: self.open[line.id] - shares[line.id] for line in lines}
            packs = {line.id: line.case_pack for line in lines}
            for line_id, units in fair_shares(heap, wants, packs).items():
                shares[line_id] += units
        return shares

    def _unprotect(self, order: WaitingOrder, group: list[WaitingLine]) -> set[int]:
        if order.rank_rule is RankRule.NEVER_LOSES:
            return set()
        # None of the group was served yet: what its lines hold now is what was kept for them.
        return {line.id for line in group if line.id in self.kept}

    def _decided(self, order: WaitingOrder) -> list[WaitingLine]:
        return [line for line in order.lines if line.id not in self.outside] if self.outside else list(order.lines)

    def _all_or_nothing(self, order: WaitingOrder) -> list[list[WaitingLine]]:
        """The groups of lines that are served together."""
        lines = self._decided(order)
        return [lines] if order.completeness is Completeness.COMPLETE else [[line] for line in lines]

    def _served_whole(self, order: WaitingOrder, group: list[WaitingLine]) -> bool:
        covered = self._covered(group)
        if self.outside and order.completeness is Completeness.COMPLETE and len(group) < len(order.lines):
            self.covered_here[order.id] = covered
            return covered and covered_outside(order, self.outside)
        return covered

    def _covered(self, group: list[WaitingLine]) -> bool:
        wants: dict[int, int] = defaultdict(int)
        for line in group:
            wants[line.product_id] += self.open[line.id]
        return all(
            sum(self.free[supply.id] for supply in self.by_product[product_id]) >= units
            for product_id, units in wants.items()
        )

    def _take(self, line: WaitingLine, *, at_most: int | None = None) -> None:
        left = self.open[line.id] if at_most is None else min(at_most, self.open[line.id])
        if not left:
            return
        supplies: Iterable[Supply] = self.by_product.get(line.product_id, ())
        mine = {holding.supply_id for holding in self.held.get(line.id, ()) if holding.allocated}
        if mine:
            # Among stock its own shelf first: the same goods would otherwise change hands for nothing.
            supplies = sorted(supplies, key=lambda s: (not s.is_stock, s.is_stock and s.id not in mine))
        for supply in supplies:
            if self.free[supply.id]:
                left -= self._put(self.claims, line, supply.id, left)
                if not left:
                    break

    # ------------------------------------------------------------------ arithmetic

    def _put(self, where: dict[tuple[int, int], int], line: WaitingLine, supply_id: int, units: int) -> int:
        units = min(units, self.free[supply_id], self.open[line.id])
        if units > 0:
            where[line.id, supply_id] += units
            self.free[supply_id] -= units
            self.open[line.id] -= units
        return max(0, units)

    def _put_on_any_shelf(self, where: dict[tuple[int, int], int], line: WaitingLine, units: int) -> int:
        """What one shelf lost is the lowest rank's loss, whichever shelf that holds; what nobody holds goes first."""
        placed = 0
        for supply_id in self._stock(line.product_id):
            put = self._put(where, line, supply_id, min(units - placed, self.unheld[supply_id]))
            self.unheld[supply_id] -= put
            placed += put
        for supply_id in self._stock(line.product_id):
            placed += self._put(where, line, supply_id, units - placed)
        return placed

    def _stock(self, product_id: int) -> list[int]:
        return [supply.id for supply in self.by_product[product_id] if supply.is_stock]

    def _held_before(self, line: WaitingLine) -> int:
        return sum(holding.allocated + holding.committed for holding in self.held[line.id])


def fair_shares(heap: int, wants: Mapping[int, int], packs: Mapping[int, int]) -> dict[int, int]:
    """Shares of a heap, pro rata in whole case packs; the remainder goes to the oldest, a pack each in turn.

    `wants` oldest first, base units; the shares add up to min(heap, sum of wants).

        >>> fair_shares(60, {1: 48, 2: 24, 3: 24}, {1: 12, 2: 12, 3: 12})
        {1: 36, 2: 12, 3: 12}
        >>> fair_shares(5, {1: 4, 2: 4}, {1: 12, 2: 12})
        {1: 4, 2: 1}
    """
    wanted = sum(wants.values())
    if wanted <= heap:
        return {key: units for key, units in wants.items() if units}
    shares = {key: heap * units // wanted // packs[key] * packs[key] for key, units in wants.items()}
    left = heap - sum(shares.values())
    while left:
        for key, units in wants.items():
            more = min(packs[key], units - shares[key], left)
            shares[key] += more
            left -= more
    return {key: units for key, units in shares.items() if units}


def with_receipt(book: Book, receipt: Receipt, *, supply_id: int) -> Book:
    """The book once the receipt is counted in as `supply_id`: its sellable units are stock, its inbound shrinks."""
    supplies = []
    for supply in book.supplies:
        if supply.id == receipt.inbound_id:
            left = max(0, supply.quantity - receipt.quantity) if receipt.more_to_come else 0
            supply = replace(supply, quantity=left)
        supplies.append(supply)
    supplies.append(
        Supply(
            id=supply_id,
            kind=SupplyKind.RECEIPT,
            number=receipt.number,
            product_id=receipt.product_id,
            quantity=receipt.quantity - receipt.quarantined,
            ready_at=receipt.counted_at,
            inbound_id=receipt.inbound_id,
        )
    )
    return replace(book, supplies=tuple(supplies))


def more_than_expected(book: Book, receipts: Iterable[Receipt]) -> tuple[str, ...]:
    """A sentence for every inbound of which these receipts count more than was still to come: often a typing error."""
    counted: dict[int, list[Receipt]] = defaultdict(list)
    for receipt in receipts:
        if receipt.inbound_id is not None:
            counted[receipt.inbound_id].append(receipt)
    open_units = {supply.id: supply.quantity for supply in book.supplies}
    return tuple(
        f"{' and '.join(each.number for each in many)} count{'s' if len(many) == 1 else ''} "
        f"{sum(each.quantity for each in many)} × {many[0].sku}, {open_units[inbound]} were expected: "
        "look at the count again."
        for inbound, many in counted.items()
        if inbound in open_units and sum(each.quantity for each in many) > open_units[inbound]
    )


def rests_of(book: Book, receipts: Iterable[Receipt]) -> tuple[str, ...]:
    """A sentence for every inbound of which these receipts count less than was still to come.

        IN-2001 is to bring 96, and 60 are counted: promises count on the other 36 only where somebody says they come.
    >>> truck = Supply(id=7, kind=SupplyKind.INBOUND, number="IN-2001", product_id=1, quantity=96, ready_at=None)
    >>> count = Receipt(number="R-1", depot_id=1, product_id=1, sku="P201", quantity=60, inbound_id=7,
    ...                 counted_at=datetime(2026, 3, 3))
    >>> book = Book(depot_id=1, supplies=(truck,))
    >>> rests_of(book, [count])
    ('IN-2001: 36 × P201 are missing and will not come: the inbound is closed.',)
    >>> rests_of(book, [replace(count, more_to_come=True)])
    ('IN-2001: 36 × P201 are missing and will still come: the inbound stays open.',)
    """
    counted: dict[int, list[Receipt]] = defaultdict(list)
    for receipt in receipts:
        if receipt.inbound_id is not None:
            counted[receipt.inbound_id].append(receipt)
    found = []
    for supply in book.supplies:
        many = counted.get(supply.id, [])
        left = supply.quantity - sum(each.quantity for each in many)
        if many and left > 0:
            comes = all(each.more_to_come for each in many)
            said = "will still come: the inbound stays open" if comes else "will not come: the inbound is closed"
            found.append(f"{supply.number}: {left} × {many[0].sku} {'is' if left == 1 else 'are'} missing and {said}.")
    return tuple(found)


def with_date(book: Book, *, supply_ids: Collection[int], ready_at: datetime) -> Book:
    """The book once these inbound lines come later or sooner: they can be loaded from `ready_at` on."""
    return replace(
        book,
        supplies=tuple(replace(s, ready_at=ready_at) if s.id in supply_ids else s for s in book.supplies),
    )


def with_quantity(book: Book, *, supply_id: int, quantity: int) -> Book:
    """The book after a recount: `supply_id` has `quantity` sellable units, those that are gone included.

    Three of twelve are missing. SO-2 came an hour after SO-1 and ranks lower: it loses them, however often it is asked.

        >>> book = _example(stock=12, wanted=(6, 6), held=(6, 6))
        >>> [_units(with_quantity(book, supply_id=1, quantity=9)) for _ in range(2)]
        [{1: 6, 2: 3}, {1: 6, 2: 3}]
    """
    return replace(
        book,
        supplies=tuple(replace(s, quantity=quantity) if s.id == supply_id else s for s in book.supplies),
    )


def recounted_shelves(shelves: Sequence[ShelfOfReceipt], counted: int) -> list[tuple[ShelfOfReceipt, int]]:
    """Which receipts a count of the whole SKU changes, and by how many base units: the newest first, none below zero.

    It decides only whose paper is corrected; who loses a unit is decided by rank over all of them.

        >>> old = ShelfOfReceipt(id=1, number="R-1", quantity=24, here=10)
        >>> new = ShelfOfReceipt(id=2, number="R-2", quantity=12, here=4)
        >>> [(shelf.number, units) for shelf, units in recounted_shelves([old, new], 9)]
        [('R-2', -4), ('R-1', -1)]
        >>> [(shelf.number, units) for shelf, units in recounted_shelves([old, new], 15)]
        [('R-2', 1)]
    """
    if counted < 0:
        raise InvalidInput(f"{counted} units cannot lie on a shelf: count at least 0.")
    if counted > MOST_UNITS:
        raise InvalidInput(f"{counted} units are counted, at most {MOST_UNITS} are believed: look at the count again.")
    difference = counted - sum(shelf.here for shelf in shelves)
    if difference > 0:
        return [(shelves[-1], difference)]
    changes = []
    for shelf in reversed(shelves):
        lost = min(shelf.here, -difference)
        difference += lost
        if lost:
            changes.append((shelf, -lost))
    return changes


def covered_outside(order: WaitingOrder, outside: Mapping[int, Outside]) -> bool:
    """Whether the lines of the order that are not decided here hold all they need."""
    return all(
        outside[line.id].firm + outside[line.id].provisional >= line.needed
        for line in order.lines
        if line.id in outside
    )


def _soonest(supply: Supply) -> tuple[bool, bool, datetime, int]:
    ready_at = supply.ready_at or datetime.max.replace(tzinfo=UTC)
    return (not supply.is_stock, supply.ready_at is None, ready_at, supply.id)


def _as_claims(units: dict[tuple[int, int], int]) -> tuple[Claim, ...]:
    return tuple(
        Claim(line_id=line_id, supply_id=supply_id, quantity=quantity)
        for (line_id, supply_id), quantity in sorted(units.items())
        if quantity
    )


def _example(*, stock: int, wanted: tuple[int, ...], held: tuple[int, ...] = (), **each: Sequence[Any]) -> Book:
    """One SKU, `stock` units on the shelf, one partial order an hour for each quantity wanted; `held` of it is theirs.

    `each` are further values of the orders, one for each.
    """
    start = datetime(2026, 3, 2, 8, tzinfo=UTC)
    promised = each.pop("promised_on", [""] * len(wanted))
    return Book(
        depot_id=1,
        supplies=(Supply(id=1, kind=SupplyKind.RECEIPT, number="R-1", product_id=1, quantity=stock, ready_at=start),),
        orders=tuple(
            WaitingOrder(
                id=index,
                number=f"SO-{index}",
                customer_id=index,
                customer=f"Café {index}",
                site_id=index,
                site=f"Café {index}",
                ordered_at=start + timedelta(hours=index),
                lines=(
                    WaitingLine(
                        id=index,
                        number="1",
                        product_id=1,
                        sku="OAT-1",
                        name="Oat drink",
                        needed=units,
                        promised_on=promised[index - 1],
                    ),
                ),
                **{name: values[index - 1] for name, values in each.items()},
            )
            for index, units in enumerate(wanted, start=1)
        ),
        holdings=tuple(
            Holding(supply_id=1, line_id=index, allocated=units) for index, units in enumerate(held, start=1) if units
        ),
    )


def _units(book: Book, policy: AllocationPolicy | None = None) -> dict[int, int]:
    """Unreleased units per order of an example, on its 3 March 2026."""
    outcome = allocate(book, policy or AllocationPolicy(), today=date(2026, 3, 3))
    return {claim.line_id: claim.quantity for claim in outcome.claims}
