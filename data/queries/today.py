"""The first page: where the day stands, counted by exact definitions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, case, func, or_, select

from data.queries.away import there
from data.queries.door_words import tried_by, word_on_its_route
from data.queries.needs import ORDERED, SETTLED, units_of_line
from data.queries.receipts import Truck, expected_inbound, trucks
from data.queries.release import ReadyParts
from data.queries.standing import LEFT, STILL_HERE, Standings, standings
from data.queries.tasks import open_tasks
from data.tables import (
    current_plan,
    delivery,
    depot,
    driver,
    order,
    order_line,
    promise,
    route,
    shift,
    site,
    stop,
    stop_delivery,
    trip,
    unassigned,
    vehicle,
)
from routing.model.orders import WEEKDAYS
from routing.rules.standing import Standing

DUE_SOON = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DepotDay:
    """A depot on the day: deliveries by state. `plan`: "" (none), draft ..."""

    id: int
    name: str
    zone: str
    plan: str
    plan_id: int | None
    released: int
    loaded: int
    out: int
    done: int
    failed: int
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The one line of the first page. An open order counts once: in `orders`, by where it stands on the day.

    needs_you  open tasks of who looks, by the rule of `data.queries.tasks`; of a dispatcher, addresses in review too
    vans     vehicles that are available
    drivers  drivers who are available, work on this weekday and are not out
    late     open orders whose latest promise lies before this day
    lost     open orders of which something was promised and has no date any more, whichever day that was
    due      trucks of this day that bring something still; `overdue` those of an earlier day
    """

    day: str
    orders: Standings
    needs_you: int
    vans: int
    drivers: int
    late: int
    lost: int
    sites_in_review: int
    sites_not_looked_up: int
    depots: tuple[DepotDay, ...]
    due: tuple[Truck, ...]
    overdue: tuple[Truck, ...]

    @property
    def counts(self) -> dict[Standing, int]:
        return self.orders.counts

    @property
    def release(self) -> ReadyParts:
        return self.orders.release

    @property
    def releasable(self) -> int:
        """More than those of `ready` that are not released yet: see ReadyParts."""
        return self.release.all


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteProgress:
    """A route of the plan in force: stops done and failed of all, and the site of the next one. `ends_at_site`: its
    last one, where the shift ends there and not at its depot; "" otherwise."""

    route_id: int
    shift_id: int
    depot: str
    zone: str
    sequence: int
    vehicle: str
    driver: str
    stops: int
    done: int
    failed: int
    next_site: str
    next_arrival: datetime | None
    starts_at: datetime
    ends_at: datetime
    ends_at_site: str
    state: str


def figures(connection: Connection, *, day: str, now: datetime, mine: Collection[str] = ("dispatcher",)) -> Figures:
    """`mine`: the names that tasks call the reader by."""
    found = standings(connection, day=day, now=now)
    expected = trucks(expected_inbound(connection))
    late, lost = _broken_promises(connection, day)
    return Figures(
        day=day,
        orders=found,
        needs_you=open_tasks(connection, mine=mine),
        vans=connection.execute(select(func.count()).select_from(vehicle).where(there(vehicle, day))).scalar_one(),
        drivers=_drivers(connection, day),
        late=late,
        lost=lost,
        sites_in_review=len(found.unsure.all),
        sites_not_looked_up=len(found.unsure.new),
        depots=tuple(
            _depot_day(connection, home.id, home.name, home.zone, day)
            for home in connection.execute(select(depot).order_by(depot.c.id)).all()
        ),
        due=tuple(truck for truck in expected if truck.expected_on == day),
        overdue=tuple(truck for truck in expected if "" < truck.expected_on < day),
    )


def _drivers(connection: Connection, day: str) -> int:
    weekday = WEEKDAYS[datetime.fromisoformat(day).weekday()]
    out = select(shift.c.driver_id).where(shift.c.day == day, shift.c.state == "out", shift.c.driver_id.is_not(None))
    query = select(driver.c.weekdays).where(there(driver, day), driver.c.id.not_in(out))
    return sum(not days or weekday in days for days in connection.scalars(query))


def _broken_promises(connection: Connection, day: str) -> tuple[int, int]:
    """Orders with a line that has not reached the customer: promised before this day in its latest promise; promised,
    and without a date now."""
    latest = (
        select(promise.c.order_line_id, func.max(promise.c.version).label("version"))
        .group_by(promise.c.order_line_id)
        .subquery("latest")
    )
    query = (
        select(
            func.count(case((promise.c.promised_on < day, order.c.id)).distinct()),
            func.count(case((order_line.c.expected_on == "", order.c.id)).distinct()),
        )
        .select_from(order)
        .join(order_line, order_line.c.order_id == order.c.id)
        .join(latest, latest.c.order_line_id == order_line.c.id)
        .join(promise, (promise.c.order_line_id == order_line.c.id) & (promise.c.version == latest.c.version))
        .where(
            order.c.cancelled_at.is_(None),
            or_(promise.c.promised_on < day, order_line.c.expected_on == ""),
            units_of_line(SETTLED) < ORDERED,
        )
    )
    late, lost = connection.execute(query).one()
    return late, lost


