"""Dispatching: loaded routes are frozen as manifests and handed to their drivers, and the customers are told.

Nothing is dispatched twice: a route whose list has not changed is left alone. After a change on the road (a driver was
swapped, a stop moved) the same call makes a new version of the list, tells the driver, and those customers whose time
has left the window they were told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from routing.errors import NotFound
from routing.model.day import HeldManifest, RouteSheet, StopSheet
from routing.model.days import day_words, today_of
from routing.model.notices import NEWER_TIME, Notice, NoticeKind
from routing.model.parties import Company, Contact
from routing.model.proofs import Door, ManifestInHand, Outcome
from routing.rules.door import tried_why
from routing.rules.notices import driver_route, leaves_the_day_before, must_be_told, out_today, window_scheduled
from routing.rules.progress import as_planned, forecast, window_to_tell
from routing.services.story import KeepsEvents

LINK_LIVES_ON = timedelta(hours=12)
"""After the end of the shift: late reports still come in."""

_READY = ("loaded", "dispatched", "under_way", "done", "failed")


class DispatchesRoutes(KeepsEvents, Protocol):
    def routes_of_day(self, *, day: str, depot_ids: Sequence[int]) -> tuple[int, ...]: ...

    def route_sheet(self, shift_id: int) -> RouteSheet: ...

    def held_manifest(self, shift_id: int) -> HeldManifest | None: ...

    def add_manifest(
        self,
        *,
        plan_id: int,
        route_id: int,
        shift_id: int,
        driver_id: int,
        day: str,
        version: int,
        content: Mapping[str, Any],
        by: str,
        now: datetime,
    ) -> int: ...

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

    def revoke_links(self, *, kind: str, subject_kind: str, subject_id: int, now: datetime) -> int: ...

    def add_notice(self, message: Notice, *, made_at: datetime) -> bool: ...

    def drop_announcements(self, delivery_ids: Collection[int], *, kinds: Collection[NoticeKind], why: str) -> int: ...

    def company(self) -> Company: ...

    def who_is_told(self, customer_id: int, site_id: int, *, role: str) -> list[Contact]: ...

    def doors(self, manifest_id: int, stop_ids: Sequence[int]) -> dict[int, Door]: ...

    def manifest_in_hand(self, manifest_id: int, *, lock: bool = False) -> ManifestInHand: ...

    def still_waiting(self, delivery_ids: Sequence[int]) -> tuple[tuple[int, str, str, str], ...]: ...

    def tell_window(
        self,
        *,
        delivery_ids: Sequence[int],
        day: str,
        opens: str,
        closes: str,
        why: str,
        by: str,
        now: datetime,
        whys: Mapping[int, str] = ...,
    ) -> None: ...

    def lines_of(self, delivery_ids: Collection[int]) -> set[int]: ...

    def promise_of(self, line_ids: Collection[int]) -> dict[int, tuple[int, str]]: ...

    def tried_lines(self, line_ids: Collection[int]) -> dict[int, Outcome]: ...

    def change_delivery_state(self, *, delivery_id: int, from_states: Sequence[str], to_state: str) -> None: ...

    def set_plan_state(self, *, depot_id: int, day: str, state: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatched:
    """One route that went out now. `link_id` opens it on the driver's phone; `told` counts customers' messages."""

    shift_id: int
    manifest_id: int
    version: int
    link_id: int
    vehicle: str
    driver: str
    stops: int
    told: int
    stop_of: tuple[tuple[int, int], ...]
    """(number of the stop, delivery) of what went from loaded to dispatched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDispatched:
    """A route that stays, and why."""

    shift_id: int
    vehicle: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchedDay:
    """What went out now, what stays and why; `as_before` counts routes that were out already and have not changed."""

    dispatched: tuple[Dispatched, ...]
    left: tuple[NotDispatched, ...]
    as_before: int


