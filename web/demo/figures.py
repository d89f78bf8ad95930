"""The figures of the demo's day, read from the database when the story is over."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from data.tables import (
    allocation,
    current_plan,
    delivery,
    movement,
    notice,
    order,
    order_line,
    plan,
    proof,
    route,
    stop,
    stop_delivery,
    trip,
    unassigned,
)


def figures(connection: Connection, *, day: date, zone: ZoneInfo) -> dict[str, Any]:
    """Counts of the day's chain, in the order in which it happened; `cost` in whole minor units.

    `attempts_yesterday` and `handed_over_yesterday` say how the closed day before went at the doors.
    """
    begins = datetime.combine(day, time(), tzinfo=zone)
    today = day.isoformat()

    def one(query: Any) -> int:
        return int(connection.execute(query).scalar_one() or 0)

    plan_ids = list(connection.scalars(select(current_plan.c.plan_id).where(current_plan.c.day == today).distinct()))
    in_plan = select(route.c.id).where(route.c.plan_id.in_(plan_ids))
    stops = select(stop.c.id).join(trip).where(trip.c.route_id.in_(in_plan))
    reasons = Counter(
        reason
        for row in connection.execute(select(unassigned.c.reasons).where(unassigned.c.plan_id.in_(plan_ids)))
        for reason in row.reasons
    )
    tiers: Counter[int] = Counter()
    for row in connection.execute(select(plan.c.served_by_tier).where(plan.c.id.in_(plan_ids))):
        for tier, served in row.served_by_tier:
            tiers[tier] += served
    attempts = select(proof.c.id).where(proof.c.captured_at >= begins - timedelta(days=1), proof.c.captured_at < begins)
    return {
        "orders": one(select(func.count()).select_from(order)),
        "lines": one(select(func.count()).select_from(order_line)),
        "units_ordered": one(select(func.sum(order_line.c.quantity - order_line.c.cancelled))),
        "units_allocated": one(
            select(func.sum(allocation.c.quantity - allocation.c.short - allocation.c.refused - allocation.c.damaged))
        ),
        "deliveries": one(select(func.count()).where(delivery.c.for_day == today)),
        "routes": one(select(func.count()).select_from(in_plan.subquery())),
        "stops": one(select(func.count()).select_from(stops.subquery())),
        "deliveries_planned": one(select(func.count()).where(stop_delivery.c.stop_id.in_(stops))),
        "left_out": one(select(func.count()).where(unassigned.c.plan_id.in_(plan_ids))),
        "left_out_reasons": dict(sorted(reasons.items())),
        "served_by_tier": {str(tier): tiers[tier] for tier in sorted(tiers, reverse=True)},
        "distance_m": one(select(func.sum(route.c.distance_m)).where(route.c.plan_id.in_(plan_ids))),
        "cost": one(select(func.sum(route.c.cost)).where(route.c.plan_id.in_(plan_ids))) // 1000,
        "units_loaded": one(
            select(func.sum(movement.c.quantity)).where(movement.c.why == "loaded", movement.c.at >= begins)
        ),
        "messages_sent": one(select(func.count()).where(notice.c.status == "sent", notice.c.sent_at >= begins)),
        "messages_waiting": one(select(func.count()).where(notice.c.status == "waiting")),
        "attempts_yesterday": one(select(func.count()).select_from(attempts.subquery())),
        "handed_over_yesterday": one(
            select(func.count()).where(proof.c.id.in_(attempts), proof.c.outcome == "delivered")
        ),
    }
