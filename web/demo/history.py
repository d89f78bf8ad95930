"""The thirty days behind the demo, lived again through the services that a real day uses: released, planned, loaded,
dispatched, recorded at each door, counted in the evening. Routes are those of history.csv, so nothing is searched."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date, datetime, timedelta
from io import BytesIO

from sqlalchemy import func, insert, select, update

from data.importers.orders import import_orders
from data.importers.receipts import read_receipts
from data.store import SqlStore, open_store
from data.store.stands import STANDS
from data.tables import (
    allocation,
    delivery_line,
    driver,
    line_stand,
    notice,
    order,
    order_line,
    proof,
    proof_line,
    shift,
    vehicle,
)
from routing.engines.solver.finish import plan_of
from routing.engines.solver.insertion import Insertion, as_routes
from routing.model.notices import NoticeKind
from routing.model.plans import Plan, Problem, SolveProgress
from routing.model.proofs import DeliveryReport, DoorDelivery, DoorEvent, DoorLine, DoorReport, Outcome
from routing.model.stock import Receipt
from routing.model.tasks import TaskKind
from routing.ports import Solver, TravelTimes
from routing.rules.promises import NewPromise
from routing.rules.schedule import Timetable
from routing.services.closing import close_day, close_van
from routing.services.delivering import record
from routing.services.dispatching import dispatch_day
from routing.services.loading import load_route
from routing.services.planning import plan_day
from routing.services.receiving import commit_receipt
from routing.services.releasing import release_orders
from web.demo import files
from web.demo.calendar import BEFORE_ALL, ZONE, at
from web.wiring import Installation

BY = "demo"
FAILED = {"premises_closed": Outcome.CLOSED, "not_home": Outcome.NOT_HOME}

type Event = Mapping[str, str]
type LinesOf = dict[int, dict[int, tuple[str, str]]]
"""Per delivery and allocation: (number of the order, number of the line), as history.csv names them."""


class Replay:
    """Lives the events of history.csv again, in order. `progress` hears how many of how many days are done."""

    def __init__(self, installation: Installation, *, travel: TravelTimes, secret: bytes) -> None:
        self.installation = installation
        self.travel = travel
        self.secret = secret
        self.deliveries = 0

    def run(self, *, progress: Callable[[int, int], None]) -> None:
        events = files.rows("history.csv")
        orders = files.by_day_ordered("orders_history.csv")
        with self._store() as store:
            trucks = _trucks(store)
        ordered = {row["order"] for row in files.rows("orders_history.csv")}
        days = sorted({event["day"] for event in events if event["order"] in ordered} | {str(day) for day in orders})
        for number, day in enumerate(days):
            for truck in [each for each in trucks if each.isoformat() <= day]:
                self._receive(trucks.pop(truck))
            mine = [event for event in events if event["day"] == day and event["order"] in ordered]
            doors = [event for event in mine if event["event"] == "delivery"]
            for event in mine:
                if event["event"] == "promise":
                    with self._store() as store:
                        promise(store, event)
            if doors:
                self._live(day, doors)
            for event in mine:
                if event["event"] == "dispute":
                    self._dispute(event)
            # In the evening, as they came: before its vans, a line that is delivered that day would be dated anew.
            self._orders_of(day, orders)
            progress(number + 1, len(days))

    def _store(self) -> AbstractContextManager[SqlStore]:
        return open_store(self.installation.database)

    def _receive(self, receipts: Sequence[Receipt]) -> None:
        with self._store() as store:
            for receipt in receipts:
                commit_receipt(store, receipt, now=receipt.counted_at, by=BY, tell=False)

    def _orders_of(self, day: str, orders: Mapping[date, BytesIO]) -> None:
        here = date.fromisoformat(day)
        file = orders.get(here)
        if file is not None:
            with self._store() as store:
                import_orders(store, file, now=at(here, "17:00"), by=BY, file_name="orders_history.csv")

    # ------------------------------------------------------------------ one day

    def _live(self, day: str, doors: Sequence[Event]) -> None:
        here = date.fromisoformat(day)
        told = {(event["order"], event["line"]): event for event in doors}
        with self._store() as store:
            store.ensure_shifts(day, day)
            depots = [depot.id for depot in store.depots()]
            orders = list(store.order_ids({event["order"] for event in doors}).values())
            released = [
                delivery_id
                for depot_id in depots
                for delivery_id, _number in release_orders(
                    store, depot_id=depot_id, for_day=day, now=at(here, "04:30"), by=BY, orders=orders, dates=False
                ).deliveries
            ]
            lines = _lines_of(store, released)
            shifts = _shifts_of(store, day)
        event_of = {delivery: told[min(of.values())] for delivery, of in lines.items()}
        plan_day(
            self._store,
            from_day=day,
            to_day=day,
            depot_ids=depots,
            travel=self.travel,
            solve=_as_it_was(event_of, shifts),
            clock=lambda: at(here, "04:40"),
            by=BY,
        )
        with self._store() as store:
            for shift_id in store.routes_of_day(day=day, depot_ids=depots):
                load_route(store, shift_id=shift_id, by=BY, now=at(here, "05:20"))
            dispatch_day(store, day=day, depot_ids=depots, secret=self.secret, by=BY, now=at(here, "05:45"))
            vans = [van for depot_id in depots for van in store.vans_of_day(day=day, depot_id=depot_id)]
        for van in vans:
            self._drive(van.manifest_id, lines, told)
        with self._store() as store:
            for van in vans:
                not_taken = _not_taken(store, van.manifest_id)
                counted = {
                    goods.product_id: goods.for_customers + not_taken.get(goods.product_id, 0)
                    for goods in store.goods_on_van(van.manifest_id)
                }
                close_van(store=store, manifest_id=van.manifest_id, counted=counted, now=at(here, "16:00"), by=BY)
            for depot_id in depots:
                close_day(store=store, day=day, depot_id=depot_id, now=at(here, "16:30"), by=BY)

    def _drive(self, manifest_id: int, lines: LinesOf, told: Mapping[tuple[str, str], Event]) -> None:
        with self._store() as store:
            manifest = store.manifest_in_hand(manifest_id)
            doors = store.doors(manifest_id, [stop.stop_id for stop in manifest.stops])
        last = manifest.departs_at
        for sequence, stop in enumerate(manifest.stops, start=1):
            door = doors[stop.stop_id]
            events = [told[name] for delivery in door.deliveries for name in lines[delivery.id].values()]
            last = max(stop.departure + _early_or_late(events[0]), last + timedelta(minutes=1))
            report = DoorReport(
                client_id=f"history-{manifest.day}-{stop.stop_id}",
                sequence=sequence,
                payload_sha256=hashlib.sha256(json.dumps(events).encode()).hexdigest(),
                kind=DoorEvent.OUTCOME,
                stop_id=stop.stop_id,
                captured_at=last,
                deliveries=tuple(_report(each, lines[each.id], told) for each in door.deliveries),
                recipient=events[0]["recipient"],
                note=next((event["why"] for event in events if event["why"]), ""),
            )
            with self._store() as store:
                _announce(store, now=last)
                record(store=store, manifest_id=manifest_id, report=report, now=last, secret=self.secret)
            self.deliveries += len(door.deliveries)

    def _dispute(self, event: Event) -> None:
        moment = datetime.fromisoformat(event["at"])
        with self._store() as store:
            order_id = store.order_ids([event["order"]])[event["order"]]
            store.add_task(
                kind=TaskKind.DISPUTE,
                subject_kind="order",
                subject_id=order_id,
                sentence=f"{event['recipient']} says that {event['order']} never came. Look at the proof and answer.",
                made_at=moment,
            )
            store.append_event(
                kind="disputed",
                actor=event["recipient"],
                captured_at=moment,
                received_at=moment,
                order_id=order_id,
                data={"why": event["why"]},
            )


def _announce(store: SqlStore, *, now: datetime) -> None:
    """The customers of those days were told when their van comes, at the moment at which that was due: on time is
    measured against it. Nothing goes to the mailbox, which begins with the demo's Tuesday."""
    due_at = func.coalesce(notice.c.not_before, notice.c.made_at)
    store.connection.execute(
        update(notice)
        .where(notice.c.status == "waiting", notice.c.kind == NoticeKind.OUT_TODAY.value, due_at <= now)
        .values(status="sent", sent_at=due_at, attempts=1)
    )


