"""One walk down the ranks: what stays, then who takes what is free. Pure, and quick: a book may hold 100,000 lines.

Whatever two walks down the same book have in common is put in order once: who waits is a `Queue`, what there is to give
is `Shelves`. A walk only counts. Lines are counted by their place in the queue, in columns: looking for each of 100,000
values by its key again in every walk took most of the time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from heapq import heappop, heappush
from operator import attrgetter

from routing.model.orders import Book, Completeness, Outside, RankRule, WaitingOrder
from routing.model.stock import Holding, Supply

Turn = tuple[WaitingOrder, int, int, bool]
"""Lines that are served together, from the first place to before the second, and whether a part of them will do."""


class Queue:
    """The orders of a book in rank order, what each holds, and who is served in which turn.

    Every line whose SKU is in the book has a place, its order's rank first. By place: `lines`, their keys `ids`,
    `products`, and the base units `needed`; `held` has those places only at which something is held.
    """

    def __init__(self, book: Book, orders: Sequence[WaitingOrder], last_day: str) -> None:
        """`orders` are those of the book in rank order; who may only go after the ISO day `last_day` takes nothing, and
        keeps of what it was given only what is released."""
        outside = self.outside = book.outside
        if outside:
            lines = [line for order in orders for line in order.lines if line.id not in outside]
        else:
            lines = [line for order in orders for line in order.lines]
        self.lines = lines
        self.ids = ids = [line.id for line in lines]
        self.products = [line.product_id for line in lines]
        self.needed = [line.needed for line in lines]
        by_line: dict[int, list[Holding]] = {}
        for holding in book.holdings:
            if holding.line_id in by_line:
                by_line[holding.line_id] = sorted((*by_line[holding.line_id], holding), key=_by_supply)
            else:
                by_line[holding.line_id] = [holding]
        self.held = {place: by_line[line_id] for place, line_id in enumerate(ids) if line_id in by_line}
        self.turns: list[Turn] = []
        starts: list[int] = []
        start = stop = 0
        for order in orders:
            stop += sum(line.id not in outside for line in order.lines) if outside else len(order.lines)
            starts.append(start)
            if not order.wanted_on > last_day and not order.not_before > last_day:
                its = order.completeness
                if its is Completeness.PER_LINE:
                    self.turns += [(order, place, place + 1, False) for place in range(start, stop)]
                else:
                    self.turns.append((order, start, stop, its is Completeness.PARTIAL))
            start = stop
        self.committed: list[tuple[int, Holding]] = []
        self.protected: list[tuple[int, bool, int, int]] = []
        """Place, whether it never loses, supply and units of what is not released and not everybody's yet."""
        committed: list[tuple[int, Holding]] = []
        protected: list[tuple[int, bool, int, int]] = []
        for place, holdings in self.held.items():
            order = orders[bisect_right(starts, place) - 1]
            never = order.rank_rule is RankRule.NEVER_LOSES
            keeps = order.rank_rule is not RankRule.MAY_GIVE_UP and order.earliest_day <= last_day
            for holding in holdings:
                if holding.committed:
                    (self.committed if never else committed).append((place, holding))
                if keeps and holding.allocated:
                    kept = (place, never, holding.supply_id, holding.allocated)
                    (self.protected if never else protected).append(kept)
        # Whoever never loses comes first when it is settled who keeps what.
        self.committed += committed
        self.protected += protected

    def had_all(self) -> list[tuple[WaitingOrder, int, int]]:
        """The ship-complete orders that may go now and hold all they need, before anything is decided, with their
        places."""
        return [
            (order, start, stop)
            for order, start, stop, _ in self.turns
            if order.completeness is Completeness.COMPLETE
            and self._holds_all(start, stop)
            and covered_outside(order, self.outside)
        ]

    def _holds_all(self, start: int, stop: int) -> bool:
        for place in range(start, stop):
            if (holdings := self.held.get(place)) is None:
                return False
            lacks = self.needed[place]
            for holding in holdings:
                lacks -= holding.allocated + holding.committed
            if lacks > 0:
                return False
        return True


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
        self.several = {product for product, supplies in self.stock.items() if len(supplies) > 1}
        """Products of which more than one supply is stock."""
        self.is_stock = {supply.id: supply.is_stock for supply in book.supplies}
        self.product_of = {supply.id: supply.product_id for supply in book.supplies}
        homes: dict[int, list[int]] = defaultdict(list)
        for supply in book.supplies:
            if supply.inbound_id is not None:
                homes[supply.inbound_id].append(supply.id)
        self.homes = {key: (*homes.get(key, ()), key) for key in self.is_stock}
        """Where units of a supply are looked for: in what its inbound was counted into, and last in itself."""
        gone: dict[int, int] = defaultdict(int)
        held: dict[int, int] = defaultdict(int)
        for holding in book.holdings:
            gone[holding.supply_id] += holding.gone
            held[holding.supply_id] += holding.allocated + holding.committed
        self.free = {supply.id: max(0, supply.quantity - gone[supply.id]) for supply in book.supplies}
        self.unheld = {key: max(0, units - held[key]) for key, units in self.free.items()}


