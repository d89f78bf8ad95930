"""Plan mode: an order that is given is kept, its times break as little as can be, and what it breaks is said."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from data.exporters.vroom import write_vroom
from data.importers.vroom import read_vroom
from routing.engines.solver.given_times import plan_as_given
from routing.errors import BackrouteError, FileRefused, InvalidProblem
from web.cli.solve import solve_command

Document = dict[str, Any]


def kept(given: Document) -> Document:
    problem = read_vroom(given, as_given=True)
    plan, breaches = plan_as_given(problem.problem, problem.given_steps or {})
    return json.loads(json.dumps(write_vroom(plan, problem, breaches=breaches)))


def document(*steps: Document, **vehicle: Any) -> Document:
    """Places 0, 1 and 2 lie 100 s apart in a row; the van may carry 4 and has no skills."""
    return {
        "vehicles": [
            {
                "id": 1, "start_index": 0, "end_index": 0, "capacity": [4], "time_window": [0, 2000],
                "breaks": [{"id": 1, "service": 50, "time_windows": [[0, 2000]], "max_load": [1]}],
                "steps": [{"type": "start"}, *steps, {"type": "end"}], **vehicle,
            }
        ],
        "jobs": [
            {"id": 1, "location_index": 1, "service": 10, "delivery": [1], "time_windows": [[300, 400]]},
            {"id": 2, "location_index": 2, "service": 10, "delivery": [1], "skills": [7]},
            {"id": 3, "location_index": 1, "service": 10, "delivery": [9]},
        ],
        "shipments": [
            {"amount": [2], "pickup": {"id": 1, "location_index": 1}, "delivery": {"id": 1, "location_index": 2}}
        ],
        "matrices": {"car": {"durations": [[abs(i - j) * 100 for j in range(3)] for i in range(3)]}},
    }  # fmt: skip


def job(key: int, **more: int) -> Document:
    return {"type": "job", "id": key, **more}


REST = {"type": "break", "id": 1}
FETCH, BRING = {"type": "pickup", "id": 1}, {"type": "delivery", "id": 1}


def causes(out: Document) -> list[tuple[str, int, str, int]]:
    return [
        (step["type"], step.get("id", 0), each["cause"], each.get("duration", 0))
        for route in out["routes"]
        for step in route["steps"]
        for each in step["violations"]
    ]


def test_an_order_that_breaks_nothing_is_timed_as_late_as_its_window_needs() -> None:
    out = kept(document(job(1), REST))
    assert causes(out) == []
    steps = {step["type"]: step["arrival"] for step in out["routes"][0]["steps"]}
    assert steps == {"start": 200, "job": 300, "break": 310, "end": 460}
    assert {(gone["type"], gone["id"]) for gone in out["unassigned"]} == {
        ("job", 2), ("job", 3), ("pickup", 1), ("delivery", 1),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "broken"),
    [
        (document(job(1, service_at=350), REST, time_window=[0, 450]), [("end", 0, "delay", 60)]),
        (document(job(1, service_at=450), REST), [("job", 1, "delay", 50)]),
        (document(job(1, service_before=290), REST), [("job", 1, "lead_time", 10)]),
        (document(job(2), REST), [("job", 2, "skills", 0)]),
        (document(BRING, REST, FETCH), [("delivery", 1, "precedence", 0), ("pickup", 1, "precedence", 0)]),
        (document(FETCH, REST, BRING), [("break", 1, "max_load", 0)]),
        (document(REST, job(3)), [("start", 0, "load", 0), ("break", 1, "max_load", 0), ("break", 1, "load", 0)]),
        (document(job(1), REST, FETCH, BRING, max_tasks=2), [("delivery", 1, "max_tasks", 0)]),
        (document(job(1), REST, max_travel_time=150), [("end", 0, "max_travel_time", 0)]),
    ],
)
def test_what_an_order_breaks_is_said_at_its_step(given: Document, broken: list[tuple[str, int, str, int]]) -> None:
    assert causes(kept(given)) == broken


def test_a_break_that_no_step_names_is_missing_from_the_route() -> None:
    out = kept(document(job(1)))
    assert out["routes"][0]["violations"] == out["summary"]["violations"] == [{"cause": "missing_break"}]


def test_forced_times_that_cannot_follow_each_other_are_refused() -> None:
    with pytest.raises(InvalidProblem, match="steps of vehicle 1 force times that cannot follow each other"):
        kept(document(job(1, service_at=450), job(2, service_at=460)))


def test_times_of_steps_are_refused_where_the_order_is_not_kept() -> None:
    with pytest.raises(FileRefused, match="service_at is refused: times of single steps are kept in plan mode only"):
        read_vroom(document(job(1, service_at=450)))


def test_the_command_keeps_the_steps_when_asked_by_flag_or_file(tmp_path: Path) -> None:
    file = tmp_path / "problem.json"
    file.write_text(json.dumps(document(job(1), REST)), encoding="utf-8")
    by_flag = CliRunner().invoke(solve_command, [str(file), "--plan"])
    file.write_text(json.dumps({**document(job(1), REST), "options": {"c": True}}), encoding="utf-8")
    by_file = CliRunner().invoke(solve_command, [str(file)])
    assert by_flag.exit_code == by_file.exit_code == 0, by_flag.output
    one, other = (json.loads(done.stdout) for done in (by_flag, by_file))
    assert one["routes"] == other["routes"]
    assert len(one["routes"][0]["steps"]) == 4


# ---- beside VROOM itself


def drawn(seed: int) -> Document:
    chance = random.Random(seed)

    def windows() -> Document:
        if chance.random() < 0.4:
            return {}
        moments = sorted(chance.sample(range(300), chance.choice([2, 2, 4])))
        return {"time_windows": [moments[n : n + 2] for n in range(0, len(moments), 2)]}

    size = chance.randint(3, 6)
    jobs = [
        {
            "id": n, "location_index": chance.randrange(size), "service": chance.randint(0, 20),
            "setup": chance.choice([0, 0, 5]), "delivery": [chance.randint(0, 3)], "pickup": [chance.choice([0, 0, 2])],
            "skills": chance.choice([[], [], [1]]), **windows(),
        }
        for n in range(1, chance.randint(2, 5))
    ]  # fmt: skip
    shipments = [
        {
            "amount": [chance.randint(0, 3)],
            "pickup": {"id": n, "location_index": chance.randrange(size), "service": 3},
            "delivery": {"id": n, "location_index": chance.randrange(size), **windows()},
        }
        for n in range(1, 1 + chance.randint(0, 2))
    ]
    steps = [job(each["id"]) for each in jobs] + [
        {"type": half, "id": each[half]["id"]} for each in shipments for half in ("pickup", "delivery")
    ]
    chance.shuffle(steps)
    rests = [
        {"id": 7, "service": chance.randint(0, 30), **windows(), **({"max_load": [2]} if chance.random() < 0.3 else {})}
    ] if chance.random() < 0.6 else []  # fmt: skip
    if rests and chance.random() < 0.8:
        steps.insert(chance.randint(0, len(steps)), {"type": "break", "id": 7})
    for step in steps:
        if chance.random() < 0.1:
            step["service_after"] = chance.randint(0, 100)
    vehicle: Document = {
        "id": 1, "start_index": 0, "end_index": 0, "capacity": [chance.randint(2, 6)], "breaks": rests,
        "steps": [{"type": "start"}, *steps, {"type": "end"}],
        # VROOM counts from the earliest moment of a file: with this one it is 0.
        "time_window": [0, chance.randint(150, 400)],
        **({"max_tasks": 2} if chance.random() < 0.3 else {}),
        **({"max_travel_time": 100} if chance.random() < 0.3 else {}),
        **({"skills": [1]} if chance.random() < 0.3 else {}),
    }  # fmt: skip
    apart = [[0 if i == j else chance.randint(5, 60) for j in range(size)] for i in range(size)]
    return {
        "jobs": jobs, "shipments": shipments, "vehicles": [vehicle], "matrices": {"car": {"durations": apart}},
    }  # fmt: skip


def beside_vroom(given: Document, folder: Path) -> None:
    file = folder / "given.json"
    file.write_text(json.dumps(given), encoding="utf-8")
    vroom = Path(sys.executable).parent / "vroom"
    theirs = json.loads(subprocess.run([vroom, "-c", "-i", file], capture_output=True, check=False).stdout)
    try:
        ours = kept(given)
    except BackrouteError:
        assert theirs["code"] == 2
        return
    assert theirs["code"] == 0

    def late(out: Document) -> int:
        return sum(each.get("duration", 0) for each in out["summary"]["violations"])

    def of_order(out: Document) -> list[tuple[str, int, str, int]]:
        # How much of the way is driven before a break is anybody's choice.
        told = (each for each in causes(out) if (each[0], each[2]) != ("break", "max_travel_time"))
        return sorted(each for each in told if each[2] not in ("lead_time", "delay"))

    assert of_order(ours) == of_order(theirs)
    assert late(ours) == late(theirs)
    if not late(ours):
        ends = [[step["arrival"] for step in out["routes"][0]["steps"]] for out in (ours, theirs)]
        assert ends[0][-1] - ends[0][0] <= ends[1][-1] - ends[1][0]


@pytest.mark.parametrize("seed", range(12))
def test_plan_mode_breaks_what_vroom_says_is_broken_by_as_many_seconds(seed: int, tmp_path: Path) -> None:
    beside_vroom(drawn(seed), tmp_path)


@pytest.mark.slow
def test_plan_mode_agrees_with_vroom_on_many_orders(tmp_path: Path) -> None:
    for seed in range(12, 150):
        beside_vroom(drawn(seed), tmp_path)
