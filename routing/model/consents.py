"""What a customer is asked when a promise slips, and what they may answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Answer(StrEnum):
    ACCEPT = "accept"
    OTHER_DAY = "other_day"
    CANCEL = "cancel"


class Became(StrEnum):
    """What became of all the goods that were asked about, without an answer to the question."""

    CANCELLED = "cancelled"
    ELSEWHERE = "elsewhere"
    """The shop delivered them by another way than ours."""
    CAME = "came"
    """They were at the door."""


class Silence(StrEnum):
    """What no answer in the term means. The value is what the policy row holds."""

    TASK = "task"
    ACCEPT = "accept"
    CANCEL = "cancel"


class AsksWhom(StrEnum):
    """Who is asked when a promise slips, the policy `delay_consent`; PRIVATE asks no business customer."""

    PRIVATE = "private"
    ON = "on"
    OFF = "off"


class ConsentRule(StrEnum):
    """Whose rule says until when is asked and what silence means: the company's own, or 16 CFR 435."""

    OWN = "own"
    US_MAIL_ORDER = "us_mail_order"


class RefundTerm(StrEnum):
    SEVEN_WORKING_DAYS = "seven_working_days"
    BILLING_CYCLE = "billing_cycle"


class SubstituteRule(StrEnum):
    """Whether a customer takes other goods instead, the policy `substitutes`."""

    NEVER = "never"
    ASK = "ask"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentTerms:
    """The policies in force for an order; as it stands here, what is usual for a private customer where none speaks.

    `term_days` and `silence` count under the company's own rule.
    """

    enabled: bool = True
    term_days: int = 3
    silence: Silence = Silence.TASK
    rule: ConsentRule = ConsentRule.OWN
    refund: RefundTerm = RefundTerm.SEVEN_WORKING_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLine:
    """A line of an order with `open` base units still to leave the depot, `committed` of them released or picked.

    `was_on` and `now_on` are the two days that the customer was asked about; `asked` is False for the order's other
    lines.
    """

    id: int
    number: str
    product_id: int
    sku: str
    name: str
    unit: str
    open: int
    committed: int
    price: int
    expected_on: str
    promised_on: str
    promise_version: int
    asked: bool = False
    was_on: str = ""
    now_on: str = ""

    @property
    def free(self) -> int:
        """Units that may still be cancelled: neither released nor picked."""
        return max(0, self.open - self.committed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A question about one delay of one order. `lines`: everything of the order that is still open, asked or not."""

    id: int
    order_id: int
    order: str
    references: tuple[str, ...]
    customer_id: int
    customer: str
    language: str
    site_id: int
    site: str
    depot_id: int
    zone: str
    salesperson: str
    currency: str
    payment: str
    days: tuple[str, str, str]
    """The order's wanted_on, not_before and not_after as they stand."""
    days_before: tuple[str, str, str]
    """The same when it was asked."""
    day: str
    silence: Silence
    asked_at: datetime
    due_at: datetime
    answer: Answer | None
    chosen: str
    answered_by: str
    answered_at: datetime | None
    silent_at: datetime | None
    closed_at: datetime | None
    closed_why: str
    version: int
    lines: tuple[OpenLine, ...]
    became: Became | None = None
    """None as long as any of what was asked about is still to come."""

    @property
    def asked(self) -> tuple[OpenLine, ...]:
        return tuple(line for line in self.lines if line.asked)

    @property
    def stands_on(self) -> str:
        """The day that an answer agrees to: the one that was asked about, or a later one that its goods slipped to
        without anybody being told; "" when they lost it. Once answered, that stands."""
        lines = [line for line in self.asked if line.free]
        if not self.day or self.answer is not None or not lines:
            return self.day
        return "" if any(not line.expected_on for line in lines) else max(self.day, *(n.expected_on for n in lines))

    @property
    def on_its_way(self) -> bool:
        """Nothing of what was asked about is left that an answer could change: it is released, gone or cancelled."""
        return not any(line.free for line in self.asked)

    @property
    def may_be_settled(self) -> bool:
        """Whether what the customer says on the phone can still be done: also after a term that ended in silence."""
        return not self.on_its_way and (self.closed_at is None or self.closed_why == "silence")

    @property
    def waits_without_date(self) -> bool:
        """The customer agreed to wait although no date was known, and nothing was settled since."""
        return self.answer is Answer.ACCEPT and not self.day and self.closed_at is None and not self.on_its_way

    @property
    def stake(self) -> int:
        """What the asked lines that may still be cancelled are worth, in minor units."""
        return sum(line.free * line.price for line in self.asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedOf:
    """Whose order it is. `days`: its wanted_on, not_before and not_after. `zone`: of the depot that delivers it."""

    customer_id: int
    business: bool
    days: tuple[str, str, str]
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayedLine:
    """A line whose promise slips. ISO days; `now_on` "" and version 0 when no date can be promised."""

    line_id: int
    was_on: str
    now_on: str = ""
    promise_version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConsent:
    order_id: int
    day: str
    case: str
    silence: Silence
    days_before: tuple[str, str, str]
    asked_at: datetime
    due_at: datetime
    lines: tuple[DelayedLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money that an open task asks somebody to give back: minor units, until an ISO day, for these goods."""

    amount: int
    by: str
    goods: str
