"""Who hears of a date, how, and what the message says; and who may be asked about a delay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from routing.model.consents import DelayedLine
from routing.model.days import day_words
from routing.model.notices import Notice, NoticeKind, Reason, goods_line
from routing.model.orders import Book, LineChange, WaitingLine, WaitingOrder
from routing.model.parties import Company, Contact
from routing.model.tasks import TaskKind
from routing.rules.promises import NewPromise
from routing.rules.told_reasons import reasons_of
from routing.services import asking
from routing.services.asking import Asked


class KnowsContacts(Protocol):
    def who_are_told(
        self, doors: Collection[tuple[int, int]], *, role: str
    ) -> dict[tuple[int, int], list[Contact]]: ...


class KeepsNotices(Protocol):
    def add_notice(self, message: Notice, *, made_at: datetime) -> bool: ...


class Reader(KnowsContacts, asking.Reader, Protocol):
    """What saying who hears of a change needs."""


class Store(KnowsContacts, KeepsNotices, Protocol):
    def company(self) -> Company: ...
    def waiting_lines(self, depot_id: int, order_ids: Collection[int]) -> dict[int, list[WaitingLine]]: ...
    def add_tasks(self, asked: Sequence[Mapping[str, Any]]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hear:
    """Orders with a later date, none any more or one again, or with an earlier or their first one, by how their
    customers hear of it: a message that tells; one that asks, with the last ISO day for an answer; or a call where
    nobody there agreed to messages, with the same day in `call_by` where the call is to ask."""

    message: frozenset[int] = frozenset()
    call: frozenset[int] = frozenset()
    asked: Mapping[int, str] = field(default_factory=dict)
    call_by: Mapping[int, str] = field(default_factory=dict)

    @property
    def by_message(self) -> int:
        return len(self.message)

    @property
    def by_call(self) -> int:
        return len(self.call)

    @property
    def answers_by(self) -> list[str]:
        """The last ISO days for an answer to a message, each once, the first first."""
        return sorted(set(self.asked.values()))

    @property
    def calls_by(self) -> list[str]:
        """The same of those who are asked by a call."""
        return sorted(set(self.call_by.values()))

    def answer_by(self, order_id: int) -> str:
        """The last ISO day for an answer of this order's customer, however they are asked; "" for who is not."""
        return self.asked.get(order_id) or self.call_by.get(order_id, "")

    def among(self, order_ids: Collection[int]) -> Hear:
        """Of these orders alone."""
        these = frozenset(order_ids)
        asked, call_by = (
            {order_id: day for order_id, day in days.items() if order_id in these}
            for days in (self.asked, self.call_by)
        )
        return Hear(message=self.message & these, call=self.call & these, asked=asked, call_by=call_by)

    def of(self, order_id: int) -> str:
        """How the customer of this order hears of it: message, call or asked; "" for not at all."""
        if order_id in self.asked:
            return "asked"
        return "message" if order_id in self.message else "call" if order_id in self.call else ""


def how_they_hear(store: Reader, lines: Iterable[LineChange], *, now: datetime) -> Hear:
    """By the contacts and the policies as they are now; the same before the change is written and after, at the same
    `now`."""
    doors: dict[int, tuple[int, int]] = {}
    firsts: dict[int, tuple[int, int]] = {}
    late: dict[int, list[DelayedLine]] = defaultdict(list)
    for line in lines:
        if line.is_told or line.sooner:
            doors[line.order_id] = (line.customer_id, line.site_id)
        elif line.gets_first:
            firsts[line.order_id] = (line.customer_id, line.site_id)
        if line.slips or line.loses:
            day = line.new_day if line.slips else ""
            late[line.order_id].append(
                DelayedLine(line_id=line.line_id, was_on=line.promised_on, now_on=day, promise_version=0)
            )
    people = store.who_are_told({*doors.values(), *firsts.values()}, role="buyer")
    call = frozenset(order_id for order_id, door in doors.items() if not people[door])
    by = asking.answer_by(store, late, now=now)
    call_by = {order_id: day for order_id, day in by.items() if order_id in call}
    asked = {order_id: day for order_id, day in by.items() if order_id not in call}
    # Nobody is called about a first day.
    first = {order_id for order_id, door in firsts.items() if people[door]}
    return Hear(message=frozenset({*doors, *first}) - call - frozenset(asked), call=call, asked=asked, call_by=call_by)


def delays(
    before: Book, *, promises: Collection[NewPromise], changes: Collection[LineChange]
) -> dict[int, tuple[WaitingOrder, tuple[DelayedLine, ...]]]:
    """What was promised and comes later, or has no date any more: what a customer may be asked about, by order."""
    slips = {promise.line_id: promise for promise in promises if promise.slip}
    lost = {change.line_id for change in changes if change.loses}
    found = {}
    for order in before.orders:
        lines = tuple(
            DelayedLine(
                line_id=line.id,
                was_on=line.promised_on,
                now_on=slips[line.id].promised_on if line.id in slips else "",
                promise_version=slips[line.id].version if line.id in slips else 0,
            )
            for line in order.lines
            if line.id in slips or line.id in lost
        )
        if lines:
            found[order.id] = (order, lines)
    return found


