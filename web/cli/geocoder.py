"""`backroute geocoder`: the provider that is asked for addresses which the region's own map does not hold."""

from __future__ import annotations

import os
import re
from typing import Any

import click

from data.store import open_store
from routing.engines.addresses.providers import Provider, ProviderFailed
from routing.errors import InvalidInput, RegionError
from routing.rules.hosts import wrong_host
from routing.rules.provider_terms import TERMS
from web.cli.output import clean, json_option, print_json
from web.cli.values import BY
from web.clock import wall_clock
from web.geocoder import KEY, SETTING, provider_settings
from web.wiring import open_installation

_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*/?")
# What each provider's way of asking puts behind the host by itself.
_ADDED = frozenset({"search", "reverse", "api", "v1", "geocode", "autocomplete", "maps"})


@click.command("geocoder")
@click.option("--provider", type=click.Choice([*TERMS, "none"]), help="Who is asked; none switches it off again.")
@click.option("--contact", metavar="ADDRESS", help="Your e-mail: public servers ask who you are.")
@click.option("--domain", metavar="HOST", help="A server of your own, as geo.example.com or 127.0.0.1:4000.")
@click.option("--scheme", type=click.Choice(["https", "http"]), help="https if left out.")
@click.option("--test", metavar="ADDRESS", help="Ask the provider for this address, now; nothing of it is kept.")
@json_option
def geocoder_command(as_json: bool, provider: str | None, test: str | None, **given: str | None) -> None:
    """Name the provider that is asked after the region's own map, or show it. None is asked until one is named.

    Its answers are offered to a person and never go on by themselves. Its key is read from BACKROUTE_GEOCODER_KEY.

    Exit code 1 when the test found nothing, 3 when the provider gave no answer.
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
    found = None if test is None else _asked(after, test)
    if as_json:
        print_json(shown if found is None else shown | {"found": found})
    elif not after:
        click.echo("No provider is named: only the region's own map is asked.")
    else:
        for name, value in shown.items():
            click.echo(f"{name:15} {value}")
    if found is not None:
        for each in found if not as_json else ():
            click.echo(f"{each['lat']:.6f}, {each['lon']:.6f}  {clean(each['label'])}")
        if not found:
            click.echo(f'It answers, and knows nothing by the name "{clean(test or "")[:80]}".', err=True)
            click.get_current_context().exit(1)


def _asked(setting: dict[str, str], text: str) -> list[dict[str, Any]]:
    """What the provider says of one address. Raises InvalidInput when none is named, RegionError when it is silent."""
    settings = provider_settings(setting)
    if settings is None:
        raise InvalidInput(f"There is nobody to ask: name the provider with --provider {', '.join(TERMS)}.")
    try:
        candidates = Provider(settings).ask(text[:300])
    except ProviderFailed as failed:
        raise RegionError(f"{failed} Its address is {settings.domain or 'the public one'}.", code="provider") from None
    return [{"lat": each.location.lat, "lon": each.location.lon, "label": each.label} for each in candidates]


def _refuse_wrong(setting: dict[str, str]) -> None:
    if not setting:
        return
    if "provider" not in setting:
        raise InvalidInput(f"Name the provider too: --provider {', '.join(TERMS)}.")
    terms = TERMS[setting["provider"]]
    if setting.get("domain"):
        _refuse_wrong_domain(setting["domain"])
    if terms.needs_domain and not setting.get("domain"):
        raise InvalidInput(f"{terms.title} runs on a server of yours: name it with --domain.")
    contact = setting.get("contact", "")
    if contact and not re.fullmatch(r"[^@\s,;<>()]+@[^@\s,;<>()]+", contact):
        raise InvalidInput(f'--contact: "{contact[:80]}" is no e-mail address. Write it as name@example.com.')
    if terms.needs_contact and not setting.get("domain") and not contact:
        raise InvalidInput(f"The public {terms.title} asks who its users are: say it with --contact name@example.com.")


def _refuse_wrong_domain(domain: str) -> None:
    """Raises InvalidInput for what can be no server: a host, a port, and at most the folder it serves from."""
    scheme, found, rest = domain.partition("://")
    if found:
        host = rest.split("/")[0].split("?")[0]
        mend = (
            f"Write --domain {host} --scheme {scheme.lower()}"
            if scheme.lower() in ("http", "https") and not wrong_host(host)
            else "Write it as geo.example.com, with --scheme https or http"
        )
        raise InvalidInput(f'--domain: "{domain[:80]}" is no host, it is a whole address. {mend}.', code="domain")
    host, slash, path = domain.partition("/")
    if why := wrong_host(host):
        raise InvalidInput(
            f'--domain: "{domain[:80]}" is no host: {why}. Write it as geo.example.com or 127.0.0.1:4000.',
            code="domain",
        )
    last = path.rstrip("/").rpartition("/")[2]
    if slash and (not _PATH.fullmatch("/" + path) or ".." in path or last in _ADDED):
        raise InvalidInput(
            f'--domain: "{domain[:80]}" has a path that cannot be right; what is asked is put behind it by itself. '
            f"Write --domain {host}.",
            code="domain",
        )


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
