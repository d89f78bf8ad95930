"""Asks for consent when a promise slips: which orders, until when, and what silence will mean."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from routing.model.consents import AskedOf, Consent, DelayedLine, NewConsent, Silence
from routing.model.days import day_words, today_of
from routing.model.orders import WaitingOrder
from routing.model.parties import Contact
from routing.model.tasks import TaskKind
from routing.rules.consent import Delay, Question, nth_delay, question, terms_of
from routing.rules.policies import PolicyBook
from routing.services.story import AsksPeople, KeepsEvents

KEPT = "kept"
"""Why a question was closed: what was promised first holds after all."""
ELSEWHERE = "elsewhere"
"""Why a question was closed: the shop delivered the goods by another way."""
CALLED_OFF = "cancelled"
"""Why a question was closed: a file or a program cancelled the order."""
A_MINUTE = timedelta(minutes=1)
"""A task that is due with the day is due at 23:59 of it, not at 00:00 of the next."""


class Reader(Protocol):
    """What saying beforehand who is asked needs."""

    def policies(self) -> PolicyBook: ...
    def asked_of(self, order_ids: Collection[int]) -> dict[int, AskedOf]: ...
    def asked_until(self, order_ids: Collection[int], *, at: datetime) -> dict[int, datetime]: ...
    def promises_so_far(self, line_ids: Collection[int]) -> dict[int, list[tuple[str, str]]]: ...
    def agreed_to_wait(self, line_ids: Collection[int]) -> set[int]: ...
    def times_asked(self, line_ids: Collection[int]) -> dict[int, int]: ...


class Store(Reader, KeepsEvents, AsksPeople, Protocol):
    def add_consent(self, new: NewConsent) -> int: ...
    def open_questions(self, order_ids: Collection[int]) -> list[int]: ...
    def consents(self, consent_ids: Collection[int], *, lock: bool = False) -> dict[int, Consent]: ...
    def set_consent(self, consent_id: int, values: Mapping[str, Any]) -> None: ...
    def finish_tasks(
        self, *, kind: TaskKind, subject_kind: str, subject_id: int, outcome: str, by: str, now: datetime
    ) -> int: ...
    def who_is_told(self, customer_id: int, site_id: int, *, role: str) -> list[Contact]: ...
    def who_are_told(
        self, doors: Collection[tuple[int, int]], *, role: str
    ) -> dict[tuple[int, int], list[Contact]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question that was written down. `due_on`: the last ISO day for an answer."""

    consent_id: int
    due_on: str
    silence: Silence
    reached: bool
    """Somebody there agreed to messages; else a salesperson has to call."""

    def words(self) -> dict[str, object]:
        """What the message about the new date says of it; its link is made when it is written out."""
        return {"consent_id": self.consent_id, "answer_by": self.due_on, "silence": self.silence.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What the customer of an order is to be asked: about which delay, until when, and what silence means."""

    of: AskedOf
    delay: Delay
    question: Question


def questions(store: Reader, delays: Mapping[int, Collection[DelayedLine]], *, now: datetime) -> dict[int, Asking]:
    """Which of these delays, by order, their customers are asked about: by the policy as it is now. Writes nothing."""
    if not delays:
        return {}
    book, whose, found = store.policies(), store.asked_of(delays), {}
    terms = {
        order_id: terms_of(
            book, day=today_of(now, of.zone), customer_id=of.customer_id, order_id=order_id, business=of.business
        )
        for order_id, of in whose.items()
    }
    wanted = {order_id: lines for order_id, lines in sorted(delays.items()) if terms[order_id].enabled}
    every = [line.line_id for lines in wanted.values() for line in lines]
    before, times, waits = store.promises_so_far(every), store.times_asked(every), store.agreed_to_wait(every)
    for order_id, lines in wanted.items():
        delay = Delay(
            was_on=min(line.was_on for line in lines),
            now_on="" if any(not line.now_on for line in lines) else max(line.now_on for line in lines),
            nth=max(nth_delay(before.get(line.line_id, ()), asked_before=times.get(line.line_id, 0)) for line in lines),
            asked_on=today_of(now, whose[order_id].zone),
            agreed_to_wait=all(line.line_id in waits for line in lines),
        )
        found[order_id] = Asking(of=whose[order_id], delay=delay, question=question(delay, terms[order_id]))
    return found


def answer_by(store: Reader, delays: Mapping[int, Collection[DelayedLine]], *, now: datetime) -> dict[int, str]:
    """By order: the last ISO day for an answer of those who are asked about these delays.

    The same before and after: what was asked at this very moment is read as it was written, because a delay that is
    written already would count as another one.
    """
    done = store.asked_until(delays, at=now)
    whose = store.asked_of(done)
    days = {order_id: today_of(due_at - A_MINUTE, whose[order_id].zone) for order_id, due_at in done.items()}
    left = {order_id: lines for order_id, lines in delays.items() if order_id not in days}
    return days | {order_id: asking.question.due_on for order_id, asking in questions(store, left, now=now).items()}


def ask(
    store: Store,
    delays: Mapping[int, tuple[WaitingOrder, tuple[DelayedLine, ...]]],
    *,
    by: str,
    now: datetime,
) -> dict[int, Asked]:
    """Asks about these delays, by order, where the policy says so. The caller writes the message."""
    wanted = questions(store, {order_id: lines for order_id, (_order, lines) in delays.items()}, now=now)
    doors = {(delays[order_id][0].customer_id, delays[order_id][0].site_id) for order_id in wanted}
    whom = store.who_are_told(doors, role="buyer")
    asked: dict[int, Asked] = {}
    for order_id, asking in wanted.items():
        (order, lines), delay, asks = delays[order_id], asking.delay, asking.question
        reached = bool(whom[order.customer_id, order.site_id])
        # Who was not asked can neither have agreed nor given up by saying nothing: a person decides.
        silence = asks.silence if reached else Silence.TASK
        due_at = end_of(asks.due_on, asking.of.zone)
        consent_id = store.add_consent(
            NewConsent(
                order_id=order_id,
                day=delay.now_on,
                case=asks.case.value,
                silence=silence,
                days_before=asking.of.days,
                asked_at=now,
                due_at=due_at,
                lines=lines,
            )
        )
        asked[order_id] = Asked(consent_id=consent_id, due_on=asks.due_on, silence=silence, reached=reached)
        store.append_event(
            kind="consent_asked",
            actor=by,
            captured_at=now,
            received_at=now,
            order_id=order_id,
            data={
                "consent": consent_id,
                "case": asks.case.value,
                "day": delay.now_on,
                "due_on": asks.due_on,
                "silence": silence.value,
            },
        )
        if not reached:
            store.add_task(
                kind=TaskKind.DELAY_CONSENT,
                subject_kind="consent",
                subject_id=consent_id,
                sentence=call_sentence(order.customer, order.number, delay, why="agreed to no messages"),
                made_at=now,
                assignee=order.salesperson,
                due_at=due_at - A_MINUTE,
                data={"order": order_id},
            )
    return asked


def settle_kept(store: Store, order_ids: Collection[int], *, by: str, now: datetime) -> None:
    """Closes the open questions about these orders of which everything comes by the day that was promised first: there
    is nothing to agree to any more, and silence must cancel nothing."""
    for consent in store.consents(store.open_questions(order_ids), lock=True).values():
        waits = [line for line in consent.asked if line.free]
        holds = all(line.expected_on and line.expected_on <= line.was_on for line in waits)
        if consent.answer is not None or not waits or not holds:
            continue
        store.set_consent(consent.id, {"closed_at": now, "closed_why": KEPT})
        day = max(line.was_on for line in waits)
        store.finish_tasks(
            kind=TaskKind.DELAY_CONSENT,
            subject_kind="consent",
            subject_id=consent.id,
            outcome=f"comes on {day_words(day)} as promised",
            by=by,
            now=now,
        )


def call_sentence(customer: str, order: str, delay: Delay, *, why: str) -> str:
    """What the salesperson reads: whom to call, why, and what about."""
    was = day_words(delay.was_on)
    if not delay.now_on:
        return (
            f"Call {customer}, who {why}: order {order} was promised for {was} and has no date any more. "
            "Do they wait, or cancel?"
        )
    moved = f"comes on {day_words(delay.now_on)} instead of {was}"
    return f"Call {customer}, who {why}: order {order} {moved}. Agreed, another day, or cancelled?"


def end_of(day: str, zone: str) -> datetime:
    """The moment at which an ISO day is over."""
    return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(0), tzinfo=ZoneInfo(zone))
