"""`backroute figures --from --to`: the figures of a period on the terminal."""

from __future__ import annotations

from datetime import date

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from data.queries.period_figures import PeriodFigures, period_figures, scope_of
from routing.errors import InvalidInput
from routing.model.days import day_words
from routing.rules.figures.words import ETA, HOURS
from web.cli.output import print_json
from web.figure_rows import as_document, figure_rows
from web.wiring import Installation


def show_period(here: Installation, *, first: str, last: str, depot: str, customer: str, as_json: bool) -> None:
    """Raises InvalidInput for days that are none, NotFound for a depot or customer that is none."""
    with here.database.reading() as connection:
        found = period_figures(
            connection,
            first=_day(first),
            last=_day(last),
            now=here.clock.now(),
            scope=scope_of(connection, depot_number=depot, customer_number=customer),
        )
    if as_json:
        print_json(as_document(found))
    else:
        _show(found)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 2000 <= day.year <= 2199:
        raise InvalidInput(f'"{text[:20]}" is no day. Write it like 2026-05-12.', code="day")
    return day


def _show(found: PeriodFigures) -> None:
    console = Console()
    console.print(f"{day_words(found.period.first)} to {day_words(found.period.last)}", style="bold", highlight=False)
    for row in figure_rows(found).values():
        _figure(console, row.name, row.percent, row.counted, row.definition)
    for key, (name, definition) in HOURS.items():
        of = getattr(found, key)
        shown = "–" if of.median is None else f"{of.median:.1f} h"
        counted = f"median of {of.n}; nine of ten within {of.p90:.1f} h" if of.n else "nothing to count"
        _figure(console, name, shown, counted, definition)
    if found.eta.n:
        counted = f"mean of {found.eta.n}; nine of ten within {found.eta.p90:.1f} min, bias {found.eta.bias:+.1f} min"
        _figure(console, ETA[0], f"{found.eta.mean:.1f} min", counted, ETA[1])
    console.print()
    if found.ageing is not None:
        console.print("Backorders at the end of the period, by days")
        ages = Table(box=SIMPLE_HEAD, pad_edge=False)
        for heading in ("Days", "Since ordered: lines", "units", "Past the first promise: lines", "units"):
            ages.add_column(heading, justify="right" if heading != "Days" else "left")
        for since, past in zip(found.ageing.since_ordered, found.ageing.past_promise, strict=True):
            ages.add_row(since.days, str(since.lines), str(since.units), str(past.lines), str(past.units))
        console.print(ages)
        notes = [
            f"{found.ageing.not_due.lines} lines are promised for later, {found.ageing.unpromised.lines} have no date."
        ]
    else:
        notes = []
    notes += [f"Slipped, {cause.value}: {count}" for cause, count in found.slips.by_cause]
    notes += [f"Moved at the customer's wish: {found.slips.at_wish}"] if found.slips.at_wish else []
    notes += [f"Urgent by {by}: {count}" for by, count in found.urgent]
    for note in notes:
        console.print(note, highlight=False, markup=False)


def _figure(console: Console, name: str, shown: str, counted: str, definition: str) -> None:
    """The figure and what it was counted from on one line of 80 columns, what it is below."""
    console.print(f"{name:<42}{shown:>8}  {counted}", markup=False, highlight=False, soft_wrap=True)
    console.print(Padding(Text(definition, style="dim"), (0, 0, 0, 2)))
