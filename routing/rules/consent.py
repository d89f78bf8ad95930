"""What a customer is asked when a promise slips, until when, and what silence means. Pure.

A company decides for itself (`OWN`): so many days, and what silence means. Or it follows the US Mail Order Rule
(16 CFR part 435, as amended in 2014), in which the kind of the delay decides:

first, with a date at most 30 days later     silence is consent, and the customer may cancel until the goods are
                                             shipped for that date: 435.2(b)(1)(ii)
first, later than that or without a date     without consent within 30 days of the first promise: cancelled, refunded
                                             435.2(b)(1)(iii), (c)(2)
second and every one after                   without consent before the day promised last: cancelled, refunded
                                             435.2(b)(2), (c)(3)
asked only after the promised day            the offer came too late to take silence for consent: cancelled, refunded
                                             435.2(b)(1), (c)(5)
agreed to wait without a date                nothing more to ask when a date is known; they may cancel until the goods
                                             go: 435.2(b)(1)(iii)(B)
agreed to wait, and again without a date     the yes was to the delay before: as every one after the first

The rule counts until the goods are shipped, and our promise is the day at the door: whoever keeps that has shipped
before. So every term, a company's own too, ends at the latest with the day before the new one: an answer on the day
itself would find the goods on the van. Until they are released, whoever calls may still cancel. Only who is asked on
the new day itself has that day. What the refund is and how soon: `refund_by`.

    Café 12 was promised 3 March. On 1 March the truck slips to 10 March: silence is consent.
>>> us = ConsentTerms(rule=ConsentRule.US_MAIL_ORDER)
>>> first = Delay(was_on="2026-03-03", now_on="2026-03-10", nth=1, asked_on="2026-03-01")
>>> question(first, us)
Question(case=<Case.FIRST_SHORT: 'first_short'>, due_on='2026-03-09', silence=<Silence.ACCEPT: 'accept'>)

    It slips to 20 April, 48 days: without a yes until 2 April it is cancelled.
>>> question(Delay(was_on="2026-03-03", now_on="2026-04-20", nth=1, asked_on="2026-03-01"), us)
Question(case=<Case.FIRST_LONG: 'first_long'>, due_on='2026-04-02', silence=<Silence.CANCEL: 'cancel'>)

    The supplier names no date: the same.
>>> question(Delay(was_on="2026-03-03", now_on="", nth=1, asked_on="2026-03-01"), us).case.value
'first_indefinite'

    On 8 March the second date, 10 March, slips to 12 March: a yes is needed until the 10th.
>>> question(Delay(was_on="2026-03-10", now_on="2026-03-12", nth=2, asked_on="2026-03-08"), us)
Question(case=<Case.SECOND: 'second'>, due_on='2026-03-10', silence=<Silence.CANCEL: 'cancel'>)

    We notice only on 5 March that the 3rd was not kept: whoever does not agree that day gets the money back.
>>> question(Delay(was_on="2026-03-03", now_on="2026-03-10", nth=1, asked_on="2026-03-05"), us)
Question(case=<Case.LATE: 'late'>, due_on='2026-03-05', silence=<Silence.CANCEL: 'cancel'>)

    Who agreed to wait without a date hears on 20 April that it comes on the 28th, and need not agree again.
>>> question(Delay(was_on="2026-03-03", now_on="2026-04-28", nth=2, asked_on="2026-04-20", agreed_to_wait=True), us)
Question(case=<Case.AGREED: 'agreed'>, due_on='2026-04-27', silence=<Silence.ACCEPT: 'accept'>)

    That date is lost on the 25th, and there is none again: a new yes is needed until the 28th.
>>> question(Delay(was_on="2026-04-28", now_on="", nth=2, asked_on="2026-04-25", agreed_to_wait=True), us)
Question(case=<Case.SECOND: 'second'>, due_on='2026-04-28', silence=<Silence.CANCEL: 'cancel'>)

    A company by its own terms asks for three days, and then a salesperson calls.
>>> question(first, ConsentTerms(term_days=3))
Question(case=<Case.OWN: 'own'>, due_on='2026-03-04', silence=<Silence.TASK: 'task'>)

    On 1 March the truck slips only by a day, from the 2nd to the 3rd: they have until the 2nd, and not until the 4th.
>>> question(Delay(was_on="2026-03-02", now_on="2026-03-03", nth=1, asked_on="2026-03-01"), ConsentTerms(term_days=3))
Question(case=<Case.OWN: 'own'>, due_on='2026-03-02', silence=<Silence.TASK: 'task'>)
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import islice

from routing.errors import Conflict, InvalidInput
from routing.model.consents import (
    Answer,
    AsksWhom,
    Consent,
    ConsentRule,
    ConsentTerms,
    OpenLine,
    RefundTerm,
    Silence,
)
from routing.model.orders import DeliveryDays
from routing.rules.calendars import served_days
from routing.rules.policies import PolicyBook, usual
from routing.rules.promises import AT_CUSTOMERS_WISH, NewPromise

SILENCE_MAY_CONSENT = timedelta(days=30)
"""16 CFR 435.2 (b)(1): the longest first delay of which silence may be taken for consent."""
REFUND_WORKING_DAYS = 7
OFFERED_DAYS = 12


class Case(StrEnum):
    """Which delay it is."""

    OWN = "own"
    FIRST_SHORT = "first_short"
    FIRST_LONG = "first_long"
    FIRST_INDEFINITE = "first_indefinite"
    SECOND = "second"
    LATE = "late"
    AGREED = "agreed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """A promise that slips: ISO days, `now_on` "" when no date is known. `nth`: 1 for the first of this order.

    `agreed_to_wait`: when no date was known the customer said yes to that.
    """

    was_on: str
    now_on: str
    nth: int
    asked_on: str
    agreed_to_wait: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The last ISO day for an answer, and what none means."""

    case: Case
    due_on: str
    silence: Silence


