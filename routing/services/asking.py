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
from routing.rules.consent import Delay, nth_delay, question, terms_of
from routing.rules.policies import PolicyBook
from routing.services.story import AsksPeople, KeepsEvents

KEPT = "kept"
"""Why a question was closed: what was promised first holds after all."""
A_MINUTE = timedelta(minutes=1)
"""A task that is due with the day is due at 23:59 of it, not at 00:00 of the next."""


class Store(KeepsEvents, AsksPeople, Protocol):
    def policies(self) -> PolicyBook: ...
    def asked_of(self, order_ids: Collection[int]) -> dict[int, AskedOf]: ...
    def promises_so_far(self, line_ids: Collection[int]) -> dict[int, list[tuple[str, str]]]: ...
    def agreed_to_wait(self, line_ids: Collection[int]) -> set[int]: ...
    def times_asked(self, line_ids: Collection[int]) -> dict[int, int]: ...
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


def ask(
    store: Store,
    delays: Mapping[int, tuple[WaitingOrder, tuple[DelayedLine, ...]]],
    *,
    zone: str,
    by: str,
    now: datetime,
) -> dict[int, Asked]:
    """Asks about these delays, by order, where the policy says so. The caller writes the message."""
    if not delays:
        return {}
    today = today_of(now, zone)
    book, whose = store.policies(), store.asked_of(delays)
    terms = {
        order_id: terms_of(book, day=today, customer_id=of.customer_id, order_id=order_id, business=of.business)
        for order_id, of in whose.items()
    }
    wanted = {order_id: each for order_id, each in sorted(delays.items()) if terms[order_id].enabled}
    every = [line.line_id for _order, lines in wanted.values() for line in lines]
    before, times, waits = store.promises_so_far(every), store.times_asked(every), store.agreed_to_wait(every)
    whom = store.who_are_told({(order.customer_id, order.site_id) for order, _lines in wanted.values()}, role="buyer")
    asked: dict[int, Asked] = {}
    for order_id, (order, lines) in wanted.items():
        delay = Delay(
            was_on=min(line.was_on for line in lines),
            now_on="" if any(not line.now_on for line in lines) else max(line.now_on for line in lines),
            nth=max(nth_delay(before.get(line.line_id, ()), asked_before=times.get(line.line_id, 0)) for line in lines),
            asked_on=today,
            agreed_to_wait=all(line.line_id in waits for line in lines),
        )
        asks = question(delay, terms[order_id])
        reached = bool(whom[order.customer_id, order.site_id])
        # Who was not asked can neither have agreed nor given up by saying nothing: a person decides.
        silence = asks.silence if reached else Silence.TASK
        due_at = end_of(asks.due_on, zone)
        consent_id = store.add_consent(
            NewConsent(
                order_id=order_id,
                day=delay.now_on,
                case=asks.case.value,
                silence=silence,
                days_before=whose[order_id].days,
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
            data={"consent": consent_id, "case": asks.case.value, "due_on": asks.due_on, "silence": silence.value},
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
    moved = f"comes on {day_words(delay.now_on)} instead of {was}" if delay.now_on else f"has no date for {was}"
    return f"Call {customer}, who {why}: order {order} {moved}. Agreed, another day, or cancelled?"


def end_of(day: str, zone: str) -> datetime:
    """The moment at which an ISO day is over."""
    return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(0), tzinfo=ZoneInfo(zone))
