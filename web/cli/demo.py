"""`backroute demo`: a wholesaler's Tuesday, on this machine, with nothing else installed."""

from __future__ import annotations

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from routing.errors import SolverError
from web.cli.values import SECONDS

WHOLE_STORY = "08:45"
VANS_HAVE_LEFT = "06:00"


@click.command("demo")
@click.option("--no-serve", is_flag=True, help="Tell the whole day on the command line, print the figures and end.")
@click.option(
    "--dispatched", is_flag=True, help="Serve it just after the vans have left, at 06:00, with the drivers' links."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 lets phones in the same network in.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--time-limit", type=SECONDS, default=10.0, show_default=True, help="Seconds to search the plan.")
def demo_command(no_serve: bool, dispatched: bool, host: str, port: int, time_limit: float) -> None:
    """Play a wholesaler's Tuesday at 05:40: stock, orders, addresses, routes, drivers.

    It has a home of its own (~/.backroute/demo) which is emptied each time; only the built region stays.
    """
    from web.demo.home import fresh_demo
    from web.demo.prepare import Prepared, overnight, prepare
    from web.wiring import served_at

    console = Console(highlight=False)
    served_at(port)
    with fresh_demo() as installation:
        with Progress(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console, transient=True
        ) as bar:
            task = bar.add_task("Starting", total=1.0)

            def say(what: str, share: float) -> None:
                bar.update(task, description=what, completed=share)

            prepared: Prepared = prepare(installation, say=say)
            if not (no_serve or dispatched):  # the story looks the addresses up before your eyes
                overnight(installation, say=say)
        _introduce(console, prepared)
        if no_serve or dispatched:
            from web.demo.story import tell

            try:
                tell(
                    installation,
                    console=console,
                    time_limit_s=time_limit,
                    until=WHOLE_STORY if no_serve else VANS_HAVE_LEFT,
                )
            except SolverError as problem:
                if no_serve:
                    raise
                # What was done before stays: better a morning without its routes than nothing to look at.
                console.print(f"{problem} No van has left. The demo is served as it stands: press Plan under /plan.")
        if not no_serve:
            from web.demo.visit import visit

            visit(installation, console=console, host=host, port=port)


def _introduce(console: Console, prepared: object) -> None:
    from web.demo.prepare import COMPANY, Prepared

    assert isinstance(prepared, Prepared)
    facts = prepared.region
    console.print(f"Tuesday 3 March 2026, 05:40. {COMPANY['name']}, a wholesaler in central Helsinki.", style="bold")
    console.print(
        f"Region {facts.name}: {facts.addresses} addresses, {facts.drivable_km} km of road, {facts.restrictions} turn "
        f"restrictions, {facts.share_unroutable:.1%} of pairs without a road. {facts.attribution}, ODbL."
    )
    for each in prepared.imports:
        lines = f", {each.lines} lines" if each.lines else ""
        console.print(f"Imported {each.kind}: {each.created} new{lines}.")
    console.print(f"Thirty days lie behind: {prepared.past_deliveries} deliveries with their proofs. Monday is closed.")
