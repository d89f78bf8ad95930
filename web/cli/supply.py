"""`backroute slip`, `recount` and `promises`: supply turns out otherwise, and what that does to every date."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from data.queries.backorders import customers_called, orders_of
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import InvalidInput
from routing.model.days import today_of
from routing.model.orders import Preview
from routing.model.parties import Depot
from routing.services.erp import refuse_if_erp
from routing.services.promising import PromisedLine, SkuLedger, promised_lines, sku_ledgers
from routing.services.supplying import (
    Slip,
    commit_shelf_count,
    commit_slip,
    simulate_shelf_count,
    simulate_slip,
)
from web.cli.changes import currency_of, heard, print_changes
from web.cli.output import MOST_SHOWN, clean, counted, json_option, plain, print_json
from web.cli.told import ASKED_ABOUT, answer_words, let_go_words
from web.cli.values import BY, DAY, depots_named
from web.wiring import Installation, open_installation

simulate_option = click.option("--simulate", is_flag=True, help="Show who goes and who waits, and change nothing.")


@click.command("slip")
@click.argument("number")
@click.option("--to", "to", type=DAY, metavar="DAY", help="The day it comes instead, as 2026-05-14.")
@click.option("--cancel", is_flag=True, help="What is still to come of it will not come.")
@simulate_option
@json_option
def slip_command(number: str, to: str | None, cancel: bool, simulate: bool, as_json: bool) -> None:
    """An inbound comes on another day, or not at all: new dates, and exactly those whose promise breaks are told.

    NUMBER is the inbound's, as the page Receipts and `backroute export inbound` name it. On the demo's Tuesday:
    backroute slip IN-2004 --to 2026-03-12 --simulate
    """
    if (to is None) is not cancel:
        raise InvalidInput("Say either --to DAY or --cancel.", code="slip")
    slip = Slip(number=number, to=date.fromisoformat(to) if to else None)
    with open_installation() as here:
        now = here.clock.now()
        previews = _shown_or_done(
            here,
            simulate=simulate,
            show=lambda store: simulate_slip(store, slip, now=now),
            do=lambda store: commit_slip(store, slip, now=now, by=BY),
        )
        hear = heard(here, previews, now=now)
        currency = currency_of(here)
    title = f"Inbound {number} " + (f"comes on {to}" if to else "is cancelled")
    print_changes(title, previews, hear, simulate=simulate, as_json=as_json, currency=currency)


@click.command("recount")
@click.argument("sku")
@click.argument("counted", type=int)
@click.option("--depot", "depot_number", help="Where it was counted; needed when there are several depots.")
@simulate_option
@json_option
def recount_command(sku: str, counted: int, depot_number: str | None, simulate: bool, as_json: bool) -> None:
    """A SKU was counted again: so many sellable units lie at the depot, released and picked ones included.

    A lost unit is taken from the lowest rank, unreleased before released, never what is loaded.
    """
    with open_installation() as here:
        now = here.clock.now()
        with here.database.reading() as connection:
            store = SqlStore(connection)
            refuse_if_erp(store)
            depot = _the_depot(store.depots(), depot_number)
            product_id = store.product_ids([sku]).get(sku)
        if product_id is None:
            raise InvalidInput(f'There is no product "{sku[:40]}". Import the products first.', code="sku")
        facts: dict[str, Any] = {
            "depot_id": depot.id, "product_id": product_id, "sku": sku, "counted": counted, "now": now,
        }  # fmt: skip
        previews = _shown_or_done(
            here,
            simulate=simulate,
            show=lambda store: [simulate_shelf_count(store, **facts)],
            do=lambda store: [commit_shelf_count(store, **facts, by=BY)],
        )
        hear = heard(here, previews, now=now)
        currency = currency_of(here)
    title = f"{counted} × {sku} counted at {depot.name}"
    print_changes(title, previews, hear, simulate=simulate, as_json=as_json, currency=currency)


def _the_depot(depots: list[Depot], number: str | None) -> Depot:
    chosen = depots_named(depots, number)
    if len(chosen) > 1:
        known = ", ".join(depot.number for depot in depots)
        raise InvalidInput(f"Name the depot with --depot. Known are: {known}.", code="depot")
    return chosen[0]


def _shown_or_done(
    here: Installation,
    *,
    simulate: bool,
    show: Callable[[SqlStore], list[Preview]],
    do: Callable[[SqlStore], list[Preview]],
) -> list[Preview]:
    if not simulate:
        return in_transaction(here.database, do)
    with here.database.reading() as connection:
        return show(SqlStore(connection))


# ---------------------------------------------------------------------------- promises


@click.command("promises")
@click.option("--sku", help="Only this article.")
@click.option("--customer", help="Only this customer: its number, its name or a part of it.")
@json_option
def promises_command(sku: str | None, customer: str | None, as_json: bool) -> None:
    """Work out every open line's date again: expected, promised, and by what it is covered. Changes nothing."""
    found: dict[str, list[PromisedLine]] = defaultdict(list)
    ledgers: list[SkuLedger] = []
    with open_installation() as here, here.database.reading() as connection:
        now: datetime = here.clock.now()
        store = SqlStore(connection)
        refuse_if_erp(store)
        # The term of a question ends with the day of the depot that brings the goods.
        today = {depot.number: today_of(now, depot.zone) for depot in store.depots()}
        if sku is not None and sku not in store.product_ids([sku]):
            raise InvalidInput(f'There is no product "{sku[:40]}". Write its number as the list shows it.', code="sku")
        theirs = None if customer is None else orders_of(connection, customers_called(connection, customer.strip()))
        if sku is None:
            for depot in store.depots():
                found[depot.number] += promised_lines(store, depot_id=depot.id, now=now)
        else:
            ledgers = sku_ledgers(store, sku, now=now)
            found |= {each.stock.depot: list(each.lines) for each in ledgers}
    for lines in found.values():
        lines[:] = [line for line in lines if theirs is None or line.order_id in theirs]
    if as_json:
        document: dict[str, Any] = {
            "lines": [{"depot": depot, **line.document()} for depot, lines in found.items() for line in lines]
        }
        if sku is not None:
            document["stock"] = [each.document() for each in ledgers]
        print_json(document)
        return
    console = Console()
    for each in ledgers:
        _print_ledger(console, each)
    every = [line for lines in found.values() for line in lines]
    broken = [line for line in every if line.broken]
    lost = sum(not line.expected_on for line in broken)
    undated = sum(not line.expected_on for line in every)
    later = f"{len(broken)} later than promised" + (f" ({lost} of them without a date now)" if lost else "")
    console.print(
        f"{counted(len(every), 'open line')}, {later}, {undated} without a date", highlight=False, soft_wrap=True
    )
    if not every:
        return
    shown = [(number, line) for number, lines in found.items() for line in lines][:MOST_SHOWN]
    asks = any(line.answer_by for _number, line in shown)
    heads = ["Order", "Customer", "SKU", "Open", "Covered by", "Expected", "Promised", *(["Answer by"] if asks else [])]
    table = Table(*heads, box=None)
    for number, line in shown:
        covers = ", ".join(f"{cover.quantity} {cover.number}" for cover in line.covered_by)
        table.add_row(
            plain(line.order),
            plain(line.customer),
            plain(line.sku),
            str(line.open),
            plain(covers or "nothing"),
            let_go_words(line.expected_on, on_hold=line.on_hold) or "no date",
            line.promised_on or "–",
            *([answer_words(line.answer_by, today[number])] if asks else []),
        )
    console.print(table)
    if asks:
        console.print(ASKED_ABOUT, highlight=False, soft_wrap=True)
    if len(every) > MOST_SHOWN:
        console.print(f"... and {len(every) - MOST_SHOWN} more lines (--json lists them)", markup=False)


