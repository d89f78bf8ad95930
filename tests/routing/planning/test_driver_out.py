"""What a missing driver does to everybody else: as little as possible."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.model.plans import (
    CostScheme,
    Place,
    Plan,
    PlannedRoute,
    Problem,
    ShiftOffer,
    Travel,
    Visit,
    Window,
)
from routing.rules.changes import orders_of, rebuilt, summed
from routing.rules.check import violations
from routing.rules.driver_out import insert_cheapest, renamed_shift, without_route, without_shift
from routing.rules.reasons import why_left_out
from routing.rules.schedule import Timetable

HOUR = 3600


@st.composite
def days(draw: st.DrawFn) -> tuple[Problem, Plan]:
    """Three vans and up to nine doors on a line; visits are dealt out, what does not fit is left out."""
    doors = draw(st.lists(st.integers(1, 60), min_size=3, max_size=9))
    at = np.array([0, *doors])
    minutes = np.abs(at[:, None] - at)
    visits = []
    for n in range(1, len(doors) + 1):
        opens = draw(st.integers(0, 5)) * HOUR
        visits.append(
            Visit(
                id=n,
                place=n,
                service_s=300,
                windows=(Window(start_s=opens, end_s=opens + draw(st.integers(1, 4)) * HOUR),),
                load=(draw(st.integers(1, 3)),),
                collect=(0,),
                tier=draw(st.integers(1, 2)),
                strangers=tuple((shift, 700) for shift in draw(st.sets(st.integers(1, 3)))),
            )
        )
    problem = Problem(
        epoch=datetime(2026, 5, 12, tzinfo=UTC),
        dimensions=("pieces",),
        places=tuple(Place(index=n, name=f"Café {n}") for n in range(len(at))),
        travel={
            "car": Travel(
                durations_s=(minutes * 60).astype(np.int64), distances_m=(minutes * 500).astype(np.int64)
            )
        },
        visits=tuple(visits),
        shifts=tuple(
            ShiftOffer(
                id=n, profile="car", start=0, end=0, start_s=0, end_s=9 * HOUR, capacity=(8,),
                cost=CostScheme(fixed=1000, per_hour=2000, per_km=100),
                most_trips=draw(st.integers(1, 2)), reload_s=1800,
            )
            for n in (1, 2, 3)
        ),
    )  # fmt: skip
    table = Timetable(problem)
    orders: dict[int, list[int]] = {1: [], 2: [], 3: []}
    for visit in problem.visits:
        shift = draw(st.sampled_from([1, 2, 3]))
        if table.times(shift, [*orders[shift], visit.id]) is not None:
            orders[shift].append(visit.id)
    empty = summed(Plan(routes=(), unassigned=(), cost=0, served_by_tier=(), engine="dealt", seed=0), problem)
    plan = rebuilt(empty, problem, orders, timetable=table)
    assert isinstance(plan, Plan)
    return problem, replace(plan, unassigned=why_left_out(problem, plan))


@settings(max_examples=60, deadline=None)
@given(days())
def test_spreading_moves_nobody_else_and_loses_nobody(day: tuple[Problem, Plan]) -> None:
    problem, plan = day
    base = without_shift(problem, 1)
    before = orders_of(plan)
    after = insert_cheapest(without_route(plan, base, 1), base, before.get(1, ()))
    assert violations(after, base) == []
    for shift in (2, 3):
        stayed = set(before.get(shift, ()))
        assert tuple(key for key in orders_of(after).get(shift, ()) if key in stayed) == before.get(shift, ())
    assert all(gone.reasons for gone in after.unassigned)


@settings(max_examples=20, deadline=None)
@given(days())
def test_a_swap_changes_a_name_and_no_time(day: tuple[Problem, Plan]) -> None:
    problem, plan = day

    def times(routes: tuple[PlannedRoute, ...]) -> list[object]:
        return [(route.start_s, route.trips, route.breaks, route.end_s, route.cost) for route in routes]

    swapped, new_problem = renamed_shift(plan, problem, old=1, new=44)
    assert times(swapped.routes) == times(plan.routes)
    assert 1 not in orders_of(swapped)
    assert violations(swapped, new_problem) == []