def dispatch_day(
    store: DispatchesRoutes, *, day: str, depot_ids: Sequence[int], secret: bytes, by: str, now: datetime
) -> DispatchedDay:
    """Hands every loaded route of the day to its driver. Raises NotFound when the day has no plan with routes."""
    shifts = store.routes_of_day(day=day, depot_ids=depot_ids)
    if not shifts:
        raise NotFound(f"There is no planned route on {day_words(day)}. Plan the day first.", day=day)
    company = store.company()
    dispatched: list[Dispatched] = []
    left: list[NotDispatched] = []
    as_before = 0
    for shift_id in shifts:
        sheet = store.route_sheet(shift_id)
        held = store.held_manifest(shift_id)
        if held is not None and held.is_of(sheet):
            as_before += 1
            continue
        why = why_not(sheet, held)
        if why:
            left.append(NotDispatched(shift_id=shift_id, vehicle=sheet.vehicle, sentence=why))
            continue
        dispatched.append(_dispatch(store, sheet, held, company=company, secret=secret, by=by, now=now))
        store.set_plan_state(depot_id=sheet.depot_id, day=day, state="dispatched")
    for each in dispatched:
        for number, delivery_id in each.stop_of:
            store.append_event(
                kind="dispatched",
                actor=by,
                captured_at=now,
                received_at=now,
                delivery_id=delivery_id,
                shift_id=each.shift_id,
                data={"vehicle": each.vehicle, "driver": each.driver, "stop": number, "manifest": each.manifest_id},
            )
        store.append_event(
            kind="route_dispatched",
            actor=by,
            captured_at=now,
            received_at=now,
            shift_id=each.shift_id,
            data={
                "manifest": each.manifest_id,
                "version": each.version,
                "vehicle": each.vehicle,
                "driver": each.driver,
                "stops": each.stops,
                "told": each.told,
            },
        )
    return DispatchedDay(dispatched=tuple(dispatched), left=tuple(left), as_before=as_before)


def why_not(sheet: RouteSheet, held: HeldManifest | None = None) -> str:
    """Why this route may not go out yet; empty when it may. What was on the list before and is released again was
    tried at its door: it does not stand in the way. Nor does what a later trip takes: that is loaded when the van is
    back."""
    if sheet.driver_id is None:
        return f"{sheet.vehicle} has no driver. Name one on its shift."
    tried = set() if held is None else set(held.delivery_ids)
    first = sheet.trips[0]
    missing = [
        key
        for key, state in sheet.states
        if state not in _READY and key not in tried and not (state == "released" and sheet.trip_of(key) > first)
    ]
    if missing:
        numbers = {each.delivery_id: each.number for stop in sheet.stops for each in stop.deliveries}
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return f"{numbers[missing[0]]}{others} not loaded on {sheet.vehicle}. Load it, or take it off the route."
    return ""


def content_of(sheet: RouteSheet) -> dict[str, Any]:
    """The frozen list as JSON: the route and its stops with deliveries, lines, notes, hours and contacts; moments as
    ISO text in UTC. What changes during the day (states) is not in it."""
    plain: dict[str, Any] = _plain(asdict(sheet))
    del plain["states"]
    return plain


def _dispatch(
    store: DispatchesRoutes,
    sheet: RouteSheet,
    held: HeldManifest | None,
    *,
    company: Company,
    secret: bytes,
    by: str,
    now: datetime,
) -> Dispatched:
    assert sheet.driver_id is not None
    version = 1 if held is None else held.version + 1
    manifest_id = store.add_manifest(
        plan_id=sheet.plan_id,
        route_id=sheet.route_id,
        shift_id=sheet.shift_id,
        driver_id=sheet.driver_id,
        day=sheet.day,
        version=version,
        content=content_of(sheet),
        by=by,
        now=now,
    )
    expires_at = sheet.ends_at + LINK_LIVES_ON
    link_id = store.add_link(
        kind="driver",
        subject_kind="manifest",
        # The link in the driver's hand opens the shift's newest list.
        subject_id=manifest_id if held is None else held.first_id,
        made_at=now,
        expires_at=expires_at,
        secret=secret,
    )
    for key, state in sheet.states:
        if state == "loaded":
            store.change_delivery_state(delivery_id=key, from_states=("loaded",), to_state="dispatched")
    for notice in driver_route(sheet, company=company, link_id=link_id, version=version):
        store.add_notice(notice, made_at=now)
    states = dict(sheet.states)
    open_stops = [stop for stop in sheet.stops if any(_rides(stop, states[one.delivery_id]) for one in stop.deliveries)]
    doors = store.doors(manifest_id, [stop.stop_id for stop in open_stops])
    # A van that is out already runs as it runs, whoever drives it: who was told that it is late is not told the plan's
    # old time again. A stop that was reported and rides once more has no forecast, so its planned start counts.
    inforce = store.manifest_in_hand(manifest_id)
    planned = {each.stop_id: as_planned(each) for each in inforce.stops}
    expected = planned | {
        each.stop_id: (each.start, each.opens)
        for each in forecast(inforce.stops, inforce.facts, departs_at=inforce.departs_at, now=now)
    }
    told = 0
    for stops_away, stop in enumerate(open_stops, 1):
        tracking = {
            each.delivery_id: store.add_link(
                kind="tracking",
                subject_kind="delivery",
                subject_id=each.delivery_id,
                made_at=now,
                expires_at=expires_at,
                secret=secret,
            )
            for each in stop.deliveries
        }
        start, opens = expected[stop.stop_id]
        door = doors[stop.stop_id]
        brought = (each for each in door.deliveries if each.direction == "deliver" and _rides(stop, states[each.id]))
        if any(must_be_told(each.told, start) for each in brought):
            window = window_to_tell(start, stops_away=stops_away, opens=opens)
            before = door.told
            told += _tell(
                store, sheet, stop, start, window, tracking, opens=opens, before=before, company=company, by=by, now=now
            )
    return Dispatched(
        shift_id=sheet.shift_id,
        manifest_id=manifest_id,
        version=version,
        link_id=link_id,
        vehicle=sheet.vehicle,
        driver=sheet.driver,
        stops=len(sheet.stops),
        told=told,
        stop_of=tuple(
            (number, each.delivery_id)
            for number, stop in enumerate(sheet.stops, 1)
            for each in stop.deliveries
            if states[each.delivery_id] == "loaded"
        ),
    )


