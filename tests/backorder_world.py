"""A small wholesaler in a database that lives through whatever a test makes happen, by the real services.

Two SKUs, three sites, one depot, a new van every day; with `two_vans` a small one that drives twice, and a big one.
Each method is one thing that a person or a file does; the same methods in the same order on an empty database give the
same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from routing.engines.roads.great_circle import GreatCircleTravelTimes
from routing.errors import BackrouteError, Conflict
from routing.model.imports import ImportResult, LineIn, OrderIn
from routing.model.orders import WEEKDAYS
from routing.model.plans import Plan, PlannedRoute, Problem
from routing.model.proofs import DeliveryReport, Door, DoorDelivery, DoorEvent, DoorLine, DoorReport, Outcome
from routing.model.stock import Receipt, UnitState
from routing.rules.policies import PolicyRow, Scope
from routing.rules.reasons import why_left_out
from routing.rules.schedule import Failure, Timetable
from routing.services.closing import close_van
from routing.services.collecting import collect_goods
from routing.services.correcting import correct_report, report_to_correct
from routing.services.delivering import record
from routing.services.dispatching import dispatch_day
from routing.services.editing import move_delivery
from routing.services.holding import hold_order
from routing.services.importing import Pools, settle_changed, take_orders
from routing.services.inspecting import Verdict, inspect_goods
from routing.services.loading import load_route
from routing.services.picking import pick_lines
from routing.services.planning import plan_day
from routing.services.receiving import commit_receipt, reallocate
from routing.services.releasing import release_orders, unrelease
from routing.services.ruling import Ruling, commit_ruling
from routing.services.shorting import commit_short_pick
from routing.services.substituting import proposals, take
from routing.services.supplying import Slip, commit_shelf_count, commit_slip

START = datetime(2026, 5, 12, 2, 40, tzinfo=UTC)
"""A Tuesday, 05:40 in Helsinki."""
DEPOT = 1
SKUS = {1: "OAT", 2: "CUP"}
VANS = (1, 2)
SMALL_G = 2_500
"""25 units of what weighs 100 g each."""
STATES = tuple(state.value for state in UnitState)


class World:
    def __init__(self, database: Database, *, two_vans: bool = False) -> None:
        self.database = database
        self.vans = VANS if two_vans else VANS[:1]
        self.now = START
        self.counts: dict[str, int] = {}
        self.orders: dict[str, OrderIn] = {}
        self.received = dict.fromkeys(SKUS, 0)
        """Base units that came from suppliers, as the test counts them itself."""
        self.lists: list[int] = []
        """The first list of each van that is out today: the link on its driver's phone."""
        with database.writing() as connection:
            for table, rows in _COMPANY:
                connection.execute(insert(table), rows)
            if two_vans:
                small = update(tables.vehicle).where(tables.vehicle.c.id == VANS[0])
                connection.execute(small.values(weight_g=SMALL_G, most_trips=2))

    def number(self, kind: str) -> str:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return f"{kind}-{self.counts[kind]}"

    @property
    def today(self) -> str:
        return (self.now + timedelta(hours=3)).date().isoformat()

    def do(self, what: str, **values: Any) -> str:
        """One thing that happens; a refusal is its sentence, and leaves everything as it was."""
        self.now += timedelta(minutes=1)
        work: Callable[..., None] = getattr(self, what)
        try:
            work(**values)
        except BackrouteError as refusal:
            return f"{type(refusal).__name__}: {refusal}"
        return ""

    # ------------------------------------------------------------------ orders and supply

    def order(self, *, lines: Sequence[tuple[int, int]], site: int, completeness: str, wanted_in: int) -> None:
        wanted = (self.now + timedelta(days=wanted_in)).date().isoformat() if wanted_in else ""
        order = OrderIn(
            row=1, number=self.number("SO"), customer_id=site, site_id=site, depot_id=DEPOT, ordered_at=self.now,
            currency="EUR", wanted_on=wanted, completeness=completeness,
            lines=tuple(
                LineIn(number=str(n), product_id=product, sku=SKUS[product], quantity=quantity, unit_price=100)
                for n, (product, quantity) in enumerate(lines, start=1)
            ),
        )  # fmt: skip
        self._take(order)
        self.orders[order.number] = order

    def change(self, *, which: int, quantities: Sequence[int], wanted_in: int | None = None) -> None:
        """The file again, with other quantities, and wanted on another day; without a line (0) it is cancelled."""
        if not self.orders:
            return
        old = self.orders[f"SO-{which % len(self.orders) + 1}"]
        lines = tuple(
            LineIn(
                number=line.number, product_id=line.product_id, sku=line.sku, quantity=quantity, unit_price=100
            )
            for line, quantity in zip(old.lines, quantities, strict=False)
            if quantity
        )  # fmt: skip
        if lines:
            wanted = old.wanted_on
            if wanted_in is not None:
                wanted = (self.now + timedelta(days=wanted_in)).date().isoformat()
            self._take(replace(old, lines=lines, wanted_on=wanted))

    def _take(self, order: OrderIn) -> None:
        with open_store(self.database) as store:
            store.lock_depot(DEPOT)
            pools = take_orders(store, [order], ImportResult(kind="orders"), now=self.now, by="file")
            settle_changed(store, pools, now=self.now, by="file", tell=True, why="new orders")

    def expect(self, *, product: int, quantity: int, days: int | None) -> None:
        with open_store(self.database) as store:
            key = store.save_inbound(
                None,
                {
                    "number": self.number("PO"), "depot_id": DEPOT, "product_id": product, "quantity": quantity,
                    "expected_at": None if days is None else self.now + timedelta(days=days),
                },
            )  # fmt: skip
            pools = Pools(products={DEPOT: {product}}, supplies={DEPOT: {key: None}})
            settle_changed(store, pools, now=self.now, by="file", tell=True, why="new inbound")

    def receive(self, *, product: int, quantity: int, quarantined: int, of_inbound: bool, more_to_come: bool) -> None:
        with open_store(self.database) as store:
            inbound = store.connection.scalar(
                select(tables.supply.c.id)
                .where(
                    tables.supply.c.kind == "inbound",
                    tables.supply.c.product_id == product,
                    tables.supply.c.cancelled_at.is_(None),
                    tables.supply.c.quantity > tables.supply.c.received + tables.supply.c.closed_short,
                )
                .order_by(tables.supply.c.id)
                .limit(1)
            )
            receipt = Receipt(
                number=self.number("R"), depot_id=DEPOT, product_id=product, sku=SKUS[product], quantity=quantity,
                quarantined=min(quarantined, quantity), counted_at=self.now,
                inbound_id=inbound if of_inbound else None, more_to_come=more_to_come,
            )  # fmt: skip
            commit_receipt(store, receipt, now=self.now, by="warehouse", again=True)
        self.received[product] += quantity

    def recount(self, *, product: int, off_by: int) -> None:
        with open_store(self.database) as store:
            here = sum(shelf.here for shelf in store.shelves(DEPOT, product))
            commit_shelf_count(
                store, depot_id=DEPOT, product_id=product, sku=SKUS[product], counted=max(0, here + off_by),
                now=self.now, by="warehouse",
            )  # fmt: skip

    def slip(self, *, which: int, days: int | None) -> None:
        if not self.counts.get("PO"):
            return
        number = f"PO-{which % self.counts['PO'] + 1}"
        to = None if days is None else date.fromisoformat(self.today) + timedelta(days=days)
        with open_store(self.database) as store:
            commit_slip(store, Slip(number=number, to=to), now=self.now, by="buyer")

    # ------------------------------------------------------------------ decisions

    def allocate(self) -> None:
        with open_store(self.database) as store:
            reallocate(store, depot_id=DEPOT, product_ids=set(SKUS), now=self.now, by="desk", why="looked again")

    def policy(self, *, name: str, value: str) -> None:
        row = PolicyRow(scope=Scope.COMPANY, name=name, value=value, effective_from=self.today)
        with open_store(self.database) as store:
            commit_ruling(store, Ruling(row=row), now=self.now, by="desk")

    def substitute(self, *, which: int) -> None:
        """Whoever has the customer on the phone sends the first substitute that is offered for an order."""
        if not self.orders:
            return
        with open_store(self.database) as store:
            (order_id,) = store.order_ids([f"SO-{which % len(self.orders) + 1}"]).values()
            offered = proposals(store, order_id, now=self.now)
            if offered:
                take(store, order_id, key=offered[0].key, now=self.now, by="dispatcher")

    def hold(self, *, which: int, reason: str) -> None:
        if self.orders:
            with open_store(self.database) as store:
                (order_id,) = store.order_ids([f"SO-{which % len(self.orders) + 1}"]).values()
                hold_order(store, order_id, reason=reason, by="desk", now=self.now)

    def release(self) -> None:
        with open_store(self.database) as store:
            release_orders(store, depot_id=DEPOT, for_day=self.today, now=self.now, by="desk")

    def unrelease(self, *, which: int) -> None:
        if deliveries := self.deliveries():
            with open_store(self.database) as store:
                unrelease(store, deliveries[which % len(deliveries)].id, now=self.now, by="desk", why="kept back")

    # ------------------------------------------------------------------ the van

    def pick(self, *, which: int) -> None:
        """Takes the goods of one delivery off the shelf, which loading would do by itself otherwise."""
        waiting = [each for each in self.deliveries() if each.state == "released"]
        if not waiting:
            return
        try:
            with open_store(self.database) as store:
                pick_lines(store, delivery_id=waiting[which % len(waiting)].id, now=self.now, by="warehouse")
        except Conflict as problem:
            # Picked before, or still on a truck: the warehouse hears so and goes on.
            if problem.code not in ("complete", "to_come"):
                raise

    def short_pick(self, *, which: int, product: int, missing: int) -> None:
        """Whoever picks finds fewer of a SKU than a delivery wants; others' goods may cover it, or not."""
        waiting = [each for each in self.deliveries() if each.state == "released" and each.direction == "deliver"]
        if not waiting:
            return
        with open_store(self.database) as store:
            delivery = waiting[which % len(waiting)].id
            line = store.pick_deliveries([delivery])[0].line_of(product)
            wanted = line.quantity if line else 0
            commit_short_pick(
                store, delivery_id=delivery, product_id=product, there=max(0, wanted - missing), now=self.now,
                by="warehouse",
            )  # fmt: skip

    def drive_out(self) -> None:
        """Plans what is released for today, loads it and sends the vans off."""
        if self.lists or not any(each.state == "released" for each in self.deliveries()):
            return
        with open_store(self.database) as store:
            shifts = self._shifts(store)
        plan_day(
            lambda: open_store(self.database), from_day=self.today, to_day=self.today, depot_ids=[DEPOT],
            travel=GreatCircleTravelTimes(), solve=one_after_another, clock=lambda: self.now, by="desk",
        )  # fmt: skip
        with open_store(self.database) as store:
            for shift_id in store.routes_of_day(day=self.today, depot_ids=[DEPOT]):
                load_route(store, shift_id=shift_id, by="warehouse", now=self.now)
            dispatch_day(store, day=self.today, depot_ids=[DEPOT], secret=b"s" * 32, by="desk", now=self.now)
            held = [store.held_manifest(shift_id) for shift_id in shifts]
            self.lists = [each.first_id for each in held if each is not None]

    def _shifts(self, store: SqlStore) -> list[int]:
        today = select(tables.shift.c.id).where(tables.shift.c.day == self.today).order_by(tables.shift.c.id)
        if not store.connection.scalars(today).all():
            values = {"day": self.today, "depot_id": DEPOT, "starts": "06:00", "ends": "20:00"}
            store.connection.execute(
                insert(tables.shift), [values | {"vehicle_id": van, "driver_id": van} for van in self.vans]
            )
        return list(store.connection.scalars(today))

    def move(self, *, which: int, to: int, position: int) -> None:
        """A dispatcher puts a delivery of today's plan on the other van, or elsewhere on its own."""
        with open_store(self.database) as store:
            shifts = self._shifts(store)
            plan_id = store.connection.scalar(
                select(tables.current_plan.c.plan_id).where(tables.current_plan.c.day == self.today)
            )
            if plan_id is None:
                return
            riding = sorted(key for route in store.plan(plan_id).plan.routes for key in route.visits)
            if riding:
                move_delivery(
                    store, plan_id=plan_id, delivery=riding[which % len(riding)], to_shift=shifts[to],
                    position=position, by="desk", now=self.now,
                )  # fmt: skip

    def load(self, *, van: int) -> None:
        """The warehouse loads what is due on a van; new lists go out with `new_lists`."""
        with open_store(self.database) as store:
            load_route(store, shift_id=self._shifts(store)[van], by="warehouse", now=self.now)

    def new_lists(self) -> None:
        with open_store(self.database) as store:
            dispatch_day(store, day=self.today, depot_ids=[DEPOT], secret=b"s" * 32, by="desk", now=self.now)
            held = [store.held_manifest(shift_id) for shift_id in self._shifts(store)]
            self.lists = [each.first_id for each in held if each is not None]

    def at_the_door(self, *, which: int, outcome: Outcome, parts: Sequence[int]) -> None:
        """`parts`: of every twelve units so many short, damaged and refused; only when something was handed over."""
        with open_store(self.database) as store:
            open_stops = []
            for first in self.lists:
                manifest = store.manifest_in_hand(first)
                doors = store.doors(manifest.id, [stop.stop_id for stop in manifest.stops])
                open_stops += [
                    (first, door)
                    for _, door in sorted(doors.items())
                    if any(each.state in ("dispatched", "under_way", "released") for each in door.deliveries)
                ]
            if open_stops:
                self._report(store, *open_stops[which % len(open_stops)], outcome=outcome, parts=parts)

    def by_an_old_list(self, *, which: int, kind: DoorEvent, outcome: Outcome, parts: Sequence[int]) -> None:
        """A phone of any day, with any list that it ever had, says anything of a stop on it."""
        with open_store(self.database) as store:
            stops = store.connection.execute(
                select(tables.manifest.c.id, tables.stop.c.id.label("stop_id"))
                .join(tables.trip, tables.trip.c.route_id == tables.manifest.c.route_id)
                .join(tables.stop, tables.stop.c.trip_id == tables.trip.c.id)
                .order_by(tables.manifest.c.id.desc(), tables.stop.c.id)
            ).all()
            if not stops:
                return
            chosen = stops[which % len(stops)]
            door = store.doors(chosen.id, [chosen.stop_id])[chosen.stop_id]
            self._report(store, chosen.id, door, outcome=outcome, parts=parts, kind=kind)

    def _report(
        self, store: SqlStore, manifest_id: int, door: Door, *, outcome: Outcome, parts: Sequence[int],
        kind: DoorEvent = DoorEvent.OUTCOME,
    ) -> None:  # fmt: skip
        name = self.number("report")
        record(
            store=store,
            manifest_id=manifest_id,
            report=DoorReport(
                client_id=name, sequence=self.counts["report"], payload_sha256=name, kind=kind,
                stop_id=door.stop_id, captured_at=self.now, recipient="Goods-in",
                deliveries=tuple(said_of(each, outcome, parts) for each in door.deliveries)
                if kind is DoorEvent.OUTCOME else (),
            ),
            now=self.now,
            secret=b"s" * 32,
        )  # fmt: skip

    def come_back(self, *, missing: int) -> None:
        """Each van is counted in the evening, `missing` units of each SKU not found, and tomorrow begins."""
        for first in list(self.lists):
            with open_store(self.database) as store:
                manifest = store.manifest_in_hand(first)
                on_van = store.goods_on_van(manifest.id)
                close_van(
                    store=store, manifest_id=manifest.id, now=self.now, by="warehouse", missing_is_sure=True,
                    counted={goods.product_id: max(0, goods.quantity - missing) for goods in on_van},
                )  # fmt: skip
            self.lists.remove(first)
        self.now = datetime.combine(self.now.date() + timedelta(days=1), START.timetz())

    def correct(self, *, which: int, outcome: Outcome, parts: Sequence[int]) -> None:
        """A dispatcher hears from the driver that a report was wrong: one of the last six of any day."""
        with open_store(self.database) as store:
            proofs = store.connection.scalars(select(tables.proof.c.delivery_id).order_by(tables.proof.c.id.desc()))
            reported = list(dict.fromkeys(proofs))[:6]
            if not reported:
                return
            delivery = report_to_correct(store, reported[which % len(reported)]).delivery
            correct_report(
                store=store, report=said_of(delivery, outcome, parts), why="the driver called", now=self.now,
                by="dispatcher", secret=b"s" * 32,
            )  # fmt: skip

    # ------------------------------------------------------------------ what comes back

    def collect(self, *, site: int, product: int, quantity: int) -> None:
        """A customer gives goods back: the next van may fetch them, today's if it has not left."""
        with open_store(self.database) as store:
            collect_goods(
                store, site_id=site, product_id=product, quantity=quantity, why="return", day=self.today,
                now=self.now, by="desk",
            )  # fmt: skip

    def collect_empties(self, *, site: int, product: int, quantity: int) -> None:
        """The same of what we need not have delivered: from now on the product is one that customers give back."""
        with self.database.writing() as connection:
            connection.execute(update(tables.product).where(tables.product.c.id == product).values(returnable=True))
        self.collect(site=site, product=product, quantity=quantity)

    def inspect(self, *, product: int, place: str, quantity: int, verdict: Verdict) -> None:
        with open_store(self.database) as store:
            inspect_goods(
                store, depot_id=DEPOT, product_id=product, place=place, quantity=quantity, verdict=verdict,
                now=self.now, by="warehouse",
            )  # fmt: skip

    def deliveries(self) -> list[Any]:
        with self.database.reading() as connection:
            return list(connection.execute(select(tables.delivery).order_by(tables.delivery.c.id)))


