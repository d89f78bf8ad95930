"""`backroute hold` and `backroute let-go`: an order or a customer is stopped from going out, and may go again."""

from __future__ import annotations

from typing import Any

import click

from data.queries.backorders import customer_called
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import InvalidInput
from routing.services.holding import hold_customer, hold_order, pass_payment
from web.cli.output import clean, counted, json_option, print_json
from web.cli.values import BY
from web.wiring import Installation, open_installation

_ORDER = click.argument("order", required=False)
_CUSTOMER = click.option(
    "--customer", metavar="CUSTOMER", help="Instead of one order everything of this customer: number or name."
)
_WHY = click.option("--why", required=True, help="It stands with the order, with who and when.")


@click.command("hold")
@_ORDER
@_CUSTOMER
@_WHY
@json_option
def hold_command(order: str | None, customer: str | None, why: str, as_json: bool) -> None:
    """Put ORDER (its number, or the customer's or the ERP's) on hold: it keeps its goods and its place, and is not
    released. With --customer nothing of theirs is, until they are let go. What is on a van already goes on.

    \b
    backroute hold SO-17 --why "asks for another day"
    backroute hold --customer C-12 --why "two invoices are open"
    """
    reason = _said(why)
    if _one_of(order, customer):
        found = _of_order(order or "", reason=reason)
        said = (
            f"{found['order']} is on hold: {reason}. It keeps its goods and its place, and is not released"
            if found["changed"]
            else f"{found['order']} is on hold for that reason already: nothing changed"
        )
    else:
        found = _of_customer(customer or "", reason=reason)
        said = (
            f"{found['name']} ({found['customer']}) is on payment hold: {reason}. {_orders(found)}"
            if found["changed"]
            else f"{found['name']} ({found['customer']}) is on payment hold for that reason already: nothing changed"
        )
    _print(found, said, as_json)


@click.command("let-go")
@_ORDER
@_CUSTOMER
@click.option("--unpaid", is_flag=True, help="ORDER waits for its payment: it may go before that.")
@_WHY
@json_option
def let_go_command(order: str | None, customer: str | None, unpaid: bool, why: str, as_json: bool) -> None:
    """Let ORDER go that is on hold, or with --customer everything of a customer. The next release takes it again.

    An order may wait for its payment, too: only --unpaid lets it pass that.

    \b
    backroute let-go SO-17 --why "any day will do"
    backroute let-go SO-17 --unpaid --why "the bank confirmed it"
    """
    reason = _said(why)
    if _one_of(order, customer):
        found = _of_order(order or "", reason="", why=reason, unpaid=unpaid)
        was = "waited for no payment" if unpaid else "was not on hold"
        may = "It may be released before it is paid" if unpaid else "It may go again"
        said = f"{found['order']}: {may}" if found["changed"] else f"{found['order']} {was}: nothing changed"
    else:
        if unpaid:
            raise InvalidInput("--unpaid is for one order: name it.", code="whom")
        found = _of_customer(customer or "", reason="", why=reason)
        named = f"{found['name']} ({found['customer']})"
        said = (
            f"{named} is not on payment hold any more"
            if found["changed"]
            else f"{named} was on no payment hold: nothing changed"
        )
    still = [
        *(["the order is on hold: let it go as well"] if found.get("held") and unpaid else []),
        *(["its customer is on hold: let-go --customer"] if found.get("customer_held") else []),
        *(["it waits for its payment: let-go --unpaid"] if found.get("awaits_payment") else []),
    ]
    _print(found, f"{said}. It still stays, for {'; '.join(still)}" if still else said, as_json)


def _said(why: str) -> str:
    text = " ".join(why.split())
    if not text:
        raise InvalidInput("Say why: who finds it in the story will ask.", code="reason")
    return text


def _one_of(order: str | None, customer: str | None) -> bool:
    """Whether it is about an order. Raises InvalidInput unless exactly one of the two is named."""
    if (order is None) == (customer is None):
        raise InvalidInput("Name either an ORDER, or --customer CUSTOMER.", code="whom")
    return order is not None


def _orders(found: dict[str, Any]) -> str:
    if not found["orders"]:
        return "Nothing of theirs is open now; what they order is not released"
    open_ones = counted(len(found["orders"]), "open order")
    return f"{open_ones} {'keeps' if len(found['orders']) == 1 else 'keep'} goods and place, and nothing is released"


def _of_order(number: str, *, reason: str, why: str = "", unpaid: bool = False) -> dict[str, Any]:
    called = number.strip()[:100]
    with open_installation() as here:
        now = here.clock.now()

        def write(store: SqlStore) -> dict[str, Any]:
            order_id = store.order_ids([called])[called]
            if unpaid:
                changed = pass_payment(store, order_id, reason=why, by=BY, now=now)
            else:
                changed = hold_order(store, order_id, reason=reason, why=why, by=BY, now=now)
            own, held, customer_held, awaits = store.what_holds(order_id)
            return {
                "order": own,
                "held": held,
                "customer_held": customer_held,
                "awaits_payment": awaits,
                "why": reason or why,
                "changed": changed,
            }

        return in_transaction(here.database, write)


def _of_customer(text: str, *, reason: str, why: str = "") -> dict[str, Any]:
    with open_installation() as here:
        customer_id, number, name = _customer(here, text.strip())
        now = here.clock.now()

        def write(store: SqlStore) -> dict[str, Any]:
            changed = hold_customer(store, customer_id, reason=reason, why=why, by=BY, now=now)
            orders = list(store.open_orders_of(customer_id).values())
            return {
                "customer": number, "name": name, "held": bool(reason), "why": reason or why, "changed": changed,
                "orders": orders,
            }  # fmt: skip

        return in_transaction(here.database, write)


def _customer(here: Installation, text: str) -> tuple[int, str, str]:
    """Key, number and name. Raises NotFound, and InvalidInput when several are called so."""
    with here.database.reading() as connection:
        return customer_called(connection, text)


def _print(found: dict[str, Any], said: str, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    click.echo(clean(f"{said}."))
