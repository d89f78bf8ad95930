"""Who calls a customer about an order: the task that is open, or what came of the last one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, or_, select

from data.tables import delay_consent, task, user
from routing.model.tasks import TaskKind

ROLES = frozenset({"dispatcher", "salesperson", "warehouse", "admin"})
"""Assignees that name nobody in particular."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A task to call a customer about the dates of an order. `who`: the name that has it, "" for nobody in particular.
    `done_by` is a user's name, or whatever else closed it."""

    task_id: int
    kind: str
    who: str
    made_at: datetime
    done_at: datetime | None
    done_by: str
    outcome: str

    @property
    def is_open(self) -> bool:
        return self.done_at is None


def call_about(connection: Connection, order_id: int) -> Call | None:
    """The open call about this order's dates, the newest of several; without one the call that was done last.

    A task about goods without a date is a call where it says that the customer has to be called: where a message tells
    the customer, or another task asks to call, it only asks for a supplier.
    """
    asked = select(delay_consent.c.id).where(delay_consent.c.order_id == order_id)
    query = select(task).where(
        or_(
            and_(
                task.c.subject_kind == "order",
                task.c.subject_id == order_id,
                task.c.kind.in_([TaskKind.CALL_CUSTOMER.value, TaskKind.NO_DATE.value]),
            ),
            and_(
                task.c.subject_kind == "consent",
                task.c.subject_id.in_(asked),
                task.c.kind == TaskKind.DELAY_CONSENT.value,
            ),
        )
    )
    calls = [row for row in connection.execute(query) if row.kind != TaskKind.NO_DATE or row.data.get("call", True)]
    row = max(calls, key=lambda row: (row.done_at is None, row.done_at or row.made_at, row.id), default=None)
    if row is None:
        return None
    names = {f"user:{each.id}": each.name or each.email for each in connection.execute(select(user))}
    return Call(
        task_id=row.id,
        kind=row.kind,
        who="" if row.assignee in ROLES else row.assignee,
        made_at=row.made_at,
        done_at=row.done_at,
        done_by=names.get(row.done_by, row.done_by),
        outcome=row.outcome,
    )
