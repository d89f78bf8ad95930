"""The quick ledger says what the plain one says, of any book and under every policy: to the unit and to the day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.model.orders import AllocationPolicy, AllocationRule, Book, Completeness, DeliveryDays, Outside
from routing.model.stock import Receipt
from routing.rules.allocation import allocate, with_quantity, with_receipts
from routing.rules.preview import preview_of
from routing.rules.promises import expected_days, new_promises
from tests.routing.backorders.plain_ledger import plain_days, plainly_allocated
from tests.routing.backorders.test_allocation import NOW, TODAY, books, held


@st.composite
def lived_in(draw: st.DrawFn) -> tuple[Book, AllocationPolicy]:
    """A book that was decided, released in part, and then counted in, counted again, or decided by another policy."""
    policy = AllocationPolicy(rule=draw(st.sampled_from(AllocationRule)), horizon_days=draw(st.sampled_from((0, 90))))
    book = draw(books())
    first = AllocationPolicy(rule=draw(st.sampled_from(AllocationRule)))
    book = held(book, allocate(book, first, today=TODAY), committed=draw(st.booleans()))
    some = draw(st.sets(st.sampled_from([one.line_id for one in book.holdings]))) if book.holdings else set()
    book = replace(
        book,
        holdings=tuple(
            replace(one, gone=1, for_day=draw(st.sampled_from(("2026-05-11", "2026-05-14"))) if one.committed else "")
            if one.line_id in some
            else one
            for one in book.holdings
        ),
    )
    late = {one.id: None for one in book.supplies if not one.is_stock and draw(st.integers(0, 3)) == 0}
    book = replace(
        book, supplies=tuple(replace(one, ready_at=None) if one.id in late else one for one in book.supplies)
    )
    if draw(st.booleans()):
        book = with_quantity(book, supply_id=draw(st.sampled_from(book.supplies)).id, quantity=draw(st.integers(0, 60)))
    if draw(st.booleans()):
        its = draw(st.sampled_from(book.supplies))
        receipt = Receipt(
            number="R", depot_id=1, product_id=its.product_id, sku="P", quantity=draw(st.integers(1, 60)),
            counted_at=NOW, inbound_id=None if its.is_stock else its.id, more_to_come=draw(st.booleans()),
        )  # fmt: skip
        book = with_receipts(book, [receipt], first_id=99)
    return book, policy


@st.composite
def with_some_outside(draw: st.DrawFn, book: Book) -> Book:
    """The book without one of its products: what ship-complete orders want of it is taken as it stands."""
    gone = draw(st.sampled_from([line.product_id for one in book.orders for line in one.lines]))
    orders = []
    outside: dict[int, Outside] = {}
    for one in book.orders:
        if all(line.product_id == gone for line in one.lines):
            continue
        if one.completeness is Completeness.COMPLETE:
            for line in one.lines:
                if line.product_id == gone:
                    units = draw(st.integers(0, line.needed))
                    outside[line.id] = Outside(firm=units, committed=draw(st.integers(0, units)))
            orders.append(one)
        else:
            orders.append(replace(one, lines=tuple(line for line in one.lines if line.product_id != gone)))
    supplies = tuple(one for one in book.supplies if one.product_id != gone)
    known = {one.id for one in supplies}
    holdings = tuple(one for one in book.holdings if one.supply_id in known)
    return replace(book, orders=tuple(orders), supplies=supplies, holdings=holdings, outside=outside)


@settings(max_examples=300)
@given(lived_in())
def test_the_same_units_go_to_the_same_lines_on_the_same_days(lived: tuple[Book, AllocationPolicy]) -> None:
    book, policy = lived
    outcome = allocate(book, policy, today=TODAY)
    assert outcome == plainly_allocated(book, policy, today=TODAY)
    days = {site: DeliveryDays(weekdays=frozenset({site % 5, 2})) for site in range(1, 5)}
    for now in (NOW, NOW + timedelta(days=2)):
        dates = expected_days(book, outcome, days=days, policy=policy, now=now)
        assert (dates.expected, dates.own) == plain_days(book, outcome, days=days, policy=policy, now=now)


@settings(max_examples=200)
@given(st.data(), lived_in())
def test_what_reaches_outside_the_book_is_seen_as_the_plain_ledger_sees_it(
    data: st.DataObject, lived: tuple[Book, AllocationPolicy]
) -> None:
    book, policy = lived
    book = data.draw(with_some_outside(book))
    assert allocate(book, policy, today=TODAY) == plainly_allocated(book, policy, today=TODAY)


@settings(max_examples=150)
@given(lived_in())
def test_a_line_is_shown_as_moved_exactly_when_it_holds_other_units_or_has_another_day(
    lived: tuple[Book, AllocationPolicy],
) -> None:
    book, policy = lived
    outcome = plainly_allocated(book, policy, today=TODAY)
    expected, _ = plain_days(book, outcome, days={}, policy=policy, now=NOW)
    promises = new_promises(book.orders, expected, policy=policy, why="test")
    about = frozenset({7})  # none of the book's: what is shown is what moves
    shown = preview_of(book, book, outcome, expected, promises, policy, {}, silent=(), about=about)
    every = preview_of(book, book, outcome, expected, promises, policy, {}, silent=(), about=())
    moved = [line for line in every.lines if line.changed or line.released_lost or line.is_told]
    assert list(shown.lines) == moved
