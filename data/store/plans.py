"""The store's part for plans: immutable versions, the pointer to the current one, locks, shifts that change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from data.mapping.plans import problem_from_bytes, problem_to_bytes
from data.store.orders import expect_on_the_day_of
from data.store.part import StorePart
from data.tables import (
    current_plan,
    delivery,
    plan,
    plan_lock,
    route,
    shift,
    shift_break,
    stop,
    stop_delivery,
    trip,
    unassigned,
)
from routing.errors import Conflict, NotFound
from routing.model.day import CurrentPlan, SavedPlan
from routing.model.days import day_words
from routing.model.plans import (
    Plan,
    PlannedBreak,
    PlannedRoute,
    PlannedStop,
    PlannedTrip,
    Problem,
    Reason,
    Unassigned,
)
from routing.rules.progress import hours_of


class PlanStore(StorePart):
    def add_plan(
        self,
        *,
        problem: Problem,
        solution: Plan,
        from_day: str,
        to_day: str,
        depot_ids: Sequence[int],
        parent_id: int | None,
        why: str,
        by: str,
        made_at: datetime,
    ) -> int:
        """Writes one immutable version: routes, trips, stops, and everything left out with its reasons."""
        plan_id: int = self.connection.execute(
            insert(plan)
            .values(
                parent_id=parent_id,
                from_day=from_day,
                to_day=to_day,
                depot_ids=list(depot_ids),
                problem=problem_to_bytes(problem),
                region_build=problem.travel_build,
                speeds=[
                    [
                        each.profile,
                        *((problem.epoch + timedelta(seconds=s)).isoformat() for s in (each.start_s, each.end_s)),
                        each.factor,
                    ]
                    for each in problem.speeds
                ],
                engine=solution.engine,
                seed=solution.seed,
                iterations=solution.iterations,
                search_s=solution.search_s,
                cost=solution.cost,
                served_by_tier=[list(pair) for pair in solution.served_by_tier],
                why=why,
                by=by,
                made_at=made_at,
            )
            .returning(plan.c.id)
        ).scalar_one()
        for sequence, planned in enumerate(solution.routes, 1):  # the number people see
            self._add_plan_route(plan_id, sequence, planned, problem)
        left_out = [*solution.unassigned, *problem.excluded]
        if left_out:
            self.connection.execute(
                insert(unassigned),
                [
                    {
                        "plan_id": plan_id,
                        "delivery_id": gone.visit,
                        "reasons": [reason.value for reason in gone.reasons],
                        "proven": gone.proven,
                        "detail": gone.detail,
                    }
                    for gone in left_out
                ],
            )
        return plan_id

    def _add_plan_route(self, plan_id: int, sequence: int, planned: PlannedRoute, problem: Problem) -> None:
        def at(seconds: int) -> datetime:
            return problem.epoch + timedelta(seconds=seconds)

        visits = {visit.id: visit for visit in problem.visits}
        motor = next(each.motor for each in problem.shifts if each.id == planned.shift)
        route_id = self.connection.execute(
            insert(route)
            .values(
                plan_id=plan_id,
                shift_id=planned.shift,
                sequence=sequence,
                starts_at=at(planned.start_s),
                ends_at=at(planned.end_s),
                breaks=[
                    {
                        "break_id": pause.break_id,
                        "starts_at": at(pause.start_s).isoformat(),
                        "ends_at": at(pause.end_s).isoformat(),
                        "after_stop": pause.after_stop,
                    }
                    for pause in planned.breaks
                ],
                distance_m=sum(each.distance_m for each in planned.trips),
                cost=planned.cost,
            )
            .returning(route.c.id)
        ).scalar_one()
        for trip_sequence, each in enumerate(planned.trips, 1):
            trip_id = self.connection.execute(
                insert(trip)
                .values(
                    route_id=route_id,
                    sequence=trip_sequence,
                    departs_at=at(each.departure_s),
                    returns_at=at(each.return_s),
                    distance_m=each.distance_m,
                )
                .returning(trip.c.id)
            ).scalar_one()
            for stop_sequence, halt in enumerate(each.stops, 1):
                stop_id = self.connection.execute(
                    insert(stop)
                    .values(
                        trip_id=trip_id,
                        sequence=stop_sequence,
                        site_id=problem.places[halt.place].site_id,
                        arrival=at(halt.arrival_s),
                        start=at(halt.start_s),
                        departure=at(halt.departure_s),
                        distance_m=halt.distance_m,
                        travel_s=halt.travel_s,
                        load=list(halt.load),
                        windows=[[at(s).isoformat() for s in span] for span in hours_of(halt, visits, motor=motor)],
                    )
                    .returning(stop.c.id)
                ).scalar_one()
                self.connection.execute(
                    insert(stop_delivery),
                    [
                        {"stop_id": stop_id, "delivery_id": visit, "sequence": n}
                        for n, visit in enumerate(halt.visits, 1)
                    ],
                )

    def plan(self, plan_id: int) -> SavedPlan:
        """The version as it was saved, the problem included. Raises NotFound."""
        row = self.connection.execute(select(plan).where(plan.c.id == plan_id)).first()
        if row is None:
            raise NotFound(f"There is no plan {plan_id}.", plan=plan_id)
        problem = problem_from_bytes(row.problem)
        excluded = {gone.visit for gone in problem.excluded}
        left_out = tuple(
            Unassigned(
                visit=gone.delivery_id,
                reasons=tuple(Reason(reason) for reason in gone.reasons),
                proven=gone.proven,
                detail=gone.detail,
            )
            for gone in self.connection.execute(
                select(unassigned).where(unassigned.c.plan_id == plan_id).order_by(unassigned.c.id)
            )
            if gone.delivery_id not in excluded
        )
        return SavedPlan(
            id=row.id,
            parent_id=row.parent_id,
            from_day=row.from_day,
            to_day=row.to_day,
            depot_ids=tuple(row.depot_ids),
            plan=Plan(
                routes=self._plan_routes(plan_id, problem),
                unassigned=left_out,
                cost=row.cost,
                served_by_tier=tuple((tier, served) for tier, served in row.served_by_tier),
                engine=row.engine,
                seed=row.seed,
                iterations=row.iterations,
                search_s=row.search_s,
            ),
            problem=problem,
            why=row.why,
            by=row.by,
            made_at=row.made_at,
        )

    def _plan_routes(self, plan_id: int, problem: Problem) -> tuple[PlannedRoute, ...]:
        def s(at: datetime) -> int:
            return round((at - problem.epoch).total_seconds())

        place_of = {place.site_id: place.index for place in problem.places if place.site_id is not None}
        visits: dict[int, list[int]] = defaultdict(list)
        stops: dict[int, list[PlannedStop]] = defaultdict(list)
        trips: dict[int, list[PlannedTrip]] = defaultdict(list)
        of_plan = route.c.plan_id == plan_id
        for row in self.connection.execute(
            select(stop_delivery.c.stop_id, stop_delivery.c.delivery_id)
            .join(stop, stop.c.id == stop_delivery.c.stop_id)
            .join(trip, trip.c.id == stop.c.trip_id)
            .join(route, route.c.id == trip.c.route_id)
            .where(of_plan)
            .order_by(stop_delivery.c.stop_id, stop_delivery.c.sequence)
        ):
            visits[row.stop_id].append(row.delivery_id)
        for row in self.connection.execute(
            select(stop)
            .join(trip, trip.c.id == stop.c.trip_id)
            .join(route, route.c.id == trip.c.route_id)
            .where(of_plan)
            .order_by(stop.c.trip_id, stop.c.sequence)
        ):
            stops[row.trip_id].append(
                PlannedStop(
                    place=place_of[row.site_id],
                    visits=tuple(visits[row.id]),
                    arrival_s=s(row.arrival),
                    start_s=s(row.start),
                    departure_s=s(row.departure),
                    distance_m=row.distance_m,
                    travel_s=row.travel_s,
                    load=tuple(row.load),
                )
            )
        for row in self.connection.execute(
            select(trip)
            .join(route, route.c.id == trip.c.route_id)
            .where(of_plan)
            .order_by(trip.c.route_id, trip.c.sequence)
        ):
            trips[row.route_id].append(
                PlannedTrip(
                    departure_s=s(row.departs_at),
                    return_s=s(row.returns_at),
                    stops=tuple(stops[row.id]),
                    distance_m=row.distance_m,
                )
            )
        return tuple(
            PlannedRoute(
                shift=row.shift_id,
                start_s=s(row.starts_at),
                end_s=s(row.ends_at),
                trips=tuple(trips[row.id]),
                breaks=tuple(
                    PlannedBreak(
                        break_id=pause["break_id"],
                        start_s=s(datetime.fromisoformat(pause["starts_at"])),
                        end_s=s(datetime.fromisoformat(pause["ends_at"])),
                        after_stop=pause["after_stop"],
                    )
                    for pause in row.breaks
                ),
                cost=row.cost,
            )
            for row in self.connection.execute(select(route).where(of_plan).order_by(route.c.sequence))
        )

    # ---- the pointer

    def current_plans(self, *, from_day: str, to_day: str, depot_ids: Sequence[int]) -> tuple[CurrentPlan, ...]:
        """Which plan holds for each depot and day that has one, by day and depot."""
        rows = self.connection.execute(
            select(current_plan)
            .where(current_plan.c.day >= from_day, current_plan.c.day <= to_day, current_plan.c.depot_id.in_(depot_ids))
            .order_by(current_plan.c.day, current_plan.c.depot_id)
        )
        return tuple(
            CurrentPlan(depot_id=row.depot_id, day=row.day, plan_id=row.plan_id, state=row.state) for row in rows
        )

    def point_to(self, *, plan_id: int, depot_id: int, day: str, instead_of: int | None) -> None:
        """Makes this plan the current one of the depot and day, if the current one is still `instead_of`.

        Raises Conflict when somebody else was faster.
        """
        if instead_of is None:
            values = {"depot_id": depot_id, "day": day, "plan_id": plan_id}
            done = self.insert_once(current_plan, values) is not None
        else:
            done = bool(
                self.connection.execute(
                    update(current_plan)
                    .where(
                        current_plan.c.depot_id == depot_id,
                        current_plan.c.day == day,
                        current_plan.c.plan_id == instead_of,
                    )
                    .values(plan_id=plan_id, version=current_plan.c.version + 1)
                ).rowcount
            )
        if not done:
            raise Conflict(
                f"The plan of {day_words(day)} was changed by somebody else meanwhile. Look at it and decide again.",
                code="plan_moved_on",
                day=day,
            )

    def set_plan_state(self, *, depot_id: int, day: str, state: str) -> None:
        self.connection.execute(
            update(current_plan)
            .where(current_plan.c.depot_id == depot_id, current_plan.c.day == day)
            .values(state=state, version=current_plan.c.version + 1)
        )

    # ---- locks

    def lock_delivery(
        self, *, day: str, delivery_id: int, shift_id: int | None, position: int | None, by: str, now: datetime
    ) -> None:
        """Keeps a person's decision for the next plan of the day, in place of an earlier one."""
        self.unlock_delivery(day=day, delivery_id=delivery_id)
        self.connection.execute(
            insert(plan_lock).values(
                day=day, delivery_id=delivery_id, shift_id=shift_id, position=position, by=by, at=now
            )
        )

    def unlock_delivery(self, *, day: str, delivery_id: int) -> bool:
        """False when there was no lock."""
        gone = self.connection.execute(
            delete(plan_lock).where(plan_lock.c.day == day, plan_lock.c.delivery_id == delivery_id)
        )
        return bool(gone.rowcount)

    # ---- a driver is out

    def set_shift_state(self, *, shift_id: int, state: str, why: str) -> None:
        """Raises Conflict when the shift is no longer planned."""
        done = self.connection.execute(
            update(shift)
            .where(shift.c.id == shift_id, shift.c.state == "planned")
            .values(state=state, why=why, version=shift.c.version + 1)
        )
        if not done.rowcount:
            raise Conflict(f"Shift {shift_id} is no longer as it was planned. Look at the plan again.", shift=shift_id)

    def set_shift_hours(self, *, shift_id: int, starts: str, ends: str, why: str) -> None:
        """Wall-clock times of its depot. Raises Conflict when the shift is no longer planned."""
        done = self.connection.execute(
            update(shift)
            .where(shift.c.id == shift_id, shift.c.state == "planned")
            .values(starts=starts, ends=ends, why=why, version=shift.c.version + 1)
        )
        if not done.rowcount:
            raise Conflict(f"Shift {shift_id} is no longer as it was planned. Look at the plan again.", shift=shift_id)

    def add_shift_like(self, *, shift_id: int, vehicle_id: int, driver_id: int, why: str) -> int:
        """Another shift with the hours, pauses and rates of that one, for a crew of one. Returns its id."""
        new_id = self.copy_shift(shift_id=shift_id, driver_id=driver_id, why=why)
        self.connection.execute(
            update(shift).where(shift.c.id == new_id).values(vehicle_id=vehicle_id, crew=1, replaces_id=None)
        )
        return new_id

    def copy_shift(self, *, shift_id: int, driver_id: int | None, why: str, vehicle_id: int | None = None) -> int:
        """A new shift like that one that replaces it, with another driver or vehicle. Returns its id."""
        row = self.connection.execute(select(shift).where(shift.c.id == shift_id)).mappings().one()
        values: dict[str, Any] = {
            column.name: row[column.name] for column in shift.columns if column.name not in ("id", "version")
        }
        values |= {"driver_id": driver_id, "state": "planned", "why": why, "replaces_id": shift_id}
        if vehicle_id is not None:
            values["vehicle_id"] = vehicle_id
        new_id: int = self.connection.execute(insert(shift).values(values).returning(shift.c.id)).scalar_one()
        for pause in self.connection.execute(
            select(shift_break).where(shift_break.c.shift_id == shift_id).order_by(shift_break.c.id)
        ).all():
            self.connection.execute(
                insert(shift_break).values(
                    shift_id=new_id, duration_s=pause.duration_s, earliest=pause.earliest, latest=pause.latest
                )
            )
        return new_id

    def swap_vehicle(self, *, shift_id: int, vehicle_id: int, driver_id: int | None, why: str) -> int:
        """A new shift like that one with another vehicle, which replaces it; the one it once was, when it goes back to
        that vehicle. Returns its id."""
        own = self.connection.execute(select(shift).where(shift.c.id == shift_id)).one()
        before = self.connection.scalar(
            update(shift)
            .where(
                shift.c.day == own.day,
                shift.c.vehicle_id == vehicle_id,
                shift.c.driver_id == driver_id,
                shift.c.starts == own.starts,
                shift.c.state == "replaced",
            )
            .values(state="planned", why=why, ends=own.ends, version=shift.c.version + 1)
            .returning(shift.c.id)
        )
        if before is not None:
            return int(before)
        return self.copy_shift(shift_id=shift_id, driver_id=driver_id, vehicle_id=vehicle_id, why=why)

    def set_ready_at(self, delivery_ids: Collection[int], *, at: datetime) -> None:
        """When the goods of these deliveries are at the depot."""
        self.connection.execute(
            update(delivery)
            .where(delivery.c.id.in_(delivery_ids), delivery.c.state == "released")
            .values(ready_at=at, version=delivery.c.version + 1)
        )

    def change_delivery_state(self, *, delivery_id: int, from_states: Sequence[str], to_state: str) -> None:
        """Raises Conflict when the delivery is in none of these states."""
        done = self.connection.execute(
            update(delivery)
            .where(delivery.c.id == delivery_id, delivery.c.state.in_(from_states))
            .values(state=to_state, version=delivery.c.version + 1)
        )
        if not done.rowcount:
            row = self.connection.execute(
                select(delivery.c.number, delivery.c.state).where(delivery.c.id == delivery_id)
            ).first()
            if row is None:
                raise NotFound(f"There is no delivery {delivery_id}.", delivery=delivery_id)
            raise Conflict(
                f"{row.number} is {row.state} by now, not {' or '.join(from_states)}. Look at the day again.",
                delivery=delivery_id,
            )

    def postpone_delivery(self, *, delivery_id: int, for_day: str, another_attempt: bool = False) -> None:
        """Moves the day a delivery is meant for; `another_attempt` counts one more."""
        self.connection.execute(
            update(delivery)
            .where(delivery.c.id == delivery_id)
            .values(
                for_day=for_day,
                attempts=delivery.c.attempts + (1 if another_attempt else 0),
                version=delivery.c.version + 1,
            )
        )
        expect_on_the_day_of(self.connection, delivery_id)
