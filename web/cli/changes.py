"""What a change does to orders, on a terminal and for programs: a slip, a recount, a policy."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.table import Table

from data.store import SqlStore
from routing.model.orders import Preview
from routing.services.telling import Hear, how_they_hear
from web.cli.output import clean, plain, print_json, short_day
from web.cli.told import print_told, told_document
from web.wiring import Installation

MOST_SHOWN = 20


def heard(here: Installation, previews: list[Preview]) -> Hear:
    with here.database.reading() as connection:
        return how_they_hear(SqlStore(connection), [line for preview in previews for line in preview.lines])


def print_changes(
    title: str, previews: list[Preview], hear: Hear, simulate: bool, as_json: bool, **besides: Any
) -> None:
    """`besides` stands in the JSON too. Ends with 1 when a person has to look at something."""
    lines = [line for preview in previews for line in preview.concerned]
    warnings = [text for preview in previews for text in preview.warnings]
    if as_json:
        rows = [
            {
                "order": line.order,
                "customer": line.customer,
                "sku": line.sku,
                "needed": line.needed,
                "on_shelf": [line.firm_before, line.firm_after],
                "on_inbound": [line.provisional_before, line.provisional_after],
                "old_day": line.old_day,
                "new_day": line.new_day,
                "promised_on": line.promised_on,
                "slips": line.slips,
                "loses_date": line.loses,
                "date_again": line.again,
                "told": hear.of(line.order_id) if line.is_told else "",
                "moved_by": line.moved_by,
                "value": line.needed * line.price,
                "currency": line.currency,
            }
            for line in lines
        ]
        broken = [number for preview in previews for number in preview.broken]
        told = told_document([hear])
        document = {"simulated": simulate, "lines": rows, "told": told, "broken": broken, "warnings": warnings}
        print_json(document | besides)
    else:
        console = Console()
        change = "line changes" if len(lines) == 1 else "lines change"
        console.print(f"{clean(title)}: {len(lines)} {change}", markup=False, highlight=False)
        if lines:
            table = Table("Order", "Customer", "SKU", "Wants", "Shelf", "Inbound", "Was", "Now", "Promise", box=None)
            for line in lines[:MOST_SHOWN]:
                table.add_row(
                    plain(line.order),
                    plain(line.customer),
                    plain(line.sku),
                    str(line.needed),
                    f"{line.firm_before} → {line.firm_after}",
                    f"{line.provisional_before} → {line.provisional_after}",
                    short_day(line.old_day),
                    short_day(line.new_day),
                    "breaks" if line.slips or (line.promised_on and not line.new_day) else "",
                )
            console.print(table)
        if len(lines) > MOST_SHOWN:
            console.print(f"... and {len(lines) - MOST_SHOWN} more lines (--json lists them)", markup=False)
        print_told(console, lines, hear)
        for text in warnings:
            console.print(f"! {clean(text)}", markup=False, highlight=False)
        if simulate:
            console.print("Nothing was changed. Run it without --simulate to commit it.", highlight=False)
    if warnings:
        click.get_current_context().exit(1)
