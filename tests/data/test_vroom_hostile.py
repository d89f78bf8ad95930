"""Problems that contradict themselves, overflow or lie about their roads: answered, or refused in one sentence; never a
crash, never a wrong plan (every answer here went through the checker)."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from data.exporters.vroom import write_vroom
from data.importers.vroom import read_vroom
from data.importers.vroom_values import read_json
from routing.engines.solver.ortools_solver import solve
from routing.errors import BackrouteError, FileRefused, InvalidProblem

Document = dict[str, Any]
HUGE = 2**63


def document(*jobs: Document, durations: Any = None, shipments: Any = (), **vehicle: Any) -> Document:
    return {
        "jobs": list(jobs),
        "shipments": list(shipments),
        "vehicles": [{"id": 1, "start_index": 0, "end_index": 0, **vehicle}],
        "matrices": {"car": {"durations": durations or [[abs(i - j) * 60 for j in range(3)] for i in range(3)]}},
    }


def job(key: int = 1, place: int = 1, **more: Any) -> Document:
    return {"id": key, "location_index": place, **more}


def shipment(**more: Any) -> Document:
    return {"pickup": job(1, 1), "delivery": job(1, 2), **more}


def answered(given: Document) -> Document:
    problem = read_vroom(read_json(io.StringIO(json.dumps(given))))
    return write_vroom(solve(problem.problem, seed=0, time_limit_s=5, iterations=300), problem)


def gone(out: Document) -> dict[int, list[str]]:
    return {each["id"]: each["reasons"] for each in out["unassigned"]}


def test_what_is_left_out_is_told_by_the_names_of_the_file() -> None:
    """A pickup and a delivery may have the number of a job: ours of them are others."""
    early = job(500, 2, time_windows=[[0, 100]])
    given = document(
        job(500, 1, time_windows=[[0, 30]]),
        shipments=[{"pickup": job(500, 1, time_windows=[[5000, 6000]]), "delivery": early}],
        time_window=[0, 9000],
    )
    given["vehicles"][0]["id"] = 7
    told = {each["type"]: each["detail"] for each in answered(given)["unassigned"]}
    assert told["job"] == "Vehicle 7 cannot be at Job 500 inside its windows."
    assert told["pickup"] == told["delivery"] == "Vehicle 7 cannot be at Delivery 500 inside its windows."


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (document(job(time_windows=[[100, 200]]), time_window=[5000, 9000]), "window_unreachable"),
        (document(job(time_windows=[[0, 30]]), time_window=[0, 900]), "window_unreachable"),
        (document(job(service=10_000), time_window=[0, 900]), "shift_too_short"),
        (document(job(delivery=[1]), capacity=[0]), "capacity"),
        (document(job(delivery=[2**40]), capacity=[2**40 - 1]), "capacity"),
        (document(job(), max_tasks=0), "capacity"),
        (document(job(), max_travel_time=0), "driver_hours"),
        (document(job(skills=[2**53])), "skills"),
        (document(job(), breaks=[{"id": 1, "service": 10, "time_windows": [[5000, 5000]]}], time_window=[0, 900]),
         "driver_hours"),
        (document(job(pickup=[1], time_windows=[[0, 300]]), capacity=[1], time_window=[0, 9000],
                  breaks=[{"id": 1, "service": 10, "time_windows": [[5000, 5000]], "max_load": [0]}]), "driver_hours"),
        (document(shipments=[shipment(amount=[2])], capacity=[1]), "capacity"),
        (document(shipments=[{**shipment(), "delivery": job(1, 2, time_windows=[[0, 60]])}], time_window=[0, 900]),
         "window_unreachable"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_left_out_with_its_reason(given: Document, why: str) -> None:
    out = answered(given)
    assert out["routes"] == []
    assert all(reasons == [why] for reasons in gone(out).values())
    assert gone(out)


@pytest.mark.parametrize(
    "given",
    [
        document(job(delivery=[HUGE]), capacity=[1]),
        document(job(service=HUGE)),
        document(job(time_windows=[[0, HUGE]])),
        document(job(), time_window=[0, HUGE]),
        document(job(), capacity=[HUGE]),
        document(job(), max_tasks=HUGE),
        document(job(), costs={"fixed": HUGE}),
        document(job(), costs={"per_task_hour": HUGE}),
        document(job(setup_per_type={"van": HUGE})),
        document(shipments=[shipment(amount=[HUGE])], capacity=[1]),
        document(shipments=[shipment(priority=HUGE)]),
        document(job(), breaks=[{"id": 1, "service": HUGE, "time_windows": [[0, 1]]}]),
        document(job(), capacity=[1], breaks=[{"id": 1, "max_load": [HUGE]}]),
        document(job(), durations=[[0, HUGE], [1, 0]]),
        document(job(), speed_factor=float("nan")),
        document(job(), speed_factor=float("inf")),
        document(job(service=float("nan"))),
        document(job(), durations=[[0, float("nan")], [1, 0]]),
        document(job(), durations=[[]]),
        document(job(), durations=[[0]]),
        document(job(), job()),
        document(shipments=[shipment(), shipment()]),
        document(shipments=[{"pickup": job()}]),
        document(shipments=[shipment(amount=1)], capacity=[1]),
        document(job(), breaks=[{"id": n, "time_windows": [[0, 900]]} for n in range(9)]),
    ],
)
def test_numbers_and_shapes_that_cannot_be_are_refused_in_one_sentence(given: Document) -> None:
    with pytest.raises((FileRefused, InvalidProblem)) as refused:
        answered(given)
    assert len(refused.value.message) < 300
    assert "\n" not in refused.value.message


def test_more_deliveries_than_are_planned_at_once_are_refused_before_anything_is_searched() -> None:
    many = [job(n) for n in range(1, 20_002)]
    with pytest.raises(InvalidProblem, match="20001 deliveries are more than the 20000"):
        answered(document(*many))


def test_json_that_is_nested_without_end_is_refused() -> None:
    with pytest.raises(FileRefused, match="nested too deeply"):
        read_json(io.StringIO('{"jobs":' + "[" * 200_000))


@pytest.mark.parametrize(
    "durations",
    [
        [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
        # Far from 0 to 1, near by way of 2; and a way that is quick in one direction only.
        [[0, 400, 10], [10, 0, 10], [400, 10, 0]],
        [[7, 10, 10], [10, 7, 10], [10, 10, 7]],
    ],
)
def test_roads_that_no_map_has_still_give_a_plan_that_holds(durations: list[list[int]]) -> None:
    out = answered(document(job(1, 1), job(2, 2), job(3, 1), durations=durations, time_window=[0, 900]))
    assert out["unassigned"] == []


ROUND = [[0, 30, 5000, 5000], [5000, 0, 30, 5000], [5000, 5000, 0, 30], [30, 5000, 5000, 0]]
"""The one quick way round is 0, 1, 2, 3, 0: each door alone is far."""


def test_what_a_detour_over_another_job_may_reach_is_never_called_proven_impossible() -> None:
    given = document(job(1, 1), job(2, 2), job(3, 3), durations=ROUND, time_window=[0, 900])
    out = answered(given)
    assert not any(each["proven"] for each in out["unassigned"])
    # With every way far the claim is true; and a minute and a half is less than the quick way round takes.
    far = [[0 if a == b else 5000 for b in range(4)] for a in range(4)]
    for durations, hours in ((far, 900), (ROUND, 90)):
        out = answered(document(job(1, 1), job(2, 2), job(3, 3), durations=durations, time_window=[0, hours]))
        assert [each["proven"] for each in out["unassigned"]] == [True] * 3


def test_jobs_that_are_alike_in_everything_are_each_served_once() -> None:
    steps = answered(document(*(job(n, 1, service=10) for n in range(1, 9))))["routes"][0]["steps"]
    assert sorted(step["id"] for step in steps if step["type"] == "job") == list(range(1, 9))


def test_costs_at_their_largest_do_not_overflow() -> None:
    most = (2**40) // 1000
    given = document(
        job(1, 1, service=3600), job(2, 2), time_window=[0, 2**33],
        costs={"fixed": most, "per_hour": most, "per_task_hour": most},
    )  # fmt: skip
    out = answered(given)
    assert out["unassigned"] == []
    assert out["summary"]["cost"] > 2 * most


def test_any_error_is_one_of_ours() -> None:
    """A file may be anything JSON can write."""
    for value in (None, 5, "x", [], [[]], {}, {"vehicles": 1}, {"vehicles": [None]}, {"jobs": {"id": 1}}):
        with pytest.raises(BackrouteError):
            read_vroom(value)
