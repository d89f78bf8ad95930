"""Every open line with its date: what it is expected on, what was promised, and by what it is covered."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

from routing.services import allocating


class Reader(allocating.Reader, Protocol):
    def open_products(self, depot_id: int) -> frozenset[int]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """So many base units held of a supply: "stock" on the shelf, "inbound" still to come."""

    number: str
    kind: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisedLine:
    """An open line. `open` base units have not left the depot; `slips`: its date is past the promise and threshold."""

    order: str
    customer: str
    sku: str
    line_id: int
    open: int
    covered_by: tuple[Cover, ...]
    expected_on: str
    promised_on: str
    slips: bool

    @property
    def uncovered(self) -> int:
        return max(0, self.open - sum(cover.quantity for cover in self.covered_by))

    def document(self) -> dict[str, Any]:
        """As `promises --json` prints it."""
        return asdict(self) | {"uncovered": self.uncovered}


def promised_lines(store: Reader, *, depot_id: int, now: datetime) -> list[PromisedLine]:
    """Worked out again from the ATP ledger, in rank order. Nothing is written."""
    products = store.open_products(depot_id)
    if not products:
        return []
    book = store.book(depot_id, products, now=now)
    policy = allocating.policy_of(store, depot_id, now)
    preview = allocating.decide(store, book, book, policy=policy, now=now, why="looked at").preview
    supplies = {supply.id: supply for supply in book.supplies}
    covers: dict[int, list[Cover]] = defaultdict(list)
    for holding in book.holdings:
        units = holding.allocated + holding.committed
        if units:
            supply = supplies[holding.supply_id]
            kind = "stock" if supply.is_stock else "inbound"
            covers[holding.line_id].append(Cover(number=supply.number, kind=kind, quantity=units))
    return [
        PromisedLine(
            order=line.order,
            customer=line.customer,
            sku=line.sku,
            line_id=line.line_id,
            open=line.needed,
            covered_by=tuple(covers[line.line_id]),
            expected_on=line.new_day,
            promised_on=line.promised_on,
            slips=line.slips,
        )
        for line in preview.lines
    ]
