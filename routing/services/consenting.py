"""The answer to a delay: accepted, another day, cancelled, or nothing said in the term.

Each is one transaction: the order's days, promises and units, the goods given to the next in rank, the event and the
tasks, or none of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from routing.errors import Conflict
from routing.model.consents import Answer, Consent, OpenLine, Silence
from routing.model.days import day_words, today_of
from routing.model.money import amount
from routing.model.notices import NoticeKind, goods_line
from routing.model.orders import DeliveryDays
from routing.model.tasks import TaskKind
from routing.rules.consent import (
    Delay,
    Effect,
    Reply,
    effect_of,
    offered_days,
    silence_effect,
)
from routing.services import receiving, refunding
from routing.services.asking import A_MINUTE, call_sentence, end_of
from routing.services.refunding import Owed, ask_for_refund
from routing.services.telling import tell

CUSTOMER, SILENCE = "customer", "silence"
CALL_WITHIN = timedelta(days=1)


class Reader(Protocol):
    def consent(self, consent_id: int, *, lock: bool = False) -> Consent: ...
    def delivery_days(self, depot_id: int, site_ids: Collection[int]) -> dict[int, DeliveryDays]: ...


class Store(Reader, receiving.Store, refunding.Store, Protocol):
    def change_order(self, order_id: int, values: Mapping[str, Any]) -> None: ...
    def set_consent(self, consent_id: int, values: Mapping[str, Any]) -> None: ...
    def cancel_units(self, *, line_id: int, quantity: int) -> None: ...
    def cancel_if_empty(self, order_id: int, *, now: datetime) -> bool: ...
    def consent_was_sent(self, consent: Consent) -> bool: ...
    def finish_tasks(
        self, *, kind: TaskKind, subject_kind: str, subject_id: int, outcome: str, by: str, now: datetime
    ) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The question as it stands after the answer; `changed` is False when it had been given before."""

    consent: Consent
    changed: bool


def offered(store: Reader, consent: Consent, *, now: datetime) -> tuple[str, ...]:
    """The ISO days that may be chosen instead."""
    days = store.delivery_days(consent.depot_id, [consent.site_id])[consent.site_id]
    return offered_days(consent, days, today=today_of(now, consent.zone))


def answer(store: Store, consent_id: int, reply: Reply, *, now: datetime, by: str = CUSTOMER) -> Answered:
    """Takes an answer; the same once more changes nothing.

    The customer may change it until the term ends, a person of the company (`by` another) until it is settled. Raises
    NotFound, InvalidInput, and Conflict "consent_closed" when it is too late or somebody answered meanwhile.
    """
    consent = _locked(store, consent_id)
    by_person = by != CUSTOMER
    if (
        not by_person
        and now >= consent.due_at
        and (consent.answer or consent.closed_at)
        and not gives_up(consent, reply)
    ):
        if reply.answer is consent.answer and reply.chosen == consent.chosen:
            return Answered(consent=consent, changed=False)
        raise Conflict("The time to answer is over. Call us, and we find a way.", code="consent_closed")
    days = offered(store, consent, now=now) if reply.answer is Answer.OTHER_DAY else ()
    effect = effect_of(consent, reply, offered=days, may_change=by_person)
    if effect.unchanged:
        return Answered(consent=consent, changed=False)
    store.set_consent(
        consent_id,
        {
            "answer": reply.answer.value,
            "chosen": reply.chosen,
            "answered_by": by,
            "answered_at": now,
            "closed_at": now if effect.closed_why else None,
            "closed_why": effect.closed_why,
        }
        | ({} if effect.day is None else {"day": effect.day}),
    )
    _carry_out(store, consent, effect, now=now, by=by, why=_why(reply, consent))
    _event(store, consent, f"consent_{reply.answer.value}", {"chosen": reply.chosen}, now=now, by=by)
    store.finish_tasks(
        kind=TaskKind.DELAY_CONSENT,
        subject_kind="consent",
        subject_id=consent_id,
        outcome=_why(reply, consent),
        by=by,
        now=now,
    )
    return Answered(consent=store.consent(consent_id), changed=True)


