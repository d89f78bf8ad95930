"""A city's day as it stands when a driver calls in sick: 400 doors on 13 vans that all are well used, and no spare."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from routing.engines.solver.ortools_solver import solve
from routing.model.plans import Break, CostScheme, Place, Plan, Problem, ShiftOffer, Travel, Visit, Window

HOUR = 3600


def a_full_day(*, stops: int = 400, vans: int = 13, seed: int = 1, rounds: int = 5_000) -> tuple[Problem, Plan]:
    """A problem drawn from the seed, and its plan: after so many rounds, so that both are the same everywhere.

    Doors lie in a square of 8 km, take 4 to 10 minutes, and half of them have a window of 4 hours. Vans work for five
    hours and a half with a pause of half an hour; twelve of them carry a tenth more than all there is.
    """
    chance = np.random.default_rng(seed)
    at = np.vstack([[4000, 4000], chance.integers(0, 8000, size=(stops, 2))])
    metres = np.rint(np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)) * 1.3).astype(np.int64)
    load = chance.integers(1, 10, size=stops)
    opens = chance.integers(7, 10, size=stops)
    windowed = chance.random(stops) < 0.5
    service = chance.integers(4, 11, size=stops) * 60
    tier = chance.integers(0, 3, size=stops)
    problem = Problem(
        epoch=datetime(2026, 3, 3, tzinfo=UTC),
        dimensions=("pieces",),
        places=tuple(Place(index=n, name=f"Door {n}") for n in range(stops + 1)),
        travel={"van": Travel(durations_s=metres // 7, distances_m=metres)},
        visits=tuple(
            Visit(
                id=n + 1,
                place=n + 1,
                service_s=int(service[n]),
                windows=(
                    Window(start_s=int(opens[n]) * HOUR, end_s=int(opens[n] + 4) * HOUR)
                    if windowed[n]
                    else Window(start_s=7 * HOUR, end_s=14 * HOUR),
                ),
                load=(int(load[n]),),
                collect=(0,),
                tier=int(tier[n]),
                name=f"D-{n + 1}",
            )
            for n in range(stops)
        ),
        shifts=tuple(
            ShiftOffer(
                id=van,
                profile="van",
                start=0,
                end=0,
                start_s=7 * HOUR,
                end_s=12 * HOUR + 1800,
                capacity=(int(load.sum() * 1.1 / (vans - 1)),),
                breaks=(Break(id=van, duration_s=1800, windows=(Window(start_s=10 * HOUR, end_s=12 * HOUR),)),),
                cost=CostScheme(fixed=4_000_000, per_hour=2_600_000, per_km=60_000),
                name=f"Van {van}",
            )
            for van in range(1, vans + 1)
        ),
    )
    plan = solve(problem, seed=0, time_limit_s=30.0, iterations=rounds)
    used = {route.shift for route in plan.routes}
    return replace(problem, shifts=tuple(shift for shift in problem.shifts if shift.id in used)), plan
