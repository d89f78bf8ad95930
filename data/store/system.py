"""The store's part for events, tasks, jobs, settings, files and idempotency."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from data.store.part import AT_ONCE, StorePart, parts
from data.tables import event, file, idempotency, job, region, setting, task
from routing.errors import Conflict, NotFound
from routing.model.tasks import OpenTask, TaskKind

FIRST_HASH = "0" * 64
"""What the first event names as the hash before it."""

_CHAIN_LOCK = 7_305_001
"""Any fixed number: PostgreSQL's advisory lock that lets one transaction at a time lengthen the chain."""

_HASHED = (
    "client_id",
    "sequence",
    "kind",
    "actor",
    "order_id",
    "delivery_id",
    "shift_id",
    "plan_id",
    "site_id",
    "data",
    "captured_at",
    "received_at",
    "previous_hash",
)


_ASKED_FOR = _HASHED[:-1]
"""What whoever appends an event says about it; the chain adds the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainBreak:
    """The first event at which the chain does not hold, and the sentence that says how."""

    event_id: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """An answer that was given before to the same key. `payload_sha256` tells a repeat from a reuse."""

    payload_sha256: str
    response: Any
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work in the background as its row says. `fence` grows with every claim: only the latest claim may write."""

    id: int
    kind: str
    data: dict[str, Any]
    state: str
    progress: dict[str, Any]
    result: Any
    problem: str
    attempts: int
    max_attempts: int
    fence: int
    by: str
    cancel_asked: bool
    made_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


def _link(asked: Mapping[str, Any], previous: str) -> dict[str, Any]:
    """The row of an event that follows the one whose hash is `previous`."""
    row = {
        **asked,
        # Through JSON and back, so that what is hashed is what will be read (tuples become lists).
        "data": json.loads(json.dumps(dict(asked["data"]), allow_nan=False)),
        # In UTC, as they will be read: a phone's own offset would give another hash.
        "captured_at": asked["captured_at"].astimezone(UTC),
        "received_at": asked["received_at"].astimezone(UTC),
        "previous_hash": previous,
    }
    return row | {"hash": event_hash(row)}