def _trucks(store: SqlStore) -> dict[date, list[Receipt]]:
    """receipt_history.csv says what came over the thirty days. Here it comes on the trucks of Mondays and Thursdays,
    each with what is ordered until the next one."""
    with (files.FOLDER / "receipt_history.csv").open("rb") as file:
        receipts, _ = read_receipts(store, file, now=at(BEFORE_ALL, "18:00"))
    of = {(receipt.depot_id, receipt.sku): receipt for receipt in receipts}
    depots = {depot.number: depot.id for depot in store.depots()}
    wanted: dict[tuple[date, int, str], int] = defaultdict(int)
    for row in files.rows("orders_history.csv"):
        ordered_on = datetime.fromisoformat(row["ordered_at"]).date()
        came_on = ordered_on - timedelta(days=min(ordered_on.weekday(), (ordered_on.weekday() - 3) % 7))
        wanted[came_on, depots[row["depot"]], row["sku"]] += int(row["quantity"])
    found: dict[date, list[Receipt]] = defaultdict(list)
    for (day, depot_id, sku), quantity in sorted(wanted.items()):
        whole = of[depot_id, sku]
        number = f"{whole.number}-{day:%m%d}"
        found[day].append(replace(whole, number=number, quantity=quantity, counted_at=at(day, "07:00")))
    return found


