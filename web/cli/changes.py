"""What a change does to orders, on a terminal and for programs: a slip, a recount, a policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import click
from rich.console import Console

from data.queries.company import company_card
from data.store import SqlStore
from routing.model.orders import LineChange, Preview
from routing.services.telling import Hear, how_they_hear
from web.changes import besides_document, heard_document, line_document, told_document, worth_document
from web.cli.output import clean, print_json
from web.cli.told import print_causes, print_lines, print_told, print_worth
from web.wiring import Installation


def currency_of(here: Installation) -> str:
    with here.database.reading() as connection:
        return company_card(connection).currency


def heard(here: Installation, previews: list[Preview], *, now: datetime) -> Hear:
    """`now`: the moment at which it was shown or done."""
    with here.database.reading() as connection:
        return how_they_hear(SqlStore(connection), [line for preview in previews for line in preview.lines], now=now)


def print_changes(
    title: str,
    previews: list[Preview],
    hear: Hear,
    *,
    simulate: bool,
    as_json: bool,
    currency: str,
    besides: Mapping[str, Any] | None = None,
    anyway: Sequence[LineChange] | None = None,
    on_its_day: Sequence[LineChange] = (),
) -> None:
    """`besides` stands in the JSON too. `anyway`: what moves along and not through this, where that is told apart; it
    is shown, and counts nowhere. `on_its_day`: of what begins later, what it would do with today's goods; it counts
    nowhere either. Ends with 1 when a person has to look at something."""
    lines = [line for preview in previews for line in preview.concerned]
    moved = [line for line in lines if not line.is_told_along]
    along = [line for line in lines if line.is_told_along]
    warnings = [text for preview in previews for text in preview.warnings]
    if as_json:
        rows = [line_document(line) | heard_document(line, hear) for line in lines]
        broken = [number for preview in previews for number in preview.broken]
        told = told_document([(lines, hear)]) | besides_document([(lines, hear)])
        worth = worth_document(moved, currency=currency)
        document = {"simulated": simulate, "lines": rows, **told, **worth, "broken": broken, "warnings": warnings}
        if anyway is not None:
            document["anyway"] = [line_document(line) for line in anyway]
        if on_its_day:
            document["on_its_day"] = [line_document(line) for line in on_its_day]
        print_json(document | dict(besides or {}))
    else:
        console = Console()
        change = "line changes" if len(moved) == 1 else "lines change"
        console.print(f"{clean(title)}: {len(moved)} {change}", markup=False, highlight=False)
        print_lines(console, moved)
        print_worth(console, moved, currency=currency)
        if along:
            console.print("Moved before, told now:", highlight=False)
            # What they were expected on moved when nobody was told: what the customer knows is the promise.
            print_lines(console, [replace(line, old_day=line.promised_on) for line in along])
            print_causes(console, along)
        if anyway:
            console.print("Moves anyway, not through this:", highlight=False)
            print_lines(console, anyway)
        print_told(console, lines, hear)
        if on_its_day:
            console.print("Once it holds, with today's goods:", highlight=False)
            print_lines(console, on_its_day)
        for text in warnings:
            console.print(f"! {clean(text)}", markup=False, highlight=False)
        if simulate:
            console.print("Nothing was changed. Run it without --simulate to commit it.", highlight=False)
    if warnings:
        click.get_current_context().exit(1)
