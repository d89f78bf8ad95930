"""The outbox as a page shows it: read only, tokens are never here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, func, select

from data.tables import delivery, notice, order, site, stop, supplier

STATUSES = ("waiting", "sending", "sent", "failed", "withheld")


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """One notice. `about` is the order, delivery, site or supplier it tells of."""

    id: int
    kind: str
    about: str
    order_id: int | None
    recipient: str
    channel: str
    language: str
    status: str
    problem: str
    attempts: int
    made_at: datetime
    not_before: datetime | None
    sent_at: datetime | None
    data: Mapping[str, Any]


def message_list(connection: Connection, *, status: str = "", limit: int = 300) -> list[MessageRow]:
    """What was decided last, first."""
    query = (
        select(
            notice,
            order.c.number.label("order_number"),
            order.c.id.label("order_id"),
            delivery.c.number.label("delivery_number"),
            site.c.name.label("site_name"),
            supplier.c.name.label("supplier_name"),
        )
        .outerjoin(order, (notice.c.subject_kind == "order") & (order.c.id == notice.c.subject_id))
        .outerjoin(delivery, (notice.c.subject_kind == "delivery") & (delivery.c.id == notice.c.subject_id))
        .outerjoin(stop, (notice.c.subject_kind == "stop") & (stop.c.id == notice.c.subject_id))
        .outerjoin(site, site.c.id == stop.c.site_id)
        .outerjoin(supplier, (notice.c.subject_kind == "supplier") & (supplier.c.id == notice.c.subject_id))
        .order_by(notice.c.made_at.desc(), notice.c.id.desc())
        .limit(limit)
    )
    if status:
        query = query.where(notice.c.status == status)
    return [
        MessageRow(
            id=row.id,
            kind=row.kind,
            about=row.order_number or row.delivery_number or row.site_name or row.supplier_name or "",
            order_id=row.order_id,
            recipient=row.recipient,
            channel=row.channel,
            language=row.language,
            status=row.status,
            problem=row.problem,
            attempts=row.attempts,
            made_at=row.made_at,
            not_before=row.not_before,
            sent_at=row.sent_at,
            data=row.data,
        )
        for row in connection.execute(query)
    ]


def message_counts(connection: Connection) -> dict[str, int]:
    """How many notices have each status; every status is there."""
    found = dict.fromkeys(STATUSES, 0)
    for status, count in connection.execute(select(notice.c.status, func.count()).group_by(notice.c.status)):
        found[status] = count
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits to be sent: how many, since when the oldest, and how many were decided before today."""

    count: int
    since: datetime | None
    old: int


def waiting_to_be_sent(connection: Connection, *, today: datetime) -> Waiting:
    """`today`: the moment at which it began."""
    old = func.sum(case((notice.c.made_at < today, 1), else_=0))
    query = select(func.count(), func.min(notice.c.made_at), old).where(notice.c.status == "waiting")
    count, since, before = connection.execute(query).one()
    return Waiting(count=count, since=since, old=before or 0)


def still_unsent(connection: Connection, *, order_id: int, made_at: datetime) -> bool:
    """Whether messages about an order were written at this moment and none of them has left: what they say was
    promised, and nobody has read it."""
    query = select(notice.c.status).where(
        notice.c.subject_kind == "order", notice.c.subject_id == order_id, notice.c.made_at == made_at
    )
    statuses = connection.scalars(query).all()
    return bool(statuses) and "sent" not in statuses
