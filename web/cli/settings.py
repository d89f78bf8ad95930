"""`backroute company` and `backroute mail`: what an operator sets once."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from data.queries.plan_prices import plan_prices
from data.store import open_store
from routing.errors import InvalidInput, SendError
from routing.model.money import in_units
from routing.model.notices import Channel, Message
from routing.rules.plan_prices import SETTING, read_price
from routing.rules.runs import MODES, settled
from routing.services.switching import switch_allocation
from web.cli.output import json_option, print_json
from web.cli.values import BY
from web.clock import wall_clock
from web.wiring import open_installation

COMPANY = ("name", "currency", "locale", "zone", "country", "phone", "email")
_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")


@click.command("company")
@click.option("--name", help="As customers read it.")
@click.option("--currency", metavar="ISO", help="Three letters: EUR.")
@click.option("--zone", metavar="ZONE", help="IANA time zone: Europe/Helsinki.")
@click.option("--country", metavar="ISO", help="Two letters: FI.")
@click.option("--locale", metavar="CODE", help="Language of the pages: en, fi or sv.")
@click.option("--phone", help="A person's number: it stands in every message.")
@click.option("--email", help="Where customers may write to.")
@click.option(
    "--balance-price", metavar="PRICE", help="One more hour of a van, for each hour of its day: 0.50; 0: none."
)
@click.option("--area-price", metavar="PRICE", help="A km that a stop lies from its route's centre: 0.20; 0: none.")
@click.option(
    "--runs",
    type=click.Choice(MODES),
    help="How standing runs bind: not at all, by the zone's vans, by a site's own van.",
)
@click.option("--off-run-price", metavar="PRICE", help="A stop off its run: 35.00; 0: the usual 20.00 or 500.00.")
@click.option(
    "--change-price", metavar="PRICE", help="A stop of another driver than it was dispatched with: 10.00; 0: none."
)
@click.option("--allocation", type=click.Choice(["own", "erp"]), help="Who gives goods to orders: we, or your ERP.")
@json_option
def company_command(
    as_json: bool,
    allocation: str | None,
    balance_price: str | None,
    area_price: str | None,
    runs: str | None,
    off_run_price: str | None,
    change_price: str | None,
    **given: str | None,
) -> None:
    """Say who you are, or show it. The currency cannot change once there are orders.

    The prices are counted by every plan made from then on: days of 8 and 4 hours cost more than two of 6, stops that
    lie far from the others of their van cost more, and with --runs stops of a van that does not come there as a rule.
    Planning again after dispatch, a stop costs more with another driver than has it on the list, unless you say 0.
    Nothing is left out for that, and nothing is owed on a day without that van or driver.

    With --allocation erp we deliver what the ERP released (backroute import released FILE) and what is not delivered
    goes back to it as results; open orders keep what they hold and wait. With --allocation own they are given out anew.
    """
    values = {name: value.strip() for name, value in given.items() if value is not None}
    _refuse_wrong_company(values)
    with open_installation() as here, open_store(here.database) as store:
        if "currency" in values:
            values["currency"] = values["currency"].upper()
            if values["currency"] != store.company().currency and store.has_orders():
                raise InvalidInput(
                    f"There are orders in {store.company().currency} already, so the currency stays. "
                    "Start another installation for another currency."
                )
        if values:
            store.set_company(**values)
        said = ""
        if allocation is not None:
            switched = switch_allocation(store, erp=allocation == "erp", now=here.clock.now(), by=BY)
            said = switched.sentence if switched.changed else ""
        currency = store.company().currency
        stood = plan_prices(store.connection)
        prices = {
            name: getattr(stood, name) if text is None else read_price(text, name=name, currency=currency)
            for name, text in (
                ("balance", balance_price),
                ("area", area_price),
                ("off_run", off_run_price),
                ("change", change_price),
            )
        }
        mode = stood.runs if runs is None else runs
        if (runs, off_run_price) != (None, None):
            # A price that is said is meant, whatever stood before.
            before = stood if off_run_price is None else replace(stood, runs=mode)
            mode, prices["off_run"] = settled(mode, prices["off_run"], stood=before, currency=currency)
        if (balance_price, area_price, runs, off_run_price, change_price) != (None,) * 5:
            store.set_setting(name=SETTING, value={**prices, "runs": mode}, by=BY, now=here.clock.now())
        company = asdict(store.company()) | {
            "allocation": "erp" if store.erp_allocates() else "own",
            **{f"{name}_price": f"{in_units(price, currency)}" if price else "" for name, price in prices.items()},
            "runs": mode,
        }
    if as_json:
        print_json(company)
        return
    for name in (*COMPANY, "allocation", "balance_price", "area_price", "runs", "off_run_price", "change_price"):
        click.echo(f"{name.replace('_', ' '):13} {company[name] or '-'}")
    if said:
        click.echo(said)


def _refuse_wrong_company(values: dict[str, str]) -> None:
    if "name" in values and not values["name"]:
        raise InvalidInput("A company needs a name: customers read it in every message.")
    if not re.fullmatch(r"[A-Za-z]{3}", values.get("currency", "EUR")):
        raise InvalidInput(f'"{values["currency"]}" is no currency. Write its three letters, as EUR.')
    if not re.fullmatch(r"([A-Za-z]{2})?", values.get("country", "")):
        raise InvalidInput(f'"{values["country"]}" is no country. Write its two letters, as FI.')
    if "zone" in values:
        try:
            ZoneInfo(values["zone"])
        except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
            raise InvalidInput(
                f'"{values["zone"]}" is no time zone. Write its IANA name, as Europe/Helsinki.'
            ) from problem


@click.command("mail")
@click.option("--host", help="Your mail server.")
@click.option("--port", type=click.IntRange(1, 65535), help="587 with starttls, 465 with tls.")
@click.option("--sender", help="The address messages come from.")
@click.option("--user", help="Who signs in; the password is read from BACKROUTE_SMTP_PASSWORD.")
@click.option("--encryption", type=click.Choice(["starttls", "tls", "none"]), help="starttls if left out.")
@click.option("--sms-domain", help="A gateway that takes SMS as mail to NUMBER@domain.")
@click.option("--test", metavar="ADDRESS", help="Send one message there, now.")
@json_option
def mail_command(as_json: bool, test: str | None, **given: str | int | None) -> None:
    """Name the mail server, or show it. Whether messages go out at all is a switch under Settings.

    Exit code 3 when the test message could not be handed over.
    """
    changed = {name: value for name, value in given.items() if value is not None}
    for name, address in (("--sender", changed.get("sender")), ("--test", test)):
        if address is not None and not _ADDRESS.fullmatch(str(address)):
            raise InvalidInput(f'{name}: "{address}" is no e-mail address. Write it as name@example.com.')
    with open_installation() as here:
        with open_store(here.database) as store:
            mail = {**(store.setting("mail") or {}), **changed}
            if changed:
                missing = [name for name in ("host", "sender") if not mail.get(name)]
                if missing:
                    raise InvalidInput(f"A mail server needs --{' and --'.join(missing)} too.")
                mail.setdefault("encryption", "starttls")
                mail.setdefault("port", {"tls": 465, "starttls": 587, "none": 25}[str(mail["encryption"])])
                store.set_setting(name="mail", value=mail, by=BY, now=wall_clock())
        if test is not None:
            sender = here.senders.get(Channel.EMAIL)
            if sender is None:
                raise SendError("No mail server is named yet: backroute mail --host HOST --sender ADDRESS")
            sender.send(
                Message(
                    key=f"test-{wall_clock():%Y%m%d%H%M%S}",
                    channel=Channel.EMAIL,
                    recipient=test,
                    subject="Backroute can send",
                    text="This message was sent with `backroute mail --test`.\n",
                )
            )
    if as_json:
        print_json(mail)
        return
    for name, value in mail.items():
        click.echo(f"{name:11} {value}")
    if not mail:
        click.echo("No mail server is named yet: backroute mail --host HOST --sender ADDRESS")
    if test is not None:
        click.echo(f"Sent to {test}.")
