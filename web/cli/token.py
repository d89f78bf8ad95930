"""`backroute token`: who may use the API."""

from __future__ import annotations

import secrets
from datetime import timedelta

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from data.store import SqlStore, open_store
from routing.errors import InvalidInput
from web.api import SCOPES
from web.cli.output import json_option, print_json
from web.cli.values import BY
from web.clock import wall_clock
from web.wiring import open_installation

LONGEST_NAME = 60


@click.group("token")
def token_group() -> None:
    """Make, list and revoke the tokens with which programs use the API."""


@token_group.command("add")
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(list(SCOPES)), help="What it may do."
)
@click.option("--days", type=click.IntRange(1, 3650), help="How long it opens; left out: until it is revoked.")
@json_option
def add_command(name: str, scopes: tuple[str, ...], days: int | None, as_json: bool) -> None:
    """Make a token. It is shown this once: only its fingerprint is kept.

    orders: send orders, and read what became of them. read: read orders and promises.
    """
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise InvalidInput(f"Name the token by at most {LONGEST_NAME} visible characters: events will carry it.")
    now = wall_clock()
    made = f"brt_{secrets.token_urlsafe(32)}"
    expires_at = now + timedelta(days=days) if days else None
    with open_installation() as here, open_store(here.database) as store:
        store.add_token(name=name, token=made, scopes=frozenset(scopes), by=BY, now=now, expires_at=expires_at)
        store.append_event(
            kind="token_added", actor=BY, captured_at=now, received_at=now,
            data={"token": name, "scopes": sorted(scopes)},
        )  # fmt: skip
        address = here.address("/api/v1")
    if as_json:
        print_json(
            {"name": name, "token": made, "scopes": sorted(scopes), "expires_at": expires_at, "address": address}
        )
        return
    click.echo(made)
    click.echo(f"Keep it now: it is not shown again. {address}/openapi.json says what it opens.", err=True)


@token_group.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """List the tokens, without what opens anything."""
    now = wall_clock()
    with open_installation() as here, here.database.reading() as connection:
        tokens = SqlStore(connection).tokens()
    if as_json:
        print_json(
            [
                {
                    "name": each.name,
                    "scopes": sorted(each.scopes),
                    "opens": each.opens(now),
                    "made_at": each.made_at,
                    "expires_at": each.expires_at,
                    "revoked_at": each.revoked_at,
                    "last_order_at": each.last_used_at,
                }
                for each in tokens
            ]
        )
        return
    if not tokens:
        click.echo("There is no token yet: backroute token add NAME --scope orders")
        return
    table = Table("Name", "Scopes", "State", "Last order", box=SIMPLE_HEAD, pad_edge=False)
    for each in tokens:
        state = "revoked" if each.revoked_at else "open" if each.opens(now) else "expired"
        used = f"{each.last_used_at:%Y-%m-%d %H:%M} UTC" if each.last_used_at else "-"
        table.add_row(escape(each.name), " ".join(sorted(each.scopes)), state, used)
    Console().print(table)


@token_group.command("revoke")
@click.argument("name")
@json_option
def revoke_command(name: str, as_json: bool) -> None:
    """End a token: from now on it opens nothing."""
    now = wall_clock()
    with open_installation() as here, open_store(here.database) as store:
        store.revoke_token(name, now=now)
        store.append_event(kind="token_revoked", actor=BY, captured_at=now, received_at=now, data={"token": name})
    if as_json:
        print_json({"revoked": name})
    else:
        click.echo(f"{name} opens nothing any more.")
