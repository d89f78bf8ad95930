"""City days beside VROOM, in the same seconds on one core: how many are served per priority, from the top, and what the
plan costs. `make bench` prints the table; the roads are Copenhagen's, `BACKROUTE_OSM` names the folder of the extract.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from data.exporters.vroom import write_vroom
from data.importers.vroom import read_vroom
from routing.engines.solver.process import solve_in_process
from routing.rules.check import violations
from tests.benchmarks.city import EXTRACT, city_day

DAYS = {"300 orders, 12 vehicles": (300, 12, 10.0), "900 orders, 40 vehicles": (900, 40, 10.0)}


def vroom(file: Path, seconds: float) -> dict[str, Any]:
    command = [Path(sys.executable).parent / "vroom", "-t", "1", "-x", "5", "-l", str(round(seconds)), "-i", file]
    done = subprocess.run(command, capture_output=True, check=False)
    return json.loads(done.stdout)


def ours(document: dict[str, Any], seconds: float) -> dict[str, Any]:
    given = read_vroom(document)
    plan = solve_in_process(given.problem, seed=1, time_limit_s=seconds)
    assert violations(plan, given.problem) == []
    return json.loads(json.dumps(write_vroom(plan, given)))


def served(out: dict[str, Any], document: dict[str, Any]) -> list[int]:
    """Per priority, the highest first."""
    priority = {job["id"]: job["priority"] for job in document["jobs"]}
    done = [priority[step["id"]] for route in out["routes"] for step in route["steps"] if step["type"] == "job"]
    return [done.count(level) for level in sorted(set(priority.values()), reverse=True)]


@pytest.mark.bench
@pytest.mark.skipif(
    not EXTRACT.exists(), reason="the extract of Copenhagen is not there: BACKROUTE_OSM names its folder"
)
def test_city_days_beside_vroom(tmp_path: Path) -> None:
    table = Table(title="City days on Copenhagen's roads, one core: served per priority 10, 5, 0, then cost")
    for column in ("day", "seconds", "Backroute", "cost", "VROOM", "cost"):
        table.add_column(column)
    for name, (orders, vehicles, seconds) in DAYS.items():
        document = city_day(orders, vehicles, seed=1, folder=tmp_path)
        file = tmp_path / "day.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        answers = [ours(document, seconds), vroom(file, seconds)]
        row = [f"{cell}" for out in answers for cell in (served(out, document), out["summary"]["cost"])]
        table.add_row(name, f"{seconds:.0f}", *row)
    Console(width=140).print(table)
