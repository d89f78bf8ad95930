"""How long drivers are at the wheel, day by day, as the plans that hold say, and what is more than a week allows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, or_, select

from data.store.part import parts
from data.tables import current_plan, driver, plan, route, shift, stop, trip
from routing.rules.driver_hours import monday_of, over_the_week, rule_of


def over_their_weeks(connection: Connection, plan_id: int) -> dict[int, tuple[str, ...]]:
    """By shift that this plan gives work, what its driver would break of the hours of a week and of two.

    Of its own depots and days this plan counts, of all others the one that holds. Only drivers under rules for their
    hours are asked about.
    """
    mine = connection.execute(
        select(shift.c.id, shift.c.day, shift.c.driver_id, driver.c.name, driver.c.rule_set)
        .join_from(route, shift, shift.c.id == route.c.shift_id)
        .join(driver, driver.c.id == shift.c.driver_id)
        .where(route.c.plan_id == plan_id, driver.c.rule_set != "none")
        .order_by(shift.c.id)
    ).all()
    if not mine:
        return {}
    first = monday_of(min(row.day for row in mine)) - timedelta(days=7)
    last = monday_of(max(row.day for row in mine)) + timedelta(days=13)
    drives = _drives(
        connection, plan_id, {row.driver_id for row in mine}, from_day=first.isoformat(), to_day=last.isoformat()
    )
    return {
        row.id: said
        for row in mine
        if (
            said := over_the_week(
                rule_of(row.rule_set, who=row.name), driver=row.name, day=row.day, drives=drives[row.driver_id]
            )
        )
    }


def _drives(
    connection: Connection, plan_id: int, driver_ids: Collection[int], *, from_day: str, to_day: str
) -> Mapping[int, Mapping[str, int]]:
    """Seconds at the wheel by driver and ISO day: the ways to the stops, and the way back of each trip."""
    asked = connection.execute(
        select(plan.c.from_day, plan.c.to_day, plan.c.depot_ids).where(plan.c.id == plan_id)
    ).one()
    found: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for part in parts(driver_ids):
        rows = connection.execute(
            select(
                shift.c.driver_id,
                shift.c.day,
                shift.c.depot_id,
                route.c.plan_id,
                route.c.breaks,
                trip.c.returns_at,
                func.sum(stop.c.travel_s).label("travel_s"),
                func.max(stop.c.departure).label("departure"),
            )
            .join_from(route, shift, shift.c.id == route.c.shift_id)
            .join(trip, trip.c.route_id == route.c.id)
            .join(stop, stop.c.trip_id == trip.c.id)
            .outerjoin(
                current_plan,
                and_(
                    current_plan.c.plan_id == route.c.plan_id,
                    current_plan.c.depot_id == shift.c.depot_id,
                    current_plan.c.day == shift.c.day,
                ),
            )
            .where(
                shift.c.driver_id.in_(part),
                shift.c.day >= from_day,
                shift.c.day <= to_day,
                or_(route.c.plan_id == plan_id, current_plan.c.id.is_not(None)),
            )
            .group_by(trip.c.id, shift.c.id, route.c.id)
        )
        for row in rows:
            is_asked = asked.from_day <= row.day <= asked.to_day and row.depot_id in asked.depot_ids
            if is_asked and row.plan_id != plan_id:
                continue
            found[row.driver_id][row.day] += row.travel_s + _way_back_s(row.departure, row.returns_at, row.breaks)
    return found


def _way_back_s(departure: datetime, returns_at: datetime, breaks: list[dict[str, str]]) -> int:
    """From the last stop of a trip to where it ends, without the breaks that are taken in between."""
    paused = sum(
        (
            datetime.fromisoformat(pause["ends_at"]) - datetime.fromisoformat(pause["starts_at"])
            for pause in breaks
            if departure <= datetime.fromisoformat(pause["starts_at"]) < returns_at
        ),
        timedelta(),
    )
    return round((returns_at - departure - paused).total_seconds())
