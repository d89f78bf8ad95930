"""Whether a receipt that comes again is the one that was counted in, or says something else. Pure."""

from __future__ import annotations

from routing.model.stock import CountedBefore, Receipt


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
