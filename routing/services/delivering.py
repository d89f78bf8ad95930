"""Delivering: what a driver reports from a door is recorded exactly once, with all that follows from it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from routing.errors import Conflict, InvalidInput
from routing.model.notices import NoticeKind, goods_line
from routing.model.parties import Contact
from routing.model.places import Location
from routing.model.proofs import (
    Door,
    DoorDelivery,
    DoorEvent,
    DoorReport,
    KeptFile,
    LoadedLine,
    ManifestInHand,
    Outcome,
    StopFacts,
)
from routing.model.stock import UnitState
from routing.rules.calendars import span
from routing.rules.door import (
    Next,
    RedeliveryPolicy,
    Settled,
    first_day_after,
    for_the_erp,
    is_far,
    metres_from_address,
    settle,
    strictest,
    why_in,
)
from routing.rules.policies import PolicyBook
from routing.rules.progress import NONE_YET, Eta, forecast, leaves, told_live
from routing.services import boarding, receiving
from routing.services.boarding import OnBoard, load_by_word, not_with_us, what_is_on_board
from routing.services.telling import tell

SCOPE = "driver"
"""The scope of the phones' keys in the idempotency table."""

PROOF_LINK_FOR = timedelta(days=365)
TRACKING_LINK_FOR = timedelta(days=7)
ON_DUTY_BEFORE = timedelta(minutes=30)
"""Positions count from half an hour before a shift to an hour after it: loading, and the way home."""
ON_DUTY_AFTER = timedelta(hours=1)


class Store(boarding.Store, receiving.Store, Protocol):
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
    def tell_window(
        self, *, delivery_ids: Sequence[int], day: str, opens: str, closes: str, why: str, by: str, now: datetime
    ) -> None: ...
    def add_position(
        self,
        *,
        shift_id: int,
        location: Location,
        accuracy_m: float | None,
        captured_at: datetime,
        received_at: datetime,
    ) -> None: ...
    def shift_hours(self, shift_id: int) -> tuple[str, str, str, str, int]: ...
    def add_link(
        self,
        *,
        kind: str,
        subject_kind: str,
        subject_id: int,
        made_at: datetime,
        expires_at: datetime,
        secret: bytes,
    ) -> int: ...
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
        else _tell_whom_it_moves(store=store, manifest=manifest, door=door, report=report, now=now, secret=secret)
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
            _refuse_unless_another_van_had_it(manifest, one, board)
            settled.append(one)
        else:
            noted.append(one)
    away = metres_from_address(report.location, door.location)
    file_ids = [_kept(store, file, now) for file in report.files]
    days = store.delivery_days(manifest.depot_id, [door.site_id])[door.site_id]
    next_day = first_day_after(manifest.day, days)
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
        _note(store, manifest, door, one, board, event_id=event_id, report=report, actor=actor, now=now)
    borrowed = [one for one in settled if one.delivery.id in board.elsewhere]
    for one in borrowed:
        _ask_about_the_vans(store, manifest, door, one, van=board.elsewhere[one.delivery.id], now=now)
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
    _tell(store=store, manifest=manifest, door=door, settled=settled, next_day=next_day, now=now, secret=secret)
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


# ---------------------------------------------------------------------------- what this van does not have


def _refuse_unless_another_van_had_it(manifest: ManifestInHand, one: Settled, board: OnBoard) -> None:
    """What was handed over was handed over, whichever van it was on by the books; but only a van's goods can have been,
    and none of a van whose count says that they came back."""
    number, van = one.delivery.number, board.elsewhere.get(one.delivery.id, "")
    if van and manifest.counted:
        raise Conflict(
            f"{manifest.vehicle} was counted, and {number} goes with {van} now. Call the dispatcher.",
            code="not_on_the_van",
            delivery=one.delivery.id,
        )
    if not van or (one.delivery.direction == "deliver" and one.delivery.id not in board.on_vehicle):
        raise Conflict(board.remark(one.delivery), code="not_on_the_van", delivery=one.delivery.id)


