"""`backroute slots`: when a door could be served in the next days, and what each window costs."""

from __future__ import annotations

from datetime import timedelta

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from data.store import SqlStore
from routing.errors import InvalidInput, NotFound
from routing.rules.slots import ranked
from web.cli.output import clean, counted, json_option, plain, print_json
from web.cli.values import BY, DAY, the_day
from web.formats import distance, money
from web.phone_orders import Ordered
from web.slots import (
    USUAL_DAYS,
    Asked,
    Offered,
    document,
    key_of,
    offered_on_the_phone,
    offered_to_new,
    offered_to_order,
    order_at,
    order_document,
    take,
)
from web.wiring import Installation, open_installation

BEST = 3


@click.command("slots")
@click.option("--order", "order_number", metavar="NUMBER", help="An order: its door, its goods, its customer.")
@click.option("--site", metavar="NUMBER", default="", help="Or a site, with --load.")
@click.option("--address", metavar="TEXT", default="", help="Or a new door, with --load.")
@click.option("--load", metavar="LOAD", default="", help='What comes: "120 kg, 0.8 m3, 6 pieces".')
@click.option(
    "--lines", default="", metavar="LINES", help='What is ordered, to be entered with --take: "P201 24; P105 6".'
)
@click.option("--number", default="", metavar="NUMBER", help="The order's own number; left out: the next of the day.")
@click.option("--customer", default="", metavar="NAME", help="With --address and --lines: who lives there.")
@click.option("--contact", default="", metavar="TEXT", help="Their phone or e-mail.")
@click.option("--minutes", type=click.IntRange(0, 480), help="Work at the door; left out: the site's own, or 5.")
@click.option("--depot", metavar="NUMBER", default="", help="From which depot; left out: the door's own.")
@click.option("--from", "from_day", type=DAY, metavar="DAY", help="The first day; left out: today.")
@click.option("--days", type=click.IntRange(1, 14), default=USUAL_DAYS, show_default=True, help="How many days.")
@click.option("--width", type=click.IntRange(30, 720), default=120, show_default=True, help="Minutes of a window.")
@click.option("--take", "take_key", metavar="KEY", help="Agree on this offer, by its key from --json.")
@json_option
def slots_command(
    order_number: str | None,
    site: str,
    address: str,
    load: str,
    lines: str,
    number: str,
    customer: str,
    contact: str,
    minutes: int | None,
    depot: str,
    from_day: str | None,
    days: int,
    width: int,
    take_key: str | None,
    as_json: bool,
) -> None:
    """Offer times for an order, or for goods that nobody has ordered yet. Keeps nothing unless --take is given.

    With --lines the order is one that is not there yet: its goods are dated by the rules, no day before them is
    offered, and --take enters it with its appointment.

    Exit code 1 when no day has a window.
    """
    if sum(map(bool, (order_number, site, address))) != 1:
        raise InvalidInput("Say for what: --order NUMBER, --site NUMBER or --address TEXT, one of them.", code="whom")
    if take_key and not order_number and not lines:
        raise InvalidInput(
            "--take agrees on a time for an order. Name it with --order, or what is ordered with --lines.", code="whom"
        )
    if order_number and lines:
        raise InvalidInput("--lines is for an order that is not there yet: leave --order out.", code="whom")
    wide = timedelta(minutes=width)
    with open_installation() as here:
        day = the_day(here, from_day)
        with here.database.reading() as connection:
            currency = SqlStore(connection).company().currency
        if order_number:
            order_id = _order(here, order_number)
            found = offered_to_order(here, order_id, from_day=day, days=days, width=wide)
        else:
            ordered = Ordered(lines=lines, number=number, customer=customer, contact=contact) if lines else None
            asked = Asked(site=site, address=address, depot=depot, load=load, minutes=minutes, ordered=ordered)
            offered = offered_to_new if ordered else offered_on_the_phone
            found = offered(here, asked, from_day=day, days=days, width=wide)
        taken = None
        if take_key:
            slot = next((each for one in found.days for each in one.slots if key_of(each) == take_key), None)
            if slot is None:
                raise NotFound("There is no such offer. Ask again with --json for the keys.", code="key")
            if order_number:
                taken = take(
                    here, order_id, day=slot.day, key=take_key, version=found.version, width=wide, by=BY
                )  # fmt: skip
            else:
                _order_id, _number, taken = order_at(here, asked, day=slot.day, key=take_key, width=wide, by=BY)
    if as_json:
        print_json(
            {
                "for": found.whom,
                **order_document(found),
                "currency": currency,
                "days": [document(each) for each in found.days],
                "best": [key_of(each) for each in ranked(found.days)[:BEST]],
                "taken": key_of(taken) if taken else None,
            }
        )
    elif taken:
        click.echo(clean(f"Agreed: {found.whom} on {taken.day}, {taken.opens}-{taken.closes}. It is promised so."))
    else:
        _say(found, currency)
    if not any(each.slots for each in found.days):
        click.get_current_context().exit(1)


def _order(here: Installation, number: str) -> int:
    with here.database.reading() as connection:
        found = SqlStore(connection).order_ids([number])
    if number not in found:
        raise NotFound(f'There is no order "{number[:40]}".', code="order")
    return found[number]


def _say(found: Offered, currency: str) -> None:
    best = {key_of(each) for each in ranked(found.days)[:BEST]}
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("Day", "Window", "Van", "Time", "Way", "Costs", ""):
        table.add_column(
            name, no_wrap=name in ("Day", "Window"), justify="right" if name in ("Time", "Way", "Costs") else "left"
        )
    for day in found.days:
        for slot in day.slots:
            said = [f"pushes {', '.join(slot.pushes)} out"] if slot.pushes else []
            said += [counted(len(slot.broken), "promise") + " broken"] if slot.broken else []
            said += [counted(slot.moved, "time") + " moved"] if slot.moved else []
            table.add_row(
                slot.day,
                f"{slot.opens}-{slot.closes}{' *' if key_of(slot) in best else ''}",
                plain(slot.van),
                f"{slot.minutes:+} min",
                distance(slot.distance_m),
                money(round(slot.cost / 1000), currency),
                plain(", ".join(said)),
            )
    for sku, units, there in found.lines:
        click.echo(clean(f"{sku} × {units}: {f'there from {there}' if there else 'no supply with a date'}"))
    click.echo(clean(f"For {found.whom}; * are the best:"))
    Console().print(table)
    for day in found.days:
        if not day.slots:
            click.echo(clean(f"{day.day}: {day.why or 'nothing is free'}"))
        elif day.is_sketch:
            click.echo(f"{day.day} is not planned yet: against what is expected that day.")
