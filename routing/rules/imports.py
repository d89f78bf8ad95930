"""What a re-import means for an order that is there already. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from routing.model.imports import OrderIn

HEADER = (
    "customer_id", "site_id", "depot_id", "ordered_at", "wanted_on", "not_before", "not_after", "customer_reference",
    "erp_reference", "completeness", "min_percent", "max_wait_days", "max_shipments", "hold_reason", "payment",
    "urgent_by", "note", "currency",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is different. `header` and `lines` hold the new values, `added` the lines that are new.

    `differences` says it for the timeline: (what, from, to). `problem` says why it cannot be taken over at all.
    """

    header: dict[str, Any]
    lines: dict[int, dict[str, int]]
    added: tuple[str, ...] = ()
    differences: tuple[tuple[str, str, str], ...] = ()
    problem: str = ""


def content_hash(order: OrderIn) -> str:
    """The same file content has the same hash, wherever its rows stand."""
    plain = {key: value for key, value in asdict(order).items() if key != "row"}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=_iso).encode()).hexdigest()


def compare(existing: Mapping[str, Any], incoming: OrderIn) -> Change:
    """What changed in an order. A line that the file no longer has is cancelled.

    An order that the file does not have is never asked about: it stays. A hold that a person set is not lifted by a
    file that has none, and a payment gate that a person passed is not closed by a file that still waits for money.
    """
    header: dict[str, Any] = {}
    differences: list[tuple[str, str, str]] = []
    for name in HEADER:
        old, new = existing[name], getattr(incoming, name)
        if name == "hold_reason" and not new and existing["hold_by"] not in ("", "import"):
            continue
        if name == "payment" and new == "pending" and existing["payment_by"]:
            continue
        if old != new:
            header[name] = new
            differences.append((name, _text(old), _text(new)))
    lines: dict[int, dict[str, int]] = {}
    wanted = {line.number: line for line in incoming.lines}
    for row in existing["lines"]:
        line = wanted.pop(row["number"], None)
        if line is None:
            if row["cancelled"] < row["quantity"]:
                lines[row["id"]] = {"cancelled": row["quantity"]}
                differences.append((f"line {row['number']}", str(row["quantity"] - row["cancelled"]), "cancelled"))
            continue
        if line.product_id != row["product_id"]:
            return Change(
                header={},
                lines={},
                problem=f"Line {row['number']} was {row['sku']} and is now {line.sku}: "
                "give the new article a line number of its own.",
            )
        if line.quantity != row["quantity"] - row["cancelled"]:
            lines.setdefault(row["id"], {}).update(quantity=line.quantity, cancelled=0)
            differences.append((f"line {row['number']}", str(row["quantity"] - row["cancelled"]), str(line.quantity)))
        if line.unit_price != row["unit_price"]:
            lines.setdefault(row["id"], {}).update(unit_price=line.unit_price)
            differences.append((f"line {row['number']} price", str(row["unit_price"]), str(line.unit_price)))
    differences += [(f"line {line.number}", "", f"{line.quantity} × {line.sku}") for line in wanted.values()]
    return Change(header=header, lines=lines, added=tuple(wanted), differences=tuple(differences))


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else "" if value is None else str(value)


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in an order.")
