"""Deciding no more of the book than a change reaches is deciding the whole book, as long as that stood decided."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from routing.model.orders import (
    AllocationPolicy,
    AllocationRule,
    Book,
    Completeness,
    DeliveryDays,
    Outside,
    RankRule,
    WaitingLine,
    WaitingOrder,
)
from routing.model.parties import Depot
from routing.model.proofs import Outcome as DoorOutcome
from routing.model.stock import Holding, Receipt, Supply
from routing.rules.allocation import with_date, with_quantity, with_receipts
from routing.rules.picking import without_picked
from routing.rules.reach import before_they_came_near, with_orders, with_supplies
from routing.services import allocating, reaching
from routing.services.allocating import Decision
from tests.routing.backorders.test_allocation import NOW, TODAY, order, stock, truck

NEW = 99


class Whole:
    """A database that is one book: `book` answers the part of it that is asked for."""

    def __init__(self, book: Book, policy: AllocationPolicy, decided_until: str = "") -> None:
        self.whole, self.policy, self.decided_until = book, policy, decided_until
        self.read: list[frozenset[int]] = []

    def erp_allocates(self) -> bool:
        return False

    def related_products(self, depot_id: int, product_ids: Collection[int]) -> frozenset[int]:
        return frozenset(supply.product_id for supply in self.whole.supplies)

    def open_products(self, depot_id: int) -> frozenset[int]:
        return frozenset(line.product_id for each in self.whole.orders for line in each.lines)

    def tied_products(self, depot_id: int, product_ids: Collection[int]) -> frozenset[int]:
        """Those of orders that have one of these too."""
        mine = [{line.product_id for line in each.lines} for each in self.whole.orders]
        return frozenset().union(product_ids, *(each for each in mine if not each.isdisjoint(product_ids)))

    def book(
        self,
        depot_id: int,
        product_ids: Collection[int],
        *,
        now: datetime,
        policies: Any = None,
        reaching: bool = False,
        ranked_by: AllocationRule | None = None,
    ) -> Book:
        self.read.append(frozenset(product_ids))
        products = {supply.id: supply.product_id for supply in self.whole.supplies}
        kind = {supply.id: supply.is_stock for supply in self.whole.supplies}
        orders, outside = [], {}
        for each in self.whole.orders:
            inside = [line for line in each.lines if line.product_id in product_ids]
            if inside and each.completeness is Completeness.COMPLETE:
                orders.append(each)
                outside |= {line.id: Outside() for line in each.lines if line not in inside}
            elif inside:
                orders.append(replace(each, lines=tuple(inside)))
        for holding in self.whole.holdings:
            if (was := outside.get(holding.line_id)) is not None:
                units = holding.allocated + holding.committed
                outside[holding.line_id] = Outside(
                    firm=was.firm + units * kind[holding.supply_id],
                    provisional=was.provisional + units * (not kind[holding.supply_id]),
                    committed=was.committed + holding.committed,
                )
        return Book(
            depot_id=1,
            supplies=tuple(supply for supply in self.whole.supplies if supply.product_id in product_ids),
            orders=tuple(orders),
            holdings=tuple(one for one in self.whole.holdings if products[one.supply_id] in product_ids),
            outside=outside,
        )

    def depot(self, depot_id: int) -> Depot:
        return Depot(id=1, number="D", name="Depot", zone="UTC")

    def delivery_days(self, depot_id: int, site_ids: Collection[int]) -> dict[int, DeliveryDays]:
        return {site_id: DeliveryDays(weekdays=frozenset({site_id % 5, 2})) for site_id in site_ids}

    def stops_outside(self, depot_id: int, line_ids: Collection[int]) -> list[tuple[int, str, int]]:
        return []

    def tried_lines(self, line_ids: Collection[int]) -> dict[int, DoorOutcome]:
        return {}

    def stops_are_limited(self) -> bool:
        return False

    def setting(self, name: str, default: Any = None) -> Any:
        return self.decided_until if self.decided_until and name.startswith("horizon_day:") else default

    def allocation_policy(self, *, on_day: str) -> AllocationPolicy:
        return self.policy


def written(book: Book, decision: Decision, *, released: Collection[int] = ()) -> Book:
    """The book after the decision was written; what the lines `released` hold of stock is cleared to go."""
    kind = {supply.id: supply.is_stock for supply in book.supplies}
    units: dict[tuple[int, int], list[int]] = {}
    for at, claims in enumerate((decision.outcome.claims, decision.outcome.committed)):
        for claim in claims:
            out = at or (claim.line_id in released and kind[claim.supply_id])
            units.setdefault((claim.line_id, claim.supply_id), [0, 0])[int(out)] += claim.quantity
    promises = {promise.line_id: promise for promise in decision.promises}

    def line_of(line: WaitingLine) -> WaitingLine:
        promise = promises.get(line.id)
        told = {"promised_on": promise.promised_on, "promise_version": promise.version} if promise else {}
        return replace(line, expected_on=decision.dates.expected[line.id], own_day=decision.dates.own[line.id], **told)

    return replace(
        book,
        orders=tuple(replace(each, lines=tuple(line_of(line) for line in each.lines)) for each in book.orders),
        holdings=tuple(
            Holding(line_id=line, supply_id=supply, allocated=free, committed=out, for_day="2026-05-12" if out else "")
            for (line, supply), (free, out) in sorted(units.items())
        ),
    )


def whole_decision(book: Book, after: Book, policy: AllocationPolicy) -> Decision:
    return allocating.decide(Whole(book, policy), book, after, policy=policy, now=NOW, why="test")


def standing(book: Book, policy: AllocationPolicy, released: Collection[int]) -> Book:
    """The book decided, some of it released, and decided again until that changes nothing."""
    book = written(book, whole_decision(book, book, policy), released=released)
    for _ in range(4):
        again = written(book, whole_decision(book, book, policy))
        if again == book or without_days(again) == without_days(book):
            return book
        book = again
    assume(False)
    raise AssertionError


def without_days(book: Book) -> Book:
    return replace(book, holdings=tuple(replace(one, for_day="") for one in book.holdings))


Change = Callable[[Book], Book]


@st.composite
def changes(draw: st.DrawFn, book: Book) -> tuple[frozenset[int], Change]:
    """A receipt, a slip or a recount, of one or two SKUs, and the products that it is about."""
    supplies = draw(
        st.lists(st.sampled_from(book.supplies), min_size=1, max_size=2, unique_by=lambda one: one.product_id)
    )
    what = [(one, draw(st.integers(0, 2)), draw(st.integers(0, 60))) for one in supplies]
    more = draw(st.booleans())

    def change(book: Book) -> Book:
        for n, (one, kind, units) in enumerate(what):
            if kind == 0:
                book = with_receipts(
                    book,
                    [Receipt(number="R", depot_id=1, product_id=one.product_id, sku="P", quantity=units,
                             counted_at=NOW, inbound_id=None if one.is_stock else one.id, more_to_come=more)],
                    first_id=NEW + n,
                )  # fmt: skip
            elif kind == 1 and not one.is_stock:
                book = with_date(book, supply_ids={one.id}, ready_at=NOW + timedelta(days=units))
            else:
                book = with_quantity(book, supply_id=one.id, quantity=units)
        return book

    return frozenset(one.product_id for one in supplies), change


def units(decision: Decision) -> dict[tuple[str, int, int], int]:
    return {
        (kind, claim.line_id, claim.supply_id): claim.quantity
        for kind, claims in (("free", decision.outcome.claims), ("out", decision.outcome.committed))
        for claim in claims
    }


def held(book: Book, lines: Collection[int]) -> dict[tuple[str, int, int], int]:
    found = {}
    for one in book.holdings:
        if one.line_id in lines:
            found |= {
                (kind, one.line_id, one.supply_id): units
                for kind, units in (("free", one.allocated), ("out", one.committed))
                if units
            }
    return found


def check_same(
    book: Book,
    products: frozenset[int],
    change: Change,
    policy: AllocationPolicy,
    until: str = "",
    stood: Change | None = None,
) -> Whole:
    store = Whole(book, policy, until)
    narrow = reaching.decide_change(store, 1, products, change, now=NOW, why="test", stood=stood)
    whole = whole_decision(book, change(book), policy)
    lines = {line.id: line for each in book.orders for line in each.lines}
    decided = {line.id for each in narrow.before.orders for line in each.lines if line.id not in narrow.before.outside}
    assert held(book, lines.keys() - decided) | units(narrow) == units(whole)
    assert {key: line.expected_on for key, line in lines.items()} | narrow.dates.expected == whole.dates.expected
    assert {key: line.own_day for key, line in lines.items()} | narrow.dates.own == whole.dates.own
    assert sorted(narrow.promises, key=lambda one: one.line_id) == sorted(whole.promises, key=lambda one: one.line_id)
    assert set(narrow.outcome.broken) == set(whole.outcome.broken)
    assert narrow.preview.changed == whole.preview.changed
    slips = [[line for line in each.preview.lines if line.slips] for each in (narrow, whole)]
    assert slips[0] == slips[1]
    assert narrow.preview.warnings == whole.preview.warnings
    return store


@st.composite
def tied_books(draw: st.DrawFn) -> Book:
    """Every SKU has some supply, and most orders want several SKUs or none."""
    wants = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 12)), min_size=1, max_size=3)
    return Book(
        depot_id=1,
        supplies=tuple(
            (stock if draw(st.integers(0, 2)) else truck)(n, draw(st.integers(0, 24)), product_id=(n - 1) % 5 + 1)
            for n in range(1, draw(st.integers(5, 8)) + 1)
        ),
        orders=tuple(
            order(
                n,
                *draw(wants),
                tier=draw(st.integers(1, 3)),
                rank_rule=draw(st.sampled_from([RankRule.NORMAL, *RankRule])),
                completeness=draw(st.sampled_from([Completeness.COMPLETE, Completeness.COMPLETE, *Completeness])),
                not_before=draw(st.sampled_from(["", "", "", "2026-05-20", "2026-07-01"])),
            )
            for n in range(1, draw(st.integers(2, 9)) + 1)
        ),
    )


@settings(max_examples=400, deadline=None)
@given(st.data(), st.sampled_from([AllocationRule.TIER_THEN_FIRST_ORDERED, AllocationRule.FIRST_ORDERED]))
def test_the_part_of_the_book_that_a_change_reaches_is_decided_as_the_whole_is(
    data: st.DataObject, rule: AllocationRule
) -> None:
    policy = AllocationPolicy(rule=rule)
    book = data.draw(tied_books())
    released = data.draw(st.sets(st.sampled_from([line.id for each in book.orders for line in each.lines]), max_size=3))
    book = standing(book, policy, released)
    products, change = data.draw(changes(book))
    check_same(book, products, change, policy, data.draw(st.sampled_from(["", "2026-05-26"])))


@st.composite
def turned(draw: st.DrawFn, orders: Sequence[WaitingOrder]) -> dict[int, WaitingOrder | None]:
    """Up to three orders as a file may turn them: new, cancelled (None), with fewer lines, other units, other terms."""
    found: dict[int, WaitingOrder | None] = {}
    for each in draw(st.lists(st.sampled_from(orders), max_size=2, unique_by=lambda one: one.id)):
        lines = tuple(
            replace(line, needed=units)
            for line in each.lines
            if (units := draw(st.sampled_from([0, line.needed, line.needed, 1, line.needed + 6])))
        )
        other = draw(st.sampled_from([each.completeness, *Completeness]))
        day = draw(st.sampled_from([each.not_before, "", "2026-07-01"]))
        found[each.id] = replace(each, lines=lines, completeness=other, not_before=day) if lines else None
    if not found or draw(st.booleans()):
        wants = draw(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 12)), min_size=1, max_size=3))
        found[NEW] = order(
            NEW, *wants, tier=draw(st.integers(1, 3)), completeness=draw(st.sampled_from(list(Completeness)))
        )
    return found


@settings(max_examples=400, deadline=None)
@given(st.data(), st.sampled_from([AllocationRule.TIER_THEN_FIRST_ORDERED, AllocationRule.FIRST_ORDERED]))
def test_orders_that_came_in_or_changed_are_decided_as_the_whole_book_is(
    data: st.DataObject, rule: AllocationRule
) -> None:
    policy = AllocationPolicy(rule=rule)
    book = data.draw(tied_books())
    released = data.draw(st.sets(st.sampled_from([line.id for each in book.orders for line in each.lines]), max_size=3))
    book = standing(book, policy, released)
    turn = data.draw(turned(book.orders))
    were = {each.id: each for each in book.orders}
    stood = {key: were.get(key) for key in turn}
    products = frozenset(
        line.product_id for each in (*turn.values(), *stood.values()) if each is not None for line in each.lines
    )
    after = with_orders(book, turn)
    until = data.draw(st.sampled_from(["", "2026-05-26"]))
    check_same(after, products, lambda same: same, policy, until, stood=lambda now: with_orders(now, stood))


@st.composite
def expected_otherwise(draw: st.DrawFn, book: Book) -> tuple[frozenset[int], Book, dict[int, Supply | None]]:
    """Up to three inbound lines as a file may turn them: new, later, without a date, fewer, cancelled."""
    trucks = [supply for supply in book.supplies if not supply.is_stock]
    stood: dict[int, Supply | None] = {}
    supplies = {supply.id: supply for supply in book.supplies}
    for one in draw(st.lists(st.sampled_from(trucks), max_size=2, unique_by=lambda one: one.id)) if trucks else ():
        stood[one.id] = one
        units = draw(st.sampled_from([one.quantity, 0, 1, one.quantity + 12]))
        days = draw(st.sampled_from([None, 1, 9, 30]))
        supplies[one.id] = replace(one, quantity=units, ready_at=days and NOW + timedelta(days=days))
        if not units and not any(held.supply_id == one.id for held in book.holdings):
            del supplies[one.id]
    if not stood or draw(st.booleans()):
        stood[NEW] = None
        supplies[NEW] = truck(NEW, draw(st.integers(1, 24)), product_id=draw(st.integers(1, 5)))
    products = {one.product_id for key in stood for one in (stood[key], supplies.get(key)) if one is not None}
    return frozenset(products), replace(book, supplies=tuple(sorted(supplies.values(), key=lambda one: one.id))), stood


@settings(max_examples=120, deadline=None)
@given(st.data(), st.sampled_from([AllocationRule.TIER_THEN_FIRST_ORDERED, AllocationRule.FIRST_ORDERED]))
def test_inbound_that_a_file_turned_is_decided_as_the_whole_book_is(data: st.DataObject, rule: AllocationRule) -> None:
    policy = AllocationPolicy(rule=rule)
    book = data.draw(tied_books())
    released = data.draw(st.sets(st.sampled_from([line.id for each in book.orders for line in each.lines]), max_size=3))
    book = standing(book, policy, released)
    products, after, stood = data.draw(expected_otherwise(book))
    until = data.draw(st.sampled_from(["", "2026-05-26"]))
    check_same(after, products, lambda same: same, policy, until, stood=lambda now: with_supplies(now, stood))


HORIZON = AllocationPolicy().horizon_days
NEAR = ("2026-05-20", "2026-05-21", "2026-05-23", "2026-05-26", "2026-07-01")


@settings(max_examples=120, deadline=None)
@given(
    st.data(), st.sampled_from([AllocationRule.TIER_THEN_FIRST_ORDERED, AllocationRule.FIRST_ORDERED]),
    st.integers(1, 6), st.booleans(),
)  # fmt: skip
def test_orders_that_the_horizon_reaches_are_decided_as_the_whole_book_is(
    data: st.DataObject, rule: AllocationRule, days: int, somebody_looked: bool
) -> None:
    """All orders are old, so that nobody was within the horizon when ordering alone."""
    policy = AllocationPolicy(rule=rule)
    done, until = ((TODAY + timedelta(days=HORIZON - each)).isoformat() for each in (days, 0))
    book = data.draw(tied_books())
    wanted = [data.draw(st.sampled_from(["", "", *NEAR])) for _ in book.orders]
    book = replace(
        book,
        orders=tuple(
            replace(each, ordered_at=each.ordered_at - timedelta(days=30), not_before=day)
            for each, day in zip(book.orders, wanted, strict=True)
        ),
    )
    book = standing(book, replace(policy, horizon_days=HORIZON - days), ())
    if somebody_looked:
        products, change = data.draw(changes(book))
        found = reaching.decide_change(Whole(book, policy, done), 1, products, change, now=NOW, why="test")
        book = written_in_part(change(book), found)
    products = frozenset(
        line.product_id for each in book.orders if done < each.earliest_day <= until for line in each.lines
    )
    assume(products)
    check_same(
        book, products, lambda same: same, policy, done,
        stood=lambda now: before_they_came_near(now, policy, after_day=done, until_day=until),
    )  # fmt: skip


def written_in_part(book: Book, decision: Decision) -> Book:
    """The book after a decision about some of its SKUs was written."""
    decided = {line_id for line_id in decision.dates.expected if line_id not in decision.before.outside}
    part = written(
        replace(
            book,
            orders=tuple(
                replace(each, lines=tuple(line for line in each.lines if line.id in decided)) for each in book.orders
            ),
        ),
        decision,
    )
    lines = {line.id: line for each in part.orders for line in each.lines}
    kept = [one for one in book.holdings if one.line_id not in decided]
    return replace(
        book,
        orders=tuple(
            replace(each, lines=tuple(lines.get(line.id, line) for line in each.lines)) for each in book.orders
        ),
        holdings=tuple(sorted((*kept, *part.holdings), key=lambda one: (one.line_id, one.supply_id))),
    )


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from([AllocationRule.TIER_THEN_FIRST_ORDERED, AllocationRule.FIRST_ORDERED]))
def test_a_short_pick_is_decided_as_the_whole_book_without_what_is_picked_is(
    data: st.DataObject, rule: AllocationRule
) -> None:
    """Picked units are out of everybody's reach; then a shelf turns out to hold less."""
    policy = AllocationPolicy(rule=rule)
    book = data.draw(tied_books())
    every = [line.id for each in book.orders for line in each.lines]
    released = data.draw(st.sets(st.sampled_from(every), max_size=4))
    book = standing(book, policy, released)
    picked = {
        (one.line_id, one.supply_id): data.draw(st.integers(0, one.committed)) for one in book.holdings if one.committed
    }
    shelf = data.draw(st.sampled_from([supply for supply in book.supplies if supply.is_stock] or [None]))
    assume(shelf is not None)
    assert shelf is not None
    taken = sum(units for (_line, supply), units in picked.items() if supply == shelf.id)
    left = data.draw(st.integers(taken, max(taken, shelf.quantity)))
    product = {supply.id: supply.product_id for supply in book.supplies}

    def without(book: Book) -> Book:
        inside = {supply.product_id for supply in book.supplies}
        return without_picked(book, {key: units for key, units in picked.items() if product[key[1]] in inside})

    change = more_of(shelf.id, left)
    narrow = reaching.decide_change(
        Whole(book, policy), 1, {shelf.product_id}, change, now=NOW, why="short pick", seen=without
    )
    before = without(book)
    whole = allocating.decide(Whole(book, policy), before, change(before), policy=policy, now=NOW, why="short pick")
    lines = {line.id: line for each in before.orders for line in each.lines}
    decided = {line.id for each in narrow.before.orders for line in each.lines if line.id not in narrow.before.outside}
    assert held(before, lines.keys() - decided) | units(narrow) == units(whole)
    assert {key: line.expected_on for key, line in lines.items()} | narrow.dates.expected == whole.dates.expected
    assert sorted(narrow.promises, key=lambda one: one.line_id) == sorted(whole.promises, key=lambda one: one.line_id)
    assert set(narrow.outcome.broken) == set(whole.outcome.broken)
    assert narrow.preview.changed == whole.preview.changed