def terms_of(book: PolicyBook, *, day: str, customer_id: int, order_id: int, business: bool) -> ConsentTerms:
    """What holds for an order on an ISO day; what no row says is `usual`. Asking is off for business customers unless a
    row says on. To let silence mean something else for some customers, set `consent_silence` for each of them.

    Whether a private customer is asked, and whether a business is:

    >>> from routing.rules.policies import PolicyRow, Scope
    >>> for word in ("private", "on", "off"):
    ...     row = PolicyRow(scope=Scope.COMPANY, name="delay_consent", value=word, effective_from="2026-03-01")
    ...     of = {"day": "2026-03-02", "customer_id": 12, "order_id": 1}
    ...     print(word, *(terms_of(PolicyBook([row]), business=business, **of).enabled for business in (False, True)))
    private True False
    on True True
    off False False
    """

    def said(name: str) -> str:
        value = book.value(name, day=day, customer_id=customer_id, order_id=order_id)
        return str(usual(name) if value is None else value)

    asked = AsksWhom(said("delay_consent"))
    return ConsentTerms(
        enabled=asked is AsksWhom.ON or (asked is AsksWhom.PRIVATE and not business),
        term_days=int(said("consent_term_days")),
        silence=Silence(said("consent_silence")),
        rule=ConsentRule(said("consent_rule")),
        refund=RefundTerm(said("refund_within")),
    )


def question(delay: Delay, terms: ConsentTerms) -> Question:
    """Until when the customer is asked, and what silence means. The term never ends before the day of asking, and
    before the new day, where there is one after that."""
    if terms.rule is ConsentRule.OWN:
        case, due, silence = Case.OWN, _after(delay.asked_on, timedelta(days=terms.term_days)), terms.silence
    elif delay.agreed_to_wait and delay.now_on:
        case, due, silence = Case.AGREED, delay.now_on, Silence.ACCEPT
    elif delay.nth > 1 or delay.agreed_to_wait:
        case, due, silence = Case.SECOND, delay.was_on, Silence.CANCEL
    elif delay.asked_on > delay.was_on:
        case, due, silence = Case.LATE, delay.asked_on, Silence.CANCEL
    elif not delay.now_on:
        case, due, silence = Case.FIRST_INDEFINITE, _after(delay.was_on, SILENCE_MAY_CONSENT), Silence.CANCEL
    elif date.fromisoformat(delay.now_on) - date.fromisoformat(delay.was_on) > SILENCE_MAY_CONSENT:
        case, due, silence = Case.FIRST_LONG, _after(delay.was_on, SILENCE_MAY_CONSENT), Silence.CANCEL
    else:
        case, due, silence = Case.FIRST_SHORT, delay.now_on, Silence.ACCEPT
    if delay.now_on:
        due = min(due, _after(delay.now_on, -timedelta(days=1)))
    return Question(case=case, due_on=max(due, delay.asked_on), silence=silence)


