"""Beside VROOM on generated problems of everything both carry: our plan passes the checker, serves no less, compared
priority by priority from the top, and where that is equal costs about as much or less."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from data.exporters.vroom import write_vroom
from data.importers.vroom import read_vroom
from routing.engines.solver.ortools_solver import solve
from routing.rules.check import violations

Document = dict[str, Any]
HOUR = 3600


def drawn(seed: int, *, most: int = 24) -> Document:
    """A short day with more work than fits: jobs, shipments, two kinds of vehicles, windows, skills, breaks, costs."""
    chance = random.Random(seed)
    size = chance.randint(6, 14)
    spots = [(chance.random(), chance.random()) for _ in range(size)]
    crow = [[((a - c) ** 2 + (b - d) ** 2) ** 0.5 for c, d in spots] for a, b in spots]
    # One way streets: there and back differ, and a detour may be quicker.
    seconds = [[round(each * 2400 * chance.uniform(0.9, 1.3)) if each else 0 for each in row] for row in crow]
    metres = [[round(each * 12_000) for each in row] for row in crow]

    def windows() -> Document:
        if chance.random() < 0.5:
            return {}
        begin = chance.randint(0, 5) * HOUR
        first = [begin, begin + chance.choice([HOUR // 2, HOUR, 2 * HOUR])]
        return {"time_windows": [first, [8 * HOUR, 9 * HOUR]] if chance.random() < 0.2 else [first]}

    def task(key: int) -> Document:
        return {
            "id": key, "location_index": chance.randrange(1, size), "service": chance.randint(1, 20) * 60,
            "setup": chance.choice([0, 0, 120]), **windows(),
        }  # fmt: skip

    def about() -> Document:
        skills = {"skills": [1]} if chance.random() < 0.15 else {}
        return {"priority": chance.choice([0, 0, 0, 5, 10]), **skills}

    count = chance.randint(8, most)
    jobs = [
        {**task(n), **about(), chance.choice(["delivery", "delivery", "pickup"]): [chance.randint(1, 5)]}
        for n in range(1, count + 1)
    ]
    if chance.random() < 0.3:
        for each in jobs:
            each["service_per_type"] = {"bike": each["service"] // 2}
    shipments = [
        {"pickup": task(n), "delivery": task(n), "amount": [chance.randint(1, 4)], **about()}
        for n in range(1, 1 + chance.choice([0, 0, 1, 3, 5]))
    ]
    vehicles = []
    for key in range(1, 1 + chance.randint(2, 4)):
        bike = chance.random() < 0.4
        vehicle: Document = {
            "id": key, "start_index": 0, "end_index": 0, "capacity": [6 if bike else 15],
            "time_window": [0, chance.choice([4, 6, 8]) * HOUR], "type": "bike" if bike else "van",
            "costs": {"fixed": chance.choice([0, 600]), "per_hour": 3600, "per_km": chance.choice([0, 100])},
        }  # fmt: skip
        if not bike:
            vehicle["skills"] = [1]
        if chance.random() < 0.5:
            vehicle["breaks"] = [{"id": 1, "service": 1800, "time_windows": [[2 * HOUR, 3 * HOUR]]}]
            if chance.random() < 0.3:
                vehicle["breaks"][0]["max_load"] = [8]
        for name, limit in (("max_tasks", 9), ("max_travel_time", 2 * HOUR), ("max_distance", 60_000)):
            if chance.random() < 0.2:
                vehicle[name] = limit
        if chance.random() < 0.2:
            del vehicle["end_index"]
        vehicles.append(vehicle)
    return {
        "jobs": jobs, "shipments": shipments, "vehicles": vehicles,
        "matrices": {"car": {"durations": seconds, "distances": metres}},
    }  # fmt: skip


def theirs(given: Document, folder: Path) -> Document:
    file = folder / "problem.json"
    file.write_text(json.dumps(given), encoding="utf-8")
    vroom = Path(sys.executable).parent / "vroom"
    done = subprocess.run([vroom, "-t", "1", "-x", "5", "-i", file], capture_output=True, check=False)
    return json.loads(done.stdout)


def served(out: Document, given: Document) -> list[int]:
    """Tasks served per priority, from the highest of the problem down."""
    of: dict[tuple[str, int], int] = {("job", job["id"]): job["priority"] for job in given["jobs"]}
    for whole in given["shipments"]:
        of |= {(half, whole[half]["id"]): whole["priority"] for half in ("pickup", "delivery")}
    count = Counter(
        of[step["type"], step["id"]]
        for route in out["routes"]
        for step in route["steps"]
        if (step["type"], step.get("id")) in of
    )
    return [count[priority] for priority in sorted(set(of.values()), reverse=True)]


def beside_vroom(given: Document, folder: Path, *, rounds: int) -> float:
    """Asserts that we serve no less. Our cost as a share of theirs where as many are served, else 1."""
    problem = read_vroom(given)
    plan = solve(problem.problem, seed=0, time_limit_s=60, iterations=rounds)
    assert violations(plan, problem.problem) == []
    ours, other = json.loads(json.dumps(write_vroom(plan, problem))), theirs(given, folder)
    assert other["code"] == 0, other
    assert served(ours, given) >= served(other, given)
    same = served(ours, given) == served(other, given)
    return float(ours["summary"]["cost"] / other["summary"]["cost"]) if same else 1.0


def test_an_hour_at_the_door_costs_what_vroom_says_and_a_break_is_no_task(tmp_path: Path) -> None:
    """600 s of service, 300 of setup and 900 of service at 7200 an hour are 3600, 1800 s of travel 1800. VROOM itself
    counts the half hour of a break as well, of which its document says nothing: a task is a job, pickup or delivery."""
    costs = {"per_hour": HOUR, "per_task_hour": 2 * HOUR}
    given: Document = {
        "vehicles": [{"id": 1, "start_index": 0, "end_index": 0, "time_window": [0, 36_000], "costs": costs}],
        "jobs": [
            {"id": 1, "location_index": 1, "service": 600, "setup": 300, "priority": 0},
            {"id": 2, "location_index": 2, "service": 900, "priority": 0},
        ],
        "shipments": [],
        "matrices": {"car": {"durations": [[0, 600, 900], [600, 0, 300], [900, 300, 0]]}},
    }
    assert beside_vroom(given, tmp_path, rounds=100) == 1.0
    assert theirs(given, tmp_path)["summary"]["cost"] == 5400
    given["vehicles"][0]["breaks"] = [{"id": 1, "service": 1800, "time_windows": [[3600, 7200]]}]
    assert theirs(given, tmp_path)["summary"]["cost"] == 5400 + 3600
    assert beside_vroom(given, tmp_path, rounds=100) == 5400 / 9000


@pytest.mark.parametrize("seed", [0, 1, 3, 4, 5, 6])
def test_we_serve_no_less_than_vroom_and_cost_no_more(seed: int, tmp_path: Path) -> None:
    assert beside_vroom(drawn(seed), tmp_path, rounds=3000) <= 1.02


@pytest.mark.parametrize("seed", [2, 7, 22, 36, 42])
def test_days_of_deep_valleys_are_begun_afresh_until_we_cost_no_more_than_vroom(seed: int, tmp_path: Path) -> None:
    """From one beginning the search stays 3 to 6 % dearer there, however long it goes on."""
    assert beside_vroom(drawn(seed), tmp_path, rounds=10_000) <= 1.02


@pytest.mark.slow
def test_on_many_problems_we_serve_no_less_than_vroom_and_cost_no_more(tmp_path: Path) -> None:
    assert max(beside_vroom(drawn(seed), tmp_path, rounds=10_000) for seed in range(60)) <= 1.02
