"""The outbox as a page shows it: read only, tokens are never here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, case, func, select

from data.store.messages import notice_of
from data.tables import delivery, notice, order, site, stop, supplier, template
from routing.errors import NotFound
from routing.model.notices import Notice, NoticeKind

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
    notice: Notice


def message_list(connection: Connection, *, status: str = "", limit: int = 300, offset: int = 0) -> list[MessageRow]:
    """What was decided last, first."""
    query = _messages().order_by(notice.c.made_at.desc(), notice.c.id.desc()).limit(limit).offset(offset)
    if status:
        query = query.where(notice.c.status == status)
    return [_row(row) for row in connection.execute(query)]


def own_template(connection: Connection, *, kind: str, channel: str, language: str) -> tuple[str, str] | None:
    """Subject and text that the company wrote itself for such a message; None where it did not."""
    row = connection.execute(
        select(template.c.subject, template.c.text).where(
            template.c.kind == kind, template.c.channel == channel, template.c.language == language
        )
    ).first()
    return None if row is None else (row.subject, row.text)


def one_message(connection: Connection, notice_id: int) -> MessageRow:
    """Raises NotFound."""
    row = connection.execute(_messages().where(notice.c.id == notice_id)).first()
    if row is None:
        raise NotFound(f"There is no message {notice_id}. Look at the list of them.", code="message")
    return _row(row)


def _messages() -> Select[Any]:
    return (
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
    )


def _row(row: Row[Any]) -> MessageRow:
    return MessageRow(
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
        notice=notice_of(row),
    )


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


def question_state(connection: Connection, *, order_id: int, consent_id: int) -> str:
    """What became of the messages that ask this question: "sent" to anybody, "waiting", "held" back or failed, or
    "none" where nobody there agreed to messages."""
    query = select(notice.c.data, notice.c.status).where(
        notice.c.subject_kind == "order",
        notice.c.subject_id == order_id,
        notice.c.kind == NoticeKind.DATE_CHANGED.value,
    )
    return state_of_all(row.status for row in connection.execute(query) if row.data.get("consent_id") == consent_id)


def state_of_all(statuses: Iterable[str]) -> str:
    """Of one message to several people: the best that became of it.

    >>> [state_of_all(each) for each in (["withheld", "sent"], ["failed", "waiting"], ["failed"], [])]
    ['sent', 'waiting', 'held', 'none']
    """
    found = set(statuses)
    if "sent" in found:
        return "sent"
    return "waiting" if found & {"waiting", "sending"} else "held" if found else "none"


def still_unsent(connection: Connection, *, order_id: int, made_at: datetime) -> bool:
    """Whether messages about an order were written at this moment and none of them has left: what they say was
    promised, and nobody has read it."""
    query = select(notice.c.status).where(
        notice.c.subject_kind == "order", notice.c.subject_id == order_id, notice.c.made_at == made_at
    )
    statuses = connection.scalars(query).all()
    return bool(statuses) and "sent" not in statuses
