"""`backroute backorders`: what customers wait for, as the daily list has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby

import click
from rich.console import Console
from rich.table import Table

from data.queries.backorders import SORTS, backorders, customers_called
from data.store import SqlStore
from routing.model.amounts import how_many
from routing.model.backorders import Backorder
from routing.model.days import today_of
from web.cli.output import counted, json_option, plain, print_json
from web.cli.told import answer_words, let_go_words
from web.formats import money
from web.wiring import open_installation


@click.command("backorders")
@click.option("--customer", help="Only this customer: its number, its name or a part of it.")
@click.option(
    "--sort",
    type=click.Choice(SORTS),
    default="customer",
    help="By customer, who is latest against the first promise first, or the most open money first.",
)
@json_option
def backorders_command(customer: str | None, sort: str, as_json: bool) -> None:
    """List every line that waits for stock: quantity, expected and promised day, days late, money.

    A line whose expected day is over and that has no new one yet is overdue (--json gives the day).
    What lies on the shelf for an order, is released or gone does not wait. Days late count from what was promised
    first, or what the customer wished for last.
    """
    with open_installation() as here, here.database.reading() as connection:
        chosen = None if customer is None else customers_called(connection, customer.strip())
        now = here.clock.now()
        today = today_of(now, SqlStore(connection).company().zone)
        lines = backorders(connection, customer_ids=chosen, today=today, sort=sort)
        day_in = {line.zone: today_of(now, line.zone) for line in lines}
    if as_json:
        rows = [asdict(line) | {"unallocated": max(0, line.quantity - line.covered)} for line in lines]
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
    if sort != "customer":
        console.print()
        console.print(_table(lines, day_in, with_customer=True))
        return
    for _customer_id, some in groupby(lines, key=lambda line: line.customer_id):
        each = list(some)
        console.print()
        console.print(plain(each[0].customer), highlight=False)
        console.print(_table(each, day_in, with_customer=False))


def _table(lines: Sequence[Backorder], day_in: Mapping[str, str], *, with_customer: bool) -> Table:
    """`day_in`: the day it is at the depots, by their zone: a term ends with a day there."""
    heads = ["Goods", "SKU", "Waits", "Expected", "Promised", "Late", "Worth", "Order"]
    asks = any(line.answer_by for line in lines)
    heads += ["Answer by"] if asks else []
    table = Table(*(["Customer"] if with_customer else []), *heads, box=None)
    for column in table.columns:
        if column.header in ("Waits", "Late", "Worth"):
            column.justify = "right"
        if column.header == "Customer":
            column.min_width = 8
    for line in lines:
        table.add_row(
            *([plain(line.customer)] if with_customer else []),
            plain(line.name),
            plain(line.sku),
            plain(how_many(line.quantity, line.unit)),
            "overdue"
            if "" < line.expected_on < day_in[line.zone]
            else let_go_words(line.expected_on, on_hold=line.on_hold) or "no day",
            _promised(line),
            f"{line.days_late} d" if line.days_late else "–",
            money(line.worth, line.currency) if line.currency else "–",
            plain(", ".join(part for part in (line.order, line.reference) if part)),
            *([answer_words(line.answer_by, day_in[line.zone])] if asks else []),
        )
    return table


def _promised(line: Backorder) -> str:
    """With the day that lateness counts from, where that is another."""
    said = "wished for" if line.wished else "first"
    first = f" ({said} {line.due_on})" if line.days_late and line.due_on != line.promised_on else ""
    return (line.promised_on or "–") + first
