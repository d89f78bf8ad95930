"""What may go out instead of goods that do not come in time, how much of it, and at what price. Pure.

    SO-1 is owed 12 oat drinks on 3 March; 2 lie there for it, and the truck with the rest slips to the 10th. A pack of
    4 barista drinks may go for 5 oat drinks, and 7 packs lie there that nobody holds: 2 packs go for 10 of the oat
    drinks, and the 2 on the shelf are left as they are. An oat drink was agreed at 2.00, so that the ten are worth
    20.00 and a pack costs 10.00, whatever its list says; is its list price 8.90, it costs 8.90.
>>> line = ShortLine(id=1, number="1", product_id=7, sku="OAT", name="Oat drink", unit="pcs", free=12, in_time=2,
...                  price=200, currency="EUR", due_on="2026-03-03", expected_on="2026-03-10")
>>> pack = Substitute(product_id=8, sku="BARISTA", name="Barista", unit="pack", gives=1, replaces=5, free=7,
...                   price=1200, currency="EUR")
>>> [(offer.replaced, offer.given, offer.price) for offer in offers(line, [pack])]
[(10, 2, 1000)]
>>> [offer.price for offer in offers(line, [replace(pack, price=890)])]
[890]

    Of a ratio only whole times go. 9 are lacking: one pack for 5 of them, and 4 go on waiting. With no pack there,
    nothing is offered.
>>> [(offer.replaced, offer.given) for offer in offers(replace(line, in_time=3), [pack])]
[(5, 1)]
>>> offers(line, [replace(pack, free=0)])
[]

    Rice drink comes second by preference, but of the barista packs only one is left: what covers more goes first.
>>> rice = Substitute(product_id=9, sku="RICE", name="Rice drink", unit="pcs", preference=2, free=40)
>>> [(offer.substitute.sku, offer.replaced) for offer in offers(line, [replace(pack, free=1), rice])]
[('RICE', 10), ('BARISTA', 5)]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from routing.model.consents import SubstituteRule
from routing.model.orders import Book, WaitingLine
from routing.rules.policies import PolicyBook, usual
from routing.rules.promises import AT_CUSTOMERS_WISH

NO_DAY = "9999-12-31"
"""Sorts after every day: goods that have none."""
NEW_LINE = 2**31 - 1
"""The key of a line that is only simulated: it sorts after every real one, as a new one does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitute:
    """`gives` base units of it go for `replaces` of the product. `free`: on hand − allocated at the depot.

    `price` is its list price per base unit in minor units, 0 when none is known; `preference` 1 comes first.
    """

    product_id: int
    sku: str
    name: str
    unit: str = "pcs"
    case_pack: int = 1
    gives: int = 1
    replaces: int = 1
    preference: int = 1
    free: int = 0
    price: int = 0
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortLine:
    """A line with `free` base units that are neither released nor gone; of these `in_time` are there by its promise.

    `due_on`: the ISO day the customer counts on, "" when none was promised; `expected_on`: when all of it comes, or "".
    """

    id: int
    number: str
    product_id: int
    sku: str
    name: str
    unit: str
    free: int
    in_time: int
    price: int
    currency: str
    due_on: str
    expected_on: str

    @property
    def lacking(self) -> int:
        """Units that neither stock nor dated supply brings by the promise.

        Without a promise only what has no day at all is lacking: its first date is still to be told.
        """
        late = (self.expected_on or NO_DAY) > self.due_on if self.due_on else not self.expected_on
        return max(0, self.free - self.in_time) if late else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortOrder:
    """An order with the lines of which something may still be taken off. `salesperson` may be ""."""

    id: int
    number: str
    references: tuple[str, ...]
    customer_id: int
    customer: str
    site_id: int
    site: str
    depot_id: int
    zone: str
    currency: str
    payment: str
    salesperson: str
    lines: tuple[ShortLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """`given` base units of the substitute for `replaced` of the line, at `price` each."""

    line: ShortLine
    substitute: Substitute
    replaced: int
    given: int
    price: int

    @property
    def agreed(self) -> int:
        """What the customer agreed to pay for what is replaced, in minor units."""
        return self.replaced * self.line.price

    @property
    def worth(self) -> int:
        """What the customer pays instead: never more."""
        return self.given * self.price

    @property
    def waits_on(self) -> int:
        """Units of the line that are lacking and still wait."""
        return self.line.lacking - self.replaced


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A substitute that was agreed on: `given` units of it for `replaced` of the other. `day`: ISO."""

    given: int
    unit: str
    name: str
    day: str
    replaced: int
    old_unit: str
    old_name: str


def rule_of(book: PolicyBook, *, day: str, customer_id: int, order_id: int) -> SubstituteRule:
    """What holds for an order on an ISO day; what no row says is `usual`: never.

    The company asks, Café 12 allows it, and order 1 of Café 12 takes nothing else:

    >>> from routing.rules.policies import PolicyRow, Scope
    >>> rows = [
    ...     PolicyRow(scope=scope, scope_id=whose, name="substitutes", value=word, effective_from="2026-03-01")
    ...     for scope, whose, word in (
    ...         (Scope.COMPANY, 0, "ask"), (Scope.CUSTOMER, 12, "allowed"), (Scope.ORDER, 1, "never")
    ...     )
    ... ]
    >>> [rule_of(PolicyBook(rows), day="2026-03-02", customer_id=customer, order_id=order).value
    ...  for customer, order in ((7, 2), (12, 2), (12, 1))]
    ['ask', 'allowed', 'never']
    >>> rule_of(PolicyBook([]), day="2026-03-02", customer_id=7, order_id=2).value
    'never'
    """
    said = book.value("substitutes", day=day, customer_id=customer_id, order_id=order_id)
    return SubstituteRule(usual("substitutes") if said is None else said)


def due_on(promises: Iterable[tuple[str, str]], *, agreed_on: str = "") -> str:
    """The day the customer counts on: (ISO day, why) of every promise so far, oldest first.

    Our slips do not move it, the customer's wish does. `agreed_on`: a later day they said yes to.

    >>> due_on([("2026-03-03", "first date"), ("2026-03-10", "inbound PO-1 slips")])
    '2026-03-03'
    >>> due_on([("2026-03-03", "first date"), ("2026-03-05", AT_CUSTOMERS_WISH), ("2026-03-10", "inbound PO-1 slips")])
    '2026-03-05'
    >>> due_on([("2026-03-03", "first date"), ("2026-03-10", "inbound PO-1 slips")], agreed_on="2026-03-10")
    '2026-03-10'
    """
    found = ""
    for day, why in promises:
        if not found or why == AT_CUSTOMERS_WISH:
            found = day
    return max(found, agreed_on)


def offers(line: ShortLine, substitutes: Iterable[Substitute]) -> list[Offer]:
    """What may be offered for the line, the best first: what replaces most of it, then by preference."""
    found = []
    for each in substitutes:
        times = min(line.lacking // each.replaces, each.free // each.gives)
        if times > 0:
            replaced, given = times * each.replaces, times * each.gives
            found.append(
                Offer(
                    line=line,
                    substitute=each,
                    replaced=replaced,
                    given=given,
                    price=_price(line, each, replaced=replaced, given=given),
                )
            )
    return sorted(found, key=lambda one: (-one.replaced, one.substitute.preference, one.substitute.product_id))


def _price(line: ShortLine, substitute: Substitute, *, replaced: int, given: int) -> int:
    """Per base unit. Rounded down: the whole is never dearer than what was agreed for what it replaces."""
    agreed = replaced * line.price // given
    listed = substitute.price if substitute.currency in ("", line.currency) else 0
    return min(agreed, listed) if listed else agreed


def with_offer(book: Book, offer: Offer) -> Book:
    """The ledger once the offer is taken: in its line's place the order wants the substitute, as `NEW_LINE`."""
    orders = []
    for order in book.orders:
        if any(line.id == offer.line.id for line in order.lines):
            order = replace(order, lines=tuple(_lines(order.lines, offer)))
        orders.append(order)
    return replace(book, orders=tuple(orders))


def _lines(lines: Sequence[WaitingLine], offer: Offer) -> Iterable[WaitingLine]:
    for line in lines:
        if line.id != offer.line.id:
            yield line
            continue
        if line.needed > offer.replaced:
            yield replace(line, needed=line.needed - offer.replaced)
        yield WaitingLine(
            id=NEW_LINE,
            number=line.number,
            product_id=offer.substitute.product_id,
            sku=offer.substitute.sku,
            name=offer.substitute.name,
            unit=offer.substitute.unit,
            needed=offer.given,
            price=offer.price,
            case_pack=offer.substitute.case_pack,
            # Where the earliest promise ranks, a substitute ranks by the promise of the line that it came for.
            promised_on=line.promised_on,
            promise_version=line.promise_version,
        )


def free_units(book: Book) -> dict[int, int]:
    """On hand − allocated, per product of the ledger: what lies there and nobody holds."""
    held: dict[int, int] = {}
    for holding in book.holdings:
        held[holding.supply_id] = held.get(holding.supply_id, 0) + holding.allocated + holding.committed + holding.gone
    free: dict[int, int] = {}
    for supply in book.supplies:
        if supply.is_stock:
            left = max(0, supply.quantity - held.get(supply.id, 0))
            free[supply.product_id] = free.get(supply.product_id, 0) + left
    return free


def number_of_substitute(number: str, taken: Iterable[str]) -> str:
    """The number of the new line, beside the one that it came for.

    >>> number_of_substitute("2", ["1", "2", "2-S1"])
    '2-S2'
    """
    used = set(taken)
    return next(name for n in range(1, len(used) + 2) if (name := f"{number}-S{n}") not in used)
