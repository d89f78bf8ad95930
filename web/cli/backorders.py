"""`backroute backorders`: what customers wait for, as the daily list has it."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby

import click
from rich.console import Console
from rich.table import Table

from data.queries.backorders import backorders, customers_called
from web.cli.output import counted, json_option, plain, print_json
from web.wiring import open_installation


@click.command("backorders")
@click.option("--customer", help="Only this customer: its number, its name or a part of it.")
@json_option
def backorders_command(customer: str | None, as_json: bool) -> None:
    """List every line that waits for stock, customer by customer: quantity, expected and promised day.

    What lies on the shelf for an order, is released or gone does not wait.
    """
    with open_installation() as here, here.database.reading() as connection:
        chosen = None if customer is None else customers_called(connection, customer.strip())
        lines = backorders(connection, customer_ids=chosen)
    if as_json:
        rows = [asdict(line) | {"uncovered": max(0, line.quantity - line.covered)} for line in lines]
        print_json({"lines": rows})
        return
    console = Console()
    customers = len({line.customer_id for line in lines})
    undated = sum(not line.expected_on for line in lines)
    console.print(
        f"{counted(len(lines), 'line')} of {counted(customers, 'customer')} "
        f"{'waits' if len(lines) == 1 else 'wait'}, {undated} without a day",
        highlight=False,
    )
    for _customer_id, some in groupby(lines, key=lambda line: line.customer_id):
        each = list(some)
        table = Table("Goods", "SKU", "Waits", "Expected", "Promised", "Order", box=None)
        table.columns[2].justify = "right"
        for line in each:
            table.add_row(
                plain(line.name),
                plain(line.sku),
                f"{line.quantity} {plain(line.unit)}",
                line.expected_on or "no day",
                line.promised_on or "–",
                plain(", ".join(part for part in (line.order, line.reference) if part)),
            )
        console.print()
        console.print(plain(each[0].customer), highlight=False)
        console.print(table)