def _early_or_late(event: Event) -> timedelta:
    """history.csv says what happened at a door; the plan was made anew, so when it happened follows the plan: a few
    minutes early or late, and now and then (by the minute in the file) late enough to miss what was told."""
    minute = datetime.fromisoformat(event["at"]).minute
    return timedelta(minutes=55 if minute % 13 == 0 else minute % 9 - 4)


def promise(store: SqlStore, event: Event) -> None:
    """The promise of every line of an order moves to another day, and the customer is told in the same moment."""
    moment = datetime.fromisoformat(event["at"])
    order_id = store.order_ids([event["order"]])[event["order"]]
    line_ids = list(store.connection.scalars(select(order_line.c.id).where(order_line.c.order_id == order_id)))
    in_force = store.promise_of(line_ids)
    store.add_promises(
        [
            NewPromise(
                line_id=line_id,
                version=in_force[line_id][0] + 1,
                promised_on=event["new_promised_on"],
                why=event["why"],
                first=False,
                slip=True,
            )
            for line_id in line_ids
        ],
        by=BY,
        made_at=moment,
        told=line_ids,
    )
    store.append_event(
        kind="promised",
        actor=BY,
        captured_at=moment,
        received_at=moment,
        order_id=order_id,
        data={"from": event["promised_on"], "to": event["new_promised_on"], "why": event["why"]},
    )


def stood_since_ordered(store: SqlStore) -> None:
    """The open orders come in one file on Monday evening. In the story they came in one by one, and waited: each line
    stood backordered from the day it was ordered until Monday evening's stock, if that had enough of it."""
    rows = store.connection.execute(
        select(line_stand, order.c.ordered_at)
        .join(order_line, order_line.c.id == line_stand.c.order_line_id)
        .join(order, order.c.id == order_line.c.order_id)
        .where(line_stand.c.sequence == 1, line_stand.c.until_day == STANDS, line_stand.c.open > 0)
    ).all()
    waited = []
    for row in rows:
        day = row.ordered_at.astimezone(ZONE).date().isoformat()
        if day >= row.day:
            continue
        # What Monday's stock could not fill had found none before either; every third line came in to a full shelf.
        found_stock = row.backordered == 0 and row.order_line_id % 3 == 0
        waited.append(
            {
                "order_line_id": row.order_line_id,
                "sequence": 1,
                "at": row.ordered_at,
                "day": day,
                "until_day": row.day,
                "ordered": row.ordered,
                "open": row.open,
                "backordered": 0 if found_stock else row.open,
                "covered": 0,
            }
        )
    moved = [each["order_line_id"] for each in waited]
    store.connection.execute(
        update(line_stand)
        .where(line_stand.c.order_line_id.in_(moved), line_stand.c.until_day == STANDS)
        .values(sequence=2)
    )
    if waited:
        store.connection.execute(insert(line_stand), waited)


