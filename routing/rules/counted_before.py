"""Whether a receipt is one that was counted in, or says something else, and whether its goods were. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from routing.model.days import day_words
from routing.model.orders import Book
from routing.model.stock import CountedBefore, EarlierCount, Receipt


def said_otherwise(receipt: Receipt, before: CountedBefore) -> str:
    """A sentence for the first fact in which it differs, with the mend; "" when it says the same again.

    >>> from dataclasses import replace
    >>> from datetime import datetime
    >>> again = Receipt(number="R-7", depot_id=1, product_id=1, sku="OAT", quantity=12, counted_at=datetime(2026, 3, 3))
    >>> before = CountedBefore(quantity=12, quarantined=0, depot_id=1, depot="NORTH", inbound_id=None, inbound="")
    >>> said_otherwise(again, before)
    ''
    >>> print(said_otherwise(replace(again, quantity=10), before))
    Receipt R-7 was counted in with 12 × OAT, now it says 10. Recount it, or give the difference a number of its own.
    >>> print(said_otherwise(replace(again, quarantined=12), before))
    Receipt R-7 was counted in with none of its 12 × OAT in quarantine, now it says 12. Recount what can be sold of it.
    >>> print(said_otherwise(replace(again, depot_id=2), before))
    Receipt R-7 with OAT was counted in at NORTH. Give what came to another depot a number of its own.
    >>> print(said_otherwise(replace(again, inbound_id=9), before))
    Receipt R-7 was counted in with OAT of no inbound, now it names one. Give what that brought a number of its own.
    """
    what, mend = f"Receipt {receipt.number}", "a number of its own"
    if receipt.depot_id != before.depot_id:
        return f"{what} with {receipt.sku} was counted in at {before.depot}. Give what came to another depot {mend}."
    was = f"{what} was counted in with"
    if receipt.quantity != before.quantity:
        return (
            f"{was} {before.quantity} × {receipt.sku}, now it says {receipt.quantity}. "
            f"Recount it, or give the difference {mend}."
        )
    if receipt.quarantined != before.quarantined:
        return (
            f"{was} {before.quarantined or 'none'} of its {before.quantity} × {receipt.sku} in quarantine, "
            f"now it says {receipt.quarantined or 'none'}. Recount what can be sold of it."
        )
    if receipt.inbound_id != before.inbound_id:
        names = "none" if receipt.inbound_id is None else "another" if before.inbound else "one"
        return (
            f"{was} {receipt.sku} of {before.inbound or 'no inbound'}, now it names {names}. "
            f"Give what {'was found' if names == 'none' else 'that brought'} {mend}."
        )
    return ""


def counted_again(
    book: Book, receipts: Iterable[Receipt], earlier: Mapping[int, Sequence[EarlierCount]]
) -> dict[int, str]:
    """By its key a sentence for every inbound that was counted in `earlier` and of which these receipts count more than
    was still to come: the same truck twice, or goods that a person has to say came on top.

    >>> from datetime import datetime
    >>> again = Receipt(number="R-8", depot_id=1, product_id=1, sku="OAT", quantity=96, inbound_id=7,
    ...                 counted_at=datetime(2026, 3, 3))
    >>> before = EarlierCount(inbound="PO-1", number="R-7", quantity=96, counted_at=datetime(2026, 3, 3, 5, 40),
    ...                       by="Warehouse 1")
    >>> print(counted_again(Book(depot_id=1), [again], {7: [before]})[7])
    PO-1 was counted in before: 96 × OAT as R-7 on Tue 3 Mar 2026 at 05:40 by Warehouse 1. Now 96 are counted, and \
nothing more was to come.
    >>> counted_again(Book(depot_id=1), [again], {})
    {}
    """
    counted: dict[int, list[Receipt]] = defaultdict(list)
    for receipt in receipts:
        if receipt.inbound_id is not None and receipt.inbound_id in earlier:
            counted[receipt.inbound_id].append(receipt)
    to_come = {supply.id: max(supply.quantity, 0) for supply in book.supplies}
    found: dict[int, str] = {}
    for inbound, many in counted.items():
        came, left = sum(each.quantity for each in many), to_come.get(inbound, 0)
        if came <= left:
            continue
        was = "; ".join(_as_counted(each, many[0].sku) for each in earlier[inbound])
        are = "is" if came == 1 else "are"
        rest = f"only {left} {'was' if left == 1 else 'were'} still to come" if left else "nothing more was to come"
        found[inbound] = (
            f"{earlier[inbound][0].inbound} was counted in before: {was}. Now {came} {are} counted, and {rest}."
        )
    return found


def _as_counted(count: EarlierCount, sku: str) -> str:
    when = f"{day_words(count.counted_at.date())} at {count.counted_at:%H:%M}"
    return f"{count.quantity} × {sku} as {count.number} on {when}" + (f" by {count.by}" if count.by else "")