def gives_up(consent: Consent, reply: Reply) -> bool:
    """Who agreed to wait without a date may cancel until the goods go, however long ago they agreed."""
    return consent.waits_without_date and reply.answer is Answer.CANCEL


def end_term(store: Store, consent_id: int, *, now: datetime) -> bool:
    """The term has ended: does what silence means, as it was decided when asking. False when it was answered or done.

    Goods that went out meanwhile are settled by that. Who got no message (sending is off, or it failed) did not keep
    silent: that is always a task.
    """
    consent = _locked(store, consent_id)
    if consent.answer or consent.closed_at or consent.silent_at or now < consent.due_at:
        return False
    if consent.on_its_way:
        store.set_consent(consent_id, {"silent_at": now, "closed_at": now, "closed_why": "settled"})
        return True
    told = store.consent_was_sent(consent)
    erp_cancels = told and consent.silence is Silence.CANCEL and store.erp_allocates()
    # A message that never left asked nothing, and what the ERP allocates only the ERP cancels: a person does either.
    if not told or erp_cancels:
        consent = replace(consent, silence=Silence.TASK)
    effect = silence_effect(consent)
    said = {Silence.ACCEPT: Answer.ACCEPT.value, Silence.CANCEL: Answer.CANCEL.value}.get(consent.silence, "")
    store.set_consent(
        consent_id,
        {
            "answer": said,
            "answered_by": SILENCE if said else "",
            "answered_at": now if said else None,
            "silent_at": now,
            "closed_at": now if effect.closed_why else None,
            "closed_why": effect.closed_why,
        },
    )
    _carry_out(store, consent, effect, now=now, by=SILENCE, why="no answer in the term")
    _event(store, consent, "consent_silent", {"means": consent.silence.value}, now=now, by=SILENCE)
    if erp_cancels:
        _cancel_in_the_erp(store, consent, now=now)
    elif consent.silence is Silence.TASK:
        delay = Delay(was_on=min(line.was_on for line in consent.asked), now_on=consent.day, nth=1, asked_on="")
        why = "did not answer" if told else "got no message from us"
        worth = f" At stake: {_goods_in_words(consent.asked)}, {amount(consent.stake, consent.currency)}."
        store.add_task(
            kind=TaskKind.DELAY_CONSENT,
            subject_kind="consent",
            subject_id=consent_id,
            sentence=call_sentence(consent.customer, consent.order, delay, why=why) + worth,
            made_at=now,
            assignee=consent.salesperson,
            due_at=now + CALL_WITHIN,
            data={"order": consent.order_id},
            urgent=True,
        )
    return True


def _cancel_in_the_erp(store: Store, consent: Consent, *, now: datetime) -> None:
    """Silence means cancel, but the goods are the ERP's to give: a person cancels there, and refunds by the day."""
    owed = _owed(consent, [(line, line.free) for line in consent.asked])
    by = refunding.last_day(store, owed, today=today_of(now, consent.zone))
    refund = (
        ""
        if owed.payment == "pending" or not owed.worth
        else (f" Refund by {day_words(by)} what was paid for it: {amount(owed.worth, consent.currency)}.")
    )
    store.add_task(
        kind=TaskKind.DELAY_CONSENT,
        subject_kind="consent",
        subject_id=consent.id,
        sentence=f"{consent.customer} did not answer, and silence means cancel: cancel {owed.goods} of order "
        f"{consent.order} in the ERP, which allocates here.{refund}",
        made_at=now,
        assignee=consent.salesperson,
        due_at=end_of(by, consent.zone) - A_MINUTE,
        data={"order": consent.order_id, "by": by},
        urgent=True,
    )


# ---------------------------------------------------------------------------- what an answer does


def _locked(store: Store, consent_id: int) -> Consent:
    """The question, kept from others until the end. The goods first: allocating locks them in that order too. Those of
    its own lines: what more the answer reaches is locked when it is decided."""
    first = store.consent(consent_id)
    store.lock_pools(first.depot_id, {line.product_id for line in first.lines})
    return store.consent(consent_id, lock=True)


