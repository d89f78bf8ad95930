"""Which orders may go out for a day, and in words why the others may not. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from routing.model.days import day_words
from routing.model.orders import Completeness, DeliveryDays, OrderTerms, RideRule, TermsFrom
from routing.rules.calendars import past_cut_off, served_from


class NotReleased(StrEnum):
    """Why an order stays: a closed list, in the order a page shows them."""

    ON_HOLD = "on_hold"
    PAYMENT = "payment"
    CUSTOMER_PAYMENT = "customer_payment"
    WAITS_FOR_STOCK = "waits_for_stock"
    INCOMPLETE = "incomplete"
    LINE_INCOMPLETE = "line_incomplete"
    BELOW_MIN_PERCENT = "below_min_percent"
    BELOW_MIN_VALUE = "below_min_value"
    LAST_SHIPMENT = "last_shipment"
    NO_RIDE = "no_ride"
    NOT_YET = "not_yet"
    TOO_LATE = "too_late"
    CLOSED_THAT_DAY = "closed_that_day"


WORDS: dict[NotReleased, str] = {
    NotReleased.ON_HOLD: "is on hold",
    NotReleased.PAYMENT: "waits for payment",
    NotReleased.CUSTOMER_PAYMENT: "the customer is on payment hold",
    NotReleased.WAITS_FOR_STOCK: "waits for stock",
    NotReleased.INCOMPLETE: "ships complete, and part of it is missing",
    NotReleased.LINE_INCOMPLETE: "ships whole lines, and no line is whole",
    NotReleased.BELOW_MIN_PERCENT: "what is there is below its minimum share",
    NotReleased.BELOW_MIN_VALUE: "what is there is below its minimum value",
    NotReleased.LAST_SHIPMENT: "only one shipment is left, and it must bring the rest",
    NotReleased.NO_RIDE: "a part of it is there, and waits for the rest or for a van that passes",
    NotReleased.NOT_YET: "is not wanted before",
    NotReleased.TOO_LATE: "was wanted until",
    NotReleased.CLOSED_THAT_DAY: "the site is not served that day",
}


GOODS = frozenset(
    {
        NotReleased.WAITS_FOR_STOCK,
        NotReleased.INCOMPLETE,
        NotReleased.LINE_INCOMPLETE,
        NotReleased.BELOW_MIN_PERCENT,
        NotReleased.BELOW_MIN_VALUE,
        NotReleased.LAST_SHIPMENT,
        NotReleased.NO_RIDE,
    }
)
"""Reasons that more goods would take away."""

_FREER = (Completeness.COMPLETE, Completeness.PER_LINE, Completeness.PARTIAL)
"""Each gives an order goods more freely than the one before it."""

AS_IT_COMES = OrderTerms()
"""The terms of an order of which nothing is kept back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseLine:
    """`needed` still has to leave the depot, `committed` of it is released already, `ready` can go now.

    `expected_on`: when the whole line is there, an ISO day or "".
    """

    id: int
    product_id: int = 0
    needed: int
    committed: int
    ready: int
    price: int = 0
    expected_on: str = ""

    @property
    def rest(self) -> int:
        return self.needed - self.committed


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseOrder:
    """An order as release sees it. `terms` are those of the day it is released for; `kept` is how goods are kept for it
    today. `shipments` counts the deliveries it has had. Days are ISO or ""."""

    id: int
    number: str
    terms: OrderTerms = AS_IT_COMES
    kept: Completeness = Completeness.PARTIAL
    lines: tuple[ReleaseLine, ...]
    ordered_on: str
    wanted_on: str = ""
    not_before: str = ""
    not_after: str = ""
    shipments: int = 0
    hold_reason: str = ""
    payment_pending: bool = False
    customer_payment_hold: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyUnits:
    """Units of one allocation that could go. `ready_at` None: on the shelf; else when their truck is put away."""

    line_id: int
    allocation_id: int
    supply_id: int
    quantity: int
    ready_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An order that still waits for its release, with the units it could take along, the soonest first."""

    order: ReleaseOrder
    customer: str
    site_id: int
    site: str
    tier: int
    ordered_at: datetime
    units: tuple[ReadyUnits, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What goes: units per line; empty when the order stays, and then `reasons` and one `sentence` say why."""

    order_id: int
    units: tuple[tuple[int, int], ...] = ()
    reasons: tuple[NotReleased, ...] = ()
    sentence: str = ""


