"""Work in the background: each effect exactly once, whoever dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from data.db import Database
from data.store import SqlStore, open_store
from data.tables import setting
from routing.errors import Cancelled, InvalidInput, SolverError
from web.clock import wall_clock
from web.jobs import Background, Progress, Write, run_job, run_job_now
from web.wiring import Installation


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    return Installation(
        home=tmp_path, database=database, secret=b"s" * 32, public_url="http://127.0.0.1", broker_url="memory://"
    )


@pytest.fixture
def add(installation: Installation) -> Callable[..., int]:
    def add_job(kind: str = "count", max_attempts: int = 5, **data: Any) -> int:
        with open_store(installation.database) as store:
            return store.add_job(kind=kind, data=data, by="test", now=wall_clock(), max_attempts=max_attempts)

    return add_job


def count(_installation: Installation, data: Mapping[str, Any], progress: Progress, _cancelled: Any) -> Write:
    """An effect that can be counted: one row each time."""
    progress({"done": 1})

    def write(store: SqlStore) -> dict[str, Any]:
        effects = store.connection.execute(select(func.count()).select_from(setting)).scalar_one()
        store.set_setting(name=f"effect-{uuid.uuid4()}", value=data, by="job", now=wall_clock())
        return {"effects": effects + 1}

    return write


def effects(installation: Installation) -> int:
    with installation.database.reading() as connection:
        return connection.execute(select(func.count()).select_from(setting)).scalar_one()


def wait_until(true: Callable[[], bool], within_s: float = 15.0) -> None:
    until = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < until, "It did not happen in time."
        time.sleep(0.05)


KINDS = {"count": count}


def test_a_job_runs_once_and_keeps_its_result(installation: Installation, add: Callable[..., int]) -> None:
    job_id = add()
    job = run_job_now(installation, job_id, kinds=KINDS)
    assert (job.state, job.result, job.progress) == ("done", {"effects": 1}, {"done": 1})
    assert run_job(installation, job_id, kinds=KINDS) is None
    assert effects(installation) == 1


def test_two_workers_that_look_at_one_job_do_it_once(installation: Installation, add: Callable[..., int]) -> None:
    job_id = add()
    threads = [threading.Thread(target=run_job, args=(installation, job_id), kwargs={"kinds": KINDS}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert effects(installation) == 1


def test_a_worker_that_lost_its_lease_cannot_write(installation: Installation, add: Callable[..., int]) -> None:
    job_id = add()

    def slow(*arguments: Any) -> Write:
        with open_store(installation.database) as store:  # meanwhile the lease ran out and another one did the job
            taken = store.claim_job(job_id=job_id, now=wall_clock().replace(year=2100), lease_s=60)
            assert taken is not None
            store.finish_job(job_id=job_id, fence=taken.fence, now=wall_clock())
            store.keep_job_result(job_id=job_id, result="the other's")
        return count(*arguments)

    job = run_job(installation, job_id, kinds={"count": slow})
    assert job is not None
    assert job.result == "the other's"
    assert effects(installation) == 0


def test_work_that_fails_is_tried_again_and_then_given_up(installation: Installation, add: Callable[..., int]) -> None:
    def fail(*_: Any) -> None:
        raise SolverError("The solver crashed. Try again.")

    job_id = add(max_attempts=2)
    first = run_job(installation, job_id, kinds={"count": fail})
    assert first is not None
    assert (first.state, first.problem) == ("waiting", "The solver crashed. Try again.")
    assert run_job(installation, job_id, kinds={"count": fail}) is None  # not before its moment
    wait_until(lambda: run_job(installation, job_id, kinds={"count": fail}) is not None)
    with installation.database.reading() as connection:
        assert SqlStore(connection).job(job_id).state == "failed"


def test_refused_input_is_not_tried_again(installation: Installation, add: Callable[..., int]) -> None:
    def refuse(*_: Any) -> None:
        raise InvalidInput("There is no such day.")

    job = run_job(installation, add(), kinds={"count": refuse})
    assert job is not None
    assert (job.state, job.problem) == ("failed", "There is no such day.")


def test_a_fault_of_ours_ends_the_try_and_hides_its_details(
    installation: Installation, add: Callable[..., int], caplog: pytest.LogCaptureFixture
) -> None:
    job = run_job(installation, add(max_attempts=1), kinds={"count": lambda *_: {}["missing"]})
    assert job is not None
    assert (job.state, job.problem) == ("failed", "It failed unexpectedly (KeyError). The log says where.")
    assert "missing" in caplog.text


def test_a_person_can_cancel_running_work(installation: Installation, add: Callable[..., int]) -> None:
    job_id = add()

    def endless(_installation: Any, _data: Any, _progress: Any, cancelled: Callable[[], bool]) -> None:
        with open_store(installation.database) as store:
            store.cancel_job(job_id=job_id, now=wall_clock())
        wait_until(cancelled)
        raise Cancelled("Stopped.")

    job = run_job(installation, job_id, kinds={"count": endless})
    assert job is not None
    assert job.state == "cancelled"


def test_waiting_work_is_cancelled_at_once(installation: Installation, add: Callable[..., int]) -> None:
    job_id = add()
    with open_store(installation.database) as store:
        assert store.cancel_job(job_id=job_id, now=wall_clock()).state == "cancelled"
    assert run_job(installation, job_id, kinds=KINDS) is None


# ---------------------------------------------------------------------------- with the broker


@pytest.fixture
def background(installation: Installation) -> Iterator[Callable[..., Background]]:
    started: list[Background] = []

    def start(kinds: Mapping[str, Any]) -> Background:
        running = Background(installation, kinds=kinds)
        running.start()
        started.append(running)
        return running

    yield start
    for running in started:
        running.stop()


def test_the_server_does_what_is_written_down(
    installation: Installation, add: Callable[..., int], background: Callable[..., Background]
) -> None:
    background(KINDS)
    ids = [add() for _ in range(5)]
    with open_store(installation.database) as store:
        assert [store.job(job_id).kind for job_id in ids] == ["count"] * 5
    wait_until(lambda: effects(installation) == 5)


def test_a_stopped_server_gives_its_work_back(
    installation: Installation, add: Callable[..., int], background: Callable[..., Background]
) -> None:
    begun = threading.Event()

    def long(_installation: Any, _data: Any, _progress: Any, cancelled: Callable[[], bool]) -> None:
        begun.set()
        wait_until(cancelled)
        raise Cancelled("Stopped.")

    running = background({"count": long})
    job_id = add()
    assert begun.wait(10)
    running.stop()
    with installation.database.reading() as connection:
        job = SqlStore(connection).job(job_id)
    assert (job.state, job.attempts) == ("waiting", 0)


# ---------------------------------------------------------------------------- kill -9

WORKER = """
import sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from data.db import Database
from web.jobs import run_job
from web.wiring import Installation
installation = Installation(home=Path({home!r}), database=Database({url!r}), secret=b"s", public_url="", broker_url="memory://")
def hang(*_):
    print("begun", flush=True)
    time.sleep(60)
