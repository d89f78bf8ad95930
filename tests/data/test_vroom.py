"""VROOM's JSON: every field is honoured or refused by its name, and the answer adds up."""

from __future__ import annotations

import json
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from data.exporters.vroom import write_vroom
from data.importers.vroom import read_vroom
from routing.engines.solver.ortools_solver import solve
from routing.errors import FileRefused
from routing.model.places import Location
from routing.ports import TravelTable
from web.cli.solve import solve_command

Document = dict[str, Any]

SIZE = 5


def tables(factor: int = 1) -> list[list[int]]:
    return [[factor * 100 * abs(i - j) for j in range(SIZE)] for i in range(SIZE)]


def document() -> Document:
    """All that is honoured, in one small problem."""
    return {
        "jobs": [
            {
                "id": 11,
                "description": "Café 12 at the corner",
                "location_index": 1,
                "location": [24.9, 60.2],
                "setup": 30,
                "service": 60,
                "setup_per_type": {"van": 40},
                "service_per_type": {"van": 70},
                "delivery": [2],
                "pickup": [1],
                "skills": [3],
                "priority": 10,
                "time_windows": [[0, 100], [500, 2000]],
            },
            {"id": 12, "location_index": 2, "setup": 30, "service": 60, "delivery": [1]},
            {"id": 13, "location_index": 2, "setup": 30, "service": 60, "pickup": [1]},
            {"id": 14, "location_index": 4, "delivery": [9]},
        ],
        "shipments": [
            {
                "amount": [1],
                "skills": [3],
                "priority": 2,
                "pickup": {"id": 5, "location_index": 1, "service": 20, "description": "hub"},
                "delivery": {"id": 5, "location_index": 2, "service": 30, "time_windows": [[0, 4000]]},
            }
        ],
        "vehicles": [
            {
                "id": 1,
                "profile": "car",
                "description": "Van 1",
                "start_index": 0,
                "end_index": 0,
                "capacity": [4],
                "costs": {"fixed": 50, "per_hour": 3600, "per_km": 10, "per_task_hour": 36},
                "skills": [3],
                "type": "van",
                "time_window": [0, 5000],
                "breaks": [
                    {"id": 1, "service": 300, "time_windows": [[600, 900]], "description": "coffee", "max_load": [4]}
                ],
                "speed_factor": 1.0,
                "max_tasks": 5,
                "max_travel_time": 4000,
                "max_distance": 9000,
                "steps": [{"type": "start"}, {"type": "job", "id": 12}, {"type": "end"}],
            }
        ],
        "matrices": {"car": {"durations": tables(), "distances": tables(2)}},
        "options": {"g": False, "l": 3},
    }


def answered(given: Document) -> Document:
    problem = read_vroom(given)
    plan = solve(problem.problem, seed=0, time_limit_s=2, iterations=4000, start=problem.start)
    return json.loads(json.dumps(write_vroom(plan, problem)))


def test_every_honoured_field_reaches_the_problem() -> None:
    given = read_vroom(document())
    visit, offer = given.problem.visits[0], given.problem.shifts[0]
    assert (visit.setup_s, visit.service_s, visit.tier) == (30, 60, 10)
    assert visit.work_by_type == (("van", 40, 70),)
    assert (visit.load, visit.collect, visit.skills) == ((2,), (1,), frozenset({"3"}))
    assert [(w.start_s, w.end_s) for w in visit.windows] == [(0, 100), (500, 2000)]
    assert (offer.start_s, offer.end_s, offer.capacity, offer.type) == (0, 5000, (4,), "van")
    assert (offer.max_visits, offer.max_travel_s, offer.max_distance_m) == (5, 4000, 9000)
    assert (offer.cost.fixed, offer.cost.per_travel_hour, offer.cost.per_km) == (50_000, 3_600_000, 10_000)
    assert offer.cost.per_task_hour == 36_000
    assert (offer.breaks[0].duration_s, offer.breaks[0].max_load) == (300, (4,))
    fetched, brought = given.problem.visits[-2:]
    assert (fetched.place, fetched.service_s, fetched.name, fetched.tier) == (1, 20, "hub", 2)
    assert (brought.place, brought.windows[0].end_s, brought.skills) == (2, 4000, frozenset({"3"}))
    (shipment,) = given.problem.shipments
    assert (shipment.pickup, shipment.delivery, shipment.amount) == (fetched.id, brought.id, (1,))
    assert given.time_limit_s == 3
    assert given.start is not None
    assert given.start.routes[0].visits == (12,)


