"""Which policy holds: order beats customer beats company, by day; what may be kept at all."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pytest

from routing.errors import InvalidInput
from routing.model.orders import AllocationPolicy, AllocationRule, Completeness, RankRule
from routing.rules.door import REASONS, RedeliveryPolicy, strictest
from routing.rules.policies import KINDS, OrderTerms, PolicyBook, PolicyRow, Scope, checked, usual

TODAY = "2026-03-03"


def row(
    name: str, value: object, *, scope: str = "company", whom: int = 0, begins: str = TODAY, **more: str
) -> PolicyRow:
    return PolicyRow(scope=Scope(scope), scope_id=whom, name=name, value=value, effective_from=begins, **more)


def terms(book: PolicyBook, stated: OrderTerms | None = None, *, day: str = TODAY) -> OrderTerms:
    return book.order_terms(stated or OrderTerms(), day=day, customer_id=12, order_id=7)


def test_the_order_beats_its_customer_and_that_beats_the_company() -> None:
    company, customer = row("min_percent", 50), row("min_percent", 60, scope="customer", whom=12)
    order = row("min_percent", 70, scope="order", whom=7)
    books = ([company], [company, customer], [order, company, customer])
    assert [terms(PolicyBook(rows)).min_percent for rows in books] == [50, 60, 70]
    others = PolicyBook(
        [row("min_percent", 60, scope="customer", whom=13), row("min_percent", 70, scope="order", whom=8)]
    )
    assert terms(others).min_percent == 0


def test_what_the_order_itself_stated_stands_above_its_customer_and_below_its_own_row() -> None:
    stated = OrderTerms(completeness=Completeness.PER_LINE)
    customer = row("completeness", "complete", scope="customer", whom=12)
    assert terms(PolicyBook([customer]), stated).completeness is Completeness.PER_LINE
    assert terms(PolicyBook([customer])).completeness is Completeness.COMPLETE
    own = row("completeness", "partial", scope="order", whom=7)
    assert terms(PolicyBook([customer, own]), stated).completeness is Completeness.PARTIAL


def test_a_policy_holds_on_its_first_and_last_day_and_of_two_the_later_one() -> None:
    book = PolicyBook([
        row("max_wait_days", 5, begins="2026-03-01"),
        row("max_wait_days", 9, begins="2026-03-10", effective_to="2026-03-12"),
    ])  # fmt: skip
    assert [
        terms(book, day=f"2026-{day}").max_wait_days for day in ("02-28", "03-01", "03-09", "03-10", "03-12", "03-13")
    ] == [None, 5, 5, 9, 9, 5]


def test_a_row_ended_before_it_began_never_holds() -> None:
    assert terms(PolicyBook([row("min_percent", 50, effective_to="2026-03-02")])).min_percent == 0


def test_a_customer_s_own_rule_on_losing_goods_stands_above_the_company_s() -> None:
    book = PolicyBook([row("rank_rule", "never_loses")])
    assert book.rank_rule(RankRule.NORMAL, day=TODAY, customer_id=12) is RankRule.NEVER_LOSES
    assert book.rank_rule(RankRule.MAY_GIVE_UP, day=TODAY, customer_id=12) is RankRule.MAY_GIVE_UP
    own = book.with_row(row("rank_rule", "normal", scope="customer", whom=12))
    assert own.rank_rule(RankRule.MAY_GIVE_UP, day=TODAY, customer_id=12) is RankRule.NORMAL


def test_the_company_s_policy_is_the_default_where_no_row_says_otherwise() -> None:
    assert PolicyBook().allocation_policy(day=TODAY) == AllocationPolicy()
    book = PolicyBook(
        [row("allocation_rule", "fair_share"), row("promise_earlier_days", 3), row("same_day_until", "10:30")]
    )
    policy = book.allocation_policy(day=TODAY)
    assert (policy.rule, policy.earlier_days, str(policy.same_day_until)) == (AllocationRule.FAIR_SHARE, 3, "10:30:00")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (row("no_such", 1), "There is no policy"),
        (row("allocation_rule", "fair_share", scope="customer", whom=1), "cannot be set for a single customer"),
        (row("rank_rule", "normal", scope="order", whom=1), "cannot be set for a single order"),
        (row("completeness", "all"), "none of partial, per_line, complete"),
        (row("min_percent", "101"), "no whole number from 0 to 100"),
        (row("min_percent", "-1"), "no whole number"),
        (row("min_percent", "٣"), "no whole number"),
        (row("max_shipments", "0"), "from 1 to 1000"),
        (row("min_value", "9" * 50), "no whole number"),
        (row("same_day_until", "25:00"), "no time of day"),
        (row("min_percent", "5", begins="2026-03-02"), "that day is over"),
        (row("min_percent", "5", begins="tomorrow"), "no day"),
        (row("min_percent", "5", effective_to="2026-03-02"), "before it begins"),
        (row("min_percent", "5", effective_to="9999-12-31"), "9999-12-31 is years away"),
        (row("min_percent", "5", begins="2029-03-06"), "2029-03-06 is years away"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_mend(wrong: PolicyRow, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        checked(wrong, today=TODAY)


@pytest.mark.parametrize("begins", ["2026-W11-2", "20260310"])
def test_a_day_written_otherwise_is_kept_as_the_one_text_that_days_are_compared_by(begins: str) -> None:
    kept = checked(row("min_percent", "50", begins=begins, effective_to="20260312"), today=TODAY)
    assert (kept.effective_from, kept.effective_to) == ("2026-03-10", "2026-03-12")
    assert [kept.holds_on(day) for day in ("2026-03-09", "2026-03-10", "2026-03-12", "2026-03-13")] == [
        False, True, True, False,
    ]  # fmt: skip


def test_every_choice_of_every_kind_is_read_as_itself() -> None:
    for kind in KINDS.values():
        for value in kind.choices:
            assert checked(row(kind.name, value), today=TODAY).value == value


def test_every_policy_says_what_is_usual_without_it() -> None:
    assert {name: usual(name) for name in KINDS if usual(name) is None}.keys() == {
        "max_wait_days", "max_shipments", "promise_earlier_days", "photos_days", "signatures_days",
    }, "say in usual what holds without it, routing/rules/policies.py; or name it here: nothing holds"  # fmt: skip
    assert usual("completeness") == "partial"
    assert usual("same_day_until") == "12:00"


def test_a_policy_can_say_every_part_of_what_follows_a_failed_attempt() -> None:
    rows = [row("max_attempts", 1)]
    rows += [
        row(f"after_{reason.value}", "decide" if n % 2 else "wait_for_customer") for n, reason in enumerate(REASONS)
    ]
    said, usually = PolicyBook(rows).redelivery(day=TODAY, customer_id=12, order_id=7), RedeliveryPolicy()
    assert [part.name for part in fields(said) if getattr(said, part.name) == getattr(usually, part.name)] == []


def test_the_strictest_of_one_policy_is_that_policy_with_all_that_it_says() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Wider(RedeliveryPolicy):
        leave_a_card: bool = False

    one = Wider(max_attempts=2, leave_a_card=True)
    assert strictest([one]) == one
