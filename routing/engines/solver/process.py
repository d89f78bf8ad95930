"""A solve in a process of its own: OR-Tools holds the interpreter's lock for seconds, and a crash there must not take
us along.

The child is spawned, hears "cancel" over a pipe and sends each better plan over it as visits per shift. When it is
killed, crashes or passes its limit, the best that it sent is what counts; with nothing sent, the caller hears why.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from routing.engines.solver.compiled import folder
from routing.errors import BackrouteError, Cancelled, InvalidProblem, SolverError
from routing.model.plans import Plan, Problem, SolveProgress

_GRACE_S = 10.0
"""Past its limit the child has this long to recompute, check and send its answer."""
_STARTING_S = 600.0
"""And this long to start: the first time on a machine the search is compiled, which takes a minute, and many
where other work keeps the machine busy."""
_POLITE_S = 2.0
"""After a cancel the child has this long to answer by itself."""

type _Lines = dict[int, list[int]]


@dataclass(frozen=True, slots=True)
class _Refused:
    """An error of the child, as its kind and its sentence."""

    problem: bool
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What the child is to do."""

    problem: Problem
    seed: int
    time_limit_s: float
    iterations: int | None
    start: Plan | None


def solve_in_process(
    problem: Problem,
    *,
    seed: int,
    time_limit_s: float,
    iterations: int | None = None,
    start: Plan | None = None,
    progress: Callable[[SolveProgress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    started: Callable[[int], None] | None = None,
) -> Plan:
    """The best plan in the limit; fits `routing.ports.Solver`. `started` hears the child's process id.

    A cancel keeps the best plan found so far. Raises InvalidProblem, SolverError (the child crashed, or passed its
    limit without a plan), Cancelled (nothing found yet).
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(
        target=_child,
        args=(theirs,),
        name="backroute-solve",
        daemon=True,
    )
    begun = time.monotonic()
    child.start()
    theirs.close()
    # Not as arguments: `start` would wait without end for a child that died before it had read a large problem.
    task = _Task(problem=problem, seed=seed, time_limit_s=time_limit_s, iterations=iterations, start=start)
    handing_over = threading.Thread(target=_hand_over, args=(ours, task), name="hand-over", daemon=True)
    handing_over.start()
    if started is not None and child.pid is not None:
        started(child.pid)
    best: _Lines | None = None
    cancel_at: float | None = None
    ready_at: float | None = None
    try:
        while True:
            now = time.monotonic()
            if cancel_at is None and cancelled is not None and cancelled():
                cancel_at = now
                if ready_at is not None:
                    _cancel(ours)
            late = (
                now > ready_at + time_limit_s + _GRACE_S
                if ready_at is not None
                else now > begun + time_limit_s + _STARTING_S
            )
            if late or (cancel_at is not None and now > cancel_at + _POLITE_S):
                return _salvage(
                    problem,
                    best,
                    seed,
                    now - begun,
                    Cancelled("The planning was stopped before any plan was found.")
                    if cancel_at is not None
                    else SolverError(
                        f"The planning did not end {time_limit_s:.0f} s after it began and was stopped. "
                        "Give it more time, or fewer deliveries at once."
                    ),
                )
            try:
                if not ours.poll(0.05):
                    continue
                message = ours.recv()
            except (EOFError, OSError):
                child.join(_POLITE_S)
                raise SolverError(_how_it_died(child.exitcode), exitcode=child.exitcode) from None
            if message == "ready":
                ready_at = time.monotonic()
                if cancel_at is not None:
                    _cancel(ours)
            elif isinstance(message, SolveProgress):
                if progress is not None:
                    progress(message)
            elif isinstance(message, dict):
                best = message
            elif isinstance(message, Plan):
                return message
            elif isinstance(message, _Refused):
                raise InvalidProblem(message.sentence) if message.problem else SolverError(message.sentence)
    finally:
        if child.is_alive():
            child.join(0.2)
        if child.is_alive():
            child.kill()
        child.join()
        handing_over.join()
        ours.close()
        child.close()


def compile_ahead(*, otherwise: Path) -> None:
    """Compiles the search in a process of its own and does not wait for it; nothing when it was compiled before. Called
    where plans will be asked for, so that the first of them does not wait a minute. What is compiled is kept
    beside the code, or in the folder `otherwise` where we may not write there."""
    compiled = Path(__file__).parent / "__pycache__"
    if not os.access(compiled if compiled.exists() else compiled.parent, os.W_OK):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(otherwise))
    if not any(folder().rglob("plain.rounds-*.nbi")):
        multiprocessing.get_context("spawn").Process(target=_compile, name="backroute-compile", daemon=True).start()


def _compile() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from routing.engines.solver.walk import warm

    warm()


def _hand_over(ours: Connection, task: _Task) -> None:
    """In a thread: a child that stands still reads nothing, and must not keep us from stopping it."""
    with contextlib.suppress(OSError):  # it died: who waits for its answer hears that
        ours.send(task)


def _cancel(ours: Connection) -> None:
    """Only to a child that is ready: before, its task may still be on the way."""
    with contextlib.suppress(OSError):
        ours.send("cancel")


def _salvage(problem: Problem, best: _Lines | None, seed: int, search_s: float, otherwise: SolverError) -> Plan:
    """The last plan the child sent, mended and checked here; without one, the error."""
    if best is None:
        raise otherwise
    # Recomputing needs no OR-Tools: it must never be imported into the process that serves pages.
    from routing.engines.solver.finish import plan_of
    from routing.engines.solver.insertion import Insertion
    from routing.rules.schedule import Timetable

    table = Timetable(problem)
    routes = Insertion(problem, table).mend(best)
    return plan_of(problem, routes, seed=seed, iterations=0, search_s=search_s, table=table)


def _how_it_died(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        try:
            name = signal.Signals(-exitcode).name
        except ValueError:
            name = str(-exitcode)
        hint = (
            "The machine may be out of memory: plan fewer deliveries at once." if name == "SIGKILL" else "Plan again."
        )
        return f"The planning process was ended by the system ({name}). {hint} Nothing was changed."
    return (
        f"The planning process ended by itself (exit code {exitcode}) without a plan. Plan again. Nothing was changed."
    )


def _child(pipe: Connection) -> None:
    """Runs in the child. An interrupt from the terminal is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    task: _Task = pipe.recv()
    from routing.engines.solver.ortools_solver import solve
    from routing.engines.solver.walk import warm

    warm()
    stop = threading.Event()

    def cancelled() -> bool:
        if not stop.is_set():
            try:
                if pipe.poll():
                    pipe.recv()
                    stop.set()
            except (EOFError, OSError):
                # The parent is gone: nobody waits for this plan any more.
                os._exit(1)
        return stop.is_set()

    def tell(what: object) -> None:
        try:
            pipe.send(what)
        except OSError:
            os._exit(1)  # gone as well: no traceback into the terminal of whoever killed it

    tell("ready")
    try:
        answer: object = solve(
            task.problem,
            seed=task.seed,
            time_limit_s=task.time_limit_s,
            iterations=task.iterations,
            start=task.start,
            progress=tell,
            cancelled=cancelled,
            found=tell,
        )
    except BackrouteError as error:
        answer = _Refused(isinstance(error, InvalidProblem), error.message)
    tell(answer)
    pipe.close()


def _die_with_parent() -> None:
    """When the parent is killed, its end of the pipe closes without a word: a thread looks for that."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="watch-parent").start()
