"""Where an open order stands on a day: the one meaning of ready, waiting and held on every page. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from routing.rules.release import NotReleased


class Standing(StrEnum):
    """An open order has exactly one, in the order in which a page names them. They add up to all that is open."""

    READY = "ready"
    IN_REVIEW = "in_review"
    WAITING = "waiting"
    HELD = "held"
    LATER = "later"
    ON_THE_WAY = "on_the_way"


ON_SHELF = "on_shelf"
ON_TRUCK = "on_truck"
RELEASED = "released"
LOADED = "loaded"
NOT_LOOKED_UP = "not_looked_up"

HOLDS = frozenset({NotReleased.ON_HOLD, NotReleased.PAYMENT, NotReleased.CUSTOMER_PAYMENT, NotReleased.TOO_LATE})
"""Nothing but a person or a payment lets such an order go, however much lies there."""

WANTS_GOODS = frozenset(
    {
        NotReleased.WAITS_FOR_STOCK,
        NotReleased.INCOMPLETE,
        NotReleased.LINE_INCOMPLETE,
        NotReleased.BELOW_MIN_PERCENT,
        NotReleased.BELOW_MIN_VALUE,
        NotReleased.LAST_SHIPMENT,
        NotReleased.NO_RIDE,
    }
)

GROUPS: tuple[tuple[Standing, frozenset[NotReleased]], ...] = (
    (Standing.HELD, HOLDS),
    (Standing.LATER, frozenset({NotReleased.NOT_YET})),
    (Standing.WAITING, WANTS_GOODS),
    (Standing.LATER, frozenset({NotReleased.CLOSED_THAT_DAY})),
)
"""Where an order stands that stays, by the first group that one of its reasons is in; each reason is in one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """`why`: of what is ready or in review, how far it is (`on_shelf`, `released`, `loaded`); of what waits
    `on_truck`, or the first reason of the release; "" where the standing says it all. Not `looked_up`: nobody has to
    decide about the address in review yet, it has only not been looked up."""

    standing: Standing
    why: str = ""
    looked_up: bool = True

    @property
    def word(self) -> str:
        """What one order is called: what is released already, or loaded, is not called ready as what lies there is.

        >>> Stand(standing=Standing.READY, why=ON_SHELF).word, Stand(standing=Standing.READY, why=RELEASED).word
        ('ready', 'released')
        >>> Stand(standing=Standing.IN_REVIEW, why=RELEASED, looked_up=False).word
        'not_looked_up'
        """
        if self.standing is Standing.READY and self.why in (RELEASED, LOADED):
            return self.why
        if self.standing is Standing.IN_REVIEW and not self.looked_up:
            return NOT_LOOKED_UP
        return self.standing.value


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """What is known of an open order on the day.

    Its goods: `left` with a van, `loaded` on one that has not left, `released` for this day or an earlier one,
    `released_ahead` for a later one. A release for the day: would take it (`goes`, with something of it still on a
    truck that is not counted in: `on_truck`), or leaves it for `reasons`. `sure`: the place of its site is;
    `looked_up`: its address was.
    """

    left: bool = False
    loaded: bool = False
    released: bool = False
    released_ahead: bool = False
    goes: bool = False
    on_truck: bool = False
    reasons: Collection[NotReleased] = ()
    sure: bool = True
    looked_up: bool = True


def stand_of(order: OrderFacts) -> Stand:
    """The first that fits: what is with a van, then what can leave, then why the rest cannot.

        >>> says = lambda **facts: " ".join(filter(None, (stand_of(OrderFacts(**facts)).standing,
        ...                                               stand_of(OrderFacts(**facts)).why)))
        >>> says(left=True, goes=True), says(released=True), says(goes=True)
        ('on_the_way', 'ready released', 'ready on_shelf')

    What stands on a truck is not ready: the count may come out otherwise. What has no sure place cannot be planned.

        >>> says(goes=True, on_truck=True), says(goes=True, sure=False)
        ('waiting on_truck', 'in_review on_shelf')
        >>> stand_of(OrderFacts(goes=True, sure=False, looked_up=False)).looked_up
        False

    A hold comes first: more goods would not let it go. An order for next week waits for its day and not for goods,
    even when none lie here yet; one whose site is not served today waits for its goods if those are missing.

        >>> says(reasons=[NotReleased.ON_HOLD, NotReleased.WAITS_FOR_STOCK])
        'held on_hold'
        >>> says(reasons=[NotReleased.WAITS_FOR_STOCK, NotReleased.NOT_YET]), says(reasons=[NotReleased.INCOMPLETE])
        ('later not_yet', 'waiting incomplete')
        >>> says(reasons=[NotReleased.INCOMPLETE, NotReleased.CLOSED_THAT_DAY])
        'waiting incomplete'
        >>> says(reasons=[NotReleased.CLOSED_THAT_DAY]), says(released_ahead=True)
        ('later closed_that_day', 'later released')
    """
    if order.left:
        return Stand(standing=Standing.ON_THE_WAY)
    can_leave = LOADED if order.loaded else RELEASED if order.released else ""
    if not can_leave and order.goes and not order.on_truck:
        can_leave = ON_SHELF
    if can_leave:
        if order.sure:
            return Stand(standing=Standing.READY, why=can_leave)
        return Stand(standing=Standing.IN_REVIEW, why=can_leave, looked_up=order.looked_up)
    if order.goes:
        return Stand(standing=Standing.WAITING, why=ON_TRUCK)
    for standing, reasons in GROUPS:
        found = next((each for each in order.reasons if each in reasons), None)
        if found is not None:
            return Stand(standing=standing, why=found.value)
    if order.released_ahead:
        return Stand(standing=Standing.LATER, why=RELEASED)
    return Stand(standing=Standing.WAITING, why="")
