"""What a delay asks for, until when, and what silence means: each case small enough to check by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from routing.errors import Conflict, InvalidInput
from routing.model.consents import Answer, Consent, ConsentRule, ConsentTerms, OpenLine, RefundTerm, Silence
from routing.model.orders import DeliveryDays
from routing.rules.consent import (
    Delay,
    Effect,
    Reply,
    effect_of,
    nth_delay,
    offered_days,
    question,
    refund_by,
    silence_effect,
    terms_of,
)
from routing.rules.figures.slips import Cause, cause_of
from routing.rules.policies import KINDS, PolicyBook, PolicyRow, Scope, checked, usual
from routing.rules.promises import AT_CUSTOMERS_WISH

US = ConsentTerms(rule=ConsentRule.US_MAIL_ORDER)
NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def delay(was: str = "2026-03-03", now: str = "2026-03-10", *, nth: int = 1, asked: str = "2026-03-01") -> Delay:
    return Delay(was_on=was, now_on=now, nth=nth, asked_on=asked)


@pytest.mark.parametrize(
    ("slips", "case", "due", "silence"),
    [
        (delay(now="2026-03-10"), "first_short", "2026-03-09", "accept"),
        (delay(now="2026-04-02"), "first_short", "2026-04-01", "accept"),  # 30 days to the day
        (delay(now="2026-04-03"), "first_long", "2026-04-02", "cancel"),  # 31 days
        (delay(now=""), "first_indefinite", "2026-04-02", "cancel"),
        (delay("2026-03-10", "2026-03-11", nth=2), "second", "2026-03-10", "cancel"),
        (delay("2026-03-10", "", nth=2), "second", "2026-03-10", "cancel"),
        (delay("2026-03-10", "2026-03-20", nth=3, asked="2026-03-12"), "second", "2026-03-12", "cancel"),
        (delay(asked="2026-03-03"), "first_short", "2026-03-09", "accept"),  # on the promised day itself
        (delay(asked="2026-03-04"), "late", "2026-03-04", "cancel"),
        (delay(now="", asked="2026-03-04"), "late", "2026-03-04", "cancel"),
        (replace(delay(nth=2), agreed_to_wait=True), "agreed", "2026-03-09", "accept"),
        (replace(delay("2026-03-10", "", nth=2), agreed_to_wait=True), "second", "2026-03-10", "cancel"),
        (replace(delay(now="", asked="2026-04-25"), agreed_to_wait=True), "second", "2026-04-25", "cancel"),
    ],
)
def test_the_us_mail_order_rule_case_by_case(slips: Delay, case: str, due: str, silence: str) -> None:
    found = question(slips, US)
    assert (found.case.value, found.due_on, found.silence.value) == (case, due, silence)


def test_under_its_own_rule_a_company_says_the_term_and_what_silence_means() -> None:
    found = question(delay(now=""), ConsentTerms(term_days=5, silence=Silence.CANCEL))
    assert (found.due_on, found.silence) == ("2026-03-06", Silence.CANCEL)


@pytest.mark.parametrize("business", [False, True])
def test_where_no_policy_speaks_what_is_usual_holds_whoever_the_customer_is(business: bool) -> None:
    """The page of policies shows what is usual as what holds: a default for some customers only would make it lie."""
    found = terms_of(PolicyBook([]), day="2026-03-02", customer_id=13, order_id=1, business=business)
    says = ("own", 3, "task", "seven_working_days")
    assert (found.rule, found.term_days, found.silence, found.refund) == says
    assert tuple(map(usual, ("consent_rule", "consent_term_days", "consent_silence", "refund_within"))) == says
    assert (found.enabled, usual("delay_consent")) == (not business, "private")


def test_what_silence_means_for_one_customer_is_theirs_alone() -> None:
    row = PolicyRow(
        scope=Scope.CUSTOMER, scope_id=12, name="consent_silence", value="cancel", effective_from="2026-03-01"
    )
    found = [
        terms_of(PolicyBook([row]), day="2026-03-02", customer_id=key, order_id=1, business=False).silence
        for key in (12, 13)
    ]
    assert found == [Silence.CANCEL, Silence.TASK]


@pytest.mark.parametrize(
    ("day", "term", "by"),
    [
        ("2026-03-05", RefundTerm.SEVEN_WORKING_DAYS, "2026-03-16"),  # Thursday: Fri, Mon ... Fri, Mon
        ("2026-03-06", RefundTerm.SEVEN_WORKING_DAYS, "2026-03-17"),
        ("2026-03-08", RefundTerm.SEVEN_WORKING_DAYS, "2026-03-17"),  # a Sunday
        ("2026-01-31", RefundTerm.BILLING_CYCLE, "2026-02-28"),
        ("2026-12-15", RefundTerm.BILLING_CYCLE, "2027-01-15"),
    ],
)
def test_a_refund_is_due_in_seven_working_days_or_a_billing_cycle(day: str, term: RefundTerm, by: str) -> None:
    assert refund_by(day, term) == by


def test_what_the_customer_moved_is_not_our_slip() -> None:
    first, slip = ("2026-03-03", "first date"), ("2026-03-10", "inbound PO-1 slips")
    wish = ("2026-03-17", AT_CUSTOMERS_WISH)
    assert [nth_delay(so_far, asked_before=0) for so_far in ([first], [first, slip], [first, wish], [])] == [1, 2, 1, 1]
    assert nth_delay([first], asked_before=1) == 2, "a delay without a date left no promise"


def row(name: str, value: str, *, scope: str = "company", whom: int = 0) -> PolicyRow:
    made = PolicyRow(scope=Scope(scope), scope_id=whom, name=name, value=value, effective_from="2026-03-01")
    return checked(made, today="2026-03-01")


def test_business_customers_are_not_asked_unless_a_row_says_so() -> None:
    def enabled(*rows: PolicyRow, business: bool) -> bool:
        return terms_of(PolicyBook(rows), day="2026-03-01", customer_id=12, order_id=7, business=business).enabled

    assert [enabled(business=business) for business in (True, False)] == [False, True]
    assert enabled(row("delay_consent", "on", scope="customer", whom=12), business=True)
    assert not enabled(row("delay_consent", "on", scope="customer", whom=13), business=True)
    assert not enabled(row("delay_consent", "off"), business=False)
    assert enabled(row("delay_consent", "off"), row("delay_consent", "on", scope="order", whom=7), business=False)


def test_every_choice_on_the_page_is_one_that_the_rule_reads() -> None:
    for name in ("delay_consent", "consent_rule", "consent_silence", "refund_within"):
        for choice in KINDS[name].choices:
            terms_of(PolicyBook([row(name, choice)]), day="2026-03-01", customer_id=1, order_id=1, business=True)


# ---------------------------------------------------------------------------- the answer


def line(line_id: int = 1, **values: Any) -> OpenLine:
    usual: dict[str, Any] = {
        "id": line_id, "number": str(line_id), "product_id": 5, "sku": "OAT", "name": "Oat drink", "unit": "pcs",
        "open": 12, "committed": 0, "price": 200, "expected_on": "2026-03-10", "promised_on": "2026-03-10",
        "promise_version": 2, "asked": True, "was_on": "2026-03-03", "now_on": "2026-03-10",
    }  # fmt: skip
    return OpenLine(**usual | values)


def consent(*lines: OpenLine, **values: Any) -> Consent:
    usual: dict[str, Any] = {
        "id": 1, "order_id": 7, "order": "SO-7", "references": (), "customer_id": 12, "customer": "Café 12",
        "language": "en", "site_id": 3, "site": "Café 12", "depot_id": 1, "zone": "UTC", "salesperson": "",
        "currency": "EUR", "payment": "ok", "days": ("", "", ""), "days_before": ("", "", ""), "day": "2026-03-10",
        "silence": Silence.TASK, "asked_at": NOW, "due_at": NOW, "answer": None, "chosen": "", "answered_by": "",
        "answered_at": None, "silent_at": None, "closed_at": None, "closed_why": "", "version": 1,
        "lines": lines or (line(),),
    }  # fmt: skip
    return Consent(**usual | values)


TUE_THU = DeliveryDays(weekdays=frozenset({1, 3}), closed=frozenset({date(2026, 3, 12)}))


def test_only_days_on_which_the_site_is_served_from_the_expected_day_on_are_offered() -> None:
    days = offered_days(consent(), TUE_THU, today="2026-03-01")
    assert days[:3] == ("2026-03-10", "2026-03-17", "2026-03-19")
    assert offered_days(consent(line(expected_on="")), TUE_THU, today="2026-03-01") == (), "nothing to offer yet"
    assert offered_days(consent(), TUE_THU, today="2026-03-18")[0] == "2026-03-19", "never a day that is over"


def test_another_day_moves_the_order_and_promises_it_at_the_customer_s_wish() -> None:
    asked = consent(line(), line(2, asked=False, promised_on="2026-03-05"), days=("", "", "2026-03-12"))
    effect = effect_of(
        asked, Reply(answer=Answer.OTHER_DAY, day="2026-03-17"), offered=("2026-03-17",), may_change=False
    )
    assert effect.days == ("2026-03-17", "", ""), "its last day gives way"
    assert [(each.line_id, each.promised_on, each.slip, each.why) for each in effect.promises] == [
        (1, "2026-03-17", False, AT_CUSTOMERS_WISH), (2, "2026-03-17", False, AT_CUSTOMERS_WISH),
    ]  # fmt: skip


def test_cancelling_takes_off_what_is_neither_released_nor_gone() -> None:
    asked = consent(line(committed=5), line(2, asked=False))
    for what, units in (("asked", [7]), ("1", [7]), ("all", [7, 12])):
        effect = effect_of(asked, Reply(answer=Answer.CANCEL, what=what), offered=(), may_change=False)
        assert [taken for _line, taken in effect.cancelled] == units
        assert effect.closed_why == "cancelled"


def test_of_two_lines_one_may_be_cancelled_and_the_question_stays_open() -> None:
    effect = effect_of(consent(line(), line(2)), Reply(answer=Answer.CANCEL, what="2"), offered=(), may_change=False)
    assert [each.id for each, _units in effect.cancelled] == [2]
    assert effect.closed_why == ""


def test_the_same_answer_again_does_nothing_even_after_all_is_settled() -> None:
    settled = consent(answer=Answer.CANCEL, chosen="asked", closed_at=NOW, closed_why="cancelled")
    assert effect_of(settled, Reply(answer=Answer.CANCEL), offered=(), may_change=False).unchanged


def test_a_changed_mind_gives_the_order_its_old_days_back() -> None:
    moved = consent(
        line(promised_on="2026-03-17", promise_version=3), answer=Answer.OTHER_DAY, chosen="2026-03-17", version=2,
        days=("2026-03-17", "", ""), days_before=("2026-03-02", "", "2026-03-12"),
    )  # fmt: skip
    effect = effect_of(moved, Reply(answer=Answer.ACCEPT, seen=2), offered=(), may_change=False)
    assert effect.days == ("2026-03-02", "", "2026-03-12")
    assert [each.promised_on for each in effect.promises] == ["2026-03-10"]


@pytest.mark.parametrize(
    ("asked", "reply", "error"),
    [
        (consent(), Reply(answer=Answer.OTHER_DAY, day="2026-03-11"), InvalidInput),
        (consent(), Reply(answer=Answer.OTHER_DAY, day="<script>"), InvalidInput),
        (consent(), Reply(answer=Answer.CANCEL, what="99"), InvalidInput),
        (consent(line(committed=12)), Reply(answer=Answer.ACCEPT), Conflict),
        (consent(closed_at=NOW, closed_why="newer"), Reply(answer=Answer.ACCEPT), Conflict),
        (consent(answer=Answer.ACCEPT, version=2), Reply(answer=Answer.CANCEL, seen=1), Conflict),
        (consent(version=2), Reply(answer=Answer.ACCEPT, seen=1), Conflict),
        (consent(line(expected_on="2026-03-17")), Reply(answer=Answer.ACCEPT, seen=1, shown="2026-03-10"), Conflict),
        (consent(line(expected_on="")), Reply(answer=Answer.CANCEL, seen=1, shown="2026-03-10"), Conflict),
    ],
)
def test_what_cannot_be_answered_says_so(asked: Consent, reply: Reply, error: type[Exception]) -> None:
    with pytest.raises(error):
        effect_of(asked, reply, offered=("2026-03-10", "2026-03-17"), may_change=False)


def test_who_agrees_to_the_day_that_it_slipped_to_meanwhile_is_promised_that_day_and_it_is_our_slip() -> None:
    """Asked about the 10th; by now nobody expects it before the 17th, and the page says so."""
    moved = consent(line(expected_on="2026-03-17"))
    reply = Reply(answer=Answer.ACCEPT, seen=1, shown="2026-03-17")
    effect = effect_of(moved, reply, offered=(), may_change=False)
    assert [(each.promised_on, each.slip, cause_of(each.why)) for each in effect.promises] == [
        ("2026-03-17", True, Cause.SUPPLIER)
    ]
    assert effect.day == "2026-03-17"
    assert effect_of(consent(), replace(reply, shown="2026-03-10"), offered=(), may_change=False) == Effect()


def test_silence_cancels_only_what_was_asked_about() -> None:
    lines = (line(committed=2), line(2, asked=False))
    assert silence_effect(consent(*lines, silence=Silence.ACCEPT)).closed_why == "silence"
    assert silence_effect(consent(*lines)).cancelled == ()
    gone = silence_effect(consent(*lines, silence=Silence.CANCEL)).cancelled
    assert [(each.id, units) for each, units in gone] == [(1, 10)]


def test_a_customer_who_was_answered_for_by_silence_is_settled_and_a_person_may_still_change_it() -> None:
    said = consent(answer=Answer.ACCEPT, closed_at=NOW, closed_why="silence", version=2)
    reply = Reply(answer=Answer.CANCEL, seen=2)
    with pytest.raises(Conflict):
        effect_of(said, reply, offered=(), may_change=False)
    assert effect_of(said, reply, offered=(), may_change=True).cancelled
    assert replace(said, lines=()).on_its_way
