"""Offers other goods for what comes too late, and sends them once somebody said yes: by the policy `substitutes`.

An offer is what the usual decision would do: it stands only when the goods lie there, nobody else loses any, and they
come sooner. Taking it is one transaction: the late units are taken off the line, a line of the substitute stands
beside it in the same order, decided as every line is, promised at the customer's wish.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from routing.errors import Conflict, NotAllowed
from routing.model.amounts import how_many
from routing.model.consents import Consent, SubstituteRule
from routing.model.days import day_words, today_of
from routing.model.notices import NoticeKind, goods_line
from routing.model.orders import WaitingOrder
from routing.model.tasks import TaskKind
from routing.rules.policies import PolicyBook
from routing.rules.promises import AT_CUSTOMERS_WISH, NewPromise
from routing.rules.substitutes import (
    NEW_LINE,
    NO_DAY,
    Offer,
    ShortLine,
    ShortOrder,
    Substitute,
    free_units,
    number_of_substitute,
    offers,
    rule_of,
    with_offer,
)
from routing.services import allocating, reaching, receiving, refunding
from routing.services.locking import LocksInSteps
from routing.services.telling import notice_data, tell

CUSTOMER = "customer"
TAKES_A_SUBSTITUTE = "takes a substitute"
"""What came of a task about goods that others replaced."""


class Reader(allocating.Reader, Protocol):
    def policies(self) -> PolicyBook: ...
    def short_order(self, order_id: int, *, now: datetime) -> ShortOrder: ...
    def substitutes_of(self, product_ids: Collection[int]) -> dict[int, tuple[Substitute, ...]]: ...


class Store(Reader, receiving.Store, refunding.Store, Protocol):
    def line_numbers(self, order_id: int) -> list[str]: ...
    def add_lines(self, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[int, str], int]: ...
    def cancel_units(self, *, line_id: int, quantity: int) -> None: ...
    def delay_of(self, order_id: int) -> Consent | None: ...
    def consent(self, consent_id: int, *, lock: bool = False) -> Consent: ...
    def set_consent(self, consent_id: int, values: Mapping[str, Any]) -> None: ...
    def finish_tasks(
        self, *, kind: TaskKind, subject_kind: str, subject_id: int, outcome: str, by: str, now: datetime
    ) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An offer that would hold now. `day`: the ISO day on which the substitute would come."""

    offer: Offer
    day: str
    consent: SubstituteRule

    @property
    def line(self) -> ShortLine:
        return self.offer.line

    @property
    def key(self) -> str:
        """What a form says of it, so that another offer than the one that was seen is never taken."""
        of = self.offer
        return f"{of.line.id}:{of.substitute.product_id}:{of.replaced}:{of.given}:{of.price}"


def proposals(store: Reader, order_id: int, *, now: datetime, locking: LocksInSteps | None = None) -> list[Proposal]:
    """One for each line of the order for which there is any. None where the policy says never, or the ERP allocates.

    `locking`: what each reaches stays locked until the end of the transaction. Raises NotFound.
    """
    order = store.short_order(order_id, now=now)
    rule = _rule(store, order, now)
    if rule is SubstituteRule.NEVER or store.erp_allocates():
        return []
    lines = [line for line in order.lines if line.lacking]
    named = store.substitutes_of({line.product_id for line in lines}) if lines else {}
    found = []
    for line in lines:
        if substitutes := named.get(line.product_id, ()):
            made = _proposal(store, order, line, substitutes, rule, now, locking)
            found += [made] if made else []
    return found


def take(
    store: Store, order_id: int, *, key: str, now: datetime, by: str = CUSTOMER, consent_id: int | None = None
) -> int:
    """Sends the substitute of the offer with this key; returns the new line's id.

    `by` another than the customer: a person who has the customer's yes, or needs none. `consent_id`: the question on
    whose page it was taken, which offers only for what it asks about; any that is open about the line is settled by
    it. Raises Conflict "substitute_gone" when the offer does not hold any more, "consent_closed" when it is too late to
    answer, NotAllowed by the policy.
    """
    order = store.short_order(order_id, now=now)
    products = {line.product_id for line in order.lines}
    named = store.substitutes_of(products)
    products |= {each.product_id for substitutes in named.values() for each in substitutes}
    store.lock_pools(order.depot_id, products)
    question = _question(store, order_id, consent_id, by=by, now=now)
    # Read again: it may have changed while we waited for the lock.
    order = store.short_order(order_id, now=now)
    if _rule(store, order, now) is SubstituteRule.NEVER:
        raise NotAllowed("This customer takes no substitutes: the policy says never.", code="substitutes")
    proposal = next((each for each in proposals(store, order_id, now=now, locking=store) if each.key == key), None)
    if proposal is None or (consent_id is not None and question is not None and not _asked(question, proposal)):
        raise _gone()
    new_line = _write(store, order, proposal, now=now, by=by)
    if question is not None:
        _settle(store, question, proposal, new_line, now=now, by=by)
    _no_more_calls(store, order_id, now=now, by=by)
    return new_line


