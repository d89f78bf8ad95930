"""Which policy holds for an order on a day: the order's own beats its customer's, that beats the company's. Pure.

>>> everybody = PolicyRow(scope=Scope.COMPANY, name="min_percent", value=50, effective_from="2026-03-01")
>>> cafe = PolicyRow(scope=Scope.CUSTOMER, scope_id=12, name="min_percent", value=80, effective_from="2026-03-10")
>>> book = PolicyBook([everybody, cafe])
>>> [book.value("min_percent", day=day, customer_id=12) for day in ("2026-03-09", "2026-03-10")]
[50, 80]
>>> book.value("min_percent", day="2026-03-10", customer_id=7)
50
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from datetime import date, time, timedelta
from enum import StrEnum
from typing import Any

from routing.errors import InvalidInput
from routing.model.consents import AsksWhom, ConsentRule, ConsentTerms, RefundTerm, Silence, SubstituteRule
from routing.model.days import FURTHEST
from routing.model.orders import AllocationPolicy, AllocationRule, Completeness, OrderTerms, RankRule, RideRule
from routing.rules.door import REASONS, Next, RedeliveryPolicy
from routing.rules.erasing import KEPT_FOR
from routing.rules.promises import OVERDUE_DAYS
from routing.rules.replenishment import Terms


class Scope(StrEnum):
    """Whom a policy row binds; the later one here is the stronger."""

    COMPANY = "company"
    CUSTOMER = "customer"
    ORDER = "order"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """One decision. In force from `effective_from` to `effective_to`, both ISO days inclusive; "" is open-ended.

    `scope_id` is the customer's or the order's id, 0 for the company.
    """

    scope: Scope
    scope_id: int = 0
    name: str
    value: Any
    effective_from: str
    effective_to: str = ""
    id: int = 0

    def holds_on(self, day: str) -> bool:
        return self.effective_from <= day and (not self.effective_to or day <= self.effective_to)


TERMS = tuple(field.name for field in fields(OrderTerms))
"""The policies that say how an order may ship."""
_DEFAULT = OrderTerms()
_TERM_WORDS: dict[str, Callable[[str], Any]] = {"completeness": Completeness, "ride_along": RideRule}
"""The terms that are words: what is kept is the text."""


class PolicyBook:
    """Every row, asked by day. Of several rows in force at one scope the one that began last holds."""

    def __init__(self, rows: Iterable[PolicyRow] = ()) -> None:
        self.rows = tuple(rows)
        self._by_key: dict[tuple[Scope, int, str], list[PolicyRow]] = defaultdict(list)
        for row in sorted(self.rows, key=lambda row: (row.effective_from, row.id)):
            self._by_key[row.scope, row.scope_id, row.name].append(row)
        self._names = {row.name for row in self.rows}
        self._own = {(row.scope, row.scope_id) for row in self.rows}

    def speaks_of(self, scope: Scope, scope_id: int) -> bool:
        """Whether any row, of whatever day, is this order's or this customer's own."""
        return (scope, scope_id) in self._own

    def row(self, name: str, *, day: str, scope: Scope, scope_id: int = 0) -> PolicyRow | None:
        """The row of one scope in force on an ISO day."""
        rows = self._by_key.get((scope, scope_id, name), ())
        return next((row for row in reversed(rows) if row.holds_on(day)), None)

    def value(self, name: str, *, day: str, customer_id: int = 0, order_id: int = 0) -> Any:
        """What holds on an ISO day for the order, its customer or the company; None when no row says anything."""
        for scope, scope_id in ((Scope.ORDER, order_id), (Scope.CUSTOMER, customer_id), (Scope.COMPANY, 0)):
            if (scope is Scope.COMPANY or scope_id) and (
                row := self.row(name, day=day, scope=scope, scope_id=scope_id)
            ):
                return row.value
        return None

    def with_row(self, row: PolicyRow) -> PolicyBook:
        """The book once `row` is set: it replaces the one of the same scope, name and first day."""
        key = (row.scope, row.scope_id, row.name, row.effective_from)
        others = [each for each in self.rows if (each.scope, each.scope_id, each.name, each.effective_from) != key]
        return PolicyBook([*others, row])

    def of_the_day_before(self) -> PolicyBook:
        """The book that says of each day what this one says of the day before it.

        >>> from_2_march = PolicyRow(scope=Scope.COMPANY, name="max_attempts", value=1, effective_from="2026-03-02")
        >>> book = PolicyBook([from_2_march]).of_the_day_before()
        >>> [book.value("max_attempts", day=day) for day in ("2026-03-02", "2026-03-03")]
        [None, 1]
        """

        def later(day: str) -> str:
            return (date.fromisoformat(day) + timedelta(days=1)).isoformat() if day else ""

        return PolicyBook(
            replace(row, effective_from=later(row.effective_from), effective_to=later(row.effective_to))
            for row in self.rows
        )

    def order_terms(self, stated: OrderTerms, *, day: str, customer_id: int, order_id: int) -> OrderTerms:
        """How the order ships on an ISO day. `stated` is what the order itself said when it came in; whether a part
        rides along it never says.

        An order's row beats what it stated, that beats its customer's row, that the company's. A term that the order
        left at its default was not stated.

            >>> book = PolicyBook([PolicyRow(scope=Scope.CUSTOMER, scope_id=12, name="completeness",
            ...                              value="complete", effective_from="2026-03-01")])
            >>> book.order_terms(OrderTerms(), day="2026-03-02", customer_id=12, order_id=1).completeness.value
            'complete'
            >>> by_line = OrderTerms(completeness=Completeness.PER_LINE)
            >>> book.order_terms(by_line, day="2026-03-02", customer_id=12, order_id=1).completeness.value
            'per_line'
            >>> rides = PolicyRow(scope=Scope.COMPANY, name="ride_along", value="next_door",
            ...                   effective_from="2026-03-01")
            >>> terms = PolicyBook([rides]).order_terms(OrderTerms(), day="2026-03-02", customer_id=12, order_id=1)
            >>> terms.ride_along.value, terms.ride_along_max_minutes
            ('next_door', 10)
        """
        changed: dict[str, Any] = {}
        for name in TERMS:
            if name not in self._names:
                continue
            own = self.row(name, day=day, scope=Scope.ORDER, scope_id=order_id)
            if own is None and getattr(stated, name) != getattr(_DEFAULT, name):
                continue
            value = own.value if own else self.value(name, day=day, customer_id=customer_id)
            if value is not None:
                changed[name] = _TERM_WORDS[name](value) if name in _TERM_WORDS else value
        return replace(stated, **changed) if changed else stated

    def terms_change_on(self, *, after_day: str) -> tuple[str, ...]:
        """The ISO days after this one on which some row of how orders ship begins or has ended.

        >>> row = PolicyRow(scope=Scope.COMPANY, name="min_percent", value=50, effective_from="2026-03-05",
        ...                 effective_to="2026-03-09")
        >>> PolicyBook([row]).terms_change_on(after_day="2026-03-05")
        ('2026-03-10',)
        """
        found: set[str] = set()
        for row in self.rows:
            if row.name in TERMS and (not row.effective_to or row.effective_from <= row.effective_to):
                found.add(row.effective_from)
                if row.effective_to:
                    found.add((date.fromisoformat(row.effective_to) + timedelta(days=1)).isoformat())
        return tuple(sorted(day for day in found if day > after_day))

    def redelivery(self, *, day: str, customer_id: int, order_id: int) -> RedeliveryPolicy:
        """What follows a failed attempt at this order's door on an ISO day.

        >>> waits = PolicyRow(scope=Scope.CUSTOMER, scope_id=12, name="after_closed", value="wait_for_customer",
        ...                   effective_from="2026-03-01")
        >>> once = PolicyRow(scope=Scope.ORDER, scope_id=1, name="max_attempts", value=1, effective_from="2026-03-01")
        >>> book = PolicyBook([waits, once])
        >>> [book.redelivery(day="2026-03-02", customer_id=customer, order_id=order).after("closed", attempts=1).value
        ...  for customer, order in ((7, 2), (12, 2), (12, 1))]
        ['next_delivery_day', 'wait_for_customer', 'decide']

        What no policy can say of, such as a refusal, stays as it is usual:

        >>> book.redelivery(day="2026-03-02", customer_id=7, order_id=2).after("refused", attempts=1).value
        'decide'
        """

        def said(name: str) -> Any:
            value = self.value(name, day=day, customer_id=customer_id, order_id=order_id)
            return usual(name) if value is None else value

        after = {reason: Next(said(f"after_{reason.value}")) for reason in REASONS}
        default = RedeliveryPolicy()
        return replace(
            default,
            max_attempts=int(said("max_attempts")),
            wait_for_customer=(default.wait_for_customer - after.keys())
            | {reason for reason, then in after.items() if then is Next.WAIT_FOR_CUSTOMER},
            decide=(default.decide - after.keys()) | {reason for reason, then in after.items() if then is Next.DECIDE},
        )

    def rank_rule(self, stated: RankRule, *, day: str, customer_id: int) -> RankRule:
        """What a customer's units are worth: its row, else what its record states, else the company's."""
        own = self.row("rank_rule", day=day, scope=Scope.CUSTOMER, scope_id=customer_id)
        if own is None and stated is not RankRule.NORMAL:
            return stated
        value = own.value if own else self.value("rank_rule", day=day)
        return RankRule(value) if value is not None else stated

    def positions_days(self, *, day: str) -> int:
        """How long it is kept where a driver's phone was."""
        value = self.value("positions_days", day=day)
        return POSITIONS_DAYS if value is None else int(value)

    def days_kept(self, name: str, *, day: str) -> int | None:
        """For how many days the photos, or the signatures, of proofs are kept, by the policy of that name; None: for
        good."""
        value = self.value(name, day=day)
        return None if value is None else int(value)

    def overdue_days(self, *, day: str) -> int:
        """For how many days after its own an inbound that did not come is still expected."""
        value = self.value("overdue_days", day=day)
        return OVERDUE_DAYS if value is None else int(value)

    def allocation_policy(self, *, day: str) -> AllocationPolicy:
        """The company's policy in force on an ISO day; what no row says is the default."""
        default = AllocationPolicy()

        def said(name: str, otherwise: Any) -> Any:
            value = self.value(name, day=day)
            return otherwise if value is None else value

        return AllocationPolicy(
            rule=AllocationRule(said("allocation_rule", default.rule)),
            horizon_days=int(said("reservation_horizon_days", default.horizon_days)),
            threshold_days=int(said("promise_threshold_days", default.threshold_days)),
            earlier_days=said("promise_earlier_days", default.earlier_days),
            same_day_until=time.fromisoformat(said("same_day_until", default.same_day_until.isoformat())),
        )