def _print_ledger(console: Console, ledger: SkuLedger) -> None:
    stock = ledger.stock
    lacking = f"{ledger.holds_nothing_yet} unallocated" if ledger.holds_nothing_yet else f"{stock.uncovered} uncovered"
    console.print(
        f"{clean(stock.sku)} at {clean(stock.depot_name)}: {stock.on_hand} on hand, {stock.allocated} allocated, "
        f"{stock.available} available, {stock.inbound} to come, {stock.wanted} wanted, {lacking}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    table = Table("Day", "Comes", "Wanted", "Supply so far", "Demand so far", "Balance", box=None)
    for each in ledger.days[:MOST_SHOWN]:
        totals = (str(each.supply), str(each.demand), str(each.balance)) if each.day else ("–", "–", "–")
        table.add_row(each.day or "no date", str(each.comes), str(each.wanted), *totals)
    console.print(table)
    if not ledger.short_from:
        said = "Everything that is wanted is covered."
        if ledger.holds_nothing_yet:
            said = (
                f"Enough is here or comes in time for everything that is wanted; {ledger.holds_nothing_yet} of it hold "
                "no goods yet, because their orders are wanted far ahead or wait to ship complete."
            )
    elif ledger.covered_from:
        said = f"Short from {ledger.short_from}, covered from {ledger.covered_from} on."
    else:
        said = f"Short from {ledger.short_from}, and no date covers it."
    console.print(said, markup=False, highlight=False)
