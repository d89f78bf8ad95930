"""Planning days as a job: it takes seconds, says how far it is, and a cancel keeps the best plan found until then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from data.queries.plans import PlanPage, plan_page
from data.store import SqlStore
from routing.errors import InvalidInput
from routing.model.days import day_words
from routing.model.plans import SolveProgress
from routing.ports import TravelTimes
from routing.rules.depot_region import lies_nowhere
from routing.rules.road_reach import outside
from routing.services.planning import PlanDraft, begin_plan, make_problem, save_plan, solve_problem
from web.clock import wall_clock
from web.jobs import Progress, Write
from web.plan_parts import dealing_solver
from web.wiring import Installation

SEARCH_S = 10.0


def start_plan(
    store: SqlStore,
    *,
    from_day: str,
    to_day: str,
    depot_ids: Sequence[int],
    by: str,
    time_limit_s: float = SEARCH_S,
    seed: int = 0,
) -> int:
    """Writes the job down; returns its id."""
    return store.add_job(
        kind="plan",
        data={
            "from_day": from_day,
            "to_day": to_day,
            "depot_ids": list(depot_ids),
            "by": by,
            "time_limit_s": time_limit_s,
            "seed": seed,
        },
        by=by,
        now=wall_clock(),
        max_attempts=1,
    )


def travel_of(installation: Installation, store: SqlStore, depot_ids: Sequence[int]) -> TravelTimes:
    """The travel times of the depots' region, or of the default one when they name none. Where no region was built at
    all, the great circle, which every page labels. Raises NotFound when the depots' region was never built."""
    return travel_in(installation, store.depots_by_region(), depot_ids)


def travel_in(
    installation: Installation, regions: Mapping[str, Sequence[int]], depot_ids: Sequence[int]
) -> TravelTimes:
    """The same where the depots by the name of their region are known already."""
    wanted = set(depot_ids)
    names = [name for name, ids in regions.items() if name and wanted & set(ids)]
    if names:
        return installation.travel(names[0])
    if not installation.regions.list() and not installation.regions.broken():
        from routing.engines.roads.travel import travel_times

        return travel_times(None)
    return installation.travel(installation.regions.default().name)


def refuse_nothing_to_plan(draft: PlanDraft) -> None:
    """Raises InvalidInput when nothing is released or nobody drives."""
    if not draft.facts.deliveries:
        raise InvalidInput(
            f"Nothing is released for {day_words(draft.to_day)}. Release what is ready first.", code="nothing_released"
        )
    if not any(shift.state == "planned" for shift in draft.facts.shifts):
        raise InvalidInput(
            f"Nobody drives on {day_words(draft.from_day)}. Add a shift with its van and driver first.",
            code="no_shifts",
        )


def _refuse_nowhere(installation: Installation, draft: PlanDraft) -> None:
    """Raises InvalidInput for depots without a region that lie outside the default one too."""
    lost = [each for each in draft.facts.depots if each.region_id is None and each.location is not None]
    if not lost or not installation.regions.list():
        return
    area = installation.regions.default().bounds
    if names := [each.name for each in lost if each.location and outside(each.location, area)]:
        raise InvalidInput(lies_nowhere(names), code="outside_region")


def plan_job(
    installation: Installation, data: Mapping[str, Any], progress: Progress, cancelled: Callable[[], bool]
) -> Write:
    """`data` as `start_plan` writes it. Raises InvalidInput (nothing released, nobody drives), Conflict, TravelError,
    SolverError, Cancelled (before anything was found)."""
    from_day, to_day, by = str(data["from_day"]), str(data["to_day"]), str(data["by"])
    depot_ids = [int(each) for each in data["depot_ids"]]
    with installation.database.reading() as connection:
        store = SqlStore(connection)
        draft = begin_plan(store, from_day=from_day, to_day=to_day, depot_ids=depot_ids, now=installation.clock.now())
        travel = travel_of(installation, store, depot_ids)
    refuse_nothing_to_plan(draft)
    _refuse_nowhere(installation, draft)
    progress({"phase": "measuring", "at_s": 0.0, "served": 0, "of": len(draft.facts.deliveries), "cost": 0})
    problem = make_problem(draft, travel=travel)

    def keep_progress(found: SolveProgress) -> None:
        progress(asdict(found))

    plan = solve_problem(
        problem,
        solve=dealing_solver(installation, draft),
        seed=int(data["seed"]),
        time_limit_s=float(data["time_limit_s"]),
        progress=keep_progress,
        cancelled=cancelled,
    )

    def write(store: SqlStore) -> dict[str, Any]:
        plan_id = save_plan(
            store, draft, problem=problem, plan=plan, why="planned", by=by, now=installation.clock.now()
        )
        return document(plan_page(store.connection, plan_id), currency=store.company().currency)

    return write


def document(page: PlanPage, *, currency: str) -> dict[str, Any]:
    """What a finished job says of its plan, and `backroute plan --json` prints. Moments are ISO text in UTC, costs are
    minor units of the currency. `ends_at_site`: the last stop, of a shift that ends there and not at its depot."""
    return {
        "plan_id": page.plan_id,
        "from_day": page.from_day,
        "to_day": page.to_day,
        "served": page.served,
        "cost": round(page.cost / 1000),
        "currency": currency,
        "engine": page.engine,
        "seed": page.seed,
        "travel": page.travel,
        "routes": [
            {
                "shift": route.shift_id,
                "sequence": route.sequence,
                "day": route.day,
                "depot": route.depot,
                "vehicle": route.vehicle,
                "driver": route.driver,
                "too_heavy": route.too_heavy,
                "over_the_week": list(route.over_the_week),
                "departs_at": route.departs_at.isoformat(),
                "returns_at": route.returns_at.isoformat(),
                "ends_at_site": "" if route.ends_at_depot or not route.stops else route.stops[-1].site,
                "distance_m": route.distance_m,
                "cost": round(route.cost / 1000),
                "trips": [
                    {
                        "trip": trip.number,
                        "departs_at": trip.departs_at.isoformat(),
                        "returns_at": trip.returns_at.isoformat(),
                    }
                    for trip in route.trips
                ],
                "stops": [
                    {
                        "number": stop.number,
                        "trip": stop.trip,
                        "site": stop.site,
                        "arrival": stop.arrival.isoformat(),
                        "start": stop.start.isoformat(),
                        "departure": stop.departure.isoformat(),
                        "deliveries": [each.number for each in stop.deliveries],
                    }
                    for stop in route.stops
                ],
            }
            for route in page.routes
        ],
        "unused": [
            {
                "shift": each.shift_id,
                "day": each.day,
                "vehicle": each.vehicle,
                "driver": each.driver,
                "reason": "no_road" if each.without_roads else "",
            }
            for each in page.free
        ],
        "left_out": [
            {
                "delivery": each.number,
                "site": each.site,
                "reasons": list(each.reasons),
                "proven": each.proven,
                "detail": each.detail,
            }
            for each in page.left_out
        ],
    }