def _rule(store: Reader | Store, order: ShortOrder, now: datetime) -> SubstituteRule:
    return rule_of(store.policies(), day=today_of(now, order.zone), customer_id=order.customer_id, order_id=order.id)


def _proposal(
    store: Reader,
    order: ShortOrder,
    line: ShortLine,
    substitutes: Sequence[Substitute],
    rule: SubstituteRule,
    now: datetime,
    locking: LocksInSteps | None,
) -> Proposal | None:
    """The best that would hold, as the usual decision shows it: nothing is written."""
    products = {line.product_id, *(each.product_id for each in substitutes)}
    free = free_units(store.book(order.depot_id, products, now=now, reaching=True))
    # Its own goods may lie there too: for a ship-complete order that waits for something else.
    own = replace(line, in_time=line.in_time + free.get(line.product_id, 0))
    there = [replace(each, free=free.get(each.product_id, 0)) for each in substitutes]
    for offer in offers(own, there):
        decision = reaching.decide_change(
            store, order.depot_id, products, partial(with_offer, offer=offer), now=now, why="", locking=locking
        )
        after = {change.line_id: change for change in decision.preview.lines}
        goes = NEW_LINE in after and after.pop(NEW_LINE).firm_after == offer.given
        loses = any(each.firm_after < each.firm_before for each in after.values())
        day = decision.dates.expected.get(NEW_LINE, "")
        if goes and not loses and day and day < (line.expected_on or NO_DAY):
            return Proposal(offer=offer, day=day, consent=rule)
    return None


def _question(store: Store, order_id: int, consent_id: int | None, *, by: str, now: datetime) -> Consent | None:
    """The open question about the order, kept from others until the end."""
    if consent_id is None:
        asked = store.delay_of(order_id)
        return store.consent(asked.id, lock=True) if asked else None
    question = store.consent(consent_id, lock=True)
    over = now >= question.due_at and question.answer is not None
    if question.closed_at is not None or (by == CUSTOMER and over):
        raise Conflict("The time to answer is over. Call us, and we find a way.", code="consent_closed")
    return question


def _write(store: Store, order: ShortOrder, proposal: Proposal, *, now: datetime, by: str) -> int:
    offer, line = proposal.offer, proposal.line
    number = number_of_substitute(line.number, store.line_numbers(order.id))
    why = f"substitute for line {line.number} of order {order.number}"
    stood = receiving.how_they_stand(store, order.depot_id, [order.id], now=now)
    store.cancel_units(line_id=line.id, quantity=offer.replaced)
    new = {
        "order_id": order.id,
        "number": number,
        "product_id": offer.substitute.product_id,
        "quantity": offer.given,
        "unit_price": offer.price,
        "instead_of_id": line.id,
        "instead_of_units": offer.replaced,
    }
    new_line = store.add_lines([new])[order.id, number]
    reached = _tell(store, order, proposal, new_line, now=now)
    promise = NewPromise(
        line_id=new_line, version=1, promised_on=proposal.day, why=AT_CUSTOMERS_WISH, first=True, slip=False
    )
    # Who is on the phone or on the page hears it there; of what is only allowed, the message tells.
    told = [new_line] if reached or by == CUSTOMER or proposal.consent is SubstituteRule.ASK else []
    store.add_promises([promise], by=by, made_at=now, told=told)
    preview = receiving.reallocate(
        store,
        depot_id=order.depot_id,
        product_ids={line.product_id, offer.substitute.product_id},
        now=now,
        by=by,
        why=why,
        stood=stood,
    )
    if not any(each.line_id == new_line and each.firm_after == offer.given for each in preview.lines):
        raise _gone()
    store.append_event(
        kind="substituted",
        actor=by,
        captured_at=now,
        received_at=now,
        order_id=order.id,
        data={
            "line": line.number,
            "sku": line.sku,
            "units": offer.replaced,
            "substitute": offer.substitute.sku,
            "given": offer.given,
            "day": proposal.day,
            "agreed": offer.agreed,
            "worth": offer.worth,
            "policy": proposal.consent.value,
        },
    )
    refunding.ask_for_refund(
        store,
        refunding.Owed(
            order_id=order.id,
            order=order.number,
            customer_id=order.customer_id,
            customer=order.customer,
            currency=order.currency,
            payment=order.payment,
            salesperson=order.salesperson,
            zone=order.zone,
            goods=f"{offer.given} × {offer.substitute.sku} instead of {offer.replaced} × {line.sku}",
            worth=offer.agreed - offer.worth,
            why="the difference to a cheaper substitute",
        ),
        today=today_of(now, order.zone),
        now=now,
    )
    return new_line


