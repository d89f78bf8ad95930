"""Delivering: what a driver reports from a door is recorded exactly once, with all that follows from it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from routing.errors import Conflict, InvalidInput
from routing.model.payments import Paid
from routing.model.proofs import Door, DoorEvent, DoorReport, KeptFile, ManifestInHand
from routing.rules.door import Settled, clock_is_behind, is_far, metres_from_address
from routing.services import boarding, door_news, paying, receiving, settling, taking_turns
from routing.services.boarding import (
    OnBoard,
    ask_about_the_vans,
    load_by_word,
    not_with_us,
    note_what_is_not_here,
    refuse_unless_another_van_had_it,
    what_is_on_board,
)
from routing.services.door_news import tell_what_happened, tell_whom_it_moves
from routing.services.going_again import day_to_go_again
from routing.services.paying import ask_about_the_money, paid_facts, what_was_paid
from routing.services.settling import end_delivery, move_goods, settle_report, settled_facts, short_at_the_door
from routing.services.taking_turns import manifest_in_turn

SCOPE = "driver"
"""The scope of the phones' keys in the idempotency table."""


class Store(
    boarding.Store, settling.Store, door_news.Store, paying.Store, receiving.Store, taking_turns.Store, Protocol
):
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
    def delivery_arrived(self, *, delivery_ids: Sequence[int]) -> None: ...
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """A report at a door of a van's list, with what everything that follows from it needs to know: `now` is when it
    reached us (`report.captured_at` when it happened), `actor` who says it. `phone_said`: what the phone's clock said
    instead, where that cannot be."""

    manifest: ManifestInHand
    door: Door
    report: DoorReport
    now: datetime
    actor: str
    phone_said: datetime | None = None

    @property
    def away_m(self) -> int | None:
        """From the site's address, by the phone's own place."""
        return metres_from_address(self.report.location, self.door.location)


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
    manifest = manifest_in_turn(store, manifest_id, report, now=now)
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
    phone_said = report.captured_at if clock_is_behind(report.captured_at, departs_at=manifest.departs_at) else None
    if phone_said is not None:
        report = replace(report, captured_at=now)
    actor = by or f"driver:{manifest.driver_id}"
    said = _Said(manifest=manifest, door=door, report=report, now=now, actor=actor, phone_said=phone_said)
    if report.kind is DoorEvent.LOADED:
        recorded = _record_loading(store, said)
        manifest = store.manifest_in_hand(manifest.id)  # the van has left the depot now, as far as we know
    elif report.kind is DoorEvent.ARRIVED:
        recorded = _record_arrival(store, said)
    else:
        recorded = _record_outcome(store, said, secret)
    recorded = replace(recorded, remarks=(*recorded.remarks, *_wrong_clock(said)))
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
    return replace(recorded, moved=moved)


def _as_before(response: Mapping[str, Any]) -> Recorded:
    return Recorded(
        event_id=response["event_id"],
        repeated=True,
        stop_id=response["stop_id"],
        remarks=tuple(response["remarks"]),
        moved=response["moved"],
    )


def _record_arrival(store: Store, said: _Said) -> Recorded:
    door = said.door
    board = what_is_on_board(
        store, manifest=said.manifest, door=door, report=said.report, by_the_desk=False, now=said.now
    )
    if not board.refused:  # what the books do not let onto the van yet is not under way: the next report asks again
        store.delivery_arrived(delivery_ids=[each.id for each in door.deliveries if board.has(each.id)])
    event_id = _append(
        store,
        said,
        "stop.arrived",
        {
            "stop_id": door.stop_id,
            "manifest_id": said.manifest.id,
            "deliveries": [each.id for each in door.deliveries],
            **_place(said.report, said.away_m),
        },
    )
    gone = tuple(board.remark(each) for each in door.deliveries if not board.has(each.id))
    return _recorded(said, event_id, board.refused or gone)


