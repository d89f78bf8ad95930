"""backroute serve, worker, warm."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from routing.errors import InvalidInput
from routing.model.places import Location
from web.cli.output import json_option, print_json
from web.wiring import Installation, open_installation, served_at

if TYPE_CHECKING:
    from routing.model.plans import Problem


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 lets other machines in.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--no-worker", is_flag=True, help="Jobs are run by `backroute worker` elsewhere.")
def serve_command(host: str, port: int, no_worker: bool) -> None:
    """Serve the pages, with a worker and the outbox inside. Ctrl-C stops."""
    from web.people import first_set_up_path
    from web.serving import serve

    served_at(port)
    from web.jobs import broker_fault

    with open_installation() as installation:

        def ready(address: str) -> None:
            click.echo(f"Backroute is at {address}")
            if fault := broker_fault(installation.broker_url):
                click.echo(fault, err=True)
            path = first_set_up_path(installation)
            if path is not None:
                click.echo(f"Nobody can sign in yet. Make the first account: {address}{path}")
            if not installation.is_https:
                click.echo(
                    f"{installation.public_url} has no HTTPS: drivers' phones then have no camera, no place and no "
                    "outbox for when there is no signal."
                )

        serve(installation, host=host, port=port, work=not no_worker, on_ready=ready)


@click.command("worker")
@click.option("--threads", default=2, show_default=True, type=click.IntRange(1, 64), help="Jobs at a time.")
def worker_command(threads: int) -> None:
    """Run jobs on this machine for a server elsewhere. Ctrl-C stops and gives running jobs back."""
    from web.jobs import broker_fault
    from web.serving import work_until_stopped

    with open_installation() as installation:
        if installation.broker_url.startswith("memory:"):
            raise InvalidInput(
                "A worker needs a broker that the server uses too: BACKROUTE_BROKER_URL=amqp://user:password@host/ "
                "(without one, the worker inside `backroute serve` does the work)."
            )

        def ready() -> None:
            click.echo("Waiting for jobs.")
            if fault := broker_fault(installation.broker_url):
                click.echo(fault, err=True)

        work_until_stopped(installation, threads=threads, on_ready=ready)


@click.command("warm")
@json_option
def warm_command(as_json: bool) -> None:
    """Load the engines once, so that the first plan does not wait: the solver, and the roads of every region."""
    with open_installation() as installation:
        seconds = warm(installation)
    if as_json:
        print_json({"seconds": seconds})
        return
    for name, taken in seconds.items():
        click.echo(f"{name}: {taken:.1f} s")


def warm(installation: Installation) -> dict[str, float]:
    """Solves one small problem and asks every region for one table; how long each took, in seconds."""
    seconds = {}
    started = time.monotonic()
    installation.solver(_one_stop(), seed=0, time_limit_s=1.0, iterations=1)
    seconds["solver"] = round(time.monotonic() - started, 2)
    for facts in installation.regions.list():
        started = time.monotonic()
        bounds = facts.bounds
        middle = Location(lat=(bounds.south + bounds.north) / 2, lon=(bounds.west + bounds.east) / 2)
        for profile in facts.profiles:
            installation.travel(facts.name).table([middle], profile=profile)
        seconds[f"roads of {facts.name}"] = round(time.monotonic() - started, 2)
    return seconds


def _one_stop() -> Problem:
    import numpy as np

    from routing.model.plans import Place, Problem, ShiftOffer, Travel, Visit, Window

    minutes = np.array([[0, 300], [300, 0]], dtype=np.int64)
    return Problem(
        epoch=datetime(2026, 3, 3, tzinfo=UTC),
        dimensions=("weight_g",),
        places=(Place(index=0, name="Depot"), Place(index=1, name="Stop")),
        travel={"car": Travel(durations_s=minutes, distances_m=minutes * 8)},
        visits=(Visit(id=1, place=1, service_s=60, windows=(Window(start_s=0, end_s=7200),), load=(1,), collect=(0,)),),
        shifts=(ShiftOffer(id=1, profile="car", start=0, end=0, start_s=0, end_s=7200, capacity=(10,)),),
    )