def _rides(stop: StopSheet, state: str) -> bool:
    """Whether it is on the van and open, or will be once the van was back for it."""
    return state in ("loaded", "dispatched") or (state == "released" and stop.trip > 1)


def renew_driver_link(store: DispatchesRoutes, *, shift_id: int, secret: bytes, by: str, now: datetime) -> int:
    """Withdraws the link that opens this route, for a phone that was lost, and makes another; returns its id.

    What the old phone has not sent yet is refused from here on. Nobody is written to: the message would reach the very
    phone that is gone. Raises NotFound when the route is not out.
    """
    held = store.held_manifest(shift_id)
    if held is None:
        raise NotFound("This route is not out, so it has no link yet: dispatch it first.", shift=shift_id)
    store.revoke_links(kind="driver", subject_kind="manifest", subject_id=held.first_id, now=now)
    link_id = store.add_link(
        kind="driver",
        subject_kind="manifest",
        subject_id=held.first_id,
        made_at=now,
        expires_at=store.route_sheet(shift_id).ends_at + LINK_LIVES_ON,
        secret=secret,
    )
    store.append_event(
        kind="driver_link_renewed", actor=by, captured_at=now, received_at=now, data={}, shift_id=shift_id
    )
    return link_id


def _tell(
    store: DispatchesRoutes,
    sheet: RouteSheet,
    stop: StopSheet,
    start: datetime,
    window: tuple[datetime, datetime],
    tracking: Mapping[int, int],
    *,
    opens: datetime | None,
    before: tuple[datetime, datetime] | None,
    company: Company,
    by: str,
    now: datetime,
) -> int:
    """Writes the window as a promise and the messages that tell it; how many messages. `tracking`: link by delivery;
    `before`: the window that this door was told already."""
    contacts = store.who_is_told(stop.customer_id, stop.site_id, role="goods_in") or store.who_is_told(
        stop.customer_id, stop.site_id, role="buyer"
    )
    delivery_ids = [each.delivery_id for each in stop.deliveries if each.direction == "deliver"]
    if not delivery_ids:
        return 0  # what is only fetched was agreed with who asked for it
    waiting = store.still_waiting(delivery_ids)
    notices = out_today(
        sheet,
        stop,
        start=start,
        window=window,
        contacts=contacts,
        waiting=waiting,
        company=company,
        link_id=tracking[delivery_ids[0]],
        now=now,
    )
    if not notices:
        return 0  # nobody agreed to be told, so nothing was promised
    if sheet.day > today_of(now, sheet.zone) and leaves_the_day_before(before, start):
        # The van leaves tomorrow: who is to take the goods in hears today of the two hours.
        notices += window_scheduled(
            sheet,
            stop,
            start=start,
            opens=opens,
            contacts=contacts,
            waiting=waiting,
            company=company,
            link_id=tracking[delivery_ids[0]],
        )
    store.drop_announcements(delivery_ids, kinds={each.kind for each in notices}, why=NEWER_TIME)
    zone = ZoneInfo(stop.zone)
    begins, ends = (each.astimezone(zone).strftime("%H:%M") for each in window)
    lines = store.lines_of(delivery_ids)
    late = {line_id for line_id, (_version, day) in store.promise_of(lines).items() if day < sheet.day}
    store.tell_window(
        delivery_ids=delivery_ids,
        day=sheet.day,
        opens=begins,
        closes=ends,
        why="out today",
        # A later day than was promised comes of the try before, not of going out.
        whys={line_id: tried_why(outcome) for line_id, outcome in store.tried_lines(late).items()},
        by=by,
        now=now,
    )
    return sum(store.add_notice(notice, made_at=now) for notice in notices)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