def more_of(supply_id: int, units: int) -> Change:
    return lambda book: with_quantity(book, supply_id=supply_id, quantity=units)


def test_an_order_that_is_covered_now_brings_in_its_other_goods_and_no_others() -> None:
    both = order(1, (1, 10), (2, 5), completeness=Completeness.COMPLETE)
    book = Book(
        depot_id=1,
        supplies=(stock(1, 6), stock(2, 5, product_id=2), stock(3, 9, product_id=3)),
        orders=(both, order(2, (3, 9), (4, 1), completeness=Completeness.COMPLETE)),
    )
    book = standing(book, AllocationPolicy(), ())
    assert check_same(book, frozenset({1}), more_of(1, 9), AllocationPolicy()).read == [{1}]
    assert check_same(book, frozenset({1}), more_of(1, 10), AllocationPolicy()).read == [{1}, {2}]


def test_an_order_that_falls_apart_lets_the_next_one_have_its_goods_and_so_on() -> None:
    """SO-1 holds oat drink and cups. Without oat drink its cups go to SO-2, which waited for cups and lids."""
    book = Book(
        depot_id=1,
        supplies=(stock(1, 10), stock(2, 5, product_id=2), stock(3, 4, product_id=3)),
        orders=(
            order(1, (1, 10), (2, 5), completeness=Completeness.COMPLETE),
            order(2, (2, 5), (3, 4), completeness=Completeness.COMPLETE),
        ),
    )
    book = standing(book, AllocationPolicy(), ())
    assert check_same(book, frozenset({1}), more_of(1, 9), AllocationPolicy()).read == [{1}, {2}, {3}]