def tell_dates(
    store: Store,
    before: Book,
    *,
    promises: Collection[NewPromise],
    changes: Collection[LineChange],
    asked: Mapping[int, Asked],
    why: str,
    now: datetime,
) -> set[int]:
    """One notice per order and recipient, of its new dates and of what has none any more; without anybody to write to,
    a call. Returns the lines that were told of.

    `why`: the cause of what no promise and no change says its own of. Who is to be called about goods without a date is
    in the task about those goods, which the caller makes.
    """
    told: set[int] = set()
    lost_by = {change.line_id: change.moved_by or why for change in changes if change.loses}
    by_line = {promise.line_id: promise for promise in promises}
    lost = {change.line_id for change in changes if change.loses}
    company, calls = store.company(), []
    told_of = [order for order in before.orders if any(line.id in by_line or line.id in lost for line in order.lines)]
    doors = store.who_are_told({(order.customer_id, order.site_id) for order in told_of}, role="buyer")
    whom = {order.id: doors[order.customer_id, order.site_id] for order in told_of}
    every = store.waiting_lines(before.depot_id, [order_id for order_id, people in whom.items() if people])
    for order in told_of:
        mine = [line for line in order.lines if line.id in by_line]
        gone = [line for line in order.lines if line.id in lost]
        consent = asked.get(order.id)
        first = not gone and all(by_line[line.id].first for line in mine)
        day = max((by_line[line.id].promised_on for line in mine), default="")
        contacts = whom[order.id]
        if not contacts and consent is not None:
            continue  # whoever asked for the consent has made the task to call
        if not contacts and not first:
            if not gone:
                calls.append(_call(order, [by_line[line.id] for line in mine], day=day, now=now))
            continue
        waiting = [
            line
            for line in every.get(order.id, ())
            if line.id not in by_line and line.id not in lost and (not line.expected_on or line.expected_on > day)
        ]
        # What has no date any more is what it is about, when nothing else has a new one.
        goods, still = (mine, _goods(gone, undated=True)) if mine else (gone, [])
        data = notice_data(company, order, goods, waiting, day=day)
        data["waiting"] = [*still, *_goods(waiting)]
        causes = [by_line[line.id].why for line in mine if by_line[line.id].slip] + [lost_by[line.id] for line in gone]
        data["why"] = reasons_of(causes)
        occurrence = f"{day} {_newest((by_line[line.id].version, line.id) for line in mine)}"
        if gone:
            occurrence += f" lost {_newest((line.promise_version, line.id) for line in gone)}"
        if consent is not None:
            data |= consent.words()
            occurrence += f" consent {consent.consent_id}"
        kind = NoticeKind.DATE_GIVEN if first else NoticeKind.DATE_CHANGED
        tell(store, contacts, kind=kind, subject=("order", order.id), occurrence=occurrence, data=data, now=now)
        told |= {line.id for line in (*mine, *gone)} if contacts else set()
    store.add_tasks(calls)
    return told


def _newest(versions: Iterable[tuple[int, int]]) -> str:
    """The newest version with its line, which no other message names: goods of one order that come on one day may be
    dated one after the other, and each time their customer hears of it.

    >>> _newest([(1, 17), (2, 18), (2, 16)]), _newest([])
    ('v2 of 18', 'v0 of 0')
    """
    version, line_id = max(versions, default=(0, 0))
    return f"v{version} of {line_id}"


def _call(order: WaitingOrder, promises: Sequence[NewPromise], *, day: str, now: datetime) -> dict[str, Any]:
    """The task to call about new dates."""
    return dict(
        kind=TaskKind.CALL_CUSTOMER,
        subject_kind="order",
        subject_id=order.id,
        sentence=f"Call {order.customer}: order {order.number} {moved_words(order, promises, day=day)}, "
        "and nobody there agreed to messages.",
        made_at=now,
        assignee=order.salesperson,
        data={
            "day": day,
            "why": promises[0].why,
            "lines": [promise.line_id for promise in promises],
            "again": all(promise.again for promise in promises),
        },
    )


def moved_words(order: WaitingOrder, promises: Sequence[NewPromise], *, day: str) -> str:
    """What becomes of the promises of an order: "comes on Thu 5 Mar 2026 instead of Tue 3 Mar 2026"."""
    moved = {promise.line_id: promise for promise in promises}
    was = min((line.promised_on for line in order.lines if line.id in moved and line.promised_on), default="")
    again = " again" if all(promise.again for promise in promises) else ""
    if not was or was == day:
        return f"has a date{again}: it comes on {day_words(day)}"
    return f"comes on {day_words(day)} instead of {day_words(was)}"


def tell(
    store: KeepsNotices,
    contacts: Iterable[Contact],
    *,
    kind: NoticeKind,
    subject: tuple[str, int],
    occurrence: str,
    data: dict[str, object],
    now: datetime,
) -> int:
    """The same message to everybody who is to hear of it, written in the transaction of what it tells.

    How many are new: one a contact, in its own language, however often it is asked. `subject`: the kind of what it is
    about ("order", "stop") and its key.
    """
    return sum(
        store.add_notice(
            Notice(
                kind=kind,
                subject_kind=subject[0],
                subject_id=subject[1],
                occurrence=occurrence,
                recipient=contact.address,
                channel=contact.channel,
                language=contact.language,
                contact_id=contact.id,
                data=data,
            ),
            made_at=now,
        )
        for contact in contacts
    )


def notice_data(
    company: Company,
    order: WaitingOrder,
    lines: Sequence[WaitingLine],
    waiting: Sequence[WaitingLine],
    *,
    day: str,
) -> dict[str, object]:
    """What a date's message says: which goods come on the day, and which of the order's other goods come later.

    Its reason is a word that each language writes out: our receipts' numbers mean nothing to a customer.
    """
    return {
        "company": company.name,
        "phone": company.phone,
        "customer": order.customer,
        "site": order.site,
        "goods": _goods(lines),
        "waiting": _goods(waiting),
        "day": day,
        "why": Reason.NOT_ENOUGH.value,
        "references": [order.number, *order.references],
    }


def _goods(lines: Sequence[WaitingLine], *, undated: bool = False) -> list[dict[str, object]]:
    return [goods_line(quantity=line.needed, unit=line.unit, name=line.name, undated=undated) for line in lines]