def _tell(store: Store, order: ShortOrder, proposal: Proposal, new_line: int, *, now: datetime) -> bool:
    """The message that says what comes, when, and what of the order still waits; without anybody to write to, a call
    where nobody was asked. Whether somebody is written to."""
    offer, company = proposal.offer, store.company()
    contacts = store.who_is_told(order.customer_id, order.site_id, role="buyer")
    lines = store.waiting_lines(order.depot_id, [order.id])[order.id]
    waiting = [line for line in lines if line.id != new_line and line.expected_on != proposal.day]
    of = WaitingOrder(
        id=order.id,
        number=order.number,
        customer_id=order.customer_id,
        customer=order.customer,
        site_id=order.site_id,
        site=order.site,
        ordered_at=now,
        references=order.references,
        lines=(),
    )
    data = notice_data(company, of, [], waiting, day=proposal.day)
    data["goods"] = [
        goods_line(
            quantity=offer.given,
            unit=offer.substitute.unit,
            name=offer.substitute.name,
            instead_of=f"{how_many(offer.replaced, offer.line.unit)} {offer.line.name}",
        )
    ]
    tell(
        store,
        contacts,
        kind=NoticeKind.DATE_GIVEN,
        subject=("order", order.id),
        occurrence=f"substitute {new_line}",
        data=data,
        now=now,
    )
    if not contacts and proposal.consent is SubstituteRule.ALLOWED:
        store.add_task(
            kind=TaskKind.CALL_CUSTOMER,
            # A call about the order's dates is another one: neither may write over the other.
            subject_kind="order_line",
            subject_id=new_line,
            sentence=f"Call {order.customer}: {offer.given} × {offer.substitute.sku} "
            f"come on {day_words(proposal.day)} instead of {offer.replaced} × {offer.line.sku} "
            f"of order {order.number}, and nobody there agreed to messages.",
            made_at=now,
            assignee=order.salesperson,
            data={"day": proposal.day, "why": "substitute", "order": order.id, "lines": [new_line]},
        )
    return bool(contacts)


def _settle(store: Store, question: Consent, proposal: Proposal, new_line: int, *, now: datetime, by: str) -> None:
    """A question of which nothing is left to ask is closed by it; else it stays open about the rest."""
    if not _asked(question, proposal):
        return
    if not store.consent(question.id).on_its_way:
        store.set_consent(question.id, {})  # the same question, about what is left: its version says so
        return
    store.set_consent(
        question.id,
        {
            "chosen": str(new_line),
            "answered_by": by,
            "answered_at": now,
            "closed_at": now,
            "closed_why": "substituted",
        },
    )
    store.finish_tasks(
        kind=TaskKind.DELAY_CONSENT,
        subject_kind="consent",
        subject_id=question.id,
        outcome=TAKES_A_SUBSTITUTE,
        by=by,
        now=now,
    )


def _no_more_calls(store: Store, order_id: int, *, now: datetime, by: str) -> None:
    """Closes the calls about the order's late days, and the search for its goods, once nothing of it comes late."""
    if any(line.lacking for line in store.short_order(order_id, now=now).lines):
        return
    for kind in (TaskKind.CALL_CUSTOMER, TaskKind.NO_DATE):
        store.finish_tasks(
            kind=kind, subject_kind="order", subject_id=order_id, outcome=TAKES_A_SUBSTITUTE, by=by, now=now
        )


def _asked(question: Consent, proposal: Proposal) -> bool:
    return any(line.id == proposal.line.id for line in question.asked)


def _gone() -> Conflict:
    return Conflict(
        "This substitute is not there any more as it was shown. Look at what is offered now.", code="substitute_gone"
    )