class Walk:
    """What the lines of a book hold at one point of the way down.

    `open` are the base units that each place still wants, `left` what is free of each product. `claims` (not released)
    and `committed` (released or picked) are base units by (place, supply).
    """

    def __init__(self, queue: Queue, shelves: Shelves) -> None:
        """Starts with what was released or picked: it stays with its line, whatever is given back later."""
        self.queue, self.shelves = queue, shelves
        self.free, self.unheld, self.open = dict(shelves.free), dict(shelves.unheld), list(queue.needed)
        self.left: dict[int, int] = defaultdict(int)
        for key, units in self.free.items():
            self.left[shelves.product_of[key]] += units
        self.claims: dict[tuple[int, int], int] = defaultdict(int)
        self.committed: dict[tuple[int, int], int] = defaultdict(int)
        self.kept: set[int] = set()
        """Places for which unreleased units were kept, before anybody was served."""
        self.covered_here: dict[int, bool] = {}
        """Of the orders that reach outside: whether the lines that are decided here are covered."""
        self.protected = _counted_goods_first(queue.protected, shelves.is_stock)
        self._keep_committed()

    def again(self) -> Walk:
        """A walk that stands where this one stood when it started; of this one before `serve`."""
        other = object.__new__(Walk)
        other.queue, other.shelves = self.queue, self.shelves
        other.free, other.unheld, other.open = dict(self.free), dict(self.unheld), list(self.open)
        other.left, other.claims, other.committed = self.left.copy(), defaultdict(int), self.committed
        other.kept, other.covered_here, other.protected = set(), {}, self.protected
        return other

    def serve(self, given_back: frozenset[int], *, fairly: bool = False) -> frozenset[int]:
        """Keeps what is protected and serves everybody; `fairly` by shares, not by rank. `given_back` are places whose
        units are not kept.

        Returns the places of orders that cannot be covered although units are protected for them.
        """
        self._keep_allocated(given_back)
        self.kept = {place for place, _ in self.claims}
        return self._share_fairly() if fairly else self._serve_by_rank()

    # ------------------------------------------------------------------ what stays

    def _keep_committed(self) -> None:
        is_stock, homes = self.shelves.is_stock, self.shelves.homes
        homeless: list[tuple[int, int]] = []
        # Counted goods first: what was released from a shelf is not moved for what was released from a truck.
        for place, holding in sorted(self.queue.committed, key=lambda pair: not is_stock[pair[1].supply_id]):
            units = holding.committed
            for supply_id in homes[holding.supply_id]:
                units -= self._put(self.committed, place, supply_id, units)
            if units and is_stock[holding.supply_id]:
                units -= self._put_on_any_shelf(self.committed, place, units)
            if units:
                homeless.append((place, units))
        for place, units in homeless:
            # A released unit leaves today: any other stock will do, a later truck will not.
            self._put_on_any_shelf(self.committed, place, units)

    def _keep_allocated(self, given_back: frozenset[int]) -> None:
        is_stock, homes, free, is_open = self.shelves.is_stock, self.shelves.homes, self.free, self.open
        claims, left, product_of = self.claims, self.left, self.shelves.product_of
        for place, never, its, units in self.protected:
            if not never and (not is_stock[its] or place in given_back):
                continue
            if units <= free[its] and units <= is_open[place] and len(homes[its]) == 1:  # nearly always
                claims[place, its] += units
                free[its] -= units
                left[product_of[its]] -= units
                is_open[place] -= units
                continue
            # What its truck was counted into is its own only as far as nobody was given it since.
            for supply_id in homes[its][:-1]:
                put = self._put(claims, place, supply_id, min(units, self.unheld[supply_id]))
                self.unheld[supply_id] -= put
                units -= put
            for supply_id in (its, *homes[its][:-1]):
                if units and free[supply_id]:
                    units -= self._put(claims, place, supply_id, units)
            if units and is_stock[its]:
                self._put_on_any_shelf(claims, place, units)

    # ------------------------------------------------------------------ open demand

    def _serve_by_rank(self) -> frozenset[int]:
        fell_apart: set[int] = set()
        left, is_open, kept, products = self.left, self.open, self.kept, self.queue.products
        for order, start, stop, in_parts in self.queue.turns:
            if in_parts or self._served_whole(order, start, stop):
                if order.rank_rule is RankRule.NEVER_LOSES:
                    self._come_sooner(start, stop)
                if any(is_open[start:stop]):
                    for place in range(start, stop):
                        if (units := is_open[place]) and left[products[place]]:
                            self._take(place, units)
            elif kept and order.rank_rule is not RankRule.NEVER_LOSES:
                # None of the group was served yet: what its lines hold now is what was kept for them.
                fell_apart |= kept.intersection(range(start, stop))
        return frozenset(fell_apart)

    def _share_fairly(self) -> frozenset[int]:
        """Pro rata in case packs, remainder to the oldest; who cannot be served whole steps back, lowest rank first.

        What a line keeps is a part of its share: else sharing again would give it a share of the rest as well.
        """
        fell_apart: set[int] = set()
        turns, products = self.queue.turns, self.queue.products
        wanted = [self._wanted(place) for place in range(len(products))]
        waiting: dict[int, list[int]] = defaultdict(list)
        turn_of: dict[int, int] = {}
        """Of the places that are served whole or not at all."""
        for index, (_, start, stop, in_parts) in enumerate(turns):
            for place in range(start, stop):
                waiting[products[place]].append(place)
            if not in_parts:
                turn_of |= dict.fromkeys(range(start, stop), index)
        shares: dict[int, list[dict[int, int]]] = {}
        short: dict[int, set[int]] = defaultdict(set)
        """Places that lack something of their share, by their turn."""
        lowest: list[int] = []
        """Turns that lacked something, lowest rank first: a heap of negative indices."""
        stale = set(waiting)
        while True:
            for product_id in stale:
                shares[product_id] = its = self._shares(product_id, waiting[product_id], wanted)
                for place in waiting[product_id]:
                    if place not in turn_of:
                        continue
                    index = turn_of[place]
                    if sum([heap.get(place, 0) for heap in its]) == wanted[place]:
                        short[index].discard(place)
                    elif place not in short[index]:
                        short[index].add(place)
                        heappush(lowest, -index)
            while lowest and not short[-lowest[0]]:
                heappop(lowest)
            if not lowest:
                break
            order, start, stop, _ = turns[-heappop(lowest)]
            if order.rank_rule is not RankRule.NEVER_LOSES:
                # None of the group was served yet: what its lines hold now is what was kept for them.
                fell_apart |= self.kept.intersection(range(start, stop))
            for place in range(start, stop):
                waiting[products[place]].remove(place)
                short[turn_of[place]].clear()
            stale = set(products[start:stop])
        for product_id, its in shares.items():
            self._give_shares(product_id, waiting[product_id], its)
        return frozenset(fell_apart)

    def _come_sooner(self, start: int, stop: int) -> None:
        """Who never loses and was kept units of a later truck takes what is free of something sooner instead: what is
        protected is that they come, not that they come late."""
        for place in sorted(self.kept.intersection(range(start, stop))):
            product_id = self.queue.products[place]
            supplies = self.shelves.soonest.get(product_id, ())
            for at in reversed(range(len(self.shelves.stock.get(product_id, ())), len(supplies))):
                late = supplies[at]
                for sooner in supplies[:at]:
                    units = min(self.claims.get((place, late), 0), self.free[sooner])
                    if units:
                        self.claims[place, late] -= units
                        self.claims[place, sooner] += units
                        self.free[late] += units
                        self.free[sooner] -= units

    def _shares(self, product_id: int, waiting: Sequence[int], wanted: Sequence[int]) -> list[dict[int, int]]:
        """Units by place of each heap, with what was kept of it; all stock is one heap, then each inbound by date.

        Nobody's share is less than what was kept for them, unless it comes sooner. `wanted` are units by place.
        """
        claims, free, lines = self.claims, self.free, self.queue.lines
        wants = {place: wanted[place] for place in waiting if wanted[place]}
        packs = {place: lines[place].case_pack for place in wants}
        owed = {place: 0 for place in wants if place in self.kept}
        shares = []
        for heap in self._heaps(product_id):
            units = sum([free[key] for key in heap])
            for place in owed:
                kept = sum([claims.get((place, key), 0) for key in heap])
                owed[place] += kept
                units += kept
            # What comes sooner than what was kept is not owed a second time.
            given = fair_shares(units, wants, packs, {place: most for place, most in owed.items() if most > 0})
            shares.append(given)
            for place, mine in given.items():
                wants[place] -= mine
                if place in owed:
                    owed[place] -= mine
        return shares

    def _heaps(self, product_id: int) -> list[tuple[int, ...]]:
        on_shelf = self.shelves.stock.get(product_id, ())
        return [on_shelf, *((key,) for key in self.shelves.soonest.get(product_id, ())[len(on_shelf) :])]

    def _wanted(self, place: int) -> int:
        """What a line wants that is not released, with what was kept for it."""
        keys = self.shelves.soonest.get(self.queue.products[place], ()) if place in self.kept else ()
        return self.open[place] + sum([self.claims.get((place, key), 0) for key in keys])

    def _give_shares(self, product_id: int, waiting: Sequence[int], shares: Sequence[Mapping[int, int]]) -> None:
        free, claims, heaps = self.free, self.claims, self._heaps(product_id)
        lacks: list[tuple[int, int, int]] = []
        for place in waiting:
            for at, heap in enumerate(heaps):
                more = shares[at].get(place, 0)
                if place in self.kept:
                    more -= sum([claims.get((place, key), 0) for key in heap])
                if more < 0:  # of a later truck: it takes something sooner instead
                    claims[place, heap[0]] += more
                    free[heap[0]] -= more
                    self.left[product_id] -= more
                    self.open[place] -= more
                elif more:
                    lacks.append((place, at, more))
        for place, at, more in lacks:
            self._take(place, more, of=heaps[at])

    def _served_whole(self, order: WaitingOrder, start: int, stop: int) -> bool:
        covered = self._covered(start, stop)
        if self.queue.outside and stop - start < len(order.lines) and order.completeness is Completeness.COMPLETE:
            self.covered_here[order.id] = covered
            return covered and covered_outside(order, self.queue.outside)
        return covered

    def _covered(self, start: int, stop: int) -> bool:
        left, wanted, products = self.left, self.open[start:stop], self.queue.products[start:stop]
        for units, product_id in zip(wanted, products, strict=True):
            if units > left[product_id]:
                return False
        if len(wanted) == 1 or len(set(products)) == len(products):
            return True
        together: dict[int, int] = defaultdict(int)
        for units, product_id in zip(wanted, products, strict=True):
            together[product_id] += units
        return all(units <= left[product_id] for product_id, units in together.items())

    def _take(self, place: int, units: int, *, of: Sequence[int] = ()) -> None:
        """So many of what the line still wants, as far as they are there; `of` these supplies, where they are said."""
        free, claims, wanted, product_id = self.free, self.claims, units, self.queue.products[place]
        if product_id in self.shelves.several and place in self.queue.held:
            units -= self._take_own(place, units, of or self.shelves.stock[product_id])
        for supply_id in of or self.shelves.soonest.get(product_id, ()):
            if not units:
                break
            there = free[supply_id]
            if there:
                if there > units:
                    there = units
                claims[place, supply_id] += there
                free[supply_id] -= there
                units -= there
        self.left[product_id] -= wanted - units
        self.open[place] -= wanted - units

    def _take_own(self, place: int, units: int, of: Sequence[int]) -> int:
        """Among stock the very units that it held: the same goods would otherwise change hands for nothing. How many
        those are."""
        taken = 0
        for holding in self.queue.held[place]:
            if holding.supply_id in of and self.shelves.is_stock[holding.supply_id]:
                there = min(self.free[holding.supply_id], holding.allocated, units - taken)
                self.claims[place, holding.supply_id] += there
                self.free[holding.supply_id] -= there
                taken += there
        return taken

    # ------------------------------------------------------------------ arithmetic

    def _put(self, where: dict[tuple[int, int], int], place: int, supply_id: int, units: int) -> int:
        there, wanted = self.free[supply_id], self.open[place]
        if there < units:
            units = there
        if wanted < units:
            units = wanted
        if units <= 0:
            return 0
        where[place, supply_id] += units
        self.free[supply_id] = there - units
        self.left[self.shelves.product_of[supply_id]] -= units
        self.open[place] = wanted - units
        return units

    def _put_on_any_shelf(self, where: dict[tuple[int, int], int], place: int, units: int) -> int:
        """What one shelf lost is the lowest rank's loss, whichever shelf that holds; what nobody holds goes first."""
        placed = 0
        stock = self.shelves.stock.get(self.queue.products[place], ())
        for supply_id in stock:
            put = self._put(where, place, supply_id, min(units - placed, self.unheld[supply_id]))
            self.unheld[supply_id] -= put
            placed += put
        for supply_id in stock:
            placed += self._put(where, place, supply_id, units - placed)
        return placed


