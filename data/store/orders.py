"""The store's part for orders, lines, promises, releases and deliveries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, or_, select, update

from data.queries.needs import COMMITTED, still_needed, units_of_line
from data.queries.paying import HANDED_OVER
from data.queries.policies import STATED, policy_book, stated_terms
from data.store.part import AT_ONCE, StorePart, parts
from data.store.waiting import shipments_of
from data.tables import (
    allocation,
    cash_entry,
    customer,
    delivery,
    delivery_ask,
    delivery_line,
    depot,
    order,
    order_line,
    product,
    promise,
    release,
    site,
    supply,
    task,
)
from routing.errors import Conflict, NotFound
from routing.model.orders import OrderTerms
from routing.model.tasks import TaskKind
from routing.rules.paying import collect_worth
from routing.rules.promises import NewPromise, loadable
from routing.rules.release import Candidate, ReadyUnits, ReleaseLine, ReleaseOrder, kept_as
from routing.rules.splitting import PartLine

_KEPT = (
    task.c.kind == TaskKind.ORDER_CHANGED_AFTER_RELEASE.value,
    task.c.subject_kind == "order",
    task.c.done_at.is_(None),
)


def expect_on_the_day_of(connection: Connection, delivery_id: int) -> None:
    """What came back and goes out again is expected on its delivery's day (`for_day`), and no line before it; a part of
    a line that waits for a later truck keeps its later day."""
    day = select(delivery.c.for_day).where(delivery.c.id == delivery_id).scalar_subquery()
    brought = (
        select(allocation.c.order_line_id)
        .join(delivery_line, delivery_line.c.allocation_id == allocation.c.id)
        .join(delivery, delivery.c.id == delivery_line.c.delivery_id)
        .where(delivery.c.id == delivery_id, delivery.c.direction == "deliver", delivery.c.state != "done")
    )
    for column in (order_line.c.expected_on, order_line.c.own_day):
        connection.execute(
            update(order_line)
            .where(order_line.c.id.in_(brought), column != "", column < day)
            .values({column.name: day})
        )


class OrderStore(StorePart):
    # ------------------------------------------------------------------ orders

    def orders(self, numbers: Collection[str], *, source: str = "own") -> dict[str, dict[str, Any]]:
        """The rows of the orders that exist, by number; `lines` holds their lines with SKU and what is on its way."""
        found: dict[str, dict[str, Any]] = {}
        for part in parts(numbers):
            query = select(order).where(order.c.source == source, order.c.number.in_(part))
            for row in self.connection.execute(query).mappings():
                found[row["number"]] = dict(row) | {"lines": []}
        by_id = {row["id"]: row for row in found.values()}
        on_its_way = (
            select(func.coalesce(func.sum(allocation.c.quantity - allocation.c.allocated), 0))
            .where(allocation.c.order_line_id == order_line.c.id)
            .scalar_subquery()
        )
        for part in parts(by_id):
            lines = (
                select(order_line, product.c.number.label("sku"), on_its_way.label("on_its_way"))
                .join(product, product.c.id == order_line.c.product_id)
                .where(order_line.c.order_id.in_(part))
                .order_by(order_line.c.id)
            )
            for row in self.connection.execute(lines).mappings():
                by_id[row["order_id"]]["lines"].append(dict(row))
        return found

    def numbered_lines(self, numbers: Collection[str], *, source: str) -> dict[str, list[tuple[str, str, bool]]]:
        """(number, SKU, whether it is open) of the lines that the orders have, by the order's number, the oldest first.
        What came as a substitute is no line of any file."""
        found: dict[str, list[tuple[str, str, bool]]] = {}
        for part in parts(numbers):
            query = (
                select(
                    order.c.number,
                    order_line.c.number,
                    product.c.number,
                    order_line.c.cancelled < order_line.c.quantity,
                )
                .join(order_line, order_line.c.order_id == order.c.id)
                .join(product, product.c.id == order_line.c.product_id)
                .where(order.c.source == source, order.c.number.in_(part), order_line.c.instead_of_id.is_(None))
                .order_by(order_line.c.id)
            )
            for of_order, number, sku, is_open in self.connection.execute(query):
                found.setdefault(of_order, []).append((number, sku, bool(is_open)))
        return found

    def add_orders(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
        """Inserts orders; returns their keys by number."""
        if not rows:
            return {}
        query = insert(order).returning(order.c.number, order.c.id)
        return {row.number: row.id for row in self.connection.execute(query, [dict(row) for row in rows])}

    def add_lines(self, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[int, str], int]:
        """Inserts order lines; returns their keys by (order, number)."""
        if not rows:
            return {}
        query = insert(order_line).returning(order_line.c.order_id, order_line.c.number, order_line.c.id)
        made = self.connection.execute(query, [dict(row) for row in rows])
        keys = {(row.order_id, row.number): row.id for row in made}
        self.touched_lines.update(keys.values())
        return keys

    def change_order(self, order_id: int, values: Mapping[str, Any]) -> None:
        self.touched_orders.add(order_id)
        self.connection.execute(
            update(order).where(order.c.id == order_id).values(**values, version=order.c.version + 1)
        )

    def keep_said(self, order_id: int, said: Mapping[str, Any]) -> None:
        """What the file said of an order that it did not change: nobody who has it in hand need look again."""
        self.connection.execute(update(order).where(order.c.id == order_id).values(said=said))

    def change_line(self, line_id: int, values: Mapping[str, Any]) -> None:
        self.touched_lines.add(line_id)
        self.connection.execute(update(order_line).where(order_line.c.id == line_id).values(**values))

    def change_was_kept(self, order_id: int, content_hash: str) -> bool:
        """Whether a person was already asked about this very change of a released order."""
        rows = self.connection.scalars(
            select(task.c.data).where(
                task.c.kind == TaskKind.ORDER_CHANGED_AFTER_RELEASE.value,
                task.c.subject_kind == "order",
                task.c.subject_id == order_id,
            )
        )
        return any(data.get("content_hash") == content_hash for data in rows)

    def kept_changes(self, order_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
        """By order what the change is about that a person is still asked about: `Change.differences`, by name."""
        found: dict[int, tuple[str, ...]] = {}
        for part in parts(order_ids):
            query = select(task.c.subject_id, task.c.data).where(*_KEPT, task.c.subject_id.in_(part))
            for order_id, data in self.connection.execute(query):
                found[order_id] = tuple(str(name) for name, _old, _new in data.get("differences", ()))
        return found

    def end_kept_changes(self, order_ids: Collection[int], *, outcome: str, by: str, now: datetime) -> None:
        """Nobody is asked about these changes any more; should the same come again, it is asked anew."""
        for part in parts(order_ids):
            self.connection.execute(
                update(task)
                .where(*_KEPT, task.c.subject_id.in_(part))
                .values(done_at=now, done_by=by, outcome=outcome, data={}, version=task.c.version + 1)
            )

    def asks_at_door(self, order_id: int) -> tuple[str, str, int, bool]:
        """Number and currency of an order, what it asks for at the door now, and whether anything of it is still to
        come. Raises NotFound."""
        head = self.connection.execute(select(order).where(order.c.id == order_id)).first()
        if head is None:
            raise NotFound(f"There is no order {order_id}.", order=order_id)
        handed_over = (
            select(func.coalesce(func.sum(allocation.c.delivered + allocation.c.refused), 0))
            .where(allocation.c.order_line_id == order_line.c.id)
            .scalar_subquery()
        )
        comes = self.connection.scalar(
            select(func.count())
            .select_from(order_line)
            .where(
                order_line.c.order_id == order_id,
                order_line.c.quantity - order_line.c.cancelled > handed_over,
            )
        )
        return head.number, head.currency, head.collect_at_door, bool(comes) and head.cancelled_at is None

    def set_collect_at_door(self, order_id: int, amount: int) -> None:
        """What it asks for at the door, for all that is wanted of it as it stands now, whatever a release that is still
        to be brought asked for."""
        self.connection.execute(
            delete(delivery_ask).where(
                delivery_ask.c.order_id == order_id,
                delivery_ask.c.delivery_id.in_(select(delivery.c.id).where(delivery.c.state.not_in(HANDED_OVER))),
            )
        )
        self._asks_in_all(order_id, amount)

    def ask_with_delivery(self, delivery_id: int, order_id: int, amount: int) -> int:
        """This delivery asks for so much of this order, minor units, whatever others ask. Returns what the order asks
        in all: what its doors were asked for, and what is still to come."""
        prices = select(order_line.c.unit_price).where(order_line.c.order_id == order_id, order_line.c.unit_price > 0)
        priced = self.connection.execute(prices.limit(1)).first() is not None
        here = self.connection.execute(
            select(delivery_line.c.quantity, order_line.c.unit_price)
            .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            .where(delivery_line.c.delivery_id == delivery_id, order_line.c.order_id == order_id)
        )
        worth = collect_worth((row.quantity, row.unit_price if priced else 1) for row in here)
        self.connection.execute(
            insert(delivery_ask).values(delivery_id=delivery_id, order_id=order_id, amount=amount, worth=worth)
        )
        open_ones = (
            select(delivery_ask.c.delivery_id, delivery_ask.c.amount)
            .join(delivery, delivery.c.id == delivery_ask.c.delivery_id)
            .where(delivery_ask.c.order_id == order_id, delivery.c.state.not_in(HANDED_OVER))
        )
        to_come = {row.delivery_id: row.amount for row in self.connection.execute(open_ones)}
        asked = self.connection.scalar(
            select(func.coalesce(func.sum(cash_entry.c.amount), 0)).where(
                cash_entry.c.order_id == order_id,
                cash_entry.c.kind == "due",
                cash_entry.c.delivery_id.not_in(list(to_come)),
            )
        )
        in_all: int = (asked or 0) + sum(to_come.values())
        self._asks_in_all(order_id, in_all)
        return in_all

    def _asks_in_all(self, order_id: int, amount: int) -> None:
        lines = self.connection.execute(
            select(order_line.c.quantity, order_line.c.cancelled, order_line.c.unit_price).where(
                order_line.c.order_id == order_id
            )
        )
        worth = collect_worth((line.quantity - line.cancelled, line.unit_price) for line in lines)
        self.change_order(order_id, {"collect_at_door": amount, "collect_worth": worth})

    # ------------------------------------------------------------------ dates

    def set_expected(self, days: Mapping[int, str], own: Mapping[int, str] | None = None) -> None:
        """The live date of lines: ISO day, "" for unknown. `own`: the day of each by itself, where that is another."""
        own = own or {}
        query = (
            update(order_line)
            .where(order_line.c.id == bindparam("line_id"))
            .values(expected_on=bindparam("day"), own_day=bindparam("by_itself"))
        )
        for some in parts(days):
            self.connection.execute(
                query,
                [{"line_id": line_id, "day": days[line_id], "by_itself": own.get(line_id, days[line_id])}
                 for line_id in some],
            )  # fmt: skip

    def add_promises(
        self, promises: Iterable[NewPromise], *, by: str, made_at: datetime, told: Collection[int] = ()
    ) -> None:
        """Inserts promise rows; `told` are the lines whose customer hears of it with this transaction."""
        for some in batched(promises, AT_ONCE):
            rows = [
                {
                    "order_line_id": each.line_id,
                    "version": each.version,
                    "promised_on": each.promised_on,
                    "window_from": each.window_from,
                    "window_to": each.window_to,
                    "why": each.why,
                    "by": by,
                    "made_at": made_at,
                    "told_at": made_at if each.line_id in told else None,
                }
                for each in some
            ]
            self.connection.execute(insert(promise), rows)

    def promise_of(self, line_ids: Collection[int]) -> dict[int, tuple[int, str]]:
        """The promise in force per line: (version, ISO day)."""
        found: dict[int, tuple[int, str]] = {}
        for part in parts(line_ids):
            query = select(promise).where(promise.c.order_line_id.in_(part)).order_by(promise.c.version)
            found |= {row.order_line_id: (row.version, row.promised_on) for row in self.connection.execute(query)}
        return found

    def windows_of(self, line_ids: Collection[int]) -> dict[int, tuple[str, str]]:
        """The window of the promise in force, as wall clock of the door; lines without one are left out."""
        found: dict[int, tuple[str, str]] = {}
        for part in parts(line_ids):
            query = select(promise).where(promise.c.order_line_id.in_(part)).order_by(promise.c.version)
            found |= {row.order_line_id: (row.window_from, row.window_to) for row in self.connection.execute(query)}
        return {line_id: window for line_id, window in found.items() if window[0]}

    # ------------------------------------------------------------------ releasing

    def release_candidates(
        self, *, depot_id: int, for_day: str, now: datetime, orders: Collection[int] | None = None
    ) -> list[Candidate]:
        """The orders of a depot that still wait for a release, oldest first, with the units they could take.

        Units on the shelf, and units of a truck that the ledger counts on and that is due until `for_day`, also one
        that is late: the count confirms them.
        """
        home = self.connection.execute(select(depot).where(depot.c.id == depot_id)).one()
        zone = ZoneInfo(home.zone)
        today = now.astimezone(zone).date().isoformat()
        policies = policy_book(self.connection)
        overdue_days = policies.overdue_days(day=today)
        needed, committed = still_needed(), units_of_line(COMMITTED)
        query = (
            select(
                order,
                customer.c.name.label("customer_name"),
                customer.c.tier.label("customer_tier"),
                customer.c.payment_hold,
                site.c.name.label("site_name"),
                order_line.c.id.label("line_id"),
                order_line.c.product_id,
                order_line.c.unit_price,
                order_line.c.expected_on,
                needed.label("needed"),
                committed.label("committed"),
            )
            .join(order_line, order_line.c.order_id == order.c.id)
            .join(customer, customer.c.id == order.c.customer_id)
            .join(site, site.c.id == order.c.site_id)
            .where(order.c.depot_id == depot_id, order.c.cancelled_at.is_(None), needed > committed)
            .order_by(order.c.ordered_at, order.c.id, order_line.c.id)
        )
        if orders is not None:
            query = query.where(order.c.id.in_(sorted(orders)))
        rows: dict[int, list[Any]] = defaultdict(list)
        for row in self.connection.execute(query):
            rows[row.id].append(row)
        ready = self._ready_units(home, for_day=for_day, now=now, overdue_days=overdue_days, orders=orders)
        shipments = shipments_of(self.connection, rows)

        def terms_on(day: str, order_id: int, head: Any) -> OrderTerms:
            stated = stated_terms(*(getattr(head, column.name) for column in STATED))
            return policies.order_terms(stated, day=day, customer_id=head.customer_id, order_id=order_id)

        return [
            _candidate(
                lines,
                sorted(
                    ready.get(order_id, ()), key=lambda u: (u.ready_at is not None, u.ready_at or now, u.allocation_id)
                ),
                shipments.get(order_id, 0),
                zone,
                # The day that it goes out on decides, as it decides whether it has waited enough: a policy of tomorrow
                # holds for what is released today for tomorrow.
                terms_on(for_day, order_id, lines[0]),
                terms_on(today, order_id, lines[0]),
                today,
            )
            for order_id, lines in rows.items()
        ]

    def _ready_units(
        self,
        home: Row[Any],
        *,
        for_day: str,
        now: datetime,
        overdue_days: int,
        orders: Collection[int] | None,
    ) -> dict[int, list[ReadyUnits]]:
        """By order what it holds on the shelf of this depot, or on a truck that is due until the ISO day."""
        zone, put_away = ZoneInfo(home.zone), timedelta(seconds=home.put_away_s)
        ready: dict[int, list[ReadyUnits]] = defaultdict(list)
        units = (
            select(
                order_line.c.order_id,
                allocation.c.id,
                allocation.c.order_line_id,
                allocation.c.supply_id,
                allocation.c.allocated,
                supply.c.kind,
                supply.c.expected_at,
            )
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            .join(supply, supply.c.id == allocation.c.supply_id)
            .where(supply.c.depot_id == home.id, allocation.c.allocated > 0)
        )
        if orders is not None:
            units = units.where(order_line.c.order_id.in_(sorted(orders)))
        for unit in self.connection.execute(units):
            ready_at = None
            if unit.kind == "inbound":
                ready_at = loadable(unit.expected_at, now=now, zone=zone, overdue_days=overdue_days, put_away=put_away)
                if ready_at is None or (ready_at - put_away).astimezone(zone).date().isoformat() > for_day:
                    continue
            ready[unit.order_id].append(
                ReadyUnits(
                    line_id=unit.order_line_id,
                    allocation_id=unit.id,
                    supply_id=unit.supply_id,
                    quantity=unit.allocated,
                    ready_at=ready_at,
                )
            )
        return ready

    def waiting_products(self, *, depot_id: int, orders: Collection[int] | None = None) -> frozenset[int]:
        """The SKUs of which unreleased units are held at a depot, by these orders or by any."""
        query = (
            select(supply.c.product_id)
            .join(allocation, allocation.c.supply_id == supply.c.id)
            .where(supply.c.depot_id == depot_id, allocation.c.allocated > 0)
            .distinct()
        )
        if orders is not None:
            query = query.join(order_line, order_line.c.id == allocation.c.order_line_id).where(
                order_line.c.order_id.in_(sorted(orders))
            )
        return frozenset(self.connection.scalars(query))

    def add_release(self, *, depot_id: int, for_day: str, by: str, now: datetime) -> int:
        made: int = self.connection.execute(
            insert(release).values(depot_id=depot_id, for_day=for_day, by=by, released_at=now).returning(release.c.id)
        ).scalar_one()
        return made

    def add_delivery(
        self,
        *,
        release_id: int,
        site_id: int,
        depot_id: int,
        for_day: str,
        tier: int,
        ready_at: datetime | None,
        oldest_ordered_at: datetime,
        lines: Mapping[int, int],
        direction: str = "deliver",
    ) -> tuple[int, str]:
        """Makes a delivery of units per allocation; returns its key and its number.

        `direction` "collect": the units are those handed over by that allocation before, and come back; of empties
        alone there are none.
        """
        values = {
            "number": uuid4().hex,  # the real number needs the key, which the insert gives
            "release_id": release_id,
            "site_id": site_id,
            "depot_id": depot_id,
            "for_day": for_day,
            "direction": direction,
            "tier": tier,
            "ready_at": ready_at,
            "oldest_ordered_at": oldest_ordered_at,
        }
        delivery_id: int = self.connection.execute(
            insert(delivery).values(values).returning(delivery.c.id)
        ).scalar_one()
        number = f"D-{delivery_id:06d}"
        self.connection.execute(update(delivery).where(delivery.c.id == delivery_id).values(number=number))
        if lines:
            self.connection.execute(
                insert(delivery_line),
                [
                    {"delivery_id": delivery_id, "allocation_id": allocation_id, "quantity": quantity}
                    for allocation_id, quantity in sorted(lines.items())
                ],
            )
        return delivery_id, number

    def part_lines(self, delivery_id: int) -> tuple[PartLine, ...]:
        """The lines of a delivery by which it may be split, each unit in grams, cm³ and pieces."""
        rows = self.connection.execute(
            select(
                delivery_line.c.allocation_id,
                delivery_line.c.quantity,
                product.c.case_pack,
                product.c.weight_g,
                product.c.volume_cm3,
                product.c.pieces,
            )
            .join_from(delivery_line, allocation, allocation.c.id == delivery_line.c.allocation_id)
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            .join(product, product.c.id == order_line.c.product_id)
            .where(delivery_line.c.delivery_id == delivery_id)
            .order_by(delivery_line.c.id)
        )
        return tuple(
            PartLine(
                allocation_id=row.allocation_id,
                quantity=row.quantity,
                case_pack=row.case_pack,
                each=(row.weight_g or 0, row.volume_cm3 or 0, row.pieces),
            )
            for row in rows
        )

    def split_delivery(self, delivery_id: int, parts: Collection[Mapping[int, int]]) -> tuple[tuple[int, str], ...]:
        """Makes a delivery of each part's units per allocation: the first keeps its key, the others are like it but
        for their goods. Returns key and number of each.

        Raises Conflict when it is no longer just released, or its goods are not those of the parts.
        """
        row = self.connection.execute(
            update(delivery)
            .where(delivery.c.id == delivery_id, delivery.c.state == "released")
            .values(version=delivery.c.version + 1)
            .returning(delivery)
        ).one_or_none()
        lines = {
            line.allocation_id: line.quantity
            for line in self.connection.execute(select(delivery_line).where(delivery_line.c.delivery_id == delivery_id))
        }
        together = {key: sum(part.get(key, 0) for part in parts) for key in {key for part in parts for key in part}}
        if row is None or lines != together:
            raise Conflict(
                "The goods of this delivery were changed meanwhile. Look at it again.",
                code="not_released",
                delivery=delivery_id,
            )
        first, *others = parts
        of = delivery_line.c.delivery_id == delivery_id
        self.connection.execute(delete(delivery_line).where(of, delivery_line.c.allocation_id.not_in(sorted(first))))
        for allocation_id, quantity in sorted(first.items()):
            self.connection.execute(
                update(delivery_line)
                .where(of, delivery_line.c.allocation_id == allocation_id)
                .values(quantity=quantity)
            )
        made = [(delivery_id, row.number)]
        for part in others:
            key, number = self.add_delivery(
                release_id=row.release_id,
                site_id=row.site_id,
                depot_id=row.depot_id,
                for_day=row.for_day,
                tier=row.tier,
                ready_at=row.ready_at,
                oldest_ordered_at=row.oldest_ordered_at,
                lines=part,
                direction=row.direction,
            )
            self.connection.execute(
                update(delivery).where(delivery.c.id == key).values(attempts=row.attempts, waits_for=row.waits_for)
            )
            made.append((key, number))
        return tuple(made)

    def set_urgent(self, delivery_id: int, *, by: str) -> None:
        """Its orders count as urgent by that person, unless they do already by another's word."""
        mine = (
            select(order_line.c.order_id)
            .join(allocation, allocation.c.order_line_id == order_line.c.id)
            .join(delivery_line, delivery_line.c.allocation_id == allocation.c.id)
            .where(delivery_line.c.delivery_id == delivery_id)
        )
        self.connection.execute(
            update(order)
            .where(order.c.id.in_(mine), order.c.urgent_by == "")
            .values(urgent_by=by, version=order.c.version + 1)
        )

    def set_unreleased(self, delivery_id: int) -> None:
        """Raises Conflict when it is no longer just released."""
        changed = self.connection.execute(
            update(delivery)
            .where(delivery.c.id == delivery_id, delivery.c.state == "released")
            .values(state="unreleased", version=delivery.c.version + 1)
        )
        if not changed.rowcount:
            raise Conflict(
                f"Delivery {delivery_id} is loaded or gone and cannot be taken back. Unload it first.",
                delivery=delivery_id,
            )

    def customer_of(self, order_id: int) -> int:
        """The customer of an order. Raises NotFound."""
        found = self.connection.scalar(select(order.c.customer_id).where(order.c.id == order_id))
        if found is None:
            raise NotFound(f"There is no order {order_id}. Look for it by any of its references.", order=order_id)
        return int(found)

    def open_orders_of(self, customer_id: int) -> dict[int, str]:
        """Number by key of the customer's orders of which something is still to come, the oldest first."""
        handed_over = (
            select(func.coalesce(func.sum(allocation.c.delivered + allocation.c.refused), 0))
            .where(allocation.c.order_line_id == order_line.c.id)
            .scalar_subquery()
        )
        query = (
            select(order.c.id, order.c.number)
            .join(order_line, order_line.c.order_id == order.c.id)
            .where(
                order.c.customer_id == customer_id,
                order.c.cancelled_at.is_(None),
                order_line.c.quantity - order_line.c.cancelled > handed_over,
            )
            .distinct()
            .order_by(order.c.id)
        )
        return {row.id: row.number for row in self.connection.execute(query)}

    def set_order_hold(self, order_id: int, *, reason: str, by: str, now: datetime) -> bool:
        """Sets or with "" lifts the hold of an order; False when it already says so. Raises NotFound."""
        self.customer_of(order_id)
        changed = self.connection.execute(
            update(order)
            .where(order.c.id == order_id, order.c.hold_reason != reason)
            .values(
                hold_reason=reason,
                hold_by=by if reason else "",
                hold_at=now if reason else None,
                version=order.c.version + 1,
            )
        )
        return bool(changed.rowcount)

    def what_holds(self, order_id: int) -> tuple[str, bool, bool, bool]:
        """Number of an order, and whether it is on hold, its customer is, and it waits for its payment. Raises
        NotFound."""
        row = self.connection.execute(
            select(
                order.c.number, order.c.hold_reason, order.c.payment, order.c.collect_at_door, customer.c.payment_hold
            )
            .join(customer, customer.c.id == order.c.customer_id)
            .where(order.c.id == order_id)
        ).first()
        if row is None:
            raise NotFound(f"There is no order {order_id}.", order=order_id)
        awaits = row.payment == "pending" and not row.collect_at_door
        return row.number, bool(row.hold_reason), bool(row.payment_hold), awaits

    def set_payment_hold(self, customer_id: int, *, reason: str, by: str, now: datetime) -> bool:
        """The same for the payment hold of a customer."""
        changed = self.connection.execute(
            update(customer)
            .where(customer.c.id == customer_id, customer.c.payment_hold != reason)
            .values(
                payment_hold=reason,
                payment_hold_by=by if reason else "",
                payment_hold_at=now if reason else None,
                version=customer.c.version + 1,
            )
        )
        return bool(changed.rowcount)

    def set_payment(self, order_id: int, *, payment: str, why: str, by: str, now: datetime) -> bool:
        """Passes the payment gate of one order, or closes it again; False when nothing changed. Raises NotFound."""
        self.customer_of(order_id)
        changed = self.connection.execute(
            update(order)
            .where(order.c.id == order_id, order.c.payment != payment)
            .values(payment=payment, payment_why=why, payment_by=by, payment_at=now, version=order.c.version + 1)
        )
        return bool(changed.rowcount)

    def has_orders(self) -> bool:
        return self.connection.execute(select(order.c.id).limit(1)).first() is not None

    def order_ids(self, numbers: Collection[str]) -> dict[str, int]:
        """Keys of orders by their number, the customer's reference or the ERP's, as somebody typed it.

        Raises NotFound naming the first that is not known, Conflict naming one that is several orders.
        """
        found: dict[str, int] = {}
        for number in numbers:
            rows = self.connection.execute(
                select(order.c.id, order.c.number, order.c.source).where(
                    or_(
                        order.c.number == number,
                        order.c.customer_reference == number,
                        order.c.erp_reference == number,
                    )
                )
            ).all()
            if not rows:
                raise NotFound(f'There is no order "{number}".', order=number)
            # Its own number is an order's name, also where it is somebody's reference for another.
            named = [row for row in rows if row.number == number] or rows
            if len(named) > 1 and named is rows:
                raise Conflict(
                    f'"{number}" is the reference of {len(rows)} orders. Name the order number.', code="several_orders"
                )
            if len(named) > 1:
                sources = " and ".join(sorted(row.source for row in named))
                raise Conflict(
                    f'{len(named)} orders have the number "{number}", from {sources}. Open its page in a browser.',
                    code="several_orders",
                )
            found[number] = named[0].id
        return found


