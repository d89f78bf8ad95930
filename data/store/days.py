"""The store's part that reads a day whole: what a plan stands on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, and_, case, func, or_, select

from data.queries.away import there
from data.queries.empties import empties_of
from data.queries.plan_prices import plan_prices
from data.store.calendars import CalendarStore
from data.store.part import parts
from data.store.tracks import TrackStore
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
    order_window,
    plan_lock,
    product,
    promise,
    proof,
    region,
    route,
    shift,
    shift_break,
    site,
    site_window,
    stop,
    stop_delivery,
    trip,
    vehicle,
    zone,
)
from routing.errors import NotFound
from routing.model.day import (
    DayFacts,
    DeliveryFacts,
    DepotFacts,
    Goods,
    Listed,
    LockFacts,
    OrderFacts,
    Promised,
    Riding,
    SiteFacts,
    WallWindow,
    Worked,
)
from routing.model.fleet import Driver, Shift, ShiftBreak, Vehicle, is_gone
from routing.model.places import Location, PinQuality
from routing.rules.calendars import day_of, site_days
from routing.rules.problem import ENDED, HAPPENED, ON_THE_VAN
from routing.rules.standing_week import is_away

_newer = promise.alias("newer")
_ON_THE_VAN = (*ON_THE_VAN, *ENDED)


class DayStore(CalendarStore, TrackStore):
    def depot_ids(self) -> tuple[int, ...]:
        """Every depot, by id."""
        return tuple(self.connection.scalars(select(depot.c.id).order_by(depot.c.id)))

    def depots_by_region(self, depot_ids: Collection[int] | None = None) -> dict[str, tuple[int, ...]]:
        """The depots, all or these, by the name of their region ("" for none): what is planned together."""
        query = (
            select(depot.c.id, region.c.name)
            .outerjoin(region, region.c.id == depot.c.region_id)
            .order_by(region.c.name, depot.c.id)
        )
        if depot_ids is not None:
            query = query.where(depot.c.id.in_(depot_ids))
        found: dict[str, list[int]] = defaultdict(list)
        for row in self.connection.execute(query):
            found[row.name or ""].append(row.id)
        return {name: tuple(ids) for name, ids in found.items()}

    def depot_facts(self, depot_ids: Collection[int]) -> tuple[DepotFacts, ...]:
        """Raises NotFound when one does not exist."""
        rows = self.connection.execute(select(depot).where(depot.c.id.in_(depot_ids)).order_by(depot.c.id)).all()
        missing = sorted(set(depot_ids) - {row.id for row in rows})
        if missing:
            raise NotFound(f"There is no depot {missing[0]}.", depot=missing[0])
        return tuple(
            DepotFacts(
                id=row.id,
                name=row.name,
                zone=row.zone,
                location=_location(row),
                address=row.address,
                region_id=row.region_id,
            )
            for row in rows
        )

    def day_facts(self, *, from_day: str, to_day: str, depot_ids: Sequence[int]) -> DayFacts:
        """What is to go out by `to_day` from these depots, and with whom. Raises NotFound for an unknown depot."""
        riding = self._day_riding(from_day, to_day, depot_ids)
        on_vans = [ride.delivery_id for ride in riding]
        rows = self.connection.execute(
            select(delivery)
            .where(
                delivery.c.depot_id.in_(depot_ids),
                or_(
                    and_(delivery.c.state == "released", delivery.c.for_day <= to_day),
                    and_(delivery.c.state.in_(_ON_THE_VAN), delivery.c.id.in_(on_vans)),
                ),
            )
            .order_by(delivery.c.id)
        ).all()
        ids = [row.id for row in rows]
        goods, orders = self._day_goods(ids), self._day_orders(ids)
        promised, listed = self._day_promised(ids), self._day_listed(from_day, to_day, depot_ids)
        return DayFacts(
            from_day=from_day,
            to_day=to_day,
            depots=self.depot_facts(depot_ids),
            sites=self.site_facts(sorted({row.site_id for row in rows})),
            deliveries=tuple(
                DeliveryFacts(
                    id=row.id,
                    number=row.number,
                    site_id=row.site_id,
                    depot_id=row.depot_id,
                    for_day=row.for_day,
                    direction=row.direction,
                    state=row.state,
                    attempts=row.attempts,
                    tier=row.tier,
                    ready_at=row.ready_at,
                    oldest_ordered_at=row.oldest_ordered_at,
                    waits_for=row.waits_for,
                    goods=tuple(goods[row.id]),
                    orders=tuple(orders[row.id]),
                    promised=promised.get(row.id),
                    listed=listed.get(row.id),
                )
                for row in rows
            ),
            shifts=self.shifts_between(from_day, to_day, depot_ids),
            locks=tuple(
                LockFacts(delivery_id=row.delivery_id, shift_id=row.shift_id, position=row.position, by=row.by)
                for row in self.connection.execute(
                    select(plan_lock)
                    .where(plan_lock.c.day >= from_day, plan_lock.c.day <= to_day, plan_lock.c.delivery_id.in_(ids))
                    .order_by(plan_lock.c.delivery_id, plan_lock.c.day)
                )
            ),
            riding=tuple(ride for ride in riding if ride.delivery_id in set(ids)),
            # Later ones too: what is postponed goes to the next open day.
            calendars=self.calendars(from_day=from_day),
            speeds=self.speeds_of_depot(min(depot_ids, default=0)),
            prices=plan_prices(self.connection),
            worked=self._day_worked(from_day),
        )

    def shifts_between(self, from_day: str, to_day: str, depot_ids: Sequence[int]) -> tuple[Shift, ...]:
        """Every shift of these days and depots, by day and id, whatever its state."""
        return self._day_shifts(shift.c.day >= from_day, shift.c.day <= to_day, shift.c.depot_id.in_(depot_ids))

    def shift(self, shift_id: int) -> Shift:
        """Raises NotFound."""
        found = self._day_shifts(shift.c.id == shift_id)
        if not found:
            raise NotFound(f"There is no shift {shift_id}.", shift=shift_id)
        return found[0]

    def spare_drivers(self, *, day: str, depot_id: int) -> tuple[Driver, ...]:
        """Available drivers of the depot who have no shift that day that still counts, by id. Whose shift somebody else
        took over that day is out, too."""
        taken_over = select(shift.c.replaces_id).where(shift.c.day == day, shift.c.replaces_id.is_not(None))
        busy = select(shift.c.driver_id).where(
            shift.c.day == day,
            shift.c.driver_id.is_not(None),
            shift.c.state.in_(("planned", "out")) | shift.c.id.in_(taken_over),
        )
        rows = self.connection.execute(
            select(driver)
            .where(driver.c.depot_id == depot_id, there(driver, day), driver.c.id.not_in(busy))
            .order_by(driver.c.id)
        )
        return tuple(_driver(row, day) for row in rows)

    def spare_vehicles(self, *, day: str, depot_id: int) -> tuple[Vehicle, ...]:
        """Available vehicles of the depot that have no shift that day that still counts, by id."""
        busy = select(shift.c.vehicle_id).where(shift.c.day == day, shift.c.state.in_(("planned", "out")))
        rows = self.connection.execute(
            select(vehicle)
            .where(vehicle.c.depot_id == depot_id, there(vehicle, day), vehicle.c.id.not_in(busy))
            .order_by(vehicle.c.id)
        )
        return tuple(_vehicle(row, day) for row in rows)

    # ---- pieces

    def _day_shifts(self, *where: Any) -> tuple[Shift, ...]:
        rows = self.connection.execute(select(shift).where(*where).order_by(shift.c.day, shift.c.id)).all()
        vehicles = {
            row.id: row
            for row in self.connection.execute(
                select(vehicle).where(vehicle.c.id.in_({row.vehicle_id for row in rows}))
            )
        }
        drivers = {
            row.id: row
            for row in self.connection.execute(
                select(driver).where(driver.c.id.in_({row.driver_id for row in rows if row.driver_id is not None}))
            )
        }
        breaks: dict[int, list[ShiftBreak]] = defaultdict(list)
        for row in self.connection.execute(
            select(shift_break).where(shift_break.c.shift_id.in_([row.id for row in rows])).order_by(shift_break.c.id)
        ):
            breaks[row.shift_id].append(
                ShiftBreak(id=row.id, duration_s=row.duration_s, earliest=row.earliest, latest=row.latest)
            )
        return tuple(
            Shift(
                id=row.id,
                day=row.day,
                depot_id=row.depot_id,
                vehicle=_vehicle(vehicles[row.vehicle_id], row.day),
                driver=None if row.driver_id is None else _driver(drivers[row.driver_id], row.day),
                crew=row.crew,
                starts=row.starts,
                ends=row.ends,
                loading_s=row.loading_s or 0,
                debrief_s=row.debrief_s or 0,
                cost_fixed=row.cost_fixed,
                cost_per_hour=row.cost_per_hour,
                cost_per_km=row.cost_per_km,
                cost_per_stop=row.cost_per_stop,
                overtime_s=row.overtime_s,
                cost_per_overtime_hour=row.cost_per_overtime_hour,
                max_stops=row.max_stops,
                max_distance_m=row.max_distance_m,
                start_place=row.start_place,
                end_place=row.end_place,
                rest_after=row.rest_after,
                state=row.state,
                breaks=tuple(breaks[row.id]),
            )
            for row in rows
        )

    def _day_riding(self, from_day: str, to_day: str, depot_ids: Sequence[int]) -> tuple[Riding, ...]:
        rows = self.connection.execute(
            select(stop_delivery.c.delivery_id, route.c.shift_id, delivery.c.state, trip.c.sequence.label("trip"))
            .join_from(current_plan, route, route.c.plan_id == current_plan.c.plan_id)
            .join(shift, (shift.c.id == route.c.shift_id) & (shift.c.depot_id == current_plan.c.depot_id))
            .join(trip, trip.c.route_id == route.c.id)
            .join(stop, stop.c.trip_id == trip.c.id)
            .join(stop_delivery, stop_delivery.c.stop_id == stop.c.id)
            .join(delivery, delivery.c.id == stop_delivery.c.delivery_id)
            .where(
                current_plan.c.day >= from_day,
                current_plan.c.day <= to_day,
                current_plan.c.day == shift.c.day,
                current_plan.c.depot_id.in_(depot_ids),
                delivery.c.state.in_(_ON_THE_VAN),
            )
            .order_by(route.c.shift_id, trip.c.sequence, stop.c.sequence, stop_delivery.c.sequence)
        ).all()
        # What has happened stands first, in its order, whatever was skipped on the way; then the rest in the plan's.
        ridden = sorted(rows, key=lambda row: (row.shift_id, row.state not in HAPPENED))
        before: dict[int, int] = defaultdict(int)
        found: dict[int, Riding] = {}
        for row in ridden:
            position = before[row.shift_id]
            before[row.shift_id] += 1
            found[row.delivery_id] = Riding(
                delivery_id=row.delivery_id,
                shift_id=row.shift_id,
                position=position,
                state=row.state,
                trip=row.trip - 1,
            )
        return tuple(found[key] for key in sorted(found))

    def _day_listed(self, from_day: str, to_day: str, depot_ids: Sequence[int]) -> dict[int, Listed]:
        """By delivery that lies at the depot and was not tried that day: whose list in force it is on, the newest."""
        tried_with = manifest.alias("tried_with")
        tried = (
            select(proof.c.id)
            .join(tried_with, tried_with.c.id == proof.c.manifest_id)
            .where(proof.c.delivery_id == delivery.c.id, tried_with.c.day == manifest.c.day)
            .correlate(delivery, manifest)
        )
        rows = self.connection.execute(
            select(delivery.c.id, manifest.c.driver_id, manifest.c.day)
            .join_from(manifest, trip, trip.c.route_id == manifest.c.route_id)
            .join(stop, stop.c.trip_id == trip.c.id)
            .join(stop_delivery, stop_delivery.c.stop_id == stop.c.id)
            .join(delivery, delivery.c.id == stop_delivery.c.delivery_id)
            .where(
                manifest.c.day >= from_day,
                manifest.c.day <= to_day,
                manifest.c.replaced_at.is_(None),
                delivery.c.state == "released",
                delivery.c.depot_id.in_(depot_ids),
                ~tried.exists(),
            )
            .order_by(manifest.c.id)
        )
        return {row.id: Listed(driver_id=row.driver_id, day=row.day) for row in rows}

    def _day_worked(self, from_day: str) -> tuple[Worked, ...]:
        """Whoever has rules for their hours and a route on the day before, from whichever depot, by driver."""
        before = (day_of(from_day) - timedelta(days=1)).isoformat()
        rows = self.connection.execute(
            select(
                shift.c.driver_id,
                func.max(route.c.ends_at).label("until"),
                func.max(case((shift.c.rest_after == "reduced", 1), else_=0)).label("reduced"),
            )
            .join_from(current_plan, route, route.c.plan_id == current_plan.c.plan_id)
            .join(shift, (shift.c.id == route.c.shift_id) & (shift.c.depot_id == current_plan.c.depot_id))
            .join(driver, driver.c.id == shift.c.driver_id)
            .where(current_plan.c.day == before, shift.c.day == before, driver.c.rule_set != "none")
            .group_by(shift.c.driver_id)
            .order_by(shift.c.driver_id)
        )
        return tuple(Worked(driver_id=row.driver_id, until=row.until, is_reduced=bool(row.reduced)) for row in rows)

    def _day_goods(self, ids: Sequence[int]) -> dict[int, list[Goods]]:
        found: dict[int, list[Goods]] = defaultdict(list)
        for row in self.connection.execute(
            select(
                delivery_line.c.delivery_id,
                delivery_line.c.quantity,
                order_line.c.order_id,
                product.c.name,
                product.c.case_pack,
                product.c.weight_g,
                product.c.volume_cm3,
                product.c.pieces,
            )
            .join_from(delivery_line, allocation, allocation.c.id == delivery_line.c.allocation_id)
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            .join(product, product.c.id == order_line.c.product_id)
            .where(delivery_line.c.delivery_id.in_(ids))
            .order_by(delivery_line.c.id)
        ):
            found[row.delivery_id].append(
                Goods(
                    order_id=row.order_id,
                    product=row.name,
                    quantity=row.quantity,
                    case_pack=row.case_pack,
                    weight_g=row.weight_g,
                    volume_cm3=row.volume_cm3,
                    pieces=row.pieces,
                )
            )
        for delivery_id, mine in empties_of(self.connection, ids).items():
            found[delivery_id] += [
                Goods(
                    order_id=each.order_id or 0,
                    product=each.name,
                    quantity=each.quantity,
                    case_pack=each.case_pack,
                    weight_g=each.weight_g,
                    volume_cm3=each.volume_cm3,
                    pieces=each.pieces,
                )
                for each in mine
            ]
        return found

    def _day_orders(self, ids: Sequence[int]) -> dict[int, list[OrderFacts]]:
        pairs = self.connection.execute(
            select(delivery_line.c.delivery_id, order_line.c.order_id)
            .distinct()
            .join_from(delivery_line, allocation, allocation.c.id == delivery_line.c.allocation_id)
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            # Days, hours and holds of an order bind what is brought for it, not what is fetched back later.
            .join(delivery, (delivery.c.id == delivery_line.c.delivery_id) & (delivery.c.direction == "deliver"))
            .where(delivery_line.c.delivery_id.in_(ids))
            .order_by(delivery_line.c.delivery_id, order_line.c.order_id)
        ).all()
        orders = self.order_facts({pair.order_id for pair in pairs})
        found: dict[int, list[OrderFacts]] = defaultdict(list)
        for pair in pairs:
            found[pair.delivery_id].append(orders[pair.order_id])
        return found

    def order_facts(self, order_ids: Collection[int]) -> dict[int, OrderFacts]:
        """What these orders say about when and whether they may go."""
        windows: dict[int, list[WallWindow]] = defaultdict(list)
        for row in self.connection.execute(
            select(order_window).where(order_window.c.order_id.in_(order_ids)).order_by(order_window.c.id)
        ):
            windows[row.order_id].append(_window(row))
        return {
            row.id: OrderFacts(
                id=row.id,
                number=row.number,
                not_before=row.not_before,
                not_after=row.not_after,
                hold_reason=row.hold_reason,
                payment="ok" if row.collect_at_door else row.payment,  # paid when it is handed over
                windows=tuple(windows[row.id]),
            )
            for row in self.connection.execute(select(order).where(order.c.id.in_(order_ids)))
        }

    def _day_promised(self, ids: Sequence[int]) -> dict[int, Promised]:
        newest = (
            select(promise.c.order_line_id, func.max(promise.c.version).label("version"))
            .group_by(promise.c.order_line_id)
            .subquery()
        )
        rows = self.connection.execute(
            select(delivery_line.c.delivery_id, promise.c.promised_on, promise.c.window_from, promise.c.window_to)
            .join_from(delivery_line, allocation, allocation.c.id == delivery_line.c.allocation_id)
            .join(newest, newest.c.order_line_id == allocation.c.order_line_id)
            .join(
                promise,
                (promise.c.order_line_id == newest.c.order_line_id) & (promise.c.version == newest.c.version),
            )
            # What is fetched back was promised and brought before: that day binds nobody any more.
            .join(delivery, (delivery.c.id == delivery_line.c.delivery_id) & (delivery.c.direction == "deliver"))
            .where(delivery_line.c.delivery_id.in_(ids))
            .order_by(delivery_line.c.delivery_id, promise.c.promised_on, promise.c.window_from)
        )
        # Several orders at one door: the earliest date is the one that can break.
        found: dict[int, Promised] = {}
        for row in rows:
            found.setdefault(
                row.delivery_id,
                Promised(day=row.promised_on, window_from=row.window_from, window_to=row.window_to),
            )
        return found

    def doors_of_day(self, *, day: str, depot_ids: Sequence[int]) -> tuple[Location, ...]:
        """The pins of the doors that are driven to on that day as far as it is known: released for it or promised."""
        newest = select(func.max(_newer.c.version)).where(_newer.c.order_line_id == order_line.c.id)
        promised = (
            select(order.c.site_id)
            .join(order_line, order_line.c.order_id == order.c.id)
            .join(promise, promise.c.order_line_id == order_line.c.id)
            .where(
                promise.c.promised_on == day,
                promise.c.version == newest.scalar_subquery(),
                order.c.depot_id.in_(depot_ids),
            )
        )
        released = select(delivery.c.site_id).where(
            delivery.c.for_day == day, delivery.c.depot_id.in_(depot_ids), delivery.c.state == "released"
        )
        rows = self.connection.execute(
            select(site.c.lat, site.c.lon)
            .where(or_(site.c.id.in_(promised), site.c.id.in_(released)), site.c.lat.is_not(None))
            .order_by(site.c.id)
        )
        return tuple(Location(lat=row.lat, lon=row.lon) for row in rows)

    def site_facts(self, ids: Collection[int]) -> tuple[SiteFacts, ...]:
        """These doors as planning sees them, by id."""
        windows: dict[int, list[WallWindow]] = defaultdict(list)
        for row in self.connection.execute(
            select(site_window).where(site_window.c.site_id.in_(ids)).order_by(site_window.c.id)
        ):
            windows[row.site_id].append(_window(row))
        rows = self.connection.execute(
            select(
                site,
                customer.c.name.label("customer_name"),
                customer.c.payment_hold,
                zone.c.delivery_days.label("zone_days"),
                zone.c.cut_off,
            )
            .join_from(site, customer, customer.c.id == site.c.customer_id)
            .outerjoin(zone, zone.c.id == site.c.delivery_zone_id)
            .where(site.c.id.in_(ids))
            .order_by(site.c.id)
        ).all()
        runs = self._zone_runs({row.delivery_zone_id for row in rows} - {None})
        return tuple(
            SiteFacts(
                id=row.id,
                name=row.name,
                customer=row.customer_name,
                address=row.address,
                location=_location(row),
                pin_quality=PinQuality(row.pin_quality),
                looked_up=row.pin_at is not None or PinQuality(row.pin_quality).goes_on,
                pin_why=row.pin_why,
                zone=row.zone,
                delivery_zone_id=row.delivery_zone_id,
                delivery_days=site_days(row.delivery_days, row.zone_days),
                cut_off=row.cut_off or "",
                service_s=row.service_s,
                service_s_per_case=row.service_s_per_case,
                parking_s=row.parking_s,
                late_s=row.late_s,
                late_per_minute=row.late_per_minute,
                known_to=_split(row.known_to),
                stranger_price=row.stranger_price,
                vehicles=_split(row.vehicles),
                run=row.run,
                zone_runs=tuple(runs.get(row.delivery_zone_id, ())),
                motor_hours=_motor_hours(row.motor_hours),
                max_height_cm=row.max_height_cm,
                max_length_cm=row.max_length_cm,
                max_weight_kg=row.max_weight_kg,
                skills=_split(row.skills),
                crew=row.crew,
                windows=tuple(windows[row.id]),
                payment_hold=row.payment_hold,
            )
            for row in rows
        )

    def _zone_runs(self, zone_ids: Collection[int]) -> dict[int, list[str]]:
        """By delivery zone the numbers of the vehicles that are the run of any site there, sorted."""
        found: dict[int, list[str]] = {}
        for part in parts(zone_ids):
            query = (
                select(site.c.delivery_zone_id, site.c.run)
                .where(site.c.delivery_zone_id.in_(part), site.c.run != "")
                .distinct()
                .order_by(site.c.delivery_zone_id, site.c.run)
            )
            for row in self.connection.execute(query):
                found.setdefault(row.delivery_zone_id, []).append(row.run)
        return found


def _location(row: Row[Any]) -> Location | None:
    return None if row.lat is None or row.lon is None else Location(lat=row.lat, lon=row.lon)


def _split(text: str) -> tuple[str, ...]:
    """Words separated by ; or , without blanks, sorted so that equal sets read equal."""
    return tuple(sorted({word.strip() for word in text.replace(",", ";").split(";")} - {""}))


def _motor_hours(said: str) -> tuple[WallWindow, ...]:
    """They end when the street closes: whoever comes has left by then."""
    pairs = (each.split("-") for each in _split(said))
    return tuple(WallWindow(opens=opens, closes=closes, kind="finish_by") for opens, closes in pairs)


def _window(row: Row[Any]) -> WallWindow:
    return WallWindow(weekdays=_split(row.weekdays), opens=row.opens, closes=row.closes, kind=row.kind)


def _vehicle(row: Row[Any], day: str) -> Vehicle:
    return Vehicle(
        id=row.id,
        number=row.number,
        name=row.name,
        depot_id=row.depot_id,
        profile=row.profile,
        weight_g=row.weight_g,
        volume_cm3=row.volume_cm3,
        pieces=row.pieces,
        height_cm=row.height_cm,
        length_cm=row.length_cm,
        gross_kg=row.gross_kg,
        skills=_split(row.skills),
        available=row.available and not is_away(row.out_from, row.out_to, day) and not is_gone(row.gone_from, day),
        reload_minutes=row.reload_minutes,
        most_trips=row.most_trips,
    )


def _driver(row: Row[Any], day: str) -> Driver:
    return Driver(
        id=row.id,
        number=row.number,
        name=row.name,
        depot_id=row.depot_id,
        phone=row.phone,
        email=row.email,
        language=row.language,
        skills=_split(row.skills),
        rule_set=row.rule_set,
        weekdays=_split(row.weekdays),
        available=row.available and not is_away(row.out_from, row.out_to, day),
    )
