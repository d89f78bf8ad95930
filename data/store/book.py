"""The store's part for the ATP ledger: supply, who waits for it and who holds it, as the rules decide it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from data.queries.needs import COMMITTED, GONE, HELD, SELLABLE, TO_COME
from data.store.part import parts
from data.store.waiting import WaitingStore
from data.tables import allocation, delivery, delivery_line, depot, order, order_line, supply
from routing.bulk import in_bulk
from routing.cycles import no_cycles
from routing.model.orders import AllocationRule, Book, Completeness, Outside, WaitingLine
from routing.model.stock import Holding, Supply, SupplyKind
from routing.rules.policies import PolicyBook
from routing.rules.promises import loadable

_supply, _holding = in_bulk(Supply), in_bulk(Holding)
_by_id, _by_line = attrgetter("id"), attrgetter("line_id", "supply_id")


class BookStore(WaitingStore):
    @no_cycles()
    def book(
        self,
        depot_id: int,
        product_ids: Collection[int],
        *,
        now: datetime,
        policies: PolicyBook | None = None,
        reaching: bool = False,
        ranked_by: AllocationRule | None = None,
    ) -> Book:
        """The ATP ledger of these SKUs at the depot. An overdue inbound counts as arriving now, and once the days that
        the policy waits for it are over as one without a date. A receipt of which every unit is gone and an inbound of
        which nothing may come are in it only while somebody holds something of them: years of them change nothing.

        `policies`: others than those in force, to see what they would change. `reaching`: also what the ship-complete
        orders hold of other SKUs; without it the SKUs must be all that these orders tie together. Of orders whose terms
        weigh their parts it always has the other SKUs, for their dates. `ranked_by`: the
        rule they will be ranked by, where that may not be the one in force.
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
        for part in parts([one.id for one in supplies]):
            holdings += self._holdings(part)
        orders = {one.id: one for one in self._orders(lines, policies, today, zone=home.zone)}
        outside: dict[int, Outside] = {}
        # What becomes of an order's SKUs by the ranks is each its own; when its lines go by its terms is not.
        tied = [
            one.id for one in orders.values() if one.terms or (reaching and one.completeness is Completeness.COMPLETE)
        ]
        if tied:
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
            weighed = {line.id for one in orders.values() if one.terms for line in one.lines if line.id in outside}
            for line_id, coming in self._coming_of(weighed, comes=comes).items() if weighed else ():
                outside[line_id] = replace(outside[line_id], comes=coming)
        if (ranked_by or policies.allocation_policy(day=today).rule).asks_for_promises:
            for order_id, day in self._days_counted_on(depot_id, orders).items():
                orders[order_id] = replace(orders[order_id], promised_first=day)
        return Book(
            depot_id=depot_id,
            supplies=tuple(sorted(supplies, key=_by_id)),
            orders=tuple(orders.values()),
            holdings=tuple(sorted(holdings, key=_by_line)),
            outside=outside,
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
        columns = (
            supply.c.id, supply.c.kind, supply.c.number, supply.c.product_id, supply.c.quantity, supply.c.received,
            supply.c.closed_short, supply.c.quarantined, supply.c.counted_at, supply.c.expected_at,
            supply.c.cancelled_at, supply.c.inbound_id,
        )  # fmt: skip
        used = (
            select(allocation.c.supply_id, func.sum(GONE).label("gone"), func.sum(HELD).label("held"))
            .join(supply, supply.c.id == allocation.c.supply_id)
            .where(which)
            .group_by(allocation.c.supply_id)
            .subquery()
        )
        receipt = supply.c.kind == SupplyKind.RECEIPT.value
        query = (
            select(*columns)
            .outerjoin(used, used.c.supply_id == supply.c.id)
            .where(
                which,
                or_(
                    used.c.held > 0,
                    # More gone than was counted is no used-up receipt: a recount has to find that too.
                    and_(
                        receipt,
                        supply.c.cancelled_at.is_(None),
                        func.coalesce(used.c.gone, 0) != SELLABLE,
                    ),
                    and_(~receipt, supply.c.cancelled_at.is_(None), TO_COME > 0),
                ),
            )
        )
        ready: dict[datetime | None, datetime | None] = {}  # many lines come with one truck
        for (
            supply_id, kind, number, product_id, quantity, received, closed_short, quarantined, counted_at,
            expected_at, cancelled_at, inbound_id,
        ) in self.connection.execute(query).all():  # fmt: skip
            inbound = kind == SupplyKind.INBOUND.value
            left = quantity - (received + closed_short if inbound else quarantined)
            if inbound and expected_at not in ready:
                ready[expected_at] = comes(expected_at)
            yield _supply(
                id=supply_id,
                kind=SupplyKind.INBOUND if inbound else SupplyKind.RECEIPT,
                number=number,
                product_id=product_id,
                quantity=0 if cancelled_at else max(0, left),
                ready_at=ready[expected_at] if inbound else counted_at,
                inbound_id=inbound_id,
            )

    def _holdings(self, supply_ids: Sequence[int]) -> Iterator[Holding]:
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
        query = select(
            allocation.c.supply_id,
            allocation.c.order_line_id,
            allocation.c.allocated,
            COMMITTED.label("committed"),
            GONE.label("gone"),
            case((COMMITTED > 0, out_on), else_="").label("for_day"),
        ).where(allocation.c.supply_id.in_(supply_ids), allocation.c.quantity > 0)
        for supply_id, line_id, allocated, committed, gone, for_day in self.connection.execute(query).all():
            yield _holding(
                supply_id=supply_id,
                line_id=line_id,
                allocated=allocated,
                committed=committed,
                gone=gone,
                for_day=for_day or "",
            )


def _comes(
    zone: str, put_away_s: int, policies: PolicyBook, now: datetime
) -> Callable[[datetime | None], datetime | None]:
    """When the goods of an inbound that is expected at a moment can be loaded at the depot; None: nobody knows."""
    here = ZoneInfo(zone)
    return partial(
        loadable,
        now=now,
        zone=here,
        overdue_days=policies.overdue_days(day=now.astimezone(here).date().isoformat()),
        put_away=timedelta(seconds=put_away_s),
    )