def _note(
    store: Store,
    manifest: ManifestInHand,
    door: Door,
    one: Settled,
    board: OnBoard,
    *,
    event_id: int,
    report: DoorReport,
    actor: str,
    now: datetime,
) -> None:
    """Nothing of it was at the door, and this van does not have it: that ends no attempt and tells no customer. That
    nobody went there is as it should be; anything else a dispatcher hears."""
    number, van = one.delivery.number, board.elsewhere.get(one.delivery.id, "")
    store.append_event(
        kind="delivery.noted",
        actor=actor,
        captured_at=report.captured_at,
        received_at=now,
        data={"outcome": one.outcome.value, "goes_with": van, "reported_in": event_id},
        delivery_id=one.delivery.id,
        shift_id=manifest.shift_id,
        plan_id=manifest.plan_id,
        site_id=door.site_id,
    )
    if one.outcome is Outcome.NOT_ATTEMPTED:
        return
    mend = (
        f"It goes with {van} and stays open: tell its driver, or take it off."
        if van
        else "By the books it is not on that van: ask whether its goods are on board."
    )
    store.add_task(
        kind="old_list",
        subject_kind="delivery",
        subject_id=one.delivery.id,
        sentence=f"The driver of {manifest.vehicle} said at {door.site} of {number}: "
        f"{why_in('en', one.outcome)}. {mend}",
        made_at=now,
        urgent=True,
    )


def _ask_about_the_vans(
    store: Store, manifest: ManifestInHand, door: Door, one: Settled, *, van: str, now: datetime
) -> None:
    outcome = one.outcome.value.replace("_", " ")
    said = f"The driver of {manifest.vehicle} reports {one.delivery.number} for {door.site} as {outcome}"
    store.add_task(
        kind="old_list",
        subject_kind="delivery",
        subject_id=one.delivery.id,
        sentence=f"{said}, but by the books its goods were on {van}. They are booked off that van: tell its driver, "
        "and count both in the evening."
        if one.delivery.direction == "deliver"
        else f"{said}, but it goes with {van}: tell its driver.",
        made_at=now,
        urgent=True,
    )


def tell_of_refusal(*, store: Store, manifest_id: int, refused: Conflict, now: datetime) -> None:
    """A report that the books do not allow stays on the phone until somebody puts that right: a task asks for it. Call
    it after the refusal, in a transaction of its own; it does nothing for other refusals."""
    delivery_id = refused.fields.get("delivery")
    if refused.code != "not_on_the_van" or not isinstance(delivery_id, int):
        return
    manifest = store.manifest_in_hand(manifest_id)
    store.add_task(
        kind="report_refused",
        subject_kind="delivery",
        subject_id=delivery_id,
        sentence=f"The phone of {manifest.vehicle} keeps a report that the books do not allow: {refused} Call the "
        "driver; if it is so, give the delivery to that van again, then the driver presses Try again.",
        made_at=now,
        urgent=True,
    )


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
            kind="door_decision" if settled.next is Next.DECIDE else "redelivery",
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


# ---------------------------------------------------------------------------- telling the customer


