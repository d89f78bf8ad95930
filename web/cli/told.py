"""What customers hear of a change and what it is worth, on a terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date

from rich.console import Console
from rich.table import Table

from routing.model.orders import LineChange
from routing.rules.effect import Effect, effect_of, worths_of
from routing.services.telling import Hear
from web.changes import worth_words
from web.cli.output import MOST_SHOWN, clean, counted, plain, short_day

ASKED_ABOUT = "Answer by: the customer is asked about the promised day, by message or a call, and has not answered yet."
"""Under a table with that column."""
MOST_NAMED = 12
"""Rows of a table on a terminal; the rest is counted, `--json` has them all."""


def answer_words(answer_by: str, today: str) -> str:
    """A cell of that column; "" for who is asked nothing.

    >>> [answer_words(day, "2026-03-06") for day in ("2026-03-06", "2026-03-05", "")]
    ['2026-03-06', '2026-03-05 (over)', '–']
    """
    return f"{answer_by} (over)" if "" < answer_by < today else answer_by or "–"


def print_worth(console: Console, lines: Iterable[LineChange], *, currency: str) -> None:
    """One line under a table, when anything of it has a price."""
    said = worth_words(worths_of(lines, home=currency))
    if said:
        console.print(said, markup=False, highlight=False, soft_wrap=True)


def print_lines(console: Console, lines: Sequence[LineChange]) -> None:
    """Each line with its goods on the shelf and to come, its days and what becomes of its promise; nothing of none."""
    if not lines:
        return
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
            promise_words(line),
        )
    console.print(table)
    if len(lines) > MOST_SHOWN:
        console.print(f"... and {len(lines) - MOST_SHOWN} more lines (--json lists them)", markup=False)


def print_told(console: Console, lines: Collection[LineChange], hear: Hear) -> None:
    """How many orders this moves hear what and how, and who loses a date, by name; then who is told along of what had
    moved before."""
    effect = effect_of(lines)
    said = [
        f"{len(orders)} {one if len(orders) == 1 else many}"
        for orders, one, many in (
            (effect.later, "order gets a later date", "orders get a later date"),
            (effect.lost, "order loses its date", "orders lose their date"),
            (effect.again, "order has its date again", "orders have their date again"),
        )
        if orders
    ]
    if said:
        console.print(f"{', '.join(said)}: {_how(hear, effect.moved)}.", highlight=False, soft_wrap=True)
    _print_losers(console, lines, effect, hear)
    for orders, one, many in (
        (effect.sooner, "order is promised an earlier day", "orders are promised an earlier day"),
        (effect.first, "order is promised its first day", "orders are promised their first day"),
    ):
        theirs = hear.among(orders)
        if theirs.by_message or theirs.by_call:
            called = f", {theirs.by_call} by a call" if theirs.by_call else ""
            console.print(
                f"{counted(len(orders), one, many)}: {theirs.by_message} told by message{called}.",
                highlight=False,
                soft_wrap=True,
            )
    if effect.along:
        along = counted(len(effect.along), "order that had moved before is", "orders that had moved before are")
        console.print(f"{along} told along: {_how(hear, effect.along)}.", highlight=False, soft_wrap=True)


def print_causes(console: Console, moved: Sequence[LineChange]) -> None:
    """What had moved these before, each with the orders of which it is true."""
    for why in dict.fromkeys(line.moved_by for line in moved):
        orders = list(dict.fromkeys(line.order for line in moved if line.moved_by == why))
        console.print(clean(f"{why}: {', '.join(orders)}"), markup=False, highlight=False, soft_wrap=True)


def _print_losers(console: Console, lines: Iterable[LineChange], effect: Effect, hear: Hear) -> None:
    named = [_named(line, hear) for line in lines if line.loses and line.order_id in effect.lost]
    if not named:
        return
    more = f", and {len(named) - MOST_NAMED} more (--json lists them)" if len(named) > MOST_NAMED else ""
    console.print(
        clean(f"Without a date now: {'; '.join(named[:MOST_NAMED])}{more}"),
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _how(hear: Hear, orders: Collection[int]) -> str:
    theirs = hear.among(orders)
    asked = f"{len(theirs.asked)} asked (answer by {_until(theirs.answers_by)}), " if theirs.asked else ""
    called = f" ({len(theirs.call_by)} asked, answer by {_until(theirs.calls_by)})" if theirs.call_by else ""
    return f"{asked}{theirs.by_message} told by message, {theirs.by_call} by a call{called}"


def _until(days: Sequence[str]) -> str:
    """`Mon 30 Nov`, or of several days the first and the last."""
    first, last = date.fromisoformat(days[0]), date.fromisoformat(days[-1])
    said = [f"{day:%a} {day.day} {day:%b}" for day in (first, last)]
    return said[0] if first == last else f"{said[0]} to {said[1]}"


def _named(line: LineChange, hear: Hear) -> str:
    how = {"call": "by a call", "asked": "asked"}.get(hear.of(line.order_id), "by message")
    if line.order_id in hear.call_by:
        how += f", answer by {short_day(hear.call_by[line.order_id])}"
    return f"{line.order} of {line.customer}, {line.needed} × {line.sku} promised {short_day(line.promised_on)} ({how})"


def let_go_words(day: str, *, on_hold: bool) -> str:
    """The day on which something is expected; of what is on hold, when it is let go.

    >>> let_go_words("2026-05-12", on_hold=True), let_go_words("", on_hold=True)
    ('2026-05-12 when let go', '')
    """
    return f"{day} when let go" if day and on_hold else day


def promise_words(line: LineChange) -> str:
    """The same with the promised day, where it stands neither as the old day nor as the new one."""
    word = kept_words(line)
    stands_there = line.promised_on in (line.old_day, line.new_day)
    return word if not word or stands_there or line.moved_by else f"{word} ({short_day(line.promised_on)})"


def kept_words(line: LineChange) -> str:
    """What becomes of the promise in force, in a word. What had moved before broke before, and is told now."""
    if line.on_hold:
        return "on hold"
    if not line.promised_on:
        return ""
    if line.breaks:
        return "breaks"
    if line.moved_by and (line.slips or line.loses):
        return "broke before"
    if line.slips:
        return "new date"
    if not line.new_day:
        return "no date"
    return "earlier" if line.new_day < line.promised_on else "kept"
