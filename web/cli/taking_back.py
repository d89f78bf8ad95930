"""`backroute unrelease`: a delivery is taken back before it is loaded."""

from __future__ import annotations

import click

from data.queries.taking_back import TakingBack, taking_back
from data.store import SqlStore
from data.store.again import in_transaction, tried
from routing.errors import InvalidInput
from routing.model.days import day_words
from routing.services.releasing import unrelease
from web.cli.output import clean, json_option, print_json
from web.cli.values import BY
from web.wiring import open_installation


@click.command("unrelease")
@click.argument("delivery")
@click.option("--why", required=True, help="It stands with its orders, with who and when.")
@click.option("--simulate", is_flag=True, help="Show what it would do, and change nothing.")
@json_option
def unrelease_command(delivery: str, why: str, simulate: bool, as_json: bool) -> None:
    """Take DELIVERY (its number) back until it is loaded: its goods stay with their orders, and the next release takes
    them again unless those are held.

    What was picked is put back: a task says so to the warehouse. Goods that are to be fetched are called off by
    `backroute collect --cancel`.
    """
    text = " ".join(why.split())
    if not text:
        raise InvalidInput("Say why: who finds it in the story will ask.", code="reason")
    with open_installation() as here:
        now = here.clock.now()

        def work(store: SqlStore) -> TakingBack:
            delivery_id = store.delivery_called(delivery)
            found = taking_back(store.connection, delivery_id)
            if found.fetches:
                raise InvalidInput(
                    f"{found.number} fetches goods: call it off with backroute collect --cancel {found.number}.",
                    code="direction",
                )
            unrelease(store, delivery_id, now=now, by=BY, why=text)
            return found

        found = tried(here.database, work) if simulate else in_transaction(here.database, work)
    if as_json:
        print_json(
            {
                "simulated": simulate,
                "number": found.number,
                "site": found.site,
                "day": found.for_day,
                "orders": [number for _id, number in found.orders],
                "goods": [{"units": units, "sku": sku, "name": name} for units, sku, name in found.goods],
                "routes": [
                    {"day": each.day, "vehicle": each.vehicle, "driver": each.driver, "dispatched": each.dispatched}
                    for each in found.routes
                ],
                "told": [{"recipient": each.recipient, "kind": each.kind} for each in found.told],
                "why": text,
            }
        )
        return
    for sentence in _sentences(found, simulate):
        click.echo(clean(sentence))


def _sentences(found: TakingBack, simulate: bool) -> list[str]:
    goods = ", ".join(f"{units} × {sku}" for units, sku, _name in found.goods)
    orders = ", ".join(number for _id, number in found.orders)
    said = [
        f"{found.number} for {found.site} on {day_words(found.for_day)} "
        f"{'would be' if simulate else 'is'} taken back: {goods} {'would stay' if simulate else 'stay'} with {orders}."
    ]
    said += [
        f"It is on the route of {each.vehicle} on {day_words(each.day)}"
        f"{', which its driver has' if each.dispatched else ''}: take it off the board, or plan that day anew."
        for each in found.routes
    ]
    if found.told:
        names = ", ".join(dict.fromkeys(each.recipient for each in found.told))
        said.append(f"{names} had a message about it, and nobody is told that it was taken back: ring them.")
    return said
