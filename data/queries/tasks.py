"""What a person must do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, func, select

from data.queries.needs import ORDERED, SETTLED, units_of_line
from data.tables import allocation as allocation_table
from data.tables import delay_consent, delay_consent_line, delivery_line, order, order_line, product, site, task, user
from routing.model.tasks import TaskKind


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """A task. `order_id` and `site_id` lead to what it is about, where that can be told."""

    id: int
    kind: str
    assignee: str
    sentence: str
    subject_kind: str
    subject_id: int
    urgent: bool
    made_at: datetime
    due_at: datetime | None
    done_at: datetime | None
    done_by: str
    outcome: str
    order_id: int | None
    site_id: int | None
    inbound: str
    """Of a task about a truck: its number; else ""."""
    is_mine: bool
    day_now: str | None = None
    """Where the sentence says another day: the ISO day that its goods are expected on now, "" for none."""


def _theirs(mine: Collection[str]) -> ColumnElement[bool]:
    """Whose task it is: the one rule by which Today, the menu and Tasks count."""
    return func.lower(task.c.assignee).in_([name.lower() for name in mine if name])


def open_tasks(connection: Connection, *, mine: Collection[str]) -> int:
    """How many open tasks call the reader by one of these names."""
    query = select(func.count()).select_from(task).where(task.c.done_at.is_(None), _theirs(mine))
    return connection.execute(query).scalar_one()


def task_kinds(connection: Connection, *, done: bool = False) -> dict[TaskKind, int]:
    """How many tasks there are of each kind, the most first; kinds without any are left out."""
    query = (
        select(task.c.kind, func.count().label("tasks"))
        .where(task.c.done_at.is_not(None) if done else task.c.done_at.is_(None))
        .group_by(task.c.kind)
        .order_by(func.count().desc(), task.c.kind)
    )
    known = {kind.value: kind for kind in TaskKind}
    return {known[row.kind]: row.tasks for row in connection.execute(query) if row.kind in known}


def open_decisions(connection: Connection, delivery_ids: Collection[int]) -> dict[int, int]:
    """By delivery, the open task that asks what becomes of the goods that its door did not take."""
    query = select(task.c.subject_id, task.c.id).where(
        task.c.kind.in_([TaskKind.DOOR_DECISION.value, TaskKind.REDELIVERY.value]),
        task.c.subject_kind == "delivery",
        task.c.subject_id.in_(delivery_ids),
        task.c.done_at.is_(None),
    )
    return {row.subject_id: row.id for row in connection.execute(query.order_by(task.c.id))}


def task_list(
    connection: Connection,
    *,
    done: bool = False,
    mine: Collection[str] = (),
    only_mine: bool = False,
    kind: TaskKind | None = None,
    limit: int = 300,
) -> list[TaskRow]:
    """Open tasks, urgent and due first; or those that were done, the newest first. `kind`: only those.

    `mine`: the names that tasks call the reader by; those come before all others, or with `only_mine` alone.
    """
    own = _theirs(mine)
    query = select(task).where(task.c.done_at.is_not(None) if done else task.c.done_at.is_(None))
    if only_mine:
        query = query.where(own)
    if kind is not None:
        query = query.where(task.c.kind == kind.value)
    if done:
        query = query.order_by(task.c.done_at.desc(), task.c.id.desc())
    else:
        undated = case((task.c.due_at.is_(None), 1), else_=0)
        query = query.order_by(case((own, 0), else_=1), task.c.urgent.desc(), undated, task.c.due_at, task.c.id)
    rows = connection.execute(query.add_columns(own.label("is_mine")).limit(limit)).all()
    names = {f"user:{row.id}": row.name or row.email for row in connection.execute(select(user))}
    deliveries = [row.subject_id for row in rows if row.subject_kind == "delivery"]
    order_of = {
        row.delivery_id: row.order_id
        for row in connection.execute(
            select(delivery_line.c.delivery_id, order_line.c.order_id)
            .join(allocation_table, allocation_table.c.id == delivery_line.c.allocation_id)
            .join(order_line, order_line.c.id == allocation_table.c.order_line_id)
            .where(delivery_line.c.delivery_id.in_(deliveries))
        )
    }
    known_orders = set(
        connection.scalars(
            select(order.c.id).where(order.c.id.in_([row.subject_id for row in rows if row.subject_kind == "order"]))
        )
    )
    known_sites = set(
        connection.scalars(
            select(site.c.id).where(site.c.id.in_([row.subject_id for row in rows if row.subject_kind == "site"]))
        )
    )
    moved = _moved_since(connection, [row for row in rows if row.done_at is None])
    return [
        TaskRow(
            id=row.id,
            kind=row.kind,
            assignee=row.assignee,
            sentence=row.sentence,
            subject_kind=row.subject_kind,
            subject_id=row.subject_id,
            urgent=row.urgent,
            made_at=row.made_at,
            due_at=row.due_at,
            done_at=row.done_at,
            done_by=names.get(row.done_by, row.done_by),
            outcome=row.outcome,
            order_id=row.subject_id
            if row.subject_kind == "order" and row.subject_id in known_orders
            else order_of.get(row.subject_id)
            if row.subject_kind == "delivery"
            else row.data.get("order")
            if row.subject_kind in ("consent", "order_line")
            else None,
            is_mine=bool(row.is_mine),
            inbound=str(row.data.get("inbound", "")) if row.subject_kind == "inbound" else "",
            site_id=row.subject_id if row.subject_kind == "site" and row.subject_id in known_sites else None,
            day_now=moved.get(row.id),
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a task said of a day when it was made: the ISO day, "" for none, and the keys of the lines it is about.

    `again`: a day that was promised before holds again, whenever the goods come before it.
    """

    day: str
    lines: tuple[int, ...]
    again: bool = False


