"""Work in the background. The durable truth is the job's row; the broker only says "look at job 17".

    add_job          a row, in the same transaction as the change that wants the work
    relay            publishes the ids of due rows; runs in `serve` and `worker`
    Celery           carries ids to a worker: in memory within `serve`, or over BACKROUTE_BROKER_URL
    run_job          claims the row (a lease and a fence), runs its function, renews the lease meanwhile,
                     writes the effect and the end of the job in one transaction
    run_job_now      the same for a command line without a server

A worker that dies lets its lease run out, and the next one claims the job under a higher fence. If the first was only
slow, its fence no longer fits and it can write nothing.
"""

from __future__ import annotations

import importlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from celery import Celery
from celery.worker import WorkController
from celery.worker import state as worker_state
from kombu.connection import Connection
from kombu.exceptions import OperationalError as BrokerError
from sqlalchemy.exc import OperationalError as DatabaseError

from data.store import SqlStore, open_store
from data.store.system import Job
from routing import errors
from routing.errors import (
    BackrouteError,
    Cancelled,
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    RegionError,
    SolverError,
)
from web.clock import wall_clock
from web.job_kinds import KINDS

if TYPE_CHECKING:
    from web.wiring import Installation

log = logging.getLogger("backroute.jobs")

LEASE_S = 60.0
RELAY_EVERY_S = 0.25
PUBLISH_AGAIN_AFTER_S = 30.0
CANCEL_SEEN_WITHIN_S = 0.5
WORKER_THREADS = 2

Progress = Callable[[Mapping[str, Any]], None]
Write = Callable[[SqlStore], Any]
JobFunction = Callable[["Installation", Mapping[str, Any], Progress, Callable[[], bool]], Any]


def job_function(kind: str, kinds: Mapping[str, str | JobFunction] = KINDS) -> JobFunction:
    """Raises InvalidInput when no such work is known."""
    known = kinds.get(kind)
    if known is None:
        raise InvalidInput(f'No work is known as "{kind}". Known: {", ".join(sorted(kinds))}.', kind=kind)
    if not isinstance(known, str):
        return known
    module, _, name = known.partition(":")
    function: JobFunction = getattr(importlib.import_module(module), name)
    return function


# ---------------------------------------------------------------------------- running one job


class _Held:
    """A job that this process holds: renews its lease, hears a cancel, notes progress."""

    def __init__(self, installation: Installation, job: Job, lease_s: float, stopping: threading.Event) -> None:
        self.installation = installation
        self.job = job
        self.lease_s = lease_s
        self.stopping = stopping
        self.cancel_asked = job.cancel_asked
        self.lost = False
        self._ended = threading.Event()
        self._noted_at = float("-inf")
        self._renewer = threading.Thread(target=self._keep, name=f"job-{job.id}-lease", daemon=True)
        self._renewer.start()

    def cancelled(self) -> bool:
        return self.cancel_asked or self.lost or self.stopping.is_set()

    def progress(self, values: Mapping[str, Any]) -> None:
        if time.monotonic() - self._noted_at < CANCEL_SEEN_WITHIN_S:
            return  # a page shows the latest; not every one needs to be written
        self._noted_at = time.monotonic()
        self._renew(values)

    def end(self) -> None:
        self._ended.set()
        self._renewer.join()

    def _renew(self, values: Mapping[str, Any] | None = None) -> None:
        with open_store(self.installation.database) as store:
            row = store.renew_job(
                job_id=self.job.id, fence=self.job.fence, now=wall_clock(), lease_s=self.lease_s, progress=values
            )
        self.lost = row is None
        if row is not None:
            self.cancel_asked = row.cancel_asked

    def _keep(self) -> None:
        renewed_at = time.monotonic()
        while not self._ended.wait(CANCEL_SEEN_WITHIN_S) and not self.lost:
            try:
                if time.monotonic() - renewed_at >= self.lease_s / 3:
                    self._renew()
                    renewed_at = time.monotonic()
                else:
                    with self.installation.database.reading() as connection:
                        row = SqlStore(connection).job(self.job.id)
                    self.cancel_asked = row.cancel_asked
                    self.lost = row.fence != self.job.fence or row.state != "running"
            except DatabaseError as problem:
                # A restart of the database: the lease has room for some misses.
                log.warning("Job %s: its lease could not be renewed: %s", self.job.id, problem.orig)