def _tell(
    *,
    store: Store,
    manifest: ManifestInHand,
    door: Door,
    settled: Sequence[Settled],
    next_day: str,
    now: datetime,
    secret: bytes,
) -> None:
    """One message per kind and recipient for the stop, however many orders were for it."""
    settled = [one for one in settled if one.delivery.direction == "deliver"]
    if not settled:
        return  # goods were fetched: the slip says so
    done = [one for one in settled if one.is_done and (one.total("delivered") or one.next is not Next.DECIDE)]
    failed = [one for one in settled if not one.is_done]
    link_id = store.add_link(
        kind="proof",
        subject_kind="delivery",
        subject_id=settled[0].delivery.id,
        made_at=now,
        expires_at=now + PROOF_LINK_FOR,
        secret=secret,
    )
    for kind, group in ((NoticeKind.DELIVERED, done), (NoticeKind.FAILED, failed)):
        if not group:
            continue
        will_come = kind is NoticeKind.FAILED and all(one.next is Next.NEXT_DELIVERY_DAY for one in group)
        for contact in _whom(store, door, order_matters=kind is NoticeKind.DELIVERED):
            tell(
                store,
                [contact],
                kind=kind,
                subject=("stop", door.stop_id),
                # The deliveries name the occasion: a stop whose orders are reported one by one is told of each.
                occurrence="d" + "-".join(str(one.delivery.id) for one in group),
                data=_data(
                    manifest,
                    door,
                    goods=_goods(group, handed_over=kind is NoticeKind.DELIVERED),
                    waiting=_waiting(group) if kind is NoticeKind.DELIVERED else [],
                    next=next_day if will_come else _rest_day(group, after=manifest.day),
                    why=why_in(contact.language, group[0].outcome),
                    link_id=link_id,
                    references=_references(group),
                ),
                now=now,
            )


def _data(manifest: ManifestInHand, door: Door, **own: Any) -> dict[str, Any]:
    """What a template may use: every word has a value, because a template that names a missing one is an error."""
    empty = dict.fromkeys(("window_from", "window_to", "eta", "why", "next"), "")
    return {
        **empty,
        "goods": [],
        "waiting": [],
        "references": [],
        "company": manifest.company,
        "phone": manifest.phone,
        "customer": door.customer,
        "site": door.site,
        "day": manifest.day,
        **own,
    }


def _whom(store: Store, door: Door, *, order_matters: bool) -> list[Contact]:
    """The buyer hears of the order, goods-in of the delivery; whoever there is when the other is missing. Each once."""
    goods_in = store.who_is_told(door.customer_id, door.site_id, role="goods_in")
    buyers = store.who_is_told(door.customer_id, door.site_id, role="buyer") if order_matters or not goods_in else []
    return list({(each.channel, each.address): each for each in (*buyers, *goods_in)}.values())


def _goods(group: Sequence[Settled], *, handed_over: bool) -> list[dict[str, object]]:
    """What was handed over, or what the van still has."""
    said = []
    for one in group:
        counted = {line.allocation_id: line for line in one.lines}
        for each in one.delivery.lines:
            line = counted.get(each.allocation_id)
            quantity = (line.delivered if line else 0) if handed_over else each.loaded
            if quantity:
                said.append(goods_line(quantity=quantity, unit=each.unit, name=each.product))
    return said


def _waiting(group: Sequence[Settled]) -> list[dict[str, object]]:
    said = []
    for one in group:
        if one.next is Next.ERP:
            continue  # nothing of it waits with us
        named = {each.allocation_id: each for each in one.delivery.lines}
        for line in one.lines:
            if missing := line.short + line.damaged:
                each = named[line.allocation_id]
                said.append(goods_line(quantity=missing, unit=each.unit, name=each.product))
    return said


def _rest_day(group: Sequence[Settled], *, after: str) -> str:
    """When the last of what is missing is expected, ISO; empty when nobody knows yet or nothing is missing."""
    days = [
        each.expected_on
        for one in group
        for each in one.delivery.lines
        for line in one.lines
        if line.allocation_id == each.allocation_id and line.short + line.damaged
    ]
    return max(days) if days and min(days) > after else ""


def _references(group: Sequence[Settled]) -> list[str]:
    return sorted({reference for one in group for reference in one.delivery.references})


