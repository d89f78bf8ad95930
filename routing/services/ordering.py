"""Orders come in by a program, one by one: each answers for itself what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from routing.model.imports import ImportResult, OrderIn
from routing.rules.imports import HEADER
from routing.services.importing import Pools, Store, settle_changed, take_orders


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """`outcome`: new | unchanged | changed | cancelled | task (goods are on their way, so a person decides)."""

    position: int
    order: str
    outcome: str


def take_each(
    store: Store,
    orders: Iterable[tuple[int, OrderIn | Mapping[str, Any]]],
    result: ImportResult,
    *,
    lines_at_most: int,
    now: datetime,
    by: str,
    tell: bool,
) -> list[Taken]:
    """Takes (position, order) pairs as an import takes a file's, and allocates once at the end.

    A mapping instead of an order names one to be cancelled: its lines are. What could not be taken stands in
    `result.errors` with the row `position × lines_at_most`. The caller has locked the depots. Whom they delay among
    others hears of it, also without `tell`, and stands in `result.moved`.
    """
    pools = Pools()
    taken = []
    for position, document in orders:
        order, outcome = (document, "") if isinstance(document, OrderIn) else _cancelled(store, document, position)
        if order is None:
            if outcome:
                taken.append(Taken(position=position, order=_number(document), outcome=outcome))
                result.unchanged += 1
            else:
                result.left_out(
                    position * lines_at_most, f"There is no order {_number(document)[:60]}, so it cannot be cancelled."
                )
            continue
        one = ImportResult(kind="orders")
        pools.add(take_orders(store, [order], one, now=now, by=by))
        for error in one.errors:
            result.left_out(position * lines_at_most, error.what)
        result.created += one.created
        result.changed += one.changed
        result.unchanged += one.unchanged + sum(one.settled.values())
        result.lines += one.lines
        result.tasks += one.tasks
        words = ((one.created, "new"), (one.changed, "changed" if order.lines else "cancelled"), (one.tasks, "task"))
        if not one.errors:
            said = next((word for count, word in words if count), "unchanged")
            taken.append(Taken(position=position, order=order.number, outcome=said))
    settled = settle_changed(store, pools, now=now, by=by, tell=tell, why="new orders", tell_others=True)
    result.moved, result.besides = settled.lines, settled.besides
    result.warnings += settled.warnings
    return taken


def _cancelled(store: Store, document: Mapping[str, Any], position: int) -> tuple[OrderIn | None, str]:
    """The order without any line; none when it is not there, with the word `unchanged` when nothing is open of it."""
    row = store.orders([_number(document)]).get(_number(document))
    if row is None:
        return None, ""
    if row["cancelled_at"] is not None or all(line["cancelled"] >= line["quantity"] for line in row["lines"]):
        return None, "unchanged"
    # Its position alone: a fault of it is reported under that.
    return OrderIn(row=position, number=row["number"], **{name: row[name] for name in HEADER}), ""


def _number(document: object) -> str:
    return str(document["order"]).strip() if isinstance(document, Mapping) else ""
