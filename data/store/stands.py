"""The store's part that writes down how order lines stand, so that the figures of a past day can still be counted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, case, func, insert, or_, select, update

from data.queries.needs import HELD
from data.queries.policies import policy_book
from data.store.part import StorePart, parts
from data.tables import allocation, depot, event, line_stand, order, order_line, supply
from routing.rules.promises import dated_from

STANDS = "9999-12-31"
"""`until_day` of the row that is in force."""

type Stand = tuple[int, int, int, int]
"""Base units: ordered, open, backordered, covered."""


class StandStore(StorePart):
    def write_stands(self) -> None:
        """Writes a row for each line that this transaction changed and that now stands otherwise than before.

        `open_store` calls it last, so whoever moves units or cancels a line need not think of the figures.
        """
        line_ids = self._touched()
        moment = self.moment or self.connection.scalar(select(event.c.received_at).order_by(event.c.id.desc()).limit(1))
        if not line_ids or moment is None:
            return
        policies = policy_book(self.connection)
        zones = self.connection.scalars(select(depot.c.zone).distinct()).all()
        dated = {
            zone: dated_from(
                moment,
                zone=ZoneInfo(zone),
                overdue_days=policies.overdue_days(day=moment.astimezone(ZoneInfo(zone)).date().isoformat()),
            )
            for zone in zones
        }
        for part in parts(line_ids):
            self._write_stands(part, moment, dated)

    def _touched(self) -> set[int]:
        found = set(self.touched_lines)
        for keys, column in (
            (self.touched_allocations, allocation.c.id),
            (self.touched_supplies, allocation.c.supply_id),
            (self.touched_orders, order_line.c.order_id),
        ):
            line_id = allocation.c.order_line_id if column.table is allocation else order_line.c.id
            for part in parts(keys):
                found.update(self.connection.scalars(select(line_id).where(column.in_(part))))
        self.touched_lines.clear()
        self.touched_allocations.clear()
        self.touched_orders.clear()
        self.touched_supplies.clear()
        return found

    def _write_stands(self, line_ids: Collection[int], moment: datetime, dated: Mapping[str, datetime]) -> None:
        """`dated`: by zone, from when on an inbound must be expected to have a date."""
        before = {
            line_id: rest
            for line_id, *rest in self.connection.execute(
                select(
                    line_stand.c.order_line_id,
                    line_stand.c.id,
                    line_stand.c.sequence,
                    line_stand.c.day,
                    line_stand.c.ordered,
                    line_stand.c.open,
                    line_stand.c.backordered,
                    line_stand.c.covered,
                ).where(line_stand.c.order_line_id.in_(line_ids), line_stand.c.until_day == STANDS)
            ).all()
        }
        ended, made = [], []
        days = {zone: moment.astimezone(ZoneInfo(zone)).date().isoformat() for zone in dated}
        for line_id, zone, stand in self._stands(line_ids, dated):
            day, sequence = days[zone], 1
            ordered, still_open, backordered, covered = stand
            if (was := before.get(line_id)) is not None:
                row, last, began, *stood = was
                if tuple(stood) == stand:
                    continue
                # A phone's report may come late: no row ends before it began.
                day, sequence = max(day, began), last + 1
                ended.append({"row": row, "ends": day})
            made.append(
                {
                    "order_line_id": line_id,
                    "sequence": sequence,
                    "at": moment,
                    "day": day,
                    "until_day": STANDS,
                    "ordered": ordered,
                    "open": still_open,
                    "backordered": backordered,
                    "covered": covered,
                }
            )
        if ended:
            self.connection.execute(
                update(line_stand).where(line_stand.c.id == bindparam("row")).values(until_day=bindparam("ends")), ended
            )
        if made:
            self.connection.execute(insert(line_stand), made)

    def _stands(self, line_ids: Collection[int], dated: Mapping[str, datetime]) -> list[tuple[int, str, Stand]]:
        """Key, zone and stand of each line as it is now."""
        on_shelf = allocation.c.loaded + case((supply.c.kind == "receipt", HELD), else_=0)
        in_time = or_(*(and_(depot.c.zone == zone, supply.c.expected_at >= start) for zone, start in dated.items()))
        with_date = case((and_(supply.c.kind == "inbound", in_time), HELD), else_=0)
        query = (
            select(
                order_line.c.id,
                depot.c.zone,
                order_line.c.quantity,
                order_line.c.cancelled,
                order.c.cancelled_at,
                func.coalesce(func.sum(allocation.c.delivered + allocation.c.refused), 0).label("gone"),
                func.coalesce(func.sum(on_shelf), 0).label("on_shelf"),
                func.coalesce(func.sum(with_date), 0).label("dated"),
            )
            .join(order, order.c.id == order_line.c.order_id)
            .join(depot, depot.c.id == order.c.depot_id)
            .outerjoin(allocation, allocation.c.order_line_id == order_line.c.id)
            .outerjoin(supply, supply.c.id == allocation.c.supply_id)
            .where(order_line.c.id.in_(line_ids))
            .group_by(
                order_line.c.id, depot.c.zone, order_line.c.quantity, order_line.c.cancelled, order.c.cancelled_at
            )
        )
        found = []
        for (
            line_id,
            zone,
            quantity,
            cancelled,
            cancelled_at,
            gone,
            on_shelf_now,
            with_date_now,
        ) in self.connection.execute(query).all():
            ordered = 0 if cancelled_at is not None else quantity - cancelled
            still_open = max(0, ordered - int(gone))
            backordered = max(0, still_open - int(on_shelf_now))
            covered = min(backordered, int(with_date_now))
            found.append((line_id, zone, (ordered, still_open, backordered, covered)))
        return found
