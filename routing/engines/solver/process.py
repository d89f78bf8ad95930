"""A solve in a process of its own: OR-Tools holds the interpreter's lock for seconds, and a crash there must not take
us along.

The child is spawned, hears "cancel" over a pipe and sends each better plan over it as visits per shift. When it is
killed, crashes or passes its limit, the best that it sent is what counts; with nothing sent, the caller hears why.
After an answer one child stays, with everything loaded, for the next problem.

The limit counts from the moment somebody asked: what starting, loading and handing over take is taken off the search.
Only two things do not count: compiling, once a machine, and, with a limit of rounds, anything before the first round,
since the same rounds must give the same plan.
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
from multiprocessing.context import SpawnProcess
from pathlib import Path

from routing.engines.solver.compiled import folder
from routing.errors import BackrouteError, Cancelled, InvalidProblem, SolverError
from routing.model.plans import Plan, Problem, SolveProgress

_GRACE = (3.0, 0.1)
"""Seconds, and a share of the limit: past its limit the child has this long before the best that it sent is taken."""
_PATIENCE_S = 60.0
"""And this long when it has sent none yet."""
_STARTING_S = 600.0
"""And this long to start: the first time on a machine the search is compiled, which takes a minute, and many
where other work keeps the machine busy."""
_TOO_LATE = (
    "The planning did not end {limit:.0f} s after it began and was stopped. "
    "Give it more time, or fewer deliveries at once."
)
_NEVER_STARTED = (
    f"The search did not start within {_STARTING_S / 60:.0f} minutes: this machine is busy with other work. "
    "Run `backroute warm` once, which compiles the search, then plan again. Nothing was changed."
)
_POLITE_S = 2.0
"""After a cancel the child has this long to answer by itself."""
_LEAST_SHARE = 0.3
"""Of the limit: the search has this much, however long the machine took to start it."""
_TAIL = (0.05, 0.0003, 0.1)
"""Seconds, seconds per visit, and at most this share of the limit: what recomputing, checking and sending take."""
_KEPT_VISITS = 1_500
"""After a larger problem the child ends, so that its memory is given back."""

type _Lines = dict[int, list[int]]


@dataclass(frozen=True, slots=True)
class _Refused:
    """An error of the child, as its kind and its sentence."""

    problem: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class _Ready:
    """The child has its task; `ends_at` is when its answer is due (`time.monotonic`, one clock for the machine)."""

    ends_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What the child is to do."""

    problem: Problem
    seed: int
    time_limit_s: float
    iterations: int | None
    start: Plan | None
    threads: int | None
    asked_at: float


@dataclass(frozen=True, slots=True)
class _Searcher:
    """A child and our end of its pipe."""

    child: SpawnProcess
    pipe: Connection

    def end(self) -> None:
        if self.child.is_alive():
            self.child.kill()
        self.child.join()
        self.pipe.close()
        self.child.close()


_idle: list[_Searcher] = []
_idle_lock = threading.Lock()


def _spawned() -> _Searcher:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_child, args=(theirs,), name="backroute-solve", daemon=True)
    child.start()
    theirs.close()
    return _Searcher(child, ours)


def ready_ahead() -> None:
    """Starts a child that loads the search while its problem is still being read; nothing when one stands ready."""
    with _idle_lock:
        if not _idle:
            _idle.append(_spawned())


def end_idle() -> None:
    """Ends the child that stands ready, if one does: the next solve starts one of its own."""
    with _idle_lock:
        ended = _idle[:]
        _idle.clear()
    for each in ended:
        each.end()


def _take() -> _Searcher:
    with _idle_lock:
        while _idle:
            one = _idle.pop()
            if one.child.is_alive():
                return one
            one.end()
    return _spawned()


