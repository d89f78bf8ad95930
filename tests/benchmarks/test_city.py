"""City days beside VROOM, as many seconds of work on one core: how many are served per priority, from the top, and what
the plan costs. `make bench ARGS=tests/benchmarks/test_city.py` measures this alone; the roads are Copenhagen's,
`BACKROUTE_OSM` names the folder of the extract. `BACKROUTE_BENCH_SEEDS=1` instead of three.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from data.exporters.vroom import write_vroom
from data.importers.vroom import read_vroom
from routing.engines.solver.ortools_solver import solve
from routing.engines.solver.walk import warm
from routing.rules.check import violations
from tests.benchmarks import report
from tests.benchmarks.city import EXTRACT, city_day

DAYS = {"300 orders, 12 vehicles": (300, 12), "900 orders, 40 vehicles": (900, 40)}
LIMITS = (10.0, 60.0)
SEEDS = tuple(range(1, 1 + int(os.environ.get("BACKROUTE_BENCH_SEEDS", "3"))))
TITLE = "City days on Copenhagen's roads: served of priority 10 / 5 / 0, then the cost"
COLUMNS = ("day, seconds", "seed", "Backroute", "VROOM")


def vroom(file: Path, seconds: float) -> dict[str, Any]:
    """It reads no other clock than the wall's, and ends when it finds nothing better."""
    command = [Path(sys.executable).parent / "vroom", "-t", "1", "-x", "5", "-l", str(round(seconds)), "-i", file]
    done = subprocess.run(command, capture_output=True, check=False)
    return json.loads(done.stdout)


def ours(document: dict[str, Any], seconds: float, seed: int) -> tuple[dict[str, Any], float]:
    """In a process of its own: the answer, and how much longer than its work it took by the clock on the wall."""
    given = read_vroom(document)
    warm()
    began, worked = time.monotonic(), time.process_time()
    plan = solve(given.problem, seed=seed, time_limit_s=seconds, clock=time.process_time, threads=1)
    busy = (time.monotonic() - began) / max(time.process_time() - worked, 0.1)
    assert violations(plan, given.problem) == []
    return json.loads(json.dumps(write_vroom(plan, given))), max(1.0, busy)


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
    print(f"\nCity days: about {report.hours(len(DAYS) * len(SEEDS) * 2 * sum(LIMITS))} on a quiet core.", flush=True)
    for name, (orders, vehicles) in DAYS.items():
        document = city_day(orders, vehicles, seed=1, folder=tmp_path)
        file = tmp_path / "day.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        for seconds in LIMITS:
            for seed in SEEDS:
                with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                    found, busy = pool.submit(ours, document, seconds, seed).result()
                cells = [
                    f"{' / '.join(map(str, served(out, document)))}, {out['summary']['cost']:,.0f}"
                    for out in (found, vroom(file, seconds * busy))
                ]
                report.row(TITLE, COLUMNS, (f"{name}, {seconds:.0f} s", str(seed), *cells))
                print(name, seconds, seed, cells, flush=True)
