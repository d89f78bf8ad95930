"""Whether the customers of a van's doors have heard of the windows that were promised."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from data.queries.needs import newest_promise
from data.store.system import SystemStore
from data.tables import allocation, delivery_line, notice, promise
from routing.model.notices import ANNOUNCEMENTS
from routing.model.proofs import Door
from routing.rules.promises import AT_CUSTOMERS_WISH
from routing.rules.told_door import SentTo, WindowNews, window_news


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
