"""What moves a day though nothing is decided: the calendar, and the release for another day. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from routing.model.orders import Book, Completeness, WaitingLine, WaitingOrder
from routing.model.stock import Supply
from routing.rules.allocation import Outcome

DAY_IS_PAST = "its day was past"
"""Why of a promise that breaks although nothing was decided: its day passed, and neither goods nor van came."""
WAITED_ENOUGH = "an order has waited enough"
"""Why of what moves when an order that waits at most so many days is given what there is."""
SHIPS_OTHERWISE = "policy completeness"
"""Why of what moves when an order is given what there is because a policy of the day it is released for says so."""
LET_GO = "was on hold"
"""Why of a promise that is made when a hold ends or the money is here: until then nobody is told what moves it."""
MOST_UNSENT = 2
"""So many days in a row are told a customer whose goods lie here and are not sent. After that no third is believed:
somebody calls, who can give them a day that holds."""
RELEASED_FOR_ANOTHER_DAY = "released for another day"
"""Why of a promise that breaks because its goods go out on another day than they were expected on."""


def moved_by_itself(
    before: Book, after: Book, outcome: Outcome, expected: Mapping[int, str], *, today: str
) -> dict[int, str]:
    """By line, what moves its day where the change from `before` to `after` gives it nothing and takes nothing from it.
    `expected`: its ISO day afterwards; `today`: the ISO day at the depot.

        >>> from dataclasses import replace
        >>> from datetime import datetime
        >>> from routing.model.stock import Claim, Holding, SupplyKind

    SO-1's 8 lay on the shelf on 2 March and nobody released them. Whatever is counted on the 3rd, it is not the cause:

        >>> line = WaitingLine(id=1, number="1", product_id=1, sku="OAT", name="", needed=8, expected_on="2026-03-02")
        >>> order = WaitingOrder(id=1, number="SO-1", customer_id=1, customer="", site_id=1, site="", lines=(line,),
        ...                      ordered_at=datetime(2026, 3, 1))
        >>> shelf = Supply(id=1, kind=SupplyKind.RECEIPT, number="R-1", product_id=1, quantity=8, ready_at=None)
        >>> book = Book(depot_id=1, supplies=(shelf,), orders=(order,),
        ...             holdings=(Holding(supply_id=1, line_id=1, allocated=8),))
        >>> keeps = Outcome(claims=(Claim(supply_id=1, line_id=1, quantity=8),), committed=())
        >>> moved_by_itself(book, book, keeps, {1: "2026-03-03"}, today="2026-03-03")
        {1: 'its day was past'}

    Released on the 2nd for the 5th, it goes then; and what it loses goods by is the cause, whatever day it was:

        >>> out = Holding(supply_id=1, line_id=1, committed=8, for_day="2026-03-05")
        >>> released = replace(book, holdings=(out,))
        >>> goes = Outcome(claims=(), committed=keeps.claims)
        >>> moved_by_itself(released, released, goes, {1: "2026-03-05"}, today="2026-03-02")
        {1: 'released for another day'}
        >>> moved_by_itself(book, book, Outcome(claims=(), committed=()), {1: "2026-03-09"}, today="2026-03-03")
        {}
    """
    goes_on = {one.line_id: one.for_day for one in before.holdings if one.committed and one.for_day}
    found: dict[int, str] = {}
    looked_at: list[WaitingOrder] = []
    for order in after.orders:
        for line in order.lines:
            new_day = expected.get(line.id, line.expected_on)
            if not line.expected_on or not new_day or new_day == line.expected_on:
                continue
            if goes_on.get(line.id, "") == new_day:
                found[line.id] = RELEASED_FOR_ANOTHER_DAY
            elif line.expected_on < today:
                found[line.id] = DAY_IS_PAST
        if any(line.id in found for line in order.lines):
            looked_at.append(order)
    if not found:
        return {}
    kept = _Kept(before, after, outcome, looked_at)
    return {
        line.id: found[line.id]
        for order in looked_at
        for line in order.lines
        if line.id in found and all(kept.all_of(each) for each in _together(order, line))
    }


def _together(order: WaitingOrder, line: WaitingLine) -> Iterable[WaitingLine]:
    """The lines on which the day of this one depends."""
    return order.lines if order.completeness is Completeness.COMPLETE or order.terms else (line,)


class _Kept:
    """Who holds all that it needs, the same before and after. Goods on the shelf, of any receipt, or of one truck."""

    def __init__(self, before: Book, after: Book, outcome: Outcome, orders: Iterable[WaitingOrder]) -> None:
        self._outside = before.outside
        lines = {line.id for order in orders for line in order.lines}
        was, will = (_when(book.supplies) for book in (before, after))
        self._before: dict[int, dict[object, int]] = defaultdict(lambda: defaultdict(int))
        self._after: dict[int, dict[object, int]] = defaultdict(lambda: defaultdict(int))
        for holding in before.holdings:
            if holding.line_id in lines and (units := holding.allocated + holding.committed):
                self._before[holding.line_id][was[holding.supply_id]] += units
        for claim in (*outcome.claims, *outcome.committed):
            if claim.line_id in lines:
                self._after[claim.line_id][will[claim.supply_id]] += claim.quantity

    def all_of(self, line: WaitingLine) -> bool:
        if line.id in self._outside:
            held = self._outside[line.id]
            return held.firm + held.provisional >= line.needed
        holds = self._before[line.id]
        return holds == self._after[line.id] and sum(holds.values()) >= line.needed


def _when(supplies: Iterable[Supply]) -> dict[int, object]:
    """Each supply as far as a day depends on it: the shelf, or a truck and when it comes."""
    return {each.id: "" if each.is_stock else (each.id, each.ready_at) for each in supplies}
