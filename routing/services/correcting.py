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
from routing.model.proofs import DeliveryReport, Door, DoorDelivery, DoorLine, LoadedLine, ManifestInHand, Outcome
from routing.model.stock import UnitState
from routing.rules.door import Next, Settled, for_the_erp, settle
from routing.services import delivering, receiving
from routing.services.door_news import tell_what_happened
from routing.services.going_again import day_to_go_again
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
    ) -> None: ...
    def delivery_corrected(
        self, *, delivery_id: int, state: str, attempts: int, for_day: str, waits_for: str
    ) -> None: ...
    def answer_door_tasks(self, delivery_id: int, *, why: str, by: str, now: datetime) -> int: ...
    def beyond_the_order(self, line_ids: Collection[int]) -> list[TooMuch]: ...
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


def report_to_correct(store: Reader, delivery_id: int, *, seen: int | None = None) -> Correctable:
    """Raises NotFound without a report, InvalidInput for a collection, Conflict where it is too late."""
    report = store.last_report(delivery_id)
    manifest = store.manifest_in_hand(report.manifest_id)
    door = store.doors(manifest.id, [report.stop_id])[report.stop_id]
    delivery = next(each for each in door.deliveries if each.id == delivery_id)
    _refuse_what_is_over(store, manifest, delivery, report, seen=seen)
    return Correctable(manifest=manifest, door=door, delivery=as_it_was(delivery, report), report=report)


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
    """Puts the last report about a delivery right, with all that follows from it, in one transaction.

    Units go back and forth between the customer, the van and the queue; what waits for goods no more gives them to who
    is next. Messages of the wrong report that have not gone out are withheld and what is true is written instead. The
    signature and the photos stay. `recipient`: who received it, "" as before. `seen`: how often it had been corrected
    when it was looked at.

    Raises NotFound without a report; InvalidInput for counts that do not add up, for the same again, for no reason, and
    of a collection; Conflict when the van was counted, when somebody decided about the door or corrected it meanwhile,
    or when what waited is on its way again.
    """
    why = " ".join(why.split())
    if not why:
        raise InvalidInput("Say why the report is corrected: it stands with the delivery.", code="why")
    store.manifest_in_hand(store.last_report(report.delivery_id).manifest_id, lock=True)
    found = report_to_correct(store, report.delivery_id, seen=seen)
    manifest, door, before, mine = found.manifest, found.door, found.report, found.delivery
    of_the_erp = store.released_by_erp([each.id for each in door.deliveries])
    was, is_now = (
        _settled(store, manifest, door, mine, each, of_the_erp)
        for each in (DeliveryReport(delivery_id=mine.id, outcome=before.outcome, lines=before.lines), report)
    )
    who = recipient or before.recipient
    if (was.outcome, _named(was.lines), who) == (is_now.outcome, _named(is_now.lines), before.recipient):
        raise InvalidInput(f"{mine.number} was reported like this already. Change what was wrong.", code="same")
    lines = _lines(mine.lines, was, is_now)
    next_day = day_to_go_again(store, depot_id=manifest.depot_id, site_id=door.site_id, now=now, tried=manifest.day)
    products = {each.product_id for each in mine.lines}
    store.lock_pools(manifest.depot_id, products)
    stood = receiving.how_they_stand(store, manifest.depot_id, {each.order_id for each in mine.lines}, now=now)

    event_id = store.append_event(
        kind="report.corrected",
        actor=by,
        captured_at=now,
        received_at=now,
        data={"before": settled_facts(was), "after": settled_facts(is_now), "why": why, "reported_in": before.event_id},
        delivery_id=mine.id,
        shift_id=manifest.shift_id,
        plan_id=manifest.plan_id,
        site_id=door.site_id,
    )
    _move(store, manifest, mine, lines, held_by=before.held_by or manifest.vehicle_id, now=now, by=by)
    if mine.id in of_the_erp:
        for line, each in zip(mine.lines, lines, strict=True):
            if each.waits < 0:
                store.want_again(line_id=line.order_line_id, quantity=-each.waits)
        store.cancel_what_is_open([mine.id])
    elif too_much := store.beyond_the_order({each.order_line_id for each in mine.lines}):
        raise Conflict(_on_its_way_again(too_much[0]), code="on_its_way_again", delivery=mine.id)
    store.correct_proof(
        report=before, outcome=is_now.outcome, lines=is_now.lines, recipient=who, event_id=event_id, why=why, by=by,
        now=now,
    )  # fmt: skip
    settled_task = store.answer_door_tasks(mine.id, why=why, by=by, now=now)
    goes_again = is_now.next is Next.NEXT_DELIVERY_DAY and bool(next_day)
    store.delivery_corrected(
        delivery_id=mine.id,
        state="done" if is_now.is_done else "failed",
        attempts=is_now.attempts,
        for_day=next_day if goes_again else manifest.day,
        waits_for=waits_for(is_now, next_day),
    )
    ask_about_the_door(store=store, manifest=manifest, door=door, settled=is_now, next_day=next_day, now=now)
    if any(each.waits for each in lines) and mine.id not in of_the_erp and not store.erp_allocates():
        receiving.reallocate(
            store,
            depot_id=manifest.depot_id,
            product_ids=products,
            now=now,
            by=by,
            why=f"the report of {mine.number} was corrected",
            tell=False,
            stood=stood,
        )
    if was.next is Next.NEXT_DELIVERY_DAY and is_now.next is not Next.NEXT_DELIVERY_DAY:
        store.promise_as_before(
            delivery_id=mine.id, since=before.received_at, why="the report from the door was corrected", by=by,
            now=now,
        )  # fmt: skip
    withheld, told = store.withhold_door_news(before, why=CORRECTED)
    along = [
        _settled(
            store,
            manifest,
            door,
            as_it_was(next(one for one in door.deliveries if one.id == each.delivery_id), each),
            DeliveryReport(delivery_id=each.delivery_id, outcome=each.outcome, lines=each.lines),
            of_the_erp,
        )
        for each in store.reported_along(before)
    ]
    written = tell_what_happened(
        store=store,
        manifest=manifest,
        door=door,
        settled=[is_now, *along],
        next_day=next_day,
        now=now,
        secret=secret,
        promise=[mine.id] if goes_again and was.next is not Next.NEXT_DELIVERY_DAY else [],
        corrects=event_id,
        was_told=told,
    )
    return Corrected(
        delivery=mine.number,
        site=door.site,
        vehicle=manifest.vehicle,
        before=was.outcome,
        after=is_now.outcome,
        lines=lines,
        next=is_now.next.value,
        next_day=next_day if goes_again else "",
        withheld=withheld,
        told=told,
        written=written,
        settled_task=bool(settled_task),
    )


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
    if delivery.direction != "deliver":
        raise InvalidInput(
            f"{delivery.number} fetches goods: what came back is counted with {manifest.vehicle} in the evening.",
            code="collection",
        )
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
        for units, here, there in (
            (line.handed_over, had, "delivered"),
            (line.after.collected - line.before.collected, "delivered", van),
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
                    allocation_id=loaded.allocation_id,
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
