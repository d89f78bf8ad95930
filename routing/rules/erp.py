"""What an ERP's release means for an order that may be here already. Pure.

Where the ERP allocates, a release raises a line only by what the line cannot take as it is:

>>> raised_by(released=12, quantity=12, cancelled=0, taken=0)
0
>>> raised_by(released=12, quantity=12, cancelled=0, taken=12)
12
>>> raised_by(released=10, quantity=12, cancelled=2, taken=6)
6
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
    "The ERP allocates and releases here, so nothing is given out by us: import what it released "
    "(backroute import released FILE), or let an administrator switch it under Settings."
)
WE_DECIDE = (
    "We allocate here, so nothing comes in as released by the ERP: import orders instead, or switch first "
    "(backroute company --allocation erp)."
)


def raised_by(*, released: int, quantity: int, cancelled: int, taken: int) -> int:
    """Base units by which the line grows. `taken` of it are released, on a van, delivered or refused."""
    return max(0, released - max(0, quantity - cancelled - taken))


def fingerprint(order: ReleasedOrder) -> str:
    """Equal when the file says the same of this release of this order, wherever its rows stand."""
    # When it was ordered is made up by the import where the file does not say it.
    plain = {name: value for name, value in asdict(order).items() if name not in ("row", "tier", "ordered_at")}
    plain["lines"] = sorted((sorted(line.items()) for line in plain["lines"]), key=str)
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=_iso).encode()).hexdigest()


def misfit(existing: Mapping[str, Any], order: ReleasedOrder) -> str:
    """Why a release cannot belong to the order of this number that is here, with the mend; "" when it can."""
    if existing["cancelled_at"] is not None:
        return "it was cancelled here. Give it a new number"
    for name, what in (("customer_id", "customer"), ("site_id", "site"), ("depot_id", "depot")):
        if existing[name] != getattr(order, name):
            return f"it is here with another {what}. Correct the {what}, or give the order a number of its own"
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
