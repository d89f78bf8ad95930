"""`backroute receive`: goods come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from data.importers.receipts import read_receipts
from data.queries.company import company_card
from data.store import SqlStore
from data.store.again import in_transaction
from routing.model.imports import ImportResult
from routing.model.orders import LineChange, Preview
from routing.model.stock import Receipt
from routing.services.erp import refuse_if_erp
from routing.services.receiving import commit_file, of_depots, simulate_receipts
from routing.services.telling import Hear, how_they_hear
from web.changes import besides_document, line_document, told_document, worth_document
from web.cli.files import FILE, check_file, template_option
from web.cli.output import MOST_SHOWN, clean, json_option, plain, print_json, short_day
from web.cli.told import print_causes, print_told, print_worth, promise_words
from web.cli.values import BY
from web.wiring import open_installation

"""Rows of a table on a terminal; the rest is counted, `--json` has them all."""


# ---------------------------------------------------------------------------- receive


@click.command("receive")
@FILE
@template_option("receipts")
@click.option("--simulate", is_flag=True, help="Show who goes and who waits, and change nothing.")
@click.option(
    "--rest",
    type=click.Choice(["gone", "comes"]),
    default="gone",
    show_default=True,
    help="What is missing of an inbound: gone closes it, comes keeps it open. For rows whose more_to_come is empty.",
)
@click.option(
    "--again",
    is_flag=True,
    help="Count in what comes of an inbound that was counted in before and of which nothing more was to come.",
)
@json_option
def receive_command(file: Path, simulate: bool, rest: str, again: bool, as_json: bool) -> None:
    """Count in what arrived: give it to the orders that wait, make new promises, tell whom they concern.

    Is less counted than an inbound was to bring, nobody is promised the rest unless --rest, or the column more_to_come
    (yes or no) that a row may have, says that it will still come.
    """
    with open_installation() as here:
        now = here.clock.now()
        check_file(file)
        with file.open("rb") as opened, here.database.reading() as connection:
            store = SqlStore(connection)
            refuse_if_erp(store)
            arrived, result = read_receipts(store, opened, now=now, rest_comes=rest == "comes")
            currency = company_card(connection).currency
        counted_in: list[tuple[list[Receipt], Preview]]
        if simulate:
            with here.database.reading() as connection:
                store = SqlStore(connection)
                counted_in = [
                    (together, simulate_receipts(store, together, now=now)) for together in of_depots(arrived)
                ]
        else:
            counted_in = in_transaction(
                here.database, partial(commit_file, receipts=arrived, now=now, by=BY, again=again)
            )
        with here.database.reading() as connection:
            store = SqlStore(connection)
            hear = [how_they_hear(store, preview.lines, now=now) for _together, preview in counted_in]
    if as_json:
        print_json(_receive_document(counted_in, hear, result, simulate=simulate, currency=currency))
    else:
        for (together, preview), heard in zip(counted_in, hear, strict=True):
            _print_receive(together, preview, heard, currency=currency)
        console = Console()
        for error in result.errors[:MOST_SHOWN]:
            console.print(f"Row {error.row}: {clean(error.what)}", markup=False, highlight=False)
        if simulate:
            console.print("Nothing was changed. Run it without --simulate to count it in.", highlight=False)
    if result.needs_a_person or any(preview.warnings for _, preview in counted_in):
        click.get_current_context().exit(1)


def _receive_document(
    counted_in: list[tuple[list[Receipt], Preview]],
    hear: list[Hear],
    result: ImportResult,
    *,
    simulate: bool,
    currency: str,
) -> dict[str, Any]:
    told = [(preview.lines, heard) for (_, preview), heard in zip(counted_in, hear, strict=True)]
    about = [line for together, preview in counted_in for line in preview.about({each.sku for each in together})]
    return {
        "simulated": simulate,
        "receipts": [
            {"number": receipt.number, "sku": receipt.sku, "quantity": receipt.quantity,
             "quarantined": receipt.quarantined, "already": preview.already}
            for together, preview in counted_in
            for receipt in together
        ],
        "lines": [
            line_document(line)
            for together, preview in counted_in
            for line in _shown(preview, {each.sku for each in together})
        ],
        "policy": [preview.rule.value for _, preview in counted_in],
        **told_document(told),
        **besides_document(told),
        **worth_document(about, currency=currency),
        "broken": [number for _, preview in counted_in for number in preview.broken],
        "rests": [rest for _, preview in counted_in for rest in preview.rests],
        "again": [twice for _, preview in counted_in for twice in preview.again],
        "warnings": [warning for _, preview in counted_in for warning in preview.warnings],
        "errors": [{"row": error.row, "what": error.what} for error in result.errors],
    }  # fmt: skip


def _shown(preview: Preview, skus: set[str]) -> tuple[LineChange, ...]:
    """What the table and its sums are of, and what is only told now."""
    return (*preview.about(skus), *preview.told_now(skus))


def _print_receive(receipts: list[Receipt], preview: Preview, hear: Hear, *, currency: str) -> None:
    console = Console()
    every = list(dict.fromkeys(receipt.number for receipt in receipts))
    numbers = ", ".join(every[:MOST_SHOWN])
    if len(every) > MOST_SHOWN:
        numbers += f" and {len(every) - MOST_SHOWN} more"
    units = sum(receipt.quantity for receipt in receipts)
    quarantined = sum(receipt.quarantined for receipt in receipts)
    goods = f"{units} × {receipts[0].sku}" if len(receipts) == 1 else f"{units} units of {len(receipts)} articles"
    title = clean(f"{numbers}: {goods}" + (f", {quarantined} quarantined" if quarantined else ""))
    if preview.already:
        console.print(f"{title}: counted in before, nothing changes", markup=False, highlight=False)
        return
    skus = {receipt.sku for receipt in receipts}
    lines = preview.about(skus)
    if lines:
        _print_lines(console, title, lines)
        print_worth(console, lines, currency=currency)
    else:
        console.print(f"{title}: nobody waits for it", markup=False, highlight=False)
    if moved := preview.told_now(skus):
        # What they were expected on moved when nobody was told: what the customer knows is the promise.
        _print_lines(console, "Moved before, told now", [replace(line, old_day=line.promised_on) for line in moved])
    print_causes(console, [line for line in preview.lines if line.moved_by and line.concerns])
    print_told(console, preview.lines, hear)
    for warning in (*preview.again, *preview.warnings):
        console.print(f"! {clean(warning)}", markup=False, highlight=False)
    _print_rests(console, preview)


def _order(line: LineChange) -> str:
    return clean(line.order)


def _sku(line: LineChange) -> str:
    return clean(line.sku)


def _print_lines(console: Console, title: str, lines: Sequence[LineChange]) -> None:
    table = Table(title=plain(title), title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("Order", no_wrap=True, min_width=7)
    # The customer's name gives way first: numbers and days cut short say nothing.
    shown = lines[:MOST_SHOWN]
    others = sum(
        max([least, *(len(text(line)) for line in shown)])
        for least, text in ((7, _order), (3, _sku), (7, promise_words))
    )
    room = console.width - others - 3 * 5 - 2 * 6 - 9 * 2
    table.add_column("Customer", no_wrap=True, overflow="ellipsis", max_width=max(8, min(18, room)))
    table.add_column("SKU", no_wrap=True)
    for word in ("Wants", "Goes", "Waits"):
        table.add_column(word, justify="right", no_wrap=True)
    for word in ("Was", "Now", "Promise"):
        table.add_column(word, no_wrap=True)
    for line in shown:
        table.add_row(
            plain(line.order),
            plain(line.customer),
            plain(line.sku),
            str(line.needed),
            str(line.goes) if line.goes else "–",
            str(line.stays) if line.stays else "–",
            short_day(line.old_day),
            short_day(line.new_day),
            promise_words(line),
        )
    console.print(table)
    if len(lines) > MOST_SHOWN:
        console.print(f"... and {len(lines) - MOST_SHOWN} more lines (--json lists them)", markup=False)
    if len(lines) > 1:
        goes, waits = sum(line.goes for line in lines), sum(line.stays for line in lines)
        breaks = sum(line.breaks for line in lines)
        broken = f", {breaks} promise{' breaks' if breaks == 1 else 's break'}" if breaks else ""
        console.print(f"{len(lines)} lines: {goes} go, {waits} wait{broken}", markup=False, highlight=False)


def _print_rests(console: Console, preview: Preview) -> None:
    for rest in preview.rests:
        console.print(clean(rest), markup=False, highlight=False, soft_wrap=True)
