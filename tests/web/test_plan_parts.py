"""Depots that share no van are planned on several machines at once; here a machine is a thread or a process of its own
that knows only the home, the database and the broker."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError as DatabaseError

from data import tables
from data.health import check_rows
from data.queries.plans import PlanPage, plan_page
from data.store import open_store
from data.store.system import Job, job_of
from routing.engines.solver import parts
from routing.errors import Cancelled, SolverError
from routing.model.plans import Plan
from tests.demo_day import DAY, OPENING, copy_home, prepared_demo_home
from tests.website import SetClock
from web import plan_parts
from web.clock import wall_clock
from web.jobs import run_job
from web.plan_job import plan_job
from web.wiring import Installation, open_installation


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """The machine that searches: the demo's Tuesday with both its depots, and a broker that others hear too."""
    monkeypatch.delenv("BACKROUTE_DATABASE_URL", raising=False)
    monkeypatch.setattr(parts, "WORTH", 10)
    searching = threading.current_thread()
    monkeypatch.setattr(
        plan_parts, "machine", lambda: "here" if threading.current_thread() is searching else "elsewhere"
    )
    with open_installation(copy_home(prepared_demo_home(), tmp_path / "home")) as installation:
        yield shared(installation)


def shared(installation: Installation, broker: str = "amqp://broker.example//") -> Installation:
    installation.broker_url = broker
    installation.clock = SetClock(OPENING)  # type: ignore[assignment]
    return installation


def plan(
    here: Installation,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    time_limit_s: float = 60.0,
    said: list[Any] | None = None,
) -> tuple[PlanPage, list[Any]]:
    """Plans the day as its job does; the saved plan and what was said on the way."""
    said = [] if said is None else said
    with open_store(here.database) as store:
        depots = store.depot_ids()
    data = {"from_day": DAY, "to_day": DAY, "depot_ids": depots, "by": "test", "time_limit_s": time_limit_s, "seed": 0}
    write = plan_job(here, data, said.append, cancelled)
    with open_store(here.database) as store:
        plan_id = write(store)["plan_id"]
    with here.database.reading() as connection:
        return plan_page(connection, plan_id), said


def offers(here: Installation) -> list[Job]:
    with here.database.reading() as connection:
        rows = connection.execute(select(tables.job).where(tables.job.c.kind == "plan_part").order_by(tables.job.c.id))
        return [job_of(row) for row in rows]


@contextmanager
def elsewhere(
    here: Installation, kinds: Mapping[str, Any] | None = None, *, stopping: threading.Event | None = None
) -> Iterator[None]:
    """Another machine with a worker to spare, which takes what is offered, one at a time, until it is `stopping`."""
    ended = threading.Event()

    def serve() -> None:
        with open_installation(here.home) as opened:
            other = shared(opened)
            while not ended.wait(0.05):
                for job in offers(other):
                    if job.state == "waiting" and not (stopping and stopping.is_set()):
                        work = kinds or {"plan_part": plan_parts.plan_part_job}
                        run_job(other, job.id, kinds=work, stopping=stopping)

    worker = threading.Thread(target=serve, name="elsewhere")
    worker.start()
    try:
        yield
    finally:
        ended.set()
        worker.join()


