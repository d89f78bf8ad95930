"""backroute region add, show, list, remove."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from data.queries.regions import depots_by_region
from data.regions import check_name
from data.store import open_store
from routing.engines.roads.needs import needs_of_file
from routing.errors import Conflict, InvalidInput
from web.cli.output import json_option, plain, print_json
from web.cli.values import BY
from web.clock import wall_clock
from web.jobs import error_of, run_job_now
from web.region_figures import SAID_OF_A_BUILD, figures_of
from web.wiring import Installation, open_installation


@click.group("region")
def region_group() -> None:
    """Build and list regions: roads, addresses, basemap."""


@region_group.command("add")
@click.argument("name")
@click.option(
    "--place",
    metavar="NAME",
    help='A town by its name, fetched from OpenStreetMap\'s servers: "Ribe, Denmark".',
)
@click.option(
    "--pbf",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An extract of OpenStreetMap, .osm.pbf.",
)
@json_option
def add_command(name: str, place: str | None, pbf: Path | None, as_json: bool) -> None:
    """Build region NAME from a place or an extract, or build it again; the one in use stays until the new one is ready.

    BACKROUTE_OVERPASS_URL and BACKROUTE_NOMINATIM_URL name other servers than the public ones.
    """
    if (place is None) == (pbf is None):
        raise InvalidInput('Say where the region is: --place "TOWN, COUNTRY" or --pbf FILE, one of the two.')
    check_name(name)
    needs = None if pbf is None else needs_of_file(pbf, pbf.name)
    data = {"name": name, "place": place} if pbf is None else {"name": name, "pbf": str(pbf.resolve())}
    with open_installation() as installation:
        with open_store(installation.database) as store:
            job_id = store.add_job(
                kind="region",
                data=data,
                by=BY,
                now=wall_clock(),
                max_attempts=1,
            )
        console = Console(stderr=True)
        if needs is not None:
            console.print(
                f"The build needs about {needs.memory_mib:,} MiB of memory and {needs.disk_mib:,} MiB of disk.",
                highlight=False,
            )
        bar = Progress(
            TextColumn("{task.description:<12}"), BarColumn(), TimeElapsedColumn(), console=console, transient=True
        )
        with bar:
            task = bar.add_task("waiting", total=1.0)
            steps: list[str] = []
            is_told = needs is not None

            def show(values: Mapping[str, Any]) -> None:
                nonlocal is_told
                if not is_told and "memory_mib" in values:
                    is_told = True
                    console.print(
                        f"The build needs about {values['memory_mib']:,} MiB of memory and {values['disk_mib']:,} MiB "
                        f"of disk, estimated by the place's area of {values['area_km2']:,.1f} km².",
                        highlight=False,
                        soft_wrap=True,
                    )
                step, share = str(values["step"]), float(values["share"])
                bar.update(task, description=step, completed=share)
                # A log has no bar: a line for each step.
                if not console.is_terminal and step not in steps[-1:]:
                    steps.append(step)
                    console.print(f"{share:4.0%} {step}", highlight=False, soft_wrap=True)

            job = run_job_now(installation, job_id, on_progress=show)
        if job.state != "done":
            raise error_of(job)
        if as_json:
            print_json(job.result)
            return
        facts = job.result
        click.echo(
            f"Region {name} is ready: {facts['addresses']:,} addresses, {facts['drivable_km']:,.0f} km of road, "
            f"{facts['share_unroutable']:.1%} of {facts['sampled']} sampled places cannot reach each other."
        )
        figures = figures_of(installation.regions.facts(name))
        shown = [(what, said) for what, said in figures if what in SAID_OF_A_BUILD]
        click.echo("\n".join(plain(f"{what}: {said}") for what, said in shown))


@region_group.command("show")
@click.argument("name")
@json_option
def show_command(name: str, as_json: bool) -> None:
    """What the build of region NAME found: roads, restrictions, addresses, what cannot be reached, how exact it is.

    And which depots belong to it.
    """
    with open_installation() as installation:
        facts = installation.regions.facts(name)
        depots = _depots(installation).get(name, [])
    if as_json:
        print_json(asdict(facts) | {"depots": depots})
        return
    table = Table("figure", "value", title=f"Region {facts.name}", title_justify="left", show_header=False)
    for figure, value in figures_of(facts, depots):
        table.add_row(plain(figure), plain(value))
    Console().print(table)


@region_group.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do it without asking.")
def remove_command(name: str, yes: bool) -> None:
    """Delete region NAME from this disk, with what interrupted builds left of it. One whose
    depots no other region covers stays."""
    with open_installation() as installation:
        with installation.database.reading() as connection:
            there = depots_by_region(connection).get(name, [])
        if not yes:
            click.confirm(f"Delete region {name[:63]} and all that was built of it?", abort=True)
        with open_store(installation.database) as store:
            # Its depots go to another region that covers them; where there is none, all stays.
            nowhere = set(store.assign_regions(without=name)) & {each.name for each in there}
            nowhere |= {each.name for each in there if each.at is None}
            if nowhere:
                raise Conflict(
                    f"Region {name} has depots: {', '.join(sorted(nowhere))}. "
                    "Build another region that covers them first: backroute region add NAME --pbf FILE.",
                    region=name,
                )
            store.forget_region(name)
            installation.regions.remove(name)
    click.echo(f"Region {name} is deleted.")


@region_group.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """The regions that are built, and the depots that belong to each."""
    with open_installation() as installation:
        regions, broken = installation.regions.list(), installation.regions.broken()
        depots = _depots(installation)
    for problem in broken.values():
        click.echo(plain(problem), err=True)
    if as_json:
        print_json([asdict(facts) | {"depots": depots.get(facts.name, [])} for facts in regions])
        return
    if not regions and not broken:
        click.echo("There is no region yet. Build one: backroute region add NAME --pbf FILE")
        return
    # What a terminal of 80 columns has no room for is broken into lines, never cut.
    table = Table(box=None, pad_edge=False)
    table.add_column("region", overflow="fold")
    for name in ("addresses", "km of road", "no way"):
        table.add_column(name, justify="right")
    table.columns[0].min_width = min(max((len(facts.name) for facts in regions), default=0), 30)
    table.add_column("build", no_wrap=True)
    table.add_column("depots", overflow="fold")
    for facts in regions:
        table.add_row(
            facts.name,
            f"{facts.addresses:,}",
            f"{facts.drivable_km:,.0f}",
            f"{facts.share_unroutable:.1%}",
            facts.build,
            plain(", ".join(depots.get(facts.name, [])) or "none"),
        )
    Console().print(table)


def _depots(installation: Installation) -> dict[str, list[str]]:
    """The names of the depots that belong to each region, by its name."""
    with installation.database.reading() as connection:
        return {name: [each.name for each in there] for name, there in depots_by_region(connection).items()}