def planned_from(ordered_at: datetime, *, for_day: str, days: DeliveryDays) -> str | None:
    """The first ISO day from `for_day` on whose plan takes what was ordered then, or None within a year: planning's own
    cut-off, where the door's zone names one. Released for a day before, it waits for that one by itself.

    Orders until 15:00 of the day before. What came on Monday at 16:00 is not for Tuesday, however much lies there:

        >>> from datetime import UTC
        >>> week = DeliveryDays(zone="UTC", zone_cut_off="15:00", weekdays=frozenset(range(5)))
        >>> monday = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
        >>> planned_from(monday, for_day="2026-03-03", days=week)
        '2026-03-04'
        >>> planned_from(monday - timedelta(hours=2), for_day="2026-03-03", days=week)
        '2026-03-03'

    A door that was opened for that Tuesday alone has no other day:

        >>> alone = DeliveryDays(zone_cut_off="15:00", weekdays=frozenset(), opened=frozenset({date(2026, 3, 3)}))
        >>> print(planned_from(monday, for_day="2026-03-03", days=alone))
        None
    """
    zone = ZoneInfo(days.zone)

    def in_time(day: date) -> bool:
        return not past_cut_off(ordered_at, day, cut_off=days.zone_cut_off, zone=zone)

    found = served_from(date.fromisoformat(for_day), days, in_time)
    return found.isoformat() if found else None


def wait_ends(ordered_on: str, max_wait_days: int | None) -> str:
    """The ISO day from which an order of that ISO day waits for nothing more; "" for never. Calendar days.

    >>> wait_ends("2026-03-01", 5), wait_ends("2026-03-01", None)
    ('2026-03-06', '')
    """
    if max_wait_days is None:
        return ""
    return (date.fromisoformat(ordered_on) + timedelta(days=max_wait_days)).isoformat()


def kept_as(completeness: Completeness, *, ordered_on: str, max_wait_days: int | None, day: str) -> Completeness:
    """How goods are kept for an order on an ISO day: who has waited enough is given what there is.

    Ordered on Sunday 1 March, it waits five days at most:

        >>> for day in ("2026-03-05", "2026-03-06"):
        ...     print(kept_as(Completeness.COMPLETE, ordered_on="2026-03-01", max_wait_days=5, day=day).value)
        complete
        partial
    """
    return Completeness.PARTIAL if "" < wait_ends(ordered_on, max_wait_days) <= day else completeness


def then_kept_as(order: ReleaseOrder, *, for_day: str, days: DeliveryDays) -> Completeness | None:
    """How goods are kept for an order on an ISO day to come, where it is given them more freely then than today, with
    nothing but goods between it and that day: it will have waited enough, or a policy of that day says so. Else None.

    Ordered on Sunday 1 March, it waits five days at most, for Friday the 6th, or is on hold:

        >>> line = ReleaseLine(id=1, needed=10, committed=0, ready=0)
        >>> terms = OrderTerms(completeness=Completeness.COMPLETE, max_wait_days=5)
        >>> order = ReleaseOrder(id=1, number="SO-1", lines=(line,), ordered_on="2026-03-01", terms=terms,
        ...                      kept=Completeness.COMPLETE)
        >>> def then(order, day):
        ...     kept = then_kept_as(order, for_day=day, days=DeliveryDays())
        ...     return kept and kept.value
        >>> then(order, "2026-03-05"), then(order, "2026-03-06")
        (None, 'partial')
        >>> print(then(replace(order, hold_reason="asked to wait"), "2026-03-06"))
        None

    From the day on it may go line by line; what is kept line by line today is kept no tighter for it:

        >>> by_line = replace(order, terms=OrderTerms(completeness=Completeness.PER_LINE))
        >>> then(by_line, "2026-03-05"), then(replace(by_line, kept=Completeness.PER_LINE), "2026-03-05")
        ('per_line', None)
    """
    terms = order.terms
    kept = kept_as(terms.completeness, ordered_on=order.ordered_on, max_wait_days=terms.max_wait_days, day=for_day)
    if _FREER.index(kept) <= _FREER.index(order.kept):
        return None
    return kept if GOODS.issuperset(judge(order, for_day=for_day, days=days).reasons) else None