def _depot_day(connection: Connection, depot_id: int, name: str, zone: str, day: str) -> DepotDay:
    counted = connection.execute(
        select(delivery.c.state, func.count())
        .where(
            delivery.c.depot_id == depot_id,
            or_(delivery.c.for_day == day, delivery.c.state.in_(STILL_HERE + LEFT) & (delivery.c.for_day <= day)),
            # A collection is planned and driven like a delivery; at its end nothing was delivered, nor failed to be.
            or_(delivery.c.direction == "deliver", delivery.c.state.not_in(("done", "failed"))),
        )
        .group_by(delivery.c.state)
    )
    states = Counter({state: count for state, count in counted})
    held = connection.execute(
        select(current_plan.c.state, current_plan.c.plan_id).where(
            current_plan.c.depot_id == depot_id, current_plan.c.day == day
        )
    ).first()
    left_out = 0
    if held is not None:
        left_out = connection.execute(
            select(func.count())
            .select_from(unassigned)
            .join(delivery, delivery.c.id == unassigned.c.delivery_id)
            .where(unassigned.c.plan_id == held.plan_id, delivery.c.depot_id == depot_id)
        ).scalar_one()
    return DepotDay(
        id=depot_id,
        name=name,
        zone=zone,
        plan=held.state if held else "",
        plan_id=held.plan_id if held else None,
        released=states["released"],
        loaded=states["loaded"],
        out=states["dispatched"] + states["under_way"],
        done=states["done"],
        failed=states["failed"],
        left_out=left_out,
    )


def left_out_by_reason(connection: Connection, *, day: str) -> Mapping[str, int]:
    """Deliveries that the day's plans left out, by their first reason, the most frequent first."""
    reasons: Counter[str] = Counter()
    query = (
        select(unassigned.c.reasons)
        .join(current_plan, current_plan.c.plan_id == unassigned.c.plan_id)
        .join(delivery, delivery.c.id == unassigned.c.delivery_id)
        .where(current_plan.c.day == day, delivery.c.depot_id == current_plan.c.depot_id)
    )
    for words in connection.scalars(query):
        reasons[words[0] if words else "competed_out"] += 1
    return dict(reasons.most_common())


def routes_of(connection: Connection, *, day: str) -> list[RouteProgress]:
    """The routes of the plans that hold for this day, by depot and number."""
    head = (
        select(
            route.c.id,
            route.c.shift_id,
            depot.c.name.label("depot"),
            depot.c.zone,
            route.c.sequence,
            vehicle.c.name.label("vehicle"),
            func.coalesce(driver.c.name, "").label("driver"),
            route.c.starts_at,
            route.c.ends_at,
            shift.c.end_place,
            current_plan.c.state,
        )
        .join(current_plan, current_plan.c.plan_id == route.c.plan_id)
        .join(shift, (shift.c.id == route.c.shift_id) & (shift.c.depot_id == current_plan.c.depot_id))
        .join(depot, depot.c.id == shift.c.depot_id)
        .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
        .outerjoin(driver, driver.c.id == shift.c.driver_id)
        .where(current_plan.c.day == day)
        .order_by(depot.c.id, route.c.sequence)
    )
    routes = connection.execute(head).all()
    states: dict[int, dict[int, tuple[str, datetime, list[str]]]] = defaultdict(dict)
    stops = (
        select(
            trip.c.route_id, stop.c.id, site.c.name, stop.c.arrival, delivery.c.state, delivery.c.id.label("delivery")
        )
        .join(stop, stop.c.trip_id == trip.c.id)
        .join(site, site.c.id == stop.c.site_id)
        .join(stop_delivery, stop_delivery.c.stop_id == stop.c.id)
        .join(delivery, delivery.c.id == stop_delivery.c.delivery_id)
        .where(trip.c.route_id.in_([row.id for row in routes]))
        .order_by(trip.c.route_id, trip.c.sequence, stop.c.sequence)
    )
    shifts = {row.id: row.shift_id for row in routes}
    tried = tried_by(connection, set(shifts.values()))
    for each in connection.execute(stops):
        state = word_on_its_route(each.state, tried.get((shifts[each.route_id], each.delivery), ""))
        states[each.route_id].setdefault(each.id, (each.name, each.arrival, []))[2].append(state)
    found = []
    for row in routes:
        mine = list(states[row.id].values())
        over = [one for one in mine if set(one[2]) <= {"done", "failed"}]
        following = [one for one in mine if not set(one[2]) <= {"done", "failed"}]
        failed = sum(1 for one in over if "failed" in one[2])
        found.append(
            RouteProgress(
                route_id=row.id,
                shift_id=row.shift_id,
                depot=row.depot,
                zone=row.zone,
                sequence=row.sequence,
                vehicle=row.vehicle,
                driver=row.driver,
                stops=len(mine),
                done=len(over) - failed,
                failed=failed,
                next_site=following[0][0] if following else "",
                next_arrival=following[0][1] if following else None,
                starts_at=row.starts_at,
                ends_at=row.ends_at,
                ends_at_site=mine[-1][0] if mine and row.end_place != "depot" else "",
                state=row.state,
            )
        )
    return found
