"""One walk down the ranks: what stays, then who takes what is free. Pure, and quick: a book may hold 100,000 lines.

Whatever two walks down the same book have in common is put in order once: who waits is a `Queue`, what there is to give
is `Shelves`. A walk only counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter

from routing.model.orders import Book, Completeness, Outside, RankRule, WaitingLine, WaitingOrder
from routing.model.stock import Holding, Supply

Turn = tuple[WaitingOrder, tuple[WaitingLine, ...], bool]
"""Lines that are served together, and whether a part of them will do."""
_Holder = tuple[WaitingOrder, WaitingLine, list[Holding]]


class Queue:
    """The orders of a book in rank order, what each holds, and who is served in which turn."""

    def __init__(self, book: Book, orders: Sequence[WaitingOrder], last_day: str) -> None:
        """`orders` are those of the book in rank order; who may not go before the ISO day `last_day` takes nothing."""
        self.orders, self.holdings, self.outside = orders, book.holdings, book.outside
        self.held: dict[int, list[Holding]] = {}
        self.units: dict[int, int] = defaultdict(int)
        """What each line holds, before anything is decided."""
        held, units = self.held, self.units
        for holding in sorted(book.holdings, key=_by_line):
            line_id = holding.line_id
            if line_id in held:
                held[line_id].append(holding)
            else:
                held[line_id] = [holding]
            units[line_id] += holding.allocated + holding.committed
        self.open: dict[int, int] = {}
        wanted, outside = self.open, self.outside
        self.turns: list[Turn] = []
        holders: tuple[list[_Holder], list[_Holder]] = ([], [])
        for order in orders:
            never = order.rank_rule is RankRule.NEVER_LOSES
            for line in order.lines:
                line_id = line.id
                if line_id not in outside:
                    wanted[line_id] = line.needed
                if line_id in held:
                    holders[not never].append((order, line, held[line_id]))
            if not order.wanted_on > last_day and not order.not_before > last_day:
                self._take_turns(order)
        self.committed: list[tuple[WaitingLine, Holding]] = []
        self.protected: list[tuple[WaitingLine, bool, Holding]] = []
        # Whoever never loses comes first when it is settled who keeps what.
        for never, some in ((True, holders[0]), (False, holders[1])):
            for order, line, its in some:
                keeps = order.rank_rule is not RankRule.MAY_GIVE_UP
                for holding in its:
                    if holding.committed:
                        self.committed.append((line, holding))
                    if keeps and holding.allocated:
                        self.protected.append((line, never, holding))

    def decided(self, order: WaitingOrder) -> tuple[WaitingLine, ...]:
        """The lines of the order whose SKUs are in the book."""
        outside = self.outside
        return tuple(line for line in order.lines if line.id not in outside) if outside else order.lines

    def had_all(self) -> list[WaitingOrder]:
        """The ship-complete orders that hold all they need, before anything is decided."""
        return [
            order
            for order in self.orders
            if order.completeness is Completeness.COMPLETE
            and self._holds_all(order)
            and covered_outside(order, self.outside)
        ]

    def _holds_all(self, order: WaitingOrder) -> bool:
        units, outside = self.units, self.outside
        for line in order.lines:
            if line.id not in outside and (line.id not in units or units[line.id] < line.needed):
                return False
        return True

    def _take_turns(self, order: WaitingOrder) -> None:
        lines = self.decided(order)
        if order.completeness is Completeness.PER_LINE:
            self.turns += [(order, (line,), False) for line in lines]
        else:
            self.turns.append((order, lines, order.completeness is Completeness.PARTIAL))


class Shelves:
    """The supplies of a book, and what of them is free and what nobody holds, in base units by supply."""

    def __init__(self, book: Book) -> None:
        soonest: dict[int, list[Supply]] = defaultdict(list)
        for supply in sorted(book.supplies, key=_soonest):
            soonest[supply.product_id].append(supply)
        self.soonest = {product: tuple(one.id for one in supplies) for product, supplies in soonest.items()}
        """By product the keys of its supplies: stock first, then inbound by date."""
        self.stock = {
            product: tuple(one.id for one in supplies if one.is_stock) for product, supplies in soonest.items()
        }
        self.is_stock = {supply.id: supply.is_stock for supply in book.supplies}
        self.product_of = {supply.id: supply.product_id for supply in book.supplies}
        homes: dict[int, list[int]] = defaultdict(list)
        for supply in book.supplies:
            if supply.inbound_id is not None:
                homes[supply.inbound_id].append(supply.id)
        self.homes = {key: (*homes.get(key, ()), key) for key in self.is_stock}
        """Where units of a supply are looked for: in what its inbound was counted into, then in itself."""
        gone: dict[int, int] = defaultdict(int)
        held: dict[int, int] = defaultdict(int)
        for holding in book.holdings:
            gone[holding.supply_id] += holding.gone
            held[holding.supply_id] += holding.allocated + holding.committed
        self.free = {supply.id: max(0, supply.quantity - gone[supply.id]) for supply in book.supplies}
        self.unheld = {key: max(0, units - held[key]) for key, units in self.free.items()}


class Walk:
    """What the lines of a book hold at one point of the way down. `given_back` are lines whose units are not kept.

    `claims` (not released) and `committed` (released or picked) are base units by (line, supply).
    """

    def __init__(self, queue: Queue, shelves: Shelves) -> None:
        """Starts with what was released or picked: it stays with its line, whatever is given back later."""
        self.queue, self.shelves = queue, shelves
        self.free, self.unheld, self.open = dict(shelves.free), dict(shelves.unheld), dict(queue.open)
        self.left: dict[int, int] = defaultdict(int)
        """What is free of each product."""
        for key, units in self.free.items():
            self.left[shelves.product_of[key]] += units
        self.claims: dict[tuple[int, int], int] = defaultdict(int)
        self.committed: dict[tuple[int, int], int] = defaultdict(int)
        self.kept: set[int] = set()
        """Lines for which unreleased units were kept, before anybody was served."""
        self.covered_here: dict[int, bool] = {}
        """Of the orders that reach outside: whether the lines that are decided here are covered."""
        self._keep_committed()

    def again(self) -> Walk:
        """A walk that stands where this one stood when it started; of this one before `serve`."""
        other = object.__new__(Walk)
        other.queue, other.shelves = self.queue, self.shelves
        other.free, other.unheld, other.open = dict(self.free), dict(self.unheld), dict(self.open)
        other.left, other.claims, other.committed = self.left.copy(), defaultdict(int), self.committed
        other.kept, other.covered_here = set(), {}
        return other

    def serve(self, given_back: frozenset[int], *, fairly: bool = False) -> frozenset[int]:
        """Keeps what is protected and serves everybody; `fairly` by shares, not by rank.

        Returns the lines of orders that cannot be covered although units are protected for them.
        """
        self._keep_allocated(given_back)
        self.kept = {line_id for line_id, _ in self.claims}
        return self._share_fairly() if fairly else self._serve_by_rank()

    # ------------------------------------------------------------------ what stays

    def _keep_committed(self) -> None:
        is_stock, homes = self.shelves.is_stock, self.shelves.homes
        homeless: list[tuple[WaitingLine, int]] = []
        # Counted goods first: what was released from a shelf is not moved for what was released from a truck.
        for line, holding in sorted(self.queue.committed, key=lambda pair: not is_stock[pair[1].supply_id]):
            units = holding.committed
            for supply_id in homes[holding.supply_id]:
                units -= self._put(self.committed, line.id, supply_id, units)
            if units and is_stock[holding.supply_id]:
                units -= self._put_on_any_shelf(self.committed, line, units)
            if units:
                homeless.append((line, units))
        for line, units in homeless:
            # A released unit leaves today: any other stock will do, a later truck will not.
            self._put_on_any_shelf(self.committed, line, units)

    def _keep_allocated(self, given_back: frozenset[int]) -> None:
        is_stock, homes = self.shelves.is_stock, self.shelves.homes
        for line, never, holding in self.queue.protected:
            if not never and (not is_stock[holding.supply_id] or line.id in given_back):
                continue
            units = holding.allocated
            for supply_id in homes[holding.supply_id]:
                if units and self.free[supply_id]:
                    units -= self._put(self.claims, line.id, supply_id, units)
            if units and is_stock[holding.supply_id]:
                self._put_on_any_shelf(self.claims, line, units)

    # ------------------------------------------------------------------ open demand

    def _serve_by_rank(self) -> frozenset[int]:
        fell_apart: set[int] = set()
        left, is_open, kept = self.left, self.open, self.kept
        for order, group, in_parts in self.queue.turns:
            if in_parts or self._served_whole(order, group):
                if order.rank_rule is RankRule.NEVER_LOSES:
                    self._come_sooner(order, group)
                for line in group:
                    if left[line.product_id] and (units := is_open[line.id]):
                        self._take(line, units)
            elif kept and order.rank_rule is not RankRule.NEVER_LOSES:
                # None of the group was served yet: what its lines hold now is what was kept for them.
                for line in group:
                    if line.id in kept:
                        fell_apart.add(line.id)
        return frozenset(fell_apart)

    def _share_fairly(self) -> frozenset[int]:
        """Pro rata in case packs, remainder to the oldest; who cannot be served whole steps back, lowest rank first."""
        fell_apart: set[int] = set()
        turns = list(self.queue.turns)
        lines: dict[int, list[WaitingLine]] = defaultdict(list)
        for _, group, _ in turns:
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
                    for index in reversed(range(len(turns)))
                    if not turns[index][2]
                    and any(shares[line.product_id].get(line.id, 0) < self.open[line.id] for line in turns[index][1])
                ),
                None,
            )
            if short is None:
                break
            order, group, _ = turns.pop(short)
            fell_apart |= self._unprotect(order, group)
            for line in group:
                lines[line.product_id].remove(line)
            stale = {line.product_id for line in group}
        for _, group, _ in turns:
            for line in group:
                self._take(line, min(self.open[line.id], shares[line.product_id].get(line.id, 0)))
        for order, group, _ in turns:
            self._come_sooner(order, group)
        return frozenset(fell_apart)

    def _come_sooner(self, order: WaitingOrder, group: Sequence[WaitingLine]) -> None:
        """Who never loses and was kept units of a later truck takes what is free of something sooner instead: what is
        protected is that they come, not that they come late."""
        if order.rank_rule is not RankRule.NEVER_LOSES:
            return
        for line in group:
            if line.id not in self.kept:
                continue
            supplies = self.shelves.soonest.get(line.product_id, ())
            for place in reversed(range(len(self.shelves.stock.get(line.product_id, ())), len(supplies))):
                late = supplies[place]
                for sooner in supplies[:place]:
                    units = min(self.claims.get((line.id, late), 0), self.free[sooner])
                    if units:
                        self.claims[line.id, late] -= units
                        self.claims[line.id, sooner] += units
                        self.free[late] += units
                        self.free[sooner] -= units

    def _shares(self, product_id: int, lines: list[WaitingLine]) -> dict[int, int]:
        """Units per line. All stock is shared as one heap, then each inbound by date."""
        shares: dict[int, int] = defaultdict(int)
        on_shelf = self.shelves.stock.get(product_id, ())
        stock = sum(self.free[supply_id] for supply_id in on_shelf)
        heaps = [stock, *(self.free[key] for key in self.shelves.soonest.get(product_id, ())[len(on_shelf) :])]
        for heap in heaps:
            wants = {line.id: self.open[line.id] - shares[line.id] for line in lines}
            packs = {line.id: line.case_pack for line in lines}
            for line_id, units in fair_shares(heap, wants, packs).items():
                shares[line_id] += units
        return shares

    def _unprotect(self, order: WaitingOrder, group: Sequence[WaitingLine]) -> set[int]:
        if order.rank_rule is RankRule.NEVER_LOSES:
            return set()
        # None of the group was served yet: what its lines hold now is what was kept for them.
        return {line.id for line in group if line.id in self.kept}

    def _served_whole(self, order: WaitingOrder, group: Sequence[WaitingLine]) -> bool:
        covered = self._covered(group)
        if self.queue.outside and len(group) < len(order.lines) and order.completeness is Completeness.COMPLETE:
            self.covered_here[order.id] = covered
            return covered and covered_outside(order, self.queue.outside)
        return covered

    def _covered(self, group: Sequence[WaitingLine]) -> bool:
        left, is_open = self.left, self.open
        for line in group:
            if is_open[line.id] > left[line.product_id]:
                return False
        if len(group) == 1 or len({line.product_id for line in group}) == len(group):
            return True
        wants: dict[int, int] = {}
        for line in group:
            units = wants[line.product_id] = wants.get(line.product_id, 0) + is_open[line.id]
            if units > left[line.product_id]:
                return False
        return True

    def _take(self, line: WaitingLine, units: int) -> None:
        """So many of what the line still wants, as far as they are there."""
        free, wanted, line_id, product_id = self.free, units, line.id, line.product_id
        for supply_id in self._own_shelf_first(line):
            there = free[supply_id]
            if there:
                if there > units:
                    there = units
                self.claims[line_id, supply_id] += there
                free[supply_id] -= there
                units -= there
                if not units:
                    break
        self.left[product_id] -= wanted - units
        self.open[line_id] -= wanted - units

    def _own_shelf_first(self, line: WaitingLine) -> Sequence[int]:
        """Among stock its own shelf first: the same goods would otherwise change hands for nothing."""
        supplies, stock = self.shelves.soonest.get(line.product_id, ()), self.shelves.stock.get(line.product_id, ())
        if len(stock) < 2 or line.id not in self.queue.held:
            return supplies
        mine = {holding.supply_id for holding in self.queue.held[line.id] if holding.allocated}
        return (*sorted(stock, key=lambda key: key not in mine), *supplies[len(stock) :])

    # ------------------------------------------------------------------ arithmetic

    def _put(self, where: dict[tuple[int, int], int], line_id: int, supply_id: int, units: int) -> int:
        there, wanted = self.free[supply_id], self.open[line_id]
        if there < units:
            units = there
        if wanted < units:
            units = wanted
        if units <= 0:
            return 0
        where[line_id, supply_id] += units
        self.free[supply_id] = there - units
        self.left[self.shelves.product_of[supply_id]] -= units
        self.open[line_id] = wanted - units
        return units

    def _put_on_any_shelf(self, where: dict[tuple[int, int], int], line: WaitingLine, units: int) -> int:
        """What one shelf lost is the lowest rank's loss, whichever shelf that holds; what nobody holds goes first."""
        placed = 0
        stock = self.shelves.stock.get(line.product_id, ())
        for supply_id in stock:
            put = self._put(where, line.id, supply_id, min(units - placed, self.unheld[supply_id]))
            self.unheld[supply_id] -= put
            placed += put
        for supply_id in stock:
            placed += self._put(where, line.id, supply_id, units - placed)
        return placed


def covered_outside(order: WaitingOrder, outside: Mapping[int, Outside]) -> bool:
    """Whether the lines of the order that are not decided here hold all they need."""
    return all(
        outside[line.id].firm + outside[line.id].provisional >= line.needed
        for line in order.lines
        if line.id in outside
    )


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


def _soonest(supply: Supply) -> tuple[bool, bool, datetime, int]:
    ready_at = supply.ready_at or datetime.max.replace(tzinfo=UTC)
    return (not supply.is_stock, supply.ready_at is None, ready_at, supply.id)


_by_line = attrgetter("line_id", "supply_id")