def _candidate(
    lines: list[Any],
    units: list[ReadyUnits],
    shipments: int,
    zone: ZoneInfo,
    terms: OrderTerms,
    terms_today: OrderTerms,
    today: str,
) -> Candidate:
    head = lines[0]
    ordered_on = head.ordered_at.astimezone(zone).date().isoformat()
    ready: dict[int, int] = defaultdict(int)
    for each in units:
        ready[each.line_id] += each.quantity
    return Candidate(
        order=ReleaseOrder(
            id=head.id,
            number=head.number,
            terms=terms,
            kept=kept_as(
                terms_today.completeness, ordered_on=ordered_on, max_wait_days=terms_today.max_wait_days, day=today
            ),
            lines=tuple(
                ReleaseLine(
                    id=row.line_id,
                    product_id=row.product_id,
                    needed=row.needed,
                    committed=row.committed,
                    ready=ready[row.line_id],
                    price=row.unit_price,
                    expected_on=row.expected_on,
                )
                for row in lines
            ),
            ordered_on=ordered_on,
            wanted_on=head.wanted_on,
            not_before=head.not_before,
            not_after=head.not_after,
            shipments=shipments,
            hold_reason=head.hold_reason,
            # What is paid when it is handed over is waited for by nobody before.
            payment_pending=head.payment == "pending" and not head.collect_at_door,
            customer_payment_hold=head.payment_hold,
        ),
        customer=head.customer_name,
        site_id=head.site_id,
        site=head.site_name,
        tier=head.customer_tier if head.routing_tier is None else head.routing_tier,
        ordered_at=head.ordered_at,
        units=tuple(units),
    )
