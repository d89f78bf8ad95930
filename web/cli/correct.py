"""`backroute correct`: a report from a door was wrong, and is put right with all that follows from it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from data.importers.counts import minor_units
from data.store import SqlStore
from data.store.again import in_transaction, tried
from routing.errors import InvalidInput, NotFound
from routing.model.amounts import how_many
from routing.model.corrections import Corrected
from routing.model.money import amount
from routing.model.payments import Payment, PayMethod
from routing.model.proofs import DeliveryReport, DoorLine, Outcome
from routing.rules.door import spread_counts, spread_fetched
from routing.rules.paying import added_up
from routing.services.correcting import Correctable, correct_report, report_to_correct
from web.cli.output import json_option, print_json
from web.cli.values import BY
from web.wiring import open_installation


@click.command("correct")
@click.argument("delivery")
@click.argument("outcome", type=click.Choice([each.value for each in Outcome]))
@click.option("--short", multiple=True, metavar="SKU=UNITS", help="Of what was handed over: so many were not there.")
@click.option("--damaged", multiple=True, metavar="SKU=UNITS", help="So many were damaged.")
@click.option("--refused", multiple=True, metavar="SKU=UNITS", help="So many were not accepted.")
@click.option("--collected", multiple=True, metavar="SKU=UNITS", help="Of a collection: so many were fetched.")
@click.option(
    "--paid", multiple=True, metavar="METHOD=AMOUNT", help="Collected at the door: cash=112.50, card or other."
)
@click.option("--recipient", default="", help="Who received it; left out: as before.")
@click.option("--why", required=True, help="It stands with the delivery.")
@click.option("--simulate", is_flag=True, help="Show what it would change, and change nothing.")
@json_option
def correct_command(
    delivery: str,
    outcome: str,
    short: tuple[str, ...],
    damaged: tuple[str, ...],
    refused: tuple[str, ...],
    collected: tuple[str, ...],
    paid: tuple[str, ...],
    recipient: str,
    why: str,
    simulate: bool,
    as_json: bool,
) -> None:
    """Correct the last report about DELIVERY (its number) to OUTCOME, until its van is counted.

    What no option names was delivered, or fetched as it was asked for. The old report stays to be read; goods, order,
    messages and results follow.

    \b
    backroute correct D-17 delivered --short OAT-12=2 --why "counted again" --simulate
    backroute correct D-18 delivered --collected CRATE=4 --why "counted again"
    backroute correct D-19 delivered --paid cash=100.00 --paid card=12.50 --why "part by card"
    """
    how = Outcome(outcome)
    named = {"short": short, "damaged": damaged, "refused": refused, "collected": collected}
    if not how.is_handed_over and any(named.values()):
        raise InvalidInput(
            f"Of {outcome} all of it went so: leave --short, --damaged, --refused and --collected out.", code="counts"
        )
    counts = {state: _counts(texts) for state, texts in named.items()}
    with open_installation() as here:

        def work(store: SqlStore) -> Corrected:
            delivery_id = store.delivery_called(delivery)
            found = report_to_correct(store, delivery_id)
            lines: tuple[DoorLine, ...] = ()
            if how.is_handed_over:
                known = store.product_ids([sku for each in counts.values() for sku in each])
                units = {
                    state: {_product(known, sku): count for sku, count in each.items()}
                    for state, each in counts.items()
                }
                lines = _lines(found, units)
            return correct_report(
                store=store,
                report=DeliveryReport(
                    delivery_id=delivery_id, outcome=how, lines=lines, payments=_payments(found, paid) if paid else None
                ),
                why=why,
                recipient=recipient,
                now=here.clock.now(),
                by=BY,
                secret=here.secret,
            )

        done = tried(here.database, work) if simulate else in_transaction(here.database, work)
    if as_json:
        print_json({"simulated": simulate, "correction": done})
        return
    for sentence in _sentences(done, simulate):
        click.echo(sentence)


def _lines(found: Correctable, units: dict[str, dict[int, int]]) -> tuple[DoorLine, ...]:
    """The lines of the delivery by units of its products. Raises InvalidInput for what is not counted of it."""
    fetched = units.pop("collected")
    if found.delivery.direction == "deliver":
        if fetched:
            raise InvalidInput(
                f"{found.delivery.number} brings goods: --collected is of a collection. Leave it out.", code="counts"
            )
        return spread_counts(found.delivery, found.report.lines, units)
    if any(units.values()):
        raise InvalidInput(
            f"{found.delivery.number} is a collection: give --collected, and no other count.", code="counts"
        )
    return spread_fetched(found.delivery, fetched)


def _payments(found: Correctable, texts: Sequence[str]) -> tuple[Payment, ...]:
    """What was collected, all of it. Raises InvalidInput where nothing is paid, and for what is no amount."""
    asked, paid = found.delivery.asks, found.report.paid
    currencies = sorted({each.currency for each in asked} | {each.currency for each in paid})
    if len(currencies) != 1:
        raise InvalidInput(
            f"{found.delivery.number} is paid in {' and '.join(currencies)}: correct it on its page."
            if currencies
            else f"Nothing is paid at the door with {found.delivery.number}: leave --paid out.",
            code="payment",
        )
    payments = []
    for text in texts:
        method, _, amount = text.partition("=")
        minor = minor_units(amount, currencies[0])
        if method not in list(PayMethod) or minor is None:
            raise InvalidInput(
                f'"{text[:40]}" is no payment: write it like cash=112.50; there are cash, card and other.',
                code="payment",
            )
        payments.append(Payment(currency=currencies[0], amount=minor, method=PayMethod(method)))
    return tuple(payments)


def _counts(texts: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for text in texts:
        sku, _, units = text.rpartition("=")
        if not sku or not (units.isascii() and units.isdecimal()) or len(units) > 9:
            raise InvalidInput(f'"{text[:40]}" is no count of a SKU: write it like OAT-12=2.', code="counts")
        if sku in found:
            raise InvalidInput(f"{sku} is named twice: write the sum once.", code="counts")
        found[sku] = int(units)
    return found


def _product(known: dict[str, int], sku: str) -> int:
    if sku not in known:
        raise NotFound(f'There is no SKU "{sku[:40]}".', code="sku")
    return known[sku]


def _sentences(done: Corrected, simulate: bool) -> list[str]:
    would = "would be" if simulate else "is"
    before, after = (each.value.replace("_", " ") for each in (done.before, done.after))
    said = [f"{done.delivery} for {done.site} {would} corrected: {before} to {after}."]
    for line in done.lines:
        if line.handed_over:
            way = f"to the customer from {done.vehicle}" if line.handed_over > 0 else f"back onto {done.vehicle}"
            said.append(f"  {how_many(abs(line.handed_over), line.unit)} {line.product} {way}")
        if line.fetched:
            way = f"more from the customer onto {done.vehicle}" if line.fetched > 0 else "stayed with the customer"
            said.append(f"  {how_many(abs(line.fetched), line.unit)} {line.product} {way}")
        if line.waits:
            waits = "wait for goods again" if line.waits > 0 else "wait no longer"
            said.append(f"  {how_many(abs(line.waits), line.unit)} {line.product} {waits}")
    if done.recipient_before != done.recipient_after:
        said.append(f"  Received by {done.recipient_after}, not by {done.recipient_before or 'nobody named'}.")
    if done.paid_before != done.paid_after:
        said += [
            f"  Due at the door {amount(due, currency)}, collected "
            + (", ".join(f"{amount(each, currency)} {method.value}" for method, each in methods.items()) or "nothing")
            for currency, (due, methods) in added_up(done.paid_after).items()
        ]
    said.append(f"  {done.withheld} messages withheld, {done.written} written instead.")
    return said