def run_job(
    installation: Installation,
    job_id: int,
    *,
    kinds: Mapping[str, str | JobFunction] = KINDS,
    lease_s: float = LEASE_S,
    stopping: threading.Event | None = None,
) -> Job | None:
    """Claims the job and runs it to its end; the job as it stands then. None when there was nothing to claim."""
    with open_store(installation.database) as store:
        claimed = store.claim_job(job_id=job_id, now=wall_clock(), lease_s=lease_s)
    if claimed is None:
        return None
    stopping = stopping or threading.Event()
    held = _Held(installation, claimed, lease_s, stopping)
    try:
        try:
            outcome = job_function(claimed.kind, kinds)(installation, claimed.data, held.progress, held.cancelled)
        finally:
            held.end()
        if held.stopping.is_set() and not held.cancel_asked:
            _give_back(held)
        else:
            _finish(held, outcome)
    except Cancelled as error:
        if held.stopping.is_set() and not held.cancel_asked:
            _give_back(held)
        elif held.cancel_asked:
            _end(held, lambda store: store.job_cancelled(job_id=job_id, fence=claimed.fence, now=wall_clock()))
        else:
            _fail(held, error)
    except BackrouteError as error:
        _fail(held, error)
    except Exception as error:
        log.exception("Job %s (%s) failed unexpectedly.", claimed.id, claimed.kind)
        _fail(held, error)
    except BaseException:  # Ctrl-C in a command: the next worker should not wait for the lease
        _give_back(held)
        raise
    with installation.database.reading() as connection:
        return SqlStore(connection).job(job_id)


def run_job_now(
    installation: Installation,
    job_id: int,
    *,
    kinds: Mapping[str, str | JobFunction] = KINDS,
    on_progress: Progress | None = None,
) -> Job:
    """Brings the job to its end from here: runs it, or follows it when a server's worker was faster.

    Raises NotFound. The job it returns is done, failed or cancelled. Ctrl-C cancels it: whoever stops the command does
    not want a server to do the work later.
    """
    shown: Mapping[str, Any] = {}
    try:
        while True:
            run_job(installation, job_id, kinds=_told(kinds, on_progress))
            with installation.database.reading() as connection:
                job = SqlStore(connection).job(job_id)
            if job.state in ("done", "failed", "cancelled"):
                return job
            if on_progress is not None and job.progress and job.progress != shown:
                shown = job.progress
                on_progress(shown)
            time.sleep(RELAY_EVERY_S)
    except KeyboardInterrupt:
        with open_store(installation.database) as store:
            store.cancel_job(job_id=job_id, now=wall_clock())
        raise


def _told(kinds: Mapping[str, str | JobFunction], on_progress: Progress | None) -> Mapping[str, str | JobFunction]:
    """The same work, telling `on_progress` each step as well as the row."""
    if on_progress is None:
        return kinds

    def telling(kind: str) -> JobFunction:
        def run(
            installation: Installation, data: Mapping[str, Any], progress: Progress, cancelled: Callable[[], bool]
        ) -> Any:
            def both(values: Mapping[str, Any]) -> None:
                on_progress(values)
                progress(values)

            return job_function(kind, kinds)(installation, data, both, cancelled)

        return run

    return {kind: telling(kind) for kind in kinds}


def _finish(held: _Held, outcome: Any) -> None:
    def write(store: SqlStore) -> None:
        # First the fence: after it nobody else can take the job until this transaction ends.
        store.finish_job(job_id=held.job.id, fence=held.job.fence, now=wall_clock())
        result = outcome(store) if callable(outcome) else outcome
        store.keep_job_result(job_id=held.job.id, result=result)

    _end(held, write)


def _fail(held: _Held, error: Exception) -> None:
    expected = isinstance(error, BackrouteError)
    # Input that was refused will be refused again.
    hopeless = isinstance(error, (InvalidInput, NotFound, NotAllowed))
    now = wall_clock()
    last = hopeless or held.job.attempts >= held.job.max_attempts
    retry_at = None if last else now + timedelta(seconds=min(2.0**held.job.attempts, 300.0))
    sentence = str(error) if expected else f"It failed unexpectedly ({type(error).__name__}). The log says where."
    _end(
        held,
        lambda store: store.fail_job(
            job_id=held.job.id, fence=held.job.fence, problem=sentence, now=now, retry_at=retry_at, error=_kept(error)
        ),
    )


def _kept(error: Exception) -> Mapping[str, Any] | None:
    """An error as its job's row keeps it: which of our tree, its code and the values it names."""
    if not isinstance(error, BackrouteError):
        return None
    fields = {name: str(value) for name, value in error.fields.items()}
    return {"kind": type(error).__name__, "code": error.code, "fields": fields}