def _moved_since(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, str]:
    """By task: the day that what is still to come of its goods is expected on now, where its sentence says another."""
    said = _said(connection, rows)
    every = {line_id for each in said.values() for line_id in each.lines}
    query = (
        select(order_line.c.id, order_line.c.expected_on)
        .join(order, order.c.id == order_line.c.order_id)
        .where(
            order_line.c.id.in_(every), order.c.cancelled_at.is_(None), ORDERED - units_of_line(SETTLED) > 0
        )
    )  # fmt: skip
    expected = {line_id: day for line_id, day in connection.execute(query)}
    moved = {}
    for task_id, told in said.items():
        days = [expected[line_id] for line_id in told.lines if line_id in expected]
        if not days:
            continue  # nothing of it is to come any more
        day = "" if "" in days else max(days)
        if day != told.day and not (told.again and "" < day < told.day):
            moved[task_id] = day
    return moved


def _said(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, _Said]:
    """By task, of those that tell a customer, or ask one, about a day."""
    found: dict[int, _Said] = {}
    consents: dict[int, int] = {}
    undated: dict[int, Row[Any]] = {}
    for row in rows:
        if row.kind == TaskKind.CALL_CUSTOMER and "lines" in row.data:
            day, again = str(row.data["day"]), bool(row.data.get("again"))
            found[row.id] = _Said(day=day, lines=tuple(row.data["lines"]), again=again)
        elif row.kind == TaskKind.DELAY_CONSENT and row.subject_kind == "consent":
            consents[row.subject_id] = row.id
        elif row.kind == TaskKind.NO_DATE and row.subject_kind == "order":
            undated[row.subject_id] = row
    asked: dict[int, list[int]] = defaultdict(list)
    days: dict[int, str] = {}
    for consent_id, day, line_id in connection.execute(
        select(delay_consent.c.id, delay_consent.c.day, delay_consent_line.c.order_line_id)
        .join(delay_consent_line, delay_consent_line.c.consent_id == delay_consent.c.id)
        .where(delay_consent.c.id.in_(consents))
    ):
        days[consent_id] = day
        asked[consent_id].append(line_id)
    for consent_id, lines in asked.items():
        found[consents[consent_id]] = _Said(day=days[consent_id], lines=tuple(lines))
    for order_id, lines in _lines_of_skus(connection, undated).items():
        found[undated[order_id].id] = _Said(day="", lines=tuple(lines))
    return found


def _lines_of_skus(connection: Connection, tasks: Mapping[int, Row[Any]]) -> dict[int, list[int]]:
    """By order, its lines of the SKUs that its task names."""
    lines: dict[int, list[int]] = defaultdict(list)
    for order_id, line_id, sku in connection.execute(
        select(order_line.c.order_id, order_line.c.id, product.c.number)
        .join(product, product.c.id == order_line.c.product_id)
        .where(order_line.c.order_id.in_(tasks))
    ):
        if sku in tasks[order_id].data.get("skus", ()):
            lines[order_id].append(line_id)
    return lines
