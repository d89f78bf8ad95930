"""backroute route: how long one way takes in a region."""

from __future__ import annotations

import re
from typing import Any

import click

from routing.errors import InvalidInput
from routing.model.fleet import PROFILES, SAID
from routing.model.places import Location
from routing.rules.to_the_door import seconds_to_the_door
from web.cli.output import json_option, print_json
from web.region_ways import leaving_at
from web.wiring import open_installation

SHOWN = 60
"""Characters of what was typed that a refusal repeats."""


class TakesPlaces(click.Command):
    """A command whose arguments may be places: -33.8568,151.2153 is one, and no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.ignore_unknown_options = any(re.match(r"-[\d.]", each) for each in args)
        return super().parse_args(ctx, args)


class Place(click.ParamType[Location]):
    """`lat,lon` in degrees."""

    name = "lat,lon"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Location:
        try:
            lat, lon = (float(number) for number in str(value).split(","))
            return Location(lat=lat, lon=lon)
        except (ValueError, InvalidInput):
            self.fail(f'"{str(value)[:SHOWN]}" is no place. Write latitude and longitude: 55.6761,12.5683', param, ctx)


_KINDS = f"What is driven: {', '.join(PROFILES[:-1])} or {PROFILES[-1]}."


@click.command("route", cls=TakesPlaces)
@click.argument("start", type=Place(), metavar="FROM")
@click.argument("end", type=Place(), metavar="TO")
@click.option("--region", "region", metavar="NAME", help="The region; without it the one that was built first.")
@click.option("--profile", default="van", show_default=True, type=click.Choice(SAID), metavar="KIND", help=_KINDS)
@click.option("--at", "at", metavar="HH:MM", help="Leaving at this time: as the region's times by time of day say.")
@click.option("--day", "day", metavar="DAY", help="With --at: the day, as 2026-05-12; without it today.")
@json_option
@click.pass_context
def route_command(
    ctx: click.Context,
    start: Location,
    end: Location,
    region: str | None,
    profile: str,
    at: str | None,
    day: str | None,
    as_json: bool,
) -> None:
    """How long it takes FROM one place TO another, both as lat,lon.

    Without --at on free roads. A place far from its road takes longer, by the way between the two; `door_seconds` is
    both ends' of it. Exit code 1: no road joins them for that vehicle.
    """
    if day is not None and at is None:
        raise InvalidInput("--day says on which day it leaves --at a time: say that too, like --at 08:00.")
    with open_installation() as installation:
        name = region or installation.regions.default().name
        leaving = None if at is None else leaving_at(installation, name, at, day)
        table = installation.travel(name).table([start, end], profile=profile)
        bounds = installation.regions.facts(name).bounds
    for place, at_place, snapped_m in zip(("FROM", "TO"), (start, end), table.snapped_m.tolist(), strict=True):
        if snapped_m < 0:
            if abs(at_place.lon) <= 90 and bounds.holds(Location(lat=at_place.lon, lon=at_place.lat)):
                raise InvalidInput(
                    f"{place} lies far from region {name}; the other way round it lies inside. Write latitude first: "
                    f"{at_place.lon},{at_place.lat}",
                    code="swapped",
                )
            raise InvalidInput(
                f"No road for {profile} lies near {place} in region {name}. Move it to the road.", code="no_road"
            )
    joined = bool(table.durations_s[0, 1] >= 0)
    free_s = int(table.durations_s[0, 1]) if joined else None
    door_s = sum(seconds_to_the_door(table.snapped_m, profile=profile).tolist()) if start != end else 0
    seconds = free_s if leaving is None or free_s is None else leaving.seconds(free_s, profile=profile)
    metres = int(table.distances_m[0, 1]) if joined else None
    if as_json:
        print_json(
            {
                "seconds": seconds,
                "free_seconds": free_s,
                "leaving": None if leaving is None else leaving.at,
                "slices": None if leaving is None else len(leaving.rows),
                "door_seconds": door_s,
                "metres": metres,
                "engine": table.engine,
                "profile": profile,
                "region": name,
                "build": table.build,
                "snapped_m": table.snapped_m.tolist(),
            }
        )
    elif seconds is None or metres is None:
        click.echo(f"No road for {profile} joins these two places in region {name}.")
    else:
        click.echo(f"{seconds / 60:.1f} min, {metres / 1000:.1f} km by {profile} ({table.engine})")
        if door_s:
            far = " and ".join(
                f"{name} {m} m" for name, m in zip(("FROM", "TO"), table.snapped_m.tolist(), strict=True)
            )
            click.echo(f"With up to {door_s / 60:.1f} min between road and door: from its road lies {far}.")
        if leaving is not None and free_s is not None and seconds != free_s:
            click.echo(f"Leaving at {at}; on free roads it takes {free_s / 60:.1f} min.")
        elif leaving is not None and not leaving.rows:
            click.echo(f"Region {name} has no times by time of day: at {at} it takes as long as on free roads.")
    if not joined:
        ctx.exit(1)