def _put_back(one: _Searcher) -> None:
    with _idle_lock:
        if not _idle and one.child.is_alive():
            _idle.append(one)
            return
    one.end()


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
    threads: int | None = None,
    asked_at: float | None = None,
) -> Plan:
    """The best plan in the limit; fits `routing.ports.Solver`. `started` hears the child's process id.

    The limit counts from `asked_at` (of `time.monotonic`; by default now). `threads` search at once: by default one
    for each core, and one with a limit of rounds.
    A cancel keeps the best plan found so far. Raises InvalidProblem, SolverError (the child crashed, or passed its
    limit without a plan), Cancelled (nothing found yet).
    """
    begun = time.monotonic()
    searcher = _take()
    child, ours = searcher.child, searcher.pipe
    # Not as arguments: `start` would wait without end for a child that died before it had read a large problem.
    task = _Task(
        problem=problem,
        seed=seed,
        time_limit_s=time_limit_s,
        iterations=iterations,
        start=start,
        threads=threads,
        asked_at=begun if asked_at is None else asked_at,
    )
    handing_over = threading.Thread(target=_hand_over, args=(ours, task), name="hand-over", daemon=True)
    handing_over.start()
    if started is not None and child.pid is not None:
        started(child.pid)
    best: _Lines | None = None
    cancel_at: float | None = None
    ends_at: float | None = None
    answered = False
    try:
        while True:
            now = time.monotonic()
            if cancel_at is None and cancelled is not None and cancelled():
                cancel_at = now
                if ends_at is not None:
                    _cancel(ours)
            if ends_at is None:
                late = now > begun + time_limit_s + _STARTING_S
            else:
                late = now > ends_at + (_PATIENCE_S if best is None else _GRACE[0] + _GRACE[1] * time_limit_s)
            if late or (cancel_at is not None and now > cancel_at + _POLITE_S):
                return _salvage(
                    problem,
                    best,
                    seed,
                    now - begun,
                    Cancelled("The planning was stopped before any plan was found.")
                    if cancel_at is not None
                    else SolverError(_TOO_LATE.format(limit=time_limit_s) if ends_at is not None else _NEVER_STARTED),
                )
            try:
                if not ours.poll(0.05):
                    continue
                message = ours.recv()
            except (EOFError, OSError):
                child.join(_POLITE_S)
                raise SolverError(_how_it_died(child.exitcode), exitcode=child.exitcode) from None
            if isinstance(message, _Ready):
                ends_at = message.ends_at
                if cancel_at is not None:
                    _cancel(ours)
            elif isinstance(message, SolveProgress):
                if progress is not None:
                    progress(message)
            elif isinstance(message, dict):
                best = message
            elif isinstance(message, Plan):
                answered = True
                return message
            elif isinstance(message, _Refused):
                answered = True
                raise InvalidProblem(message.sentence) if message.problem else SolverError(message.sentence)
    finally:
        if not answered and child.is_alive():
            child.kill()
        handing_over.join()
        if answered and len(problem.visits) <= _KEPT_VISITS:
            _put_back(searcher)
        else:
            searcher.end()


def left_of(limit_s: float, *, spent_s: float, visits: int) -> float:
    """Seconds of a limit that the search has, after what was spent before it and less what comes after it.

    >>> round(left_of(10.0, spent_s=2.0, visits=500), 2), left_of(10.0, spent_s=60.0, visits=500)
    (7.8, 3.0)
    """
    tail_s = min(_TAIL[0] + _TAIL[1] * visits, _TAIL[2] * limit_s)
    return max(limit_s - spent_s - tail_s, _LEAST_SHARE * limit_s)


def compile_ahead(*, otherwise: Path) -> None:
    """Compiles the search in a process of its own and does not wait for it; nothing when it was compiled before. Called
    where plans will be asked for, so that the first of them does not wait a minute. What is compiled is kept
    beside the code, or in the folder `otherwise` where we may not write there."""
    compiled = Path(__file__).parent / "__pycache__"
    if not os.access(compiled if compiled.exists() else compiled.parent, os.W_OK):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(otherwise))
    if not _was_compiled():
        multiprocessing.get_context("spawn").Process(target=_compile, name="backroute-compile", daemon=True).start()


def _was_compiled() -> bool:
    return any(folder().rglob("plain.rounds-*.nbi"))


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
    """What can be driven of the last plan the child sent, checked here; without one, the error."""
    if best is None:
        raise otherwise
    # Recomputing needs no OR-Tools: it must never be imported into the process that serves pages.
    from routing.engines.solver.finish import plan_of
    from routing.engines.solver.insertion import Insertion
    from routing.rules.schedule import Timetable

    table = Timetable(problem)
    insertion = Insertion(problem, table)
    routes = insertion.drivable(best)  # filling it up would take as long again: somebody waits
    if not insertion.settled(routes):
        routes = insertion.mend(best)
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
    """Runs in the child, one task after the other. An interrupt from the terminal is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    compiles = not _was_compiled()
    from routing.engines.solver.walk import warm

    warm()
    counts_from = time.monotonic() if compiles else 0.0
    with contextlib.suppress(EOFError, OSError):  # the parent has gone, or wants nothing more
        while True:
            task = pipe.recv()
            if isinstance(task, _Task):  # a cancel that came after the answer is nobody's
                _answer(pipe, task, max(task.asked_at, counts_from))


def _answer(pipe: Connection, task: _Task, asked_at: float) -> None:
    from routing.engines.solver.ortools_solver import solve

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

    limit_s, now = task.time_limit_s, time.monotonic()
    search_s = limit_s
    if task.iterations is None:
        search_s = left_of(limit_s, spent_s=now - asked_at, visits=len(task.problem.visits))
    tell(_Ready(max(now + search_s, asked_at + limit_s)))
    try:
        answer: object = solve(
            task.problem,
            seed=task.seed,
            time_limit_s=search_s,
            iterations=task.iterations,
            start=task.start,
            progress=tell,
            cancelled=cancelled,
            found=tell,
            threads=task.threads,
        )
    except BackrouteError as error:
        answer = _Refused(isinstance(error, InvalidProblem), error.message)
    tell(answer)


def _die_with_parent() -> None:
    """When the parent is killed, its end of the pipe closes without a word: a thread looks for that."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="watch-parent").start()
