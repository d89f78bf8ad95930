"""A person says what came of a task: the event keeps it, and an outcome that means something does it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from routing.errors import InvalidInput
from routing.model.tasks import OpenTask
from routing.rules.consent import Reply
from routing.services import consenting
from routing.services.story import KeepsEvents


class TaskStore(KeepsEvents, Protocol):
    def open_task(self, task_id: int) -> OpenTask: ...
    def finish_task(self, *, task_id: int, outcome: str, by: str, now: datetime) -> None: ...


class ConsentStore(TaskStore, consenting.Store, Protocol):
    """What a task about a customer's answer needs of the store."""


def finish(store: TaskStore, task_id: int, *, outcome: str, by: str, now: datetime) -> None:
    """Closes the task with a few words. Raises NotFound, and Conflict when somebody else did it first."""
    task = store.open_task(task_id)
    store.finish_task(task_id=task_id, outcome=outcome, by=by, now=now)
    store.append_event(
        kind="task_done",
        actor=by,
        captured_at=now,
        received_at=now,
        data={"task": task_id, "about": task.kind, "outcome": outcome},
        order_id=task.subject_id if task.subject_kind == "order" else None,
        delivery_id=task.subject_id if task.subject_kind == "delivery" else None,
        site_id=task.subject_id if task.subject_kind == "site" else None,
    )


def settle_delay(store: ConsentStore, task_id: int, reply: Reply, *, by: str, now: datetime) -> None:
    """What the customer said on the phone: agreed, another day or cancelled, done as if they had pressed it.

    Raises NotFound, InvalidInput, and Conflict when the customer or somebody else was faster.
    """
    task = store.open_task(task_id)
    if task.subject_kind != "consent":
        raise InvalidInput("This task is not about a delay. Say in a few words what came of it.", code="task")
    consenting.answer(store, task.subject_id, reply, now=now, by=by)