def _counted_goods_first(
    protected: list[tuple[int, bool, int, int]], is_stock: Mapping[int, bool]
) -> list[tuple[int, bool, int, int]]:
    """Whoever never loses comes first, and of those what lies on a shelf: it is not moved for what is held of the truck
    that it came with, or goods would change hands again each time that somebody looks."""
    first = sum(never for _, never, _, _ in protected)
    if all(is_stock[its] for _, _, its, _ in protected[:first]):
        return protected
    return [*sorted(protected[:first], key=lambda kept: not is_stock[kept[2]]), *protected[first:]]


def covered_outside(order: WaitingOrder, outside: Mapping[int, Outside]) -> bool:
    """Whether the lines of the order that are not decided here hold all they need."""
    return all(
        outside[line.id].firm + outside[line.id].provisional >= line.needed
        for line in order.lines
        if line.id in outside
    )


def fair_shares(
    heap: int, wants: Mapping[int, int], packs: Mapping[int, int], keeps: Mapping[int, int] | None = None
) -> dict[int, int]:
    """Shares of a heap, pro rata in whole case packs; the remainder goes to the oldest, a pack each in turn.

    `wants` oldest first, base units; the shares add up to min(heap, sum of wants). `keeps` are base units that are
    somebody's already, a part of the heap and of what they want.

        >>> fair_shares(60, {1: 48, 2: 24, 3: 24}, {1: 12, 2: 12, 3: 12})
        {1: 36, 2: 12, 3: 12}
        >>> fair_shares(5, {1: 4, 2: 4}, {1: 12, 2: 12})
        {1: 4, 2: 1}

    Who keeps no more than the share has the share. Who keeps more keeps it, and the others share the rest:

        >>> three = {1: 8, 2: 8, 3: 8}
        >>> for keeps in (4, 6):
        ...     fair_shares(12, three, dict.fromkeys(three, 1), {1: keeps})
        {1: 4, 2: 4, 3: 4}
        {1: 6, 2: 3, 3: 3}

    Every unit has its turn, which nothing that anybody keeps changes: units pro rata as the heap grows, then the
    remainder. Those kept come first, then the others in their turn until the heap is empty. So what was shared once,
    and is kept, is shared the same way again.
    """
    wanted = sum(wants.values())
    if wanted <= heap:
        return {key: units for key, units in wants.items() if units}

    def pro_rata(of: int) -> dict[int, int]:
        """What each would have of a heap of so many base units before its remainder is given out."""
        return {key: of * units // wanted // packs[key] * packs[key] for key, units in wants.items()}

    def beside(given: Mapping[int, int]) -> dict[int, int]:
        return {key: max(units, keeps.get(key, 0)) for key, units in given.items()} if keeps else dict(given)

    given = pro_rata(heap)
    shares, more = beside(given), dict[int, int]()
    if sum(shares.values()) > heap:
        # Others' packs make room for what is kept: the smallest heap that would be shared out to more than is there.
        grown = bisect_right(range(heap), heap, key=lambda of: sum(beside(pro_rata(of)).values()))
        given, more = pro_rata(grown - 1), pro_rata(grown)
        shares = beside(given)
    left = heap - sum(shares.values())
    while left:
        for key, units in wants.items():
            given[key] = more[key] if more else min(units, given[key] + packs[key])
            taken = min(left, given[key] - shares[key])
            if taken > 0:
                shares[key] += taken
                left -= taken
                if not left:
                    break
    return {key: units for key, units in shares.items() if units}


def _soonest(supply: Supply) -> tuple[bool, bool, datetime, int]:
    ready_at = supply.ready_at or datetime.max.replace(tzinfo=UTC)
    return (not supply.is_stock, supply.ready_at is None, ready_at, supply.id)


_by_supply = attrgetter("supply_id")
