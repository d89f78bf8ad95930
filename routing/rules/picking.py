"""Picking: how many units of which receipt are taken, whose units were taken already, and who loses when some are gone.

Units that were picked are out of the shelf's reach, like loaded ones: when the shelf turns out emptier, the loss is
that of the lowest rank among what nobody has picked yet, not simply that of the order that is picked last.

    >>> from routing.model.picking import PickUnits
    >>> old = PickUnits(allocation_id=1, supply_id=1, line_id=1, quantity=8, picked=6)
    >>> new = PickUnits(allocation_id=2, supply_id=2, line_id=1, quantity=4, picked=0)
    >>> to_take([old, new], 5)          # the 2 that are left of the older receipt, then 3 of the newer
    [(1, 2), (2, 3)]
    >>> to_put_back([old, new], 4)
    [(1, 4)]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from routing.errors import InvalidInput
from routing.model.orders import Book
from routing.model.picking import PickLine, PickUnits
from routing.model.stock import ShelfOfReceipt


def to_take(units: Sequence[PickUnits], quantity: int) -> list[tuple[int, int]]:
    """(allocation, units) of a pick: what was counted in, the first allocation first."""
    return _spread([(each.allocation_id, each.quantity - each.picked) for each in units if not each.to_come], quantity)


def to_put_back(units: Sequence[PickUnits], quantity: int) -> list[tuple[int, int]]:
    """(allocation, units) of what goes back on the shelf."""
    return _spread([(each.allocation_id, each.picked) for each in units], quantity)


def _spread[Key](room: Sequence[tuple[Key, int]], quantity: int) -> list[tuple[Key, int]]:
    found = []
    for key, most in room:
        taken = min(most, quantity)
        if taken > 0:
            found.append((key, taken))
            quantity -= taken
    return found


def share_picked(picked: int, lines: Sequence[tuple[int, int]]) -> list[int]:
    """How many of an allocation's `picked` units each of its open deliveries has; `lines` are (quantity, noted).

    What was noted holds as far as it adds up; after a recount moved units it may not, and then the first has them.

        >>> share_picked(6, [(8, 0)])
        [6]
        >>> share_picked(4, [(6, 0), (4, 4)])
        [0, 4]
        >>> share_picked(5, [(6, 0), (4, 4)])
        [1, 4]
        >>> share_picked(3, [(6, 2), (4, 4)])
        [2, 1]
    """
    shares = []
    for quantity, noted in lines:
        shares.append(min(quantity, noted, picked))
        picked -= shares[-1]
    for index, (quantity, _noted) in enumerate(lines):
        more = min(quantity - shares[index], picked)
        shares[index] += more
        picked -= more
    return shares


def short_of(line: PickLine, there: int, *, number: str) -> int:
    """How many units of a delivery's line are missing when only `there` of it are. Raises InvalidInput for none.

    Fewer than were picked means that some of the picked ones are gone.
    """
    if not 0 <= there < line.quantity:
        raise InvalidInput(
            f"{there} × {line.sku} is no short pick of {number}: it wants {line.quantity}. "
            f"Give how many of its {line.quantity} are there, from 0 to {line.quantity - 1}.",
            code="not_short",
        )
    return line.quantity - there


def left_on_shelf(*, picked: int, there: int, unpicked: int) -> int:
    """Units on the shelf once a delivery that has `picked` of a SKU turns out to get only `there`.

    `unpicked` is what nobody has picked, by the books, with what is put back. Missing on the shelf: whoever finds too
    little takes all there is. Missing at the van: those units are gone, and the shelf is as it was.

        >>> left_on_shelf(picked=2, there=5, unpicked=20)       # 3 more were found
        3
        >>> left_on_shelf(picked=6, there=4, unpicked=22)       # 20 lie there, 2 were picked and are gone
        20
    """
    gone = max(0, picked - there)
    return max(0, min(unpicked - gone if gone else there - picked, unpicked))


def put_back(
    picked: Mapping[tuple[int, int], int], units: Sequence[PickUnits], quantity: int
) -> dict[tuple[int, int], int]:
    """Picked units by (line, supply) when `quantity` of these are no longer."""
    left = dict(picked)
    for key, back in _spread([((each.line_id, each.supply_id), each.picked) for each in units], quantity):
        left[key] -= back
    return left


def without_picked(book: Book, picked: Mapping[tuple[int, int], int]) -> Book:
    """The book in which picked units, by (line, supply), are as far away as loaded ones: nobody loses them.

    A line that needs nothing else is no longer in it, nor an order without lines.
    """
    by_line: dict[int, int] = {}
    for (line_id, _supply_id), units in picked.items():
        by_line[line_id] = by_line.get(line_id, 0) + units
    orders = []
    for order in book.orders:
        lines = tuple(
            replace(line, needed=line.needed - by_line.get(line.id, 0))
            for line in order.lines
            if line.needed > by_line.get(line.id, 0)
        )
        if lines:
            orders.append(replace(order, lines=lines))
    holdings = tuple(
        replace(
            each,
            committed=each.committed - picked.get((each.line_id, each.supply_id), 0),
            gone=each.gone + picked.get((each.line_id, each.supply_id), 0),
        )
        for each in book.holdings
    )
    return replace(book, orders=tuple(orders), holdings=holdings)


def unpicked_shelves(shelves: Sequence[ShelfOfReceipt], picked: Mapping[tuple[int, int], int]) -> list[ShelfOfReceipt]:
    """What of each receipt nobody has picked yet; `picked` by (line, supply)."""
    of_shelf: dict[int, int] = {}
    for (_line_id, supply_id), units in picked.items():
        of_shelf[supply_id] = of_shelf.get(supply_id, 0) + units
    return [replace(shelf, here=max(0, shelf.here - of_shelf.get(shelf.id, 0))) for shelf in shelves]
