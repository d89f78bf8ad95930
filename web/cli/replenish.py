"""`backroute replenish`: what to order from suppliers, per SKU and depot, with the numbers it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from data.store import SqlStore
from routing.errors import InvalidInput
from routing.rules.replenishment import Advice
from routing.services.erp import refuse_if_erp
from routing.services.replenishing import forecast_of, replenishment
from web.cli.output import MOST_SHOWN, counted, json_option, plain, print_json
from web.cli.supplier_notices import supplier_notices
from web.cli.values import depots_named
from web.wiring import open_installation


@click.command("replenish")
@click.option("--depot", "depot_number", help="Only this depot, by its number.")
@click.option("--supplier", help="Only what this supplier usually brings, by name.")
@click.option("--sku", help="Only this article, with a forecast of next week.")
@click.option("--notices", is_flag=True, help="What to write to each supplier: what is overdue, what to order.")
@click.option("--send", is_flag=True, help="With --notices: put into the outbox what was not written today.")
@json_option
def replenish_command(
    depot_number: str | None, supplier: str | None, sku: str | None, notices: bool, send: bool, as_json: bool
) -> None:
    """What to order now, in whole cases: the reorder point against what is here, on order and wanted.

    Demand is what was ordered in the last half year, not what was delivered. Changes nothing without --send.
    """
    if send and not notices:
        raise InvalidInput("Say --notices --send: without --notices there is nothing to send.", code="send")
    with open_installation() as here, here.database.reading() as connection:
        refuse_if_erp(SqlStore(connection))
    if notices:
        if depot_number or sku:
            raise InvalidInput("A message is one a supplier: leave out --depot and --sku.", code="notices")
        supplier_notices(supplier, send=send, as_json=as_json)
        return
    with open_installation() as here, here.database.reading() as connection:
        store, now = SqlStore(connection), here.clock.now()
        depots = depots_named(store.depots(), depot_number)
        if sku is not None and sku not in store.product_ids([sku]):
            raise InvalidInput(f'There is no product "{sku[:40]}". Write its number as the list shows it.', code="sku")
        if supplier is not None and not store.has_supplier(supplier):
            raise InvalidInput(
                f'There is no supplier "{supplier[:40]}". Write its name as the list shows it.', code="supplier"
            )
        found = [
            advice
            for depot in depots
            for advice in replenishment(store, depot_id=depot.id, now=now)
            if supplier in (None, advice.facts.supplier) and sku in (None, advice.facts.sku)
        ]
    if as_json:
        print_json({"lines": [document(advice, with_forecast=sku is not None) for advice in found]})
        return
    console = Console()
    if not found:
        console.print("Nothing to order: no SKU here was ordered, is to come or lies on a shelf.", highlight=False)
        return
    to_order = [advice for advice in found if advice.order]
    uncovered = sum(advice.uncovered for advice in found)
    of = counted(len(found), "SKU")
    console.print(f"{of}, {len(to_order)} to order now, {counted(uncovered, 'unit')} uncovered", highlight=False)
    _print_table(console, found[:MOST_SHOWN])
    if len(found) > MOST_SHOWN:
        console.print(f"... and {counted(len(found) - MOST_SHOWN, 'more SKU')} (--json lists them)", markup=False)
    if sku is not None:
        for advice in found:
            console.print(forecast_words(advice), markup=False, highlight=False)


def _print_table(console: Console, found: Sequence[Advice]) -> None:
    """A depot's name stands over its rows: a terminal of 80 columns has no room for it in each."""
    widths = {"SKU": 8, "A day": 11, "Lead": 4, "Point": 5, "Position": 8, "Order": 5, "Cases": 5, "Look at": None}
    for depot, rows in groupby(found, key=lambda advice: advice.facts.depot):
        table = Table(title=plain(depot), title_justify="left", box=None, pad_edge=False)
        for name, width in widths.items():
            table.add_column(name, justify="left" if name in ("SKU", "Look at") else "right", min_width=width)
        for advice in rows:
            table.add_row(*(plain(cell) for cell in _cells(advice)))
        console.print(table)
    if any(advice.method == "empirical" for advice in found):
        console.print("~: seldom ordered, so the point is what was enough in nearly all runs of days.", style="dim")
    if any(advice.only_waited_for for advice in found):
        console.print("*: only what customers wait for and nothing covers; too little is known for more.", style="dim")


def _cells(advice: Advice) -> tuple[str, ...]:
    facts = advice.facts
    look = [f"{advice.uncovered} uncovered"] if advice.uncovered else []
    look += [f"{each.number} overdue" for each in facts.overdue]
    look += [f"spike: {advice.spike.units} a week"] if advice.spike else []
    look += [counted(len(facts.sources), "source")] if advice.few_sources else []
    look += [f"{counted(len(facts.daily), 'day')} known, too few"] if advice.refused else []
    late = f" ± {advice.lead.deviation:.1f}" if advice.lead.deviation else ""
    return (
        facts.sku,
        f"{advice.demand.mean:.1f} ± {advice.demand.deviation:.1f}",
        f"{advice.lead.days:.0f}{late}",
        f"{'~' if advice.method == 'empirical' else ''}{advice.reorder_point:.0f}" if advice.method else "–",
        str(advice.position),
        f"{advice.order}*" if advice.only_waited_for else str(advice.order or "–"),
        str(advice.cases or "–"),
        ", ".join(look),
    )


def forecast_words(advice: Advice) -> str:
    """One sentence; the engine is loaded only when it is asked for."""
    from routing.engines.forecasts import smoothed

    found = forecast_of(advice, smoothed)
    if found.refused:
        return f"No forecast for {advice.facts.sku} at {advice.facts.depot}: {found.refused}"
    how = "smoothing" if found.uses == "smoothed" else "as last week, because smoothing was no better"
    return (
        f"Next week {advice.facts.sku} at {advice.facts.depot}: {found.next_week:.0f} ({how}); "
        f"over {found.tried} weeks smoothing erred by {found.error:.1f} a week, "
        f"the naive forecast by {found.naive_error:.1f}"
    )


def document(advice: Advice, *, with_forecast: bool) -> dict[str, Any]:
    """As `replenish --json` prints it: every number that the order comes from."""
    facts = asdict(advice.facts)
    daily = facts.pop("daily")
    said = facts | {
        "days_of_history": len(daily),
        "demand_a_day": advice.demand.mean,
        "demand_deviation": advice.demand.deviation,
        "lead_days": advice.lead.days,
        "lead_deviation": advice.lead.deviation,
        "lead_from": advice.lead_from,
        "review_days": advice.lead.review_days,
        "method": advice.method,
        "refused": advice.refused,
        "safety_stock": advice.safety_stock,
        "reorder_point": advice.reorder_point,
        "position": advice.position,
        "order": advice.order,
        "cases": advice.cases,
        "only_waited_for": advice.only_waited_for,
        "uncovered": advice.uncovered,
        "spike": asdict(advice.spike) if advice.spike else None,
        "few_sources": advice.few_sources,
    }
    if with_forecast:
        from routing.engines.forecasts import smoothed

        said["forecast"] = asdict(found := forecast_of(advice, smoothed)) | {"scaled_error": found.scaled}
        if found.refused:
            # A program that does not ask for `refused` must not read "nothing next week".
            said["forecast"] |= dict.fromkeys(("next_week", "error", "naive_error", "scaled_error"))
    return said
