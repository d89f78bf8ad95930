"""An engine's process that dies at the worst moment: a sentence, soon, and nothing that hangs."""

from __future__ import annotations

import multiprocessing.spawn
import time
from collections.abc import Iterator
from multiprocessing import resource_tracker

import pytest

from routing.engines.solver.process import end_idle, solve_in_process
from routing.errors import SolverError
from tests.routing.builders_plans import problem, shift, visit


@pytest.fixture
def dies_at_once() -> Iterator[None]:
    """Every child dies before it reads what it is to do, as one does on a machine that is out of memory."""
    resource_tracker.ensure_running()  # it is a child too, and a later solve needs it alive
    end_idle()  # one that stands ready would answer
    before = multiprocessing.spawn.get_executable()
    multiprocessing.spawn.set_executable("/bin/false")
    yield
    multiprocessing.spawn.set_executable(before)


@pytest.mark.usefixtures("dies_at_once")
def test_a_solver_that_dies_before_it_reads_a_large_problem_is_told_at_once() -> None:
    large = problem(*(visit(n, n) for n in range(1, 400)), shifts=(shift(1),))
    begun = time.monotonic()
    with pytest.raises(SolverError, match="ended by itself"):
        solve_in_process(large, seed=0, time_limit_s=60)
    assert time.monotonic() - begun < 20