def error_of(job: Job) -> BackrouteError:
    """The error that ended a failed or cancelled job, as its worker raised it, wherever that was.

    A fault of ours is a SolverError or a RegionError by the kind of work: an engine failed, the input did not.
    """
    kept = (job.result or {}).get("error") if job.state == "failed" else None
    kinds: dict[str, type[BackrouteError]] = {
        name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, BackrouteError)
    }
    if kept is None or kept["kind"] not in kinds:
        failed = RegionError if job.kind == "region" else SolverError
        return failed(job.problem or f"The work was {job.state}. Start it again.", job=job.id)
    return kinds[kept["kind"]](job.problem, code=kept["code"], **kept["fields"])


def _give_back(held: _Held) -> None:
    problem = "Its worker was stopped; another goes on with it."
    _end(held, lambda store: store.give_job_back(job_id=held.job.id, fence=held.job.fence, problem=problem))


def _end(held: _Held, write: Callable[[SqlStore], None]) -> None:
    try:
        with open_store(held.installation.database) as store:
            write(store)
    except Conflict as error:
        if error.code != "fenced_out":
            raise
        log.warning("%s", error)


# ---------------------------------------------------------------------------- the broker


def make_celery(broker_url: str) -> Celery:
    app = Celery("backroute", broker=broker_url, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        # The row is the truth: a lost id is published again, so nothing needs to stay unacknowledged for long.
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        # Solving starts a process of its own, which the children of Celery's usual pool may not.
        worker_pool="threads",
        worker_redirect_stdouts=False,
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={"polling_interval": 0.1} if broker_url.startswith("memory:") else {},
    )
    return app


def broker_fault(broker_url: str) -> str:
    """Why the broker does not answer now, as a sentence; empty when it does. It may come later: nothing is lost."""
    with Connection(broker_url, connect_timeout=3) as connection:
        try:
            connection.ensure_connection(max_retries=1, timeout=3)
        except (BrokerError, OSError) as problem:
            return (
                f"The broker {connection.as_uri()} does not answer ({problem}). Jobs wait until it does: start it, or "
                "mend BACKROUTE_BROKER_URL."
            )
    return ""


class Background:
    """The relay and a worker as threads of this process. `stop()` gives running jobs back and waits for the threads."""

    def __init__(
        self,
        installation: Installation,
        *,
        kinds: Mapping[str, str | JobFunction] = KINDS,
        work: bool = True,
        threads: int = WORKER_THREADS,
        lease_s: float = LEASE_S,
    ) -> None:
        self.installation = installation
        self.stopping = threading.Event()
        self._celery = make_celery(installation.broker_url)
        self._celery.set_default()  # the threads of its pool look tasks up in the default application
        self._threads = [threading.Thread(target=self._relay, name="relay", daemon=True)]
        self._worker: WorkController | None = None

        def look_at(job_id: int) -> None:
            run_job(installation, job_id, kinds=kinds, lease_s=lease_s, stopping=self.stopping)

        self._look_at = self._celery.task(name="backroute.look_at_job", shared=False)(look_at)
        if work:
            self._worker = WorkController(
                app=self._celery,
                pool_cls="threads",
                concurrency=threads,
                without_gossip=True,
                without_mingle=True,
                without_heartbeat=True,
                loglevel="WARNING",
            )
            self._threads.append(threading.Thread(target=self._worker.start, name="worker", daemon=True))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, *, within_s: float = 10.0) -> None:
        self.stopping.set()
        if self._worker is not None:
            worker_state.should_stop = 0
        until = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        worker_state.should_stop = None
        self._celery.close()

    def _relay(self) -> None:
        while not self.stopping.wait(RELAY_EVERY_S):
            try:
                self._publish()
            except (BrokerError, DatabaseError, ConnectionError) as problem:
                log.warning("Jobs wait, because the broker or the database does not answer: %s", problem)
                self.stopping.wait(5.0)

    def _publish(self) -> None:
        now = wall_clock()
        with self.installation.database.reading() as connection:
            due = SqlStore(connection).jobs_due(now=now, limit=100, again_after_s=PUBLISH_AGAIN_AFTER_S)
        for job_id in due:
            self._look_at.apply_async((job_id,), retry=False)
        if due:
            with open_store(self.installation.database) as store:
                store.jobs_published(job_ids=due, now=now)