def judge(order: ReleaseOrder, *, for_day: str, days: DeliveryDays, rides: bool = False) -> Verdict:
    """Decides one order for one ISO day. `rides`: a van takes a part of it along, or a person sends it.

    An address in review does not stop a release: planning keeps it out until somebody picks the pin. After
    `max_wait_days`, calendar days in the depot's zone, an order has waited enough and ships what is ready for it:
    from that day on it is given goods in parts too (`kept_as`).

    Ten are wanted at 1.00 each, six are on the shelf:

        >>> print(_judged(min_percent=50), _judged(min_percent=70))
        6 below_min_percent
        >>> print(_judged(min_value=600), _judged(min_value=700))
        6 below_min_value
        >>> print(_judged(max_shipments=2), _judged(max_shipments=2, shipments=1))
        6 last_shipment
        >>> print(_judged(completeness=Completeness.COMPLETE), _judged(completeness=Completeness.PER_LINE))
        incomplete line_incomplete

    Ordered on Sunday 1 March, it waits at most so many days for the rest; this is Friday the 6th:

        >>> print(*(_judged(completeness=Completeness.COMPLETE, max_wait_days=days) for days in (5, 6)))
        6 incomplete
        >>> print(_judged(hold_reason="asked to wait"), _judged(payment_pending=True))
        on_hold payment
        >>> print(_judged(customer_payment_hold="two invoices are overdue"))
        customer_payment

    A hold stops the release alone, not the claim: the 6 stay its own, and go once it is off. Were they given away, it
    would wait for stock too:

        >>> print(_judged(hold_reason="asked to wait", ready=0))
        on_hold, waits_for_stock

    Parts that may only ride along: none go, "no_ride", until a van takes the 6.
    """
    reasons: list[NotReleased] = []
    if order.hold_reason:
        reasons.append(NotReleased.ON_HOLD)
    if order.payment_pending:
        reasons.append(NotReleased.PAYMENT)
    if order.customer_payment_hold:
        reasons.append(NotReleased.CUSTOMER_PAYMENT)
    units = part_that_goes(order, for_day, rides=rides)
    if isinstance(units, NotReleased):
        reasons.append(units)
        units = ()
    if max(order.wanted_on, order.not_before) > for_day:
        reasons.append(NotReleased.NOT_YET)
    if order.not_after and order.not_after < for_day:
        reasons.append(NotReleased.TOO_LATE)
    if not days.serves(date.fromisoformat(for_day)):
        reasons.append(NotReleased.CLOSED_THAT_DAY)
    if reasons:
        return Verdict(order_id=order.id, reasons=tuple(reasons), sentence=_sentence(order, reasons, for_day))
    return Verdict(order_id=order.id, units=units)


def part_that_goes(
    order: ReleaseOrder, for_day: str, *, rides: bool = False
) -> tuple[tuple[int, int], ...] | NotReleased:
    """What could go on an ISO day by what is ready and the order's terms alone, units by line, or why nothing can. The
    release asks it for its day, and the expected date for every day on which something comes."""
    terms = order.terms
    rest = {line.id: line.rest for line in order.lines}
    ready = {line.id: min(line.ready, rest[line.id]) for line in order.lines}
    if not any(ready.values()):
        return NotReleased.WAITS_FOR_STOCK
    all_of_it = ready == rest
    waited_enough = "" < wait_ends(order.ordered_on, terms.max_wait_days) <= for_day
    if not all_of_it and terms.max_shipments is not None and order.shipments + 1 >= terms.max_shipments:
        return NotReleased.LAST_SHIPMENT
    if not all_of_it and not waited_enough:
        if terms.completeness is Completeness.COMPLETE:
            return NotReleased.INCOMPLETE
        if terms.completeness is Completeness.PER_LINE:
            ready = {line_id: units if units == rest[line_id] else 0 for line_id, units in ready.items()}
            if not any(ready.values()):
                return NotReleased.LINE_INCOMPLETE
        if sum(ready.values()) * 100 < terms.min_percent * sum(rest.values()):
            return NotReleased.BELOW_MIN_PERCENT
        if sum(ready[line.id] * line.price for line in order.lines) < terms.min_value:
            return NotReleased.BELOW_MIN_VALUE
        if terms.ride_along is not RideRule.ALONE and not rides:
            return NotReleased.NO_RIDE
    return tuple((line_id, units) for line_id, units in ready.items() if units)


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """By line the ISO day on which the last of it goes, "" for never; and of which something is kept back on the first
    day on which it could go."""

    days: dict[int, str]
    kept: frozenset[int] = frozenset()


