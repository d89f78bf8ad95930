"""`backroute address`: one address looked up, for a person at a terminal or for a program."""

from __future__ import annotations

from typing import Any

import click

from routing.model.places import Located
from web.cli.output import candidate_document, candidate_line, clean, json_option, print_json
from web.cli.route import TakesPlaces
from web.wiring import open_installation


@click.command("address", cls=TakesPlaces)
@click.argument("text")
@click.option("--region", metavar="NAME", help="The region to look in; left out: the installation's default.")
@click.option("--postcode", default="", help="The postcode, where it is not in TEXT.")
@click.option("--city", default="", help="The city, where it is not in TEXT.")
@json_option
def address_command(text: str, region: str | None, postcode: str, city: str, as_json: bool) -> None:
    """Look TEXT up: an address, coordinates, a plus code or a link to a map.

    Shows up to five places, best first, with how sure each is. Only exact and interpolated go on by themselves; for
    anything else a person must decide, and the exit code is 1.
    """
    with open_installation() as here:
        name = region or here.regions.default().name
        located = here.finder(name).locate(text, postcode=postcode, city=city)
    if as_json:
        print_json(_document(text, name, located))
    else:
        for candidate in located.candidates:
            click.echo(candidate_line(candidate))
        if located.why:
            click.echo(clean(located.why))
    if not located.quality.goes_on:
        click.get_current_context().exit(1)


def _document(text: str, region: str, located: Located) -> dict[str, Any]:
    return {
        "text": text,
        "region": region,
        "quality": located.quality.value,
        "goes_on": located.quality.goes_on,
        "why": located.why,
        "candidates": [candidate_document(each) for each in located.candidates],
    }