# ---------------------------------------------------------------------------- what may be set


class Group(StrEnum):
    """Under which heading a policy stands, in the order of the page."""

    WHO_FIRST = "who_first"
    TOGETHER = "together"
    DATES = "dates"
    CONSENT = "consent"
    DOOR = "door"
    SUPPLIERS = "suppliers"


class Shape(StrEnum):
    """What a value is, so that a form asks for it the right way."""

    CHOICE = "choice"
    TIME = "time"
    DAYS = "days"
    MINUTES = "minutes"
    PERCENT = "percent"
    MONEY = "money"
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyKind:
    """A policy that can be set: at which scopes, and how a text a person typed becomes its value.

    `gives_out`: it decides which goods go to whom, when, or what is ordered. Where the ERP decides that, it cannot be
    set; and only such a policy gives today's goods out anew. `least` and `most` bound a number.
    """

    name: str
    scopes: tuple[Scope, ...]
    group: Group
    shape: Shape
    gives_out: bool
    read: Callable[[str], Any]
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise InvalidInput(f'"{text[:30]}" is none of {", ".join(words)}.', code="policy")
        return text

    return read


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        plain = text.strip()
        if not (plain.isascii() and plain.isdecimal() and len(plain) <= 10 and least <= int(plain) <= most):
            raise InvalidInput(f'"{plain[:30]}" is no whole number from {least} to {most}.', code="policy")
        return int(plain)

    return read