def _record_loading(store: Store, said: _Said) -> Recorded:
    loaded = load_by_word(store, manifest=said.manifest, door=said.door, report=said.report, now=said.now)
    event_id = _append(
        store,
        said,
        "trip.loaded",
        {
            "manifest_id": said.manifest.id,
            "trip": loaded.trip,
            "deliveries": list(loaded.deliveries),
            "refused": list(loaded.refused),
            **_place(said.report, None),
        },
        at_the_site=False,
    )
    moved = tuple(not_with_us(number, van) for _key, van, number in loaded.moved)
    return Recorded(event_id=event_id, repeated=False, stop_id=said.door.stop_id, remarks=(*loaded.refused, *moved))


def _record_outcome(store: Store, said: _Said, secret: bytes) -> Recorded:
    """What was handed over and what was not. In this order: what the van has of it, the event, the goods, the orders
    that wait again, the customers."""
    manifest, door, report, now = said.manifest, said.door, said.report, said.now
    by_the_desk = not said.actor.startswith("driver:")
    board = what_is_on_board(store, manifest=manifest, door=door, report=report, by_the_desk=by_the_desk, now=now)
    if board.refused:
        # Kept on the phone, and sent again once that is put right.
        raise Conflict(board.refused[0], code="not_on_the_van", delivery=report.deliveries[0].delivery_id)
    of_the_erp = store.released_by_erp([each.id for each in door.deliveries])
    settled, noted = _by_the_books(said, settle_report(store, manifest, door, report, of_the_erp=of_the_erp), board)
    next_day = day_to_go_again(store, depot_id=manifest.depot_id, site_id=door.site_id, now=now, tried=manifest.day)
    short = short_at_the_door(settled, of_the_erp)
    stood = receiving.how_they_stand(store, manifest.depot_id, {each.order_id for each in short}, now=now)
    paid = what_was_paid(store, settled, report)
    event_id = _report_event(store, said, settled, noted, paid)
    files = [_kept(store, file, now) for file in report.files]
    proofs = {
        one.delivery.id: _end_at_the_door(
            store, said, one, board, event_id=event_id, files=files, next_day=next_day, paid=_of(paid, one)
        )
        for one in settled
    }
    store.add_paid(paid, shift_id=manifest.shift_id, proofs=proofs, by=said.actor, now=now)
    for one in (*settled, *noted):
        ask_about_the_money(store, manifest, door, one.delivery.number, _of(paid, one), now=now)
    for one in noted:
        note_what_is_not_here(
            store, manifest, door, one, board, event_id=event_id, report=report, actor=said.actor, now=now
        )
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
            by=said.actor,
            why=", ".join(one.delivery.number for one in settled if one.delivery.id not in of_the_erp) + " came short",
            # The customer is told of the rest with the slip of this delivery.
            tell=False,
            stood=stood,
        )
    tell_what_happened(
        store=store, manifest=manifest, door=door, settled=settled, next_day=next_day, now=now, secret=secret
    )
    remarks = [
        f"{one.delivery.number} was on {board.elsewhere[one.delivery.id]} by the books. The dispatcher is told."
        for one in borrowed
    ]
    return _recorded(said, event_id, (*remarks, *(board.remark(one.delivery) for one in noted)))


def _by_the_books(said: _Said, reported: Iterable[Settled], board: OnBoard) -> tuple[list[Settled], list[Settled]]:
    """What ends by this report, and what is only noted, because this van has nothing of it. Raises Conflict when goods
    are said to be handed over that no van had."""
    settled: list[Settled] = []
    noted: list[Settled] = []
    for one in reported:
        if board.has(one.delivery.id):
            settled.append(one)
        elif one.was_there:
            refuse_unless_another_van_had_it(said.manifest, one, board)
            settled.append(one)
        else:
            noted.append(one)
    return settled, noted


def _of(paid: Iterable[Paid], one: Settled) -> list[Paid]:
    return [each for each in paid if each.delivery_id == one.delivery.id]


