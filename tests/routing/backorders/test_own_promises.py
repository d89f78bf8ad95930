"""Deciding twice moves nothing, whichever rule ranks or shares: no goods, no date, no promise, and so no message."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.model.orders import AllocationPolicy, AllocationRule, Book, DeliveryDays, WaitingLine, WaitingOrder
from routing.model.stock import Holding, Supply, SupplyKind
from routing.rules.allocation import Outcome, allocate
from routing.rules.own_promises import decided
from routing.rules.promises import Dates, NewPromise, expected_days, new_promises
from routing.rules.room import Room
from tests.routing.backorders.test_allocation import NOW, TODAY
from tests.routing.backorders.test_quick_ledger import lived_in

Days = Mapping[int, DeliveryDays]
PROMISED = ("", "2026-05-11", "2026-05-12", "2026-05-13", "2026-05-14", "2026-05-20")


@st.composite
def promised(draw: st.DrawFn) -> tuple[Book, AllocationPolicy, Days]:
    """A book that was lived in, with promises that hold, are over or came loose, and doors that share few stops."""
    book, policy = draw(lived_in())
    orders = []
    for one in book.orders:
        lines = tuple(
            replace(line, promised_on=day, promise_version=int(bool(day)))
            for line in one.lines
            for day in [draw(st.sampled_from(PROMISED))]
        )
        first = min((line.promised_on for line in lines if line.promised_on), default="")
        # What it counts on may be another day than the one that we moved it to.
        first = first and draw(st.sampled_from((first, "2026-05-11", "2026-05-16")))
        orders.append(replace(one, promised_first=first, lines=lines))
    stops = draw(st.sampled_from((None, None, 1, 2)))
    every = DeliveryDays(weekdays=frozenset(range(7)), zone_id=1, stops_a_day=stops)
    policy = replace(policy, rule=draw(st.sampled_from(AllocationRule)), threshold_days=draw(st.sampled_from((1, 3))))
    return replace(book, orders=tuple(orders)), policy, {one.site_id: every for one in orders}


def released_stops(book: Book, days: Days) -> Room:
    """Every delivery that is released has its stop, as `stops_outside` of the store finds it."""
    goes_on: dict[int, str] = defaultdict(str)
    for one in book.holdings:
        goes_on[one.line_id] = max(goes_on[one.line_id], one.for_day)
    return Room(
        (zone_id, goes_on[line.id], order.site_id)
        for order in book.orders
        for line in order.lines
        if goes_on[line.id] and (zone_id := days[order.site_id].zone_id) is not None
    )


def decide(book: Book, policy: AllocationPolicy, days: Days) -> tuple[Outcome, Dates, list[NewPromise]]:
    if policy.rule.asks_for_promises:
        found = decided(book, policy, days=days, room=partial(released_stops, book, days), today=TODAY, now=NOW)
        outcome, dates, not_before = found.outcome, found.dates, found.promised
    else:
        outcome = allocate(book, policy, today=TODAY)
        room = released_stops(book, days)
        dates, not_before = expected_days(book, outcome, days=days, policy=policy, now=NOW, room=room), {}
    return outcome, dates, new_promises(book.orders, dates.expected, policy=policy, why="", not_before=not_before)


def written(book: Book, outcome: Outcome, dates: Dates, made: list[NewPromise]) -> Book:
    """The book as the database has it afterwards."""
    units: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    # The day is the delivery's, wherever its goods are found.
    goes_on: dict[int, str] = defaultdict(str)
    for one in book.holdings:
        goes_on[one.line_id] = max(goes_on[one.line_id], one.for_day)
    for one in book.holdings:
        units[one.line_id, one.supply_id][2] += one.gone
    for at, claims in enumerate((outcome.claims, outcome.committed)):
        for claim in claims:
            units[claim.line_id, claim.supply_id][at] += claim.quantity
    by_line = {promise.line_id: promise for promise in made}
    orders = []
    for each in book.orders:
        firsts = [by_line[line.id].promised_on for line in each.lines if line.id in by_line]
        lines = tuple(
            replace(
                line,
                promised_on=by_line[line.id].promised_on if line.id in by_line else line.promised_on,
                promise_version=by_line[line.id].version if line.id in by_line else line.promise_version,
                expected_on=dates.expected.get(line.id, line.expected_on),
                own_day=dates.own.get(line.id, line.own_day),
            )
            for line in each.lines
        )
        ranks_by = each.promised_first or ("" if each.promised_on else min(firsts, default=""))
        orders.append(replace(each, promised_first=ranks_by, lines=lines))
    return replace(
        book,
        orders=tuple(orders),
        holdings=tuple(
            Holding(
                line_id=line, supply_id=supply, allocated=free, committed=out, gone=gone,
                for_day=goes_on[line] if out else "",
            )
            for (line, supply), (free, out, gone) in sorted(units.items())
            if free or out or gone
        ),
    )  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(promised())
def test_deciding_twice_moves_nothing(lived: tuple[Book, AllocationPolicy, Days]) -> None:
    book, policy, days = lived
    outcome, dates, made = decide(book, policy, days)
    again, later, more = decide(written(book, outcome, dates, made), policy, days)
    assert again.claims == outcome.claims
    assert again.committed == outcome.committed
    assert later.expected == dates.expected
    if all(each.stops_a_day is None for each in days.values()):
        # Else when a line could go by itself is a guess: who goes with it has not taken that day's room.
        assert later.own == dates.own
    assert more == []


def test_a_promise_that_comes_of_the_decision_has_its_stop_in_it_already() -> None:
    """A zone takes one stop a day. SO-2 was promised the 12th and now wants its goods in July. SO-1 is new: behind
    SO-2 it is promised the 13th, and ranks before SO-3 by that. It takes the 12th then; its stop on the 13th is its
    own, so nobody is told that day to be told another one the next time."""
    shelf = Supply(id=1, kind=SupplyKind.RECEIPT, number="R-1", product_id=1, quantity=3, ready_at=NOW)
    line = WaitingLine(id=10, number="1", product_id=1, sku="OAT", name="Oat drink", needed=1)
    new = WaitingOrder(
        id=1, number="SO-1", customer_id=1, customer="Café 1", site_id=1, site="Café 1",
        ordered_at=NOW - timedelta(days=9), lines=(line,),
    )  # fmt: skip
    july = replace(line, id=20, promised_on="2026-05-12", promise_version=1)
    late = replace(line, id=30, promised_on="2026-05-11", promise_version=1)
    orders = (
        new,
        replace(
            new, id=2, number="SO-2", site_id=2, promised_first="2026-05-12", wanted_on="2026-07-01", lines=(july,)
        ),
        replace(new, id=3, number="SO-3", site_id=3, promised_first="2026-05-16", lines=(late,)),
    )
    book = Book(depot_id=1, supplies=(shelf,), orders=orders)
    every = DeliveryDays(weekdays=frozenset(range(7)), zone_id=1, stops_a_day=1)
    policy, days = AllocationPolicy(rule=AllocationRule.PROMISED_DATE), {1: every, 2: every, 3: every}
    outcome, dates, made = decide(book, policy, days)
    _, again, more = decide(written(book, outcome, dates, made), policy, days)
    assert (again.expected, more) == (dates.expected, [])
    assert (dates.expected[10], dates.expected[30]) == ("2026-05-12", "2026-05-14")
