"""`backroute basemap`: whose tiles the maps are drawn from."""

from __future__ import annotations

import click

from data.store import open_store
from routing.errors import InvalidInput
from routing.rules.tile_server import EXAMPLE
from web.cli.output import clean, json_option, print_json
from web.cli.values import BY
from web.clock import wall_clock
from web.tiles import set_tile_server, tile_server_of
from web.wiring import open_installation


@click.command("basemap")
@click.option("--tiles", metavar="URL", help=f"A tile server's address, as {EXAMPLE}.")
@click.option("--attribution", metavar="TEXT", help="Whose map it is: shown on every map.")
@click.option("--own", is_flag=True, help="Back to the region's own tiles, which ask nobody.")
@json_option
def basemap_command(as_json: bool, tiles: str | None, attribution: str | None, own: bool) -> None:
    """Name the tile server that maps are drawn from, or show it. Without one the region's own tiles are drawn.

    Whoever looks at a map then asks that server, which sees where they look: dispatchers, drivers and customers.
    """
    if own and (tiles is not None or attribution is not None):
        raise InvalidInput("--own asks nobody: leave out --tiles and --attribution.")
    if tiles == "":
        raise InvalidInput("--tiles is empty. For the region's own tiles: backroute basemap --own")
    with open_installation() as here, open_store(here.database) as store:
        before = tile_server_of(store)
        if own or tiles is not None or attribution is not None:
            if not own and tiles is None and before is None:
                raise InvalidInput(f"No tile server is named: say it too, --tiles {EXAMPLE}")
            before = set_tile_server(
                store,
                url="" if own else tiles or (before.url if before else ""),
                credit=attribution if attribution is not None else (before.credit if before else ""),
                https_only=here.public_url.startswith("https://"),
                by=BY,
                now=wall_clock(),
            )
    if as_json:
        print_json({"tiles": before.url if before else "own", "attribution": before.credit if before else ""})
    elif before is None:
        click.echo("Maps are drawn from the region's own tiles.")
    else:
        click.echo(f"{'tiles':11} {before.url}")
        click.echo(f"{'attribution':11} {clean(before.credit)}")
