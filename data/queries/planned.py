"""What the current plans have, stop by stop: to select from."""

from __future__ import annotations

from data.tables import current_plan, route, shift, stop, stop_delivery, trip, vehicle

PLANNED = (
    current_plan.join(route, route.c.plan_id == current_plan.c.plan_id)
    .join(
        shift,
        # A plan of several days or depots is current for each by itself.
        (shift.c.id == route.c.shift_id)
        & (shift.c.depot_id == current_plan.c.depot_id)
        & (shift.c.day == current_plan.c.day),
    )
    .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
    .join(trip, trip.c.route_id == route.c.id)
    .join(stop, stop.c.trip_id == trip.c.id)
    .join(stop_delivery, stop_delivery.c.stop_id == stop.c.id)
)
"""Each delivery on its stop, trip, van and shift."""
