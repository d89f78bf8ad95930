"""Serves the demo and prints the ways in: the dispatcher's set-up link, and the drivers' links once vans have left."""

from __future__ import annotations

from rich.console import Console
from sqlalchemy import select

from data.store import open_store
from data.tables import driver, link, manifest, shift, vehicle
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
        rows = store.connection.execute(
            select(driver.c.name, vehicle.c.name.label("vehicle"), link.c.id)
            .join(manifest, manifest.c.driver_id == driver.c.id)
            .join(shift, shift.c.id == manifest.c.shift_id)
            .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
            .join(link, (link.c.subject_id == manifest.c.id) & (link.c.subject_kind == "manifest"))
            .where(link.c.kind == "driver", link.c.revoked_at.is_(None), link.c.expires_at > installation.clock.now())
            .order_by(driver.c.name, vehicle.c.name)
            .distinct()
        ).all()
        return [
            (f"{row.name}, {row.vehicle}", f"/d/{store.link_token(link_id=row.id, secret=installation.secret)}")
            for row in rows
        ]
