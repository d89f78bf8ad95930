"""Whether the customers of a van's doors have heard of the windows that were promised."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import batched
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, Select, select

from data.queries.needs import newest_promise
from data.store.system import SystemStore
from data.tables import allocation, delivery_line, notice, order_line, promise, stop_delivery
from routing.model.notices import ANNOUNCEMENTS
from routing.model.proofs import Door
from routing.rules.promises import AT_CUSTOMERS_WISH
from routing.rules.told_door import Heard, SentTo, WindowNews, window_news

AT_ONCE = 500

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


def news_of_promises(connection: Connection, order_ids: Collection[int]) -> dict[int, dict[PromiseKey, WindowNews]]:
    """By order, whether the customer has heard of each promise that was made to be told. A window is told by a
    message that names it, a day by one that was written with it. Of a day without any message somebody told it
    otherwise: with the order, or on the phone."""
    found: dict[int, dict[PromiseKey, WindowNews]] = {order_id: {} for order_id in order_ids}
    sending_is_off = (SystemStore(connection).setting("outbound") or {}).get("mode", "off") == "off"
    for part in batched(sorted(found), AT_ONCE):
        messages = _messages_about(connection, part)
        for each in connection.execute(
            select(
                order_line.c.order_id,
                promise.c.made_at,
                promise.c.promised_on,
                promise.c.window_from,
                promise.c.window_to,
                promise.c.why,
                promise.c.told_at,
            )
            .join(order_line, order_line.c.id == promise.c.order_line_id)
            .where(order_line.c.order_id.in_(part), promise.c.told_at.is_not(None))
            .distinct()
        ):
            window = (each.promised_on, each.window_from, each.window_to)
            about = [
                SentTo(status=row.status, sent_at=row.sent_at, problem=row.problem)
                for row in messages[each.order_id]
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
            found[each.order_id][each.made_at, *window] = news
    return found


def _messages_about(connection: Connection, order_ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """By order, the messages about itself and about the doors of its deliveries, oldest first."""
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    what = (notice.c.id, notice.c.kind, notice.c.data, notice.c.made_at, notice.c.status, notice.c.sent_at)
    mine = (
        select(order_line.c.order_id, stop_delivery.c.stop_id)
        .join(allocation, allocation.c.order_line_id == order_line.c.id)
        .join(delivery_line, delivery_line.c.allocation_id == allocation.c.id)
        .join(stop_delivery, stop_delivery.c.delivery_id == delivery_line.c.delivery_id)
        .where(order_line.c.order_id.in_(order_ids))
        .distinct()
        .subquery("mine")
    )
    # One message tells a door, by the first of its deliveries, which may be another order's.
    at_its_doors = (
        select(mine.c.order_id, stop_delivery.c.delivery_id)
        .join(stop_delivery, stop_delivery.c.stop_id == mine.c.stop_id)
        .distinct()
        .subquery("at_its_doors")
    )
    queries: tuple[Select[*tuple[Any, ...]], ...] = (
        select(notice.c.subject_id.label("order_id"), *what, notice.c.problem).where(
            notice.c.subject_kind == "order", notice.c.subject_id.in_(order_ids)
        ),
        select(at_its_doors.c.order_id, *what, notice.c.problem).join(
            notice, (notice.c.subject_kind == "delivery") & (notice.c.subject_id == at_its_doors.c.delivery_id)
        ),
    )
    for query in queries:
        for row in connection.execute(query.order_by(notice.c.id)):
            found[row.order_id].append(row)
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