def days_by_terms(
    order: ReleaseOrder,
    comes: Mapping[int, Iterable[tuple[str, int]]],
    terms: Sequence[TermsFrom],
    *,
    served_on: Callable[[str], str],
) -> Going:
    """When each line goes, if every release keeps back what the terms keep back. `comes`: per line, on which day so
    many base units can go; `terms` by the day from which they hold; `served_on`: the first day from one on that the
    door is served, "" for none.

    10 oat drink are wanted and 10 rye, at 1.00 each: 6 oat drink are there on the 12th, all the rest on the 19th.

        >>> oat, rye = (ReleaseLine(id=key, needed=10, committed=0, ready=0, price=100) for key in (1, 2))
        >>> order = ReleaseOrder(id=1, number="SO-1", lines=(oat, rye), ordered_on="2026-05-10")
        >>> def expected(*comes_of_oat, **terms):
        ...     return days_by_terms(order, {1: comes_of_oat, 2: [("2026-05-19", 10)]},
        ...                          [TermsFrom(terms=OrderTerms(**terms))], served_on=lambda day: day).days
        >>> expected(("2026-05-12", 10)), expected(("2026-05-12", 10), min_value=1001)
        ({1: '2026-05-12', 2: '2026-05-19'}, {1: '2026-05-19', 2: '2026-05-19'})

    Ten are half of it and may go; ordered on the 10th, it waits five days at most; the one shipment brings all:

        >>> expected(("2026-05-12", 10), min_percent=50)[1], expected(("2026-05-12", 10), min_percent=51)[1]
        ('2026-05-12', '2026-05-19')
        >>> expected(("2026-05-12", 10), min_percent=51, max_wait_days=5)[1]
        '2026-05-15'
        >>> expected(("2026-05-12", 10), max_shipments=1, max_wait_days=5)[1]
        '2026-05-19'

    Six go on the 12th, and the last four on the 15th are all of two shipments: they wait for the rye.

        >>> expected(("2026-05-12", 6), ("2026-05-15", 4), max_shipments=3)[1]
        '2026-05-15'
        >>> expected(("2026-05-12", 6), ("2026-05-15", 4), max_shipments=2)[1]
        '2026-05-19'
    """
    by_day: dict[str, list[tuple[int, int]]] = {}
    for line_id, parts in comes.items():
        for day, units in parts:
            by_day.setdefault(day, []).append((line_id, units))
    if not by_day:
        return Going(days={line.id: "" for line in order.lines})
    first = min(by_day)
    for each in terms:
        for day in (each.day, wait_ends(order.ordered_on, each.terms.max_wait_days)):
            if day > first and (served := served_on(day)):
                by_day.setdefault(served, [])
    went = {line.id: line.committed for line in order.lines}
    there = dict.fromkeys(went, 0)
    goes = {line.id: "" for line in order.lines}
    shipments = order.shipments
    kept: set[int] = set()
    came: set[int] = set()
    for day in sorted(by_day):
        for line_id, units in by_day[day]:
            there[line_id] += units
        new = {line_id for line_id, units in by_day[day] if units} - came
        came |= new
        that_day = replace(
            order,
            terms=next((each.terms for each in reversed(terms) if each.day <= day), order.terms),
            lines=tuple(replace(line, committed=went[line.id], ready=there[line.id]) for line in order.lines),
            shipments=shipments,
        )
        part = part_that_goes(that_day, day)
        if isinstance(part, NotReleased):
            kept |= new
            continue
        kept |= new - {line_id for line_id, _ in part}
        shipments += 1
        for line_id, units in part:
            went[line_id] += units
            there[line_id] -= units
        goes |= {line.id: day for line in order.lines if not goes[line.id] and went[line.id] >= line.needed}
    return Going(days=goes, kept=frozenset(kept))


def _sentence(order: ReleaseOrder, reasons: list[NotReleased], for_day: str) -> str:
    parts = []
    for reason in reasons:
        words = WORDS[reason]
        match reason:
            case NotReleased.ON_HOLD:
                words += f": {order.hold_reason}"
            case NotReleased.CUSTOMER_PAYMENT:
                words += f": {order.customer_payment_hold}"
            case NotReleased.NOT_YET:
                words += f" {day_words(max(order.wanted_on, order.not_before))}"
            case NotReleased.TOO_LATE:
                words += f" {day_words(order.not_after)}"
            case NotReleased.CLOSED_THAT_DAY:
                words += f" ({day_words(for_day)})"
            case NotReleased.BELOW_MIN_PERCENT:
                words += f" of {order.terms.min_percent} %"
            case _:
                pass
        parts.append(words)
    return f"Order {order.number} stays: {'; '.join(parts)}."


_TERM_NAMES = frozenset(field.name for field in fields(OrderTerms))


def _judged(*, ready: int = 6, **terms: Any) -> str:
    """What goes of the example of `judge`, or why it stays."""
    own = {name: terms.pop(name) for name in _TERM_NAMES & terms.keys()}
    line = ReleaseLine(id=1, needed=10, committed=0, ready=ready, price=100)
    verdict = judge(
        ReleaseOrder(id=1, number="SO-1", lines=(line,), ordered_on="2026-03-01", terms=OrderTerms(**own), **terms),
        for_day="2026-03-06",
        days=DeliveryDays(),
    )
    return ", ".join(verdict.reasons) or str(sum(units for _, units in verdict.units))
