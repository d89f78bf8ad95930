"""`backroute geocoder`: the provider that is asked for addresses which the region's own map does not hold."""

from __future__ import annotations

import os
import re
from typing import Any

import click

from data.store import open_store
from routing.errors import InvalidInput
from routing.rules.provider_terms import TERMS
from web.cli.output import json_option, print_json
from web.clock import wall_clock
from web.geocoder import KEY, SETTING
from web.wiring import open_installation

BY = "command line"
_DOMAIN = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._/-]*)?")


@click.command("geocoder")
@click.option("--provider", type=click.Choice([*TERMS, "none"]), help="Who is asked; none switches it off again.")
@click.option("--contact", metavar="ADDRESS", help="Your e-mail: public servers ask who you are.")
@click.option("--domain", metavar="HOST", help="A server of your own, as geo.example.com or 127.0.0.1:4000.")
@click.option("--scheme", type=click.Choice(["https", "http"]), help="https if left out.")
@json_option
def geocoder_command(as_json: bool, provider: str | None, **given: str | None) -> None:
    """Name the provider that is asked after the region's own map, or show it. None is asked until one is named.

    Its answers are offered to a person and never go on by themselves. Its key is read from BACKROUTE_GEOCODER_KEY.
    """
    changed = {name: value.strip() for name, value in given.items() if value is not None}
    with open_installation() as here, open_store(here.database) as store:
        before = store.setting(SETTING) or {}
        after = {**(before if provider in (None, before.get("provider")) else {}), **changed}
        if provider == "none":
            after = {}
        elif provider is not None:
            after["provider"] = provider
        if after != before:
            _refuse_wrong(after)
            store.set_setting(name=SETTING, value=after, by=BY, now=wall_clock())
    shown = _shown(after)
    if as_json:
        print_json(shown)
    elif not after:
        click.echo("No provider is named: only the region's own map is asked.")
    else:
        for name, value in shown.items():
            click.echo(f"{name:15} {value}")


def _refuse_wrong(setting: dict[str, str]) -> None:
    if not setting:
        return
    if "provider" not in setting:
        raise InvalidInput(f"Name the provider too: --provider {', '.join(TERMS)}.")
    terms = TERMS[setting["provider"]]
    if setting.get("domain") and not _DOMAIN.fullmatch(setting["domain"]):
        raise InvalidInput(f'--domain: "{setting["domain"][:80]}" is no host. Write it as geo.example.com.')
    if terms.needs_domain and not setting.get("domain"):
        raise InvalidInput(f"{terms.title} runs on a server of yours: name it with --domain.")
    contact = setting.get("contact", "")
    if contact and not re.fullmatch(r"[^@\s,;<>()]+@[^@\s,;<>()]+", contact):
        raise InvalidInput(f'--contact: "{contact[:80]}" is no e-mail address. Write it as name@example.com.')
    if terms.needs_contact and not setting.get("domain") and not contact:
        raise InvalidInput(f"The public {terms.title} asks who its users are: say it with --contact name@example.com.")


def _shown(setting: dict[str, str]) -> dict[str, Any]:
    if not setting:
        return {"provider": "none"}
    terms = TERMS[setting["provider"]]
    days = terms.keep.days
    return {
        **setting,
        "answers_kept": f"{days} days" if days else "not at all",
        "seconds_between": terms.every.total_seconds(),
        "key": ("is set" if os.environ.get(KEY) else f"is missing: set {KEY}") if terms.needs_key else "not needed",
    }
