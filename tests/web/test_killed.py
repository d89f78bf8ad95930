"""A process that is killed in the middle: what it had not finished is undone, and the same command ends the work.

`dying` is a command that is killed with SIGKILL just before the n-th of its write transactions is committed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Table, select

from data.db import Database
from data.demo.generate import EXTRACT
from data.demo.generate import HERE as DEMO_FILES
from data.health import check_rows
from data.tables import delivery, job, manifest, metadata, movement, notice, order, plan
from tests.demo_day import copy_home, planned_demo_home, prepared_demo_home

DYING = """
import os, signal, sys
from contextlib import contextmanager
from data.db import Database

real, left = Database.writing, int(sys.argv.pop(1))

@contextmanager
def dying(self):
    global left
    with real(self) as connection:
        yield connection
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

Database.writing = dying
from web.cli import main
main()
"""


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BACKROUTE_")}
    return kept | {"BACKROUTE_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])}


def command(home: Path, *words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "from web.cli import main; main()", *map(str, words)],
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code and what it said to stderr."""
    _, errors = process.communicate(timeout=120)
    assert "Traceback" not in errors
    return process.returncode, errors


def dying(home: Path, nth: int, *words: object) -> int:
    arguments = [sys.executable, "-c", DYING, str(nth), *map(str, words)]
    return subprocess.run(arguments, env=environment(home), capture_output=True, timeout=120, check=False).returncode


def rows(home: Path, *tables: Table) -> dict[str, Counter[str]]:
    """Every row of these tables, or of all but the jobs."""
    database = Database(f"sqlite:///{home / 'backroute.db'}")
    try:
        with database.reading() as connection:
            chosen = tables or tuple(table for table in metadata.sorted_tables if table is not job)
            return {table.name: Counter(repr(row) for row in connection.execute(select(table))) for table in chosen}
    finally:
        database.close()


def how_many(home: Path, *tables: Table) -> dict[str, int]:
    return {name: found.total() for name, found in rows(home, *tables).items()}


def faults(home: Path) -> list[str]:
    database = Database(f"sqlite:///{home / 'backroute.db'}")
    try:
        with database.reading() as connection:
            return [check.sentence for check in check_rows(connection) if check.state == "fail"]
    finally:
        database.close()


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A home with the demo's products, fleet and customers."""
    for kind in ("products", "fleet", "customers"):
        assert ended(command(tmp_path, "import", kind, DEMO_FILES / f"{kind}.csv"))[0] == 0
    return tmp_path


def test_an_import_that_is_killed_before_its_end_leaves_nothing_and_is_done_by_the_next(filled: Path) -> None:
    before = rows(filled)
    assert dying(filled, 1, "import", "orders", DEMO_FILES / "orders.csv") == -signal.SIGKILL
    assert rows(filled) == before
    assert ended(command(filled, "import", "orders", DEMO_FILES / "orders.csv"))[0] == 0
    assert how_many(filled, order) == {order.name: 150}
    assert faults(filled) == []


# ---------------------------------------------------------------------------- slow: the demo's day, and every moment


@pytest.fixture
def morning(tmp_path: Path) -> Path:
    return copy_home(prepared_demo_home(), tmp_path / "home")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "tables"),
    [
        (["receive", DEMO_FILES / "receipt_tuesday.csv"], (movement, delivery, notice)),
        (["release", "--day", "2026-03-04"], (movement, delivery, notice)),
        (["dispatch", "--load"], (movement, delivery, manifest, notice)),
    ],
)
def test_whenever_a_command_is_killed_the_next_ends_with_the_same(
    tmp_path: Path, words: list[object], tables: tuple[Table, ...]
) -> None:
    """Killed before its first, second, third ... commit: nothing is half done, and running it again is enough."""
    undisturbed = copy_home(planned_demo_home(), tmp_path / "undisturbed")
    ended(command(undisturbed, *words))
    expected = how_many(undisturbed, *tables)
    for nth in range(1, 40):
        home = copy_home(planned_demo_home(), tmp_path / f"home-{nth}")
        code = dying(home, nth, *words)
        assert faults(home) == []
        if code != -signal.SIGKILL:
            return  # it came to its end before its n-th transaction
        ended(command(home, *words))
        assert how_many(home, *tables) == expected
        assert faults(home) == []
        shutil.rmtree(home)
    pytest.fail("It never came to its end.")


def child_of(process: subprocess.Popen[str], words: str) -> int:
    """The process below this one whose command line holds these words."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, "It ended before anything could be killed."
        for folder in Path("/proc").iterdir():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (OSError, ValueError, IndexError):
                continue
            if parent == process.pid and words in line:
                return int(folder.name)
        time.sleep(0.02)
    raise AssertionError(f"No {words} was started.")


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="It looks for children under /proc.")
def test_a_solver_that_is_killed_ends_the_plan_with_three_and_changes_nothing(morning: Path) -> None:
    before = rows(morning)
    planning = command(morning, "plan", "--time-limit", "20")
    os.kill(child_of(planning, "spawn_main"), signal.SIGKILL)
    code, said = ended(planning)
    assert code == 3
    assert "SIGKILL" in said
    assert rows(morning) == before


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="It looks for children under /proc.")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_plan_that_is_stopped_changes_nothing_and_leaves_no_process(morning: Path, number: signal.Signals) -> None:
    before = rows(morning)
    planning = command(morning, "plan", "--time-limit", "20")
    solver = child_of(planning, "spawn_main")
    time.sleep(1)
    planning.send_signal(number)
    code, _ = ended(planning)
    assert code == (130 if number == signal.SIGINT else -signal.SIGKILL)
    assert rows(morning) == before
    until = time.monotonic() + 10
    while Path(f"/proc/{solver}").exists():
        assert time.monotonic() < until, "Its solver goes on without it."
        time.sleep(0.1)
    assert ended(command(morning, "plan", "--time-limit", "1"))[0] == 1
    assert how_many(morning, plan) == {"plan": 1}


@pytest.mark.slow
def test_two_plans_of_one_day_at_once_are_one_plan_and_one_refusal(morning: Path) -> None:
    codes = sorted(ended(each)[0] for each in [command(morning, "plan", "--time-limit", "2") for _ in range(2)])
    assert codes == [1, 2]
    assert how_many(morning, plan) == {"plan": 1}


@pytest.mark.slow
def test_a_day_dispatched_three_times_at_once_is_dispatched_once(tmp_path: Path) -> None:
    home = copy_home(planned_demo_home(), tmp_path / "home")
    for each in [command(home, "dispatch", "--load") for _ in range(3)]:
        ended(each)
    alone = copy_home(planned_demo_home(), tmp_path / "alone")
    ended(command(alone, "dispatch", "--load"))
    assert how_many(home, manifest, movement, notice) == how_many(alone, manifest, movement, notice)
    assert faults(home) == []


@pytest.mark.slow
def test_a_region_whose_build_is_killed_stays_and_the_next_build_sweeps_up(tmp_path: Path) -> None:
    assert ended(command(tmp_path, "region", "add", "town", "--pbf", EXTRACT))[0] == 0
    link = tmp_path / "regions" / "town"
    first = link.resolve()
    for seconds in (1.5, 3.0):
        building = command(tmp_path, "region", "add", "town", "--pbf", EXTRACT)
        time.sleep(seconds)
        building.kill()
        ended(building)
        assert link.resolve() == first
    assert ended(command(tmp_path, "region", "add", "town", "--pbf", EXTRACT))[0] == 0
    builds = tmp_path / "regions" / ".town.builds"
    assert [each.name for each in builds.glob("build-*")] == [link.resolve().name]
