"""A scenario as a job: solved in its own process beside the others, and kept as figures and an order of doors.

Nothing of the plan is changed by it. What it found stands in the job's row until somebody uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from data.queries.scenarios import scenario_jobs
from data.store import SqlStore, open_store
from data.store.system import Job
from routing.errors import Conflict, InvalidInput
from routing.model.plans import SolveProgress
from routing.services.supposing import (
    Wish,
    again,
    cannot_use,
    compare,
    refuse_moved_on,
    solve_supposed,
    suppose,
    use_supposed,
)
from web.clock import wall_clock
from web.jobs import Progress
from web.plan_job import travel_of
from web.wiring import Installation

SEARCH_S = 6.0
MOST_SCENARIOS = 6
"""Beside one plan, the same day planned again among them: more than these nobody compares."""


def start_scenario(
    store: SqlStore, *, plan_id: int, wishes: Sequence[Wish], by: str, seconds: float = SEARCH_S, seed: int = 0
) -> int:
    """Writes the job down; returns its id. The same scenario is not searched twice: its id again."""
    asked = [asdict(wish) for wish in wishes]
    before = scenario_jobs(store.connection, plan_id=plan_id)
    for each in before:
        if each.data["wishes"] == asked and each.state in ("waiting", "running"):
            return each.id
    data = {"plan_id": plan_id, "wishes": asked, "by": by, "time_limit_s": seconds, "seed": seed}
    return store.add_job(kind="what_if", data=data, by=by, now=wall_clock(), max_attempts=1)


def wishes_of(job: Job) -> list[Wish]:
    return [Wish(**each) for each in job.data["wishes"]]


def what_if_job(
    installation: Installation, data: Mapping[str, Any], progress: Progress, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """`data` as `start_scenario` writes it. Raises what `suppose` and the solver raise."""
    wishes = [Wish(**each) for each in data["wishes"]]
    with installation.database.reading() as connection:
        store = SqlStore(connection)
        supposed = suppose(store, plan_id=int(data["plan_id"]), wishes=wishes, now=installation.clock.now())
        travel = travel_of(installation, store, supposed.draft.depot_ids)
    progress({"phase": "measuring", "at_s": 0.0, "served": 0, "of": len(supposed.facts.deliveries), "cost": 0})

    def keep_progress(found: SolveProgress) -> None:
        progress(asdict(found))

    problem, plan = solve_supposed(
        supposed,
        travel=travel,
        solve=installation.solver,
        seed=int(data["seed"]),
        time_limit_s=float(data["time_limit_s"]),
        progress=keep_progress,
        cancelled=cancelled,
    )
    with installation.database.reading() as connection:
        found = compare(SqlStore(connection), supposed, problem, plan)
    return {
        "titles": list(supposed.titles),
        "missing": supposed.missing,
        "seen": supposed.draft.fingerprint,
        **asdict(found),
        "orders": [[shift, list(order)] for shift, order in found.orders.items()],
    }


def use_scenario(installation: Installation, job: Job, *, by: str) -> int:
    """Makes the change of a finished scenario and saves its plan; returns the version's id. What takes time is done
    before anything is locked.

    Raises Conflict (not finished, the day moved on), InvalidInput (there is no such van or driver yet).
    """
    if job.state != "done" or job.result is None:
        raise Conflict("This scenario is not worked out. Wait for it, or ask again.", code="not_done")
    if job.result["missing"]:
        raise InvalidInput(cannot_use(job.result["missing"]), code=f"no_{job.result['missing']}")
    plan_id, seen, now = int(job.data["plan_id"]), str(job.result["seen"]), installation.clock.now()
    with installation.database.reading() as connection:
        store = SqlStore(connection)
        supposed = suppose(store, plan_id=plan_id, wishes=wishes_of(job), now=now)
        refuse_moved_on(supposed.draft, seen)
        travel = travel_of(installation, store, supposed.draft.depot_ids)
    orders = {int(shift): [int(key) for key in order] for shift, order in job.result["orders"]}
    problem, plan = again(supposed, travel=travel, orders=orders, seen=seen)
    with open_store(installation.database) as store:
        return use_supposed(store, supposed, problem=problem, plan=plan, seen=seen, by=by, now=now)
