"""backroute speeds: a region's times by time of day, written by a person or learnt from what was driven."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from data.exporters.speeds import write_speeds as write_file
from data.importers.speeds import read_speeds
from data.store import open_store
from routing.errors import InvalidInput
from routing.model.day import SpeedRow
from routing.services.speeds import Proposal, propose_speeds, take_learnt, write_speeds
from web.cli.output import json_option, plain, print_json
from web.cli.values import BY
from web.dispatcher.words import holds_for
from web.due import read_all_tracks
from web.wiring import open_installation


@click.command("speeds")
@click.option("--region", "region", metavar="NAME", help="The region; without it the one that was built first.")
@click.option(
    "--learn",
    is_flag=True,
    help="What the ways driven in the last 90 days say of each slice, by their phones and reports.",
)
@click.option("--apply", "take", is_flag=True, help="With --learn: take it into the table.")
@click.option(
    "--file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV or XLSX with the columns weekdays, from, to, percent, profile: the new table.",
)
@click.option("--clear", is_flag=True, help="Empty the table: ways take the same time all day.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the table to a CSV.")
@json_option
@click.pass_context
def speeds_command(
    ctx: click.Context,
    region: str | None,
    learn: bool,
    take: bool,
    file: Path | None,
    clear: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Show, write or learn how long ways take by time of day: per slice, in per cent of the free travel time.

    Exit code 1: of a slice too little was driven to learn from.
    """
    if sum((learn, file is not None, clear)) > 1:
        raise InvalidInput("--learn, --file and --clear each make a table: take one of them.")
    if take and not learn:
        raise InvalidInput("--apply takes over what --learn found: say both.")
    proposal = None
    with open_installation() as here:
        name = region or here.regions.default().name
        here.regions.facts(name)
        now = here.clock.now()
        if learn:
            read_all_tracks(here, now)
        with open_store(here.database) as store:
            if learn:
                proposal = propose_speeds(store, region=name, now=now)
            if take:
                take_learnt(store, region=name, by=BY, now=now)
            elif file is not None:
                with file.open("rb") as read:
                    write_speeds(store, region=name, rows=read_speeds(read), by=BY, now=now)
            elif clear:
                write_speeds(store, region=name, rows=(), by=BY, now=now)
            rows = store.speeds_of_region(name)
    if output is not None:
        with output.open("wb") as out:
            write_file(out, rows)
    if as_json:
        print_json({"region": name, "slices": [_document(row) for row in rows], "learnt": _learnt(proposal)})
    else:
        _show(name, rows, proposal)
    if proposal is not None and any(each.percent is None for each in proposal.slices):
        ctx.exit(1)


def _document(row: SpeedRow) -> dict[str, object]:
    return {
        "weekdays": list(row.weekdays),
        "from": row.begins,
        "to": row.ends,
        "percent": row.percent,
        "profile": row.profile or None,
        "learnt": row.learnt,
    }


def _learnt(proposal: Proposal | None) -> dict[str, object] | None:
    if proposal is None:
        return None
    slices = [
        {
            **_document(each.row),
            "percent": each.percent,
            "legs": each.legs,
            "days": each.days,
            "vehicles": each.vehicles,
            "lowest": each.lowest,
            "highest": each.highest,
            "by_days": each.by_days,
            "why_not": each.why_not,
        }
        for each in proposal.slices
    ]
    return {"since": proposal.since, "legs": proposal.legs, "tracked": proposal.tracked, "slices": slices}


def _show(name: str, rows: tuple[SpeedRow, ...], proposal: Proposal | None) -> None:
    if rows:
        table = Table("days", "from", "to", "takes", "vehicles", "", title=f"Region {name}", title_justify="left")
        for row in rows:
            table.add_row(*_cells(row), f"{row.percent} %", plain(holds_for(row, rows)), "learnt" if row.learnt else "")
        Console().print(table)
    else:
        click.echo(f"Region {name} has no times by time of day: ways take the same time all day.")
    if proposal is None:
        return
    table = Table(
        "days", "from", "to", "learnt", "legs", "days", "vehicles", title=_driven(proposal), title_justify="left"
    )
    for each in proposal.slices:
        said = each.why_not if each.percent is None else f"{each.percent} % ({each.lowest} to {each.highest})"
        table.add_row(*_cells(each.row), said, f"{each.legs:,}", str(each.days), str(each.vehicles))
    Console().print(table)
    if any(each.percent is not None for each in proposal.slices):
        click.echo("In brackets the lowest and highest vote. Each vehicle has one in a slice, the median of its ways.")
    if any(each.by_days and each.percent is not None for each in proposal.slices):
        click.echo("Where there are but one or two vehicles, each of their days has one.")


def _driven(proposal: Proposal) -> str:
    by_phones = f", {proposal.tracked:,} of them as phones told them" if proposal.tracked else ""
    return f"{proposal.legs:,} ways driven since {proposal.since}{by_phones}"


def _cells(row: SpeedRow) -> tuple[str, str, str]:
    return ",".join(row.weekdays) or "any", row.begins, row.ends