def _report_event(
    store: Store, said: _Said, settled: Sequence[Settled], noted: Sequence[Settled], paid: Sequence[Paid]
) -> int:
    report = said.report
    about = [each.delivery_id for each in report.deliveries]
    return _append(
        store,
        said,
        "stop.reported",
        {
            "stop_id": said.door.stop_id,
            "manifest_id": said.manifest.id,
            "recipient": report.recipient,
            "note": report.note,
            "deliveries": [settled_facts(each) for each in settled],
            "noted": [settled_facts(each) for each in noted],
            "files": [{"kind": file.kind, "sha256": file.sha256} for file in report.files],
            **({"paid": paid_facts(paid)} if paid else {}),
            **_place(report, said.away_m),
        },
        delivery_id=about[0] if len(about) == 1 else None,
    )


def _end_at_the_door(
    store: Store,
    said: _Said,
    one: Settled,
    board: OnBoard,
    *,
    event_id: int,
    files: Sequence[tuple[int, str]],
    next_day: str,
    paid: Sequence[Paid],
) -> int:
    """The proof, the goods and what comes next of one delivery; the key of its proof."""
    manifest, door = said.manifest, said.door
    proof_id = store.add_proof(
        event_id=event_id,
        manifest_id=manifest.id,
        site_id=door.site_id,
        settled=one,
        report=said.report,
        from_address_m=said.away_m,
        received_at=said.now,
        file_ids=files,
    )
    held_by = board.on_vehicle.get(one.delivery.id, manifest.vehicle_id)
    move_goods(store=store, manifest=manifest, settled=one, held_by=held_by, at=said.now, by=said.actor)
    stayed = one.delivery.id in board.stayed
    end_delivery(store=store, manifest=manifest, door=door, settled=one, next_day=next_day, now=said.now, stayed=stayed)
    store.append_event(
        kind="delivery.done" if one.is_done else "delivery.failed",
        actor=said.actor,
        captured_at=said.report.captured_at,
        received_at=said.now,
        data={
            "outcome": one.outcome.value,
            "next": one.next.value,
            "reported_in": event_id,
            **({"paid": paid_facts(paid)} if paid else {}),
        },
        delivery_id=one.delivery.id,
        shift_id=manifest.shift_id,
        plan_id=manifest.plan_id,
        site_id=door.site_id,
    )
    return proof_id


def _append(
    store: Store,
    said: _Said,
    kind: str,
    data: Mapping[str, Any],
    *,
    delivery_id: int | None = None,
    at_the_site: bool = True,
) -> int:
    """The event that says what this report said, under the phone's own id."""
    if said.phone_said is not None:
        data = {**data, "phone_said": said.phone_said.isoformat()}
    return store.append_event(
        kind=kind,
        actor=said.actor,
        captured_at=said.report.captured_at,
        received_at=said.now,
        data=data,
        delivery_id=delivery_id,
        shift_id=said.manifest.shift_id,
        plan_id=said.manifest.plan_id,
        site_id=said.door.site_id if at_the_site else None,
        client_id=said.report.client_id,
        sequence=said.report.sequence,
    )


def _recorded(said: _Said, event_id: int, remarks: Iterable[str]) -> Recorded:
    return Recorded(
        event_id=event_id,
        repeated=False,
        stop_id=said.door.stop_id,
        remarks=(*remarks, *_far_away(said.report, said.away_m)),
    )


def _wrong_clock(said: _Said) -> tuple[str, ...]:
    if said.phone_said is None:
        return ()
    clock = said.phone_said.astimezone(ZoneInfo(said.manifest.zone))
    return (
        f"The clock of this phone says {clock:%Y-%m-%d %H:%M}: the time at which the report reached us counts. "
        "Set it to automatic time.",
    )


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


def _far_away(report: DoorReport, away: int | None) -> tuple[str, ...]:
    if not is_far(away, report.accuracy_m):
        return ()
    return (f"You are {away} m from the address. That is noted with the report.",)
