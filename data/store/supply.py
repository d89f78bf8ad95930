"""The store's part for supply that turns out otherwise: inbound that slips or is cancelled, shelves counted again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from data.queries.needs import HELD, SELLABLE, TO_COME
from data.queries.stock import stock_rows
from data.store.book import BookStore
from data.store.part import parts
from data.tables import allocation, depot, order, order_line, product, supplier, supply
from routing.errors import Conflict
from routing.model.stock import InboundLines, LapsedInbound, OpenInbound, ShelfOfReceipt, SkuStock


class SupplyStore(BookStore):
    def put_away(self, depot_id: int) -> timedelta:
        """From the truck at the door until its goods can be loaded."""
        return timedelta(seconds=self.connection.scalar(select(depot.c.put_away_s).where(depot.c.id == depot_id)) or 0)

    def open_inbound(self, number: str, *, source: str = "own") -> list[OpenInbound]:
        """The lines of an inbound of which something may still come, by SKU."""
        query = (
            select(
                supply.c.id,
                supply.c.number,
                supply.c.depot_id,
                supply.c.product_id,
                product.c.number.label("sku"),
                TO_COME.label("left"),
                supply.c.received,
                supply.c.closed_short,
                supply.c.expected_at,
                supply.c.version,
            )
            .join(product, product.c.id == supply.c.product_id)
            .where(
                supply.c.kind == "inbound",
                supply.c.source == source,
                supply.c.number == number,
                supply.c.cancelled_at.is_(None),
                TO_COME > 0,
            )
            .order_by(product.c.number, supply.c.id)
        )
        return [OpenInbound(**row) for row in self.connection.execute(query).mappings()]

    def inbound_lines(self, supply_ids: Collection[int]) -> list[InboundLines]:
        """The inbound that these lines belong to, each with all its lines."""
        found: dict[tuple[int, str, str], list[int]] = defaultdict(list)
        named = supply.alias("named")
        for part in parts(set(supply_ids)):
            query = (
                select(supply.c.depot_id, supply.c.number, supply.c.source, supply.c.id)
                .distinct()
                .join(
                    named,
                    (named.c.kind == "inbound")
                    & (named.c.number == supply.c.number)
                    & (named.c.depot_id == supply.c.depot_id)
                    & (named.c.source == supply.c.source),
                )
                .where(supply.c.kind == "inbound", named.c.id.in_(part))
                .order_by(supply.c.number, supply.c.id)
            )
            for row in self.connection.execute(query):
                found[row.depot_id, row.number, row.source].append(row.id)
        return [
            InboundLines(depot_id=depot_id, number=number, ids=tuple(dict.fromkeys(ids)))
            for (depot_id, number, _source), ids in found.items()
        ]

    def lapsed_inbound(
        self, depot_id: int, *, before: datetime, since: datetime | None, only: Collection[int] | None = None
    ) -> list[LapsedInbound]:
        """What was expected before a moment (and, if given, not before `since`) and may still come, by number."""
        query = (
            select(
                supply.c.id,
                supply.c.number,
                func.coalesce(supplier.c.name, "").label("supplier"),
                supply.c.product_id,
                product.c.number.label("sku"),
                TO_COME.label("left"),
                supply.c.expected_at,
            )
            .join(product, product.c.id == supply.c.product_id)
            .outerjoin(supplier, supplier.c.id == supply.c.supplier_id)
            .where(
                supply.c.kind == "inbound",
                supply.c.depot_id == depot_id,
                supply.c.cancelled_at.is_(None),
                supply.c.expected_at < before,
                TO_COME > 0,
            )
            .order_by(supply.c.number, supply.c.id)
        )
        if since is not None:
            query = query.where(supply.c.expected_at >= since)
        if only is not None:
            query = query.where(supply.c.id.in_(only))
        return [LapsedInbound(**row) for row in self.connection.execute(query).mappings()]

    def stand_again(self, supply_ids: Collection[int], *, now: datetime) -> None:
        """These inbound lines have a date no longer, or again: how the lines that hold them stand is written anew."""
        self.touched_supplies.update(supply_ids)
        self.moment = now

    def slip_inbound(self, line: OpenInbound, *, expected_at: datetime) -> None:
        """Raises Conflict when somebody changed or counted the line meanwhile."""
        self._change_inbound(line, expected_at=expected_at)

    def cancel_inbound(self, line: OpenInbound, *, at: datetime) -> None:
        """What was counted in stays; the rest will not come. Raises Conflict as `slip_inbound`."""
        if line.received or line.closed_short:
            self._change_inbound(line, closed_short=line.closed_short + line.left)
        else:
            self._change_inbound(line, cancelled_at=at)

    def _change_inbound(self, line: OpenInbound, **values: object) -> None:
        changed = self.connection.execute(
            update(supply)
            .where(supply.c.id == line.id, supply.c.version == line.version)
            .values(version=supply.c.version + 1, **values)
        )
        if not changed.rowcount:
            raise Conflict(f"Inbound {line.number} was changed by somebody else. Look again and decide again.")
        self.touched_supplies.add(line.id)

    def shelves(self, depot_id: int, product_id: int) -> list[ShelfOfReceipt]:
        """What lies at the depot of a SKU, receipt by receipt, oldest first: sellable units that have not left."""
        gone = (
            select(func.coalesce(func.sum(allocation.c.quantity - HELD), 0))
            .where(allocation.c.supply_id == supply.c.id)
            .scalar_subquery()
        )
        query = (
            select(
                supply.c.id,
                supply.c.number,
                supply.c.quantity,
                supply.c.counted_at,
                (SELLABLE - gone).label("here"),
            )
            .where(
                supply.c.kind == "receipt",
                supply.c.depot_id == depot_id,
                supply.c.product_id == product_id,
                supply.c.cancelled_at.is_(None),
            )
            .order_by(supply.c.counted_at, supply.c.id)
        )
        return [
            ShelfOfReceipt(
                id=row.id,
                number=row.number,
                quantity=row.quantity,
                here=max(0, int(row.here)),
                counted_at=row.counted_at,
            )
            for row in self.connection.execute(query)
        ]

    def open_products(self, depot_id: int) -> frozenset[int]:
        """The SKUs of which somebody still needs something at the depot."""
        # Of each SKU the first line that waits will do: not all 100,000 are looked at.
        somebody = self._waiting(depot_id).where(order_line.c.product_id == product.c.id).correlate(product).exists()
        return frozenset(self.connection.scalars(select(product.c.id).where(somebody)).all())

    def stock_of(self, sku: str) -> list[SkuStock]:
        """The SKU at every depot where it lies, is to come or is wanted, by depot."""
        return stock_rows(self.connection, sku=sku)

    def open_products_of(self, *, scope: str, scope_id: int) -> dict[int, frozenset[int]]:
        """Per depot the SKUs of which the company, one customer or one order still needs something, by depot id."""
        found = {}
        for depot_id in self.connection.scalars(select(depot.c.id).order_by(depot.c.id)).all():
            query = self._waiting(depot_id).with_only_columns(order_line.c.product_id).distinct()
            if scope == "customer":
                query = query.where(order.c.customer_id == scope_id)
            elif scope == "order":
                query = query.where(order.c.id == scope_id)
            if products := frozenset(self.connection.scalars(query)):
                found[depot_id] = products
        return found
