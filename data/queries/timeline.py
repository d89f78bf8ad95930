"""What happened, in the order it happened: events, promises and messages as one list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, or_, select

from data.queries.company import user_names
from data.queries.messages import state_of_all
from data.queries.window_news import PromiseKey, news_of_promises
from data.tables import (
    allocation,
    delivery,
    delivery_line,
    driver,
    empties_line,
    event,
    notice,
    order,
    order_line,
    promise,
    shift,
    site,
    stop_delivery,
    vehicle,
)
from routing.model.notices import NoticeKind
from routing.services.who_comes import CHANGED

TOLD_BEFORE_IMPORT = "told before import"
"""Why of a promise that an order brought along (routing/services/importing.py)."""

LOOKED_BACK = 40
"""How many events a row of the newest may stand for on average before older ones are not reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened. `kind` is the event's, or `ordered`, `promised` or `told`; `who` a name, not a key.

    `fetches`: its delivery collects. `received_at` is later than `at` when a phone had no signal. `alike` counts the
    events that one row stands for.
    """

    at: datetime
    received_at: datetime
    kind: str
    who: str
    data: Mapping[str, Any]
    order: str = ""
    order_id: int | None = None
    delivery: str = ""
    site: str = ""
    vehicle: str = ""
    fetches: bool = False
    rank: tuple[int, int] = (0, 0)
    alike: int = 1


def order_timeline(connection: Connection, order_id: int) -> list[Happening]:
    """Everything about one order, newest first."""
    deliveries = (
        select(delivery_line.c.delivery_id)
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .where(order_line.c.order_id == order_id)
    )
    head = connection.execute(
        select(order.c.ordered_at, order.c.customer_reference, order.c.source).where(order.c.id == order_id)
    ).one()
    found = _begun_by_the_order(_events_of_order(connection, order_id, deliveries), head)
    found += _promises_made(connection, order_id, head)
    told, asked = _messages_about(connection, order_id, deliveries)
    found = _with_its_message(found + told, asked)
    return sorted(found, key=lambda one: (one.at, one.rank), reverse=True)


def _events_of_order(connection: Connection, order_id: int, deliveries: Select[Any]) -> list[Happening]:
    fetched = select(empties_line.c.delivery_id).where(empties_line.c.order_id == order_id)
    # A delivery that was taken back lost its lines, but its events still name the order.
    site_id = select(order.c.site_id).where(order.c.id == order_id).scalar_subquery()
    mine = or_(
        and_(event.c.order_id == order_id, event.c.kind != "promised"),  # the promise rows say it themselves
        event.c.delivery_id.in_(deliveries),
        event.c.delivery_id.in_(fetched),
        and_(event.c.kind.in_(("pin_chosen", CHANGED)), event.c.site_id == site_id),
    )
    return _of_this_order(_happenings(connection, _events().where(mine)), order_id)


def _begun_by_the_order(found: list[Happening], head: Any) -> list[Happening]:
    """When it was ordered, in the place of when it came in."""
    came = next((one for one in found if one.kind == "order_received"), None)
    ordered = Happening(
        at=head.ordered_at,
        received_at=came.received_at if came else head.ordered_at,
        kind="ordered",
        who=came.who if came else "",
        data={"reference": head.customer_reference},
        rank=(-1, 0),
    )
    return [*(one for one in found if one is not came), ordered]


def _promises_made(connection: Connection, order_id: int, head: Any) -> list[Happening]:
    """What was promised of its lines, those of one moment together."""
    names = _names(connection)
    news = news_of_promises(connection, [order_id])[order_id]
    made: dict[tuple[datetime, str, str, str], dict[str, Any]] = {}
    days: dict[int, str] = {}
    for row in connection.execute(
        select(promise, order_line.c.number)
        .join(order_line, order_line.c.id == promise.c.order_line_id)
        .where(order_line.c.order_id == order_id)
        .order_by(promise.c.order_line_id, promise.c.version)
    ):
        before = days.get(row.order_line_id, "")
        days[row.order_line_id] = row.promised_on
        window = f"{row.window_from}–{row.window_to}" if row.window_from else ""
        one = made.setdefault(
            (row.made_at, row.promised_on, row.why, window),
            {
                "day": row.promised_on,
                "why": row.why,
                "window": window,
                "lines": [],
                "by": row.by,
                "heard": news[key].heard.value if (key := _promise_key(row)) in news else "",
            },
        )
        one["lines"].append(row.number)
        one["moved"] = "first" if not before else "same" if before == row.promised_on else "moved"
    found = []
    for (made_at, _day, why, _window), data in made.items():
        # A promise that came with the order's file was made before: nobody knows when, so it stands with the order.
        came_along = why == TOLD_BEFORE_IMPORT
        at = head.ordered_at if came_along else made_at
        who = "" if came_along else _who(data["by"], names)
        rank = (0, 0) if came_along else (1, 0)
        found.append(Happening(at=at, received_at=at, kind="promised", who=who, data=data, rank=rank))
    return found


def _messages_about(
    connection: Connection, order_id: int, deliveries: Select[Any]
) -> tuple[list[Happening], dict[int, list[str]]]:
    """What its customer was told; and, by the question that it carries, what became of each message that asks."""
    found: list[Happening] = []
    asked: dict[int, list[str]] = defaultdict(list)
    stops = select(stop_delivery.c.stop_id).where(stop_delivery.c.delivery_id.in_(deliveries))
    for row in connection.execute(
        select(notice).where(
            or_(
                and_(notice.c.subject_kind == "order", notice.c.subject_id == order_id),
                and_(notice.c.subject_kind == "delivery", notice.c.subject_id.in_(deliveries)),
                and_(notice.c.subject_kind == "stop", notice.c.subject_id.in_(stops)),
            )
        )
    ):
        if row.data.get("consent_id"):
            asked[row.data["consent_id"]].append(row.status)
        at = row.sent_at or row.made_at
        found.append(
            Happening(
                at=at,
                received_at=at,
                kind="told",
                who="",
                data={
                    "about": row.kind,
                    "day": row.data.get("day") or "",
                    "notice": row.id,
                    "recipient": row.recipient,
                    "channel": row.channel,
                    "status": row.status,
                    "problem": row.problem,
                },
                rank=(2, 0),
            )
        )
    return found, asked


def _promise_key(row: Any) -> PromiseKey:
    return row.made_at, row.promised_on, row.window_from, row.window_to


def newest_events(connection: Connection, *, limit: int = 12) -> list[Happening]:
    """The newest events of the whole installation, by when they became known here, newest first; what one press did to
    many is one row with `alike`.

    Who got which units is left out: it follows from a receipt or an import, which has its own row. So is the report
    from a door: what became of each delivery there is said by its own row.
    """
    newest = (
        _events()
        .where(event.c.kind.not_in(("allocated", "promised", "promise_lost", "stop.reported")))
        .order_by(event.c.id.desc())
        .limit(limit * LOOKED_BACK)
    )
    found: list[Happening] = []
    every = _happenings(connection, newest)
    every = _with_its_message(every, _asked(connection, {one.order_id for one in every if one.kind == "consent_asked"}))
    for one in sorted(every, key=lambda one: (one.received_at, one.rank), reverse=True):
        if found and _told_apart(found[-1]) == _told_apart(one):
            found[-1] = replace(found[-1], alike=found[-1].alike + 1)
        elif len(found) == limit:
            break
        else:
            found.append(one)
    return found


def _told_apart(one: Happening) -> tuple[object, ...]:
    """Those of one press are one row, but who was asked never stands for who could not be."""
    return one.kind, one.received_at, one.data.get("message", "")


def _asked(connection: Connection, order_ids: Collection[int | None]) -> dict[int, list[str]]:
    """What became of the messages that asked these orders' customers, by question."""
    found: dict[int, list[str]] = defaultdict(list)
    if not order_ids:
        return found
    query = select(notice.c.data, notice.c.status).where(
        notice.c.subject_kind == "order",
        notice.c.subject_id.in_(order_ids),
        notice.c.kind == NoticeKind.DATE_CHANGED.value,
    )
    for row in connection.execute(query):
        if row.data.get("consent_id"):
            found[row.data["consent_id"]].append(row.status)
    return found