def test_a_change_that_reaches_a_quarter_of_many_skus_is_decided_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """SO-1 is covered now and brings in cups; the lids of SO-2 would follow in a third round, or not at all."""
    monkeypatch.setattr(reaching, "MANY_SKUS", 1)
    both = order(1, (1, 10), (2, 5), completeness=Completeness.COMPLETE)
    book = Book(
        depot_id=1,
        supplies=(stock(1, 6), stock(2, 5, product_id=2), stock(3, 9, product_id=3)),
        orders=(both, order(2, (3, 9), (4, 1), completeness=Completeness.COMPLETE)),
    )
    book = standing(book, AllocationPolicy(), ())
    assert check_same(book, frozenset({1}), more_of(1, 10), AllocationPolicy()).read == [{1}, {2, 3, 4}]


def test_goods_that_single_orders_tie_to_nearly_all_others_are_read_with_all_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SO-1 ties oat drink to everything else: a narrow look would end at the whole depot. Without the last SKU it ties
    nine of eleven, and the look stays narrow."""
    monkeypatch.setattr(reaching, "SOME_SKUS", 1)

    def read_first(tied: int) -> frozenset[int]:
        ties = order(1, *((product, 1) for product in range(1, tied + 1)), completeness=Completeness.COMPLETE)
        book = Book(
            depot_id=1,
            supplies=tuple(stock(product, 1, product_id=product) for product in range(1, 12)),
            orders=(ties, *(order(product, (product, 1)) for product in range(2, 12))),
        )
        book = standing(book, AllocationPolicy(), ())
        return check_same(book, frozenset({1}), more_of(1, 2), AllocationPolicy()).read[0]

    assert read_first(tied=10) == frozenset(range(1, 12))
    assert read_first(tied=9) == {1}


def test_an_order_that_waits_for_something_else_is_left_alone() -> None:
    """There was oat drink for SO-1 all the time; its cups are missing, and more oat drink brings none."""
    book = Book(
        depot_id=1,
        supplies=(stock(1, 10), stock(2, 4, product_id=2)),
        orders=(order(1, (1, 10), (2, 5), completeness=Completeness.COMPLETE),),
    )
    book = standing(book, AllocationPolicy(), ())
    assert check_same(book, frozenset({1}), more_of(1, 20), AllocationPolicy()).read == [{1}]


def test_an_order_that_the_horizon_has_reached_since_is_looked_at_until_somebody_has_decided_it() -> None:
    near = order(1, (1, 10), (2, 5), completeness=Completeness.COMPLETE, not_before="2026-05-20")
    book = Book(depot_id=1, supplies=(stock(1, 10), stock(2, 5, product_id=2)), orders=(near,))
    undecided = Whole(book, AllocationPolicy())
    found = reaching.decide_change(undecided, 1, {1}, more_of(1, 20), now=NOW, why="test")
    assert undecided.read == [{1}, {2}]
    assert units(found) == {("free", 10, 1): 10, ("free", 11, 2): 5}