def _tell_whom_it_moves(
    *, store: Store, manifest: ManifestInHand, door: Door, report: DoorReport, now: datetime, secret: bytes
) -> int:
    """Tells those, and only those, whose forecast has left the window they were told; returns how many stops."""
    moving = [eta for eta in forecast_after(manifest=manifest, door=door, report=report, now=now) if eta.stops_away > 0]
    if not moving:
        return 0
    doors = store.doors(manifest.id, [eta.stop_id for eta in moving])
    elsewhere = store.with_other_vans(
        manifest.shift_id, [each.id for here in doors.values() for each in here.deliveries]
    )
    told = 0
    for eta in moving:
        door = doors[eta.stop_id]
        # What is fetched at the same door was promised to nobody, and another van has a forecast of its own.
        brought = [each for each in door.deliveries if each.direction == "deliver" and each.id not in elsewhere]
        if not brought or not leaves(door.told, eta):
            continue
        zone = ZoneInfo(door.zone)
        opens, closes = (moment.astimezone(zone).strftime("%H:%M") for moment in told_live(eta))
        store.tell_window(
            delivery_ids=[each.id for each in brought],
            day=manifest.day,
            opens=opens,
            closes=closes,
            why="the van is early" if eta.late_by < timedelta(0) else "the van is late",
            by="backroute",
            now=now,
        )
        link_id = store.add_link(
            kind="tracking",
            subject_kind="delivery",
            subject_id=brought[0].id,
            made_at=now,
            expires_at=now + TRACKING_LINK_FOR,
            secret=secret,
        )
        tell(
            store,
            _whom(store, door, order_matters=False),
            kind=NoticeKind.OUT_TODAY,
            subject=("stop", door.stop_id),
            occurrence=f"{manifest.day} {opens}-{closes}",
            data=_data(
                manifest,
                door,
                goods=[
                    goods_line(quantity=line.loaded, unit=line.unit, name=line.product)
                    for each in brought
                    for line in each.lines
                ],
                window_from=opens,
                window_to=closes,
                eta=eta.start.astimezone(zone).strftime("%H:%M"),
                link_id=link_id,
                references=sorted({reference for each in brought for reference in each.references}),
            ),
            now=now,
        )
        told += 1
    return told


def forecast_after(*, manifest: ManifestInHand, door: Door, report: DoorReport, now: datetime) -> tuple[Eta, ...]:
    """The forecast with this report already counted in; the route may have changed since the phone loaded it."""
    reported = {each.delivery_id for each in report.deliveries} or {each.id for each in door.deliveries}
    facts = dict(manifest.facts)
    for stop in manifest.stops:
        if reported.isdisjoint(stop.deliveries):
            continue
        if report.kind is DoorEvent.LOADED:
            break  # said at the depot: nothing is known of a door
        before = facts.get(stop.stop_id, NONE_YET)
        if report.kind is DoorEvent.ARRIVED:
            facts[stop.stop_id] = StopFacts(arrived_at=before.arrived_at or report.captured_at, done_at=before.done_at)
        elif reported.issuperset(each for each in stop.deliveries if each not in manifest.ended):
            facts[stop.stop_id] = StopFacts(arrived_at=before.arrived_at, done_at=report.captured_at)
    return forecast(manifest.stops, facts, departs_at=manifest.departs_at, now=now)


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


# ---------------------------------------------------------------------------- where the van is


def record_position(
    *,
    store: Store,
    manifest_id: int,
    location: Location,
    accuracy_m: float | None,
    captured_at: datetime,
    now: datetime,
) -> bool:
    """Keeps where the van is, within the shift only; False when the shift is not on and nothing was kept."""
    manifest = store.manifest_in_hand(manifest_id)
    day, starts, ends, zone, overtime_s = store.shift_hours(manifest.shift_id)
    opens, closes = span(date.fromisoformat(day), starts, ends, ZoneInfo(zone))
    closes += timedelta(seconds=overtime_s)
    if not opens - ON_DUTY_BEFORE <= captured_at <= closes + ON_DUTY_AFTER or captured_at > now + timedelta(minutes=10):
        return False
    store.add_position(
        shift_id=manifest.shift_id,
        location=location,
        accuracy_m=accuracy_m,
        captured_at=captured_at,
        received_at=now,
    )
    return True