def test_the_answer_adds_up() -> None:
    out = answered(document())
    (route,) = out["routes"]
    steps = route["steps"]
    assert (out["code"], out["summary"]["routes"], out["summary"]["unassigned"]) == (0, 1, 1)
    assert [step["type"] for step in steps].count("job") == 3
    assert [step["type"] for step in steps if step.get("id") == 5] == ["pickup", "delivery"]
    assert (steps[0]["type"], steps[-1]["type"]) == ("start", "end")
    assert [(gone["id"], gone["reasons"], gone["proven"]) for gone in out["unassigned"]] == [(14, ["capacity"], True)]
    used = route["duration"] + route["setup"] + route["service"] + route["waiting_time"]
    assert steps[-1]["arrival"] == steps[0]["arrival"] + used
    # Setup is spared at both doors: what a shipment fetches and brings there needs none and goes first.
    work = 70 + 60 + 60 + 20 + 30
    assert (route["setup"], route["service"], route["priority"]) == (0, work + 300, 10 + 2 + 2)
    assert (route["duration"], route["distance"]) == (400, 800)
    assert route["cost"] == 50 + 400 + 8 + work / 100
    assert (route["delivery"], route["pickup"]) == ([4], [3])
    assert (steps[0]["load"], steps[-1]["load"]) == ([3], [2])
    for before, after in pairwise(steps):
        left = before["arrival"] + before["waiting_time"] + before["setup"] + before["service"]
        assert after["arrival"] == left + after["duration"] - before["duration"]
    first = next(step for step in steps if step.get("id") == 11)
    assert (first["location"], first["description"]) == ([24.9, 60.2], "Café 12 at the corner")


def test_a_shipment_that_fits_nowhere_is_left_out_with_both_its_ends() -> None:
    given = document()
    given["shipments"][0]["amount"] = [9]
    gone = [(each["type"], each["id"], each["reasons"]) for each in answered(given)["unassigned"]]
    assert gone == [("job", 14, ["capacity"]), ("pickup", 5, ["capacity"]), ("delivery", 5, ["capacity"])]


def test_a_job_a_pickup_and_a_delivery_may_have_one_id() -> None:
    given = document()
    for half in ("pickup", "delivery"):
        given["shipments"][0][half]["id"] = 11
    steps = answered(given)["routes"][0]["steps"]
    assert sorted(step["type"] for step in steps if step.get("id") == 11) == ["delivery", "job", "pickup"]


def test_a_small_problem_with_a_matrix_alone_is_answered() -> None:
    given = {
        "vehicles": [{"id": 0, "start_index": 0, "end_index": 3}],
        "jobs": [{"id": 7, "location_index": 1}, {"id": 8, "location_index": 2}],
        "matrices": {"car": {"durations": [[0, 20, 2, 13], [21, 0, 22, 31], [2, 22, 0, 11], [13, 31, 11, 0]]}},
    }
    out = answered(given)
    assert [step["arrival"] for step in out["routes"][0]["steps"]] == [0, 20, 42, 53]
    assert (out["summary"]["cost"], out["summary"]["duration"]) == (53, 53)
    assert "distance" not in out["summary"]
    assert "delivery" not in out["summary"]
    # The old form of the format, as VROOM's own example carries it.
    old = {"vehicles": given["vehicles"], "jobs": given["jobs"], "matrix": given["matrices"]["car"]["durations"]}
    assert answered(old)["summary"]["cost"] == 53


def test_the_higher_priority_outweighs_any_number_of_lower_ones() -> None:
    given = {
        "vehicles": [{"id": 1, "start_index": 0, "capacity": [3]}],
        "jobs": [
            {"id": 1, "location_index": 1, "delivery": [3], "priority": 10},
            *({"id": n, "location_index": 1, "delivery": [1], "priority": 9} for n in (2, 3, 4)),
        ],
        "matrices": {"car": {"durations": tables()}},
    }
    assert {gone["id"] for gone in answered(given)["unassigned"]} == {2, 3, 4}


