"""Serves the demo and prints the ways in: the dispatcher's set-up link, and the drivers' links once vans have left."""

from __future__ import annotations

from rich.console import Console

from data.queries.board import links_in_use
from data.store import open_store
from web.people import first_set_up_path
from web.serving import serve
from web.wiring import Installation


def visit(installation: Installation, *, console: Console, host: str, port: int) -> None:
    """Serves until it is interrupted."""

    def ready(address: str) -> None:
        console.print()
        console.print(f"Backroute is at {address}", style="bold")
        path = first_set_up_path(installation)
        if path is not None:
            console.print(
                f"Administrator (may do all a dispatcher does): choose a password once at {address}{path}",
                soft_wrap=True,
            )
        for name, path in _driver_links(installation):
            console.print(f"{name}: {address}{path}", soft_wrap=True)
        console.print(f"Its commands, in another terminal: export BACKROUTE_HOME={installation.home}", soft_wrap=True)
        console.print("Ctrl-C ends the demo.")

    serve(installation, host=host, port=port, on_ready=ready)


def _driver_links(installation: Installation) -> list[tuple[str, str]]:
    """("Driver 6, Bike 1", the path of that route's link) of every route that is out."""
    with open_store(installation.database) as store:
        return [
            (f"{name}, {vehicle}", f"/d/{store.link_token(link_id=link_id, secret=installation.secret)}")
            for name, vehicle, link_id in links_in_use(store.connection, now=installation.clock.now())
        ]
