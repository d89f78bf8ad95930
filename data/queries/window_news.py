"""Whether the customers of a van's doors have heard of the windows that were promised."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from data.queries.needs import newest_promise
from data.store.system import SystemStore
from data.tables import allocation, delivery_line, notice, order_line, promise, stop_delivery
from routing.model.notices import ANNOUNCEMENTS
from routing.model.proofs import Door
from routing.rules.promises import AT_CUSTOMERS_WISH
from routing.rules.told_door import Heard, SentTo, WindowNews, window_news

type PromiseKey = tuple[datetime, str, str, str]
"""When a promise was made, its ISO day, and its window, "" and "" without one."""


def news_of_windows(connection: Connection, doors: Iterable[Door]) -> dict[int, WindowNews]:
    """By stop; doors without a window are missing."""
    with_window = [door for door in doors if door.told is not None]
    door_of = {each.id: door.stop_id for door in with_window for each in door.deliveries}
    windows = {door.stop_id: _in_words(door) for door in with_window}
    messages: dict[int, list[SentTo]] = defaultdict(list)
    for row in connection.execute(
        select(notice.c.subject_id, notice.c.data, notice.c.status, notice.c.sent_at, notice.c.problem)
        .where(
            notice.c.subject_kind == "delivery",
            notice.c.subject_id.in_(list(door_of)),
            notice.c.kind.in_([each.value for each in ANNOUNCEMENTS]),
        )
        .order_by(notice.c.id)
    ):
        stop_id = door_of[row.subject_id]
        if tuple(row.data.get(name) for name in ("day", "window_from", "window_to")) == windows[stop_id]:
            messages[stop_id].append(SentTo(status=row.status, sent_at=row.sent_at, problem=row.problem))
    agreed = _agreed(connection, door_of)
    sending_is_off = (SystemStore(connection).setting("outbound") or {}).get("mode", "off") == "off"
    return {
        stop_id: window_news(messages[stop_id], agreed=stop_id in agreed, sending_is_off=sending_is_off)
        for stop_id in windows
    }


def news_of_promises(connection: Connection, order_id: int) -> dict[PromiseKey, WindowNews]:
    """Whether the customer has heard of each promise of an order that was made to be told. A window is told by a
    message that names it, a day by one that was written with it. Of a day without any message somebody told it
    otherwise: with the order, or on the phone."""
    promises = connection.execute(
        select(
            promise.c.made_at,
            promise.c.promised_on,
            promise.c.window_from,
            promise.c.window_to,
            promise.c.why,
            promise.c.told_at,
        )
        .join(order_line, order_line.c.id == promise.c.order_line_id)
        .where(order_line.c.order_id == order_id, promise.c.told_at.is_not(None))
        .distinct()
    ).all()
    mine = (
        select(stop_delivery.c.stop_id)
        .join(delivery_line, delivery_line.c.delivery_id == stop_delivery.c.delivery_id)
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .where(order_line.c.order_id == order_id)
    )
    # One message tells a door, by the first of its deliveries, which may be another order's.
    at_its_doors = select(stop_delivery.c.delivery_id).where(stop_delivery.c.stop_id.in_(mine))
    messages = connection.execute(
        select(notice.c.kind, notice.c.data, notice.c.made_at, notice.c.status, notice.c.sent_at, notice.c.problem)
        .where(
            ((notice.c.subject_kind == "order") & (notice.c.subject_id == order_id))
            | ((notice.c.subject_kind == "delivery") & notice.c.subject_id.in_(at_its_doors))
        )
        .order_by(notice.c.id)
    ).all()
    sending_is_off = (SystemStore(connection).setting("outbound") or {}).get("mode", "off") == "off"
    found = {}
    for each in promises:
        window = (each.promised_on, each.window_from, each.window_to)
        about = [
            SentTo(status=row.status, sent_at=row.sent_at, problem=row.problem)
            for row in messages
            if (
                row.kind in ANNOUNCEMENTS
                and tuple(row.data.get(name) for name in ("day", "window_from", "window_to")) == window
                if each.window_from
                else row.made_at == each.made_at
            )
        ]
        news = window_news(about, agreed=each.why == AT_CUSTOMERS_WISH, sending_is_off=sending_is_off)
        if news.heard is Heard.NOBODY and not each.window_from:
            news = WindowNews(heard=Heard.TOLD, at=each.told_at)
        found[each.made_at, *window] = news
    return found


def _in_words(door: Door) -> tuple[str, str, str]:
    assert door.told is not None
    opens, closes = (each.astimezone(ZoneInfo(door.zone)) for each in door.told)
    return opens.date().isoformat(), f"{opens:%H:%M}", f"{closes:%H:%M}"


def _agreed(connection: Connection, door_of: dict[int, int]) -> set[int]:
    """The stops whose window somebody chose together with the customer."""
    rows = connection.scalars(
        select(delivery_line.c.delivery_id)
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(promise, promise.c.order_line_id == allocation.c.order_line_id)
        .where(
            delivery_line.c.delivery_id.in_(list(door_of)),
            promise.c.version == newest_promise(allocation.c.order_line_id),
            promise.c.why == AT_CUSTOMERS_WISH,
            promise.c.window_from != "",
        )
    )
    return {door_of[each] for each in rows}
