"""What an ERP's release means for an order that may be here already. Pure.

Where the ERP allocates, a release changes a line only by what the line cannot take as it is: its units and what of
them is cancelled with us.

>>> with_released(12, quantity=12, cancelled=0, taken=0)
(12, 0)
>>> with_released(12, quantity=12, cancelled=0, taken=12)
(24, 0)

What the door did not take is cancelled with us until the ERP releases it again: of 8 ordered 3 were handed over.

>>> with_released(5, quantity=8, cancelled=5, taken=3)
(8, 0)
>>> with_released(10, quantity=12, cancelled=2, taken=6)
(16, 0)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from routing.model.released import ReleasedOrder

ERP_DECIDES = (
    "The ERP allocates and releases here, so orders, goods and who gets them are its own: import what it released "
    "(backroute import released FILE), or let an administrator switch it under Settings."
)
WE_DECIDE = (
    "We allocate here, so nothing comes in as released by the ERP: import orders instead, or switch first "
    "(backroute company --allocation erp)."
)


def with_released(released: int, *, quantity: int, cancelled: int, taken: int) -> tuple[int, int]:
    """The line's quantity and what is cancelled of it, in base units, once `released` more of it go out. `taken` of it
    are released, on a van, delivered or refused before."""
    more = max(0, released - max(0, quantity - cancelled - taken))
    wanted_again = min(more, cancelled)
    return quantity + more - wanted_again, cancelled - wanted_again


def fingerprint(order: ReleasedOrder) -> str:
    """Equal when the file says the same of this release of this order, wherever its rows stand."""
    # When it was ordered is made up by the import where the file does not say it.
    plain = {name: value for name, value in asdict(order).items() if name not in ("row", "tier", "ordered_at")}
    if not plain["collect_at_door"]:
        del plain["collect_at_door"]  # a release of before there was such a column says the same as an empty cell
    plain["lines"] = sorted((sorted(line.items()) for line in plain["lines"]), key=str)
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=_iso).encode()).hexdigest()


def misfit(existing: Mapping[str, Any], order: ReleasedOrder) -> str:
    """Why a release cannot belong to the order of this number that is here, with the mend; "" when it can."""
    if existing["cancelled_at"] is not None:
        return "it was cancelled here. Give it a new number"
    for name, what in (("customer_id", "customer"), ("site_id", "site"), ("depot_id", "depot")):
        if existing[name] != getattr(order, name):
            return f"it is here with another {what}. Correct the {what}, or give the order a number of its own"
    if order.collect_at_door and existing["currency"] != order.currency:
        asked, known = order.currency, existing["currency"] or "no currency"
        return f"it asks for {asked} at the door, and it is here in {known}. Give it a number of its own"
    here = {line["number"]: line for line in existing["lines"]}
    for line in order.lines:
        if line.number in here and here[line.number]["product_id"] != line.product_id:
            sku = here[line.number]["sku"]
            return f"line {line.number} is {sku} here and {line.sku} in the file. Give it a line number of its own"
    return ""


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a release.")
