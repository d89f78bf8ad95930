"""Every open line with its date, promise and cover; and of one SKU who comes first, and what there is by date."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from routing.bulk import in_bulk
from routing.cycles import no_cycles
from routing.model.orders import AllocationRule, Book
from routing.model.stock import SkuStock
from routing.rules.ledger import LedgerDay, by_date, covered_from, short_from
from routing.services import allocating


class Reader(allocating.Reader, Protocol):
    def stock_of(self, sku: str) -> list[SkuStock]: ...
    def answers_due(self, line_ids: Collection[int]) -> dict[int, str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """So many base units held of a supply: "stock" on the shelf, "inbound" still to come."""

    number: str
    kind: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisedLine:
    """An open line. `open` base units have not left the depot; `slips`: its date is past the promise and threshold.

    What it is ranked by, for "Why here": `tier`, `ordered_at`, and where the rule asks for promises `ranks_by`, the ISO
    day that its customer counts on, else "". What another rule ranks by belongs here too. `not_before` is the first
    ISO day it may go, "" at once.
    """

    order: str
    customer: str
    sku: str
    line_id: int
    open: int
    covered_by: tuple[Cover, ...]
    expected_on: str
    promised_on: str
    slips: bool
    broken: bool
    """What was promised does not hold: it slips, has no date any more, or the day is over."""
    order_id: int
    tier: int
    ordered_at: datetime
    not_before: str
    ranks_by: str
    ships: str
    """partial, per_line or complete."""
    keeps: str
    """never_loses, normal or may_give_up: what its customer's units are worth when a better rank wants them."""
    on_hold: bool
    """Its order is on hold or waits for payment: `expected_on` is its day when it is let go, and nobody is told it."""
    answer_by: str
    """The last ISO day for the customer's answer about the promised day, while the question is open: they were told of
    it and have not agreed yet. "" where nothing is asked, or all is said."""

    @property
    def unallocated(self) -> int:
        """Open units that hold neither goods nor inbound, whether or not some would do."""
        return max(0, self.open - sum(cover.quantity for cover in self.covered_by))

    def document(self) -> dict[str, Any]:
        """As `promises --json` prints it."""
        return asdict(self) | {"unallocated": self.unallocated}


_promised = in_bulk(PromisedLine)


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuLedger:
    """A SKU at a depot: its stock, its open lines in rank order under `rule`, and the ledger by date.

    Where the ERP allocates, nobody here ranks: `rule` is None, and there are no lines and no days.
    """

    stock: SkuStock
    rule: AllocationRule | None = None
    lines: tuple[PromisedLine, ...] = ()
    days: tuple[LedgerDay, ...] = ()

    @property
    def short_from(self) -> str:
        return short_from(self.days)

    @property
    def covered_from(self) -> str:
        return covered_from(self.days)

    @property
    def holds_nothing_yet(self) -> int:
        """Units that lack nothing by date and yet hold no goods: wanted beyond the reservation horizon, or of a
        ship-complete order that waits. 0 where the goods are short."""
        return 0 if self.short_from else self.stock.unallocated

    def document(self) -> dict[str, Any]:
        """As `promises --sku --json` prints it, without the lines."""
        return asdict(self.stock) | {
            "rule": self.rule.value if self.rule else "",
            "days": [asdict(each) | {"balance": each.balance} for each in self.days],
            "short_from": self.short_from,
            "covered_from": self.covered_from,
        }


@no_cycles()
def promised_lines(store: Reader, *, depot_id: int, now: datetime) -> list[PromisedLine]:
    """Worked out again from the ATP ledger, in rank order. Nothing is written."""
    products = store.open_products(depot_id)
    if not products:
        return []
    return _decided(store, store.book(depot_id, products, now=now), now=now)[1]


def sku_ledgers(store: Reader, sku: str, *, now: datetime) -> list[SkuLedger]:
    """One a depot where the SKU lies, is to come or is wanted; [] for a SKU of which there is nothing. Changes nothing.

    What ship-complete orders tie to it is decided with it, so that its lines are those of the whole depot.
    """
    found = []
    for stock in store.stock_of(sku):
        if store.erp_allocates():
            found.append(SkuLedger(stock=stock))
            continue
        tied = store.related_products(stock.depot_id, [stock.product_id])
        book = store.book(stock.depot_id, tied, now=now)
        rule, lines = _decided(store, book, now=now)
        found.append(
            SkuLedger(
                stock=stock,
                rule=rule,
                lines=tuple(line for line in lines if line.sku == stock.sku),
                days=_days(book, stock.product_id, zone=ZoneInfo(store.depot(stock.depot_id).zone), now=now),
            )
        )
    return found


def _days(book: Book, product_id: int, *, zone: ZoneInfo, now: datetime) -> tuple[LedgerDay, ...]:
    gone: dict[int, int] = defaultdict(int)
    for holding in book.holdings:
        gone[holding.supply_id] += holding.gone
    return by_date(
        today=now.astimezone(zone).date().isoformat(),
        supplies=[
            (supply.ready_at.astimezone(zone).date().isoformat() if supply.ready_at else "", units)
            for supply in book.supplies
            if supply.product_id == product_id and (units := supply.quantity - gone[supply.id]) > 0
        ],
        demands=[
            (order.earliest_day, line.needed)
            for order in book.orders
            for line in order.lines
            if line.product_id == product_id
        ],
    )


def _decided(store: Reader, book: Book, *, now: datetime) -> tuple[AllocationRule, list[PromisedLine]]:
    policy = allocating.policy_of(store, book.depot_id, now)
    preview = allocating.decide(store, book, book, policy=policy, now=now, why="looked at").preview
    today = now.astimezone(ZoneInfo(store.depot(book.depot_id).zone)).date().isoformat()
    supplies = {supply.id: supply for supply in book.supplies}
    orders = {order.id: order for order in book.orders}
    open_until = store.answers_due([line.line_id for line in preview.lines])
    covers: dict[int, list[Cover]] = defaultdict(list)
    for holding in book.holdings:
        units = holding.allocated + holding.committed
        if units:
            supply = supplies[holding.supply_id]
            kind = "stock" if supply.is_stock else "inbound"
            covers[holding.line_id].append(Cover(number=supply.number, kind=kind, quantity=units))
    return preview.rule, [
        _promised(
            order=line.order,
            customer=line.customer,
            sku=line.sku,
            line_id=line.line_id,
            open=line.needed,
            covered_by=tuple(covers[line.line_id]),
            expected_on=line.new_day,
            promised_on=line.promised_on,
            slips=line.slips,
            broken=line.slips or bool(line.promised_on and (not line.new_day or line.promised_on < today)),
            order_id=line.order_id,
            tier=orders[line.order_id].tier,
            ordered_at=orders[line.order_id].ordered_at,
            not_before=orders[line.order_id].earliest_day,
            ranks_by=orders[line.order_id].promised_on if preview.rule.asks_for_promises else "",
            ships=orders[line.order_id].completeness.value,
            keeps=orders[line.order_id].rank_rule.value,
            on_hold=line.on_hold,
            answer_by=open_until.get(line.line_id, ""),
        )
        for line in preview.lines
    ]
