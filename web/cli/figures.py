"""`backroute figures --from --to`: the figures of a period on the terminal."""

from __future__ import annotations

from datetime import date

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from data.queries.period_figures import PeriodFigures, period_figures, scope_of
from routing.errors import InvalidInput
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
    table = Table(title=f"{found.period.first} to {found.period.last}", title_justify="left", box=SIMPLE_HEAD,
                  pad_edge=False)  # fmt: skip
    table.add_column("Figure")
    table.add_column("", justify="right")
    table.add_column("Counted from")
    table.add_column("Which is")
    for row in figure_rows(found).values():
        table.add_row(row.name, row.percent, row.counted, row.definition)
    for key, (name, definition) in HOURS.items():
        of = getattr(found, key)
        shown = "–" if of.median is None else f"{of.median:.1f} h"
        table.add_row(name, shown, f"median of {of.n}; P90 {of.p90:.1f} h" if of.n else "nothing to count", definition)
    if found.eta.n:
        table.add_row(
            ETA[0], f"{found.eta.mean:.1f} min",
            f"mean of {found.eta.n}; P90 {found.eta.p90:.1f} min, bias {found.eta.bias:+.1f} min", ETA[1],
        )  # fmt: skip
    console.print(table)
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