def limits_given(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that each search is given from here on."""
    limits: list[float] = []
    usual = Installation.solver.fget  # type: ignore[attr-defined]

    def noting(installation: Installation) -> Any:
        def solve(*problem: Any, time_limit_s: float, **more: Any) -> Plan:
            limits.append(time_limit_s)
            return usual(installation)(*problem, time_limit_s=time_limit_s, **more)  # type: ignore[no-any-return]

        return solve

    monkeypatch.setattr(Installation, "solver", property(noting))
    return limits


def test_a_worker_elsewhere_plans_a_depot_meanwhile(here: Installation) -> None:
    with elsewhere(here):
        page, said = plan(here)
    done = [job for job in offers(here) if job.state == "done"]
    assert len(done) == 1
    theirs = {shift: order for shift, order in done[0].result["routes"]}
    assert theirs
    driven = {
        route.shift_id: [each.delivery_id for stop in route.stops for each in stop.deliveries] for route in page.routes
    }
    assert {shift: driven.get(shift, []) for shift in theirs} == theirs
    assert driven.keys() - theirs.keys()
    # What both have served is told as one.
    assert max(each["served"] for each in said) == sum(map(len, driven.values()))


def test_without_anybody_to_help_it_is_planned_here(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_parts, "OFFERED_FOR_S", 0.1)
    page, _said = plan(here)
    assert page.served > 40
    assert {job.state for job in offers(here)} == {"cancelled"}


def test_a_part_whose_worker_fails_is_planned_here(here: Installation, caplog: pytest.LogCaptureFixture) -> None:
    def fails(installation: Installation, *asked: Any) -> Any:
        def crash(*_: Any, **__: Any) -> Plan:
            raise SolverError("The search crashed.")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(plan_parts, "_search_of", lambda _installation: crash)
            return plan_parts.plan_part_job(installation, *asked)

    with elsewhere(here, {"plan_part": fails}):
        page, _said = plan(here)
    assert page.served > 40
    assert "is searched here: The search crashed." in caplog.text


def test_a_part_whose_worker_never_answers_is_planned_here(
    here: Installation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As one that was killed: its job stays as it was."""
    ended = threading.Event()

    def hangs(_installation: Installation, _data: Any, progress: Any, _cancelled: Any) -> Any:
        progress({"ready": True})
        ended.wait(60)

    monkeypatch.setattr(plan_parts, "LATE_S", -59.0)
    with elsewhere(here, {"plan_part": hangs}):
        page, _said = plan(here)
        ended.set()
    assert page.served > 40
    assert "does not answer" in caplog.text


def test_a_machine_that_reads_another_day_takes_no_part(here: Installation) -> None:
    def another(installation: Installation, data: Mapping[str, Any], *more: Any) -> Any:
        later = (installation.clock.now() + timedelta(minutes=1)).isoformat()
        return plan_parts.plan_part_job(installation, {**data, "now": later}, *more)

    with elsewhere(here, {"plan_part": another}):
        page, _said = plan(here)
    assert page.served > 40
    said = [job.result["declined"] for job in offers(here) if job.state == "done"]
    assert set(said) == {"This machine reads another day, or has other roads: it takes no part."}


def test_the_searching_machine_itself_takes_no_part(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_parts, "machine", lambda: "one machine")
    with elsewhere(here):
        page, _said = plan(here)
    assert page.served > 40
    said = [job.result["declined"] for job in offers(here) if job.state == "done"]
    assert set(said) <= {"This machine searches already, with all its cores."}


def test_stopping_keeps_what_both_have_found(here: Installation) -> None:
    told: list[Any] = []

    def stop() -> bool:
        return any(job.progress.get("served") for job in offers(here))

    with elsewhere(here):
        page, told = plan(here, cancelled=stop)
    assert told
    assert page.served > 40
    assert [job.state for job in offers(here)].count("done") == 1


def test_a_worker_that_declines_is_no_failed_job_to_the_doctor(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_parts, "machine", lambda: "one machine")
    with elsewhere(here):
        plan(here)
    with here.database.reading() as connection:
        (jobs,) = [each for each in check_rows(connection) if each.name == "jobs"]
    assert jobs.sentence == "No job failed; 0 wait or run."


def test_a_worker_that_never_gets_ready_costs_a_share_of_the_limit_only(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def reads_without_end(*_: Any) -> None:
        ended.wait(60)

    limits = limits_given(monkeypatch)
    with elsewhere(here, {"plan_part": reads_without_end}):
        plan(here, time_limit_s=8.0)
        ended.set()
    assert limits[0] > 5


def test_a_worker_that_answers_with_the_stops_of_another_part_is_not_believed(
    here: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    """As a worker of another version of Backroute would, which deals the day otherwise."""

    def deals_otherwise(installation: Installation, *asked: Any) -> Any:
        answer = plan_parts.plan_part_job(installation, *asked)
        answer["routes"] = [[shift, [*order, 999_999]] for shift, order in answer["routes"]]
        return answer

    with elsewhere(here, {"plan_part": deals_otherwise}):
        page, _said = plan(here)
    assert page.served > 40
    assert "is searched here: its worker answered for other stops" in caplog.text


def test_a_part_that_its_worker_gives_back_is_planned_here_at_once(
    here: Installation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker is stopped in the middle, as where its machine is restarted."""
    stopping = threading.Event()

    def is_stopped(_installation: Installation, _data: Any, progress: Any, cancelled: Callable[[], bool]) -> Any:
        progress({"ready": True})
        while not cancelled():
            if any("part" in job.data for job in offers(here)):
                stopping.set()
            time.sleep(0.05)
        raise Cancelled("Its worker was stopped.")

    limits = limits_given(monkeypatch)
    with elsewhere(here, {"plan_part": is_stopped}, stopping=stopping):
        page, _said = plan(here)
    assert page.served > 40
    assert "is searched here" in caplog.text
    assert min(limits) > 40
    assert {job.state for job in offers(here)} == {"cancelled"}


def test_stopping_does_not_wait_for_a_worker_that_never_answers(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def hangs(_installation: Installation, _data: Any, progress: Any, _cancelled: Any) -> Any:
        progress({"ready": True})
        ended.wait(60)

    monkeypatch.setattr(plan_parts, "STOPPED_WITHIN_S", 1.0)
    said: list[Any] = []

    def stop() -> bool:
        return any(job.data.get("part") for job in offers(here)) and bool(said)

    began = time.monotonic()
    with elsewhere(here, {"plan_part": hangs}):
        plan(here, cancelled=stop, said=said)
        took_s = time.monotonic() - began
        ended.set()
    assert took_s < 40


def test_a_moment_without_the_database_loses_no_part(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    read = plan_parts.jobs_of

    def sometimes(installation: Installation, ids: Sequence[int]) -> list[Job]:
        if threading.current_thread().name.startswith("ThreadPoolExecutor"):
            asked.append(len(asked))
            if len(asked) == 2:
                raise DatabaseError("SELECT", {}, OSError("the server closed the connection"))
        return read(installation, ids)

    monkeypatch.setattr(plan_parts, "jobs_of", sometimes)
    with elsewhere(here):
        plan(here)
    assert len(asked) > 2
    assert [job.state for job in offers(here)].count("done") == 1


def test_clocks_of_two_machines_may_differ(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []

    def ahead(installation: Installation, *asked: Any) -> Any:
        def notes(*problem: Any, time_limit_s: float, **more: Any) -> Plan:
            given.append(time_limit_s)
            return installation.solver(*problem, time_limit_s=time_limit_s, **more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(plan_parts, "_search_of", lambda _installation: notes)
            return plan_parts.plan_part_job(installation, *asked)

    right = wall_clock
    monkeypatch.setattr(
        plan_parts,
        "wall_clock",
        lambda: right() + timedelta(hours=threading.current_thread().name == "elsewhere"),
    )
    with elsewhere(here, {"plan_part": ahead}):
        plan(here)
    assert 40 < given[0] <= 60


WORKER = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from routing.engines.solver import parts
from web import plan_parts
parts.WORTH = 10
plan_parts.machine = lambda: "another machine"
from web.serving import work_until_stopped
from web.wiring import open_installation
with open_installation(Path({home!r})) as installation:
    installation.broker_url = {broker!r}
    work_until_stopped(installation, threads=2, on_ready=lambda: print("ready", flush=True))
"""


def test_a_worker_process_hears_of_it_over_the_broker(here: Installation, tmp_path: Path) -> None:
    """A broker that two processes share, without a server of its own: tables in a file."""
    broker = f"sqla+sqlite:///{tmp_path / 'broker.db'}"
    code = WORKER.format(root=str(Path(__file__).parents[2]), home=str(here.home), broker=broker)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
            page, _said = plan(shared(here, broker))
        finally:
            worker.terminate()
            worker.wait(30)
    assert page.served > 40
    assert [job.state for job in offers(here)].count("done") == 1