def _clock(text: str) -> str:
    """
    >>> _clock("14:30"), _clock(" 9.05 "), _clock("7")
    ('14:30', '09:05', '07:00')
    """
    said = re.fullmatch(r"([0-9]{1,2})(?:[:.]([0-9]{2}))?", text.strip())
    hour, minute = (int(said[1]), int(said[2] or 0)) if said else (24, 0)
    if hour > 23 or minute > 59:
        raise InvalidInput(f'"{text[:30]}" is no time of day. Write it like 14:30.', code="policy")
    return f"{hour:02}:{minute:02}"


def _chosen(
    name: str, group: Group, words: Iterable[str], scopes: tuple[Scope, ...], *, gives_out: bool = True
) -> PolicyKind:
    words = tuple(str(word) for word in words)
    return PolicyKind(
        name=name, scopes=scopes, group=group, shape=Shape.CHOICE, gives_out=gives_out, read=_one_of(*words),
        choices=words,
    )  # fmt: skip


def _number(
    name: str, group: Group, shape: Shape, least: int, most: int, scopes: tuple[Scope, ...], *, gives_out: bool = True
) -> PolicyKind:
    return PolicyKind(
        name=name, scopes=scopes, group=group, shape=shape, gives_out=gives_out, read=_whole(least, most),
        least=least, most=most,
    )  # fmt: skip