def _with_its_message(found: Sequence[Happening], asked: Mapping[int, Sequence[str]]) -> list[Happening]:
    """A question is told by what became of its message: without any, nobody was asked."""
    return [
        replace(one, data={**one.data, "message": state_of_all(asked.get(one.data.get("consent", 0), ()))})
        if one.kind == "consent_asked"
        else one
        for one in found
    ]


def _of_this_order(found: Sequence[Happening], order_id: int) -> list[Happening]:
    """Without what is told of another order that shares a delivery. A release says the units of all of them as
    `shared`, 0 when it has the delivery to itself."""
    shared: dict[tuple[datetime, str], int] = defaultdict(int)
    for each in found:
        if each.kind == "released" and each.order_id != order_id:
            shared[each.at, each.delivery] += each.data["units"]
    return [
        replace(each, data={**each.data, "shared": others + each.data["units"]})
        if each.kind == "released" and (others := shared.get((each.at, each.delivery), 0))
        else each
        for each in found
        if each.kind != "released" or each.order_id == order_id
    ]


def _events() -> Select[Any]:
    return (
        select(
            event,
            order.c.number.label("order_number"),
            delivery.c.number.label("delivery_number"),
            delivery.c.direction,
            site.c.name.label("site_name"),
            vehicle.c.name.label("vehicle_name"),
        )
        .outerjoin(order, order.c.id == event.c.order_id)
        .outerjoin(delivery, delivery.c.id == event.c.delivery_id)
        .outerjoin(site, site.c.id == event.c.site_id)
        .outerjoin(shift, shift.c.id == event.c.shift_id)
        .outerjoin(vehicle, vehicle.c.id == shift.c.vehicle_id)
    )


def _happenings(connection: Connection, query: Select[Any]) -> list[Happening]:
    names = _names(connection)
    return [
        Happening(
            at=row.captured_at,
            received_at=row.received_at,
            kind=row.kind,
            who=_who(row.actor, names),
            data=row.data,
            order=row.order_number or "",
            order_id=row.order_id,
            delivery=row.delivery_number or "",
            fetches=row.direction == "collect",
            site=row.site_name or "",
            vehicle=row.vehicle_name or "",
            rank=(0, row.id),
        )
        for row in connection.execute(query)
    ]


def _names(connection: Connection) -> dict[str, str]:
    names = user_names(connection)
    names |= {f"driver:{row.id}": row.name for row in connection.execute(select(driver.c.id, driver.c.name))}
    return names


def _who(actor: str, names: Mapping[str, str]) -> str:
    return names.get(actor, actor)
