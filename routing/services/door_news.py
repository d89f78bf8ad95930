"""What customers hear while a van is under way: what came of their delivery, and a new time when theirs moves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from routing.model.notices import ANNOUNCEMENTS, DOOR_IS_DONE, NEWER_TIME, NoticeKind, goods_line
from routing.model.parties import Contact
from routing.model.proofs import Door, DoorDelivery, DoorEvent, DoorReport, ManifestInHand, Outcome, StopFacts
from routing.rules.door import Next, Settled, tried_why, whys_in
from routing.rules.problem import ENDED
from routing.rules.progress import NONE_YET, Eta, forecast, leaves, told_live
from routing.services.telling import KeepsNotices, tell

PROOF_LINK_FOR = timedelta(days=365)
TRACKING_LINK_FOR = timedelta(days=7)
FAILED_LINK_FOR = timedelta(days=30)
"""The next delivery day may be weeks away."""


class Store(KeepsNotices, Protocol):
    """What telling from the road needs of the store."""

    def doors(self, manifest_id: int, stop_ids: Sequence[int]) -> dict[int, Door]: ...
    def drop_announcements(self, delivery_ids: Collection[int], *, kinds: Collection[NoticeKind], why: str) -> int: ...
    def who_is_told(self, customer_id: int, site_id: int, *, role: str) -> list[Contact]: ...
    def with_other_vans(
        self, shift_id: int, delivery_ids: Collection[int], *, only_if_listed: bool = False
    ) -> dict[int, str]: ...
    def tell_window(
        self, *, delivery_ids: Sequence[int], day: str, opens: str, closes: str, why: str, by: str, now: datetime
    ) -> None: ...
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


def tell_what_happened(
    *,
    store: Store,
    manifest: ManifestInHand,
    door: Door,
    settled: Sequence[Settled],
    next_day: str,
    now: datetime,
    secret: bytes,
    promise: Collection[int] | None = None,
    corrects: int = 0,
    was_told: bool = False,
    read_delivered: bool = False,
) -> int:
    """One message per kind and recipient for the stop, however many orders were for it; to how many people in all.

    Of a report that puts another one right (`corrects`: its event) `promise` says which deliveries get a new day by it,
    `was_told` that somebody has read something else, and `read_delivered` that it said the goods were handed over.
    """
    settled = [one for one in settled if one.delivery.direction == "deliver"]
    if not settled:
        return 0  # goods were fetched: the slip says so
    _drop_announcements(store, door, settled)
    # What was short may have been given other goods since, and a new day with them.
    fresh = {line.allocation_id: line.expected_on for each in _door(store, manifest, door) for line in each.lines}
    done = [one for one in settled if one.total("delivered")]
    failed = [one for one in settled if not one.total("delivered")]
    # What was handed over is proven; of what was not, the page says what comes next and takes the customer's word.
    links = {
        kind: store.add_link(
            kind=page,
            subject_kind="delivery",
            subject_id=group[0].delivery.id,
            made_at=now,
            expires_at=now + lives,
            secret=secret,
        )
        for kind, page, lives, group in (
            (NoticeKind.DELIVERED, "proof", PROOF_LINK_FOR, done),
            (NoticeKind.FAILED, "tracking", FAILED_LINK_FOR, failed),
        )
        if group
    }
    written = 0
    for kind, group in ((NoticeKind.DELIVERED, done), (NoticeKind.FAILED, failed)):
        if not group:
            continue
        # Who has read that it was delivered hears that it was not: the buyer too.
        whom = _whom(store, door, order_matters=kind is NoticeKind.DELIVERED or read_delivered)
        if kind is NoticeKind.FAILED and whom and next_day:
            anew = [one for one in group if promise is None or one.delivery.id in promise]
            _promise_anew(store, anew, next_day=next_day, now=now)
        for contact in whom:
            written += tell(
                store,
                [contact],
                kind=kind,
                subject=("stop", door.stop_id),
                # The deliveries name the occasion: a stop whose orders are reported one by one is told of each.
                occurrence="d"
                + "-".join(str(one.delivery.id) for one in group)
                + (f" c{corrects}" if corrects else ""),
                data=_data(
                    manifest,
                    door,
                    goods=_goods(group, handed_over=kind is NoticeKind.DELIVERED),
                    waiting=_waiting(group, fresh, after=manifest.day) if kind is NoticeKind.DELIVERED else [],
                    next=_next(group, fresh, next_day=next_day, after=manifest.day)
                    if kind is NoticeKind.FAILED
                    else [],
                    refused=_refused(group) if kind is NoticeKind.DELIVERED else [],
                    not_attempted=all(one.outcome is Outcome.NOT_ATTEMPTED for one in group),
                    why=whys_in(contact.language, [(one.outcome, one.delivery.references) for one in group]),
                    link_id=links[kind],
                    references=_references(group),
                    corrected=was_told,
                ),
                now=now,
            )
    return written


def _promise_anew(store: Store, group: Sequence[Settled], *, next_day: str, now: datetime) -> None:
    """The day on which it goes out again is what these customers are told now."""
    for one in group:
        if one.next is Next.NEXT_DELIVERY_DAY:
            store.tell_window(
                delivery_ids=[one.delivery.id],
                day=next_day,
                opens="",
                closes="",
                why=tried_why(one.outcome),
                by="backroute",
                now=now,
            )


def _door(store: Store, manifest: ManifestInHand, door: Door) -> tuple[DoorDelivery, ...]:
    here = store.doors(manifest.id, [door.stop_id]).get(door.stop_id)
    return here.deliveries if here is not None else ()


def _drop_announcements(store: Store, door: Door, settled: Sequence[Settled]) -> None:
    """The van was there: what still waits to announce it is no news any more, once all that it brought has ended."""
    ended = {one.delivery.id for one in settled} | {each.id for each in door.deliveries if each.state in ENDED}
    brought = [each.id for each in door.deliveries if each.direction == "deliver"]
    if ended.issuperset(brought):
        store.drop_announcements(brought, kinds=ANNOUNCEMENTS, why=DOOR_IS_DONE)


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


def _waiting(group: Sequence[Settled], fresh: Mapping[int, str], *, after: str) -> list[dict[str, object]]:
    said = []
    for one in group:
        if one.next is Next.ERP:
            continue  # nothing of it waits with us
        named = {each.allocation_id: each for each in one.delivery.lines}
        for line in one.lines:
            if missing := line.short + line.damaged:
                each = named[line.allocation_id]
                day = fresh.get(line.allocation_id, "")
                when: dict[str, object] = {"expected_on": day} if day > after else {"no_day": True}
                said.append(goods_line(quantity=missing, unit=each.unit, name=each.product) | when)
    return said


def _refused(group: Sequence[Settled]) -> list[dict[str, object]]:
    said = []
    for one in group:
        named = {each.allocation_id: each for each in one.delivery.lines}
        for line in one.lines:
            if line.refused:
                each = named[line.allocation_id]
                said.append(goods_line(quantity=line.refused, unit=each.unit, name=each.product))
    return said


def _next(group: Sequence[Settled], fresh: Mapping[int, str], *, next_day: str, after: str) -> list[dict[str, object]]:
    """What comes after, once each, with the day where there is one and whose it is: every language writes it out."""
    said: dict[tuple[str, str], set[str]] = {}
    for one in group:
        if one.next is Next.NEXT_DELIVERY_DAY:
            day = next_day
        else:
            day = _rest_day(one, fresh, after=after) if one.next in (Next.BACKORDER, Next.REPLACE) else ""
        said.setdefault((one.next.value, day), set()).update(one.delivery.references)
    return [{"what": what, "day": day, "references": sorted(whose)} for (what, day), whose in said.items()]


def _rest_day(one: Settled, fresh: Mapping[int, str], *, after: str) -> str:
    """When the last of what is missing is expected, ISO; empty when nobody knows yet or nothing is missing."""
    days = [fresh.get(line.allocation_id, "") for line in one.lines if line.short + line.damaged]
    return max(days) if days and min(days) > after else ""


def _references(group: Sequence[Settled]) -> list[str]:
    return sorted({reference for one in group for reference in one.delivery.references})


def tell_whom_it_moves(
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
        if not any(leaves(each.told, eta) for each in brought):
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
        store.drop_announcements([each.id for each in brought], kinds=ANNOUNCEMENTS, why=NEWER_TIME)
        tell(
            store,
            _whom(store, door, order_matters=False),
            kind=NoticeKind.OUT_TODAY,
            subject=("delivery", brought[0].id),  # as the dispatch names the door
            occurrence=f"{manifest.day} {opens}-{closes} told {now.isoformat()}",
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