def _lines_of(store: SqlStore, delivery_ids: Sequence[int]) -> LinesOf:
    """Per delivery and allocation: the order's number and the line's."""
    found: LinesOf = defaultdict(dict)
    for row in store.connection.execute(
        select(
            delivery_line.c.delivery_id,
            delivery_line.c.allocation_id,
            order.c.number.label("order_number"),
            order_line.c.number.label("line_number"),
        )
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .join(order, order.c.id == order_line.c.order_id)
        .where(delivery_line.c.delivery_id.in_(delivery_ids))
    ):
        found[row.delivery_id][row.allocation_id] = (row.order_number, row.line_number)
    return found


def _shifts_of(store: SqlStore, day: str) -> dict[tuple[str, str], int]:
    """The day's shifts by the numbers of their driver and vehicle."""
    rows = store.connection.execute(
        select(shift.c.id, driver.c.number.label("driver"), vehicle.c.number.label("vehicle"))
        .join(driver, driver.c.id == shift.c.driver_id)
        .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
        .where(shift.c.day == day)
    )
    return {(row.driver, row.vehicle): row.id for row in rows}


def _as_it_was(event_of: Mapping[int, Event], shifts: Mapping[tuple[str, str], int]) -> Solver:
    """A planner that knows how the day went: the routes of history.csv, mended only where they could not be driven."""

    def solve(
        problem: Problem,
        *,
        seed: int,
        time_limit_s: float,  # noqa: ARG001 nothing is searched
        iterations: int | None = None,  # noqa: ARG001
        start: Plan | None = None,  # noqa: ARG001
        progress: Callable[[SolveProgress], None] | None = None,  # noqa: ARG001
        cancelled: Callable[[], bool] | None = None,  # noqa: ARG001
    ) -> Plan:
        driven: dict[int, list[int]] = defaultdict(list)
        for visit in sorted(problem.visits, key=lambda visit: event_of[visit.id]["at"]):
            event = event_of[visit.id]
            driven[shifts[event["driver"], event["vehicle"]]].append(visit.id)
        table = Timetable(problem)
        routes = Insertion(problem, table).mend(as_routes(problem, driven.items()))
        return replace(plan_of(problem, routes, seed=seed, iterations=0, search_s=0.0, table=table), engine="history")

    return solve


def _not_taken(store: SqlStore, manifest_id: int) -> dict[int, int]:
    """Units by product that came back with a van because nobody wanted them or they were damaged."""
    rows = store.connection.execute(
        select(order_line.c.product_id, func.sum(proof_line.c.refused + proof_line.c.damaged).label("units"))
        .join_from(proof, proof_line, proof_line.c.proof_id == proof.c.id)
        .join(allocation, allocation.c.id == proof_line.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .where(proof.c.manifest_id == manifest_id)
        .group_by(order_line.c.product_id)
    )
    return {row.product_id: int(row.units) for row in rows}


def _report(
    delivery: DoorDelivery, names: Mapping[int, tuple[str, str]], told: Mapping[tuple[str, str], Event]
) -> DeliveryReport:
    lines, outcome = [], Outcome.DELIVERED
    for line in delivery.lines:
        event = told[names[line.allocation_id]]
        if event["outcome"] in FAILED:
            outcome = FAILED[event["outcome"]]
            continue
        handed = min(int(event["quantity_delivered"] or 0), line.loaded)
        missing = line.loaded - handed
        lines.append(
            DoorLine(
                allocation_id=line.allocation_id,
                delivered=handed,
                short=missing if event["outcome"] == "short" else 0,
                damaged=missing if event["outcome"] == "damaged" else 0,
                refused=missing if event["outcome"] == "refused" else 0,
            )
        )
    if outcome is not Outcome.DELIVERED:
        return DeliveryReport(delivery_id=delivery.id, outcome=outcome)
    if all(line.refused for line in lines):
        return DeliveryReport(delivery_id=delivery.id, outcome=Outcome.REFUSED)
    return DeliveryReport(delivery_id=delivery.id, outcome=outcome, lines=tuple(lines))
