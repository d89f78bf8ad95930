"""Who gets which units: the ATP ledger of one depot, decided by the policy in force. Pure.

    >>> from routing.model.orders import AllocationPolicy
    >>> book = _example(stock=10, wanted=(8, 6))      # SO-1 ordered first, SO-2 an hour later
    >>> [(c.line_id, c.quantity) for c in allocate(book, AllocationPolicy(), today=date(2026, 3, 3)).claims]
    [(1, 8), (2, 2)]

In this order units are given out:
1. what is released or picked stays with its line; only when the goods are not there is it taken, from the lowest rank,
   and never what is loaded;
2. unreleased units stay where the customer's rule protects them (never_loses: all, normal: those on stock), again from
   the highest rank down; when its turn comes, who never loses changes units of a truck for free ones that come sooner;
3. everything else is open demand and is served by rank, stock first, then inbound by date. A ship-complete order takes
   only when all of it is covered, a per-line order line by line. An order on hold keeps its place and takes like any
   other: the hold stops its release, not its claim.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from routing.bulk import in_bulk
from routing.errors import InvalidInput
from routing.model.orders import (
    AllocationPolicy,
    AllocationRule,
    Book,
    WaitingLine,
    WaitingOrder,
)
from routing.model.stock import MOST_UNITS, Claim, Holding, Receipt, ShelfOfReceipt, Supply, SupplyKind
from routing.rules.walk import Queue, Shelves, Walk

_claim = in_bulk(Claim)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Who holds what from now on: `claims` not released, `committed` released or picked. Sorted by line and supply.

    `broken` are ship-complete orders that held all they need before and no longer do. `reaching` are those with lines
    outside the book, by id: whether what the book decides of them was covered, in each walk down the ranks.
    """

    claims: tuple[Claim, ...]
    committed: tuple[Claim, ...]
    broken: Collection[int] = ()
    reaching: Mapping[int, frozenset[bool]] = field(default_factory=dict)


def rank_of(rule: AllocationRule) -> Callable[[WaitingOrder], tuple[object, ...]]:
    """The sorting key of a policy: smaller goes first. Ties end at the order's id: same input, same rank.

    It asks what is true of the whole order, never its `lines`: a book has those of the SKUs that somebody looks at.
    What all lines say together is read beside them, as `promised_first` is (`AllocationRule.asks_for_promises`). A rule
    that every SKU can be decided by alone is one of `reach.NARROW_RULES`; one by which deciding a SKU moves an order's
    place for its others ties them in `related_products` of the store.
    """
    match rule:
        case AllocationRule.TIER_THEN_FIRST_ORDERED:
            return lambda order: (-order.tier, order.ordered_at, order.id)
        case AllocationRule.PROMISED_DATE:
            # ISO days sort as text; what was never promised comes after every promise. A decision reckons with the
            # promises that it makes itself: `own_promises`.
            return lambda order: (order.promised_on or "9999-12-31", -order.tier, order.ordered_at, order.id)
        case AllocationRule.FIRST_ORDERED | AllocationRule.FAIR_SHARE:
            return lambda order: (order.ordered_at, order.id)


def by_example(rule: AllocationRule) -> tuple[int, int, int]:
    """Who gets how many of ten on the shelf: SO-1 wants 8, SO-2 (a higher tier) 6, SO-3 4 and was promised the earliest
    day. The page of policies shows the same, and says beside it what is true of the three: what another rule ranks by
    has to be given here and said there.

        >>> for rule in AllocationRule:
        ...     print(rule.value, by_example(rule))
        tier_then_first_ordered (4, 6, 0)
        first_ordered (8, 2, 0)
        promised_date (0, 6, 4)
        fair_share (5, 3, 2)

    Fair share: 10 of the 18 wanted are 4, 3 and 2, each rounded down; the one left over goes to the oldest.
    """
    days = ("2026-03-06", "2026-03-05", "2026-03-04")
    book = _example(stock=10, wanted=(8, 6, 4), tier=(1, 2, 1), promised_on=days)
    units = _units(book, AllocationPolicy(rule=rule))
    return units.get(1, 0), units.get(2, 0), units.get(3, 0)


def ranked(orders: Iterable[WaitingOrder], policy: AllocationPolicy) -> list[WaitingOrder]:
    return sorted(orders, key=rank_of(policy.rule))


def last_reserved_day(policy: AllocationPolicy, today: date) -> str:
    """The reservation horizon: an order that may not go before a later ISO day than this takes nothing now.

    >>> last_reserved_day(AllocationPolicy(horizon_days=14), date(2026, 3, 3))
    '2026-03-17'
    """
    return (today + timedelta(days=policy.horizon_days)).isoformat()