def said_of(delivery: DoorDelivery, outcome: Outcome, parts: Sequence[int]) -> DeliveryReport:
    """`parts`: of every twelve units so many short, damaged and refused, of what is fetched so many not there; only
    when something was handed over."""
    lines = []
    for line in delivery.lines:
        if delivery.direction == "collect":
            there = line.loaded - line.loaded * parts[0] // 12
            lines.append(DoorLine(allocation_id=line.allocation_id, collected=there))
            continue
        left, share = line.loaded, []
        for part in parts:
            share.append(min(left, line.loaded * part // 12))
            left -= share[-1]
        short, damaged, refused = share
        lines.append(
            DoorLine(allocation_id=line.allocation_id, delivered=left, short=short, damaged=damaged, refused=refused)
        )
    counted = tuple(lines) if outcome.is_handed_over and any(parts) else ()
    return DeliveryReport(delivery_id=delivery.id, outcome=outcome, lines=counted)


def one_after_another(problem: Problem, *, seed: int, **_: Any) -> Plan:
    """A solver that appends each visit to the first shift that still can: real routes, and nobody waits for it."""
    table = Timetable(problem)
    orders: dict[int, list[int]] = {shift.id: [] for shift in problem.shifts}
    for visit in problem.visits:
        for shift, order in orders.items():
            if not isinstance(table.route(shift, [*order, visit.id]), Failure):
                order.append(visit.id)
                break
    routes: list[PlannedRoute] = []
    for shift, order in orders.items():
        if order:
            route = table.route(shift, order)
            assert not isinstance(route, Failure)
            routes.append(route)
    served = {visit for route in routes for visit in route.visits}
    tiers = sorted({visit.tier for visit in problem.visits}, reverse=True)
    values: dict[str, Any] = {
        "routes": tuple(routes),
        "cost": sum(route.cost for route in routes),
        "served_by_tier": tuple(
            (tier, sum(each.tier == tier and each.id in served for each in problem.visits)) for tier in tiers
        ),
        "engine": "one after another",
        "seed": seed,
    }
    return Plan(**values, unassigned=why_left_out(problem, Plan(**values, unassigned=())))


SITE = {
    "address": "Testgatan 1",
    "delivery_days": ",".join(WEEKDAYS),
    "pin_quality": "exact",
    "pin_at": START,
}
_SAID: dict[str, Any] = {"by": "desk", "at": START}
_COMPANY: tuple[tuple[Any, list[dict[str, Any]]], ...] = (
    (tables.company, [{"name": "Example", "currency": "EUR", "zone": "Europe/Helsinki", "phone": "555-0100"}]),
    (
        tables.depot,
        [{"number": "NORTH", "name": "Depot North", "zone": "Europe/Helsinki", "lat": 60.17, "lon": 24.94}],
    ),
    (
        tables.product,
        [{"number": sku, "name": sku.title(), "case_pack": 4, "weight_g": 100} for sku in SKUS.values()],
    ),
    (tables.product_substitute, [{"product_id": 1, "substitute_id": 2, "gives": 1, "replaces": 2}]),
    (
        tables.policy,
        [{"scope": "company", "name": "substitutes", "value": "allowed", "effective_from": "2026-05-12"} | _SAID],
    ),
    (
        tables.customer,
        [
            {"number": "C1", "name": "Café 1", "tier": 1, "rank_rule": "normal"},
            {"number": "C2", "name": "Café 2", "tier": 2, "rank_rule": "may_give_up"},
            {"number": "C3", "name": "Café 3", "tier": 1, "rank_rule": "never_loses"},
        ],
    ),
    (
        tables.site,
        [
            {"customer_id": n, "number": f"S{n}", "name": f"Café {n}", "lat": 60.17, "lon": 24.94 + n / 1000} | SITE
            for n in (1, 2, 3)
        ],
    ),
    (
        tables.contact,
        [
            {"customer_id": 1, "name": "Buyer", "role": "buyer", "channel": "email", "address": "b@cafe.example",
             "consent": True}
        ],
    ),
    (
        tables.vehicle,
        [
            {"number": f"V{n}", "name": f"Van {n}", "depot_id": DEPOT, "weight_g": 1_000_000}
            for n in VANS
        ],
    ),
    (
        tables.driver,
        [
            {"number": f"DR{n}", "name": f"Driver {n}", "depot_id": DEPOT, "email": f"d{n}@example.com"} for n in VANS
        ],
    ),
)  # fmt: skip