def _time(name: str, group: Group, *, gives_out: bool = True) -> PolicyKind:
    return PolicyKind(name=name, scopes=_COMPANY, group=group, shape=Shape.TIME, gives_out=gives_out, read=_clock)


_ALL = (Scope.COMPANY, Scope.CUSTOMER, Scope.ORDER)
_COMPANY = (Scope.COMPANY,)
POSITIONS_DAYS = 14
"""How long the positions of drivers' phones are kept, where no policy says otherwise."""
_LISTED = ("off", "daily")
_AFTER = (Next.NEXT_DELIVERY_DAY, Next.WAIT_FOR_CUSTOMER, Next.DECIDE)

_NOT_ORDERS = (Scope.COMPANY, Scope.CUSTOMER)

KINDS: dict[str, PolicyKind] = {
    kind.name: kind
    for kind in (
        _chosen("allocation_rule", Group.WHO_FIRST, AllocationRule, _COMPANY),
        _chosen("rank_rule", Group.WHO_FIRST, RankRule, _NOT_ORDERS),
        _number("reservation_horizon_days", Group.WHO_FIRST, Shape.DAYS, 0, 3650, _COMPANY),
        _chosen("completeness", Group.TOGETHER, Completeness, _ALL),
        _number("min_percent", Group.TOGETHER, Shape.PERCENT, 0, 100, _ALL),
        _number("min_value", Group.TOGETHER, Shape.MONEY, 0, 2**31 - 1, _ALL),
        _number("max_wait_days", Group.TOGETHER, Shape.DAYS, 0, 3650, _ALL),
        _number("max_shipments", Group.TOGETHER, Shape.COUNT, 1, 1000, _ALL),
        _chosen("ride_along", Group.TOGETHER, RideRule, _ALL),
        _number("ride_along_max_minutes", Group.TOGETHER, Shape.MINUTES, 0, 600, _ALL),
        _number("promise_threshold_days", Group.DATES, Shape.DAYS, 1, 365, _COMPANY),
        _number("promise_earlier_days", Group.DATES, Shape.DAYS, 1, 365, _COMPANY),
        _number("overdue_days", Group.DATES, Shape.DAYS, 0, 365, _COMPANY),
        _time("same_day_until", Group.DATES),
        _chosen("delay_consent", Group.CONSENT, AsksWhom, _ALL, gives_out=False),
        _chosen("consent_rule", Group.CONSENT, ConsentRule, _ALL, gives_out=False),
        _number("consent_term_days", Group.CONSENT, Shape.DAYS, 1, 90, _ALL, gives_out=False),
        _chosen("consent_silence", Group.CONSENT, Silence, _ALL, gives_out=False),
        _chosen("refund_within", Group.CONSENT, RefundTerm, _ALL, gives_out=False),
        _chosen("substitutes", Group.CONSENT, SubstituteRule, _ALL),
        _chosen("backorder_list", Group.CONSENT, _LISTED, _NOT_ORDERS, gives_out=False),
        _time("backorder_list_at", Group.CONSENT, gives_out=False),
        _number("max_attempts", Group.DOOR, Shape.COUNT, 1, 20, _ALL, gives_out=False),
        *(_chosen(f"after_{reason.value}", Group.DOOR, _AFTER, _ALL, gives_out=False) for reason in REASONS),
        _number("positions_days", Group.DOOR, Shape.DAYS, 2, 90, _COMPANY, gives_out=False),
        *(_number(name, Group.DOOR, Shape.DAYS, 1, 3650, _COMPANY, gives_out=False) for name in KEPT_FOR.values()),
        _number("review_days", Group.SUPPLIERS, Shape.DAYS, 1, 365, _COMPANY),
        _number("cycle_service", Group.SUPPLIERS, Shape.PERCENT, 50, 99, _COMPANY),
        _number("usual_lead_days", Group.SUPPLIERS, Shape.DAYS, 1, 365, _COMPANY),
    )
}