def allocate(book: Book, policy: AllocationPolicy, *, today: date, queue: Queue | None = None) -> Outcome:
    """Decides the whole book again. Never more than supplied, never more than needed; same input, same outcome.

    `queue`: its `in_rank`, if that is there already.

    SO-1 holds 8 of 10 when SO-2, of a higher tier, comes and wants 8. What SO-1's customer may lose decides, on the
    shelf and on a truck that is still to come:

        >>> from routing.model.orders import Completeness, RankRule
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

    SO-2 came later and was released first: 6 of the 8 it wants. SO-1, which holds 4 of its 8, keeps its claim before
    it: of 5 that are counted in, SO-1 takes 4 and SO-2 the last.

        >>> book = _example(stock=10, wanted=(8, 8), held=(4,))
        >>> book = replace(book, holdings=(*book.holdings, Holding(supply_id=1, line_id=2, committed=6)))
        >>> _units(book), _units(with_quantity(book, supply_id=1, quantity=15))
        ({1: 4}, {1: 8, 2: 1})

    SO-1 is wanted in June, beyond the reservation horizon: it locks no stock in March.

        >>> _units(_example(stock=10, wanted=(8, 6), wanted_on=("2026-06-01", "")))
        {2: 6}
    """
    queue = queue or in_rank(book, policy, today)
    walk, reaching = _walked(queue, book, policy)
    if policy.rule is AllocationRule.FAIR_SHARE:
        walk = _settled(walk, book, policy, today)
    broken = frozenset(order.id for order, start, stop in queue.had_all() if any(walk.open[start:stop]))
    return Outcome(
        claims=_as_claims(queue, walk.claims),
        committed=_as_claims(queue, walk.committed),
        broken=broken,
        reaching=reaching,
    )


def in_rank(book: Book, policy: AllocationPolicy, today: date) -> Queue:
    """Who waits in the book, in rank order: for `allocate`, and again for a book of which only supplies differ."""
    return Queue(book, ranked(book.orders, policy), last_reserved_day(policy, today))


def covered_in(book: Book, policy: AllocationPolicy, queue: Queue) -> Mapping[int, frozenset[bool]]:
    """The `reaching` of the outcome alone."""
    return _walked(queue, book, policy)[1]


def _walked(queue: Queue, book: Book, policy: AllocationPolicy) -> tuple[Walk, dict[int, frozenset[bool]]]:
    """The last walk down the ranks, and what the orders that reach outside were in each."""
    # A ship-complete order that falls apart gives its unreleased units back, and then everybody is asked again:
    # an order ranked above it may want them.
    given_back: frozenset[int] = frozenset()
    reaching: dict[int, frozenset[bool]] = {}
    start = Walk(queue, Shelves(book))
    while True:
        walk = start.again()
        fell_apart = walk.serve(given_back, fairly=policy.rule is AllocationRule.FAIR_SHARE)
        for order_id, covered in walk.covered_here.items():
            reaching[order_id] = reaching.get(order_id, frozenset()) | {covered}
        if fell_apart <= given_back:
            return walk, reaching
        given_back |= fell_apart


MOST_ROUNDS = 50
"""Times that shares are shared again before the last ones count; two or three are enough nearly always."""


def _settled(walk: Walk, book: Book, policy: AllocationPolicy, today: date) -> Walk:
    """The walk after which sharing again moves nothing: goods are shared on until they stand.

    Who is given their share keeps it the next time, while somebody who must have all or nothing and stepped back leaves
    more to the others: so a second sharing may ask other orders to step back than the first. Should shares go round
    and round, the lowest of them counts, whichever of them was asked: sharing them again goes the same round.
    """
    rounds: dict[_Units, Walk] = {}
    stands = _units_of(book.holdings)
    while (units := (_as_claims(walk.queue, walk.claims), _as_claims(walk.queue, walk.committed))) != stands:
        if units in rounds or len(rounds) == MOST_ROUNDS:
            found = list(rounds)
            return rounds[min(found[found.index(units) if units in rounds else -1 :], key=_in_figures)]
        rounds[units] = walk
        stands, book = units, replace(book, holdings=_held(book, *units))
        walk, _ = _walked(in_rank(book, policy, today), book, policy)
    return walk


_Units = tuple[tuple[Claim, ...], tuple[Claim, ...]]
"""Unreleased and committed units, each sorted by line and supply."""