class SystemStore(StorePart):
    # ------------------------------------------------------------------ events

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
        shift_id: int | None = None,
        plan_id: int | None = None,
        site_id: int | None = None,
        client_id: str | None = None,
        sequence: int | None = None,
    ) -> int:
        """Lengthens the chain by one event and returns its id. `data` is JSON.

        The chain is one: on PostgreSQL other transactions that append wait from here until this one ends, so append
        after the rows that the change itself locks. Raises Conflict when `client_id` stands for another event.
        """
        self.moment = received_at
        previous = self._end_of_chain()
        values = _link(
            {
                "client_id": client_id,
                "sequence": sequence,
                "kind": kind,
                "actor": actor,
                "order_id": order_id,
                "delivery_id": delivery_id,
                "shift_id": shift_id,
                "plan_id": plan_id,
                "site_id": site_id,
                "data": data,
                "captured_at": captured_at,
                "received_at": received_at,
            },
            previous,
        )
        event_id = self.insert_once(event, values)
        if event_id is None:
            raise _used_before(client_id or "")
        return event_id

    def append_events(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Lengthens the chain by many events at once: each with the arguments of `append_event`, in order."""
        if not events:
            return
        self.moment = events[-1]["received_at"]
        previous = self._end_of_chain()
        for some in batched(events, AT_ONCE):
            rows = []
            for each in some:
                rows.append(_link(dict.fromkeys(_ASKED_FOR) | dict(each), previous))
                previous = rows[-1]["hash"]
            self.connection.execute(insert(event), rows)

    def _end_of_chain(self) -> str:
        """The hash of the last event; nobody else lengthens the chain from here until this transaction ends."""
        if self.connection.dialect.name != "sqlite":  # on SQLite the whole write transaction is alone already
            self.connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _CHAIN_LOCK})
        return self.connection.scalar(select(event.c.hash).order_by(event.c.id.desc()).limit(1)) or FIRST_HASH

    # ------------------------------------------------------------------ tasks

    def add_task(
        self,
        *,
        kind: TaskKind,
        subject_kind: str,
        subject_id: int,
        sentence: str,
        made_at: datetime,
        assignee: str = "",
        due_at: datetime | None = None,
        data: Mapping[str, Any] | None = None,
        urgent: bool = False,
    ) -> int:
        """Asks a person to do something and returns the task's id. `assignee` "": whoever tasks of this kind go to.

        One open task of a kind per subject: asking again renews its sentence and data instead of doubling it.
        """
        values: dict[str, Any] = {
            "sentence": sentence,
            "assignee": assignee or kind.goes_to,
            "due_at": due_at,
            "data": dict(data or {}),
            "urgent": urgent,
        }
        same = (
            task.c.kind == kind.value,
            task.c.subject_kind == subject_kind,
            task.c.subject_id == subject_id,
            task.c.done_at.is_(None),
        )
        renewed: int | None = self.connection.scalar(
            update(task).where(*same).values(**values, version=task.c.version + 1).returning(task.c.id)
        )
        if renewed is not None:
            return renewed
        about = {"kind": kind.value, "subject_kind": subject_kind, "subject_id": subject_id, "made_at": made_at}
        made = self.insert_once(task, about | values)
        if made is None:  # made and done at this very moment, as where many receipts are one: it is open again
            again = {"done_at": None, "done_by": "", "outcome": "", "version": task.c.version + 1}
            made = self.connection.scalar(
                update(task)
                .where(*(task.c[name] == value for name, value in about.items()))
                .values(**values, **again)
                .returning(task.c.id)
            )
        if made is None:
            raise Conflict(
                f"Somebody else asked for a task {kind} for {subject_kind} {subject_id} at this moment. Ask again."
            )
        return made

    def add_tasks(self, asked: Sequence[Mapping[str, Any]]) -> None:
        """The same for many at once, each with what `add_task` asks for; no subject is named twice for one kind."""
        open_now: dict[tuple[str, str, int], int] = {}
        for kind, subject_kind in {(each["kind"], each["subject_kind"]) for each in asked}:
            for part in parts({each["subject_id"] for each in asked if each["kind"] == kind}):
                query = select(task.c.id, task.c.subject_id).where(
                    task.c.kind == kind.value,
                    task.c.subject_kind == subject_kind,
                    task.c.subject_id.in_(part),
                    task.c.done_at.is_(None),
                )
                for row in self.connection.execute(query):
                    open_now[kind, subject_kind, row.subject_id] = row.id
        new: list[Mapping[str, Any]] = []
        for each in asked:
            if (each["kind"], each["subject_kind"], each["subject_id"]) in open_now:
                self.add_task(**each)
            else:
                new.append(each)
        if not new:
            return
        usual: dict[str, Any] = {"due_at": None, "data": {}, "urgent": False}
        dialect = sqlite if self.connection.dialect.name == "sqlite" else postgresql
        rows = [
            usual | dict(each) | {"kind": each["kind"].value, "assignee": each.get("assignee") or each["kind"].goes_to}
            for each in new
        ]
        made = self.connection.execute(dialect.insert(task).on_conflict_do_nothing(), rows)
        if made.rowcount != len(new):  # somebody asked for one of them at this moment: ask again, one by one
            for each in new:
                self.add_task(**each)

    def open_task(self, task_id: int) -> OpenTask:
        """Raises NotFound, and Conflict when somebody did it already."""
        row = self.connection.execute(select(task).where(task.c.id == task_id)).first()
        if row is None:
            raise NotFound(f"There is no task {task_id}.", task=task_id)
        if row.done_at is not None:
            raise Conflict(f"Task {task_id} was already done: {row.outcome}.", code="task_done", task=task_id)
        return OpenTask(kind=row.kind, subject_kind=row.subject_kind, subject_id=row.subject_id)

    def finish_task(self, *, task_id: int, outcome: str, by: str, now: datetime) -> None:
        """Raises NotFound, and Conflict when somebody else did it first."""
        done = self.connection.execute(
            update(task)
            .where(task.c.id == task_id, task.c.done_at.is_(None))
            .values(done_at=now, done_by=by, outcome=outcome, version=task.c.version + 1)
        )
        if done.rowcount == 0:
            row = self.connection.execute(select(task.c.done_by, task.c.outcome).where(task.c.id == task_id)).first()
            if row is None:
                raise NotFound(f"There is no task {task_id}.", task=task_id)
            raise Conflict(f"Task {task_id} was already done by {row.done_by}: {row.outcome}.", task=task_id)

    # ------------------------------------------------------------------ settings

    def setting(self, name: str, default: Any = None) -> Any:
        row = self.connection.execute(select(setting.c.value).where(setting.c.name == name)).first()
        return default if row is None else row.value

    def set_setting(self, *, name: str, value: Any, by: str, now: datetime) -> None:
        changed = self.connection.execute(
            update(setting)
            .where(setting.c.name == name)
            .values(value=value, by=by, at=now, version=setting.c.version + 1)
        )
        if changed.rowcount:
            return
        if self.insert_once(setting, {"name": name, "value": value, "by": by, "at": now}) is None:
            raise Conflict(f"Somebody else has just set {name}. Read it again.", setting=name)

    # ------------------------------------------------------------------ idempotency

    def remember(self, *, scope: str, key: str, payload_sha256: str, response: Any, now: datetime) -> None:
        """Keeps the answer for whoever repeats the request. Raises Conflict when the key meant something else."""
        values = {"scope": scope, "key": key, "payload_sha256": payload_sha256, "response": response, "at": now}
        if self.insert_once(idempotency, values) is None:
            self.recall(scope=scope, key=key, payload_sha256=payload_sha256)

    def recall(self, *, scope: str, key: str, payload_sha256: str | None = None) -> Remembered | None:
        """The answer given before, or None. With `payload_sha256` it raises Conflict if the key is reused for
        another payload."""
        row = self.connection.execute(
            select(idempotency).where(idempotency.c.scope == scope, idempotency.c.key == key)
        ).first()
        if row is None:
            return None
        if payload_sha256 is not None and row.payload_sha256 != payload_sha256:
            raise _used_before(key)
        return Remembered(payload_sha256=row.payload_sha256, response=row.response, at=row.at)

    # ------------------------------------------------------------------ files

    def save_file(self, *, sha256: str, media_type: str, size: int, now: datetime) -> int:
        """Notes a file whose bytes the file store already keeps; the same bytes twice are one file."""
        values = {"sha256": sha256, "media_type": media_type, "size": size, "stored_at": now}
        made = self.insert_once(file, values)
        if made is not None:
            return made
        # The same bytes after an erasure are kept again.
        kept: int = self.connection.execute(
            update(file).where(file.c.sha256 == sha256).values(erased_at=None).returning(file.c.id)
        ).scalar_one()
        return kept

    # ------------------------------------------------------------------ regions

    def save_region(self, *, name: str, build: str, facts: Mapping[str, Any], built_at: datetime) -> int:
        """Notes a region that was built, or built again; returns its id."""
        values = {"build": build, "facts": dict(facts), "built_at": built_at}
        known: int | None = self.connection.scalar(
            update(region).where(region.c.name == name).values(**values).returning(region.c.id)
        )
        if known is None:
            known = self.insert_once(region, {"name": name, **values})
        if known is None:
            raise Conflict(f"Somebody else has just built region {name}. Look at it first.", region=name)
        return known

    def forget_region(self, name: str) -> None:
        """The region was deleted from the disk: it covers no depot any more. What was learnt of its roads stays."""
        self.connection.execute(update(region).where(region.c.name == name).values(facts={}))

    # ------------------------------------------------------------------ jobs

    def add_job(
        self,
        *,
        kind: str,
        data: Mapping[str, Any],
        by: str,
        now: datetime,
        not_before: datetime | None = None,
        max_attempts: int = 5,
    ) -> int:
        """Writes down work for the background, in the same transaction as the change that wants it."""
        values = {
            "kind": kind,
            "data": dict(data),
            "progress": {},
            "by": by,
            "made_at": now,
            "not_before": not_before,
            "max_attempts": max_attempts,
        }
        job_id: int = self.connection.execute(insert(job).values(values).returning(job.c.id)).scalar_one()
        return job_id

    def job(self, job_id: int) -> Job:
        """Raises NotFound."""
        row = self.connection.execute(select(job).where(job.c.id == job_id)).first()
        if row is None:
            raise NotFound(f"There is no job {job_id}.", job=job_id)
        return job_of(row)

    def tell_job(self, *, job_id: int, more: Mapping[str, Any]) -> None:
        """Adds to a job's data: what its worker waits to be told. Raises NotFound."""
        known = self.job(job_id).data
        self.connection.execute(update(job).where(job.c.id == job_id).values(data={**known, **more}))

    def jobs_due(self, *, now: datetime, limit: int, again_after_s: float) -> list[int]:
        """The jobs a worker should look at: new ones, those whose moment has come, those whose worker was lost.

        A job that was published and not claimed within `again_after_s` is due again: brokers lose messages.
        """
        late = now - timedelta(seconds=again_after_s)
        waiting = and_(job.c.state == "waiting", or_(job.c.not_before.is_(None), job.c.not_before <= now))
        lost = and_(job.c.state == "running", job.c.lease_until < now)
        due = (
            select(job.c.id)
            .where(or_(waiting, lost), or_(job.c.published_at.is_(None), job.c.published_at <= late))
            .order_by(job.c.id)
            .limit(limit)
        )
        return list(self.connection.scalars(due))

    def jobs_published(self, *, job_ids: Sequence[int], now: datetime) -> None:
        self.connection.execute(update(job).where(job.c.id.in_(job_ids)).values(published_at=now))

    def claim_job(self, *, job_id: int, now: datetime, lease_s: float) -> Job | None:
        """Takes the job, for `lease_s` seconds and under a new fence; None when it is not to be had.

        A job out of attempts is not handed out: it fails here, so that a job that kills its worker ends.
        """
        free = or_(
            (job.c.state == "waiting") & or_(job.c.not_before.is_(None), job.c.not_before <= now),
            (job.c.state == "running") & (job.c.lease_until < now),
        )
        self.connection.execute(
            update(job)
            .where(job.c.id == job_id, free, job.c.attempts >= job.c.max_attempts)
            .values(
                state="failed",
                fence=job.c.fence + 1,
                ended_at=now,
                problem="Its worker was lost each time it was tried. Read the worker's log, then start it anew.",
            )
        )
        row = self.connection.execute(
            update(job)
            .where(job.c.id == job_id, free, job.c.attempts < job.c.max_attempts)
            .values(
                state="running",
                attempts=job.c.attempts + 1,
                fence=job.c.fence + 1,
                lease_until=now + timedelta(seconds=lease_s),
                started_at=func.coalesce(job.c.started_at, now),
            )
            .returning(job)
        ).first()
        return None if row is None else job_of(row)

    def renew_job(
        self, *, job_id: int, fence: int, now: datetime, lease_s: float, progress: Mapping[str, Any] | None = None
    ) -> Job | None:
        """Keeps the job for another `lease_s` seconds and notes progress; None when another worker has it now."""
        values: dict[str, Any] = {"lease_until": now + timedelta(seconds=lease_s)}
        if progress is not None:
            values["progress"] = dict(progress)
        row = self.connection.execute(
            update(job)
            .where(job.c.id == job_id, job.c.fence == fence, job.c.state == "running")
            .values(**values)
            .returning(job)
        ).first()
        return None if row is None else job_of(row)

    def finish_job(self, *, job_id: int, fence: int, now: datetime) -> None:
        """Ends the job as done. Called first in the transaction that writes its effect: raises Conflict when another
        worker has the job now, and then nothing of the effect may be written."""
        self._end_job(job_id=job_id, fence=fence, values={"state": "done", "ended_at": now, "problem": ""})

    def keep_job_result(self, *, job_id: int, result: Any) -> None:
        """The result of a job that `finish_job` ended in this transaction."""
        self.connection.execute(update(job).where(job.c.id == job_id).values(result=result))

    def fail_job(
        self,
        *,
        job_id: int,
        fence: int,
        problem: str,
        now: datetime,
        retry_at: datetime | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> None:
        """Ends the job as failed, or puts it back until `retry_at`. Raises Conflict when another worker has it.

        `error` is what a program needs to know of it: the result of a job that failed is {"error": error}.
        """
        result = None if error is None else {"error": dict(error)}
        values: dict[str, Any] = {"state": "failed", "ended_at": now, "problem": problem, "result": result}
        if retry_at is not None:
            values = {"state": "waiting", "not_before": retry_at, "published_at": None, "problem": problem}
        self._end_job(job_id=job_id, fence=fence, values=values)

    def give_job_back(self, *, job_id: int, fence: int, problem: str) -> None:
        """The worker is stopping: another goes on at once, and this try does not count. Raises Conflict."""
        values = {"state": "waiting", "published_at": None, "problem": problem, "attempts": job.c.attempts - 1}
        self._end_job(job_id=job_id, fence=fence, values=values)

    def job_cancelled(self, *, job_id: int, fence: int, now: datetime) -> None:
        """The worker stopped because a person asked. Raises Conflict when another worker has it."""
        self._end_job(job_id=job_id, fence=fence, values={"state": "cancelled", "ended_at": now})

    def cancel_job(self, *, job_id: int, now: datetime) -> Job:
        """A waiting job is cancelled at once, a running one is asked to stop, an ended one stays. Raises NotFound."""
        self.connection.execute(
            update(job)
            .where(job.c.id == job_id, job.c.state == "waiting")
            .values(state="cancelled", cancel_asked_at=now, ended_at=now)
        )
        self.connection.execute(
            update(job).where(job.c.id == job_id, job.c.state == "running").values(cancel_asked_at=now)
        )
        return self.job(job_id)

    def _end_job(self, *, job_id: int, fence: int, values: Mapping[str, Any]) -> None:
        ended = self.connection.execute(
            update(job)
            .where(job.c.id == job_id, job.c.fence == fence, job.c.state == "running")
            .values(**values, lease_until=None)
        )
        if ended.rowcount == 0:
            raise Conflict(
                f"Job {job_id} is no longer this worker's: its lease ran out and another took it. Nothing was written.",
                code="fenced_out",
                job=job_id,
            )


def _used_before(key: str) -> Conflict:
    return Conflict(
        f"The key {key} was used before for something else. Use a new key for a new request.",
        code="key_reused",
        key=key,
    )


def event_hash(row: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of the event's columns, the hash before it included."""
    return hashlib.sha256(_canonical({name: row[name] for name in _HASHED})).hexdigest()


def verify_chain(connection: Connection) -> ChainBreak | None:
    """Computes every hash again, oldest first: None when the chain holds, else where it first does not."""
    before = FIRST_HASH
    every = select(event).order_by(event.c.id)
    with connection.execute(every, execution_options={"yield_per": 1000}) as rows:
        for row in rows.mappings():
            if row["previous_hash"] != before:
                sentence = f"Before event {row['id']} an event is missing or was put in."
                return ChainBreak(event_id=row["id"], sentence=sentence)
            if event_hash({str(name): value for name, value in row.items()}) != row["hash"]:
                sentence = f"Event {row['id']} was changed after it was written."
                return ChainBreak(event_id=row["id"], sentence=sentence)
            before = row["hash"]
    return None


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _canonical(values: Mapping[str, Any]) -> bytes:
    plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
    return _CANONICAL.encode(plain).encode()


def job_of(row: Row[Any]) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        data=row.data,
        state=row.state,
        progress=row.progress,
        result=row.result,
        problem=row.problem,
        attempts=row.attempts,
        max_attempts=row.max_attempts,
        fence=row.fence,
        by=row.by,
        cancel_asked=row.cancel_asked_at is not None,
        made_at=row.made_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
