"""A solve in its own process: it answers, it can be stopped, and its death is told in a sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from routing.engines.solver.process import end_idle, left_of, solve_in_process
from routing.errors import Cancelled, InvalidProblem, SolverError
from routing.model.plans import Lock, Problem, SolveProgress
from routing.rules.check import violations
from tests.routing.builders_plans import MINUTE, problem, shift, visit


def busy() -> Problem:
    stops = (visit(n, n % 9 + 1, service_s=20 * MINUTE) for n in range(1, 40))
    return problem(*stops, shifts=(shift(1), shift(2)))


def test_a_plan_comes_back_with_progress() -> None:
    heard: list[SolveProgress] = []
    found = solve_in_process(busy(), seed=0, time_limit_s=1, progress=heard.append)
    assert violations(found, busy()) == []
    assert heard


def test_a_cancel_keeps_the_best_plan() -> None:
    heard: list[SolveProgress] = []
    begun = time.monotonic()
    found = solve_in_process(busy(), seed=0, time_limit_s=120, progress=heard.append, cancelled=lambda: bool(heard))
    assert violations(found, busy()) == []
    assert time.monotonic() - begun < 60


def test_a_child_that_answered_solves_the_next_problem() -> None:
    pids: list[int] = []
    for _ in range(2):
        solve_in_process(busy(), seed=0, time_limit_s=60, iterations=10, started=pids.append)
    end_idle()
    solve_in_process(busy(), seed=0, time_limit_s=60, iterations=10, started=pids.append)
    assert pids[0] == pids[1] != pids[2]


def test_the_time_before_the_search_is_taken_off_it() -> None:
    """Of 10 s, 2 went by before and 0.2 are kept for the end with 500 visits; three tenths are left in any case."""
    assert left_of(10.0, spent_s=2.0, visits=500) == pytest.approx(7.8)
    assert left_of(10.0, spent_s=3600.0, visits=500) == pytest.approx(3.0)


def test_a_limit_of_rounds_does_not_ask_what_time_it_is() -> None:
    an_hour_ago = time.monotonic() - 3600
    late = solve_in_process(busy(), seed=0, time_limit_s=600, iterations=10, asked_at=an_hour_ago)
    soon = solve_in_process(busy(), seed=0, time_limit_s=600, iterations=10)
    assert replace(late, search_s=0.0) == replace(soon, search_s=0.0)


def test_the_same_rounds_and_threads_give_the_same_plan() -> None:
    stops = (visit(n, n % 97 + 1, service_s=2 * MINUTE) for n in range(1, 261))
    day = problem(*stops, shifts=tuple(shift(n) for n in range(1, 9)))
    one, two = (solve_in_process(day, seed=3, time_limit_s=600, iterations=400, threads=2) for _ in range(2))
    assert one.routes == two.routes
    assert one.iterations == two.iterations >= 800


def test_a_cancel_before_anything_was_found_says_so() -> None:
    with pytest.raises(Cancelled, match="before any plan"):
        solve_in_process(busy(), seed=0, time_limit_s=120, cancelled=lambda: True, started=_freeze)


def test_a_killed_child_is_told_in_a_sentence_and_leaves_nothing_behind() -> None:
    pids: list[int] = []

    def kill(pid: int) -> None:
        pids.append(pid)
        os.kill(pid, signal.SIGKILL)

    with pytest.raises(SolverError, match="ended by the system \\(SIGKILL\\)"):
        solve_in_process(busy(), seed=0, time_limit_s=30, started=kill)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_a_refused_problem_is_refused_here_too() -> None:
    day = problem(visit(1, 1), locks=(Lock(visit=1, shift=9),))
    with pytest.raises(InvalidProblem, match="no such shift"):
        solve_in_process(day, seed=0, time_limit_s=5)


def test_the_process_that_serves_pages_never_imports_the_engine() -> None:
    code = (
        "import sys, routing.engines.solver.process, routing.engines.solver.finish;sys.exit('ortools' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_child_outlives_a_parent_that_was_killed() -> None:
    code = (
        "from tests.routing.solver.test_process import busy, solve_in_process\n"
        "if __name__ == '__main__':\n"
        "    solve_in_process(busy(), seed=0, time_limit_s=60, started=lambda pid: print(pid, flush=True),"
        " progress=lambda _: print('works', flush=True))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout as told:
        child = int(told.readline())
        assert told.readline() == "works\n"
        parent.kill()
        parent.wait()
        for _ in range(100):
            if not _runs(child):
                break
            time.sleep(0.1)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _freeze(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
