"""What customers hear of a change, on a terminal and for programs."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rich.console import Console

from routing.model.orders import LineChange
from routing.services.telling import Hear
from web.cli.output import clean, short_day

MOST_NAMED = 12


def told_document(hear: Iterable[Hear]) -> dict[str, int]:
    """How many orders are told of a later date, none any more or one again, by how."""
    every = list(hear)
    return {"message": sum(each.by_message for each in every), "call": sum(each.by_call for each in every)}


def print_told(console: Console, lines: Collection[LineChange], hear: Hear) -> None:
    """How many orders hear what and how; and who loses a date, by name."""
    later = len({line.order_id for line in lines if line.slips})
    lost = len({line.order_id for line in lines if line.loses})
    again = len({line.order_id for line in lines if line.again and not line.slips})
    said = [
        f"{n} {one if n == 1 else many}"
        for n, one, many in (
            (later, "order gets a later date", "orders get a later date"),
            (lost, "order loses its date", "orders lose their date"),
            (again, "order has its date again", "orders have their date again"),
        )
        if n
    ]
    if not said:
        return
    how = f"{hear.by_message} told by message, {hear.by_call} by a call."
    console.print(f"{', '.join(said)}: {how}", highlight=False, soft_wrap=True)
    if lost:
        named = [_named(line, hear) for line in lines if line.loses]
        more = f", and {len(named) - MOST_NAMED} more (--json lists them)" if len(named) > MOST_NAMED else ""
        console.print(
            clean(f"Without a date now: {'; '.join(named[:MOST_NAMED])}{more}"),
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def _named(line: LineChange, hear: Hear) -> str:
    how = "by a call" if hear.of(line.order_id) == "call" else "by message"
    return f"{line.order} of {line.customer}, {line.needed} × {line.sku} promised {short_day(line.promised_on)} ({how})"
