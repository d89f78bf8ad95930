"""The ATP ledger worked out line by line, nothing put in columns and nothing left out: what the quick one must say.

It is slow on a large book and short to read. `plainly_allocated` is `allocate`, `plain_days` is `expected_days` for
orders that no terms weigh and sites without a limit of stops.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from operator import attrgetter

from routing.model.orders import (
    AllocationPolicy,
    AllocationRule,
    Book,
    Completeness,
    DeliveryDays,
    RankRule,
    WaitingLine,
    WaitingOrder,
)
from routing.model.stock import Claim, Holding
from routing.rules.allocation import Outcome, last_reserved_day, ranked
from routing.rules.promises import first_delivery_day
from routing.rules.walk import Shelves, covered_outside

_by_line = attrgetter("line_id", "supply_id")

Turn = tuple[WaitingOrder, tuple[WaitingLine, ...], bool]
"""Lines that are served together, and whether a part of them will do."""
_Holder = tuple[WaitingOrder, WaitingLine, list[Holding]]


class PlainQueue:
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


class PlainWalk:
    """What the lines of a book hold at one point of the way down. `given_back` are lines whose units are not kept.

    `claims` (not released) and `committed` (released or picked) are base units by (line, supply).
    """

    def __init__(self, queue: PlainQueue, shelves: Shelves) -> None:
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

    def again(self) -> PlainWalk:
        """A walk that stands where this one stood when it started; of this one before `serve`."""
        other = object.__new__(PlainWalk)
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
        # Of who never loses, what lies on a shelf first: it is not moved for what is held of the truck that brought it.
        for line, never, holding in sorted(
            self.queue.protected, key=lambda kept: (not kept[1], kept[1] and not is_stock[kept[2].supply_id])
        ):
            if not never and (not is_stock[holding.supply_id] or line.id in given_back):
                continue
            units = holding.allocated
            *counted, itself = homes[holding.supply_id]
            for supply_id in counted:
                put = self._put(self.claims, line.id, supply_id, min(units, self.unheld[supply_id]))
                self.unheld[supply_id] -= put
                units -= put
            for supply_id in (itself, *counted):
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
        shares: dict[int, dict[int, list[int]]] = {}
        stale = set(lines)
        while True:
            for product_id in stale:
                shares[product_id] = self._shares(product_id, lines[product_id])
            short = next(
                (
                    index
                    for index in reversed(range(len(turns)))
                    if not turns[index][2]
                    and any(sum(shares[line.product_id][line.id]) < self._wanted(line) for line in turns[index][1])
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
        for _, group, _ in turns:  # who takes something sooner gives back what comes later
            for line in group:
                for heap, units in zip(self._heaps(line.product_id), shares[line.product_id][line.id], strict=True):
                    back = self._held(line, heap) - units
                    if back > 0:
                        self.claims[line.id, heap[0]] -= back
                        self.free[heap[0]] += back
                        self.left[line.product_id] += back
                        self.open[line.id] += back
        for _, group, _ in turns:
            for line in group:
                for heap, units in zip(self._heaps(line.product_id), shares[line.product_id][line.id], strict=True):
                    wanted = units - self._held(line, heap)
                    for supply_id, most in self._own_first(line):
                        if supply_id in heap:
                            wanted -= self._put(self.claims, line.id, supply_id, min(wanted, most))
        return frozenset(fell_apart)

    def _heaps(self, product_id: int) -> list[tuple[int, ...]]:
        on_shelf = self.shelves.stock.get(product_id, ())
        return [on_shelf, *((key,) for key in self.shelves.soonest.get(product_id, ())[len(on_shelf) :])]

    def _held(self, line: WaitingLine, heap: Sequence[int]) -> int:
        return sum(self.claims.get((line.id, key), 0) for key in heap)

    def _wanted(self, line: WaitingLine) -> int:
        return self.open[line.id] + sum(self._held(line, heap) for heap in self._heaps(line.product_id))

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

    def _shares(self, product_id: int, lines: list[WaitingLine]) -> dict[int, list[int]]:
        """Units per line of each heap, with what was kept. All stock is one heap, then each inbound by date."""
        shares: dict[int, list[int]] = {line.id: [] for line in lines}
        kept: dict[int, int] = dict.fromkeys(shares, 0)
        for heap in self._heaps(product_id):
            units = sum(self.free[key] for key in heap)
            for line in lines:
                units += self._held(line, heap)
                kept[line.id] += self._held(line, heap)
            given = plain_shares(
                units,
                {line.id: self._wanted(line) - sum(shares[line.id]) for line in lines},
                {line.id: line.case_pack for line in lines},
                {line.id: max(0, kept[line.id] - sum(shares[line.id])) for line in lines},
            )
            for line in lines:
                shares[line.id].append(given.get(line.id, 0))
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
        for supply_id, most in self._own_first(line):
            units -= self._put(self.claims, line.id, supply_id, min(units, most))

    def _own_first(self, line: WaitingLine) -> list[tuple[int, int]]:
        """The supplies in the order in which the line takes of them, and how many units at most: among stock the very
        units that it held first, the same goods would otherwise change hands for nothing."""
        supplies, stock = self.shelves.soonest.get(line.product_id, ()), self.shelves.stock.get(line.product_id, ())
        mine = [(one.supply_id, one.allocated) for one in self.queue.held.get(line.id, ()) if one.supply_id in stock]
        return [*mine, *((supply_id, line.needed) for supply_id in supplies)]

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


def plainly_allocated(book: Book, policy: AllocationPolicy, *, today: date) -> Outcome:
    """What `allocate` must answer."""
    queue = PlainQueue(book, ranked(book.orders, policy), last_reserved_day(policy, today))
    outcome = _once(book, policy, today)
    if policy.rule is AllocationRule.FAIR_SHARE:
        found: list[Outcome] = []
        while outcome not in found:  # until it stands, or goes round and round
            found.append(outcome)
            outcome = _once(_written(book, outcome), policy, today)
        outcome = min(found[found.index(outcome) :], key=_figures)
    units: dict[int, int] = defaultdict(int)
    for claim in (*outcome.claims, *outcome.committed):
        units[claim.line_id] += claim.quantity
    broken = frozenset(
        one.id for one in queue.had_all() if any(units[line.id] < line.needed for line in queue.decided(one))
    )
    return replace(outcome, broken=broken)


def _once(book: Book, policy: AllocationPolicy, today: date) -> Outcome:
    queue = PlainQueue(book, ranked(book.orders, policy), last_reserved_day(policy, today))
    given_back: frozenset[int] = frozenset()
    reaching: dict[int, frozenset[bool]] = {}
    while True:
        walk = PlainWalk(queue, Shelves(book))
        fell_apart = walk.serve(given_back, fairly=policy.rule is AllocationRule.FAIR_SHARE)
        for order_id, covered in walk.covered_here.items():
            reaching[order_id] = reaching.get(order_id, frozenset()) | {covered}
        if fell_apart <= given_back:
            return Outcome(claims=_sorted(walk.claims), committed=_sorted(walk.committed), reaching=reaching)
        given_back |= fell_apart


def _written(book: Book, outcome: Outcome) -> Book:
    """The book as it stands once the outcome is written."""
    return replace(
        book,
        holdings=(
            *(Holding(line_id=c.line_id, supply_id=c.supply_id, allocated=c.quantity) for c in outcome.claims),
            *(Holding(line_id=c.line_id, supply_id=c.supply_id, committed=c.quantity) for c in outcome.committed),
            *(Holding(line_id=h.line_id, supply_id=h.supply_id, gone=h.gone) for h in book.holdings),
        ),
    )


def _figures(outcome: Outcome) -> list[tuple[int, int, int]]:
    return [(c.line_id, c.supply_id, c.quantity) for claims in (outcome.claims, outcome.committed) for c in claims]


def plain_shares(
    heap: int, wants: Mapping[int, int], packs: Mapping[int, int], keeps: Mapping[int, int]
) -> dict[int, int]:
    """`fair_shares`, unit by unit: those that are kept, then the others in their turn."""
    wanted = sum(wants.values())
    turns: list[tuple[int, int, int, int, int]] = []
    for age, (key, want) in enumerate(wants.items()):
        floor = heap * want // wanted // packs[key] * packs[key] if want else 0
        for unit in range(want):
            pack = unit // packs[key] + 1
            if unit < floor:  # the smallest heap of which this pack is a whole one
                turns.append((0, -(-pack * packs[key] * wanted // want), age, unit, key))
            else:
                turns.append((1, (unit - floor) // packs[key], age, unit, key))
    kept = [turn for turn in turns if turn[3] < keeps[turn[4]]]
    others = sorted(turn for turn in turns if turn[3] >= keeps[turn[4]])
    shares: dict[int, int] = defaultdict(int)
    for *_, key in [*kept, *others][:heap]:
        shares[key] += 1
    return shares


def _sorted(units: Mapping[tuple[int, int], int]) -> tuple[Claim, ...]:
    return tuple(
        Claim(line_id=line, supply_id=supply, quantity=each) for (line, supply), each in sorted(units.items()) if each
    )


def plain_days(
    book: Book, outcome: Outcome, *, days: Mapping[int, DeliveryDays], policy: AllocationPolicy, now: datetime
) -> tuple[dict[int, str], dict[int, str]]:
    """The expected and the own days that `expected_days` must answer, for a book without lines outside."""
    comes = {supply.id: supply.ready_at for supply in book.supplies}
    used: dict[int, int] = defaultdict(int)
    for claim in (*outcome.claims, *outcome.committed):
        used[claim.supply_id] += claim.quantity
    for holding in book.holdings:
        used[holding.supply_id] += holding.gone
    asked: dict[int, int] = defaultdict(int)
    expected: dict[int, str] = {}
    own: dict[int, str] = {}
    for order in ranked(book.orders, policy):
        of_order: dict[int, str] = {}
        for line in order.lines:
            moments = [comes[claim.supply_id] for claim in outcome.claims if claim.line_id == line.id]
            out = [claim.quantity for claim in outcome.committed if claim.line_id == line.id]
            missing = line.needed - sum(out)
            missing -= sum(claim.quantity for claim in outcome.claims if claim.line_id == line.id)
            if missing > 0:
                asked[line.product_id] += missing
                moments.append(_there(book, used, line.product_id, asked[line.product_id]))
            known = [moment for moment in moments if moment is not None]
            day = max((one.for_day for one in book.holdings if one.line_id == line.id), default="") if out else ""
            if "" < day < now.date().isoformat():
                rolled = first_delivery_day(
                    ready_at=now,
                    ordered_at=order.ordered_at,
                    days=days.get(order.site_id, DeliveryDays()),
                    earliest=order.earliest_day,
                    same_day_until=policy.same_day_until,
                )
                day = rolled.isoformat() if rolled else ""
            if len(known) < len(moments):
                day = ""
            elif known:
                found = first_delivery_day(
                    ready_at=max(*known, now),
                    ordered_at=order.ordered_at,
                    days=days.get(order.site_id, DeliveryDays()),
                    earliest=order.earliest_day,
                    same_day_until=policy.same_day_until,
                )
                day = max(day, found.isoformat()) if found else ""
            of_order[line.id] = day
        own |= of_order
        if order.completeness is Completeness.COMPLETE:
            last = "" if "" in of_order.values() else max(of_order.values())
            of_order = dict.fromkeys(of_order, last)
        expected |= of_order
    return expected, own


def _there(book: Book, used: Mapping[int, int], product_id: int, units: int) -> datetime | None:
    """The first moment at which so many units that nobody holds are there."""
    left = sorted(
        (supply.ready_at, supply.quantity - used.get(supply.id, 0))
        for supply in book.supplies
        if supply.product_id == product_id and supply.ready_at and supply.quantity > used.get(supply.id, 0)
    )
    there = 0
    for moment, more in left:
        there += more
        if there >= units:
            return moment
    return None
