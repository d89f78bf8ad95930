"""What the plan page, the board and the command line show of a plan: frozen rows, ready to print."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from data.queries.at_the_wheel import over_their_weeks
from data.queries.door_words import door_words, tried_by, word_on_its_route
from data.queries.empties import Fetched, fetched_goods
from data.store.plans import PlanStore
from data.tables import (
    allocation,
    current_plan,
    customer,
    delivery,
    delivery_line,
    depot,
    driver,
    manifest,
    order,
    order_line,
    plan,
    plan_lock,
    region,
    route,
    shift,
    site,
    stop,
    stop_delivery,
    trip,
    unassigned,
    vehicle,
)
from routing.model.day import CurrentPlan, SavedPlan
from routing.model.plans import PlannedRoute, Problem, Visit
from routing.rules.calendars import days_between
from routing.rules.extra import (
    Apart,
    Extra,
    Paid,
    area,
    balance,
    by_the_stop,
    changed,
    lateness,
    off_run,
    overtime,
    strangers,
)
from routing.rules.licences import too_heavy


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """One delivery at a stop. `word`: its state, or what its door made of it (`routing.rules.door_word`).
    `locked`: a person decided that it stays; `fetches`: what a collection brings back."""

    delivery_id: int
    number: str
    tier: int
    state: str
    locked: bool
    references: tuple[str, ...]
    fetches: tuple[Fetched, ...] = ()
    word: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRow:
    """One door of a route. `number` counts the stops of the route from 1; `wait_s` is spent before service. `late`:
    how long after its hours the latest of its deliveries begins, and what that costs; `stranger`: what it costs that
    the driver does not know this door, `off_run` that the van is off its run, `changed` that the door is on another
    driver's list."""

    stop_id: int
    trip: int
    number: int
    site_id: int
    site: str
    customer: str
    address: str
    lat: float | None
    lon: float | None
    arrival: datetime
    start: datetime
    departure: datetime
    wait_s: int
    distance_m: int
    travel_s: int
    load: tuple[int, ...]
    deliveries: tuple[DeliveryRow, ...]
    late: Extra | None = None
    stranger: int = 0
    off_run: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRow:
    """The fullest moment of a trip or route in one dimension ("weight_g", ...). `capacity` None: not limited."""

    dimension: str
    most: int
    capacity: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TripRow:
    """From the depot and back. Between one and the next the van stands there and is loaded again."""

    number: int
    departs_at: datetime
    returns_at: datetime
    loads: tuple[LoadRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakRow:
    """A pause of the driver; `after_stop` counts the stops before it."""

    starts_at: datetime
    ends_at: datetime
    after_stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRow:
    """One van's day. Cost in thousandths of a minor unit; `zone` is what its wall clock is read by. `manifest_id` is
    the list in force once it was dispatched. `loads`: of its fullest trip, dimension by dimension. `balance`: what the
    length of its day costs besides its paid hours. `too_heavy`: why the driver's licence is not good for the vehicle,
    "" where it is or nobody knows. `over_the_week`: what its driver would break of the hours of a week."""

    route_id: int
    shift_id: int
    sequence: int
    day: str
    depot_id: int
    depot: str
    zone: str
    vehicle: str
    profile: str
    driver: str
    crew: int
    starts_at: datetime
    departs_at: datetime
    returns_at: datetime
    ends_at: datetime
    distance_m: int
    travel_s: int
    service_s: int
    wait_s: int
    cost: int
    loads: tuple[LoadRow, ...]
    breaks: tuple[BreakRow, ...]
    stops: tuple[StopRow, ...]
    manifest_id: int | None
    overtime: Extra | None = None
    balance: int = 0
    area: Apart | None = None
    by_the_stop: Paid | None = None
    starts_at_depot: bool = True
    ends_at_depot: bool = True
    max_distance_m: int | None = None
    too_heavy: str = ""
    over_the_week: tuple[str, ...] = ()
    trips: tuple[TripRow, ...] = ()

    @property
    def deliveries(self) -> int:
        return sum(len(each.deliveries) for each in self.stops)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutRow:
    """A delivery that is on no route, and why: words of the closed list, and the sentence."""

    delivery_id: int
    number: str
    tier: int
    site_id: int
    site: str
    customer: str
    reasons: tuple[str, ...]
    proven: bool
    detail: str
    locked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeShiftRow:
    """A shift that this plan does not use. `without_roads`: none that its vehicle may use joins the day's places."""

    shift_id: int
    day: str
    vehicle: str
    driver: str
    without_roads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedsInUse:
    """That a plan is timed by time of day: the region whose table it was, and how many slices its days have."""

    region: str
    slices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPage:
    """A whole plan as people look at it. `states` says for which depots and days it is the current one."""

    plan_id: int
    parent_id: int | None
    from_day: str
    to_day: str
    why: str
    by: str
    made_at: datetime
    engine: str
    seed: int
    search_s: float
    travel: str
    speeds: SpeedsInUse | None
    cost: int
    states: tuple[CurrentPlan, ...]
    routes: tuple[RouteRow, ...]
    left_out: tuple[LeftOutRow, ...]
    free: tuple[FreeShiftRow, ...]

    @property
    def is_current(self) -> bool:
        return bool(self.states)

    @property
    def served(self) -> int:
        return sum(each.deliveries for each in self.routes)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """One version in the history of a plan, newest first."""

    plan_id: int
    parent_id: int | None
    why: str
    by: str
    made_at: datetime
    cost: int
    left_out: int


def current_plans(
    connection: Connection, *, day: str, depot_ids: Sequence[int] | None = None
) -> tuple[CurrentPlan, ...]:
    """The plans that hold on that day, by depot."""
    query = select(current_plan).where(current_plan.c.day == day).order_by(current_plan.c.depot_id)
    if depot_ids is not None:
        query = query.where(current_plan.c.depot_id.in_(depot_ids))
    return tuple(
        CurrentPlan(depot_id=row.depot_id, day=row.day, plan_id=row.plan_id, state=row.state)
        for row in connection.execute(query)
    )


def versions(connection: Connection, plan_id: int, *, limit: int = 50) -> tuple[VersionRow, ...]:
    """The plan and the versions before it, newest first."""
    found: list[VersionRow] = []
    key: int | None = plan_id
    while key is not None and len(found) < limit:
        left = select(func.count()).where(unassigned.c.plan_id == plan.c.id).scalar_subquery()
        row = connection.execute(
            select(
                plan.c.id, plan.c.parent_id, plan.c.why, plan.c.by, plan.c.made_at, plan.c.cost, left.label("left_out")
            ).where(plan.c.id == key)
        ).first()
        if row is None:
            break
        found.append(
            VersionRow(
                plan_id=row.id,
                parent_id=row.parent_id,
                why=row.why,
                by=row.by,
                made_at=row.made_at,
                cost=row.cost,
                left_out=row.left_out,
            )
        )
        key = row.parent_id
    return tuple(found)


def plan_page(connection: Connection, plan_id: int, *, depot_id: int | None = None, day: str | None = None) -> PlanPage:
    """The plan with all its routes, or those of one depot or day. Raises NotFound."""
    saved = PlanStore(connection).plan(plan_id)
    planned = {each.shift: each for each in saved.plan.routes}
    locked = set(
        connection.scalars(
            select(plan_lock.c.delivery_id).where(plan_lock.c.day >= saved.from_day, plan_lock.c.day <= saved.to_day)
        )
    )
    states = connection.execute(
        select(current_plan)
        .where(current_plan.c.plan_id == plan_id)
        .order_by(current_plan.c.day, current_plan.c.depot_id)
    )
    routes = _routes(connection, plan_id, saved.problem, planned, locked, depot_id=depot_id, day=day)
    return PlanPage(
        plan_id=saved.id,
        parent_id=saved.parent_id,
        from_day=saved.from_day,
        to_day=saved.to_day,
        why=saved.why,
        by=saved.by,
        made_at=saved.made_at,
        engine=saved.plan.engine,
        seed=saved.plan.seed,
        search_s=saved.plan.search_s,
        travel=saved.problem.travel_build,
        speeds=_speeds(connection, saved),
        cost=saved.plan.cost,
        states=tuple(
            CurrentPlan(depot_id=row.depot_id, day=row.day, plan_id=row.plan_id, state=row.state) for row in states
        ),
        routes=routes,
        left_out=_left_out(connection, plan_id, locked, depot_id=depot_id),
        free=_free(connection, saved.problem, set(planned), depot_id=depot_id, day=day),
    )


def _speeds(connection: Connection, saved: SavedPlan) -> SpeedsInUse | None:
    ends_s = len(days_between(saved.from_day, saved.to_day)) * 24 * 3600
    slices = {
        (each.start_s, each.end_s, each.factor)
        for each in saved.problem.speeds
        if each.end_s > 0 and each.start_s < ends_s
    }
    if not slices:
        return None
    name = connection.scalar(
        select(region.c.name)
        .join(depot, depot.c.region_id == region.c.id)
        .where(depot.c.id == min(saved.depot_ids, default=0))
    )
    return SpeedsInUse(region=name or "", slices=len(slices))


def _routes(
    connection: Connection,
    plan_id: int,
    problem: Problem,
    planned: dict[int, PlannedRoute],
    locked: set[int],
    *,
    depot_id: int | None,
    day: str | None,
) -> tuple[RouteRow, ...]:
    held = (
        select(func.max(manifest.c.id))
        .where(manifest.c.shift_id == shift.c.id, manifest.c.replaced_at.is_(None))
        .correlate(shift)
        .scalar_subquery()
    )
    query = (
        select(
            route,
            shift.c.day,
            shift.c.depot_id,
            shift.c.crew,
            depot.c.name.label("depot"),
            depot.c.zone,
            vehicle.c.name.label("vehicle"),
            vehicle.c.profile,
            vehicle.c.weight_g,
            vehicle.c.volume_cm3,
            vehicle.c.pieces,
            vehicle.c.gross_kg,
            driver.c.name.label("driver"),
            driver.c.licence,
            held.label("manifest_id"),
        )
        .join_from(route, shift, shift.c.id == route.c.shift_id)
        .join(depot, depot.c.id == shift.c.depot_id)
        .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
        .outerjoin(driver, driver.c.id == shift.c.driver_id)
        .where(route.c.plan_id == plan_id)
        .order_by(route.c.sequence)
    )
    if depot_id is not None:
        query = query.where(shift.c.depot_id == depot_id)
    if day is not None:
        query = query.where(shift.c.day == day)
    stops, over = _stops(connection, plan_id, locked), over_their_weeks(connection, plan_id)
    visits = {visit.id: visit for visit in problem.visits}
    return tuple(
        replace(
            _route(connection, row, planned[row.shift_id], stops[row.id], problem, visits),
            over_the_week=over.get(row.shift_id, ()),
        )
        for row in connection.execute(query)
    )


def _route(
    connection: Connection,
    row: Row[Any],
    mine: PlannedRoute,
    stops: Sequence[StopRow],
    problem: Problem,
    visits: dict[int, Visit],
) -> RouteRow:
    """A route as it is shown: its trips and stops with their loads, and what it costs beyond the way."""
    trips = _trips(connection, row, mine, problem.dimensions, visits)
    late = lateness(problem, mine)
    owed, off, moved = strangers(problem, mine), off_run(problem, mine), changed(problem, mine)
    strange = {key: price - off.get(key, 0) - moved.get(key, 0) for key, price in owed.items()}
    offer = next(each for each in problem.shifts if each.id == mine.shift)
    at = tuple(
        replace(
            each,
            late=_late(each, late),
            stranger=sum(strange.get(one.delivery_id, 0) for one in each.deliveries),
            off_run=sum(off.get(one.delivery_id, 0) for one in each.deliveries),
            changed=sum(moved.get(one.delivery_id, 0) for one in each.deliveries),
        )
        for each in stops
    )
    return RouteRow(
        route_id=row.id,
        shift_id=row.shift_id,
        sequence=row.sequence,
        day=row.day,
        depot_id=row.depot_id,
        depot=row.depot,
        zone=row.zone,
        vehicle=row.vehicle,
        profile=row.profile,
        driver=row.driver or "",
        crew=row.crew,
        starts_at=row.starts_at,
        departs_at=trips[0].departs_at,
        returns_at=trips[-1].returns_at,
        ends_at=row.ends_at,
        distance_m=row.distance_m,
        travel_s=sum(each.travel_s for each in at),
        service_s=sum(round((each.departure - each.start).total_seconds()) for each in at),
        wait_s=sum(each.wait_s for each in at),
        cost=row.cost,
        loads=tuple(
            max((trip.loads[d] for trip in trips), key=lambda load: load.most) for d in range(len(problem.dimensions))
        ),
        trips=trips,
        breaks=tuple(
            BreakRow(
                starts_at=datetime.fromisoformat(pause["starts_at"]),
                ends_at=datetime.fromisoformat(pause["ends_at"]),
                after_stop=pause["after_stop"],
            )
            for pause in row.breaks
        ),
        stops=at,
        manifest_id=row.manifest_id,
        overtime=overtime(problem, mine),
        balance=balance(problem, mine),
        area=area(problem, mine),
        by_the_stop=by_the_stop(problem, mine),
        starts_at_depot=offer.start is not None,
        ends_at_depot=offer.end is not None,
        max_distance_m=offer.max_distance_m,
        too_heavy=too_heavy(
            driver=row.driver or "", licence=row.licence or "", vehicle=row.vehicle, gross_kg=row.gross_kg
        ),
    )


def _late(at: StopRow, late: dict[int, Extra]) -> Extra | None:
    found = [late[each.delivery_id] for each in at.deliveries if each.delivery_id in late]
    if not found:
        return None
    return Extra(seconds=max(each.seconds for each in found), cost=sum(each.cost for each in found))


def _trips(
    connection: Connection, of: Any, planned: PlannedRoute, dimensions: Sequence[str], visits: dict[int, Visit]
) -> tuple[TripRow, ...]:
    """The trips of a route (`of`, with its vehicle's capacities); what a trip brings is on board when it leaves."""
    rows = connection.execute(
        select(trip.c.sequence, trip.c.departs_at, trip.c.returns_at)
        .where(trip.c.route_id == of.id)
        .order_by(trip.c.sequence)
    )
    found = []
    for row, each in zip(rows, planned.trips, strict=True):
        loads = []
        for d, dimension in enumerate(dimensions):
            leaving = sum(visits[key].load[d] for stop in each.stops for key in stop.visits)
            most = max([leaving, *(stop.load[d] for stop in each.stops)])
            loads.append(LoadRow(dimension=dimension, most=most, capacity=getattr(of, dimension, 0) or None))
        found.append(
            TripRow(number=row.sequence, departs_at=row.departs_at, returns_at=row.returns_at, loads=tuple(loads))
        )
    return tuple(found)


def _stops(connection: Connection, plan_id: int, locked: set[int]) -> dict[int, list[StopRow]]:
    at_stop: dict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(
        select(
            stop_delivery.c.stop_id,
            delivery.c.id,
            delivery.c.number,
            delivery.c.tier,
            delivery.c.state,
            route.c.shift_id,
        )
        .join_from(stop_delivery, delivery, delivery.c.id == stop_delivery.c.delivery_id)
        .join(stop, stop.c.id == stop_delivery.c.stop_id)
        .join(trip, trip.c.id == stop.c.trip_id)
        .join(route, route.c.id == trip.c.route_id)
        .where(route.c.plan_id == plan_id)
        .order_by(stop_delivery.c.stop_id, stop_delivery.c.sequence)
    ):
        at_stop[row.stop_id].append(row)
    delivery_ids = [row.id for rows in at_stop.values() for row in rows]
    references, fetches = _references(connection, delivery_ids), fetched_goods(connection, delivery_ids)
    words = door_words(connection, {row.id: row.state for rows in at_stop.values() for row in rows})
    tried = tried_by(connection, {row.shift_id for rows in at_stop.values() for row in rows})
    found: dict[int, list[StopRow]] = defaultdict(list)
    for row in connection.execute(
        select(
            stop,
            trip.c.route_id,
            trip.c.sequence.label("trip"),
            site.c.name.label("site"),
            site.c.address,
            site.c.lat,
            site.c.lon,
            customer.c.name.label("customer"),
        )
        .join_from(stop, trip, trip.c.id == stop.c.trip_id)
        .join(route, route.c.id == trip.c.route_id)
        .join(site, site.c.id == stop.c.site_id)
        .join(customer, customer.c.id == site.c.customer_id)
        .where(route.c.plan_id == plan_id)
        .order_by(trip.c.route_id, trip.c.sequence, stop.c.sequence)
    ):
        found[row.route_id].append(
            StopRow(
                stop_id=row.id,
                trip=row.trip,
                number=len(found[row.route_id]) + 1,
                site_id=row.site_id,
                site=row.site,
                customer=row.customer,
                address=row.address,
                lat=row.lat,
                lon=row.lon,
                arrival=row.arrival,
                start=row.start,
                departure=row.departure,
                wait_s=round((row.start - row.arrival).total_seconds()),
                distance_m=row.distance_m,
                travel_s=row.travel_s,
                load=tuple(row.load),
                deliveries=tuple(
                    DeliveryRow(
                        delivery_id=each.id,
                        number=each.number,
                        tier=each.tier,
                        state=each.state,
                        locked=each.id in locked,
                        references=tuple(references[each.id]),
                        fetches=tuple(fetches.get(each.id, ())),
                        word=word_on_its_route(words[each.id], tried.get((each.shift_id, each.id), "")),
                    )
                    for each in at_stop[row.id]
                ),
            )
        )
    return found


def _references(connection: Connection, delivery_ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for row in connection.execute(
        select(delivery_line.c.delivery_id, order.c.number, order.c.customer_reference)
        .distinct()
        .join_from(delivery_line, allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(order_line, order_line.c.id == allocation.c.order_line_id)
        .join(order, order.c.id == order_line.c.order_id)
        .where(delivery_line.c.delivery_id.in_(delivery_ids))
        .order_by(delivery_line.c.delivery_id, order.c.number)
    ):
        found[row.delivery_id] += [each for each in (row.number, row.customer_reference) if each]
    return found


def _left_out(
    connection: Connection, plan_id: int, locked: set[int], *, depot_id: int | None
) -> tuple[LeftOutRow, ...]:
    query = (
        select(
            unassigned,
            delivery.c.number,
            delivery.c.tier,
            delivery.c.site_id,
            site.c.name.label("site"),
            customer.c.name.label("customer"),
        )
        .join_from(unassigned, delivery, delivery.c.id == unassigned.c.delivery_id)
        .join(site, site.c.id == delivery.c.site_id)
        .join(customer, customer.c.id == site.c.customer_id)
        .where(unassigned.c.plan_id == plan_id)
        .order_by(delivery.c.tier.desc(), delivery.c.oldest_ordered_at, delivery.c.id)
    )
    if depot_id is not None:
        query = query.where(delivery.c.depot_id == depot_id)
    return tuple(
        LeftOutRow(
            delivery_id=row.delivery_id,
            number=row.number,
            tier=row.tier,
            site_id=row.site_id,
            site=row.site,
            customer=row.customer,
            reasons=tuple(row.reasons),
            proven=row.proven,
            detail=row.detail,
            locked=row.delivery_id in locked,
        )
        for row in connection.execute(query)
    )


def _free(
    connection: Connection, problem: Problem, used: set[int], *, depot_id: int | None, day: str | None
) -> tuple[FreeShiftRow, ...]:
    idle = [offer.id for offer in problem.shifts if offer.id not in used]
    query = (
        select(shift.c.id, shift.c.day, vehicle.c.name.label("vehicle"), driver.c.name.label("driver"))
        .join_from(shift, vehicle, vehicle.c.id == shift.c.vehicle_id)
        .outerjoin(driver, driver.c.id == shift.c.driver_id)
        .where(shift.c.id.in_(idle), shift.c.state == "planned")
        .order_by(shift.c.day, shift.c.id)
    )
    if depot_id is not None:
        query = query.where(shift.c.depot_id == depot_id)
    if day is not None:
        query = query.where(shift.c.day == day)
    stuck = {profile for profile, travel in problem.travel.items() if travel.without_roads}
    stay = {offer.id for offer in problem.shifts if offer.profile in stuck}
    return tuple(
        FreeShiftRow(
            shift_id=row.id,
            day=row.day,
            vehicle=row.vehicle,
            driver=row.driver or "",
            without_roads=row.id in stay,
        )
        for row in connection.execute(query)
    )