def _in_figures(units: _Units) -> list[tuple[int, int, int]]:
    return [(each.line_id, each.supply_id, each.quantity) for claims in units for each in claims]


def _units_of(holdings: Iterable[Holding]) -> _Units:
    by_line = sorted(holdings, key=lambda one: (one.line_id, one.supply_id))
    return (
        tuple(_claim(line_id=h.line_id, supply_id=h.supply_id, quantity=h.allocated) for h in by_line if h.allocated),
        tuple(_claim(line_id=h.line_id, supply_id=h.supply_id, quantity=h.committed) for h in by_line if h.committed),
    )


def _held(book: Book, claims: Iterable[Claim], committed: Iterable[Claim]) -> tuple[Holding, ...]:
    """What the lines of the book hold once these units are written; what is gone stays gone."""
    units: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    for at, each in enumerate((claims, committed)):
        for claim in each:
            units[claim.line_id, claim.supply_id][at] = claim.quantity
    for one in book.holdings:
        if one.gone:
            units[one.line_id, one.supply_id][2] += one.gone
    return tuple(
        Holding(line_id=line_id, supply_id=supply_id, allocated=free, committed=out, gone=gone)
        for (line_id, supply_id), (free, out, gone) in sorted(units.items())
    )


def with_receipts(book: Book, receipts: Sequence[Receipt], *, first_id: int) -> Book:
    """The book once these are counted in as the supplies `first_id` and on, in order: their sellable units are stock,
    their inbound shrinks."""
    left = {supply.id: supply.quantity for supply in book.supplies}
    for receipt in receipts:
        if receipt.inbound_id in left:
            rest = max(0, left[receipt.inbound_id] - receipt.quantity) if receipt.more_to_come else 0
            left[receipt.inbound_id] = rest
    counted = (
        Supply(
            id=key,
            kind=SupplyKind.RECEIPT,
            number=receipt.number,
            product_id=receipt.product_id,
            quantity=receipt.quantity - receipt.quarantined,
            ready_at=receipt.counted_at,
            inbound_id=receipt.inbound_id,
        )
        for key, receipt in enumerate(receipts, start=first_id)
    )
    shrunk = (
        supply if left[supply.id] == supply.quantity else replace(supply, quantity=left[supply.id])
        for supply in book.supplies
    )
    return replace(book, supplies=(*shrunk, *counted))


def more_than_expected(
    book: Book, receipts: Iterable[Receipt], *, numbers: Mapping[int, str] | None = None
) -> tuple[str, ...]:
    """A sentence for every inbound of which these receipts count more than was still to come: often a typing error, or
    the same truck counted twice. An inbound that the book does not know has nothing more to come; `numbers` names it.

        IN-2001 is to bring 96, and 960 are counted.
    >>> truck = Supply(id=7, kind=SupplyKind.INBOUND, number="IN-2001", product_id=1, quantity=96, ready_at=None)
    >>> count = Receipt(number="R-1", depot_id=1, product_id=1, sku="P201", quantity=960, inbound_id=7,
    ...                 counted_at=datetime(2026, 3, 3))
    >>> print(*more_than_expected(Book(depot_id=1, supplies=(truck,)), [count]))
    R-1 counts 960 × P201 of IN-2001, 864 more than the 96 still to come. Look at the count again; a recount mends it.
    """
    counted: dict[int, list[Receipt]] = defaultdict(list)
    for receipt in receipts:
        if receipt.inbound_id is not None:
            counted[receipt.inbound_id].append(receipt)
    known = {supply.id: supply for supply in book.supplies}
    found = []
    for inbound, many in counted.items():
        came, supply = sum(each.quantity for each in many), known.get(inbound)
        to_come = max(supply.quantity, 0) if supply else 0
        if came <= to_come:
            continue
        counts = "counts" if len(many) == 1 else "count"
        said = f"{' and '.join(each.number for each in many)} {counts} {came} × {many[0].sku}"
        number = supply.number if supply else (numbers or {}).get(inbound, "")
        of = f" of {number}" if number else ""
        more = f"{came - to_come} more than the {to_come} still to come" if to_come else "and nothing more was expected"
        found.append(f"{said}{of}, {more}. Look at the count again; a recount mends it.")
    return tuple(found)


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


