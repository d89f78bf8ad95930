"""A promise holds: a line is expected on the day on which the release lets the last of it go, and on no earlier one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from routing.model.orders import (
    AllocationPolicy,
    Book,
    Completeness,
    DeliveryDays,
    OrderTerms,
    Outside,
    RideRule,
    TermsFrom,
    WaitingLine,
    WaitingOrder,
)
from routing.model.stock import Supply, SupplyKind
from routing.rules.allocation import Outcome, allocate
from routing.rules.promises import Dates, expected_days
from routing.rules.release import ReleaseLine, ReleaseOrder, judge, kept_as

NOW = datetime(2026, 5, 12, 2, 40, tzinfo=UTC)
TODAY = NOW.date()
DAYS = [(TODAY + timedelta(days=n)).isoformat() for n in range(21)]
EVERY_DAY = DeliveryDays(weekdays=frozenset(range(7)))
POLICY = AllocationPolicy(horizon_days=60)
PRODUCTS = (1, 2, 3)

TERMS = st.builds(
    OrderTerms,
    completeness=st.sampled_from(Completeness),
    min_percent=st.sampled_from((0, 0, 30, 60, 100)),
    min_value=st.sampled_from((0, 0, 500, 1500)),
    max_wait_days=st.sampled_from((None, None, 3, 9, 14)),
    max_shipments=st.sampled_from((None, None, 1, 2)),
    ride_along=st.sampled_from((RideRule.ALONE, RideRule.ALONE, RideRule.NEVER, RideRule.SAME_DOOR)),
)


@dataclass(frozen=True)
class World:
    """A book, and the terms of each of its orders by day, whether or not they weigh its parts."""

    book: Book
    terms: dict[int, tuple[TermsFrom, ...]]

    def decided(self) -> tuple[Outcome, Dates]:
        outcome = allocate(self.book, POLICY, today=TODAY)
        return outcome, dates(self.book, outcome)


def dates(book: Book, outcome: Outcome) -> Dates:
    days = {order.site_id: EVERY_DAY for order in book.orders}
    return expected_days(book, outcome, days=days, policy=POLICY, now=NOW)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """One to three orders of one to three SKUs each, some on the shelf and the rest on trucks of the next days."""
    supplies: list[Supply] = []
    for product_id in PRODUCTS:
        for day in draw(st.lists(st.integers(0, 12), max_size=3)):
            kind = SupplyKind.INBOUND if day else SupplyKind.RECEIPT
            units = draw(st.integers(1, 12))
            supplies.append(
                Supply(
                    id=len(supplies) + 1, kind=kind, number=f"S-{len(supplies)}", product_id=product_id, quantity=units,
                    ready_at=NOW + timedelta(days=day),
                )
            )  # fmt: skip
    orders, terms = [], {}
    for order_id in range(1, draw(st.integers(1, 3)) + 1):
        wanted = draw(st.lists(st.sampled_from(PRODUCTS), min_size=1, max_size=3, unique=True))
        ordered_at = NOW - timedelta(days=8) + timedelta(hours=order_id)
        by_day = [TermsFrom(terms=draw(TERMS))]
        if draw(st.booleans()):
            by_day.append(TermsFrom(day=draw(st.sampled_from(DAYS[1:10])), terms=draw(TERMS)))
        terms[order_id] = tuple(by_day)
        first = by_day[0].terms
        orders.append(
            WaitingOrder(
                id=order_id, number=f"SO-{order_id}", customer_id=order_id, customer="Café", site_id=order_id,
                site="Café", ordered_at=ordered_at,
                completeness=kept_as(
                    first.completeness, ordered_on=ordered_at.date().isoformat(), max_wait_days=first.max_wait_days,
                    day=TODAY.isoformat(),
                ),
                terms=terms[order_id] if len(by_day) > 1 or first.weigh_parts else (),
                shipments=draw(st.integers(0, 1)),
                lines=tuple(
                    WaitingLine(
                        id=10 * order_id + product_id, number=str(product_id), product_id=product_id, sku="SKU",
                        name="Goods", needed=draw(st.integers(1, 12)), price=100,
                    )
                    for product_id in sorted(wanted)
                ),
            )
        )  # fmt: skip
    return World(book=Book(depot_id=1, supplies=tuple(supplies), orders=tuple(orders)), terms=terms)


def last_gone(world: World, order: WaitingOrder, outcome: Outcome) -> dict[int, str]:
    """Every day's release, one after another, by `judge`: the day on which the last unit of each line went; "" never
    within three weeks."""
    ready_on = {supply.id: (supply.ready_at or NOW).date().isoformat() for supply in world.book.supplies}
    comes: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for claim in outcome.claims:
        comes[ready_on[claim.supply_id]].append((claim.line_id, claim.quantity))
    went, there = {line.id: 0 for line in order.lines}, {line.id: 0 for line in order.lines}
    last, shipments = {line.id: "" for line in order.lines}, order.shipments
    for day in DAYS:
        for line_id, units in comes[day]:
            if line_id in there:
                there[line_id] += units
        if not any(there.values()):
            continue
        verdict = judge(
            ReleaseOrder(
                id=order.id, number=order.number, ordered_on=order.ordered_at.date().isoformat(),
                terms=[each.terms for each in world.terms[order.id] if each.day <= day][-1], shipments=shipments,
                lines=tuple(
                    ReleaseLine(
                        id=line.id, needed=line.needed, committed=went[line.id], ready=there[line.id], price=line.price
                    )
                    for line in order.lines if went[line.id] < line.needed
                ),
            ),
            for_day=day, days=EVERY_DAY,
        )  # fmt: skip
        shipments += bool(verdict.units)
        for line_id, units in verdict.units:
            went[line_id] += units
            there[line_id] -= units
        last |= {line.id: day for line in order.lines if not last[line.id] and went[line.id] == line.needed}
    return last


@given(worlds())
def test_a_line_is_expected_on_the_day_on_which_the_release_lets_the_last_of_it_go(world: World) -> None:
    """What the release of a day keeps back for a term is not expected until then, and what it lets go is not expected
    later. Of an order that gave back what it cannot use, nothing is released before it is decided again."""
    outcome, found = world.decided()
    held = {claim.line_id for claim in outcome.claims}
    for order in world.book.orders:
        if all(line.id in held for line in order.lines) or order.completeness is Completeness.PARTIAL:
            goes = last_gone(world, order, outcome)
            assert {line.id: found.expected[line.id] for line in order.lines} == goes


@given(worlds(), st.sampled_from(PRODUCTS))
def test_deciding_one_sku_dates_an_order_s_lines_as_deciding_all_does(world: World, product_id: int) -> None:
    """The other SKUs of an order whose terms weigh its parts are taken as they stand."""
    orders = tuple(order for order in world.book.orders if order.completeness is not Completeness.COMPLETE)
    whole = World(book=replace(world.book, orders=orders), terms=world.terms)
    outcome, found = whole.decided()
    ready_at = {supply.id: supply.ready_at for supply in world.book.supplies}
    coming: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    for claim in outcome.claims:
        if (moment := ready_at[claim.supply_id]) is not None:
            coming[claim.line_id].append((moment, claim.quantity))
    outside: dict[int, Outside] = {}
    narrow = []
    for order in orders:
        lines = [replace(line, own_day=found.own[line.id]) for line in order.lines]
        inside = [line for line in lines if line.product_id == product_id]
        if not inside:
            continue
        if order.terms:
            outside |= {
                line.id: Outside(comes=tuple(coming[line.id])) for line in lines if line.product_id != product_id
            }
        narrow.append(replace(order, lines=tuple(lines if order.terms else inside)))
    book = Book(
        depot_id=1,
        supplies=tuple(supply for supply in world.book.supplies if supply.product_id == product_id),
        orders=tuple(narrow),
        outside=outside,
    )
    again = dates(book, allocate(book, POLICY, today=TODAY))
    assert again.expected == {line_id: found.expected[line_id] for line_id in again.expected}
    assert {line.id for order in narrow for line in order.lines} == set(again.expected)


def test_terms_that_weigh_no_parts_cost_nothing() -> None:
    plain = (
        OrderTerms(),
        OrderTerms(completeness=Completeness.COMPLETE),
        OrderTerms(completeness=Completeness.PER_LINE, max_wait_days=3),
        OrderTerms(ride_along_max_minutes=0),
    )
    assert not any(terms.weigh_parts for terms in plain)


def test_the_part_of_another_sku_that_is_there_counts_when_one_sku_is_decided() -> None:
    """Nothing below 10.00 goes: the 5 rye on the shelf go with 6 of the 10 oat drink, whose last 4 come on the
    26th. When the rye alone is decided, the 6 are known from outside."""
    shelf = Supply(id=1, kind=SupplyKind.RECEIPT, number="R-1", product_id=2, quantity=5, ready_at=NOW)
    oat = WaitingLine(
        id=1, number="1", product_id=1, sku="OAT", name="Oat drink", needed=10, price=100, own_day="2026-05-26"
    )
    rye = WaitingLine(id=2, number="2", product_id=2, sku="RYE", name="Rye", needed=5, price=100)
    order = WaitingOrder(
        id=1, number="SO-1", customer_id=1, customer="Café", site_id=1, site="Café",
        ordered_at=NOW - timedelta(days=3), terms=(TermsFrom(terms=OrderTerms(min_value=1000)),), lines=(oat, rye),
    )  # fmt: skip
    parts = ((NOW, 6), (NOW + timedelta(days=14), 4))
    for comes, day in ((parts, "2026-05-12"), (((NOW + timedelta(days=14), 10),), "2026-05-26")):
        book = Book(depot_id=1, supplies=(shelf,), orders=(order,), outside={1: Outside(comes=comes)})
        found = dates(book, allocate(book, POLICY, today=TODAY))
        assert found.expected == {1: "2026-05-26", 2: day}
        assert found.own == {2: "2026-05-12"}
