"""Who hears of a date, how, and what the message says; and who may be asked about a delay."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from routing.model.consents import DelayedLine
from routing.model.days import day_words
from routing.model.notices import NOT_ENOUGH, Notice, NoticeKind, goods_line
from routing.model.orders import Book, LineChange, WaitingLine, WaitingOrder
from routing.model.parties import Company, Contact
from routing.rules.promises import NewPromise
from routing.services.asking import Asked


class KnowsContacts(Protocol):
    def who_are_told(
        self, doors: Collection[tuple[int, int]], *, role: str
    ) -> dict[tuple[int, int], list[Contact]]: ...


class KeepsNotices(Protocol):
    def add_notice(self, message: Notice, *, made_at: datetime) -> bool: ...


class Store(KnowsContacts, KeepsNotices, Protocol):
    def company(self) -> Company: ...
    def waiting_lines(self, depot_id: int, order_ids: Collection[int]) -> dict[int, list[WaitingLine]]: ...
    def add_tasks(self, asked: Sequence[Mapping[str, Any]]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hear:
    """Orders with a later date, by how their customers hear of it: a message, or a person's call where nobody there
    agreed to messages."""

    by_message: int = 0
    by_call: int = 0


def how_they_hear(store: KnowsContacts, lines: Iterable[LineChange]) -> Hear:
    """By the contacts as they are now."""
    doors = {line.order_id: (line.customer_id, line.site_id) for line in lines if line.slips}
    people = store.who_are_told(set(doors.values()), role="buyer")
    by_message = sum(bool(people[door]) for door in doors.values())
    return Hear(by_message=by_message, by_call=len(doors) - by_message)


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
    store: Store, before: Book, *, promises: Collection[NewPromise], asked: Mapping[int, Asked], now: datetime
) -> set[int]:
    """One notice per order and recipient; without anybody to write to, a call. Returns the lines that were told of.

    Who is asked for consent hears of goods without a date too.
    """
    told: set[int] = set()
    by_line = {promise.line_id: promise for promise in promises}
    company, calls = store.company(), []
    told_of = [order for order in before.orders if order.id in asked or any(line.id in by_line for line in order.lines)]
    doors = store.who_are_told({(order.customer_id, order.site_id) for order in told_of}, role="buyer")
    whom = {order.id: doors[order.customer_id, order.site_id] for order in told_of}
    every = store.waiting_lines(before.depot_id, [order_id for order_id, people in whom.items() if people])
    for order in before.orders:
        mine = [line for line in order.lines if line.id in by_line]
        consent = asked.get(order.id)
        if not mine and consent is None:
            continue
        first = consent is None and all(by_line[line.id].first for line in mine)
        day = max((by_line[line.id].promised_on for line in mine), default="")
        contacts = whom[order.id]
        if not contacts and consent is not None:
            continue  # whoever asked for the consent has made the task to call
        if not contacts and not first:
            calls.append(
                dict(
                    kind="call_customer",
                    subject_kind="order",
                    subject_id=order.id,
                    sentence=f"Call {order.customer}: order {order.number} comes on {day_words(day)} instead of "
                    f"{day_words(min(line.promised_on for line in mine if line.promised_on))}, "
                    "and nobody there agreed to messages.",
                    made_at=now,
                    assignee=order.salesperson or "dispatcher",
                    data={"day": day, "why": by_line[mine[0].id].why},
                )
            )
            continue
        waiting = [
            line
            for line in every.get(order.id, ())
            if line.id not in by_line and (not line.expected_on or line.expected_on > day)
        ]
        # Goods without any date are what it is about, when nothing else has a new one.
        goods, waiting = (mine, waiting) if mine else (waiting, [])
        data = notice_data(company, order, goods, waiting, day=day)
        occurrence = f"{day} v{max((by_line[line.id].version for line in mine), default=0)}"
        if consent is not None:
            data |= consent.words()
            occurrence += f" consent {consent.consent_id}"
        kind = NoticeKind.DATE_GIVEN if first else NoticeKind.DATE_CHANGED
        tell(store, contacts, kind=kind, subject=("order", order.id), occurrence=occurrence, data=data, now=now)
        told |= {line.id for line in mine} if contacts else set()
    store.add_tasks(calls)
    return told


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
        "why": NOT_ENOUGH,
        "references": [order.number, *order.references],
    }


def _goods(lines: Sequence[WaitingLine]) -> list[dict[str, object]]:
    return [goods_line(quantity=line.needed, unit=line.unit, name=line.name) for line in lines]
