"""The store's part for who waits: lines that still need something, with their orders, and what ties SKUs together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Select, case, func, or_, select, true

from data.queries.lateness import wishes
from data.queries.needs import COMMITTED, HELD, is_held, newest_promise, still_needed
from data.queries.policies import STATED, stated_terms
from data.store.part import AT_ONCE, parts
from data.store.policies import PolicyStore
from data.tables import (
    allocation,
    customer,
    delivery,
    delivery_line,
    depot,
    order,
    order_line,
    policy,
    product,
    promise,
    site,
    supply,
)
from routing.bulk import in_bulk
from routing.model.orders import (
    AllocationRule,
    Completeness,
    OrderTerms,
    Outside,
    RankRule,
    RideRule,
    TermsFrom,
    WaitingLine,
    WaitingOrder,
)
from routing.model.stock import SupplyKind
from routing.rules.policies import PolicyBook, Scope
from routing.rules.release import kept_as, wait_ends

_NEWEST = (promise.c.order_line_id == order_line.c.id) & (promise.c.version == newest_promise(order_line.c.id))
"""The promise in force of the order line that the query stands on."""

_line, _order = in_bulk(WaitingLine), in_bulk(WaitingOrder)
_by_id = attrgetter("id")


Stated = tuple[str, int, int, int | None, int | None]
"""What the columns `STATED` of an order hold."""


class _TermsBook:
    """How an order ships on a day and from which later days on otherwise. Nearly all orders of a customer say the same:
    a book of 15,000 orders asks the policies once for each of them."""

    def __init__(self, policies: PolicyBook, day: str) -> None:
        self._policies, self._day = policies, day
        self._later = policies.terms_change_on(after_day=day)
        self._known: dict[tuple[int, Stated, int], tuple[OrderTerms, tuple[TermsFrom, ...]]] = {}

    def __call__(self, customer_id: int, stated: Stated, order_id: int) -> tuple[OrderTerms, tuple[TermsFrom, ...]]:
        """The terms of the day; and of it and every later day on which they change, where parts are weighed by any."""
        own = order_id if self._policies.speaks_of(Scope.ORDER, order_id) else 0
        # Customers of whom no policy speaks have the same terms.
        customer_id = customer_id if self._policies.speaks_of(Scope.CUSTOMER, customer_id) else 0
        key = (customer_id, stated, own)
        found = self._known.get(key)
        if found is None:
            by_day: list[TermsFrom] = []
            for day in (self._day, *self._later):
                terms = self._policies.order_terms(
                    stated_terms(*stated), day=day, customer_id=customer_id, order_id=order_id
                )
                if not by_day or terms != by_day[-1].terms:
                    by_day.append(TermsFrom(day=day if by_day else "", terms=terms))
            weighed = len(by_day) > 1 or by_day[0].terms.weigh_parts
            found = self._known[key] = by_day[0].terms, tuple(by_day) if weighed else ()
        return found


def shipments_of(connection: Connection, order_ids: Collection[int]) -> dict[int, int]:
    """How many deliveries each order has had or has under way; one that had none is left out."""
    found: dict[int, int] = {}
    for part in parts(order_ids):
        query = (
            select(order_line.c.order_id, func.count(delivery.c.id.distinct()).label("shipments"))
            .join(allocation, allocation.c.order_line_id == order_line.c.id)
            .join(delivery_line, delivery_line.c.allocation_id == allocation.c.id)
            .join(delivery, delivery.c.id == delivery_line.c.delivery_id)
            .where(
                order_line.c.order_id.in_(part),
                delivery.c.state != "unreleased",
                delivery.c.direction == "deliver",
            )
            .group_by(order_line.c.order_id)
        )
        found |= {row.order_id: row.shipments for row in connection.execute(query)}
    return found


def _by_policy(names: Collection[str]) -> ColumnElement[bool]:
    """Orders of which, or of whose customer, a policy of one of these names speaks, whatever it says."""
    return (
        select(policy.c.id)
        .where(
            policy.c.name.in_(sorted(names)),
            or_(
                (policy.c.scope == Scope.ORDER.value) & (policy.c.scope_id == order.c.id),
                (policy.c.scope == Scope.CUSTOMER.value) & (policy.c.scope_id == order.c.customer_id),
            ),
        )
        .exists()
    )


class WaitingStore(PolicyStore):
    def related_products(self, depot_id: int, product_ids: Collection[int]) -> frozenset[int]:
        """These SKUs and all that ship-complete orders tie to them, and where promises rank those that were promised
        nothing yet: they can only be decided together."""
        known: set[int] = set(product_ids)
        new: set[int] = set(known)
        together = self._may_ship_complete()
        if any(
            row.name == "allocation_rule" and AllocationRule(row.value).asks_for_promises
            for row in self.policies().rows
        ):
            # Its first promise gives an order its rank, for all of its SKUs.
            together = or_(together, self._is_unpromised())
        while new:
            new = self._tied_to(depot_id, new, together) - known
            known |= new
        return frozenset(known)

    def tied_products(self, depot_id: int, product_ids: Collection[int]) -> frozenset[int]:
        """These SKUs and those that stand beside one of them in a ship-complete order: one step of all that are
        related."""
        return frozenset(product_ids) | self._tied_to(depot_id, product_ids, self._may_ship_complete())

    def dated_beside(self, depot_id: int, product_ids: Collection[int]) -> frozenset[int]:
        """The SKUs that wait beside one of these in an order that goes as a whole or whose terms weigh its parts: its
        lines are dated by each other's days. None on SQLite, where whoever writes is alone."""
        if self.connection.dialect.name == "sqlite":
            return frozenset()
        weighs = or_(self._may_ship_complete(), self._may_weigh_parts())
        return frozenset(self._tied_to(depot_id, product_ids, weighs))

    def _tied_to(self, depot_id: int, product_ids: Collection[int], ships_complete: ColumnElement[bool]) -> set[int]:
        found: set[int] = set()
        for part in parts(product_ids):
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
            found |= set(self.connection.scalars(query).all())
        return found

    def _may_ship_complete(self) -> ColumnElement[bool]:
        """Orders that say so, and those that a policy could say it for, whenever: tying too many only locks more."""
        rows = [row for row in self.policies().rows if row.name == "completeness" and row.value == "complete"]
        if any(row.scope is Scope.COMPANY for row in rows):
            return true()
        says_so = order.c.completeness == Completeness.COMPLETE.value
        return or_(says_so, _by_policy({"completeness"})) if rows else says_so

    def _is_unpromised(self) -> ColumnElement[bool]:
        its = order_line.alias()
        made = (
            select(promise.c.id)
            .join(its, its.c.id == promise.c.order_line_id)
            .where(its.c.order_id == order.c.id)
            .correlate(order)
        )
        return ~made.exists()

    def _may_weigh_parts(self) -> ColumnElement[bool]:
        """Orders whose terms weigh their parts, and those of whom a policy could say so, whenever."""
        rows = [
            row
            for row in self.policies().rows
            if (row.name in ("min_percent", "min_value") and row.value)
            or (row.name in ("max_shipments", "max_wait_days") and row.value is not None)
            or (row.name == "ride_along" and row.value != RideRule.ALONE.value)
        ]
        if any(row.scope is Scope.COMPANY for row in rows):
            return true()
        says_so = or_(
            order.c.min_percent > 0,
            order.c.min_value > 0,
            order.c.max_shipments.is_not(None),
            order.c.max_wait_days.is_not(None),
        )
        return or_(says_so, _by_policy({row.name for row in rows})) if rows else says_so

    def _days_counted_on(self, depot_id: int, order_ids: Collection[int]) -> dict[int, str]:
        """The ISO day that each order's customer counts on, whatever SKU that is of: what they wished for last; else
        what was promised first of all it still needs, of several promises made at one moment the earliest day."""
        wished = wishes(self.connection)
        newest: dict[int, tuple[bool, float, str]] = {}
        for part in parts(order_ids):
            query = (
                self._waiting(depot_id)
                .with_only_columns(order.c.id, promise.c.why, promise.c.made_at, promise.c.promised_on)
                .join(promise, promise.c.order_line_id == order_line.c.id)
                .where(order.c.id.in_(part), or_(promise.c.version == 1, promise.c.why.in_(wished)))
            )
            for order_id, why, made_at, day in self.connection.execute(query):
                is_wish = why in wished
                # The newest wish goes before all; of what we promised, what was made first.
                at = made_at.timestamp()
                this = (not is_wish, -at if is_wish else at, day)
                newest[order_id] = min(this, newest.get(order_id, this))
        return {order_id: day for order_id, (_, _, day) in newest.items()}

    def _coming_of(
        self, line_ids: Collection[int], *, comes: Callable[[datetime | None], datetime | None]
    ) -> dict[int, tuple[tuple[datetime, int], ...]]:
        """What lines hold that is not released, by the moment at which it can be loaded; without what has none."""
        found: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
        for part in parts(line_ids):
            query = (
                select(
                    allocation.c.order_line_id,
                    allocation.c.allocated,
                    supply.c.kind,
                    supply.c.counted_at,
                    supply.c.expected_at,
                )
                .join(supply, supply.c.id == allocation.c.supply_id)
                .where(allocation.c.order_line_id.in_(part), allocation.c.allocated > 0)
                .order_by(allocation.c.id)
            )
            for line_id, units, kind, counted_at, expected_at in self.connection.execute(query):
                at = counted_at if kind == SupplyKind.RECEIPT.value else comes(expected_at)
                if at is not None:
                    found[line_id].append((at, units))
        return {line_id: tuple(each) for line_id, each in found.items()}

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
            .with_only_columns(order.c.id, order.c.customer_id, order.c.ordered_at, *STATED)
            .distinct()
        )
        if not any(row.name == "max_wait_days" for row in policies.rows):
            query = query.where(order.c.max_wait_days.is_not(None))
        ended = []
        for order_id, customer_id, ordered_at, *stated in self.connection.execute(query):
            terms, _ = terms_of(customer_id, tuple(stated), order_id)
            ends = wait_ends(ordered_at.astimezone(zone).date().isoformat(), terms.max_wait_days)
            if terms.completeness is not Completeness.PARTIAL and after_day < ends <= until_day:
                ended.append(order_id)
        found: set[int] = set()
        for part in parts(ended):
            goods = self._waiting(depot_id).where(order.c.id.in_(part)).with_only_columns(order_line.c.product_id)
            found |= set(self.connection.scalars(goods))
        return found

    def unsent_lines(self, depot_id: int, *, from_day: str, before_day: str) -> dict[int, tuple[int, int]]:
        """The lines, by key with their order's and product's, that were promised last, or expected, for an ISO day from
        the one on, both before the other, hold on the shelf all that they need, and that no hold and no payment keeps
        back."""
        on_shelf = (
            select(func.coalesce(func.sum(HELD), 0))
            .join(supply, supply.c.id == allocation.c.supply_id)
            .where(allocation.c.order_line_id == order_line.c.id, supply.c.kind == SupplyKind.RECEIPT.value)
            .correlate(order_line)
            .scalar_subquery()
        )
        query = (
            self._waiting(depot_id)
            .join(customer, customer.c.id == order.c.customer_id)
            .join(promise, _NEWEST)
            .where(
                or_(promise.c.promised_on >= from_day, order_line.c.expected_on >= from_day),
                promise.c.promised_on < before_day,
                order_line.c.expected_on != "",
                order_line.c.expected_on < before_day,
                ~is_held(),
                on_shelf >= still_needed(),
            )
            .with_only_columns(order_line.c.id, order.c.id, order_line.c.product_id)
        )
        return {line_id: (order_id, product_id) for line_id, order_id, product_id in self.connection.execute(query)}

    def promised_in_a_row(self, line_ids: Collection[int], *, why: str) -> dict[int, int]:
        """How many of the newest promises of each line were all made for this reason; without those of which none
        was."""
        found: dict[int, int] = {}
        other = promise.alias()
        last_other = (
            select(func.coalesce(func.max(other.c.version), 0))
            .where(other.c.order_line_id == promise.c.order_line_id, other.c.why != why)
            .scalar_subquery()
        )
        for part in parts(line_ids):
            query = (
                select(promise.c.order_line_id, func.count())
                .where(promise.c.order_line_id.in_(part), promise.c.version > last_other)
                .group_by(promise.c.order_line_id)
            )
            found |= {line_id: rows for line_id, rows in self.connection.execute(query)}
        return found

    def held_among(self, order_ids: Collection[int]) -> frozenset[int]:
        """Those of these orders that are on hold, wait for their payment, or whose customer is on hold."""
        found: set[int] = set()
        for part in parts(order_ids):
            query = (
                select(order.c.id)
                .join(customer, customer.c.id == order.c.customer_id)
                .where(order.c.id.in_(part), is_held())
            )
            found |= set(self.connection.scalars(query))
        return frozenset(found)

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
                found = self.connection.execute(columns.where(product.c.id.in_(part))).all()
                words |= {key: rest for key, *rest in found}
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
        customers: dict[int, tuple[str, int, RankRule, str]] = {}
        sites: dict[int, str] = {}
        for part in parts(lines):
            query = (
                select(
                    order.c.id,
                    order.c.number,
                    order.c.customer_id,
                    order.c.site_id,
                    order.c.ordered_at,
                    order.c.wanted_on,
                    order.c.not_before,
                    order.c.currency,
                    order.c.customer_reference,
                    order.c.erp_reference,
                    is_held(),
                    *STATED,
                )
                .join(customer, customer.c.id == order.c.customer_id)
                .where(order.c.id.in_(part))
                .order_by(order.c.id)
            )
            rows = self.connection.execute(query).all()
            # Who bought and where it goes is read apart, as the words of products are.
            for some in parts({row[2] for row in rows} - customers.keys()):
                who = select(
                    customer.c.id, customer.c.name, customer.c.tier, customer.c.rank_rule, customer.c.salesperson
                ).where(customer.c.id.in_(some))
                for key, name, tier, stated, salesperson in self.connection.execute(who).all():
                    rank_rule = policies.rank_rule(RankRule(stated), day=day, customer_id=key)
                    customers[key] = (name, tier, rank_rule, same.setdefault(salesperson, salesperson))
            for some in parts({row[3] for row in rows} - sites.keys()):
                where = select(site.c.id, site.c.name).where(site.c.id.in_(some))
                sites |= {key: name for key, name in self.connection.execute(where).all()}
            weighed: dict[int, tuple[OrderTerms, tuple[TermsFrom, ...]]] = {
                row[0]: terms_of(row[2], tuple(row[11:]), row[0]) for row in rows
            }
            counted = {
                key
                for key, (_, by_day) in weighed.items()
                if any(each.terms.max_shipments is not None for each in by_day)
            }
            shipments = shipments_of(self.connection, counted) if counted else {}
            for (
                order_id, number, customer_id, site_id, ordered_at, wanted_on, not_before, currency, *rest,
            ) in rows:  # fmt: skip
                terms, by_day = weighed[order_id]
                name, tier, rank_rule, salesperson = customers[customer_id]
                yield _order(
                    id=order_id,
                    number=number,
                    customer_id=customer_id,
                    customer=name,
                    site_id=site_id,
                    site=sites[site_id],
                    tier=tier,
                    rank_rule=rank_rule,
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
                    references=tuple(text for text in rest[:2] if text),
                    salesperson=salesperson,
                    terms=by_day,
                    shipments=shipments.get(order_id, 0),
                    held=bool(rest[2]),
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
