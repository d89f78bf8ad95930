"""Whose a delivery is when a driver's list is older than the plan: this van's, or another's by now."""

from __future__ import annotations

from collections.abc import Collection

from routing.model.carrying import Whereabouts


def with_another(where: Whereabouts, *, shifts: Collection[int], vehicle_id: int, only_if_listed: bool = False) -> str:
    """The van that has or takes the delivery instead of this one (its `shifts`, one turn); "" when none does.

    The ledger comes first: whatever a plan says, goods are on the van that they were loaded on. What is on no van goes
    with the route that takes it, with `only_if_listed` only if that route's driver knows of it.

    >>> on_van_5 = Whereabouts(vehicle_id=5, vehicle="Van 5", loaded_for=51, shift_id=31)
    >>> with_another(on_van_5, shifts=[31], vehicle_id=3), with_another(on_van_5, shifts=[51], vehicle_id=5)
    ('Van 5', '')

    The same van tomorrow is another van to who drove it today:

    >>> with_another(on_van_5, shifts=[50], vehicle_id=5)
    'Van 5'

    It lies at the depot, and the plan gives it to Van 5, whose driver has not heard of it:

    >>> planned = Whereabouts(shift_id=51, planned_vehicle="Van 5")
    >>> with_another(planned, shifts=[31], vehicle_id=3), with_another(
    ...     planned, shifts=[31], vehicle_id=3, only_if_listed=True
    ... )
    ('Van 5', '')
    """
    if where.vehicle_id is not None:
        loaded_for_us = where.loaded_for is None or where.loaded_for in shifts
        return "" if where.vehicle_id == vehicle_id and loaded_for_us else where.vehicle
    if where.shift_id is None or where.shift_id in shifts or (only_if_listed and not where.listed):
        return ""
    return where.planned_vehicle
