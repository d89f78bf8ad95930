"""What a plan was made from, as it is kept with it."""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import given, settings

from data.mapping.plans import problem_from_bytes, problem_to_bytes
from routing.model.plans import Problem
from tests.routing.drawn_problems import problems


@given(problems(by_clock=True))
@settings(max_examples=60, deadline=None)
def test_all_that_a_problem_of_ours_may_say_is_kept(problem: Problem) -> None:
    """What only a problem of somebody else's has (types, shipments, breaks by load, hours at the door) is not kept."""
    ours = replace(
        problem,
        visits=tuple(replace(visit, work_by_type=()) for visit in problem.visits),
        shifts=tuple(
            replace(
                shift,
                type="",
                breaks=tuple(replace(pause, max_load=None) for pause in shift.breaks),
                cost=replace(shift.cost, per_task_hour=0),
            )
            for shift in problem.shifts
        ),
        shipments=(),
    )
    back = problem_from_bytes(problem_to_bytes(ours))
    names = [field.name for field in fields(Problem) if field.name != "travel"]
    assert [name for name in names if getattr(back, name) != getattr(ours, name)] == []
