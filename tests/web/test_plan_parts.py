"""Depots that share no van are planned on several machines at once; here a machine is a thread or a process of its own
that knows only the home, the database and the broker."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data import tables
from data.queries.plans import PlanPage, plan_page
from data.store import open_store
from data.store.system import Job, job_of
from routing.engines.solver import parts
from routing.errors import SolverError
from routing.model.plans import Plan
from tests.demo_day import DAY, OPENING, copy_home, prepared_demo_home
from tests.website import SetClock
from web import plan_parts
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


def plan(here: Installation, *, cancelled: Callable[[], bool] = lambda: False) -> tuple[PlanPage, list[Any]]:
    """Plans the day as its job does; the saved plan and what was said on the way."""
    said: list[Any] = []
    with open_store(here.database) as store:
        depots = store.depot_ids()
    data = {"from_day": DAY, "to_day": DAY, "depot_ids": depots, "by": "test", "time_limit_s": 60.0, "seed": 0}
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
def elsewhere(here: Installation, kinds: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Another machine with a worker to spare, which takes what is offered, one at a time."""
    ended = threading.Event()

    def work() -> None:
        with open_installation(here.home) as opened:
            other = shared(opened)
            while not ended.wait(0.05):
                for job in offers(other):
                    if job.state == "waiting":
                        run_job(other, job.id, kinds=kinds or {"plan_part": plan_parts.plan_part_job})

    worker = threading.Thread(target=work, name="elsewhere")
    worker.start()
    try:
        yield
    finally:
        ended.set()
        worker.join()


def orders_of(page: PlanPage) -> dict[int, int]:
    """Stops of each shift."""
    return {route.shift_id: len(route.stops) for route in page.routes}


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
    said = {job.problem for job in offers(here) if job.state == "failed"}
    assert said == {"This machine reads another day, or has other roads: it takes no part."}


def test_the_searching_machine_itself_takes_no_part(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_parts, "machine", lambda: "one machine")
    with elsewhere(here):
        page, _said = plan(here)
    assert page.served > 40
    assert {job.state for job in offers(here)} <= {"failed", "cancelled"}


def test_stopping_keeps_what_both_have_found(here: Installation) -> None:
    told: list[Any] = []

    def stop() -> bool:
        return any(job.progress.get("served") for job in offers(here))

    with elsewhere(here):
        page, told = plan(here, cancelled=stop)
    assert told
    assert page.served > 40
    assert [job.state for job in offers(here)].count("done") == 1


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
