"""`backroute collect`: returns and empties are fetched from a customer's site."""

from __future__ import annotations

from dataclasses import asdict

import click

from data.queries.backorders import customer_called
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import InvalidInput, NotFound
from routing.model.days import day_words
from routing.services.collecting import Fetching, cancel_collection, collect_goods
from web.cli.output import clean, json_option, print_json
from web.cli.values import BY, DAY
from web.wiring import open_installation


@click.command("collect")
@click.argument("customer", required=False)
@click.argument("site", required=False)
@click.argument("sku", required=False)
@click.argument("quantity", required=False, type=click.IntRange(min=1, max=2**31 - 1))
@click.option("--day", type=DAY, metavar="DAY", help="From which day, as 2026-05-14; else its next delivery day.")
@click.option("--why", help="It stands with the order. Said nothing: the customer asked. --cancel needs a reason.")
@click.option("--cancel", "cancels", metavar="NUMBER", help="Do not fetch this one: a collection that no van has yet.")
@json_option
def collect_command(
    customer: str | None,
    site: str | None,
    sku: str | None,
    quantity: int | None,
    day: str | None,
    why: str | None,
    cancels: str | None,
    as_json: bool,
) -> None:
    """Have QUANTITY units of SKU, goods or empties, fetched from a customer's SITE.

    Not more than we handed over there; of a product that is marked returnable (crates, kegs) as many as there are.

    It is planned like a delivery, together with one to the same door. What comes back is counted with the van and
    inspected before anybody is promised it.
    """
    if cancels is not None:
        if customer is not None or day is not None:
            raise InvalidInput("Say either what to fetch, or --cancel NUMBER.", code="collect")
        _cancel(cancels, why or "", as_json)
        return
    if customer is None or site is None or sku is None or quantity is None:
        raise InvalidInput(
            "Name CUSTOMER SITE SKU QUANTITY, such as: backroute collect C12 S12 KEG-30 6", code="collect"
        )
    with open_installation() as here:
        now = here.clock.now()
        with here.database.reading() as connection:
            store = SqlStore(connection)
            key, _number, name = customer_called(connection, customer.strip())
            doors = [door for door in store.sites_of_customers([key]).get(key, []) if door["number"] == site.strip()]
            product_id = store.product_ids([sku]).get(sku)
        if not doors:
            raise NotFound(f'There is no site "{site[:40]}" of {name[:80]}. Write its number.', code="site")
        if len(doors) > 1:
            raise InvalidInput(
                f'{name[:80]} has {len(doors)} sites "{site[:40]}", from {" and ".join(d["source"] for d in doors)}. '
                "Have it fetched on the page of its customer's order.",
                code="site",
            )
        if product_id is None:
            raise InvalidInput(f'There is no product "{sku[:40]}". Import the products first.', code="sku")

        def write(store: SqlStore) -> Fetching:
            return collect_goods(
                store,
                site_id=doors[0]["id"],
                product_id=product_id,
                quantity=quantity,
                why="asked for by the customer" if why is None else why,
                day=day or "",
                now=now,
                by=BY,
            )

        made = in_transaction(here.database, write)
    if as_json:
        print_json(asdict(made))
        return
    said = f"{made.number} fetches {made.quantity} × {made.sku} from {made.site}, from {day_words(made.day)} on"
    stands = f"; it stands with {' and '.join(made.orders[:3])}" if made.orders else ""
    click.echo(clean(f"{said}{stands}."))


def _cancel(number: str, why: str, as_json: bool) -> None:
    with open_installation() as here:
        now = here.clock.now()

        def write(store: SqlStore) -> None:
            delivery_id = store.delivery_id(number)
            if delivery_id is None:
                raise NotFound(f'There is no delivery "{number[:40]}".', code="delivery")
            cancel_collection(store, delivery_id, now=now, by=BY, why=why)

        in_transaction(here.database, write)
    if as_json:
        print_json({"number": number, "cancelled": True, "why": why})
        return
    click.echo(clean(f"{number} is cancelled: nothing is fetched."))