def came_short(book: Book, receipts: Iterable[Receipt]) -> str:
    """What slips with a truck that brought less than was still to come, in the trade's words; "" when none or several
    did.

        IN-2001 is to bring 96, and 60 are counted.
    >>> truck = Supply(id=7, kind=SupplyKind.INBOUND, number="IN-2001", product_id=1, quantity=96, ready_at=None)
    >>> count = Receipt(number="R-1", depot_id=1, product_id=1, sku="P201", quantity=60, inbound_id=7,
    ...                 counted_at=datetime(2026, 3, 3))
    >>> came_short(Book(depot_id=1, supplies=(truck,)), [count])
    'truck IN-2001 came short: 60 of 96'
    >>> came_short(Book(depot_id=1, supplies=(truck,)), [replace(count, quantity=96)])
    ''
    """
    counted: dict[int, int] = defaultdict(int)
    for receipt in receipts:
        if receipt.inbound_id is not None:
            counted[receipt.inbound_id] += receipt.quantity
    short = [each for each in book.supplies if each.id in counted and counted[each.id] < each.quantity]
    if len({each.number for each in short}) != 1:
        return ""
    came, of = sum(counted[each.id] for each in short), sum(each.quantity for each in short)
    return f"truck {short[0].number} came short: {came} of {of}"


def with_released(book: Book, units: Mapping[tuple[int, int], int], *, for_day: str) -> Book:
    """The book once so many units, by (line, supply), are released for an ISO day: those that the line holds, and
    others that it takes for it.

    >>> book = with_released(_example(stock=10, wanted=(8,), held=(8,)), {(1, 1): 5}, for_day="2026-03-05")
    >>> for each in book.holdings:
    ...     print(each.allocated, each.committed, each.for_day)
    3 5 2026-03-05
    """
    taken = units.keys() - {(one.line_id, one.supply_id) for one in book.holdings}
    return replace(
        book,
        holdings=(
            *(
                Holding(line_id=line_id, supply_id=supply_id, committed=units[line_id, supply_id], for_day=for_day)
                for line_id, supply_id in sorted(taken)
            ),
            *_released(book.holdings, units, for_day=for_day),
        ),
    )


def _released(holdings: Iterable[Holding], units: Mapping[tuple[int, int], int], *, for_day: str) -> Iterator[Holding]:
    for one in holdings:
        n = units.get((one.line_id, one.supply_id), 0)
        if n:
            yield replace(
                one,
                allocated=max(0, one.allocated - n),
                committed=one.committed + n,
                for_day=max(one.for_day, for_day),
            )
        else:
            yield one


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

    The 6 of SO-2 are released now, and 4 more of it are loaded. Three missing of sixteen are unreleased ones, although
    SO-1 ranks higher; then released ones are lost, and what is loaded never is:

        >>> out = Holding(supply_id=1, line_id=2, committed=6, gone=4)
        >>> book = replace(_example(stock=16, wanted=(6, 6)), holdings=(book.holdings[0], out))
        >>> for counted in (13, 7, 4):
        ...     left = allocate(
        ...         with_quantity(book, supply_id=1, quantity=counted), AllocationPolicy(), today=date(2026, 3, 3)
        ...     )
        ...     print([each.quantity for each in left.claims], [each.quantity for each in left.committed])
        [3] [6]
        [] [3]
        [] []
    """
    return replace(
        book,
        supplies=tuple(replace(s, quantity=quantity) if s.id == supply_id else s for s in book.supplies),
    )


def with_count(book: Book, shelf: ShelfOfReceipt, *, product_id: int, difference: int) -> Book:
    """The book after so many units of a receipt are found, or are not there. A receipt whose units are all gone is in
    no book: what is found of it brings it back.

        >>> gone = ShelfOfReceipt(id=7, number="R-7", quantity=12, here=0)
        >>> [each.quantity for each in with_count(Book(depot_id=1), gone, product_id=1, difference=2).supplies]
        [2]
    """
    known = next((supply for supply in book.supplies if supply.id == shelf.id), None)
    if known is not None:
        return with_quantity(book, supply_id=shelf.id, quantity=known.quantity + difference)
    found = Supply(
        id=shelf.id,
        kind=SupplyKind.RECEIPT,
        number=shelf.number,
        product_id=product_id,
        quantity=difference,
        ready_at=shelf.counted_at,
    )
    return replace(book, supplies=tuple(sorted((*book.supplies, found), key=lambda supply: supply.id)))


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


def _as_claims(queue: Queue, units: Mapping[tuple[int, int], int]) -> tuple[Claim, ...]:
    """`units` by (place in the queue, supply)."""
    ids = queue.ids
    by_line = sorted([(ids[place], supply_id, quantity) for (place, supply_id), quantity in units.items() if quantity])
    return tuple(
        [_claim(line_id=line_id, supply_id=supply_id, quantity=quantity) for line_id, supply_id, quantity in by_line]
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
