"""Who gets which units: properties that hold for any book, and cases small enough to check by hand."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from routing.model.stock import Holding, Receipt, Supply, SupplyKind
from routing.rules.allocation import Outcome, allocate, ranked, with_quantity, with_receipts
from routing.rules.promises import expected_days, new_promises
from routing.rules.walk import fair_shares
from tests.routing.backorders.plain_ledger import plain_shares

TODAY = date(2026, 5, 12)
NOW = datetime(2026, 5, 12, 3, tzinfo=UTC)
BY_RANK = tuple(rule for rule in AllocationRule if rule is not AllocationRule.FAIR_SHARE)


def stock(key: int, quantity: int, **values: Any) -> Supply:
    return Supply(
        **{"id": key, "kind": SupplyKind.RECEIPT, "number": f"R-{key}", "product_id": 1, "ready_at": NOW,
           "quantity": quantity} | values
    )  # fmt: skip


def truck(key: int, quantity: int, **values: Any) -> Supply:
    return stock(key, quantity, kind=SupplyKind.INBOUND, **{"ready_at": NOW + timedelta(days=key)} | values)


def order(key: int, *wants: tuple[int, int], **values: Any) -> WaitingOrder:
    """An order of (product, quantity) lines; the key says how late it came."""
    return WaitingOrder(
        **{
            "id": key, "number": f"SO-{key}", "customer_id": key, "customer": "Café", "site_id": key, "site": "Café",
            "ordered_at": NOW - timedelta(days=9) + timedelta(hours=key),
            "lines": tuple(
                WaitingLine(id=key * 10 + n, number=str(n), product_id=product, sku=f"P{product}", name="Goods",
                            needed=units, case_pack=12)
                for n, (product, units) in enumerate(wants)
            ),
        } | values
    )  # fmt: skip


def given_to(outcome: Outcome) -> dict[int, int]:
    """Units per order."""
    found: dict[int, int] = defaultdict(int)
    for claim in (*outcome.claims, *outcome.committed):
        found[claim.line_id // 10] += claim.quantity
    return dict(found)


@st.composite
def books(draw: st.DrawFn) -> Book:
    supplies = tuple(
        (stock if draw(st.booleans()) else truck)(n, draw(st.integers(0, 60)), product_id=draw(st.integers(1, 3)))
        for n in range(1, draw(st.integers(1, 5)) + 1)
    )
    orders = tuple(
        order(
            n,
            *draw(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 40)), min_size=1, max_size=3)),
            tier=draw(st.integers(1, 3)),
            rank_rule=draw(st.sampled_from(RankRule)),
            completeness=draw(st.sampled_from(Completeness)),
            not_before=draw(st.sampled_from(["", "2026-07-01"])),
            promised_first=draw(st.sampled_from(["", "2026-05-13", "2026-05-20"])),
        )
        for n in range(1, draw(st.integers(1, 6)) + 1)
    )
    return Book(depot_id=1, supplies=supplies, orders=orders)


def held(book: Book, outcome: Outcome, *, committed: bool = False) -> Book:
    """The book after the outcome was written, some of it released."""
    units: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    for claim in outcome.claims:
        units[claim.line_id, claim.supply_id][int(committed and claim.line_id % 20 < 10)] += claim.quantity
    for claim in outcome.committed:
        units[claim.line_id, claim.supply_id][1] += claim.quantity
    return replace(
        book,
        holdings=tuple(
            Holding(line_id=line, supply_id=supply, allocated=free, committed=out)
            for (line, supply), (free, out) in sorted(units.items())
        ),
    )


def check(book: Book, outcome: Outcome) -> None:
    of_supply: dict[int, int] = defaultdict(int)
    of_line: dict[int, int] = defaultdict(int)
    for claim in (*outcome.claims, *outcome.committed):
        assert claim.quantity > 0
        of_supply[claim.supply_id] += claim.quantity
        of_line[claim.line_id] += claim.quantity
    supplies = {supply.id: supply for supply in book.supplies}
    lines = {line.id: line for one in book.orders for line in one.lines}
    assert all(units <= supplies[key].quantity for key, units in of_supply.items())
    assert all(units <= lines[key].needed for key, units in of_line.items())
    for claim in (*outcome.claims, *outcome.committed):
        assert supplies[claim.supply_id].product_id == lines[claim.line_id].product_id


@given(books(), st.sampled_from(AllocationRule), st.integers(0, 50), st.booleans())
def test_never_more_than_supplied_or_ordered_and_always_the_same(
    book: Book, rule: AllocationRule, recount: int, committed: bool
) -> None:
    policy = AllocationPolicy(rule=rule)
    first = allocate(book, policy, today=TODAY)
    check(book, first)
    assert allocate(book, policy, today=TODAY) == first
    turned = replace(book, orders=book.orders[::-1], supplies=book.supplies[::-1])
    assert given_to(allocate(turned, policy, today=TODAY)) == given_to(first)
    later = with_quantity(held(book, first, committed=committed), supply_id=1, quantity=recount)
    check(later, allocate(later, policy, today=TODAY))
    received = with_receipts(
        held(book, first, committed=committed),
        [Receipt(number="R", depot_id=1, product_id=book.supplies[0].product_id, sku="P", quantity=recount,
                 counted_at=NOW, inbound_id=book.supplies[0].id if not book.supplies[0].is_stock else None)],
        first_id=99,
    )  # fmt: skip
    check(received, allocate(received, policy, today=TODAY))


@given(books(), st.sampled_from(AllocationRule))
def test_deciding_again_without_news_changes_nothing(book: Book, rule: AllocationRule) -> None:
    policy = AllocationPolicy(rule=rule)
    first = allocate(book, policy, today=TODAY)
    assert allocate(held(book, first), policy, today=TODAY) == first


@given(books(), st.sampled_from(BY_RANK), st.lists(st.tuples(st.integers(1, 3), st.integers(1, 40)), min_size=1))
def test_a_lower_rank_never_costs_a_higher_one(book: Book, rule: AllocationRule, wants: list[tuple[int, int]]) -> None:
    policy = AllocationPolicy(rule=rule)
    before = given_to(allocate(book, policy, today=TODAY))
    newcomer = order(9, *wants[:3], tier=0)
    together = ranked((*book.orders, newcomer), policy)
    above = {each.id for each in together[: together.index(newcomer)]}
    after = given_to(allocate(replace(book, orders=(*book.orders, newcomer)), policy, today=TODAY))
    assert {key: after.get(key, 0) for key in above} == {key: before.get(key, 0) for key in above}


@given(
    st.integers(0, 500), st.lists(st.tuples(st.integers(0, 90), st.sampled_from([1, 6, 12])), min_size=1, max_size=8)
)
def test_fair_shares_add_up(heap: int, lines: list[tuple[int, int]]) -> None:
    wants = {n: want for n, (want, _) in enumerate(lines)}
    shares = fair_shares(heap, wants, {n: pack for n, (_, pack) in enumerate(lines)})
    assert sum(shares.values()) == min(heap, sum(wants.values()))
    assert all(0 < units <= wants[key] for key, units in shares.items())


@given(st.data(), st.lists(st.tuples(st.integers(0, 60), st.sampled_from([1, 6, 12])), min_size=1, max_size=6))
def test_fair_shares_beside_what_is_kept_are_shared_the_same_way_once_they_are_kept(
    data: st.DataObject, lines: list[tuple[int, int]]
) -> None:
    wants, packs = {n: want for n, (want, _) in enumerate(lines)}, {n: pack for n, (_, pack) in enumerate(lines)}
    keeps = {n: data.draw(st.integers(0, want)) for n, want in wants.items()}
    heap = sum(keeps.values()) + data.draw(st.integers(0, 100))
    shares = fair_shares(heap, wants, packs, keeps)
    assert sum(shares.values()) == min(heap, sum(wants.values()))
    assert all(keeps[n] <= shares.get(n, 0) <= wants[n] for n in wants)
    assert shares == {n: units for n, units in plain_shares(heap, wants, packs, keeps).items() if units}
    more = {n: data.draw(st.integers(keeps[n], shares.get(n, 0))) for n in wants}
    assert fair_shares(heap, wants, packs, more) == shares


def test_a_fair_share_stays_the_same_however_often_it_is_given() -> None:
    """12 for two who want 12 each: 6 and 6. SO-1 keeps its 6, SO-2 may give up: asked again SO-1 took 9, then 12."""
    book = Book(
        depot_id=1,
        supplies=(stock(1, 12),),
        orders=tuple(
            replace(one, lines=tuple(replace(line, case_pack=1) for line in one.lines))
            for one in (order(1, (1, 12)), order(2, (1, 12), rank_rule=RankRule.MAY_GIVE_UP))
        ),
    )
    for _ in range(3):
        outcome = allocate(book, AllocationPolicy(rule=AllocationRule.FAIR_SHARE), today=TODAY)
        assert given_to(outcome) == {1: 6, 2: 6}
        book = held(book, outcome)


def test_a_fair_share_is_one_of_the_shelf_and_one_of_each_truck() -> None:
    """12 on the shelf and 12 on a truck for two who want 12 each: a pack of 6 of each heap for both, not the whole
    shelf for the oldest."""
    book = Book(
        depot_id=1,
        supplies=(stock(1, 12), truck(2, 12)),
        orders=tuple(
            replace(one, lines=tuple(replace(line, case_pack=6) for line in one.lines))
            for one in (order(1, (1, 12)), order(2, (1, 12)))
        ),
    )
    outcome = allocate(book, AllocationPolicy(rule=AllocationRule.FAIR_SHARE), today=TODAY)
    assert [(one.line_id, one.supply_id, one.quantity) for one in outcome.claims] == [
        (10, 1, 6), (10, 2, 6), (20, 1, 6), (20, 2, 6),
    ]  # fmt: skip


def test_who_waits_for_the_rest_of_a_truck_takes_nothing_that_others_were_given_of_its_first_part() -> None:
    """5 of a truck of 10 were counted in and given to SO-1; SO-2, which never loses, holds 5 of the rest to come."""
    book = Book(
        depot_id=1,
        supplies=(truck(2, 5), stock(99, 5, inbound_id=2)),
        orders=(order(1, (1, 5)), order(2, (1, 5), rank_rule=RankRule.NEVER_LOSES)),
        holdings=(Holding(supply_id=99, line_id=10, allocated=5), Holding(supply_id=2, line_id=20, allocated=5)),
    )
    outcome = allocate(book, AllocationPolicy(), today=TODAY)
    assert [(one.line_id, one.supply_id, one.quantity) for one in outcome.claims] == [(10, 99, 5), (20, 2, 5)]


def test_an_earlier_order_keeps_its_claim_though_a_better_tier_comes_later() -> None:
    book = Book(depot_id=1, supplies=(stock(1, 10),), orders=(order(1, (1, 10)),))
    book = held(book, allocate(book, AllocationPolicy(), today=TODAY))
    later = replace(book, orders=(*book.orders, order(2, (1, 10), tier=3)))
    assert given_to(allocate(later, AllocationPolicy(), today=TODAY)) == {1: 10}


@pytest.mark.parametrize(
    ("rule", "on", "keeps"),
    [
        (RankRule.NORMAL, stock, True),
        (RankRule.NORMAL, truck, False),
        (RankRule.NEVER_LOSES, truck, True),
        (RankRule.MAY_GIVE_UP, stock, False),
    ],
)
def test_what_a_customer_keeps_when_a_better_rank_comes(rule: RankRule, on: Any, keeps: bool) -> None:
    mine = order(1, (1, 10), rank_rule=rule)
    book = Book(depot_id=1, supplies=(on(1, 10),), orders=(mine,))
    book = held(book, allocate(book, AllocationPolicy(), today=TODAY))
    later = replace(book, orders=(mine, order(2, (1, 10), tier=3)))
    assert given_to(allocate(later, AllocationPolicy(), today=TODAY)) == ({1: 10} if keeps else {2: 10})


@pytest.mark.parametrize("rule", AllocationRule)
@pytest.mark.parametrize("completeness", Completeness)
def test_who_never_loses_is_no_worse_off_for_it_when_something_comes_sooner(
    rule: AllocationRule, completeness: Completeness
) -> None:
    """Ten of a truck are theirs; six are counted in, and nobody of a better rank wants them."""
    policy = AllocationPolicy(rule=rule)
    for rank_rule in RankRule:
        mine = order(1, (1, 10), rank_rule=rank_rule, completeness=completeness, tier=3)
        book = Book(depot_id=1, supplies=(truck(5, 10),), orders=(mine,))
        book = held(book, allocate(book, policy, today=TODAY))
        found = replace(book, supplies=(*book.supplies, truck(3, 3), stock(1, 6)))
        book = held(found, outcome := allocate(found, policy, today=TODAY))
        assert {(each.supply_id, each.quantity) for each in outcome.claims} == {(1, 6), (3, 3), (5, 1)}
        assert allocate(book, policy, today=TODAY).claims == outcome.claims, "asked again, nothing changes hands"


def test_a_ship_complete_order_that_cannot_go_keeps_its_truck_and_leaves_the_shelf_to_who_can() -> None:
    both = order(1, (1, 10), (2, 5), completeness=Completeness.COMPLETE, rank_rule=RankRule.NEVER_LOSES)
    book = Book(depot_id=1, supplies=(truck(4, 10), truck(5, 5, product_id=2)), orders=(both,))
    book = held(book, allocate(book, AllocationPolicy(), today=TODAY))
    shrunk = replace(book, supplies=(truck(4, 10), truck(5, 4, product_id=2), stock(1, 10)))
    outcome = allocate(replace(shrunk, orders=(both, order(2, (1, 10)))), AllocationPolicy(), today=TODAY)
    assert {(each.line_id, each.supply_id, each.quantity) for each in outcome.claims} == {
        (10, 4, 10),
        (11, 5, 4),
        (20, 1, 10),
    }


def test_a_ship_complete_order_takes_only_when_every_line_is_covered() -> None:
    both = order(1, (1, 10), (2, 5), completeness=Completeness.COMPLETE)
    after = order(2, (1, 10))
    book = Book(depot_id=1, supplies=(stock(1, 10), truck(2, 4, product_id=2)), orders=(both, after))
    assert given_to(allocate(book, AllocationPolicy(), today=TODAY)) == {2: 10}
    covered = replace(book, supplies=(stock(1, 10), truck(2, 5, product_id=2)))
    assert given_to(allocate(covered, AllocationPolicy(), today=TODAY)) == {1: 15}


def test_a_ship_complete_order_that_falls_apart_gives_back_what_it_held() -> None:
    both = order(1, (1, 10), (2, 5), completeness=Completeness.COMPLETE)
    book = Book(depot_id=1, supplies=(stock(1, 10), stock(2, 5, product_id=2)), orders=(both, order(2, (1, 10))))
    book = held(book, allocate(book, AllocationPolicy(), today=TODAY))
    outcome = allocate(with_quantity(book, supply_id=2, quantity=4), AllocationPolicy(), today=TODAY)
    assert outcome.broken == {1}
    assert given_to(outcome) == {2: 10}


def test_an_order_wanted_far_in_the_future_locks_no_stock_now() -> None:
    far = order(1, (1, 10), not_before="2026-06-30")
    book = Book(depot_id=1, supplies=(stock(1, 10),), orders=(far, order(2, (1, 6))))
    assert given_to(allocate(book, AllocationPolicy(), today=TODAY)) == {2: 6}
    assert given_to(allocate(book, AllocationPolicy(horizon_days=60), today=TODAY)) == {1: 10}


def test_the_expected_day_is_the_next_delivery_day_after_the_goods_are_ready() -> None:
    # Tuesdays and Thursdays; a truck on Wednesday brings what the second order needs.
    week = DeliveryDays(weekdays=frozenset({1, 3}), zone="Europe/Helsinki")
    book = Book(
        depot_id=1,
        supplies=(stock(1, 10), truck(2, 10, ready_at=NOW + timedelta(days=1))),
        orders=(
            order(1, (1, 10)),
            order(2, (1, 6)),
            order(3, (1, 6)),
            order(4, (1, 2), wanted_on="2026-05-16"),
            order(5, (1, 1), (2, 1), completeness=Completeness.COMPLETE),
        ),
    )
    policy = AllocationPolicy()
    outcome = allocate(book, policy, today=TODAY)
    days = expected_days(book, outcome, days=dict.fromkeys(range(1, 6), week), policy=policy, now=NOW).expected
    assert days == {
        10: "2026-05-12",  # on the shelf on Tuesday morning
        20: "2026-05-14",  # Wednesday's truck, Thursday's round
        30: "",  # four of its six are on that truck, two on none
        40: "",  # nothing is left for it
        50: "", 51: "",  # ship complete: no supply of the other article
    }  # fmt: skip
    assert [promise.line_id for promise in new_promises(book.orders, days, policy=policy, why="test")] == [10, 20]


def test_a_date_is_never_before_the_day_it_is_wanted() -> None:
    book = Book(depot_id=1, supplies=(stock(1, 10),), orders=(order(1, (1, 2), wanted_on="2026-05-16"),))
    policy = AllocationPolicy()
    days = expected_days(book, allocate(book, policy, today=TODAY), days={}, policy=policy, now=NOW).expected
    assert days == {10: "2026-05-18"}  # the 16th is a Saturday


@pytest.mark.parametrize("released", [False, True])
def test_a_lost_unit_is_the_lowest_ranks_loss_whichever_shelf_it_was_on(released: bool) -> None:
    """R-1 has 10 for SO-1, R-2 has 10 for SO-2. Four of R-1 are lost: SO-1, ordered first, keeps its 10."""
    book = Book(depot_id=1, supplies=(stock(1, 10), stock(2, 10)), orders=(order(1, (1, 10)), order(2, (1, 10))))
    units = {"committed" if released else "allocated": 10}
    holdings = tuple(Holding(supply_id=n, line_id=n * 10, **units) for n in (1, 2))
    lost = with_quantity(replace(book, holdings=holdings), supply_id=1, quantity=6)
    after = allocate(lost, AllocationPolicy(), today=TODAY)
    assert given_to(after) == {1: 10, 2: 6}
    assert after == allocate(lost, AllocationPolicy(), today=TODAY)


def test_an_unreleased_unit_is_taken_before_a_released_one_even_from_a_better_rank() -> None:
    """10 released for SO-2, 10 only allocated for SO-1, who ordered first; 5 are lost: SO-1 has 5."""
    book = Book(
        depot_id=1,
        supplies=(stock(1, 20),),
        orders=(order(1, (1, 10)), order(2, (1, 10))),
        holdings=(
            Holding(supply_id=1, line_id=10, allocated=10),
            Holding(supply_id=1, line_id=20, committed=10),
        ),
    )
    after = allocate(with_quantity(book, supply_id=1, quantity=15), AllocationPolicy(), today=TODAY)
    assert [(c.line_id, c.quantity) for c in after.committed] == [(20, 10)]
    assert [(c.line_id, c.quantity) for c in after.claims] == [(10, 5)]


def test_loaded_units_are_never_taken_and_a_broken_ship_complete_order_is_named() -> None:
    """Of 20, 8 are on a van for SO-1 and 12 wait for SO-2, which ships complete: 2 lost break SO-2."""
    book = Book(
        depot_id=1,
        supplies=(stock(1, 20),),
        orders=(order(1, (1, 2)), order(2, (1, 12), completeness=Completeness.COMPLETE)),
        holdings=(Holding(supply_id=1, line_id=10, gone=8), Holding(supply_id=1, line_id=20, allocated=12)),
    )
    after = allocate(with_quantity(book, supply_id=1, quantity=18), AllocationPolicy(), today=TODAY)
    assert after.broken == {2}
    assert [(c.line_id, c.quantity) for c in after.claims] == [(10, 2)]
