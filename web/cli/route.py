"""backroute route: how long one way takes in a region."""

from __future__ import annotations

import re

import click

from routing.errors import InvalidInput
from routing.model.fleet import PROFILE_NAMES, SAID
from routing.model.places import Located, Location
from routing.rules.to_the_door import seconds_to_the_door
from web.cli.output import candidate_document, candidate_line, clean, json_option, print_json
from web.region_ways import leaving_at
from web.wiring import Installation, open_installation

PLACES = ("FROM", "TO")
SHOWN = 60
"""Characters of what was typed that a refusal repeats."""
POINTS = "coordinates"
"""The source of a place that was written as a point."""


class TakesPlaces(click.Command):
    """A command whose arguments may be places: -33.8568,151.2153 is one, and no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.ignore_unknown_options = any(re.match(r"-[\d.]", each) for each in args)
        return super().parse_args(ctx, args)


def _located(installation: Installation, region: str, text: str, *, what: str) -> Located:
    """Where that place of the question is, as `backroute address` reads it. Raises InvalidInput for numbers that are no
    place on earth."""
    if _point(text) is None and _are_numbers(text):
        raise InvalidInput(
            f'{what}: "{text[:SHOWN]}" is no place. Write latitude and longitude, like 55.6761,12.5683, or an address.',
            code="place",
        )
    return installation.finder(region).locate(text)


def _say_doubt(text: str, located: Located, *, what: str, region: str, as_json: bool) -> None:
    """Why nothing is measured, and what the text may mean: a way to the wrong door would look like an answer."""
    why = located.why or "It was not found on the map."
    said = clean(f'{what}: "{text[:SHOWN]}" has no sure place in region {region}. {why}')
    if as_json:
        fields = {"place": what, "text": text, "region": region, "quality": located.quality.value}
        error = {"code": "doubtful_place", "message": said, "fields": fields}
        print_json({"error": error, "candidates": [candidate_document(each) for each in located.candidates]})
    click.echo(said, err=True)
    for candidate in located.candidates:
        click.echo(candidate_line(candidate), err=True)


def _point(text: str) -> Location | None:
    try:
        lat, lon = (float(number) for number in text.split(","))
        return Location(lat=lat, lon=lon)
    except (ValueError, InvalidInput):
        return None


def _are_numbers(text: str) -> bool:
    """Whether somebody meant `lat,lon` and slipped: what cannot be on earth is not looked up as a street."""
    try:
        return bool([float(part) for part in text.split(",")])
    except ValueError:
        return False


_KINDS = f"What is driven: {', '.join(PROFILE_NAMES[:-1])} or {PROFILE_NAMES[-1]}."


@click.command("route", cls=TakesPlaces)
@click.argument("start", metavar="FROM")
@click.argument("end", metavar="TO")
@click.option("--region", "region", metavar="NAME", help="The region; without it the one that was built first.")
@click.option("--profile", default="van", show_default=True, type=click.Choice(SAID), metavar="KIND", help=_KINDS)
@click.option("--at", "at", metavar="HH:MM", help="Leaving at this time: as the region's times by time of day say.")
@click.option("--day", "day", metavar="DAY", help="With --at: the day, as 2026-05-12; without it today.")
@json_option
@click.pass_context
def route_command(
    ctx: click.Context,
    start: str,
    end: str,
    region: str | None,
    profile: str,
    at: str | None,
    day: str | None,
    as_json: bool,
) -> None:
    """How long it takes FROM one place TO another: each an address or lat,lon that the region surely knows.

    Without --at on free roads. A place far from its road takes longer, by the way between the two; `door_seconds` is
    both ends' of it. Exit code 1: no road joins them for that vehicle, or an address is not sure: then what it may
    mean is said, as `backroute address` says it.
    """
    if day is not None and at is None:
        raise InvalidInput("--day says on which day it leaves --at a time: say that too, like --at 08:00.")
    with open_installation() as installation:
        name = region or installation.regions.default().name
        leaving = None if at is None else leaving_at(installation, name, at, day)
        found = []
        for what, text in zip(PLACES, (start, end), strict=True):
            located = _located(installation, name, text, what=what)
            if not located.quality.goes_on:
                _say_doubt(text, located, what=what, region=name, as_json=as_json)
                ctx.exit(1)
            found.append(located.candidates[0])
        at_places = [each.location for each in found]
        table = installation.travel(name).table(at_places, profile=profile)
    snapped = table.snapped_m.tolist()
    for place, snapped_m in zip(PLACES, snapped, strict=True):
        if snapped_m < 0:
            raise InvalidInput(
                f"No road for {profile} lies near {place} in region {name}. Move it to the road.", code="no_road"
            )
    joined = bool(table.durations_s[0, 1] >= 0)
    free_s = int(table.durations_s[0, 1]) if joined else None
    apart = at_places[0] != at_places[1]
    door_s = sum(seconds_to_the_door(table.snapped_m, profile=profile).tolist()) if apart else 0
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
                "snapped_m": snapped,
                "from": candidate_document(found[0]),
                "to": candidate_document(found[1]),
            }
        )
        _end(ctx, joined)
        return
    if any(each.source != POINTS for each in found):
        click.echo(clean(f"{found[0].label} → {found[1].label}"))
    if seconds is None or metres is None:
        click.echo(f"No road for {profile} joins these two places in region {name}.")
    else:
        click.echo(f"{seconds / 60:.1f} min, {metres / 1000:.1f} km by {profile} ({table.engine})")
        if door_s:
            click.echo(f"With up to {door_s / 60:.1f} min between road and door.")
        if leaving is not None and free_s is not None and seconds != free_s:
            click.echo(f"Leaving at {at}; on free roads it takes {free_s / 60:.1f} min.")
        elif leaving is not None and not leaving.rows:
            click.echo(f"Region {name} has no times by time of day: at {at} it takes as long as on free roads.")
    for place, snapped_m in zip(PLACES, snapped, strict=True):
        if snapped_m > 0:
            click.echo(f"{place} lies {snapped_m} m from its road; the kilometres count from the road.")
    _end(ctx, joined)


def _end(ctx: click.Context, joined: bool) -> None:
    if not joined:
        ctx.exit(1)
