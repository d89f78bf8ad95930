"""A person says what came of a task: the event keeps it, and an outcome that means something does it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from routing.errors import InvalidInput
from routing.model.tasks import OpenTask
from routing.rules.consent import Reply
from routing.services import consenting


class TaskStore(Protocol):
    def open_task(self, task_id: int) -> OpenTask: ...
    def finish_task(self, *, task_id: int, outcome: str, by: str, now: datetime) -> None: ...
    def append_event(
        self,
        *,
        kind: str,
        actor: str,
        captured_at: datetime,
        received_at: datetime,
        data: Mapping[str, Any],
        order_id: int | None = None,
        delivery_id: int | None = None,
        site_id: int | None = None,
    ) -> int: ...


class ConsentStore(TaskStore, consenting.Store, Protocol):
    # Both protocols name it: mypy wants to hear which.
    def append_event(
        self,
        *,
        kind: str,
        actor: str,
        captured_at: datetime,
        received_at: datetime,
        data: Mapping[str, Any],
        order_id: int | None = None,
        delivery_id: int | None = None,
        site_id: int | None = None,
    ) -> int: ...


def finish(store: TaskStore, task_id: int, *, outcome: str, by: str, now: datetime) -> None:
    """Closes the task with a few words. Raises NotFound, and Conflict when somebody else did it first."""
    task = store.open_task(task_id)
    store.finish_task(task_id=task_id, outcome=outcome, by=by, now=now)
    about = {"order": "order_id", "delivery": "delivery_id", "site": "site_id"}.get(task.subject_kind)
    store.append_event(
        kind="task_done",
        actor=by,
        captured_at=now,
        received_at=now,
        data={"task": task_id, "about": task.kind, "outcome": outcome},
        **({about: task.subject_id} if about else {}),
    )


def settle_delay(store: ConsentStore, task_id: int, reply: Reply, *, by: str, now: datetime) -> None:
    """What the customer said on the phone: agreed, another day or cancelled, done as if they had pressed it.

    Raises NotFound, InvalidInput, and Conflict when the customer or somebody else was faster.
    """
    task = store.open_task(task_id)
    if task.subject_kind != "consent":
        raise InvalidInput("This task is not about a delay. Say in a few words what came of it.", code="task")
    consenting.answer(store, task.subject_id, reply, now=now, by=by)