def usual(name: str) -> Any:
    """What holds for a company that set nothing; None: no such limit."""
    policy, terms, again, asks = AllocationPolicy(), Terms(), RedeliveryPolicy(), ConsentTerms()
    by_name: dict[str, Any] = {
        "allocation_rule": policy.rule.value,
        "rank_rule": RankRule.NORMAL.value,
        "reservation_horizon_days": policy.horizon_days,
        "promise_threshold_days": policy.threshold_days,
        "promise_earlier_days": policy.earlier_days,
        "overdue_days": OVERDUE_DAYS,
        "same_day_until": policy.same_day_until.strftime("%H:%M"),
        "delay_consent": AsksWhom.PRIVATE.value,
        "consent_rule": asks.rule.value,
        "consent_term_days": asks.term_days,
        "consent_silence": asks.silence.value,
        "refund_within": asks.refund.value,
        "substitutes": SubstituteRule.NEVER.value,
        "backorder_list": "off",
        "backorder_list_at": "07:00",
        "max_attempts": again.max_attempts,
        **{f"after_{reason.value}": again.after(reason, attempts=0).value for reason in REASONS},
        "review_days": terms.review_days,
        "cycle_service": round(terms.cycle_service * 100),
        "usual_lead_days": terms.usual_lead_days,
        "positions_days": POSITIONS_DAYS,
        **dict.fromkeys(KEPT_FOR.values()),
    }
    return by_name[name] if name in by_name else getattr(_DEFAULT, name)


def checked(row: PolicyRow, *, today: str) -> PolicyRow:
    """The row as it may be kept: `value` read from the text a person typed, its days as ISO texts, which is how
    `holds_on` compares them. Raises InvalidInput with the mend."""
    kind = KINDS.get(row.name)
    if kind is None:
        raise InvalidInput(f'There is no policy "{row.name[:40]}". Choose one of {", ".join(KINDS)}.', code="policy")
    if row.scope not in kind.scopes:
        whom = {Scope.COMPANY: "everybody", Scope.CUSTOMER: "a customer", Scope.ORDER: "an order"}
        allowed = " or ".join(whom[scope] for scope in kind.scopes)
        raise InvalidInput(f"{row.name} cannot be set for a single {row.scope}: set it for {allowed}.", code="scope")
    row = replace(
        row, effective_from=_iso_day(row.effective_from), effective_to=row.effective_to and _iso_day(row.effective_to)
    )
    if row.effective_from < today:
        raise InvalidInput(
            f"A policy cannot begin on {row.effective_from}: that day is over. Let it begin today or later.", code="day"
        )
    if row.effective_to and row.effective_to < row.effective_from:
        raise InvalidInput(
            f"It would end on {row.effective_to}, before it begins on {row.effective_from}. Leave the end empty or "
            "choose a later day.",
            code="day",
        )
    for day in (row.effective_from, row.effective_to):
        if day and date.fromisoformat(day) - date.fromisoformat(today) > FURTHEST:
            raise InvalidInput(f"{day} is years away. Name a nearer day, or leave the end empty.", code="day")
    return replace(row, value=kind.read(str(row.value)))


def _iso_day(text: str) -> str:
    """
    >>> _iso_day("2026-W10-1"), _iso_day("20260310")
    ('2026-03-02', '2026-03-10')
    """
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise InvalidInput(f'"{text[:20]}" is no day. Write it like 2026-03-03.', code="day") from None
