"""`backroute solve`: VROOM's JSON in, VROOM's JSON out.

Exit codes: 0 solved (what was left out stands in `unassigned`), 2 the input was refused, 3 the solver or the travel
times failed. The answer is always one JSON document; on a refusal it is `{"code": 2, "error": "..."}`, with 3 for
travel and 1 for the solver.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TextIO

import click

from data.exporters.vroom import Answer, write_vroom, write_vroom_error
from data.importers.vroom import VroomProblem, read_vroom
from data.importers.vroom_values import read_json
from routing.errors import FileRefused, InvalidInput, NotFound, RegionError, SolverError, TravelError
from routing.model.given import Breach
from routing.model.plans import Plan
from web.cli.values import SECONDS, SEED

_SECONDS = 5.0


@click.command("solve")
@click.argument("problem", type=click.File("r", encoding="utf-8-sig"), metavar="PROBLEM.json")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the answer to this file.")
@click.option("--time-limit", type=SECONDS, help=f"Seconds to search (default {_SECONDS:.0f}).")
@click.option(
    "--iterations", type=click.IntRange(min=1), help="Rounds to search; the same rounds and seed, the same plan."
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Where chance begins.")
@click.option(
    "--threads",
    type=click.IntRange(min=1, max=64),
    help="Searches side by side that learn of each other (default: one a core; with --iterations one).",
)
@click.option(
    "--plan",
    "as_given",
    is_flag=True,
    help="Search nothing: keep the steps of each vehicle, choose their times and say what they break.",
)
@click.option(
    "--region", "region", metavar="NAME", help="Take travel times from this region when coordinates are given."
)
def solve_command(
    problem: TextIO,
    output: Path | None,
    time_limit: float | None,
    iterations: int | None,
    seed: int,
    threads: int | None,
    as_given: bool,
    region: str | None,
) -> None:
    """Solve a routing problem given as VROOM JSON.

    The time limit counts from the start of the command. The same rounds, seed and threads give the same plan.
    """
    begun = _begun()
    if output is not None and not output.parent.is_dir():
        raise FileRefused(f"There is no folder {output.parent} for the answer. Make it, or name another with -o.")
    try:
        if not as_given:
            _make_ready()
        given = _read(problem, region, as_given)
        loading_ms = round(1000 * (time.monotonic() - begun))
        if given.given_steps is not None:
            plan, breaches = _kept(given)
            answer, code = write_vroom(plan, given, loading_ms=loading_ms, breaches=breaches), 0
        else:
            plan = _best(given, time_limit or given.time_limit_s or _SECONDS, iterations, seed, threads, begun)
            answer, code = write_vroom(plan, given, loading_ms=loading_ms), 0
    except (InvalidInput, NotFound) as error:
        answer, code = write_vroom_error(2, error.message), 2
    except (TravelError, RegionError) as error:
        answer, code = write_vroom_error(3, error.message), 3
    except SolverError as error:
        answer, code = write_vroom_error(1, error.message), 3
    _write(answer, output)
    click.get_current_context().exit(code)


def _read(problem: TextIO, region: str | None, as_given: bool) -> VroomProblem:
    document = read_json(problem)
    if not region:
        return read_vroom(document, as_given=as_given)
    from web.wiring import open_installation

    with open_installation() as installation:
        return read_vroom(document, travel=installation.travel(region), as_given=as_given)


def _kept(given: VroomProblem) -> tuple[Plan, dict[int, tuple[Breach, ...]]]:
    """Plan mode: the steps as they are given, and what each vehicle's break."""
    from routing.engines.solver.given_times import plan_as_given

    return plan_as_given(given.problem, given.given_steps or {})


def _begun() -> float:
    """When the command began, of `time.monotonic`: to whoever typed it, loading Python counts too. Where the machine
    does not tell, or somebody else's process runs us, it is now."""
    now = time.monotonic()
    if Path(sys.argv[0]).name != "backroute":
        return now
    try:
        fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        started_s = int(fields[19]) / os.sysconf("SC_CLK_TCK")  # since the machine was started
        return now - max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started_s)
    except (OSError, AttributeError, ValueError, IndexError):
        return now


def _make_ready() -> None:
    """The search is loaded while we read: both take a second."""
    from routing.engines.solver.process import ready_ahead

    ready_ahead()


def _best(
    given: VroomProblem, time_limit_s: float, iterations: int | None, seed: int, threads: int | None, begun: float
) -> Plan:
    from routing.engines.solver.parts import solve_in_parts

    return solve_in_parts(
        given.problem,
        seed=seed,
        time_limit_s=time_limit_s,
        iterations=iterations,
        start=given.start,
        threads=threads,
        asked_at=begun,
    )


def _write(answer: Answer, output: Path | None) -> None:
    text = json.dumps(answer, ensure_ascii=False)
    if output is None:
        click.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")