def _carry_out(store: Store, consent: Consent, effect: Effect, *, now: datetime, by: str, why: str) -> None:
    decides = effect.days is not None or bool(effect.cancelled)
    stood = receiving.how_they_stand(store, consent.depot_id, [consent.order_id] if decides else [], now=now)
    if effect.days is not None:
        wanted_on, not_before, not_after = effect.days
        store.change_order(consent.order_id, {"wanted_on": wanted_on, "not_before": not_before, "not_after": not_after})
    store.add_promises(effect.promises, by=by, made_at=now, told=[promise.line_id for promise in effect.promises])
    for line, units in effect.cancelled:
        store.cancel_units(line_id=line.id, quantity=units)
    if effect.cancelled:
        store.cancel_if_empty(consent.order_id, now=now)
    if decides:
        products = {line.product_id for line in consent.lines}
        preview = receiving.reallocate(
            store, depot_id=consent.depot_id, product_ids=products, now=now, by=by, why=why, stood=stood
        )
        if effect.moves and any(line.slips for line in preview.lines if line.order_id == consent.order_id):
            raise Conflict("That day cannot be kept any more. Choose a later one, or call us.", code="consent_closed")
    if effect.cancelled:
        _confirm(store, consent, effect.cancelled, now=now)
        _ask_for_refund(store, consent, effect.cancelled, now=now)


def _confirm(store: Store, consent: Consent, gone: Sequence[tuple[OpenLine, int]], *, now: datetime) -> None:
    company = store.company()
    data: dict[str, object] = {
        "company": company.name,
        "phone": company.phone,
        "customer": consent.customer,
        "site": consent.site,
        "goods": [goods_line(quantity=units, unit=line.unit, name=line.name) for line, units in gone],
        "references": [consent.order, *consent.references],
    }
    tell(
        store,
        store.who_is_told(consent.customer_id, consent.site_id, role="buyer"),
        kind=NoticeKind.CANCELLED,
        subject=("order", consent.order_id),
        occurrence=f"consent {consent.id} v{consent.version}",
        data=data,
        now=now,
    )


def _ask_for_refund(store: Store, consent: Consent, gone: Sequence[tuple[OpenLine, int]], *, now: datetime) -> None:
    ask_for_refund(store, _owed(consent, gone), today=today_of(now, consent.zone), now=now)


def _owed(consent: Consent, gone: Sequence[tuple[OpenLine, int]]) -> Owed:
    return Owed(
        order_id=consent.order_id,
        order=consent.order,
        customer_id=consent.customer_id,
        customer=consent.customer,
        currency=consent.currency,
        payment=consent.payment,
        salesperson=consent.salesperson,
        zone=consent.zone,
        goods=_goods_in_words([line for line, _units in gone]),
        worth=sum(units * line.price for line, units in gone),
        why="now cancelled",
    )


def _event(store: Store, consent: Consent, kind: str, data: Mapping[str, Any], *, now: datetime, by: str) -> None:
    asked = [
        {"line": line.number, "sku": line.sku, "was": line.was_on, "now": line.now_on, "units": line.free}
        for line in consent.asked
    ]
    store.append_event(
        kind=kind,
        actor=by,
        captured_at=now,
        received_at=now,
        order_id=consent.order_id,
        data={"consent": consent.id, "lines": asked, **data},
    )


def _why(reply: Reply, consent: Consent) -> str:
    match reply.answer:
        case Answer.ACCEPT:
            return "agreed to the new day" if consent.stands_on else "agreed to wait without a day"
        case Answer.OTHER_DAY:
            return f"wants it on {day_words(reply.day)}"
        case Answer.CANCEL:
            return "cancelled by the customer"


def _goods_in_words(lines: Sequence[OpenLine]) -> str:
    shown = ", ".join(f"{line.free} × {line.sku}" for line in lines[:3])
    return shown + (f" and {len(lines) - 3} more" if len(lines) > 3 else "")