run_job(installation, int(sys.argv[1]), kinds={{"count": hang}}, lease_s=1.0)
"""


def killed_worker(installation: Installation, job_id: int) -> None:
    """A real worker in its own process, killed -9 in the middle of the job."""
    code = WORKER.format(
        root=str(Path(__file__).parents[2]),
        home=str(installation.home),
        url=installation.database.url.render_as_string(hide_password=False),
    )
    with subprocess.Popen([sys.executable, "-c", code, str(job_id)], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "begun\n"
        os.kill(worker.pid, signal.SIGKILL)


def test_the_work_of_a_killed_worker_is_done_exactly_once_by_the_next(
    installation: Installation, add: Callable[..., int]
) -> None:
    job_id = add()
    killed_worker(installation, job_id)
    job = run_job_now(installation, job_id, kinds=KINDS)
    assert (job.state, job.attempts) == ("done", 2)
    assert effects(installation) == 1


def test_work_that_kills_every_worker_is_given_up(installation: Installation, add: Callable[..., int]) -> None:
    job_id = add(max_attempts=1)
    killed_worker(installation, job_id)
    job = run_job_now(installation, job_id, kinds=KINDS)
    assert (job.state, effects(installation)) == ("failed", 0)
    assert "worker was lost" in job.problem


@pytest.mark.slow
def test_many_jobs_survive_many_killed_workers(
    installation: Installation, add: Callable[..., int], background: Callable[..., Background]
) -> None:
    ids = [add(max_attempts=20) for _ in range(200)]
    for job_id in ids[:6]:
        killed_worker(installation, job_id)
    background(KINDS)
    wait_until(lambda: effects(installation) == 200, within_s=120)
    time.sleep(3)
    assert effects(installation) == 200
