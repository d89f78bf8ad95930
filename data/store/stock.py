"""The store's part for products, supply, allocations and movements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import batched
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from data.queries.needs import COMMITTED, GONE, ORDERED, SERVED, newest_promise, still_needed
from data.store.part import AT_ONCE, parts
from data.store.policies import PolicyStore
from data.tables import (
    allocation,
    customer,
    delivery,
    delivery_line,
    depot,
    movement,
    order,
    order_line,
    policy,
    product,
    promise,
    site,
    supplier,
    supply,
)
from routing.bulk import in_bulk
from routing.cycles import no_cycles
from routing.errors import Conflict, InvalidInput
from routing.model.orders import (
    Book,
    Completeness,
    Outside,
    RankRule,
    WaitingLine,
    WaitingOrder,
)
from routing.model.stock import Claim, Holding, Receipt, Supply, SupplyKind, UnitState
from routing.rules.policies import OrderTerms, PolicyBook, Scope
from routing.rules.promises import dependable
from routing.rules.release import kept_as, wait_ends

_NEWEST = (promise.c.order_line_id == order_line.c.id) & (promise.c.version == newest_promise(order_line.c.id))
"""The promise in force of the order line that the query stands on."""

_line, _order, _supply, _holding = in_bulk(WaitingLine), in_bulk(WaitingOrder), in_bulk(Supply), in_bulk(Holding)

MANY_POOLS = 200
"""From here on a transaction locks the whole depot rather than SKU by SKU."""


class _TermsBook:
    """How an order ships on a day and how long it waits. Nearly all orders of a customer say the same: a book of
    15,000 orders asks the policies once for each of them."""

    def __init__(self, policies: PolicyBook, day: str) -> None:
        self._policies, self._day = policies, day
        self._known: dict[tuple[int, str, int | None, int], OrderTerms] = {}

    def __call__(self, customer_id: int, completeness: str, max_wait_days: int | None, order_id: int) -> OrderTerms:
        own = order_id if self._policies.speaks_of(order_id) else 0
        key = (customer_id, completeness, max_wait_days, own)
        terms = self._known.get(key)
        if terms is None:
            terms = self._known[key] = self._policies.order_terms(
                OrderTerms(completeness=Completeness(completeness), max_wait_days=max_wait_days),
                day=self._day,
                customer_id=customer_id,
                order_id=order_id,
            )
        return terms


class StockStore(PolicyStore):
    # ------------------------------------------------------------------ reading

    def product_ids(self, numbers: Collection[str], *, source: str = "own") -> dict[str, int]:
        """Keys of the SKUs that exist."""
        found: dict[str, int] = {}
        for part in parts(numbers):
            query = select(product.c.number, product.c.id).where(product.c.source == source, product.c.number.in_(part))
            found |= {row.number: row.id for row in self.connection.execute(query)}
        return found

    def lock_pools(self, depot_id: int, product_ids: Collection[int]) -> None:
        """Waits until no other transaction decides about these SKUs at this depot, and keeps others out until the end.

        On SQLite the write transaction is alone already. On PostgreSQL each (SKU, depot) is an advisory lock, taken in
        sorted order: a SKU without any supply has no row that could be locked. Many SKUs at once take the whole depot
        instead, because PostgreSQL keeps only so many locks; everybody else holds the depot shared.
        """
        if self.connection.dialect.name == "sqlite":
            return
        if depot_id in self.locked_depots:
            return
        if len(product_ids) > MANY_POOLS:
            self.lock_depot(depot_id)
            return
        self.connection.execute(text("SELECT pg_advisory_xact_lock_shared(-1, :depot)"), {"depot": depot_id})
        for product_id in sorted(product_ids):
            self.connection.execute(
                text("SELECT pg_advisory_xact_lock(:product, :depot)"), {"product": product_id, "depot": depot_id}
            )

    def lock_depot(self, depot_id: int) -> None:
        """Every SKU of the depot at once: for a whole file."""
        if self.connection.dialect.name != "sqlite":
            self.connection.execute(text("SELECT pg_advisory_xact_lock(-1, :depot)"), {"depot": depot_id})
            self.locked_depots.add(depot_id)

    def lock_afresh(self, depot_id: int, product_ids: Collection[int]) -> bool:
        """Lets go of what the last call locked and locks these SKUs, in order: who needs more waits for nobody while
        holding some. What was written since the last call is undone. `keep_locks` ends it.

        Returns whether nobody else can have decided meanwhile: what was read before still holds.
        """
        if self.connection.dialect.name == "sqlite" or depot_id in self.locked_depots:
            return True
        # PostgreSQL lets go of an advisory lock when the savepoint after which it was taken is rolled back to.
        self.connection.execute(text(("ROLLBACK TO " if self.may_relock else "") + "SAVEPOINT pools"))
        self.may_relock = True
        self.lock_pools(depot_id, product_ids)
        return False

    def keep_locks(self) -> None:
        """Keeps what was locked until the end of the transaction."""
        if self.may_relock:
            self.connection.execute(text("RELEASE SAVEPOINT pools"))
            self.may_relock = False

    def related_products(self, depot_id: int, product_ids: Collection[int]) -> frozenset[int]:
        """These SKUs and all that ship-complete orders tie to them: they can only be decided together."""
        known: set[int] = set(product_ids)
        new: set[int] = set(known)
        ships_complete = self._may_ship_complete()
        while new:
            found: set[int] = set()
            for part in parts(new):
                tied = (
                    select(order.c.id)
                    .join(order_line, order_line.c.order_id == order.c.id)
                    .where(
                        order.c.depot_id == depot_id,
                        ships_complete,
                        order.c.cancelled_at.is_(None),
                        order_line.c.product_id.in_(part),
                    )
                )
                query = (
                    self._waiting(depot_id)
                    .with_only_columns(order_line.c.product_id)
                    .where(order.c.id.in_(tied))
                    .distinct()
                )
                found |= set(self.connection.scalars(query))
            new = found - known
            known |= new
        return frozenset(known)

    def _may_ship_complete(self) -> ColumnElement[bool]:
        """Orders that say so, and those that a policy could say it for, whenever: tying too many only locks more."""
        rows = [row for row in self.policies().rows if row.name == "completeness" and row.value == "complete"]
        if any(row.scope is Scope.COMPANY for row in rows):
            return true()
        by_policy = (
            select(policy.c.id)
            .where(
                policy.c.name == "completeness",
                or_(
                    (policy.c.scope == Scope.ORDER.value) & (policy.c.scope_id == order.c.id),
                    (policy.c.scope == Scope.CUSTOMER.value) & (policy.c.scope_id == order.c.customer_id),
                ),
            )
            .exists()
        )
        says_so = order.c.completeness == Completeness.COMPLETE.value
        return or_(says_so, by_policy) if rows else says_so

    @no_cycles()
    def book(
        self,
        depot_id: int,
        product_ids: Collection[int],
        *,
        now: datetime,
        policies: PolicyBook | None = None,
        reaching: bool = False,
        by_promise: bool = False,
    ) -> Book:
        """The ATP ledger of these SKUs at the depot. An overdue inbound counts as arriving now, and once the days that
        the policy waits for it are over as one without a date.

        `policies`: others than those in force, to see what they would change. `reaching`: also what the ship-complete
        orders hold of other SKUs; without it the SKUs must be all that these orders tie together. `by_promise`: they
        will be ranked by promise, although that may not be the rule in force.
        """
        supplies: list[Supply] = []
        lines: dict[int, list[WaitingLine]] = defaultdict(list)
        holdings: list[Holding] = []
        home = self.connection.execute(select(depot.c.put_away_s, depot.c.zone).where(depot.c.id == depot_id)).one()
        policies = policies or self.policies()
        today = now.astimezone(ZoneInfo(home.zone)).date().isoformat()
        comes = _comes(home.zone, home.put_away_s, policies, now)
        for part in parts(product_ids):
            mine = (supply.c.depot_id == depot_id) & supply.c.product_id.in_(part)
            supplies += self._supplies(mine, comes=comes)
            for order_id, line in self._waiting_lines(depot_id, order_line.c.product_id.in_(part)):
                lines[order_id].append(line)
            holdings += self._holdings(depot_id, part)
        orders = {one.id: one for one in self._orders(lines, policies, today, zone=home.zone)}
        outside: dict[int, Outside] = {}
        if reaching:
            tied = [one.id for one in orders.values() if one.completeness is Completeness.COMPLETE]
            inside = {line.id for order_id in tied for line in orders[order_id].lines}
            more: dict[int, list[WaitingLine]] = defaultdict(list)
            for part in parts(tied):
                for order_id, line in self._waiting_lines(depot_id, order.c.id.in_(part), without=inside):
                    more[order_id].append(line)
                    outside[line.id] = Outside()
            for order_id, rest in more.items():
                every = sorted((*orders[order_id].lines, *rest), key=_by_id)
                orders[order_id] = replace(orders[order_id], lines=tuple(every))
            outside |= self._held_by(outside)
        if by_promise or policies.allocation_policy(day=today).rule.asks_for_promises:
            for order_id, day in self._earliest_promises(depot_id, orders).items():
                orders[order_id] = replace(orders[order_id], promised_first=day)
        return Book(
            depot_id=depot_id,
            supplies=tuple(sorted(supplies, key=_by_id)),
            orders=tuple(orders.values()),
            holdings=tuple(sorted(holdings, key=_by_line)),
            outside=outside,
        )

    def _earliest_promises(self, depot_id: int, order_ids: Collection[int]) -> dict[int, str]:
        """The earliest promise in force of what each order still needs, whatever SKU it is of."""
        found: dict[int, str] = {}
        for part in parts(order_ids):
            query = (
                self._waiting(depot_id)
                .with_only_columns(order.c.id, func.min(promise.c.promised_on))
                .join(promise, _NEWEST)
                .where(order.c.id.in_(part))
                .group_by(order.c.id)
            )
            found |= {order_id: day for order_id, day in self.connection.execute(query)}
        return found

    def _held_by(self, line_ids: Collection[int]) -> dict[int, Outside]:
        """What lines hold that has not left the depot; those that hold nothing are left out."""
        unmoved, found = allocation.c.allocated + COMMITTED, {}
        for part in parts(line_ids):
            query = (
                select(
                    allocation.c.order_line_id,
                    func.sum(case((supply.c.kind == "receipt", unmoved), else_=0)).label("firm"),
                    func.sum(case((supply.c.kind == "receipt", 0), else_=unmoved)).label("provisional"),
                    func.sum(COMMITTED).label("committed"),
                )
                .join(supply, supply.c.id == allocation.c.supply_id)
                .where(allocation.c.order_line_id.in_(part))
                .group_by(allocation.c.order_line_id)
            )
            for row in self.connection.execute(query):
                found[row.order_line_id] = Outside(
                    firm=int(row.firm), provisional=int(row.provisional), committed=int(row.committed)
                )
        return found

    def wanted_between(self, depot_id: int, *, after_day: str, until_day: str) -> set[tuple[int, datetime, str]]:
        """What is still needed of orders whose first ISO day comes after the one and until the other: product, when it
        was ordered, and that day."""
        day = case((order.c.wanted_on > order.c.not_before, order.c.wanted_on), else_=order.c.not_before)
        query = (
            self._waiting(depot_id)
            .where(day > after_day, day <= until_day)
            .with_only_columns(order_line.c.product_id, order.c.ordered_at, day)
        )
        return {(row[0], row[1], row[2]) for row in self.connection.execute(query)}

    def waits_ended(self, depot_id: int, *, after_day: str, until_day: str) -> set[int]:
        """The products that are still needed of orders which have waited as long as they may since after the one ISO
        day ("" for whenever) and until the other, and would else be given all or nothing."""
        zone = ZoneInfo(self.connection.scalar(select(depot.c.zone).where(depot.c.id == depot_id)) or "UTC")
        policies = self.policies()
        terms_of = _TermsBook(policies, until_day)
        query = (
            self._waiting(depot_id)
            .with_only_columns(
                order.c.id, order.c.customer_id, order.c.completeness, order.c.max_wait_days, order.c.ordered_at
            )
            .distinct()
        )
        if not any(row.name == "max_wait_days" for row in policies.rows):
            query = query.where(order.c.max_wait_days.is_not(None))
        ended = []
        for row in self.connection.execute(query):
            terms = terms_of(row.customer_id, row.completeness, row.max_wait_days, row.id)
            ends = wait_ends(row.ordered_at.astimezone(zone).date().isoformat(), terms.max_wait_days)
            if terms.completeness is not Completeness.PARTIAL and after_day < ends <= until_day:
                ended.append(row.id)
        found: set[int] = set()
        for part in parts(ended):
            goods = self._waiting(depot_id).where(order.c.id.in_(part)).with_only_columns(order_line.c.product_id)
            found |= set(self.connection.scalars(goods))
        return found

    def waiting_orders(self, depot_id: int, order_ids: Collection[int], *, now: datetime) -> dict[int, WaitingOrder]:
        """These orders as a book of all their SKUs has them; one that needs nothing of this depot is left out."""
        zone = self.connection.scalar(select(depot.c.zone).where(depot.c.id == depot_id)) or "UTC"
        lines = {key: each for key, each in self.waiting_lines(depot_id, order_ids).items() if each}
        today = now.astimezone(ZoneInfo(zone)).date().isoformat()
        return {one.id: one for one in self._orders(lines, self.policies(), today, zone=zone)}

    def waiting_lines(self, depot_id: int, order_ids: Collection[int]) -> dict[int, list[WaitingLine]]:
        """The lines of each order that still need something."""
        found: dict[int, list[WaitingLine]] = {order_id: [] for order_id in order_ids}
        for part in parts(order_ids):
            for order_id, line in self._waiting_lines(depot_id, order.c.id.in_(part)):
                found[order_id].append(line)
        return {order_id: sorted(lines, key=_by_id) for order_id, lines in found.items()}

    def _waiting_lines(
        self, depot_id: int, which: ColumnElement[bool], *, without: Collection[int] = frozenset()
    ) -> Iterator[tuple[int, WaitingLine]]:
        """The lines that still need something, each with its order's id; `without` those of these keys.

        Orders and products are read apart: a hundred thousand lines would carry their words along a dozen times.
        """
        query = (
            self._waiting(depot_id)
            .add_columns(promise.c.promised_on, promise.c.version)
            .outerjoin(
                promise,
                (promise.c.order_line_id == order_line.c.id) & (promise.c.version == newest_promise(order_line.c.id)),
            )
            .where(which)
        )
        words: dict[int, tuple[str, str, str, int]] = {}
        same: dict[str, str] = {}  # a day that stands on 100,000 lines is kept once
        for rows in self.connection.execute(query).partitions(AT_ONCE):
            for part in parts({row[3] for row in rows} - words.keys()):
                columns = select(product.c.id, product.c.number, product.c.name, product.c.unit, product.c.case_pack)
                words |= {key: rest for key, *rest in self.connection.execute(columns.where(product.c.id.in_(part)))}
            for order_id, line_id, number, product_id, price, expected, own, needed, promised, version in rows:
                if line_id in without:
                    continue
                sku, name, unit, case_pack = words[product_id]
                yield (
                    order_id,
                    _line(
                        id=line_id,
                        number=same.setdefault(number, number),
                        product_id=product_id,
                        sku=sku,
                        name=name,
                        unit=unit,
                        needed=needed,
                        price=price,
                        case_pack=case_pack,
                        promised_on=same.setdefault(promised, promised) if promised else "",
                        promise_version=version or 0,
                        expected_on=same.setdefault(expected, expected),
                        own_day=same.setdefault(own, own),
                    ),
                )

    def _orders(
        self, lines: dict[int, list[WaitingLine]], policies: PolicyBook, day: str, *, zone: str
    ) -> Iterator[WaitingOrder]:
        """The orders of these lines, by id. It takes the lines out of `lines`: a large book is not held twice."""
        same: dict[str, str] = {}
        terms_of, home = _TermsBook(policies, day), ZoneInfo(zone)
        ranks: dict[tuple[int, str], RankRule] = {}
        for part in parts(lines):
            query = (
                select(
                    order.c.id,
                    order.c.number,
                    order.c.customer_id,
                    customer.c.name,
                    customer.c.tier,
                    customer.c.rank_rule,
                    customer.c.salesperson,
                    order.c.site_id,
                    site.c.name.label("site_name"),
                    order.c.ordered_at,
                    order.c.wanted_on,
                    order.c.not_before,
                    order.c.completeness,
                    order.c.max_wait_days,
                    order.c.currency,
                    order.c.customer_reference,
                    order.c.erp_reference,
                )
                .join(customer, customer.c.id == order.c.customer_id)
                .join(site, site.c.id == order.c.site_id)
                .where(order.c.id.in_(part))
                .order_by(order.c.id)
            )
            for (
                order_id, number, customer_id, name, tier, rank_rule, salesperson, site_id, site_name, ordered_at,
                wanted_on, not_before, completeness, max_wait_days, currency, *references,
            ) in self.connection.execute(query).all():  # fmt: skip
                terms = terms_of(customer_id, completeness, max_wait_days, order_id)
                ranks_as = ranks.get((customer_id, rank_rule))
                if ranks_as is None:
                    ranks_as = policies.rank_rule(RankRule(rank_rule), day=day, customer_id=customer_id)
                    ranks[customer_id, rank_rule] = ranks_as
                yield _order(
                    id=order_id,
                    number=number,
                    customer_id=customer_id,
                    customer=same.setdefault(name, name),
                    site_id=site_id,
                    site=same.setdefault(site_name, site_name),
                    tier=tier,
                    rank_rule=ranks_as,
                    ordered_at=ordered_at,
                    wanted_on=same.setdefault(wanted_on, wanted_on),
                    not_before=same.setdefault(not_before, not_before),
                    completeness=terms.completeness
                    if terms.max_wait_days is None
                    else kept_as(
                        terms.completeness,
                        ordered_on=ordered_at.astimezone(home).date().isoformat(),
                        max_wait_days=terms.max_wait_days,
                        day=day,
                    ),
                    currency=same.setdefault(currency, currency),
                    references=tuple(text for text in references if text),
                    salesperson=same.setdefault(salesperson, salesperson),
                    lines=tuple(sorted(lines.pop(order_id), key=_by_id)),
                )

    def _waiting(self, depot_id: int) -> Select[Any]:
        """The lines that still need something."""
        needed = still_needed()
        return (
            select(
                order.c.id.label("order_id"),
                order_line.c.id.label("line_id"),
                order_line.c.number,
                order_line.c.product_id,
                order_line.c.unit_price,
                order_line.c.expected_on,
                order_line.c.own_day,
                needed.label("needed"),
            )
            .select_from(order_line)
            .join(order, order.c.id == order_line.c.order_id)
            .where(order.c.depot_id == depot_id, order.c.cancelled_at.is_(None), needed > 0)
        )

    def inbound_supplies(self, supply_ids: Collection[int], *, now: datetime) -> dict[int, Supply]:
        """These inbound lines as a book of their SKUs has them; one that it would not have is left out."""
        policies = self.policies()
        homes = self.connection.execute(select(depot.c.id, depot.c.put_away_s, depot.c.zone)).all()
        found = {}
        for part in parts(supply_ids):
            for home in homes:
                mine = (supply.c.depot_id == home.id) & supply.c.id.in_(part)
                for one in self._supplies(mine, comes=_comes(home.zone, home.put_away_s, policies, now)):
                    found[one.id] = one
        return found

    def _supplies(
        self, which: ColumnElement[bool], *, comes: Callable[[datetime | None], datetime | None]
    ) -> Iterator[Supply]:
        query = select(supply).where(
            which,
            # A used-up receipt and a closed inbound stay in the book only while somebody holds something of them.
            or_(
                supply.c.cancelled_at.is_(None),
                select(allocation.c.id)
                .where(allocation.c.supply_id == supply.c.id, allocation.c.quantity > 0)
                .exists(),
            ),
        )
        for row in self.connection.execute(query):
            inbound = row.kind == SupplyKind.INBOUND
            left = row.quantity - (row.received + row.closed_short if inbound else row.quarantined)
            ready_at = row.counted_at
            if inbound:
                ready_at = comes(row.expected_at)
            yield _supply(
                id=row.id,
                kind=SupplyKind(row.kind),
                number=row.number,
                product_id=row.product_id,
                quantity=0 if row.cancelled_at else max(0, left),
                ready_at=ready_at,
                inbound_id=row.inbound_id,
            )

    def _holdings(self, depot_id: int, product_ids: Sequence[int]) -> Iterator[Holding]:
        out_on = (
            select(func.max(delivery.c.for_day))
            .join(delivery_line, delivery_line.c.delivery_id == delivery.c.id)
            .where(
                delivery_line.c.allocation_id == allocation.c.id,
                delivery.c.state != "unreleased",
                delivery.c.direction == "deliver",
            )
            .scalar_subquery()
        )
        query = (
            select(
                allocation.c.supply_id,
                allocation.c.order_line_id,
                allocation.c.allocated,
                COMMITTED.label("committed"),
                GONE.label("gone"),
                case((COMMITTED > 0, out_on), else_="").label("for_day"),
            )
            .join(supply, supply.c.id == allocation.c.supply_id)
            .where(supply.c.depot_id == depot_id, supply.c.product_id.in_(product_ids), allocation.c.quantity > 0)
        )
        for supply_id, line_id, allocated, committed, gone, for_day in self.connection.execute(query).all():
            yield _holding(
                supply_id=supply_id,
                line_id=line_id,
                allocated=allocated,
                committed=committed,
                gone=gone,
                for_day=for_day or "",
            )

    # ------------------------------------------------------------------ supply

    def receipt_quantities(self, numbers: Collection[str], *, source: str = "own") -> dict[tuple[str, int], int]:
        """What was counted in under these numbers, by (number, product id), whatever a recount found later."""
        came = (
            select(func.sum(movement.c.quantity))
            .where(movement.c.supply_id == supply.c.id, movement.c.from_place == "supplier")
            .scalar_subquery()
        )
        found: dict[tuple[str, int], int] = {}
        for part in parts(numbers):
            query = select(supply.c.number, supply.c.product_id, func.coalesce(came, supply.c.quantity)).where(
                supply.c.kind == "receipt", supply.c.source == source, supply.c.number.in_(part)
            )
            found |= {(number, product_id): int(units) for number, product_id, units in self.connection.execute(query)}
        return found

    def inbound_id(self, number: str, product_id: int, depot_id: int, *, source: str = "own") -> int | None:
        return self.connection.scalar(
            select(supply.c.id).where(
                supply.c.kind == "inbound",
                supply.c.source == source,
                supply.c.number == number,
                supply.c.product_id == product_id,
                supply.c.depot_id == depot_id,
            )
        )

    def add_receipts(self, receipts: Sequence[Receipt], *, by: str, source: str = "own") -> list[int] | None:
        """Counts them in: their supply rows, the inbound they fulfil and the movements onto the shelf. Their keys.

        None when one of these numbers was counted in before for its SKU: the caller gives up.
        """
        if not receipts:
            return []
        suppliers: dict[int, int | None] = {}
        for part in parts({each.inbound_id for each in receipts if each.inbound_id is not None}):
            query = select(supply.c.id, supply.c.supplier_id).where(supply.c.id.in_(part))
            suppliers |= {key: supplier_id for key, supplier_id in self.connection.execute(query)}
        dialect = sqlite if self.connection.dialect.name == "sqlite" else postgresql
        new = dialect.insert(supply).on_conflict_do_nothing()
        made = self.connection.execute(
            new.returning(supply.c.id, supply.c.number, supply.c.product_id),
            [
                {
                    "kind": "receipt",
                    "source": source,
                    "number": each.number,
                    "depot_id": each.depot_id,
                    "product_id": each.product_id,
                    "supplier_id": suppliers.get(each.inbound_id) if each.inbound_id is not None else None,
                    "inbound_id": each.inbound_id,
                    "quantity": each.quantity,
                    "quarantined": each.quarantined,
                    "counted_at": each.counted_at,
                }
                for each in receipts
            ],
        ).all()
        if len(made) < len(receipts):
            return None
        keys = {(number, product_id): key for key, number, product_id in made}
        self._fulfil([each for each in receipts if each.inbound_id is not None])
        moved = [
            {
                "at": each.counted_at,
                "product_id": each.product_id,
                "quantity": quantity,
                "from_place": "supplier",
                "to_place": f"{place}:{each.depot_id}",
                "why": f"receipt {each.number}",
                "by": by,
                "supply_id": keys[each.number, each.product_id],
            }
            for each in receipts
            for quantity, place in ((each.quantity - each.quarantined, "depot"), (each.quarantined, "quarantine"))
            if quantity
        ]
        if moved:
            self.connection.execute(insert(movement), moved)
        return [keys[each.number, each.product_id] for each in receipts]

    def _fulfil(self, receipts: Sequence[Receipt]) -> None:
        """What the receipts bring of their inbound is not to come any more; nor is the rest, unless they say so."""
        if not receipts:
            return
        units = bindparam("units", type_=Integer)
        left = supply.c.quantity - supply.c.received - supply.c.closed_short - units
        self.connection.execute(
            update(supply)
            .where(supply.c.id == bindparam("of_inbound"))
            .values(
                received=supply.c.received + units,
                closed_short=supply.c.closed_short
                + case((left > 0, left), else_=0) * bindparam("closes", type_=Integer),
                version=supply.c.version + 1,
            ),
            [
                {"of_inbound": each.inbound_id, "units": each.quantity, "closes": int(not each.more_to_come)}
                for each in receipts
            ],
        )

    def set_counted(self, *, supply_id: int, quantity: int, was: int) -> None:
        """A recount. Raises Conflict when somebody counted it meanwhile."""
        changed = self.connection.execute(
            update(supply)
            .where(supply.c.id == supply_id, supply.c.quantity == was)
            .values(quantity=quantity, version=supply.c.version + 1)
        )
        if not changed.rowcount:
            raise Conflict("Somebody else has just counted these goods. Look again and decide again.")

    # ------------------------------------------------------------------ allocations

    def set_claims(self, changes: Sequence[tuple[int, int, int, int]], *, at: datetime) -> None:
        """Sets the unreleased units that lines hold of supplies: (line, supply, units before, units after), in order.

        Raises Conflict when one of them does not hold what it held before.
        """
        self.touched_lines.update(line_id for line_id, _, _, _ in changes)
        units = bindparam("units", type_=Integer)
        query = (
            update(allocation)
            .where(
                allocation.c.supply_id == bindparam("of_supply"),
                allocation.c.order_line_id == bindparam("of_line"),
                allocation.c.allocated == bindparam("was"),
            )
            .values(
                allocated=units,
                quantity=allocation.c.quantity - allocation.c.allocated + units,
                at=at,
            )
        )
        for some in batched(changes, AT_ONCE):
            changed = self.connection.execute(
                query,
                [
                    {"of_line": line_id, "of_supply": supply_id, "was": before, "units": after}
                    for line_id, supply_id, before, after in some
                ],
            )
            if changed.rowcount != len(some):
                raise Conflict("These goods were given to somebody else meanwhile. Read again and decide again.")

    def add_claims(self, claims: Iterable[Claim], *, at: datetime) -> None:
        """Gives units to lines that hold none of that supply unreleased; many at once, for a whole file.

        Who calls it holds the pools' locks and asks `check_allocations` afterwards.
        """
        dialect = sqlite if self.connection.dialect.name == "sqlite" else postgresql
        new = dialect.insert(allocation)
        query = new.on_conflict_do_update(
            index_elements=[allocation.c.supply_id, allocation.c.order_line_id],
            set_={
                "allocated": allocation.c.allocated + new.excluded.allocated,
                "quantity": allocation.c.quantity + new.excluded.quantity,
                "at": new.excluded.at,
            },
        )
        for some in batched(claims, AT_ONCE):
            self.touched_lines.update(claim.line_id for claim in some)
            rows = [
                {
                    "supply_id": claim.supply_id,
                    "order_line_id": claim.line_id,
                    "quantity": claim.quantity,
                    "allocated": claim.quantity,
                    "at": at,
                }
                for claim in some
            ]
            self.connection.execute(query, rows)

    def move_units(self, *, allocation_id: int, from_state: UnitState, to_state: UnitState, quantity: int) -> None:
        """Moves units of one allocation to another state. Raises Conflict when so many are not in `from_state`."""
        before, after = allocation.c[from_state.value], allocation.c[to_state.value]
        if from_state is to_state or quantity < 0:
            raise InvalidInput(f"{quantity} units cannot move from {from_state} to {to_state}.")
        self.touched_allocations.add(allocation_id)
        moved = self.connection.execute(
            update(allocation)
            .where(allocation.c.id == allocation_id, before >= quantity)
            .values({before: before - quantity, after: after + quantity})
        )
        if not moved.rowcount:
            raise Conflict(
                f"Allocation {allocation_id} no longer has {quantity} units {from_state}. Read again and decide again.",
                allocation=allocation_id,
            )

    def move_committed(
        self, *, line_id: int, from_supply: int, to_supply: int | None, quantity: int, at: datetime
    ) -> list[int]:
        """Moves released or picked units of a line to another supply, its deliveries with them; None: they are lost.

        Released before picked, the latest delivery first. Returns the deliveries touched; one that is left without
        any goods becomes `unreleased`. Raises Conflict when they are no longer there.
        """
        self.touched_lines.add(line_id)
        source = self.connection.execute(
            select(allocation).where(allocation.c.supply_id == from_supply, allocation.c.order_line_id == line_id)
        ).one()
        by_state = {"released": min(quantity, source.released)}
        by_state["picked"] = quantity - by_state["released"]
        for state, units in by_state.items():
            if not units:
                continue
            column = allocation.c[state]
            moved = self.connection.execute(
                update(allocation)
                .where(allocation.c.id == source.id, column >= units)
                .values({column: column - units, allocation.c.quantity: allocation.c.quantity - units})
            )
            if not moved.rowcount:
                raise Conflict("These goods were loaded meanwhile. Read again and decide again.")
        target_id = None
        if to_supply is not None:
            self.insert_once(
                allocation, {"supply_id": to_supply, "order_line_id": line_id, "quantity": 0, "allocated": 0, "at": at}
            )
            target_id = self.connection.execute(
                update(allocation)
                .where(allocation.c.supply_id == to_supply, allocation.c.order_line_id == line_id)
                .values(
                    released=allocation.c.released + by_state["released"],
                    picked=allocation.c.picked + by_state["picked"],
                    quantity=allocation.c.quantity + quantity,
                )
                .returning(allocation.c.id)
            ).scalar_one()
        return self._move_delivery_lines(source.id, target_id, quantity)

    def _move_delivery_lines(self, from_id: int, to_id: int | None, quantity: int) -> list[int]:
        touched = []
        rows = self.connection.execute(
            select(delivery_line)
            .join(delivery, delivery.c.id == delivery_line.c.delivery_id)
            .where(
                delivery_line.c.allocation_id == from_id,
                delivery.c.direction == "deliver",  # what is fetched back was handed over and moves no more
                delivery.c.state.in_(["released", "failed", "loaded", "dispatched"]),
            )
            # What is only released first: a delivery that was handed over keeps its goods as long as it can.
            .order_by(case((delivery.c.state == "released", 0), else_=1), delivery.c.id.desc())
        ).all()
        for row in rows:
            if not quantity:
                break
            units = min(quantity, row.quantity)
            quantity -= units
            touched.append(row.delivery_id)
            if units == row.quantity:
                self.connection.execute(delivery_line.delete().where(delivery_line.c.id == row.id))
            else:
                self.connection.execute(
                    update(delivery_line)
                    .where(delivery_line.c.id == row.id)
                    .values(quantity=delivery_line.c.quantity - units)
                )
            if to_id is None:
                continue
            added = self.connection.execute(
                update(delivery_line)
                .where(delivery_line.c.delivery_id == row.delivery_id, delivery_line.c.allocation_id == to_id)
                .values(quantity=delivery_line.c.quantity + units)
            )
            if not added.rowcount:
                self.connection.execute(
                    insert(delivery_line).values(delivery_id=row.delivery_id, allocation_id=to_id, quantity=units)
                )
        if quantity:
            raise Conflict("These goods were loaded meanwhile. Read again and decide again.")
        if to_id is None and touched:
            self.connection.execute(
                update(delivery)
                .where(
                    delivery.c.id.in_(touched),
                    delivery.c.state == "released",
                    ~select(delivery_line.c.id).where(delivery_line.c.delivery_id == delivery.c.id).exists(),
                )
                .values(state="unreleased", version=delivery.c.version + 1)
            )
        return touched

    def check_allocations(self, depot_id: int, product_ids: Collection[int]) -> None:
        """The last word before a commit: raises Conflict if any supply or line is promised more than it has."""
        for part in parts(product_ids):
            sellable = case(
                (supply.c.kind == "inbound", supply.c.quantity - supply.c.received - supply.c.closed_short),
                else_=supply.c.quantity - supply.c.quarantined,
            )
            over = (
                select(supply.c.number)
                .join(allocation, allocation.c.supply_id == supply.c.id)
                .where(supply.c.depot_id == depot_id, supply.c.product_id.in_(part))
                .group_by(supply.c.id, supply.c.number)
                # What is gone may exceed a recount; what is still promised may not.
                .having(
                    (func.sum(allocation.c.allocated + COMMITTED) > 0)
                    & (func.sum(allocation.c.quantity) > func.max(sellable))
                )
            )
            ordered = (
                select(order_line.c.id)
                .join(order, order.c.id == order_line.c.order_id)
                .join(allocation, allocation.c.order_line_id == order_line.c.id)
                .where(order.c.depot_id == depot_id, order_line.c.product_id.in_(part))
                .group_by(order_line.c.id, order_line.c.quantity, order_line.c.cancelled)
                .having(
                    (func.sum(allocation.c.allocated + COMMITTED) > 0)
                    & (func.sum(allocation.c.allocated + COMMITTED + SERVED) > ORDERED)
                )
            )
            if self.connection.execute(over).first() or self.connection.execute(ordered).first():
                raise Conflict("These goods were given to somebody else meanwhile. Read again and decide again.")

    # ------------------------------------------------------------------ the ledger of goods

    def add_movement(
        self,
        *,
        at: datetime,
        product_id: int,
        quantity: int,
        from_place: str,
        to_place: str,
        why: str,
        by: str,
        allocation_id: int | None = None,
        delivery_id: int | None = None,
        supply_id: int | None = None,
    ) -> int:
        """Writes down that goods went from one place to another; returns the movement's id."""
        moved: int = self.connection.execute(
            insert(movement)
            .values(
                at=at,
                product_id=product_id,
                quantity=quantity,
                from_place=from_place,
                to_place=to_place,
                why=why,
                by=by,
                allocation_id=allocation_id,
                delivery_id=delivery_id,
                supply_id=supply_id,
            )
            .returning(movement.c.id)
        ).scalar_one()
        return moved

    def goods_at(self, place: str) -> dict[int, int]:
        """Base units per product at a place, by the ledger; products with none are left out."""
        change = case((movement.c.to_place == place, movement.c.quantity), else_=-movement.c.quantity)
        query = (
            select(movement.c.product_id, func.sum(change).label("units"))
            .where(or_(movement.c.to_place == place, movement.c.from_place == place))
            .where(movement.c.to_place != movement.c.from_place)
            .group_by(movement.c.product_id)
        )
        return {row.product_id: int(row.units) for row in self.connection.execute(query) if row.units}

    # ------------------------------------------------------------------ imports

    def products(self, numbers: Collection[str], *, source: str = "own") -> dict[str, dict[str, Any]]:
        """The rows of the SKUs that exist, with their supplier's number."""
        found: dict[str, dict[str, Any]] = {}
        for part in parts(numbers):
            query = (
                select(product, supplier.c.number.label("supplier"))
                .outerjoin(supplier, supplier.c.id == product.c.supplier_id)
                .where(product.c.source == source, product.c.number.in_(part))
            )
            found |= {row["number"]: dict(row) for row in self.connection.execute(query).mappings()}
        return found

    def inbounds(self, numbers: Collection[str], *, source: str = "own") -> dict[tuple[str, int], dict[str, Any]]:
        """The inbound rows of these numbers by (number, product id), with their supplier's number."""
        found: dict[tuple[str, int], dict[str, Any]] = {}
        for part in parts(numbers):
            query = (
                select(supply, supplier.c.number.label("supplier"))
                .outerjoin(supplier, supplier.c.id == supply.c.supplier_id)
                .where(supply.c.kind == "inbound", supply.c.source == source, supply.c.number.in_(part))
            )
            for row in self.connection.execute(query).mappings():
                found[row["number"], row["product_id"]] = dict(row)
        return found

    def supplier_id(self, number: str, *, source: str = "own") -> int | None:
        """The key of a supplier, made when it is not there; None for no supplier."""
        if not number:
            return None
        made = self.insert_once(supplier, {"source": source, "number": number, "name": number})
        return made or self.connection.scalar(
            select(supplier.c.id).where(supplier.c.source == source, supplier.c.number == number)
        )

    def save_product(self, product_id: int | None, values: Mapping[str, Any]) -> int:
        if product_id is None:
            made: int = self.connection.execute(insert(product).values(values).returning(product.c.id)).scalar_one()
            return made
        self.connection.execute(
            update(product).where(product.c.id == product_id).values(**values, version=product.c.version + 1)
        )
        return product_id

    def save_inbound(self, supply_id: int | None, values: Mapping[str, Any]) -> int:
        if supply_id is None:
            query = insert(supply).values(kind="inbound", **values).returning(supply.c.id)
            made: int = self.connection.execute(query).scalar_one()
            return made
        self.connection.execute(
            update(supply).where(supply.c.id == supply_id).values(**values, version=supply.c.version + 1)
        )
        self.touched_supplies.add(supply_id)
        return supply_id


_by_id, _by_line = attrgetter("id"), attrgetter("line_id", "supply_id")


def _comes(
    zone: str, put_away_s: int, policies: PolicyBook, now: datetime
) -> Callable[[datetime | None], datetime | None]:
    """When the goods of an inbound that is expected at a moment can be loaded at the depot; None: nobody knows."""
    here, put_away = ZoneInfo(zone), timedelta(seconds=put_away_s)
    overdue_days = policies.overdue_days(day=now.astimezone(here).date().isoformat())

    def comes(expected_at: datetime | None) -> datetime | None:
        at = dependable(expected_at, now=now, zone=here, overdue_days=overdue_days)
        return None if at is None else at + put_away

    return comes
