"""What is fetched back from a customer: returns and empties, out of what was handed over there. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from routing.errors import InvalidInput
from routing.model.returns import HandedOver
from routing.rules.saying_why import short_enough

FURTHEST = timedelta(days=366)
MOST_EMPTIES = 10_000
"""Units of one collection that none of our deliveries brought: more is a slip of the keyboard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a collection fetches: `units` by allocation that was handed over, `empties` that we never delivered."""

    units: dict[int, int]
    empties: int = 0


def fetched(handed_over: Sequence[HandedOver], *, quantity: int, sku: str, site: str, returnable: bool) -> Fetched:
    """Out of what was handed over, as `chosen`. What is `returnable` may be more than that: the rest are empties.

    >>> kegs = [HandedOver(allocation_id=1, order_id=1, order="SO-1", depot_id=1, quantity=4)]
    >>> fetched(kegs, quantity=6, sku="KEG-30", site="Café 12", returnable=True)
    Fetched(units={1: 4}, empties=2)
    """
    if not returnable:
        return Fetched(units=chosen(handed_over, quantity=quantity, sku=sku, site=site))
    mine = sum(each.quantity for each in handed_over if each.depot_id == handed_over[-1].depot_id)
    if not 1 <= quantity <= mine + MOST_EMPTIES:
        raise InvalidInput(
            f"Say how many {sku} are to be fetched: 1 or more, and not over {MOST_EMPTIES} that we never delivered.",
            code="quantity",
        )
    ours = min(quantity, mine)
    units = chosen(handed_over, quantity=ours, sku=sku, site=site) if ours else {}
    return Fetched(units=units, empties=quantity - ours)


def chosen(handed_over: Sequence[HandedOver], *, quantity: int, sku: str, site: str) -> dict[int, int]:
    """Units by allocation that make up `quantity`: what was handed over last first, all from one depot.

    The depot is the one that brought the last of it. Raises InvalidInput when so many are not there to be fetched.

    >>> first = HandedOver(allocation_id=1, order_id=1, order="SO-1", depot_id=1, quantity=10)
    >>> last = HandedOver(allocation_id=2, order_id=2, order="SO-2", depot_id=1, quantity=4)
    >>> chosen([first, last], quantity=6, sku="KEG-30", site="Café 12")
    {2: 4, 1: 2}
    """
    if not 1 <= quantity <= 2**31 - 1:
        raise InvalidInput("Say how many units are to be fetched: 1 or more.", code="quantity")
    mine = [each for each in handed_over if each.depot_id == handed_over[-1].depot_id]
    there = sum(each.quantity for each in mine)
    if quantity > there:
        were = f"{there} × {sku} are" if there else f"no {sku} is"
        raise InvalidInput(
            f"By our deliveries {were} at {site} to be fetched, not {quantity}: fewer were handed over, or a "
            "collection has them already.",
            code="quantity",
        )
    found: dict[int, int] = {}
    for each in reversed(mine):
        if not quantity:
            break
        found[each.allocation_id] = min(quantity, each.quantity)
        quantity -= found[each.allocation_id]
    return found


def first_day(asked: str, *, today: date) -> str:
    """The ISO day as it was asked for. Raises InvalidInput for one that is over or more than a year ahead.

    >>> first_day("2026-05-14", today=date(2026, 5, 12))
    '2026-05-14'
    """
    day = date.fromisoformat(asked)
    if not today <= day <= today + FURTHEST:
        raise InvalidInput(f"Nothing is fetched on {asked}: choose a day from {today} on, within a year.", code="day")
    return asked


def cancelled_because(text: str, *, number: str) -> str:
    """Why a collection is not fetched any more, on one line. Raises InvalidInput without one.

    >>> cancelled_because(" they keep  them", number="D-17")
    'they keep them'
    """
    said = " ".join(text.split())
    if not said:
        raise InvalidInput(f"Say why {number} is not fetched: who finds it in the story will ask.", code="why")
    return said


def reason(text: str) -> str:
    """Why it is fetched, on one line. Raises InvalidInput without one.

    >>> reason("  empty  kegs ")
    'empty kegs'
    """
    said = " ".join(text.split())
    if not said:
        raise InvalidInput("Say why it is fetched, such as empties or a return: who counts it in will ask.", code="why")
    return short_enough(said)
