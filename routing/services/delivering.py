"""Delivering: what a driver reports from a door is recorded exactly once, with all that follows from it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from routing.errors import Conflict, InvalidInput
from routing.model.proofs import (
    Door,
    DoorDelivery,
    DoorEvent,
    DoorReport,
    KeptFile,
    LoadedLine,
    ManifestInHand,
)
from routing.model.stock import UnitState
from routing.model.tasks import TaskKind
from routing.rules.door import (
    Next,
    RedeliveryPolicy,
    Settled,
    for_the_erp,
    is_far,
    metres_from_address,
    settle,
    strictest,
    why_in,
)
from routing.rules.policies import PolicyBook
from routing.services import boarding, door_news, receiving
from routing.services.boarding import (
    ask_about_the_vans,
    load_by_word,
    not_with_us,
    note_what_is_not_here,
    refuse_unless_another_van_had_it,
    what_is_on_board,
)
from routing.services.door_news import tell_what_happened, tell_whom_it_moves
from routing.services.going_again import day_to_go_again

SCOPE = "driver"
"""The scope of the phones' keys in the idempotency table."""


class Store(boarding.Store, door_news.Store, receiving.Store, Protocol):
    """What delivering needs of the store."""

    def recall(self, *, scope: str, key: str, payload_sha256: str | None = None) -> Any: ...
    def remember(self, *, scope: str, key: str, payload_sha256: str, response: Any, now: datetime) -> None: ...
    def manifest_in_hand(self, manifest_id: int, *, lock: bool = False) -> ManifestInHand: ...
    def doors(self, manifest_id: int, stop_ids: Sequence[int]) -> dict[int, Door]: ...
    def add_proof(
        self,
        *,
        event_id: int,
        manifest_id: int,
        site_id: int,
        settled: Settled,
        report: DoorReport,
        from_address_m: int | None,
        received_at: datetime,
        file_ids: Sequence[tuple[int, str]],
    ) -> int: ...
    def change_delivery_state(self, *, delivery_id: int, from_states: Sequence[str], to_state: str) -> None: ...
    def delivery_arrived(self, *, delivery_ids: Sequence[int]) -> None: ...
    def delivery_ended(self, *, delivery_id: int, state: str, attempts: int, for_day: str, waits_for: str) -> None: ...
    def released_by_erp(self, delivery_ids: Collection[int]) -> set[int]: ...
    def cancel_what_is_open(self, delivery_ids: Collection[int]) -> None: ...
    def save_file(self, *, sha256: str, media_type: str, size: int, now: datetime) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The answer to a report. `repeated`: it was recorded before and nothing happened now. `remarks` are sentences
    for the driver; `moved` counts customers told a new window."""

    event_id: int
    repeated: bool
    stop_id: int
    remarks: tuple[str, ...] = ()
    moved: int = 0


# ---------------------------------------------------------------------------- reports


def record(
    *,
    store: Store,
    manifest_id: int,
    report: DoorReport,
    now: datetime,
    secret: bytes,
    by: str = "",
) -> Recorded:
    """Records the report and everything that follows from it, once, however often it is sent.

    `by` names who reports it when that is not the route's driver.
    Raises InvalidInput when the counts do not add up or the stop is not on this route, Conflict when the phone's id
    was used for something else or the delivery's door was closed by another report, NotFound for the manifest.
    """
    known = store.recall(scope=SCOPE, key=report.client_id, payload_sha256=report.payload_sha256)
    if known is not None:
        return _as_before(known.response)
    manifest = store.manifest_in_hand(manifest_id, lock=True)
    # Asked again under the lock: two tabs, or a lost answer, may have sent the same report at the same moment.
    known = store.recall(scope=SCOPE, key=report.client_id, payload_sha256=report.payload_sha256)
    if known is not None:
        return _as_before(known.response)
    if report.captured_at > now + timedelta(minutes=10):
        raise InvalidInput(
            "The clock of this phone runs ahead. Set it to automatic time, then send again.", code="phone_clock"
        )
    # Also a stop of an earlier version of this route: the phone had no signal when the route was changed.
    door = store.doors(manifest.id, [report.stop_id]).get(report.stop_id)
    if door is None:
        raise InvalidInput("This stop is not on your route. Load the route again.", code="not_on_route")
    if report.kind is DoorEvent.LOADED:
        recorded = _record_loading(store=store, manifest=manifest, door=door, report=report, now=now)
        manifest = store.manifest_in_hand(manifest.id)  # the van has left the depot now, as far as we know
    elif report.kind is DoorEvent.ARRIVED:
        recorded = _record_arrival(store=store, manifest=manifest, door=door, report=report, now=now)
    else:
        recorded = _record_outcome(
            store=store,
            manifest=manifest,
            door=door,
            report=report,
            now=now,
            secret=secret,
            actor=by or f"driver:{manifest.driver_id}",
        )
    moved = (
        0
        if report.more_follow
        else tell_whom_it_moves(store=store, manifest=manifest, door=door, report=report, now=now, secret=secret)
    )
    answer = {
        "event_id": recorded.event_id,
        "stop_id": recorded.stop_id,
        "remarks": list(recorded.remarks),
        "moved": moved,
    }
    store.remember(scope=SCOPE, key=report.client_id, payload_sha256=report.payload_sha256, response=answer, now=now)
    return Recorded(
        event_id=recorded.event_id, repeated=False, stop_id=recorded.stop_id, remarks=recorded.remarks, moved=moved
    )


def _as_before(response: Mapping[str, Any]) -> Recorded:
    return Recorded(
        event_id=response["event_id"],
        repeated=True,
        stop_id=response["stop_id"],
        remarks=tuple(response["remarks"]),
        moved=response["moved"],
    )


def _record_arrival(
    *, store: Store, manifest: ManifestInHand, door: Door, report: DoorReport, now: datetime
) -> Recorded:
    away = metres_from_address(report.location, door.location)
    board = what_is_on_board(store, manifest=manifest, door=door, report=report, by_the_desk=False, now=now)
    if not board.refused:  # what the books do not let onto the van yet is not under way: the next report asks again
        store.delivery_arrived(delivery_ids=[each.id for each in door.deliveries if board.has(each.id)])
    event_id = store.append_event(
        kind="stop.arrived",
        actor=f"driver:{manifest.driver_id}",
        captured_at=report.captured_at,
        received_at=now,
        data={
            "stop_id": door.stop_id,
            "manifest_id": manifest.id,
            "deliveries": [each.id for each in door.deliveries],
            **_place(report, away),
        },
        shift_id=manifest.shift_id,
        plan_id=manifest.plan_id,
        site_id=door.site_id,
        client_id=report.client_id,
        sequence=report.sequence,
    )
    gone = tuple(board.remark(each) for each in door.deliveries if not board.has(each.id))
    return Recorded(
        event_id=event_id,
        repeated=False,
        stop_id=door.stop_id,
        remarks=(*(board.refused or gone), *_remarks(report, away)),
    )


def _record_loading(
    *, store: Store, manifest: ManifestInHand, door: Door, report: DoorReport, now: datetime
) -> Recorded:
    said = load_by_word(store, manifest=manifest, door=door, report=report, now=now)
    event_id = store.append_event(
        kind="trip.loaded",
        actor=f"driver:{manifest.driver_id}",
        captured_at=report.captured_at,
        received_at=now,
        data={
            "manifest_id": manifest.id,
            "trip": said.trip,
            "deliveries": list(said.deliveries),
            "refused": list(said.refused),
            **_place(report, None),
        },
        shift_id=manifest.shift_id,
        plan_id=manifest.plan_id,
        client_id=report.client_id,
        sequence=report.sequence,
    )
    moved = tuple(not_with_us(number, van) for _key, van, number in said.moved)
    return Recorded(event_id=event_id, repeated=False, stop_id=door.stop_id, remarks=(*said.refused, *moved))


def _record_outcome(
    *,
    store: Store,
    manifest: ManifestInHand,
    door: Door,
    report: DoorReport,
    now: datetime,
    secret: bytes,
    actor: str,
) -> Recorded:
    board = what_is_on_board(
        store, manifest=manifest, door=door, report=report, by_the_desk=not actor.startswith("driver:"), now=now
    )
    if board.refused:
        # Kept on the phone, and sent again once that is put right.
        raise Conflict(board.refused[0], code="not_on_the_van", delivery=report.deliveries[0].delivery_id)
    of_the_erp = store.released_by_erp([each.id for each in door.deliveries])
    settled: list[Settled] = []
    noted: list[Settled] = []
    for one in _settle(store, manifest, door, report, of_the_erp=of_the_erp):
        if board.has(one.delivery.id):
            settled.append(one)
        elif one.was_there:
            refuse_unless_another_van_had_it(manifest, one, board)
            settled.append(one)
        else:
            noted.append(one)
    away = metres_from_address(report.location, door.location)
    file_ids = [_kept(store, file, now) for file in report.files]
    next_day = day_to_go_again(store, depot_id=manifest.depot_id, site_id=door.site_id, now=now, tried=manifest.day)
    about = [each.delivery_id for each in report.deliveries]
    short = _came_short(settled, of_the_erp)
    stood = receiving.how_they_stand(store, manifest.depot_id, {each.order_id for each in short}, now=now)
    event_id = store.append_event(
        kind="stop.reported",
        actor=actor,
        captured_at=report.captured_at,
        received_at=now,
        data={
            "stop_id": door.stop_id,
            "manifest_id": manifest.id,
            "recipient": report.recipient,
            "note": report.note,
            "deliveries": [_settled_facts(each) for each in settled],
            "noted": [_settled_facts(each) for each in noted],
            "files": [{"kind": file.kind, "sha256": file.sha256} for file in report.files],
            **_place(report, away),
        },
        delivery_id=about[0] if len(about) == 1 else None,
        shift_id=manifest.shift_id,
        plan_id=manifest.plan_id,
        site_id=door.site_id,
        client_id=report.client_id,
        sequence=report.sequence,
    )
    for one in settled:
        store.add_proof(
            event_id=event_id,
            manifest_id=manifest.id,
            site_id=door.site_id,
            settled=one,
            report=report,
            from_address_m=away,
            received_at=now,
            file_ids=file_ids,
        )
        held_by = board.on_vehicle.get(one.delivery.id, manifest.vehicle_id)
        _move_goods(store=store, manifest=manifest, settled=one, held_by=held_by, at=now, by=actor)
        _end_delivery(
            store=store,
            manifest=manifest,
            door=door,
            settled=one,
            next_day=next_day,
            now=now,
            stayed=one.delivery.id in board.stayed,
        )
        store.append_event(
            kind="delivery.done" if one.is_done else "delivery.failed",
            actor=actor,
            captured_at=report.captured_at,
            received_at=now,
            data={"outcome": one.outcome.value, "next": one.next.value, "reported_in": event_id},
            delivery_id=one.delivery.id,
            shift_id=manifest.shift_id,
            plan_id=manifest.plan_id,
            site_id=door.site_id,
        )
    for one in noted:
        note_what_is_not_here(store, manifest, door, one, board, event_id=event_id, report=report, actor=actor, now=now)
    borrowed = [one for one in settled if one.delivery.id in board.elsewhere]
    for one in borrowed:
        ask_about_the_vans(store, manifest, door, one, van=board.elsewhere[one.delivery.id], now=now)
    if ended := [one.delivery.id for one in settled if one.delivery.id in of_the_erp]:
        store.cancel_what_is_open(ended)
    if short and not store.erp_allocates():
        # What was short or damaged is open demand again, in its old place: free stock is given to it at once.
        receiving.reallocate(
            store,
            depot_id=manifest.depot_id,
            product_ids={each.product_id for each in short},
            now=now,
            by=actor,
            why=", ".join(one.delivery.number for one in settled if one.delivery.id not in of_the_erp) + " came short",
            # The customer is told of the rest with the slip of this delivery.
            tell=False,
            stood=stood,
        )
    tell_what_happened(
        store=store, manifest=manifest, door=door, settled=settled, next_day=next_day, now=now, secret=secret
    )
    said = [
        f"{one.delivery.number} was on {board.elsewhere[one.delivery.id]} by the books. The dispatcher is told."
        for one in borrowed
    ]
    said += [board.remark(one.delivery) for one in noted]
    return Recorded(event_id=event_id, repeated=False, stop_id=door.stop_id, remarks=(*said, *_remarks(report, away)))


def _settle(
    store: Store, manifest: ManifestInHand, door: Door, report: DoorReport, *, of_the_erp: Collection[int]
) -> Iterator[Settled]:
    """Every delivery of the report, settled. Raises InvalidInput when its counts do not add up or it is not for this
    door, Conflict when it has ended already."""
    at_door = {each.id: each for each in door.deliveries}
    book = store.policies()
    for each in report.deliveries:
        delivery = at_door.get(each.delivery_id)
        if delivery is None:
            raise InvalidInput(
                f"Delivery {each.delivery_id} is not for {door.site} on this route. Load the route again.",
                code="not_on_route",
            )
        if delivery.state in ("done", "failed"):
            raise Conflict(
                f"{delivery.number} was already reported. If something was wrong, tell the dispatcher.",
                code="already_reported",
            )
        one = settle(each, delivery, _policy(book, delivery, door, manifest.day))
        yield for_the_erp(one) if delivery.id in of_the_erp else one


def _policy(book: PolicyBook, delivery: DoorDelivery, door: Door, day: str) -> RedeliveryPolicy:
    orders = {line.order_id for line in delivery.lines}
    return strictest(
        [
            book.redelivery(day=day, customer_id=door.customer_id, order_id=order_id)
            for order_id in sorted(orders) or [0]
        ]
    )


def _settled_facts(settled: Settled) -> dict[str, Any]:
    return {
        "delivery_id": settled.delivery.id,
        "outcome": settled.outcome.value,
        "attempt": settled.attempts,
        "next": settled.next.value,
        "lines": [
            {
                "allocation_id": line.allocation_id,
                "delivered": line.delivered,
                "short": line.short,
                "damaged": line.damaged,
                "refused": line.refused,
                "collected": line.collected,
            }
            for line in settled.lines
        ],
    }


def _kept(store: Store, file: KeptFile, now: datetime) -> tuple[int, str]:
    return store.save_file(sha256=file.sha256, media_type=file.media_type, size=file.size, now=now), file.kind


def _place(report: DoorReport, away: int | None) -> dict[str, Any]:
    if report.location is None:
        return {"place": None}
    return {
        "place": {
            "lat": report.location.lat,
            "lon": report.location.lon,
            "accuracy_m": report.accuracy_m,
            "from_address_m": away,
            "far": is_far(away, report.accuracy_m),
        }
    }


def _remarks(report: DoorReport, away: int | None) -> tuple[str, ...]:
    if not is_far(away, report.accuracy_m):
        return ()
    return (f"You are {away} m from the address. That is noted with the report.",)


# ---------------------------------------------------------------------------- goods


def _move_goods(
    *, store: Store, manifest: ManifestInHand, settled: Settled, held_by: int, at: datetime, by: str
) -> None:
    """Short and refused goods stay on the account of the van that had them, `held_by`, until the end of the day, when
    it is counted. What the customer gives is on the van that stands there."""
    had, van = f"vehicle:{held_by}", f"vehicle:{manifest.vehicle_id}"
    loaded = {each.allocation_id: each for each in settled.delivery.lines}
    for line in settled.lines:
        for state, quantity in (
            (UnitState.DELIVERED, line.delivered),
            (UnitState.SHORT, line.short),
            (UnitState.DAMAGED, line.damaged),
            (UnitState.REFUSED, line.refused),
        ):
            if quantity:
                store.move_units(
                    allocation_id=line.allocation_id,
                    from_state=UnitState.LOADED,
                    to_state=state,
                    quantity=quantity,
                )
        for quantity, from_place, to_place, why in (
            (line.delivered, had, "delivered", "delivered"),
            (line.damaged, had, f"quarantine:{manifest.depot_id}", "damaged"),
            (line.collected, "customer" if line.is_empties else "delivered", van, "collected"),
        ):
            if quantity:
                store.add_movement(
                    at=at,
                    product_id=loaded[line.allocation_id].product_id,
                    quantity=quantity,
                    from_place=from_place,
                    to_place=to_place,
                    why=why,
                    by=by,
                    allocation_id=None if line.is_empties else line.allocation_id,
                    delivery_id=settled.delivery.id,
                )


def _came_short(settled: Sequence[Settled], of_the_erp: Collection[int]) -> list[LoadedLine]:
    """The lines of which units were short or damaged, of what we allocate ourselves."""
    return [
        loaded
        for one in settled
        if one.delivery.id not in of_the_erp
        for line in one.lines
        for loaded in one.delivery.lines
        if loaded.allocation_id == line.allocation_id and line.short + line.damaged
    ]


def _end_delivery(
    *,
    store: Store,
    manifest: ManifestInHand,
    door: Door,
    settled: Settled,
    next_day: str,
    now: datetime,
    stayed: bool = False,
) -> None:
    """`stayed`: its goods never left the depot, so nothing has to come back before it is planned again."""
    delivery = settled.delivery
    words = {Next.WAIT_FOR_CUSTOMER: "customer", Next.DECIDE: "decision", Next.ERP: "erp"}
    waits_for = words.get(settled.next, "")
    store.delivery_ended(
        delivery_id=delivery.id,
        state="done" if settled.is_done else "released" if stayed else "failed",
        attempts=settled.attempts,
        for_day=next_day if settled.next is Next.NEXT_DELIVERY_DAY and next_day else delivery.for_day,
        waits_for="" if settled.is_done else waits_for,
    )
    sentence = _task_sentence(door, settled)
    if sentence:
        store.add_task(
            kind=TaskKind.DOOR_DECISION if settled.next is Next.DECIDE else TaskKind.REDELIVERY,
            subject_kind="delivery",
            subject_id=delivery.id,
            sentence=sentence,
            made_at=now,
            data={
                "outcome": settled.outcome.value,
                "options": ["credit", "cancel", "redeliver"],
                "manifest_id": manifest.id,
                "attempts": settled.attempts,
                "refused": settled.total("refused"),
            },
        )


def _task_sentence(door: Door, settled: Settled) -> str:
    number, why = settled.delivery.number, why_in("en", settled.outcome)
    if settled.delivery.direction == "collect" and settled.next is Next.DECIDE:
        return f"{number} was to fetch goods from {door.site}: {why}. Try again, or give it up?"
    if settled.is_done and settled.next is Next.DECIDE:
        refused = settled.total("refused")
        return f"{door.site} refused {refused} of {number}. Credit, cancel or deliver again?"
    if settled.next is Next.DECIDE:
        times = "once" if settled.attempts == 1 else f"{settled.attempts} times"
        return f"{number} for {door.site} was tried {times}: {why}. Credit, cancel or deliver again?"
    if settled.next is Next.WAIT_FOR_CUSTOMER:
        return f"{number} for {door.site} waits for the customer: {why}. Call, then choose a day."
    return ""


# ---------------------------------------------------------------------------- back at the depot


def put_back(*, store: Store, delivery: DoorDelivery, manifest: ManifestInHand, at: datetime, by: str) -> int:
    """A failed delivery's goods were counted back in: they wait at the depot, still the customer's, and the delivery
    may be planned again. Returns the units put back. Raises Conflict when they are not on the van any more."""
    if delivery.state != "failed":
        raise InvalidInput(f"{delivery.number} is {delivery.state}, not failed: there is nothing to put back.")
    units = 0
    for line in delivery.lines:
        if not line.loaded:
            continue
        store.move_units(
            allocation_id=line.allocation_id,
            from_state=UnitState.LOADED,
            to_state=UnitState.RELEASED,
            quantity=line.loaded,
        )
        store.add_movement(
            at=at,
            product_id=line.product_id,
            quantity=line.loaded,
            from_place=f"vehicle:{manifest.vehicle_id}",
            to_place=f"depot:{manifest.depot_id}",
            why="came back undelivered",
            by=by,
            allocation_id=line.allocation_id,
            delivery_id=delivery.id,
        )
        units += line.loaded
    store.change_delivery_state(delivery_id=delivery.id, from_states=("failed",), to_state="released")
    return units
