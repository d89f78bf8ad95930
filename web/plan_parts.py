"""Depots that share no van are planned at once on as many machines as have a worker to spare.

`routing.engines.solver.parts` deals a day into parts, a process each. With a broker that other machines hear too, the
parts are dealt out to them first:

    the search      writes offers down as jobs, and waits a moment
    a free worker   takes an offer, reads the day, measures its ways, and says that it is ready
    the search      deals the day among itself and whoever is ready, withdraws the other offers, and solves its own part
    each worker     searches its part with the time that is left, and answers with the order of its stops
    the search      puts the parts together: timed, priced and checked as a whole, as in one process

A worker reads the day itself, so no problem travels. When it reads another one (an order came in meanwhile, a
region was built at another time), it takes no part; nor does one on the searching machine, whose cores are all used
anyway. A part whose worker failed or was stopped is searched here at once; one whose worker says nothing more, after
the others' limit.
"""

from __future__ import annotations

import hashlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import OperationalError as DatabaseError

from data.store import SqlStore, open_store
from data.store.system import Job
from routing.errors import Cancelled
from routing.model.plans import Plan, Problem, SolveProgress
from routing.ports import Solver
from routing.services.planning import PlanDraft, begin_plan, make_problem
from web.clock import wall_clock
from web.jobs import Progress
from web.wiring import Installation

if TYPE_CHECKING:
    from routing.engines.solver.parts import Part

log = logging.getLogger("backroute.jobs")

_NOTHING_YET = "The planning was stopped before any plan was found."

KIND = "plan_part"
MOST_HELPERS = 7
OFFERS_MORE = 2
"""So many offers more than helpers are wanted: workers of the searching machine may take some, and decline."""
OFFERED_FOR_S = 2.0
"""So long an offer waits for workers to take it: the broker and the claim take half a second."""
READY_WITHIN_S = 10.0
"""Whoever took an offer has so long to read the day and measure its ways."""
READY_SHARE = 0.3
"""Of the limit: nobody waits longer for helpers, however slow they read."""
ASKED_EVERY_S = 0.2
LATE_S = 10.0
"""So long after its limit a part is waited for: its routes are timed and written down."""
STOPPED_WITHIN_S = 5.0
"""And so long after a person stopped the planning: a worker hears of it within a second, and times what it has."""
SEARCHED_AGAIN_S = 3.0
"""A part whose worker was lost is searched here for at least so long."""


def dealing_solver(installation: Installation, draft: PlanDraft) -> Solver:
    """The installation's solver, which shares the draft's day with workers elsewhere where that can help.

    Its plan is as `routing.ports.Solver` says; limits of rounds are shared out by visits, so that the same rounds, seed
    and number of helpers give the same plan.
    """
    if installation.broker_url.startswith("memory:"):  # nobody else hears of a job
        return installation.solver
    return partial(_deal, installation, draft)


