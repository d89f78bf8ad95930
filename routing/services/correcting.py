"""Correcting: a report from a door was wrong. It is kept, a new one takes its place, and everything follows it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from routing.errors import Conflict, InvalidInput
from routing.model.corrections import Corrected, CorrectedLine, ReportInHand, TooMuch
from routing.model.day import VanOfDay
from routing.model.days import day_words
from routing.model.orders import WaitingOrder
from routing.model.payments import OrderAsks, Paid, Payment
from routing.model.proofs import DeliveryReport, Door, DoorDelivery, DoorLine, LoadedLine, ManifestInHand, Outcome
from routing.model.stock import UnitState
from routing.rules.door import Next, Settled, for_the_erp, settle
from routing.rules.paying import due_with, spread
from routing.rules.saying_why import LONGEST_WHY, short_enough
from routing.services import delivering, receiving
from routing.services.door_news import tell_what_happened
from routing.services.going_again import day_to_go_again
from routing.services.paying import ask_about_the_money, paid_facts
from routing.services.settling import ask_about_the_door, redelivery_policy, settled_facts, waits_for

CORRECTED = "The report from this door was corrected."
"""Why a message of the wrong report is withheld."""

_STATES = (UnitState.DELIVERED, UnitState.SHORT, UnitState.DAMAGED, UnitState.REFUSED)


class Reader(Protocol):
    def last_report(self, delivery_id: int) -> ReportInHand: ...
    def manifest_in_hand(self, manifest_id: int, *, lock: bool = False) -> ManifestInHand: ...
    def doors(self, manifest_id: int, stop_ids: Sequence[int]) -> dict[int, Door]: ...
    def vans_of_day(self, *, day: str, depot_id: int) -> tuple[VanOfDay, ...]: ...
    def decided_since(self, delivery_id: int, since: datetime) -> str: ...
    def asks_before(self, report: ReportInHand) -> tuple[OrderAsks, ...]: ...


class Store(delivering.Store, Reader, Protocol):
    """What correcting needs beside what delivering needs."""

    def reported_along(self, report: ReportInHand) -> list[ReportInHand]: ...
    def correct_proof(
        self,
        *,
        report: ReportInHand,
        outcome: Outcome,
        lines: Sequence[DoorLine],
        recipient: str,
        event_id: int,
        why: str,
        by: str,
        now: datetime,
        paid: Sequence[Paid] = (),
    ) -> None: ...
    def forget_paid(self, proof_id: int) -> None: ...
    def answer_money_task(self, delivery_id: int, *, why: str, by: str, now: datetime) -> None: ...
    def delivery_corrected(
        self, *, delivery_id: int, state: str, attempts: int, for_day: str, waits_for: str
    ) -> None: ...
    def answer_door_tasks(self, delivery_id: int, *, why: str, by: str, now: datetime) -> int: ...
    def beyond_the_order(self, line_ids: Collection[int]) -> list[TooMuch]: ...
    def beyond_the_customer(self, allocation_ids: Collection[int]) -> list[TooMuch]: ...
    def want_again(self, *, line_id: int, quantity: int) -> None: ...
    def withhold_door_news(self, report: ReportInHand, *, why: str) -> tuple[int, bool]: ...
    def promise_as_before(self, *, delivery_id: int, since: datetime, why: str, by: str, now: datetime) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Correctable:
    """A report that may be corrected, and its delivery as it stood at the door before it."""

    manifest: ManifestInHand
    door: Door
    delivery: DoorDelivery
    report: ReportInHand


@dataclass(frozen=True, slots=True, kw_only=True)
class _Putting:
    """One report that is put right: what it `was`, what it `is_now`, and what everything that follows needs to know.

    `who` received it; `next_day`: the day on which the door is served next, "" for none. `paid`: what was due and
    collected, as it is now.
    """

    manifest: ManifestInHand
    door: Door
    delivery: DoorDelivery
    report: ReportInHand
    was: Settled
    is_now: Settled
    who: str
    lines: tuple[CorrectedLine, ...]
    paid: tuple[Paid, ...]
    of_the_erp: Collection[int]
    next_day: str
    why: str
    now: datetime
    by: str

    @property
    def fetches(self) -> bool:
        return self.delivery.direction != "deliver"

    @property
    def is_the_erps(self) -> bool:
        return self.delivery.id in self.of_the_erp

    @property
    def goes_again(self) -> bool:
        return self.is_now.next is Next.NEXT_DELIVERY_DAY and bool(self.next_day)

    @property
    def went_again(self) -> bool:
        return self.was.next is Next.NEXT_DELIVERY_DAY

    @property
    def products(self) -> set[int]:
        return {each.product_id for each in self.delivery.lines}


def report_to_correct(store: Reader, delivery_id: int, *, seen: int | None = None) -> Correctable:
    """Raises NotFound without a report, Conflict where it is too late."""
    report = store.last_report(delivery_id)
    manifest = store.manifest_in_hand(report.manifest_id)
    door = store.doors(manifest.id, [report.stop_id])[report.stop_id]
    delivery = next(each for each in door.deliveries if each.id == delivery_id)
    _refuse_what_is_over(store, manifest, delivery, report, seen=seen)
    delivery = replace(as_it_was(delivery, report), asks=store.asks_before(report))
    return Correctable(manifest=manifest, door=door, delivery=delivery, report=report)


def correct_report(
    *,
    store: Store,
    report: DeliveryReport,
    why: str,
    now: datetime,
    by: str,
    secret: bytes,
    recipient: str = "",
    seen: int | None = None,
) -> Corrected:
    """Puts the last report about a delivery or a collection right, with all that follows from it, in one transaction.

    Units go back and forth between the customer, the van and the queue; what waits for goods no more gives them to who
    is next. Messages of the wrong report that have not gone out are withheld and what is true is written instead; of
    what was fetched nobody was written to. The signature and the photos stay. `recipient`: who received it, "" as
    before. `seen`: how often it had been corrected when it was looked at. What is due at the door follows the counts;
    what was collected is as before unless `report.payments` says otherwise.

    Raises NotFound without a report; InvalidInput for counts that do not add up, for the same again and for no reason;
    Conflict when the van was counted, when somebody decided about the door or corrected it meanwhile, when what waited
    is on its way again, or when what it takes back was fetched back meanwhile.
    """
    why = " ".join(why.split())
    if not why:
        raise InvalidInput("Say why the report is corrected: it stands with the delivery.", code="why")
    short_enough(why)
    if len(recipient) > LONGEST_WHY:
        raise InvalidInput(
            f"The name of who received it has {len(recipient)} characters. Write it in {LONGEST_WHY}.", code="recipient"
        )
    store.manifest_in_hand(store.last_report(report.delivery_id).manifest_id, lock=True)
    found = report_to_correct(store, report.delivery_id, seen=seen)
    one = _put_right(store, found, report, recipient=recipient, why=why, now=now, by=by)
    store.lock_pools(one.manifest.depot_id, one.products)
    orders = set() if one.fetches else {each.order_id for each in one.delivery.lines}
    stood = receiving.how_they_stand(store, one.manifest.depot_id, orders, now=now)
    event_id = _note(store, one)
    _book(store, one)
    store.correct_proof(
        report=one.report, outcome=one.is_now.outcome, lines=one.is_now.lines, recipient=one.who, event_id=event_id,
        why=why, by=by, now=now, paid=one.paid,
    )  # fmt: skip
    answered = _end_anew(store, one)
    _pay_anew(store, one)
    _refuse_what_was_fetched(store, one)
    _give_out_again(store, one, stood)
    withheld, told, written = (0, False, 0) if one.fetches else _tell_anew(store, one, event_id, secret)
    return Corrected(
        delivery=one.delivery.number,
        site=one.door.site,
        vehicle=one.manifest.vehicle,
        before=one.was.outcome,
        after=one.is_now.outcome,
        recipient_before=one.report.recipient,
        recipient_after=one.who,
        lines=one.lines,
        next=one.is_now.next.value,
        next_day=one.next_day if one.goes_again else "",
        withheld=withheld,
        told=told,
        written=written,
        settled_task=bool(answered),
        fetches=one.fetches,
        paid_before=one.report.paid,
        paid_after=one.paid,
    )


def _put_right(
    store: Store, found: Correctable, report: DeliveryReport, *, recipient: str, why: str, now: datetime, by: str
) -> _Putting:
    """Raises InvalidInput for counts that do not add up and for the same again."""
    manifest, door, before, mine = found.manifest, found.door, found.report, found.delivery
    of_the_erp = store.released_by_erp([each.id for each in door.deliveries])
    was, is_now = (
        _settled(store, manifest, door, mine, each, of_the_erp)
        for each in (DeliveryReport(delivery_id=mine.id, outcome=before.outcome, lines=before.lines), report)
    )
    who = recipient or before.recipient
    paid = _paid_now(store, before, is_now, report.payments)
    said = (was.outcome, _named(was.lines), before.recipient, _by_order(before.paid))
    if said == (is_now.outcome, _named(is_now.lines), who, _by_order(paid)):
        raise InvalidInput(f"{mine.number} was reported like this already. Change what was wrong.", code="same")
    return _Putting(
        manifest=manifest,
        door=door,
        delivery=mine,
        report=before,
        was=was,
        is_now=is_now,
        who=who,
        lines=_lines(mine.lines, was, is_now),
        paid=paid,
        of_the_erp=of_the_erp,
        next_day=day_to_go_again(store, depot_id=manifest.depot_id, site_id=door.site_id, now=now, tried=manifest.day),
        why=why,
        now=now,
        by=by,
    )


def _paid_now(
    store: Store, before: ReportInHand, is_now: Settled, payments: Sequence[Payment] | None
) -> tuple[Paid, ...]:
    """What is due by the report as it is now, and what was collected. Raises InvalidInput for money in a currency that
    no order of it has."""
    if payments is None:
        payments = [
            Payment(currency=each.currency, amount=amount, method=method)
            for each in before.paid
            for method, amount in each.collected
        ]
    owed = list(due_with(is_now))
    owed += [
        Paid(delivery_id=delivery_id, order_id=order_id, currency=currency, due=0)
        for delivery_id, order_id, currency in store.orders_brought([is_now.delivery.id])
        if not any(each.order_id == order_id for each in owed)
    ]
    # What is more than was due goes with what was due, not with an order that asks for nothing.
    owed.sort(key=lambda each: each.due > 0)
    paid = spread(owed, [each for each in payments if each.amount])
    return tuple(each for each in paid if each.due or each.collected)


def _by_order(paid: Sequence[Paid]) -> Mapping[int | None, Paid]:
    return {each.order_id: replace(each, collected=tuple(sorted(each.collected))) for each in paid}


def _pay_anew(store: Store, one: _Putting) -> None:
    """What was due and collected as it is now, and the question about it."""
    store.forget_paid(one.report.proof_id)
    proofs = {one.delivery.id: one.report.proof_id}
    store.add_paid(one.paid, shift_id=one.manifest.shift_id, proofs=proofs, by=one.by, now=one.now)
    store.answer_money_task(one.delivery.id, why=one.why, by=one.by, now=one.now)
    ask_about_the_money(store, one.manifest, one.door, one.delivery.number, one.paid, now=one.now)


def _note(store: Store, one: _Putting) -> int:
    """The event that says both; its key."""
    return store.append_event(
        kind="report.corrected",
        actor=one.by,
        captured_at=one.now,
        received_at=one.now,
        data={
            "before": settled_facts(one.was),
            "after": settled_facts(one.is_now),
            **({"paid_before": paid_facts(one.report.paid)} if one.report.paid else {}),
            **({"paid": paid_facts(one.paid)} if one.paid else {}),
            "why": one.why,
            "reported_in": one.report.event_id,
        },
        delivery_id=one.delivery.id,
        shift_id=one.manifest.shift_id,
        plan_id=one.manifest.plan_id,
        site_id=one.door.site_id,
    )


def _book(store: Store, one: _Putting) -> None:
    """The goods, and what the order wants of them. Raises Conflict when what waited is on its way again."""
    held_by = one.report.held_by or one.manifest.vehicle_id
    _move(store, one.manifest, one.delivery, one.lines, held_by=held_by, now=one.now, by=one.by)
    if one.fetches:
        return
    if one.is_the_erps:
        for line, each in zip(one.delivery.lines, one.lines, strict=True):
            if each.waits < 0:
                store.want_again(line_id=line.order_line_id, quantity=-each.waits)
        store.cancel_what_is_open([one.delivery.id])
    if too_much := store.beyond_the_order({each.order_line_id for each in one.delivery.lines}):
        raise Conflict(_on_its_way_again(too_much[0]), code="on_its_way_again", delivery=one.delivery.id)


def _end_anew(store: Store, one: _Putting) -> int:
    """The delivery as it ends now, and the question that a person is asked; how many questions were answered by it."""
    answered = store.answer_door_tasks(one.delivery.id, why=one.why, by=one.by, now=one.now)
    store.delivery_corrected(
        delivery_id=one.delivery.id,
        state="done" if one.is_now.is_done else "failed",
        attempts=one.is_now.attempts,
        for_day=one.next_day if one.goes_again else one.manifest.day,
        waits_for=waits_for(one.is_now, one.next_day),
    )
    ask_about_the_door(
        store=store, manifest=one.manifest, door=one.door, settled=one.is_now, next_day=one.next_day, now=one.now
    )
    return answered


def _refuse_what_was_fetched(store: Store, one: _Putting) -> None:
    allocations = {each.allocation_id for each in one.delivery.lines if each.allocation_id > 0}
    if too_much := store.beyond_the_customer(allocations):
        raise Conflict(_fetched_back(too_much[0]), code="fetched_back", delivery=one.delivery.id)


def _give_out_again(store: Store, one: _Putting, stood: Mapping[int, WaitingOrder | None]) -> None:
    """Goods to what waits now, or from what waits no longer; and the promise from before, where it holds again."""
    if any(each.waits for each in one.lines) and not one.is_the_erps and not store.erp_allocates():
        receiving.reallocate(
            store,
            depot_id=one.manifest.depot_id,
            product_ids=one.products,
            now=one.now,
            by=one.by,
            why=f"the report of {one.delivery.number} was corrected",
            tell=False,
            stood=stood,
        )
    if one.went_again and one.is_now.next is not Next.NEXT_DELIVERY_DAY:
        store.promise_as_before(
            delivery_id=one.delivery.id,
            since=one.report.received_at,
            why="the report from the door was corrected",
            by=one.by,
            now=one.now,
        )


def _tell_anew(store: Store, one: _Putting, event_id: int, secret: bytes) -> tuple[int, bool, int]:
    """How many messages of the wrong report are withheld, whether some had gone out, and how many are written instead:
    one message told of all that the report said of this door."""
    withheld, told = store.withhold_door_news(one.report, why=CORRECTED)
    at_door = {each.id: each for each in one.door.deliveries}
    along = [
        _settled(
            store,
            one.manifest,
            one.door,
            as_it_was(at_door[each.delivery_id], each),
            DeliveryReport(delivery_id=each.delivery_id, outcome=each.outcome, lines=each.lines),
            one.of_the_erp,
        )
        for each in store.reported_along(one.report)
        if at_door[each.delivery_id].direction == "deliver"
    ]
    written = tell_what_happened(
        store=store,
        manifest=one.manifest,
        door=one.door,
        settled=[one.is_now, *along],
        next_day=one.next_day,
        now=one.now,
        secret=secret,
        promise=[one.delivery.id] if one.goes_again and not one.went_again else [],
        corrects=event_id,
        was_told=told,
        read_delivered=told and one.was.total("delivered") > 0,
    )
    return withheld, told, written


def as_it_was(delivery: DoorDelivery, report: ReportInHand) -> DoorDelivery:
    """The delivery as it stood at the door before this report: its goods on the van again."""
    counted = {each.allocation_id: each.accounted for each in report.lines}
    return replace(
        delivery,
        attempts=delivery.attempts - (1 if report.outcome.counts_as_attempt else 0),
        lines=tuple(replace(each, loaded=each.loaded + counted.get(each.allocation_id, 0)) for each in delivery.lines),
    )


def _settled(
    store: Store,
    manifest: ManifestInHand,
    door: Door,
    delivery: DoorDelivery,
    report: DeliveryReport,
    of_the_erp: Collection[int],
) -> Settled:
    one = settle(report, delivery, redelivery_policy(store.policies(), delivery, door, manifest.day))
    return for_the_erp(one) if delivery.id in of_the_erp else one


def _named(lines: Sequence[DoorLine]) -> Mapping[int, DoorLine]:
    return {each.allocation_id: each for each in lines if each != DoorLine(allocation_id=each.allocation_id)}


def _lines(loaded: Sequence[LoadedLine], was: Settled, is_now: Settled) -> tuple[CorrectedLine, ...]:
    before, after = _named(was.lines), _named(is_now.lines)
    return tuple(
        CorrectedLine(
            product=each.product,
            unit=each.unit,
            loaded=each.loaded,
            before=before.get(each.allocation_id, DoorLine(allocation_id=each.allocation_id)),
            after=after.get(each.allocation_id, DoorLine(allocation_id=each.allocation_id)),
        )
        for each in loaded
    )


# ---------------------------------------------------------------------------- what stands in the way


def _refuse_what_is_over(
    store: Reader, manifest: ManifestInHand, delivery: DoorDelivery, report: ReportInHand, *, seen: int | None
) -> None:
    if seen is not None and seen != report.times:
        raise Conflict("Somebody corrected this report meanwhile. Look at it again.", code="shown_is_old")
    held_by = report.held_by or manifest.vehicle_id
    counted = [
        van.vehicle
        for van in store.vans_of_day(day=manifest.day, depot_id=manifest.depot_id)
        if van.closed and van.vehicle_id == held_by
    ]
    if counted or manifest.counted:
        raise Conflict(
            f"{(counted or [manifest.vehicle])[0]} was counted already on {day_words(manifest.day)}, and its goods are "
            "booked by that count. Goods that are here after all: recount them under Stock. Goods that the customer "
            "has and should not: have them fetched back from the order's page.",
            code="van_closed",
        )
    if delivery.state not in ("done", "failed"):
        raise Conflict(
            f"{delivery.number} went on since: its goods are back at the depot or on another van. Correct it where it "
            "is now.",
            code="went_on",
        )
    if decided := store.decided_since(delivery.id, report.received_at):
        raise Conflict(
            f"Somebody decided about {delivery.number} already: {decided.rstrip('.')}. The report can not be corrected "
            "any more; recount the goods, or have them fetched back from the order's page.",
            code="decided",
        )


def _on_its_way_again(one: TooMuch) -> str:
    how = (
        f"is on its way again with {', '.join(one.deliveries)}: take that back first"
        if one.deliveries
        else "is not wanted any more: the order was changed meanwhile"
    )
    return f"{one.units} of {one.product} of {one.order} waited for goods since this report, and {how}."


def _fetched_back(one: TooMuch) -> str:
    return (
        f"{one.units} of {one.product} of {one.order} are fetched back by {', '.join(one.deliveries)}, so they were "
        "handed over. Take that back first, or correct it."
    )


# ---------------------------------------------------------------------------- what is booked


def _move(
    store: Store,
    manifest: ManifestInHand,
    delivery: DoorDelivery,
    lines: Sequence[CorrectedLine],
    *,
    held_by: int,
    now: datetime,
    by: str,
) -> None:
    """Units go by way of the van, where all of them were; what is not at the customer is on its account until it is
    counted."""
    had, van = f"vehicle:{held_by}", f"vehicle:{manifest.vehicle_id}"
    for loaded, line in zip(delivery.lines, lines, strict=True):
        changes = {state: getattr(line.after, state.value) - getattr(line.before, state.value) for state in _STATES}
        for state, units in changes.items():
            if units < 0:
                _units(store, line.after.allocation_id, state, UnitState.LOADED, -units, delivery)
        for state, units in changes.items():
            if units > 0:
                _units(store, line.after.allocation_id, UnitState.LOADED, state, units, delivery)
        is_empties = line.after.is_empties
        for units, here, there in (
            (line.handed_over, had, "delivered"),
            (line.fetched, "customer" if is_empties else "delivered", van),
        ):
            if units:
                store.add_movement(
                    at=now,
                    product_id=loaded.product_id,
                    quantity=abs(units),
                    from_place=here if units > 0 else there,
                    to_place=there if units > 0 else here,
                    why="report corrected",
                    by=by,
                    allocation_id=None if is_empties else loaded.allocation_id,
                    delivery_id=delivery.id,
                )


def _units(
    store: Store, allocation_id: int, before: UnitState, after: UnitState, quantity: int, delivery: DoorDelivery
) -> None:
    try:
        store.move_units(allocation_id=allocation_id, from_state=before, to_state=after, quantity=quantity)
    except Conflict as moved_on:
        raise Conflict(
            f"{quantity} units of {delivery.number} are not {before.value} any more: somebody decided about them "
            "meanwhile. Look at the delivery again.",
            code="went_on",
        ) from moved_on