def refund_by(cancelled_on: str, term: RefundTerm) -> str:
    """The last ISO day for the refund: seven working days, or one billing cycle, counted as a month (16 CFR 435.1(b)).

    The billing cycle is only for who gave the credit themselves and takes their own charge back (435.1(d)(2)(i)): cash,
    transfers and other people's cards have the seven working days. What was not paid yet is not refunded.

    Working days are Monday to Friday: a public holiday among them makes the date a day early, which is the safe side.

    >>> refund_by("2026-03-05", RefundTerm.SEVEN_WORKING_DAYS)  # a Thursday
    '2026-03-16'
    >>> refund_by("2026-01-31", RefundTerm.BILLING_CYCLE)
    '2026-02-28'
    """
    day = date.fromisoformat(cancelled_on)
    if term is RefundTerm.BILLING_CYCLE:
        year, month = day.year + day.month // 12, day.month % 12 + 1
        return date(year, month, min(day.day, calendar.monthrange(year, month)[1])).isoformat()
    left = REFUND_WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return day.isoformat()


def nth_delay(promises: Iterable[tuple[str, str]], *, asked_before: int) -> int:
    """Which delay of a line this is. `promises`: (ISO day, why) of every promise so far, oldest first.

    What moved at the customer's wish is not our slip. `asked_before`: delays without a date leave no promise.

    >>> nth_delay([("2026-03-03", "first date")], asked_before=0)
    1
    >>> nth_delay([("2026-03-03", "first date"), ("2026-03-10", "inbound PO-1 slips")], asked_before=0)
    2
    >>> nth_delay([("2026-03-03", "first date"), ("2026-03-10", AT_CUSTOMERS_WISH)], asked_before=0)
    1
    """
    slips, before = 0, ""
    for day, why in promises:
        slips += bool(before) and day > before and why != AT_CUSTOMERS_WISH
        before = day
    return 1 + max(slips, asked_before)


# ---------------------------------------------------------------------------- the answer