def test_a_vehicle_may_begin_where_its_first_job_is() -> None:
    given = document()
    del given["vehicles"][0]["start_index"]
    assert answered(given)["routes"][0]["steps"][0]["type"] != "start"


def put(path: str, value: Any) -> Any:
    def change(given: Document) -> None:
        *way, last = (int(part) if part.isdigit() else part for part in path.split("."))
        thing: Any = given
        for part in way:
            thing = thing[part]
        thing[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put("shipments", {}), "shipments must be an array"),
        (put("shipments.0.colour", 1), r"shipments\[0\]: colour is not a field"),
        (put("shipments.0.pickup", None), r"shipments\[0\]: pickup must be an object"),
        (put("shipments.0.pickup.skills", [1]), "pickup 5: skills is refused"),
        (put("shipments.0.pickup.id", None), "pickup: id is null"),
        (put("shipments.0.amount", [1, 2]), "same number everywhere"),
        (put("shipments.0.priority", 101), "from 0 to 100"),
        (put("matrix", []), "matrix and matrices are both given"),
        (put("jobs.0.amount", [1]), "job 11: amount is refused"),
        (put("jobs.0.colour", 1), "job 11: colour is not a field"),
        (put("colour", 1), "colour is not a field"),
        (put("vehicles.0.colour", 1), "vehicle 1: colour"),
        (put("vehicles.0.costs.per_task_hour", -1), "per_task_hour is -1"),
        (put("vehicles.0.costs.colour", 1), "costs: colour"),
        (put("vehicles.0.breaks.0.max_load", [1, 2]), "same number everywhere"),
        (put("vehicles.0.breaks.0.colour", 1), "breaks: colour"),
        (put("jobs.0.setup_per_type", {"": 1}), "which no vehicle can have"),
        (put("vehicles.0.steps.1.type", "lunch"), 'type "lunch" is refused'),
        (put("vehicles.0.steps.2.type", "start"), "start is step 3 of 3"),
        (put("vehicles.0.steps.1", {"type": "break", "id": 9}), "break 9 is not among its breaks"),
        (put("options.c", 1), "options: c"),
        (put("vehicles.0.steps.1.service_at", 1), "service_at is refused"),
        (put("vehicles.0.steps.1.service_after", 1), "service_after is refused"),
        (put("vehicles.0.steps.1.service_before", 1), "service_before is refused"),
        (put("vehicles.0.steps.1.type", "pickup"), "pickup 12 is not among the shipments"),
        (put("vehicles.0.steps.1.id", 99), "job 99 is not among the jobs"),
        (put("matrices.car.costs", []), "costs is refused"),
        (put("matrices.car.durations", [[1, 2]]), "not square"),
        (put("matrices.car.durations.0.1", -1), "from 0 to 1 is -1"),
        (put("matrices.car.durations.0.1", None), "from 0 to 1 is null"),
        (put("matrices.car", {"distances": tables()}), "has no durations"),
        (put("matrices.car", {"durations": tables()}), "counts km"),
        (put("vehicles.0.profile", "bike"), 'none for profile "bike"'),
        (put("options.g", True), "g .geometry. is refused"),
        (put("options.x", 5), "options: x"),
        (put("options.l", -1), "options: l"),
        (put("jobs.0.priority", 101), "from 0 to 100"),
        (put("jobs.0.time_windows", [[9, 1]]), "before it starts"),
        (put("jobs.0.time_windows", []), "time_windows is empty"),
        (put("jobs.0.time_windows", [[1]]), "a window is .start, end."),
        (put("jobs.0.service", 1.5), "service is 1.5"),
        (put("jobs.0.service", True), "service is true"),
        (put("jobs.0.delivery", [1, 2]), "same number everywhere"),
        (put("jobs.0.location_index", 9), "location_index is 9"),
        (put("jobs.0.location", [1]), "a place is .lon, lat."),
        (put("jobs.0.location", [24.9, 160.2]), "no place on earth"),
        (put("jobs.0.id", "11"), 'id is "11"'),
        (put("jobs.1.id", 11), "two have the id 11"),
        (put("jobs", {}), "jobs must be an array"),
        (put("vehicles", []), "vehicles is empty"),
        (put("vehicles.0.speed_factor", 0), "speed_factor is 0"),
        (put("vehicles.0.speed_factor", 1e-18), "number from 0.01 to 5"),
        (put("jobs.0.description", 5), "description is 5"),
    ],
)
def test_what_is_not_honoured_is_refused_by_its_name(change: Any, words: str) -> None:
    given = deepcopy(document())
    change(given)
    with pytest.raises(FileRefused, match=words):
        read_vroom(given)


