"""What customers hear of a change: later dates, dates that are lost and dates that are back, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask_babel import ngettext

from routing.model.orders import LineChange


def orders_of(lines: Iterable[LineChange], which: Callable[[LineChange], bool]) -> int:
    """Orders with such a line."""
    return len({line.order_id for line in lines if which(line)})


def done_words(lines: Iterable[LineChange]) -> str:
    """After the commit: how many got which date; "" when nobody is told anything."""
    every = list(lines)
    later = orders_of(every, lambda line: line.slips)
    lost = orders_of(every, lambda line: line.loses)
    again = orders_of(every, lambda line: line.again and not line.slips)
    said = []
    if later:
        said.append(ngettext("%(num)s order got a later date.", "%(num)s orders got a later date.", later))
    if lost:
        said.append(
            ngettext(
                "%(num)s promised order has no date any more: its task says who tells the customer.",
                "%(num)s promised orders have no date any more: their tasks say who tells the customers.",
                lost,
            )
        )
    if again:
        said.append(ngettext("%(num)s order has its date again.", "%(num)s orders have their date again.", again))
    return " ".join(said)