AGREED_SLIP = "a supplier's later date, agreed"
"""Why of a promise that slipped untold and was agreed to: our slip, although the customer said yes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What somebody pressed. `day`: the ISO day chosen. `what` to cancel: "asked", "all", or a line's id.

    `seen`: the version of the question that the form showed, `shown` the day that it stood on; None: whoever says it
    saw no form.
    """

    answer: Answer
    day: str = ""
    what: str = "asked"
    seen: int | None = None
    shown: str | None = None

    @property
    def chosen(self) -> str:
        """What the answer itself does not say: which day, or which goods."""
        return {Answer.OTHER_DAY: self.day, Answer.CANCEL: self.what}.get(self.answer, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What the reply does: the order's new days (wanted_on, not_before, not_after), promises, and units taken off."""

    days: tuple[str, str, str] | None = None
    promises: tuple[NewPromise, ...] = ()
    cancelled: tuple[tuple[OpenLine, int], ...] = ()
    moves: bool = False
    """The customer chose the day: it must be kept."""
    unchanged: bool = False
    closed_why: str = ""
    day: str | None = None
    """The day that was agreed to is another than the one that was asked about."""


def offered_days(consent: Consent, days: DeliveryDays, *, today: str) -> tuple[str, ...]:
    """The days that may be chosen instead: those the site is served on from the expected day on; none without one.

    Expected on Tuesday 10 March at a site served on Tuesdays and Thursdays: the 10th, the 12th, the 17th ...
    """
    free = [line for line in consent.lines if line.free]
    if not free or not all(line.expected_on for line in free):
        return ()
    day = max(date.fromisoformat(max(line.expected_on for line in free)), date.fromisoformat(today))
    return tuple(served.isoformat() for served in islice(served_days(day, days), OFFERED_DAYS))


def effect_of(consent: Consent, reply: Reply, *, offered: Sequence[str], may_change: bool) -> Effect:
    """What the reply does. The same reply again does nothing.

    `may_change`: a person of the company may still settle it when the customer no longer can. Raises Conflict for a
    question that is closed, InvalidInput for a day that was not offered or goods that were not asked about.
    """
    if reply.answer is consent.answer and reply.chosen == consent.chosen:
        return Effect(unchanged=True)
    if consent.closed_at is not None and not (may_change and consent.closed_why == "silence"):
        raise _closed("This was settled already. Call us, and we find a way.")
    if consent.on_its_way:
        raise _closed("These goods are on their way already. Call us, and we find a way.")
    if reply.seen != consent.version and (consent.answer is not None or reply.seen is not None):
        raise _closed("Somebody has just answered this. Look at what was said, then change it if you want to.")
    if reply.shown is not None and reply.shown != consent.stands_on:
        raise _closed("The day has moved since this was shown. Look at the new one, then answer.")
    match reply.answer:
        case Answer.ACCEPT:
            back = consent.days_before if consent.answer is Answer.OTHER_DAY else None
            if consent.stands_on != consent.day:
                slipped = _promises(consent.asked, lambda line: consent.stands_on and line.expected_on, why=AGREED_SLIP)
                return Effect(promises=slipped, day=consent.stands_on)
            return Effect(days=back, promises=_promises(consent.asked, lambda line: line.now_on) if back else ())
        case Answer.OTHER_DAY:
            if reply.day not in offered:
                served = ", ".join(offered[:4]) or "none yet, because no date is known"
                raise InvalidInput(
                    f"The site is not served on that day, or too early. Choose of: {served}.", code="day"
                )
            _wanted, not_before, not_after = consent.days
            moved = (reply.day, not_before, "" if not_after and not_after < reply.day else not_after)
            return Effect(days=moved, moves=True, promises=_promises(consent.lines, lambda _line: reply.day))
        case Answer.CANCEL:
            gone = _cancelled(consent, reply.what)
            left = [line for line in consent.asked if line.free and line not in gone]
            return Effect(cancelled=tuple((line, line.free) for line in gone), closed_why="" if left else "cancelled")


def silence_effect(consent: Consent) -> Effect:
    """What happens when the term ends without an answer: units are cancelled, or nothing moves.

    Café 12 was asked about 12 oat drinks, of which 5 are released already. "task": a salesperson calls, and the
    question stays open.

    >>> for silence in Silence:
    ...     effect = silence_effect(_unanswered(silence))
    ...     print(silence.value, [units for _line, units in effect.cancelled], effect.closed_why or "open")
    task [] open
    accept [] silence
    cancel [7] silence
    """
    if consent.silence is not Silence.CANCEL:
        return Effect(closed_why="silence" if consent.silence is Silence.ACCEPT else "")
    return Effect(cancelled=tuple((line, line.free) for line in consent.asked if line.free), closed_why="silence")


def _promises(
    lines: Iterable[OpenLine], day_of: Callable[[OpenLine], str], *, why: str = AT_CUSTOMERS_WISH
) -> tuple[NewPromise, ...]:
    made = []
    for line in lines:
        day = day_of(line)
        if line.free and day and day != line.promised_on:
            made.append(
                NewPromise(
                    line_id=line.id,
                    version=line.promise_version + 1,
                    promised_on=day,
                    why=why,
                    first=not line.promised_on,
                    slip=why != AT_CUSTOMERS_WISH,
                )
            )
    return tuple(made)


def _cancelled(consent: Consent, what: str) -> list[OpenLine]:
    if what not in ("asked", "all") and what not in {str(line.id) for line in consent.asked}:
        raise InvalidInput("Say which goods to cancel: choose one of those shown.", code="what")
    chosen = consent.lines if what == "all" else consent.asked
    return [line for line in chosen if line.free and what in ("asked", "all", str(line.id))]


def _unanswered(silence: Silence) -> Consent:
    """The question of the example of `silence_effect`."""
    line = OpenLine(
        id=1, number="1", product_id=1, sku="OAT", name="Oat drink", unit="pcs", open=12, committed=5, price=200,
        expected_on="2026-03-10", promised_on="2026-03-10", promise_version=2, asked=True, was_on="2026-03-03",
        now_on="2026-03-10",
    )  # fmt: skip
    asked = datetime(2026, 3, 1, 9, tzinfo=UTC)
    return Consent(
        id=1, order_id=1, order="SO-1", references=(), customer_id=12, customer="Café 12", language="en", site_id=12,
        site="Café 12", depot_id=1, zone="UTC", salesperson="", currency="EUR", payment="ok", days=("", "", ""),
        days_before=("", "", ""), day="2026-03-10", silence=silence, asked_at=asked, due_at=asked + timedelta(days=3),
        answer=None, chosen="", answered_by="", answered_at=None, silent_at=None, closed_at=None, closed_why="",
        version=1, lines=(line,),
    )  # fmt: skip


def _closed(sentence: str) -> Conflict:
    return Conflict(sentence, code="consent_closed")


def _after(day: str, span: timedelta) -> str:
    return (date.fromisoformat(day) + span).isoformat()