def _deal(
    installation: Installation,
    draft: PlanDraft,
    problem: Problem,
    *,
    seed: int,
    time_limit_s: float,
    iterations: int | None = None,
    start: Plan | None = None,
    progress: Callable[[SolveProgress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Plan:
    from routing.engines.solver.parts import WORTH, parts_of

    groups = len(parts_of(problem, MOST_HELPERS + 1)) if start is None and len(problem.visits) >= WORTH else 0
    ends = time.monotonic() + time_limit_s
    asked = partial(
        installation.solver, seed=seed, iterations=iterations, start=start, progress=progress, cancelled=cancelled
    )
    if groups < 2:
        return asked(problem, time_limit_s=time_limit_s)
    offers = _Offers(installation, draft, mark=mark_of(draft, problem))
    try:
        helpers = offers.taken(
            at_most=groups - 1,
            within_s=min(READY_WITHIN_S, READY_SHARE * time_limit_s),
            cancelled=cancelled or (lambda: False),
        )
        parts = parts_of(problem, 1 + len(helpers)) if helpers else []
        if len(parts) < 2:
            return asked(problem, time_limit_s=max(ends - time.monotonic(), SEARCHED_AGAIN_S))
        search = _Search(installation, problem, parts, helpers, seed, iterations, ends, cancelled)
        return search.plan(progress)
    finally:
        offers.withdraw()


def mark_of(draft: PlanDraft, problem: Problem) -> str:
    """Tells whether two machines have read the same day and measured the same ways."""
    mark = hashlib.sha256(f"{draft.fingerprint} {draft.now.isoformat()} {problem.travel_build}".encode())
    for name, travel in sorted(problem.travel.items()):
        mark.update(name.encode())
        mark.update(travel.durations_s.tobytes())
        mark.update(travel.distances_m.tobytes())
    return mark.hexdigest()


def machine() -> str:
    return socket.gethostname()


class _Offers:
    """The jobs that ask who can help, of one search."""

    def __init__(self, installation: Installation, draft: PlanDraft, *, mark: str) -> None:
        self.installation = installation
        self.data = {
            "from_day": draft.from_day,
            "to_day": draft.to_day,
            "depot_ids": list(draft.depot_ids),
            "now": draft.now.isoformat(),
            "mark": mark,
            "machine": machine(),
        }
        self.ids: list[int] = []

    def taken(self, *, at_most: int, within_s: float, cancelled: Callable[[], bool]) -> list[int]:
        """The offers whose workers are ready, after a moment; the others are withdrawn."""
        made: list[int] = []
        with open_store(self.installation.database) as store:
            for _ in range(at_most + OFFERS_MORE):
                job_id = store.add_job(kind=KIND, data=self.data, by="planning", now=wall_clock(), max_attempts=1)
                store.tell_job(job_id=job_id, more={"job": job_id})  # where its worker will read what it is dealt
                made.append(job_id)
        self.ids = made  # only once they are written: none of others is ever withdrawn
        began = time.monotonic()
        while True:
            states = jobs_of(self.installation, self.ids)
            waited = time.monotonic() - began
            if waited > OFFERED_FOR_S and any(job.state == "waiting" for job in states):
                self._withdraw([job.id for job in states if job.state == "waiting"])
                continue
            busy = [job for job in states if job.state == "waiting" or (job.state == "running" and not _ready(job))]
            if not busy or waited > within_s or cancelled():
                break
            time.sleep(ASKED_EVERY_S)
        self._withdraw([job.id for job in busy])
        ready = [job.id for job in states if job.state == "running" and _ready(job)]
        self._withdraw(ready[at_most:])
        return ready[:at_most]

    def withdraw(self) -> None:
        """What has not ended has nothing left to do."""
        self._withdraw([job.id for job in jobs_of(self.installation, self.ids) if job.state in ("waiting", "running")])

    def _withdraw(self, ids: Sequence[int]) -> None:
        if ids:
            with open_store(self.installation.database) as store:
                for job_id in ids:
                    store.cancel_job(job_id=job_id, now=wall_clock())


def _ready(job: Job) -> bool:
    return bool(job.progress.get("ready"))


def jobs_of(installation: Installation, ids: Sequence[int]) -> list[Job]:
    with installation.database.reading() as connection:
        store = SqlStore(connection)
        return [store.job(job_id) for job_id in ids]


@dataclass(frozen=True, slots=True)
class _Search:
    """One day in parts: the first is searched here, each of the others by a helper."""

    installation: Installation
    problem: Problem
    parts: Sequence[Problem]
    helpers: Sequence[int]
    seed: int
    iterations: int | None
    ends: float
    """Of `time.monotonic`, which no two machines share: a helper is told the seconds that are left."""
    cancelled: Callable[[], bool] | None

    def plan(self, progress: Callable[[SolveProgress], None] | None) -> Plan:
        from routing.engines.solver.parts import side_by_side

        with open_store(self.installation.database) as store:
            for number, job_id in enumerate(self.helpers[: len(self.parts) - 1], start=1):
                task = {
                    "part": number,
                    "of": len(self.parts),
                    "seed": self.seed,
                    "iterations": self._rounds(number),
                    "time_limit_s": self.ends - time.monotonic(),
                }
                store.tell_job(job_id=job_id, more=task)
        failed = threading.Event()
        return side_by_side(
            self.problem,
            self.parts,
            partial(self._solve, failed),
            seed=self.seed,
            progress=progress,
            failed=failed,
        )

    def _rounds(self, number: int) -> int | None:
        from routing.engines.solver.parts import share_of

        return share_of(self.iterations, self.parts[number], self.problem)

    def _solve(self, failed: threading.Event, part: Part) -> Plan:
        def stopped() -> bool:
            return failed.is_set() or (self.cancelled is not None and self.cancelled())

        if part.number > 0:
            found = self._helped(part, stopped)
            if found is not None:
                return found
        return self.installation.solver(
            part.problem,
            seed=self.seed,
            time_limit_s=max(self.ends - time.monotonic(), SEARCHED_AGAIN_S),
            iterations=self._rounds(part.number),
            progress=part.progress,
            cancelled=stopped,
        )

    def _helped(self, part: Part, stopped: Callable[[], bool]) -> Plan | None:
        """The plan of whoever was given this part; None when it was lost. Raises Cancelled (nothing found yet)."""
        job_id = self.helpers[part.number - 1]
        told = False
        until = self.ends + LATE_S
        shown: Mapping[str, Any] = {}
        while True:
            if stopped() and not told:
                told = True
                until = min(until, time.monotonic() + STOPPED_WITHIN_S)
                self._cancel(job_id)
            job = self._job(job_id)
            if job is not None and job.state == "done":
                return self._answered(part, job)
            if job is not None and job.state == "cancelled" and told:
                raise Cancelled(_NOTHING_YET)
            if job is not None and job.state != "running":  # failed; or given back, as its worker is being stopped
                log.warning("Part %s of a plan is searched here: %s", part.number, job.problem or job.state)
                self._cancel(job_id)
                return None
            if job is not None and job.progress.get("phase") and job.progress != shown:
                shown = job.progress
                part.progress(_progress_of(shown))
            if time.monotonic() > until:
                if told:
                    raise Cancelled(_NOTHING_YET)
                log.warning("Part %s of a plan is searched here: job %s does not answer.", part.number, job_id)
                return None
            time.sleep(ASKED_EVERY_S)

    def _job(self, job_id: int) -> Job | None:
        """None while the database does not answer, as where it is restarted: the helper searches on meanwhile."""
        try:
            return jobs_of(self.installation, [job_id])[0]
        except DatabaseError as problem:
            log.warning("Job %s of a plan could not be read: %s", job_id, problem.orig)
            return None

    def _cancel(self, job_id: int) -> None:
        with open_store(self.installation.database) as store:
            store.cancel_job(job_id=job_id, now=wall_clock())

    def _answered(self, part: Part, job: Job) -> Plan | None:
        """The plan of a helper's answer; None when it is none of this part."""
        said = job.result or {}
        routes = {int(shift): [int(key) for key in order] for shift, order in said.get("routes", ())}
        served = [key for order in routes.values() for key in order]
        shifts, visits = ({each.id for each in those} for those in (part.problem.shifts, part.problem.visits))
        if "routes" not in said or not routes.keys() <= shifts or len(visits.intersection(served)) < len(served):
            log.warning("Part %s of a plan is searched here: its worker answered for other stops.", part.number)
            return None
        # Needs no OR-Tools, which must never be imported into the process that serves pages.
        from routing.engines.solver.finish import plan_of

        rounds, took_s = int(said["rounds"]), float(said["search_s"])
        plan = plan_of(part.problem, routes, seed=self.seed, iterations=rounds, search_s=took_s)
        # What the worker told last was not its last: it is written down twice a second at most.
        part.progress(
            SolveProgress(
                at_s=took_s,
                phase="cost",
                served_by_tier=plan.served_by_tier,
                served=len(served),
                of=len(part.problem.visits),
                cost=plan.cost,
            )
        )
        return plan


def _progress_of(said: Mapping[str, Any]) -> SolveProgress:
    served = tuple((int(tier), int(units)) for tier, units in said["served_by_tier"])
    return SolveProgress(**{**said, "served_by_tier": served})


# ---------------------------------------------------------------------------- the other side


def plan_part_job(
    installation: Installation, data: Mapping[str, Any], progress: Progress, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Takes the offer: `data` as `_Offers` writes it, and what the search adds when the day is dealt.

    {"declined": why} of the searching machine itself, of one that reads another day, and where nobody deals: no fault,
    so no job that failed. Raises Cancelled (withdrawn, or stopped before a plan was found), and what planning raises.
    """
    from routing.engines.solver.parts import parts_of
    from web.plan_job import travel_of

    if machine() == data["machine"]:
        return {"declined": "This machine searches already, with all its cores."}
    now = datetime.fromisoformat(str(data["now"]))
    depot_ids = [int(each) for each in data["depot_ids"]]
    with installation.database.reading() as connection:
        store = SqlStore(connection)
        draft = begin_plan(
            store, from_day=str(data["from_day"]), to_day=str(data["to_day"]), depot_ids=depot_ids, now=now
        )
        travel = travel_of(installation, store, depot_ids)
    problem = make_problem(draft, travel=travel)
    if mark_of(draft, problem) != data["mark"]:
        return {"declined": "This machine reads another day, or has other roads: it takes no part."}
    progress({"ready": True})
    task = _dealt(installation, int(data["job"]), cancelled)
    if task is None:
        return {"declined": "Nobody deals a part any more: the planning has ended."}
    part = parts_of(problem, int(task["of"]))[int(task["part"])]

    def keep_progress(found: SolveProgress) -> None:
        progress(asdict(found))

    plan = _search_of(installation)(
        part,
        seed=int(task["seed"]),
        time_limit_s=max(float(task["time_limit_s"]), SEARCHED_AGAIN_S),
        iterations=task["iterations"],
        progress=keep_progress,
        cancelled=cancelled,
    )
    return {
        "routes": [[route.shift, list(route.visits)] for route in plan.routes],
        "rounds": plan.iterations,
        "search_s": plan.search_s,
    }


def _search_of(installation: Installation) -> Solver:
    return installation.solver


def _dealt(installation: Installation, job_id: int, cancelled: Callable[[], bool]) -> Mapping[str, Any] | None:
    """What the search has dealt to this offer; None when it is not heard of again. Raises Cancelled when it needs
    nobody."""
    until = time.monotonic() + READY_WITHIN_S + OFFERED_FOR_S
    while time.monotonic() < until:
        if cancelled():
            raise Cancelled("The planning needs no help any more.")
        (job,) = jobs_of(installation, [job_id])
        if "part" in job.data:
            return job.data
        time.sleep(ASKED_EVERY_S)
    return None
