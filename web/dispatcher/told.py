"""What customers hear of a change: later dates, dates that are lost and dates that are back, in words."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import ngettext

from routing.model.orders import LineChange
from routing.rules.effect import effect_of


def done_words(lines: Iterable[LineChange]) -> str:
    """After the commit: how many got which date by it, and how many were told along of what had moved before; "" when
    nobody is told anything."""
    effect = effect_of(lines)
    later, lost, again, along = (len(each) for each in (effect.later, effect.lost, effect.again, effect.along))
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
    if along:
        said.append(
            ngettext(
                "%(num)s order that had moved before was told along.",
                "%(num)s orders that had moved before were told along.",
                along,
            )
        )
    return " ".join(said)
