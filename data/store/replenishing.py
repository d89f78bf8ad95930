"""The store's part for replenishment: demand, stock, what is on order, and who brings it, per SKU of a depot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update

from data.queries.needs import HELD, ORDERED, SELLABLE, SERVED, TO_COME
from data.store.part import StorePart
from data.tables import allocation, depot, notice, order, order_line, product, product_supplier, supplier, supply
from routing.model.notices import NoticeKind
from routing.model.parties import Supplier
from routing.rules.replenishment import Overdue, SkuFacts

HISTORY_DAYS = 182


class ReplenishStore(StorePart):
    def sku_facts(self, depot_id: int, *, now: datetime) -> list[SkuFacts]:
        """Every SKU with a history, stock, inbound or open demand at the depot, by number. Days are the depot's.

        Demand is what was ordered, cancelled or not: much is cancelled because it did not come.
        """
        home = self.connection.execute(select(depot).where(depot.c.id == depot_id)).one()
        today = now.astimezone(ZoneInfo(home.zone)).date()
        daily = self._daily(depot_id, today, ZoneInfo(home.zone))
        here = self._on_hand(depot_id)
        coming, overdue = self._on_order(depot_id, now, ZoneInfo(home.zone))
        held, open_units = self._held(depot_id), self._open(depot_id)
        sources, lateness = self._sources(), self._lateness()
        found = []
        rows = self.connection.execute(
            select(product, supplier.c.name.label("supplier_name"), supplier.c.lead_days)
            .outerjoin(supplier, supplier.c.id == product.c.supplier_id)
            .order_by(product.c.number)
        )
        for row in rows:
            if not (row.id in daily or here.get(row.id) or coming.get(row.id) or open_units.get(row.id)):
                continue
            allocated = held.get(row.id, 0)
            found.append(
                SkuFacts(
                    product_id=row.id,
                    sku=row.number,
                    name=row.name,
                    unit=row.unit,
                    case_pack=row.case_pack,
                    depot=home.name,
                    supplier_id=row.supplier_id,
                    supplier=row.supplier_name or "",
                    daily=daily.get(row.id, ()),
                    on_hand=here.get(row.id, 0),
                    allocated=allocated,
                    on_order=coming.get(row.id, 0),
                    unallocated=max(0, open_units.get(row.id, 0) - allocated),
                    overdue=tuple(overdue.get(row.id, ())),
                    sources=tuple(sorted(sources.get(row.id, ()))),
                    lateness=tuple(lateness.get(row.supplier_id, ())),
                    stated_lead_days=row.lead_days or 0,
                )
            )
        return found

    def _daily(self, depot_id: int, today: date, zone: ZoneInfo) -> dict[int, tuple[int, ...]]:
        first = today - timedelta(days=HISTORY_DAYS)
        rows = self.connection.execute(
            select(order_line.c.product_id, order.c.ordered_at, order_line.c.quantity)
            .join(order, order.c.id == order_line.c.order_id)
            .where(
                order.c.depot_id == depot_id,
                order_line.c.instead_of_id.is_(None),  # a substitute was not asked for: its product's demand was
                order.c.ordered_at >= datetime(first.year, first.month, first.day, tzinfo=zone),
                order.c.ordered_at < datetime(today.year, today.month, today.day, tzinfo=zone),
            )
        )
        ordered: dict[int, dict[date, int]] = defaultdict(lambda: defaultdict(int))
        for row in rows:
            ordered[row.product_id][row.ordered_at.astimezone(zone).date()] += row.quantity
        return {
            key: tuple(days.get(min(days) + timedelta(days=n), 0) for n in range((today - min(days)).days))
            for key, days in ordered.items()
        }

    def _on_hand(self, depot_id: int) -> dict[int, int]:
        gone = (
            select(allocation.c.supply_id, func.sum(allocation.c.quantity - HELD).label("units"))
            .group_by(allocation.c.supply_id)
            .subquery()
        )
        query = (
            select(
                supply.c.product_id,
                func.sum(SELLABLE - func.coalesce(gone.c.units, 0)).label("units"),
            )
            .outerjoin(gone, gone.c.supply_id == supply.c.id)
            .where(supply.c.depot_id == depot_id, supply.c.kind == "receipt", supply.c.cancelled_at.is_(None))
            .group_by(supply.c.product_id)
        )
        return {row.product_id: max(0, int(row.units)) for row in self.connection.execute(query)}

    def _on_order(
        self, depot_id: int, now: datetime, zone: ZoneInfo
    ) -> tuple[dict[int, int], dict[int, list[Overdue]]]:
        left = TO_COME.label("left")
        query = select(supply.c.product_id, supply.c.number, supply.c.expected_at, supply.c.supplier_id, left).where(
            supply.c.depot_id == depot_id, supply.c.kind == "inbound", supply.c.cancelled_at.is_(None), left > 0
        )
        coming: dict[int, int] = defaultdict(int)
        overdue: dict[int, list[Overdue]] = defaultdict(list)
        for row in self.connection.execute(query.order_by(supply.c.expected_at, supply.c.id)):
            coming[row.product_id] += row.left
            day = row.expected_at.astimezone(zone).date().isoformat() if row.expected_at else ""
            # The truck of this morning is being counted in; yesterday's is overdue.
            if day and day < now.astimezone(zone).date().isoformat():
                overdue[row.product_id].append(
                    Overdue(number=row.number, expected_on=day, units=row.left, supplier_id=row.supplier_id)
                )
        return coming, overdue

    def _held(self, depot_id: int) -> dict[int, int]:
        query = (
            select(supply.c.product_id, func.sum(HELD).label("units"))
            .join(allocation, allocation.c.supply_id == supply.c.id)
            .where(supply.c.depot_id == depot_id)
            .group_by(supply.c.product_id)
        )
        return {row.product_id: int(row.units) for row in self.connection.execute(query)}

    def _open(self, depot_id: int) -> dict[int, int]:
        """Units that still have to leave the depot. Short and damaged ones are needed again, refused ones are not."""
        gone = (
            select(
                allocation.c.order_line_id,
                func.sum(SERVED).label("units"),
            )
            .group_by(allocation.c.order_line_id)
            .subquery()
        )
        needed = ORDERED - func.coalesce(gone.c.units, 0)
        query = (
            select(order_line.c.product_id, func.sum(needed).label("units"))
            .join(order, order.c.id == order_line.c.order_id)
            .outerjoin(gone, gone.c.order_line_id == order_line.c.id)
            .where(order.c.depot_id == depot_id, order.c.cancelled_at.is_(None), needed > 0)
            .group_by(order_line.c.product_id)
        )
        return {row.product_id: int(row.units) for row in self.connection.execute(query)}

    def _sources(self) -> dict[int, set[str]]:
        """Who can bring a product: its usual supplier, those named for it, and those who ever did."""
        found: dict[int, set[str]] = defaultdict(set)
        pairs: list[Any] = [
            select(product.c.id, supplier.c.number).join(supplier, supplier.c.id == product.c.supplier_id),
            select(product_supplier.c.product_id, supplier.c.number).join(
                supplier, supplier.c.id == product_supplier.c.supplier_id
            ),
            select(supply.c.product_id, supplier.c.number)
            .join(supplier, supplier.c.id == supply.c.supplier_id)
            .distinct(),
        ]
        for query in pairs:
            for product_id, number in self.connection.execute(query):
                found[product_id].add(number)
        return found

    def _lateness(self) -> dict[int | None, list[float]]:
        """Per supplier: days from the date last told to the first count of each inbound line."""
        inbound = supply.alias("inbound")
        query = (
            select(inbound.c.supplier_id, inbound.c.expected_at, func.min(supply.c.counted_at).label("counted_at"))
            .join(inbound, inbound.c.id == supply.c.inbound_id)
            .where(
                supply.c.kind == "receipt", inbound.c.supplier_id.is_not(None), inbound.c.expected_at.is_not(None),
                supply.c.counted_at.is_not(None),
            )
            .group_by(inbound.c.id, inbound.c.supplier_id, inbound.c.expected_at)
        )  # fmt: skip
        found: dict[int | None, list[float]] = defaultdict(list)
        for row in self.connection.execute(query):
            found[row.supplier_id].append((row.counted_at - row.expected_at).total_seconds() / 86_400)
        return found

    def suppliers_by_id(self) -> dict[int, Supplier]:
        """Everybody who was named as a supplier."""
        rows = self.connection.execute(select(supplier))
        return {
            row.id: Supplier(id=row.id, number=row.number, name=row.name, email=row.email, language=row.language)
            for row in rows
        }

    def suppliers_written_to(self) -> dict[tuple[int, str], str]:
        """The newest ISO day on which a message of a kind was decided for a supplier, by (supplier, kind)."""
        kinds = (NoticeKind.SUPPLIER_OVERDUE.value, NoticeKind.SUPPLIER_ORDER.value)
        query = (
            select(notice.c.subject_id, notice.c.kind, func.max(notice.c.occurrence).label("day"))
            .where(notice.c.subject_kind == "supplier", notice.c.kind.in_(kinds))
            .group_by(notice.c.subject_id, notice.c.kind)
        )
        return {(row.subject_id, row.kind): row.day for row in self.connection.execute(query)}

    def source_of(self, number: str, product_id: int | None, *, source: str = "own") -> dict[str, Any]:
        """What is known of a supplier, and with `brings_it` whether that product was named for it; {} for nobody."""
        query = select(supplier).where(supplier.c.source == source, supplier.c.number == number)
        row = self.connection.execute(query).mappings().first()
        if row is None:
            return {}
        pair = select(product_supplier.c.id).where(
            product_supplier.c.supplier_id == row["id"], product_supplier.c.product_id == product_id
        )
        return dict(row) | {"brings_it": self.connection.scalar(pair) is not None}

    def save_source(
        self, number: str, *, product_id: int | None, values: Mapping[str, Any], source: str = "own"
    ) -> None:
        """Makes the supplier if need be, sets its fields, and says that it can bring the product."""
        self.insert_once(supplier, {"source": source, "number": number, "name": number})
        found = select(supplier.c.id).where(supplier.c.source == source, supplier.c.number == number)
        supplier_id = self.connection.execute(found).scalar_one()
        if values:
            self.connection.execute(update(supplier).where(supplier.c.id == supplier_id).values(**values))
        if product_id is not None:
            self.insert_once(product_supplier, {"product_id": product_id, "supplier_id": supplier_id})