def test_times_differ_by_the_type_of_the_vehicle() -> None:
    given = document()
    given["vehicles"][0]["type"] = "bike"
    (route,) = answered(given)["routes"]
    first = next(step for step in route["steps"] if step.get("id") == 11)
    assert first["service"] == 60


def test_two_pickups_with_one_id_are_refused() -> None:
    given = document()
    given["shipments"] *= 2
    with pytest.raises(FileRefused, match="two have a pickup with the id 5"):
        read_vroom(given)


def coordinates() -> Document:
    return {
        "vehicles": [{"id": 1, "start": [24.94, 60.17], "end": [24.94, 60.17]}],
        "jobs": [{"id": 5, "location": [24.95, 60.16]}, {"id": 6, "location": [24.94, 60.17]}],
    }


def test_coordinates_without_a_matrix_need_a_region() -> None:
    with pytest.raises(FileRefused, match="--region NAME"):
        read_vroom(coordinates())


def test_coordinates_are_read_as_lon_lat_and_asked_once_each() -> None:
    class Straight:
        def table(self, places: list[Location], *, profile: str) -> TravelTable:
            assert list(places) == [Location(lat=60.16, lon=24.95), Location(lat=60.17, lon=24.94)]
            assert profile == "car"
            apart = np.array([[0, 70], [80, 0]], dtype=np.int64)
            return TravelTable(
                durations_s=apart, distances_m=apart, snapped_m=np.zeros(2, np.int64), engine="osrm", build="b1"
            )

        def path(self, places: list[Location], *, profile: str) -> list[Location]:
            return list(places)

    given = read_vroom(coordinates(), travel=Straight())
    assert given.problem.travel_build == "b1"
    out = write_vroom(solve(given.problem, seed=0, time_limit_s=1, iterations=1000), given)
    assert out["summary"]["duration"] == 150


def test_the_command_answers_and_its_exit_codes_tell_what_happened(tmp_path: Path) -> None:
    problem, out = tmp_path / "problem.json", tmp_path / "answer.json"
    problem.write_text(json.dumps(document()), encoding="utf-8")
    runner = CliRunner()
    done = runner.invoke(solve_command, [str(problem), "-o", str(out), "--iterations", "20", "--threads", "2"])
    assert done.exit_code == 0, done.output
    assert json.loads(out.read_text(encoding="utf-8"))["summary"]["unassigned"] == 1
    problem.write_text(json.dumps({"vehicles": [], "jobs": []}), encoding="utf-8")
    refused = runner.invoke(solve_command, [str(problem)])
    assert refused.exit_code == 2
    assert json.loads(refused.stdout) == {"code": 2, "error": "vehicles is empty: give at least one."}
    problem.write_text("{", encoding="utf-8")
    assert runner.invoke(solve_command, [str(problem)]).exit_code == 2


@pytest.mark.parametrize(("at", "metres"), [(500, 2700), (1000, 7200), (1200, 9000)])
def test_a_break_on_the_way_says_how_far_the_vehicle_has_come(at: int, metres: int) -> None:
    """The way of 1000 s and 9 km begins at 200, to be at the door at 1500 after five minutes of rest."""
    given = {
        "jobs": [{"id": 1, "location_index": 1, "time_windows": [[1500, 1600]]}],
        "vehicles": [
            {"id": 1, "start_index": 0, "end_index": 0,
             "breaks": [{"id": 1, "service": 300, "time_windows": [[at, at]]}]}
        ],
        "matrices": {"car": {"durations": [[0, 1000], [1000, 0]], "distances": [[0, 9000], [9000, 0]]}},
    }  # fmt: skip
    problem = read_vroom(given)
    (route,) = write_vroom(solve(problem.problem, seed=0, time_limit_s=5, iterations=50), problem)["routes"]
    assert [step["distance"] for step in route["steps"]] == [0, metres, 9000, 18_000]
